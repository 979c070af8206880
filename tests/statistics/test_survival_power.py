import dataclasses
import doctest
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.statistics.survival_designs import DELAYED, STEPPED, make

from trialwright.statistics import survival_power
from trialwright.statistics.hazards import NO_HAZARD, Accrual, Hazards
from trialwright.statistics.sample_size import schoenfeld_power
from trialwright.statistics.survival_design import expected_events, last_informative_time, time_of_events
from trialwright.statistics.survival_power import (
    FlemingHarrington,
    detectable_ratio,
    logrank_power,
    power_over_time,
    subjects_needed,
    time_of_power,
)

ORACLE = Path(__file__).parents[1] / "oracle"
TWO_SIDED = {"alpha": 0.05, "sides": 2}
WEIGHTS = [
    "log-rank", "gehan", "tarone-ware", FlemingHarrington(0, 1), FlemingHarrington(1, 0), FlemingHarrington(0.5, 0.5)
]  # fmt: skip


LATE = make(hazard_ratio=((0, 1.0), (6, 0.5)))


def test_examples_in_docstrings():
    results = doctest.testmod(survival_power)
    assert results.attempted > 8
    assert results.failed == 0


# Printed elsewhere


@pytest.mark.parametrize(("at", "z"), [(22, -1.031244), (40, -2.789870)])
def test_expected_z_of_a_delayed_effect_as_printed(at, z):
    # K. Lu, R package lrstat 0.3.3, reference page of lrstat(): 468 subjects, accrual that speeds up, drop-out.
    assert logrank_power(DELAYED, 468, **TWO_SIDED, at=at).expected_z == pytest.approx(z, rel=1e-6)


@pytest.mark.parametrize(
    ("at", "gamma", "z"),
    [
        (5.363, 0, -0.900461), (50.324, 0, -2.234470),
        (5.363, 1, -1.283966), (50.324, 1, -2.662341),
        (5.363, 0.5, -1.160391), (50.324, 0.5, -2.599393),
    ],
)  # fmt: skip
def test_expected_z_under_weights_as_printed(at, gamma, z):
    # K. Lu, R package lrstat 0.3.3, vignette "Power Calculation for Max-Combo Tests": 100 subjects in 4 years.
    design = make(
        control=Hazards.constant(0.25), hazard_ratio=((0, 1), (1.5, 0.5)), accrual=Accrual.uniform(4), end=60
    )
    weights = FlemingHarrington(0, gamma)
    found = logrank_power(design, 100, **TWO_SIDED, weights=weights, at=at)
    assert found.expected_z == pytest.approx(z, rel=2e-6)


def test_power_as_printed():
    # lrstat 0.3.3, vignette "Comparing Direct Approximation and Schoenfeld Methods"; simulated there 0.7224.
    design = make(
        control=Hazards.from_risk(0.4, 12),
        hazard_ratio=math.log(0.8) / math.log(0.6),
        accrual=Accrual.uniform(12),
        end=13.63,
    )
    found = logrank_power(design, 200, alpha=0.025, sides=1)
    assert round(found.power, 4) == 0.7138
    assert round(found.n_events) == 40


def test_subjects_with_a_fixed_follow_up_as_printed():
    # lrstat 0.3.3, vignette "Sample Size Calculation With Fixed Follow-up": three treated for a control, 26 weeks each; 26 events of
    # 127 subjects, and by Schoenfeld 39 events, which take 191 when they are rounded up first.
    design = make(
        control=Hazards.constant(0.95 / 12), hazard_ratio=0.3, accrual=Accrual.uniform(25.4), follow_up=26 / 4, end=None,
        share_treated=3 / 4, dropout=Hazards.from_risk(0.1, 24),
    )  # fmt: skip
    lakatos = subjects_needed(design, **TWO_SIDED, power=0.9)
    assert lakatos.subjects.n_subjects == 127
    assert math.ceil(lakatos.events_exact) == 26
    schoenfeld = subjects_needed(design, **TWO_SIDED, power=0.9, formula="schoenfeld")
    assert math.ceil(schoenfeld.events_exact) == 39
    assert math.ceil(39 * schoenfeld.subjects.exact / schoenfeld.events_exact) == 191


