"""What is known of one person, as the readers of rules take it: observations, and the dates a rule is judged by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import FIRST_YEAR, LAST_YEAR, PartialDate

ANY_DAY = PartialDate.parse(f"{FIRST_YEAR}/{LAST_YEAR}")
"""The date of an observation without a date."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One record of a person.

    Parameters
    ----------
    id : str
        What a verdict cites: the key of a database row, the line of a file.
    fact : str
        Name of the fact it is a record of.
    date : PartialDate
        When the sample was taken, the drug given, the event seen; `ANY_DAY` if nobody knows.
    value : Interval, str or None
        The numbers a result may stand for, the text of a level or of what could not be read as a number; None where
        there is no result (not done, haemolysed), which is then no measurement, and for drugs, procedures, conditions,
        events and dates. An attestation says `yes` or `no`.
    unit : str, optional
        As reported. None where it is not given or there is none.
    lln, uln : float, optional
        The laboratory's limits of normal for this very result, in its unit.
    assay : str, optional
        What measured it, where a conversion depends on that.
    by : str, optional
        The role that attested.
    comment : str
        For people; no reader judges by it.
    is_converted : bool
        Whether the number went through a factor before it came here, so that it is compared with the tolerance of
        products.
    """

    id: str
    fact: str
    date: PartialDate = ANY_DAY
    value: Interval | str | None = None
    unit: str | None = None
    lln: float | None = None
    uln: float | None = None
    assay: str | None = None
    by: str | None = None
    comment: str = ""
    is_converted: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """One person and the dates rules are judged by.

    Parameters
    ----------
    observations : iterable of Observation
        In any order.
    anchor : PartialDate
        Where a rule is judged that is not judged per row.
    birth : PartialDate, optional
    baseline_at : PartialDate, optional
        The moment of baseline: a fact's baseline is its last result on or before it.
    periods : mapping of str to (PartialDate, PartialDate)
        First and last day of each period of the protocol, as far as they are known.
    cut : PartialDate, optional
        The data cut. Observations after it do not exist.
    id : str
        What the person is called, never a name.

    Attributes
    ----------
    by_fact : mapping of str to tuple of Observation
        The observations by fact, in the order given.
    """

    observations: tuple[Observation, ...]
    anchor: PartialDate
    birth: PartialDate | None = None
    baseline_at: PartialDate | None = None
    periods: Mapping[str, tuple[PartialDate, PartialDate]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    cut: PartialDate | None = None
    id: str = ""
    by_fact: Mapping[str, tuple[Observation, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "observations", tuple(self.observations))
        object.__setattr__(self, "by_fact", _grouped(self.observations))


def _grouped(observations: Iterable[Observation]) -> Mapping[str, tuple[Observation, ...]]:
    groups: dict[str, list[Observation]] = {}
    for observation in observations:
        groups.setdefault(observation.fact, []).append(observation)
    return MappingProxyType({fact: tuple(group) for fact, group in groups.items()})
