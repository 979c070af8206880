import doctest
import math
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from trialwright.statistics import significance, survival
from trialwright.statistics.survival import (
    NotEstimable,
    estimate_survival,
    fit_cox,
    logrank_test,
    proportional_hazards_test,
    restricted_mean_difference,
)

nan, inf = math.nan, math.inf

# Worked by hand: 12 subjects, months; 1 recurrence, 2 death, 0 censored.
CR_01_TIME = [3, 5, 6, 8, 10, 12, 15, 20, 24, 30, 36, 36]
CR_01_TYPE = np.array([1, 2, 0, 1, 2, 1, 0, 1, 0, 2, 0, 0])
# Worked by hand: log-rank of two groups of six.
LR_T1_TIME = [6, 7, 10, 15, 19, 25, 2, 3, 9, 11, 12, 20]
LR_T1_EVENT = [1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0, 1]
LR_T1_GROUP = list("AAAAAABBBBBB")


def test_examples_in_docstrings():
    results = doctest.testmod(survival)
    assert results.attempted > 5
    assert results.failed == 0


# Curves


@pytest.mark.parametrize(
    ("events", "times", "expected"),
    [
        pytest.param(
            {1},
            [3, 5, 8, 10, 12, 20, 36],
            [0.0833, 0.0833, 0.1852, 0.1852, 0.3016, 0.4413, 0.4413],
            id="recurrence",
        ),
        pytest.param(
            {1, 2},
            [3, 5, 8, 10, 12, 20, 30, 36],
            [0.0833, 0.1667, 0.2593, 0.3519, 0.4444, 0.5556, 0.7037, 0.7037],
            id="recurrence or death",
        ),
    ],
)
def test_curve_worked_by_hand(events, times, expected):
    curve = estimate_survival(CR_01_TIME, np.isin(CR_01_TYPE, list(events)))
    assert_allclose(1 - curve.at(times).survival, expected, atol=5e-5)


def test_median_worked_by_hand():
    assert estimate_survival(CR_01_TIME, CR_01_TYPE > 0).quantile(0.5).estimate == 20


def test_curve_counts_and_conventions():
    curve = estimate_survival([1, 2, 2, 3], [1, 1, 0, 0], conf_level=0.9, conf_type="log")
    assert curve.time.tolist() == [1, 2, 3]
    assert curve.n_at_risk.tolist() == [4, 3, 1]
    assert curve.n_events.tolist() == [1, 1, 0]
    assert curve.n_censored.tolist() == [0, 1, 1]
    assert (curve.n_subjects, curve.n_events_total) == (4, 2)
    assert curve.conventions == {
        "estimator": "Kaplan-Meier",
        "reversed": False,
        "variance": "greenwood",
        "conf_level": 0.9,
        "conf_type": "log",
        "event_and_censoring_tied": "event first",
        "times_tied_within": pytest.approx(1.49e-8, rel=1e-3),
        "quantile_on_flat_part": "middle",
        "after_last_time": "unknown unless 0",
    }


def test_curve_reads_1_before_and_unknown_after_its_rows():
    points = estimate_survival([2, 4, 6], [1, 1, 0]).at([0, 1.9, 2, 5, 6, 6.1])
    assert_allclose(points.survival, [1, 1, 2 / 3, 1 / 3, 1 / 3, nan])
    assert_array_equal(points.std_error[[0, 1, 5]], [0, 0, nan])
    assert_array_equal(points.conf_low[[0, 1, 5]], [1, 1, nan])
    assert_array_equal(points.conf_high[[0, 1, 5]], [1, 1, nan])
    assert points.n_at_risk.tolist() == [3, 3, 3, 1, 1, 0]


def test_curve_that_came_down_to_0_stays_there_without_limits():
    points = estimate_survival([2, 4], [1, 1]).at([4, 100])
    assert points.survival.tolist() == [0, 0]
    assert np.isnan([points.std_error, points.conf_low, points.conf_high]).all()


