"""Liver scores, stages and kidney function against the worked examples, and what still follows when a part is missing."""

import doctest
import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.medicine.known import Categories
from trialwright.medicine.liver_function import albi, bclc, child_pugh, fibrosis, kidney, meld, performance
from trialwright.medicine.liver_function.albi import compute_albi, grade_albi, grade_modified_albi
from trialwright.medicine.liver_function.bclc import is_within_milan, stage_bclc, subdivide_bclc_b
from trialwright.medicine.liver_function.child_pugh import (
    FORMS,
    Clotting,
    classify_child_pugh,
    compute_child_pugh,
)
from trialwright.medicine.liver_function.fibrosis import (
    APRI_CUTS,
    FIB_4_CUTS,
    classify_fibrosis,
    compute_apri,
    compute_fib_4,
)
from trialwright.medicine.liver_function.kidney import (
    compute_creatinine_clearance,
    compute_egfr,
    exceeds_limit,
)
from trialwright.medicine.liver_function.meld import compute_meld, compute_meld_3, compute_meld_na
from trialwright.medicine.liver_function.performance import ECOG, ECOG_OF_KARNOFSKY, compute_ecog
from trialwright.vocabulary.intervals import Intervals
from trialwright.vocabulary.verdicts import Reason, Verdict

INF, NAN = math.inf, math.nan
MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
MISSING, CENSORED, UNDEFINED = Reason.MISSING.code, Reason.CENSORED.code, Reason.UNDEFINED.code
NO_LIMIT, UNIT_UNKNOWN = Reason.NO_LIMIT.code, Reason.UNIT_UNKNOWN.code
PAGE = (Path(__file__).parents[2] / "docs/medicine/liver-function.md").read_text(encoding="utf-8")


def number(known):
    """The one number of a single row."""
    assert known.is_exact.tolist() == [True]
    return known.bounds.lo.item()


def span(known):
    return known.bounds.lo.tolist(), known.bounds.hi.tolist()


def possible(groups):
    """The categories each row may be in, joined: `A`, `A B`."""
    return [
        " ".join(level for level, flag in zip(groups.levels, row, strict=True) if flag)
        for row in groups.possible
    ]


def test_the_examples_run():
    assert doctest.testmod(child_pugh).failed == 0
    assert doctest.testmod(child_pugh).attempted > 0


# ---- Child-Pugh


def score(bili, alb, inr, ascites="none", encephalopathy="none", form="mg/dL", **options):
    return compute_child_pugh(
        bilirubin=bili,
        bilirubin_unit=options.pop("bilirubin_unit", "mg/dL"),
        albumin=alb,
        albumin_unit="g/dL",
        inr=inr,
        ascites=ascites,
        encephalopathy=encephalopathy,
        form=FORMS[form],
        **options,
    )


@pytest.mark.parametrize(
    ("bili", "alb", "inr", "ascites", "least", "most", "group"),
    [
        pytest.param(0.8, 4.2, 1.0, "none", 5, 5, "A", id="CP-01"),
        pytest.param(1.9, 3.5, 1.2, "none", 6, 6, "A", id="CP-02 albumin of 3.5 has 2 points"),
        pytest.param(2.0, 3.6, 1.6, "none", 6, 6, "A", id="CP-03 bilirubin of 2.0 has 2 points"),
        pytest.param(2.0, 3.4, 1.7, "none", 8, 8, "B", id="CP-04"),
        pytest.param(3.1, 2.7, 2.4, "moderate", 13, 13, "C", id="CP-05"),
        pytest.param(3.0, 2.8, 2.3, "slight", 9, 9, "B", id="CP-06"),
        pytest.param(1.0, 3.8, NAN, "none", 5, 7, "A B", id="CP-07"),
        pytest.param(1.0, 3.8, 1.0, None, 5, 7, "A B", id="ascites not known"),
        pytest.param(4.0, 2.0, NAN, "moderate", 11, 13, "C", id="settled without the INR"),
    ],
)
def test_child_pugh_examples(bili, alb, inr, ascites, least, most, group):
    points = score(bili, alb, inr, ascites)
    assert span(points) == ([least], [most])
    assert points.reasons.tolist() == ([0] if least == most else [MISSING])
    assert possible(classify_child_pugh(points, form=FORMS["mg/dL"])) == [group]


