"""ADCLOCK: each clock and visit of both protocols kept and broken, who is asked, and how long anybody looks."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from tests.derivations.lives import changed
from tests.derivations.small_studies import DAY_1, Records, on_day

from trialwright.derivations.adclock import (
    CONTACTS,
    derive_adclock,
    why_clock_not_run,
    why_deviation_not_run,
    why_repeats_not_run,
    why_visit_not_run,
)
from trialwright.derivations.adsl import derive_adsl
from trialwright.derivations.events import known_facts
from trialwright.derivations.study import make_study
from trialwright.protocol.loading import load_protocol
from trialwright.protocol.model import Clock, Deviation, Visit


@pytest.fixture(scope="module")
def durva():
    return load_protocol("nct04294498")


@pytest.fixture(scope="module")
def prtras():
    """With three elements the shipped protocol has no need of: a clock of assessments, a single visit, a start that may be late."""
    at_80 = {"label": "Biopsy", "at": "80 days", "from": "group_assignment", "tolerance": "3 days", "missed after": "5 days",
             "measures": ["hbsag_quantity"]}  # fmt: skip
    scans = {
        "assess": "lirads",
        "every": "8 to 12 weeks",
        "during": "follow_up",
        "tolerance": "7 days",
        "missed after": "119 days",
    }
    stated = {"status": "assumed", "reason": "For this test."}
    return changed(
        load_protocol("nct07120750"), {"visits.biopsy": at_80 | stated, "clocks.scans": scans | stated}
    )


def adclock_of(study):
    facts = known_facts(study)
    return derive_adclock(study, derive_adsl(study, facts), facts)


def adclock_alone(loaded, records):
    """Each subject as a study of their own, so that nobody is looked at longer than their own records tell."""
    tables = {name: rows.with_columns(TRIAL=pl.col("USUBJID")) for name, rows in records.tables.items()}
    return adclock_of(make_study(loaded, tables, keys=["TRIAL"])).drop("TRIAL")


def became(adclock, subject, name):
    """What became of each thing, or why nobody can tell, in the order of time."""
    rows = adclock.filter(USUBJID=subject, PARAMCD=name.upper())
    return rows.select(pl.coalesce("AVALC", "REASON"))["AVALC"].to_list()


def row_of(adclock, subject, name, number=1):
    return adclock.filter(USUBJID=subject, PARAMCD=name.upper(), ASEQ=number).row(0, named=True)


def ended(records, subject, of, why, when):
    return records.add(
        "DS", subject, DSDECOD=why, DSTERM=why, DSCAT="DISPOSITION EVENT", DSSCAT=of, DSSTDTC=when
    )


# --- durvalumab with entecavir ----------------------------------------------------------------------------------------


def read(records, subject, days):
    for day, response in days.items():
        records.add("RS", subject, RSTESTCD="OVRLRESP", RSCAT="RECIST 1.1", RSSTRESC=response, RSORRES=response,
                    RSDTC=on_day(day), RSEVAL="INVESTIGATOR")  # fmt: skip


LONG = (on_day(-3), on_day(360))


def on_durvalumab(
    records,
    subject,
    *,
    viral_loads=(),
    responses=None,
    entecavir=LONG,
    days=(1, 29, 57, 85, 113),
    **person,
):
    """Five doses on days 1 to 113: in the period of treatment from day 2 to day 141."""
    records.person(subject, **person).doses("durvalumab", days, subject)
    records.series("hbv_dna", dict.fromkeys(viral_loads, 5000), subject)
    if entecavir:
        records.dose("entecavir", *entecavir, subject)
    read(records, subject, responses or {})


def durva_records():
    """Entecavir must reach 2024-12-21, six months after 2024-06-21."""
    records = Records()
    on_durvalumab(records, "kept", viral_loads=(1, 29, 57, 85, 113, 141), responses={57: "SD", 141: "PR"},
                  entecavir=(on_day(-3), "2024-12-21"))  # fmt: skip
    ended(records, "kept", "DURVALUMAB", "COMPLETED", on_day(120))
    on_durvalumab(records, "broken", viral_loads=(29, 100, 134), entecavir=(on_day(10), "2024-12-20"))
    on_durvalumab(records, "first", viral_loads=(37, 65))
    ended(records, "first", "STUDY PARTICIPATION", "SCREEN FAILURE", on_day(-30))  # and screened again
    on_durvalumab(records, "day 36", viral_loads=(36, 65))
    on_durvalumab(records, "unjudged", responses={57: "NE", 93: "SD", 141: "SD"})
    on_durvalumab(records, "died", viral_loads=(29, 57, 85, 113), entecavir=(on_day(-3), "2024-08-20"), DTHDTC="2024-08-21", DTHFL="Y")  # fmt: skip
    on_durvalumab(records, "undated", viral_loads=(29,), entecavir=(on_day(1), on_day(130)), DTHDTC="2024", DTHFL="Y")  # fmt: skip
    on_durvalumab(records, "left", viral_loads=(29, 57), days=(1, 29, 57), entecavir=(on_day(-3), None))
    ended(records, "left", "STUDY PARTICIPATION", "WITHDRAWAL BY SUBJECT", on_day(60))
    on_durvalumab(records, "stopped", viral_loads=(29, 57), days=(1, 29, 57))
    ended(records, "stopped", "DURVALUMAB", "ADVERSE EVENT", on_day(60))
    for last in ("2025-02-27", "2025-02-28"):
        on_durvalumab(records, f"PH-05 {last}", days=(156, 184), entecavir=(on_day(156), last))
    records.person("failed", viral_loads=()).series("hbv_dna", {-10: 5000, 40: 5000, 200: 5000}, "failed")
    ended(records, "failed", "STUDY PARTICIPATION", "SCREEN FAILURE", on_day(-5))
    return records


@pytest.fixture(scope="module")
def treated(durva):
    return adclock_of(durva_records().study_of(durva))


@pytest.mark.parametrize(("subject", "clock", "found"), [
    ("kept", "viral_load", ["in time"] * 5),
    pytest.param("broken", "viral_load", ["in time", "missed", "in time"], id="28, 71 and 34 days"),
    pytest.param("first", "viral_load", ["late", "in time", "missed"], id="36 days after the first dose; 76 to the end"),
    pytest.param("day 36", "viral_load", ["in time", "in time", "missed"], id="35 days after the first dose"),
    ("kept", "imaging", ["in time", "in time"]),
    pytest.param("broken", "imaging", ["missed"], id="none in 140 days"),
    pytest.param("unjudged", "imaging", ["late", "early"], id="a scan nobody could judge goes on counting: 92 and 48 days"),
    ("kept", "entecavir_start", ["in time"]),
    pytest.param("broken", "entecavir_start", ["missed"], id="nine days after"),
    ("kept", "entecavir_cover", ["in time"]),
    pytest.param("broken", "entecavir_cover", ["missed"], id="a day short"),
    pytest.param("PH-05 2025-02-27", "entecavir_cover", ["missed"], id="PH-05 a day short"),
    pytest.param("PH-05 2025-02-28", "entecavir_cover", ["in time"], id="PH-05"),
    pytest.param("died", "entecavir_cover", ["not applicable"], id="PH-08"),
    pytest.param("died", "viral_load", ["in time"] * 4, id="nothing is missed up to death"),
    pytest.param("undated", "viral_load", ["in time", "missed"], id="a death in 2024 is after the last day known alive"),
    pytest.param("left", "viral_load", ["in time", "in time"], id="nothing is due of who has left"),
    pytest.param("left", "entecavir_cover", ["not applicable"], id="left under treatment"),
    pytest.param("stopped", "viral_load", ["in time", "in time"], id="28 days to the end of the period"),
    pytest.param("failed", "viral_load", [], id="a screen failure is asked nothing"),
])  # fmt: skip
def test_clocks_of_durvalumab(treated, subject, clock, found):
    assert became(treated, subject, clock) == found


def test_a_screen_failure_is_asked_nothing(treated):
    assert "failed" not in treated["USUBJID"].to_list()


def test_visits_of_durvalumab(treated):
    """HBV DNA 28 days after the last of five doses; after that none, and entecavir for six months."""
    assert became(treated, "kept", "screening") == ["in time"]
    assert became(treated, "broken", "screening") == ["missed"]
    assert became(treated, "kept", "end_of_treatment") == ["in time"]
    assert became(treated, "kept", "entecavir_follow_up") == ["in time", *["missed"] * 5]
    assert treated.filter(PARAMCD="INFUSION").is_empty()


def test_what_counts_from_the_last_dose_waits_until_it_is_known_to_be_the_last(treated):
    assert (
        became(treated, "broken", "entecavir_follow_up")
        == became(treated, "broken", "end_of_treatment")
        == []
    )
    assert became(treated, "stopped", "end_of_treatment") == [
        "missed"
    ]  # seen on the day of the last dose, and not after
    assert became(treated, "left", "end_of_treatment") == ["not applicable"]


def test_what_a_row_says(treated):
    row = row_of(treated, "broken", "viral_load", 2)
    del row["SUBJECT"]
    assert row == {
        "STUDYID": "S", "USUBJID": "broken", "PARCAT": "clock", "PARAMCD": "VIRAL_LOAD", "PARAM": "next result: HBV DNA",
        "ASEQ": 2, "STARTDT": date(2024, 3, 29), "AWLODT": None, "AWHIDT": date(2024, 5, 3), "ADT": date(2024, 6, 8),
        "ENDDT": None, "AVAL": 71, "AVALC": "missed", "REASON": None, "SRCDOM": "LB", "SRCSEQ": 2, "SRCALL": "LB.2",
        "AVALU": "DAYS", "PROTOCOL": "clocks.viral_load",
    }  # fmt: skip
    assert treated.columns == ["STUDYID", "USUBJID", "SUBJECT", *CONTACTS]


@pytest.mark.parametrize(("subject", "name", "found"), [
    pytest.param("kept", "viral_load", ["in time", "in time"], id="14 days since day 57"),
    pytest.param("broken", "viral_load", ["in time", "overdue"], id="42 days since day 29, and it can still come"),
    pytest.param("kept", "imaging", ["in time"], id="a later scan is not known"),
    pytest.param("broken", "imaging", [], id="70 days without a scan are not too long"),
    pytest.param("kept", "entecavir_cover", ["not due"], id="what ends later goes on"),
    pytest.param("broken", "entecavir_start", ["missed"], id="began too late, by then"),
    pytest.param("died", "viral_load", ["in time", "in time"], id="a later death is not known"),
    pytest.param("PH-05 2025-02-28", "entecavir_start", [], id="not yet treated"),
])  # fmt: skip
def test_as_it_was_known_at_a_cut(cut_in_may, subject, name, found):
    assert became(cut_in_may, subject, name) == found


# day 57 is 26 April 2024, the last of April day 61, day 85 is 24 May
@pytest.fixture(scope="module")
def leavers(durva):
    records = Records()
    for when in (on_day(84), "2024-05", None, "2024-04"):
        on_durvalumab(records, f"left {when}", viral_loads=(29, 57, 85), days=(1, 29, 57, 85))
        ended(records, f"left {when}", "STUDY PARTICIPATION", "WITHDRAWAL BY SUBJECT", when)
    return adclock_of(records.study_of(durva))


@pytest.mark.parametrize(
    ("when", "n_results"),
    [
        pytest.param(on_day(84), 2, id="on the day before the last result"),
        pytest.param("2024-05", 3, id="in the month, and was seen in it"),
        pytest.param(None, 3, id="on a day nobody knows, and was seen until then"),
        pytest.param("2024-04", 2, id="in the month before, and was seen all the same"),
    ],
)
def test_what_is_due_ends_on_the_day_of_leaving_as_adsl_has_it(leavers, when, n_results):
    assert became(leavers, f"left {when}", "viral_load") == ["in time"] * n_results


@pytest.fixture(scope="module")
def cut_in_may(durva):
    """Day 71."""
    return adclock_of(durva_records().study_of(durva, cut=date(2024, 5, 10)))


def test_a_cut_is_the_last_day_looked_at(cut_in_may):
    assert row_of(cut_in_may, "broken", "viral_load", 2)["ENDDT"] == date(2024, 5, 10)


def test_two_studies_at_once_are_two_studies(durva):
    records = Records()
    for trial, days in (("1", (29, 57)), ("2", (29, 64))):
        on_durvalumab(records, trial, viral_loads=days, days=(1, 29, 57))
    tables = {
        name: rows.with_columns(TRIAL=pl.col("USUBJID"), USUBJID=pl.lit("001")) for name, rows in records.tables.items()
    }  # fmt: skip
    rows = adclock_of(make_study(durva, tables, keys=["TRIAL"])).filter(PARAMCD="VIRAL_LOAD")
    assert rows.columns[:4] == ["TRIAL", "STUDYID", "USUBJID", "SUBJECT"]
    assert rows.select("TRIAL", "AVAL").rows() == [("1", 28), ("1", 28), ("2", 28), ("2", 35)]


# --- analogues with peginterferon -------------------------------------------------------------------------------------


def since(days):
    """So many days after group assignment."""
    return (DAY_1 + timedelta(days)).isoformat()


def assigned(records, subject, group, *, scans=(), bloods=(), seen=(), analogue=((-60, None),), **person):
    """Group assignment on 2024-03-01, nineteen days after radical treatment; `seen` are contacts that measure nothing due."""
    arm = {"ARMCD": group} if group else {}
    records.person(subject, **arm, **person)
    records.milestone("radical_treatment", "2024-02-11", subject).milestone(
        "group_assignment", since(0), subject
    )
    for first, last in analogue:
        records.dose("nucleoside_analogue", since(first), None if last is None else since(last), subject)
    for day in scans:
        records.add("PR", subject, PRTRT="LIVER MRI", PRDECOD="LIVER MRI", PRSTDTC=since(day))
    for day in bloods:
        records.result("hbsag_quantity", since(day), 500, subject)
    for day in seen:
        records.result("alp", since(day), 80, subject)


def prtras_records():
    records, peg = Records(), "NA AND PEGINTERFERON"
    assigned(records, "kept", "NA", scans=(84, 168), bloods=(-5, 80, 168))
    records.finding("pd1_cd8", since(168), "20", "kept")
    assigned(
        records, "late", "NA", scans=(92, 177), bloods=(95,), seen=(255,), analogue=((-60, 30), (46, None))
    )
    assigned(records, "paused", "NA", seen=(300,), analogue=((-60, 30), (45, None)))
    assigned(records, "peg kept", peg, seen=(150,))
    records.dose("peginterferon", since(10), since(40), "peg kept").result("alt", since(38), 60, "peg kept")
    records.result("hbsag_quantity", "2024-02", 500, "paused")
    records.result("hbsag_quantity", "2024-02", 500, "peg kept").result("alt", since(-5), 30, "peg kept")
    assigned(records, "peg broken", peg, seen=(150,))
    assigned(records, "peg late", peg, seen=(150,))
    records.dose("peginterferon", "2024-05-06", "2024-06-01", "peg late")
    assigned(records, "no group", None, seen=(150,))
    assigned(records, "no group, peg", None, seen=(150,))
    records.dose("peginterferon", since(10), since(40), "no group, peg")
    assigned(records, "recurred", "NA", scans=(84, 168), bloods=(420,))
    records.finding("lirads", since(84), "LR-1", "recurred").finding("lirads", since(168), "LR-5", "recurred")
    assigned(records, "unjudged", "NA", scans=(84,), seen=(140,))
    records.finding("lirads", since(84), "LR-NC", "unjudged").finding("lirads", since(92), "LR-1", "unjudged")
    assigned(records, "left", "NA", seen=(70,), DTHDTC=since(200), DTHFL="Y")
    ended(records, "left", "STUDY", "LOST TO FOLLOW-UP", since(80))
    assigned(records, "left some day", "NA", seen=(70,))
    ended(records, "left some day", None, "WITHDRAWAL BY SUBJECT", None)
    assigned(records, "died", "NA", seen=(30,), DTHDTC=since(95), DTHFL="Y")
    assigned(records, "fell ill", "NA", seen=(140,))
    records.add("AE", "fell ill", AETERM="FEVER", AEDECOD="Pyrexia", AESTDTC=since(84), AETOXGR="2")
    records.person("failed").milestone("radical_treatment", "2024-02-11", "failed")
    records.result("hbsag_quantity", since(200), 500, "failed")
    return records


@pytest.fixture(scope="module")
def followed(prtras):
    return adclock_alone(prtras, prtras_records())


@pytest.mark.parametrize(("subject", "name", "found"), [
    ("kept", "analogue_cover", ["in time"]),
    pytest.param("paused", "analogue_cover", ["in time"], id="14 days without"),
    pytest.param("late", "analogue_cover", ["missed"], id="15 days without"),
    pytest.param("died", "analogue_cover", ["in time"], id="it went on, as far as known, 65 days after the last contact"),
    pytest.param("kept", "interferon_start", [], id="asked of its group only"),
    ("peg kept", "interferon_start", ["in time"]),
    pytest.param("peg broken", "interferon_start", ["missed"], id="it never began"),
    pytest.param("peg late", "interferon_start", ["missed"], id="a day after twelve weeks"),
    pytest.param("no group", "interferon_start", ["missing"], id="nobody knows whether it is asked"),
    pytest.param("no group, peg", "interferon_start", ["in time"], id="kept, whether it is asked or not"),
    ("kept", "screening", ["in time"]), ("late", "screening", ["missed"]),
    pytest.param("paused", "screening", ["imprecise date"], id="some day of February: 1 is too early, 2 to 29 are not"),
    pytest.param("peg kept", "screening", ["in time"], id="whichever day of February, another test was in time"),
    ("kept", "imaging", ["in time", "in time"]),
    pytest.param("late", "imaging", ["late", "late", "not due"], id="8 and 9 days late; the third due on day 252"),
    pytest.param("peg broken", "imaging", ["missed"], id="none; the second is due on day 168"),
    pytest.param("recurred", "imaging", ["in time", "in time"], id="nothing is due after the recurrence"),
    pytest.param("left", "imaging", ["not applicable"], id="lost in its window, though known to have lived longer"),
    pytest.param("died", "imaging", ["missed"], id="died after its window"),
    pytest.param("kept", "laboratory", ["in time", "in time"], id="four days early, and on the day"),
    pytest.param("late", "laboratory", ["late", "missed", "not due"], id="11 days late, and none; the third due on day 252"),
    pytest.param("fell ill", "laboratory", ["missed"], id="an adverse event is no visit"),
    ("kept", "immune_profile", ["in time"]), ("paused", "immune_profile", ["missed"]),
    ("peg kept", "interferon_safety", ["in time"]),
    pytest.param("no group, peg", "interferon_safety", ["missed"], id="of everybody who takes it"),
    pytest.param("kept", "interferon_safety", [], id="of nobody else"),
    pytest.param("kept", "biopsy", ["in time"], id="a single visit, on its day"),
    pytest.param("late", "biopsy", ["missed"], id="a single visit, 15 days late"),
    pytest.param("left", "biopsy", ["not applicable"], id="a single visit, lost on its day"),
    pytest.param("unjudged", "scans", ["late"], id="LR-NC goes on counting: 92 days"),
    pytest.param("recurred", "scans", ["in time", "in time", "missed"], id="a clock has no end but its period"),
])  # fmt: skip
def test_clocks_and_visits_of_peginterferon(followed, subject, name, found):
    assert became(followed, subject, name) == found


def test_whoever_never_came_to_time_zero_is_asked_nothing(followed):
    assert "failed" not in followed["USUBJID"].to_list()


def test_a_pause_is_told_with_its_days_and_the_record_before(followed):
    row = row_of(followed, "late", "analogue_cover")
    assert (row["STARTDT"], row["ENDDT"], row["AVAL"], row["SRCALL"]) == (
        date(2024, 4, 1),
        date(2024, 4, 15),
        15,
        "EX.1",
    )


def test_rows_stand_in_the_order_of_the_protocol_and_of_time(followed, prtras):
    paths = [f"{kind}.{name}" for kind in ("clocks", "visits") for name in getattr(prtras.protocol, kind)]
    named = [path for name in paths for path in (name, f"{name}.repeat within")]
    mine = followed.filter(USUBJID="late").select("PROTOCOL", "ASEQ").rows()
    assert mine == sorted(mine, key=lambda row: (named.index(row[0]), row[1]))
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in followed.group_by("USUBJID", "PROTOCOL", maintain_order=True).agg("ASEQ")["ASEQ"].to_list())  # fmt: skip


def test_a_cut_makes_a_scan_overdue(prtras):
    """Day 92: the window closed on day 91, and until day 112 the scan is late only."""
    rows = adclock_of(prtras_records().study_of(prtras, cut=date.fromisoformat(since(92))))
    assert became(rows, "peg broken", "imaging") == ["overdue"]
    assert became(rows, "late", "imaging") == ["late"]
    assert became(rows, "left", "imaging") == ["not applicable"]
    assert (
        became(rows, "left some day", "imaging") == []
    )  # there on day 70 for the last time, a week before the window
    assert became(rows, "paused", "analogue_cover") == ["in time"]


# --- looks that nobody could judge ------------------------------------------------------------------------------------


def looked(records, subject, looks, **person):
    """Scans by days after group assignment: what each finding says, or nothing where nobody told."""
    assigned(records, subject, "NA", scans=looks, **person)
    for day, told in looks.items():
        for name, level in told.items():
            records.finding(name, since(day), level, subject)


BLURRED, CLEAR, UNTOLD = {"lirads": "LR-NC"}, {"lirads": "LR-1"}, {}
FREE = {"lirads": "LR-1", "lirads_treated": "nonviable"}
REPEATS = [
    ("never again", {84: BLURRED, 300: CLEAR}, ["missed"]),
    ("after 41 days", {84: BLURRED, 125: CLEAR}, ["in time"]),
    ("after 42 days", {84: BLURRED, 126: CLEAR}, ["in time"]),
    ("after 43 days", {84: BLURRED, 127: CLEAR}, ["missed"]),
    ("could be judged", {84: CLEAR, 300: CLEAR}, []),
    ("blurred again", {84: BLURRED, 120: BLURRED, 168: CLEAR}, ["in time", "missed"]),
    ("treated site blurred", {84: {"lirads": "LR-1", "lirads_treated": "nonevaluable"}, 300: FREE}, ["missed"]),
    ("both blurred are one scan", {84: {"lirads": "LR-NC", "lirads_treated": "nonevaluable"}, 100: FREE}, ["in time"]),
    ("nobody told", {84: UNTOLD, 300: CLEAR}, ["missing"]),
    ("nobody told, looked at again", {84: UNTOLD, 100: CLEAR}, []),
    ("no category there is", {84: {"lirads": "LR-9"}, 300: CLEAR}, ["unreadable"]),
    ("at the start", {0: BLURRED, 300: CLEAR}, []),
    ("the last, three days late", {1095: BLURRED, 1200: CLEAR}, ["missed"]),
    ("the last day a scan is late only", {1120: BLURRED, 1200: CLEAR}, ["missed"]),
    ("after all visits", {1121: BLURRED, 1200: CLEAR}, []),
    ("found by the repeat", {84: BLURRED, 120: {"lirads": "LR-5"}, 300: CLEAR}, ["in time"]),
    ("found otherwise", {84: BLURRED, 300: CLEAR}, ["not applicable"]),
    ("found that very day", {84: BLURRED, 300: CLEAR}, []),
    ("found otherwise too late", {84: BLURRED, 300: CLEAR}, ["missed"]),
    ("recurred before", {84: {"lirads": "LR-5"}, 168: BLURRED, 300: CLEAR}, []),
    ("died", {84: BLURRED}, ["not applicable"]),
    ("died after", {84: BLURRED}, ["missed"]),
    ("seen until then", {84: BLURRED}, ["not due"]),
]  # fmt: skip


def repeat_records():
    records = Records()
    people = {
        "died": {"DTHDTC": since(126), "DTHFL": "Y"},
        "died after": {"DTHDTC": since(127), "DTHFL": "Y"},
    }
    for subject, looks, _ in REPEATS:
        looked(records, subject, looks, **people.get(subject, {}))
    records.finding("extrahepatic_lesion", since(84), "unequivocal", "found that very day")
    records.finding("extrahepatic_lesion", since(126), "unequivocal", "found otherwise")
    records.finding("extrahepatic_lesion", since(127), "unequivocal", "found otherwise too late")
    records.result("alp", since(126), 80, "seen until then")
    # a lesion that could be categorised makes the scan one that could
    looked(records, "one of two", {84: BLURRED, 300: CLEAR})
    records.finding("lirads", since(84), "LR-3", "one of two")
    # some day of May: day 61 to 91
    looked(records, "some day of May", {300: CLEAR})
    records.finding("lirads", "2024-05", "LR-NC", "some day of May")
    looked(records, "some day of May, again", {133: CLEAR})
    records.finding("lirads", "2024-05", "LR-NC", "some day of May, again")
    looked(records, "again some day of May", {60: BLURRED, 300: CLEAR})
    records.finding("lirads", "2024-05", "LR-1", "again some day of May")
    return records


@pytest.fixture(scope="module")
def scanned(prtras):
    return adclock_alone(prtras, repeat_records())


@pytest.mark.parametrize(("subject", "found"), [
    *(pytest.param(subject, found, id=subject) for subject, _, found in REPEATS),
    pytest.param("one of two", [], id="another lesion of that day could be categorised"),
    pytest.param("some day of May", ["missed"], id="whichever day it was, months went by"),
    pytest.param("some day of May, again", ["imprecise date"], id="42 days after 31 May, 72 after the first"),
    pytest.param("again some day of May", ["in time"], id="at most 31 days later"),
])  # fmt: skip
def test_looks_that_nobody_could_judge(scanned, subject, found):
    assert became(scanned, subject, "imaging_repeat") == found


def test_what_a_repeat_says(scanned):
    row = row_of(scanned, "after 43 days", "imaging_repeat")
    assert {name: row[name] for name in ("STARTDT", "AWLODT", "AWHIDT", "ADT", "ENDDT", "AVAL", "SRCALL", "PROTOCOL")} == {
        "STARTDT": date(2024, 5, 24), "AWLODT": date(2024, 5, 25), "AWHIDT": date(2024, 7, 5), "ADT": date(2024, 7, 6),
        "ENDDT": None, "AVAL": 43, "SRCALL": "FA.1 FA.2", "PROTOCOL": "visits.imaging.repeat within",
    }  # fmt: skip


@pytest.mark.parametrize(("seen", "found"), [
    pytest.param(175, ["in time", "not due"], id="the second scan is due on day 168, with a week to spare"),
    pytest.param(176, ["in time", "overdue"], id="its week is over"),
    pytest.param(196, ["in time", "overdue"], id="four weeks after it was due"),
    pytest.param(197, ["in time", "missed"], id="a day later"),
])  # fmt: skip
def test_without_a_cut_what_was_due_after_the_last_contact_is_due_as_long_as_anybody_is_seen(
    prtras, seen, found
):
    """Four people were scanned on day 84 and last seen on day 100; another is seen on until this day."""
    records = Records()
    for subject, life in {
        "silent": {},
        "left": {},
        "died": {"DTHDTC": since(110), "DTHFL": "Y"},
        "recurred": {},
    }.items():
        assigned(records, subject, "NA", scans=(84,), seen=(100,), **life)
    ended(records, "left", "STUDY", "WITHDRAWAL BY SUBJECT", since(110))
    records.finding("lirads", since(84), "LR-5", "recurred")
    assigned(records, "seen", "NA", seen=(seen,))
    rows = adclock_of(records.study_of(prtras))
    assert became(rows, "silent", "imaging") == found
    assert row_of(rows, "silent", "imaging", 2)["ENDDT"] == date.fromisoformat(since(seen))
    assert [became(rows, subject, "imaging") for subject in ("left", "died", "recurred")] == [["in time"]] * 3


@pytest.mark.parametrize(("day", "found"), [
    pytest.param(164, ["in time", "in time"], id="four days before it was due: the visit was held"),
    pytest.param(150, ["in time", "early"], id="18 days before"),
    pytest.param(139, ["in time"], id="29 days before, it keeps no visit, and nothing is due any more"),
])  # fmt: skip
def test_a_scan_before_its_day_that_shows_recurrence_keeps_its_visit(prtras, day, found):
    records = Records()
    assigned(records, "1", "NA", scans=(84, day), seen=(400,))
    records.finding("lirads", since(84), "LR-1").finding("lirads", since(day), "LR-5")
    assert became(adclock_of(records.study_of(prtras)), "1", "imaging") == found


@pytest.mark.parametrize(("cut", "found"), [(84, ["not due"]), (126, ["not due"]), (127, ["missed"])])
def test_a_repeat_at_a_cut(prtras, cut, found):
    rows = adclock_of(repeat_records().study_of(prtras, cut=date.fromisoformat(since(cut))))
    assert became(rows, "never again", "imaging_repeat") == found


def test_how_soon_is_a_setting(prtras):
    shorter = changed(prtras, {"visits.imaging.repeat within": "40 days"})
    rows = adclock_of(repeat_records().study_of(shorter))
    assert became(rows, "after 41 days", "imaging_repeat") == ["missed"]


def test_a_visit_in_a_span_asks_for_repeats_of_its_looks(prtras):
    """Screening lasts from day -28 to day 0; what nobody could judge earlier is not asked about."""
    within = changed(prtras, {"visits.screening.repeat within": "2 weeks"})
    records = Records()
    for subject, day in (("before", -29), ("first", -28), ("last", 0), ("repeated", -20)):
        looked(records, subject, {day: BLURRED, 300: CLEAR})
    records.finding("lirads", since(-6), "LR-1", "repeated")
    rows = adclock_of(records.study_of(within))
    found = {
        subject: became(rows, subject, "screening_repeat")
        for subject in ("before", "first", "last", "repeated")
    }
    assert found == {"before": [], "first": ["missed"], "last": ["missed"], "repeated": ["in time"]}


# --- what cannot be run -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("clock", "why"), [
    ({"measure": "alt", "at_least_every": "31 days"}, ""),
    ({"measure": "alt", "at_least_every": "31 days", "counts_from": "anchor"}, "a row of contacts that counts from an anchor is a visit"),
    ({"assess": "lirads", "every": "8 to 12 weeks"}, ""),
    ({"assess": "lirads"}, "it does not say how often"),
    ({"start_of": "entecavir", "within": "7 days of first durvalumab"}, ""),
    ({"start_of": "entecavir"}, "it does not say within what"),
    ({"keep": "entecavir", "at_least": "6 months after last durvalumab"}, ""),
    ({"keep": "entecavir", "during": "follow_up"}, ""),
    ({"keep": "entecavir"}, "it does not say what must happen"),
    ({}, "it does not say what must happen"),
])  # fmt: skip
def test_why_a_clock_is_not_run(clock, why):
    plain = {name.replace("_", " "): value for name, value in clock.items()}
    assert why_clock_not_run(Clock.model_validate(plain)) == why


@pytest.mark.parametrize(("visit", "why"), [
    ({"every": "4 weeks", "measures": ["alt"]}, ""),
    ({"at": "4 weeks", "measures": ["alt"]}, ""),
    ({"within": "28 days before first durvalumab", "measures": ["alt"]}, ""),
    ({"every": "4 weeks", "measures": ["entecavir", "alt"]}, ""),
    ({"measures": ["alt"]}, "it does not say when"),
    ({"every": "12 hours", "measures": ["alt"]}, "it counts no days"),
    ({"at": "0 days", "measures": ["alt"]}, "it counts no days"),
    ({"every": "1 month", "measures": ["alt"]}, ""),
    ({"every": "4 weeks", "counts from": "previous contact", "measures": ["alt"]},
     "a row of contacts that counts from the one before is a clock"),
    ({"every": "4 weeks", "measures": ["entecavir"]}, "nothing is measured at it"),
    ({"every": "4 weeks"}, "nothing is measured at it"),
    pytest.param({"every": "4 weeks", "counts from": "previous contact", "measures": ["durvalumab"]}, "", id="doses stand in ADEX"),
])  # fmt: skip
def test_why_a_visit_is_not_run(durva, visit, why):
    assert why_visit_not_run(Visit.model_validate({"label": "Visit"} | visit), durva.protocol) == why


@pytest.mark.parametrize(("deviation", "why"), [
    ({"clock": "viral_load", "is": "late"}, ""),
    ({"visit": "infusion", "is": "late"}, ""),
    ({"visit": "infusion", "is": "missed", "excused by": ["toxicity"]}, ""),
    ({"visit": "infusion", "is": "unusable"}, "a dose is given or not, and nobody judges it"),
    ({"visit": "end_of_treatment", "is": "missed", "excused by": ["toxicity"]}, "recorded reasons excuse doses only"),
    ({"visit": "end_of_treatment", "is": "unusable"}, "it does not say within what time a look that nobody could judge is repeated"),
    ({"visit": "end_of_treatment", "is": "missed"}, ""),
    ({"when": "count(durvalumab) > 24"}, ""),
])  # fmt: skip
def test_why_a_deviation_is_not_found(durva, deviation, why):
    assert (
        why_deviation_not_run(
            Deviation.model_validate({"text": "It was not kept", "severity": "minor"} | deviation),
            durva.protocol,
        )
        == why
    )


@pytest.mark.parametrize(("visit", "why"), [
    ({"measures": ["recist_response"], "repeat within": "6 weeks"}, ""),
    ({"measures": ["recist_response"]}, "it does not say within what time a look that nobody could judge is repeated"),
    ({"measures": ["recist_response"], "repeat within": "12 hours"}, "it counts no days"),
    ({"measures": ["alt"], "repeat within": "6 weeks"}, "nothing it measures has a level that says that nobody could judge"),
    ({"measures": ["recist_response"], "repeat within": "6 weeks", "counts from": "previous contact"},
     "a row of contacts that counts from the one before is a clock"),
])  # fmt: skip
def test_why_repeats_are_not_run(durva, visit, why):
    made = Visit.model_validate({"label": "Visit", "every": "8 weeks"} | visit)
    assert why_repeats_not_run(made, durva.protocol) == why


def test_every_clock_and_visit_of_the_shipped_protocols_is_run(durva, prtras):
    for protocol in (durva.protocol, prtras.protocol):
        assert {why_clock_not_run(clock) for clock in protocol.clocks.values()} == {""}
        assert {why_visit_not_run(visit, protocol) for visit in protocol.visits.values()} == {""}


@pytest.mark.parametrize(
    ("why", "days", "found"),
    [
        pytest.param("COMPLETED", 91, "missed", id="was there on all days of the window"),
        pytest.param("COMPLETED", 90, "not applicable", id="was not there on its last day"),
        pytest.param("WITHDRAWAL BY SUBJECT", 91, "not applicable", id="left in it"),
        pytest.param("WITHDRAWAL BY SUBJECT", 92, "missed", id="left after it"),
    ],
)
def test_whoever_completed_was_there_on_the_last_day(prtras, why, days, found):
    """The first blood test is due in week 12, on day 84, seven days either side."""
    records = Records()
    assigned(records, "one", "na", scans=(84,), bloods=())
    ended(records, "one", "STUDY PARTICIPATION", why, since(days))
    assert became(adclock_alone(prtras, records), "one", "laboratory")[:1] == [found]
