import dataclasses
import doctest
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.statistics.survival_designs import DELAYED, STEPPED, make

from trialwright.statistics import hazards, survival_design
from trialwright.statistics.hazards import NO_HAZARD, Accrual, Hazards
from trialwright.statistics.survival_design import (
    event_probability,
    expected_counts,
    expected_events,
    last_informative_time,
    time_of_events,
)


@pytest.mark.parametrize("module", [hazards, survival_design])
def test_examples_in_docstrings(module):
    results = doctest.testmod(module)
    assert results.attempted > 2
    assert results.failed == 0


# Hazards


@pytest.mark.parametrize(
    ("t", "rate", "cumulative"),
    [
        pytest.param(0.0, 0.2, 0.0, id="at entry"),
        pytest.param(2.0, 0.2, 0.4, id="in the first piece"),
        pytest.param(3.0, 0.1, 0.6, id="a cut belongs to what follows"),
        pytest.param(5.0, 0.0, 0.8, id="the second cut"),
        pytest.param(50.0, 0.0, 0.8, id="the last rate holds without end"),
    ],
)
def test_hazards_by_hand(t, rate, cumulative):
    steps = Hazards((3.0, 5.0), (0.2, 0.1, 0.0))
    assert steps.rate(t) == rate
    assert steps.cumulative(t) == pytest.approx(cumulative, rel=1e-14)
    assert steps.survival(t) == pytest.approx(math.exp(-cumulative), rel=1e-14)


@given(risk=st.floats(0.001, 0.999), at=st.floats(0.1, 5000))
def test_the_hazard_from_a_risk_gives_the_risk(risk, at):
    assert 1 - Hazards.from_risk(risk, at).survival(at) == pytest.approx(risk, rel=1e-9)


