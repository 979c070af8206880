import doctest
import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.statistics import brownian_motion, group_sequential
from trialwright.statistics.brownian_motion import root
from trialwright.statistics.error_spending import (
    hwang_shih_decani_spending,
    obrien_fleming_spending,
    pocock_spending,
    stated_spending,
)
from trialwright.statistics.group_sequential import (
    SequentialBoundaries,
    drift_of,
    efficacy_boundary,
    equal_looks,
    events_information,
    group_sequential_design,
    stopping_probabilities,
)
from trialwright.statistics.sample_size import schoenfeld_events

NORMAL = NormalDist()
few = settings(deadline=None, max_examples=15)
OBRIEN_FLEMING = obrien_fleming_spending()
POCOCK = pocock_spending()

spendings = st.one_of(
    st.just(OBRIEN_FLEMING), st.just(POCOCK), st.floats(-6, 4).map(hwang_shih_decani_spending)
)


@st.composite
def some_fractions(draw):
    """One to four looks, the last at 1."""
    thousandths = draw(st.sets(st.integers(20, 980), max_size=3))
    rising = sorted(thousandths)
    apart = [t for i, t in enumerate(rising) if i == 0 or t - rising[i - 1] >= 20]
    return (*(t / 1000 for t in apart), 1.0)


@st.composite
def some_designs(draw):
    return group_sequential_design(
        draw(some_fractions()),
        alpha=draw(st.floats(0.005, 0.1)),
        sides=draw(st.sampled_from([1, 2])),
        power=draw(st.floats(0.6, 0.95)),
        efficacy=draw(spendings),
        futility=draw(st.one_of(st.none(), spendings)),
        futility_binding=draw(st.booleans()),
    )


def test_examples_in_docstrings():
    results = doctest.testmod(group_sequential)
    assert results.attempted > 5
    assert results.failed == 0


# Against published numbers; many more stand in tests/oracle


def pocock(n_looks, constant):
    return SequentialBoundaries(equal_looks(n_looks), (constant,) * n_looks, sides=2)


def obrien_fleming(n_looks, constant):
    z = tuple(constant * math.sqrt(n_looks / k) for k in range(1, n_looks + 1))
    return SequentialBoundaries(equal_looks(n_looks), z, sides=2)


# R 4.2.2: qnorm(2 * pnorm(qnorm(alpha / 2) / sqrt(t)), lower.tail = FALSE); what an early look may spend is far out in the tail.
@pytest.mark.parametrize(
    ("fraction", "alpha", "z"),
    [(0.08, 0.025, 7.83795903887686), (0.1, 0.025, 6.99135170707742), (0.15, 0.025, 5.66966960168567)],
)
def test_the_boundary_of_a_very_early_look(fraction, alpha, z):
    found = efficacy_boundary((fraction, 1), alpha=alpha, sides=1, spending=OBRIEN_FLEMING)
    assert found.efficacy[0] == pytest.approx(z, abs=1e-9)


def test_p_values_far_out_in_the_tail():
    # R 4.2.2: 2 * pnorm(-7), 2 * pnorm(-2)
    found = SequentialBoundaries((0.1, 1), (7, 2), sides=2)
    assert found.p_values == pytest.approx((2.55962508777167e-12, 0.0455002638963584), rel=1e-12)


def with_level(boundaries, n_looks):
    """The looks whose type I error is 5 %, two-sided."""
    constant = root(lambda z: stopping_probabilities(boundaries(n_looks, z), 0).power - 0.025, 1.9, 3)
    return boundaries(n_looks, constant)


def information(boundaries, n_looks, power, *effects):
    """In percent of the information of one look: that of the last look, and what is expected under multiples of the drift."""
    looks = with_level(boundaries, n_looks)
    drift = root(lambda drift: stopping_probabilities(looks, drift).power - power, 1, 8)
    most = 100 * (drift / (NORMAL.inv_cdf(0.975) + NORMAL.inv_cdf(power))) ** 2
    return [most, *(most * stopping_probabilities(looks, one * drift).expected_fraction for one in effects)]


