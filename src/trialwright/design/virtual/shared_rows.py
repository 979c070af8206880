"""Rows that both trials have: people, visits, decisions, and what was asked at screening."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from trialwright.design.virtual.draws import NEVER, Flags, Numbers, Whole
from trialwright.design.virtual.laboratory import Recorded, Taken, results, samples_taken
from trialwright.design.virtual.people import People, Results
from trialwright.design.virtual.tables import NO_DAY, Rows, Words

SITE = "V01"
COUNTRY = "ZZZ"
"""No country: ISO 3166 leaves this code to its users."""


def add_people(
    rows: Rows, people: People, *, start: Whole, end: Whole, death: Whole, group: str | Words
) -> None:
    """DM, one row a subject. Whoever failed screening is in no group."""
    told = Words.of(group)
    names = tuple(str(name).upper().replace("_", " ") for name in told.words)
    named = Words(np.where(people.enrolled, told.number, len(names)), (*names, None))
    rows.add(
        "DM",
        np.arange(people.n),
        RFSTDTC=start, RFENDTC=end, RFXSTDTC=start, RFXENDTC=end, RFICDTC=people.consent, DTHDTC=death,
        DTHFL=Words.either(death > NO_DAY, "Y", ""), SITEID=SITE, BRTHDTC=people.birth, AGE=people.age.astype(np.float64),
        AGEU="YEARS", SEX=Words.either(people.is_man, "M", "F"), ARMCD=named, ARM=named, ACTARMCD=named, ACTARM=named,
        ARMNRS=Words.either(people.enrolled, "", "SCREEN FAILURE"), COUNTRY=COUNTRY,
    )  # fmt: skip


def add_visit_records(rows: Rows, subject: Whole, day: Whole, number: Numbers) -> None:
    """SV: a contact on a day shows that the subject lives."""
    rows.add("SV", subject, SVSTDTC=day, SVENDTC=day, VISITNUM=np.asarray(number, dtype=np.float64), SVOCCUR="Y",
             SVPRESP="Y")  # fmt: skip


def add_disposition(
    rows: Rows, subject: Whole, day: Whole, word: str, of: str, term: str | Words | None = None
) -> None:
    """How something ended, in the word for it and in those of the site (`term`), where they are others."""
    rows.add(
        "DS",
        subject,
        DSDECOD=word,
        DSTERM=word if term is None else term,
        DSCAT="DISPOSITION EVENT",
        DSSCAT=of,
        DSSTDTC=day,
    )


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
    """A finding that is a number of 0 or more, to one digit; `value` is an array as long as `subject`."""
    tenths = np.rint(value * 10).astype(np.int64)
    text = Words(tenths, _tenths(int(tenths.max(initial=0)) // 1000 + 1))
    rows.add("FA", subject, FAOBJ=name, FATESTCD="STATUS", FATEST="Status", FAORRES=text, FASTRESC=text,
             FASTRESN=tenths / 10, FAORRESU=unit, FASTRESU=unit, FADTC=day, VISITNUM=visit)  # fmt: skip


@cache
def _tenths(hundreds: int) -> tuple[str, ...]:
    """Numbers from 0 to so many hundreds as they are written."""
    return tuple(f"{tenth / 10:g}" for tenth in range(1000 * hundreds))


def add_results(
    rows: Rows, people: People, zero: Whole, day: Whole, visit: Numbers,
    measured: Mapping[str, tuple[Results, Recorded]],
) -> None:  # fmt: skip
    """LB of all tests. Many are made of the same samples, which are gone through once."""
    found: dict[tuple[int, bool], Taken] = {}  # by the array itself, which `measured` keeps
    for name, (seen, recorded) in measured.items():
        is_viral = name == "hbv_dna"
        which = (id(seen.done), is_viral)
        if which not in found:
            found[which] = samples_taken(
                seen.done, zero=zero, day=day, visit=visit, is_man=people.is_man,
                laboratory=people.viral_laboratory if is_viral else people.laboratory,
            )  # fmt: skip
        rows.add("LB", **results(name, recorded, found[which]))


def add_history(
    rows: Rows, subject: Whole, day: Whole, since: Whole, conditions: Mapping[str, Flags]
) -> None:
    """MH: each condition that was asked for on a day, had (since then) or not."""
    for name, has in conditions.items():
        rows.add("MH", subject, MHTERM=name, MHDECOD=name, MHPRESP="Y", MHOCCUR=Words.either(has), MHDTC=day,
                 MHSTDTC=np.where(has, since, NO_DAY))  # fmt: skip
