import doctest
import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.statistics import boundaries
from trialwright.statistics.boundaries import (
    Boundary,
    bayesian_boundary,
    crossings,
    exact_boundary,
    operating_characteristics,
    pocock_boundary,
    position,
)
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.proportions import estimate_proportion

unhurried = settings(deadline=None, max_examples=50)  # the machine may be busy
rates = st.floats(0.02, 0.6)


@st.composite
def some_looks(draw, largest=20):
    return sorted(draw(st.sets(st.integers(1, largest), min_size=1, max_size=6)))


@st.composite
def stated_boundaries(draw, largest=9):
    """Any boundary that does not fall, also ones that no method here would give."""
    looks = draw(some_looks(largest))
    events, fewest = [], None
    for n in looks:
        fewest = draw(st.sampled_from([*range(fewest or 1, n + 1), *([None] if fewest is None else [n])]))
        events.append(fewest)
    return Boundary(tuple(looks), tuple(events))


def test_examples_in_docstrings():
    results = doctest.testmod(boundaries)
    assert results.attempted > 4
    assert results.failed == 0


# The boundaries


@unhurried
@given(some_looks(), rates, st.floats(0.6, 0.99))
def test_exact_boundary_is_where_the_lower_limit_passes_the_reference(looks, reference, conf_level):
    try:
        boundary = exact_boundary(looks, reference_rate=reference, conf_level=conf_level)
    except NotEstimable:
        events = [None] * len(looks)
    else:
        events = boundary.events_to_stop
    for n, stop in zip(looks, events, strict=True):
        above = [
            x
            for x in range(1, n + 1)
            if estimate_proportion(x, n, conf_level=conf_level, limits="lower").conf_low
            > reference * (1 + 1e-9)
        ]
        assert stop == min(above, default=None)


def test_a_limit_that_equals_the_reference_does_not_cross():
    # Two events in two patients: the lower limit at 75 % is sqrt(0.25) = 0.5, and at 76 % sqrt(0.24).
    assert exact_boundary([2], reference_rate=0.49, conf_level=0.75).events_to_stop == (2,)
    with pytest.raises(NotEstimable, match="an event in all 2 patients would not cross"):
        exact_boundary([2], reference_rate=0.5, conf_level=0.75)
    with pytest.raises(NotEstimable):
        exact_boundary([2], reference_rate=0.5, conf_level=0.76)


def test_a_false_alarm_of_exactly_alpha_is_allowed():
    # Two of two at a rate of 0.5: 0.25.
    assert pocock_boundary([2], reference_rate=0.5, alpha=0.25).events_to_stop == (2,)
    with pytest.raises(NotEstimable, match=r"above 0\.249 at a rate of 0\.5"):
        pocock_boundary([2], reference_rate=0.5, alpha=0.249)


def test_a_posterior_of_exactly_the_threshold_is_an_alarm():
    # Uniform prior, one event in one patient: Pr(rate > r) = 1 - r^2.
    alarm = {"reference_rate": 0.5, "prior": (1, 1)}
    assert bayesian_boundary([1], threshold=0.75, **alarm).events_to_stop == (1,)
    with pytest.raises(NotEstimable):
        bayesian_boundary([1], threshold=0.7501, **alarm)


@unhurried
@given(some_looks(), rates, st.floats(0.01, 0.3))
def test_pocock_boundary_keeps_alpha_and_could_not_be_closer(looks, reference, alpha):
    try:
        boundary = pocock_boundary(looks, reference_rate=reference, alpha=alpha)
    except NotEstimable:
        tightest = tuple(None if n < looks[-1] else n for n in looks)
        false_alarm = operating_characteristics(Boundary(tuple(looks), tightest), reference)
        assert false_alarm.probability_to_cross > alpha
        return
    found = operating_characteristics(boundary, reference).probability_to_cross
    assert found == pytest.approx(boundary.conventions["false_alarm"], rel=1e-12)
    assert found <= alpha * (1 + 1e-9)
    level = boundary.conventions["level"]
    for n, stop in zip(boundary.n, boundary.events_to_stop, strict=True):
        tails = [
            math.fsum(math.comb(n, k) * reference**k * (1 - reference) ** (n - k) for k in range(x, n + 1))
            for x in range(n + 1)
        ]
        assert stop == next((x for x in range(1, n + 1) if tails[x] <= level * (1 + 1e-9)), None)


