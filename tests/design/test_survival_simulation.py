"""Simulated survival trials: each number of a trial equals what the statistics package gives, and many give the theory."""

import doctest
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from polars.testing import assert_frame_equal

from trialwright.design.blocks import Span
from trialwright.design.survival_simulation import looks as looks_module
from trialwright.design.survival_simulation import simulation
from trialwright.design.survival_simulation.characteristics import Estimated, operating_characteristics
from trialwright.design.survival_simulation.comparisons import hazard_ratios, logrank_tests
from trialwright.design.survival_simulation.looks import Look, days_of_looks, final_look
from trialwright.design.survival_simulation.risk_sets import count_risk_sets
from trialwright.design.survival_simulation.simulation import (
    SimulatedDesign,
    simulate_design,
    simulate_designs,
    simulate_trials,
)
from trialwright.design.survival_simulation.subjects import (
    NEVER,
    Death,
    SubjectDraws,
    Subjects,
    Visits,
    _found,
)
from trialwright.statistics.distributions import binomial_cdf
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.hazards import Accrual, Hazards
from trialwright.statistics.sample_size import schoenfeld_power
from trialwright.statistics.survival import fit_cox, logrank_test
from trialwright.statistics.survival_design import SurvivalDesign, event_probability

# Worked by hand: log-rank of two groups of six, months.
BY_HAND = [6, 7, 10, 15, 19, 25, 2, 3, 9, 11, 12, 20]
BY_HAND_EVENT = [1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0, 1]

DESIGN = SurvivalDesign(
    control=Hazards.from_risk(0.45, 1096),
    hazard_ratio=0.6,
    accrual=Accrual.uniform(730),
    follow_up=1096,
    dropout=Hazards.from_risk(0.1, 1096),
)
BOTH_SIDES = final_look(alpha=0.05, sides=2)
MANY = 4.0  # Monte-Carlo standard errors


def draw_data(rng):
    """A data set as trials give them: few or many subjects, days and events; most with ties, some with a group empty-handed."""
    n_control, n_treated = rng.integers(1, 40, 2)
    n = n_control + n_treated
    days = rng.integers(0, rng.choice([2, 5, 30, 1000]) + 1, n)
    events = rng.random(n) < rng.choice([0.05, 0.4, 0.9, 1.0])
    return days.astype(np.int32), events, int(n_control)


def risk_sets_of(days, events, n_control):
    return count_risk_sets(np.atleast_2d(days).astype(np.int32), np.atleast_2d(events), n_control=n_control)


def groups_of(days, n_control):
    return (np.arange(len(days)) >= n_control).astype(int)


def assert_logrank_is_the_packages(seed):
    days, events, n_control = draw_data(np.random.default_rng(seed))
    sets = risk_sets_of(days, events, n_control)
    for rho in (0.0, 1.0):
        ours = logrank_tests(sets, rho=rho)
        try:
            theirs = logrank_test(days, events, groups_of(days, n_control), rho=rho)
        except NotEstimable:
            assert np.isnan(ours.z[0])
            continue
        assert_allclose(ours.observed[0], theirs.groups[1].observed, rtol=1e-10, atol=1e-12)
        assert_allclose(ours.expected[0], theirs.groups[1].expected, rtol=1e-10, atol=1e-12)
        assert_allclose(ours.variance[0], theirs.variance[1, 1], rtol=1e-10)
        assert_allclose(ours.z[0] ** 2, theirs.chi_squared, rtol=1e-9, atol=1e-12)


def assert_hazard_ratio_is_the_packages(seed):
    days, events, n_control = draw_data(np.random.default_rng(seed))
    ours = hazard_ratios(risk_sets_of(days, events, n_control))
    try:
        theirs = fit_cox(
            days, events, groups_of(days, n_control)[:, None], names=["treated"], conf_level=0.5
        ).coefficients[0]
    except NotEstimable:
        assert np.isnan(ours.log_hazard_ratio[0])
        return
    assert_allclose(ours.log_hazard_ratio[0], theirs.coef, rtol=1e-8, atol=1e-8)
    assert_allclose(ours.std_error[0], theirs.std_error, rtol=1e-7)


# Comparisons


def test_examples_in_docstrings():
    results = doctest.testmod(looks_module)
    assert results.attempted
    assert not results.failed


def test_examples_of_the_page():
    page = Path(__file__).parents[2] / "docs" / "design-simulation.md"
    results = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert results.attempted > 5
    assert not results.failed


