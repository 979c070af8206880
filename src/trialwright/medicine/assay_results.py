"""Results of an assay with limits of quantification: what was found, apart from how much.

"Not detected", "detected below the limit" and "below the limit, not told which" are three facts and stay three. The
same holds for HBV DNA, quantitative HBsAg and AFP.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trialwright.medicine.known import Known
from trialwright.vocabulary.intervals import Flags, Floats, Intervals
from trialwright.vocabulary.verdicts import Codes, Reason, Verdict

Numbered = npt.NDArray[np.int8]


class State(IntEnum):
    """What a result says. `UNDECIDED`: results of one moment differ, or nobody knows when it was taken."""

    QUANTIFIED = 0
    BELOW_LLOQ_DETECTED = 1
    BELOW_LLOQ_UNSPECIFIED = 2
    NOT_DETECTED = 3
    ABOVE_ULOQ = 4
    NO_RESULT = 5
    UNREADABLE = 6
    UNDECIDED = 7


_MET, _NOT_MET = np.uint8(Verdict.MET.code), np.uint8(Verdict.NOT_MET.code)
# state: was a number found, was the thing detected
_ABOUT: Mapping[State, tuple[int, int]] = MappingProxyType(
    {
        State.QUANTIFIED: (Verdict.MET.code, Verdict.MET.code),
        State.BELOW_LLOQ_DETECTED: (Verdict.NOT_MET.code, Verdict.MET.code),
        State.BELOW_LLOQ_UNSPECIFIED: (Verdict.NOT_MET.code, Reason.CENSORED.code),
        State.NOT_DETECTED: (Verdict.NOT_MET.code, Verdict.NOT_MET.code),
        State.ABOVE_ULOQ: (Verdict.MET.code, Verdict.MET.code),
        State.NO_RESULT: (Reason.MISSING.code, Reason.MISSING.code),
        State.UNREADABLE: (Reason.UNREADABLE.code, Reason.UNREADABLE.code),
        State.UNDECIDED: (Reason.CONFLICT.code, Reason.CONFLICT.code),
    }
)
_IS_QUANTIFIED, _IS_DETECTED = np.array([_ABOUT[state] for state in State], np.uint8).T


@dataclass(frozen=True, slots=True, eq=False)
class AssayResults:
    """Results of one analyte, a row each.

    Parameters
    ----------
    amount : Known of shape (n,)
        How much it may be, in the concept's unit.
    state : ndarray of uint8, shape (n,)
        `State` of each row.
    quantified, detected : ndarray of uint8, shape (n,)
        Verdict codes: whether the result lies within reach of the assay's numbers, and whether the thing is there.
    lloq : ndarray of float, shape (n,)
        The assay's lower limit of quantification, in the concept's unit; NaN where the laboratory did not give it.
    log_decimals : ndarray of int8, shape (n,)
        Decimals of a result that was reported as a logarithm; -1 for all others.
    is_assumed : ndarray of bool, shape (n,)
        Whether a factor was assumed to convert it, because the assay is not known.
    """

    amount: Known
    state: npt.NDArray[np.uint8]
    quantified: Codes
    detected: Codes
    lloq: Floats
    log_decimals: Numbered
    is_assumed: Flags

    @classmethod
    def of(
        cls,
        amount: Known,
        state: npt.ArrayLike,
        *,
        lloq: npt.ArrayLike = np.nan,
        log_decimals: npt.ArrayLike = -1,
        is_assumed: npt.ArrayLike = False,
    ) -> AssayResults:
        """Results of known amounts and states."""
        states = np.broadcast_to(np.asarray(state, np.uint8), len(amount))
        return cls(
            amount,
            states,
            _IS_QUANTIFIED[states],
            _IS_DETECTED[states],
            np.broadcast_to(np.asarray(lloq, np.float64), len(amount)),
            np.broadcast_to(np.asarray(log_decimals, np.int8), len(amount)),
            np.broadcast_to(np.asarray(is_assumed, np.bool_), len(amount)),
        )

    @classmethod
    def unknown(cls, reasons: npt.ArrayLike) -> AssayResults:
        """Rows of which nothing is known, each for its reason; `missing` is no result."""
        amount = Known.unknown(reasons)
        state = np.where(amount.is_missing, np.uint8(State.NO_RESULT), np.uint8(State.UNDECIDED))
        return replace(cls.of(amount, state), quantified=amount.reasons, detected=amount.reasons)

    def __len__(self) -> int:
        return len(self.amount)

    @property
    def is_measurement(self) -> Flags:
        """All but `NO_RESULT`: an invalid or haemolysed sample is no measurement."""
        return np.asarray(self.state != State.NO_RESULT)

    def take(self, rows: npt.ArrayLike) -> AssayResults:
        """The rows at these positions; -1 gives a row without result."""
        index = np.asarray(rows, np.intp)
        nothing = AssayResults.unknown([Reason.MISSING.code])
        if not len(self):
            return nothing.take(np.zeros(len(index), np.intp))
        chosen = AssayResults(
            self.amount.take(index),
            self.state[index],
            self.quantified[index],
            self.detected[index],
            self.lloq[index],
            self.log_decimals[index],
            self.is_assumed[index],
        )
        return chosen.where(index >= 0, nothing)

    def where(self, condition: npt.ArrayLike, other: AssayResults) -> AssayResults:
        """These rows where the condition holds, else those of `other`."""
        chosen = np.asarray(condition, np.bool_)
        return AssayResults(
            self.amount.where(chosen, other.amount),
            np.where(chosen, self.state, other.state),
            np.where(chosen, self.quantified, other.quantified),
            np.where(chosen, self.detected, other.detected),
            np.where(chosen, self.lloq, other.lloq),
            np.where(chosen, self.log_decimals, other.log_decimals),
            np.where(chosen, self.is_assumed, other.is_assumed),
        )

    def hulls(self, starts: npt.ArrayLike, *, cause: Codes) -> AssayResults:
        """One row for each group of neighbouring rows, any of which may be meant.

        Parameters
        ----------
        starts : array-like of int
            Position of the first row of each group, increasing, from 0.
        cause : ndarray of uint8
            For each group the code of the reason why its rows cannot be told apart.
        """
        first = np.asarray(starts, np.intp)
        state = self.state[first]
        differs = np.minimum.reduceat(self.state, first) != np.maximum.reduceat(self.state, first)
        return AssayResults(
            self.amount.hulls(first, cause=cause),
            np.where(differs, np.uint8(State.UNDECIDED), state),
            _agreed(self.quantified, first, cause),
            _agreed(self.detected, first, cause),
            np.maximum.reduceat(self.lloq, first),
            np.maximum.reduceat(self.log_decimals, first),
            np.logical_or.reduceat(self.is_assumed, first),
        )

    def within_rounding(self) -> AssayResults:
        """The same with every number that a logarithm, rounded to its decimals, may stand for.

        A verdict that is known for the results and unknown for these was decided by rounding.
        """
        bounds, from_log = self.amount.bounds, self.log_decimals >= 0
        half = np.where(from_log, 10.0 ** (0.5 * 10.0 ** -self.log_decimals.astype(np.float64)), 1.0)
        is_exact = bounds.lo == bounds.hi
        wide = Intervals(
            bounds.lo / half, bounds.hi * half, bounds.lo_open, bounds.hi_open | (is_exact & from_log)
        )
        reasons = np.where(from_log & is_exact, np.uint8(Reason.CENSORED.code), self.amount.reasons)
        return replace(self, amount=Known(wide, reasons, is_calculated=self.amount.is_calculated))


def as_assay_results(amount: AssayResults | Known) -> AssayResults:
    """Results with their states; plain numbers count as quantified, and as no result where missing."""
    if isinstance(amount, AssayResults):
        return amount
    state = np.where(amount.is_missing, np.uint8(State.NO_RESULT), np.uint8(State.QUANTIFIED))
    return AssayResults.of(amount, state)


def refuse_zero(name: str, amount: Known) -> None:
    """Raise ValueError for a result of exactly 0, where multiples of it are asked for."""
    zero = amount.bounds.hi == 0
    if zero.any():
        position = int(np.argmax(zero))
        raise ValueError(f"`{name}[{position}]` must be above 0: a result below the limit is not 0")


# --- numbers for summaries -------------------------------------------------------------------------------------------


class BelowLimit(StrEnum):
    """The number that stands for a result below the limit of quantification, in means and plots only."""

    HALF = "LLOQ/2"
    LESS_ONE = "LLOQ - 1"
    BY_ROOT_TWO = "LLOQ/√2"
    LIMIT = "LLOQ"
    ONE = "1"


class Imputed(NamedTuple):
    """Numbers for summaries, NaN where there is none, as the room of statistics takes them."""

    values: Floats
    is_below: Flags
    is_above: Flags


def impute_amounts(results: AssayResults, *, below: BelowLimit, not_detected: BelowLimit) -> Imputed:
    """One number for each result, for means, plots and changes; never for an event.

    Parameters
    ----------
    results : AssayResults of shape (n,)
    below : BelowLimit
        For results below the limit that are detected, or not told which.
    not_detected : BelowLimit
        For results not detected; `ONE` puts them at log10 = 0.

    Returns
    -------
    imputed : Imputed
        Quantified results as they are; results above the ceiling at the ceiling, flagged. NaN where there is no
        result, where the limit is not known, and where it is unreadable, in conflict or of unknown unit.

    Raises
    ------
    ValueError
        If the chosen number would not lie above 0 (LLOQ - 1 of an LLOQ of 1 or less).
    """
    bounds = results.amount.bounds
    is_above = results.state == State.ABOVE_ULOQ
    is_not_detected = results.state == State.NOT_DETECTED
    is_below = is_not_detected | np.isin(
        results.state, (State.BELOW_LLOQ_DETECTED, State.BELOW_LLOQ_UNSPECIFIED)
    )
    is_exact = (results.state == State.QUANTIFIED) & (bounds.lo == bounds.hi)
    values = np.where(is_exact | (is_above & (bounds.lo > 0)), bounds.lo, np.nan)
    limit = np.where(np.isfinite(bounds.hi), bounds.hi, np.nan)
    for rows, rule in ((is_below & ~is_not_detected, below), (is_not_detected, not_detected)):
        values = np.where(rows, _stand_in(limit, rule), values)
    refused = is_below & (values <= 0)
    if refused.any():
        position = int(np.argmax(refused))
        raise ValueError(
            f"LLOQ - 1 of `results[{position}]` must lie above 0, but its limit is {limit[position]}"
        )
    return Imputed(values, is_below, is_above)


def _stand_in(limit: Floats, rule: BelowLimit) -> Floats:
    match BelowLimit(rule):
        case BelowLimit.HALF:
            return limit / 2
        case BelowLimit.LESS_ONE:
            return limit - 1
        case BelowLimit.BY_ROOT_TWO:
            return limit / math.sqrt(2)
        case BelowLimit.LIMIT:
            return limit
        case BelowLimit.ONE:
            return np.ones_like(limit)


def _agreed(codes: Codes, starts: npt.NDArray[np.intp], cause: Codes) -> Codes:
    """The code of each group where its rows agree, else the cause, unless a reason of their own comes first."""
    least, most = np.minimum.reduceat(codes, starts), np.maximum.reduceat(codes, starts)
    own = np.maximum.reduceat(np.where(codes == _MET, _NOT_MET, codes), starts)
    return np.where(least == most, most, np.maximum(own, cause))
