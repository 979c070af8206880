"""LI-RADS v2018 categories and treatment response against the worked examples and an own reading of the table."""

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
from trialwright.medicine.lirads import observations
from trialwright.medicine.lirads.ancillary import ANCILLARY, adjust_by_ancillary, break_tie
from trialwright.medicine.lirads.observations import (
    CATEGORIES,
    COLUMNS,
    DIAGNOSTIC_TABLE,
    THRESHOLD_GROWTH,
    ThresholdGrowth,
    categorise_observations,
    has_threshold_growth,
)
from trialwright.medicine.lirads.recurrence_rule import RULES
from trialwright.medicine.lirads.treatment_response import RESPONSES, categorise_treated
from trialwright.vocabulary.concepts import catalogue
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.intervals import Intervals
from trialwright.vocabulary.verdicts import Reason, Verdict

NAN = math.nan
MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
MISSING, CENSORED, CONFLICT = Reason.MISSING.code, Reason.CENSORED.code, Reason.CONFLICT.code
PAGE = (Path(__file__).parents[2] / "docs/medicine/lirads.md").read_text(encoding="utf-8")

PLAIN = {
    "size_unit": "mm",
    "aphe": "none",
    "washout": "none",
    "has_capsule": False,
    "has_threshold_growth": False,
    "can_be_categorised": True,
    "is_tumour_in_vein": False,
    "benign": "no",
    "is_targetoid": False,
    "has_other_malignant_sign": False,
}


def read(size, **features):
    return categorise_observations(size=size, **(PLAIN | features))


def possible(found):
    """The categories each row may be in: `LR-3`, `LR-3 LR-4`."""
    return [
        " ".join(level for level, flag in zip(found.levels, row, strict=True) if flag)
        for row in found.possible
    ]


def test_the_examples_run():
    assert doctest.testmod(observations).failed == 0
    assert doctest.testmod(observations).attempted > 0


# ---- the diagnostic table


@pytest.mark.parametrize(
    ("size", "aphe", "capsule", "washout", "growth", "expected"),
    [
        pytest.param(8, "non-rim", 0, 1, 0, "LR-4", id="LR-01"),
        pytest.param(8, "non-rim", 1, 1, 1, "LR-4", id="LR-02"),
        pytest.param(9.9, "non-rim", 0, 0, 0, "LR-3", id="LR-03"),
        pytest.param(10, "non-rim", 0, 1, 0, "LR-5", id="LR-04"),
        pytest.param(15, "non-rim", 1, 0, 0, "LR-4", id="LR-05"),
        pytest.param(15, "non-rim", 0, 0, 1, "LR-5", id="LR-06"),
        pytest.param(15, "non-rim", 1, 1, 0, "LR-5", id="LR-07"),
        pytest.param(19, "non-rim", 0, 0, 0, "LR-3", id="LR-08"),
        pytest.param(20, "non-rim", 0, 0, 0, "LR-4", id="LR-09"),
        pytest.param(20, "non-rim", 1, 0, 0, "LR-5", id="LR-10"),
        pytest.param(25, "none", 0, 0, 0, "LR-3", id="LR-11"),
        pytest.param(25, "none", 0, 1, 0, "LR-4", id="LR-12"),
        pytest.param(19, "none", 0, 1, 0, "LR-3", id="LR-13"),
        pytest.param(12, "none", 1, 1, 0, "LR-4", id="LR-14"),
        pytest.param(30, "none", 1, 1, 1, "LR-4", id="LR-15"),
        pytest.param(19.6, "non-rim", 1, 0, 0, "LR-4", id="19.6 mm is below 20"),
        pytest.param(21, "non-rim", 0, 1, 1, "LR-5", id="LR-16 and LR-17"),
        pytest.param(22, "non-rim", 0, 0, 0, "LR-4", id="LR-18 and LR-19"),
    ],
)
def test_table_examples(size, aphe, capsule, washout, growth, expected):
    found = read(
        size,
        aphe=aphe,
        washout="non-peripheral" if washout else "none",
        has_capsule=bool(capsule),
        has_threshold_growth=bool(growth),
    )
    assert possible(found.category) == possible(found.if_categorised) == [expected]
    in_cm = read(
        size / 10,
        size_unit="cm",
        aphe=aphe,
        washout="non-peripheral" if washout else "none",
        has_capsule=bool(capsule),
        has_threshold_growth=bool(growth),
    )
    assert possible(in_cm.category) == [expected]