# Jennison and Turnbull 2000, tables 2.7 and 2.8 (pages 37 and 38), as the tests of the R package gsDesign quote them
# (github.com/keaven/gsDesign, inst/unitTests/runit.output.R). `tests/oracle/group_sequential/classical.R` has more digits.
@pytest.mark.parametrize(
    ("boundaries", "n_looks", "power", "most", "expected"),
    [
        pytest.param(pocock, 4, 0.8, 120.2, {0: 117.5, 0.5: 108.8, 1: 80.5, 1.5: 52.2}, id="Pocock, 4 looks"),
        pytest.param(pocock, 15, 0.9, 130.5, {0: 126.4, 0.5: 111.2, 1: 66.4, 1.5: 35.4}, id="Pocock, 15 looks"),
        pytest.param(obrien_fleming, 5, 0.8, 102.8, {0: 102.1}, id="O'Brien-Fleming, 5 looks"),
        pytest.param(obrien_fleming, 20, 0.9, 104.5, {0: 103.4}, id="O'Brien-Fleming, 20 looks"),
    ],
)  # fmt: skip
def test_information_of_pocock_and_of_obrien_and_fleming(boundaries, n_looks, power, most, expected):
    found = information(boundaries, n_looks, power, *expected)
    assert [round(one, 1) for one in found] == [most, *expected.values()]


def test_pocock_by_sas():
    # SAS/STAT 14.1 User's Guide, The SEQDESIGN Procedure, example 101.3: maximum information, and expected without and with effect;
    # by rpact it is exact to 1e-4.
    assert information(pocock, 4, 0.9, 0, 1) == pytest.approx([118.3143, 115.6074, 69.74805], abs=1e-4)


def test_example_of_sas():
    # SAS/STAT 14.1 User's Guide, The SEQDESIGN Procedure, example 101.8: five looks, O'Brien-Fleming type for alpha, Pocock type
    # for beta, both boundaries kept. Information in percent of that with one look; SAS is exact to 3e-4 of a percent, by rpact.
    design = group_sequential_design(
        equal_looks(5),
        alpha=0.025,
        sides=1,
        power=0.9,
        efficacy=OBRIEN_FLEMING,
        futility=POCOCK,
        futility_binding=True,
    )
    assert 100 * design.inflation == pytest.approx(119.4278, abs=5e-5)
    for drift, percent in ((0, 50.35408), (design.drift, 78.77223)):
        information = stopping_probabilities(design.boundaries, drift).expected_fraction * design.inflation
        assert 100 * information == pytest.approx(percent, abs=3e-4)


# What boundaries do where z is not of standard deviation 1


@pytest.mark.parametrize("std_dev", [0.8, 1.0, 1.3])
def test_one_look_at_a_z_of_any_standard_deviation(std_dev):
    once = SequentialBoundaries((1.0,), (2.0,), (0.5,), sides=2)
    found = stopping_probabilities(once, 1.5, std_dev=std_dev)
    below = NormalDist(1.5, std_dev).cdf
    assert found.efficacy == pytest.approx((1 - below(2),))
    assert found.harm == pytest.approx((below(-2),))
    assert found.futility == pytest.approx((below(0.5) - below(-0.5),))


def test_two_looks_at_a_z_of_another_standard_deviation_by_integration():
    # z of the first look, then that of the second given it: correlation sqrt(0.4), both of standard deviation 0.7.
    std_dev, drift, share = 0.7, 2.5, 0.4
    first = NormalDist(drift * math.sqrt(share), std_dev)
    later = NormalDist(0, std_dev * math.sqrt(1 - share))
    points = np.linspace(-2.5, 2.5, 4001)
    mean = [drift + math.sqrt(share) * (z - first.mean) for z in points]
    reach = [first.pdf(z) * (1 - later.cdf(2.1 - m)) for z, m in zip(points, mean, strict=True)]
    found = stopping_probabilities(
        SequentialBoundaries((share, 1.0), (2.5, 2.1), sides=2), drift, std_dev=std_dev
    )
    assert found.efficacy[0] == pytest.approx(1 - first.cdf(2.5), rel=1e-9)
    assert found.efficacy[1] == pytest.approx(np.trapezoid(reach, points), rel=1e-6)


