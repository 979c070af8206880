"""What one result says of a rule as its row, as far as that is sure whatever else is on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from trialwright.design.boundaries.choices import Setting, holds
from trialwright.design.boundaries.sketches import Item
from trialwright.design.boundaries.surroundings import split_repeat, units_of
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact
from trialwright.protocol.written_rules import WrittenRule
from trialwright.vocabulary.concepts import Kind


def judge_row(rule: WrittenRule, item: Item, setting: Setting) -> bool | None:
    """Whether a result is a row that fulfils a rule, before it is found again; None where that is not sure.

    A result that is censored, unreadable or in another unit than the rule asks in may do either, and so may one that the
    rule looks at elsewhere than in its row.
    """
    nodes = list(tree.walk(rule.condition))
    if item.fact != rule.scope.rows_of:
        return None if any(getattr(node, "fact", None) == item.fact for node in nodes) else False
    fact, inner = setting.fact(item.fact), split_repeat(rule.condition).inner
    units = units_of(inner, rule.scope)
    value = _value_of(item, fact)
    if (
        value is None
        or item.unit != unit_of(fact, units)
        or any(isinstance(one, tree.Nadir) for one in nodes)
    ):
        return None
    there = replace(setting, scope=rule.scope, day=item.day, here=None, units=units)
    return holds(inner, {tree.RowValue(): value}, there)


def unit_of(fact: Fact, units: Mapping[str, str]) -> str | None:
    """The unit a result is reported in: the one a rule asks in, or its own."""
    return units.get(fact.name) or (str(fact.unit) if fact.unit else None)


def _value_of(item: Item, fact: Fact) -> Decimal | str | None:
    """The number or the level a result says, None where it says neither."""
    if fact.kind is not Kind.NUMBER:
        return item.text if item.text in fact.levels else None
    try:
        return Decimal(item.text or "")
    except InvalidOperation:
        return None