def test_logrank_worked_by_hand():
    tests = logrank_tests(risk_sets_of(BY_HAND, np.array(BY_HAND_EVENT) == 1, 6))
    assert_allclose(tests.z**2, 0.5825, atol=5e-5)
    assert tests.observed.tolist() == [5.0]
    assert tests.z[0] < 0  # more events among the second six than expected


def test_logrank_is_the_packages_on_500_data_sets():
    for seed in range(500):
        assert_logrank_is_the_packages(seed)


@pytest.mark.slow
def test_logrank_is_the_packages_on_10_000_data_sets():
    for seed in range(10_000):
        assert_logrank_is_the_packages(seed)


def test_hazard_ratio_is_the_packages_on_300_data_sets():
    for seed in range(300):
        assert_hazard_ratio_is_the_packages(seed)


@pytest.mark.slow
def test_hazard_ratio_is_the_packages_on_10_000_data_sets():
    for seed in range(10_000):
        assert_hazard_ratio_is_the_packages(seed)


def weighted_by_definition(days, events, n_control, rho, gamma):
    """Sums over the days with events as the textbook writes them, one day after another."""
    treated = groups_of(days, n_control)
    observed = expected = variance = 0.0
    survival = 1.0
    for day in sorted(set(days[events].tolist())):
        at_risk = days >= day
        n, n1 = at_risk.sum(), (at_risk & (treated == 1)).sum()
        here = events & (days == day)
        d, d1 = here.sum(), (here & (treated == 1)).sum()
        weight = survival**rho * (1 - survival) ** gamma
        observed += weight * d1
        expected += weight * d * n1 / n
        if n > 1:
            variance += weight**2 * d * (n1 / n) * (1 - n1 / n) * (n - d) / (n - 1)
        survival *= 1 - d / n
    return observed, expected, variance


@pytest.mark.parametrize(("rho", "gamma"), [(0, 1), (1, 1), (0.5, 0), (0, 0.5), (2, 3)])
def test_weighted_tests_follow_their_definition(rho, gamma):
    for seed in range(60):
        days, events, n_control = draw_data(np.random.default_rng(seed))
        ours = logrank_tests(risk_sets_of(days, events, n_control), rho=rho, gamma=gamma)
        found = [ours.observed[0], ours.expected[0], ours.variance[0]]
        assert_allclose(found, weighted_by_definition(days, events, n_control, rho, gamma), atol=1e-12)


seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds)
@settings(deadline=None, max_examples=60)
def test_laws_of_two_groups(seed):
    rng = np.random.default_rng(seed)
    days, events, n_control = draw_data(rng)
    sets = risk_sets_of(days, events, n_control)
    here, ratio = logrank_tests(sets), hazard_ratios(sets)
    swapped = np.roll(np.arange(len(days)), -n_control)
    sets = risk_sets_of(days[swapped], events[swapped], len(days) - n_control)
    assert_allclose(logrank_tests(sets).z, -here.z, atol=1e-9)
    assert_allclose(hazard_ratios(sets).log_hazard_ratio, -ratio.log_hazard_ratio, atol=1e-7)
    order = np.concatenate((rng.permutation(n_control), n_control + rng.permutation(len(days) - n_control)))
    stretched = 3 * days[order] + 7
    assert_array_equal(logrank_tests(risk_sets_of(stretched, events[order], n_control)).z, here.z)


@given(seed=seeds, n_trials=st.integers(1, 9))
@settings(deadline=None, max_examples=40)
def test_a_trial_does_not_depend_on_its_neighbours_in_the_last_bit(seed, n_trials):
    rng = np.random.default_rng(seed)
    days = rng.integers(0, rng.choice([3, 50]), (n_trials, 12)).astype(np.int32)
    events = rng.random((n_trials, 12)) < rng.random((n_trials, 1))
    together = count_risk_sets(days, events, n_control=5)
    for i in range(n_trials):
        alone = risk_sets_of(days[i], events[i], 5)
        for rho, gamma in ((0, 0), (1, 0), (0, 1)):
            tests = logrank_tests(together, rho=rho, gamma=gamma)
            assert_array_equal(tests.z[i], logrank_tests(alone, rho=rho, gamma=gamma).z[0])
        assert_array_equal(
            hazard_ratios(together).log_hazard_ratio[i], hazard_ratios(alone).log_hazard_ratio[0]
        )
        assert_array_equal(hazard_ratios(together).std_error[i], hazard_ratios(alone).std_error[0])


