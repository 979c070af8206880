"""ADTTE: the worked examples of the trials, each way to end, and laws that hold whatever happened."""

import re
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from tests.derivations.lives import Life, adtte_of, at, changed, frames, shipped, study_of

from trialwright.derivations.adrate import ADRATE
from trialwright.derivations.adtte import ADTTE, derive_adtte
from trialwright.derivations.adttev import ADTTEV
from trialwright.derivations.cohort import event_observed
from trialwright.derivations.time_outcomes import Outcome
from trialwright.derivations.time_questions import ask_about_times
from trialwright.vocabulary.problems import ProblemsFound

PAGE = Path(__file__).parents[2] / "docs" / "derivations-time-to-event.md"
FIRST_DOSE = date(2024, 1, 10)
ASSIGNED = date(2024, 3, 1)


def durvalumab(**changes):
    return with_changes("nct04294498", changes)


def prtras(**changes):
    return with_changes("nct07120750", changes)


def with_changes(name, changes):
    """A shipped protocol, with other values of keys of endpoints: `ttp__imprecise_date="last possible"`."""
    paths = {
        f"endpoints.{key.replace('__', '.').replace('_date', ' date')}": value
        for key, value in changes.items()
    }
    return changed(shipped(name), paths) if changes else shipped(name)


def treated(scans=(), progression=None, death=None, therapy=None, alive=None, **facts):
    """A patient of NCT04294498; days as `03-06` of 2024."""
    days = [f"2024-{scan}" for scan in (*scans, *([progression] if progression else []))]
    events = {"adequate_scan": days}
    for name, day in (("progression", progression), ("death", death), ("new_anticancer_therapy", therapy)):
        if day:
            events[name] = [f"2024-{day}"]
    return Life(FIRST_DOSE, events, {"durvalumab": [FIRST_DOSE], **facts}, alive=alive and f"2024-{alive}")


def assigned(negative=(), positive=None, death=None, **events):
    """A participant of PRTRAS; days elapsed since group assignment."""
    days = {"adequate_scan": [at(ASSIGNED, day) for day in (*negative, *([positive] if positive else []))]}
    for name, day in (("recurrence", positive), ("death", death), *events.items()):
        if day is not None:
            days[name] = [at(ASSIGNED, day)]
    return Life(ASSIGNED, days, anchors={"group_assignment": ASSIGNED})


def row(loaded, life, endpoint, time_from=None):
    rows = adtte_of(loaded, [life]).filter(pl.col("PARAMCD") == endpoint.upper())
    rows = rows.filter(pl.col("TIMEFROM") == time_from if time_from else pl.col("ANL01FL") == "Y")
    return rows.row(0, named=True)


# --- recist.md, 8 --------------------------------------------------------------------------------------------------------

EVENT, CENSORED, NOT_ASSESSED, DEATH, THERAPY = 0, 1, 3, 4, 5
"""Codes of TTP; those of PFS lack death."""


@pytest.mark.parametrize(
    ("life", "pfs", "ttp"),
    [
        pytest.param(treated(["03-06", "05-01"], "07-03"), ("07-03", 176, 0), ("07-03", 176, 0), id="TE-01"),
        pytest.param(treated(["03-06", "04-02"], death="08-15"), ("08-15", 219, 0), ("04-02", 84, 4), id="TE-02"),
        pytest.param(treated(["04-02"], death="11-20"), ("04-02", 84, 5), ("04-02", 84, 4), id="TE-03"),
        pytest.param(treated(["04-02"], "10-01"), ("10-01", 266, 0), ("10-01", 266, 0), id="TE-04 gap of 182 days"),
        pytest.param(treated(["04-02"], "10-02"), ("04-02", 84, 5), ("04-02", 84, 6), id="TE-05 gap of 183 days"),
        pytest.param(
            treated(["03-06"], "06-26", therapy="05-10"), ("03-06", 57, 4), ("03-06", 57, 5), id="TE-06"
        ),
        pytest.param(treated(alive="04-20"), ("01-10", 1, 3), ("01-10", 1, 3), id="TE-07"),
        pytest.param(treated(death="03-01"), ("03-01", 52, 0), ("01-10", 1, 4), id="TE-08"),
        pytest.param(treated(["03-06"]), ("03-06", 57, 1), ("03-06", 57, 1), id="TE-09 the NE of 05-01 is no look"),
        pytest.param(treated(["05-01"], "07-03", "07-03"), ("07-03", 176, 0), ("07-03", 176, 0), id="TE-10"),
    ],
)  # fmt: skip
def test_worked_examples_of_progression(life, pfs, ttp):
    for endpoint, (day, aval, code) in (("pfs", pfs), ("ttp", ttp)):
        found = row(durvalumab(), life, endpoint)
        assert (found["ADT"], found["AVAL"], found["CNSR"]) == (date.fromisoformat(f"2024-{day}"), aval, code)


