import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from trialwright.statistics import imputation, student_t
from trialwright.statistics.covariates import categorised, count_missing, measured, take
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.imputation import combine, impute
from trialwright.statistics.student_t import t_p_value, t_quantile

nan, inf = math.nan, math.inf
unhurried = settings(deadline=None)  # the machine may be busy


def test_examples_in_docstrings():
    results = doctest.testmod(student_t)
    assert results.attempted > 0
    assert results.failed == 0


# Covariates


def test_columns_of_a_category():
    covariate = categorised("bclc", ["B", "A", None, "B", "D"], levels=["0", "A", "B", "C", "D"])
    names, matrix = covariate.columns()
    assert names == ("bclc: B", "bclc: D")  # nobody is at 0 or C, and A is the reference
    assert_array_equal(matrix.T, [[1, 0, 0, 1, 0], [0, 0, 0, 0, 1]])
    assert covariate.is_missing.tolist() == [False, False, True, False, False]


def test_taking_subjects_twice():
    covariates = [measured("x", [1, None, 3]), categorised("y", ["a", "b", None], levels=["a", "b"])]
    x, y = take(covariates, np.array([2, 0, 2]))
    assert x.values.tolist() == [3, 1, 3]
    assert y.codes.tolist() == [-1, 0, -1]
    assert [(m.name, m.n, m.n_missing) for m in count_missing(covariates)] == [("x", 3, 1), ("y", 3, 1)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: categorised("y", ["a", "c"], levels=["a", "b"]),
            r"`y\[1\]` must be one of 'a', 'b', not 'c'",
        ),
        (lambda: categorised("y", [], levels=["a", "a"]), "`levels` of `y` must name each level once"),
        (lambda: measured("x", [1, inf]), r"`x\[1\]` must be a finite number, not inf"),
    ],
)
def test_faulty_covariates(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Imputation


def _cohort(n=200, seed=8):
    rng = np.random.default_rng(seed)
    outcome = rng.normal(size=n)
    x = 10 + 3 * outcome + rng.normal(size=n)
    level = np.where(x + rng.normal(size=n) > 10, "high", "low").astype(object)
    return rng, outcome, x, level


def test_known_values_stay_and_imputed_ones_are_somebody_s():
    rng, outcome, x, level = _cohort()
    lost_x, lost_level = rng.random(len(x)) < 0.3, rng.random(len(x)) < 0.2
    known_x = np.where(lost_x, nan, x)
    labels = np.where(lost_level, None, level)
    covariates = [measured("x", known_x), categorised("level", labels, levels=["low", "high"])]
    completed = impute(covariates, auxiliary=[measured("outcome", outcome)], m=5, seed=1)
    assert len(completed) == 5
    for new_x, new_level in completed:
        assert_array_equal(new_x.values[~lost_x], x[~lost_x])
        assert set(new_x.values) <= set(x[~lost_x])
        assert not new_level.is_missing.any()
        assert_array_equal(new_level.codes[~lost_level], covariates[1].codes[~lost_level])
    assert not np.array_equal(completed[0][0].values, completed[1][0].values)


def test_the_seed_decides():
    _, outcome, x, _ = _cohort()
    covariates, auxiliary = [measured("x", np.where(outcome > 0.8, nan, x))], [measured("outcome", outcome)]

    def values(seed):
        return [c[0].values for c in impute(covariates, auxiliary=auxiliary, m=2, seed=seed)]

    assert_array_equal(values(1), values(1))
    assert not np.array_equal(values(1), values(2))


def test_imputation_undoes_the_bias_of_complete_cases():
    # The higher the outcome the more x is missing: the mean of the known is too low by design, 10 is the truth.
    rng, outcome, x, _ = _cohort(n=500)
    lost = rng.random(len(x)) < 1 / (1 + np.exp(-2 * outcome))
    completed = impute(
        [measured("x", np.where(lost, nan, x))], auxiliary=[measured("outcome", outcome)], m=20, seed=2
    )
    means = [covariate.values.mean() for (covariate,) in completed]
    variances = [covariate.values.var(ddof=1) / len(x) for (covariate,) in completed]
    combined = combine(means, variances)
    assert x[~lost].mean() < 10 - 10 * combined.std_error
    assert abs(combined.estimate - 10) < 3 * combined.std_error
    assert combined.between > 0


def test_levels_follow_what_predicts_them():
    # A level that x decides without error is imputed without error.
    x = np.arange(100.0)
    labels = np.where(x < 50, "low", "high").astype(object)
    lost = np.arange(100) % 7 == 3
    covariates = [categorised("level", np.where(lost, None, labels), levels=["low", "high"])]
    auxiliary = [measured("is_high", x >= 50)]
    for (covariate,) in impute(covariates, auxiliary=auxiliary, m=3, seed=0):
        assert [covariate.levels[code] for code in covariate.codes] == labels.tolist()


def test_complete_covariates_come_back():
    covariates = [measured("x", [1, 2, 3])]
    for (covariate,) in impute(covariates, auxiliary=[], m=2, seed=0):
        assert covariate.values.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([nan] * 8, "`x` is missing for everyone: imputing it from the others needs 5"),
        ([1] * 4 + [nan] * 4, "`x` is known for only 4 subjects: imputing it from the others needs 5"),
    ],
)
def test_too_little_is_known(values, reason):
    with pytest.raises(NotEstimable) as raised:
        impute([measured("x", values)], auxiliary=[], seed=0)
    assert raised.value.reason == reason


def test_five_known_values_are_enough():
    (first, *_) = impute([measured("x", [1, 2, 3, 4, 5, nan])], auxiliary=[], m=2, seed=0)
    assert first[0].values[-1] in {1, 2, 3, 4, 5}


