"""The cases of events beyond their rule: made of others, over before they happen again, inside a period."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from trialwright.design.boundaries.cases import (
    Case,
    Expected,
    Judged,
    Untested,
    courses_of,
    expected_of,
    told_repeat,
)
from trialwright.design.boundaries.choices import DAY, Choices, NotTestable, Setting, holds, slots_of
from trialwright.design.boundaries.choosing import choose
from trialwright.design.boundaries.patients import Inventor
from trialwright.design.boundaries.questions import (
    Question,
    answers_beside,
    answers_for,
    is_turned_round,
    questions_of,
)
from trialwright.design.boundaries.situations import variants_of
from trialwright.design.boundaries.sketches import Item
from trialwright.design.boundaries.surroundings import Later, days_again, inside, split_repeat
from trialwright.design.boundaries.variants import Finding
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.model import Event
from trialwright.protocol.rule_tree import Condition
from trialwright.protocol.rules import render_rule
from trialwright.vocabulary.verdicts import Verdict

BETWEEN = timedelta(days=10)
"""From one event to another that together make a third."""


def made_of_others(
    name: str, event: Event, setting: Setting, inventor: Inventor
) -> Iterator[Case | Untested]:
    """All of several events, or any of them: each alone, all but one, none."""
    element = f"events.{name}"
    threshold = f"{'all of' if event.all_of else 'any of'}: {', '.join(event.all_of or event.any_of)}"
    courses = _all_of(event, setting, inventor) if event.all_of else _any_of(event, setting, inventor)
    try:
        for situation, items, answer, day, there in courses:
            sketch = inventor.compose(items, there, event.during)
            yield Case(element, threshold, situation, sketch, expected_of(answer, day))
    except NotTestable as why:
        yield Untested(element, threshold, str(why))


def reported(name: str, setting: Setting, inventor: Inventor) -> Iterator[Case]:
    """An event that is not derived: on record, and not."""
    for situation, items in (("reported", [Item(name, setting.day)]), ("not reported", [])):
        sketch = inventor.compose(items, setting, None)
        yield Case(f"events.{name}", "reported", situation, sketch, expected_of(bool(items), setting.day))


_Course = tuple[str, list[Item], Finding, date | None, Setting]


def _any_of(event: Event, setting: Setting, inventor: Inventor) -> Iterator[_Course]:
    day = setting.day
    for member in event.any_of:
        there = inside(setting, [event.during, *_periods_of(member, setting)])
        yield f"{member} alone", inventor.event(member, day, there, True), True, day, there
    there = inside(setting, [event.during])
    yield "none of them", inventor.none_of(event.any_of, day, there), False, None, there
    yield "nothing recorded", [], False, None, there


def _all_of(event: Event, setting: Setting, inventor: Inventor) -> Iterator[_Course]:
    members, last = event.all_of, setting.day
    periods = [event.during, *(period for member in members for period in _periods_of(member, setting))]
    there = inside(setting, periods)

    def on(*days: date) -> list[Item]:
        return [
            item
            for member, day in zip(members, days, strict=True)
            for item in inventor.event(member, day, there, True)
        ]

    days = [last - n * BETWEEN for n in range(len(members))]
    yield "all of them", on(*days), True, last, there
    yield "all of them, the other way round", on(*reversed(days)), True, last, there
    for number, member in enumerate(members):
        others = [
            item
            for n, one in enumerate(members)
            if n != number
            for item in inventor.event(one, last, there, True)
        ]
        without = inventor.none_of([member], last, there)
        yield f"all but {member}", [*others, *without], False, None, there
        yield f"nothing recorded for {member}", others, False, None, there
    if event.within is not None:
        first, rest = event.within.before(last), [last] * (len(members) - 1)
        yield f"the first {event.within} before the last", on(first, *rest), True, last, there
        yield "the first a day earlier", on(first - DAY, *rest), False, None, there


def _periods_of(name: str, setting: Setting) -> Iterator[str | None]:
    """The periods in which an event counts, and those of the events that make it."""
    event = setting.protocol.events[name]
    yield event.during
    for member in (
        *event.all_of,
        *event.any_of[:1],
        *([event.of] if event.of in setting.protocol.events else []),
    ):
        yield from _periods_of(member, setting)


def inside_period(name: str, event: Event, setting: Setting, inventor: Inventor) -> Iterator[Case | Untested]:
    """On the first and the last day of the period in which an event counts, and a day beyond each."""
    element, threshold = f"events.{name}", f"during {event.during}"
    try:
        given = replace(inside(setting, [event.during]), here=None)
        start, end = given.days_of_period(event.during or "", {})
        edges = [("last day of the period", end, True), ("a day after the period", end + DAY, False)]
        if start - DAY > given.zero:
            edges += [
                ("first day of the period", start, True),
                ("a day before the period", start - DAY, False),
            ]
        else:
            why = "a day before the period: nothing can happen then, for baseline is of that day or later"
            yield Untested(element, threshold, why)
        for situation, day, answer in edges:
            there = replace(given, day=day, last_dose=given.last_day_of_drugs)
            items = inventor.event(name, day, there, True)
            sketch = inventor.compose(items, there, event.during)
            yield Case(element, threshold, situation, sketch, expected_of(answer, day))
    except NotTestable as why_not:
        yield Untested(element, threshold, str(why_not))


def dated_back(name: str, event: Event, setting: Setting, inventor: Inventor) -> Iterator[Case | Untested]:
    """What an event is dated to, as long before as it may be, a day longer, and twice."""
    element, threshold, shown = f"events.{name}", f"dated to {event.dated_to}", event.dated_to or ""
    day = setting.day
    farthest = event.within.before(day) if event.within else day - BETWEEN
    courses = [
        ("as long before as may be", [farthest], farthest),
        ("the last of two", [farthest, day - DAY], day - DAY),
    ]
    courses += [("a day longer before", [farthest - DAY], day)] if event.within else []
    try:
        own = inventor.event(name, day, setting, True)
        for situation, days, expected in [*courses, ("nothing it could be dated to", [], day)]:
            items = [item for one in days for item in inventor.shown(shown, one, setting)]
            if {item.fact for item in items} & {item.fact for item in own}:
                raise NotTestable(f"`{shown}` is part of the rule, and dates it by that")
            sketch = inventor.compose([*own, *items], setting, event.during)
            yield Case(element, threshold, situation, sketch, expected_of(True, expected))
    except NotTestable as why:
        yield Untested(element, threshold, str(why))


# --- over, and again ------------------------------------------------------------------------------------------------------


def happens_again(judged: Judged, when: Condition, inventor: Inventor) -> Iterator[Case | Untested]:
    """An event, rows that end it or do not, and the same event: it counts twice only if it was over between."""
    split = split_repeat(judged.condition)
    if split_repeat(when).repeat is not None:
        why = "the event must itself be found again, so that it has no one row to end"
        yield Untested(judged.element, render_rule(judged.condition), why)
        return
    recurrence = _Recurrence(judged, split_repeat(when).inner, split.inner, split.repeat, inventor)
    for question in questions_of(split.inner):
        try:
            yield from recurrence.cases_of(question)
        except NotTestable as why:
            yield Untested(judged.element, render_rule(question), str(why))
    if split.repeat is not None:
        yield from recurrence.cases_of_repeat(split.repeat)


class _Recurrence:
    """The rows of an event that begins, may be over, and begins again."""

    def __init__(
        self, judged: Judged, when: Condition, over: Condition,
        repeat: tree.Confirmed | tree.Consecutive | None, inventor: Inventor,
    ) -> None:  # fmt: skip
        self.judged, self.when, self.over, self.repeat, self.inventor = judged, when, over, repeat, inventor
        self.begins = judged.setting.day
        self.between = replace(judged.setting, day=self.begins + BETWEEN)

    def cases_of(self, question: Question) -> Iterator[Case | Untested]:
        for variant in variants_of(question, self.between):
            if not isinstance(variant.answer, bool) or variant.may_be:
                continue  # whether it was over is known here, so that a second onset is counted or not
            choices = self._choices(question, variant.is_put)
            if choices is None:
                why = f"{variant.situation}: where this is so, another part of the rule decides"
                yield Untested(self.judged.element, render_rule(question), why)
                continue
            is_over = variant.answer is not is_turned_round(self.over, question)
            rows = [(day, True) for day in days_again(self.repeat, self.between.day)]
            yield self._case(render_rule(question), variant.situation, choices, rows, is_over)

    def cases_of_repeat(self, repeat: tree.Confirmed | tree.Consecutive) -> Iterator[Case | Untested]:
        for answers in answers_for(self.over, True):
            choices = choose(answers, self.between, is_right=self._leaves_room, hints=questions_of(self.over))
            if choices is not None:
                break
        else:
            yield Untested(self.judged.element, told_repeat(repeat), "no row could be invented that ends it")
            return
        for situation, rows, answer in courses_of(repeat, self.between.day):
            yield self._case(told_repeat(repeat), situation, choices, rows, answer is True)

    def _choices(self, question: Question, is_put: Callable[[Choices], bool]) -> Choices | None:
        for beside in answers_beside(self.over, question):
            found = choose(beside, self.between, asked=question, is_put=is_put, is_right=self._is_no_event)
            if found is not None:
                return found
        return None

    def _is_no_event(self, choices: Choices) -> bool:
        return holds(self.when, choices, self.between) is False

    def _leaves_room(self, choices: Choices) -> bool:
        """Whether beside these choices a row is possible that neither ends the event nor is it."""
        try:
            self.inventor.rows_after(
                self.over, choices, self.between, [(self.begins, False)], never=self.when
            )
        except NotTestable:
            return False
        asked = {slot for one in questions_of(self.when) for slot in slots_of(one, self.between)}
        return asked <= choices.keys() and self._is_no_event(choices)

    def _case(
        self, threshold: str, situation: str, choices: Choices, rows: Sequence[Later], is_over: bool
    ) -> Case:
        inventor, setting = self.inventor, self.between
        later = [one for one in rows if one[1] or one[0] < max(day for day, _ in rows)]
        after = inventor.rows_after(self.over, choices, setting, later, never=self.when)
        again = max([setting.day, *(day for day, _ in later)]) + BETWEEN
        events = inventor.rows_after(self.when, choices, setting, [(self.begins, True), (again, True)])
        sketch = inventor.sketch(choices, setting, rule=self.judged.condition, later=[*after, *events])
        return Case(
            self.judged.element, threshold, situation, sketch,
            Expected(Verdict.MET, self.begins, times=1 + is_over),
        )  # fmt: skip