@pytest.mark.parametrize(
    ("features", "expected", "if_categorised"),
    [
        pytest.param({"aphe": "rim", "washout": "peripheral"}, "LR-M", "LR-M", id="LR-20"),
        pytest.param({"is_tumour_in_vein": True, "aphe": "rim"}, "LR-TIV", "LR-TIV", id="LR-21"),
        pytest.param(
            {"aphe": None, "can_be_categorised": False}, "LR-NC", "LR-3 LR-M", id="LR-22 nothing else"
        ),
        pytest.param(
            {"aphe": None, "washout": "non-peripheral", "can_be_categorised": False},
            "LR-NC",
            "LR-3 LR-5 LR-M",
            id="LR-22 with washout",
        ),
        pytest.param(
            {"benign": "definitely", "aphe": "rim"}, "LR-1", "LR-1", id="benign is asked before LR-M"
        ),
        pytest.param({"benign": "probably"}, "LR-2", "LR-2", id="probably benign"),
        pytest.param({"is_targetoid": True}, "LR-M", "LR-M", id="targetoid otherwise"),
        pytest.param(
            {"washout": "peripheral", "aphe": "non-rim"}, "LR-M", "LR-M", id="peripheral washout alone"
        ),
        pytest.param({"has_other_malignant_sign": True}, "LR-M", "LR-M", id="another malignant sign"),
        pytest.param(
            {"has_other_malignant_sign": True, "aphe": "non-rim", "washout": "non-peripheral"},
            "LR-5",
            "LR-5",
            id="another malignant sign of what meets LR-5",
        ),
        pytest.param({"is_tumour_in_vein": "unsure"}, "LR-3", "LR-3", id="unsure of tumour in vein"),
        pytest.param({"is_tumour_in_vein": None}, "LR-3 LR-TIV", "LR-3 LR-TIV", id="veins not read"),
        pytest.param({"aphe": "unsure", "washout": "non-peripheral"}, "LR-3", "LR-3", id="unsure of APHE"),
        pytest.param({"aphe": "non-rim", "washout": "unsure"}, "LR-3", "LR-3", id="unsure of washout"),
        pytest.param(
            {"aphe": "non-rim", "has_threshold_growth": "unsure"}, "LR-3", "LR-3", id="unsure of growth"
        ),
        pytest.param(
            {"aphe": "non-rim", "has_capsule": None}, "LR-3 LR-4", "LR-3 LR-4", id="capsule not read"
        ),
        pytest.param({"benign": None}, "LR-1 LR-2 LR-3", "LR-1 LR-2 LR-3", id="benignity not judged"),
    ],
)
def test_the_order_of_the_algorithm_at_18_mm(features, expected, if_categorised):
    found = read(18, **features)
    assert possible(found.category) == [expected]
    assert possible(found.if_categorised) == [if_categorised]
    assert found.category.reasons.tolist() == [MISSING if " " in expected else 0]


def by_the_text(size, aphe, washout, capsule, growth):
    """The table as its text says it, without the table."""
    n = (washout == "non-peripheral") + capsule + growth
    if aphe == "rim" or washout == "peripheral":
        return "LR-M"
    if aphe == "none":
        return "LR-4" if n >= 2 or (n == 1 and size >= 20) else "LR-3"
    if size < 10:
        return "LR-4" if n else "LR-3"
    if size < 20:
        return {0: "LR-3", 1: "LR-4" if capsule else "LR-5"}.get(n, "LR-5")
    return "LR-5" if n else "LR-4"


CHOICES = ([9.9, 10.0, 19.9, 20.0], ["none", "non-rim", "rim"], ["none", "non-peripheral", "peripheral"])


def test_every_row_of_the_table():
    rows = list(itertools.product(*CHOICES, [False, True], [False, True]))
    size, aphe, washout, capsule, growth = (list(column) for column in zip(*rows, strict=True))
    found = read(size, aphe=aphe, washout=washout, has_capsule=capsule, has_threshold_growth=growth)
    assert found.category.settled.tolist() == [by_the_text(*row) for row in rows]


