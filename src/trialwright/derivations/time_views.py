"""Endpoints as each reader sees them: what they ask of a timeline, answered for all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal

import polars as pl

from trialwright.derivations.minutes import OFFSETS
from trialwright.derivations.study import SUBJECT
from trialwright.derivations.time_plans import TimePlan
from trialwright.derivations.timeline import HAPPENINGS, NOTHING, SOURCE, Timeline, in_line
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

    @property
    def place(self) -> pl.Expr:
        """One number for `SUBJECT` and `VIEW`, in the order of these: quicker to join and to sort by than two."""
        return pl.col(SUBJECT) * len(self.every) + pl.col(VIEW)

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

    def happened(self, names: Iterable[str]) -> pl.DataFrame:
        """What happened by some names, `EVENT`."""
        of_name = self.timeline.happenings
        named = (
            of_name[name].with_columns(EVENT=pl.lit(name)) for name in dict.fromkeys(names) if name in of_name
        )
        return pl.concat([NOTHING.with_columns(EVENT=pl.lit("")), *named])

    @cached_property
    def happenings(self) -> pl.DataFrame:
        """What happened by any name, `EVENT`."""
        return self.happened(self.timeline.happenings)

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
        asked: dict[tuple[Selection, str | None], list[tuple[int, int]]] = {}
        for view, n, one in selections:
            if one.record.name is None:
                raise ValueError("a selection of a study must name its record")
            asked.setdefault((one, self.every[view].reader), []).append((view, n))
        of = [name for name in (VIEW, "n") if name in bounds.columns]
        bounds = bounds.filter(pl.col("lower").is_not_null())
        bounds = bounds.with_columns(pl.col("upper").fill_null(date.max))
        found = [pl.DataFrame(schema=_SELECTED)]
        for (one, reader), places in asked.items():
            table = pl.DataFrame(places, schema={VIEW: pl.UInt32, "n": pl.Int64}, orient="row")
            records = self.timeline.dated(str(one.record.name), reader, one.until)
            is_first = one.record.which == "first"
            found.append(_first_or_last(bounds.join(table, on=of), records, is_first=is_first))
        return pl.concat(found)


def _first_or_last(rows: pl.DataFrame, records: pl.DataFrame, *, is_first: bool) -> pl.DataFrame:
    """The record of `Timeline.dated` that is first after `lower`, or last up to `upper`, if it lies between both."""
    rows = rows.with_columns(bound=in_line("lower" if is_first else "upper")).sort("bound")
    strategy: Literal["forward", "backward"] = "forward" if is_first else "backward"
    nearest = rows.join_asof(
        records, left_on="bound", right_on="at", strategy=strategy, allow_exact_matches=not is_first
    )
    day = pl.col("earliest")
    is_between = (pl.col("whose") == pl.col(SUBJECT)) & (day > pl.col("lower")) & (day <= pl.col("upper"))
    return nearest.filter(is_between).select(_SELECTED.names())


_SELECTED = pl.Schema(
    {VIEW: pl.UInt32, "n": pl.Int64} | {name: HAPPENINGS[name] for name in (SUBJECT, *FOUND)}
)


def is_read() -> pl.Expr:
    """Whether something is as the reader of a view saw it: read by the same, or by nobody; without a reader, by whomever."""
    return (pl.col("READER") == pl.col("reads")) | pl.col("READER").is_null() | pl.col("reads").is_null()


def offset_of(length: Duration | None) -> str | None:
    """A length of time as `moved_by` takes it."""
    return f"{length.amount}{OFFSETS[length.unit]}" if length is not None else None


def moved_by(day: pl.Expr, offset: str) -> pl.Expr:
    """`timeline.moved`, by what a column says; null where it says nothing."""
    return day.cast(pl.Datetime("us")).dt.offset_by(pl.col(offset)).dt.date()
