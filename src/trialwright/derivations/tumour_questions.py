"""What a careful reader would ask about the tumour records of a study, as warnings with their place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.tumour_courses import TumourCourses
from trialwright.derivations.tumour_records import FACTS, NODE_TESTS, OTHER_TESTS, WHO
from trialwright.derivations.tumour_responses import OVERALL, REPORTED, derive_responses, match_derived
from trialwright.derivations.tumour_settings import courses_of
from trialwright.medicine.recist.best_response import disease_after_complete_response
from trialwright.medicine.recist.courses import some_before
from trialwright.medicine.recist.criteria import MEASURABLE_1_1
from trialwright.medicine.recist.questions import (
    Asked,
    Question,
    ask_about_axes,
    ask_about_baseline,
    ask_about_dates,
    ask_about_lesions,
    ask_about_methods,
    ask_about_nodes,
    ask_about_organs,
    ask_about_responses,
    ask_about_sums,
    ask_about_visits,
    ask_about_words,
)
from trialwright.medicine.recist.responses import Response, Role, encode
from trialwright.vocabulary.problems import Problem, Severity

SUM_TOLERANCE_MM = 0.1
"""A sum given that differs by no more from that of its lesions is not asked about; a choice of this project."""
MOST_DAYS_APART = 14
"""Scans of one visit further apart are asked about; a choice of this project. Neither number changes a result."""


def ask_about_tumours(
    study: Study, adsl: pl.DataFrame, courses: TumourCourses | None = None
) -> list[Problem]:
    """Everything in TU, TR and RS that cannot be right or needs a second look.

    Parameters
    ----------
    study : Study
    adsl : DataFrame
        `SUBJECT` and `STARTDT`.
    courses : TumourCourses, optional
        `courses_of(study, adsl)`, where they are there already.

    Returns
    -------
    problems : list of Problem
        Warnings by subject: `tumour-record-left-out`, `tumour-readers`, `tumour-baseline`, `tumour-targets`,
        `tumour-measurement`, `tumour-sum`, `tumour-response`. Nothing is corrected.
    """
    courses = courses_of(study, adsl) if courses is None else courses
    names: dict[int, str] = dict(study.subjects.select(SUBJECT, "USUBJID").iter_rows())
    who = {course: tuple(rest) for course, *rest in courses.courses.select("course", *WHO).iter_rows()}
    once = set(courses.courses.filter(pl.col("SIDE") == 0)["course"].to_list())
    problems = [
        *_left_out(courses, names),
        *_other_criteria(courses),
        *_disputed(courses, names),
        *(
            _as_problem(_with_name(one, courses), names[who[one.subject][0]], *who[one.subject][1:])
            for one in _asked(courses, adsl)
            if one.subject in once
        ),
    ]
    return sorted(problems, key=lambda problem: (problem.field, problem.code, problem.message))


def _asked(courses: TumourCourses, adsl: pl.DataFrame) -> Iterator[Asked]:
    """All questions; the subject of each is the number of its course."""
    lesions, points = courses.lesions, courses.lesions.points
    start = (
        pl.DataFrame({"course": points.subject.astype(np.int64)})
        .join(courses.courses.select("course", SUBJECT), on="course", how="left", maintain_order="left")
        .join(adsl.select(SUBJECT, "STARTDT"), on=SUBJECT, how="left", maintain_order="left")
    )
    yield from ask_about_baseline(lesions, first_dose=start["STARTDT"].to_numpy().astype("datetime64[D]"))
    yield from ask_about_lesions(lesions)
    yield from ask_about_sums(
        points, courses.sums, _sums_given(courses), unit="mm", tolerance_mm=SUM_TOLERANCE_MM
    )
    yield from ask_about_nodes(points, courses.back)
    yield from _about_rows(courses)
    yield from _about_responses(courses)


def _sums_given(courses: TumourCourses) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    given = courses.records.sums.filter(pl.col("mm").is_not_null()).with_columns(
        (pl.len().over("who", "label") == 1).alias("is_only")
    )
    points = courses.points.join(courses.courses.select("course", "who"), on="course")
    found = points.join(given, on=["who", "label"]).filter(
        pl.col("is_only") | pl.col("early").is_between("first", "last")
    ).unique("point", keep="first", maintain_order=True)  # fmt: skip
    sums = np.full(len(courses.points), np.nan)
    sums[found["point"].to_numpy()] = found["mm"].to_numpy()
    return sums


def _about_rows(courses: TumourCourses) -> Iterator[Asked]:
    """Questions about records; only those in doubt are looked at one by one."""
    names = pl.lit(courses.records.lesions)
    rows = courses.rows.with_columns(pl.col("is_node").fill_null(False).alias("node"))
    targets = rows.filter(pl.col("role") == Role.TARGET)
    lesion = ["course", "time_point", "lesion"]
    right = (
        pl.when("node")
        .then(pl.col("test").is_in(NODE_TESTS[1:]))
        .otherwise(pl.col("test").is_in(OTHER_TESTS[1:]))
    )
    counted, measured = pl.col("mm").filter("counts").first(), pl.col("mm").is_not_null()
    other = (counted != pl.col("mm").filter(right & measured).first()).over(lesion).fill_null(False)
    none = measured & ~pl.col("counts").any().over(lesion)
    beside = (
        targets.filter(measured & ~pl.col("counts")).select(lesion).unique()
    )  # without one nothing is wrong
    wrong = (
        targets.join(beside, on=lesion, how="semi", maintain_order="left")
        .filter(none | (pl.col("counts") & other))
        .unique(lesion, keep="first", maintain_order=True)
        .with_columns(names.gather("lesion").alias("name"))
    )
    yield from ask_about_axes(
        wrong["course"].to_list(),
        wrong["day"].to_list(),
        wrong["name"].to_list(),
        is_node=wrong["node"].to_numpy(),
        is_short_axis=~wrong["node"].to_numpy(),
    )
    method, seen = pl.col("method"), ["course", "lesion"]
    changed = rows.clear()
    if rows["method"].n_unique() > 1:
        changed = rows.filter(method.n_unique().over(seen) > 1)
    changed = changed.with_columns(names.gather("lesion").alias("name"))
    yield from ask_about_methods(*(changed[name].to_list() for name in ("course", "day", "name", "method")))
    placed = targets.select(*seen, "TULOC", "node").drop_nulls("TULOC").unique(seen, maintain_order=True)
    most = MEASURABLE_1_1.most_targets_in_an_organ  # who has no more of them at all is not asked about
    placed = placed.filter(pl.len().over("course") > most).with_columns(names.gather("lesion").alias("name"))
    yield from ask_about_organs(
        placed["course"].to_list(),
        placed["name"].to_list(),
        placed["TULOC"].to_list(),
        is_target=np.ones(len(placed), np.bool_),
        is_node=placed["node"].to_numpy(),
    )
    visit, of = courses.points.select("course", "label", "first", "last"), ["course", "label"]
    apart = (pl.col("last").max() - pl.col("first").min()).dt.total_days() > MOST_DAYS_APART
    far = rows.join(
        visit.group_by(of).agg(apart.alias("is_apart")).filter("is_apart"),
        on=of,
        how="semi",
        maintain_order="left",
    )
    far = far.filter(~pl.col("is_baseline") & pl.col("VISITNUM").is_not_null())
    yield from ask_about_visits(
        *(far[name].to_list() for name in ("course", "VISITNUM", "day")), most_days_apart=MOST_DAYS_APART
    )


def _about_responses(courses: TumourCourses) -> Iterator[Asked]:
    points = courses.lesions.points
    responses = derive_responses(courses)
    told = responses.filter(pl.col("PARAMCD") == REPORTED)
    odd = told.filter(pl.col("word").is_not_null())
    yield from ask_about_words(
        odd["course"].to_list(), odd["ADT"].to_list(), odd["word"].to_list(), kind=Response
    )
    pairs = match_derived(courses).filter(pl.col("word").is_null())
    reported = np.full(len(points), Response.MISSING, np.uint8)
    reported[pairs["point"].to_numpy()] = encode(Response, pairs["AVALC"], missing=Response.MISSING)
    yield from ask_about_responses(points, courses.overall, reported)
    counted = responses.filter(pl.col("PARAMCD") == OVERALL).sort("course", "ADT", "at")
    yield from _after_complete_response(counted)
    twice = counted.filter(pl.col("AVALC").n_unique().over("course", "ADT") > 1)
    yield from ask_about_dates(*(twice[name].to_list() for name in ("course", "ADT", "AVALC")))


def _after_complete_response(counted: pl.DataFrame) -> Iterator[Asked]:
    """Disease that a reader sees after a complete response; of lesions it is progression already."""
    codes = encode(Response, counted["AVALC"], missing=Response.NE)
    of = counted["course"].rank("dense").to_numpy().astype(np.intp)
    disease = disease_after_complete_response(of, codes) & ~some_before(of, codes == Response.PD)
    for course, day, word in counted.filter(pl.Series(disease)).select("course", "ADT", "AVALC").iter_rows():
        yield Asked(Question.DISEASE_AFTER_CR, course, None, day, None, f"{word} after CR")


def _left_out(courses: TumourCourses, names: dict[int, str]) -> Iterator[Problem]:
    for subject, domain, sequence, why in courses.records.left_out.unique(maintain_order=True).iter_rows():
        yield Problem(
            "tumour-record-left-out",
            f"{why}; it is not used",
            field=f"{domain} {names[subject]} {domain}SEQ {sequence}",
            severity=Severity.WARNING,
        )


def _other_criteria(courses: TumourCourses) -> Iterator[Problem]:
    for told, n_records, n_subjects in courses.records.other_criteria.iter_rows():
        by = f"by `{told}`" if told else "without RSCAT, so that nobody knows by which criteria"
        yield Problem(
            "tumour-record-left-out",
            f"{n_records} overall response{'' if n_records == 1 else 's'} of {n_subjects} subject"
            f"{'' if n_subjects == 1 else 's'} {by}; not used: read are {' and '.join(FACTS)}",
            field="RS.RSCAT",
            fix="write the criteria in RSCAT, if it is one of these",
            severity=Severity.WARNING,
        )


def _disputed(courses: TumourCourses, names: dict[int, str]) -> Iterator[Problem]:
    counts = courses.records.readers.group_by(SUBJECT, "READER").agg(
        pl.len(), pl.col("is_accepted").any()
    )  # fmt: skip
    for subject, reader, number in (
        counts.filter(~pl.col("is_accepted")).select(SUBJECT, "READER", "len").iter_rows()
    ):
        yield Problem(
            "tumour-readers",
            f"{number} {reader} readers, and not one of them is flagged as accepted: none counts",
            field=f"TR {names[subject]} TRACPTFL",
            fix="flag the records of the reader that counts with Y in TRACPTFL and RSACPTFL",
            severity=Severity.WARNING,
        )


def _with_name(asked: Asked, courses: TumourCourses) -> Asked:
    """Lesions are numbers in arrays and have names in records."""
    is_number = isinstance(asked.lesion, int | np.integer)
    return asked._replace(lesion=courses.records.lesions[int(asked.lesion)]) if is_number else asked


def _as_problem(asked: Asked, subject: str, reader: str, reader_id: str) -> Problem:
    code, domain, fix = _about(asked.question)
    parts = [domain, subject, reader, reader_id, str(asked.date or ""), str(asked.lesion or "")]
    return Problem(
        code,
        f"{asked.question.value}: {asked.found}",
        field=" ".join(part for part in parts if part),
        fix=fix,
        severity=Severity.WARNING,
    )


_BASELINE = (Question.NO_BASELINE, Question.BASELINE_TOO_EARLY, Question.BASELINE_AFTER_FIRST_DOSE)
_TARGETS = (
    Question.NO_TARGET,
    Question.TOO_MANY_TARGETS,
    Question.TOO_MANY_IN_ORGAN,
    Question.TARGET_TOO_SMALL,
    Question.TARGET_NOT_AT_BASELINE,
)
_SUMS = (Question.SUM_WITHOUT_TARGET, Question.SUM_DISAGREES)
_RESPONSES = (
    Question.RESPONSE_CONTRADICTS,
    Question.UNKNOWN_WORD,
    Question.DISEASE_AFTER_CR,
    Question.TWO_ON_ONE_DATE,
    Question.NODE_REAPPEARED,
)


def _about(question: Question) -> tuple[str, str, str]:
    """The problem's code, the domain it is about, and what to do."""
    if question in _BASELINE:
        return "tumour-baseline", "TR", "check the dates, and flag the baseline scans with Y in TRBLFL"
    if question in _TARGETS:
        return "tumour-targets", "TU", "ask the reader which lesions are targets"
    if question in _SUMS:
        return "tumour-sum", "TR", "ask the reader for the diameters; the sum given is never used"
    if question in _RESPONSES:
        return "tumour-response", "RS", "ask the reader; nothing is rewritten"
    return "tumour-measurement", "TR", "ask the reader how the lesion was measured"
