import dataclasses
import doctest
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.statistics import late_events
from trialwright.statistics.boundaries import (
    Boundary,
    bayesian_boundary,
    exact_boundary,
    operating_characteristics,
    pocock_boundary,
)
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.late_events import (
    EventTimes,
    MonitoringPlan,
    even_entries,
    pocock_boundary_for_late_events,
    simulate_stopping,
    stopping_at_complete_windows,
)
from trialwright.statistics.person_time import PersonTimeBoundary, constant_hazard, person_time_boundary

unhurried = settings(deadline=None, max_examples=25)  # the machine may be busy
LATE = EventTimes((3, 18, 35), (0, 0.5, 1))  # median 18 weeks, range 3 to 35
AT_ONCE = EventTimes((0,), (1,))
COUNTS = ("n_enrolled", "n_treated", "n_events", "n_events_of_treated")
IF_STOPPED = ("n_enrolled_if_stopped", "n_treated_if_stopped", "n_events_if_stopped", "time_if_stopped")


def within_four_errors(estimate, truth):
    return abs(estimate.value - truth) <= 4 * estimate.std_error


def test_examples_in_docstrings():
    results = doctest.testmod(late_events)
    assert results.attempted > 0
    assert results.failed == 0


# A second simulation, one patient and one moment after the other, from the same draws


def stop_by_walking(rule, plan, patients):
    """When a trial stops, going through its moments in order; infinite if it does not.

    `patients` are (first dose, whether the event comes, when the event comes or the window ends).
    """
    for now in sorted({end for _, _, end in patients}):
        with_event = sum(has and end <= now for _, has, end in patients)
        judged = sum(end <= now for _, _, end in patients)
        if isinstance(rule, PersonTimeBoundary):
            weeks = sum(max(min(now, end) - start, 0) for start, _, end in patients)
            fewest = (
                rule.events_to_stop(weeks) if any(has and end == now for _, has, end in patients) else None
            )
        else:
            fewest = dict(zip(rule.n, rule.events_to_stop, strict=True)).get(judged)
        if fewest is not None and with_event >= fewest:
            return now
    return math.inf


def outcomes_by_walking(rule, plan, patients):
    stop = stop_by_walking(rule, plan, patients)
    treated = [one for one in patients if one[0] <= stop]
    return (
        stop,
        sum(entry <= stop for entry in plan.entries),
        len(treated),
        sum(has and end <= stop for _, has, end in patients),
        sum(has for _, has, _ in treated),
    )


def virtual_patients(plan, rate, n_trials, seed):
    drawn = np.random.default_rng(seed).random((n_trials, plan.n_patients, 2))
    for trial in drawn:
        yield [
            (
                entry + plan.start_after,
                happens < rate,
                entry
                + plan.start_after
                + (plan.event_times.quantile(when) if happens < rate else plan.window),
            )
            for entry, (happens, when) in zip(plan.entries, trial, strict=True)
        ]


