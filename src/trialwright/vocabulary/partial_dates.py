"""Dates as CDISC writes them, known to the year, the month, the day or the minute, as ranges from earliest to latest.

Nothing is imputed. A date known to the month is every day of that month; elapsed days and ages are ranges then.
Clock times are local to the site and compared to the minute.
"""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from trialwright.vocabulary.intervals import Comparison, Interval, Threshold
from trialwright.vocabulary.verdicts import Reason, Verdict

FIRST_YEAR, LAST_YEAR = 1850, 2150
"""The years in which dates of patients lie. 9999-12-31 and the like stand for something else."""

MINUTES_PER_DAY = 1440

_EPOCH = date(1970, 1, 1)
_POINT = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2}|-)(?:-(?P<day>[0-9]{2}|-)"
    r"(?:T(?P<hour>[0-9]{2}|-)(?::(?P<minute>[0-9]{2}|-)(?::(?P<second>[0-9]{2}|-)(?:\.[0-9]+)?)?)?)?)?)?"
)
_HINTS = (
    (re.compile(r"\s*"), "it is empty"),
    (re.compile(r"--.*"), "without a year it could be any"),
    (re.compile(r".*T.*(Z|[+-][0-9]{2}:?[0-9]{2})"), "it has a time zone; write the local time of the site"),
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} .*"), "write a `T` between day and time"),
)
_MAX_LENGTH = 80