@pytest.mark.parametrize(
    ("fractions", "spending", "z"),
    [
        pytest.param((0.5, 0.75, 1), OBRIEN_FLEMING, (2.962588, 2.359018, 2.014084), id="help page of gs_b"),
        pytest.param(
            equal_looks(3),
            stated_spending((0.04, 0.4, 1)),  # 0.001, 0.009 and 0.015
            (3.09023230616781, 2.34482438570837, 2.03950136608231),
            id="gsBound1, test-c-numerics-regression.R",
        ),
    ],
)
def test_boundaries_of_the_r_package_gsdesign(fractions, spending, z):
    found = efficacy_boundary(fractions, alpha=0.025, sides=1, spending=spending)
    assert found.efficacy == pytest.approx(z, abs=6e-7)


def test_probabilities_of_the_r_package_gsdesign():
    # gsDesign, tests/testthat/test-c-numerics-regression.R, gsProbability and gsBound
    looks = SequentialBoundaries((0.3, 0.6, 1.0), (2.5, 2.25, 2.0), (-0.5, -0.75, -1.0))
    found = stopping_probabilities(looks, 0.25)
    assert found.efficacy == pytest.approx(
        (0.00906213856022171, 0.0160735550179362, 0.0271031723267736), abs=5e-9
    )
    assert found.futility == pytest.approx(
        (0.26208501204865, 0.052087603770101, 0.0197314332763651), abs=5e-9
    )
    both = SequentialBoundaries(
        equal_looks(3),
        (2.32634787404084, 2.21929929409811, 2.12012742952919),
        (-2.05374891063182, -1.91418286953087, -1.78920626107788),
    )
    found = stopping_probabilities(both, 0)
    assert found.efficacy == pytest.approx((0.01,) * 3, abs=1e-7)
    assert found.futility == pytest.approx((0.02,) * 3, abs=1e-7)


# Spending


@pytest.mark.parametrize(
    ("spending", "spent"),
    [
        # 2 - 2 Phi(2.241403 / sqrt(0.5)) = 2 - 2 Phi(3.169822)
        pytest.param(OBRIEN_FLEMING, 0.0015253, id="O'Brien-Fleming type"),
        pytest.param(POCOCK, 0.025 * math.log(1 + (math.e - 1) / 2), id="Pocock type"),
        pytest.param(hwang_shih_decani_spending(0), 0.0125, id="gamma 0 is even"),
        pytest.param(hwang_shih_decani_spending(1e-9), 0.0125, id="gamma near 0 is nearly even"),
        # 0.025 (1 - e^2) / (1 - e^4) = 0.025 / (1 + e^2)
        pytest.param(hwang_shih_decani_spending(-4), 0.025 / (1 + math.exp(2)), id="gamma -4"),
        pytest.param(hwang_shih_decani_spending(1), 0.025 / (1 + math.exp(-0.5)), id="gamma 1"),
    ],
)
def test_half_way_so_much_is_spent(spending, spent):
    assert spending.spent((0.5, 1.0), 0.025) == (pytest.approx(spent, abs=1e-7), 0.025)


@given(some_fractions(), spendings, st.floats(0.001, 0.5))
def test_spending_rises_to_all(fractions, spending, total):
    spent = spending.spent(fractions, total)
    assert list(spent) == sorted(spent)
    assert spent[0] >= 0
    assert spent[-1] == total


def test_a_look_that_spends_nothing_cannot_stop():
    found = efficacy_boundary((0.3, 0.6, 1), alpha=0.05, sides=2, spending=stated_spending((0, 0.2, 1)))
    assert found.efficacy[0] == math.inf
    assert found.efficacy[1] == pytest.approx(NORMAL.inv_cdf(1 - 0.005), abs=1e-9)
    assert found.p_values[0] == 0
    assert found.hazard_ratios(100)[0][0] is None
    assert stopping_probabilities(found, 3).efficacy[0] == 0


