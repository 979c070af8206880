import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialwright.statistics import sample_size
from trialwright.statistics.sample_size import (
    control_risk_needed,
    excluded_rate,
    freedman_events,
    overall_risk,
    risk_under_hazard_ratio,
    schoenfeld_events,
    schoenfeld_power,
    subjects_for_events,
    two_proportion_subjects,
)

STANDARD = {"alpha": 0.05, "sides": 2, "power": 0.8}


def test_examples_in_docstrings():
    results = doctest.testmod(sample_size)
    assert results.attempted > 5
    assert results.failed == 0


# Events


@pytest.mark.parametrize(
    ("share_treated", "exact"),
    [
        # By hand: (1.959964 + 0.841621)^2 = 7.848879; (ln 0.6)^2 = 0.260943; 7.848879 / (q (1 - q) 0.260943).
        pytest.param(0.5, 120.32, id="equal groups"),
        pytest.param(0.3, 143.23, id="30 to 70"),
        pytest.param(0.7, 143.23, id="70 to 30 is the same"),
        pytest.param(0.2, 187.99, id="20 to 80"),
    ],
)
def test_schoenfeld_events_for_hazard_ratio_0_6(share_treated, exact):
    needed = schoenfeld_events(0.6, share_treated=share_treated, **STANDARD)
    assert needed.exact == pytest.approx(exact, abs=0.005)
    assert needed.n_events == math.ceil(exact)


def test_freedman_events_by_hand():
    # 7.848879 (1 + 0.6)^2 / (1 - 0.6)^2 = 7.848879 * 16
    assert freedman_events(0.6, **STANDARD).exact == pytest.approx(125.582, abs=0.001)


def test_published_example():
    # MRC Cognition and Brain Sciences Unit, statistics wiki, FAQ powsurv: survival 0.75 and 0.37, power 80 %, alpha 5 %: 20.39
    # events by Schoenfeld (with z rounded to 1.96 and 0.84) and 47 subjects; 26 events and 60 subjects by Freedman.
    ratio = math.log(0.75) / math.log(0.37)
    schoenfeld, freedman = schoenfeld_events(ratio, **STANDARD), freedman_events(ratio, **STANDARD)
    assert schoenfeld.exact == pytest.approx(20.39, abs=0.03)
    assert subjects_for_events(schoenfeld, control_risk=0.63).exact == pytest.approx(47, abs=0.7)
    assert freedman.n_events == 26
    assert subjects_for_events(freedman, control_risk=0.63).n_subjects == 60


def test_one_sided_half_alpha_is_two_sided():
    one = schoenfeld_events(0.6, alpha=0.025, sides=1, power=0.8)
    assert one.exact == schoenfeld_events(0.6, **STANDARD).exact


@given(
    hazard_ratio=st.floats(0.1, 0.95),
    power=st.floats(0.3, 0.99),
    share=st.floats(0.1, 0.9),
)
def test_power_at_the_events_needed_is_the_power_asked_for(hazard_ratio, power, share):
    needed = schoenfeld_events(hazard_ratio, alpha=0.05, sides=2, power=power, share_treated=share)
    reached = schoenfeld_power(needed.exact, hazard_ratio, alpha=0.05, sides=2, share_treated=share)
    assert reached == pytest.approx(power, rel=1e-9)


@given(hazard_ratio=st.floats(0.1, 0.95), share=st.floats(0.1, 0.9))
def test_exchanging_the_groups_inverts_the_hazard_ratio(hazard_ratio, share):
    for formula in (schoenfeld_events, freedman_events):
        one = formula(hazard_ratio, share_treated=share, **STANDARD)
        other = formula(1 / hazard_ratio, share_treated=1 - share, **STANDARD)
        assert one.exact == pytest.approx(other.exact, rel=1e-9)


# Subjects


@pytest.mark.parametrize(
    ("control_risk", "power"),
    [
        # The clinical rules of the project: power of 332 subjects in equal groups without loss, Schoenfeld;
        # events are whole there.
        pytest.param(0.40, 0.77, id="40 %"),
        pytest.param(0.45, 0.81, id="45 %"),
        pytest.param(0.50, 0.86, id="50 %"),
        pytest.param(0.70, 0.95, id="70 %"),
    ],
)
def test_power_of_332_subjects_by_background_risk(control_risk, power):
    n_events = math.ceil(332 * overall_risk(control_risk, 0.6))
    assert schoenfeld_power(n_events, 0.6, alpha=0.05, sides=2) == pytest.approx(power, abs=0.005)


def test_several_assumptions_reach_332():
    freedman = freedman_events(0.6, **STANDARD)
    assert subjects_for_events(freedman, control_risk=0.5, loss=0.1).exact == pytest.approx(332, abs=0.5)
    proportions = two_proportion_subjects(0.45, risk_under_hazard_ratio(0.45, 0.6), **STANDARD)
    assert (proportions.n_subjects, proportions.n_treated) == (332, 166)


def test_subjects_by_hand():
    # 120.32 events; risks 0.5 and 1 - 0.5^0.6 = 0.34025, mean 0.42012; 286.4 without loss, 318.2 with 10 %.
    needed = schoenfeld_events(0.6, **STANDARD)
    assert subjects_for_events(needed, control_risk=0.5).exact == pytest.approx(286.4, abs=0.05)
    with_loss = subjects_for_events(needed, control_risk=0.5, loss=0.1)
    assert (with_loss.n_treated, with_loss.n_control, with_loss.n_subjects) == (160, 160, 320)


