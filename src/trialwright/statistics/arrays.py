"""Reading the arguments of this room: what is not a proper number or label raises, with its name, position and value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def as_numbers(
    name: str,
    values: ArrayLike,
    *,
    expected: str = "a finite number",
    accept: Callable[[Floats], NDArray[np.bool_]] = np.isfinite,
    length: int | None = None,
    may_be_empty: bool = False,
) -> Floats:
    """Convert `values` to a one-dimensional array of floats.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    values : array-like of shape (n,)
        Numbers or booleans; None and NaN both mean missing.
    expected : str
        What `accept` asks for, completing "must be ...".
    accept : callable
        Gives True for each value that may pass; missing values arrive as NaN.
    length : int, optional
        The length that `values` must have.
    may_be_empty : bool
        Whether no value at all may pass.

    Raises
    ------
    ValueError
        If `values` is empty, not one-dimensional, of another length, or holds what `accept` refuses.
    """
    array = _numeric(name, values, expected)
    if array.ndim != 1:
        raise ValueError(f"`{name}` must be one-dimensional, not of shape {array.shape}")
    if not (len(array) or may_be_empty):
        raise ValueError(f"`{name}` must hold at least one value")
    if length is not None and len(array) != length:
        raise ValueError(f"`{name}` must have {length} values, not {len(array)}")
    refused = ~accept(array)
    if refused.any():
        position = int(np.argmax(refused))
        raise ValueError(f"`{name}[{position}]` must be {expected}, not {_item(values, position)}")
    return array


def as_matrix(name: str, values: ArrayLike, column_names: Sequence[str], *, length: int) -> Floats:
    """Convert `values` to a matrix of finite floats with `length` rows and one column per name.

    Raises
    ------
    ValueError
        If the shape is another, or a value is missing, infinite or no number.
    """
    array = _numeric(name, values, "a finite number")
    shape = (length, len(column_names))
    if array.shape != shape:
        raise ValueError(f"`{name}` must have shape {shape} (rows, names), not {array.shape}")
    refused = np.argwhere(~np.isfinite(array))
    if len(refused):
        row, column = (int(i) for i in refused[0])
        raise ValueError(
            f"`{name}[{row}, {column}]` (`{column_names[column]}`) must be a finite number, not {array[row, column]}"
        )
    return array


def as_codes(name: str, labels: Iterable[Any], *, length: int) -> tuple[list[Any], NDArray[np.int64]]:
    """Number the labels: the distinct ones in sorted order, and for each position which of them it is.

    Raises
    ------
    ValueError
        If a label is missing (None or NaN), labels cannot be sorted among each other, or the length is another.
    """
    plain = [label.item() if isinstance(label, np.generic) else label for label in labels]
    if len(plain) != length:
        raise ValueError(f"`{name}` must have {length} values, not {len(plain)}")
    for position, label in enumerate(plain):
        if label is None or label != label:  # NaN differs from itself
            raise ValueError(f"`{name}[{position}]` must be a label, not {label!r}")
    try:
        levels = sorted(set(plain))
    except TypeError:
        kinds = " and ".join(sorted({type(label).__name__ for label in plain}))
        raise ValueError(f"`{name}` must hold labels of one kind, not of {kinds}") from None
    number = {level: code for code, level in enumerate(levels)}
    return levels, np.array([number[label] for label in plain], dtype=np.int64)


def check_inside(name: str, value: float, low: float, high: float) -> None:
    """Raise ValueError unless `value` lies between two bounds, themselves excluded."""
    if not low < value < high:
        wanted = f"between {low} and {high}" if math.isfinite(high) else f"finite and above {low}"
        raise ValueError(f"`{name}` must be {wanted}, not {value!r}")


def check_whole(name: str, value: int, least: int | None = None, most: int | None = None) -> None:
    """Raise ValueError unless `value` is a whole number, and within bounds, themselves included; True and False are none."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or (least is not None and value < least) or (most is not None and value > most):
        wanted = (
            "" if least is None else f" of {least} or more" if most is None else f" from {least} to {most}"
        )
        raise ValueError(f"`{name}` must be a whole number{wanted}, not {value!r}")


def check_option(name: str, value: str, options: tuple[str, ...]) -> None:
    """Raise ValueError unless `value` is one of `options`."""
    if value not in options:
        raise ValueError(f"`{name}` must be one of {', '.join(options)}, not {value!r}")


def _numeric(name: str, values: ArrayLike, expected: str) -> Floats:
    if np.ma.is_masked(values):
        raise ValueError(f"`{name}` must not be masked: give missing values as NaN, or leave them out")
    try:
        array = np.asarray(values)
    except ValueError:  # rows of unequal length
        array = np.asarray(values, dtype=object)
    if array.ndim == 0:
        raise ValueError(f"`{name}` must be one-dimensional, not a single value")
    if array.dtype.kind not in "biuf":
        for position, value in np.ndenumerate(np.asarray(values, dtype=object)):
            if value is not None and not isinstance(value, Real | np.bool_):
                place = ", ".join(map(str, position))
                raise ValueError(f"`{name}[{place}]` must be {expected}, not {value!r}")
    return array.astype(float)


def _item(values: ArrayLike, position: int) -> str:
    value: Any = np.asarray(values)[position]
    return repr(value.item() if isinstance(value, np.generic) else value)
