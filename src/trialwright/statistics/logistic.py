"""Logistic regression by maximum likelihood."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialwright.statistics.arrays import Floats, as_matrix, as_numbers
from trialwright.statistics.estimability import NotEstimable, require_subjects

# Of a standardised column, what the columns before it leave unexplained must be more than this.
_COLLINEAR = 1e-8
# Newton steps shorter than this, per standard deviation of a covariate, are rounding.
_CONVERGED = 1e-10
# Each step towards an infinite coefficient is about 1 long: it is met long before.
_MOST_STEPS = 60
# Information per subject about a direction, of at most 1/4, below which the likelihood no longer bends there.
_FLAT = 1e-11
# What is fitted many at a time keeps well away from that, and is not waited for.
_SURELY_BENT = 1e-7
_FEW_STEPS = 15


@dataclass(frozen=True, slots=True)
class LogisticCoefficient:
    """The log odds ratio for one unit more of a covariate, or the log odds where all are 0 (`(intercept)`)."""

    name: str
    coef: float
    std_error: float


@dataclass(frozen=True, slots=True, eq=False)
class LogisticFit:
    """A fitted logistic model.

    Attributes
    ----------
    coefficients : tuple of LogisticCoefficient
        The intercept, then the covariates in their order. Standard errors are from the expected information.
    probability : ndarray of shape (n,)
        Fitted probability of each subject, between 0 and 1, themselves excluded.
    loglik : float
    n_subjects, n_events : int
    conventions : dict
    """

    coefficients: tuple[LogisticCoefficient, ...]
    probability: Floats
    loglik: float
    n_subjects: int
    n_events: int
    conventions: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Orthogonal columns, intercept first, of length sqrt(n); `back` turns their coefficients into the user's.

    `spread` is the standard deviation of each covariate.
    """

    matrix: Floats
    back: Floats
    spread: Floats


def fit_logistic(outcome: ArrayLike, covariates: ArrayLike, *, names: Sequence[str]) -> LogisticFit:
    """Fit the probability of an outcome by logistic regression.

    Newton's method on the likelihood [1]_ over orthogonal columns, a step halved while it lowers the likelihood.

    Parameters
    ----------
    outcome : array-like of shape (n,)
        1 or True for those with the outcome, 0 or False for those without.
    covariates : array-like of shape (n, n_covariates)
        Finite numbers; may have no column.
    names : sequence of str
        A name for each covariate.

    Returns
    -------
    fit : LogisticFit
        As R's `glm(family = binomial)`, converged to rounding.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If all have the outcome or none, a covariate does not vary or is a linear combination of others, or an odds
        ratio is infinite or zero because covariates separate those with from those without the outcome [2]_.

    References
    ----------
    .. [1] McCullagh P, Nelder JA. Generalized Linear Models, 2nd ed. 1989, section 4.4.
    .. [2] Albert A, Anderson JA. Biometrika 1984;71:1-10.
    """
    require_subjects(outcome)
    names = list(names)
    y = as_numbers("outcome", outcome, expected="0 or 1", accept=lambda x: (x == 0) | (x == 1))
    if len(set(names)) < len(names):
        raise ValueError(f"`names` must hold different names, not {names}")
    x = as_matrix("covariates", covariates, names, length=len(y))
    if np.all(y == y[0]):
        raise NotEstimable(f"{'everyone' if y[0] else 'nobody'} has the outcome")
    columns = _orthogonal(x, names)
    for name, values in zip(names, x.T, strict=True):
        if _separates(values, y):
            raise NotEstimable(
                f"`{name}` separates those with from those without the outcome: its odds ratio is infinite or zero"
            )
    gamma, information = _maximise(columns, y, names)
    coef = columns.back @ gamma
    covariance = columns.back @ np.linalg.solve(information, columns.back.T)
    predictor = columns.matrix @ gamma
    return LogisticFit(
        coefficients=tuple(
            LogisticCoefficient(name, value, error)
            for name, value, error in zip(
                ["(intercept)", *names], coef.tolist(), np.sqrt(np.diag(covariance)).tolist(), strict=True
            )
        ),
        probability=_expit(predictor),
        loglik=_loglik(predictor, y),
        n_subjects=len(y),
        n_events=int(y.sum()),
        conventions={"model": "logistic", "method": "maximum likelihood", "convergence": _CONVERGED},
    )


