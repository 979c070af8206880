"""Survival where an event is only known to lie between two examinations: Turnbull's curve.

An event lies in (left, right]: after the last examination without it, not after the first with it. The curve of greatest
likelihood is fixed only outside the Turnbull intervals; within them it may fall anywhere, so two values are given there.

The package `survival` and R's `survfit` have this curve, but both stop while the third digit may still move and leave
probability where there is none; so the maximum is found here, and it is checked that it is one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialwright.statistics.arrays import Floats, as_numbers
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.resampling import MOST_FAILING, bootstrap
from trialwright.statistics.samples import TIED_WITHIN, as_times, merge_ties

Conventions = dict[str, Any]
Places = NDArray[np.int64]
_Ends = tuple[Places, Places]
# Turnbull intervals that hold mass, (left, right], their masses, and the log likelihood.
_Masses = tuple[Floats, Floats, Floats, float]

# No other curve has a log likelihood that is larger, per subject, by more than this (Gentleman and Geyer 1994).
_OPTIMAL = 1e-10
# Newton steps are at an end at this decrement per subject.
_NEGLIGIBLE = 1e-12
# A smaller mass is rounding: where the best curve falls at all, it falls by far more.
_NO_MASS = 1e-8
_STEPS = 10_000
_WARM_UP = 200
_SLOW = 1e-3
# Samples are worked on together as long as they hold about so many numbers.
_AT_ONCE = 10_000_000
_ALL_AGREE = "all resamples agree here, which says nothing about precision"


@dataclass(frozen=True, slots=True, eq=False)
class TurnbullPoints:
    """A Turnbull curve read at chosen times; arrays of shape (n_times,).

    `survival_low` and `survival_high` are the least and greatest survival that the curve leaves open at a time. They are
    equal outside the Turnbull intervals; there `survival` has their value. Within one it is NaN. `is_beyond` is true where
    the last examination of everybody without event lies before the time: the least survival is 0 there because nobody looked.
    """

    times: Floats
    survival: Floats
    survival_low: Floats
    survival_high: Floats
    is_beyond: NDArray[np.bool_]
    conventions: Conventions


@dataclass(frozen=True, slots=True, eq=False)
class TurnbullLimits:
    """Bootstrap limits of a Turnbull curve at chosen times; arrays of shape (n_times,).

    Where limits would say nothing they are NaN, and `reasons` says why; elsewhere it holds None.
    """

    times: Floats
    conf_low: Floats
    conf_high: Floats
    reasons: tuple[str | None, ...]
    conventions: Conventions


@dataclass(frozen=True, slots=True, eq=False)
class _Subjects:
    """Checked input, its tied times made equal; `tied` is the distance within which two times are one."""

    left: Floats
    right: Floats
    tied: float


@dataclass(frozen=True, slots=True, eq=False)
class TurnbullCurve:
    """The survival curve of greatest likelihood for interval-censored times.

    Attributes
    ----------
    left, right : ndarray of shape (n_intervals,)
        The Turnbull intervals (left, right] in which the curve falls, in rising order; a single time where both are equal.
        The last may be open: `right` is infinite where the curve does not come down to 0 in the time observed.
    mass : ndarray of shape (n_intervals,)
        By how much the curve falls in each; above 0, with sum 1.
    n_subjects, n_exact, n_interval_censored, n_right_censored : int
        Subjects, and how many have an exact time, a finite interval, or no event in the time observed.
    log_likelihood : float
    conventions : dict
    """

    left: Floats
    right: Floats
    mass: Floats
    n_subjects: int
    n_exact: int
    n_interval_censored: int
    n_right_censored: int
    log_likelihood: float
    conventions: Conventions
    _subjects: _Subjects = field(repr=False)

    @property
    def known_until(self) -> float:
        """The last examination without event, up to which the curve is known; infinite where it comes down to 0."""
        return float(self.left[-1]) if math.isinf(self.right[-1]) else math.inf

    def at(self, times: ArrayLike) -> TurnbullPoints:
        """Read the curve at chosen times.

        Parameters
        ----------
        times : array-like of shape (n,)
            Finite times of 0 or more, in any order. An event at a time counts at that time.

        Returns
        -------
        points : TurnbullPoints
            After the last examination of those without event the curve is open between 0 and its last value.
        """
        read = as_times("times", times)
        low, high = _survival_between(read, self._subjects.tied, self.left, self.right, self.mass)
        return TurnbullPoints(
            times=read,
            survival=np.where(low == high, high, np.nan),
            survival_low=low,
            survival_high=high,
            is_beyond=read > self.known_until + self._subjects.tied,
            conventions=self.conventions,
        )

    def bootstrap_limits(
        self, times: ArrayLike, *, seed: int, n_resamples: int = 1000, conf_level: float = 0.95
    ) -> TurnbullLimits:
        """Estimate limits of the curve at chosen times from resampled subjects.

        Percentiles [1]_ of the curves of `n_resamples` samples of subjects, drawn with replacement: of the least survival
        left open for the lower limit, of the greatest for the upper one, so that limits cover what lies between two
        examinations. A sample whose examinations end before a time has no estimate there and is left out; where more than
        5 % of the samples do, or the curve itself, there are no limits.
        The bootstrap holds where examinations fall on few distinct times, as planned visits do; where each subject has
        times of its own, a bootstrap from this curve is not consistent [2]_.

        Parameters
        ----------
        times : array-like of shape (n,)
            Finite times of 0 or more.
        seed : int
            Of the random numbers; recorded with the result.
        n_resamples : int
            At least 100.
        conf_level : float
            Between 0 and 1.

        Returns
        -------
        limits : TurnbullLimits
            NaN with a reason where all resamples leave open the same survival, as before the first event: that all agree
            then says nothing about precision; and where examinations end too soon.

        Raises
        ------
        ValueError
            If an argument does not hold what is asked for above.

        References
        ----------
        .. [1] Efron B, Tibshirani RJ. An Introduction to the Bootstrap. 1993, chapter 13.
        .. [2] Sen B, Xu G. Comput Stat Data Anal 2015;81:121-129.
        """
        read = as_times("times", times)
        left, right, place = _distinct(self._subjects.left, self._subjects.right)

        def resampled(drawn: Places) -> list[Floats]:
            counts = np.array([np.bincount(place[one], minlength=len(left)) for one in drawn], dtype=float)
            return [
                _read_sample(read, self._subjects.tied, start, end, mass)
                for start, end, mass, _ in _maximise_likelihood(left, right, counts)
            ]

        found = bootstrap(
            resampled, self.n_subjects, n_resamples=n_resamples, seed=seed, conf_level=conf_level
        )
        limits = [
            _limits(found.estimates[:, :, i], is_beyond, self.known_until, conf_level)
            for i, is_beyond in enumerate(self.at(read).is_beyond)
        ]
        return TurnbullLimits(
            times=read,
            conf_low=np.array([low for low, _, _ in limits]),
            conf_high=np.array([high for _, high, _ in limits]),
            reasons=tuple(reason for _, _, reason in limits),
            conventions=self.conventions | found.conventions,
        )


def estimate_interval_censored_survival(left: ArrayLike, right: ArrayLike) -> TurnbullCurve:
    """Estimate one survival curve from interval-censored times by Turnbull's method.

    The likelihood [1]_ depends only on the mass in the Turnbull intervals; masses are unique, and of greatest likelihood if
    no derivative exceeds the number of subjects [2]_, which is checked to 1e-10. They are found by Newton steps on the
    intervals in use, taking intervals in and out.

    Parameters
    ----------
    left, right : array-like of shape (n,)
        The event lies in (left, right], in any unit of time: `left` is 0 or the last time without event, 0 or more;
        `right` the first time with it, or infinite if none was seen (right-censored). Equal: the event is at that time.
        Times closer than 1.5e-8 are one time, as in `estimate_survival`.

    Returns
    -------
    curve : TurnbullCurve

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above, or a `right` is below its `left`.
    NotEstimable
        If there is nobody.

    References
    ----------
    .. [1] Turnbull BW. J R Stat Soc B 1976;38:290-295.
    .. [2] Gentleman R, Geyer CJ. Biometrika 1994;81:618-623.

    Examples
    --------
    >>> curve = estimate_interval_censored_survival([0, 6, 6, 12], [6, 12, 12, float("inf")])
    >>> curve.mass.tolist()
    [0.25, 0.5, 0.25]
    >>> points = curve.at([6, 9, 12])
    >>> points.survival_low.tolist(), points.survival_high.tolist()
    ([0.75, 0.25, 0.25], [0.75, 0.75, 0.25])
    """
    if np.size(left) == 0 and np.size(right) == 0:
        raise NotEstimable("nobody was observed")
    lefts = as_times("left", left)
    rights = as_numbers(
        "right", right, expected="0 or more, or infinite", accept=lambda x: x >= 0, length=len(lefts)
    )
    (lefts, rights), tied = merge_ties(lefts, rights)
    below = rights < lefts
    if below.any():
        i = int(np.argmax(below))
        raise ValueError(f"`right[{i}]` must not be below `left[{i}]`, {lefts[i]:g}, and is {rights[i]:g}")
    distinct_lefts, distinct_rights, place = _distinct(lefts, rights)
    counts = np.bincount(place)[None].astype(float)
    ((start, end, mass, log_likelihood),) = _maximise_likelihood(distinct_lefts, distinct_rights, counts)
    n_right = int(np.isinf(rights).sum())
    n_exact = int((lefts == rights).sum())
    return TurnbullCurve(
        left=start,
        right=end,
        mass=mass,
        n_subjects=len(lefts),
        n_exact=n_exact,
        n_interval_censored=len(lefts) - n_exact - n_right,
        n_right_censored=n_right,
        log_likelihood=log_likelihood,
        conventions={
            "estimator": "Turnbull",
            "intervals": "(left, right]",
            "within_interval": "open",
            "times_tied_within": TIED_WITHIN,
            "optimal_within": _OPTIMAL,
        },
        _subjects=_Subjects(lefts, rights, tied),
    )


def _survival_between(
    times: Floats, tied: float, left: Floats, right: Floats, mass: Floats
) -> tuple[Floats, Floats]:
    """The least and the greatest survival at each time: all that may, and all that must have fallen by then."""
    fallen = np.concatenate([[0.0], np.cumsum(mass)])
    fallen[-1] = 1.0
    may = np.searchsorted(np.where(left == right, right - tied, left + tied), times, side="right")
    must = np.searchsorted(right - tied, times, side="right")
    return 1 - fallen[may], 1 - fallen[must]


def _read_sample(times: Floats, tied: float, left: Floats, right: Floats, mass: Floats) -> Floats:
    """Of the curve of one sample the least survivals, the greatest, and whether its examinations end before: shape (3, n)."""
    is_beyond = math.isinf(right[-1]) & (times > left[-1] + tied)
    return np.stack([*_survival_between(times, tied, left, right, mass), is_beyond.astype(float)])


def _limits(
    estimates: Floats, is_beyond: bool, known_until: float, conf_level: float
) -> tuple[float, float, str | None]:
    """Percentiles of the least and the greatest survival of all samples at one time, or why there are none."""
    reaching = estimates[estimates[:, 2] == 0]
    n_ending = len(estimates) - len(reaching)
    reason = None
    if is_beyond:
        reason = f"follow-up ends at {known_until:g}"
    elif n_ending > MOST_FAILING * len(estimates):
        reason = f"in {n_ending} of {len(estimates)} samples of subjects nobody is examined so late without the event"
    elif not np.ptp(reaching, axis=0).any():
        reason = _ALL_AGREE
    if reason:
        return math.nan, math.nan, reason
    tail = (1 - conf_level) / 2
    return float(np.quantile(reaching[:, 0], tail)), float(np.quantile(reaching[:, 1], 1 - tail)), None


# The curve of greatest likelihood


def _maximise_likelihood(left: Floats, right: Floats, counts: Floats) -> list[_Masses]:
    """Find the curve of each sample: `counts`, of shape (n_samples, n), says how often it holds each interval."""
    ends, start, end = _turnbull_intervals(left, right, counts)
    covers = _covers(ends, start.shape[1])
    size = max(1, _AT_ONCE // covers.size)
    blocks = [slice(i, i + size) for i in range(0, len(counts), size)]
    mass = np.concatenate([_masses(ends, covers, counts[rows], np.isfinite(start[rows])) for rows in blocks])
    mass[mass < _NO_MASS] = 0.0
    mass /= mass.sum(axis=1, keepdims=True)
    used = mass > 0
    fitted = np.where(counts > 0, mass @ covers.T, 1.0)
    return [
        (start[i, used[i]], end[i, used[i]], mass[i, used[i]], float(counts[i] @ np.log(fitted[i])))
        for i in range(len(counts))
    ]


def _distinct(left: Floats, right: Floats) -> tuple[Floats, Floats, Places]:
    """The distinct intervals, and which of them each subject has."""
    (left, right), place = np.unique(np.stack([left, right]), axis=1, return_inverse=True)
    return left, right, place


def _turnbull_intervals(left: Floats, right: Floats, counts: Floats) -> tuple[_Ends, Floats, Floats]:
    """Find the Turnbull intervals of each sample as columns that all samples share.

    A Turnbull interval goes from a left end to a right end with no other end between. At one time come first the left ends
    of exact times, which include it, then right ends, which do too, then the other left ends. Every Turnbull interval of a
    sample holds one or more of those of all intervals, and stands in the column of the last.

    Returns
    -------
    ends : tuple of two ndarray of shape (n,)
        The first and the last column that each interval holds.
    start, end : ndarray of shape (n_samples, n_columns)
        NaN where a sample has no Turnbull interval.
    """
    n = len(left)
    time = np.concatenate([left, right])
    rank = np.concatenate([np.where(left == right, 0, 2), np.ones(n, dtype=int)])
    order = np.lexsort([rank, time])
    time, closes = time[order], order >= n
    everywhere = np.flatnonzero(closes[1:] & ~closes[:-1]) + 1
    where = np.empty(2 * n, dtype=np.int64)
    where[order] = np.arange(2 * n)
    first = np.searchsorted(everywhere, where[:n], side="right")
    last = np.searchsorted(everywhere, where[n:], side="right") - 1

    is_there = counts[:, order % n] > 0
    latest = np.maximum.accumulate(np.where(is_there, np.arange(2 * n), 0), axis=1)
    before = np.concatenate([latest[:, :1], latest[:, :-1]], axis=1)
    samples, at = np.nonzero(is_there & closes & ~closes[before])
    columns = np.searchsorted(everywhere, at, side="right") - 1
    start, end = np.full((2, len(counts), len(everywhere)), np.nan)
    start[samples, columns], end[samples, columns] = time[before[samples, at]], time[at]
    return (first, last), start, end


def _covers(ends: _Ends, n_columns: int) -> Floats:
    """1 where an interval holds a column, else 0: of shape (n, n_columns)."""
    first, last = ends
    column = np.arange(n_columns)
    return ((column >= first[:, None]) & (column <= last[:, None])).astype(float)


def _masses(ends: _Ends, covers: Floats, counts: Floats, has_column: NDArray[np.bool_]) -> Floats:
    """Find for each sample p of 0 or more that maximises sum(w log(C p)) - n sum(p); its sum is then 1.

    The function is strictly concave. For, with cumulative sums as unknowns, each row of C joins two of the points 0 .. m, and
    each point but 0 is the right end of a row, so joined to an earlier one: no change of p leaves C p as it is.

    Newton steps go 1 / (1 + decrement) of the way, which for logarithms always gains (Nesterov and Nemirovskii 1994, section
    2.2), or to where a mass becomes 0, which then leaves; when no step is left, the best of those outside enters.
    """
    masses = _self_consistent(covers, counts, has_column)
    in_use = masses > 1 / has_column.sum(axis=1, keepdims=True)  # those that grew, and each subject's largest
    for used, mass, count in zip(in_use, masses, counts, strict=True):
        used[np.argmax(covers[count > 0] * mass, axis=1)] = True
    masses[~in_use] = 0.0
    moving = np.arange(len(counts))
    for _ in range(_STEPS):
        weights, mass, used = counts[moving], masses[moving], in_use[moving]
        n = weights.sum(axis=1)
        fitted = np.where(weights > 0, mass @ covers.T, 1.0)
        gain = (weights / fitted) @ covers - n[:, None]
        step, decrement = _newton_step(ends, weights / fitted**2, gain, used)
        is_at_rest = decrement < _NEGLIGIBLE * n
        gain[used | ~has_column[moving]] = -np.inf
        enters = (
            is_at_rest[:, None] & (gain == gain.max(axis=1, keepdims=True)) & (gain > _OPTIMAL * n[:, None])
        )
        room = np.divide(mass, -step, out=np.full(step.shape, np.inf), where=step < 0)
        length = np.where(is_at_rest, 0.0, np.minimum(1 / (1 + decrement), room.min(axis=1)))[:, None]
        leaves = (room <= length) & ~is_at_rest[:, None]
        masses[moving] = np.where(leaves, 0.0, mass + length * step)
        in_use[moving] = used & ~leaves | enters
        moving = moving[~is_at_rest | enters.any(axis=1)]
        if not len(moving):
            return masses
    raise NotEstimable("the curve of greatest likelihood was not found")


def _self_consistent(covers: Floats, counts: Floats, has_column: NDArray[np.bool_]) -> Floats:
    """Some steps of Turnbull's own algorithm from equal masses: it never stalls, and tells early which masses die out."""
    n_columns = has_column.sum(axis=1, keepdims=True)
    masses: Floats = has_column / n_columns
    moving = np.arange(len(counts))
    for _ in range(_WARM_UP):
        weights, mass = counts[moving], masses[moving]
        fitted = np.where(weights > 0, mass @ covers.T, 1.0)
        factor = (weights / fitted) @ covers / weights.sum(axis=1, keepdims=True)
        goes_on = (np.abs(mass * (factor - 1)) >= _SLOW / n_columns[moving]).any(axis=1)
        moving = moving[goes_on]
        masses[moving] = (mass * factor)[goes_on]
        if not len(moving):
            break
    return masses


