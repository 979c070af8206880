"""Laws of competing risks that hold for any data."""

import math
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from trialwright.statistics.competing_risks import estimate_incidence, fit_fine_gray, gray_test
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.risk_contrasts import (
    incidence_difference,
    incidence_ratio,
    risk_difference,
    risk_ratio,
)
from trialwright.statistics.survival import estimate_survival, fit_cox, logrank_test

unhurried = settings(deadline=None)  # the machine may be busy
Columns = dict[str, np.ndarray]
PARTS = ("estimate", "std_error", "conf_low", "conf_high")


@st.composite
def subjects(draw, *, statuses=(0, 1, 2), largest_time=15, largest_n=30) -> Columns:
    """Columns of a small trial: whole times with many ties."""
    n = draw(st.integers(1, largest_n))
    row = st.tuples(
        st.integers(0, largest_time),
        st.sampled_from(statuses),
        st.sampled_from("abc"),
        st.integers(0, 1),
        st.integers(-3, 3),
        st.integers(1, 3),
    )
    rows = draw(st.lists(row, min_size=n, max_size=n))
    time, status, group, stratum, covariate, weight = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "time": time.astype(float),
        "status": status,
        "group": group,
        "strata": stratum,
        "covariate": covariate[:, None].astype(float),
        "weights": weight,
    }


def _or_reason(function, *arguments, **options) -> Any:
    """What the function gives, or why it cannot."""
    try:
        return function(*arguments, **options)
    except NotEstimable as error:
        return error.reason


def _swapped(status):
    return np.where(status == 0, 0, 3 - status)


def _numbers(result) -> Any:
    """The test or the coefficient of a result as numbers, or its reason."""
    if isinstance(result, str):
        return result
    if hasattr(result, "coefficients"):
        return [result.coefficients[0].coef, result.coefficients[0].std_error]
    return [result.chi_squared, result.df, result.p_value]


def _same(first, second, rtol=1e-8):
    first, second = _numbers(first), _numbers(second)
    if isinstance(first, str) or isinstance(second, str):
        assert first == second
    else:
        assert_allclose(first, second, rtol=rtol, atol=1e-9)


def _same_state(first, second):
    for part in PARTS:
        assert_allclose(getattr(first, part), getattr(second, part), rtol=1e-9, atol=1e-12, err_msg=part)


# Cumulative incidence


@unhurried
@given(subjects(), st.booleans())
def test_the_three_probabilities_add_up_to_1(data, weighted):
    curve = estimate_incidence(
        data["time"], data["status"], weights=data["weights"] * 0.37 if weighted else None
    )
    total = curve.event.estimate + curve.competing.estimate + curve.event_free.estimate
    assert_allclose(total, 1, rtol=1e-12)
    read = curve.at(np.arange(0, 17, 0.5))
    known = np.array([reason is None for reason in read.reasons])
    total = read.event.estimate + read.competing.estimate + read.event_free.estimate
    assert_allclose(total[known], 1, rtol=1e-12)
    assert np.isnan(total[~known]).all()


@unhurried
@given(subjects())
def test_incidences_never_fall_and_stay_below_the_net_risk(data):
    curve = estimate_incidence(data["time"], data["status"])
    for cause, state in ((1, curve.event), (2, curve.competing)):
        assert np.all(np.diff(state.estimate, prepend=0) >= -1e-12)
        net = 1 - estimate_survival(data["time"], data["status"] == cause).survival
        assert np.all(state.estimate <= net + 1e-12)


@unhurried
@given(subjects(), st.sampled_from(["log-log", "log", "plain"]))
def test_limits_hold_the_estimate_and_are_missing_only_at_0_and_1(data, conf_type):
    curve = estimate_incidence(data["time"], data["status"], conf_type=conf_type)
    for state in (curve.event, curve.competing, curve.event_free):
        between = (state.estimate > 0) & (state.estimate < 1)
        for column in (state.std_error, state.conf_low, state.conf_high):
            assert_array_equal(np.isnan(column), ~between)
        assert np.all(state.std_error[between] > 0)
        assert np.all(state.conf_low[between] <= state.estimate[between] + 1e-12)
        assert np.all(state.estimate[between] <= state.conf_high[between] + 1e-12)
        assert np.all((state.conf_low[between] >= 0) & (state.conf_high[between] <= 1))