@pytest.mark.parametrize(
    ("days", "events", "z_known", "ratio_known"),
    [
        pytest.param([1, 2, 3, 4], [0, 0, 0, 0], False, False, id="no event"),
        pytest.param([1, 2, 3, 4], [1, 1, 0, 0], True, False, id="no event among the treated"),
        pytest.param([1, 1, 1, 1], [1, 1, 1, 1], False, True, id="all on one day"),
        pytest.param([1, 1, 2, 3], [0, 0, 1, 1], False, False, id="controls gone before the first event"),
        pytest.param([1, 3, 2, 4], [1, 1, 1, 1], True, True, id="in turn"),
    ],
)
def test_what_cannot_be_told_is_not_a_number(days, events, z_known, ratio_known):
    sets = risk_sets_of(np.array(days), np.array(events) == 1, 2)
    assert np.isfinite(logrank_tests(sets).z[0]) == z_known
    ratio = hazard_ratios(sets)
    assert np.isfinite(ratio.log_hazard_ratio[0]) == np.isfinite(ratio.std_error[0]) == ratio_known


def test_an_event_and_a_censoring_of_one_day_the_event_comes_first():
    sets = risk_sets_of([5, 5, 5, 9], np.array([False, True, False, True]), 2)
    assert sets.n_at_risk.tolist() == [4, 1]
    assert sets.n_treated_at_risk.tolist() == [2, 1]
    assert sets.n_events.tolist() == [1, 1]
    assert sets.n_treated_events.tolist() == [0, 1]


# Subjects


def drawn(design, n_trials=400, n_control=100, n_treated=100, *, visits=None, death=None, seed=1):
    span = Span(seed, 0, 0, n_trials)
    return SubjectDraws(design, n_control, n_treated, visits=visits, death=death, span=span).draw(n_trials)


def assert_share(found, expected):
    """Of independent draws, within four standard errors."""
    found = np.asarray(found)
    assert abs(found.mean() - expected) < MANY * math.sqrt(expected * (1 - expected) / found.size)


@pytest.mark.parametrize("day", [30, 90, 200, 1096])
def test_events_and_dropouts_come_as_the_hazards_say(day):
    design = replace(
        DESIGN,
        control=Hazards((60.0, 365.0), (0.002, 0.0005, 0.001)),
        hazard_ratio=((0.0, 1.0), (90.0, 0.5)),
        dropout=Hazards((100.0,), (0.0, 0.001)),
        dropout_treated=Hazards.constant(0.0004),
        follow_up=2000,
    )
    subjects = drawn(design)
    for columns, hazards, dropout in (
        (slice(None, 100), design.control, design.dropout),
        (slice(100, None), design.treated, design.dropout_treated),
    ):
        assert_share(subjects.event[:, columns] <= day, 1 - hazards.survival(day))
        survival = dropout.survival(day)
        if survival < 1:
            assert_share(subjects.leaving[:, columns] <= day, 1 - survival)
        else:
            assert not (subjects.leaving[:, columns] <= day).any()


def test_nobody_leaves_or_has_the_event_without_a_hazard():
    design = replace(
        DESIGN, control=Hazards((5.0,), (1.0, 0.0)), dropout=Hazards.constant(0), follow_up=None, end=5000
    )
    subjects = drawn(design)
    assert_share(subjects.event[:, :100] <= 5, 1 - math.exp(-5))
    assert not ((subjects.event > 5) & (subjects.event < NEVER)).any()
    assert (subjects.leaving == NEVER).all()


def test_follow_up_ends_on_its_day():
    leaving = drawn(DESIGN).leaving
    assert leaving.max() == 1096
    assert_share(leaving == 1096, 0.9)


@pytest.mark.parametrize(
    "accrual",
    [Accrual.uniform(730), Accrual((100.0, 300.0, 400.0), (1.0, 0.0, 3.0)), Accrual.uniform(10)],
)
def test_entries_are_whole_days_at_the_pace_of_accrual(accrual):
    entry = drawn(replace(DESIGN, accrual=accrual)).entry
    assert_array_equal(entry, np.floor(entry))
    assert entry.min() == 0
    assert entry.max() == accrual.duration - 1
    for day in np.array([1, 5, 9]) / 10 * accrual.duration:
        expected = float(accrual.share_entered(day))
        assert_share(entry < day, expected)


