"""The rows behind numbers of events that are only known to lie between two examinations."""

from __future__ import annotations

import math

import polars as pl

from trialwright.analysis.explaining.picking import Asked, Counts, Made, Picked, in_group
from trialwright.analysis.interval_times import bounds

_HAS_NONE = (pl.col("R") < pl.col("L")).fill_null(value=True)
_IS_EVENT = pl.col("STATUS") == 1


def pick_intervals(asked: Asked, made: Made) -> Picked:
    """The subjects with an interval; of a risk at a time those whose event lies before it, surely or perhaps."""
    result, frame = asked.result, made.sample.frame
    if "RIGHTDT" not in frame.columns:
        return made.pick(frame, "subjects analysed; nothing tells when they were examined", "not a count")
    frame = frame.with_columns(*bounds(made.sample.first_day))
    if result.statistic == "n_without_interval":
        return made.pick(frame.filter(_HAS_NONE), "subjects without an interval", "subjects")
    which, meaning, counts = _chosen(result.item, result.statistic, result.time)
    known = in_group(frame.filter(~_HAS_NONE), asked.by, result.group)
    return made.pick(known.filter(which), meaning, counts)


def _chosen(item: str | None, statistic: str, time: float | None) -> tuple[pl.Expr, str, Counts]:
    match item, statistic:
        case None, "n_subjects":
            return pl.lit(value=True), "subjects with an interval", "subjects"
        case None, "n_events":
            return _IS_EVENT, "subjects with the event, between two examinations", "subjects"
        case None, "n_competing":
            return pl.col("STATUS") == 2, "subjects with an event that competes", "subjects"
        case "interval", _:
            return _IS_EVENT, "subjects with the event, each with its interval", "not a count"
        case _ if time is None:
            return pl.lit(value=True), "subjects with an interval", "not a count"
        case _, "risk_least":
            return (
                pl.col("R") <= time,
                f"subjects whose event surely lies at or before {time:g}",
                "not a count",
            )
        case _:
            lies = (pl.col("R") < math.inf) & (pl.col("L") < time)
            return lies, f"subjects whose event lies, or may lie, at or before {time:g}", "not a count"
