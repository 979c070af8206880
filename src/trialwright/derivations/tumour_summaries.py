"""One row a course of what needs no endpoint: first progression, last assessment, measurable disease at baseline."""

from __future__ import annotations

import numpy as np
import polars as pl

from trialwright.derivations.best_responses import NO_END
from trialwright.derivations.tumour_courses import TumourCourses
from trialwright.derivations.tumour_responses import IRECIST, OVERALL
from trialwright.medicine.recist.responses import Response
from trialwright.vocabulary.verdicts import Reason

_SOURCE = ("SRCDOM", "SRCSEQ", "SRCALL")
_WHY = pl.when(pl.col("AVALC").is_null()).then(pl.lit(Reason.MISSING.value)).alias("REASON")


def derive_summaries(
    courses: TumourCourses, everybody: pl.DataFrame, responses: pl.DataFrame
) -> pl.DataFrame:
    """PD, LSTA, MDIS and IPD.

    Parameters
    ----------
    courses : TumourCourses
    everybody : DataFrame
        As `best_responses.everybody` gives it.
    responses : DataFrame
        As `derive_responses` gives them.

    Returns
    -------
    rows : DataFrame
        `PD` Y with the date of the first progression; N needs an assessment that could be judged, else it is null.
        `LSTA`: the last overall response. `MDIS`: whether a target was followed at baseline, null without a baseline.
        `IPD`: CONFIRMED or UNCONFIRMED with the first assessment of a progression by iRECIST that was not taken
        back, where lesions tell.
    """
    told = responses.filter(pl.col("PARAMCD") == OVERALL).sort("course", "ADT", "at")
    parts = [
        _first_progression(everybody, told),
        _last_assessment(everybody, told),
        _measurable(everybody, courses),
        _immune_progressions(courses),
    ]
    return pl.concat(
        [part.with_columns(_WHY, *NO_END) for part in parts], how="diagonal_relaxed"
    )  # fmt: skip


def _first_progression(everybody: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    progressed = told.filter(pl.col("AVALC") == Response.PD.word)
    first = progressed.group_by("course", maintain_order=True).agg(pl.col("ADT", *_SOURCE).first())
    judged = told.filter(pl.col("AVALC") != Response.NE.word)["course"].unique()
    answer = (
        pl.when(pl.col("ADT").is_not_null()).then(pl.lit("Y"))
        .when(pl.col("course").is_in(judged.implode())).then(pl.lit("N"))
    )  # fmt: skip
    rows = everybody.select("course").join(first, on="course", how="left", maintain_order="left")
    return rows.with_columns(answer.alias("AVALC"), PARAMCD=pl.lit("PD"))


def _last_assessment(everybody: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    last = told.group_by("course", maintain_order=True).agg(pl.col("AVALC", "ADT", *_SOURCE).last())
    rows = everybody.select("course").join(last, on="course", how="left", maintain_order="left")
    return rows.with_columns(PARAMCD=pl.lit("LSTA"))


def _measurable(everybody: pl.DataFrame, courses: TumourCourses) -> pl.DataFrame:
    has_targets = pl.Series(courses.sums.n_targets > 0)
    baseline = (
        courses.points.with_columns(has_targets.alias("has_targets")).filter("is_baseline")
        .select("course", pl.col("last").alias("ADT"), *_SOURCE[:2], "SRCALL",
                pl.when("has_targets").then(pl.lit("Y")).otherwise(pl.lit("N")).alias("AVALC"))
    )  # fmt: skip
    rows = everybody.select("course").join(baseline, on="course", how="left", maintain_order="left")
    return rows.with_columns(PARAMCD=pl.lit("MDIS"))


def _immune_progressions(courses: TumourCourses) -> pl.DataFrame:
    reported = courses.records.responses.filter(pl.col("fact") == IRECIST).select("who").unique()
    told = courses.courses.join(reported, on="who", how="semi")
    immune = courses.immune
    rows = pl.DataFrame(
        {
            "course": courses.lesions.points.subject.astype(np.int64),
            "ADT": pl.Series(immune.progression).cast(pl.Date),
            "AVALC": pl.Series(np.where(immune.is_confirmed, "CONFIRMED", "UNCONFIRMED"), dtype=pl.String),
        }
    ).filter(pl.col("ADT").is_not_null())
    at = courses.points.select(
        "course", *_SOURCE[:2], pl.col("day").alias("ADT"), "SRCALL"
    ).unique(["course", "ADT"], keep="first", maintain_order=True)  # fmt: skip
    rows = rows.join(told, on="course", how="anti").join(at, on=["course", "ADT"], how="left")
    return rows.with_columns(PARAMCD=pl.lit("IPD"))
