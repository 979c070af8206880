"""How an estimator does over many trials whose truth is known, with the error of having run only so many.

Definitions and Monte-Carlo errors as Morris, White and Crowther, Stat Med 2019;38:2074-2102, table 6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialwright.statistics.proportions import estimate_proportion

Values = Sequence[float | None]
CONFIDENCE = 0.95
"""Of the exact limits of shares of trials."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure of performance, its Monte-Carlo standard error, and the number of trials it rests on.

    `value` is NaN where no trial tells, `mc_error` where too few do.
    """

    value: float
    mc_error: float
    n: int


@dataclass(frozen=True, slots=True)
class Share(Measured):
    """A share of trials; `low` and `high` are exact 95 % limits, which say something even where all trials agree."""

    low: float
    high: float


def mean_of(values: Values) -> Measured:
    """The mean over the trials in which there is a value."""
    known = _known(values)
    return _mean(known)


def spread_of(values: Values) -> Measured:
    """The standard deviation over trials (n - 1); its error is that of normal estimates."""
    known = _known(values)
    n = len(known)
    if n < 2:
        return Measured(math.nan, math.nan, n)
    spread = float(np.std(known, ddof=1))
    return Measured(spread, spread / math.sqrt(2 * (n - 1)), n)


def bias_of(estimates: Values, truths: Values) -> Measured:
    """The mean of estimate less truth, each in the same trial: chance that both share falls out."""
    pairs = zip(estimates, truths, strict=True)
    return _mean(np.array([one - truth for one, truth in pairs if one is not None and truth is not None]))


def coverage_of(low: Values, high: Values, truth: float) -> Share:
    """The share of intervals that hold the truth, ends included, of those that have both limits."""
    limits = [(a, b) for a, b in zip(low, high, strict=True) if a is not None and b is not None]
    return share_of([a <= truth <= b for a, b in limits])


def share_of(answers: Sequence[bool | None]) -> Share:
    """The share of trials of which something holds, among those that tell."""
    known = [one for one in answers if one is not None]
    n = len(known)
    if n == 0:
        return Share(math.nan, math.nan, 0, math.nan, math.nan)
    found = estimate_proportion(sum(known), n, conf_level=CONFIDENCE)
    share = found.estimate
    return Share(share, math.sqrt(share * (1 - share) / n), n, found.conf_low, found.conf_high)


def _known(values: Values) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([one for one in values if one is not None], dtype=float)


def _mean(known: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Measured:
    n = len(known)
    if n == 0:
        return Measured(math.nan, math.nan, 0)
    error = float(np.std(known, ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return Measured(float(np.mean(known)), error, n)
