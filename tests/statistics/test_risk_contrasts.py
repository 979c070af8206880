import doctest
import math

import pytest

from trialwright.statistics import risk_contrasts
from trialwright.statistics.competing_risks import estimate_incidence
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.risk_contrasts import (
    Risk,
    incidence_difference,
    incidence_ratio,
    risk_difference,
    risk_ratio,
)
from trialwright.statistics.survival import estimate_survival

FUNCTIONS = {
    "risk_difference": (risk_difference, estimate_survival),
    "risk_ratio": (risk_ratio, estimate_survival),
    "incidence_difference": (incidence_difference, estimate_incidence),
    "incidence_ratio": (incidence_ratio, estimate_incidence),
}
each_function = pytest.mark.parametrize("name", FUNCTIONS)

# Without censoring a risk is a share: 3 of 10 against 6 of 12 by time 5, and competing events in 2 and 3.
A = ([1, 2, 3, 4, 5, 6, 6, 6, 6, 6], [1, 1, 1, 2, 2, 2, 2, 2, 2, 2])
B = ([1, 1, 1, 2, 2, 2, 3, 3, 4, 6, 6, 6], [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2])


def test_examples_in_docstrings():
    results = doctest.testmod(risk_contrasts)
    assert results.attempted > 2
    assert results.failed == 0


def test_difference_worked_by_hand():
    difference = incidence_difference(estimate_incidence(*A), estimate_incidence(*B), 5)
    std_error = math.sqrt(0.3 * 0.7 / 10 + 0.5 * 0.5 / 12)
    assert difference.estimate == pytest.approx(-0.2)
    assert difference.std_error == pytest.approx(std_error)
    assert difference.conf_low == pytest.approx(-0.2 - 1.959964 * std_error, abs=1e-6)
    assert difference.conf_high == pytest.approx(-0.2 + 1.959964 * std_error, abs=1e-6)
    assert difference.p_value == pytest.approx(math.erfc(0.2 / std_error / math.sqrt(2)))
    assert difference.time == 5
    assert difference.conventions["measure"] == "difference"
    assert difference.conventions["interval"] == "normal"


def test_ratio_worked_by_hand():
    ratio = incidence_ratio(estimate_incidence(*A), estimate_incidence(*B), 5)
    std_error = math.sqrt(0.7 / 0.3 / 10 + 0.5 / 0.5 / 12)
    assert ratio.estimate == pytest.approx(0.6)
    assert ratio.std_error == pytest.approx(std_error)
    assert ratio.conf_low == pytest.approx(0.6 * math.exp(-1.959964 * std_error), abs=1e-6)
    assert ratio.conf_high == pytest.approx(0.6 * math.exp(1.959964 * std_error), abs=1e-6)
    assert ratio.conventions["interval"] == "normal on the log ratio"


def test_competing_events_are_compared_when_asked():
    difference = incidence_difference(estimate_incidence(*A), estimate_incidence(*B), 5, cause=2)
    assert difference.risk_a == Risk(pytest.approx(0.2), pytest.approx(math.sqrt(0.2 * 0.8 / 10)))
    assert difference.risk_b == Risk(pytest.approx(0.25), pytest.approx(math.sqrt(0.25 * 0.75 / 12)))


def test_risk_ignores_what_was_censored_instead():
    # A: 1 - 9/10 * 8/9 * 7/8 = 0.3 by 3; B: 1 - 9/12 * 6/9 = 0.5 by 2
    a, b = (estimate_survival(time, [status == 1 for status in statuses]) for time, statuses in (A, B))
    assert risk_difference(a, b, 3).estimate == pytest.approx(-0.2)
    assert risk_ratio(a, b, 3).estimate == pytest.approx(0.6)


@pytest.mark.parametrize(("elapsed", "events"), [(1098, 1), (1099, 2), (1100, 2)])
def test_event_on_the_reading_day_counts(elapsed, events):
    a = estimate_survival([5, 1099, 1200, 1200], [1, 1, 0, 0])
    b = estimate_survival([5, 8, 1200, 1200], [1, 1, 0, 0])
    assert risk_difference(a, b, elapsed).risk_a.estimate == pytest.approx(events / 4)


@each_function
@pytest.mark.parametrize("which", ["first", "second"])
@pytest.mark.parametrize(
    ("other", "reason"),
    [
        pytest.param(
            ([9, 9, 9], [0, 0, 0]),
            "the risk by 5 of the {} group is 0, which leaves its standard error unknown",
            id="no event",
        ),
        pytest.param(
            ([6, 9, 9], [1, 0, 0]),
            "the risk by 5 of the {} group is 0, which leaves its standard error unknown",
            id="no event yet",
        ),
        pytest.param(
            ([2, 3, 4], [1, 1, 1]),
            "the risk by 5 of the {} group is 1, which leaves its standard error unknown",
            id="all with event",
        ),
        pytest.param(
            ([2, 3, 4], [1, 0, 0]),
            "the risk by 5 of the {} group is not known: nobody was followed beyond 4",
            id="not followed so long",
        ),
        pytest.param(
            ([4], [0]),
            "the risk by 5 of the {} group is not known: nobody was followed beyond 4",
            id="one subject",
        ),
    ],
)
def test_without_answer(name, which, other, reason):
    contrast, estimate = FUNCTIONS[name]
    sound, without = estimate([1, 3, 6, 8], [1, 1, 0, 0]), estimate(*other)
    with pytest.raises(NotEstimable) as raised:
        contrast(*((without, sound) if which == "first" else (sound, without)), 5)
    assert raised.value.reason == reason.format(which)


def test_followed_to_the_reading_time_and_not_beyond_is_enough():
    sound = estimate_survival([1, 3, 6, 8], [1, 1, 0, 0])
    assert risk_difference(sound, estimate_survival([2, 3, 5], [1, 0, 0]), 5).risk_b.estimate > 0
    with pytest.raises(NotEstimable, match="nobody was followed beyond 5"):
        risk_difference(sound, estimate_survival([2, 3, 5], [1, 0, 0]), 5.001)


@each_function
def test_curves_must_fit_together(name):
    contrast, estimate = FUNCTIONS[name]
    a = estimate([1, 3, 6], [1, 1, 0])
    with pytest.raises(ValueError, match=r"must have the conf_level of `curve_a`, 0.95, not 0.9"):
        contrast(a, estimate([1, 3, 6], [1, 1, 0], conf_level=0.9), 3)


def test_curves_must_be_of_one_kind():
    plain, weighted = ([1, 3, 6], [1, 1, 0]), {"weights": [1, 2, 1]}
    with pytest.raises(ValueError, match="must have the variance of `curve_a`, 'greenwood', not 'robust'"):
        risk_difference(estimate_survival(*plain), estimate_survival(*plain, **weighted), 3)
    reversed_curve = estimate_survival(*plain, reverse=True)
    with pytest.raises(ValueError, match="must be survival curves, not reversed ones"):
        risk_ratio(reversed_curve, reversed_curve, 3)


@pytest.mark.parametrize("time", [-1, math.nan, math.inf, None])
def test_time_must_be_a_time(time):
    curve = estimate_survival([1, 3, 6], [1, 1, 0])
    with pytest.raises(ValueError, match=r"must be finite and 0 or more"):
        risk_difference(curve, curve, time)


def test_cause_must_be_known():
    curve = estimate_incidence([1, 3, 6], [1, 2, 0])
    with pytest.raises(ValueError, match="`cause` must be 1 or 2, not 3"):
        incidence_ratio(curve, curve, 3, cause=3)
