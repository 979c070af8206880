"""What may lie behind a rise of liver tests under a checkpoint inhibitor, and what should be looked for.

A suggestion from data stands beside what a person judges and never replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from trialwright.medicine.known import MET, NOT_MET, Texts
from trialwright.vocabulary.verdicts import Codes, as_codes


class Cause(StrEnum):
    """The categories of a judgement."""

    HBV = "HBV"
    IMMUNE_MEDIATED = "IMMUNE-MEDIATED"
    TUMOUR = "TUMOUR"
    DRUG = "DRUG"
    ISCHAEMIC = "ISCHAEMIC"
    INDETERMINATE = "INDETERMINATE"


@dataclass(frozen=True, slots=True)
class WorkUp:
    """One thing to look for: how many days before or after the event it counts, and how records call it.

    `tests` is a regular expression over the names of laboratory tests, procedures and findings, in capitals.
    """

    label: str
    days: int
    tests: str


WORK_UP: Mapping[str, WorkUp] = MappingProxyType(
    {
        "hbv_dna": WorkUp("HBV DNA", 14, r"^HBVVLD$|^HBV DNA|HEPATITIS B VIRUS DNA|HEPATITIS B.*VIRAL LOAD"),
        "hbsag": WorkUp("HBsAg", 28, r"^HBSAG|HEPATITIS B.*SURFACE ANTIGEN"),
        "hbeag": WorkUp("HBeAg", 28, r"^HBEAG|HEPATITIS B.*\bE ANTIGEN"),
        "hepatitis_a": WorkUp("anti-HAV IgM", 28, r"HAV.*IGM|HEPATITIS A.*IGM"),
        "hepatitis_c": WorkUp("HCV RNA", 28, r"HCV.*RNA|HEPATITIS C.*RNA"),
        "hepatitis_e": WorkUp("HEV IgM or RNA", 28, r"HEV.*(IGM|RNA)|HEPATITIS E.*(IGM|RNA)"),
        "hepatitis_d": WorkUp("HDV", 28, r"\bHDV\b|HEPATITIS D"),
        "autoantibodies": WorkUp("autoantibodies", 28, r"ANTINUCLEAR|\bANA\b|SMOOTH MUSCLE|\bLKM|AUTOANTIBOD"),
        "igg": WorkUp("immunoglobulin G", 28, r"^IGG$|^IMMUNOGLOBULIN G$"),
        "imaging": WorkUp("imaging", 28, r"\b(CT|MRI|MR|ULTRASOUND|SONOGRAPHY|ULTRASONOGRAPHY)\b|TOMOGRAPHY|MAGNETIC RESONANCE"),
        "drug_history": WorkUp("history of drugs and herbals", 28, r"DRUG HISTORY|HISTORY OF DRUGS"),
    }
)  # fmt: skip
"""HBV DNA within 14 days and the list itself are the rules of the trial on durvalumab; 28 days for the others is a choice."""

OTHER_VIRUSES = ("hepatitis_a", "hepatitis_c", "hepatitis_e", "hepatitis_d")


@dataclass(frozen=True, slots=True)
class CauseRules:
    """The numbers behind a suggestion. Days count from the onset of the event, both ends included.

    Parameters
    ----------
    reactivation_before, reactivation_after : int
        Where a reactivation of hepatitis B is linked in time.
    onset_from, onset_to : int
        Days since the first dose in which immune-mediated hepatitis usually begins (weeks 4 to 14).
    falls_to : float
        Share of the highest ALT to which it falls in who responds.
    steroid_within, response_within : int
        Days from onset to a steroid, and from steroid or withdrawal of a drug to the fall.
    cholestatic : float
        Multiple of ALT over that of ALP up to which a rise is led by ALP.
    tumour_days : int
        Days between the event and progression, obstruction or thrombosis, either way.
    drug_before : int
        Days before onset in which a suspect drug begins; it ends within `steroid_within` of onset.
    shock_before, shock_fall, shock_alt : int, int, float
        Days from hypotension or heart failure to onset, days of the fall, and the ALT to be exceeded (U/L).
    """

    reactivation_before: int = 84
    reactivation_after: int = 35
    onset_from: int = 28
    onset_to: int = 98
    falls_to: float = 0.5
    steroid_within: int = 28
    response_within: int = 28
    cholestatic: float = 2.0
    tumour_days: int = 56
    drug_before: int = 90
    shock_before: int = 7
    shock_fall: int = 7
    shock_alt: float = 1000.0


def suggest_cause(patterns: Mapping[Cause, Codes]) -> tuple[Texts, Texts]:
    """The category that the pattern of each event suggests.

    Parameters
    ----------
    patterns : mapping of Cause to ndarray of uint8, shape (n,)
        Whether the pattern of each cause is there: met, not met or unknown.

    Returns
    -------
    suggested : ndarray of object, shape (n,)
        The one cause whose pattern is met. `INDETERMINATE` where several are, or surely none; None where none is met and
        some are unknown.
    undecided : ndarray of object, shape (n,)
        The causes whose pattern is unknown, as text with commas; None where all are known.

    Examples
    --------
    >>> met, no, missing = 100, 0, 96
    >>> patterns = {Cause.HBV: np.array([met, met, no, no], np.uint8), Cause.DRUG: np.array([no, met, no, missing], np.uint8)}
    >>> suggested, undecided = suggest_cause(patterns)
    >>> suggested.tolist(), undecided.tolist()
    (['HBV', 'INDETERMINATE', 'INDETERMINATE', None], [None, None, None, 'DRUG'])
    """
    causes = list(patterns)
    codes = np.array([as_codes(patterns[cause]) for cause in causes])
    is_met, is_open = codes == MET, (codes != MET) & (codes != NOT_MET)
    suggested = np.full(codes.shape[1], None, dtype=object)
    undecided = np.full(codes.shape[1], None, dtype=object)
    for event in range(codes.shape[1]):
        met = [cause.value for cause, flag in zip(causes, is_met[:, event], strict=True) if flag]
        unknown = [cause.value for cause, flag in zip(causes, is_open[:, event], strict=True) if flag]
        if len(met) == 1:
            suggested[event] = met[0]
        elif met or not unknown:
            suggested[event] = Cause.INDETERMINATE.value
        undecided[event] = ", ".join(unknown) or None
    return suggested, undecided
