"""When samples were taken: on a day, at a minute, or some time in a month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from trialwright.medicine.known import Index, Known
from trialwright.statistics.arrays import as_numbers
from trialwright.vocabulary.intervals import Flags, Intervals
from trialwright.vocabulary.partial_dates import MINUTES_PER_DAY, PartialDate
from trialwright.vocabulary.verdicts import Codes, Reason, all_of, judge, negate

Minutes = npt.NDArray[np.int64]
ANY_TIME = 1 << 38
"""Minutes beyond all dates."""
MISSING, IMPRECISE = np.uint8(Reason.MISSING.code), np.uint8(Reason.IMPRECISE_DATE.code)


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """When samples were taken: the first and the last minute each may be of; a missing date may be any."""

    first: Minutes
    last: Minutes

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, rows: Index | Flags) -> Moments:
        return Moments(self.first[rows], self.last[rows])

    @property
    def is_missing(self) -> Flags:
        return np.asarray(self.first == -ANY_TIME)

    @property
    def days(self) -> Known:
        """Day numbers, from the first to the last it may be."""
        lo, hi = self.first // MINUTES_PER_DAY, self.last // MINUTES_PER_DAY
        missing = self.is_missing
        bounds = Intervals(np.where(missing, -np.inf, lo), np.where(missing, np.inf, hi))
        return Known(bounds, np.where(missing, MISSING, IMPRECISE))

    def is_at_or_before(self, anchor: Moments) -> Codes:
        """On the anchor's day without clock times that tell, a sample counts as taken before it."""
        after = self.first > anchor.last
        surely = (self.last // MINUTES_PER_DAY <= anchor.first // MINUTES_PER_DAY) & ~after
        missing = self.is_missing | anchor.is_missing
        return judge(
            surely=surely & ~missing, never=after & ~missing, reason=np.where(missing, MISSING, IMPRECISE)
        )


Times: TypeAlias = "Moments | npt.ArrayLike | Sequence[PartialDate | None]"
"""Whole day numbers (NaN where missing), datetime64 (days, or minutes and finer; NaT), or partial dates (None)."""


def as_moments(name: str, times: Times) -> Moments:
    """Read an argument as moments.

    Raises
    ------
    ValueError
        If a number is not a whole day, or dates are of months or years as numpy holds them: partial dates say what is
        meant.
    """
    if isinstance(times, Moments):
        return times
    array = np.atleast_1d(np.asarray(times))
    if array.dtype.kind == "O" and any(isinstance(one, PartialDate) for one in array):
        first = [-ANY_TIME if one is None else one.first_minute for one in array]
        last = [ANY_TIME if one is None else one.last_minute for one in array]
        return Moments(np.array(first, np.int64), np.array(last, np.int64))
    if array.dtype.kind == "M":
        missing = np.isnat(array)
        unit = np.datetime_data(array.dtype)[0]
        if unit in ("Y", "M", "W") and not missing.all():
            raise ValueError(f"`{name}` must hold days, minutes or partial dates, not {array.dtype}")
        has_clock = unit != "D"
        start = array.astype("datetime64[m]").astype(np.int64)
        return _moments(start, start if has_clock else start + (MINUTES_PER_DAY - 1), missing)
    days = as_numbers(
        name,
        array,
        expected="a whole day number, or missing",
        accept=lambda numbers: np.isnan(numbers) | (numbers == np.floor(numbers)),
        may_be_empty=True,
    )
    missing = np.isnan(days)
    start = np.where(missing, 0, days).astype(np.int64) * MINUTES_PER_DAY
    return _moments(start, start + (MINUTES_PER_DAY - 1), missing)


def _moments(first: Minutes, last: Minutes, missing: Flags) -> Moments:
    return Moments(np.where(missing, -ANY_TIME, first), np.where(missing, ANY_TIME, last))


def is_in_period(times: Times, *, first_dose: Times, last_dose: Times, days_after: int) -> Codes:
    """Whether samples were taken after the first dose and no later than `days_after` days after the last.

    Parameters
    ----------
    times : Times of shape (n,)
    first_dose, last_dose : Times of shape (n,) or one for all
        Of each sample's person. Where treatment goes on give the day up to which it is known to.
    days_after : int
        Whole days, the last included.

    Returns
    -------
    in_period : ndarray of uint8, shape (n,)
        A sample of the first dose's own day is in it only if a clock time says that it came later.
    """
    taken = as_moments("times", times)
    first, last = as_moments("first_dose", first_dose), as_moments("last_dose", last_dose)
    end = last.days.scaled(1.0, days_after)
    late = taken.days.compare("<=", end)
    return all_of([negate(taken.is_at_or_before(first)), late])
