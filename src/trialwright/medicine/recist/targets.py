"""Sums of target diameters and the response they mean.

Growth is measured against the nadir, the smallest complete sum so far with that of the baseline; shrinkage
against the baseline [1]_.

.. [1] Eisenhauer et al. Eur J Cancer 2009;45:228-47 (RECIST 1.1), section 4.3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trialwright.medicine.recist.best_response import find_confirmations
from trialwright.medicine.recist.courses import NEVER, Courses, course_numbers, earliest, steps
from trialwright.medicine.recist.criteria import RECIST_1_1, Confirmation, ResponseCriteria
from trialwright.medicine.recist.lesions import Floats, Lesions, TimePoints
from trialwright.medicine.recist.responses import Flags, Response, Role, Words, as_words
from trialwright.medicine.whole_dates import as_dates
from trialwright.vocabulary.intervals import RELATIVE_TOLERANCE


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums of diameters, one row for each of n time points; lengths in mm.

    Attributes
    ----------
    sum_mm : ndarray of float
        Of the targets measured; NaN where none was.
    n_targets, n_measured : ndarray of int
        Targets of the baseline, and how many of them were measured.
    is_complete : ndarray of bool
        All of them were, and no target turned up that the baseline did not have.
    is_gone : ndarray of bool
        All targets that are no nodes measure 0 and all nodes are normal.
    baseline_mm : ndarray of float
        Complete sum of the baseline; NaN where there is none.
    nadir_mm : ndarray of float
        Smallest complete sum from the baseline to the time point before; NaN where there is none.
    is_follow_up : ndarray of bool
        Time points that have a response: after the baseline, or in a course that has none.
    has_targets : ndarray of bool
        False where the course has a baseline and no target at all.
    """

    sum_mm: Floats
    n_targets: npt.NDArray[np.int64]
    n_measured: npt.NDArray[np.int64]
    is_complete: Flags
    is_gone: Flags
    baseline_mm: Floats
    nadir_mm: Floats
    is_follow_up: Flags
    has_targets: Flags

    def __len__(self) -> int:
        return len(self.sum_mm)


def sum_diameters(lesions: Lesions, *, criteria: ResponseCriteria = RECIST_1_1) -> Sums:
    """Add up the target diameters of each time point.

    Parameters
    ----------
    lesions : Lesions
    criteria : ResponseCriteria

    Returns
    -------
    sums : Sums of n time points, in the order of `lesions.points`
        A target that the baseline does not have is not added, and makes the time point incomplete.
    """
    points = lesions.points
    n = len(points)
    target = lesions.role == Role.TARGET
    expected = target & lesions.is_at_baseline
    late = target & ~lesions.is_at_baseline
    measured = ~np.isnan(lesions.diameter_mm)
    counts = expected[lesions.lesion] & measured
    at = lesions.at[counts]
    diameters = lesions.diameter_mm[counts]

    n_measured = np.bincount(at, minlength=n)
    total = np.bincount(at, weights=diameters, minlength=n)
    n_targets = np.bincount(lesions.course[expected], minlength=points.n_courses)[points.course]
    intruder = late[lesions.lesion] & ~(lesions.diameter_mm == 0)
    has_intruder = np.bincount(lesions.at[intruder], minlength=n) > 0
    complete = (n_measured == n_targets) & (n_targets > 0) & ~has_intruder

    is_node = lesions.is_node[lesions.lesion[counts]]
    remains = np.where(is_node, diameters >= criteria.normal_node_mm, diameters > 0)
    gone = complete & (np.bincount(at[remains], minlength=n) == 0)

    sums = np.where(n_measured > 0, total, np.nan)
    baseline = np.full(points.n_courses, np.nan)
    at_baseline = points.is_baseline & complete
    baseline[points.course[at_baseline]] = sums[at_baseline]
    has_late = np.bincount(lesions.course[late], minlength=points.n_courses) > 0
    no_targets = points.has_baseline & ~has_late
    return Sums(
        sums,
        n_targets,
        n_measured,
        complete,
        gone,
        baseline[points.course],
        _nadir(points, np.where(complete, sums, np.nan)),
        points.is_follow_up,
        (n_targets > 0) | ~no_targets[points.course],
    )


def target_response(sums: Sums, *, criteria: ResponseCriteria = RECIST_1_1) -> Words:
    """Judge the targets of each time point.

    Returns
    -------
    responses : ndarray of uint8 of shape (n,)
        `Response`: `MISSING` up to the baseline, `NO_LESIONS` where the baseline has no target, else as
        `compare_sums` says.
    """
    response = compare_sums(
        sums.sum_mm,
        baseline_mm=sums.baseline_mm,
        nadir_mm=sums.nadir_mm,
        is_complete=sums.is_complete,
        is_gone=sums.is_gone,
        criteria=criteria,
    )
    response = np.where(sums.has_targets, response, np.uint8(Response.NO_LESIONS))
    return np.where(sums.is_follow_up, response, np.uint8(Response.MISSING)).astype(np.uint8)