@given(
    st.tuples(
        *(st.sampled_from([*values, None]) for values in (*CHOICES, [False, True], [False, True])),
    )
)
@settings(max_examples=80, deadline=None)
def test_what_was_not_read_leaves_exactly_the_categories_of_its_completions(row):
    choices = (*CHOICES, [False, True], [False, True])
    complete = itertools.product(*([v] if v is not None else c for v, c in zip(row, choices, strict=True)))
    expected = {by_the_text(*one) for one in complete}
    size, aphe, washout, capsule, growth = row
    found = read(
        NAN if size is None else size,
        aphe=aphe,
        washout=washout,
        has_capsule=capsule,
        has_threshold_growth=growth,
    )
    assert set(possible(found.category)[0].split()) == expected
    assert found.category.reasons.tolist() == [MISSING if len(expected) > 1 else 0]


def test_a_size_that_is_not_exact():
    found = read(Intervals([9.0, 10.0], [10.0, 19.0]), aphe="non-rim", washout="non-peripheral")
    assert possible(found.category) == ["LR-4 LR-5", "LR-5"]
    assert found.category.reasons.tolist() == [CENSORED, 0]


@given(st.floats(5, 40), st.floats(1, 3), st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_more_major_features_never_make_a_category_less_malignant(size, factor, capsule, washout, growth):
    features = {"has_capsule": capsule, "has_threshold_growth": growth}
    loss = "non-peripheral" if washout else "none"
    before = read(size, aphe="none", washout=loss, **features).category.settled[0]
    for more in (
        read(size * factor, aphe="none", washout=loss, **features),
        read(size, aphe="non-rim", washout=loss, **features),
        read(size, aphe="none", washout="non-peripheral", **features),
        read(size, aphe="none", washout=loss, **(features | {"has_capsule": True})),
    ):
        assert more.category.settled[0] >= before


# ---- threshold growth


def grew(size, prior, *, on="2024-07-15", prior_on="2024-02-15", adequate=True, growth=THRESHOLD_GROWTH):
    return has_threshold_growth(
        size=size,
        prior_size=prior,
        size_unit="mm",
        on=on,
        prior_on=prior_on,
        is_prior_adequate=adequate,
        growth=growth,
    ).item()


AT_LEAST_5_MM = ThresholdGrowth(1.5, Duration.parse("6 months"), 5, "before v2018")


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        pytest.param({"size": 21, "prior": 14}, MET, id="LR-16 exactly half"),
        pytest.param({"size": 21, "prior": 12}, MET, id="LR-17"),
        pytest.param({"size": 20, "prior": 14}, NOT_MET, id="LR-18"),
        pytest.param({"size": 22, "prior": 14, "prior_on": "2023-12-15"}, NOT_MET, id="LR-19"),
        pytest.param({"size": 21, "prior": 14, "prior_on": "2024-01-15"}, MET, id="six months to the day"),
        pytest.param({"size": 21, "prior": 14, "prior_on": "2024-01-14"}, NOT_MET, id="a day more"),
        pytest.param({"size": 20.1, "prior": 13.4}, MET, id="1.5 x 13.4 is 20.1 but for rounding"),
        pytest.param({"size": NAN, "prior": 14}, MISSING, id="not measured"),
        pytest.param(
            {"size": NAN, "prior": 14, "prior_on": "2023-01-01"}, NOT_MET, id="too long ago in any case"
        ),
        pytest.param({"size": 30, "prior": 14, "adequate": False}, NOT_MET, id="prior of poor quality"),
        pytest.param({"size": 30, "prior": 14, "adequate": None}, MISSING, id="quality not told"),
        pytest.param(
            {"size": 30, "prior": 14, "prior_on": np.datetime64("NaT")}, MISSING, id="date not known"
        ),
        pytest.param({"size": 12, "prior": 8, "growth": AT_LEAST_5_MM}, NOT_MET, id="4 mm where 5 are asked"),
        pytest.param({"size": 15, "prior": 10, "growth": AT_LEAST_5_MM}, MET, id="5 mm"),
    ],
)
def test_threshold_growth(case, expected):
    assert grew(**case) == expected


def test_a_prior_examination_known_to_the_month_is_refused_not_completed():
    with pytest.raises(
        ValueError, match=r"`prior_on` must hold dates \(year, month and day\), not '2024-01'"
    ):
        grew(size=30, prior=14, prior_on="2024-01")


# ---- ancillary features and ties


def categories(*names):
    return Categories(CATEGORIES, [[level == name for level in CATEGORIES] for name in names], 0)


