"""Readings and comparisons as SQL: what a result or a date may be, and what a rule says of it.

Interval arithmetic is that of `vocabulary.intervals`, whose operations a term supports as a number or an array does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Any

from trialwright.evaluation.terms import (
    INFINITY,
    MET,
    NOT_MET,
    Code,
    Flag,
    Number,
    Term,
    at_least_0,
    greatest,
    is_null,
    is_number,
    judge,
    least,
    text,
    when,
)
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact
from trialwright.vocabulary.intervals import RELATIVE_TOLERANCE, Bounds, Comparison, End, Threshold
from trialwright.vocabulary.units import conversion_factor
from trialwright.vocabulary.verdicts import Reason

EARLIEST_DAY, LATEST_DAY = date(1, 1, 1), date(9999, 12, 31)
"""Days beyond all dates that `partial_dates` reads, moved by any length of time: the ends of a date nothing is known of."""


# --- intervals ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Ends(Bounds):
    """The ends of an interval as terms, or as numbers where they are known beforehand. Dates have days as ends."""

    lo: Any
    hi: Any
    lo_open: Flag = False
    hi_open: Flag = False

    @classmethod
    def exactly(cls, number: Any) -> Ends:
        return cls(number, number)

    def compare(self, comparison: Comparison, threshold: Threshold[Ends], *, reason: Code) -> Code:
        """The verdict of `self comparison threshold`."""
        surely, never = self._surely_and_never(comparison, threshold)
        return judge(surely=surely, never=never, reason=reason)

    def overlaps(self, other: Ends) -> Flag:
        """Whether some number lies inside both."""
        exactly: Any = (0.0, None)
        apart: Flag = self._surely_and_never(Comparison.EQUAL, Threshold(other, exactly))[1]
        return apart ^ True

    @classmethod
    def _from_ends(cls, low: End, high: End) -> Ends:
        return cls(low[0], high[0], low[1], high[1])

    @staticmethod
    def _least(ends: Sequence[End], *, open_wins: bool) -> End:
        return _first(ends, least, open_wins=open_wins)

    @staticmethod
    def _greatest(ends: Sequence[End], *, open_wins: bool) -> End:
        return _first(ends, greatest, open_wins=open_wins)

    @staticmethod
    def _multiply(a: Any, b: Any) -> Any:
        return when(((a == 0) | (b == 0), 0.0), a * b)

    @staticmethod
    def _divide(a: Any, b: Any, sign: Any) -> Any:
        is_zero = (a == 0) | (b == INFINITY) | (b == -INFINITY)
        return when((is_zero, 0.0), (b != 0, a / b), (a * sign > 0, INFINITY), -INFINITY)

    @classmethod
    def _order(cls, end: Any, threshold: Any, *, is_product: Any) -> _Order:
        """`is_product` is the tolerance, 0 for numbers that went through no multiplication, and what names its sides."""
        tolerance, named = is_product
        if is_number(tolerance, 0):
            return _Order(end, threshold, threshold)
        sides = threshold * (1.0 - tolerance), threshold * (1.0 + tolerance)
        if isinstance(threshold, float):
            low, high = sides if threshold >= 0 else sides[::-1]
        else:
            low, high = least(*sides), greatest(*sides)
        return _Order(end, named(low), named(high))

    def times(self, other: Ends) -> Ends:
        """The product; with a number above 0 known beforehand it is a multiple, which is shorter."""
        if other.lo is other.hi and isinstance(other.lo, float) and other.lo > 0:
            return self.scaled(other.lo)
        # dataclass(slots=True) makes a new class, which leaves a bare `super()` with the old one
        return super(Ends, self).times(other)

    @staticmethod
    def _choose(condition: Flag, yes: Any, no: Any) -> Any:
        return when((condition, yes), no)


class _Order:
    """Where an end lies against a threshold with its tolerance: compared with 0, below, at or above it."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, end: Any, low: Any, high: Any) -> None:
        self.end, self.low, self.high = end, low, high

    def __lt__(self, zero: int) -> Any:
        return self.end < self.low

    def __le__(self, zero: int) -> Any:
        return self.end <= self.high

    def __gt__(self, zero: int) -> Any:
        return self.end > self.high

    def __ge__(self, zero: int) -> Any:
        return self.end >= self.low

    def __eq__(self, zero: object) -> Any:
        return (self >= 0) & (self <= 0)

    def __ne__(self, zero: object) -> Any:
        return (self < 0) | (self > 0)


