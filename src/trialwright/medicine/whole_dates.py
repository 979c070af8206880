"""Reading arguments that are whole dates: one known to the month or year only is refused, never completed."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

Dates = npt.NDArray[np.datetime64]


def as_dates(
    name: str, dates: npt.ArrayLike, *, length: int | None = None, may_be_missing: bool = False
) -> Dates:
    """Whole dates, one for each row; where a length is given, one date may stand for all rows.

    Raises
    ------
    ValueError
        If a value is no date, is known to the month or year only, is missing though none may be, or the
        length is another.
    """
    if isinstance(dates, np.ndarray) and dates.dtype.kind == "M":
        if not _is_whole(dates.dtype):
            raise ValueError(f"`{name}` must hold dates (year, month and day), not {dates.dtype}")
        array = dates.astype("datetime64[D]")
    else:
        given = np.asarray(dates, dtype=object)
        array = np.array([_as_date(name, value) for value in given.ravel()], "datetime64[D]").reshape(
            given.shape
        )
    if array.ndim == 0 and length is not None:
        array = np.full(length, array)
    if array.ndim != 1 or (length is not None and len(array) != length):
        needed = "one dimension" if length is None else f"{length} values"
        raise ValueError(f"`{name}` must have {needed}, not shape {array.shape}")
    missing = np.isnat(array)
    if missing.any() and not may_be_missing:
        raise ValueError(f"`{name}[{int(np.argmax(missing))}]` must be a date, not missing")
    return array


_WHOLE_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*)?")


def _is_whole(dtype: np.dtype[Any]) -> bool:
    return np.datetime_data(dtype)[0] not in ("Y", "M", "W")


def _as_date(name: str, value: Any) -> np.datetime64:
    if value is None or value != value:  # NaT and NaN differ from themselves
        return np.datetime64("NaT", "D")
    is_date = isinstance(value, date) or (isinstance(value, np.datetime64) and _is_whole(value.dtype))
    if is_date or (isinstance(value, str) and _WHOLE_DATE.fullmatch(value)):
        try:
            return np.datetime64(value, "D") if not isinstance(value, str) else np.datetime64(value[:10], "D")
        except ValueError:
            pass
    raise ValueError(f"`{name}` must hold dates (year, month and day), not {value!r}")