PLANS = {
    "one a week": MonitoringPlan(even_entries(12, per_unit=1), 35, LATE),
    "four a week": MonitoringPlan(even_entries(12, per_unit=4), 35, LATE, start_after=2),
    "together, in pairs": MonitoringPlan(
        (0, 0, 7, 7, 9, 30, 30, 30, 60, 61, 80, 80), 35, LATE, start_after=1
    ),
    "at once": MonitoringPlan((0, 0, 7, 7, 9, 30, 30, 30, 60, 61, 80, 80), 30, AT_ONCE),
    "one after the other": MonitoringPlan(tuple(range(0, 480, 40)), 35, LATE),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
@pytest.mark.parametrize("rate", [0.1, 0.35])
def test_simulation_by_walking_through_each_trial(plan, rate):
    rules = [
        pocock_boundary(12, reference_rate=0.1, alpha=0.1),
        exact_boundary([4, 8, 12], reference_rate=0.1, conf_level=0.95),
        person_time_boundary(12, window=plan.window, reference_rate=0.1, alpha=0.1),
        person_time_boundary(12, window=plan.window, reference_rate=0.1, alpha=0.1, minimum_events=2),
    ]
    found = simulate_stopping(rules, plan, rate=rate, n_trials=150, seed=4, batch_size=64)
    trials = list(virtual_patients(plan, rate, 150, 4))
    for rule, stopping in zip(rules, found, strict=True):
        outcomes = np.array([outcomes_by_walking(rule, plan, patients) for patients in trials])
        stopped = np.isfinite(outcomes[:, 0])
        assert stopping.probability_to_stop.value == stopped.mean()
        for name, column in zip(COUNTS, outcomes.T[1:], strict=True):
            estimate = getattr(stopping, name)
            assert estimate.value == pytest.approx(column.mean(), rel=1e-12)
            assert estimate.std_error == pytest.approx(column.std(ddof=1) / math.sqrt(150), rel=1e-12)
        if stopped.sum() > 1:
            for name, column in zip(IF_STOPPED, outcomes.T[[1, 2, 3, 0]], strict=True):
                assert getattr(stopping, name).value == pytest.approx(column[stopped].mean(), rel=1e-12)
        else:
            assert all(getattr(stopping, name) is None for name in IF_STOPPED)


@pytest.mark.parametrize("batch_size", [1, 7, 499, 500, 5_000])
def test_batches_do_not_change_a_digit(batch_size):
    plan = PLANS["four a week"]
    rules = [pocock_boundary(12, reference_rate=0.1, alpha=0.1)]
    whole = simulate_stopping(rules, plan, rate=0.2, n_trials=500, seed=1)
    assert simulate_stopping(rules, plan, rate=0.2, n_trials=500, seed=1, batch_size=batch_size) == whole
    other = simulate_stopping(rules, plan, rate=0.2, n_trials=500, seed=2)
    assert other[0].probability_to_stop != whole[0].probability_to_stop


# Against what is known exactly

REFERENCE = {"reference_rate": 0.1}
RULES = {
    "exact": exact_boundary(20, **REFERENCE, conf_level=0.95),
    "pocock": pocock_boundary(20, **REFERENCE, alpha=0.1),
    "bayesian": bayesian_boundary(20, **REFERENCE, threshold=0.95, prior=(0.2, 1.8)),
}


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3])
@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(MonitoringPlan(even_entries(20, per_unit=1), 0, AT_ONCE), id="judged at the first dose"),
        pytest.param(
            MonitoringPlan(tuple(range(0, 720, 36)), 35, LATE), id="one judged before the next enters"
        ),
    ],
)
def test_events_that_are_not_late_have_the_exact_characteristics(plan, rate):
    found = simulate_stopping(list(RULES.values()), plan, rate=rate, n_trials=20_000, seed=7)
    for rule, simulated in zip(RULES.values(), found, strict=True):
        truth = operating_characteristics(rule, rate)
        exact = stopping_at_complete_windows(rule, plan, rate)
        for stopping, agrees in (
            (simulated, within_four_errors),
            (exact, lambda estimate, value: estimate.value == pytest.approx(value, rel=1e-9)),
        ):
            assert agrees(stopping.probability_to_stop, truth.probability_to_cross)
            assert agrees(stopping.n_treated, truth.expected_n)
            assert agrees(stopping.n_treated_if_stopped, truth.expected_n_if_crossed)
            assert agrees(stopping.n_events_of_treated, rate * truth.expected_n)  # Wald


def test_who_has_the_event_is_judged_first():
    """Stop if the first who counts has the event.

    It is the first patient's verdict at the end of the first window, unless an event comes before: no stop if the first has
    none and nobody else has had one by then.
    """
    rate, plan = 0.1, MonitoringPlan(even_entries(20, per_unit=0.5), 35, LATE)
    by_then = [rate * float(LATE.by(np.array(35.0 - entry))) for entry in plan.entries[1:]]
    truth = 1 - (1 - rate) * math.prod(1 - p for p in by_then)
    (found,) = simulate_stopping([Boundary((1,), (1,))], plan, rate=rate, n_trials=20_000, seed=3)
    assert within_four_errors(found.probability_to_stop, truth)
    assert truth > 5 * rate
    assert operating_characteristics(Boundary((1,), (1,)), rate).probability_to_cross == pytest.approx(rate)


