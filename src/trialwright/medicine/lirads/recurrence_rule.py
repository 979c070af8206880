"""What counts as recurrence of hepatocellular carcinoma after radical treatment, and the rows it is judged by.

No rule is accepted everywhere. Each line of the one of NCT07120750 is a setting of `RecurrenceRule`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy.typing as npt

from trialwright.medicine.arguments import Answers
from trialwright.medicine.known import Categories, Numbers
from trialwright.medicine.lirads.observations import CATEGORIES
from trialwright.medicine.lirads.treatment_response import RESPONSES
from trialwright.vocabulary.durations import Duration

EXTRAHEPATIC = ("extrahepatic lesion", "extrahepatic node")
"""Unequivocal findings outside the liver; nodes by their short axis."""
CLEAR = "clear"
"""A scan that was read and shows nothing to report."""
FINDINGS = (*CATEGORIES, *RESPONSES, *EXTRAHEPATIC, CLEAR)

HCC, COMBINED, OTHER_CANCER = "HCC", "combined HCC-CCA", "other cancer"
NO_CANCER, TREATED, DEATH = "no cancer", "treated as HCC", "death with HCC"
PROOFS = (HCC, COMBINED, OTHER_CANCER, NO_CANCER, TREATED, DEATH)
"""Histology or cytology (the first four); a multidisciplinary decision carried out; HCC as a recorded cause of death."""


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """What counts as recurrence.

    Parameters
    ----------
    by_imaging : frozenset of str
        Findings that are recurrence by themselves.
    extrahepatic_mm, node_short_axis_mm : float
        Least size of an extrahepatic lesion and of a node, itself included.
    by_proof : frozenset of str
        Proofs that make any finding recurrence.
    shown_by : frozenset of str
        Findings that may have shown the lesion that was sampled or treated.
    shown_within : Duration
        How long before the sample or treatment; the last such scan dates it.
    unconfirmed : frozenset of str
        Findings that wait for growth, proof or treatment.
    back_dated_from : frozenset of str
        Findings to which the sensitivity analysis dates back a recurrence of the same observation.
    at_margin_mm : float
        Distance from the resection margin up to which a tumour is local, itself included.
    early_within : Duration
        Recurrence before this time after radical treatment is early.
    """

    by_imaging: frozenset[str]
    extrahepatic_mm: float
    node_short_axis_mm: float
    by_proof: frozenset[str]
    shown_by: frozenset[str]
    shown_within: Duration
    unconfirmed: frozenset[str]
    back_dated_from: frozenset[str]
    at_margin_mm: float
    early_within: Duration
    source: str


RULES: Mapping[str, RecurrenceRule] = MappingProxyType(
    {
        "NCT07120750": RecurrenceRule(
            by_imaging=frozenset({"LR-5", "LR-TIV", "viable", *EXTRAHEPATIC}),
            extrahepatic_mm=10,
            node_short_axis_mm=15,
            by_proof=frozenset({HCC, COMBINED, TREATED, DEATH}),
            shown_by=frozenset(
                {"LR-3", "LR-4", "LR-5", "LR-M", "LR-TIV", "equivocal", "viable", *EXTRAHEPATIC}
            ),
            shown_within=Duration.parse("90 days"),
            unconfirmed=frozenset({"LR-4", "LR-M"}),
            back_dated_from=frozenset({"LR-4"}),
            at_margin_mm=20,
            early_within=Duration.parse("2 years"),
            source="Default of the clinical rules for NCT07120750; sizes as for new lesions in RECIST 1.1",
        )
    }
)
"""Rules by name; the trial names one."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What imaging found, a row for each observation and scan; rows may come in any order.

    Parameters
    ----------
    subject : sequence of shape (n,)
    on : array-like of datetime64[D] of shape (n,)
        Date of the scan, not of its report.
    observation : sequence of shape (n,)
        Its id, the same at every visit; None where it has none.
    finding : Categories or sequence of str of shape (n,)
        One of `FINDINGS`; None where nobody read it.
    size : Known, Intervals or array-like of shape (n,)
        Diameter, of nodes the short axis; asked outside the liver.
    size_unit : str, or array-like of str of shape (n,)
    margin_distance : Known, Intervals or array-like of shape (n,)
        From the resection margin, in `size_unit`; NaN where not known.
    has_margin : array-like of bool or None, or verdict codes, of shape (n,)
        False after ablation alone, where nothing is local by its distance from a margin.
    """

    subject: Sequence[Hashable]
    on: npt.ArrayLike
    observation: Sequence[Hashable]
    finding: Categories | Sequence[str | None]
    size: Numbers
    size_unit: str | npt.ArrayLike
    margin_distance: Numbers
    has_margin: Answers


@dataclass(frozen=True, slots=True)
class Proofs:
    """Histology, treatment decisions and deaths, in any order.

    Parameters
    ----------
    subject : sequence of shape (n,)
    on : array-like of datetime64[D] of shape (n,)
        Date of the sample, of the treatment, or of death.
    observation : sequence of shape (n,)
        Id as in `Findings`; None where it is not known which one.
    proof : sequence of str of shape (n,)
        One of `PROOFS`.
    """

    subject: Sequence[Hashable]
    on: npt.ArrayLike
    observation: Sequence[Hashable]
    proof: Sequence[str]
