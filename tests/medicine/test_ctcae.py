"""Laboratory grades of CTCAE v5.0 against the worked examples, an own reading of the criteria, and their laws."""

import doctest
import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.medicine.ctcae import calcium, grading
from trialwright.medicine.ctcae.calcium import CORRECTIONS, correct_calcium
from trialwright.medicine.ctcae.criteria import VERSIONS, Direction, criteria_of
from trialwright.medicine.ctcae.grading import (
    DEFAULT_CONVENTIONS,
    Baseline,
    Conventions,
    CreatinineRule,
    MissingBaseline,
    Symptoms,
    describe_fasting_glucose,
    grade_laboratory,
)
from trialwright.vocabulary.concepts import catalogue
from trialwright.vocabulary.intervals import Interval, Intervals
from trialwright.vocabulary.units import convert
from trialwright.vocabulary.verdicts import Reason

NAN = math.nan
MISSING, NO_LIMIT, CENSORED = Reason.MISSING.code, Reason.NO_LIMIT.code, Reason.CENSORED.code
UNIT_UNKNOWN, NEEDS_A_PERSON = Reason.UNIT_UNKNOWN.code, Reason.NEEDS_A_PERSON.code
NOT_APPLICABLE = Reason.NOT_APPLICABLE.code
PAGE = (Path(__file__).parents[2] / "docs/medicine/ctcae.md").read_text(encoding="utf-8")
WORST = Conventions(Symptoms.PRESENT, MissingBaseline.AS_NORMAL, CreatinineRule.LITERAL)
OPEN = Conventions(Symptoms.OPEN, MissingBaseline.OPEN, CreatinineRule.LITERAL)
ULN_ONLY = Conventions(Symptoms.ABSENT, MissingBaseline.AS_NORMAL, CreatinineRule.ULN_ONLY)


def graded(analyte, value, direction="high", *, unit="U/L", baseline=None, **options):
    """Grades of one analyte; `baseline` has the unit and the upper limit of the results."""
    if baseline is not None:
        baseline = Baseline(baseline, unit, options.get("uln", NAN))
    return grade_laboratory(
        analyte, value, unit=unit, direction=direction, version="5.0", baseline=baseline, **options
    )


def span(found):
    known = getattr(found, "grade", found)
    return list(zip(known.bounds.lo.tolist(), known.bounds.hi.tolist(), strict=True))


def exact(found):
    """The grades, all settled."""
    assert all(least == most for least, most in span(found))
    return [int(least) for least, _ in span(found)]


def test_the_examples_run():
    for module in (grading, calcium):
        assert doctest.testmod(module).failed == 0
        assert doctest.testmod(module).attempted > 0


# ---- worked examples


