"""What is chosen freely for an invented patient so that each question of a rule gets the answer wanted.

A question looks at slots: the value of the row, the baseline, the day of a drug, the word of a person. A choice is what
stands in a slot, and the plain operators of Python tell what it answers. Nothing here reads rules as the readers of
`evaluation` do.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeAlias

from trialwright.design.boundaries.questions import Question
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact, Scope
from trialwright.protocol.model import Protocol
from trialwright.protocol.moments import parse_moment, parse_span
from trialwright.vocabulary.concepts import Kind


class NotTestable(Exception):
    """Why no patient can be invented for a question."""


@dataclass(frozen=True, slots=True)
class History:
    """The slot of a drug, procedure, condition or event: the one day it is recorded on, or None."""

    fact: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """The slot of an anchor whose day is recorded."""

    anchor: str


@dataclass(frozen=True, slots=True)
class Birth:
    """A date of birth, and the completed years it was chosen for."""

    born: date
    years: int


Slot: TypeAlias = tree.Node | History | Recorded
Choice: TypeAlias = Decimal | str | date | bool | Birth | None
Choices: TypeAlias = Mapping[Slot, Choice]

OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {"<": operator.lt, "<=": operator.le, "=": operator.eq, ">=": operator.ge, ">": operator.gt}
)
DAY = timedelta(days=1)
APART = timedelta(days=40)
"""How long before everything else lies what windows count from."""
_NORMAL = Decimal(40)
COUNTED = (tree.Count, tree.Score)
"""Values that are whole numbers."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a rule is judged.

    Attributes
    ----------
    protocol, scope
    zero : date
        The day of every anchor, first dose and baseline for which no other day is chosen.
    day : date
        Where the rule is judged, or the day of the row, unless `here` says.
    here : Moment, optional
        The moment of the protocol at which it is judged.
    last_dose : date, optional
        The last day of drugs for which nothing is chosen: `day`, where rows are judged, or else `zero`.
    apart : frozenset of str
        Names that windows count from: their day lies apart from `zero`, so that it matters which day a window counts from.
    units : mapping of str to str
        Facts that are reported in another unit than their own: the one the rule asks in.
    scale : Decimal
        How far the limits of normal lie from the usual ones, where a rule compares a value with them and with a number.
    """

    protocol: Protocol
    scope: Scope
    zero: date
    day: date
    here: tree.Moment | None = None
    last_dose: date | None = None
    apart: frozenset[str] = frozenset()
    units: Mapping[str, str] = field(default_factory=dict)
    scale: Decimal = Decimal(1)

    def fact(self, name: str | None) -> Fact:
        return self.scope.facts[name or self.scope.rows_of or ""]

    def judged_on(self, choices: Choices) -> date:
        """The day a rule is judged on."""
        if self.here is None:
            return self.day
        return self.day_of(self.here, choices) or self.zero

    def day_of(self, moment: tree.Moment, choices: Choices) -> date | None:
        """The day of a moment; None where what it is the day of did not happen."""
        return _moved(self._named_day(moment, choices), moment)

    def _named_day(self, moment: tree.Moment, choices: Choices) -> date | None:
        if moment.name is None:
            return self.judged_on(choices)
        anchor = self.protocol.anchors.get(moment.name)
        if anchor is not None and anchor.at:
            return self.day_of(parse_moment(anchor.at), choices)
        slot = Recorded(moment.name) if anchor is not None else History(moment.name)
        if slot in choices:
            found = choices[slot]
            days = [found] if isinstance(found, date) else []
            days += [self.day] if self.here is None and moment.name == self.scope.rows_of else []
            return (max if moment.which == "last" else min)(days, default=None)
        return self.default_day(moment.name, moment.which)

    def default_day(self, name: str, which: str | None) -> date:
        """The day of an anchor, or of the first or last of a drug, for which nothing is chosen."""
        if name in self.apart:
            return self.zero - APART
        return self.last_day_of_drugs if which == "last" else self.zero

    @property
    def last_day_of_drugs(self) -> date:
        return self.last_dose or (self.day if self.here is None else self.zero)

    def days_of(self, window: tree.Window | None, choices: Choices) -> tuple[date, date]:
        """First and last day of a window, both inside."""
        here = self.judged_on(choices)
        match window:
            case tree.Within(length, side, moment):
                middle = self.day_of(moment, choices) or here
                start = length.before(middle) if side != "after" else middle
                return start, length.after(middle) if side != "before" else middle
            case tree.Since(moment):
                return self.day_of(moment, choices) or here, here
            case tree.During(period):
                return self.days_of_period(period, choices)
            case _:
                return date.min, here

    def days_of_period(self, period: str, choices: Choices) -> tuple[date, date]:
        """First and last day of a period, or of a treatment."""
        if period not in self.protocol.periods:
            first, last = (tree.Moment(period, "first"), tree.Moment(period, "last"))
            return self.day_of(first, choices) or self.zero, self.day_of(last, choices) or self.zero
        span = parse_span(self.protocol.periods[period].span)
        start, end = (self.day_of(moment, choices) or self.zero for moment in (span.start, span.end))
        return start + DAY * span.leaves_start_out, end


def slots_of(question: Question, setting: Setting) -> tuple[Slot, ...]:
    """The slots a question looks at, those it compares with first.

    Raises
    ------
    NotTestable
        If one of its values is of a kind nothing can be chosen for.
    """
    match plainly(question):
        case tree.Compare(left, _, right):
            return tuple(dict.fromkeys((*slots_in(right, setting), *slots_in(left, setting))))
        case tree.OneOf(value):
            return slots_in(value, setting)
        case tree.Had(fact):
            return (History(fact),)
        case tree.Attested():
            return (question,)


def plainly(question: Question) -> Question:
    """A ratio to baseline, or a change in percent of it, as the multiple of baseline that they stand for."""
    match question:
        case tree.Compare(tree.Ratio(of), op, tree.Quantity(number_, None)):
            return tree.Compare(of, op, tree.Multiple(number_, _baseline_of(of)))
        case tree.Compare(tree.Change(of), op, tree.Quantity(percent, "%")):
            return tree.Compare(of, op, tree.Multiple(1 + percent / 100, _baseline_of(of)))
        case _:
            return question


def _baseline_of(value: tree.Node) -> tree.Baseline:
    return tree.Baseline(getattr(value, "fact", None))


def slots_in(term: tree.Node, setting: Setting) -> tuple[Slot, ...]:
    match term:
        case tree.Multiple(_, of):
            return slots_in(of, setting)
        case (
            tree.Pick()
            | tree.RowValue()
            | tree.Baseline()
            | tree.Nadir()
            | tree.Count()
            | tree.Score()
            | tree.Age()
        ):
            return (term,)
        case tree.Once(fact):
            is_date = setting.fact(fact).kind is Kind.DATE
            return slots_in(tree.Moment(fact), setting) if is_date else (term,)
        case tree.Moment(str(name)):
            anchor = setting.protocol.anchors.get(name)
            if anchor is None:
                return (History(name),)
            return slots_in(parse_moment(anchor.at), setting) if anchor.at else (Recorded(name),)
        case tree.Change() | tree.Ratio():
            raise NotTestable("an absolute change from baseline has no patients yet")
        case _:
            return ()


def fact_of(slot: Slot, setting: Setting) -> Fact:
    """The fact whose records fill a slot."""
    match slot:
        case tree.RowValue():
            return setting.fact(None)
        case History(fact) | tree.Pick(_, fact) | tree.Count(fact) | tree.Score(fact) | tree.Attested(fact):
            return setting.fact(fact)
        case tree.Baseline(fact) | tree.Nadir(fact) | tree.Once(fact):
            return setting.fact(fact)
        case Recorded(anchor):
            return setting.fact(anchor)
    raise NotTestable(f"nothing can be recorded for {type(slot).__name__}")


# --- plain answers ------------------------------------------------------------------------------------------------------


def answer(question: Question, choices: Choices, setting: Setting) -> bool:
    """The answer that the choices give, by the plain operators."""
    match plainly(question):
        case tree.Compare(left, op, right) as question:
            a, b = number(left, question, choices, setting), number(right, question, choices, setting)
            return a is not None and b is not None and OPERATORS[op](a, b)
        case tree.OneOf(value, levels, negated):
            return (str(choices[slots_in(value, setting)[0]]) in levels) is not negated
        case tree.Had(fact, window):
            day, (first, last) = choices[History(fact)], setting.days_of(window, choices)
            return isinstance(day, date) and first <= day <= last
        case tree.Attested() as said:
            return choices[said] is True


def holds(condition: tree.Condition, choices: Choices, setting: Setting) -> bool | None:
    """Whether a rule holds of the choices, read plainly; None where a slot that could tell is not filled."""
    match condition:
        case tree.Not(part):
            found = holds(part, choices, setting)
            return None if found is None else not found
        case tree.AllOf(parts) | tree.AnyOf(parts):
            settling = isinstance(condition, tree.AnyOf)
            answers = [holds(part, choices, setting) for part in parts]
            return settling if settling in answers else None if None in answers else not settling
        case tree.Compare() | tree.OneOf() | tree.Had() | tree.Attested():
            is_open = set(slots_of(condition, setting)) - choices.keys()
            return None if is_open else answer(condition, choices, setting)
        case _:
            raise NotTestable("a repeated finding inside another condition")


def number(term: tree.Node, question: tree.Compare, choices: Choices, setting: Setting) -> Any:
    """What one side of a comparison comes to: a number, or a day."""
    match term:
        case tree.Quantity(amount):
            return amount
        case tree.Length(duration):
            return Decimal(duration.amount)
        case tree.Multiple(factor, of):
            return factor * number(of, question, choices, setting)
        case tree.Limit(factor, side):
            upper = setting.scale * normal_limit(fact_of(slots_in(question.left, setting)[0], setting))
            return factor * (upper if side == "ULN" else upper / 2)
        case tree.Day(day):
            return day
        case tree.Moment():
            return setting.day_of(term, choices)
        case tree.RowDate():
            return setting.judged_on(choices)
        case tree.Once(fact) if setting.fact(fact).kind is Kind.DATE:
            return setting.day_of(tree.Moment(fact), choices)
        case tree.Age():
            birth = choices[term]
            return Decimal(birth.years) if isinstance(birth, Birth) else None
    return choices[term]


def normal_limit(fact: Fact) -> Decimal:
    """The upper limit of normal that invented laboratories give, the lower is half of it; any number will do."""
    low, high = fact.limits
    if (low is None or low < _NORMAL) and (high is None or high > 10 * _NORMAL):
        return _NORMAL
    return Decimal(round(((low or 0) + (high or 2 * _NORMAL)) / 2))


def step_of(bound: Decimal) -> Decimal:
    """One in the last digit of a bound, at most 1."""
    exponent = bound.normalize().as_tuple().exponent
    return Decimal(1).scaleb(min(int(exponent), 0))


def as_comparison(question: tree.Compare) -> tree.Compare:
    """The comparison, a ratio or a change in percent as a multiple of baseline."""
    found = plainly(question)
    return found if isinstance(found, tree.Compare) else question


def distance(question: tree.Compare, choices: Choices, setting: Setting) -> int | None:
    """How many steps, or days, a value stands above its bound; None where it is no whole number of them."""
    question = as_comparison(question)
    a, b = (number(side, question, choices, setting) for side in (question.left, question.right))
    if isinstance(a, date) and isinstance(b, date):
        return (a - b).days
    if a is None or b is None or isinstance(a, date):
        return None
    steps = (a - b) / (Decimal(1) if isinstance(question.left, COUNTED) else step_of(b))
    return int(steps) if steps == steps.to_integral_value() else None


def _moved(day: date | None, moment: tree.Moment) -> date | None:
    if day is None or moment.offset is None:
        return day
    return moment.offset.after(day) if moment.sign == "+" else moment.offset.before(day)