def estimate_probabilities(outcome: Floats, covariates: Floats, counts: Floats) -> Floats:
    """Fit a logistic regression to each of many samples of the same subjects at once.

    Newton's method as in `fit_logistic`, whole steps only, so that it settles at the same place or not at all.

    Parameters
    ----------
    outcome : ndarray of shape (n,)
        1 for those with the outcome, 0 for those without.
    covariates : ndarray of shape (n, n_covariates)
    counts : ndarray of shape (n_samples, n)
        How often each sample holds each subject.

    Returns
    -------
    probability : ndarray of shape (n_samples, n)
        NaN for a sample without a model, or one that is found with care only: `fit_logistic` finds it, or tells why not.
    """
    n, k = len(outcome), 1 + covariates.shape[1]
    found = np.full(counts.shape, np.nan)
    spread = covariates.std(axis=0)
    standard = (covariates - covariates.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    q, r = np.linalg.qr(np.column_stack([np.ones(n), standard]))
    if k > n or np.abs(np.diag(r)).min() < _COLLINEAR * math.sqrt(n):
        return found
    z = q * math.sqrt(n)
    products = (z[:, :, None] * z[:, None, :]).reshape(n, k * k)
    gamma = np.zeros((len(counts), k))
    moving = np.flatnonzero(_bends(counts, products))
    for _ in range(_FEW_STEPS):
        probability = _expit(gamma[moving] @ z.T)
        variance = counts[moving] * probability * (1 - probability)
        information = (variance @ products).reshape(-1, k, k)
        slope = (counts[moving] * (outcome - probability)) @ z
        try:
            step = np.linalg.solve(information, slope[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError:
            break
        gamma[moving] += step
        is_settled = np.abs(step).max(axis=1) < _CONVERGED * (1 + np.abs(gamma[moving]).max(axis=1))
        is_sure = is_settled & _bends(variance, products)
        found[moving[is_sure]] = _expit(gamma[moving[is_sure]] @ z.T)
        moving = moving[~is_settled]
        if not len(moving):
            break
    return found


def _bends(variance: Floats, products: Floats) -> NDArray[np.bool_]:
    """Whether the likelihood of each sample bends in every direction, and far more than it must."""
    k = math.isqrt(products.shape[1])
    least = np.linalg.eigvalsh((variance @ products).reshape(-1, k, k))[:, 0]
    return np.asarray(least > _SURELY_BENT * products.shape[0])


def _orthogonal(x: Floats, names: list[str]) -> _Columns:
    n = len(x)
    centre, spread = x.mean(axis=0), x.std(axis=0)
    for name, values in zip(names, x.T, strict=True):
        if np.all(values == values[0]):
            raise NotEstimable(f"`{name}` has only one value, {values[0]:g}")
    standard = np.column_stack([np.ones(n), (x - centre) / spread])
    q, r = np.linalg.qr(standard)
    unexplained = np.abs(np.diag(r))[: 1 + len(names)] / math.sqrt(n)
    for position, name in enumerate(names, start=1):
        if position >= len(unexplained) or unexplained[position] < _COLLINEAR:
            raise NotEstimable(f"`{name}` cannot be told from a linear combination of the other covariates")
    to_user = np.diag(np.r_[1.0, 1 / spread])
    to_user[0, 1:] = -centre / spread
    return _Columns(q * math.sqrt(n), to_user @ np.linalg.inv(r / math.sqrt(n)), spread)


def _maximise(columns: _Columns, y: Floats, names: list[str]) -> tuple[Floats, Floats]:
    """Give the coefficients of the orthogonal columns, and their information matrix."""
    z = columns.matrix
    gamma: Floats = np.zeros(z.shape[1])
    for _ in range(_MOST_STEPS):
        probability = _expit(z @ gamma)
        information = (z * (probability * (1 - probability))[:, None]).T @ z
        bends = np.linalg.eigvalsh(information)[0] > _FLAT * len(y)
        if not bends:
            break
        step = np.linalg.solve(information, z.T @ (y - probability))
        now = _loglik(z @ gamma, y)
        halvings = 0
        while _loglik(z @ (gamma + step), y) < now - 1e-12 * abs(now) and halvings < _MOST_STEPS:
            step, halvings = step / 2, halvings + 1
        gamma = gamma + step
        if np.max(np.abs(step)) < _CONVERGED * (1 + np.max(np.abs(gamma))):
            return gamma, information
    raise NotEstimable(_why_without_maximum(columns, gamma, names))


def _why_without_maximum(columns: _Columns, gamma: Floats, names: list[str]) -> str:
    """Name the covariates that lead to infinity: those that weigh in the direction gone."""
    gone = np.abs((columns.back @ gamma)[1:]) * columns.spread
    largest = [f"`{name}`" for name, size in zip(names, gone, strict=True) if size > 0.01 * gone.max()]
    return f"a combination of {', '.join(largest)} separates those with from those without the outcome"


def _separates(values: Floats, y: Floats) -> bool:
    """Whether every value with the outcome is at least, or at most, every value without."""
    with_outcome, without = values[y == 1], values[y == 0]
    return bool(with_outcome.min() >= without.max() or with_outcome.max() <= without.min())


def _expit(predictor: Floats) -> Floats:
    return np.asarray(np.exp(-np.logaddexp(0, -predictor)))


def _loglik(predictor: Floats, y: Floats) -> float:
    return float(np.sum(y * predictor - np.logaddexp(0, predictor)))