def test_all_enter_at_once():
    assert not drawn(replace(DESIGN, accrual=Accrual.uniform(0))).entry.any()


@pytest.mark.parametrize(
    ("every", "event", "found"),
    [
        (84, 0.3, 84),
        (84, 83.2, 84),
        (84, 84.0, 84),
        (84, 84.1, 168),
        (1, 7.2, 8),
        (28, 1096.0, 1120),
    ],
)
def test_the_event_is_found_at_the_next_visit(every, event, found):
    design = replace(DESIGN, control=Hazards.constant(0.01), follow_up=None, end=5000)
    latent, seen = drawn(design).event, drawn(design, visits=Visits(every)).event
    assert_array_equal(seen, np.maximum(1, np.ceil(latent / every)) * every)
    assert math.ceil(event / every) * every == found


@pytest.mark.parametrize(
    ("event", "visit", "days_of_29"),
    [
        pytest.param(10.0, 1, 29, id="always at the first visit"),
        pytest.param(70.0, 1, 29, id="on the earliest day of the visit"),
        pytest.param(70.5, 1, 28, id="within the day after"),
        pytest.param(84.0, 1, 15, id="on the planned day"),
        pytest.param(98.0, 1, 1, id="on its latest day"),
        pytest.param(98.5, 2, 29, id="too late for it"),
        pytest.param(84.0 * 13 + 5, 13, 10, id="five days after the plan of the thirteenth"),
    ],
)
def test_with_jitter_the_event_is_found_at_the_visit_held_in_time(event, visit, days_of_29):
    seen = _found(np.full((200, 200), event), Visits(84, 14), np.random.default_rng(1))
    off = seen - 84 * visit
    in_time = off <= 14
    assert set(off[in_time]) == set(range(15 - days_of_29, 15))
    if days_of_29 == 29:
        assert in_time.all()
        return
    assert_share(in_time, days_of_29 / 29)
    # Whoever is missed is seen at the next visit, whose days do not depend on those of the one before.
    later = off[~in_time] - 84
    assert set(later) == set(range(-14, 15))
    assert_share(later > 0, 14 / 29)


@pytest.mark.parametrize("counts_as", ["censored", "event"])
def test_deaths_compete(counts_as):
    hazard, dying, follow_up = 0.001, 0.0005, 1000
    design = replace(
        DESIGN, control=Hazards.constant(hazard), dropout=Hazards.constant(0), follow_up=follow_up
    )
    death = Death(Hazards.constant(dying), counts_as=counts_as)
    subjects = drawn(design, death=death)
    both = hazard + dying
    # The cumulative incidence with constant hazards.
    share = (hazard if counts_as == "censored" else both) / both * (1 - math.exp(-both * follow_up))
    assert_share((subjects.event <= subjects.leaving)[:, :100], share)


def test_a_death_before_the_visit_leaves_the_event_unfound():
    design = replace(DESIGN, control=Hazards.constant(0.1), dropout=Hazards.constant(0), follow_up=300)
    death = Hazards.constant(0.05)
    censored = drawn(design, visits=Visits(84), death=Death(death))
    assert_share((censored.event <= censored.leaving)[:, :100] & (censored.event == 84)[:, :100],
                 (1 - math.exp(-8.4)) * math.exp(-4.2))  # fmt: skip
    counted = drawn(design, visits=Visits(84), death=Death(death, counts_as="event"))
    assert_share((counted.event < 84)[:, :100], 1 - math.exp(-4.2))


# Looks


def plain_look(subjects, trial, look, last):
    """The day of a look at one trial, and the subjects known then: written for being read."""
    entry, event, leaving = (a[trial] for a in (subjects.entry, subjects.event, subjects.leaving))
    found = sorted(s + math.ceil(t) for s, t, end in zip(entry, event, leaving, strict=True) if t <= end)
    day = last
    if look.day is not None:
        day = min(look.day, last)
    if look.events is not None and len(found) >= look.events:
        day = min(found[look.events - 1], last)
    rows = [
        (math.ceil(min(t, end, day - s)), t <= min(end, day - s), i)
        for i, (s, t, end) in enumerate(zip(entry, event, leaving, strict=True))
        if s < day
    ]
    return day, rows


LOOKS = (Look(day=400), Look(events=40), Look(day=900), Look(events=60), Look())