def test_progression_and_death_of_one_day_are_one_event_of_type_progression():
    found = row(durvalumab(), treated(["05-01"], "07-03", "07-03"), "pfs")
    assert (found["EVENT"], found["EVNTTYPE"]) == ("progression", "event")


def test_each_reason_has_its_words_and_its_place_in_the_protocol():
    found = row(durvalumab(), treated(["03-06"], "06-26", therapy="05-10"), "ttp")
    assert found["CNSDTDSC"] == "New anticancer therapy before progression"
    assert found["PROTOCOL"] == "endpoints.ttp.censoring.new_therapy"
    assert found["SRCALL"] == "DS.1 DS.1"  # the scan, and what ended the follow-up
    found = row(durvalumab(), treated(alive="04-20"), "ttp")
    assert found["CNSDTDSC"] == "No tumour assessment that could be judged after the start"
    found = row(durvalumab(), treated(therapy="05-10"), "ttp")
    assert (found["AVAL"], found["CNSR"]) == (1, THERAPY)
    assert found["CNSDTDSC"].startswith("New anticancer therapy before progression; no tumour assessment")


def test_survival_ends_with_the_last_day_known_alive():
    found = row(durvalumab(), treated(["03-06"], alive="06-30", contact=["2024-05-15"]), "os")
    assert (found["ADT"], found["CNSR"]) == (date(2024, 6, 30), CENSORED)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("contact", "No event up to the last contact"),
        ("Last known alive", "No event up to the last known alive"),
    ],
)
def test_what_follow_up_ends_with_is_not_the_last_last(label, words):
    loaded = changed(durvalumab(), {"facts.contact.label": label})
    assert row(loaded, treated(["03-06"], alive="06-30", contact=["2024-05-15"]), "os")["CNSDTDSC"] == words


# --- endpoints.md --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("life", "left", "right"),
    [
        pytest.param(assigned([84, 170], 251), 170, 251, id="IC-01"),
        pytest.param(assigned([84], 251), 84, 251, id="IC-02 one scan missed"),
        pytest.param(assigned([84], 190), 84, 190, id="IC-03 the LR-NC of day 168 is no look"),
        pytest.param(assigned([84, 168]), 168, None, id="IC-04"),
        pytest.param(assigned([], 84), 0, 84, id="IC-05"),
        pytest.param(assigned([84], 120), 84, 120, id="IC-06 unscheduled"),
        pytest.param(
            assigned([84, 168], death=200), 168, None, id="death without a scan that shows recurrence"
        ),
    ],
)
def test_bounds_of_recurrence(life, left, right):
    found = row(prtras(), life, "recurrence")
    assert (found["LEFTDT"], found["RIGHTDT"]) == (
        at(ASSIGNED, left),
        None if right is None else at(ASSIGNED, right),
    )


@pytest.mark.parametrize(("elapsed", "aval"), [(1098, 1099), (1099, 1100), (1100, 1101)])
def test_reading_days_are_elapsed_and_times_count_their_first_day(elapsed, aval):
    assert row(prtras(), assigned([1000], elapsed), "recurrence")["AVAL"] == aval


CR_01 = [
    (3, 1),
    (5, 2),
    (6, 0),
    (8, 1),
    (10, 2),
    (12, 1),
    (15, 0),
    (20, 1),
    (24, 0),
    (30, 2),
    (36, 0),
    (36, 0),
]


def test_competing_risks_of_cr_01_as_data():
    """A month is 30 days here; the curves of CR-01 at months 12 and 30, by hand from AVAL and CNSR."""
    lives = []
    for months, what in CR_01:
        day = 30 * months - 1
        lives.append(
            assigned([], day)
            if what == 1
            else assigned([day] if what == 0 else [], death=day if what == 2 else None)
        )
    rows = adtte_of(prtras(), lives).filter(pl.col("ANL01FL") == "Y")
    found = rows.filter(pl.col("PARAMCD") == "RECURRENCE")
    assert found["AVAL"].to_list() == [30 * months for months, _ in CR_01]
    assert found["CNSR"].to_list() == [{1: 0, 2: 2, 0: 1}[what] for _, what in CR_01]
    kaplan_meier, free, incidence = 1.0, 1.0, 0.0
    for months in sorted({months for months, _ in CR_01}):
        at_risk = found.filter(pl.col("AVAL") >= 30 * months).height
        here = found.filter(pl.col("AVAL") == 30 * months)
        events = here.filter(event_observed(pl.col("CNSR"))).height
        either = events + here.filter(pl.col("EVNTTYPE") == Outcome.COMPETING).height
        incidence += free * events / at_risk
        free *= 1 - either / at_risk
        kaplan_meier *= 1 - events / at_risk
        if months == 12:
            assert (round(1 - kaplan_meier, 4), round(incidence, 4), round(free, 4)) == (
                0.3016,
                0.2685,
                0.5556,
            )
    assert (round(1 - kaplan_meier, 4), round(incidence, 4), round(free, 4)) == (0.4413, 0.3796, 0.2963)
    rfs = rows.filter(pl.col("PARAMCD") == "RFS")
    assert rfs["CNSR"].to_list() == [0 if what else 1 for _, what in CR_01]


