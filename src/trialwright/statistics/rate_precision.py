"""What events among so many patients will tell of a rate, by exact limits and without a hypothesis."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from trialwright.statistics.arrays import check_inside, check_whole
from trialwright.statistics.boundaries import EQUAL_WITHIN
from trialwright.statistics.distributions import binomial_cdf
from trialwright.statistics.proportions import estimate_proportion
from trialwright.statistics.sample_size import Sides, as_sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """What so many events among so many patients would tell about a rate.

    Attributes
    ----------
    n_events, n_subjects : int
    estimate : float
    conf_low, conf_high : float
        Exact two-sided limits: rates below and above are excluded.
    half_width : float
        Half the distance of the limits, which are not symmetrical about the estimate.
    excluded_one_sided : float
        The upper limit where only high rates are of interest.
    conf_level : float
    """

    n_events: int
    n_subjects: int
    estimate: float
    conf_low: float
    conf_high: float
    half_width: float
    excluded_one_sided: float
    conf_level: float


def interval_precision(
    n_subjects: int, n_events: Sequence[int], *, conf_level: float
) -> tuple[Precision, ...]:
    """Find what numbers of events among so many patients would tell, by the limits of Clopper and Pearson [1]_.

    Parameters
    ----------
    n_subjects : int
        At least 1.
    n_events : sequence of int
        Each from 0 to `n_subjects`.
    conf_level : float
        Of both intervals, between 0 and 1: 0.95 leaves 0.025 beyond each of two limits, and 0.05 beyond a single one.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.

    References
    ----------
    .. [1] Clopper CJ, Pearson ES. Biometrika 1934;26:404-413.

    Examples
    --------
    >>> found, = interval_precision(43, [0], conf_level=0.95)
    >>> round(found.conf_high, 3), round(found.excluded_one_sided, 3)
    (0.082, 0.067)
    """
    check_whole("n_subjects", n_subjects, 1)
    for i, events in enumerate(n_events):
        check_whole(f"n_events[{i}]", events, 0, n_subjects)
    both = [estimate_proportion(x, n_subjects, conf_level=conf_level) for x in n_events]
    upper = [estimate_proportion(x, n_subjects, conf_level=conf_level, limits="upper") for x in n_events]
    return tuple(
        Precision(
            n_events=two.n_events,
            n_subjects=two.n_subjects,
            estimate=two.estimate,
            conf_low=two.conf_low,
            conf_high=two.conf_high,
            half_width=(two.conf_high - two.conf_low) / 2,
            excluded_one_sided=one.conf_high,
            conf_level=conf_level,
        )
        for two, one in zip(both, upper, strict=True)
    )


def subjects_to_exclude(rate: float, *, n_events: int, confidence: float, sides: Sides) -> int:
    """Find the fewest patients among whom so many events exclude a rate: the upper exact limit is at most the rate.

    Parameters
    ----------
    rate : float
        Between 0 and 1.
    n_events : int
        0 or more.
    confidence : float
        Between 0 and 1.
    sides : {1, 2}
        2 leaves half of 1 - `confidence` beyond the limit.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.

    Examples
    --------
    Without an event, 36 patients exclude 10 % two-sided: 0.9^36 = 0.0225.

    >>> subjects_to_exclude(0.1, n_events=0, confidence=0.95, sides=2)
    36
    """
    check_inside("rate", rate, 0, 1)
    check_whole("n_events", n_events, 0)
    check_inside("confidence", confidence, 0, 1)
    tail = (1 - confidence) / as_sides(sides) * (1 + EQUAL_WITHIN)

    def is_excluded(n: int) -> bool:
        return binomial_cdf(n_events, n, rate) <= tail

    too_few, enough = n_events, n_events + 1
    while not is_excluded(enough):
        too_few, enough = enough, 2 * enough
    return bisect.bisect_left(range(enough), True, lo=too_few, key=is_excluded)
