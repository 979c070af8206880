"""ADEX: each dose of a study treatment beside what the protocol planned, and what a person got in all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from trialwright.derivations.doses import is_one_a_day, read_doses
from trialwright.derivations.known_columns import study_day, yes, yes_no
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.timeline import moved
from trialwright.protocol.categories import treatment_words
from trialwright.protocol.model import Treatment
from trialwright.protocol.quantities import Quantity
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.units import conversion_factor
from trialwright.vocabulary.verdicts import Reason

LONG_GAP_DAYS = 14
"""A gap longer than this is counted apart (`NGAP14`), as the deviation of an analogue interrupted is written."""

DOSES: Mapping[str, Any] = {
    "PARAMCD": pl.String, "PARAM": pl.String, "TREATMENT": pl.String, "ADT": pl.Date, "ADTL": pl.Date, "ADTH": pl.Date,
    "ADY": pl.Int64, "AENDT": pl.Date, "ONGOFL": pl.String, "GIVENFL": pl.String, "DOSENO": pl.Int64, "AVAL": pl.Float64,
    "AVALU": pl.String, "PLANDOSE": pl.Float64, "DOSEPCT": pl.Float64, "PLANDT": pl.Date, "INTERVAL": pl.Int64,
    "DELAYD": pl.Int64, "TIMING": pl.String, "NSKIP": pl.Int64, "LONGFL": pl.String, "GAPD": pl.Int64, "DOSEADJ": pl.String,
    "REASON": pl.String, "SRCDOM": pl.String, "SRCSEQ": pl.Int64, "SRCALL": pl.String, "PROTOCOL": pl.String,
}  # fmt: skip


def derive_adex(study: Study, adsl: pl.DataFrame) -> pl.DataFrame:
    """One row a record of a study treatment; records of one day of a treatment at an interval are one dose, and one row.

    Parameters
    ----------
    study : Study
    adsl : DataFrame
        `SUBJECT`, `STARTDT`, `LSTALVDT`.

    Returns
    -------
    adex : DataFrame
        `PARAMCD` is `DOSE` for treatments with an interval between doses (`every`) and `SPAN` for others. Of a dose: its
        number among those given (`DOSENO`), the amount (`AVAL`, in the unit of the protocol) and its share of the plan in per
        cent, `INTERVAL` (days since the dose before), `PLANDT` (when it was due, counted from the dose before) and
        `DELAYD`, `TIMING` (first, early, on time, late, after a skipped dose), `NSKIP` (doses skipped before it), `LONGFL` (a
        pause longer than the protocol lets). A dose that was not given has `GIVENFL` N and its reason in `DOSEADJ`. Of a
        span: its last day, and `GAPD`, the days without it since all earlier spans ended. `REASON` tells why a day or an
        amount is not known.
    """
    doses = read_doses(study, adsl)
    parts = [
        _rows(
            doses.filter(pl.col("treatment") == name),
            name,
            treatment_words(study.protocol, name)[0],
            treatment,
        )
        for name, treatment in study.protocol.treatments.items()
    ]
    rows = pl.concat([pl.DataFrame(schema={SUBJECT: pl.Int64, **DOSES}), *parts])
    return (
        rows.drop("ADY")
        .join(adsl.select(SUBJECT, "STARTDT"), on=SUBJECT, how="left", maintain_order="left")
        .with_columns(study_day(pl.col("ADT"), pl.col("STARTDT")).alias("ADY"))
        .join(study.subjects.select(SUBJECT, *study.identity), on=SUBJECT, maintain_order="left")
        .select(*study.identity, SUBJECT, *DOSES)
    )


def _rows(doses: pl.DataFrame, name: str, label: str, treatment: Treatment) -> pl.DataFrame:
    first, last = pl.col("earliest").dt.date(), pl.col("latest").dt.date()
    rows = doses.with_columns(
        pl.when(first == last).then(first).alias("ADT"),
        first.alias("ADTL"),
        last.alias("ADTH"),
        pl.lit(name).alias("TREATMENT"),
        pl.lit(label).alias("PARAM"),
        yes_no(pl.col("is_given")).alias("GIVENFL"),
        yes(pl.col("is_ongoing")).alias("ONGOFL"),
        pl.col("end_latest").dt.date().alias("AENDT"),
        pl.col("reason").alias("DOSEADJ"),
        pl.format("{}.{}", "SRCDOM", "SRCSEQ").alias("SRCALL"),
        pl.lit(f"treatments.{name}").alias("PROTOCOL"),
    )
    rows = _with_amounts(rows, treatment.dose)
    if is_one_a_day(treatment):
        rows = _one_a_day(rows)
    rows = _scheduled(rows, treatment, treatment.every) if treatment.every else _spans(rows)
    missing = [
        pl.lit(None, kind).alias(column) for column, kind in DOSES.items() if column not in rows.columns
    ]
    return rows.with_columns(missing).select(SUBJECT, *DOSES).cast(pl.Schema({SUBJECT: pl.Int64, **DOSES}))


def _with_amounts(rows: pl.DataFrame, planned: Quantity | None) -> pl.DataFrame:
    """The amount in the unit of the protocol; null and `unit unknown` where it cannot be converted."""
    unit = str(planned.unit) if planned else None
    units = rows["unit"].unique().drop_nulls()
    factors = {text: _factor(text, unit) for text in units} if planned else dict.fromkeys(units, 1.0)
    factor = pl.col("unit").replace_strict(factors, default=None, return_dtype=pl.Float64)
    amount = pl.when(pl.col("is_given")).then(pl.col("dose") * factor).otherwise(0.0)
    plan = pl.lit(float(planned.number) if planned else None, pl.Float64)
    return rows.with_columns(
        amount.alias("AVAL"),
        (pl.lit(unit) if unit else pl.col("unit")).alias("AVALU"),
        plan.alias("PLANDOSE"),
    ).with_columns(
        pl.when("is_given").then(100 * pl.col("AVAL") / pl.col("PLANDOSE")).alias("DOSEPCT"),
        pl.when(pl.col("AVAL").is_not_null())
        .then(pl.when(pl.col("ADT").is_null()).then(_why_no_day()))
        .when(pl.col("dose").is_null())
        .then(pl.lit(Reason.MISSING.value))
        .otherwise(pl.lit(Reason.UNIT_UNKNOWN.value))
        .alias("REASON"),
    )


def _one_a_day(rows: pl.DataFrame) -> pl.DataFrame:
    """Records of one day as the one dose they are.

    Records that clock times tell apart are parts of it, and add up. Others of one amount are one that was written twice, if
    together they are more than the plan. Else nobody can tell how much was given: two halves and half a dose written twice look
    alike, and of amounts that differ one may correct the other (`conflict`).
    """
    key = [SUBJECT, "ADT"]
    is_dose = pl.col("is_given") & pl.col("ADT").is_not_null()
    is_one_of_several = is_dose & (pl.len().over(*key, "is_given") > 1)
    several = rows.filter(is_one_of_several)
    if several.is_empty():
        return rows
    amount = pl.col("AVAL")
    is_apart = (pl.col("earliest") > pl.col("latest").shift()).fill_null(value=True).all()
    is_alike = amount.eq_missing(amount.first()).all()
    total = pl.when(amount.is_not_null().all()).then(amount.sum())
    is_too_much = (total > pl.col("PLANDOSE").first() * _A_LITTLE_MORE).fill_null(value=True)
    told = (
        pl.when(is_apart).then(pl.struct(AVAL=total, REASON=pl.col("REASON").drop_nulls().first()))
        .when(is_alike & is_too_much).then(pl.struct(AVAL=amount.first(), REASON=pl.col("REASON").first()))
        .otherwise(pl.struct(AVAL=pl.lit(None, pl.Float64), REASON=pl.lit(Reason.CONFLICT.value)))
    )  # fmt: skip
    added = several.group_by(key, maintain_order=True).agg(
        pl.all().exclude(*key, "AVAL", "REASON", "DOSEADJ", "SRCALL").first(),
        told.alias("told"),
        pl.col("DOSEADJ").drop_nulls().first(),
        pl.col("SRCALL").str.join(" "),
    )
    share = pl.when(pl.col("AVAL").is_not_null()).then(100 * pl.col("AVAL") / pl.col("PLANDOSE"))
    added = added.unnest("told").with_columns(DOSEPCT=share).select(rows.columns)
    return pl.concat([rows.filter(~is_one_of_several), added]).sort(
        SUBJECT, "earliest", "latest", "SRCDOM", "SRCSEQ", nulls_last=True, maintain_order=True
    )


_A_LITTLE_MORE = 1 + 1e-9
"""What a conversion of units may add."""


def _why_no_day() -> pl.Expr:
    return (
        pl.when(pl.col("earliest").is_null())
        .then(pl.lit(Reason.MISSING.value))
        .otherwise(pl.lit(Reason.IMPRECISE_DATE.value))
    )


def _factor(unit: str, planned: str | None) -> float | None:
    try:
        return float(conversion_factor(unit, str(planned)))
    except ValueError:
        return None


# --- doses at an interval -----------------------------------------------------------------------------------------------


def _scheduled(rows: pl.DataFrame, treatment: Treatment, every: Duration) -> pl.DataFrame:
    """Doses beside the day they were due: counted from the actual dose before."""
    given = pl.col("is_given").cast(pl.Int64)
    previous = pl.when("is_given").then(pl.col("ADT")).forward_fill().shift(1).over(SUBJECT)
    # a dose whose day is not known may lie between any two that it may follow
    is_undated = pl.col("is_given") & pl.col("ADT").is_null()
    undated_until = pl.when(is_undated).then(pl.col("ADTH")).cum_max().forward_fill().shift(1).over(SUBJECT)
    is_anywhere = (is_undated & pl.col("ADTL").is_null()).any().over(SUBJECT)
    is_sure = ~is_anywhere & (undated_until < previous).fill_null(value=True)
    rows = rows.with_columns(
        pl.lit("DOSE").alias("PARAMCD"),
        pl.when("is_given").then(given.cum_sum().over(SUBJECT)).alias("DOSENO"),
        pl.when(is_sure).then(previous).alias("previous"),
        (given.cum_sum().over(SUBJECT) > given).alias("has_previous"),
    )
    since = (pl.col("ADT") - pl.col("previous")).dt.total_days()
    rows = rows.with_columns(
        since.alias("INTERVAL"), moved(pl.col("previous"), every).alias("PLANDT")
    ).with_columns((pl.col("ADT") - pl.col("PLANDT")).dt.total_days().alias("DELAYD"))
    late, early, skipped, hold = (
        None if one is None else one.days
        for one in (
            treatment.tolerance,
            treatment.least_interval,
            treatment.skipped_after,
            treatment.longest_hold,
        )
    )
    delay, interval = pl.col("DELAYD"), pl.col("INTERVAL")
    if skipped is not None and every.days is not None:
        count = pl.max_horizontal((interval - skipped + every.days - 1).floordiv(every.days) - 1, 0)
        rows = rows.with_columns(pl.when(interval.is_not_null()).then(count).alias("NSKIP"))
    else:
        rows = rows.with_columns(pl.lit(None, pl.Int64).alias("NSKIP"))
    is_early = (interval < early) if early is not None else pl.lit(value=False)
    is_early |= (delay < -late) if late is not None else pl.lit(value=False)
    timing = (
        pl.when(~pl.col("has_previous")).then(pl.lit("first"))
        .when(delay.is_null()).then(None)
        .when(pl.col("NSKIP") > 0).then(pl.lit("after a skipped dose"))
        .when(is_early).then(pl.lit("early"))
        .when(delay > (late or 0)).then(pl.lit("late"))
        .otherwise(pl.lit("on time"))
    )  # fmt: skip
    return rows.with_columns(
        pl.when("is_given").then(timing).alias("TIMING"),
        yes((interval > hold) & pl.col("is_given")).alias("LONGFL") if hold is not None else pl.lit(None, pl.String).alias("LONGFL"),
        *(pl.when("is_given").then(name).alias(name) for name in ("INTERVAL", "DELAYD", "NSKIP")),
        pl.lit(None, pl.Date).alias("AENDT"),
    )  # fmt: skip


# --- treatment without pause --------------------------------------------------------------------------------------------


def _spans(rows: pl.DataFrame) -> pl.DataFrame:
    """Spans of treatment and the days between them."""
    is_exact = pl.col("ADT").is_not_null() & (
        pl.col("end_earliest").dt.date() == pl.col("end_latest").dt.date()
    )
    reached = (
        pl.when(pl.col("is_given")).then(pl.col("AENDT")).cum_max().forward_fill().shift(1).over(SUBJECT)
    )
    gap = (pl.col("ADT") - reached).dt.total_days() - 1
    return rows.with_columns(
        pl.lit("SPAN").alias("PARAMCD"),
        pl.when(pl.col("is_given") & is_exact).then(pl.max_horizontal(gap, 0)).alias("GAPD"),
        pl.when(pl.col("end_earliest").dt.date() == pl.col("end_latest").dt.date())
        .then("AENDT")
        .alias("AENDT"),
    )
