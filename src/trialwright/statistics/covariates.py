"""Covariates as models take them: measured quantities and categories, and what is missing of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialwright.statistics.arrays import Floats, as_numbers
from trialwright.statistics.estimability import NotEstimable


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A quantity of each subject; NaN where it is missing."""

    name: str
    values: Floats

    @property
    def is_missing(self) -> NDArray[np.bool_]:
        """Tell for each subject whether the value is missing."""
        return np.isnan(self.values)

    def columns(self) -> tuple[tuple[str, ...], Floats]:
        """Names and columns, of shape (n, 1), that stand for it in a model."""
        return (self.name,), self.values[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class Categorised:
    """A category of each subject: the position of its level in `levels`, -1 where it is missing."""

    name: str
    levels: tuple[Any, ...]
    codes: NDArray[np.int64]

    @property
    def is_missing(self) -> NDArray[np.bool_]:
        """Tell for each subject whether the level is missing."""
        return np.asarray(self.codes < 0)

    def indicators(self) -> Floats:
        """Give the column of each level, 1 where a subject is at it, of shape (n, n_levels)."""
        return np.asarray(self.codes[:, None] == np.arange(len(self.levels)), dtype=float)

    def columns(self) -> tuple[tuple[str, ...], Floats]:
        """Names and indicator columns that stand for it in a model.

        The first level that anybody is at is the reference and has no column, nor has a level that nobody is at.
        """
        used = np.unique(self.codes[self.codes >= 0])[1:]
        return tuple(f"{self.name}: {self.levels[code]}" for code in used), self.indicators()[:, used]


Covariate = Measured | Categorised


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """The columns of a model, without intercept: their names and a matrix of shape (n, n_columns)."""

    names: tuple[str, ...]
    matrix: Floats


@dataclass(frozen=True, slots=True)
class Missingness:
    """How many of `n` subjects have no value of a covariate."""

    name: str
    n: int
    n_missing: int


def measured(name: str, values: ArrayLike) -> Measured:
    """Take a measured quantity.

    Parameters
    ----------
    name : str
        The name used in tables and reasons; with the unit, if it has one.
    values : array-like of shape (n,)
        Finite numbers; None and NaN are missing.

    Raises
    ------
    ValueError
        If a value is infinite or no number.
    """
    return Measured(name, as_numbers(name, values, accept=lambda x: ~np.isinf(x), may_be_empty=True))


def categorised(name: str, labels: Iterable[Any], *, levels: Sequence[Any]) -> Categorised:
    """Take a category.

    Parameters
    ----------
    name : str
        The name used in tables and reasons.
    labels : sequence of length n
        One level per subject; None and NaN are missing.
    levels : sequence
        All levels there can be, in the order wanted.

    Raises
    ------
    ValueError
        If a label is none of the levels, or a level is named twice.

    Examples
    --------
    >>> names, columns = categorised("bclc", ["0", "A", "A", "0"], levels=["0", "A", "B"]).columns()
    >>> names, columns.T.tolist()
    (('bclc: A',), [[0.0, 1.0, 1.0, 0.0]])
    """
    number = {level: code for code, level in enumerate(levels)}
    if len(number) < len(levels):
        raise ValueError(f"`levels` of `{name}` must name each level once, not {list(levels)}")
    codes = []
    for position, label in enumerate(labels):
        is_missing = label is None or label != label  # NaN differs from itself
        if not is_missing and label not in number:
            raise ValueError(
                f"`{name}[{position}]` must be one of {', '.join(map(repr, levels))}, not {label!r}"
            )
        codes.append(-1 if is_missing else number[label])
    return Categorised(name, tuple(levels), np.array(codes, dtype=np.int64))


def take(covariates: Sequence[Covariate], subjects: NDArray[np.int64]) -> tuple[Covariate, ...]:
    """Give the covariates of the subjects at these positions, in this order; a position may come twice."""
    return tuple(
        replace(covariate, values=covariate.values[subjects])
        if isinstance(covariate, Measured)
        else replace(covariate, codes=covariate.codes[subjects])
        for covariate in covariates
    )


def count_missing(covariates: Sequence[Covariate]) -> tuple[Missingness, ...]:
    """Count the missing values of each covariate."""
    return tuple(
        Missingness(covariate.name, len(covariate.is_missing), int(covariate.is_missing.sum()))
        for covariate in covariates
    )


def check_covariates(covariates: Sequence[Covariate], *, n_subjects: int) -> None:
    """Raise ValueError unless names differ and each covariate is of `n_subjects`."""
    names = [covariate.name for covariate in covariates]
    if len(set(names)) < len(names):
        raise ValueError(f"`covariates` must have different names, not {names}")
    for covariate in covariates:
        n = len(covariate.is_missing)
        if n != n_subjects:
            raise ValueError(f"`{covariate.name}` must have {n_subjects} values, not {n}")


def build_design(covariates: Sequence[Covariate], *, n_subjects: int) -> Design:
    """Build the columns of a model from complete covariates.

    Raises
    ------
    ValueError
        If names repeat or a covariate has another length.
    NotEstimable
        If a value is missing, or all subjects are at one level of a category.
    """
    check_covariates(covariates, n_subjects=n_subjects)
    for missing in count_missing(covariates):
        if missing.n_missing:
            raise NotEstimable(
                f"`{missing.name}` is missing for {missing.n_missing} of {missing.n} subjects: impute it or leave it out"
            )
    parts = [(covariate.name, *covariate.columns()) for covariate in covariates]
    for name, columns, _ in parts:
        if not columns:
            raise NotEstimable(f"all subjects are at one level of `{name}`")
    return Design(
        tuple(column for _, columns, _ in parts for column in columns),
        np.column_stack([np.empty((n_subjects, 0)), *(matrix for _, _, matrix in parts)]),
    )
