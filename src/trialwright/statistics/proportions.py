"""Proportions of subjects with an event, how two of them differ, and events per time under observation.

Limits of one proportion and of one rate are exact. A comparison of two groups needs approximations, each named in the
conventions of its result. Every count is of subjects or events that were judged: who could not be judged is for the caller
to count, and to print beside the result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

from trialwright.statistics.arrays import check_inside, check_option, check_whole
from trialwright.statistics.distributions import binomial_upper_limit, poisson_upper_limit
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.significance import normal_limits

Conventions = dict[str, Any]
Limits = Literal["both", "lower", "upper"]

DAYS_PER_MONTH = 365.25 / 12
"""Length of a patient-month, in days: the mean month of the Julian year."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """The share of subjects with an event."""

    n_events: int
    n_subjects: int
    estimate: float
    conf_low: float
    conf_high: float
    conventions: Conventions


@dataclass(frozen=True, slots=True)
class ProportionComparison:
    """How the proportion of group a compares with that of group b: a difference a - b, or a ratio a / b."""

    proportion_a: float
    proportion_b: float
    estimate: float
    conf_low: float
    conf_high: float
    conventions: Conventions


@dataclass(frozen=True, slots=True)
class EventRate:
    """Events per 100 patient-months."""

    n_events: int
    person_days: float
    estimate: float
    conf_low: float
    conf_high: float
    conventions: Conventions


def estimate_proportion(
    n_events: int, n_subjects: int, *, conf_level: float = 0.95, limits: Limits = "both"
) -> Proportion:
    """Estimate a proportion with exact limits.

    Parameters
    ----------
    n_events, n_subjects : int
        Subjects with the event, and all who were judged.
    conf_level : float
        Between 0 and 1, of the whole interval: 0.95 leaves 0.025 at each side of two limits, 0.05 beyond a single one.
    limits : {"both", "lower", "upper"}
        A single limit is one-sided; the other end of the interval is then 0 or 1.

    Returns
    -------
    proportion : Proportion
        Limits of Clopper and Pearson [1]_: at least the stated coverage whatever the true rate.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If there is no subject.

    References
    ----------
    .. [1] Clopper CJ, Pearson ES. Biometrika 1934;26:404-413.

    Examples
    --------
    >>> found = estimate_proportion(0, 43)
    >>> round(found.conf_low, 4), round(found.conf_high, 4)
    (0.0, 0.0822)
    """
    _check_counts(n_events, n_subjects)
    tail = _tail(conf_level, limits)
    if n_subjects == 0:
        raise NotEstimable("nobody was observed")
    return Proportion(
        n_events=n_events,
        n_subjects=n_subjects,
        estimate=n_events / n_subjects,
        conf_low=0.0
        if limits == "upper"
        else 1 - binomial_upper_limit(n_subjects - n_events, n_subjects, tail),
        conf_high=1.0 if limits == "lower" else binomial_upper_limit(n_events, n_subjects, tail),
        conventions={"interval": "Clopper-Pearson", "conf_level": conf_level, "limits": limits},
    )


def proportion_difference(
    n_events_a: int, n_subjects_a: int, n_events_b: int, n_subjects_b: int, *, conf_level: float = 0.95
) -> ProportionComparison:
    """Estimate the difference of two independent proportions, a minus b.

    The hybrid score interval, method 10 of [1]_: with Wilson's score limits l and u of each proportion p, the difference d
    reaches down by sqrt((p_a - l_a)^2 + (u_b - p_b)^2) and up by sqrt((u_a - p_a)^2 + (p_b - l_b)^2). Without continuity
    correction.

    Parameters
    ----------
    n_events_a, n_subjects_a, n_events_b, n_subjects_b : int
        Subjects with the event, and all who were judged, in each group.
    conf_level : float
        Between 0 and 1; two-sided.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If a group has nobody.

    References
    ----------
    .. [1] Newcombe RG. Stat Med 1998;17:873-890.

    Examples
    --------
    >>> found = proportion_difference(56, 70, 48, 80)
    >>> round(found.conf_low, 4), round(found.conf_high, 4)
    (0.0524, 0.3339)
    """
    a, b = _two_proportions(n_events_a, n_subjects_a, n_events_b, n_subjects_b, conf_level)
    low_a, high_a = _wilson_limits(a, n_subjects_a, conf_level)
    low_b, high_b = _wilson_limits(b, n_subjects_b, conf_level)
    return ProportionComparison(
        proportion_a=a,
        proportion_b=b,
        estimate=a - b,
        conf_low=a - b - math.hypot(a - low_a, high_b - b),
        conf_high=a - b + math.hypot(high_a - a, b - low_b),
        conventions={"interval": "Newcombe hybrid score (method 10)", "conf_level": conf_level},
    )


def proportion_ratio(
    n_events_a: int, n_subjects_a: int, n_events_b: int, n_subjects_b: int, *, conf_level: float = 0.95
) -> ProportionComparison:
    """Estimate the ratio of two independent proportions (risk ratio), a to b.

    Normal limits of its logarithm, whose variance is 1/x_a - 1/n_a + 1/x_b - 1/n_b [1]_. Arguments and errors as for
    `proportion_difference`, and

    Raises
    ------
    NotEstimable
        Also if a group has no event, or everybody in both groups has one: then the ratio or its error has no estimate.

    References
    ----------
    .. [1] Katz D, Baptista J, Azen SP, Pike MC. Biometrics 1978;34:469-474.

    Examples
    --------
    >>> found = proportion_ratio(10, 20, 5, 20)
    >>> round(found.estimate, 2), round(found.conf_low, 2), round(found.conf_high, 2)
    (2.0, 0.83, 4.81)
    """
    a, b = _two_proportions(n_events_a, n_subjects_a, n_events_b, n_subjects_b, conf_level)
    if a == 0 or b == 0:
        raise NotEstimable("no event was observed in " + ("both groups" if a == b else "one of the groups"))
    if a == b == 1:
        raise NotEstimable("everybody in both groups had the event")
    variance = (1 - a) / n_events_a + (1 - b) / n_events_b  # the same as above, without cancellation
    low, high = normal_limits(math.log(a / b), math.sqrt(variance), conf_level)
    return ProportionComparison(
        proportion_a=a,
        proportion_b=b,
        estimate=a / b,
        conf_low=math.exp(low),
        conf_high=math.exp(high),
        conventions={"interval": "normal on the log risk ratio", "conf_level": conf_level},
    )


def estimate_event_rate(
    n_events: int, person_days: float, *, conf_level: float = 0.95, limits: Limits = "both"
) -> EventRate:
    """Estimate events per 100 patient-months with exact limits.

    A patient-month is 365.25 / 12 = 30.4375 days. The events must be a Poisson count: events of a first kind per subject,
    or recurrent events that come independently of each other; the rate is the same over all the time.

    Parameters
    ----------
    n_events : int
    person_days : float
        Days under observation, summed over subjects, 0 or more.
    conf_level, limits
        As for `estimate_proportion`; an interval without upper limit ends at infinity.

    Returns
    -------
    rate : EventRate
        Limits of Garwood [1]_.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above, or there are events in no time at all.
    NotEstimable
        If there is neither time under observation nor event.

    References
    ----------
    .. [1] Garwood F. Biometrika 1936;28:437-442.

    Examples
    --------
    >>> rate = estimate_event_rate(4, 12 * 365.25)
    >>> round(rate.estimate, 2), round(rate.conf_low, 2), round(rate.conf_high, 2)
    (2.78, 0.76, 7.11)
    """
    check_whole("n_events", n_events, least=0)
    tail = _tail(conf_level, limits)
    if not (math.isfinite(person_days) and person_days >= 0):
        raise ValueError(f"`person_days` must be finite and 0 or more, not {person_days!r}")
    if person_days == 0:
        if n_events:
            raise ValueError(f"`person_days` must be above 0 where there are events, here {n_events}")
        raise NotEstimable("nobody was under observation")
    units = person_days / DAYS_PER_MONTH / 100
    low = 0.0 if limits == "upper" or n_events == 0 else poisson_upper_limit(n_events - 1, 1 - tail)
    high = math.inf if limits == "lower" else poisson_upper_limit(n_events, tail)
    return EventRate(
        n_events=n_events,
        person_days=float(person_days),
        estimate=n_events / units,
        conf_low=low / units,
        conf_high=high / units,
        conventions={
            "interval": "Garwood (exact Poisson)",
            "conf_level": conf_level,
            "limits": limits,
            "unit": "events per 100 patient-months",
            "days_per_month": DAYS_PER_MONTH,
        },
    )


def _two_proportions(
    n_events_a: int, n_subjects_a: int, n_events_b: int, n_subjects_b: int, conf_level: float
) -> tuple[float, float]:
    _check_counts(n_events_a, n_subjects_a, "_a")
    _check_counts(n_events_b, n_subjects_b, "_b")
    check_inside("conf_level", conf_level, 0, 1)
    if n_subjects_a == 0 or n_subjects_b == 0:
        raise NotEstimable(
            "nobody was observed in "
            + ("both groups" if n_subjects_a == n_subjects_b else "one of the groups")
        )
    return n_events_a / n_subjects_a, n_events_b / n_subjects_b


def _wilson_limits(proportion: float, n: int, conf_level: float) -> tuple[float, float]:
    """Score limits of one proportion (Wilson 1927)."""
    z = NormalDist().inv_cdf((1 + conf_level) / 2)
    middle = proportion + z * z / (2 * n)
    half_width = z * math.sqrt(proportion * (1 - proportion) / n + (z / (2 * n)) ** 2)
    low, high = (middle - half_width) / (1 + z * z / n), (middle + half_width) / (1 + z * z / n)
    return (0.0 if proportion == 0 else low), (1.0 if proportion == 1 else high)


def _tail(conf_level: float, limits: Limits) -> float:
    """Probability left beyond each limit."""
    check_inside("conf_level", conf_level, 0, 1)
    check_option("limits", limits, ("both", "lower", "upper"))
    return (1 - conf_level) / (2 if limits == "both" else 1)


def _check_counts(n_events: int, n_subjects: int, group: str = "") -> None:
    check_whole(f"n_subjects{group}", n_subjects, least=0)
    check_whole(f"n_events{group}", n_events, least=0)
    if n_events > n_subjects:
        raise ValueError(
            f"`n_events{group}` must be at most {n_subjects}, the number of subjects, not {n_events}"
        )