def _first(ends: Sequence[End], extreme: Any, *, open_wins: bool) -> End:
    """The extreme of several ends, and whether it is open: the open or the closed one wins at equality."""
    found = extreme(*(number for number, _ in ends))
    wins = [(number == found) & (is_open if open_wins else _not(is_open)) for number, is_open in ends]
    some = reduce(lambda one, other: one | other, wins)
    return found, some if open_wins else _not(some)


def _not(flag: Any) -> Any:
    return flag ^ True


# --- readings -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a result or a date may be: ends of a number or days, or a level (null if not known); and why not exact.

    `reason` is 0 where it is exact. `tolerance` is that of products where it went through a calculation, else 0. Limits of
    normal have null ends where none are given.
    """

    value: Ends
    reason: Code = 0
    tolerance: Number = 0.0
    level: Term | None = None
    lln: Ends | None = None
    uln: Ends | None = None
    is_date: bool = False

    def scaled(self, factor: float) -> Reading:
        return replace(self, value=self.value.scaled(factor), tolerance=RELATIVE_TOLERANCE)


def anything(reason: Code, *, is_date: bool = False) -> Reading:
    """A number or date of which nothing is known, and why."""
    ends = Ends(EARLIEST_DAY, LATEST_DAY) if is_date else Ends(-INFINITY, INFINITY, True, True)
    return Reading(ends, reason, is_date=is_date)


def either(flag: Flag, reading: Reading, other: Reading) -> Reading:
    """One of two readings of a number or a date."""
    a, b = reading.value, other.value
    ends = (when((flag, one), two) for one, two in ((a.lo, b.lo), (a.hi, b.hi)))
    opens = (when((flag, one), two) for one, two in ((a.lo_open, b.lo_open), (a.hi_open, b.hi_open)))
    return Reading(
        Ends(*ends, *opens),
        when((flag, reading.reason), other.reason),
        when((flag, reading.tolerance), other.tolerance),
        is_date=reading.is_date,
    )


def compare(reading: Reading, op: str, bound: Reading, names: Callable[[Any], Any]) -> Code:
    """One reading beside one bound, as intervals; dates by whole days."""
    reason = at_least_0(reading.reason, bound.reason)
    otherwise = Reason.IMPRECISE_DATE.code if reading.is_date else Reason.CENSORED.code
    if isinstance(reason, Term):
        reason = Term(f"COALESCE(NULLIF({reason}, 0), {otherwise})")
    elif reason == 0:
        reason = otherwise
    both: Any = (_wider(reading.tolerance, bound.tolerance), names)
    return reading.value.compare(Comparison(op), Threshold(bound.value, both), reason=reason)


def _wider(one: Number, other: Number) -> Number:
    """The tolerance of a comparison. There is only one that is not 0."""
    if any(isinstance(it, float) and it > 0 for it in (one, other)):
        return RELATIVE_TOLERANCE
    wider: Number = at_least_0(one, other)
    return wider


def is_one_of(reading: Reading, levels: Sequence[str], *, negated: bool = False) -> Code:
    """Whether a reading has one of several levels, or, `negated`, another one; beside a number they are whole numbers."""
    yes, no = (NOT_MET, MET) if negated else (MET, NOT_MET)
    if reading.level is not None:
        listed = ", ".join(text(level) for level in levels)
        is_listed = Term(f"({reading.level} IN ({listed}))", is_flag=True)
        is_not_known = is_null(reading.level)
        code: Code = when((is_not_known, reading.reason), (is_listed, yes), no)
        return code
    value = reading.value
    inside = [value.contains(float(level)) for level in sorted(set(levels))]
    n_inside = reduce(lambda one, other: one + other, [when((flag, 1), 0) for flag in inside])
    is_closed = (value.lo_open | value.hi_open) ^ True
    is_filled = (
        is_closed & _is_whole(value.lo) & _is_whole(value.hi) & (value.hi - value.lo + 1.0 == n_inside)
    )
    whole: Code = when((n_inside == 0, no), (is_filled, yes), reading.reason)
    return whole


def _is_whole(number: Any) -> Flag:
    return Term(f"(FLOOR({text(number)}) = {text(number)})", is_flag=True)


def stated_bound(
    fact: Fact | None, reading: Reading, bound: tree.Quantity | tree.Limit | tree.Length | tree.Day
) -> Reading:
    """A bound that the rule states itself, for a reading of a fact."""
    match bound:
        case tree.Quantity(amount, unit):
            factor = exact_factor(unit, fact)
            tolerance = RELATIVE_TOLERANCE if factor != 1 else 0.0
            return Reading(Ends.exactly(float(Fraction(amount) * factor)), tolerance=tolerance)
        case tree.Limit(multiple, limit):
            return _limit(reading.uln if limit == "ULN" else reading.lln, multiple)
        case tree.Length(duration):
            return Reading(Ends.exactly(float((duration.months or 0) // 12)))
        case tree.Day(day):
            return Reading(Ends.exactly(day), is_date=True)


def _limit(given: Ends | None, factor: Decimal) -> Reading:
    """So many times a limit of normal."""
    if given is None:
        return anything(Reason.NO_LIMIT.code)
    ends = given.scaled(float(factor))
    is_missing = is_null(given.lo)
    value = Ends(when((is_missing, -INFINITY), ends.lo), when((is_missing, INFINITY), ends.hi))
    return Reading(value, when((is_missing, Reason.NO_LIMIT.code), 0), tolerance=RELATIVE_TOLERANCE)


def exact_factor(unit: str | None, fact: Fact | None) -> Fraction:
    """What turns a number in `unit` into the unit of a fact."""
    if unit is None or fact is None or fact.unit is None:
        return Fraction(1)
    return conversion_factor(unit, fact.unit, equivalences=fact.equivalences, assay=fact.assay)


def plus_baseline(base: Reading, bound: Reading) -> Reading:
    """`change(x) <= 5` is judged as x <= baseline + 5."""
    return Reading(
        base.value.plus(bound.value), at_least_0(base.reason, bound.reason), tolerance=RELATIVE_TOLERANCE
    )


def times_baseline(base: Reading, bound: Reading) -> Reading:
    """`ratio(x) >= 2` is judged as x >= 2 * baseline; a multiple of a result that is 0 or may be below is undefined."""
    product = base.value.times(bound.value)
    may_not_be = (base.value.lo < 0) | (base.value.hi == 0)
    is_unknown = (base.value.lo == -INFINITY) & (base.value.hi == INFINITY)  # then it may not be, too
    is_undefined = when((is_unknown, 0), (may_not_be, Reason.UNDEFINED.code), 0)
    value = Ends(
        when((may_not_be, -INFINITY), product.lo),
        when((may_not_be, INFINITY), product.hi),
        product.lo_open,
        product.hi_open,
    )
    reason = at_least_0(base.reason, bound.reason, is_undefined)
    return Reading(value, reason, tolerance=RELATIVE_TOLERANCE)


def change_from(base: Reading, reading: Reading) -> Reading:
    return _calculated(reading.value.minus(base.value), base, reading)


def ratio_to(base: Reading, reading: Reading) -> Reading:
    return _calculated(reading.value.over(base.value), base, reading)


def _calculated(value: Ends, base: Reading, reading: Reading) -> Reading:
    undefined = when((base.value.contains(0.0), Reason.UNDEFINED.code), 0)
    return Reading(value, at_least_0(reading.reason, base.reason, undefined), tolerance=RELATIVE_TOLERANCE)