class LeapBirthday(StrEnum):
    """When a person born on 29 February becomes a year older in a common year.

    In common use and in the law of Hong Kong and of England and Wales that is 1 March; in Taiwan and New Zealand it
    is 28 February. Comparing month and day, as SQL's `age` does, also gives 1 March, the default here.
    """

    MARCH_1 = "1 March"
    FEBRUARY_28 = "28 February"


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date as far as it is known.

    `first_minute` and `last_minute` count from 1970-01-01T00:00 on the site's clock; a date without a time spans the
    whole day. Two are equal when they are the same range of minutes, however written.
    """

    text: str = field(compare=False)
    first_minute: int
    last_minute: int

    def __post_init__(self) -> None:
        if self.first_minute > self.last_minute:
            raise ValueError(f"{self.text!r} ends before it begins")

    @classmethod
    def parse(cls, text: str) -> PartialDate:
        """Read an ISO 8601 date or time of the forms of the SDTM Implementation Guide 3.4, section 4.4.2.

        `2024`, `2024-03`, `2024-03-05`, `2024-03-05T14`, `2024-03-05T14:30`, `2024-03-05T14:30:15`; a dash for what
        is unknown in between (`2024---05`, the fifth of some month); and `2024-03-01/2024-03-10`, some time between
        the two. A range with gaps counts with the gaps. Seconds are kept in the text only.

        Raises
        ------
        ValueError
            If the text has another form, names a day or time that does not exist, has no year, has a time zone, or
            lies outside the years 1850 to 2150.
        """
        if not isinstance(text, str) or len(text) > _MAX_LENGTH:
            raise ValueError(f"a date must be text such as `2024-03-05`, not {str(text)[:_MAX_LENGTH]!r}")
        if text.count("/") == 1:
            first, last = (_read_point(text, part) for part in text.split("/"))
            if first[0] > last[1]:
                raise ValueError(f"{text!r} ends before it begins")
            return cls(text, first[0], last[1])
        return cls(text, *_read_point(text, text))

    @classmethod
    def of(cls, day: date) -> PartialDate:
        """A day known without its time."""
        return cls.parse(date(day.year, day.month, day.day).isoformat())

    @property
    def first_day(self) -> int:
        """Days from 1970-01-01 to the earliest day it can be."""
        return self.first_minute // MINUTES_PER_DAY

    @property
    def last_day(self) -> int:
        """Days from 1970-01-01 to the latest day it can be."""
        return self.last_minute // MINUTES_PER_DAY

    @property
    def earliest(self) -> date:
        return date_of(self.first_day)

    @property
    def latest(self) -> date:
        return date_of(self.last_day)

    @property
    def is_whole(self) -> bool:
        """Whether the day is known."""
        return self.first_day == self.last_day

    def __str__(self) -> str:
        return self.text


def compare_dates(a: PartialDate, comparison: Comparison, b: PartialDate) -> Verdict:
    """Judge `a comparison b` by whole days; unknown where a date is too imprecise to tell."""
    threshold = Threshold(Interval(b.first_day, b.last_day), is_product=False)
    return Interval(a.first_day, a.last_day).compare(comparison, threshold, reason=Reason.IMPRECISE_DATE)


def elapsed_days(start: PartialDate, end: PartialDate) -> Interval:
    """Days from start to end, 0 on the same day, negative if the end lies before."""
    return Interval(end.first_day - start.last_day, end.last_day - start.first_day)


Days = TypeVar("Days", int, npt.NDArray[np.int64])


def study_day(elapsed: Days) -> Days:
    """The CDISC day of a number of elapsed days: there is no day 0, so 0 elapsed is day 1 and -1 elapsed is day -1.

    For an event on or after the start it is also the time to event, ADT - START + 1.
    """
    return elapsed + (elapsed >= 0)


def elapsed_of_study_day(day: Days) -> Days:
    """The elapsed days of a CDISC day or of a time to event.

    Raises
    ------
    ValueError
        If a day is 0.
    """
    if np.any(day == 0):
        raise ValueError("there is no study day 0: the day before day 1 is day -1")
    return day - (day > 0)


def age_in_years(birth: PartialDate, on: PartialDate, *, leap_birthday: LeapBirthday) -> Interval:
    """Completed years of age, from the least to the most they can be.

    Raises
    ------
    ValueError
        If the person was born after that date, whatever the parts unknown.
    """
    if birth.earliest > on.latest:
        raise ValueError(f"the date of birth, {birth}, lies after {on}")
    least = completed_years(birth.latest, on.earliest, leap_birthday=leap_birthday)
    return Interval(max(0, least), completed_years(birth.earliest, on.latest, leap_birthday=leap_birthday))


def completed_years(birth: date, on: date, *, leap_birthday: LeapBirthday) -> int:
    """Years of age completed on a day, the birthday included."""
    month, day = birth.month, birth.day
    if (month, day) == (2, 29) and leap_birthday == LeapBirthday.FEBRUARY_28 and not isleap(on.year):
        day = 28
    return on.year - birth.year - ((on.month, on.day) < (month, day))


def day_number(day: date) -> int:
    """Days from 1970-01-01, as numpy's datetime64[D] and polars' Date count."""
    return (day - _EPOCH).days


def date_of(number: int) -> date:
    """The date of a day number."""
    return _EPOCH + timedelta(days=number)


def _read_point(text: str, part: str) -> tuple[int, int]:
    """The first and last minute of one date, complete or not; `text` is for the message."""
    found = _POINT.fullmatch(part)
    if found is None:
        hints = [hint for pattern, hint in _HINTS if pattern.fullmatch(part)]
        raise ValueError(f"{text!r} is not a date: {hints[0] if hints else 'write it like `2024-03-05`'}")
    year, month, day, hour, minute, second = (
        int(piece) if piece and piece != "-" else None for piece in found.groups()
    )
    if year is None or not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"{text!r} is not a date: the year must lie from {FIRST_YEAR} to {LAST_YEAR}")
    if (hour or 0) > 23 or (minute or 0) > 59 or (second or 0) > 59:
        raise ValueError(f"{text!r} is not a date: the time must lie from 00:00:00 to 23:59:59")
    days = _existing_days(year, month, day)
    if not days:
        raise ValueError(f"{text!r} is not a date: there is no such day")
    first = (0 if hour is None else hour) * 60 + (0 if minute is None else minute)
    last = (23 if hour is None else hour) * 60 + (59 if minute is None else minute)
    return days[0] * MINUTES_PER_DAY + first, days[-1] * MINUTES_PER_DAY + last


def _existing_days(year: int, month: int | None, day: int | None) -> list[int]:
    """First and last day of each month it can be, in order; none if there is no such day."""
    lengths = {
        m: monthrange(year, m)[1] for m in ([month] if month is not None else range(1, 13)) if 1 <= m <= 12
    }
    return [
        day_number(date(year, m, d))
        for m, length in lengths.items()
        for d in ((1, length) if day is None else (day,))
        if 1 <= d <= length
    ]
