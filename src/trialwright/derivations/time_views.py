"""Endpoints as each reader sees them: what they ask of a timeline, answered for all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import polars as pl

from trialwright.derivations.minutes import OFFSETS
from trialwright.derivations.study import SUBJECT
from trialwright.derivations.time_plans import TimePlan
from trialwright.derivations.timeline import NOTHING, SOURCE, Timeline
from trialwright.protocol.moments import Selection
from trialwright.vocabulary.durations import Duration

VIEW = "VIEW"
"""The number of a view, in the order of endpoints, moments and readers."""
KEY = (VIEW, SUBJECT)
FOUND = ("earliest", "latest", *SOURCE)
"""What is told of each thing that happened."""


@dataclass(frozen=True)
class View:
    """One endpoint, counted from one moment, as one reader sees it; `is_chosen` where this reader's readings count."""

    plan: TimePlan
    reader: str | None
    is_chosen: bool


@dataclass(frozen=True)
class Views:
    """All endpoints as all readers see them. In frames they stand by their number, `VIEW`."""

    every: Sequence[View]
    timeline: Timeline

    @classmethod
    def of(cls, plans: Iterable[TimePlan], timeline: Timeline) -> Views:
        """Each endpoint by everybody who read anything it asks for, in alphabetical order.

        The chosen readings are those the protocol says, else the local ones, else the only ones.
        """
        views = []
        for plan in plans:
            readers = timeline.readers(plan.names)
            chosen = plan.endpoint.reader or (readers[-1] if readers else None)
            views += [View(plan, reader, reader == chosen) for reader in readers or (plan.endpoint.reader,)]
        return cls(views, timeline)

    @property
    def plans(self) -> Iterator[tuple[int, TimePlan]]:
        """What each asks for, with its number."""
        return ((number, view.plan) for number, view in enumerate(self.every))

    @cached_property
    def reported(self) -> list[str]:
        """The events whose day is reported; the others are seen when somebody looks."""
        return sorted({name for _, plan in self.plans for name in plan.reported})

    @cached_property
    def about(self) -> pl.DataFrame:
        """`VIEW`, who `reads`, whether there is a window (`has_window`), and what becomes of an `imprecise` date."""
        rows = [
            (view.reader, view.plan.window is not None, view.plan.endpoint.imprecise_date)
            for view in self.every
        ]
        columns = {"reads": pl.String, "has_window": pl.Boolean, "imprecise": pl.String}
        return pl.DataFrame(rows, schema=columns, orient="row").with_row_index(VIEW)

    @cached_property
    def happenings(self) -> pl.DataFrame:
        """What happened by any name, `EVENT`."""
        named = (rows.with_columns(EVENT=pl.lit(name)) for name, rows in self.timeline.happenings.items())
        return pl.concat([NOTHING.with_columns(EVENT=pl.lit("")), *named])

    @cached_property
    def dated(self) -> pl.DataFrame:
        """Of what happened what has a first day."""
        return self.happenings.drop_nulls("earliest")

    def table(self, rows: Iterable[Sequence[Any]], **columns: Any) -> pl.DataFrame:
        """Rows that begin with the number of a view, and what is said `about` it."""
        schema = {VIEW: pl.UInt32, **columns}
        return pl.DataFrame(list(rows), schema=schema, orient="row").join(self.about, on=VIEW)

    def select(self, selections: Iterable[tuple[int, int, Selection]], bounds: pl.DataFrame) -> pl.DataFrame:
        """The first or last record that each selection takes between the bounds of each subject.

        Parameters
        ----------
        selections : iterable of (int, int, Selection)
            The number of a view, that of the selection in it, and the selection: `last adequate_scan on or before first
            new_therapy`. A record that may lie after an imprecise `until` is not taken.
        bounds : DataFrame
            `VIEW`, `SUBJECT`, `lower` (the record lies after it) and `upper` (on or before it; null: no bound), as Date; with
            `n`, for the selection of this number only.

        Returns
        -------
        records : DataFrame
            `VIEW`, `n`, `SUBJECT` and the columns of `FOUND`: at most one row a view, selection and subject. An imprecise
            record stands at its earliest day.

        Raises
        ------
        ValueError
            If a selection does not name its record.
        """
        asked = list(selections)
        if any(one.record.name is None for _, _, one in asked):
            raise ValueError("a selection of a study must name its record")
        table = self.table(
            ((view, n, one.record.name, one.record.which == "first") for view, n, one in asked),
            n=pl.Int64, EVENT=pl.String, is_first=pl.Boolean,
        )  # fmt: skip
        day, keys = pl.col("earliest"), (VIEW, "n", SUBJECT)
        rows = bounds.join(table, on=[name for name in (VIEW, "n") if name in bounds.columns])
        rows = rows.join(self.dated, on=["EVENT", SUBJECT]).filter(
            is_read() & (day > pl.col("lower")) & (day <= pl.col("upper")).fill_null(value=True)
        )
        for view, n, one in asked:
            if one.until is not None:
                until = self.timeline.moment(one.until, self.every[view].reader).select(
                    SUBJECT, until="earliest"
                )
                concerns = (pl.col(VIEW) == view) & (pl.col("n") == n)
                joined = rows.join(until, on=SUBJECT, how="left", maintain_order="left")
                is_in_time = (pl.col("latest") <= pl.col("until")).fill_null(value=False)
                rows = joined.filter(~concerns | is_in_time).drop("until")
        end = pl.when("is_first").then(day.min().over(keys)).otherwise(day.max().over(keys))
        ordered = rows.filter(day == end).sort(*keys, *FOUND)
        picked = [
            ordered.filter(pl.col("is_first") == is_first).unique(keys, keep=keep, maintain_order=True)
            for is_first, keep in _ENDS
        ]
        return pl.concat(picked).select(*keys, *FOUND)


_ENDS: tuple[tuple[bool, Literal["first", "last"]], ...] = ((True, "first"), (False, "last"))


def is_read() -> pl.Expr:
    """Whether something is as the reader of a view saw it: read by the same, or by nobody; without a reader, by whomever."""
    return (pl.col("READER") == pl.col("reads")) | pl.col("READER").is_null() | pl.col("reads").is_null()


def offset_of(length: Duration | None) -> str | None:
    """A length of time as `moved_by` takes it."""
    return f"{length.amount}{OFFSETS[length.unit]}" if length is not None else None


def moved_by(day: pl.Expr, offset: str) -> pl.Expr:
    """`timeline.moved`, by what a column says; null where it says nothing."""
    return day.cast(pl.Datetime("us")).dt.offset_by(pl.col(offset)).dt.date()
