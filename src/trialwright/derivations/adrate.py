"""ADRATE: whether each event that a rate counts was seen in its window, how often anybody looked, and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.derivations.definitions import RELATIVE
from trialwright.derivations.known_columns import first_told
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.time_outcomes import everybody_at_risk, imprecision, sources_of
from trialwright.derivations.time_plans import TimePlan, make_time_plans
from trialwright.derivations.time_views import KEY, VIEW, View, Views, is_read, moved_by, offset_of
from trialwright.derivations.timeline import SOURCE, Timeline, make_timeline
from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.model import Protocol
from trialwright.protocol.references import DEATH, parts_of
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
        "OPENFL": pl.String,
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
    study: Study, adsl: pl.DataFrame, adevt: pl.DataFrame, observations: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """One row a subject and endpoint that is a rate; frames as in `derive_adtte`, ADSL with `CUTDT`, `RECORDDT` and `EOSSTT` besides.

    Returns
    -------
    adrate : DataFrame
        The columns of `ADRATE`. The window runs from `STARTDT` to `ENDDT`: the endpoint's `during` and no longer than its
        `time frame`, shorter where an intercurrent event ends it (`ENDDESC` names that) or the subject is last known alive.
        `AVALC` is met where an event surely lies in it, unknown with its `REASON` where one may, where the event cannot be
        judged, and where nobody looked (`missing`), else not met. `NASSESS` counts the looks of the reader in the window that
        could be judged, the last on `LASTDT`; null where the event is reported. `RISKDAYS` are the days from `STARTDT` to the event or `ENDDT`, both
        included. `COMPLFL` is Y where the window of the protocol was over, by time or by an intercurrent event,
        before the subject was last known alive; `OPENFL` where it is not over by the last day that is
        recorded either, and the subject has neither died nor left the study.

        Of a window whose ends are not known to the day what lies between them for sure is the window; what may lie in it
        leaves the subject unknown (`imprecise date`). One that begins after all that is recorded is `not yet due`.

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
    views = Views([View(plan, _reader(plan, protocol, timeline), is_chosen=True) for plan in plans], timeline)
    empty = pl.DataFrame(schema={VIEW: pl.UInt32, SUBJECT: pl.Int64, **ADRATE})
    return (
        study.subjects.join(_derive(views, study, adsl) if plans else empty, on=SUBJECT)
        .sort(SUBJECT, VIEW)
        .select(*study.identity, SUBJECT, *(pl.col(name).cast(kind) for name, kind in ADRATE.items()))
    )


def _names(plan: TimePlan, protocol: Protocol) -> Iterator[str]:
    yield from plan.names
    yield DEATH
    yield from (name for name, _ in _intercurrent(plan))
    if plan.endpoint.rate_of:
        yield from _asked(plan.endpoint.rate_of, protocol)


def _reader(plan: TimePlan, protocol: Protocol, timeline: Timeline) -> str | None:
    """Whose readings count: as the protocol says, else the local ones, else the only ones; nobody's where nobody reads."""
    readers = timeline.readers(_asked(plan.endpoint.rate_of or "", protocol))
    return plan.endpoint.reader or (readers[-1] if readers else None)


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
    for part in parts_of(one) if one else ():
        yield from _asked(part, protocol)


