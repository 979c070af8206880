"""Subjects followed over time: the columns that every time-to-event method starts from, checked once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialwright.statistics.arrays import Floats, as_numbers

Counts = NDArray[np.int64] | Floats

# R's `timefix`: times this close, absolutely or relative to their mean, are one time.
TIED_WITHIN = math.sqrt(np.finfo(float).eps)
# A smaller share of the weight at risk is what rounding leaves where everybody at risk has the event.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Subjects, one a row: times with ties made equal, what ended them, entry and weights.

    `event` holds 0 for a censored time, else the number of what happened. Two times within `tied` are one.
    """

    time: Floats
    event: Floats
    entry: Floats | None
    weights: Floats | None
    tied: float


def as_sample(
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    *,
    event_name: str = "event",
    codes: Sequence[int] = (0, 1),
) -> Sample:
    """Check the columns of a sample and merge times that differ by rounding only.

    Parameters
    ----------
    time, event, entry, weights : array-like of shape (n,)
        Times and entries finite and 0 or more, entry before time, weights finite and above 0.
    event_name : str
        The name of `event` in messages.
    codes : sequence of int
        What `event` may hold.

    Raises
    ------
    ValueError
        If a column does not hold what is asked for.
    """
    times = as_times("time", time)
    n = len(times)
    expected = " or ".join([", ".join(map(str, codes[:-1])), str(codes[-1])])
    events = as_numbers(event_name, event, expected=expected, accept=lambda x: np.isin(x, codes), length=n)
    entries = None if entry is None else as_times("entry", entry, length=n)
    if entries is None:
        (times,), tied = merge_ties(times)
    else:
        (times, entries), tied = merge_ties(times, entries)
        late = entries >= times
        if late.any():
            i = int(np.argmax(late))
            raise ValueError(f"`entry[{i}]` must be before `time[{i}]`, {times[i]:g}, not {entries[i]:g}")
    weight = None
    if weights is not None:
        weight = as_numbers(
            "weights",
            weights,
            expected="finite and above 0",
            accept=lambda x: np.isfinite(x) & (x > 0),
            length=n,
        )
    return Sample(times, events, entries, weight, tied)


def merge_ties(*columns: Floats) -> tuple[list[Floats], float]:
    """Move each time to the first of those it is tied with, over all columns; infinite times stay.

    Returns
    -------
    columns : list of ndarray
    tied : float
        The distance within which two times are one.
    """
    distinct = np.unique(np.concatenate(columns))
    tied = TIED_WITHIN * max(1.0, float(distinct[np.isfinite(distinct)].mean()))
    first_of_tie = distinct[np.diff(distinct, prepend=-np.inf) > tied]
    rows = [np.searchsorted(first_of_tie, column, side="right") - 1 for column in columns]
    return [first_of_tie[row] for row in rows], tied


def as_times(name: str, values: ArrayLike, length: int | None = None) -> Floats:
    """Convert `values` to times, finite and 0 or more; anything else raises ValueError."""
    return as_numbers(
        name,
        values,
        expected="finite and 0 or more",
        accept=lambda x: np.isfinite(x) & (x >= 0),
        length=length,
    )


def as_counts(numbers: ArrayLike, sample: Sample) -> Counts:
    """Make whole numbers of sums over subjects, unless weights were summed."""
    array = np.array(numbers)
    return array.round().astype(np.int64) if sample.weights is None else array


def rows_read(time: Floats, times: Floats, sample: Sample) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The row of a step function that holds at each of `times` (-1: before the first), and which lie beyond its last."""
    return np.searchsorted(time, times + sample.tied, side="right") - 1, times > time[-1] + sample.tied


def stepped(column: Floats, row: NDArray[np.intp], unknown: NDArray[np.bool_], *, first: float) -> Floats:
    """Read a step function: row -1 means before its first step; NaN where unknown."""
    return np.where(unknown, np.nan, np.where(row < 0, first, column[row]))


def is_at_risk(sample: Sample, times: float | Floats) -> NDArray[np.bool_]:
    """Tell who is at risk at one time, shape (n,), or at times of shape (n_times, 1), shape (n_times, n)."""
    at_risk = sample.time >= times - sample.tied
    if sample.entry is not None:
        at_risk &= sample.entry < times - sample.tied
    return np.asarray(at_risk)


def n_at_risk(sample: Sample, times: Floats) -> Counts:
    """Count who is at risk at each time, or sum their weights."""
    at_risk = is_at_risk(sample, times[:, None])
    return np.sum(at_risk, axis=1) if sample.weights is None else np.asarray(at_risk @ sample.weights)


def product_limit(at_risk: Floats, events: Floats) -> Floats:
    """The curves of many samples at the same times, shape (n_samples, n_times), from sums of weights.

    Where nobody is at risk a curve stays as it is. NaN stays NaN.
    """
    left = np.divide(at_risk - events, at_risk, out=np.ones_like(at_risk), where=at_risk != 0)
    return np.asarray(np.cumprod(np.where(left < _ROUNDING, 0.0, left), axis=1), dtype=float)
