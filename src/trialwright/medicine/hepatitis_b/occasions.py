"""Samples of people in the order in which they were taken, as far as it is known.

Everything that asks for what came before or next (baseline, nadir, confirmation, the end of a flare) works on
occasions: samples that cannot be put in order are one occasion, whose result is any of theirs.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trialwright.medicine.arguments import places_of
from trialwright.medicine.assay_results import AssayResults, as_assay_results
from trialwright.medicine.known import Index, Known
from trialwright.medicine.moments import IMPRECISE, MISSING, Moments, Times, as_moments
from trialwright.statistics.arrays import as_codes as as_numbered
from trialwright.vocabulary.intervals import Flags, Intervals
from trialwright.vocabulary.partial_dates import MINUTES_PER_DAY
from trialwright.vocabulary.verdicts import Codes, Reason, Verdict, all_of, as_codes, judge, negate

MET, NOT_MET = np.uint8(Verdict.MET.code), np.uint8(Verdict.NOT_MET.code)
_APART = 1 << 41  # minutes between one person's dates and the next one's


@dataclass(frozen=True, slots=True, eq=False)
class Occasions:
    """Samples in order, one row for each occasion, the occasions of a person next to each other.

    Parameters
    ----------
    labels : sequence of labels
        The people, sorted.
    person : ndarray of int, shape (n,)
        Which of the labels each occasion is of; never falls.
    moments : Moments of shape (n,)
        Of one person, each lies wholly after the one before.
    results : AssayResults of shape (n,)
    row : ndarray of int, shape (n,)
        Position of its first sample among those given.
    n_samples : ndarray of int, shape (n,)
        How many samples it stands for.
    """

    labels: Sequence[Hashable]
    person: Index
    moments: Moments
    results: AssayResults
    row: Index
    n_samples: Index

    def __len__(self) -> int:
        return len(self.person)

    def __getitem__(self, rows: Flags) -> Occasions:
        """Some of the occasions."""
        index = np.flatnonzero(rows)
        return Occasions(
            self.labels,
            self.person[index],
            self.moments[index],
            self.results.take(index),
            self.row[index],
            self.n_samples[index],
        )

    @property
    def is_last(self) -> Flags:
        """Whether an occasion is the last of its person."""
        return np.append(self.person[1:] != self.person[:-1], np.ones(min(1, len(self)), np.bool_))

    @property
    def subjects(self) -> list[Hashable]:
        """The label of each occasion's person."""
        return [self.labels[i] for i in self.person.tolist()]


def order_samples(subjects: Iterable[Hashable], times: Times, results: AssayResults | Known) -> Occasions:
    """Put samples in order; those without a result are left out.

    Parameters
    ----------
    subjects : iterable of labels, shape (n,)
        Whose sample it is.
    times : Times of shape (n,)
    results : AssayResults or Known of shape (n,)

    Returns
    -------
    occasions : Occasions
        Samples of one instant that differ are in conflict; those whose order is open because a date is not known to
        the day are of imprecise date where they differ.

    Raises
    ------
    ValueError
        If the arguments differ in length, or a label is missing.
    """
    measured = as_assay_results(results)
    labels, numbers = as_numbered("subjects", subjects, length=len(measured))
    moments = as_moments("times", times)
    if len(moments) != len(measured):
        raise ValueError(f"`times` must have {len(measured)} values, not {len(moments)}")
    kept = np.flatnonzero(measured.is_measurement)
    kept = kept[np.lexsort((moments.last[kept], moments.first[kept], numbers[kept]))]
    person, when = numbers[kept].astype(np.intp), moments[kept]
    latest = np.maximum.accumulate(when.last + person * _APART) if len(kept) else when.last
    is_new = np.ones(len(kept), np.bool_)
    is_new[1:] = when.first[1:] + person[1:] * _APART > latest[:-1]
    starts = np.flatnonzero(is_new)
    if not len(starts):
        return Occasions(labels, person, when, measured.take([]), kept, kept)
    first = np.minimum.reduceat(when.first, starts)
    last = np.maximum.reduceat(when.last, starts)
    one_day = first // MINUTES_PER_DAY == last // MINUTES_PER_DAY
    cause = np.where(one_day, np.uint8(Reason.CONFLICT.code), IMPRECISE)
    return Occasions(
        labels,
        person[starts],
        Moments(first, last),
        measured.take(kept).hulls(starts, cause=cause),
        kept[starts],
        np.diff(np.append(starts, len(kept))),
    )


# --- what came before, and what comes next ---------------------------------------------------------------------------


class Baseline(NamedTuple):
    """The baseline of each person asked for: missing where there is none.

    `row` is the position of the first sample surely on or before the moment, -1 where there is none; `day` is the
    day number of the baseline.
    """

    results: AssayResults
    row: Index
    day: Known


