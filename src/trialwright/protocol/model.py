"""The protocol document: every section of `trialwright/1`.

A key in the file is the name of a field with its underscores written as spaces (`time_zero` is `time zero`). The
docstrings below are the reference of the language: the JSON Schema and the documentation are made from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from trialwright.protocol.analyses import Analysis
from trialwright.protocol.quantities import Quantity
from trialwright.protocol.stated import Stated as Stated
from trialwright.protocol.stated import Status as Status
from trialwright.vocabulary.durations import DurationRange
from trialwright.vocabulary.elements import (
    Ascending,
    Date,
    DurationText,
    Element,
    Level,
    Many,
    Name,
    OneOrMore,
    Probability,
    Share,
    Words,
)

FORMAT = "trialwright/1"


def _read_quantity(value: object) -> object:
    if isinstance(value, Quantity):
        return value
    try:
        return Quantity.parse(value)
    except ValueError as error:
        raise PydanticCustomError("malformed_quantity", "{why}", {"why": str(error)}) from None


QuantityText = Annotated[
    Quantity,
    BeforeValidator(_read_quantity),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? \S+$"}),
]
"""`1500 mg`, `10 IU/mL`: a number and its unit."""


def _read_range(value: object) -> object:
    if isinstance(value, DurationRange):
        return value
    try:
        return DurationRange.parse(value)  # type: ignore[arg-type]
    except ValueError as error:
        raise PydanticCustomError("unreadable_duration", "{why}", {"why": str(error)}) from None


DurationRangeText = Annotated[
    DurationRange,
    BeforeValidator(_read_range),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""`12 weeks` or `8 to 12 weeks`."""

MomentText = Words
"""A date: an anchor by its name, `first durvalumab`, `last durvalumab + 28 days`."""

RuleText = Words
"""A rule, in the words of the rule language."""


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
    date: Date | None = None
    """The day the study was registered."""


class Statement(Stated):
    """Something said in words alone."""

    text: Words


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
    conditions: Many[Words] = ()
    """What the participants have."""
    sex: Literal["all", "female", "male"] | None = None
    """Who is asked, by sex."""
    healthy_volunteers: bool | None = None
    """Whether people without the condition may take part."""
    centres: Literal["one", "several"] | None = None
    """Whether one hospital takes part or several."""
    listed_sites: Annotated[int, Field(ge=0)] | None = None
    """How many sites the registry lists."""
    recruitment: Words | None = None
    """The state of recruitment, as the registry had it when it was read."""
    sponsor: Words | None = None
    collaborators: Many[Words] = ()
    """Who else supports the study."""
    funding: Words | None = None
    """The kind of funder."""
    contact: Words | None = None
    """Whom the registry names for questions."""
    objective: Words | None = None
    """What the study is to find out, in one or two sentences."""
    background: dict[Name, Statement] = {}
    """What was known, or held to be known, when the study was planned."""
    hypotheses: dict[Name, Statement] = {}
    """What the investigators expect, and why."""
    caution: Many[Words] = ()
    """What a reader must know before reading any result; printed first."""


class Fact(Stated):
    """Something known of a patient: a measurement, a category, a date, a history."""

    label: Words
    kind: Literal[
        "number",
        "category",
        "yes or no",
        "date",
        "score",
        "drug",
        "procedure",
        "condition",
        "history",
        "attestation",
    ]
    """Drugs, procedures and conditions are histories of their kind; a date is known once per person."""
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
    method: Words | None = None
    """The kind of measurement: a PCR, a stain, an imaging protocol."""
    specimen: Words | None = None
    """What is measured."""
    lower_limit: QuantityText | None = None
    """Lower limit of quantification with unit."""
    upper_limit: QuantityText | None = None
    """Upper limit of quantification with unit."""
    copies_per_iu: Annotated[float, Field(gt=0)] | None = None
    """For HBV DNA: copies per IU of this assay."""
    below_limit_means: Literal["unspecified", "detected", "not detected"] = "unspecified"
    """What this laboratory means by `<10`; a result that says more of itself is taken at its word."""
    below_limit_counts_as: Literal[
        "half the limit", "the limit", "the limit less 1", "the limit over the square root of 2", "1"
    ] = "half the limit"
    """In means and figures only: no event is ever decided by it."""


class StoppingRule(Stated):
    """One reason to end a treatment."""

    text: Words
    when: RuleText | None = None


