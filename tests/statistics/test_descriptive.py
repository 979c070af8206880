import doctest
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trialwright.statistics import descriptive
from trialwright.statistics.descriptive import (
    count_levels,
    standardised_difference_levels,
    standardised_difference_numbers,
    summarise_numbers,
)
from trialwright.statistics.estimability import NotEstimable

nan = math.nan


def _sample(mean, sd):
    """Two numbers with this mean and this standard deviation (denominator n - 1)."""
    return [mean - sd / math.sqrt(2), mean + sd / math.sqrt(2)]


def test_examples_in_docstrings():
    results = doctest.testmod(descriptive)
    assert results.attempted > 3
    assert results.failed == 0


# Numbers


@pytest.mark.parametrize(
    ("quantile_type", "q1", "q3"),
    [
        pytest.param(2, 2.5, 6.5, id="SAS"),
        pytest.param(6, 2.25, 6.75, id="SPSS"),
        pytest.param(7, 2.75, 6.25, id="R"),
    ],
)
def test_quartiles_of_one_to_eight(quantile_type, q1, q3):
    # By hand: positions 8/4 (averaged with the next), 9/4 and 1 + 7/4.
    summary = summarise_numbers([8, 1, 7, 2, 6, 3, 5, 4], quantile_type=quantile_type)
    assert (summary.q1, summary.median, summary.q3) == (q1, 4.5, q3)
    assert summary.conventions == {"quantile_type": quantile_type, "sd_denominator": "n - 1"}


def test_summary_counts_the_missing_and_leaves_them_out():
    summary = summarise_numbers([2, None, 4, nan])
    assert (summary.n, summary.n_missing) == (2, 2)
    assert (summary.mean, summary.minimum, summary.maximum) == (3, 2, 4)
    assert summary.sd == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize(
    "values", [pytest.param([], id="nobody"), pytest.param([None, nan], id="all missing")]
)
def test_summary_of_nothing_known(values):
    summary = summarise_numbers(values)
    assert (summary.n, summary.n_missing) == (0, len(values))
    numbers = [
        summary.mean,
        summary.sd,
        summary.median,
        summary.q1,
        summary.q3,
        summary.minimum,
        summary.maximum,
    ]
    assert np.isnan(numbers).all()


def test_summary_of_one_has_no_standard_deviation():
    summary = summarise_numbers([5])
    assert (summary.mean, summary.q1, summary.q3) == (5, 5, 5)
    assert math.isnan(summary.sd)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: summarise_numbers([1, math.inf]), "`values[1]` must be a finite number, not inf"),
        (lambda: summarise_numbers(["1"]), "`values[0]` must be a finite number, not '1'"),
        (lambda: summarise_numbers([1], quantile_type=5), "`quantile_type` must be one of 2, 6, 7, not 5"),
        (lambda: count_levels(["A", "D"], levels=["A", "B"]), "`values[1]` must be one of 'A', 'B', not 'D'"),
        (lambda: count_levels([], levels=["A", "A"]), "`levels` must name each level once, not ['A', 'A']"),
        (
            lambda: standardised_difference_levels([1, 2], [1, 2, 3]),
            "`counts_b` must have 2 values, not 3",
        ),
        (
            lambda: standardised_difference_levels([1, 2.5], [1, 2]),
            "`counts_a[1]` must be a whole number of 0 or more, not 2.5",
        ),
        (
            lambda: standardised_difference_levels([1, 2], [-1, 2]),
            "`counts_b[0]` must be a whole number of 0 or more, not -1",
        ),
    ],
)
def test_faulty_call(call, message):
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        call()
    assert str(raised.value) == message


# Levels


def test_levels_keep_their_order_and_count_nobody_as_0():
    counts = count_levels(["B", None, "A", "B", nan], levels=["C", "B", "A"])
    assert list(counts.counts.items()) == [("C", 0), ("B", 2), ("A", 1)]
    assert (counts.n, counts.n_missing) == (3, 2)


def test_levels_of_a_group_with_nobody():
    assert count_levels([], levels=["A", "B"]).counts == {"A": 0, "B": 0}


# Standardised differences


def test_standardised_difference_of_means_worked_example():
    assert standardised_difference_numbers(_sample(58.2, 9.5), _sample(55.1, 10.1)) == pytest.approx(
        0.3162, abs=5e-5
    )


def test_standardised_difference_of_proportions_worked_example():
    assert standardised_difference_levels([42, 58], [30, 70]) == pytest.approx(0.2520, abs=5e-5)


def test_standardised_difference_of_three_levels_worked_by_hand():
    # p = (1/2, 1/4, 1/4), q = (1/4, 1/4, 1/2); without the last level the difference is (1/4, 0) and the mean covariance
    # [[7, -3], [-3, 6]] / 32, whose inverse starts with 32 * 6 / 33; 1/16 of it is 4/11.
    assert standardised_difference_levels([2, 1, 1], [1, 1, 2]) == pytest.approx(math.sqrt(4 / 11))


def test_standardised_difference_leaves_missing_values_out():
    assert standardised_difference_numbers([1, 3, nan], [None, 1, 3]) == 0


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        pytest.param(
            lambda: standardised_difference_numbers([1, 1], [2, 2]),
            "the values do not vary within either group",
            id="no variance",
        ),
        pytest.param(
            lambda: standardised_difference_numbers([1, nan], [2, 3]),
            "a group has fewer than two known values",
            id="one known",
        ),
        pytest.param(
            lambda: standardised_difference_numbers([], [2, 3]),
            "a group has fewer than two known values",
            id="nobody",
        ),
        pytest.param(
            lambda: standardised_difference_levels([0, 0], [1, 2]), "a group has nobody", id="nobody counted"
        ),
        pytest.param(
            lambda: standardised_difference_levels([0, 5], [0, 2]),
            "all subjects are at one level",
            id="one level",
        ),
        pytest.param(
            lambda: standardised_difference_levels([1, 2, 0, 0], [0, 0, 3, 4]),
            "the groups have no level in common",
            id="no common level",
        ),
    ],
)
def test_standardised_difference_without_answer(call, reason):
    with pytest.raises(NotEstimable) as raised:
        call()
    assert raised.value.reason == reason


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_two_levels_give_the_binary_formula(a_yes, a_no, b_yes, b_no):
    assume(a_yes + a_no and b_yes + b_no)
    p, q = a_yes / (a_yes + a_no), b_yes / (b_yes + b_no)
    variance = (p * (1 - p) + q * (1 - q)) / 2
    assume(variance > 0)
    difference = standardised_difference_levels([a_yes, a_no], [b_yes, b_no])
    assert difference == pytest.approx(abs(p - q) / math.sqrt(variance), abs=1e-12)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=6),
    st.randoms(use_true_random=False),
)
def test_order_of_levels_and_of_groups_changes_nothing(levels, random):
    try:
        difference = standardised_difference_levels(*zip(*levels, strict=True))
    except NotEstimable:
        assume(False)
    shuffled = random.sample(levels, len(levels))
    first, second = zip(*shuffled, strict=True)
    assert standardised_difference_levels(second, first) == pytest.approx(difference, rel=1e-7, abs=1e-9)


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=30), st.sampled_from([2, 6, 7])
)
def test_summary_is_in_order_whatever_the_quantile_type(values, quantile_type):
    summary = summarise_numbers(values, quantile_type=quantile_type)
    assert summary.n + summary.n_missing == len(values)
    assume(summary.n)
    assert summary.minimum <= summary.q1 <= summary.median <= summary.q3 <= summary.maximum