# --- which of several comes first ----------------------------------------------------------------------------------------


def outcome(loaded, life, endpoint):
    found = row(loaded, life, endpoint)
    elapsed = None if found["ADT"] is None else (found["ADT"] - found["STARTDT"]).days
    return found["EVNTTYPE"], elapsed, found["CNSR"]


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        pytest.param(assigned([84], 168, death=167), ("competing", 167, 2), id="death the day before"),
        pytest.param(assigned([84], 168, death=168), ("event", 168, 0), id="death of the same day"),
        pytest.param(assigned([84], 168, death=169), ("event", 168, 0), id="death the day after"),
        pytest.param(assigned([84], 168, second_primary=167), ("censored", 84, 4), id="another cancer before"),
        pytest.param(assigned([84], 168, second_primary=168), ("event", 168, 0), id="another cancer the same day"),
        pytest.param(assigned([84], 168, liver_transplantation=100), ("censored", 84, 5), id="transplantation before"),
        pytest.param(
            assigned([84], 168, liver_transplantation=100, second_primary=90), ("censored", 84, 4), id="first of two"
        ),
        pytest.param(
            assigned([84], death=100, second_primary=100), ("competing", 100, 2), id="death competes before it censors"
        ),
        pytest.param(
            assigned([84, 168], second_primary=168), ("censored", 168, 4), id="a scan of the very day counts"
        ),
        pytest.param(assigned([84], second_primary=-5), ("censored", 0, 4), id="another cancer before the start"),
        pytest.param(assigned([84], 0), ("event", 0, 0), id="on the day time begins"),
        pytest.param(assigned([0]), ("censored", 0, 3), id="the scan of the first day is baseline"),
        pytest.param(assigned([84], -1), ("not evaluable", None, None), id="the day before"),
        pytest.param(assigned([84], death=-1), ("not evaluable", None, None), id="dead before the start"),
    ],
)  # fmt: skip
def test_what_comes_first_counts(life, expected):
    assert outcome(prtras(), life, "recurrence") == expected


@pytest.mark.parametrize(
    ("gap", "expected"), [(182, ("event", 266, 0)), (183, ("censored", 84, 4)), (184, ("censored", 84, 4))]
)
def test_a_gap_before_recurrence(gap, expected):
    assert outcome(prtras(), assigned([84], 84 + gap), "recurrence_without_gaps") == expected


def test_a_gap_counts_from_the_start_where_nobody_looked():
    assert outcome(prtras(), assigned([], 182), "recurrence_without_gaps") == ("event", 182, 0)
    assert outcome(prtras(), assigned([], 183), "recurrence_without_gaps") == ("censored", 0, 4)


def test_a_death_after_a_gap_does_not_compete_where_follow_up_ends_at_gaps():
    life = assigned([84], death=84 + 183)
    assert outcome(prtras(), life, "recurrence_without_gaps") == ("censored", 84, 4)
    assert outcome(prtras(), life, "recurrence") == ("competing", 267, 2)


def test_a_gap_in_calendar_months_is_counted_by_the_calendar():
    """From 2024-05-24 six months reach 2024-11-24, elapsed day 268."""
    loaded = prtras(recurrence_without_gaps__censoring__missed_scans__gap="6 months")
    assert outcome(loaded, assigned([84], 267), "recurrence_without_gaps") == ("event", 267, 0)
    assert outcome(loaded, assigned([84], 268), "recurrence_without_gaps") == ("censored", 84, 4)


def test_a_scan_on_the_day_of_death_closes_the_gap():
    life = treated(["04-02", "11-20"], death="11-20")
    assert row(durvalumab(), life, "pfs")["CNSR"] == 0


# --- windows -------------------------------------------------------------------------------------------------------------


