"""The cases of a rule: for each of its thresholds patients on both sides of it, and what must be found of them.

What is expected follows from how a patient was made, by the tables of `docs/verdicts.md` and `docs/rules.md`: the value
stands a step below, at or a step above the bound, so the operator says no or yes; the other questions were answered so
that this one decides, so the rule says the same, or the contrary under `not`. No reader of rules is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from trialwright.design.boundaries.choices import (
    DAY,
    Choices,
    History,
    NotTestable,
    Setting,
    fact_of,
    holds,
)
from trialwright.design.boundaries.choices import answer as plain_answer
from trialwright.design.boundaries.choosing import choose
from trialwright.design.boundaries.overlaps import Composed
from trialwright.design.boundaries.patients import SILENT, Edits, Inventor, Made
from trialwright.design.boundaries.questions import (
    Answers,
    Question,
    answers_beside,
    answers_for,
    is_turned_round,
    questions_of,
)
from trialwright.design.boundaries.situations import variants_of
from trialwright.design.boundaries.sketches import Item, Sketch
from trialwright.design.boundaries.surroundings import Later, Repeat, days_again, split_repeat
from trialwright.design.boundaries.variants import Finding, Variant, is_open_count
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.rule_tree import Condition
from trialwright.protocol.rules import render_rule
from trialwright.vocabulary.verdicts import Reason, Verdict


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be found: the verdict; of an event the day it begins, where it is met, and how often, where that is asked."""

    verdict: Verdict
    day: date | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One invented patient for one threshold of one element."""

    element: str
    threshold: str
    situation: str
    sketch: Sketch
    expected: Expected


@dataclass(frozen=True, slots=True)
class Untested:
    """A threshold, or one side of it, for which there is no patient, and why; or what this pack does not look at."""

    element: str
    threshold: str
    why: str
    is_threshold: bool = True


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule where it stands.

    `during`: the period in which an event counts; `ends`: the treatment that a stopping rule ends.
    """

    element: str
    condition: Condition
    setting: Setting
    during: str | None = None
    ends: str | None = None
    is_event: bool = False
    is_dated_back: bool = False

    @property
    def is_dated(self) -> bool:
        """Whether what is met has the day of its row; an event may be dated to something else."""
        return not self.is_dated_back and (self.is_event or self.setting.scope.rows_of is not None)

    @property
    def at_any_time(self) -> bool:
        """Whether it is judged whenever anything it asks for is recorded: an event without rows of its own."""
        return self.is_event and self.setting.scope.rows_of is None


def make_cases(judged: Judged, inventor: Inventor) -> Iterator[Case | Untested]:
    """The cases of every threshold of a rule, and what could not be tested."""
    try:
        split = split_repeat(judged.condition)
    except NotTestable as why:
        yield Untested(judged.element, render_rule(judged.condition), str(why))
        return
    for question in questions_of(split.inner):
        yield from _cases_of(question, judged, inventor)
    if split.repeat is not None:
        yield from _cases_of_repeat(split.repeat, judged, inventor)


def _cases_of(question: Question, judged: Judged, inventor: Inventor) -> Iterator[Case | Untested]:
    settings = [replace(judged.setting, scale=scale) for scale in _scales(judged.condition)]
    try:
        for variants in zip(*(variants_of(question, one) for one in settings), strict=True):
            alternatives = list(zip(variants, settings, strict=True))
            yield _make_case(question, alternatives, judged, inventor)
    except NotTestable as why:
        yield Untested(judged.element, render_rule(question), str(why))


def _scales(rule: Condition) -> tuple[Decimal, ...]:
    """How far limits of normal may be moved, so that a number and they can each decide."""
    if not any(isinstance(node, tree.Limit) for node in tree.walk(rule)):
        return (Decimal(1),)
    return (Decimal(1), Decimal(2), Decimal("0.5"), Decimal(100), Decimal("0.01"))


