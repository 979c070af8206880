"""Whether a hazard ratio differs between subgroups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from trialwright.statistics.arrays import Floats
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.significance import ChiSquaredTest, chi_squared_test
from trialwright.statistics.survival import fit_cox


def interaction_test(
    time: ArrayLike,
    event: ArrayLike,
    groups: Sequence[Any],
    parts: Sequence[Any],
    *,
    ties: Literal["efron", "breslow"] = "efron",
) -> ChiSquaredTest:
    """Likelihood ratio test of the products of group and subgroup in a Cox model that has both.

    Parameters
    ----------
    time, event
        As in `fit_cox`.
    groups, parts : sequence of length n
        Labels: the groups that are compared, and the subgroups.
    ties : {"efron", "breslow"}

    Returns
    -------
    test : ChiSquaredTest
        Twice the gain in log partial likelihood, on as many degrees of freedom as there are products, as R's
        `anova(coxph(y ~ group + part), coxph(y ~ group * part))`.

    Raises
    ------
    ValueError
        As `fit_cox`.
    NotEstimable
        If there are fewer than two groups or subgroups, or as `fit_cox`: so too where a group has no event in a subgroup.

    References
    ----------
    .. [1] Therneau TM, Grambsch PM. Modeling Survival Data: Extending the Cox Model. 2000, section 3.4.
    """
    group, part = _indicators("group", groups), _indicators("subgroup", parts)
    products = {f"{a} and {b}": group[a] * part[b] for a in group for b in part}
    alone = _loglik(time, event, {**group, **part}, ties)
    together = _loglik(time, event, {**group, **part, **products}, ties)
    return chi_squared_test(max(0.0, 2 * (together - alone)), len(products))


def _indicators(what: str, labels: Sequence[Any]) -> dict[str, Floats]:
    """One column for each label but the first, by its name."""
    levels = list(dict.fromkeys(labels))
    if len(levels) < 2:
        raise NotEstimable(f"all subjects are of one {what}")
    return {f"{what} {level}": np.array([float(label == level) for label in labels]) for level in levels[1:]}


def _loglik(
    time: ArrayLike, event: ArrayLike, columns: dict[str, Floats], ties: Literal["efron", "breslow"]
) -> float:
    return fit_cox(time, event, np.array([*columns.values()]).T, names=[*columns], ties=ties).loglik
