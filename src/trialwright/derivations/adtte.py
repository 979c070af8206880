"""ADTTE: the time to each event a protocol asks for, and what ended the time where the event was not seen."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.derivations.cohort import CENSORED, EVENT
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.time_outcomes import (
    ENDED,
    Outcome,
    everybody_at_risk,
    first_of_each,
    imprecision,
    sources_of,
    unread,
    with_doubts,
    with_gaps,
    with_outcome,
)
from trialwright.derivations.time_plans import COMPETING, NOT_ASSESSED, Cause, make_time_plans
from trialwright.derivations.time_views import FOUND, KEY, VIEW, Views
from trialwright.derivations.timeline import SOURCE, make_timeline, not_while_alive
from trialwright.protocol.moments import Selection
from trialwright.protocol.references import DEATH
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
    study: Study,
    adsl: pl.DataFrame,
    adevt: pl.DataFrame,
    observations: Mapping[str, pl.DataFrame],
    only: Container[str] | None = None,
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
    observations : mapping of str to DataFrame
        Records of each fact and treatment: `SUBJECT`, `earliest`, `latest` and sources; with `READER`, readings are kept apart.
    only : container of str, optional
        The names of the endpoints wanted, where not all are.

    Returns
    -------
    adtte : DataFrame
        The columns of `ADTTE`. `AVAL` is `ADT - STARTDT + 1` in days. `CNSR` is 0 for the event, 1 where nothing happened up to
        the last assessment, 2 for a competing event, 3 where nothing was looked at after the start, 4 and up for what
        `censoring` names, in its order; null where `EVNTTYPE` is `not evaluable`, with the `REASON`. `TIMEFROM` is the
        moment time is counted from, in the words of the protocol: the endpoint's own, and those that analyses put in
        its place. `ANL01FL` is Y for the endpoint's own moment and reader. The event lies after `LEFTDT` and not after
        `RIGHTDT` (null: not seen); both are the day itself where that is reported and not found by looking. `MAYBEDT` is
        the day since which it may have happened, where an earlier record cannot be judged, or on which it happened and may
        count, where the day is not known of what ended the follow-up.

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
    plans = [plan for plan in make_time_plans(study.loaded) if only is None or plan.id in only]
    names = {name for plan in plans for name in plan.names | plan.read}
    timeline = make_timeline(adsl, _open_at(study.cut, adevt, adsl), observations, names)
    views = Views.of(plans, timeline)
    if not plans:
        return (
            study.subjects.clear()
            .select(*study.identity, SUBJECT)
            .with_columns(pl.lit(None, kind).alias(name) for name, kind in ADTTE.items())
        )
    return (
        _derive(views, adsl)
        .join(study.subjects, on=SUBJECT, maintain_order="left")
        .select(*study.identity, SUBJECT, *(pl.col(name).cast(kind) for name, kind in ADTTE.items()))
    )


def _open_at(cut: date | None, adevt: pl.DataFrame, adsl: pl.DataFrame) -> pl.DataFrame:
    """Events as they are known at a data cut: what may lie after it may not have happened yet.

    A death that is open so lies after the last day known alive, on which the time is censored.
    """
    if cut is None:
        return adevt
    is_open = (pl.col("AVALC") == "met") & (pl.col("ADTH") > cut).fill_null(value=False)
    alive = adsl.select(SUBJECT, after_life=pl.col("LSTALVDT") + pl.duration(days=1))
    since = not_while_alive("ADTL", "ADTH", "after_life")
    return adevt.join(alive, on=SUBJECT, how="left", maintain_order="left").with_columns(
        AVALC=pl.when(is_open).then(pl.lit("unknown")).otherwise("AVALC"),
        REASON=pl.when(is_open).then(pl.lit(Reason.IMPRECISE_DATE.value)).otherwise("REASON"),
        ADTL=pl.when(is_open & (pl.col("EVENT") == DEATH)).then(since).otherwise("ADTL"),
    )


def _derive(views: Views, adsl: pl.DataFrame) -> pl.DataFrame:
    """The rows of every endpoint, moment and reader, in the order of subjects."""
    people = everybody_at_risk(views, adsl)
    frame = first_of_each(views, people).with_columns(pl.col("last").alias("upper"))
    frame = with_gaps(with_outcome(frame.join(unread(views), on=KEY, how="left")), views)
    came = frame.partition_by("outcome", as_dict=True)
    nobody = frame.clear()
    parts = [
        _event(came.get((Outcome.EVENT,), nobody), views),
        _competing(came.get((Outcome.COMPETING,), nobody), views),
        _ended(came.get((ENDED,), nobody), views),
        *_nothing(came.get((Outcome.CENSORED,), nobody), views),
        _not_evaluable(came.get((Outcome.NOT_EVALUABLE,), nobody)),
    ]
    rows = pl.concat(parts).sort(views.place)
    return _finished(_undecided(with_doubts(rows, people, views)), views)


# --- the rows of each outcome --------------------------------------------------------------------------------------------


def _event(part: pl.DataFrame, views: Views) -> pl.DataFrame:
    is_reported = pl.col("e_EVENT").is_in(views.reported)
    upper = pl.col("e_earliest") - pl.duration(days=1)
    rows = _with_last_look(part, "e", upper, views).with_columns(
        pl.when(is_reported).then(pl.min_horizontal("e_earliest", "e_day"))
        .otherwise(pl.coalesce("looked", "STARTDT")).alias("LEFTDT"),
        pl.col("e_latest").alias("RIGHTDT"),
    )  # fmt: skip
    return _row(rows, "e", Outcome.EVENT, pl.lit(EVENT))


def _competing(part: pl.DataFrame, views: Views) -> pl.DataFrame:
    """What competes ends the chance of the event; that it had not happened is known up to the last look only."""
    rows = _with_last_look(part, "c", pl.col("c_day"), views).with_columns(
        pl.coalesce("looked", "STARTDT").alias("LEFTDT"), pl.lit(None, pl.Date).alias("RIGHTDT")
    )
    return _row(rows, "c", Outcome.COMPETING, pl.lit(COMPETING))


def _ended(part: pl.DataFrame, views: Views) -> pl.DataFrame:
    """Follow-up ended before anything counted: by an event, or as nobody looked for too long."""
    causes = [(view, n, cause) for view, plan in views.plans for n, cause in enumerate(plan.enders)]
    rows = part.with_columns(n=pl.col("cause").cast(pl.Int64))
    bounds = rows.select(*KEY, "n", "upper", lower="STARTDT")
    records = views.select(((view, n, cause.at) for view, n, cause in causes), bounds)
    says = [
        (view, n, cause.code, cause.text, _without(views, view, cause), cause.path, cause.gap is not None)
        for view, n, cause in causes
    ]
    rows = rows.join(_prefixed(records), on=[*KEY, "n"], how="left").join(
        pl.DataFrame(says, schema={**_SAYS, "is_gap": pl.Boolean}, orient="row"), on=[VIEW, "n"]
    )
    is_after_event = pl.col("ender") == pl.col("e_EVENT")
    after = pl.when(is_after_event).then(sources_of("e_")).otherwise(sources_of("c_"))
    return _censored(
        rows.with_columns(
            pl.when("is_gap").then("ender").otherwise("z_EVENT").alias("s_EVENT"),
            pl.when("is_gap").then(after).otherwise(sources_of("z_")).alias("because"),
            pl.when(~pl.col("is_gap") & (pl.col("e_day") <= pl.col("z_latest")))
            .then("e_day")
            .alias("or_day"),
        )
    )


def _nothing(part: pl.DataFrame, views: Views) -> Iterator[pl.DataFrame]:
    """Nothing happened: follow-up ends with the last look, or on the first day if there was none."""
    ends = [(view, n, at) for view, plan in views.plans for n, at in enumerate(plan.ends)]
    records = views.select(ends, part.select(*KEY, "upper", lower="STARTDT"))
    first = _prefixed(records).sort("n").unique(KEY, keep="first")
    says: list[tuple[Any, ...]] = []
    for view, n, at in ends:
        plan, label = views.every[view].plan, views.every[view].plan.label(at.record.name or "")
        path = f"endpoints.{plan.id}"
        last = f"last {label.removeprefix('last ').removeprefix('Last ')}"
        says.append((view, n, CENSORED, f"No event up to the {last}", None, path, at.record.name))
        if n == 0:
            says.append(
                (view, _NONE, NOT_ASSESSED, None, f"No {label} after the start", path, at.record.name)
            )
    told = pl.DataFrame(says, schema={**_SAYS, "s_EVENT": pl.String}, orient="row")
    rows = part.select(*KEY, "STARTDT").join(first, on=KEY, how="left")
    rows = rows.with_columns(pl.col("n").fill_null(_NONE), because=_no_text())
    yield _censored(rows.join(told, on=[VIEW, "n"]))
    endless = part.join(told, on=VIEW, how="anti")
    yield _not_evaluable(endless.with_columns(pl.lit(Reason.MISSING.value).alias("open")))


_NONE = -1
"""The number of the record with which follow-up ends, where there is none."""
_SAYS: Mapping[str, Any] = MappingProxyType(
    {
        VIEW: pl.UInt32,
        "n": pl.Int64,
        "code": pl.Int64,
        "text": pl.String,
        "without": pl.String,
        "path": pl.String,
    }
)
"""What is said of somebody censored at a record: the code, the text, the text where there is no record, and the element."""


def _without(views: Views, view: int, cause: Cause) -> str:
    return f"{cause.text}; no {views.every[view].plan.label(cause.at.record.name or '')} before it"


def _censored(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows censored at the record found (`s_...`), or on the first day where there is none."""
    none, day = pl.col("s_earliest").is_null(), pl.coalesce("s_earliest", "STARTDT")
    rows = rows.with_columns(s_day=day, LEFTDT=day, RIGHTDT=pl.lit(None, pl.Date))
    if "or_day" not in rows.columns:
        rows = rows.with_columns(or_day=pl.lit(None, pl.Date))
    because = pl.concat_str(sources_of("s_"), "because", separator=" ", ignore_nulls=True)
    return _row(
        rows, "s", Outcome.CENSORED, pl.col("code"),
        CNSDTDSC=pl.when(none).then("without").otherwise("text"),
        SRCALL=because.replace("", None),
        SRCDOM=pl.when(none).then(pl.lit("ADSL")).otherwise("s_SRCDOM"),
        PROTOCOL=pl.col("path"),
        or_day=pl.col("or_day"),
    )  # fmt: skip


