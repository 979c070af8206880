"""Recorded results: what a laboratory makes of a true value, and how it writes it.

A true value becomes a number in the unit and to the digits of the laboratory, or `<20`, `>1.7E8`, `not detected`. What
was recorded, in the unit of the catalogue, is handed back, so that the truth can be told from the very records.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from trialwright.design.virtual.draws import Flags, Numbers, Whole
from trialwright.records.results import scale_of
from trialwright.vocabulary.concepts import Concept, catalogue

SI, CONVENTIONAL = 0, 1
EXACT, BELOW, ABOVE, NOT_DETECTED, POSITIVE, NEGATIVE = range(6)
"""What a result is: a number, below or above what the assay can measure, or not detected at all; or a word alone."""

HBV_ASSAY = "roche_cobas_taqman"


@dataclass(frozen=True, slots=True)
class Test:
    """How both laboratories report one measurement."""

    concept: Concept
    units: tuple[str | None, str | None]
    factors: tuple[float, float]
    """From the unit of each laboratory to that of the catalogue."""
    digits: tuple[int, int] | None
    figures: int | None
    normal: tuple[tuple[tuple[float, float], ...], ...] | None
    typical: tuple[float, float] | None


@cache
def tests() -> Mapping[str, Test]:
    """All measurements by the name of their concept."""
    text = files("trialwright.design.virtual").joinpath("laboratory.toml").read_text(encoding="utf-8")
    return MappingProxyType({name: _test(name, entry) for name, entry in tomllib.loads(text).items()})


def _test(name: str, entry: Mapping[str, Any]) -> Test:
    units = tuple(unit or None for unit in entry["unit"])
    normal = entry.get("normal")
    return Test(
        catalogue()[name],
        (units[0], units[1]),
        (_factor(units[0], name), _factor(units[1], name)),
        tuple(entry["digits"]) if "digits" in entry else None,
        entry.get("figures"),
        tuple(tuple(map(tuple, normal[kind])) for kind in ("si", "conventional")) if normal else None,
        tuple(entry["typical"]) if "typical" in entry else None,
    )


def _factor(unit: str | None, name: str) -> float:
    factor = scale_of(unit, name, HBV_ASSAY if unit == "copies/mL" else None).factor
    if factor is None:
        raise ValueError(f"{name} is not reported in {unit}")
    return float(factor)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Results as recorded: `number` in the laboratory's unit, `value` in that of the catalogue; `state` as above.

    Of a result that is no number, `number` and `value` are the limit it lies beyond.
    """

    number: Numbers
    value: Numbers
    state: Whole


def report_result(name: str, true: Numbers, laboratory: Whole) -> Recorded:
    """True values as each laboratory rounds them. Of one shape, or with one laboratory for all columns of a row."""
    test = tests()[name]
    factor = np.array(test.factors)[laboratory]
    number = true / factor
    if test.figures is not None:
        number = _to_figures(number, test.figures)
    elif test.digits is not None:
        scale = _POWERS_OF_TEN[np.array(test.digits)][laboratory]
        number = np.rint(number * scale) / scale
    number = np.maximum(number, 0.0)
    return Recorded(number, number * factor, np.zeros(number.shape, dtype=np.int64))


def report_between(
    name: str,
    true: Numbers,
    laboratory: Whole,
    *,
    lower: float | None,
    upper: float | None,
    detection: float | None = None,
) -> Recorded:
    """The same of an assay with limits of quantification and of detection, in the unit of the catalogue."""
    made = report_result(name, true, laboratory)
    factors = np.array(tests()[name].factors)
    number, state = made.number.copy(), made.state.copy()
    if upper is not None:
        limit = _to_figures(upper / factors, 3)[laboratory]
        above = number > limit
        number, state = np.where(above, limit, number), np.where(above, ABOVE, state)
    if lower is not None:
        limit = _to_figures(lower / factors, 3)[laboratory]
        below = number < limit
        number, state = np.where(below, limit, number), np.where(below, BELOW, state)
        if detection is not None:
            state = np.where(below & (true < detection), NOT_DETECTED, state)
    return Recorded(number, number * factors[laboratory], state)


def _to_figures(number: Numbers, figures: int) -> Numbers:
    """Rounded to significant figures; whole numbers stay whole."""
    safe = np.maximum(number, 1e-9)
    digits = (figures - 1 - np.floor(np.log10(safe))).astype(np.int64)
    up, down = _POWERS_OF_TEN[np.maximum(digits, 0)], _POWERS_OF_TEN[np.maximum(-digits, 0)]
    return np.asarray(np.round(number / down * up) / up * down)


