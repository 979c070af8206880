"""Power of a log-rank test, weighted or not, under the assumptions of a `SurvivalDesign`; the subjects, time or effect that it needs.

By time t since entry let y be the share of all subjects who are at risk, p the share treated among them, h1 and h0 the hazards of
treated and controls, w the weight. The statistic (observed less expected events among treated) has per subject

    mean      integral of  w   y p (1 - p) (h1 - h0) dt
    variance  integral of  w^2 y p (1 - p) (p h1 + (1 - p) h0) dt

so the z value of n subjects is normal with mean sqrt(n) mean / sqrt(variance) and variance 1. It is Lakatos' formula [1]_ with his
Markov intervals made infinitely short; with 12 intervals a year his sizes come out up to some 4 in 100 larger, or 1 smaller.
Schoenfeld derived the same integrals [2]_, and took them near the null hypothesis, whence the formula in `sample_size`. The
chance of a significant result in the wrong direction is left out, as there. The approximation is good for hazard ratios from about
0.5 to 2 in groups of similar size; beyond that, and with few events, simulate.

The variance of 1 is that of the null hypothesis too: it takes an event to be one of the treated with probability p. It is one with
probability e = p h1 / (p h1 + (1 - p) h0), and adds 1 - p to the statistic, or -p; so it adds e - p on average (as above) with the
variance e (1 - e). After a given number of events the variance of z is therefore nearer to

    integral of  w^2 y e (1 - e) (p h1 + (1 - p) h0) dt  /  variance

In even groups that is close to 1 (0.94 early on for a hazard ratio of 0.6); where few get a treatment that works it is well below
(0.71 for two in ten), and above where many do (1.30 for eight in ten); that Schoenfeld's formula misleads there is known [3]_.
`LogrankPower.std_dev_z` is its root; `power` keeps to 1, as planners do.

References
----------
.. [1] Lakatos E. Sample sizes based on the log-rank statistic in complex clinical trials. Biometrics 1988;44:229-241.
.. [2] Schoenfeld D. The asymptotic properties of nonparametric tests for comparing survival distributions. Biometrika
   1981;68:316-319.
.. [3] Yung G, Rufibach K, Wolbers M, Lin R, Liu Y. Balancing events, not patients, maximizes power of the logrank test.
   arXiv:2407.03420, 2024.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialwright.statistics.arrays import Floats, check_inside, check_option
from trialwright.statistics.distributions import smallest
from trialwright.statistics.sample_size import (
    EventFormula,
    Sides,
    SubjectsNeeded,
    critical_z,
    freedman_events,
    normal_cdf,
    schoenfeld_events,
    subjects_by_group,
    summed_quantiles,
)
from trialwright.statistics.survival_design import (
    RiskSets,
    SurvivalDesign,
    event_probability,
    last_informative_time,
    risk_sets,
)

# An expected z value of one subject that is below it is a difference that cancels, but for rounding.
_CANCELS = 1e-9
# A small effect, to tell those who ask for none what it takes.
_NEAR_1 = 0.9
# The strongest effect looked at.
_LEAST_RATIO = 1e-6
# Times at which power is looked at before the time of a power is narrowed down; closer to each other early on.
_TIMES = 200


@dataclass(frozen=True, slots=True)
class FlemingHarrington:
    """Weights S^rho (1 - S)^gamma, S the survival of both groups together.

    `rho` weighs early differences, `gamma` late ones; both 0 is the plain log-rank test. At least 0.

    References
    ----------
    .. [1] Fleming TR, Harrington DP. Counting processes and survival analysis. Wiley 1991, chapter 7.
    """

    rho: float
    gamma: float

    def __post_init__(self) -> None:
        for name, power in (("rho", self.rho), ("gamma", self.gamma)):
            if not (math.isfinite(power) and power >= 0):
                raise ValueError(f"`{name}` must be finite and at least 0, not {power!r}")


Weights = Literal["log-rank", "gehan", "tarone-ware"] | FlemingHarrington
Formula = Literal["lakatos"] | EventFormula


@dataclass(frozen=True, slots=True, kw_only=True)
class LogrankPower:
    """What so many subjects show by the calendar time `at`.

    Attributes
    ----------
    at : float
    n_events : float
        Expected in both groups together.
    expected_z : float
        Mean of the z value; below 0 if the treated have fewer events than expected.
    std_dev_z : float
        Standard deviation of the z value after a given number of events, under the hazards of the design; 1 where the groups do not
        differ, and where no event is expected.
    power : float
        Probability of a significant result in the direction of `expected_z`. It is 0 where no event is expected, and the type I
        error of one side where the groups do not differ. `std_dev_z` does not enter.
    """

    at: float
    n_events: float
    expected_z: float
    std_dev_z: float
    power: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalSize:
    """Subjects that a design needs for its power.

    Attributes
    ----------
    formula : {"lakatos", "schoenfeld", "freedman"}
    subjects : SubjectsNeeded
    events_exact : float
        Events that the formula needs; for Lakatos' those expected of `subjects.exact`.
    reached : LogrankPower
        What `subjects.n_subjects` show by the end, by Lakatos' formula. Hazards that cross can favour the other group than was
        thought: look at the sign of `expected_z`.
    """

    formula: Formula
    subjects: SubjectsNeeded
    events_exact: float
    reached: LogrankPower

    @property
    def n_events(self) -> float:
        """Events expected by the end; a little more than needed, for subjects are whole."""
        return self.reached.n_events


def logrank_power(
    design: SurvivalDesign,
    n_subjects: float,
    *,
    alpha: float,
    sides: Sides,
    weights: Weights = "log-rank",
    at: float | None = None,
) -> LogrankPower:
    """Compute the power of a log-rank test of so many subjects.

    Parameters
    ----------
    design : SurvivalDesign
    n_subjects : float
        Of both groups, when all have entered.
    alpha : float
        Type I error of the whole test: 0.05 two-sided is 0.025 at each side.
    sides : {1, 2}
    weights : {"log-rank", "gehan", "tarone-ware"} or FlemingHarrington
        Gehan's weigh by the number at risk, Tarone and Ware's by its square root.
    at : float, optional
        Calendar time of a single analysis; the end of the study if not given. Beyond it follow-up goes on.

    Raises
    ------
    ValueError
        If an argument lies outside its range.

    Examples
    --------
    A trial that was planned with proportional hazards, and one whose treatment works from the sixth month on (days).

    >>> from trialwright.statistics.hazards import Accrual, Hazards
    >>> control, accrual = Hazards.from_risk(0.45, 730), Accrual.uniform(730)
    >>> for ratio in (0.6, ((0, 1.0), (182, 0.6))):
    ...     design = SurvivalDesign(control=control, hazard_ratio=ratio, accrual=accrual, follow_up=None, end=1095)
    ...     print(round(logrank_power(design, 332, alpha=0.05, sides=2).power, 2))
    0.8
    0.46
    """
    check_inside("n_subjects", n_subjects, 0, math.inf)
    z_alpha = critical_z(alpha, sides)
    time = design.last_time if at is None else at
    sets = risk_sets(design, time)
    z = math.sqrt(n_subjects) * _z_of_one(sets, weights)
    n_events = n_subjects * sets.event_probability
    return LogrankPower(
        at=time,
        n_events=n_events,
        expected_z=z,
        std_dev_z=_std_dev(sets, weights),
        power=normal_cdf(abs(z) - z_alpha) if n_events > 0 else 0.0,
    )


def power_over_time(
    design: SurvivalDesign,
    n_subjects: float,
    times: Iterable[float],
    *,
    alpha: float,
    sides: Sides,
    weights: Weights = "log-rank",
) -> tuple[LogrankPower, ...]:
    """Compute the power of a single analysis at each of some calendar times; arguments as for `logrank_power`.

    Looking more than once takes a group-sequential boundary; these powers do not allow for it.
    """
    return tuple(
        logrank_power(design, n_subjects, alpha=alpha, sides=sides, weights=weights, at=at) for at in times
    )


def subjects_needed(
    design: SurvivalDesign,
    *,
    alpha: float,
    sides: Sides,
    power: float,
    formula: Formula = "lakatos",
    weights: Weights = "log-rank",
) -> SurvivalSize:
    """Compute the subjects who give a log-rank test its power at the end of the study.

    The time that accrual takes stays; more subjects enter faster.

    Parameters
    ----------
    design : SurvivalDesign
    alpha, sides, weights
        As for `logrank_power`.
    power : float
        Above `alpha` (one-sided) or half of it.
    formula : {"lakatos", "schoenfeld", "freedman"}
        The last two give events under one hazard ratio, without weights; subjects are events divided by the probability of an
        event.

    Raises
    ------
    ValueError
        If an argument lies outside its range, the formula does not hold for the design, or no number of subjects is enough; the
        message names the assumption at fault.

    Examples
    --------
    >>> from trialwright.statistics.hazards import Accrual, Hazards
    >>> design = SurvivalDesign(
    ...     control=Hazards.from_risk(0.45, 730), hazard_ratio=0.6, accrual=Accrual.uniform(730), follow_up=730
    ... )
    >>> for formula in ("schoenfeld", "freedman", "lakatos"):
    ...     size = subjects_needed(design, alpha=0.05, sides=2, power=0.8, formula=formula)
    ...     print(formula, size.subjects.n_subjects, math.ceil(size.events_exact))
    schoenfeld 322 121
    freedman 336 126
    lakatos 328 123
    """
    check_option("formula", formula, ("lakatos", "schoenfeld", "freedman"))
    z = summed_quantiles(alpha, sides, power)
    probability = event_probability(design)
    if not probability > 0:
        raise ValueError(
            f"`control` must have events by the end of the study, {design.last_time:g}: its hazard is 0 for as long as subjects are"
            " followed"
        )
    if all(ratio == 1 for _, ratio in design.ratio_pieces):
        near = dataclasses.replace(design, hazard_ratio=_NEAR_1)
        size = subjects_needed(near, alpha=alpha, sides=sides, power=power, formula=formula, weights=weights)
        raise ValueError(
            "`hazard_ratio` must differ from 1: no number of subjects shows a difference of nothing, and one of"
            f" {_NEAR_1} takes {size.subjects.n_subjects}"
        )
    if formula == "lakatos":
        of_one = _z_of_one(risk_sets(design, design.last_time), weights)
        if abs(of_one) < _CANCELS:
            raise ValueError(_without_effect(design))
        exact = (z / of_one) ** 2
        events = exact * probability
    else:
        if len({ratio for _, ratio in design.ratio_pieces}) > 1:
            raise ValueError(
                f"`hazard_ratio` must be one number for the formula {formula!r}: use 'lakatos' for one that changes"
            )
        if weights != "log-rank":
            raise ValueError(
                f"`weights` must be 'log-rank' for the formula {formula!r}: use 'lakatos' with weights"
            )
        needed = (schoenfeld_events if formula == "schoenfeld" else freedman_events)(
            design.ratio_pieces[0][1],
            alpha=alpha,
            sides=sides,
            power=power,
            share_treated=design.share_treated,
        )
        events = needed.exact
        exact = events / probability
    subjects = subjects_by_group(exact, design.share_treated)
    return SurvivalSize(
        formula=formula,
        subjects=subjects,
        events_exact=events,
        reached=logrank_power(design, subjects.n_subjects, alpha=alpha, sides=sides, weights=weights),
    )


def time_of_power(
    design: SurvivalDesign,
    n_subjects: float,
    *,
    alpha: float,
    sides: Sides,
    power: float,
    weights: Weights = "log-rank",
) -> float:
    """Compute the first calendar time by which so many subjects reach a power; arguments as for `logrank_power`.

    The planned end of the study does not count: follow-up goes on for as long as the fixed follow-up allows.

    Raises
    ------
    ValueError
        If the power is never reached. The message says what is reached, and how many subjects are enough.
    """
    summed_quantiles(alpha, sides, power)
    last = last_informative_time(design)

    def is_enough(at: float) -> bool:
        return (
            logrank_power(design, n_subjects, alpha=alpha, sides=sides, weights=weights, at=at).power >= power
        )

    # Weights and crossing hazards can make power fall again: the first of many times that is enough, then what is before it.
    times = [last * (i / _TIMES) ** 4 for i in range(_TIMES + 1)]
    for before, at in itertools.pairwise(times):
        if is_enough(at):
            return smallest(is_enough, before, at)
    raise ValueError(_not_reached(design, n_subjects, last, alpha, sides, power, weights))


def detectable_ratio(
    design: SurvivalDesign,
    n_subjects: float,
    *,
    alpha: float,
    sides: Sides,
    power: float,
    weights: Weights = "log-rank",
) -> float:
    """Compute the hazard ratio below 1, and nearest to it, that so many subjects show by the end of the study.

    It stands in for each ratio of the design that is not 1, or for all if none is; arguments as for `logrank_power`.

    Raises
    ------
    ValueError
        If no ratio is enough.

    Examples
    --------
    >>> from trialwright.statistics.hazards import Accrual, Hazards
    >>> design = SurvivalDesign(
    ...     control=Hazards.from_risk(0.45, 730), hazard_ratio=0.6, accrual=Accrual.uniform(730), follow_up=730
    ... )
    >>> round(detectable_ratio(design, 328, alpha=0.05, sides=2, power=0.8), 2)
    0.6
    """
    summed_quantiles(alpha, sides, power)

    def is_enough(effect: float) -> bool:
        changed = _with_ratio(design, max(1 - effect, _LEAST_RATIO))
        return logrank_power(changed, n_subjects, alpha=alpha, sides=sides, weights=weights).power >= power

    if not is_enough(1.0):
        most = logrank_power(
            _with_ratio(design, _LEAST_RATIO), n_subjects, alpha=alpha, sides=sides, weights=weights
        )
        raise ValueError(
            f"`n_subjects` must be more than {n_subjects:g}: even a hazard ratio near 0 has a power of {most.power:.3f}, not"
            f" {power:g}; longer follow-up or a higher risk among controls would help as well"
        )
    return 1 - smallest(is_enough, 0.0, 1.0)


# --- the statistic ------------------------------------------------------------------------------------------------------


def _z_of_one(sets: RiskSets, weights: Weights) -> float:
    """Mean of the z value, divided by the square root of the number of subjects; 0 without events."""
    weight = _weight(sets, weights)
    both = sets.at_risk * sets.share_treated * (1 - sets.share_treated)
    mean = sets.integral(weight * both * (sets.hazard_treated - sets.hazard_control))
    variance = sets.integral(weight**2 * both * sets.hazard)
    return mean / math.sqrt(variance) if variance > 0 else 0.0


def _std_dev(sets: RiskSets, weights: Weights) -> float:
    """Standard deviation of the z value where an event is one of the treated as often as hazards say; 1 without events."""
    events = _weight(sets, weights) ** 2 * sets.at_risk * sets.hazard
    hazard = sets.hazard
    share = np.divide(
        sets.share_treated * sets.hazard_treated, hazard, out=np.zeros_like(hazard), where=hazard > 0
    )
    assumed = sets.integral(events * sets.share_treated * (1 - sets.share_treated))
    return math.sqrt(sets.integral(events * share * (1 - share)) / assumed) if assumed > 0 else 1.0


def _weight(sets: RiskSets, weights: Weights) -> Floats | float:
    if isinstance(weights, FlemingHarrington):
        survival = np.exp(-sets.running_integral(sets.hazard))
        return survival**weights.rho * (1 - survival) ** weights.gamma
    check_option("weights", weights, ("log-rank", "gehan", "tarone-ware"))
    match weights:
        case "gehan":
            return sets.at_risk
        case "tarone-ware":
            return np.sqrt(sets.at_risk)
    return 1.0


# --- designs that cannot reach what is asked ----------------------------------------------------------------------------


def _with_ratio(design: SurvivalDesign, ratio: float) -> SurvivalDesign:
    """The design with this ratio in place of those that are not 1, or of all if none is."""
    if all(before == 1 for _, before in design.ratio_pieces):
        return dataclasses.replace(design, hazard_ratio=ratio)
    pieces = tuple((start, 1.0 if before == 1 else ratio) for start, before in design.ratio_pieces)
    return dataclasses.replace(design, hazard_ratio=pieces)


def _without_effect(design: SurvivalDesign) -> str:
    longest = design.longest_follow_up
    first = next(start for start, ratio in design.ratio_pieces if ratio != 1)
    if first >= longest:
        return (
            f"`hazard_ratio` must differ from 1 while subjects are followed, at most {longest:g}: it is 1 up to {first:g}; follow for"
            f" longer than {first:g}"
        )
    return (
        "`hazard_ratio` must favour one group on the whole: under these weights early and late differences cancel, and no number of"
        " subjects shows them"
    )


def _not_reached(
    design: SurvivalDesign,
    n_subjects: float,
    last: float,
    alpha: float,
    sides: Sides,
    power: float,
    weights: Weights,
) -> str:
    at_last = dataclasses.replace(design, end=last)
    reached = logrank_power(at_last, n_subjects, alpha=alpha, sides=sides, weights=weights)
    message = (
        f"`n_subjects` must be more than {n_subjects:g}: at the end of all follow-up, {last:g}, the power is {reached.power:.3f}, not"
        f" {power:g}"
    )
    try:
        size = subjects_needed(at_last, alpha=alpha, sides=sides, power=power, weights=weights)
    except ValueError as reason:
        return f"{message}; {reason}"
    return f"{message}; {size.subjects.n_subjects} subjects would"