def _row(rows: pl.DataFrame, kind: str, outcome: Outcome, code: pl.Expr, **others: pl.Expr) -> pl.DataFrame:
    """The variables that differ between outcomes, from the columns of one kind (`e_day`, `e_EVENT`, `e_SRCDOM` ...)."""
    told = {
        "ADT": pl.col(f"{kind}_day"),
        "ADTF": imprecision(pl.col(f"{kind}_earliest"), pl.col(f"{kind}_latest")),
        "CNSR": code.cast(pl.Int64),
        "EVNTTYPE": pl.lit(outcome.value),
        "EVENT": pl.col(f"{kind}_EVENT"),
        "CNSDTDSC": _no_text(),
        "REASON": _no_text(),
        "LEFTDT": pl.col("LEFTDT"),
        "RIGHTDT": pl.col("RIGHTDT"),
        "SRCDOM": pl.col(f"{kind}_SRCDOM"),
        "SRCSEQ": pl.col(f"{kind}_SRCSEQ"),
        "SRCALL": sources_of(f"{kind}_"),
        "PROTOCOL": _no_text(),
        "or_day": pl.lit(None, pl.Date),
    }
    return rows.select(*KEY, "STARTDT", **(told | others))


def _not_evaluable(part: pl.DataFrame) -> pl.DataFrame:
    """No time, and why; what lies before the start is named with its record."""
    told = [
        pl.when("e_before").then(f"e_{name}").when("c_before").then(f"c_{name}").alias(f"n_{name}")
        for name in ("EVENT", *SOURCE)
    ]
    no_days = [
        pl.lit(None, pl.Date).alias(name) for name in ("n_day", "n_earliest", "n_latest", "LEFTDT", "RIGHTDT")
    ]
    rows = part.with_columns(*told, *no_days)
    return _row(rows, "n", Outcome.NOT_EVALUABLE, pl.lit(None), REASON=pl.col("open"))


