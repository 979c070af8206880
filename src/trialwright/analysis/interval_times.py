"""Events that are only known to lie between two examinations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import polars as pl

from trialwright.analysis.results import Recorder, Where
from trialwright.analysis.sample import AnalysisData, Sample, select_sample
from trialwright.analysis.survival_rows import (
    LIMITS,
    NOBODY,
    count_group,
    facts_by,
    minus,
    time_unit,
)
from trialwright.protocol.analyses import IntervalCensored
from trialwright.protocol.categories import pairs_compared
from trialwright.statistics.descriptive import summarise_numbers
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.interval_censoring import TurnbullCurve, estimate_interval_censored_survival

BETWEEN = ("risk_least", "risk_most", "risk")
"""The least and the greatest risk that the examinations leave open; `risk` where they are one.

After the last examination without event there is no greatest risk: nobody looked.
"""
_DIFFERENCE = ("difference", *LIMITS)
_WIDTH = ("median", "q1", "q3", "maximum")
_OPEN = "the curve falls between two examinations and this time lies between them"


def analyse_intervals(data: AnalysisData, analysis: IntervalCensored, recorder: Recorder) -> None:
    """Risks at the reading times that Turnbull's curve gives, by group, and how far apart examinations lay."""
    sample = select_sample(data, recorder, analysis, facts_by(analysis.by))
    if "RIGHTDT" not in sample.frame.columns:
        recorder.give_up(analysis.title, ("risk",), "the data do not have the days of examinations")
        return
    frame = sample.frame.with_columns(*bounds(sample.first_day))
    has_none = (frame["R"] < frame["L"]).fill_null(value=True)
    recorder.add("n_without_interval", int(has_none.sum()), "subjects")
    known = Sample(frame.filter(~has_none), sample.first_day)
    at = [float(time.amount) for time in analysis.read_at]
    unit = time_unit(data, analysis.endpoint)
    risks: dict[str | None, list[tuple[float, float, float] | None]] = {}
    for level in data.levels(analysis.by):
        part = known.group(analysis.by, level)
        count_group(recorder, part, level)
        n_competing = int((part.frame["STATUS"] == 2).sum())
        recorder.add("n_competing", n_competing, "events", group=level, n=part.n_subjects)
        _add_widths(recorder, part, unit, level)
        try:
            curve = estimate_interval_censored_survival(part.frame["L"].to_list(), part.frame["R"].to_list())
        except NotEstimable as error:
            reason = NOBODY if part.n_subjects == 0 else error.reason
            for time in at:
                recorder.add_missing((*BETWEEN, *LIMITS), reason, group=level, item="at", time=time, n=0)
            continue
        recorder.conventions = {**curve.conventions, "competing event": "followed to the last examination"}
        recorder.add("log_likelihood", curve.log_likelihood, group=level, n=part.n_subjects)
        risks[level] = _add_readings(recorder, curve, at, level, analysis)
    for pair in pairs_compared(data.protocol, analysis.by):
        _add_differences(recorder, risks, pair, at)


def bounds(first_day: float) -> tuple[pl.Expr, pl.Expr]:
    """`L` and `R` in elapsed days: the event lies after `L` and not after `R`, which is infinite where none was seen.

    `L` is the last examination without the event, or the start; `R` the first with it, or its own day where no examination
    is told apart. Who had a competing event is followed to the last examination.
    """
    start = pl.col("STARTDT")
    left = (pl.col("LEFTDT") - start).dt.total_days().cast(pl.Float64)
    right = (pl.col("RIGHTDT") - start).dt.total_days().cast(pl.Float64)
    own = pl.col("AVAL") - first_day
    is_event = pl.col("STATUS") == 1
    return (
        pl.max_horizontal(pl.lit(0.0), left.fill_null(0.0)).alias("L"),
        pl.when(is_event).then(pl.coalesce(right, own)).otherwise(pl.lit(math.inf)).alias("R"),
    )


def _add_widths(recorder: Recorder, part: Sample, unit: str, level: str | None) -> None:
    """How long the intervals are in which events lie: whoever is examined less often is found later."""
    events = part.frame.filter(pl.col("STATUS") == 1)
    widths = (events["R"] - events["L"]).to_list()
    where: Where = {"group": level, "item": "interval", "n": len(widths)}
    if not widths:
        recorder.add_missing(_WIDTH, "no event", **where)
        return
    summary = summarise_numbers(widths)
    for statistic in _WIDTH:
        recorder.add(statistic, getattr(summary, statistic), unit, **where)


def _add_readings(
    recorder: Recorder,
    curve: TurnbullCurve,
    at: Sequence[float],
    level: str | None,
    analysis: IntervalCensored,
) -> list[tuple[float, float, float] | None]:
    """The risks at the reading times with bootstrap limits; gives each with its limits, None where it is open."""
    if not at:
        return []
    points = curve.at(at)
    found = curve.bootstrap_limits(
        at, seed=analysis.seed, n_resamples=analysis.resamples, conf_level=analysis.confidence
    )
    known: list[tuple[float, float, float] | None] = []
    for i, time in enumerate(at):
        where: Where = {"group": level, "item": "at", "time": time, "n": curve.n_subjects}
        note = found.reasons[i] or ""
        most = None if points.is_beyond[i] else 1 - points.survival_low[i]
        recorder.add("risk_least", 1 - points.survival_high[i], "proportion", **where)
        recorder.add("risk_most", most, "proportion", note=note, **where)
        is_open = note if points.is_beyond[i] else _OPEN
        recorder.add("risk", 1 - points.survival[i], "proportion", note=is_open, **where)
        low, high = 1 - found.conf_high[i], 1 - found.conf_low[i]
        for statistic, limit in zip(LIMITS, (low, high), strict=True):
            recorder.add(
                statistic, limit, "proportion", note=note, conventions={**recorder.conventions, **found.conventions}, **where
            )  # fmt: skip
        is_known = math.isfinite(points.survival[i]) and found.reasons[i] is None
        known.append((float(1 - points.survival[i]), float(low), float(high)) if is_known else None)
    return known


def _add_differences(
    recorder: Recorder,
    risks: Mapping[str | None, Sequence[tuple[float, float, float] | None]],
    pair: tuple[str, str],
    at: Sequence[float],
) -> None:
    """Differences of the risks, with limits from those of the two (Zou and Donner, Stat Med 2008;27:1693-1702)."""
    for i, time in enumerate(at):
        where: Where = {"item": minus(*pair), "time": time}
        of_other, of_first = (risks[level][i] if level in risks else None for level in pair)
        if of_other is None or of_first is None:
            recorder.add_missing(_DIFFERENCE, "in one group the risk or its limits are unknown", **where)
            continue
        (a, a_low, a_high), (b, b_low, b_high) = of_other, of_first
        low = a - b - math.hypot(a - a_low, b_high - b)
        high = a - b + math.hypot(a_high - a, b - b_low)
        conventions = {**recorder.conventions, "interval": "from the limits of both risks (MOVER)"}
        for statistic, value in zip(_DIFFERENCE, (a - b, low, high), strict=True):
            recorder.add(statistic, value, "proportion", conventions=conventions, **where)
