"""Choices become patients: for each slot the records that fill it, and what must be there besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType

from trialwright.design.boundaries.choices import (
    DAY,
    Birth,
    Choices,
    History,
    NotTestable,
    Recorded,
    Setting,
    Slot,
    fact_of,
    holds,
    normal_limit,
)
from trialwright.design.boundaries.choosing import choose
from trialwright.design.boundaries.questions import answers_for
from trialwright.design.boundaries.rows import judge_row, unit_of
from trialwright.design.boundaries.sketches import Item, Sketch
from trialwright.design.boundaries.surroundings import (
    Later,
    days_again,
    fixed_moments,
    names_in,
    split_repeat,
    units_of,
)
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Absence, Fact
from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.model import Protocol
from trialwright.protocol.moments import parse_span
from trialwright.protocol.rule_tree import Condition, Moment, walk
from trialwright.protocol.written_rules import WrittenRule
from trialwright.vocabulary.concepts import Kind

A_MONTH = timedelta(days=30)
POINTS: Mapping[str, Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "child_pugh": MappingProxyType(
            {
                "bilirubin": ("10", "40", "80"),
                "albumin": ("42", "31", "25"),
                "inr": ("1.1", "2", "2.6"),
                "ascites": ("none", "slight", "moderate"),
                "encephalopathy": ("none", "1-2", "3-4"),
            }
        )
    }
)
"""Results that surely give 1, 2 and 3 points, in the units of the catalogue (Pugh et al., Br J Surg 1973;60:646-649)."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What is different in one slot: nothing recorded, another text, another day, no limit of normal, another role.

    `is_silent`: where there was none, nobody asked for it either. `before` and `after` are results of the day before, and
    of a month after.
    """

    is_silent: bool = False
    text: str | None = None
    day: date | None = None
    before: str | None = None
    after: str | None = None
    has_limits: bool = True
    role: str | None = None


Edits = Mapping[Slot, Edit]
_AS_CHOSEN = Edit()
SILENT = Edit(is_silent=True)


@dataclass(frozen=True, slots=True)
class Made:
    """What fills the slots of a rule, and for each event it asks for what makes it or shows that it has not been."""

    slots: Mapping[Slot, tuple[Item, ...]]
    events: Mapping[str, tuple[Item, ...]]

    @property
    def own(self) -> list[Item]:
        """What the rule looks at itself."""
        return [item for several in self.slots.values() for item in several]

    @property
    def everything(self) -> list[Item]:
        return [*self.own, *(item for several in self.events.values() for item in several)]


@dataclass(frozen=True, slots=True)
class Inventor:
    """Invents patients for a protocol."""

    loaded: LoadedProtocol

    def sketch(
        self, choices: Choices, setting: Setting, *, edits: Edits = MappingProxyType({}), rule: Condition,
        later: Sequence[Item] = (), during: str | None = None,
    ) -> Sketch:  # fmt: skip
        """The patient that the choices describe."""
        made = self.make(choices, setting, edits)
        governed, rows_of = governed_by(choices), setting.scope.rows_of
        items = [
            *made.own,
            *(
                one
                for name, several in made.events.items()
                for one in several
                if one.fact not in governed - {name}
            ),
        ]
        items += [item for item in self.row_event(setting, made.own) if item.fact not in governed - {rows_of}]
        items += later
        items += self._doses(choices, setting, rule, during)
        anchors = {
            name: self._anchor_day(name, choices, setting)
            for name, anchor in setting.protocol.anchors.items()
            if not anchor.at and not edits.get(Recorded(name), _AS_CHOSEN).is_silent
        }
        birth, sex = choices.get(tree.Age()), choices.get(tree.Once("sex"))
        is_told = not edits.get(tree.Once("sex"), _AS_CHOSEN).is_silent
        return Sketch(
            items=tuple(dict.fromkeys(items)),
            anchors=anchors,
            born=birth.born if isinstance(birth, Birth) and tree.Age() not in edits else None,
            sex=str(sex) if sex and is_told else None,
        )

    def make(self, choices: Choices, setting: Setting, edits: Edits) -> Made:
        """What fills the slots: the rule's own first, for what shows that an event has not happened follows them."""
        filled = {slot: edits.get(slot, _AS_CHOSEN) for slot in choices}
        slots = {
            slot: tuple(self._fill(slot, choices[slot], choices, setting, edit))
            for slot, edit in filled.items()
            if not _is_event(slot, setting)
        }
        own = [item for several in slots.values() for item in several]
        events = {
            slot.fact: tuple(self._of_event(slot.fact, choices[slot], choices, setting, own))
            for slot, edit in filled.items()
            if isinstance(slot, History) and _is_event(slot, setting) and not edit.is_silent
        }
        return Made(slots, events)

    def _of_event(
        self, name: str, day: object, choices: Choices, setting: Setting, own: Sequence[Item]
    ) -> list[Item]:
        """An event of a day, or what shows that there was none: where the rule looks at the same results, these or one after."""
        if isinstance(day, date):
            return self.event(name, day, setting, True)
        here, facts = setting.judged_on(choices), self.facts_of(name)
        same = [item for item in own if item.fact in facts]
        if same and all(self.is_no_row_of(name, item, setting) for item in same):
            return []
        return self.none_of([name], max((max(item.day, here) + DAY for item in same), default=here), setting)

    def _anchor_day(self, name: str, choices: Choices, setting: Setting) -> date:
        chosen = choices.get(Recorded(name))
        return chosen if isinstance(chosen, date) else setting.default_day(name, None)

    def rows_after(
        self,
        inner: Condition,
        choices: Choices,
        setting: Setting,
        rows: Iterable[Later],
        *,
        never: Condition | None = None,
    ) -> list[Item]:
        """Other rows of the same fact that surely fulfil the rule of a row, or surely do not, and never another rule."""
        return [
            item
            for day, fulfils in rows
            for item in self._other_row(inner, choices, replace(setting, day=day), fulfils, never)
        ]

    def _other_row(
        self, inner: Condition, choices: Choices, there: Setting, fulfils: bool, never: Condition | None
    ) -> Iterator[Item]:
        rows_of = there.scope.rows_of
        facts = self.facts_of(rows_of) if rows_of in there.protocol.events else set()

        def is_own(slot: Slot) -> bool:
            """Whether a slot is filled by the row: its value, or what else is looked at where the row is an event."""
            return slot == tree.RowValue() or (isinstance(slot, tree.Pick) and slot.fact in facts)

        def items_of(found: Choices) -> tuple[list[Item], list[Item]]:
            own = [
                item
                for slot in found
                if is_own(slot)
                for item in self._fill(slot, found[slot], found, there, _AS_CHOSEN)
            ]
            return own, self.row_event(there, own) if facts else []

        def is_right(found: Choices) -> bool:
            own, row = items_of(found)
            is_one_row = not {item.fact for item in own} & {item.fact for item in row}
            is_made = bool(own) and all(is_own(slot) or slot in choices for slot in found)
            return is_made and is_one_row and (never is None or holds(never, found, there) is False)

        fixed = {slot: choice for slot, choice in choices.items() if not is_own(slot)}
        for answers in answers_for(inner, fulfils):
            found = choose(answers, there, fixed=fixed, is_right=is_right)
            if found is not None:
                for items in items_of(found):
                    yield from items
                return
        raise NotTestable("no other row could be invented")

    # --- slots ----------------------------------------------------------------------------------------------------------

    def _fill(
        self, slot: Slot, choice: object, choices: Choices, setting: Setting, edit: Edit
    ) -> Iterator[Item]:
        if isinstance(slot, (tree.Age, Recorded)) or (edit.is_silent and not isinstance(slot, History)):
            return
        fact, here = fact_of(slot, setting), setting.judged_on(choices)
        match slot:
            case tree.RowValue():
                yield _finding(fact, here, choice, edit, setting)
            case tree.Baseline():
                yield _finding(fact, setting.zero, choice, edit, setting)
                if edit.after:
                    yield _finding(fact, setting.zero + A_MONTH, edit.after, _AS_CHOSEN, setting)
            case tree.Nadir():
                assert isinstance(choice, Decimal)  # noqa: S101 -- a nadir is a number
                yield _finding(fact, setting.zero, 2 * choice, _AS_CHOSEN, setting)
                yield _finding(fact, setting.zero + A_MONTH, choice, edit, setting)
            case tree.Pick():
                day = _place(slot, choices, setting)
                if edit.before and day == setting.days_of(slot.window, choices)[0]:
                    day += DAY  # both lie inside
                yield _finding(fact, day, choice, edit, setting)
                if edit.before:
                    yield _finding(fact, day - DAY, edit.before, _AS_CHOSEN, setting)
            case tree.Count(_, window):
                yield from self._counted(fact, int(str(choice)), window, choices, setting, edit)
            case tree.Score(_, window):
                for part, text in _parts(fact, int(str(choice))).items():
                    yield _finding(_part(part, setting), _near(window, choices, setting), text, edit, setting)
            case tree.Attested():
                text, role = "yes" if choice else "no", edit.role or fact.by
                yield Item(fact.name, edit.day or here, text, role=role)
            case History():
                yield from self._happened(fact, choice, setting, here, is_silent=edit.is_silent)

    def _counted(
        self,
        fact: Fact,
        number: int,
        window: tree.Window | None,
        choices: Choices,
        setting: Setting,
        edit: Edit,
    ) -> Iterator[Item]:
        """So many records, the earliest of them on the day of the edit; the row itself is one of its own fact."""
        _, last = setting.days_of(window, choices)
        days = [last - n * DAY for n in range(number)]
        if edit.day and days:
            days[-1] = edit.day
        for day in days:
            yield _record_of(fact, day, setting)

    def _happened(
        self, fact: Fact, day: object, setting: Setting, here: date, *, is_silent: bool
    ) -> Iterator[Item]:
        if isinstance(day, date):
            yield _record_of(fact, day, setting)
        elif fact.absence is not Absence.NO and not is_silent:
            yield Item(fact.name, here, occurred=False)

    # --- events ---------------------------------------------------------------------------------------------------------

    def event(self, name: str, day: date, setting: Setting, happens: bool) -> list[Item]:
        """What makes an event of the protocol happen on a day, or shows on that day that it has not."""
        event = setting.protocol.events[name]
        if not happens:
            return self.none_of([name], day, setting)
        if event.reported:
            return [Item(name, day)]
        if event.all_of:
            return [item for member in event.all_of for item in self.event(member, day, setting, True)]
        if event.any_of:
            by_rule = [one for one in event.any_of if not setting.protocol.events[one].reported]
            return self.event((by_rule or list(event.any_of))[0], day, setting, True)
        rule = self._rule(name)
        return self._rows([rule], day, setting, happens=True)

    def shown(self, name: str, day: date, setting: Setting) -> list[Item]:
        """A record of an event or a fact on a day, whatever it says."""
        if name in setting.protocol.events:
            return self.event(name, day, setting, True)
        return [_record_of(setting.fact(name), day, setting)]

    def none_of(self, names: Sequence[str], day: date, setting: Setting) -> list[Item]:
        """What shows on a day that none of several events has happened; reported ones are simply not reported."""
        by_rows: dict[str, list[WrittenRule]] = {}
        for name in self._by_rule(names, setting.protocol):
            rule = self._rule(name)
            by_rows.setdefault(rule.scope.rows_of or "", []).append(rule)
        return [item for rules in by_rows.values() for item in self._rows(rules, day, setting, happens=False)]

    def rules_of(self, name: str) -> Iterator[WrittenRule]:
        """The rules of an event and of all that make it; reported ones have none."""
        event = self.loaded.protocol.events[name]
        for member in (*event.all_of, *event.any_of):
            yield from self.rules_of(member)
        if event.when:
            yield self.loaded.writing.rules[f"events.{name}.when"]

    def is_no_row_of(self, name: str, item: Item, setting: Setting) -> bool:
        """Whether a result is surely no row that makes an event."""
        return all(judge_row(rule, item, setting) is False for rule in self.rules_of(name))

    def facts_of(self, name: str) -> set[str]:
        """Everything that the rules of an event look at, through the events they are about."""
        events = self.loaded.protocol.events
        found: set[str] = set()
        for rule in self.rules_of(name):
            for fact in {getattr(node, "fact", None) or rule.scope.rows_of for node in walk(rule.condition)}:
                found |= self.facts_of(fact) if fact in events else {fact} if fact else set()
        return found

    def _by_rule(self, names: Sequence[str], protocol: Protocol) -> Iterator[str]:
        """The events with a rule that must not happen so that none of some events does."""
        for name in names:
            event = protocol.events[name]
            if event.all_of or event.any_of:
                yield from self._by_rule(event.any_of or event.all_of[:1], protocol)
            elif not event.reported:
                yield name

    def _rule(self, name: str) -> WrittenRule:
        rule = self.loaded.writing.rules[f"events.{name}.when"]
        if rule.scope.rows_of is None:
            raise NotTestable(f"`{name}` is judged on no row")
        return rule

    def _rows(
        self, rules: Sequence[WrittenRule], day: date, setting: Setting, *, happens: bool
    ) -> list[Item]:
        """A row of a day that fulfils a rule, with what must follow, or one that fulfils none of several."""
        splits = [split_repeat(rule.condition) for rule in rules]
        inner = tree.any_of(*dict.fromkeys(split.inner for split in splits))
        last = setting.last_day_of_drugs
        there = replace(
            setting,
            scope=rules[0].scope,
            day=day,
            here=None,
            last_dose=last,
            units=units_of(inner, rules[0].scope),
        )
        for answers in answers_for(inner, happens):
            choices = choose(answers, there)
            if choices is not None:
                rows = [(row, True) for row in days_again(splits[0].repeat, day)] if happens else []
                later = self.rows_after(inner, choices, there, rows)
                return list(self.sketch(choices, there, rule=inner, later=later).items)
        raise NotTestable(f"no row decides `{rules[0].path[1]}`")

    def row_event(self, setting: Setting, own: Sequence[Item]) -> list[Item]:
        """The row itself, where it is a drug given or an event that no result of the rule makes already."""
        rows_of = setting.scope.rows_of
        if rows_of is None or setting.here is not None:
            return []
        fact = setting.fact(rows_of)
        if not fact.kind.is_history:
            return []
        if fact.kind is not Kind.EVENT:
            return [Item(rows_of, setting.day)]
        if setting.protocol.events[rows_of].when:
            rule = self._rule(rows_of)
            is_once = split_repeat(rule.condition).repeat is None
            if is_once and any(one.day == setting.day and judge_row(rule, one, setting) for one in own):
                return []
        return self.event(rows_of, setting.day, setting, happens=True)

    # --- what must be there besides -------------------------------------------------------------------------------------

    def compose(self, items: Sequence[Item], setting: Setting, during: str | None) -> Sketch:
        """The patient of whom some things are on record, with the anchors and doses that days are counted from."""
        nothing = tree.Had("", tree.Ever())
        made = self.sketch(
            {}, replace(setting, scope=replace(setting.scope, rows_of=None)), rule=nothing, during=during
        )
        return replace(made, items=tuple(dict.fromkeys((*items, *made.items))))

    def ended(self, sketch: Sketch, treatment: str | None, setting: Setting) -> Sketch:
        """The patient whose treatment ends on the day of judgement, and who had it at all."""
        if treatment is None:
            return sketch
        doses = (
            () if any(item.fact == treatment for item in sketch.items) else (Item(treatment, setting.zero),)
        )
        return replace(sketch, items=(*sketch.items, *doses), ends={treatment: setting.day})

    def _doses(
        self, choices: Choices, setting: Setting, rule: Condition, during: str | None
    ) -> Iterator[Item]:
        """First and last dose of drugs that days are counted from, or a record of other facts; where nothing is chosen."""
        governed = governed_by(choices)
        for name in dict.fromkeys(self._counted_from(setting, rule, during)):
            fact = setting.fact(name)
            if name in governed or fact.kind in (Kind.DATE, Kind.EVENT):
                continue
            ends = ("first", "last") if fact.kind is Kind.DRUG else ("first",)
            yield from (_record_of(fact, setting.default_day(name, which), setting) for which in ends)

    def _counted_from(self, setting: Setting, rule: Condition, during: str | None) -> Iterator[str]:
        protocol, nodes = setting.protocol, list(walk(rule))
        moments = [node for node in nodes if isinstance(node, Moment)]
        named = {getattr(node, "fact", None) for node in nodes} | {moment.name for moment in moments}
        moments += fixed_moments(protocol, setting.here)
        periods = {node.period for node in nodes if isinstance(node, tree.During)} | {during or ""}
        periods |= {event.during or "" for name, event in protocol.events.items() if name in named}
        for period in sorted(periods & protocol.periods.keys()):
            span = parse_span(protocol.periods[period].span)
            moments += [span.start, span.end]
        yield from sorted(periods & protocol.treatments.keys())
        for moment in moments:
            yield from names_in(moment, protocol)