def test_censoring_tied_with_the_last_event_leaves_the_end_unknown():
    curve = estimate_survival([2, 4, 4], [1, 1, 0])
    assert curve.survival[-1] > 0
    assert np.isnan(curve.at([5]).survival[0])


def test_reading_time_is_not_missed_for_rounding():
    after_sum = estimate_survival([0.1 + 0.2, 1.0], [1, 0])  # 0.30000000000000004
    assert after_sum.at([0.3]).survival.tolist() == [0.5]
    assert after_sum.counts_at([0.3]).n_at_risk.tolist() == [2]
    exact = estimate_survival([0.3, 1.0], [1, 0])
    assert exact.at([0.1 + 0.2]).n_at_risk.tolist() == [2]
    assert exact.counts_at([0.1 + 0.2]).n_events.tolist() == [0]


@pytest.mark.parametrize(("later_by", "n_times"), [(0.005, 1), (0.05, 2)])
def test_large_times_are_tied_in_proportion(later_by, n_times):
    # R: survfit(Surv(c(1e6, 1e6 + later_by), c(1, 1)) ~ 1)
    assert len(estimate_survival([1e6, 1e6 + later_by], [1, 1]).time) == n_times
    assert estimate_survival([1e6, 2e6], [1, 0]).counts_at([1e6 + later_by]).n_events.tolist() == [
        n_times - 1
    ]


@pytest.mark.parametrize(("elapsed", "survival"), [(1098, 1.0), (1099, 0.5), (1100, 0.5)])
def test_event_on_the_reading_day_counts(elapsed, survival):
    assert estimate_survival([1099, 1200], [1, 0]).at([elapsed]).survival.tolist() == [survival]


def test_delayed_entry_counts_only_those_who_have_entered():
    # At 3 the subjects (0, 3] and (1, 4] are at risk, not (3, 6]; at 4 the second and third.
    curve = estimate_survival([3, 4, 6], [1, 1, 0], entry=[0, 1, 3])
    assert curve.n_at_risk.tolist() == [2, 2, 1]
    assert curve.survival.tolist() == [0.5, 0.25, 0.25]
    assert curve.at([0, 1, 1.5, 3, 3.5, 6]).n_at_risk.tolist() == [0, 1, 2, 2, 2, 1]


def test_reverse_curve_lets_events_leave_first():
    # At 3 three are at risk; one of them has the event first, so the censoring is one of two.
    time, event = [2, 3, 3, 5], [1, 1, 0, 0]
    curve = estimate_survival(time, event, reverse=True)
    assert curve.survival.tolist() == [1, 0.5, 0]
    assert curve.quantile(0.5).estimate == 4  # flat at one half from 3 to 5
    assert curve.n_at_risk.tolist() == [4, 3, 1]
    assert (curve.n_events.tolist(), curve.n_censored.tolist(), curve.n_events_total) == (
        [1, 1, 0],
        [0, 1, 1],
        2,
    )
    assert curve.conventions["reversed"] is True


def test_flipping_the_event_keeps_events_at_risk_of_censoring():
    curve = estimate_survival([2, 3, 3, 5], [0, 0, 1, 1])
    assert_allclose(curve.survival, [1, 2 / 3, 0])


def test_weights_as_counts_of_identical_subjects():
    repeated = estimate_survival([1, 1, 2, 3, 3, 3], [1, 1, 0, 1, 1, 1])
    weighted = estimate_survival([1, 2, 3], [1, 0, 1], weights=[2, 1, 3], variance="greenwood")
    assert_allclose(weighted.survival, repeated.survival)
    assert_allclose(weighted.std_error, repeated.std_error)


def test_whole_weights_are_not_taken_for_counts():
    weighted = estimate_survival([1, 2, 3], [1, 0, 1], weights=[2, 2, 2])
    unweighted = estimate_survival([1, 2, 3], [1, 0, 1], variance="robust")
    assert weighted.conventions["variance"] == "robust"
    assert_allclose(weighted.std_error, unweighted.std_error)