def test_unequal_groups_are_rounded_up_each():
    needed = schoenfeld_events(0.6, share_treated=0.2, **STANDARD)
    # risk 0.2 * 0.34025 + 0.8 * 0.5 = 0.46805; 187.99 / 0.46805 = 401.6: 80.3 treated, 321.3 controls
    subjects = subjects_for_events(needed, control_risk=0.5)
    assert (subjects.n_treated, subjects.n_control) == (81, 322)


@given(
    control_risk=st.floats(0.05, 0.95),
    hazard_ratio=st.floats(0.2, 0.9),
    share=st.floats(0.1, 0.9),
    loss=st.floats(0, 0.5),
)
def test_control_risk_needed_undoes_subjects_for_events(control_risk, hazard_ratio, share, loss):
    needed = schoenfeld_events(hazard_ratio, share_treated=share, **STANDARD)
    n = math.ceil(subjects_for_events(needed, control_risk=control_risk, loss=loss).exact)
    risk = control_risk_needed(needed, n_subjects=n, loss=loss)
    assert risk is not None
    assert risk <= control_risk * (1 + 1e-9)
    assert n * (1 - loss) * overall_risk(risk, hazard_ratio, share_treated=share) == pytest.approx(
        needed.exact
    )


def test_no_background_risk_gives_more_events_than_subjects():
    needed = schoenfeld_events(0.6, **STANDARD)
    assert control_risk_needed(needed, n_subjects=120) is None
    assert control_risk_needed(needed, n_subjects=122) is not None


# Two proportions


def test_continuity_correction_by_hand():
    # 0.5 against 0.35, power 80 %, two-sided 5 %: 169.3 a group; 169.3 / 4 (1 + sqrt(1 + 4 / (169.3 * 0.15)))^2 = 182.4
    plain = two_proportion_subjects(0.5, 0.35, **STANDARD)
    corrected = two_proportion_subjects(0.5, 0.35, continuity_correction=True, **STANDARD)
    assert plain.n_treated == 170
    assert corrected.n_treated == 183


def test_two_proportions_in_unequal_groups_by_hand():
    # r = 2: p = (0.5 + 2 * 0.35) / 3 = 0.4; m = (1.959964 sqrt(0.72) + 0.841621 sqrt(0.5 + 0.2275))^2 / (2 * 0.0225) = 125.97
    needed = two_proportion_subjects(0.5, 0.35, share_treated=2 / 3, **STANDARD)
    assert (needed.n_control, needed.n_treated) == (126, 252)


@given(
    control=st.floats(0.05, 0.95),
    treated=st.floats(0.05, 0.95),
    share=st.floats(0.2, 0.8),
    corrected=st.booleans(),
)
def test_exchanging_the_groups_changes_no_number(control, treated, share, corrected):
    if abs(control - treated) < 0.01:
        return
    one = two_proportion_subjects(
        control, treated, share_treated=share, continuity_correction=corrected, **STANDARD
    )
    other = two_proportion_subjects(
        treated, control, share_treated=1 - share, continuity_correction=corrected, **STANDARD
    )
    assert one.exact == pytest.approx(other.exact, rel=1e-9)


# What a single group can exclude


@pytest.mark.parametrize(
    ("n_events", "two_sided", "one_sided"),
    [(0, 8.22, 6.73), (1, 12.29, 10.56), (2, 15.81, 13.93), (3, 19.06, 17.06), (8, 33.40, 31.07)],
)
def test_rates_that_43_subjects_exclude(n_events, two_sided, one_sided):
    limits = [100 * excluded_rate(n_events, 43, confidence=0.95, sides=sides) for sides in (2, 1)]
    assert limits == pytest.approx([two_sided, one_sided], abs=0.006)


def test_nobody_spared_excludes_nothing():
    assert excluded_rate(5, 5, confidence=0.95, sides=1) == 1


def test_the_limit_of_a_large_sample():
    assert excluded_rate(0, 5000, confidence=0.95, sides=1) == pytest.approx(1 - 0.05 ** (1 / 5000), rel=1e-9)


# Arguments


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: schoenfeld_events(1.0, **STANDARD), id="no difference"),
        pytest.param(lambda: freedman_events(0.0, **STANDARD), id="hazard ratio 0"),
        pytest.param(lambda: freedman_events(math.nan, **STANDARD), id="hazard ratio missing"),
        pytest.param(lambda: schoenfeld_events(0.6, alpha=0.05, sides=3, power=0.8), id="three sides"),
        pytest.param(lambda: schoenfeld_events(0.6, alpha=0.05, sides=1, power=0.05), id="power is alpha"),
        pytest.param(lambda: schoenfeld_events(0.6, alpha=0.0, sides=1, power=0.8), id="alpha 0"),
        pytest.param(lambda: schoenfeld_events(0.6, share_treated=1.0, **STANDARD), id="nobody in one group"),
        pytest.param(lambda: two_proportion_subjects(0.3, 0.3, **STANDARD), id="equal proportions"),
        pytest.param(lambda: two_proportion_subjects(0.3, 0.2, loss=1.0, **STANDARD), id="everybody lost"),
        pytest.param(lambda: excluded_rate(3, 2, confidence=0.95, sides=1), id="more events than subjects"),
        pytest.param(lambda: schoenfeld_power(0, 0.6, alpha=0.05, sides=2), id="no events"),
    ],
)
def test_arguments_out_of_range(call):
    with pytest.raises(ValueError, match="must"):
        call()
