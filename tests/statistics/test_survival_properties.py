"""Laws of survival statistics that hold for any data."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from trialwright.statistics.survival import (
    NotEstimable,
    estimate_survival,
    fit_cox,
    logrank_test,
    restricted_mean_difference,
)

unhurried = settings(deadline=None)  # the machine may be busy
Columns = dict[str, np.ndarray]


@st.composite
def subjects(draw, *, n_covariates=1, largest_time=20, largest_n=25, distinct_times=False) -> Columns:
    """Columns of a small trial: whole times with many ties, events, two groups, strata, covariates."""
    n = draw(st.integers(2, largest_n))
    times = st.integers(0, 10 * n if distinct_times else largest_time)
    row = st.tuples(
        times, st.booleans(), st.sampled_from("ab"), st.integers(0, 2), *[st.integers(-3, 3)] * n_covariates
    )
    rows = draw(
        st.lists(row, min_size=n, max_size=n, unique_by=(lambda row: row[0]) if distinct_times else None)
    )
    time, event, group, stratum, *covariates = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "time": time.astype(float),
        "event": event,
        "group": group,
        "strata": stratum,
        "covariates": np.column_stack(covariates).astype(float),
    }


def _or_reason(function, *arguments, **options) -> Any:
    """What the function gives, or why it cannot."""
    try:
        return function(*arguments, **options)
    except NotEstimable as error:
        return error.reason


def _same_curve(first, second, *, rtol=1e-12):
    for column in (
        "time",
        "n_at_risk",
        "n_events",
        "n_censored",
        "survival",
        "std_error",
        "conf_low",
        "conf_high",
    ):
        assert_allclose(
            getattr(first, column), getattr(second, column), rtol=rtol, atol=1e-14, err_msg=column
        )


# Curves


@unhurried
@given(subjects(), st.sampled_from(["log-log", "log", "plain"]))
def test_curve_never_rises_and_lies_within_its_limits(data, conf_type):
    curve = estimate_survival(data["time"], data["event"], conf_type=conf_type)
    assert np.all(np.diff(np.concatenate([[1], curve.survival])) <= 0)
    assert curve.survival[-1] >= 0
    known = curve.survival > 0
    assert np.all(curve.conf_low[known] <= curve.survival[known] + 1e-12)
    assert np.all(curve.survival[known] <= curve.conf_high[known] + 1e-12)
    assert np.all((curve.conf_low[known] >= 0) & (curve.conf_high[known] <= 1))
    assert_array_equal(np.isnan(curve.conf_low), ~known)


@unhurried
@given(subjects())
def test_curve_and_reverse_curve_share_out_those_still_followed(data):
    # With events first at ties, survival times follow-up is the share of subjects followed beyond each time.
    curve, reverse = (
        estimate_survival(data["time"], data["event"], reverse=reverse) for reverse in (False, True)
    )
    beyond = [np.mean(data["time"] > time) for time in curve.time]
    assert_allclose(curve.survival * reverse.survival, beyond, atol=1e-12)


@unhurried
@given(subjects(distinct_times=True), st.sampled_from(["greenwood", "robust"]))
def test_reverse_curve_without_ties_is_the_curve_of_the_flipped_event(data, variance):
    options = {"weights": data["strata"] + 0.5, "variance": variance}
    reverse = estimate_survival(data["time"], data["event"], reverse=True, **options)
    flipped = estimate_survival(data["time"], ~data["event"], **options)
    for column in ("survival", "std_error", "conf_low", "conf_high"):
        assert_allclose(getattr(reverse, column), getattr(flipped, column), rtol=1e-9, atol=1e-12)


@unhurried
@given(subjects())
def test_curve_without_censoring_is_the_share_without_event(data):
    curve = estimate_survival(data["time"], np.ones(len(data["time"])))
    assert_allclose(curve.survival, [np.mean(data["time"] > time) for time in curve.time], atol=1e-12)


@unhurried
@given(subjects(), st.randoms(use_true_random=False))
def test_order_of_subjects_never_matters(data, random):
    order = list(range(len(data["time"])))
    random.shuffle(order)
    shuffled = {name: column[order] for name, column in data.items()}
    first, second = (estimate_survival(columns["time"], columns["event"]) for columns in (data, shuffled))
    _same_curve(first, second)
    tests = [
        _or_reason(logrank_test, d["time"], d["event"], d["group"], strata=d["strata"])
        for d in (data, shuffled)
    ]
    fits = [
        _or_reason(fit_cox, d["time"], d["event"], d["covariates"], names=["x"], strata=d["strata"])
        for d in (data, shuffled)
    ]
    if isinstance(tests[0], str):
        assert tests[0] == tests[1]
    else:
        assert tests[0].chi_squared == pytest.approx(tests[1].chi_squared, rel=1e-9, abs=1e-12)
    if isinstance(fits[0], str):
        assert fits[0] == fits[1]
    else:
        assert fits[0].coefficients[0].coef == pytest.approx(fits[1].coefficients[0].coef, rel=1e-9, abs=1e-9)


@unhurried
@given(subjects(), st.lists(st.floats(0, 25), min_size=1, max_size=8))
def test_counts_under_the_figure_add_up_and_are_counts(data, ticks):
    time, event = data["time"], data["event"]
    counts = estimate_survival(time, event).counts_at(ticks)
    assert np.all(counts.n_at_risk + counts.n_events + counts.n_censored == len(time))
    for tick, n_at_risk, n_events in zip(ticks, counts.n_at_risk, counts.n_events, strict=True):
        if np.min(np.abs(time - tick)) > 1e-6 or tick in time:
            assert n_at_risk == np.sum(time >= tick)
            assert n_events == np.sum(event & (time < tick))


@unhurried
@given(subjects(), st.sampled_from([2.0, 30.4375, 1 / 12]), st.floats(0.5, 20))
def test_unit_of_time_scales_quantiles_and_restricted_mean_and_nothing_else(data, factor, horizon):
    curve = estimate_survival(data["time"], data["event"])
    scaled = estimate_survival(data["time"] * factor, data["event"])
    assert_allclose(scaled.survival, curve.survival, rtol=1e-12)
    for p in (0.25, 0.5, 0.75):
        first, second = curve.quantile(p), scaled.quantile(p)
        assert_allclose(
            [second.estimate, second.conf_low, second.conf_high],
            np.array([first.estimate, first.conf_low, first.conf_high]) * factor,
            rtol=1e-12,
        )
    mean = _or_reason(curve.restricted_mean, horizon)
    scaled_mean = _or_reason(scaled.restricted_mean, horizon * factor)
    if isinstance(mean, str):
        assert isinstance(scaled_mean, str)
    else:
        assert_allclose(
            [scaled_mean.estimate, scaled_mean.std_error],
            np.array([mean.estimate, mean.std_error]) * factor,
            rtol=1e-9,
        )


@unhurried
@given(subjects(largest_time=12), st.floats(0.1, 15))
def test_restricted_mean_is_the_area_under_the_curve(data, horizon):
    time, event = data["time"] + 1, data["event"]
    entry = np.where(data["group"] == "a", time / 2, 0)
    curve = estimate_survival(time, event, entry=entry)
    assume(horizon <= curve.time[-1])
    edges = np.array([0, *[t for t in curve.time if t < horizon], horizon])
    area = np.sum(np.diff(edges) * curve.at(edges[:-1]).survival)
    assert curve.restricted_mean(horizon).estimate == pytest.approx(area, rel=1e-9)


@unhurried
@given(subjects(), subjects(), st.floats(0.5, 20))
def test_restricted_mean_difference_changes_sign_with_the_groups(first, second, horizon):
    curves = [estimate_survival(data["time"], data["event"]) for data in (first, second)]
    forth = _or_reason(restricted_mean_difference, *curves, horizon)
    back = _or_reason(restricted_mean_difference, *curves[::-1], horizon)
    assume(not isinstance(forth, str))
    assert (forth.estimate, forth.conf_low, forth.p_value) == (-back.estimate, -back.conf_high, back.p_value)


@unhurried
@given(subjects())
def test_weights_as_counts_equal_repeated_rows(data):
    weights = data["strata"] + 1
    repeated = {name: np.repeat(column, weights, axis=0) for name, column in data.items()}
    _same_curve(
        estimate_survival(data["time"], data["event"], weights=weights, variance="greenwood"),
        estimate_survival(repeated["time"], repeated["event"]),
        rtol=1e-9,
    )
    options = {"names": ["x"], "ties": "breslow"}
    weighted = _or_reason(
        fit_cox, data["time"], data["event"], data["covariates"], weights=weights, variance="model", **options
    )
    unweighted = _or_reason(fit_cox, repeated["time"], repeated["event"], repeated["covariates"], **options)
    if isinstance(weighted, str):
        assert weighted == unweighted
    else:
        assert weighted.coefficients[0].coef == pytest.approx(
            unweighted.coefficients[0].coef, rel=1e-7, abs=1e-9
        )
        assert weighted.coefficients[0].std_error == pytest.approx(
            unweighted.coefficients[0].std_error, rel=1e-7
        )


@unhurried
@given(subjects(), st.lists(st.floats(0.05, 20), min_size=25, max_size=25))
def test_weighted_curve_ends_at_exactly_0_when_all_had_the_event(data, weights):
    time = data["time"]
    curve = estimate_survival(time, np.ones(len(time)), weights=weights[: len(time)])
    assert curve.survival[-1] == 0


@unhurried
@given(subjects(largest_time=9))
def test_times_that_differ_by_rounding_are_one_time(data):
    # The same tenths, computed in two ways: 3 * 0.1 is 0.30000000000000004.
    whole = data["time"]
    tenths = np.where(data["group"] == "a", whole * 0.1, whole / 10)
    exact = estimate_survival(whole, data["event"])
    rounded = estimate_survival(tenths, data["event"])
    assert_allclose(rounded.survival, exact.survival, rtol=1e-12)
    assert_array_equal(rounded.n_at_risk, exact.n_at_risk)
    assert_array_equal(
        rounded.counts_at(np.arange(10) / 10).n_at_risk, exact.counts_at(np.arange(10)).n_at_risk
    )
    tests = [_or_reason(logrank_test, time, data["event"], data["group"]) for time in (whole, tenths)]
    assert isinstance(tests[0], str) or tests[0].chi_squared == pytest.approx(tests[1].chi_squared, abs=1e-9)
    fits = [
        _or_reason(fit_cox, time, data["event"], data["covariates"], names=["x"], ties="efron")
        for time in (whole, tenths)
    ]
    if isinstance(fits[0], str):
        assert fits[0] == fits[1]
    else:
        assert fits[0].coefficients[0].coef == pytest.approx(fits[1].coefficients[0].coef, rel=1e-9, abs=1e-9)
        assert fits[0].concordance == pytest.approx(fits[1].concordance, nan_ok=True)


# Tests and models


@unhurried
@given(subjects())
def test_swapping_groups_inverts_the_hazard_ratio_and_leaves_the_logrank(data):
    is_a = (data["group"] == "a").astype(float)[:, None]
    fits = [_or_reason(fit_cox, data["time"], data["event"], x, names=["x"]) for x in (is_a, 1 - is_a)]
    swapped = np.where(data["group"] == "a", "b", "a")
    tests = [
        _or_reason(logrank_test, data["time"], data["event"], group) for group in (data["group"], swapped)
    ]
    if isinstance(fits[0], str):
        assert isinstance(fits[1], str)
    else:
        first, second = fits[0].coefficients[0], fits[1].coefficients[0]
        assert first.hazard_ratio == pytest.approx(1 / second.hazard_ratio, rel=1e-8)
        assert first.conf_low == pytest.approx(1 / second.conf_high, rel=1e-8)
        assert first.p_value == pytest.approx(second.p_value, rel=1e-7)
    if isinstance(tests[0], str):
        assert isinstance(tests[1], str)
    else:
        assert tests[0].chi_squared == pytest.approx(tests[1].chi_squared, rel=1e-9, abs=1e-12)
        assert [group.observed for group in tests[0].groups] == [
            group.observed for group in tests[1].groups[::-1]
        ]


@unhurried
@given(subjects(distinct_times=True))
def test_logrank_is_the_score_test_of_the_cox_model_without_ties(data):
    is_a = (data["group"] == "a")[:, None]
    fit = _or_reason(fit_cox, data["time"], data["event"], is_a, names=["a"], strata=data["strata"])
    assume(not isinstance(fit, str))
    test = logrank_test(data["time"], data["event"], data["group"], strata=data["strata"])
    assert test.chi_squared == pytest.approx(fit.score_test.chi_squared, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("n_events", [2, 4])
def test_groups_that_are_never_at_risk_together_are_not_compared_for_a_rounding_error(n_events):
    event = [True] * n_events + [False] * (6 - n_events) + [True]
    with pytest.raises(NotEstimable, match="do not tell all the groups apart"):
        logrank_test([0.0] * 7, event, [*"bbbbbba"], strata=[1] * 6 + [0])


@unhurried
@given(subjects())
def test_logrank_is_observed_minus_expected_of_each_table(data):
    observed, expected, variance = 0.0, 0.0, 0.0
    is_a = data["group"] == "a"
    for stratum in set(data["strata"]):
        here = data["strata"] == stratum
        for time in set(data["time"][here & data["event"]]):
            at_risk = here & (data["time"] >= time)
            died = at_risk & data["event"] & (data["time"] == time)
            n, d, n_a = at_risk.sum(), died.sum(), (at_risk & is_a).sum()
            observed += (died & is_a).sum()
            expected += d * n_a / n
            variance += 0 if n == 1 else d * (n_a / n) * (1 - n_a / n) * (n - d) / (n - 1)
    result = _or_reason(logrank_test, data["time"], data["event"], data["group"], strata=data["strata"])
    assert isinstance(result, str) == (variance == 0)
    if variance:
        assert result.chi_squared == pytest.approx((observed - expected) ** 2 / variance, rel=1e-9, abs=1e-12)
        assert result.groups[0].expected == pytest.approx(expected)


def _is_bounded(data: Columns) -> bool:
    """Tell whether the partial likelihood of one or two covariates has its maximum at finite coefficients.

    It has not if in some direction no one at risk ever lies beyond the subject with the event. In the plane it is
    enough to try the directions at right angles to the differences.
    """
    differences = set()
    for i in np.flatnonzero(data["event"]):
        at_risk = (data["strata"] == data["strata"][i]) & (data["time"] >= data["time"][i])
        differences |= {tuple(row) for row in data["covariates"][at_risk] - data["covariates"][i] if any(row)}
    if data["covariates"].shape[1] == 1:
        return any(x > 0 for (x,) in differences) and any(x < 0 for (x,) in differences)
    directions = [direction for x, y in differences for direction in ((-y, x), (y, -x))]
    return bool(differences) and not any(
        all(u * x + v * y <= 0 for x, y in differences) for u, v in directions
    )


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 2).flatmap(lambda p: subjects(n_covariates=p, largest_n=10)),
    st.sampled_from(["efron", "breslow"]),
)
def test_cox_answers_exactly_when_there_is_a_finite_answer(data, ties):
    names = ["x", "y"][: data["covariates"].shape[1]]
    result = _or_reason(
        fit_cox,
        data["time"],
        data["event"],
        data["covariates"],
        names=names,
        strata=data["strata"],
        ties=ties,
    )
    assert isinstance(result, str) != _is_bounded(data)
    if not isinstance(result, str):
        assert all(math.isfinite(coefficient.conf_high) for coefficient in result.coefficients)
