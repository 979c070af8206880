"""Numbers and categories as far as they are known: against every number inside, and the ways reasons are told."""

import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.medicine import known
from trialwright.medicine.known import (
    Categories,
    Known,
    as_column,
    as_known,
    as_limits,
    choose,
    first_match,
    highest_reached,
    sum_of,
)
from trialwright.vocabulary.intervals import Interval, Intervals
from trialwright.vocabulary.verdicts import Reason, Verdict

INF, NAN = math.inf, math.nan
MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
MISSING, CENSORED, CONFLICT = Reason.MISSING.code, Reason.CENSORED.code, Reason.CONFLICT.code
UNIT_UNKNOWN, NO_LIMIT, UNDEFINED = Reason.UNIT_UNKNOWN.code, Reason.NO_LIMIT.code, Reason.UNDEFINED.code


def told(numbers):
    """What is known of each row, in words: `12`, `[0, 10) 48`."""
    words = []
    for bounds, reason in zip(numbers.bounds, numbers.reasons.tolist(), strict=True):
        words.append(f"{bounds.lo:g}" if bounds.is_exact else f"{bounds} {reason}")
    return words


def censored(*texts):
    """`<10` and `>5` and `7` as a result each."""
    rows = []
    for text in texts:
        number = text.lstrip("<>=")
        rows.append(Interval.reported(float(number), text.removesuffix(number), floor=0))
    return Known(Intervals.of(rows), CENSORED)


def test_the_examples_run():
    assert doctest.testmod(known) == (0, doctest.testmod(known).attempted)
    assert doctest.testmod(known).attempted > 3


# ---- reading


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


# ---- what may stand in a row


def test_a_number_that_is_not_exact_needs_a_reason_and_an_exact_one_drops_it():
    with pytest.raises(ValueError, match="need a reason"):
        Known(Intervals([0], [10]), 0)
    assert Known(Intervals([3], [3]), MISSING).reasons.tolist() == [0]


def test_take_puts_rows_in_order_and_minus_one_is_no_record():
    numbers = Known.exactly([10, 20])
    assert told(numbers.take([1, -1, 0, 1])) == ["20", f"[0, inf) {MISSING}", "10", "20"]
    assert told(Known.exactly([]).take([-1, -1])) == [f"[0, inf) {MISSING}"] * 2
    assert numbers.take([-1, 1]).is_missing.tolist() == [True, False]


def test_where_chooses_row_by_row_with_reasons_and_tolerance():
    chosen = Known.exactly([1, 2]).scaled(3).where([True, False], censored("<10", ">5"))
    assert told(chosen) == ["3", f"(5, inf) {CENSORED}"]
    assert chosen.is_calculated.tolist() == [True, False]


def test_rows_of_a_group_that_differ_are_in_conflict():
    rows = censored("5", "7", "<10", "3", "3", "<10", "<10", ">2")
    expected = [
        f"[5, 7] {CONFLICT}",
        f"[0, 10) {CONFLICT}",
        "3",
        f"[0, 10) {CENSORED}",
        f"(2, inf) {CENSORED}",
    ]
    assert told(rows.hulls([0, 2, 4, 5, 7])) == expected
    assert told(censored("5", "7").collapsed(Reason.IMPRECISE_DATE)) == [
        f"[5, 7] {Reason.IMPRECISE_DATE.code}"
    ]


# ---- comparing and calculating

ends = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0])


@st.composite
def intervals(draw):
    lo, hi = sorted((draw(ends), draw(ends)))
    wide = lo < hi
    return Interval(lo, hi, wide and draw(st.booleans()), wide and draw(st.booleans()))


GRID = np.arange(0, 25) / 8


def inside(interval):
    return [x for x in GRID if interval.contains(x)]


def one(interval, reason=CENSORED):
    return Known(Intervals.of([interval]), reason)


COMPARISONS = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "=": np.equal}


@settings(deadline=None)
@given(a=intervals(), b=intervals(), comparison=st.sampled_from(sorted(COMPARISONS)))
def test_a_comparison_is_known_where_all_numbers_inside_agree(a, b, comparison):
    answers = {bool(COMPARISONS[comparison](x, y)) for x in inside(a) for y in inside(b)}
    expected = CENSORED if len(answers) == 2 else MET if answers == {True} else NOT_MET
    assert one(a).compare(comparison, one(b)).tolist() == [expected]


OPERATIONS = {"plus": np.add, "minus": np.subtract, "times": np.multiply, "maximum": np.maximum}


@settings(deadline=None)
@given(a=intervals(), b=intervals(), name=st.sampled_from(sorted(OPERATIONS)))
def test_a_result_holds_what_all_numbers_inside_give_and_its_ends_are_theirs(a, b, name):
    result = next(iter(getattr(one(a), name)(one(b)).bounds))
    given_ = [OPERATIONS[name](x, y) for x in inside(a) for y in inside(b)]
    assert all(result.contains(number) for number in given_)
    assert result.lo >= min(given_) - 0.75  # the grid comes within 1/8 of an open end, times 3 at most, twice
    assert result.hi <= max(given_) + 0.75


@pytest.mark.parametrize(
    ("value", "baseline", "fold", "comparison", "expected"),
    [
        pytest.param(60.3, 20.1, 3, ">=", MET, id="3 x 20.1 is 60.300000000000004 to the computer"),
        pytest.param(60.3, 20.1, 3, ">", NOT_MET, id="and 60.3 is not more"),
        pytest.param(60.2999, 20.1, 3, ">=", NOT_MET, id="just below"),
        pytest.param(0.93, 0.62, 1.5, ">", NOT_MET, id="1.5 x 0.62 is 0.9299999999999999"),
        pytest.param(870_000, 8700, 100, ">=", MET, id="HBV-12 on the exact scale"),
    ],
)
def test_multiples_are_compared_with_the_tolerance_of_products(value, baseline, fold, comparison, expected):
    multiple = Known.exactly([baseline]).scaled(fold)
    assert Known.exactly([value]).compare(comparison, multiple).tolist() == [expected]


