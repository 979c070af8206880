import doctest
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.statistics import distributions, proportions
from trialwright.statistics.distributions import beta_cdf, binomial_cdf, poisson_cdf
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.proportions import (
    DAYS_PER_MONTH,
    estimate_event_rate,
    estimate_proportion,
    proportion_difference,
    proportion_ratio,
)

unhurried = settings(deadline=None)  # the machine may be busy
levels = st.floats(0.5, 0.999)


@st.composite
def counts(draw, largest=60):
    n = draw(st.integers(1, largest))
    return draw(st.integers(0, n)), n


@pytest.mark.parametrize("module", [proportions, distributions])
def test_examples_in_docstrings(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


# One proportion


@pytest.mark.parametrize(
    ("n_events", "n_subjects", "limits", "low", "high"),
    [
        # By hand: nobody of n: 1 - 0.025^(1/n); everybody: 0.025^(1/n); alone with 0.05.
        pytest.param(0, 43, "both", 0, 1 - 0.025 ** (1 / 43), id="none of 43"),
        pytest.param(0, 43, "upper", 0, 1 - 0.05 ** (1 / 43), id="none of 43, upper limit alone"),
        pytest.param(0, 43, "lower", 0, 1, id="none of 43 excludes nothing from below"),
        pytest.param(43, 43, "both", 0.025 ** (1 / 43), 1, id="all of 43"),
        pytest.param(43, 43, "lower", 0.05 ** (1 / 43), 1, id="all of 43, lower limit alone"),
        pytest.param(0, 1, "both", 0, 0.975, id="one person without event"),
        pytest.param(1, 1, "both", 0.025, 1, id="one person with event"),
    ],
)
def test_limits_by_hand(n_events, n_subjects, limits, low, high):
    found = estimate_proportion(n_events, n_subjects, limits=limits)
    assert found.estimate == n_events / n_subjects
    assert (found.conf_low, found.conf_high) == (
        pytest.approx(low, rel=1e-12),
        pytest.approx(high, rel=1e-12),
    )


def test_options_are_recorded():
    assert estimate_proportion(1, 4, conf_level=0.9, limits="upper").conventions == {
        "interval": "Clopper-Pearson",
        "conf_level": 0.9,
        "limits": "upper",
    }


@unhurried
@given(counts(), levels)
def test_tails_at_the_limits_are_what_the_level_leaves(count, conf_level):
    x, n = count
    found = estimate_proportion(x, n, conf_level=conf_level)
    assert found.conf_low <= found.estimate <= found.conf_high
    if x < n:
        assert binomial_cdf(x, n, found.conf_high) == pytest.approx((1 - conf_level) / 2, rel=1e-9)
    if x > 0:
        at_least = binomial_cdf(n - x, n, 1 - found.conf_low)
        assert at_least == pytest.approx((1 - conf_level) / 2, rel=1e-9)


@unhurried
@given(counts(), levels)
def test_counting_those_without_event_mirrors_the_interval(count, conf_level):
    x, n = count
    one, other = (estimate_proportion(k, n, conf_level=conf_level) for k in (x, n - x))
    assert other.conf_low == pytest.approx(1 - one.conf_high, abs=1e-13)
    assert other.conf_high == pytest.approx(1 - one.conf_low, abs=1e-13)


@unhurried
@given(counts(), st.floats(0.55, 0.999))
def test_two_limits_are_single_limits_at_half_the_error(count, conf_level):
    x, n = count
    both = estimate_proportion(x, n, conf_level=conf_level)
    half = (1 + conf_level) / 2
    assert both.conf_low == pytest.approx(estimate_proportion(x, n, conf_level=half, limits="lower").conf_low)
    assert both.conf_high == pytest.approx(
        estimate_proportion(x, n, conf_level=half, limits="upper").conf_high
    )


@pytest.mark.parametrize("n", [1, 7, 43])
@pytest.mark.parametrize("rate", [0.01, 0.1, 0.37, 0.5])
def test_coverage_is_at_least_the_level(n, rate):
    covering = [
        math.comb(n, x) * rate**x * (1 - rate) ** (n - x)
        for x in range(n + 1)
        if (found := estimate_proportion(x, n, conf_level=0.9)).conf_low <= rate <= found.conf_high
    ]
    assert math.fsum(covering) >= 0.9


# Two proportions


@pytest.mark.parametrize(
    ("counted", "low", "high"),
    [
        # Newcombe 1998, table II, method 10.
        pytest.param((56, 70, 48, 80), 0.0524, 0.3339, id="a"),
        pytest.param((9, 10, 3, 10), 0.1705, 0.8090, id="b"),
        pytest.param((6, 7, 2, 7), 0.0582, 0.8062, id="c"),
        pytest.param((5, 56, 0, 29), -0.0381, 0.1926, id="d"),
        pytest.param((0, 10, 0, 20), -0.1611, 0.2775, id="e"),
        pytest.param((0, 10, 0, 10), -0.2775, 0.2775, id="f"),
        pytest.param((10, 10, 0, 20), 0.6791, 1.0000, id="g"),
        pytest.param((10, 10, 0, 10), 0.6075, 1.0000, id="h"),
    ],
)
def test_difference_as_published(counted, low, high):
    found = proportion_difference(*counted)
    assert (found.conf_low, found.conf_high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@unhurried
@given(counts(), counts(), levels)
def test_exchanging_groups_turns_the_difference_round(a, b, conf_level):
    one = proportion_difference(*a, *b, conf_level=conf_level)
    other = proportion_difference(*b, *a, conf_level=conf_level)
    assert -1 - 1e-12 <= one.conf_low <= one.estimate <= one.conf_high <= 1 + 1e-12
    assert (other.estimate, other.conf_low, other.conf_high) == pytest.approx(
        (-one.estimate, -one.conf_high, -one.conf_low), abs=1e-14
    )


@unhurried
@given(counts(), counts(), levels)
def test_exchanging_groups_inverts_the_ratio(a, b, conf_level):
    try:
        one = proportion_ratio(*a, *b, conf_level=conf_level)
    except NotEstimable:
        assert 0 in (a[0], b[0]) or (a[0] == a[1] and b[0] == b[1])
        return
    other = proportion_ratio(*b, *a, conf_level=conf_level)
    assert one.conf_low < one.estimate < one.conf_high
    assert (other.estimate, other.conf_low, other.conf_high) == pytest.approx(
        (1 / one.estimate, 1 / one.conf_high, 1 / one.conf_low), rel=1e-12
    )


def test_ratio_by_hand():
    # ln 2 = 0.693147; sqrt(1/10 - 1/20 + 1/5 - 1/20) = sqrt(0.2) = 0.447214; 1.959964 * 0.447214 = 0.876523
    found = proportion_ratio(10, 20, 5, 20)
    assert math.log(found.conf_low) == pytest.approx(0.693147 - 0.876523, abs=2e-6)
    assert math.log(found.conf_high) == pytest.approx(0.693147 + 0.876523, abs=2e-6)


# Rates


def test_rate_unit_by_hand():
    # 43 events in 1000 months of 30.4375 days
    rate = estimate_event_rate(43, 30437.5)
    assert rate.estimate == pytest.approx(4.3, rel=1e-12)
    assert rate.conventions["days_per_month"] == DAYS_PER_MONTH == 30.4375


def test_no_event_leaves_three_events_of_doubt():
    # The rule of three: -ln 0.05 = 2.9957 events, alone; -ln 0.025 = 3.6889 of two limits.
    days = 100 * DAYS_PER_MONTH
    assert estimate_event_rate(0, days, limits="upper").conf_high == pytest.approx(-math.log(0.05), rel=1e-12)
    found = estimate_event_rate(0, days)
    assert (found.estimate, found.conf_low) == (0, 0)
    assert found.conf_high == pytest.approx(-math.log(0.025), rel=1e-12)


@unhurried
@given(st.integers(0, 200), st.floats(0.1, 1e6), levels)
def test_tails_at_the_limits_of_a_rate(n_events, days, conf_level):
    found = estimate_event_rate(n_events, days, conf_level=conf_level)
    units = days / DAYS_PER_MONTH / 100
    tail = (1 - conf_level) / 2
    assert found.conf_low <= found.estimate < found.conf_high
    assert poisson_cdf(n_events, found.conf_high * units) == pytest.approx(tail, rel=1e-8)
    if n_events:
        assert 1 - poisson_cdf(n_events - 1, found.conf_low * units) == pytest.approx(tail, rel=1e-8)


@unhurried
@given(st.integers(0, 100), st.floats(1, 1e5), st.floats(1.1, 10))
def test_more_time_lowers_the_rate_in_proportion(n_events, days, times):
    one, longer = estimate_event_rate(n_events, days), estimate_event_rate(n_events, days * times)
    assert (longer.estimate, longer.conf_low, longer.conf_high) == pytest.approx(
        (one.estimate / times, one.conf_low / times, one.conf_high / times), rel=1e-9
    )


# Distributions


@given(st.floats(0.001, 0.999), st.integers(1, 30), st.integers(0, 29))
def test_beta_distribution_of_whole_numbers_is_binomial(x, n, k):
    # DLMF 8.17.5
    k = min(k, n - 1)
    assert beta_cdf(x, k + 1, n - k) == pytest.approx(1 - binomial_cdf(k, n, x), abs=1e-12)


@given(st.floats(0.001, 0.999), st.floats(0.05, 50), st.floats(0.05, 50))
def test_beta_distribution_mirrored(x, a, b):
    assert beta_cdf(x, a, b) == pytest.approx(1 - beta_cdf(1 - x, b, a), abs=1e-12)
    assert (beta_cdf(0, a, b), beta_cdf(1, a, b)) == (0, 1)


# What has no answer


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        pytest.param(lambda: estimate_proportion(0, 0), "nobody was observed", id="nobody"),
        pytest.param(
            lambda: proportion_difference(0, 0, 1, 3),
            "nobody was observed in one of the groups",
            id="difference",
        ),
        pytest.param(lambda: proportion_ratio(0, 0, 0, 0), "nobody was observed in both groups", id="ratio"),
        pytest.param(
            lambda: proportion_ratio(0, 9, 1, 3), "no event was observed in one of the groups", id="no event"
        ),
        pytest.param(
            lambda: proportion_ratio(0, 9, 0, 3), "no event was observed in both groups", id="no events"
        ),
        pytest.param(
            lambda: proportion_ratio(9, 9, 3, 3), "everybody in both groups had the event", id="all events"
        ),
        pytest.param(lambda: estimate_event_rate(0, 0), "nobody was under observation", id="no time"),
    ],
)
def test_not_estimable(call, reason):
    with pytest.raises(NotEstimable) as raised:
        call()
    assert raised.value.reason == reason


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: estimate_proportion(3, 2), id="more events than subjects"),
        pytest.param(lambda: estimate_proportion(-1, 2), id="negative"),
        pytest.param(lambda: estimate_proportion(0.5, 2), id="half an event"),
        pytest.param(lambda: estimate_proportion(True, 2), id="true is no count"),
        pytest.param(lambda: estimate_proportion(math.nan, 2), id="missing"),
        pytest.param(lambda: estimate_proportion(1, 2, conf_level=1), id="level 1"),
        pytest.param(lambda: estimate_proportion(1, 2, conf_level=95), id="level in per cent"),
        pytest.param(lambda: estimate_proportion(1, 2, limits="one"), id="limits of another name"),
        pytest.param(lambda: proportion_difference(1, 2, 5, 4), id="second group"),
        pytest.param(lambda: estimate_event_rate(1, 0), id="an event in no time"),
        pytest.param(lambda: estimate_event_rate(1, math.nan), id="time missing"),
        pytest.param(lambda: estimate_event_rate(1, -5), id="negative time"),
        pytest.param(lambda: estimate_event_rate(1, math.inf), id="endless time"),
    ],
)
def test_arguments_out_of_range(call):
    with pytest.raises(ValueError, match="must"):
        call()