@pytest.mark.parametrize(
    ("analyte", "unit", "uln", "baseline", "values", "grades"),
    [
        pytest.param("alt", "U/L", 40, 30, [40, 41], [0, 1], id="CT-01"),
        pytest.param("alt", "U/L", 40, 30, [120, 121], [1, 2], id="CT-02"),
        pytest.param("alt", "U/L", 40, 30, [200, 201], [2, 3], id="CT-03"),
        pytest.param("alt", "U/L", 40, 30, [800, 801], [3, 4], id="CT-04"),
        pytest.param("alt", "U/L", 40, 90, [90, 134, 135], [0, 0, 1], id="CT-05"),
        pytest.param("alt", "U/L", 40, 90, [270, 271], [1, 2], id="CT-06"),
        pytest.param("alt", "U/L", 40, 90, [450, 451], [2, 3], id="CT-07"),
        pytest.param("alt", "U/L", 40, 90, [1800, 1801], [3, 4], id="CT-08"),
        pytest.param("alt", "U/L", 40, 40, [41], [1], id="CT-09"),
        pytest.param("bilirubin", "mg/dL", 1.2, 0.8, [1.8, 1.81], [1, 2], id="CT-10"),
        pytest.param("bilirubin", "mg/dL", 1.2, 0.8, [3.6, 3.7, 12.1], [2, 3, 4], id="CT-11"),
        pytest.param("bilirubin", "mg/dL", 1.2, 2.0, [2.0, 2.1, 3.0, 3.1], [0, 1, 1, 2], id="CT-12"),
        pytest.param("bilirubin", "mg/dL", 1.2, 2.0, [6.0, 6.1, 20.1], [2, 3, 4], id="CT-13"),
        pytest.param("alp", "U/L", 120, 100, [300, 301], [1, 2], id="CT-14"),
        pytest.param("alp", "U/L", 120, 200, [399, 400, 500, 501], [0, 1, 1, 2], id="CT-15"),
        pytest.param("creatinine", "mg/dL", 1.2, 0.9, [1.2, 1.3, 1.35, 1.36], [0, 1, 1, 2], id="CT-16"),
        pytest.param("creatinine", "mg/dL", 1.2, 0.5, [0.75, 0.80], [0, 2], id="CT-17"),
        pytest.param("creatinine", "mg/dL", 1.2, 0.5, [1.6], [3], id="CT-18"),
        pytest.param("creatinine", "mg/dL", 1.2, 1.0, [3.1, 7.3], [3, 4], id="CT-19"),
        pytest.param("lipase", "U/L", 60, NAN, [90, 91, 121, 301], [1, 2, 2, 3], id="CT-26"),
        pytest.param(
            "ggt", "U/L", 60, 100, [199, 200, 250, 251], [0, 1, 1, 2], id="GGT includes 2.0 as ALP does"
        ),
        pytest.param("ast", "U/L", 38, 30, [38, 39, 114, 115], [0, 1, 1, 2], id="AST"),
    ],
)
def test_examples_of_the_high_side(analyte, unit, uln, baseline, values, grades):
    assert exact(graded(analyte, values, unit=unit, uln=uln, baseline=baseline)) == grades


@pytest.mark.parametrize(
    ("analyte", "unit", "lln", "values", "grades"),
    [
        pytest.param(
            "platelets",
            "10^9/L",
            125,
            [125, 124, 75, 74, 50, 49, 25, 24],
            [0, 1, 1, 2, 2, 3, 3, 4],
            id="CT-20",
        ),
        pytest.param(
            "neutrophils", "10^9/L", 1.8, [1.5, 1.49, 1.0, 0.99, 0.5, 0.49], [1, 2, 2, 3, 3, 4], id="CT-21"
        ),
        pytest.param("haemoglobin", "g/L", 130, [129, 100, 99, 80, 79], [1, 1, 2, 2, 3], id="CT-22"),
        pytest.param("albumin", "g/L", 35, [34, 30, 29.9, 20, 19], [1, 1, 2, 2, 3], id="CT-23"),
        pytest.param(
            "sodium", "mmol/L", 136, [135, 130, 129.5, 125, 124, 119], [1, 1, 2, 2, 3, 4], id="CT-24"
        ),
        pytest.param("potassium", "mmol/L", 3.5, [3.4, 3.0, 2.9, 2.4], [1, 1, 3, 4], id="CT-25"),
    ],
)
def test_examples_of_the_low_side(analyte, unit, lln, values, grades):
    assert exact(graded(analyte, values, "low", unit=unit, lln=lln)) == grades


@pytest.mark.parametrize(
    ("analyte", "direction", "unit", "limits", "values", "without", "with_symptoms"),
    [
        pytest.param(
            "sodium",
            "low",
            "mmol/L",
            {"lln": 136},
            [135, 129.5, 125, 124.9],
            [1, 2, 2, 3],
            [1, 3, 3, 3],
            id="CT-24",
        ),
        pytest.param(
            "potassium", "low", "mmol/L", {"lln": 3.5}, [3.5, 3.4, 2.9], [0, 1, 3], [0, 2, 3], id="CT-25"
        ),
        pytest.param(
            "lipase", "high", "U/L", {"uln": 60}, [120, 121, 300, 301], [2, 2, 2, 3], [2, 3, 3, 4], id="CT-26"
        ),
        pytest.param("uric_acid", "high", "umol/L", {"uln": 420}, [420, 421], [0, 1], [0, 3], id="uric acid"),
    ],
)
def test_symptoms_raise_some_grades(analyte, direction, unit, limits, values, without, with_symptoms):
    def ask(**options):
        return graded(analyte, values, direction, unit=unit, **limits, **options)

    assert exact(ask(has_symptoms=False)) == exact(ask()) == without
    assert exact(ask(has_symptoms=True)) == exact(ask(conventions=WORST)) == with_symptoms
    assert span(ask(conventions=OPEN)) == list(zip(without, with_symptoms, strict=True))
    differs = [a != b for a, b in zip(without, with_symptoms, strict=True)]
    assert ask(conventions=OPEN).grade.reasons.tolist() == [NEEDS_A_PERSON * one for one in differs]
    assert ask().may_be_higher.tolist() == differs
    assert not ask(has_symptoms=False).may_be_higher.any()
    assert not ask(conventions=WORST).may_be_higher.any()