def test_subjects_who_change_treatment_by_a_chain_of_states():
    # The example of Lakatos, Biometrics 1988;44:229-241: two years, yearly hazards 1 and 0.5, and per year 3 % lost, 4 % leaving the
    # treatment for the hazard of controls, 5 % of controls taking it up; power 90 %, two-sided 5 %. The number is of a chain of states
    # in R. Here the hazard of a group is the mean over those still at risk: of controls exp(-1.05 t) as they were assigned, and
    # 0.05 (exp(-0.5 t) - exp(-1.05 t)) / 0.55 who changed.
    by_chain = json.loads((ORACLE / "survival_design" / "changing.json").read_text(encoding="utf-8"))["limit"]
    cuts = np.linspace(0, 2, 401)
    middle = (cuts[1:] + cuts[:-1]) / 2

    def mean_hazard(own, other, leave):
        stayed = np.exp(-(own + leave) * middle)
        changed = leave * (np.exp(-other * middle) - stayed) / (own + leave - other)
        return (own * stayed + other * changed) / (stayed + changed)

    control, treated = mean_hazard(1, 0.5, 0.05), mean_hazard(0.5, 1, 0.04)
    design = make(
        control=Hazards(tuple(cuts[1:-1]), tuple(control)),
        hazard_ratio=tuple(zip(cuts[:-1], treated / control, strict=True)),
        accrual=Accrual.uniform(0),
        end=2,
        dropout=Hazards.constant(0.03),
    )
    assert subjects_needed(design, **TWO_SIDED, power=0.9).subjects.exact == pytest.approx(by_chain, rel=1e-6)


# A second way: Lakatos' chain


def z_by_markov_chain(design, weights, a_month):
    """Expected z of one subject and standard deviation, from Lakatos' table of those at risk at the start of many short intervals."""
    end = design.last_time
    treated, control = design.share_treated, 1 - design.share_treated
    dropout, dropout_treated = design.dropout, design.dropout_treated or design.dropout
    length = 1 / a_month
    survival, mean, variance, of_events = 1.0, 0.0, 0.0, 0.0
    for i in range(round(min(end, design.follow_up or end) * a_month)):
        t = (i + 0.5) * length
        entered = float(design.accrual.share_entered(end - t))
        hazard_treated, hazard_control = float(design.treated.rate(t)), float(design.control.rate(t))
        phi, theta = treated / control, hazard_treated / hazard_control
        deaths = entered * (treated * hazard_treated + control * hazard_control) * length
        weight = {
            "log-rank": 1,
            "gehan": entered * (treated + control),
            "tarone-ware": math.sqrt(entered * (treated + control)),
        }.get(weights) or survival**weights.rho * (1 - survival) ** weights.gamma
        mean += weight * deaths * (phi * theta / (1 + phi * theta) - phi / (1 + phi))
        variance += weight**2 * deaths * phi / (1 + phi) ** 2
        of_events += weight**2 * deaths * phi * theta / (1 + phi * theta) ** 2
        survival *= 1 - length * (treated * hazard_treated + control * hazard_control) / (treated + control)
        treated *= 1 - (hazard_treated + float(dropout_treated.rate(t))) * length
        control *= 1 - (hazard_control + float(dropout.rate(t))) * length
    return mean / math.sqrt(variance), math.sqrt(of_events / variance)


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
@pytest.mark.parametrize(
    "design",
    [
        pytest.param(STEPPED, id="everything changes"),
        pytest.param(dataclasses.replace(STEPPED, follow_up=14), id="fixed follow-up"),
    ],
)
def test_z_by_short_markov_intervals(design, weights):
    # The error of the chain goes with the length of its intervals: twice the finer less the coarser is nearly free of it.
    coarse, fine = (z_by_markov_chain(design, weights, a_month) for a_month in (20, 40))
    found = logrank_power(design, 1, **TWO_SIDED, weights=weights)
    for ours, far, near in zip((found.expected_z, found.std_dev_z), coarse, fine, strict=True):
        assert ours == pytest.approx(2 * near - far, rel=2e-4)