@pytest.mark.parametrize(
    ("category", "features", "expected"),
    [
        pytest.param("LR-3", ["restricted diffusion"], "LR-4", id="AF-01"),
        pytest.param("LR-4", ["mosaic", "corona enhancement"], "LR-4", id="AF-02"),
        pytest.param("LR-4", ["stable for 2 years"], "LR-3", id="AF-03"),
        pytest.param("LR-4", ["fat in mass", "size reduction"], "LR-4", id="AF-04"),
        pytest.param("LR-5", ["marked T2 hyperintensity"], "LR-4", id="AF-05"),
        pytest.param("LR-5", ["mosaic"], "LR-5", id="LR-5 stays"),
        pytest.param("LR-3", [], "LR-3", id="absence of features moves nothing"),
        pytest.param("LR-3", None, "LR-3", id="not used"),
        pytest.param("LR-1", ["size reduction"], "LR-1", id="the lowest stays"),
        pytest.param("LR-2", ["corona enhancement"], "LR-3", id="LR-2 up"),
        pytest.param("LR-M", ["size reduction"], "LR-M", id="LR-M never moves"),
        pytest.param("LR-TIV", ["mosaic"], "LR-TIV", id="LR-TIV never moves"),
        pytest.param("LR-NC", ["mosaic"], "LR-NC", id="LR-NC never moves"),
    ],
)
def test_ancillary_features(category, features, expected):
    assert possible(adjust_by_ancillary(categories(category), [features])) == [expected]


def test_each_possible_category_moves():
    open_row = Categories(CATEGORIES, [[level in ("LR-3", "LR-5", "LR-M") for level in CATEGORIES]], MISSING)
    for features, expected in ((["mosaic"], "LR-4 LR-5 LR-M"), (["size reduction"], "LR-2 LR-4 LR-M")):
        moved = adjust_by_ancillary(open_row, [features])
        assert possible(moved) == [expected]
        assert moved.reasons.tolist() == [MISSING]


@given(st.sampled_from(CATEGORIES), st.sets(st.sampled_from(sorted(ANCILLARY))))
@settings(max_examples=60, deadline=None)
def test_ancillary_features_never_make_lr_5(category, features):
    moved = adjust_by_ancillary(categories(category), [features]).settled[0]
    assert moved != "LR-5" or category == "LR-5"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("LR-5", "LR-4", "LR-4"),
        ("LR-4", "LR-3", "LR-3"),
        ("LR-1", "LR-2", "LR-2"),
        ("LR-2", "LR-3", "LR-3"),
        ("LR-5", "LR-M", "LR-M"),
        ("LR-4", "LR-M", "LR-M"),
        ("LR-TIV", "LR-M", "LR-M"),
        ("LR-TIV", "LR-5", "LR-5"),
        ("LR-3", "LR-3", "LR-3"),
    ],
)
def test_ties_go_to_the_less_certain(one, other, expected):
    assert break_tie(one, other) == break_tie(other, one) == expected


# ---- treatment response


def treated(**features):
    plain = {
        "is_evaluable": True,
        "has_tissue": False,
        "has_aphe": False,
        "has_washout": False,
        "enhances_as_before": False,
        "enhancement": "none",
    }
    return categorise_treated(**(plain | features))


