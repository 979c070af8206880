"""Windows that count from an anchor: a length of time before it, after it, or around it.

Days, weeks, months and years count whole dates: `28 days before` takes in the 28th day before the anchor and nothing
of the 29th, whatever the hour. Months and years go to the same day of another month, or its last day. Only hours
count by the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trialwright.vocabulary.durations import Duration, TimeUnit
from trialwright.vocabulary.partial_dates import (
    MINUTES_PER_DAY,
    PartialDate,
    date_of,
    day_number,
)
from trialwright.vocabulary.verdicts import Codes, Reason, Verdict, judge


class Direction(StrEnum):
    BEFORE = "before"
    AFTER = "after"
    AROUND = "around"


class SameDay(StrEnum):
    """How a date on the anchor's own day is placed where clock times do not tell which came first.

    `simultaneous`: as one moment, so that a window that includes its anchor includes it and one that excludes its
    anchor does not. A sample of the day of the first dose thus counts as taken before it unless a time proves
    otherwise. `unknown`: the order stays unknown.
    """

    SIMULTANEOUS = "simultaneous"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Window:
    """A length of time before, after or around an anchor.

    The far end belongs to the window. `includes_anchor` says whether the anchor's own moment does: it does in `last
    on or before first dose` and does not in `after first dose`.

    Raises
    ------
    ValueError
        If a window around its anchor excludes it, or if nothing can lie inside (0 days without the anchor).

    Examples
    --------
    >>> window = Window(Duration.parse("28 days"), Direction.BEFORE, includes_anchor=True)
    >>> print(window.contains(PartialDate.parse("2024-02"), PartialDate.parse("2024-03-05")))
    unknown (imprecise date)
    """

    length: Duration
    direction: Direction
    includes_anchor: bool
    same_day: SameDay = SameDay.SIMULTANEOUS

    def __post_init__(self) -> None:
        object.__setattr__(self, "direction", Direction(self.direction))
        object.__setattr__(self, "same_day", SameDay(self.same_day))
        if not self.includes_anchor and self.direction is Direction.AROUND:
            raise ValueError("a window around its anchor includes it")
        if not self.includes_anchor and self.length.amount == 0:
            raise ValueError(f"nothing lies in a window of `{self.length}` that excludes its anchor")

    def contains(self, when: PartialDate, anchor: PartialDate) -> Verdict:
        """Whether a date lies inside; unknown (imprecise date) where the days it can be decide differently."""
        surely, never = self._surely_and_never(_span_of(when), _span_of(anchor), _shift_day)
        return Verdict.judge(surely=surely, never=never, reason=Reason.IMPRECISE_DATE)

    def contains_days(
        self,
        first: npt.ArrayLike,
        anchor_first: npt.ArrayLike,
        *,
        last: npt.ArrayLike | None = None,
        anchor_last: npt.ArrayLike | None = None,
    ) -> Codes:
        """`contains` for arrays of dates without times.

        Parameters
        ----------
        first, last : array-like of datetime64[D]
            Earliest and latest day of each date; whole dates where `last` is not given. NaT where missing.
        anchor_first, anchor_last : array-like of datetime64[D]
            The same of the anchors, of a shape that broadcasts.

        Returns
        -------
        codes : ndarray of uint8
            Verdict codes, unknown (missing) where a date is NaT.

        Raises
        ------
        ValueError
            If a latest day lies before its earliest.
        """
        when, no_date = _span_of_days(first, first if last is None else last)
        anchor, no_anchor = _span_of_days(anchor_first, anchor_first if anchor_last is None else anchor_last)
        surely, never = self._surely_and_never(when, anchor, _shift_days)
        missing = no_date | no_anchor
        reasons = np.where(missing, np.uint8(Reason.MISSING.code), np.uint8(Reason.IMPRECISE_DATE.code))
        return judge(surely=surely & ~missing, never=never & ~missing, reason=reasons)

    def _surely_and_never(self, when: _Span, anchor: _Span, shift: _Shift) -> tuple[Any, Any]:
        """Whether every moment it can be lies inside, and whether none does.

        Each end is judged alone. That loses nothing: going step by step from a moment beyond one end to a moment
        beyond the other, one passes through the window.
        """
        match self.direction:
            case Direction.BEFORE:
                near, far = self._is_in_order(when, anchor), self._is_within(when, anchor, -1, shift)
            case Direction.AFTER:
                near, far = self._is_in_order(anchor, when), self._is_within(when, anchor, 1, shift)
            case Direction.AROUND:
                near, far = (self._is_within(when, anchor, sign, shift) for sign in (-1, 1))
        return near[0] & far[0], near[1] | far[1]

    def _is_within(self, when: _Span, anchor: _Span, sign: int, shift: _Shift) -> tuple[Any, Any]:
        """Surely and never not beyond the far end, before (sign -1) or after (1) the anchor."""
        if self.length.unit is TimeUnit.HOURS:
            minutes = sign * 60 * self.length.amount
            first, last = when.first_minute, when.last_minute
            end_first, end_last = anchor.first_minute + minutes, anchor.last_minute + minutes
        else:
            first, last = when.first_day, when.last_day
            end_first = shift(anchor.first_day, self.length, sign)
            end_last = shift(anchor.last_day, self.length, sign)
        if sign < 0:
            return first >= end_last, last < end_first
        return last <= end_first, first > end_last

    def _is_in_order(self, earlier: _Span, later: _Span) -> tuple[Any, Any]:
        """Surely and never one before the other, or with it where the window includes its anchor."""
        before, after = earlier.last_minute < later.first_minute, earlier.first_minute > later.last_minute
        if self.same_day is SameDay.UNKNOWN:
            if self.includes_anchor:
                return earlier.last_minute <= later.first_minute, after
            return before, earlier.first_minute >= later.last_minute
        if self.includes_anchor:
            return (earlier.last_day <= later.first_day) & (after ^ True), after
        return before, (earlier.first_day >= later.last_day) & (before ^ True)

    def __str__(self) -> str:
        own = (
            "" if self.includes_anchor or self.direction is Direction.AROUND else ", its own moment excluded"
        )
        return f"{self.length} {self.direction} the anchor{own}"


class _Span(NamedTuple):
    """First and last day and minute a date can be, counted from 1970; numbers or arrays."""

    first_day: Any
    last_day: Any
    first_minute: Any
    last_minute: Any


_Shift = Callable[[Any, Duration, int], Any]


def _span_of(when: PartialDate) -> _Span:
    return _Span(when.first_day, when.last_day, when.first_minute, when.last_minute)


def _span_of_days(first: npt.ArrayLike, last: npt.ArrayLike) -> tuple[_Span, npt.NDArray[np.bool_]]:
    first, last = np.broadcast_arrays(np.asarray(first), np.asarray(last))
    if not first.dtype == last.dtype == np.dtype("datetime64[D]"):
        raise TypeError(f"dates must be arrays of datetime64[D], not {first.dtype} and {last.dtype}")
    missing = np.isnat(first) | np.isnat(last)
    if (first > last).any():
        raise ValueError(f"a date ends before it begins: {first[first > last][0]} to {last[first > last][0]}")
    from_day, to_day = (np.where(missing, 0, array.astype(np.int64)) for array in (first, last))
    return _Span(from_day, to_day, from_day * MINUTES_PER_DAY, (to_day + 1) * MINUTES_PER_DAY - 1), missing


def _shift_day(day: int, length: Duration, sign: int) -> int:
    start = date_of(day)
    return day_number(length.after(start) if sign > 0 else length.before(start))


def _shift_days(days: npt.NDArray[np.int64], length: Duration, sign: int) -> npt.NDArray[np.int64]:
    if length.months is None:
        return days + sign * (length.days or 0)
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    goal = months + sign * length.months
    last_of_goal = (goal + 1).astype("datetime64[D]") - 1
    same_day = goal.astype("datetime64[D]") + (dates - months.astype("datetime64[D]"))
    return np.asarray(np.minimum(same_day, last_of_goal).astype(np.int64))
