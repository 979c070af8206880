"""Quantiles of values that are only known to lie between limits, and differences of means."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.limited_values import quantile_limits
from trialwright.statistics.mean_difference import mean_difference

INF = math.inf
NUMBERS = st.floats(-1e6, 1e6)
SPANS = st.lists(st.tuples(NUMBERS, NUMBERS).map(sorted), min_size=1, max_size=30)
SHARES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("lows", "highs", "probability", "expected"),
    [
        pytest.param(
            [0, 0, 30, 40, 50], [20, 20, 30, 40, 50], 0.5, (30, 30), id="two of five below the limit"
        ),
        pytest.param([0, 0, 0, 40, 50], [20, 20, 20, 40, 50], 0.5, (0, 20), id="three of five"),
        pytest.param(
            [0, 0, 30, 40],
            [20, 20, 30, 40],
            0.5,
            (15, 25),
            id="half: the median lies between a limit and a number",
        ),
        pytest.param([-INF, -INF, 1, 2], [1, 1, 1, 2], 0.5, (-INF, 1), id="no lower limit"),
        pytest.param([1, 2, 5, 5], [1, 2, INF, INF], 0.5, (3.5, INF), id="no upper limit"),
        pytest.param([-INF, 3], [INF, 3], 0.5, (-INF, INF), id="nothing known of one of two"),
        pytest.param([-INF, INF], [-INF, INF], 0.5, (-INF, INF), id="both infinities"),
        pytest.param([7], [7], 0.25, (7, 7), id="one value"),
    ],
)
def test_limits_worked_by_hand(lows, highs, probability, expected):
    assert quantile_limits(lows, highs, probability) == expected


@given(SPANS, SHARES, st.lists(SHARES, min_size=30, max_size=30))
def test_the_quantile_of_any_values_within_the_limits_lies_between(spans, probability, shares):
    lows, highs = zip(*spans, strict=True)
    values = [low + share * (high - low) for (low, high), share in zip(spans, shares, strict=False)]
    low, high = quantile_limits(lows, highs, probability)
    slack = 1e-9 * max(1, *map(abs, (*lows, *highs)))
    assert low - slack <= np.quantile(values, probability) <= high + slack


@given(st.lists(NUMBERS, min_size=1, max_size=30), SHARES)
def test_exact_values_have_an_exact_quantile(values, probability):
    low, high = quantile_limits(values, values, probability)
    assert low == high == pytest.approx(np.quantile(values, probability), abs=1e-9, rel=1e-9)


@pytest.mark.parametrize(
    ("lows", "highs", "probability", "message"),
    [
        pytest.param([2], [1], 0.5, r"lows\[0\]", id="a lower limit above the upper one"),
        pytest.param([1, 2], [1], 0.5, "highs", id="of another length"),
        pytest.param([math.nan], [1], 0.5, r"lows\[0\]", id="no number"),
        pytest.param([1], [1], 1.01, "probability", id="no probability"),
    ],
)
def test_wrong_arguments_are_named(lows, highs, probability, message):
    with pytest.raises(ValueError, match=message):
        quantile_limits(lows, highs, probability)


def test_nobody_has_no_quantile():
    with pytest.raises(NotEstimable, match="there is no value"):
        quantile_limits([], [], 0.5)


# --- differences of means -----------------------------------------------------------------------------------------------

GROUPS = st.lists(st.integers(-1000, 1000), min_size=2, max_size=20)


@given(GROUPS, GROUPS, st.integers(-1000, 1000))
def test_swapping_groups_turns_the_difference_and_a_shift_of_both_changes_nothing(a, b, shift):
    if len({*a}) == 1 and len({*b}) == 1:
        return
    found, turned = mean_difference(a, b), mean_difference(b, a)
    assert (turned.estimate, turned.conf_low, turned.conf_high) == pytest.approx(
        (-found.estimate, -found.conf_high, -found.conf_low), abs=1e-9
    )
    moved = mean_difference([value + shift for value in a], [value + shift for value in b])
    assert (moved.estimate, moved.std_error) == pytest.approx((found.estimate, found.std_error), abs=1e-9)


@given(GROUPS, GROUPS)
def test_more_confidence_is_a_wider_interval_around_the_same_difference(a, b):
    if len({*a}) == 1 and len({*b}) == 1:
        return
    narrow, wide = (mean_difference(a, b, conf_level=level) for level in (0.8, 0.95))
    assert (
        wide.conf_low < narrow.conf_low < narrow.estimate == wide.estimate < narrow.conf_high < wide.conf_high
    )


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        pytest.param([], [1, 2], "fewer than two", id="nobody in a group"),
        pytest.param([1], [1, 2], "fewer than two", id="one in a group"),
        pytest.param([1, 1], [2, 2], "do not vary", id="no spread in either"),
    ],
)
def test_what_has_no_difference_says_why(a, b, reason):
    with pytest.raises(NotEstimable, match=reason):
        mean_difference(a, b)