@pytest.mark.parametrize(
    ("values", "baseline", "anticoagulated", "grades"),
    [
        pytest.param([1.2, 1.3, 1.6, 2.6], 1.0, False, [(0, 0), (1, 1), (2, 2), (3, 3)], id="CT-27"),
        pytest.param([2.4, 2.6, 3.7], 2.4, True, [(0, 0), (1, 1), (2, 2)], id="CT-28 baseline part"),
        pytest.param([2.4, 2.6, 3.7], 2.4, False, [(2, 2), (3, 3), (3, 3)], id="CT-28 numeric part"),
        pytest.param([2.4, 3.7], 2.4, None, [(0, 2), (2, 3)], id="anticoagulation not known"),
        pytest.param([1.4], NAN, True, [(0, 3)], id="anticoagulated without baseline"),
        pytest.param([1.4], NAN, False, [(1, 1)], id="not anticoagulated: no baseline needed"),
        pytest.param([1.5, 1.5001, 2.5, 2.5001], 1.0, True, [(1, 1), (2, 2), (2, 2), (3, 3)], id="limits"),
    ],
)
def test_inr(values, baseline, anticoagulated, grades):
    found = graded("inr", values, unit=None, baseline=baseline, is_anticoagulated=anticoagulated)
    assert span(found) == grades
    assert found.grade.reasons.tolist() == [MISSING if least < most else 0 for least, most in grades]


def test_high_glucose_has_no_numeric_grade():  # CT-29
    found = graded("glucose", [15.0, 6.0, 5.9], unit="mmol/L", uln=6.1, baseline=5.2)
    assert exact(found) == [1, 0, 0]
    assert found.may_be_higher.tolist() == [True, False, False]
    assert exact(graded("glucose", [8.0], unit="mmol/L", uln=6.1, baseline=9.0)) == [0]
    assert span(graded("glucose", [15.0], unit="mmol/L", uln=6.1)) == [(0, 1)]
    described = describe_fasting_glucose(
        [15.0, 6.1, 6.2, 8.9, 9.0, 13.9, 27.8, 27.9], unit="mmol/L", uln=6.1, version="5.0"
    )
    assert exact(described) == [3, 0, 1, 1, 2, 2, 3, 4]


def test_calcium_is_graded_as_corrected_for_albumin():  # CT-30
    total = {"calcium_unit": "mmol/L", "albumin_unit": "g/L", "correction": CORRECTIONS["mmol/L"]}
    corrected = correct_calcium([2.05, 2.55, NAN], albumin=[30, 28, 28], **total)
    assert corrected.bounds.lo[:2].tolist() == pytest.approx([2.25, 2.79])
    found = graded("corrected_calcium", corrected, "low", unit="mmol/L", lln=2.15)
    assert span(found) == [(0, 0), (0, 0), (0, 4)]
    in_mg = correct_calcium(
        2.5, albumin=25, calcium_unit="mmol/L", albumin_unit="g/L", correction=CORRECTIONS["mg/dL"]
    )
    assert in_mg.bounds.lo.tolist() == pytest.approx([2.5 * 4.0078 + 0.8 * 1.5])


def test_without_limit_of_normal_only_what_rests_on_it_is_open():  # CT-31
    found = graded("alt", 300, uln=NAN, baseline=30)
    assert span(found) == [(0, 4)]
    assert found.grade.reasons.tolist() == [NO_LIMIT]
    platelets = graded("platelets", [200, 60, 24], "low", unit="10^9/L")
    assert span(platelets) == [(0, 1), (2, 2), (4, 4)]


