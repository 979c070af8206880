"""Binomial, Poisson and beta probabilities, and the exact limits that invert them.

Plain arithmetic on single numbers; what calls it has checked them. It imports nothing slow, for `sample_size` is loaded
by commands that compute little.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

_BISECTIONS = 200
_FRACTION_TERMS = 100_000
_SETTLED = 1e-15
_TINY = 1e-300  # in place of 0 in a denominator


def binomial_cdf(k: int, n: int, rate: float) -> float:
    """Probability of at most `k` events among `n`, summed on the log scale: factorials of large n are beyond doubles."""
    if k < 0:
        return 0.0
    if k >= n or rate <= 0:
        return 1.0
    if rate >= 1:
        return 0.0
    log_rate, log_rest = math.log(rate), math.log1p(-rate)
    return math.fsum(
        math.exp(log_ways + i * log_rate + (n - i) * log_rest)
        for i, log_ways in enumerate(_log_combinations(k, n))
    )


@lru_cache(maxsize=8)
def _log_combinations(k: int, n: int) -> tuple[float, ...]:
    """Logarithms of the ways to choose 0, 1, ... `k` of `n`; a limit asks for them at every step towards it."""
    log_n = math.lgamma(n + 1)
    return tuple(log_n - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in range(k + 1))


def poisson_cdf(k: int, mean: float) -> float:
    """Probability of at most `k` events where `mean` are expected."""
    if k < 0:
        return 0.0
    if mean <= 0:
        return 1.0
    log_mean = math.log(mean)
    return math.fsum(math.exp(i * log_mean - mean - each) for i, each in enumerate(_log_factorials(k)))


@lru_cache(maxsize=8)
def _log_factorials(k: int) -> tuple[float, ...]:
    """Logarithms of the factorials of 0, 1, ... `k`; as above."""
    return tuple(math.lgamma(i + 1) for i in range(k + 1))


def beta_cdf(x: float, a: float, b: float) -> float:
    """Probability that a Beta(a, b) variable is at most `x`: the regularised incomplete beta function [1]_.

    `a` and `b` are above 0. The continued fraction is used on the side where it converges quickly.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, 8.17.4 and 8.17.22.

    Examples
    --------
    >>> round(beta_cdf(0.1, 1, 1), 12), round(beta_cdf(0.5, 3, 3), 12)
    (0.1, 0.5)
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - beta_cdf(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / (a * _beta_fraction(x, a, b))


def _beta_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction 1 + d1/(1 + d2/(1 + ...)), evaluated from the front by Lentz's method."""
    value, numerator, denominator = 1.0, 1.0, 0.0
    for i in range(1, _FRACTION_TERMS):
        m = i // 2
        if i % 2:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        denominator = 1 / (1 + d * denominator or _TINY)
        numerator = 1 + d / numerator or _TINY
        change = numerator * denominator
        value *= change
        if abs(change - 1) < _SETTLED:
            return value
    raise ArithmeticError(f"the continued fraction at {a:g}, {b:g}, {x:g} did not settle")


@lru_cache(maxsize=1024)
def binomial_upper_limit(n_events: int, n_subjects: int, tail: float) -> float:
    """The largest rate under which at most `n_events` among `n_subjects` have a probability of at least `tail` [1]_.

    With an event in everybody it is 1. The lower limit is 1 less the upper limit of those without event.

    References
    ----------
    .. [1] Clopper CJ, Pearson ES. Biometrika 1934;26:404-413.
    """
    if n_events == n_subjects:
        return 1.0
    return smallest(lambda rate: binomial_cdf(n_events, n_subjects, rate) < tail, 0.0, 1.0)


@lru_cache(maxsize=1024)
def poisson_upper_limit(n_events: int, tail: float) -> float:
    """The largest mean under which at most `n_events` have a probability of at least `tail` [1]_.

    The lower limit for n events is the upper limit of n - 1 events at 1 - tail.

    References
    ----------
    .. [1] Garwood F. Biometrika 1936;28:437-442.
    """

    def is_excluded(mean: float) -> bool:
        return poisson_cdf(n_events, mean) < tail

    high = n_events + 1.0
    while not is_excluded(high):
        high *= 2
    return smallest(is_excluded, 0.0, high)


def smallest(is_enough: Callable[[float], bool], low: float, high: float) -> float:
    """The smallest number above `low`, at most `high`, from which on `is_enough` holds, to the last bit or two."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high
