import doctest
import math
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.statistics import conditional_power as module
from trialwright.statistics.conditional_power import (
    InterimResult,
    NormalPrior,
    conditional_power,
    estimate_conditional_power,
    interim_from_hazard_ratio,
    interim_from_logrank,
    predictive_power,
)
from trialwright.statistics.error_spending import (
    hwang_shih_decani_spending,
    obrien_fleming_spending,
    pocock_spending,
)
from trialwright.statistics.group_sequential import (
    SequentialBoundaries,
    drift_of,
    equal_looks,
    group_sequential_design,
    stopping_probabilities,
)

NORMAL = NormalDist()
few = settings(deadline=None, max_examples=25)
AT_THE_END = SequentialBoundaries((1.0,), (1.96,))
DESIGN = group_sequential_design(
    (0.3, 0.6, 1),
    alpha=0.05,
    sides=2,
    power=0.9,
    efficacy=obrien_fleming_spending(),
    futility=pocock_spending(),
)


def test_examples_in_docstrings():
    results = doctest.testmod(module)
    assert results.attempted > 1
    assert results.failed == 0


# One look left: the formulas of the literature. Several looks stand in tests/oracle/test_group_sequential.py


@given(st.floats(-3, 4), st.floats(0.05, 0.95), st.floats(0.4, 1.5))
def test_conditional_power_by_the_b_value(z, fraction, hazard_ratio):
    # Lan and Wittes 1988: B(1) given B(t) is normal with mean B(t) + drift (1 - t) and variance 1 - t.
    drift = -math.log(hazard_ratio) * math.sqrt(50)
    mean = z * math.sqrt(fraction) + drift * (1 - fraction)
    expected = 1 - NORMAL.cdf((1.96 - mean) / math.sqrt(1 - fraction))
    interim = InterimResult(z, 50 * fraction)
    found = conditional_power(interim, AT_THE_END, final_information=50, hazard_ratio=hazard_ratio)
    assert found == pytest.approx(expected, abs=1e-12)


@given(st.floats(-3, 4), st.floats(0.05, 0.95))
def test_predictive_power_of_a_flat_prior(z, fraction):
    # Jennison and Turnbull 2000, section 10.4
    expected = NORMAL.cdf((z - 1.96 * math.sqrt(fraction)) / math.sqrt(1 - fraction))
    found = predictive_power(InterimResult(z, 50 * fraction), AT_THE_END, final_information=50, prior=None)
    assert found == pytest.approx(expected, abs=1e-12)


@given(st.floats(-2, 3), st.floats(0.1, 0.9), st.floats(0.5, 1.2), st.floats(0.1, 1))
def test_predictive_power_of_an_informative_prior(z, fraction, hazard_ratio, std_error):
    # On the scale of the log hazard ratio: posterior by weights, then the final estimate, whose variance is that of the
    # posterior and of the data to come.
    final, so_far = 50.0, 50 * fraction
    weight = 1 / std_error**2
    estimate = -z / math.sqrt(so_far)
    mean = (weight * math.log(hazard_ratio) + so_far * estimate) / (weight + so_far)
    variance = 1 / (weight + so_far)
    at_the_end = fraction * estimate + (1 - fraction) * mean
    spread = (1 - fraction) * math.sqrt(variance + 1 / (final - so_far))
    expected = NORMAL.cdf((-1.96 / math.sqrt(final) - at_the_end) / spread)
    found = predictive_power(
        InterimResult(z, so_far),
        AT_THE_END,
        final_information=final,
        prior=NormalPrior(hazard_ratio, std_error),
    )
    assert found == pytest.approx(expected, abs=1e-11)


def test_conditional_power_of_the_program_east():
    # gsDesign, tests/testthat/test-independent-test-gsCP.R: East 6.5 for gsDesign(k = 3, test.type = 2, n.fix = 800), that is
    # Hwang, Shih and DeCani with gamma -4, 0.025 at each side, power 0.9.
    design = group_sequential_design(
        equal_looks(3), alpha=0.05, sides=2, power=0.9, efficacy=hwang_shih_decani_spending(-4)
    )
    final = 800 * design.inflation
    interim = InterimResult(0.943317, final / 3)
    found = conditional_power(
        interim, design.boundaries, final_information=final, hazard_ratio=math.exp(-0.05733214)
    )
    assert found == pytest.approx(0.3306859, abs=1e-6)


# Laws


@few
@given(st.floats(-1, 3), st.floats(0.5, 0.95))
def test_conditional_power_rises_with_the_result_and_with_the_effect(z, hazard_ratio):
    def power(z, hazard_ratio):
        return conditional_power(
            InterimResult(z, 10), DESIGN.boundaries, final_information=50, hazard_ratio=hazard_ratio
        )

    assert power(z, hazard_ratio) < power(z + 0.1, hazard_ratio)
    assert power(z, hazard_ratio) < power(z, hazard_ratio - 0.05)


def test_power_is_the_mean_of_conditional_power():
    # Over z at a fraction of 0.2, before the first look, under a hazard ratio: by the midpoint rule.
    final = 60.0
    drift = -math.log(0.7) * math.sqrt(final)
    step = 0.05
    total = 0.0
    for i in range(-140, 140):
        z = (i + 0.5) * step
        mean = drift * math.sqrt(0.2)
        power = conditional_power(
            InterimResult(z + mean, 0.2 * final), DESIGN.boundaries, final_information=final, hazard_ratio=0.7
        )
        total += step * NORMAL.pdf(z) * power
    assert total == pytest.approx(stopping_probabilities(DESIGN.boundaries, drift).power, abs=1e-9)