def on_treatment(last_dose, samples=(), **events):
    """A patient with doses on day 0 and `last_dose`; on treatment until 28 days later."""
    days = {name: [at(FIRST_DOSE, day)] for name, day in events.items()}
    doses = [FIRST_DOSE, at(FIRST_DOSE, last_dose)]
    return Life(FIRST_DOSE, days, {"durvalumab": doses, "hbv_dna": [at(FIRST_DOSE, day) for day in samples]})


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        pytest.param(on_treatment(56, [28, 56], hbv_reactivation=84), ("event", 84, 0), id="last day of the window"),
        pytest.param(on_treatment(56, [28, 56], hbv_reactivation=85), ("censored", 56, 1), id="the day after"),
        pytest.param(on_treatment(56, [28, 90]), ("censored", 28, 1), id="a sample after the window is no look"),
        pytest.param(on_treatment(56, [28], hbv_reactivation=0), ("censored", 28, 1), id="the first day is baseline"),
        pytest.param(on_treatment(56, [28], death=60), ("competing", 60, 2), id="death on treatment competes"),
        pytest.param(on_treatment(56, [28], death=85), ("censored", 28, 1), id="death after treatment does not"),
        pytest.param(on_treatment(56, [28], durvalumab_stop=40, hbv_reactivation=50), ("competing", 40, 2), id="stop"),
        pytest.param(on_treatment(56, []), ("censored", 0, 3), id="never sampled"),
    ],
)  # fmt: skip
def test_reactivation_counts_during_treatment(life, expected):
    assert outcome(durvalumab(), life, "time_to_reactivation") == expected


def test_a_window_that_does_not_leave_its_start_out_holds_it():
    loaded = durvalumab(time_to_reactivation__during="safety")
    assert outcome(loaded, on_treatment(56, [28], hbv_reactivation=0), "time_to_reactivation") == (
        "event",
        0,
        0,
    )


def test_who_had_no_dose_has_no_time_and_is_not_asked_about():
    rows = adtte_of(durvalumab(), [Life(None, {"death": ["2024-03-01"]})])
    assert rows["EVNTTYPE"].unique().to_list() == ["not evaluable"]
    reasons = dict(rows.select("PARAMCD", "REASON").rows())
    assert reasons.pop("DURATION_OF_RESPONSE") == "not applicable"
    assert set(reasons.values()) == {"missing"}
    assert rows["AVAL"].null_count() == rows.height == rows["CNSR"].null_count()
    assert ask_about_times(rows) == []


# --- what is not known ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("first possible", (date(2024, 8, 12), 216, "D", "event", None)),
        ("last possible", (date(2024, 8, 31), 235, "D", "event", None)),
        ("not evaluable", (None, None, None, "not evaluable", "imprecise date")),
    ],
)
def test_a_death_known_to_the_month(rule, expected):
    """Alive on 12 August, dead in August."""
    life = Life(
        FIRST_DOSE,
        {"death": [("2024-08-01", "2024-08-31")]},
        {"durvalumab": [FIRST_DOSE]},
        alive="2024-08-12",
    )
    found = row(durvalumab(os__imprecise_date=rule), life, "os")
    assert tuple(found[name] for name in ("ADT", "AVAL", "ADTF", "EVNTTYPE", "REASON")) == expected
    if found["ADT"]:
        assert (found["LEFTDT"], found["RIGHTDT"]) == (date(2024, 8, 12), date(2024, 8, 31))


@pytest.mark.parametrize(
    ("first", "last", "flag"),
    [("2024-08-01", "2024-08-31", "D"), ("2024-01-01", "2024-12-31", "M"), ("2023-12-20", "2024-01-20", "Y")],
)
def test_what_is_not_known_of_a_date_is_flagged(first, last, flag):
    life = Life(FIRST_DOSE, {"death": [(first, last)]}, {"durvalumab": [FIRST_DOSE]})
    found = row(durvalumab(), life, "os")
    assert found["ADTF"] == flag
    assert found["ADT"] == max(FIRST_DOSE, date.fromisoformat(first))


def test_a_scan_known_to_the_month_shows_nothing_beyond_its_first_day():
    life = Life(FIRST_DOSE, {"adequate_scan": [("2024-05-01", "2024-05-31")]}, {"durvalumab": [FIRST_DOSE]})
    found = row(durvalumab(), life, "ttp")
    assert (found["ADT"], found["ADTF"], found["CNSR"]) == (date(2024, 5, 1), "D", CENSORED)


