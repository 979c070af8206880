"""What happened to each subject and when, and the moments and spans a protocol writes over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.derivations.minutes import OFFSETS
from trialwright.derivations.study import SUBJECT
from trialwright.protocol.moments import Span
from trialwright.protocol.references import DEATH
from trialwright.protocol.rule_tree import Moment
from trialwright.vocabulary.durations import Duration

CONTACT = "contact"
"""What shows a person alive; the last day known alive is one, whatever showed it."""

SOURCE = ("SRCDOM", "SRCSEQ", "SRCALL")

HAPPENINGS: Mapping[str, Any] = MappingProxyType(
    {
        SUBJECT: pl.Int64,
        "READER": pl.String,
        "earliest": pl.Date,
        "latest": pl.Date,
        "SRCDOM": pl.String,
        "SRCSEQ": pl.Int64,
        "SRCALL": pl.String,
        "IS_JUDGED": pl.Boolean,
    }
)
"""One row is one thing that happened: whose reading (null where nobody reads), the days it can be, its records, and whether
what was seen could be judged."""

NOT_JUDGED = frozenset({"NE", "LR-NC", "nonevaluable"})
"""What readers write of scans that nobody could judge (RECIST 1.1, LI-RADS): no look, and a clock that asks for one goes on."""
_JUDGED = pl.lit(value=True).alias("IS_JUDGED")

NOTHING = pl.DataFrame(schema=dict(HAPPENINGS))
"""Nothing happened."""


@dataclass(frozen=True)
class Timeline:
    """Events, records and anchors of all subjects by their name in the protocol.

    Attributes
    ----------
    happenings : mapping of str to DataFrame
        Rows of the shape `HAPPENINGS`, in any order; a row may stand twice.
    possible : DataFrame
        `SUBJECT`, `NAME`, `READER`, `earliest`, `latest`, `REASON`: events of which nobody can tell whether they happened,
        and the days on which they may have.
    """

    happenings: Mapping[str, pl.DataFrame]
    possible: pl.DataFrame
    told: dict[tuple[Any, ...], pl.DataFrame] = field(default_factory=dict)
    """What was asked for before, by name and reader, and `until`."""

    def rows(self, name: str, reader: str | None = None) -> pl.DataFrame:
        """What happened by this name, as this reader saw it; without a reader, whoever read it."""
        if (name, reader) not in self.told:
            rows = self.happenings.get(name, NOTHING)
            self.told[name, reader] = rows if reader is None else rows.filter(_of_reader(reader))
        return self.told[name, reader]

    def dated(self, name: str, reader: str | None, until: Moment | None = None) -> pl.DataFrame:
        """What happened by a name and has a first day, in the order of `in_line` (`at`): `whose`, days and sources.

        Of one day the records are in the order of their columns. One that may lie after `until` is left out, and so is one
        that nobody could judge (NE).
        """
        if (name, reader, until) not in self.told:
            rows = self.rows(name, reader).filter("IS_JUDGED").drop_nulls("earliest")
            if until is not None:
                end = self.moment(until, reader).select(SUBJECT, until="earliest")
                rows = rows.join(end, on=SUBJECT).filter(pl.col("latest") <= pl.col("until"))
            days = ("earliest", "latest")
            rows = rows.select(*days, *SOURCE, at=in_line("earliest"), whose=SUBJECT)
            self.told[name, reader, until] = rows.sort("at", "latest", *SOURCE)
        return self.told[name, reader, until]

    @cached_property
    def readers_of(self) -> Mapping[str, frozenset[str]]:
        """Who read what happened by each name."""
        return {
            name: frozenset(rows["READER"].drop_nulls().unique()) for name, rows in self.happenings.items()
        }

    def readers(self, names: Iterable[str]) -> list[str]:
        """Who read any of these, in alphabetical order."""
        return sorted({reader for name in names for reader in self.readers_of.get(name, ())})

    def maybe(self, names: Iterable[str], reader: str | None) -> pl.DataFrame:
        """The rows of `possible` of some events."""
        rows = self.possible.filter(pl.col("NAME").is_in(list(names)))
        return rows if reader is None else rows.filter(_of_reader(reader))

    def moment(self, moment: Moment, reader: str | None = None) -> pl.DataFrame:
        """The days a moment can be: `SUBJECT`, `earliest`, `latest`; no row where it never came.

        A date known once that is recorded twice may be any day between, as for the readers of rules.
        """
        if moment.name is None:
            raise ValueError("a moment of a study must name what it counts from")
        rows = self.rows(moment.name, reader).drop_nulls("earliest")
        earliest, latest = pl.col("earliest"), pl.col("latest")
        pick = {"first": (earliest.min(), latest.min()), "last": (earliest.max(), latest.max())}
        found = rows.group_by(SUBJECT).agg(pick.get(moment.which or "", (earliest.min(), latest.max())))
        if moment.offset is not None:
            found = found.with_columns(
                moved(pl.col(side), moment.offset, moment.sign).alias(side) for side in ("earliest", "latest")
            )
        return found

    def span(self, span: Span) -> pl.DataFrame:
        """The first and last day of a span: `SUBJECT`, `first` and `last`; a last day that never came is null.

        Of an imprecise start the latest day is taken and of an imprecise end the earliest: what lies between surely
        lies in the span.
        """
        start, end = self.moment(span.start), self.moment(span.end)
        first = pl.col("latest") + pl.duration(days=int(span.leaves_start_out))
        return start.select(SUBJECT, first.alias("first")).join(
            end.select(SUBJECT, last="earliest"), on=SUBJECT, how="left"
        )

    def reach(self, span: Span) -> pl.DataFrame:
        """The widest that a span may be: `SUBJECT`, `from` the earliest day of its start `to` the latest of its end."""
        start, end = self.moment(span.start), self.moment(span.end)
        first = pl.col("earliest") + pl.duration(days=int(span.leaves_start_out))
        return start.select(SUBJECT, first.alias("from")).join(
            end.select(SUBJECT, to="latest"), on=SUBJECT, how="left"
        )


def _of_reader(reader: str) -> pl.Expr:
    return (pl.col("READER") == reader) | pl.col("READER").is_null()


def in_line(day: str) -> pl.Expr:
    """Days of all persons in one line, each person's after those of the one before: one number to sort and to find by.

    Dates have years of four digits: none is 2^23 days from 1970.
    """
    return pl.col(SUBJECT) * 2**24 + pl.col(day).to_physical()


def moved(day: pl.Expr, length: Duration, sign: str = "+") -> pl.Expr:
    """A day so much later or earlier; months and years go to the same day of another month, or its last."""
    if length.days is not None:
        return (day.cast(pl.Date).to_physical() + (length.days if sign == "+" else -length.days)).cast(
            pl.Date
        )
    by = f"{'' if sign == '+' else '-'}{length.amount}{OFFSETS[length.unit]}"
    return day.cast(pl.Datetime("us")).dt.offset_by(by).dt.date()


def make_timeline(
    adsl: pl.DataFrame, adevt: pl.DataFrame, observations: Mapping[str, pl.DataFrame], names: Iterable[str]
) -> Timeline:
    """Gather what happened under these names.

    Parameters
    ----------
    adsl : DataFrame
        With `SUBJECT`, `LSTALVDT` (last day known alive) and one Date column `<NAME>DT` for each anchor.
    adevt : DataFrame
        `SUBJECT`, `EVENT`, `AVALC` (met, unknown), `ADT`, `ADTL`, `ADTH`, `REASON`, sources; `READER` if readings are apart.
        What is an event is taken from here, not from the observations.
    observations : mapping of str to DataFrame
        `SUBJECT`, `earliest`, `latest` and sources of the records of each fact, treatment and anchor; `READER`, if readings are apart.
    names : iterable of str
        Events, facts, treatments and anchors of the protocol.
    """
    names, dates = set(names), dict.fromkeys(("ADTL", "ADTH"), pl.Date)
    events = _with_missing(adevt, {"READER": pl.String, "REASON": pl.String, **_sources(), **dates})
    # events are many, with many columns: of those that nobody asks for nothing is copied
    events = events.select(SUBJECT, "EVENT", "AVALC", "ADT", "READER", "REASON", *dates, *SOURCE)
    events = events.filter(pl.col("EVENT").is_in(names))
    of_event = events.partition_by("EVENT", as_dict=True, maintain_order=True)
    happenings = {}
    for name in names:
        column = "LSTALVDT" if name == CONTACT else f"{name.upper()}DT"
        parts = [NOTHING]
        if (name,) in of_event:
            parts.append(_occurrences(of_event[name,], name, adsl))
        elif name in observations:
            parts.append(_seen(observations[name]))
        if column in adsl.columns:
            parts.append(_dated(adsl, column))
        happenings[name] = pl.concat(parts)
    return Timeline(MappingProxyType(happenings), _possible(events))


def _possible(events: pl.DataFrame) -> pl.DataFrame:
    """What may have happened and nobody can tell."""
    return events.filter(pl.col("AVALC") == "unknown").select(
        SUBJECT, "READER", "REASON", earliest="ADTL", latest="ADTH", NAME="EVENT"
    )


def _seen(rows: pl.DataFrame) -> pl.DataFrame:
    """The records of a fact; observations as the readers of rules have them call the subject in small letters."""
    if "subject" in rows.columns:
        rows = rows.rename({"subject": SUBJECT})
    if "reason" in rows.columns:
        rows = rows.drop_nulls("reason")  # no result is no measurement
    rows = _with_missing(rows, {"READER": pl.String, "level": pl.String, **_sources()})
    is_judged = ~pl.col("level").is_in(NOT_JUDGED).fill_null(value=False)
    days = pl.col("earliest", "latest").cast(pl.Date)
    return rows.select(SUBJECT, "READER", days, *SOURCE, IS_JUDGED=is_judged)


def _occurrences(rows: pl.DataFrame, name: str, adsl: pl.DataFrame) -> pl.DataFrame:
    met = rows.filter(pl.col("AVALC") == "met").select(
        SUBJECT,
        "READER",
        pl.coalesce("ADTL", "ADT").alias("earliest"),
        pl.coalesce("ADTH", "ADT").alias("latest"),
        *SOURCE,
        _JUDGED,
    )
    return _after_life(met, adsl) if name == DEATH else met


def _after_life(deaths: pl.DataFrame, adsl: pl.DataFrame) -> pl.DataFrame:
    """A death whose day is not known lies no earlier than the last day known alive."""
    alive = adsl.select(SUBJECT, "LSTALVDT").drop_nulls()
    later = not_while_alive("earliest", "latest", "LSTALVDT")
    is_known = (pl.col("earliest") == pl.col("latest")).fill_null(value=False)
    return deaths.join(alive, on=SUBJECT, how="left").select(
        SUBJECT,
        "READER",
        pl.when(is_known).then("earliest").otherwise(later).alias("earliest"),
        "latest",
        *SOURCE,
        "IS_JUDGED",
    )


def not_while_alive(earliest: str, latest: str, alive: str) -> pl.Expr:
    """The first day a death can have been on: no earlier than a day on which the person lived, no later than its last."""
    return pl.min_horizontal(pl.max_horizontal(earliest, alive), latest)


def is_by_the_cut(day: str) -> pl.Expr:
    """Whether the last day that something can have been on is no later than the data cut (`CUTDT`), if there is one."""
    return pl.col("CUTDT").is_null() | (pl.col(day) <= pl.col("CUTDT")).fill_null(value=False)


def _dated(adsl: pl.DataFrame, column: str) -> pl.DataFrame:
    day = pl.col(column)
    return adsl.filter(day.is_not_null()).select(
        SUBJECT,
        pl.lit(None, pl.String).alias("READER"),
        day.alias("earliest"),
        day.alias("latest"),
        pl.lit("ADSL").alias("SRCDOM"),
        pl.lit(None, pl.Int64).alias("SRCSEQ"),
        pl.lit(None, pl.String).alias("SRCALL"),
        _JUDGED,
    )


def _sources() -> dict[str, Any]:
    return {name: HAPPENINGS[name] for name in SOURCE}


def _with_missing(frame: pl.DataFrame, schema: Mapping[str, Any]) -> pl.DataFrame:
    return frame.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in frame.columns
    )
