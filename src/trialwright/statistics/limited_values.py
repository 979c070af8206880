"""Measurements of which some are only known to lie between limits, such as a result below what an assay can measure."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from trialwright.statistics.arrays import Floats, as_numbers
from trialwright.statistics.estimability import NotEstimable


def quantile_limits(lows: ArrayLike, highs: ArrayLike, probability: float) -> tuple[float, float]:
    """From where to where a sample quantile lies, when each value is only known to lie between two limits.

    Type 7 of Hyndman and Fan [1]_. Each order statistic rises with every value, so the quantile of the values lies between
    the quantile of their lower and that of their upper limits, whatever the values are; nothing is put in their place.

    Parameters
    ----------
    lows, highs : array-like of shape (n,)
        Where each value may lie at least and at most; an exact value twice, infinite where there is no limit.
    probability : float
        From 0 to 1; 0.5 is the median.

    Returns
    -------
    low, high : float
        The same number twice where the quantile is known exactly.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If there is no value.

    References
    ----------
    .. [1] Hyndman RJ, Fan Y. Am Stat 1996;50:361-365.

    Examples
    --------
    Two of five are below 20, so the median is known, and the first quartile is not:

    >>> quantile_limits([0, 0, 30, 40, 50], [20, 20, 30, 40, 50], 0.5)
    (30.0, 30.0)
    >>> quantile_limits([0, 0, 30, 40, 50], [20, 20, 30, 40, 50], 0.25)
    (0.0, 20.0)
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"`probability` must lie between 0 and 1, not {probability!r}")
    least = as_numbers("lows", lows, expected="a number", accept=_is_number, may_be_empty=True)
    most = as_numbers(
        "highs", highs, expected="a number", accept=_is_number, length=len(least), may_be_empty=True
    )
    if (least > most).any():
        place = int(np.argmax(least > most))
        raise ValueError(f"`lows[{place}]` must be at most {most[place]:g}, not {least[place]:g}")
    if not len(least):
        raise NotEstimable("there is no value")
    return (
        _quantile(np.sort(least), probability, beyond=-math.inf),
        _quantile(np.sort(most), probability, beyond=math.inf),
    )


def _is_number(values: Floats) -> np.ndarray:
    return ~np.isnan(values)


def _quantile(ordered: Floats, probability: float, *, beyond: float) -> float:
    """Type 7; between an infinite value and its neighbour it is infinite, and `beyond` between both infinities."""
    place = probability * (len(ordered) - 1)
    below, above = float(ordered[math.floor(place)]), float(ordered[math.ceil(place)])
    share = place - math.floor(place)
    if share == 0 or below == above:
        return below
    if math.isinf(below):
        return beyond if math.isinf(above) else below
    return below + share * (above - below)
