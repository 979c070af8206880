"""Stretches of time at risk: nobody is given the time they had to live to be treated."""

from dataclasses import replace
from datetime import date
from functools import cache
from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.derivations.lives import Life, at, changed, frames, shipped, study_of
from tests.derivations.small_studies import Records, on_day
from tests.derivations.tumours import PROTOCOL, edit, loaded

from trialwright.derivations.adtte import derive_adtte
from trialwright.derivations.adttev import NOT_AT_RISK, NOT_BEGUN, derive_adttev
from trialwright.derivations.cohort import event_observed
from trialwright.derivations.datasets import derive_datasets
from trialwright.vocabulary.durations import Duration

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
    return derive_adttev(study, adsl, adevt, adtte, observations).filter(pl.col("ANALYSIS") == analysis)


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


def survival_with(said, text=PROTOCOL):
    """A protocol that analyses survival late, as is said."""
    text = edit(text, "events:\n", "events:\n  death: { text: Death, reported: true }\n")
    survival = """endpoints:
  os: { label: Survival, kind: time to event, role: secondary, time to: death, from: first_dose, estimand: { population: treated } }
"""
    analyses = f"""analyses:
  late: {{ title: Late, method: kaplan-meier, endpoint: os, population: treated, {said}, ticks every: 30 days }}
"""
    return loaded(edit(text, "endpoints:\n", survival) + analyses)


def test_a_landmark_in_a_trial_without_groups():
    protocol = survival_with("landmark: 28 days")
    records = (
        Records("T-1").person("1", DTHDTC=on_day(57), DTHFL="Y").doses("durvalumab", [1, 29]).person("2")
    )
    rows = derive_datasets(records.study_of(protocol), only=("ADTTEV",)).tables["ADTTEV"]
    assert rows.select("USUBJID", "INCLFL", "GROUP", "TSTART", "TSTOP").rows() == [
        ("1", "Y", None, 28, 57), ("2", "N", None, None, None),
    ]  # fmt: skip


def test_an_event_of_the_protocol_can_be_the_entry():
    died = {"DTHDTC": on_day(57), "DTHFL": "Y"}
    records = Records("T-1").person("1", **died).doses("durvalumab", [1])
    records.person("2", **died).doses("durvalumab", [1], "2").happened(
        "new_anticancer_therapy", on_day(21), "2"
    )
    study = records.study_of(survival_with("entry: first new_anticancer_therapy"))
    rows = derive_datasets(study, only=("ADTTEV",)).tables["ADTTEV"]
    assert rows.select("USUBJID", "INCLFL", "REASON", "TSTART").rows() == [
        ("1", "N", "missing", None), ("2", "Y", None, 20),
    ]  # fmt: skip


# --- whose groups are whose, whatever is written first ------------------------------------------------------------------


def grouped(**treatments):
    """The protocol with groups of these treatments, in this order."""
    loaded = shipped("nct07120750")
    written = loaded.protocol.groups["na"]
    groups = {name: written.model_copy(update={"treatments": own}) for name, own in treatments.items()}
    return replace(loaded, protocol=loaded.protocol.model_copy(update={"groups": groups}))


NESTED = {"na": ("nucleoside_analogue",), "na_and_peginterferon": ("nucleoside_analogue", "peginterferon")}
EACH_ITS_OWN = {"a": ("nucleoside_analogue",), "p": ("peginterferon",)}


def treated(scan=400, **begun):
    """Under watch from surgery to a clean scan; treatments by the days on which they begin."""
    days = {"nucleoside_analogue": begun.get("a"), "peginterferon": begun.get("p")}
    given = {name: [at(SURGERY, day)] for name, day in days.items() if day is not None}
    anchors = {"radical_treatment": SURGERY, "group_assignment": SURGERY}
    return Life(SURGERY, {"adequate_scan": [at(SURGERY, scan)]}, given, anchors)


