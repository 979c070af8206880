import doctest
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from trialwright.statistics import competing_risks
from trialwright.statistics.competing_risks import estimate_incidence, fit_fine_gray, gray_test
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.survival import estimate_survival

nan, inf = math.nan, math.inf

# Worked by hand (CR-01): 12 subjects, months; 1 recurrence, 2 death, 0 censored.
CR_01_TIME = [3, 5, 6, 8, 10, 12, 15, 20, 24, 30, 36, 36]
CR_01_STATUS = [1, 2, 0, 1, 2, 1, 0, 1, 0, 2, 0, 0]


def test_examples_in_docstrings():
    results = doctest.testmod(competing_risks)
    assert results.attempted > 4
    assert results.failed == 0


# Cumulative incidence


@pytest.mark.parametrize(
    ("time", "at_risk", "net_risk", "recurrence", "death", "recurrence_free"),
    [
        (3, 12, 0.0833, 0.0833, 0, 0.9167),
        (5, 11, 0.0833, 0.0833, 0.0833, 0.8333),
        (8, 9, 0.1852, 0.1759, 0.0833, 0.7407),
        (10, 8, 0.1852, 0.1759, 0.1759, 0.6481),
        (12, 7, 0.3016, 0.2685, 0.1759, 0.5556),
        (20, 5, 0.4413, 0.3796, 0.1759, 0.4444),
        (30, 3, 0.4413, 0.3796, 0.3241, 0.2963),
    ],
)
def test_curves_worked_by_hand(time, at_risk, net_risk, recurrence, death, recurrence_free):
    read = estimate_incidence(CR_01_TIME, CR_01_STATUS).at([time])
    assert read.n_at_risk.tolist() == [at_risk]
    assert_allclose(read.event.estimate, recurrence, atol=5e-5)
    assert_allclose(read.competing.estimate, death, atol=5e-5)
    assert_allclose(read.event_free.estimate, recurrence_free, atol=5e-5)
    kaplan_meier = estimate_survival(CR_01_TIME, np.array(CR_01_STATUS) == 1).at([time])
    assert_allclose(1 - kaplan_meier.survival, net_risk, atol=5e-5)


def test_the_last_row_stays_until_the_last_time():
    read = estimate_incidence(CR_01_TIME, CR_01_STATUS).at([30, 36])
    assert_allclose(read.event.estimate, [0.3796, 0.3796], atol=5e-5)
    assert_allclose(read.competing.estimate, [0.3241, 0.3241], atol=5e-5)
    assert read.n_at_risk.tolist() == [3, 2]


def test_standard_error_without_censoring_is_that_of_a_share():
    curve = estimate_incidence([1, 2, 3, 4, 5], [1, 2, 1, 2, 1], conf_type="plain")
    assert_allclose(curve.event.estimate, [0.2, 0.2, 0.4, 0.4, 0.6])
    assert_allclose(curve.event.std_error, np.sqrt(curve.event.estimate * (1 - curve.event.estimate) / 5))
    half_width = 1.959964 * math.sqrt(0.6 * 0.4 / 5)
    assert_allclose(curve.event.conf_low[4], 0.6 - half_width, rtol=0, atol=1e-6)
    assert_allclose(curve.event.conf_high[2], 0.4 + half_width, rtol=0, atol=1e-6)


def test_log_log_limits_worked_by_hand():
    # 2 of 5 without censoring: p = 0.4, se = sqrt(0.048); p^exp(-+1.959964 se / (p log p))
    state = estimate_incidence([1, 2, 3, 4, 5], [1, 2, 1, 2, 1]).event
    power = math.exp(1.959964 * math.sqrt(0.048) / (0.4 * math.log(0.4)))
    assert_allclose(
        sorted([0.4**power, 0.4 ** (1 / power)]), [state.conf_low[2], state.conf_high[2]], rtol=1e-6
    )