# How z varies after a given number of events


@pytest.mark.parametrize(
    ("share_treated", "hazard_ratio", "variance"),
    [
        # Of the first events a share e = q HR / (q HR + 1 - q) is of the treated: e (1 - e) / (q (1 - q)).
        pytest.param(0.2, 0.5, (8 / 81) / 0.16, id="few get a treatment that works"),
        pytest.param(0.8, 0.5, (2 / 9) / 0.16, id="many get it"),
        pytest.param(0.5, 0.6, (15 / 64) / 0.25, id="even groups"),
        pytest.param(0.2, 1, 1, id="no difference"),
    ],
)
def test_variance_of_z_after_the_first_events(share_treated, hazard_ratio, variance):
    found = logrank_power(
        make(share_treated=share_treated, hazard_ratio=hazard_ratio), 100, **TWO_SIDED, at=1e-6
    )
    assert found.std_dev_z**2 == pytest.approx(variance, rel=1e-6)


def test_without_events_z_is_told_as_under_no_difference():
    assert logrank_power(make(), 100, **TWO_SIDED, at=0).std_dev_z == 1


def drawn_z(rng, design, n_subjects, n_events):
    """z of one trial of constant hazards, nobody lost, on the day of its last event; people one after the other."""
    treated = np.arange(n_subjects) < round(n_subjects * design.share_treated)
    entry = rng.uniform(0, design.accrual.duration, n_subjects)
    hazard = np.where(treated, design.treated.rate(0.0), design.control.rate(0.0))
    until = rng.exponential(1 / hazard)
    end = np.sort(entry + until)[n_events - 1]
    followed = np.minimum(until, end - entry)
    order = np.argsort(followed)[np.sum(followed <= 0) :]
    share = np.cumsum(treated[order][::-1])[::-1] / np.arange(len(order), 0, -1)
    is_event = (entry + until <= end)[order]
    share, is_treated = share[is_event], treated[order][is_event]
    return np.sum(is_treated - share) / math.sqrt(np.sum(share * (1 - share)))


@pytest.mark.parametrize("share_treated", [0.2, 0.8])
def test_mean_and_standard_deviation_of_z_in_uneven_groups_by_drawing(share_treated):
    # 100 events of 400: first-order theory is a little off, by less than half a tenth of the way from 1.
    trials, rng = 3000, np.random.default_rng(1)
    design = make(share_treated=share_treated)
    z = np.array([drawn_z(rng, design, 400, 100) for _ in range(trials)])
    found = logrank_power(design, 400, **TWO_SIDED, at=time_of_events(design, 400, 100))
    assert z.mean() == pytest.approx(found.expected_z, abs=4 / math.sqrt(trials) + 0.05)
    assert z.std() == pytest.approx(found.std_dev_z, abs=4 / math.sqrt(2 * trials) + 0.03)


# Laws

designs = st.builds(
    make,
    control=st.lists(st.floats(0.005, 0.1), min_size=1, max_size=3).map(
        lambda rates: Hazards(tuple(range(5, 5 * len(rates), 5)), tuple(rates))
    ),
    hazard_ratio=st.floats(0.2, 0.95),
    share_treated=st.floats(0.1, 0.9),
    dropout=st.floats(0, 0.05).map(Hazards.constant),
    follow_up=st.none() | st.floats(6, 36),
)
any_weights = st.sampled_from(WEIGHTS)


