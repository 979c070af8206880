"""Describing subjects at baseline: numbers, levels, and how far two groups lie apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from trialwright.statistics.arrays import Floats, as_numbers
from trialwright.statistics.estimability import NotEstimable

# The numbers are those of Hyndman and Fan, Am Stat 1996;50:361-365, which R uses too.
_QUANTILE_METHODS: dict[int, Literal["averaged_inverted_cdf", "weibull", "linear"]] = {
    2: "averaged_inverted_cdf",
    6: "weibull",
    7: "linear",
}


@dataclass(frozen=True, slots=True)
class NumberSummary:
    """What a table shows of a measured quantity; NaN where there are too few values."""

    n: int
    n_missing: int
    mean: float
    sd: float
    median: float
    q1: float
    q3: float
    minimum: float
    maximum: float
    conventions: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LevelCounts:
    """How many subjects are at each level, in the order of the levels; `n` is without the missing."""

    n: int
    n_missing: int
    counts: dict[Any, int]


def summarise_numbers(values: ArrayLike, *, quantile_type: Literal[2, 6, 7] = 7) -> NumberSummary:
    """Summarise a measured quantity.

    Parameters
    ----------
    values : array-like of shape (n,)
        Finite numbers; None and NaN are missing and only counted.
    quantile_type : {2, 6, 7}
        How q1 and q3 lie between two values, numbered as in R: 7 is the default of R, 2 that of SAS, 6 that of SPSS.

    Returns
    -------
    summary : NumberSummary
        `sd` has the denominator n - 1 and is NaN for one value; without values all but the counts are NaN.

    Raises
    ------
    ValueError
        If a value is infinite or no number, or the quantile type is another.

    Examples
    --------
    >>> summary = summarise_numbers([1, 2, 3, 4, None])
    >>> summary.n, summary.n_missing, summary.mean, summary.q1, summary.q3
    (4, 1, 2.5, 1.75, 3.25)
    """
    if quantile_type not in _QUANTILE_METHODS:
        raise ValueError(f"`quantile_type` must be one of 2, 6, 7, not {quantile_type!r}")
    known, n_missing = _known("values", values)
    n = len(known)
    conventions = {"quantile_type": quantile_type, "sd_denominator": "n - 1"}
    if n == 0:
        nan = math.nan
        return NumberSummary(0, n_missing, nan, nan, nan, nan, nan, nan, nan, conventions)
    q1, median, q3 = np.quantile(known, [0.25, 0.5, 0.75], method=_QUANTILE_METHODS[quantile_type]).tolist()
    return NumberSummary(
        n=n,
        n_missing=n_missing,
        mean=float(known.mean()),
        sd=float(known.std(ddof=1)) if n > 1 else math.nan,
        median=median,
        q1=q1,
        q3=q3,
        minimum=float(known.min()),
        maximum=float(known.max()),
        conventions=conventions,
    )


def count_levels(values: Iterable[Any], levels: Sequence[Any]) -> LevelCounts:
    """Count subjects at each level of a category.

    Parameters
    ----------
    values : sequence
        One level per subject; None and NaN are missing and only counted.
    levels : sequence
        All levels there can be, in the order wanted; one that nobody is at is counted 0.

    Raises
    ------
    ValueError
        If a value is none of the levels, or a level is named twice.

    Examples
    --------
    >>> count_levels(["A", "0", "A", None], levels=["0", "A", "B"]).counts
    {'0': 1, 'A': 2, 'B': 0}
    """
    counts = dict.fromkeys(levels, 0)
    if len(counts) < len(levels):
        raise ValueError(f"`levels` must name each level once, not {list(levels)}")
    n_missing = 0
    for position, value in enumerate(values):
        if value is None or value != value:  # NaN differs from itself
            n_missing += 1
        elif value in counts:
            counts[value] += 1
        else:
            raise ValueError(
                f"`values[{position}]` must be one of {', '.join(map(repr, levels))}, not {value!r}"
            )
    return LevelCounts(sum(counts.values()), n_missing, counts)


def standardised_difference_numbers(values_a: ArrayLike, values_b: ArrayLike) -> float:
    """Standardised difference of the means of two groups, a minus b.

    (mean_a - mean_b) / sqrt((sd_a^2 + sd_b^2) / 2) [1]_.

    Parameters
    ----------
    values_a, values_b : array-like of shape (n_a,) and (n_b,)
        Finite numbers; None and NaN are missing and left out.

    Raises
    ------
    ValueError
        If a value is infinite or no number.
    NotEstimable
        If a group has fewer than two known values, or no value varies in either.

    References
    ----------
    .. [1] Austin PC. Stat Med 2009;28:3083-3107.
    """
    a, _ = _known("values_a", values_a)
    b, _ = _known("values_b", values_b)
    if min(len(a), len(b)) < 2:
        raise NotEstimable("a group has fewer than two known values")
    if np.ptp(a) == 0 and np.ptp(b) == 0:
        raise NotEstimable("the values do not vary within either group")
    return float((a.mean() - b.mean()) / math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2))


def standardised_difference_levels(counts_a: ArrayLike, counts_b: ArrayLike) -> float:
    """Standardised difference of the distribution of two groups over the levels of a category, 0 or more.

    The Mahalanobis distance of the two vectors of proportions, one level left out, with the mean of the two
    multinomial covariance matrices [1]_. For two levels it is |p - q| / sqrt((p (1 - p) + q (1 - q)) / 2) [2]_.

    Parameters
    ----------
    counts_a, counts_b : array-like of shape (n_levels,)
        Subjects at each level, in one order for both. Which level is left out changes nothing.

    Raises
    ------
    ValueError
        If counts are negative or not whole, or the two differ in length.
    NotEstimable
        If a group has nobody, all are at one level, or the groups have no level in common.

    References
    ----------
    .. [1] Yang D, Dalton JE. SAS Global Forum 2012, paper 335.
    .. [2] Austin PC. Commun Stat Simul Comput 2009;38:1228-1234.

    Examples
    --------
    >>> round(standardised_difference_levels([42, 58], [30, 70]), 4)
    0.252
    """
    a = _as_counts("counts_a", counts_a)
    b = _as_counts("counts_b", counts_b, length=len(a))
    if a.sum() == 0 or b.sum() == 0:
        raise NotEstimable("a group has nobody")
    used = a + b > 0
    if used.sum() == 1:
        raise NotEstimable("all subjects are at one level")
    if not np.any((a > 0) & (b > 0)):
        raise NotEstimable("the groups have no level in common")
    p, q = (a / a.sum())[used][1:], (b / b.sum())[used][1:]
    covariance = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    return math.sqrt((p - q) @ np.linalg.solve(covariance, p - q))


def _known(name: str, values: ArrayLike) -> tuple[Floats, int]:
    array = as_numbers(name, values, accept=lambda x: ~np.isinf(x), may_be_empty=True)
    known = array[~np.isnan(array)]
    return known, len(array) - len(known)


def _as_counts(name: str, counts: ArrayLike, length: int | None = None) -> Floats:
    return as_numbers(
        name,
        counts,
        expected="a whole number of 0 or more",
        accept=lambda x: np.isfinite(x) & (x >= 0) & (x == np.floor(x)),
        length=length,
    )