def test_quantile_is_unknown_where_the_curve_does_not_get_there():
    median = estimate_survival([1, 2, 3], [1, 0, 0]).quantile(0.5)
    assert np.isnan([median.estimate, median.conf_high]).all()


def test_restricted_mean_worked_by_hand():
    # The curve is 1 on [0, 2), 2/3 on [2, 4), 1/3 on [4, 5).
    mean = estimate_survival([2, 4, 6], [1, 1, 0]).restricted_mean(5)
    area_after = np.array([2 * 2 / 3 + 1 / 3, 1 / 3])
    variance = np.sum(area_after**2 * np.array([1 / (3 * 2), 1 / (2 * 1)]))
    assert mean.estimate == pytest.approx(2 + 2 * 2 / 3 + 1 / 3)
    assert mean.std_error == pytest.approx(math.sqrt(variance))
    assert (mean.conf_low, mean.conf_high) == (
        pytest.approx(mean.estimate - 1.959963984540054 * mean.std_error),
        pytest.approx(mean.estimate + 1.959963984540054 * mean.std_error),
    )


def test_restricted_mean_needs_a_known_curve_up_to_the_horizon():
    curve = estimate_survival([2, 4, 6], [1, 1, 0])
    assert curve.restricted_mean(6).horizon == 6
    with pytest.raises(NotEstimable) as raised:
        curve.restricted_mean(6.5)
    assert raised.value.reason == (
        "the restricted mean to 6.5 is not defined: the curve is known only to 6, where it is still above 0"
    )


def test_restricted_mean_beyond_a_curve_that_came_down_to_0():
    assert estimate_survival([2, 4], [1, 1]).restricted_mean(100).estimate == 3


def test_robust_restricted_mean_worked_by_hand():
    # All have the event within the horizon, so it is a weighted mean, with the usual robust error of one.
    time, weights = np.array([1, 2, 3]), np.array([0.1, 0.2, 0.3])
    mean = estimate_survival(time, [1, 1, 1], weights=weights).restricted_mean(10)
    assert mean.estimate == pytest.approx(7 / 3)
    assert mean.std_error == pytest.approx(math.sqrt(np.sum((weights * (time - 7 / 3)) ** 2)) / 0.6)


def test_restricted_mean_before_the_first_time_is_the_horizon():
    mean = estimate_survival([5, 6], [1, 0]).restricted_mean(3)
    assert (mean.estimate, mean.std_error) == (3, 0)


def test_restricted_mean_difference_carries_interval_and_p_value():
    curve_a, curve_b = (estimate_survival(time, [1, 1, 0], conf_level=0.9) for time in ([2, 4, 6], [1, 3, 6]))
    difference = restricted_mean_difference(curve_a, curve_b, 5)
    std_error = math.hypot(curve_a.restricted_mean(5).std_error, curve_b.restricted_mean(5).std_error)
    assert difference.estimate == pytest.approx(2 / 3)  # 2 + 4/3 + 1/3 against 1 + 4/3 + 2/3
    assert difference.std_error == pytest.approx(std_error)
    assert difference.conf_high == pytest.approx(difference.estimate + 1.6448536269514722 * std_error)
    assert difference.p_value == pytest.approx(math.erfc(difference.estimate / std_error / math.sqrt(2)))
    assert difference.conventions["conf_level"] == 0.9


def test_restricted_mean_difference_without_event_before_the_horizon():
    curve = estimate_survival([5, 6], [1, 0])
    with pytest.raises(NotEstimable, match="the time without event within 3 does not vary in either group"):
        restricted_mean_difference(curve, curve, 3)


def test_restricted_mean_difference_of_curves_with_two_confidence_levels():
    curve_a, curve_b = (estimate_survival([1, 2], [1, 1], conf_level=level) for level in (0.9, 0.95))
    with pytest.raises(
        ValueError, match=r"`curve_b` must have the confidence level of `curve_a`, 0\.9, not 0\.95"
    ):
        restricted_mean_difference(curve_a, curve_b, 1)


