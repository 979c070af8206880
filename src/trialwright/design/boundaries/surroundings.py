"""What surrounds a rule: the days it counts from, its units, how it is to be found again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias

from trialwright.design.boundaries.choices import DAY, NotTestable, Setting
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Scope
from trialwright.protocol.model import Protocol
from trialwright.protocol.moments import parse_moment, parse_selection
from trialwright.protocol.rule_tree import Condition, Moment, walk

Repeat: TypeAlias = tree.Confirmed | tree.Consecutive
"""How a finding is to be found again."""

Later = tuple[date, bool]
"""The day of a row after the one that is judged, and whether it fulfils the rule."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A rule without its `confirmed after` or `consecutive`, and what that was."""

    inner: Condition
    repeat: Repeat | None


def split_repeat(condition: Condition) -> Repeated:
    """The rule of one row, and how it is to be found again.

    Raises
    ------
    NotTestable
        If it stands inside another condition.
    """
    inner, repeat = condition, None
    if isinstance(condition, (tree.Confirmed, tree.Consecutive)):
        inner, repeat = condition.condition, condition
    if any(isinstance(node, (tree.Confirmed, tree.Consecutive)) for node in walk(inner)):
        raise NotTestable("`confirmed after` and `consecutive` are tested where they hold for the whole rule")
    return Repeated(inner, repeat)


def fixed_moments(protocol: Protocol, here: Moment | None) -> list[Moment]:
    """Where a rule is judged, time zero, and what baseline is taken before."""
    baseline = protocol.baselines.get(protocol.baseline or "")
    take = baseline.take if baseline else protocol.baseline
    until = parse_selection(take).until if take else None
    zero = parse_moment(protocol.time_zero) if protocol.time_zero else None
    return [moment for moment in (here, zero, until) if moment is not None]


def names_in(moment: Moment, protocol: Protocol) -> Iterator[str]:
    """The drug or the recorded anchor a moment is told by, through anchors that are told by others."""
    anchor = protocol.anchors.get(moment.name or "")
    if anchor is not None and anchor.at:
        yield from names_in(parse_moment(anchor.at), protocol)
    elif moment.name:
        yield moment.name


def units_of(rule: Condition, scope: Scope) -> dict[str, str]:
    """The units that a rule asks in where they are not those of its facts."""
    units: dict[str, str] = {}
    for node in walk(rule):
        if isinstance(node, tree.Compare) and isinstance(node.right, tree.Quantity) and node.right.unit:
            name = getattr(node.left, "fact", None) or scope.rows_of
            fact = scope.facts.get(name or "")
            if (
                fact is not None
                and fact.unit is not None
                and node.right.unit != str(fact.unit)
                and not isinstance(node.left, (tree.Change, tree.Ratio))
            ):
                units[fact.name] = node.right.unit
    return units


def inside(setting: Setting, periods: Iterable[str | None]) -> Setting:
    """The setting with such a last dose of all drugs that its day lies inside some periods.

    Raises
    ------
    NotTestable
        If none of the days before it will do.
    """
    wanted = [period for period in periods if period]
    for days in range((setting.day - setting.zero).days + 1):
        tried = replace(setting, last_dose=setting.day - days * DAY) if wanted else setting
        spans = [tried.days_of_period(period, {}) for period in wanted]
        if all(first <= setting.day <= last for first, last in spans):
            return tried
    raise NotTestable(f"no day of the last dose puts the row inside {' and '.join(wanted)}")


def days_again(repeat: Repeat | None, day: date) -> list[date]:
    """The days of the rows that a repeated finding needs after a day, none later than needed."""
    match repeat:
        case tree.Confirmed(_, after):
            return [after.after(day)]
        case tree.Consecutive(_, times):
            return [day + n * 7 * DAY for n in range(1, times)]
        case _:
            return []
