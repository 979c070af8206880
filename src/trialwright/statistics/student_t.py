"""Student's t distribution with any degrees of freedom above 0, whole or not."""

from __future__ import annotations

import math
from statistics import NormalDist

from trialwright.statistics.distributions import beta_cdf, smallest

# Up to here the beta function, above it the normal approximation: both have ten digits there.
_NEARLY_NORMAL = 1e5


def t_p_value(t: float, df: float) -> float:
    """Two-sided p-value of a t statistic.

    The regularised incomplete beta function of df / (df + t^2) at df / 2 and 1 / 2 [1]_; above 100 000 degrees of
    freedom the normal approximation [2]_.

    References
    ----------
    .. [1] Abramowitz M, Stegun IA. Handbook of Mathematical Functions, 26.7.1.
    .. [2] The same, 26.7.8.

    Examples
    --------
    >>> round(t_p_value(12.706204736432095, 1), 10)
    0.05
    """
    if not df > 0:
        raise ValueError(f"`df` must be above 0, not {df!r}")
    if math.isinf(df):
        return math.erfc(abs(t) / math.sqrt(2))
    if df > _NEARLY_NORMAL:
        return math.erfc(abs(t) * (1 - 1 / (4 * df)) / math.sqrt(2 + t * t / df))
    return beta_cdf(df / (df + t * t), df / 2, 0.5)


def t_quantile(probability: float, df: float) -> float:
    """The value that a t variate stays below with this probability, above 1/2 and below 1."""
    if not 0.5 < probability < 1:
        raise ValueError(f"`probability` must be above 1/2 and below 1, not {probability!r}")
    if math.isinf(df):
        return NormalDist().inv_cdf(probability)
    tails = 2 * (1 - probability)

    def is_enough(t: float) -> bool:
        return t_p_value(t, df) <= tails

    high = 1.0
    while not is_enough(high):
        high *= 2
    return smallest(is_enough, 0.0, high)
