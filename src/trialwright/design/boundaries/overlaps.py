"""Whether what is made for an event and what a rule looks at itself leave each other alone.

An event is made of records, and a rule that asks for it may look at results of the same fact: in `had(loss) and
last(hbsag, 28 days) < 0.05` both look at HBsAg. What is expected of a patient holds only if no record made for the event
answers another question of the rule, and no result of the rule makes the event, interrupts it or begins it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from trialwright.design.boundaries.choices import (
    DAY,
    Choices,
    History,
    Setting,
    Slot,
    answer,
    fact_of,
    slots_of,
)
from trialwright.design.boundaries.patients import A_MONTH, Inventor, Made, governed_by
from trialwright.design.boundaries.questions import questions_of
from trialwright.design.boundaries.sketches import Item
from trialwright.design.boundaries.surroundings import Repeat, split_repeat
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.rule_tree import Condition

_RESULTS = (tree.Pick, tree.Count, tree.RowValue, tree.Baseline, tree.Nadir)
_FROM_BASELINE = (tree.Baseline, tree.Change, tree.Ratio)


@dataclass(frozen=True, slots=True)
class Composed:
    """A patient as made for a rule: what was chosen for its slots, and the records that fill them."""

    inner: Condition
    choices: Choices
    made: Made
    setting: Setting
    inventor: Inventor

    def is_sound(self) -> bool:
        """Whether the row, every event the rule asks for and every result it looks at can be told apart."""
        events = [
            slot.fact
            for slot in self.choices
            if isinstance(slot, History) and slot.fact in self.setting.protocol.events
        ]
        return (
            self._has_one_result_a_day()
            and self._has_one_result_a_window()
            and self._has_one_row()
            and all(self._is_as_chosen(name) and self._is_apart(name) for name in events)
        )

    def is_still_seen(self, day: date) -> bool:
        """Whether on a later row, too, every question sees what was made for it, but for what the row itself is made of."""
        of_row = self._facts_of_row()
        slots = [
            slot
            for slot in self.choices
            if isinstance(slot, (tree.Pick, tree.Count)) and slot.fact not in of_row
        ]
        here, there = (
            [item for slot in slots for item in self.made.everything if self._is_seen(item, slot, setting)]
            for setting in (self.setting, replace(self.setting, day=day))
        )
        return here == there

    # --- results ----------------------------------------------------------------------------------------------------------

    def _has_one_result_a_day(self) -> bool:
        texts: dict[tuple[str, date], set[str]] = {}
        for item in self.made.everything:
            if item.text is not None:
                texts.setdefault((item.fact, item.day), set()).add(item.text)
        return all(len(several) == 1 for several in texts.values())

    def _has_one_result_a_window(self) -> bool:
        """Whether in a window no other result of the rule stands than the one that was made for it."""
        return not any(
            item not in own and self._is_seen(item, slot, self.setting)
            for slot, own in self.made.slots.items()
            if isinstance(slot, tree.Pick)
            for item in self.made.own
        )

    def _is_seen(self, item: Item, slot: Slot, setting: Setting) -> bool:
        """Whether a question looks at a record: in its window, or wherever it is."""
        if item.fact != fact_of(slot, setting).name:
            return False
        if not isinstance(slot, (tree.Pick, tree.Count)):
            return True
        first, last = setting.days_of(slot.window, self.choices)
        return first <= item.day <= last

    def _shared(self, facts: set[str]) -> list[Slot]:
        """What the rule looks at among the results of some facts."""
        return [
            slot
            for slot in self.choices
            if isinstance(slot, _RESULTS) and fact_of(slot, self.setting).name in facts
        ]

    def _are_seen_by_chance(self, records: Iterable[Item], facts: set[str]) -> bool:
        """Whether a question looks at a record that was not made for it."""
        strangers = [item for item in records if item not in self.made.own]
        slots = self._shared(facts)
        return any(self._is_seen(item, slot, self.setting) for item in strangers for slot in slots)

    # --- the row ----------------------------------------------------------------------------------------------------------

    def _facts_of_row(self) -> set[str]:
        """What makes the row, where it is an event."""
        rows_of = self.setting.scope.rows_of
        is_event = rows_of in self.setting.protocol.events and self.setting.here is None
        return self.inventor.facts_of(rows_of) if rows_of and is_event else set()

    def _has_one_row(self) -> bool:
        """Whether a row that is an event is made by the results that the rule looks at, and they make no other."""
        facts, rows_of = self._facts_of_row(), self.setting.scope.rows_of
        if not facts or rows_of is None:
            return True
        if self._are_seen_by_chance(self.inventor.row_event(self.setting, self.made.own), facts):
            return False
        others = [item for item in self.made.own if item.fact in facts and item.day != self.setting.day]
        return all(self.inventor.is_no_row_of(rows_of, item, self.setting) for item in others)

    # --- events -----------------------------------------------------------------------------------------------------------

    def _asking(self, name: str) -> list[tree.Node]:
        """The questions that look at an event."""
        slot = History(name)
        return [one for one in questions_of(self.inner) if slot in slots_of(one, self.setting)]

    def _had(self, name: str, yes: bool) -> list[tree.Had]:
        """The questions whether an event was that are answered yes, or no."""
        return [
            one
            for one in self._asking(name)
            if isinstance(one, tree.Had) and answer(one, self.choices, self.setting) is yes
        ]

    def _is_as_chosen(self, name: str) -> bool:
        """Whether an event that is to have happened surely is one that counts, and is open nowhere.

        The row that finds it again may begin another, of which nobody can tell yet; then it is unknown whether it was.
        """
        day = self.choices[History(name)]
        if not isinstance(day, date):
            return True
        no, records = self._had(name, yes=False), self.made.events.get(name, ())
        if no != self._asking(name) and not self._counts(name, day):
            return False
        nodes = self._nodes_of(name)
        windows = [self.setting.days_of(one.window, self.choices) for one in no]
        again = [item.day for item in records if item.day > day]
        is_repeated = any(isinstance(node, Repeat) for node in nodes)
        return not (is_repeated and any(one <= last for one in again for _, last in windows))

    def _counts(self, name: str, day: date) -> bool:
        """Whether an event of a day lies in its period, and after what it is compared with."""
        period = self.setting.protocol.events[name].during
        first, last = self.setting.days_of_period(period, {}) if period else (day, day)
        for node in self._nodes_of(name):
            if isinstance(node, _FROM_BASELINE):
                first = max(first, self.setting.zero + DAY)
            if isinstance(node, tree.Nadir):
                first = max(first, self.setting.zero + A_MONTH + DAY)
        return first <= day <= last

    def _nodes_of(self, name: str) -> list[tree.Node]:
        return [node for rule in self.inventor.rules_of(name) for node in tree.walk(rule.condition)]

    def _is_apart(self, name: str) -> bool:
        """Whether an event and the results that the rule looks at leave each other alone."""
        facts = self.inventor.facts_of(name)
        if not self._shared(facts):
            return True
        records = [item for item in self.made.events.get(name, ()) if item.fact in facts]
        if self._are_seen_by_chance(records, facts):
            return False
        others = [item for item in self.made.own if item.fact in facts and item not in records]
        if isinstance(self.choices[History(name)], date):
            return self._is_made(name, records) and self._is_left_alone(name, records, others)
        makers = [item for item in others if not self.inventor.is_no_row_of(name, item, self.setting)]
        return not makers or self._is_taken_back(name, makers, records)

    def _is_made(self, name: str, records: Sequence[Item]) -> bool:
        """Whether all records of an event are made: what is recorded as often as was chosen is not made for events."""
        governed = governed_by(self.choices) - {name}
        return bool(records) and all(item.fact not in governed or item in self.made.own for item in records)

    def _is_left_alone(self, name: str, records: Sequence[Item], others: Iterable[Item]) -> bool:
        """Whether no other result stands among the records of an event, nor makes it on a day that matters."""
        first, last = min(item.day for item in records), max(item.day for item in records)
        may_be_again = self._had(name, yes=True) == self._asking(name)
        for item in others:
            if first <= item.day <= last:
                return False
            is_again = item.day > last and may_be_again
            if not is_again and not self.inventor.is_no_row_of(name, item, self.setting):
                return False
        return True

    def _is_taken_back(self, name: str, makers: Sequence[Item], records: Sequence[Item]) -> bool:
        """Whether the one result that would make an event, were it found again, is followed by one that fails."""
        rules = list(self.inventor.rules_of(name))
        is_repeated = len(rules) == 1 and split_repeat(rules[0].condition).repeat is not None
        return is_repeated and len(makers) == 1 and [item.day for item in records] == [makers[0].day + DAY]
