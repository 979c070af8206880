"""An invented patient: what is to be on record of somebody, in words and as SDTM records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from trialwright.protocol.facts import Fact, Scope
from trialwright.protocol.model import Protocol
from trialwright.records.sdtm import domains
from trialwright.vocabulary.concepts import Kind, catalogue

SUFFIX = "-OQ-SIM"
"""Ends the STUDYID of every invented patient: nobody can take them for real."""

_RESPONSES = {"recist_response": "RECIST 1.1", "irecist_response": "iRECIST"}
_HISTORIES = {Kind.DRUG: "CM", Kind.PROCEDURE: "PR", Kind.CONDITION: "MH", Kind.HISTORY: "MH"}
_SIGNS = ("<", ">")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on record.

    `text` is the result as reported: a number, with `<` or `>` where it is censored, a level, or yes and no of somebody
    in a `role`; None for what was given, done or happened. `occurred` is False where it was asked for and there was none.
    """

    fact: str
    day: date
    text: str | None = None
    uln: Decimal | None = None
    lln: Decimal | None = None
    role: str | None = None
    occurred: bool = True
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Sketch:
    """Everything on record of one invented patient.

    `anchors` are recorded days of the protocol, `ends` the days on which treatments are recorded as ended.
    """

    items: tuple[Item, ...] = ()
    anchors: Mapping[str, date] = field(default_factory=dict)
    ends: Mapping[str, date] = field(default_factory=dict)
    born: date | None = None
    sex: str | None = None

    def words(self, scope: Scope) -> str:
        """What is on record, in words and in the order of time."""
        told = [(item.day, _told(item, scope.facts[item.fact])) for item in self.items]
        told += [(day, scope.facts[name].label) for name, day in self.anchors.items()]
        told += [(day, f"end of {scope.facts[name].label}") for name, day in self.ends.items()]
        parts = [f"born {self.born}" if self.born else "", self.sex or ""]
        by_day: dict[date, list[str]] = {}
        for day, words in sorted(told, key=lambda one: one[0]):
            by_day.setdefault(day, []).append(words)
        return "; ".join([part for part in parts if part] + list(_days_told(by_day)))


def _days_told(by_day: Mapping[date, list[str]]) -> Iterator[str]:
    """What was on each day; the same on several days in a row is told once."""
    runs: list[tuple[date, date, str]] = []
    for day, words in by_day.items():
        told = ", ".join(words)
        if runs and runs[-1][2] == told and (day - runs[-1][1]).days == 1:
            runs[-1] = (runs[-1][0], day, told)
        else:
            runs.append((day, day, told))
    for first, last, told in runs:
        yield f"{first}: {told}" if first == last else f"{first} to {last}, each day: {told}"


def _told(item: Item, fact: Fact) -> str:
    if not item.occurred:
        return f"asked for {fact.label}, none"
    if item.text is None:
        return fact.label
    unit = f" {item.unit}" if item.unit else ""
    limits = "".join(f" ({name} {limit})" for name, limit in (("ULN", item.uln), ("LLN", item.lln)) if limit)
    return f"{fact.label} {item.text}{unit}{limits}" + (f" by {item.role}" if item.role else "")


# --- as records -----------------------------------------------------------------------------------------------------------

Record = dict[str, Any]


def tabulate(sketches: Sequence[Sketch], protocol: Protocol, scope: Scope) -> dict[str, pl.DataFrame]:
    """The SDTM tables of invented patients; the n-th is subject `subject_of(n)`.

    Each table has a column SIMULATED that says Y, and STUDYID ends in `-OQ-SIM`.
    """
    study = f"{protocol.study.id}{SUFFIX}"
    rows: dict[str, list[Record]] = {}
    for number, sketch in enumerate(sketches):
        subject = subject_of(number)
        identity = {"STUDYID": study, "USUBJID": f"{study}-{subject}", "SIMULATED": "Y"}
        seen: Counter[str] = Counter()
        for domain, record in _records(sketch, protocol, scope):
            seen[domain] += 1
            own = {"SUBJID": subject} if domain == "DM" else {f"{domain}SEQ": seen[domain]}
            rows.setdefault(domain, []).append({**identity, "DOMAIN": domain, **own, **record})
    return {
        domain: pl.DataFrame(records, schema={**domains()[domain].schema, "SIMULATED": pl.String})
        for domain, records in rows.items()
    }


def subject_of(number: int) -> str:
    return f"{number + 1:05}"