def test_stated_numbers_have_no_tolerance_and_converted_ones_do():
    near = 100 * (1 + 1e-12)
    assert Known.exactly([near]).compare(">", 100).tolist() == [MET]
    assert Known.exactly([near]).compare(">", 100, is_product=True).tolist() == [NOT_MET]
    numbers = Known(Intervals.exactly([near, near]), 0, is_calculated=[True, False])
    assert numbers.compare(">", 100).tolist() == [NOT_MET, MET]


def test_of_two_reasons_the_first_in_order_is_told():
    missing, below = Known.unknown([MISSING]), censored("<10")
    assert below.compare(">", missing).tolist() == [MISSING]
    assert below.plus(missing).reasons.tolist() == [MISSING]
    assert below.compare(">=", 5).tolist() == [CENSORED]
    assert below.compare(">=", 10).tolist() == [NOT_MET]


def test_a_quotient_by_zero_is_undefined_and_by_zero_or_more_is_a_bound():
    quotient = Known.exactly([6, 6, 6]).over(censored("0", "<3", "2"))
    assert told(quotient) == [f"(-inf, inf) {UNDEFINED}", f"(2, inf) {CENSORED}", "3"]


def test_a_function_keeps_open_ends_and_turns_them_round_where_it_falls():
    logs = censored("<100", ">10", "1000", "0").through(np.log10)
    assert told(logs) == [
        f"(-inf, 2) {CENSORED}", f"(1, inf) {CENSORED}", "3", f"(-inf, inf) {UNDEFINED}"
    ]  # fmt: skip
    assert told(censored("<4", ">2").through(lambda x: -x, is_falling=True)) == [
        f"(-4, 0] {CENSORED}", f"(-inf, -2) {CENSORED}"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "whole"),
    [
        (2.5, 3),
        (-2.5, -3),
        (2.4999, 2),
        (0.5, 1),
        (-0.4, 0),
        (1.15 * 100 / 10 - 9, 3),
    ],  # the last: 2.4999999999999982
)
def test_halves_are_rounded_away_from_zero(number, whole):
    assert Known.exactly([number]).rounded().bounds.lo.tolist() == [whole]


def test_clamped_maximum_hull_and_sum():
    assert told(censored("<10", "3", "70").clamped(4, 40)) == [f"[4, 10) {CENSORED}", "4", "40"]
    assert told(censored("<10").hull(censored("12"))) == [f"[0, 12] {CENSORED}"]
    assert told(sum_of([censored("1"), censored("2"), censored("<3")])) == [f"[3, 6) {CENSORED}"]


def test_choosing_by_a_condition_that_is_unknown_takes_in_both():
    condition = np.array([MET, NOT_MET, MISSING], np.uint8)
    chosen = choose(condition, Known.exactly([1, 1, 1]), Known.exactly([5, 5, 5]))
    assert told(chosen) == ["1", "5", f"[1, 5] {MISSING}"]


def test_the_last_step_met_counts_whatever_is_unknown_below_it():
    steps = [
        np.array([MET, MISSING, MET, NOT_MET, CENSORED], np.uint8),
        np.array([MET, MET, MISSING, NOT_MET, MISSING], np.uint8),
    ]
    reached = highest_reached(steps, [1, 2], otherwise=0)
    assert told(reached) == ["2", "2", f"[1, 2] {MISSING}", "0", f"[0, 2] {MISSING}"]


# ---- categories


def test_a_category_is_settled_where_one_is_possible():
    stage = Categories(("0", "A", "B"), [[True, False, False], [True, True, False]], MISSING)
    assert stage.settled.tolist() == ["0", None]
    assert stage.is_in("0").tolist() == [MET, MISSING]
    assert stage.is_in("0", "A").tolist() == [MET, MET]
    assert stage.is_in("B").tolist() == [NOT_MET, NOT_MET]
    assert len(stage) == 2
    with pytest.raises(ValueError, match="must be one of 0, A, B, not 'C'"):
        stage.is_in("C")


@pytest.mark.parametrize(
    ("possible", "reason", "message"),
    [
        ([[False, False]], 0, "at least one category must be possible"),
        ([[True, True]], 0, "need a reason"),
        ([[True]], 0, "a column for each of 2 levels"),
    ],
)
def test_impossible_categories_are_refused(possible, reason, message):
    with pytest.raises(ValueError, match=message):
        Categories(("0", "A"), possible, reason)


def test_the_first_condition_met_decides_and_unknown_ones_before_it_stay_possible():
    first = np.array([MET, MISSING, NOT_MET, MISSING], np.uint8)
    second = np.array([MISSING, MET, NOT_MET, NOT_MET], np.uint8)
    rest = np.tile([False, False, True], (4, 1))
    found = first_match(("C", "B", "A"), [("C", first), ("B", second)], rest)
    assert found.settled.tolist() == ["C", None, "A", None]
    assert found.possible.tolist()[1] == [True, True, False]
    assert found.possible.tolist()[3] == [True, False, True]
    assert found.reasons.tolist() == [0, MISSING, 0, MISSING]


def test_the_highest_of_each_group():
    rows = censored("5", "7", "<10", "3", ">4", "4", "<9", "9")
    assert told(rows.highest([0, 2, 4, 6])) == ["7", f"[3, 10) {CENSORED}", f"(4, inf) {CENSORED}", "9"]