_POWERS_OF_TEN = np.array([float(f"1e{power}") for power in range(309)])


# --- rows -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taken:
    """Samples that were taken, one row each: `done` picks them from all that might have been.

    `reader` tells the laboratory and the sex apart, by which units and limits go (`_reader`).
    """

    done: Flags
    subject: Whole
    day: Whole
    visit: Numbers
    reader: np.ndarray[tuple[int, ...], np.dtype[np.int16]]


def samples_taken(
    done: Flags, *, zero: Whole, day: Whole, visit: Numbers, laboratory: Whole, is_man: Flags
) -> Taken:
    """The samples that were taken. `done`, `day` and `visit` have a row for each subject, the others a value.

    Days count from `zero`.
    """
    subject = np.nonzero(done)[0]
    reader = _reader(laboratory, is_man).astype(np.int16)
    return Taken(done, subject, zero[subject] + day[done], visit[done], reader[subject])


def results(name: str, recorded: Recorded, taken: Taken) -> dict[str, Any]:
    """Rows of LB, as `write_results` takes them."""
    return {
        "subject": taken.subject,
        "LBDTC": taken.day,
        "VISITNUM": taken.visit,
        "words": taken.reader + np.int16(_words(name)),
        "number": recorded.number[taken.done],
        "state": recorded.state[taken.done].astype(np.int8),
    }


def levels(name: str, level: int, subject: Whole, day: Whole, visit: float) -> dict[str, Any]:
    """Rows of LB, as `write_results` takes them, of a test that gives words in place of numbers (see `_QUALITATIVE`)."""
    words = 4 * len(tests()) + list(_QUALITATIVE).index(name)
    return {
        "subject": subject,
        "LBDTC": day,
        "VISITNUM": visit,
        "words": np.full(len(subject), words, dtype=np.int16),
        "number": 0.0,
        "state": np.full(len(subject), level, dtype=np.int8),
    }


_QUALITATIVE = {
    "hbsag": {"LBTESTCD": "HBSAG", "LBTEST": "HBsAg", "LBLOINC": "5196-1"},
    "anti_hcv": {"LBTESTCD": "HCAB", "LBTEST": "anti-HCV", "LBLOINC": "16128-1"},
}


