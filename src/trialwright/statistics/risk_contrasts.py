"""Risks by one time, compared between two independent groups: differences and ratios with limits.

`risk_` compares 1 - Kaplan-Meier, `incidence_` cumulative incidences with competing risks. The two answer different
questions and have different names.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from trialwright.statistics.competing_risks import Cause, IncidenceCurve, check_cause
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.significance import normal_limits, normal_p_value
from trialwright.statistics.survival import Conventions, SurvivalCurve


@dataclass(frozen=True, slots=True)
class Risk:
    """The probability of an event by a time, and its standard error."""

    estimate: float
    std_error: float


@dataclass(frozen=True, slots=True)
class RiskContrast:
    """Two risks by `time`, and their difference (a minus b) or ratio (a over b) with limits.

    `std_error` is that of the difference or of the log ratio; `p_value` is two-sided, of no difference.
    """

    time: float
    risk_a: Risk
    risk_b: Risk
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    conventions: Conventions


def risk_difference(curve_a: SurvivalCurve, curve_b: SurvivalCurve, time: float) -> RiskContrast:
    """Estimate by how much the risk in `curve_a` exceeds that in `curve_b`.

    Parameters
    ----------
    curve_a, curve_b : SurvivalCurve
        Curves of two independent groups, with one confidence level and one kind of variance.
    time : float
        Finite, 0 or more; events at `time` count.

    Returns
    -------
    difference : RiskContrast
        Of the two values of 1 - Kaplan-Meier: the variances added, normal limits [1]_.

    Raises
    ------
    ValueError
        If the curves do not fit together or one is reversed.
    NotEstimable
        If a curve is not known at `time`, or a risk is 0 or 1: its standard error says nothing about precision then.

    References
    ----------
    .. [1] Klein JP, Moeschberger ML. Survival Analysis, 2nd ed. 2003, section 7.8, with the variance of Greenwood.

    Examples
    --------
    >>> from trialwright.statistics.survival import estimate_survival
    >>> a, b = estimate_survival([1, 2, 3, 4], [1, 0, 1, 0]), estimate_survival([1, 2, 3, 4], [0, 1, 0, 0])
    >>> round(risk_difference(a, b, 3).estimate, 4)
    0.2917
    """
    _check_together(curve_a, curve_b)
    return _difference(time, _risk("first", curve_a, time), _risk("second", curve_b, time), curve_a)


def risk_ratio(curve_a: SurvivalCurve, curve_b: SurvivalCurve, time: float) -> RiskContrast:
    """Estimate the ratio of the risk in `curve_a` to that in `curve_b`.

    As `risk_difference`; limits are normal on the log scale, with the variance of each log risk by the delta method.
    """
    _check_together(curve_a, curve_b)
    return _ratio(time, _risk("first", curve_a, time), _risk("second", curve_b, time), curve_a)


def incidence_difference(
    curve_a: IncidenceCurve, curve_b: IncidenceCurve, time: float, *, cause: Cause = 1
) -> RiskContrast:
    """Estimate by how much the cumulative incidence in `curve_a` exceeds that in `curve_b`.

    As `risk_difference`, from Aalen-Johansen curves: `cause` 1 compares the event, 2 the competing event.
    """
    _check_together(curve_a, curve_b)
    return _difference(
        time, _incidence("first", curve_a, time, cause), _incidence("second", curve_b, time, cause), curve_a
    )


def incidence_ratio(
    curve_a: IncidenceCurve, curve_b: IncidenceCurve, time: float, *, cause: Cause = 1
) -> RiskContrast:
    """Estimate the ratio of the cumulative incidence in `curve_a` to that in `curve_b`.

    As `incidence_difference`; limits are normal on the log scale, by the delta method.
    """
    _check_together(curve_a, curve_b)
    return _ratio(
        time, _incidence("first", curve_a, time, cause), _incidence("second", curve_b, time, cause), curve_a
    )


def _check_together(curve_a: SurvivalCurve | IncidenceCurve, curve_b: SurvivalCurve | IncidenceCurve) -> None:
    for convention in ("estimator", "conf_level", "variance"):
        a, b = curve_a.conventions[convention], curve_b.conventions[convention]
        if a != b:
            raise ValueError(f"`curve_b` must have the {convention} of `curve_a`, {a!r}, not {b!r}")
    if curve_a.conventions.get("reversed") or curve_b.conventions.get("reversed"):
        raise ValueError("`curve_a` and `curve_b` must be survival curves, not reversed ones")


def _risk(which: str, curve: SurvivalCurve, time: float) -> Risk:
    point = curve.at([time])
    return _known(which, curve, time, 1 - point.survival[0], point.std_error[0])


def _incidence(which: str, curve: IncidenceCurve, time: float, cause: Cause) -> Risk:
    check_cause(cause)
    points = curve.at([time])
    state = points.event if cause == 1 else points.competing
    return _known(which, curve, time, state.estimate[0], state.std_error[0])


def _known(
    which: str, curve: SurvivalCurve | IncidenceCurve, time: float, estimate: float, std_error: float
) -> Risk:
    if math.isnan(estimate):
        raise NotEstimable(
            f"the risk by {time:g} of the {which} group is not known: nobody was followed beyond {curve.time[-1]:g}"
        )
    if not std_error > 0:  # so it is where the estimate is 0 or 1
        raise NotEstimable(
            f"the risk by {time:g} of the {which} group is {estimate:g}, which leaves its standard error unknown"
        )
    return Risk(float(estimate), float(std_error))


def _difference(time: float, a: Risk, b: Risk, curve: SurvivalCurve | IncidenceCurve) -> RiskContrast:
    estimate, std_error = a.estimate - b.estimate, math.hypot(a.std_error, b.std_error)
    low, high = normal_limits(estimate, std_error, curve.conf_level)
    conventions = curve.conventions | {"measure": "difference", "interval": "normal"}
    p_value = normal_p_value(estimate / std_error)
    return RiskContrast(float(time), a, b, estimate, std_error, low, high, p_value, conventions)


def _ratio(time: float, a: Risk, b: Risk, curve: SurvivalCurve | IncidenceCurve) -> RiskContrast:
    log_ratio = math.log(a.estimate / b.estimate)
    std_error = math.hypot(a.std_error / a.estimate, b.std_error / b.estimate)
    low, high = normal_limits(log_ratio, std_error, curve.conf_level)
    conventions = curve.conventions | {"measure": "ratio", "interval": "normal on the log ratio"}
    p_value = normal_p_value(log_ratio / std_error)
    return RiskContrast(
        float(time), a, b, math.exp(log_ratio), std_error, math.exp(low), math.exp(high), p_value, conventions
    )
