"""How many days a length of time has at least and at most: 36 months are 1095 or 1096 days."""

from __future__ import annotations

from datetime import date
from functools import cache

from trialwright.vocabulary.durations import Duration, TimeUnit

DAYS_PER_MONTH = 30.4375
_MONTHS_OF_A_CYCLE = 48


def least_days(duration: Duration) -> int:
    """The fewest whole days; hours are rounded down."""
    return _days(duration)[0]


def most_days(duration: Duration) -> int:
    """The most whole days; hours are rounded up."""
    return _days(duration)[1]


def in_months(days: float) -> str:
    """Days as months for people: 644 days are 21.2 months."""
    return f"{days / DAYS_PER_MONTH:.1f} months"


def _days(duration: Duration) -> tuple[int, int]:
    if duration.months is not None:
        return _days_of_months(duration.months)
    if duration.days is not None:
        return duration.days, duration.days
    return duration.amount // 24, -(-duration.amount // 24)


@cache
def _days_of_months(months: int) -> tuple[int, int]:
    """Over all first days of a month; longer ones come and go with the leap day every four years."""
    length = Duration(months, TimeUnit.MONTHS)
    starts = [date(2000 + i // 12, i % 12 + 1, 1) for i in range(_MONTHS_OF_A_CYCLE)]
    lengths = [(length.after(start) - start).days for start in starts]
    return min(lengths), max(lengths)