@pytest.mark.parametrize(
    "analysis", ["recurrence_delayed_entry", "recurrence_landmark", "recurrence_emulated"]
)
def test_the_standard_group_is_told_by_its_treatments(analysis):
    lives = [treated(a=0), treated(a=0, p=60)]
    written = stretches(lives, analysis, grouped(**NESTED))
    turned = stretches(lives, analysis, grouped(**dict(reversed(NESTED.items()))))
    assert written.equals(turned)
    assert set(written.filter(pl.col("INCLFL") == "Y")["GROUP"]) == set(NESTED)


def test_the_reference_of_a_model_does_not_tell_what_somebody_was_given():
    loaded = shipped("nct07120750")
    other = changed(loaded, {"analyses.recurrence_delayed_entry.reference.groups": "na_and_peginterferon"})
    ours, turned = (stretches(IT_01, "recurrence_delayed_entry", one) for one in (loaded, other))
    assert ours.equals(turned)


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        pytest.param(treated(a=10), [("a", 10, 401, "Y", None)], id="one, late"),
        pytest.param(treated(p=0), [("p", 0, 401, "Y", None)], id="the other, at once"),
        pytest.param(
            treated(a=10, p=50), [("a", 10, 50, "Y", None), ("p", 50, 401, "Y", None)], id="changes"
        ),
        pytest.param(treated(), [(None, None, None, "N", NOT_BEGUN)], id="neither"),
        pytest.param(treated(a=401), [(None, None, None, "N", NOT_BEGUN)], id="only when time is over"),
        pytest.param(treated(a=400), [("a", 400, 401, "Y", None)], id="on the last day"),
    ],
)
def test_nobody_is_at_risk_in_a_group_whose_treatment_has_not_begun(life, expected):
    rows = stretches([life], "recurrence_delayed_entry", grouped(**EACH_ITS_OWN))
    assert rows.select("GROUP", "TSTART", "TSTOP", "INCLFL", "REASON").rows() == expected


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        pytest.param(treated(a=10), [("a", 84, 401, "Y", None)], id="one"),
        pytest.param(treated(p=84), [("p", 84, 401, "Y", None)], id="the other, at the landmark"),
        pytest.param(treated(p=85), [(None, None, None, "N", NOT_BEGUN)], id="a day later"),
        pytest.param(treated(scan=80), [(None, None, None, "N", NOT_AT_RISK)], id="gone by then"),
    ],
)
def test_at_a_landmark_who_has_begun_nothing_is_in_no_group(life, expected):
    rows = stretches([life], "recurrence_landmark", grouped(**EACH_ITS_OWN))
    assert rows.select("GROUP", "TSTART", "TSTOP", "INCLFL", "REASON").rows() == expected


def test_assigned_groups_need_no_treatment_to_have_begun():
    """An analysis that goes by assignment keeps those who have begun nothing."""
    loaded = changed(shipped("nct07120750"), {"analyses.recurrence_landmark.by": "bclc_stage"})
    groups = grouped(**EACH_ITS_OWN).protocol.groups
    written = replace(loaded, protocol=loaded.protocol.model_copy(update={"groups": groups}))
    rows = stretches([treated()], "recurrence_landmark", written)
    assert rows.select("GROUP", "INCLFL", "TSTART").rows() == [(None, "Y", 84)]


@pytest.mark.parametrize("turned", [False, True])
def test_who_begins_two_things_on_a_day_is_where_both_are_given(turned):
    groups = {"none": (), "both": ("nucleoside_analogue", "peginterferon"), "p": ("peginterferon",)}
    written = grouped(**(dict(reversed(groups.items())) if turned else groups))
    rows = stretches([treated(a=30, p=30)], "recurrence_delayed_entry", written)
    assert rows.select("GROUP", "TSTART", "TSTOP").rows() == [("none", 0, 30), ("both", 30, 401)]