def test_counts_and_conventions():
    curve = estimate_incidence([1, 2, 2, 2, 3], [1, 2, 0, 1, 0], conf_level=0.9, conf_type="log")
    assert curve.time.tolist() == [1, 2, 3]
    assert curve.n_at_risk.tolist() == [5, 4, 1]
    assert curve.n_events.tolist() == [1, 1, 0]
    assert curve.n_competing.tolist() == [0, 1, 0]
    assert curve.n_censored.tolist() == [0, 1, 1]
    assert (curve.n_subjects, curve.n_events_total, curve.n_competing_total) == (5, 2, 1)
    assert curve.conventions == {
        "estimator": "Aalen-Johansen",
        "variance": "infinitesimal jackknife",
        "weighted": False,
        "conf_level": 0.9,
        "conf_type": "log",
        "limits_at_0_and_1": "not estimable",
        "event_and_censoring_tied": "event first",
        "times_tied_within": pytest.approx(1.49e-8, rel=1e-3),
        "after_last_time": "unknown unless nobody is left without event",
    }


def test_weights_are_summed_and_subjects_counted():
    curve = estimate_incidence([1, 2, 2, 3], [1, 2, 1, 0], weights=[0.5, 1.5, 2, 4])
    assert curve.n_at_risk.tolist() == [8, 7.5, 4]
    assert curve.n_events.tolist() == [0.5, 2, 0]
    assert curve.n_competing.tolist() == [0, 1.5, 0]
    assert curve.n_censored.tolist() == [0, 0, 4]
    assert_allclose(curve.event.estimate, [0.0625, 0.3125, 0.3125])
    assert curve.at([2]).n_at_risk.tolist() == [7.5]
    assert curve.counts_at([2]).n_at_risk.tolist() == [3]
    assert (curve.n_subjects, curve.n_events_total, curve.n_competing_total) == (4, 2, 1)


def test_reading_before_at_and_after_the_rows():
    read = estimate_incidence([2, 4, 6], [1, 2, 0]).at([0, 1.9, 2, 4, 6, 6.1])
    assert_allclose(read.event.estimate, [0, 0, 1 / 3, 1 / 3, 1 / 3, nan])
    assert_allclose(read.competing.estimate, [0, 0, 0, 1 / 3, 1 / 3, nan])
    assert_allclose(read.event_free.estimate, [1, 1, 2 / 3, 1 / 3, 1 / 3, nan])
    assert np.isnan(read.event.std_error).tolist() == [True, True, False, False, False, True]
    assert np.isnan(read.competing.conf_low).tolist() == [True, True, True, False, False, True]
    assert np.isnan(read.event_free.conf_high).tolist() == [True, True, False, False, False, True]
    assert read.n_at_risk.tolist() == [3, 3, 3, 2, 1, 0]
    assert read.reasons[:5] == (None,) * 5
    assert read.reasons[5] == "nobody was followed beyond 6, and not all had had an event by then"


@pytest.mark.parametrize(("elapsed", "incidence"), [(1098, nan), (1099, 0.5), (1100, 0.5)])
def test_event_on_the_reading_day_counts(elapsed, incidence):
    estimate = estimate_incidence([1099, 1200], [1, 0]).at([elapsed]).event.estimate[0]
    assert estimate == (0 if math.isnan(incidence) else incidence)


def test_reading_time_is_not_missed_for_rounding():
    curve = estimate_incidence([0.1 + 0.2, 1.0], [1, 0])
    assert curve.at([0.3]).event.estimate.tolist() == [0.5]
    assert curve.counts_at([0.3]).n_at_risk.tolist() == [2]


def test_curves_stay_when_nobody_is_left_without_event():
    read = estimate_incidence([2, 4, 6], [1, 2, 1]).at([6, 100])
    assert_allclose(read.event.estimate, 2 / 3)
    assert read.event_free.estimate.tolist() == [0, 0]
    assert not np.isnan(read.event.conf_low).any()
    assert np.isnan([read.event_free.std_error, read.event_free.conf_low, read.event_free.conf_high]).all()
    assert read.reasons == (None, None)


def test_nobody_left_is_exactly_0_also_with_weights():
    # Fractions that do not add up in floating point: R gives -6e-17 here.
    weights = [1.5, 0.5, 2, 1, 0.3, 1]
    curve = estimate_incidence([1, 2, 3, 4, 5, 6], [1, 2, 1, 0, 1, 2], weights=weights)
    assert curve.event_free.estimate[-1] == 0
    assert math.isnan(curve.event_free.std_error[-1])
    assert curve.at([7]).reasons == (None,)