@pytest.mark.parametrize(
    ("item", "points"),
    [
        pytest.param(
            {"bili": [1.99, 2.0, 3.0, 3.01]}, [5, 6, 6, 7], id="bilirubin: 2 to 3 mg/dL, both included"
        ),
        pytest.param(
            {"alb": [3.51, 3.5, 2.8, 2.79]}, [5, 6, 6, 7], id="albumin: 2.8 to 3.5 g/dL, both included"
        ),
        pytest.param({"inr": [1.69, 1.7, 2.3, 2.31]}, [5, 6, 6, 7], id="INR: 1.7 to 2.3, both included"),
        pytest.param(
            {"inr": NAN, "prothrombin_excess": [-1, 3.9, 4, 6, 6.1]},
            [5, 5, 6, 6, 7],
            id="prothrombin time: 4 to 6 s, both included",
        ),
        pytest.param({"ascites": ["none", "slight", "moderate"]}, [5, 6, 7], id="ascites"),
        pytest.param({"encephalopathy": ["none", "1-2", "3-4"]}, [5, 6, 7], id="encephalopathy"),
        pytest.param({"inr": [2.2, 2.21], "form": "INR to 2.2"}, [6, 7], id="INR limit of 2.2"),
        pytest.param(
            {"bili": [33.9, 34, 51, 51.1], "bilirubin_unit": "umol/L", "form": "umol/L"},
            [5, 6, 6, 7],
            id="rounded SI limits",
        ),
        pytest.param({"bili": [34], "bilirubin_unit": "umol/L"}, [5], id="34 umol/L is 1.99 mg/dL"),
        pytest.param(
            {"bili": [3.9, 4, 10, 10.1], "form": "cholestatic"}, [5, 6, 6, 7], id="cholestatic disease"
        ),
    ],
)
def test_child_pugh_boundaries(item, points):
    least, most = span(score(**({"bili": 1.0, "alb": 4.0, "inr": 1.0} | item)))
    assert least == most == points


def test_of_two_clotting_tests_the_first_counts_and_the_other_only_without_record():
    both = {"inr": [2.0, NAN, 1.0], "prothrombin_excess": [9.0, 9.0, NAN]}
    assert span(score(1, 4, **both)) == ([6, 7, 5], [6, 7, 5])
    assert span(score(1, 4, **both, first=Clotting.PROTHROMBIN_TIME)) == ([7, 7, 5], [7, 7, 5])
    censored = Intervals([0], [2.0], hi_open=[True])
    assert span(score(1, 4, censored, prothrombin_excess=9.0)) == ([5], [6])  # never falls back


def test_a_unit_that_is_not_known_leaves_its_item_open():
    points = score([1.0, 1.0], 4, 1, bilirubin_unit=["mg/dL", None])
    assert span(points) == ([5, 5], [5, 7])
    assert points.reasons.tolist() == [0, UNIT_UNKNOWN]


GRID = {
    "bili": [1.0, 2.0, 3.0, 4.0],
    "alb": [4.0, 3.5, 2.8, 2.0],
    "inr": [1.0, 1.7, 2.3, 3.0],
    "ascites": ["none", "slight", "moderate"],
    "encephalopathy": ["none", "1-2", "3-4"],
}
POINTS = {
    "bili": [1, 2, 2, 3],
    "alb": [1, 2, 2, 3],
    "inr": [1, 2, 2, 3],
    "ascites": [1, 2, 3],
    "encephalopathy": [1, 2, 3],
}


@given(
    st.fixed_dictionaries(
        {item: st.sampled_from([*range(len(values)), None]) for item, values in GRID.items()}
    )
)
@settings(max_examples=60, deadline=None)
def test_a_half_known_score_is_the_range_of_its_completions(chosen):
    row = {item: None if chosen[item] is None else GRID[item][chosen[item]] for item in GRID}
    completions = [POINTS[item] if at is None else [POINTS[item][at]] for item, at in chosen.items()]
    totals = [sum(points) for points in itertools.product(*completions)]
    assert span(score(**row)) == ([min(totals)], [max(totals)])


# ---- BCLC and Milan


def stage(n, largest, *, ecog=0, invasion=False, spread=False, liver="A", transplantable=False, **options):
    return stage_bclc(
        n_tumours=n,
        largest=largest,
        size_unit=options.pop("unit", "mm"),
        has_macrovascular_invasion=invasion,
        has_extrahepatic_spread=spread,
        ecog=ecog,
        child_pugh=liver,
        is_transplantable=transplantable,
        version=options.pop("version", "2018"),
        **options,
    )