def test_groups_of_the_same_treatments_are_not_told_apart():
    same = {"early": ("peginterferon",), "late": ("peginterferon",)}
    rows = stretches([treated(p=30)], "recurrence_landmark", grouped(**same))
    assert rows.select("GROUP", "INCLFL", "REASON").rows() == [(None, "N", NOT_BEGUN)]


# --- begins that are not known to the day -------------------------------------------------------------------------------


def begun(*days):
    """Under watch from surgery, 2024-01-08, to a scan 400 days later; peginterferon on these days."""
    anchors = {"radical_treatment": SURGERY, "group_assignment": SURGERY}
    drugs = {"nucleoside_analogue": [SURGERY], "peginterferon": list(days)}
    return Life(SURGERY, {"adequate_scan": [at(SURGERY, 400)]}, drugs, anchors)


BY, AFTER = ("2024-03-01", "2024-03-31"), ("2024-04-02", "2024-04-30")
OUT = [(None, "N", "imprecise date")]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param([None], OUT, id="no date at all"),
        pytest.param([("2024-04-01", "2024-04-30")], OUT, id="around the landmark of April 1"),
        pytest.param([BY], [("na_and_peginterferon", "Y", None)], id="surely by the landmark"),
        pytest.param([AFTER], [("na", "Y", None)], id="surely after it"),
        pytest.param([None, "2024-02-01"], [("na_and_peginterferon", "Y", None)], id="one record has a date"),
    ],
)
def test_a_landmark_leaves_out_whose_group_hangs_on_a_date_nobody_knows(days, expected):
    rows = stretches([begun(*days)], "recurrence_landmark")
    assert rows.select("GROUP", "INCLFL", "REASON").rows() == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param([None], OUT, id="no date at all"),
        pytest.param([BY], OUT, id="under watch"),
        pytest.param([("2023-12-01", "2024-01-08")], [("na_and_peginterferon", "Y", None)], id="before the watch"),
        pytest.param([("2025-02-12", "2025-02-28")], [("na", "Y", None)], id="after its end"),
        pytest.param([("2025-02-11", "2025-02-28")], OUT, id="perhaps on its last day"),
    ],
)  # fmt: skip
def test_time_is_not_split_on_a_day_nobody_knows(days, expected):
    rows = stretches([begun(*days)], "recurrence_delayed_entry")
    assert rows.select("GROUP", "INCLFL", "REASON").rows() == expected


def test_the_group_of_a_strategy_without_a_date_is_begun_on_an_unknown_day():
    rows = stretches([begun(None)], "recurrence_emulated")
    assert rows.select("GROUP", "GROUPDT", "GROUPDTF").rows() == [("na_and_peginterferon", None, "Y")]


def test_who_surely_came_under_watch_is_at_risk_from_then_on():
    facts = {"nucleoside_analogue": [SURGERY], "group_assignment": [BY]}
    life = replace(begun(), anchors={"radical_treatment": SURGERY}, facts=facts)
    rows = stretches([life], "recurrence_delayed_entry")
    assert rows["TSTART"].to_list() == [(date(2024, 3, 31) - SURGERY).days]


def test_a_dose_without_a_date_in_the_records_is_a_begin_without_a_day():
    text = edit(PROTOCOL, "treatments:\n", "treatments:\n  lenvatinib: {}\n")
    groups = "groups:\n  a: { label: Arm A, treatments: [durvalumab] }\n  b: { label: Arm B, treatments: [lenvatinib] }\n"
    text = edit(text, "anchors:\n", f"{groups}anchors:\n")
    protocol = survival_with("landmark: 28 days, by: groups", text)
    died = {"DTHDTC": on_day(57), "DTHFL": "Y", "ARMCD": "Arm A"}
    records = Records("T-1").person("1", **died).doses("durvalumab", [1]).dose("lenvatinib", None)
    rows = derive_datasets(records.study_of(protocol)).tables
    assert rows["ADTTEV"].select("INCLFL", "REASON", "GROUP", "GROUPDT", "GROUPDTF").rows() == [
        ("N", "imprecise date", None, None, "Y")
    ]


