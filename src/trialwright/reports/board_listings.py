"""Listings of the data monitoring board: the patients behind the numbers."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trialwright.analysis.listings import list_deaths, list_serious_events
from trialwright.analysis.pooled import is_grouped
from trialwright.protocol.references import GROUPS
from trialwright.reports.blocks import Block, Column, Paragraph, Ref, Row, Table, Term, Text
from trialwright.reports.board_tables import Told
from trialwright.reports.listing_tables import (
    SERIOUS_HELD,
    as_words,
    flag_words,
    of_whom,
    serious_counted,
    study_days,
    told_liver_events,
)
from trialwright.reports.patient_parts import Names


def listing_tables(told: Told) -> Iterator[Block]:
    listed = told.board.listed
    if listed is None:
        yield Paragraph(
            Text("The protocol has no population in which harms are counted, so no patient is listed.")
        )
        return
    may_tell = not is_grouped(told.board.study.protocol) or told.board.is_closed
    yield _deaths(told, list_deaths(listed), may_tell=may_tell)
    yield _serious(told, list_serious_events(listed))
    yield _liver(told, told_liver_events(listed))


def _listing(
    told: Told, name: str, title: str, heads: list[str], frame: pl.DataFrame, empty: str, holds: str = ""
) -> Table:
    """A listing as a table; the first column of the frame is the id, the second the subject."""
    ids = told.board.listed["ADSL"]["USUBJID"] if told.board.listed else frame["USUBJID"]
    names = Names.for_subjects(ids)
    groups = _groups_of(told)
    columns = [Column(Text("Patient"), "left")]
    columns += [Column(Text("Group"), "left")] if groups else []
    # days and counts stand to the right: only columns of words are made narrower than what they hold
    kinds = frame.dtypes[2:]
    columns += [
        Column(Text(head), "left" if kind == pl.String else "right")
        for head, kind in zip(heads, kinds, strict=True)
    ]
    rows = []
    for id_, subject, *values in frame.iter_rows():
        ref = Ref.data(id_)
        cells = [Text("—") if value in (None, "") else Text(Term(str(value), ref)) for value in values]
        if groups:
            cells.insert(0, groups.get(subject, Text("not known")))
        rows.append(Row(Text(Term(names.of[subject], ref)), tuple(cells)))
    notes = [of_whom(told, told.board.listed, holds)] if told.board.listed else []
    notes += [serious_counted(frame)] if rows and name == "serious" else []
    notes += [names.note()] if rows and names.prefix else []
    notes += [_groups_in_full(told)] if rows and groups else []
    notes += [study_days(told)] if rows and "ADY" in frame.columns else []
    return Table(
        f"table-{name}", Text(title), tuple(columns), tuple(rows), tuple(notes), empty=Text(empty)
    )  # fmt: skip


def _groups_of(told: Told) -> dict[str, Text]:
    """The group of each subject, in the closed document."""
    if not told.board.is_closed:
        return {}
    pairs = told.board.data.adsl.select("USUBJID", "groups").drop_nulls().iter_rows()
    return {subject: Text(told.short_level(GROUPS, group)) for subject, group in pairs}


def _groups_in_full(told: Told) -> Text:
    pieces: list[str | Term] = []
    for name in told.protocol.groups:
        short, label = told.short_level(GROUPS, name), told.level(GROUPS, name)
        pieces += ["; " if pieces else "Groups: ", short, ", ", label]
    return Text(*pieces, ".")


def _deaths(told: Told, frame: pl.DataFrame, *, may_tell: bool) -> Table:
    """Without the time since the last dose of a treatment where that could tell the group."""
    heads = ["Died", "On", "Study day", "Fatal event"]
    columns = ["id", "USUBJID", "AVALC", "ADT", "ADY", "FATAL"]
    if may_tell:
        heads.insert(3, "Days since the last dose")
        columns.insert(5, "SINCE")
    return _listing(told, "deaths", "Deaths", heads, frame.select(columns), "No death is recorded.")


def _serious(told: Told, frame: pl.DataFrame) -> Table:
    shown = frame.select(
        "id", "USUBJID", "TERM", pl.col("ATOXGR").cast(pl.String).fill_null("not known"), flag_words("ASERFL"), flag_words("TRTEMFL"), "ADT", "ADY", last_day_words(),
        flag_words("ARELFL"), as_words("AEOUT"),
    )  # fmt: skip
    heads = [
        "Event",
        "Grade",
        "Serious",
        "With treatment",
        "From",
        "Study day",
        "To",
        "Related, as judged",
        "Outcome",
    ]
    return _listing(
        told,
        "serious",
        "Serious adverse events",
        heads,
        shown,
        "No serious adverse event is recorded.",
        SERIOUS_HELD,
    )


def last_day_words() -> pl.Expr:
    """The last day of an event, marked where it lies before the first."""
    doubt = pl.when(pl.col("AENDT") < pl.col("ADT")).then(pl.lit(", before it began: doubtful"))
    return pl.concat_str(pl.col("AENDT").cast(pl.String), doubt.otherwise(pl.lit("")))


def _liver(told: Told, frame: pl.DataFrame) -> Table:
    shown = frame.select(
        "id", "USUBJID", pl.coalesce("TEXT", "KIND"), pl.concat_str("AVALC", pl.lit(" (") + pl.col("REASON") + pl.lit(")"), ignore_nulls=True),
        "ADT", "ADY", "RESULT", "BASELINE",
        pl.concat_str("CAUSEST", pl.lit(": ") + pl.col("CAUSE"), pl.lit(", by ") + pl.col("CAUSEBY"), ignore_nulls=True), "SUGGEST", pl.col("WUMISS").replace("", "nothing"),
    )  # fmt: skip
    heads = [
        "Event",
        "Told",
        "On",
        "Study day",
        "Result",
        "Baseline",
        "Cause, as judged",
        "Data suggest",
        "Not looked for",
    ]
    return _listing(
        told, "liver-events", "Reactivations, flares and severe hepatic events with their cause", heads, shown, "None is recorded."
    )  # fmt: skip