@pytest.mark.parametrize("version", ["2018", "2022"])
@pytest.mark.parametrize(
    ("case", "expected"),
    [
        pytest.param({"n": 1, "largest": 20}, "0", id="BC-01"),
        pytest.param({"n": 1, "largest": 21}, "A", id="BC-02"),
        pytest.param({"n": 1, "largest": 70}, "A", id="BC-03"),
        pytest.param({"n": 3, "largest": 30}, "A", id="BC-04"),
        pytest.param({"n": 2, "largest": 31}, "B", id="BC-05"),
        pytest.param({"n": 4, "largest": 10}, "B", id="BC-06"),
        pytest.param({"n": 1, "largest": 18, "invasion": True}, "C", id="BC-07"),
        pytest.param({"n": 1, "largest": 18, "ecog": 1}, "C", id="BC-08"),
        pytest.param(
            {"n": 1, "largest": 18, "ecog": 1, "ecog_1_is_c": False}, "0", id="BC-08 ECOG 1 not counted"
        ),
        pytest.param({"n": 1, "largest": 18, "liver": "C"}, "D", id="BC-09"),
        pytest.param({"n": 1, "largest": 18, "liver": "C", "transplantable": True}, "0", id="transplantable"),
        pytest.param(
            {"n": 1, "largest": 18, "liver": "C", "transplantable": None}, "0 D", id="transplant not known"
        ),
        pytest.param(
            {"n": 1, "largest": 18, "ecog": 2, "ecog_1_is_c": False}, "C", id="ECOG 2 always counts"
        ),
        pytest.param({"n": 1, "largest": 18, "ecog": 3}, "D", id="ECOG 3 is terminal"),
        pytest.param({"n": 4, "largest": 60, "spread": True}, "C", id="metastasis"),
        pytest.param({"n": 1, "largest": 18, "ecog": 4, "invasion": True}, "D", id="D is asked before C"),
        pytest.param({"n": 1, "largest": 2.1, "unit": "cm"}, "A", id="2.1 cm"),
        pytest.param({"n": 1, "largest": 2.0, "unit": "cm"}, "0", id="2.0 cm"),
        pytest.param({"n": 2, "largest": 20}, "A", id="two small ones are not very early"),
        pytest.param({"n": 1, "largest": NAN}, "0 A", id="size not known, single"),
        pytest.param({"n": NAN, "largest": 20}, "0 A B", id="number not known"),
        pytest.param({"n": NAN, "largest": 31}, "A B", id="number not known, large"),
        pytest.param({"n": 2, "largest": NAN}, "A B", id="size not known, two"),
        pytest.param({"n": 4, "largest": NAN}, "B", id="size not known, four"),
        pytest.param({"n": 1, "largest": 18, "ecog": NAN}, "0 C D", id="ECOG not known"),
        pytest.param({"n": NAN, "largest": NAN, "invasion": True}, "C", id="invasion settles it"),
        pytest.param({"n": 1, "largest": 18, "invasion": None}, "0 C", id="invasion not known"),
        pytest.param({"n": 1, "largest": 18, "liver": None}, "0 D", id="liver function not known"),
        pytest.param({"n": Intervals([1], [INF], lo_open=[True]), "largest": 31}, "B", id="multiple"),
    ],
)
def test_bclc_examples(case, expected, version):
    found = stage(**case, version=version).stage
    assert possible(found) == [expected]
    assert found.reasons.tolist() == [MISSING if " " in expected else 0]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        pytest.param({"ecog": 1}, MET, id="ECOG 1 and nothing else"),
        pytest.param({"ecog": 1, "ecog_1_is_c": False}, NOT_MET, id="not counted"),
        pytest.param({"ecog": 2}, NOT_MET, id="ECOG 2"),
        pytest.param({"ecog": 1, "spread": True}, NOT_MET, id="metastasis besides"),
        pytest.param({"ecog": 1, "liver": "C"}, NOT_MET, id="stage D"),
        pytest.param({"ecog": NAN}, MISSING, id="ECOG not known"),
    ],
)
def test_bclc_tells_where_ecog_1_alone_makes_stage_c(case, expected):
    assert stage(1, 18, **case).is_c_by_ecog_1.tolist() == [expected]


NUMBERS, SIZES = [1, 2, 3, 4], [20.0, 21.0, 30.0, 31.0]


@given(
    st.tuples(
        *(st.sampled_from([*values, None]) for values in (NUMBERS, SIZES, [0, 1, 3])),
        st.sampled_from([True, False, None]),
        st.sampled_from(["A", "C", None]),
    )
)
@settings(max_examples=60, deadline=None)
def test_bclc_holds_exactly_the_stages_of_the_completions(row):
    choices = [NUMBERS, SIZES, [0, 1, 3], [True, False], ["A", "C"]]
    complete = itertools.product(*([v] if v is not None else c for v, c in zip(row, choices, strict=True)))
    n, largest, ecog, invasion, liver = zip(*complete, strict=True)
    expected = set(stage(n, largest, ecog=ecog, invasion=invasion, liver=liver).stage.settled)
    n, largest, ecog, invasion, liver = row
    found = stage(n, largest, ecog=ecog, invasion=invasion, liver=liver).stage
    assert set(possible(found)[0].split()) == expected


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param((True, False, None), "transplant", id="transplant comes first"),
        pytest.param((False, True, True), "well-defined", id="well-defined"),
        pytest.param((False, True, False), "diffuse", id="no portal flow"),
        pytest.param((False, False, None), "diffuse", id="not well-defined"),
        pytest.param((None, True, True), "transplant well-defined", id="transplant not known"),
    ],
)
def test_subgroups_of_stage_b_in_2022(answers, expected):
    transplant, defined, flow = answers
    found = subdivide_bclc_b(
        meets_extended_transplant_criteria=transplant,
        has_well_defined_nodules=defined,
        has_preserved_portal_flow=flow,
        version="2022",
    )
    assert possible(found) == [expected]


