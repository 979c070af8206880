"""The response at each assessment: derived from lesions where there are any, else as the reader reports it."""

from __future__ import annotations

import numpy as np
import polars as pl

from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.tumour_courses import (
    COURSE,
    TumourCourses,
    merge_sides,
    on_both_sides,
)
from trialwright.derivations.tumour_records import WHO
from trialwright.derivations.tumour_settings import recorded_courses
from trialwright.medicine.recist.responses import ImmuneResponse, Response, Words
from trialwright.vocabulary.verdicts import Reason

RECIST, IRECIST = "recist_response", "irecist_response"
OVERALL, REPORTED, IMMUNE = "OVR", "OVRREP", "IOVRLRSP"

_KEY = (*WHO, "PARAMCD", "at")
_DAY_MINUTES = 1440


def tumour_responses(study: Study, courses: TumourCourses | None = None) -> pl.DataFrame:
    """The responses of all subjects as observations of two facts, `recist_response` and `irecist_response`.

    Parameters
    ----------
    study : Study
    courses : TumourCourses, optional
        `recorded_courses(study)`, where they are there already.

    Returns
    -------
    responses : DataFrame
        One row a subject, `reader` (`local` or `central`), `fact` (the concept) and assessment after the baseline:
        `earliest` and `latest` minute, `level` as the concept spells it (null where it hangs on an imprecise date), `SRCDOM` (`TR` derived, `RS` reported),
        `SRCSEQ`, `SRCALL`. A word of RS that is no response stands as it is. Of several readers of one kind only the
        accepted one is there.
    """
    courses = recorded_courses(study) if courses is None else courses
    rows = derive_responses(courses).filter(pl.col("PARAMCD") != REPORTED)
    known = merge_sides(
        rows.join(courses.courses.select("course", *COURSE, "is_accepted"), on="course"), _KEY, ("AVALC", "word")
    ).filter("is_accepted")  # fmt: skip
    return known.select(
        SUBJECT,
        pl.col("READER").alias("reader"),
        pl.when(pl.col("PARAMCD") == OVERALL).then(pl.lit(RECIST)).otherwise(pl.lit(IRECIST)).alias("fact"),
        pl.col("ADTL").cast(pl.Datetime("us")).alias("earliest"),
        (pl.col("ADTH").cast(pl.Datetime("us")) + pl.duration(minutes=_DAY_MINUTES - 1)).alias("latest"),
        pl.coalesce("word", "AVALC").alias("level"),
        "SRCDOM",
        "SRCSEQ",
        "SRCALL",
    ).sort(SUBJECT, "reader", "fact", "earliest", "SRCDOM", "SRCSEQ")


def derive_responses(courses: TumourCourses) -> pl.DataFrame:
    """One row an assessment of a course and parameter.

    Returns
    -------
    responses : DataFrame
        `course`, `at` (tells the assessments of a course and parameter apart), `VISITNUM`, `VISIT`, `PARAMCD`, `ADT`,
        `AVALC`, `word` (only where it is no response: `AVALC` is NE then), `REASON`, `SRCDOM`, `SRCSEQ`, `SRCALL`. `OVR`
        is the overall response that counts, `OVRREP` the one reported, whether it counts or not, `IOVRLRSP` the one by
        iRECIST: as reported in courses in which it is, else derived.
    """
    derived, told = _overall(courses)
    immune = _derived(courses, IMMUNE, _spelt(ImmuneResponse, courses.immune.response))
    told_immune = _reported(courses, IRECIST, IMMUNE, [member.word for member in ImmuneResponse][1:])
    both = _matched(told, derived)
    only_told = told.join(both, on=["course", "at"], how="anti").with_columns(
        pl.lit(OVERALL).alias("PARAMCD")
    )
    only_immune = immune.join(told_immune.select("course").unique(), on="course", how="anti")
    rows = pl.concat([derived, only_told, told, only_immune, told_immune], how="diagonal_relaxed")
    return rows.filter(pl.col("AVALC") != Response.MISSING.word).with_columns(
        pl.when(pl.col("word").is_not_null()).then(pl.lit(Reason.UNREADABLE.value))
        .when(pl.col("AVALC") == Response.NE.word).then(pl.lit(Reason.MISSING.value)).alias("REASON")
    )  # fmt: skip


def match_derived(courses: TumourCourses) -> pl.DataFrame:
    """Which reported responses have a derived one: of the same visit, else on a day of its scans.

    Returns
    -------
    pairs : DataFrame
        `course`, `at` and `AVALC` of the reported one, `word`, and the `point` of the derived one.
    """
    derived, told = _overall(courses)
    return _matched(told, derived)


def _overall(courses: TumourCourses) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Overall responses derived and reported."""
    derived = _derived(courses, OVERALL, _spelt(Response, courses.overall))
    return derived, _reported(courses, RECIST, REPORTED, [member.word for member in Response][1:-1])


def _spelt(kind: type[Response] | type[ImmuneResponse], codes: Words) -> pl.Series:
    return pl.Series(np.array([member.word for member in kind], dtype=object)[codes], dtype=pl.String)


def _derived(courses: TumourCourses, parameter: str, words: pl.Series) -> pl.DataFrame:
    return courses.points.select(
        "course",
        pl.col("time_point").alias("at"),
        "label",
        "VISITNUM",
        "VISIT",
        "first",
        "last",
        pl.lit(parameter).alias("PARAMCD"),
        pl.col("day").alias("ADT"),
        words.alias("AVALC"),
        "SRCDOM",
        "SRCSEQ",
        "SRCALL",
        "point",
    ).filter(pl.Series(courses.lesions.points.is_follow_up))


def _reported(courses: TumourCourses, fact: str, parameter: str, words: list[str]) -> pl.DataFrame:
    """What RS says; each record is an assessment of its own."""
    rows = on_both_sides(courses.records.responses.filter(pl.col("fact") == fact), courses.courses)
    spelt = pl.col("word").replace_strict(
        {word.upper(): word for word in words}, default=None, return_dtype=pl.String
    )
    return rows.select(
        "course",
        (-pl.col("SRCSEQ")).alias("at"),
        "label",
        "VISITNUM",
        "VISIT",
        pl.lit(parameter).alias("PARAMCD"),
        pl.col("day").alias("ADT"),
        spelt.fill_null(Response.NE.word).alias("AVALC"),
        pl.when(spelt.is_null()).then("word").alias("word"),
        pl.lit("RS").alias("SRCDOM"),
        "SRCSEQ",
        pl.format("RS.{}", "SRCSEQ").alias("SRCALL"),
    )


def _matched(told: pl.DataFrame, derived: pl.DataFrame) -> pl.DataFrame:
    theirs = derived.select("course", "point", "first", "last", visit="label")
    pairs = told.select("course", "at", "label", "AVALC", "word", "ADT").join(theirs, on="course")
    same_visit = pl.col("label") == pl.col("visit")
    same_day = pl.col("ADT").is_between("first", "last")
    return (
        pairs.filter(same_visit | same_day)
        .sort("course", "at", ~(same_visit & same_day), ~same_visit, "point")
        .unique(["course", "at"], keep="first", maintain_order=True)
        .select("course", "at", "AVALC", "word", "point")
    )