def test_a_missing_baseline_counts_as_normal_and_is_flagged():  # CT-32
    found = graded("alt", [150, 150], uln=40, baseline=[NAN, 90])
    assert exact(found) == [2, 1]
    assert found.is_baseline_assumed.tolist() == [True, False]
    assert exact(graded("alt", 150, uln=40)) == [2]
    left_open = graded("alt", 150, uln=40, conventions=OPEN)
    assert span(left_open) == [(0, 4)]
    assert left_open.grade.reasons.tolist() == [MISSING]
    assert not left_open.is_baseline_assumed.any()
    assert span(graded("alt", 40, uln=40, conventions=OPEN)) == [
        (0, 4)
    ]  # 40 is far above a low abnormal baseline
    no_limit = grade_laboratory(
        "alt", 150, unit="U/L", direction="high", version="5.0", uln=40, baseline=Baseline(90, "U/L", NAN)
    )
    assert span(no_limit) == [(1, 2)]
    assert no_limit.grade.reasons.tolist() == [NO_LIMIT]


def test_creatinine_without_baseline_or_by_limits_alone():
    assert span(graded("creatinine", [1.3], unit="mg/dL", uln=1.2)) == [(1, 3)]
    assert exact(
        graded("creatinine", [0.8, 1.9], unit="mg/dL", uln=1.2, baseline=0.5, conventions=ULN_ONLY)
    ) == [0, 2]
    assert exact(graded("creatinine", [1.3], unit="mg/dL", uln=1.2, conventions=ULN_ONLY)) == [1]


def test_conventions_may_be_written_as_words():
    assert Conventions("none", "as normal", "ULN only") == ULN_ONLY
    assert exact(graded("creatinine", [0.8], unit="mg/dL", uln=1.2, baseline=0.5, conventions=ULN_ONLY)) == [
        0
    ]
    with pytest.raises(ValueError, match="'perhaps'"):
        Conventions("perhaps", "as normal", "literal")


# ---- every term, by an own reading of the criteria

READING = {
    # analyte, direction: unit, lower limit, upper limit, [value, grade] just beside and on each limit
    ("albumin", "low"): ("g/dL", 3.5, 5, [(3.5, 0), (3.4, 1), (3.0, 1), (2.9, 2), (2.0, 2), (1.9, 3)]),
    ("aptt", "high"): ("s", 25, 40, [(40, 0), (41, 1), (60, 1), (61, 2), (100, 2), (101, 3)]),
    ("white_cells", "low"): (
        "10^3/uL",
        4,
        10,
        [(4, 0), (3.9, 1), (3, 1), (2.9, 2), (2, 2), (1.9, 3), (1, 3), (0.9, 4)],
    ),
    ("white_cells", "high"): ("10^9/L", 4, 10, [(11, 0), (100, 0), (100.1, 3)]),
    ("lymphocytes", "low"): (
        "cells/uL",
        1000,
        4000,
        [(1000, 0), (999, 1), (800, 1), (799, 2), (500, 2), (499, 3), (200, 3), (199, 4)],
    ),
    ("lymphocytes", "high"): ("10^9/L", 1, 4, [(4, 0), (4.1, 2), (20, 2), (20.1, 3)]),
    ("haemoglobin", "high"): (
        "g/dL",
        12,
        16,
        [(16, 0), (16.1, 1), (18, 1), (18.1, 2), (20, 2), (20.1, 3)],
    ),
    ("glucose", "low"): (
        "mmol/L",
        3.9,
        6.1,
        [(3.9, 0), (3.8, 1), (3, 1), (2.9, 2), (2.2, 2), (2.1, 3), (1.7, 3), (1.6, 4)],
    ),
    ("sodium", "high"): (
        "mEq/L",
        136,
        145,
        [(145, 0), (146, 1), (150, 1), (151, 2), (155, 2), (156, 3), (160, 3), (161, 4)],
    ),
    ("potassium", "high"): (
        "mmol/L",
        3.5,
        5,
        [(5, 0), (5.1, 1), (5.5, 1), (5.6, 2), (6, 2), (6.1, 3), (7, 3), (7.1, 4)],
    ),
    ("corrected_calcium", "low"): (
        "mmol/L",
        2.15,
        2.55,
        [(2.15, 0), (2.14, 1), (2, 1), (1.99, 2), (1.75, 2), (1.74, 3), (1.5, 3), (1.49, 4)],
    ),
    ("corrected_calcium", "high"): (
        "mmol/L",
        2.15,
        2.55,
        [(2.55, 0), (2.56, 1), (2.9, 1), (2.91, 2), (3.1, 2), (3.11, 3), (3.4, 3), (3.41, 4)],
    ),
    ("ionised_calcium", "low"): (
        "mmol/L",
        1.15,
        1.3,
        [(1.15, 0), (1.1, 1), (1, 1), (0.99, 2), (0.9, 2), (0.89, 3), (0.8, 3), (0.79, 4)],
    ),
    ("ionised_calcium", "high"): (
        "mmol/L",
        1.15,
        1.3,
        [(1.3, 0), (1.4, 1), (1.5, 1), (1.55, 2), (1.6, 2), (1.7, 3), (1.8, 3), (1.9, 4)],
    ),
    ("amylase", "high"): ("U/L", 30, 100, [(100, 0), (101, 1), (150, 1), (151, 2), (500, 2), (501, 3)]),
    ("ck", "high"): (
        "ukat/L",
        0.5,
        3,
        [(3, 0), (3.1, 1), (7.5, 1), (7.6, 2), (15, 2), (15.1, 3), (30, 3), (30.1, 4)],
    ),
    ("ldh", "high"): ("U/L", 120, 250, [(250, 0), (251, 1), (5000, 1)]),
    ("magnesium", "low"): (
        "mmol/L",
        0.7,
        1,
        [(0.7, 0), (0.69, 1), (0.5, 1), (0.49, 2), (0.4, 2), (0.39, 3), (0.3, 3), (0.29, 4)],
    ),
    ("triglycerides", "high"): (
        "mmol/L",
        0,
        1.7,
        [(1.70, 0), (1.71, 1), (3.42, 1), (3.43, 2), (5.7, 2), (5.71, 3), (11.4, 3), (11.5, 4)],
    ),
    ("uric_acid", "high"): ("umol/L", 200, 420, [(420, 0), (421, 1), (2000, 1)]),
}


