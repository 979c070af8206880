import doctest
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.statistics import person_time
from trialwright.statistics.person_time import (
    PersonTimeBoundary,
    constant_hazard,
    person_time_boundary,
    person_time_characteristics,
)

unhurried = settings(deadline=None, max_examples=25)  # the machine may be busy


def so_many_or_more(x, mean):
    return 1 - math.fsum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(x))


def at_hazard(boundary, hazard):
    return person_time_characteristics(boundary, -math.expm1(-hazard * boundary.window))


def test_examples_in_docstrings():
    results = doctest.testmod(person_time)
    assert results.attempted > 1
    assert results.failed == 0


# Characteristics


@pytest.mark.parametrize(
    ("steps", "crosses", "expected"),
    [
        # With hazard 1 and person-time up to 1; the person-time by integrating the chance of no crossing so far.
        pytest.param((1.0,), 1 - math.exp(-1), 1 - math.exp(-1), id="the first event crosses"),
        pytest.param((0.0, 1.0), 1 - 2 * math.exp(-1), 2 - 3 * math.exp(-1), id="the second event crosses"),
        pytest.param(
            # None by 0.5, and at most one after; from 0.5 on so much time as a second event leaves.
            (0.5, 1.0),
            1 - 1.5 * math.exp(-1),
            (1 - math.exp(-0.5)) + math.exp(-0.5) * (2 - 2.5 * math.exp(-0.5)),
            id="the first crosses by the half, the second always",
        ),
    ],
)
def test_characteristics_by_hand(steps, crosses, expected):
    found = at_hazard(PersonTimeBoundary(steps, 1.0, 1.0), 1.0)
    assert found.probability_to_cross == pytest.approx(crosses, rel=1e-12)
    assert found.expected_person_time == pytest.approx(expected, rel=1e-12)
    assert found.expected_events == pytest.approx(expected, rel=1e-12)


def maxsprt(horizon, critical):
    """Kulldorff's boundary: event x crosses while the log likelihood ratio, m - x + x ln(x / m), reaches the critical value."""
    steps = []
    while not steps or steps[-1] < horizon:
        x = len(steps) + 1
        low, high = 1e-12, float(x)
        for _ in range(100):
            middle = (low + high) / 2
            reaches = middle - x + x * math.log(x / middle) >= critical
            low, high = (middle, high) if reaches else (low, middle)
        steps.append(min(low, float(horizon)))
    return PersonTimeBoundary(tuple(steps), 1.0, float(horizon))


@pytest.mark.parametrize(
    ("horizon", "critical", "alpha"),
    [  # Kulldorff et al., Sequential Analysis 2011;30:58-78, table 1.
        (1, 2.853937, 0.05),
        (1, 4.670428, 0.01),
        (1, 7.172614, 0.001),
        (10, 3.467952, 0.05),
        (10, 5.260513, 0.01),
        (10, 7.724863, 0.001),
        (50, 3.819903, 0.05),
        (50, 8.067072, 0.001),
    ],
)
def test_false_alarms_as_published(horizon, critical, alpha):
    found = at_hazard(maxsprt(horizon, critical), 1.0)
    assert found.probability_to_cross == pytest.approx(alpha, rel=3e-6)


@pytest.mark.parametrize(
    ("horizon", "critical", "rows"),
    [  # The same, tables 2 and 3: relative risk, power, person-time expected.
        (1, 2.853937, [(1.5, 0.107, 0.93), (2, 0.185, 0.88), (3, 0.379, 0.77), (5, 0.729, 0.54)]),
        (10, 3.467952, [(1.2, 0.107, 9.25), (1.5, 0.280, 8.33), (2, 0.685, 5.98), (3, 0.989, 2.53)]),
        (50, 3.819903, [(1.2, 0.225, 43.20), (1.5, 0.803, 26.28), (2, 0.9996, 8.96)]),
    ],
)
def test_power_as_published(horizon, critical, rows):
    boundary = maxsprt(horizon, critical)
    for ratio, power, surveillance in rows:
        found = at_hazard(boundary, ratio)
        assert found.probability_to_cross == pytest.approx(power, abs=0.00051)
        assert found.expected_person_time == pytest.approx(surveillance, abs=0.0051)


