"""The rows behind numbers of two strategies, in which every subject is followed twice (clone, censor, weight)."""

from __future__ import annotations

import math

import polars as pl

from trialwright.analysis.explaining.picking import Asked, Counts, Made, Picked
from trialwright.analysis.sample import stretches_of
from trialwright.checks.lengths import most_days
from trialwright.protocol.analyses import CloneCensorWeight
from trialwright.protocol.compared_groups import strategies_of

_IS_OPEN = pl.col("GROUPDTF").is_not_null() | pl.col("GROUP_BEGUN").is_null()
_CLONES = "subjects with a known start or none; each stands behind both strategies"


def pick_strategies(asked: Asked, analysis: CloneCensorWeight, made: Made) -> Picked:
    """The subjects who are followed under the strategies, those who left one, or those whose start nobody knows."""
    result = asked.result
    if (strategies := strategies_of(asked.data.protocol)) is None:
        return made.pick(made.sample.frame, "subjects analysed", "not a count")
    frame = _with_start(asked, made)
    if result.statistic == "n_without_start":
        return made.pick(frame.filter(_IS_OPEN), "subjects whose start is not known to the day", "subjects")
    end = float(most_days(analysis.grace))
    started = (pl.col("start") <= end) & (pl.col("start") < pl.col("elapsed"))
    left = ~started & (pl.col("elapsed") > end) if result.group == strategies[0] else started
    which, meaning, counts = _chosen(result.item, result.statistic, left, pl.col("elapsed") > end)
    known = frame.filter(~_IS_OPEN)
    if result.item is None and result.group is not None:  # what they were given, not what a strategy asks
        known = known.filter(pl.col("GROUP_BEGUN") == result.group)
    return made.pick(known.filter(which), meaning, counts)


def _with_start(asked: Asked, made: Made) -> pl.DataFrame:
    """The sample with the days from time zero to the end of each subject's time, and to the start, infinite without one."""
    told = stretches_of(asked.data, asked.result.analysis).select(
        "USUBJID", "GROUPDT", "GROUPDTF", GROUP_BEGUN="GROUP", ORIGIN="STARTDT"
    )
    frame = made.sample.frame.join(told, on="USUBJID", how="left", maintain_order="left")
    days = (pl.col("GROUPDT") - pl.col("ORIGIN")).dt.total_days().cast(pl.Float64)
    return frame.with_columns(
        start=pl.when(days.is_null()).then(math.inf).otherwise(pl.max_horizontal(pl.lit(0.0), days)),
        elapsed=pl.col("AVAL") - made.sample.first_day,
    )


def _chosen(item: str | None, statistic: str, left: pl.Expr, is_past: pl.Expr) -> tuple[pl.Expr, str, Counts]:
    everyone = pl.lit(value=True)
    match item, statistic:
        case None, "n_subjects":
            return everyone, "subjects with a known start or none, by the group it makes", "subjects"
        case None, "n_events":
            return pl.col("EVENT"), "subjects with the event, by the group their start makes", "subjects"
        case "at", "n_left":
            return left, "subjects who left the strategy", "subjects"
        case "at", "n_after_grace":
            return ~left & is_past, "subjects followed under the strategy beyond the grace period", "subjects"
        case _:
            return everyone, _CLONES, "not a count"
