"""Kidney function from creatinine: Cockcroft-Gault clearance and the CKD-EPI 2021 filtration rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trialwright.medicine.amounts import as_known, as_limits
from trialwright.medicine.arguments import Levels, aligned, as_age, as_levels, row_count, spread
from trialwright.medicine.bands import points_of
from trialwright.medicine.known import Known, Numbers, choose
from trialwright.vocabulary.intervals import Floats
from trialwright.vocabulary.verdicts import Codes

SEXES = ("female", "male")


@dataclass(frozen=True, slots=True)
class CockcroftGault:
    """`(years - age) * weight in kg / (divisor * creatinine in mg/dL)`, times `female` in women; mL/min."""

    years: float
    divisor: float
    female: float
    source: str


@dataclass(frozen=True, slots=True)
class CkdEpiSex:
    """Creatinine (mg/dL) at which the two branches meet, exponent below it, factor for the sex."""

    kappa: float
    alpha: float
    factor: float


@dataclass(frozen=True, slots=True)
class CkdEpi:
    """`constant * min(Scr/kappa, 1)^alpha * max(Scr/kappa, 1)^above * per_year^age * factor`; mL/min/1.73m2."""

    constant: float
    above: float
    per_year: float
    female: CkdEpiSex
    male: CkdEpiSex
    source: str


COCKCROFT_GAULT = CockcroftGault(
    years=140, divisor=72, female=0.85, source="Cockcroft, Gault, Nephron 1976;16:31-41"
)
CKD_EPI_2021 = CkdEpi(
    constant=142,
    above=-1.200,
    per_year=0.9938,
    female=CkdEpiSex(kappa=0.7, alpha=-0.241, factor=1.012),
    male=CkdEpiSex(kappa=0.9, alpha=-0.302, factor=1.0),
    source="Inker et al., N Engl J Med 2021;385:1737-1749: creatinine, without race",
)


def compute_creatinine_clearance(
    *,
    age_years: Numbers,
    weight: Numbers,
    weight_unit: str | npt.ArrayLike,
    creatinine: Numbers,
    creatinine_unit: str | npt.ArrayLike,
    sex: Levels,
) -> Known:
    """Creatinine clearance by Cockcroft and Gault, mL/min.

    Parameters
    ----------
    age_years, weight, creatinine : Known, Intervals or array-like of shape (n,)
        NaN where not known.
    weight_unit, creatinine_unit : str, or array-like of str of shape (n,)
    sex : Categories or array-like of str of shape (n,)
        `female` or `male`.

    Returns
    -------
    clearance : Known of shape (n,), mL/min

    Raises
    ------
    ValueError
        If a value is impossible (a creatinine or weight of 0, an age above 130), or a unit is none of its kind.

    References
    ----------
    .. [1] Cockcroft, Gault, Nephron 1976;16:31-41.
    """
    table = COCKCROFT_GAULT
    parts = {
        "age_years": as_age("age_years", age_years),
        "weight": as_known("weight", weight, concept="weight", unit=weight_unit, to="kg", may_be_zero=False),
        "creatinine": _creatinine(creatinine, creatinine_unit),
        "sex": points_of(as_levels("sex", sex, SEXES), (table.female, 1.0)),
    }
    age, mass, kidney, factor = aligned(**parts)
    left = Known.exactly(np.full(len(age), table.years)).minus(age)
    return left.times(mass).times(factor).over(kidney.scaled(table.divisor))


def compute_egfr(
    *, age_years: Numbers, creatinine: Numbers, creatinine_unit: str | npt.ArrayLike, sex: Levels
) -> Known:
    """Estimated glomerular filtration rate by CKD-EPI 2021, mL/min/1.73m2; made for adults.

    Parameters, errors as for `compute_creatinine_clearance`.

    Returns
    -------
    rate : Known of shape (n,), mL/min/1.73m2

    References
    ----------
    .. [1] Inker et al., N Engl J Med 2021;385:1737-1749, creatinine equation.
    """
    table = CKD_EPI_2021
    age, kidney = as_age("age_years", age_years), _creatinine(creatinine, creatinine_unit)
    is_female = as_levels("sex", sex, SEXES).is_in("female")
    n = row_count(age_years=age, creatinine=kidney, sex=is_female)
    decline = spread(age, n).through(lambda years: table.per_year**years, is_falling=True)

    def rate(of: CkdEpiSex) -> Known:
        def falling(level: Floats) -> Floats:
            ratio = level / of.kappa
            return np.minimum(ratio, 1) ** of.alpha * np.maximum(ratio, 1) ** table.above

        return spread(kidney, n).through(falling, is_falling=True).scaled(table.constant * of.factor)

    return choose(spread(is_female, n), rate(table.female), rate(table.male)).times(decline)


def exceeds_limit(
    creatinine: Numbers, *, creatinine_uln: Numbers, unit: str | npt.ArrayLike, multiple: float
) -> Codes:
    """Whether creatinine is more than a multiple of its upper limit of normal; equality is not more.

    Parameters
    ----------
    creatinine : Known, Intervals or array-like of shape (n,)
    creatinine_uln : Known, Intervals or array-like of shape (n,)
        In the unit of `creatinine`.
    unit : str, or array-like of str of shape (n,)
    multiple : float
        1.5 in the exclusion criterion of NCT07120750.

    Returns
    -------
    codes : ndarray of uint8 of shape (n,)
        Verdict codes; unknown (no limit of normal) where the laboratory gave none.
    """
    read = as_known("creatinine", creatinine, concept="creatinine", unit=unit, may_be_zero=False)
    limit = as_limits("creatinine_uln", creatinine_uln, concept="creatinine", unit=unit)
    measured, most = aligned(creatinine=read, creatinine_uln=limit)
    return measured.compare(">", most.scaled(multiple))


def _creatinine(values: Numbers, unit: str | npt.ArrayLike) -> Known:
    return as_known("creatinine", values, concept="creatinine", unit=unit, to="mg/dL", may_be_zero=False)
