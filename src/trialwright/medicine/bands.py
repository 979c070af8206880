"""From numbers to groups and from groups to numbers, as far as either is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from trialwright.medicine.known import MET, NOT_MET, Categories, Known
from trialwright.vocabulary.intervals import Floats, Intervals

Cut = tuple[str, float]
"""Which numbers lie in the groups above: `(">=", 7)` or `(">", -2.6)`."""


def band(numbers: Known, cuts: Sequence[Cut], levels: Sequence[str]) -> Categories:
    """The group of each number: how many cuts it has passed.

    Parameters
    ----------
    numbers : Known of shape (n,)
    cuts : sequence of (comparison, number)
        Rising.
    levels : sequence of str
        One more than there are cuts, from low to high.

    Returns
    -------
    groups : Categories of shape (n,)
    """
    least = np.zeros(len(numbers), dtype=np.intp)
    most = np.zeros(len(numbers), dtype=np.intp)
    for comparison, cut in cuts:
        passed = numbers.compare(comparison, cut)
        least += passed == MET
        most += passed != NOT_MET
    place = np.arange(len(levels))
    return Categories(levels, (least[:, None] <= place) & (place <= most[:, None]), numbers.reasons)


def points_of(groups: Categories, points: Sequence[float]) -> Known:
    """The number that stands for each group, in the order of its levels; from least to most of those possible."""
    numbers = np.asarray(points, dtype=np.float64)
    least = np.where(groups.possible, numbers, np.inf).min(axis=1)
    most = np.where(groups.possible, numbers, -np.inf).max(axis=1)
    return Known(Intervals(least, most), groups.reasons)


def over_corners(function: Callable[..., Floats], *parts: Known) -> Known:
    """A function of several numbers, from its least to its most.

    It must be monotone in each number whatever the others are, so that its extremes lie where each number is at one
    of its ends. Ends count as reached.
    """
    ends = [(p.bounds.lo,) if p.is_exact.all() else (p.bounds.lo, p.bounds.hi) for p in parts]
    values = np.array([function(*corner) for corner in product(*ends)])
    reasons = np.max([part.reasons for part in parts], axis=0)
    return Known(Intervals(values.min(axis=0), values.max(axis=0)), reasons, is_calculated=True)