class Treatment(Stated):
    """A study treatment and when it stops."""

    label: Words | None = None
    dose: QuantityText | None = None
    route: Words | None = None
    every: DurationText | None = None
    """From one dose to the next, counted from the actual previous dose."""
    tolerance: DurationText | None = None
    """How much earlier or later than due a dose may be."""
    least_interval: DurationText | None = None
    """A dose sooner than this after the last is a deviation."""
    skipped_after: DurationText | None = None
    """A dose this much overdue is skipped, not late."""
    longest_hold: DurationText | None = None
    """A pause longer than this ends the treatment."""
    duration: DurationText | None = None
    """How long it is given."""
    until: dict[Name, StoppingRule] = {}
    """Stopping rules, any of which ends the treatment."""


class Group(Stated):
    """A group of subjects that the analysis compares."""

    label: Words
    short: Words | None = None
    """What comparisons call it, where the label is long."""
    treatments: Many[Name] = ()
    size: Annotated[int, Field(gt=0)] | None = None
    """Planned number of subjects."""
    assigned_by: Literal["chance", "decision", "characteristic"] | None = None
    """Randomisation, a recorded decision, or something that was so before the study."""
    assigned_at: MomentText | None = None
    """When a subject comes into the group."""
    when: RuleText | None = None
    """Who is in the group, judged at `assigned at`."""


class Anchor(Stated):
    """A date that time is counted from."""

    text: Words
    label: Words | None = None
    """What a sentence calls it; its text if not said."""
    at: MomentText | None = None
    """The date told by others; without it the date itself is recorded."""


class Baseline(Stated):
    """Which result is the baseline of a fact."""

    take: Words
    """`last on or before first durvalumab`"""
    text: Words | None = None
    within: DurationText | None = None
    """An older result is no baseline."""
    same_day: Literal["before", "unknown"] = "before"
    """A sample of the very day whose time is not known: taken before, or of unknown order."""
    if_missing: Literal["earlier result", "not evaluable"] = "not evaluable"
    """Where nothing lies in `within`: the last result of any age, flagged, or nothing."""


class Period(Stated):
    """A span between two moments."""

    span: Words
    """`first durvalumab to last durvalumab + 28 days`; `after` first leaves the first moment out."""


class Population(Stated):
    """The subjects an analysis counts."""

    label: Words
    text: Words | None = None
    at: MomentText | None = None
    """Where the rule is judged; the time zero of the protocol if not said."""
    when: RuleText | None = None


class Criterion(Stated):
    """One eligibility criterion: the sentence people read and the rule that decides."""

    text: Words
    at: MomentText | None = None
    """Where this rule is judged, if elsewhere than the others."""
    when: RuleText | None = None


class Eligibility(Stated):
    """Who may take part: all inclusion criteria hold, and no exclusion criterion."""

    at: MomentText | None = None
    """Where the rules are judged; their windows count back from there."""
    inclusion: dict[Name, Criterion] = {}
    exclusion: dict[Name, Criterion] = {}


class Visit(Stated):
    """A planned contact, or a row of them."""

    label: Words
    at: DurationText | None = None
    """How long after the start it is due."""
    every: DurationText | None = None
    """A row of contacts, one as far from the next."""
    within: Words | None = None
    """Due anywhere in `28 days before enrolment`."""
    from_: MomentText | None = None
    """Where counting starts; the time zero of the protocol if not said."""
    until: MomentText | None = None
    """Where a row of contacts ends."""
    ends_with: Many[Name] = ()
    """Events after which nothing more is due."""
    counts_from: Literal["anchor", "previous contact"] = "anchor"
    """Whether a late contact moves those that follow."""
    tolerance: DurationText | None = None
    """Before and after the day it is due."""
    missed_after: DurationText | None = None
    """This long after the day it was due, late is missed."""
    repeat_within: DurationText | None = None
    """How soon a look that nobody could judge (NE, LR-NC, nonevaluable) is followed by another."""
    measures: Many[Name] = ()


class Clock(Stated):
    """Something that must happen in time: a largest gap, an interval, a start, a cover."""

    measure: Name | None = None
    assess: Name | None = None
    start_of: Name | None = None
    keep: Name | None = None
    at_least_every: DurationText | None = None
    every: DurationRangeText | None = None
    """`12 weeks` or `8 to 12 weeks`."""
    within: Words | None = None
    """`7 days of first durvalumab`"""
    at_least: Words | None = None
    """`6 months after last durvalumab`"""
    tolerance: DurationText | None = None
    counts_from: Literal["previous contact", "anchor"] = "previous contact"
    from_: MomentText | None = None
    """Where the first interval starts; the start of `during` if not said."""
    missed_after: DurationText | None = None
    """From when on late is missed."""
    during: Name | None = None
    """A period, or a treatment from its first to its last dose."""


