"""Reading arguments that are amounts of a concept of the catalogue: numbers with their unit, converted to one.

A unit that is wrong for all rows is a faulty call; one that is wrong in a single row makes that row unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from trialwright.medicine.known import Known, Numbers, Texts
from trialwright.statistics.arrays import as_numbers
from trialwright.vocabulary.concepts import Concept, catalogue
from trialwright.vocabulary.intervals import Flags, Floats, Intervals
from trialwright.vocabulary.units import Unit, conversion_factor
from trialwright.vocabulary.verdicts import Reason


def as_known(
    name: str,
    values: Numbers,
    *,
    concept: str,
    unit: str | npt.ArrayLike | None,
    to: str | None = None,
    may_be_zero: bool = True,
    missing: Reason = Reason.MISSING,
) -> Known:
    """Read an argument as amounts of a concept of the catalogue, converted to one unit.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    values : Known, Intervals or array-like of shape (n,) or ()
        As measured; NaN or None where nothing was.
    concept : str
        Its name in the catalogue, which knows what ties its units.
    unit : str, None, or array-like of str and None of shape (n,)
        Unit of `values`. A wrong unit for all is a faulty call; in a single row it makes that row unknown.
    to : str, optional
        Unit of the result; the concept's own where not given.
    may_be_zero : bool
        Whether 0 is possible: it is for a result, not for an INR, nor for a baseline or a limit that is multiplied.
    missing : Reason
        What is told where a value is missing.

    Returns
    -------
    known : Known of shape (n,)

    Raises
    ------
    ValueError
        If a value is negative, infinite or (unless `may_be_zero`) 0, or if the one unit is none of this concept.
    """
    about = catalogue()[concept]
    reported = _as_reported(name, values, may_be_zero=may_be_zero, missing=missing)
    factors = _factors(name, unit, about, to, len(reported))
    has_unit = ~np.isnan(factors)
    factor = np.where(has_unit, factors, 1.0)
    bounds = reported.bounds
    converted = Known(
        Intervals(bounds.lo * factor, bounds.hi * factor, bounds.lo_open, bounds.hi_open),
        reported.reasons,
        is_calculated=reported.is_calculated | (factor != 1.0),
    )
    no_unit = np.maximum(reported.reasons, np.uint8(Reason.UNIT_UNKNOWN.code))
    without_unit = np.where(reported.reasons == missing.code, np.uint8(missing.code), no_unit)
    return converted.where(has_unit, Known.unknown(without_unit))


def as_limits(name: str, values: Numbers, *, concept: str, unit: str | npt.ArrayLike | None) -> Known:
    """Read an argument as limits of normal: above 0, and `no limit of normal` is told where one is missing."""
    return as_known(name, values, concept=concept, unit=unit, may_be_zero=False, missing=Reason.NO_LIMIT)


def as_column(values: object, length: int) -> Texts:
    """One text (or None) for all rows, or one for each, as an array of objects of that length.

    Raises
    ------
    ValueError
        If there are several and not one for each row.
    """
    column = np.empty(length, dtype=object)
    if values is None or isinstance(values, str):
        column[:] = values
        return column
    if not isinstance(values, Iterable):
        raise ValueError(f"a text must be given for all rows or for each, not {values!r}")
    listed = list(values)
    if len(listed) != length:
        raise ValueError(f"{length} rows need as many texts, not {len(listed)}")
    column[:] = listed
    return column


def factor_or_none(
    unit: str | None, concept: Concept, *, to: Unit | str | None, assay: str | None = None
) -> Fraction | None:
    """The exact factor from a unit as reported to `to`; None where there is none."""
    if not unit:
        return Fraction(1) if to is None else None
    if to is None:
        return None
    try:
        return conversion_factor(unit, to, equivalences=concept.equivalences, assay=assay)
    except ValueError:
        return None


def _as_reported(name: str, values: Numbers, *, may_be_zero: bool, missing: Reason) -> Known:
    if isinstance(values, Known | Intervals):
        known = values if isinstance(values, Known) else Known(values, Reason.CENSORED.code)
        bounds = known.bounds
        refused = (
            (bounds.hi < 0)
            | ((bounds.lo < 0) & (bounds.lo > -np.inf))
            | ((bounds.hi == 0) & (not may_be_zero))
        )
        if refused.any():
            position = int(np.argmax(refused))
            least = "at least" if may_be_zero else "above"
            raise ValueError(f"`{name}[{position}]` must be {least} 0, not {list(bounds)[position]}")
        return known

    def accept(array: Floats) -> Flags:
        enough = array >= 0 if may_be_zero else array > 0
        return np.isnan(array) | (np.isfinite(array) & enough)

    expected = f"a finite number {'of at least' if may_be_zero else 'above'} 0, or missing"
    numbers = as_numbers(name, np.atleast_1d(values), expected=expected, accept=accept, may_be_empty=True)
    is_missing = np.isnan(numbers)
    known = Known.exactly(np.where(is_missing, 1.0, numbers))
    return known.where(~is_missing, Known.unknown(np.full(len(numbers), missing.code)))


def _factors(name: str, unit: object, concept: Concept, to: str | None, length: int) -> Floats:
    """For each row the factor to the unit `to`; NaN where the unit is not known to be one of this concept."""
    target = to if to is not None else concept.unit
    if isinstance(unit, str) and target is not None:
        try:
            one = conversion_factor(unit, target, equivalences=concept.equivalences)
        except ValueError as trouble:
            raise ValueError(f"unit of `{name}`: {trouble}") from None
        return np.full(length, float(one))
    column = as_column(unit, length)
    factors: dict[object, float] = {}
    for text in set(column.tolist()):
        factor = factor_or_none(text, concept, to=target)
        factors[text] = np.nan if factor is None else float(factor)
    return np.array([factors[text] for text in column], np.float64)