@pytest.mark.parametrize(("key", "reading"), READING.items(), ids=["-".join(key) for key in READING])
def test_every_other_term_at_its_limits(key, reading):
    unit, lln, uln, rows = reading
    values, grades = zip(*rows, strict=True)
    assert exact(graded(key[0], values, key[1], unit=unit, lln=lln, uln=uln)) == list(grades)


def test_no_term_is_untested():
    examples = {
        (name, "high")
        for name in ["alt", "ast", "alp", "ggt", "bilirubin", "creatinine", "inr", "lipase", "glucose"]
    }
    examples |= {
        (name, "low")
        for name in ["platelets", "neutrophils", "haemoglobin", "albumin", "sodium", "potassium"]
    }
    terms = criteria_of("5.0").terms
    clinical = {key for key, term in terms.items() if not term.steps}
    assert set(terms) == examples | set(READING) | clinical


@pytest.mark.parametrize("analyte", ["phosphate", "tsh", "free_t4"])
def test_terms_without_numbers_need_a_person(analyte):
    unit = {"phosphate": "mmol/L", "tsh": "mU/L", "free_t4": "pmol/L"}[analyte]
    found = graded(analyte, [0.6], "low", unit=unit, lln=0.8)
    assert (span(found), found.grade.reasons.tolist()) == ([(0, 4)], [NEEDS_A_PERSON])


def test_analytes_without_a_term_on_that_side_are_not_applicable():
    found = graded(
        ["alt", "platelets", "crp"], [10, 600, 300], "low", unit=["U/L", "10^9/L", "mg/L"], lln=150
    )
    assert found.grade.reasons.tolist() == [NOT_APPLICABLE, 0, NOT_APPLICABLE]


def test_each_row_of_two_analytes_has_the_steps_of_its_own():
    found = graded(["platelets", "neutrophils"] * 2, [60, 1.2, 24, 0.4], "low", unit="10^9/L", lln=1)
    assert exact(found) == [2, 2, 4, 4]


# ---- what is not known


def test_a_missing_result_is_not_grade_0():
    found = graded("platelets", [NAN, 200], "low", unit="10^9/L", lln=125)
    assert (span(found)[0], found.grade.reasons.tolist()) == ((0, 4), [MISSING, 0])


