"""A situation of a question, and what situations are made of: which choices put it, what differs on record, what absence means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from trialwright.design.boundaries.choices import (
    DAY,
    OPERATORS,
    Choice,
    Choices,
    Setting,
    Slot,
    answer,
    distance,
    fact_of,
    slots_of,
)
from trialwright.design.boundaries.patients import Edit, Edits
from trialwright.design.boundaries.questions import Question
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Absence, Fact
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.verdicts import Reason

Finding: TypeAlias = bool | Reason
"""Yes, no, or why it is unknown."""

Test: TypeAlias = Callable[[Choices], bool]
DayOf: TypeAlias = Callable[[Choices], date]


@dataclass(frozen=True, slots=True)
class Variant:
    """One situation of a question: which choices put it, what is different on record, and the answer.

    `may_be` gives choices that the result on record may stand for, where it is no single one. `is_later`: what is on
    record is of the day after the rule is judged. `setting` is another day to
    be judged on and `fixed` what must be chosen, where the situation needs that.
    """

    situation: str
    answer: Finding
    is_put: Test = field(default=lambda _: True)
    edits: Callable[[Choices], Edits] = field(default=lambda _: {})
    may_be: Callable[[Choices], list[Choices]] | None = None
    is_later: bool = False
    fixed: Choices = field(default_factory=dict)
    setting: Setting | None = None


# --- what a situation needs -----------------------------------------------------------------------------------------------


def stands(question: tree.Compare, steps: int, setting: Setting) -> Test:
    """So many steps, or days, above the bound."""
    return lambda found: distance(question, found, setting) == steps


def is_chosen(slot: Slot, choice: Choice) -> Test:
    return lambda found: found[slot] == choice


def says_yes(question: Question, setting: Setting) -> Test:
    return lambda found: answer(question, found, setting)


def says_no(question: Question, setting: Setting) -> Test:
    return lambda found: not answer(question, found, setting)


def edited(slot: Slot, edit: Edit) -> Callable[[Choices], Edits]:
    return lambda _: {slot: edit}


def moved(slot: Slot, day: DayOf, days: int = 0) -> Callable[[Choices], Edits]:
    return lambda found: {slot: Edit(day=day(found) + days * DAY)}


def edge_of(window: tree.Window | None, end: int, setting: Setting) -> DayOf:
    """The first (0) or the last (1) day of a window."""
    return lambda found: setting.days_of(window, found)[end]


def answer_at(question: tree.Compare, steps: int, setting: Setting) -> Finding:
    """So many steps above the bound. A count where absence is not no says at least: n stands for n and more."""
    holds = OPERATORS[question.op](steps, 0)
    if not isinstance(question.left, tree.Count):
        return holds
    more = {OPERATORS[question.op](steps + n, 0) for n in range(4)}
    fact = fact_of(question.left, setting)
    return holds if fact.absence is Absence.NO or len(more) == 1 else of_absence(fact)


def is_open_count(question: Question, found: Choices, setting: Setting) -> bool:
    """Whether a question counts too few records for a sure answer: they may say at least so many."""
    if not (isinstance(question, tree.Compare) and isinstance(question.left, tree.Count)):
        return False
    steps = distance(question, found, setting)
    return steps is not None and not isinstance(answer_at(question, steps, setting), bool)


def judged_at(setting: Setting) -> set[Slot]:
    """The slots that tell where a rule is judged."""
    return set(slots_of(tree.Compare(setting.here, "=", tree.HERE), setting)) if setting.here else set()


def of_absence(fact: Fact) -> Finding:
    """What it means that there is no record. An event of the protocol that nothing shows has not happened."""
    if fact.kind is Kind.EVENT:
        return False
    match fact.absence:
        case Absence.NO:
            return False
        case Absence.ASK:
            return Reason.NEEDS_A_PERSON
        case Absence.UNKNOWN:
            return Reason.MISSING


def no_result(question: Question, fact: Fact) -> Finding:
    """What a question of results answers where there is none: a yes-or-no fact that is so unless told is then a no."""
    if isinstance(question, tree.OneOf) and fact.absence is Absence.NO and fact.kind is Kind.YES_OR_NO:
        return ("no" in question.levels) is not question.negated
    return of_absence(fact)