def _derive(views: Views, study: Study, adsl: pl.DataFrame) -> pl.DataFrame:
    says = [
        (
            number,
            plan.id.upper(),
            plan.endpoint.label,
            views.every[number].reader,
            plan.endpoint.rate_of,
            f"endpoints.{plan.id}",
        )
        for number, plan in views.plans
    ]
    columns = ("PARAMCD", "PARAM", "READER", "EVENT", "PROTOCOL")
    told = pl.DataFrame(
        says, schema={VIEW: pl.UInt32, **{name: ADRATE[name] for name in columns}}, orient="row"
    )
    asked = views.table(((number, plan.endpoint.rate_of) for number, plan in views.plans), EVENT=pl.String)
    people = _windows(views, adsl)
    rows = people.join(told, on=VIEW)
    for more in (
        _events(asked, people, views),
        _looks(people, views, study, adsl),
        _looks_that_may_count(people, views, study, adsl),
        _doubts(asked, people, views),
    ):
        rows = rows.join(more, on=KEY, how="left")
    is_decided = pl.col("how").is_in(_DECIDING).fill_null(value=False)
    unseen = (pl.col("settles") == 0).fill_null(value=False) & ~is_decided
    why = pl.coalesce(
        "no_start",
        pl.when(pl.col("may").fill_null(value=False)).then("why"),
        "REASON",
        pl.when((pl.col("how") == "hypothetical").fill_null(value=False))
        .then(pl.lit(Reason.NOT_APPLICABLE.value)),
        pl.when(unseen & (pl.col("may_settle") > 0)).then(pl.lit(Reason.IMPRECISE_DATE.value)),
        pl.when(unseen & pl.col("open") & (pl.col("first") > pl.col("RECORDDT")))
        .then(pl.lit(Reason.NOT_YET_DUE.value)),
        pl.when(unseen).then(pl.lit(Reason.MISSING.value)),
    )  # fmt: skip
    met = pl.col("day").is_not_null() & pl.col("no_start").is_null()
    until = pl.when(met).then("day").otherwise("end")
    return rows.with_columns(
        STARTDT="first",
        ENDDT="end",
        ENDDESC=pl.col("ender").replace(dict(views.every[0].plan.labels)),
        ADT=pl.when(met).then("day"),
        ADTF=pl.when(met).then(imprecision(pl.col("day"), pl.col("latest"))),
        AVALC=pl.when(met).then(pl.lit(MET)).when(why.is_not_null()).then(pl.lit(UNKNOWN))
        .otherwise(pl.lit(NOT_MET)),
        REASON=pl.when(~met).then(why),
        RISKDAYS=((until - pl.col("first")).dt.total_days() + 1).clip(lower_bound=0),
        COMPLFL=pl.when("complete").then(pl.lit("Y")).otherwise(pl.lit("N")),
        OPENFL=pl.when("open").then(pl.lit("Y")).otherwise(pl.lit("N")),
        SRCDOM=pl.when(met).then("SRCDOM"),
        SRCSEQ=pl.when(met).then("SRCSEQ"),
        SRCALL=pl.when(met).then(sources_of("")),
    )  # fmt: skip


def _windows(views: Views, adsl: pl.DataFrame) -> pl.DataFrame:
    """`first` and `end` of the window, what ended it (`ender`) by which strategy (`how`), whether it was `complete` or goes on
    (`open`). It may begin on `from` and end on `to`."""
    frames = views.table(
        ((number, offset_of(plan.endpoint.time_frame)) for number, plan in views.plans), frame=pl.String
    )
    people = everybody_at_risk(views, adsl).join(frames.select(VIEW, "frame"), on=VIEW)
    by_frame = moved_by(pl.col("STARTDT"), "frame")
    people = people.join(_reaches(views), on=KEY, how="left").with_columns(
        pl.coalesce("from", "first").alias("from"),
        planned=pl.min_horizontal("last", by_frame),
        to=pl.min_horizontal("to", by_frame),
    )
    intercurrent = views.table(
        (
            (number, rank, name, how)
            for number, plan in views.plans
            for rank, (name, how) in enumerate(_intercurrent(plan))
        ),
        rank=pl.Int64, EVENT=pl.String, how=pl.String,
    )  # fmt: skip
    firsts = views.dated.group_by("EVENT", SUBJECT).agg(pl.col("earliest").min())
    ended = (
        intercurrent.join(firsts, on="EVENT")
        .join(people.select(*KEY, "first", "planned"), on=KEY)
        .filter((pl.col("earliest") <= pl.col("planned")).fill_null(value=True))
        .sort(*KEY, "earliest", "rank")
        .unique(KEY, keep="first", maintain_order=True)
        .select(*KEY, "how", struck="earliest", befell=pl.max_horizontal("earliest", "first"), ender="EVENT")
    )
    dead = views.timeline.rows(DEATH)[SUBJECT].unique()
    died = views.timeline.moment(Moment(DEATH, "first")).select(SUBJECT, died="earliest")
    alive = adsl.select(
        SUBJECT, "RECORDDT", alive=pl.min_horizontal("LSTALVDT", "CUTDT"),
        left=pl.col("EOSSTT").is_not_null() | pl.col(SUBJECT).is_in(dead.implode()),
    )  # fmt: skip
    people = people.join(ended, on=KEY, how="left")
    for more in (died, alive):
        people = people.join(more, on=SUBJECT, how="left")
    seen_until = pl.coalesce("died", "alive")
    people = people.with_columns(
        over=pl.min_horizontal("planned", "befell"), to=pl.min_horizontal("to", "befell")
    )
    is_past = (pl.col("over") <= pl.col("RECORDDT")).fill_null(value=False)
    return people.with_columns(
        end=pl.min_horizontal("over", seen_until),
        complete=(pl.min_horizontal("over", "struck") <= seen_until).fill_null(value=False),
    ).with_columns(open=~pl.col("complete") & ~pl.col("left") & ~is_past)


