"""What is known of a number: from where to where, and whether the ends belong to it.

`<10` is [0, 10), `>1.7E8` is (1.7e8, inf), 12 is [12, 12], different results of one instant are [low, high], a
half-known score is [least, most], and a number of which nothing is known is the whole line. A comparison is met if it
holds for every number inside, not met if for none, else unknown.

The ends of a result are the extremes of the operation over the ends of its operands [1]_, and an end belongs to the
result if some pair of numbers inside reaches it. Operands count as independent of each other: `x - x` is not 0.

.. [1] Hickey, Ju, van Emden: Interval arithmetic, from principles to implementation. J ACM 2001;48:1038-68.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from itertools import product
from typing import Any, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from trialwright.vocabulary.verdicts import Codes, Reason, Verdict, judge

RELATIVE_TOLERANCE = 1e-9
"""How far, relative to the threshold, a number may lie from a product and still count as equal to it."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
End = tuple[Any, Any]
"""A number and whether it is left out (the end is open); or an array of each."""

_INF = math.inf


class Comparison(StrEnum):
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    EQUAL = "="
    NOT_EQUAL = "!="


class Bounds(ABC):
    """The arithmetic of `Interval` and `Intervals`, written once for numbers and for arrays of them."""

    __slots__ = ()

    lo: Any
    hi: Any
    lo_open: Any
    hi_open: Any

    @classmethod
    @abstractmethod
    def _from_ends(cls, low: End, high: End) -> Self: ...

    @staticmethod
    @abstractmethod
    def _least(ends: Sequence[End], *, open_wins: bool) -> End: ...

    @staticmethod
    @abstractmethod
    def _greatest(ends: Sequence[End], *, open_wins: bool) -> End: ...

    @staticmethod
    @abstractmethod
    def _multiply(a: Any, b: Any) -> Any:
        """The product of two ends, where 0 times infinity is 0: infinity bounds the numbers but is none of them."""

    @staticmethod
    @abstractmethod
    def _divide(a: Any, b: Any, sign: Any) -> Any:
        """The quotient of two ends; a divisor of 0 is approached from the side that `sign` tells, 0 / 0 is 0."""

    @classmethod
    @abstractmethod
    def _order(cls, end: Any, threshold: Any, *, is_product: bool) -> Any:
        """-1, 0 or 1 as an end lies below, at or above an end of the threshold."""

    @staticmethod
    @abstractmethod
    def _choose(condition: Any, yes: Any, no: Any) -> Any: ...

    def contains(self, number: float) -> Any:
        """Whether the number lies inside."""
        from_lo = (self.lo < number) | ((self.lo == number) & _not(self.lo_open))
        return from_lo & ((number < self.hi) | ((number == self.hi) & _not(self.hi_open)))

    @np.errstate(over="ignore")
    def plus(self, other: Self) -> Self:
        low = (self.lo + other.lo, self.lo_open | other.lo_open)
        return self._from_ends(low, (self.hi + other.hi, self.hi_open | other.hi_open))

    @np.errstate(over="ignore")
    def minus(self, other: Self) -> Self:
        low = (self.lo - other.hi, self.lo_open | other.hi_open)
        return self._from_ends(low, (self.hi - other.lo, self.hi_open | other.lo_open))

    def times(self, other: Self) -> Self:
        corners = [
            # A 0 that belongs to one operand is reached whatever the other is.
            (self._multiply(a, b), (a_open | b_open) & (a_open | (a != 0)) & (b_open | (b != 0)))
            for (a, a_open), (b, b_open) in product(self._ends, other._ends)
        ]
        return self._from_ends(*self._extremes(corners))

    def over(self, other: Self) -> Self:
        """The quotient; the whole line where the divisor may be 0, for then nothing is known of it.

        A rule on a ratio is better judged as a product (`value >= 100 * baseline`), which can be decided at a
        baseline of `<10` and is right at equality. To say why nothing is known, ask `other.contains(0)`.
        """
        sign = 1 - 2 * (other.lo < 0)
        corners = [
            (self._divide(a, b, sign), (a_open | b_open) & (a_open | (a != 0)))
            for (a, a_open), (b, b_open) in product(self._ends, other._ends)
        ]
        unknown = other.contains(0)
        (lo, lo_open), (hi, hi_open) = self._extremes(corners)
        return self._from_ends(
            (self._choose(unknown, -_INF, lo), lo_open), (self._choose(unknown, _INF, hi), hi_open)
        )

    @np.errstate(over="ignore")
    def scaled(self, factor: float, offset: float = 0.0) -> Self:
        """`factor * x + offset`: the same in another unit, or a multiple of a limit.

        Raises
        ------
        ValueError
            If the factor is not finite and above 0, or the offset not finite.
        """
        if not (math.isfinite(factor) and factor > 0):
            raise ValueError(f"a factor must be finite and above 0, not {factor!r}")
        if not math.isfinite(offset):
            raise ValueError(f"an offset must be finite, not {offset!r}")
        low = (self.lo * factor + offset, self.lo_open)
        return self._from_ends(low, (self.hi * factor + offset, self.hi_open))

    def minimum(self, other: Self) -> Self:
        """The smaller of a number of this and a number of the other."""
        low = self._least([self._low, other._low], open_wins=False)
        return self._from_ends(low, self._least([self._high, other._high], open_wins=True))

    def maximum(self, other: Self) -> Self:
        """The greater of a number of this and a number of the other."""
        low = self._greatest([self._low, other._low], open_wins=True)
        return self._from_ends(low, self._greatest([self._high, other._high], open_wins=False))

    def hull(self, other: Self) -> Self:
        """The smallest interval around both: what is known when results of one instant differ."""
        return self._from_ends(*self._extremes([*self._ends, *other._ends]))

    def _extremes(self, ends: Sequence[End]) -> tuple[End, End]:
        return self._least(ends, open_wins=False), self._greatest(ends, open_wins=False)

    @property
    def _low(self) -> End:
        return (self.lo, self.lo_open)

    @property
    def _high(self) -> End:
        return (self.hi, self.hi_open)

    @property
    def _ends(self) -> tuple[End, End]:
        return (self._low, self._high)

    def _surely_and_never(self, comparison: Comparison, threshold: Threshold[Self]) -> tuple[Any, Any]:
        """Whether `self comparison threshold` holds for all numbers inside both, and whether for none.

        Where both of our ends are within the tolerance of the threshold, open ends count only as far as the ends
        themselves, without tolerance, lie in order: otherwise one interval could be above and below.
        """
        bounds = threshold.bounds
        lower = self._order(self.lo, bounds.hi, is_product=threshold.is_product)
        upper = self._order(self.hi, bounds.lo, is_product=threshold.is_product)
        wide = (lower != 0) | (upper != 0)
        lower_open = (self.lo_open | bounds.hi_open) & (wide | (self.lo >= bounds.hi))
        upper_open = (self.hi_open | bounds.lo_open) & (wide | (self.hi <= bounds.lo))
        above = (lower > 0) | ((lower == 0) & lower_open)
        below = (upper < 0) | ((upper == 0) & upper_open)
        at_least = (lower >= 0) & _not(below)
        at_most = (upper <= 0) & _not(above)
        match Comparison(comparison):
            case Comparison.MORE:
                return above, at_most
            case Comparison.AT_LEAST:
                return at_least, below
            case Comparison.LESS:
                return below, at_least
            case Comparison.AT_MOST:
                return at_most, above
            case Comparison.EQUAL:
                return at_least & at_most, above | below
            case Comparison.NOT_EQUAL:
                return above | below, at_least & at_most


