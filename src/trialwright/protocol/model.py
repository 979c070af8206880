"""The protocol document: every section of `trialwright/1`.

A key in the file is the name of a field with its underscores written as spaces (`time_zero` is `time zero`). The
docstrings below are the reference of the language: the JSON Schema and the documentation are made from them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from trialwright.protocol.analyses import Analysis
from trialwright.vocabulary.elements import (
    Date,
    DurationText,
    Element,
    Level,
    Many,
    Name,
    OneOrMore,
    Probability,
    Words,
)

FORMAT = "trialwright/1"

Status = Literal["registered", "assumed", "not stated"]


class Stated(Element):
    """What every part of a protocol may say of itself."""

    source: Words | None = None
    """Where the statement comes from: registry record and place in it, guideline, paper."""
    status: Status | None = None
    """`registered`: the record says so; `assumed`: our choice; `not stated`: the record is silent."""
    reason: Words | None = None
    """Why an assumption was made, or what the silence means."""


class Version(Element):
    """One version of the protocol; subjects know the version they consented to."""

    number: Words
    date: Date
    supersedes: Words | None = None


class Registration(Element):
    """Where the study is registered."""

    nct: Annotated[str, StringConstraints(pattern=r"^NCT[0-9]{8}$")] | None = None
    """ClinicalTrials.gov identifier."""
    other: Many[Words] = ()
    """Further identifiers, as the sponsor writes them."""


class Study(Stated):
    """What the study is."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]([A-Za-z0-9 ._-]{0,38}[A-Za-z0-9])?$")]
    title: Words
    registered: Registration | None = None
    type: Literal["interventional", "observational"]
    allocation: Literal["single arm", "randomised", "not randomised", "not applicable"]
    masking: Literal["open", "single", "double", "triple"] | None = None
    phase: Literal["1", "1/2", "2", "2/3", "3", "4", "not applicable"] | None = None
    enrolment: Annotated[int, Field(gt=0, le=10_000_000)] | None = None
    """Planned number of participants (for a finished cohort, those it holds)."""
    sponsor: Words | None = None
    objective: Words | None = None
    """What the study is to find out, in one or two sentences."""
    caution: Many[Words] = ()
    """What a reader must know before reading any result; printed first."""


class Fact(Stated):
    """Something known of a patient: a measurement, a category, a date, a history."""

    label: Words
    kind: Literal["number", "category", "yes or no", "date", "score", "history", "attestation"]
    unit: Words | None = None
    concept: Name | None = None
    """Name in the catalogue of concepts; whatever is written here overrides the catalogue."""
    levels: dict[Level, Words] = {}
    """For a category: each level and its label, in reporting order."""
    absence: Literal["no", "unknown", "ask"] = "unknown"
    """What it means when no record exists."""
    by: Words | None = None
    """For an attestation: the role that attests."""
    valid_for: DurationText | None = None
    """For an attestation: how long it holds."""

    @model_validator(mode="after")
    def _levels_belong_to_categories(self) -> Self:
        if self.levels and self.kind != "category":
            raise PydanticCustomError(
                "unfit_levels", "only a category has levels, and this is a {kind}", {"kind": self.kind}
            )
        return self


class Assay(Stated):
    """How a fact is measured, and between which limits."""

    measures: Name
    name: Words | None = None
    lower_limit: Words | None = None
    """Lower limit of quantification with unit."""
    upper_limit: Words | None = None
    """Upper limit of quantification with unit."""
    copies_per_iu: Annotated[float, Field(gt=0)] | None = None
    """For HBV DNA: copies per IU of this assay."""


class Treatment(Stated):
    """A study treatment and when it stops."""

    label: Words | None = None
    dose: Words | None = None
    route: Words | None = None
    every: DurationText | None = None
    until: Many[Words] = ()
    """Stopping rules, any of which ends the treatment."""


class Group(Stated):
    """A group of subjects that the analysis compares."""

    label: Words
    treatments: Many[Name] = ()
    assigned_by: Literal["chance", "decision", "characteristic"] | None = None
    """Randomisation, a recorded decision, or something that was so before the study."""
    when: Words | None = None


class Anchor(Stated):
    """A date that time is counted from."""

    text: Words
    when: Words | None = None


class Period(Stated):
    """A span between two anchors."""

    span: Words
    """`first durvalumab to last durvalumab + 28 days`"""


class Population(Stated):
    """The subjects an analysis counts."""

    label: Words
    text: Words | None = None
    when: Words | None = None


class Criterion(Stated):
    """One eligibility criterion: the sentence people read and the rule that decides."""

    text: Words
    when: Words | None = None


class Eligibility(Element):
    """Who may take part: all inclusion criteria hold, and no exclusion criterion."""

    inclusion: dict[Name, Criterion] = {}
    exclusion: dict[Name, Criterion] = {}


class Visit(Stated):
    """A planned contact."""

    label: Words
    at: DurationText | None = None
    every: DurationText | None = None
    until: Words | None = None
    tolerance: DurationText | None = None
    measures: Many[Name] = ()


