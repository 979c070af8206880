"""Adverse events: counted by subject, worst grade, kind and time, with what nobody said counted apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases.small_trial import PROTOCOL, on, protocol, run, table, trial

from trialwright.analysis.run import not_yet_executable, run_analyses

ONLY = ("harm", "harm_by_group")


def event(subject, term, grade=1, **more):
    """A treatment-emergent event on day 10, of a class, with everything said."""
    return {
        "USUBJID": subject, "AEDECOD": term, "AESOC": "Skin", "ATOXGR": grade, "ASTDT": on(10), "ASTDTL": on(10), "ASERFL": "N", "ARELFL": "N",
        "AINTFL": "N", "AWITHFL": "N", "AFATFL": "N", "AIMFL": "N", "TRTEMFL": "Y", **more,
    }  # fmt: skip


def analyse(events, people="aabb", **told):
    groups = {str(i): group for i, group in enumerate(people)}
    return run(groups, adae=events, only=ONLY, **told)


def counts(results, here, *names):
    return [results[f"{here}/{name}"].value for name in names]


def test_subjects_count_once_with_their_worst_known_grade():
    told = [
        event("0", "Rash", 1),
        event("0", "Rash", 3),
        event("0", "Rash", None),
        event("1", "Rash", None),
        event("2", "Rash", 2),
    ]
    results = analyse(told)
    here = "harm/soc=SKIN: RASH"
    assert counts(results, here, "n_with", "n_records", "proportion") == [3, 5, 0.75]
    grades = counts(results, here, *(f"n_grade_{grade}" for grade in range(1, 6)), "n_grade_unknown")
    assert grades == [0, 1, 1, 0, 0, 1]


def test_what_did_not_come_with_treatment_does_not_count_and_is_told():
    told = [
        event("0", "Rash"),
        event("1", "Rash", TRTEMFL="N"),
        event("2", "Rash", TRTEMFL=None),
        event("3", "Rash", TRTEMRS="imprecise date"),
    ]
    results = analyse(told)
    assert counts(results, "harm/any", "n_with") == [2]
    assert counts(
        results, "harm/records", "n_records", "n_not_proven", "n_before_or_after", "n_no_period"
    ) == [2, 1, 1, 1]


def test_of_whom_nobody_said_is_not_without():
    told = [event("0", "Rash", None), event("1", "Rash", 3), event("1", "Itch", None), event("2", "Rash", 2)]
    results = analyse(told)
    assert counts(results, "harm/severe", "n_with", "n_unknown", "proportion") == [1, 1, 0.25]
    assert results["harm/severe/event_rate"].note == "not known of everybody"


def test_a_kind_of_which_nobody_said_anything_has_no_share():
    results = analyse([event("0", "Rash", AIMFL=None)])
    assert results["harm/immune-mediated/proportion"].note == "nobody said"
    assert counts(results, "harm/immune-mediated", "n_with", "n_unknown") == [0, 1]


def test_one_record_without_an_answer_takes_none_from_the_others():
    told = [
        event("0", "Rash"),
        event("0", "Itch", AFATFL=None),
        event("1", "Rash"),
        event("2", "Rash", AFATFL=None),
    ]
    results = analyse(told, "aaab")
    # of subjects 0 and 2 nobody can tell; nobody is known to have died of an event
    assert counts(results, "harm/fatal", "n_with", "n_unknown", "proportion") == [0, 2, 0]
    assert results["harm/fatal/event_rate"].note == "not known of everybody"
    # in group b there is no event; that says all there is to say
    assert counts(results, "harm_by_group/b/fatal", "n_with", "n_unknown", "proportion") == [0, 0, 0]
    only_unknown = analyse([event("2", "Rash", AFATFL=None), event("3", "Rash")], "aaab")
    assert only_unknown["harm_by_group/a/fatal/proportion"].note == "nobody said"
    assert counts(only_unknown, "harm_by_group/b/fatal", "n_with", "proportion") == [0, 0]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("serious", {"ASERFL": "Y"}),
        ("related", {"ARELFL": "Y"}),
        ("interrupted", {"AINTFL": "Y"}),
        ("stopped", {"AWITHFL": "Y"}),
        ("fatal", {"AFATFL": "Y"}),
        ("immune-mediated", {"AIMFL": "Y"}),
    ],
)
def test_each_kind_has_its_own_flag(kind, said):
    results = analyse([event("0", "Rash", **said), event("1", "Rash")])
    found = {
        one: results[f"harm/{one}/n_with"].value
        for one in ("any", "serious", "related", "interrupted", "stopped", "fatal", "immune-mediated")
    }
    assert found == {**dict.fromkeys(found, 0), "any": 2, kind: 1}


@pytest.mark.parametrize(("grade", "is_severe"), [(2, 0), (3, 1), (4, 1), (5, 1)])
def test_severe_begins_with_grade_3(grade, is_severe):
    assert analyse([event("0", "Rash", grade)])["harm/severe/n_with"].value == is_severe


def test_classes_and_terms_stand_most_frequent_first():
    told = [
        event("0", "Rash"), event("1", "Itch"), event("2", "Itch"), event("0", "Cough", AESOC="Lung"), event("1", "Cough", AESOC="Lung"),
        event("2", "Cough", AESOC="Lung"), event("3", "Wheeze", AESOC="Lung"), event("3", "Odd", AESOC=None),
    ]  # fmt: skip
    results = analyse(told)
    items = list(
        dict.fromkeys(row.item for row in results.of("harm") if row.item and row.item.startswith("soc="))
    )
    assert items == [
        "soc=LUNG", "soc=LUNG: COUGH", "soc=LUNG: WHEEZE", "soc=SKIN", "soc=SKIN: ITCH", "soc=SKIN: RASH", "soc=not coded",
        "soc=not coded: ODD",
    ]  # fmt: skip


def test_terms_differ_by_more_than_case_only():
    results = analyse([event("0", "Rash"), event("1", "RASH"), event("2", None, AETERM="rash")])
    assert results["harm/soc=SKIN: RASH/n_with"].value == 3


def test_first_events_in_time_under_observation():
    # day 10 to day 0 are 11 days; the others have 100: 1 in 311 days is 1 / (311 / 30.4375) per month
    results = analyse([event("0", "Rash"), event("0", "Rash", ASTDT=on(50))])
    assert results["harm/any/event_rate"].value == pytest.approx(100 / (311 / 30.4375))
    assert results["harm/patient_months"].value == pytest.approx(400 / 30.4375)


@pytest.mark.parametrize(("onset", "days"), [(99, 400), (100, 400), (500, 400), (0, 301), (None, 301)])
def test_time_at_risk_ends_with_the_first_event_and_never_after_the_period(onset, days):
    results = analyse([event("0", "Rash", ASTDT=None if onset is None else on(onset))])
    assert results["harm/any/event_rate"].value == pytest.approx(100 / (days / 30.4375))


def test_records_of_whose_onset_nothing_is_known_are_told():
    """ADAE puts them on the first day of the period; the time at risk ends there."""
    results = analyse([event("0", "Rash", ASTDT=on(0), ASTDTL=None), event("1", "Rash", ASTDT=on(0))])
    assert counts(results, "harm/records", "n_records", "n_undated") == [2, 1]
    assert results["harm/any/event_rate"].value == pytest.approx(200 / (202 / 30.4375))


def test_death_and_the_last_day_known_alive_end_the_time():
    told = {"DTHDT": [on(49), None], "LSTALVDT": [on(10_000), on(29)]}
    results = analyse([], "aa", adsl=told)
    assert results["harm/patient_months"].value == pytest.approx((50 + 30) / 30.4375)


def test_time_during_a_treatment_is_that_of_its_doses():
    text = PROTOCOL.replace("of: grade, during: treated", "of: grade, during: drug")
    doses = [
        {"USUBJID": "0", "TREATMENT": "drug", "PARAMCD": code, "ADT": on(day)}
        for code, day in (("FIRSTDT", 5), ("LASTDT", 14))
    ]
    results = analyse([], "aa", protocol=protocol(text), adexsum=doses)
    assert results["harm/patient_months"].value == pytest.approx(10 / 30.4375)
    assert results["harm/n_without_time"].value == 1


def test_groups_have_their_own_denominators_and_a_shared_order():
    results = analyse([event("0", "Rash"), event("2", "Itch"), event("3", "Itch")])
    assert counts(results, "harm_by_group/a/soc=SKIN: ITCH", "n_with", "proportion") == [0, 0]
    assert counts(results, "harm_by_group/b/soc=SKIN: ITCH", "n_with", "proportion") == [2, 1]


def test_without_events_and_without_anybody_nothing_looks_like_a_number():
    results = analyse([event("0", "Rash", TRTEMFL="N")])
    assert counts(results, "harm/any", "n_with", "proportion") == [0, 0]
    nobody = run({}, only=ONLY)
    assert nobody["harm/any/proportion"].note == "nobody in this group"
    assert nobody["harm/any/event_rate"].value is None
    no_time = analyse([event("0", "Rash")], days=None)
    assert no_time["harm/any/event_rate"].note == "nobody was under observation"


def test_a_study_that_records_no_adverse_event_at_all_denies_none():
    results = analyse([])
    for statistic in ("n_with", "n_records", "n_unknown", "proportion", "event_rate"):
        assert results[f"harm/any/{statistic}"].note == "the study records no adverse event"
    assert "no-adverse-events-recorded" in {finding.code for finding in results.findings}


def test_an_event_of_somebody_outside_the_population_does_not_count():
    data = trial({"0": "a"}, adae=[event("0", "Rash"), event("9", "Rash")])
    assert run_analyses(data, {}, "small")["harm/any/n_with"].value == 1
    assert table("ADAE", []).is_empty()


EVENTS = st.lists(
    st.tuples(
        st.sampled_from("0123"), st.sampled_from(["Rash", "Itch"]), st.sampled_from([1, 2, 3, 4, 5, None])
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=30)
@given(EVENTS)
def test_grades_add_up_to_the_subjects_and_terms_never_exceed_their_class(told):
    results = analyse([event(*one) for one in told])
    for row in results.of("harm"):
        if row.statistic == "n_with" and row.item and row.item.startswith("soc="):
            parts = [f"n_grade_{grade}" for grade in (1, 2, 3, 4, 5, "unknown")]
            assert sum(counts(results, f"harm/{row.item}", *parts)) == row.value
            assert (
                row.value
                <= results[f"harm/{row.item.partition(': ')[0]}/n_with"].value
                <= results["harm/any/n_with"].value
            )
    by_group = [results[f"harm_by_group/{group}/any/n_with"].value for group in "ab"]
    whole = results["harm/any/n_with"].value
    assert by_group == [None, None] if whole is None else sum(by_group) == whole
    assert (whole is None) == (not told)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        pytest.param("of: grade,", "of: virus,", "`harms` is of `virus`", id="laboratory"),
        pytest.param(
            "  harms:",
            "  first: { label: First, kind: worst grade, role: secondary, of: grade, during: drug }\n  harms:",
            "as `first` says, and `harms` has another `during`",
            id="otherwise than the first endpoint",
        ),
    ],
)
def test_an_endpoint_that_is_not_derived_as_written_has_a_reason_and_no_number(old, new, why):
    refused = protocol(PROTOCOL.replace(old, new, 1))
    assert {f"analyses.{name}" for name in ONLY} == set(not_yet_executable(refused))
    results = analyse([event("0", "Rash")], protocol=refused)
    for name in ONLY:
        [row] = results.of(name)
        assert (row.statistic, row.value) == ("estimate", None)
        assert why in row.note
    assert {one.code for one in results.findings} >= {"not-estimable"}
