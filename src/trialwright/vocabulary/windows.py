"""Lengths of time as a protocol writes them, and windows that count from an anchor.

Days, weeks, months and years count whole dates: `28 days before` takes in the 28th day before the anchor and nothing
of the 29th, whatever the hour. Months and years go to the same day of another month, or its last day. Only hours
count by the clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import total_ordering
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trialwright.vocabulary.partial_dates import (
    MINUTES_PER_DAY,
    PartialDate,
    add_months,
    date_of,
    day_number,
)
from trialwright.vocabulary.problems import nearest
from trialwright.vocabulary.verdicts import Codes, Reason, Verdict, judge


class TimeUnit(StrEnum):
    """Hours go by the clock, days and weeks by the calendar day, months and years by the calendar date."""

    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"

    @property
    def is_calendar(self) -> bool:
        """Whether the number of days depends on where in the calendar the count starts."""
        return self in (TimeUnit.MONTHS, TimeUnit.YEARS)

    @property
    def singular(self) -> str:
        return self.value.removesuffix("s")


_UNITS: Mapping[str, TimeUnit] = MappingProxyType(
    {word: unit for unit in TimeUnit for word in (unit.value, unit.singular)}
)
# No guess is better than a misleading one: `m` may be minutes or months, and minutes are not misspelt months.
_TOO_SHORT = frozenset({"m", "min", "mins", "minute", "minutes", "s", "sec", "secs", "second", "seconds"})
_SHORT_FORMS: Mapping[str, TimeUnit] = MappingProxyType(
    {
        **dict.fromkeys(("h", "hr", "hrs"), TimeUnit.HOURS),
        "d": TimeUnit.DAYS,
        **dict.fromkeys(("w", "wk", "wks"), TimeUnit.WEEKS),
        **dict.fromkeys(("mo", "mos", "mth", "mths"), TimeUnit.MONTHS),
        **dict.fromkeys(("y", "yr", "yrs"), TimeUnit.YEARS),
    }
)
_IN_HOURS: Mapping[TimeUnit, int] = MappingProxyType(
    {TimeUnit.HOURS: 1, TimeUnit.DAYS: 24, TimeUnit.WEEKS: 168}
)
_IN_MONTHS: Mapping[TimeUnit, int] = MappingProxyType({TimeUnit.MONTHS: 1, TimeUnit.YEARS: 12})
_LONGEST_YEARS = 200
_LONGEST: Mapping[TimeUnit, int] = MappingProxyType(
    {
        TimeUnit.HOURS: _LONGEST_YEARS * 366 * 24,
        TimeUnit.DAYS: _LONGEST_YEARS * 366,
        TimeUnit.WEEKS: _LONGEST_YEARS * 53,
        TimeUnit.MONTHS: _LONGEST_YEARS * 12,
        TimeUnit.YEARS: _LONGEST_YEARS,
    }
)
_AMOUNT_AND_UNIT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([a-z]+)", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_TWO_ENDS = re.compile(r"(.+?) (?:to|-|–) (.+)|([0-9.]+)(?:-|–)(.+)", re.ASCII)


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Duration:
    """A whole number of hours, days, weeks, months or years: `28 days`, `1 month`.

    Two durations are equal when every window built from them holds the same dates: 4 weeks and 28 days, 1 year
    and 12 months. The words stay as written. Hours, days and weeks are ordered by their length (of 24 hours and
    1 day the hours are the shorter: 24 hours by the clock never reach beyond the next calendar day), months and
    years among themselves.

    Raises
    ------
    ValueError
        If the amount is negative or beyond 200 years, or if months or years are compared (`<`) with hours,
        days or weeks: how many days a month has depends on the month.
    TypeError
        If the amount is not an int.
    """

    amount: int
    unit: TimeUnit

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise TypeError(f"the amount of a duration must be an int, not {self.amount!r}")
        object.__setattr__(self, "unit", TimeUnit(self.unit))
        if self.amount < 0:
            raise ValueError(f"a duration cannot be negative: `{self.amount} {self.unit}`")
        if self.amount > _LONGEST[self.unit]:
            raise ValueError(f"a duration cannot exceed {_LONGEST_YEARS} years: `{self.amount} {self.unit}`")

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read `28 days`, `1 month`; the message of the ValueError says what to write instead."""
        if not isinstance(text, str):
            raise ValueError(f"a duration must be text such as `28 days`, not {text!r}")
        words = " ".join(text.split())
        if len(words) > 40:
            raise ValueError(
                f"a duration must be an amount and a unit such as `28 days`, not {words[:40]!r} ..."
            )
        found = _AMOUNT_AND_UNIT.fullmatch(words)
        if found is None:
            raise ValueError(f"a duration must be an amount and a unit such as `28 days`, not {text!r}")
        amount, word = found.groups()
        unit = _read_unit(word)
        if "." in amount:
            raise ValueError(f"a duration must be a whole number of {unit}, not {amount}: use a smaller unit")
        return cls(int(amount), unit)

    def __str__(self) -> str:
        return f"{self.amount} {self.unit.singular if self.amount == 1 else self.unit}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Duration):
            return NotImplemented
        return self._key == other._key

    def __lt__(self, other: Duration) -> bool:
        if not isinstance(other, Duration):
            return NotImplemented
        if self.unit.is_calendar != other.unit.is_calendar:
            raise ValueError(
                f"`{self}` and `{other}` cannot be compared: how many days a month has depends on the month"
            )
        return self._key[1:] < other._key[1:]

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def months(self) -> int | None:
        """The length in calendar months; None for hours, days and weeks."""
        return self.amount * _IN_MONTHS[self.unit] if self.unit.is_calendar else None

    @property
    def days(self) -> int | None:
        """The length in calendar days; None for hours, months and years."""
        return (
            self.amount * _IN_HOURS[self.unit] // 24 if self.unit in (TimeUnit.DAYS, TimeUnit.WEEKS) else None
        )

    def after(self, day: date) -> date:
        """The day this long after a day: 2024-08-31 and 6 months give 2025-02-28.

        Raises
        ------
        ValueError
            If the duration is in hours: a day has no clock.
        """
        return self._from(day, 1)

    def before(self, day: date) -> date:
        """The day this long before a day; ValueError as for `after`."""
        return self._from(day, -1)

    def _from(self, day: date, sign: int) -> date:
        if self.months is not None:
            return add_months(day, sign * self.months)
        if self.days is None:
            raise ValueError(f"`{self}` cannot be counted from a day without its time")
        return day + timedelta(days=sign * self.days)

    @property
    def _key(self) -> tuple[str, int, int]:
        if self.unit.is_calendar:
            return ("calendar", self.amount * _IN_MONTHS[self.unit], 0)
        return ("exact", self.amount * _IN_HOURS[self.unit], int(self.unit is not TimeUnit.HOURS))


