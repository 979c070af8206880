"""The records of a subject that derived rows name, as the SDTM data have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from trialwright.protocol.loading import LoadedProtocol
from trialwright.vocabulary.documents import Path

NOT_LOOKED_FOR = "the data were not given: name their folder with --data"
NOT_FOUND = "the data have no such record of this subject"
_KEYS = ("STUDYID", "DOMAIN", "USUBJID", "SUBJECT", "SIMULATED")
_NUMBERS = {"SV": "VISITNUM"}
"""What numbers the records of a domain that have no `--SEQ`; those of DM have none, one a person."""


@dataclass(frozen=True, slots=True)
class DerivedRow:
    """A row of an analysis dataset: what it says, the element that made it with its line, and the records it rests on."""

    dataset: str
    values: Mapping[str, Any]
    path: str
    place: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A record as it was reported.

    Attributes
    ----------
    name : str
        As `SRCALL` names it: `LB.29`, `DM`.
    what, value, unit, date : str or None
        What was measured or happened, and the result, its unit and its date as they were reported.
    variables : mapping
        Everything else the record says.
    missing : str
        Why it cannot be shown; empty where it is.
    """

    name: str
    what: str | None
    value: str | None
    unit: str | None
    date: str | None
    variables: Mapping[str, Any]
    missing: str = ""


def tell_rows(loaded: LoadedProtocol, dataset: str, rows: pl.DataFrame) -> Iterator[DerivedRow]:
    """Rows of a dataset with the line of the protocol that made each."""
    for row in rows.iter_rows(named=True):
        said = {name: plain(value) for name, value in row.items() if value is not None and name not in _KEYS}
        path = str(said.get("PROTOCOL", ""))
        yield DerivedRow(dataset, said, path, _place_of(loaded, path), tuple(sources_of(row)))


def _place_of(loaded: LoadedProtocol, path: str) -> str:
    if not path:
        return ""
    here: Path = tuple(path.split("."))
    place = loaded.document.place_of(here, key=True)
    return f"{place.file}:{place.line}" if place.line else place.file


def sources_of(row: Mapping[str, Any]) -> list[str]:
    """The records a derived row names, the deciding one first."""
    deciding = row.get("SRCDOM")
    number = row.get("SRCSEQ")
    first = [f"{deciding}.{number}" if number is not None else str(deciding)] if deciding else []
    return list(dict.fromkeys([*first, *(row.get("SRCALL") or "").split()]))


def find_records(
    tables: Mapping[str, pl.DataFrame] | None, subject: str, names: Sequence[str]
) -> list[SourceRecord]:
    """The records of a subject that have these names; of one that is not there it says so."""
    return [found for name in names for found in _find(tables, subject, name)]


def _find(tables: Mapping[str, pl.DataFrame] | None, subject: str, name: str) -> list[SourceRecord]:
    if tables is None:
        return [_unseen(name, NOT_LOOKED_FOR)]
    domain, _, number = name.partition(".")
    table = tables.get(domain)
    if table is None:
        return [_unseen(name, f"the data have no {domain}")]
    own = table.filter(pl.col("USUBJID") == subject)
    if number:
        column = _NUMBERS.get(domain, f"{domain}SEQ")
        own = own.filter(pl.col(column).cast(pl.Float64, strict=False) == float(number))
    found = [_record(name, domain, row) for row in own.unique(maintain_order=True).iter_rows(named=True)]
    return found or [_unseen(name, NOT_FOUND)]


def _unseen(name: str, why: str) -> SourceRecord:
    return SourceRecord(name, None, None, None, None, {}, why)


def _record(name: str, domain: str, row: Mapping[str, Any]) -> SourceRecord:
    """A record by the names SDTM gives to topic, result, unit and dates of a domain."""

    def first(*suffixes: str) -> str | None:
        said = (row.get(f"{domain}{suffix}") for suffix in suffixes)
        return next((str(one) for one in said if one is not None), None)

    begin, end = first("DTC", "STDTC") or plain(row.get("RFSTDTC")), first("ENDTC")
    days = f"{begin} to {end}" if begin and end and end != begin else begin
    rest = {key: plain(value) for key, value in row.items() if value is not None and key not in _KEYS}
    value = first("ORRES", "DOSE", "OCCUR", "TOXGR")
    unit = first("ORRESU") if first("ORRES") is not None else first("DOSU")
    return SourceRecord(name, first("TEST", "DECOD", "TRT", "TERM", "TESTCD"), value, unit, days, rest)


def plain(value: Any) -> Any:
    """A value as JSON holds it: dates as text."""
    return value.isoformat() if isinstance(value, date) else value
