"""HBsAg: negative, lost for good, and what may be called a cure."""

from __future__ import annotations

import numpy.typing as npt

from trialwright.medicine.amounts import as_known
from trialwright.medicine.arguments import aligned, as_plain
from trialwright.medicine.assay_results import AssayResults
from trialwright.medicine.hepatitis_b.occasions import Occasions, confirm
from trialwright.medicine.known import Numbers
from trialwright.vocabulary.verdicts import Codes, all_of, any_of, as_codes, negate


def is_hbsag_negative(hbsag: AssayResults, *, below_iu_ml: float) -> Codes:
    """Judge whether HBsAg is negative: below the limit (0.05 IU/mL), or not detected by a qualitative test.

    Parameters
    ----------
    hbsag : AssayResults of shape (n,)
        In IU/mL.
    below_iu_ml : float
        Least HBsAg that is positive. Abbott Architect HBsAg QT: 0.05 (PMC6817178, table 1).
    """
    return any_of([hbsag.amount.compare("<", below_iu_ml), negate(hbsag.detected)])


def hbsag_loss(
    occasions: Occasions, *, below_iu_ml: float, least_days: int, is_scheduled: npt.ArrayLike = False
) -> Codes:
    """Judge on which occasions a confirmed HBsAg loss begins or goes on.

    Parameters
    ----------
    occasions : Occasions of shape (n,)
        HBsAg after baseline of people who were HBsAg positive.
    below_iu_ml : float
        As for `is_hbsag_negative`.
    least_days : int
        Days to the negative sample that confirms. Default of the trials: 84.
    is_scheduled : array-like of bool that broadcasts to (n,)
        Samples of scheduled visits: the next one confirms however soon it comes.

    Returns
    -------
    loss : ndarray of uint8, shape (n,)
        Unknown (missing) for a negative HBsAg without a sample that could confirm it.
    """
    negative = is_hbsag_negative(occasions.results, below_iu_ml=below_iu_ml)
    return confirm(occasions, negative, least_days=least_days, is_enough=is_scheduled)


def hbsag_seroconversion(
    loss: Codes, *, anti_hbs: Numbers, unit: str | npt.ArrayLike | None, least_miu_ml: float
) -> Codes:
    """Judge whether HBsAg loss came with antibodies: anti-HBs of at least 10 mIU/mL (`least_miu_ml`)."""
    antibodies = as_known("anti_hbs", anti_hbs, concept="anti_hbs", unit=unit)
    return all_of(aligned(loss=as_codes(loss), anti_hbs=antibodies.compare(">=", least_miu_ml)))


def functional_cure(
    *, hbsag_negative: Codes, dna: AssayResults, days_off_therapy: Numbers, least_days: int
) -> Codes:
    """Judge whether hepatitis B may be called functionally cured, with or without anti-HBs.

    Parameters
    ----------
    hbsag_negative : ndarray of uint8, shape (n,)
        Sustained HBsAg loss at the time.
    dna : AssayResults of shape (n,)
        HBV DNA at the time; it must not be detected. `<10` that does not say whether it was is unknown.
    days_off_therapy : Numbers of shape (n,)
        Days since the end of **all** therapy, nucleos(t)ide analogues included; 0 while any goes on.
    least_days : int
        Published: 24 weeks.

    References
    ----------
    .. [1] EASL-AASLD conference on endpoints 2019, J Hepatol 2020: sustained HBsAg loss with undetectable HBV DNA
       24 weeks after the end of a finite therapy, at an HBsAg limit of 0.05 IU/mL.
    """
    days = as_plain("days_off_therapy", days_off_therapy, least=0)
    return all_of(
        aligned(
            hbsag_negative=as_codes(hbsag_negative),
            dna=negate(dna.detected),
            days_off_therapy=days.compare(">=", least_days),
        )
    )
