"""Two strategies from one time zero: start a treatment within a grace period, or do not (clone, censor, weight)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl

from trialwright.analysis.results import Recorder, Where
from trialwright.analysis.sample import AnalysisData, Sample, select_sample, stretches_of
from trialwright.analysis.survival_rows import (
    DIFFERENCE,
    RISK,
    count_group,
    minus,
)
from trialwright.analysis.weighted import covariate_of
from trialwright.checks.lengths import most_days
from trialwright.protocol.analyses import CloneCensorWeight
from trialwright.protocol.compared_groups import strategies_of
from trialwright.protocol.references import GROUPS
from trialwright.statistics.aliases import without_aliases
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.resampling import BootstrapEstimate
from trialwright.statistics.strategies import StrategyCurve, compare_strategies


def analyse_emulated(data: AnalysisData, analysis: CloneCensorWeight, recorder: Recorder) -> None:
    """The risk under each strategy at the reading times, their difference, and what the weights cost."""
    sample = select_sample(data, recorder, analysis, analysis.covariates)
    strategies = strategies_of(data.protocol)
    at = [float(time.amount) for time in analysis.read_at]
    if analysis.by != GROUPS or strategies is None:
        recorder.give_up(
            analysis.title, ("estimate",),
            "strategies are compared of two groups of the protocol, of which one adds a treatment: write `by: groups`",
        )  # fmt: skip
        return
    started = _with_starts(data, recorder, sample)
    for level in reversed(strategies):
        count_group(recorder, started.group("begun", level), level)
    for time in at:
        try:
            _add_comparison(data, recorder, analysis, started, strategies, time)
        except (NotEstimable, ValueError) as error:
            reason = sample.why_not(error)
            for level in strategies:
                recorder.add_missing(RISK, reason, group=level, item="at", time=time)
            recorder.give_up(analysis.title, DIFFERENCE, reason, item=minus(*strategies), time=time)


def _with_starts(data: AnalysisData, recorder: Recorder, sample: Sample) -> Sample:
    """The sample with `start`, the elapsed days to the treatment that tells the groups apart, and the group it makes.

    A start whose day is not known exactly leaves its subject out: taken for never it would make the other strategy look good.
    """
    told = stretches_of(data, recorder.analysis).select(
        "USUBJID", "GROUPDT", "GROUPDTF", begun="GROUP", origin="STARTDT"
    )  # renamed, for ADSL has a group too: the one that was assigned
    frame = sample.frame.join(told, on="USUBJID", how="left", maintain_order="left")
    has_begun = pl.col("GROUPDT").is_not_null()
    is_open = pl.col("GROUPDTF").is_not_null() | pl.col("begun").is_null()
    recorder.add("n_without_start", frame.filter(is_open).height, "subjects")
    days = (pl.col("GROUPDT") - pl.col("origin")).dt.total_days().cast(pl.Float64)
    frame = frame.filter(~is_open).with_columns(
        pl.when(has_begun).then(pl.max_horizontal(pl.lit(0.0), days)).otherwise(math.inf).alias("start")
    )
    return Sample(frame, sample.first_day)


def _add_comparison(
    data: AnalysisData,
    recorder: Recorder,
    analysis: CloneCensorWeight,
    sample: Sample,
    pair: tuple[str, str],
    time: float,
) -> None:
    """Both strategies by one time. Times are elapsed days, so that grace period, starts and events share a scale."""
    covariates = [
        covariate_of(data, sample, name, analysis.transform.get(name)) for name in analysis.covariates
    ]
    unaliased = without_aliases(covariates)
    found = compare_strategies(
        sample.elapsed(sample.time),
        sample.event,
        sample.frame["start"].to_list(),
        unaliased.covariates,
        grace=float(most_days(analysis.grace)),
        at=time,
        n_resamples=analysis.resamples,
        seed=analysis.seed,
        conf_level=analysis.confidence,
    )
    risks = found.risk_difference
    recorder.conventions = {**found.conventions, **risks.conventions}
    for name in unaliased.left_out:
        recorder.add("left_out", 1, item=name, time=time)
    for level, risk, curve in (
        (pair[0], risks.risk_a, found.start),
        (pair[1], risks.risk_b, found.do_not_start),
    ):
        where: Where = {"group": level, "item": "at", "time": time, "n": sample.n_subjects}
        for statistic, value in zip(RISK, (risk.estimate, risk.conf_low, risk.conf_high), strict=True):
            recorder.add(statistic, value, "proportion", **where)
        _add_strategy(recorder, curve, where)
    _add_difference(recorder, risks.difference, {"item": minus(*pair), "time": time})


def _add_strategy(recorder: Recorder, curve: StrategyCurve, where: Where) -> None:
    """What it took: clones whose subject left the strategy, and how much information the weights of the others leave."""
    values: Sequence[tuple[str, float, str]] = (
        ("effective_size", curve.size_after_grace.effective, "subjects"),
        ("n_after_grace", curve.size_after_grace.n_subjects, "subjects"),
        ("largest_weight", curve.largest_weight, ""),
        ("n_left", int(curve.clones.has_left.sum()), "subjects"),
    )
    for statistic, value, unit in values:
        recorder.add(statistic, value, unit, **where)


def _add_difference(recorder: Recorder, found: BootstrapEstimate, where: Where) -> None:
    values = (found.estimate, found.std_error, found.conf_low, found.conf_high)
    for statistic, value in zip(DIFFERENCE, values, strict=True):
        recorder.add(statistic, value, "proportion", **where)
