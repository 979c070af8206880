"""Small studies for the tests of exposure, laboratory and adverse events."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import polars as pl

from trialwright.derivations.study import Study, make_study
from trialwright.derivations.study_facts import StudyFacts, during
from trialwright.protocol.loading import LoadedProtocol, load_protocol
from trialwright.records.sdtm import domains

STUDY = "DURVA-HBV"
FIRST, LAST = date(2024, 1, 10), date(2024, 6, 26)
"""First and last dose of the worked examples of ctcae.md, section 5."""


@cache
def durva() -> LoadedProtocol:
    return load_protocol("nct04294498")


def table(domain: str, *rows: dict) -> pl.DataFrame:
    """Records of a domain with the types of the catalogue; subject 001 and running numbers where not given."""
    sequence = domains()[domain].sequence
    full = []
    for number, row in enumerate(rows, 1):
        base = {"STUDYID": STUDY, "DOMAIN": domain, "USUBJID": "001"}
        if sequence:
            base[sequence] = number
        full.append(base | row)
    schema = domains()[domain].schema
    names = [name for name in schema if any(name in row for row in full)] or ["STUDYID", "USUBJID"]
    return pl.DataFrame(
        [{name: row.get(name) for name in names} for row in full],
        schema={name: schema[name] for name in names},
    )


def dose(day: str | date, amount: float | None = 1500, **more: object) -> dict:
    return {"EXTRT": "DURVALUMAB", "EXSTDTC": str(day), "EXDOSE": amount, "EXDOSU": "mg"} | more


def study_of(
    *, subjects: tuple[str, ...] = ("001",), loaded: LoadedProtocol | None = None, **tables: pl.DataFrame
) -> Study:
    people = table("DM", *({"USUBJID": subject, "RFICDTC": "2023-12-01"} for subject in subjects))
    return make_study(loaded or durva(), {"DM": people} | tables)


def adsl_of(study: Study, **columns: object) -> pl.DataFrame:
    """One row a subject with the dates of ADSL; the same for everybody."""
    given = {
        "STARTDT": FIRST,
        "TRTSDT": FIRST,
        "TRTEDT": LAST,
        "DTHDT": None,
        "CUTDT": None,
        "RECORDDT": date(2024, 12, 31),
        "LSTALVDT": date(2024, 12, 31),
    } | columns
    return study.subjects.with_columns(pl.lit(value, pl.Date).alias(name) for name, value in given.items())


def facts_of(study: Study) -> StudyFacts:
    """What is known of a study but for its events, of which most tests need none."""
    facts = StudyFacts.of(study)
    names = [*study.protocol.anchors, *(during(name) for name in study.protocol.periods), "baseline"]
    for name in names:
        facts.derive_dates(name)
    return facts


def day(number: int, start: date = FIRST) -> str:
    """The date of a study day."""
    return str(start + timedelta(days=number - (number > 0)))
