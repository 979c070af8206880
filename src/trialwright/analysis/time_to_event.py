"""Time-to-event analyses: curves, follow-up, log-rank test, restricted means."""

from __future__ import annotations

import numpy as np

from trialwright.analysis.results import Recorder, Where
from trialwright.analysis.sample import AnalysisData, Sample, select_sample
from trialwright.protocol.analyses import KaplanMeier, LogRank, RestrictedMean, ReverseKaplanMeier
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.survival import (
    SurvivalCurve,
    estimate_survival,
    logrank_test,
    restricted_mean_difference,
)

_NOBODY = "nobody in this group"
_LIMITS = ("conf_low", "conf_high")
_MEDIAN = ("median", "median_conf_low", "median_conf_high")


def analyse_kaplan_meier(data: AnalysisData, analysis: KaplanMeier, recorder: Recorder) -> None:
    """Curve steps, readings, median and at-risk counts, by group."""
    unit = _time_unit(data, analysis.endpoint)
    sample = select_sample(data, recorder, analysis, _facts(analysis.by))
    ticks = _ticks(sample, analysis.ticks_every.amount)
    for level in data.levels(analysis.by):
        part = sample.group(analysis.by, level)
        _count_group(recorder, part, level)
        if part.n_subjects == 0:
            recorder.add_missing(_MEDIAN, _NOBODY, group=level, n=0)
            for at in analysis.read_at:
                recorder.add_missing(
                    ("survival", *_LIMITS), _NOBODY, group=level, item="at", time=at.amount, n=0
                )
            _add_ticks(recorder, None, ticks, level)
            continue
        curve = estimate_survival(
            part.time, part.event, conf_level=analysis.confidence, conf_type=analysis.interval
        )
        recorder.conventions = curve.conventions
        _add_median(recorder, curve, unit, level)
        _add_readings(recorder, curve, [at.amount for at in analysis.read_at], level)
        _add_steps(recorder, curve, level)
        _add_ticks(recorder, curve, ticks, level)


def analyse_reverse_kaplan_meier(
    data: AnalysisData, analysis: ReverseKaplanMeier, recorder: Recorder
) -> None:
    """Median follow-up of all together and by group."""
    unit = _time_unit(data, analysis.endpoint)
    sample = select_sample(data, recorder, analysis, _facts(analysis.by))
    levels = [None, *data.levels(analysis.by)] if analysis.by else [None]
    for level in levels:
        part = sample.group(analysis.by if level else None, level)
        _count_group(recorder, part, level)
        if part.n_subjects == 0:
            recorder.add_missing(_MEDIAN, _NOBODY, group=level, n=0)
            continue
        curve = estimate_survival(
            part.time, part.event, conf_level=analysis.confidence, conf_type=analysis.interval, reverse=True
        )
        recorder.conventions = curve.conventions
        _add_median(recorder, curve, unit, level)


def analyse_logrank(data: AnalysisData, analysis: LogRank, recorder: Recorder) -> None:
    """Observed and expected events by group, and the test."""
    sample = select_sample(data, recorder, analysis, [analysis.by, *analysis.strata])
    strata = sample.frame.select(analysis.strata).rows() if analysis.strata else None
    if sample.frame[analysis.by].n_unique() == 1:
        recorder.give_up("The log-rank test", ("chi_squared", "df", "p_value"), "only one group has subjects")
        return
    try:
        test = logrank_test(
            sample.time, sample.event, sample.frame[analysis.by].to_list(), strata=strata, rho=analysis.rho
        )
    except (NotEstimable, ValueError) as error:
        recorder.give_up("The log-rank test", ("chi_squared", "df", "p_value"), sample.why_not(error))
        return
    recorder.conventions = {**test.conventions, "strata": list(analysis.strata)}
    for group in test.groups:
        recorder.add("n_subjects", group.n_subjects, "subjects", group=group.label, n=group.n_subjects)
        recorder.add("observed", group.observed, "events", group=group.label, n=group.n_subjects)
        recorder.add("expected", group.expected, "events", group=group.label, n=group.n_subjects)
    recorder.add("chi_squared", test.chi_squared)
    recorder.add("df", test.df)
    recorder.add("p_value", test.p_value)


def analyse_restricted_mean(data: AnalysisData, analysis: RestrictedMean, recorder: Recorder) -> None:
    """Mean time free of the event up to the horizon, by group; then each group less the first."""
    unit = _time_unit(data, analysis.endpoint)
    horizon = float(analysis.horizon.amount)
    sample = select_sample(data, recorder, analysis, [analysis.by])
    curves: dict[str, SurvivalCurve] = {}
    statistics = ("restricted_mean", "std_error", *_LIMITS)
    for level in data.levels(analysis.by):
        assert level is not None  # noqa: S101 -- `by` is required here
        part = sample.group(analysis.by, level)
        _count_group(recorder, part, level)
        if part.n_subjects == 0:
            recorder.add_missing(statistics, _NOBODY, group=level, time=horizon, n=0)
            continue
        curves[level] = estimate_survival(part.time, part.event, conf_level=analysis.confidence)
        try:
            mean = curves[level].restricted_mean(horizon)
        except NotEstimable as error:
            recorder.add_missing(statistics, error.reason, group=level, time=horizon, n=part.n_subjects)
            continue
        recorder.conventions = mean.conventions
        for statistic, value in zip(
            statistics, (mean.estimate, mean.std_error, mean.conf_low, mean.conf_high), strict=True
        ):
            certain = statistic != "restricted_mean" and mean.std_error == 0
            recorder.add(
                statistic,
                None if certain else value,
                unit,
                note="no event before the horizon",
                group=level,
                time=horizon,
                n=part.n_subjects,
            )
    first, *others = (level for level in data.levels(analysis.by) if level)
    for other in others:
        _add_difference(recorder, curves, (other, first), horizon, unit)


