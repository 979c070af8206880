"""Analyses that a protocol can write and no method is there for, or whose endpoint is not derived as it is written."""

from __future__ import annotations

from trialwright.protocol.analyses import (
    Analysis,
    Cox,
    GradeTable,
    KaplanMeier,
    LogRank,
    Proportion,
    TimeAnalysis,
    is_in_stretches,
    named_by,
)
from trialwright.protocol.model import Endpoint, Protocol
from trialwright.protocol.references import GROUPS, concept_of
from trialwright.protocol.safety import counts_adverse_events, safety_endpoint, settings_apart


def reason_not_run(protocol: Protocol, analysis: Analysis) -> str:
    """Why an analysis is not run as it is written; nothing where it is."""
    if isinstance(analysis, GradeTable):
        return _reason_of_grades(protocol, analysis.endpoint)
    if isinstance(analysis, Proportion):
        return reason_without_response(protocol, protocol.endpoints[analysis.endpoint])
    if not isinstance(analysis, TimeAnalysis):
        return ""
    changing = getattr(analysis, "time_varying", ())
    if fixed := [name for name in changing if name != GROUPS]:
        return f"only `groups` can change over time, not `{fixed[0]}`"
    if changing and GROUPS not in named_by(analysis):
        return "`groups` change over time, and are not among the `covariates`"
    if analysis.weights is not None and not isinstance(analysis, KaplanMeier | Cox):
        return f"`{analysis.method}` is not run with weights"
    if is_in_stretches(analysis) and analysis.weights is not None:
        return "weights are not run together with late entry, landmark or changing groups"
    if is_in_stretches(analysis) and not isinstance(analysis, KaplanMeier | Cox | LogRank):
        return f"`{analysis.method}` is not run with late entry, landmark or changing groups"
    return ""


def _reason_of_grades(protocol: Protocol, name: str) -> str:
    """Why a table of adverse events is not that of an endpoint: it is of something else, or derived as another one says."""
    endpoint = protocol.endpoints[name]
    if not counts_adverse_events(protocol, endpoint):
        return f"`adverse events` counts grades of the concept `toxicity_grade`, and `{name}` is of `{endpoint.of}`"
    found = safety_endpoint(protocol)
    apart = settings_apart(protocol, found[1], endpoint) if found else []
    if found is None or not apart:
        return ""
    told = ", ".join(f"`{key}`" for key in apart)
    return f"adverse events are derived once, as `{found[0]}` says, and `{name}` has another {told}"


def reason_without_response(protocol: Protocol, endpoint: Endpoint) -> str:
    """Why no best response is derived for an endpoint; nothing where one is, or none is asked for."""
    if endpoint.kind != "best response":
        return ""
    if endpoint.of is None or concept_of(protocol, endpoint.of) != "recist_response":
        of = f"of `{endpoint.of}`" if endpoint.of else "without `of`"
        return f"best responses are derived by RECIST 1.1 (concept `recist_response`) only, not {of}"
    return "" if endpoint.response else "no `response` of its endpoint says which responses count"