@settings(deadline=None, max_examples=30)
@given(design=designs, weights=any_weights, power=st.floats(0.3, 0.99), sides=st.sampled_from([1, 2]))
def test_power_of_the_subjects_needed_is_the_power_asked_for(design, weights, power, sides):
    needed = subjects_needed(design, alpha=0.05, sides=sides, power=power, weights=weights)
    reached = logrank_power(design, needed.subjects.exact, alpha=0.05, sides=sides, weights=weights)
    assert reached.power == pytest.approx(power, rel=1e-9)
    assert reached.expected_z < 0
    assert reached.n_events == pytest.approx(needed.events_exact, rel=1e-9)
    assert needed.n_events == pytest.approx(expected_events(design, needed.subjects.n_subjects), rel=1e-12)
    assert needed.reached.power >= power * (1 - 1e-9)


@settings(deadline=None, max_examples=20)
@given(design=designs, weights=any_weights)
def test_exchanging_the_groups_turns_the_sign(design, weights):
    other = dataclasses.replace(
        design,
        control=design.treated,
        hazard_ratio=1 / design.hazard_ratio,
        share_treated=1 - design.share_treated,
    )
    one = logrank_power(design, 100, **TWO_SIDED, weights=weights)
    two = logrank_power(other, 100, **TWO_SIDED, weights=weights)
    assert one.expected_z == pytest.approx(-two.expected_z, rel=1e-8)
    assert one.power == pytest.approx(two.power, rel=1e-7)
    assert one.std_dev_z == pytest.approx(two.std_dev_z, rel=1e-8)


@settings(deadline=None, max_examples=20)
@given(design=designs)
def test_near_the_null_hypothesis_it_is_the_formula_of_schoenfeld(design):
    near = dataclasses.replace(design, hazard_ratio=0.999)
    found = logrank_power(near, 1e6, **TWO_SIDED)
    # Schoenfeld's share is that at entry; drop-out is the same in both groups, and events hardly differ.
    by_events = schoenfeld_power(found.n_events, 0.999, **TWO_SIDED, share_treated=near.share_treated)
    assert found.power == pytest.approx(by_events, rel=1e-3)


@settings(deadline=None, max_examples=20)
@given(design=designs, n=st.floats(20, 500))
def test_without_powers_fleming_and_harrington_is_the_log_rank_test(design, n):
    plain = logrank_power(design, n, **TWO_SIDED)
    weighted = logrank_power(design, n, **TWO_SIDED, weights=FlemingHarrington(0, 0))
    assert weighted.power == pytest.approx(plain.power, rel=1e-12)


def test_weights_find_what_they_look_for():
    def power(design, weights):
        return logrank_power(design, 300, **TWO_SIDED, weights=weights).power

    early, late = FlemingHarrington(1, 0), FlemingHarrington(0, 1)
    assert power(LATE, late) > power(LATE, "log-rank") > power(LATE, early)
    fades = make(hazard_ratio=((0, 0.5), (6, 1.0)))
    assert power(fades, early) > power(fades, "log-rank") > power(fades, late)
    assert power(fades, "gehan") > power(fades, "tarone-ware") > power(fades, "log-rank")


def test_power_over_time_is_that_of_each_time():
    times = (0, 6, 24, 36, 60)
    found = power_over_time(LATE, 300, times, **TWO_SIDED)
    assert [p.at for p in found] == list(times)
    for one, at in zip(found[1:], times[1:], strict=True):
        assert one == logrank_power(dataclasses.replace(LATE, end=max(at, 24)), 300, **TWO_SIDED, at=at)
    assert [p.power for p in found] == sorted(p.power for p in found)


def test_before_the_first_event_there_is_no_power():
    start = logrank_power(LATE, 300, **TWO_SIDED, at=0)
    assert (start.n_events, start.expected_z, start.power) == (0, 0, 0)


@pytest.mark.parametrize(("sides", "error"), [(1, 0.05), (2, 0.025)])
def test_power_of_no_difference_is_the_error_of_one_side(sides, error):
    found = logrank_power(make(hazard_ratio=1), 300, alpha=0.05, sides=sides)
    assert found.expected_z == 0
    assert found.power == pytest.approx(error, rel=1e-12)


# Solved for the time and for the effect