def test_counts_under_the_figure():
    counts = estimate_survival([2, 4, 4, 6], [1, 1, 0, 0]).counts_at([0, 2, 4, 5, 6, 7])
    assert counts.n_at_risk.tolist() == [4, 4, 3, 1, 1, 0]
    assert counts.n_events.tolist() == [0, 0, 1, 2, 2, 2]
    assert counts.n_censored.tolist() == [0, 0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("event", "survival", "quantile"),
    [pytest.param([1], 0, 5, id="with event"), pytest.param([0], 1, nan, id="censored")],
)
def test_one_subject(event, survival, quantile):
    curve = estimate_survival([5], event)
    assert curve.survival.tolist() == [survival]
    assert curve.quantile(0.5).estimate == pytest.approx(quantile, nan_ok=True)


def test_everyone_censored_is_a_flat_curve_with_nothing_to_say_about_quantiles():
    curve = estimate_survival([3, 5, 9], [0, 0, 0])
    assert curve.survival.tolist() == [1, 1, 1]
    assert np.isnan(curve.quantile(0.01).estimate)
    assert (curve.restricted_mean(9).estimate, curve.restricted_mean(9).std_error) == (9, 0)


def test_results_travel_to_other_processes():
    curve = pickle.loads(pickle.dumps(estimate_survival([1, 2, 3], [1, 1, 0])))  # noqa: S301
    assert curve.quantile(0.5).estimate == 2
    fit = pickle.loads(pickle.dumps(fit_cox([1, 2, 3, 4], [1] * 4, [[0], [1], [0], [1]], names=["x"])))  # noqa: S301
    assert proportional_hazards_test(fit).all_together.df == 1


# Log-rank test


def test_logrank_worked_by_hand():
    result = logrank_test(LR_T1_TIME, LR_T1_EVENT, LR_T1_GROUP)
    first, second = result.groups
    assert (first.label, first.n_subjects, first.observed) == ("A", 6, 4)
    assert (second.label, second.n_subjects, second.observed) == ("B", 6, 5)
    assert first.expected == pytest.approx(5.1177, abs=5e-5)
    assert result.variance[0, 0] == pytest.approx(2.1446, abs=5e-5)
    assert result.chi_squared == pytest.approx(0.5825, abs=5e-5)
    assert result.df == 1
    assert result.p_value == pytest.approx(0.4453, abs=5e-5)
    assert result.conventions["rho"] == 0


@pytest.mark.parametrize(
    ("time", "event", "group", "options", "reason"),
    [
        pytest.param([1, 2], [0, 0], "ab", {}, "no event was observed", id="no event"),
        pytest.param([1, 2], [1, 1], "aa", {}, "there is only one group, a", id="a group with nobody"),
        pytest.param(
            [2, 2], [1, 1], "ab", {}, "the events do not tell all the groups apart", id="all at one time"
        ),
        pytest.param(
            [1, 1, 2, 3],
            [0, 0, 1, 1],
            "aabb",
            {},
            "the events do not tell all the groups apart",
            id="a left before",
        ),
        pytest.param(
            [1, 2, 1, 2],
            [1, 1, 1, 1],
            "aabb",
            {"strata": [1, 1, 2, 2]},
            "the events do not tell all the groups apart",
            id="each group has strata of its own",
        ),
    ],
)
def test_logrank_without_answer(time, event, group, options, reason):
    with pytest.raises(NotEstimable) as raised:
        logrank_test(time, event, list(group), **options)
    assert raised.value.reason == reason


def test_logrank_group_that_left_before_all_events_takes_no_degree_of_freedom():
    result = logrank_test([1, 2, 3, 4, 5], [0, 1, 1, 1, 1], ["left", "a", "b", "a", "b"])
    assert [group.expected > 0 for group in result.groups] == [True, True, False]
    assert result.df == 1


