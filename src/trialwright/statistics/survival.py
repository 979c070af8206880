"""Time-to-event statistics: survival curves, log-rank test, Cox regression, restricted means.

What reaches the package `survival` has been checked first (`samples.py`); what the data do not hold is raised as
`NotEstimable`, never returned as a huge number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

# The package binds its names at run time, where its type stubs do not show them.
from survival.regression import cox_zph, coxph_fit  # type: ignore[attr-defined]
from survival.surv_analysis import (  # type: ignore[attr-defined]
    quantile_survfit,
    survdiff,
    survfitkm,
    survfitresid,
    survmean,
)

from trialwright.statistics.arrays import Floats, as_codes, as_matrix, check_inside, check_option
from trialwright.statistics.estimability import NotEstimable as NotEstimable
from trialwright.statistics.samples import (
    TIED_WITHIN,
    Counts,
    Sample,
    as_counts,
    as_sample,
    as_times,
    is_at_risk,
    n_at_risk,
    rows_read,
    stepped,
)
from trialwright.statistics.significance import ChiSquaredTest as ChiSquaredTest
from trialwright.statistics.significance import chi_squared_test, normal_limits, normal_p_value

Conventions = dict[str, Any]

# Cox iterations stop at this relative change of the log likelihood. R's default of 1e-9 leaves the tenth digit open.
_CONVERGED = 1e-12
# One more Newton step longer than this times (1 + |coefficient|): the coefficient is on its way to infinity.
_RUNAWAY = 1e-6
_OUT_OF_ITERATIONS = 1000
# From this standard error per standard deviation of a covariate on, look whether it is rounding that the fit lives on.
_IMPRECISE = 1e3
# Singular values of the robust variance, relative to the model's, below which it has lost a dimension.
_ROBUST_RANK = 1e-10
# exp() of more does not fit into a float.
_LARGEST_EXPONENT = 700.0


# Survival curves


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalPoints:
    """A curve read at chosen times; arrays of shape (n_times,), NaN where the curve is unknown."""

    times: Floats
    survival: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    n_at_risk: Counts
    conventions: Conventions


@dataclass(frozen=True, slots=True)
class SurvivalQuantile:
    """The time by which a proportion `p` has had the event; NaN where the curve does not get there."""

    p: float
    estimate: float
    conf_low: float
    conf_high: float
    conventions: Conventions


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """The area under a survival curve from 0 to `horizon`, in the unit of time."""

    horizon: float
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    conventions: Conventions


@dataclass(frozen=True, slots=True)
class RestrictedMeanDifference:
    """The restricted mean of one curve minus that of another, in the unit of time."""

    horizon: float
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    conventions: Conventions


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalCounts:
    """Subjects at each of `times`: still at risk, and before it with event or censored. The three add up to all."""

    times: Floats
    n_at_risk: NDArray[np.int64]
    n_events: NDArray[np.int64]
    n_censored: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalCurve:
    """A Kaplan-Meier curve: one row per distinct time at which a subject had the event or was censored.

    Attributes
    ----------
    time : ndarray of shape (n_times,)
        Distinct times in rising order.
    n_at_risk, n_events, n_censored : ndarray of shape (n_times,)
        Number at risk just before, with event at, and censored at each time. Whole numbers, or sums of weights.
        Events are events on a reversed curve too, where `survival` goes down with the censored.
    survival : ndarray of shape (n_times,)
        Probability of no event up to and including each time; on a reversed curve, of not being censored.
    std_error : ndarray of shape (n_times,)
        Standard error of `survival`; NaN where the curve is 0, for there it cannot be estimated.
    conf_low, conf_high : ndarray of shape (n_times,)
        Pointwise confidence limits; NaN where the curve is 0. Before the first event both are 1, as in R: no event
        has happened, and the limits say nothing about precision.
    n_subjects, n_events_total : int
        Subjects (rows, unless `subject` was given), and those of them with event, unweighted.
    conventions : dict
        The options that made these numbers.
    """

    time: Floats
    n_at_risk: Counts
    n_events: Counts
    n_censored: Counts
    survival: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    n_subjects: int
    n_events_total: int
    conf_level: float
    conventions: Conventions
    _sample: Sample = field(repr=False)
    _fit: Any = field(repr=False)
    _subjects: NDArray[np.int64] | None = field(default=None, repr=False)

    @property
    def emptied_at(self) -> float | None:
        """Time at which the curve came down to 0 while others were observed only later, or None.

        With delayed entry few may be at risk at first; if all of them have the event the curve stays at 0, as in R,
        and says nothing about those who enter later. Such a curve must not be shown.
        """
        at_zero = np.flatnonzero(self.survival == 0)
        is_early = len(at_zero) > 0 and at_zero[0] < len(self.time) - 1
        return float(self.time[at_zero[0]]) if is_early else None

    def at(self, times: ArrayLike) -> SurvivalPoints:
        """Read the curve at chosen times.

        Parameters
        ----------
        times : array-like of shape (n,)
            Finite times of 0 or more, in any order. An event at a time counts at that time.

        Returns
        -------
        points : SurvivalPoints
            Estimate with limits; before the first row 1 with limits of 1. After the last row the curve is unknown
            (NaN), unless it has come down to 0. `n_at_risk` counts those with entry < time <= exit.
        """
        read = as_times("times", times)
        row, is_beyond = rows_read(self.time, read, self._sample)
        unknown = is_beyond & (self.survival[-1] > 0)
        return SurvivalPoints(
            times=read,
            survival=stepped(self.survival, row, unknown, first=1.0),
            std_error=stepped(self.std_error, row, unknown, first=0.0),
            conf_low=stepped(self.conf_low, row, unknown, first=1.0),
            conf_high=stepped(self.conf_high, row, unknown, first=1.0),
            n_at_risk=n_at_risk(self._sample, read),
            conventions=self.conventions,
        )

    def quantile(self, p: float = 0.5) -> SurvivalQuantile:
        """Estimate the time by which a proportion `p` has had the event (on a reversed curve: been censored).

        Where the curve runs flat at exactly 1 - p the estimate is the middle of the flat part, as in R [1]_; the
        limits are the times at which the pointwise limits cross 1 - p (Brookmeyer and Crowley [2]_).

        References
        ----------
        .. [1] R package survival, quantile.survfit.
        .. [2] Brookmeyer R, Crowley J. Biometrics 1982;38:29-41.
        """
        check_inside("p", p, 0, 1)
        found = quantile_survfit(self._fit, probs=[p])
        (estimate,), (low,), (high,) = found.quantile[0], found.lower[0], found.upper[0]
        return SurvivalQuantile(p, estimate, low, high, self.conventions)

    def restricted_mean(self, horizon: float) -> RestrictedMean:
        """Estimate the mean time without event within `horizon`.

        Parameters
        ----------
        horizon : float
            End of the period, above 0, in the unit of time.

        Returns
        -------
        mean : RestrictedMean
            Area under the curve with its Greenwood-type standard error [1]_ and normal limits; for a curve with
            robust variance, the standard error comes from the infinitesimal jackknife of the area [2]_.

        Raises
        ------
        NotEstimable
            If the horizon lies beyond the last time and the curve has not come down to 0 by then. R's `survfit`
            would silently continue the curve; the package survRM2 refuses, as we do.

        References
        ----------
        .. [1] Klein JP, Moeschberger ML. Survival Analysis, 2nd ed. 2003, section 4.5.
        .. [2] Therneau TM. R package survival, residuals.survfit.
        """
        if self.conventions["reversed"]:
            raise ValueError("`restricted_mean` must be asked of a survival curve, not of a reversed one")
        check_inside("horizon", horizon, 0, math.inf)
        horizon = float(horizon)
        if horizon > self.time[-1] + self._sample.tied and self.survival[-1] > 0:
            raise NotEstimable(
                f"the restricted mean to {horizon:g} is not defined: "
                f"the curve is known only to {self.time[-1]:g}, where it is still above 0"
            )
        if horizon <= self.time[0]:  # the package asks for a later one
            estimate, std_error = horizon, 0.0
        else:
            area = survmean(self._fit, rmean=repr(horizon))
            estimate, std_error = area.rmean[0], area.se_rmean[0]
            if self.conventions["variance"] == "robust":
                std_error = _robust_error_of_area(self._sample, self._subjects, horizon)
        low, high = normal_limits(estimate, std_error, self.conf_level)
        return RestrictedMean(
            horizon, estimate, std_error, low, high, self.conventions | {"interval": "normal"}
        )

    def counts_at(self, times: ArrayLike) -> SurvivalCounts:
        """Count subjects for the table under the figure.

        Parameters
        ----------
        times : array-like of shape (n,)
            Finite times of 0 or more.

        Returns
        -------
        counts : SurvivalCounts
            At risk: time of t or later. With event, and censored: before t. At every t the three add up to
            `n_subjects`; weights are not used.

        Raises
        ------
        ValueError
            If the curve has delayed entry: then subjects who have not yet entered belong to none of the three.
        """
        if self._sample.entry is not None:
            raise ValueError("`counts_at` must be asked of a curve without `entry`")
        read = as_times("times", times)
        gone = self._sample.time[:, None] < read - self._sample.tied
        had_event = self._sample.event[:, None] == 1
        return SurvivalCounts(
            times=read,
            n_at_risk=np.sum(~gone, axis=0),
            n_events=np.sum(gone & had_event, axis=0),
            n_censored=np.sum(gone & ~had_event, axis=0),
        )


def estimate_survival(
    time: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    subject: Iterable[Any] | None = None,
    variance: Literal["greenwood", "robust"] | None = None,
    conf_level: float = 0.95,
    conf_type: Literal["log-log", "log", "plain"] = "log-log",
    reverse: bool = False,
) -> SurvivalCurve:
    """Estimate one survival curve by Kaplan and Meier.

    Parameters
    ----------
    time : array-like of shape (n,)
        Time of event or censoring, 0 or more, in any unit. Of an event and a censoring at one time the event comes
        first. Times closer than 1.5e-8 are one time, as in R.
    event : array-like of shape (n,)
        1 or True for an event, 0 or False for a censored time.
    entry : array-like of shape (n,), optional
        Delayed entry, 0 or more and before `time`: a subject is at risk after its entry, up to and including its
        time.
    weights : array-like of shape (n,), optional
        Weights above 0.
    subject : sequence of length n, optional
        Labels of the subjects of the rows, where a subject contributes several intervals (entry, time], for instance
        because its weight changes. Only the last may end with an event; where another follows, nobody is censored.
    variance : {"greenwood", "robust"}, optional
        Default: "robust" (infinitesimal jackknife, the influence of a subject's rows summed; without `subject` each
        row is a subject of its own) with weights or subject, else "greenwood".
        "greenwood" with weights treats them as counts of identical subjects. (R chooses by whether all weights happen
        to be whole numbers.)
    conf_level : float
        Between 0 and 1.
    conf_type : {"log-log", "log", "plain"}
        Scale on which the limits are symmetrical.
    reverse : bool
        Estimate the distribution of the censoring time, as for median follow-up [2]_. The event still comes first
        at ties, so those with an event at t are no longer at risk of being censored at t (R package prodlim). For
        the other rule, in which they are, estimate an ordinary curve from `1 - event`.

    Returns
    -------
    curve : SurvivalCurve

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.

    References
    ----------
    .. [1] Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457-481.
    .. [2] Schemper M, Smith TL. Control Clin Trials 1996;17:343-346.

    Examples
    --------
    >>> curve = estimate_survival([3, 5, 8, 8, 12], [1, 1, 0, 1, 0])
    >>> curve.survival.round(3).tolist()
    [0.8, 0.6, 0.4, 0.4]
    >>> curve.quantile(0.5).estimate
    8.0
    """
    sample = as_sample(time, event, entry, weights)
    check_inside("conf_level", conf_level, 0, 1)
    check_option("conf_type", conf_type, ("log-log", "log", "plain"))
    subjects = None if subject is None else as_codes("subject", subject, length=len(sample.time))[1]
    if variance is None:
        variance = "greenwood" if weights is None and subject is None else "robust"
    check_option("variance", variance, ("greenwood", "robust"))
    if reverse and entry is not None:
        raise ValueError("`reverse` cannot be combined with `entry`")
    if subjects is not None:
        _check_intervals(sample, subjects, variance)
    fit = survfitkm(
        sample.time,
        sample.event,
        start=sample.entry,
        weights=sample.weights,
        id=None if subjects is None else subjects.tolist(),
        conf_int=conf_level,
        conf_type=conf_type,
        robust=variance == "robust",
        reverse=reverse,
    )
    survival = np.array(fit.surv)
    known = survival > 0
    std_error = np.where(known, fit.std_err, np.nan)
    return SurvivalCurve(
        time=np.array(fit.time),
        n_at_risk=as_counts(fit.n_risk, sample),
        n_events=as_counts(fit.n_event, sample),
        n_censored=as_counts(fit.n_censor, sample),
        survival=survival,
        std_error=std_error * survival if fit.logse else std_error,
        conf_low=np.where(known, fit.lower, np.nan),
        conf_high=np.where(known, fit.upper, np.nan),
        n_subjects=len(sample.time) if subjects is None else len(np.unique(subjects)),
        n_events_total=int(sample.event.sum()),
        conf_level=conf_level,
        conventions={
            "estimator": "Kaplan-Meier",
            "reversed": reverse,
            "variance": variance,
            "conf_level": conf_level,
            "conf_type": conf_type,
            "event_and_censoring_tied": "event first",
            "times_tied_within": TIED_WITHIN,
            "quantile_on_flat_part": "middle",
            "after_last_time": "unknown unless 0",
        },
        _sample=sample,
        _fit=fit,
        _subjects=subjects,
    )


def restricted_mean_difference(
    curve_a: SurvivalCurve, curve_b: SurvivalCurve, horizon: float
) -> RestrictedMeanDifference:
    """Estimate by how much the restricted mean of `curve_a` exceeds that of `curve_b`.

    Parameters
    ----------
    curve_a, curve_b : SurvivalCurve
        Curves of two independent groups, with one confidence level.
    horizon : float
        End of the period, above 0, in the unit of time.

    Returns
    -------
    difference : RestrictedMeanDifference
        With the two variances added, normal limits and a two-sided p-value.

    Raises
    ------
    ValueError
        If the curves differ in confidence level.
    NotEstimable
        If a restricted mean does not exist (see `SurvivalCurve.restricted_mean`), or both have a standard error of
        0, as without event before the horizon.

    References
    ----------
    .. [1] Royston P, Parmar MKB. Stat Med 2011;30:2409-2421.
    """
    if curve_a.conf_level != curve_b.conf_level:
        raise ValueError(
            f"`curve_b` must have the confidence level of `curve_a`, {curve_a.conf_level}, not {curve_b.conf_level}"
        )
    mean_a, mean_b = curve_a.restricted_mean(horizon), curve_b.restricted_mean(horizon)
    estimate = mean_a.estimate - mean_b.estimate
    std_error = math.hypot(mean_a.std_error, mean_b.std_error)
    if std_error == 0:
        raise NotEstimable(f"the time without event within {horizon:g} does not vary in either group")
    low, high = normal_limits(estimate, std_error, curve_a.conf_level)
    return RestrictedMeanDifference(
        mean_a.horizon,
        estimate,
        std_error,
        low,
        high,
        normal_p_value(estimate / std_error),
        mean_a.conventions,
    )


# Log-rank test


@dataclass(frozen=True, slots=True)
class LogRankGroup:
    """One group of a log-rank test: subjects, weighted numbers of events observed and expected."""

    label: Any
    n_subjects: int
    observed: float
    expected: float


@dataclass(frozen=True, slots=True, eq=False)
class LogRankResult:
    """Groups in sorted order, and the test that their hazards are equal.

    `variance` is the covariance matrix of observed minus expected, of shape (n_groups, n_groups).
    """

    groups: tuple[LogRankGroup, ...]
    variance: Floats
    chi_squared: float
    df: int
    p_value: float
    conventions: Conventions


def logrank_test(
    time: ArrayLike,
    event: ArrayLike,
    group: Iterable[Any],
    *,
    entry: ArrayLike | None = None,
    strata: Iterable[Any] | None = None,
    rho: float = 0.0,
) -> LogRankResult:
    """Test whether groups have the same hazard.

    Parameters
    ----------
    time, event, entry
        As in `estimate_survival`; rows may be several intervals (entry, time] of one subject.
    group : sequence of length n
        Labels, two or more distinct.
    strata : sequence of length n, optional
        Labels; subjects are compared within a stratum only.
    rho : float
        Weight S(t)^rho of Fleming and Harrington: 0 gives the log-rank test, 1 the Peto and Peto version of the
        Gehan-Wilcoxon test.

    Returns
    -------
    result : LogRankResult
        A group with no one at risk at any event has an expected number of 0 and no degree of freedom. `n_subjects`
        counts rows.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If there is one group only, no event, or events that do not tell all groups apart, for instance because never
        were two groups at risk together.

    References
    ----------
    .. [1] Harrington DP, Fleming TR. Biometrika 1982;69:553-566.

    Examples
    --------
    >>> time = [6, 7, 10, 15, 19, 25, 2, 3, 9, 11, 12, 20]
    >>> event = [1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0, 1]
    >>> result = logrank_test(time, event, list("AAAAAABBBBBB"))
    >>> round(result.chi_squared, 4), round(result.p_value, 4)
    (0.5825, 0.4453)
    """
    sample = as_sample(time, event, entry, None)
    n = len(sample.time)
    labels, codes = as_codes("group", group, length=n)
    strata_codes = None if strata is None else as_codes("strata", strata, length=n)[1]
    if not math.isfinite(rho):
        raise ValueError(f"`rho` must be a finite number, not {rho!r}")
    if len(labels) < 2:
        raise NotEstimable(f"there is only one group, {labels[0]}")
    if not sample.event.any():
        raise NotEstimable("no event was observed")
    incomparable = NotEstimable("the events do not tell all the groups apart")
    try:
        test = survdiff(sample.time, sample.event, codes, start=sample.entry, strata=strata_codes, rho=rho)
    except RuntimeError as error:
        raise (incomparable if "singular" in str(error) else error) from None
    variance = np.array(test.var)
    # where nobody of two groups was at risk together, rounding leaves a variance of some 1e-16 for each event, and a weighted
    # one no larger than that is as much rounding
    rounding = 32 * np.finfo(float).eps * float(np.sum(sample.event))
    if test.df < 1 or np.linalg.matrix_rank(variance, tol=rounding) < test.df:
        raise incomparable
    observed, expected = np.sum(test.obs, axis=1), np.sum(test.exp, axis=1)
    return LogRankResult(
        groups=tuple(
            LogRankGroup(label, int(np.sum(codes == code)), float(observed[code]), float(expected[code]))
            for code, label in enumerate(labels)
        ),
        variance=variance,
        chi_squared=test.chisq,
        df=test.df,
        p_value=test.pvalue,
        conventions={
            "test": "log-rank" if rho == 0 else "Fleming-Harrington",
            "rho": rho,
            "stratified": strata is not None,
            "times_tied_within": TIED_WITHIN,
        },
    )


# Cox regression


@dataclass(frozen=True, slots=True)
class CoxCoefficient:
    """The log hazard ratio for one unit more of a covariate, and the hazard ratio with its limits."""

    name: str
    coef: float
    std_error: float
    hazard_ratio: float
    conf_low: float
    conf_high: float
    z: float
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class CoxFit:
    """A fitted Cox model.

    Attributes
    ----------
    coefficients : tuple of CoxCoefficient
        In the order of the covariates. With robust variance the standard errors, limits and p-values are robust.
    loglik_null, loglik : float
        Log partial likelihood with all coefficients 0, and at the estimate.
    likelihood_ratio_test, wald_test, score_test : ChiSquaredTest
        That all coefficients are 0. With robust variance only the Wald test is robust.
    robust_score_test : ChiSquaredTest or None
        Given with robust variance.
    concordance, concordance_std_error : float
        Probability that of two subjects the one with the higher predicted hazard has the event first; ties of the
        prediction count half. NaN where no two subjects can be compared.
    n_observations : int
        Rows given: one per subject, unless subjects contribute several intervals.
    n_events : int
    conventions : dict
        The options that made these numbers.
    """

    coefficients: tuple[CoxCoefficient, ...]
    loglik_null: float
    loglik: float
    likelihood_ratio_test: ChiSquaredTest
    wald_test: ChiSquaredTest
    score_test: ChiSquaredTest
    robust_score_test: ChiSquaredTest | None
    concordance: float
    concordance_std_error: float
    n_observations: int
    n_events: int
    conventions: Conventions
    package_fit: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProportionalHazardsTest:
    """Tests of proportional hazards: by covariate in the order of the model, and of all together."""

    by_covariate: dict[str, ChiSquaredTest]
    all_together: ChiSquaredTest
    conventions: Conventions


def fit_cox(
    time: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike,
    *,
    names: Sequence[str],
    entry: ArrayLike | None = None,
    strata: Iterable[Any] | None = None,
    weights: ArrayLike | None = None,
    cluster: Iterable[Any] | None = None,
    variance: Literal["model", "robust"] | None = None,
    ties: Literal["efron", "breslow"] = "efron",
    conf_level: float = 0.95,
) -> CoxFit:
    """Fit a proportional hazards model.

    Parameters
    ----------
    time, event, entry, weights
        As in `estimate_survival`. Rows are intervals (entry, time] where a subject contributes several.
    covariates : array-like of shape (n, n_covariates)
        Finite numbers; levels of a category coded by the caller.
    names : sequence of str
        A name for each covariate.
    strata : sequence of length n, optional
        Labels; each stratum has a baseline hazard of its own.
    cluster : sequence of length n, optional
        Labels of rows that belong together (a subject's intervals, a site), for the robust variance.
    variance : {"model", "robust"}, optional
        Default: "robust" with weights or cluster, else "model". "model" with weights treats them as counts of
        identical subjects.
    ties : {"efron", "breslow"}
        How events at one time are handled.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    fit : CoxFit

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If there is no event, a covariate does not vary or is a linear combination of others, or a hazard ratio is
        infinite or zero (monotone likelihood, for instance a group without event).

    References
    ----------
    .. [1] Therneau TM, Grambsch PM. Modeling Survival Data: Extending the Cox Model. 2000, chapters 3 and 7.
    .. [2] Heinze G, Schemper M. Biometrics 2001;57:114-119 (monotone likelihood).
    """
    names = list(names)
    sample = as_sample(time, event, entry, weights)
    n = len(sample.time)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"`names` must hold one or more different names, not {names}")
    matrix = as_matrix("covariates", covariates, names, length=n)
    strata_codes = None if strata is None else as_codes("strata", strata, length=n)[1]
    cluster_codes = None if cluster is None else as_codes("cluster", cluster, length=n)[1]
    check_option("ties", ties, ("efron", "breslow"))
    check_inside("conf_level", conf_level, 0, 1)
    if variance is None:
        variance = "model" if weights is None and cluster is None else "robust"
    check_option("variance", variance, ("model", "robust"))
    if variance == "model" and cluster is not None:
        raise ValueError('`cluster` must come with `variance` "robust", not "model"')
    if not sample.event.any():
        raise NotEstimable("no event was observed")
    fit = coxph_fit(
        sample.time,
        sample.event,
        matrix,
        entry=sample.entry,
        strata=strata_codes,
        weights=sample.weights,
        method=ties,
        eps=_CONVERGED,
        cluster=cluster_codes,
        robust=variance == "robust",
    )
    reason = _why_not_estimable(fit, sample, matrix, names, strata_codes)
    if reason:
        raise NotEstimable(reason)
    p = len(names)
    errors = np.sqrt(np.diag(fit.var))
    concordance = fit.concordance
    return CoxFit(
        coefficients=tuple(
            _cox_coefficient(*numbers, conf_level)
            for numbers in zip(names, fit.coefficients, errors.tolist(), strict=True)
        ),
        loglik_null=fit.loglik[0],
        loglik=fit.loglik[1],
        likelihood_ratio_test=chi_squared_test(max(0.0, 2 * (fit.loglik[1] - fit.loglik[0])), p),
        wald_test=chi_squared_test(fit.wald_test, p),
        score_test=chi_squared_test(fit.score, p),
        robust_score_test=None if fit.rscore is None else chi_squared_test(fit.rscore, p),
        concordance=concordance.concordance[0],
        concordance_std_error=math.sqrt(concordance.var[0][0]),
        n_observations=n,
        n_events=int(sample.event.sum()),
        conventions={
            "model": "Cox",
            "ties": ties,
            "variance": variance,
            "clustered": cluster is not None,
            "stratified": strata is not None,
            "conf_level": conf_level,
            "interval": "normal on the log hazard ratio",
            "times_tied_within": TIED_WITHIN,
            "convergence": _CONVERGED,
        },
        package_fit=fit,
    )


def proportional_hazards_test(
    fit: CoxFit, transform: Literal["km", "rank", "identity"] = "km"
) -> ProportionalHazardsTest:
    """Test whether hazard ratios stay the same over time.

    Parameters
    ----------
    fit : CoxFit
    transform : {"km", "rank", "identity"}
        The function of time with which a coefficient is suspected to change: 1 - Kaplan-Meier, rank, time itself.

    Returns
    -------
    test : ProportionalHazardsTest
        Score tests on the scaled Schoenfeld residuals, as R's `cox.zph` since version 3.0 of survival.

    Raises
    ------
    ValueError
        If `transform` is none of the three.
    NotEstimable
        If the events are too few, or all at one time.

    References
    ----------
    .. [1] Grambsch PM, Therneau TM. Biometrika 1994;81:515-526.
    """
    check_option("transform", transform, ("km", "rank", "identity"))
    too_few = NotEstimable("the events are too few or at too few times to test proportional hazards")
    try:
        found = cox_zph(fit.package_fit, transform=transform, terms=False)
    except RuntimeError as error:
        raise (too_few if "singular" in str(error) else error) from None
    tests = [ChiSquaredTest(test.chisq, int(test.df), test.p) for test in (*found.table, found.global_test)]
    if not all(math.isfinite(test.chi_squared) and test.chi_squared >= 0 for test in tests):
        raise too_few
    names = (coefficient.name for coefficient in fit.coefficients)
    return ProportionalHazardsTest(
        by_covariate=dict(zip(names, tests[:-1], strict=True)),
        all_together=tests[-1],
        conventions={"test": "scaled Schoenfeld residuals", "transform": transform},
    )


def _cox_coefficient(name: str, coef: float, std_error: float, conf_level: float) -> CoxCoefficient:
    low, high = normal_limits(coef, std_error, conf_level)
    if max(abs(low), abs(high)) > _LARGEST_EXPONENT:
        raise NotEstimable(
            f"the hazard ratio for one unit of `{name}` has no writable limits; a smaller unit may help"
        )
    z = coef / std_error
    return CoxCoefficient(
        name, coef, std_error, math.exp(coef), math.exp(low), math.exp(high), z, normal_p_value(z)
    )


def _why_not_estimable(
    fit: Any, sample: Sample, matrix: Floats, names: list[str], strata: NDArray[np.int64] | None
) -> str | None:
    """Say why the coefficients of a Cox fit must not be shown, or None if they may."""
    coef, model_variance = np.array(fit.coefficients), np.array(fit.naive_var or fit.var)
    variances = np.diag(model_variance)
    step = np.abs(np.array(fit.first) @ model_variance)
    settled = (step <= _RUNAWAY * (1 + np.abs(coef))) & (variances > 0) & (fit.flag != _OUT_OF_ITERATIONS)
    precise = np.sqrt(variances) * matrix.std(axis=0) < _IMPRECISE
    if not (settled & precise).all():
        for name, values in zip(names, matrix.T, strict=True):
            reason = _why_without_finite_coefficient(name, values, sample, strata)
            if reason:
                return reason
    for name, value in zip(names, coef, strict=True):
        if math.isnan(value):
            return f"`{name}` cannot be told from a linear combination of the other covariates"
    if not settled.all():
        running = ", ".join(f"`{name}`" for name, ok in zip(names, settled, strict=True) if not ok)
        return f"no finite coefficient was found for {running}"
    if fit.naive_var:
        scale = np.sqrt(variances)
        if np.linalg.matrix_rank(fit.var / np.outer(scale, scale), tol=_ROBUST_RANK) < len(names):
            return "the rows or clusters are too few or too much alike for a robust variance"
    return None


def _why_without_finite_coefficient(
    name: str, values: Floats, sample: Sample, strata: NDArray[np.int64] | None
) -> str | None:
    """Say why a covariate has no finite coefficient whatever the other covariates are, or None if it may have one."""
    if np.all(values == values[0]):
        return f"`{name}` has only one value, {values[0]:g}"
    had_event = sample.event == 1
    stratum = np.zeros(len(values), dtype=np.int64) if strata is None else strata
    differs, highest, lowest = False, True, True
    for here, t in set(zip(stratum[had_event].tolist(), sample.time[had_event].tolist(), strict=True)):
        risk_set = (stratum == here) & is_at_risk(sample, t)
        events = values[risk_set & had_event & (sample.time == t)]
        low, high = values[risk_set].min(), values[risk_set].max()
        differs |= low < high
        highest &= bool(np.all(events == high))
        lowest &= bool(np.all(events == low))
    if not differs:
        return f"`{name}` never differs between subjects at risk at an event"
    if not (highest or lowest):
        return None
    without_event = np.setdiff1d(values, values[had_event])
    if len(np.unique(values)) == 2 and len(without_event):
        return f"no event was observed where `{name}` is {without_event[0]:g}"
    return (
        f"the hazard ratio of `{name}` is {'infinite' if highest else 'zero'}: "
        f"each event fell on the {'highest' if highest else 'lowest'} value then at risk"
    )


def _check_intervals(sample: Sample, subjects: NDArray[np.int64], variance: str) -> None:
    """Refuse rows of a subject that overlap, or that go on after its event."""
    if variance != "robust":
        raise ValueError('`subject` must come with `variance` "robust", not "greenwood"')
    entry = np.zeros_like(sample.time) if sample.entry is None else sample.entry
    order = np.lexsort((sample.time, subjects))
    same = subjects[order][1:] == subjects[order][:-1]
    for wrong, what in (
        (entry[order][1:] < sample.time[order][:-1], "begin before the subject's earlier row ends"),
        (sample.event[order][:-1] == 1, "follow the subject's event"),
    ):
        if np.any(same & wrong):
            position = int(order[1:][same & wrong][0])
            raise ValueError(f"row {position} must not {what}")


def _robust_error_of_area(sample: Sample, subjects: NDArray[np.int64] | None, horizon: float) -> float:
    influence = survfitresid(
        sample.time,
        sample.event,
        times=[horizon],
        start=sample.entry,
        weights=sample.weights,
        id=None if subjects is None else subjects.tolist(),
        type_="rmst",
        collapse=subjects is not None,
        weighted=True,
    )
    return float(np.sqrt(np.sum(np.square(influence.values))))
