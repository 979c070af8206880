import doctest
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from trialwright.statistics import interval_censoring
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.interval_censoring import estimate_interval_censored_survival
from trialwright.statistics.survival import estimate_survival

unhurried = settings(deadline=None)  # the machine may be busy
inf, nan = math.inf, math.nan


@st.composite
def intervals(draw, largest_n=25, largest_time=12):
    """Intervals (left, right] with ties, exact times and open ends."""
    n = draw(st.integers(1, largest_n))
    times = st.integers(0, largest_time)
    rows = draw(st.lists(st.tuples(times, times, st.booleans()), min_size=n, max_size=n))
    return [float(min(a, b)) for a, b, _ in rows], [
        inf if open_ else float(max(a, b)) for a, b, open_ in rows
    ]


def _log_likelihood(left, right, start, end, mass):
    """Of masses in intervals (start, end], or at a time where both are equal."""
    total = 0.0
    for a, b in zip(left, right, strict=True):
        inside = [
            p
            for q, r, p in zip(start, end, mass, strict=True)
            if r <= b and (q >= a if q < r else (r > a or a == b == r))
        ]
        total += math.log(math.fsum(inside)) if inside else -inf
    return total


def test_examples_in_docstrings():
    results = doctest.testmod(interval_censoring)
    assert results.attempted > 3
    assert results.failed == 0


# Curves


def test_published_masses_of_breast_cosmesis():
    # After radiotherapy alone; data and masses as in tests/oracle/interval_censoring/ORIGIN.md.
    left = [45, 6, 0, 46, 46, 7, 17, 7, 37, 0, 4, 15, 11, 22, 46, 46, 25, 46, 26, 46, 27, 36, 46]
    left += [36, 37, 40, 17, 46, 11, 38, 5, 37, 0, 18, 24, 36, 5, 19, 17, 24, 32, 33, 19, 37, 34, 36]
    right = [
        inf,
        10,
        7,
        inf,
        inf,
        16,
        inf,
        14,
        44,
        8,
        11,
        inf,
        15,
        inf,
        inf,
        inf,
        37,
        inf,
        40,
        inf,
        34,
        44,
        inf,
    ]
    right += [
        48,
        inf,
        inf,
        25,
        inf,
        18,
        inf,
        12,
        inf,
        5,
        inf,
        inf,
        inf,
        11,
        35,
        25,
        *[inf] * 3,
        26,
        *[inf] * 3,
    ]
    curve = estimate_interval_censored_survival(left, right)
    assert curve.left.tolist() == [4, 6, 7, 11, 24, 33, 38, 46]
    assert curve.right.tolist() == [5, 7, 8, 12, 25, 34, 40, 48]
    published = [0.0463, 0.0334, 0.0887, 0.0708, 0.0926, 0.0818, 0.1209, 0.4656]
    assert_allclose(curve.mass, published, rtol=0, atol=6e-5)
    assert (curve.n_subjects, curve.n_exact, curve.n_interval_censored, curve.n_right_censored) == (
        46,
        0,
        21,
        25,
    )


def test_curve_worked_by_hand():
    # Masses p in (0, 2] and q in (4, 6]: likelihood p^2 q (p + q), with sum 1, so p = 2/3.
    curve = estimate_interval_censored_survival([0, 0, 4, 0], [2, 2, 6, 8])
    assert (curve.left.tolist(), curve.right.tolist()) == ([0, 4], [2, 6])
    assert_allclose(curve.mass, [2 / 3, 1 / 3], rtol=1e-9)
    assert curve.log_likelihood == pytest.approx(2 * math.log(2 / 3) + math.log(1 / 3))
    points = curve.at([0, 1, 2, 3, 4, 5, 6, 9])
    assert_allclose(points.survival, [1, nan, 1 / 3, 1 / 3, 1 / 3, nan, 0, 0], rtol=1e-9, atol=1e-12)
    assert_allclose(points.survival_low[[1, 5]], [1 / 3, 0], rtol=1e-9, atol=1e-12)
    assert_allclose(points.survival_high[[1, 5]], [1, 1 / 3], rtol=1e-9)


