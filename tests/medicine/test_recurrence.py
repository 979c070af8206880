"""Recurrence and its date: the worked courses, what was not read, and that the order of records never matters."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.medicine.lirads.recurrence import SITES, find_recurrence
from trialwright.medicine.lirads.recurrence_rule import RULES, Findings, Proofs
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.verdicts import Reason, Verdict

NAN = math.nan
MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
MISSING, CONFLICT, NOT_APPLICABLE = Reason.MISSING.code, Reason.CONFLICT.code, Reason.NOT_APPLICABLE.code
RULE = RULES["NCT07120750"]
TREATED, BASELINE = "2024-03-01", "2024-04-05"


def course(*rows, subject="P1", rule=RULE, subjects=None):
    """Follow one subject: rows of (day, observation, finding or proof, and what else is known)."""
    return follow([(subject, *row) for row in rows], [subject] if subjects is None else subjects, rule)


def follow(rows, subjects, rule=RULE):
    rows = [(*row, {}) if len(row) == 4 else row for row in rows]
    seen = [row for row in rows if not row[3] or not row[3].startswith("proof: ")]
    proven = [row for row in rows if row[3] and row[3].startswith("proof: ")]
    return find_recurrence(
        subjects=subjects,
        treated_on=[TREATED] * len(subjects),
        baseline_on=[BASELINE] * len(subjects),
        findings=Findings(
            subject=[row[0] for row in seen],
            on=np.array([row[1] for row in seen], dtype="datetime64[D]"),
            observation=[row[2] for row in seen],
            finding=[row[3] for row in seen],
            size=[row[4].get("mm", NAN) for row in seen],
            size_unit="mm",
            margin_distance=[row[4].get("from_margin", NAN) for row in seen],
            has_margin=[row[4].get("has_margin", False) for row in seen],
        ),
        proofs=Proofs(
            subject=[row[0] for row in proven],
            on=np.array([row[1] for row in proven], dtype="datetime64[D]"),
            observation=[row[2] for row in proven],
            proof=[row[3].removeprefix("proof: ") for row in proven],
        ),
        rule=rule,
    )


def day(days):
    return None if np.isnat(days[0]) else str(days[0])


def told(found):
    """Code, first and last day, site, of the only subject."""
    site = found.site.settled[0]
    return found.occurred.item(), day(found.first_day), day(found.last_day), site


@pytest.mark.parametrize(
    ("rows", "on", "site", "early"),
    [
        pytest.param(
            [("2024-11-08", "a", "LR-3", {"mm": 12}), ("2025-01-31", "a", "LR-5", {"mm": 17})],
            "2025-01-31",
            "intrahepatic",
            MET,
            id="RE-01",
        ),
        pytest.param(
            [("2025-01-31", "a", "LR-4"), ("2025-04-25", "a", "LR-5")],
            "2025-04-25",
            "intrahepatic",
            MET,
            id="RE-02",
        ),
        pytest.param(
            [("2025-01-31", "a", "LR-4"), ("2025-02-20", "a", "proof: treated as HCC")],
            "2025-01-31",
            "intrahepatic",
            MET,
            id="RE-04",
        ),
        pytest.param(
            [("2025-04-25", "a", "LR-M"), ("2025-05-12", "a", "proof: HCC")],
            "2025-04-25",
            "intrahepatic",
            MET,
            id="RE-05",
        ),
        pytest.param(
            [("2024-08-16", "z", "equivocal"), ("2024-11-08", "z", "viable")],
            "2024-11-08",
            "local",
            MET,
            id="RE-08",
        ),
        pytest.param([("2026-02-28", "a", "LR-5")], "2026-02-28", "intrahepatic", MET, id="RE-09 early"),
        pytest.param([("2026-03-01", "a", "LR-5")], "2026-03-01", "intrahepatic", NOT_MET, id="RE-09 late"),
        pytest.param(
            [
                ("2025-07-18", None, "clear"),
                *(("2025-07-18", lesion, "extrahepatic lesion", {"mm": 14}) for lesion in "xyz"),
            ],
            "2025-07-18",
            "extrahepatic",
            MET,
            id="RE-10",
        ),
        pytest.param(
            [("2024-11-08", "a", "LR-NC"), ("2024-11-20", "a", "LR-5")],
            "2024-11-20",
            "intrahepatic",
            MET,
            id="RE-11",
        ),
        pytest.param([("2025-01-31", "v", "LR-TIV")], "2025-01-31", "vascular", MET, id="tumour in vein"),
        pytest.param(
            [("2025-01-31", "a", "LR-3"), ("2025-02-20", "a", "proof: combined HCC-CCA")],
            "2025-01-31",
            "intrahepatic",
            MET,
            id="combined tumour",
        ),
        pytest.param(
            [("2025-01-31", "a", "LR-2"), ("2025-02-20", "a", "proof: HCC")],
            "2025-02-20",
            "not imaged",
            MET,
            id="LR-2 did not show it: the day of the sample",
        ),
        pytest.param(
            [("2024-11-22", "a", "LR-4"), ("2025-02-20", "a", "proof: HCC")],
            "2024-11-22",
            "intrahepatic",
            MET,
            id="shown 90 days before",
        ),
        pytest.param(
            [("2024-11-21", "a", "LR-4"), ("2025-02-20", "a", "proof: HCC")],
            "2025-02-20",
            "not imaged",
            MET,
            id="shown 91 days before",
        ),
        pytest.param(
            [("2025-01-31", "b", "LR-4"), ("2025-02-20", "a", "proof: HCC")],
            "2025-02-20",
            "not imaged",
            MET,
            id="another observation did not show it",
        ),
        pytest.param(
            [("2025-03-31", "a", "LR-4"), ("2025-02-20", "a", "proof: HCC")],
            "2025-02-20",
            "not imaged",
            MET,
            id="a scan after the sample did not show it",
        ),
        pytest.param(
            [("2025-01-31", None, "clear"), ("2025-06-01", None, "proof: death with HCC")],
            "2025-06-01",
            "not imaged",
            MET,
            id="death with HCC",
        ),
        pytest.param(
            [("2025-01-31", "a", "LR-5"), ("2025-01-31", "b", "LR-5")],
            "2025-01-31",
            "multifocal",
            MET,
            id="two in the liver",
        ),
        pytest.param(
            [("2025-01-31", "a", "LR-5"), ("2025-01-31", "x", "extrahepatic lesion", {"mm": 10})],
            "2025-01-31",
            "both",
            MET,
            id="in the liver and outside",
        ),
        pytest.param(
            [("2025-01-31", "a", "LR-5"), ("2025-02-20", "a", "proof: HCC")],
            "2025-01-31",
            "intrahepatic",
            MET,
            id="found and proven is one",
        ),
        pytest.param(
            [("2025-01-31", "a", "LR-5", {"has_margin": True, "from_margin": 20})],
            "2025-01-31",
            "local",
            MET,
            id="20 mm from the margin",
        ),
        pytest.param(
            [("2025-01-31", "a", "LR-5", {"has_margin": True, "from_margin": 20.1})],
            "2025-01-31",
            "intrahepatic",
            MET,
            id="further from the margin",
        ),
        pytest.param(
            [("2025-01-31", "a", "LR-5", {"has_margin": True})],
            "2025-01-31",
            None,
            MET,
            id="distance from the margin not known",
        ),
    ],
)
def test_recurrence(rows, on, site, early):
    found = course(*rows)
    assert told(found) == (MET, on, on, site)
    assert found.is_early.tolist() == [early]
    assert found.is_residual.tolist() == [NOT_MET]


@pytest.mark.parametrize(
    ("rows", "last_assessed", "unconfirmed"),
    [
        pytest.param(
            [("2025-01-31", "a", "LR-4"), ("2025-04-25", "a", "LR-4"), ("2025-07-18", "a", "LR-4")],
            "2025-07-18",
            True,
            id="RE-03",
        ),
        pytest.param(
            [("2024-08-16", "z", "equivocal"), ("2024-11-08", "z", "nonviable")],
            "2024-11-08",
            False,
            id="RE-07",
        ),
        pytest.param([("2025-01-31", "a", "LR-3")], "2025-01-31", False, id="LR-3"),
        pytest.param(
            [("2025-01-31", "a", "LR-M"), ("2025-02-10", "a", "proof: no cancer")],
            "2025-01-31",
            False,
            id="LR-M refuted",
        ),
        pytest.param([("2025-01-31", "a", "LR-M")], "2025-01-31", True, id="LR-M without biopsy"),
        pytest.param(
            [("2025-01-31", "a", "LR-4"), ("2025-04-25", "a", "LR-3")], "2025-04-25", False, id="LR-4 gone"
        ),
        pytest.param(
            [("2025-01-31", "a", "LR-4"), ("2025-04-25", "a", "LR-NC")],
            "2025-01-31",
            True,
            id="LR-NC takes nothing back and assesses nothing",
        ),
        pytest.param(
            [("2025-01-31", "x", "extrahepatic lesion", {"mm": 9.9})],
            "2025-01-31",
            False,
            id="lesion too small",
        ),
        pytest.param(
            [("2025-01-31", "x", "extrahepatic node", {"mm": 14.9})], "2025-01-31", False, id="node too small"
        ),
    ],
)
def test_no_recurrence(rows, last_assessed, unconfirmed):
    found = course(*rows)
    assert told(found) == (NOT_MET, None, None, "none")
    assert (day(found.last_assessed_day), found.has_unconfirmed.item()) == (last_assessed, unconfirmed)
    assert found.is_early.tolist() == [NOT_APPLICABLE]
    assert day(found.sensitivity_day) is None


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([], id="no scan at all"),
        pytest.param([("2024-04-05", None, "clear")], id="none after baseline"),
        pytest.param([("2025-01-31", "a", "LR-NC")], id="none that could be evaluated"),
        pytest.param([("2024-02-20", "a", "LR-5")], id="only the tumour that was treated"),
        pytest.param([("2024-03-01", "a", "LR-5")], id="on the day of treatment"),
    ],
)
def test_who_was_not_imaged_has_not_been_found_free_of_recurrence(rows):
    found = course(*rows)
    assert (told(found), found.is_early.tolist()) == ((MISSING, None, None, None), [MISSING])
    seen = course(*rows, ("2025-04-25", None, "clear"))
    assert told(seen) == (NOT_MET, None, None, "none")


@pytest.mark.parametrize(
    ("rows", "sensitivity"),
    [
        pytest.param([("2025-01-31", "a", "LR-4"), ("2025-04-25", "a", "LR-5")], "2025-01-31", id="RE-02"),
        pytest.param(
            [("2025-01-31", "b", "LR-4"), ("2025-04-25", "a", "LR-5")], "2025-04-25", id="another one"
        ),
        pytest.param(
            [
                ("2025-01-31", "a", "LR-4"),
                ("2025-04-25", "a", "LR-4"),
                ("2025-05-02", "a", "proof: treated as HCC"),
            ],
            "2025-01-31",
            id="treated after the second LR-4",
        ),
        pytest.param(
            [("2025-01-31", "b", "LR-4"), ("2025-04-25", "a", "LR-5"), ("2025-07-18", "b", "LR-5")],
            "2025-01-31",
            id="one that was confirmed after the first recurrence",
        ),
        pytest.param(
            [("2024-04-05", "a", "LR-4"), ("2025-01-31", "a", "LR-4"), ("2025-04-25", "a", "LR-5")],
            "2025-01-31",
            id="never to baseline",
        ),
        pytest.param(
            [("2025-01-31", "a", "LR-3"), ("2025-04-25", "a", "LR-5")], "2025-04-25", id="not to LR-3"
        ),
    ],
)
def test_sensitivity_dates_back_to_the_first_lr_4(rows, sensitivity):
    assert day(course(*rows).sensitivity_day) == sensitivity


def test_another_cancer_is_a_second_primary():  # RE-06
    rows = [("2025-04-25", "a", "LR-M"), ("2025-05-12", "a", "proof: other cancer")]
    found = course(*rows)
    assert told(found) == (NOT_MET, None, None, "none")
    assert day(found.second_primary_day) == "2025-04-25"
    assert not found.has_unconfirmed.item()
    with_vein = course(*rows, ("2025-07-18", "a", "LR-TIV"))
    assert told(with_vein) == (NOT_MET, None, None, "none")
    besides = course(*rows, ("2025-07-18", "b", "LR-5"))
    assert told(besides) == (MET, "2025-07-18", "2025-07-18", "intrahepatic")
    assert day(course(("2025-04-25", "a", "LR-5")).second_primary_day) is None


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([("2024-04-05", "a", "LR-5"), ("2024-11-08", "a", "LR-5")], id="RE-12"),
        pytest.param(
            [("2024-04-05", "a", "LR-4"), ("2024-04-20", "a", "proof: HCC")],
            id="LR-4 at baseline proven soon after",
        ),
    ],
)
def test_disease_at_baseline_is_no_recurrence(rows):
    found = course(*rows)
    assert told(found) == (NOT_APPLICABLE, None, None, "none")
    assert found.is_residual.tolist() == [MET]
    assert found.is_early.tolist() == [NOT_APPLICABLE]
    assert day(found.sensitivity_day) is None


@pytest.mark.parametrize(
    ("rows", "code", "first", "last"),
    [
        pytest.param([("2025-01-31", None, None)], MISSING, "2025-01-31", None, id="a scan nobody read"),
        pytest.param(
            [("2025-01-31", None, None), ("2025-04-25", "a", "LR-5")],
            MET,
            "2025-01-31",
            "2025-04-25",
            id="a scan nobody read, then recurrence",
        ),
        pytest.param(
            [("2025-04-25", "a", "LR-5"), ("2025-07-18", None, None)],
            MET,
            "2025-04-25",
            "2025-04-25",
            id="what comes after does not matter",
        ),
        pytest.param(
            [("2025-01-31", "a", "LR-5"), ("2025-01-31", "a", "LR-4")],
            CONFLICT,
            "2025-01-31",
            None,
            id="two readings that decide differently",
        ),
        pytest.param(
            [("2025-01-31", "x", "extrahepatic lesion")],
            MISSING,
            "2025-01-31",
            None,
            id="size outside the liver",
        ),
        pytest.param([("2024-04-05", None, None)], MISSING, None, None, id="baseline nobody read"),
        pytest.param(
            [("2024-04-05", None, None), ("2025-01-31", "a", "LR-5")],
            MISSING,
            "2025-01-31",
            "2025-01-31",
            id="baseline nobody read, then a tumour",
        ),
    ],
)
def test_what_is_not_known(rows, code, first, last):
    found = course(*rows)
    assert (found.occurred.item(), day(found.first_day), day(found.last_day)) == (code, first, last)
    if code != MET:
        assert found.is_early.tolist() == [code]
        assert found.site.possible.all()
        assert found.site.reasons.tolist() == [code]
    elif first == last:
        assert found.site.settled.tolist() == ["intrahepatic"]
    else:
        assert found.site.possible.tolist() == [[site != "none" for site in SITES]]
        assert found.site.reasons.tolist() == [MISSING]


def test_two_readings_that_agree_are_no_conflict():
    found = course(("2025-01-31", "a", "LR-4"), ("2025-01-31", "a", "LR-3"), ("2025-04-25", "a", "LR-5"))
    assert told(found) == (MET, "2025-04-25", "2025-04-25", "intrahepatic")


def test_two_readings_of_the_distance_from_the_margin_leave_the_site_open():
    near, far = ({"has_margin": True, "from_margin": mm} for mm in (10, 30))
    rows = [("2025-01-31", "a", "LR-5", near), ("2025-01-31", "a", "LR-5", far)]
    for found in (course(*rows), course(*rows[::-1])):
        assert found.site.is_in("local").tolist() == found.site.is_in("intrahepatic").tolist() == [CONFLICT]
        assert found.site.is_in("local", "intrahepatic").tolist() == [MET]


def test_early_is_open_where_the_days_it_can_be_decide_differently():
    found = course(("2026-01-30", None, None), ("2026-04-24", "a", "LR-5"))
    assert found.is_early.tolist() == [Reason.IMPRECISE_DATE.code]


@pytest.mark.parametrize(
    ("change", "rows", "expected"),
    [
        pytest.param(
            {"by_imaging": RULE.by_imaging | {"LR-4"}}, [("2025-01-31", "a", "LR-4")], MET, id="LR-4 counts"
        ),
        pytest.param(
            {"by_imaging": frozenset({"LR-5"})}, [("2025-01-31", "v", "LR-TIV")], NOT_MET, id="no veins"
        ),
        pytest.param(
            {"by_proof": frozenset({"HCC"})},
            [("2025-01-31", "a", "LR-4"), ("2025-02-20", "a", "proof: treated as HCC")],
            NOT_MET,
            id="treatment does not count",
        ),
        pytest.param(
            {"extrahepatic_mm": 15},
            [("2025-01-31", "x", "extrahepatic lesion", {"mm": 14})],
            NOT_MET,
            id="15 mm",
        ),
        pytest.param(
            {"node_short_axis_mm": 10},
            [("2025-01-31", "x", "extrahepatic node", {"mm": 10})],
            MET,
            id="node 10 mm",
        ),
    ],
)
def test_each_line_of_the_rule_is_a_setting(change, rows, expected):
    assert course(*rows, rule=replace(RULE, **change)).occurred.tolist() == [expected]


def test_settings_of_dates():
    one_year = replace(RULE, early_within=Duration.parse("12 months"))
    assert course(("2025-03-01", "a", "LR-5"), rule=one_year).is_early.tolist() == [NOT_MET]
    assert course(("2025-02-28", "a", "LR-5"), rule=one_year).is_early.tolist() == [MET]
    thirty = replace(RULE, shown_within=Duration.parse("30 days"))
    rows = [("2025-01-01", "a", "LR-4"), ("2025-02-20", "a", "proof: HCC")]
    assert day(course(*rows, rule=thirty).first_day) == "2025-02-20"


def test_baseline_may_be_the_day_of_treatment():
    found = find_recurrence(
        subjects=["P1"],
        treated_on=["2024-03-01"],
        baseline_on=["2024-03-01"],
        findings=Findings(["P1"], ["2024-03-02"], ["a"], ["LR-5"], [NAN], "mm", [NAN], [False]),
        proofs=Proofs([], [], [], []),
        rule=RULE,
    )
    assert told(found) == (MET, "2024-03-02", "2024-03-02", "intrahepatic")


# ---- laws

DAYS = ["2024-04-05", "2024-11-08", "2025-01-31", "2025-03-10", "2026-03-01"]
KINDS = ["LR-3", "LR-4", "LR-5", "LR-M", "LR-NC", "LR-TIV", "viable", "clear", None, "extrahepatic node"]
PROVEN = ["proof: HCC", "proof: other cancer", "proof: treated as HCC", "proof: no cancer"]
rows_of_courses = st.lists(
    st.tuples(
        st.sampled_from(["P1", "P2", "P3"]),
        st.sampled_from(DAYS),
        st.sampled_from(["a", "b", None]),
        st.sampled_from(KINDS + PROVEN),
        st.fixed_dictionaries(
            {
                "mm": st.sampled_from([12.0, 15.0, NAN]),
                "has_margin": st.booleans(),
                "from_margin": st.sampled_from([10.0, 30.0, NAN]),
            }
        ),
    ),
    max_size=8,
)


def everything(found, position):
    """All that is told of one subject."""
    days = ("first_day", "last_day", "sensitivity_day", "second_primary_day", "last_assessed_day")
    codes = ("occurred", "is_early", "is_residual", "has_unconfirmed")
    return (
        [str(getattr(found, name)[position]) for name in days],
        [getattr(found, name)[position].item() for name in codes],
        found.site.possible[position].tolist(),
        found.site.reasons[position].item(),
    )


@given(rows_of_courses, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_order_never_matters_and_each_subject_is_judged_alone(rows, random):
    subjects = ["P1", "P2", "P3"]
    together = follow(rows, subjects)
    shuffled = list(rows)
    random.shuffle(shuffled)
    turned = follow(shuffled, subjects[::-1])
    for position, subject in enumerate(subjects):
        alone = follow([row for row in rows if row[0] == subject], [subject])
        assert everything(together, position) == everything(alone, 0)
        assert everything(together, position) == everything(turned, 2 - position)


@given(rows_of_courses)
@settings(max_examples=80, deadline=None)
def test_days_are_in_order_and_there_where_they_are_told(rows):
    found = follow(rows, ["P1", "P2", "P3"])
    met = found.occurred == MET
    assert not np.isnat(found.first_day[met]).any()
    assert (found.first_day[met] <= found.last_day[met]).all()
    assert (found.sensitivity_day[met] <= found.last_day[met]).all()
    assert (found.first_day[met] > np.datetime64(BASELINE)).all()
    assert np.isnat(found.first_day[found.occurred == NOT_MET]).all()


@given(rows_of_courses, st.sampled_from(DAYS[1:]))
@settings(max_examples=60, deadline=None)
def test_another_lr_5_never_undoes_a_recurrence_nor_delays_it(rows, on):
    before = follow(rows, ["P1", "P2", "P3"])
    after = follow([*rows, ("P1", on, "new", "LR-5", {})], ["P1", "P2", "P3"])
    if before.occurred[0] == MET:
        assert after.occurred[0] == MET
        assert after.last_day[0] <= before.last_day[0]
    elif before.is_residual[0] == NOT_MET:
        assert (after.occurred[0], str(after.last_day[0])) == (MET, on)


@given(rows_of_courses, st.sampled_from(["LR-3", "LR-5", "clear"]))
@settings(max_examples=60, deadline=None)
def test_reading_what_was_not_read_stays_within_what_was_possible(rows, reading):
    open_course = follow(rows, ["P1", "P2", "P3"])
    read = follow([(*row[:3], row[3] or reading, row[4]) for row in rows], ["P1", "P2", "P3"])
    for position in range(3):
        if open_course.occurred[position] in (MET, NOT_MET):
            was, now = open_course.occurred[position], read.occurred[position]
            if open_course.is_residual[position] == NOT_MET and now in (MET, NOT_MET):
                assert now == was
        if open_course.occurred[position] == read.occurred[position] == MET:
            assert open_course.first_day[position] <= read.first_day[position]
            assert read.last_day[position] <= open_course.last_day[position]


# ---- refusals


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: course(("2025-01-31", "a", "LR-6")), r"`findings.finding\[0\]` must be one of"),
        (lambda: course(("2025-01-31", "a", "proof: rumour")), r"`proofs.proof\[0\]` must be one of"),
        (lambda: course(("NaT", "a", "LR-5")), r"`findings.on\[0\]` must be a date, not missing"),
        (lambda: course(("2025-01-31", "a", "LR-5", {"mm": -3})), r"`findings.size\[0\]` must be"),
        (lambda: course(("2025-01-31", "a", "LR-5"), subjects=["P2"]), r"none of `subjects`: 'P1'"),
        (lambda: course(subjects=["P1", "P1"]), "must be there once"),
        (
            lambda: find_recurrence(
                subjects=["P1"],
                treated_on=["2024-04-05"],
                baseline_on=["2024-03-01"],
                findings=Findings([], [], [], [], [], "mm", [], []),
                proofs=Proofs([], [], [], []),
                rule=RULE,
            ),
            r"`baseline_on\[0\]` must not lie before",
        ),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
