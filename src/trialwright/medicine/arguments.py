"""Reading arguments that are no amounts of a concept: plain numbers, levels, answers, and how many rows there are."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence, Sized
from typing import Any, TypeAlias, TypeVar, overload

import numpy as np
import numpy.typing as npt

from trialwright.medicine.amounts import as_known
from trialwright.medicine.known import MET, NOT_MET, Categories, Index, Known, Numbers
from trialwright.medicine.moments import Moments
from trialwright.statistics.arrays import as_numbers
from trialwright.vocabulary.intervals import Flags, Floats, Intervals
from trialwright.vocabulary.verdicts import Codes, Reason, as_codes

Levels: TypeAlias = "Categories | str | Iterable[str | None] | None"
"""What functions of this room take as a category: one name or a name for each row, None where it is not known."""

Answers: TypeAlias = "npt.NDArray[Any] | Sequence[bool | None] | bool | None"
"""What functions of this room take as yes or no: True, False or None for each row, or verdict codes (uint8)."""

_MISSING = np.uint8(Reason.MISSING.code)

_Part = TypeVar("_Part", Known, Categories, Moments, Codes)

OLDEST_YEARS = 130
"""No age beyond is that of a living person; the greatest documented one is 122."""


def as_plain(
    name: str, values: Numbers, *, least: float, most: float = np.inf, are_whole: bool = False
) -> Known:
    """Read numbers without a unit, or whose unit the argument's name tells.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    values : Known, Intervals or array-like of shape (n,) or ()
        NaN or None where missing.
    least, most : float
        What is possible, both included.
    are_whole : bool
        Whether numbers between whole ones are impossible.

    Returns
    -------
    known : Known of shape (n,)
        Missing ones are anything from `least` to `most`.

    Raises
    ------
    ValueError
        If a number is impossible, or an interval reaches below `least`. What is `Known` ends at what is possible.
    """
    if isinstance(values, Known | Intervals):
        known = values if isinstance(values, Known) else Known(values, Reason.CENSORED.code)
        is_measured = isinstance(values, Intervals)
        refused = (known.bounds.hi < least) | (known.bounds.lo > most)
        refused |= is_measured & (known.bounds.lo < least)
        if refused.any():
            position = int(np.argmax(refused))
            raise ValueError(
                f"`{name}[{position}]` must lie from {least:g} to {most:g}, not in {list(known.bounds)[position]}"
            )
        return known if least == -np.inf else known.clamped(least, most)

    def accept(array: Floats) -> Flags:
        is_possible = np.isfinite(array) & (array >= least) & (array <= most)
        return np.asarray(np.isnan(array) | (is_possible & ((array == np.floor(array)) | (not are_whole))))

    kind = "a whole number" if are_whole else "a finite number"
    top = f" to {most:g}" if most < np.inf else " up"
    expected = f"{kind}{'' if least == -np.inf else f' from {least:g}{top}'}, or missing"
    numbers = as_numbers(name, np.atleast_1d(values), expected=expected, accept=accept, may_be_empty=True)
    missing = np.isnan(numbers)
    bounds = Intervals(np.where(missing, least, numbers), np.where(missing, most, numbers))
    return Known(bounds, _MISSING)


def as_age(name: str, values: Numbers) -> Known:
    """Read ages in years."""
    return as_plain(name, values, least=0, most=OLDEST_YEARS)


def as_lengths(name: str, values: Numbers, *, unit: str | npt.ArrayLike) -> Known:
    """Read diameters on images in mm; a lesion of 0 mm is impossible, one that is gone has no diameter."""
    return as_known(name, values, concept="sum_of_diameters", unit=unit, to="mm", may_be_zero=False)


def as_levels(name: str, values: Levels, levels: Sequence[str]) -> Categories:
    """Read a category for each row.

    Raises
    ------
    ValueError
        If a name is not one of `levels`. A text that somebody has yet to decipher is passed as None, or as
        `Categories` with its reason.
    """
    if isinstance(values, Categories):
        if values.levels != tuple(levels):
            raise ValueError(
                f"`{name}` must have the levels {', '.join(levels)}, not {', '.join(values.levels)}"
            )
        return values
    listed = [values] if values is None or isinstance(values, str) else list(values)
    number: dict[str | None, int] = {level: position for position, level in enumerate(levels)}
    number[None] = -1
    for position, value in enumerate(listed):
        if value not in number:
            raise ValueError(
                f"`{name}[{position}]` must be one of {', '.join(levels)}, or None, not {value!r}"
            )
    found = np.array([number[value] for value in listed], dtype=np.intp)
    possible = (found[:, None] == np.arange(len(levels))) | (found[:, None] < 0)
    return Categories(levels, possible, _MISSING)


def as_answers(name: str, values: Answers) -> Codes:
    """Read yes or no for each row as verdict codes; None is unknown because missing.

    Raises
    ------
    ValueError
        If a value is neither True, False nor None, and the array is not one of verdict codes.
    """
    if isinstance(values, np.ndarray) and values.dtype == np.uint8:
        return np.atleast_1d(as_codes(values))
    listed = list(values) if isinstance(values, np.ndarray | Sequence) else [values]
    for position, value in enumerate(listed):
        if value is not None and not isinstance(value, bool | np.bool_):
            raise ValueError(f"`{name}[{position}]` must be True, False or None, not {value!r}")
    codes = [int(_MISSING) if value is None else MET if value else NOT_MET for value in listed]
    return np.array(codes, dtype=np.uint8)


def places_of(name: str, labels: Iterable[Hashable], *, people: Sequence[Hashable]) -> Index:
    """For each label its position among the people asked for, -1 where it is none of them.

    Raises
    ------
    ValueError
        If a label is missing (None or NaN): whose row it is must be known; or if `people` has one twice.
    """
    places = {label: place for place, label in enumerate(people)}
    if len(places) != len(people):
        raise ValueError("`people` must not name anyone twice")
    found = []
    for position, label in enumerate(labels):
        if label is None or label != label:  # NaN differs from itself
            raise ValueError(f"`{name}[{position}]` must be a label, not {label!r}")
        found.append(places.get(label, -1))
    return np.array(found, np.intp)


def row_count(**parts: Sized) -> int:
    """The number of rows of the arguments of one call; single values count for all rows.

    Raises
    ------
    ValueError
        If two have several rows and not the same number.
    """
    name, length = max(((name, len(part)) for name, part in parts.items()), key=lambda part: part[1] != 1)
    for other, part in parts.items():
        if len(part) not in (1, length):
            raise ValueError(f"`{other}` must have as many rows as `{name}`, {length}, not {len(part)}")
    return length


@overload
def spread(part: Known, n: int) -> Known: ...
@overload
def spread(part: Categories, n: int) -> Categories: ...
@overload
def spread(part: Moments, n: int) -> Moments: ...
@overload
def spread(part: Codes, n: int) -> Codes: ...
def spread(part: Known | Categories | Moments | Codes, n: int) -> Known | Categories | Moments | Codes:
    """The same with `n` rows, where it is one value for all of them."""
    if len(part) == n:
        return part
    rows = np.zeros(n, dtype=np.intp)
    if isinstance(part, Categories):
        return Categories(part.levels, part.possible[rows], part.reasons[rows])
    return part[rows]


def aligned(**parts: _Part) -> list[_Part]:
    """The arguments of one call, in their order, with as many rows each; ValueError as for `row_count`."""
    n = row_count(**parts)
    return [spread(part, n) for part in parts.values()]