@pytest.mark.parametrize("end", [7, 8, 9])
def test_counts_under_the_figure_add_up(end):
    counts = estimate_incidence(CR_01_TIME, CR_01_STATUS).counts_at([0, 8, end, 36, 40])
    columns = (counts.n_at_risk, counts.n_events, counts.n_competing, counts.n_censored)
    assert_allclose(sum(columns), 12)
    at_8 = [column[1] for column in columns]
    assert at_8 == [9, 1, 1, 1]  # the event at 8 comes after the count


@pytest.mark.parametrize(
    ("time", "status", "event", "competing"),
    [
        pytest.param([5], [0], 0, 0, id="one subject, censored"),
        pytest.param([5], [1], 1, 0, id="one subject, event"),
        pytest.param([5], [2], 0, 1, id="one subject, competing event"),
        pytest.param([1, 2, 3], [0, 0, 0], 0, 0, id="all censored"),
        pytest.param([1, 2, 3], [1, 1, 1], 1, 0, id="all with event"),
        pytest.param([0, 0], [2, 2], 0, 1, id="all with competing event at time 0"),
    ],
)
def test_certain_curves_have_no_precision(time, status, event, competing):
    curve = estimate_incidence(time, status)
    assert (curve.event.estimate[-1], curve.competing.estimate[-1]) == (event, competing)
    assert curve.event_free.estimate[-1] == 1 - event - competing
    for state in (curve.event, curve.competing, curve.event_free):
        assert np.isnan([state.std_error[-1], state.conf_low[-1], state.conf_high[-1]]).all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"time": [1, nan, 3]}, r"`time\[1\]` must be finite and 0 or more, not nan"),
        ({"time": [1, -1, 3]}, r"`time\[1\]` must be finite and 0 or more, not -1"),
        ({"time": [1, 2, inf]}, r"`time\[2\]` must be finite and 0 or more, not inf"),
        ({"status": [0, 1, 3]}, r"`status\[2\]` must be 0, 1 or 2, not 3"),
        ({"status": [0, None, 1]}, r"`status\[1\]` must be 0, 1 or 2, not None"),
        ({"status": [0, 1]}, "`status` must have 3 values, not 2"),
        ({"weights": [1, 0, 1]}, r"`weights\[1\]` must be finite and above 0, not 0"),
        ({"conf_level": 1}, "`conf_level` must be between 0 and 1, not 1"),
        ({"conf_type": "arcsin"}, "`conf_type` must be one of log-log, log, plain, not 'arcsin'"),
    ],
)
def test_incidence_refuses(changed, message):
    with pytest.raises(ValueError, match=message):
        estimate_incidence(**({"time": [1, 2, 3], "status": [0, 1, 2]} | changed))


@pytest.mark.parametrize(
    "call",
    [
        lambda: estimate_incidence([], []),
        lambda: gray_test([], [], []),
        lambda: fit_fine_gray([], [], np.empty((0, 1)), names=["x"]),
    ],
)
def test_nobody_is_a_reason(call):
    with pytest.raises(NotEstimable, match="there are no subjects"):
        call()


# Gray's test


def test_gray_groups_and_conventions():
    result = gray_test([1, 2, 3, 4, 5, 6], [1, 2, 1, 1, 0, 2], list("BABABA"), cause=2)
    assert [(group.label, group.n_subjects, group.n_events) for group in result.groups] == [
        ("A", 3, 2),
        ("B", 3, 0),
    ]
    assert sum(group.score for group in result.groups) == pytest.approx(0, abs=1e-12)
    assert result.variance.shape == (2, 2)
    assert result.conventions == {
        "test": "Gray",
        "cause": 2,
        "rho": 0.0,
        "stratified": False,
        "times_tied_within": pytest.approx(1.49e-8, rel=1e-3),
    }