@pytest.mark.parametrize(
    ("n", "largest", "invasion", "expected"),
    [
        pytest.param(1, 50, False, MET, id="single of 50 mm"),
        pytest.param(1, 50.1, False, NOT_MET, id="single above 50 mm"),
        pytest.param(3, 30, False, MET, id="three of 30 mm"),
        pytest.param(3, 30.1, False, NOT_MET, id="three above 30 mm"),
        pytest.param(4, 10, False, NOT_MET, id="four"),
        pytest.param(1, 10, True, NOT_MET, id="invasion"),
        pytest.param(1, 10, None, MISSING, id="invasion not known"),
        pytest.param(NAN, 51, False, NOT_MET, id="too large whatever the number"),
    ],
)
def test_milan(n, largest, invasion, expected):
    for spread in (False, True):
        found = is_within_milan(
            n_tumours=n,
            largest=largest,
            size_unit="mm",
            has_macrovascular_invasion=invasion,
            has_extrahepatic_spread=spread,
        )
        assert found.tolist() == [NOT_MET if spread else expected]


# ---- ALBI


@pytest.mark.parametrize(
    ("bili", "alb", "expected", "grade", "modified"),
    [
        pytest.param(0.8, 4.2, -2.8202, "1", "1", id="AL-01"),
        pytest.param(1.0, 4.0, -2.5862, "2", "2a", id="AL-02"),
        pytest.param(1.2, 3.5, -2.1090, "2", "2b", id="AL-03"),
        pytest.param(2.5, 3.0, -1.4736, "2", "2b", id="AL-04"),
        pytest.param(3.5, 2.6, -1.0371, "3", "3", id="AL-05"),
    ],
)
def test_albi_examples(bili, alb, expected, grade, modified):
    # The examples convert with 17.1; the catalogue's molar mass gives 17.104, a difference of 0.00006.
    index = compute_albi(bilirubin=bili * 17.1, bilirubin_unit="umol/L", albumin=alb, albumin_unit="g/dL")
    assert number(index) == pytest.approx(expected, abs=5.1e-5)
    in_mg = compute_albi(bilirubin=bili, bilirubin_unit="mg/dL", albumin=alb * 10, albumin_unit="g/L")
    assert number(in_mg) == pytest.approx(expected, abs=1.2e-4)
    assert possible(grade_albi(index)) == possible(grade_albi(in_mg)) == [grade]
    assert possible(grade_modified_albi(index)) == possible(grade_modified_albi(in_mg)) == [modified]


def test_albi_grades_include_their_upper_limit():
    scores = [-2.6001, -2.60, -2.5999, -2.2701, -2.27, -2.2699, -1.3901, -1.39, -1.3899]
    assert possible(grade_albi(scores)) == ["1", "1", "2", "2", "2", "2", "2", "2", "3"]
    assert possible(grade_modified_albi(scores)) == ["1", "1", "2a", "2a", "2a", "2b", "2b", "2b", "3"]


def test_albi_of_what_is_not_known():
    censored = Intervals([0, 5, 0], [5, 5, 0], hi_open=[True, False, False])
    index = compute_albi(
        bilirubin=censored, bilirubin_unit="umol/L", albumin=[45, NAN, 40], albumin_unit="g/L"
    )
    assert index.reasons.tolist() == [CENSORED, MISSING, UNDEFINED]
    assert possible(grade_albi(index)) == ["1", "1 2 3", "1 2 3"]


# ---- MELD


def melds(bili, inr, creat, na, alb, sex, *, dialysis=False):
    common = {
        "bilirubin": bili,
        "bilirubin_unit": "mg/dL",
        "inr": inr,
        "creatinine": creat,
        "creatinine_unit": "mg/dL",
        "is_on_dialysis": dialysis,
    }
    salt = {"sodium": na, "sodium_unit": "mmol/L"}
    protein = {"albumin": alb, "albumin_unit": "g/dL"}
    return (
        compute_meld(**common),
        compute_meld_na(**common, **salt),
        compute_meld_3(**common, **salt, **protein, sex=sex),
    )


@pytest.mark.parametrize(
    ("inputs", "expected", "raw"),
    [
        pytest.param((0.8, 1.0, 0.9, 140, 4.2, "male"), (6, 6, 6), (6.43, 6.00), id="ML-01"),
        pytest.param((1.9, 1.2, 1.3, 137, 3.5, "male"), (13, 13, 14), (13.409, 13.507), id="ML-02"),
        pytest.param((2.5, 1.5, 1.2, 135, 3.0, "male"), (16, 18, 18), (16.180, 17.853), id="ML-03"),
        pytest.param((2.5, 1.5, 1.2, 135, 3.0, "female"), (16, 18, 19), (16.180, 19.183), id="ML-04"),
        pytest.param((4.0, 1.8, 1.9, 128, 2.6, "female"), (24, 29, 31), (24.396, 31.138), id="ML-05"),
        pytest.param((4.0, 1.8, 1.9, 128, 2.6, "male"), (24, 29, 30), (24.396, 29.808), id="ML-06"),
        pytest.param((12, 2.5, 3.6, 122, 1.2, "female"), (38, 39, 40), (38.344, 41.591), id="ML-07"),
    ],
)
def test_meld_examples(inputs, expected, raw):
    assert tuple(map(number, melds(*inputs))) == expected
    bili, inr, creat, na, alb, sex = inputs
    plain = meld._meld(bili, "mg/dL", inr, creat, "mg/dL", False)
    third = meld._meld_3((bili, "mg/dL"), inr, (creat, "mg/dL"), (na, "mmol/L"), (alb, "g/dL"), sex, False)
    assert (number(plain), number(third)) == pytest.approx(raw, abs=5e-4)


