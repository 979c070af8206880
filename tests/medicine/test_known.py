"""Numbers and categories as far as they are known: against every number inside, and the ways reasons are told."""

import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.medicine import known
from trialwright.medicine.known import Categories, Known, choose, first_match, highest_reached, sum_of
from trialwright.vocabulary.intervals import Interval, Intervals
from trialwright.vocabulary.verdicts import Reason, Verdict

INF, NAN = math.inf, math.nan
MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
MISSING, CENSORED, CONFLICT = Reason.MISSING.code, Reason.CENSORED.code, Reason.CONFLICT.code
UNDEFINED = Reason.UNDEFINED.code


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