def write_results(
    rows: pl.DataFrame, limits: Mapping[str, tuple[float | None, float | None]]
) -> pl.DataFrame:
    """Rows of results as LB has them.

    Parameters
    ----------
    rows : DataFrame
        As `results` and `levels` give them.
    limits : mapping of str to (lower, upper)
        Limits of quantification of assays that have them, in the unit of the catalogue.
    """
    wording = _wording(limits)
    words = rows["words"].to_numpy()
    numbers = rows["number"].unique().to_frame().with_row_index("place")
    place = rows.select("number").join(numbers, on="number", how="left", maintain_order="left")["place"]
    # what decides how a result is written, as one number; few of them occur
    size = (len(numbers), NEGATIVE + 1, len(wording) // 2 + 1)
    key = (place.to_numpy().astype(np.int64) * size[1] + rows["state"].to_numpy()) * size[2] + words // 2
    occurs = np.zeros(math.prod(size), dtype=bool)
    occurs[key] = True
    number, state, kind = np.unravel_index(np.flatnonzero(occurs), size)
    factors = wording["factor"].to_numpy()
    measured = pl.DataFrame(
        {
            "number": numbers["number"].to_numpy()[number],
            "state": state,
            "factor": factors[2 * kind],
        }
    )
    texts = _texts(measured)[np.cumsum(occurs, dtype=np.uint32)[key] - 1]
    return rows.drop("words", "number", "state").hstack(wording.drop("factor")[words]).hstack(texts)


def _texts(measured: pl.DataFrame) -> pl.DataFrame:
    """How results are written; many are the same, and writing is slow."""
    state = pl.col("state")
    words = {NOT_DETECTED: "not detected", POSITIVE: "positive", NEGATIVE: "negative"}
    word = state.replace_strict(words, default=None, return_dtype=pl.String)
    sign = state.replace_strict({BELOW: "<", ABOVE: ">"}, default=None, return_dtype=pl.String)
    is_number = state <= ABOVE
    return measured.with_columns(value=pl.col("number") * pl.col("factor")).select(
        pl.coalesce(word, pl.concat_str(sign.fill_null(""), _number_text("number"))).alias("LBORRES"),
        sign.alias("LBORCMP"),
        pl.when(is_number).then("number").alias("LBORRESN"),
        pl.coalesce(
            pl.when(state == NOT_DETECTED).then(word.str.to_uppercase()).otherwise(word),
            pl.concat_str(sign.fill_null(""), _number_text("value")),
        ).alias("LBSTRESC"),
        pl.when(state == EXACT).then("value").alias("LBSTRESN"),
    )  # fmt: skip


def _number_text(column: str) -> pl.Expr:
    """As short as it can be written: 12 and not 12.0."""
    number = pl.col(column)
    is_whole = (number == number.round()) & (number.abs() < 1e15)
    return (
        pl.when(is_whole)
        .then(number.cast(pl.Int64, strict=False).cast(pl.String))
        .otherwise(number.cast(pl.String))
    )


def _wording(limits: Mapping[str, tuple[float | None, float | None]]) -> pl.DataFrame:
    """What goes with a test, a laboratory and a sex, and then with each test that gives words: names, units, limits.

    The number of a row is the `words` of `results` and `levels`.
    """
    rows = []
    for name, test in tests().items():
        concept = test.concept
        for laboratory in (SI, CONVENTIONAL):
            factor, unit = test.factors[laboratory], test.units[laboratory]
            lower, upper = limits.get(name, (None, None))
            for is_man in (False, True):
                low, high = (
                    _short(limit, factor, test.digits, laboratory)
                    for limit in (test.normal[laboratory][is_man] if test.normal else (None, None))
                )
                rows.append(
                    {
                        "factor": factor,
                        "LBTESTCD": concept.test,
                        "LBTEST": concept.label,
                        "LBORRESU": unit,
                        "LBSTRESU": str(concept.unit) if concept.unit else None,
                        "LBORNRLO": low,
                        "LBORNRHI": high,
                        "LBSTNRLO": None if low is None else float(low) * factor,
                        "LBSTNRHI": None if high is None else float(high) * factor,
                        "LBLLOQ": _limit(lower, factor),
                        "LBULOQ": _limit(upper, factor),
                        "LBMETHOD": HBV_ASSAY if name == "hbv_dna" else None,
                        "LBSPEC": "SERUM",
                        "LBLOINC": concept.codes[0].loinc if concept.codes else None,
                        "LBNAM": ("VIRTUAL LABORATORY A", "VIRTUAL LABORATORY B")[laboratory],
                    }
                )
    rows += [{**told, "LBMETHOD": "IMMUNOASSAY", "LBSPEC": "SERUM"} for told in _QUALITATIVE.values()]
    return pl.DataFrame(rows, schema_overrides=_WORDS)


_WORDS = {
    **dict.fromkeys(("LBTESTCD", "LBTEST", "LBORRESU", "LBSTRESU", "LBORNRLO", "LBORNRHI"), pl.String),
    **dict.fromkeys(("LBMETHOD", "LBSPEC", "LBLOINC", "LBNAM"), pl.String),
    **dict.fromkeys(("LBSTNRLO", "LBSTNRHI", "LBLLOQ", "LBULOQ"), pl.Float64),
}


def upper_limits(names: Sequence[str], laboratory: Whole, is_man: Flags) -> list[Numbers]:
    """The upper limits of normal that stand beside results of each subject, in the unit of the catalogue."""
    told = _wording({})["LBSTNRHI"].to_numpy()
    return [told[_words(name) + _reader(laboratory, is_man)] for name in names]


def _words(name: str) -> int:
    """The first of the four rows of `_wording` of a test; `_reader` says which of them."""
    return 4 * list(tests()).index(name)


def _reader(laboratory: Whole, is_man: Flags) -> Whole:
    return 2 * laboratory + is_man


def _short(limit: float | None, factor: float, digits: tuple[int, int] | None, laboratory: int) -> str | None:
    if limit is None:
        return None
    return f"{round(limit / factor, digits[laboratory] if digits else 2):g}"


def _limit(limit: float | None, factor: float) -> float | None:
    """A limit as its laboratory gives it, back in the unit of the catalogue."""
    return None if limit is None else float(_to_figures(np.asarray(limit / factor), 3)) * factor
