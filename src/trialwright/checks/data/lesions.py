"""TU, TR and RS as checks read them: by subject, reader and assessment."""

from __future__ import annotations

import polars as pl

from trialwright.checks.data.tables import StudyTables
from trialwright.medicine.recist.criteria import RECIST_1_1
from trialwright.vocabulary.units import UnitsDoNotConvert, UnknownUnit, conversion_factor

COURSE = ("SUBJECT", "EVAL", "EVALID")
"""Whose readings belong together: one subject, one reader."""

_SHORT_AXES, _LONG_AXES = ("DIAMETER", "LPERP", "SAXIS"), ("DIAMETER", "LDIAM")
"""Measurements that count, of nodes and of other lesions; where there are several, the first of these."""


def read(study: StudyTables, domain: str) -> pl.DataFrame:
    """Records of a tumour domain of persons in DM, with `EVAL`, `EVALID`, `POINT`, `FIRST`, `LAST` and `WORD`.

    A point is a visit, or a day where there is none; a visit that has one thing on two days is two points.
    """
    return study.kept((read, domain), lambda study: _read(study, domain))


def _read(study: StudyTables, domain: str) -> pl.DataFrame:
    visit = pl.coalesce(
        pl.format("visit {}", "VISITNUM"), pl.col(f"{domain}DTC").str.slice(0, len("2026-03-05")), pl.lit("")
    )
    one = [*COURSE, "POINT", f"{domain}TESTCD", "RSCAT" if domain == "RS" else f"{domain}LNKID"]
    on_two_days = (pl.col("FIRST").n_unique().over(one) > 1).any().over(*COURSE, "POINT")
    by_day = pl.when(on_two_days).then(
        pl.format("{} {}", "POINT", pl.col("FIRST").cast(pl.String).fill_null(""))
    )
    return (
        study.started(domain)
        .filter(pl.col("SUBJECT").is_not_null(), (pl.col(f"{domain}STAT") != "NOT DONE").fill_null(True))
        .with_columns(
            pl.col(f"{domain}EVAL").fill_null("INVESTIGATOR").alias("EVAL"),
            pl.col(f"{domain}EVALID").fill_null("").alias("EVALID"),
            visit.alias("POINT"),
            pl.coalesce(f"{domain}STRESC", f"{domain}ORRES")
            .str.to_uppercase()
            .str.strip_chars()
            .alias("WORD"),
        )
        .with_columns(by_day.otherwise("POINT").alias("POINT"))
    )


def in_mm(rows: pl.DataFrame) -> pl.DataFrame:
    """With sizes in `MM`; one without a unit of length, or that cannot be a size, is none."""
    factors = {unit: _factor(unit) for unit in rows["TRSTRESU"].drop_nulls().unique()}
    known = {unit: factor for unit, factor in factors.items() if factor is not None}
    factor = pl.col("TRSTRESU").replace_strict(known, default=None, return_dtype=pl.Float64)
    size = pl.col("TRSTRESN") * factor
    return rows.with_columns(pl.when(size.is_finite() & (size >= 0)).then(size).alias("MM"))


def _factor(unit: str) -> float | None:
    try:
        return float(conversion_factor(unit, "mm"))
    except (UnknownUnit, UnitsDoNotConvert):
        return None


def targets(study: StudyTables) -> pl.DataFrame:
    """One row a target, reader and assessment: `MM` (null where not measured), `IS_NODE`, `IS_BASELINE`, `TULOC`."""
    return study.kept(targets, _targets)


def _targets(study: StudyTables) -> pl.DataFrame:
    lesions = read(study, "TU").filter(pl.col("TULNKID").is_not_null()).sort("ROW")
    roles = lesions.group_by(*COURSE, "TULNKID").agg(
        pl.col("WORD").first().alias("ROLE"), pl.col("TULOC").drop_nulls().first()
    )
    rows = in_mm(read(study, "TR")).filter(pl.col("TRLNKID").is_not_null())
    rows = rows.join(
        roles, left_on=[*COURSE, "TRLNKID"], right_on=[*COURSE, "TULNKID"], how="left", maintain_order="left"
    )
    is_target = pl.coalesce("ROLE", pl.col("TRGRPID").str.to_uppercase()) == "TARGET"
    is_node = pl.col("TULOC").str.to_uppercase().str.contains(r"\bLYMPH|\bNOD(E|AL)").fill_null(False)
    counts = (
        pl.when(is_node)
        .then(pl.col("TRTESTCD").is_in(_SHORT_AXES))
        .otherwise(pl.col("TRTESTCD").is_in(_LONG_AXES))
    )
    rows = rows.filter(is_target, counts).with_columns(is_node.alias("IS_NODE"))
    rank = pl.col("TRTESTCD").replace_strict(
        {test: n for tests in (_LONG_AXES, _SHORT_AXES) for n, test in enumerate(tests)},
        return_dtype=pl.Int64,
    )
    rows = rows.with_columns(rank.alias("RANK"))
    first = pl.col("RANK") == pl.col("RANK").filter(pl.col("MM").is_not_null()).min()
    one = (
        rows.sort("RANK", "ROW")
        .group_by(*COURSE, "TRLNKID", "POINT", maintain_order=True)
        .agg(
            pl.col("MM").drop_nulls().first(),
            pl.col("MM").filter(first).drop_nulls().n_unique().alias("N_DIFFERENT"),
            pl.col("FIRST").min(),
            pl.col("TRBLFL", "IS_NODE", "TULOC", "ROW", "USUBJID", "SEQ", "TRDTC").first(),
        )
    )
    flagged = (pl.col("TRBLFL") == "Y").fill_null(False)
    start = pl.col("FIRST").min().over(COURSE)
    is_baseline = (
        pl.when(flagged.any().over(COURSE))
        .then(flagged.any().over(*COURSE, "POINT"))
        .otherwise((pl.col("FIRST").min().over(*COURSE, "POINT") == start).fill_null(False))
    )
    return one.with_columns(is_baseline.alias("IS_BASELINE"))


def sums(study: StudyTables) -> pl.DataFrame:
    """One row a reader and assessment: the sum of the targets of the baseline, how many there are and were measured."""
    return study.kept(sums, _sums)


def _sums(study: StudyTables) -> pl.DataFrame:
    rows = targets(study)
    lesion = [*COURSE, "TRLNKID"]
    at_baseline = pl.col("IS_BASELINE").any().over(lesion)
    expected = (
        rows.filter(pl.col("IS_BASELINE"))
        .group_by(COURSE)
        .agg(pl.col("TRLNKID").n_unique().alias("N_TARGETS"))
    )
    rows = rows.filter(at_baseline)
    limit = (
        pl.when(pl.col("IS_NODE")).then(pl.col("MM") < RECIST_1_1.normal_node_mm).otherwise(pl.col("MM") == 0)
    )
    points = rows.group_by(*COURSE, "POINT").agg(
        pl.col("MM").sum().alias("SUM"),
        pl.col("MM").count().alias("N_MEASURED"),
        limit.all().alias("IS_GONE"),
        (pl.col("N_DIFFERENT") > 1).any().alias("IS_DOUBTFUL"),
        pl.col("IS_BASELINE").any(),
        pl.col("FIRST").min(),
    )
    return points.join(expected, on=COURSE)