def test_sodium_counts_only_above_meld_11():
    # By hand: 3.78 ln 3.35 + 6.43 = 11.0002, rounded 11; 3.78 ln 4 + 6.43 = 11.67, rounded 12, and at 125 mmol/L
    # 12 + 1.32 x 12 - 0.033 x 12 x 12 = 23.088.
    _, with_sodium, _ = melds([3.35, 4.0], 1, 1, 125, 3.5, "male")
    assert span(with_sodium) == ([11, 23], [11, 23])


@pytest.mark.parametrize(
    ("inputs", "same_as"),
    [
        pytest.param((0.1, 0.8, 0.3, 150, 5, "male"), (1, 1, 1, 137, 3.5, "male"), id="floors and tops"),
        pytest.param(
            (2, 2, 3, 100, 1.0, "female"), (2, 2, 3, 125, 1.5, "female"), id="sodium 125, albumin 1.5"
        ),
    ],
)
def test_inputs_beyond_their_range_count_as_its_end(inputs, same_as):
    assert [number(one) for one in melds(*inputs)] == [number(one) for one in melds(*same_as)]


def test_creatinine_has_its_own_top_in_each_score():
    # MELD: 4 mg/dL; MELD 3.0: 3 mg/dL.
    plain, _, third = melds(1, 1, [3, 4, 9], 137, 3.5, "male")
    assert span(plain)[0] == [round(9.57 * math.log(3) + 6.43), *[round(9.57 * math.log(4) + 6.43)] * 2]
    assert span(third)[0] == [round(11.14 * math.log(3) + 6)] * 3


def test_dialysis_counts_as_the_greatest_creatinine_even_if_it_was_not_measured():
    on = melds(1, 1, NAN, 137, 3.5, "male", dialysis=True)
    assert [number(one) for one in on] == [number(one) for one in melds(1, 1, 4, 137, 3.5, "male")]
    unknown, *_ = melds(1, 1, 1, 137, 3.5, "male", dialysis=None)
    assert span(unknown) == ([6], [round(9.57 * math.log(4) + 6.43)])
    assert unknown.reasons.tolist() == [MISSING]


def test_a_missing_part_leaves_a_range_within_6_and_40():
    plain, with_sodium, third = melds([NAN, 2], [1.5, NAN], 1, NAN, NAN, None)
    assert (span(plain)[1], span(third)[1]) == ([40, 40], [40, 40])
    assert span(plain)[0][0] == round(11.2 * math.log(1.5) + 6.43)
    assert with_sodium.reasons.tolist() == third.reasons.tolist() == [MISSING, MISSING]


RANGES = {
    "bili": (0.5, 80.0),
    "inr": (0.8, 5.0),
    "creat": (0.5, 5.0),
    "na": (120.0, 140.0),
    "alb": (1.0, 4.5),
}


@st.composite
def uncertain_patients(draw):
    """A range for each part, and a patient inside it."""
    ends, inside = {}, {}
    for part, (low, high) in RANGES.items():
        least, most = sorted(draw(st.tuples(*[st.floats(low, high)] * 2)))
        ends[part] = (least, most)
        inside[part] = least + draw(st.sampled_from([0.0, 0.3, 1.0])) * (most - least)
    return ends, inside


@given(uncertain_patients(), st.sampled_from(["female", "male"]))
@settings(max_examples=60, deadline=None)
def test_no_patient_inside_the_ranges_leaves_the_range_of_the_score(drawn, sex):
    ends, inside = drawn
    ranges = [Intervals([least], [most]) for least, most in ends.values()]
    corners = melds(*(list(column) for column in zip(*itertools.product(*ends.values()), strict=True)), sex)
    parts = zip(melds(*ranges, sex), melds(*ranges, None), corners, melds(*inside.values(), sex), strict=True)
    for ranged, of_any_sex, at_corners, one in parts:
        (least,), (most,) = span(ranged)
        assert least <= number(one) <= most
        assert (least, most) == (min(span(at_corners)[0]), max(span(at_corners)[0]))
        assert span(of_any_sex)[0][0] <= least <= most <= span(of_any_sex)[1][0]


@given(
    st.tuples(*[st.floats(low, high) for low, high in RANGES.values()]),
    st.sampled_from(["bili", "inr", "creat"]),
    st.floats(1, 5),
)
@settings(max_examples=40, deadline=None)
def test_worse_blood_never_lowers_meld(values, part, factor):
    worse = [value * factor if name == part else value for name, value in zip(RANGES, values, strict=True)]
    for before, after in zip(melds(*values, "male"), melds(*worse, "male"), strict=True):
        assert number(after) >= number(before)


# ---- fibrosis


