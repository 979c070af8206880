"""Checks of analyses: whether they answer the question that the endpoint asks."""

from __future__ import annotations

from collections.abc import Iterator

from trialwright.checks.checked import Checked
from trialwright.checks.registry import Found, check
from trialwright.checks.satisfiability import Requirement, contradict
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.analyses import (
    CloneCensorWeight,
    Cox,
    KaplanMeier,
    LogRank,
    Regression,
    TimeAnalysis,
)
from trialwright.protocol.compared_groups import goes_by_treatment, strategies_of, treatments_apart
from trialwright.protocol.not_run import reason_not_run
from trialwright.protocol.references import GROUPS
from trialwright.protocol.responders import responder_reason
from trialwright.vocabulary.documents import Path
from trialwright.vocabulary.problems import Severity

_EVENTS_PER_COEFFICIENT = 10


@check(
    "no-registered-analysis",
    Severity.WARNING,
    title="no analysis of the primary endpoint is marked as the planned one",
    why="""With several analyses of one endpoint and none of them first, the plan is whichever comes out well.""",
    example="""
analyses:
  recurrence_weighted: { role: supportive }
""",
    cure="""
analyses:
  recurrence_weighted: { role: registered }
""",
    source="ICH E9, 5.1; SPIRIT 2013, item 20a",
)
def no_registered_analysis(checked: Checked) -> Iterator[Found]:
    planned = {
        getattr(one, "endpoint", None)
        for one in checked.protocol.analyses.values()
        if one.role == "registered"
    }
    for name in checked.primary:
        if name not in planned:
            yield Found(
                ("endpoints", name),
                f"no analysis of the primary endpoint `{name}` has `role: registered`",
                "mark the one the conclusion rests on",
                about_key=True,
            )


@check(
    "hazards-test-for-rate",
    Severity.WARNING,
    title="a log-rank test is planned for a rate at a fixed time",
    why="""The log-rank test compares hazards over the whole follow-up; it can be significant while the rates at three years are equal, and the other
    way round if the curves cross. Estimate and test should be about one thing.""",
    example="""
analyses:
  recurrence_weighted: { method: log-rank, read at: ~, ticks every: ~, weights: ~, strata: [bclc_stage] }
""",
    cure="""
analyses:
  recurrence_weighted: { method: kaplan-meier, read at: [1099 days], ticks every: 182 days }
""",
    source="Klein et al., Stat Med 2007;26:4505-4519: comparing survival at a fixed point in time",
)
def hazards_test_for_rate(checked: Checked) -> Iterator[Found]:
    for name, analysis in checked.protocol.analyses.items():
        if not isinstance(analysis, LogRank) or analysis.role != "registered":
            continue
        endpoint = checked.primary.get(analysis.endpoint)
        if endpoint is not None and (endpoint.kind == "rate" or endpoint.time_frame is not None):
            at = f"at {endpoint.time_frame}" if endpoint.time_frame else "as a rate"
            yield Found(
                ("analyses", name, "method"),
                f"the log-rank test compares hazards over all of follow-up, and the endpoint `{analysis.endpoint}` is read {at}",
                "name the test as one of hazards, and compare the rates at that time beside it",
            )


@check(
    "groups-compared-unadjusted",
    Severity.WARNING,
    title="groups that nobody randomised are compared without adjustment",
    why="""Who gets the new drug differs in more than the drug. An unadjusted comparison then measures the choice of the physicians; in oncology those
    fit enough for the combination live longer without it.""",
    example="""
analyses:
  recurrence_weighted: { weights: ~ }
""",
    cure="""
analyses:
  recurrence_weighted:
    weights: { target: overlap, treated: combination, covariates: [age, bclc_stage] }
""",
    source="Hernán and Robins, Am J Epidemiol 2016;183:758-764",
)
def groups_compared_unadjusted(checked: Checked) -> Iterator[Found]:
    study = checked.protocol.study
    if study.allocation != "not randomised":
        return
    for name, analysis in checked.protocol.analyses.items():
        if not isinstance(analysis, (LogRank, KaplanMeier)) or analysis.role != "registered":
            continue
        is_adjusted = analysis.weights is not None or (isinstance(analysis, LogRank) and analysis.strata)
        if analysis.by == GROUPS and analysis.endpoint in checked.primary and not is_adjusted:
            yield Found(
                ("analyses", name),
                f"`{name}` compares groups that were not randomised, without weights or strata: a difference may be that of the patients",
                "keep it as registered, call it descriptive, and put a weighted comparison beside it",
                about_key=True,
            )