def test_looks_are_at_what_is_known_on_their_day():
    design = replace(DESIGN, end=1500)
    simulated = SimulatedDesign(
        design=design, n_subjects=120, looks=LOOKS, visits=Visits(84, 7), estimates_hazard_ratio=True
    )
    trials = simulate_trials(simulated, trials=20, seed=4)
    subjects = drawn(design, 20, 60, 60, visits=Visits(84, 7), seed=4)
    before = dict.fromkeys(range(20), 0)
    for row in trials.iter_rows(named=True):
        look = LOOKS[row["look"] - 1]
        day, rows = plain_look(subjects, row["trial"], look, 1500)
        if day < before[row["trial"]]:  # a look that comes due after a later one is held with it
            day, rows = plain_look(subjects, row["trial"], Look(day=int(before[row["trial"]])), 1500)
        before[row["trial"]] = day
        days, events, numbers = (np.array(column) for column in zip(*rows, strict=True))
        group = (numbers >= 60).astype(int)
        assert row["day"] == day
        assert row["n_subjects"] == len(rows)
        assert row["n_events"] == events.sum()
        assert row["n_treated_events"] == events[group == 1].sum()
        expected = logrank_test(days, events, group)
        sign = 1 if expected.groups[1].expected > expected.groups[1].observed else -1
        assert_allclose(row["z"], sign * math.sqrt(expected.chi_squared), rtol=1e-9)
        try:
            cox = fit_cox(days, events, group[:, None], names=["treated"]).coefficients[0]
        except NotEstimable:
            assert math.isnan(row["log_hazard_ratio"])
        else:
            estimates = [row["log_hazard_ratio"], row["std_error"]]
            assert_allclose(estimates, [cox.coef, cox.std_error], rtol=1e-6)


def test_a_look_that_is_never_due_is_held_when_all_is_over():
    subjects = Subjects(
        entry=np.array([[0.0, 5.0, 9.0], [0.0, 0.0, 0.0]]),
        event=np.array([[2.5, 3.0, 4.0], [1.0, 50.0, 99.0]]),
        leaving=np.array([[9.0, 9.0, 3.0], [60.0, 60.0, 60.0]]),
    )
    looks = (Look(events=1), Look(day=6), Look(events=2), Look(events=3), Look())
    days, is_reached = days_of_looks(subjects, looks, last=40.0)
    assert days.tolist() == [[3, 6, 8, 40, 40], [1, 6, 40, 40, 40]]
    assert is_reached.tolist() == [[True, True, True, False, True], [True, True, False, False, True]]


# What comes of it


def assert_type_i_error(trials, **weights):
    null = SimulatedDesign(
        design=replace(DESIGN, hazard_ratio=1.0), n_subjects=332, looks=(BOTH_SIDES,), **weights
    )
    found = simulate_design(null, trials=trials, seed=11)
    assert abs(found.rejected.value - 0.05) < MANY * math.sqrt(0.05 * 0.95 / trials)
    assert abs(found.benefit_shown.value - found.harm_shown.value) < MANY * math.sqrt(0.05 / trials)


WEIGHTS = [{}, {"gamma": 1.0}, {"rho": 1.0}]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_type_i_error_is_5_percent(weights):
    assert_type_i_error(10_000, **weights)


@pytest.mark.slow
@pytest.mark.parametrize("weights", WEIGHTS)
def test_type_i_error_is_5_percent_in_200_000_trials(weights):
    assert_type_i_error(200_000, **weights)


def test_power_of_many_events_is_schoenfelds():
    design = replace(DESIGN, hazard_ratio=0.85)
    n = 1600
    simulated = SimulatedDesign(design=design, n_subjects=n, looks=(BOTH_SIDES,), estimates_hazard_ratio=True)
    found = simulate_design(simulated, trials=3_000, seed=12)
    n_events = event_probability(design) * n
    theory = schoenfeld_power(n_events, 0.85, alpha=0.05, sides=2)
    assert abs(found.benefit_shown.value - theory) < MANY * found.benefit_shown.std_error
    assert abs(found.n_events.value - n_events) < MANY * found.n_events.std_error
    assert abs(found.hazard_ratio.value - 0.85) < MANY * found.hazard_ratio.std_error
    assert abs(found.coverage.value - 0.95) < MANY * math.sqrt(0.95 * 0.05 / 3_000)


