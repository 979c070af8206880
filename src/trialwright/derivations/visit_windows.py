"""Which planned visit a day belongs to: the one it is nearest to, of two as near the later.

A visit's turn begins half the way from the visit before, or from the start, and ends half the way to the next. ADLB places
results so, ADCLOCK contacts, and what is due of a fact is counted so. What an endpoint reads at some distances from its start lies
among the visits at which the schedule measures the fact: what was found at another visit is not read as that of this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from trialwright.derivations.minutes import OFFSETS
from trialwright.derivations.timeline import moved
from trialwright.protocol.model import Endpoint, Protocol, Visit
from trialwright.protocol.moments import parse_moment
from trialwright.protocol.rule_tree import Moment
from trialwright.vocabulary.durations import Duration, TimeUnit

_DAY = pl.duration(days=1)


def visits_at(
    people: pl.DataFrame, lengths: Sequence[Duration], beside: Sequence[Duration] = (), *, start: str
) -> pl.DataFrame:
    """The visits at some lengths after a start.

    Parameters
    ----------
    people : DataFrame
        In which `start` is a day; who has none has no visits.
    lengths, beside : sequence of Duration
        Each turn lies between those of the others and of the visits `beside`; where nothing comes after, it is as long after
        its day as before it.
    start : str

    Returns
    -------
    visits : DataFrame
        The columns of `people`, and `k` (1, 2, ... in the order of `lengths`), `due`, `turn`, `turn_ends`.
    """
    starts = people.select(pl.col(start).drop_nulls().unique())
    days = starts.with_columns(
        moved(pl.col(start), one).alias(str(k)) for k, one in enumerate((*lengths, *beside), 1)
    )
    others = days.select(pl.col(start).alias("origin"), pl.concat_list(pl.all()).alias("day"))
    others = others.explode("day").unique().sort("origin", "day")
    before, after = (pl.col("day").shift(by).over("origin") for by in (1, -1))
    others = others.with_columns(before=before, after=after)
    numbers = [str(k) for k in range(1, len(lengths) + 1)]
    visits = days.unpivot(numbers, index=start, variable_name="k", value_name="due")
    visits = visits.join(others, left_on=[start, "due"], right_on=["origin", "day"], how="left")
    due, before = pl.col("due"), pl.col("before")
    turn = _turn(before, due, pl.coalesce("after", due + (due - before)))
    visits = visits.select(start, pl.col("k").cast(pl.Int64), **turn)
    return people.join(visits.sort(start, "k"), on=start, maintain_order="left_right")


def planned_beside(endpoint: Endpoint, protocol: Protocol) -> tuple[Duration, ...]:
    """How far from the start of an endpoint the schedule measures what it reads, up to the first visit after the last it reads.

    Those are rows of visits, and single ones, that count from the same moment. Of a row that counts from the contact before the
    days are those on which its visits are due if none is late.
    """
    if not endpoint.read_at or endpoint.of is None:
        return ()
    start, last = _start_of(endpoint.from_, protocol), max(map(_about, endpoint.read_at))
    found: list[Duration] = []
    for visit in protocol.visits.values():
        length = visit.every or visit.at
        if length is None or length.unit is TimeUnit.HOURS or endpoint.of not in visit.measures:
            continue
        if start is None or _start_of(visit.from_, protocol) != start:
            continue
        n_visits = 1 if visit.every is None else int(last // _about(length)) + 1
        until = _about_until(visit, protocol, start)
        planned = (Duration(length.amount * k, length.unit) for k in range(1, n_visits + 1))
        found += [one for one in planned if until is None or _about(one) <= until]
    return tuple(found)


def _start_of(text: str | None, protocol: Protocol) -> Moment | None:
    """The moment that a text names, anchors followed to what they are dated to; the protocol's time zero without a text."""
    text = text or protocol.time_zero
    moment = parse_moment(text) if text else None
    while moment is not None and moment.offset is None and moment.name in protocol.anchors:
        at = protocol.anchors[moment.name].at
        if at is None:
            return moment
        moment = parse_moment(at)
    return moment


def _about_until(visit: Visit, protocol: Protocol, start: Moment) -> float | None:
    """About how many days after the start a row ends; None where it does not, or hangs on something else."""
    if visit.every is None or visit.until is None:
        return None
    moment = parse_moment(visit.until)
    if moment.offset is None or moment.sign != "+":
        return None
    same = replace(moment, offset=None, sign="+")
    if same.name in protocol.anchors and same.which is None:
        same = _start_of(same.name, protocol) or same
    return _about(moment.offset) if same == start else None


def _about(length: Duration) -> float:
    """A length in days, to order lengths by; a month has about 30.4 of them."""
    return float(length.days) if length.days is not None else (length.months or 0) * _DAYS_OF_MONTH


_DAYS_OF_MONTH = 30.4375


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
    return rows.with_columns(**turn).drop("before", "after")


def _turn(before: pl.Expr, due: pl.Expr, after: pl.Expr) -> dict[str, pl.Expr]:
    """The day a visit is due, and the first and last day that belong to it."""
    return {"due": due, "turn": _half_way(before, due), "turn_ends": _half_way(due, after) - _DAY}


def _half_way(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """The first day that is as near to the later as to the earlier."""
    days = other.to_physical() - one.to_physical()
    return (one.to_physical() + (days + 1) // 2).cast(pl.Date)


def _times(start: pl.Expr, every: Duration, k: pl.Expr) -> pl.Expr:
    """The day so many times a length after a start."""
    if every.days is not None:
        return (start.to_physical() + k * every.days).cast(pl.Date)
    by = pl.format("{}{}", k * every.amount, pl.lit(OFFSETS[every.unit]))
    return start.cast(pl.Datetime("us")).dt.offset_by(by).dt.date()
