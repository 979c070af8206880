"""HBV reactivation: HBV DNA against its baseline, in the words of the trial and of the societies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from trialwright.medicine.amounts import as_known
from trialwright.medicine.arguments import spread
from trialwright.medicine.assay_results import AssayResults, State, refuse_zero
from trialwright.medicine.known import Numbers, choose_codes
from trialwright.vocabulary.intervals import Comparison, Flags
from trialwright.vocabulary.verdicts import Codes, Verdict, judge

MET, NOT_MET = np.uint8(Verdict.MET.code), np.uint8(Verdict.NOT_MET.code)


@dataclass(frozen=True, slots=True)
class ReactivationRule:
    """A definition for people who are HBsAg positive.

    Parameters
    ----------
    fold : float
        Multiple of a baseline.
    comparison : ">=" or ">"
        Whether the multiple itself counts.
    source : str
        Where it is defined.
    undetectable_iu_ml : float, optional
        Least HBV DNA that counts after a baseline below the limit of quantification.
    newly_detectable : bool
        Whether any HBV DNA detected counts after such a baseline.
    no_baseline_iu_ml : float, optional
        Least HBV DNA that counts where there is no baseline at all.

    A rule without a branch for a baseline asks for the multiple of whatever it is: after `<10`, 1000 IU/mL is surely
    a hundredfold and 999 IU/mL is unknown; without a baseline every answer is.
    """

    fold: float
    comparison: Comparison
    source: str
    undetectable_iu_ml: float | None = None
    newly_detectable: bool = False
    no_baseline_iu_ml: float | None = None


_LEAST, _MORE = Comparison.AT_LEAST, Comparison.MORE
_COMPARED = "as compared in PMC8066124, table 2"
REACTIVATION_RULES: Mapping[str, ReactivationRule] = MappingProxyType(
    {
        "trial": ReactivationRule(100, _LEAST, "NCT04294498, primary outcome 1"),
        "AASLD 2018": ReactivationRule(
            100, _LEAST, f"AASLD 2018, {_COMPARED}", undetectable_iu_ml=1000, no_baseline_iu_ml=10_000
        ),
        "ASCO 2020": ReactivationRule(
            100, _LEAST, f"ASCO 2020, {_COMPARED}", undetectable_iu_ml=1000, no_baseline_iu_ml=10_000
        ),
        "AGA 2015": ReactivationRule(10, _LEAST, f"AGA 2015, {_COMPARED}", newly_detectable=True),
        "APASL 2016": ReactivationRule(
            100, _LEAST, f"APASL 2016, {_COMPARED}", undetectable_iu_ml=100, no_baseline_iu_ml=20_000
        ),
        "KASL 2019": ReactivationRule(100, _MORE, f"KASL 2019, {_COMPARED}"),
        "APASL 2021": ReactivationRule(
            100, _MORE, "Lau et al., doi 10.1007/s12072-021-10239-x, not re-read", undetectable_iu_ml=100
        ),
    }
)
"""Rules by name. EASL 2017 gives no number; EASL 2025 and AGA 2025 are not here because their wording was not verified."""


def reactivation(dna: AssayResults, *, baseline: AssayResults, rule: ReactivationRule) -> Codes:
    """Judge each HBV DNA result against its person's baseline.

    One result is enough. The rise is measured from baseline, never from the nadir (see `rise_over_nadir`), and never
    from an imputed number.

    Parameters
    ----------
    dna : AssayResults of shape (n,)
        Results after the start of treatment, in IU/mL.
    baseline : AssayResults of shape (n,)
        The baseline of each result's person, in IU/mL, missing where there is none.
    rule : ReactivationRule

    Returns
    -------
    reactivation : ndarray of uint8, shape (n,)
        Unknown where a result above the ceiling of the assay might have been enough (ask for a dilution), where
        there is no result, and where the rule cannot do without the baseline.

    Raises
    ------
    ValueError
        If the arguments differ in length, or a baseline is exactly 0: no assay gives that, and everything is a
        multiple of it.
    """
    if len(dna) != len(baseline):
        raise ValueError(f"`baseline` must have {len(dna)} rows, not {len(baseline)}")
    refuse_zero("baseline", baseline.amount)
    fold = dna.amount.compare(rule.comparison, baseline.amount.scaled(rule.fold))
    low = fold
    if rule.newly_detectable:
        low = dna.detected
    elif rule.undetectable_iu_ml is not None:
        low = dna.amount.compare(_LEAST, rule.undetectable_iu_ml)
    codes = choose_codes(baseline.quantified, fold, low)
    if rule.no_baseline_iu_ml is not None:
        without = dna.amount.compare(_LEAST, rule.no_baseline_iu_ml)
        codes = np.where(baseline.state == State.NO_RESULT, without, codes)
    return codes


def is_decided_by_rounding(dna: AssayResults, *, baseline: AssayResults, rule: ReactivationRule) -> Codes:
    """Whether `reactivation` answers only because logarithms were reported with few decimals.

    Met where the answer is known for the numbers as reported and unknown for all those that round to them.
    """
    known = _is_known(reactivation(dna, baseline=baseline, rule=rule))
    still = _is_known(reactivation(dna.within_rounding(), baseline=baseline.within_rounding(), rule=rule))
    by_rounding = known & ~still
    return judge(surely=by_rounding, never=~by_rounding, reason=MET)


def is_measurable(*, baseline: AssayResults, uloq: Numbers, unit: str, rule: ReactivationRule) -> Codes:
    """Whether the assay reaches as far as reactivation from this baseline: multiple of the baseline <= its ceiling.

    To be shown beside a rate of reactivation: in how many people could it have been measured?

    Parameters
    ----------
    baseline : AssayResults of shape (n,)
        A baseline below the limit counts with all it may be, and is reached where the rule has a number for it.
    uloq : array-like of float, shape (n,) or one for all
        Upper limit of quantification; NaN where it is not known.
    unit : str
        Of `uloq`.
    rule : ReactivationRule
    """
    ceiling = spread(as_known("uloq", uloq, concept="hbv_dna", unit=unit, may_be_zero=False), len(baseline))
    reached = ceiling.compare(_LEAST, baseline.amount.scaled(rule.fold))
    low = reached
    if rule.newly_detectable:
        low = np.full(len(baseline), MET)
    elif rule.undetectable_iu_ml is not None:
        low = ceiling.compare(_LEAST, rule.undetectable_iu_ml)
    codes = choose_codes(baseline.quantified, reached, low)
    if rule.no_baseline_iu_ml is not None:
        without = ceiling.compare(_LEAST, rule.no_baseline_iu_ml)
        codes = np.where(baseline.state == State.NO_RESULT, without, codes)
    return codes


def _is_known(codes: Codes) -> Flags:
    return np.asarray((codes == MET) | (codes == NOT_MET))
