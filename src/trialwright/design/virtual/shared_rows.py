"""Rows that both trials have: people, visits, decisions, and what was asked at screening."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from trialwright.design.virtual.draws import NEVER, Flags, Numbers, Whole
from trialwright.design.virtual.people import People
from trialwright.design.virtual.tables import NO_DAY, Rows, Words

SITE = "V01"
COUNTRY = "ZZZ"
"""No country: ISO 3166 leaves this code to its users."""


def add_people(
    rows: Rows, people: People, *, start: Whole, end: Whole, death: Whole, group: str | Any
) -> None:
    """DM, one row a subject. Whoever failed screening is in no group."""
    arm = np.broadcast_to(np.asarray(group, dtype=object), people.n)
    named = np.array([str(name).upper().replace("_", " ") for name in arm], dtype=object)
    named[~people.enrolled] = None
    rows.add(
        "DM",
        np.arange(people.n),
        RFSTDTC=start, RFENDTC=end, RFXSTDTC=start, RFXENDTC=end, RFICDTC=people.consent, DTHDTC=death,
        DTHFL=np.where(death > NO_DAY, "Y", ""), SITEID=SITE, BRTHDTC=people.birth, AGE=people.age.astype(np.float64),
        AGEU="YEARS", SEX=np.where(people.is_man, "M", "F"), ARMCD=named.tolist(), ARM=named.tolist(),
        ACTARMCD=named.tolist(), ACTARM=named.tolist(),
        ARMNRS=np.where(people.enrolled, "", "SCREEN FAILURE"), COUNTRY=COUNTRY,
    )  # fmt: skip


def add_visit_records(rows: Rows, subject: Whole, day: Whole, number: Numbers) -> None:
    """SV: a contact on a day shows that the subject lives."""
    rows.add("SV", subject, SVSTDTC=day, SVENDTC=day, VISITNUM=np.asarray(number, dtype=np.float64), SVOCCUR="Y",
             SVPRESP="Y")  # fmt: skip


def add_disposition(rows: Rows, subject: Whole, day: Whole, word: str, of: str) -> None:
    rows.add("DS", subject, DSDECOD=word, DSTERM=word, DSCAT="DISPOSITION EVENT", DSSCAT=of, DSSTDTC=day)


def add_ends_of_study(
    rows: Rows, people: People, zero: Whole, last: Whole, death: Whole, last_day: int
) -> None:
    """How the part of each in the study ended: lost, or followed to the last planned day.

    Of the dead DM tells; whom the end of the data meets before is still under watch.
    """
    is_lost = people.enrolled & (people.lost <= last)
    is_through = people.enrolled & ~is_lost & (last == last_day) & (death == NEVER)
    for is_over, word in ((is_lost, "LOST TO FOLLOW-UP"), (is_through, "COMPLETED")):
        some = np.flatnonzero(is_over)
        add_disposition(rows, some, (zero + last)[some], word, "STUDY PARTICIPATION")


def attest(rows: Rows, subject: Whole, day: Whole, what: str, by: str, answer: str | Any = "Y") -> None:
    """What somebody vouches for."""
    rows.add("FA", subject, FAOBJ=what, FATESTCD="ATTEST", FATEST="Attestation", FAORRES=answer, FASTRESC=answer,
             FAEVAL=by, FADTC=day)  # fmt: skip


def add_categories(
    rows: Rows,
    subject: Whole,
    day: Whole,
    visit: float,
    values: Mapping[str, Any],
    evaluator: str | None = None,
) -> None:
    """Findings that are no laboratory results: each object with its level."""
    for name, value in values.items():
        rows.add("FA", subject, FAOBJ=name, FATESTCD="STATUS", FATEST="Status", FAORRES=value, FASTRESC=value,
                 FADTC=day, VISITNUM=visit, FAEVAL=evaluator or "")  # fmt: skip


def add_number(
    rows: Rows, subject: Whole, day: Whole, visit: Any, name: str, value: Numbers, unit: str
) -> None:
    """A finding that is a number; `value` is an array as long as `subject`."""
    numbers, place = np.unique(value, return_inverse=True)
    text = Words(place, tuple(f"{one:g}" for one in numbers.tolist()))
    written = np.array([float(one) for one in text.words])[place]
    rows.add("FA", subject, FAOBJ=name, FATESTCD="STATUS", FATEST="Status", FAORRES=text, FASTRESC=text,
             FASTRESN=written, FAORRESU=unit, FASTRESU=unit, FADTC=day, VISITNUM=visit)  # fmt: skip


def add_history(
    rows: Rows, subject: Whole, day: Whole, since: Whole, conditions: Mapping[str, Flags]
) -> None:
    """MH: each condition that was asked for on a day, had (since then) or not."""
    for name, has in conditions.items():
        rows.add("MH", subject, MHTERM=name, MHDECOD=name, MHPRESP="Y", MHOCCUR=Words.either(has), MHDTC=day,
                 MHSTDTC=np.where(has, since, NO_DAY))  # fmt: skip
