"""Reported results taken apart, and what each may stand for."""

import math
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialwright.records.results import (
    contradicting,
    number_text,
    read_reported,
    scale_of,
    split_results,
    standard_bounds,
)
from trialwright.vocabulary.intervals import Interval


@pytest.mark.parametrize(
    ("text", "comparator", "number"),
    [
        ("12", "", 12),
        ("12.30", "", 12.3),
        (".5", "", 0.5),
        ("5.", "", 5),
        ("-3", "", -3),
        ("<10", "<", 10),
        ("< 10", "<", 10),
        ("<=10", "<=", 10),
        ("≤10", "<=", 10),
        ("=<10", "<=", 10),
        ("＜10", "<", 10),
        (">1.7E8", ">", 170_000_000),
        ("≥ 1e3", ">=", 1000),
        ("1.2x10^5", "", 120_000),
        ("1.2 × 10⁵", "", 120_000),
        ("3*10**-2", "", 0.03),
        (" 7 ", "", 7),
    ],
)
def test_numbers_with_their_comparators(text, comparator, number):
    found = read_reported(text)
    assert (found.comparator, float(found.number)) == (comparator, number)


@pytest.mark.parametrize(
    "text",
    ["", "TND", "<", "<LLOQ", "1,234", "1 234", "10-20", "12 mg", "1.2.3", "<<10", "++", "NaN", "1e9999", "٣", "1" * 61]
)  # fmt: skip
def test_texts_that_report_no_number(text):
    assert read_reported(text) is None


def test_decimal_commas():
    assert read_reported("<1,5", decimal=",").number == Fraction(3, 2)
    assert read_reported("1.5", decimal=",") is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_as_text_read_back(number):
    assert float(number_text(number)) == number


# factors by hand: bilirubin 584.673 g/mol, so 1 mg/dL is 10 / 584.673 mmol/L
@pytest.mark.parametrize(
    ("number", "unit", "concept", "assay", "value"),
    [
        pytest.param("1", "mg/dL", "bilirubin", None, 10_000 / 584.673, id="mass to amount"),
        pytest.param("3.9", "g/dL", "albumin", None, 39.0, id="of another size"),
        pytest.param("582", "copies/mL", "hbv_dna", "roche_cobas_taqman", 100.0, id="by the assay's factor"),
        pytest.param("5", "log10 IU/mL", "hbv_dna", None, 100_000.0, id="a logarithm"),
        pytest.param("5", "lg(IU/mL)", "hbv_dna", None, 100_000.0, id="a logarithm in parentheses"),
        pytest.param("1.1", None, "inr", None, 1.1, id="no unit where there is none"),
    ],
)
def test_converted_numbers(number, unit, concept, assay, value):
    assert math.isclose(scale_of(unit, concept, assay).apply(Fraction(number)), value, rel_tol=1e-15)


@pytest.mark.parametrize(
    ("unit", "concept", "assay", "problem"),
    [
        pytest.param(None, "alt", None, "unit-missing", id="no unit"),
        pytest.param("%", "inr", None, "unit-unexpected", id="a unit where there is none"),
        pytest.param("mg/dl.", "bilirubin", None, "unknown-unit", id="no unit at all"),
        pytest.param("mg/dL", "alt", None, "unit-mismatch", id="another quantity"),
        pytest.param("copies/mL", "hbv_dna", None, "assay-needed", id="without its assay"),
        pytest.param("copies/mL", "hbv_dna", "own_assay", "assay-needed", id="by an assay of unknown factor"),
    ],
)
def test_numbers_that_cannot_be_converted(unit, concept, assay, problem):
    scale = scale_of(unit, concept, assay)
    assert (scale.problem, scale.apply(Fraction(1))) == (problem, None)


@pytest.mark.parametrize("number", ["1000", "-1000", "400"])
def test_a_logarithm_beyond_any_number(number):
    assert scale_of("log10 IU/mL", "hbv_dna", None).apply(Fraction(number)) is None


def test_numbers_among_words_are_read_as_alone():
    texts = ["12", "<20", None, "TND", "-1", "7"]
    numbers = [12.0, None, None, None, -1.0, math.nan]
    column = pl.DataFrame({"LBSTRESC": texts, "LBSTRESN": numbers})
    alone = [bounds(text, number) for text, number in zip(texts, numbers, strict=True)]
    assert standard_bounds(column, floor=0.0).rows() == alone
    assert alone[0] == (12, 12, False, False)
    assert alone[-1] == (None, None, None, None)  # one that is no number is not known


def test_columns_taken_apart():
    table = split_results(
        pl.DataFrame({"LBORRES": ["<10", "3.9", ">= 1.7E8", "1,234", "TND", "", None, "-2"]})
    )
    assert table["LBORCMP"].to_list() == ["<", None, ">=", None, None, None, None, None]
    assert table["LBORRESN"].to_list() == [10, 3.9, 1.7e8, None, None, None, None, -2]


def bounds(text, number=None, floor=0.0):
    row = pl.DataFrame(
        {"LBSTRESC": [text], "LBSTRESN": [number]}, schema={"LBSTRESC": pl.String, "LBSTRESN": pl.Float64}
    )
    return standard_bounds(row, floor=floor).row(0)


