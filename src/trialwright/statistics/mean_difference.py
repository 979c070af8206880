"""How far apart the means of two groups are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from trialwright.statistics.arrays import as_numbers, check_inside
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.student_t import t_quantile


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """The mean of group a less that of group b, with limits."""

    estimate: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    conventions: dict[str, Any]


def mean_difference(values_a: ArrayLike, values_b: ArrayLike, *, conf_level: float = 0.95) -> MeanDifference:
    """Estimate the difference of two means, a minus b, without taking their variances to be equal.

    The standard error is sqrt(s_a^2 / n_a + s_b^2 / n_b), the degrees of freedom are those of Welch and Satterthwaite [1]_.

    Parameters
    ----------
    values_a, values_b : array-like of shape (n_a,) and (n_b,)
        Finite numbers.
    conf_level : float
        Between 0 and 1; two-sided.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If a group has fewer than two values, or the values vary in neither.

    References
    ----------
    .. [1] Welch BL. Biometrika 1947;34:28-35.

    Examples
    --------
    >>> found = mean_difference([1, 2, 3], [0, 2, 4, 6])
    >>> round(found.estimate, 2), round(found.df, 2), round(found.conf_low, 2), round(found.conf_high, 2)
    (-1.0, 4.08, -4.9, 2.9)
    """
    check_inside("conf_level", conf_level, 0, 1)
    a = as_numbers("values_a", values_a, may_be_empty=True)
    b = as_numbers("values_b", values_b, may_be_empty=True)
    if min(len(a), len(b)) < 2:
        raise NotEstimable("a group has fewer than two values")
    if a.min() == a.max() and b.min() == b.max():
        raise NotEstimable("the values do not vary within either group")
    parts = [float(values.var(ddof=1)) / len(values) for values in (a, b)]
    std_error = math.sqrt(sum(parts))
    df = sum(parts) ** 2 / (parts[0] ** 2 / (len(a) - 1) + parts[1] ** 2 / (len(b) - 1))
    estimate = float(a.mean() - b.mean())
    half_width = t_quantile((1 + conf_level) / 2, df) * std_error
    return MeanDifference(
        estimate,
        std_error,
        df,
        estimate - half_width,
        estimate + half_width,
        {"interval": "Welch", "conf_level": conf_level},
    )
