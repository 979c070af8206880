"""The baseline table: characteristics by group and how far apart the groups are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from trialwright.analysis.results import Recorder, Where
from trialwright.analysis.sample import AnalysisData, select_population
from trialwright.protocol.analyses import BaselineTable
from trialwright.protocol.categories import levels_of, unit_words
from trialwright.statistics.descriptive import (
    count_levels,
    standardised_difference_levels,
    standardised_difference_numbers,
    summarise_numbers,
)
from trialwright.statistics.estimability import NotEstimable

_NUMBERS = ("mean", "sd", "median", "q1", "q3", "minimum", "maximum")


def analyse_baseline(data: AnalysisData, analysis: BaselineTable, recorder: Recorder) -> None:
    """Every variable by group and all together; with two groups or more the distance of each from the first."""
    everyone = select_population(data, recorder, analysis.population)
    levels: list[str] = []
    groups: dict[str | None, pl.DataFrame] = {None: everyone}
    if analysis.by:
        levels = list(levels_of(data.protocol, analysis.by))
        groups |= {level: everyone.filter(pl.col(analysis.by) == level) for level in levels}
        recorder.add("n_without_fact", everyone[analysis.by].null_count(), "subjects", item=analysis.by)
    for level, frame in groups.items():
        recorder.add("n_subjects", frame.height, "subjects", group=level, n=frame.height)
    for variable in analysis.variables:
        known = levels_of(data.protocol, variable)
        unit = unit_words(data.protocol, variable)
        for level, frame in groups.items():
            if known:
                _add_levels(recorder, frame, variable, level, list(known))
            else:
                _add_numbers(recorder, frame, variable, level, unit[0] if unit else "")
                _add_beyond(recorder, data, frame, everyone, variable, level)
        for level in levels[1:]:
            _add_difference(recorder, groups[level], groups[levels[0]], variable, level, list(known))


def _add_levels(
    recorder: Recorder, frame: pl.DataFrame, variable: str, group: str | None, levels: Sequence[str]
) -> None:
    found = count_levels(frame[variable].to_list(), levels)
    recorder.add("n_missing", found.n_missing, "subjects", group=group, item=variable, n=frame.height)
    for level, count in found.counts.items():
        where: Where = {"group": group, "item": f"{variable}={level}", "n": found.n}
        share = count / found.n if found.n else None
        recorder.add("count", count, "subjects", **where)
        recorder.add("proportion", share, "proportion", note="no value known", **where)


def _add_numbers(
    recorder: Recorder, frame: pl.DataFrame, variable: str, group: str | None, unit: str
) -> None:
    values = frame[variable].to_list()
    n_known = len(values) - frame[variable].null_count()
    where: Where = {"group": group, "item": variable, "n": n_known}
    recorder.add("n_missing", len(values) - n_known, "subjects", **where)
    if not n_known:
        recorder.add_missing(_NUMBERS, "no value known", **where)
        return
    summary = summarise_numbers(values)
    for statistic in _NUMBERS:
        value = getattr(summary, statistic)
        recorder.add(
            statistic, value, unit, note="one value has no spread", conventions=summary.conventions, **where
        )


def _add_beyond(
    recorder: Recorder,
    data: AnalysisData,
    frame: pl.DataFrame,
    everyone: pl.DataFrame,
    variable: str,
    group: str | None,
) -> None:
    """How many values lie beyond the limits of the assay, so that a number stands for them; where any does."""
    if "ADBASE" not in data.tables:
        return
    rows = data.tables["ADBASE"].filter(pl.col("PARAMCD") == variable.upper())
    stood_for = pl.concat(beyond_assay(rows.join(everyone, on="USUBJID", how="semi")).values())
    if not stood_for.height:
        return
    conventions = {"beyond the assay": sorted(stood_for["IMPMETH"].unique())}
    where: Where = {"group": group, "item": variable, "n": frame.height}
    for statistic, found in beyond_assay(rows.join(frame, on="USUBJID", how="semi")).items():
        recorder.add(statistic, found.height, "subjects", conventions=conventions, **where)


def beyond_assay(rows: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """The rows of ADBASE in which a number stands for a result beyond the limits of its assay: `n_below` and `n_above`."""
    beyond = rows.filter(pl.col("AVALIMP").is_not_null(), pl.col("IMPMETH").is_not_null())
    is_above = pl.col("AVALHI").is_null()
    return {"n_below": beyond.filter(~is_above), "n_above": beyond.filter(is_above)}


def _add_difference(
    recorder: Recorder,
    frame: pl.DataFrame,
    reference: pl.DataFrame,
    variable: str,
    group: str,
    levels: Sequence[str],
) -> None:
    """Standardised difference of one group from the first, over the subjects whose value is known."""
    a, b = frame[variable].to_list(), reference[variable].to_list()
    try:
        if levels:
            counts = [list(count_levels(values, levels).counts.values()) for values in (a, b)]
            found = standardised_difference_levels(*counts)
        else:
            found = standardised_difference_numbers(a, b)
    except NotEstimable as error:
        recorder.add("standardised_difference", None, group=group, item=variable, note=error.reason)
        return
    recorder.add("standardised_difference", found, group=group, item=variable)
