"""What is known of numbers and of categories, one per row, and why it is not more.

A definition that gets `<10`, a missing INR or two results of one instant gives back what still follows: a score from
5 to 7, grade 2 or 3, LR-3 or LR-4. The reason told is the one that stands first in `vocabulary.verdicts`.

`Known` calculates and compares, `Categories` holds what is no number; `amounts` and `arguments` read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from trialwright.vocabulary.intervals import (
    RELATIVE_TOLERANCE,
    Comparison,
    Flags,
    Floats,
    Intervals,
    Threshold,
)
from trialwright.vocabulary.verdicts import Codes, Reason, Verdict, as_codes, judge

Index = npt.NDArray[np.intp]
Texts = npt.NDArray[np.object_]
Numbers: TypeAlias = "Known | Intervals | npt.ArrayLike"
"""What functions of this room take as measured: numbers with NaN or None where nothing was measured, intervals where
results are censored, or numbers already read."""

MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
_EXACT = np.uint8(0)
_INF = np.inf


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Known:
    """Numbers as far as they are known.

    Parameters
    ----------
    bounds : Intervals of shape (n,)
        From the least to the most that each may be.
    reasons : array-like of uint8 that broadcasts to (n,)
        For each number that is not exact the code of an unknown verdict; what stands beside exact ones is dropped.
    is_calculated : array-like of bool that broadcasts to (n,)
        Whether a conversion or a formula stands behind a number: comparisons then use the tolerance of products.

    Raises
    ------
    ValueError
        If a number that is not exact has no reason.

    Examples
    --------
    >>> bilirubin = Known(Intervals([12, 0], [12, 34], hi_open=[False, True]), [0, Reason.CENSORED.code])
    >>> print(*bilirubin.through(np.log10).bounds)
    [1.07918124604762, 1.07918124604762] (-inf, 1.53147891704226)
    """

    bounds: Intervals
    reasons: Codes
    is_calculated: Flags

    def __init__(
        self, bounds: Intervals, reasons: npt.ArrayLike, *, is_calculated: npt.ArrayLike = False
    ) -> None:
        shape = np.shape(bounds.lo)
        if len(shape) != 1:
            raise ValueError(f"numbers must be one-dimensional, not of shape {shape}")
        exact = bounds.lo == bounds.hi
        told = np.asarray(reasons, dtype=np.uint8) * ~exact  # an exact one has `_EXACT`, 0
        if ((as_codes(told) == NOT_MET) & ~exact).any() or (told == MET).any():
            raise ValueError("numbers that are not exact need a reason")
        object.__setattr__(self, "bounds", bounds)
        object.__setattr__(self, "reasons", told)
        object.__setattr__(self, "is_calculated", np.broadcast_to(np.asarray(is_calculated, np.bool_), shape))

    @classmethod
    def exactly(cls, numbers: npt.ArrayLike) -> Self:
        """Numbers known exactly, as they were reported or stated."""
        return cls(Intervals.exactly(np.atleast_1d(np.asarray(numbers, np.float64))), _EXACT)

    @classmethod
    def unknown(cls, reasons: npt.ArrayLike, *, least: float = 0.0) -> Self:
        """Rows of which nothing is known, each for its reason: all numbers from `least` up are possible."""
        told = np.atleast_1d(np.asarray(reasons, np.uint8))
        return cls(Intervals(np.full(len(told), least), _INF), told)

    def __len__(self) -> int:
        return len(self.bounds)

    def __getitem__(self, rows: Index | Flags) -> Self:
        """Some of the rows, chosen by an array of positions or flags."""
        return type(self)(
            _rows(self.bounds, rows), self.reasons[rows], is_calculated=self.is_calculated[rows]
        )

    @property
    def is_exact(self) -> Flags:
        return np.asarray(self.bounds.lo == self.bounds.hi)

    @property
    def is_missing(self) -> Flags:
        """Rows without any record."""
        return np.asarray(self.reasons == Reason.MISSING.code)

    def take(self, positions: npt.ArrayLike) -> Known:
        """The rows at these positions; -1 gives a row without record."""
        index = np.asarray(positions, np.intp)
        nothing = Known.unknown(np.full(len(index), Reason.MISSING.code))
        return self[index].where(index >= 0, nothing) if len(self) else nothing

    def where(self, condition: npt.ArrayLike, other: Known) -> Known:
        """These rows where the condition holds, else those of `other`."""
        rows = np.asarray(condition, np.bool_)
        return Known(
            choose_bounds(rows, self.bounds, other.bounds),
            np.where(rows, self.reasons, other.reasons),
            is_calculated=np.where(rows, self.is_calculated, other.is_calculated),
        )

    def compare(
        self, comparison: Comparison | str, threshold: npt.ArrayLike | Known, *, is_product: bool = False
    ) -> Codes:
        """Judge `self comparison threshold` for each row; unknown for the reason told first of both sides.

        Parameters
        ----------
        comparison : Comparison or "<", "<=", ">", ">=", "=", "!="
        threshold : Known, or array-like of float that broadcasts
        is_product : bool
            Whether a calculation stands behind the threshold; it is known of one that is `Known`.

        Returns
        -------
        codes : ndarray of uint8 of shape (n,)
        """
        other = threshold if isinstance(threshold, Known) else Known.exactly(threshold)
        reason = np.maximum(self.reasons, other.reasons)
        reason = reason + (reason == _EXACT) * np.uint8(Reason.CENSORED.code)  # both exact: not used
        tolerant = self.is_calculated | other.is_calculated | is_product

        def judged(tolerance: bool) -> Codes:
            bound = Threshold(other.bounds, is_product=tolerance)
            return self.bounds.compare(Comparison(comparison), bound, reason=reason)

        if tolerant.all():
            return judged(True)
        return judged(False) if not tolerant.any() else np.where(tolerant, judged(True), judged(False))

    def plus(self, other: Known) -> Known:
        return self._result(self.bounds.plus(other.bounds), other)

    def minus(self, other: Known) -> Known:
        return self._result(self.bounds.minus(other.bounds), other)

    def times(self, other: Known) -> Known:
        return self._result(self.bounds.times(other.bounds), other)

    def over(self, other: Known) -> Known:
        """The quotient; unknown (undefined) where the divisor is 0. One that may be 0 or more counts as more."""
        divisor = other.bounds
        zero = divisor.hi == 0
        above = Intervals(
            np.where(zero, 1, divisor.lo),
            np.where(zero, 1, divisor.hi),
            ~zero & (divisor.lo_open | (divisor.lo == 0)),
            ~zero & divisor.hi_open,
        )
        return _undefined_where(zero, self._result(self.bounds.over(above), other))

    def scaled(self, factor: float, offset: float = 0.0) -> Known:
        """`factor * x + offset`, for a factor above 0."""
        return self._result(self.bounds.scaled(factor, offset))

    def maximum(self, other: Known) -> Known:
        """The greater of two, row by row."""
        return self._result(self.bounds.maximum(other.bounds), other, is_new=False)

    def hull(self, other: Known) -> Known:
        """What is known if either may be meant, row by row."""
        return self._result(self.bounds.hull(other.bounds), other, is_new=False)

    def clamped(self, least: float, most: float = _INF) -> Known:
        """Raised to `least` and lowered to `most` where beyond."""
        if (self.bounds.lo >= least).all() and (self.bounds.hi <= most).all():
            return self
        bounds = self.bounds.maximum(Intervals.exactly(np.full(len(self), least)))
        if most < _INF:
            bounds = bounds.minimum(Intervals.exactly(np.full(len(self), most)))
        return self._result(bounds, is_new=False)

    def through(self, function: Callable[[Floats], Floats], *, is_falling: bool = False) -> Known:
        """A function that strictly rises (or falls) applied to each number; undefined where it has no finite value."""
        bounds = self.bounds
        with np.errstate(divide="ignore"):
            low = np.asarray(function(bounds.lo), np.float64)
            high = np.asarray(function(bounds.hi), np.float64)
        low_open, high_open = bounds.lo_open, bounds.hi_open
        if is_falling:
            low, high, low_open, high_open = high, low, high_open, low_open
        none = (low == _INF) | (high == -_INF)
        low, high = np.where(none, 0, low), np.where(none, 0, high)
        wide = low < high
        result = Intervals(low, high, low_open & wide, high_open & wide)
        return _undefined_where(none, self._result(result))

    def rounded(self) -> Known:
        """Whole numbers, halves away from zero; a number within the tolerance of products of a half counts as one."""

        def whole(numbers: Floats) -> Floats:
            size = np.floor(np.abs(numbers) * (1 + RELATIVE_TOLERANCE) + 0.5)
            return np.asarray(np.copysign(size, numbers))

        bounds = Intervals(whole(self.bounds.lo), whole(self.bounds.hi))
        return Known(bounds, self.reasons, is_calculated=False)

    def hulls(self, starts: npt.ArrayLike, *, cause: Reason | Codes = Reason.CONFLICT) -> Known:
        """One row for each group of neighbouring rows, any of which may be meant.

        Parameters
        ----------
        starts : array-like of int
            Position of the first row of each group, increasing, from 0.
        cause : Reason, or ndarray of uint8 with a code for each group
            What is told where rows of a group differ, unless a reason of their own comes first.
        """
        first, bounds = np.asarray(starts, np.intp), self.bounds
        group = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(self))))
        lo, hi = np.minimum.reduceat(bounds.lo, first), np.maximum.reduceat(bounds.hi, first)
        reaches_lo = (bounds.lo == lo[group]) & ~bounds.lo_open
        reaches_hi = (bounds.hi == hi[group]) & ~bounds.hi_open
        hull = Intervals(
            lo, hi, ~np.logical_or.reduceat(reaches_lo, first), ~np.logical_or.reduceat(reaches_hi, first)
        )
        whole = _rows(hull, group)
        is_other = (
            (bounds.lo != whole.lo)
            | (bounds.hi != whole.hi)
            | (bounds.lo_open != whole.lo_open)
            | (bounds.hi_open != whole.hi_open)
        )
        code = np.uint8(cause.code) if isinstance(cause, Reason) else cause
        differ = np.where(np.logical_or.reduceat(is_other, first), code, _EXACT)
        return Known(
            hull,
            np.maximum(np.maximum.reduceat(self.reasons, first), differ),
            is_calculated=np.logical_or.reduceat(self.is_calculated, first),
        )

    def highest(self, starts: npt.ArrayLike) -> Known:
        """The greatest of each group of neighbouring rows, given the position of the first row of each."""
        first, bounds = np.asarray(starts, np.intp), self.bounds
        low = _greatest_row(first, bounds.lo, bounds.lo_open)
        high = _greatest_row(first, bounds.hi, ~bounds.hi_open)
        return Known(
            Intervals(bounds.lo[low], bounds.hi[high], bounds.lo_open[low], bounds.hi_open[high]),
            np.maximum.reduceat(self.reasons, first),
            is_calculated=np.logical_or.reduceat(self.is_calculated, first),
        )

    def collapsed(self, cause: Reason) -> Known:
        """One row in place of all, any of which may be meant; where they differ `hulls` says what is told."""
        return self.hulls([0], cause=cause)

    def _result(self, bounds: Intervals, *others: Known, is_new: bool = True) -> Known:
        parts = (self, *others)
        calculated = is_new or reduce(np.logical_or, [part.is_calculated for part in parts])
        reasons = reduce(np.maximum, [part.reasons for part in parts])
        return Known(bounds, reasons, is_calculated=calculated)


def choose(condition: Codes, if_met: Known, if_not: Known) -> Known:
    """One number where a condition is met, another where it is not, either where it is unknown."""
    condition = as_codes(condition)
    met, not_met = condition == MET, condition == NOT_MET
    bounds = if_met.bounds.hull(if_not.bounds)
    bounds = choose_bounds(met, if_met.bounds, choose_bounds(not_met, if_not.bounds, bounds))
    told = np.maximum(condition, np.maximum(if_met.reasons, if_not.reasons))
    reasons = np.where(met, if_met.reasons, np.where(not_met, if_not.reasons, told))
    return Known(bounds, reasons, is_calculated=if_met.is_calculated | if_not.is_calculated)


def choose_codes(condition: Codes, if_met: Codes, if_not: Codes) -> Codes:
    """One verdict where a condition is met, another where it is not; where it is unknown, what both agree on."""
    condition = as_codes(condition)
    open_met, open_not = (np.where(codes == MET, np.uint8(NOT_MET), codes) for codes in (if_met, if_not))
    told = np.maximum(condition, np.maximum(open_met, open_not))
    unsure = np.where(if_met == if_not, if_met, told)
    return np.where(condition == MET, if_met, np.where(condition == NOT_MET, if_not, unsure))


def choose_bounds(rows: Flags, one: Intervals, other: Intervals) -> Intervals:
    """The interval of one where flagged, else of the other."""
    return Intervals(
        np.where(rows, one.lo, other.lo),
        np.where(rows, one.hi, other.hi),
        np.where(rows, one.lo_open, other.lo_open),
        np.where(rows, one.hi_open, other.hi_open),
    )


def highest_reached(steps: Sequence[Codes], values: Sequence[int], *, otherwise: int) -> Known:
    """The value of the last step that is met.

    Parameters
    ----------
    steps : sequence of arrays of verdict codes of shape (n,)
        From low to high: who reaches a step has reached those before it.
    values : sequence of int
        The value of each step, rising.
    otherwise : int
        The value of those who reach none.

    Returns
    -------
    reached : Known of shape (n,)
        Steps that are unknown below one that is met change nothing; those above it make a range.
    """
    if len(values) != len(steps):
        raise ValueError(f"{len(steps)} steps need as many values, not {len(values)}")
    least = most = reasons = np.zeros(len(steps[0]), dtype=np.uint8)
    for number, step in enumerate(steps, 1):
        met = step == MET
        least = np.maximum(least, met * np.uint8(number))
        most = np.maximum(most, (step != NOT_MET) * np.uint8(number))
        reasons = np.maximum(reasons, step) * ~met
    worth = np.array([otherwise, *values], np.float64)
    return Known(Intervals(worth.take(least), worth.take(most)), reasons)


def sum_of(parts: Iterable[Known]) -> Known:
    """The sum of several, row by row."""
    return reduce(Known.plus, parts)


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Categories:
    """Which of some categories each row may be in.

    Parameters
    ----------
    levels : tuple of str
    possible : array-like of bool of shape (n, len(levels))
        At least one in each row.
    reasons : array-like of uint8 that broadcasts to (n,)
        Where more than one is possible, the code of an unknown verdict.

    Raises
    ------
    ValueError
        If nothing is possible in some row, or if a row with several has no reason.

    Examples
    --------
    >>> stage = Categories(("0", "A", "B"), [[True, False, False], [True, True, False]], Reason.MISSING.code)
    >>> stage.settled.tolist(), stage.is_in("0", "A").tolist()
    (['0', None], [100, 100])
    """

    levels: tuple[str, ...]
    possible: Flags
    reasons: Codes

    def __init__(self, levels: Iterable[str], possible: npt.ArrayLike, reasons: npt.ArrayLike) -> None:
        names, flags = tuple(levels), np.asarray(possible, np.bool_)
        if flags.ndim != 2 or flags.shape[1] != len(names):
            raise ValueError(
                f"there must be a column for each of {len(names)} levels, not shape {flags.shape}"
            )
        several = flags.sum(axis=1)
        if (several == 0).any():
            raise ValueError("at least one category must be possible in each row")
        told = np.where(several > 1, np.asarray(reasons, np.uint8), _EXACT).astype(np.uint8)
        if ((as_codes(told) == NOT_MET) & (several > 1)).any() or (told == MET).any():
            raise ValueError("rows that may be in several categories need a reason")
        object.__setattr__(self, "levels", names)
        object.__setattr__(self, "possible", flags)
        object.__setattr__(self, "reasons", told)

    def __len__(self) -> int:
        return len(self.possible)

    @property
    def settled(self) -> npt.NDArray[np.object_]:
        """The category of each row, None where more than one is possible."""
        names: Texts = np.array(self.levels, dtype=object)[self.possible.argmax(axis=1)]
        names[self.possible.sum(axis=1) > 1] = None
        return names

    def is_in(self, *levels: str) -> Codes:
        """Whether each row is in one of these categories.

        Raises
        ------
        ValueError
            If a level is not one of them.
        """
        for level in levels:
            if level not in self.levels:
                raise ValueError(f"a category must be one of {', '.join(self.levels)}, not {level!r}")
        asked = np.isin(self.levels, levels)
        some, others = self.possible[:, asked].any(axis=1), self.possible[:, ~asked].any(axis=1)
        reasons = np.where(
            some & others, self.reasons, np.uint8(Reason.MISSING.code)
        )  # of the rest none is used
        return judge(surely=~others, never=~some, reason=reasons)


def first_match(
    levels: Sequence[str], conditions: Sequence[tuple[str, Codes]], otherwise: Flags
) -> Categories:
    """The category of the first condition that is met.

    Parameters
    ----------
    levels : sequence of str
        All categories, in their order.
    conditions : sequence of (level, codes of shape (n,))
        In the order in which they are asked.
    otherwise : array of bool of shape (n, len(levels))
        What is possible if none is met.

    Returns
    -------
    categories : Categories of shape (n,)
        A condition asked after one that is surely met changes nothing.
    """
    possible = np.zeros_like(otherwise)
    reached = np.ones(len(otherwise), dtype=np.bool_)
    reasons = np.zeros(len(otherwise), dtype=np.uint8)
    for level, asked in conditions:
        codes = as_codes(asked)
        possible[:, levels.index(level)] |= reached & (codes != NOT_MET)
        unknown = reached & (codes != NOT_MET) & (codes != MET)
        reasons = np.where(unknown, np.maximum(reasons, codes), reasons)
        reached = reached & (codes != MET)
    possible |= otherwise & reached[:, None]
    return Categories(levels, possible, reasons)


def _greatest_row(starts: Index, numbers: Floats, wins: Flags) -> Index:
    """For each group its row with the greatest number, of equal ones one that is flagged."""
    in_order = np.lexsort((wins, numbers))
    rank = np.empty(len(numbers), np.intp)
    rank[in_order] = np.arange(len(numbers))
    return np.asarray(in_order[np.maximum.reduceat(rank, starts)])


def _undefined_where(rows: Flags, numbers: Known) -> Known:
    nothing = Known.unknown(np.full(len(numbers), Reason.UNDEFINED.code), least=-_INF)
    return nothing.where(rows, numbers) if rows.any() else numbers


def _rows(bounds: Intervals, rows: Index | Flags) -> Intervals:
    return Intervals(bounds.lo[rows], bounds.hi[rows], bounds.lo_open[rows], bounds.hi_open[rows])
