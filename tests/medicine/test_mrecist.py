"""mRECIST for hepatocellular carcinoma; rows MR-01 to MR-04 are worked examples."""

import numpy as np
import pytest

from trialwright.medicine.recist.baseline import Method, judge_measurable, judge_pathological_node
from trialwright.medicine.recist.criteria import MRECIST, RECIST_1_1
from trialwright.medicine.recist.lesions import read_lesions
from trialwright.medicine.recist.mrecist import (
    judge_malignant_node,
    judge_new_liver_lesion,
    judge_viable_target,
)
from trialwright.medicine.recist.responses import Response, Role, decode
from trialwright.medicine.recist.targets import sum_diameters, target_response
from trialwright.vocabulary.verdicts import Reason, Verdict

NAN = float("nan")
WORDS = {
    "yes": Verdict.MET,
    "no": Verdict.NOT_MET,
    "?": Verdict.unknown(Reason.NEEDS_A_PERSON),
    "missing": Verdict.unknown(Reason.MISSING),
}


def codes(*words):
    return np.array([WORDS[word].code for word in words], np.uint8)


def response_of(sizes, criteria):
    n = len(sizes)
    lesions = read_lesions(
        subject=[1] * n,
        date=np.datetime64("2024-01-01") + 56 * np.arange(n),
        lesion=[1] * n,
        role=[Role.TARGET] * n,
        is_node=[False] * n,
        diameter=sizes,
        unit="mm",
        is_baseline=np.arange(n) == 0,
        criteria=criteria,
    )
    return decode(Response, target_response(sum_diameters(lesions, criteria=criteria), criteria=criteria))[1:]


@pytest.mark.parametrize(
    ("viable", "longest", "mrecist", "recist"),
    [
        pytest.param((60, 40), (60, 58), "PR", "SD", id="MR-01"),
        pytest.param((60, 0), (60, 55), "CR", "SD", id="MR-02"),
    ],
)
def test_viable_and_longest_diameters(viable, longest, mrecist, recist):
    assert response_of(viable, MRECIST) == [mrecist]
    assert response_of(longest, RECIST_1_1) == [recist]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        pytest.param([20, 14], "PR", id="exactly 30 % less"),
        pytest.param([20, 14.1], "SD", id="just less than 30 % less"),
        pytest.param([20, 23.9], "SD", id="just less than 20 % more"),
        pytest.param([20, 24], "PD", id="20 % more, without the 5 mm of RECIST 1.1"),
    ],
)
def test_thresholds(sizes, expected):
    assert response_of(sizes, MRECIST) == [expected]


def test_enhancement_that_returns_is_progression_and_none_stays_complete_response():
    assert response_of([20, 0, 0, 1], MRECIST) == ["CR", "CR", "PD"]


@pytest.mark.parametrize(
    ("diameter", "enhances", "washes_out", "growth", "expected"),
    [
        pytest.param(8, "yes", "no", 0, "no", id="MR-03"),
        pytest.param(9.9, "yes", "yes", 0, "no", id="just below 10 mm"),
        pytest.param(10, "yes", "yes", 0, "yes", id="10 mm and typical"),
        pytest.param(10, "yes", "no", 9.9, "no", id="atypical, grown by just less than 10 mm"),
        pytest.param(18, "yes", "no", 10, "yes", id="atypical, grown by 10 mm"),
        pytest.param(12, "yes", "missing", 0, "missing", id="washout not assessed"),
        pytest.param(8, "yes", "missing", 0, "no", id="too small whatever the washout"),
        pytest.param(NAN, "yes", "yes", 0, "missing", id="not measured"),
        pytest.param(12, "no", "no", NAN, "missing", id="growth unknown"),
        pytest.param(12, "yes", "yes", NAN, "yes", id="typical whatever the growth"),
    ],
)
def test_new_liver_lesions(diameter, enhances, washes_out, growth, expected):
    found = judge_new_liver_lesion(
        [diameter],
        unit="mm",
        arterial_enhancement=codes(enhances),
        washout=codes(washes_out),
        growth_mm=[growth],
    )
    assert found.tolist() == codes(expected).tolist()


@pytest.mark.parametrize(
    ("short_axis", "portal", "expected"),
    [
        pytest.param(17, "yes", "no", id="MR-04"),
        pytest.param(19.9, "yes", "no", id="portal, just below 20 mm"),
        pytest.param(20, "yes", "yes", id="portal, 20 mm"),
        pytest.param(14.9, "no", "no", id="elsewhere, just below 15 mm"),
        pytest.param(15, "no", "yes", id="elsewhere, 15 mm"),
        pytest.param(17, "?", "?", id="place decides and is not known"),
        pytest.param(14, "?", "no", id="too small anywhere"),
        pytest.param(21, "?", "yes", id="large enough anywhere"),
        pytest.param(NAN, "yes", "missing", id="not measured"),
        pytest.param(NAN, "?", "missing", id="nothing known"),
    ],
)
def test_nodes(short_axis, portal, expected):
    found = judge_malignant_node([short_axis], unit="mm", is_portal=codes(portal))
    assert found.tolist() == codes(expected).tolist()


def test_portal_node_of_17_mm_is_pathological_by_recist():
    """MR-04."""
    assert judge_pathological_node([17, 10, 9.9], unit="mm").tolist() == codes("yes", "yes", "no").tolist()
    measurable = judge_measurable([17], unit="mm", is_node=[True], method=Method.CT, slice_mm=5)
    assert measurable.tolist() == codes("yes").tolist()


def test_viable_targets():
    found = judge_viable_target(
        [1, 0.99, 1, 1, NAN],
        unit="cm",
        arterial_enhancement=codes("yes", "yes", "no", "missing", "yes"),
        repeatable=codes("yes", "yes", "yes", "yes", "yes"),
    )
    assert found.tolist() == codes("yes", "no", "no", "missing", "missing").tolist()
