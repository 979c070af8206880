"""What weighting by a propensity score will cost, before anybody is enrolled: subjects over effective subjects."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialwright.statistics.arrays import Floats, check_inside
from trialwright.statistics.distributions import smallest
from trialwright.statistics.weighting import Target, compute_weights

_STEPS = 2001
_REACH = 9.0  # standard deviations to either side; what lies beyond weighs less than 1e-18


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightingCost:
    """How much of the information of a comparison weighting leaves.

    Attributes
    ----------
    inflation : float
        Variance of the weighted comparison over that of as many subjects who need no weights, 1 or more: n over effective n.
    inflation_treated, inflation_control : float
        The same of the mean of each group alone: n of the group over its effective n.
    c_statistic : float
        The chance that of a treated and a control subject the treated was likelier to be treated: 0.5 where subjects do not
        differ.
    """

    inflation: float
    inflation_treated: float
    inflation_control: float
    c_statistic: float


def weighting_cost(*, share_treated: float, spread: float, target: Target = "overlap") -> WeightingCost:
    """Work out the cost of weighting where the logit of the propensity is normal with a given spread.

    A group's effective number is (sum of weights)^2 / sum of squared weights [1]_, taken over the distribution of the
    score as a planned study expects it [2]_; the variance of a comparison is the sum of one over the effective numbers.

    Parameters
    ----------
    share_treated : float
        Mean propensity, between 0 and 1.
    spread : float
        Standard deviation of the logit of the propensity, 0 to 3.
    target : {"overlap", "everyone", "treated", "matchable"}
        As in `compute_weights`.

    Raises
    ------
    ValueError
        If an argument lies outside its range.

    References
    ----------
    .. [1] Kish L. Survey sampling. 1965, section 11.7.
    .. [2] Shook-Sa BE, Hudgens MG. Power and sample size for observational studies of point exposure effects. Biometrics
       2022;78:388-398.

    Examples
    --------
    >>> cost = weighting_cost(share_treated=0.5, spread=1, target="everyone")
    >>> round(cost.inflation, 4) == round((1 + math.exp(1 / 2)) / 2, 4)
    True
    """
    check_inside("share_treated", share_treated, 0, 1)
    if not 0 <= spread <= 3:
        raise ValueError(f"`spread` must lie between 0 and 3, not {spread!r}")
    score, mass = _scores(share_treated, spread)
    is_treated = np.ones(len(score))
    treated, control = mass * score, mass * (1 - score)
    inflation_treated = _inflation(treated, compute_weights(score, is_treated, target=target))
    inflation_control = _inflation(control, compute_weights(score, 1 - is_treated, target=target))
    variance = inflation_treated / share_treated + inflation_control / (1 - share_treated)
    return WeightingCost(
        inflation=variance * share_treated * (1 - share_treated),
        inflation_treated=inflation_treated,
        inflation_control=inflation_control,
        c_statistic=_c_statistic(treated, control) if spread else 0.5,
    )


def _scores(share_treated: float, spread: float) -> tuple[Floats, Floats]:
    """Propensities in rising order, and the share of subjects at each."""
    z = np.linspace(-_REACH - spread, _REACH + spread, _STEPS)
    mass = np.exp(-(z**2) / 2)
    mass /= mass.sum()

    def at(middle: float) -> Floats:
        return np.asarray(1 / (1 + np.exp(-(middle + spread * z))))

    middle = smallest(lambda x: float(mass @ at(x)) >= share_treated, -40.0, 40.0)
    return at(middle), mass


def _inflation(mass: Floats, weights: Floats) -> float:
    return math.fsum(mass) * math.fsum(mass * weights**2) / math.fsum(mass * weights) ** 2


def _c_statistic(treated: Floats, control: Floats) -> float:
    below = np.cumsum(control) - control / 2
    return float(treated @ below / (treated.sum() * control.sum()))