def test_which_end_belongs_to_an_interval():
    # (6, 12] and an event at 12 meet in 12; (12, 18] begins after it.
    curve = estimate_interval_censored_survival([6, 12, 12], [12, 12, 18])
    assert (curve.left.tolist(), curve.right.tolist()) == ([12, 12], [12, 18])
    points = curve.at([11.999, 12, 12.001, 18])
    assert_allclose(points.survival_high, [1, 1 / 3, 1 / 3, 0], atol=1e-9)
    assert_allclose(points.survival_low, [1, 1 / 3, 0, 0], atol=1e-9)


def test_times_that_differ_by_rounding_are_one():
    # 0.1 + 0.2 is 0.30000000000000004: nothing may come to lie between it and 0.3.
    late = 0.1 + 0.2
    for end, begin in ((0.3, late), (late, 0.3)):
        curve = estimate_interval_censored_survival([0, begin], [end, 1])
        assert curve.mass.tolist() == [0.5, 0.5]
        assert curve.at([0.3, late]).survival.tolist() == [0.5, 0.5]
        assert estimate_interval_censored_survival([begin], [end]).n_exact == 1


def test_after_the_last_examination_nothing_is_known():
    points = estimate_interval_censored_survival([0, 5, 6], [3, inf, inf]).at([5, 6, 7])
    assert_allclose(points.survival, [2 / 3, 2 / 3, nan], rtol=1e-9)
    assert_allclose([points.survival_low[2], points.survival_high[2]], [0, 2 / 3], rtol=1e-9, atol=1e-12)


# Laws


@unhurried
@given(st.lists(st.tuples(st.integers(0, 15), st.booleans()), min_size=1, max_size=30))
def test_exact_and_right_censored_times_give_kaplan_meier(rows):
    time, event = (np.array(column) for column in zip(*rows, strict=True))
    curve = estimate_interval_censored_survival(time, np.where(event, time, inf))
    reading = np.arange(0, 17)
    kaplan_meier = estimate_survival(time, event).at(reading).survival
    assert_allclose(curve.at(reading).survival, kaplan_meier, rtol=0, atol=1e-9)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=20))
def test_only_right_censored_is_1_and_then_unknown(time):
    curve = estimate_interval_censored_survival(time, [inf] * len(time))
    points = curve.at([0, max(time), max(time) + 1])
    assert points.survival[:2].tolist() == [1, 1]
    assert np.isnan(points.survival[2])
    assert (points.survival_low[2], points.survival_high[2]) == (0, 1)


@unhurried
@given(intervals())
def test_a_curve_falls_from_1_and_its_two_values_do_not_cross(given_intervals):
    curve = estimate_interval_censored_survival(*given_intervals)
    assert np.all(curve.mass > 0)
    assert curve.mass.sum() == pytest.approx(1)
    points = curve.at(np.arange(0, 15, 0.5))
    assert np.all(points.survival_low <= points.survival_high)
    for values in (points.survival_low, points.survival_high):
        assert np.all(np.diff(values) <= 0)
        assert np.all((values >= 0) & (values <= 1))


@unhurried
@given(intervals(largest_n=12, largest_time=6), st.randoms(use_true_random=False))
def test_no_other_curve_has_a_greater_likelihood(given_intervals, random):
    left, right = given_intervals
    curve = estimate_interval_censored_survival(left, right)
    own = _log_likelihood(left, right, curve.left, curve.right, curve.mass)
    assert own == pytest.approx(curve.log_likelihood, abs=1e-9)
    # Any place for mass: each exact time and each gap between two ends.
    ends = sorted({0.0, *left, *right, inf})
    places = [(t, t) for t in ends if t < inf] + list(itertools.pairwise(ends))
    start, end = zip(*places, strict=True)
    for place in places:  # Gentleman and Geyer: no direction leads upwards
        moved = [(*curve.left, place[0]), (*curve.right, place[1]), (*(0.999 * curve.mass), 0.001)]
        assert _log_likelihood(left, right, *moved) <= own + 1e-9
    for _ in range(5):
        drawn = np.array([0.001 + random.random() ** 3 for _ in places])
        assert _log_likelihood(left, right, start, end, drawn / drawn.sum()) <= own + 1e-9


@unhurried
@given(intervals(), st.integers(2, 4))
def test_order_repetition_and_unit_of_time_change_nothing(given_intervals, times):
    left, right = (np.array(column) for column in given_intervals)
    curve = estimate_interval_censored_survival(left, right)
    order = np.argsort(-right, kind="stable")
    other = estimate_interval_censored_survival(
        np.repeat(left[order], times) / 4, np.repeat(right[order], times) / 4
    )
    assert_allclose(other.left * 4, curve.left)
    assert_allclose(other.right * 4, curve.right)
    assert_allclose(other.mass, curve.mass, rtol=0, atol=1e-7)


