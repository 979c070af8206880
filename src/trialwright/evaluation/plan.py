"""The relational half of the set-wise readers: a rule as a chain of steps over the tables of `table`.

Each step is a query with a name (a common table expression) that reads the tables and the steps before it. `cases` are
what is judged: people, or the rows of a fact. Every leaf of a rule becomes a step with one verdict per case, by way of

    candidates   records that may be asked for; `held` says, as a code, whether the window holds them
    best         how surely a case has one of them, and the date that leaves earlier or later ones out
    readings     of a value on the right, all that it may be; `cause` is to blame where they differ
    pairs        candidates beside readings; `code` is what the comparison says of a candidate
    leaf         one verdict of all candidates, from the least and the greatest code among those that count
    surest       of all facts asked for in one window with *had*, how surely it holds a record

and the last steps put leaves together by *or*, *and* and *not*. Nothing depends on the order of rows, on chunks or on
threads: there are only joins, and extremes over groups. What is latest is found by comparing every date with the greatest
one that is sure, never by `arg_max`, which breaks ties by chance and skips nulls; a record given twice counts once.
What a comparison means stands in `reading_terms`, what each construct means in the rule language's grammar.

No text of a protocol is pasted into a query: `terms.text` and `terms.name` write every literal and every name.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from trialwright.evaluation import reading_terms, repeats, terms
from trialwright.evaluation.columns import (
    CONFLICT,
    MISSING,
    NEEDS_A_PERSON,
    PLACE,
    SETTLED,
    Absent,
    Beside,
    Leaf,
    Readings,
    Several,
    Single,
    absence_of,
    agreed,
    grouped,
    reading_of,
    written,
)
from trialwright.evaluation.finding import Finder
from trialwright.evaluation.layers import Layers
from trialwright.evaluation.reading_terms import Ends, Reading
from trialwright.evaluation.terms import MET, NOT_MET, Code, Term, text, when
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass
class Plan(Finder):
    """The steps that judge rules in a scope."""

    named: dict[str, str] = field(default_factory=dict)
    """Columns that long terms stand in, by the term."""

    # --- conditions ---------------------------------------------------------------------------------------------------

    def verdicts(self, conditions: Sequence[tree.Condition], beside: str) -> tuple[str, list[str]]:
        """A step with the verdicts of some conditions for every case, beside some of its columns, and the column of each."""
        layers = Layers(self.leaf)
        columns = [layers.add(condition) for condition in conditions]
        joins: dict[str, str] = {}
        named: dict[str, str] = {}
        verdicts = []
        for column, leaf in layers.leaves.items():
            verdict = text(leaf.term)
            named |= leaf.named
            if leaf.first_seen is not None:
                joins[leaf.first_seen] = self.people.same(leaf.first_seen, "c")
            if leaf.step is not None and leaf.grain is not None:
                joins[leaf.step] = leaf.grain.same(leaf.step, "c")
                verdict = f"COALESCE({leaf.step}.{leaf.column}, {verdict})"
            verdicts.append(f"{verdict} AS {column}")
        tables = "".join(f" LEFT JOIN {step} ON {condition}" for step, condition in joins.items())
        query = (
            f"SELECT {beside}, {', '.join(verdicts)} FROM {terms.source(self.cases.step, 'c', named)}{tables}"
        )
        step = self.step("leaves", query)
        for layer in layers.layers:
            several = ", ".join(f"{text(code)} AS {column}" for column, code in layer.items())
            step = self.step("joined", f"SELECT l.*, {several} FROM {step} l")
        return step, columns

    def leaf(self, condition: tree.Condition) -> Leaf:
        match condition:
            case tree.Compare(left, op, right):
                return self.comparison(left, op, right)
            case tree.OneOf(value, levels, negated):
                return self.levels(value, levels, negated)
            case tree.Had(name, window):
                return self.had(name, window)
            case tree.Attested(name):
                return self.attested(name)
            case tree.Confirmed(part, after):
                return repeats.confirmed(self, self.own(part), after)
            case tree.Consecutive(part, times):
                return repeats.consecutive(self, self.own(part), times)
            case _:
                raise TypeError(f"{type(condition).__name__} is no leaf")

    def own(self, part: tree.Condition) -> str:
        """A step with the columns of every row and the verdict of a condition, as `code`."""
        verdicts, (column,) = self.verdicts([part], "c.*")
        return self.step("own", f"SELECT v.*, {column} AS code FROM {verdicts} v")

    def comparison(self, left: tree.Value, op: str, right: tree.Value | tree.Bound) -> Leaf:
        """A value beside a bound.

        The highest of several is above a bound if any of them is, and below it if all are; the lowest the other way round.
        """
        some = self.find(left.of if isinstance(left, (tree.Change, tree.Ratio)) else left)
        beside = self.beside(left, right)
        if isinstance(some, Several) and some.which in ("max", "min"):
            some = replace(some, which="any" if (op in (">", ">=")) == (some.which == "max") else "all")
        if beside.steps:
            bounds = self.bounds(beside)
            if isinstance(some, Single):
                return self.of_single_beside(some, op, bounds)
            return self.settled(self.pairs(some, op, bounds), Term("l.code"))
        names = terms.Names(self.named)
        reading = some.reading if isinstance(some, Single) else reading_of(some.shape, "l")
        code = reading_terms.compare(reading, op, beside.bound(reading, ()), names)
        if isinstance(some, Single):
            return Leaf(when((some.is_there, code), MISSING), named=names.used)
        return self.settled(some, code, names.used)

    def levels(self, value: tree.Value, levels: tuple[str, ...], negated: bool) -> Leaf:
        """`is` and `in`; `is not` and `not in` ask for a result with another level."""
        some = self.find(value)
        is_no = MET if ("no" in levels) != negated else NOT_MET
        if isinstance(some, Single):
            code = reading_terms.is_one_of(some.reading, levels, negated=negated)
            return Leaf(when((some.is_there, code), MISSING))
        test = reading_terms.is_one_of(reading_of(some.shape, "l"), levels, negated=negated)
        if some.which not in ("max", "min"):
            return self.settled(some, test, is_no=is_no)
        verdict = f"CASE WHEN l.best > {NOT_MET} THEN {text(test)} ELSE l.absent END"
        query = f"SELECT {some.grain.of('l')}, {verdict} AS verdict FROM {self.extreme(some)} l"
        return self.leaf_of(some, self.step("leaf", query), is_no)

    def had(self, name: str, window: tree.Window | None) -> Leaf:
        """Whether there is a record in the window. An earlier one says nothing, so an absent one is never stale."""
        fact, place = self.scope.facts[name], self.placement(window)
        if place.moments is None:
            step, grain, column = self.surest(fact, place)
            absent = when((place.is_nowhere, place.nowhere), absence_of(fact))
            return Leaf(absent, step, grain, column=column)
        some = self.candidates("any", fact, place, Absent(absence_of(fact)))
        verdict = (
            f"CASE WHEN max(l.held) > {NOT_MET} THEN max(l.held) ELSE {some.absent.of_group(NOT_MET)} END"
        )
        keys = some.grain.of("l")
        query = f"SELECT {keys}, {verdict} AS verdict FROM {some.step} l GROUP BY {keys}"
        return self.leaf_of(some, self.step("leaf", query), NOT_MET)

    def attested(self, name: str) -> Leaf:
        """The latest attestation of the named role says yes, and has not expired where the rule is judged."""
        fact = self.scope.facts[name]
        window = tree.Within(fact.valid_for) if fact.valid_for else tree.Ever()
        some = self.results("last", name, window, absent=Absent(NEEDS_A_PERSON), role=fact.by)
        return self.settled(some, reading_terms.is_one_of(reading_of("level", "l"), ("yes",)))

    # --- one verdict of several candidates ----------------------------------------------------------------------------

    def settled(
        self, some: Several, code: Code, named: Mapping[str, str] = _NONE, *, is_no: int = NOT_MET
    ) -> Leaf:
        """The verdict of a case, where `code` is that of each candidate `l`, by way of columns for the terms in `named`.

        What may or may not belong, where nothing surely does, decides only if its absence decides the same.
        """
        absent = some.absent.of_group(is_no, is_told=some.first_seen is None)
        groups = grouped(some.which, text(code), some.grain, self.candidates_of(some, named), absent)
        query = f"SELECT {some.grain.columns}, {SETTLED} AS verdict FROM ({groups}) g"
        return self.leaf_of(some, self.step("leaf", query), is_no)

    def leaf_of(self, some: Several, step: str, is_no: int) -> Leaf:
        return Leaf(Term(self.default(some, is_no)), step, some.grain, some.first_seen)

    def pairs(self, some: Several, op: str, bounds: Readings) -> Several:
        """Candidates `l` beside readings `r`: `code` is what all say that a candidate is compared with.

        What is compared with something known not to be there is not met.
        """
        if bounds.grain is self.cases:
            some = self.beside_each_case(some)
        code, readings = self.compared(reading_of(some.shape, "l"), op, bounds)
        place = ", ".join(f"l.{column}" for column in (*some.grain.keys, *PLACE))
        several = (
            f"SELECT {place}, CASE WHEN r.subject IS NOT NULL THEN {code} END AS by_one, r.cause "
            f"FROM {some.step} l LEFT JOIN {readings} ON {bounds.grain.same('r', 'l')}"
        )
        columns = ", ".join((*some.grain.keys, *PLACE))
        code = f"COALESCE({agreed('by_one', 'min(cause)')}, {NOT_MET})"
        query = f"SELECT {columns}, {code} AS code FROM ({several}) t GROUP BY {columns}"
        return replace(some, step=self.step("pairs", query))

    def of_single_beside(self, some: Single, op: str, bounds: Readings) -> Leaf:
        """The one reading of a case beside all that it may be compared with."""
        code, readings = self.compared(some.reading, op, bounds)
        keys = self.cases.columns
        several = (
            f"SELECT {self.cases.of('c')}, CASE WHEN r.subject IS NOT NULL THEN {code} END AS by_one, r.cause "
            f"FROM {self.cases.step} c LEFT JOIN {readings} ON {bounds.grain.same('r', 'c')} "
            f"WHERE {text(some.is_there)}"
        )
        verdict = f"COALESCE({agreed('by_one', 'min(cause)')}, {NOT_MET})"
        query = f"SELECT {keys}, {verdict} AS verdict FROM ({several}) t GROUP BY {keys}"
        return Leaf(MISSING, self.step("leaf", query), self.cases)

    def compared(self, reading: Reading, op: str, bounds: Readings) -> tuple[str, str]:
        """What the comparison with a reading `r` says, and where to select that from."""
        names, right = terms.Names(self.named), reading_of(bounds.shape, "r", bounds.tolerance)
        if bounds.tolerance is None:  # then the sides of a bound depend on what is compared with it
            return text(reading_terms.compare(reading, op, right, lambda term: term)), f"{bounds.step} r"
        return text(reading_terms.compare(reading, op, right, names)), terms.source(
            bounds.step, "r", names.used
        )

    # --- what it is compared with -------------------------------------------------------------------------------------

    def bounds(self, beside: Beside) -> Readings:
        """A step with all that a value is compared with: the bound made of each choice of one reading per step."""
        first, sources = beside.steps[0], [f"r{number}" for number in range(len(beside.steps))]
        read = [
            reading_of(it.shape, source, it.tolerance)
            for source, it in zip(sources, beside.steps, strict=True)
        ]
        bound = beside.bound(Reading(Ends.exactly(0.0)), read)
        if bound is read[0]:
            return first
        grain = self.cases if any(it.grain is self.cases for it in beside.steps) else self.people
        finest = next(source for source, it in zip(sources, beside.steps, strict=True) if it.grain is grain)
        tables = f"{first.step} r0"
        for source, it in zip(sources[1:], beside.steps[1:], strict=True):
            tables += f" JOIN {it.step} {source} ON {(it.grain if first.grain is grain else first.grain).same(source, 'r0')}"
        cause = terms.at_least_0(*(Term(f"{source}.cause") for source in sources), beside.cause)
        columns = f"{grain.of(finest)}, {written(first.shape, bound)}, {text(cause)} AS cause"
        tolerance = bound.tolerance if isinstance(bound.tolerance, float) else None
        step = self.step("bounds", f"SELECT {columns} FROM {tables}")
        return Readings(first.shape, step, grain, tolerance)

    def beside(self, left: tree.Value, right: tree.Value | tree.Bound) -> Beside:
        """What a reading of the left side is compared with.

        `change(x) <= 5` is judged as x <= baseline + 5, `change(x) <= -20 %` as x <= 0.8 * baseline and `ratio(x) >= 2` as
        x >= 2 * baseline, which is right at equality.
        """
        if not isinstance(left, (tree.Change, tree.Ratio)):
            return self.bound(self.fact_of(left), right)
        fact = self.fact_of(left.of)
        if fact is None:
            raise TypeError("a change or ratio is that of a result")
        base = self.readings(self.baseline(fact))
        share = None if isinstance(left, tree.Ratio) else _share(right, fact)
        if share is not None:
            return Beside(lambda _, readings: reading_terms.times_baseline(readings[0], share), (base,))
        other = self.bound(None if isinstance(left, tree.Ratio) else fact, right)
        combine = (
            reading_terms.times_baseline if isinstance(left, tree.Ratio) else reading_terms.plus_baseline
        )

        def bound(reading: Reading, readings: Sequence[Reading]) -> Reading:
            return combine(readings[0], other.bound(reading, readings[1:]))

        return Beside(bound, (base, *other.steps), other.cause)

    def bound(self, fact: Fact | None, right: tree.Value | tree.Bound) -> Beside:
        """A number with its unit, a multiple of a limit or a value, a length of time, a day, or another value."""
        if isinstance(right, (tree.Quantity, tree.Limit, tree.Length, tree.Day)):
            return Beside(lambda reading, _: reading_terms.stated_bound(fact, reading, right), cause=CONFLICT)
        value = right.of if isinstance(right, tree.Multiple) else right
        other = self.fact_of(value)
        factor = float(reading_terms.exact_factor(str(other.unit) if other and other.unit else None, fact))

        def bound(_: Reading, readings: Sequence[Reading]) -> Reading:
            reading = readings[0] if factor == 1 else readings[0].scaled(factor)
            if not isinstance(right, tree.Multiple):
                return reading
            multiple = float(right.factor)
            if isinstance(right.of, tree.RESULTS):
                return reading_terms.times_baseline(reading, Reading(Ends.exactly(multiple)))
            return reading.scaled(multiple)

        return Beside(bound, (self.all_that_may_be(value),))

    def fact_of(self, value: tree.Value) -> Fact | None:
        """The fact whose unit a value has; None for counts, ratios, ages and moments."""
        match value:
            case tree.Pick(_, name, _) | tree.Score(name, _) | tree.Once(name):
                return self.scope.facts[name]
            case tree.Baseline(name) | tree.Nadir(name):
                return self.scope.facts[name or str(self.scope.rows_of)]
            case tree.RowValue():
                return self.scope.facts[str(self.scope.rows_of)]
            case tree.Change(of):
                return self.fact_of(of)
            case _:
                return None

    def all_that_may_be(self, value: tree.Value) -> Readings:
        """All that a value on the right may be: anything where it is not known, none where it is known not to be there."""
        if isinstance(value, (tree.Change, tree.Ratio)):
            return self.calculated(value)
        some = self.find(value)
        if isinstance(some, Several):
            return self.readings(some)
        nothing = reading_terms.anything(MISSING, is_date=some.shape == "date")
        reading = written(some.shape, reading_terms.either(some.is_there, some.reading, nothing))
        query = f"SELECT {self.cases.of('c')}, {reading}, {CONFLICT} AS cause FROM {self.cases.step} c"
        return Readings(some.shape, self.step("readings", query), self.cases)

    def calculated(self, value: tree.Change | tree.Ratio) -> Readings:
        """A change or a ratio as something to compare with: all values with all baselines."""
        fact = self.fact_of(value.of)
        if fact is None:
            raise TypeError("a change or ratio is that of a result")
        several, bases = self.all_that_may_be(value.of), self.readings(self.baseline(fact))
        combine = reading_terms.change_from if isinstance(value, tree.Change) else reading_terms.ratio_to
        reading = written("number", combine(reading_of("number", "b"), reading_of("number", "v")))
        grain = several.grain
        query = (
            f"SELECT {grain.of('v')}, {reading}, {CONFLICT} AS cause FROM {several.step} v "
            f"JOIN {bases.step} b ON {bases.grain.same('b', 'v')}"
        )
        found = self.step("calculated", query)
        nothing = f"{written('number', reading_terms.anything(MISSING))}, {CONFLICT} AS cause"
        rest = (
            f"SELECT {grain.of('c')}, {nothing} FROM {grain.step} c LEFT JOIN {found} f ON {grain.same('f', 'c')} "
            f"WHERE f.subject IS NULL"
        )
        return Readings("number", self.step("readings", f"SELECT f.* FROM {found} f UNION ALL {rest}"), grain)


def _share(right: tree.Value | tree.Bound, fact: Fact) -> Reading | None:
    """What a baseline is multiplied by where a change is compared with percent of baseline."""
    if isinstance(right, tree.Quantity) and right.unit == "%" and str(fact.unit) != "%":
        return Reading(Ends.exactly(float(1 + right.number / 100)))
    return None
