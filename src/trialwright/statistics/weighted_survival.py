"""Two groups that chance did not make, compared over time: weighted curves, hazard ratio and difference of risks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialwright.statistics.arrays import Floats
from trialwright.statistics.covariates import Covariate, take
from trialwright.statistics.estimability import NotEstimable, require_subjects
from trialwright.statistics.logistic import LogisticFit
from trialwright.statistics.resampling import (
    Bootstrap,
    BootstrapRiskDifference,
    bootstrap,
    bootstrap_risk_difference,
)
from trialwright.statistics.risk_contrasts import RiskContrast, risk_difference
from trialwright.statistics.samples import as_sample
from trialwright.statistics.survival import CoxFit, SurvivalCurve, estimate_survival, fit_cox
from trialwright.statistics.weighting import (
    Balance,
    EffectiveSize,
    Positivity,
    Target,
    as_groups,
    balance_table,
    compute_weights,
    effective_sample_size,
    fit_propensity,
    positivity_summary,
)


@dataclass(frozen=True, slots=True, eq=False)
class WeightedComparison:
    """Treated and controls, weighted to one target population.

    Attributes
    ----------
    propensity : LogisticFit
    weights : ndarray of shape (n,)
    size : EffectiveSize
        Of all subjects; if it is not usable, curves and numbers of the comparison are refused with its reason.
    size_treated, size_control : EffectiveSize
        Of each group, to be shown beside it.
    balance : tuple of Balance
    positivity : Positivity
    conventions : dict
    """

    propensity: LogisticFit
    weights: Floats
    size: EffectiveSize
    size_treated: EffectiveSize
    size_control: EffectiveSize
    balance: tuple[Balance, ...]
    positivity: Positivity
    conventions: dict[str, Any]
    _time: Floats = field(repr=False)
    _event: Floats = field(repr=False)
    _is_treated: NDArray[np.bool_] = field(repr=False)
    _covariates: tuple[Covariate, ...] = field(repr=False)
    _target: Target = field(repr=False)
    _conf_level: float = field(repr=False)

    @property
    def is_treated(self) -> NDArray[np.bool_]:
        """Tell for each subject whether it is treated."""
        return self._is_treated

    def curves(
        self, *, conf_level: float | None = None, conf_type: Literal["log-log", "log", "plain"] = "log-log"
    ) -> tuple[SurvivalCurve, SurvivalCurve]:
        """Estimate the weighted Kaplan-Meier curves of treated and controls.

        The variance is robust (infinitesimal jackknife) and takes the weights as known.

        Parameters
        ----------
        conf_level : float, optional
            That of the comparison if not said.
        conf_type : {"log-log", "log", "plain"}
            As in `estimate_survival`.

        Raises
        ------
        NotEstimable
            If the weights leave too little information.
        """
        self._check_usable()
        level = self._conf_level if conf_level is None else conf_level
        treated, control = (
            self._curve(rows, level, conf_type) for rows in (self._is_treated, ~self._is_treated)
        )
        return treated, control

    def hazard_ratio(self) -> CoxFit:
        """Fit the weighted Cox model with the treatment alone; robust (sandwich) variance, weights as known [1]_.

        Raises
        ------
        NotEstimable
            As `fit_cox`, and if the weights leave too little information.

        References
        ----------
        .. [1] Lin DY, Wei LJ. J Am Stat Assoc 1989;84:1074-1078.
        """
        self._check_usable()
        return fit_cox(
            self._time,
            self._event,
            self._is_treated[:, None],
            names=["treated"],
            weights=self.weights,
            conf_level=self._conf_level,
        )

    def risk_difference(self, time: float) -> RiskContrast:
        """Estimate by how much the weighted risk of the treated by `time` exceeds that of the controls.

        Normal limits from the robust variance of the two curves, weights as known.

        Raises
        ------
        NotEstimable
            As `risk_contrasts.risk_difference`, and if the weights leave too little information.
        """
        return risk_difference(*self.curves(), time)

    def bootstrap_risk_difference(
        self, time: float, *, n_resamples: int = 1000, seed: int
    ) -> BootstrapRiskDifference:
        """Estimate the same difference with percentile limits; each resample has its own propensity score [1]_.

        Parameters
        ----------
        time : float
            Finite, 0 or more; events at `time` count.
        n_resamples : int
            At least 100.
        seed : int

        Raises
        ------
        NotEstimable
            If the weights leave too little information, a curve is not known at `time`, or more than 5 % of the
            resamples give no estimate.

        References
        ----------
        .. [1] Austin PC. Stat Med 2016;35:5642-5655.
        """
        self._check_usable()

        def risks(subjects: NDArray[np.int64]) -> tuple[float, float]:
            treated, control = self.resampled_risks(subjects, [time])[:, 0].tolist()
            return treated, control

        return bootstrap_risk_difference(
            risks,
            len(self._time),
            time=time,
            n_resamples=n_resamples,
            seed=seed,
            conf_level=self._conf_level,
        )

    def resampled_risks(self, subjects: NDArray[np.int64], times: ArrayLike) -> Floats:
        """Estimate the risks by `times` of treated and controls, shape (2, n_times), from drawn subjects.

        Parameters
        ----------
        subjects : ndarray of shape (n_drawn,)
            Positions, each as often as it was drawn; the propensity score is estimated from them again.
        times : array-like of shape (n_times,)

        Raises
        ------
        NotEstimable
            If there is no propensity score, or a curve is not known at a time.
        """
        is_treated = self._is_treated[subjects]
        scores = fit_propensity(is_treated, take(self._covariates, subjects)).probability
        weights = compute_weights(scores, is_treated, target=self._target)
        return np.array(
            [
                _risks(self._time[subjects][rows], self._event[subjects][rows], weights[rows], times)
                for rows in (is_treated, ~is_treated)
            ]
        )

    def _curve(
        self, rows: NDArray[np.bool_], conf_level: float, conf_type: Literal["log-log", "log", "plain"]
    ) -> SurvivalCurve:
        return estimate_survival(
            self._time[rows],
            self._event[rows],
            weights=self.weights[rows],
            conf_level=conf_level,
            conf_type=conf_type,
        )

    def _check_usable(self) -> None:
        if self.size.reason:
            raise NotEstimable(self.size.reason)


def compare_weighted(
    time: ArrayLike,
    event: ArrayLike,
    treated: ArrayLike,
    covariates: Sequence[Covariate],
    *,
    target: Target = "overlap",
    conf_level: float = 0.95,
) -> WeightedComparison:
    """Weight treated and controls to one target population and make them ready to be compared over time.

    Parameters
    ----------
    time, event
        As in `estimate_survival`.
    treated : array-like of shape (n,)
        1 or True for the treated, 0 or False for the controls.
    covariates : sequence of Covariate
        Confounders known at time zero, complete (see `imputation.impute`).
    target : {"overlap", "everyone", "treated", "matchable"}
        See `weighting.compute_weights`.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    comparison : WeightedComparison

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If there is no propensity score (see `weighting.fit_propensity`).
    """
    require_subjects(time)
    sample = as_sample(time, event)
    groups = as_groups(treated, length=len(sample.time))
    propensity = fit_propensity(groups, covariates)
    weights = compute_weights(propensity.probability, groups, target=target)
    is_treated = groups == 1
    return WeightedComparison(
        propensity=propensity,
        weights=weights,
        size=effective_sample_size(weights),
        size_treated=effective_sample_size(weights[is_treated]),
        size_control=effective_sample_size(weights[~is_treated]),
        balance=balance_table(covariates, groups, weights),
        positivity=positivity_summary(propensity.probability, groups),
        conventions={"weights": target, "propensity": "logistic, main effects"},
        _time=sample.time,
        _event=sample.event,
        _is_treated=is_treated,
        _covariates=tuple(covariates),
        _target=target,
        _conf_level=conf_level,
    )


def bootstrap_weighted_risks(
    comparisons: Sequence[WeightedComparison],
    times: ArrayLike,
    *,
    n_resamples: int = 1000,
    seed: int,
    conf_level: float = 0.95,
) -> Bootstrap:
    """Resample the weighted risks by several times at once, over imputed data sets in turn.

    Parameters
    ----------
    comparisons : sequence of WeightedComparison
        Of the same subjects: one, or one for each imputed data set. Resamples go through them in turn, so that percentiles
        are of all together: the pooled bootstrap of multiply imputed data [1]_.
    times : array-like of shape (n_times,)
        Finite, 0 or more; events at a time count.
    n_resamples : int
        At least 100, of all data sets together.
    seed : int
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    bootstrap : Bootstrap
        Its estimates have the shape (n, 3 n_times): risks of the treated, of the controls, and their differences.

    Raises
    ------
    NotEstimable
        If weights leave too little information, or more than 5 % of the resamples give no estimate.

    References
    ----------
    .. [1] Schomaker M, Heumann C. Stat Med 2018;37:2252-2266, "MI Boot (pooled sample)".
    """
    for comparison in comparisons:
        if comparison.size.reason:
            raise NotEstimable(comparison.size.reason)
    turn = cycle(comparisons)

    def risks_and_difference(subjects: NDArray[np.int64]) -> Floats:
        treated, control = next(turn).resampled_risks(subjects, times)
        return np.concatenate([treated, control, treated - control])

    n_subjects = len(comparisons[0].weights)
    return bootstrap(
        risks_and_difference, n_subjects, n_resamples=n_resamples, seed=seed, conf_level=conf_level
    )


def _risks(time: Floats, event: Floats, weights: Floats, at: ArrayLike) -> Floats:
    points = estimate_survival(time, event, weights=weights, variance="greenwood").at(at)
    if np.isnan(points.survival).any():
        unknown = points.times[np.isnan(points.survival)][0]
        raise NotEstimable(f"in one group nobody is followed up to {unknown:g}")
    return np.asarray(1 - points.survival)
