"""Choosing what stands in the slots of a rule, so that each question gets the answer wanted.

The few values that matter are tried (at a bound, one step beside it, on the edges of windows) until the plain operators
give every answer wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType

from trialwright.design.boundaries.choices import (
    COUNTED,
    DAY,
    Birth,
    Choice,
    Choices,
    History,
    NotTestable,
    Recorded,
    Setting,
    Slot,
    answer,
    fact_of,
    number,
    plainly,
    slots_in,
    slots_of,
    step_of,
)
from trialwright.design.boundaries.questions import Answers, Question
from trialwright.protocol import rule_tree as tree

WELL_BEFORE = timedelta(days=200)
"""How long before everything else lies what may be at any time: with all that must follow it, before any window."""
_SEED = Decimal("20.1")
"""A number that three times itself is not, in binary: 3 times 20.1 is 60.300000000000004 to a computer."""


def choose(
    wanted: Answers,
    setting: Setting,
    *,
    asked: Question | None = None,
    is_put: Callable[[Choices], bool] = lambda _: True,
    is_right: Callable[[Choices], bool] = lambda _: True,
    fixed: Choices = MappingProxyType({}),
    hints: Iterable[Question] = (),
) -> Choices | None:
    """The first choices found that give every answer wanted, or None if none of those tried does.

    `asked` is a question whose slots are filled first, whatever it answers; `is_put` says of its slots, and `is_right` of
    all, whether they are as they must be. Values that matter to `hints` are tried too.
    """
    questions = [*([asked] if asked else []), *wanted]
    hinted = [plainly(one) for one in (*questions, *hints)]
    slots = [slot for question in questions for slot in slots_of(question, setting)]
    open_ = [slot for slot in dict.fromkeys(slots) if slot not in fixed]
    own = set(slots_of(asked, setting)) if asked else set()

    def search(slots: list[Slot], choices: Choices) -> Iterator[Choices]:
        filled = choices.keys()
        if own <= filled and not is_put(choices):
            return
        ready = (one for one in wanted if filled >= set(slots_of(one, setting)))
        if any(answer(one, choices, setting) is not wanted[one] for one in ready):
            return
        if not slots:
            yield from [choices] if is_right(choices) else []
            return
        for choice in dict.fromkeys(_candidates(slots[0], choices, hinted, setting)):
            yield from search(slots[1:], {**choices, slots[0]: choice})

    return next(search(open_, dict(fixed)), None)


def _candidates(
    slot: Slot, choices: Choices, questions: list[Question], setting: Setting
) -> Iterator[Choice]:
    asking = [one for one in questions if slot in slots_of(one, setting)]
    match slot:
        case tree.Attested():
            yield from (True, False)
        case History() | Recorded():
            yield from _days(slot, choices, asking, setting)
        case tree.Age():
            for one in asking:
                yield from births(one, setting.judged_on(choices))
        case _:
            fact = fact_of(slot, setting)
            if fact.levels:
                yield from fact.levels
            else:
                low, high = (None, None) if fact.name in setting.units else fact.limits
                counted = isinstance(slot, tree.Count)
                for number_ in _numbers(slot, choices, questions, setting):
                    if counted or ((low is None or low <= number_) and (high is None or number_ <= high)):
                        yield number_


def _days(
    slot: History | Recorded, choices: Choices, asking: list[Question], setting: Setting
) -> Iterator[Choice]:
    """Surely inside, surely not, then the edges of windows and what lies a day beside a bound."""
    here = setting.judged_on(choices)
    for question in asking:
        if isinstance(question, tree.Had):
            first, last = setting.days_of(question.window, choices)
            if first <= last:
                yield last
            yield None
            if first > date.min:
                yield from (first, first - DAY)
            yield last + DAY
            if first == date.min:
                yield last - WELL_BEFORE
        elif isinstance(question, tree.Compare):
            yield from (setting.zero, here, *_balancing(slot, question, choices, setting))
            if isinstance(slot, History):
                yield None
    if not any(isinstance(one, tree.Had) for one in asking):
        yield setting.zero


def _balancing(
    slot: History | Recorded, question: tree.Compare, choices: Choices, setting: Setting
) -> Iterator[date]:
    """Days that bring both sides of a comparison of dates together, and their neighbours."""
    day = setting.judged_on(choices)
    for _ in range(4):
        tried = {**choices, slot: day}
        sides = [number(side, question, tried, setting) for side in (question.left, question.right)]
        if any(not isinstance(side, date) for side in sides):
            return
        moves = slot in slots_in(question.left, setting)
        day += (sides[1] - sides[0]) * (1 if moves else -1)
    yield from (day + n * DAY for n in (0, -1, 1, -2, 2))


def births(question: Question, here: date) -> Iterator[Birth]:
    """Born so that somebody turns a question's number of years on this day or the next, and so for a year more."""
    if not (isinstance(question, tree.Compare) and isinstance(question.right, tree.Length)):
        raise NotTestable("age is compared with something else than a number of years")
    years = question.right.duration.amount
    for birthday in (years, years + 1):
        yield Birth(_years_before(here, birthday), birthday)
        yield Birth(_years_before(here + DAY, birthday), birthday - 1)


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        raise NotTestable("a birthday on 29 February is tested apart") from None


def _numbers(slot: Slot, choices: Choices, questions: list[Question], setting: Setting) -> Iterator[Decimal]:
    for question in (one for one in questions if slot in slots_of(one, setting)):
        if isinstance(question, tree.OneOf):
            for level in question.levels:
                yield from (Decimal(level), Decimal(level) - 1, Decimal(level) + 1)
        elif isinstance(question, tree.Compare):
            if slot not in slots_in(question.left, setting):
                yield from _seeds(question, questions)
            elif not set(slots_in(question.right, setting)) - choices.keys():
                bound = number(question.right, question, choices, setting)
                step = Decimal(1) if isinstance(slot, COUNTED) else step_of(bound)
                yield from (bound, bound - step, bound + step)
                if not isinstance(slot, COUNTED):
                    yield from (2 * bound, bound / 2)


def _seeds(question: tree.Compare, questions: list[Question]) -> Iterator[Decimal]:
    """Numbers that a value may be compared with, on both sides of what other questions compare that value with."""
    factor = question.right.factor if isinstance(question.right, tree.Multiple) else Decimal(1)
    yield _SEED
    for other in questions:
        if isinstance(other, tree.Compare) and other.left == question.left:  # noqa: SIM102 -- mypy reads it so
            if isinstance(other.right, tree.Quantity):
                for share in (Decimal(2), Decimal(1), Decimal("0.5")):
                    yield round(other.right.number * share / factor, 1)
