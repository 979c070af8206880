"""Brownian motion that is watched at a few times and stopped by regions: with which probability it stops where.

Test statistics of a trial that is analysed repeatedly behave like one: at information I the value Z * sqrt(I) has independent
normal increments, of mean drift * (increase of I) and variance (increase of I) [1]_. The recursion from look to look is that
of Armitage, McPherson and Rowe [2]_; integrals are sums over Gauss-Legendre nodes, close enough together that the error
stays below 1e-10 (`tests/statistics/test_group_sequential.py` doubles them).

References
----------
.. [1] Jennison C, Turnbull BW. Group Sequential Methods with Applications to Clinical Trials. 2000, sections 3.1 and 19.2.
.. [2] Armitage P, McPherson CK, Rowe BC. J R Stat Soc A 1969;132:235-244.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from trialwright.statistics.arrays import Floats

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
# Panels are four times as wide as the narrower of the steps before and after: 16 nodes then integrate to 1e-12.
_PANEL_IN_STEPS = 4.0
_REACH_IN_ERRORS = 10.0  # beyond it lies 1e-23
_MOST_AT_ONCE = 1_000_000
_ROOT_ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Stage:
    """A look at the process: it stops at or above `above`, at or below `below`, and within `between` (ends included)."""

    information: float
    above: float = math.inf
    below: float = -math.inf
    between: tuple[float, float] | None = None

    def going_on(self) -> list[tuple[float, float]]:
        """The intervals in which the process goes on."""
        if self.between is None:
            return [(self.below, self.above)]
        low, high = self.between
        return [(self.below, low), (max(high, self.below), self.above)]


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """Where the process can be, among those not yet stopped.

    Attributes
    ----------
    information : float
    values, masses : ndarray of shape (n_nodes,)
        The probability of going on is the sum of the masses; the mean of a smooth function over them its integral.
    drift : float
        Mean increase for one unit of information.
    start : tuple of two float
        Value and information from which it set out.
    """

    information: float
    values: Floats
    masses: Floats
    drift: float
    start: tuple[float, float]

    def above(self, bound: float, information: float) -> float:
        """Probability to have gone on until now and to be above `bound` at a later `information`."""
        return self._tail(bound, information, 1.0)

    def below(self, bound: float, information: float) -> float:
        """Probability to have gone on until now and to be below `bound` at a later `information`."""
        return self._tail(bound, information, -1.0)

    def between(self, low: float, high: float, information: float) -> float:
        """Probability to have gone on until now and to be between two bounds at a later `information`."""
        if low >= high:
            return 0.0
        if low + high > 2 * (self.start[0] + self.drift * (information - self.start[1])):  # the smaller tails
            return max(self.above(low, information) - self.above(high, information), 0.0)
        return max(self.below(high, information) - self.below(low, information), 0.0)

    def after(self, stage: Stage, next_information: float) -> Process:
        """The process beyond a look; the nodes are laid so that it can be followed to `next_information`."""
        step = stage.information - self.information
        panel = _PANEL_IN_STEPS * math.sqrt(min(step, next_information - stage.information))
        gone = stage.information - self.start[1]
        centre = self.start[0] + self.drift * gone
        reach = _REACH_IN_ERRORS * math.sqrt(gone)
        nodes, weights = _quadrature(
            [(max(low, centre - reach), min(high, centre + reach)) for low, high in stage.going_on()],
            panel,
        )
        density = _densities(nodes - self.drift * step, self.values, self.masses, math.sqrt(step))
        return Process(stage.information, nodes, density * weights, self.drift, self.start)

    def _tail(self, bound: float, information: float, sign: float) -> float:
        if math.isinf(bound):
            return float(self.masses.sum()) if (bound < 0) == (sign > 0) else 0.0
        step = information - self.information
        distance = sign * (bound - self.values - self.drift * step) / math.sqrt(2 * step)
        return 0.5 * float(self.masses @ np.array([math.erfc(one) for one in distance.tolist()]))


def start(*, drift: float, value: float = 0.0, information: float = 0.0) -> Process:
    """The process before its first look."""
    return Process(information, np.array([value]), np.ones(1), drift, (value, information))


def exits(process: Process, stages: Sequence[Stage]) -> Floats:
    """Probability to stop at each look.

    Parameters
    ----------
    process : Process
    stages : sequence of Stage
        Of rising information, all later than the process.

    Returns
    -------
    exits : ndarray of shape (n_stages, 3)
        Above, below and between; what is missing to 1 goes on after the last look.
    """
    found = np.zeros((len(stages), 3))
    for i, stage in enumerate(stages):
        at = stage.information
        low, high = stage.between or (math.inf, -math.inf)
        found[i] = (
            process.above(stage.above, at),
            process.below(stage.below, at),
            process.between(max(low, stage.below), min(high, stage.above), at),
        )
        if i + 1 < len(stages):
            process = process.after(stage, stages[i + 1].information)
    return found


def root(function: Callable[[float], float], low: float, high: float, *, tolerance: float = 1e-13) -> float:
    """Where a continuous function that has different signs at `low` and `high` is 0 (regula falsi, Illinois variant [1]_).

    References
    ----------
    .. [1] Dowell M, Jarratt P. BIT 1971;11:168-174.
    """
    at_low, at_high = function(low), function(high)
    if at_low * at_high > 0:
        raise ArithmeticError(f"no change of sign between {low:g} and {high:g}")
    for _ in range(_ROOT_ROUNDS):
        if at_high == 0 or abs(high - low) <= tolerance * max(1.0, abs(high)):
            break
        middle = high - at_high * (high - low) / (at_high - at_low)
        at_middle = function(middle)
        if at_middle * at_high < 0:
            low, at_low = high, at_high
        else:
            at_low /= 2
        if abs(middle - high) <= tolerance * max(1.0, abs(high)):
            return middle
        high, at_high = middle, at_middle
    return high


def _quadrature(intervals: list[tuple[float, float]], panel: float) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights over panels of at most this width."""
    placed: list[Floats] = [np.empty(0)]
    weighed: list[Floats] = [np.empty(0)]
    for low, high in intervals:
        if high > low:
            edges = np.linspace(low, high, math.ceil((high - low) / panel) + 1)
            half = (edges[1] - edges[0]) / 2
            middles = edges[:-1] + half
            placed.append((middles[:, None] + half * _NODES).ravel())
            weighed.append(np.tile(half * _WEIGHTS, len(middles)))
    return np.concatenate(placed), np.concatenate(weighed)


def _densities(at: Floats, values: Floats, masses: Floats, spread: float) -> Floats:
    """Density at some points of the sum of a node, drawn by mass, and a normal error; so many points at once as fit."""
    density = np.empty(len(at))
    rows = max(1, _MOST_AT_ONCE // max(len(values), 1))
    for first in range(0, len(at), rows):
        distance = (at[first : first + rows, None] - values) / spread
        density[first : first + rows] = np.exp(-0.5 * distance**2) @ masses
    return density / (spread * math.sqrt(2 * math.pi))