@check(
    "responder-curve",
    Severity.ERROR,
    title="groups or a population are told by what happens after time begins",
    why="""Whoever is cured has lived free of the event until the cure. A curve from time zero of the cured against the others gives that time to the cure,
    and an effect appears where there is none.""",
    example="""
groups:
  combination: { assigned at: enrolment + 48 weeks }
""",
    cure="""
groups:
  combination: { assigned at: enrolment }
""",
    source="Anderson, Cain and Gelber, J Clin Oncol 1983;1:710-719; Buyse and Piedbois, Stat Med 1996;15:2797-2812",
)
def responder_curve(checked: Checked) -> Iterator[Found]:
    for name, analysis in checked.protocol.analyses.items():
        if isinstance(analysis, TimeAnalysis) and (reason := responder_reason(checked.protocol, analysis)):
            yield Found(
                ("analyses", name),
                f"`{name}` compares by the future: {reason.split('; use')[0]}",
                "give it a `landmark`, or `time varying: [groups]` in a Cox model",
                about_key=True,
            )


@check(
    "chance-set-aside",
    Severity.WARNING,
    title="a randomised trial is compared by the treatment begun",
    why="""By a landmark, and over time, groups are those whose treatments have begun. Who did not begin theirs moves to the other group, and the
    comparison is no longer the one that chance made.""",
    example="""
study: { allocation: randomised }
groups:
  combination: { assigned by: chance }
  alone: { assigned by: chance }
analyses:
  recurrence_landmark:
    { method: kaplan-meier, title: Recurrence, population: everyone, endpoint: recurrence, by: groups, ticks every: 182 days, landmark: 84 days }
""",
    cure="""
study: { allocation: randomised }
groups:
  combination: { assigned by: chance }
  alone: { assigned by: chance }
analyses:
  recurrence_landmark:
    { method: kaplan-meier, title: Recurrence, population: everyone, endpoint: recurrence, by: groups, ticks every: 182 days }
""",
    source="ICH E9, 5.2.1: full analysis set; ICH E9(R1), A.5: subjects analysed by the treatment assigned",
)
def chance_set_aside(checked: Checked) -> Iterator[Found]:
    if checked.protocol.study.allocation != "randomised":
        return
    for name, analysis in checked.protocol.analyses.items():
        if isinstance(analysis, TimeAnalysis) and goes_by_treatment(analysis):
            yield Found(
                ("analyses", name),
                f"`{name}` puts subjects into the group whose treatments they began, and not into the one they were randomised to",
                "leave the landmark or the time-varying groups out, or say in its `note` what question this answers",
                about_key=True,
            )


@check(
    "analysis-not-run",
    Severity.ERROR,
    title="an analysis asks for what its method is not run with",
    why="""Each key of an analysis and of its endpoint can be written, and not every method is there for each: adverse events are derived once, as the
    first endpoint of them says, and best responses by RECIST 1.1. Such an analysis has no result when the data have come, and by then another one may
    be chosen.""",
    example="""
analyses:
  recurrence_mean:
    { method: restricted mean, title: Recurrence, population: everyone, endpoint: recurrence, by: groups, horizon: 1050 days, landmark: 84 days }
""",
    cure="""
analyses:
  recurrence_mean:
    { method: restricted mean, title: Recurrence, population: everyone, endpoint: recurrence, by: groups, horizon: 1050 days }
""",
    source="ICH E9, 5.1: the plan is complete before the data are seen",
)
def analysis_not_run(checked: Checked) -> Iterator[Found]:
    for name, analysis in checked.protocol.analyses.items():
        if reason := reason_not_run(checked.protocol, analysis):
            yield Found(
                ("analyses", name),
                f"`{name}` is not run: {reason}",
                "leave out what it is not run with, or ask with another method or endpoint",
                about_key=True,
            )


@check(
    "groups-not-told-apart",
    Severity.ERROR,
    title="an analysis goes by the treatment begun, and that does not tell the groups apart",
    why="""By a landmark, over time or under a strategy somebody is in the group whose treatments have begun. Two groups with the same treatments, for
    longer or at another dose, are one group then.""",
    example="""
groups:
  alone: { treatments: [entecavir, peginterferon] }
analyses:
  recurrence_late:
    { method: cox, title: Recurrence, population: everyone, endpoint: recurrence, covariates: [groups, age, bclc_stage], time varying: [groups] }
""",
    cure="""
analyses:
  recurrence_late:
    { method: cox, title: Recurrence, population: everyone, endpoint: recurrence, covariates: [groups, age, bclc_stage], time varying: [groups] }
""",
    source="arithmetic",
)
def groups_not_told_apart(checked: Checked) -> Iterator[Found]:
    protocol = checked.protocol
    alike: dict[frozenset[str], list[str]] = {}
    for group, apart in treatments_apart(protocol).items():
        alike.setdefault(frozenset(apart), []).append(group)
    same = next((groups for groups in alike.values() if len(groups) > 1), None)
    for name, analysis in protocol.analyses.items():
        if isinstance(analysis, CloneCensorWeight) and strategies_of(protocol) is None:
            what = "there are no two groups of which one adds a treatment to the other"
        elif isinstance(analysis, TimeAnalysis) and goes_by_treatment(analysis) and same:
            what = f"{' and '.join(f'`{group}`' for group in same)} have the same treatments"
        else:
            continue
        yield Found(
            ("analyses", name),
            f"`{name}` goes by the treatment begun, and {what}",
            "compare the groups as assigned, or give each group the treatments that make it one",
            about_key=True,
        )


