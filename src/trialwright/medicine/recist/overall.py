"""Non-target lesions, new lesions, and the overall response of each time point with its date.

.. [1] Eisenhauer et al. Eur J Cancer 2009;45:228-47 (RECIST 1.1), sections 4.3.4, 4.3.5 and tables 1 and 2.
.. [2] EORTC. RECIST, frequently asked questions. recist.eortc.org
.. [3] FDA. Clinical trial endpoints for the approval of cancer drugs and biologics, 2018, appendix on
   progression-free survival.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trialwright.medicine.recist.courses import (
    NEVER,
    Courses,
    as_date_or_nat,
    course_numbers,
    earliest,
    steps,
)
from trialwright.medicine.recist.criteria import RECIST_1_1, ResponseCriteria
from trialwright.medicine.recist.lesions import Lesions
from trialwright.medicine.recist.responses import (
    MET,
    NOT_MET,
    Flags,
    Response,
    Role,
    State,
    Words,
    as_flags,
    as_verdicts,
    as_words,
)
from trialwright.medicine.whole_dates import Dates, as_dates
from trialwright.vocabulary.verdicts import Codes, Reason, Verdict


def non_target_response(
    lesions: Lesions, *, markers_normal: npt.ArrayLike | None = None, criteria: ResponseCriteria = RECIST_1_1
) -> Words:
    """Judge the non-target lesions of each time point.

    One unequivocal progression is progression. Else the response is not evaluable unless every non-target
    lesion of the baseline was assessed; then complete if all are gone (nodes: measured below the limit of a
    normal node).

    Parameters
    ----------
    lesions : Lesions
    markers_normal : array-like of verdict codes of shape (n,), optional
        Where the protocol asks for normal tumour markers: whether they are, at each time point.
    criteria : ResponseCriteria

    Returns
    -------
    responses : ndarray of uint8 of shape (n,)
        `CR`, `NON_CR_NON_PD`, `PD`, `NE`, `NO_LESIONS`, or `MISSING` up to the baseline.
    """
    points, n = lesions.points, len(lesions.points)
    role = lesions.role == Role.NON_TARGET
    expected = role & lesions.is_at_baseline
    rows = role[lesions.lesion]
    state, is_present = lesions.state, _is_seen(lesions, criteria)
    progressed = np.bincount(lesions.at[rows & (state == State.PROGRESSED)], minlength=n) > 0
    assessed = (state != State.NOT_ASSESSED) | ~np.isnan(lesions.diameter_mm)
    n_assessed = np.bincount(lesions.at[rows & assessed & expected[lesions.lesion]], minlength=n)
    n_expected = np.bincount(lesions.course[expected], minlength=points.n_courses)[points.course]
    remains = np.bincount(lesions.at[rows & is_present], minlength=n) > 0
    has_late = np.bincount(lesions.course[role & ~expected], minlength=points.n_courses) > 0
    none = (n_expected == 0) & (points.has_baseline & ~has_late)[points.course]
    normal = as_verdicts("markers_normal", markers_normal, n, otherwise=Verdict.MET)

    codes = np.select(
        [~points.is_follow_up, progressed, none, (n_assessed < n_expected) | (n_expected == 0), remains],
        [Response.MISSING, Response.PD, Response.NO_LESIONS, Response.NE, Response.NON_CR_NON_PD],
        np.select([normal == MET, normal == NOT_MET], [Response.CR, Response.NON_CR_NON_PD], Response.NE),
    )
    return codes.astype(np.uint8)


def find_new_lesions(lesions: Lesions, *, no_record: Verdict) -> Codes:
    """Tell at which time points there is a new lesion.

    A new lesion that was equivocal and is unequivocal later counts from the first scan that showed it [1]_,
    so assessments before are judged with hindsight. Until then it is unknown and needs a person.

    Parameters
    ----------
    lesions : Lesions
    no_record : Verdict
        What it means that no new lesion is recorded at a follow-up: usually `Verdict.NOT_MET`, because
        readers record what they find; `Verdict.unknown(Reason.MISSING)` where the question has an answer of
        its own.

    Returns
    -------
    new_lesion : ndarray of verdict codes of shape (n,)
        Not met up to the baseline.
    """
    points, n = lesions.points, len(lesions.points)
    rows = np.flatnonzero(lesions.of_role(Role.NEW))
    state, at = lesions.state[rows], lesions.at[rows]
    codes = np.select(
        [_is_surely_new(lesions)[rows], state == State.EQUIVOCAL, state == State.ABSENT],
        [MET, Reason.NEEDS_A_PERSON.code, NOT_MET],
        Reason.MISSING.code,
    )
    recorded = np.zeros(n, np.bool_)
    recorded[at] = True
    found = np.where(recorded, np.uint8(NOT_MET), np.uint8(no_record.code))
    np.maximum.at(found, at, codes.astype(np.uint8))
    return np.where(points.is_follow_up, found, np.uint8(NOT_MET))


def overall_response(target: npt.ArrayLike, non_target: npt.ArrayLike, new_lesion: npt.ArrayLike) -> Words:
    """Join targets, non-target and new lesions as in tables 1 and 2 of [1]_.

    Parameters
    ----------
    target, non_target : array-like of `Response` codes of shape (n,)
        A response that is `MISSING` for one of the two counts as not evaluable, for both as no assessment.
    new_lesion : array-like of verdict codes of shape (n,)
        Unknown because it needs a person (equivocal) changes nothing; unknown for any other reason allows no
        response but `PD` and `NE`.

    Returns
    -------
    responses : ndarray of uint8 of shape (n,)
        `NE` also where there was no lesion at all at baseline.

    Raises
    ------
    ValueError
        If a non-target response is `PR` or `SD`, or a target response `NON_CR_NON_PD`.
    """
    targets, others = as_parts(target, non_target)
    new = as_verdicts("new_lesion", new_lesion, len(targets), otherwise=Verdict.NOT_MET)
    unseen = (targets == Response.MISSING) & (others == Response.MISSING)
    is_open = (new != MET) & (new != NOT_MET) & (new != Reason.NEEDS_A_PERSON.code)
    progressed = (targets == Response.PD) | (others == Response.PD) | (new == MET)
    codes = np.select(
        [progressed, unseen, is_open], [Response.PD, Response.MISSING, Response.NE], _TABLE[targets, others]
    )
    return codes.astype(np.uint8)


def as_parts(target: npt.ArrayLike, non_target: npt.ArrayLike) -> tuple[Words, Words]:
    """Check responses of targets and of non-targets, of one length.

    Raises
    ------
    ValueError
        If a non-target response is `PR` or `SD`, or a target response `NON_CR_NON_PD`.
    """
    targets = as_words(Response, "target", target)
    others = as_words(Response, "non_target", non_target, length=len(targets))
    for name, codes, impossible in (
        ("non_target", others, (Response.PR, Response.SD)),
        ("target", targets, (Response.NON_CR_NON_PD,)),
    ):
        wrong = np.isin(codes, impossible)
        if wrong.any():
            position = int(np.argmax(wrong))
            raise ValueError(f"`{name}[{position}]` cannot be {Response(int(codes[position])).word}")
    return targets, others


def without_new_lesion(target: Response, non_target: Response) -> Response:
    """The overall response where nothing progressed and nothing is new."""
    if target in (Response.PR, Response.SD):
        return target
    if target == Response.CR:
        return Response.CR if non_target in (Response.CR, Response.NO_LESIONS) else Response.PR
    if target == Response.NO_LESIONS and non_target in (Response.CR, Response.NON_CR_NON_PD):
        return non_target
    return Response.NE


_TABLE = np.array([[without_new_lesion(one, other) for other in Response] for one in Response], np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What malignant disease a time point shows, one row for each.

    Attributes
    ----------
    lesion, node : ndarray of bool of shape (n,)
        A lesion that is no node; a node that is not normal.
    """

    lesion: Flags
    node: Flags


