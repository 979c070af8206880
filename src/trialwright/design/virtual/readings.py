"""What a plain reader makes of values and dates, patient by patient.

A second implementation, written for being right and not for speed: nothing of `medicine`, `evaluation` or `derivations`
is used. Days count from time zero, which is day 0. A value is known exactly, lies below or above a limit, or was not
detected; a question about it is answered yes, no, or None where it cannot be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trialwright.design.virtual.laboratory import ABOVE, EXACT

TOLERANCE = 1e-9
"""Of products: 3 times 20.1 is 60.3 (domain conventions, numeric 2)."""

Answer = bool | None


@dataclass(frozen=True, slots=True)
class Sample:
    """A result: its day, and the least and most it may be; the most is not reached if it is open."""

    day: int
    low: float
    high: float
    is_open: bool

    @property
    def is_exact(self) -> bool:
        return self.low == self.high


def sample(day: int, value: float, state: int) -> Sample:
    """A result as the laboratory recorded it: `state` as in `laboratory`."""
    if state == EXACT:
        return Sample(day, value, value, False)
    if state == ABOVE:
        return Sample(day, value, float("inf"), True)
    return Sample(day, 0.0, value, True)


def samples_of(
    days: list[list[int]], values: list[list[float]], states: list[list[int]], done: list[list[bool]]
) -> list[list[Sample]]:
    """The results of each subject in the order of their days."""
    return [
        sorted(
            (sample(day, value, state) for day, value, state, is_done in zip(*row, strict=True) if is_done),
            key=lambda one: one.day,
        )
        for row in zip(days, values, states, done, strict=True)
    ]


def reaches(one: Sample, fold: float, other: Sample) -> Answer:
    """Whether a result is at least so many times another."""
    if one.low >= fold * other.high * (1 - TOLERANCE):
        return True
    most, least = one.high, fold * other.low
    if most < least * (1 - TOLERANCE) or (one.is_open and most <= least * (1 + TOLERANCE)):
        return False
    return None


def is_at_least(one: Sample, limit: float) -> Answer:
    if one.low >= limit:
        return True
    return False if one.high < limit or (one.is_open and one.high <= limit) else None


def is_above(one: Sample, limit: float) -> Answer:
    """Of `>100`, 100 itself is not above."""
    if one.low > limit or (one.low == limit and one.high == float("inf")):
        return True
    return False if one.high <= limit else None


def both(one: Answer, other: Answer) -> Answer:
    """Kleene's and."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def lowest_before(samples: Sequence[Sample]) -> list[Sample | None]:
    """For each result the lowest of those before it: the least and the most that may be; none before the first."""
    found: list[Sample | None] = []
    lowest: Sample | None = None
    for one in samples:
        found.append(lowest)
        if lowest is None:
            lowest = one
            continue
        high = min(lowest.high, one.high)
        is_open = any(each.is_open and each.high == high for each in (lowest, one))
        lowest = Sample(one.day, min(lowest.low, one.low), high, is_open)
    return found


def baseline_of(samples: Sequence[Sample], day: int, within: int, *, takes_earlier: bool) -> Sample | None:
    """The last result on or before a day, no older than `within` days unless an earlier one is taken."""
    before = [one for one in samples if one.day <= day]
    if not before or (before[-1].day < day - within and not takes_earlier):
        return None
    return before[-1]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: the first day it was, and whether it can be said at all."""

    answer: Answer
    day: int | None = None


def first_met(rows: Sequence[tuple[int, Answer]]) -> Finding:
    """The first day with a yes; without one, None if any row is open, else no."""
    for day, answer in rows:
        if answer:
            return Finding(True, day)
    return Finding(None if any(answer is None for _, answer in rows) else False)


def confirmed(
    samples: Sequence[Sample], holds: Callable[[int], Answer], after: int
) -> list[tuple[int, Answer]]:
    """For each result, whether it holds, and holds again at the first result `after` days later or more.

    No result between may fail. Without a later result the answer is open.
    """
    rows: list[tuple[int, Answer]] = []
    answers = [holds(position) for position in range(len(samples))]
    for position, one in enumerate(samples):
        answer = answers[position]
        if answer is not False:
            later = range(position + 1, len(samples))
            until = next((i for i in later if samples[i].day >= one.day + after), None)
            span = later if until is None else range(position + 1, until + 1)
            if any(answers[i] is False for i in span):
                answer = False
            elif until is None or any(answers[i] is None for i in span):
                answer = None
        rows.append((one.day, answer))
    return rows
