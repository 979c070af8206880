"""Adverse events of virtual patients, with what was done about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialwright.design.virtual.draws import Draws, Flags, Whole
from trialwright.design.virtual.parameters import Common
from trialwright.design.virtual.tables import NO_DAY, Rows, Words

_GRADES = ("0", "1", "2", "3", "4", "5")


@dataclass(frozen=True, slots=True)
class Exposure:
    """When events can be told: from time zero to `until` and no later than `last`, in days from `zero`."""

    zero: Whole
    until: Whole
    last: Whole
    enrolled: Flags


def add_adverse_events(rows: Rows, p: Common, exposure: Exposure, draws: Draws) -> None:
    """Each kind of event in its share of the subjects, on a day somewhere in the time at risk."""
    reach = np.minimum(exposure.until, exposure.last)
    for name, share in p.adverse_events.items():
        has = draws.chance(share) & exposure.enrolled & (reach >= 1)
        onset = 1 + np.floor(draws.uniform(0, 1) * np.maximum(reach, 1)).astype(np.int64)
        length = draws.waiting(28)
        is_severe = draws.chance(p.severe_adverse_events)
        grade = np.where(is_severe, 3, np.where(draws.chance(0.5), 1, 2))
        is_related, is_partial = draws.chance(p.related_adverse_events), draws.chance(p.partial_dates)
        is_serious = is_severe & draws.chance(0.5)
        some = np.flatnonzero(has & (onset <= reach))
        end = onset + length
        is_over = end <= exposure.last
        term = name.replace("_", " ")
        rows.add(
            "AE", some, AETERM=term.capitalize(), AEDECOD=term.upper(),
            AESTDTC=(exposure.zero + onset)[some],
            AEENDTC=np.where(is_over, exposure.zero + end, NO_DAY)[some],
            AETOXGR=Words(grade[some], _GRADES), AESER=Words.either(is_serious, "Y", "N")[some],
            AEREL=Words.either(is_related, "RELATED", "NOT RELATED")[some], AEACN="DOSE NOT CHANGED",
            AEOUT=Words.either(is_over, "RECOVERED/RESOLVED", "NOT RECOVERED/NOT RESOLVED")[some],
            is_partial=is_partial[some].astype(np.int64),
        )  # fmt: skip


def add_immune_mediated(
    rows: Rows, term: str, subject: Whole, onset: Whole, end: Whole, grade: Whole, *, steroid: Flags
) -> None:
    """Immune-mediated events, and steroids for those that need them. `onset` and `end` are dates, `NO_DAY` if it goes on."""
    is_severe = grade >= 3
    rows.add(
        "AE", subject, AETERM=term, AEDECOD=term.upper(), AECAT="IMMUNE-MEDIATED", AESTDTC=onset, AEENDTC=end,
        AETOXGR=Words(grade, _GRADES), AESER=Words.either(is_severe, "Y", "N"), AEREL="RELATED",
        AEACN=Words.either(is_severe, "DRUG INTERRUPTED", "DOSE NOT CHANGED"),
        AEOUT=Words.either(end > NO_DAY, "RECOVERED/RESOLVED", "NOT RECOVERED/NOT RESOLVED"),
    )  # fmt: skip
    rows.add("CM", subject[steroid], CMTRT="Prednisolone", CMDECOD="PREDNISOLONE", CMINDC=term.upper(), CMDOSE=60.0,
             CMDOSU="mg", CMSTDTC=onset[steroid], CMENDTC=end[steroid])  # fmt: skip
