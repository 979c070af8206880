"""Hy's law, the quadrants of eDISH in multiples of the limit and of baseline, and the pattern of injury."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.medicine.hepatitis_b.liver_injury import (
    HYS_LAW,
    HYS_LAW_AT_LEAST,
    QUADRANTS,
    Aminotransferases,
    Bilirubins,
    edish_quadrant,
    find_peaks,
    hys_law,
    injury_pattern,
    multiples_of_baseline,
    multiples_of_limit,
)
from trialwright.medicine.known import Known
from trialwright.vocabulary.verdicts import Reason, Verdict

NAN = math.nan
MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
MISSING, NO_LIMIT, NEEDS_A_PERSON = Reason.MISSING.code, Reason.NO_LIMIT.code, Reason.NEEDS_A_PERSON.code


def enzymes(concept, *values, uln):
    return multiples_of_limit(values, concept=concept, unit="U/L", uln=[uln] * len(values), uln_unit="U/L")


def bile(*values, uln=1.2):
    return multiples_of_limit(
        values, concept="bilirubin", unit="mg/dL", uln=[uln] * len(values), uln_unit="mg/dL"
    )


@pytest.mark.parametrize(
    ("alt", "alp", "r", "pattern"),
    [
        pytest.param(420, 110, 11.45, "hepatocellular", id="HY-01"),
        pytest.param(150, 480, 0.94, "cholestatic", id="HY-02"),
        pytest.param(300, 300, 3.00, "mixed", id="HY-03"),
        pytest.param(200, 120, 5.0, "hepatocellular", id="5 belongs to hepatocellular"),
        pytest.param(80, 120, 2.0, "cholestatic", id="2 belongs to cholestatic"),
        pytest.param(81, 120, 2.025, "mixed", id="just above 2"),
        pytest.param(199, 120, 4.975, "mixed", id="just below 5"),
    ],
)
def test_pattern_of_injury(alt, alp, r, pattern):
    found, kind = injury_pattern(
        enzymes("alt", alt, uln=40), enzymes("alp", alp, uln=120), hepatocellular=5, cholestatic=2
    )
    assert found.bounds.lo[0] == pytest.approx(r, abs=0.005)
    assert kind.settled.tolist() == [pattern]


def test_a_pattern_without_alp_may_be_any():
    _, kind = injury_pattern(
        enzymes("alt", 420, uln=40), enzymes("alp", NAN, uln=120), hepatocellular=5, cholestatic=2
    )
    assert kind.settled.tolist() == [None]
    assert kind.is_in("mixed").tolist() == [MISSING]


def candidate(
    alt, bilirubin, alp, *, thresholds=HYS_LAW, days_after=30, ast=None, alt_days=(29,), bile_days=(38,)
):
    first = Aminotransferases(
        ["a"] * len(alt), list(alt_days), enzymes("alt", *alt, uln=40), enzymes("alp", *alp, uln=120),
        None if ast is None else enzymes("ast", *ast, uln=40),
    )  # fmt: skip
    second = Bilirubins(["a"] * len(bilirubin), list(bile_days), bile(*bilirubin))
    event = hys_law(first, second, people=["a"], thresholds=thresholds, alp_below=2, days_after=days_after)
    return event.verdict.tolist()[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param({"alt": [130], "bilirubin": [2.5], "alp": [100]}, MET, id="HY-04"),
        pytest.param({"alt": [130], "bilirubin": [2.4], "alp": [100]}, NOT_MET, id="HY-05"),
        pytest.param({"alt": [130], "bilirubin": [2.4], "alp": [100], "thresholds": HYS_LAW_AT_LEAST}, MET, id="HY-05 at least"),
        pytest.param({"alt": [130], "bilirubin": [3.0], "alp": [100], "bile_days": [75]}, NOT_MET, id="HY-06"),
        pytest.param({"alt": [130], "bilirubin": [3.0], "alp": [260]}, NEEDS_A_PERSON, id="HY-07"),
        pytest.param({"alt": [120], "bilirubin": [2.5], "alp": [100]}, MET, id="ALT of exactly three times"),
        pytest.param({"alt": [119], "bilirubin": [2.5], "alp": [100]}, NOT_MET, id="just below"),
        pytest.param({"alt": [130], "bilirubin": [2.5], "alp": [239]}, MET, id="ALP just below twice"),
        pytest.param({"alt": [130], "bilirubin": [2.5], "alp": [240]}, NEEDS_A_PERSON, id="ALP of twice"),
        pytest.param({"alt": [130], "bilirubin": [2.5], "alp": [NAN]}, MISSING, id="ALP not measured is not low"),
        pytest.param({"alt": [130], "bilirubin": [2.5], "alp": [100], "bile_days": [59]}, MET, id="30 days later"),
        pytest.param({"alt": [130], "bilirubin": [2.5], "alp": [100], "bile_days": [60]}, NOT_MET, id="31 days later"),
        pytest.param({"alt": [130], "bilirubin": [2.5], "alp": [100], "bile_days": [29]}, MET, id="the same day"),
        pytest.param({"alt": [130], "bilirubin": [2.5], "alp": [100], "bile_days": [28]}, NOT_MET, id="bilirubin before"),
        pytest.param({"alt": [130], "bilirubin": [2.5], "alp": [100], "days_after": 8}, NOT_MET, id="9 days, limit 8"),
        pytest.param({"alt": [90], "ast": [130], "bilirubin": [2.5], "alp": [100]}, MET, id="AST alone"),
        pytest.param({"alt": [90], "ast": [NAN], "bilirubin": [2.5], "alp": [100]}, MISSING, id="AST asked for and not measured"),
        pytest.param({"alt": [90], "bilirubin": [2.5], "alp": [100]}, NOT_MET, id="AST not asked for"),
        pytest.param({"alt": [NAN], "bilirubin": [2.5], "alp": [100]}, MISSING, id="no ALT"),
        pytest.param({"alt": [130], "bilirubin": [NAN], "alp": [100]}, MISSING, id="no bilirubin"),
        pytest.param(
            {"alt": [130], "bilirubin": [NAN, 1.0], "bile_days": [36, 38], "alp": [100]}, NOT_MET,
            id="a bilirubin without result is no sample",
        ),
        pytest.param({"alt": [30], "bilirubin": [NAN], "alp": [100]}, NOT_MET, id="ALT normal settles it"),
        pytest.param(
            {"alt": [130, 400], "alt_days": [29, 36], "bilirubin": [3.0], "alp": [260, 100]}, NEEDS_A_PERSON,
            id="cholestasis when ALT first qualifies",
        ),
        pytest.param(
            {"alt": [130, 400], "alt_days": [29, 36], "bilirubin": [3.0], "alp": [100, 260]}, MET,
            id="cholestasis only later",
        ),
    ],
)  # fmt: skip
def test_hys_law(arguments, expected):
    assert candidate(**arguments) == expected


def test_the_day_is_that_of_the_bilirubin_and_people_are_apart():
    first = Aminotransferases(
        ["a", "b"], [29, 29], enzymes("alt", 130, 130, uln=40), enzymes("alp", 100, 100, uln=120)
    )
    second = Bilirubins(["a", "c"], [38, 38], bile(2.5, 2.5))
    event = hys_law(
        first, second, people=["a", "b", "c", "d"], thresholds=HYS_LAW, alp_below=2, days_after=30
    )
    assert event.verdict.tolist() == [MET, MISSING, MISSING, MISSING]
    assert event.day.bounds.lo[0] == 38


def test_a_limit_of_normal_that_is_missing_is_told():
    alt = multiples_of_limit([130], concept="alt", unit="U/L", uln=[NAN], uln_unit="U/L")
    assert alt.compare(">=", 3).tolist() == [NO_LIMIT]


@pytest.mark.parametrize(
    ("alt", "bilirubin", "quadrant"),
    [
        pytest.param(119, 2.4, "normal or near", id="below both"),
        pytest.param(120, 2.4, "Temple's corollary", id="ALT on its line, bilirubin on its line"),
        pytest.param(119, 2.41, "cholestasis or Gilbert", id="bilirubin just above its line"),
        pytest.param(120, 2.41, "Hy's law range", id="both"),
        pytest.param(NAN, 2.41, None, id="ALT not measured: two are possible"),
        pytest.param(120, NAN, None, id="bilirubin not measured"),
    ],
)
def test_quadrants_of_edish(alt, bilirubin, quadrant):
    found = edish_quadrant(enzymes("alt", alt, uln=40), bile(bilirubin), thresholds=HYS_LAW)
    assert found.settled.tolist() == [quadrant]
    if quadrant is None:
        assert found.possible.sum() == 2
        assert found.is_in("normal or near").tolist() != [MET]


def test_the_same_peaks_in_multiples_of_baseline():
    """An ALT of 130 is 3.25 times the limit and 1.3 times a baseline of 100."""
    own = multiples_of_baseline([130], concept="alt", unit="U/L", baseline=[100], baseline_unit="U/L")
    assert edish_quadrant(own, bile(2.5), thresholds=HYS_LAW).settled.tolist() == ["cholestasis or Gilbert"]
    no_baseline = multiples_of_baseline([130], concept="alt", unit="U/L", baseline=[NAN], baseline_unit="U/L")
    assert edish_quadrant(no_baseline, bile(2.5), thresholds=HYS_LAW).settled.tolist() == [None]


def test_peaks_are_the_highest_of_each_person():
    multiples = enzymes("alt", 40, 130, NAN, 80, 90, uln=40)
    peaks = find_peaks(["b", "a", "a", "b", "x"], multiples, people=["a", "b", "c"])
    assert peaks.bounds.lo[:2].tolist() == [3.25, 2]
    assert peaks.reasons.tolist() == [0, 0, MISSING]
    assert find_peaks([], Known.exactly([]), people=["a"]).reasons.tolist() == [MISSING]
    with pytest.raises(ValueError, match="`subjects` must have 1 values, not 2"):
        find_peaks(["a", "a"], Known.exactly([1]), people=["a"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 2000), st.floats(0, 20)), min_size=1, max_size=6))
def test_quadrants_divide_the_plane(points):
    alts, bilirubins = zip(*points, strict=True)
    found = edish_quadrant(enzymes("alt", *alts, uln=40), bile(*bilirubins), thresholds=HYS_LAW)
    assert found.possible.sum(axis=1).tolist() == [1] * len(points)
    assert found.levels == QUADRANTS


@settings(deadline=None)
@given(st.permutations(range(4)))
def test_the_order_of_records_never_matters(order):
    alt, days, alp = (
        np.array([130.0, 50, 400, NAN]),
        np.array([29, 1, 60, 90]),
        np.array([100.0, 90, 300, 100]),
    )
    rows = list(order)
    first = Aminotransferases(
        ["a"] * 4, days[rows], enzymes("alt", *alt[rows], uln=40), enzymes("alp", *alp[rows], uln=120)
    )
    second = Bilirubins(["a"] * 4, days[rows], bile(*np.array([1.0, 1, 3, NAN])[rows]))
    event = hys_law(first, second, people=["a"], thresholds=HYS_LAW, alp_below=2, days_after=40)
    assert (event.verdict.tolist(), event.day.bounds.lo[0]) == ([MET], 60)
