import doctest
import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.statistics import rate_precision, single_arm
from trialwright.statistics.rate_precision import interval_precision, subjects_to_exclude
from trialwright.statistics.sample_size import excluded_rate
from trialwright.statistics.single_arm import (
    fitting_hypotheses,
    require_power,
    simon_designs,
    single_stage,
    single_stage_by_n,
    single_stage_subjects,
    smallest_target_rate,
    two_stage,
)

unhurried = settings(deadline=None, max_examples=40)  # the machine may be busy
STANDARD = {"alpha": 0.05, "power": 0.8}


def exactly(x, n, rate):
    return math.comb(n, x) * rate**x * (1 - rate) ** (n - x)


def at_least(x, n, rate):
    return math.fsum(exactly(k, n, rate) for k in range(x, n + 1))


@st.composite
def hypotheses(draw, narrowest=0.15):
    null = draw(st.floats(0.02, 0.95 - narrowest))
    return {"null_rate": null, "target_rate": draw(st.floats(null + narrowest, 0.97))}


@pytest.mark.parametrize(("module", "least"), [(single_arm, 8), (rate_precision, 3)])
def test_examples_in_docstrings(module, least):
    results = doctest.testmod(module)
    assert results.attempted >= least
    assert results.failed == 0


# One stage


@unhurried
@given(st.integers(1, 40), hypotheses(0.01), st.floats(0.005, 0.3))
def test_one_stage_from_the_definition(n, rates, alpha):
    found = single_stage(n, **rates, alpha=alpha)
    tails = [at_least(x, n, rates["null_rate"]) for x in range(n + 1)]
    fewest = next((x for x in range(1, n + 1) if tails[x] <= alpha), None)
    assert found.events_needed == fewest
    if fewest is None:
        assert (found.type_1_error, found.power) == (0, 0)
    else:
        assert found.type_1_error == pytest.approx(tails[fewest], rel=1e-9)
        assert found.power == pytest.approx(at_least(fewest, n, rates["target_rate"]), rel=1e-9)


def test_a_type_1_error_of_exactly_alpha_is_allowed():
    # Two of two at a rate of 0.5: 0.25.
    assert single_stage(2, null_rate=0.5, target_rate=0.6, alpha=0.25).events_needed == 2
    refused = single_stage(2, null_rate=0.5, target_rate=0.6, alpha=0.249)
    assert (refused.events_needed, refused.type_1_error, refused.power) == (None, 0, 0)


def test_saw_tooth_falls_only_where_one_event_more_is_needed():
    teeth = single_stage_by_n(80, null_rate=0.1, target_rate=0.25, alpha=0.05)
    assert [one.n for one in teeth] == list(range(1, 81))
    able = [one for one in teeth if one.events_needed is not None]
    falls = 0
    for before, after in itertools.pairwise(able):
        assert after.events_needed - before.events_needed in (0, 1)
        assert (after.power < before.power) == (after.events_needed > before.events_needed)
        falls += after.power < before.power
    assert falls > 5


@unhurried
@given(hypotheses(), st.sampled_from([0.8, 0.9]))
def test_first_and_lasting_number_of_patients(rates, power):
    asked = rates | {"alpha": 0.05}
    found = single_stage_subjects(**asked, power=power)
    reached = [one.power >= power for one in single_stage_by_n(found.lasting.n + 60, **asked)]
    assert found.first.n == reached.index(True) + 1
    assert all(reached[found.lasting.n - 1 :])
    assert found.lasting.n == 1 or not reached[found.lasting.n - 2]
    assert found.lasting == single_stage(found.lasting.n, **asked)


@unhurried
@given(hypotheses(0.1))
def test_from_where_it_is_certain_the_power_is_there(rates):
    enough = single_arm._certainly_enough(*rates.values(), 0.05, 0.8)
    later = single_stage_by_n(enough + 40, **rates, alpha=0.05)[enough - 1 :]
    assert min(one.power for one in later) >= 0.8