# Cox regression


def test_hazard_ratio_worked_by_hand():
    is_a = np.array(LR_T1_GROUP) == "A"
    fit = fit_cox(LR_T1_TIME, LR_T1_EVENT, is_a[:, None], names=["A"])
    assert fit.coefficients[0].hazard_ratio == pytest.approx(0.597, abs=5e-4)
    assert (fit.n_observations, fit.n_events) == (12, 9)
    assert fit.conventions["ties"] == "efron"
    assert fit.conventions["variance"] == "model"


@pytest.mark.parametrize(
    ("time", "event", "covariates", "options", "reason"),
    [
        pytest.param([1, 2], [0, 0], [[0], [1]], {}, "no event was observed", id="no event"),
        pytest.param([1, 2, 3], [1, 1, 0], [[1], [1], [1]], {}, "`x` has only one value, 1", id="one level"),
        pytest.param([5], [1], [[2]], {}, "`x` has only one value, 2", id="one subject"),
        pytest.param(
            [1, 2, 3, 4],
            [0, 1, 0, 1],
            [[0], [1], [0], [1]],
            {},
            "no event was observed where `x` is 0",
            id="group without event",
        ),
        pytest.param(
            [1, 1, 2],
            [1, 0, 0],
            [[-1], [-1], [1]],
            {"strata": [1, 1, 2]},
            "`x` never differs between subjects at risk at an event",
            id="varies between strata only",
        ),
        pytest.param(
            [1, 2, 3],
            [1, 1, 1],
            [[1], [2], [3]],
            {},
            "the hazard ratio of `x` is zero: each event fell on the lowest value then at risk",
            id="lowest first",
        ),
        pytest.param(
            [1, 2, 3, 4, 5],
            [1, 1, 1, 1, 1],
            [[1, 2], [3, 6], [2, 4], [0, 0], [1, 2]],
            {},
            "`y` cannot be told from a linear combination of the other covariates",
            id="collinear",
        ),
        pytest.param(
            # x + y is highest in each subject with event, though neither x nor y alone is.
            [1, 2, 3, 4],
            [1, 1, 0, 0],
            [[4, 0], [0, 3], [1, 1], [0, 0]],
            {},
            "no finite coefficient was found for `x`, `y`",
            id="separated by two covariates together",
        ),
        pytest.param(
            [1, 1, 2, 3],
            [1, 1, 0, 0],
            [[4, 0], [0, 3], [1, 1], [0, 0]],
            {},
            "no finite coefficient was found for `x`, `y`",
            id="the same with both events at one time",
        ),
        pytest.param(
            [2, 2, 2, 1, 1, 1, 2, 1],
            [0, 0, 0, 1, 0, 0, 0, 0],
            [[0], [-2], [-1], [-1], [-1], [1], [-1], [1]],
            {"strata": [0, 0, 0, 1, 1, 0, 1, 2]},
            "`x` never differs between subjects at risk at an event",
            id="only rounding errors hold information",
        ),
        pytest.param(
            [1, 2, 3, 4],
            [1, 1, 1, 1],
            [[1], [2], [0], [1]],
            {"cluster": [7, 7, 7, 7]},
            "the rows or clusters are too few or too much alike for a robust variance",
            id="one cluster",
        ),
        pytest.param(
            [1, 2, 3, 4],
            [1, 1, 1, 1],
            [[1e-6], [2e-6], [0], [1e-6]],
            {},
            "the hazard ratio for one unit of `x` has no writable limits; a smaller unit may help",
            id="unit far too large",
        ),
    ],
)
def test_cox_without_answer(time, event, covariates, options, reason):
    names = ["x", "y"][: len(covariates[0])]
    with pytest.raises(NotEstimable) as raised:
        fit_cox(time, event, covariates, names=names, **options)
    assert raised.value.reason == reason


