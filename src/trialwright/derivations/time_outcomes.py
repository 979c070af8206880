"""What came first to each subject: the event, one that competes with it, or what ends the follow-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl

from trialwright.derivations.study import SUBJECT
from trialwright.derivations.time_plans import TimePlan
from trialwright.derivations.timeline import DEATH, NOTHING, SOURCE, Timeline, moved
from trialwright.protocol.moments import Selection
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
FOUND = (SUBJECT, "earliest", "latest", *SOURCE)
_NEVER = pl.lit(date.max)


@dataclass(frozen=True)
class View:
    """One endpoint, counted from one moment, as one reader sees it."""

    plan: TimePlan
    reader: str | None
    timeline: Timeline

    def rows(self, name: str) -> pl.DataFrame:
        return self.timeline.rows(name, self.reader)

    def select(self, selection: Selection, bounds: pl.DataFrame) -> pl.DataFrame:
        return self.timeline.select(selection, bounds, reader=self.reader)

    @property
    def chosen_reader(self) -> str | None:
        """Whose readings count: as the protocol says, else the local ones, else the only ones."""
        readers = self.timeline.readers(self.plan.names)
        return self.plan.endpoint.reader or (readers[-1] if readers else None)


def people_at_risk(view: View, adsl: pl.DataFrame) -> pl.DataFrame:
    """`SUBJECT`, `STARTDT`, why there is none (`no_start`), and the `first` and `last` day on which events count."""
    days = pl.DataFrame(schema={SUBJECT: pl.Int64, "earliest": pl.Date, "latest": pl.Date})
    if view.plan.start is not None:
        days = view.timeline.moment(view.plan.start, view.reader)
    start = adsl.select(SUBJECT, zero="STARTDT").join(days, on=SUBJECT, how="left")
    if view.plan.is_zero:
        start = start.with_columns(pl.coalesce(side, "zero").alias(side) for side in ("earliest", "latest"))
    never, may_be = Reason.MISSING, view.timeline.maybe([], view.reader)
    if view.plan.start is not None and view.plan.start.name in view.plan.events:
        never, may_be = Reason.NOT_APPLICABLE, view.timeline.maybe([view.plan.start.name], view.reader)
    start = start.join(may_be.group_by(SUBJECT).agg(may_be=pl.col("REASON").first()), on=SUBJECT, how="left")
    known = pl.col("earliest") == pl.col("latest")
    people = start.select(
        SUBJECT,
        pl.when(known).then("earliest").alias("STARTDT"),
        pl.when(pl.col("earliest").is_null()).then(pl.coalesce("may_be", pl.lit(never.value)))
        .when(~known).then(pl.lit(Reason.IMPRECISE_DATE.value)).alias("no_start"),
    )  # fmt: skip
    if view.plan.window is None:
        return people.with_columns(pl.col("STARTDT").alias("first"), pl.lit(None, pl.Date).alias("last"))
    people = people.join(view.timeline.span(view.plan.window), on=SUBJECT, how="left")
    no_window = pl.when(pl.col("first").is_null()).then(pl.lit(Reason.MISSING.value))
    return people.with_columns(pl.coalesce("no_start", no_window))


def first_of(
    kind: str,
    names: Sequence[str],
    view: View,
    people: pl.DataFrame,
) -> pl.DataFrame:
    """The first event (`e`), competing event (`c`) or cause (`z`) of each subject; its columns begin with the kind.

    `before` tells that one lies before the start, `undated` why one has no day that counts, `dead` that a death has
    none: it came after all that has one.
    """
    rows = pl.concat(
        [NOTHING.with_columns(EVENT=pl.lit(""), rank=pl.lit(0))]
        + [
            view.rows(name).with_columns(EVENT=pl.lit(name), rank=pl.lit(rank))
            for rank, name in enumerate(names)
        ]
    ).join(people.drop_nulls("STARTDT"), on=SUBJECT)
    before = (pl.col("latest") < pl.col("STARTDT")).fill_null(value=False)
    day = _placed(view)
    if kind == "z":  # a cause from before the start ends the follow-up as it begins
        day = pl.coalesce(day, pl.when(pl.col("EVENT") == DEATH).then("earliest"))
        day = pl.when(day.is_not_null()).then(pl.max_horizontal(day, "STARTDT"))
        before = pl.lit(value=False)
    rows = rows.with_columns(day.alias("day"), before.alias("before"))
    outside = (pl.col("day") > pl.col("last")).fill_null(value=False)
    if kind == "e" and view.plan.window is not None:
        outside |= (pl.col("day") < pl.col("first")).fill_null(value=False)
    rows = rows.filter(~outside).sort(
        SUBJECT, ~pl.col("before"), "day", "rank", "earliest", "SRCDOM", "SRCSEQ", nulls_last=True
    )
    unknown = pl.col("day").is_null()
    dead = unknown & (pl.col("EVENT") == DEATH) & pl.col("latest").is_null()
    why = pl.when(pl.col("latest").is_null()).then(pl.lit(Reason.MISSING.value))
    return rows.group_by(SUBJECT, maintain_order=True).agg(
        *(pl.col(name).first().name.prefix(f"{kind}_") for name in ("day", "rank", "EVENT", *FOUND[1:])),
        pl.col("before").any().alias(f"{kind}_before"),
        why.otherwise(pl.lit(Reason.IMPRECISE_DATE.value))
        .filter(unknown & ~dead)
        .first()
        .alias(f"{kind}_undated"),
        dead.any().alias(f"{kind}_dead"),
    )


def _placed(view: View) -> pl.Expr:
    """The day an event counts for; null where nobody knows it, or where the endpoint wants it known."""
    earliest, latest = pl.col("earliest"), pl.col("latest")
    match view.plan.endpoint.imprecise_date:
        case "first possible":
            possible = pl.min_horizontal(pl.max_horizontal(earliest, "STARTDT"), latest)
            return pl.when(latest.is_not_null()).then(possible)
        case "last possible":
            return latest
        case "not evaluable":
            return pl.when(earliest == latest).then(latest)


def unread(view: View) -> pl.DataFrame:
    """`SUBJECT` and `unread` of those whom others have read and this reader has not: that is no absence of scans."""
    names = {*view.plan.endpoint.time_to, *(at.record.name or "" for at in view.plan.ends)}
    read = pl.concat(
        [view.timeline.rows(name).filter(pl.col("READER").is_not_null()) for name in sorted(names)]
    )
    if not len(read):
        return pl.DataFrame(schema={SUBJECT: pl.Int64, "unread": pl.String})
    mine = read.filter(pl.col("READER").eq_missing(pl.lit(view.reader, pl.String)))
    others = read.select(SUBJECT).unique().join(mine, on=SUBJECT, how="anti")
    return others.with_columns(unread=pl.lit(Reason.MISSING.value))


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


def with_gaps(frame: pl.DataFrame, view: View) -> pl.DataFrame:
    """An event after too long a gap does not count; `upper` is then the last day before it that may be looked at."""
    for number, gap in enumerate(view.plan.gaps, start=len(view.plan.causes)):
        if gap.gap is None:
            continue
        asked = pl.col("outcome").is_in([Outcome.EVENT.value, Outcome.COMPETING.value])
        if gap.event is not None:
            asked &= pl.col("ender") == gap.event
        upto = frame.filter(asked).select(
            SUBJECT, "STARTDT", "ended", lower="STARTDT", upper=_looked_upto(view)
        )
        last = view.select(gap.at, upto).select(SUBJECT, looked="earliest")
        since = pl.coalesce("looked", "STARTDT")
        missed = upto.join(last, on=SUBJECT, how="left").filter(pl.col("ended") >= moved(since, gap.gap))
        here = pl.col("missed_upto").is_not_null()
        frame = frame.join(missed.select(SUBJECT, missed_upto="upper"), on=SUBJECT, how="left").with_columns(
            pl.when(here).then(pl.lit(ENDED)).otherwise("outcome").alias("outcome"),
            pl.when(here).then(pl.lit(number)).otherwise("cause").alias("cause"),
            pl.when(here).then("missed_upto").otherwise("upper").alias("upper"),
        ).drop("missed_upto")  # fmt: skip
    return frame


def with_doubts(rows: pl.DataFrame, people: pl.DataFrame, view: View) -> pl.DataFrame:
    """What may have happened and cannot be judged: up to the end of a time without the event it leaves the time open
    (`doubt`, the reason); before an event it tells since when that may have been (`MAYBEDT`)."""
    plan = view.plan
    asked = {
        *plan.endpoint.time_to,
        *plan.endpoint.competing,
        *(one.event for one in plan.causes if one.event),
    }
    maybe = view.timeline.maybe(asked, view.reader).join(people, on=SUBJECT)
    if not len(maybe):
        return rows.with_columns(doubt=pl.lit(None, pl.String), MAYBEDT=pl.lit(None, pl.Date))
    outside = (pl.col("latest") < pl.col("first")) | (pl.col("earliest") > pl.col("last"))
    maybe = maybe.filter(~outside.fill_null(value=False)).with_columns(
        pl.max_horizontal("earliest", "first").alias("since")
    )
    is_event = pl.col("NAME").is_in(list(plan.endpoint.time_to))
    first = maybe.sort(SUBJECT, "since", "REASON").group_by(SUBJECT, maintain_order=True).agg(
        pl.col("since", "REASON").first().name.prefix("maybe_"),
        pl.col("since").filter(is_event).first().alias("MAYBEDT"),
    )  # fmt: skip
    rows = rows.join(first, on=SUBJECT, how="left")
    is_seen = pl.col("EVNTTYPE") == Outcome.EVENT
    is_open = pl.col("EVNTTYPE").is_in([Outcome.COMPETING.value, Outcome.CENSORED.value])
    return rows.with_columns(
        pl.when(is_open & (pl.col("maybe_since") <= pl.col("ADT"))).then("maybe_REASON").alias("doubt"),
        pl.when(is_seen & (pl.col("MAYBEDT") < pl.col("ADT"))).then("MAYBEDT").alias("MAYBEDT"),
    ).drop("maybe_since", "maybe_REASON")


def _looked_upto(view: View) -> pl.Expr:
    """The last day of assessments before an event: one that is found by looking is found by the look of its own day."""
    seen = ~pl.col("ender").is_in(sorted(view.plan.reported))
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
