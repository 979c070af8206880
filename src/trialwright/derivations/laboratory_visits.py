"""Analysis visits of laboratory results: for each change that an endpoint reads, one result a visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.derivations.known_columns import yes
from trialwright.derivations.minutes import MET
from trialwright.derivations.result_values import what_is_said
from trialwright.derivations.study import SUBJECT
from trialwright.derivations.study_facts import StudyFacts
from trialwright.derivations.visit_windows import planned_beside, visits_at
from trialwright.protocol.model import Endpoint
from trialwright.protocol.moments import parse_moment
from trialwright.vocabulary.durations import Duration

_UNTIL = "until it happens"
_SAYS = ("lo", "hi", "lo_open", "hi_open", "level")
_VISIT = (SUBJECT, "reader", "AVISIT")
VISITS: Mapping[str, Any] = MappingProxyType(
    {
        "AVISIT": pl.String,
        "AVISITN": pl.Int64,
        "AWTARGET": pl.Int64,
        "AWTDIFF": pl.Int64,
        "ANL01FL": pl.String,
    }
)
"""Name and number of the visit, the elapsed days at which it is due, the days from then, and which result counts."""


@dataclass(frozen=True)
class Ends:
    """The visits of one change: how far from the start each is, and those of the schedule, `SUBJECT` and `start`, `SUBJECT` and
    `until` (the day of the event that ends what is counted)."""

    lengths: tuple[Duration, ...]
    planned: tuple[Duration, ...]
    start: pl.DataFrame
    until: pl.DataFrame


def visits_of(facts: StudyFacts, adsl: pl.DataFrame) -> dict[str, Ends]:
    """The visits of each fact whose change an endpoint reads; of two endpoints of a fact the first."""
    found: dict[str, Ends] = {}
    for endpoint in facts.study.protocol.endpoints.values():
        if endpoint.kind == "change" and endpoint.read_at and endpoint.of is not None:
            start, until = _start(endpoint, facts, adsl), _until(endpoint, facts)
            planned = planned_beside(endpoint, facts.study.protocol)
            found.setdefault(endpoint.of, Ends(tuple(endpoint.read_at), planned, start, until))
    return found


def find_visits(rows: pl.DataFrame, visits: Mapping[str, Ends]) -> pl.DataFrame:
    """Results with the visit they feed.

    Parameters
    ----------
    rows : DataFrame
        Records: `fact`, `person`, `row`, `reader`, `earliest`, `latest`, `ADT`, `counts`, and what they say (`_SAYS`).
    visits : mapping of str to Ends
        By fact.

    Returns
    -------
    rows : DataFrame
        With the columns of `VISITS`. A result belongs to the visit it is nearest to, beginning half the way from the visit
        before (or the start) and ending half the way to the next, of those that the endpoint reads and those at which the
        schedule measures the fact; what belongs to one that is not read feeds none. Of several results the nearest counts, of
        two as near the later; of results of one day that differ, and that no clock times put in an order, none. What comes after an event that ends the estimand (`until it happens`) feeds a visit and does not
        count; where the event came by the day the visit was due, no result that is further from it counts in its place.
    """
    told = (pl.col("person").alias(SUBJECT), "fact", "row", "reader", "earliest", "latest", "ADT", *_SAYS)
    counted = rows.select(told).filter(rows["counts"])
    found = [_placed(counted.filter(pl.col("fact") == name), ends) for name, ends in visits.items()]
    nothing = pl.DataFrame(schema={"row": pl.Int64, **VISITS})
    return rows.join(pl.concat([nothing, *found]), on="row", how="left", maintain_order="left")


def _placed(rows: pl.DataFrame, ends: Ends) -> pl.DataFrame:
    """The results of one fact that feed a visit: `row` and the columns of `VISITS`."""
    rows = rows.join(ends.start, on=SUBJECT).join(ends.until, on=SUBJECT, how="left").sort("ADT")
    elapsed = (pl.col("ADT") - pl.col("start")).dt.total_days()
    placed = (
        rows.join_asof(_turns(ends), left_on="ADT", right_on="turn", by="start", check_sortedness=False)
        .filter(pl.col("ADT") <= pl.col("turn_ends"))
        .with_columns((elapsed - pl.col("AWTARGET")).alias("AWTDIFF"))
    )
    is_before = (pl.col("ADT") <= pl.col("until")).fill_null(value=True)
    came_by_then = (pl.col("until") - pl.col("start")).dt.total_days() <= pl.col("AWTARGET")
    nearest = (
        placed.filter(is_before | came_by_then)
        .sort(pl.col("AWTDIFF").abs(), "AWTDIFF", "row", descending=[False, True, True])
        .unique(_VISIT, keep="first", maintain_order=True)
        .filter(is_before)
    )
    counting = _undisputed(placed.join(nearest.select(*_VISIT, "ADT"), on=[*_VISIT, "ADT"], nulls_equal=True))
    placed = placed.with_columns(yes(pl.col("row").is_in(counting.to_list())).alias("ANL01FL"))
    return placed.select("row", *VISITS)


def _undisputed(rows: pl.DataFrame) -> pl.Series:
    """The number of the last row of each visit, of those of one day; not where what may be the last differs."""
    last = rows.filter(pl.col("latest") >= pl.col("earliest").max().over(_VISIT))
    agreed = last.group_by(_VISIT).agg(pl.col("row").max(), is_one=pl.struct(what_is_said()).n_unique() == 1)
    return agreed.filter("is_one")["row"]


def _turns(ends: Ends) -> pl.DataFrame:
    """Which visit is due in which days, by the `start` they count from."""
    names = pl.DataFrame(
        {
            "k": range(1, len(ends.lengths) + 1),
            "AVISIT": [f"{one.unit.singular.capitalize()} {one.amount}" for one in ends.lengths],
            "AVISITN": [one.amount for one in ends.lengths],
        }
    )
    visits = visits_at(ends.start.select("start").unique(), ends.lengths, ends.planned, start="start")
    target = (pl.col("due") - pl.col("start")).dt.total_days()
    return visits.join(names, on="k").with_columns(AWTARGET=target).sort("turn")


def _start(endpoint: Endpoint, facts: StudyFacts, adsl: pl.DataFrame) -> pl.DataFrame:
    """The day that visits count from, of those of whom it is known to the day."""
    if endpoint.from_ is None:
        return adsl.select(SUBJECT, start="STARTDT").drop_nulls()
    found = facts.moment(parse_moment(endpoint.from_))
    is_day = pl.col("earliest").dt.date() == pl.col("latest").dt.date()
    return found.filter(is_day).select(pl.col("subject").alias(SUBJECT), start=pl.col("earliest").dt.date())


def _until(endpoint: Endpoint, facts: StudyFacts) -> pl.DataFrame:
    """The day of the first event that ends what the estimand counts."""
    strategies = endpoint.estimand.intercurrent_events if endpoint.estimand else {}
    names = [str(name).replace(" ", "_") for name, strategy in strategies.items() if strategy == _UNTIL]
    happened = [facts.events[name] for name in names if name in facts.events]
    met = [rows.filter(pl.col("code") == MET).select(pl.col("subject").alias(SUBJECT), until=pl.col("latest").dt.date())
           for rows in happened]  # fmt: skip
    nobody = pl.DataFrame(schema={SUBJECT: pl.Int64, "until": pl.Date})
    return pl.concat([nobody, *met]).group_by(SUBJECT).agg(pl.col("until").min())
