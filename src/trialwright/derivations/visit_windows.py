"""Which planned visit a day belongs to: the one it is nearest to, of two as near the later.

A visit's turn begins half the way from the visit before, or from the start, and ends half the way to the next. ADLB places
results so, ADCLOCK contacts, and what is due of a fact is counted so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from trialwright.derivations.minutes import OFFSETS
from trialwright.derivations.timeline import moved
from trialwright.vocabulary.durations import Duration

_DAY = pl.duration(days=1)


@dataclass(frozen=True, slots=True)
class Turn:
    """The day a visit is due, and the first and last day that belong to it, as expressions."""

    due: pl.Expr
    first: pl.Expr
    last: pl.Expr

    def named(self) -> dict[str, pl.Expr]:
        """The columns `due`, `turn` and `turn_ends`."""
        return {"due": self.due, "turn": self.first, "turn_ends": self.last}


def visits_at(start: pl.Expr, lengths: Sequence[Duration]) -> list[Turn]:
    """Visits at some lengths after a start, in their order; the last turn is as long after its day as before it."""
    days = [start, *(moved(start, one) for one in lengths)]
    days.append(days[-1] + (days[-1] - days[-2]))
    return [_turn(*three) for three in zip(days, days[1:], days[2:], strict=False)]


def visits_every(people: pl.DataFrame, every: Duration, *, start: str, end: pl.Expr) -> pl.DataFrame:
    """The visits of a row, so far from each other.

    Parameters
    ----------
    people : DataFrame
        One row each, in which `start` is a day.
    every : Duration
        Above 0; in days, weeks, months or years. Months count from the start, so that the 31st does not wander.
    start : str
    end : Expr
        The day up to which visits are wanted.

    Returns
    -------
    visits : DataFrame
        The columns of `people`, and `k` (1, 2, ...), `due`, `turn`, `turn_ends`: all visits due up to the end, and at least one
        more whose turn may have begun.
    """
    days = (end - pl.col(start)).dt.total_days()
    shortest = every.days or 28 * (every.months or 1)
    rows = people.with_columns(k=pl.int_ranges(1, days.clip(lower_bound=-1) // shortest + 2))
    rows = rows.explode("k", empty_as_null=False, keep_nulls=False)
    before, due, after = (_times(pl.col(start), every, pl.col("k") + step) for step in (-1, 0, 1))
    rows = rows.with_columns(before=before, due=due, after=after)
    turn = _turn(*(pl.col(name) for name in ("before", "due", "after")))
    return rows.with_columns(**turn.named()).drop("before", "after")


def _turn(before: pl.Expr, due: pl.Expr, after: pl.Expr) -> Turn:
    return Turn(due, _half_way(before, due), _half_way(due, after) - _DAY)


def _half_way(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """The first day that is as near to the later as to the earlier."""
    return one + pl.duration(days=((other - one).dt.total_days() + 1) // 2)


def _times(start: pl.Expr, every: Duration, k: pl.Expr) -> pl.Expr:
    """The day so many times a length after a start."""
    by = pl.format("{}{}", k * every.amount, pl.lit(OFFSETS[every.unit]))
    return start.cast(pl.Datetime("us")).dt.offset_by(by).dt.date()
