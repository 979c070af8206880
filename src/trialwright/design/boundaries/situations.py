"""The situations in which each kind of question is put, and the answer each must have.

The answers are the tables of `docs/verdicts.md` and `docs/rules.md`, written down once more: the operator beside a step,
what a censored result may be, the days of a window, what absence means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from trialwright.design.boundaries.choices import (
    OPERATORS,
    Choices,
    History,
    Recorded,
    Setting,
    as_comparison,
    fact_of,
    number,
    slots_of,
    step_of,
)
from trialwright.design.boundaries.patients import SILENT, Edit, Edits
from trialwright.design.boundaries.questions import Question
from trialwright.design.boundaries.situations_in_time import (
    ages,
    lower_between,
    presences,
    two_results,
    windows,
    words_of_people,
)
from trialwright.design.boundaries.variants import (
    Variant,
    answer_at,
    edited,
    is_chosen,
    judged_at,
    moved,
    no_result,
    of_absence,
    stands,
)
from trialwright.protocol import rule_tree as tree
from trialwright.vocabulary.verdicts import Reason


def variants_of(question: Question, setting: Setting) -> Iterator[Variant]:
    """The situations in which a question is put, with the answer each must have.

    Raises
    ------
    NotTestable
        If nothing can be invented for a value it asks for.
    """
    match question:
        case tree.Compare(tree.Age()):
            yield from ages(question, setting)
        case tree.Compare():
            question = as_comparison(question)
            yield from _steps(question, setting)
            yield from _absent_sides(question, setting)
            yield from _censored(question, setting)
            yield from windows(question, setting)
            yield from two_results(question, setting)
            yield from lower_between(question, setting)
        case tree.OneOf():
            yield from _levels(question, setting)
            yield from windows(question, setting)
            yield from two_results(question, setting)
        case tree.Had():
            yield from presences(question, setting)
        case tree.Attested():
            yield from words_of_people(question, setting)


# --- comparisons ----------------------------------------------------------------------------------------------------------

_STEPS = ((-1, "just below"), (0, "at"), (1, "just above"))
_DAYS = ((-1, "a day before"), (0, "on the day"), (1, "a day after"))


def _steps(question: tree.Compare, setting: Setting) -> Iterator[Variant]:
    """A step below, at, and a step above the bound: the operator beside 0 tells the answer."""
    counts_days = any(isinstance(slot, (Recorded, History)) for slot in slots_of(question, setting))
    for steps, place in _DAYS if counts_days else _STEPS:
        yield Variant(place, answer_at(question, steps, setting), stands(question, steps, setting))


def _absent_sides(question: tree.Compare, setting: Setting) -> Iterator[Variant]:
    """Nothing on record for a value, or for what it is compared with."""
    slots = slots_of(question, setting)
    for slot in slots:
        fact = fact_of(slot, setting)
        if isinstance(slot, Recorded):
            if slot not in judged_at(setting):
                yield Variant(f"no {fact.label}", Reason.MISSING, edits=edited(slot, SILENT))
        elif isinstance(slot, History):
            if slot not in judged_at(setting) and slot.fact != setting.scope.rows_of:
                yield Variant(
                    f"no {fact.label}", of_absence(fact), is_chosen(slot, None), edited(slot, SILENT)
                )
        elif not isinstance(slot, tree.Count):
            is_bound = len(slots) > 1 and slot != question.left
            situation = "nothing to compare with" if is_bound else "nothing recorded"
            absent = no_result(question, fact)
            yield Variant(situation, absent, edits=edited(slot, SILENT))
        if isinstance(slot, tree.Baseline):
            yield Variant("sampled the day after", absent, edits=moved(slot, lambda _: setting.zero, 1))
    if isinstance(question.right, tree.Limit):
        unlimited = edited(question.left, Edit(has_limits=False))
        yield Variant("no limit of normal", Reason.NO_LIMIT, edits=unlimited)


def _censored(question: tree.Compare, setting: Setting) -> Iterator[Variant]:
    """Results given as below or above a limit, which lies at the bound, or so that they may lie on both sides of it."""
    slot = question.left
    if not isinstance(slot, (tree.Pick, tree.RowValue, tree.Baseline)):
        return
    for sign, side in (("<", -1), (">", 1)):
        at_it, across = Decimal(1), Decimal(2) if side < 0 else Decimal("0.5")
        yield Variant(
            f"censored at it ({sign})",
            OPERATORS[question.op](side, 0),
            stands(question, side, setting),
            _censored_text(question, sign, at_it, setting),
            _censored_values(question, side, at_it, setting),
        )
        yield Variant(
            f"censored across ({sign})",
            Reason.CENSORED,
            stands(question, 0, setting),
            _censored_text(question, sign, across, setting),
            _censored_values(question, side, across, setting),
        )


def _limit(question: tree.Compare, share: Decimal, found: Choices, setting: Setting) -> Decimal:
    return Decimal(number(question.right, question, found, setting) * share)


def _censored_text(
    question: tree.Compare, sign: str, share: Decimal, setting: Setting
) -> Callable[[Choices], Edits]:
    def edits(found: Choices) -> Edits:
        limit = _limit(question, share, found, setting).normalize()
        return {question.left: Edit(text=f"{sign}{limit:f}")}

    return edits


def _censored_values(
    question: tree.Compare, side: int, share: Decimal, setting: Setting
) -> Callable[[Choices], list[Choices]]:
    """Some of the numbers that a censored result may be: next to its limit, well inside, and far away."""

    def may_be(found: Choices) -> list[Choices]:
        limit = _limit(question, share, found, setting)
        far, half = (Decimal(10) ** (6 * side), Decimal(2) ** side)
        numbers = (limit + side * step_of(limit), limit * half, limit * far)
        return [{**found, question.left: one} for one in numbers]

    return may_be


# --- levels ---------------------------------------------------------------------------------------------------------------


def _levels(question: tree.OneOf, setting: Setting) -> Iterator[Variant]:
    """Each level there is, none, and a word that is none of them."""
    slot = slots_of(question, setting)[0]
    fact = fact_of(slot, setting)
    if fact.levels:
        for level in fact.levels:
            yield Variant(level, (level in question.levels) is not question.negated, is_chosen(slot, level))
    else:
        known = {Decimal(level) for level in question.levels}
        low, high = fact.limits
        for one in sorted({level + step for level in known for step in (-1, 0, 1)}):
            if (low is not None and one < low) or (high is not None and one > high):
                continue
            yield Variant(f"{one}", (one in known) is not question.negated, is_chosen(slot, one))
    yield Variant("nothing recorded", no_result(question, fact), edits=edited(slot, SILENT))
    if not isinstance(slot, tree.Once):
        yield Variant("a word nobody knows", Reason.UNREADABLE, edits=edited(slot, Edit(text="SEE LETTER")))
