"""How likely a trial that is under way will still show an effect, given its data so far.

Conditional power supposes an effect: that of the design, that of the data so far (the trend), or none [1]_. Predictive power
averages it over what is believed of the effect, from the data so far alone (a flat prior) or with a prior [2]_. All are the
probability to cross for efficacy at any look still to come, whatever happened at earlier ones, in the direction that favours
the treated. These are looks at a comparison: who may have them, and how often, belongs to the protocol.

Signs and scales as in `group_sequential`: z above 0 favours the treated, effects are hazard ratios below 1.

References
----------
.. [1] Lan KKG, Wittes J. Biometrics 1988;44:579-585. Proschan MA, Lan KKG, Wittes JT. Statistical Monitoring of Clinical
   Trials. 2006, chapter 3.
.. [2] Spiegelhalter DJ, Freedman LS, Blackburn PR. Control Clin Trials 1986;7:8-17.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from trialwright.statistics.arrays import check_inside
from trialwright.statistics.brownian_motion import Process, Stage, exits, start
from trialwright.statistics.group_sequential import SequentialBoundaries

Conventions = dict[str, Any]


@dataclass(frozen=True, slots=True)
class InterimResult:
    """A comparison so far: its z, above 0 if the treated fare better, and the information on the log hazard ratio.

    Raises
    ------
    ValueError
        If `z` is not finite or `information` not finite and above 0.
    """

    z: float
    information: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.z):
            raise ValueError(f"`z` must be a finite number, not {self.z!r}")
        check_inside("information", self.information, 0, math.inf)

    @property
    def hazard_ratio(self) -> float:
        """The estimate, exp(-z / sqrt(information))."""
        return math.exp(-self.z / math.sqrt(self.information))


def interim_from_hazard_ratio(hazard_ratio: float, std_error: float) -> InterimResult:
    """The result of a Cox model: information 1 / std_error^2, `std_error` being that of the log hazard ratio.

    Raises
    ------
    ValueError
        If an argument is not finite and above 0.
    """
    check_inside("hazard_ratio", hazard_ratio, 0, math.inf)
    check_inside("std_error", std_error, 0, math.inf)
    return InterimResult(-math.log(hazard_ratio) / std_error, 1 / std_error**2)


def interim_from_logrank(observed: float, expected: float, variance: float) -> InterimResult:
    """The result of a log-rank test: events of the treated observed and expected; the variance is the information.

    Raises
    ------
    ValueError
        If a number is negative, or the variance not above 0.
    """
    for name, value in (("observed", observed), ("expected", expected)):
        if not 0 <= value < math.inf:
            raise ValueError(f"`{name}` must be a number of events, 0 or more, not {value!r}")
    check_inside("variance", variance, 0, math.inf)
    return InterimResult((expected - observed) / math.sqrt(variance), variance)


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """What was believed of the effect before the trial: the log hazard ratio is normal about that of `hazard_ratio`.

    Raises
    ------
    ValueError
        If a number is not finite and above 0.
    """

    hazard_ratio: float
    std_error: float

    def __post_init__(self) -> None:
        check_inside("hazard_ratio", self.hazard_ratio, 0, math.inf)
        check_inside("std_error", self.std_error, 0, math.inf)


@dataclass(frozen=True, slots=True)
class ConditionalPower:
    """The outlook of a trial under way.

    Attributes
    ----------
    fraction : float
        Information so far over that at the last look.
    z, hazard_ratio : float
        So far.
    under_design, under_trend, under_null : float
        Conditional power under the effect of the design, that of the data so far, and none.
    predictive_flat : float
        Predictive power with a flat prior of the log hazard ratio.
    predictive_prior : float or None
        With the prior that was given.
    conventions : dict
    """

    fraction: float
    z: float
    hazard_ratio: float
    under_design: float
    under_trend: float
    under_null: float
    predictive_flat: float
    predictive_prior: float | None
    conventions: Conventions


def conditional_power(
    interim: InterimResult,
    boundaries: SequentialBoundaries,
    *,
    final_information: float,
    hazard_ratio: float,
) -> float:
    """Probability to cross for efficacy at a look still to come, if this is the hazard ratio from now on.

    With one look left at information fraction 1, t so far and B = z sqrt(t), it is 1 - Phi((b - B - drift (1 - t)) /
    sqrt(1 - t)), drift = -ln(HR) sqrt(final information) [1]_.

    Parameters
    ----------
    interim : InterimResult
    boundaries : SequentialBoundaries
        Looks at information fractions above that of the interim count. A boundary for futility is obeyed: leave it out by
        `without_futility()` where it is a recommendation.
    final_information : float
        At information fraction 1: events times q (1 - q), `events_information`.
    hazard_ratio : float

    Raises
    ------
    ValueError
        If no look is left, or an argument lies outside its range.

    References
    ----------
    .. [1] Lan KKG, Wittes J. Biometrics 1988;44:579-585.

    Examples
    --------
    >>> at_the_end = SequentialBoundaries((1.0,), (1.96,))
    >>> trend = conditional_power(InterimResult(1.5, 25), at_the_end, final_information=50, hazard_ratio=0.741)
    >>> round(trend, 2)
    0.59
    """
    check_inside("hazard_ratio", hazard_ratio, 0, math.inf)
    fraction, stages = _to_come(interim, boundaries, final_information)
    drift = -math.log(hazard_ratio) * math.sqrt(final_information)
    return _efficacy(start(drift=drift, value=interim.z * math.sqrt(fraction), information=fraction), stages)


def predictive_power(
    interim: InterimResult,
    boundaries: SequentialBoundaries,
    *,
    final_information: float,
    prior: NormalPrior | None,
) -> float:
    """Probability to cross for efficacy at a look still to come, averaged over the effects believed in now.

    The mean of the posterior moves like a Brownian motion without drift whose time is the loss of posterior variance, so
    that this is exact for any number of looks. With one look left and a flat prior it is
    1 - Phi((b sqrt(t) - z) / sqrt(1 - t)) [1]_.

    Parameters
    ----------
    interim, boundaries, final_information
        As for `conditional_power`.
    prior : NormalPrior or None
        None for a flat one, under which only the data speak.

    Raises
    ------
    ValueError
        If no look is left, or an argument lies outside its range.

    References
    ----------
    .. [1] Jennison C, Turnbull BW. Group Sequential Methods with Applications to Clinical Trials. 2000, section 10.4.
    """
    fraction, stages = _to_come(interim, boundaries, final_information)
    # In units in which the last look has information 1, the effect is its drift.
    precision = 0.0 if prior is None else 1 / (prior.std_error**2 * final_information)
    mean = 0.0 if prior is None else -math.log(prior.hazard_ratio) * math.sqrt(final_information)
    believed = precision * mean

    def posterior_mean(value: float, information: float) -> float:
        return (believed + value) / (precision + information)

    def in_posterior_means(stage: Stage) -> Stage:
        t = stage.information
        low, high = stage.between or (None, None)
        return Stage(
            1 / (precision + fraction) - 1 / (precision + t),
            posterior_mean(stage.above, t),
            posterior_mean(stage.below, t),
            None if low is None or high is None else (posterior_mean(low, t), posterior_mean(high, t)),
        )

    now = posterior_mean(interim.z * math.sqrt(fraction), fraction)
    return _efficacy(start(drift=0.0, value=now), [in_posterior_means(stage) for stage in stages])


def estimate_conditional_power(
    interim: InterimResult,
    boundaries: SequentialBoundaries,
    *,
    final_information: float,
    design_hazard_ratio: float,
    prior: NormalPrior | None = None,
) -> ConditionalPower:
    """Conditional power under the design, the trend and no effect, and predictive power beside them.

    Parameters
    ----------
    interim, boundaries, final_information
        As for `conditional_power`.
    design_hazard_ratio : float
        The hazard ratio for which the trial was planned.
    prior : NormalPrior, optional

    Raises
    ------
    ValueError
        If no look is left, or an argument lies outside its range.
    """

    def under(hazard_ratio: float) -> float:
        return conditional_power(
            interim, boundaries, final_information=final_information, hazard_ratio=hazard_ratio
        )

    def predicted(prior: NormalPrior | None) -> float:
        return predictive_power(interim, boundaries, final_information=final_information, prior=prior)

    return ConditionalPower(
        fraction=interim.information / final_information,
        z=interim.z,
        hazard_ratio=interim.hazard_ratio,
        under_design=under(design_hazard_ratio),
        under_trend=under(interim.hazard_ratio),
        under_null=under(1.0),
        predictive_flat=predicted(None),
        predictive_prior=None if prior is None else predicted(prior),
        conventions={
            "final_information": final_information,
            "design_hazard_ratio": design_hazard_ratio,
            "futility_obeyed": boundaries.futility is not None,
            "sides": boundaries.sides,
        }
        | (
            {}
            if prior is None
            else {"prior_hazard_ratio": prior.hazard_ratio, "prior_std_error": prior.std_error}
        ),
    )


def _to_come(
    interim: InterimResult, boundaries: SequentialBoundaries, final_information: float
) -> tuple[float, list[Stage]]:
    """The information fraction reached, and the looks beyond it."""
    check_inside("final_information", final_information, 0, math.inf)
    fraction = interim.information / final_information
    stages = [stage for stage in boundaries.stages() if stage.information > fraction]
    if not stages:
        raise ValueError(
            f"`boundaries` must have a look after the interim, at an information fraction above {fraction:.4g}"
        )
    return fraction, stages


def _efficacy(process: Process, stages: list[Stage]) -> float:
    return float(exits(process, stages)[:, 0].sum())
