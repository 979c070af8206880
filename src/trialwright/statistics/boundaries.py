"""Safety boundaries: so many events among the patients so far, and a single group's rate is above its reference.

A boundary says for each look, a number n of patients judged, the fewest events that cross it. Patients count in the order in
which they are judged, each with or without the event; one who is not yet judged counts neither among patients nor events.
The reference rate is a clinical statement and has no default.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from trialwright.statistics.arrays import Floats, check_inside, check_whole
from trialwright.statistics.distributions import beta_cdf
from trialwright.statistics.estimability import NotEstimable

Conventions = dict[str, Any]

EQUAL_WITHIN = 1e-11
"""Probabilities that differ less, relatively, are one: sums of the same terms in another order."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """The fewest events that cross the boundary, look by look.

    Attributes
    ----------
    n : tuple of int
        Patients judged at each look, rising.
    events_to_stop : tuple of int or None
        Fewest events among so many patients that cross it; None where even an event in everybody does not. Once there is a
        number, it never falls.
    conventions : dict
        How the boundary was found; empty for one that was stated.

    Raises
    ------
    ValueError
        If the two do not describe a boundary.
    """

    n: tuple[int, ...]
    events_to_stop: tuple[int | None, ...]
    conventions: Conventions = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_looks("n", self.n)
        if len(self.events_to_stop) != len(self.n):
            raise ValueError(
                f"`events_to_stop` must have {len(self.n)} values, not {len(self.events_to_stop)}"
            )
        fewest: int | None = None
        for i, (n, events) in enumerate(zip(self.n, self.events_to_stop, strict=True)):
            if events is not None and not 1 <= events <= n:
                raise ValueError(f"`events_to_stop[{i}]` must lie between 1 and {n} patients, not {events!r}")
            if fewest is not None and (events is None or events < fewest):
                raise ValueError(
                    f"`events_to_stop[{i}]` must be {fewest} or more, as before it, not {events!r}"
                )
            fewest = events


@dataclass(frozen=True, slots=True)
class OperatingCharacteristics:
    """What a boundary does at one true rate.

    `expected_n` counts patients up to the crossing, or all of the last look where there is none. `expected_n_if_crossed` is
    the mean over crossings alone, None if there can be none.
    """

    rate: float
    probability_to_cross: float
    expected_n: float
    expected_n_if_crossed: float | None


@dataclass(frozen=True, slots=True)
class Crossing:
    """One way to cross a boundary for the first time: with so many events among so many patients."""

    n: int
    n_events: int
    probability: float


@dataclass(frozen=True, slots=True)
class Position:
    """Where so many events among so many patients lie.

    Attributes
    ----------
    n, n_events : int
    is_crossed : bool
        Whether this is a look, and crosses it. What happened at earlier looks is not known here.
    next_look : int or None
        The first look at or after `n` that can be crossed; None if there is none left.
    events_to_stop : int or None
        Fewest events that cross it at that look.
    events_left : int or None
        How many more events that is; 0 if those seen will do. Whether so many patients are still to come is not asked.
    """

    n: int
    n_events: int
    is_crossed: bool
    next_look: int | None
    events_to_stop: int | None
    events_left: int | None


def exact_boundary(looks: int | Sequence[int], *, reference_rate: float, conf_level: float) -> Boundary:
    """Cross where the exact one-sided lower limit of the rate exceeds the reference.

    The limit of Clopper and Pearson [1]_ at each look by itself, nothing spent on the looks before: read
    `operating_characteristics` at the reference rate for the probability of a false alarm, which exceeds 1 - `conf_level`.

    Parameters
    ----------
    looks : int or sequence of int
        Numbers of patients judged at each look; a single number N stands for a look after each of N patients.
    reference_rate : float
        The rate to be exceeded, between 0 and 1.
    conf_level : float
        Confidence of the one-sided limit, between 0 and 1.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If an event in everybody would not cross at any look.

    References
    ----------
    .. [1] Clopper CJ, Pearson ES. Biometrika 1934;26:404-413.

    Examples
    --------
    >>> exact_boundary([10, 20, 30, 43], reference_rate=0.1, conf_level=0.95).events_to_stop
    (4, 5, 7, 9)
    """
    looks = _as_looks(looks)
    check_inside("reference_rate", reference_rate, 0, 1)
    check_inside("conf_level", conf_level, 0, 1)
    tails, alpha = upper_tails(looks, reference_rate), 1 - conf_level
    # The lower limit exceeds the reference just where so many events are rarer than alpha under the reference.
    return _boundary(
        looks,
        lambda events, n: tails[n][events] < alpha * (1 - EQUAL_WITHIN),
        {
            "boundary": "exact one-sided lower limit",
            "reference_rate": reference_rate,
            "conf_level": conf_level,
        },
    )


def pocock_boundary(looks: int | Sequence[int], *, reference_rate: float, alpha: float) -> Boundary:
    """Cross where the events are too many by one exact test level for all looks, chosen for all looks together.

    At the reference rate the boundary is crossed at any look with a probability of at most `alpha`. The level is the
    largest that holds this: with it, events cross when so many or more have at most that probability under the
    reference [1]_. The probability reached is usually below `alpha`, since events are whole.

    Parameters
    ----------
    looks : int or sequence of int
        As for `exact_boundary`.
    reference_rate : float
        The rate that is still acceptable, between 0 and 1.
    alpha : float
        Largest probability of a false alarm over all looks, between 0 and 1.

    Returns
    -------
    boundary : Boundary
        Its conventions hold `level`, that of each look, and `false_alarm`, the probability reached.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If every boundary has a larger probability of a false alarm.

    References
    ----------
    .. [1] Ivanova A, Qaqish BF, Schell MJ. Biometrics 2005;61:540-545.

    Examples
    --------
    >>> pocock_boundary([10, 20, 30, 43], reference_rate=0.1, alpha=0.05).events_to_stop
    (4, 6, 7, 9)
    """
    tails = upper_tails(looks, reference_rate)
    check_inside("alpha", alpha, 0, 1)

    def false_alarm(level: float) -> float:
        return operating_characteristics(boundary_at_level(tails, level), reference_rate).probability_to_cross

    levels = sorted({tail for n in tails for tail in tails[n][1:] if tail <= alpha * (1 + EQUAL_WITHIN)})
    n_allowed = bisect.bisect_right(
        levels, alpha * (1 + EQUAL_WITHIN), key=false_alarm
    )  # it rises with the level
    if n_allowed == 0:
        raise NotEstimable(
            f"any boundary at these looks has a false alarm probability above {alpha:g} at a rate of {reference_rate:g}"
        )
    level = levels[n_allowed - 1]
    return replace(
        boundary_at_level(tails, level),
        conventions={
            "boundary": "Pocock-type, exact",
            "reference_rate": reference_rate,
            "alpha": alpha,
            "level": level,
            "false_alarm": false_alarm(level),
        },
    )


def upper_tails(looks: int | Sequence[int], reference_rate: float) -> dict[int, list[float]]:
    """Probability of so many events or more, from 0 on, at each look; arguments and errors as for `exact_boundary`."""
    looks = _as_looks(looks)
    check_inside("reference_rate", reference_rate, 0, 1)
    wanted, tails = set(looks), {}
    exactly = np.ones(1)
    for n in range(1, looks[-1] + 1):
        exactly = one_more_patient(exactly, reference_rate)
        if n in wanted:
            tails[n] = so_many_or_more(exactly).tolist()
    return tails


def boundary_at_level(tails: Mapping[int, Sequence[float]], level: float) -> Boundary:
    """Cross where so many events or more have at most one probability, the same at each look of `upper_tails`.

    Raises
    ------
    NotEstimable
        If an event in everybody would not cross at any look.
    """
    return _boundary(tuple(tails), lambda events, n: tails[n][events] <= level * (1 + EQUAL_WITHIN), {})


def bayesian_boundary(
    looks: int | Sequence[int], *, reference_rate: float, threshold: float, prior: tuple[float, float]
) -> Boundary:
    """Cross where the rate very probably exceeds the reference, given the events and a beta prior.

    With a Beta(a, b) prior and x events among n patients the rate is Beta(a + x, b + n - x) distributed; an alarm is
    Pr(rate > reference) of at least `threshold` [1]_.

    Parameters
    ----------
    looks : int or sequence of int
        As for `exact_boundary`.
    reference_rate : float
        Between 0 and 1.
    threshold : float
        Least probability for an alarm, between 0 and 1.
    prior : tuple of two float
        a and b of the prior, above 0: it weighs as much as a + b patients with a events.

    Returns
    -------
    boundary : Boundary
        Its conventions hold the prior, its mean, and its own probability of exceeding the reference.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above, or the prior alone is an alarm.
    NotEstimable
        If an event in everybody would not cross at any look.

    References
    ----------
    .. [1] Thall PF, Simon R. Biometrics 1994;50:337-349.

    Examples
    --------
    >>> looks = [10, 20, 30, 43]
    >>> bayesian_boundary(looks, reference_rate=0.1, threshold=0.95, prior=(0.2, 1.8)).events_to_stop
    (4, 5, 7, 9)
    """
    looks = _as_looks(looks)
    check_inside("reference_rate", reference_rate, 0, 1)
    check_inside("threshold", threshold, 0, 1)
    a, b = prior
    check_inside("prior[0]", a, 0, math.inf)
    check_inside("prior[1]", b, 0, math.inf)

    def probability_above(events: int, n: int) -> float:
        return beta_cdf(1 - reference_rate, b + n - events, a + events)

    before_data = probability_above(0, 0)
    if before_data >= threshold:
        raise ValueError(
            f"`prior` must not be an alarm by itself: it gives {before_data:.3g} to rates above {reference_rate:g}"
        )
    return _boundary(
        looks,
        lambda events, n: probability_above(events, n) >= threshold * (1 - EQUAL_WITHIN),
        {
            "boundary": "Bayesian, beta-binomial",
            "reference_rate": reference_rate,
            "threshold": threshold,
            "prior": f"Beta({a:g}, {b:g})",
            "prior_mean": a / (a + b),
            "prior_probability_above_reference": before_data,
        },
    )


def operating_characteristics(boundary: Boundary, rate: float) -> OperatingCharacteristics:
    """Find how often and when a boundary is crossed at a true rate, by exact recursion over the patients.

    Each patient is judged before the next one counts, event or not. Where events count at once and patients without them
    only after weeks, false alarms are more frequent: `late_events.simulate_stopping`.

    Parameters
    ----------
    boundary : Boundary
    rate : float
        The true rate, 0 and 1 included; events of different patients are independent.

    Raises
    ------
    ValueError
        If the rate lies outside.
    """
    found = crossings(boundary, rate)
    crossed = min(math.fsum(one.probability for one in found), 1.0)
    n_crossed = math.fsum(one.n * one.probability for one in found)
    return OperatingCharacteristics(
        rate=rate,
        probability_to_cross=crossed,
        expected_n=n_crossed + boundary.n[-1] * (1 - crossed),
        expected_n_if_crossed=n_crossed / crossed if crossed else None,
    )


def crossings(boundary: Boundary, rate: float) -> tuple[Crossing, ...]:
    """Find the probability of each way to cross a boundary for the first time at a true rate.

    Parameters and errors as for `operating_characteristics`.

    Returns
    -------
    crossings : tuple of Crossing
        By number of patients, then of events. Between two looks several events may come, so that a look can be crossed with
        more events than it takes.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"`rate` must lie between 0 and 1, not {rate!r}")
    fewest = dict(zip(boundary.n, boundary.events_to_stop, strict=True))
    going_on = np.ones(1)  # probability of each number of events, without a crossing so far
    found: list[Crossing] = []
    for n in range(1, boundary.n[-1] + 1):
        going_on = one_more_patient(going_on, rate)
        stop = fewest.get(n)
        if stop is not None:
            found += [Crossing(n, stop + more, float(p)) for more, p in enumerate(going_on[stop:]) if p]
            going_on[stop:] = 0.0
    return tuple(found)


