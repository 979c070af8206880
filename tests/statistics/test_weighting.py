import doctest
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from trialwright.statistics import covariates as covariates_module
from trialwright.statistics import weighting
from trialwright.statistics.covariates import categorised, measured
from trialwright.statistics.descriptive import standardised_difference_levels, standardised_difference_numbers
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.logistic import estimate_probabilities, fit_logistic
from trialwright.statistics.weighting import (
    TARGETS,
    Balance,
    balance_table,
    compute_weights,
    e_value,
    effective_sample_size,
    fit_propensity,
    positivity_summary,
    truncate_weights,
)

nan, inf = math.nan, math.inf
unhurried = settings(deadline=None)  # the machine may be busy


@pytest.mark.parametrize("module", [weighting, covariates_module])
def test_examples_in_docstrings(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


# Logistic regression


def test_logistic_model_of_one_indicator_is_the_odds_of_a_table():
    # 3 of 10 without, 6 of 10 with the factor: log odds and Woolf's standard error by hand.
    outcome, factor = [1] * 3 + [0] * 7 + [1] * 6 + [0] * 4, [0] * 10 + [1] * 10
    fit = fit_logistic(outcome, np.array(factor)[:, None], names=["factor"])
    intercept, odds_ratio = fit.coefficients
    assert intercept.coef == pytest.approx(math.log(3 / 7), rel=1e-12)
    assert odds_ratio.coef == pytest.approx(math.log((6 / 4) / (3 / 7)), rel=1e-12)
    assert odds_ratio.std_error == pytest.approx(math.sqrt(1 / 3 + 1 / 7 + 1 / 6 + 1 / 4), rel=1e-10)
    assert_allclose(fit.probability, [0.3] * 10 + [0.6] * 10, rtol=1e-12)
    assert fit.loglik == pytest.approx(
        3 * math.log(0.3) + 7 * math.log(0.7) + 6 * math.log(0.6) + 4 * math.log(0.4)
    )


def test_logistic_model_without_covariates_is_the_share():
    fit = fit_logistic([1, 0, 0, 0], np.empty((4, 0)), names=[])
    assert_allclose(fit.probability, 0.25, rtol=1e-12)


Y = [0, 0, 0, 1, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("outcome", "columns", "reason"),
    [
        ([1] * 8, {"x": range(8)}, "everyone has the outcome"),
        ([0] * 8, {"x": range(8)}, "nobody has the outcome"),
        (Y, {"x": [2] * 8}, "`x` has only one value, 2"),
        (
            Y,
            {"x": [1, 2, 3, 4, 1, 2, 3, 5], "y": [2, 4, 6, 8, 2, 4, 6, 10]},
            "`y` cannot be told from a linear combination of the other covariates",
        ),
        (
            [0, 0, 0, 0, 1, 1, 1, 1],
            {"afp": range(8)},
            "`afp` separates those with from those without the outcome: its odds ratio is infinite or zero",
        ),
        (
            Y,
            {"level": [0, 0, 0, 0, 0, 0, 1, 1]},
            "`level` separates those with from those without the outcome: its odds ratio is infinite or zero",
        ),
        (
            # neither alone separates; their difference does, and `noise` has no part in it
            [0, 0, 0, 0, 1, 1, 1, 1],
            {"a": [0, 1, 2, 3, 1, 2, 3, 4], "b": [1, 2, 3, 4, 0, 1, 2, 3], "noise": [1, 0, 0, 1, 0, 1, 1, 0]},
            "a combination of `a`, `b` separates those with from those without the outcome",
        ),
        ([0, 1], {"a": [0, 1], "b": [0.5, 0.7]}, "`b` cannot be told"),
    ],
)
def test_logistic_model_that_does_not_exist(outcome, columns, reason):
    with pytest.raises(NotEstimable, match="^" + reason.replace("(", r"\(")):
        fit_logistic(outcome, np.column_stack(list(columns.values())), names=list(columns))


def test_nearly_separated_groups_have_a_model():
    # One subject on the wrong side is enough for a finite estimate.
    fit = fit_logistic([0, 0, 0, 1, 0, 1, 1, 1], np.arange(8)[:, None], names=["x"])
    assert 0 < fit.coefficients[1].coef < 10
    # Score equations of the maximum, independent of how it was found.
    residual = np.array(Y) - fit.probability
    assert_allclose([residual.sum(), residual @ np.arange(8)], 0, atol=1e-12)


def test_many_logistic_models_at_once_are_each_as_alone():
    rng = np.random.default_rng(2)
    x = np.column_stack([rng.normal(60, 10, 80), rng.integers(0, 2, 80)])
    y = (rng.random(80) < 1 / (1 + np.exp(-(x[:, 0] - 60) / 10))).astype(float)
    resamples = rng.integers(80, size=(30, 80))
    counts = np.array([np.bincount(drawn, minlength=80) for drawn in resamples], dtype=float)
    found = estimate_probabilities(y, x, counts)
    for drawn, probability in zip(resamples, found, strict=True):
        alone = fit_logistic(y[drawn], x[drawn], names=["age", "sex"])
        assert_allclose(probability[drawn], alone.probability, rtol=1e-11)
        # Nobody who was not drawn has a part in the model, and everybody has a probability.
        assert np.isfinite(probability).all()


@pytest.mark.parametrize(
    ("outcome", "columns", "drawn"),
    [
        pytest.param(Y, {"x": range(8)}, [0, 1, 2, 2, 4], id="nobody with the outcome is drawn"),
        pytest.param(Y, {"x": range(8)}, [0, 1, 2, 5, 6, 7], id="a covariate separates those drawn"),
        pytest.param(
            Y, {"x": [0] * 7 + [1]}, [0, 1, 2, 3, 4, 5], id="a covariate does not vary among those drawn"
        ),
        pytest.param(Y, {"x": [1] * 8}, range(8), id="a covariate does not vary"),
        pytest.param(Y[:2], {"x": [1, 2], "y": [1, 3]}, [0, 1], id="more coefficients than subjects"),
    ],
)
def test_logistic_models_that_need_care_are_left_out(outcome, columns, drawn):
    x = np.column_stack(list(columns.values())).astype(float)
    counts = np.bincount(drawn, minlength=len(outcome)).astype(float)[None]
    assert np.isnan(estimate_probabilities(np.array(outcome, dtype=float), x, counts)).all()


@st.composite
def cohort(draw):
    """Treatment and covariates of a small cohort."""
    n = draw(st.integers(8, 40))
    columns = {
        name: np.array(draw(st.lists(values, min_size=n, max_size=n)))
        for name, values in {
            "treated": st.integers(0, 1),
            "age": st.integers(20, 80),
            "size": st.floats(0, 10, width=32),
            "bclc": st.integers(0, 2),
        }.items()
    }
    covariates = [
        measured("age", columns["age"]),
        measured("size", columns["size"]),
        categorised("bclc", columns["bclc"].tolist(), levels=[0, 1, 2]),
    ]
    return columns["treated"], covariates


@unhurried
@given(cohort())
def test_overlap_weights_balance_every_covariate_exactly(drawn):
    treated, covariates = drawn
    try:
        scores = fit_propensity(treated, covariates).probability
    except NotEstimable:
        assume(False)
    for row in balance_table(covariates, treated, compute_weights(scores, treated)):
        for means in row.means:
            assert means.treated_after == pytest.approx(means.control_after, rel=1e-7, abs=1e-7)
        if row.reason is None:
            assert row.after == pytest.approx(0, abs=1e-6)


@unhurried
@given(cohort(), st.permutations(range(8)))
def test_scores_do_not_depend_on_order_or_unit_or_label(drawn, order):
    treated, covariates = drawn
    order = np.r_[list(order), np.arange(8, len(treated))]
    try:
        scores = fit_propensity(treated, covariates).probability
    except NotEstimable:
        assume(False)
    assume(scores.min() > 0.001 and scores.max() < 0.999)  # else the last digits are not determined
    age, size, bclc = covariates_module.take(covariates, order)
    again = fit_propensity(
        treated[order], [bclc, measured("age in months", 12 * age.values - 7), size]
    ).probability
    assert_allclose(again, scores[order], rtol=1e-6)
    assert_allclose(fit_propensity(1 - treated, covariates).probability, 1 - scores, rtol=1e-6)


@pytest.mark.parametrize(
    ("treated", "covariates", "reason"),
    [
        ([1, 1, 1], [measured("x", [1, 2, 3])], "all subjects are treated"),
        ([0, 0, 0], [measured("x", [1, 2, 3])], "all subjects are controls"),
        (
            [0, 1, 0],
            [measured("x", [1, nan, 3])],
            "`x` is missing for 1 of 3 subjects: impute it or leave it out",
        ),
        (
            [0, 1, 0],
            [categorised("b", ["A", None, None], levels=["0", "A"])],
            "`b` is missing for 2 of 3 subjects: impute it or leave it out",
        ),
        (
            [0, 1, 0],
            [categorised("b", ["A", "A", "A"], levels=["0", "A"])],
            "all subjects are at one level of `b`",
        ),
        ([1, 0], [measured("x", [1, 1])], "`x` has only one value, 1"),
    ],
)
def test_propensity_that_does_not_exist(treated, covariates, reason):
    with pytest.raises(NotEstimable) as raised:
        fit_propensity(treated, covariates)
    assert raised.value.reason == reason


# Weights: worked by hand, table by table


@pytest.mark.parametrize(
    ("e", "target", "treated", "control"),
    [
        (0.2, "everyone", 5.0, 1.25),
        (0.2, "treated", 1, 0.25),
        (0.2, "overlap", 0.8, 0.2),
        (0.2, "matchable", 1, 0.25),
        (0.5, "everyone", 2, 2),
        (0.5, "treated", 1, 1),
        (0.5, "overlap", 0.5, 0.5),
        (0.5, "matchable", 1, 1),
        (0.7, "everyone", 1.4286, 3.3333),
        (0.7, "treated", 1, 2.3333),
        (0.7, "overlap", 0.3, 0.7),
        (0.7, "matchable", 0.4286, 1),
        (0.9, "everyone", 1.1111, 10),
        (0.9, "treated", 1, 9),
        (0.9, "overlap", 0.1, 0.9),
        (0.9, "matchable", 0.1111, 1),
    ],
)
def test_weights(e, target, treated, control):
    assert_allclose(compute_weights([e, e], [1, 0], target=target), [treated, control], atol=5e-5)


def test_a_control_who_could_hardly_be_treated_keeps_a_weight():
    """1 - (1 - e) would round to 0, and weights are above 0."""
    weights = compute_weights([1e-20, 0.5], [0, 1])
    assert weights.tolist() == [1e-20, 0.5]


def test_scores_that_cannot_be_told_from_certainty_are_refused():
    """The groups overlap in one subject each, and one who is treated lies a thousand times farther out."""
    with pytest.raises(NotEstimable, match="0 or 1 to the last digit"):
        fit_propensity([0, 0, 0, 1, 1, 0, 1], [measured("dose", [0.0, 1.0, 3.5, 3.0, 4.0, 2.5, 1e5])])


def test_overlap_is_the_default_target():
    assert_allclose(compute_weights([0.2, 0.2], [1, 0]), [0.8, 0.2])


@pytest.mark.parametrize("score", [0, 1, nan, -0.1, 1.1])
def test_scores_that_are_none(score):
    with pytest.raises(ValueError, match=r"`scores\[1\]` must be between 0 and 1, themselves excluded, not"):
        compute_weights([0.5, score], [0, 1])


def test_unknown_target():
    with pytest.raises(ValueError, match="`target` must be one of overlap, everyone, treated, matchable"):
        compute_weights([0.5], [1], target="all")


@unhurried
@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=20), st.sampled_from(TARGETS))
def test_swapping_groups_mirrors_weights(scores, target):
    e, treated = np.array(scores), np.arange(len(scores)) % 2
    if target != "treated":  # which names a group
        mirrored = compute_weights(1 - e, 1 - treated, target=target)
        assert_allclose(mirrored, compute_weights(e, treated, target=target), rtol=1e-9)