AnyBounds = TypeVar("AnyBounds", bound=Bounds)


@dataclass(frozen=True, slots=True)
class Threshold(Generic[AnyBounds]):
    """What a value is compared with, and whether a calculation stands behind either side.

    A product of decimal fractions is rarely the number it should be: 3 * 20.1 is 60.300000000000004. Where
    `is_product` is set, numbers closer to the threshold than `RELATIVE_TOLERANCE` count as equal to it, so that
    `>=` passes and `>` fails at equality. It is set for multiples of a baseline or a limit, for values and thresholds
    converted to another unit and for a change added to its baseline; never for numbers as they were reported and
    stated. An open end stays open: `<10` is not 10.
    """

    bounds: AnyBounds
    is_product: bool

    @staticmethod
    def number(number: float) -> Threshold[Interval]:
        """A number as the protocol states it, compared without tolerance."""
        return Threshold(Interval.exactly(number), is_product=False)


@dataclass(frozen=True, slots=True)
class Interval(Bounds):
    """The numbers from `lo` to `hi`; an open end does not belong to it, an infinite end is always open.

    Raises
    ------
    ValueError
        If an end is not a number (NaN), or if no number lies inside.
    """

    lo: float
    hi: float
    lo_open: bool = False
    hi_open: bool = False

    def __post_init__(self) -> None:
        lo, hi = float(self.lo) + 0.0, float(self.hi) + 0.0  # + 0.0 turns -0.0 into 0.0
        lo_open, hi_open = bool(self.lo_open) or lo == -_INF, bool(self.hi_open) or hi == _INF
        if math.isnan(lo) or math.isnan(hi):
            raise ValueError(f"the ends of an interval must be numbers, not {lo} and {hi}")
        if lo > hi or lo == _INF or hi == -_INF or (lo == hi and (lo_open or hi_open)):
            raise ValueError(f"no number lies inside {_text(lo, hi, lo_open, hi_open)}")
        object.__setattr__(self, "lo", lo)
        object.__setattr__(self, "hi", hi)
        object.__setattr__(self, "lo_open", lo_open)
        object.__setattr__(self, "hi_open", hi_open)

    @classmethod
    def exactly(cls, number: float) -> Interval:
        return cls(number, number)

    @classmethod
    def anything(cls) -> Interval:
        """The whole line: no comparison is ever decided by it."""
        return cls(-_INF, _INF)

    @classmethod
    def reported(cls, number: float, comparator: str = "", *, floor: float | None) -> Interval:
        """The numbers that a result with its comparator may stand for.

        Parameters
        ----------
        number : float
            The number reported, finite.
        comparator : "", "<", "<=", ">" or ">="
            What was reported before the number.
        floor : float or None
            The least value this kind of quantity can have, itself possible: 0 for concentrations, counts and
            lengths; None where there is none (logarithms, base excess).

        Raises
        ------
        ValueError
            If the number is not finite, the comparator is another one, or nothing at or above `floor` fits.

        Examples
        --------
        >>> print(Interval.reported(10, "<", floor=0), Interval.reported(1.7e8, ">", floor=0))
        [0, 10) (170000000, inf)
        """
        if not math.isfinite(number):
            raise ValueError(f"a reported number must be finite, not {number!r}")
        if comparator not in ("", "<", "<=", ">", ">="):
            raise ValueError(f"the comparator of a result must be <, <=, > or >=, not {comparator!r}")
        least = -_INF if floor is None else floor
        is_upper_bound = comparator in ("<", "<=")
        if number < least or (number == least and comparator == "<"):
            raise ValueError(
                f"a result of {comparator}{number:.15g} lies below the least possible, {least:.15g}"
            )
        return cls(
            least if is_upper_bound else number,
            _INF if comparator in (">", ">=") else number,
            lo_open=comparator == ">",
            hi_open=comparator == "<",
        )

    @classmethod
    def hull_of(cls, intervals: Iterable[Interval]) -> Interval:
        """The smallest interval around several, at least one."""
        return reduce(cls.hull, intervals)

    @classmethod
    def sum_of(cls, intervals: Iterable[Interval]) -> Interval:
        """The sum of several, 0 of none."""
        return reduce(cls.plus, intervals, cls(0, 0))

    @property
    def is_exact(self) -> bool:
        """Whether only one number lies inside."""
        return self.lo == self.hi

    def compare(self, comparison: Comparison, threshold: Threshold[Interval], *, reason: Reason) -> Verdict:
        """Judge `self comparison threshold`; unknown for `reason` where numbers inside give both answers."""
        surely, never = self._surely_and_never(comparison, threshold)
        return Verdict.judge(surely=surely, never=never, reason=reason)

    def __str__(self) -> str:
        return _text(self.lo, self.hi, self.lo_open, self.hi_open)

    @classmethod
    def _from_ends(cls, low: End, high: End) -> Interval:
        return cls(low[0], high[0], low[1], high[1])

    @staticmethod
    def _least(ends: Sequence[End], *, open_wins: bool) -> End:
        return min(ends, key=lambda end: (end[0], end[1] != open_wins))

    @staticmethod
    def _greatest(ends: Sequence[End], *, open_wins: bool) -> End:
        return max(ends, key=lambda end: (end[0], end[1] == open_wins))

    @staticmethod
    def _multiply(a: float, b: float) -> float:
        return a * b if a != 0 and b != 0 else 0.0

    @staticmethod
    def _divide(a: float, b: float, sign: int) -> float:
        if a == 0 or math.isinf(b):
            return 0.0
        return a / b if b != 0 else math.copysign(_INF, a * sign)

    @classmethod
    def _order(cls, end: float, threshold: float, *, is_product: bool) -> int:
        low = high = threshold
        if is_product:
            low, high = sorted((threshold * (1 - RELATIVE_TOLERANCE), threshold * (1 + RELATIVE_TOLERANCE)))
        return (end > high) - (end < low)

    @staticmethod
    def _choose(condition: bool, yes: float, no: float) -> float:
        return yes if condition else no


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Intervals(Bounds):
    """Many intervals: four arrays of one shape, with the operations of `Interval` and the same answers.

    Parameters
    ----------
    lo, hi : array-like of float
    lo_open, hi_open : array-like of bool
        The four are broadcast to one shape.

    Raises
    ------
    ValueError
        If an end is NaN, or if no number lies inside some interval.
    """

    lo: Floats
    hi: Floats
    lo_open: Flags
    hi_open: Flags

    def __init__(
        self,
        lo: npt.ArrayLike,
        hi: npt.ArrayLike,
        lo_open: npt.ArrayLike = False,
        hi_open: npt.ArrayLike = False,
    ) -> None:
        low, high = np.asarray(lo, np.float64) + 0.0, np.asarray(hi, np.float64) + 0.0
        low_open = np.asarray(lo_open, np.bool_) | (low == -_INF)
        high_open = np.asarray(hi_open, np.bool_) | (high == _INF)
        low, high, low_open, high_open = np.broadcast_arrays(low, high, low_open, high_open)
        empty = ~((low < high) | ((low == high) & ~(low_open | high_open)))  # an infinite end is open
        if empty.any():
            ends = [array[empty][0].item() for array in (low, high, low_open, high_open)]
            if np.isnan(low).any() or np.isnan(high).any():
                raise ValueError("the ends of an interval must be numbers, not NaN")
            raise ValueError(f"no number lies inside {_text(*ends)}")
        object.__setattr__(self, "lo", low)
        object.__setattr__(self, "hi", high)
        object.__setattr__(self, "lo_open", low_open)
        object.__setattr__(self, "hi_open", high_open)

    @classmethod
    def exactly(cls, numbers: npt.ArrayLike) -> Intervals:
        return cls(numbers, numbers)

    @classmethod
    def of(cls, intervals: Iterable[Interval]) -> Intervals:
        """Each interval a row."""
        rows = list(intervals)
        return cls(
            [row.lo for row in rows],
            [row.hi for row in rows],
            [row.lo_open for row in rows],
            [row.hi_open for row in rows],
        )

    def __len__(self) -> int:
        return len(self.lo)

    def __iter__(self) -> Iterator[Interval]:
        columns = (array.tolist() for array in (self.lo, self.hi, self.lo_open, self.hi_open))
        return (Interval(*row) for row in zip(*columns, strict=True))

    def compare(
        self, comparison: Comparison, threshold: Threshold[Intervals], *, reason: Reason | npt.ArrayLike
    ) -> Codes:
        """Judge `self comparison threshold`; unknown for `reason` where numbers inside give both answers.

        Parameters
        ----------
        comparison : Comparison
        threshold : Threshold of Intervals of a shape that broadcasts
        reason : Reason, or array-like of uint8
            One reason, or the code of an unknown verdict for each interval.

        Returns
        -------
        codes : ndarray of uint8
            Verdict codes, see `verdicts`.
        """
        surely, never = self._surely_and_never(comparison, threshold)
        return judge(surely=surely, never=never, reason=reason)

    @classmethod
    def _from_ends(cls, low: End, high: End) -> Intervals:
        return cls(low[0], high[0], low[1], high[1])

    @staticmethod
    def _least(ends: Sequence[End], *, open_wins: bool) -> End:
        return _first(ends, np.minimum, open_wins=open_wins)

    @staticmethod
    def _greatest(ends: Sequence[End], *, open_wins: bool) -> End:
        return _first(ends, np.maximum, open_wins=open_wins)

    @staticmethod
    def _multiply(a: Floats, b: Floats) -> Floats:
        with np.errstate(invalid="ignore", over="ignore", under="ignore"):
            return np.where((a == 0) | (b == 0), 0.0, a * b)

    @staticmethod
    def _divide(a: Floats, b: Floats, sign: npt.NDArray[np.int_]) -> Floats:
        with np.errstate(invalid="ignore", over="ignore", under="ignore", divide="ignore"):
            return np.where((a == 0) | np.isinf(b), 0.0, a / np.where(b == 0, np.copysign(0.0, sign), b))

    @classmethod
    def _order(cls, end: Floats, threshold: Floats, *, is_product: bool) -> npt.NDArray[np.int8]:
        low = high = threshold
        if is_product:
            with np.errstate(over="ignore"):
                ends = threshold * (1 - RELATIVE_TOLERANCE), threshold * (1 + RELATIVE_TOLERANCE)
            low, high = np.minimum(*ends), np.maximum(*ends)
        return (end > high).astype(np.int8) - (end < low).astype(np.int8)

    @staticmethod
    def _choose(condition: Flags, yes: float, no: Floats) -> Floats:
        return np.where(condition, yes, no)


def _first(ends: Sequence[End], extreme: np.ufunc, *, open_wins: bool) -> End:
    numbers = [np.asarray(number) for number, _ in ends]
    found = reduce(extreme, numbers)
    opens = [
        (number == found) & (is_open == open_wins) for number, (_, is_open) in zip(numbers, ends, strict=True)
    ]
    some = reduce(np.logical_or, opens)
    return found, (some if open_wins else ~some)


def _not(flag: Any) -> Any:
    """Not, for a bool and for an array of them."""
    return flag ^ True


def _text(lo: float, hi: float, lo_open: bool, hi_open: bool) -> str:
    return f"{'(' if lo_open else '['}{lo:.15g}, {hi:.15g}{')' if hi_open else ']'}"
