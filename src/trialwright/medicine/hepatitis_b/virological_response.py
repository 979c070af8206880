"""HBV DNA under treatment: rises over the nadir, breakthrough, suppression, falls."""

from __future__ import annotations

import numpy as np

from trialwright.medicine.assay_results import AssayResults, refuse_zero
from trialwright.medicine.bands import band
from trialwright.medicine.hepatitis_b.occasions import (
    MET,
    NOT_MET,
    Occasions,
    compute_nadir,
    confirm,
)
from trialwright.medicine.known import Categories, Known, choose_codes
from trialwright.medicine.moments import Times, as_moments
from trialwright.vocabulary.verdicts import Codes, all_of


def rise_over_nadir(occasions: Occasions, *, fold: float, undetectable_iu_ml: float | None = None) -> Codes:
    """Judge each HBV DNA result against the lowest one before it.

    Parameters
    ----------
    occasions : Occasions of shape (n,)
        HBV DNA in IU/mL of those samples among which a nadir is sought.
    fold : float
        Least multiple of the nadir, itself included: 10 for one log10, 100 for two.
    undetectable_iu_ml : float, optional
        Least HBV DNA that counts after a nadir below the limit of quantification. Without it the multiple of
        whatever the nadir may be is asked for.

    Returns
    -------
    rise : ndarray of uint8, shape (n,)
        Not met on the first occasion of each person: there is nothing to rise from.

    Raises
    ------
    ValueError
        If a result is exactly 0: no assay gives that, and everything is a multiple of it.
    """
    dna = occasions.results.amount
    refuse_zero("occasions", dna)
    nadir = compute_nadir(occasions)
    codes = dna.compare(">=", nadir.amount.scaled(fold))
    if undetectable_iu_ml is not None:
        codes = choose_codes(nadir.quantified, codes, dna.compare(">=", undetectable_iu_ml))
    is_first = np.append(True, occasions.is_last)[: len(occasions)]
    return np.where(is_first, NOT_MET, codes)


def virological_breakthrough(
    occasions: Occasions, *, fold: float, undetectable_iu_ml: float, counts_from: Times, least_days: int
) -> Codes:
    """Judge on which occasions a confirmed rise over the nadir begins or goes on.

    Parameters
    ----------
    occasions : Occasions of shape (n,)
        HBV DNA on treatment.
    fold, undetectable_iu_ml : float
        As for `rise_over_nadir`. Published: 10, and 100 IU/mL after DNA was undetectable.
    counts_from : Times of shape (n,) or one for all
        The first day that counts. Published: after the first 3 months of nucleos(t)ide analogue.
    least_days : int
        Days to the occasion that confirms, with no result in between that is no rise. Published: 1 month.

    Returns
    -------
    breakthrough : ndarray of uint8, shape (n,)
        Not met on days that do not count, however high; `rise_over_nadir` lists those.

    References
    ----------
    .. [1] PMC9202759, table 7: 10-fold over the nadir in two consecutive samples 1 month apart, after 3 months.
    .. [2] AASLD 2018: 100 IU/mL or more after DNA was undetectable (not re-read).
    """
    rise = rise_over_nadir(occasions, fold=fold, undetectable_iu_ml=undetectable_iu_ml)
    start = as_moments("counts_from", counts_from)
    if len(start) == 1:
        start = start[np.zeros(len(occasions), np.intp)]
    counts = occasions.moments.days.compare(">=", start.days)
    return all_of([confirm(occasions, rise, least_days=least_days), counts])


def has_fallen(results: AssayResults, *, baseline: AssayResults, fold: float) -> Codes:
    """Judge whether results lie at least `fold`-fold below their baseline: 10 for one log10, 100 for two.

    For HBV DNA and HBsAg alike. Primary non-response is less than a hundredfold fall of HBV DNA at 6 months
    (PMC9202759, table 7).
    """
    return baseline.amount.compare(">=", results.amount.scaled(fold))


def log10_fall(results: AssayResults, *, baseline: AssayResults) -> Known:
    """By how many log10 results lie below their baseline; a range where one of them is below its limit."""
    return baseline.amount.through(np.log10).minus(results.amount.through(np.log10))


def is_low_level_viraemia(dna: AssayResults, *, below_iu_ml: float) -> Codes:
    """Judge whether HBV DNA is detected and below a limit (2000 IU/mL on 48 weeks of treatment or more, not re-read)."""
    return all_of([dna.detected, dna.amount.compare("<", below_iu_ml)])


DNA_GROUPS = ("not detected", "detected below LLOQ", "LLOQ-< 2000", "2000-< 20000", ">= 20000")


def group_dna(dna: AssayResults) -> Categories:
    """The group of each HBV DNA result for reporting, in IU/mL; `<10` that does not say more may be in two."""
    numbers = band(dna.amount, ((">=", 2000), (">=", 20_000)), DNA_GROUPS[2:])
    possible = [
        dna.detected != MET,
        (dna.detected != NOT_MET) & (dna.quantified != MET),
        *(numbers.possible & (dna.quantified != NOT_MET)[:, None]).T,
    ]
    unsure = [np.where(codes == MET, NOT_MET, codes) for codes in (dna.detected, dna.quantified)]
    reasons = np.maximum.reduce([*unsure, dna.amount.reasons])
    return Categories(DNA_GROUPS, np.column_stack(possible), reasons)
