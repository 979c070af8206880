"""iRECIST: a first progression is unconfirmed until a later assessment confirms it or takes it back.

.. [1] Seymour et al. Lancet Oncol 2017;18:e143-52 (iRECIST), tables 2 and 3.
.. [2] EORTC. RECIST, frequently asked questions. recist.eortc.org

What [1]_ leaves open and is settled here: how new lesions count after an unconfirmed progression was taken
back, and that stable new lesions alone keep it (docs/medicine/recist.md).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trialwright.medicine.recist.courses import (
    NEVER,
    Courses,
    Days,
    Index,
    as_date_or_nat,
    course_numbers,
    days_or_never,
    earliest,
    steps,
)
from trialwright.medicine.recist.criteria import IRECIST, LEAST_STABLE_DAYS, ImmuneCriteria
from trialwright.medicine.recist.lesions import Floats, Lesions
from trialwright.medicine.recist.overall import as_parts, without_new_lesion
from trialwright.medicine.recist.responses import (
    MET,
    Flags,
    ImmuneResponse,
    Response,
    Role,
    State,
    Words,
    as_flags,
    as_verdicts,
    as_words,
)
from trialwright.medicine.whole_dates import Dates, as_dates
from trialwright.statistics.arrays import as_numbers
from trialwright.vocabulary.intervals import RELATIVE_TOLERANCE
from trialwright.vocabulary.verdicts import Codes, Verdict


@dataclass(frozen=True, slots=True, eq=False)
class NewLesions:
    """New lesions of each time point, n rows.

    Attributes
    ----------
    count : ndarray of float of shape (n,)
        Unequivocal new lesions seen there, those of earlier time points included; NaN where not assessed.
    sum_mm : ndarray of float of shape (n,)
        Sum of those that are measured (at most 5, 2 in an organ), apart from the targets; 0 where none is,
        NaN where one of them was not measured.
    grew : ndarray of verdict codes of shape (n,)
        Whether those that are not measured grew since the unconfirmed progression, as the reader says.
    """

    count: Floats
    sum_mm: Floats
    grew: Codes

    @classmethod
    def of(
        cls, count: npt.ArrayLike, sum_mm: npt.ArrayLike | None = None, *, grew: npt.ArrayLike | None = None
    ) -> NewLesions:
        """Check numbers of new lesions; growth that is not told is none.

        Raises
        ------
        ValueError
            If a number is negative or infinite, or a length differs.
        """
        counts = _lengths("count", count)
        n = len(counts)
        sums = np.zeros(n) if sum_mm is None else _lengths("sum_mm", sum_mm, n)
        return cls(counts, sums, as_verdicts("grew", grew, n, otherwise=Verdict.NOT_MET))


def count_new_lesions(lesions: Lesions, *, grew: npt.ArrayLike | None = None) -> NewLesions:
    """Count the unequivocal new lesions of each time point and add up their diameters.

    A new lesion that was seen before makes the count of a time point unknown where it is not recorded, not
    assessed or equivocal: it may still be there. One that is measured at some time points only makes the sum
    of the others unknown.
    """
    n = len(lesions.points)
    rows = lesions.of_role(Role.NEW)
    seen = rows & (lesions.state == State.UNEQUIVOCAL)
    at, lesion, size = lesions.at[seen], lesions.lesion[seen], lesions.diameter_mm[seen]
    is_measured = np.zeros(len(lesions.label), np.bool_)
    is_measured[lesion[~np.isnan(size)]] = True
    size = np.where(is_measured[lesion], size, 0.0)
    count = np.bincount(at, minlength=n).astype(np.float64)
    first = np.full(len(lesions.label), n)
    np.minimum.at(first, lesion, at)
    known = np.bincount(first[first < n], minlength=n)
    since = np.cumsum(known)
    course = lesions.points.course
    start = np.searchsorted(course, course)
    expected = since - np.concatenate(([0], since))[start]
    is_told = np.isin(lesions.state, (State.ABSENT, State.UNEQUIVOCAL))
    told = rows & is_told & (lesions.at >= first[lesions.lesion])
    assessed = np.bincount(lesions.at[told], minlength=n)
    return NewLesions.of(
        np.where(assessed < expected, np.nan, count), np.bincount(at, weights=size, minlength=n), grew=grew
    )


@dataclass(frozen=True, slots=True, eq=False)
class ImmuneCourses:
    """Responses of n time points and the progression of m courses.

    Attributes
    ----------
    response : ndarray of uint8 of shape (n,)
        `ImmuneResponse`; after a confirmed progression it stays confirmed.
    progression : ndarray of datetime64[D] of shape (m,)
        Date of the unconfirmed progression that was confirmed, or never taken back; NaT where there is none.
        Whether one never confirmed is an event (it was never imaged again, or death or the end of treatment
        followed) is for those who know what followed.
    is_confirmed : ndarray of bool of shape (m,)
    is_contradicted : ndarray of bool of shape (m,)
        Assessments of one date differ: every response of the course is `NE` until a reader says which holds,
        and nothing is told of its progression.
    """

    response: Words
    progression: Dates
    is_confirmed: Flags
    is_contradicted: Flags


def immune_responses(
    course: npt.ArrayLike,
    date: npt.ArrayLike,
    *,
    target: npt.ArrayLike,
    sum_mm: npt.ArrayLike,
    is_complete: npt.ArrayLike,
    non_target: npt.ArrayLike,
    new_lesions: NewLesions,
    non_target_grew: npt.ArrayLike | None = None,
    has_reappeared: npt.ArrayLike | None = None,
    n_courses: int | None = None,
    criteria: ImmuneCriteria = IRECIST,
) -> ImmuneCourses:
    """Follow courses through unconfirmed progression.

    The first progression by RECIST 1.1 is unconfirmed (iUPD). At a later assessment it is

    - confirmed (iCPD), at least `criteria.after_days` later, if what progressed kept growing since (targets
      or measured new lesions by `criteria.growth_mm`, others by any growth), if there is another new lesion,
      or if a kind of lesion progresses that had not;
    - taken back if the targets are stable or better and nothing else shows it: new lesions alone keep it
      unless they shrank or vanished, or the targets respond;
    - unconfirmed again otherwise.

    Growth is counted from the first assessment of the block, so small rises add up. After it was taken back,
    a later progression is judged anew.

    Parameters
    ----------
    course : array-like of int of shape (n,)
    date : array-like of datetime64[D] of shape (n,)
    target : array-like of `Response` codes of shape (n,)
        By RECIST 1.1, against the nadir, arithmetically; `MISSING` up to the baseline.
    sum_mm : array-like of float of shape (n,), mm
        Sum of the targets measured; NaN where none was.
    is_complete : array-like of bool of shape (n,)
        Whether every target was measured. Growth is counted from the first complete sum of a block.
    non_target : array-like of `Response` codes of shape (n,)
    new_lesions : NewLesions of n time points
    non_target_grew : array-like of verdict codes of shape (n,), optional
        Whether non-target lesions grew further since the unconfirmed progression; growth that is not told
        confirms nothing.
    has_reappeared : array-like of bool of shape (n,), optional
        Whether disease came back after an overall complete response, which is progression by RECIST 1.1 whatever the
        parts say (`progress_after_complete_response`).
    n_courses : int, optional
        How many courses there are, if more than have assessments.
    criteria : ImmuneCriteria

    Returns
    -------
    courses : ImmuneCourses

    Raises
    ------
    ValueError
        If a length differs, a date is missing, or a sum is negative.
    """
    of, m = course_numbers(course, n_courses=n_courses)
    n = len(of)
    day = as_dates("date", date, length=n).astype(np.int64)
    targets, others = as_parts(target, non_target)
    points = _Points(
        targets,
        _lengths("sum_mm", sum_mm, n),
        as_flags("is_complete", is_complete, n),
        others,
        as_verdicts("non_target_grew", non_target_grew, n, otherwise=Verdict.NOT_MET),
        _lengths("count", new_lesions.count, n),
        new_lesions.sum_mm,
        new_lesions.grew,
        np.zeros(n, np.bool_) if has_reappeared is None else as_flags("has_reappeared", has_reappeared, n),
    )
    rows = np.flatnonzero((targets != Response.MISSING) | (others != Response.MISSING))
    courses = Courses.of(of[rows], day[rows], *points[rows].columns)
    points = points[rows[courses.order]]
    found, state = np.zeros(len(courses), np.uint8), _Blocks.of(m)
    for at in steps(courses.course):
        found[at] = state.advance(courses.course[at], courses.day[at], points[at], criteria)
    is_open = courses.contradicted(m)
    response = np.zeros(n, np.uint8)
    response[rows] = np.where(is_open[of[rows]], np.uint8(ImmuneResponse.NE), courses.back(found))
    has_progressed = (state.is_open | state.is_confirmed) & ~is_open
    return ImmuneCourses(
        response,
        as_date_or_nat(np.where(has_progressed, state.start, NEVER)),
        state.is_confirmed & ~is_open,
        is_open,
    )


def best_immune_response(
    course: npt.ArrayLike,
    date: npt.ArrayLike,
    response: npt.ArrayLike,
    *,
    first_dose: npt.ArrayLike,
    new_therapy: npt.ArrayLike | None = None,
    least_stable_days: int = LEAST_STABLE_DAYS,
) -> Words:
    """Find the best response by iRECIST of each course (iBOR), confirmation of response not required.

    An unconfirmed progression counts for nothing if anything better follows before a confirmed one [1]_
    (table 3).

    Parameters
    ----------
    course, date, first_dose, new_therapy, least_stable_days
        As for `best_overall_response`.
    response : array-like of `ImmuneResponse` codes of shape (n,)

    Returns
    -------
    best : ndarray of uint8 of shape (m,)
        `ImmuneResponse`; `MISSING` where nothing was assessed in time, `NE` where assessments of one date
        that count differ.
    """
    begin = as_dates("first_dose", first_dose).astype(np.int64)
    m = len(begin)
    of, _ = course_numbers(course, n_courses=m)
    day = as_dates("date", date, length=len(of)).astype(np.int64)
    codes = as_words(ImmuneResponse, "response", response, length=len(of))
    end = days_or_never("new_therapy", new_therapy, m)
    counts = (codes != ImmuneResponse.MISSING) & (day >= begin[of]) & (day <= end[of])
    is_confirmed = counts & (codes == ImmuneResponse.ICPD)
    confirmed = earliest(of[is_confirmed], day[is_confirmed], m)
    counts &= day <= confirmed[of]
    stable = np.isin(codes, (ImmuneResponse.ISD, ImmuneResponse.NON_ICR_NON_IUPD))
    early = day - begin[of] < least_stable_days
    worth = np.where(stable & early, np.uint8(ImmuneResponse.NE), codes)
    best = np.zeros(m, np.uint8)
    np.maximum.at(best, of[counts], worth[counts])
    is_open = Courses.of(of[counts], day[counts], codes[counts]).contradicted(m)
    return np.where(is_open, np.uint8(ImmuneResponse.NE), best)


class RepeatedProgressions(NamedTuple):
    """Of each course the day that confirms its first progression, NaT where it is not confirmed; and whether
    assessments of one date differ, so that nobody knows."""

    confirmed_on: Dates
    is_contradicted: Flags


def confirmed_by_repeat(
    course: npt.ArrayLike,
    date: npt.ArrayLike,
    *,
    overall: npt.ArrayLike,
    target: npt.ArrayLike,
    worsened: npt.ArrayLike,
    criteria: ImmuneCriteria = IRECIST,
    n_courses: int | None = None,
) -> RepeatedProgressions:
    """Find the day that confirms the first progression in the other way trials of immunotherapy use.

    It is the first assessment, `criteria.after_days` or more after the first progression, at which the
    targets are again in progression against the nadir, or non-target or new lesions are significantly worse
    since, or more are new.

    Parameters
    ----------
    course : array-like of int of shape (n,)
    date : array-like of datetime64[D] of shape (n,)
    overall, target : array-like of `Response` codes of shape (n,)
        By RECIST 1.1.
    worsened : array-like of verdict codes of shape (n,)
        Whether non-target or new lesions are significantly worse, or more new, than at the first progression.
    criteria : ImmuneCriteria
    n_courses : int, optional

    Returns
    -------
    progressions : RepeatedProgressions of m courses
    """
    of, m = course_numbers(course, n_courses=n_courses)
    n = len(of)
    day = as_dates("date", date, length=n).astype(np.int64)
    responses = as_words(Response, "overall", overall, length=n)
    targets = as_words(Response, "target", target, length=n)
    worse = as_verdicts("worsened", worsened, n, otherwise=Verdict.NOT_MET)
    progressed = responses == Response.PD
    first = earliest(of[progressed], day[progressed], m)[of]
    confirms = ((targets == Response.PD) | (worse == MET)) & (day > first)
    confirms &= day - first >= criteria.after_days
    seen = responses != Response.MISSING
    is_open = Courses.of(of[seen], day[seen], responses[seen], targets[seen], worse[seen]).contradicted(m)
    found = earliest(of[confirms], day[confirms], m)
    return RepeatedProgressions(as_date_or_nat(np.where(is_open, NEVER, found)), is_open)


@dataclass(frozen=True, slots=True, eq=False)
class _Points:
    """What the assessments say, sorted."""

    target: Words
    sum_mm: Floats
    is_complete: Flags
    non_target: Words
    non_target_grew: Codes
    count: Floats
    new_mm: Floats
    new_grew: Codes
    is_back: Flags

    @property
    def columns(self) -> list[npt.NDArray[Any]]:
        return [getattr(self, field.name) for field in fields(self)]

    def __getitem__(self, rows: Index) -> _Points:
        return _Points(*(column[rows] for column in self.columns))


@dataclass(frozen=True, slots=True, eq=False)
class _Blocks:
    """Where each course stands: in a block of unconfirmed progression or not, and what it is compared
    with."""

    is_open: Flags
    is_confirmed: Flags
    by_target: Flags
    by_non_target: Flags
    by_new: Flags
    """What progressed when the last block began."""
    start: Days
    sum_mm: Floats
    """Of the targets when the block began, or when they were first all measured in it; NaN before."""
    count: Floats
    """New lesions: in a block those it began with, else those seen last."""
    new_mm: Floats
    """Their sum: in a block what it began with, else the smallest since they were known."""

    @classmethod
    def of(cls, m: int) -> _Blocks:
        is_open, is_confirmed, by_target, by_non_target, by_new = np.zeros((5, m), np.bool_)
        sum_mm, count, new_mm = np.zeros((3, m))
        start = np.zeros(m, np.int64)
        return cls(is_open, is_confirmed, by_target, by_non_target, by_new, start, sum_mm, count, new_mm)

    def advance(self, of: Index, day: Days, seen: _Points, criteria: ImmuneCriteria) -> Words:
        """Judge one assessment of each of some courses."""
        was_open, was_confirmed = self.is_open[of], self.is_confirmed[of]
        target_pd, other_pd = seen.target == Response.PD, seen.non_target == Response.PD
        another = seen.count > self.count[of]
        new_grew = _reaches(seen.new_mm, self.new_mm[of] + criteria.growth_mm) | (seen.new_grew == MET)
        target_grew = _reaches(seen.sum_mm, self.sum_mm[of] + criteria.growth_mm)
        worse = np.where(self.by_target[of], target_grew, target_pd) | another | new_grew
        worse |= np.where(self.by_non_target[of], seen.non_target_grew == MET, other_pd)

        progresses = target_pd | other_pd | another | new_grew | seen.is_back
        begins = ~was_open & ~was_confirmed & progresses
        confirms = was_open & worse & (day - self.start[of] >= criteria.after_days)
        ends = was_open & ~worse & self._is_taken_back(of, seen)
        goes_on = was_open & ~confirms & ~ends
        nothing_seen = (seen.target == Response.NE) & ~other_pd & ~(seen.count > 0) & ~worse
        quiet = ~was_confirmed & ~begins & ~confirms & ~goes_on
        codes = np.select(
            [was_confirmed | confirms, goes_on & nothing_seen, begins | goes_on, np.isnan(seen.count)],
            [ImmuneResponse.ICPD, ImmuneResponse.NE, ImmuneResponse.IUPD, ImmuneResponse.NE],
            _TABLE[seen.target, seen.non_target, (seen.count > 0).astype(np.intp)],
        )

        for flags, now in (
            (self.by_target, target_pd),
            (self.by_non_target, other_pd),
            (self.by_new, another | new_grew),
        ):
            flags[of] = np.where(begins, now, flags[of])
        self.is_open[of] = begins | goes_on
        self.is_confirmed[of] |= confirms
        self.start[of[begins]] = day[begins]
        complete = np.where(seen.is_complete, seen.sum_mm, np.nan)
        self.sum_mm[of] = np.where(begins | np.isnan(self.sum_mm[of]), complete, self.sum_mm[of])
        fresh = (begins | quiet) & ~np.isnan(seen.count)
        since = quiet & ~ends & (self.count[of] > 0)
        smallest = np.where(since, np.fmin(self.new_mm[of], seen.new_mm), seen.new_mm)
        self.new_mm[of[fresh]] = smallest[fresh]
        self.count[of[fresh]] = seen.count[fresh]
        return codes.astype(np.uint8)

    def _is_taken_back(self, of: Index, seen: _Points) -> Flags:
        """Whether everything that progressed is stable or better, and known to be."""
        responds = np.isin(seen.target, (Response.CR, Response.PR))
        target = responds | np.isin(seen.target, (Response.SD, Response.NO_LESIONS))
        other = np.isin(seen.non_target, (Response.CR, Response.NON_CR_NON_PD, Response.NO_LESIONS))
        other |= ~self.by_non_target[of]
        fewer = (seen.count < self.count[of]) | (seen.new_mm < self.new_mm[of] * (1 - RELATIVE_TOLERANCE))
        new = ~self.by_new[of] | fewer | responds
        return np.asarray(target & other & new & ~np.isnan(seen.count))


_IMMUNE = {
    Response.MISSING: ImmuneResponse.MISSING,
    Response.NE: ImmuneResponse.NE,
    Response.PD: ImmuneResponse.IUPD,
    Response.NON_CR_NON_PD: ImmuneResponse.NON_ICR_NON_IUPD,
    Response.SD: ImmuneResponse.ISD,
    Response.PR: ImmuneResponse.IPR,
    Response.CR: ImmuneResponse.ICR,
}


def _without_progression(target: Response, non_target: Response, has_new: bool) -> ImmuneResponse:
    """New lesions that are still there allow no complete response."""
    response = without_new_lesion(target, non_target)
    if response == Response.CR and has_new:
        response = Response.PR if target == Response.CR else Response.NON_CR_NON_PD
    return _IMMUNE[response]


_TABLE = np.array(
    [
        [[_without_progression(one, other, new) for new in (False, True)] for other in Response]
        for one in Response
    ],
    np.uint8,
)


def _lengths(name: str, values: npt.ArrayLike, length: int | None = None) -> Floats:
    """Numbers that are finite and at least 0, or missing."""
    return as_numbers(
        name,
        values,
        expected="a finite number of at least 0, or missing",
        accept=lambda array: np.isnan(array) | (np.isfinite(array) & (array >= 0)),
        length=length,
        may_be_empty=True,
    )


def _reaches(values: Floats, limits: Floats) -> Flags:
    return np.asarray(values >= limits * (1 - RELATIVE_TOLERANCE))
