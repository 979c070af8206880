"""Laboratory results as checks compare them: with the factors of their units, and as numbers of their concept."""

from __future__ import annotations

import polars as pl

from trialwright.checks.data.tables import StudyTables
from trialwright.records.results import scale_of
from trialwright.vocabulary.concepts import catalogue

SDTM = "CDISC SDTM Implementation Guide 3.4, LB"
RECORD = "USUBJID: D-01, LBSEQ: 90, LBDTC: 2026-04-14"


def of_bilirubin(value: str) -> str:
    """A record of bilirubin, for examples."""
    return f"LB: [{{ {RECORD}, LBTESTCD: BILI, {value} }}]"


def of_viral_load(value: str) -> str:
    """A record of HBV DNA, for examples."""
    return f"LB: [{{ {RECORD}, LBTESTCD: HBVVLD, {value} }}]"


def scaled(study: StudyTables) -> pl.DataFrame:
    """Results of concepts with what their units make of them.

    `TO_CONCEPT` is the factor from the unit of the standard result (or, without one, of the reported) to that of the
    concept, `FROM_REPORTED` that of the reported unit, null where there is none or it is a logarithm; `PROBLEM`, `WHY`
    and `HINT` tell why not.
    """
    return study.kept(scaled, _scaled)


def _scaled(study: StudyTables) -> pl.DataFrame:
    rows = study.results.filter(pl.col("CONCEPT").is_not_null())
    rows = rows.with_columns(pl.coalesce("LBSTRESU", "LBORRESU").alias("UNIT"))
    keys = ["CONCEPT", "LBMETHOD"]
    used = pl.concat(
        [rows.select(*keys, pl.col(unit).alias("ANY")).unique() for unit in ("UNIT", "LBORRESU")]
    ).unique()
    scales = []
    for concept, assay, unit in used.iter_rows():
        scale = scale_of(unit, concept, assay)
        factor = None if scale.is_log or scale.factor is None else float(scale.factor)
        scales.append((concept, assay, unit, factor, scale.problem, scale.why, scale.fix))
    names = ["CONCEPT", "LBMETHOD", "ANY", "FACTOR", "PROBLEM", "WHY", "HINT"]
    known = pl.DataFrame(scales, dict.fromkeys(names, pl.String) | {"FACTOR": pl.Float64}, orient="row")
    right = known.rename({"ANY": "UNIT", "FACTOR": "TO_CONCEPT"})
    left = known.select(*keys, pl.col("ANY").alias("LBORRESU"), pl.col("FACTOR").alias("FROM_REPORTED"))
    rows = rows.join(right, on=[*keys, "UNIT"], how="left", nulls_equal=True, maintain_order="left")
    return rows.join(left, on=[*keys, "LBORRESU"], how="left", nulls_equal=True, maintain_order="left")


def numeric(rows: pl.DataFrame) -> pl.DataFrame:
    """Results that are numbers of concepts without levels."""
    numbers = [name for name, one in catalogue().items() if not one.levels]
    has_digit = (
        pl.coalesce("LBSTRESC", "LBORRES").str.contains("[0-9]").fill_null(False)
        | pl.col("LBSTRESN").is_not_null()
    )
    return rows.filter(pl.col("CONCEPT").is_in(numbers), has_digit)


def amounts(study: StudyTables) -> pl.DataFrame:
    """Results that are plain numbers, with `AMOUNT` in the unit of their concept."""
    amount = pl.col("LBSTRESN") * pl.col("TO_CONCEPT")
    return scaled(study).with_columns(amount.alias("AMOUNT")).filter(pl.col("AMOUNT").is_not_null())
