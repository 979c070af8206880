"""Analyses that a protocol can write and no method is there for."""

from __future__ import annotations

from trialwright.protocol.analyses import (
    Analysis,
    Cox,
    KaplanMeier,
    LogRank,
    TimeAnalysis,
    is_in_stretches,
    named_by,
)
from trialwright.protocol.references import GROUPS


def reason_not_run(analysis: Analysis) -> str:
    """Why an analysis is not run as it is written; nothing where it is."""
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
