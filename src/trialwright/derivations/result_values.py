"""What results say, as columns of the table of observations: numbers in the unit of their fact, or levels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from trialwright.derivations.known_columns import meanings, spelt, was_done
from trialwright.derivations.reported_results import compare_with_reported
from trialwright.evaluation.readings import factor_to
from trialwright.medicine.assay_results import State
from trialwright.medicine.hepatitis_b.result_texts import read_results
from trialwright.protocol.facts import Fact
from trialwright.protocol.model import Assay
from trialwright.records.results import contradicting, is_below_its_limit, standard_bounds, standard_number
from trialwright.records.runs import read_by_runs
from trialwright.vocabulary.concepts import Kind, catalogue
from trialwright.vocabulary.units import Unit, UnknownUnit, find_unit
from trialwright.vocabulary.verdicts import Reason

RESULT: Mapping[str, Any] = MappingProxyType(
    {
        "STAT": pl.String,
        "ORRES": pl.String,
        "ORRESU": pl.String,
        "STRESC": pl.String,
        "STRESN": pl.Float64,
        "STRESU": pl.String,
        "STNRLO": pl.Float64,
        "STNRHI": pl.Float64,
        "LLOQ": pl.Float64,
        "METHOD": pl.String,
    }
)
"""The parts of a result, named as in SDTM without the letters of the domain."""

_MEANINGS: Mapping[str, State] = MappingProxyType(
    {
        "unspecified": State.BELOW_LLOQ_UNSPECIFIED,
        "detected": State.BELOW_LLOQ_DETECTED,
        "not detected": State.NOT_DETECTED,
    }
)
_UNREADABLE, _UNIT_UNKNOWN = Reason.UNREADABLE.code, Reason.UNIT_UNKNOWN.code
_CENSORED, _CONFLICT = Reason.CENSORED.code, Reason.CONFLICT.code
_BELOW = (State.NOT_DETECTED, State.BELOW_LLOQ_DETECTED, State.BELOW_LLOQ_UNSPECIFIED)
_SAID_YES_OR_NO = {"Y": "yes", "YES": "yes", "N": "no", "NO": "no"}


_ENDS = ("lo", "hi", "lo_open", "hi_open")
_DIGITS = 12


def what_is_said() -> list[pl.Expr]:
    """What tells results apart: bounds and level. Numbers that differ by the arithmetic of a conversion alone are one."""
    rounded = (
        pl.when(pl.col(end).is_finite())
        .then(pl.col(end).round_sig_figs(_DIGITS))
        .otherwise(pl.col(end))
        .alias(end)
        for end in ("lo", "hi")
    )
    return [*rounded, pl.col("lo_open"), pl.col("hi_open"), pl.col("level")]


def read_values(records: pl.DataFrame, fact: Fact, assay: Assay | None = None) -> pl.DataFrame:
    """The records with what they say of a fact: the columns of the table of observations that hold results.

    Parameters
    ----------
    records : DataFrame
        With the columns of `RESULT`.
    fact : Fact
        A number, a category, a yes or no, or an attestation.
    assay : Assay, optional
        How the protocol has it measured: its lower limit stands in where a record does not tell its own.

    Only the standardised result decides: where a reported one has none, nobody knows what it means (`unreadable`, or
    `unit unknown` where that is why), and where the two contradict each other neither is taken (`conflict`). A number below
    the limit of quantification that its record states is below that limit, and no more is known of it (`censored`). A standard
    text that is a number and no more is that number (`reported_results` compares it with what was reported); a number of a test
    that is said not to be done is a `conflict`; separators of thousands, decimal commas and units in it are not read.
    """
    if fact.kind is Kind.NUMBER:
        return _numbers(records, fact, assay)
    return _levels(records, fact)


# --- levels -----------------------------------------------------------------------------------------------------------


def _levels(records: pl.DataFrame, fact: Fact) -> pl.DataFrame:
    """A level as the fact spells it; none the fact has is unreadable, and a record without a result is no measurement."""
    known = {_spelt(level): level for level in fact.levels or ("yes", "no")}
    if fact.kind in (Kind.YES_OR_NO, Kind.ATTESTATION):
        known |= _SAID_YES_OR_NO
    told = records.select(told=pl.coalesce("STRESC", "ORRES"))["told"]
    level = meanings(told, known)
    is_result = pl.lit(told.is_not_null()) & _is_done(records)
    reason = (
        pl.when(is_result & pl.lit(level.is_null())).then(_UNREADABLE).when(is_result).then(0).cast(pl.UInt8)
    )
    return records.with_columns(
        reason.alias("reason"),
        *(pl.lit(None, pl.Float64).alias(name) for name in ("lo", "hi", "lln", "uln")),
        *(pl.lit(None, pl.Boolean).alias(name) for name in ("lo_open", "hi_open")),
        pl.lit(value=False).alias("is_converted"),
        pl.when(is_result).then(pl.lit(level)).alias("level"),
    )


def _is_done(records: pl.DataFrame) -> pl.Expr:
    if records["STAT"].null_count() == len(records):
        return pl.lit(value=True)
    return was_done("STAT")


@cache
def _spelt(text: str) -> str:
    return pl.select(spelt(pl.lit(text))).item()  # type: ignore[no-any-return]


# --- numbers ----------------------------------------------------------------------------------------------------------


def _numbers(records: pl.DataFrame, fact: Fact, assay: Assay | None) -> pl.DataFrame:
    low = fact.limits[0]
    floor = 0.0 if low is not None and low >= 0 else None
    units = records.select(pl.struct("STRESU", "ORRESU", "METHOD")).to_series()
    named = records.hstack(read_by_runs(units, partial(_factors, fact=fact)))
    read = named.hstack(_bounds(named, floor))
    factor = pl.col("factor")
    read = read.with_columns(
        *(pl.when(factor.is_not_null()).then(pl.col(end)) for end in ("lo_open", "hi_open")),
        *(pl.col(end) * factor for end in ("lo", "hi")),
        LLOQ=pl.col("LLOQ") * pl.when(pl.col("STRESU").is_null()).then(1.0).otherwise(factor),
        lln=pl.col("STNRLO") * factor,
        uln=pl.col("STNRHI") * factor,
        lacks_unit=factor.is_null() & (pl.col("lo").is_not_null() | pl.col("contradicts")),
    )
    read = compare_with_reported(read, fact, _lower_limit(fact, assay))
    read = _with_words(read, fact, assay)
    has_standard = pl.col("STRESC").is_not_null() | pl.col("STRESN").is_not_null()
    is_result = _is_done(records) & ~pl.col("is_no_result") & (has_standard | pl.col("ORRES").is_not_null())
    is_contrary = ~_is_done(records) & pl.col("lo").is_not_null()
    is_known = pl.col("lo").is_not_null() & ~is_contrary
    lacks_unit = pl.when(has_standard).then("lacks_unit").otherwise(~pl.col("has_unit"))
    reason = (
        pl.when(is_known & (pl.col("lo") == pl.col("hi"))).then(0).when(is_known).then(_CENSORED)
        .when(lacks_unit & ~is_contrary).then(_UNIT_UNKNOWN).when(pl.col("contradicts") | is_contrary).then(_CONFLICT).otherwise(_UNREADABLE).cast(pl.UInt8)
    )  # fmt: skip
    anything = {"lo": -math.inf, "hi": math.inf, "lo_open": True, "hi_open": True}
    is_result = is_result | is_contrary
    known = {end: pl.when(~is_contrary).then(end) for end in _ENDS}
    return read.with_columns(
        pl.when(is_result).then(reason).alias("reason"),
        *(pl.when(is_result).then(known[end].fill_null(anything[end])).alias(end) for end in _ENDS),
        (pl.col("is_changed") & is_known).fill_null(value=False).alias("is_converted"),
        pl.lit(None, pl.String).alias("level"),
    )


def _bounds(named: pl.DataFrame, floor: float | None) -> pl.DataFrame:
    """The numbers each result may stand for, in the unit it is standardised to: none of one that contradicts itself, and of
    one below the limit of quantification that its record states all below that."""
    as_recorded = {f"LB{name}": name for name in ("ORRES", "STRESC", "LLOQ")}
    told = named.select(
        **as_recorded, LBSTRESN=standard_number("STRESC", "STRESN"), by=pl.col("reported") / pl.col("factor")
    )
    told = told.with_columns(contradicting(told, pl.col("by")), is_below=is_below_its_limit())
    bounds = pl.concat([told, standard_bounds(told, floor=floor)], how="horizontal")
    is_below = pl.col("is_below") & (pl.col("lo") == pl.col("hi"))
    least = -math.inf if floor is None else floor
    below = {
        "lo": pl.lit(least),
        "hi": pl.col("LBLLOQ"),
        "lo_open": pl.lit(floor is None),
        "hi_open": pl.lit(value=True),
    }
    return bounds.with_columns(
        pl.when(is_below).then(end).otherwise(pl.col(name)).alias(name) for name, end in below.items()
    ).select("contradicts", *(pl.when(~pl.col("contradicts")).then(name).alias(name) for name in _ENDS))


def _factors(units: pl.Series, fact: Fact) -> pl.DataFrame:
    """What turns a number standardised to a unit into the unit of the fact, and a reported one (`reported`), and whether it went
    through a multiplication before."""
    asked = units.struct.unnest()
    rows = []
    for standard, reported, assay in asked.unique().iter_rows():
        factor = factor_to(fact, standard or None, assay)
        is_changed = factor not in (1.0, None) or (
            reported is not None and _unit(reported) != _unit(standard)
        )
        of_reported = factor_to(fact, reported or None, assay)
        rows.append((standard, reported, assay, factor, is_changed, of_reported is not None, of_reported))
    added = {"factor": pl.Float64, "is_changed": pl.Boolean, "has_unit": pl.Boolean, "reported": pl.Float64}
    known = pl.DataFrame(rows, schema={**asked.schema, **added}, orient="row")
    return asked.join(known, on=asked.columns, how="left", nulls_equal=True, maintain_order="left").select(
        *added
    )


def _unit(text: str | None) -> Unit | str | None:
    try:
        return find_unit(text) if text else None
    except UnknownUnit:
        return text


def _with_words(read: pl.DataFrame, fact: Fact, assay: Assay | None) -> pl.DataFrame:
    """The bounds of results that are words (`TND`, `<LLOQ`), and whether a result is none (`haemolysed`)."""
    told = pl.coalesce("STRESC", "ORRES")
    is_word = pl.col("lo").is_null() & ~pl.col("lacks_unit") & ~pl.col("contradicts") & told.is_not_null()
    read = read.with_columns(word=pl.when(is_word).then(told))
    words = read.select("word", "LLOQ").filter(pl.col("word").is_not_null()).unique()
    concept = catalogue().get(fact.concept or "")
    if not len(words) or concept is None or concept.unit is None or concept.unit != fact.unit:
        return read.with_columns(is_no_result=pl.lit(value=False))
    found = read_results(
        words["word"].to_list(),
        concept=concept.name,
        unit=None,
        lloq=words["LLOQ"].fill_null(_lower_limit(fact, assay)).to_numpy(),
        uloq=math.nan,
        below_limit_means=_MEANINGS[assay.below_limit_means if assay else "unspecified"],
    )
    bounds, is_below = found.amount.bounds, np.isin(found.state, _BELOW) & np.isfinite(found.amount.bounds.hi)
    known = words.with_columns(
        pl.Series("is_no_result", found.state == State.NO_RESULT),
        *(pl.Series(f"word_{end}", getattr(bounds, end)) for end in _ENDS),
        pl.Series("is_below", is_below),
    )
    joined = read.join(known, on=["word", "LLOQ"], how="left", nulls_equal=True, maintain_order="left")
    is_meant = pl.col("is_below") & pl.col("STRESC").is_not_null()
    return joined.with_columns(
        *(pl.when(is_meant).then(f"word_{end}").otherwise(end).alias(end) for end in _ENDS),
        pl.col("is_no_result").fill_null(value=False),
    )


def _lower_limit(fact: Fact, assay: Assay | None) -> float:
    """The lower limit of quantification that the protocol names, in the unit of the fact; NaN where it names none."""
    limit = assay.lower_limit if assay else None
    factor = factor_to(fact, str(limit.unit), None) if limit else None
    return math.nan if limit is None or factor is None else float(limit.number) * factor
