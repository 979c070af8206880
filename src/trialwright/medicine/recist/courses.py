"""Courses: the time points of one subject as one reader saw them, in the order of their dates.

Labels of any kind become numbers here, once; everything else counts on whole numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from trialwright.statistics.arrays import as_codes

Index = npt.NDArray[np.intp]
Dates = npt.NDArray[np.datetime64]
Days = npt.NDArray[np.int64]
Labels = npt.NDArray[Any]

NEVER = np.iinfo(np.int64).max
"""Stands for the day of what did not happen; later than any other."""


@dataclass(frozen=True, slots=True, eq=False)
class Courses:
    """Assessments sorted by course and date.

    Attributes
    ----------
    course : ndarray of int of shape (n,)
        Rising whole numbers from 0.
    day : ndarray of int64 of shape (n,)
        Days since 1970-01-01, rising within a course.
    order : ndarray of int of shape (n,)
        Where each sorted assessment stood in the arguments; `back` is its inverse.
    """

    course: Index
    day: Days
    order: Index

    @classmethod
    def of(cls, course: npt.ArrayLike, date: npt.ArrayLike, *, n_courses: int) -> Courses:
        """Sort assessments.

        Raises
        ------
        ValueError
            If a course is not a whole number from 0 to `n_courses - 1`, a date is missing, or a course has
            two assessments of one date.
        """
        courses = np.asarray(course)
        if courses.ndim != 1 or (len(courses) and courses.dtype.kind not in "iu"):
            raise ValueError("`course` must hold whole numbers, in one dimension")
        refused = (courses < 0) | (courses >= n_courses)
        if refused.any():
            position = int(np.argmax(refused))
            raise ValueError(
                f"`course[{position}]` must lie between 0 and {n_courses - 1}, not {courses[position]}"
            )
        courses = courses.astype(np.intp)
        days = as_dates("date", date, length=len(courses)).astype(np.int64)
        rising = (courses[1:] > courses[:-1]) | ((courses[1:] == courses[:-1]) & (days[1:] > days[:-1]))
        order = np.arange(len(courses)) if rising.all() else np.lexsort((days, courses))
        found = cls(courses[order], days[order], order)
        twice = (position_in_course(found.course) > 0) & (np.diff(found.day, prepend=0) == 0)
        if twice.any():
            position = int(found.order[np.argmax(twice)])
            day = np.datetime64(int(days[position]), "D")
            raise ValueError(f"course {courses[position]} has two assessments on {day}")
        return found

    def __len__(self) -> int:
        return len(self.course)

    def back(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Sorted values in the order of the arguments."""
        unsorted = np.empty_like(values)
        unsorted[self.order] = values
        return unsorted


def position_in_course(course: Index) -> Index:
    """Of each assessment among those of its course, from 0; courses rise."""
    index = np.arange(len(course))
    is_first = np.diff(course, prepend=-1) != 0
    return np.asarray(index - np.maximum.accumulate(np.where(is_first, index, 0))) if len(course) else index


def steps(course: Index) -> Iterator[Index]:
    """Rows of the first assessments of all courses, then of the second ones, and so on; courses rise.

    Rules that look back walk these steps: each is an array operation over all courses that reach it.
    """
    position = position_in_course(course)
    ordered = np.argsort(position, kind="stable")
    counts = np.bincount(position)
    end = 0
    for count in counts.tolist():
        yield ordered[end : end + count]
        end += count


def running(flags: npt.NDArray[np.bool_]) -> Index:
    """How many are set before each position; one longer than `flags`."""
    return np.concatenate(([0], np.cumsum(flags)))


def some_before(course: Index, flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Whether the flag is set at an earlier assessment of the course."""
    before = running(flags)[:-1]
    return np.asarray(before > before[np.arange(len(course)) - position_in_course(course)])


def some_after(course: Index, flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Whether the flag is set at a later assessment of the course."""
    total = running(flags)
    return np.asarray(total[np.searchsorted(course, course, side="right")] > total[1:])


def number(name: str, labels: npt.ArrayLike, *, length: int | None = None) -> tuple[Labels, Index]:
    """The distinct labels, sorted, and for each row which of them it has.

    Raises
    ------
    ValueError
        If a label is missing, labels cannot be sorted among each other, or the length is another.
    """
    array = np.asarray(labels)
    if array.ndim != 1 or (length is not None and len(array) != length):
        needed = "one dimension" if length is None else f"{length} values"
        raise ValueError(f"`{name}` must have {needed}, not shape {array.shape}")
    if array.dtype.kind in "iu" and len(array):
        least, most = int(array.min()), int(array.max())
        if most - least <= 4 * len(array):  # a table of what occurs is faster than sorting
            offset = array.astype(np.int64) - least
            occurs = np.zeros(most - least + 1, dtype=np.bool_)
            occurs[offset] = True
            return np.flatnonzero(occurs) + least, np.asarray((np.cumsum(occurs) - 1)[offset], np.intp)
    if array.dtype.kind in "iuM":
        if array.dtype.kind == "M" and np.isnat(array).any():
            raise ValueError(f"`{name}[{int(np.argmax(np.isnat(array)))}]` must be a label, not NaT")
        distinct, codes = np.unique(array, return_inverse=True)
        return distinct, codes.astype(np.intp)
    levels, numbers = as_codes(name, array.tolist(), length=len(array))
    distinct = np.empty(len(levels), dtype=object)
    distinct[:] = levels
    return distinct, numbers.astype(np.intp)


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


def days_or_never(name: str, dates: npt.ArrayLike | None, length: int) -> Days:
    """Days since 1970-01-01, the greatest integer where a date is missing; all of them where none are
    given."""
    if dates is None:
        return np.full(length, NEVER)
    array = as_dates(name, dates, length=length, may_be_missing=True)
    return np.where(np.isnat(array), NEVER, array.astype(np.int64))


def earliest(course: Index, days: Days, n_courses: int) -> Days:
    """The least day of each course; `NEVER` where it has none."""
    found = np.full(n_courses, NEVER)
    np.minimum.at(found, course, days)
    return found


def as_date_or_nat(days: Days) -> Dates:
    """Dates of days since 1970-01-01, NaT for `NEVER`."""
    never = days == NEVER
    dates = np.where(never, 0, days).astype("datetime64[D]")
    dates[never] = np.datetime64("NaT")
    return dates


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