class Event(Stated):
    """Something that happens to a subject, as the protocol defines it."""

    label: Words | None = None
    text: Words | None = None
    of: Name | None = None
    """The fact, or the event, whose rows are judged."""
    when: RuleText | None = None
    """The rule: of each row of `of`, or else of the subject."""
    over_when: RuleText | None = None
    """When it is over, judged per row; only then can it happen again."""
    all_of: Many[Name] = ()
    """Events that all must happen; dated to the day the last of them has."""
    any_of: Many[Name] = ()
    """Events any of which is enough; dated to the first."""
    dated_to: Name | None = None
    """A fact or event: it is dated to the last record of it up to there, no longer ago than `within` if that is said, and
    to its own day where there is none."""
    within: DurationText | None = None
    """With `all of`: the longest time between the first and the last of them. With `dated to`: how far back."""
    during: Name | None = None
    """A period or treatment; what happens outside does not count."""
    reported: bool = False
    """The data say whether and when it happened; nothing is derived."""


Strategy = Literal[
    "treatment policy",
    "hypothetical",
    "composite",
    "while on treatment",
    "while alive",
    "until it happens",
    "principal stratum",
    "competing event",
    "no event",
]


class Estimand(Stated):
    """The five attributes of ICH E9(R1)."""

    treatment: Words | None = None
    population: Name
    variable: Words | None = None
    intercurrent_events: dict[Words, Strategy] = {}
    """Of an endpoint that is derived, events of the protocol, spaces for underscores."""
    summary: Words | None = None


class Censoring(Stated):
    """When a subject stops being followed for an endpoint before it has happened."""

    text: Words
    at: Words
    """`last adequate_scan`, or `last adequate_scan on or before first new_therapy`"""
    event: Name | None = None
    """What ends the follow-up; without it this is for whom nothing happened."""
    gap: DurationText | None = None
    """An event this long or longer after the last assessment does not count, but for events within it."""


class Response(Stated):
    """Which responses count, and how they are confirmed."""

    counts: Annotated[Many[Literal["CR", "PR", "SD", "NON-CR/NON-PD"]], Field(min_length=1)]
    """Best overall responses by RECIST 1.1."""
    confirmed_after: DurationText | None = None
    """The least time to a second assessment as good; without it none is needed."""
    not_evaluable_between: Annotated[int, Field(ge=0)] = 0
    """How many assessments that cannot be judged may lie between."""
    stable_between: bool = False
    """Whether stable disease may lie between."""
    stable_at_least: DurationText | None = None
    """The least time from the start until disease counts as stable."""
    partial_stays: bool = True
    """A partial response stays one until progression, even where the sum rises again."""
    after_complete: Literal["unresolved", "partial response", "progression"] = "unresolved"
    """Disease that a reader reports after a complete response: neither confirms anything until the reader has answered, or
    the complete response was a partial one, or the disease is progression."""
    unassessed: Literal["no response", "left out"] = "no response"


class Grading(Stated):
    """How adverse events and laboratory results are graded."""

    version: Literal["CTCAE 5.0"]
    clinical_part: Literal["none", "worst"] = "none"
    """What is taken for granted where a grade also needs symptoms or an intervention."""
    missing_baseline: Literal["normal", "not graded"] = "normal"
    """Where a grade depends on whether baseline was normal."""
    missing_grade: Literal["counted apart", "grade 3"] = "counted apart"
    missing_relation: Literal["related", "counted apart"] = "related"


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
    """Events after which it can no longer happen."""
    censored_at: Words | None = None
    """Where follow-up ends for whom nothing happened: `last contact`."""
    censoring: dict[Name, Censoring] = {}
    """What else ends the follow-up, each with its own code."""
    imprecise_date: Literal["first possible", "last possible", "not evaluable"] = "first possible"
    """Of a time to an event: where an event lies whose day is not known. Never before the start, a death never before the
    last day known alive."""
    of: Name | None = None
    """The fact a response, change, grade or count is made from."""
    response: Response | None = None
    """With a best response: which count."""
    grading: Grading | None = None
    """With a worst grade: by which scale."""
    scale: Literal["as measured", "log10", "ratio"] | None = None
    """With a change: on which scale."""
    read_at: Many[DurationText] = ()
    """With a change: the visits that matter, by their distance from the start."""
    from_: MomentText | None = None
    """The moment time is counted from; the protocol's time zero if not said."""
    unit: Literal["days", "weeks", "months", "years"] | None = None
    """The unit of the recorded times."""
    during: Name | None = None
    """A period, or a treatment from its first to its last dose."""
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
    method: Literal["schoenfeld", "freedman", "two proportions"] | None = None
    """The formula that turns this set into a number of subjects."""


