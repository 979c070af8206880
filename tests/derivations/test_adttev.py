"""Stretches of time at risk: nobody is given the time they had to live to be treated."""

from datetime import date

import polars as pl
import pytest
from tests.derivations.lives import Life, at, changed, frames, shipped, study_of
from tests.derivations.small_studies import Records, on_day
from tests.derivations.tumours import PROTOCOL, edit, loaded

from trialwright.derivations.adtte import derive_adtte
from trialwright.derivations.adttev import NOT_AT_RISK, derive_adttev
from trialwright.derivations.cohort import event_observed
from trialwright.derivations.datasets import derive_datasets

SURGERY = date(2024, 1, 8)
MONTH = 30


def patient(recurrence=None, censored=None, peginterferon=None, assigned=0, death=None):
    """Months of 30 days since surgery, to the day before they end: a recurrence at 2 months has AVAL 60."""
    days = {"adequate_scan": [], "recurrence": [], "death": []}
    if recurrence is not None:
        days["recurrence"] = days["adequate_scan"] = [at(SURGERY, MONTH * recurrence - 1)]
    if censored is not None:
        days["adequate_scan"] = [at(SURGERY, MONTH * censored - 1)]
    if death is not None:
        days["death"] = [at(SURGERY, MONTH * death - 1)]
    anchors = {"radical_treatment": SURGERY}
    if assigned is not None:
        anchors["group_assignment"] = at(SURGERY, MONTH * assigned)
    drugs = {} if peginterferon is None else {"peginterferon": [at(SURGERY, MONTH * peginterferon)]}
    return Life(anchors.get("group_assignment"), days, {"nucleoside_analogue": [SURGERY], **drugs}, anchors)


IT_01 = [
    patient(2), patient(4), patient(12), patient(censored=24),
    patient(8, peginterferon=3), patient(20, peginterferon=3), patient(censored=24, peginterferon=3),
    patient(censored=24, peginterferon=6),
]  # fmt: skip


def prtras(landmark=None):
    """The protocol, with the landmark of IT-01 where it is asked for."""
    loaded = shipped("nct07120750")
    return changed(loaded, {"analyses.recurrence_landmark.landmark": landmark}) if landmark else loaded


def stretches(lives, analysis, loaded=None):
    loaded = loaded or prtras()
    study = study_of(loaded, len(lives))
    adsl, adevt, observations = frames(lives)
    adtte = derive_adtte(study, adsl, adevt, observations)
    return derive_adttev(study, adsl, adtte, observations).filter(pl.col("ANALYSIS") == analysis)


def months_and_events(rows):
    counted = rows.filter(pl.col("INCLFL") == "Y").group_by("GROUP").agg(
        ((pl.col("TSTOP") - pl.col("TSTART")).sum() / MONTH).alias("months"),
        event_observed(pl.col("CNSR")).sum().alias("events"),
    )  # fmt: skip
    return {
        group: (events, months)
        for group, months, events in counted.select("GROUP", "months", "events").iter_rows()
    }


def test_it_01_time_varying():
    found = months_and_events(stretches(IT_01, "recurrence_delayed_entry"))
    assert found == {"na_and_peginterferon": (2, 61), "na": (3, 57)}
    assert pytest.approx(0.623, abs=5e-4) == (2 / 61) / (3 / 57)


def test_it_01_landmark_of_six_months():
    rows = stretches(IT_01, "recurrence_landmark", prtras("180 days"))
    assert months_and_events(rows) == {"na_and_peginterferon": (2, 52), "na": (1, 24)}
    out = rows.filter(pl.col("INCLFL") == "N")
    assert out["REASON"].to_list() == [NOT_AT_RISK] * 2
    assert out["EVNTTYPE"].to_list() == ["event"] * 2


def test_it_01_naive_counts_the_time_before_treatment_for_the_drug():
    rows = stretches(IT_01, "recurrence_emulated")
    assert months_and_events(rows) == {"na_and_peginterferon": (2, 76), "na": (3, 42)}