@settings(deadline=None, max_examples=15)
@given(
    design=designs, weights=st.sampled_from(["log-rank", FlemingHarrington(0, 1)]), power=st.floats(0.2, 0.9)
)
def test_the_power_is_reached_at_its_time(design, weights, power):
    n = subjects_needed(design, **TWO_SIDED, power=power, weights=weights).subjects.exact
    time = time_of_power(design, n * 1.01, **TWO_SIDED, power=power, weights=weights)
    assert time < design.last_time
    assert logrank_power(design, n * 1.01, **TWO_SIDED, weights=weights, at=time).power == pytest.approx(
        power, rel=1e-9
    )


def test_the_size_of_a_trial_that_turns_out_badly_says_so():
    worse_later = make(hazard_ratio=((0, 0.8), (6, 2.0)))
    assert subjects_needed(worse_later, **TWO_SIDED, power=0.8).reached.expected_z > 0


def test_power_that_rises_and_falls_is_reached_on_the_way_up():
    # The effect turns round after a year: by the end of long follow-up it is gone.
    turns = make(hazard_ratio=((0, 0.5), (12, 2.0)), accrual=Accrual.uniform(0))
    time = time_of_power(turns, 400, **TWO_SIDED, power=0.8)
    assert 0 < time < 12
    assert (
        logrank_power(turns, 400, **TWO_SIDED, at=12).power
        > 0.8
        > logrank_power(turns, 400, **TWO_SIDED, at=24).power
    )


@settings(deadline=None, max_examples=15)
@given(design=designs, power=st.floats(0.2, 0.95))
def test_the_ratio_of_a_design_is_what_its_subjects_detect(design, power):
    n = subjects_needed(design, **TWO_SIDED, power=power).subjects.exact
    assert detectable_ratio(design, n, **TWO_SIDED, power=power) == pytest.approx(
        design.hazard_ratio, rel=1e-6
    )


def test_the_late_ratio_is_what_subjects_detect_where_the_early_one_is_1():
    n = subjects_needed(LATE, **TWO_SIDED, power=0.8).subjects.exact
    assert detectable_ratio(LATE, n, **TWO_SIDED, power=0.8) == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize("ratio", [1, ((0, 1.0), (6, 1.0)), 0.8])
def test_what_is_detected_does_not_hang_on_the_one_ratio_assumed(ratio):
    n = subjects_needed(make(hazard_ratio=0.6), **TWO_SIDED, power=0.8).subjects.exact
    assert detectable_ratio(make(hazard_ratio=ratio), n, **TWO_SIDED, power=0.8) == pytest.approx(
        0.6, rel=1e-6
    )


# What cannot be reached


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        pytest.param({"hazard_ratio": 1}, {}, "`hazard_ratio` must differ from 1", id="no difference"),
        pytest.param({"hazard_ratio": ((0, 1), (6, 1.0))}, {}, "`hazard_ratio` must differ from 1: no", id="none in pieces"),
        pytest.param(
            {"hazard_ratio": ((0, 1), (36, 0.5))}, {}, "at most 36: it is 1 up to 36; follow for longer than 36", id="too late"
        ),
        pytest.param(
            {"hazard_ratio": ((0, 1), (13, 0.5)), "follow_up": 12}, {}, "at most 12: it is 1 up to 13", id="too late for anyone"
        ),
        pytest.param({"control": NO_HAZARD}, {}, "`control` must have events by the end of the study, 36", id="no events"),
        pytest.param(
            {"hazard_ratio": ((0, 1.2), (6, 0.5))}, {"formula": "schoenfeld"},
            "`hazard_ratio` must be one number for the formula 'schoenfeld': use 'lakatos'", id="ratio changes",
        ),
        pytest.param(
            {}, {"formula": "freedman", "weights": "gehan"}, "`weights` must be 'log-rank' for the formula 'freedman'", id="weights"
        ),
        pytest.param({}, {"formula": "cox"}, "`formula` must be one of lakatos, schoenfeld, freedman, not 'cox'", id="formula"),
        pytest.param({}, {"weights": "peto"}, "`weights` must be one of log-rank, gehan, tarone-ware, not 'peto'", id="weight"),
        pytest.param({}, {"power": 1}, "`power` must lie between 0 and 1, not 1", id="power 1"),
        pytest.param({}, {"power": 0.025}, "`power` must exceed the type I error of one side, 0.025", id="power is alpha"),
        pytest.param({}, {"alpha": 0}, "`alpha` must lie between 0 and 1, not 0", id="alpha 0"),
        pytest.param({}, {"sides": 3}, "`sides` must be 1 or 2, not 3", id="three sides"),
    ],
)  # fmt: skip
def test_no_number_of_subjects(changes, options, message):
    with pytest.raises(ValueError, match=message):
        subjects_needed(make(**changes), **{**TWO_SIDED, "power": 0.8, **options})