def test_a_censored_result_has_the_grades_it_may_have():
    below = Intervals.of([Interval.reported(10, "<", floor=0), Interval.reported(60, "<", floor=0)])
    found = graded("platelets", below, "low", unit="10^9/L", lln=125)
    assert span(found) == [(4, 4), (2, 4)]
    assert found.grade.reasons.tolist() == [0, CENSORED]


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "direction"),
    [
        pytest.param("haemoglobin", 13, "g/L", "low", id="haemoglobin in g/dL called g/L"),
        pytest.param("creatinine", 90, "mg/dL", "high", id="creatinine in umol/L called mg/dL"),
        pytest.param("platelets", 150000, "10^9/L", "low", id="platelets per uL called 10^9/L"),
        pytest.param("alt", 50, ["mg/dL"], "high", id="a unit of another kind in a row"),
        pytest.param("alt", 50, [None], "high", id="no unit in a row"),
        pytest.param("inr", 1.4, ["U/L"], "high", id="a unit where there is none"),
    ],
)
def test_a_doubtful_unit_is_asked_about_and_never_rescaled(analyte, value, unit, direction):
    found = graded(analyte, [value], direction, unit=unit, is_anticoagulated=False, conventions=ULN_ONLY)
    assert found.grade.reasons.tolist() == [UNIT_UNKNOWN]
    assert span(found)[0][0] == 0


def test_a_limit_in_another_unit_than_its_result_is_not_used():
    found = graded("haemoglobin", [150], unit="g/L", uln=16)
    assert (span(found), found.grade.reasons.tolist()) == ([(0, 3)], [UNIT_UNKNOWN])


def test_the_baseline_keeps_its_own_unit():
    base = Baseline([2.0, 34.2], ["mg/dL", "umol/L"], [1.2, 20.5])
    found = grade_laboratory(
        "bilirubin", [53.0, 53.0], unit="umol/L", direction="high", version="5.0", uln=20.5, baseline=base
    )
    assert exact(found) == [2, 2]  # 53 / 34.2 = 1.55 times an abnormal baseline


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: graded("alt", [5, -1]), r"`value\[1\]` must be a finite number from 0 up"),
        (lambda: graded("inr", [1, 0], unit=None), r"`value\[1\]` must be above 0, not 0"),
        (lambda: graded("alt", 5, uln=0), r"`uln\[0\]` must be above 0"),
        (
            lambda: graded("alt", 5, uln=[10, 40], lln=[5, 41]),
            r"`lln\[1\]` must be at most its upper limit, not 41",
        ),
        (lambda: graded("creatinine", 1, unit="mg/dL", baseline=0), r"`baseline\[0\]` must be above 0"),
        (lambda: graded("alt", 5, unit="mg/dL"), r"`mg/dL` of `value` is no unit of alt"),
        (lambda: graded("alanine", 5), r"`analyte\[0\]` is none that is known: 'alanine'"),
        (lambda: graded("alt", [1, 2], uln=[1, 2, 3]), "must have as many rows"),
        (lambda: graded("alt", 5, "up"), "'up' is not a valid Direction"),
        (
            lambda: grade_laboratory("alt", 5, unit="U/L", direction="high", version="6.0"),
            r"must be one of 5\.0, not '6\.0'",
        ),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- laws

NUMERIC = [key for key, term in criteria_of("5.0").terms.items() if term.steps]
UNITS = {
    "alt": ["U/L", "ukat/L", "IU/L"],
    "bilirubin": ["umol/L", "mg/dL", "mg/L"],
    "creatinine": ["umol/L", "mg/dL"],
    "albumin": ["g/L", "g/dL"],
    "haemoglobin": ["g/L", "g/dL", "mmol/L"],
    "platelets": ["10^9/L", "10^3/uL", "cells/uL"],
    "glucose": ["mmol/L", "mg/dL"],
    "magnesium": ["mmol/L", "mg/dL", "mEq/L"],
    "uric_acid": ["umol/L", "mg/dL"],
    "triglycerides": ["mmol/L", "mg/dL"],
}