def test_all_enrolled_on_one_day():
    """Events then come before everybody without: it stops with the events that suffice if all who count have them."""
    rule, rate = RULES["pocock"], 0.1
    alone = next(n for n, stop in zip(rule.n, rule.events_to_stop, strict=True) if stop == n)
    truth = 1 - sum(math.comb(20, k) * rate**k * (1 - rate) ** (20 - k) for k in range(alone))
    (found,) = simulate_stopping(
        [rule], MonitoringPlan((0,) * 20, 35, LATE), rate=rate, n_trials=20_000, seed=3
    )
    assert within_four_errors(found.probability_to_stop, truth)
    assert found.n_treated.value == 20


@pytest.mark.parametrize("per_week", [0.5, 4])
def test_person_time_keeps_alpha_under_a_constant_hazard(per_week):
    hazard = constant_hazard(0.1, 35)
    times = np.linspace(0, 35, 200)
    coming = EventTimes(tuple(times), (*(np.expm1(-hazard * times[:-1]) / np.expm1(-hazard * 35)), 1.0))
    plan = MonitoringPlan(even_entries(30, per_unit=per_week), 35, coming)
    rule = person_time_boundary(30, window=35, reference_rate=0.1, alpha=0.1)
    (found,) = simulate_stopping([rule], plan, rate=0.1, n_trials=20_000, seed=5)
    assert found.probability_to_stop.value <= 0.1 + 4 * found.probability_to_stop.std_error
    assert found.probability_to_stop.value > 0.08


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_complete_windows_by_going_through_all_courses(rate):
    plan = MonitoringPlan((0, 1, 1, 20, 36, 40), 35, LATE, start_after=0.5)
    rule, starts = Boundary((2, 3, 5), (1, 1, 2)), plan.starts
    totals, crossed, chances = np.zeros(4), np.zeros(5), []
    for course in itertools.product([0, 1], repeat=6):
        chance = math.prod(rate if event else 1 - rate for event in course)
        # Patients 2 and 3 count together: no look after 2.
        stop = next((n for n, fewest in ((3, 1), (5, 2)) if sum(course[:n]) >= fewest), None)
        time = starts[stop - 1] + 35 if stop else math.inf
        come = [LATE.by(np.array(time - start)) if math.isfinite(time) else 1.0 for start in starts]
        outcome = np.array(
            [
                sum(entry <= time for entry in plan.entries),
                sum(start <= time for start in starts),
                sum(event * p for event, p in zip(course, come, strict=True)),
                sum(event for event, start in zip(course, starts, strict=True) if start <= time),
            ]
        )
        totals += chance * outcome
        if stop:
            crossed += chance * np.array([*outcome[:3], time, 1])
        chances.append(chance)
    assert math.fsum(chances) == pytest.approx(1)
    found = stopping_at_complete_windows(rule, plan, rate)
    assert found.probability_to_stop.value == pytest.approx(crossed[4], rel=1e-12)
    assert [getattr(found, name).value for name in COUNTS] == pytest.approx(list(totals), rel=1e-12)
    means = list(crossed[:4] / crossed[4])
    assert [getattr(found, name).value for name in IF_STOPPED] == pytest.approx(means, rel=1e-12)
    assert {getattr(found, name).std_error for name in (*COUNTS, *IF_STOPPED)} == {0}


def test_looks_only_between_patients_who_count_together_never_come():
    found = stopping_at_complete_windows(Boundary((1,), (1,)), MonitoringPlan((0, 0), 35, LATE), 0.3)
    assert (found.probability_to_stop.value, found.n_treated.value) == (0, 2)
    assert found.n_events.value == pytest.approx(0.6)
    assert found.time_if_stopped is None


