"""Lesions as readers record them, in long arrays, and the time points they make.

One row is one lesion seen by one reader at one time point. Rows may come in any order. A target without a row
at a time point was not measured there; two rows that contradict each other count as not measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trialwright.medicine.recist.courses import Index, Labels, number
from trialwright.medicine.recist.criteria import RECIST_1_1, ResponseCriteria
from trialwright.medicine.recist.responses import Flags, Role, State, Words, as_flags, as_words
from trialwright.medicine.whole_dates import Dates, as_dates
from trialwright.statistics.arrays import as_numbers
from trialwright.vocabulary.units import conversion_factor

Floats = npt.NDArray[np.float64]
NANOMETRES = 6
"""Decimals of a mm that are kept when another unit is converted, so that 1.15 cm is 11.5 mm."""


@dataclass(frozen=True, slots=True, eq=False)
class TimePoints:
    """The time points of all courses, sorted by subject, reader and date.

    Attributes
    ----------
    subject, reader : ndarray of shape (n_courses,)
        Labels of each course; the reader is None where none was given.
    course : ndarray of int of shape (n,)
    first_date, last_date : ndarray of datetime64[D] of shape (n,)
        Of the scans that make up the time point; `last_date` orders them.
    is_baseline : ndarray of bool of shape (n,)
    is_follow_up : ndarray of bool of shape (n,)
        After the baseline, or in a course that has none.
    has_baseline : ndarray of bool of shape (n_courses,)
    """

    subject: Labels
    reader: Labels
    course: Index
    first_date: Dates
    last_date: Dates
    is_baseline: Flags
    is_follow_up: Flags
    has_baseline: Flags

    def __len__(self) -> int:
        return len(self.course)

    @property
    def n_courses(self) -> int:
        return len(self.subject)

    def locate(
        self, subject: npt.ArrayLike, date: npt.ArrayLike, reader: npt.ArrayLike | None = None
    ) -> Index:
        """Which time point each subject (seen by a reader) has on a date: from its first to its last scan.

        Returns
        -------
        index : ndarray of int of shape (n,)
            -1 where there is none.
        """
        who = np.asarray(subject).tolist()
        by = [None] * len(who) if reader is None else np.asarray(reader).tolist()
        numbers = {
            label: i for i, label in enumerate(zip(self.subject.tolist(), self.reader.tolist(), strict=True))
        }
        course = np.array([numbers.get(label, -1) for label in zip(who, by, strict=True)], np.intp)
        if not len(self):
            return np.full(len(course), -1)
        days = as_dates("date", date, length=len(course)).astype(np.int64)
        first, last = self.first_date.astype(np.int64), self.last_date.astype(np.int64)
        origin, width = last.min(), last.max() - last.min() + 1
        day = np.clip(days, origin, last.max())
        found = np.searchsorted(self.course * width + last - origin, course * width + day - origin)
        at = np.minimum(found, len(self) - 1)
        fits = (course >= 0) & (self.course[at] == course) & (first[at] <= days) & (days <= last[at])
        return np.where(fits, at, -1)


@dataclass(frozen=True, slots=True, eq=False)
class Lesions:
    """Validated rows: at most one for each lesion and time point, sorted by both. Made by `read_lesions`.

    Attributes
    ----------
    points : TimePoints
    at : ndarray of int of shape (n,)
        Time point of each row.
    lesion : ndarray of int of shape (n,)
        Which lesion of which course.
    diameter_mm : ndarray of float of shape (n,)
        NaN where not measured: the longest diameter, of nodes the short axis.
    state : ndarray of uint8 of shape (n,)
        `State`.
    first_date, last_date : ndarray of datetime64[D] of shape (n,)
        Of the scans that show the lesion.
    is_contradicted : ndarray of bool of shape (n,)
        Rows made of several that differ, or measured though absent: they count as not assessed.
    label : ndarray of shape (n_lesions,)
        Name of each lesion in its course; `role`, `is_node` and `course` likewise.
    """

    points: TimePoints
    at: Index
    lesion: Index
    diameter_mm: Floats
    state: Words
    first_date: Dates
    last_date: Dates
    is_contradicted: Flags
    label: Labels
    role: Words
    is_node: Flags
    course: Index

    def __len__(self) -> int:
        return len(self.at)

    def of_role(self, role: Role) -> Flags:
        """The rows of lesions followed as this."""
        return np.asarray(self.role[self.lesion] == role)

    @property
    def is_at_baseline(self) -> Flags:
        """For each lesion, whether it has a row at the baseline."""
        found = np.zeros(len(self.label), dtype=np.bool_)
        found[self.lesion[self.points.is_baseline[self.at]]] = True
        return found


def read_lesions(
    *,
    subject: npt.ArrayLike,
    date: npt.ArrayLike,
    lesion: npt.ArrayLike,
    role: npt.ArrayLike,
    is_node: npt.ArrayLike,
    diameter: npt.ArrayLike,
    unit: str | npt.ArrayLike,
    is_baseline: npt.ArrayLike,
    state: npt.ArrayLike | None = None,
    reader: npt.ArrayLike | None = None,
    time_point: npt.ArrayLike | None = None,
    part: npt.ArrayLike | None = None,
    criteria: ResponseCriteria = RECIST_1_1,
) -> Lesions:
    """Bring the rows of readers into order.

    Parameters
    ----------
    subject, lesion : array-like of shape (n,)
        Labels of one kind each; whole numbers are read fastest.
    date : array-like of datetime64[D] of shape (n,)
        Of the scan.
    role : array-like of `Role` codes of shape (n,)
    is_node : array-like of bool of shape (n,)
    diameter : array-like of float of shape (n,)
        Longest diameter, of nodes the short axis; NaN where not measured.
    unit : str, or array-like of str of shape (n,)
        Unit of length of the diameters.
    is_baseline : array-like of bool of shape (n,)
        Rows of the baseline; of one course they are one time point, whatever their dates.
    state : array-like of `State` codes of shape (n,), optional
        Targets may be absent, present or too small to measure; non-targets also progressed; new lesions
        absent, equivocal or unequivocal. A target that is `ABSENT` counts 0 mm, one that is `TOO_SMALL` what
        the criteria say, unless measured.
    reader : array-like of shape (n,), optional
        Labels; each reader's course stands for itself.
    time_point : array-like of shape (n,), optional
        Labels of assessments whose scans lie on several dates. Without it each date is a time point.
    part : array-like of shape (n,), optional
        Numbers the parts of a lesion that has split; their diameters are added.
    criteria : ResponseCriteria

    Returns
    -------
    lesions : Lesions

    Raises
    ------
    ValueError
        If a diameter is negative or infinite, a unit is none of length, a date or label is missing, a length
        differs, a state does not fit the role, or a lesion is a node in some rows and not in others, or has
        two roles.
    """
    subjects, subject_of = number("subject", subject)
    n = len(subject_of)
    readers, reader_of = number("reader", np.zeros(n, np.intp) if reader is None else reader, length=n)
    dates = as_dates("date", date, length=n)
    baseline = as_flags("is_baseline", is_baseline, n)
    courses, course = number("course", subject_of * len(readers) + reader_of)

    label = dates.astype(np.int64) if time_point is None else time_point
    _, time_label = number("time_point", label, length=n)
    time_label = np.where(baseline, 0, time_label + 1)
    subject_label = subjects[courses // len(readers)]
    reader_label = readers[courses % len(readers)] if reader is not None else np.full(len(courses), None)

    names, name_of = number("lesion", lesion, length=n)
    width = max(len(names), 1)
    lesions, lesion_of = number("lesion", course * width + name_of)
    labels = names[lesions % width]
    roles = as_words(Role, "role", role, length=n)
    nodes = as_flags("is_node", is_node, n)
    states = _states(state, roles)
    millimetres = as_millimetres("diameter", diameter, unit=unit, length=n)
    counted, contradicted = _with_state(millimetres, states, criteria)
    parts = np.zeros(n, np.intp) if part is None else number("part", part, length=n)[1]

    visit = course * (int(time_label.max(initial=0)) + 1) + time_label
    order = _order(visit * width + name_of, parts)
    dates = dates[order]
    points, at = _find_points(course[order], visit[order], dates, baseline[order], len(courses))
    rows = _one_for_each(
        at, lesion_of[order], parts[order], counted[order], states[order], dates, contradicted[order]
    )
    return Lesions(
        TimePoints(subject_label, reader_label, *points),
        *rows,
        labels,
        _of_lesion("role", roles, lesion_of, labels),
        _of_lesion("is_node", nodes.astype(np.uint8), lesion_of, labels).astype(np.bool_),
        lesions // width,
    )


def as_millimetres(
    name: str, diameters: npt.ArrayLike, *, unit: str | npt.ArrayLike, length: int | None = None
) -> Floats:
    """Diameters in mm; NaN and None stay missing.

    Raises
    ------
    ValueError
        If a diameter is negative or infinite, or the unit of one that is not missing is none of length.

    Examples
    --------
    >>> as_millimetres("diameter", [1.15, 23], unit=["cm", "mm"])
    array([11.5, 23. ])
    """
    values = as_numbers(
        name,
        diameters,
        expected="a finite number of at least 0, or missing",
        accept=lambda array: np.isnan(array) | (np.isfinite(array) & (array >= 0)),
        length=length,
        may_be_empty=True,
    )
    if isinstance(unit, str):
        return _converted(name, values, unit)
    units = np.asarray(unit, dtype=object)
    if units.shape != values.shape:
        raise ValueError(
            f"the unit of `{name}` must be one text, or {len(values)} of them, not shape {units.shape}"
        )
    result = np.full(len(values), np.nan)
    measured = ~np.isnan(values)
    for text in set(units[measured].tolist()):
        rows = measured & (units == text)
        if not isinstance(text, str):
            raise ValueError(f"unit of `{name}[{int(np.argmax(rows))}]` must be one of length, not {text!r}")
        result[rows] = _converted(name, values[rows], text)
    return result


_ALLOWED = {
    Role.TARGET: (State.ABSENT, State.PRESENT, State.TOO_SMALL),
    Role.NON_TARGET: (State.ABSENT, State.PRESENT, State.TOO_SMALL, State.PROGRESSED),
    Role.NEW: (State.ABSENT, State.EQUIVOCAL, State.UNEQUIVOCAL),
}
_IS_ALLOWED = np.array(
    [[state == State.NOT_ASSESSED or state in _ALLOWED[role] for state in State] for role in Role]
)


def _states(state: npt.ArrayLike | None, roles: Words) -> Words:
    if state is None:
        return np.full(len(roles), State.NOT_ASSESSED, np.uint8)
    states = as_words(State, "state", state, length=len(roles))
    allowed = _IS_ALLOWED[roles, states]
    if not allowed.all():
        position = int(np.argmin(allowed))
        role, found = Role(int(roles[position])), State(int(states[position]))
        words = ", ".join(word.word for word in _ALLOWED[role])
        raise ValueError(
            f"`state[{position}]` of a {role.word} lesion must be one of {words}, not {found.word}"
        )
    return states


def _converted(name: str, values: Floats, unit: str) -> Floats:
    try:
        factor = float(conversion_factor(unit, "mm"))
    except ValueError as trouble:
        raise ValueError(f"unit of `{name}`: {trouble}") from None
    return values if factor == 1 else np.asarray(np.round(values * factor, NANOMETRES))


def _of_lesion(name: str, values: Words, lesion: Index, labels: Labels) -> Words:
    """What all rows of each lesion say."""
    said = np.zeros(len(labels), values.dtype)
    said[lesion] = values
    differs = said[lesion] != values
    if differs.any():
        position = int(np.argmax(differs))
        label = labels[lesion[position]]
        raise ValueError(f"`{name}[{position}]` must be the same in all rows of lesion {label!r}")
    return said


def _order(key: Index, part: Index) -> Index:
    if part.any():
        return np.lexsort((part, key))
    return np.argsort(key, kind="stable") if (np.diff(key) < 0).any() else np.arange(len(key))


def _find_points(
    course: Index, visit: Index, dates: Dates, baseline: Flags, n_courses: int
) -> tuple[tuple[Index, Dates, Dates, Flags, Flags, Flags], Index]:
    """Time points without the labels of their courses, and which of them each of the sorted rows belongs
    to."""
    is_first = np.diff(visit, prepend=-1) != 0
    starts = np.flatnonzero(is_first)
    at = np.cumsum(is_first) - 1
    days, of, is_baseline = dates.astype(np.int64), course[starts], baseline[starts]
    first, last = (
        extreme.reduceat(days, starts) if len(starts) else days for extreme in (np.minimum, np.maximum)
    )
    order = np.lexsort((~is_baseline, last, of))
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    of, is_baseline = of[order], is_baseline[order]
    where = np.full(n_courses, -1)
    where[of[is_baseline]] = np.flatnonzero(is_baseline)
    follow_up = np.arange(len(of)) > where[of]
    first_date, last_date = first[order].astype("datetime64[D]"), last[order].astype("datetime64[D]")
    return (of, first_date, last_date, is_baseline, follow_up, where >= 0), rank[at]


def _with_state(diameters: Floats, states: Words, criteria: ResponseCriteria) -> tuple[Floats, Flags]:
    """Diameters as they count, and rows that are measured though said to be absent."""
    unmeasured = np.isnan(diameters)
    counted = np.where(unmeasured & (states == State.ABSENT), 0.0, diameters)
    counted = np.where(unmeasured & (states == State.TOO_SMALL), criteria.too_small_mm, counted)
    return counted, np.asarray((states == State.ABSENT) & (diameters > 0))


def _one_for_each(
    at: Index, lesion: Index, part: Index, diameters: Floats, states: Words, dates: Dates, contradicted: Flags
) -> tuple[Index, Index, Floats, Words, Dates, Dates, Flags]:
    """One row for each time point and lesion: repeated rows once, parts added, what differs as not assessed.

    Rows come sorted by time point, lesion and part, except that time points may be in another order.
    """
    packed = at * (int(lesion.max(initial=0)) + 1) + lesion
    if (np.diff(at) < 0).any():  # time points in another order than their labels
        order = np.argsort(at, kind="stable")
        packed, part, at, lesion, dates = packed[order], part[order], at[order], lesion[order], dates[order]
        diameters, states, contradicted = diameters[order], states[order], contradicted[order]
    same = packed[1:] == packed[:-1]
    if not same.any():
        return (
            at,
            lesion,
            np.where(contradicted, np.nan, diameters),
            _unless(contradicted, states),
            dates,
            dates,
            contradicted,
        )

    repeats = np.zeros(len(packed), np.bool_)
    repeats[1:] = same & (part[1:] == part[:-1])
    before = np.roll(diameters, 1)
    equal = ((diameters == before) | (np.isnan(diameters) & np.isnan(before))) & (
        states == np.roll(states, 1)
    )
    contradicted = contradicted | (repeats & ~equal)
    starts = np.flatnonzero(np.diff(packed, prepend=-1) != 0)
    whole = np.add.reduceat(np.where(repeats, 0.0, diameters), starts)
    wrong = np.logical_or.reduceat(contradicted, starts)
    days = dates.astype(np.int64)
    return (
        at[starts],
        lesion[starts],
        np.where(wrong, np.nan, whole),
        _unless(wrong, np.maximum.reduceat(states, starts)),
        np.minimum.reduceat(days, starts).astype("datetime64[D]"),
        np.maximum.reduceat(days, starts).astype("datetime64[D]"),
        wrong,
    )


def _unless(wrong: Flags, states: Words) -> Words:
    return np.where(wrong, np.uint8(State.NOT_ASSESSED), states).astype(np.uint8)
