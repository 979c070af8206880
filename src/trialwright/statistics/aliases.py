"""Covariates that say nothing new: what is the same for everybody, or follows from covariates before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trialwright.statistics.arrays import Floats
from trialwright.statistics.covariates import Categorised, Covariate, take

# A column is explained by others where what they leave of it is this small a share of it.
_EXPLAINED = 1e-7


@dataclass(frozen=True, slots=True)
class Unaliased:
    """Covariates whose columns all tell something.

    Attributes
    ----------
    covariates : tuple of Covariate
        Those kept, in order. Of a category, levels that follow from other covariates have been joined to its reference,
        which leaves a model with all of them the same predictions.
    left_out : tuple of str
        Names of covariates that say nothing new.
    joined : tuple of (str, tuple)
        Categories of which levels were joined to the reference, with these levels.
    """

    covariates: tuple[Covariate, ...]
    left_out: tuple[str, ...]
    joined: tuple[tuple[str, tuple[object, ...]], ...]


def without_aliases(covariates: Sequence[Covariate]) -> Unaliased:
    """Leave out what follows from covariates before it, so that a model of all has a unique solution.

    Predictions of a regression stay the same: R's `glm` leaves the same columns out. What follows from what is told by the
    subjects of whom everything is known; where these are not more than the columns, nothing is left out.

    Parameters
    ----------
    covariates : sequence of Covariate
        Of the same subjects; values may be missing.

    Returns
    -------
    unaliased : Unaliased

    Examples
    --------
    >>> from trialwright.statistics.covariates import measured
    >>> found = without_aliases([measured("age", [50, 60, 70, 80]), measured("months", [600, 720, 840, 960])])
    >>> found.left_out
    ('months',)
    """
    if not covariates:
        return Unaliased((), (), ())
    is_known = ~np.any([covariate.is_missing for covariate in covariates], axis=0)
    known = take(covariates, np.flatnonzero(is_known))
    basis = np.ones((int(is_known.sum()), 1)) / max(1.0, np.sqrt(is_known.sum()))
    n_columns = sum(covariate.columns()[1].shape[1] for covariate in known)
    if len(basis) <= n_columns + 1:  # among so few subjects anything follows from anything
        return Unaliased(tuple(covariates), (), ())
    kept: list[Covariate] = []
    left_out: list[str] = []
    joined: list[tuple[str, tuple[object, ...]]] = []
    for covariate, seen in zip(covariates, known, strict=True):
        columns = seen.columns()[1]
        basis, is_new = _extended(basis, columns)
        if not any(is_new):
            left_out.append(covariate.name)
        elif all(is_new) or not isinstance(covariate, Categorised):
            kept.append(covariate)
        else:
            used = np.unique(seen.codes[seen.codes >= 0])  # type: ignore[union-attr]
            told = used[1:][~np.array(is_new)]
            codes = np.where(np.isin(covariate.codes, told), used[0], covariate.codes)
            kept.append(replace(covariate, codes=codes))
            joined.append((covariate.name, tuple(covariate.levels[code] for code in told)))
    return Unaliased(tuple(kept), tuple(left_out), tuple(joined))


def _extended(basis: Floats, columns: Floats) -> tuple[Floats, list[bool]]:
    """The orthonormal basis with what each column adds to it, and whether it adds anything."""
    is_new = []
    for column in columns.T:
        centred = column - column.mean()
        size = float(np.linalg.norm(centred))
        rest = centred
        for _ in range(2):  # once more, for what rounding leaves of the first time
            rest = rest - basis @ (basis.T @ rest)
        adds = bool(size > 0 and np.linalg.norm(rest) > _EXPLAINED * size)
        is_new.append(adds)
        if adds:
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
    return basis, is_new
