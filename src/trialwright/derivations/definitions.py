"""What a protocol defines by what: the order in which its events, anchors, periods and its baseline can be derived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from trialwright.derivations.observations import names_in
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Scope
from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.model import Protocol
from trialwright.protocol.moments import Selection
from trialwright.protocol.references import DEATH, names_used
from trialwright.protocol.written_rules import Date, WrittenRule, moments_of
from trialwright.vocabulary.problems import Problem, ProblemsFound

BASELINE = "baseline"
_SECTIONS = tuple(name.replace("_", " ") for name in Protocol.model_fields)
RELATIVE = (tree.Baseline, tree.Nadir, tree.Change, tree.Ratio)
"""What rules say of a result beside its baseline."""


@dataclass(frozen=True)
class Definitions:
    """The definitions of a protocol.

    Parameters
    ----------
    loaded : LoadedProtocol
    """

    loaded: LoadedProtocol

    @property
    def rules(self) -> Mapping[str, WrittenRule]:
        """The rules of the protocol by their dotted path."""
        return self.loaded.writing.rules

    @cached_property
    def nodes(self) -> Sequence[tree.Node]:
        """All that the rules of the protocol are made of."""
        return [node for rule in self.rules.values() for node in tree.walk(rule.condition)]

    @property
    def baseline_selection(self) -> Selection | None:
        """Which result is the baseline of each fact, as the protocol says."""
        protocol, written = self.loaded.protocol, self.loaded.writing.dates
        path = (
            f"baselines.{protocol.baseline}.take" if protocol.baseline in protocol.baselines else "baseline"
        )
        found = written.get(path)
        return found.date if found is not None and isinstance(found.date, Selection) else None

    def order(self) -> TopologicalSorter[str]:
        """Events, anchors, periods and the baseline, each after all that it names.

        Raises
        ------
        ProblemsFound
            `cyclic-definition`, if a thing is defined by itself.
        """
        needs = self.needs
        sorter = TopologicalSorter({name: named & needs.keys() for name, named in needs.items()})
        try:
            sorter.prepare()
        except CycleError as error:
            chain = " by ".join(f"`{one}`" for one in reversed(error.args[1]))
            message = f"`{error.args[1][-1]}` is defined by itself: {chain}"
            raise ProblemsFound([Problem("cyclic-definition", message)]) from None
        return sorter

    @cached_property
    def needs(self) -> Mapping[str, set[str]]:
        """What each event, anchor and period, and the baseline, names."""
        protocol, written = self.loaded.protocol, self.loaded.writing.dates
        moments = {name: f"anchors.{name}.at" for name in protocol.anchors}
        moments |= {during(name): f"periods.{name}.span" for name in protocol.periods}
        needs = {
            name: _named_by(written[path].date) if path in written else set()
            for name, path in moments.items()
        }
        needs[BASELINE] = _named_by(self.baseline_selection)
        for name, event in protocol.events.items():
            named = {*event.all_of, *event.any_of, event.of, event.dated_to, event.during}
            named |= {during(event.during)} if event.during else set()
            named = named.union(*map(_asked_by, self.conditions_of(name)))
            needs[name] = {one for one in named if one}
        return needs

    def named_under(self, *sections: str) -> set[str]:
        """What the rules, dates and keys of some sections of the protocol name."""
        uses = names_used(self.loaded.protocol)
        named = {name for path, name, _ in uses if path[0] in sections}
        rules = (_asked_by(one.condition) for one in self.rules.values() if one.path[0] in sections)
        dates = (told_by(one.date) for one in self.loaded.writing.dates.values() if one.path[0] in sections)
        return named.union(*rules, *dates)

    def frame(self) -> set[str]:
        """What everything counts from: anchors, treatments, periods, the baseline, and what any date of the protocol names."""
        protocol, written = self.loaded.protocol, self.loaded.writing.dates
        named = {"birth_date", DEATH, BASELINE, *protocol.anchors, *protocol.treatments}
        return named.union(map(during, protocol.periods), *(told_by(one.date) for one in written.values()))

    def asked(self, scope: Scope, wanted: Iterable[str] | None = None) -> frozenset[str]:
        """What must be known: what is wanted, or all the protocol has and names; the frame, and what both rest on."""
        protocol = self.loaded.protocol
        if wanted is None:
            wanted = {*protocol.facts, *protocol.events, *self.named_under(*_SECTIONS)}
        found = self.rests_on({*wanted, *self.frame()})
        by_concept = {fact.concept: name for name, fact in scope.facts.items() if fact.concept}
        parts = {part for name in found if name in scope.facts for part in scope.facts[name].parts}
        return found | {by_concept[part] for part in parts if part in by_concept}

    def rests_on(self, names: Iterable[str]) -> frozenset[str]:
        """Names with all that they are defined by."""
        left, found = [*names], set[str]()
        while left:
            if (name := left.pop()) not in found:
                found.add(name)
                left += self.needs.get(name, ())
        return frozenset(found)

    def conditions_of(self, event: str) -> Sequence[tree.Condition]:
        """The rules of an event: when it happens, and when it is over."""
        paths = [f"events.{event}.{key}" for key in ("when", "over when")]
        return [self.rules[path].condition for path in paths if path in self.rules]


def during(period: str) -> str:
    """What a period is called among names of other things."""
    return f"during {period}"


def _asked_by(condition: tree.Condition) -> set[str]:
    """The facts, periods and perhaps the baseline that a rule asks for."""
    nodes = list(tree.walk(condition))
    named = names_in(condition) | {during(node.period) for node in nodes if isinstance(node, tree.During)}
    return named | {BASELINE} if any(isinstance(node, RELATIVE) for node in nodes) else named


def told_by(date: Date) -> set[str]:
    """What a date is told by."""
    return {one.name for one in moments_of(date) if one.name}


def _named_by(date: Date | None) -> set[str]:
    """What a date rests on: of a selection the moment up to which it goes."""
    told = date.until if isinstance(date, Selection) else date
    return told_by(told) if told else set()
