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
    "SDIAM": "Target lesions, sum of diameters (mm)",
    "LDIAM": "Target lesion, diameter (mm)",
    "NTSTATE": "Non-target lesion, state",
    "NEWSTATE": "New lesion, state",
}
"""In the order of their rows: sums, then what is told of lesions by their role."""
_PARAMCD, _PARAM = (
    pl.lit(pl.Series(words, dtype=pl.String)) for words in (_PARAMETERS.keys(), _PARAMETERS.values())
)
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
    long = pl.concat([long, courses.courses.select(*COURSE, "is_accepted")[long["course"]]], how="horizontal")
    known = merge_sides(long, (*WHO, "time_point", "order", "lesion"), (*_MEASURES, "AVALC"))
    is_ours = pl.col("is_accepted") & (pl.col("READER") == reader_of(study.protocol))
    fact = fact_of(study.protocol, "recist_response")
    names = pl.lit(courses.records.lesions)
    return (
        known.sort("course", "ADTL", "point", "order", "lesion")  # courses are numbered by subject and reader
        .with_columns(pl.col(SUBJECT).set_sorted())
        .join(study.subjects.select(SUBJECT, *study.identity), on=SUBJECT, how="left", maintain_order="left")
        .join(adsl.select(SUBJECT, "STARTDT"), on=SUBJECT, how="left", maintain_order="left")
        .select(
            *study.identity,
            SUBJECT,
            "READER",
            pl.col("EVALID").replace("", None),
            yes_where(pl.col("is_accepted")).alias("ACPTFL"),
            _PARAMCD.gather("order").alias("PARAMCD"),
            _PARAM.gather("order").alias("PARAM"),
            names.gather("lesion").alias("LNKID"),
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
        order=pl.lit(0),
        ADT=pl.col("last"),
    ).filter(pl.col("NTARGET") > 0)
    measured = courses.rows.select("point", "SRCDOM", "SRCSEQ", "source", "role", "counts")
    measured = measured.filter(pl.col("role") == Role.TARGET, "counts")
    sources = measured.group_by("point", maintain_order=True).agg(*SOURCES)
    return _with_changes(rows.update(sources.drop("SRCDOM"), on="point")).with_columns(
        pl.when(~pl.col("is_complete")).then(pl.lit(Reason.MISSING.value)).alias("REASON"),
        pl.lit(None, pl.String).alias("AVALC"),
        pl.lit(None, pl.Int64).alias("lesion"),
    ).drop("label", "first", "last", "day")  # fmt: skip


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
    lesions, points = courses.lesions, courses.points
    words = {int(state): None if state == State.NOT_ASSESSED else state.word for state in State}
    role, aval = pl.col("role"), pl.col("AVAL")
    baseline = np.full(len(lesions.label), np.nan)
    is_baseline = lesions.points.is_baseline[lesions.at]
    rows = pl.DataFrame(
        {
            "lesion": lesions.label[lesions.lesion],
            "role": lesions.role[lesions.lesion],
            "AVAL": pl.Series(lesions.diameter_mm, nan_to_null=True),
            "AVALC": pl.Series(lesions.state).replace_strict(words, return_dtype=pl.String),
            "is_contradicted": lesions.is_contradicted,
            "ADT": pl.Series(lesions.last_date).cast(pl.Date),
            "is_after": courses.sums.is_follow_up[lesions.at],
        }
    ).with_columns(pl.when((role == Role.TARGET) | (aval > 0)).then("AVAL"))
    baseline[lesions.lesion[is_baseline]] = rows["AVAL"].to_numpy()[is_baseline]
    rows = rows.with_columns(
        BASE=pl.Series(baseline[lesions.lesion], nan_to_null=True), NADIR=pl.lit(None, pl.Float64)
    )
    unknown = pl.col("AVAL").is_null() & pl.col("AVALC").is_null()
    rows = _with_changes(rows).select(
        pl.exclude("role", "is_contradicted"),
        pl.when("is_contradicted").then(pl.lit(Reason.CONFLICT.value))
        .when(unknown).then(pl.lit(Reason.MISSING.value)).alias("REASON"),
        SUMMEAS=pl.lit(None, pl.Float64),
        order=role.cast(pl.Int32) + 1,
    )  # fmt: skip
    at = points.select("course", "point", "time_point", "VISITNUM", "VISIT", "is_baseline")[lesions.at]
    return pl.concat([rows, at, _of_lesions(courses)], how="horizontal")


def _of_lesions(courses: TumourCourses) -> pl.DataFrame:
    """Where the rows of the lesions come from, and where the lesions are: in the order of `courses.lesions`."""
    seen = pl.col("point") * (pl.col("lesion").max() + 1) + pl.col("lesion")
    records = courses.rows.select(seen.alias("seen"), "SRCDOM", "SRCSEQ", "source", "TULOC")
    found = records.sort("seen", maintain_order=True).group_by("seen", maintain_order=True)
    return found.agg(*SOURCES, pl.col("TULOC").first()).drop("seen")