def test_truncated_weights_lie_within_the_quantiles():
    # Quantiles of type 7 of 1, 2, 3, 4, 100 at 25 % and 75 % are the second and the fourth value.
    assert_array_equal(truncate_weights([1, 2, 3, 4, 100], low=0.25, high=0.75), [2, 2, 3, 4, 4])
    with pytest.raises(ValueError, match="`low` and `high` must be 0 <= low < high <= 1"):
        truncate_weights([1, 2], low=0.5, high=0.5)


# Effective sample size


@pytest.mark.parametrize(
    ("weights", "effective", "is_usable"),
    [
        pytest.param([3, 3, 3], 3, True, id="equal weights cost nothing"),
        pytest.param([1.25, 2, 1.4286, 5, 10], 2.9203, True, id="worked by hand"),
        pytest.param([1, 1e-12], 1, True, id="exactly half is enough"),
        pytest.param([1, 1e-12, 1e-12], 1, False, id="a third is not"),
        # (9 + 1)^2 / (81 + 1): just under half of three
        pytest.param([9, 0.5, 0.5], 100 / 81.5, False, id="just under half"),
    ],
)
def test_effective_sample_size(weights, effective, is_usable):
    size = effective_sample_size(weights)
    assert size.effective == pytest.approx(effective, abs=5e-5)
    assert size.is_usable is is_usable
    assert (size.reason is None) is is_usable


