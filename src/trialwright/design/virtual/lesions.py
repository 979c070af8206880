"""Tumour lesions of a subject: how large they truly are on each day, and what a reader writes down.

Each lesion shrinks and grows at once, `size(t) = size(0) * (exp(-shrinkage t) + exp(growth t) - 1)` (Stein et al., Clin
Cancer Res 2011;17:907-917). Two readers measure the same scans, each with an error of their own; the second may follow
fewer lesions and see a new one a scan later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialwright.design.virtual.draws import Flags, Numbers, Whole

SITES = ("LIVER", "LIVER", "LUNG", "LYMPH NODE")
"""Where the lesions of a subject lie, in the order in which they are chosen: at most two of an organ."""

NODE = 3
LEAST_TARGET_MM = (10, 10, 10, 15)
"""What each lesion must measure at baseline to be a target (RECIST 1.1)."""
LARGEST_MM = 250.0
TOO_SMALL_MM = 5.0
"""What is visible and too small to measure is written as 5 mm (RECIST 1.1)."""
NOT_MEASURED = -1
_AT_ONCE = 1000
"""Subjects whose days are looked at together."""

INVESTIGATOR, ASSESSOR = 0, 1
READERS = ("INVESTIGATOR", "INDEPENDENT ASSESSOR")


@dataclass(frozen=True, slots=True)
class Lesions:
    """The true lesions of n subjects.

    Parameters
    ----------
    number : ndarray of shape (n,)
        How many can be measured, 1 to 4.
    size : ndarray of shape (n, 4)
        Millimetres at first dose; nodes by their short axis.
    shrinkage, growth : ndarray of shape (n, 4)
        A day.
    new_day, second_new_day : ndarray of shape (n,)
        From when on new lesions can be seen; `NEVER` if there are none.
    """

    number: Whole
    size: Numbers
    shrinkage: Numbers
    growth: Numbers
    new_day: Whole
    second_new_day: Whole

    def on(self, day: Numbers | Whole) -> Numbers:
        """Millimetres of each lesion on a day for each subject, shape (n, 4). Before the first dose as at it."""
        elapsed = np.maximum(np.asarray(day, dtype=np.float64), 0.0)[:, None]
        factor = np.exp(-self.shrinkage * elapsed) + np.expm1(np.minimum(self.growth * elapsed, 8.0))
        return np.asarray(np.minimum(self.size * factor, LARGEST_MM))

    def total(self, day: Numbers | Whole, counted: Flags) -> Numbers:
        """Sum of the lesions counted, shape (n,)."""
        return np.asarray(np.where(counted, self.on(day), 0.0).sum(axis=1))


def true_progression(lesions: Lesions, counted: Flags, last_day: int) -> Whole:
    """The first day on which the true sum is a fifth and 5 mm above its lowest so far, or a new lesion is there.

    RECIST 1.1, on the truth and day by day; `last_day + 1` and later is not reached.
    """
    found = np.full(len(counted), last_day + 1, dtype=np.int64)
    for begin in range(0, len(counted), _AT_ONCE):
        rows = slice(begin, begin + _AT_ONCE)
        total = _totals(lesions, counted, rows, last_day)
        lowest = np.minimum.accumulate(total, axis=1)[:, :-1]
        has_grown = (total[:, 1:] >= 1.2 * lowest) & (total[:, 1:] - lowest >= 5.0)
        found[rows] = np.where(has_grown.any(axis=1), has_grown.argmax(axis=1) + 1, last_day + 1)
    return np.asarray(np.minimum(found, lesions.new_day))


def _totals(lesions: Lesions, counted: Flags, rows: slice, last_day: int) -> Numbers:
    """Sums on each day from 0 to the last, of some of the subjects."""
    days = np.arange(last_day + 1, dtype=np.float64)[None, :]
    total = np.zeros((len(counted[rows]), last_day + 1))
    for lesion in range(counted.shape[1]):
        shrinkage, growth = (rate[rows, lesion][:, None] for rate in (lesions.shrinkage, lesions.growth))
        factor = np.exp(-shrinkage * days) + np.expm1(np.minimum(growth * days, 8.0))
        mm = np.minimum(lesions.size[rows, lesion][:, None] * factor, LARGEST_MM)
        total += np.where(counted[rows, lesion][:, None], mm, 0.0)
    return total


def measure(true: Numbers, error: Numbers) -> Whole:
    """What a reader writes for each lesion: whole millimetres, 5 for what is too small, 0 for what is gone.

    Parameters
    ----------
    true : ndarray of shape (n, 4)
        Millimetres.
    error : ndarray of shape (n, 4)
        Of the reader, as a share.
    """
    seen = np.round(true * (1.0 + error))
    mm = np.where(true < 2.0, 0.0, np.maximum(seen, TOO_SMALL_MM))
    mm[:, NODE] = np.maximum(np.round(true[:, NODE] * (1.0 + error[:, NODE])), 2.0)
    return mm.astype(np.int64)