def test_gray_score_worked_by_hand():
    # No competing event, so R = Y. A: event at 1, event at 3; B: event at 2, censored at 4.
    # Expected in A: 2/4 + 1/3 + 1/2 = 4/3 of 2 events.
    result = gray_test([1, 3, 2, 4], [1, 1, 1, 0], list("AABB"))
    assert result.groups[0].score == pytest.approx(2 - 4 / 3)
    # With a death in A at 1.5, who stays in the comparison of incidences: at 2 R = (1/0.5) * 0.5 * ... by group:
    # A: Y = 1, S = 1/3, F = 1/3, so R = 1 * (2/3) / (1/3) = 2; B: Y = 2, R = 2. At 3: A again R = 2, B: Y = 1, S = 1/2,
    # F = 1/2, so R = 1. At 1: 3 and 2. Expected in A: 3/5 + 2/4 + 2/3.
    result = gray_test([1, 1.5, 3, 2, 4], [1, 2, 1, 1, 0], list("AAABB"))
    assert result.groups[0].score == pytest.approx(2 - (3 / 5 + 2 / 4 + 2 / 3))


@pytest.mark.parametrize(
    ("later", "chi_squared"),
    [
        ([4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9], 15.6821747655),
        ([4, 2, 3, 5, 6, 7, 8, 9, 9, 9, 9], 13.513858519925),
    ],
)
def test_a_group_alone_at_risk_takes_nothing_from_the_comparison(later, chi_squared):
    # R: cmprsk::cuminc 2.2-11. After A has gone, the shares of events would add up to more than 1.
    status = [1] * 9 + [0, 2, 1, 1, 1, 1, 2, 1, 1, 1, 1]
    time = [1, 2, 3] * 3 + later
    result = gray_test(time, status, ["A"] * 10 + ["B"] * 10)
    assert result.chi_squared == pytest.approx(chi_squared, rel=1e-10)


@pytest.mark.parametrize(
    ("time", "status", "group", "options", "reason"),
    [
        pytest.param([1, 2], [1, 0], "AA", {}, "there is only one group, A", id="one group"),
        pytest.param([5], [1], "A", {}, "there is only one group, A", id="one subject"),
        pytest.param([1, 2], [0, 0], "AB", {}, "no event was observed", id="all censored"),
        pytest.param([1, 2], [2, 0], "AB", {}, "no event was observed", id="competing events only"),
        pytest.param([1, 2], [1, 0], "AB", {"cause": 2}, "no competing event was observed", id="events only"),
        pytest.param(
            [1, 1, 5, 6],
            [0, 0, 1, 1],
            "AABB",
            {},
            "the events do not tell all the groups apart",
            id="one group gone before the first event",
        ),
        pytest.param(
            [1, 5, 6, 5, 6, 7],
            [0, 1, 1, 1, 0, 1],
            "ABCBCB",
            {},
            "the events do not tell all the groups apart",
            id="one of three groups gone before the first event",
        ),
        pytest.param(
            [1, 2, 3, 4],
            [1, 1, 1, 0],
            "AABB",
            {"strata": "xxyy"},
            "the events do not tell all the groups apart",
            id="never together in a stratum",
        ),
        pytest.param(
            [1, 2, 3, 3, 3, 3],
            [2, 2, 1, 1, 1, 1],
            "AAABBB",
            {},
            "too many events fell on one time for the variance of Gray's test",
            id="everyone left has the event at once",
        ),
        pytest.param(
            # A: 9 of 10 by 1, then followed no more. B: 99 of 100 from 3 on. C: one subject, followed all the time.
            [1] * 9 + [2] + [3 + i / 100 for i in range(99)] + [9] + [9],
            [1] * 9 + [0] + [1] * 99 + [0] + [0],
            ["A"] * 10 + ["B"] * 100 + ["C"],
            {},
            "the groups were followed too differently to have a common incidence",
            id="shares of events in what is left add up to more than 1",
        ),
    ],
)
def test_gray_without_answer(time, status, group, options, reason):
    with pytest.raises(NotEstimable) as raised:
        gray_test(time, status, group, **options)
    assert raised.value.reason == reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"group": "AB"}, "`group` must have 3 values, not 2"),
        ({"group": ["A", None, "B"]}, r"`group\[1\]` must be a label, not None"),
        ({"strata": "AB"}, "`strata` must have 3 values, not 2"),
        ({"rho": nan}, "`rho` must be a finite number, not nan"),
        ({"cause": 0}, "`cause` must be 1 or 2, not 0"),
        ({"status": [0, 1, -1]}, r"`status\[2\]` must be 0, 1 or 2, not -1"),
    ],
)
def test_gray_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        gray_test(**({"time": [1, 2, 3], "status": [0, 1, 2], "group": "ABA"} | options))