@pytest.mark.parametrize(
    ("text", "number", "expected"),
    [
        pytest.param("12", 12.0, (12, 12, False, False), id="exact"),
        pytest.param("<20", None, (0, 20, False, True), id="below"),
        pytest.param("<=20", None, (0, 20, False, False), id="at most"),
        pytest.param(">1E3", None, (1000, math.inf, True, True), id="above"),
        pytest.param(">=1000", None, (1000, math.inf, False, True), id="at least"),
        pytest.param("1.234", None, (None, None, None, None), id="a text that nobody took for a number"),
        pytest.param("TND", None, (None, None, None, None), id="words"),
        pytest.param(None, None, (None, None, None, None), id="nothing"),
        pytest.param("<0", None, (None, None, None, None), id="below the least there is"),
        pytest.param("-1", -1.0, (None, None, None, None), id="a number below the least there is"),
        pytest.param("0", 0.0, (0, 0, False, False), id="zero"),
        pytest.param("positive", 3.0, (3, 3, False, False), id="a number beside words"),
        pytest.param("<20", 20.0, (0, 20, False, True), id="the limit in place of what is below it"),
        pytest.param("<20", 10.0, (0, 20, False, True), id="half the limit in place of what is below it"),
    ],
)
def test_bounds_of_results(text, number, expected):
    assert bounds(text, number) == expected


@given(st.sampled_from(["<", "<=", ">", ">="]), st.floats(0, 1e12), st.sampled_from([0.0, None]))
def test_bounds_are_those_of_the_vocabulary(comparator, number, floor):
    found = bounds(f"{comparator}{number!r}", floor=floor)
    if comparator == "<" and number == 0 and floor == 0:
        assert found == (None, None, None, None)
    else:
        expected = Interval.reported(number, comparator, floor=floor)
        assert found == (expected.lo, expected.hi, expected.lo_open, expected.hi_open)


def _result(reported, text, number, lloq):
    return pl.DataFrame(
        {"LBORRES": [reported], "LBSTRESC": [text], "LBSTRESN": [number], "LBLLOQ": [lloq]},
        schema={"LBORRES": pl.String, "LBSTRESC": pl.String, "LBSTRESN": pl.Float64, "LBLLOQ": pl.Float64},
    )


_IN_ACCORD = _result("39", "39", 39, None)


@pytest.mark.parametrize(
    ("reported", "text", "number", "lloq", "contradictory"),
    [
        pytest.param("39", "39", 39, None, False, id="the same"),
        pytest.param("39", "390", 390, None, True, id="another number in the same unit"),
        pytest.param("39", "39", 390, None, True, id="text and number are two"),
        pytest.param(None, "39", 390, None, True, id="text and number are two, nothing reported"),
        pytest.param("100", "101", 101, None, False, id="1 % away: factors are rounded"),
        pytest.param("100", "102", 102, None, True, id="2 % away"),
        pytest.param("0.34", "0.3", 0.3, None, False, id="within the rounding of the text"),
        pytest.param("0.36", "0.3", 0.3, None, True, id="beyond the rounding of the text"),
        pytest.param("0.5", None, 0.05, None, True, id="without a text nothing was rounded"),
        pytest.param("<20", "<20", None, None, False, id="the same limit"),
        pytest.param("<20", "<200", None, None, True, id="another limit"),
        pytest.param("<20", "<20", 10, None, False, id="a number in place of the limit"),
        pytest.param("<20", "<20", 21, None, True, id="a number above its limit"),
        pytest.param(">1000", ">1000", 999, None, False, id="1 % below its limit"),
        pytest.param(">1000", ">1000", 900, None, True, id="a number below its lower limit"),
        pytest.param("<20", "20", 20, None, True, id="a lost sign"),
        pytest.param("<20", "10", 10, 20, False, id="a number below its own limit is that limit"),
        pytest.param("7", "<20", None, None, False, id="reported below the limit"),
        pytest.param("2000", "<20", None, None, True, id="reported above the limit"),
        pytest.param(">20", "<20", None, None, True, id="the other sign"),
        pytest.param("5", "5", 5, 10, False, id="below its own limit, and the same"),
        pytest.param("39", "5", 5, 10, True, id="below its own limit, reported above"),
        pytest.param("TND", "<20", None, None, False, id="words are no number"),
        pytest.param("39", None, None, None, False, id="nothing standardised"),
    ],
)  # fmt: skip
def test_results_that_contradict_themselves(reported, text, number, lloq, contradictory):
    row = _result(reported, text, number, lloq)
    assert contradicting(row, pl.lit(1.0)).item() is contradictory
    among_others = pl.concat([_IN_ACCORD, row, _IN_ACCORD])
    assert contradicting(among_others, pl.lit(1.0)).to_list() == [False, contradictory, False]
    if reported and (
        number is None or text == str(number)
    ):  # nobody knows the factor: what was reported says nothing
        assert contradicting(row, pl.lit(None, pl.Float64)).item() is False


@given(st.floats(1e-3, 1e9), st.floats(1e-3, 1e3))
def test_a_converted_result_never_contradicts_itself(reported, factor):
    """mg/dL to umol/L and the like, with three digits or more of the factor kept."""
    number = reported * float(f"{factor:.3g}")
    row = pl.DataFrame({"LBORRES": [repr(reported)], "LBSTRESC": [repr(number)], "LBSTRESN": [number], "LBLLOQ": [None]},
                       schema_overrides={"LBLLOQ": pl.Float64})  # fmt: skip
    assert contradicting(row, pl.lit(factor)).item() is False
