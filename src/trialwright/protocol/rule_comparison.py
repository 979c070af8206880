"""In which parts two rules differ: a threshold, a window, a comparison, a condition more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from trialwright.protocol import rule_tree as tree
from trialwright.protocol.rule_tree import Node
from trialwright.protocol.rules import render_part


class How(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    MOVED = "moved"
    CHANGED = "changed"
    REWORDED = "reworded"
    """Other words that no reader of the program judges or counts by."""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One part of a rule that differs, as the rule language writes it."""

    how: How
    aspect: str
    older: str | None
    newer: str | None


def compare_rules(older: Node, newer: Node) -> Iterator[RuleChange]:
    """The parts in which two trees differ; nothing if they are equal but for the order of their parts."""
    if older == newer:
        return
    match older, newer:
        case (tree.AllOf(before), tree.AllOf(after)):
            yield from _compare_parts(before, after, "condition")
        case (tree.AnyOf(before), tree.AnyOf(after)):
            yield from _compare_parts(before, after, "alternative")
        case (tree.AllOf(parts) | tree.AnyOf(parts), _) if newer in parts:
            yield from _compare_parts(parts, (newer,), _called(older))
        case (_, tree.AllOf(parts) | tree.AnyOf(parts)) if older in parts:
            yield from _compare_parts((older,), parts, _called(newer))
        case (tree.AllOf(before), tree.AnyOf(after)) | (tree.AnyOf(before), tree.AllOf(after)) if (
            before == after
        ):
            words = ("and", "or") if isinstance(older, tree.AllOf) else ("or", "and")
            yield RuleChange(How.CHANGED, "and/or", *words)
        case (tree.Not(part), _) if not isinstance(newer, tree.Not):
            yield RuleChange(How.REMOVED, "negation", "not", None)
            yield from compare_rules(part, newer)
        case (_, tree.Not(part)) if not isinstance(older, tree.Not):
            yield RuleChange(How.ADDED, "negation", None, "not")
            yield from compare_rules(older, part)
        case (tree.Confirmed(part, after), _) if not isinstance(newer, tree.Confirmed):
            yield RuleChange(How.REMOVED, "confirmation", f"after {after}", None)
            yield from compare_rules(part, newer)
        case (_, tree.Confirmed(part, after)) if not isinstance(older, tree.Confirmed):
            yield RuleChange(How.ADDED, "confirmation", None, f"after {after}")
            yield from compare_rules(older, part)
        case tree.Within() | tree.Since() | tree.During() | tree.Ever(), _:
            yield _change("window", older, newer)
        case _ if type(older) is not type(newer) or isinstance(older, _BOUNDS):
            yield _change(_ASPECT_OF_NODE.get(type(newer), "rule"), older, newer)
        case _:
            yield from _compare_fields(older, newer)


def _compare_fields(older: Node, newer: Node) -> Iterator[RuleChange]:
    for spec in fields(older):
        before, after = getattr(older, spec.name), getattr(newer, spec.name)
        if before == after or not spec.compare:
            continue
        if isinstance(before, Node) and isinstance(after, Node):
            yield from compare_rules(before, after)
        else:
            yield _change(_ASPECT_OF_FIELD.get(spec.name, spec.name), before, after)


def _called(joined: Node) -> str:
    return "condition" if isinstance(joined, tree.AllOf) else "alternative"


def _compare_parts(before: Sequence[Node], after: Sequence[Node], called: str) -> Iterator[RuleChange]:
    """Parts that are equal stand for each other wherever they are, the others in their order if they are alike."""
    gone = [part for part in before if part not in after]
    new = [part for part in after if part not in before]
    for old in gone:
        alike = _most_alike(old, new)
        if alike is None:
            yield RuleChange(How.REMOVED, called, _told(old), None)
        else:
            new.remove(alike)
            yield from compare_rules(old, alike)
    for part in new:
        yield RuleChange(How.ADDED, called, None, _told(part))


def _most_alike(part: Node, others: Sequence[Node]) -> Node | None:
    """The first that is about the same facts in the same kind of condition."""
    return next((other for other in others if _subject(other) == _subject(part)), None)


def _subject(part: Node) -> tuple[object, ...]:
    return (type(part), *(getattr(node, "fact", None) for node in tree.walk(part) if hasattr(node, "fact")))


def _change(aspect: str, older: object, newer: object) -> RuleChange:
    how = How.ADDED if older is None else How.REMOVED if newer is None else How.CHANGED
    return RuleChange(how, aspect, _told(older), _told(newer))


_BOUNDS = (tree.Quantity, tree.Limit, tree.Multiple, tree.Length, tree.Day)
_ASPECT_OF_NODE: Mapping[type[Node], str] = {
    **dict.fromkeys(_BOUNDS, "threshold"),
    **dict.fromkeys((tree.Within, tree.Since, tree.During, tree.Ever), "window"),
}
_ASPECT_OF_FIELD: Mapping[str, str] = {
    "op": "comparison",
    "which": "which result",
    "negated": "negation",
    "after": "confirmation",
    "times": "consecutive results",
    "window": "window",
}


def _told(part: object) -> str | None:
    match part:
        case None:
            return None
        case Node():
            return render_part(part)
        case bool():
            return "not" if part else "without not"
        case tuple():
            return ", ".join(str(_told(item)) for item in part)
        case _:
            return str(part)