@unhurried
@given(some_looks(), rates, st.floats(0.91, 0.99), st.floats(0.1, 1), st.floats(1, 9))
def test_bayesian_boundary_is_later_with_a_higher_threshold(looks, reference, threshold, a, b):
    def stops(threshold):
        try:
            found = bayesian_boundary(looks, reference_rate=reference, threshold=threshold, prior=(a, b))
        except NotEstimable:
            return [math.inf] * len(looks)
        except ValueError:  # the prior is an alarm by itself
            return [0] * len(looks)
        return [math.inf if events is None else events for events in found.events_to_stop]

    assert all(low <= high for low, high in zip(stops(threshold), stops((1 + threshold) / 2), strict=True))


@unhurried
@given(st.integers(1, 15), rates, st.floats(0.8, 0.99))
def test_one_number_of_looks_means_every_patient(n, reference, conf_level):
    def stops(looks):
        try:
            return exact_boundary(looks, reference_rate=reference, conf_level=conf_level).events_to_stop
        except NotEstimable as error:
            return error.reason

    assert stops(n) == stops(range(1, n + 1))


def test_what_made_a_boundary_is_recorded():
    made = bayesian_boundary([10], reference_rate=0.1, threshold=0.95, prior=(0.5, 1.5)).conventions
    assert (made["prior"], made["prior_mean"], made["threshold"]) == ("Beta(0.5, 1.5)", 0.25, 0.95)
    # By hand for Beta(1, 1): 1 - 0.1
    made = bayesian_boundary([10], reference_rate=0.1, threshold=0.95, prior=(1, 1)).conventions
    assert made["prior_probability_above_reference"] == pytest.approx(0.9)


# Operating characteristics


@unhurried
@given(stated_boundaries(), st.floats(0, 1))
def test_characteristics_by_going_through_all_courses(boundary, rate):
    stop = dict(zip(boundary.n, boundary.events_to_stop, strict=True))
    crossed, enrolled, enrolled_if_crossed = [], [], []
    for course in itertools.product([0, 1], repeat=boundary.n[-1]):
        probability = math.prod(rate if event else 1 - rate for event in course)
        events = itertools.accumulate(course)
        n = next((n for n, x in enumerate(events, 1) if stop.get(n) is not None and x >= stop[n]), None)
        enrolled.append(probability * (n or boundary.n[-1]))
        if n:
            crossed.append(probability)
            enrolled_if_crossed.append(probability * n)
    found = operating_characteristics(boundary, rate)
    assert found.probability_to_cross == pytest.approx(math.fsum(crossed), abs=1e-12)
    assert found.expected_n == pytest.approx(math.fsum(enrolled), abs=1e-11)
    if math.fsum(crossed) > 1e-12:
        mean = math.fsum(enrolled_if_crossed) / math.fsum(crossed)
        assert found.expected_n_if_crossed == pytest.approx(mean, rel=1e-9)


@unhurried
@given(stated_boundaries(), st.floats(0.01, 0.99))
def test_each_way_to_cross_by_going_through_all_courses(boundary, rate):
    stop = dict(zip(boundary.n, boundary.events_to_stop, strict=True))
    ways = {}
    for course in itertools.product([0, 1], repeat=boundary.n[-1]):
        probability = math.prod(rate if event else 1 - rate for event in course)
        for n, events in enumerate(itertools.accumulate(course), 1):
            if stop.get(n) is not None and events >= stop[n]:
                ways[n, events] = ways.get((n, events), 0) + probability
                break
    found = {(one.n, one.n_events): one.probability for one in crossings(boundary, rate)}
    assert list(found) == sorted(found)
    assert found == pytest.approx(ways, rel=1e-9)


@unhurried
@given(stated_boundaries(), st.floats(0, 0.9))
def test_higher_rates_cross_more_often_and_earlier(boundary, rate):
    low, high = (operating_characteristics(boundary, p) for p in (rate, rate + 0.1))
    assert low.probability_to_cross <= high.probability_to_cross + 1e-12
    assert low.expected_n >= high.expected_n - 1e-12


def test_rates_of_0_and_1():
    boundary = Boundary((2, 4), (None, 3))
    never, always = operating_characteristics(boundary, 0), operating_characteristics(boundary, 1)
    assert (never.probability_to_cross, never.expected_n, never.expected_n_if_crossed) == (0, 4, None)
    assert (always.probability_to_cross, always.expected_n, always.expected_n_if_crossed) == (1, 4, 4)


