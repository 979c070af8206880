"""The analyses a protocol can ask for: one class for each method, every convention a key with its default."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trialwright.protocol.stated import Stated
from trialwright.vocabulary.elements import (
    Ascending,
    DurationText,
    Level,
    ManyOnce,
    Name,
    PositiveDuration,
    Probability,
    Words,
)

ConfidenceType = Literal["log-log", "log", "plain"]
Role = Literal["registered", "supportive", "sensitivity"]
Scale = Literal["log10"]


class AnalysisBase(Stated):
    """What every analysis says."""

    title: Words
    population: Name
    role: Role = "supportive"
    """`registered`: the plan names it; `supportive`: beside it; `sensitivity`: the same question asked differently."""
    note: Words | None = None
    """What a reader should know when reading this result."""


class Resampled(Stated):
    """What rests on random numbers; the same seed gives the same limits."""

    resamples: Annotated[int, Field(ge=100, le=100_000)] = 200
    """Samples of subjects, drawn with replacement, that limits are taken from (Efron and Tibshirani 1993)."""
    seed: Annotated[int, Field(ge=0)] = 1
    """Of the random numbers."""


class Weights(Resampled):
    """Weights that make groups alike which nobody randomised (Li, Morgan and Zaslavsky 2018)."""

    target: Literal["overlap", "everyone", "treated", "matchable"]
    """For whom the groups are compared: those who could have got either, all, those who were treated, the matchable."""
    treated: Level
    """The group the propensity score is the probability of."""
    covariates: Annotated[ManyOnce[Name], Field(min_length=1)]
    """What the propensity score is estimated from, by logistic regression."""
    transform: dict[Name, Scale] = {}
    """Covariates that enter on another scale, and are balanced on it."""
    imputations: Annotated[int, Field(ge=0)] = 0
    """Multiple imputations of missing covariates, weights within each; 0: subjects with a missing one are left out."""
    balance_limit: Annotated[float, Field(gt=0)] = 0.1
    """Standardised differences above it are marked after weighting."""


def named_by(analysis: AnalysisBase) -> tuple[str, ...]:
    """What an analysis splits, adjusts or stratifies by, each once: facts, and `groups`."""
    by = getattr(analysis, "by", None)
    named = ([by] if by else [], getattr(analysis, "covariates", ()), getattr(analysis, "strata", ()))
    return tuple(dict.fromkeys(name for names in named for name in names))


class TimeAnalysis(AnalysisBase):
    """What every analysis of a time to an event may say; without these keys time runs as the endpoint says."""

    endpoint: Name
    from_: Words | None = None
    """Another moment to count from, in place of the endpoint's."""
    entry: Words | None = None
    """Subjects are at risk only from this moment on (delayed entry)."""
    landmark: PositiveDuration | None = None
    """Only those at risk and free of the event this long after the start count, by what was known then."""
    weights: Weights | None = None


def is_in_stretches(analysis: TimeAnalysis) -> bool:
    """Whether subjects come in late or change their group, so that their time is not one from the start to an end."""
    return bool(analysis.entry or analysis.landmark or getattr(analysis, "time_varying", ()))


class BaselineTable(AnalysisBase):
    """Characteristics by group, with standardised differences."""

    method: Literal["baseline table"]
    by: Name | None = None
    variables: Annotated[ManyOnce[Name], Field(min_length=1)]
    quantiles: Literal["type 7"] = "type 7"
    """Definition of quartiles (Hyndman and Fan 1996); type 7 is R's default."""


class KaplanMeier(TimeAnalysis):
    """Survival curves with their rates at reading times and the median."""

    method: Literal["kaplan-meier"]
    by: Name | None = None
    read_at: ManyOnce[DurationText] = ()
    ticks_every: PositiveDuration
    """Distance of the at-risk counts under the figure."""
    confidence: Probability = 0.95
    interval: ConfidenceType = "log-log"


class ReverseKaplanMeier(TimeAnalysis):
    """Follow-up: the same estimate with the roles of event and censoring exchanged (Schemper and Smith 1996)."""

    method: Literal["reverse kaplan-meier"]
    by: Name | None = None
    confidence: Probability = 0.95
    interval: ConfidenceType = "log-log"


class LogRank(TimeAnalysis):
    """Log-rank test, plain or stratified; `rho` above 0 weights early differences (Harrington and Fleming 1982)."""

    method: Literal["log-rank"]
    by: Name
    strata: ManyOnce[Name] = ()
    rho: Annotated[float, Field(ge=0, le=1)] = 0.0


class Regression(TimeAnalysis):
    """What every regression of a time to an event says."""

    covariates: Annotated[ManyOnce[Name], Field(min_length=1)]
    """Facts, and `groups` for the groups of the protocol."""
    reference: dict[Name, Level] = {}
    """For a category: the level the others are compared with. If not said, the first; of groups the one to whose treatments others add."""
    transform: dict[Name, Scale] = {}
    """Covariates that enter on another scale."""
    confidence: Probability = 0.95


