"""Rows of survival curves and risks, whatever they were estimated by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from trialwright.analysis.results import Recorder, Where
from trialwright.analysis.sample import AnalysisData, Sample
from trialwright.statistics.arrays import Floats
from trialwright.statistics.competing_risks import IncidenceCurve
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.risk_contrasts import RiskContrast
from trialwright.statistics.survival import SurvivalCurve

NOBODY = "nobody in this group"
LIMITS = ("conf_low", "conf_high")
MEDIAN = ("median", "median_conf_low", "median_conf_high")
RISK = ("risk", "risk_conf_low", "risk_conf_high")
READING = ("survival", "std_error", *LIMITS, *RISK)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A curve at some times: arrays of shape (n_times,), NaN where it is unknown; times are elapsed."""

    times: Floats
    survival: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    n_at_risk: Sequence[float]


def count_group(recorder: Recorder, part: Sample, level: str | None) -> None:
    """How many subjects a group has, and how many of them the event."""
    recorder.add("n_subjects", part.n_subjects, "subjects", group=level, n=part.n_subjects)
    recorder.add("n_events", part.n_events, "events", group=level, n=part.n_subjects)


def time_unit(data: AnalysisData, endpoint: str) -> str:
    """The unit of an endpoint's times."""
    return data.protocol.endpoints[endpoint].unit or ""


def facts_by(by: str | None) -> list[str]:
    """The fact that splits subjects, if there is one."""
    return [by] if by else []


def add_no_curve(recorder: Recorder, at: Sequence[float], level: str | None, reason: str, n: int) -> None:
    """The rows of a group whose curve cannot be had."""
    recorder.add_missing(MEDIAN, reason, group=level, n=n)
    for time in at:
        recorder.add_missing(READING, reason, group=level, item="at", time=time, n=n)


def add_reading(recorder: Recorder, curve: Curve, i: int, beyond: str, where: Where) -> None:
    """Survival and risk at a reading time, each with its limits or the reason why there are none."""
    survival, std_error = curve.survival[i], curve.std_error[i]
    is_known = bool(np.isfinite(survival))
    note = beyond if not is_known else why_no_limits(survival)
    low, high = limits(curve, i)
    share = "proportion"
    recorder.add("survival", survival, share, note=beyond, **where)
    recorder.add("std_error", None if std_error == 0 else std_error, share, note=note, **where)
    recorder.add("conf_low", low, share, note=note, **where)
    recorder.add("conf_high", high, share, note=note, **where)
    recorder.add("n_at_risk", float(curve.n_at_risk[i]), "subjects", **where)
    recorder.add("risk", 1 - survival, share, note=beyond, **where)
    recorder.add("risk_conf_low", None if high is None else 1 - high, share, note=note, **where)
    recorder.add("risk_conf_high", None if low is None else 1 - low, share, note=note, **where)


def limits(curve: Curve, i: int) -> tuple[float | None, float | None]:
    """R's limits before the first event are 1 and 1, which would look like certainty: here there are none."""
    if curve.std_error[i] == 0 or not np.isfinite(curve.conf_low[i]):
        return None, None
    return float(curve.conf_low[i]), float(curve.conf_high[i])


def why_no_limits(survival: float) -> str:
    return "no event yet" if survival == 1 else "undefined where the curve is at zero"


def add_steps(
    recorder: Recorder, curve: Curve, counts: Mapping[str, Sequence[float]], level: str | None, n: int
) -> None:
    """Every step of a curve, with what happened at it: `counts` by statistic."""
    if not recorder.with_curves:
        return
    for i, time in enumerate(curve.times):
        where: Where = {"group": level, "item": "curve", "time": float(time), "n": n}
        recorder.add("survival", curve.survival[i], "proportion", **where)
        for name, limit in zip(LIMITS, limits(curve, i), strict=True):
            recorder.add(name, limit, "proportion", note=why_no_limits(curve.survival[i]), **where)
        for name, numbers in counts.items():
            recorder.add(name, float(numbers[i]), "events" if name == "n_events" else "subjects", **where)