def test_a_scan_that_may_lie_after_the_new_therapy_is_not_taken():
    scans = ["2024-03-06", ("2024-05-01", "2024-05-31")]
    life = Life(
        FIRST_DOSE,
        {"adequate_scan": scans, "new_anticancer_therapy": ["2024-05-10"]},
        {"durvalumab": [FIRST_DOSE]},
    )
    assert row(durvalumab(), life, "ttp")["ADT"] == date(2024, 3, 6)


def test_a_start_known_to_the_month_is_no_start():
    life = Life(None, {"death": ["2024-08-15"]}, {"durvalumab": [("2024-01-01", "2024-01-31")]})
    found = row(durvalumab(), life, "os")
    assert (found["EVNTTYPE"], found["REASON"]) == ("not evaluable", "imprecise date")


@pytest.mark.parametrize(
    ("events", "endpoint", "expected"),
    [
        pytest.param({"death": [None]}, "os", ("not evaluable", None, None), id="dead, nobody knows when"),
        pytest.param({"death": [None], "adequate_scan": ["2024-03-06"]}, "ttp", ("censored", 56, 4), id="after the scan"),
        pytest.param(
            {"death": [None], "progression": ["2024-03-06"], "adequate_scan": ["2024-03-06"]}, "pfs", ("event", 56, 0),
            id="who is scanned lives",
        ),
        pytest.param({"death": [None], "adequate_scan": ["2024-03-06"]}, "pfs", ("not evaluable", None, None), id="pfs"),
        pytest.param(
            {"new_anticancer_therapy": [None], "progression": ["2024-03-06"]}, "ttp", ("not evaluable", None, None),
            id="new therapy, nobody knows when",
        ),
        pytest.param({"progression": [None]}, "ttp", ("not evaluable", None, None), id="progression without a date"),
    ],
)  # fmt: skip
def test_events_whose_date_nobody_knows(events, endpoint, expected):
    life = Life(FIRST_DOSE, events, {"durvalumab": [FIRST_DOSE]}, alive="2024-04-20")
    assert outcome(durvalumab(), life, endpoint) == expected


def test_an_event_that_cannot_be_judged_is_no_absence_of_it():
    life = Life(
        FIRST_DOSE,
        {"adequate_scan": ["2024-03-06"]},
        {"durvalumab": [FIRST_DOSE]},
        unknown={"progression": "unreadable"},
    )
    found = row(durvalumab(), life, "ttp")
    assert (found["EVNTTYPE"], found["CNSR"], found["REASON"]) == ("not evaluable", None, "unreadable")
    dead = Life(
        FIRST_DOSE,
        {"death": ["2024-03-06"]},
        {"durvalumab": [FIRST_DOSE]},
        unknown={"progression": "unreadable"},
    )
    assert (
        row(durvalumab(), dead, "pfs")["EVNTTYPE"] == "event"
    )  # progression or death: one of them is certain


@pytest.mark.parametrize(
    ("undecided", "expected"),
    [
        pytest.param("2024-03-05", ("not evaluable", None, None), id="before the last look"),
        pytest.param("2024-03-06", ("not evaluable", None, None), id="on the day of the last look"),
        pytest.param("2024-03-07", ("censored", 56, 1), id="after it: until then the subject was free"),
        pytest.param(("2023-12-01", "2024-01-09"), ("censored", 56, 1), id="before time began"),
        pytest.param(
            ("2023-12-01", "2024-01-31"), ("not evaluable", None, None), id="perhaps after time began"
        ),
    ],
)
def test_what_cannot_be_judged_counts_by_its_day(undecided, expected):
    life = Life(
        FIRST_DOSE, {"adequate_scan": ["2024-03-06"]}, {"durvalumab": [FIRST_DOSE]},
        unknown={"progression": ("unreadable", undecided)},
    )  # fmt: skip
    assert outcome(durvalumab(), life, "ttp") == expected


@pytest.mark.parametrize(("undecided", "maybe"), [("2024-03-05", date(2024, 3, 5)), ("2024-03-06", None)])
def test_an_event_that_may_have_come_earlier_says_since_when(undecided, maybe):
    life = Life(
        FIRST_DOSE, {"death": ["2024-03-06"]}, {"durvalumab": [FIRST_DOSE]},
        unknown={"progression": ("unreadable", undecided)},
    )  # fmt: skip
    found = row(durvalumab(), life, "pfs")
    assert (found["EVNTTYPE"], found["ADT"], found["MAYBEDT"]) == ("event", date(2024, 3, 6), maybe)


