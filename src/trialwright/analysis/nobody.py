"""What a report must say aloud when nobody is there: empty populations, and endpoints of which nobody was followed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import polars as pl

from trialwright.analysis.results import Finding
from trialwright.analysis.sample import AnalysisData, first_day, select_times
from trialwright.derivations.cohort import event_observed
from trialwright.derivations.time_plans import COMPETING
from trialwright.protocol.analyses import TimeAnalysis, is_in_stretches

_EMPTY = (
    "{population}: nobody surely belongs to this population (subjects of whom nobody can tell: {unknown}); a zero that is counted in it "
    "is of nobody."
)
_NOT_FOLLOWED = "{endpoint}: nobody was followed beyond the day time begins (subjects: {n}). That nobody had the event says nothing."


def find_empty_populations(data: AnalysisData, flow: str) -> Iterator[Finding]:
    """One warning for each population that analyses name and nobody surely belongs to.

    Parameters
    ----------
    data : AnalysisData
    flow : str
        The id of the rows that count who belongs to which population.
    """
    for name, population in data.protocol.populations.items():
        users = [id_ for id_, one in data.protocol.analyses.items() if one.population == name]
        if not users or not data.flag(name) or data.population(name).height:
            continue
        numbers = {"unknown": f"{flow}/{name}/n_population_unknown"}
        words = {"population": (population.label or name, f"populations.{name}.label")}
        yield Finding("empty-population", "warning", users[0], _EMPTY, numbers, words)


def find_unfollowed(data: AnalysisData, recorded: Collection[str]) -> Iterator[Finding]:
    """One warning for each endpoint of which every time ends, without any event, on the day it begins.

    Parameters
    ----------
    data : AnalysisData
    recorded : collection of str
        The ids of all rows: an analysis that was not run counts nobody.
    """
    told: set[str] = set()
    for id_, analysis in data.protocol.analyses.items():
        n = f"{id_}/n_analysed"
        if not isinstance(analysis, TimeAnalysis) or analysis.endpoint in told or n not in recorded:
            continue
        if _is_followed(data, analysis):
            continue
        told.add(analysis.endpoint)
        words = {"endpoint": data.endpoint_label(analysis.endpoint)}
        yield Finding("nobody-followed", "warning", id_, _NOT_FOLLOWED, {"n": n}, words)


def _is_followed(data: AnalysisData, analysis: TimeAnalysis) -> bool:
    """Whether anything happened to anybody or anybody has a second day; so too where nobody has a time or comes in late."""
    if is_in_stretches(analysis):
        return True
    people = data.population(analysis.population).select("USUBJID")
    times = select_times(data, analysis).join(people, on="USUBJID", how="semi").drop_nulls(["AVAL", "CNSR"])
    happened = event_observed(pl.col("CNSR")) | (pl.col("CNSR") == COMPETING)
    followed = pl.col("AVAL") > first_day(data, analysis.endpoint)
    return times.is_empty() or not times.filter(happened | followed).is_empty()