class Cox(Regression):
    """Cox regression with its test of proportional hazards and its concordance."""

    method: Literal["cox"]
    strata: ManyOnce[Name] = ()
    time_varying: ManyOnce[Name] = ()
    """Covariates that count from the day they become so, never before."""
    ties: Literal["efron", "breslow"] = "efron"
    hazards_transform: Literal["km", "rank", "identity"] = "km"
    """Time scale of the proportional-hazards test (Grambsch and Therneau 1994)."""
    hazards_warning: Probability = 0.05
    """A p-value of that test below this is a loud warning."""


class FineGray(Regression):
    """Regression of the subdistribution hazard, beside the cause-specific one (Fine and Gray 1999)."""

    method: Literal["fine-gray"]


class Subgroups(TimeAnalysis):
    """Hazard ratios of the groups within subgroups, as a forest (Wang et al. 2007).

    Each is of a Cox model with the groups alone. A subgroup with fewer events than `small group events` of `reporting` has
    none. Whether they differ is tested only where the plan registers the analysis.
    """

    method: Literal["subgroups"]
    by: Name
    facts: Annotated[ManyOnce[Name], Field(min_length=1)]
    """What splits the subjects, each fact by itself: a category by its levels, a number at its `cuts`."""
    cuts: dict[Name, Annotated[Ascending[float], Field(min_length=1)]] = {}
    """For a number: where its subgroups begin, in its unit. Who is at a cut belongs above it."""
    ties: Literal["efron", "breslow"] = "efron"
    confidence: Probability = 0.95


class RestrictedMean(TimeAnalysis):
    """Mean time free of the event up to a horizon, by group and as a difference."""

    method: Literal["restricted mean"]
    by: Name
    horizon: PositiveDuration
    confidence: Probability = 0.95


class CumulativeIncidence(TimeAnalysis):
    """Probability of the event in the presence of competing ones (Aalen and Johansen 1978), with Gray's test (1988)."""

    method: Literal["cumulative incidence"]
    by: Name | None = None
    read_at: ManyOnce[DurationText] = ()
    ticks_every: PositiveDuration
    confidence: Probability = 0.95
    interval: ConfidenceType = "log-log"


class IntervalCensored(TimeAnalysis, Resampled):
    """Curves for events that are only known to lie between two examinations (Turnbull 1976)."""

    method: Literal["turnbull"]
    by: Name | None = None
    read_at: ManyOnce[DurationText] = ()
    """The event lies after the last examination without it and not after the first with it."""
    confidence: Probability = 0.95


class CloneCensorWeight(TimeAnalysis, Resampled):
    """Strategies with a grace period: each subject follows both until leaving one (Hernán 2018)."""

    method: Literal["clone-censor-weight"]
    by: Name
    grace: PositiveDuration
    """How long after the start a treatment may begin and still count as given from the start."""
    covariates: Annotated[ManyOnce[Name], Field(min_length=1)]
    """What the weights for leaving a strategy are estimated from."""
    transform: dict[Name, Scale] = {}
    """Covariates that enter on another scale."""
    read_at: ManyOnce[DurationText] = ()
    confidence: Probability = 0.95


class Proportion(AnalysisBase):
    """Share of subjects with an event or a response, with exact limits (Clopper and Pearson 1934)."""

    method: Literal["proportion"]
    endpoint: Name
    by: Name | None = None
    unassessed: Literal["without event", "with event", "left out"] = "without event"
    """How subjects count who could not be judged; their number is printed beside the result."""
    per: Literal["subjects", "patient-months"] = "subjects"
    sides: Literal[1, 2] = 2
    confidence: Probability = 0.95
    interval: Literal["clopper-pearson"] = "clopper-pearson"


class GradeTable(AnalysisBase):
    """Adverse events by worst grade of each subject, any and from grade 3 on."""

    method: Literal["adverse events"]
    endpoint: Name
    by: Name | None = None


class VisitSummary(AnalysisBase):
    """A measurement by visit and its change from baseline."""

    method: Literal["summary by visit"]
    endpoint: Name
    by: Name | None = None
    confidence: Probability = 0.95
    """Of the limits of differences between groups."""


Analysis = Annotated[
    BaselineTable
    | KaplanMeier
    | ReverseKaplanMeier
    | LogRank
    | Cox
    | FineGray
    | Subgroups
    | RestrictedMean
    | CumulativeIncidence
    | IntervalCensored
    | CloneCensorWeight
    | Proportion
    | GradeTable
    | VisitSummary,
    Field(discriminator="method"),
]
