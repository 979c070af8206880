"""Checks of endpoints and estimands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trialwright.checks.checked import Checked
from trialwright.checks.registry import Found, check
from trialwright.vocabulary.problems import Severity

_IMAGING = frozenset({"lirads", "lirads_treated", "recist_response", "irecist_response", "sum_of_diameters"})


@check(
    "no-primary-endpoint",
    Severity.ERROR,
    title="no endpoint is primary",
    why="""The number of participants, the stopping rules and the conclusion hang on one endpoint. If none is named beforehand, the one that came
    out best will be.""",
    example="""
endpoints:
  recurrence: { role: secondary }
""",
    cure="""
endpoints:
  recurrence: { role: primary }
""",
    source="ICH E9, 2.2.2; WHO Trial Registration Data Set 1.3.1, item 19",
)
def no_primary_endpoint(checked: Checked) -> Iterator[Found]:
    if not checked.primary:
        yield Found(
            ("endpoints",), "no endpoint is primary", "give one of them `role: primary`", about_key=True
        )


@check(
    "several-primary-endpoints",
    Severity.WARNING,
    title="several endpoints are primary and nothing says how the error is shared",
    why="""Two tests at 5 % are wrong in nearly 10 % of trials without any effect. If one of two suffices for success, alpha is divided; if both are needed,
    power falls.""",
    example="""
endpoints:
  hepatitis: { role: primary }
analyses:
  hepatitis_rate: { role: registered }
monitoring:
  hepatitis: { text: Hepatitis is watched, event: hepatitis, boundary: Pocock-type at 5 % }
""",
    cure="""
endpoints:
  hepatitis: { role: secondary }
analyses:
  hepatitis_rate: { role: registered }
monitoring:
  hepatitis: { text: Hepatitis is watched, event: hepatitis, boundary: Pocock-type at 5 % }
""",
    source="ICH E9, 2.2.5; FDA, Multiple Endpoints in Clinical Trials, 2022",
)
def several_primary_endpoints(checked: Checked) -> Iterator[Found]:
    names = list(checked.primary)
    for name in names[1:]:
        yield Found(
            ("endpoints", name, "role"),
            f"`{names[0]}` is primary too, and nothing says how the type I error is shared",
            "choose one, or state whether one of them or all are needed and how alpha is divided",
        )


@check(
    "endpoint-without-estimand",
    Severity.WARNING,
    title="an endpoint has no estimand, or one without all of its parts",
    why="""What counts when treatment stops, another one starts or the patient dies? Each answer is another question, and the data collected
    must fit it.""",
    example="""
endpoints:
  recurrence: { estimand: ~ }
""",
    cure="""
endpoints:
  recurrence:
    estimand:
      treatment: As assigned
      population: everyone
      variable: Weeks to recurrence
      intercurrent events: { death: competing event, treatment stopped: treatment policy }
      summary: Difference of the three-year risks
""",
    source="ICH E9(R1), A.3: treatment, population, variable, intercurrent events, summary",
)
def endpoint_without_estimand(checked: Checked) -> Iterator[Found]:
    for name, endpoint in checked.protocol.endpoints.items():
        if endpoint.role == "exploratory":
            continue
        if endpoint.estimand is None:
            yield Found(
                ("endpoints", name), f"`{name}` has no estimand", "state its five attributes", about_key=True
            )
            continue
        parts = ("treatment", "variable", "intercurrent_events", "summary")
        missing = [part.replace("_", " ") for part in parts if not getattr(endpoint.estimand, part)]
        if missing:
            yield Found(
                ("endpoints", name, "estimand"),
                f"the estimand of `{name}` does not say: {', '.join(missing)}",
                "state all five attributes",
                about_key=True,
            )


@check(
    "death-not-handled",
    Severity.WARNING,
    title="nothing says what becomes of an endpoint when the participant dies",
    why="""The dead have no recurrence, no reactivation and no scans. Counted as free of the event or censored, they make the deadlier treatment look
    better.""",
    example="""
endpoints:
  recurrence: { competing: ~, estimand: { intercurrent events: { death: ~, treatment stopped: treatment policy } } }
""",
    cure="""
endpoints:
  recurrence: { competing: ~, estimand: { intercurrent events: { death: hypothetical, treatment stopped: treatment policy } } }
""",
    source="ICH E9(R1), A.3.1",
)
def death_not_handled(checked: Checked) -> Iterator[Found]:
    for name, endpoint in checked.protocol.endpoints.items():
        if endpoint.kind not in ("time to event", "rate", "best response") or endpoint.role == "exploratory":
            continue
        events = {part for event in checked.events_of(endpoint) for part in checked.depends_on(event)}
        events |= set(endpoint.competing)
        strategies = endpoint.estimand.intercurrent_events if endpoint.estimand else {}
        told = any(checked.is_death(event) for event in events) or any(
            re.search(r"\b(death|died|dies)\b", key, re.IGNORECASE) for key in strategies
        )
        if not told and endpoint.estimand is not None:
            yield Found(
                ("endpoints", name, "estimand"),
                f"nothing says how a death counts for `{name}`",
                "name death among the intercurrent events, with its strategy",
                about_key=True,
            )


@check(
    "time-frame-not-stated",
    Severity.WARNING,
    title="an endpoint has no time frame",
    why="""Recurrence by when? Registries ask for the time point of every outcome; without it the reading that looks best can be chosen later.""",
    example="""
endpoints:
  recurrence: { time frame: ~ }
""",
    cure="""