def find_disease(lesions: Lesions, *, criteria: ResponseCriteria = RECIST_1_1) -> Seen:
    """Tell where target or non-target disease is seen: lesions above 0 mm, nodes from the limit of a
    normal one up."""
    present = _is_seen(lesions, criteria) & ~lesions.of_role(Role.NEW)
    node = lesions.is_node[lesions.lesion]
    n = len(lesions.points)
    return Seen(
        np.bincount(lesions.at[present & ~node], minlength=n) > 0,
        np.bincount(lesions.at[present & node], minlength=n) > 0,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Reappearances:
    """Overall responses after the rule for disease that comes back, and where it was used.

    Attributes
    ----------
    response : ndarray of uint8 of shape (n,)
    has_reappeared : ndarray of bool of shape (n,)
    is_only_a_node : ndarray of bool of shape (n,)
        Nothing but nodes came back: they should be imaged again first [2]_.
    """

    response: Words
    has_reappeared: Flags
    is_only_a_node: Flags


def progress_after_complete_response(
    course: npt.ArrayLike, date: npt.ArrayLike, response: npt.ArrayLike, seen: Seen
) -> Reappearances:
    """Read disease that comes back after an overall complete response as progression [2]_.

    The complete response is the last overall response before that is neither not evaluable nor missing. What is seen at a
    time point counts there even if not everything could be evaluated.
    Without one, a lesion that vanished and came back is progression by its size or as a new lesion only.

    Parameters
    ----------
    course : array-like of int of shape (n,)
    date : array-like of datetime64[D] of shape (n,)
    response : array-like of `Response` codes of shape (n,)
        Overall responses by the table.
    seen : Seen of n time points

    Returns
    -------
    reappearances : Reappearances
        Responses as given in courses where assessments of one date differ.
    """
    of, n_courses = course_numbers(course)
    n = len(of)
    day = as_dates("date", date, length=n).astype(np.int64)
    told = as_words(Response, "response", response, length=n)
    shows_lesion, shows_node = as_flags("seen.lesion", seen.lesion, n), as_flags("seen.node", seen.node, n)
    rows = np.flatnonzero(told != Response.MISSING)
    courses = Courses.of(of[rows], day[rows], told[rows], shows_lesion[rows], shows_node[rows])
    first = rows[courses.order]
    codes, lesion, node = told[first], shows_lesion[first], shows_node[first]
    back = np.zeros(len(codes), np.bool_)
    last = np.full(n_courses, Response.MISSING, np.uint8)
    for at in steps(courses.course):
        who = courses.course[at]
        back[at] = (last[who] == Response.CR) & (lesion[at] | node[at]) & (codes[at] != Response.PD)
        codes[at[back[at]]] = Response.PD
        evaluable = codes[at] > Response.NE
        last[who[evaluable]] = codes[at[evaluable]]
    has_reappeared = np.zeros(n, np.bool_)
    has_reappeared[rows] = courses.back(back)
    has_reappeared &= ~courses.contradicted(n_courses)[of]
    return Reappearances(
        np.where(has_reappeared, np.uint8(Response.PD), told), has_reappeared, has_reappeared & ~shows_lesion
    )


def date_responses(lesions: Lesions, response: npt.ArrayLike, *, target: npt.ArrayLike) -> Dates:
    """Date each overall response.

    Progression by a new or a non-target lesion has the date of the first scan that showed it, progression by
    the sum the date of the last scan of a target; the earliest of them counts [3]_. Any other response has
    the date of the last scan of the time point.

    Parameters
    ----------
    lesions : Lesions
    response : array-like of `Response` codes of shape (n,)
        Overall responses.
    target : array-like of `Response` codes of shape (n,)

    Returns
    -------
    dates : ndarray of datetime64[D] of shape (n,)
    """
    n = len(lesions.points)
    codes = as_words(Response, "response", response, length=n)
    by_sum = as_words(Response, "target", target, length=n) == Response.PD
    measured = lesions.of_role(Role.TARGET) & ~np.isnan(lesions.diameter_mm)
    last_target = np.full(n, -NEVER)
    np.maximum.at(last_target, lesions.at[measured], lesions.last_date[measured].astype(np.int64))
    shows = _is_surely_new(lesions) | (lesions.state == State.PROGRESSED)
    days = earliest(lesions.at[shows], lesions.first_date[shows].astype(np.int64), n)
    days = np.where(by_sum & (last_target > -NEVER), np.minimum(days, last_target), days)
    dated = (codes == Response.PD) & (days < NEVER)
    return np.where(dated, as_date_or_nat(days), lesions.points.last_date)


def _is_surely_new(lesions: Lesions) -> Flags:
    """Rows of new lesions that are unequivocal, or equivocal and unequivocal at a later time point."""
    is_new = lesions.of_role(Role.NEW)
    certain = np.full(len(lesions.label), -1)
    seen = is_new & (lesions.state == State.UNEQUIVOCAL)
    np.maximum.at(certain, lesions.lesion[seen], lesions.at[seen])
    later = (lesions.state == State.EQUIVOCAL) & (certain[lesions.lesion] > lesions.at)
    return np.asarray(is_new & (seen | later))


def _is_seen(lesions: Lesions, criteria: ResponseCriteria) -> Flags:
    """Rows that show disease: by size where measured, else as the reader says."""
    node, diameter = lesions.is_node[lesions.lesion], lesions.diameter_mm
    measured = ~np.isnan(diameter)
    by_size = np.where(node, diameter >= criteria.normal_node_mm, diameter > 0)
    said = np.isin(lesions.state, (State.PRESENT, State.TOO_SMALL, State.PROGRESSED))
    return np.asarray(np.where(measured, by_size, said))
