"""A rule held against the facts of its protocol: names, kinds, units, the place it is judged in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact, Scope
from trialwright.protocol.rule_tree import At, Condition, Value, Window
from trialwright.protocol.rules import RULE, place_in
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.problems import Place, Problem, Severity, nearest
from trialwright.vocabulary.units import Unit, UnitsDoNotConvert, UnknownUnit, conversion_factor, find_unit

LONGEST_RUN = 100
"""The most rows `consecutive` may ask for."""


def check_rule(condition: Condition, scope: Scope, *, start: Place = RULE) -> list[Problem]:
    """Everything wrong with a rule in its scope, errors and warnings, in the order of the text.

    Codes of errors
        unknown-fact, unknown-period, unknown-level, unknown-unit; wrong-kind (a drug has no value), wrong-context
        (`value` at an anchor), not-comparable (a category with a number), unit-missing, unit-unexpected, unit-mismatch,
        assay-needed, no-normal-range, factor-not-positive, score-part-missing, repeated-finding.
    Codes of warnings
        window-not-stated (a measurement of any age would do), implausible-threshold, repeated-level, percentage-points.
    """
    checker = _Checker(scope, start)
    checker.check_condition(condition)
    return sorted(checker.problems, key=_position)


def _position(problem: Problem) -> tuple[int, int]:
    place = problem.place
    return (place.line or 0, place.column or 0) if place else (0, 0)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a value: of what fact, in what unit, and how it came about."""

    what: Literal["number", "level", "date", "age"]
    name: str
    fact: Fact | None = None
    unit: Unit | None = None
    made_by: Literal["result", "count", "score", "change", "ratio"] = "result"
    is_each: bool = False
    """One of `any` and `all`: many values at once."""


