"""Each reader's course: time points with their sums, the responses derived from lesions, and those reported.

A date known to the month only makes the answers of its subject depend on the day. Such subjects are followed twice, with
the first and with the last day each date can be (`SIDE` 0 and 1); what both agree on is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from trialwright.derivations.ordered import in_order
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.tumour_records import (
    WHO,
    TumourRecords,
    read_tumour_records,
)
from trialwright.medicine.recist.criteria import Confirmation
from trialwright.medicine.recist.irecist import ImmuneCourses, count_new_lesions, immune_responses
from trialwright.medicine.recist.lesions import Lesions, read_lesions
from trialwright.medicine.recist.overall import (
    Reappearances,
    date_responses,
    find_disease,
    find_new_lesions,
    non_target_response,
    overall_response,
    progress_after_complete_response,
)
from trialwright.medicine.recist.responses import State, Words
from trialwright.medicine.recist.targets import Sums, hold_partial_response, sum_diameters, target_response
from trialwright.vocabulary.verdicts import Codes, Reason, Verdict

COURSE = (*WHO, "SIDE")

_ELAPSED = (pl.col("ADT") - pl.col("STARTDT")).dt.total_days()
DATES = ("ADT", "ADTL", "ADTH", (_ELAPSED + (_ELAPSED >= 0)).alias("ADY"))
"""The columns of dates; the study day counts from `STARTDT`, without a day 0 (CDISC)."""


_SEEN = (
    "who", "early", "late", "lesion", "time_point", "label", "VISITNUM", "VISIT", "is_baseline", "role", "is_node", "TULOC",
    "test", "mm", "counts", "state", "method", "SRCDOM", "SRCSEQ", "row",
)  # fmt: skip
"""What is asked for of a sighting."""


@dataclass(frozen=True)
class Holding:
    """Whether a partial response stays one until progression, and from when on: as soon as it stands confirmed."""

    is_on: bool
    confirmation: Confirmation | None


@dataclass(frozen=True)
class TumourCourses:
    """What lesions say of each course and time point.

    Attributes
    ----------
    records : TumourRecords
    courses : DataFrame
        One row a course: `course` (its number), `who`, `COURSE`, `is_accepted`.
    points : DataFrame
        One row a time point with lesions, in the order of `lesions.points`: `course`, `time_point`, `label`, `VISITNUM`, `VISIT`,
        `day` (of the response), `first`, `last`, `SRCDOM`, `SRCSEQ` and `SRCALL` of its records.
    rows : DataFrame
        The records of lesions, one a side, sorted by `point`, `SRCDOM` and `SRCSEQ`: what of the sightings is asked for,
        `course`, `point`, `day` and `source`, as `TR.1`.
    lesions : Lesions
    sums : Sums
    holding : Holding
    target, held, non_target, overall : arrays of `Response` codes, one for each time point
        Of the targets arithmetically, and with partial responses held; of the non-targets; overall, disease that
        came back after a complete response counted as progression.
    new_lesion : array of verdict codes
    back : Reappearances
    immune : ImmuneCourses
    """

    records: TumourRecords
    courses: pl.DataFrame
    points: pl.DataFrame
    rows: pl.DataFrame
    lesions: Lesions
    sums: Sums
    holding: Holding
    target: Words
    held: Words
    non_target: Words
    new_lesion: Codes
    overall: Words
    back: Reappearances
    immune: ImmuneCourses


def follow_tumours(
    study: Study, start: pl.DataFrame, holding: Holding, *, also_twice: Sequence[int] = ()
) -> TumourCourses:
    """Follow all courses of a study.

    Parameters
    ----------
    study : Study
    start : DataFrame
        `SUBJECT` and `STARTDT`.
    holding : Holding
    also_twice : sequence of int
        Subjects with another date that is not known to the day.
    """
    records = read_tumour_records(study, start)
    courses = _number_courses(records, also_twice)
    rows = on_both_sides(records.sightings.select(_SEEN), courses).drop("early", "late", "who", "SIDE")
    points, rows = _points(rows)
    lesions = _lesions(rows)
    _check_order(points, lesions)
    sums = sum_diameters(lesions)
    target, non_target = target_response(sums), non_target_response(lesions)
    new_lesion = find_new_lesions(lesions, no_record=Verdict.NOT_MET)
    held, back, days = _with_held(lesions, target, non_target, new_lesion, holding)
    immune = immune_responses(
        lesions.points.course,
        days,
        target=target,
        sum_mm=sums.sum_mm,
        is_complete=sums.is_complete,
        non_target=non_target,
        new_lesions=count_new_lesions(lesions),
        has_reappeared=back.has_reappeared,
        n_courses=lesions.points.n_courses,
    )
    points = points.with_columns(pl.Series("day", days, pl.Date))
    overall = back.response
    return TumourCourses(
        records, courses, points, rows, lesions, sums, holding, target, held, non_target, new_lesion, overall, back, immune
    )  # fmt: skip


def held_as(courses: TumourCourses, holding: Holding) -> TumourCourses:
    """The same courses with partial responses held in another way. Responses by iRECIST stay: none is held in them."""
    if holding == courses.holding:
        return courses
    held, back, days = _with_held(
        courses.lesions, courses.target, courses.non_target, courses.new_lesion, holding
    )
    points = courses.points.with_columns(pl.Series("day", days, pl.Date))
    return replace(courses, points=points, holding=holding, held=held, overall=back.response, back=back)


def _with_held(
    lesions: Lesions, target: Words, non_target: Words, new_lesion: Codes, holding: Holding
) -> tuple[Words, Reappearances, npt.NDArray[np.datetime64]]:
    """Target responses with partial ones held, overall responses, and their days."""
    of, last = lesions.points.course, lesions.points.last_date
    held = target
    if holding.is_on:
        held = hold_partial_response(of, last, target, confirmation=holding.confirmation)
    overall = overall_response(held, non_target, new_lesion)
    back = progress_after_complete_response(of, last, overall, find_disease(lesions))
    return held, back, date_responses(lesions, back.response, target=target)


def _number_courses(records: TumourRecords, also_twice: Sequence[int]) -> pl.DataFrame:
    later = records.sightings.filter(~pl.col("is_baseline"))
    imprecise = [
        table.filter(pl.col("early") < pl.col("late")).select("who").unique()
        for table in (later, records.responses)
    ]
    open_subjects = records.readers.join(pl.concat(imprecise), on="who", how="semi")[SUBJECT].to_list()
    twice = pl.col(SUBJECT).is_in([*open_subjects, *also_twice])
    sides = pl.when(twice).then(pl.lit([0, 1])).otherwise(pl.lit([0]))
    return (
        records.readers.with_columns(sides.alias("SIDE"))
        .explode("SIDE")
        .sort("who", "SIDE")
        .with_row_index("course")
        .cast({"course": pl.Int64, "SIDE": pl.Int64})
    )


def on_both_sides(rows: pl.DataFrame, courses: pl.DataFrame) -> pl.DataFrame:
    """Each record once for each side of its course, dated to the first or the last day it can be."""
    sided = rows.join(courses.select("who", "SIDE", "course"), on="who", how="inner", maintain_order="left")
    return sided.with_columns(pl.when(pl.col("SIDE") == 0).then("early").otherwise("late").alias("day"))


def _points(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The time points, sorted as `read_lesions` sorts them, and the records in their order."""
    rows = in_order(rows, "course", "time_point", "SRCDOM", "SRCSEQ", "row")
    is_first = np.diff(rows["course"], prepend=-1) | np.diff(rows["time_point"], prepend=-1)
    starts = np.flatnonzero(is_first)
    at, days = (
        pl.Series("at", np.cumsum(is_first != 0) - 1).set_sorted(),
        rows["day"].to_physical().to_numpy(),
    )
    rows = rows.with_columns(at, pl.format("{}.{}", "SRCDOM", "SRCSEQ").alias("source"))
    firsts = rows[starts].select("at", "course", "time_point", "label", "is_baseline")
    told = rows.group_by("at", maintain_order=True).agg(
        pl.col("VISITNUM", "VISIT").first(ignore_nulls=True), *SOURCES
    )
    points = (
        pl.concat([firsts, told.drop("at")], how="horizontal")
        .with_columns(
            pl.Series("first", np.minimum.reduceat(days, starts)).cast(pl.Date),
            pl.Series("last", np.maximum.reduceat(days, starts)).cast(pl.Date),
        )
        .sort("course", "last", ~pl.col("is_baseline"), "time_point")
    )
    number = np.empty(len(points), np.int64)
    number[points["at"]] = np.arange(len(points))
    rows = rows.with_columns(pl.Series("point", number[at])).sort("point", maintain_order=True)
    return points.drop("at").with_row_index("point").cast({"point": pl.Int64}), rows.drop("at")