# --- what was given before ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param(-8, [("na", 0, 401)], id="over, by more than the distance of two doses"),
        pytest.param(-7, [("na_and_peginterferon", 0, 401)], id="not over: a dose is due every week"),
        pytest.param(0, [("na_and_peginterferon", 0, 401)], id="on the first day"),
    ],
)
def test_a_treatment_that_was_over_before_time_begins_is_history(day, expected):
    loaded = shipped("nct07120750")
    drugs = loaded.protocol.treatments
    each_week = {
        "peginterferon": drugs["peginterferon"].model_copy(update={"every": Duration.parse("1 week")})
    }
    weekly = replace(
        loaded, protocol=loaded.protocol.model_copy(update={"treatments": {**drugs, **each_week}})
    )
    rows = stretches([treated(a=0, p=day)], "recurrence_delayed_entry", weekly)
    assert rows.select("GROUP", "TSTART", "TSTOP").rows() == expected


def test_who_was_treated_before_and_begins_again_comes_into_the_group_then():
    rows = stretches([begun(at(SURGERY, -400), at(SURGERY, 100))], "recurrence_delayed_entry")
    assert rows.select("GROUP", "GROUPDT", "TSTART", "TSTOP").rows() == [
        ("na", None, 0, 100), ("na_and_peginterferon", at(SURGERY, 100), 100, 401),
    ]  # fmt: skip


# --- two groups at once -------------------------------------------------------------------------------------------------

CONFLICT = [(None, "N", "conflict")]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("analysis", "life", "expected"),
    [
        pytest.param("recurrence_delayed_entry", treated(a=10, p=10), CONFLICT, id="both on a day"),
        pytest.param("recurrence_delayed_entry", treated(a=400, p=400), CONFLICT, id="both on the last day"),
        pytest.param("recurrence_delayed_entry", treated(a=401, p=401), [(None, "N", NOT_BEGUN)], id="both after it"),
        pytest.param("recurrence_landmark", treated(a=10, p=10), CONFLICT, id="both by the landmark"),
        pytest.param("recurrence_landmark", treated(a=84, p=84), CONFLICT, id="both at the landmark"),
        pytest.param("recurrence_landmark", treated(a=85, p=85), [(None, "N", NOT_BEGUN)], id="both after the landmark"),
        pytest.param("recurrence_landmark", treated(a=10, p=11), [("p", "Y", None)], id="one after the other"),
    ],
)  # fmt: skip
def test_who_begins_the_treatments_of_two_groups_at_once_is_in_neither(analysis, life, expected, turned):
    groups = dict(reversed(EACH_ITS_OWN.items())) if turned else EACH_ITS_OWN
    rows = stretches([life], analysis, grouped(**groups))
    assert rows.select("GROUP", "INCLFL", "REASON").rows() == expected


# --- whichever day it was -----------------------------------------------------------------------------------------------

GROUPINGS = {
    "each its own": EACH_ITS_OWN,
    "one added": NESTED,
    "all there are": {
        "neither": (), "a": ("nucleoside_analogue",), "p": ("peginterferon",),
        "both": ("nucleoside_analogue", "peginterferon"),
    },
    "two against one": {"np": ("nucleoside_analogue", "peginterferon"), "t": ("tenofovir",)},
    "pairs": {"na": ("nucleoside_analogue",), "np": ("nucleoside_analogue", "peginterferon"), "nt": ("nucleoside_analogue", "tenofovir")},
    "one, or both": {"p": ("peginterferon",), "both": ("peginterferon", "nucleoside_analogue")},
}  # fmt: skip
ENTRY, LANDMARK, LAST = 3, 6, 12