def _records(sketch: Sketch, protocol: Protocol, scope: Scope) -> Iterable[tuple[str, Record]]:
    deaths = [item.day for item in sketch.items if item.fact == "death"]
    yield (
        "DM",
        {
            "SITEID": "OQ",
            "COUNTRY": "ZZZ",
            "SEX": {"female": "F", "male": "M"}.get(sketch.sex or ""),
            "BRTHDTC": _iso(sketch.born),
            "RFICDTC": _iso(sketch.anchors.get("consent")),
            "DTHDTC": _iso(deaths[0] if deaths else None),
            "DTHFL": "Y" if deaths else None,
        },
    )
    for name, day in sketch.anchors.items():
        if name != "consent":
            yield "DS", _milestone("PROTOCOL MILESTONE", name, day)
    for name, day in sketch.ends.items():
        end = {"DSSCAT": _capitals(name), "DSTERM": "OTHER", "DSDECOD": "OTHER", "DSSTDTC": _iso(day)}
        yield "DS", {"DSCAT": "DISPOSITION EVENT", **end}
    for item in sketch.items:
        if item.fact != "death":
            yield _record(item, scope.facts[item.fact], protocol)


def _record(item: Item, fact: Fact, protocol: Protocol) -> tuple[str, Record]:
    name, day = _capitals(fact.name), _iso(item.day)
    if fact.kind is Kind.EVENT:
        return "DS", _milestone("OTHER EVENT", fact.name, item.day)
    if fact.kind is Kind.ATTESTATION:
        said = {"FAORRES": item.text, "FASTRESC": "Y" if item.text == "yes" else "N"}
        return "FA", {
            "FATESTCD": "ATTEST",
            "FATEST": "Attestation",
            "FAOBJ": name,
            "FAEVAL": item.role,
            "FADTC": day,
            **said,
        }
    if fact.name in protocol.treatments and item.occurred:
        dose = protocol.treatments[fact.name].dose
        given: Record = {
            "EXDOSE": float(dose.number) if dose else 1.0,
            "EXDOSU": str(dose.unit) if dose else "DOSE",
        }
        return "EX", {"EXTRT": name, "EXSTDTC": day, "EXENDTC": day, **given}
    if fact.name == "contact":
        return "SV", {"VISITNUM": 1.0, "SVSTDTC": day}
    if fact.kind in _HISTORIES:
        return _history(item, name, _HISTORIES[fact.kind])
    concept = catalogue().get(fact.concept or "")
    if fact.concept in _RESPONSES:
        kind = {"RSTESTCD": "OVRLRESP", "RSTEST": "Overall Response", "RSCAT": _RESPONSES[fact.concept]}
        return "RS", {
            **kind,
            "RSORRES": item.text,
            "RSSTRESC": item.text,
            "RSEVAL": "INVESTIGATOR",
            "RSDTC": day,
        }
    if concept is not None and concept.dataset in ("LB", "VS") and concept.test:
        return concept.dataset, _finding(item, fact, concept.dataset, concept.test)
    own = {"FATESTCD": "STATUS", "FATEST": "Status", "FAOBJ": name}
    return "FA", {**own, **_result(item, fact, "FA"), "FADTC": day}


def _finding(item: Item, fact: Fact, domain: str, test: str) -> Record:
    record: Record = {"TESTCD": test, "TEST": fact.label, "DTC": _iso(item.day)}
    found = {f"{domain}{name}": value for name, value in record.items()} | _result(item, fact, domain)
    for side, limit in (("HI", item.uln), ("LO", item.lln)):
        if limit is not None and domain == "LB":
            found |= {f"LBORNR{side}": f"{limit}", f"LBSTNR{side}": float(limit)}
    return found


def _result(item: Item, fact: Fact, domain: str) -> Record:
    """The reported result and the standardised one, which are in the same unit here."""
    found: Record = {f"{domain}ORRES": item.text, f"{domain}STRESC": item.text}
    if fact.kind is not Kind.NUMBER:
        return found
    found |= {f"{domain}ORRESU": item.unit, f"{domain}STRESU": item.unit}
    sign = item.text[0] if item.text and item.text.startswith(_SIGNS) else ""
    try:
        amount = float((item.text or "").removeprefix(sign))
    except ValueError:
        return found
    if domain == "LB":
        found |= {"LBORCMP": sign or None, "LBORRESN": amount}
    return found if sign else found | {f"{domain}STRESN": amount}


def _history(item: Item, name: str, domain: str) -> tuple[str, Record]:
    words = {f"{domain}TERM" if domain == "MH" else f"{domain}TRT": name, f"{domain}DECOD": name}
    if item.occurred:
        return domain, {**words, f"{domain}STDTC": _iso(item.day)}
    asked = {f"{domain}PRESP": "Y", f"{domain}OCCUR": "N", f"{domain}DTC": _iso(item.day)}
    return domain, {**words, **asked}


def _milestone(category: str, name: str, day: date) -> Record:
    return {"DSCAT": category, "DSTERM": _capitals(name), "DSDECOD": _capitals(name), "DSSTDTC": _iso(day)}


def _capitals(name: str) -> str:
    return name.replace("_", " ").upper()


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
