"""ADTR: target diameters and their sums, non-target and new lesions, by reader and time point."""

from __future__ import annotations

import numpy as np
import polars as pl

from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.tumour_courses import (
    COURSE,
    DATES,
    SOURCES,
    TumourCourses,
    merge_sides,
    yes_where,
)
from trialwright.derivations.tumour_records import WHO
from trialwright.derivations.tumour_settings import courses_of, fact_of, reader_of
from trialwright.medicine.recist.responses import Role, State
from trialwright.vocabulary.verdicts import Reason

_PARAMETERS = {
    "LDIAM": "Target lesion, diameter (mm)",
    "SDIAM": "Target lesions, sum of diameters (mm)",
    "NTSTATE": "Non-target lesion, state",
    "NEWSTATE": "New lesion, state",
}
_LESIONS = {Role.TARGET: "LDIAM", Role.NON_TARGET: "NTSTATE", Role.NEW: "NEWSTATE"}
_MEASURES = ("AVAL", "BASE", "CHG", "PCHG", "NADIR", "CHGNAD", "PCHGNAD", "SUMMEAS")


def derive_adtr(study: Study, adsl: pl.DataFrame, courses: TumourCourses | None = None) -> pl.DataFrame:
    """One row a subject, reader, time point and lesion, and one a time point for the sum of its targets.

    Parameters
    ----------
    study : Study
    adsl : DataFrame
        `SUBJECT` and `STARTDT`.
    courses : TumourCourses, optional
        `courses_of(study, adsl)`, where they are there already.

    Returns
    -------
    adtr : DataFrame
        `PARAMCD` is `LDIAM` (diameter of a target, of nodes the short axis; `LNKID` names it), `SDIAM` (sum), `NTSTATE` or
        `NEWSTATE`. Lengths in mm. `AVAL` of a sum is there only where every target of the baseline was measured
        (`ANL01FL` Y); `SUMMEAS` is the sum of those measured, `NMEAS` of `NTARGET`. `NADIR` is the smallest complete
        sum before, that of the baseline included. Percentages are not rounded. `REASON` tells why `AVAL` or `AVALC` is
        null. `ANL02FL` is Y for the reader that the protocol counts, `ACPTFL` for the one that counts of each kind.
    """
    courses = courses_of(study, adsl) if courses is None else courses
    long = pl.concat([_lesion_rows(courses), _sum_rows(courses)], how="diagonal_relaxed")
    long = long.join(
        courses.courses.select("course", *COURSE, "is_accepted"), on="course", maintain_order="left"
    )
    known = merge_sides(long, (*WHO, "time_point", "PARAMCD", "LNKID"), (*_MEASURES, "AVALC"))
    is_ours = pl.col("is_accepted") & (pl.col("READER") == reader_of(study.protocol))
    fact = fact_of(study.protocol, "recist_response")
    return (
        known.join(study.subjects.select(SUBJECT, *study.identity), on=SUBJECT)
        .join(adsl.select(SUBJECT, "STARTDT"), on=SUBJECT, how="left")
        .sort(SUBJECT, "READER", "EVALID", "ADTL", "point", "order", "LNKID", nulls_last=True)
        .select(
            *study.identity,
            SUBJECT,
            "READER",
            pl.col("EVALID").replace("", None),
            yes_where(pl.col("is_accepted")).alias("ACPTFL"),
            "PARAMCD",
            pl.col("PARAMCD").replace_strict(_PARAMETERS, return_dtype=pl.String).alias("PARAM"),
            "LNKID",
            "TULOC",
            "VISITNUM",
            "VISIT",
            *DATES,
            *_MEASURES,
            "AVALC",
            "NTARGET",
            "NMEAS",
            "REASON",
            yes_where(pl.col("is_baseline")).alias("ABLFL"),
            yes_where(pl.col("is_complete")).alias("ANL01FL"),
            yes_where(is_ours).alias("ANL02FL"),
            "SRCDOM",
            "SRCSEQ",
            "SRCALL",
            pl.lit(fact and f"facts.{fact}", pl.String).alias("PROTOCOL"),
        )
    )


