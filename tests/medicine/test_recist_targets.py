"""Sums of target lesions and their response; rows RC-01 to RC-14 are worked examples, computed by hand."""

import numpy as np
import pytest

from trialwright.medicine.recist.criteria import CONFIRMED_AFTER_28_DAYS, RECIST_1_1, ResponseCriteria
from trialwright.medicine.recist.lesions import read_lesions
from trialwright.medicine.recist.responses import Response, Role, State, decode, encode
from trialwright.medicine.recist.targets import (
    compare_sums,
    hold_partial_response,
    sum_diameters,
    target_response,
)

NAN = float("nan")


def lesions_of(*visits, nodes=(), **options):
    """One patient: each visit a mapping of lesion to diameter, the first the baseline; 56 days apart."""
    rows = [(56 * i, name, size) for i, visit in enumerate(visits) for name, size in visit.items()]
    start = np.datetime64("2024-01-01")
    return read_lesions(
        subject=["P"] * len(rows),
        date=[start + day for day, _, _ in rows],
        lesion=[name for _, name, _ in rows],
        role=[Role.TARGET] * len(rows),
        is_node=[name in nodes for _, name, _ in rows],
        diameter=[size for _, _, size in rows],
        is_baseline=[day == 0 for day, _, _ in rows],
        **{"unit": "mm", **options},
    )


def responses(*visits, **options):
    return decode(Response, target_response(sum_diameters(lesions_of(*visits, **options))))[1:]


@pytest.mark.parametrize(
    ("baseline", "nadir", "now", "expected"),
    [
        pytest.param(100, 100, 70, "PR", id="RC-01"),
        pytest.param(100, 100, 71, "SD", id="RC-02"),
        pytest.param(100, 50, 60, "PD", id="RC-03"),
        pytest.param(100, 50, 59, "PR", id="RC-04"),
        pytest.param(100, 20, 24, "PR", id="RC-05"),
        pytest.param(100, 20, 25, "PD", id="RC-06"),
        pytest.param(52, 34, 40, "SD", id="RC-07"),
        pytest.param(52, 34, 41, "PD", id="RC-08"),
        pytest.param(30, 30, 36, "PD", id="RC-09"),
        pytest.param(100, 100, 70.001, "SD", id="just above 30 % shrinkage"),
        pytest.param(100, 100, 69.999, "PR", id="just below 30 % shrinkage"),
        pytest.param(100, 50, 59.999, "PR", id="just below 20 % growth"),
        pytest.param(100, 20, 24.999, "PR", id="just below 5 mm growth"),
        pytest.param(100, 20, 25.001, "PD", id="just above 5 mm growth"),
        pytest.param(100, 0, 4.999, "PR", id="from nothing to just below 5 mm"),
        pytest.param(100, 0, 5, "PD", id="from nothing to 5 mm"),
        pytest.param(100, 100, 120, "PD", id="exactly 20 % of the baseline"),
        pytest.param(35.7, 35.7, 24.99, "PR", id="30 % of a decimal that binary fractions miss"),
        pytest.param(20.1, 20.1, 25.1, "PD", id="5 mm that binary fractions make 4.999"),
        pytest.param(35.1, 35.1, 42.12, "PD", id="20 % of a decimal that binary fractions miss"),
        pytest.param(NAN, NAN, 50, "NE", id="no baseline"),
        pytest.param(NAN, 40, 50, "PD", id="baseline unknown, but growth against a later sum is certain"),
        pytest.param(0, 0, 0, "NE", id="a baseline of 0 mm is no baseline"),
        pytest.param(100, 100, NAN, "NE", id="nothing measured"),
    ],
)
def test_sums_against_baseline_and_nadir(baseline, nadir, now, expected):
    found = compare_sums([now], baseline_mm=baseline, nadir_mm=nadir, is_complete=True, is_gone=False)
    assert decode(Response, found) == [expected]


