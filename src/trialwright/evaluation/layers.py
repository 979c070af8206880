"""The boolean half of the set-wise readers: columns that put the verdicts of leaves together, layer upon layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from trialwright.evaluation import terms
from trialwright.evaluation.terms import Code, Term
from trialwright.protocol import rule_tree as tree

Leaf = TypeVar("Leaf")


class Layers(Generic[Leaf]):
    """Rules as columns: those of `leaves` first, then each layer over the columns before it.

    A rule that several have in common, or a part of one, is one column.
    """

    def __init__(self, judge_leaf: Callable[[tree.Condition], Leaf]) -> None:
        self.judge_leaf = judge_leaf
        self.leaves: dict[str, Leaf] = {}
        self.layers: list[dict[str, Code]] = []
        self.known: dict[tree.Condition, tuple[str, int]] = {}

    def add(self, condition: tree.Condition) -> str:
        """The column that the verdict of a rule will stand in."""
        return self.place(condition)[0]

    def place(self, condition: tree.Condition) -> tuple[str, int]:
        """A column and its height above the leaves."""
        if condition not in self.known:
            self.known[condition] = self.build(condition)
        return self.known[condition]

    def build(self, condition: tree.Condition) -> tuple[str, int]:
        match condition:
            case tree.AllOf(parts):
                return self.join(parts, terms.all_of)
            case tree.AnyOf(parts):
                return self.join(parts, terms.any_of)
            case tree.Not(part):
                return self.join((part,), terms.negate)
            case tree.Compare(left, "=", right) if not is_of_each(left):
                bounds = (tree.Compare(left, ">=", right), tree.Compare(left, "<=", right))
                return self.join(bounds, terms.all_of)
            case _:
                column = f"leaf_{len(self.leaves)}"
                self.leaves[column] = self.judge_leaf(condition)
                return column, 0

    def join(self, parts: tuple[tree.Condition, ...], combine: Callable[..., Code]) -> tuple[str, int]:
        placed = [self.place(part) for part in parts]
        height = 1 + max(height for _, height in placed)
        while len(self.layers) < height:
            self.layers.append({})
        column = f"part_{sum(len(layer) for layer in self.layers)}"
        self.layers[height - 1][column] = combine(*(Term(column) for column, _ in placed))
        return column, height


def is_of_each(value: tree.Value) -> bool:
    """Whether a value is each of several results: `any` and `all` are compared as a whole, all else equals a bound if it
    is both at least and at most that."""
    return isinstance(value, tree.Pick) and value.which in ("any", "all")