def test_reason_of_weights_that_cost_too_much():
    assert effective_sample_size([1, 1e-12, 1e-12]).reason == (
        "the weights leave the information of 1.0 of 3 subjects, less than half"
    )


@unhurried
@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30), st.floats(1e-6, 1e6))
def test_effective_size_is_at_most_the_size_and_has_no_unit(weights, factor):
    size = effective_sample_size(weights)
    assert 1 - 1e-9 <= size.effective <= len(weights) * (1 + 1e-12)
    assert effective_sample_size(np.array(weights) * factor).effective == pytest.approx(
        size.effective, rel=1e-9
    )


# Balance


def test_balance_of_a_quantity_by_hand():
    # Means 2 and 5, variances 1 and 1 before; weights 1, 1, 2 make the first mean 2.25.
    (row,) = balance_table([measured("x", [1, 2, 3, 4, 5, 6])], [1, 1, 1, 0, 0, 0], [1, 1, 2, 1, 1, 1])
    assert row.before == pytest.approx(-3)
    assert row.after == pytest.approx(-2.75)
    assert (row.means[0].treated_before, row.means[0].treated_after) == (2, 2.25)


def test_balance_of_two_levels_by_hand():
    # 0.42 against 0.30 gives 0.2520; weights that double the others of the first group make 42/158 of it.
    labels = [1] * 42 + [0] * 58 + [1] * 30 + [0] * 70
    treated = [1] * 100 + [0] * 100
    weights = np.where((np.arange(200) >= 42) & (np.arange(200) < 100), 2.0, 1.0)
    (row,) = balance_table([categorised("p", labels, levels=[0, 1])], treated, weights)
    scale = math.sqrt((0.42 * 0.58 + 0.3 * 0.7) / 2)
    assert row.before == pytest.approx(0.2520, abs=5e-5)
    assert row.after == pytest.approx(abs(42 / 158 - 0.3) / scale)
    assert [means.level for means in row.means] == [0, 1]


