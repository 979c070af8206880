import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from trialwright.statistics.covariates import categorised, measured, take
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.exposure import at_landmark, ever_exposed, split_by_exposure
from trialwright.statistics.imputation import impute
from trialwright.statistics.logistic import fit_logistic
from trialwright.statistics.resampling import bootstrap, mostly_together
from trialwright.statistics.samples import product_limit
from trialwright.statistics.strategies import compare_strategies, estimate_strategies
from trialwright.statistics.survival import estimate_survival, fit_cox, logrank_test
from trialwright.statistics.weighted_survival import bootstrap_weighted_risks, compare_weighted
from trialwright.statistics.weighting import (
    balance_table,
    effective_sample_size,
    fit_propensity,
    positivity_summary,
)

nan = math.nan
unhurried = settings(deadline=None)  # the machine may be busy


def _cohort(n=200, seed=3):
    """A confounder that hastens both treatment and event; the treatment does nothing."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    treated = rng.random(n) < 1 / (1 + np.exp(-x))
    event_at = np.ceil(rng.exponential(900 * np.exp(-0.7 * x)))
    return np.minimum(event_at, 1100), event_at <= 1100, treated, [measured("x", x)]


def test_weights_remove_the_confounding():
    time, event, treated, covariates = _cohort(n=2000)
    comparison = compare_weighted(time, event, treated, covariates)
    (adjusted,) = comparison.hazard_ratio().coefficients
    (crude,) = fit_cox(time, event, treated[:, None], names=["treated"]).coefficients
    assert crude.conf_low > 1.3
    assert adjusted.conf_low < 1 < adjusted.conf_high
    difference = comparison.risk_difference(1000)
    assert abs(difference.estimate) < 3 * difference.std_error
    assert comparison.balance[0].before > 0.5
    assert comparison.balance[0].after == pytest.approx(0, abs=1e-12)


def test_a_covariate_that_tells_nothing_leaves_the_plain_curves():
    # The same covariate values in both groups: all scores are the share treated, and equal weights weigh nothing.
    time, event, treated = [3, 5, 6, 8, 10, 12, 15, 20], [1, 1, 0, 1, 1, 0, 1, 0], [1, 0] * 4
    comparison = compare_weighted(time, event, treated, [measured("x", [1, 1, 2, 2, 3, 3, 4, 4])])
    assert comparison.size.effective == pytest.approx(8)
    curve, _ = comparison.curves()
    plain = estimate_survival(time[::2], event[::2])
    assert_allclose(curve.survival, plain.survival, rtol=1e-9)


def test_bootstrap_agrees_with_the_robust_error_about_and_with_itself_exactly():
    time, event, treated, covariates = _cohort()
    comparison = compare_weighted(time, event, treated, covariates)
    robust = comparison.risk_difference(1000)
    found = comparison.bootstrap_risk_difference(1000, n_resamples=300, seed=1)
    assert found.difference.estimate == pytest.approx(robust.estimate, rel=1e-9)
    assert found.risk_a.estimate == pytest.approx(robust.risk_a.estimate, rel=1e-9)
    # The true scores are estimated, which makes the difference more precise than known weights would.
    assert 0.75 < found.difference.std_error / robust.std_error < 1.1
    assert found.difference.conf_low < found.difference.estimate < found.difference.conf_high
    assert (found.n_resamples, found.conventions["seed"]) == (300, 1)
    assert comparison.bootstrap_risk_difference(1000, n_resamples=300, seed=1) == found


def test_weights_that_cost_too_much_refuse_every_number_but_show_why():
    # One of 99 controls at x = 0 and all but one of the treated at x = 1 weigh as much as their whole group.
    treated = np.repeat([1, 0, 1, 0], [98, 2, 2, 98])
    x = np.repeat([1.0, 1.0, 0.0, 0.0], [98, 2, 2, 98])
    time = np.arange(1.0, 201)
    comparison = compare_weighted(time, np.ones(200), treated, [measured("x", x)], target="everyone")
    assert not comparison.size.is_usable
    assert len(comparison.balance) == 1
    for number in (
        comparison.curves,
        comparison.hazard_ratio,
        lambda: comparison.risk_difference(50),
        lambda: comparison.bootstrap_risk_difference(50, seed=1),
    ):
        with pytest.raises(NotEstimable, match=r"less than half$"):
            number()


def test_risk_beyond_follow_up_is_unknown():
    time, event, treated, covariates = _cohort()
    comparison = compare_weighted(time, event, treated, covariates)
    with pytest.raises(NotEstimable, match="nobody was followed beyond 1100"):
        comparison.risk_difference(1101)
    with pytest.raises(NotEstimable, match="nobody is followed up to 1101"):
        comparison.bootstrap_risk_difference(1101, seed=1)


def test_lengths_must_fit():
    with pytest.raises(ValueError, match="`treated` must have 3 values, not 2"):
        compare_weighted([1, 2, 3], [1, 1, 1], [1, 0], [measured("x", [1, 2])])


@pytest.mark.parametrize(
    "call",
    [
        lambda: compare_weighted([], [], [], [measured("x", [])]),
        lambda: fit_propensity([], [measured("x", [])]),
        lambda: fit_logistic([], np.empty((0, 1)), names=["x"]),
        lambda: balance_table([measured("x", [])], [], []),
        lambda: positivity_summary([], []),
        lambda: effective_sample_size([]),
        lambda: impute([measured("x", [])], auxiliary=[], seed=0),
        lambda: split_by_exposure([], [], []),
        lambda: ever_exposed([], [], []),
        lambda: at_landmark([], [], [], landmark=1),
        lambda: estimate_strategies([], [], [], [], grace=1),
        lambda: compare_strategies([], [], [], [], grace=1, at=2, seed=0),
    ],
)
def test_nobody(call):
    with pytest.raises(NotEstimable, match=r"^there are no subjects$"):
        call()


def test_one_person_each():
    # One treated, one control: whatever they differ in separates them.
    with pytest.raises(NotEstimable, match="`x` separates"):
        compare_weighted([1, 2], [1, 1], [1, 0], [measured("x", [1, 2])])


# Bootstrap


def test_bootstrap_of_a_mean():
    values = np.arange(1.0, 31)
    found = bootstrap(
        lambda resamples: list(values[resamples].mean(axis=1)[:, None]), 30, n_resamples=2000, seed=5
    )
    assert found.estimates.shape == (2000, 1)
    # The error of the mean with denominator n: 8.655 / sqrt(30).
    assert found.std_error[0] == pytest.approx(values.std() / math.sqrt(30), rel=0.05)
    assert found.conf_low[0] == pytest.approx(15.5 - 1.96 * 1.58, abs=0.3)


@pytest.mark.parametrize(
    ("n_failing", "is_refused"), [(0, False), (5, False), (6, True)], ids=["none", "five in a hundred", "six"]
)
def test_resamples_without_estimate(n_failing, is_refused):
    def estimate(resamples):
        reason = NotEstimable("all are in one group")
        return [reason if i < n_failing else np.array([drawn.mean()]) for i, drawn in enumerate(resamples)]

    if is_refused:
        with pytest.raises(NotEstimable, match=r"^6 of 100 .*, the first because all are in one group$"):
            bootstrap(estimate, 10, n_resamples=100, seed=1)
    else:
        assert bootstrap(estimate, 10, n_resamples=100, seed=1).n_failed == n_failing


def test_what_is_not_found_together_is_looked_at_alone():
    alone = []

    def look(drawn):
        alone.append(drawn.tolist())
        if len(alone) == 2:
            raise NotEstimable("nobody has it")
        return np.array([7.0])

    # Subject 2 twice, none of it, once: only where it is drawn once is there an answer for all together.
    resamples = np.array([[2, 2, 0], [0, 1, 1], [2, 0, 1]])
    estimate = mostly_together(lambda counts: np.where(counts[:, 2:] == 1, counts[:, :1], nan), look)
    first, second, third = estimate(resamples)
    assert (first.tolist(), second.reason, third.tolist()) == ([7.0], "nobody has it", [1.0])
    assert alone == [[2, 2, 0], [0, 1, 1]]


@st.composite
def weighted_cohort(draw):
    """A cohort with a rare level, ties, an empty tail, and times that come down to 0 in one group or none."""
    n = draw(st.integers(20, 60))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    covariates = [
        measured("age", rng.integers(40, 80, n)),
        categorised(
            "stage", ["B", "B", "A", "A", *rng.choice(["0", "A"], n - 4)], levels=["0", "A", "B", "C"]
        ),
    ]
    treated = np.r_[1, 0, 1, 0, rng.integers(0, 2, n - 4)]
    event = rng.integers(0, 2, n) if draw(st.booleans()) else np.ones(n)
    return rng.integers(1, 12, n).astype(float), event, treated, covariates


@settings(deadline=None, max_examples=20)
@given(weighted_cohort(), st.sampled_from(["overlap", "everyone"]))
def test_resamples_followed_together_have_the_risks_they_have_alone(columns, target):
    time, event, treated, covariates = columns
    times = [0, 4, 8, 11]
    try:
        comparison = compare_weighted(time, event, treated, covariates, target=target)
    except NotEstimable:
        assume(False)
    resamples = np.random.default_rng(1).integers(len(time), size=(6, len(time)))
    by_time = zip(*comparison.resampled_risks(times)(resamples), strict=True)
    for drawn, each in zip(resamples, by_time, strict=True):
        columns = (column[drawn] for column in (time, event, treated))
        everything = _risks_of_one_sample(*columns, take(covariates, drawn), target, times)
        for found, expected in zip(each, everything, strict=True):
            if isinstance(expected, str):
                assert expected in found.reason
            else:
                assert_allclose(found, expected, rtol=0, atol=1e-9)


def _risks_of_one_sample(time, event, treated, covariates, target, times):
    """Risks of treated and controls at each time, or why there are none."""
    try:
        weights = compare_weighted(time, event, treated, covariates, target=target).weights
    except NotEstimable as error:
        return [error.reason] * len(times)
    groups = [treated == 1, treated == 0]
    curves = [estimate_survival(time[rows], event[rows], weights=weights[rows]).at(times) for rows in groups]
    risks = 1 - np.transpose([curve.survival for curve in curves])
    return ["nobody is followed up to" if np.isnan(both).any() else both for both in risks]


def test_resamples_go_through_imputed_data_sets_in_turn():
    time, event, treated, (x,) = _cohort()
    a, b = (
        compare_weighted(time, event, treated, [measured("x", values)]) for values in (x.values, x.values**2)
    )
    both, of_a, of_b = (
        bootstrap_weighted_risks(comparisons, [500], n_resamples=100, seed=2)[0].estimates
        for comparisons in ([a, b], [a], [b])
    )
    assert_allclose(both[::2], of_a[::2], rtol=1e-12)
    assert_allclose(both[1::2], of_b[1::2], rtol=1e-12)
    assert not np.allclose(of_a, of_b)


def test_a_curve_comes_down_to_0_whatever_rounding_leaves():
    at_risk, events = np.array([[1.0, 0.1 + 0.2 + 0.3, 0.0]]), np.array([[0.25, 0.3 + 0.2 + 0.1, 0.0]])
    assert at_risk[0, 1] != events[0, 1]
    assert product_limit(at_risk, events).tolist() == [[0.75, 0, 0]]
    assert product_limit(at_risk[:, ::2], events[:, ::2]).tolist() == [
        [0.75, 0.75]
    ]  # nobody at risk: it stays


def test_most_resamples_are_followed_together():
    time, event, treated, covariates = _cohort()
    comparison = compare_weighted(time, event, treated, covariates)
    counts = np.array(
        [
            np.bincount(drawn, minlength=200)
            for drawn in np.random.default_rng(1).integers(200, size=(50, 200))
        ]
    )
    assert np.isfinite(comparison._risks_together(counts.astype(float), np.array([500.0, 1000.0]))).all()


# Rows of one subject


rows = st.lists(st.tuples(st.integers(2, 20), st.integers(0, 1), st.integers(1, 19)), min_size=3, max_size=20)


@unhurried
@given(rows)
def test_cutting_a_follow_up_in_two_changes_nothing(columns):
    time, event, cut = (np.array(column, dtype=float) for column in zip(*columns, strict=True))
    weights = 0.5 + np.arange(len(time)) % 3
    cut = np.minimum(cut, time - 1)
    whole = estimate_survival(time, event, weights=weights)
    parts = estimate_survival(
        np.r_[cut, time],
        np.r_[np.zeros(len(cut)), event],
        entry=np.r_[np.zeros(len(cut)), cut],
        weights=np.r_[weights, weights],
        subject=np.r_[np.arange(len(cut)), np.arange(len(cut))],
    )
    assert (parts.n_subjects, parts.n_events_total) == (whole.n_subjects, whole.n_events_total)
    read, again = whole.at(whole.time), parts.at(whole.time)
    assert_allclose(again.survival, read.survival, atol=1e-12)
    assert_allclose(again.std_error, read.std_error, atol=1e-10)
    horizon = whole.time[-1]
    mean, mean_again = whole.restricted_mean(horizon), parts.restricted_mean(horizon)
    assert (mean_again.estimate, mean_again.std_error) == pytest.approx((mean.estimate, mean.std_error))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"entry": [0, 2]}, "row 1 must not begin before the subject's earlier row ends"),
        ({"event": [1, 0]}, "row 1 must not follow the subject's event"),
        ({"variance": "greenwood"}, '`subject` must come with `variance` "robust"'),
        ({"subject": [1, None]}, r"`subject\[1\]` must be a label"),
    ],
)
def test_rows_that_cannot_belong_to_one_subject(options, message):
    arguments = {"event": [0, 1], "entry": [0, 3], "subject": [1, 1]} | options
    with pytest.raises(ValueError, match=message):
        estimate_survival([3, 5], **arguments)


def test_delayed_entry_that_empties_the_risk_set_is_told():
    # The first subject is alone at risk at 2 and has the event; the others come later, and the curve stays at 0.
    curve = estimate_survival([2, 5, 6], [1, 1, 0], entry=[0, 3, 3])
    assert curve.emptied_at == 2
    assert estimate_survival([2, 5, 6], [1, 1, 0], entry=[0, 1, 3]).emptied_at is None
    assert estimate_survival([2, 5], [1, 1]).emptied_at is None


def test_logrank_with_delayed_entry_by_hand():
    # At 3: a1, b1 at risk, b2 not yet; event of a1: expected 1/2, variance 1/4. At 6: b1, b2, a2; expected 1/3, 2/9.
    result = logrank_test([3, 8, 9, 6], [1, 0, 0, 1], list("aabb"), entry=[0, 5, 1, 4])
    assert result.groups[0].expected == pytest.approx(1 / 2 + 1 / 3)
    assert result.variance[0, 0] == pytest.approx(1 / 4 + 2 / 9)
    plain = logrank_test([3, 8, 9, 6], [1, 0, 0, 1], list("aabb"))
    assert plain.groups[0].expected == pytest.approx(2 / 4 + 1 / 3)
