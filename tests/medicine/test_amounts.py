"""Reading amounts of a concept: converted, missing, without a unit, and what cannot be."""

import math

import pytest

from trialwright.medicine.amounts import as_column, as_known, as_limits
from trialwright.medicine.known import Known
from trialwright.vocabulary.intervals import Intervals
from trialwright.vocabulary.verdicts import Reason

INF, NAN = math.inf, math.nan
MISSING, CENSORED = Reason.MISSING.code, Reason.CENSORED.code
UNIT_UNKNOWN, NO_LIMIT = Reason.UNIT_UNKNOWN.code, Reason.NO_LIMIT.code


def told(numbers):
    """What is known of each row, in words: `12`, `[0, 10) 48`."""
    words = []
    for bounds, reason in zip(numbers.bounds, numbers.reasons.tolist(), strict=True):
        words.append(f"{bounds.lo:g}" if bounds.is_exact else f"{bounds} {reason}")
    return words


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        pytest.param([1.2, 0], "mg/dL", ["20.5243", "0"], id="converted to the unit of the concept"),
        pytest.param([12, 1], ["umol/L", "mg/dL"], ["12", "17.1036"], id="each row has its own unit"),
        pytest.param(12, "umol/L", ["12"], id="one number is an array of one"),
        pytest.param([], "umol/L", [], id="none"),
        pytest.param(
            [NAN, None], "umol/L", [f"[0, inf) {MISSING}"] * 2, id="missing is known to be at least 0"
        ),
        pytest.param([5, 6], ["umol/L", None], ["5", f"[0, inf) {UNIT_UNKNOWN}"], id="a row without a unit"),
        pytest.param([5], ["IU/mL"], [f"[0, inf) {UNIT_UNKNOWN}"], id="a unit of another kind in one row"),
        pytest.param([NAN], [None], [f"[0, inf) {MISSING}"], id="missing comes before a missing unit"),
        pytest.param(
            Intervals([0], [1], hi_open=True), "mg/dL", [f"[0, 17.1035775553172) {CENSORED}"], id="censored"
        ),
    ],
)
def test_reading_with_a_unit(values, unit, expected):
    assert told(as_known("bilirubin", values, concept="bilirubin", unit=unit)) == expected


def test_what_was_read_is_converted_by_its_unit_and_keeps_its_reasons():
    read = as_known("b", [1.2, NAN], concept="bilirubin", unit="mg/dL", to="mg/dL")
    again = as_known("b", read, concept="bilirubin", unit="mg/dL")
    assert told(again) == ["20.5243", f"[0, inf) {MISSING}"]


def test_only_converted_numbers_have_the_tolerance_of_products():
    read = as_known("b", [12, 1], concept="bilirubin", unit=["umol/L", "mg/dL"])
    assert read.is_calculated.tolist() == [False, True]


def test_a_missing_limit_of_normal_has_its_own_reason_with_and_without_a_unit():
    for unit in ("U/L", None):
        limits = as_limits("uln", [NAN], concept="alt", unit=unit)
        assert limits.reasons.tolist() == [NO_LIMIT]


@pytest.mark.parametrize(
    ("values", "unit", "may_be_zero", "message"),
    [
        ([1, -2], "U/L", True, r"`alt\[1\]` must be a finite number of at least 0, or missing, not -2"),
        ([INF], "U/L", True, r"`alt\[0\]` must be a finite number of at least 0, or missing, not inf"),
        ([5, 0], "U/L", False, r"`alt\[1\]` must be a finite number above 0, or missing, not 0"),
        (Intervals([-1], [5]), "U/L", True, r"`alt\[0\]` must be at least 0, not \[-1, 5\]"),
        (Known.exactly([5, 0]), "U/L", False, r"`alt\[1\]` must be above 0, not \[0, 0\]"),
        (Known.exactly([-5]), "U/L", True, r"`alt\[0\]` must be at least 0, not \[-5, -5\]"),
        (Intervals([0], [0]), "U/L", False, r"`alt\[0\]` must be above 0, not \[0, 0\]"),
        ([5], "mg/dL", True, r"unit of `alt`: `mg/dL` cannot be converted to `U/L`"),
        ([5, 6], ["U/L"], True, "2 rows need as many texts, not 1"),
        ([5], 7, True, "a text must be given for all rows or for each, not 7"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_its_place(values, unit, may_be_zero, message):
    with pytest.raises(ValueError, match=message):
        as_known("alt", values, concept="alt", unit=unit, may_be_zero=may_be_zero)


def test_a_concept_without_a_unit_takes_none():
    assert told(as_known("inr", [1.2], concept="inr", unit=None)) == ["1.2"]
    assert as_known("inr", [1.2], concept="inr", unit="g/L").reasons.tolist() == [UNIT_UNKNOWN]


def test_a_column_is_one_text_for_all_or_one_for_each():
    assert as_column(None, 2).tolist() == [None, None]
    assert as_column("U/L", 2).tolist() == ["U/L", "U/L"]
    assert as_column(["U/L", None], 2).tolist() == ["U/L", None]