@unhurried
@given(cohort())
def test_equal_weights_change_no_difference(drawn):
    treated, covariates = drawn
    assume(0 < treated.sum() < len(treated))
    for row in balance_table(covariates, treated, np.full(len(treated), 0.7)):
        assert row.after == pytest.approx(row.before, nan_ok=True, rel=1e-9, abs=1e-9)


def test_before_is_what_the_baseline_table_shows():
    x, labels, treated = [1, 5, 2, 8, 7], ["a", "b", "c", "a", "b"], np.array([1, 1, 0, 0, 0])
    numbers, levels = balance_table(
        [measured("x", x), categorised("y", labels, levels=["a", "b", "c"])], treated, [1, 2, 3, 4, 5]
    )
    assert numbers.before == standardised_difference_numbers([1, 5], [2, 8, 7])
    assert levels.before == standardised_difference_levels([1, 1, 0], [1, 1, 1])


def test_covariate_without_difference_has_a_reason():
    constant, single = balance_table(
        [measured("x", [1, 1, 1, 1]), categorised("y", ["a"] * 4, levels=["a", "b"])],
        [1, 1, 0, 0],
        [1, 1, 1, 1],
    )
    assert constant.reason == "the values do not vary within either group"
    assert single.reason == "all subjects are at one level"
    assert math.isnan(constant.before)
    assert math.isnan(single.after)
    assert constant.verdict == single.verdict == "unknown"


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        (0.0999, "good"),
        (-0.0999, "good"),
        (0.1, "note"),
        (-0.25, "note"),
        (0.2501, "warn"),
        (nan, "unknown"),
    ],
)
def test_verdict_on_balance(after, verdict):
    assert Balance("x", (), 1.0, after, None).verdict == verdict


