"""Dates beside each other, and whether a window holds them, as codes of verdicts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from trialwright.evaluation.codes import IMPRECISE, MET, NOT_MET, negated
from trialwright.protocol import rule_tree as tree
from trialwright.vocabulary.durations import Duration, TimeUnit
from trialwright.vocabulary.partial_dates import MINUTES_PER_DAY, PartialDate, date_of, day_number

Holds = Callable[[PartialDate], int]
"""Whether a date lies in a window."""


def on_or_before(a: PartialDate, b: PartialDate) -> int:
    """Two dates of one day are one moment, unless their times tell which came first."""
    if a.first_minute > b.last_minute:
        return NOT_MET
    return MET if a.last_day <= b.first_day else IMPRECISE


def before(a: PartialDate, b: PartialDate) -> int:
    return negated(on_or_before(b, a))


def moved(date: PartialDate, length: Duration, sign: str = "+") -> PartialDate:
    """A date so much later or earlier: hours by the clock, days by the calendar at the same time of day."""
    direction = 1 if sign == "+" else -1

    def move(minute: int) -> int:
        if length.unit is TimeUnit.HOURS:
            return minute + direction * 60 * length.amount
        day, time = divmod(minute, MINUTES_PER_DAY)
        goal = length.after(date_of(day)) if direction > 0 else length.before(date_of(day))
        return day_number(goal) * MINUTES_PER_DAY + time

    first = move(date.first_minute)
    if date.is_whole:
        last = first + date.last_minute - date.first_minute
    else:
        # Months end early: the 30th at noon and the 31st at six may both become the 30th, and then its whole day.
        first = min(first, move(min((date.first_day + 1) * MINUTES_PER_DAY, date.last_minute)))
        last = max(move(date.last_minute), move(max(date.last_day * MINUTES_PER_DAY - 1, date.first_minute)))
    return PartialDate(f"{date} {sign} {length}", first, last)


class Span(NamedTuple):
    """From when to when a window reaches, in minutes; each end may be known in part."""

    maybe_from: float = -math.inf
    surely_from: float = -math.inf
    surely_until: float = math.inf
    maybe_until: float = math.inf

    def holds(self, date: PartialDate) -> int:
        if date.last_minute < self.maybe_from or date.first_minute > self.maybe_until:
            return NOT_MET
        if date.first_minute >= self.surely_from and date.last_minute <= self.surely_until:
            return MET
        return IMPRECISE

    def since(self, moment: PartialDate) -> Span:
        """Not before a moment; a date of the same day counts unless its time tells that it was earlier."""
        return self._replace(maybe_from=moment.first_minute, surely_from=moment.last_day * MINUTES_PER_DAY)

    def until(self, moment: PartialDate) -> Span:
        """Not after a moment; a date of the same day counts unless its time tells that it was later."""
        return self._replace(surely_until=_end(moment.first_day), maybe_until=moment.last_minute)

    def back_to(self, end: PartialDate, *, by_clock: bool) -> Span:
        """Not beyond the far end of a window before a moment: by the minute, or by the day."""
        if by_clock:
            return self._replace(maybe_from=end.first_minute, surely_from=end.last_minute)
        first, last = end.first_day * MINUTES_PER_DAY, end.last_day * MINUTES_PER_DAY
        return self._replace(maybe_from=first, surely_from=last)

    def on_to(self, end: PartialDate, *, by_clock: bool) -> Span:
        """Not beyond the far end of a window after a moment."""
        if by_clock:
            return self._replace(surely_until=end.first_minute, maybe_until=end.last_minute)
        return self._replace(surely_until=_end(end.first_day), maybe_until=_end(end.last_day))


def span_of(window: tree.Within | tree.Since, moment: PartialDate, here: PartialDate) -> Span:
    """What a window that counts from a moment holds, both ends and the moment included."""
    if isinstance(window, tree.Since):
        return Span().since(moment).until(here)
    length, by_clock = window.length, window.length.unit is TimeUnit.HOURS
    match window.side:
        case "before":
            return Span().until(moment).back_to(moved(moment, length, "-"), by_clock=by_clock)
        case "after":
            return Span().since(moment).on_to(moved(moment, length), by_clock=by_clock)
        case "around":
            span = Span().back_to(moved(moment, length, "-"), by_clock=by_clock)
            return span.on_to(moved(moment, length), by_clock=by_clock)


def _end(day: int) -> int:
    """The last minute of a day."""
    return (day + 1) * MINUTES_PER_DAY - 1
