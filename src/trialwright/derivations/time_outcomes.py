"""What came first to each subject: the event, one that competes with it, or what ends the follow-up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Any

import polars as pl

from trialwright.derivations.known_columns import first_told
from trialwright.derivations.study import SUBJECT
from trialwright.derivations.time_plans import TimePlan
from trialwright.derivations.time_views import FOUND, KEY, VIEW, Views, is_read, moved_by, offset_of
from trialwright.derivations.timeline import Timeline
from trialwright.derivations.tumour_records import LOCAL
from trialwright.protocol.references import DEATH
from trialwright.vocabulary.verdicts import Reason


class Outcome(StrEnum):
    """What became of a subject: the values of `EVNTTYPE`."""

    EVENT = "event"
    COMPETING = "competing"
    CENSORED = "censored"
    NOT_EVALUABLE = "not evaluable"


BEFORE_START = "event before start"
"""`REASON` where the event, or a competing one, lies before the time begins: a fault of the data."""
ENDED = "ended by a cause"
_NEVER = pl.lit(date.max)


def people_at_risk(
    plan: TimePlan, reader: str | None, timeline: Timeline, adsl: pl.DataFrame
) -> pl.DataFrame:
    """`SUBJECT`, `STARTDT`, why there is none (`no_start`), and the `first` and `last` day on which events count."""
    days = pl.DataFrame(schema={SUBJECT: pl.Int64, "earliest": pl.Date, "latest": pl.Date})
    if plan.start is not None:
        days = timeline.moment(plan.start, reader)
    start = adsl.select(SUBJECT, zero="STARTDT").join(days, on=SUBJECT, how="left")
    if plan.is_zero:
        start = start.with_columns(pl.coalesce(side, "zero").alias(side) for side in ("earliest", "latest"))
    never, may_be = Reason.MISSING, timeline.maybe([], reader)
    if plan.start is not None and plan.start.name in plan.events:
        never, may_be = Reason.NOT_APPLICABLE, timeline.maybe([plan.start.name], reader)
    start = start.join(may_be.group_by(SUBJECT).agg(may_be=first_told("REASON")), on=SUBJECT, how="left")
    known = pl.col("earliest") == pl.col("latest")
    people = start.select(
        SUBJECT,
        pl.when(known).then("earliest").alias("STARTDT"),
        pl.when(pl.col("earliest").is_null()).then(pl.coalesce("may_be", pl.lit(never.value)))
        .when(~known).then(pl.lit(Reason.IMPRECISE_DATE.value)).alias("no_start"),
    )  # fmt: skip
    if plan.window is None:
        return people.with_columns(pl.col("STARTDT").alias("first"), pl.lit(None, pl.Date).alias("last"))
    people = people.join(timeline.span(plan.window), on=SUBJECT, how="left")
    no_window = pl.when(pl.col("first").is_null()).then(pl.lit(Reason.MISSING.value))
    return people.with_columns(pl.coalesce("no_start", no_window))


def everybody_at_risk(views: Views, adsl: pl.DataFrame) -> pl.DataFrame:
    """The people at risk in each view."""
    found: dict[Any, pl.DataFrame] = {}
    parts = []
    for number, view in enumerate(views.every):
        asked = (view.plan.start, view.plan.is_zero, view.plan.window, view.reader)
        if asked not in found:
            found[asked] = people_at_risk(view.plan, view.reader, views.timeline, adsl)
        parts.append(found[asked].with_columns(pl.lit(number, pl.UInt32).alias(VIEW)))
    return pl.concat(parts)


def first_of_each(views: Views, people: pl.DataFrame) -> pl.DataFrame:
    """The first event (`e`), competing event (`c`) and cause (`z`) of everybody; their columns begin with the kind.

    `before` tells that one lies before the start, `undated` why one has no day that counts, `dead` that a death has
    none: it came after all that has one.
    """
    numbered = ((number, _KINDS.index(kind), *event) for number, kind, *event in _asked(views))
    asked = views.table(numbered, kind=pl.Int64, EVENT=pl.String, rank=pl.Int64)
    happened = views.happened(asked["EVENT"])
    people = people.with_columns(place=views.place)
    begun = people.drop_nulls("STARTDT").select("place", "STARTDT", "first", "last")
    rows = asked.join(happened, on="EVENT").filter(is_read()).with_columns(place=views.place)
    rows = rows.join(begun, on="place")
    is_cause = pl.col("kind") == _KINDS.index("z")
    before = (pl.col("latest") < pl.col("STARTDT")).fill_null(value=False)
    ending = pl.coalesce(_placed(), pl.when(pl.col("EVENT") == DEATH).then("earliest"))
    # a cause from before the start ends the follow-up as it begins
    ending = pl.when(ending.is_not_null()).then(pl.max_horizontal(ending, "STARTDT"))
    rows = rows.with_columns(
        pl.when(is_cause).then(ending).otherwise(_placed()).alias("day"), (before & ~is_cause).alias("before")
    )
    early = (pl.col("kind") == _KINDS.index("e")) & pl.col("has_window") & (pl.col("day") < pl.col("first"))
    outside = (pl.col("day") > pl.col("last")).fill_null(value=False) | early.fill_null(value=False)
    kind = (pl.col("place") * len(_KINDS) + pl.col("kind")).alias("place_of_kind")
    rows = rows.filter(~outside).with_columns(kind).sort(
        "place_of_kind", ~pl.col("before"), "day", "rank", "earliest", "SRCDOM", "SRCSEQ", nulls_last=True
    ).with_columns(pl.col("place_of_kind").set_sorted())  # fmt: skip
    unknown = pl.col("day").is_null()
    dead = unknown & (pl.col("EVENT") == DEATH) & pl.col("latest").is_null()
    why = pl.when(pl.col("latest").is_null()).then(pl.lit(Reason.MISSING.value))
    first = rows.group_by("place_of_kind", maintain_order=True).agg(
        pl.col("place", "kind", "day", "rank", "EVENT", *FOUND).first(),
        pl.col("before").any(),
        why.otherwise(pl.lit(Reason.IMPRECISE_DATE.value)).filter(unknown & ~dead).first().alias("undated"),
        dead.any().alias("dead"),
    )
    for number, letter in enumerate(_KINDS):
        one = first.filter(pl.col("kind") == number).select(
            "place", pl.exclude("place_of_kind", "place", "kind").name.prefix(f"{letter}_")
        )
        people = people.join(one, on="place", how="left", maintain_order="left")
    return people.drop("place")


_KINDS = "ecz"
"""Event, competing event and cause."""


def _asked(views: Views) -> Iterator[tuple[int, str, str, int]]:
    """The names that each view asks for, by their kind and in their order."""
    for number, view in enumerate(views.every):
        kinds = {
            "e": view.plan.endpoint.time_to,
            "c": view.plan.endpoint.competing,
            "z": [cause.event for cause in view.plan.causes if cause.event],
        }
        for kind, names in kinds.items():
            yield from ((number, kind, name, rank) for rank, name in enumerate(names))


def _placed() -> pl.Expr:
    """The day an event counts for; null where nobody knows it, or where the endpoint wants it known."""
    earliest, latest, how = pl.col("earliest"), pl.col("latest"), pl.col("imprecise")
    possible = pl.min_horizontal(pl.max_horizontal(earliest, "STARTDT"), latest)
    return (
        pl.when(latest.is_null()).then(None)
        .when(how == "first possible").then(possible)
        .when((how == "last possible") | (earliest == latest)).then(latest)
    )  # fmt: skip


def unread(views: Views) -> pl.DataFrame:
    """`unread` of those whom others have read and this reader has not: that is no absence of scans.

    A scan that the reader could not judge was read, too. Records that name no reader are the local one's.
    """
    names = {
        (number, name)
        for number, view in enumerate(views.every)
        for name in (*view.plan.endpoint.time_to, *(at.record.name or "" for at in view.plan.ends))
        if views.timeline.readers([name])
    }
    happened = views.happened(name for _, name in names).select("EVENT", SUBJECT, "READER")
    happened = happened.drop_nulls("READER").unique()
    read = (
        views.table(sorted(names), EVENT=pl.String).join(happened, on="EVENT").with_columns(place=views.place)
    )
    others = (
        read.join(read.filter(pl.col("READER") == pl.col("reads")), on="place", how="anti")
        .select(KEY)
        .unique()
    )
    told = pl.lit(Reason.MISSING.value)
    if others.is_empty():
        return others.with_columns(unread=told)
    facts = {(number, fact) for number, view in enumerate(views.every) for fact in view.plan.read}
    own = views.table(sorted(facts), EVENT=pl.String).join(
        views.happened(name for _, name in facts), on="EVENT"
    )
    own = own.filter(pl.col("READER").fill_null(LOCAL) == pl.col("reads"))
    return others.join(own, on=KEY, how="anti").with_columns(unread=told)


def with_outcome(frame: pl.DataFrame) -> pl.DataFrame:
    """What came first, and why it may be open: `outcome`, `ended` (its day), `cause` (its number), `open`."""
    event, competing, cause = (pl.col(f"{kind}_day").fill_null(_NEVER) for kind in "ecz")
    came = (
        pl.when((event < _NEVER) & (event <= competing) & (event <= cause)).then(pl.lit(Outcome.EVENT.value))
        .when((competing < _NEVER) & (competing <= cause)).then(pl.lit(Outcome.COMPETING.value))
        .when(cause < _NEVER).then(pl.lit(ENDED))
        .otherwise(pl.lit(Outcome.CENSORED.value))
    )  # fmt: skip
    missing = pl.lit(Reason.MISSING.value)
    before, died = (pl.col(f"e_{word}") | pl.col(f"c_{word}") for word in ("before", "dead"))
    why = pl.coalesce(
        "no_start",
        pl.when(before).then(pl.lit(BEFORE_START)),
        "unread",
        "e_undated", "c_undated", "z_undated",
        pl.when(died & (came == Outcome.CENSORED)).then(missing),
    )  # fmt: skip
    flags = [f"{kind}_{word}" for kind in "ec" for word in ("before", "dead")]
    return (
        frame.with_columns(pl.col(flags).fill_null(value=False))
        .with_columns(why.alias("open"))
        .with_columns(
            pl.when(pl.col("open").is_not_null()).then(pl.lit(Outcome.NOT_EVALUABLE.value)).otherwise(came)
            .alias("outcome"),
            pl.when(came == Outcome.EVENT).then("e_day").otherwise("c_day").alias("ended"),
            pl.when(came == Outcome.EVENT).then("e_EVENT").otherwise("c_EVENT").alias("ender"),
            pl.col("z_rank").alias("cause"),
        )
    )  # fmt: skip


def with_gaps(frame: pl.DataFrame, views: Views) -> pl.DataFrame:
    """An event after too long a gap does not count; `upper` is then the last day before it that may be looked at."""
    gaps = [list(enumerate(plan.gaps, start=len(plan.causes))) for _, plan in views.plans]
    for place in range(max(map(len, gaps))):
        here = [
            (view, number, gap) for view, some in enumerate(gaps) for number, gap in some[place : place + 1]
        ]
        table = views.table(
            ((view, number, gap.event, offset_of(gap.gap)) for view, number, gap in here),
            n=pl.Int64, after=pl.String, gap=pl.String,
        ).select(VIEW, "n", "after", "gap")  # fmt: skip
        happened = pl.col("outcome").is_in([Outcome.EVENT.value, Outcome.COMPETING.value])
        is_asked = happened & (pl.col("after").is_null() | (pl.col("after") == pl.col("ender")))
        upto = frame.join(table, on=VIEW).filter(is_asked).select(
            *KEY, "n", "gap", "STARTDT", "ended", lower="STARTDT", upper=_looked_upto(views)
        )  # fmt: skip
        last = views.select(((view, number, gap.at) for view, number, gap in here), upto.drop("gap"))
        since = moved_by(pl.coalesce("looked", "STARTDT"), "gap")
        missed = upto.join(last.select(*KEY, looked="earliest"), on=KEY, how="left")
        missed = missed.filter(pl.col("ended") >= since).select(*KEY, missed="n", missed_upto="upper")
        is_missed = pl.col("missed_upto").is_not_null()
        frame = frame.join(missed, on=KEY, how="left").with_columns(
            pl.when(is_missed).then(pl.lit(ENDED)).otherwise("outcome").alias("outcome"),
            pl.when(is_missed).then("missed").otherwise("cause").alias("cause"),
            pl.when(is_missed).then("missed_upto").otherwise("upper").alias("upper"),
        ).drop("missed", "missed_upto")  # fmt: skip
    return frame


def with_doubts(rows: pl.DataFrame, people: pl.DataFrame, views: Views) -> pl.DataFrame:
    """What may have happened and cannot be judged: up to the end of a time without the event it leaves the time open
    (`doubt`, the reason); before an event it tells since when that may have been (`MAYBEDT`). An event that may have come
    before the end of follow-up, whose day is not known, is told too (`or_day`)."""
    asked: dict[tuple[int, str], bool] = {}
    for number, kind, name, _ in _asked(views):
        asked[number, name] = asked.get((number, name), False) or kind == "e"
    table = views.table(
        ((*name, is_event) for name, is_event in asked.items()), NAME=pl.String, is_event=pl.Boolean
    )
    maybe = table.join(views.timeline.possible, on="NAME").filter(is_read()).join(people, on=KEY)
    outside = (pl.col("latest") < pl.col("first")) | (pl.col("earliest") > pl.col("last"))
    maybe = maybe.filter(~outside.fill_null(value=False)).with_columns(
        pl.max_horizontal("earliest", "first").alias("since")
    )
    first = maybe.sort(*KEY, "since", "REASON").group_by(KEY, maintain_order=True).agg(
        pl.col("since", "REASON").first().name.prefix("maybe_"),
        pl.col("since").filter("is_event").first().alias("MAYBEDT"),
    )  # fmt: skip
    rows = rows.join(first, on=KEY, how="left", maintain_order="left")
    is_seen = pl.col("EVNTTYPE") == Outcome.EVENT
    is_open = pl.col("EVNTTYPE").is_in([Outcome.COMPETING.value, Outcome.CENSORED.value])
    return rows.with_columns(
        pl.when(is_open & (pl.col("maybe_since") <= pl.col("ADT"))).then("maybe_REASON").alias("doubt"),
        pl.when(is_seen & (pl.col("MAYBEDT") < pl.col("ADT")))
        .then("MAYBEDT")
        .otherwise("or_day")
        .alias("MAYBEDT"),
    ).drop("maybe_since", "maybe_REASON", "or_day")


def _looked_upto(views: Views) -> pl.Expr:
    """The last day of assessments before an event: one that is found by looking is found by the look of its own day."""
    seen = ~pl.col("ender").is_in(views.reported)
    return pl.col("ended") - pl.duration(days=seen.cast(pl.Int64))


def sources_of(prefix: str) -> pl.Expr:
    """All records a row rests on; the deciding one where no more are told."""
    one = pl.format("{}.{}", f"{prefix}SRCDOM", f"{prefix}SRCSEQ")
    return pl.coalesce(f"{prefix}SRCALL", one)


def imprecision(earliest: pl.Expr, latest: pl.Expr) -> pl.Expr:
    """What of a date is not known, as CDISC writes it: D the day, M the month, Y the year."""
    years, months = (expr(earliest) == expr(latest) for expr in (_year, _month))
    return (
        pl.when(earliest == latest).then(None)
        .when(years & months).then(pl.lit("D"))
        .when(years).then(pl.lit("M"))
        .otherwise(pl.when(latest.is_not_null()).then(pl.lit("Y")))
    )  # fmt: skip


def _year(day: pl.Expr) -> pl.Expr:
    return day.dt.year()


def _month(day: pl.Expr) -> pl.Expr:
    return day.dt.month()
