"""The true HBV DNA of a subject, day by day: a decline in two phases, and what rises out of it.

Log10 IU/mL throughout. Under entecavir the virus falls fast for about ten days and slower from then on (Leung et al.,
Hepatology 2009;49:72-79). An episode (reactivation, breakthrough, days without entecavir) starts from where the virus
is, rises by as much a day to a top, and falls as at the start once it is treated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialwright.design.virtual.draws import NEVER, Numbers, Whole

FIRST_DAY = -60
"""Curves begin this long before the first dose."""


@dataclass(frozen=True, slots=True)
class Decline:
    """How HBV DNA falls under entecavir.

    Parameters
    ----------
    fall : float
        Log10 of the first phase.
    length : float
        Days of the first phase.
    half_life : ndarray of shape (n,)
        Days in which the virus halves in the second phase.
    """

    fall: float
    length: float
    half_life: Numbers

    def after(self, days: Numbers) -> Numbers:
        """Log10 of the share that is left so many days after the start; none before it. Shape (n, m)."""
        elapsed = np.maximum(days, 0.0)
        slow = 10.0**-self.fall
        fast_rate = np.log(10.0) * self.fall / self.length
        slow_rate = (np.log(2.0) / self.half_life)[:, None]
        return np.asarray(
            np.log10((1.0 - slow) * np.exp(-fast_rate * elapsed) + slow * np.exp(-slow_rate * elapsed))
        )


@dataclass(frozen=True, slots=True)
class Episode:
    """A rise: its first day (`NEVER` if there is none), log10 a day, its top and the day it is treated."""

    start: Whole
    slope: float
    top: Numbers
    treated: Whole


def true_curve(
    screening: Numbers,
    entecavir: Whole,
    decline: Decline,
    floor: float,
    episodes: list[Episode],
    last_day: int,
) -> Numbers:
    """Log10 HBV DNA of each subject on each day.

    Parameters
    ----------
    screening : ndarray of shape (n,)
        Before entecavir.
    entecavir : ndarray of shape (n,)
        Its first day.
    floor : float
        What remains however long it is given.
    last_day : int

    Returns
    -------
    curve : ndarray of shape (n, last_day - FIRST_DAY + 1)
        Column `day - FIRST_DAY` is a day.
    """
    days = np.arange(FIRST_DAY, last_day + 1, dtype=np.float64)[None, :]
    falling = screening[:, None] + decline.after(days - entecavir[:, None])
    curve = _together(falling, np.full_like(falling, floor))
    for episode in episodes:
        rows = np.flatnonzero(episode.start < NEVER)
        if not len(rows):
            continue
        part = Decline(decline.fall, decline.length, decline.half_life[rows])
        curve[rows] = _together(
            curve[rows],
            _rise(curve[rows], days, episode.start[rows], episode.slope, episode.top[rows],
                  episode.treated[rows], part),
        )  # fmt: skip
    return np.asarray(np.maximum(curve, floor))


def _rise(
    below: Numbers,
    days: Numbers,
    start: Whole,
    slope: float,
    top: Numbers,
    treated: Whole,
    decline: Decline,
) -> Numbers:
    """The part of the virus that an episode adds."""
    column = np.clip(start - FIRST_DAY, 0, below.shape[1] - 1)
    level = below[np.arange(len(below)), column]
    rising = np.minimum(level[:, None] + slope * (days - start[:, None]), top[:, None])
    highest = np.minimum(level + slope * (treated - start), top)
    falling = highest[:, None] + decline.after(days - treated[:, None])
    risen = np.where(days <= treated[:, None], rising, falling)
    return np.asarray(np.where(days >= start[:, None], risen, -np.inf))


def _together(one: Numbers, other: Numbers) -> Numbers:
    """Log10 of the sum of two amounts given as log10."""
    high, low = np.maximum(one, other), np.minimum(one, other)
    return np.asarray(high + np.log10(1.0 + 10.0 ** (low - high)))


def first_day(is_true: np.ndarray[tuple[int, int], np.dtype[np.bool_]], since: int) -> Whole:
    """The first day, from `since` on, on which something holds; `NEVER` where there is none."""
    later = is_true[:, since - FIRST_DAY :]
    found = later.any(axis=1)
    return np.where(found, later.argmax(axis=1) + since, NEVER).astype(np.int64)
