"""HBV reactivation: the worked examples, each side of each threshold, and the laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.medicine.amounts import as_known
from trialwright.medicine.assay_results import State, as_assay_results
from trialwright.medicine.hepatitis_b.events import first_event
from trialwright.medicine.hepatitis_b.occasions import order_samples
from trialwright.medicine.hepatitis_b.reactivation import (
    REACTIVATION_RULES,
    is_decided_by_rounding,
    is_measurable,
    reactivation,
)
from trialwright.medicine.hepatitis_b.result_texts import read_results
from trialwright.medicine.hepatitis_b.virological_response import rise_over_nadir
from trialwright.vocabulary.verdicts import Reason, Verdict

MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
MISSING, CENSORED, UNIT_UNKNOWN = Reason.MISSING.code, Reason.CENSORED.code, Reason.UNIT_UNKNOWN.code
TRIAL, AASLD = REACTIVATION_RULES["trial"], REACTIVATION_RULES["AASLD 2018"]


def read(*texts, unit="IU/mL"):
    return read_results(
        texts,
        concept="hbv_dna",
        unit=unit,
        lloq=10,
        uloq=1.7e8,
        below_limit_means=State.BELOW_LLOQ_UNSPECIFIED,
    )


def judge(baseline, post, rule="trial", **more):
    return reactivation(read(post, **more), baseline=read(baseline), rule=REACTIVATION_RULES[rule]).tolist()[
        0
    ]


@pytest.mark.parametrize(
    ("baseline", "post", "rule", "expected"),
    [
        pytest.param("2000", "200000", "trial", MET, id="HBV-10"),
        pytest.param("2000", "199999", "trial", NOT_MET, id="HBV-11"),
        pytest.param("8700", "870000", "trial", MET, id="HBV-12"),
        pytest.param("3.31 log", "5.31 log", "trial", MET, id="HBV-13"),
        pytest.param("2040", "203000", "trial", NOT_MET, id="HBV-14"),
        pytest.param("TND", "999", "AASLD 2018", NOT_MET, id="HBV-15"),
        pytest.param("TND", "1000", "AASLD 2018", MET, id="HBV-16"),
        pytest.param("<10", "500", "trial", CENSORED, id="HBV-17: no imputed number drives the event"),
        pytest.param("", "9999", "AASLD 2018", NOT_MET, id="HBV-18 below"),
        pytest.param("", "10000", "AASLD 2018", MET, id="HBV-18 at"),
        pytest.param("1.2e6", ">1.7E8", "trial", MET, id="HBV-19"),
        pytest.param("2.5e6", ">1.7E8", "trial", CENSORED, id="HBV-20"),
        pytest.param("3.1e4", "4.0e6", "trial", MET, id="HBV-21 over BASE"),
        pytest.param("4.2e5", "4.0e6", "trial", NOT_MET, id="HBV-21 over BASE_PRENA"),
        pytest.param("5000", "4000", "trial", NOT_MET, id="HBV-22"),
        pytest.param("2500", "30000", "AGA 2015", MET, id="HBV-23"),
        pytest.param("2500", "30000", "trial", NOT_MET, id="HBV-23 trial"),
        pytest.param("300", "30000", "KASL 2019", NOT_MET, id="HBV-24"),
        pytest.param("300", "30000", "trial", MET, id="HBV-24 trial"),
        pytest.param("300", "30001", "KASL 2019", MET, id="KASL just above"),
        pytest.param("2500", "24999", "AGA 2015", NOT_MET, id="AGA just below"),
        pytest.param("2500", "25000", "AGA 2015", MET, id="AGA at"),
        pytest.param("TND", "<10 detected", "AGA 2015", MET, id="AGA newly detectable below the limit"),
        pytest.param("TND", "<10", "AGA 2015", CENSORED, id="AGA perhaps detectable"),
        pytest.param("TND", "TND", "AGA 2015", NOT_MET, id="AGA still not detected"),
        pytest.param("TND", "99", "APASL 2016", NOT_MET, id="APASL just below after undetectable"),
        pytest.param("TND", "100", "APASL 2016", MET, id="APASL at, after undetectable"),
        pytest.param("", "19999", "APASL 2016", NOT_MET, id="APASL just below without baseline"),
        pytest.param("", "20000", "APASL 2016", MET, id="APASL at, without baseline"),
        pytest.param("300", "30000", "APASL 2021", NOT_MET, id="APASL 2021 asks for more"),
        pytest.param("TND", "100", "APASL 2021", MET, id="APASL 2021 new appearance"),
        pytest.param("", "1e7", "APASL 2021", MISSING, id="APASL 2021 has no branch without baseline"),
        pytest.param("300", "30000", "ASCO 2020", MET, id="ASCO as AASLD"),
        pytest.param("TND", "1000", "trial", MET, id="surely a hundredfold of less than 10"),
        pytest.param("TND", "999", "trial", CENSORED, id="perhaps a hundredfold"),
        pytest.param("", "1e7", "trial", MISSING, id="no baseline: not evaluable"),
        pytest.param("2000", "", "trial", MISSING, id="no result is not 'no'"),
        pytest.param("2000", "ND", "trial", Reason.UNREADABLE.code, id="an unreadable result is not 'no'"),
        pytest.param("2000", "<10", "trial", NOT_MET, id="below the limit"),
        pytest.param("2000", "TND", "trial", NOT_MET, id="not detected"),
        pytest.param(">1.7E8", "1e9", "trial", NOT_MET, id="baseline above the ceiling"),
        pytest.param(
            "ND",
            "1e7",
            "AASLD 2018",
            Reason.UNREADABLE.code,
            id="an unreadable baseline is not a missing one",
        ),
        pytest.param(
            "<10", "<2000", "AASLD 2018", CENSORED, id="a limit above the threshold decides nothing"
        ),
    ],
)
def test_reactivation(baseline, post, rule, expected):
    assert judge(baseline, post, rule) == expected


def test_a_baseline_of_unknown_unit_is_not_a_missing_one():
    baseline = read("12000", unit="copies/mL")
    assert reactivation(read("1e7"), baseline=baseline, rule=AASLD).tolist() == [UNIT_UNKNOWN]


@pytest.mark.parametrize(
    ("baseline", "post", "expected"),
    [
        pytest.param("3.31 log", "5.31 log", MET, id="HBV-13: decided on rounded logs"),
        pytest.param("3.31 log", "5.33 log", NOT_MET, id="2.02 apart: no rounding hides that"),
        pytest.param("3.31 log", "5.28 log", NOT_MET, id="1.97 apart"),
        pytest.param("3.31 log", "5.30 log", NOT_MET, id="1.99 apart is at most just short of 2.00"),
        pytest.param("2000", "200000", NOT_MET, id="plain numbers are as they are"),
        pytest.param("2000", "5.30 log", MET, id="one of the two is a log"),
        pytest.param("", "5.30 log", NOT_MET, id="unknown is not decided"),
    ],
)
def test_decided_by_rounding(baseline, post, expected):
    assert is_decided_by_rounding(read(post), baseline=read(baseline), rule=TRIAL).tolist() == [expected]


@pytest.mark.parametrize(
    ("baseline", "uloq", "rule", "expected"),
    [
        pytest.param("1.7e6", 1.7e8, "trial", MET, id="100 times baseline is just the ceiling"),
        pytest.param("1700001", 1.7e8, "trial", NOT_MET, id="just above: not evaluable by ceiling"),
        pytest.param("1e7", 1e9, "trial", MET, id="1e7 with a ceiling of 1e9"),
        pytest.param("1e7", 1.7e8, "AGA 2015", MET, id="10-fold is still within reach"),
        pytest.param("TND", 1.7e8, "trial", MET, id="a hundredfold of less than 10"),
        pytest.param("TND", 1.7e8, "AASLD 2018", MET, id="1000 IU/mL is within reach"),
        pytest.param("TND", 1.7e8, "AGA 2015", MET, id="newly detectable needs no ceiling"),
        pytest.param("", 1.7e8, "AASLD 2018", MET, id="10 000 IU/mL is within reach"),
        pytest.param("", 1.7e8, "trial", MISSING, id="no baseline"),
        pytest.param(">1.7E8", 1.7e8, "trial", NOT_MET, id="baseline above the ceiling"),
        pytest.param("2000", None, "trial", MISSING, id="ceiling not known"),
    ],
)
def test_whether_reactivation_could_be_measured(baseline, uloq, rule, expected):
    found = is_measurable(baseline=read(baseline), uloq=[uloq], unit="IU/mL", rule=REACTIVATION_RULES[rule])
    assert found.tolist() == [expected]


@pytest.mark.parametrize("name", sorted(REACTIVATION_RULES))
def test_where_it_cannot_be_measured_a_result_above_the_ceiling_is_unknown(name):
    rule = REACTIVATION_RULES[name]
    baseline = read("1e8")
    assert is_measurable(baseline=baseline, uloq=1.7e8, unit="IU/mL", rule=rule).tolist() == [NOT_MET]
    assert reactivation(read(">1.7E8"), baseline=baseline, rule=rule).tolist() == [CENSORED]


def test_the_first_sample_met_is_the_event_and_no_sample_is_not_no():
    subjects, days = ["a", "a", "a", "b", "c", "c"], [29, 57, 85, 29, 29, 57]
    codes = reactivation(
        read("1000", "200000", "300000", "100", ">1.7E8", "100"),
        baseline=read("2000", "2000", "2000", "2000", "2.5e6", "2.5e6"),
        rule=TRIAL,
    )
    event = first_event(subjects, days, codes, people=["a", "b", "c", "d"])
    assert event.verdict.tolist() == [MET, NOT_MET, CENSORED, MISSING]
    assert event.day.reasons.tolist() == [0, Reason.NOT_APPLICABLE.code, CENSORED, MISSING]
    assert event.day.bounds.lo[0] == event.day.bounds.hi[0] == 57


def test_the_day_is_a_range_where_an_earlier_sample_may_have_been_the_first():
    codes = np.array([CENSORED, MET], np.uint8)
    event = first_event(["a", "a"], [29, 57], codes, people=["a"])
    assert event.verdict.tolist() == [MET]
    assert (event.day.bounds.lo[0], event.day.bounds.hi[0]) == (29, 57)


texts = st.sampled_from(
    [
        "TND",
        "<10",
        "<10 detected",
        "10",
        "100",
        "999",
        "1000",
        "2000",
        "20000",
        "200000",
        "3.31 log",
        ">1.7E8",
        "",
        "ND",
    ]
)
rules = st.sampled_from(sorted(REACTIVATION_RULES))


@settings(deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=6), rules)
def test_each_row_is_judged_alone(rows, rule):
    baselines, posts = zip(*rows, strict=True)
    batch = reactivation(read(*posts), baseline=read(*baselines), rule=REACTIVATION_RULES[rule])
    assert batch.tolist() == [judge(baseline, post, rule) for baseline, post in rows]


@settings(deadline=None)
@given(st.integers(1, 10**7), st.integers(10, 10**9), st.integers(0, 10**6), rules)
def test_more_dna_never_removes_a_reactivation(baseline, post, more, rule):
    assert judge(str(baseline), str(post), rule) <= judge(str(baseline), str(post + more), rule)


@settings(deadline=None)
@given(st.integers(20, 10**6), st.integers(-2, 2))
def test_a_hundredfold_is_exact_on_whole_numbers(baseline, offset):
    expected = MET if offset >= 0 else NOT_MET
    assert judge(str(baseline), str(100 * baseline + offset)) == expected


@settings(deadline=None)
@given(texts, st.sampled_from(["TND", "<10"]), texts, rules)
def test_a_better_assay_never_turns_an_answer_over(baseline, below, post, rule):
    """What is known of `<10` holds for every number below 10."""
    known = judge(below, post, rule)
    if known in (MET, NOT_MET) and rule in ("trial", "KASL 2019"):
        codes = reactivation(
            read_results(
                [post] * 3,
                concept="hbv_dna",
                unit="IU/mL",
                lloq=10,
                uloq=1e9,
                below_limit_means=State.NOT_DETECTED,
            ),
            baseline=read_results(
                ["0.5", "5", "9.99"],
                concept="hbv_dna",
                unit="IU/mL",
                lloq=0.1,
                uloq=1e9,
                below_limit_means=State.NOT_DETECTED,
            ),
            rule=REACTIVATION_RULES[rule],
        )
        assert set(codes.tolist()) == {known}


def test_a_baseline_of_zero_is_refused():
    zero = as_assay_results(as_known("dna", [5, 0], concept="hbv_dna", unit="IU/mL"))
    with pytest.raises(ValueError, match=r"`baseline\[1\]` must be above 0"):
        reactivation(read("1", "2"), baseline=zero, rule=TRIAL)
    with pytest.raises(ValueError, match=r"`occasions\[1\]` must be above 0"):
        rise_over_nadir(order_samples(["a", "a"], [1, 2], zero), fold=10)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="`baseline` must have 2 rows, not 1"):
        reactivation(read("1", "2"), baseline=read("1"), rule=TRIAL)