@unhurried
@given(subjects(statuses=(0, 1)))
def test_without_competing_events_it_is_1_minus_kaplan_meier(data):
    curve, kaplan_meier = (
        function(data["time"], data["status"], conf_type="plain")
        for function in (estimate_incidence, estimate_survival)
    )
    assert_allclose(curve.event.estimate, 1 - kaplan_meier.survival, atol=1e-12)
    between = (curve.event.estimate > 0) & (curve.event.estimate < 1)
    assert_allclose(curve.event.std_error[between], kaplan_meier.std_error[between], rtol=1e-9)
    assert_allclose(curve.event.conf_low[between], 1 - kaplan_meier.conf_high[between], atol=1e-12)
    assert np.all(curve.competing.estimate == 0)


@unhurried
@given(subjects())
def test_event_free_is_kaplan_meier_of_either_event_with_greenwoods_error(data):
    curve = estimate_incidence(data["time"], data["status"]).event_free
    either = estimate_survival(data["time"], data["status"] > 0)
    between = (curve.estimate > 0) & (curve.estimate < 1)
    assert_allclose(curve.estimate, either.survival, atol=1e-12)
    for part in PARTS[1:]:
        assert_allclose(getattr(curve, part)[between], getattr(either, part)[between], rtol=1e-9, atol=1e-12)


@unhurried
@given(subjects(statuses=(1, 2)))
def test_without_censoring_it_is_the_share_and_its_binomial_error(data):
    curve = estimate_incidence(data["time"], data["status"])
    share = [np.mean((data["time"] <= time) & (data["status"] == 1)) for time in curve.time]
    assert_allclose(curve.event.estimate, share, atol=1e-12)
    between = ~np.isnan(curve.event.std_error)
    p = curve.event.estimate[between]
    assert_allclose(curve.event.std_error[between], np.sqrt(p * (1 - p) / len(data["time"])), rtol=1e-9)


@unhurried
@given(subjects(), st.sampled_from([0.1, 7.0]))
def test_weights_replicate_subjects_and_their_unit_does_not_matter(data, unit):
    weighted = estimate_incidence(data["time"], data["status"], weights=data["weights"])
    rescaled = estimate_incidence(data["time"], data["status"], weights=data["weights"] * unit)
    copies = estimate_incidence(*(np.repeat(data[name], data["weights"]) for name in ("time", "status")))
    for state in ("event", "competing", "event_free"):
        _same_state(getattr(weighted, state), getattr(rescaled, state))
        assert_allclose(getattr(weighted, state).estimate, getattr(copies, state).estimate, atol=1e-12)
    assert_allclose(weighted.n_at_risk, copies.n_at_risk)


@unhurried
@given(subjects())
def test_swapping_the_causes_swaps_the_curves(data):
    curve, swapped = (
        estimate_incidence(data["time"], status) for status in (data["status"], _swapped(data["status"]))
    )
    _same_state(curve.event, swapped.competing)
    _same_state(curve.event_free, swapped.event_free)


@unhurried
@given(subjects(), st.lists(st.floats(0, 20), min_size=1, max_size=5))
def test_counts_add_up_to_all_subjects(data, times):
    counts = estimate_incidence(data["time"], data["status"]).counts_at(times)
    total = counts.n_at_risk + counts.n_events + counts.n_competing + counts.n_censored
    assert total.tolist() == [len(data["time"])] * len(times)


# Order, labels, unit of time