@pytest.mark.parametrize(
    ("age", "ast", "alt", "platelets", "fib_4", "apri"),
    [
        pytest.param(55, 80, 64, 120, 4.5833, 1.6667, id="FB-01"),
        pytest.param(45, 30, 25, 220, 1.2273, 0.3409, id="FB-02"),
        pytest.param(62, 95, 49, 85, 9.8992, 2.7941, id="FB-03"),
    ],
)
def test_fibrosis_examples(age, ast, alt, platelets, fib_4, apri):
    index = compute_fib_4(
        age_years=age,
        ast=ast,
        ast_unit="U/L",
        alt=alt,
        alt_unit="U/L",
        platelets=platelets,
        platelets_unit="10^9/L",
    )
    assert number(index) == pytest.approx(fib_4, abs=5e-5)
    ratio = compute_apri(
        ast=ast, ast_uln=40, ast_unit="U/L", platelets=platelets * 1000, platelets_unit="cells/uL"
    )
    assert number(ratio) == pytest.approx(apri, abs=5e-5)


@pytest.mark.parametrize(
    ("cuts", "indices", "expected"),
    [
        pytest.param(
            FIB_4_CUTS["HIV/HCV"], [1.44, 1.45, 3.25, 3.26], "low indeterminate indeterminate high", id="HIV"
        ),
        pytest.param(
            FIB_4_CUTS["NAFLD"], [1.29, 1.3, 2.67, 2.68], "low indeterminate indeterminate high", id="NAFLD"
        ),
        pytest.param(
            APRI_CUTS["WHO 2024"],
            [0.5, 0.51, 1.0, 1.01],
            "below significant fibrosis significant fibrosis cirrhosis",
            id="WHO 2024",
        ),
        pytest.param(
            APRI_CUTS["Wai 2003"],
            [1.5, 1.51, 2.0, 2.01],
            "below significant fibrosis significant fibrosis cirrhosis",
            id="Wai 2003",
        ),
    ],
)
def test_fibrosis_groups(cuts, indices, expected):
    assert " ".join(possible(classify_fibrosis(indices, cuts=cuts))) == expected


def test_fibrosis_of_what_cannot_be_divided_or_has_no_limit():
    ratio = compute_apri(
        ast=[80, 80], ast_uln=[40, NAN], ast_unit="U/L", platelets=[0, 120], platelets_unit="10^9/L"
    )
    assert ratio.reasons.tolist() == [UNDEFINED, NO_LIMIT]


# ---- kidney


@pytest.mark.parametrize(
    ("age", "kg", "creat", "sex", "clearance", "rate"),
    [
        pytest.param(60, 60, 1.0, "male", 66.67, 86.16, id="KD-01"),
        pytest.param(60, 60, 1.0, "female", 56.67, 64.50, id="KD-02"),
        pytest.param(68, 48, 1.4, "female", 29.14, 40.98, id="KD-03"),
        pytest.param(50, 72, 0.8, "male", 112.50, 107.82, id="KD-04"),
    ],
)
def test_kidney_examples(age, kg, creat, sex, clearance, rate):
    blood = {"age_years": age, "creatinine": creat, "creatinine_unit": "mg/dL", "sex": sex}
    found = compute_creatinine_clearance(**blood, weight=kg, weight_unit="kg")
    assert number(found) == pytest.approx(clearance, abs=5e-3)
    assert number(compute_egfr(**blood)) == pytest.approx(rate, abs=5e-3)


def test_kidney_function_of_unknown_sex_lies_between_both():
    blood = {"age_years": 60, "creatinine": 1.0, "creatinine_unit": "mg/dL", "sex": None}
    (least,), (most,) = span(compute_egfr(**blood))
    assert (least, most) == pytest.approx((64.50, 86.16), abs=5e-3)
    (least,), (most,) = span(compute_creatinine_clearance(**blood, weight=60, weight_unit="kg"))
    assert (least, most) == pytest.approx((56.67, 66.67), abs=5e-3)


@given(st.floats(0.2, 9), st.floats(1, 3), st.floats(18, 90), st.sampled_from(["female", "male"]))
@settings(max_examples=40, deadline=None)
def test_more_creatinine_never_means_a_better_filtration_rate(creat, factor, age, sex):
    blood = {"age_years": age, "creatinine_unit": "mg/dL", "sex": sex}
    (better, worse), _ = span(compute_egfr(creatinine=[creat, creat * factor], **blood))
    assert worse <= better
    as_range = compute_egfr(creatinine=Intervals([creat], [creat * factor]), **blood)
    assert span(as_range) == ([worse], [better])


@pytest.mark.parametrize(
    ("creat", "uln", "unit", "expected"),
    [
        pytest.param(1.80, 1.20, "mg/dL", NOT_MET, id="KD-05"),
        pytest.param(1.81, 1.20, "mg/dL", MET, id="KD-06"),
        pytest.param(0.93, 0.62, "mg/dL", NOT_MET, id="1.5 x 0.62 is 0.9299999999999999"),
        pytest.param(159, 106, "umol/L", NOT_MET, id="in SI units"),
        pytest.param(1.81, NAN, "mg/dL", NO_LIMIT, id="no limit"),
        pytest.param(NAN, 1.2, "mg/dL", MISSING, id="not measured"),
    ],
)
def test_creatinine_over_a_multiple_of_its_limit(creat, uln, unit, expected):
    assert exceeds_limit(creat, creatinine_uln=uln, unit=unit, multiple=1.5).tolist() == [expected]


