"""Small studies for tests: a few records of a few persons, written in one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl

from trialwright.derivations.adevt import first_of_each
from trialwright.derivations.study import Study, make_study
from trialwright.protocol.loading import LoadedProtocol, load_protocol

DAY_1 = date(2024, 3, 1)
"""Study day 1 of these studies: the first dose, or group assignment."""

_TESTS = {"hbv_dna": ("HBVVLD", "IU/mL"), "alt": ("ALT", "U/L"), "bilirubin": ("BILI", "umol/L"), "alp": ("ALP", "U/L"),
          "hbsag_quantity": ("HBSAG", "IU/mL"), "anti_hbs": ("HBSAB", "mIU/mL"), "creatinine": ("CREAT", "umol/L")}  # fmt: skip


def on_day(day: int) -> str:
    """The date of a study day, of which there is no day 0."""
    return (DAY_1 + timedelta(days=day - 1 if day > 0 else day)).isoformat()


class Records:
    """Records by domain, numbered by subject in the order they are written."""

    def __init__(self, study: str = "S") -> None:
        self.study = study
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.numbers: Counter[tuple[str, str]] = Counter()

    def add(self, domain: str, subject: str, **values: Any) -> Records:
        self.numbers[domain, subject] += 1
        number = {} if domain in ("DM", "SV") else {f"{domain}SEQ": self.numbers[domain, subject]}
        row = {"STUDYID": self.study, "DOMAIN": domain, "USUBJID": subject, **number, **values}
        self.rows.setdefault(domain, []).append(row)
        return self

    def person(self, subject: str = "1", **values: Any) -> Records:
        return self.add("DM", subject, **{"RFICDTC": on_day(-20), "SEX": "M", "AGE": 50.0, **values})

    def result(self, fact: str, when: str, value: float | str, subject: str = "1", **values: Any) -> Records:
        """A laboratory result: a number, or a text such as `<20`."""
        test, unit = _TESTS[fact]
        number = None if isinstance(value, str) else float(value)
        said = (
            value if isinstance(value, str) else str(int(value)) if float(value).is_integer() else str(value)
        )
        said_so = {"LBORRES": said, "LBORRESU": unit, "LBSTRESC": said, "LBSTRESN": number, "LBSTRESU": unit}
        return self.add("LB", subject, LBTESTCD=test, LBDTC=when, **{**said_so, **values})

    def series(
        self, fact: str, values: Mapping[int, float | str], subject: str = "1", **more: Any
    ) -> Records:
        """Results by study day."""
        for day, value in values.items():
            self.result(fact, on_day(day), value, subject, **more)
        return self

    def dose(
        self, drug: str, when: str, until: str | None = None, subject: str = "1", **values: Any
    ) -> Records:
        return self.add("EX", subject, **{"EXTRT": drug.upper().replace("_", " "), "EXDOSE": 1.0, "EXSTDTC": when, "EXENDTC": until, **values})  # fmt: skip

    def doses(self, drug: str, days: Iterable[int], subject: str = "1") -> Records:
        for day in days:
            self.dose(drug, on_day(day), on_day(day), subject)
        return self

    def finding(self, name: str, when: str, value: str, subject: str = "1", **values: Any) -> Records:
        return self.add("FA", subject, **{"FATESTCD": "STATUS", "FAOBJ": name.upper().replace("_", " "), "FAORRES": value, "FASTRESC": value, "FADTC": when, **values})  # fmt: skip

    def attest(self, name: str, when: str, said: str, by: str, subject: str = "1") -> Records:
        return self.finding(name, when, said, subject, FATESTCD="ATTEST", FAEVAL=by)

    def milestone(self, name: str, when: str, subject: str = "1") -> Records:
        return self.add(
            "DS",
            subject,
            DSTERM=name,
            DSDECOD=name.upper().replace("_", " "),
            DSCAT="PROTOCOL MILESTONE",
            DSSTDTC=when,
        )

    def happened(self, name: str, when: str | None, subject: str = "1") -> Records:
        return self.add(
            "DS",
            subject,
            DSTERM=name,
            DSDECOD=name.upper().replace("_", " "),
            DSCAT="OTHER EVENT",
            DSSTDTC=when,
        )

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        return {domain: pl.DataFrame(rows, infer_schema_length=None) for domain, rows in self.rows.items()}

    def study_of(self, protocol: str | LoadedProtocol, **options: Any) -> Study:
        loaded = load_protocol(protocol) if isinstance(protocol, str) else protocol
        return make_study(loaded, self.tables, **options)


def occurrences(
    adevt: pl.DataFrame, event: str, subject: str = "1", reader: str | None = None
) -> list[tuple[Any, ...]]:
    """The days of an event; where there is none and nobody can tell, the reason told first: `[date]` or `["missing"]`."""
    rows = adevt.filter((pl.col("EVENT") == event) & (pl.col("USUBJID") == subject))
    if reader:
        rows = rows.filter(pl.col("READER") == reader)
    met = rows.filter(pl.col("AVALC") == "met")["ADT"].to_list()
    return met or first_of_each(rows)["REASON"].to_list()