# What it is for


def test_late_events_make_false_alarms_that_a_count_one_by_one_does_not_show():
    plan = MonitoringPlan(even_entries(43, per_unit=1), 35, LATE)
    plain = pocock_boundary(43, reference_rate=0.05, alpha=0.1)
    late = pocock_boundary_for_late_events(43, plan, reference_rate=0.05, alpha=0.1, n_trials=10_000, seed=1)
    by_time = person_time_boundary(43, window=35, reference_rate=0.05, alpha=0.1)
    found = simulate_stopping([plain, late, by_time], plan, rate=0.05, n_trials=10_000, seed=2)
    often, as_planned, also = (one.probability_to_stop for one in found)
    assert operating_characteristics(plain, 0.05).probability_to_cross < 0.1
    assert often.value > 0.3
    assert as_planned.value < 0.1 + 4 * as_planned.std_error
    assert also.value < 0.1
    assert stopping_at_complete_windows(plain, plan, 0.05).probability_to_stop.value == pytest.approx(
        operating_characteristics(plain, 0.05).probability_to_cross
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("per_week", "false_alarms", "at_a_fifth", "treated"),
    [
        (0.25, (0.14, 0.10, 0.09), 0.92, 18),
        (1, (0.33, 0.09, 0.07), 0.92, 29),
        (4, (0.57, 0.04, 0.06), 0.92, 42),
    ],
)
def test_the_table_of_the_documentation(per_week, false_alarms, at_a_fifth, treated):
    """docs/statistics.md, "When events come late"."""
    plan = MonitoringPlan(even_entries(43, per_unit=per_week), 35, LATE)
    asked = {"reference_rate": 0.05, "alpha": 0.1}
    rules = [
        pocock_boundary(43, **asked),
        pocock_boundary_for_late_events(43, plan, **asked, n_trials=50_000, seed=1),
        person_time_boundary(43, window=35, **asked),
    ]
    found = simulate_stopping(rules, plan, rate=0.05, n_trials=50_000, seed=2)
    assert [one.probability_to_stop.value for one in found] == pytest.approx(false_alarms, abs=0.0075)
    *_, by_time = simulate_stopping(rules, plan, rate=0.2, n_trials=50_000, seed=2)
    assert by_time.probability_to_stop.value == pytest.approx(at_a_fifth, abs=0.0075)
    assert by_time.n_treated_if_stopped.value == pytest.approx(treated, abs=0.51)


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(MonitoringPlan(even_entries(20, per_unit=1), 35, LATE), id="one a week"),
        pytest.param(MonitoringPlan((0,) * 6 + (1,) * 7 + (2,) * 7, 0, AT_ONCE), id="many at one moment"),
    ],
)
def test_the_level_for_late_events_could_not_be_larger(plan):
    asked = {"reference_rate": 0.1, "n_trials": 1_000, "seed": 6}
    found = pocock_boundary_for_late_events(range(3, 21), plan, alpha=0.1, **asked)
    trials = list(virtual_patients(plan, 0.1, 1_000, 6))

    def share_crossing(boundary):
        return sum(math.isfinite(stop_by_walking(boundary, plan, trial)) for trial in trials) / 1_000

    false_alarm = found.conventions["false_alarm"]
    assert share_crossing(found) == false_alarm <= 0.1
    # One step closer: the least likely number of events that does not cross yet does.
    tails = {
        (n, x): math.fsum(math.comb(n, k) * 0.1**k * 0.9 ** (n - k) for k in range(x, n + 1))
        for n, stop in zip(found.n, found.events_to_stop, strict=True)
        for x in range(1, stop or n + 1)
    }
    next_level = min(tails.values()) * (1 + 1e-9)
    closer = [
        next(x for x in range(1, (stop or n) + 1) if tails.get((n, x), 0) <= next_level)
        for n, stop in zip(found.n, found.events_to_stop, strict=True)
    ]
    assert share_crossing(Boundary(found.n, tuple(closer))) > 0.1
    # A share of exactly alpha is allowed.
    assert pocock_boundary_for_late_events(range(3, 21), plan, alpha=false_alarm, **asked).events_to_stop == (
        found.events_to_stop
    )
    stricter = pocock_boundary_for_late_events(range(3, 21), plan, alpha=false_alarm - 1e-9, **asked)
    assert stricter.conventions["false_alarm"] < false_alarm