# Position


BOUNDARY = Boundary((1, 5, 10, 20), (None, 3, 4, 6))


@pytest.mark.parametrize(
    ("n_events", "n", "is_crossed", "look", "stop", "left"),
    [
        pytest.param(0, 0, False, 5, 3, 3, id="before the first patient"),
        pytest.param(1, 1, False, 5, 3, 2, id="a look that cannot be crossed gives way to the next"),
        pytest.param(2, 5, False, 5, 3, 1, id="one event below"),
        pytest.param(3, 5, True, 5, 3, 0, id="at the boundary is across"),
        pytest.param(4, 5, True, 5, 3, 0, id="beyond"),
        pytest.param(3, 6, False, 10, 4, 1, id="between two looks the next one counts"),
        pytest.param(4, 6, False, 10, 4, 0, id="enough for the next look, which has not come"),
        pytest.param(5, 20, False, 20, 6, 1, id="below at the last look"),
    ],
)
def test_position(n_events, n, is_crossed, look, stop, left):
    found = position(BOUNDARY, n_events, n)
    assert (found.is_crossed, found.next_look, found.events_to_stop, found.events_left) == (
        is_crossed,
        look,
        stop,
        left,
    )
    assert (found.n, found.n_events) == (n, n_events)


def test_no_look_left():
    found = position(Boundary((3,), (None,)), 2, 3)
    assert (found.is_crossed, found.next_look, found.events_left) == (False, None, None)


# Arguments


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: exact_boundary(0, reference_rate=0.1, conf_level=0.95), id="no patient"),
        pytest.param(lambda: exact_boundary([], reference_rate=0.1, conf_level=0.95), id="no look"),
        pytest.param(lambda: exact_boundary([5, 5], reference_rate=0.1, conf_level=0.95), id="look twice"),
        pytest.param(
            lambda: exact_boundary([0, 5], reference_rate=0.1, conf_level=0.95), id="look at nobody"
        ),
        pytest.param(lambda: exact_boundary([2.5], reference_rate=0.1, conf_level=0.95), id="half a patient"),
        pytest.param(lambda: exact_boundary(5, reference_rate=0, conf_level=0.95), id="reference 0"),
        pytest.param(
            lambda: exact_boundary(5, reference_rate=10, conf_level=0.95), id="reference in per cent"
        ),
        pytest.param(lambda: exact_boundary(5, reference_rate=0.1, conf_level=math.nan), id="level missing"),
        pytest.param(lambda: pocock_boundary(5, reference_rate=0.1, alpha=1), id="alpha 1"),
        pytest.param(
            lambda: bayesian_boundary(5, reference_rate=0.1, threshold=0.95, prior=(0, 1)), id="prior"
        ),
        pytest.param(
            lambda: bayesian_boundary(5, reference_rate=0.1, threshold=0.9, prior=(1, 1)), id="prior is alarm"
        ),
        pytest.param(lambda: operating_characteristics(BOUNDARY, 1.1), id="rate above 1"),
        pytest.param(lambda: operating_characteristics(BOUNDARY, math.nan), id="rate missing"),
        pytest.param(lambda: position(BOUNDARY, 3, 2), id="more events than patients"),
        pytest.param(lambda: position(BOUNDARY, -1, 2), id="negative events"),
        pytest.param(lambda: position(BOUNDARY, 1, 21), id="beyond the last look"),
        pytest.param(lambda: position(BOUNDARY, 1.0, 2), id="events not whole"),
        pytest.param(lambda: Boundary((1, 2), (1,)), id="a look without boundary"),
        pytest.param(lambda: Boundary((1, 2), (1, 3)), id="more events than patients cannot stop"),
        pytest.param(lambda: Boundary((1, 2), (0, 1)), id="no event cannot stop"),
        pytest.param(lambda: Boundary((4, 5), (3, 2)), id="falling"),
        pytest.param(lambda: Boundary((4, 5), (3, None)), id="ending early"),
    ],
)
def test_arguments_out_of_range(call):
    with pytest.raises(ValueError, match="must"):
        call()


def test_the_reference_has_no_default():
    for call in (exact_boundary, pocock_boundary, bayesian_boundary):
        with pytest.raises(TypeError, match="reference_rate"):
            call(10)