def _reaches(views: Views) -> pl.DataFrame:
    """The widest that each window may be, from when `from` and until when `to`."""
    spans = [
        views.timeline.reach(plan.window).with_columns(pl.lit(number, pl.UInt32).alias(VIEW))
        for number, plan in views.plans
        if plan.window is not None
    ]
    nobody = pl.DataFrame(schema={SUBJECT: pl.Int64, "from": pl.Date, "to": pl.Date, VIEW: pl.UInt32})
    return pl.concat([nobody, *spans])


def _events(asked: pl.DataFrame, people: pl.DataFrame, views: Views) -> pl.DataFrame:
    """The first event that surely lies in the window (`day`), and whether and why one only may (`may`, `why`)."""
    rows = asked.join(views.happenings, on="EVENT").filter(is_read())
    rows = rows.join(people.select(*KEY, "first", "over", "from", "to"), on=KEY)
    earliest, latest, over = pl.col("earliest"), pl.col("latest"), pl.col("over").fill_null(pl.lit(_NEVER))
    surely = ((earliest >= pl.col("first")) & (latest <= over)).fill_null(value=False)
    may = (earliest <= pl.col("to")).fill_null(value=True) & (latest >= pl.col("from")).fill_null(value=True)
    why = pl.when(latest.is_null()).then(pl.lit(Reason.MISSING.value))
    return (
        rows.with_columns(surely=surely, may=may & ~surely)
        .sort(*KEY, ~pl.col("surely"), "earliest", "SRCDOM", "SRCSEQ")
        .group_by(KEY, maintain_order=True)
        .agg(
            pl.when("surely").then("earliest").first().alias("day"),
            *(pl.col(name).first() for name in ("latest", *SOURCE)),
            pl.col("may").any(),
            why.otherwise(pl.lit(Reason.IMPRECISE_DATE.value)).filter("may").first().alias("why"),
        )
    )


def _doubts(asked: pl.DataFrame, people: pl.DataFrame, views: Views) -> pl.DataFrame:
    """`REASON` where the event may lie in the window and cannot be judged."""
    rows = asked.join(views.timeline.possible, left_on="EVENT", right_on="NAME").filter(is_read())
    rows = rows.join(people.select(*KEY, "from", "to"), on=KEY)
    outside = (pl.col("latest") < pl.col("from")) | (pl.col("earliest") > pl.col("to"))
    inside = rows.filter(~outside.fill_null(value=False))
    return inside.group_by(KEY).agg(first_told("REASON"))


# --- how often anybody looked -------------------------------------------------------------------------------------------


def _looks(people: pl.DataFrame, views: Views, study: Study, adsl: pl.DataFrame) -> pl.DataFrame:
    """`NASSESS`, how often what an event is judged by was looked at in the window, and `LASTDT`, the last time.

    `settles` are the looks that can tell that there was no event. Both of `all of` are not met together as soon as one is not
    met: whichever was looked at most counts, and a part that happened, or may have, settles nothing. Of `any of` each has to be
    looked at. Nobody looks for what is reported, nor for what is judged of the person: null. What is compared with its
    baseline cannot be seen in the baseline itself: only records after the day of baseline (`based`) are looks.
    """
    judged = {
        number: list(judged_by(plan.endpoint.rate_of or "", study.loaded)) for number, plan in views.plans
    }
    asked = [(number, *look) for number, looks in judged.items() for look in dict.fromkeys(looks)]
    baseline = f"{(study.protocol.baseline or '').upper()}DT"
    based = pl.col(baseline) if baseline in adsl.columns else pl.lit(None, pl.Date)
    windows = people.select(*KEY, "first", "over").join(
        adsl.select(SUBJECT, based=based), on=SUBJECT, how="left"
    )
    day = pl.col("earliest")
    is_inside = (day >= pl.col("first")) & (day <= pl.col("over").fill_null(pl.lit(_NEVER)))
    is_after = (day > pl.col("based")).fill_null(value=True)
    counted: dict[tuple[str, bool], list[pl.DataFrame]] = {}
    for number, fact, is_based in asked:
        rows = views.timeline.rows(fact, views.every[number].reader).filter("IS_JUDGED")
        rows = rows.join(windows.filter(pl.col(VIEW) == number), on=SUBJECT, maintain_order="left")
        rows = rows.filter(is_inside & is_after if is_based else is_inside)
        looks = rows.group_by(SUBJECT).agg(NASSESS=_n_sources(rows), LASTDT=day.max())
        looks = looks.with_columns(pl.lit(number, pl.UInt32).alias(VIEW))
        counted.setdefault((fact, is_based), []).append(looks)
    found = windows.select(KEY)
    for (fact, is_based), parts in counted.items():
        names = {name: _column(name, fact, is_based=is_based) for name in ("NASSESS", "LASTDT")}
        found = found.join(pl.concat(parts).rename(names), on=KEY, how="left").with_columns(
            pl.col(names["NASSESS"]).fill_null(0)
        )
    happened = _happened(people, views, study).partition_by("EVENT", as_dict=True)
    for (part,), rows in happened.items():
        had = rows.select(KEY).unique().with_columns(pl.lit(value=True).alias(f"had {part}"))
        found = found.join(had, on=KEY, how="left")
    asked_of = (("NASSESS", "NASSESS", ()), ("LASTDT", "LASTDT", ()), ("settles", "NASSESS", found.columns))
    return found.select(
        *KEY,
        *(
            pl.coalesce(
                pl.when(pl.col(VIEW) == number).then(_told(plan.endpoint.rate_of or "", name, study, had=had))
                for number, plan in views.plans
            ).alias(alias)
            for alias, name, had in asked_of
        ),
    )