def test_problems_name_subject_record_and_reason():
    early = Life(ASSIGNED, {"recurrence": [at(ASSIGNED, -3)]}, anchors={"group_assignment": ASSIGNED})
    undated = Life(ASSIGNED, {"death": [None]}, anchors={"group_assignment": ASSIGNED})
    asked = ask_about_times(adtte_of(prtras(), [early, undated]))
    assert [(one.code, one.field) for one in asked] == [
        ("event-before-start", "S-000000 DS.1"),
        ("time-not-evaluable", "ADTTE S-000001 AVAL"),
    ]
    assert "`recurrence`, `rfs`, `recurrence_without_gaps`" in asked[0].message
    assert "missing" in asked[1].message


# --- other moments and other readers -------------------------------------------------------------------------------------


def test_an_analysis_may_count_from_another_moment():
    life = Life(
        ASSIGNED, {"recurrence": [at(ASSIGNED, 100)], "adequate_scan": [at(ASSIGNED, 100)]},
        anchors={"group_assignment": ASSIGNED, "radical_treatment": at(ASSIGNED, -40)},
    )  # fmt: skip
    rows = adtte_of(prtras(), [life]).filter(pl.col("PARAMCD") == "RECURRENCE")
    assert rows.select("TIMEFROM", "AVAL", "ANL01FL").rows() == [
        ("group_assignment", 101, "Y"),
        ("radical_treatment", 141, None),
    ]


def test_readers_stay_apart_and_the_protocols_is_marked():
    life = Life(
        FIRST_DOSE,
        {
            "progression": {"local": ["2024-05-01"], "central": ["2024-07-03"]},
            "adequate_scan": {"local": ["2024-03-06", "2024-05-01"], "central": ["2024-03-08", "2024-07-03"]},
            "new_anticancer_therapy": ["2024-06-01"],
        },
        {"durvalumab": [FIRST_DOSE]},
    )
    rows = adtte_of(durvalumab(), [life]).filter(pl.col("PARAMCD") == "TTP")
    assert rows.select("READER", "ADT", "CNSR", "ANL01FL").rows() == [
        ("central", date(2024, 3, 8), 5, None),
        ("local", date(2024, 5, 1), 0, "Y"),
    ]
    rows = adtte_of(durvalumab(ttp__reader="central"), [life]).filter(pl.col("PARAMCD") == "TTP")
    assert rows["ANL01FL"].to_list() == ["Y", None]


def test_a_scan_that_a_reader_has_not_read_is_not_missing_a_scan():
    scans = {"local": ["2024-03-06"], "central": []}
    other = {"local": [], "central": ["2024-03-06"]}
    lives = [
        Life(FIRST_DOSE, {"adequate_scan": one}, {"durvalumab": [FIRST_DOSE]}) for one in (scans, other, {})
    ]
    rows = adtte_of(durvalumab(), lives).filter(pl.col("PARAMCD") == "TTP").sort("READER", "USUBJID")
    assert rows.select("READER", "EVNTTYPE", "CNSR").rows() == [
        ("central", "not evaluable", None), ("central", "censored", 1), ("central", "censored", 3),
        ("local", "censored", 1), ("local", "not evaluable", None), ("local", "censored", 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("died", "pfs"),
    [
        pytest.param(None, ("censored", 3, 1.0), id="alive: censored on day 1"),
        pytest.param("2024-05-01", ("event", 0, 113.0), id="dead 112 days after the first dose"),
    ],
)
def test_a_scan_that_nobody_could_judge_was_read_all_the_same(died, pfs):
    """The local reader could not judge the only scan, the central one could: the local times are as after no adequate scan."""
    scans = {"local": [], "central": ["2024-03-06"]}
    events = {"adequate_scan": scans} | ({"death": [died]} if died else {})
    facts = {"durvalumab": [FIRST_DOSE], "recist_response": ["2024-03-06"]}
    beside = Life(FIRST_DOSE, {"adequate_scan": {"local": ["2024-03-06"]}}, {"durvalumab": [FIRST_DOSE]})
    rows = adtte_of(durvalumab(), [Life(FIRST_DOSE, events, facts), beside]).sort("USUBJID")
    rows = rows.filter((pl.col("PARAMCD") == "PFS") & (pl.col("READER") == "local"))
    assert rows.select("EVNTTYPE", "CNSR", "AVAL").row(0) == pfs


def test_duration_of_response_is_a_time_from_the_response():
    loaded = shipped("nct04294498")
    events = {
        "tumour_response": ["2024-03-06"],
        "progression": ["2024-07-03"],
        "adequate_scan": ["2024-03-06", "2024-07-03"],
    }
    found = row(loaded, Life(FIRST_DOSE, events, {"durvalumab": [FIRST_DOSE]}), "duration_of_response")
    assert (found["STARTDT"], found["AVAL"], found["CNSR"]) == (date(2024, 3, 6), 120, 0)
    found = row(loaded, treated(["03-06"]), "duration_of_response")
    assert (found["EVNTTYPE"], found["REASON"]) == ("not evaluable", "not applicable")


def test_the_example_of_the_page_is_what_the_shipped_protocol_has():
    example = read_yaml(PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0])
    protocol = read_yaml((shipped("nct04294498").folder / "protocol.yaml").read_text(encoding="utf-8"))
    shown = [
        (section, name, key) for section, some in example.items() for name, one in some.items() for key in one
    ]
    assert len(shown) >= 6
    for section, name, key in shown:
        assert example[section][name][key] == protocol[section][name][key], (name, key)