def test_the_hazard_from_a_curve_gives_the_curve():
    curve = Hazards.from_survival((1, 2, 5), (0.9, 0.9, 0.3))
    assert curve.survival([0, 1, 2, 5]) == pytest.approx([1, 0.9, 0.9, 0.3])
    assert curve.cuts == (1, 2)
    assert curve.rate(9) == pytest.approx(math.log(0.9 / 0.3) / 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Hazards((3, 3), (1, 1, 1)), r"`cuts\[1\]` must be a finite time above 3, not 3"),
        (lambda: Hazards((0,), (1, 1)), r"`cuts\[0\]` must be a finite time above 0"),
        (lambda: Hazards((math.inf,), (1, 1)), "finite time"),
        (lambda: Hazards((3,), (1,)), "`rates` must have 2 values, one more than `cuts`, not 1"),
        (lambda: Hazards((), (-0.1,)), r"`rates\[0\]` must be a finite rate of at least 0, not -0.1"),
        (lambda: Hazards.constant(math.nan), "finite rate"),
        (lambda: Hazards.from_risk(1, 12), "`risk` must be between 0 and 1, not 1"),
        (lambda: Hazards.from_risk(0, 12), "`risk` must be between 0 and 1, not 0"),
        (lambda: Hazards.from_risk(0.4, 0), r"`at\[0\]` must be a finite time above 0, not 0"),
        (
            lambda: Hazards.from_survival((1, 2), (0.8, 0.9)),
            r"`survival\[1\]` must be above 0 and at most 0.8, not 0.9",
        ),
        (lambda: Hazards.from_survival((1, 2), (0.8, 0)), r"`survival\[1\]` must be above 0"),
        (lambda: Hazards.from_survival((1, 2), (0.8,)), "a value for each of 2 times, not 1"),
        (lambda: Hazards.from_survival((), ()), "a value for each of 0 times"),
        (lambda: Accrual((6, 3), (1, 1)), r"`ends\[1\]` must be a finite time above 6, not 3"),
        (lambda: Accrual((6,), ()), "`rates` must have 1 values, as many as `ends`, not 0"),
        (lambda: Accrual((6,), (-1,)), "finite rate of at least 0"),
        (lambda: Accrual((6, 12), (1, 0)), "leave the last piece out"),
        (lambda: Accrual.uniform(-1), "finite time above 0, not -1"),
    ],
)
def test_hazards_and_accruals_that_are_none(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_two_hazards_together_by_hand():
    both = Hazards((3,), (0.2, 0.1)) + Hazards((2, 3), (0.0, 0.5, 0.1))
    assert both.cuts == (2, 3)
    assert both.rates == pytest.approx((0.2, 0.7, 0.2))


@pytest.mark.parametrize(
    ("cumulative", "time"),
    [(0, 0), (0.3, 1.5), (0.6, 3), (0.7, 4), (0.8, 5), (0.9, math.inf)],
)
def test_time_of_a_cumulative_hazard_by_hand(cumulative, time):
    assert Hazards((3, 5), (0.2, 0.1, 0.0)).time_of(cumulative) == pytest.approx(time)
    assert NO_HAZARD.time_of(cumulative) == (math.inf if cumulative else 0)


# Accrual


def test_accrual_by_hand():
    # 2 a month for 3 months, none for 3, then 1 a month for 6: 6 and 6 subjects.
    accrual = Accrual((3, 6, 12), (2, 0, 1))
    assert accrual.duration == 12
    assert accrual.share_entered([0, 1.5, 3, 6, 9, 12, 99]) == pytest.approx([0, 0.25, 0.5, 0.5, 0.75, 1, 1])


def test_all_enter_at_once():
    assert Accrual.uniform(0).share_entered([0, 5]).tolist() == [1, 1]
    assert Accrual.uniform(0).duration == 0


@given(factor=st.floats(1e-3, 1e3), at=st.floats(0, 20))
def test_only_relative_rates_matter(factor, at):
    some, others = Accrual((3, 6, 12), (2, 0, 1)), Accrual((3, 6, 12), (2 * factor, 0, factor))
    assert some.share_entered(at) == pytest.approx(others.share_entered(at), rel=1e-12)


# The design


def test_treated_hazard_changes_where_either_does():
    design = make(control=Hazards((6, 12), (0.4, 0.2, 0.1)), hazard_ratio=((0, 1), (3, 0.5), (12, 2)))
    assert design.treated.cuts == (3, 6, 12)
    assert design.treated.rates == (0.4, 0.2, 0.1, 0.2)


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        pytest.param({"end": 36}, 36, id="the end of the study"),
        pytest.param({"follow_up": 18, "end": None}, 42, id="the last fixed follow-up ends"),
        pytest.param({"follow_up": 18, "end": 30}, 30, id="an end before it"),
        pytest.param({"end": 24}, 24, id="accrual to the last day"),
        pytest.param({"follow_up": 36, "end": 36}, 36, id="only the first to enter completes"),
    ],
)
def test_time_of_the_analysis(changes, last):
    assert make(**changes).last_time == last


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"end": 23.9}, "accrue for at most 23.9, or end the study at 24 or later"),
        ({"end": None}, "`end` or `follow_up` must be given"),
        ({"end": -1}, "`end` must be finite and above 0, not -1"),
        ({"follow_up": 37}, "`follow_up` must be at most the length of the study, 36, not 37"),
        ({"follow_up": 0}, "`follow_up` must be finite and above 0, not 0"),
        ({"share_treated": 0}, "`share_treated` must be between 0 and 1, not 0"),
        ({"share_treated": 1}, "`share_treated` must be between 0 and 1, not 1"),
        ({"hazard_ratio": 0}, "`hazard_ratio` must be finite and above 0, not 0 from 0 on"),
        ({"hazard_ratio": ((0, 1), (3, math.nan))}, "above 0, not nan from 3 on"),
        ({"hazard_ratio": ((3, 0.6),)}, r"must start at 0, as in \(\(0, 1.0\), \(90, 0.6\)\)"),
        ({"hazard_ratio": ()}, "must start at 0"),
        ({"hazard_ratio": ((0, 1), (6, 0.5), (6, 0.4))}, "rising order of time, not 6 after 6"),
        ({"hazard_ratio": ((0, 1), (math.inf, 0.5))}, "rising order"),
    ],
)
def test_designs_that_contradict_themselves(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


# Expected numbers


def test_numbers_of_a_trial_that_starts_at_once_by_hand():
    # 200 subjects, hazard 0.02 and drop-out 0.01 for two years without accrual: 1 - exp(-0.72) leave, two in three with the event.
    design = make(
        control=Hazards.constant(0.02),
        hazard_ratio=1,
        accrual=Accrual.uniform(0),
        end=24,
        dropout=Hazards.constant(0.01),
    )
    left = 100 * (1 - math.exp(-0.72))
    for group in (expected_counts(design, 200, 24).control, expected_counts(design, 200, 24).treated):
        assert group.n_entered == 100
        assert group.n_events == pytest.approx(left * 2 / 3, rel=1e-12)
        assert group.n_dropouts == pytest.approx(left / 3, rel=1e-12)
        assert group.n_at_risk == pytest.approx(100 - left, rel=1e-12)
        assert group.n_completed == 0


def test_events_under_uniform_accrual_by_its_formula():
    # Schoenfeld and Richter, Biometrics 1982;38:163-170: 1 - (exp(-h f) - exp(-h (a + f))) / (h a), follow-up f after accrual a.
    design = make(share_treated=0.25)
    risk = {h: 1 - (math.exp(-h * 12) - math.exp(-h * 36)) / (h * 24) for h in (0.03, 0.018)}
    assert expected_events(design, 400) == pytest.approx(300 * risk[0.03] + 100 * risk[0.018], rel=1e-12)


def test_numbers_printed_for_a_delayed_effect():
    # K. Lu, R package lrstat 0.3.3, reference page of lrstat(): 468 subjects, a treatment that works from month 6 on.
    printed = {
        22: (71.83183, 82.57218, 6.835885, 6.62195),
        40: (138.43661, 169.07120, 15.471551, 13.55882),
    }
    for at, numbers in printed.items():
        counts = expected_counts(DELAYED, 468, at)
        treated, control = counts.treated, counts.control
        assert counts.treated.n_entered == counts.control.n_entered == 234
        found = (treated.n_events, control.n_events, treated.n_dropouts, control.n_dropouts)
        assert found == pytest.approx(numbers, rel=1e-6)


def numbers_by_entry(design, at):
    """Per subject of treated and of controls: events, drop-outs and those who are left, as means over times of entry.

    A second way, for clarity: who enters at u has been there for at - u. The mean over u is taken by Simpson's rule.
    """

    def fate(hazard, dropout, stay):
        steps = sorted({0.0, stay, *(cut for h in (hazard, dropout) for cut in h.cuts if cut < stay)})
        left, gone = 1.0, np.zeros(2)
        for start, stop in itertools.pairwise(steps):
            rates = np.array([h.rates[sum(cut <= start for cut in h.cuts)] for h in (hazard, dropout)])
            leave = left * -math.expm1(-rates.sum() * (stop - start))
            gone += leave * rates / rates.sum()
            left -= leave
        return np.array([*gone, left])

    starts, ends, rates = (0, *design.accrual.ends), design.accrual.ends, design.accrual.rates
    subjects = sum(rate * (end - start) for start, end, rate in zip(starts, ends, rates, strict=False))
    groups = []
    for hazard, dropout in ((design.treated, design.dropout_treated), (design.control, design.dropout)):
        sums = np.zeros(3)
        for start, end, rate in zip(starts, ends, rates, strict=False):
            for first in np.arange(start, min(end, at), 0.5):
                for place, weight in ((0, 1), (0.125, 4), (0.25, 2), (0.375, 4), (0.5, 1)):
                    stay = min(at - first - place, design.follow_up or math.inf)
                    sums += weight / 24 * rate / subjects * fate(hazard, dropout, stay)
        groups.append(sums)
    return groups


@pytest.mark.parametrize(
    ("design", "times"),
    [
        pytest.param(STEPPED, (3, 10, 20, 30, 45), id="followed to the end"),
        pytest.param(dataclasses.replace(STEPPED, follow_up=14), (3, 10, 30, 45), id="fixed follow-up"),
    ],
)
def test_numbers_by_a_second_way(design, times):
    for at in times:
        counts = expected_counts(design, 1, at)
        for group, share, expected in zip(
            (counts.treated, counts.control), (2 / 3, 1 / 3), numbers_by_entry(design, at), strict=True
        ):
            found = np.array([group.n_events, group.n_dropouts, group.n_completed + group.n_at_risk])
            assert found == pytest.approx(share * expected, rel=1e-9)


def test_who_completes_a_fixed_follow_up_by_hand():
    # One subject a month for 10 months, followed for 6: by month 12 those of the first 6 months are through, if still there.
    design = make(
        accrual=Accrual.uniform(10), follow_up=6, end=None, hazard_ratio=1.0, dropout=Hazards.constant(0.01)
    )
    group = expected_counts(design, 20, 12).control
    assert group.n_completed == pytest.approx(6 * math.exp(-0.04 * 6), rel=1e-12)
    # Those of the last 4 months have been there for 2 to 6 months.
    assert group.n_at_risk == pytest.approx((math.exp(-0.08) - math.exp(-0.24)) / 0.04, rel=1e-12)
    assert expected_counts(design, 20, 7).control.n_completed == pytest.approx(math.exp(-0.04 * 6), rel=1e-12)
    assert expected_counts(design, 20, 6).control.n_completed == 0
    assert expected_counts(design, 20, 6 - 1e-9).control.n_completed == 0
    assert expected_counts(design, 20, 16).control.n_at_risk == pytest.approx(0, abs=1e-12)
    assert expected_counts(design, 20, 40) == dataclasses.replace(expected_counts(design, 20, 16), at=40)


def test_nobody_has_entered_at_the_start():
    counts = expected_counts(STEPPED, 100, 0)
    assert (counts.n_events, counts.treated.n_entered, counts.control.n_at_risk) == (0, 0, 0)


hazards_of_any_kind = st.lists(st.floats(0, 0.2), min_size=1, max_size=3).map(
    lambda rates: Hazards(tuple(range(5, 5 * len(rates), 5)), tuple(rates))
)
designs = st.builds(
    make,
    control=hazards_of_any_kind,
    hazard_ratio=st.floats(0.2, 3),
    share_treated=st.floats(0.1, 0.9),
    dropout=hazards_of_any_kind,
    dropout_treated=hazards_of_any_kind,
    follow_up=st.none() | st.floats(1, 36),
)


@settings(deadline=None, max_examples=40)
@given(design=designs, times=st.lists(st.floats(0, 60), min_size=2, max_size=4))
def test_events_and_dropouts_never_fall_with_time(design, times):
    counts = [expected_counts(design, 100, at) for at in sorted(times)]
    for earlier, later in itertools.pairwise(counts):
        for name in ("treated", "control"):
            before, after = getattr(earlier, name), getattr(later, name)
            assert after.n_entered >= before.n_entered
            assert after.n_events >= before.n_events * (1 - 1e-9)
            assert after.n_dropouts >= before.n_dropouts * (1 - 1e-9)


@settings(deadline=None, max_examples=30)
@given(design=designs, factor=st.floats(1 / 400, 400), at=st.floats(1, 60))
def test_the_unit_of_time_does_not_matter(design, factor, at):
    def scaled(hazard):
        return Hazards(
            tuple(cut * factor for cut in hazard.cuts), tuple(rate / factor for rate in hazard.rates)
        )

    other = dataclasses.replace(
        design,
        control=scaled(design.control),
        accrual=Accrual.uniform(24 * factor),
        follow_up=None if design.follow_up is None else design.follow_up * factor,
        end=36 * factor,
        dropout=scaled(design.dropout),
        dropout_treated=scaled(design.dropout_treated),
    )
    assert expected_events(other, 100, at * factor) == pytest.approx(
        expected_events(design, 100, at), rel=1e-8, abs=1e-12
    )


@settings(deadline=None, max_examples=30)
@given(design=designs)
def test_exchanging_the_groups_changes_no_number(design):
    other = dataclasses.replace(
        design,
        control=design.treated,
        hazard_ratio=1 / design.hazard_ratio,
        share_treated=1 - design.share_treated,
        dropout=design.dropout_treated,
        dropout_treated=design.dropout,
    )
    one, two = expected_counts(design, 100, 30), expected_counts(other, 100, 30)
    assert one.treated.n_events == pytest.approx(two.control.n_events, rel=1e-9, abs=1e-12)
    assert one.control.n_dropouts == pytest.approx(two.treated.n_dropouts, rel=1e-9, abs=1e-12)


# The time of a number of events


@pytest.mark.parametrize(
    ("design", "n_subjects", "n_events", "time"),
    [
        # Printed in the vignettes of lrstat 0.3.3: "Comparing Direct Approximation and Schoenfeld Methods", and "Power
        # Calculation for Max-Combo Tests".
        pytest.param(
            make(control=Hazards.from_risk(0.4, 12), hazard_ratio=math.log(0.8) / math.log(0.6), accrual=Accrual.uniform(12)),
            200, 40, 13.63169, id="proportional hazards",
        ),
        pytest.param(
            make(control=Hazards.constant(0.25), hazard_ratio=((0, 1), (1.5, 0.5)), accrual=Accrual.uniform(4)),
            100, 50, 5.362939, id="delayed effect",
        ),
        pytest.param(
            make(control=Hazards.constant(0.25), hazard_ratio=((0, 1), (1.5, 0.5)), accrual=Accrual.uniform(4)),
            100, 99.9, 50.323682, id="nearly all, after the planned end",
        ),
    ],
)  # fmt: skip
def test_time_of_events_as_printed(design, n_subjects, n_events, time):
    assert time_of_events(design, n_subjects, n_events) == pytest.approx(time, rel=1e-6)


@settings(deadline=None, max_examples=20)
@given(design=designs, share=st.floats(0.01, 0.99))
def test_so_many_events_are_expected_by_the_time_of_them(design, share):
    most = expected_events(design, 100, last_informative_time(design))
    if most > 1e-3:
        time = time_of_events(design, 100, share * most)
        assert expected_events(design, 100, time) == pytest.approx(share * most, rel=1e-9)


@pytest.mark.parametrize("follow_up", [None, 12])
def test_more_events_than_are_ever_expected(follow_up):
    design = make(follow_up=follow_up, end=None if follow_up else 36, dropout=Hazards.constant(0.03))
    most = expected_events(design, 100, 1000)
    assert time_of_events(design, 100, most * (1 - 1e-9)) > 20
    with pytest.raises(
        ValueError, match=f"at most {math.floor(most)}, the number expected of 100 subjects"
    ) as refused:
        time_of_events(design, 100, 90)
    enough = int(str(refused.value).split("; ")[1].split()[0])
    assert event_probability(design, 1000) * enough >= 90
    assert event_probability(design, 1000) * (enough - 1) < 90


def test_no_events_ever():
    with pytest.raises(ValueError, match=r"at most 0, .* `control` has no events"):
        time_of_events(make(control=NO_HAZARD), 100, 1)


def test_a_time_is_found_though_the_last_event_is_nearly_never():
    # Half have the event within 5 months, then hardly anybody; 40 % when survival is 0.6.
    fades = Hazards((5,), (math.log(2) / 5, 1e-200))
    design = make(control=fades, hazard_ratio=1.0, accrual=Accrual.uniform(0))
    assert time_of_events(design, 100, 40) == pytest.approx(5 * math.log(1 / 0.6) / math.log(2), rel=1e-12)


def test_events_stop_where_the_hazard_does():
    cured = make(
        control=Hazards((6,), (0.1, 0.0)), accrual=Accrual.uniform(24), dropout=Hazards.constant(0.01)
    )
    assert last_informative_time(cured) >= 30
    assert expected_events(cured, 100, 30) == pytest.approx(expected_events(cured, 100, 300), rel=1e-12)


# Arguments


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: expected_counts(STEPPED, 0, 12), "`n_subjects` must be finite and above 0, not 0"),
        (lambda: expected_events(STEPPED, -5), "`n_subjects` must be finite and above 0, not -5"),
        (lambda: expected_counts(STEPPED, 10, -1), "`at` must be a finite time of at least 0, not -1"),
        (lambda: expected_counts(STEPPED, 10, math.inf), "`at` must be a finite time of at least 0, not inf"),
        (lambda: time_of_events(STEPPED, 10, 0), "`n_events` must be finite and above 0, not 0"),
    ],
)
def test_arguments_out_of_range(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_rate_for_another_unit_of_time():
    # 0.0913 a day is 33 a year: within three years 100 events, the most that passes.
    assert make(control=Hazards.constant(100 / 36)).last_time == 36
    with pytest.raises(
        ValueError, match="rates per the unit of time of the study: within 36 a subject would have 101 events"
    ):
        make(control=Hazards.constant(101 / 36))


def test_a_group_that_is_soon_empty_beside_one_that_lasts():
    # Treated leave a thousand times faster; controls are followed until none is left, after 40 / 0.0001 months.
    design = make(
        control=Hazards.constant(0.0001),
        hazard_ratio=1e5,
        accrual=Accrual.uniform(0),
        dropout_treated=Hazards.constant(10),
    )
    last = last_informative_time(design)
    assert last == pytest.approx(400_000)
    counts = expected_counts(design, 2, last)
    assert (counts.control.n_events, counts.treated.n_events) == pytest.approx((1, 0.5), rel=1e-12)