@pytest.mark.parametrize("formula", ["lakatos", "schoenfeld"])
def test_no_difference_is_told_what_a_small_one_takes(formula):
    small = subjects_needed(make(hazard_ratio=0.9), **TWO_SIDED, power=0.8, formula=formula)
    with pytest.raises(ValueError, match=f"and one of 0.9 takes {small.subjects.n_subjects}$"):
        subjects_needed(make(hazard_ratio=1), **TWO_SIDED, power=0.8, formula=formula)


@pytest.mark.parametrize("start", [pytest.param(35.9, id="just in time"), pytest.param(1e-3, id="at once")])
def test_an_effect_in_time_has_a_number_of_subjects(start):
    size = subjects_needed(make(hazard_ratio=((0, 1), (start, 0.5))), **TWO_SIDED, power=0.8)
    assert size.subjects.n_subjects > 0


def test_hazards_that_cross_to_nothing():
    # Found by bisection: the later ratio at which harm in the first half and benefit in the second cancel.
    def crossing(later):
        return make(hazard_ratio=((0, 1.5), (10, later)), accrual=Accrual.uniform(0), end=20)

    low, high = 0.1, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        z = logrank_power(crossing(middle), 1, **TWO_SIDED).expected_z
        low, high = (middle, high) if z < 0 else (low, middle)
    with pytest.raises(ValueError, match="early and late differences cancel"):
        subjects_needed(crossing(low), **TWO_SIDED, power=0.8)
    assert (
        subjects_needed(
            crossing(low), **TWO_SIDED, power=0.8, weights=FlemingHarrington(0, 1)
        ).subjects.n_subjects
        > 0
    )


@pytest.mark.parametrize("follow_up", [None, 12])
def test_too_few_subjects_for_any_follow_up(follow_up):
    design = make(follow_up=follow_up, end=None if follow_up else 36)
    with pytest.raises(
        ValueError, match="`n_subjects` must be more than 60: at the end of all follow-up"
    ) as refused:
        time_of_power(design, 60, **TWO_SIDED, power=0.8)
    enough = int(str(refused.value).split("; ")[1].split()[0])
    last = last_informative_time(design)
    assert logrank_power(design, enough, **TWO_SIDED, at=last).power >= 0.8
    assert logrank_power(design, enough - 2, **TWO_SIDED, at=last).power < 0.8
    assert time_of_power(design, enough, **TWO_SIDED, power=0.8) <= last


def test_no_follow_up_reaches_what_no_number_of_subjects_does():
    with pytest.raises(ValueError, match="must differ from 1: no number of subjects"):
        time_of_power(make(hazard_ratio=1), 60, **TWO_SIDED, power=0.8)