def _add_difference(
    recorder: Recorder, curves: dict[str, SurvivalCurve], pair: tuple[str, str], horizon: float, unit: str
) -> None:
    what, item = "The difference of restricted means", f"{pair[0]} minus {pair[1]}"
    statistics = ("difference", "std_error", *_LIMITS)
    if not all(level in curves for level in pair):
        recorder.give_up(what, statistics, _NOBODY, item=item, time=horizon)
        return
    try:
        found = restricted_mean_difference(curves[pair[0]], curves[pair[1]], horizon)
    except NotEstimable as error:
        recorder.give_up(what, statistics, error.reason, item=item, time=horizon)
        return
    values = (found.estimate, found.std_error, found.conf_low, found.conf_high)
    for statistic, value in zip(statistics, values, strict=True):
        recorder.add(statistic, value, unit, item=item, time=horizon)


def _add_median(recorder: Recorder, curve: SurvivalCurve, unit: str, level: str | None) -> None:
    median = curve.quantile(0.5)
    n = curve.n_subjects
    for statistic, value in zip(_MEDIAN, (median.estimate, median.conf_low, median.conf_high), strict=True):
        recorder.add(statistic, value, unit, group=level, n=n, note="not reached")


def _add_readings(recorder: Recorder, curve: SurvivalCurve, times: list[int], level: str | None) -> None:
    if not times:
        return
    points = curve.at(times)
    beyond = f"follow-up ends at {curve.time[-1]:g}"
    for i, time in enumerate(times):
        where: Where = {"group": level, "item": "at", "time": float(time), "n": curve.n_subjects}
        known = bool(np.isfinite(points.survival[i]))
        recorder.add("survival", points.survival[i], "proportion", note=beyond, **where)
        note = beyond if not known else _why_no_limits(points.survival[i])
        for name in ("std_error", *_LIMITS):
            recorder.add(
                name, _limit(getattr(points, name)[i], points.std_error[i]), "proportion", note=note, **where
            )
        recorder.add("n_at_risk", float(points.n_at_risk[i]), "subjects", **where)


def _limit(value: float, std_error: float) -> float | None:
    """R's limits before the first event are 1 and 1, which would look like certainty: here there are none."""
    return None if std_error == 0 else value


def _why_no_limits(survival: float) -> str:
    return "no event yet" if survival == 1 else "undefined where the curve is at zero"


def _add_steps(recorder: Recorder, curve: SurvivalCurve, level: str | None) -> None:
    for i, time in enumerate(curve.time):
        where: Where = {"group": level, "item": "curve", "time": float(time), "n": curve.n_subjects}
        recorder.add("survival", curve.survival[i], "proportion", **where)
        for name in _LIMITS:
            limit = _limit(getattr(curve, name)[i], curve.std_error[i])
            recorder.add(name, limit, "proportion", note=_why_no_limits(curve.survival[i]), **where)
        recorder.add("n_at_risk", float(curve.n_at_risk[i]), "subjects", **where)
        recorder.add("n_events", float(curve.n_events[i]), "events", **where)
        recorder.add("n_censored", float(curve.n_censored[i]), "subjects", **where)


def _add_ticks(
    recorder: Recorder, curve: SurvivalCurve | None, ticks: list[float], level: str | None
) -> None:
    """Counts at every tick; a group with nobody has none at any."""
    counts = curve.counts_at(ticks) if curve else None
    for i, tick in enumerate(ticks):
        where: Where = {"group": level, "item": "tick", "time": tick, "n": curve.n_subjects if curve else 0}
        for name, unit in (("n_at_risk", "subjects"), ("n_events", "events"), ("n_censored", "subjects")):
            recorder.add(name, float(getattr(counts, name)[i]) if counts else 0, unit, **where)


def _count_group(recorder: Recorder, part: Sample, level: str | None) -> None:
    recorder.add("n_subjects", part.n_subjects, "subjects", group=level, n=part.n_subjects)
    recorder.add("n_events", part.n_events, "events", group=level, n=part.n_subjects)


def _facts(by: str | None) -> list[str]:
    return [by] if by else []


def _time_unit(data: AnalysisData, endpoint: str) -> str:
    return data.protocol.endpoints[endpoint].unit or ""


def _ticks(sample: Sample, every: int) -> list[float]:
    """Multiples of `every` from 0 to just past the longest time, so that the last tick shows where all have gone."""
    longest = max(sample.time, default=0.0)
    return [float(tick) for tick in np.arange(0, longest + every, every)]
