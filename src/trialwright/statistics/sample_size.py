"""How many events and subjects a comparison needs, what a given number of them can show, and what they cannot.

Numbers of events and subjects are whole and rounded up; `exact` keeps what the formula gave. Probabilities lie strictly
between 0 and 1. No function guesses an assumption: what is not said has no default, except equal groups and no loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from trialwright.statistics.distributions import binomial_upper_limit, smallest

Sides = Literal[1, 2]
EventFormula = Literal["schoenfeld", "freedman"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsNeeded:
    """Events that a log-rank test needs, in both groups together."""

    n_events: int
    exact: float
    formula: EventFormula
    hazard_ratio: float
    alpha: float
    sides: Sides
    power: float
    share_treated: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectsNeeded:
    """Subjects to be enrolled: each group rounded up for itself."""

    n_subjects: int
    n_treated: int
    n_control: int
    exact: float


# --- events of a log-rank test ------------------------------------------------------------------------------------------


def schoenfeld_events(
    hazard_ratio: float, *, alpha: float, sides: Sides, power: float, share_treated: float = 0.5
) -> EventsNeeded:
    """Events a log-rank test or a Cox model with one group term needs, by Schoenfeld.

    d = (z_alpha + z_power)^2 / (q (1 - q) (ln HR)^2), q the share treated [1]_.

    Parameters
    ----------
    hazard_ratio : float
        Hazard of the treated divided by that of the controls; above 0 and not 1.
    alpha : float
        Type I error of the whole test: 0.05 two-sided is 0.025 at each side.
    sides : {1, 2}
    power : float
        Above `alpha` (one-sided) or half of it.
    share_treated : float
        Share of the subjects who are treated.

    Raises
    ------
    ValueError
        If an argument lies outside its range.

    References
    ----------
    .. [1] Schoenfeld: Sample-size formula for the proportional-hazards regression model. Biometrics 1983;39:499-503, eq. 2.

    Examples
    --------
    >>> needed = schoenfeld_events(0.6, alpha=0.05, sides=2, power=0.8)
    >>> needed.n_events, round(needed.exact, 1)
    (121, 120.3)
    """
    _check_ratio(hazard_ratio)
    share = _probability("share_treated", share_treated)
    z = summed_quantiles(alpha, sides, power)
    exact = z**2 / (share * (1 - share) * math.log(hazard_ratio) ** 2)
    return _events("schoenfeld", exact, hazard_ratio, alpha, sides, power, share)


def freedman_events(
    hazard_ratio: float, *, alpha: float, sides: Sides, power: float, share_treated: float = 0.5
) -> EventsNeeded:
    """Events a log-rank test needs, by Freedman.

    d = (z_alpha + z_power)^2 (1 + r HR)^2 / (r (1 - HR)^2), r the number treated for each control [1]_. Arguments and
    errors as for `schoenfeld_events`.

    References
    ----------
    .. [1] Freedman: Tables of the number of patients required in clinical trials using the logrank test. Stat Med
       1982;1:121-129.

    Examples
    --------
    >>> needed = freedman_events(0.6, alpha=0.05, sides=2, power=0.8)
    >>> needed.n_events, round(needed.exact, 1)
    (126, 125.6)
    """
    _check_ratio(hazard_ratio)
    share = _probability("share_treated", share_treated)
    z = summed_quantiles(alpha, sides, power)
    r = share / (1 - share)
    exact = z**2 * ((1 + r * hazard_ratio) / (1 - hazard_ratio)) ** 2 / r
    return _events("freedman", exact, hazard_ratio, alpha, sides, power, share)


def schoenfeld_power(
    n_events: float, hazard_ratio: float, *, alpha: float, sides: Sides, share_treated: float = 0.5
) -> float:
    """Power of a log-rank test with so many events: `schoenfeld_events` solved for the power.

    The chance of a significant result in the wrong direction is left out, as in the formula.

    Raises
    ------
    ValueError
        If an argument lies outside its range.
    """
    _check_ratio(hazard_ratio)
    _above("n_events", n_events, 0)
    share = _probability("share_treated", share_treated)
    drift = math.sqrt(n_events * share * (1 - share)) * abs(math.log(hazard_ratio))
    return normal_cdf(drift - critical_z(alpha, sides))


def _events(
    formula: EventFormula,
    exact: float,
    hazard_ratio: float,
    alpha: float,
    sides: Sides,
    power: float,
    share: float,
) -> EventsNeeded:
    return EventsNeeded(
        n_events=_up(exact),
        exact=exact,
        formula=formula,
        hazard_ratio=hazard_ratio,
        alpha=alpha,
        sides=sides,
        power=power,
        share_treated=share,
    )


# --- from events to subjects --------------------------------------------------------------------------------------------


def risk_under_hazard_ratio(risk: float, hazard_ratio: float) -> float:
    """Risk of the treated by the time at which controls have `risk`, if hazards are proportional: 1 - (1 - risk)^HR.

    Examples
    --------
    >>> round(risk_under_hazard_ratio(0.45, 0.6), 3)
    0.301
    """
    _above("hazard_ratio", hazard_ratio, 0)
    return -math.expm1(hazard_ratio * math.log1p(-_probability("risk", risk)))


def overall_risk(control_risk: float, hazard_ratio: float, *, share_treated: float = 0.5) -> float:
    """Share of all subjects who have the event when controls have `control_risk` and hazards are proportional."""
    share = _probability("share_treated", share_treated)
    return share * risk_under_hazard_ratio(control_risk, hazard_ratio) + (1 - share) * control_risk


def subjects_for_events(needed: EventsNeeded, *, control_risk: float, loss: float = 0.0) -> SubjectsNeeded:
    """Subjects that give so many events.

    n = d / (p (1 - loss)), d the events as the formula gave them and p the risk over all subjects by the end of
    follow-up. Loss is simple: a share `loss` of the subjects, the same in both groups, gives no information.

    Parameters
    ----------
    needed : EventsNeeded
    control_risk : float
        Probability that a control has the event within follow-up.
    loss : float
        At least 0, below 1.

    Raises
    ------
    ValueError
        If an argument lies outside its range.

    Examples
    --------
    >>> needed = freedman_events(0.6, alpha=0.05, sides=2, power=0.8)
    >>> subjects_for_events(needed, control_risk=0.5, loss=0.1).n_subjects
    334
    """
    if not 0 <= loss < 1:
        raise ValueError(f"`loss` must be at least 0 and below 1, not {loss!r}")
    share = needed.share_treated
    risk = overall_risk(control_risk, needed.hazard_ratio, share_treated=share)
    return subjects_by_group(needed.exact / (risk * (1 - loss)), share)


def control_risk_needed(needed: EventsNeeded, *, n_subjects: int, loss: float = 0.0) -> float | None:
    """The least risk among controls by which `n_subjects` give the events; None if no risk is enough.

    `subjects_for_events` solved for `control_risk`, without rounding.

    Raises
    ------
    ValueError
        If an argument lies outside its range.
    """
    _above("n_subjects", n_subjects, 0)
    if not 0 <= loss < 1:
        raise ValueError(f"`loss` must be at least 0 and below 1, not {loss!r}")
    wanted = needed.exact / (n_subjects * (1 - loss))
    if wanted >= 1:
        return None

    def is_enough(risk: float) -> bool:
        return overall_risk(risk, needed.hazard_ratio, share_treated=needed.share_treated) >= wanted

    return smallest(is_enough, 0.0, 1.0)


# --- two proportions ----------------------------------------------------------------------------------------------------


def two_proportion_subjects(
    control_risk: float,
    treated_risk: float,
    *,
    alpha: float,
    sides: Sides,
    power: float,
    share_treated: float = 0.5,
    continuity_correction: bool = False,
    loss: float = 0.0,
) -> SubjectsNeeded:
    """Subjects that a comparison of two proportions needs (normal test with the pooled error under the null hypothesis).

    With m controls and r m treated, m = (z_alpha sqrt((r + 1) p (1 - p)) + z_power sqrt(r p0 (1 - p0) + p1 (1 - p1)))^2 /
    (r (p0 - p1)^2), p the mean risk over all subjects [1]_. The continuity correction replaces m by
    m / 4 (1 + sqrt(1 + 2 (r + 1) / (m r |p0 - p1|)))^2 [2]_.

    Parameters
    ----------
    control_risk, treated_risk : float
        Not equal.
    alpha, sides, power, share_treated, loss
        As for `schoenfeld_events` and `subjects_for_events`.
    continuity_correction : bool

    Raises
    ------
    ValueError
        If an argument lies outside its range.

    References
    ----------
    .. [1] Fleiss, Levin, Paik: Statistical methods for rates and proportions, 3rd ed. 2003, eq. 4.14 and 4.19.
    .. [2] Casagrande, Pike, Smith: An improved approximate formula for calculating sample sizes for comparing two binomial
       distributions. Biometrics 1978;34:483-486; for unequal groups Fleiss, Tytun, Ury: Biometrics 1980;36:343-346.

    Examples
    --------
    >>> two_proportion_subjects(0.45, 0.3014, alpha=0.05, sides=2, power=0.8).n_subjects
    332
    """
    p0, p1 = _probability("control_risk", control_risk), _probability("treated_risk", treated_risk)
    if p0 == p1:
        raise ValueError(f"`treated_risk` must differ from `control_risk`, both are {p0!r}")
    if not 0 <= loss < 1:
        raise ValueError(f"`loss` must be at least 0 and below 1, not {loss!r}")
    share = _probability("share_treated", share_treated)
    summed_quantiles(alpha, sides, power)
    r = share / (1 - share)
    mean = (p0 + r * p1) / (1 + r)
    spread = critical_z(alpha, sides) * math.sqrt((r + 1) * mean * (1 - mean))
    spread += _quantile(power) * math.sqrt(r * p0 * (1 - p0) + p1 * (1 - p1))
    controls = spread**2 / (r * (p0 - p1) ** 2)
    if continuity_correction:
        controls *= (1 + math.sqrt(1 + 2 * (r + 1) / (controls * r * abs(p0 - p1)))) ** 2 / 4
    return subjects_by_group(controls * (1 + r) / (1 - loss), share)


# --- what a single group can exclude ------------------------------------------------------------------------------------


def excluded_rate(n_events: int, n_subjects: int, *, confidence: float, sides: Sides) -> float:
    """The upper exact limit of a rate: larger rates are excluded by so many events among so many subjects.

    The Clopper-Pearson limit [1]_, the largest rate under which so few events are not rarer than 1 - confidence
    (one-sided) or half of it. With all subjects having the event nothing is excluded and the limit is 1.

    Raises
    ------
    ValueError
        If `n_events` does not lie between 0 and `n_subjects`, or `confidence` not between 0 and 1.

    References
    ----------
    .. [1] Clopper, Pearson: The use of confidence or fiducial limits illustrated in the case of the binomial. Biometrika
       1934;26:404-413.

    Examples
    --------
    >>> round(excluded_rate(0, 43, confidence=0.95, sides=2), 3)
    0.082
    """
    if not 0 <= n_events <= n_subjects or n_subjects < 1:
        raise ValueError(f"`n_events` must lie between 0 and {n_subjects} subjects, not {n_events!r}")
    tail = (1 - _probability("confidence", confidence)) / as_sides(sides)
    return binomial_upper_limit(n_events, n_subjects, tail)


# --- shared -------------------------------------------------------------------------------------------------------------


def subjects_by_group(exact: float, share_treated: float) -> SubjectsNeeded:
    """Whole subjects for an exact number of them: each group rounded up for itself."""
    n_treated, n_control = _up(exact * share_treated), _up(exact * (1 - share_treated))
    return SubjectsNeeded(
        n_subjects=n_treated + n_control, n_treated=n_treated, n_control=n_control, exact=exact
    )


def _up(number: float) -> int:
    """Rounded up; a number that is whole but for rounding errors stays."""
    return math.ceil(number * (1 - 1e-12))


def summed_quantiles(alpha: float, sides: Sides, power: float) -> float:
    """What a normal statistic of variance 1 must expect for this power: z_alpha + z_power.

    Raises
    ------
    ValueError
        If `alpha` or `power` is no probability, `sides` not 1 or 2, or the power not above the type I error of one side.
    """
    z_alpha, z_power = critical_z(alpha, sides), _quantile(_probability("power", power))
    if z_alpha + z_power <= 0:
        raise ValueError(
            f"`power` must exceed the type I error of one side, {alpha / sides:g}, and is {power!r}"
        )
    return z_alpha + z_power


def critical_z(alpha: float, sides: Sides) -> float:
    """What a normal statistic of variance 1 must exceed, on one side, to be significant."""
    return -_quantile(_probability("alpha", alpha) / as_sides(sides))


def as_sides(sides: int) -> int:
    """Return the sides of a test; anything but 1 or 2 raises ValueError."""
    if sides not in (1, 2):
        raise ValueError(f"`sides` must be 1 or 2, not {sides!r}")
    return sides


def _check_ratio(hazard_ratio: float) -> None:
    _above("hazard_ratio", hazard_ratio, 0)
    if hazard_ratio == 1:
        raise ValueError(
            "`hazard_ratio` must differ from 1: no number of events shows a difference of nothing"
        )


def _above(name: str, value: float, bound: float) -> None:
    if not (math.isfinite(value) and value > bound):
        raise ValueError(f"`{name}` must be a finite number above {bound}, not {value!r}")


def _probability(name: str, value: float) -> float:
    if not 0 < value < 1:
        raise ValueError(f"`{name}` must lie between 0 and 1, not {value!r}")
    return value


def _quantile(probability: float) -> float:
    from statistics import NormalDist  # 10 ms that most commands need not wait for

    return NormalDist().inv_cdf(probability)


def normal_cdf(z: float) -> float:
    """Probability that a standard normal variable is at most `z`."""
    return 0.5 * math.erfc(-z / math.sqrt(2))