# ---- performance


def test_karnofsky_to_ecog():
    steps = [100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 0]
    assert span(compute_ecog(steps))[0] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert span(compute_ecog([NAN])) == ([0], [5])
    assert span(compute_ecog(Intervals([70], [90]))) == ([0], [1])


# ---- laws and refusals


@given(st.floats(0.3, 20), st.floats(1.5, 5), st.floats(0.8, 4), st.floats(0.4, 8))
@settings(max_examples=40, deadline=None)
def test_units_never_change_a_score(bili, alb, inr, creat):
    def all_scores(bili, bili_unit, alb, alb_unit, creat, creat_unit):
        blood = {"bilirubin": bili, "bilirubin_unit": bili_unit}
        protein = {"albumin": alb, "albumin_unit": alb_unit}
        kidneys = {"inr": inr, "creatinine": creat, "creatinine_unit": creat_unit, "is_on_dialysis": False}
        return [
            compute_child_pugh(
                **blood, **protein, inr=inr, ascites="none", encephalopathy="none", form=FORMS["mg/dL"]
            ),
            compute_meld(**blood, **kidneys),
            compute_meld_3(**blood, **protein, **kidneys, sodium=130, sodium_unit="mEq/L", sex="female"),
            compute_albi(**blood, **protein),
        ]

    bili, alb, creat = round(bili, 1), round(alb, 1), round(creat, 2)
    conventional = all_scores(bili, "mg/dL", alb, "g/dL", creat, "mg/dL")
    per_litre = all_scores(bili * 10, "mg/L", alb * 10, "g/L", creat * 10, "mg/L")
    assert [number(one) for one in per_litre] == pytest.approx(
        [number(one) for one in conventional], rel=1e-9
    )
    # by molar mass: 1 mg/dL is 17.1036 umol/L of bilirubin and 88.4017 umol/L of creatinine
    molar = all_scores(bili * 17.1036, "umol/L", alb * 10, "g/L", creat * 88.4017, "umol/L")
    assert number(molar[-1]) == pytest.approx(number(conventional[-1]), abs=1e-5)


def test_rows_are_judged_alone():
    rows = [(0.8, 4.2, 1.0, "none"), (NAN, 2.0, 2.5, "slight"), (4.0, NAN, 1.8, None)]
    together = score(*(list(column) for column in zip(*rows, strict=True)))
    alone = [score(*row) for row in rows]
    assert span(together) == ([span(one)[0][0] for one in alone], [span(one)[1][0] for one in alone])
    assert together.reasons.tolist() == [one.reasons.item() for one in alone]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: score([1, -1], 4, 1), r"`bilirubin\[1\]` must be"),
        (lambda: score(1, 4, [1, 0]), r"`inr\[1\]` must be a finite number above 0"),
        (lambda: score(1, 4, 1, "a little"), r"`ascites\[0\]` must be one of none, slight, moderate"),
        (lambda: score([1, 2], [4, 4, 4], 1), r"`albumin` must have as many rows as `bilirubin`, 2, not 3"),
        (lambda: score(1, 4, 1, bilirubin_unit="kg"), r"unit of `bilirubin`: `kg` cannot be converted"),
        (
            lambda: classify_child_pugh([5, 4], form=FORMS["mg/dL"]),
            r"`score\[1\]` must be a whole number from 5 to 15",
        ),
        (lambda: stage(0, 18), r"`n_tumours\[0\]` must be a whole number from 1 up"),
        (lambda: stage(1, 0), r"`largest\[0\]` must be a finite number above 0"),
        (lambda: stage(1, 18, ecog=5), r"`ecog\[0\]` must lie from 0 to 4"),
        (lambda: stage(1, 18, ecog=1.5), r"`ecog\[0\]` must be a whole number from 0 to 5"),
        (lambda: stage(1, 18, version="2010"), r"must be one of 2018, 2022, not '2010'"),
        (
            lambda: stage(1, 18, invasion="yes"),
            r"`has_macrovascular_invasion\[0\]` must be True, False or None",
        ),
        (
            lambda: exceeds_limit([0], creatinine_uln=1.2, unit="mg/dL", multiple=1.5),
            r"`creatinine\[0\]` must be",
        ),
        (
            lambda: exceeds_limit([1], creatinine_uln=0, unit="mg/dL", multiple=1.5),
            r"`creatinine_uln\[0\]` must be",
        ),
        (lambda: melds(1, 0, 1, 137, 3.5, "male"), r"`inr\[0\]` must be a finite number above 0"),
        (lambda: melds(1, 1, 0, 137, 3.5, "male"), r"`creatinine\[0\]` must be a finite number above 0"),
        (lambda: melds(1, 1, 1, 137, 3.5, "m"), r"`sex\[0\]` must be one of female, male"),
        (lambda: compute_ecog([85]), r"`karnofsky\[0\]` must be one of 0, 10 ... 100, not 85"),
        (
            lambda: compute_egfr(age_years=131, creatinine=1, creatinine_unit="mg/dL", sex="male"),
            r"`age_years\[0\]` must be a finite number from 0 to 130",
        ),
        (
            lambda: subdivide_bclc_b(
                meets_extended_transplant_criteria=True,
                has_well_defined_nodules=True,
                has_preserved_portal_flow=True,
                version="2018",
            ),
            "version 2022",
        ),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- the page


