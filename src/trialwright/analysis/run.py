"""Running a protocol's analyses on derived data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialwright.analysis.baseline import analyse_baseline
from trialwright.analysis.cox import analyse_cox
from trialwright.analysis.results import Finding, Recorder, Result, Results
from trialwright.analysis.sample import AnalysisData
from trialwright.analysis.time_to_event import (
    analyse_kaplan_meier,
    analyse_logrank,
    analyse_restricted_mean,
    analyse_reverse_kaplan_meier,
)
from trialwright.protocol.analyses import (
    AnalysisBase,
    BaselineTable,
    Cox,
    KaplanMeier,
    LogRank,
    RestrictedMean,
    ReverseKaplanMeier,
)
from trialwright.protocol.model import Protocol
from trialwright.protocol.references import GROUPS

FLOW = "population flow"
"""The id of the rows that count subjects on their way into the analyses; no analysis can be named so."""

_METHODS = {
    BaselineTable: analyse_baseline,
    KaplanMeier: analyse_kaplan_meier,
    ReverseKaplanMeier: analyse_reverse_kaplan_meier,
    LogRank: analyse_logrank,
    Cox: analyse_cox,
    RestrictedMean: analyse_restricted_mean,
}


_OPTIONS = ("from_", "entry", "landmark", "weights", "transform", "time_varying")
"""Keys of analyses that are read and not yet run."""

_DESCRIBED = (
    *(
        "assays",
        "treatments",
        "groups",
        "baselines",
        "baseline",
        "periods",
        "eligibility",
        "visits",
        "clocks",
    ),
    *("design", "assumptions", "scenarios", "deviations", "monitoring"),
)


def not_yet_executable(protocol: Protocol) -> dict[str, str]:
    """Parts of a protocol this version of Trialwright reads but cannot run: path to reason."""
    found: dict[str, str] = {}
    for name in _DESCRIBED:
        content = getattr(protocol, name.replace(" ", "_"))
        if content != type(protocol).model_fields[name.replace(" ", "_")].get_default():
            found[name] = "is described, and nothing runs it yet"
    for id_, anchor in protocol.anchors.items():
        if anchor.at:
            found[f"anchors.{id_}.at"] = "is not computed yet"
    for id_, population in protocol.populations.items():
        if population.when:
            found[f"populations.{id_}.when"] = "rules are not run yet"
    for id_, event in protocol.events.items():
        if not event.reported:
            found[f"events.{id_}"] = "is not derived yet; only events the data report are used"
    for id_, endpoint in protocol.endpoints.items():
        if not endpoint.reported:
            found[f"endpoints.{id_}"] = "is not derived yet; only endpoints the data report are analysed"
    return found | {f"analyses.{id_}": reason for id_, reason in unrunnable_analyses(protocol).items()}


def _why_not_runnable(protocol: Protocol, analysis: AnalysisBase) -> str:
    by, endpoint = getattr(analysis, "by", None), getattr(analysis, "endpoint", None)
    if type(analysis) not in _METHODS:
        return "the method is not run yet"
    for key in _OPTIONS:
        if getattr(analysis, key, None):
            return f"`{key.rstrip('_').replace('_', ' ')}` is not run yet"
    if GROUPS in (by, *getattr(analysis, "covariates", ()), *getattr(analysis, "strata", ())):
        return "the groups of the protocol are not derived yet"
    if protocol.populations[analysis.population].when:
        return "the population has a rule, and rules are not run yet"
    if endpoint and not protocol.endpoints[endpoint].reported:
        return "the endpoint is not derived yet"
    return ""


def unrunnable_analyses(protocol: Protocol) -> dict[str, str]:
    """Analyses that cannot be run yet, with the reason."""
    reasons = {id_: _why_not_runnable(protocol, analysis) for id_, analysis in protocol.analyses.items()}
    return {id_: reason for id_, reason in reasons.items() if reason}


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
    for recorder in (
        _count_flow(data, source),
        *(_run_one(data, id_, source) for id_ in data.protocol.analyses),
    ):
        rows += recorder.rows
        findings += recorder.findings
    return Results(tuple(rows), (*_small_groups(data, rows), *findings), provenance)


def _run_one(data: AnalysisData, id_: str, source: str) -> Recorder:
    analysis = data.protocol.analyses[id_]
    endpoint = getattr(analysis, "endpoint", None)
    dataset = f"ADTTE[PARAMCD={endpoint.upper()}]" if endpoint else "ADSL"
    recorder = Recorder(id_, analysis.method, f"analyses.{id_} <- {dataset} <- {source}", endpoint)
    _METHODS[type(analysis)](data, analysis, recorder)  # type: ignore[operator]
    return recorder


def _count_flow(data: AnalysisData, source: str) -> Recorder:
    """How many subjects came in, and how many have each endpoint."""
    recorder = Recorder(FLOW, "count", f"ADSL, ADTTE <- {source}", n=data.adsl.height)
    if data.protocol.study.enrolment is not None:
        recorder.add("n_planned", data.protocol.study.enrolment, "subjects")
    recorder.add("n_records", data.adsl.height, "subjects")
    for id_, endpoint in data.protocol.endpoints.items():
        if endpoint.reported:
            rows = data.adtte.filter(data.adtte["PARAMCD"] == id_.upper()).drop_nulls(["AVAL", "CNSR"])
            recorder.add("n_with_endpoint", rows.height, "subjects", item=id_)
            recorder.add("n_without_endpoint", data.adsl.height - rows.height, "subjects", item=id_)
    return recorder


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
            code, message = "empty-group", "{endpoint}: nobody is {group}; nothing can be said of this group."
            numbers: dict[str, str] = {}
        elif row.value == 0:
            code = "no-events"
            message = (
                "{endpoint}: nobody who is {group} had the event (subjects: {n}); hazards cannot be compared."
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