@pytest.mark.parametrize(
    ("covariate", "treated", "reason"),
    [
        (measured("x", [1, nan]), [1, 0], "`x` is missing for 1 subjects"),
        (measured("x", [1, 2]), [1, 1], "one of the groups is empty"),
    ],
)
def test_balance_that_cannot_be_judged(covariate, treated, reason):
    with pytest.raises(NotEstimable, match=reason):
        balance_table([covariate], treated, [1, 1])


# Positivity


def test_positivity_by_hand():
    found = positivity_summary([0.1, 0.25, 0.5, 0.3, 0.6, 0.9], [0, 0, 0, 1, 1, 1], n_bins=4)
    assert_array_equal(found.edges, [0, 0.25, 0.5, 0.75, 1])
    assert_array_equal(found.n_control, [1, 1, 1, 0])
    assert_array_equal(found.n_treated, [0, 1, 1, 1])
    assert (found.common_low, found.common_high) == (0.3, 0.5)
    assert found.share_treated_outside == pytest.approx(2 / 3)
    assert found.share_control_outside == pytest.approx(2 / 3)


def test_groups_that_do_not_overlap_lie_outside_altogether():
    found = positivity_summary([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])
    assert found.common_low > found.common_high
    assert (found.share_treated_outside, found.share_control_outside) == (1, 1)
    with pytest.raises(NotEstimable, match="one of the groups is empty"):
        positivity_summary([0.1], [1])


# E-value: worked by hand


@pytest.mark.parametrize(
    ("hazard_ratio", "rare", "common"),
    [
        pytest.param(0.60, 2.721, 2.200, id="EV-01"),
        pytest.param(0.75, 2.000, 1.739, id="EV-02"),
        pytest.param(0.42, 4.194, 3.031, id="EV-03"),
        pytest.param(0.86, 1.598, 1.460, id="EV-04"),
        pytest.param(1.00, 1.000, 1.000, id="EV-05"),
    ],
)
def test_e_value(hazard_ratio, rare, common):
    found = e_value(hazard_ratio, measure="hazard ratio, rare outcome")
    assert found.estimate == pytest.approx(rare, abs=5e-4)
    found = e_value(hazard_ratio, measure="hazard ratio, common outcome")
    assert found.estimate == pytest.approx(common, abs=5e-4)
    inverse = e_value(1 / hazard_ratio, measure="hazard ratio, common outcome")
    assert inverse.estimate == pytest.approx(found.estimate, rel=1e-12)


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        pytest.param((0.42, 0.86), 1.598, id="upper limit of a protective effect"),
        pytest.param((0.42, 1.0), 1, id="an interval that touches 1"),
        pytest.param((0.42, 1.2), 1, id="an interval that holds 1"),
    ],
)
def test_e_value_of_the_limit_nearer_1(limits, limit):
    found = e_value(0.60, *limits, measure="hazard ratio, rare outcome")
    assert found.limit == pytest.approx(limit, abs=5e-4)


def test_e_value_of_a_harmful_effect_takes_the_lower_limit():
    found = e_value(1 / 0.60, 1 / 0.86, 1 / 0.42, measure="risk ratio")
    assert (found.estimate, found.limit) == pytest.approx((2.721, 1.598), abs=5e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "`estimate` must be finite and above 0"),
        ((nan,), "`estimate` must be finite and above 0"),
        ((0.5, 0.4), "`conf_low` and `conf_high` must be given together"),
        ((0.5, 0.6, 0.7), "`estimate` must lie between 0.6 and 0.7, not 0.5"),
    ],
)
def test_e_value_of_what_is_no_ratio(arguments, message):
    with pytest.raises(ValueError, match=message):
        e_value(*arguments, measure="risk ratio")