class _Checker:
    def __init__(self, scope: Scope, start: Place) -> None:
        self.scope = scope
        self.start = start
        self.problems: list[Problem] = []

    def report(self, code: str, message: str, at: At, fix: str = "") -> None:
        self.problems.append(Problem(code, message, place_in(self.start, at), fix=fix))

    def warn(self, code: str, message: str, at: At, fix: str = "") -> None:
        place = place_in(self.start, at)
        self.problems.append(Problem(code, message, place, fix=fix, severity=Severity.WARNING))

    # --- conditions ---------------------------------------------------------------------------------------------------

    def check_condition(self, condition: Condition, *, repeated: bool = False) -> None:
        match condition:
            case tree.AllOf(parts) | tree.AnyOf(parts):
                for part in parts:
                    self.check_condition(part, repeated=repeated)
            case tree.Not(part):
                self.check_condition(part, repeated=repeated)
            case tree.Confirmed(part) | tree.Consecutive(part):
                self.check_repetition(condition, nested=repeated)
                self.check_condition(part, repeated=True)
            case tree.Compare():
                self.check_comparison(condition)
            case tree.OneOf():
                self.check_levels(condition)
            case tree.Had(name, window):
                fact = self.fact(name, condition.at)
                if fact is not None and not fact.kind.is_history:
                    self.report(
                        "wrong-kind",
                        f"`had` asks for a drug, procedure, condition or event; `{name}` is {_a(fact.kind)}",
                        condition.at,
                        _how_to_ask(fact),
                    )
                self.check_window(window)
            case tree.Attested(name):
                fact = self.fact(name, condition.at)
                if fact is not None and fact.kind is not Kind.ATTESTATION:
                    self.report(
                        "wrong-kind",
                        f"only an attestation can be attested; `{name}` is {_a(fact.kind)}",
                        condition.at,
                        _how_to_ask(fact),
                    )

    def check_repetition(self, condition: tree.Confirmed | tree.Consecutive, *, nested: bool) -> None:
        word = "confirmed" if isinstance(condition, tree.Confirmed) else "consecutive"
        if self.scope.rows_of is None:
            self.report(
                "wrong-context", f"`{word}` needs rows; this rule is judged at an anchor", condition.at
            )
        if nested:
            self.report(
                "repeated-finding", f"`{word}` cannot stand inside another repeated finding", condition.at
            )
        if isinstance(condition, tree.Consecutive) and not 2 <= condition.times <= LONGEST_RUN:
            self.report(
                "repeated-finding",
                f"`consecutive` must ask for 2 to {LONGEST_RUN} rows, not {condition.times}",
                condition.at,
            )

    def check_comparison(self, node: tree.Compare) -> None:
        left = self.value(node.left)
        right = node.right
        if left is not None and left.what == "level":
            level = (
                right.fact
                if isinstance(right, tree.Once) and left.fact and right.fact in left.fact.levels
                else "..."
            )
            self.report(
                "not-comparable",
                f"`{left.name}` has levels and cannot be compared by `{node.op}`",
                node.at,
                f"write `is {level}` or `in (...)`",
            )
            return
        match right:
            case tree.Quantity():
                self.check_quantity(left, right)
            case tree.Limit():
                self.check_limit(left, right)
            case tree.Length():
                self.check_length(left, right)
            case tree.Day():
                if left is not None and left.what != "date":
                    self.report("not-comparable", f"{_of(left)} cannot be compared with a day", right.at)
            case tree.Multiple(factor, of):
                self.check_factor(factor, right.at)
                self.check_other_value(left, self.value(of), of.at, multiplied=True)
            case _:
                self.check_other_value(left, self.value(right), right.at)

    def check_quantity(self, left: _Known | None, right: tree.Quantity) -> None:
        unit = self.unit(right)
        if left is None or (unit is None and right.unit is not None):
            return
        if left.what != "number":
            fix = f"write `{right.number:f} years`" if left.what == "age" and unit is None else ""
            self.report("not-comparable", f"{_of(left)} cannot be compared with a number", right.at, fix)
        elif left.made_by == "change" and unit is not None and unit.code == "%":
            if left.unit is not None and left.unit.code == "%":
                self.warn(
                    "percentage-points",
                    f"`{left.name}` is measured in %, so its change counts percentage points",
                    right.at,
                    "write `ratio(...)` if you mean a share of baseline",
                )
        elif left.unit is None:
            if unit is not None:
                self.report("unit-unexpected", f"{_of(left)} has no unit, not `{unit}`", right.unit_at)
            else:
                self.check_plausible(left, right, Fraction(1))
        elif unit is None:
            self.report(
                "unit-missing",
                f"{_of(left)} needs a unit beside {right.number:f}",
                right.at,
                f"write the unit meant, as in `{right.number:f} {left.unit}`",
            )
        else:
            factor = self.factor(unit, left, left.unit, right.unit_at)
            if factor is not None:
                self.check_plausible(left, right, factor)

    def check_plausible(self, left: _Known, right: tree.Quantity, factor: Fraction) -> None:
        if left.fact is None or left.made_by not in ("result", "score"):
            return
        low, high = left.fact.limits
        threshold = Fraction(right.number) * factor
        if (low is not None and threshold < Fraction(low)) or (
            high is not None and threshold > Fraction(high)
        ):
            unit = f" {left.unit}" if left.unit else ""
            least, most = ("..." if limit is None else f"{tree.plain(limit):f}" for limit in (low, high))
            self.warn(
                "implausible-threshold",
                f"{float(threshold):g}{unit} lies outside the plausible {least} to {most}{unit} of `{left.name}`",
                right.at,
                "check the number and its unit",
            )

    def check_limit(self, left: _Known | None, right: tree.Limit) -> None:
        self.check_factor(right.factor, right.at)
        if left is None:
            return
        if left.what != "number" or left.made_by != "result" or left.fact is None:
            self.report("not-comparable", f"{_of(left)} has no {right.limit} to be compared with", right.at)
        elif not left.fact.has_normal_range:
            self.report(
                "no-normal-range", f"laboratories give no limits of normal with `{left.name}`", right.at
            )

    def check_length(self, left: _Known | None, right: tree.Length) -> None:
        if left is None:
            return
        if left.what != "age":
            self.report("not-comparable", f"{_of(left)} cannot be compared with a length of time", right.at)
        elif right.duration.months is None or right.duration.months % 12:
            self.report(
                "not-comparable",
                f"age is in completed years and cannot be compared with {right.duration}",
                right.at,
            )

    def check_other_value(
        self, left: _Known | None, right: _Known | None, at: At, *, multiplied: bool = False
    ) -> None:
        if right is not None and right.is_each:
            self.report("not-comparable", "`any` and `all` belong on the left of a comparison", at)
            return
        if left is None or right is None:
            return
        if left.what != right.what or left.what == "age" or (multiplied and right.what != "number"):
            self.report("not-comparable", f"{_of(left)} cannot be compared with {_of(right)}", at)
        elif left.what == "number" and (left.unit is None) != (right.unit is None):
            self.report(
                "unit-mismatch", f"{_of(left)} is in {_unit_of(left)}, {_of(right)} in {_unit_of(right)}", at
            )
        elif left.unit is not None and right.unit is not None:
            self.factor(right.unit, left, left.unit, at)

    def check_factor(self, factor: Decimal, at: At) -> None:
        if factor <= 0:
            self.report("factor-not-positive", f"a multiple must be more than 0 times, not {factor}", at)

    def check_levels(self, node: tree.OneOf) -> None:
        known = self.value(node.value)
        places = node.levels_at or (node.value.at,) * len(node.levels)
        for level, n in Counter(node.levels).items():
            if n > 1:
                at = places[len(node.levels) - 1 - node.levels[::-1].index(level)]
                self.warn("repeated-level", f"the level `{level}` is named {n} times", at)
        if known is None:
            return
        if known.what == "level" and known.fact is not None:
            for level, at in zip(node.levels, places, strict=True):
                if level not in known.fact.levels:
                    self.report(
                        "unknown-level",
                        f"`{known.name}` has no level `{level}`",
                        at,
                        _did_you_mean(level, known.fact.levels)
                        or f"its levels are {', '.join(known.fact.levels)}",
                    )
        elif known.what == "number" and known.unit is None and known.made_by == "result":
            for level, at in zip(node.levels, places, strict=True):
                if not re.fullmatch(r"0|[1-9][0-9]{0,8}", level, re.ASCII):
                    self.report("unknown-level", f"`{known.name}` is a whole number, not `{level}`", at)
        else:
            fix = "write `=`, `<=` or `>=`" if known.what == "number" else ""
            self.report("not-comparable", f"{_of(known)} has no levels", places[0], fix)

    # --- values -------------------------------------------------------------------------------------------------------

    def value(self, value: Value) -> _Known | None:
        match value:
            case tree.Pick(which, name, window):
                return self.pick(value, which, name, window)
            case tree.Count(name, window):
                fact = self.fact(name, value.at)
                self.check_window(window)
                if fact is not None and (fact.once or fact.kind in (Kind.ATTESTATION, Kind.SCORE)):
                    self.report(
                        "wrong-kind", f"`{name}` has no records to count", value.at, _how_to_ask(fact)
                    )
                return _Known("number", f"count({name})", made_by="count")
            case tree.Score(name, window):
                return self.score(value, name, window)
            case tree.Age():
                return _Known("age", "age")
            case tree.Once(name):
                return self.once(value, name)
            case tree.RowValue():
                return self.of_rows("value", value.at)
            case tree.RowDate():
                if self.scope.rows_of is None:
                    self.report(
                        "wrong-context", "`date` needs rows; this rule is judged at an anchor", value.at
                    )
                return _Known("date", "date")
            case tree.Baseline(name) | tree.Nadir(name):
                return self.reference(value, name)
            case tree.Change(of) | tree.Ratio(of):
                return self.relative(value, of)
            case tree.Moment():
                self.check_moment(value, in_window=False)
                if value.name is None and self.scope.rows_of is not None:
                    self.report("wrong-context", "per row, the date of the row is `date`", value.at)
                return _Known("date", value.name or "anchor")

    def pick(self, value: tree.Pick, which: str, name: str, window: Window | None) -> _Known | None:
        fact = self.fact(name, value.at)
        self.check_window(window)
        known = self.result(fact, value.at, f"{which}(...)")
        if known is None or fact is None:
            return None
        if fact.once:
            self.report("wrong-kind", f"`{name}` is known once per person", value.at, f"write `{name}`")
        elif window is None:
            self.warn(
                "window-not-stated",
                f"`{name}` has no window: a result of any age would do",
                value.at,
                f"write `{which}({name}, 28 days)`, or `{which}({name}, ever)` if any age is meant",
            )
        if which in ("max", "min") and known.what == "level":
            self.report("wrong-kind", f"`{name}` has levels: there is no `{which}` of them", value.at)
            return None
        return _Known(known.what, name, fact, known.unit, is_each=which in ("any", "all"))

    def result(self, fact: Fact | None, at: At, asked: str) -> _Known | None:
        """What a single result of a fact is; reports facts that have no results."""
        if fact is None:
            return None
        if fact.kind is Kind.NUMBER:
            return _Known("number", fact.name, fact, fact.unit)
        if fact.kind in (Kind.CATEGORY, Kind.YES_OR_NO):
            return _Known("level", fact.name, fact)
        if fact.kind is Kind.DATE:
            return _Known("date", fact.name, fact)
        self.report(
            "wrong-kind",
            f"`{asked}` asks for a result; `{fact.name}` is {_a(fact.kind)}",
            at,
            _how_to_ask(fact),
        )
        return None

    def score(self, value: tree.Score, name: str, window: Window | None) -> _Known | None:
        fact = self.fact(name, value.at)
        self.check_window(window)
        if fact is None:
            return None
        if fact.kind is not Kind.SCORE:
            self.report(
                "wrong-kind", f"`{name}` is {_a(fact.kind)}, not a score", value.at, _how_to_ask(fact)
            )
            return None
        for part in fact.parts:
            givers = [other.name for other in self.scope.facts.values() if other.concept == part]
            if len(givers) != 1:
                found = f"{' and '.join(givers)} both are" if givers else "no fact is"
                self.report(
                    "score-part-missing",
                    f"`{name}` needs one fact of the concept `{part}`: {found}",
                    value.at,
                )
        if window is None:
            self.warn(
                "window-not-stated",
                f"`{name}` has no window: parts of any age would do",
                value.at,
                f"write `score({name}, 28 days)`, or `score({name}, ever)` if any age is meant",
            )
        return _Known("number", name, fact, fact.unit, made_by="score")

    def once(self, value: tree.Once, name: str) -> _Known | None:
        fact = self.fact(name, value.at)
        if fact is None:
            return None
        if not fact.once:
            self.report(
                "wrong-kind",
                f"`{name}` may have many records: say which one",
                value.at,
                _how_to_ask(fact),
            )
            return None
        return self.result(fact, value.at, name)

    def of_rows(self, word: str, at: At) -> _Known | None:
        """What `value`, `baseline` or `nadir` is where rows of a fact are judged."""
        if self.scope.rows_of is None:
            fix = f"write `{word}(...)` with the fact" if word != "value" else "write `last(..., 28 days)`"
            self.report("wrong-context", f"`{word}` needs rows; this rule is judged at an anchor", at, fix)
            return None
        return self.result(self.fact(self.scope.rows_of, at), at, word)

    def reference(self, value: tree.Baseline | tree.Nadir, name: str | None) -> _Known | None:
        word = "baseline" if isinstance(value, tree.Baseline) else "nadir"
        if name is None:
            known = self.of_rows(word, value.at)
        else:
            known = self.result(self.fact(name, value.at), value.at, f"{word}(...)")
        if known is not None and known.what == "level" and word == "nadir":
            self.report("wrong-kind", f"`{known.name}` has levels: there is no nadir of them", value.at)
            return None
        return known

    def relative(self, value: tree.Change | tree.Ratio, of: Value) -> _Known | None:
        made_by: Literal["change", "ratio"] = "change" if isinstance(value, tree.Change) else "ratio"
        known = self.value(of)
        if known is None:
            return None
        if not isinstance(of, (tree.Pick, tree.RowValue)) or known.is_each or known.what != "number":
            self.report(
                "not-comparable",
                f"`{made_by}` compares one numeric result with its baseline",
                of.at,
                f"write `{made_by}(value)` or `{made_by}(last(..., 28 days))`",
            )
            return None
        unit = known.unit if made_by == "change" else None
        return _Known("number", known.name, known.fact, unit, made_by=made_by)

    # --- windows and moments ------------------------------------------------------------------------------------------

    def check_window(self, window: Window | None) -> None:
        match window:
            case tree.Within(_, _, moment):
                self.check_moment(moment, in_window=True)
            case tree.Since(moment):
                self.check_moment(moment, in_window=False)
            case tree.During(period) if period not in self.scope.periods:
                self.report(
                    "unknown-period",
                    f"the protocol has no period `{period}`",
                    window.at,
                    _did_you_mean(period, self.scope.periods),
                )
            case _:
                pass

    def check_moment(self, moment: tree.Moment, *, in_window: bool) -> None:
        if moment.name is None:
            return
        fact = self.fact(moment.name, moment.at)
        if moment.which == "any" and not in_window:
            self.report(
                "not-comparable",
                "`any` of several dates can only stand after `before`, `after` or `within ... of`",
                moment.at,
            )
        if fact is None:
            return
        if moment.which is None and not (fact.once and fact.kind is Kind.DATE):
            once = fact.once or fact.kind in (Kind.ATTESTATION, Kind.SCORE)
            fix = "" if once else f"write `first {fact.name}` or `last {fact.name}`"
            self.report("wrong-kind", f"`{fact.name}` is not one date", moment.at, fix)
        elif moment.which is not None and (fact.once or fact.kind in (Kind.ATTESTATION, Kind.SCORE)):
            fix = f"write `{fact.name}`" if fact.once and fact.kind is Kind.DATE else ""
            self.report(
                "wrong-kind", f"`{fact.name}` has no records to take the {moment.which} of", moment.at, fix
            )

    # --- names and units ----------------------------------------------------------------------------------------------

    def fact(self, name: str, at: At) -> Fact | None:
        fact = self.scope.facts.get(name)
        if fact is None:
            self.report(
                "unknown-fact", f"there is no fact `{name}`", at, _did_you_mean(name, self.scope.facts)
            )
        return fact

    def unit(self, quantity: tree.Quantity) -> Unit | None:
        if quantity.unit is None:
            return None
        try:
            return find_unit(quantity.unit)
        except UnknownUnit as problem:
            fix = f"did you mean `{problem.suggestion}`?" if problem.suggestion else ""
            self.report("unknown-unit", f"`{quantity.unit}` is not a unit", quantity.unit_at, fix)
            return None

    def factor(self, source: Unit, left: _Known, target: Unit, at: At) -> Fraction | None:
        fact = left.fact
        ties, assay = (fact.equivalences, fact.assay) if fact else ((), None)
        try:
            return conversion_factor(source, target, equivalences=ties, assay=assay)
        except UnitsDoNotConvert as problem:
            if problem.assays:
                self.report(
                    "assay-needed",
                    f"`{left.name}`: {problem}",
                    at,
                    f"name the assay of `{left.name}` ({' or '.join(problem.assays)}), or write the threshold in `{target}`",
                )
            else:
                self.report(
                    "unit-mismatch", f"`{left.name}` is in `{target}`, which `{source}` does not fit", at
                )
            return None


