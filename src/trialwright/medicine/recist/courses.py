"""Courses: the time points of one subject as one reader saw them, in the order of their dates.

Labels of any kind become numbers here, once; everything else counts on whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trialwright.medicine.whole_dates import Dates, as_dates
from trialwright.statistics.arrays import as_codes

Index = npt.NDArray[np.intp]
Days = npt.NDArray[np.int64]
Labels = npt.NDArray[Any]

NEVER = np.iinfo(np.int64).max
"""Stands for the day of what did not happen; later than any other."""


@dataclass(frozen=True, slots=True, eq=False)
class Courses:
    """Assessments sorted by course and date, each date of a course once.

    Attributes
    ----------
    course : ndarray of int of shape (n,)
        Rising whole numbers from 0.
    day : ndarray of int64 of shape (n,)
        Days since 1970-01-01, rising within a course.
    order : ndarray of int of shape (n,)
        Where each sorted assessment stood in the arguments, the first of its date.
    row : ndarray of int of shape (n_rows,)
        Which sorted assessment each row of the arguments is; `back` uses it.
    differs : ndarray of bool of shape (n,)
        Whether rows of the same date say different things: nobody knows which of them counts.
    """

    course: Index
    day: Days
    order: Index
    row: Index
    differs: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, course: Index, day: Days, *told: npt.NDArray[Any]) -> Courses:
        """Sort assessments.

        Parameters
        ----------
        course : ndarray of int of shape (n_rows,)
            As `course_numbers` reads them.
        day : ndarray of int64 of shape (n_rows,)
        told : arrays of shape (n_rows,)
            What the assessments say: rows of one date that agree in all of it are one assessment.
        """
        n = len(course)
        rising = (course[1:] > course[:-1]) | ((course[1:] == course[:-1]) & (day[1:] > day[:-1]))
        if rising.all():
            return cls(course, day, np.arange(n), np.arange(n), np.zeros(n, np.bool_))
        order = np.lexsort((day, course))
        again = (np.diff(course[order]) == 0) & (np.diff(day[order]) == 0)
        is_first = np.append(True, ~again)
        other = np.zeros(n, np.bool_)
        for column in told:
            one, next_one = column[order][:-1], column[order][1:]
            other[1:] |= again & (one != next_one) & ~((one != one) & (next_one != next_one))
        number_of = np.cumsum(is_first) - 1
        row = np.empty(n, np.intp)
        row[order] = number_of
        first = order[is_first]
        differs = np.bincount(number_of[other], minlength=len(first)) > 0
        return cls(course[first], day[first], first, row, differs)

    def __len__(self) -> int:
        return len(self.course)

    def __getitem__(self, kept: npt.NDArray[np.bool_]) -> Courses:
        """Some of the assessments, from now on the only ones."""
        index = np.arange(int(kept.sum()))
        return Courses(self.course[kept], self.day[kept], index, index, self.differs[kept])

    def back(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values of the sorted assessments for each row of the arguments."""
        return values[self.row]

    def contradicted(self, n_courses: int) -> npt.NDArray[np.bool_]:
        """For each course whether rows of one date say different things."""
        found = np.zeros(n_courses, np.bool_)
        found[self.course[self.differs]] = True
        return found


def course_numbers(course: npt.ArrayLike, *, n_courses: int | None = None) -> tuple[Index, int]:
    """The course of each row, and how many courses there are: as many as named, if no number is given.

    Raises
    ------
    ValueError
        If a course is not a whole number from 0 to `n_courses - 1`.
    """
    courses = np.asarray(course)
    if courses.ndim != 1 or (len(courses) and courses.dtype.kind not in "iu"):
        raise ValueError("`course` must hold whole numbers, in one dimension")
    m = int(courses.max(initial=-1)) + 1 if n_courses is None else n_courses
    refused = (courses < 0) | (courses >= m)
    if refused.any():
        position = int(np.argmax(refused))
        raise ValueError(f"`course[{position}]` must lie between 0 and {m - 1}, not {courses[position]}")
    return courses.astype(np.intp), m


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
