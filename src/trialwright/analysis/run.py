"""Running a protocol's analyses on derived data."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import polars as pl

from trialwright.analysis.adverse_events import analyse_grade_table
from trialwright.analysis.baseline import analyse_baseline
from trialwright.analysis.by_visit import analyse_visit_summary
from trialwright.analysis.calendar_kept import count_contacts
from trialwright.analysis.cox import analyse_cox
from trialwright.analysis.emulated import analyse_emulated
from trialwright.analysis.exposure import count_exposure
from trialwright.analysis.immortal_time import is_biased, measure_immortal_time
from trialwright.analysis.incidence import analyse_fine_gray, analyse_incidence
from trialwright.analysis.interval_times import analyse_intervals
from trialwright.analysis.nobody import find_empty_populations, find_unfollowed
from trialwright.analysis.participation import count_ends, count_screening
from trialwright.analysis.proportions import analyse_proportion, is_confirmed, what_none_excludes
from trialwright.analysis.responders import count_responders
from trialwright.analysis.results import Finding, Recorder, Result, Results
from trialwright.analysis.sample import AnalysisData
from trialwright.analysis.subgroups import analyse_subgroups
from trialwright.analysis.time_to_event import (
    analyse_kaplan_meier,
    analyse_logrank,
    analyse_restricted_mean,
    analyse_reverse_kaplan_meier,
)
from trialwright.derivations.adclock import why_clock_not_run, why_deviation_not_run, why_visit_not_run
from trialwright.protocol.analyses import (
    AnalysisBase,
    BaselineTable,
    CloneCensorWeight,
    Cox,
    CumulativeIncidence,
    FineGray,
    GradeTable,
    IntervalCensored,
    KaplanMeier,
    LogRank,
    Proportion,
    RestrictedMean,
    ReverseKaplanMeier,
    Subgroups,
    TimeAnalysis,
    VisitSummary,
    is_in_stretches,
    named_by,
)
from trialwright.protocol.loading import hash_protocol
from trialwright.protocol.model import Protocol
from trialwright.protocol.not_run import reason_not_run
from trialwright.protocol.references import GROUPS
from trialwright.protocol.responders import responder_reason
from trialwright.records.table_threads import on_table_threads

FLOW = "population flow"
"""The id of the rows that count subjects on their way into the analyses; no analysis can be named so."""

_METHODS = {
    BaselineTable: analyse_baseline,
    KaplanMeier: analyse_kaplan_meier,
    ReverseKaplanMeier: analyse_reverse_kaplan_meier,
    LogRank: analyse_logrank,
    Cox: analyse_cox,
    RestrictedMean: analyse_restricted_mean,
    CumulativeIncidence: analyse_incidence,
    FineGray: analyse_fine_gray,
    Subgroups: analyse_subgroups,
    IntervalCensored: analyse_intervals,
    CloneCensorWeight: analyse_emulated,
    Proportion: analyse_proportion,
    GradeTable: analyse_grade_table,
    VisitSummary: analyse_visit_summary,
}


def not_yet_executable(protocol: Protocol) -> dict[str, str]:
    """Parts of a protocol this version of Trialwright reads but cannot run: path to reason."""
    reasons = {
        **{f"clocks.{id_}": why_clock_not_run(clock) for id_, clock in protocol.clocks.items()},
        **{f"visits.{id_}": why_visit_not_run(visit, protocol) for id_, visit in protocol.visits.items()},
        **{
            f"deviations.{id_}": why_deviation_not_run(one, protocol)
            for id_, one in protocol.deviations.items()
        },
        **{f"analyses.{id_}": _why_not(protocol, id_) for id_ in protocol.analyses},
    }
    return {path: reason for path, reason in reasons.items() if reason}


def beyond_cohorts(protocol: Protocol) -> dict[str, str]:
    """Analyses that need the records of a trial, and cannot be run on a table of one row a subject, with the reason."""
    reasons = {id_: _why_not_on_cohorts(protocol, analysis) for id_, analysis in protocol.analyses.items()}
    return {id_: reason for id_, reason in reasons.items() if reason}


def _why_not_on_cohorts(protocol: Protocol, analysis: AnalysisBase) -> str:
    endpoint = getattr(analysis, "endpoint", None)
    for key in ("from_", "entry", "landmark", "time_varying", "grace"):
        if getattr(analysis, key, None):
            return f"`{key.rstrip('_').replace('_', ' ')}` needs the records of a trial"
    if GROUPS in named_by(analysis):
        return "the groups of the protocol are derived from records"
    if protocol.populations[analysis.population].when:
        return "the population has a rule, and rules are judged on records"
    if endpoint and not protocol.endpoints[endpoint].reported:
        return "the endpoint is derived from records"
    return ""


_SOFTWARE = ("trialwright", "numpy", "polars", "survival", "typst", "vl-convert-python")


def software() -> dict[str, str]:
    """The versions of what numbers, tables and pictures are made with."""
    return {name: version(name) for name in _SOFTWARE} | {"python": platform.python_version()}


def protocol_provenance(protocol: Protocol) -> dict[str, str]:
    """Which protocol results rest on: study, version and hash."""
    return {
        "id": protocol.study.id,
        "version": protocol.version.number if protocol.version else "none",
        "sha256 of the protocol": hash_protocol(protocol),
    }


@on_table_threads
def run_analyses(data: AnalysisData, provenance: Mapping[str, Any], source: str) -> Results:
    """Run every analysis of the protocol, in its order.

    Parameters
    ----------
    data : AnalysisData
    provenance : mapping
        Hashes and versions that tell where the results come from; kept as it is.
    source : str
        The name of the data, for the `source` of each row.
    """
    rows: list[Result] = []
    findings: list[Finding] = []
    beside = (count_exposure(data, source), count_contacts(data, source), measure_immortal_time(data, source))
    for recorder in (
        _count_flow(data, source),
        *(one for one in beside if one is not None),
        *(run_analysis(data, id_, source) for id_ in data.protocol.analyses),
    ):
        rows += recorder.rows
        findings += recorder.findings
    nobody = (*find_empty_populations(data, FLOW), *find_unfollowed(data, {row.id for row in rows}))
    about_groups = (*_small_groups(data, rows), *_few_at_risk(data, rows))
    return Results(tuple(rows), (*nobody, *about_groups, *findings), provenance, data.is_simulated)


def run_analysis(data: AnalysisData, id_: str, source: str, *, with_curves: bool = True) -> Recorder:
    """Run one analysis of the protocol; why it must not be run stands in its rows, too.

    Without curves their steps are not among the rows: see `Recorder`.
    """
    analysis = data.protocol.analyses[id_]
    endpoint = getattr(analysis, "endpoint", None)
    dataset = dataset_of(data.protocol, analysis)
    source = f"analyses.{id_} <- {dataset} <- {source}"
    recorder = Recorder(id_, analysis.method, source, endpoint, with_curves=with_curves)
    if reason := _why_not(data.protocol, id_):
        recorder.give_up(analysis.title, ("estimate",), reason)
        return recorder
    if isinstance(analysis, TimeAnalysis) and is_biased(analysis):
        recorder.warn(
            "biased-on-purpose", _BIASED, words={"title": (analysis.title, f"analyses.{id_}.title")}
        )
    _METHODS[type(analysis)](data, analysis, recorder)  # type: ignore[operator]
    if isinstance(analysis, KaplanMeier):
        count_responders(data, analysis, recorder)
    return recorder


_BIASED = (
    "{title}: time counts for a group before its treatment had begun, which favours whoever is treated later. It is shown to "
    "tell how much, and no conclusion may rest on it."
)


def _why_not(protocol: Protocol, name: str) -> str:
    """Why an analysis must not be run as it is written; nothing where it may."""
    analysis = protocol.analyses[name]
    later = responder_reason(protocol, analysis) if isinstance(analysis, TimeAnalysis) else ""
    return later or reason_not_run(protocol, analysis)


def dataset_of(protocol: Protocol, analysis: AnalysisBase) -> str:
    """The analysis dataset an analysis reads, with its parameter: `ADTTE[PARAMCD=OS]`."""
    endpoint = getattr(analysis, "endpoint", None)
    if endpoint is None:
        return "ADSL"
    said = protocol.endpoints[endpoint]
    if isinstance(analysis, TimeAnalysis) and (
        is_in_stretches(analysis) or isinstance(analysis, CloneCensorWeight)
    ):
        return f"ADTTEV[PARAMCD={endpoint.upper()}]"
    match said.kind:
        case "time to event":
            return f"ADTTE[PARAMCD={endpoint.upper()}]"
        case "rate":
            return f"ADRATE[PARAMCD={endpoint.upper()}]"
        case "worst grade":
            return "ADAE"
        case "best response":
            return f"ADRS[PARAMCD={'CBOR' if is_confirmed(said) else 'BOR'}]"
        case _:
            return f"ADLB[PARAMCD={(said.of or endpoint).upper()}]"


def _count_flow(data: AnalysisData, source: str) -> Recorder:
    """How many came in, belong to each population, ended their part in the study in which way, and have each endpoint."""
    recorder = Recorder(FLOW, "count", f"ADSL, ADTTE <- {source}", n=data.adsl.height)
    if data.protocol.study.enrolment is not None:
        recorder.add("n_planned", data.protocol.study.enrolment, "subjects")
    recorder.add("n_records", data.adsl.height, "subjects")
    for name in data.protocol.populations:
        if flag := data.flag(name):
            _count_population(recorder, data.adsl[flag], name)
            for group in data.protocol.groups if GROUPS in data.adsl.columns else ():
                members = data.population(name).filter(pl.col(GROUPS) == group)
                recorder.add("n_in_population", members.height, "subjects", item=name, group=group)
    count_screening(data, recorder)
    count_ends(data, recorder)
    for id_, endpoint in data.protocol.endpoints.items():
        if endpoint.reported:
            rows = data.adtte.filter(data.adtte["PARAMCD"] == id_.upper()).drop_nulls(["AVAL", "CNSR"])
            recorder.add("n_with_endpoint", rows.height, "subjects", item=id_)
            recorder.add("n_without_endpoint", data.adsl.height - rows.height, "subjects", item=id_)
    return recorder


def _count_population(recorder: Recorder, flags: pl.Series, name: str) -> None:
    for statistic, flag in (("n_in_population", "Y"), ("n_not_in_population", "N")):
        recorder.add(statistic, int((flags == flag).sum()), "subjects", item=name)
    recorder.add("n_population_unknown", flags.null_count(), "subjects", item=name)


def _small_groups(data: AnalysisData, rows: list[Result]) -> list[Finding]:
    """One warning for each small group of an endpoint, however many analyses use it."""
    limits = data.protocol.reporting
    by_id = {row.id: row for row in rows}
    found: dict[tuple[str | None, str], Finding] = {}
    for row in rows:
        if row.statistic != "n_events" or row.group is None or row.item or row.value is None:
            continue
        n_id = row.id.replace("n_events", "n_subjects")
        subjects = by_id[n_id].value or 0
        by = getattr(data.protocol.analyses[row.analysis], "by", None)
        if by is None or (subjects >= limits.small_group_subjects and row.value >= limits.small_group_events):
            continue
        label = data.level_label(by, row.group)
        words = {"group": label, "endpoint": data.endpoint_label(row.endpoint or "")}
        if subjects == 0:
            code, message = (
                "empty-group",
                "{endpoint}: nobody who is {group} could be analysed; nothing can be said of this group.",
            )
            numbers: dict[str, str] = {}
        elif row.value == 0:
            code = "no-events"
            over_time = isinstance(data.protocol.analyses[row.analysis], TimeAnalysis)
            if (
                not over_time
            ):  # only those judged exclude anything; of whom nobody was, the analysis says so itself
                n_id = row.id.replace("n_events", "left out/n_subjects")
                if not by_id[n_id].value:
                    continue
            message = "{endpoint}: nobody who is {group} had the event (subjects" + (
                ": {n}); hazards cannot be compared."
                if over_time
                else f" judged: {{n}}); {what_none_excludes(by_id.get(row.id.replace('n_events', 'n_not_over')))}."
            )
            numbers = {"n": n_id}
        else:
            code = "small-group"
            message = (
                "{endpoint}: the group {group} is small (subjects: {n}, events: {events}). Estimates for it, and any "
                "comparison with it, are very uncertain."
            )
            numbers = {"n": n_id, "events": row.id}
        found.setdefault(
            (row.endpoint, row.group), Finding(code, "warning", row.analysis, message, numbers, words)
        )
    order = list(data.protocol.endpoints)
    return [found[key] for key in sorted(found, key=lambda key: order.index(key[0] or ""))]


def _few_at_risk(data: AnalysisData, rows: list[Result]) -> list[Finding]:
    """One warning for each endpoint that is read by group where hardly anybody is under watch any more."""
    fewest: dict[str, Result] = {}
    for row in rows:
        if row.item != "at" or row.statistic != "n_at_risk" or row.endpoint is None or row.value is None:
            continue
        if getattr(data.protocol.analyses.get(row.analysis), "by", None) is None:
            continue
        if row.value < data.protocol.reporting.small_group_events and row.n:
            kept = fewest.setdefault(row.endpoint, row)
            fewest[row.endpoint] = row if row.value < (kept.value or 0) else kept
    return [
        Finding(
            "few-at-risk",
            "warning",
            row.analysis,
            _FEW_AT_RISK + (_SEEN_LATER if _is_seen(data.protocol, endpoint) else _HAPPENED),
            {"n": row.id},
            {
                "endpoint": data.endpoint_label(endpoint),
                "at": (
                    f"{row.time:g} {data.protocol.endpoints[endpoint].unit or ''}".strip(),
                    f"analyses.{row.analysis}.read at",
                ),
                "of": (str(row.n), f"analyses.{row.analysis}"),
            },
        )
        for endpoint, row in fewest.items()
    ]


_FEW_AT_RISK = "{endpoint}: at {at}, hardly anybody of a group is still under watch (subjects: {n} of {of}). "
_SEEN_LATER = (
    "Whoever was seen a few days earlier without the event counts no more, so that each event found there weighs far too much; "
    "earlier readings, and those that let events lie between two examinations, are the sounder ones."
)
_HAPPENED = (
    "What befalls one of them moves the estimate far, and where nobody is left it tells of no later day; earlier readings are "
    "the sounder ones."
)


def _is_seen(protocol: Protocol, endpoint: str) -> bool:
    """Whether an event of an endpoint has the day on which somebody saw it, not its own."""
    events = (protocol.events.get(name) for name in protocol.endpoints[endpoint].time_to)
    return any(event is not None and not event.reported for event in events)
