"""Small changes to a rule, each of which changes what it says: what a test pack must notice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from decimal import Decimal

from trialwright.design.boundaries.choices import step_of
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Scope
from trialwright.protocol.rule_tree import Condition, Node
from trialwright.vocabulary.durations import Duration, TimeUnit

_STRICTER = {">=": ">", ">": ">=", "<=": "<", "<": "<=", "=": ">="}
_TURNED = {">=": "<=", ">": "<", "<=": ">=", "<": ">", "=": "<"}


def mutants_of(condition: Condition, scope: Scope) -> Iterator[tuple[str, Condition]]:
    """Every condition that differs from this one in one place, with what was changed."""
    yield from _of(condition, scope)  # type: ignore[misc]


def _of(node: Node, scope: Scope) -> Iterator[tuple[str, Node]]:
    yield from _own(node, scope)
    for spec in fields(node):
        value = getattr(node, spec.name)
        if isinstance(value, Node):
            for what, changed in _of(value, scope):
                yield what, replace(node, **{spec.name: changed})
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            for number, part in enumerate(value):
                for what, changed in _of(part, scope):
                    parts = (*value[:number], changed, *value[number + 1 :])
                    flat = {tree.AllOf: tree.all_of, tree.AnyOf: tree.any_of}[type(node)]
                    yield what, flat(*parts)


def _own(node: Node, scope: Scope) -> Iterator[tuple[str, Node]]:
    match node:
        case tree.Compare(_, op, right):
            yield f"{op} to {_STRICTER[op]}", replace(node, op=_STRICTER[op])
            yield f"{op} to {_TURNED[op]}", replace(node, op=_TURNED[op])
            if isinstance(right, tree.Quantity):
                for sign in (-1, 1):
                    number = right.number + sign * step_of(right.number)
                    yield f"{right.number} to {number}", replace(node, right=replace(right, number=number))
        case tree.Multiple(factor) | tree.Limit(factor):
            for share in (Decimal("0.95"), Decimal("1.05")):
                yield f"{factor} to {factor * share}", replace(node, factor=factor * share)
        case tree.Length(duration):
            for length in _longer_and_shorter(duration):
                yield f"{duration} to {length}", replace(node, duration=length)
        case tree.OneOf(value, levels, negated):
            yield "not", replace(node, negated=not negated)
            fact = getattr(value, "fact", None) or scope.rows_of
            every = scope.facts[fact].levels
            for level in every:
                left = tuple(one for one in levels if one != level)
                if level not in levels:
                    yield f"also {level}", tree.OneOf(value, (*levels, level), negated)
                elif left:
                    yield f"without {level}", tree.OneOf(value, left, negated)
        case tree.Within(length):
            for other in _longer_and_shorter(length):
                yield f"{length} to {other}", replace(node, length=other)
        case tree.Moment(offset=Duration() as offset):
            for other in _longer_and_shorter(offset):
                yield f"{offset} to {other}", replace(node, offset=other)
        case tree.Confirmed(_, after):
            for other in _longer_and_shorter(after):
                yield f"after {after} to {other}", replace(node, after=other)
        case tree.Consecutive(_, times):
            yield f"{times} to {times + 1}", replace(node, times=times + 1)
        case tree.AllOf(parts):
            yield "and to or", tree.any_of(*parts)
        case tree.AnyOf(parts):
            yield "or to and", tree.all_of(*parts)
        case tree.Not(part):
            yield "without not", part
        case tree.Had() | tree.Attested():
            yield "not", tree.Not(node)


def _longer_and_shorter(length: Duration) -> Iterator[Duration]:
    in_days = length.days
    unit, amount = (TimeUnit.DAYS, in_days) if in_days is not None else (length.unit, length.amount)
    yield Duration(amount + 1, unit)
    if amount > 0:
        yield Duration(amount - 1, unit)
