"""What a survival design assumes of time: hazards that change in steps, and how fast subjects enter.

Times have one unit throughout, the caller's; rates are per that unit. A rate per year beside times in days is the classic silent
error: derive a rate from a risk and a time (`Hazards.from_risk`) rather than typing it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialwright.statistics.arrays import Floats, check_inside


@dataclass(frozen=True, slots=True)
class Hazards:
    """A hazard that is constant between cuts.

    Attributes
    ----------
    cuts : tuple of float
        Times at which the hazard changes: above 0, rising; empty for one that never changes. A rate holds from its cut on, the
        cut included.
    rates : tuple of float
        Events per unit of time while at risk, at least 0: up to the first cut, between cuts, and from the last one on without
        end.

    Raises
    ------
    ValueError
        If the two do not describe a hazard.

    Examples
    --------
    >>> two_steps = Hazards((6.0,), (0.0533, 0.0309))
    >>> two_steps.survival([0.0, 6.0, 16.0]).round(4).tolist()
    [1.0, 0.7263, 0.5332]
    """

    cuts: tuple[float, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_rising("cuts", self.cuts)
        if len(self.rates) != len(self.cuts) + 1:
            raise ValueError(
                f"`rates` must have {len(self.cuts) + 1} values, one more than `cuts`, not {len(self.rates)}"
            )
        _check_rates(self.rates)

    @classmethod
    def constant(cls, rate: float) -> Hazards:
        """Make a hazard that never changes: exponential times."""
        return cls((), (rate,))

    @classmethod
    def from_risk(cls, risk: float, at: float) -> Hazards:
        """Make the constant hazard under which a share `risk` has the event by the time `at`.

        Raises
        ------
        ValueError
            If `risk` does not lie between 0 and 1, or `at` is not above 0.

        Examples
        --------
        >>> round(float(Hazards.from_risk(0.45, 730).survival(365)), 4)
        0.7416
        """
        check_inside("risk", risk, 0, 1)
        return cls.from_survival((at,), (1 - risk,))

    @classmethod
    def from_survival(cls, at: Sequence[float], survival: Sequence[float]) -> Hazards:
        """Make the hazard under which these shares are without the event at these times.

        It is constant from one time to the next; from the last time on the last one is carried forward, which is an assumption.

        Parameters
        ----------
        at : sequence of float
            Above 0, rising.
        survival : sequence of float
            Above 0, at most 1, never rising; as many as times, at least one.

        Raises
        ------
        ValueError
            If an argument is not so.
        """
        _check_rising("at", at)
        if len(survival) != len(at) or not at:
            raise ValueError(f"`survival` must have a value for each of {len(at)} times, not {len(survival)}")
        known = (1.0, *survival)
        for i, (before, share) in enumerate(itertools.pairwise(known)):
            if not 0 < share <= before:
                raise ValueError(f"`survival[{i}]` must be above 0 and at most {before:g}, not {share!r}")
        widths = np.diff((0.0, *at))
        return cls(tuple(at[:-1]), tuple((-np.diff(np.log(known)) / widths).tolist()))

    def rate(self, t: ArrayLike) -> Floats:
        """Return the hazard at times of at least 0, in the shape of `t`."""
        return np.asarray(self.rates, dtype=float)[np.searchsorted(self.cuts, t, side="right")]

    def cumulative(self, t: ArrayLike) -> Floats:
        """Return the cumulative hazard up to times of at least 0, in the shape of `t`."""
        starts = np.array((0.0, *self.cuts))
        at_start = np.concatenate(([0.0], np.cumsum(np.array(self.rates[:-1]) * np.diff(starts))))
        piece = np.searchsorted(self.cuts, t, side="right")
        return np.asarray(at_start[piece] + self.rate(t) * (np.asarray(t) - starts[piece]))

    def time_of(self, cumulative: float) -> float:
        """Return the time at which the cumulative hazard reaches a value of at least 0; infinite if it never does."""
        starts = (0.0, *self.cuts)
        reached = self.cumulative(starts)
        piece = max(0, int(np.searchsorted(reached, cumulative)) - 1)
        missing = cumulative - float(reached[piece])
        if missing <= 0:
            return starts[piece]
        return starts[piece] + missing / self.rates[piece] if self.rates[piece] > 0 else math.inf

    def __add__(self, other: Hazards) -> Hazards:
        """Return the hazard of whichever of two independent events comes first."""
        starts = (0.0, *sorted({*self.cuts, *other.cuts}))
        return Hazards(starts[1:], tuple((self.rate(starts) + other.rate(starts)).tolist()))

    def survival(self, t: ArrayLike) -> Floats:
        """Return the share without event by times of at least 0, in the shape of `t`."""
        return np.exp(-self.cumulative(t))


@dataclass(frozen=True, slots=True)
class Accrual:
    """How subjects enter: at rates that are constant up to each of some calendar times.

    Rates are relative. How many enter is said elsewhere; twice the rates with the same number of subjects are the same accrual.

    Attributes
    ----------
    ends : tuple of float
        Calendar times at which the rate changes, the last the end of accrual: above 0, rising. Empty if all enter at time 0.
    rates : tuple of float
        Subjects per unit of time up to each end; at least 0, the last above 0.

    Raises
    ------
    ValueError
        If the two do not describe an accrual.

    Examples
    --------
    >>> slow_start = Accrual((6.0, 12.0), (1.0, 3.0))
    >>> slow_start.share_entered([0.0, 6.0, 9.0, 12.0, 20.0]).tolist()
    [0.0, 0.25, 0.625, 1.0, 1.0]
    """

    ends: tuple[float, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_rising("ends", self.ends)
        if len(self.rates) != len(self.ends):
            raise ValueError(
                f"`rates` must have {len(self.ends)} values, as many as `ends`, not {len(self.rates)}"
            )
        _check_rates(self.rates)
        if self.rates and not self.rates[-1] > 0:
            raise ValueError(
                "the last of `rates` must be above 0, or accrual ends before its end; leave the last piece out"
            )

    @classmethod
    def uniform(cls, duration: float) -> Accrual:
        """Make an accrual of one rate for so long; all at time 0 if `duration` is 0."""
        return cls((), ()) if duration == 0 else cls((duration,), (1.0,))

    @property
    def duration(self) -> float:
        """The calendar time at which the last subject enters."""
        return self.ends[-1] if self.ends else 0.0

    def share_entered(self, calendar_time: ArrayLike) -> Floats:
        """Return the share of all subjects who have entered by calendar times of at least 0."""
        if not self.ends:
            return np.ones_like(calendar_time, dtype=float)
        starts = np.array((0.0, *self.ends))
        entered = np.concatenate(([0.0], np.cumsum(np.array(self.rates) * np.diff(starts))))
        return np.asarray(np.interp(np.asarray(calendar_time, dtype=float), starts, entered / entered[-1]))


def _check_rising(name: str, times: Sequence[float]) -> None:
    """Raise ValueError unless times are finite, above 0 and rising."""
    before = 0.0
    for i, time in enumerate(times):
        if not (math.isfinite(time) and time > before):
            raise ValueError(f"`{name}[{i}]` must be a finite time above {before:g}, not {time!r}")
        before = time


def _check_rates(rates: Sequence[float]) -> None:
    """Raise ValueError unless rates are finite and at least 0."""
    for i, rate in enumerate(rates):
        if not (math.isfinite(rate) and rate >= 0):
            raise ValueError(f"`rates[{i}]` must be a finite rate of at least 0, not {rate!r}")


NO_HAZARD = Hazards.constant(0.0)
