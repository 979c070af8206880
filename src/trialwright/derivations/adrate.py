"""ADRATE: whether each event that a rate counts was seen in its window, how often anybody looked, and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import reduce
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.derivations.definitions import RELATIVE
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.time_outcomes import View, imprecision, people_at_risk, sources_of
from trialwright.derivations.time_plans import TimePlan, make_time_plans
from trialwright.derivations.timeline import DEATH, SOURCE, Timeline, make_timeline, moved
from trialwright.protocol.model import Protocol
from trialwright.protocol.rule_tree import Moment, walk
from trialwright.vocabulary.verdicts import Reason

MET, NOT_MET, UNKNOWN = "met", "not met", "unknown"

ADRATE: Mapping[str, Any] = MappingProxyType(
    {
        "PARAMCD": pl.String,
        "PARAM": pl.String,
        "READER": pl.String,
        "STARTDT": pl.Date,
        "ENDDT": pl.Date,
        "ENDDESC": pl.String,
        "ADT": pl.Date,
        "ADTF": pl.String,
        "AVALC": pl.String,
        "REASON": pl.String,
        "NASSESS": pl.Int64,
        "LASTDT": pl.Date,
        "RISKDAYS": pl.Float64,
        "COMPLFL": pl.String,
        "EVENT": pl.String,
        "SRCDOM": pl.String,
        "SRCSEQ": pl.Int64,
        "SRCALL": pl.String,
        "PROTOCOL": pl.String,
    }
)
"""The variables of ADRATE, after those that tell the subject."""

_NEVER = date.max
_ENDING = ("while alive", "until it happens", "competing event", "no event", "composite", "hypothetical")
"""Strategies by which an intercurrent event ends the time in which the event counts."""
_DECIDING = ("composite", "competing event")
"""Of these, those that leave nothing to be looked at: whom it befalls first is without the event."""


def derive_adrate(
    study: Study, adsl: pl.DataFrame, adevt: pl.DataFrame, observations: pl.DataFrame
) -> pl.DataFrame:
    """One row a subject and endpoint that is a rate; frames as in `derive_adtte`, ADSL with `CUTDT` besides.

    Returns
    -------
    adrate : DataFrame
        The columns of `ADRATE`. The window runs from `STARTDT` to `ENDDT`: the endpoint's `during` and no longer than its
        `time frame`, shorter where an intercurrent event ends it (`ENDDESC` names that) or the subject is last known alive.
        `AVALC` is met where an event surely lies in it, unknown with its `REASON` where one may, where the event cannot be
        judged, and where nobody looked (`missing`), else not met. `NASSESS` counts the looks in the window, the last on
        `LASTDT`; null where the event is reported. `RISKDAYS` are the days from `STARTDT` to the event or `ENDDT`, both
        included. `COMPLFL` is Y where the window of the protocol was over, by time or by an intercurrent event,
        before the subject was last known alive.

    Notes
    -----
    `while on treatment` is what `during` says; without `during` the intercurrent event ends the window. `composite` counts
    whom the intercurrent event befalls first as without the event: for a harm that it should count as, name an event
    `any of` both.
    """
    protocol = study.protocol
    plans = [plan for plan in make_time_plans(study.loaded, "rate") if plan.endpoint.rate_of and plan.is_own]
    names = {name for plan in plans for name in _names(plan, protocol)}
    timeline = make_timeline(adsl, adevt, observations, names)
    parts = [
        _derive(plan, study, timeline, adsl).with_columns(pl.lit(number).alias("order"))
        for number, plan in enumerate(plans)
    ]
    empty = pl.DataFrame(schema={SUBJECT: pl.Int64, **ADRATE, "order": pl.Int32})
    rows = pl.concat(parts) if parts else empty
    return (
        study.subjects.join(rows, on=SUBJECT)
        .sort(SUBJECT, "order")
        .select(*study.identity, SUBJECT, *(pl.col(name).cast(kind) for name, kind in ADRATE.items()))
    )


def _names(plan: TimePlan, protocol: Protocol) -> Iterator[str]:
    yield from plan.names
    yield DEATH
    yield from (name for name, _ in _intercurrent(plan))
    if plan.endpoint.rate_of:
        yield from _asked(plan.endpoint.rate_of, protocol)


def _intercurrent(plan: TimePlan) -> list[tuple[str, str]]:
    """The intercurrent events of the estimand that end the window, with their strategies."""
    if plan.endpoint.estimand is None:
        return []
    ending = _ENDING if plan.window is not None else (*_ENDING, "while on treatment")
    told = plan.endpoint.estimand.intercurrent_events
    return [(words.replace(" ", "_"), how) for words, how in told.items() if how in ending]


def _asked(event: str, protocol: Protocol) -> Iterator[str]:
    """An event, the events it is made of, and the facts whose records they judge."""
    yield event
    one = protocol.events.get(event)
    for part in (one.of, *one.all_of, *one.any_of) if one else ():
        if part:
            yield from _asked(part, protocol)


def _derive(plan: TimePlan, study: Study, timeline: Timeline, adsl: pl.DataFrame) -> pl.DataFrame:
    event, reader = plan.endpoint.rate_of or "", plan.endpoint.reader
    people = _windows(plan, timeline, adsl)
    rows = people.join(_events(event, reader, people, timeline), on=SUBJECT, how="left")
    baseline = f"{(study.protocol.baseline or '').upper()}DT"
    based = pl.col(baseline) if baseline in adsl.columns else pl.lit(None, pl.Date)
    looked_at = people.join(adsl.select(SUBJECT, based.alias("based")), on=SUBJECT, how="left")
    looks = _looks(event, study, reader, looked_at.with_columns(after=pl.lit(None, pl.Date)), timeline)
    rows = rows.join(looks, on=SUBJECT, how="left")
    rows = rows.join(_doubts(event, reader, people, timeline), on=SUBJECT, how="left")
    unseen = (pl.col("NASSESS") == 0).fill_null(value=False) & ~pl.col("how").is_in(_DECIDING).fill_null(
        value=False
    )
    why = pl.coalesce(
        "no_start",
        pl.when(pl.col("may").fill_null(value=False)).then("why"),
        "REASON",
        pl.when((pl.col("how") == "hypothetical").fill_null(value=False))
        .then(pl.lit(Reason.NOT_APPLICABLE.value)),
        pl.when(unseen).then(pl.lit(Reason.MISSING.value)),
    )  # fmt: skip
    met = pl.col("day").is_not_null() & pl.col("no_start").is_null()
    until = pl.when(met).then("day").otherwise("end")
    return rows.select(
        SUBJECT,
        pl.lit(plan.id.upper()).alias("PARAMCD"),
        pl.lit(plan.endpoint.label).alias("PARAM"),
        pl.lit(reader, pl.String).alias("READER"),
        pl.col("first").alias("STARTDT"),
        pl.col("end").alias("ENDDT"),
        pl.col("ender").replace(dict(plan.labels)).alias("ENDDESC"),
        pl.when(met).then("day").alias("ADT"),
        pl.when(met).then(imprecision(pl.col("day"), pl.col("latest"))).alias("ADTF"),
        pl.when(met).then(pl.lit(MET)).when(why.is_not_null()).then(pl.lit(UNKNOWN))
        .otherwise(pl.lit(NOT_MET)).alias("AVALC"),
        pl.when(~met).then(why).alias("REASON"),
        "NASSESS",
        "LASTDT",
        ((until - pl.col("first")).dt.total_days() + 1).clip(lower_bound=0).cast(pl.Float64).alias("RISKDAYS"),
        pl.when("complete").then(pl.lit("Y")).otherwise(pl.lit("N")).alias("COMPLFL"),
        pl.lit(event).alias("EVENT"),
        *(pl.when(met).then(name).alias(name) for name in ("SRCDOM", "SRCSEQ")),
        pl.when(met).then(sources_of("")).alias("SRCALL"),
        pl.lit(f"endpoints.{plan.id}").alias("PROTOCOL"),
    )  # fmt: skip


def _windows(plan: TimePlan, timeline: Timeline, adsl: pl.DataFrame) -> pl.DataFrame:
    """`first` and `end` of the window, what ended it (`ender`) by which strategy (`how`), whether it was `complete`."""
    people = people_at_risk(View(plan, plan.endpoint.reader, timeline), adsl)
    planned = pl.col("last")
    if plan.endpoint.time_frame is not None:
        planned = pl.min_horizontal("last", moved(pl.col("STARTDT"), plan.endpoint.time_frame))
    people = people.with_columns(planned.alias("planned"))
    befell = [
        timeline.rows(name).drop_nulls("earliest").group_by(SUBJECT).agg(pl.col("earliest").min())
        .with_columns(pl.lit(rank).alias("rank"), pl.lit(name).alias("ender"), pl.lit(how).alias("how"))
        for rank, (name, how) in enumerate(_intercurrent(plan))
    ]  # fmt: skip
    none = pl.DataFrame(
        schema={
            SUBJECT: pl.Int64,
            "earliest": pl.Date,
            "rank": pl.Int32,
            "ender": pl.String,
            "how": pl.String,
        }
    )
    ended = (
        pl.concat([none, *befell])
        .join(people.select(SUBJECT, "first", "planned"), on=SUBJECT)
        .filter((pl.col("earliest") <= pl.col("planned")).fill_null(value=True))
        .sort(SUBJECT, "earliest", "rank")
        .unique(SUBJECT, keep="first", maintain_order=True)
        .select(SUBJECT, pl.max_horizontal("earliest", "first").alias("befell"), "ender", "how")
    )
    died = timeline.moment(Moment(DEATH, "first")).select(SUBJECT, died="earliest")
    alive = adsl.select(SUBJECT, pl.min_horizontal("LSTALVDT", "CUTDT").alias("alive"))
    for more in (ended, died, alive):
        people = people.join(more, on=SUBJECT, how="left")
    seen_until = pl.coalesce("died", "alive")
    return people.with_columns(pl.min_horizontal("planned", "befell").alias("over")).with_columns(
        pl.min_horizontal("over", seen_until).alias("end"),
        (pl.col("over") <= seen_until).fill_null(value=False).alias("complete"),
    )


def _events(event: str, reader: str | None, people: pl.DataFrame, timeline: Timeline) -> pl.DataFrame:
    """The first event that surely lies in the window (`day`), and whether and why one only may (`may`, `why`)."""
    rows = timeline.rows(event, reader).join(people.select(SUBJECT, "first", "over"), on=SUBJECT)
    earliest, latest, over = pl.col("earliest"), pl.col("latest"), pl.col("over").fill_null(pl.lit(_NEVER))
    surely = ((earliest >= pl.col("first")) & (latest <= over)).fill_null(value=False)
    may = (earliest <= over).fill_null(value=True) & (latest >= pl.col("first")).fill_null(value=True)
    why = pl.when(latest.is_null()).then(pl.lit(Reason.MISSING.value))
    return (
        rows.with_columns(surely.alias("surely"), (may & ~surely).alias("may"))
        .sort(
            SUBJECT, "surely", "earliest", "SRCDOM", "SRCSEQ", descending=[False, True, False, False, False]
        )
        .group_by(SUBJECT, maintain_order=True)
        .agg(
            pl.when("surely").then("earliest").first().alias("day"),
            *(pl.col(name).first() for name in ("latest", *SOURCE)),
            pl.col("may").any(),
            why.otherwise(pl.lit(Reason.IMPRECISE_DATE.value)).filter("may").first().alias("why"),
        )
    )


def _doubts(event: str, reader: str | None, people: pl.DataFrame, timeline: Timeline) -> pl.DataFrame:
    """`REASON` where the event may lie in the window and cannot be judged."""
    rows = timeline.maybe([event], reader).join(people.select(SUBJECT, "first", "over"), on=SUBJECT)
    outside = (pl.col("latest") < pl.col("first")) | (pl.col("earliest") > pl.col("over"))
    inside = rows.filter(~outside.fill_null(value=False))
    return inside.group_by(SUBJECT).agg(pl.col("REASON").sort().first())


def _looks(
    event: str, study: Study, reader: str | None, people: pl.DataFrame, timeline: Timeline
) -> pl.DataFrame:
    """`NASSESS`, how often what an event is judged by was looked at in the window, and `LASTDT`, the last time.

    Both of `all of` are not met together as soon as one is not met: whichever was looked at most counts. Of `any of` each has to
    be looked at. Nobody looks for what is reported, nor for what is judged of the person: null. What is compared with its
    baseline cannot be seen in the baseline itself: only records `after` the day of baseline (`based`) are looks.
    """
    one = study.protocol.events.get(event)
    none = people.select(SUBJECT, NASSESS=pl.lit(None, pl.Int64), LASTDT=pl.lit(None, pl.Date))
    if one is None:
        rows = timeline.rows(event, reader).join(people.select(SUBJECT, "first", "over", "after"), on=SUBJECT)
        inside = rows.filter(
            (pl.col("earliest") >= pl.col("first"))
            & (pl.col("earliest") > pl.col("after")).fill_null(value=True)
            & (pl.col("earliest") <= pl.col("over").fill_null(pl.lit(_NEVER)))
        )
        counted = inside.group_by(SUBJECT).agg(
            pl.struct(*SOURCE).n_unique().cast(pl.Int64).alias("NASSESS"),
            pl.col("earliest").max().alias("LASTDT"),
        )
        return people.select(SUBJECT).join(counted, on=SUBJECT, how="left").with_columns(
            pl.col("NASSESS").fill_null(0)
        )  # fmt: skip
    rule = study.loaded.writing.rules.get(f"events.{event}.when")
    if rule is not None and any(isinstance(node, RELATIVE) for node in walk(rule.condition)):
        people = people.with_columns(after="based")
    parts = [one.of] if one.of else [*one.all_of, *one.any_of]
    looks = [_looks(part, study, reader, people, timeline) for part in parts] or [none]
    most_or_least = pl.max_horizontal if one.all_of else pl.min_horizontal
    joined = reduce(
        lambda left, right: left.join(right, on=SUBJECT, suffix=f"_{right.width}{left.width}"), looks
    )
    return joined.select(
        SUBJECT,
        *(most_or_least(pl.col(f"^{name}.*$")).alias(name) for name in ("NASSESS", "LASTDT")),
    )
