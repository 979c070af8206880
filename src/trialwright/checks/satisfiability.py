"""Whether anybody could fulfil several rules at once, told from the rules alone.

Each requirement (a rule that must hold, or must not) is opened into alternatives; an alternative says for each thing asked
about (the last creatinine in international units, the same in multiples of the upper limit, the stage, the age) which
values are left. Requirements contradict each other if no alternative is left with a value for everything. What is not
understood (dates against dates, `any` of several results) counts as a question of its own that may have either answer,
so a contradiction that is told is one; some are not seen.

Missing is never no: a requirement that must not hold has to be known not to hold, which needs a result, unless the fact
says that absence means no.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Absence, Fact, Scope
from trialwright.protocol.rule_tree import Condition, Node, Value, walk
from trialwright.vocabulary.units import UnitsDoNotConvert, UnknownUnit, conversion_factor, find_unit

MAX_ALTERNATIVES = 3000
"""Beyond so many alternatives the question is left open."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A rule that must hold, or must not."""

    condition: Condition
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`; None is unbounded."""

    low: Fraction | None = None
    high: Fraction | None = None
    low_open: bool = False
    high_open: bool = False

    @property
    def is_empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no record."""


Levels = frozenset[str]
Left = Range | Levels | Absent
"""What is left of the possible values of one thing asked about."""

Question = tuple[Node, object]
"""What is asked about, and on which scale."""

Alternative = dict[Question, Left]


class _TooMany(Exception):
    pass


def contradict(requirements: Sequence[Requirement], scope: Scope) -> bool:
    """Whether nobody can fulfil all requirements; False where that is not certain."""
    return _Reasoner(scope, of_any_age=True).is_impossible(requirements)


def smallest_contradiction(requirements: Sequence[Requirement], scope: Scope) -> list[int] | None:
    """Positions of requirements that contradict each other, none of which can be left out; None if none do."""
    kept = list(range(len(requirements)))
    if not contradict(requirements, scope):
        return None
    for position in range(len(requirements)):
        without = [i for i in kept if i != position]
        if without and contradict([requirements[i] for i in without], scope):
            kept = without
    return kept


def implies(given: Sequence[Requirement], requirement: Requirement, scope: Scope) -> bool:
    """Whether whoever is known to fulfil what is given is known to fulfil the requirement; False where that is not certain.

    Each way to fulfil what is given has to fulfil one alternative of the requirement as a whole: `above 5 or up to 5` follows
    from nothing, for nothing may be known. Windows have to be the same: a result of the last 28 days need not be one of
    the last 14.
    """
    reasoner = _Reasoner(scope, of_any_age=False)
    names = names_asked(requirement.condition)
    try:
        premises = reasoner.alternatives([one for one in given if names_asked(one.condition) & names])
        conclusions = reasoner.opened(requirement.condition, holds=requirement.holds)
    except _TooMany:
        return False
    if not premises or premises == [{}]:
        return False
    return all(any(_follows(one, premise) for one in conclusions) for premise in premises)


class _Reasoner:
    def __init__(self, scope: Scope, *, of_any_age: bool) -> None:
        self.scope = scope
        self.of_any_age = of_any_age
        """Whether the latest results in different windows back from the anchor are one: where both exist, they are."""

    def is_impossible(self, requirements: Sequence[Requirement]) -> bool:
        try:
            return any(not self.alternatives(group) for group in _connected(requirements))
        except _TooMany:
            return False

    def alternatives(self, requirements: Sequence[Requirement]) -> list[Alternative]:
        found: list[Alternative] = [{}]
        for requirement in requirements:
            found = _joined(found, self.opened(requirement.condition, holds=requirement.holds))
        return [alternative for alternative in found if not _is_broken(alternative)]

    def opened(self, condition: Condition, *, holds: bool) -> list[Alternative]:
        match condition:
            case tree.Not(part):
                return self.opened(part, holds=not holds)
            case tree.AllOf(parts) | tree.AnyOf(parts):
                opened = [self.opened(part, holds=holds) for part in parts]
                if isinstance(condition, tree.AllOf) == holds:
                    found: list[Alternative] = [{}]
                    for alternatives in opened:
                        found = _joined(found, alternatives)
                    return found
                return _capped([one for alternatives in opened for one in alternatives])
            case tree.Compare():
                return self.compared(condition, holds=holds)
            case tree.OneOf():
                return self.among(condition, holds=holds)
            case _:
                return _as_it_is(condition, holds=holds)

    # --- single conditions --------------------------------------------------------------------------------------------

    def compared(self, node: tree.Compare, *, holds: bool) -> list[Alternative]:
        scaled = self.scaled(node)
        if scaled is None:
            return _as_it_is(node, holds=holds)
        question, number = scaled
        ranges = [_range(node.op, number)] if holds else _outside(node.op, number)
        if isinstance(node.left, tree.Age | tree.Count):
            ranges = [_whole(one) for one in ranges]
        return self.alternatives_of(question, ranges, holds=holds)

    def among(self, node: tree.OneOf, *, holds: bool) -> list[Alternative]:
        fact = self.fact_of(node.value)
        question = self.question(node.value, "levels")
        if question is None or fact is None:
            return _as_it_is(node, holds=holds)
        is_one_of = holds != node.negated
        if fact.levels:
            named = frozenset(node.levels)
            left = named if is_one_of else frozenset(fact.levels) - named
            return self.alternatives_of(question, [left], holds=holds)
        try:
            points = sorted(Fraction(level) for level in node.levels)
        except ValueError:
            return _as_it_is(node, holds=holds)
        number = (question[0], _scale(fact))
        ranges = [Range(point, point) for point in points] if is_one_of else list(_between(points))
        return self.alternatives_of(number, ranges, holds=holds)

    def alternatives_of(self, question: Question, left: Sequence[Left], *, holds: bool) -> list[Alternative]:
        found: list[Alternative] = [{question: one} for one in left]
        fact = self.fact_of(question[0])
        if not holds and fact is not None and fact.absence is Absence.NO:
            found.append({question: Absent()})
        return found

    # --- what is asked about, and on which scale ----------------------------------------------------------------------

    def scaled(self, node: tree.Compare) -> tuple[Question, Fraction] | None:
        left, right = node.left, node.right
        fact = self.fact_of(left)
        found: tuple[Question | None, Fraction] | None = None
        match right:
            case tree.Length(duration) if duration.months is not None:
                found = self.question(left, "years"), Fraction(duration.months, 12)
            case tree.Day(day):
                found = self.question(left, "days"), Fraction(day.toordinal())
            case tree.Limit(factor, limit):
                found = self.question(left, limit), Fraction(factor)
            case tree.Multiple(factor, of) if _is_never_negative(fact):
                found = self.question(left, ("times", of)), Fraction(factor)
            case tree.Quantity():
                found = self.in_unit(left, fact, right)
            case tree.Pick() | tree.Baseline() | tree.Nadir() if _is_never_negative(fact):
                found = self.question(left, ("times", right)), Fraction(1)
            case _:
                pass
        if found is None or found[0] is None:
            return None
        return found[0], found[1]

    def in_unit(
        self, left: Value, fact: Fact | None, quantity: tree.Quantity
    ) -> tuple[Question | None, Fraction] | None:
        number = Fraction(quantity.number)
        is_result = not isinstance(left, tree.Change | tree.Ratio)
        if fact is None or fact.unit is None or quantity.unit is None or not is_result:
            return self.question(left, quantity.unit or ""), number
        try:
            unit = find_unit(quantity.unit)
            factor = conversion_factor(unit, fact.unit, equivalences=fact.equivalences, assay=fact.assay)
        except (UnknownUnit, UnitsDoNotConvert):
            return None
        return self.question(left, _scale(fact)), number * factor

    def question(self, value: Value, scale: object) -> Question | None:
        match value:
            case tree.Pick("any" | "all"):
                return None
            case tree.Pick("last", fact, window) if self.of_any_age and _reaches_back(window):
                known = self.scope.facts.get(fact)
                same = known is not None and known.absence is not Absence.NO
                return (replace(value, window=None) if same else value), scale
            case tree.Moment():
                return None
            case _:
                return value, scale

    def fact_of(self, value: Node) -> Fact | None:
        match value:
            case tree.Pick(_, name) | tree.Score(name) | tree.Once(name):
                return self.scope.facts.get(name)
            case tree.RowValue() | tree.Baseline(None) | tree.Nadir(None):
                return self.scope.facts.get(self.scope.rows_of or "")
            case tree.Baseline(str() as name) | tree.Nadir(str() as name):
                return self.scope.facts.get(name)
            case _:
                return None


# --- alternatives -------------------------------------------------------------------------------------------------------

_YES: Levels = frozenset({"yes"})
_NO: Levels = frozenset({"no"})


def _as_it_is(condition: Condition, *, holds: bool) -> list[Alternative]:
    """A question that may have either answer."""
    return [{(condition, "holds"): _YES if holds else _NO}]


def _joined(some: list[Alternative], others: list[Alternative]) -> list[Alternative]:
    found = []
    for one in some:
        for other in others:
            both = _both(one, other)
            if both is not None:
                found.append(both)
        _capped(found)
    return found


def _capped(alternatives: list[Alternative]) -> list[Alternative]:
    if len(alternatives) > MAX_ALTERNATIVES:
        raise _TooMany
    return alternatives


def _both(one: Alternative, other: Alternative) -> Alternative | None:
    found = dict(one)
    for question, left in other.items():
        common = _common(found[question], left) if question in found else left
        if common is None or (isinstance(common, Range) and common.is_empty) or common == frozenset():
            return None
        found[question] = common
    return found


def _common(one: Left, other: Left) -> Left | None:
    match one, other:
        case Range(), Range():
            return _overlap(one, other)
        case frozenset(), frozenset():
            return one & other
        case Absent(), Absent():
            return one
        case _:
            return None


def _overlap(one: Range, other: Range) -> Range:
    lows = [(r.low, r.low_open) for r in (one, other) if r.low is not None]
    highs = [(r.high, r.high_open) for r in (one, other) if r.high is not None]
    low, low_open = max(lows, default=(None, False))
    high, closed = min(((bound, not is_open) for bound, is_open in highs), default=(None, True))
    return Range(low, high, low_open, not closed)


def _is_broken(alternative: Alternative) -> bool:
    """Had something in a short window, and not in a longer one that holds it."""
    had = [(node, left) for (node, _), left in alternative.items() if isinstance(node, tree.Had)]
    yes = [node for node, left in had if left == _YES]
    no = [node for node, left in had if left == _NO]
    return any(
        one.fact == other.fact and _holds_window(other.window, one.window) for one in yes for other in no
    )


def _follows(conclusion: Alternative, premise: Alternative) -> bool:
    """Whether all that an alternative asks for is in another."""
    return all(
        any(
            _is_same_or_had(question, asked, premise[asked]) and _lies_in(premise[asked], left)
            for asked in premise
        )
        for question, left in conclusion.items()
    )


def _is_same_or_had(question: Question, known: Question, answer: Left) -> bool:
    """The same question, or one about a window that settles it: had in four weeks is had ever, never is not in four weeks."""
    if question == known:
        return True
    wanted, told = question[0], known[0]
    if not isinstance(wanted, tree.Had) or not isinstance(told, tree.Had) or wanted.fact != told.fact:
        return False
    return (
        _holds_window(wanted.window, told.window)
        if answer == _YES
        else _holds_window(told.window, wanted.window)
    )


def _lies_in(inner: Left, outer: Left) -> bool:
    match inner, outer:
        case Range(), Range():
            return _overlap(inner, outer) == inner
        case frozenset(), frozenset():
            return inner <= outer
        case _:
            return inner == outer


def _holds_window(outer: tree.Window | None, inner: tree.Window | None) -> bool:
    if not _reaches_back(inner) or not _reaches_back(outer):
        return False
    if not isinstance(outer, tree.Within):
        return True
    if not isinstance(inner, tree.Within):
        return False
    try:
        return outer.length >= inner.length
    except ValueError:  # months against days
        return False


def _reaches_back(window: tree.Window | None) -> bool:
    match window:
        case None | tree.Ever():
            return True
        case tree.Within(_, "before", moment):
            return moment == tree.HERE
        case _:
            return False


def _connected(requirements: Sequence[Requirement]) -> Iterator[list[Requirement]]:
    """Requirements in groups that share a fact: only those of one group can contradict each other."""
    groups: list[tuple[set[str], list[Requirement]]] = []
    for requirement in requirements:
        names = names_asked(requirement.condition)
        touched = [group for group in groups if group[0] & names]
        groups = [group for group in groups if not group[0] & names]
        members = [one for group in touched for one in group[1]] + [requirement]
        groups.append((names.union(*(group[0] for group in touched)), members))
    yield from (members for _, members in groups)


def names_asked(condition: Condition) -> set[str]:
    """What a rule asks about: facts, dates, `age`, and `value` where rows are judged."""
    names = set()
    for node in walk(condition):
        if isinstance(node, tree.Age):
            names.add("age")
        elif isinstance(node, tree.RowValue | tree.RowDate):
            names.add("value")
        else:
            names.add(getattr(node, "fact", None) or getattr(node, "name", None) or "")
    return names - {""}


# --- numbers ------------------------------------------------------------------------------------------------------------


def _scale(fact: Fact) -> str:
    return str(fact.unit or "")


def _is_never_negative(fact: Fact | None) -> bool:
    return fact is not None and fact.limits[0] is not None and fact.limits[0] >= 0


def _range(op: tree.Op, number: Fraction) -> Range:
    match op:
        case "<" | "<=":
            return Range(high=number, high_open=op == "<")
        case ">" | ">=":
            return Range(low=number, low_open=op == ">")
        case "=":
            return Range(number, number)


def _outside(op: tree.Op, number: Fraction) -> list[Range]:
    match op:
        case "<":
            return [_range(">=", number)]
        case "<=":
            return [_range(">", number)]
        case ">":
            return [_range("<=", number)]
        case ">=":
            return [_range("<", number)]
        case "=":
            return [_range("<", number), _range(">", number)]


def _between(points: Sequence[Fraction]) -> Iterator[Range]:
    """All numbers but these."""
    yield _range("<", points[0])
    for low, high in pairwise(points):
        yield Range(low, high, low_open=True, high_open=True)
    yield _range(">", points[-1])


def _whole(numbers: Range) -> Range:
    """The same whole numbers, with ends that belong."""
    low, high = numbers.low, numbers.high
    if low is not None:
        low = Fraction(low.__floor__() + 1 if numbers.low_open or low.denominator > 1 else low)
    if high is not None:
        high = Fraction(high.__ceil__() - 1 if numbers.high_open or high.denominator > 1 else high)
    return Range(low, high)