@check(
    "death-censored-in-curve",
    Severity.WARNING,
    title="a curve censors deaths, and no cumulative incidence stands beside it",
    why="""One minus Kaplan-Meier with deaths censored is the risk in a world without death; it is never below what happens, and the more die, the further
    above.""",
    example="""
analyses: { recurrence_incidence: ~ }
""",
    cure="""
analyses:
  recurrence_incidence:
    method: cumulative incidence
    title: Cumulative incidence of recurrence
    population: everyone
    endpoint: recurrence
    by: groups
    ticks every: 182 days
""",
    source="Putter, Fiocco and Geskus, Stat Med 2007;26:2389-2430",
)
def death_censored_in_curve(checked: Checked) -> Iterator[Found]:
    analyses = checked.protocol.analyses
    competing = {
        one.endpoint
        for one in analyses.values()
        if isinstance(one, TimeAnalysis)
        and getattr(one, "method", "") in ("cumulative incidence", "fine-gray")
    }
    told: set[str] = set()
    for name, analysis in analyses.items():
        if not isinstance(analysis, KaplanMeier) or analysis.endpoint in competing | told:
            continue
        endpoint = checked.protocol.endpoints.get(analysis.endpoint)
        if endpoint is None or endpoint.reported or endpoint.kind != "time to event":
            continue
        parts = {part for event in checked.events_of(endpoint) for part in checked.depends_on(event)}
        if not any(checked.is_death(part) for part in parts):
            told.add(analysis.endpoint)
            yield Found(
                ("analyses", name),
                f"`{name}` censors who dies without the event, so one minus the curve lies above the share who have `{analysis.endpoint}`",
                "add a cumulative incidence with death as a competing event",
                about_key=True,
            )


@check(
    "interval-events-read-as-exact",
    Severity.WARNING,
    title="an event is seen at scheduled visits only, and every analysis takes the visit for its day",
    why="""Recurrence happened some time in the twelve weeks before the scan that shows it. Read at the scan, times come late by the same amount in both groups
    only if both keep the same calendar; the group that is scanned more often looks worse.""",
    example="""
analyses: { recurrence_interval: ~ }
""",
    cure="""
analyses:
  recurrence_interval:
    method: turnbull
    title: Recurrence between two scans
    role: sensitivity
    population: everyone
    endpoint: recurrence
    by: groups
""",
    source="Sun, The Statistical Analysis of Interval-censored Failure Time Data, 2006",
)
def interval_events_read_as_exact(checked: Checked) -> Iterator[Found]:
    between = {
        one.endpoint
        for one in checked.protocol.analyses.values()
        if isinstance(one, TimeAnalysis) and getattr(one, "method", "") == "turnbull"
    }
    for name, endpoint in checked.primary.items():
        if endpoint.kind != "time to event" or name in between or endpoint.reported:
            continue
        gaps = [
            one.most_gap for fact in checked.facts_of(endpoint) for one in checked.schedules.get(fact, ())
        ]
        if gaps and min(gaps) >= 28:
            yield Found(
                ("endpoints", name),
                f"`{name}` is looked for every {min(gaps)} days and dated to the visit that shows it; no analysis says that it lies between "
                "two visits",
                "add an analysis for interval-censored times as sensitivity, and show the visit intervals by group",
                about_key=True,
            )


@check(
    "covariate-without-variation",
    Severity.WARNING,
    title="a covariate is the same for everybody whom the criteria let in",
    why="""A model cannot estimate what does not vary: the coefficient is infinite or missing, and an adjustment that is reported was none.""",
    example="""
eligibility:
  inclusion: { stage: { text: BCLC stage A, when: "last(bclc_stage, 90 days) is A" } }
""",
    cure="""
eligibility:
  inclusion: { stage: { text: BCLC stage 0 or A, when: "last(bclc_stage, 90 days) in (0, A)" } }
""",
    source="interval reasoning over the criteria",
)
def covariate_without_variation(checked: Checked) -> Iterator[Found]:
    levels: dict[str, list[str]] = {}
    for path, name in _adjusted_for(checked):
        if name not in levels:
            levels[name] = _levels_let_in(checked, name)
        if len(levels[name]) == 1:
            yield Found(
                path,
                f"the criteria let in only `{levels[name][0]}` of `{name}`, so it cannot be adjusted for",
                "leave it out, or widen the criteria",
            )


