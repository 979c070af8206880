"""Reading lesions into courses and time points, which can be measured, and what is refused."""

import math

import numpy as np
import pytest

from trialwright.medicine.recist.baseline import Method, judge_measurable, judge_pathological_node
from trialwright.medicine.recist.lesions import as_millimetres, read_lesions
from trialwright.medicine.recist.responses import Response, Role, State, as_words, decode, encode
from trialwright.medicine.recist.targets import sum_diameters, target_response
from trialwright.vocabulary.concepts import catalogue
from trialwright.vocabulary.verdicts import Reason, Verdict

NAN = float("nan")
DAY = np.datetime64("2024-01-01")
MET, NOT_MET, MISSING = Verdict.MET.code, Verdict.NOT_MET.code, Reason.MISSING.code
GOOD = {
    "subject": ["P", "P", "P", "P"],
    "date": [DAY, DAY + 2, DAY + 56, DAY + 56],
    "lesion": ["a", "b", "a", "b"],
    "role": [Role.TARGET] * 4,
    "is_node": [False, True, False, True],
    "diameter": [30, 17, 20, 12],
    "unit": "mm",
    "is_baseline": [True, True, False, False],
}


def test_baseline_on_two_days_is_one_time_point():
    lesions = read_lesions(**GOOD)
    assert lesions.points.is_baseline.tolist() == [True, False]
    assert lesions.points.first_date.tolist() == [DAY.item(), (DAY + 56).item()]
    assert lesions.points.last_date.tolist() == [(DAY + 2).item(), (DAY + 56).item()]
    assert sum_diameters(lesions).sum_mm.tolist() == [47, 32]
    assert lesions.label.tolist() == ["a", "b"]


def test_courses_of_readers_are_apart():
    twice = {name: value if name == "unit" else [*value, *value] for name, value in GOOD.items()}
    twice["diameter"] = [30, 17, 20, 12, 30, 17, 31, 25]
    lesions = read_lesions(**twice, reader=["R1"] * 4 + ["R2"] * 4)
    assert list(zip(lesions.points.subject, lesions.points.reader, strict=True)) == [("P", "R1"), ("P", "R2")]
    assert decode(Response, target_response(sum_diameters(lesions))) == ["MISSING", "PR", "MISSING", "SD"]


def test_time_points_are_found_by_subject_and_date():
    points = read_lesions(**{**GOOD, "subject": ["P", "P", "P", "Q"]}).points
    assert points.locate(["P", "P", "P", "Q", "P", "X"], DAY + np.array([0, 1, 56, 56, 57, 0])).tolist() == [
        0,
        0,
        1,
        2,
        -1,
        -1,
    ]
    assert points.locate(["P"], [DAY + 10_000]).tolist() == [-1]
    assert points.locate([], []).tolist() == []


def test_repeated_rows_count_once_and_contradicting_rows_not_at_all():
    rows = {name: value if name == "unit" else [*value, value[3]] for name, value in GOOD.items()}
    lesions = read_lesions(**rows)
    assert sum_diameters(lesions).sum_mm.tolist() == [47, 32]
    assert not lesions.is_contradicted.any()
    for other in (13, NAN):
        lesions = read_lesions(**{**rows, "diameter": [30, 17, 20, 12, other]})
        assert lesions.is_contradicted.tolist() == [False, False, False, True]
        assert sum_diameters(lesions).is_complete.tolist() == [True, False]


def test_no_rows_at_all():
    nothing = {name: value if name == "unit" else [] for name, value in GOOD.items()}
    lesions = read_lesions(**nothing)
    assert len(lesions) == 0
    assert len(target_response(sum_diameters(lesions))) == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"diameter": [30, 17, -1, 12]},
            r"`diameter\[2\]` must be a finite number of at least 0, or missing, not -1",
        ),
        ({"diameter": [30, 17, 20]}, "`diameter` must have 4 values, not 3"),
        ({"unit": "mg"}, "unit of `diameter`: `mg` cannot be converted to `mm`"),
        ({"unit": "mm2"}, "unit of `diameter`: `mm2` cannot be converted to `mm`"),
        ({"unit": ["mm", "mm", "mm2", "mm"]}, "unit of `diameter`: `mm2` cannot be converted to `mm`"),
        ({"unit": ["mm", None, "mm", "mm"]}, r"unit of `diameter\[1\]` must be one of length, not None"),
        ({"unit": ["mm"]}, "the unit of `diameter` must be one text, or 4 of them"),
        ({"date": [DAY, DAY, np.datetime64("NaT"), DAY]}, r"`date\[2\]` must be a date, not missing"),
        (
            {"date": ["2024-01-01", "2024-01", "2024-02-26", "2024-02-26"]},
            r"`date` must hold dates .*, not '2024-01'",
        ),
        ({"date": np.array(["2024-01"] * 4, "datetime64[M]")}, "`date` must hold dates"),
        ({"date": [1, 2, 3, 4]}, "`date` must hold dates .*, not 1"),
        ({"subject": ["P", None, "P", "P"]}, r"`subject\[1\]` must be a label, not None"),
        ({"role": [0, 0, 3, 0]}, r"`role\[2\]` must be the code of a Role, not 3"),
        ({"role": ["TARGET"] * 4}, "`role` must hold codes of Role, not .*: use `encode`"),
        ({"role": [0, 0, 1, 0]}, r"`role\[\d\]` must be the same in all rows of lesion 'a'"),
        (
            {"is_node": [False, True, False, False]},
            r"`is_node\[\d\]` must be the same in all rows of lesion 'b'",
        ),
        ({"is_node": [0, 1, 0, 1]}, "`is_node` must hold True or False in each of 4 rows"),
        ({"state": [2, 2, 9, 2]}, r"`state\[2\]` must be the code of a State, not 9"),
        ({"reader": ["R"]}, "`reader` must have 4 values"),
    ],
)
def test_faulty_calls_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        read_lesions(**{**GOOD, **changed})


