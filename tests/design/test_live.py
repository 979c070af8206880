"""Where a running trial stands: nothing of the projection tells groups, the comparison obeys the rule of looks, its numbers by hand."""

import math
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from statistics import NormalDist

import polars as pl
import pytest
from tests.cases.board_records import records_of

from trialwright.analysis.looks import LookRequest
from trialwright.design.assumptions import read_basis
from trialwright.design.live import (
    SO_FAR,
    comparison_of,
    derive_times,
    events_needed,
    foresee,
    hold_against_design,
    look_at_records,
    project,
)
from trialwright.protocol.loading import load_protocol
from trialwright.vocabulary.problems import ProblemsFound

PRTRAS, HCC = "nct07120750", "nct04294498"
CUT = date(2028, 6, 1)
Z = NormalDist()


@cache
def basis(trial=PRTRAS):
    return read_basis(load_protocol(trial))


@cache
def read(cut=CUT):
    """Thirty patients who are told as real: their records, study and derived times."""
    return derive_times(basis(), records_of(PRTRAS, subjects=30, is_real=True), cut=cut)[:3]


def derived(cut=CUT):
    return read(cut)[2]


def own_times(data):
    """The primary endpoint of those in the analysis, from the derived times."""
    rows = data.adtte.filter(
        (pl.col("PARAMCD") == "RECURRENCE")
        & (pl.col("TIMEFROM") == "group_assignment")
        & (pl.col("READER") == "local")
        & pl.col("AVAL").is_not_null()
    )
    return rows.join(
        data.adsl.filter(pl.col("FULL_ANALYSISFL") == "Y").select("USUBJID", "groups"), on="USUBJID"
    )


def values(recorder):
    return {row.statistic: row.value for row in recorder.rows}


def test_the_projection_is_the_same_whoever_is_in_which_group():
    data = derived()
    swapped = {"na": "na_and_peginterferon", "na_and_peginterferon": "na"}
    adsl = data.adsl.with_columns(pl.col("GROUP").replace(swapped), pl.col("groups").replace(swapped))
    assert not adsl.equals(data.adsl)
    first, second = (
        project(basis(), one, comparison_of(basis()), CUT) for one in (data, replace(data, adsl=adsl))
    )
    assert first.rows == second.rows
    assert {row.group for row in first.rows} == {None}


def test_what_is_counted():
    """Counted by hand in the derived times: events, and who is alive, without event and was seen in the last half year."""
    data = derived()
    found = values(project(basis(), data, comparison_of(basis()), CUT))
    own = data.adtte.filter(
        (pl.col("PARAMCD") == "RECURRENCE") & (pl.col("ANL01FL") == "Y") & pl.col("AVAL").is_not_null()
    )
    own = own.filter((pl.col("TIMEFROM") == "group_assignment") & (pl.col("READER") == "local"))
    people = own.join(
        data.adsl.filter(pl.col("FULL_ANALYSISFL") == "Y").select("USUBJID", "LSTALVDT", "DTHDT", "EOSDT"),
        on="USUBJID",
    )
    assert found["n_subjects"] == people.height
    assert found["n_events"] == people.filter(pl.col("CNSR") == 0).height > 0
    alive = people.filter(pl.col("CNSR").is_in([1, 3, 4, 5, 6]) & pl.col("DTHDT").is_null())
    seen = alive.filter((pl.col("LSTALVDT") >= date(2027, 12, 1)) & pl.col("EOSDT").is_null())
    assert found["n_followed"] == seen.height
    left = pl.when(pl.col("USUBJID") == seen["USUBJID"][0]).then(CUT).otherwise("EOSDTL").alias("EOSDTL")
    one_left = replace(data, adsl=data.adsl.with_columns(left))
    assert values(project(basis(), one_left, comparison_of(basis()), CUT))["n_followed"] == seen.height - 1
    assert found["n_events_needed"] == events_needed(basis()) == 121
    assert found["information"] == found["n_events"] / 121


def test_a_test_from_a_landmark_is_projected_from_the_day_its_times_begin():
    loaded = basis().loaded
    id_, asked = comparison_of(basis())
    landmarked = asked.model_copy(
        update={"landmark": loaded.protocol.analyses["recurrence_landmark"].landmark}
    )
    analyses = {**loaded.protocol.analyses, id_: landmarked}
    protocol = loaded.protocol.model_copy(update={"analyses": analyses})
    own = replace(basis(), loaded=replace(loaded, protocol=protocol))
    data = derive_times(own, records_of(PRTRAS, subjects=30, is_real=True), cut=CUT)[2]
    rows = data.tables["ADTTEV"].filter((pl.col("ANALYSIS") == id_) & (pl.col("INCLFL") == "Y"))
    people = data.population(asked.population).join(rows, on="USUBJID", how="semi")
    found = values(project(own, data, (id_, landmarked), CUT))
    assert found["n_subjects"] == people.height > 0


