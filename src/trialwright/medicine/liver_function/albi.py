"""The albumin-bilirubin score (ALBI) and its grades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trialwright.medicine.amounts import as_known
from trialwright.medicine.arguments import aligned, as_plain
from trialwright.medicine.bands import Cut, band
from trialwright.medicine.known import Categories, Known, Numbers


@dataclass(frozen=True, slots=True)
class Albi:
    """`bilirubin * log10(bilirubin in umol/L) - albumin * albumin in g/L`, and the cuts between the grades."""

    bilirubin: float
    albumin: float
    grades: tuple[Cut, ...]
    modified_grades: tuple[Cut, ...]
    source: str


ALBI = Albi(
    bilirubin=0.66,
    albumin=0.085,
    grades=((">", -2.60), (">", -1.39)),
    modified_grades=((">", -2.60), (">", -2.27), (">", -1.39)),
    source="Johnson et al., J Clin Oncol 2015;33:550-558; modified grades: Hiraoka et al., Liver Cancer 2019;8:121-129",
)
GRADES = ("1", "2", "3")
MODIFIED_GRADES = ("1", "2a", "2b", "3")


def compute_albi(
    *,
    bilirubin: Numbers,
    bilirubin_unit: str | npt.ArrayLike,
    albumin: Numbers,
    albumin_unit: str | npt.ArrayLike,
) -> Known:
    """The ALBI score; the lower the better.

    Parameters
    ----------
    bilirubin, albumin : Known, Intervals or array-like of shape (n,)
        Total bilirubin and albumin, NaN where not measured.
    bilirubin_unit, albumin_unit : str, or array-like of str of shape (n,)

    Returns
    -------
    score : Known of shape (n,)
        Undefined where bilirubin is 0, which has no logarithm.

    Raises
    ------
    ValueError
        If a value is negative or infinite, or a unit is none of its kind.

    References
    ----------
    .. [1] Johnson et al., J Clin Oncol 2015;33:550-558, equation of the linear predictor.
    """
    logarithm = as_known(
        "bilirubin", bilirubin, concept="bilirubin", unit=bilirubin_unit, to="umol/L"
    ).through(np.log10)
    protein = as_known("albumin", albumin, concept="albumin", unit=albumin_unit, to="g/L")
    logarithm, protein = aligned(bilirubin=logarithm, albumin=protein)
    return logarithm.scaled(ALBI.bilirubin).minus(protein.scaled(ALBI.albumin))


def grade_albi(score: Numbers) -> Categories:
    """Grade `1` (to -2.60 and including it), `2` (to -1.39), `3` of each ALBI score."""
    return band(as_plain("score", score, least=-np.inf), ALBI.grades, GRADES)


def grade_modified_albi(score: Numbers) -> Categories:
    """Grade `1`, `2a` (to -2.27 and including it), `2b`, `3` of each ALBI score."""
    return band(as_plain("score", score, least=-np.inf), ALBI.modified_grades, MODIFIED_GRADES)