@pytest.mark.parametrize(
    ("n", "null_rate", "alpha", "target"),
    [
        pytest.param(1, 0.04, 0.05, 0.8, id="one event in one patient"),
        pytest.param(2, 0.2, 0.05, math.sqrt(0.8), id="two of two, whose probability is the square"),
        pytest.param(2, 0.2, 0.4, 1 - math.sqrt(0.2), id="one of two is enough"),
        pytest.param(2, 0.2, 0.03, None, id="nothing rejects"),
    ],
)
def test_smallest_target_rate_by_hand(n, null_rate, alpha, target):
    found = smallest_target_rate(n, null_rate=null_rate, alpha=alpha, power=0.8)
    assert found == (None if target is None else pytest.approx(target, rel=1e-12))


@unhurried
@given(st.integers(5, 60), st.floats(0.02, 0.5))
def test_the_smallest_target_rate_just_has_the_power(n, null_rate):
    target = smallest_target_rate(n, null_rate=null_rate, **STANDARD)
    if target is None:
        assert single_stage(n, null_rate=null_rate, target_rate=0.9, alpha=0.05).events_needed is None
        return
    for rate, reaches in ((target, True), (target * (1 - 1e-6), False)):
        found = single_stage(n, null_rate=null_rate, target_rate=rate, alpha=0.05)
        assert (found.power >= 0.8 * (1 - 1e-10)) is reaches


def test_require_power_names_the_nearest_that_works():
    asked = {"null_rate": 0.6, "target_rate": 0.7, "alpha": 0.1, "power": 0.9}
    assert require_power(156, **asked).events_needed == 102
    # 156, 157, 159, 160 and 162 have the power (clinfun), 158 does not.
    with pytest.raises(ValueError, match=r"`n` of 158 has a power of 0\.89, not 0\.9") as refused:
        require_power(158, **asked)
    assert "the nearest that works: `n` of 159 or `target_rate` of 0.702" in str(refused.value)
    require_power(158, **asked | {"target_rate": 0.702})
    with pytest.raises(ValueError, match="has a power of"):
        require_power(158, **asked | {"target_rate": 0.7018})


def test_require_power_where_no_number_of_events_rejects():
    with pytest.raises(ValueError, match=r"`n` of 1 has a power of 0, not 0\.8") as refused:
        require_power(1, null_rate=0.2, target_rate=0.9, **STANDARD)
    assert str(refused.value).endswith("the nearest that works: `n` of 2")  # 0.2^2 = 0.04, 0.9^2 = 0.81


# Two stages


@unhurried
@given(st.data(), hypotheses(0.01))
def test_two_stages_by_going_through_all_outcomes(data, rates):
    n = data.draw(st.integers(2, 14))
    n1 = data.draw(st.integers(1, n - 1))
    r1 = data.draw(st.integers(0, n1 - 1))
    r = data.draw(st.integers(r1, n - 1))
    found = two_stage(r1, n1, r, n, **rates)
    outcomes = [(x, y) for x in range(n1 + 1) for y in range(n - n1 + 1)]
    for rate, rejected, early, expected_n in (
        (rates["null_rate"], found.type_1_error, found.stop_early, found.expected_n),
        (rates["target_rate"], found.power, found.stop_early_if_target, found.expected_n_if_target),
    ):
        chance = {(x, y): exactly(x, n1, rate) * exactly(y, n - n1, rate) for x, y in outcomes}
        assert rejected == pytest.approx(
            math.fsum(p for (x, y), p in chance.items() if x > r1 and x + y > r), rel=1e-9
        )
        stops = math.fsum(p for (x, _), p in chance.items() if x <= r1)
        assert early == pytest.approx(stops, rel=1e-9)
        assert expected_n == pytest.approx(n1 * stops + n * (1 - stops), rel=1e-9)


@settings(deadline=None, max_examples=15)
@given(hypotheses(0.3))
def test_simon_designs_hold_what_they_promise(rates):
    found = simon_designs(**rates, **STANDARD)
    for design in (found.optimal, found.minimax):
        assert design.type_1_error <= 0.05 * (1 + 1e-10)
        assert design.power >= 0.8 * (1 - 1e-10)
    assert found.minimax.n <= found.optimal.n
    assert found.optimal.expected_n <= found.minimax.expected_n
    # A test of one stage may need as few as any, never fewer than the fewest of a test that draws lots.
    null, target = (single_arm._Binomials(rate) for rate in rates.values())
    assert single_arm._fewest_for_any_test(null, target, 0.05, 0.8, 300) <= found.minimax.n