@unhurried
@given(subjects(), st.randoms(use_true_random=False))
def test_order_of_subjects_never_matters(data, random):
    order = list(range(len(data["time"])))
    random.shuffle(order)
    other = {name: column[order] for name, column in data.items()}
    curves = [estimate_incidence(d["time"], d["status"]) for d in (data, other)]
    for state in ("event", "competing", "event_free"):
        _same_state(*(getattr(curve, state) for curve in curves))
    tests = [
        _or_reason(gray_test, d["time"], d["status"], d["group"], strata=d["strata"]) for d in (data, other)
    ]
    _same(*tests)
    fits = [
        _or_reason(fit_fine_gray, d["time"], d["status"], d["covariate"], names=["x"]) for d in (data, other)
    ]
    _same(*fits, rtol=1e-6)


def test_the_order_of_groups_does_not_decide_whether_a_tie_of_all_at_risk_is_too_many():
    # At time 3 as many have the event as would be at risk had all groups had the course of c: a factor of 0, but for rounding.
    time, groups = [0] * 6 + [1, 2, 2, 3, 3, 3], "aabbbcccccab"
    status = [0, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 1]
    orders = [dict(zip("abc", labels, strict=True)) for labels in permutations("abc")]
    told = [_or_reason(gray_test, time, status, [order[group] for group in groups]) for order in orders]
    for other in told[1:]:
        _same(told[0], other)


@unhurried
@given(subjects(), st.permutations("abc"), st.sampled_from([0.0, 1.0]), st.sampled_from([1, 2]))
def test_group_labels_never_matter(data, labels, rho, cause):
    assume(len(set(data["group"])) > 1)  # else the reason names the group
    renamed = [dict(zip("abc", labels, strict=True))[group] for group in data["group"].tolist()]
    tests = [
        _or_reason(
            gray_test, data["time"], data["status"], group, strata=data["strata"], rho=rho, cause=cause
        )
        for group in (data["group"], renamed)
    ]
    _same(*tests)


@unhurried
@given(subjects(), st.sampled_from([1, 2]))
def test_cause_2_is_cause_1_of_swapped_statuses(data, cause):
    both = [(data["status"], cause), (_swapped(data["status"]), 3 - cause)]
    tests = [_or_reason(gray_test, data["time"], status, data["group"], cause=c) for status, c in both]
    fits = [
        _or_reason(fit_fine_gray, data["time"], status, data["covariate"], names=["x"], cause=c)
        for status, c in both
    ]
    for first, second in (tests, fits):
        if isinstance(first, str) and "was observed" in first:  # the reason names the cause
            assert first.replace("competing ", "") == second.replace("competing ", "")
        else:
            _same(first, second)


@unhurried
@given(subjects(), st.sampled_from([math.sqrt, lambda t: 365.25 * t + 7]))
def test_only_the_order_of_times_matters_for_tests(data, clock):
    later = np.array([clock(time) for time in data["time"]])
    _same(
        *(_or_reason(gray_test, time, data["status"], data["group"]) for time in (data["time"], later)),
        rtol=1e-10,
    )
    fits = (
        _or_reason(fit_fine_gray, time, data["status"], data["covariate"], names=["x"])
        for time in (data["time"], later)
    )
    _same(*fits, rtol=1e-12)


# Gray's test


@unhurried
@given(subjects(statuses=(0, 1)))
def test_without_competing_events_grays_score_is_that_of_the_logrank_test(data):
    gray = _or_reason(gray_test, data["time"], data["status"], data["group"])
    logrank = _or_reason(logrank_test, data["time"], data["status"], data["group"])
    assume(not isinstance(gray, str) and not isinstance(logrank, str))
    assert_allclose(
        [group.score for group in gray.groups],
        [group.observed - group.expected for group in logrank.groups],
        atol=1e-9,
    )