@pytest.mark.parametrize(
    ("visits", "nodes", "expected"),
    [
        pytest.param([{1: 20, 2: 15, 3: 15}, {1: 50, 2: 30}], (), ["PD"], id="RC-10"),
        pytest.param([{1: 20, 2: 15, 3: 15}, {1: 18, 2: 10}], (), ["NE"], id="RC-11"),
        pytest.param(
            [{1: 20, 2: 15, 3: 15}, {1: 18, 2: 10, 3: NAN}], (), ["NE"], id="RC-11, row without a size"
        ),
        pytest.param([{1: 30, "n": 17}, {1: 0, "n": 9}], ("n",), ["CR"], id="RC-13"),
        pytest.param([{1: 30, "n": 17}, {1: 0, "n": 9}, {1: 0, "n": 11}], ("n",), ["CR", "PR"], id="RC-14"),
        pytest.param([{1: 30, "n": 17}, {1: 0, "n": 9.99}], ("n",), ["CR"], id="node just below 10 mm"),
        pytest.param([{1: 30, "n": 17}, {1: 0, "n": 10}], ("n",), ["PR"], id="node of 10 mm is not normal"),
        pytest.param([{1: 30, "n": 17}, {1: 0.1, "n": 9}], ("n",), ["PR"], id="a trace of a lesion is no CR"),
        pytest.param([{1: 100}, {1: 50}, {1: 60}], (), ["PR", "PD"], id="nadir is the smallest sum so far"),
        pytest.param([{1: 100}, {1: 110}, {1: 121}], (), ["SD", "PD"], id="nadir takes in the baseline"),
        pytest.param(
            [{1: 60, 2: 40}, {1: 20}, {1: 40, 2: 35}], (), ["NE", "SD"], id="an incomplete sum is no nadir"
        ),
        pytest.param([{1: 60, 2: 40}, {1: 61, 2: 60}], (), ["PD"], id="sum over lesions"),
        pytest.param([{1: 60}, {1: 30, 9: 20}], (), ["NE"], id="a target that the baseline does not have"),
        pytest.param([{1: 60}, {1: 30, 9: 0}], (), ["PR"], id="... unless it is not there"),
        pytest.param([{1: 60, 2: NAN}, {1: 30, 2: 10}], (), ["NE"], id="baseline not complete"),
        pytest.param(
            [{1: 60, 2: NAN}, {1: 30, 2: 10}, {1: 40, 2: 10}],
            (),
            ["NE", "PD"],
            id="... but growth since is seen",
        ),
    ],
)
def test_courses(visits, nodes, expected):
    visits = [{str(name): size for name, size in visit.items()} for visit in visits]
    assert responses(*visits, nodes=nodes) == expected


def test_sums_and_nadir_by_hand():
    sums = sum_diameters(lesions_of({"a": 30, "b": 20}, {"a": 20, "b": 10}, {"a": 5}, {"a": 30, "b": 4}))
    np.testing.assert_array_equal(sums.sum_mm, [50, 30, 5, 34])
    np.testing.assert_array_equal(sums.nadir_mm, [NAN, 50, 30, 30])
    np.testing.assert_array_equal(sums.baseline_mm, [50] * 4)
    assert sums.is_complete.tolist() == [True, True, False, True]
    assert sums.n_measured.tolist() == [2, 2, 1, 2]
    assert sums.is_follow_up.tolist() == [False, True, True, True]


def states_of(*states, sizes, node=False):
    return sum_diameters(
        read_lesions(
            subject=[1] * len(states),
            date=[np.datetime64("2024-01-01") + 56 * i for i in range(len(states))],
            lesion=[1] * len(states),
            role=[Role.TARGET] * len(states),
            is_node=[node] * len(states),
            diameter=sizes,
            unit="mm",
            is_baseline=[i == 0 for i in range(len(states))],
            state=states,
        )
    )


def test_too_small_to_measure_counts_5_mm_and_gone_0_mm():
    sums = states_of(
        State.PRESENT,
        State.TOO_SMALL,
        State.ABSENT,
        State.TOO_SMALL,
        State.PRESENT,
        sizes=[20, NAN, NAN, 3, NAN],
    )
    np.testing.assert_array_equal(sums.sum_mm, [20, 5, 0, 3, NAN])
    assert decode(Response, target_response(sums)) == ["MISSING", "PR", "CR", "PR", "NE"]


def test_measured_though_absent_is_not_evaluable():
    sums = states_of(State.PRESENT, State.ABSENT, sizes=[20, 12])
    assert decode(Response, target_response(sums)) == ["MISSING", "NE"]


def test_parts_of_a_split_lesion_are_added_and_a_merged_one_counts_0():
    day = np.datetime64("2024-01-01")
    lesions = read_lesions(
        subject=[1] * 7,
        date=[day, day, day + 56, day + 56, day + 56, day + 112, day + 112],
        lesion=["a", "b", "a", "a", "b", "a", "b"],
        part=[1, 1, 1, 2, 1, 1, 1],
        role=[Role.TARGET] * 7,
        is_node=[False] * 7,
        diameter=[40, 20, 12, 11, 20, 45, 0],
        unit="mm",
        is_baseline=[True, True, False, False, False, False, False],
    )
    sums = sum_diameters(lesions)
    assert sums.sum_mm.tolist() == [60, 43, 45]
    assert sums.is_complete.all()
    assert not sums.is_gone.any()


def test_course_without_targets_and_without_baseline():
    day = np.datetime64("2024-01-01")
    lesions = read_lesions(
        subject=["none", "none", "lost"],
        date=[day, day + 56, day + 56],
        lesion=["NT1", "NT1", "T1"],
        role=[Role.NON_TARGET, Role.NON_TARGET, Role.TARGET],
        is_node=[False] * 3,
        diameter=[NAN, NAN, 30],
        unit="mm",
        is_baseline=[True, False, False],
    )
    assert lesions.points.subject.tolist() == ["lost", "none"]
    assert decode(Response, target_response(sum_diameters(lesions))) == ["NE", "MISSING", "NO LESIONS"]


