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
from trialwright.protocol.categories import treatment_words
from trialwright.reports.blocks import Column, Number, Ref, Row, Table, Term, Text
from trialwright.reports.patient_parts import Names
from trialwright.reports.printed import Said, capitalised, cause_words

SHOWN = 200
"""So many rows of a listing are printed; the table says how many there are."""


@dataclass(frozen=True, slots=True)
class _Listing:
    title: str
    rows: Callable[[Listed], pl.DataFrame]
    columns: Mapping[str, str]
    empty: str
    holds: str = ""
    """Which records it holds, where a table counts others."""


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
    labels = {name: treatment_words(listed.protocol, name)[0] for name in listed.protocol.treatments}
    return list_deaths(listed).with_columns(pl.col("SINCEOF").replace(labels))


def _serious_events(listed: Listed) -> pl.DataFrame:
    """Serious events, what is recorded in controlled terms as words."""
    told = (flag_words(name) for name in ("ASERFL", "TRTEMFL"))
    return list_serious_events(listed).with_columns(as_words("AEREL", "AEOUT"), *told)


SERIOUS_HELD = (
    "All serious adverse events in the records, and those of which nobody said whether they are serious, whether or not they came "
    "with treatment; tables count only those that did."
)


def serious_counted(frame: pl.DataFrame) -> Text:
    """How many listed events are surely serious, and how many of these came with treatment, with their subjects."""
    serious = frame.filter(pl.col("ASERFL") == "yes")
    numbers = [
        Number(f"{n:,}", Ref.data("listing serious"), n)
        for part in (serious, serious.filter(pl.col("TRTEMFL") == "yes"))
        for n in (part.height, part["USUBJID"].n_unique())
    ]
    return Text(
        "Serious events: ", numbers[0], ", of ", numbers[1], " subjects. Of these events came with treatment: ", numbers[2],
        ", of ", numbers[3], " subjects.",
    )  # fmt: skip


def flag_words(column: str) -> pl.Expr:
    """A flag in words, and those of which nobody knows it."""
    return pl.col(column).replace({"Y": "yes", "N": "no"}).fill_null("not known").alias(column)


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
            "All deaths in the records, at whatever time.",
        ),
        "serious": _Listing(
            "Serious adverse events",
            _serious_events,
            {"TERM": "Event", "ATOXGR": "Grade", "ASERFL": "Serious", "TRTEMFL": "With treatment", "ADT": "Begin", "ADY": "Study day",
             "AENDT": "End", "AEREL": "Related", "AEOUT": "Outcome"},
            "None was reported.",
            SERIOUS_HELD,
        ),
        "liver": _Listing(
            "Reactivations, flares and hepatic events, and what they are due to",
            told_liver_events,
            {"TEXT": "Event", "ADT": "Date", "ADY": "Study day", "ATOXGR": "Grade", "RESULT": "Result", "BASELINE": "Baseline",
             "CAUSE": "Judged cause", "SUGGEST": "Suggested cause", "WUMISS": "Work-up missing"},
            "None was seen.",
            "Reactivations and flares at whatever time; hepatic adverse events that came with treatment, and those of which nobody can tell.",
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
    said = Said(listed.protocol)
    notes = [of_whom(said, listed, listing.holds)]
    notes += [serious_counted(frame)] if rows and name == "serious" else []
    notes += [names.note()] if rows and names.prefix else []
    notes += [study_days(said)] if rows and "ADY" in columns else []
    notes += [_cut_short(name, frame.height)] if frame.height > SHOWN else []
    return Table(f"listing-{name}", Text(listing.title), titles, rows, tuple(notes), Text(listing.empty))


LISTINGS = tuple(_LISTINGS)
"""The listings of a report, in its order."""


def of_whom(said: Said, listed: Listed, holds: str = "") -> Text:
    """The population of a listing with its size, and which records of it are listed."""
    n, out = listed["ADSL"].height, listed.n_unknown
    whom = Text(
        "Of the population: ",
        said.population(listed.population),
        " (n = ",
        Number(f"{n:,}", Ref.data("ADSL"), n),
        ").",
    )
    unknown = (
        Text(
            " Not listed, for nobody knows whether they belong to it: ",
            Number(f"{out:,}", Ref.data("ADSL"), out),
            ".",
        )
        if out
        else Text()
    )
    return Text(whom, unknown, f" {holds}" if holds else "")


def study_days(said: Said) -> Text:
    """How study days count."""
    zero = said.protocol.time_zero
    whose = (", ", said.moment(zero, "time zero"), ",") if zero else ()
    return Text("The study day of time zero", *whose, " is one; there is no day zero.")


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
