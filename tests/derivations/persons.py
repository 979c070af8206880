"""One person out of the table of observations, for the reader that judges one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from trialwright.evaluation.observations import Observation, Subject
from trialwright.protocol.facts import Fact
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.verdicts import Reason

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the site's clock
_NO_UNIT = "a unit nobody knows"


def as_persons(
    observations: pl.DataFrame, subjects: pl.DataFrame, facts: Mapping[str, Fact], periods: Iterable[str]
) -> Iterator[tuple[int, Subject]]:
    """Each subject of the tables of readers as the reader of one person takes it.

    Parameters
    ----------
    observations, subjects : DataFrame
        As `evaluation.table` has them, subjects being whole numbers.
    facts : mapping of str to Fact
    periods : iterable of str
    """
    rows = observations.partition_by("subject", as_dict=True, maintain_order=True)
    nothing = observations.clear()
    for person in subjects.iter_rows(named=True):
        dates = {name: _date(person, name) for name in ("anchor", "birth", "baseline", "cut")}
        spans = {name: (_date(person, f"{name}_start"), _date(person, f"{name}_end")) for name in periods}
        known = rows.get((person["subject"],), nothing).iter_rows(named=True)
        yield (
            person["subject"],
            Subject(
                tuple(_observation(row, facts[row["fact"]]) for row in known),
                anchor=dates["anchor"] or PartialDate.parse("1850"),
                birth=dates["birth"],
                baseline_at=dates["baseline"],
                periods={name: (start, end) for name, (start, end) in spans.items() if start and end},
                cut=dates["cut"],
            ),
        )


def _date(row: Mapping[str, Any], name: str) -> PartialDate | None:
    first, last = row[f"{name}_earliest"], row[f"{name}_latest"]
    if first is None:
        return None
    return PartialDate(
        f"{first} to {last}", *(int((one - _EPOCH).total_seconds()) // 60 for one in (first, last))
    )


def _observation(row: Mapping[str, Any], fact: Fact) -> Observation:
    date = _date({"_earliest": row["earliest"], "_latest": row["latest"]}, "")
    if date is None:
        raise ValueError("every observation must have a date")
    value, unit = _value(row, fact)
    return Observation(
        str(row["record"]), row["fact"], date, value, unit, row["lln"], row["uln"], by=row["role"],
        is_converted=bool(row["is_converted"]),
    )  # fmt: skip


def _value(row: Mapping[str, Any], fact: Fact) -> tuple[Interval | str | None, str | None]:
    """The result of an observation and its unit, so that it is read as the table has it."""
    unit = fact.unit.code if fact.unit else None
    if (
        fact.kind not in (Kind.NUMBER, Kind.CATEGORY, Kind.YES_OR_NO, Kind.ATTESTATION)
        or row["reason"] is None
    ):
        return None, None
    if fact.kind is not Kind.NUMBER:
        return row["level"] or "?", None
    if row["reason"] == Reason.UNREADABLE.code:
        return "?", unit
    if row["reason"] == Reason.UNIT_UNKNOWN.code:
        return Interval.exactly(0), _NO_UNIT
    return Interval(row["lo"], row["hi"], row["lo_open"], row["hi_open"]), unit
