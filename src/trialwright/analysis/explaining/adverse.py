"""The records behind numbers of adverse events."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from trialwright.analysis.adverse_events import GRADES, KINDS, NO_TERM, NOT_CODED
from trialwright.analysis.explaining.picking import (
    Asked,
    Counts,
    Picked,
    pick_of_population,
    pick_people,
    rows_of,
)
from trialwright.protocol.analyses import GradeTable

_EMERGENT = pl.col("TRTEMFL") == "Y"
_DOUBTS: Mapping[str, tuple[pl.Expr, str]] = MappingProxyType(
    {
        "n_records": (_EMERGENT, "records that came with treatment"),
        "n_not_proven": (
            _EMERGENT & pl.col("TRTEMRS").is_not_null(),
            "records that count as come with treatment on doubtful grounds",
        ),
        "n_no_period": (
            pl.col("TRTEMFL").is_null(),
            "records of which nobody knows whether they came with treatment",
        ),
        "n_before_or_after": (pl.col("TRTEMFL") == "N", "records that did not come with treatment"),
        "n_grade_unknown": (_EMERGENT & pl.col("ATOXGR").is_null(), "records without a grade"),
        "n_grade_assumed": (_EMERGENT & pl.col("ATOXGRF").is_not_null(), "records with an assumed grade"),
        "n_undated": (_EMERGENT & pl.col("ASTDTL").is_null(), "records of whose onset nothing is known"),
    }
)


def pick_adverse_events(asked: Asked, analysis: GradeTable) -> Picked:
    """The records behind a number of the table of adverse events."""
    result = asked.result
    if found := pick_of_population(asked):
        return found
    everyone = rows_of(asked.data.tables["ADAE"], asked.everyone)
    if result.item == "records" and result.statistic in _DOUBTS:
        which, words = _DOUBTS[result.statistic]
        return Picked("ADAE", everyone.filter(which), words)
    if result.item is None:
        return _of_time(asked, analysis)
    records = rows_of(everyone, asked.people).filter(_EMERGENT)
    is_one = KINDS.get(result.item, _is_called(result.item))
    chosen, words, counts = _chosen(result.statistic, records, is_one)
    return Picked("ADAE", chosen, words, counts)


def _chosen(statistic: str, records: pl.DataFrame, is_one: pl.Expr) -> tuple[pl.DataFrame, str, Counts]:
    own = records.filter(is_one)
    words = "records of such events that came with treatment"
    grade = statistic.removeprefix("n_grade_")
    if statistic == "n_with":
        return own, words, "subjects"
    if statistic == "n_records":
        return own, words, "rows"
    if statistic == "n_unknown":
        open_ = records.filter(is_one.is_null()).join(own, on="USUBJID", how="anti", maintain_order="left")
        return (
            open_,
            "records of which nobody said whether they are such, of subjects without any",
            "subjects",
        )
    if statistic == "n_grade_unknown":
        graded = own.drop_nulls("ATOXGR")
        return (
            own.join(graded, on="USUBJID", how="anti", maintain_order="left"),
            f"{words}, none of a known grade",
            "subjects",
        )
    if grade in map(str, GRADES):
        worst = own.filter(pl.col("ATOXGR") == pl.col("ATOXGR").max().over("USUBJID"))
        return worst.filter(pl.col("ATOXGR") == int(grade)), f"{words}, worst grade {grade}", "subjects"
    return own, words, "not a count"


def _is_called(item: str) -> pl.Expr:
    """Records of a system organ class (`soc=...`), or of a term in it (`soc=...: term`)."""
    soc = pl.coalesce("AESOC", "AEBODSYS").str.to_uppercase().fill_null(NOT_CODED)
    term = pl.coalesce("AEDECOD", "AETERM").str.to_uppercase().fill_null(NO_TERM)
    called = item.removeprefix("soc=")
    return (soc == called) | (pl.format("{}: {}", soc, term) == called)


def _of_time(asked: Asked, analysis: GradeTable) -> Picked:
    """Subjects with their time under observation, or without any."""
    during = asked.data.protocol.endpoints[analysis.endpoint].during or ""
    people = asked.people
    if during in asked.data.protocol.periods:
        without = people.filter(pl.col(f"{during.upper()}SDT").is_null())
    else:
        days = asked.data.tables["ADEXSUM"].filter(
            (pl.col("TREATMENT") == during) & (pl.col("PARAMCD") == "FIRSTDT") & pl.col("ADT").is_not_null()
        )
        without = people.join(days, on="USUBJID", how="anti")
    if asked.result.statistic == "n_without_time":
        return pick_people(without, "subjects whose time under observation is not known", asked.data)
    found = pick_people(people, "subjects of the population and group, each with their time", asked.data)
    return Picked(found.dataset, found.rows, found.meaning, "not a count")
