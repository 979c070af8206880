"""A safety boundary by time under observation: so many events in so little person-time, and the rate is above its reference.

It needs no count of who is judged: a patient gives person-time from the first day on, up to the event or the end of the window.
The reference is a rate by the end of a window; a constant hazard turns it into events per person-time. Times have one unit,
whichever the caller uses.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trialwright.statistics.arrays import Floats, check_inside, check_whole
from trialwright.statistics.distributions import poisson_upper_limit, smallest

Conventions = dict[str, Any]

# A level found by halving is the smallest that is too large; this much less is not.
_BELOW = 1 - 1e-12


@dataclass(frozen=True, slots=True)
class PersonTimeBoundary:
    """In how little person-time so many events cross the boundary.

    Attributes
    ----------
    largest_person_time : tuple of float
        The event number 1, 2, ... crosses if there was at most so much person-time when it came; at 0 it never does. Never
        falling; the last is `person_time`.
    window : float
        How long a patient is observed, in the unit of person-time.
    person_time : float
        The most person-time there can be: that of all patients over the whole window.
    conventions : dict
        How the boundary was found; empty for one that was stated.

    Raises
    ------
    ValueError
        If these do not describe a boundary.
    """

    largest_person_time: tuple[float, ...]
    window: float
    person_time: float
    conventions: Conventions = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_inside("window", self.window, 0, math.inf)
        check_inside("person_time", self.person_time, 0, math.inf)
        before = 0.0
        for i, largest in enumerate(self.largest_person_time):
            if not before <= largest <= self.person_time:
                raise ValueError(
                    f"`largest_person_time[{i}]` must lie between {before:g} and {self.person_time:g}, not {largest!r}"
                )
            before = largest
        if before != self.person_time:
            raise ValueError(
                f"`largest_person_time` must end with `person_time` of {self.person_time:g}, not with {before:g}"
            )

    def events_to_stop(self, person_time: float) -> int | None:
        """The fewest events that cross it when there was so much person-time; None beyond the most there can be."""
        if person_time > self.person_time:
            return None
        never = bisect.bisect_right(self.largest_person_time, 0)
        return bisect.bisect_left(self.largest_person_time, person_time, lo=never) + 1


@dataclass(frozen=True, slots=True)
class PersonTimeCharacteristics:
    """What a boundary does at one true rate, if the hazard is constant and all the person-time is reached.

    `expected_person_time` and `expected_events` count up to the crossing, or to the most person-time where there is none.
    """

    rate: float
    hazard: float
    probability_to_cross: float
    expected_person_time: float
    expected_events: float


def constant_hazard(rate: float, window: float) -> float:
    """Events per person-time that give a rate by the end of a window: -ln(1 - rate) / window.

    Examples
    --------
    >>> round(constant_hazard(0.05, 35), 5)
    0.00147
    """
    check_inside("rate", rate, 0, 1)
    check_inside("window", window, 0, math.inf)
    return -math.log1p(-rate) / window


def person_time_boundary(
    n_patients: int, *, window: float, reference_rate: float, alpha: float, minimum_events: int = 1
) -> PersonTimeBoundary:
    """Cross where the events are too many for the person-time by one exact Poisson level for all events together.

    An event crosses if so many or more have at most the level's probability under the reference, given the person-time. The
    level is the one with which the boundary is crossed with probability `alpha` at the reference rate while the person-time goes
    up to its most [1]_, [2]_. Less is reached, for whoever has the event gives no more: with a constant hazard false alarms are
    at most `alpha`. Events that come early in the window, before much person-time, give more of them, and late ones fewer:
    see `late_events.simulate_stopping`.

    Parameters
    ----------
    n_patients : int
        At least 1.
    window : float
        How long each is observed, above 0.
    reference_rate : float
        The rate by the end of the window that is still acceptable, between 0 and 1.
    alpha : float
        Probability of a false alarm, between 0 and 1.
    minimum_events : int
        Fewer never cross.

    Returns
    -------
    boundary : PersonTimeBoundary
        Its conventions hold `level`, that of each event, and `hazard`, of the reference.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.

    References
    ----------
    .. [1] Kulldorff M, Davis RL, Kolczak M, et al. Sequential Analysis 2011;30:58-78: the same process, with a boundary by
       likelihood ratio.
    .. [2] Martens MJ, Logan BR. Clinical Trials 2024: boundaries for times to safety events, Pocock's among them.

    Examples
    --------
    >>> boundary = person_time_boundary(43, window=35, reference_rate=0.05, alpha=0.1)
    >>> [round(weeks) for weeks in boundary.largest_person_time]
    [21, 183, 454, 788, 1164, 1505]
    """
    for name, number in (("n_patients", n_patients), ("minimum_events", minimum_events)):
        check_whole(name, number, least=1)
    check_inside("reference_rate", reference_rate, 0, 1)
    hazard = constant_hazard(reference_rate, window)
    check_inside("alpha", alpha, 0, 1)
    most = n_patients * window
    stated: Conventions = {
        "boundary": "Pocock-type by person-time, exact",
        "reference_rate": reference_rate,
        "hazard": hazard,
        "alpha": alpha,
        "minimum_events": minimum_events,
    }

    def at(level: float) -> PersonTimeBoundary:
        largest = _largest_person_time(level, hazard, most, minimum_events)
        return PersonTimeBoundary(largest, window, most, stated)

    def is_too_often(level: float) -> bool:
        return _course(at(level), hazard)[0] > alpha

    stated["level"] = level = smallest(is_too_often, 0.0, alpha) * _BELOW
    return at(level)


def person_time_characteristics(boundary: PersonTimeBoundary, rate: float) -> PersonTimeCharacteristics:
    """Find how often and when a boundary is crossed at a true rate, exactly, if the hazard is constant.

    Events are a Poisson process over person-time; between two steps of the boundary their number is a Poisson variable.

    Parameters
    ----------
    boundary : PersonTimeBoundary
    rate : float
        The true rate by the end of the window, between 0 and 1.

    Raises
    ------
    ValueError
        If the rate lies outside.
    """
    hazard = constant_hazard(rate, boundary.window)
    crossed, expected = _course(boundary, hazard)
    return PersonTimeCharacteristics(rate, hazard, crossed, expected, hazard * expected)


def _course(boundary: PersonTimeBoundary, hazard: float) -> tuple[float, float]:
    """Probability to cross, and person-time expected up to the crossing or to the most.

    With x - 1 events or fewer so far and none that crossed, event x crosses until the boundary's step x. Within a step of
    length d, j more events or fewer have come for an expected time of sum over i to j of Pr(more than i events within d) / hazard.
    """
    going_on, before, crossed, expected = np.ones(1), 0.0, 0.0, 0.0
    for x, until in enumerate(boundary.largest_person_time, start=1):
        mean = hazard * (until - before)
        exactly = _poisson(mean, x)
        more_than = 1 - np.cumsum(exactly)  # 0, 1, ... events
        still_below = np.cumsum(more_than)[::-1][: len(going_on)]  # from so many events so far
        expected += float(going_on @ still_below) / hazard
        grown = np.convolve(going_on, exactly)[:x]
        crossed += float(going_on.sum() - grown.sum())
        going_on, before = grown, until
    return crossed, expected


def _largest_person_time(level: float, hazard: float, most: float, minimum_events: int) -> tuple[float, ...]:
    """For each number of events the person-time within which so many or more have the probability `level`."""
    found = [0.0] * (minimum_events - 1)
    while not found or found[-1] < most:
        mean = poisson_upper_limit(len(found), 1 - level)
        found.append(min(mean / hazard, most))
    return tuple(found)


def _poisson(mean: float, n: int) -> Floats:
    """Probabilities of 0, 1, ... n - 1 events where `mean` are expected."""
    probabilities = np.zeros(n)
    probabilities[0] = 1.0
    if mean > 0:
        k = np.arange(n)
        log_factorial = np.cumsum(np.log(np.maximum(k, 1)))
        probabilities[:] = np.exp(k * math.log(mean) - mean - log_factorial)
    return probabilities