def _make_case(
    question: Question, alternatives: Sequence[tuple[Variant, Setting]], judged: Judged, inventor: Inventor
) -> Case | Untested:
    """The case of one situation, in the first of several settings in which it can be."""
    split = split_repeat(judged.condition)
    inner = split.inner
    for variant, usual in alternatives:
        setting = variant.setting or usual
        answer = variant.answer
        if isinstance(answer, bool):
            answer = answer is not is_turned_round(inner, question)
        row = _Row(inner, setting, inventor, _found_again(split.repeat, answer, setting.day))
        choices = _choices_for(question, variant, row)
        if choices is not None:
            break
    else:
        why = f"{alternatives[0][0].situation}: where this is so, another part of the rule decides"
        return Untested(judged.element, render_rule(question), why)
    edits = variant.edits(choices)
    made = inventor.make(choices, setting, edits)
    if answer is Reason.MISSING and _is_seen_elsewhere(edits, choices, made, setting):
        answer = Reason.STALE
    if tree.RowValue() in edits and edits[tree.RowValue()].is_silent:
        answer = False  # without a row there is nothing that could be an event
    sketch = inventor.sketch(
        choices,
        setting,
        edits=edits,
        rule=judged.condition,
        later=row.followed(choices, edits),
        during=judged.during,
    )
    sketch = inventor.ended(sketch, judged.ends, setting)
    day = setting.day if judged.is_dated else None
    if variant.is_later and judged.at_any_time and answer is not True:
        answer, day = True, setting.day + DAY  # it is judged again on that day, when all it asks for is there
    return Case(judged.element, render_rule(question), variant.situation, sketch, expected_of(answer, day))


