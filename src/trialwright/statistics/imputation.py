"""Missing covariates: multiple imputation, and one result from several completed data sets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from trialwright.statistics.arrays import Floats, as_numbers, check_inside
from trialwright.statistics.covariates import Covariate, Measured, build_design, check_covariates
from trialwright.statistics.estimability import NotEstimable, require_subjects
from trialwright.statistics.student_t import t_p_value, t_quantile

# A missing value is drawn from the subjects with the nearest predictions (van Buuren, section 3.4.2: 5).
_DONORS = 5
# Rounds through all incomplete covariates; the chains need few (van Buuren, section 4.5.2: 5 to 20).
_CYCLES = 10


@dataclass(frozen=True, slots=True)
class CombinedEstimate:
    """One estimate from several imputed data sets.

    Attributes
    ----------
    estimate, std_error : float
        Mean of the estimates; root of the total variance.
    conf_low, conf_high, p_value : float
        From Student's t; the p-value is two-sided, that the estimate is 0.
    within, between, total : float
        Mean variance, variance of the estimates, and within + (1 + 1 / m) between.
    df : float
        Degrees of freedom of Barnard and Rubin.
    missing_information : float
        Share of the information lost with the missing values, (r + 2 / (df + 3)) / (r + 1) with r the relative
        increase in variance.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    within: float
    between: float
    total: float
    df: float
    missing_information: float
    n_imputations: int
    conventions: dict[str, Any]


def impute(
    covariates: Sequence[Covariate],
    *,
    auxiliary: Sequence[Covariate],
    m: int = 20,
    seed: int,
) -> tuple[tuple[Covariate, ...], ...]:
    """Complete missing covariates several times, by chained equations with predictive mean matching.

    Each incomplete covariate in turn is regressed on all others (a category by its indicators), with the uncertainty
    of the regression drawn by the Bayesian bootstrap [1]_; a missing value is that of one of the five subjects whose
    prediction is nearest [2]_. So only values that somebody has are imputed.

    Parameters
    ----------
    covariates : sequence of Covariate
        Those of the analysis, missing values and all.
    auxiliary : sequence of Covariate
        Complete ones that help to predict and are not imputed. They must hold the group, the event and the cumulative
        hazard at the time of event or censoring, or what is imputed knows nothing of the outcome and the analysis is
        biased towards no effect [3]_.
    m : int
        Completed data sets, at least 2.
    seed : int
        The same seed gives the same values.

    Returns
    -------
    completed : tuple of m tuples of Covariate
        In the order of `covariates`.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If a covariate is known for too few subjects to predict it from the others, or an auxiliary one is missing.

    References
    ----------
    .. [1] Rubin DB. Ann Stat 1981;9:130-134.
    .. [2] van Buuren S. Flexible Imputation of Missing Data, 2nd ed. 2018, algorithms 3.3 and 4.3.
    .. [3] White IR, Royston P. Stat Med 2009;28:1982-1998.
    """
    if m < 2:
        raise ValueError(f"`m` must be 2 or more, not {m}")
    if not covariates:
        raise ValueError("`covariates` must hold at least one covariate")
    n = len(covariates[0].is_missing)
    require_subjects(covariates[0].is_missing)
    check_covariates([*covariates, *auxiliary], n_subjects=n)
    helpers = build_design(auxiliary, n_subjects=n).matrix
    _check_known(covariates, helpers)
    streams = np.random.SeedSequence(seed).spawn(m)
    return tuple(_complete(covariates, helpers, np.random.default_rng(stream)) for stream in streams)


def combine(
    estimates: ArrayLike, variances: ArrayLike, *, df_complete: float = math.inf, conf_level: float = 0.95
) -> CombinedEstimate:
    """Combine the estimates from imputed data sets by Rubin's rules [1]_.

    Parameters
    ----------
    estimates, variances : array-like of shape (m,)
        From each data set: the estimate on a scale on which it is about normal (a log hazard ratio, a difference) and
        its squared standard error.
    df_complete : float
        Degrees of freedom the analysis would have without missing values; infinite for one based on the normal
        distribution. It bounds those of the result [2]_.
    conf_level : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If there are fewer than two data sets, or all variances are 0.

    References
    ----------
    .. [1] Rubin DB. Multiple Imputation for Nonresponse in Surveys. 1987, section 3.3.
    .. [2] Barnard J, Rubin DB. Biometrika 1999;86:948-955.
    """
    q = as_numbers("estimates", estimates)
    m = len(q)
    u = as_numbers(
        "variances",
        variances,
        expected="finite and 0 or more",
        accept=lambda x: np.isfinite(x) & (x >= 0),
        length=m,
    )
    check_inside("conf_level", conf_level, 0, 1)
    if not df_complete > 0:
        raise ValueError(f"`df_complete` must be above 0, not {df_complete!r}")
    if m < 2:
        raise NotEstimable("one imputed data set does not tell how much imputations differ")
    within, between = float(u.mean()), float(q.var(ddof=1))
    if within == 0:
        raise NotEstimable("the variance is 0 in every imputed data set")
    extra = (1 + 1 / m) * between
    total = within + extra
    df = _degrees_of_freedom(m, extra / total, df_complete)
    estimate, std_error = float(q.mean()), math.sqrt(total)
    half_width = t_quantile((1 + conf_level) / 2, df) * std_error
    increase = extra / within
    return CombinedEstimate(
        estimate,
        std_error,
        estimate - half_width,
        estimate + half_width,
        t_p_value(estimate / std_error, df),
        within,
        between,
        total,
        df,
        (increase + 2 / (df + 3)) / (increase + 1),
        m,
        {
            "combined": "Rubin 1987",
            "degrees_of_freedom": "Barnard and Rubin 1999",
            "df_complete": df_complete,
            "conf_level": conf_level,
        },
    )