def test_without_dropout_the_number_of_events_is_binomial():
    design = replace(DESIGN, hazard_ratio=1.0, dropout=Hazards.constant(0), accrual=Accrual.uniform(0))
    trials = simulate_trials(
        SimulatedDesign(design=design, n_subjects=50, looks=(BOTH_SIDES,)), trials=20_000, seed=13
    )
    for most in (15, 20, 22, 25, 30):
        assert_share(trials["n_events"].to_numpy() <= most, binomial_cdf(most, 50, 0.45))


def test_looks_more_than_one_spend_alpha_as_a_normal_vector_does():
    # Five looks at equal steps of information, each at 0.05, reject in 14.2 % of trials (R 4.2.2, pmvnorm of mvtnorm 1.1-3: 0.14169);
    # at z = 2.413 in 5 % (`tests/oracle/group_sequential/classical.json`).
    null = replace(DESIGN, hazard_ratio=1.0, follow_up=3000, dropout=Hazards.constant(0))
    simulated = SimulatedDesign(
        design=null,
        n_subjects=600,
        looks=tuple(Look(events=80 * i, efficacy=1.959964, harm=-1.959964) for i in range(1, 6)),
    )
    trials = simulate_trials(simulated, trials=5_000, seed=14)
    for z, rate in ((1.959964, 0.142), (2.413, 0.05)):
        looks = tuple(replace(look, efficacy=z, harm=-z) for look in simulated.looks)
        rejected = operating_characteristics(trials, looks, hazard_ratio=1.0).rejected
        assert abs(rejected.value - rate) < MANY * math.sqrt(rate * (1 - rate) / 5_000)


def test_visits_cost_little_power_and_no_type_i_error():
    with_visits = SimulatedDesign(
        design=replace(DESIGN, hazard_ratio=1.0), n_subjects=100, looks=(BOTH_SIDES,), visits=Visits(84)
    )
    found = simulate_design(with_visits, trials=10_000, seed=15)
    assert abs(found.rejected.value - 0.05) < MANY * math.sqrt(0.05 * 0.95 / 10_000)


# The same numbers however they are computed

FEATURES = SimulatedDesign(
    design=replace(DESIGN, hazard_ratio=((0.0, 1.0), (180.0, 0.5)), accrual=Accrual((100.0, 300.0), (1.0, 2.0))),
    n_subjects=30,
    looks=(Look(events=5, efficacy=3.0), BOTH_SIDES),
    visits=Visits(84, 14),
    death=Death(Hazards.constant(1e-4)),
    gamma=1.0,
    estimates_hazard_ratio=True,
)  # fmt: skip


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(simulation, "BLOCK", 100)


@pytest.mark.parametrize("together", [1, 30, 77, 10_000])
def test_how_many_trials_are_computed_together_changes_no_bit(small_blocks, monkeypatch, together):
    expected = simulate_trials(FEATURES, trials=150, seed=3)
    monkeypatch.setattr(simulation, "_TOGETHER", together)
    assert_frame_equal(simulate_trials(FEATURES, trials=150, seed=3), expected, check_exact=True)


def test_one_worker_two_workers_and_a_resumed_run_give_the_same_bits(small_blocks, tmp_path):
    expected = simulate_trials(FEATURES, trials=250, seed=3)
    resumed = []
    simulate_trials(FEATURES, trials=100, seed=3, folder=tmp_path)
    frames = [
        simulate_trials(FEATURES, trials=250, seed=3, workers=2),
        simulate_trials(FEATURES, trials=250, seed=3, folder=tmp_path, on_progress=resumed.append),
    ]
    for frame in frames:
        assert_frame_equal(frame, expected, check_exact=True)
    assert (resumed[0].done, resumed[0].total) == (100, 250)
    assert expected["trial"].to_list() == [trial for trial in range(250) for _ in range(2)]
    assert_frame_equal(simulate_trials(FEATURES, trials=100, seed=3), expected[:200], check_exact=True)


def test_several_designs_in_one_run_give_what_each_gives_alone(small_blocks):
    designs = [FEATURES, replace(FEATURES, n_subjects=40), replace(FEATURES, looks=(BOTH_SIDES,))]
    alone = tuple(simulate_design(one, trials=150, seed=3) for one in designs)
    assert len(set(map(repr, alone))) == 3
    assert simulate_designs(designs, trials=150, seed=3) == alone


def test_another_seed_gives_other_trials():
    one, other = (simulate_trials(FEATURES, trials=20, seed=seed)["z"] for seed in (1, 2))
    assert not (one == other).any()


# Characteristics


