import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from trialwright.statistics import strategies
from trialwright.statistics.covariates import build_design, categorised, measured, take
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.strategies import clone_subjects, compare_strategies, estimate_strategies
from trialwright.statistics.survival import estimate_survival

nan, inf = math.nan, math.inf
unhurried = settings(deadline=None)  # the machine may be busy

# Worked by hand: a starts in time, b has the event in the grace period, c never starts, d starts too late.
TIME = [6, 2, 5, 8]
EVENT = [1, 1, 1, 0]
START = [1, inf, inf, 5]


def test_clones_of_four_patients():
    start, do_not_start = clone_subjects(TIME, EVENT, START, grace=3)
    assert start.time.tolist() == [6, 2, 3, 3]
    assert start.event.tolist() == [1, 1, 0, 0]
    assert start.has_left.tolist() == [False, False, True, True]
    assert do_not_start.time.tolist() == [1, 2, 5, 8]
    assert do_not_start.event.tolist() == [0, 1, 1, 0]
    assert do_not_start.has_left.tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("time", "event", "begin", "start", "do_not_start"),
    [
        pytest.param(9, 1, 3, (9, 1, False), (3, 0, True), id="start at the end of the grace period"),
        pytest.param(
            9, 1, 3 + 1e-12, (9, 1, False), (3 + 1e-12, 0, True), id="later than that by rounding only"
        ),
        pytest.param(9, 1, 3.1, (3, 0, True), (9, 1, False), id="start just after"),
        pytest.param(9, 1, 0, (9, 1, False), (0, 0, True), id="start at time zero"),
        pytest.param(3, 1, inf, (3, 1, False), (3, 1, False), id="event at the end of the grace period"),
        pytest.param(3.1, 1, inf, (3, 0, True), (3.1, 1, False), id="event just after"),
        pytest.param(3, 0, inf, (3, 0, False), (3, 0, False), id="censored at the end of the grace period"),
        pytest.param(2, 1, 2, (2, 1, False), (2, 1, False), id="event on the day of the start counts twice"),
        pytest.param(2, 1, 2.5, (2, 1, False), (2, 1, False), id="start after the event"),
    ],
)
def test_boundaries_of_the_grace_period(time, event, begin, start, do_not_start):
    clones = clone_subjects([time], [event], [begin], grace=3)
    assert [(c.time[0], c.event[0], c.has_left[0]) for c in clones] == [start, do_not_start]


def _compare(time, event, start, covariates=(), *, grace=3.0, at=6.0, n_resamples=100, seed=1):
    return compare_strategies(
        time, event, start, covariates, grace=grace, at=at, n_resamples=n_resamples, seed=seed
    )


def test_four_patients_by_hand():
    # Fifty of each, so that every resample has all kinds.
    time, event, start = (np.repeat(column, 50) for column in (TIME, EVENT, START))
    found = _compare(time, event, start, at=5)
    # Start: at 2 one event of four. Past 3 a third had started (a of a, c, d): weight 3. At 6 the event of a.
    assert found.start.time.tolist() == [2, 6]
    assert_allclose(found.start.survival, [3 / 4, 0])
    assert_allclose(found.start.weight_at_risk, [200, 150])
    assert found.start.n_at_risk.tolist() == [200, 50]
    # Do not start: at 1 one of four leaves: weight 4/3. Events at 2 among b, c, d and at 5 among c, d.
    assert found.do_not_start.time.tolist() == [2, 5]
    assert_allclose(found.do_not_start.survival, [2 / 3, 1 / 3])
    assert_allclose(found.do_not_start.weight_at_risk, [200, 400 / 3])
    assert found.do_not_start.largest_weight == pytest.approx(4 / 3)
    assert found.risk_difference.difference.estimate == pytest.approx(1 / 4 - 2 / 3)
    points = found.do_not_start.at([0, 1.9, 2, 5, 8, 8.1])
    assert_allclose(points.survival, [1, 1, 2 / 3, 1 / 3, 1 / 3, nan])
    assert points.n_at_risk.tolist() == [200, 150, 150, 100, 50, 0]
    assert found.start.at([100]).survival.tolist() == [0]  # it has come down to 0


subjects = st.lists(
    st.tuples(st.integers(1, 20), st.integers(0, 1), st.one_of(st.integers(0, 20), st.just(inf))),
    min_size=4,
    max_size=30,
)