def test_what_is_too_small_to_spend_is_spent_later():
    # 2 - 2 Phi(2.241403 / sqrt(0.05)) is 1e-23
    found = efficacy_boundary((0.05, 1), alpha=0.05, sides=2, spending=OBRIEN_FLEMING)
    assert found.efficacy == (math.inf, pytest.approx(NORMAL.inv_cdf(0.975), abs=1e-12))


# What designs hold


@few
@given(some_designs())
def test_designs_spend_what_they_may_and_have_their_power(design):
    boundaries = design.boundaries
    counted = boundaries if design.futility_binding else boundaries.without_futility()
    by_chance = stopping_probabilities(counted, 0)
    assert np.cumsum(by_chance.efficacy) == pytest.approx(design.alpha_spent, abs=1e-9)
    assert by_chance.power == pytest.approx(design.alpha / boundaries.sides, abs=1e-9)
    wanted = stopping_probabilities(boundaries, design.drift)
    assert wanted.power == pytest.approx(design.power, abs=1e-9)
    if boundaries.futility is not None:
        assert np.cumsum(wanted.futility)[:-1] == pytest.approx(design.beta_spent[:-1], abs=1e-9)
        assert stopping_probabilities(boundaries, 0).power <= design.alpha / boundaries.sides + 1e-9
        assert wanted.not_stopped == pytest.approx(0, abs=1e-9)
    assert design.inflation >= 1 - 1e-9
    assert boundaries == design.boundaries_at(boundaries.fractions)


@few
@given(some_designs(), st.floats(-2, 5), st.floats(0.1, 2))
def test_laws_of_stopping(design, drift, more):
    looks = design.boundaries
    found, better = (stopping_probabilities(looks, one) for one in (drift, drift + more))
    everything = (*found.efficacy, *found.futility, *found.harm, found.not_stopped)
    assert math.fsum(everything) == pytest.approx(1, abs=1e-9)
    assert min(everything) >= 0
    assert found.power < better.power
    assert looks.fractions[0] <= found.expected_fraction + 1e-9
    assert found.expected_fraction <= 1 + 1e-9
    mirrored = stopping_probabilities(looks, -drift)
    if looks.sides == 2:
        assert found.harm == pytest.approx(mirrored.efficacy, abs=1e-9)
        assert found.futility == pytest.approx(mirrored.futility, abs=1e-9)
    else:
        assert found.harm == (0,) * len(looks.fractions)


@few
@given(st.floats(0.001, 0.2), st.sampled_from([1, 2]), st.floats(0.5, 0.99), spendings)
def test_one_look_is_the_fixed_design(alpha, sides, power, spending):
    design = group_sequential_design(
        (1,), alpha=alpha, sides=sides, power=power, efficacy=spending, futility=spending
    )
    assert design.boundaries.efficacy == (pytest.approx(-NORMAL.inv_cdf(alpha / sides), abs=1e-9),)
    assert design.boundaries.p_values == (pytest.approx(alpha, abs=1e-9),)
    assert design.inflation == pytest.approx(1, abs=1e-9)
    needed = schoenfeld_events(0.6, alpha=alpha, sides=sides, power=power, share_treated=0.3).exact
    assert design.events(0.6, share_treated=0.3) == pytest.approx(needed, rel=1e-9)


@few
@given(some_fractions(), spendings)
def test_later_looks_leave_earlier_boundaries_alone(fractions, spending):
    until_now = fractions[: max(len(fractions) - 1, 1)]
    whole, part = (
        efficacy_boundary(some, alpha=0.05, sides=2, spending=spending) for some in (fractions, until_now)
    )
    assert whole.efficacy[: len(until_now)] == pytest.approx(part.efficacy, abs=1e-9)


@pytest.mark.parametrize("sides", [1, 2])
def test_binding_futility_lets_efficacy_be_reached_more_easily(sides):
    binding, free = (
        group_sequential_design(
            equal_looks(3),
            alpha=0.05,
            sides=sides,
            power=0.8,
            efficacy=OBRIEN_FLEMING,
            futility=POCOCK,
            futility_binding=one,
        )
        for one in (True, False)
    )
    assert binding.boundaries.efficacy[0] == free.boundaries.efficacy[0]
    assert binding.boundaries.efficacy[2] < free.boundaries.efficacy[2]
    assert binding.inflation < free.inflation
    # Gone on beyond a binding rule for futility, the error exceeds alpha; a non-binding rule costs some of it.
    assert stopping_probabilities(binding.boundaries.without_futility(), 0).power > 0.05 / sides
    assert stopping_probabilities(free.boundaries, 0).power < 0.05 / sides


