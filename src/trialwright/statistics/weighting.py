"""Comparing groups that chance did not make: propensity scores, weights, balance, and what weighting costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from trialwright.statistics.arrays import Floats, as_numbers, check_inside, check_option
from trialwright.statistics.covariates import Categorised, Covariate, Measured, build_design, check_covariates
from trialwright.statistics.descriptive import standardised_difference_levels, standardised_difference_numbers
from trialwright.statistics.estimability import NotEstimable, require_subjects
from trialwright.statistics.logistic import LogisticFit, fit_logistic

Target = Literal["overlap", "everyone", "treated", "matchable"]
Measure = Literal["risk ratio", "hazard ratio, rare outcome", "hazard ratio, common outcome"]

TARGETS: tuple[Target, ...] = ("overlap", "everyone", "treated", "matchable")
_MEASURES: tuple[Measure, ...] = (
    "risk ratio",
    "hazard ratio, rare outcome",
    "hazard ratio, common outcome",
)
# A weighted result is a headline only if the weights leave at least this share of the subjects' information.
LEAST_SHARE = 0.5
# Absolute standardised differences up to the first are good, above the second a warning (Stuart, Stat Sci 2010;25:1).
_GOOD, _NOTABLE = 0.1, 0.25


@dataclass(frozen=True, slots=True)
class EffectiveSize:
    """How many equally weighted subjects would tell as much, (sum w)^2 / sum w^2 (Kish 1965)."""

    n_subjects: int
    effective: float

    @property
    def share(self) -> float:
        """The effective size as a share of the subjects, above 0 and at most 1."""
        return self.effective / self.n_subjects

    @property
    def is_usable(self) -> bool:
        """Whether a weighted result may be a headline: the effective size is at least half of the subjects."""
        return self.share >= LEAST_SHARE

    @property
    def reason(self) -> str | None:
        """Why a weighted result must not be a headline, or None if it may be."""
        if self.is_usable:
            return None
        return f"the weights leave the information of {self.effective:.1f} of {self.n_subjects} subjects, less than half"


@dataclass(frozen=True, slots=True)
class GroupMeans:
    """Mean of a quantity, or share at a level, in both groups, before and after weighting."""

    level: Any | None
    treated_before: float
    control_before: float
    treated_after: float
    control_after: float


@dataclass(frozen=True, slots=True)
class Balance:
    """How far the groups lie apart in one covariate, before and after weighting.

    Attributes
    ----------
    name : str
    means : tuple of GroupMeans
        One for a quantity, whose `level` is None; one for each level of a category.
    before, after : float
        Standardised difference; of a quantity treated minus control, of a category 0 or more. NaN without one.
    reason : str or None
        Why there is none.
    """

    name: str
    means: tuple[GroupMeans, ...]
    before: float
    after: float
    reason: str | None

    @property
    def verdict(self) -> Literal["good", "note", "warn", "unknown"]:
        """Judge the weighted difference: below 0.1 good, up to 0.25 worth a note, above 0.25 a warning."""
        size = abs(self.after)
        if math.isnan(size):
            return "unknown"
        return "good" if size < _GOOD else "note" if size <= _NOTABLE else "warn"


@dataclass(frozen=True, slots=True, eq=False)
class Positivity:
    """Whether both groups have subjects at each propensity score.

    Attributes
    ----------
    edges : ndarray of shape (n_bins + 1,)
        Bounds of the bins of the histogram, from 0 to 1; a score on a bound is in the bin above it.
    n_treated, n_control : ndarray of shape (n_bins,)
        Subjects in each bin.
    common_low, common_high : float
        The scores both groups reach: the larger of the smallest, the smaller of the largest. The first is above the
        second where the groups do not overlap.
    share_treated_outside, share_control_outside : float
        Share of each group outside that range.
    """

    edges: Floats
    n_treated: Floats
    n_control: Floats
    common_low: float
    common_high: float
    share_treated_outside: float
    share_control_outside: float


@dataclass(frozen=True, slots=True)
class EValue:
    """The least risk ratio an unmeasured confounder must have with treatment and with outcome to explain a result.

    `estimate` belongs to the estimate, `limit` to the confidence limit nearer 1 (1 if the interval holds 1).
    """

    estimate: float
    limit: float
    measure: Measure


def fit_propensity(treated: ArrayLike, covariates: Sequence[Covariate]) -> LogisticFit:
    """Fit the propensity score, the probability of the treatment given the covariates [1]_.

    Parameters
    ----------
    treated : array-like of shape (n,)
        1 or True for the treated, 0 or False for the controls.
    covariates : sequence of Covariate
        Known before the treatment was chosen, complete. A category enters with an indicator for each level but the
        first.

    Returns
    -------
    fit : LogisticFit
        Its `probability` is the score.

    Raises
    ------
    ValueError
        If `treated` is not of 0 and 1, or a covariate has another length.
    NotEstimable
        If a value is missing, a group is empty, or a covariate is collinear or separates the groups; the reason
        names it. Also if a score cannot be told from 0 or 1.

    References
    ----------
    .. [1] Rosenbaum PR, Rubin DB. Biometrika 1983;70:41-55.
    """
    groups = as_groups(treated)
    if not covariates:
        raise ValueError("`covariates` must hold at least one covariate")
    design = build_design(covariates, n_subjects=len(groups))
    if np.all(groups == groups[0]):
        raise NotEstimable(f"all subjects are {'treated' if groups[0] else 'controls'}")
    fit = fit_logistic(groups, design.matrix, names=design.names)
    if not ((fit.probability > 0) & (fit.probability < 1)).all():
        raise NotEstimable(
            "the covariates all but separate the groups: a propensity score is 0 or 1 to the last digit"
        )
    return fit


def compute_weights(scores: ArrayLike, treated: ArrayLike, *, target: Target = "overlap") -> Floats:
    """Weight subjects so that both groups stand for one target population.

    ========= =========================== ================== ======================================
    target    treated                     control            whom the comparison is about
    ========= =========================== ================== ======================================
    overlap   1 - e                       e                  those who could be in either group [1]_
    everyone  1 / e                       1 / (1 - e)        all subjects (ATE)
    treated   1                           e / (1 - e)        the treated (ATT)
    matchable min(e, 1-e) / e             min(e, 1-e)/(1-e)  those a 1:1 match would find [2]_
    ========= =========================== ================== ======================================

    Parameters
    ----------
    scores : array-like of shape (n,)
        Propensity scores e, between 0 and 1, themselves excluded.
    treated : array-like of shape (n,)
        1 or True for the treated, 0 or False for the controls.
    target : {"overlap", "everyone", "treated", "matchable"}

    Returns
    -------
    weights : ndarray of shape (n,)
        Above 0, not normalised.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.

    References
    ----------
    .. [1] Li F, Morgan KL, Zaslavsky AM. J Am Stat Assoc 2018;113:390-400, table 1.
    .. [2] Li L, Greene T. Int J Biostat 2013;9:215-234.

    Examples
    --------
    >>> compute_weights([0.2, 0.2], [1, 0], target="everyone").tolist()
    [5.0, 1.25]
    """
    e = _as_scores(scores)
    is_treated = as_groups(treated, length=len(e)) == 1
    check_option("target", target, TARGETS)
    share = np.where(is_treated, e, 1 - e)  # the probability of the group the subject is in
    if target == "overlap":
        return np.where(is_treated, 1 - e, e)  # not 1 - share, which rounds a tiny score to a weight of 0
    if target == "everyone":
        return 1 / share
    if target == "treated":
        return e / share
    return np.minimum(e, 1 - e) / share


def truncate_weights(weights: ArrayLike, *, low: float = 0.01, high: float = 0.99) -> Floats:
    """Pull weights beyond two quantiles (type 7) back to them: a sensitivity analysis only, for it shifts the target.

    References
    ----------
    .. [1] Cole SR, Hernán MA. Am J Epidemiol 2008;168:656-664.
    """
    w = _as_weights(weights)
    if not 0 <= low < high <= 1:
        raise ValueError(f"`low` and `high` must be 0 <= low < high <= 1, not {low!r} and {high!r}")
    return np.asarray(np.clip(w, *np.quantile(w, [low, high])))


def effective_sample_size(weights: ArrayLike) -> EffectiveSize:
    """Compute how many equally weighted subjects would tell as much as these weighted ones.

    Parameters
    ----------
    weights : array-like of shape (n,)
        Finite and above 0.

    Raises
    ------
    ValueError
        If a weight is not.

    Examples
    --------
    >>> size = effective_sample_size([1.25, 2, 1.4286, 5, 10])
    >>> round(size.effective, 4), size.is_usable
    (2.9203, True)
    """
    w = _as_weights(weights)
    w = w / w.max()
    return EffectiveSize(len(w), float(w.sum() ** 2 / np.sum(w**2)))


def balance_table(
    covariates: Sequence[Covariate], treated: ArrayLike, weights: ArrayLike
) -> tuple[Balance, ...]:
    """Compare the groups covariate by covariate, before and after weighting.

    Both differences have the denominator of the unweighted groups [1]_, so that weighting cannot shrink a difference
    by widening a group.

    Parameters
    ----------
    covariates : sequence of Covariate
        Complete; those outside the propensity model too.
    treated : array-like of shape (n,)
        1 or True for the treated, 0 or False for the controls.
    weights : array-like of shape (n,)
        Finite and above 0.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If a value is missing or a group is empty.

    References
    ----------
    .. [1] Austin PC, Stuart EA. Stat Med 2015;34:3661-3679.
    """
    is_treated = as_groups(treated) == 1
    w = _as_weights(weights, length=len(is_treated))
    check_covariates(covariates, n_subjects=len(is_treated))
    for covariate in covariates:
        if covariate.is_missing.any():
            raise NotEstimable(f"`{covariate.name}` is missing for {covariate.is_missing.sum()} subjects")
    if is_treated.all() or not is_treated.any():
        raise NotEstimable("one of the groups is empty")
    return tuple(
        (_balance_of_numbers if isinstance(covariate, Measured) else _balance_of_levels)(
            covariate,  # type: ignore[arg-type]
            is_treated,
            w,
        )
        for covariate in covariates
    )


def positivity_summary(scores: ArrayLike, treated: ArrayLike, *, n_bins: int = 20) -> Positivity:
    """Summarise where the propensity scores of the groups overlap.

    Raises
    ------
    ValueError
        If a score is not between 0 and 1, `treated` is not of 0 and 1, or `n_bins` is below 1.
    NotEstimable
        If a group is empty.
    """
    e = _as_scores(scores)
    is_treated = as_groups(treated, length=len(e)) == 1
    if n_bins < 1:
        raise ValueError(f"`n_bins` must be 1 or more, not {n_bins}")
    if is_treated.all() or not is_treated.any():
        raise NotEstimable("one of the groups is empty")
    of_treated, of_control = e[is_treated], e[~is_treated]
    low, high = max(of_treated.min(), of_control.min()), min(of_treated.max(), of_control.max())
    edges = np.linspace(0, 1, n_bins + 1)
    return Positivity(
        edges,
        np.histogram(of_treated, edges)[0],
        np.histogram(of_control, edges)[0],
        float(low),
        float(high),
        float(np.mean((of_treated < low) | (of_treated > high))),
        float(np.mean((of_control < low) | (of_control > high))),
    )


def e_value(
    estimate: float,
    conf_low: float | None = None,
    conf_high: float | None = None,
    *,
    measure: Measure,
) -> EValue:
    """Compute how strong unmeasured confounding must be to explain a result away.

    RR + sqrt(RR (RR - 1)) for RR above 1, after inverting one below 1 [1]_. A hazard ratio counts as risk ratio where
    the outcome is rare (up to 15 % at the end of follow-up); else RR = (1 - 0.5^sqrt(HR)) / (1 - 0.5^sqrt(1 / HR)).

    Parameters
    ----------
    estimate, conf_low, conf_high : float
        The ratio with its limits, above 0. Without limits that of the estimate is given for both.
    measure : {"risk ratio", "hazard ratio, rare outcome", "hazard ratio, common outcome"}

    Raises
    ------
    ValueError
        If a ratio is not above 0, one limit is given alone, or the estimate is outside its limits.

    References
    ----------
    .. [1] VanderWeele TJ, Ding P. Ann Intern Med 2017;167:268-274, and its table 2.

    Examples
    --------
    >>> round(e_value(0.60, 0.42, 0.86, measure="hazard ratio, common outcome").limit, 3)
    1.46
    """
    check_option("measure", measure, _MEASURES)
    if (conf_low is None) != (conf_high is None):
        raise ValueError("`conf_low` and `conf_high` must be given together")
    low = estimate if conf_low is None else conf_low
    high = estimate if conf_high is None else conf_high
    for name, ratio in (("estimate", estimate), ("conf_low", low), ("conf_high", high)):
        check_inside(name, ratio, 0, math.inf)
    if not low <= estimate <= high:
        raise ValueError(f"`estimate` must lie between {low!r} and {high!r}, not {estimate!r}")
    nearest = low if low > 1 else high if high < 1 else 1.0
    return EValue(_e_value(estimate, measure), _e_value(nearest, measure), measure)


def _e_value(ratio: float, measure: Measure) -> float:
    if measure == "hazard ratio, common outcome":
        ratio = (1 - 0.5 ** math.sqrt(ratio)) / (1 - 0.5 ** math.sqrt(1 / ratio))
    ratio = max(ratio, 1 / ratio)
    return ratio + math.sqrt(ratio * (ratio - 1))


def _balance_of_numbers(covariate: Measured, is_treated: Any, weights: Floats) -> Balance:
    x = covariate.values
    means = _group_means(None, x, is_treated, weights)
    of_treated, of_control = x[is_treated], x[~is_treated]
    try:
        before = standardised_difference_numbers(of_treated, of_control)
    except NotEstimable as error:
        return Balance(covariate.name, (means,), math.nan, math.nan, error.reason)
    scale = math.sqrt((of_treated.var(ddof=1) + of_control.var(ddof=1)) / 2)
    after = (means.treated_after - means.control_after) / scale
    return Balance(covariate.name, (means,), before, after, None)


def _balance_of_levels(covariate: Categorised, is_treated: Any, weights: Floats) -> Balance:
    columns = covariate.indicators()
    means = tuple(
        _group_means(level, column, is_treated, weights)
        for level, column in zip(covariate.levels, columns.T, strict=True)
    )
    counts = columns[is_treated].sum(axis=0), columns[~is_treated].sum(axis=0)
    try:
        before = standardised_difference_levels(*counts)
    except NotEstimable as error:
        return Balance(covariate.name, means, math.nan, math.nan, error.reason)
    # As `standardised_difference_levels`, with the difference of the weighted shares.
    used = np.flatnonzero(counts[0] + counts[1])[1:]
    p, q = ((count / count.sum())[used] for count in counts)
    covariance = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    apart = np.array([means[level].treated_after - means[level].control_after for level in used])
    after = math.sqrt(apart @ np.linalg.solve(covariance, apart))
    return Balance(covariate.name, means, before, after, None)


def _group_means(level: Any | None, x: Floats, is_treated: Any, weights: Floats) -> GroupMeans:
    return GroupMeans(
        level,
        float(x[is_treated].mean()),
        float(x[~is_treated].mean()),
        float(np.average(x[is_treated], weights=weights[is_treated])),
        float(np.average(x[~is_treated], weights=weights[~is_treated])),
    )


def as_groups(treated: ArrayLike, length: int | None = None) -> Floats:
    """Convert `treated` to 1 for the treated and 0 for the controls; anything else raises ValueError.

    Nobody at all raises `NotEstimable`.
    """
    require_subjects(treated)
    return as_numbers(
        "treated", treated, expected="0 or 1", accept=lambda x: (x == 0) | (x == 1), length=length
    )


def _as_scores(scores: ArrayLike) -> Floats:
    require_subjects(scores)
    return as_numbers(
        "scores",
        scores,
        expected="between 0 and 1, themselves excluded",
        accept=lambda x: (x > 0) & (x < 1),
    )


def _as_weights(weights: ArrayLike, length: int | None = None) -> Floats:
    require_subjects(weights)
    return as_numbers(
        "weights",
        weights,
        expected="finite and above 0",
        accept=lambda x: np.isfinite(x) & (x > 0),
        length=length,
    )