@unhurried
@given(subjects(), st.sampled_from([0.0, 1.0]))
def test_scores_and_variance_add_up_to_0_and_the_test_is_a_probability(data, rho):
    test = _or_reason(gray_test, data["time"], data["status"], data["group"], strata=data["strata"], rho=rho)
    assume(not isinstance(test, str))
    assert sum(group.score for group in test.groups) == pytest.approx(0, abs=1e-9)
    assert_allclose(test.variance.sum(axis=0), 0, atol=1e-9)
    assert_allclose(test.variance, test.variance.T)
    assert test.chi_squared >= 0
    assert 0 <= test.p_value <= 1
    assert sum(group.n_subjects for group in test.groups) == len(data["time"])


@unhurried
@given(subjects())
def test_the_same_stratum_twice_adds_up(data):
    once = _or_reason(gray_test, data["time"], data["status"], data["group"])
    twice = {name: np.concatenate([column, column]) for name, column in data.items()}
    strata = np.repeat([0, 1], len(data["time"]))
    both = _or_reason(gray_test, twice["time"], twice["status"], twice["group"], strata=strata)
    if isinstance(once, str):
        assert both == once
    else:
        assert both.chi_squared == pytest.approx(2 * once.chi_squared, rel=1e-9, abs=1e-12)


# Fine and Gray


@unhurried
@given(subjects(statuses=(0, 1)))
def test_without_competing_events_fine_gray_is_cox(data):
    _same(
        _or_reason(fit_fine_gray, data["time"], data["status"], data["covariate"], names=["x"]),
        _or_reason(fit_cox, data["time"], data["status"], data["covariate"], names=["x"], variance="robust"),
    )


@unhurried
@given(subjects(statuses=(1, 2)), st.sampled_from(["efron", "breslow"]))
def test_without_censoring_fine_gray_keeps_competing_events_at_risk_for_ever(data, ties):
    for_ever = np.where(data["status"] == 2, 1000.0, data["time"])
    _same(
        _or_reason(fit_fine_gray, data["time"], data["status"], data["covariate"], names=["x"], ties=ties),
        _or_reason(
            fit_cox,
            for_ever,
            data["status"] == 1,
            data["covariate"],
            names=["x"],
            variance="robust",
            ties=ties,
        ),
    )


@unhurried
@given(subjects(), st.sampled_from([-1.0, 2.5]))
def test_the_unit_of_a_covariate_only_rescales(data, factor):
    fits = [
        _or_reason(fit_fine_gray, data["time"], data["status"], data["covariate"] * unit, names=["x"])
        for unit in (1.0, factor)
    ]
    assume(not any(isinstance(fit, str) for fit in fits))
    first, second = (fit.coefficients[0] for fit in fits)
    assert second.coef * factor == pytest.approx(first.coef, rel=1e-6, abs=1e-8)
    assert second.std_error * abs(factor) == pytest.approx(first.std_error, rel=1e-6)


# Contrasts


@unhurried
@given(subjects(), subjects(), st.integers(0, 15), st.sampled_from(["risk", 1, 2]))
def test_swapping_the_groups_turns_the_contrast_round(data_a, data_b, time, kind):
    if kind == "risk":
        a, b = (estimate_survival(d["time"], d["status"] == 1) for d in (data_a, data_b))
        difference, ratio, options = risk_difference, risk_ratio, {}
    else:
        a, b = (estimate_incidence(d["time"], d["status"]) for d in (data_a, data_b))
        difference, ratio, options = incidence_difference, incidence_ratio, {"cause": kind}
    there, back = _or_reason(difference, a, b, time, **options), _or_reason(difference, b, a, time, **options)
    assume(not isinstance(there, str))
    assert_allclose(
        [there.estimate, there.std_error, there.conf_low, there.conf_high, there.p_value],
        [-back.estimate, back.std_error, -back.conf_high, -back.conf_low, back.p_value],
    )
    there, back = ratio(a, b, time, **options), ratio(b, a, time, **options)
    assert_allclose(
        [there.estimate, there.std_error, there.conf_low, there.conf_high, there.p_value],
        [1 / back.estimate, back.std_error, 1 / back.conf_high, 1 / back.conf_low, back.p_value],
    )
    assert (there.risk_a, there.risk_b) == (back.risk_b, back.risk_a)
