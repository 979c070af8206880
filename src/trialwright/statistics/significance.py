"""Limits and p-values from the normal and the chi-squared distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class ChiSquaredTest:
    """A test statistic that follows the chi-squared distribution with `df` degrees of freedom if nothing differs."""

    chi_squared: float
    df: int
    p_value: float


def chi_squared_test(chi_squared: float, df: int) -> ChiSquaredTest:
    """Add the p-value to a statistic."""
    return ChiSquaredTest(chi_squared, df, chi_squared_p_value(chi_squared, df))


def chi_squared_p_value(chi_squared: float, df: int) -> float:
    """Upper tail of the chi-squared distribution, a finite sum for whole df (Abramowitz and Stegun 26.4.4, 26.4.5)."""
    half = chi_squared / 2
    if df % 2 == 0:
        terms = [half**k / math.factorial(k) for k in range(df // 2)]
        return math.exp(-half) * math.fsum(terms)
    terms = [half ** (k + 0.5) / math.gamma(k + 1.5) for k in range(df // 2)]
    return math.erfc(math.sqrt(half)) + math.exp(-half) * math.fsum(terms)


def normal_p_value(z: float) -> float:
    """Two-sided p-value of a standard normal deviate."""
    return math.erfc(abs(z) / math.sqrt(2))


def normal_limits(estimate: float, std_error: float, conf_level: float) -> tuple[float, float]:
    """Limits symmetrical about the estimate, of a normal distribution."""
    half_width = NormalDist().inv_cdf((1 + conf_level) / 2) * std_error
    return estimate - half_width, estimate + half_width