def position(boundary: Boundary, n_events: int, n: int) -> Position:
    """Tell how many more events the boundary is away.

    Parameters
    ----------
    boundary : Boundary
    n_events, n : int
        Patients with the event, and all judged; at most as many as at the last look.

    Raises
    ------
    ValueError
        If the numbers are not whole, there are more events than patients, or more patients than at the last look.

    Examples
    --------
    >>> boundary = exact_boundary([10, 20, 30, 43], reference_rate=0.1, conf_level=0.95)
    >>> found = position(boundary, 3, 12)
    >>> found.next_look, found.events_to_stop, found.events_left
    (20, 5, 2)
    """
    check_whole("n", n)
    check_whole("n_events", n_events)
    if not 0 <= n <= boundary.n[-1]:
        raise ValueError(f"`n` must lie between 0 and {boundary.n[-1]}, the last look, not {n}")
    if not 0 <= n_events <= n:
        raise ValueError(f"`n_events` must lie between 0 and {n} patients, not {n_events}")
    for look, events in zip(boundary.n, boundary.events_to_stop, strict=True):
        if look >= n and events is not None:
            left = max(events - n_events, 0)
            return Position(n, n_events, look == n and left == 0, look, events, left)
    return Position(n, n_events, False, None, None, None)


def one_more_patient(exactly: Floats, rate: float) -> Floats:
    """Probabilities of 0, 1, ... events, with one patient more."""
    grown = np.append(exactly * (1 - rate), 0.0)
    grown[1:] += exactly * rate
    return grown