def test_days_rise_and_a_chance_is_told():
    found = values(project(basis(), derived(), comparison_of(basis()), CUT))
    days = [found[name] for name in ("earliest", "days_to_last_event", "latest") if found[name] is not None]
    assert days == sorted(days)
    assert 0 <= found["probability_reached"] <= 1


def test_whoever_is_enrolled_is_not_still_to_come():
    """Thirty of 332 are enrolled. Who is left out of the analysis is enrolled all the same."""
    data = derived()
    flags = pl.col("FULL_ANALYSISFL")
    first = data.adsl.filter(flags == "Y")["USUBJID"][0]
    outside = data.adsl.with_columns(
        pl.when(pl.col("USUBJID") == first).then(pl.lit("N")).otherwise(flags).alias("FULL_ANALYSISFL")
    )
    whole, less = (
        values(project(basis(), one, comparison_of(basis()), CUT))
        for one in (data, replace(data, adsl=outside))
    )
    assert whole["n_to_enrol"] == less["n_to_enrol"] == 332 - 30
    assert less["n_subjects"] == whole["n_subjects"] - 1


def test_follow_up_beyond_the_time_frame_is_complete_and_no_fault():
    """The last scan of three years may be held up to day 1099, and three years are 1095.75 days."""
    cut = date(2032, 1, 1)
    data = derived(cut)
    own = own_times(data)
    assert own["AVAL"].max() - 1 > 3 * 365.25
    found = values(project(basis(), data, comparison_of(basis()), cut))
    assert found["n_followed"] == 0
    assert found["n_events"] == own.filter(pl.col("CNSR") == 0).height
    assert 0 <= found["probability_reached"] <= 1


def test_what_comes_most_often_at_first_is_not_promised_for_later():
    """As many events so far, and as long a follow-up but for theirs: late ones say that more will come."""
    data, cut = derived(), date(2032, 1, 1)
    events = own_times(data).filter(pl.col("CNSR") == 0).sort("AVAL")["USUBJID"]

    def told(n_early):
        days = pl.when(pl.col("USUBJID").is_in(events[:n_early].implode())).then(100.0).otherwise(380.0)
        is_event = pl.col("USUBJID").is_in(events.implode())
        moved = data.adtte.with_columns(pl.when(is_event).then(days).otherwise("AVAL").alias("AVAL"))
        return values(project(basis(), replace(data, adtte=moved), comparison_of(basis()), cut))

    early, late = told(len(events) - 1), told(1)
    assert early["hazard_changes_after"] == late["hazard_changes_after"] == 3 * 365.25 / 3
    assert early["probability_reached"] < late["probability_reached"]
    assert told(len(events))["hazard_changes_after"] is None
    assert told(0)["hazard_changes_after"] is None


def test_conditional_power_by_hand():
    """Of the final z = sqrt(f) z + sqrt(1 - f) times a normal with mean theta sqrt(I (1 - f)); theta = -ln(hazard ratio).

    f is the share of the events, and I the information so far over f.
    """
    found = values(foresee(basis(), derived(), comparison_of(basis())))
    f = values(project(basis(), derived(), comparison_of(basis()), CUT))["n_events"] / 121
    assert found["fraction"] == pytest.approx(f)
    final = variance(derived()) / f
    z = -math.log(found["hazard_ratio"]) * math.sqrt(f * final)

    def under(theta):
        benefit = (Z.inv_cdf(0.975) - z * math.sqrt(f)) / math.sqrt(1 - f) - theta * math.sqrt(
            final * (1 - f)
        )
        return 1 - Z.cdf(benefit)

    harm = 0.025  # two-sided tests may also count the other side, which is less than that here
    assert found["under_null"] == pytest.approx(under(0), abs=harm)
    assert found["under_design"] == pytest.approx(under(-math.log(0.6)), abs=1e-3)
    assert found["under_trend"] == pytest.approx(under(z / math.sqrt(f * final)), abs=harm)
    assert found["under_design"] > found["under_null"]


def variance(data):
    """Of the log-rank test, event by event."""
    people = own_times(data)
    total = 0.0
    for day in people.filter(pl.col("CNSR") == 0)["AVAL"].unique():
        there = people.filter(pl.col("AVAL") >= day)
        events = there.filter((pl.col("AVAL") == day) & (pl.col("CNSR") == 0)).height
        share = (there["groups"] == "na").mean()
        total += events * share * (1 - share) * (there.height - events) / max(there.height - 1, 1)
    return total


