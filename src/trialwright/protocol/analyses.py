"""The analyses a protocol can ask for: one class for each method, every convention a key with its default."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trialwright.vocabulary.elements import (
    DurationText,
    Element,
    Level,
    ManyOnce,
    Name,
    PositiveDuration,
    Probability,
    Words,
)

ConfidenceType = Literal["log-log", "log", "plain"]
Role = Literal["registered", "supportive", "sensitivity"]


class AnalysisBase(Element):
    """What every analysis says."""

    title: Words
    population: Name
    role: Role = "supportive"
    """`registered`: the plan names it; `supportive`: beside it; `sensitivity`: the same question asked differently."""
    source: Words | None = None
    note: Words | None = None
    """What a reader should know when reading this result."""


class BaselineTable(AnalysisBase):
    """Characteristics by group, with standardised differences."""

    method: Literal["baseline table"]
    by: Name
    variables: Annotated[ManyOnce[Name], Field(min_length=1)]
    quantiles: Literal["type 7"] = "type 7"
    """Definition of quartiles (Hyndman and Fan 1996); type 7 is R's default."""


class KaplanMeier(AnalysisBase):
    """Survival curves with their rates at reading times and the median."""

    method: Literal["kaplan-meier"]
    endpoint: Name
    by: Name | None = None
    read_at: ManyOnce[DurationText] = ()
    ticks_every: PositiveDuration
    """Distance of the at-risk counts under the figure."""
    confidence: Probability = 0.95
    interval: ConfidenceType = "log-log"


class ReverseKaplanMeier(AnalysisBase):
    """Follow-up: the same estimate with the roles of event and censoring exchanged (Schemper and Smith 1996)."""

    method: Literal["reverse kaplan-meier"]
    endpoint: Name
    by: Name | None = None
    confidence: Probability = 0.95
    interval: ConfidenceType = "log-log"


class LogRank(AnalysisBase):
    """Log-rank test, plain or stratified; `rho` above 0 weights early differences (Harrington and Fleming 1982)."""

    method: Literal["log-rank"]
    endpoint: Name
    by: Name
    strata: ManyOnce[Name] = ()
    rho: Annotated[float, Field(ge=0, le=1)] = 0.0


class Cox(AnalysisBase):
    """Cox regression with its test of proportional hazards and its concordance."""

    method: Literal["cox"]
    endpoint: Name
    covariates: Annotated[ManyOnce[Name], Field(min_length=1)]
    reference: dict[Name, Level] = {}
    """For a category: the level the others are compared with; the first level if not said."""
    strata: ManyOnce[Name] = ()
    ties: Literal["efron", "breslow"] = "efron"
    confidence: Probability = 0.95
    hazards_transform: Literal["km", "rank", "identity"] = "km"
    """Time scale of the proportional-hazards test (Grambsch and Therneau 1994)."""
    hazards_warning: Probability = 0.05
    """A p-value of that test below this is a loud warning."""


class RestrictedMean(AnalysisBase):
    """Mean time free of the event up to a horizon, by group and as a difference."""

    method: Literal["restricted mean"]
    endpoint: Name
    by: Name
    horizon: PositiveDuration
    confidence: Probability = 0.95


Analysis = Annotated[
    BaselineTable | KaplanMeier | ReverseKaplanMeier | LogRank | Cox | RestrictedMean,
    Field(discriminator="method"),
]
