"""Listings of single subjects as tables: one row a finding, each cell with the row it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.analysis.listed import Listed
from trialwright.analysis.listings import (
    list_deaths,
    list_deviations,
    list_eligibility,
    list_liver_events,
    list_serious_events,
)
from trialwright.reports.blocks import Column, Ref, Row, Table, Term, Text

SHOWN = 200
"""So many rows of a listing are printed; the table says how many there are."""


@dataclass(frozen=True, slots=True)
class _Listing:
    title: str
    rows: Callable[[Listed], pl.DataFrame]
    columns: Mapping[str, str]
    empty: str


_FEW = 3


def told_liver_events(listed: Listed) -> pl.DataFrame:
    """The events of the liver; of what is missing of a work-up the first few are named and the others counted."""
    frame = list_liver_events(listed)
    items = pl.col("WUMISS").str.split(", ")
    others = items.list.len().cast(pl.Int64) - _FEW
    few = items.list.head(_FEW).list.join(", ")
    told = pl.when(others > 0).then(pl.format("{} and {} more", few, others)).otherwise(few)
    return frame.with_columns(told.str.replace_all("_", " ").alias("WUMISS"))


_LISTINGS: Mapping[str, _Listing] = MappingProxyType(
    {
        "eligibility": _Listing(
            "Criteria not fulfilled, or not known to be",
            list_eligibility,
            {"KIND": "Criteria", "TEXT": "Criterion", "AVALC": "Finding", "REASON": "Why unknown", "ADT": "Judged on"},
            "Everybody fulfils every criterion, and all of them could be judged.",
        ),
        "deviations": _Listing(
            "Deviations",
            list_deviations,
            {"KIND": "Kind", "TEXT": "Deviation", "AVALC": "Finding", "REASON": "Why unknown", "ADT": "Date", "DAYS": "Day"},
            "None was found.",
        ),
        "deaths": _Listing(
            "Deaths",
            list_deaths,
            {"ADT": "Date", "DAYS": "Day", "AVALC": "Finding", "SINCE": "Days since last dose", "SINCEOF": "of", "FATAL": "Fatal event"},
            "Nobody is known to have died.",
        ),
        "serious": _Listing(
            "Serious adverse events",
            list_serious_events,
            {"TERM": "Event", "ATOXGR": "Grade", "ADT": "Begin", "DAYS": "Day", "AENDT": "End", "AEREL": "Related", "AEOUT": "Outcome"},
            "None was reported.",
        ),
        "liver": _Listing(
            "Reactivations, flares and hepatic events, and what they are due to",
            told_liver_events,
            {"TEXT": "Event", "ADT": "Date", "DAYS": "Day", "ATOXGR": "Grade", "RESULT": "Result", "BASELINE": "Baseline",
             "CAUSE": "Judged cause", "SUGGEST": "Suggested cause", "WUMISS": "Work-up missing"},
            "None was seen.",
        ),
    }
)  # fmt: skip


def render_listing(listed: Listed, name: str) -> Table:
    """A listing as a table, by subject and date.

    Parameters
    ----------
    listed : Listed
    name : str
        One of `LISTINGS`.
    """
    listing = _LISTINGS[name]
    frame = listing.rows(listed)
    columns = {key: title for key, title in listing.columns.items() if _is_told(frame, key)}
    numbers = {key for key in columns if frame.schema[key].is_numeric()}
    rows = tuple(
        Row(
            _term(row["USUBJID"], row["id"]),
            tuple(Text() if row[key] is None else _term(_spelt(row[key]), row["id"]) for key in columns),
        )
        for row in frame.head(SHOWN).iter_rows(named=True)
    )
    titles = (
        Column(Text("Subject"), "left"),
        *(Column(Text(title), "right" if key in numbers else "left") for key, title in columns.items()),
    )
    notes = (_cut_short(name, frame.height),) if frame.height > SHOWN else ()
    return Table(f"listing-{name}", Text(listing.title), titles, rows, notes, Text(listing.empty))


LISTINGS = tuple(_LISTINGS)
"""The listings of a report, in its order."""


def _is_told(frame: pl.DataFrame, key: str) -> bool:
    return frame[key].null_count() < frame.height


def _term(text: str, id_: str) -> Text:
    return Text(Term(text, Ref.data(id_)))


def _spelt(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _cut_short(name: str, n: int) -> Text:
    told = f"{SHOWN} of {n} rows are shown"
    return Text(Term(told, Ref.data(f"listing {name}")), ".")