def test_without_late_events_the_level_is_that_of_the_exact_boundary():
    plan = MonitoringPlan(even_entries(20, per_unit=1), 0, AT_ONCE)
    found = pocock_boundary_for_late_events(20, plan, **REFERENCE, alpha=0.1, n_trials=20_000, seed=1)
    exact = RULES["pocock"]
    assert found.events_to_stop == exact.events_to_stop
    error = found.conventions["false_alarm_std_error"]
    assert abs(found.conventions["false_alarm"] - exact.conventions["false_alarm"]) < 4 * error


def test_no_boundary_for_late_events():
    plan = MonitoringPlan((0,), 35, LATE)
    with pytest.raises(NotEstimable, match=r"above 0\.1 at a rate of 0\.3"):
        pocock_boundary_for_late_events(1, plan, reference_rate=0.3, alpha=0.1, n_trials=500, seed=1)


def test_no_stop_in_all_trials_is_not_certain():
    (found,) = simulate_stopping(
        [Boundary((12,), (12,))], PLANS["one a week"], rate=0.05, n_trials=1_000, seed=1
    )
    assert found.probability_to_stop.value == 0
    # Agresti and Coull: 2 of 1004.
    assert found.probability_to_stop.std_error == pytest.approx(math.sqrt(2 / 1004 * 1002 / 1004 / 1004))


@pytest.mark.parametrize(("n_stops", "seed"), [(1, 4), (2, 3)])
def test_means_of_the_stopped_need_two_of_them(n_stops, seed):
    rule = Boundary((12,), (4,))
    (found,) = simulate_stopping([rule], PLANS["one a week"], rate=0.05, n_trials=200, seed=seed)
    assert found.probability_to_stop.value == n_stops / 200
    assert [getattr(found, name) is None for name in IF_STOPPED] == [n_stops == 1] * 4


def test_what_made_the_numbers_is_recorded():
    rules = [RULES["pocock"], person_time_boundary(20, window=35, **REFERENCE, alpha=0.1)]
    plan = MonitoringPlan(even_entries(20, per_unit=1), 35, LATE)
    by_count, by_time = simulate_stopping(rules, plan, rate=0.1, n_trials=200, seed=9)
    assert by_count.conventions == rules[0].conventions | {
        "counted": "event, or window complete",
        "n_trials": 200,
        "seed": 9,
    }
    assert by_time.conventions["counted"] == "person-time"
    exact = stopping_at_complete_windows(rules[0], plan, 0.1)
    assert exact.conventions == rules[0].conventions | {"counted": "window complete"}


# Event times and plans


def test_event_times_between_points():
    found = LATE.quantile(np.array([0, 0.25, 0.5, 0.75, 1]))
    assert found.tolist() == [3, 10.5, 18, 26.5, 35]
    assert LATE.by(found).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert LATE.by(np.array([0, 2.9, 36, np.inf])).tolist() == [0, 0, 1, 1]
    some_at_once = EventTimes((0, 10), (0.4, 1))
    assert some_at_once.quantile(np.array([0, 0.4, 0.7])).tolist() == pytest.approx([0, 0, 5])
    assert some_at_once.by(np.array([-1, 0, 5])).tolist() == pytest.approx([0, 0.4, 0.7])


@unhurried
@given(st.integers(1, 60), st.floats(0.1, 10))
def test_even_entries(n, per_unit):
    entries = even_entries(n, per_unit=per_unit)
    assert len(entries) == n
    assert entries[0] == 0
    assert np.diff(entries) == pytest.approx(np.full(n - 1, 1 / per_unit))