def test_likelihood_ratio_is_not_pushed_below_0_by_rounding():
    # By symmetry the coefficient is 0, so the test statistic is too; its logarithms differ in the last digit.
    fit = fit_cox([4, 3, 2, 3], [0, 1, 0, 1], [[1], [0], [-2], [2]], names=["x"])
    assert fit.likelihood_ratio_test.chi_squared >= 0
    assert fit.likelihood_ratio_test.p_value == pytest.approx(1)


def test_proportional_hazards_with_events_at_one_time_only():
    fit = fit_cox([2, 2, 3, 4], [1, 1, 0, 0], [[1], [0], [0], [1]], names=["x"])
    with pytest.raises(NotEstimable, match="the events are too few or at too few times"):
        proportional_hazards_test(fit)


@pytest.mark.parametrize(
    ("df", "chi_squared"),
    [
        (1, 3.841458820694124),
        (2, 5.991464547107979),
        (3, 7.814727903251179),
        (4, 9.487729036781154),
        (5, 11.07049769351635),
    ],
)
def test_chi_squared_p_value(df, chi_squared):
    # R: qchisq(0.95, 1:5)
    assert significance.chi_squared_p_value(chi_squared, df) == pytest.approx(0.05, rel=1e-12)
    assert significance.chi_squared_p_value(0.0, df) == 1


# What never reaches a formula


BAD_TIMES = [
    pytest.param([1, nan], "`time[1]` must be finite and 0 or more, not nan", id="NaN"),
    pytest.param([1, None], "`time[1]` must be finite and 0 or more, not None", id="None"),
    pytest.param([inf, 1], "`time[0]` must be finite and 0 or more, not inf", id="infinite"),
    pytest.param(np.array([1.0, -0.5]), "`time[1]` must be finite and 0 or more, not -0.5", id="negative"),
    pytest.param(["1", 2], "`time[0]` must be finite and 0 or more, not '1'", id="text"),
    pytest.param([1, [2]], "`time[1]` must be finite and 0 or more, not [2]", id="ragged"),
    pytest.param([[1], [2]], "`time` must be one-dimensional, not of shape (2, 1)", id="two dimensions"),
    pytest.param(3, "`time` must be one-dimensional, not a single value", id="no sequence"),
    pytest.param([], "`time` must hold at least one value", id="empty"),
    pytest.param(
        np.ma.masked_array([1, 2], mask=[False, True]),
        "`time` must not be masked: give missing values as NaN, or leave them out",
        id="masked",
    ),
    pytest.param(
        np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]"),
        "`time[0]` must be finite and 0 or more, not datetime.date(2024, 1, 1)",
        id="dates",
    ),
]


@pytest.mark.parametrize(("time", "message"), BAD_TIMES)
@pytest.mark.parametrize(
    "function",
    [
        lambda time: estimate_survival(time, [1, 0]),
        lambda time: logrank_test(time, [1, 0], ["a", "b"]),
        lambda time: fit_cox(time, [1, 0], [[0], [1]], names=["x"]),
    ],
    ids=["curve", "logrank", "cox"],
)
def test_faulty_time(function, time, message):
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        function(time)
    assert str(raised.value) == message


def _curve(**options):
    return lambda: estimate_survival(**({"time": [1, 2], "event": [1, 0]} | options))


def _logrank(**options):
    return lambda: logrank_test(**({"time": [1, 2], "event": [1, 0], "group": ["a", "b"]} | options))


