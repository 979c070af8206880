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
from trialwright.medicine.hepatitis_b.causes import WORK_UP
from trialwright.reports.blocks import Column, Ref, Row, Table, Term, Text
from trialwright.reports.patient_parts import Names
from trialwright.reports.printed import capitalised, cause_words

STUDY_DAY = "The study day of time zero is one; there is no day zero."
SHOWN = 200
"""So many rows of a listing are printed; the table says how many there are."""


@dataclass(frozen=True, slots=True)
class _Listing:
    title: str
    rows: Callable[[Listed], pl.DataFrame]
    columns: Mapping[str, str]
    empty: str


_FEW = 3
_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "inclusion": "Inclusion", "exclusion": "Exclusion", "eligibility": "Eligibility", "consent": "Consent", "dose": "Dose",
        "gap": "Gap in treatment", "end": "End of treatment", "event": "Event", "calendar": "Clock or visit",
    }
)  # fmt: skip
"""Kinds of rows as they are printed."""


def told_liver_events(listed: Listed) -> pl.DataFrame:
    """The events of the liver in words; of what is missing of a work-up the first few are named and the others counted."""
    frame = list_liver_events(listed)
    labels = {name: part.label for name, part in WORK_UP.items()}
    items = pl.col("WUMISS").str.split(", ").list.eval(pl.element().replace(labels))
    others = items.list.len().cast(pl.Int64) - _FEW
    few = items.list.head(_FEW).list.join(", ")
    told = pl.when(others > 0).then(pl.format("{} and {} more", few, others)).otherwise(few)
    words = {"TEXT": capitalised, "CAUSE": cause_words, "SUGGEST": cause_words}
    said = [
        pl.Series(name, [as_told(one) if one else one for one in frame[name]], pl.String)
        for name, as_told in words.items()
    ]
    return frame.with_columns(told.alias("WUMISS"), *said)


def _deaths(listed: Listed) -> pl.DataFrame:
    """Deaths, each treatment by its label."""
    labels = {name: one.label or name.replace("_", " ") for name, one in listed.protocol.treatments.items()}
    return list_deaths(listed).with_columns(pl.col("SINCEOF").replace(labels))


def _serious_events(listed: Listed) -> pl.DataFrame:
    """Serious events, what is recorded in controlled terms as words."""
    return list_serious_events(listed).with_columns(as_words("AEREL", "AEOUT"))


def as_words(*columns: str) -> pl.Expr:
    """Controlled terms as words: `NOT RECOVERED/NOT RESOLVED` in small letters, with a place where a line may end."""
    return pl.col(*columns).str.to_lowercase().str.replace_all("/", " / ", literal=True)


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
            {"KIND": "Kind", "SEVERITY": "Severity", "TEXT": "Deviation", "AVALC": "Finding", "REASON": "Why unknown", "ADT": "Date", "ADY": "Study day"},
            "None was found.",
        ),
        "deaths": _Listing(
            "Deaths",
            _deaths,
            {"ADT": "Date", "ADY": "Study day", "AVALC": "Finding", "SINCE": "Days since last dose", "SINCEOF": "Treatment", "FATAL": "Fatal event"},
            "Nobody is known to have died.",
        ),
        "serious": _Listing(
            "Serious adverse events",
            _serious_events,
            {"TERM": "Event", "ATOXGR": "Grade", "ADT": "Begin", "ADY": "Study day", "AENDT": "End", "AEREL": "Related", "AEOUT": "Outcome"},
            "None was reported.",
        ),
        "liver": _Listing(
            "Reactivations, flares and hepatic events, and what they are due to",
            told_liver_events,
            {"TEXT": "Event", "ADT": "Date", "ADY": "Study day", "ATOXGR": "Grade", "RESULT": "Result", "BASELINE": "Baseline",
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
    names = Names.for_subjects(listed["ADSL"]["USUBJID"])
    columns = {key: title for key, title in listing.columns.items() if _is_told(frame, key)}
    numbers = {key for key in columns if frame.schema[key].is_numeric()}
    rows = tuple(
        Row(
            _term(names.of[row["USUBJID"]], row["id"]),
            tuple(Text() if row[key] is None else _term(_spelt(key, row[key]), row["id"]) for key in columns),
        )
        for row in frame.head(SHOWN).iter_rows(named=True)
    )
    titles = (
        Column(Text("Subject"), "left"),
        *(Column(Text(title), "right" if key in numbers else "left") for key, title in columns.items()),
    )
    notes = [names.note()] if rows and names.prefix else []
    notes += [Text(STUDY_DAY)] if rows and "ADY" in columns else []
    notes += [_cut_short(name, frame.height)] if frame.height > SHOWN else []
    return Table(f"listing-{name}", Text(listing.title), titles, rows, tuple(notes), Text(listing.empty))


LISTINGS = tuple(_LISTINGS)
"""The listings of a report, in its order."""


def _is_told(frame: pl.DataFrame, key: str) -> bool:
    return frame[key].null_count() < frame.height


def _term(text: str, id_: str) -> Text:
    return Text(Term(text, Ref.data(id_)))


def _spelt(key: str, value: Any) -> str:
    """A value as it is printed: kinds in words, a text with a capital."""
    if key == "KIND":
        return _KINDS.get(value, str(value))
    if key == "TEXT":
        return capitalised(str(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _cut_short(name: str, n: int) -> Text:
    told = f"{SHOWN} of {n} rows are shown"
    return Text(Term(told, Ref.data(f"listing {name}")), ".")
