"""The best response of a course of assessments, with or without confirmation.

.. [1] Eisenhauer et al. Eur J Cancer 2009;45:228-47 (RECIST 1.1), sections 4.4 to 4.6 and table 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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
    running,
    some_after,
    some_before,
)
from trialwright.medicine.recist.criteria import LEAST_STABLE_DAYS, Confirmation
from trialwright.medicine.recist.responses import Flags, Response, Words, as_words
from trialwright.medicine.whole_dates import Dates, as_dates


class AfterCompleteResponse(StrEnum):
    """How disease seen after a complete response is read; it is always worth a question to the reader."""

    UNRESOLVED = "until the question is answered, neither confirms a response"
    REREAD = "the complete response was a partial one"
    PROGRESSION = "the disease seen is progression"


@dataclass(frozen=True, slots=True, eq=False)
class BestResponses:
    """The best response of each of m courses.

    Attributes
    ----------
    response : ndarray of uint8 of shape (m,)
        `Response`; `MISSING` where nothing was assessed in time.
    response_start : ndarray of datetime64[D] of shape (m,)
        First date of the complete or partial response that counts: where its duration starts; NaT where none
        does.
    confirmed_on : ndarray of datetime64[D] of shape (m,)
        First date at which a response stands confirmed; NaT where none is or no confirmation was asked.
    first_progression : ndarray of datetime64[D] of shape (m,)
        Of the assessments that count; NaT where there is none.
    has_disease_after_cr : ndarray of bool of shape (m,)
        Disease was seen after a complete response, among the assessments that count: a question to the
        reader.
    is_contradicted : ndarray of bool of shape (m,)
        Assessments of one date differ, among those that count: the response is `NE` until a reader says
        which holds, and nothing else is told of the course.
    """

    response: Words
    response_start: Dates
    confirmed_on: Dates
    first_progression: Dates
    has_disease_after_cr: Flags
    is_contradicted: Flags


def best_overall_response(
    course: npt.ArrayLike,
    date: npt.ArrayLike,
    response: npt.ArrayLike,
    *,
    first_dose: npt.ArrayLike,
    new_therapy: npt.ArrayLike | None = None,
    confirmation: Confirmation | None,
    least_stable_days: int = LEAST_STABLE_DAYS,
    after_complete: AfterCompleteResponse = AfterCompleteResponse.UNRESOLVED,
) -> BestResponses:
    """Find the best overall response of each course.

    Assessments count from the first dose to the first progression, and not after the day on which new
    anticancer therapy starts. Stable disease, and a response that is not confirmed, need `least_stable_days`
    from the first dose to count as stable disease.

    Parameters
    ----------
    course : array-like of int of shape (n,)
        Which of the m courses each assessment belongs to, from 0.
    date : array-like of datetime64[D] of shape (n,)
        Rows of one date that agree are one assessment; if they differ, the course is not evaluable.
    response : array-like of `Response` codes of shape (n,)
        Overall responses; `MISSING` counts as no assessment.
    first_dose : array-like of datetime64[D] of shape (m,)
    new_therapy : array-like of datetime64[D] of shape (m,), optional
        Start of new anticancer therapy; NaT where none was given.
    confirmation : Confirmation or None
        None: the best single assessment counts.
    least_stable_days : int
        Least number of days from the first dose, itself included.
    after_complete : AfterCompleteResponse

    Returns
    -------
    best : BestResponses of m courses

    Raises
    ------
    ValueError
        If a course does not exist or has no first dose, a date is missing, or a response is `NO_LESIONS`.
    """
    start = as_dates("first_dose", first_dose).astype(np.int64)
    m = len(start)
    of, _ = course_numbers(course, n_courses=m)
    day = as_dates("date", date, length=len(of)).astype(np.int64)
    told = as_words(Response, "response", response, length=len(of))
    if (told == Response.NO_LESIONS).any():
        raise ValueError("`response` must hold overall responses: `NO_LESIONS` is none")
    end = days_or_never("new_therapy", new_therapy, m)
    counts = (told != Response.MISSING) & (day >= start[of]) & (day <= end[of])
    courses = Courses.of(of[counts], day[counts], told[counts])
    codes = told[counts][courses.order]
    disease = disease_after_complete_response(courses.course, codes)
    if after_complete == AfterCompleteResponse.PROGRESSION:
        codes = np.where(disease, np.uint8(Response.PD), codes).astype(np.uint8)
    earlier_pd = some_before(courses.course, codes == Response.PD)
    disease, codes, courses = disease[~earlier_pd], codes[~earlier_pd], courses[~earlier_pd]
    if after_complete == AfterCompleteResponse.REREAD:
        codes = np.where(
            (codes == Response.CR) & some_after(courses.course, disease), np.uint8(Response.PR), codes
        )
        codes = codes.astype(np.uint8)

    late = courses.day - start[courses.course] >= least_stable_days
    stands = np.where(late, np.uint8(Response.SD), np.uint8(Response.NE))
    is_response = np.isin(codes, (Response.CR, Response.PR))
    is_stable = np.isin(codes, (Response.SD, Response.NON_CR_NON_PD))
    first = on = np.full(len(codes), NEVER)
    if confirmation is None:
        value = np.where(is_stable & ~late, np.uint8(Response.NE), codes)
        first = np.where(is_response, courses.day, first)
    else:
        pairs = find_confirmations(courses, codes, confirmation)
        value = np.where(is_stable, np.where(late, codes, np.uint8(Response.NE)), codes)
        value = np.where(is_response, np.where(pairs.level > 0, pairs.level, stands), value)
        confirmed = pairs.level > 0
        first = np.where(confirmed, courses.day, first)
        on = np.where(confirmed, pairs.until, on)

    best = np.zeros(m, np.uint8)
    np.maximum.at(best, courses.course, value.astype(np.uint8))
    after_cr = np.zeros(m, np.bool_)
    after_cr[courses.course[disease]] = True
    progressed = np.where(codes == Response.PD, courses.day, NEVER)
    is_open = courses.contradicted(m)

    def told_of(days: Days) -> Dates:
        return as_date_or_nat(np.where(is_open, NEVER, earliest(courses.course, days, m)))

    return BestResponses(
        np.where(is_open, np.uint8(Response.NE), best),
        told_of(first),
        told_of(on),
        told_of(progressed),
        after_cr & ~is_open,
        is_open,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Confirmations:
    """For each assessment the response that starts there and is confirmed later.

    Attributes
    ----------
    level : ndarray of uint8
        `CR`, `PR`, or 0 where none is.
    until : ndarray of int64
        Day of the first assessment that confirms it; `NEVER` where none does.
    """

    level: Words
    until: Days


def find_confirmations(courses: Courses, codes: Words, confirmation: Confirmation) -> Confirmations:
    """Look for pairs of assessments that confirm a response.

    A complete response is confirmed by another one, with nothing but NE between them; a partial one by a
    partial or complete one, with partial responses, NE and as many SD between them as the protocol accepts. A
    partial response after a complete one neither confirms nor is confirmed.
    """
    n = len(courses)
    is_cr, is_ne, is_sd = codes == Response.CR, codes == Response.NE, codes == Response.SD
    is_pr = (codes == Response.PR) & ~some_before(courses.course, is_cr)
    ne, sd = running(is_ne), running(is_sd)
    not_cr, not_pr = running(~(is_cr | is_ne)), running(~(is_pr | is_cr | is_ne | is_sd))
    level, until = np.zeros(n, np.uint8), np.full(n, NEVER)

    i = np.flatnonzero(is_cr | is_pr)
    for step in range(1, n):
        i = i[i + step < n]
        i = i[courses.course[i + step] == courses.course[i]]
        if not len(i):
            break
        j = i + step
        possible = (courses.day[j] - courses.day[i] >= confirmation.after_days) & (
            ne[j] - ne[i + 1] <= confirmation.most_ne
        )
        complete = is_cr[i] & is_cr[j] & (not_cr[j] == not_cr[i + 1])
        partial = is_pr[i] & (is_pr[j] | is_cr[j]) & (not_pr[j] == not_pr[i + 1])
        partial &= sd[j] - sd[i + 1] <= confirmation.most_sd
        for found, worth in ((possible & complete, Response.CR), (possible & partial, Response.PR)):
            level[i[found]] = worth
            until[i[found]] = courses.day[j[found]]
        i = i[until[i] == NEVER]
    return Confirmations(level, until)


def disease_after_complete_response(course: Index, codes: Words) -> Flags:
    """Assessments that see disease though an earlier one of the course was a complete response; courses
    rise."""
    disease = np.isin(codes, (Response.PR, Response.SD, Response.NON_CR_NON_PD))
    return disease & some_before(course, codes == Response.CR)