def frame_of(z, log_hazard_ratio=math.nan, std_error=math.nan):
    """Trials with given z at each look; day 100 at look 1, 200 at look 2; events 10 and 20."""
    z = np.array(z, dtype=float)
    n, k = z.shape
    numbers = np.arange(1, k + 1)
    return pl.DataFrame(
        {
            "trial": np.repeat(np.arange(n), k),
            "look": np.tile(numbers, n),
            "day": np.tile(100 * numbers, n),
            "is_reached": np.tile(numbers == 1, n),
            "n_subjects": np.tile(50 * numbers, n),
            "n_events": np.tile(10 * numbers, n),
            "n_treated_events": np.tile(4 * numbers, n),
            "z": z.ravel(),
            "log_hazard_ratio": np.broadcast_to(log_hazard_ratio, z.shape).ravel(),
            "std_error": np.broadcast_to(std_error, z.shape).ravel(),
        }
    )


TWO_LOOKS = (Look(events=10, efficacy=3.0, harm=-3.0, futility=0.0), Look(efficacy=2.0, harm=-2.0))


@pytest.mark.parametrize(
    ("z", "ends_at", "shown"),
    [
        pytest.param((3.0, -9.0), 1, "benefit_shown", id="exactly at the bound shows benefit"),
        pytest.param((2.999, 2.0), 2, "benefit_shown", id="just below goes on"),
        pytest.param((-3.0, 9.0), 1, "harm_shown", id="harm, not futility"),
        pytest.param((0.0, 9.0), 1, "stopped_for_futility", id="exactly at the bound of futility stops"),
        pytest.param((0.001, 1.999), 2, None, id="nothing shown at the end"),
        pytest.param((math.nan, -2.0), 2, "harm_shown", id="what cannot be tested goes on"),
        pytest.param((1.0, math.nan), 2, None, id="what cannot be tested at the end shows nothing"),
    ],
)
def test_what_ends_a_trial(z, ends_at, shown):
    found = operating_characteristics(frame_of([z]), TWO_LOOKS, hazard_ratio=None)
    outcomes = ("benefit_shown", "harm_shown", "stopped_for_futility")
    assert {name: getattr(found, name).value for name in outcomes} == {
        name: float(name == shown) for name in outcomes
    }
    for number, look in enumerate(found.looks, start=1):
        assert {name: getattr(look, name).value for name in outcomes} == {
            name: float(name == shown and number == ends_at) for name in outcomes
        }
    assert found.rejected.value == (shown in ("benefit_shown", "harm_shown"))
    assert found.day == Estimated(100.0 * ends_at, None, 1)
    assert found.n_events.value == 10 * ends_at


def test_bounds_of_futility_and_efficacy_may_meet():
    looks = (Look(efficacy=2.0, futility=2.0),)
    found = operating_characteristics(frame_of([[2.0], [1.999], [2.1]]), looks, hazard_ratio=None)
    assert_allclose([found.benefit_shown.value, found.stopped_for_futility.value], [2 / 3, 1 / 3])


def test_rates_means_and_their_errors_worked_by_hand():
    # Ends: benefit at 1; futility at 1; benefit at 2; nothing at 2. Means 150 and 15, standard deviation 57.7 and 5.77.
    logs = np.array([[-1.0, 0.0], [0.0, 0.0], [9.0, -0.6], [9.0, math.nan]])
    frame = frame_of([(4, 0), (-1, 0), (1, 2.5), (1, 1)], logs, 0.3)
    found = operating_characteristics(frame, TWO_LOOKS, hazard_ratio=0.6)
    assert found.benefit_shown == Estimated(0.5, 0.25, 4)
    assert found.harm_shown == Estimated(0.0, None, 4)
    assert found.stopped_for_futility.value == 0.25
    assert_allclose(found.stopped_for_futility.std_error, math.sqrt(0.25 * 0.75 / 4))
    assert found.day.value == 150
    assert_allclose(found.day.std_error, math.sqrt(10_000 / 3) / 2)
    assert found.looks[1].day == Estimated(200.0, 0.0, 4)
    assert found.looks[0].reached == Estimated(1.0, None, 4)
    assert found.looks[1].reached.value == 0
    # Logarithms -1, 0 and -0.6: mean -0.5333, variance 0.2533; log 0.6 = -0.511 lies within 1.96 x 0.3 of all three.
    assert_allclose(found.hazard_ratio.value, math.exp(-1.6 / 3))
    assert_allclose(found.hazard_ratio.std_error, math.exp(-1.6 / 3) * math.sqrt(0.76 / 3 / 3))
    assert found.hazard_ratio.n_trials == 3
    assert found.coverage == Estimated(1.0, None, 3)
    narrow = operating_characteristics(frame.with_columns(std_error=pl.lit(0.2)), TWO_LOOKS, hazard_ratio=0.6)
    assert_allclose(narrow.coverage.value, 1 / 3)