class Basis(Element):
    """Where the record is silent: for a key of the design the name of one under `assumptions`."""

    alpha: Name | None = None
    sides: Name | None = None
    power: Name | None = None
    hazard_ratio: Name | None = None
    reference_rate: Name | None = None
    rate: Name | None = None
    share_treated: Name | None = None
    """Share of the subjects who are in the treated group."""
    loss: Name | None = None
    accrual: Name | None = None
    duration: Name | None = None
    """From the first subject in to the end of the data."""
    earliest_event: Name | None = None
    """How long after the start an event comes at the earliest, in those who have one."""
    median_event: Name | None = None
    latest_event: Name | None = None

    def named(self) -> Iterator[tuple[str, str]]:
        """Each key as it is written, with the assumption it names."""
        for field, about in type(self).model_fields.items():
            if (name := getattr(self, field)) is not None:
                yield about.alias or field, name


_MOST_LOOKS = 9
_LEAST_STEP = 0.01


def _as_look_shares(shares: tuple[float, ...]) -> tuple[float, ...]:
    """Few enough to be held, and far enough apart to say something new."""
    if len(shares) > _MOST_LOOKS:
        raise PydanticCustomError(
            "too_many_looks",
            "expected at most {most} looks before the last, found {found}",
            {"most": _MOST_LOOKS, "found": len(shares)},
        )
    for before, share in pairwise((0.0, *shares, 1.0)):
        if round(share - before, 9) < _LEAST_STEP:
            raise PydanticCustomError(
                "looks_too_close",
                "looks must lie at least 1 % of the events apart, from the start and from the last one too, "
                "not {before} and {share}",
                {"before": f"{100 * before:g} %", "share": f"{100 * share:g} %"},
            )
    return shares


LookShares = Annotated[Ascending[Probability], AfterValidator(_as_look_shares)]
"""`[50 %, 75 %]`: shares of the events needed, rising."""


class Spending(Element):
    """How an error is spent over the looks (Lan and DeMets 1983)."""

    spending: Literal["obrien-fleming", "pocock", "hwang-shih-decani"]
    """Spending functions of the type named: little early, nearly even, or as `gamma` says."""
    gamma: Annotated[float, Field(gt=-40, lt=40)] | None = None
    """With `hwang-shih-decani`: about -4 is close to O'Brien and Fleming, 1 to Pocock."""

    @model_validator(mode="after")
    def _gamma_belongs_to_its_family(self) -> Self:
        if (self.gamma is None) == (self.spending == "hwang-shih-decani"):
            raise PydanticCustomError(
                "unfit_gamma",
                "`gamma` belongs to `hwang-shih-decani` and to nothing else, and that cannot go without",
            )
        return self


class Futility(Spending):
    """Of the type II error: when a trial stops because it will hardly show anything."""

    binding: bool = False
    """Whether the boundaries for efficacy count on it; then a trial that goes on all the same exceeds its type I error."""


class Looks(Stated):
    """Interim analyses: when the data are looked at before the end, and what ends the trial then (ICH E9, 4.5)."""

    at: Annotated[LookShares, Field(min_length=1)]
    """Shares of the events needed (information fractions); the last look, at all of them, needs no mention."""
    efficacy: Spending
    """How the type I error is spent."""
    futility: Futility | None = None
    """How the type II error is spent; without it no trial stops for futility."""


class Variation(Stated):
    """Values for which a design is worked out, beside its own."""

    reference_rate: Many[Probability] = ()
    rate: Many[Probability] = ()
    hazard_ratio: Many[Annotated[float, Field(gt=0)]] = ()
    """1 too: then a significant result is a false alarm."""
    share_treated: Many[Probability] = ()
    loss: Many[Annotated[float, Field(ge=0, lt=1)]] = ()
    follow_up: Many[DurationText] = ()
    """How long each subject is followed."""
    spread_of_propensity: Many[Annotated[float, Field(ge=0, le=3)]] = ()
    """Standard deviation of the logit of the chance to be treated: 0 where subjects do not differ in it."""
    looks: LookShares = ()
    """Of a comparison without `looks`: interim looks whose cost is told; 50 % and 75 % if not said."""