# What fits


def test_what_43_patients_fit():
    nulls, targets = [0.1, 0.3], [0.25, 0.5]
    found = fitting_hypotheses(43, null_rates=nulls, target_rates=targets, **STANDARD)
    by_hand = set()
    for null, target in [(0.1, 0.25), (0.1, 0.5), (0.3, 0.5)]:
        asked = {"null_rate": null, "target_rate": target} | STANDARD
        simon, single = simon_designs(**asked), single_stage_subjects(**asked)
        by_hand |= {
            (null, target, name, n)
            for name, n in (
                ("single stage, first n", single.first.n),
                ("single stage, every n from here", single.lasting.n),
                ("Simon, optimal", simon.optimal.n),
                ("Simon, minimax", simon.minimax.n),
            )
        }
    assert {(one.null_rate, one.target_rate, one.design) for one in found} == {
        (null, target, name) for null, target, name, n in by_hand if n == 43
    }
    assert {one.design for one in found} == {"Simon, optimal", "single stage, every n from here"}
    assert all(one.power >= 0.8 and one.type_1_error <= 0.05 for one in found)


def test_each_design_can_fit():
    asked = {"null_rates": [0.1], "target_rates": [0.3], **STANDARD}
    single = single_stage_subjects(null_rate=0.1, target_rate=0.3, **STANDARD)
    for n, name in (
        (25, "Simon, minimax"),
        (29, "Simon, optimal"),
        (single.first.n, "single stage, first n"),
        (single.lasting.n, "single stage, every n from here"),
    ):
        assert name in [one.design for one in fitting_hypotheses(n, **asked)]
    assert fitting_hypotheses(60, **asked) == ()
    # From 30 % to 50 % the power is there with 39, again with 41, and from 43 on; 41 is neither the first nor the last.
    between = fitting_hypotheses(41, null_rates=[0.3], target_rates=[0.5], **STANDARD)
    assert not [one for one in between if "single" in one.design]
    # As printed by ph2simon of clinfun: 5/25 and 5/29 are the most events that do not reject.
    for n in (25, 29):
        found = {one.design: one for one in fitting_hypotheses(n, **asked)}
        assert next(one for name, one in found.items() if "Simon" in name).events_needed == 6


# Precision


def test_what_43_patients_exclude():
    none, one = interval_precision(43, [0, 1], conf_level=0.95)
    # 1 - 0.025^(1/43) and 1 - 0.05^(1/43)
    assert none.conf_high == pytest.approx(-math.expm1(math.log(0.025) / 43), rel=1e-12)
    assert none.excluded_one_sided == pytest.approx(-math.expm1(math.log(0.05) / 43), rel=1e-12)
    assert (none.conf_low, none.estimate, none.conf_level) == (0, 0, 0.95)
    assert none.half_width == none.conf_high / 2
    assert one.conf_high == pytest.approx(excluded_rate(1, 43, confidence=0.95, sides=2), rel=1e-12)


@pytest.mark.parametrize(
    ("rate", "sides", "confidence", "n"),
    [
        pytest.param(0.1, 1, 0.95, 29, id="0.9^29 = 0.0471, 0.9^28 = 0.0523"),
        pytest.param(0.1, 2, 0.95, 36, id="0.9^36 = 0.0225, 0.9^35 = 0.0250 and a little"),
        pytest.param(0.5, 1, 0.75, 2, id="0.5^2 is exactly 0.25"),
        pytest.param(0.5, 1, 0.76, 3, id="0.24 is less"),
        pytest.param(0.99, 1, 0.9, 1, id="one patient"),
    ],
)
def test_subjects_to_exclude_without_an_event(rate, sides, confidence, n):
    assert subjects_to_exclude(rate, n_events=0, confidence=confidence, sides=sides) == n


