"""ADTTE: the time to each event a protocol asks for, and what ended the time where the event was not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import polars as pl

from trialwright.derivations.cohort import CENSORED, EVENT
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.time_outcomes import (
    ENDED,
    FOUND,
    Outcome,
    View,
    first_of,
    imprecision,
    people_at_risk,
    sources_of,
    unread,
    with_doubts,
    with_gaps,
    with_outcome,
)
from trialwright.derivations.time_plans import COMPETING, NOT_ASSESSED, Cause, make_time_plans
from trialwright.derivations.timeline import HAPPENINGS, NOTHING, SOURCE, make_timeline
from trialwright.protocol.moments import Selection
from trialwright.vocabulary.verdicts import Reason

ADTTE: Mapping[str, Any] = MappingProxyType(
    {
        "PARAMCD": pl.String,
        "PARAM": pl.String,
        "TIMEFROM": pl.String,
        "READER": pl.String,
        "ANL01FL": pl.String,
        "STARTDT": pl.Date,
        "ADT": pl.Date,
        "ADTF": pl.String,
        "AVAL": pl.Float64,
        "AVALU": pl.String,
        "CNSR": pl.Int64,
        "EVNTTYPE": pl.String,
        "EVENT": pl.String,
        "EVNTDESC": pl.String,
        "CNSDTDSC": pl.String,
        "REASON": pl.String,
        "MAYBEDT": pl.Date,
        "LEFTDT": pl.Date,
        "RIGHTDT": pl.Date,
        "SRCDOM": pl.String,
        "SRCSEQ": pl.Int64,
        "SRCALL": pl.String,
        "PROTOCOL": pl.String,
    }
)
"""The variables of ADTTE, after those that tell the subject."""


def derive_adtte(
    study: Study, adsl: pl.DataFrame, adevt: pl.DataFrame, observations: pl.DataFrame
) -> pl.DataFrame:
    """One row a subject, endpoint, moment time is counted from, and reader.

    Parameters
    ----------
    study : Study
    adsl : DataFrame
        `SUBJECT`, `STARTDT`, `LSTALVDT` and a Date column for each anchor (`GROUP_ASSIGNMENTDT`).
    adevt : DataFrame
        Every occurrence of every event: `EVENT`, `AVALC`, `ADT`, `ADTL`, `ADTH`, `REASON` and sources; with `READER`,
        readings are kept apart.
    observations : DataFrame
        Records of facts and treatments: `SUBJECT`, `fact`, `earliest`, `latest` and sources.

    Returns
    -------
    adtte : DataFrame
        The columns of `ADTTE`. `AVAL` is `ADT - STARTDT + 1` in days. `CNSR` is 0 for the event, 1 where nothing happened up to
        the last assessment, 2 for a competing event, 3 where nothing was looked at after the start, 4 and up for what
        `censoring` names, in its order; null where `EVNTTYPE` is `not evaluable`, with the `REASON`. `TIMEFROM` is the
        moment time is counted from, in the words of the protocol: the endpoint's own, and those that analyses put in
        its place. `ANL01FL` is Y for the endpoint's own moment and reader. The event lies after `LEFTDT` and not after
        `RIGHTDT` (null: not seen); both are the day itself where that is reported and not found by looking. `MAYBEDT` is
        the day since which it may have happened, where an earlier record cannot be judged.

    Raises
    ------
    ProblemsFound
        If a derived endpoint wants another unit than days.

    Notes
    -----
    Of what happens on one day the event counts before a competing one, and that before what ends the follow-up; of
    several events the one named first. An event whose day is not known is placed as `imprecise date` of the endpoint
    says; an assessment, which only shows that nothing had happened yet, stands at its first possible day. Both are
    flagged in `ADTF` by what is not known: D, M or Y.
    """
    plans = list(make_time_plans(study.loaded))
    timeline = make_timeline(adsl, adevt, observations, {name for plan in plans for name in plan.names})
    parts = [
        _derive(View(plan, reader, timeline), adsl).with_columns(pl.lit(number).alias("order"))
        for number, plan in enumerate(plans)
        for reader in timeline.readers(plan.names) or (plan.endpoint.reader,)
    ]
    if not parts:
        return (
            study.subjects.clear()
            .select(*study.identity, SUBJECT)
            .with_columns(pl.lit(None, kind).alias(name) for name, kind in ADTTE.items())
        )
    return (
        study.subjects.join(pl.concat(parts), on=SUBJECT)
        .sort(SUBJECT, "order", "READER", nulls_last=True)
        .select(*study.identity, SUBJECT, *(pl.col(name).cast(kind) for name, kind in ADTTE.items()))
    )


def _derive(view: View, adsl: pl.DataFrame) -> pl.DataFrame:
    """The rows of one endpoint, moment and reader."""
    people = people_at_risk(view, adsl)
    frame = people.with_columns(pl.col("last").alias("upper"))
    events = {
        "e": view.plan.endpoint.time_to,
        "c": view.plan.endpoint.competing,
        "z": [cause.event for cause in view.plan.causes if cause.event],
    }
    for kind, names in events.items():
        frame = frame.join(first_of(kind, names, view, people), on=SUBJECT, how="left")
    frame = frame.join(unread(view), on=SUBJECT, how="left")
    frame = with_gaps(with_outcome(frame), view)

    def made(outcome: str, make: _Make) -> list[pl.DataFrame]:
        rows = frame.filter(pl.col("outcome") == outcome)
        return [make(rows, view)] if len(rows) else []

    parts = [
        *made(Outcome.EVENT, _event),
        *made(Outcome.COMPETING, _competing),
        *made(ENDED, _ended),
        *made(Outcome.CENSORED, _nothing),
        *made(Outcome.NOT_EVALUABLE, _not_evaluable),
    ] or [_not_evaluable(frame, view)]
    return _finished(_undecided(with_doubts(pl.concat(parts), people, view)), view)


_Make: TypeAlias = Callable[[pl.DataFrame, View], pl.DataFrame]


# --- the rows of each outcome --------------------------------------------------------------------------------------------


def _event(part: pl.DataFrame, view: View) -> pl.DataFrame:
    is_reported = pl.col("e_EVENT").is_in(sorted(view.plan.reported))
    bounds = part.select(SUBJECT, lower="STARTDT", upper=pl.col("e_earliest") - pl.duration(days=1))
    last = _last_look(view, bounds)
    rows = part.join(last.select(SUBJECT, looked="earliest"), on=SUBJECT, how="left").with_columns(
        pl.when(is_reported).then(pl.min_horizontal("e_earliest", "e_day"))
        .otherwise(pl.coalesce("looked", "STARTDT")).alias("LEFTDT"),
        pl.col("e_latest").alias("RIGHTDT"),
    )  # fmt: skip
    return _row(rows, view, "e", Outcome.EVENT, EVENT)


def _competing(part: pl.DataFrame, view: View) -> pl.DataFrame:
    """What competes ends the chance of the event; that it had not happened is known up to the last look only."""
    bounds = part.select(SUBJECT, lower="STARTDT", upper="c_day")
    last = _last_look(view, bounds)
    rows = part.join(last.select(SUBJECT, looked="earliest"), on=SUBJECT, how="left").with_columns(
        pl.coalesce("looked", "STARTDT").alias("LEFTDT"), pl.lit(None, pl.Date).alias("RIGHTDT")
    )
    return _row(rows, view, "c", Outcome.COMPETING, COMPETING)


def _ended(part: pl.DataFrame, view: View) -> pl.DataFrame:
    """Follow-up ended before anything counted: by an event, or as nobody looked for too long."""
    rows = ((part.filter(pl.col("cause") == number), cause) for number, cause in enumerate(view.plan.enders))
    return pl.concat(_ended_by(some, cause, view) for some, cause in rows if len(some))


def _ended_by(part: pl.DataFrame, cause: Cause, view: View) -> pl.DataFrame:
    bounds = part.select(SUBJECT, "upper", lower="STARTDT")
    record = view.select(cause.at, bounds)
    rows = part.join(_prefixed(record, "s"), on=SUBJECT, how="left")
    if cause.gap is None:
        rows = rows.with_columns(pl.col("z_EVENT").alias("s_EVENT"), sources_of("z_").alias("because"))
    else:
        because = (
            pl.when(pl.col("ender") == pl.col("e_EVENT")).then(sources_of("e_")).otherwise(sources_of("c_"))
        )
        rows = rows.with_columns(pl.col("ender").alias("s_EVENT"), because.alias("because"))
    return _censored(rows, view, cause.at, cause.code, cause.text, cause.path)


def _nothing(part: pl.DataFrame, view: View) -> pl.DataFrame:
    """Nothing happened: follow-up ends with the last look, or on the first day if there was none."""
    if not view.plan.ends:
        return _not_evaluable(part.with_columns(pl.lit(Reason.MISSING.value).alias("open")), view)
    bounds = part.select(SUBJECT, "upper", lower="STARTDT")
    rows, parts = part, []
    for at in view.plan.ends:
        found = rows.join(_prefixed(view.select(at, bounds), "s"), on=SUBJECT)
        if not len(found):
            continue
        rows = rows.join(found, on=SUBJECT, how="anti")
        found = found.with_columns(_name(at).alias("s_EVENT"), _no_text().alias("because"))
        text = f"No event up to the last {view.plan.label(at.record.name or '')}"
        parts.append(_censored(found, view, at, CENSORED, text, f"endpoints.{view.plan.id}"))
        if not len(rows):
            return pl.concat(parts)
    at = view.plan.ends[0]
    unseen = rows.with_columns(
        *(pl.lit(None, HAPPENINGS[name]).alias(f"s_{name}") for name in FOUND[1:]),
        _name(at).alias("s_EVENT"),
        _no_text().alias("because"),
    )
    text = f"No {view.plan.label(at.record.name or '')} after the start"
    return pl.concat([*parts, _censored(unseen, view, at, NOT_ASSESSED, text, f"endpoints.{view.plan.id}")])


def _censored(rows: pl.DataFrame, view: View, at: Selection, code: int, text: str, path: str) -> pl.DataFrame:
    """Rows censored at the record found (`s_...`), or on the first day where there is none."""
    none = pl.col("s_earliest").is_null()
    unseen = f"{text}; no {view.plan.label(at.record.name or '')} before it" if code != NOT_ASSESSED else text
    day = pl.coalesce("s_earliest", "STARTDT")
    rows = rows.with_columns(day.alias("s_day"), day.alias("LEFTDT"), pl.lit(None, pl.Date).alias("RIGHTDT"))
    made = _row(rows, view, "s", Outcome.CENSORED, code)
    return made.with_columns(
        rows.select(pl.when(none).then(pl.lit(unseen)).otherwise(pl.lit(text)).alias("CNSDTDSC")).to_series(),
        rows.select(pl.concat_str(sources_of("s_"), "because", separator=" ", ignore_nulls=True).alias("SRCALL"))
        .to_series().replace("", None),
        rows.select(pl.when(none).then(pl.lit("ADSL")).otherwise("s_SRCDOM").alias("SRCDOM")).to_series(),
        pl.lit(path).alias("PROTOCOL"),
    )  # fmt: skip


def _row(rows: pl.DataFrame, view: View, kind: str, outcome: Outcome, code: int | None) -> pl.DataFrame:
    """The variables that differ between outcomes, from the columns of one kind (`e_day`, `e_EVENT`, `e_SRCDOM` ...)."""
    event = pl.col(f"{kind}_EVENT")
    return rows.select(
        SUBJECT,
        "STARTDT",
        pl.col(f"{kind}_day").alias("ADT"),
        imprecision(pl.col(f"{kind}_earliest"), pl.col(f"{kind}_latest")).alias("ADTF"),
        pl.lit(code, pl.Int64).alias("CNSR"),
        pl.lit(outcome.value).alias("EVNTTYPE"),
        event.alias("EVENT"),
        event.replace(dict(view.plan.labels)).alias("EVNTDESC"),
        _no_text().alias("CNSDTDSC"),
        _no_text().alias("REASON"),
        "LEFTDT",
        "RIGHTDT",
        pl.col(f"{kind}_SRCDOM").alias("SRCDOM"),
        pl.col(f"{kind}_SRCSEQ").alias("SRCSEQ"),
        sources_of(f"{kind}_").alias("SRCALL"),
        pl.lit(f"endpoints.{view.plan.id}").alias("PROTOCOL"),
    )


def _not_evaluable(part: pl.DataFrame, view: View) -> pl.DataFrame:
    """No time, and why; what lies before the start is named with its record."""
    told = [
        pl.when(pl.col("e_before"))
        .then(f"e_{name}")
        .when(pl.col("c_before"))
        .then(f"c_{name}")
        .alias(f"n_{name}")
        for name in ("EVENT", *SOURCE)
    ]
    no_days = [
        pl.lit(None, pl.Date).alias(name) for name in ("n_day", "n_earliest", "n_latest", "LEFTDT", "RIGHTDT")
    ]
    rows = _row(part.with_columns(*told, *no_days), view, "n", Outcome.NOT_EVALUABLE, None)
    return rows.with_columns(part["open"].alias("REASON"))


def _undecided(rows: pl.DataFrame) -> pl.DataFrame:
    """A time in doubt is none: nothing of the row but the reason stays."""
    in_doubt = pl.col("doubt").is_not_null()
    emptied = ("ADT", "ADTF", "CNSR", "EVENT", "EVNTDESC", "CNSDTDSC", "LEFTDT", "RIGHTDT", *SOURCE)
    return rows.with_columns(
        *(pl.when(~in_doubt).then(name).alias(name) for name in emptied),
        pl.when(in_doubt).then(pl.lit(Outcome.NOT_EVALUABLE.value)).otherwise("EVNTTYPE").alias("EVNTTYPE"),
        pl.coalesce("doubt", "REASON").alias("REASON"),
    )


def _finished(rows: pl.DataFrame, view: View) -> pl.DataFrame:
    elapsed = (pl.col("ADT") - pl.col("STARTDT")).dt.total_days()
    return rows.select(
        SUBJECT,
        pl.lit(view.plan.id.upper()).alias("PARAMCD"),
        pl.lit(view.plan.endpoint.label).alias("PARAM"),
        pl.lit(view.plan.time_from).alias("TIMEFROM"),
        pl.lit(view.reader, pl.String).alias("READER"),
        pl.when(view.plan.is_own and view.reader == view.chosen_reader).then(pl.lit("Y")).alias("ANL01FL"),
        "STARTDT",
        "ADT",
        "ADTF",
        (elapsed + 1).cast(pl.Float64).alias("AVAL"),
        pl.lit("DAYS").alias("AVALU"),
        *(name for name in ADTTE if name in rows.columns and name not in ("STARTDT", "ADT", "ADTF")),
    )


def _last_look(view: View, bounds: pl.DataFrame) -> pl.DataFrame:
    """The last assessment between two days, of the kind the follow-up ends with."""
    if not view.plan.ends:
        return NOTHING
    return view.select(Selection(view.plan.ends[0].record), bounds)


def _prefixed(record: pl.DataFrame, kind: str) -> pl.DataFrame:
    return record.select(SUBJECT, *(pl.col(name).alias(f"{kind}_{name}") for name in FOUND[1:]))


def _name(at: Selection) -> pl.Expr:
    return pl.lit(at.record.name, pl.String)


def _no_text() -> pl.Expr:
    return pl.lit(None, pl.String)
