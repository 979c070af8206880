"""Lengths of time as a protocol writes them: `28 days`, `8 to 12 weeks`.

Days, weeks, months and years count whole dates. Months and years go to the same day of another month, or its last day.
Only hours count by the clock.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import total_ordering
from types import MappingProxyType

from trialwright.vocabulary.problems import nearest


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


def add_months(day: date, months: int) -> date:
    """The same day of another month, or its last day if it is shorter: 31 August + 6 months is 28 or 29 February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _read_unit(word: str) -> TimeUnit:
    spelt = word.casefold()
    if spelt in _UNITS:
        return _UNITS[spelt]
    meant = None if spelt in _TOO_SHORT else _SHORT_FORMS.get(spelt) or nearest(spelt, _UNITS)
    hint = f"did you mean `{_UNITS.get(meant, meant)}`?" if meant else f"write one of {', '.join(TimeUnit)}"
    raise ValueError(f"`{word}` is not a unit of time: {hint}")