SOURCES = (
    pl.col("SRCDOM", "SRCSEQ").first(),
    pl.col("source").implode().list.join(" ").alias("SRCALL"),
)
"""Where the rows of a group come from: the first record, and all of them."""


def _lesions(rows: pl.DataFrame) -> Lesions:
    """One row a lesion and time point; several where its records differ."""
    node = pl.col("is_node").fill_null(False)
    told = rows.select(
        "course", "time_point", "lesion", "day", "role", node.alias("is_node"), "is_baseline",
        pl.when("counts").then("mm").alias("mm"),
        pl.when(pl.col("state") != State.NOT_ASSESSED).then("state").alias("state"),
    )  # fmt: skip
    key = ["course", "time_point", "lesion", "day"]
    several = (
        rows.select(pl.col("point") * (pl.col("lesion").max() + 1) + pl.col("lesion"))
        .to_series()
        .is_duplicated()
    )
    as_one = told.filter(several).group_by(key).agg(
        pl.col("role", "is_node", "is_baseline").first(),
        pl.col("mm").min(), pl.col("mm").max().alias("mm_2"),
        pl.col("state").min(), pl.col("state").max().alias("state_2"),
    )  # fmt: skip
    differs = (pl.col("mm") != pl.col("mm_2")) | (pl.col("state") != pl.col("state_2"))
    other = as_one.filter(differs).with_columns(mm="mm_2", state="state_2")
    table = pl.concat([told.filter(~several), as_one.select(told.columns), other.select(told.columns)])
    return read_lesions(
        subject=table["course"].to_numpy(),
        date=_as_days(table["day"]),
        lesion=table["lesion"].to_numpy(),
        role=table["role"].to_numpy(),
        is_node=table["is_node"].to_numpy(),
        diameter=table["mm"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        unit="mm",
        is_baseline=table["is_baseline"].to_numpy(),
        state=table["state"].fill_null(int(State.NOT_ASSESSED)).to_numpy(),
        time_point=table["time_point"].to_numpy(),
    )


def _as_days(dates: pl.Series) -> npt.NDArray[np.datetime64]:
    return dates.to_numpy().astype("datetime64[D]")


def _check_order(points: pl.DataFrame, lesions: Lesions) -> None:
    """The rows of `points` are the time points of the lesions, one by one."""
    theirs = lesions.points
    alike = (
        len(points) == len(theirs)
        and (points["course"].to_numpy() == theirs.subject[theirs.course]).all()
        and (_as_days(points["first"]) == theirs.first_date).all()
        and (_as_days(points["last"]) == theirs.last_date).all()
        and (points["is_baseline"].to_numpy() == theirs.is_baseline).all()
    )
    if not alike:
        raise AssertionError("time points of records and of lesions must be the same")


def merge_sides(rows: pl.DataFrame, key: Sequence[str], values: Sequence[str]) -> pl.DataFrame:
    """Rows of both sides as one: a value is known where they agree.

    Parameters
    ----------
    rows : DataFrame
        With `SIDE`, `ADT` and `REASON`; of each key one row a side.
    key, values : sequence of str

    Returns
    -------
    rows : DataFrame
        Without `SIDE`; `ADTL` and `ADTH` are the first and the last day `ADT` can be, and `ADT` is there where they are one.
        Where a value differs it is null, and `REASON` says so.
    """
    doubled = rows.filter(pl.col("SIDE") == 1)
    if doubled.is_empty():
        return rows.with_columns(ADTL="ADT", ADTH="ADT").drop("SIDE")
    is_doubled = pl.col(SUBJECT).is_in(doubled[SUBJECT].unique().implode())
    single = rows.filter(~is_doubled).with_columns(ADTL="ADT", ADTH="ADT").drop("SIDE")
    second = doubled.select(
        *key, *(pl.col(name).alias(f"{name}_2") for name in values), pl.col("ADT").alias("ADTH")
    )
    both = rows.filter(is_doubled, pl.col("SIDE") == 0).drop("SIDE")
    both = both.join(second, on=list(key), how="inner", nulls_equal=True, maintain_order="left")
    agrees = {name: pl.col(name).eq_missing(pl.col(f"{name}_2")) for name in values}
    both = both.with_columns(
        *(pl.when(agreed).then(name).alias(name) for name, agreed in agrees.items()),
        pl.when(pl.all_horizontal(agrees.values())).then("REASON")
        .otherwise(pl.lit(Reason.IMPRECISE_DATE.value)).alias("REASON"),
        pl.when(pl.col("ADT").eq_missing(pl.col("ADTH"))).then("ADT").alias("ADT"),
        pl.col("ADT").alias("ADTL"),
    )  # fmt: skip
    return pl.concat([single, both.select(single.columns)])


def yes_where(flag: pl.Expr) -> pl.Expr:
    """`Y`, else null, as CDISC writes flags."""
    return pl.when(flag).then(pl.lit("Y"))
