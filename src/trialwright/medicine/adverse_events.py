"""Which adverse events are treatment-emergent: they began, or grew worse, in the time that treatment can explain."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trialwright.medicine.arguments import Answers, aligned, as_answers
from trialwright.medicine.known import MET, NOT_MET
from trialwright.medicine.moments import IMPRECISE, MISSING, Moments, Times, as_moments
from trialwright.vocabulary.intervals import Flags
from trialwright.vocabulary.partial_dates import MINUTES_PER_DAY
from trialwright.vocabulary.verdicts import Codes, Reason, all_of, any_of, judge

_CONFLICT = np.uint8(Reason.CONFLICT.code)


class TreatmentEmergence(NamedTuple):
    """What is known of each event, and whether it counts.

    `verdict` is unknown where the dates do not tell (imprecise date, missing) or cannot be right (conflict). `counts`
    is False only where it is not met: an event is treatment-emergent unless its dates prove otherwise.
    """

    verdict: Codes
    counts: Flags


def treatment_emergent(
    onset: Times,
    *,
    end: Times,
    first_dose: Times,
    last_dose: Times,
    days_after: int,
    worsened: Times | None = None,
    new_therapy: Times | None = None,
    is_related: Answers = None,
) -> TreatmentEmergence:
    """Judge whether events began, or grew worse, from the first dose to some days after the last.

    Parameters
    ----------
    onset, end : Times of shape (n,)
        Known to the minute, the day, the month or not at all. An event that goes on has no end.
    first_dose, last_dose : Times of shape (n,) or one for all
        Of each event's person. Where treatment goes on give the day up to which it is known to.
    days_after : int
        Whole days after the last dose, the last included. Defaults of the trials: 90, 30 and 28.
    worsened : Times of shape (n,), optional
        When an event that was there before grew worse; missing where it did not.
    new_therapy : Times of shape (n,) or one for all, optional
        Start of new anticancer therapy; missing where there was none. What begins after it counts only if related.
    is_related : array-like of bool or None, or verdict codes, of shape (n,) or one for all
        Whether the event is related to the treatment; asked after new therapy only.

    Returns
    -------
    emergence : TreatmentEmergence of shape (n,)
        On the day of the first dose an event counts as later, on that of new therapy as earlier, unless clock times
        prove otherwise. It began no later than it ended: one that had ended before the first dose is not emergent,
        whatever its onset. An event that ends before it begins, or a last dose before the first, is a conflict.

    Raises
    ------
    ValueError
        If `days_after` is no whole number of at least 0, or two arguments have several rows and not the same number.

    Examples
    --------
    >>> from trialwright.vocabulary.partial_dates import PartialDate
    >>> first, last, january = (PartialDate.parse(text) for text in ("2024-01-10", "2024-06-26", "2024-01"))
    >>> found = treatment_emergent(
    ...     [january, january], end=[None, PartialDate.parse("2024-01-05")], first_dose=[first], last_dose=[last],
    ...     days_after=90,
    ... )
    >>> found.counts.tolist(), found.verdict.tolist()
    ([True, False], [32, 0])
    """
    if isinstance(days_after, bool) or not isinstance(days_after, int | np.integer) or days_after < 0:
        raise ValueError(f"`days_after` must be a whole number of at least 0, not {days_after!r}")
    began, ended, first, last, worse, therapy = aligned(
        onset=as_moments("onset", onset),
        end=as_moments("end", end),
        first_dose=as_moments("first_dose", first_dose),
        last_dose=as_moments("last_dose", last_dose),
        worsened=as_moments("worsened", [np.nan] if worsened is None else worsened),
        new_therapy=as_moments("new_therapy", [np.nan] if new_therapy is None else new_therapy),
    )
    related, _ = aligned(
        is_related=as_answers("is_related", is_related), onset=np.zeros(len(began), np.uint8)
    )
    until = last.days.scaled(1.0, days_after)

    def emerged(when: Moments) -> Codes:
        possible = _no_later_than(when, ended)
        before_therapy = np.where(therapy.is_missing, MET, possible.is_at_or_before(therapy))
        return all_of(
            [
                _is_on_or_after(possible, first),
                possible.days.compare("<=", until),
                any_of([before_therapy, related]),
            ]
        )

    grew_worse = np.where(worse.is_missing, NOT_MET, emerged(worse))
    ends_too_early = (ended.last < began.first) | (~worse.is_missing & (ended.last < worse.first))
    is_conflict = ends_too_early | (last.last < first.first)
    verdict = np.where(is_conflict, _CONFLICT, any_of([emerged(began), grew_worse]))
    return TreatmentEmergence(verdict, np.asarray(verdict != NOT_MET))


def _no_later_than(when: Moments, ended: Moments) -> Moments:
    """The same moments as far as they lie before the end; as they are where all of them lie after it."""
    return Moments(
        when.first, np.where(ended.last < when.first, when.last, np.minimum(when.last, ended.last))
    )


def _is_on_or_after(when: Moments, anchor: Moments) -> Codes:
    """A day without clock times that tell counts as after an anchor of that day."""
    before = when.last < anchor.first
    surely = (when.first // MINUTES_PER_DAY >= anchor.last // MINUTES_PER_DAY) & ~before
    missing = when.is_missing | anchor.is_missing
    return judge(surely=surely & ~missing, never=before, reason=np.where(missing, MISSING, IMPRECISE))