def _levels_let_in(checked: Checked, name: str) -> list[str]:
    """The levels of a category with which somebody can fulfil the criteria; none if no criterion asks for it."""
    fact = checked.scope.facts.get(name)
    asked = [
        node.value
        for rule, _ in checked.joint_criteria
        for node in tree.walk(rule.condition)
        if isinstance(node, tree.OneOf)
        and isinstance(node.value, (tree.Pick, tree.Once))
        and node.value.fact == name
    ]
    if fact is None or not asked:
        return []
    levels = [Requirement(tree.OneOf(asked[0], (level,))) for level in fact.levels]
    left = [not contradict([*checked.requirements, one], checked.scope) for one in levels]
    return [level for level, is_left in zip(fact.levels, left, strict=True) if is_left]


def _adjusted_for(checked: Checked) -> Iterator[tuple[Path, str]]:
    for name, analysis in checked.protocol.analyses.items():
        for key in ("covariates", "strata"):
            for i, covariate in enumerate(getattr(analysis, key, ())):
                yield ("analyses", name, key, i), covariate
        weights = getattr(analysis, "weights", None)
        for i, covariate in enumerate(weights.covariates if weights else ()):
            yield ("analyses", name, "weights", "covariates", i), covariate


@check(
    "model-without-group",
    Severity.WARNING,
    title="a regression adjusts for covariates and does not have the group",
    why="""Adjustment is for the comparison of the groups. A model with age, stage and HBsAg alone describes prognosis and says nothing about the
    treatment.""",
    example="""
analyses:
  recurrence_cox:
    { method: cox, title: Recurrence, population: everyone, endpoint: recurrence, covariates: [age, bclc_stage] }
""",
    cure="""
analyses:
  recurrence_cox:
    { method: cox, title: Recurrence, population: everyone, endpoint: recurrence, covariates: [groups, age, bclc_stage] }
""",
    source="ICH E9, 5.7: adjustment is of the treatment comparison",
)
def model_without_group(checked: Checked) -> Iterator[Found]:
    if len(checked.protocol.groups) < 2:
        return
    for name, analysis in checked.protocol.analyses.items():
        if isinstance(analysis, Regression) and GROUPS not in analysis.covariates:
            used = {*analysis.covariates, *(analysis.time_varying if isinstance(analysis, Cox) else ())}
            if not used & set(checked.protocol.treatments):
                yield Found(
                    ("analyses", name, "covariates"),
                    f"`{name}` has no term for the group, so it compares no treatments",
                    "write `groups` among the covariates",
                )


@check(
    "few-events-for-model",
    Severity.WARNING,
    title="a model has too many coefficients for the events that are expected",
    why="""With fewer than ten events for each coefficient, estimates are unstable and too far from one; the confidence interval does not show it.""",
    example="""
design: { events: 25 }
analyses:
  recurrence_cox:
    { method: cox, title: Recurrence, population: everyone, endpoint: recurrence, covariates: [groups, age, bclc_stage] }
""",
    cure="""
design: { events: 160 }
analyses:
  recurrence_cox:
    { method: cox, title: Recurrence, population: everyone, endpoint: recurrence, covariates: [groups, age, bclc_stage] }
""",
    source="Peduzzi et al., J Clin Epidemiol 1995;48:1503-1510",
)
def few_events_for_model(checked: Checked) -> Iterator[Found]:
    design, protocol = checked.protocol.design, checked.protocol
    if design is None or design.events is None:
        return
    for name, analysis in protocol.analyses.items():
        if not isinstance(analysis, Regression) or analysis.endpoint not in checked.primary:
            continue
        n = sum(_coefficients(checked, covariate) for covariate in analysis.covariates)
        if n * _EVENTS_PER_COEFFICIENT > design.events:
            yield Found(
                ("analyses", name, "covariates"),
                f"{n} coefficients need about {n * _EVENTS_PER_COEFFICIENT} events, and {design.events} are planned",
                "adjust for fewer covariates, or by weights",
            )


def _coefficients(checked: Checked, covariate: str) -> int:
    if covariate == GROUPS:
        return max(len(checked.protocol.groups) - 1, 1)
    fact = checked.protocol.facts.get(covariate)
    return max(len(fact.levels) - 1, 1) if fact else 1
