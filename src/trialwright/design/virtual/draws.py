"""Random numbers of a virtual trial: a stream for each purpose, and the distributions that occur.

Each trial has a seed of its own, made from the seed of the run and the number of the trial, and each purpose a stream of
its own. Neither the number of trials nor a draw added elsewhere changes what a stream gives.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

NEVER = 10**6
"""A day no subject reaches: what does not happen."""


class Draws:
    """The stream of one purpose of one trial, for `n` subjects.

    Parameters
    ----------
    seed : int
        Of the whole run.
    trial : int
        Number of the trial, from 0.
    purpose : str
    n : int
        How many subjects each draw is made for.
    """

    def __init__(self, seed: int, trial: int, purpose: str, n: int) -> None:
        key = (trial, zlib.crc32(purpose.encode()))
        self.rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
        self.n = n

    def chance(self, share: float | Numbers) -> Flags:
        """True in `share` of the subjects."""
        return self.rng.random(self.n) < share

    def days(self, least: float, most: float) -> Whole:
        """Whole days from `least` to `most`, both included and all alike."""
        return self.rng.integers(round(least), round(most) + 1, self.n)

    def days_of(self, shape: tuple[int, ...], least: float, most: float) -> Whole:
        return self.rng.integers(round(least), round(most) + 1, shape)

    def days_until(self, first: float, last: Whole) -> Whole:
        """Whole days from `first` to the `last` of each, both included and all alike; `NEVER` where there are none."""
        length = last - round(first) + 1
        day = round(first) + np.floor(self.rng.random(self.n) * np.maximum(length, 0)).astype(np.int64)
        return np.where(length >= 1, day, NEVER)

    def uniform(self, least: float, most: float) -> Numbers:
        return self.rng.uniform(least, most, self.n)

    def normal(self, mean: float, sd: float) -> Numbers:
        return self.rng.normal(mean, sd, self.n)

    def between(self, mean: float, sd: float, least: float, most: float) -> Numbers:
        """Normal, and within both bounds: what lies outside is drawn anew, in the end uniformly."""
        values = self.normal(mean, sd)
        for _ in range(100):
            outside = (values < least) | (values > most)
            if not outside.any():
                return values
            values[outside] = self.rng.normal(mean, sd, int(outside.sum()))
        outside = (values < least) | (values > most)
        values[outside] = self.rng.uniform(least, most, int(outside.sum()))
        return values

    def spread(self, median: float, spread: float) -> Numbers:
        """Log-normal: `spread` is the standard deviation of the natural logarithm."""
        return np.asarray(median * np.exp(spread * self.rng.standard_normal(self.n)))

    def waiting(self, median: float) -> Whole:
        """Whole days until something that is as likely on every day; `median` days."""
        scale = median / np.log(2)
        return np.ceil(self.rng.exponential(scale, self.n)).astype(np.int64)

    def pick(self, shares: Numbers) -> Whole:
        """A number from 0 for each subject, by the share of each."""
        return self.rng.choice(len(shares), self.n, p=shares / shares.sum())


def of_others(share: float, *taken: float) -> float:
    """The chance that gives `share` of all, where it is drawn among those whom other shares have left."""
    left = 1.0 - sum(taken)
    return min(share / left, 1.0) if left > 0 else 0.0


def hazard_median(share: float, within: float) -> float:
    """The median waiting time, in days, that gives `share` until day `within`."""
    return float("inf") if share <= 0 else within * np.log(2) / -np.log1p(-min(share, 1 - 1e-12))