def _sum_rows(courses: TumourCourses) -> pl.DataFrame:
    sums = courses.sums
    total, base, nadir = (
        pl.Series(values, nan_to_null=True)
        for values in (np.where(sums.is_complete, sums.sum_mm, np.nan), sums.baseline_mm, sums.nadir_mm)
    )
    rows = courses.points.with_columns(
        AVAL=total,
        BASE=base,
        NADIR=nadir,
        SUMMEAS=pl.Series(sums.sum_mm, nan_to_null=True),
        NTARGET=pl.Series(sums.n_targets),
        NMEAS=pl.Series(sums.n_measured),
        is_complete=pl.Series(sums.is_complete),
        is_after=pl.Series(sums.is_follow_up),
        PARAMCD=pl.lit("SDIAM"),
        order=pl.lit(0),
        ADT=pl.col("last"),
    ).filter(pl.col("NTARGET") > 0)
    measured = courses.rows.select("point", "SRCDOM", "SRCSEQ", "role", "counts")
    measured = measured.filter(pl.col("role") == Role.TARGET, "counts").sort("point", "SRCSEQ")
    sources = (
        measured.group_by("point", maintain_order=True)
        .agg(*SOURCES)
        .rename({"SRCALL": "theirs", "SRCSEQ": "own"})
    )
    return _with_changes(
        rows.join(sources.drop("SRCDOM"), on="point", how="left", maintain_order="left").with_columns(
            pl.coalesce("own", "SRCSEQ").alias("SRCSEQ"), pl.coalesce("theirs", "SRCALL").alias("SRCALL")
        )
    ).with_columns(
        pl.when(~pl.col("is_complete")).then(pl.lit(Reason.MISSING.value)).alias("REASON"),
        pl.lit(None, pl.String).alias("AVALC"),
        pl.lit(None, pl.String).alias("LNKID"),
    ).drop("own", "theirs", "label", "first", "last", "day")  # fmt: skip


def _with_changes(rows: pl.DataFrame) -> pl.DataFrame:
    """Changes from baseline and nadir; a percentage of 0 mm is none, and before the baseline there is no change."""
    aval, is_after = pl.col("AVAL"), pl.col("is_after")

    def change(reference: str) -> pl.Expr:
        return pl.when(is_after).then(aval - pl.col(reference))

    def percent(reference: str) -> pl.Expr:
        return pl.when(pl.col(reference) > 0).then(100 * change(reference) / pl.col(reference))

    return rows.with_columns(
        CHG=change("BASE"), PCHG=percent("BASE"), CHGNAD=change("NADIR"), PCHGNAD=percent("NADIR")
    )


def _lesion_rows(courses: TumourCourses) -> pl.DataFrame:
    lesions = courses.lesions
    words = {int(state): None if state == State.NOT_ASSESSED else state.word for state in State}
    rows = pl.DataFrame(
        {
            "point": lesions.at,
            "lesion": lesions.label[lesions.lesion],
            "number": lesions.lesion,
            "role": lesions.role[lesions.lesion],
            "AVAL": pl.Series(lesions.diameter_mm, nan_to_null=True),
            "AVALC": pl.Series(lesions.state).replace_strict(words, return_dtype=pl.String),
            "is_contradicted": lesions.is_contradicted,
            "ADT": pl.Series(lesions.last_date).cast(pl.Date),
        }
    ).with_columns(
        courses.records.lesions.gather(lesions.label[lesions.lesion]).alias("LNKID"),
        pl.col("role").replace_strict({int(role): code for role, code in _LESIONS.items()}).alias("PARAMCD"),
        pl.when((pl.col("role") == Role.TARGET) | (pl.col("AVAL") > 0)).then("AVAL").alias("AVAL"),
        pl.col("role").cast(pl.Int32).add(1).alias("order"),
    )
    records = courses.rows.select("point", "lesion", "SRCDOM", "SRCSEQ", "TULOC")
    found = records.sort("point", "SRCDOM", "SRCSEQ").group_by("point", "lesion", maintain_order=True)
    points = courses.points.select(
        "course", "point", "time_point", "VISITNUM", "VISIT", "is_baseline"
    ).with_columns(is_after=pl.Series(courses.sums.is_follow_up))
    rows = rows.join(points, on="point", maintain_order="left").join(
        found.agg(*SOURCES, pl.col("TULOC").first()),
        on=["point", "lesion"],
        how="left",
        maintain_order="left",
    )
    at_baseline = rows.filter("is_baseline").select("number", pl.col("AVAL").alias("BASE"))
    rows = rows.join(at_baseline, on="number", how="left", maintain_order="left")
    unknown = pl.col("AVAL").is_null() & pl.col("AVALC").is_null()
    return _with_changes(rows.with_columns(NADIR=pl.lit(None, pl.Float64))).with_columns(
        pl.when("is_contradicted").then(pl.lit(Reason.CONFLICT.value))
        .when(unknown).then(pl.lit(Reason.MISSING.value)).alias("REASON"),
        SUMMEAS=pl.lit(None, pl.Float64),
    ).drop("lesion", "number", "role", "is_contradicted")  # fmt: skip