def test_looks_are_found_by_the_share_of_events_whatever_the_sizes_of_the_groups():
    """Three in four of one group: an event tells less than planned, and half of the events are half of the way all the same."""
    data = derived()
    uneven = data.adsl.with_columns(
        pl.when(pl.int_range(pl.len()) % 4 > 0)
        .then(pl.lit("na"))
        .otherwise(pl.lit("na_and_peginterferon"))
        .alias("groups")
    )
    found = values(foresee(basis(), replace(data, adsl=uneven), comparison_of(basis())))
    assert found["fraction"] == values(project(basis(), data, comparison_of(basis()), CUT))["information"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param(
            {"FULL_ANALYSISFL": pl.lit("N")}, "there are no subjects", id="before the first patient"
        ),
        pytest.param({"groups": pl.lit("na")}, "there is only one group, na", id="nobody in one group"),
    ],
)
def test_who_is_not_there_is_a_reason(changed, reason):
    data = derived()
    bare = replace(data, adsl=data.adsl.with_columns(**changed))
    found = foresee(basis(), bare, comparison_of(basis()))
    assert {(row.value, row.note) for row in found.rows} == {(None, reason)}


def test_of_two_groups_with_as_much_of_their_own_neither_is_the_treated_one():
    loaded = basis().loaded
    own = {"na": ("nucleoside_analogue",), "na_and_peginterferon": ("peginterferon",)}
    groups = {
        name: one.model_copy(update={"treatments": own[name]}) for name, one in loaded.protocol.groups.items()
    }
    asked = replace(
        basis(), loaded=replace(loaded, protocol=loaded.protocol.model_copy(update={"groups": groups}))
    )
    found = foresee(asked, derived(), comparison_of(asked))
    (told,) = {(row.value, row.note) for row in found.rows}
    assert told == (
        None,
        "two groups have as many treatments of their own: nothing tells which is the treated one",
    )


def test_when_the_events_are_there_nothing_is_foreseen():
    """Also where they tell a little less than planned, so that some information seems to be left."""
    data = derived()
    events = int(values(project(basis(), data, comparison_of(basis()), CUT))["n_events"])
    design = basis().design.model_copy(update={"events": events})
    loaded = basis().loaded
    asked = replace(
        basis(), loaded=replace(loaded, protocol=loaded.protocol.model_copy(update={"design": design}))
    )
    found = foresee(asked, data, comparison_of(asked))
    assert {(row.value, row.note) for row in found.rows} == {
        (None, f"{events} events have been seen, {events} are needed")
    }


# --- who may see it -----------------------------------------------------------------------------------------------------


def looked(reason=None):
    look = None if reason is None else LookRequest(reason, Path("no-such-folder") / "looks.jsonl")
    records, study, data = read()
    pooled, compared, disclosure = hold_against_design(basis(), study, records, data, look=look)
    rows = (*pooled.rows, *(compared.rows if compared else ()))
    return {row.analysis for row in rows}, disclosure


def test_of_real_patients_only_the_projection_is_told():
    analyses, disclosure = looked()
    assert disclosure.withheld == ("recurrence_logrank",)
    assert analyses == {SO_FAR}


def test_a_look_is_numbered_and_shows_the_comparison():
    analyses, disclosure = looked("the board asks")
    assert (disclosure.look.number, disclosure.look.reason) == (1, "the board asks")
    assert analyses == {SO_FAR, "recurrence_logrank"}


def test_at_the_final_cut_no_look_is_needed():
    records, study, data = read()
    final = study.protocol.reporting.model_copy(update={"final_cut": CUT})
    loaded = replace(study.loaded, protocol=study.protocol.model_copy(update={"reporting": final}))
    _, compared, disclosure = hold_against_design(
        basis(), replace(study, loaded=loaded), records, data, look=None
    )
    assert not disclosure.withheld
    assert compared is not None


def test_a_single_group_waits_for_no_number_of_events():
    with pytest.raises(ProblemsFound) as raised:
        look_at_records(basis(HCC), Path("nowhere"), cut=CUT, look=None)
    assert [one.code for one in raised.value.problems] == ["design-counts-no-events"]


def test_without_a_log_rank_test_there_is_nothing_to_foresee():
    loaded = basis().loaded
    kept = {id_: one for id_, one in loaded.protocol.analyses.items() if one.method != "log-rank"}
    bare = replace(loaded, protocol=loaded.protocol.model_copy(update={"analyses": kept}))
    with pytest.raises(ProblemsFound) as raised:
        comparison_of(replace(basis(), loaded=bare))
    assert [one.code for one in raised.value.problems] == ["no-log-rank-test"]
