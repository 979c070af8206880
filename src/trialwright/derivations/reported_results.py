"""What a laboratory reported, held against the standard result beside it, where that takes more than comparing two numbers.

A decimal comma, a logarithm, a power of ten in the unit, or words: what was lost on the way to the standard result would stand
there as a number that looks fine.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import polars as pl

from trialwright.evaluation.readings import factor_to
from trialwright.medicine.assay_results import State
from trialwright.medicine.hepatitis_b.result_texts import read_results
from trialwright.protocol.facts import Fact
from trialwright.records.results import LOG_UNIT, Reported, read_reported
from trialwright.vocabulary.concepts import catalogue

_TIMES_TEN = re.compile(r"(?:[x×*]\s*)?10\s*(?:\^|\*\*|[eE])?\s*(?P<power>[0-9]{1,2})\s*[ /]\s*(?P<unit>.+)")
_BARE_LOG = re.compile(r"(?:log(?:_?10)?|lg)", re.IGNORECASE)
_LOG_OF = re.compile(r"(?P<log>(?:log(?:_?10)?|lg))\s*(?P<number>[0-9].*)", re.IGNORECASE)
_POWER_OF_TEN = re.compile(r"10\s*(?:\^|\*\*)\s*(?P<power>[0-9]{1,2})")
_WITH_UNIT = re.compile(
    r"(?P<number>(?:>=?\s*)?[0-9](?:[0-9.,'’ \u00a0\u202f]*[0-9])?(?:[eE][+-]?[0-9]+)?)\s*(?P<unit>[^\s0-9.,].*)"
)
"""A number and what stands behind it; not one below a limit, whose words tell more."""
_FLAG = re.compile(r"(?:\s+[(\[]?(?:HH?|LL?|high|low)[)\]]?|\s*[*!↑↓]+)$", re.IGNORECASE)
"""How laboratories mark what lies outside the limits of normal."""
_BETWEEN_THOUSANDS = re.compile(r"(?<=[0-9])[ ,.'’\u00a0\u202f](?=[0-9]{3}(?![0-9]))")
_SIGNED = r"^\s*[<>]=?\s*[0-9.eE+-]+\s*$"
"""A number with a sign, which `records.results` compares."""
_DECIMALS = re.compile(r"[.,]([0-9]+)")
_BELOW = (State.NOT_DETECTED, State.BELOW_LLOQ_DETECTED, State.BELOW_LLOQ_UNSPECIFIED)
_CLOSE = 0.01
"""How far, as a share, a standard number may lie from the reported one, as in `records.results`."""
_TOLD = ("ORRES", "ORRESU", "STRESC", "METHOD", "LLOQ", "lo", "factor")
_ASSAYED = ("hbv_dna", "hbsag_quantity")
"""Results of assays with a limit below which there is no number: 0 says that it lies below."""


def compare_with_reported(read: pl.DataFrame, fact: Fact, limit: float) -> pl.DataFrame:
    """Results of which the reported one says otherwise, or only that it lies below what the assay can measure.

    Parameters
    ----------
    read : DataFrame
        `ORRES`, `ORRESU`, `STRESC`, `STRESU`, `METHOD`; `LLOQ`, `lo` and `hi` in the unit of the fact; the `factor` that turned
        the standard number into it; `has_unit`, whether the reported unit converts to it.
    fact : Fact
        A number.
    limit : float
        The lower limit that the protocol names for its assay, in the unit of the fact; NaN without one.

    Returns
    -------
    read : DataFrame
        `contradicts` is true, and there is no number, where the reported text is another number (also with a decimal comma, as a
        logarithm, or with a power of ten in its unit), or says that there is no result or that it lies above all that can be
        measured. Where it says that nothing was found, or
        a number of virus or antigen is 0, the result lies below the limit of the record or of the protocol: [0, limit); without a
        limit a 0 says nothing, and any other number contradicts.
    """
    is_exact = (pl.col("lo") == pl.col("hi")).fill_null(value=False)
    is_number = pl.col("ORRES").cast(pl.Float64, strict=False).is_not_null()
    is_foreign = (
        pl.col("ORRESU").is_not_null() & ~pl.col("has_unit") & pl.col("ORRESU").ne_missing(pl.col("STRESU"))
    )
    is_zero = (pl.col("lo") == 0) & pl.lit(fact.concept in _ASSAYED)
    is_asked = read.select(
        is_exact & ((pl.col("ORRES").is_not_null() & (~is_number | is_foreign)) | is_zero)
    ).to_series()
    if not is_asked.any():
        return read
    is_signed = pl.col("ORRES").str.contains(_SIGNED).fill_null(value=False)
    asked = read.with_row_index("row").filter(is_asked).filter(~is_signed | is_zero | is_foreign)
    asked = asked.with_columns(pl.col("LLOQ").fill_null(limit).fill_nan(None))
    known = pl.DataFrame(
        [(*told, *_found(fact, *told)) for told in asked.select(_TOLD).unique().iter_rows()],
        schema={**{name: asked.schema[name] for name in _TOLD}, "finding": pl.String, "below": pl.Float64},
        orient="row",
    )
    found = asked.select("row", *_TOLD).join(known, on=_TOLD, how="left", nulls_equal=True)
    told = read.select(pl.int_range(pl.len(), dtype=pl.get_index_type()).alias("row")).join(
        found.select("row", "finding", "below"), on="row", how="left", maintain_order="left"
    )
    finding, below = told["finding"], told["below"]
    is_below, is_none = (
        pl.lit(finding == "below").fill_null(value=False),
        pl.lit(finding.is_in(["contradicts", "unreadable"])).fill_null(value=False),
    )
    return read.with_columns(
        contradicts=pl.col("contradicts") | pl.lit(finding == "contradicts").fill_null(value=False),
        lo=pl.when(~is_none).then(pl.when(is_below).then(0.0).otherwise("lo")),
        hi=pl.when(~is_none).then(pl.when(is_below).then(pl.lit(below)).otherwise("hi")),
        lo_open=pl.when(~is_none).then(pl.when(is_below).then(False).otherwise("lo_open")),
        hi_open=pl.when(~is_none).then(pl.when(is_below).then(True).otherwise("hi_open")),
    )


def _found(fact: Fact, *told: Any) -> tuple[str, float | None]:
    """What the reported result says of a standard number, and the limit that it then lies below."""
    text, unit, standard, assay, limit, value, factor = told
    is_zero = value == 0 and fact.concept in _ASSAYED
    said = None if text is None else _read(fact, text, unit, assay)
    if said is not None:
        state, amounts, own_limit = said
        rounding = 0.5 * math.pow(10.0, -_decimals(standard)) * factor if standard else 0.0
        if state in (State.NO_RESULT, State.ABOVE_ULOQ) or (
            amounts and not any(abs(amount - value) <= max(off * amount, rounding) for amount, off in amounts)
        ):
            return "contradicts", None
        if state in _BELOW:
            limit = limit if own_limit is None else own_limit
            if limit is None or value > limit:
                return "unreadable" if is_zero else "contradicts", None
            return "below", limit
    if is_zero:
        return ("below", limit) if limit is not None else ("unreadable", None)
    return "agrees", None


def _read(
    fact: Fact, text: str, unit: str | None, assay: str | None
) -> tuple[State, list[tuple[float, float]], float | None] | None:
    """What a text says, the numbers that it may be (in the unit of the fact) with how far each may be off, and the limit it names;
    None where it or its unit cannot be read."""
    number, unit = _number_and_unit(text, unit)
    if numbers := _readings(number):
        factor, is_log = _factor(fact, unit, assay)
        if factor is None:
            return None
        # a sign that the standard result has lost is as much a contradiction as another number
        return (
            State.QUANTIFIED,
            [_amount(one, number, factor, is_log=is_log) for one in numbers if not one.comparator]
            or [(-math.inf, 0.0)],
            None,
        )
    concept = catalogue().get(fact.concept or "")
    if concept is None or concept.unit is None or concept.unit != fact.unit:
        return None
    found = read_results(
        [text], concept=concept.name, unit=str(concept.unit), lloq=np.nan, uloq=np.nan, below_limit_means=State.BELOW_LLOQ_UNSPECIFIED
    )  # fmt: skip
    state, low, high = (
        State(found.state[0]),
        float(found.amount.bounds.lo[0]),
        float(found.amount.bounds.hi[0]),
    )
    if state == State.QUANTIFIED and low != high:
        return None  # of a number whose unit is not known
    rounding = _rounding_of_log(text) if found.log_decimals[0] >= 0 else 0.0
    exact = [(low, _CLOSE + rounding)] if state == State.QUANTIFIED else []
    return state, exact, high if math.isfinite(high) else None


def _readings(text: str) -> list[Reported]:
    """The numbers that a text may be, with a decimal point or comma, or marks between thousands."""
    found = {read_reported(text, decimal=mark) for mark in ".,"}
    found.add(read_reported(_BETWEEN_THOUSANDS.sub("", text)))
    return [one for one in found if one is not None]


def _number_and_unit(text: str, unit: str | None) -> tuple[str, str | None]:
    """The number of a text and its unit, which may stand in the text itself: `45 U/L`, `45 H`, `5,98 log`, `log 5.98`, `10^5`."""
    plain = _FLAG.sub("", text.strip())
    if found := _LOG_OF.fullmatch(plain):
        return _number_and_unit(
            found["number"], "log" if unit is None or LOG_UNIT.fullmatch(unit) is None else unit
        )
    if found := _POWER_OF_TEN.match(plain):
        return _number_and_unit(f"1E{found['power']}{plain[found.end() :]}", unit)
    if not _readings(plain) and (found := _WITH_UNIT.fullmatch(plain)) and _readings(found["number"]):
        return found["number"], found["unit"]
    return plain, unit


def _factor(fact: Fact, unit: str | None, assay: str | None) -> tuple[float | None, bool]:
    """What turns a number in a reported unit into the unit of the fact, and whether it is a logarithm first."""
    plain = (unit or "").strip()
    if _BARE_LOG.fullmatch(plain):
        return 1.0, True
    log = LOG_UNIT.fullmatch(plain)
    factor = factor_to(fact, (log["unit"] if log else plain) or None, assay)
    times = _TIMES_TEN.fullmatch(plain) if factor is None else None
    if times is not None:
        base = factor_to(fact, times["unit"], assay)
        factor = None if base is None else base * 10.0 ** int(times["power"])
    return factor, log is not None


def _amount(reading: Reported, text: str, factor: float, *, is_log: bool) -> tuple[float, float]:
    if not is_log:
        return float(reading.number) * factor, _CLOSE
    if abs(reading.number) > 100:
        return math.inf, 0.0
    return 10.0 ** float(reading.number) * factor, _CLOSE + _rounding_of_log(text)


def _rounding_of_log(text: str) -> float:
    """How far, as a share, a number may be off whose logarithm was rounded."""
    return math.pow(10.0, 0.5 * math.pow(10.0, -_decimals(text))) - 1


def _decimals(text: str) -> int:
    found = _DECIMALS.search(text)
    return len(found[1]) if found else 0
