"""Dates as SQL: ranges from earliest to latest, whether one is before another, and whether a window holds it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from trialwright.evaluation import terms
from trialwright.evaluation.reading_terms import Ends, Reading
from trialwright.evaluation.terms import Code, Flag, Term
from trialwright.protocol import rule_tree as tree
from trialwright.vocabulary.durations import Duration, TimeUnit
from trialwright.vocabulary.partial_dates import LeapBirthday
from trialwright.vocabulary.verdicts import Reason

IMPRECISE = Reason.IMPRECISE_DATE.code

_INTERVALS: Mapping[TimeUnit, tuple[int, str]] = MappingProxyType(
    {
        TimeUnit.HOURS: (1, "HOUR"),
        TimeUnit.DAYS: (1, "DAY"),
        TimeUnit.WEEKS: (7, "DAY"),
        TimeUnit.MONTHS: (1, "MONTH"),
        TimeUnit.YEARS: (12, "MONTH"),
    }
)


class Span(NamedTuple):
    """First and last minute that a date may be."""

    first: Term
    last: Term

    @classmethod
    def of(cls, source: str, prefix: str = "") -> Span:
        first, last = (terms.name(f"{prefix}{side}") for side in ("earliest", "latest"))
        return cls(Term(f"{source}.{first}"), Term(f"{source}.{last}"))

    @property
    def first_day(self) -> Term:
        return Term(f"CAST({self.first} AS DATE)")

    @property
    def last_day(self) -> Term:
        return Term(f"CAST({self.last} AS DATE)")

    @property
    def is_known(self) -> Flag:
        return self.is_unknown ^ True

    @property
    def is_unknown(self) -> Term:
        return terms.is_null(self.first)

    @property
    def reading(self) -> Reading:
        return Reading(Ends(self.first_day, self.last_day), is_date=True)

    def moved(self, length: Duration | None, sign: str) -> Span:
        """So much later or earlier: hours by the clock, days by the calendar at the same time of day.

        Months end early: the 30th at noon and the 31st at six may both become the 30th, and then its whole day.
        """
        if length is None:
            return self
        plain = self.moved_in_days(length, sign)
        if length.unit not in (TimeUnit.MONTHS, TimeUnit.YEARS):
            return plain
        midnight = Span(
            Term(f"(CAST({self.first_day} AS TIMESTAMP) + INTERVAL '1' DAY)"),
            Term(f"(CAST({self.last_day} AS TIMESTAMP) - INTERVAL '1' MINUTE)"),
        ).moved_in_days(length, sign)
        is_of_days = f"CASE WHEN {self.first_day} < {self.last_day} THEN"
        return Span(
            Term(f"LEAST({plain.first}, {is_of_days} {midnight.first} END)"),
            Term(f"GREATEST({plain.last}, {is_of_days} {midnight.last} END)"),
        )

    def moved_in_days(self, length: Duration, sign: str) -> Span:
        """So much later or earlier, where only the days of the ends matter, or the minutes of a length in hours."""
        times, unit = _INTERVALS[length.unit]
        interval = f"INTERVAL '{times * length.amount}' {unit}"
        return Span(Term(f"({self.first} {sign} {interval})"), Term(f"({self.last} {sign} {interval})"))


HERE, BIRTH, BASELINE, CUT = (Span.of("c", prefix) for prefix in ("here_", "birth_", "baseline_", "cut_"))
"""Dates of a case or of a person `c`."""


class Holds(NamedTuple):
    """Whether something about dates holds surely, and whether it never does; else a date is too imprecise."""

    surely: Flag
    never: Flag

    def __and__(self, other: Holds) -> Holds:
        return Holds(self.surely & other.surely, self.never | other.never)

    def __invert__(self) -> Holds:
        return Holds(self.never, self.surely)

    @property
    def code(self) -> Code:
        return terms.judge(surely=self.surely, never=self.never, reason=IMPRECISE)

    @property
    def code_if_at_all(self) -> Code:
        """The code where it is not known never to hold."""
        return terms.judge(surely=terms.without(self.surely, self.never), never=False, reason=IMPRECISE)


ALWAYS = Holds(surely=True, never=False)


def on_or_before(a: Span, b: Span) -> Holds:
    """Two dates of one day are one moment, unless their times tell which came first."""
    never = a.first > b.last
    return Holds((a.last_day <= b.first_day) & (never ^ True), never)


def before(a: Span, b: Span) -> Holds:
    return ~on_or_before(b, a)


def is_within(window: tree.Within | tree.Since, date: Span, moment: Span) -> Holds:
    """Whether a window that counts from a moment holds a date, both ends included."""
    match window:
        case tree.Since():
            return on_or_before(moment, date) & on_or_before(date, HERE)
        case tree.Within(length, "before"):
            return on_or_before(date, moment) & _is_not_beyond(date, moment, length, "-")
        case tree.Within(length, "after"):
            return on_or_before(moment, date) & _is_not_beyond(date, moment, length, "+")
        case tree.Within(length):
            both = (_is_not_beyond(date, moment, length, sign) for sign in ("-", "+"))
            return next(both) & next(both)


def _is_not_beyond(date: Span, moment: Span, length: Duration, sign: str) -> Holds:
    """Not beyond the far end of a window: by the minute where it counts hours, else by the day."""
    end = moment.moved_in_days(length, sign)
    if length.unit is TimeUnit.HOURS:
        first, last, end_first, end_last = date.first, date.last, end.first, end.last
    else:
        first, last, end_first, end_last = date.first_day, date.last_day, end.first_day, end.last_day
    if sign == "-":
        return Holds(first >= end_last, last < end_first)
    return Holds(last <= end_first, first > end_last)


AGE = Reading(Ends(Term("c.age_least"), Term("c.age_most")), IMPRECISE)
"""Completed years where a case is judged, by columns that `age_columns` makes."""


def age_columns(leap_birthday: LeapBirthday) -> str:
    """The least and the most completed years can be."""
    least = _completed_years(BIRTH.last_day, HERE.first_day, leap_birthday)
    most = _completed_years(BIRTH.first_day, HERE.last_day, leap_birthday)
    return f"CAST(GREATEST({least}, 0) AS DOUBLE) AS age_least, CAST({most} AS DOUBLE) AS age_most"


def _completed_years(birth: Term, on: Term, leap_birthday: LeapBirthday) -> Term:
    """See `partial_dates.completed_years`."""
    born, today = (f"EXTRACT(MONTH FROM {day}) * 100 + EXTRACT(DAY FROM {day})" for day in (birth, on))
    if leap_birthday is LeapBirthday.FEBRUARY_28:
        year = f"EXTRACT(YEAR FROM {on})"
        is_common = f"({year} % 4 <> 0 OR ({year} % 100 = 0 AND {year} % 400 <> 0))"
        born = f"CASE WHEN {born} = 229 AND {is_common} THEN 228 ELSE {born} END"
    before_birthday = f"CASE WHEN {today} < {born} THEN 1 ELSE 0 END"
    return Term(f"(EXTRACT(YEAR FROM {on}) - EXTRACT(YEAR FROM {birth}) - {before_birthday})")