@few
@given(st.floats(-1, 3), st.floats(0.5, 1.1))
def test_a_prior_that_knows_gives_conditional_power_and_one_that_does_not_is_flat(z, hazard_ratio):
    interim = InterimResult(z, 12)

    def predicted(prior):
        return predictive_power(interim, DESIGN.boundaries, final_information=50, prior=prior)

    known = conditional_power(interim, DESIGN.boundaries, final_information=50, hazard_ratio=hazard_ratio)
    assert predicted(NormalPrior(hazard_ratio, 1e-4)) == pytest.approx(known, abs=1e-5)
    assert predicted(NormalPrior(hazard_ratio, 1e5)) == pytest.approx(predicted(None), abs=1e-7)


def test_looks_held_already_do_not_count():
    interim = InterimResult(1.1, 35)  # beyond 0.6 of 50
    last = SequentialBoundaries((1.0,), DESIGN.boundaries.efficacy[-1:], sides=2)
    for looks in (DESIGN.boundaries, last):
        found = conditional_power(interim, looks, final_information=50, hazard_ratio=0.6)
        fraction = 0.7
        mean = 1.1 * math.sqrt(fraction) - math.log(0.6) * math.sqrt(50) * (1 - fraction)
        assert found == pytest.approx(
            1 - NORMAL.cdf((last.efficacy[0] - mean) / math.sqrt(1 - fraction)), abs=1e-12
        )


def test_futility_costs_conditional_power():
    interim = InterimResult(0.4, 15)
    obeyed, ignored = (
        conditional_power(interim, looks, final_information=50, hazard_ratio=0.6)
        for looks in (DESIGN.boundaries, DESIGN.boundaries.without_futility())
    )
    assert obeyed < ignored


# The result of a Cox model and of a log-rank test


def test_results_by_hand():
    interim = interim_from_hazard_ratio(0.7, 0.2)
    assert interim.z == pytest.approx(0.356675 / 0.2, abs=1e-5)
    assert interim.information == pytest.approx(25)
    assert interim.hazard_ratio == pytest.approx(0.7)
    # 20 events observed where 25.5 were expected, variance 12.1
    interim = interim_from_logrank(20, 25.5, 12.1)
    assert interim.z == pytest.approx(5.5 / math.sqrt(12.1))
    assert interim.information == 12.1
    assert interim.hazard_ratio == pytest.approx(math.exp(-5.5 / 12.1))


def test_the_outlook_holds_what_single_calls_give():
    interim, prior = interim_from_hazard_ratio(0.75, 0.25), NormalPrior(0.8, 0.3)
    final = 120 / 4
    found = estimate_conditional_power(
        interim, DESIGN.boundaries, final_information=final, design_hazard_ratio=0.6, prior=prior
    )

    def under(hazard_ratio):
        return conditional_power(
            interim, DESIGN.boundaries, final_information=final, hazard_ratio=hazard_ratio
        )

    assert found.fraction == pytest.approx(16 / 30)
    assert found.hazard_ratio == pytest.approx(0.75)
    assert (found.under_design, found.under_trend, found.under_null) == pytest.approx(
        (under(0.6), under(0.75), under(1)), abs=1e-12
    )
    assert found.under_design > found.under_trend > found.under_null
    assert found.predictive_prior == predictive_power(
        interim, DESIGN.boundaries, final_information=final, prior=prior
    )
    assert found.conventions["futility_obeyed"] is True
    assert found.conventions["prior_hazard_ratio"] == 0.8
    assert drift_of(0.6, 120) == pytest.approx(-math.log(0.6) * math.sqrt(final))
    without = estimate_conditional_power(
        interim, DESIGN.boundaries, final_information=final, design_hazard_ratio=0.6
    )
    assert without.predictive_prior is None


# Bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: InterimResult(math.nan, 10), "`z` must be a finite number, not nan"),
        (lambda: InterimResult(1, 0), "`information` must be finite and above 0, not 0"),
        (lambda: interim_from_hazard_ratio(0, 0.2), "`hazard_ratio` must be finite and above 0, not 0"),
        (lambda: interim_from_hazard_ratio(0.7, math.inf), "`std_error` must be finite and above 0, not inf"),
        (lambda: interim_from_logrank(-1, 3, 1), "`observed` must be a number of events, 0 or more, not -1"),
        (lambda: interim_from_logrank(1, 3, 0), "`variance` must be finite and above 0, not 0"),
        (lambda: NormalPrior(0.7, 0), "`std_error` must be finite and above 0, not 0"),
        (lambda: NormalPrior(-1, 1), "`hazard_ratio` must be finite and above 0, not -1"),
        (
            lambda: conditional_power(
                InterimResult(1, 50), AT_THE_END, final_information=50, hazard_ratio=0.6
            ),
            "`boundaries` must have a look after the interim, at an information fraction above 1",
        ),
        (
            lambda: conditional_power(InterimResult(1, 10), AT_THE_END, final_information=50, hazard_ratio=0),
            "`hazard_ratio` must be finite and above 0, not 0",
        ),
        (
            lambda: predictive_power(InterimResult(1, 10), AT_THE_END, final_information=-1, prior=None),
            "`final_information` must be finite and above 0, not -1",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
