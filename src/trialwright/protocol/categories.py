"""The words for what analyses compare and adjust by, facts and the groups under the name `groups`, and for treatments."""

from __future__ import annotations

from collections.abc import Mapping

from trialwright.protocol.compared_groups import standard_group
from trialwright.protocol.model import Protocol
from trialwright.protocol.references import GROUPS
from trialwright.vocabulary.concepts import catalogue

Said = tuple[str, str]
"""Words, and the path of the protocol that has them."""


def levels_of(protocol: Protocol, name: str) -> Mapping[str, str]:
    """The levels of a category, or the groups, with their labels, in reporting order; empty for a number."""
    if name == GROUPS:
        return {group: said.label for group, said in protocol.groups.items()}
    return protocol.facts[name].levels


def reference_level(protocol: Protocol, name: str) -> str:
    """The level that the others are compared with where nothing else is said: the standard group, else the first."""
    standard = standard_group(protocol) if name == GROUPS else None
    return standard or next(iter(levels_of(protocol, name)))


def pairs_compared(protocol: Protocol, by: str | None) -> list[tuple[str, str]]:
    """Each level with the one it is compared with; nothing where everybody is together."""
    if by is None:
        return []
    against = reference_level(protocol, by)
    return [(level, against) for level in levels_of(protocol, by) if level != against]


def level_words(protocol: Protocol, name: str, level: str) -> Said:
    """The words for a level."""
    section = GROUPS if name == GROUPS else f"facts.{name}.levels"
    path = f"{section}.{level}.label" if name == GROUPS else f"{section}.{level}"
    return levels_of(protocol, name)[level], path


def short_level_words(protocol: Protocol, name: str, level: str) -> Said:
    """The words for a level where it is compared with another: short, if the protocol has some."""
    if name == GROUPS and (short := protocol.groups[level].short):
        return short, f"{GROUPS}.{level}.short"
    return level_words(protocol, name, level)


def category_words(protocol: Protocol, name: str) -> Said:
    """The words for what is compared."""
    return ("Group", GROUPS) if name == GROUPS else (protocol.facts[name].label, f"facts.{name}.label")


def treatment_words(protocol: Protocol, name: str) -> Said:
    """The words for a treatment: its label, else its name."""
    return protocol.treatments[name].label or name.replace("_", " "), f"treatments.{name}.label"


def unit_words(protocol: Protocol, name: str) -> Said | None:
    """The unit of a number: the protocol's own, else that of the catalogue; None where it has none."""
    fact = protocol.facts.get(name)
    if fact is None or fact.kind not in ("number", "score"):
        return None
    if fact.unit:
        return fact.unit, f"facts.{name}.unit"
    unit = catalogue()[fact.concept].unit if fact.concept else None
    return (unit.label, f"facts.{name}.concept") if unit else None
