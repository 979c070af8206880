"""The MELD score and its successors with sodium: MELD-Na of 2016 and MELD 3.0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trialwright.medicine.amounts import as_known
from trialwright.medicine.arguments import Answers, Levels, aligned, as_answers, as_levels, row_count, spread
from trialwright.medicine.bands import over_corners, points_of
from trialwright.medicine.known import Known, Numbers, choose
from trialwright.vocabulary.intervals import Floats

Range = tuple[float, float]
"""What lies beyond is moved to the nearer end before the formula."""


@dataclass(frozen=True, slots=True)
class Meld:
    """Coefficients of natural logarithms (mg/dL) and the range of each input."""

    bilirubin: float
    inr: float
    creatinine: float
    constant: float
    creatinine_range: Range
    source: str


@dataclass(frozen=True, slots=True)
class MeldSodium:
    """`MELD + slope * (top - Na) - interaction * MELD * (top - Na)` where MELD exceeds `above`; mmol/L."""

    above: float
    slope: float
    interaction: float
    sodium_range: Range
    source: str


@dataclass(frozen=True, slots=True)
class Meld3:
    """Coefficients of MELD 3.0: natural logarithms (mg/dL), sodium below 137 mmol/L, albumin below 3.5 g/dL."""

    female: float
    bilirubin: float
    sodium: float
    sodium_by_bilirubin: float
    inr: float
    creatinine: float
    albumin: float
    albumin_by_creatinine: float
    constant: float
    creatinine_range: Range
    sodium_range: Range
    albumin_range: Range
    source: str


LEAST, MOST = 6, 40
"""Scores are limited to these whole numbers (OPTN policy 9)."""
FLOOR = 1.0
"""Bilirubin (mg/dL) and INR below 1 count as 1."""

MELD = Meld(
    bilirubin=3.78,
    inr=11.2,
    creatinine=9.57,
    constant=6.43,
    creatinine_range=(1.0, 4.0),
    source="Kamath et al., Hepatology 2001;33:464-470, with the limits of OPTN policy 9",
)
MELD_NA = MeldSodium(
    above=11,
    slope=1.32,
    interaction=0.033,
    sodium_range=(125, 137),
    source="OPTN policy 9, allocation from January 2016",
)
MELD_3 = Meld3(
    female=1.33,
    bilirubin=4.56,
    sodium=0.82,
    sodium_by_bilirubin=0.24,
    inr=9.09,
    creatinine=11.14,
    albumin=1.85,
    albumin_by_creatinine=1.83,
    constant=6,
    creatinine_range=(1.0, 3.0),
    sodium_range=(125, 137),
    albumin_range=(1.5, 3.5),
    source="Kim et al., Gastroenterology 2021;161:1887-1895",
)


def compute_meld(
    *,
    bilirubin: Numbers,
    bilirubin_unit: str | npt.ArrayLike,
    inr: Numbers,
    creatinine: Numbers,
    creatinine_unit: str | npt.ArrayLike,
    is_on_dialysis: Answers,
) -> Known:
    """The MELD score, whole points from 6 to 40.

    Parameters
    ----------
    bilirubin, inr, creatinine : Known, Intervals or array-like of shape (n,)
        NaN where not measured.
    bilirubin_unit, creatinine_unit : str, or array-like of str of shape (n,)
    is_on_dialysis : array-like of bool or None, or verdict codes, of shape (n,)
        Dialysis twice in the last week or 24 hours of continuous filtration: creatinine counts as the greatest.

    Returns
    -------
    score : Known of shape (n,)
        From the least to the most that is possible, halves rounded up.

    Raises
    ------
    ValueError
        If a value is impossible (negative, an INR or creatinine of 0), or a unit is none of its kind.

    References
    ----------
    .. [1] OPTN policy 9; Kamath et al., Hepatology 2001;33:464-470.
    """
    return _points(_meld(bilirubin, bilirubin_unit, inr, creatinine, creatinine_unit, is_on_dialysis))


def compute_meld_na(
    *,
    bilirubin: Numbers,
    bilirubin_unit: str | npt.ArrayLike,
    inr: Numbers,
    creatinine: Numbers,
    creatinine_unit: str | npt.ArrayLike,
    sodium: Numbers,
    sodium_unit: str | npt.ArrayLike,
    is_on_dialysis: Answers,
) -> Known:
    """MELD with sodium as used for allocation from 2016, whole points from 6 to 40.

    Sodium counts where MELD, already rounded, exceeds 11. Parameters and errors as for `compute_meld`.

    References
    ----------
    .. [1] OPTN policy 9, 2016.
    """
    plain = _meld(bilirubin, bilirubin_unit, inr, creatinine, creatinine_unit, is_on_dialysis).rounded()
    salt = as_known("sodium", sodium, concept="sodium", unit=sodium_unit, to="mmol/L")
    plain, salt = aligned(bilirubin=plain, sodium=salt)
    return _points(over_corners(_with_sodium, plain, salt.clamped(*MELD_NA.sodium_range)))


def compute_meld_3(
    *,
    bilirubin: Numbers,
    bilirubin_unit: str | npt.ArrayLike,
    inr: Numbers,
    creatinine: Numbers,
    creatinine_unit: str | npt.ArrayLike,
    sodium: Numbers,
    sodium_unit: str | npt.ArrayLike,
    albumin: Numbers,
    albumin_unit: str | npt.ArrayLike,
    sex: Levels,
    is_on_dialysis: Answers,
) -> Known:
    """MELD 3.0, whole points from 6 to 40.

    Parameters and errors as for `compute_meld`; `sex` is `female` or `male`.

    References
    ----------
    .. [1] Kim et al., Gastroenterology 2021;161:1887-1895.
    """
    return _points(
        _meld_3(
            (bilirubin, bilirubin_unit),
            inr,
            (creatinine, creatinine_unit),
            (sodium, sodium_unit),
            (albumin, albumin_unit),
            sex,
            is_on_dialysis,
        )
    )


def _meld(
    bilirubin: Numbers,
    bilirubin_unit: str | npt.ArrayLike,
    inr: Numbers,
    creatinine: Numbers,
    creatinine_unit: str | npt.ArrayLike,
    is_on_dialysis: Answers,
) -> Known:
    """The score before rounding and limits."""
    parts = {
        "bilirubin": _bilirubin(bilirubin, bilirubin_unit),
        "inr": _inr(inr),
        "creatinine": _creatinine(creatinine, creatinine_unit, is_on_dialysis, MELD.creatinine_range),
    }
    return over_corners(
        lambda bili, clotting, kidney: (
            MELD.bilirubin * np.log(bili)
            + MELD.inr * np.log(clotting)
            + MELD.creatinine * np.log(kidney)
            + MELD.constant
        ),
        *aligned(**parts),
    )


def _with_sodium(meld: Floats, sodium: Floats) -> Floats:
    # Monotone in each: at 137 - Na of at most 12, a point of MELD still counts 0.6; above MELD 40, where more sodium
    # would count the other way, the score is 40 in any case.
    deficit = MELD_NA.sodium_range[1] - sodium
    capped = np.minimum(meld, MOST)
    with_sodium = capped + MELD_NA.slope * deficit - MELD_NA.interaction * capped * deficit
    return np.where(meld > MELD_NA.above, with_sodium, meld)


def _meld_3(
    bilirubin: tuple[Numbers, str | npt.ArrayLike],
    inr: Numbers,
    creatinine: tuple[Numbers, str | npt.ArrayLike],
    sodium: tuple[Numbers, str | npt.ArrayLike],
    albumin: tuple[Numbers, str | npt.ArrayLike],
    sex: Levels,
    is_on_dialysis: Answers,
) -> Known:
    """The score before rounding and limits."""
    table = MELD_3
    salt = as_known("sodium", sodium[0], concept="sodium", unit=sodium[1], to="mmol/L")
    protein = as_known("albumin", albumin[0], concept="albumin", unit=albumin[1], to="g/dL")
    parts = {
        "bilirubin": _bilirubin(*bilirubin),
        "inr": _inr(inr),
        "creatinine": _creatinine(*creatinine, is_on_dialysis, table.creatinine_range),
        "sodium": salt.clamped(*table.sodium_range),
        "albumin": protein.clamped(*table.albumin_range),
        "sex": points_of(as_levels("sex", sex, ("female", "male")), (1, 0)),
    }

    def formula(
        bili: Floats, clotting: Floats, kidney: Floats, natrium: Floats, protein: Floats, female: Floats
    ) -> Floats:
        # Linear in each of the logarithms, the deficits and the sex, so monotone in each input. Written by factors of
        # the logarithms, which stay above 0: an infinite bilirubin gives an infinite score, not a NaN.
        deficit, lack = table.sodium_range[1] - natrium, table.albumin_range[1] - protein
        return (
            table.female * female
            + (table.bilirubin - table.sodium_by_bilirubin * deficit) * np.log(bili)
            + table.sodium * deficit
            + table.inr * np.log(clotting)
            + (table.creatinine - table.albumin_by_creatinine * lack) * np.log(kidney)
            + table.albumin * lack
            + table.constant
        )

    return over_corners(formula, *aligned(**parts))


def _points(score: Known) -> Known:
    return score.rounded().clamped(LEAST, MOST)


def _bilirubin(values: Numbers, unit: str | npt.ArrayLike) -> Known:
    return as_known("bilirubin", values, concept="bilirubin", unit=unit, to="mg/dL").clamped(FLOOR)


def _inr(values: Numbers) -> Known:
    return as_known("inr", values, concept="inr", unit=None, may_be_zero=False).clamped(FLOOR)


def _creatinine(values: Numbers, unit: str | npt.ArrayLike, is_on_dialysis: Answers, limits: Range) -> Known:
    read = as_known("creatinine", values, concept="creatinine", unit=unit, to="mg/dL", may_be_zero=False)
    dialysed = as_answers("is_on_dialysis", is_on_dialysis)
    n = row_count(creatinine=read, is_on_dialysis=dialysed)
    most = Known.exactly(np.full(n, limits[1]))
    return choose(spread(dialysed, n), most, spread(read, n).clamped(*limits))