@st.composite
def laboratory_rows(draw, n=6):
    """Rows of several analytes around their limits, some parts missing."""
    keys = draw(st.lists(st.sampled_from(NUMERIC), min_size=n, max_size=n))
    rows = []
    for analyte, _ in keys:
        about = criteria_of("5.0").analytes[analyte]
        low, high = float(max(about.limits[0], about.limits[1] / 1000)), float(about.limits[1])
        at = [draw(st.floats(0.05, 0.95)) for _ in range(4)]
        lln, uln = sorted(low + (high - low) * one**3 for one in at[:2])
        value, base = (low + (high - low) * one**3 for one in at[2:])
        gone = draw(st.integers(0, 15))
        rows.append([analyte, *(NAN if gone == k else one for k, one in enumerate((value, lln, uln, base)))])
    return rows


def grades_of(rows, direction, **options):
    names, *numbers = zip(*rows, strict=True)
    units = [None if (u := criteria_of("5.0").analytes[name].unit) is None else u.code for name in names]
    value, lln, uln, base = (list(column) for column in numbers)
    return grade_laboratory(
        names,
        value,
        unit=units,
        direction=direction,
        version="5.0",
        lln=lln,
        uln=uln,
        baseline=Baseline(base, units, uln),
        **({"has_symptoms": False, "is_anticoagulated": False} | options),
    )


@given(laboratory_rows(), st.sampled_from(list(Direction)), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_rows_are_graded_alone_and_in_any_order(rows, direction, random):
    together = span(grades_of(rows, direction))
    assert together == [span(grades_of([row], direction))[0] for row in rows]
    order = list(range(len(rows)))
    random.shuffle(order)
    assert span(grades_of([rows[i] for i in order], direction)) == [together[i] for i in order]


@given(laboratory_rows(), st.sampled_from(list(Direction)), st.floats(1.0, 3.0))
@settings(max_examples=60, deadline=None)
def test_further_from_normal_never_lowers_a_grade(rows, direction, factor):
    further = [
        [name, value * factor if direction == "high" else value / factor, *rest]
        for name, value, *rest in rows
    ]
    found = [grades_of(one, direction) for one in (rows, further)]
    plausible = found[1].grade.reasons != UNIT_UNKNOWN
    for before, after, is_plausible in zip(*map(span, found), plausible, strict=True):
        assert not is_plausible or (after[0] >= before[0] and after[1] >= before[1])


@given(laboratory_rows(), st.sampled_from(list(Direction)), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_knowing_more_never_leaves_the_grades_that_were_possible(rows, direction, part):
    unknown = [[*row[: part + 1], NAN, *row[part + 2 :]] for row in rows]
    asked = {"has_symptoms": None, "is_anticoagulated": None, "conventions": OPEN}
    open_grades, known = (grades_of(some, direction, **asked) for some in (unknown, rows))
    for (least, most), (lower, higher) in zip(span(open_grades), span(known), strict=True):
        assert least <= lower <= higher <= most


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("analyte", UNITS)
def test_units_never_change_a_grade(analyte, direction):
    about = criteria_of("5.0").analytes[analyte]
    low, high = float(about.limits[0]), float(about.limits[1])
    values = np.linspace(low + (high - low) / 1000, high * 0.99, 400).round(3)
    middle, top = np.quantile(values, [0.02, 0.05]).round(3)
    found = []
    for unit in UNITS[analyte]:
        lln, uln, base, value = (
            np.array([convert(one, about.unit, unit, equivalences=about.equivalences) for one in column])
            for column in ([middle], [top], [middle], values)
        )
        found.append(span(graded(analyte, value, direction, unit=unit, lln=lln, uln=uln, baseline=base)))
    assert all(one == found[0] for one in found)
    term = criteria_of("5.0").terms.get((analyte, direction))
    assert len(set(found[0])) > 1 or term is None  # the values do meet limits


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "uln", "baseline", "grade"),
    [
        pytest.param("alt", 60.3, "U/L", 20.1, 10, 1, id="3 x 20.1 is 60.300000000000004"),
        pytest.param("creatinine", 0.93, "mg/dL", 0.95, 0.62, 0, id="1.5 x 0.62 is 0.9299999999999999"),
    ],
)
def test_products_that_floating_point_misses(analyte, value, unit, uln, baseline, grade):
    assert exact(graded(analyte, [value], unit=unit, uln=uln, baseline=baseline)) == [grade]


# ---- conversions


