"""Events that a board watches: in whom they were seen, who counts for the boundary, and the way of both over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from trialwright.analysis.participation import who_is_gone
from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.adrate import MET, NOT_MET, UNKNOWN
from trialwright.derivations.known_columns import first_told
from trialwright.derivations.stopping_boundary import watched_endpoint
from trialwright.derivations.timeline import moved
from trialwright.protocol.model import Monitoring
from trialwright.protocol.moments import parse_span
from trialwright.protocol.rule_tree import Moment
from trialwright.statistics.boundaries import Boundary
from trialwright.vocabulary.verdicts import Reason

_MISSING = Reason.MISSING.value


@dataclass(frozen=True, slots=True)
class Point:
    """How many counted at the end of a day, and how many of them with the event."""

    day: date
    n: int
    n_events: int


def watched_verdicts(data: AnalysisData, watched: Monitoring, people: pl.DataFrame) -> pl.DataFrame:
    """What is known of a watched event in each subject.

    Where an endpoint is the rate of the event, its window counts (ADRATE); else any time after time zero, and whoever has a
    result of what the event is judged by was looked at.

    Returns
    -------
    verdicts : DataFrame
        `USUBJID`, `VERDICT` (met, not met, unknown), `WHY` of the unknown, `EVENTDT`, and `COUNTDT`: the day from which the
        subject counts for a boundary, null where not yet.
    """
    found = watched_endpoint(data.protocol, watched)
    rows = _by_event(data, watched, people) if found is None else _by_rate(data, watched, found[0])
    joined = people.select("USUBJID").join(
        rows, on="USUBJID", how="left", maintain_order="left", validate="1:1"
    )
    verdict = pl.col("VERDICT").fill_null(UNKNOWN)
    return joined.with_columns(
        verdict.alias("VERDICT"),
        pl.when(verdict == UNKNOWN).then(pl.col("WHY").fill_null(_MISSING)).alias("WHY"),
    )


def _by_rate(data: AnalysisData, watched: Monitoring, endpoint: str) -> pl.DataFrame:
    rows = data.tables["ADRATE"].filter(pl.col("PARAMCD") == endpoint.upper())
    treatment = _ends_with_treatment(data, data.protocol.endpoints[endpoint].during)
    over = pl.col("COMPLFL") == "Y"
    if treatment is not None:
        ended = treatment_ended(data, treatment).with_columns(ended=pl.lit(value=True))
        rows = rows.join(ended, on="USUBJID", how="left", maintain_order="left")
        over &= pl.col("ended").fill_null(value=False)
    said = watched.computed_boundary
    never = pl.lit(None, pl.Date)
    after = moved(pl.col("STARTDT"), said.judged_after) if said and said.judged_after else never
    long_enough = pl.when(pl.col("LASTDT") >= after).then(after)
    without = pl.min_horizontal(pl.when(over).then("ENDDT"), long_enough)
    met = pl.col("AVALC") == MET
    return rows.select(
        "USUBJID",
        VERDICT="AVALC",
        WHY="REASON",
        EVENTDT=pl.when(met).then("ADT"),
        COUNTDT=pl.when(met).then(pl.min_horizontal("ADT", long_enough))
        .when(pl.col("AVALC") == NOT_MET).then(without),
    )  # fmt: skip


def _ends_with_treatment(data: AnalysisData, during: str | None) -> str | None:
    """The treatment whose last dose ends the time in which an event counts: until it has ended, that time is not over."""
    treatments = data.protocol.treatments
    if during in treatments:
        return during
    period = data.protocol.periods.get(during or "")
    end = parse_span(period.span).end if period else Moment(None)
    return end.name if end.name in treatments and end.which == "last" else None


def treatment_ended(data: AnalysisData, treatment: str) -> pl.DataFrame:
    """`USUBJID` of those whose treatment has ended as far as anybody recorded, or who surely died or left by the cut."""
    ends = data.tables["ADEXSUM"].filter(
        (pl.col("TREATMENT") == treatment) & (pl.col("PARAMCD") == "STOPREAS")
    )
    return pl.concat([ends.select("USUBJID"), who_is_gone(data.tables["ADEVT"], data.adsl)]).unique()


def _by_event(data: AnalysisData, watched: Monitoring, people: pl.DataFrame) -> pl.DataFrame:
    rows = data.tables["ADEVT"].filter(pl.col("EVENT") == watched.event)
    met = rows.filter(pl.col("AVALC") == "met").group_by("USUBJID").agg(EVENTDT=pl.col("ADT").min())
    open_ = rows.filter(pl.col("AVALC") == "unknown").group_by("USUBJID").agg(WHY=first_told("REASON"))
    found = people.select("USUBJID").join(met.with_columns(met=pl.lit(value=True)), on="USUBJID", how="left")
    found = found.join(open_.with_columns(open=pl.lit(value=True)), on="USUBJID", how="left")
    found = found.join(_looked(data, watched, people), on="USUBJID", how="left")
    return found.select(
        "USUBJID",
        VERDICT=pl.when("met").then(pl.lit(MET)).when("open").then(pl.lit(UNKNOWN)).when("looked")
        .then(pl.lit(NOT_MET)).otherwise(pl.lit(UNKNOWN)),
        WHY="WHY",
        EVENTDT="EVENTDT",
        COUNTDT=pl.lit(None, pl.Date),
    )  # fmt: skip


def _looked(data: AnalysisData, watched: Monitoring, people: pl.DataFrame) -> pl.DataFrame:
    """Who has a result after time zero of the fact that the event is judged by; of a reported event nobody looks."""
    event = data.protocol.events[watched.event or ""]
    results = data.tables["ADLB"].filter(pl.col("PARAMCD") == (event.of or "").upper())
    after = results.join(people.select("USUBJID", "STARTDT"), on="USUBJID").filter(
        pl.col("ADT") > pl.col("STARTDT")
    )
    return after.select("USUBJID").unique().with_columns(looked=pl.lit(value=True))


def path_of(verdicts: pl.DataFrame) -> tuple[Point, ...]:
    """Who counts for the boundary, day by day.

    A subject with the event counts from its day on, one without from the day in `COUNTDT`; of one that counted without the
    event and had it later both days are points. What happens on one day is one point: nobody knows an order within it.
    """
    counted = verdicts.filter(pl.col("COUNTDT").is_not_null())
    days = sorted({*counted["COUNTDT"], *counted["EVENTDT"].drop_nulls()})
    firsts = counted["COUNTDT"].to_list()
    events = counted["EVENTDT"].drop_nulls().to_list()
    return tuple(
        Point(day, sum(one <= day for one in firsts), sum(one <= day for one in events)) for day in days
    )


def first_crossing(boundary: Boundary, path: Sequence[Point]) -> Point | None:
    """The first point at which a boundary was reached, however things went on; None if none did."""
    fewest = dict(zip(boundary.n, boundary.events_to_stop, strict=True))
    for point in path:
        stop = fewest.get(point.n)
        if stop is not None and point.n_events >= stop:
            return point
    return None