def _cox(**options):
    given = {"time": [1, 2], "event": [1, 0], "covariates": [[0], [1]], "names": ["x"]}
    return lambda: fit_cox(**(given | options))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (_curve(event=[1, 2]), "`event[1]` must be 0 or 1, not 2"),
        (_curve(event=[None, 1]), "`event[0]` must be 0 or 1, not None"),
        (_curve(event=[1]), "`event` must have 2 values, not 1"),
        (_curve(entry=[0, 2]), "`entry[1]` must be before `time[1]`, 2, not 2"),
        (_curve(time=[0.1 + 0.2, 1], entry=[0.3, 0]), "`entry[0]` must be before `time[0]`, 0.3, not 0.3"),
        (_curve(entry=[-1, 0]), "`entry[0]` must be finite and 0 or more, not -1"),
        (_curve(entry=[0]), "`entry` must have 2 values, not 1"),
        (_curve(weights=[1, 0]), "`weights[1]` must be finite and above 0, not 0"),
        (_curve(weights=[1, inf]), "`weights[1]` must be finite and above 0, not inf"),
        (_curve(weights=[1, 1, 1]), "`weights` must have 2 values, not 3"),
        (_curve(conf_level=95), "`conf_level` must be between 0 and 1, not 95"),
        (_curve(conf_level=nan), "`conf_level` must be between 0 and 1, not nan"),
        (_curve(conf_type="logit"), "`conf_type` must be one of log-log, log, plain, not 'logit'"),
        (_curve(variance="model"), "`variance` must be one of greenwood, robust, not 'model'"),
        (_curve(reverse=True, entry=[0, 0]), "`reverse` cannot be combined with `entry`"),
        (lambda: _curve()().at([nan]), "`times[0]` must be finite and 0 or more, not nan"),
        (lambda: _curve()().at([-1]), "`times[0]` must be finite and 0 or more, not -1"),
        (lambda: _curve()().counts_at([inf]), "`times[0]` must be finite and 0 or more, not inf"),
        (
            lambda: _curve(entry=[0, 1])().counts_at([1]),
            "`counts_at` must be asked of a curve without `entry`",
        ),
        (lambda: _curve()().quantile(1), "`p` must be between 0 and 1, not 1"),
        (lambda: _curve()().restricted_mean(0), "`horizon` must be finite and above 0, not 0"),
        (lambda: _curve()().restricted_mean(inf), "`horizon` must be finite and above 0, not inf"),
        (
            lambda: _curve(reverse=True)().restricted_mean(1),
            "`restricted_mean` must be asked of a survival curve, not of a reversed one",
        ),
        (_logrank(group=["a"]), "`group` must have 2 values, not 1"),
        (_logrank(group=["a", None]), "`group[1]` must be a label, not None"),
        (_logrank(group=[nan, 1.0]), "`group[0]` must be a label, not nan"),
        (_logrank(group=["a", 1]), "`group` must hold labels of one kind, not of int and str"),
        (_logrank(strata=[None, 1]), "`strata[0]` must be a label, not None"),
        (_logrank(rho=inf), "`rho` must be a finite number, not inf"),
        (_cox(covariates=[0, 1]), "`covariates` must have shape (2, 1) (rows, names), not (2,)"),
        (_cox(covariates=[[0], [nan]]), "`covariates[1, 0]` (`x`) must be a finite number, not nan"),
        (_cox(covariates=[[0], ["B"]]), "`covariates[1, 0]` must be a finite number, not 'B'"),
        (_cox(names=["x", "x"]), "`names` must hold one or more different names, not ['x', 'x']"),
        (_cox(names=[]), "`names` must hold one or more different names, not []"),
        (_cox(strata=[1]), "`strata` must have 2 values, not 1"),
        (_cox(cluster=[1, None]), "`cluster[1]` must be a label, not None"),
        (_cox(cluster=[1, 2], variance="model"), '`cluster` must come with `variance` "robust", not "model"'),
        (_cox(variance="greenwood"), "`variance` must be one of model, robust, not 'greenwood'"),
        (_cox(ties="exact"), "`ties` must be one of efron, breslow, not 'exact'"),
        (_cox(conf_level=0), "`conf_level` must be between 0 and 1, not 0"),
        (
            lambda: proportional_hazards_test(
                fit_cox([1, 2, 3, 4], [1] * 4, [[0], [1], [0], [1]], names=["x"]), "log"
            ),
            "`transform` must be one of km, rank, identity, not 'log'",
        ),
    ],
)
def test_faulty_call(call, message):
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        call()
    assert str(raised.value) == message