# Fine and Gray


def test_fine_gray_worked_by_hand():
    # Without censoring a death stays at risk for ever. Event at 1, x = 1: at risk x = 1, 1, 0, 0. Event at 3, x = 0: at
    # risk the death at 2 with x = 1, and x = 0 twice. With t the hazard ratio the score is 1 - t/(t + 1) - t/(t + 2);
    # it is 0 where t + 2 = t (t + 1), at the root of 2.
    fit = fit_fine_gray([1, 2, 3, 4], [1, 2, 1, 2], [[1], [1], [0], [0]], names=["x"])
    assert fit.coefficients[0].hazard_ratio == pytest.approx(math.sqrt(2), rel=1e-9)
    assert (fit.n_subjects, fit.n_events, fit.n_competing) == (4, 2, 2)
    assert fit.conventions["variance"] == "robust by subject, censoring weights taken as known"


def test_fine_gray_with_an_event_at_time_0():
    late, early = (
        fit_fine_gray(time, [1, 2, 1, 0, 1, 2], [[1], [0], [0], [1], [0], [1]], names=["x"])
        for time in ([1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5])
    )
    assert late.coefficients == early.coefficients


@pytest.mark.parametrize(
    ("status", "covariate", "options", "reason"),
    [
        pytest.param([0, 0, 0, 0], [0, 1, 0, 1], {}, "no event was observed", id="all censored"),
        pytest.param([2, 0, 2, 0], [0, 1, 0, 1], {}, "no event was observed", id="competing events only"),
        pytest.param(
            [1, 0, 1, 0], [0, 1, 0, 1], {"cause": 2}, "no competing event was observed", id="events only"
        ),
        pytest.param([1, 2, 1, 0], [3, 3, 3, 3], {}, "`x` has only one value, 3", id="one level"),
        pytest.param(
            [1, 2, 1, 0], [1, 0, 1, 0], {}, "no event was observed where `x` is 0", id="group without event"
        ),
        pytest.param(
            [1, 1, 2, 1],
            [4, 3, 2, 2.5],
            {},
            "the hazard ratio of `x` is infinite: each event fell on the highest value then at risk",
            id="separation",
        ),
    ],
)
def test_fine_gray_without_answer(status, covariate, options, reason):
    with pytest.raises(NotEstimable) as raised:
        fit_fine_gray([1, 2, 3, 4], status, np.array(covariate)[:, None], names=["x"], **options)
    assert raised.value.reason == reason


def test_one_subject_has_no_coefficient():
    with pytest.raises(NotEstimable, match="`x` has only one value, 2"):
        fit_fine_gray([3], [1], [[2]], names=["x"])


def test_fine_gray_refuses_collinear_covariates():
    x = np.array([1, 0, 2, 1, 0, 2])
    with pytest.raises(NotEstimable, match="`y` cannot be told from a linear combination"):
        fit_fine_gray(
            [1, 2, 3, 4, 5, 6], [1, 1, 2, 0, 1, 1], np.column_stack([x, 2 * x + 1]), names=["x", "y"]
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariates": [[1], [nan], [0]]}, r"`covariates\[1, 0\]` \(`x`\) must be a finite number, not nan"),
        ({"covariates": [[1], [0]]}, r"`covariates` must have shape \(3, 1\)"),
        ({"names": []}, r"`covariates` must have shape \(3, 0\)"),
        ({"cause": 3}, "`cause` must be 1 or 2, not 3"),
        ({"ties": "exact"}, "`ties` must be one of efron, breslow, not 'exact'"),
        ({"conf_level": 0}, "`conf_level` must be between 0 and 1, not 0"),
    ],
)
def test_fine_gray_refuses(options, message):
    given = {"time": [1, 2, 3], "status": [1, 2, 1], "covariates": [[1], [2], [0]], "names": ["x"]}
    with pytest.raises(ValueError, match=message):
        fit_fine_gray(**(given | options))
