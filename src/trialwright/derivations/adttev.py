"""ADTTEV: stretches of time at risk, for analyses in which subjects come in late or change their treatment.

Whoever is treated some weeks after the start has lived free of the event until then. These rows give that time to those
not yet treated, start counting where a subject really came under watch, or begin at a landmark.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.derivations.cohort import CENSORED
from trialwright.derivations.recorded_facts import ANY_TIME
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.time_outcomes import imprecision
from trialwright.derivations.time_plans import moment_at
from trialwright.derivations.timeline import Timeline, make_timeline, moved
from trialwright.protocol.analyses import TimeAnalysis
from trialwright.protocol.compared_groups import goes_by_treatment, standard_group, treatments_apart
from trialwright.protocol.model import Protocol
from trialwright.protocol.references import GROUPS
from trialwright.protocol.rule_tree import Moment
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.verdicts import Reason

CONTINUES = "continues"
"""`EVNTTYPE` of a stretch that another one follows."""
NOT_AT_RISK = "not at risk any more"
"""`REASON` of a subject whose time had ended before it came under watch, or by the landmark."""
NOT_BEGUN = "no treatment of a group begun"
"""`REASON` of a subject in none of the groups that an analysis compares, where no group is that of those who begin nothing."""

ADTTEV: Mapping[str, Any] = MappingProxyType(
    {
        "ANALYSIS": pl.String,
        "PARAMCD": pl.String,
        "INCLFL": pl.String,
        "REASON": pl.String,
        "GROUP": pl.String,
        "GROUPDT": pl.Date,
        "GROUPDTF": pl.String,
        "STARTDT": pl.Date,
        "TSTART": pl.Float64,
        "TSTOP": pl.Float64,
        "CNSR": pl.Int64,
        "EVNTTYPE": pl.String,
        "PROTOCOL": pl.String,
    }
)
"""The variables of ADTTEV, after those that tell the subject."""

_BEGINS: Mapping[str, Any] = MappingProxyType(
    {
        SUBJECT: pl.Int64,
        "GROUP": pl.String,
        "GROUPDT": pl.Date,
        "GROUPDTF": pl.String,
        "latest": pl.Date,
        "added": pl.Int64,
    }
)


@dataclass(frozen=True)
class _Stretching:
    """An analysis that needs more than one time of each subject."""

    id: str
    endpoint: str
    time_from: str | None
    entry: Moment | None
    landmark: Duration | None
    changes: bool
    """Whether subjects change their group on the day a treatment begins."""
    is_by_treatment: bool
    """Whether the groups it compares are those begun, rather than those assigned."""


def derive_adttev(
    study: Study,
    adsl: pl.DataFrame,
    adevt: pl.DataFrame,
    adtte: pl.DataFrame,
    observations: Mapping[str, pl.DataFrame],
    only: Container[str] | None = None,
) -> pl.DataFrame:
    """Stretches of time of each subject and analysis that has `entry`, `landmark`, `time varying: [groups]` or `grace`.

    Parameters
    ----------
    study : Study
    adsl : DataFrame
    adevt : DataFrame
    observations : mapping of str to DataFrame
        As for `derive_adtte`.
    adtte : DataFrame
        Its result.
    only : container of str, optional
        The names of the endpoints wanted, where not all are.

    Returns
    -------
    adttev : DataFrame
        The columns of `ADTTEV`. A stretch is the days after `TSTART` up to `TSTOP`, counted like `AVAL`: the day time begins is
        day 1, so that somebody who comes under watch, or changes group, 30 days after the start has `TSTART` 30. `GROUP` is
        the group by treatment actually begun: the standard until a treatment that sets another group apart is first
        given (`GROUPDT`), none where each group has a treatment of its own; where the analysis has no `time varying`
        groups, what had begun by its landmark, or ever. `CNSR` and `EVNTTYPE` tell how the last stretch ends; those before
        it are censored and `continues`. `GROUPDTF` is Y where a treatment has records and none has a date.
        `INCLFL` N with a `REASON` marks subjects who have no time in the analysis; their `EVNTTYPE` tells what came first.
    """
    analyses = [one for one in _analyses(study) if only is None or one.endpoint in only]
    protocol = study.protocol
    treatments = {name for apart in treatments_apart(protocol).values() for name in apart}
    entries = {one.entry.name for one in analyses if one.entry and one.entry.name}
    timeline = make_timeline(adsl, adevt, observations, treatments | entries)
    courses = {name: _courses(timeline, name) for name in treatments}
    parts = [
        _derive(one, protocol, adtte, timeline, courses).with_columns(pl.lit(number).alias("order"))
        for number, one in enumerate(analyses)
    ]
    rows = (
        pl.concat(parts) if parts else pl.DataFrame(schema={SUBJECT: pl.Int64, **ADTTEV, "order": pl.Int32})
    )
    return (
        study.subjects.join(rows, on=SUBJECT)
        .sort(SUBJECT, "order", "TSTART", maintain_order=True)
        .select(*study.identity, SUBJECT, *(pl.col(name).cast(kind) for name, kind in ADTTEV.items()))
    )


def _analyses(study: Study) -> Iterator[_Stretching]:
    protocol = study.protocol
    for id_, analysis in protocol.analyses.items():
        asked = {
            key: getattr(analysis, key, None)
            for key in ("entry", "landmark", "time_varying", "grace", "from_")
        }
        endpoint = protocol.endpoints.get(getattr(analysis, "endpoint", ""))
        if endpoint is None or endpoint.reported or not any(list(asked.values())[:4]):
            continue
        yield _Stretching(
            id_,
            getattr(analysis, "endpoint", ""),
            asked["from_"],
            moment_at(study.loaded, f"analyses.{id_}.entry"),
            asked["landmark"],
            GROUPS in (asked["time_varying"] or ()),
            isinstance(analysis, TimeAnalysis) and goes_by_treatment(analysis),
        )


def _courses(timeline: Timeline, treatment: str) -> pl.DataFrame:
    """The records of a treatment: `SUBJECT`, `earliest` and `latest`, on which it can begin, and `end`, the last day it can end.

    All are null of a record without a date.
    """
    days = (
        timeline.rows(treatment)
        .group_by(SUBJECT, "SRCDOM", "SRCSEQ")
        .agg(pl.col("earliest", "latest").min(), end=pl.col("latest").max())
    )
    is_known = pl.col("earliest") > pl.lit(ANY_TIME[0].date())
    return days.select(SUBJECT, pl.when(is_known).then(pl.col("earliest", "latest", "end")))


def _begin(courses: pl.DataFrame, times: pl.DataFrame, every: Duration | None) -> pl.DataFrame:
    """The days on which a treatment can have begun, of whoever has a record of it; null where none has a date.

    What was over before time begins is history and no begin: its last day, or its last dose, lies more than the distance of
    two doses before.
    """
    start = pl.col("STARTDT")
    here = courses.join(times.select(SUBJECT, start), on=SUBJECT)
    is_history = pl.col("end") < (start if every is None else moved(start, every, "-"))
    here = here.filter(~is_history.fill_null(value=False))
    return here.group_by(SUBJECT).agg(pl.col("earliest", "latest").min())


def _derive(
    one: _Stretching,
    protocol: Protocol,
    adtte: pl.DataFrame,
    timeline: Timeline,
    courses: Mapping[str, pl.DataFrame],
) -> pl.DataFrame:
    times = _times(one, adtte).pipe(_under_watch, one, timeline)
    standard = standard_group(protocol)
    begins = {name: _begin(given, times, protocol.treatments[name].every) for name, given in courses.items()}
    groups = _groups_begun(protocol, begins)
    before = times.select(
        SUBJECT,
        GROUP=pl.lit(standard, pl.String),
        GROUPDT=pl.lit(None, pl.Date),
        GROUPDTF=pl.lit(None, pl.String),
        latest=pl.lit(None, pl.Date),
        added=pl.lit(0, pl.Int64),
    )
    pieces = pl.concat([before, groups]).join(times, on=SUBJECT)
    pieces = pieces.with_columns(
        _elapsed("GROUPDT").alias("since"), _elapsed("latest").alias("surely"), is_first=pl.col("added") == 0
    )
    if one.is_by_treatment:
        pieces = _without_open(pieces, one, treatments_apart(protocol))
    if not one.changes:
        known = pl.col("upto").is_null() | (pl.col("since") <= pl.col("upto"))
        pieces = (
            pieces.filter(pl.col("since").is_null() | known)
            .sort(SUBJECT, "since", "added", maintain_order=True)
            .unique(SUBJECT, keep="last", maintain_order=True)
            .with_columns(pl.lit(None, pl.Float64).alias("since"), is_first=pl.lit(value=True))
        )
    if one.is_by_treatment and standard is None:
        pieces = _among_begun(pieces)
    pieces = pieces.sort(SUBJECT, "since", "added", maintain_order=True).with_columns(
        pl.max_horizontal("since", "TSTART").alias("TSTART"),
        pl.min_horizontal(pl.col("since").shift(-1).over(SUBJECT), "stop").alias("TSTOP"),
    )
    is_out = pl.col("REASON").is_not_null()
    pieces = pieces.filter((pl.col("TSTART") < pl.col("TSTOP")) | (is_out & pl.col("is_first")))
    is_last = pl.col("TSTOP") == pl.col("stop")
    return pieces.select(
        SUBJECT,
        pl.lit(one.id).alias("ANALYSIS"),
        "PARAMCD",
        pl.when(is_out).then(pl.lit("N")).otherwise(pl.lit("Y")).alias("INCLFL"),
        "REASON",
        "GROUP",
        "GROUPDT",
        "GROUPDTF",
        "STARTDT",
        *(pl.when(~is_out).then(name).alias(name) for name in ("TSTART", "TSTOP")),
        pl.when(is_last & ~is_out).then("CNSR").when(~is_out).then(CENSORED).alias("CNSR"),
        pl.when(is_last | is_out).then("EVNTTYPE").otherwise(pl.lit(CONTINUES)).alias("EVNTTYPE"),
        pl.lit(f"analyses.{one.id}").alias("PROTOCOL"),
    )


def _elapsed(day: str) -> pl.Expr:
    """Days from the start to a day."""
    return (pl.col(day) - pl.col("STARTDT")).dt.total_days().cast(pl.Float64)


def _times(one: _Stretching, adtte: pl.DataFrame) -> pl.DataFrame:
    """The times of the endpoint as the analysis counts them, as the reader of the protocol sees them."""
    rows = adtte.filter(pl.col("PARAMCD") == one.endpoint.upper())
    own = rows.filter(pl.col("ANL01FL") == "Y")
    time_from = one.time_from or own["TIMEFROM"].first()
    rows = rows.filter(
        (pl.col("TIMEFROM") == time_from)
        & pl.col("READER").eq_missing(pl.lit(own["READER"].first(), pl.String))
    )
    return rows.select(SUBJECT, "PARAMCD", "STARTDT", "REASON", "CNSR", "EVNTTYPE", stop="AVAL")


def _under_watch(times: pl.DataFrame, one: _Stretching, timeline: Timeline) -> pl.DataFrame:
    """`TSTART` of each subject, `upto` when groups are known by then, and why there may be no time at all."""
    start = pl.lit(0.0)
    upto = pl.lit(None, pl.Float64)
    if one.entry is not None:
        times = times.join(timeline.moment(one.entry).select(SUBJECT, entry="latest"), on=SUBJECT, how="left")
        start = pl.max_horizontal(pl.lit(0.0), _elapsed("entry"))
        times = times.with_columns(
            pl.coalesce("REASON", pl.when(pl.col("entry").is_null()).then(pl.lit(Reason.MISSING.value)))
        )
    if one.landmark is not None:
        marked = (moved(pl.col("STARTDT"), one.landmark) - pl.col("STARTDT")).dt.total_days().cast(pl.Float64)
        start, upto = pl.max_horizontal(start, marked), marked
    times = times.with_columns(start.alias("TSTART"), upto.alias("upto"))
    # of the landmark's own day the event has come, the watch has not: entry counts from that day, a landmark after it
    last_day = pl.col("stop") - 1 if one.landmark is not None else pl.col("stop")
    gone = pl.when(last_day <= pl.col("TSTART")).then(pl.lit(NOT_AT_RISK))
    return times.with_columns(pl.coalesce("REASON", gone).alias("REASON"))


def _without_open(
    pieces: pl.DataFrame, one: _Stretching, apart: Mapping[str, Collection[str]]
) -> pl.DataFrame:
    """Whose group is not known is out, with the reason: it hangs on a date that is not known to the day, or two begin at once.

    What had begun by the landmark, or before the watch, is followed by whatever began last until then. That is known where
    all others surely began before, or are part of it. A later begin needs its day, and none beside it of which neither is
    part of the other.
    """
    known_by = pl.col("TSTART" if one.changes else "upto")
    pieces = pieces.sort(SUBJECT, "since", "added", maintain_order=True)
    since, surely, group = (pl.col(name) for name in ("since", "surely", "GROUP"))
    begun = (since <= known_by).fill_null(value=False)
    later = ((since > known_by) & (since < pl.col("stop"))).fill_null(value=False) & one.changes
    is_open = (
        pl.col("GROUPDTF").is_not_null()
        & (since.is_null() | begun | later)
        & ~(surely <= known_by).fill_null(value=False)
    )
    parts = {whole: [part for part in apart if set(apart[part]) <= set(apart[whole])] for whole in apart}

    def is_part_of(whole: pl.Expr) -> pl.Expr:
        given = ((whole == name) & group.is_in(of) for name, of in parts.items())
        return pl.any_horizontal(pl.lit(value=False), *given)

    last = {name: pl.col(name).filter(begun).last().over(SUBJECT) for name in ("GROUP", "GROUPDTF", "since")}
    is_rival = begun & ~is_part_of(last["GROUP"]) & (pl.min_horizontal(surely, known_by) >= last["since"])
    is_tie = later & ~is_part_of(group.last().over(SUBJECT, "since"))
    is_vague = pl.col("GROUPDTF").is_not_null() | last["GROUPDTF"].is_not_null()
    reason = (
        pl.when(is_open | (is_rival & is_vague))
        .then(pl.lit(Reason.IMPRECISE_DATE.value))
        .when(is_rival | is_tie)
        .then(pl.lit(Reason.CONFLICT.value))
    )
    found = pieces.with_columns(why=pl.when(pl.col("REASON").is_null()).then(reason)).drop_nulls("why")
    found = found.sort(SUBJECT, pl.col("why") == Reason.CONFLICT.value, maintain_order=True)
    out = found.unique(SUBJECT, keep="first", maintain_order=True).with_columns(
        pl.lit(None, pl.String).alias("GROUP"),
        pl.lit(None, pl.Float64).alias("since"),
        pl.col("why").alias("REASON"),
        is_first=pl.lit(value=True),
    )
    kept = pieces.join(out, on=SUBJECT, how="anti", maintain_order="left")
    return pl.concat([kept, out.select(kept.columns)])


def _among_begun(pieces: pl.DataFrame) -> pl.DataFrame:
    """Nobody is at risk in a group before its treatment has begun; who begins none is out, with the reason."""
    in_time = pl.col("GROUP").is_not_null() & (pl.col("since").fill_null(-math.inf) < pl.col("stop"))
    is_in_none = ~in_time.any().over(SUBJECT)
    out = pl.coalesce("REASON", pl.when(is_in_none).then(pl.lit(NOT_BEGUN)))
    return pieces.with_columns(out.alias("REASON")).filter(
        pl.col("GROUP").is_not_null() | pl.col("REASON").is_not_null()
    )


def _groups_begun(protocol: Protocol, begins: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The groups each subject came into, on the day the last of what sets them apart began; `added` is how much that is."""
    found = [pl.DataFrame(schema=dict(_BEGINS))]
    for name, apart in treatments_apart(protocol).items():
        if not apart:
            continue
        days = pl.col("earliest", "latest")
        all_begun = (
            pl.concat([begins[treatment] for treatment in apart])
            .group_by(SUBJECT, maintain_order=True)
            .agg(pl.len().cast(pl.Int64).alias("added"), pl.when(days.is_not_null().all()).then(days.max()))
            .filter(pl.col("added") == len(apart))
        )
        flag = imprecision(pl.col("earliest"), pl.col("latest"))
        unknown = pl.when(pl.col("earliest").is_null()).then(pl.lit("Y"))
        found.append(
            all_begun.select(
                SUBJECT,
                pl.lit(name).alias("GROUP"),
                pl.col("earliest").alias("GROUPDT"),
                pl.coalesce(unknown, flag).alias("GROUPDTF"),
                "latest",
                "added",
            )
        )
    return pl.concat(found)
