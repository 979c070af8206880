"""The bootstrap: how an estimate varies when subjects are drawn again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialwright.statistics.arrays import Floats, check_inside
from trialwright.statistics.estimability import NotEstimable

FEWEST_RESAMPLES = 100
# Resamples without an estimate are left out; if more than this share is, those left no longer stand for all.
MOST_FAILING = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrap:
    """Estimates from resampled subjects.

    Attributes
    ----------
    estimates : ndarray of shape (n_resamples - n_failed, n_estimates)
    std_error, conf_low, conf_high : ndarray of shape (n_estimates,)
        Standard deviation, and percentile limits (quantiles of type 7).
    n_resamples, n_failed : int
        Resamples drawn, and those of them in which the estimate does not exist.
    conventions : dict
    """

    estimates: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    n_resamples: int
    n_failed: int
    conventions: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BootstrapEstimate:
    """An estimate from all subjects, with standard error and percentile limits from resampled ones."""

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True)
class BootstrapRiskDifference:
    """Two risks by `time` and how much the first exceeds the second, with bootstrap limits."""

    time: float
    risk_a: BootstrapEstimate
    risk_b: BootstrapEstimate
    difference: BootstrapEstimate
    n_resamples: int
    n_failed: int
    conventions: dict[str, Any]


Resamples = NDArray[np.int64]
"""Positions of subjects, of shape (n_resamples, n_subjects)."""
Estimate = Callable[[Resamples], Sequence[Floats | NotEstimable]]
"""Gives for each resample numbers, of one shape, or why there are none."""


def mostly_together(
    together: Callable[[Floats], Floats], alone: Callable[[NDArray[np.int64]], Floats]
) -> Estimate:
    """Estimate from all resamples at once, and alone from each that this leaves out.

    Parameters
    ----------
    together : callable
        Takes how often each resample holds each subject, shape (n_resamples, n_subjects), and gives numbers of shape
        (n_resamples, ...), NaN where a resample must be looked at alone.
    alone : callable
        Takes the positions of one resample, shape (n_subjects,), and gives its numbers; raises `NotEstimable` where there
        are none.
    """

    def attempt(drawn: NDArray[np.int64]) -> Floats | NotEstimable:
        try:
            return alone(drawn)
        except NotEstimable as error:
            return error

    def estimate(resamples: Resamples) -> list[Floats | NotEstimable]:
        n_subjects = resamples.shape[1]
        counts = np.array([np.bincount(drawn, minlength=n_subjects) for drawn in resamples], dtype=float)
        counts = counts.reshape(resamples.shape)  # none at all, too
        return [
            found if np.isfinite(found).all() else attempt(drawn)
            for drawn, found in zip(resamples, together(counts), strict=True)
        ]

    return estimate


def bootstrap(
    estimate: Estimate,
    n_subjects: int,
    *,
    n_resamples: int,
    seed: int,
    conf_level: float = 0.95,
) -> Bootstrap:
    """Estimate again from subjects drawn with replacement.

    Parameters
    ----------
    estimate : callable
        Takes positions of shape (n_resamples, n_subjects) and gives for each resample numbers of shape (n_estimates,),
        or `NotEstimable` where there are none. All that rests on data (models, weights) belongs inside it.
    n_subjects : int
        Subjects, drawn as wholes; those of both groups together.
    n_resamples : int
        At least 100.
    seed : int
        The same seed gives the same numbers.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    bootstrap : Bootstrap

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If more than 5 % of the resamples give no estimate.

    References
    ----------
    .. [1] Efron B, Tibshirani RJ. An Introduction to the Bootstrap. 1993, chapters 6 and 13.
    """
    (found,) = bootstrap_each(
        lambda resamples: [estimate(resamples)],
        n_subjects,
        n_resamples=n_resamples,
        seed=seed,
        conf_level=conf_level,
    )
    if isinstance(found, NotEstimable):
        raise found
    return found


def bootstrap_each(
    estimate: Callable[[Resamples], Iterable[Sequence[Floats | NotEstimable]]],
    n_subjects: int,
    *,
    n_resamples: int,
    seed: int,
    conf_level: float = 0.95,
) -> list[Bootstrap | NotEstimable]:
    """Estimate several things again from the same drawn subjects, each judged apart: where one fails, the others stand.

    Parameters
    ----------
    estimate : callable
        Takes positions of shape (n_resamples, n_subjects) and gives for each thing what `estimate` of `bootstrap` gives.
    n_subjects, n_resamples, seed, conf_level
        As in `bootstrap`.

    Returns
    -------
    found : list of Bootstrap or NotEstimable
        `NotEstimable` where more than 5 % of the resamples give no estimate of the thing.

    Raises
    ------
    ValueError
        As `bootstrap`.
    """
    if n_resamples < FEWEST_RESAMPLES:
        raise ValueError(f"`n_resamples` must be {FEWEST_RESAMPLES} or more, not {n_resamples}")
    check_inside("conf_level", conf_level, 0, 1)
    rng = np.random.default_rng(seed)
    drawn = estimate(rng.integers(n_subjects, size=(n_resamples, n_subjects)))
    return [_summary(found, seed, conf_level) for found in drawn]


def _summary(
    found: Sequence[Floats | NotEstimable], seed: int, conf_level: float
) -> Bootstrap | NotEstimable:
    n_resamples = len(found)
    reasons = [one.reason for one in found if isinstance(one, NotEstimable)]
    if len(reasons) > MOST_FAILING * n_resamples:
        return NotEstimable(
            f"{len(reasons)} of {n_resamples} bootstrap samples gave no estimate, the first because {reasons[0]}"
        )
    estimates = np.array([one for one in found if not isinstance(one, NotEstimable)])
    tail = (1 - conf_level) / 2
    low, high = np.quantile(estimates, [tail, 1 - tail], axis=0)
    return Bootstrap(
        estimates=estimates,
        std_error=estimates.std(axis=0, ddof=1),
        conf_low=low,
        conf_high=high,
        n_resamples=n_resamples,
        n_failed=len(reasons),
        conventions={
            "interval": "bootstrap, percentile",
            "resampled": "subjects",
            "n_resamples": n_resamples,
            "n_failed": len(reasons),
            "seed": seed,
            "conf_level": conf_level,
        },
    )


def bootstrap_risk_difference(
    risks: Estimate,
    n_subjects: int,
    *,
    time: float,
    n_resamples: int,
    seed: int,
    conf_level: float = 0.95,
) -> BootstrapRiskDifference:
    """Estimate the difference of two risks by `time` from all subjects, and its limits from resampled ones.

    `risks` is as `estimate` of `bootstrap`, and gives both risks; its first call is for all subjects in their order.
    """

    def risks_and_difference(resamples: Resamples) -> list[Floats | NotEstimable]:
        return [
            one if isinstance(one, NotEstimable) else np.array([*one, one[0] - one[1]])
            for one in risks(resamples)
        ]

    (estimates,) = risks_and_difference(np.arange(n_subjects)[None])
    if isinstance(estimates, NotEstimable):
        raise estimates
    found = bootstrap(
        risks_and_difference, n_subjects, n_resamples=n_resamples, seed=seed, conf_level=conf_level
    )
    columns = (estimates, found.std_error, found.conf_low, found.conf_high)
    risk_a, risk_b, difference = (
        BootstrapEstimate(*(float(column[i]) for column in columns)) for i in range(3)
    )
    return BootstrapRiskDifference(
        float(time), risk_a, risk_b, difference, n_resamples, found.n_failed, found.conventions
    )