def test_no_ratio_is_enough():
    with pytest.raises(ValueError, match="`n_subjects` must be more than 10: even a hazard ratio near 0"):
        detectable_ratio(make(), 10, **TWO_SIDED, power=0.8)
    assert detectable_ratio(make(), 40, **TWO_SIDED, power=0.8) < 0.3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: logrank_power(LATE, 0, **TWO_SIDED), "`n_subjects` must be finite and above 0, not 0"),
        (lambda: logrank_power(LATE, 10, alpha=1, sides=2), "`alpha` must lie between 0 and 1, not 1"),
        (
            lambda: logrank_power(LATE, 10, **TWO_SIDED, at=-1),
            "`at` must be a finite time of at least 0, not -1",
        ),
        (lambda: time_of_power(LATE, 10, **TWO_SIDED, power=0), "`power` must lie between 0 and 1, not 0"),
        (lambda: detectable_ratio(LATE, 10, **TWO_SIDED, power=1), "`power` must lie between 0 and 1, not 1"),
        (lambda: FlemingHarrington(-0.1, 1), "`rho` must be finite and at least 0, not -0.1"),
        (lambda: FlemingHarrington(0, math.inf), "`gamma` must be finite and at least 0, not inf"),
    ],
)
def test_arguments_out_of_range(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Simulated trials


def simulate(design, n_subjects, rng, n_trials):
    """Times, events and groups of whole trials, one row each, under hazards that are constant between cuts."""

    def times(hazard, shape):
        wanted, starts = rng.exponential(size=shape), np.array((0.0, *hazard.cuts))
        at_start = hazard.cumulative(starts)
        piece = np.searchsorted(at_start, wanted, side="right") - 1
        return starts[piece] + (wanted - at_start[piece]) / np.array(hazard.rates)[piece]

    n_treated = round(n_subjects * design.share_treated)
    rows = [
        (times(hazard, (n_trials, n)), times(design.dropout, (n_trials, n)))
        for hazard, n in ((design.treated, n_treated), (design.control, n_subjects - n_treated))
    ]
    event, lost = (np.concatenate(parts, axis=1) for parts in zip(*rows, strict=True))
    entry = rng.uniform(0, design.accrual.duration, event.shape)
    stop = np.minimum(lost, design.last_time - entry)
    is_treated = np.broadcast_to(np.arange(n_subjects) < n_treated, event.shape)
    return np.minimum(event, stop), event <= stop, is_treated


def logrank_z(time, event, is_treated, gamma):
    """Fleming and Harrington's statistic with rho 0, without ties, of each row."""
    order = np.argsort(time, axis=1)
    event, is_treated = (np.take_along_axis(a, order, axis=1) for a in (event, is_treated))
    n = time.shape[1] - np.arange(time.shape[1])
    share = np.cumsum(is_treated[:, ::-1], axis=1)[:, ::-1] / n
    kept = np.cumprod(1 - event / n, axis=1)
    weight = (1 - np.concatenate([np.ones((len(time), 1)), kept[:, :-1]], axis=1)) ** gamma
    score = np.sum(weight * event * (is_treated - share), axis=1)
    return score / np.sqrt(np.sum(weight**2 * event * share * (1 - share), axis=1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("design", "n_subjects"),
    [
        pytest.param(make(hazard_ratio=0.7, dropout=Hazards.constant(0.005)), 400, id="proportional"),
        pytest.param(dataclasses.replace(LATE, dropout=Hazards.constant(0.005)), 400, id="late effect"),
        pytest.param(make(hazard_ratio=1.0, dropout=Hazards.constant(0.005)), 400, id="no effect"),
    ],
)
@pytest.mark.parametrize("gamma", [0, 1])
def test_simulated_trials_agree(design, n_subjects, gamma):
    rng = np.random.default_rng(20261121)
    n_trials, z, n_events = 20_000, [], []
    for _ in range(20):
        time, event, is_treated = simulate(design, n_subjects, rng, n_trials // 20)
        z.append(logrank_z(time, event, is_treated, gamma))
        n_events.append(event.sum(axis=1))
    z, n_events = np.concatenate(z), np.concatenate(n_events)
    found = logrank_power(design, n_subjects, **TWO_SIDED, weights=FlemingHarrington(0, gamma))
    # Events are exact in theory; the power is that of large samples.
    assert abs(n_events.mean() - found.n_events) < 4 * n_events.std() / math.sqrt(n_trials)
    share = np.mean(z < -1.959964)
    assert abs(share - found.power) < 4 * math.sqrt(found.power * (1 - found.power) / n_trials)