class Design(Stated):
    """The statistical design: what the number of subjects rests on."""

    endpoint: Name | None = None
    method: Literal["schoenfeld", "freedman", "two proportions", "exact"] | None = None
    """The formula the number of subjects comes from."""
    alpha: Probability | None = None
    sides: Literal[1, 2] | None = None
    power: Probability | None = None
    hazard_ratio: Annotated[float, Field(gt=0)] | None = None
    reference_rate: Probability | None = None
    """The rate in the comparison group, or the rate a single group is held against."""
    rate: Probability | None = None
    """The rate expected under treatment."""
    ratio: Annotated[float, Field(gt=0)] | None = None
    """Subjects in the treated group for each one in the comparison group."""
    events: Annotated[int, Field(gt=0)] | None = None
    loss: Share | None = None
    """Share of subjects lost before the end; 0 if nobody is."""
    accrual: DurationText | None = None
    follow_up: DurationText | None = None
    """How long the last subject is followed."""
    looks: Looks | None = None
    """When the data of a comparison are looked at before the end."""
    rests_on: Basis | None = None
    """The assumptions that stand in where the record is silent; a scenario may change them."""
    vary: Variation | None = None
    """The values that `trialwright design` works out beside."""


class Deviation(Stated):
    """A departure from the protocol that is looked for."""

    text: Words
    severity: Literal["minor", "important"]
    when: RuleText | None = None
    of: Name | None = None
    """The fact, treatment or event whose rows the rule judges; without it the subject."""
    clock: Name | None = None
    visit: Name | None = None
    is_: Literal["early", "late", "missed", "unusable"] | None = None
    """What became of the contact of `clock` or `visit`; `unusable`: nobody could judge a look, and none followed in the
    visit's `repeat within`."""
    excused_by: Many[Words] = ()
    """Of doses early, late or skipped: recorded reasons (EXADJ) that make them no deviation."""


class Prior(Element):
    """What was known of the rate before the study, told as if it had been seen in so many patients."""

    events: Annotated[float, Field(gt=0)]
    patients: Annotated[float, Field(gt=0)]
    """More than events; half a patient is allowed."""


class Boundary(Stated):
    """So many events among so many patients, and the study pauses: everything that it takes to compute them."""

    kind: Literal["exact", "bayesian", "pocock"]
    """`exact`: the lower limit of the rate exceeds the reference; `bayesian`: the rate very probably does; `pocock`: one test
    level for all looks together."""
    reference_rate: Probability | None = None
    """The highest rate that is acceptable. It is a clinical statement and has no default: without it nothing is computed."""
    level: Probability | None = None
    """`exact`: the confidence of the one-sided lower limit. `bayesian`: from which probability on it is an alarm."""
    alpha: Probability | None = None
    """`pocock`: the largest probability of a false alarm, all looks together."""
    prior: Prior | None = None
    """`bayesian`: what was known before."""
    minimum_n: Annotated[int, Field(gt=0)] = 1
    """The first look is when so many patients count; every further patient is one more."""
    largest_n: Annotated[int, Field(gt=0, le=1_000)] | None = None
    """The last look; the planned enrolment if not said."""
    judged_after: DurationText | None = None
    """A patient without the event counts when observed so long after the start of the time in which the event counts, or
    when that time is over; without this key only when it is over."""


class Monitoring(Stated):
    """What is watched while the study runs."""

    text: Words
    event: Name | None = None
    boundary: Words | None = None
    """In words; `computed boundary` says the same so that it can be computed."""
    computed_boundary: Boundary | None = None
    in_force_since: Date | None = None
    """The day of the charter that puts the boundary into force; until then it is an assumption."""


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
    final_cut: Date | None = None
    """The data cut of the final analysis. Before it the groups are not compared for efficacy, unless somebody asks for it
    and gives a reason."""


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
    time_zero: MomentText | None = None
    """The day time is counted from."""
    baselines: dict[Name, Baseline] = {}
    baseline: Words | None = None
    """One of `baselines` by its name, or `last on or before first durvalumab`; rules call it `baseline`."""
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