def add_ticks(
    recorder: Recorder, sample: Sample, ticks: Sequence[float], level: str | None, *, competing: bool = False
) -> None:
    """At each tick who is at risk, and who had gone before it and why; with late entry also who is still to come.

    Rows of a subject in stretches count each: those whose stretch has ended without event count as censored in it. A group
    with nobody has none at any.
    """
    if not recorder.with_curves:
        return
    frame = sample.frame
    time, status = frame["AVAL"].to_numpy(), frame["STATUS"].to_numpy()
    entry = sample.entry
    for tick, counted in zip(ticks, sample.counted(ticks), strict=True):
        where: Where = {"group": level, "item": "tick", "time": tick, "n": sample.n_subjects}
        gone = time < counted
        to_come = np.zeros(len(time), dtype=bool) if entry is None else np.asarray(entry) >= counted
        recorder.add("n_at_risk", int((~gone & ~to_come).sum()), "subjects", **where)
        recorder.add("n_events", int((gone & (status == 1)).sum()), "events", **where)
        if competing:
            recorder.add("n_competing", int((gone & (status == 2)).sum()), "events", **where)
        ended = (status == 0) if competing else (status != 1)
        recorder.add("n_censored", int((gone & ended).sum()), "subjects", **where)
        if entry is not None:
            recorder.add("n_to_come", int(to_come.sum()), "subjects", **where)


def ticks_of(sample: Sample, every: int) -> list[float]:
    """Multiples of `every` from 0 to just past the longest time, so that the last tick shows where all have gone."""
    longest = max(sample.elapsed(sample.time), default=0.0)
    return [float(tick) for tick in np.arange(0, longest + every, every)]


def add_median(recorder: Recorder, curve: SurvivalCurve, unit: str, level: str | None) -> None:
    """The median as `AVAL` counts it."""
    median = curve.quantile(0.5)
    n = curve.n_subjects
    for statistic, value in zip(MEDIAN, (median.estimate, median.conf_low, median.conf_high), strict=True):
        recorder.add(statistic, value, unit, group=level, n=n, note="not reached")


# --- two groups ---------------------------------------------------------------------------------------------------------

_Curve = TypeVar("_Curve", SurvivalCurve, IncidenceCurve)
DIFFERENCE = ("difference", "std_error", *LIMITS)
RATIO = ("ratio", *LIMITS)


def minus(other: str, first: str) -> str:
    return f"{other} minus {first}"


def over(other: str, first: str) -> str:
    return f"{other} over {first}"


def add_contrasts(
    recorder: Recorder,
    curves: Mapping[str | None, _Curve],
    pair: tuple[str, str],
    at: Sequence[float],
    counted: Sequence[float],
    measures: tuple[
        Callable[[_Curve, _Curve, float], RiskContrast], Callable[[_Curve, _Curve, float], RiskContrast]
    ],
) -> None:
    """Difference and ratio of the risks of two groups at each reading time."""
    other, first = pair
    for time, day in zip(at, counted, strict=True):
        for item, statistics, unit, measure in (
            (minus(other, first), DIFFERENCE, "proportion", measures[0]),
            (over(other, first), RATIO, "", measures[1]),
        ):
            where: Where = {"item": item, "time": time}
            if other not in curves or first not in curves:
                recorder.add_missing(statistics, NOBODY, **where)
                continue
            try:
                found = measure(curves[other], curves[first], day)
            except NotEstimable:
                recorder.add_missing(statistics, _UNKNOWN_RISK, **where)
                continue
            values = {"std_error": found.std_error, "conf_low": found.conf_low, "conf_high": found.conf_high}
            values |= {"difference": found.estimate, "ratio": found.estimate}
            for statistic in statistics:
                recorder.add(statistic, values[statistic], unit, conventions=found.conventions, **where)


_UNKNOWN_RISK = "in one group the risk is unknown at this time, or 0 or 1 and so without standard error"
