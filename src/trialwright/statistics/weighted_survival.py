"""Two groups that chance did not make, compared over time: weighted curves, hazard ratio and difference of risks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialwright.statistics.arrays import Floats
from trialwright.statistics.covariates import Covariate, build_design, take
from trialwright.statistics.estimability import NotEstimable, require_subjects
from trialwright.statistics.logistic import LogisticFit, estimate_probabilities
from trialwright.statistics.resampling import (
    Bootstrap,
    BootstrapRiskDifference,
    Resamples,
    bootstrap_each,
    bootstrap_risk_difference,
    mostly_together,
)
from trialwright.statistics.risk_contrasts import RiskContrast, risk_difference
from trialwright.statistics.samples import Sample, as_sample, as_times, product_limit
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
    conventions : dict
    """

    propensity: LogisticFit
    weights: Floats
    size: EffectiveSize
    size_treated: EffectiveSize
    size_control: EffectiveSize
    conventions: dict[str, Any]
    _sample: Sample = field(repr=False)
    _is_treated: NDArray[np.bool_] = field(repr=False)
    _covariates: tuple[Covariate, ...] = field(repr=False)
    _target: Target = field(repr=False)
    _conf_level: float = field(repr=False)

    @property
    def is_treated(self) -> NDArray[np.bool_]:
        """Tell for each subject whether it is treated."""
        return self._is_treated

    @property
    def balance(self) -> tuple[Balance, ...]:
        """How far the groups lie apart in each covariate of the propensity score, before and after weighting."""
        return balance_table(self._covariates, self._is_treated, self.weights)

    @property
    def positivity(self) -> Positivity:
        """Whether both groups have subjects at each propensity score."""
        return positivity_summary(self.propensity.probability, self._is_treated)

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
            self._sample.time,
            self._sample.event,
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
        return bootstrap_risk_difference(
            lambda resamples: self.resampled_risks([time])(resamples)[0],
            len(self._sample.time),
            time=time,
            n_resamples=n_resamples,
            seed=seed,
            conf_level=self._conf_level,
        )

    def resampled_risks(self, times: ArrayLike) -> Callable[[Resamples], list[list[Floats | NotEstimable]]]:
        """Estimate the risks by `times` again from drawn subjects, each sample with a propensity score of its own.

        Parameters
        ----------
        times : array-like of shape (n_times,)
            Finite, 0 or more; events at a time count.

        Returns
        -------
        estimate : callable
            Gives for each time and resample the risks of treated and controls, shape (2,), or `NotEstimable` where there is
            no propensity score, or a curve is not known at the time.
        """
        read = as_times("times", times)
        estimate = mostly_together(
            lambda counts: self._risks_together(counts, read), lambda drawn: self._risks_of(drawn, read)
        )

        def by_time(resamples: Resamples) -> list[list[Floats | NotEstimable]]:
            found = estimate(resamples)
            return [[_at(one, i, time) for one in found] for i, time in enumerate(read)]

        return by_time

    def _risks_together(self, counts: Floats, times: Floats) -> Floats:
        """The risks of each sample, shape (n_samples, 2 n_times); NaN where they are not found so."""
        groups = self._is_treated.astype(float)
        matrix = build_design(self._covariates, n_subjects=len(groups)).matrix
        scores = estimate_probabilities(groups, matrix, counts)
        is_inside = ((scores > 0) & (scores < 1)).all(axis=1)
        risks = np.full((len(counts), 2, len(times)), np.nan)
        counts, scores = counts[is_inside], scores[is_inside]
        each = [compute_weights(one, groups, target=self._target) for one in scores]
        weights = counts * np.reshape(each, counts.shape)
        for i, rows in enumerate((self._is_treated, ~self._is_treated)):
            risks[is_inside, i] = _risks_by(
                replace(self._sample, time=self._sample.time[rows], event=self._sample.event[rows]),
                counts[:, rows],
                weights[:, rows],
                times,
            )
        return risks.reshape(len(risks), -1)

    def _risks_of(self, subjects: NDArray[np.int64], times: Floats) -> Floats:
        """The risks of one sample, shape (2 n_times,); NaN where a curve is not known at a time."""
        is_treated = self._is_treated[subjects]
        scores = fit_propensity(is_treated, take(self._covariates, subjects)).probability
        weights = compute_weights(scores, is_treated, target=self._target)
        return np.concatenate(
            [
                _risks(
                    self._sample.time[subjects][rows],
                    self._sample.event[subjects][rows],
                    weights[rows],
                    times,
                )
                for rows in (is_treated, ~is_treated)
            ]
        )

    def _curve(
        self, rows: NDArray[np.bool_], conf_level: float, conf_type: Literal["log-log", "log", "plain"]
    ) -> SurvivalCurve:
        return estimate_survival(
            self._sample.time[rows],
            self._sample.event[rows],
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
        conventions={"weights": target, "propensity": "logistic, main effects"},
        _sample=sample,
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
) -> list[Bootstrap | NotEstimable]:
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
    found : list of Bootstrap or NotEstimable
        For each time. Estimates have the shape (n, 3): risk of the treated, of the controls, and their difference.
        `NotEstimable` where more than 5 % of the resamples give no estimate at the time.

    Raises
    ------
    NotEstimable
        If weights leave too little information.

    References
    ----------
    .. [1] Schomaker M, Heumann C. Stat Med 2018;37:2252-2266, "MI Boot (pooled sample)".
    """
    for comparison in comparisons:
        if comparison.size.reason:
            raise NotEstimable(comparison.size.reason)
    m = len(comparisons)

    def risks_and_differences(resamples: Resamples) -> Iterator[list[Floats | NotEstimable]]:
        by_turns = [one.resampled_risks(times)(resamples[i::m]) for i, one in enumerate(comparisons)]
        for at_time in zip(*by_turns, strict=True):
            found = (at_time[i % m][i // m] for i in range(len(resamples)))
            yield [
                one if isinstance(one, NotEstimable) else np.array([*one, one[0] - one[1]]) for one in found
            ]

    n_subjects = len(comparisons[0].weights)
    return bootstrap_each(
        risks_and_differences, n_subjects, n_resamples=n_resamples, seed=seed, conf_level=conf_level
    )


def _risks(time: Floats, event: Floats, weights: Floats, at: ArrayLike) -> Floats:
    points = estimate_survival(time, event, weights=weights, variance="greenwood").at(at)
    return np.asarray(1 - points.survival)


def _at(risks: Floats | NotEstimable, i: int, time: float) -> Floats | NotEstimable:
    """The two risks at one of the times."""
    if isinstance(risks, NotEstimable):
        return risks
    both = risks.reshape(2, -1)[:, i]
    if np.isnan(both).any():
        return NotEstimable(f"in one group nobody is followed up to {time:g}")
    return both


def _risks_by(group: Sample, counts: Floats, weights: Floats, times: Floats) -> Floats:
    """The risks of a group in each sample, shape (n_samples, n_times); NaN where nobody of it is followed so far.

    `weights` are those of all draws of a subject together.
    """
    steps = np.unique(group.time[group.event == 1])
    is_at_risk = (group.time[:, None] >= steps).astype(float)
    has_event = ((group.time[:, None] == steps) & (group.event[:, None] == 1)).astype(float)
    survival = product_limit(weights @ is_at_risk, weights @ has_event)
    last = np.where(counts > 0, group.time, -np.inf).max(axis=1)
    row = np.searchsorted(steps, times + group.tied, side="right")
    read = np.concatenate([np.ones((len(counts), 1)), survival], axis=1)[:, row]
    is_beyond = times > last[:, None] + group.tied
    return np.asarray(np.where((read > 0) & is_beyond, np.nan, 1 - read))