def test_faulty_imputation():
    with pytest.raises(ValueError, match="`m` must be 2 or more, not 1"):
        impute([measured("x", [1])], auxiliary=[], m=1, seed=0)
    with pytest.raises(ValueError, match="`y` must have 2 values, not 1"):
        impute([measured("x", [1, 2])], auxiliary=[measured("y", [1])], seed=0)
    with pytest.raises(NotEstimable, match="`y` is missing for 1 of 2 subjects"):
        impute([measured("x", [1, 2])], auxiliary=[measured("y", [1, nan])], seed=0)


# Rubin's rules


def test_more_imputations_leave_the_first_as_they_are():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=60), rng.normal(size=60)
    level = np.where(x + rng.normal(size=60) > 0, "high", "low").astype(object)
    x[:8], level[5:15] = nan, None
    covariates = [measured("x", x), categorised("level", level, levels=["low", "high"])]
    two, five = (impute(covariates, auxiliary=[measured("y", y)], m=m, seed=1) for m in (2, 5))
    for few, many in zip(two, five, strict=False):
        assert_array_equal(few[0].values, many[0].values)
        assert_array_equal(few[1].codes, many[1].codes)
    assert not np.array_equal(five[0][0].values, five[1][0].values)


def test_of_collinear_predictors_the_shortest_solution_predicts():
    # The columns of a constant and of both levels of a category, and one that is twice another; least squares as LAPACK has it.
    rng = np.random.default_rng(1)
    is_a, z = rng.integers(0, 2, (3, 40)), rng.normal(size=(3, 40))
    x = np.stack([np.ones((3, 40)), is_a, 1 - is_a, z, 2 * z], axis=2)
    y = rng.normal(size=(3, 40, 2))
    expected = [np.linalg.lstsq(one, target)[0] for one, target in zip(x, y, strict=True)]
    assert_allclose(imputation._regress(x, y), expected, atol=1e-12)


def test_rubins_rules_by_hand():
    # Within (1 + 3) / 2, between ((1 - 2)^2 + (3 - 2)^2) / 1, total 2 + 1.5 * 2; df 1 * (1 + 2 / 3)^2.
    combined = combine([1, 3], [1, 3])
    assert (combined.estimate, combined.within, combined.between, combined.total) == (2, 2, 2, 5)
    assert combined.std_error == math.sqrt(5)
    assert combined.df == pytest.approx((5 / 3) ** 2)


def test_equal_estimates_cost_nothing():
    combined = combine([2, 2, 2], [4, 4, 4])
    assert (combined.std_error, combined.df, combined.missing_information) == (2, inf, 0)
    assert combined.conf_high == pytest.approx(2 + 1.959963984540054 * 2, rel=1e-12)
    # Barnard and Rubin: (11 / 13) 10 even then
    assert combine([2, 2, 2], [4, 4, 4], df_complete=10).df == pytest.approx(110 / 13)


@pytest.mark.parametrize(
    ("estimates", "variances", "reason"),
    [([1], [1], "one imputed data set"), ([1, 2], [0, 0], "the variance is 0 in every imputed data set")],
)
def test_estimates_that_cannot_be_combined(estimates, variances, reason):
    with pytest.raises(NotEstimable, match=reason):
        combine(estimates, variances)


@pytest.mark.parametrize("variances", [[1, nan], [1, -1], [1]])
def test_faulty_variances(variances):
    with pytest.raises(ValueError, match="`variances"):
        combine([1, 2], variances)


numbers = st.lists(st.tuples(st.floats(-5, 5), st.floats(0.01, 5)), min_size=2, max_size=20)


@unhurried
@given(numbers, st.floats(1, 1e4))
def test_laws_of_combining(pairs, df_complete):
    q, u = zip(*pairs, strict=True)
    bounded, free = combine(q, u, df_complete=df_complete), combine(q, u)
    assert free.total >= free.within * (1 - 1e-12)
    assert 0 < bounded.df <= min(df_complete, free.df) * (1 + 1e-9)
    assert bounded.conf_high - bounded.conf_low >= (free.conf_high - free.conf_low) * (1 - 1e-9)
    assert 0 <= free.missing_information <= 1 + 2 / 3
    shifted = combine(np.array(q) + 1, u)
    assert shifted.estimate == pytest.approx(free.estimate + 1)
    assert shifted.std_error == pytest.approx(free.std_error, rel=1e-6)


# Student's t


@unhurried
@given(st.floats(0.6, 0.999), st.floats(0.5, 1e7))
def test_quantile_and_p_value_are_inverse(probability, df):
    assert t_p_value(t_quantile(probability, df), df) == pytest.approx(2 * (1 - probability), rel=1e-9)


@unhurried
@given(st.floats(0, 30), st.floats(0.5, 1e7))
def test_p_value_is_a_probability_that_has_no_sign(t, df):
    assert 0 <= t_p_value(t, df) <= 1 + 1e-12
    assert t_p_value(-t, df) == t_p_value(t, df)


def test_t_near_the_switch_to_the_normal():
    assert t_p_value(2.2, 99_999) == pytest.approx(t_p_value(2.2, 100_001), rel=1e-6)
    assert t_p_value(2.2, 1e12) == pytest.approx(t_p_value(2.2, inf), rel=1e-9)


@pytest.mark.parametrize(
    "call", [lambda: t_p_value(1, 0), lambda: t_p_value(1, nan), lambda: t_quantile(0.5, 3)]
)
def test_faulty_t(call):
    with pytest.raises(ValueError, match="must be above"):
        call()