endpoints:
  recurrence: { time frame: 157 weeks }
""",
    source="42 CFR 11.28(a)(2)(i): primary and secondary outcome measures with their time frame; WHO data set 1.3.1, items 19 and 20",
)
def time_frame_not_stated(checked: Checked) -> Iterator[Found]:
    if not checked.protocol.treatments:
        return
    for name, endpoint in checked.protocol.endpoints.items():
        is_planned = endpoint.role != "exploratory" and endpoint.status != "assumed"
        if is_planned and checked.is_open(endpoint, "time_frame"):
            yield Found(
                ("endpoints", name),
                f"{checked.record} does not say at what time `{name}` is read",
                "state its `time frame`",
                about_key=True,
            )


@check(
    "time-not-in-days",
    Severity.ERROR,
    title="an endpoint wants its time in another unit than days",
    why="""Times are counted from day to day, as dates are recorded. Months differ in length, and a month of 30.4375 days is nowhere in the data; reading
    times such as `36 months` are for analyses, and count in days too.""",
    example="""
endpoints:
  survival: { unit: weeks }
analyses:
  survival_curve: { ticks every: 26 weeks }
""",
    cure="""
endpoints:
  survival: { unit: days }
analyses:
  survival_curve: { ticks every: 182 days }
""",
    source="docs/derivations-time-to-event.md: times are derived in days",
)
def time_not_in_days(checked: Checked) -> Iterator[Found]:
    for name, endpoint in checked.protocol.endpoints.items():
        is_derived = endpoint.kind == "time to event" and not endpoint.reported
        if is_derived and endpoint.unit not in (None, "days"):
            yield Found(
                ("endpoints", name, "unit"),
                f"times are derived in days, and `{name}` wants {endpoint.unit}",
                "write `unit: days`, and the reading times of its analyses in days, too",
            )


@check(
    "safety-not-measured",
    Severity.WARNING,
    title="drugs are given and no endpoint collects adverse events",
    why="""Efficacy without harm is half a result. Which events, by which scale and version, until how long after the last dose: it has to be said before,
    since nobody can collect them afterwards.""",
    example="""
endpoints: { adverse_events: ~ }
analyses: { harms: ~ }
""",
    cure="""
endpoints:
  adverse_events:
    label: Adverse events
    kind: worst grade
    role: secondary
    of: toxicity_grade
    grading: { version: CTCAE 5.0 }
    during: on_treatment
    time frame: 52 weeks
    estimand:
      treatment: As received
      population: everyone
      variable: Worst grade of each term
      intercurrent events: { death: while alive, treatment stopped: while on treatment }
      summary: Proportion by grade
analyses:
  harms: { method: adverse events, title: Adverse events, population: everyone, endpoint: adverse_events, by: groups }
""",
    source="ICH E6(R3), appendix B.9; CONSORT Harms 2022",
)
def safety_not_measured(checked: Checked) -> Iterator[Found]:
    endpoints = checked.protocol.endpoints
    if not checked.protocol.treatments:
        return
    said = [f"{name} {one.label}".casefold() for name, one in endpoints.items()]
    if any(one.kind == "worst grade" for one in endpoints.values()) or any(
        "adverse" in text for text in said
    ):
        return
    yield Found(
        ("endpoints",),
        "drugs are given, and no endpoint collects adverse events",
        "add one with its grading, its window after the last dose, and who assesses",
        about_key=True,
    )


@check(
    "reader-not-stated",
    Severity.WARNING,
    title="imaging decides an endpoint of an open study, and nothing says whose reading counts",
    why="""Who knows the treatment may read scans accordingly, and local and central readers do not always agree. In an open study a blinded
    reading is what keeps the comparison fair.""",
    example="""
endpoints:
  recurrence: { reader: ~ }
""",
    cure="""
endpoints:
  recurrence: { reader: central }
""",
    source="FDA, Clinical Trial Imaging Endpoint Process Standards, 2018; ICH E9, 2.3.1",
)
def reader_not_stated(checked: Checked) -> Iterator[Found]:
    if checked.protocol.study.masking in ("double", "triple"):
        return
    for name, endpoint in checked.protocol.endpoints.items():
        concepts = {fact.concept for fact in checked.facts_of(endpoint).values()}
        if concepts & _IMAGING and endpoint.status != "assumed" and checked.is_open(endpoint, "reader"):
            yield Found(
                ("endpoints", name),
                f"imaging decides `{name}`, and {checked.record} does not say whose reading counts or whether it is blinded to treatment",
                "state `reader: central` or `reader: local`, and how readers are blinded",
                about_key=True,
            )


@check(
    "endpoint-not-analysed",
    Severity.WARNING,
    title="no analysis answers an endpoint",
    why="""It is collected for nothing, or analysed as somebody will see fit when the data are there.""",
    example="""
analyses: { survival_curve: ~ }
""",
    cure="""
analyses:
  survival_curve:
    method: kaplan-meier
    title: Overall survival
    population: everyone
    endpoint: survival
    by: groups
    ticks every: 182 days
""",
    source="SPIRIT 2013, item 20a; ICH E9, 5.1",
)
def endpoint_not_analysed(checked: Checked) -> Iterator[Found]:
    analysed = {getattr(analysis, "endpoint", None) for analysis in checked.protocol.analyses.values()}
    for name, endpoint in checked.protocol.endpoints.items():
        if name not in analysed and endpoint.role != "exploratory":
            yield Found(
                ("endpoints", name), f"no analysis answers `{name}`", "add the analysis", about_key=True
            )