def _looks_that_may_count(
    people: pl.DataFrame, views: Views, study: Study, adsl: pl.DataFrame
) -> pl.DataFrame:
    """`may_settle`: as `settles`, of those whose window is not known to the day the looks in the widest that it may be."""
    is_wider = pl.col("from").ne_missing(pl.col("first")) | pl.col("to").ne_missing(pl.col("over"))
    wider = people.filter(is_wider & pl.col("no_start").is_null()).with_columns(first="from", over="to")
    if not len(wider):
        return people.select(*KEY, may_settle=pl.lit(None, pl.Int64)).clear()
    return _looks(wider, views, study, adsl).select(*KEY, may_settle="settles")


def _n_sources(rows: pl.DataFrame) -> pl.Expr:
    """How many records the rows of a person are; mostly their numbers alone tell all of them apart."""
    place = pl.col(SUBJECT) * 2**32 + pl.col("SRCSEQ")
    is_repeated = rows.select(place.is_duplicated().any()).item()
    return (pl.struct(*SOURCE).n_unique() if is_repeated else pl.len()).cast(pl.Int64)


def _happened(people: pl.DataFrame, views: Views, study: Study) -> pl.DataFrame:
    """Which parts (`EVENT`) of an event of `all of` happened in the window, or may have."""
    events = study.protocol.events
    rated = ((number, events.get(plan.endpoint.rate_of or "")) for number, plan in views.plans)
    parts = [(number, part) for number, one in rated if one is not None for part in one.all_of]
    columns = ("EVENT", SUBJECT, "READER", "earliest", "latest")
    possible = views.timeline.possible.rename({"NAME": "EVENT"})
    spans = pl.concat([views.happenings.select(columns), possible.select(columns)])
    rows = views.table(parts, EVENT=pl.String).join(spans, on="EVENT").filter(is_read())
    rows = rows.join(people.select(*KEY, "from", "to"), on=KEY)
    outside = (pl.col("latest") < pl.col("from")) | (pl.col("earliest") > pl.col("to"))
    return rows.filter(~outside.fill_null(value=False))


def _column(name: str, fact: str, *, is_based: bool) -> str:
    return f"{name} {fact} {'after baseline' if is_based else ''}"


def judged_by(event: str, loaded: LoadedProtocol, *, is_based: bool = False) -> Iterator[tuple[str, bool]]:
    """The facts whose records an event is judged by, and whether those of the day of baseline do not count."""
    one = loaded.protocol.events.get(event)
    if one is None:
        yield event, is_based
        return
    for part in parts_of(one):
        yield from judged_by(part, loaded, is_based=is_based or _is_relative(event, loaded))


def _told(event: str, name: str, study: Study, *, is_based: bool = False, had: Sequence[str] = ()) -> pl.Expr:
    """`NASSESS` or `LASTDT` of an event, from those of the facts it is judged by; 0 looks for a part that `had` tells of."""
    one = study.protocol.events.get(event)
    if one is None:
        return pl.col(_column(name, event, is_based=is_based))
    is_based = is_based or _is_relative(event, study.loaded)
    parts = []
    for part in parts_of(one):
        told, happened = _told(part, name, study, is_based=is_based, had=had), f"had {part}"
        parts.append(pl.when(happened).then(0).otherwise(told) if happened in had else told)
    most_or_least = pl.max_horizontal if one.all_of else pl.min_horizontal
    return most_or_least(parts or [pl.lit(None, ADRATE[name])])


def _is_relative(event: str, loaded: LoadedProtocol) -> bool:
    """Whether the rule of an event compares with the baseline."""
    rule = loaded.writing.rules.get(f"events.{event}.when")
    return rule is not None and any(isinstance(node, RELATIVE) for node in walk(rule.condition))
