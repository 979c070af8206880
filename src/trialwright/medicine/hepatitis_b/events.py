"""From single samples to one answer for each person: whether something happened, and on which day it first did."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from trialwright.medicine.arguments import places_of
from trialwright.medicine.hepatitis_b.occasions import MET, NOT_MET
from trialwright.medicine.known import Index, Known
from trialwright.medicine.moments import IMPRECISE, MISSING, Times, as_moments
from trialwright.vocabulary.intervals import Intervals
from trialwright.vocabulary.verdicts import Codes, Reason, all_of, as_codes


class Event(NamedTuple):
    """For each person whether it happened, and the day number on which it first did.

    The day is not applicable where it did not happen, and unknown where that is.
    """

    verdict: Codes
    day: Known

    @classmethod
    def of(cls, verdict: Codes, day: Known) -> Event:
        """The event with a day only where it happened."""
        reasons = np.where(verdict == NOT_MET, np.uint8(Reason.NOT_APPLICABLE.code), verdict)
        none = Known.unknown(np.where(verdict == MET, MISSING, reasons), least=-np.inf)
        return cls(verdict, day.where(verdict == MET, none))


class Judged(NamedTuple):
    """Samples that were judged: of which person by position, on which day, and the verdict."""

    of: Index
    day: Known
    codes: Codes

    @classmethod
    def read(
        cls, subjects: Iterable[Hashable], times: Times, codes: Codes, *, people: Sequence[Hashable]
    ) -> Judged:
        """Those of the people asked for.

        Raises
        ------
        ValueError
            If the arguments differ in length, a label is missing, or `people` has one twice.
        """
        of = places_of("subjects", subjects, people=people)
        verdicts, days = as_codes(codes), as_moments("times", times).days
        if not len(of) == len(verdicts) == len(days):
            lengths = f"{len(of)} subjects, {len(days)} times and {len(verdicts)} verdicts"
            raise ValueError(f"samples must have a subject, a time and a verdict each, not {lengths}")
        asked = of >= 0
        return cls(of[asked], days[asked], verdicts[asked])

    def rows(self, rows: Index) -> Judged:
        return Judged(self.of[rows], self.day[rows], self.codes[rows])

    def first(self, n_people: int) -> Event:
        """Whether it held on any sample of each person, and since when."""
        verdict = np.full(n_people, NOT_MET)
        np.maximum.at(verdict, self.of, self.codes)
        verdict[~np.isin(np.arange(n_people), self.of)] = MISSING
        happened = verdict == MET
        bounds, possible, sure = self.day.bounds, self.codes != NOT_MET, self.codes == MET
        lo, hi = np.full(n_people, np.inf), np.full(n_people, np.inf)
        np.minimum.at(lo, self.of[possible], bounds.lo[possible])
        np.minimum.at(hi, self.of[sure], bounds.hi[sure])
        reasons = np.full(n_people, IMPRECISE)
        unsure = np.where(sure, self.day.reasons, self.codes)
        np.maximum.at(reasons, self.of[possible], unsure[possible])
        day = Known(Intervals(np.where(happened, lo, 0), np.where(happened, hi, 0)), reasons)
        return Event.of(verdict, day)


def first_event(
    subjects: Iterable[Hashable], times: Times, codes: Codes, *, people: Sequence[Hashable]
) -> Event:
    """Whether something held on any sample of a person, and since when.

    Parameters
    ----------
    subjects : iterable of labels, shape (n,)
    times : Times of shape (n,)
    codes : ndarray of uint8, shape (n,)
        Whether it held, and the sample counts (`all_of` with `is_in_period`). Samples without a result are no
        samples: `order_samples` leaves them out.
    people : sequence of labels
        For whom to answer. Who has no sample at all is unknown (missing).

    Returns
    -------
    event : Event
    """
    return Judged.read(subjects, times, codes, people=people).first(len(people))


def linked_event(one: Judged, other: Judged, *, n_people: int, within: tuple[int, int] | None) -> Event:
    """Whether two things happened to a person, close to each other, and the first day on which both had.

    Parameters
    ----------
    one, other : Judged
    n_people : int
    within : (int, int), optional
        Least and most days from `one` to `other`, both included, negative if it came before. Without it any distance
        counts.
    """
    either = all_of([one.first(n_people).verdict, other.first(n_people).verdict])
    one, other = (side.rows(np.flatnonzero(side.codes != NOT_MET)) for side in (one, other))
    i, j = _pairs(one.of, other.of)
    codes = all_of([one.codes[i], other.codes[j]])
    if within is not None:
        days = other.day[j].minus(one.day[i])
        codes = all_of([codes, days.compare(">=", within[0]), days.compare("<=", within[1])])
    together = Judged(one.of[i], one.day[i].maximum(other.day[j]), codes).first(n_people)
    # Without a pair one of them surely did not happen, or has no sample.
    verdict = np.where(np.isin(np.arange(n_people), one.of[i]), together.verdict, either)
    return Event.of(verdict, together.day)


def _pairs(one: Index, other: Index) -> tuple[Index, Index]:
    """All pairs of rows, one of each, that are of the same person."""
    in_order = np.argsort(other, kind="stable")
    first = np.searchsorted(other[in_order], one)
    count = np.searchsorted(other[in_order], one, "right") - first
    rows = np.repeat(np.arange(len(one)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return rows, in_order[np.repeat(first, count) + within]