def _newton_step(
    ends: _Ends, curvature: Floats, gain: Floats, used: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """The step of each sample among the columns in use, and by how much it would gain."""
    columns = np.argsort(~used, axis=1, kind="stable")[:, : used.sum(axis=1).max()]
    held = np.take_along_axis(used, columns, axis=1)
    bend = _bend(ends, curvature, used)
    place = np.arange(columns.shape[1])
    bend[:, place, place] += ~held
    slope = np.where(held, np.take_along_axis(gain, columns, axis=1), 0.0)
    found = np.linalg.solve(bend, slope[:, :, None])[:, :, 0]
    step = np.zeros_like(gain)
    np.put_along_axis(step, columns, found, axis=1)
    return step, np.sqrt(np.maximum(0.0, np.sum(slope * found, axis=1)))


def _bend(ends: _Ends, curvature: Floats, used: NDArray[np.bool_]) -> Floats:
    """For each two columns in use the curvature of all intervals that hold both, of shape (n_samples, k, k)."""
    k = used.sum(axis=1).max()
    rank = np.cumsum(used, axis=1)
    first, last = ends
    low = np.minimum(rank[:, first] - used[:, first], k - 1)
    high = np.maximum(rank[:, last] - 1, 0)  # who holds none of them was not drawn, and has no curvature
    cell = (np.arange(len(used))[:, None] * k + low) * k + high
    at = np.bincount(cell.ravel(), weights=curvature.ravel(), minlength=len(used) * k * k).reshape(-1, k, k)
    both = np.cumsum(np.cumsum(at, axis=1)[:, :, ::-1], axis=2)[
        :, :, ::-1
    ]  # from the first or before to the last or after
    return np.where(np.tri(k, dtype=bool).T, both, both.transpose(0, 2, 1))