PLAN = PLANS["one a week"]
TEN = Boundary((10,), (5,))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: EventTimes((3, 3), (0, 1)), r"`times\[1\]` must be more than 3, not 3"),
        (lambda: EventTimes((3, 9), (0.5, 0.5)), r"`probabilities\[1\]` must be more than 0.5"),
        (lambda: EventTimes((3, 9), (0, 0.9)), "`probabilities` must end with 1, not 0.9"),
        (lambda: EventTimes((-1, 9), (0, 1)), r"`times\[0\]` must be 0 or more"),
        (lambda: EventTimes((1, math.inf), (0, 1)), r"`times\[1\]` must be 0 or more"),
        (lambda: EventTimes((1, 9), (0, 100)), r"`probabilities\[1\]` must be from 0 to 1"),
        (lambda: EventTimes((1, 9), (1,)), "`probabilities` must have 2 values, not 1"),
        (lambda: EventTimes((), ()), "`times` must hold at least one value"),
        (lambda: MonitoringPlan((0, 2, 1), 35, LATE), r"`entries\[2\]` must be 2 or more, not 1"),
        (lambda: MonitoringPlan((), 35, LATE), "`entries` must hold at least one value"),
        (lambda: MonitoringPlan((0,) * 1_001, 35, LATE), "at most 1000 patients, not 1001"),
        (lambda: MonitoringPlan((0, math.nan), 35, LATE), r"`entries\[1\]` must be a finite number"),
        (lambda: MonitoringPlan((0,), 34.9, LATE), "`window` must be at least 35, when the latest event comes"),
        (lambda: MonitoringPlan((0,), math.inf, LATE), "`window` must be a finite number"),
        (lambda: MonitoringPlan((0,), 35, LATE, start_after=-1), "`start_after` must be a finite number of 0 or"),
        (lambda: even_entries(0, per_unit=1), "`n_patients` must be a whole number of 1 or more"),
        (lambda: even_entries(5, per_unit=0), "`per_unit` must be"),
        (lambda: simulate_stopping([TEN], PLAN, rate=0, n_trials=500, seed=1), "`rate` must be between"),
        (lambda: simulate_stopping([TEN], PLAN, rate=0.1, n_trials=99, seed=1), "`n_trials` must be .* 100 or more"),
        (
            lambda: simulate_stopping([TEN], PLAN, rate=0.1, n_trials=100, seed=1, batch_size=0),
            "`batch_size` must be a whole number of 1 or more",
        ),
        (
            lambda: simulate_stopping([Boundary((13,), (5,))], PLAN, rate=0.1, n_trials=500, seed=1),
            "no more than the 12 patients of the plan, not 13",
        ),
        (
            lambda: simulate_stopping(
                [person_time_boundary(12, window=30, reference_rate=0.1, alpha=0.1)],
                PLAN, rate=0.1, n_trials=500, seed=1,
            ),
            "`window` of the boundary must be that of the plan, 35, not 30",
        ),
        (lambda: stopping_at_complete_windows(Boundary((13,), (5,)), PLAN, 0.1), "not 13"),
        (lambda: stopping_at_complete_windows(TEN, PLAN, 1), "`rate` must be between"),
        (
            lambda: pocock_boundary_for_late_events(
                13, PLAN, reference_rate=0.1, alpha=0.1, n_trials=500, seed=1
            ),
            "no more than the 12 patients",
        ),
        (
            lambda: pocock_boundary_for_late_events(
                12, PLAN, reference_rate=0.1, alpha=1, n_trials=500, seed=1
            ),
            "`alpha` must be between",
        ),
    ],
)  # fmt: skip
def test_arguments_out_of_range(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_results_cannot_be_changed():
    stopping = stopping_at_complete_windows(TEN, PLAN, 0.1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        stopping.rate = 0.2
