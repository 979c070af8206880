"""What an observation says, in the unit of its fact: the numbers it may stand for, a level, or a date."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from trialwright.evaluation.observations import ANY_DAY, Observation
from trialwright.protocol.facts import Fact
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.units import (
    Equivalence,
    Unit,
    UnitsDoNotConvert,
    UnknownUnit,
    conversion_factor,
)
from trialwright.vocabulary.verdicts import Reason


@dataclass(frozen=True, slots=True)
class Reading:
    """An interval, a level (None where it cannot be told) or a date, and why it is not exact.

    `lln` and `uln` are the limits of normal that came with it, in the unit of the fact. `is_calculated` marks a number
    that went through a multiplication or a difference and is compared with the tolerance of products.
    """

    value: Interval | str | PartialDate | None
    reason: Reason | None = None
    lln: Interval | None = None
    uln: Interval | None = None
    is_calculated: bool = False
    observation: Observation | None = field(default=None, compare=False)

    @property
    def is_open(self) -> bool:
        """Whether nothing at all is known of the value."""
        return self.value is None or (
            isinstance(self.value, Interval) and self.value == _ANYTHING and self.reason is not None
        )

    @property
    def date(self) -> PartialDate:
        """When the observation was made; any day for what is computed."""
        return self.observation.date if self.observation else ANY_DAY

    @property
    def number(self) -> Interval:
        """The value, where the checks of the rule say that it is a number."""
        if not isinstance(self.value, Interval):
            raise TypeError(f"{self.value!r} is not a number")
        return self.value


_ANYTHING = Interval.anything()

Readings = tuple[Sequence[Reading], Reason]
"""Readings any of which may be the one asked for, and what to blame where they differ."""

Score = Callable[[Mapping[str, Readings]], Reading]
"""A published score from the readings of each of its parts, by concept."""


def read_observation(observation: Observation, fact: Fact) -> Reading:
    """What an observation says of its fact; of what happened, and of a date, that is its date.

    A number whose unit is not known may be any number, and so may one that cannot be read. A level the fact does not
    have may be any level.
    """
    if fact.kind in _DATED:
        return Reading(observation.date, observation=observation)
    if fact.kind is not Kind.NUMBER:
        if observation.value in (fact.levels or ("yes", "no")):
            return Reading(str(observation.value), observation=observation)
        return Reading(None, Reason.UNREADABLE, observation=observation)
    value = observation.value
    if not isinstance(value, Interval):
        return Reading(_ANYTHING, Reason.UNREADABLE, observation=observation)
    factor = factor_to(fact, observation.unit, observation.assay)
    if factor is None:
        return Reading(_ANYTHING, Reason.UNIT_UNKNOWN, observation=observation)
    return Reading(
        value.scaled(factor) if factor != 1 else value,
        None if value.is_exact else Reason.CENSORED,
        _scaled(observation.lln, factor),
        _scaled(observation.uln, factor),
        is_calculated=factor != 1 or observation.is_converted,
        observation=observation,
    )


_DATED = frozenset(kind for kind in Kind if kind is Kind.DATE or kind.is_history)


def factor_to(fact: Fact, unit: str | None, assay: str | None) -> float | None:
    """What turns a number in `unit` into the unit of a fact; None if nothing does."""
    if unit is None or fact.unit is None:
        return 1.0 if unit is None and fact.unit is None else None
    if unit == fact.unit.code:
        return 1.0
    return _factor(unit, fact.unit, fact.equivalences, assay or fact.assay)


@lru_cache(maxsize=4096)
def _factor(
    source: str, target: Unit, equivalences: tuple[Equivalence, ...], assay: str | None
) -> float | None:
    try:
        return float(conversion_factor(source, target, equivalences=equivalences, assay=assay))
    except (UnknownUnit, UnitsDoNotConvert):
        return None


def _scaled(limit: float | None, factor: float) -> Interval | None:
    return None if limit is None else Interval.exactly(limit * factor)
