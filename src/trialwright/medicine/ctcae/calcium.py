"""Total calcium corrected for albumin, which the criteria grade in place of calcium as measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from trialwright.medicine.amounts import as_known
from trialwright.medicine.arguments import aligned
from trialwright.medicine.known import Known, Numbers


@dataclass(frozen=True, slots=True)
class CalciumCorrection:
    """`calcium + slope * (albumin - measured albumin)`, in its own units."""

    calcium_unit: str
    albumin_unit: str
    slope: float
    albumin: float
    source: str


_SOURCE = "Payne et al., Br Med J 1973;4:643-646, in its customary rounded form"
CORRECTIONS: Mapping[str, CalciumCorrection] = MappingProxyType(
    {
        "mmol/L": CalciumCorrection("mmol/L", "g/L", 0.02, 40, _SOURCE),
        "mg/dL": CalciumCorrection("mg/dL", "g/dL", 0.8, 4.0, _SOURCE),
    }
)
"""Both differ by 0.2 % of the correction; a trial names one, so that a unit never changes a grade."""


def correct_calcium(
    calcium: Numbers,
    *,
    calcium_unit: str | npt.ArrayLike,
    albumin: Numbers,
    albumin_unit: str | npt.ArrayLike,
    correction: CalciumCorrection,
) -> Known:
    """Total calcium as it would be at a normal albumin.

    Parameters
    ----------
    calcium, albumin : Known, Intervals or array-like of shape (n,)
        NaN where not measured.
    calcium_unit, albumin_unit : str, or array-like of str of shape (n,)
    correction : CalciumCorrection
        One of `CORRECTIONS`.

    Returns
    -------
    corrected : Known of shape (n,)
        In the calcium unit of `correction`; never below 0.

    Raises
    ------
    ValueError
        If a value is impossible, or a unit is none of its kind.

    Examples
    --------
    >>> corrected = correct_calcium(
    ...     8.0, calcium_unit="mg/dL", albumin=2.5, albumin_unit="g/dL", correction=CORRECTIONS["mg/dL"]
    ... )
    >>> print(*corrected.bounds)
    [9.2, 9.2]
    """
    total = as_known(
        "calcium",
        calcium,
        concept="calcium",
        unit=calcium_unit,
        to=correction.calcium_unit,
        may_be_zero=False,
    )
    protein = as_known(
        "albumin",
        albumin,
        concept="albumin",
        unit=albumin_unit,
        to=correction.albumin_unit,
        may_be_zero=False,
    )
    total, protein = aligned(calcium=total, albumin=protein)
    lack = Known.exactly(np.full(len(protein), correction.albumin)).minus(protein)
    return total.plus(lack.scaled(correction.slope)).clamped(0)
