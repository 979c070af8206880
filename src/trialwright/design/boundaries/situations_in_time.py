"""Situations of windows and histories, of which result counts, of ages and of people's words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

from trialwright.design.boundaries.choices import (
    DAY,
    OPERATORS,
    Birth,
    Choice,
    Choices,
    History,
    NotTestable,
    Setting,
    answer,
    fact_of,
    number,
    slots_of,
)
from trialwright.design.boundaries.choosing import WELL_BEFORE, births
from trialwright.design.boundaries.patients import SILENT, Edit, Edits
from trialwright.design.boundaries.variants import (
    Test,
    Variant,
    answer_at,
    edge_of,
    edited,
    is_chosen,
    judged_at,
    moved,
    no_result,
    of_absence,
    says_no,
    says_yes,
    stands,
)
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Absence
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.verdicts import Reason

# --- windows --------------------------------------------------------------------------------------------------------------


def windows(question: tree.Compare | tree.OneOf, setting: Setting) -> Iterator[Variant]:
    """On the first and the last day of a window, and a day beyond each."""
    for slot in slots_of(question, setting):
        if not isinstance(slot, (tree.Pick, tree.Score, tree.Count)) or not _has_ends(slot.window):
            continue
        if isinstance(slot, tree.Count):
            yield from _windows_of_count(question, slot, setting)
            continue
        first, last = (edge_of(slot.window, end, setting) for end in (0, 1))
        is_inside, fact = says_yes(question, setting), fact_of(slot, setting)
        too_old = Reason.STALE if fact.absence is Absence.UNKNOWN else no_result(question, fact)
        is_later = last({}) >= setting.judged_on({})
        too_late = Reason.MISSING if is_later and too_old is Reason.STALE else too_old
        yield Variant("first day of the window", True, is_inside, moved(slot, first))
        yield Variant("a day before the window", too_old, is_inside, moved(slot, first, -1))
        if not isinstance(question, tree.OneOf) or not set(fact.levels) <= set(question.levels):
            no = says_no(question, setting)
            yield Variant("a day before the window, saying no", too_old, no, moved(slot, first, -1))
        yield Variant("last day of the window", True, is_inside, moved(slot, last))
        after = "a day after the window"
        yield Variant(after, too_late, is_inside, moved(slot, last, 1), is_later=is_later)


def _has_ends(window: tree.Window | None) -> bool:
    return isinstance(window, (tree.Within, tree.Since, tree.During))


def _windows_of_count(
    question: tree.Compare | tree.OneOf, slot: tree.Count, setting: Setting
) -> Iterator[Variant]:
    """The earliest record on the first day of the window and a day before, where one record less tells otherwise."""
    if not isinstance(question, tree.Compare):
        raise NotTestable("a count beside levels has no patients yet")
    steps = {">=": 0, ">": 1, "<": 0, "<=": 1, "=": 0}[question.op]
    first, is_put = edge_of(slot.window, 0, setting), stands(question, steps, setting)
    inside, outside = (answer_at(question, n, setting) for n in (steps, steps - 1))
    yield Variant("the earliest on the first day of the window", inside, is_put, moved(slot, first))
    yield Variant("the earliest a day before the window", outside, is_put, moved(slot, first, -1))


def presences(question: tree.Had, setting: Setting) -> Iterator[Variant]:
    """On record inside the window, on its edges, a day beyond them; asked for and not there; nothing on record."""
    slot, fact = History(question.fact), setting.fact(question.fact)
    none = of_absence(fact)

    def on(end: int, days: int = 0) -> Test:
        edge = edge_of(question.window, end, setting)
        return lambda found: edge(found) > date.min and found[slot] == edge(found) + days * DAY

    if slot in judged_at(setting):
        nowhere = False if fact.absence is Absence.NO else Reason.MISSING
        yield Variant("on record", True, says_yes(question, setting))
        yield Variant("nothing recorded", nowhere, is_chosen(slot, None), edited(slot, SILENT))
        return
    if _has_ends(question.window):
        yield Variant("first day of the window", True, on(0))
        yield Variant("a day before the window", none, on(0, -1))
        yield Variant("last day of the window", True, on(1))
        yield Variant("a day after the window", none, on(1, 1), is_later=True)
    else:
        yield Variant("on the day itself", True, on(1))
        yield Variant("a day later", none, on(1, 1), is_later=True)
        if fact.kind is Kind.EVENT:
            yield Variant("long before", True, on(1, -WELL_BEFORE.days))
    if fact.kind is Kind.EVENT:
        yield Variant("it did not happen", False, is_chosen(slot, None))
    elif fact.absence is not Absence.NO:
        yield Variant("asked for, none", False, is_chosen(slot, None))
    yield Variant("nothing recorded", none, is_chosen(slot, None), edited(slot, SILENT))


# --- which result -----------------------------------------------------------------------------------------------------------


def two_results(question: tree.Compare | tree.OneOf, setting: Setting) -> Iterator[Variant]:
    """Two results in a window of which one says yes and one no: which of them counts is what `last` and its kin tell."""
    slot = slots_of(question, setting)[-1]
    if not isinstance(slot, tree.Pick) or slot.fact == setting.scope.rows_of or _is_one_day(slot.window):
        return
    levels = fact_of(slot, setting).levels
    if isinstance(question, tree.OneOf) and set(levels) <= set(question.levels):
        return

    def before(found: Choices) -> Edits:
        return {slot: Edit(before=_other_side(question, slot, found, setting))}

    for later, situation in ((True, "yes after no"), (False, "no after yes")):
        yield Variant(
            situation, _answer_of_two(question, slot.which, later), _says(question, later, setting), before
        )


def _is_one_day(window: tree.Window | None) -> bool:
    return isinstance(window, tree.Within) and window.length.amount == 0


def _answer_of_two(question: tree.Compare | tree.OneOf, which: str, later: bool) -> bool:
    """The answer of the later of two results, one of which says yes and one no, or that of the one that is picked."""
    rises = isinstance(question, tree.Compare) and question.op in (">", ">=")
    return {"last": later, "first": not later, "any": True, "all": False, "max": rises, "min": not rises}[
        which
    ]


def _says(question: tree.Compare | tree.OneOf, yes: bool, setting: Setting) -> Test:
    """The answer of the result chosen, where another answers otherwise."""
    slot = slots_of(question, setting)[-1]

    def says(found: Choices) -> bool:
        has_other = isinstance(slot, tree.Pick) and _other_side(question, slot, found, setting) is not None
        return has_other and answer(question, found, setting) is yes

    return says


def _other_side(
    question: tree.Compare | tree.OneOf, slot: tree.Pick, found: Choices, setting: Setting
) -> str | None:
    """A result that answers otherwise than the one chosen: another level, or a number well beyond the bound."""
    fact = fact_of(slot, setting)
    if isinstance(question, tree.Compare):
        bound = Decimal(number(question.right, question, found, setting))
        others: list[Choice] = [2 * bound, bound / 2]
    else:
        others = list(fact.levels)
    now = answer(question, found, setting)
    for other in others:
        if answer(question, {**found, slot: other}, setting) is not now:
            return f"{other.normalize():f}" if isinstance(other, Decimal) else str(other)
    return None


def lower_between(question: tree.Compare, setting: Setting) -> Iterator[Variant]:
    """A lower result between baseline and row: what is compared with baseline does not look at it."""
    bound = question.right
    if (
        isinstance(bound, tree.Multiple)
        and isinstance(bound.of, tree.Baseline)
        and question.op in (">", ">=")
    ):
        slot = bound.of

        def lower(found: Choices) -> Edits:
            return {slot: Edit(after=f"{Decimal(str(found[slot])) / 2:f}")}

        yield Variant("just below, after a lower one", False, stands(question, -1, setting), lower)


# --- people ---------------------------------------------------------------------------------------------------------------


def words_of_people(question: tree.Attested, setting: Setting) -> Iterator[Variant]:
    """Yes, no, nobody asked, somebody else's word; and, where it expires, the last day it holds and the next."""
    yes, nobody = is_chosen(question, True), Reason.NEEDS_A_PERSON
    yield Variant("yes", True, yes)
    yield Variant("no", False, is_chosen(question, False))
    yield Variant("nobody asked", nobody, edits=edited(question, SILENT))
    yield Variant("somebody else's word", nobody, yes, edited(question, Edit(role="somebody else")))
    lasts = setting.fact(question.fact).valid_for
    if lasts is not None:

        def since(found: Choices) -> date:
            return lasts.before(setting.judged_on(found))

        yield Variant("on the last day it holds", True, yes, moved(question, since))
        yield Variant("a day after it expired", nobody, yes, moved(question, since, -1))