def choose_baseline(occasions: Occasions, *, people: Sequence[Hashable], at: Times) -> Baseline:
    """The last result on or before a moment, such as the first dose.

    It wins as a whole: one that is censored, in conflict or of unknown unit is the baseline, never an older one in
    its place. A sample of that very day counts unless clock times prove that it came later.

    Parameters
    ----------
    occasions : Occasions
        Of DNA, ALT or whatever has a baseline.
    people : sequence of labels, shape (n,)
        For whom to answer.
    at : Times of shape (n,) or one for all
        The moment of each of them.

    Returns
    -------
    baseline : Baseline of shape (n,)
        Where it is open whether a sample came before the moment, the result is any that may be meant, of imprecise
        date unless they agree.

    Raises
    ------
    ValueError
        If `people` has a label twice.
    """
    moments = as_moments("at", at)
    if len(moments) == 1:
        moments = moments[np.zeros(len(people), np.intp)]
    position = places_of("occasions", occasions.labels, people=people)
    asked = position[occasions.person]
    mine, asked = occasions[asked >= 0], asked[asked >= 0]
    before = mine.moments.is_at_or_before(moments[asked])
    last = np.full(len(people), -1, np.intp)
    np.maximum.at(last, asked[before == MET], np.flatnonzero(before == MET))
    perhaps = np.flatnonzero((before != MET) & (before != NOT_MET))
    candidates = np.append(last, perhaps)
    of = np.append(np.arange(len(people)), asked[perhaps])
    in_turn = np.argsort(of, kind="stable")
    candidates, starts = candidates[in_turn], np.searchsorted(of[in_turn], np.arange(len(people)))
    return Baseline(
        mine.results.take(candidates).hulls(starts, cause=np.full(len(people), IMPRECISE)),
        np.where(last >= 0, np.append(mine.row, -1)[last], -1),
        mine.moments.days.take(candidates).hulls(starts, cause=Reason.IMPRECISE_DATE),
    )


class Nadir(NamedTuple):
    """The lowest earlier result, and whether every earlier result was quantified."""

    amount: Known
    quantified: Codes


def compute_nadir(occasions: Occasions) -> Nadir:
    """The lowest result of all earlier occasions of the same person; missing on the first.

    Give only those occasions among which a nadir is sought: those on treatment, and the baseline if it counts.
    """
    amount, bounds, person = occasions.results.amount, occasions.results.amount.bounds, occasions.person
    low = _lowest_so_far(person, bounds.lo, bounds.lo_open)
    high = _lowest_so_far(person, bounds.hi, ~bounds.hi_open)
    so_far = Known(
        Intervals(bounds.lo[low], bounds.hi[high], bounds.lo_open[low], bounds.hi_open[high]),
        _greatest_so_far(person, amount.reasons),
        is_calculated=_greatest_so_far(person, amount.is_calculated),
    )
    quantified = negate(_greatest_so_far(person, negate(occasions.results.quantified)))
    is_first = np.append(True, occasions.is_last)[: len(occasions)]
    before = np.where(is_first, -1, np.arange(len(occasions)) - 1)
    return Nadir(so_far.take(before), np.where(is_first, MISSING, quantified[before]))


def _lowest_so_far(person: Index, numbers: npt.NDArray[np.float64], is_later: Flags) -> Index:
    """For each row the row of its person up to it with the lowest number, of equal ones one that is not `is_later`."""
    n = len(numbers)
    in_order = np.lexsort((is_later, numbers))
    rank = np.empty(n, np.intp)
    rank[in_order] = np.arange(n)
    return np.asarray(in_order[np.minimum.accumulate(rank - person * n) + person * n])


def _greatest_so_far(person: Index, codes: npt.ArrayLike) -> Codes:
    """For each row the greatest code of its person up to it."""
    apart = person * 256
    return (np.maximum.accumulate(np.asarray(codes, np.intp) + apart) - apart).astype(np.uint8)


def confirm(
    occasions: Occasions,
    codes: Codes,
    *,
    least_days: int,
    is_enough: npt.ArrayLike = False,
) -> Codes:
    """Whether what holds on an occasion holds on all those after it until one that confirms it.

    Parameters
    ----------
    occasions : Occasions of shape (n,)
    codes : ndarray of uint8, shape (n,)
        Whether it holds on each.
    least_days : int
        How many days later an occasion must be to confirm.
    is_enough : array-like of bool that broadcasts to (n,)
        Occasions that confirm however soon they come (a scheduled visit, where any next one counts).

    Returns
    -------
    confirmed : ndarray of uint8, shape (n,)
        Unknown (missing) where it holds and no later occasion is late enough to tell.
    """
    as_codes(codes)
    n = len(occasions)
    if not n:
        return codes
    here, closes = np.arange(n), occasions.is_last
    days = occasions.moments.days
    # the last of the occasions from each one on which it surely holds, and on which it may hold
    stop = _next_true(closes | np.append(codes[1:] != MET, True))
    far = _next_true(closes | np.append(codes[1:] == NOT_MET, True))
    enough = np.broadcast_to(np.asarray(is_enough, np.bool_), n)
    next_enough = _next_true(np.append(enough[1:], True)) + 1

    def told_by(end: Index) -> Codes:
        late = days.take(end).minus(days).compare(">=", least_days)
        return np.where(
            (next_enough <= end) | ((end > here) & (late == MET)), MET, np.where(end > here, late, NOT_MET)
        )

    sure, most = told_by(stop), told_by(far)
    next_one = np.append(codes[1:], NOT_MET)[stop]
    no_more = closes[stop] | (next_one == NOT_MET)
    undated = (sure != MET) & (sure != NOT_MET)
    reason = np.where(undated, sure, np.where(no_more, MISSING, next_one))
    never = (sure != MET) & (most == NOT_MET) & ~closes[far]
    return all_of([codes, judge(surely=sure == MET, never=never, reason=reason)])


def _next_true(flags: Flags) -> Index:
    """For each row the first one from it on that is flagged; the last must be."""
    found = np.where(flags, np.arange(len(flags)), len(flags))
    return np.asarray(np.minimum.accumulate(found[::-1])[::-1])