def read_yaml(text):
    return YAML(typ="safe").load(text)


def test_the_page_names_every_variable():
    page = PAGE.read_text(encoding="utf-8")
    for heading, schema in (("## ADTTE\n", ADTTE), ("## ADRATE\n", ADRATE), ("## ADTTEV\n", ADTTEV)):
        section = page.split(heading)[1].split("\n## ")[0]
        told = set(re.findall(r"`([A-Z0-9]+)`", section))
        assert set(schema) - told <= {
            "PARAMCD",
            "PARAM",
            "READER",
            "EVENT",
            "SRCDOM",
            "SRCSEQ",
            "SRCALL",
            "PROTOCOL",
            "STARTDT",
        }
        assert heading != "## ADTTE\n" or set(schema) <= told


def test_times_in_other_units_are_refused():
    counted = {
        "label": "x",
        "kind": "time to event",
        "role": "exploratory",
        "time to": "death",
        "unit": "months",
    }
    counted |= {"from": "first durvalumab", "censored at": "last contact"}
    with pytest.raises(ProblemsFound, match="not-yet-executable"):
        adtte_of(changed(shipped("nct04294498"), {"endpoints.other": counted}), [treated()])


# --- laws ----------------------------------------------------------------------------------------------------------------

days_ = st.integers(0, 400)


@cache
def few_endpoints():
    """The protocol with recurrence, recurrence-free and overall survival, and nothing else to derive."""
    endpoints = shipped("nct07120750").protocol.to_plain()["endpoints"]
    few = {name: endpoints[name] for name in ("recurrence", "rfs", "os")}
    return changed(shipped("nct07120750"), {"endpoints": few, "analyses": {}})


some_lives = st.lists(
    st.builds(
        lambda looks, recurrence, death, other, alive: Life(
            ASSIGNED,
            {
                "adequate_scan": [at(ASSIGNED, day) for day in looks],
                "recurrence": [at(ASSIGNED, day) for day in recurrence],
                "death": [at(ASSIGNED, day) for day in death],
                "second_primary": [at(ASSIGNED, day) for day in other],
            },
            anchors={"group_assignment": ASSIGNED},
            alive=at(ASSIGNED, alive),
        ),
        st.lists(days_, max_size=5), st.lists(days_, max_size=2), st.lists(days_, max_size=1),
        st.lists(days_, max_size=1), days_,
    ),
    min_size=1,
    max_size=40,
)  # fmt: skip


def by_endpoint(rows):
    """The rows of the endpoints' own moments, as lists in the order of subjects."""
    own = rows.filter(pl.col("ANL01FL") == "Y")
    return {name: own.filter(pl.col("PARAMCD") == name).to_dicts() for name in ("RECURRENCE", "RFS", "OS")}


@settings(deadline=None, max_examples=8)
@given(some_lives, st.randoms(use_true_random=False))
def test_order_and_duplicates_never_matter(lives, random):
    study, (adsl, adevt, observations) = study_of(few_endpoints(), len(lives)), frames(lives)
    rows = derive_adtte(study, adsl, adevt, observations)
    order = list(range(adevt.height)) * 2
    random.shuffle(order)
    shuffled = adevt[order] if order else adevt
    assert derive_adtte(study, adsl[::-1], shuffled, observations).equals(rows)


def test_each_endpoint_is_as_if_it_stood_alone():
    """With other windows, gaps and enders beside it, and with scans that two readers read."""
    apart = {"local": ["2024-03-06", "2024-05-01"], "central": ["2024-03-06"]}
    lives = [
        treated(["03-06", "05-01"], "07-03", death="08-15"),
        treated(["04-02"], "10-01"),
        treated(["04-02"], "10-02"),
        treated(["03-06"], "06-26", therapy="05-10"),
        treated(["03-06"], death="11-20"),
        treated(alive="04-20"),
        Life(FIRST_DOSE, {"adequate_scan": apart, "progression": {"local": ["2024-05-01"], "central": []}}),
        Life(None, {"adequate_scan": ["2024-03-06"], "death": [("2024-03-01", "2024-03-31")]}),
    ]
    endpoints = durvalumab().protocol.to_plain()["endpoints"]

    def derived(*names):
        few = {"endpoints": {name: endpoints[name] for name in ("reactivation", *names)}, "analyses": {}}
        return adtte_of(changed(durvalumab(), few), lives)

    asked = ("ttp", "os")
    together = derived(*asked)
    assert set(together["READER"]) == {None, "local", "central"}
    for name in asked:
        assert together.filter(pl.col("PARAMCD") == name.upper()).equals(derived(name))