def ages(question: tree.Compare, setting: Setting) -> Iterator[Variant]:
    """The birthday, the day before it, both a year later; 29 February; no date of birth."""
    if not isinstance(question.right, tree.Length):
        raise NotTestable("age is compared with something else than a number of years")
    years, today, age = question.right.duration.amount, setting.judged_on({}), tree.Age()
    for birth in births(question, today):
        is_birthday = (birth.born.month, birth.born.day) == (today.month, today.day)
        place = "on" if is_birthday else "the day before"
        turned = birth.years if is_birthday else birth.years + 1
        holds = OPERATORS[question.op](birth.years, years)
        yield Variant(f"{place} the birthday of {turned} years", holds, is_chosen(age, birth))
    yield from _leap_birthdays(question, years, setting)
    yield Variant("no date of birth", Reason.MISSING, edits=edited(age, SILENT))


def _leap_birthdays(question: tree.Compare, years: int, setting: Setting) -> Iterator[Variant]:
    """Born on 29 February: in a common year a year older on 1 March, not before."""
    common = next((year for year in range(2021, 2029) if year % 4 and (year - years) % 4 == 0), None)
    if common is None:
        return
    born = date(common - years, 2, 29)
    for today, age in ((date(common, 2, 28), years - 1), (date(common, 3, 1), years)):
        yield Variant(
            f"born on 29 February, {today.day} {today:%B}",
            OPERATORS[question.op](age, years),
            fixed={tree.Age(): Birth(born, age)},
            setting=replace(setting, zero=today, day=today),
        )