def _is_seen_elsewhere(edits: Edits, choices: Choices, made: Made, setting: Setting) -> bool:
    """Whether a result that is not in its window stands elsewhere, so that it is not missing but stale.

    It stands in another window, or before its own among the records of an event.
    """
    results = (tree.Pick, tree.RowValue, tree.Baseline)
    of_events = [item for records in made.events.values() for item in records]
    return any(
        isinstance(slot, tree.Pick)
        and (
            any(
                one != slot and isinstance(one, results) and fact_of(one, setting) == fact_of(slot, setting)
                for one in choices
            )
            or any(
                item.fact == slot.fact and item.day < setting.days_of(slot.window, choices)[0]
                for item in of_events
            )
        )
        for slot in edits
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """The row or the moment that is judged, and the rows that follow it where it is to be found again."""

    inner: Condition
    setting: Setting
    inventor: Inventor
    later: Sequence[Later] = ()

    def followed(self, choices: Choices, edits: Edits) -> list[Item]:
        """The rows that follow; none where nothing is on record of what is asked.

        Raises
        ------
        NotTestable
            If one cannot be invented.
        """
        if any(edit == SILENT and not isinstance(slot, History) for slot, edit in edits.items()):
            return []
        return self.inventor.rows_after(self.inner, choices, self.setting, self.later)

    def is_sound(self, choices: Choices, edits: Edits) -> bool:
        """Whether nothing that is made for one part of the rule disturbs another, and the rows can follow."""
        made = self.inventor.make(choices, self.setting, edits)
        composed = Composed(self.inner, choices, made, self.setting, self.inventor)
        # where several parts may fulfil it, a row fails only if all of them fail there
        is_seen_by_all = isinstance(self.inner, tree.AnyOf)
        seeing = [day for day, fulfils in self.later if fulfils or is_seen_by_all]
        if not composed.is_sound() or not all(composed.is_still_seen(day) for day in seeing):
            return False
        try:
            self.followed(choices, edits)
        except NotTestable:
            return False
        return True


def _found_again(repeat: Repeat | None, answer: Finding, day: date) -> list[Later]:
    """The rows that find a row again, and one that does not; none where it is surely not found once."""
    if repeat is None or answer is False:
        return []
    again = days_again(repeat, day)
    return [*((one, True) for one in again), (_well_after(repeat, again[-1]), False)]


def _choices_for(question: Question, variant: Variant, row: _Row) -> Choices | None:
    inner, setting = row.inner, row.setting
    is_alone = _no_other_row_holds(inner, setting)
    for beside in answers_beside(inner, question):
        if question in beside:
            continue  # it stands in two places, and decides in neither alone

        def is_right(found: Choices, beside: Answers = beside) -> bool:
            return (
                _is_undisturbed(question, variant, found, beside, inner, setting)
                and is_alone(found)
                and row.is_sound(found, variant.edits(found))
            )

        choices = choose(
            beside, setting, asked=question, is_put=variant.is_put, is_right=is_right, fixed=variant.fixed
        )
        if choices is not None:
            return choices
    return None


def _is_undisturbed(
    question: Question, variant: Variant, found: Choices, beside: Answers, inner: Condition, setting: Setting
) -> bool:
    """Whether the other questions surely answer as they must, and a censored result leaves them so or settles the rule."""
    if any(is_open_count(other, found, setting) for other in beside):
        return False
    if variant.may_be is None:
        return True
    settles = isinstance(inner, tree.AnyOf) if variant.answer else isinstance(inner, tree.AllOf)
    if isinstance(variant.answer, bool) and settles and question in getattr(inner, "parts", ()):
        return True
    for other, wanted in beside.items():
        answers = {plain_answer(other, one, setting) for one in variant.may_be(found)}
        if wanted not in answers or (len(answers) > 1 and isinstance(variant.answer, bool)):
            return False
    return True


def _no_other_row_holds(inner: Condition, setting: Setting) -> Callable[[Choices], bool]:
    """Whether no record beside the row fulfils the rule as a row of its own: neither the baseline nor another."""
    if setting.scope.rows_of is None:
        return lambda _: True
    value, rows_of = tree.RowValue(), setting.fact(None)

    def is_alone(choices: Choices) -> bool:
        others = [
            slot
            for slot in choices
            if isinstance(slot, (tree.Baseline, tree.Nadir, tree.Pick)) and fact_of(slot, setting) == rows_of
        ]
        earlier = replace(setting, day=setting.zero)
        return not any(holds(inner, {**choices, value: choices[slot]}, earlier) for slot in others)

    return is_alone


def expected_of(answer: Finding, day: date | None) -> Expected:
    return Expected(verdict_of(answer), day if answer is True else None)


def verdict_of(answer: Finding) -> Verdict:
    if isinstance(answer, Reason):
        return Verdict.unknown(answer)
    return Verdict.MET if answer else Verdict.NOT_MET


def _well_after(repeat: Repeat, day: date) -> date:
    return repeat.after.after(day) + 7 * DAY if isinstance(repeat, tree.Confirmed) else day + 7 * DAY


# --- repeated findings ----------------------------------------------------------------------------------------------------


def _cases_of_repeat(repeat: Repeat, judged: Judged, inventor: Inventor) -> Iterator[Case | Untested]:
    """The second finding a day early, on the day and a day late, not there, and one between that fails."""
    threshold, setting = told_repeat(repeat), judged.setting
    for situation, rows, answer in courses_of(repeat, setting.day):
        row = _Row(repeat.condition, setting, inventor, rows)
        choices = _chosen(row)
        if choices is None:
            yield Untested(judged.element, threshold, f"{situation}: no such rows could be invented")
            continue
        sketch = inventor.sketch(
            choices, setting, rule=judged.condition, later=row.followed(choices, {}), during=judged.during
        )
        yield Case(judged.element, threshold, situation, sketch, expected_of(answer, setting.day))


def _chosen(row: _Row) -> Choices | None:
    is_alone = _no_other_row_holds(row.inner, row.setting)
    for answers in answers_for(row.inner, True):
        choices = choose(
            answers, row.setting, is_right=lambda found: is_alone(found) and row.is_sound(found, {})
        )
        if choices is not None:
            return choices
    return None


def courses_of(repeat: Repeat, day: date) -> Iterator[tuple[str, list[Later], Finding]]:
    """What follows the first row, and whether it counts as found again. The last row always fails."""
    if isinstance(repeat, tree.Confirmed):
        due = repeat.after.after(day)
        end = (_well_after(repeat, due + DAY), False)
        for place, second, answer in (
            ("a day early", due - DAY, False),
            ("on the day", due, True),
            ("a day late", due + DAY, True),
        ):
            yield f"again {place}", [(second, True), end], answer
        yield "not again", [(due, False)], False
        if due - day > 2 * DAY:
            yield "one between fails", [(day + DAY, False), (due, True), end], False
        return
    days = days_again(repeat, day)
    end = (_well_after(repeat, days[-1]), False)
    yield f"{repeat.times} in a row", [*((one, True) for one in days), end], True
    yield "one too few", [*((one, True) for one in days[:-1]), end], False
    yield "interrupted", [(day + DAY, False), *((one, True) for one in days), end], False


def told_repeat(repeat: Repeat) -> str:
    if isinstance(repeat, tree.Confirmed):
        return f"confirmed after {repeat.after}"
    return f"consecutive {repeat.times}"
