"""How much of an error probability a test that is looked at more than once may have spent by each look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from trialwright.statistics.arrays import check_inside
from trialwright.statistics.sample_size import normal_cdf

SpendingName = Literal["O'Brien-Fleming type", "Pocock type", "Hwang-Shih-DeCani", "stated"]

_LARGEST_GAMMA = 40.0


@dataclass(frozen=True, slots=True)
class Spending:
    """How much of an error probability may be spent by each look; made by the functions below.

    `gamma` belongs to Hwang, Shih and DeCani, `shares` to a stated one.
    """

    name: SpendingName
    gamma: float | None = None
    shares: tuple[float, ...] | None = None

    def spent(self, fractions: Sequence[float], total: float) -> tuple[float, ...]:
        """Cumulative error at each look, of `total`.

        Raises
        ------
        ValueError
            If shares are stated for another number of looks.
        """
        if self.shares is None:
            return tuple(self._at(fraction, total) for fraction in fractions)
        if len(self.shares) != len(fractions):
            raise ValueError(
                f"`shares` must be stated for each of {len(fractions)} looks, not for {len(self.shares)}"
            )
        return tuple(total * share for share in self.shares)

    def _at(self, fraction: float, total: float) -> float:
        if fraction >= 1:
            return total
        if self.name == "O'Brien-Fleming type":
            return 2 * normal_cdf(NormalDist().inv_cdf(total / 2) / math.sqrt(fraction))
        if self.name == "Pocock type":
            return total * math.log1p((math.e - 1) * fraction)
        if not self.gamma:  # the limit
            return total * fraction
        return total * math.expm1(-self.gamma * fraction) / math.expm1(-self.gamma)


def obrien_fleming_spending() -> Spending:
    """Little early, most at the end: 2 - 2 Phi(z_(alpha/2) / sqrt(t)), with alpha that of one side [1]_.

    References
    ----------
    .. [1] Lan KKG, DeMets DL. Biometrika 1983;70:659-663, alpha*_1.
    """
    return Spending("O'Brien-Fleming type")


def pocock_spending() -> Spending:
    """Nearly even: alpha ln(1 + (e - 1) t) [1]_.

    References
    ----------
    .. [1] Lan KKG, DeMets DL. Biometrika 1983;70:659-663, alpha*_2.
    """
    return Spending("Pocock type")


def hwang_shih_decani_spending(gamma: float) -> Spending:
    """A family: alpha (1 - exp(-gamma t)) / (1 - exp(-gamma)), alpha t for gamma 0 [1]_.

    About -4 is close to O'Brien and Fleming, 1 to Pocock.

    Raises
    ------
    ValueError
        If `gamma` does not lie between -40 and 40.

    References
    ----------
    .. [1] Hwang IK, Shih WJ, DeCani JS. Stat Med 1990;9:1439-1445.
    """
    check_inside("gamma", gamma, -_LARGEST_GAMMA, _LARGEST_GAMMA)
    return Spending("Hwang-Shih-DeCani", gamma=gamma)


def stated_spending(shares: Sequence[float]) -> Spending:
    """Shares of the error that are spent by each look, cumulative.

    Parameters
    ----------
    shares : sequence of float
        One for each look, never falling, between 0 and 1. A look that spends nothing cannot stop.

    Raises
    ------
    ValueError
        If they are none, fall, or lie outside.
    """
    shares = tuple(float(share) for share in shares)
    if not shares:
        raise ValueError("`shares` must hold a share for each look")
    before = 0.0
    for i, share in enumerate(shares):
        if not before <= share <= 1:
            raise ValueError(f"`shares[{i}]` must lie between {before:g}, as before it, and 1, not {share!r}")
        before = share
    return Spending("stated", shares=shares)