@unhurried
@given(subjects)
def test_without_covariates_weights_cancel(columns):
    """All clones at risk at one time have one weight then, so the curve is that of the clones, unweighted."""
    time, event, start = (np.array(column, dtype=float) for column in zip(*columns, strict=True))
    try:
        curves = estimate_strategies(time, event, start, [], grace=5)
    except NotEstimable:
        assume(False)
    for curve in curves:
        plain = estimate_survival(curve.clones.time, curve.clones.event)
        assert_allclose(curve.at(plain.time).survival, plain.survival, atol=1e-12)
        if len(curve.time):
            assert_array_equal(curve.n_at_risk, plain.counts_at(curve.time).n_at_risk)


@unhurried
@given(subjects)
def test_until_the_grace_period_ends_an_event_counts_under_both_unless_after_a_start(columns):
    time, event, start = (np.array(column, dtype=float) for column in zip(*columns, strict=True))
    clones = clone_subjects(time, event, start, grace=5)
    n_followed = sum((~c.has_left).astype(int) for c in clones)
    assert np.all(n_followed >= 1)  # nobody leaves both
    assert np.all(
        sum(c.has_left.astype(int) for c in clones)[time > 5] == 1
    )  # everybody leaves one in the end
    assert_array_equal(np.maximum(clones[0].event, clones[1].event), event)


def _simulate_no_effect(rng, n):
    """A severity that hastens the event and delays the start; the start changes nothing."""
    severity = rng.normal(size=n)
    event_at = np.ceil(rng.exponential(700 * np.exp(-0.8 * severity)))
    start = np.ceil(rng.exponential(200 * np.exp(0.5 * severity)))
    time = np.minimum(event_at, 1100)
    start[start >= time] = inf  # whoever had the event did not start any more
    return time, event_at <= 1100, start, severity


def _risks(curves, at):
    return [1 - curve.at([at]).survival[0] for curve in curves]


def test_without_effect_strategies_agree_and_the_naive_comparison_does_not():
    rng = np.random.default_rng(20)
    weighted, unweighted, naive = [], [], []
    for _ in range(40):
        time, event, start, severity = _simulate_no_effect(rng, 400)
        for covariates, differences in (([measured("severity", severity)], weighted), ([], unweighted)):
            a, b = _risks(estimate_strategies(time, event, start, covariates, grace=84), 1000)
            differences.append(a - b)
        ever = np.isfinite(start)
        a, b = _risks([estimate_survival(time[group], event[group]) for group in (ever, ~ever)], 1000)
        naive.append(a - b)
    error = np.std(weighted, ddof=1) / math.sqrt(len(weighted))
    assert error < 0.01
    assert abs(np.mean(weighted)) < 3 * error
    assert np.mean(unweighted) < -0.05  # cloning without weights leaves the confounding
    assert np.mean(naive) < -0.3  # and grouping by what happened adds immortal time


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(21)
    held = 0
    for seed in range(100):
        time, event, start, severity = _simulate_no_effect(rng, 300)
        covariates = [measured("severity", severity)]
        found = _compare(time, event, start, covariates, grace=84, at=1000, n_resamples=200, seed=seed)
        held += found.risk_difference.difference.conf_low <= 0 <= found.risk_difference.difference.conf_high
    assert 88 <= held <= 100  # 95 of 100, within about three standard errors


@settings(deadline=None, max_examples=60)
@given(subjects, st.integers(0, 100))
def test_samples_worked_on_together_have_the_risks_they_have_alone_or_none(columns, seed):
    time, event, start = (np.array(column, dtype=float) for column in zip(*columns, strict=True))
    clones = clone_subjects(time, event, start, grace=5)
    n = len(time)
    draws = np.random.default_rng(seed).integers(n, size=(5, n))
    counts = np.array([np.bincount(drawn, minlength=n) for drawn in draws], dtype=float)
    design = build_design([], n_subjects=n)
    together = np.stack(
        [
            strategies._risks_of_starting(clones[0], design, counts, 9),
            strategies._risks_of_not(clones[1], design, counts, 9),
        ],
        axis=1,
    )
    for drawn, risks in zip(draws, together, strict=True):
        try:
            alone = _risks(estimate_strategies(time[drawn], event[drawn], start[drawn], [], grace=5), 9)
        except NotEstimable:
            alone = [nan, nan]
        if np.isfinite(risks).all():
            assert_allclose(risks, alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("n", "n_covariates"), [(40, 0), (60, 1), (120, 2)])