@unhurried
@given(st.lists(st.floats(0, 5), max_size=5), st.floats(0.05, 0.8))
def test_higher_rates_cross_more_often_and_earlier(steps, rate):
    boundary = PersonTimeBoundary((*sorted(steps), 5.0), 1.0, 5.0)
    low, high = (person_time_characteristics(boundary, one) for one in (rate, rate + 0.1))
    assert low.probability_to_cross <= high.probability_to_cross + 1e-12
    assert low.expected_person_time >= high.expected_person_time - 1e-12


# The boundary


@unhurried
@given(st.integers(5, 60), st.floats(0.02, 0.2), st.floats(0.02, 0.2), st.integers(1, 3))
def test_one_level_for_all_events_spends_alpha(n, reference, alpha, fewest):
    boundary = person_time_boundary(
        n, window=35, reference_rate=reference, alpha=alpha, minimum_events=fewest
    )
    hazard, level = -math.log(1 - reference) / 35, boundary.conventions["level"]
    assert boundary.conventions["hazard"] == pytest.approx(hazard)
    assert boundary.person_time == n * 35
    for x, until in enumerate(boundary.largest_person_time, start=1):
        if x < fewest:
            assert until == 0
        elif until < boundary.person_time:
            assert so_many_or_more(x, hazard * until) == pytest.approx(level, rel=1e-6)
        else:
            assert so_many_or_more(x, hazard * until) <= level * (1 + 1e-6)
    found = person_time_characteristics(boundary, reference).probability_to_cross
    most = so_many_or_more(fewest, hazard * boundary.person_time)
    assert found == pytest.approx(min(alpha, most), rel=1e-6)


def test_where_any_event_is_too_many():
    # One patient, a rate of 1 %: an event is rarer than alpha, so it always crosses.
    boundary = person_time_boundary(1, window=35, reference_rate=0.01, alpha=0.1)
    assert boundary.largest_person_time == (35,)
    assert person_time_characteristics(boundary, 0.01).probability_to_cross == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("person_time", "events"),
    [
        pytest.param(0.0, 2, id="nobody observed: the first never crosses"),
        pytest.param(3.0, 2, id="at the step"),
        pytest.param(3.1, 3, id="just beyond it"),
        pytest.param(9.0, 3, id="at the end"),
        pytest.param(9.1, None, id="more than there can be"),
    ],
)
def test_events_to_stop(person_time, events):
    assert PersonTimeBoundary((0.0, 3.0, 9.0), 3.0, 9.0).events_to_stop(person_time) == events


def test_constant_hazard_gives_back_the_rate():
    assert -math.expm1(-35 * constant_hazard(0.05, 35)) == pytest.approx(0.05, rel=1e-14)


GIVEN = {"window": 35, "reference_rate": 0.05, "alpha": 0.1}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: person_time_boundary(0, **GIVEN), "`n_patients` must be a whole number of 1 or more"),
        (lambda: person_time_boundary(2.5, **GIVEN), "`n_patients` must be"),
        (lambda: person_time_boundary(9, **GIVEN | {"window": 0}), "`window` must be"),
        (lambda: person_time_boundary(9, **GIVEN | {"reference_rate": 5}), "`reference_rate` must be between"),
        (lambda: person_time_boundary(9, **GIVEN | {"alpha": 0}), "`alpha` must be between"),
        (lambda: person_time_boundary(9, **GIVEN, minimum_events=0), "`minimum_events` must be"),
        (lambda: PersonTimeBoundary((2.0, 1.0), 1.0, 2.0), r"`largest_person_time\[1\]` must lie between 2"),
        (lambda: PersonTimeBoundary((1.0, 3.0), 1.0, 2.0), r"`largest_person_time\[1\]` must lie between 1 and 2"),
        (lambda: PersonTimeBoundary((1.0,), 1.0, 2.0), "must end with `person_time` of 2, not with 1"),
        (lambda: PersonTimeBoundary((), 1.0, 2.0), "must end with"),
        (lambda: PersonTimeBoundary((2.0,), 0.0, 2.0), "`window` must be"),
        (lambda: person_time_characteristics(PersonTimeBoundary((2.0,), 1.0, 2.0), 1), "`rate` must be"),
    ],
)  # fmt: skip
def test_arguments_out_of_range(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_reference_has_no_default():
    with pytest.raises(TypeError, match="reference_rate"):
        person_time_boundary(43, window=35, alpha=0.1)