def test_units_are_converted_to_the_decimal_that_is_meant():
    assert as_millimetres("d", [1.15, 0.29, 2.3], unit="cm").tolist() == [11.5, 2.9, 23]
    tenths = np.arange(3000)
    for scale, unit in ((100, "cm"), (10_000, "m")):
        np.testing.assert_array_equal(as_millimetres("d", tenths / scale, unit=unit), tenths / 10)
    assert as_millimetres("d", [0.0115, 11.5, 1.15], unit=["m", "mm", "cm"]).tolist() == [11.5] * 3
    np.testing.assert_array_equal(
        as_millimetres("d", [NAN, None, 12], unit=[None, "cm", "mm"]), [NAN, NAN, 12]
    )


@pytest.mark.parametrize(
    ("size", "is_node", "method", "slice_mm", "expected"),
    [
        pytest.param(9.9, False, Method.CT, 5, NOT_MET, id="CT, just below 10 mm"),
        pytest.param(10, False, Method.CT, 5, MET, id="CT, 10 mm"),
        pytest.param(10, False, Method.MRI, 5.1, NOT_MET, id="slices of more than 5 mm ask for two of them"),
        pytest.param(10.2, False, Method.MRI, 5.1, MET, id="two slices"),
        pytest.param(15.9, False, Method.CT, 8, NOT_MET, id="just below two slices"),
        pytest.param(16, False, Method.CT, 8, MET, id="two slices of 8 mm"),
        pytest.param(10, False, Method.CT, NAN, MISSING, id="slices unknown"),
        pytest.param(9.9, False, Method.CT, NAN, NOT_MET, id="too small whatever the slices"),
        pytest.param(19.9, False, Method.X_RAY, NAN, NOT_MET, id="X-ray, just below 20 mm"),
        pytest.param(20, False, Method.X_RAY, NAN, MET, id="X-ray, 20 mm"),
        pytest.param(9.9, False, Method.CALLIPER, NAN, NOT_MET, id="calliper, just below 10 mm"),
        pytest.param(10, False, Method.CALLIPER, NAN, MET, id="calliper, 10 mm"),
        pytest.param(14.9, True, Method.CT, 5, NOT_MET, id="node, just below 15 mm"),
        pytest.param(15, True, Method.CT, 5, MET, id="node, 15 mm"),
        pytest.param(NAN, False, Method.CT, 5, MISSING, id="not measured"),
    ],
)
def test_measurable(size, is_node, method, slice_mm, expected):
    found = judge_measurable([size], unit="mm", is_node=[is_node], method=method, slice_mm=slice_mm)
    assert found.tolist() == [expected]


def test_treated_lesions_are_measurable_once_they_progressed():
    progressed = np.array([MET, NOT_MET, Reason.NEEDS_A_PERSON.code], np.uint8)
    found = judge_measurable(
        [20, 20, 20],
        unit="mm",
        is_node=[False] * 3,
        method=Method.CT,
        slice_mm=5,
        progressed_since_treatment=progressed,
    )
    assert found.tolist() == [MET, NOT_MET, Reason.NEEDS_A_PERSON.code]
    for slice_mm in (0, [math.inf]):
        with pytest.raises(ValueError, match=r"`slice_mm\[0\]` must be a finite number above 0, or missing"):
            judge_measurable([20], unit="mm", is_node=[False], method=Method.CT, slice_mm=slice_mm)
    with pytest.raises(ValueError, match="`is_node` must hold True or False in each of 1 rows"):
        judge_measurable([20], unit="mm", is_node=[None], method=Method.CT, slice_mm=5)


def test_pathological_nodes():
    assert judge_pathological_node([9.99, 10, 15, NAN], unit="mm").tolist() == [NOT_MET, MET, MET, MISSING]


def test_words_are_those_of_the_catalogue():
    levels = set(catalogue()["recist_response"].levels)
    assert levels == {word.word for word in Response} - {"MISSING", "NO LESIONS"}
    assert decode(State, [3, 4]) == ["TOO SMALL TO MEASURE", "UNEQUIVOCAL PROGRESSION"]
    with pytest.raises(ValueError, match=r"word 1 must be one of MISSING, NE, PD, .*, not 'CHECK'"):
        encode(Response, ["PR", "CHECK"], missing=Response.NE)
    assert encode(Response, ["PR", "CHECK"], missing=Response.NE, other=Response.NE).tolist() == [5, 1]
    with pytest.raises(ValueError, match=r"`codes\[0\]` must be the code of a Response, not -1"):
        as_words(Response, "codes", [-1])