def _a(kind: Kind) -> str:
    words = {Kind.EVENT: "an event", Kind.ATTESTATION: "an attestation", Kind.YES_OR_NO: "a yes-or-no fact"}
    return words.get(kind, f"a {kind}")


def _of(known: _Known) -> str:
    if known.made_by in ("change", "ratio"):
        return f"the {known.made_by} of `{known.name}`"
    return f"`{known.name}`"


def _unit_of(known: _Known) -> str:
    return f"`{known.unit}`" if known.unit else "no unit"


def _how_to_ask(fact: Fact) -> str:
    name = fact.name
    if fact.kind.is_history:
        return f"write `had({name})`, `count({name})`, or `last {name}` for its date"
    if fact.kind is Kind.ATTESTATION:
        return f"write `attested({name})`"
    if fact.kind is Kind.SCORE:
        return f"write `score({name}, 28 days)`"
    if fact.once:
        return f"write `{name}`"
    if fact.kind in (Kind.CATEGORY, Kind.YES_OR_NO):
        return f"write `last({name}, 28 days) is {fact.levels[0] if fact.levels else '...'}`"
    return f"write `last({name}, 28 days)`"


def _did_you_mean(word: str, known: Collection[str]) -> str:
    by_case = {name.casefold(): name for name in known}
    meant = nearest(word, by_case)
    return f"did you mean `{by_case[meant]}`?" if meant else ""