def test_resamples_worked_on_together_are_as_each_alone(n, n_covariates):
    rng = np.random.default_rng(n)
    time, event, start, severity = _simulate_no_effect(rng, n)
    time[-5:], event[-5:], start[-5:] = 84, True, inf  # events as the grace period ends
    stage = categorised("stage", [*"B" * (n // 8), *["0", "A"] * n][:n], levels=["0", "A", "B"])
    covariates = [measured("severity", severity), stage][:n_covariates]
    found = _compare(time, event, start, covariates, grace=84, at=900, seed=5).risk_difference
    draws = np.random.default_rng(5).integers(n, size=(100, n))
    risks, n_failed = [], 0
    for drawn in draws:
        try:
            curves = estimate_strategies(
                time[drawn], event[drawn], start[drawn], take(covariates, drawn), grace=84
            )
            risks.append(_risks(curves, 900))
        except NotEstimable:
            n_failed += 1
    assert found.n_failed == n_failed
    low, high = np.quantile(risks, [0.025, 0.975], axis=0)
    assert_allclose([found.risk_a.conf_low, found.risk_b.conf_low], low, rtol=0, atol=1e-10)
    assert_allclose([found.risk_a.conf_high, found.risk_b.conf_high], high, rtol=0, atol=1e-10)
    assert found.risk_a.std_error == pytest.approx(np.std(risks, axis=0, ddof=1)[0], abs=1e-10)


def test_the_seed_decides():
    rng = np.random.default_rng(4)
    time, event, start, severity = _simulate_no_effect(rng, 150)

    def limits(seed):
        found = _compare(time, event, start, [measured("x", severity)], grace=84, at=900, seed=seed)
        return found.risk_difference

    first, second, again = limits(1), limits(2), limits(1)
    assert first == again
    assert first.difference.estimate == second.difference.estimate
    assert first.difference.conf_low != second.difference.conf_low


@pytest.mark.parametrize(
    ("time", "event", "start", "reason"),
    [
        (
            [9, 9, 9],
            [1, 1, 0],
            [inf, inf, 5],
            "nobody followed beyond the grace period had started the treatment within it",
        ),
        ([9, 9, 9], [1, 1, 0], [1, 2, 3], 'nobody is followed beyond the grace period under "do not start"'),
        ([1, 2, 3], [1, 1, 0], [inf, 1, inf], "nobody followed beyond the grace period had started"),
        (
            [9, 5, 9],
            [0, 0, 0],
            [inf, 2, inf],
            'the risk by 6 under "start" is not known: nobody is followed beyond 5',
        ),
    ],
)
def test_strategies_that_cannot_be_compared(time, event, start, reason):
    with pytest.raises(NotEstimable, match="^" + reason):
        _compare(time, event, start)


def test_start_that_a_covariate_decides_is_refused():
    time, event = np.full(40, 9.0), np.tile([1.0, 0.0], 20)
    x = np.arange(40.0)
    with pytest.raises(NotEstimable, match="`x` separates"):
        _compare(time, event, np.where(x < 20, 1, inf), [measured("x", x)])


def test_weights_that_cost_too_much_are_refused():
    # Weights of 100 / 99 for 99 and of 100 for one: (100 + 100)^2 / (100^2 / 99 + 100^2) is 3.96.
    n = 100
    kind = np.repeat([0.0, 1.0], n)
    start = np.where(kind == 0, 1, inf)
    start[0], start[n] = inf, 1
    with pytest.raises(
        NotEstimable, match=r'^under "start" the weights leave the information of 4\.0 of 100'
    ):
        _compare(np.full(2 * n, 9.0), np.tile([1.0, 0.0], n), start, [measured("kind", kind)])


def test_no_events_means_no_risk_and_says_so():
    found = _compare([9.0] * 40, [0] * 40, [1, inf] * 20)
    assert found.start.time.tolist() == []
    assert found.risk_difference.difference.estimate == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": [nan]}, r"`treatment_start\[0\]` must be 0 or more, infinite for no start, not"),
        ({"grace": 0}, "`grace` must be finite and above 0, not 0"),
        ({"at": 3}, r"`at` must be after the grace period, 3\.0, and finite, not 3"),
        ({"n_resamples": 99}, "`n_resamples` must be 100 or more, not 99"),
    ],
)
def test_faulty_call(options, message):
    start = options.pop("start", [1, inf, 1, inf])
    n = len(start)
    with pytest.raises(ValueError, match=message):
        _compare([9] * n, [1] * n, start, **options)
