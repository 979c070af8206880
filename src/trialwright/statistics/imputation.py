"""Missing covariates: multiple imputation, and one result from several completed data sets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialwright.statistics.arrays import Floats, as_numbers, check_inside
from trialwright.statistics.covariates import Covariate, Measured, build_design, check_covariates
from trialwright.statistics.estimability import NotEstimable, require_subjects
from trialwright.statistics.student_t import t_p_value, t_quantile

_Values = NDArray[np.float64 | np.int64]

# A missing value is drawn from the subjects with the nearest predictions (van Buuren, section 3.4.2: 5).
_DONORS = 5
# Rounds through all incomplete covariates; the chains need few (van Buuren, section 4.5.2: 5 to 20).
_CYCLES = 10
# Predictors do not vary in a direction that has no more than this share of the squares of the one they vary in most.
_COLLINEAR = 1e-11


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
    streams = [np.random.default_rng(stream) for stream in np.random.SeedSequence(seed).spawn(m)]
    completed = _complete(covariates, helpers, streams)
    return tuple(
        tuple(_with(covariate, column[i]) for covariate, column in zip(covariates, completed, strict=True))
        for i in range(m)
    )


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
    covariates: Sequence[Covariate], helpers: Floats, streams: Sequence[np.random.Generator]
) -> list[_Values]:
    """Fill all covariates once for each stream: first by chance, then from each other in rounds.

    Returns
    -------
    completed : list of ndarray of shape (m, n)
        Values, or codes of levels, of each covariate.
    """
    missing = [covariate.is_missing for covariate in covariates]
    given = [_values(covariate) for covariate in covariates]
    filled: list[_Values] = [np.tile(values, (len(streams), 1)) for values in given]
    for i, rng in enumerate(streams):
        for values, is_missing, own in zip(given, missing, filled, strict=True):
            own[i, is_missing] = values[rng.choice(np.flatnonzero(~is_missing), size=int(is_missing.sum()))]
    order = sorted(
        (j for j, is_missing in enumerate(missing) if is_missing.any()), key=lambda j: int(missing[j].sum())
    )
    shared = np.tile(np.column_stack([np.ones(len(helpers)), helpers]), (len(streams), 1, 1))
    columns = [_predictors(*pair) for pair in zip(covariates, filled, strict=True)]
    for _ in range(_CYCLES if len(order) > 1 else 1):  # one alone waits for no other
        for j in order:
            others = [column for k, column in enumerate(columns) if k != j]
            predictors = np.concatenate([shared, *others], axis=2)
            donors = _draw_donors(_targets(covariates[j]), predictors, missing[j], streams)
            filled[j][:, missing[j]] = given[j][donors]
            columns[j] = _predictors(covariates[j], filled[j])
    return filled


def _draw_donors(
    target: Floats, predictors: Floats, is_missing: Any, streams: Sequence[np.random.Generator]
) -> Any:
    """Choose for each stream, and each subject whose value is missing, one that gives its own."""
    known = np.flatnonzero(~is_missing)
    x, y = predictors[:, known], np.tile(target[known], (len(streams), 1, 1))
    # weights of the Bayesian bootstrap
    root = np.sqrt([rng.standard_exponential(len(known)) for rng in streams])[:, :, None]
    of_known, of_missing = x @ _regress(x, y), predictors[:, is_missing] @ _regress(x * root, y * root)
    return known[[_nearest(*one) for one in zip(of_known, of_missing, streams, strict=True)]]


def _nearest(of_known: Floats, of_missing: Floats, rng: np.random.Generator) -> Any:
    """For each prediction in `of_missing` the place of one of those in `of_known` that are nearest."""
    shuffled = rng.permutation(len(of_known))  # equal distances must not favour those listed first
    distance = np.zeros((len(of_missing), len(of_known)))
    for pair in zip(of_missing.T, of_known[shuffled].T, strict=True):
        distance += np.subtract.outer(*pair) ** 2
    nearest = shuffled[np.argpartition(distance, _DONORS - 1, axis=1)[:, :_DONORS]]
    chosen = rng.integers(_DONORS, size=len(nearest))
    return nearest[np.arange(len(nearest)), chosen]


def _regress(x: Floats, y: Floats) -> Floats:
    """Least squares of each data set; of several solutions the shortest, for indicators of all levels add up to the constant."""
    turned = x.transpose(0, 2, 1)
    size, direction = np.linalg.eigh(turned @ x)
    is_kept = size > _COLLINEAR * size[:, -1:]
    along = direction.transpose(0, 2, 1) @ (turned @ y)
    return np.asarray(
        direction @ np.divide(along, size[:, :, None], out=np.zeros_like(along), where=is_kept[:, :, None])
    )


def _targets(covariate: Covariate) -> Floats:
    """Columns to predict, shape (n, k): a standardised quantity, or an indicator of each level."""
    if not isinstance(covariate, Measured):
        return covariate.indicators()
    known = covariate.values[~covariate.is_missing]
    spread = known.std() if len(known) else 0.0
    return np.asarray((covariate.values - (known.mean() if len(known) else 0.0)) / (spread or 1.0))[:, None]


def _predictors(covariate: Covariate, values: _Values) -> Floats:
    """Columns to predict from, shape (m, n, k), of complete values of shape (m, n); none of a level that nobody is at."""
    if isinstance(covariate, Measured):
        spread = values.std(axis=1, keepdims=True)
        standard = (values - values.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
        return np.asarray(standard[:, :, None])
    used = np.unique(covariate.codes[~covariate.is_missing])
    return np.asarray(values[:, :, None] == used, dtype=float)


def _values(covariate: Covariate) -> _Values:
    return covariate.values if isinstance(covariate, Measured) else covariate.codes


def _with(covariate: Covariate, values: Any) -> Covariate:
    if isinstance(covariate, Measured):
        return replace(covariate, values=values)
    return replace(covariate, codes=values)