def compare_sums(
    sum_mm: npt.ArrayLike,
    *,
    baseline_mm: npt.ArrayLike,
    nadir_mm: npt.ArrayLike,
    is_complete: npt.ArrayLike,
    is_gone: npt.ArrayLike,
    criteria: ResponseCriteria = RECIST_1_1,
) -> Words:
    """Compare sums with the baseline and the nadir.

    Progression is asked first, then whether all targets were measured, then complete and partial response.
    What was measured can suffice for progression though targets were not: what is unmeasured only adds to it.

    Parameters
    ----------
    sum_mm, baseline_mm, nadir_mm : array-like of float that broadcast, mm
        NaN where unknown. The nadir takes in the baseline, not the sum itself.
    is_complete, is_gone : array-like of bool
        Whether every target was measured; whether all are gone, nodes normal.
    criteria : ResponseCriteria
        "At least" at each of its limits; equality is judged with the relative tolerance of products.

    Returns
    -------
    responses : ndarray of uint8
        `PD`, `NE`, `CR`, `PR` or `SD`; `NE` also where the baseline is unknown or 0.

    Examples
    --------
    >>> from trialwright.medicine.recist.responses import decode
    >>> found = compare_sums([59, 60], baseline_mm=100, nadir_mm=50, is_complete=True, is_gone=False)
    >>> decode(Response, found)
    ['PR', 'PD']
    """
    total, baseline, nadir = (
        _lengths(*pair) for pair in (("sum_mm", sum_mm), ("baseline_mm", baseline_mm), ("nadir_mm", nadir_mm))
    )
    complete, gone = np.asarray(is_complete, np.bool_), np.asarray(is_gone, np.bool_)
    progressed = (
        _reaches(total, nadir * (1 + criteria.growth))
        & _reaches(total, nadir + criteria.growth_mm)
        & (total > nadir)
    )
    evaluable = complete & (baseline > 0) & ~np.isnan(total)
    shrunk = total <= baseline * (1 - criteria.shrinkage) * (1 + RELATIVE_TOLERANCE)
    codes = np.select(
        [progressed, ~evaluable, gone, shrunk],
        [Response.PD, Response.NE, Response.CR, Response.PR],
        Response.SD,
    )
    return codes.astype(np.uint8)


def hold_partial_response(
    course: npt.ArrayLike, date: npt.ArrayLike, response: npt.ArrayLike, *, confirmation: Confirmation | None
) -> Words:
    """Read stable disease after a partial response as partial response until progression.

    A patient whose sum fell by 30 % and then rises again, but not by enough for progression, stays in
    response although the sum may be less than 30 % below the baseline (RECIST questions of the EORTC). The
    responses given in are the arithmetic reading; keep both.

    Parameters
    ----------
    course : array-like of int of shape (n,)
    date : array-like of datetime64[D] of shape (n,)
    response : array-like of `Response` codes of shape (n,)
        Of the targets.
    confirmation : Confirmation or None
        A partial response is held once it is confirmed; from the assessment that confirms it. None: at once.

    Returns
    -------
    responses : ndarray of uint8 of shape (n,)
        As given in courses where assessments of one date differ.
    """
    of, n_courses = course_numbers(course)
    day = as_dates("date", date, length=len(of)).astype(np.int64)
    told = as_words(Response, "response", response, length=len(of))
    seen = told != Response.MISSING
    courses = Courses.of(of[seen], day[seen], told[seen])
    codes = told[seen][courses.order]
    is_partial, progressed = codes == Response.PR, codes == Response.PD
    if confirmation is None:
        until = np.where(is_partial, courses.day, NEVER)
    else:
        pairs = find_confirmations(courses, codes, confirmation)
        until = np.where(pairs.level == Response.PR, pairs.until, NEVER)
    since = earliest(courses.course, until, n_courses)
    ended = earliest(courses.course, np.where(progressed, courses.day, NEVER), n_courses)
    held = (
        (day >= since[of]) & (day < ended[of]) & (told == Response.SD) & ~courses.contradicted(n_courses)[of]
    )
    return np.where(held, np.uint8(Response.PR), told)


def _nadir(points: TimePoints, complete_mm: Floats) -> Floats:
    """Of each time point the smallest complete sum before it, from the baseline on."""
    counts = points.is_baseline | points.is_follow_up
    values = np.where(counts & ~np.isnan(complete_mm), complete_mm, np.inf)
    nadir = np.full(len(points), np.inf)
    for step, rows in enumerate(steps(points.course)):
        if step:
            nadir[rows] = np.minimum(nadir[rows - 1], values[rows - 1])
    return np.where(np.isinf(nadir), np.nan, nadir)


def _reaches(values: Floats, limits: Floats) -> Flags:
    return np.asarray(values >= limits * (1 - RELATIVE_TOLERANCE))


def _lengths(name: str, values: npt.ArrayLike) -> Floats:
    array = np.asarray(values, np.float64)
    refused = (array < 0) | np.isinf(array)
    if refused.any():
        raise ValueError(f"`{name}` must be finite and at least 0, or missing, not {array[refused].flat[0]}")
    return array