@unhurried
@given(intervals())
def test_the_masses_are_unique(given_intervals):
    # The reason why no mass can be exchanged: the matrix of who covers what has full column rank.
    left, right = (np.array(column) for column in given_intervals)
    ends, start, _ = interval_censoring._turnbull_intervals(left, right, np.ones((1, len(left))))
    assert np.isfinite(start).all()
    n_columns = start.shape[1]
    assert np.linalg.matrix_rank(interval_censoring._covers(ends, n_columns)) == n_columns


# Bootstrap


def test_bootstrap_limits_of_one_split_are_binomial():
    # Half the subjects in (0, 1], half in (2, 3]: survival at 1.5 is the share of the latter, binomial(40, 0.5) / 40.
    # Exact quantiles at 0.05 and 0.95: 15 and 25 of 40 (probability up to 14 is 0.0403, up to 15 is 0.0769).
    curve = estimate_interval_censored_survival([0, 2] * 20, [1, 3] * 20)
    found = curve.bootstrap_limits([0, 1.5, 3], seed=1, n_resamples=1000, conf_level=0.9)
    assert_allclose([found.conf_low[1], found.conf_high[1]], [15 / 40, 25 / 40], atol=1.01 / 40)
    assert np.isnan([found.conf_low[[0, 2]], found.conf_high[[0, 2]]]).all()
    assert found.reasons[1] is None
    assert "nothing about precision" in found.reasons[0]
    assert (found.conventions["seed"], found.conventions["n_resamples"]) == (1, 1000)


def test_bootstrap_limits_cover_what_a_time_leaves_open():
    curve = estimate_interval_censored_survival([0, 2] * 20, [1, 3] * 20)
    found = curve.bootstrap_limits([0.5, 2.5], seed=1, n_resamples=200)
    assert found.conf_high[0] == 1
    assert found.conf_low[1] == 0
    assert 0.3 < found.conf_low[0] < 0.5 < found.conf_high[1] < 0.7


@settings(deadline=None, max_examples=40)
@given(intervals(), st.integers(0, 100), st.sampled_from([1, 100, 2_000_000]))
def test_samples_worked_on_together_have_the_curves_they_have_alone(given_intervals, seed, at_once):
    left, right = (np.array(column) for column in given_intervals)
    n = len(left)
    draws = np.random.default_rng(seed).integers(n, size=(6, n))
    counts = np.array([np.bincount(drawn, minlength=n) for drawn in draws], dtype=float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interval_censoring, "_AT_ONCE", at_once)
        together = interval_censoring._maximise_likelihood(left, right, counts)
    for drawn, (start, end, mass, log_likelihood) in zip(draws, together, strict=True):
        alone = estimate_interval_censored_survival(left[drawn], right[drawn])
        assert_array_equal(start, alone.left)
        assert_array_equal(end, alone.right)
        assert_allclose(mass, alone.mass, rtol=0, atol=1e-9)
        assert log_likelihood == pytest.approx(alone.log_likelihood, abs=1e-9)


def test_limits_are_quantiles_of_the_curves_of_drawn_subjects():
    left, right = np.array([0, 2, 1, 4, 0, 2, 3.0]), np.array([1, 3, inf, inf, 5, 6, 4.0])
    times = [1, 2.5, 4, 5]
    found = estimate_interval_censored_survival(left, right).bootstrap_limits(
        times, seed=2, n_resamples=100, conf_level=0.8
    )
    rng = np.random.default_rng(2)
    draws = [rng.integers(7, size=7) for _ in range(100)]
    points = [estimate_interval_censored_survival(left[drawn], right[drawn]).at(times) for drawn in draws]
    n_ending = np.sum([one.is_beyond for one in points], axis=0)
    assert n_ending.tolist() == [0, 0, 0, 7]
    for i in (0, 1, 2):
        assert found.conf_low[i] == pytest.approx(np.quantile([one.survival_low[i] for one in points], 0.1))
        assert found.conf_high[i] == pytest.approx(np.quantile([one.survival_high[i] for one in points], 0.9))
    assert np.isnan([found.conf_low[3], found.conf_high[3]]).all()
    assert found.reasons[3] == "in 7 of 100 samples of subjects nobody is examined so late without the event"


