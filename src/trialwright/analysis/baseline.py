"""The baseline table: characteristics by group and how far apart the groups are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from trialwright.analysis.limited_summary import LimitedValues, add_summary, is_known
from trialwright.analysis.results import Recorder, Where
from trialwright.analysis.sample import AnalysisData, select_population
from trialwright.protocol.analyses import BaselineTable
from trialwright.protocol.categories import levels_of, pairs_compared, unit_words
from trialwright.statistics.descriptive import (
    count_levels,
    standardised_difference_levels,
    standardised_difference_numbers,
)
from trialwright.statistics.estimability import NotEstimable

_CONVENTIONS = {"quantile_type": 7, "sd_denominator": "n - 1"}
BEYOND = "standardised_difference_beyond"
"""How far groups are apart in how many lie below, within and above what the assay can measure; no number is put in for it."""
_Pairs = Sequence[tuple[str, str]]


def analyse_baseline(data: AnalysisData, analysis: BaselineTable, recorder: Recorder) -> None:
    """Every variable by group and all together; with two groups or more the distance of each from the one it is compared with.

    Of a number, `n_missing` counts subjects of whom nothing is known; `n_below`, `n_above` and `n_between` tell apart those
    whose value is only known to lie between limits, where there are any (`beyond_assay`, `between_limits`).
    """
    everyone = select_population(data, recorder, analysis.population)
    groups: dict[str | None, pl.DataFrame] = {None: everyone}
    if analysis.by:
        levels = levels_of(data.protocol, analysis.by)
        groups |= {level: everyone.filter(pl.col(analysis.by) == level) for level in levels}
        recorder.add("n_without_fact", everyone[analysis.by].null_count(), "subjects", item=analysis.by)
    for level, frame in groups.items():
        recorder.add("n_subjects", frame.height, "subjects", group=level, n=frame.height)
    pairs = pairs_compared(data.protocol, analysis.by)
    for variable in analysis.variables:
        if known := levels_of(data.protocol, variable):
            _describe_levels(recorder, groups, pairs, variable, list(known))
        else:
            _describe_numbers(data, recorder, groups, pairs, variable)


def _describe_levels(
    recorder: Recorder,
    groups: Mapping[str | None, pl.DataFrame],
    pairs: _Pairs,
    variable: str,
    levels: Sequence[str],
) -> None:
    for group, frame in groups.items():
        _add_levels(recorder, frame, variable, group, levels)
    for group, against in pairs:
        counts = [
            list(count_levels(groups[one][variable].to_list(), levels).counts.values())
            for one in (group, against)
        ]
        _add_difference(recorder, variable, group, partial(standardised_difference_levels, *counts))


def _describe_numbers(
    data: AnalysisData,
    recorder: Recorder,
    groups: Mapping[str | None, pl.DataFrame],
    pairs: _Pairs,
    variable: str,
) -> None:
    unit = unit_words(data.protocol, variable)
    known = {group: _known_rows(data, frame, variable) for group, frame in groups.items()}
    values = {group: _values(rows) for group, rows in known.items()}
    methods = sorted(known[None]["IMPMETH"].drop_nulls().unique())
    beyond = {"beyond the assay": methods} if methods else {}
    for group, frame in groups.items():
        where: Where = {"group": group, "item": variable, "n": values[group].n}
        recorder.add("n_missing", frame.height - values[group].n, "subjects", **where)
        add_summary(
            recorder, values[group], unit[0] if unit else "", where, conventions=_CONVENTIONS | beyond
        )
        if values[None].n_limited:
            _add_limited(recorder, known[group], beyond, {**where, "n": frame.height})
    for group, against in pairs:
        found = partial(_difference, values[group], values[against])
        _add_difference(recorder, variable, group, found, conventions=beyond)
    if any(_shares(known[None])[:2]):
        for group, against in pairs:
            found = partial(standardised_difference_levels, _shares(known[group]), _shares(known[against]))
            _add_difference(recorder, variable, group, found, BEYOND)


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


def _known_rows(data: AnalysisData, frame: pl.DataFrame, variable: str) -> pl.DataFrame:
    """What is known of a number: its limits, what stands for it (`AVALIMP`) and why (`IMPMETH`); a cohort has exact numbers."""
    if "ADBASE" in data.tables:
        rows = data.tables["ADBASE"].filter(pl.col("PARAMCD") == variable.upper())
        here = rows.join(frame, on="USUBJID", how="semi", maintain_order="left")
        return here.filter(is_known("AVALLO", "AVALHI"))
    exact = frame.select(
        "USUBJID", *(pl.col(variable).alias(name) for name in ("AVALLO", "AVALHI", "AVALIMP"))
    )
    return exact.filter(is_known("AVALLO", "AVALHI")).with_columns(IMPMETH=pl.lit(None, pl.String))


def _values(known: pl.DataFrame) -> LimitedValues:
    ends = (pl.col(name) for name in ("AVALLO", "AVALHI", "AVALIMP"))
    return LimitedValues.of(known, *ends, nobody="no value known")


def _add_limited(recorder: Recorder, known: pl.DataFrame, beyond: Mapping[str, Any], where: Where) -> None:
    """How many values are not exact, told apart by why."""
    for statistic, found in {**beyond_assay(known), "n_between": between_limits(known)}.items():
        recorder.add(statistic, found.height, "subjects", conventions=beyond, **where)


def beyond_assay(rows: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """The rows of ADBASE in which a number stands for a result beyond the limits of its assay: `n_below` and `n_above`."""
    beyond = rows.filter(pl.col("AVALIMP").is_not_null(), pl.col("IMPMETH").is_not_null())
    is_above = pl.col("AVALHI").is_null()
    return {"n_below": beyond.filter(~is_above), "n_above": beyond.filter(is_above)}


def between_limits(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of ADBASE of a number that is only known to lie between limits for any other reason, such as half a score."""
    is_limited = is_known("AVALLO", "AVALHI") & pl.col("AVALLO").ne_missing(pl.col("AVALHI"))
    return rows.filter(is_limited, pl.col("IMPMETH").is_null() | pl.col("AVALIMP").is_null())


def _shares(known: pl.DataFrame) -> list[int]:
    """How many lie below, above and within what the assay can measure."""
    beyond = [found.height for found in beyond_assay(known).values()]
    return [*beyond, known.height - sum(beyond) - between_limits(known).height]


def _difference(a: LimitedValues, b: LimitedValues) -> float:
    """Of means, so only where there are means."""
    for values in (a, b):
        if values.n and (reason := values.why_no_mean):
            raise NotEstimable(reason)
    return standardised_difference_numbers(a.numbers, b.numbers)


def _add_difference(
    recorder: Recorder,
    variable: str,
    group: str,
    found: Callable[[], float],
    statistic: str = "standardised_difference",
    *,
    conventions: Mapping[str, Any] | None = None,
) -> None:
    """Standardised difference of one group from the first, over the subjects whose value is known."""
    value, note = None, ""
    try:
        value = found()
    except NotEstimable as error:
        note = error.reason
    recorder.add(statistic, value, group=group, item=variable, note=note, conventions=conventions)
