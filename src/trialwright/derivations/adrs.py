"""ADRS: the response at each assessment and what follows from it for each subject and reader."""

from __future__ import annotations

import polars as pl

from trialwright.derivations.best_responses import derive_best_responses, everybody
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.tumour_courses import (
    DATES,
    TumourCourses,
    held_as,
    merge_sides,
    yes_where,
)
from trialwright.derivations.tumour_records import WHO
from trialwright.derivations.tumour_responses import (
    IMMUNE,
    IRECIST,
    OVERALL,
    RECIST,
    REPORTED,
    derive_responses,
)
from trialwright.derivations.tumour_settings import (
    courses_of,
    fact_of,
    reader_of,
    response_settings,
)
from trialwright.derivations.tumour_summaries import derive_summaries

PARAMETERS = {
    OVERALL: "Overall response",
    REPORTED: "Overall response as reported",
    IMMUNE: "Overall response by iRECIST",
    "PD": "Disease progression",
    "LSTA": "Last disease assessment",
    "MDIS": "Measurable disease at baseline",
    "IPD": "Progression by iRECIST",
    "BOR": "Best overall response",
    "CBOR": "Confirmed best overall response",
    "RSP": "Response",
    "CRSP": "Confirmed response",
}
_ORDER = {code: position for position, code in enumerate(PARAMETERS)}
_PARAM = pl.lit(pl.Series(PARAMETERS.values(), dtype=pl.String))
_RANKS = {"CR": 1.0, "PR": 2.0, "SD": 3.0, "NON-CR/NON-PD": 4.0, "PD": 5.0, "NE": 6.0, "MISSING": 7.0}
_YES_NO = {"Y": 1.0, "N": 0.0}
_KEY = (*WHO, "PARAMCD", "PROTOCOL", "at")
_VALUES = ("AVALC", "ENDDT", "ENDDESC")


def derive_adrs(study: Study, adsl: pl.DataFrame, courses: TumourCourses | None = None) -> pl.DataFrame:
    """One row a subject, reader, parameter and, for responses, assessment.

    Parameters
    ----------
    study : Study
    adsl : DataFrame
        `SUBJECT`, `STARTDT` (the first day that counts) and `DTHDT`.
    courses : TumourCourses, optional
        `courses_of(study, adsl)`, where they are there already.

    Returns
    -------
    adrs : DataFrame
        `AVALC` and `AVAL` of responses are as admiralonco has them (CR 1 to NE 6, MISSING 7), of questions Y 1 and N 0.
        `ADT` is the date of the response, for BOR of the first assessment as good as it, for RSP and CRSP the day the
        response began that counts; `ENDDT` the first progression after it, or death (`ENDDESC`). `ANL01FL` is Y for the
        reader that the protocol counts. What is not known is null with its `REASON`; what the protocol counts as no
        response though nobody knows is N with its `REASON`.
    """
    protocol = study.protocol
    settings = response_settings(protocol)
    courses = courses_of(study, adsl) if courses is None else courses
    responses = derive_responses(courses)
    facts = {concept: fact_of(protocol, concept) for concept in (RECIST, IRECIST)}
    path = (
        pl.when(pl.col("PARAMCD").is_in([IMMUNE, "IPD"]))
        .then(_path(facts[IRECIST]))
        .otherwise(_path(facts[RECIST]))
    )
    readers = list(dict.fromkeys([reader_of(protocol), *(one.reader for one in settings)]))
    tables = {reader: everybody(courses.courses, adsl, reader) for reader in readers}
    ours = tables[readers[0]]
    held = {courses.holding: responses}
    for holding in {one.holding for one in settings} - held.keys():
        held[holding] = derive_responses(held_as(courses, holding))
    parts = [
        responses.with_columns(PROTOCOL=path),
        derive_summaries(courses, ours, responses).with_columns(PROTOCOL=path),
    ]
    long = _with_courses(pl.concat(parts, how="diagonal_relaxed"), ours, readers[0])
    for one in settings:
        table = tables[one.reader]
        found = derive_best_responses(study, table, held[one.holding], one)
        long = pl.concat([long, _with_courses(found, table, one.reader)], how="diagonal_relaxed")
    known = merge_sides(long, _KEY, _VALUES)
    return _adrs(study, known, adsl)


def _path(fact: str | None) -> pl.Expr:
    return pl.lit(fact and f"facts.{fact}", pl.String)


def _with_courses(rows: pl.DataFrame, courses: pl.DataFrame, reader: str) -> pl.DataFrame:
    is_ours = pl.col("is_accepted") & (pl.col("READER") == reader)
    named = courses.select(*WHO, "SIDE", "is_accepted", is_ours=is_ours)
    return pl.concat([rows, named[rows["course"]]], how="horizontal")


def _adrs(study: Study, known: pl.DataFrame, adsl: pl.DataFrame) -> pl.DataFrame:
    """The columns of ADRS in their order."""
    number = pl.col("AVALC").replace_strict({**_RANKS, **_YES_NO}, default=None, return_dtype=pl.Float64)
    return (
        known.drop("course", "label", "first", "last", "point", "word")
        .with_columns(order=pl.col("PARAMCD").replace_strict(_ORDER, return_dtype=pl.Int64))
        .sort(SUBJECT, "READER", "EVALID", "order", "PROTOCOL", "ADTL", "at", nulls_last=True)
        .with_columns(pl.col(SUBJECT).set_sorted())
        .join(study.subjects.select(SUBJECT, *study.identity), on=SUBJECT, how="left", maintain_order="left")
        .join(adsl.select(SUBJECT, "STARTDT"), on=SUBJECT, how="left", maintain_order="left")
        .select(
            *study.identity,
            SUBJECT,
            "READER",
            pl.col("EVALID").replace("", None),
            yes_where(pl.col("is_accepted")).alias("ACPTFL"),
            "PARAMCD",
            _PARAM.gather("order").alias("PARAM"),
            "VISITNUM",
            "VISIT",
            *DATES,
            "ENDDT",
            "ENDDESC",
            number.alias("AVAL"),
            "AVALC",
            "REASON",
            yes_where(pl.col("is_ours")).alias("ANL01FL"),
            "SRCDOM",
            "SRCSEQ",
            "SRCALL",
            "PROTOCOL",
        )
    )