class Clock(Stated):
    """Something that must happen in time: a largest gap, an interval, a start, a cover."""

    measure: Name | None = None
    assess: Name | None = None
    start_of: Name | None = None
    keep: Name | None = None
    at_least_every: DurationText | None = None
    every: Words | None = None
    """`12 weeks` or `8 to 12 weeks`."""
    within: Words | None = None
    at_least: Words | None = None
    tolerance: DurationText | None = None
    counts_from: Literal["previous contact", "anchor"] = "previous contact"
    missed_after: DurationText | None = None
    """From when on late is missed."""
    during: Words | None = None


class Event(Stated):
    """Something that happens to a subject, as the protocol defines it."""

    text: Words | None = None
    of: Name | None = None
    """The fact whose rows are judged."""
    when: Words | None = None
    """The rule, in the words of the rule language."""
    all_of: Many[Name] = ()
    any_of: Many[Name] = ()
    within: DurationText | None = None
    """With `all of`: the longest time between the first and the last of them."""
    confirmed_after: DurationText | None = None
    reported: bool = False
    """The data say whether and when it happened; nothing is derived."""


Strategy = Literal[
    "treatment policy",
    "hypothetical",
    "composite",
    "while on treatment",
    "while alive",
    "principal stratum",
    "competing event",
    "no event",
]


class Estimand(Stated):
    """The five attributes of ICH E9(R1); further keys name intercurrent events and their strategies."""

    treatment: Words | None = None
    population: Name
    variable: Words | None = None
    intercurrent_events: dict[Words, Strategy] = {}
    summary: Words | None = None


class Endpoint(Stated):
    """What the study measures to answer its question."""

    label: Words
    abbreviation: Words | None = None
    kind: Literal["rate", "time to event", "best response", "change", "worst grade", "count"]
    role: Literal["primary", "secondary", "exploratory"]
    rate_of: Name | None = None
    time_to: OneOrMore[Name] = ()
    """The events that count, whichever comes first."""
    competing: OneOrMore[Name] = ()
    censored_at: Words | None = None
    from_: Words | None = None
    """The anchor time is counted from; the protocol's time zero if not said."""
    unit: Literal["days", "weeks", "months", "years"] | None = None
    """The unit of the recorded times."""
    during: Words | None = None
    time_frame: DurationText | None = None
    reader: Literal["local", "central"] | None = None
    """Whose assessment counts."""
    reported: bool = False
    """The data give time and status ready for analysis; nothing is derived."""
    estimand: Estimand | None = None


class Assumption(Stated):
    """A number the design rests on."""

    value: float | Words
    unit: Words | None = None
    text: Words | None = None


class Scenario(Stated):
    """A named set of assumptions for design and virtual trials."""

    text: Words
    assumptions: dict[Name, float | Words] = {}


class Design(Stated):
    """The registered statistical design."""

    alpha: Probability | None = None
    sides: Literal[1, 2] | None = None
    power: Probability | None = None
    hazard_ratio: Annotated[float, Field(gt=0)] | None = None


class Deviation(Stated):
    """A departure from the protocol that is looked for."""

    text: Words
    severity: Literal["minor", "important"]
    when: Words | None = None


class Monitoring(Stated):
    """What is watched while the study runs."""

    text: Words
    event: Name | None = None
    boundary: Words | None = None
    in_force_since: Date | None = None


class Reporting(Stated):
    """Settings of the report."""

    small_group_subjects: Annotated[int, Field(ge=0)] = 30
    """A group with fewer subjects is called small, loudly."""
    small_group_events: Annotated[int, Field(ge=0)] = 10
    """A group with fewer events is called small, loudly."""
    events_per_coefficient: Annotated[int, Field(ge=0)] = 10
    """A Cox model with fewer events for each coefficient is called overfitted (Peduzzi 1995)."""
    balance_limit: Annotated[float, Field(gt=0)] = 0.25
    """Standardised differences above it are marked."""


def _known_format(value: object) -> object:
    if value != FORMAT:
        raise PydanticCustomError(
            "unknown_format",
            "this program reads `{known}`, found `{found}`",
            {"known": FORMAT, "found": value},
        )
    return value


class Protocol(Element):
    """One protocol file."""

    format: Annotated[Literal["trialwright/1"], BeforeValidator(_known_format)]
    version: Version | None = None
    study: Study
    facts: dict[Name, Fact] = {}
    assays: dict[Name, Assay] = {}
    treatments: dict[Name, Treatment] = {}
    groups: dict[Name, Group] = {}
    anchors: dict[Name, Anchor] = {}
    time_zero: Words | None = None
    baseline: Words | None = None
    periods: dict[Name, Period] = {}
    populations: dict[Name, Population] = {}
    eligibility: Eligibility = Eligibility()
    visits: dict[Name, Visit] = {}
    clocks: dict[Name, Clock] = {}
    events: dict[Name, Event] = {}
    endpoints: dict[Name, Endpoint] = {}
    analyses: dict[Name, Analysis] = {}
    design: Design | None = None
    assumptions: dict[Name, Assumption] = {}
    scenarios: dict[Name, Scenario] = {}
    deviations: dict[Name, Deviation] = {}
    monitoring: dict[Name, Monitoring] = {}
    reporting: Reporting = Reporting()

    def to_plain(self) -> dict[str, Any]:
        """The document as plain data, as a file would hold it, without what is left at its default."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> Self:
        """The document from plain data; what a file may not hold raises pydantic's ValidationError."""
        return cls.model_validate(data)
