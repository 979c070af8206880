"""The looks of a design at its data, as a group-sequential design: boundaries, and the information that they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from trialwright.protocol.model import Looks
from trialwright.protocol.model import Spending as StatedSpending
from trialwright.statistics.error_spending import (
    Spending,
    hwang_shih_decani_spending,
    obrien_fleming_spending,
    pocock_spending,
)
from trialwright.statistics.group_sequential import GroupSequentialDesign, group_sequential_design
from trialwright.statistics.sample_size import Sides

COMMON_SPENDING: Mapping[str, Spending] = MappingProxyType(
    {"obrien-fleming": obrien_fleming_spending(), "pocock": pocock_spending()}
)
"""By the names of the protocol: what a design's own spending is held beside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLooks:
    """Looks at shares of the events needed, and how errors are spent over them.

    Attributes
    ----------
    fractions : tuple of float
        Rising; the last is 1.
    efficacy : Spending
    futility : Spending, optional
    futility_binding : bool
    """

    fractions: tuple[float, ...]
    efficacy: Spending
    futility: Spending | None = None
    futility_binding: bool = False

    def designed(self, *, alpha: float, sides: Sides, power: float) -> GroupSequentialDesign:
        """Boundaries that hold the type I error, and the information that gives the power.

        Raises
        ------
        ValueError
            As `group_sequential_design`.
        """
        return _designed(self, alpha, sides, power)


@lru_cache(maxsize=64)
def _designed(looks: PlannedLooks, alpha: float, sides: Sides, power: float) -> GroupSequentialDesign:
    """Asked for anew at each point of every grid, and the same for all."""
    return group_sequential_design(
        looks.fractions, alpha=alpha, sides=sides, power=power, efficacy=looks.efficacy, futility=looks.futility,
        futility_binding=looks.futility_binding,
    )  # fmt: skip


def read_looks(stated: Looks) -> PlannedLooks:
    """The looks that a protocol states, with the one at the end."""
    futility = stated.futility
    return PlannedLooks(
        fractions=(*stated.at, 1.0),
        efficacy=_spending(stated.efficacy),
        futility=None if futility is None else _spending(futility),
        futility_binding=futility is not None and futility.binding,
    )


def _spending(stated: StatedSpending) -> Spending:
    if stated.gamma is not None:
        return hwang_shih_decani_spending(stated.gamma)
    return COMMON_SPENDING[stated.spending]
