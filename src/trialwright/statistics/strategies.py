"""Strategies compared from one time zero: start a treatment within a grace period, or do not (clone, censor, weight).

At time zero nobody's strategy is known yet, so everyone follows both: each subject is cloned, a clone is censored when
its subject leaves the clone's strategy, and those who remain are weighted to stand for those who left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialwright.statistics.arrays import Floats, check_inside
from trialwright.statistics.covariates import Covariate, Design, build_design, take
from trialwright.statistics.estimability import NotEstimable, require_subjects
from trialwright.statistics.exposure import as_starts
from trialwright.statistics.logistic import estimate_probabilities, fit_logistic
from trialwright.statistics.resampling import (
    BootstrapRiskDifference,
    bootstrap_risk_difference,
    mostly_together,
)
from trialwright.statistics.samples import as_sample, product_limit, stepped
from trialwright.statistics.survival import fit_cox
from trialwright.statistics.weighting import EffectiveSize, effective_sample_size

Strategy = Literal["start", "do not start"]


@dataclass(frozen=True, slots=True, eq=False)
class Clones:
    """One clone of each subject under a strategy; arrays of shape (n,), in the order of the subjects.

    `time` is that of event, censoring or leaving the strategy; `event` is 1 for an event; `has_left` is True for a
    clone censored because its subject left the strategy; `grace` is the end of the grace period.
    """

    strategy: Strategy
    grace: float
    time: Floats
    event: Floats
    has_left: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class StrategyPoints:
    """A strategy's curve read at chosen times; NaN where nobody is followed so far. `n_at_risk` counts clones."""

    times: Floats
    survival: Floats
    n_at_risk: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class StrategyCurve:
    """Survival had everybody followed a strategy: weighted Kaplan-Meier of the clones that remain.

    Attributes
    ----------
    clones : Clones
    time : ndarray of shape (n_times,)
        Distinct times of events, in rising order.
    n_at_risk, n_events : ndarray of shape (n_times,)
        Clones, unweighted.
    weight_at_risk, weight_of_events : ndarray of shape (n_times,)
        Sums of their weights.
    survival : ndarray of shape (n_times,)
    size_after_grace : EffectiveSize
        Of the clones followed beyond the grace period, with their weights then.
    largest_weight : float
        Of a clone at risk at a time of events.
    followed_to : float
        Last time at which a clone is followed.
    """

    clones: Clones
    time: Floats
    n_at_risk: NDArray[np.int64]
    n_events: NDArray[np.int64]
    weight_at_risk: Floats
    weight_of_events: Floats
    survival: Floats
    size_after_grace: EffectiveSize
    largest_weight: float
    followed_to: float

    def at(self, times: ArrayLike) -> StrategyPoints:
        """Read the curve at finite times of 0 or more; events at a time count."""
        read = np.atleast_1d(np.asarray(times, dtype=float))
        row = np.searchsorted(self.time, read, side="right") - 1
        is_down = len(self.survival) > 0 and self.survival[-1] == 0
        unknown = (read > self.followed_to) & (not is_down)
        column = self.survival if len(self.survival) else np.ones(1)
        at_risk = self.clones.time[:, None] >= read
        return StrategyPoints(read, stepped(column, row, unknown, first=1.0), at_risk.sum(axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class StrategyComparison:
    """Both strategies from one time zero.

    `risk_difference` is the risk by `time` under "start" minus that under "do not start"; its `risk_a` and `risk_b`
    are the two.
    """

    start: StrategyCurve
    do_not_start: StrategyCurve
    risk_difference: BootstrapRiskDifference
    conventions: dict[str, Any]


# Gives for clones the times at which any of them leave, rising, of shape (k,), and the probability of each clone to
# remain until before the first, between the first and the second, ..., after the last: shape (n, k + 1).
_Remaining = tuple[Floats, Floats]


def clone_subjects(
    time: ArrayLike, event: ArrayLike, treatment_start: ArrayLike, *, grace: float
) -> tuple[Clones, Clones]:
    """Make the clones of both strategies [1]_.

    Parameters
    ----------
    time, event
        As in `estimate_survival`, from time zero on.
    treatment_start : array-like of shape (n,)
        Time at which the treatment starts, 0 or more; infinite for a subject that never starts it. A start that is
        not known must not be given as infinite.
    grace : float
        End of the grace period, above 0; a start at its end is within it.

    Returns
    -------
    start, do_not_start : Clones
        Under "start" a subject followed beyond the grace period without treatment leaves at its end. Under "do not
        start" a subject leaves when it starts within the grace period; a later start does not matter. What happens on
        the day of leaving comes before it: an event at the end of the grace period, or on the day of the start, counts
        under both.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.

    References
    ----------
    .. [1] Maringe C, et al. Int J Epidemiol 2020;49:1719-1729, figure 2.
    """
    check_inside("grace", grace, 0, math.inf)
    require_subjects(time)
    sample = as_sample(time, event)
    starts = as_starts("treatment_start", treatment_start, length=len(sample.time))
    starts = _on_the_clock(starts, sample.time, sample.tied)
    end = float(_on_the_clock(np.array([float(grace)]), sample.time, sample.tied)[0])
    has_started = (starts <= end + sample.tied) & (starts < sample.time)
    misses_it = ~has_started & (sample.time > end)

    def clones(strategy: Strategy, has_left: NDArray[np.bool_], left_at: float | Floats) -> Clones:
        ends = np.where(has_left, left_at, sample.time)
        return Clones(strategy, end, ends, np.where(has_left, 0.0, sample.event), has_left)

    return clones("start", misses_it, end), clones("do not start", has_started, starts)


def estimate_strategies(
    time: ArrayLike,
    event: ArrayLike,
    treatment_start: ArrayLike,
    covariates: Sequence[Covariate],
    *,
    grace: float,
) -> tuple[StrategyCurve, StrategyCurve]:
    """Estimate survival had everybody followed each strategy, by cloning, censoring and weighting.

    A clone at risk at a time has the weight 1 / P(its subject has not left before that time), given the covariates
    [1]_ [2]_. Under "do not start" the time of leaving has a Cox model (ties by Breslow, exp of minus Breslow's
    cumulative hazard), without covariates a Kaplan-Meier curve. Under "start" all leave at the end of the grace period,
    so the probability to remain is that of having started by then among those followed beyond it: a logistic model,
    without covariates their share. Weights are neither stabilised nor truncated. Censoring of other kinds is taken to
    be independent.

    Parameters
    ----------
    time, event, treatment_start, grace
        As in `clone_subjects`.
    covariates : sequence of Covariate
        Known at time zero, complete: what leads both to a start and to the event. May be empty.

    Returns
    -------
    start, do_not_start : StrategyCurve

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If nobody starts within the grace period, nobody is followed beyond it under a strategy, or a model of leaving
        cannot be fitted.

    References
    ----------
    .. [1] Hernán MA. BMJ 2018;360:k182.
    .. [2] Maringe C, et al. Int J Epidemiol 2020;49:1719-1729.
    """
    start, do_not_start = clone_subjects(time, event, treatment_start, grace=grace)
    design = build_design(covariates, n_subjects=len(start.time))
    return (
        _estimate_curve(start, *_remaining_at_the_end(start, design)),
        _estimate_curve(do_not_start, *_remaining_over_time(do_not_start, design)),
    )


def compare_strategies(
    time: ArrayLike,
    event: ArrayLike,
    treatment_start: ArrayLike,
    covariates: Sequence[Covariate],
    *,
    grace: float,
    at: float,
    n_resamples: int = 1000,
    seed: int,
    conf_level: float = 0.95,
) -> StrategyComparison:
    """Compare the risks of both strategies by a time, with limits from resampled subjects.

    Parameters
    ----------
    time, event, treatment_start, covariates, grace
        As in `estimate_strategies`.
    at : float
        Time of the risks, after the grace period; events at it count.
    n_resamples : int
        At least 100. Subjects are drawn, with both their clones, and all models fitted again.
    seed : int
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    comparison : StrategyComparison

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        As `estimate_strategies`; and if the weights of those who remain under a strategy leave less than half of their
        information, a curve is not known at `at`, or more than 5 % of the resamples give no estimate.
    """
    check_inside("grace", grace, 0, math.inf)
    if not grace < at < math.inf:
        raise ValueError(f"`at` must be after the grace period, {grace!r}, and finite, not {at!r}")
    curves = estimate_strategies(time, event, treatment_start, covariates, grace=grace)
    for curve in curves:
        if curve.size_after_grace.reason:
            raise NotEstimable(f'under "{curve.clones.strategy}" {curve.size_after_grace.reason}')
    times, events, starts = (np.asarray(column, dtype=float) for column in (time, event, treatment_start))
    design = build_design(covariates, n_subjects=len(times))

    def risks_of(drawn: NDArray[np.int64]) -> Floats:
        pair = estimate_strategies(
            times[drawn], events[drawn], starts[drawn], take(covariates, drawn), grace=grace
        )
        return np.array([_risk(curve, at) for curve in pair])

    def risks_together(counts: Floats) -> Floats:
        start, do_not_start = (curve.clones for curve in curves)
        risks = (
            _risks_of_starting(start, design, counts, at),
            _risks_of_not(do_not_start, design, counts, at),
        )
        return np.stack(risks, axis=1)

    return StrategyComparison(
        *curves,
        bootstrap_risk_difference(
            mostly_together(risks_together, risks_of),
            len(times),
            time=at,
            n_resamples=n_resamples,
            seed=seed,
            conf_level=conf_level,
        ),
        {
            "method": "clone, censor, weight",
            "grace": grace,
            "leaving_start": "logistic at the end of the grace period" if covariates else "share who started",
            "leaving_do_not_start": "Cox, Breslow" if covariates else "Kaplan-Meier",
            "weights": "not stabilised, not truncated",
            "event_and_leaving_tied": "event first",
        },
    )


def _on_the_clock(values: Floats, times: Floats, tied: float) -> Floats:
    """Move each value to the time of the sample it is tied with, if there is one."""
    clock = np.unique(times)
    nearest = np.clip(np.searchsorted(clock, values - tied), 0, len(clock) - 1)
    near = np.abs(clock[nearest] - values) <= tied
    return np.where(near, clock[nearest], values)


def _remaining_at_the_end(clones: Clones, design: Design) -> _Remaining:
    """Under "start": the probability to have started by the end of the grace period."""
    is_past = clones.has_left | (clones.time > clones.grace)
    remains = is_past & ~clones.has_left
    probability = np.ones((len(clones.time), 2))
    if not remains.any():
        raise NotEstimable("nobody followed beyond the grace period had started the treatment within it")
    if clones.has_left.any():
        share = np.full(is_past.sum(), remains.sum() / is_past.sum())
        if design.names:
            share = fit_logistic(remains[is_past], design.matrix[is_past], names=design.names).probability
        probability[is_past, 1] = share
    return np.array([clones.grace]), probability


def _remaining_over_time(clones: Clones, design: Design, counts: Floats | None = None) -> _Remaining:
    """Under "do not start": the probability not to have started, over the times of starts.

    `counts` says how often each clone counts, by default once.
    """
    n = len(clones.time)
    counts = np.ones(n) if counts is None else counts
    leaving = np.unique(clones.time[clones.has_left])
    if not len(leaving):
        return leaving, np.ones((n, 1))
    # Only the order of times matters. Whoever is not followed beyond a time cannot leave at it.
    place = np.searchsorted(leaving, clones.time)
    n_leaving = np.bincount(place[clones.has_left], weights=counts[clones.has_left])
    rank = place + np.where(clones.has_left, 1.0, 0.5)
    is_at_risk = rank[:, None] >= np.arange(1, len(leaving) + 1)
    if not design.names:
        survival = np.cumprod(1 - n_leaving / (counts @ is_at_risk))
        return leaving, np.tile(np.r_[1.0, survival], (n, 1))
    fit = fit_cox(
        rank,
        clones.has_left,
        design.matrix,
        names=design.names,
        weights=counts,
        variance="model",
        ties="breslow",
    )
    predictor = (design.matrix - design.matrix.mean(axis=0)) @ [
        coefficient.coef for coefficient in fit.coefficients
    ]
    hazard = np.cumsum(n_leaving / ((counts * np.exp(predictor)) @ is_at_risk))
    return leaving, np.exp(-np.exp(predictor)[:, None] * np.r_[0.0, hazard])


def _estimate_curve(clones: Clones, leaving: Floats, probability: Floats) -> StrategyCurve:
    times = np.unique(clones.time[clones.event == 1])
    is_at_risk = clones.time[:, None] >= times
    has_event = (clones.time[:, None] == times) & (clones.event[:, None] == 1)
    weights = _inverse(probability[:, np.searchsorted(leaving, times)], is_at_risk)
    at_risk, events = weights.sum(axis=0), (weights * has_event).sum(axis=0)
    is_past = clones.time > clones.grace
    if not is_past.any():
        raise NotEstimable(f'nobody is followed beyond the grace period under "{clones.strategy}"')
    return StrategyCurve(
        clones=clones,
        time=times,
        n_at_risk=is_at_risk.sum(axis=0),
        n_events=has_event.sum(axis=0),
        weight_at_risk=at_risk,
        weight_of_events=events,
        survival=np.cumprod(1 - events / at_risk),
        size_after_grace=effective_sample_size(1 / probability[is_past, -1]),
        largest_weight=float(weights.max(initial=1.0)),
        followed_to=float(clones.time.max()),
    )


def _inverse(probability: Floats, where: NDArray[np.bool_]) -> Floats:
    return np.divide(1.0, probability, out=np.zeros_like(probability), where=where)


def _risk(curve: StrategyCurve, at: float) -> float:
    survival = curve.at([at]).survival[0]
    if math.isnan(survival):
        raise NotEstimable(
            f'the risk by {at:g} under "{curve.clones.strategy}" is not known: '
            f"nobody is followed beyond {curve.followed_to:g}"
        )
    return float(1 - survival)


# Many samples of the same clones: `counts`, of shape (n_samples, n), says how often each sample holds each.


def _risks_of_starting(clones: Clones, design: Design, counts: Floats, at: float) -> Floats:
    """The risk by `at` under "start" in each sample; NaN where it is not found together."""
    is_past = clones.has_left | (clones.time > clones.grace)
    remains = np.ones(counts.shape)
    if clones.has_left.any():
        stays = (~clones.has_left[is_past]).astype(float)
        remains[:, is_past] = estimate_probabilities(stays, design.matrix[is_past], counts[:, is_past])
    steps = _steps(clones, at)
    is_at_risk = (clones.time[:, None] >= steps).astype(float)
    has_event = ((clones.time[:, None] == steps) & (clones.event[:, None] == 1)).astype(float)
    weights = counts / np.where(remains > 0, remains, np.nan)
    is_after = steps > clones.grace
    at_risk, events = (
        np.where(is_after, weights @ column, counts @ column) for column in (is_at_risk, has_event)
    )
    return _risks_from(clones, counts, at_risk, events, at)


def _risks_of_not(clones: Clones, design: Design, counts: Floats, at: float) -> Floats:
    """The risk by `at` under "do not start" in each sample; NaN where it cannot be had so."""
    order = np.argsort(clones.time, kind="stable")
    clones, design, counts = _rows(clones, order), _design_of(design, order), counts[:, order]
    steps = _steps(clones, at)
    at_risk, events = np.full((2, len(counts), len(steps)), np.nan)
    for i, count in enumerate(counts):
        rows = np.flatnonzero(count)
        drawn = _rows(clones, rows)
        try:
            leaving, remains = _remaining_over_time(drawn, _design_of(design, rows), count[rows])
        except NotEstimable:
            continue
        weights = count[rows, None] / np.where(
            remains > 0, remains, np.nan
        )  # of nobody at risk, where all left
        column = np.searchsorted(leaving, steps)
        from_here = np.zeros((len(rows) + 1, weights.shape[1]))
        from_here[:-1] = np.cumsum(weights[::-1], axis=0)[::-1]
        at_risk[i] = from_here[np.searchsorted(drawn.time, steps), column]
        falls = np.flatnonzero((drawn.event == 1) & (drawn.time <= at))
        step = np.searchsorted(steps, drawn.time[falls])
        events[i] = np.bincount(step, weights=weights[falls, column[step]], minlength=len(steps))
    return _risks_from(clones, counts, at_risk, events, at)


def _rows(clones: Clones, rows: NDArray[np.int64]) -> Clones:
    return replace(clones, time=clones.time[rows], event=clones.event[rows], has_left=clones.has_left[rows])


def _design_of(design: Design, rows: NDArray[np.int64]) -> Design:
    return replace(design, matrix=design.matrix[rows])


def _steps(clones: Clones, at: float) -> Floats:
    """The times of events up to `at`."""
    steps = np.unique(clones.time[clones.event == 1])
    return steps[steps <= at]


def _risks_from(clones: Clones, counts: Floats, at_risk: Floats, events: Floats, at: float) -> Floats:
    """The risk of each sample by `at`; NaN where nobody is followed so far, or beyond the grace period."""
    survival = product_limit(at_risk, events)[:, -1:].prod(axis=1)  # 1 where there is no event up to then
    followed_to = np.where(counts > 0, clones.time, -np.inf).max(axis=1)
    is_known = (followed_to > clones.grace) & ((followed_to >= at) | (survival == 0))
    return np.asarray(np.where(is_known, 1 - survival, np.nan))