@dataclass(frozen=True, slots=True)
class DurationRange:
    """From one duration to another, both included: `8 to 12 weeks`. A single duration is a range of itself.

    Raises
    ------
    ValueError
        If the first is longer than the second, or if they cannot be compared.
    """

    least: Duration
    most: Duration

    def __post_init__(self) -> None:
        if self.most < self.least:
            raise ValueError(f"a range must run from short to long, not from `{self.least}` to `{self.most}`")

    @classmethod
    def parse(cls, text: str) -> DurationRange:
        """Read `8 to 12 weeks`, `2 weeks to 30 days` or a single `4 weeks`."""
        if not isinstance(text, str):
            raise ValueError(f"a range must be text such as `8 to 12 weeks`, not {text!r}")
        words = " ".join(text.split())
        if len(words) > 80:
            raise ValueError(f"a range must read like `8 to 12 weeks`, not {words[:80]!r} ...")
        ends = _TWO_ENDS.fullmatch(words)
        if ends is None:
            only = Duration.parse(words)
            return cls(only, only)
        first, last = (ends[1] or ends[3]), (ends[2] or ends[4])
        most = Duration.parse(last)
        return cls(Duration.parse(f"{first} {most.unit}" if _NUMBER.fullmatch(first) else first), most)

    def __str__(self) -> str:
        if self.least.unit is self.most.unit:
            same = self.least.amount == self.most.amount
            return str(self.most) if same else f"{self.least.amount} to {self.most}"
        return f"{self.least} to {self.most}"


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


def _read_unit(word: str) -> TimeUnit:
    spelt = word.casefold()
    if spelt in _UNITS:
        return _UNITS[spelt]
    meant = None if spelt in _TOO_SHORT else _SHORT_FORMS.get(spelt) or nearest(spelt, _UNITS)
    hint = f"did you mean `{_UNITS.get(meant, meant)}`?" if meant else f"write one of {', '.join(TimeUnit)}"
    raise ValueError(f"`{word}` is not a unit of time: {hint}")