@settings(deadline=None, max_examples=8)
@given(some_lives)
def test_recurrence_free_survival_is_the_first_of_recurrence_and_death(lives):
    found = by_endpoint(adtte_of(few_endpoints(), lives))
    for life, rfs, survival in zip(lives, found["RFS"], found["OS"], strict=True):
        either = [*life.events["recurrence"], *life.events["death"]]
        assert (rfs["CNSR"] == 0) == bool(either)
        if either:
            assert rfs["ADT"] == min(either)
        if survival["CNSR"] == 0:
            assert rfs["CNSR"] == 0
            assert rfs["ADT"] <= survival["ADT"]


@settings(deadline=None, max_examples=8)
@given(some_lives)
def test_each_row_is_one_outcome_and_says_so(lives):
    rows = adtte_of(few_endpoints(), lives)
    codes = {"event": {0}, "competing": {2}, "censored": {1, 3, 4, 5}, "not evaluable": {None}}
    for one in rows.iter_rows(named=True):
        assert one["CNSR"] in codes[one["EVNTTYPE"]]
        assert (one["CNSDTDSC"] is not None) == (one["EVNTTYPE"] == "censored")
        assert (one["REASON"] is not None) == (one["EVNTTYPE"] == "not evaluable")
        if one["CNSR"] is not None:
            assert one["AVAL"] == (one["ADT"] - one["STARTDT"]).days + 1 >= 1
            assert one["LEFTDT"] <= one["ADT"]
            assert one["RIGHTDT"] is None or one["EVNTTYPE"] == "event"
    keys = ["SUBJECT", "PARAMCD", "TIMEFROM", "READER"]
    assert rows.select(keys).is_unique().all()
    n_endpoints = sum(one.kind == "time to event" for one in few_endpoints().protocol.endpoints.values())
    assert rows.filter(pl.col("ANL01FL") == "Y").height == n_endpoints * len(lives)


@settings(deadline=None, max_examples=8)
@given(some_lives, days_, st.integers(0, 100))
def test_a_later_cut_never_shortens_a_censored_time(lives, cut, later):
    def seen_by(day):
        return [
            Life(
                one.start,
                {name: [d for d in days if d <= at(ASSIGNED, day)] for name, days in one.events.items()},
                anchors=one.anchors,
                alive=min(one.alive, at(ASSIGNED, day)),
            )
            for one in lives
        ]

    early, late = (by_endpoint(adtte_of(few_endpoints(), seen_by(day))) for day in (cut, cut + later))
    for name in ("RECURRENCE", "RFS", "OS"):
        for before, after in zip(early[name], late[name], strict=True):
            if (
                before["EVNTTYPE"] == "censored"
                and after["EVNTTYPE"] == "censored"
                and before["CNSR"] in (1, 3)
            ):
                assert after["ADT"] >= before["ADT"] or after["CNSR"] > 3
            if before["EVNTTYPE"] in ("event", "competing"):
                assert (after["ADT"], after["EVNTTYPE"]) == (before["ADT"], before["EVNTTYPE"])


def reference(life):
    """RECURRENCE of the protocol once more, for one subject, as a physician would go through the chart."""
    scans = sorted(day for day in life.events["adequate_scan"] if day > ASSIGNED)
    ends_ = [
        (day, rank)
        for rank, name in enumerate(["recurrence", "death", "second_primary"])
        for day in life.events[name]
    ]
    if not ends_:
        return (scans[-1], 1) if scans else (ASSIGNED, 3)
    day, rank = min(ends_)
    if rank < 2:
        return day, (0, 2)[rank]
    until = [scan for scan in scans if scan <= day]
    return (until[-1] if until else ASSIGNED), 4


@settings(deadline=None, max_examples=12)
@given(some_lives)
def test_a_second_implementation_agrees(lives):
    found = by_endpoint(adtte_of(few_endpoints(), lives))["RECURRENCE"]
    assert [(one["ADT"], one["CNSR"]) for one in found] == [reference(life) for life in lives]
