"""What a rule asks, question by question, and what the others must answer for one of them to decide alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import TypeAlias

from trialwright.protocol import rule_tree as tree
from trialwright.protocol.rule_tree import Condition

Question: TypeAlias = tree.Compare | tree.OneOf | tree.Had | tree.Attested
"""A condition without conditions inside."""

Answers: TypeAlias = Mapping[Question, bool]


def questions_of(condition: Condition) -> tuple[Question, ...]:
    """The questions of a rule in the order of its text, each once."""
    return tuple(dict.fromkeys(node for node in tree.walk(condition) if isinstance(node, Question)))


def answers_for(condition: Condition, holds: bool) -> Iterator[Answers]:
    """Every shortest set of answers that makes a condition hold, or fail."""
    match condition:
        case tree.Not(part):
            yield from answers_for(part, not holds)
        case tree.AllOf(parts) | tree.AnyOf(parts):
            if isinstance(condition, tree.AllOf) is holds:
                yield from _joined(answers_for(part, holds) for part in parts)
            else:
                for part in parts:
                    yield from answers_for(part, holds)
        case tree.Compare() | tree.OneOf() | tree.Had() | tree.Attested():
            yield {condition: holds}
        case _:
            return


def answers_beside(condition: Condition, question: Question) -> Iterator[Answers]:
    """What the other questions must answer so that this one decides: in `and` they hold, in `or` they do not."""
    match condition:
        case tree.Not(part):
            yield from answers_beside(part, question)
        case tree.AllOf(parts) | tree.AnyOf(parts):
            is_and = isinstance(condition, tree.AllOf)
            for number, part in enumerate(parts):
                if question in questions_of(part):
                    others = (answers_for(one, is_and) for i, one in enumerate(parts) if i != number)
                    yield from _joined([answers_beside(part, question), *others])
        case _ if condition == question:
            yield {}


def is_turned_round(condition: Condition, question: Question) -> bool:
    """Whether the rule holds where the question does not: an odd number of `not` stand before it."""
    match condition:
        case tree.Not(part):
            return not is_turned_round(part, question)
        case tree.AllOf(parts) | tree.AnyOf(parts):
            return any(is_turned_round(part, question) for part in parts if question in questions_of(part))
        case _:
            return False


def _joined(several: Iterable[Iterator[Answers]]) -> Iterator[Answers]:
    for combination in product(*several):
        joined: dict[Question, bool] = {}
        if all(joined.setdefault(one, yes) is yes for answers in combination for one, yes in answers.items()):
            yield joined