@pytest.mark.parametrize(
    ("features", "expected", "reason"),
    [
        pytest.param({"is_evaluable": False, "enhancement": None}, "nonevaluable", 0, id="images missing"),
        pytest.param({}, "nonviable", 0, id="no enhancement"),
        pytest.param({"enhancement": "expected"}, "nonviable", 0, id="pattern expected after the treatment"),
        pytest.param({"enhancement": "atypical"}, "equivocal", 0, id="atypical"),
        pytest.param({"enhancement": "unsure"}, "equivocal", 0, id="unsure of the pattern"),
        pytest.param(
            {"enhancement": "atypical", "has_tissue": True, "has_aphe": True},
            "viable",
            0,
            id="tissue with APHE",
        ),
        pytest.param(
            {"enhancement": "atypical", "has_tissue": True, "has_washout": True},
            "viable",
            0,
            id="with washout",
        ),
        pytest.param(
            {"enhancement": "atypical", "has_tissue": True, "enhances_as_before": True},
            "viable",
            0,
            id="as before",
        ),
        pytest.param({"enhancement": "atypical", "has_tissue": True}, "equivocal", 0, id="tissue alone"),
        pytest.param({"enhancement": "expected", "has_aphe": True}, "nonviable", 0, id="APHE without tissue"),
        pytest.param(
            {"enhancement": "expected", "has_tissue": "unsure", "has_aphe": True},
            "equivocal",
            0,
            id="unsure of tissue",
        ),
        pytest.param(
            {"enhancement": "expected", "has_tissue": True, "has_aphe": "unsure"},
            "equivocal",
            0,
            id="unsure of APHE",
        ),
        pytest.param(
            {"enhancement": "atypical", "has_tissue": True, "has_aphe": True, "has_washout": "unsure"},
            "viable",
            0,
            id="unsure of what does not matter",
        ),
        pytest.param(
            {"enhancement": "expected", "has_tissue": True, "has_aphe": None},
            "nonviable equivocal viable",
            MISSING,
            id="APHE not read",
        ),
        pytest.param({"enhancement": None}, "nonviable equivocal", MISSING, id="pattern not read"),
        pytest.param(
            {"enhancement": "none", "has_tissue": True, "has_aphe": True},
            "nonviable viable",
            CONFLICT,
            id="does not enhance and does",
        ),
    ],
)
def test_treatment_response(features, expected, reason):
    found = treated(**features)
    assert possible(found) == [expected]
    assert found.reasons.tolist() == [reason]


# ---- refusals, levels, the page


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: read([10, -1]), r"`size\[1\]` must be a finite number above 0"),
        (lambda: read(10, aphe="peripheral"), r"`aphe\[0\]` must be one of none, non-rim, rim"),
        (
            lambda: read(10, has_capsule="maybe"),
            r"`has_capsule\[0\]` must be True, False or None, not 'maybe'",
        ),
        (lambda: read(10, size_unit="kg"), r"unit of `size`"),
        (lambda: read([10, 12, 14], aphe=["none", "none"]), "must have as many rows"),
        (
            lambda: grew(21, 14, prior_on="2024-07-16"),
            r"`prior_on\[0\]`, 2024-07-16, must not lie after 2024-07-15",
        ),
        (lambda: adjust_by_ancillary(categories("LR-3"), [["halo"]]), r"`features\[0\]` has 'halo'"),
        (lambda: adjust_by_ancillary(categories("LR-3"), []), "1 categories need as many rows"),
        (lambda: break_tie("LR-1", "LR-5"), "no rule for a tie between LR-1 and LR-5"),
        (lambda: break_tie("LR-NC", "LR-TIV"), "no rule for a tie"),
        (lambda: break_tie("LR-6", "LR-5"), "not 'LR-6'"),
        (lambda: treated(enhancement="odd"), r"`enhancement\[0\]` must be one of none, expected, atypical"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_levels_are_those_of_the_catalogue():
    assert set(catalogue()["lirads"].levels) == set(CATEGORIES)
    assert catalogue()["lirads_treated"].levels == RESPONSES


def documented_rows():
    for features, row in DIAGNOSTIC_TABLE.items():
        yield f"| {features} | {' | '.join(row)} |"
    for kind in dict.fromkeys(ANCILLARY.values()):
        yield f"| {kind} | {', '.join(name for name, of in ANCILLARY.items() if of == kind)} |"
    for name, rule in RULES.items():
        for key in rule.__dataclass_fields__:
            value = getattr(rule, key)
            text = ", ".join(sorted(value)) if isinstance(value, frozenset) else f"{value}"
            yield f"| {name} | {key.replace('_', ' ')} | {text} |"


def test_the_page_shows_the_tables_of_the_code_and_no_others():
    lines = PAGE.splitlines()
    headers = [a for a, b in itertools.pairwise(lines) if re.fullmatch(r"(\|-+)+\|", b)]
    shown = [line for line in lines if line.startswith("| ") and line not in headers]
    assert sorted(shown) == sorted(documented_rows())
    assert f"| additional major features | {' | '.join(COLUMNS)} |" in headers
    assert f"{THRESHOLD_GROWTH.ratio:g} times within {THRESHOLD_GROWTH.within}" in PAGE
    assert observations.SOURCE in PAGE
    assert np.all([len(row) == len(COLUMNS) for row in DIAGNOSTIC_TABLE.values()])