def test_who_comes_late_is_at_risk_from_then_on():
    rows = stretches([patient(8, peginterferon=3, assigned=2)], "recurrence_delayed_entry")
    assert rows.select("TSTART", "TSTOP", "GROUP", "CNSR", "EVNTTYPE").rows() == [
        (60, 90, "na", 1, "continues"),
        (90, 240, "na_and_peginterferon", 0, "event"),
    ]


@pytest.mark.parametrize(
    ("assigned", "reason"),
    [
        pytest.param(2, NOT_AT_RISK, id="recurrence the day before entry"),
        pytest.param(None, "missing", id="never assigned"),
    ],
)
def test_who_has_no_time_stays_visible(assigned, reason):
    rows = stretches([patient(2, assigned=assigned)], "recurrence_delayed_entry")
    assert rows.select("INCLFL", "REASON", "TSTART", "TSTOP", "CNSR").rows() == [
        ("N", reason, None, None, None)
    ]


def test_who_has_no_start_is_out_once_whatever_treatment_began():
    without = Life(None, {"adequate_scan": [at(SURGERY, 90)]}, {"peginterferon": [SURGERY]}, {})
    rows = stretches([without], "recurrence_delayed_entry")
    assert rows.select("INCLFL", "REASON", "GROUP").rows() == [("N", "missing", "na")]


def test_a_recurrence_on_the_day_of_entry_counts():
    life = Life(
        at(SURGERY, 60),
        {"recurrence": [at(SURGERY, 60)], "adequate_scan": [at(SURGERY, 60)]},
        {"nucleoside_analogue": [SURGERY]},
        {"radical_treatment": SURGERY, "group_assignment": at(SURGERY, 60)},
    )
    rows = stretches([life], "recurrence_delayed_entry")
    assert rows.select("INCLFL", "TSTART", "TSTOP", "CNSR").rows() == [("Y", 60, 61, 0)]


@pytest.mark.parametrize(("elapsed", "included"), [(83, "N"), (84, "N"), (85, "Y")])
def test_only_those_free_of_recurrence_at_the_landmark_count(elapsed, included):
    day = at(SURGERY, elapsed)
    life = Life(None, {"recurrence": [day], "adequate_scan": [day]}, {}, {"radical_treatment": SURGERY})
    assert stretches([life], "recurrence_landmark")["INCLFL"].to_list() == [included]


@pytest.mark.parametrize(
    ("begun", "group"), [(84, "na_and_peginterferon"), (85, "na")], ids=["at the landmark", "a day later"]
)
def test_groups_at_the_landmark_are_those_known_by_then(begun, group):
    life = Life(
        None,
        {"adequate_scan": [at(SURGERY, 400)]},
        {"peginterferon": [at(SURGERY, begun)]},
        {"radical_treatment": SURGERY},
    )
    rows = stretches([life], "recurrence_landmark")
    assert rows.select("GROUP", "TSTART", "TSTOP").rows() == [(group, 84, 401)]


def test_competing_death_is_told_at_the_end_of_the_last_stretch():
    rows = stretches([patient(death=10, peginterferon=3)], "recurrence_delayed_entry")
    assert rows["CNSR"].to_list() == [1, 2]
    assert rows["EVNTTYPE"].to_list() == ["continues", "competing"]


def test_a_landmark_in_a_trial_without_groups():
    text = edit(PROTOCOL, "events:\n", "events:\n  death: { text: Death, reported: true }\n")
    survival = """endpoints:
  os: { label: Survival, kind: time to event, role: secondary, time to: death, from: first_dose, estimand: { population: treated } }
"""
    analyses = """analyses:
  late: { title: Late, method: kaplan-meier, endpoint: os, population: treated, landmark: 28 days, ticks every: 30 days }
"""
    protocol = loaded(edit(text, "endpoints:\n", survival) + analyses)
    records = (
        Records("T-1").person("1", DTHDTC=on_day(57), DTHFL="Y").doses("durvalumab", [1, 29]).person("2")
    )
    rows = derive_datasets(records.study_of(protocol), only=("ADTTEV",)).tables["ADTTEV"]
    assert rows.select("USUBJID", "INCLFL", "GROUP", "TSTART", "TSTOP").rows() == [
        ("1", "Y", None, 28, 57), ("2", "N", None, None, None),
    ]  # fmt: skip