def test_scans_before_the_baseline_are_no_follow_up():
    day = np.datetime64("2024-01-01")
    lesions = read_lesions(
        subject=[1] * 3,
        date=[day - 90, day, day + 56],
        lesion=[1] * 3,
        role=[Role.TARGET] * 3,
        is_node=[False] * 3,
        diameter=[10, 30, 30],
        unit="mm",
        is_baseline=[False, True, False],
    )
    assert decode(Response, target_response(sum_diameters(lesions))) == ["MISSING", "MISSING", "SD"]


def held(sums, days=None, confirmation=CONFIRMED_AFTER_28_DAYS):
    arithmetic = responses(*[{"a": size} for size in sums])
    days = days or [56 * (i + 1) for i in range(len(arithmetic))]
    dates = np.datetime64("2024-01-01") + np.array(days)
    codes = encode(Response, arithmetic, missing=Response.NE)
    return arithmetic, decode(
        Response, hold_partial_response([0] * len(days), dates, codes, confirmation=confirmation)
    )


def test_partial_response_is_held_until_progression():
    assert held([100, 70, 70, 80, 80, 80]) == (["PR", "PR", "SD", "SD", "SD"], ["PR"] * 5)
    assert held([165, 63, 65]) == (["PR", "PR"], ["PR", "PR"])
    assert held([100, 70, 70, 80, 90, 80])[1] == ["PR", "PR", "PR", "PD", "SD"]


def test_partial_response_is_held_once_confirmed():
    assert held([100, 70, 80, 70, 70, 80])[1] == ["PR", "SD", "PR", "PR", "PR"]
    assert held([100, 70, 80, 80], confirmation=None)[1] == ["PR", "PR", "PR"]
    assert held([100, 70, 70, 80], days=[56, 83, 139])[1] == ["PR", "PR", "SD"]
    assert held([100, 70, 70, 80], days=[56, 84, 139])[1] == ["PR", "PR", "PR"]


def test_equality_at_a_threshold_counts_whatever_the_decimals():
    """All baselines from 25.0 to 199.9 mm, in hundredths of a mm: exactly 30 % less, 20 % more, and one
    hundredth off."""
    baseline = np.arange(250, 2000) * 10

    def words(hundredths):
        found = compare_sums(
            hundredths / 100,
            baseline_mm=baseline / 100,
            nadir_mm=baseline / 100,
            is_complete=True,
            is_gone=False,
        )
        return set(decode(Response, found))

    assert words(baseline * 7 // 10) == {"PR"}
    assert words(baseline * 7 // 10 + 1) == {"SD"}
    assert words(baseline * 12 // 10) == {"PD"}
    assert words(baseline * 12 // 10 - 1) == {"SD"}


def test_five_millimetres_count_whatever_the_decimals():
    """Nadirs below 25 mm, where 5 mm decide, in hundredths of a mm."""
    nadir = np.arange(0, 2500)

    def words(hundredths):
        found = compare_sums(
            hundredths / 100, baseline_mm=1000, nadir_mm=nadir / 100, is_complete=True, is_gone=False
        )
        return set(decode(Response, found))

    assert words(nadir + 500) == {"PD"}
    assert words(nadir + 499) == {"PR"}


def test_criteria_are_arguments():
    strict = ResponseCriteria(shrinkage=0.5, growth=0.2, growth_mm=10, normal_node_mm=10, too_small_mm=5)
    found = compare_sums(
        [60, 50, 109],
        baseline_mm=100,
        nadir_mm=[100, 100, 90],
        is_complete=True,
        is_gone=False,
        criteria=strict,
    )
    assert decode(Response, found) == ["SD", "PR", "PD"]
    assert RECIST_1_1.growth_mm == 5


@pytest.mark.parametrize("wrong", [-0.1, float("inf")])
def test_impossible_numbers_are_refused(wrong):
    with pytest.raises(ValueError, match=rf"`sum_mm` must be finite and at least 0, or missing, not {wrong}"):
        compare_sums([wrong], baseline_mm=10, nadir_mm=10, is_complete=True, is_gone=False)
    with pytest.raises(
        ValueError, match=r"`diameter\[1\]` must be a finite number of at least 0, or missing"
    ):
        lesions_of({"a": 30}, {"a": wrong})
    with pytest.raises(ValueError, match="`growth` must be a finite number of at least 0"):
        ResponseCriteria(shrinkage=0.3, growth=wrong, growth_mm=5, normal_node_mm=10, too_small_mm=5)