def test_the_design_at_other_looks_than_planned():
    design = group_sequential_design(
        (0.5, 1), alpha=0.05, sides=1, power=0.8, efficacy=OBRIEN_FLEMING, futility=POCOCK
    )
    held = design.boundaries_at((0.4, 0.7))
    by_chance = stopping_probabilities(held.without_futility(), 0)
    assert np.cumsum(by_chance.efficacy) == pytest.approx(OBRIEN_FLEMING.spent((0.4, 0.7), 0.05), abs=1e-9)
    stopped = stopping_probabilities(held, design.drift)
    assert np.cumsum(stopped.futility) == pytest.approx(POCOCK.spent((0.4, 0.7), 0.2), abs=1e-9)
    assert stopped.not_stopped > 0.1


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param(
            SequentialBoundaries((0.1, 0.13, 0.9, 1), (3.0, 2.5, 2.2, 2.0), (-0.5, 0.0, 1.0, 1.5), sides=2),
            id="two-sided with futility",
        ),
        pytest.param(
            SequentialBoundaries((0.5, 0.503, 0.505, 1), (2.5, 2.4, 2.4, 2.0)), id="a crowd of looks"
        ),
    ],
)
def test_twice_as_many_nodes_change_nothing(monkeypatch, looks):
    found = stopping_probabilities(looks, 1.5)
    nodes, weights = np.polynomial.legendre.leggauss(32)
    monkeypatch.setattr(brownian_motion, "_NODES", nodes)
    monkeypatch.setattr(brownian_motion, "_WEIGHTS", weights)
    finer = stopping_probabilities(looks, 1.5)
    assert found.efficacy == pytest.approx(finer.efficacy, abs=1e-11)
    assert found.futility == pytest.approx(finer.futility, abs=1e-11)


def test_looks_as_close_as_they_may_be():
    # By hand: the second look adds nothing but the chance of two nearly equal z about 2.
    looks = SequentialBoundaries((0.999, 1.0), (2.0, 2.0))
    found = stopping_probabilities(looks, 0)
    draws = np.random.default_rng(1).standard_normal((2, 400_000))
    first = draws[0]
    second = math.sqrt(0.999) * first + math.sqrt(0.001) * draws[1]
    share = np.mean((first < 2) & (second >= 2))
    assert found.efficacy[0] == pytest.approx(NORMAL.cdf(-2), abs=1e-12)
    assert found.efficacy[1] == pytest.approx(share, abs=4 * math.sqrt(share / 400_000))


# Scales


def test_hazard_ratios_at_the_boundaries_by_hand():
    looks = SequentialBoundaries((0.5, 1), (2.9626, 1.9686), (0.5, 1.9686))
    efficacy, futility = looks.hazard_ratios(100)
    # exp(-2.9626 / sqrt(12.5)), exp(-1.9686 / 5), exp(-0.5 / sqrt(12.5))
    assert efficacy == pytest.approx((0.43261, 0.67453), abs=1e-4)
    assert futility == pytest.approx((0.86812, 0.67453), abs=1e-4)
    assert looks.p_values == pytest.approx((0.001525, 0.024500), abs=1e-5)
    assert looks.futility_p_values[0] == pytest.approx(0.308538, abs=1e-6)
    assert SequentialBoundaries((1,), (1.96,), sides=2).p_values == pytest.approx((0.05,), abs=1e-4)


def test_drift_by_hand():
    # -ln 0.6 = 0.510826; 120 x 0.3 x 0.7 = 25.2
    assert drift_of(0.6, 120, share_treated=0.3) == pytest.approx(0.510826 * math.sqrt(25.2), abs=1e-5)
    assert drift_of(1, 120) == 0
    assert events_information(120, share_treated=0.3) == pytest.approx(25.2)