@pytest.mark.parametrize(
    ("analyte", "amount", "unit", "expected", "to"),
    [
        ("bilirubin", 1, "mg/dL", 17.104, "umol/L"),
        ("creatinine", 1, "mg/dL", 88.40, "umol/L"),
        ("albumin", 1, "g/dL", 10, "g/L"),
        ("haemoglobin", 1, "g/dL", 0.6206, "mmol/L"),
        ("glucose", 1, "mmol/L", 18.016, "mg/dL"),
        ("corrected_calcium", 1, "mmol/L", 4.008, "mg/dL"),
        ("magnesium", 1, "mmol/L", 2.431, "mg/dL"),
        ("phosphate", 1, "mmol/L", 3.097, "mg/dL"),
        ("uric_acid", 1, "mg/dL", 59.48, "umol/L"),
        ("triglycerides", 1, "mmol/L", 88.57, "mg/dL"),
        ("platelets", 1, "10^3/uL", 1, "10^9/L"),
        ("neutrophils", 1, "cells/uL", 1e-3, "10^9/L"),
        ("alt", 1, "ukat/L", 60, "U/L"),
        ("sodium", 1, "mEq/L", 1, "mmol/L"),
    ],
)
def test_conversions(analyte, amount, unit, expected, to):
    about = criteria_of("5.0").analytes[analyte]
    found = convert(amount, unit, to, equivalences=about.equivalences)
    assert found == pytest.approx(expected, rel=3e-4)


def test_corrected_calcium_examples():
    found = correct_calcium(
        [8.0], calcium_unit="mg/dL", albumin=[2.5], albumin_unit="g/dL", correction=CORRECTIONS["mg/dL"]
    )
    assert found.bounds.lo.tolist() == pytest.approx([9.2])
    assert found.compare("<=", 9.2).tolist() == found.compare(">=", 9.2).tolist() == [100]


# ---- the page


def cell(steps):
    return f"`{'; '.join(step.text for step in steps)}`" if steps else "–"


def documented_rows():
    criteria = criteria_of("5.0")
    for term in criteria.terms.values():
        unit = criteria.analytes[term.analyte].unit
        grades = ", ".join(map(str, term.clinical)) or "–"
        yield f"| {term.analyte} {term.direction} | {term.name} | {unit or '–'} | {cell(term.steps)} | {grades} |"
        for label, steps in (
            ("abnormal baseline", term.if_baseline_abnormal),
            ("on anticoagulation", term.if_anticoagulated),
            ("ULN only", term.uln_only),
        ):
            if steps:
                yield f"| {term.analyte} {term.direction} | {label} | {unit or '–'} | {cell(steps)} | – |"
    for term in criteria.descriptive.values():
        unit = criteria.analytes[term.analyte].unit
        yield f"| {term.analyte} {term.direction} | {term.name} | {unit} | {cell(term.steps)} | – |"
    for name, one in CORRECTIONS.items():
        yield f"| {name} | calcium + {one.slope:g} × ({one.albumin:g} − albumin in {one.albumin_unit}) | {one.source} |"
    for field, value in (
        ("symptoms", DEFAULT_CONVENTIONS.symptoms),
        ("missing baseline", DEFAULT_CONVENTIONS.missing_baseline),
        ("creatinine", DEFAULT_CONVENTIONS.creatinine),
    ):
        others = ", ".join(one for one in type(value) if one is not value)
        yield f"| {field} | {value} | {others} |"


def test_the_page_shows_the_criteria_of_the_code_and_no_others():
    lines = PAGE.splitlines()
    headers = [a for a, b in itertools.pairwise(lines) if re.fullmatch(r"(\|-+)+\|", b)]
    shown = [line for line in lines if line.startswith("| ") and line not in headers]
    assert sorted(shown) == sorted(documented_rows())
    assert criteria_of("5.0").source in PAGE
    assert VERSIONS == ("5.0",)


def test_own_analytes_are_not_yet_in_the_catalogue():
    """When the catalogue learns one of them, its entry in the table of the criteria goes."""
    own = set(criteria_of("5.0").analytes) - set(catalogue())
    expected = "corrected_calcium ionised_calcium aptt magnesium triglycerides uric_acid phosphate"
    assert own == set(expected.split())