def group_on(day, groups, begins):
    """The group begun last of those begun by a day; of several begun on one day the one that the others are part of."""
    shared = set.intersection(*map(set, groups.values()))
    begun = {}
    for name, drugs in groups.items():
        own = set(drugs) - shared
        if all(begins.get(drug, day + 1) <= day for drug in own):
            begun[name] = (max((begins[drug] for drug in own), default=-1), own)
    if not begun:
        return NOT_BEGUN
    latest = max(on for on, _ in begun.values())
    at_once = {name: own for name, (on, own) in begun.items() if on == latest}
    whole = max(at_once, key=lambda name: len(at_once[name]))
    return whole if all(own <= at_once[whole] for own in at_once.values()) else "conflict"


def course_over_time(groups, begins):
    """The groups from the day of entry on with the days from which they are, or the reason why there are none."""
    days = {day: group_on(day, groups, begins) for day in range(ENTRY, LAST + 1)}
    if "conflict" in days.values():
        return "conflict"
    in_one = [(group, day) for day, group in days.items() if group != NOT_BEGUN]
    return tuple(now for i, now in enumerate(in_one) if i == 0 or now[0] != in_one[i - 1][0]) or NOT_BEGUN


def at_landmark(groups, begins):
    found = group_on(LANDMARK, groups, begins)
    return found if found in {"conflict", NOT_BEGUN} else ((found, LANDMARK),)


spans = st.one_of(
    st.none(), st.tuples(st.integers(0, LAST + 1), st.sampled_from([0, 0, 1, 4])).map(lambda one: (one[0], sum(one)))
)  # fmt: skip


@cache
def _protocol_with(grouping):
    """The protocol with these groups, and a landmark some days after surgery."""
    loaded = changed(prtras(), {"analyses.recurrence_landmark.landmark": f"{LANDMARK} days"})
    protocol = grouped(**GROUPINGS[grouping]).protocol
    treatments = {**protocol.treatments, "tenofovir": protocol.treatments["nucleoside_analogue"]}
    told = {"groups": protocol.groups, "treatments": treatments}
    return replace(loaded, protocol=loaded.protocol.model_copy(update=told))


@pytest.mark.parametrize(
    ("analysis", "read"),
    [("recurrence_delayed_entry", course_over_time), ("recurrence_landmark", at_landmark)],
)
@pytest.mark.parametrize("grouping", list(GROUPINGS))
@settings(max_examples=12)
@given(people=st.lists(st.tuples(spans, spans, spans), min_size=1, max_size=60))
def test_a_group_is_told_if_it_is_the_same_whichever_day_it_was(grouping, analysis, read, people):
    known = [
        {drug: span for drug, span in zip(DRUGS, told, strict=True) if span is not None} for told in people
    ]
    expected = [_whichever_day(read, GROUPINGS[grouping], spans_of) for spans_of in known]
    rows = stretches([_given_on(spans_of) for spans_of in known], analysis, _protocol_with(grouping))
    courses = rows.group_by("USUBJID", maintain_order=True).agg("REASON", "GROUP", "TSTART")
    found = [
        reasons[0] or tuple(zip(groups, starts, strict=True))
        for _, reasons, groups, starts in courses.iter_rows()
    ]
    assert found == expected


DRUGS = ("nucleoside_analogue", "peginterferon", "tenofovir")


def _whichever_day(read, groups, known):
    days = product(*(range(first, last + 1) for first, last in known.values()))
    possible = {read(groups, dict(zip(known, one, strict=True))) for one in days}
    return possible.pop() if len(possible) == 1 else "imprecise date"


def _given_on(known):
    days = {drug: [tuple(str(at(SURGERY, day)) for day in span)] for drug, span in known.items()}
    anchors = {"radical_treatment": SURGERY, "group_assignment": at(SURGERY, ENTRY)}
    return Life(SURGERY, {"adequate_scan": [at(SURGERY, LAST)]}, days, anchors)
