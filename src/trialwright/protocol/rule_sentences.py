"""A rule told in English, for people who read protocols and not rules."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact, Scope
from trialwright.protocol.rule_tree import Bound, Condition, Value, Window
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.units import UnknownUnit, find_unit


def render_sentence(condition: Condition, scope: Scope) -> str:
    """A rule as a sentence without capital letter and full stop.

    Facts and periods are called by their labels; a name that is not in the scope is told with its underscores as spaces.

    Examples
    --------
    `last(creatinine, 28 days) > 1.5 ULN` becomes "the last creatinine within 28 days before the anchor is above 1.5
    times the upper limit of normal".
    """
    return _Narrator(scope).condition(condition)


def render_moment_sentence(moment: tree.Moment, scope: Scope) -> str:
    """A moment in English: "28 days after the last durvalumab"."""
    return _Narrator(scope).moment(moment)


class _Narrator:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.here = scope.anchor if scope.rows_of is None else f"the {self.label(scope.rows_of)}"

    # --- conditions ---------------------------------------------------------------------------------------------------

    def condition(self, condition: Condition) -> str:
        match condition:
            case tree.AllOf(parts):
                return self.joined(parts, "and")
            case tree.AnyOf(parts):
                return self.joined(parts, "or")
            case tree.Confirmed(part, after):
                return f"{self.grouped(part)}, confirmed at the first {self.row()} {after} or more later"
            case tree.Consecutive(part, times):
                return f"{self.grouped(part)}, in {times} consecutive {self.row()}s"
            case tree.Not(part) if isinstance(
                part, (tree.Not, tree.AllOf, tree.AnyOf, tree.Confirmed, tree.Consecutive)
            ):
                return f"it is not so that ({self.condition(part)})"
            case tree.Not(part):
                return self.statement(part, negated=True)
            case _:
                return self.statement(condition, negated=False)

    def joined(self, parts: Iterable[Condition], word: str) -> str:
        return f", {word} ".join(self.grouped(part) for part in parts)

    def grouped(self, part: Condition) -> str:
        compound = isinstance(part, (tree.AllOf, tree.AnyOf, tree.Confirmed, tree.Consecutive))
        return f"({self.condition(part)})" if compound else self.condition(part)

    def statement(self, condition: Condition, *, negated: bool) -> str:
        match condition:
            case tree.Compare(tree.Pick("any" | "all")) | tree.OneOf(tree.Pick("any" | "all")) if negated:
                return f"it is not so that {self.statement(condition, negated=False)}"
            case tree.Compare(left, op, tree.Moment(_, _, offset, sign) as moment) if offset is not None:
                words = _HOW_LONG_AFTER if sign == "+" else _HOW_LONG_BEFORE
                return f"{self.value(left)} {_is(negated)} {words[op]} {self.moment(moment)}"
            case tree.Compare(left, op, right):
                verb = _WHEN[op] if self.is_date(left) else _HOW_MUCH[op]
                return f"{self.value(left)} {_is(negated)} {verb} {self.bound(right)}"
            case tree.OneOf(value, levels, otherwise):
                return f"{self.value(value)} {_is(negated != otherwise)} {_either(levels)}"
            case tree.Had(name, window):
                return f"{self.label(name)} {self.happened(name, negated)}{self.window(window)}"
            case tree.Attested(name):
                fact = self.scope.facts.get(name)
                by = f"the {fact.by}" if fact is not None and fact.by else "the person responsible"
                return f"{by} {'does not attest' if negated else 'attests'}: {self.label(name)}"
            case _:
                return (
                    f"it is not so that {self.condition(condition)}" if negated else self.condition(condition)
                )

    def happened(self, name: str, negated: bool) -> str:
        fact = self.scope.facts.get(name)
        verb = _HAPPENED.get(fact.kind if fact else Kind.HISTORY, "recorded")
        if verb == "occurred":
            return "did not occur" if negated else "occurred"
        return f"was not {verb}" if negated else f"was {verb}"

    # --- values and bounds --------------------------------------------------------------------------------------------

    def value(self, value: Value) -> str:
        match value:
            case tree.Pick(which, name, window):
                return f"{_WHICH[which]} {self.label(name)}{self.window(window)}"
            case tree.Count(name, window):
                return f"the number of records of {self.label(name)}{self.window(window)}"
            case tree.Score(name, window):
                return f"the {self.label(name)} from the last results{self.window(window)}"
            case tree.Age():
                return (
                    f"age at {self.here}" if self.scope.rows_of is None else f"age on the date of {self.here}"
                )
            case tree.Once(name):
                return self.label(name)
            case tree.RowValue():
                return self.here
            case tree.RowDate():
                return f"the date of {self.here}"
            case tree.Baseline(name):
                return f"the baseline {self.label(name)}" if name else "its baseline"
            case tree.Nadir(name):
                return (
                    f"the lowest {self.label(name)} from baseline on"
                    if name
                    else "its lowest value from baseline on"
                )
            case tree.Change(of):
                return f"the change from baseline of {self.value(of)}"
            case tree.Ratio(of):
                return f"the ratio to baseline of {self.value(of)}"
            case tree.Moment():
                return self.moment(value)

    def bound(self, bound: Value | Bound) -> str:
        match bound:
            case tree.Quantity(number, unit):
                return f"{number:f}{_unit(unit)}"
            case tree.Length(duration):
                return str(duration)
            case tree.Limit(factor, limit):
                name = "the upper limit of normal" if limit == "ULN" else "the lower limit of normal"
                return f"{_times(factor)}{name}"
            case tree.Multiple(factor, of):
                return f"{_times(factor)}{self.value(of)}"
            case tree.Day(day):
                return day.isoformat()
            case _:
                return self.value(bound)

    def is_date(self, value: Value) -> bool:
        match value:
            case tree.Moment() | tree.RowDate():
                return True
            case tree.Pick(_, name) | tree.Once(name):
                fact: Fact | None = self.scope.facts.get(name)
                return fact is not None and fact.kind is Kind.DATE
            case _:
                return False

    # --- windows and moments ------------------------------------------------------------------------------------------

    def window(self, window: Window | None) -> str:
        match window:
            case None:
                return ""
            case tree.Within(length, side, moment):
                the_day = "the day " if moment.offset else ""
                if length.days == 0:
                    return f" on {the_day or 'the day of '}{self.moment(moment)}"
                when = "before or after" if side == "around" else side
                return f" within {length} {when} {the_day}{self.moment(moment)}"
            case tree.Since(moment):
                return f" since {self.moment(moment)}"
            case tree.During(period):
                return f" during {self.scope.periods.get(period, _spaced(period))}"
            case tree.Ever():
                return f" at any time up to {self.here}"

    def moment(self, moment: tree.Moment) -> str:
        if moment.name is None:
            what = self.here
        elif moment.which is None:
            what = self.label(moment.name)
        else:
            what = (
                f"any {self.label(moment.name)}"
                if moment.which == "any"
                else f"the {moment.which} {self.label(moment.name)}"
            )
        if moment.offset is None:
            return what
        return f"{moment.offset} {'after' if moment.sign == '+' else 'before'} {what}"

    def label(self, name: str) -> str:
        fact = self.scope.facts.get(name)
        if fact is None:
            return _spaced(name)
        # the label of a date is a phrase and stands inside a sentence; other labels may be names
        return _decapitalised(fact.label) if fact.kind is Kind.DATE else fact.label

    def row(self) -> str:
        fact = self.scope.facts.get(self.scope.rows_of or "")
        return "result" if fact is None or not fact.kind.is_history else "record"


def _decapitalised(words: str) -> str:
    """Without the capital letter a phrase begins with, unless more capitals follow in its first word."""
    first = words.split()[0]
    return words if first[1:] != first[1:].lower() or len(first) == 1 else words[0].lower() + words[1:]


_WHICH = {
    "last": "the last",
    "first": "the first",
    "max": "the highest",
    "min": "the lowest",
    "any": "any",
    "all": "every",
}
_HOW_MUCH = {"<": "below", "<=": "at most", "=": "equal to", ">=": "at least", ">": "above"}
_WHEN = {"<": "before", "<=": "on or before", "=": "on", ">=": "on or after", ">": "after"}
_HOW_LONG_AFTER = {"<": "less than", "<=": "at most", "=": "exactly", ">=": "at least", ">": "more than"}
_HOW_LONG_BEFORE = {"<": "more than", "<=": "at least", "=": "exactly", ">=": "at most", ">": "less than"}
_HAPPENED = {
    Kind.DRUG: "given",
    Kind.PROCEDURE: "done",
    Kind.CONDITION: "present",
    Kind.EVENT: "occurred",
    Kind.HISTORY: "recorded",
}


def _is(negated: bool) -> str:
    return "is not" if negated else "is"


def _either(levels: tuple[str, ...]) -> str:
    return levels[0] if len(levels) == 1 else f"{', '.join(levels[:-1])} or {levels[-1]}"


def _times(factor: Decimal) -> str:
    return "" if factor == 1 else f"{factor:f} times "


def _unit(code: str | None) -> str:
    if code is None:
        return ""
    try:
        return f" {find_unit(code).label}"
    except UnknownUnit:
        return f" {code}"


def _spaced(name: str) -> str:
    return name.replace("_", " ")