def cut_words(cuts, groups):
    """The cells of a table of groups: `below 7`."""
    return [f"{comparison} {cut:g}" for comparison, cut in cuts], list(groups)


def documented_rows():
    """Every line of numbers that the page must show, from the tables of the code."""
    for name, form in FORMS.items():
        for item, label in [
            (form.bilirubin, "bilirubin"),
            (form.albumin, "albumin"),
            (form.inr, "INR"),
            (form.prothrombin_excess, "prothrombin time beyond control"),
        ]:
            low, high = sorted((item.second, item.third))
            ends = (f"> {high:g}", f"< {low:g}") if item.is_falling else (f"< {low:g}", f"> {high:g}")
            yield f"| {name} | {label} | {item.unit or '–'} | {ends[0]} | {low:g} to {high:g} | {ends[1]} |"
        yield f"| {name} | {form.source} |"
    for version, table in bclc.VERSIONS.items():
        yield (
            f"| {version} | {table.very_early_single_mm:g} mm | {table.few} of {table.few_mm:g} mm | "
            f"{table.advanced_ecog} | {table.terminal_ecog} | {' '.join(table.end_stage)} | {table.source} |"
        )
    milan = bclc.MILAN
    yield f"| Milan | {milan.single_mm:g} mm | {milan.few} of {milan.few_mm:g} mm | – | – | – | {milan.source} |"
    for name, table in {**FIB_4_CUTS, **APRI_CUTS}.items():
        cuts = ", ".join(f"{c} {n:g}" for c, n in table.cuts)
        yield f"| {name} | {cuts} | {', '.join(table.groups)} | {table.source} |"
    for grades, cuts in (
        (albi.GRADES, albi.ALBI.grades),
        (albi.MODIFIED_GRADES, albi.ALBI.modified_grades),
    ):
        yield f"| {', '.join(grades)} | {', '.join(f'{c} {n:.2f}' for c, n in cuts)} |"
    yield f"| ALBI | {albi.ALBI.bilirubin:g} log10 bilirubin (umol/L) - {albi.ALBI.albumin:g} albumin (g/L) | {albi.ALBI.source} |"
    for name, table in (("MELD", meld.MELD), ("MELD-Na", meld.MELD_NA), ("MELD 3.0", meld.MELD_3)):
        for key in table.__dataclass_fields__:
            value = getattr(table, key)
            if key != "source":
                text = " to ".join(f"{end:g}" for end in value) if isinstance(value, tuple) else f"{value:g}"
                yield f"| {name} | {key.replace('_', ' ')} | {text} |"
        yield f"| {name} | source | {table.source} |"
    yield f"| all | score | {meld.LEAST} to {meld.MOST} |"
    yield f"| all | least bilirubin and INR | {meld.FLOOR:g} |"
    gault, epi = kidney.COCKCROFT_GAULT, kidney.CKD_EPI_2021
    yield f"| Cockcroft-Gault | years {gault.years:g}, divisor {gault.divisor:g}, female {gault.female:g} | {gault.source} |"
    yield f"| CKD-EPI 2021 | constant {epi.constant:g}, above {epi.above:g}, per year {epi.per_year:g} | {epi.source} |"
    for sex, of in (("female", epi.female), ("male", epi.male)):
        yield f"| CKD-EPI 2021, {sex} | kappa {of.kappa:g}, alpha {of.alpha:g}, factor {of.factor:g} | {epi.source} |"
    for grade, meaning in ECOG.items():
        steps = ", ".join(str(step) for step, ecog in ECOG_OF_KARNOFSKY.items() if ecog == grade)
        yield f"| {grade} | {meaning} | {steps} |"


def test_the_page_shows_the_numbers_of_the_code_and_no_others():
    shown = [line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line]
    headers = [
        before for before, after in itertools.pairwise(PAGE.splitlines()) if re.fullmatch(r"(\|-+)+\|", after)
    ]
    assert sorted(line for line in shown if line not in headers) == sorted(documented_rows())


def test_levels_are_those_of_the_catalogue():
    from trialwright.vocabulary.concepts import catalogue

    assert catalogue()["ascites"].levels == FORMS["mg/dL"].ascites
    assert catalogue()["encephalopathy"].levels == FORMS["mg/dL"].encephalopathy
    assert catalogue()["bclc_stage"].levels == bclc.STAGES
    assert catalogue()["sex"].levels == kidney.SEXES
    assert catalogue()["child_pugh"].limits == (5, 15)
    assert isinstance(classify_child_pugh([5], form=FORMS["mg/dL"]), Categories)
    assert performance.as_ecog("ecog", [NAN]).bounds.hi.tolist() == [5]
    assert fibrosis.FIB_4_CUTS["HIV/HCV"].groups == fibrosis.FIB_4_CUTS["NAFLD"].groups
    assert np.array_equal(list(ECOG), range(6))