# Bad input

STANDARD = {"alpha": 0.05, "sides": 2, "power": 0.8, "efficacy": OBRIEN_FLEMING}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: group_sequential_design((0.5, 0.9), **STANDARD),
            "`fractions` must end at 1, the last look, not at 0.9",
        ),
        (
            lambda: group_sequential_design((0.5, 0.5, 1), **STANDARD),
            r"`fractions\[1\]` must be at least 0.001 above 0.5 and at most 1, not 0.5",
        ),
        (
            lambda: group_sequential_design((0.5, 1.2), **STANDARD),
            r"`fractions\[1\]` must be at least 0.001 above 0.5 and at most 1, not 1.2",
        ),
        (lambda: group_sequential_design((), **STANDARD), "`fractions` must hold at least one look"),
        (
            lambda: group_sequential_design((1,), **(STANDARD | {"alpha": 1.5})),
            "`alpha` must be between 0 and 1",
        ),
        (
            lambda: group_sequential_design((1,), **(STANDARD | {"power": 1})),
            "`power` must be between 0 and 1",
        ),
        (
            lambda: group_sequential_design((1,), **(STANDARD | {"power": 0.02})),
            "`power` must exceed the type I error of one side, 0.025, and is 0.02",
        ),
        (lambda: group_sequential_design((1,), **(STANDARD | {"sides": 3})), "`sides` must be 1 or 2, not 3"),
        (
            lambda: group_sequential_design((0.5, 1), futility=stated_spending((0.5, 0.9)), **STANDARD),
            "`futility` must state 1 for the last look, not 0.9",
        ),
        (
            lambda: group_sequential_design((0.5, 1), futility=stated_spending((1,)), **STANDARD),
            "`shares` must be stated for each of 2 looks, not for 1",
        ),
        (
            lambda: stated_spending((0.5, 0.4)),
            r"`shares\[1\]` must lie between 0.5, as before it, and 1, not 0.4",
        ),
        (lambda: stated_spending(()), "`shares` must hold a share for each look"),
        (lambda: hwang_shih_decani_spending(41), "`gamma` must be between -40.0 and 40.0, not 41"),
        (lambda: SequentialBoundaries((0.5, 1), (2,)), "`efficacy` must have 2 values, not 1"),
        (lambda: SequentialBoundaries((1,), (math.nan,)), r"`efficacy\[0\]` must be a z, not missing"),
        (
            lambda: SequentialBoundaries((1,), (2,), (2.1,)),
            r"`futility\[0\]` must be at most `efficacy\[0\]`, 2",
        ),
        (
            lambda: SequentialBoundaries((1,), (-2,), sides=2),
            r"`efficacy\[0\]` must be 0 or more for a two-sided",
        ),
        (lambda: SequentialBoundaries((1,), (2,), sides=0), "`sides` must be 1 or 2, not 0"),
        (
            lambda: stopping_probabilities(pocock(2, 2.178), 1, std_dev=0),
            "`std_dev` must be finite and above 0, not 0",
        ),
        (
            lambda: stopping_probabilities(pocock(2, 2.178), math.nan),
            "`drift` must be a finite number, not nan",
        ),
        (lambda: group_sequential_design((1,), **STANDARD).events(1), "`hazard_ratio` must differ from 1"),
        (
            lambda: group_sequential_design((1,), **STANDARD).events(1.4),
            "`hazard_ratio` must be between 0 and 1",
        ),
        (lambda: drift_of(0, 100), "`hazard_ratio` must be finite and above 0, not 0"),
        (lambda: events_information(0), "`n_events` must be finite and above 0, not 0"),
        (lambda: events_information(10, share_treated=1), "`share_treated` must be between 0 and 1, not 1"),
        (lambda: equal_looks(0), "`n_looks` must be 1 or more, not 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_binding_futility_that_leaves_too_few_is_refused():
    with pytest.raises(ValueError, match="`futility` must spend less early"):
        group_sequential_design(
            (0.5, 1), futility=stated_spending((1, 1)), futility_binding=True, **(STANDARD | {"sides": 1})
        )