def test_limits_are_not_known_where_too_many_samples_end_before():
    """Of 20 without the event one is examined at 10, the others at 5: a sample without that one says nothing of 8.

    A sample of 40 leaves one subject out with probability (39 / 40) ** 40 = 0.36. Ten at 10 are all left out with
    (30 / 40) ** 40 = 1e-5, and then there are limits, none of them 0.
    """
    left, right = [0] * 20 + [5] * 20, [3] * 20 + [inf] * 20
    one = estimate_interval_censored_survival([*left[:-1], 10], right)
    few = one.bootstrap_limits([4, 8], seed=1, n_resamples=200)
    assert 0.3 < few.conf_low[0] < few.conf_high[0] < 0.7
    assert np.isnan([few.conf_low[1], few.conf_high[1]]).all()
    assert "of 200 samples of subjects nobody is examined so late" in few.reasons[1]
    ten = estimate_interval_censored_survival([*left[:-10], *[10] * 10], right)
    assert 0.3 < ten.bootstrap_limits([8], seed=1, n_resamples=200).conf_low[0] < 0.5


def test_after_the_last_examination_the_curve_is_not_known():
    """Four are found between 0 and 3, four are free of the event at 7: half at 7, and after it nobody looked."""
    curve = estimate_interval_censored_survival([0] * 4 + [7] * 4, [3] * 4 + [inf] * 4)
    assert curve.known_until == 7
    points = curve.at([7, 7.5])
    assert points.survival.tolist()[0] == 0.5
    assert points.is_beyond.tolist() == [False, True]
    limits = curve.bootstrap_limits([7, 7.5], seed=1, n_resamples=100)
    assert limits.reasons == (None, "follow-up ends at 7")
    down = estimate_interval_censored_survival([0, 3], [3, 7])
    assert down.known_until == inf
    assert down.at([9]).survival.tolist() == [0]


def test_the_same_seed_gives_the_same_limits():
    curve = estimate_interval_censored_survival([0, 2, 1, 4, 0], [1, 3, inf, inf, 5])
    one, same, other = (
        curve.bootstrap_limits(range(6), seed=seed, n_resamples=100, conf_level=0.5) for seed in (3, 3, 4)
    )
    assert_array_equal(one.conf_low, same.conf_low)
    assert_array_equal(one.conf_high, same.conf_high)
    assert not np.array_equal(one.conf_low, other.conf_low, equal_nan=True)


def test_without_events_there_are_no_limits():
    found = estimate_interval_censored_survival([5, 6], [inf, inf]).bootstrap_limits(
        [1, 9], seed=1, n_resamples=100
    )
    assert np.isnan([found.conf_low, found.conf_high]).all()
    assert all(found.reasons)


# Degenerate input and arguments


def test_nobody():
    with pytest.raises(NotEstimable) as raised:
        estimate_interval_censored_survival([], [])
    assert raised.value.reason == "nobody was observed"


def test_one_person():
    curve = estimate_interval_censored_survival([3], [5])
    assert (curve.left.tolist(), curve.right.tolist(), curve.mass.tolist()) == ([3], [5], [1])


def test_an_event_at_time_0():
    assert estimate_interval_censored_survival([0, 0], [0, 4]).at([0]).survival.tolist() == [0.5]


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        pytest.param([1, 5], [2, 4], r"`right\[1\]` must not be below `left\[1\]`, 5", id="end before begin"),
        pytest.param([1, nan], [2, 4], r"`left\[1\]` must be", id="begin missing"),
        pytest.param([1, 2], [2, nan], r"`right\[1\]` must be", id="end missing is not 'never'"),
        pytest.param([inf], [inf], r"`left\[0\]` must be", id="endless begin"),
        pytest.param([-1], [2], r"`left\[0\]` must be", id="negative"),
        pytest.param([1, 2], [2], "`right` must have 2 values", id="another length"),
        pytest.param([], [2], "`left` must hold", id="one column empty"),
    ],
)
def test_arguments_out_of_range(left, right, message):
    with pytest.raises(ValueError, match=message):
        estimate_interval_censored_survival(left, right)


def test_too_few_resamples():
    with pytest.raises(ValueError, match="`n_resamples` must be 100 or more"):
        estimate_interval_censored_survival([0], [1]).bootstrap_limits([1], seed=1, n_resamples=99)
