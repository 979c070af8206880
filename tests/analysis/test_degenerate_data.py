"""Data from which something cannot be estimated: the reason stands in the row, and nothing looks like a number."""

import pytest
from tests.cases.tiny import analyse


def codes(results):
    return {finding.code for finding in results.findings}


SOUND = [
    (50, "a", 1, True),
    (60, "a", 4, True),
    (55, "a", 5, False),
    (52, "b", 2, True),
    (61, "b", 3, False),
    (70, "b", 6, True),
]


def test_sound_data_have_every_number():
    results = analyse(SOUND)
    assert results["test/p_value"].value is not None
    assert results["model/arm=b/hazard_ratio"].value is not None
    assert results["mean/b minus a/3/difference"].value is not None
    assert "not-estimable" not in codes(results)


def test_a_group_with_nobody():
    results = analyse([subject for subject in SOUND if subject[1] == "a"])
    assert results["curve/b/n_subjects"].value == 0
    for id_ in ("curve/b/median", "curve/b/at/2/survival", "mean/b/3/restricted_mean", "mean/b minus a/3/difference",
                "test/p_value", "model/arm=b/hazard_ratio", "table/b/age/mean", "follow/b/median"):  # fmt: skip
        assert results[id_].value is None
        assert results[id_].note
    assert {"empty-group", "not-estimable"} <= codes(results)


def test_a_group_with_no_events_has_a_curve_and_no_hazard_ratio():
    results = analyse([(age, arm, months, died and arm == "a") for age, arm, months, died in SOUND])
    assert results["curve/b/at/2/survival"].value == 1
    assert results["curve/b/at/2/conf_low"].note == "no event yet"
    assert results["mean/b/3/std_error"].note == "no event before the horizon"
    assert results["curve/b/median"].note == "not reached"
    assert results["test/p_value"].value is not None
    assert results["model/arm=b/hazard_ratio"].value is None
    assert {"no-events", "not-estimable"} <= codes(results)


def test_everyone_censored():
    results = analyse([(age, arm, months, False) for age, arm, months, _ in SOUND])
    assert results["test/p_value"].note == "no event was observed"
    assert results["model/arm=b/hazard_ratio"].note == "no event was observed"
    assert results["curve/a/at/2/survival"].value == 1


def test_one_subject():
    results = analyse(SOUND[:1])
    assert results["curve/a/n_subjects"].value == 1
    assert results["table/a/age/sd"].value is None
    assert results["test/p_value"].value is None


def test_reading_after_the_last_follow_up_is_unknown_not_the_last_value():
    results = analyse(SOUND)
    assert results["curve/a/at/9/survival"].value is None
    assert results["curve/a/at/9/survival"].note == "follow-up ends at 5"
    # b ends with an event: its curve is at zero and stays there
    assert results["curve/b/at/9/survival"].value == 0


@pytest.mark.parametrize("missing", [(None, True), (4, None)], ids=["no time", "no status"])
def test_a_subject_without_time_or_status_is_counted_as_left_out(missing):
    results = analyse([*SOUND, (66, "a", *missing)])
    assert results["population flow/n_records"].value == 7
    assert results["population flow/os/n_without_endpoint"].value == 1
    assert results["curve/n_analysed"].value == 6
    assert results["curve/a/n_subjects"].value == 3


def test_a_subject_without_the_grouping_fact_is_in_no_group_and_counted():
    results = analyse([*SOUND, (66, None, 4, True)])
    assert results["model/arm/n_without_fact"].value == 1
    assert results["table/arm/n_without_fact"].value == 1
    assert results["table/n_subjects"].value == 7
    assert results["table/a/n_subjects"].value + results["table/b/n_subjects"].value == 6


def test_shares_are_of_those_known():
    results = analyse([*SOUND, (None, "a", 4, True)])
    assert results["table/a/age/n_missing"].value == 1
    assert results["table/a/age/mean"].value == pytest.approx(55)  # (50 + 60 + 55) / 3
    assert results["table/a/age/mean"].n == 3


def test_missing_everywhere_leaves_reasons_everywhere():
    results = analyse([(None, None, None, None)] * 3)
    assert all(row.value is not None or row.note for row in results.rows)
    assert results["table/age/mean"].note == "no value known"
    assert results["model/arm=b/hazard_ratio"].note == "no subject has all the values it needs"