def _undecided(rows: pl.DataFrame) -> pl.DataFrame:
    """A time in doubt is none: nothing of the row but the reason stays."""
    in_doubt = pl.col("doubt").is_not_null()
    emptied = ("ADT", "ADTF", "CNSR", "EVENT", "CNSDTDSC", "LEFTDT", "RIGHTDT", *SOURCE)
    return rows.with_columns(
        *(pl.when(~in_doubt).then(name).alias(name) for name in emptied),
        pl.when(in_doubt).then(pl.lit(Outcome.NOT_EVALUABLE.value)).otherwise("EVNTTYPE").alias("EVNTTYPE"),
        pl.coalesce("doubt", "REASON").alias("REASON"),
    )


def _finished(rows: pl.DataFrame, views: Views) -> pl.DataFrame:
    says = pl.DataFrame(
        [
            (
                number, view.plan.id.upper(), view.plan.endpoint.label, view.plan.time_from, view.reader,
                "Y" if view.plan.is_own and view.is_chosen else None, f"endpoints.{view.plan.id}",
            )
            for number, view in enumerate(views.every)
        ],
        schema={VIEW: pl.UInt32, **{name: ADTTE[name] for name in _OF_VIEW}, "path": pl.String}, orient="row",
    )  # fmt: skip
    elapsed = (pl.col("ADT") - pl.col("STARTDT")).dt.total_days()
    return rows.join(says, on=VIEW, maintain_order="left").with_columns(
        EVNTDESC=pl.col("EVENT").replace(dict(views.every[0].plan.labels)),
        AVAL=(elapsed + 1).cast(pl.Float64),
        AVALU=pl.lit("DAYS"),
        PROTOCOL=pl.coalesce("PROTOCOL", "path"),
    )


_OF_VIEW = ("PARAMCD", "PARAM", "TIMEFROM", "READER", "ANL01FL")


def _with_last_look(part: pl.DataFrame, kind: str, upper: pl.Expr, views: Views) -> pl.DataFrame:
    """What is told of one kind, with the last assessment after the start and up to a day (`looked`), of those the follow-up
    ends with."""
    asked = ((view, 0, Selection(plan.ends[0].record)) for view, plan in views.plans if plan.ends)
    last = views.select(asked, part.select(*KEY, lower="STARTDT", upper=upper))
    told = part.select(*KEY, "STARTDT", pl.selectors.starts_with(f"{kind}_"))
    return told.join(last.select(*KEY, looked="earliest"), on=KEY, how="left")


def _prefixed(records: pl.DataFrame) -> pl.DataFrame:
    return records.select(*KEY, "n", pl.col(FOUND).name.prefix("s_"))


def _no_text() -> pl.Expr:
    return pl.lit(None, pl.String)