@unhurried
@given(st.floats(0.02, 0.9), st.integers(0, 6), st.sampled_from([1, 2]))
def test_one_patient_fewer_does_not_exclude(rate, n_events, sides):
    n = subjects_to_exclude(rate, n_events=n_events, confidence=0.95, sides=sides)
    for subjects, excludes in ((n, True), (n - 1, False)):
        if subjects > n_events:
            limit = excluded_rate(n_events, subjects, confidence=0.95, sides=sides)
            assert (limit <= rate * (1 + 1e-9)) is excludes


# Arguments


RATES = {"null_rate": 0.1, "target_rate": 0.3}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: single_stage(0, **RATES, alpha=0.05), "`n` must be a whole number from 1 to 10000, not 0"),
        (lambda: single_stage(2.0, **RATES, alpha=0.05), "`n` must be a whole number"),
        (lambda: single_stage(9, null_rate=0.3, target_rate=0.3, alpha=0.05), "above `null_rate` of 0.3"),
        (
            lambda: single_stage(9, null_rate=0.3, target_rate=0.1, alpha=0.05),
            "to show that a rate is low, count the patients without the event",
        ),
        (lambda: single_stage(9, null_rate=0, target_rate=0.1, alpha=0.05), "`null_rate` must be between"),
        (lambda: single_stage(9, null_rate=0.1, target_rate=30, alpha=0.05), "`target_rate` must be between"),
        (lambda: single_stage(9, **RATES, alpha=1), "`alpha` must be between"),
        (lambda: single_stage(9, **RATES, alpha=math.nan), "`alpha` must be between"),
        (lambda: single_stage_subjects(**RATES, alpha=0.05, power=1), "`power` must be between"),
        (lambda: single_stage_subjects(**RATES, alpha=0.05, power=0.05), "`power` must be above `alpha` of 0.05"),
        (lambda: smallest_target_rate(9, null_rate=0.1, alpha=0.9, power=0.8), "`power` must be above `alpha`"),
        (lambda: simon_designs(**RATES, alpha=0.05, power=80), "`power` must be between"),
        (lambda: two_stage(3, 3, 5, 9, **RATES), "`r1` must be a whole number from 0 to 2, not 3"),
        (lambda: two_stage(1, 9, 5, 9, **RATES), "`n1` must be a whole number from 1 to 8, not 9"),
        (lambda: two_stage(2, 3, 1, 9, **RATES), "`r` must be a whole number from 2 to 8, not 1"),
        (lambda: interval_precision(0, [0], conf_level=0.95), "`n_subjects` must be a whole number of 1"),
        (lambda: interval_precision(3, [0, 4], conf_level=0.95), r"`n_events\[1\]` must be .* from 0 to 3, not 4"),
        (lambda: interval_precision(3, [0], conf_level=95), "`conf_level` must be between"),
        (lambda: subjects_to_exclude(1, n_events=0, confidence=0.95, sides=2), "`rate` must be between"),
        (lambda: subjects_to_exclude(0.1, n_events=-1, confidence=0.95, sides=2), "`n_events` must be"),
        (lambda: subjects_to_exclude(0.1, n_events=0, confidence=0.95, sides=3), "`sides` must be 1 or 2"),
        (
            lambda: fitting_hypotheses(9, null_rates=[0.1, 0], target_rates=[0.3], **STANDARD),
            r"`null_rates\[1\]` must be between",
        ),
        (lambda: fitting_hypotheses(1, null_rates=[0.1], target_rates=[0.3], **STANDARD), "`n` must be"),
    ],
)  # fmt: skip
def test_arguments_out_of_range(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_rates_too_close_to_tell_apart():
    with pytest.raises(
        ValueError, match=r"at most 10000 patients; the nearest that works is (0\.\d+)"
    ) as refused:
        single_stage_subjects(null_rate=0.1, target_rate=0.105, **STANDARD)
    nearest = float(str(refused.value).rsplit(" ", 1)[1])
    enough = single_arm._certainly_enough(0.1, nearest, 0.05, 0.8)
    assert enough <= 10_000 < single_arm._certainly_enough(0.1, nearest - 0.0002, 0.05, 0.8)
    with pytest.raises(ValueError, match=r"at most 300 patients, who can tell 0\.1\d+ in one stage"):
        simon_designs(null_rate=0.1, target_rate=0.105, **STANDARD)
