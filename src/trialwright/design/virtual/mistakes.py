"""Errors that are planted in the records of a virtual trial, for `trialwright data check` and people to find.

Each kind strikes each subject by chance, apart from all else, and is written down: where, what stood there, what stands
there now. What is planted concerns one record and one variable wherever that can be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import polars as pl

from trialwright.design.virtual.draws import Draws

ERRORS = pl.Schema(
    {
        "USUBJID": pl.String, "DOMAIN": pl.String, "SEQ": pl.Int64, "VARIABLE": pl.String, "KIND": pl.String,
        "WAS": pl.String, "IS": pl.String,
    }
)  # fmt: skip

Tables = dict[str, pl.DataFrame]
Victims = pl.DataFrame
Plant = Callable[[Tables, Victims], pl.DataFrame]


def draw_victims(
    seed: int, trial: int, enrolled: np.ndarray[tuple[int], np.dtype[np.bool_]], share: float
) -> list[pl.DataFrame]:
    """For each kind of error whom it strikes, and a number from 0 to 1 that says which record."""
    n = len(enrolled)
    lots = Draws(seed, trial, "mistakes", n).rng.random((n, len(KINDS), 2))
    each = share / len(KINDS)
    return [
        pl.DataFrame(
            {"subject": who, "pick": lots[who, kind, 1]}, schema={"subject": pl.Int64, "pick": pl.Float64}
        )
        for kind in range(len(KINDS))
        for who in [np.flatnonzero(enrolled & (lots[:, kind, 0] < each))]
    ]


def plant_errors(
    tables: Mapping[str, pl.DataFrame], victims: list[pl.DataFrame]
) -> tuple[Tables, pl.DataFrame]:
    """The tables with errors, and the list of them. `victims` have `USUBJID` and `pick`, a frame for each kind."""
    changed = dict(tables)
    found = []
    for (name, plant), struck in zip(KINDS.items(), victims, strict=True):
        if struck.height:
            told = plant(changed, struck)
            found.append(told.with_columns(pl.lit(name).alias("KIND")).select(ERRORS.names()).cast(ERRORS))
    errors = pl.concat(found) if found else pl.DataFrame(schema=ERRORS)
    return changed, errors.sort("USUBJID", "DOMAIN", "SEQ", "KIND")


# --- one kind each ----------------------------------------------------------------------------------------------------


def _chosen(table: pl.DataFrame, candidates: pl.Expr, victims: Victims) -> pl.DataFrame:
    """One of the candidate records of each victim, with its row number as `row`."""
    found = table.with_row_index("row").filter(candidates).join(victims, on="USUBJID", how="inner")
    position = pl.int_range(pl.len()).over("USUBJID")
    return found.filter(position == (pl.col("pick") * pl.len().over("USUBJID")).floor().cast(pl.Int64))


def _change(
    tables: Tables, domain: str, rows: pl.DataFrame, variable: str, **values: pl.Expr | None
) -> pl.DataFrame:
    """Put values into the chosen records and tell of it; `values` are expressions over those records."""
    table = tables[domain].with_row_index("row")
    new = rows.select("row", *(_value(value, table.schema[name], name) for name, value in values.items()))
    joined = table.join(new, on="row", how="left", maintain_order="left")
    is_hit = pl.col("row").is_in(rows["row"].implode())
    tables[domain] = joined.with_columns(
        pl.when(is_hit).then(f"{name} new").otherwise(name).alias(name) for name in values
    ).select(tables[domain].columns)
    told = rows.join(new, on="row", how="left", maintain_order="left")
    return _told(told, domain, variable, pl.col(variable), pl.col(f"{variable} new"))


def _value(value: pl.Expr | None, dtype: pl.DataType, name: str) -> pl.Expr:
    return (pl.lit(None) if value is None else value).cast(dtype).alias(f"{name} new")


def _add(tables: Tables, domain: str, rows: pl.DataFrame, variable: str) -> pl.DataFrame:
    """Add records, numbered after those that the subject has, and tell of them."""
    table = tables[domain]
    sequence = f"{domain}SEQ"
    if sequence in table.columns:
        most = table.group_by("USUBJID").agg(pl.col(sequence).max().alias("most"))
        rows = rows.join(most, on="USUBJID", how="left").with_columns(
            (pl.col("most").fill_null(0) + 1).alias(sequence)
        )
    tables[domain] = pl.concat([table, rows.select(table.columns).cast(table.schema)])
    return _told(rows, domain, variable, pl.lit(None), pl.col(variable))


def _told(rows: pl.DataFrame, domain: str, variable: str, was: pl.Expr, now: pl.Expr) -> pl.DataFrame:
    sequence = f"{domain}SEQ"
    number = pl.col(sequence) if sequence in rows.columns else pl.lit(None)
    return rows.select(
        "USUBJID", pl.lit(domain).alias("DOMAIN"), number.cast(pl.Int64).alias("SEQ"),
        pl.lit(variable).alias("VARIABLE"), was.cast(pl.String).alias("WAS"), now.cast(pl.String).alias("IS"),
    )  # fmt: skip


def _day(column: str) -> pl.Expr:
    return pl.col(column).str.to_date("%Y-%m-%d", strict=False)


def _written(day: pl.Expr) -> pl.Expr:
    return day.dt.to_string("%Y-%m-%d")


def _test(code: str) -> pl.Expr:
    return (pl.col("LBTESTCD") == code) & pl.col("LBSTRESN").is_not_null()


def _unknown_unit(tables: Tables, victims: Victims) -> pl.DataFrame:
    rows = _chosen(tables["LB"], _test("ALT"), victims)
    return _change(
        tables, "LB", rows, "LBORRESU", LBORRESU=pl.lit("U/LL"), LBSTRESC=None, LBSTRESN=None, LBSTRESU=None
    )


def _unit_not_converted(tables: Tables, victims: Victims) -> pl.DataFrame:
    rows = _chosen(tables["LB"], _test("BILI") & (pl.col("LBORRESU") == "mg/dL"), victims)
    return _change(
        tables, "LB", rows, "LBORRESU",
        LBORRESU=pl.lit("umol/L"), LBSTRESC=pl.col("LBORRES"), LBSTRESN=pl.col("LBORRESN"),
    )  # fmt: skip


def _beyond_the_assay(tables: Tables, victims: Victims) -> pl.DataFrame:
    rows = _chosen(tables["LB"], (pl.col("LBTESTCD") == "HBVVLD") & (pl.col("LBORCMP") == "<"), victims)
    return _change(
        tables, "LB", rows, "LBORRES",
        LBORRES=pl.lit("3"), LBORCMP=None, LBORRESN=pl.lit(3.0), LBSTRESC=pl.lit("3"), LBSTRESN=pl.lit(3.0),
        LBORRESU=pl.lit("IU/mL"),
    )  # fmt: skip


def _dose_after_death(tables: Tables, victims: Victims) -> pl.DataFrame:
    dead = tables["DM"].filter(pl.col("DTHDTC").is_not_null()).select("USUBJID", death=_day("DTHDTC"))
    rows = _chosen(tables["EX"], pl.col("EXSTDTC").is_not_null(), victims).join(
        dead, on="USUBJID", how="inner"
    )
    later = _written(pl.col("death") + pl.duration(days=20))
    return _add(tables, "EX", rows.with_columns(later.alias("EXSTDTC"), later.alias("EXENDTC")), "EXSTDTC")


def _visit_before_consent(tables: Tables, victims: Victims) -> pl.DataFrame:
    consent = tables["DM"].select("USUBJID", consent=_day("RFICDTC"))
    rows = _chosen(tables["SV"], pl.col("SVSTDTC").is_not_null(), victims).join(consent, on="USUBJID")
    early = _written(pl.col("consent") - pl.duration(days=10))
    unplanned = rows.with_columns(
        early.alias("SVSTDTC"), early.alias("SVENDTC"), pl.lit(990.0).alias("VISITNUM")
    )
    return _add(tables, "SV", unplanned, "SVSTDTC")


def _visit_twice(tables: Tables, victims: Victims) -> pl.DataFrame:
    rows = _chosen(tables["SV"], pl.col("VISITNUM") > 100, victims)
    before = _written(_day("SVSTDTC") - pl.duration(days=1))
    return _add(tables, "SV", rows.with_columns(before.alias("SVSTDTC"), before.alias("SVENDTC")), "SVSTDTC")


def _wrong_sum(tables: Tables, victims: Victims) -> pl.DataFrame:
    if "TR" not in tables:
        return pl.DataFrame(schema=ERRORS)
    rows = _chosen(tables["TR"], pl.col("TRTESTCD") == "SUMDIAM", victims)
    more = pl.col("TRSTRESN") + 17.0
    text = more.cast(pl.Int64).cast(pl.String)
    return _change(tables, "TR", rows, "TRSTRESN", TRORRES=text, TRSTRESC=text, TRSTRESN=more)


def _nobody(tables: Tables, victims: Victims) -> pl.DataFrame:
    rows = _chosen(tables["LB"], _test("AST") | _test("CREAT"), victims)
    stranger = rows.with_columns(pl.col("USUBJID") + "9")
    return _add(tables, "LB", stranger, "USUBJID")


def _impossible_day(tables: Tables, victims: Victims) -> pl.DataFrame:
    rows = _chosen(tables["LB"], _test("ALP") | _test("CREAT"), victims)
    return _change(tables, "LB", rows, "LBDTC", LBDTC=pl.col("LBDTC").str.head(5) + "02-30")


def _record_twice(tables: Tables, victims: Victims) -> pl.DataFrame:
    rows = _chosen(tables["LB"], _test("ALT"), victims)
    tables["LB"] = pl.concat([tables["LB"], rows.select(tables["LB"].columns)])
    return _told(rows, "LB", "LBSEQ", pl.lit(None), pl.col("LBSEQ"))


def _contradiction(tables: Tables, victims: Victims) -> pl.DataFrame:
    rows = _chosen(tables["LB"], _test("ALB"), victims)
    return _change(tables, "LB", rows, "LBSTRESN", LBSTRESN=pl.col("LBSTRESN") * 10.0)


def _unknown_term(tables: Tables, victims: Victims) -> pl.DataFrame:
    rows = _chosen(tables["DM"], pl.col("SEX").is_not_null(), victims)
    return _change(tables, "DM", rows, "SEX", SEX=pl.lit("MALE"))


def _end_before_start(tables: Tables, victims: Victims) -> pl.DataFrame:
    rows = _chosen(
        tables["AE"], pl.col("AEENDTC").is_not_null() & (pl.col("AESTDTC").str.len_chars() == 10), victims
    )
    return _change(tables, "AE", rows, "AEENDTC", AEENDTC=_written(_day("AESTDTC") - pl.duration(days=9)))


KINDS: Mapping[str, Plant] = MappingProxyType(
    {
        "unknown unit": _unknown_unit,
        "unit not converted": _unit_not_converted,
        "result beyond the limits of its assay": _beyond_the_assay,
        "dose after death": _dose_after_death,
        "visit before consent": _visit_before_consent,
        "visit recorded twice": _visit_twice,
        "sum that is not the sum of its lesions": _wrong_sum,
        "subject who is not in DM": _nobody,
        "day that does not exist": _impossible_day,
        "record that stands twice": _record_twice,
        "result that contradicts itself": _contradiction,
        "unknown term": _unknown_term,
        "end before start": _end_before_start,
    }
)
"""Kinds of errors by what they are, in the order in which they are planted."""
