"""What a rule means, as plainly as it can be written: the measure of the readers.

`judge(rule, case)` walks the tree of a rule with the records of one patient in a list. Nothing here is fast and nothing
is clever: every construct is a few lines under its meaning in words. Where a reader and this file differ, one of the
two is wrong about the meaning, and the words decide.

The meaning rests on four ideas.

**A result is what it may be.** Each record gives a reading: the numbers it may stand for, a level, or a date, and the
reason why it is not exact. Readings are compared as intervals are.

**A window takes a record in, leaves it out, or may hold it** (a verdict), because dates may be known in part. Records
without a result are no measurement: they are skipped. Records after the data cut do not exist.

**Readings that may each be the one asked for must agree.** Different results of one instant, and results of which an
imprecise date hides which is the latest, all count, whole and as they are. If they give one answer that is the answer;
else it is unknown because of the conflict, of the imprecise date, or of what makes one of them unknown, whichever is
told first.

**Where no record is in the window, its absence decides.** `no`: the condition is not met (a yes-or-no fact is `no`).
`ask`: a person is needed. `unknown`: the result is stale if there is any up to where the rule is judged, else missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from typing import Any, NamedTuple

from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Absence, Fact
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.intervals import Comparison, Interval, Threshold
from trialwright.vocabulary.partial_dates import (
    FIRST_YEAR,
    LAST_YEAR,
    MINUTES_PER_DAY,
    LeapBirthday,
    PartialDate,
    age_in_years,
    compare_dates,
    date_of,
    day_number,
)
from trialwright.vocabulary.units import Unit, UnitsDoNotConvert, UnknownUnit, conversion_factor
from trialwright.vocabulary.verdicts import Reason, Verdict
from trialwright.vocabulary.windows import Direction, Window

MET, NOT_MET = Verdict.MET, Verdict.NOT_MET
MISSING, IMPRECISE = Verdict.unknown(Reason.MISSING), Verdict.unknown(Reason.IMPRECISE_DATE)
ANY_DAY = PartialDate.parse(f"{FIRST_YEAR}/{LAST_YEAR}")
"""The date of a record without a date."""


@dataclass(frozen=True)
class Record:
    """One record of a patient.

    `value` is an interval for a number, a text for a level, None where there is no result (haemolysed, not done) and
    for drugs, procedures, conditions, events and dates. Limits of normal are in the unit of the result. `by` is the
    role that attested.
    """

    id: str
    fact: str
    date: PartialDate = ANY_DAY
    value: Interval | str | None = None
    unit: str | None = None
    lln: float | None = None
    uln: float | None = None
    assay: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class Reading:
    """An interval, a level (None where it is not known) or a date; and why it is not exact.

    `is_calculated` marks a number that went through a calculation and compares with the tolerance of products.
    """

    value: Interval | str | PartialDate | None
    reason: Reason | None = None
    lln: Interval | None = None
    uln: Interval | None = None
    is_calculated: bool = False


Readings = tuple[Sequence[Reading], Reason]
"""Readings any of which may be the one asked for, and what to blame if they differ."""

Score = Callable[[Mapping[str, Readings]], Reading]
"""A published score from the readings of each of its parts, by concept."""


@dataclass(frozen=True)
class Case:
    """One patient, and where the rule is judged: at an anchor, or at a row and its date."""

    facts: Mapping[str, Fact]
    records: Sequence[Record]
    anchor: PartialDate
    row: Record | None = None
    baseline_at: PartialDate | None = None
    birth: PartialDate | None = None
    leap_birthday: LeapBirthday = LeapBirthday.MARCH_1
    periods: Mapping[str, tuple[PartialDate, PartialDate]] = field(default_factory=dict)
    scores: Mapping[str, Score] = field(default_factory=dict)
    cut: PartialDate | None = None

    @property
    def here(self) -> PartialDate:
        """Where the rule is judged."""
        return self.row.date if self.row else self.anchor

    def records_of(self, name: str) -> list[Record]:
        """The records that count: up to the data cut, and with a result if the fact is one that has results."""
        needs_result = self.facts[name].kind in (Kind.NUMBER, Kind.CATEGORY, Kind.YES_OR_NO, Kind.ATTESTATION)
        return [
            record
            for record in self.records
            if record.fact == name
            and not (needs_result and record.value is None)
            and not (self.cut and on_or_before(record.date, self.cut).is_not_met)
        ]


def judge(rule: tree.Condition, case: Case) -> Verdict:
    """The verdict of a rule."""
    match rule:
        case tree.AllOf(parts):
            return Verdict.all_of(judge(part, case) for part in parts)
        case tree.AnyOf(parts):
            return Verdict.any_of(judge(part, case) for part in parts)
        case tree.Not(part):
            return ~judge(part, case)
        case tree.Compare(left, op, right):
            return judge_comparison(left, op, right, case)
        case tree.OneOf(value, levels, negated):
            return judge_levels(value, levels, negated, case)
        case tree.Had(fact, window):
            return judge_had(fact, window, case)
        case tree.Attested(fact):
            return judge_attested(fact, case)
        case tree.Confirmed(condition, after):
            return judge_confirmed(condition, after, case)
        case tree.Consecutive(condition, times):
            return judge_consecutive(condition, times, case)


# --- dates and windows -------------------------------------------------------------------------------------------------


def on_or_before(a: PartialDate, b: PartialDate) -> Verdict:
    """Two dates of one day are one moment, unless their times tell which came first."""
    if a.first_minute > b.last_minute:
        return NOT_MET
    return MET if a.last_day <= b.first_day else IMPRECISE


def before(a: PartialDate, b: PartialDate) -> Verdict:
    return ~on_or_before(b, a)


def moved(date: PartialDate, length: Duration, sign: tree.Sign = "+") -> PartialDate:
    """A date so much later or earlier: hours by the clock, days by the calendar at the same time of day.

    Days keep their order, and may fall together at the end of a month; minutes then do not. So the first day it can be
    is asked with the start of the day after it, and the last with the end of the day before.
    """
    direction = 1 if sign == "+" else -1

    def move(minute: int) -> int:
        if length.months is None and length.days is None:
            return minute + direction * 60 * length.amount
        day, time = divmod(minute, MINUTES_PER_DAY)
        goal = length.after(date_of(day)) if direction > 0 else length.before(date_of(day))
        return day_number(goal) * MINUTES_PER_DAY + time

    midnights = ((date.first_day + 1) * MINUTES_PER_DAY, date.last_day * MINUTES_PER_DAY - 1)
    inside = [minute for minute in midnights if date.first_minute <= minute <= date.last_minute]
    goals = [move(minute) for minute in (date.first_minute, *inside, date.last_minute)]
    return PartialDate(f"{date} {sign} {length}", min(goals), max(goals))


def dates_of(moment: tree.Moment, case: Case) -> list[PartialDate]:
    """The dates that a moment may be; with `any`, each of them is meant; none if there is no record.

    The last of several is as early as the latest of their earliest days, and as late as the latest of their latest.
    """
    if moment.name is None:
        dates = [case.here]
    else:
        dates = [record.date for record in case.records_of(moment.name)]
        if dates and moment.which in ("first", "last"):
            choose = min if moment.which == "first" else max
            first, last = choose(d.first_minute for d in dates), choose(d.last_minute for d in dates)
            dates = [PartialDate(f"{moment.which} {moment.name}", first, last)]
    return [moved(date, moment.offset, moment.sign) if moment.offset else date for date in dates]


Membership = Callable[[PartialDate], Verdict]


def membership(window: tree.Window | None, case: Case) -> Membership | Verdict:
    """Whether a date lies in a window; or a verdict, if the moment that it counts from is not known.

    Both ends of every window are in. No window is, like `ever`, any time up to where the rule is judged. What did not
    happen (its fact's absence is `no`) has nothing around it.
    """
    match window:
        case None | tree.Ever():
            return lambda date: on_or_before(date, case.here)
        case tree.During(period):
            start, end = case.periods[period]
            return lambda date: on_or_before(start, date) & on_or_before(date, end)
        case tree.Within(_, _, moment) | tree.Since(moment):
            dates = dates_of(moment, case)
            if not dates:
                absent = absence(case.facts[str(moment.name)])
                return (lambda _: NOT_MET) if absent.is_known else absent
            if moment.which == "any":
                return lambda date: Verdict.any_of(is_within(window, date, other, case) for other in dates)
            return lambda date: agree(
                [is_within(window, date, other, case) for other in dates], Reason.CONFLICT
            )


def is_within(
    window: tree.Within | tree.Since, date: PartialDate, moment: PartialDate, case: Case
) -> Verdict:
    if isinstance(window, tree.Since):
        return on_or_before(moment, date) & on_or_before(date, case.here)
    return Window(window.length, Direction(window.side), includes_anchor=True).contains(date, moment)


# --- readings ----------------------------------------------------------------------------------------------------------


def read(record: Record, fact: Fact) -> Reading:
    """What a record says, in the unit of its fact.

    A number whose unit is not known may be anything, and so may one that cannot be read.
    """
    if fact.kind is Kind.DATE:
        return Reading(record.date)
    if fact.kind is not Kind.NUMBER:
        is_level = record.value in (fact.levels or ("yes", "no"))
        return Reading(str(record.value)) if is_level else Reading(None, Reason.UNREADABLE)
    if not isinstance(record.value, Interval):
        return Reading(Interval.anything(), Reason.UNREADABLE)
    factor = factor_to(fact, record.unit, record.assay)
    if factor is None:
        return Reading(Interval.anything(), Reason.UNIT_UNKNOWN)
    return Reading(
        record.value.scaled(factor),
        None if record.value.is_exact else Reason.CENSORED,
        None if record.lln is None else Interval.exactly(record.lln).scaled(factor),
        None if record.uln is None else Interval.exactly(record.uln).scaled(factor),
        is_calculated=factor != 1,
    )


def factor_to(fact: Fact, unit: Unit | str | None, assay: str | None = None) -> float | None:
    """What turns a number in `unit` into the unit of a fact; None if nothing does."""
    if unit is None or fact.unit is None:
        return 1.0 if unit is None and fact.unit is None else None
    try:
        return float(
            conversion_factor(unit, fact.unit, equivalences=fact.equivalences, assay=assay or fact.assay)
        )
    except (UnknownUnit, UnitsDoNotConvert):
        return None


class Held(NamedTuple):
    """A reading (or a row) with its date, and whether it is among those that are asked about."""

    what: Any
    date: PartialDate
    held: Verdict


@dataclass(frozen=True)
class Found:
    """Which one of several is asked for, and what it means that there is none."""

    which: str
    inside: Sequence[Held]
    absent: Verdict | Reading


def find(value: tree.Value, case: Case) -> Found:
    """What a value may be."""
    match value:
        case tree.Pick(which, name, window):
            return find_results(which, name, window, case)
        case tree.Once(name):
            return find_once(name, case)
        case tree.RowValue():
            rows = [case.row] if case.row and case.row.value is not None else []
            return found([read(row, case.facts[row.fact]) for row in rows])
        case tree.Baseline(name):
            return find_baseline(name, case)
        case tree.Nadir(name):
            return find_nadir(name, case)
        case tree.RowDate():
            return found([Reading(case.here)])
        case tree.Moment(name):
            return found([Reading(date) for date in dates_of(value, case)], absence_of(name, case))
        case tree.Age():
            return find_age(case)
        case tree.Count(name, window):
            return find_count(name, window, case)
        case tree.Score(name, window):
            return find_score(name, window, case)
        case tree.Change(of):
            return find_calculated(of, Interval.minus, case)
        case tree.Ratio(of):
            return find_calculated(of, Interval.over, case)


def found(readings: Sequence[Reading], absent: Verdict | Reading = MISSING) -> Found:
    """Readings any of which may be meant."""
    return Found("once", [Held(reading, ANY_DAY, MET) for reading in readings], absent)


def find_results(which: str, name: str, window: tree.Window | None, case: Case) -> Found:
    """The results of a fact that are or may be in a window."""
    fact, records, is_in = case.facts[name], case.records_of(name), membership(window, case)
    if isinstance(is_in, Verdict):
        return Found(which, [], is_in)
    inside = [Held(read(r, fact), r.date, is_in(r.date)) for r in records if not is_in(r.date).is_not_met]
    is_stale = any(not on_or_before(r.date, case.here).is_not_met for r in records)
    return Found(which, inside, absent_of(fact, is_stale=is_stale))


def absent_of(fact: Fact, *, is_stale: bool = False) -> Verdict | Reading:
    """What stands in for a record that is not there: `no` for a yes-or-no fact that is so unless somebody says else."""
    if fact.kind is Kind.YES_OR_NO and fact.absence is Absence.NO:
        return Reading("no")
    return absence(fact, is_stale=is_stale)


def absence_of(name: str | None, case: Case) -> Verdict:
    return absence(case.facts[name]) if name else MISSING


def absence(fact: Fact, *, is_stale: bool = False) -> Verdict:
    """What it means that there is no record."""
    if fact.absence is Absence.NO:
        return NOT_MET
    if fact.absence is Absence.ASK:
        return Verdict.unknown(Reason.NEEDS_A_PERSON)
    return Verdict.unknown(Reason.STALE if is_stale else Reason.MISSING)


def find_once(name: str, case: Case) -> Found:
    """What is known once per person: every record of it must say the same."""
    fact = case.facts[name]
    return found([read(record, fact) for record in case.records_of(name)], absent_of(fact))


def find_baseline(name: str | None, case: Case) -> Found:
    """The last result on or before the moment of baseline."""
    if case.baseline_at is None:
        return Found("last", [], MISSING)
    there = replace(case, anchor=case.baseline_at, row=None)
    return find_results("last", name or row_fact(case), None, there)


def find_nadir(name: str | None, case: Case) -> Found:
    """The lowest of the baseline and the results after it and before where the rule is judged."""
    baseline = find_baseline(name, case)
    if case.baseline_at is None:
        return replace(baseline, which="min")
    fact = case.facts[name or row_fact(case)]
    inside = []
    if baseline.inside:
        kept, cause = may_be_picked("last", baseline.inside)
        is_sure = MET if any(held.held.is_met for held in kept) else IMPRECISE
        inside.append(Held(around([held.what for held in kept], cause), case.baseline_at, is_sure))
    for record in case.records_of(fact.name):
        is_later = before(case.baseline_at, record.date) & before(record.date, case.here)
        if not is_later.is_not_met:
            inside.append(Held(read(record, fact), record.date, is_later))
    return Found("min", inside, baseline.absent)


def around(readings: Sequence[Reading], cause: Reason) -> Reading:
    """One reading in place of several, around all that they may be."""
    several = set(readings)
    if len(several) == 1:
        return several.pop()
    limits = [[r.lln for r in several], [r.uln for r in several]]
    lln, uln = (None if None in limit else reduce(Interval.hull, limit) for limit in limits)
    return Reading(
        reduce(Interval.hull, [number(r) for r in several]),
        told_first(cause, *(r.reason for r in several)),
        lln,
        uln,
        is_calculated=any(r.is_calculated for r in several),
    )


def row_fact(case: Case) -> str:
    if case.row is None:
        raise ValueError("a bare `baseline` or `nadir` belongs to the fact of a row")
    return case.row.fact


def find_age(case: Case) -> Found:
    """Completed years from birth to where the rule is judged."""
    if case.birth is None:
        return found([])
    age = age_in_years(case.birth, case.here, leap_birthday=case.leap_birthday)
    return found([Reading(age, Reason.IMPRECISE_DATE)])


def find_count(name: str, window: tree.Window | None, case: Case) -> Found:
    """How many records there are; at least so many if a record that is absent may still have happened."""
    fact, is_in = case.facts[name], membership(window, case)
    if isinstance(is_in, Verdict):
        return Found("once", [], is_in)
    held = [is_in(record.date) for record in case.records_of(name)]
    surely = sum(verdict.is_met for verdict in held)
    at_most = sum(not verdict.is_not_met for verdict in held)
    if fact.absence is Absence.NO:
        return found([Reading(Interval(surely, at_most), Reason.IMPRECISE_DATE)])
    return found([Reading(Interval(surely, math.inf), absence(fact).reason)])


def find_score(name: str, window: tree.Window | None, case: Case) -> Found:
    """A score of the latest results of its parts in the window; parts that are not known leave it a range."""
    parts = {}
    for concept in case.facts[name].parts:
        (part,) = (fact for fact in case.facts.values() if fact.concept == concept)
        latest = find_once(part.name, case) if part.once else find_results("last", part.name, window, case)
        readings, cause = readings_of(latest, part)
        parts[concept] = (readings or [nothing_known(part, Reason.MISSING)], cause)
    return found([case.scores[name](parts)])


def find_calculated(of: tree.Value, combine: Callable[[Interval, Interval], Interval], case: Case) -> Found:
    """A change or a ratio as something to compare with."""
    values, _ = readings_of(find(of, case))
    bases, _ = readings_of(find_baseline(fact_of(of, case).name, case))
    return found(
        [
            Reading(
                combine(number(x), number(base)),
                told_first(x.reason, base.reason, Reason.UNDEFINED if number(base).contains(0) else None),
                is_calculated=True,
            )
            for x in values
            for base in bases
        ]
    )


# --- several readings --------------------------------------------------------------------------------------------------


def agree(verdicts: Iterable[Verdict], cause: Reason) -> Verdict:
    """The verdict that all give; if they differ, unknown for `cause` or what makes one unknown, as told first."""
    several = set(verdicts)
    if len(several) == 1:
        return several.pop()
    return Verdict.any_of([Verdict.unknown(cause), *(verdict for verdict in several if not verdict.is_known)])


def may_be_picked(which: str, inside: Sequence[Held]) -> tuple[list[Held], Reason]:
    """Those that may be the latest (or earliest), and what to blame if they differ.

    One that surely belongs and is surely later leaves an earlier one out. Those left conflict if they are surely of
    one day; else an imprecise date hides which is the one.
    """
    surely = [held.date for held in inside if held.held.is_met]
    kept = list(inside)
    if which == "last":
        kept = [h for h in inside if not any(h.date.last_minute < date.first_minute for date in surely)]
    if which == "first":
        kept = [h for h in inside if not any(h.date.first_minute > date.last_minute for date in surely)]
    if which == "once" or all(h.held.is_met and h.date.is_whole for h in kept):
        return kept, Reason.CONFLICT
    return kept, Reason.IMPRECISE_DATE


def judge_found(some: Found, test: Callable[[Any], Verdict]) -> Verdict:
    """Put what is asked for to a test.

    any     one that belongs passes
    all     every one that belongs passes
    else    all that may be the one agree

    What may or may not belong, where nothing surely does, decides only if its absence decides the same.
    """
    absent = test(some.absent) if isinstance(some.absent, Reading) else some.absent
    if not some.inside:
        return absent
    match some.which:
        case "any":
            verdict = Verdict.any_of(held & test(what) for what, _, held in some.inside)
        case "all":
            verdict = Verdict.all_of(~held | test(what) for what, _, held in some.inside)
        case _:
            kept, cause = may_be_picked(some.which, some.inside)
            verdict = agree([test(held.what) for held in kept], cause)
    if any(held.is_met for _, _, held in some.inside) or verdict == absent:
        return verdict
    return IMPRECISE if verdict.is_known else IMPRECISE | verdict


def readings_of(some: Found, fact: Fact | None = None) -> Readings:
    """What is asked for, to calculate or compare with: anything if not known, none if it is known not to be there."""
    if not some.inside:
        if isinstance(some.absent, Reading):
            return [some.absent], Reason.CONFLICT
        reason = some.absent.reason
        return [nothing_known(fact, reason)] if reason else [], Reason.CONFLICT
    if some.which in ("max", "min"):
        return [extreme(some)], Reason.CONFLICT
    kept, cause = may_be_picked(some.which, some.inside)
    readings = [held.what for held in kept]
    if not any(held.held.is_met for held in kept):
        readings.append(nothing_known(fact, Reason.IMPRECISE_DATE))
    return readings, cause


def nothing_known(fact: Fact | None, reason: Reason) -> Reading:
    return Reading(None if fact and fact.levels else Interval.anything(), reason)


def extreme(some: Found) -> Reading:
    """The lowest or highest of several results as one reading.

    What may or may not belong to them widens it. To blame is what is told first among those that may be the lowest or
    highest.
    """
    choose = Interval.minimum if some.which == "min" else Interval.maximum
    surely = [number(held.what) for held in some.inside if held.held.is_met]
    if not surely:
        return Reading(Interval.anything(), Reason.IMPRECISE_DATE)
    value = reduce(choose, surely)
    for held in some.inside:
        value = value if held.held.is_met else value.hull(choose(value, number(held.what)))
    may_be_it = [held for held in some.inside if overlap(value, number(held.what))]
    reasons = [reason for held in may_be_it for reason in (held.what.reason, held.held.reason)]
    is_calculated = any(held.what.is_calculated for held in some.inside)
    return Reading(value, None if value.is_exact else told_first(*reasons), is_calculated=is_calculated)


def overlap(a: Interval, b: Interval) -> bool:
    threshold = Threshold(b, is_product=False)
    return not a.compare(Comparison.EQUAL, threshold, reason=Reason.CENSORED).is_not_met


def number(reading: Reading) -> Interval:
    if not isinstance(reading.value, Interval):
        raise TypeError(f"{reading} is no number")
    return reading.value


def told_first(*reasons: Reason | None) -> Reason | None:
    return max((reason for reason in reasons if reason), key=lambda reason: reason.code, default=None)


# --- comparisons -------------------------------------------------------------------------------------------------------


def judge_comparison(left: tree.Value, op: str, right: tree.Value | tree.Bound, case: Case) -> Verdict:
    """A value beside a bound. It equals the bound if it is both at least and at most that.

    The highest of several is above a bound if any of them is, and below it if all are; the lowest the other way round.
    What is compared with something known not to be there is not met.
    """
    some = find(left.of if isinstance(left, (tree.Change, tree.Ratio)) else left, case)
    if op == "=" and some.which not in ("any", "all"):
        return judge_comparison(left, ">=", right, case) & judge_comparison(left, "<=", right, case)
    if some.which in ("max", "min"):
        some = replace(some, which="any" if (op in (">", ">=")) == (some.which == "max") else "all")

    def test(reading: Reading) -> Verdict:
        bounds, cause = bounds_of(left, reading, right, case)
        return agree([compare(reading, op, bound) for bound in bounds], cause) if bounds else NOT_MET

    return judge_found(some, test)


def compare(reading: Reading, op: str, bound: Reading) -> Verdict:
    """One reading beside one bound: numbers as intervals, dates by whole days."""
    if isinstance(reading.value, PartialDate) and isinstance(bound.value, PartialDate):
        return compare_dates(reading.value, Comparison(op), bound.value)
    reason = told_first(reading.reason, bound.reason) or Reason.CENSORED
    if isinstance(reading.value, PartialDate):
        return Verdict.unknown(reason)
    threshold = Threshold(number(bound), is_product=reading.is_calculated or bound.is_calculated)
    return number(reading).compare(Comparison(op), threshold, reason=reason)


def bounds_of(left: tree.Value, reading: Reading, right: tree.Value | tree.Bound, case: Case) -> Readings:
    """What a reading of the left side is compared with.

    `change(x) <= 5` is judged as x <= baseline + 5, `change(x) <= -20 %` as x <= 0.8 * baseline and `ratio(x) >= 2` as
    x >= 2 * baseline, which is right at equality. A share of a baseline that is 0 or may be below is undefined.
    """
    if not isinstance(left, (tree.Change, tree.Ratio)):
        return plain_bounds(fact_of(left, case), reading, right, case)
    fact = fact_of(left.of, case)
    bases, base_cause = readings_of(find_baseline(fact.name, case))
    if isinstance(left, tree.Ratio):
        bounds, cause = plain_bounds(None, reading, right, case)
        combine = times_baseline
    elif isinstance(right, tree.Quantity) and right.unit == "%" and str(fact.unit) != "%":
        bounds, cause = [Reading(Interval.exactly(float(1 + right.number / 100)))], base_cause
        combine = times_baseline
    else:
        bounds, cause = plain_bounds(fact, reading, right, case)
        combine = plus_baseline
    return [combine(base, bound) for base in bases for bound in bounds], told_first(base_cause, cause)


def plus_baseline(base: Reading, bound: Reading) -> Reading:
    reason = told_first(base.reason, bound.reason)
    return Reading(number(base).plus(number(bound)), reason, is_calculated=True)


def times_baseline(base: Reading, bound: Reading) -> Reading:
    reason = told_first(base.reason, bound.reason)
    if number(base) == Interval.anything():
        return Reading(Interval.anything(), reason)
    if number(base).lo < 0 or number(base).hi == 0:
        return Reading(Interval.anything(), told_first(reason, Reason.UNDEFINED))
    return Reading(number(base).times(number(bound)), reason, is_calculated=True)


def plain_bounds(fact: Fact | None, reading: Reading, right: tree.Value | tree.Bound, case: Case) -> Readings:
    """A number with its unit, a multiple of a limit or a value, a length of time, a day, or another value."""
    match right:
        case tree.Quantity(amount, unit):
            factor = exact_factor(unit, fact)
            bound = Interval.exactly(float(Fraction(amount) * factor))
            return [Reading(bound, is_calculated=factor != 1)], Reason.CONFLICT
        case tree.Limit(factor, limit):
            given = reading.uln if limit == "ULN" else reading.lln
            if given is None:
                return [Reading(Interval.anything(), Reason.NO_LIMIT)], Reason.CONFLICT
            return [Reading(given.scaled(float(factor)), is_calculated=True)], Reason.CONFLICT
        case tree.Multiple(factor, of):
            readings, cause = other_value(fact, of, case)
            if isinstance(of, tree.RESULTS):  # nothing is a hundred times a result of 0
                times = Reading(Interval.exactly(float(factor)))
                return [times_baseline(r, times) for r in readings], cause
            scaled = [replace(r, value=number(r).scaled(float(factor)), is_calculated=True) for r in readings]
            return scaled, cause
        case tree.Length(duration):
            return [Reading(Interval.exactly((duration.months or 0) // 12))], Reason.CONFLICT
        case tree.Day(day):
            return [Reading(PartialDate.of(day))], Reason.CONFLICT
        case _:
            return other_value(fact, right, case)


def other_value(fact: Fact | None, right: tree.Value, case: Case) -> Readings:
    """Another value, in the unit of the fact on the left."""
    readings, cause = readings_of(find(right, case))
    other = fact_of(right, case)
    factor = float(exact_factor(str(other.unit) if other and other.unit else None, fact))
    if factor == 1:
        return readings, cause
    return [replace(r, value=number(r).scaled(factor), is_calculated=True) for r in readings], cause


def exact_factor(unit: str | None, fact: Fact | None) -> Fraction:
    if unit is None or fact is None or fact.unit is None:
        return Fraction(1)
    return conversion_factor(unit, fact.unit, equivalences=fact.equivalences, assay=fact.assay)


def fact_of(value: tree.Value, case: Case) -> Fact | None:
    """The fact whose unit a value has; None for counts, ratios, ages and moments."""
    match value:
        case tree.Pick(_, name, _) | tree.Score(name, _) | tree.Once(name):
            return case.facts[name]
        case tree.Baseline(name) | tree.Nadir(name):
            return case.facts[name or row_fact(case)]
        case tree.RowValue():
            return case.facts[row_fact(case)]
        case tree.Change(of):
            return fact_of(of, case)
        case _:
            return None


# --- levels, histories, attestations -----------------------------------------------------------------------------------


def judge_levels(value: tree.Value, levels: tuple[str, ...], negated: bool, case: Case) -> Verdict:
    """`is` and `in`, and `is not` and `not in`, which ask for a result with another level.

    Beside a number the levels are whole numbers.
    """
    some = find(value, case)
    if some.which in ("max", "min") and some.inside:
        some = found([extreme(some)], some.absent)

    def test(reading: Reading) -> Verdict:
        verdict = is_one_of(reading, levels)
        return ~verdict if negated else verdict

    return judge_found(some, test)


def is_one_of(reading: Reading, levels: tuple[str, ...]) -> Verdict:
    """A level that cannot be read may be any. A range of whole numbers is inside if all of them are."""
    if reading.value is None or isinstance(reading.value, str):
        return Verdict.of(reading.value in levels) if reading.value else Verdict.unknown(reading.reason)
    interval, listed = number(reading), {float(level) for level in levels}
    if not any(interval.contains(level) for level in listed):
        return NOT_MET
    is_closed = not (interval.lo_open or interval.hi_open)
    if is_closed and interval.lo.is_integer() and interval.hi.is_integer():
        whole = range(int(interval.lo), int(interval.hi) + 1)
        if len(whole) <= len(listed) and listed.issuperset(whole):
            return MET
    return Verdict.unknown(reading.reason)


def judge_had(name: str, window: tree.Window | None, case: Case) -> Verdict:
    """Whether there is a record in the window. An earlier one says nothing, so an absent one is never stale."""
    fact, is_in = case.facts[name], membership(window, case)
    if isinstance(is_in, Verdict):
        return is_in
    verdict = Verdict.any_of(is_in(record.date) for record in case.records_of(name))
    return absence(fact) if verdict.is_not_met else verdict


def judge_attested(name: str, case: Case) -> Verdict:
    """The latest attestation of the named role says yes, and has not expired where the rule is judged."""
    fact = case.facts[name]
    by_role = [r for r in case.records_of(name) if fact.by is None or r.by == fact.by]
    window = tree.Within(fact.valid_for) if fact.valid_for else tree.Ever()
    there = replace(case, records=by_role)
    attested = find_results("last", name, window, there)
    needed = replace(attested, absent=Verdict.unknown(Reason.NEEDS_A_PERSON))
    return judge_found(needed, lambda reading: is_one_of(reading, ("yes",)))


# --- repeated findings -------------------------------------------------------------------------------------------------


def later_rows(case: Case) -> list[Held]:
    """The rows of the same fact that are or may be after this one."""
    rows = [Held(r, r.date, before(case.row.date, r.date)) for r in case.records_of(row_fact(case))]
    return [held for held in rows if held.what != case.row and not held.held.is_not_met]


def judge_confirmed(condition: tree.Condition, after: Duration, case: Case) -> Verdict:
    """The row fulfils it, so does the first row at least so long later, and no row between fails it.

    While no row is that much later the confirmation is not yet due, or missing if the data reach beyond its date.
    """
    due = moved(case.row.date, after)
    later = [
        (judge(condition, replace(case, row=held.what)), held.date, held.held) for held in later_rows(case)
    ]
    far = [Held(verdict, date, is_later & on_or_before(due, date)) for verdict, date, is_later in later]
    is_over = case.cut is not None and before(due, case.cut).is_met
    absent = MISSING if is_over else Verdict.unknown(Reason.NOT_YET_DUE)
    confirming = Found("first", [held for held in far if not held.held.is_not_met], absent)
    between = [
        ~(is_later & ~is_far) | verdict
        for (verdict, _, is_later), (_, _, is_far) in zip(later, far, strict=True)
    ]
    return Verdict.all_of(
        [judge(condition, case), judge_found(confirming, lambda verdict: verdict), *between]
    )


def judge_consecutive(condition: tree.Condition, times: int, case: Case) -> Verdict:
    """The row and the ones directly after it, so many in all, fulfil it; not yet due while there are too few.

    Rows that cannot be ordered count together: where they are more than are still needed, they must agree.
    """
    verdicts, needed = [judge(condition, case)], times - 1
    for group in groups_in_time(later_rows(case)):
        of_group = [judge(condition, replace(case, row=held.what)) for held in group]
        is_known = all(held.held.is_met and held.date.is_whole for held in group)
        is_all_needed = len(group) <= needed and all(held.held.is_met for held in group)
        cause = Reason.CONFLICT if is_known else Reason.IMPRECISE_DATE
        verdicts += of_group if is_all_needed else [agree(of_group, cause)]
        needed -= len(group)
        if needed <= 0:
            return Verdict.all_of(verdicts)
    return Verdict.all_of([*verdicts, Verdict.unknown(Reason.NOT_YET_DUE)])


def groups_in_time(rows: Sequence[Held]) -> list[list[Held]]:
    """Rows in the order of time; those that cannot be ordered are one group."""
    groups: list[list[Held]] = []
    for held in sorted(rows, key=lambda held: held.date.first_minute):
        if groups and held.date.first_minute <= max(other.date.last_minute for other in groups[-1]):
            groups[-1].append(held)
        else:
            groups.append([held])
    return groups