def test_without_estimates_there_is_no_hazard_ratio():
    found = operating_characteristics(frame_of([(1, 1)] * 3), TWO_LOOKS, hazard_ratio=0.6)
    assert found.hazard_ratio is None
    assert found.coverage is None


def test_the_table_has_every_number_once():
    found = operating_characteristics(frame_of([(4, 0), (1, 1)], -0.5, 0.3), TWO_LOOKS, hazard_ratio=0.6)
    table = found.table()
    assert table.columns == ["quantity", "look", "estimate", "std_error", "n_trials"]
    assert table.filter(pl.col("look").is_null())["quantity"].to_list() == [
        "benefit_shown", "harm_shown", "stopped_for_futility", "rejected", "n_subjects", "n_events", "day",
        "hazard_ratio", "coverage",
    ]  # fmt: skip
    assert table.filter(pl.col("look") == 2).height == 9
    first = table.filter((pl.col("look") == 1) & (pl.col("quantity") == "benefit_shown"))
    assert first["estimate"].to_list() == [found.looks[0].benefit_shown.value] == [0.5]


# What is refused


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: Look(events=5, day=5), "`events` or `day`, not both", id="two times"),
        pytest.param(lambda: Look(events=0), "`events` of a look must be at least 1, not 0", id="no event"),
        pytest.param(lambda: Look(day=0), "`day` of a look must be at least 1, not 0", id="day 0"),
        pytest.param(
            lambda: Look(efficacy=1.0, futility=1.1), "`futility` of a look must be at most `efficacy`, 1.0",
            id="bounds crossed",
        ),
        pytest.param(
            lambda: Look(efficacy=1.0, harm=2.0), "`harm` of a look must be at most `efficacy`", id="harm above"
        ),
        pytest.param(lambda: final_look(alpha=0.0, sides=1), "`alpha` must lie between 0 and 1", id="alpha 0"),
        pytest.param(lambda: final_look(alpha=0.05, sides=3), "`sides` must be 1 or 2, not 3", id="sides 3"),
        pytest.param(lambda: Visits(0), "`every_days` must be at least 1, not 0", id="no interval"),
        pytest.param(
            lambda: Visits(84, 42), "`jitter_days` must be 0 or more and below half of 84, not 42", id="jitter"
        ),
        pytest.param(lambda: Visits(84, -1), "`jitter_days` must be 0 or more", id="negative jitter"),
        pytest.param(
            lambda: Death(Hazards.constant(0.1), counts_as="both"),
            "`counts_as` must be censored or event, not 'both'",
            id="death as both",
        ),
        pytest.param(
            lambda: SimulatedDesign(design=DESIGN, n_subjects=1, looks=(BOTH_SIDES,)),
            "somebody in each group with 0.5 treated, not be 1",
            id="one subject",
        ),
        pytest.param(
            lambda: SimulatedDesign(design=DESIGN, n_subjects=10, looks=()), "at least one look", id="no look"
        ),
        pytest.param(
            lambda: SimulatedDesign(design=DESIGN, n_subjects=10, looks=(Look(events=11),)),
            r"`looks\[0\]` must wait for at most 10 events, one a subject, not 11",
            id="more events than subjects",
        ),
        pytest.param(
            lambda: SimulatedDesign(design=DESIGN, n_subjects=10, looks=(Look(),), rho=-1),
            "`rho` and `gamma` must be 0 or more, not -1 and 0.0",
            id="negative weight",
        ),
        pytest.param(
            lambda: SimulatedDesign(
                design=replace(DESIGN, control=Hazards.constant(1e-9), dropout=Hazards.constant(0), follow_up=1e9),
                n_subjects=10,
                looks=(Look(),),
            ),
            "`design` must end on some day",
            id="too long",
        ),
        pytest.param(
            lambda: simulate_trials(FEATURES, trials=0, seed=1), "must be at least 1, not 0", id="no trial"
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("jitter", [0, 41])
def test_the_widest_jitter_that_keeps_visits_in_order(jitter):
    assert Visits(84, jitter).jitter_days == jitter