def governed_by(choices: Choices) -> set[str]:
    """What is recorded just as often as was chosen."""
    return {slot.fact for slot in choices if isinstance(slot, (History, tree.Count))}


def _is_event(slot: Slot, setting: Setting) -> bool:
    return isinstance(slot, History) and setting.fact(slot.fact).kind is Kind.EVENT


def _near(window: tree.Window | None, choices: Choices, setting: Setting) -> date:
    """A day inside a window: the moment it counts from, or its last day."""
    first, last = setting.days_of(window, choices)
    counts_on = isinstance(window, tree.Within) and window.side == "after"
    return first if counts_on else last


def _place(slot: tree.Pick, choices: Choices, setting: Setting) -> date:
    """A day inside a window and outside all other windows in which the rule looks at results of the same fact.

    Raises
    ------
    NotTestable
        If there is none at either end.
    """
    others = [
        setting.days_of(one.window, choices)
        for one in choices
        if isinstance(one, tree.Pick) and one.fact == slot.fact and one.window != slot.window
    ]
    near = _near(slot.window, choices, setting)
    for day in (near, *setting.days_of(slot.window, choices)):
        if day > date.min and not any(first <= day <= last for first, last in others):
            return day
    raise NotTestable("another part of the rule looks at the same results")


def _record_of(fact: Fact, day: date, setting: Setting) -> Item:
    """A record of a fact on a day, whatever it says."""
    if fact.kind.is_history:
        return Item(fact.name, day)
    return _finding(fact, day, fact.levels[0] if fact.levels else normal_limit(fact), _AS_CHOSEN, setting)


def _finding(fact: Fact, day: date, choice: object, edit: Edit, setting: Setting) -> Item:
    text = edit.text or (f"{choice.normalize():f}" if isinstance(choice, Decimal) else str(choice))
    unit = unit_of(fact, setting.units)
    if not (fact.has_normal_range and edit.has_limits):
        return Item(fact.name, edit.day or day, text, unit=unit)
    upper = setting.scale * normal_limit(fact)
    return Item(fact.name, edit.day or day, text, upper, upper / 2, unit=unit)


def _parts(fact: Fact, points: int) -> dict[str, str]:
    """Results of the parts of a score that together give so many points."""
    table = POINTS.get(fact.concept or "")
    if table is None:
        raise NotTestable(f"no results are kept that give a known {fact.label}")
    left, parts = points - len(table), {}
    for part, texts in table.items():
        more = max(0, min(2, left))
        left -= more
        parts[part] = texts[more]
    return parts


def _part(concept: str, setting: Setting) -> Fact:
    return next(fact for fact in setting.scope.facts.values() if fact.concept == concept)