def so_many_or_more(exactly: Floats) -> Floats:
    """Probabilities of 0, 1, ... events or more."""
    return np.cumsum(exactly[::-1])[::-1]


def _boundary(
    looks: tuple[int, ...], crosses: Callable[[int, int], bool], conventions: Conventions
) -> Boundary:
    """Look for the fewest events that cross; they do not fall from look to look."""
    fewest: list[int | None] = []
    events = 1
    for n in looks:
        while events <= n and not crosses(events, n):
            events += 1
        fewest.append(events if events <= n else None)
    if fewest[-1] is None:
        raise NotEstimable(f"an event in all {looks[-1]} patients would not cross the boundary")
    return Boundary(looks, tuple(fewest), dict(conventions))


def _as_looks(looks: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(looks, int | np.integer):
        check_whole("looks", looks)
        if looks < 1:
            raise ValueError(f"`looks` must be at least 1 patient, not {looks}")
        return tuple(range(1, int(looks) + 1))
    return _check_looks("looks", looks)


def _check_looks(name: str, looks: Sequence[int]) -> tuple[int, ...]:
    if not len(looks):
        raise ValueError(f"`{name}` must hold at least one number of patients")
    for i, look in enumerate(looks):
        check_whole(f"{name}[{i}]", look)
        before = looks[i - 1] if i else 0
        if look <= before:
            raise ValueError(f"`{name}[{i}]` must be more than {before}, not {look}")
    return tuple(int(look) for look in looks)