def _degrees_of_freedom(m: int, share: float, df_complete: float) -> float:
    """Barnard and Rubin, equations 3 and 4; `share` is that of the imputations in the total variance."""
    of_imputations = (m - 1) / share**2 if share**2 > 0 else math.inf
    if math.isinf(df_complete):
        return of_imputations
    observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
    return 1 / (1 / of_imputations + 1 / observed)


def _check_known(covariates: Sequence[Covariate], helpers: Floats) -> None:
    n_columns = helpers.shape[1] + sum(_targets(covariate).shape[1] for covariate in covariates)
    for covariate in covariates:
        n_known = int((~covariate.is_missing).sum())
        least = max(_DONORS, 1 + n_columns - _targets(covariate).shape[1])
        if n_known < least and covariate.is_missing.any():
            known = f"known for only {n_known} subjects" if n_known else "missing for everyone"
            raise NotEstimable(f"`{covariate.name}` is {known}: imputing it from the others needs {least}")


def _complete(
    covariates: Sequence[Covariate], helpers: Floats, rng: np.random.Generator
) -> tuple[Covariate, ...]:
    """Fill all covariates once: first by chance, then from each other in rounds."""
    missing = [covariate.is_missing for covariate in covariates]
    known = [np.flatnonzero(~is_missing) for is_missing in missing]
    filled = [
        _copy(covariate, is_missing, rng.choice(of, size=int(is_missing.sum())))
        for covariate, is_missing, of in zip(covariates, missing, known, strict=True)
    ]
    order = sorted(
        (j for j, is_missing in enumerate(missing) if is_missing.any()), key=lambda j: int(missing[j].sum())
    )
    targets = [_targets(covariate) for covariate in covariates]
    columns = [_targets(covariate) for covariate in filled]
    for _ in range(_CYCLES if len(order) > 1 else 1):  # one alone waits for no other
        for j in order:
            others = [column for k, column in enumerate(columns) if k != j]
            predictors = np.column_stack([np.ones(len(helpers)), helpers, *others])
            donors = _draw_donors(targets[j], predictors, missing[j], rng)
            filled[j] = _copy(covariates[j], missing[j], donors)
            columns[j] = _targets(filled[j])
    return tuple(filled)


def _draw_donors(target: Floats, predictors: Floats, is_missing: Any, rng: np.random.Generator) -> Any:
    """Choose for each subject whose value is missing one that gives its own."""
    known = np.flatnonzero(~is_missing)
    root = np.sqrt(rng.standard_exponential(len(known)))[:, None]  # weights of the Bayesian bootstrap
    best = np.linalg.lstsq(predictors[known], target[known])[0]
    drawn = np.linalg.lstsq(predictors[known] * root, target[known] * root)[0]
    of_known, of_missing = predictors[known] @ best, predictors[is_missing] @ drawn
    distance = np.linalg.norm(of_missing[:, None, :] - of_known[None, :, :], axis=2)
    shuffled = rng.permutation(len(known))  # equal distances must not favour those listed first
    nearest = shuffled[np.argpartition(distance[:, shuffled], _DONORS - 1, axis=1)[:, :_DONORS]]
    chosen = rng.integers(_DONORS, size=len(nearest))
    return known[nearest[np.arange(len(nearest)), chosen]]


def _targets(covariate: Covariate) -> Floats:
    """Columns to predict or to predict from, shape (n, k): a standardised quantity, or an indicator of each level."""
    if not isinstance(covariate, Measured):
        return covariate.indicators()
    known = covariate.values[~covariate.is_missing]
    spread = known.std() if len(known) else 0.0
    return np.asarray((covariate.values - (known.mean() if len(known) else 0.0)) / (spread or 1.0))[:, None]


def _copy(covariate: Covariate, is_missing: Any, donors: Any) -> Covariate:
    if isinstance(covariate, Measured):
        values = covariate.values.copy()
        values[is_missing] = values[donors]
        return replace(covariate, values=values)
    codes = covariate.codes.copy()
    codes[is_missing] = codes[donors]
    return replace(covariate, codes=codes)
