"""Listings of a report, against records written down by hand."""

from datetime import date

import polars as pl
import pytest
from tests.analysis.listed_study import listed_study, variants
from tests.derivations.lives import changed
from tests.derivations.small_studies import Records, on_day

from trialwright.analysis.listed import select_listed, with_days
from trialwright.analysis.listings import (
    list_deaths,
    list_deviations,
    list_eligibility,
    list_liver_events,
    list_serious_events,
)
from trialwright.derivations.datasets import derive_datasets
from trialwright.protocol.loading import load_protocol

LISTINGS = (list_eligibility, list_deviations, list_deaths, list_serious_events, list_liver_events)


def rows(frame, *columns, **of):
    for column, value in of.items():
        frame = frame.filter(pl.col(column) == value)
    return frame.select(columns).rows()


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda one: one.__name__)
def test_ids_and_columns(listing):
    frame = listing(listed_study())
    assert frame["id"].is_unique().all()
    assert frame.columns[:2] == ["id", "USUBJID"]
    assert frame.columns[-3:] == ["SRCDOM", "SRCSEQ", "PROTOCOL"]
    assert frame["PROTOCOL"].null_count() == 0
    full = listed_study()
    nobody = type(full)(
        full.protocol, full.rules, {k: v.clear() for k, v in full.tables.items()}, "treated", 0
    )
    assert listing(nobody).schema == frame.schema


def test_criteria_not_fulfilled_and_unknown():
    frame = list_eligibility(listed_study())
    assert rows(frame, "PROTOCOL", "AVALC", "REASON", USUBJID="T-01") == [
        ("eligibility.inclusion.hcc", "unknown", "missing"),
        ("eligibility.inclusion.stage", "unknown", "missing"),
        ("eligibility.inclusion.chronic_hbv", "unknown", "missing"),
        ("eligibility.inclusion.active_hbv", "not fulfilled", None),
    ]
    assert rows(frame, "AVALC", USUBJID="T-03", PROTOCOL="eligibility.inclusion.active_hbv") == [("unknown",)]


def test_an_exclusion_criterion_that_is_met_is_not_fulfilled():
    listed = listed_study()
    row = listed["ADELIG"].head(1).with_columns(PARCAT=pl.lit("exclusion"), AVALC=pl.lit("met"), REASON=None)
    others = row.with_columns(AVALC=pl.lit("not met"), PARAMCD=pl.lit("other"))
    tables = {**listed.tables, "ADELIG": pl.concat([row, others])}
    frame = list_eligibility(type(listed)(listed.protocol, listed.rules, tables, "treated", 0))
    assert rows(frame, "KIND", "AVALC") == [("exclusion", "not fulfilled")]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("doses as planned", []),
        ("dose early", [("early", "treatments.durvalumab.tolerance")]),
        ("dose at the least", []),
        ("dose at the most", []),
        ("dose late", [("late", "treatments.durvalumab.tolerance")]),
        ("dose skipped", [("skipped", "treatments.durvalumab.skipped after")]),
    ],
)
def test_doses_beside_the_plan(subject, expected):
    """No deviation of this protocol asks how doses lie."""
    full = variants()
    others = {name: one for name, one in full.protocol.deviations.items() if one.visit != "infusion"}
    protocol = full.protocol.model_copy(update={"deviations": others})
    listed = type(full)(protocol, full.rules, full.tables, "treated", 0)
    found = rows(list_deviations(listed), "id", "PROTOCOL", USUBJID=subject, KIND="dose")
    assert [(id_.split("/")[2].removeprefix("durvalumab_"), path) for id_, path in found] == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("dose early", [("important", "treatments.durvalumab.tolerance")]),
        ("dose at the most", []),
        ("dose late", [("minor", "deviations.dose_late")]),
        ("dose skipped", [("important", "deviations.dose_skipped")]),
    ],
)
def test_a_dose_that_a_deviation_asks_for_is_listed_once(subject, expected):
    """As that deviation, with its severity; one that came early is asked for by a rule, and listed by the treatment."""
    found = rows(list_deviations(variants()), "SEVERITY", "PROTOCOL", USUBJID=subject, KIND="dose")
    assert [(severity or "important", path) for severity, path in found] == expected


def test_a_late_dose_is_told_with_the_days_since_the_dose_before():
    """Doses on days 1 and 33."""
    (row,) = rows(list_deviations(variants()), "TEXT", "ADY", USUBJID="dose late", KIND="dose")
    text = load_protocol("nct04294498").protocol.deviations["dose_late"].text
    assert row == (f"{text}: 32 days since the dose before", 33)


@pytest.mark.parametrize(("after", "day"), [(-1, -1), (0, 1), (1, 2)])
def test_there_is_no_study_day_0(after, day):
    listed = listed_study()
    start = listed.subjects.head(1)
    given = start.select(
        "USUBJID", ADT=pl.col("STARTDT") + pl.duration(days=after), REASON=pl.lit(None, pl.String)
    )
    told = with_days(listed, given.with_columns(ADTL="ADT"))
    assert told.select("DAYS", "ADY").rows() == [(after, day)]


def test_a_day_known_in_part_has_the_study_day_of_its_first():
    listed = listed_study()
    start = listed.subjects.head(1)
    given = start.select(
        "USUBJID",
        ADT=pl.lit(None, pl.Date),
        ADTL=pl.col("STARTDT") + pl.duration(days=9),
        REASON=pl.lit(None, pl.String),
    )
    assert with_days(listed, given).select("ADY", "REASON").rows() == [(10, "imprecise date")]


def test_another_amount_and_a_dose_left_out():
    frame = list_deviations(variants())
    assert rows(frame, "TEXT", "AVALC", "ADY", KIND="dose", USUBJID="other doses") == [
        ("durvalumab: dose left out: NOT WELL", "found", 113),
        ("durvalumab: 750.0 mg in place of 1500.0 mg", "found", 85),
    ]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("consent on the day", []),
        ("consent a day later", [("found", "time zero before consent", None)]),
        ("consent unknown", [("unknown", "day of consent not known", "missing")]),
        ("consent in a month", [("unknown", "day of consent not known", "missing")]),
    ],
)
def test_consent_before_time_zero(subject, expected):
    assert (
        rows(list_deviations(variants()), "AVALC", "TEXT", "REASON", USUBJID=subject, KIND="consent")
        == expected
    )


def test_a_gap_without_antiviral():
    frame = list_deviations(variants())
    assert rows(frame, "USUBJID", "TEXT", "ADY", KIND="gap") == [
        ("gap of 15", "entecavir: 15 days without it before this day", 106)
    ]


def test_deviations_of_the_calendar_are_what_became_of_clocks():
    """Two samples of a virus: 43 days apart is late by the clock, 80 days leave one out; 35 days are in time."""
    listed = listed_study()
    day = date.fromisoformat(on_day(0))
    told = [("late", 43, None), ("missed", 80, None), ("in time", 35, None), (None, None, "imprecise date")]
    clock = pl.DataFrame(
        [
            {
                "USUBJID": "T-01",
                "PROTOCOL": "clocks.viral_load",
                "ADT": day,
                "AVAL": days,
                "AVALC": answer,
                "REASON": why,
            }
            for answer, days, why in told
        ],
        schema={
            name: listed["ADCLOCK"].schema[name]
            for name in ("USUBJID", "PROTOCOL", "ADT", "AVAL", "AVALC", "REASON")
        },
    )
    tables = {**listed.tables, "ADCLOCK": pl.concat([listed["ADCLOCK"].clear(), clock], how="diagonal")}
    frame = list_deviations(type(listed)(listed.protocol, listed.rules, tables, "treated", 0))
    assert rows(frame, "PROTOCOL", "SEVERITY", "AVALC", "REASON", KIND="calendar") == [
        ("deviations.viral_load_late", "minor", "found", None),
        ("deviations.viral_load_late", "minor", "unknown", "imprecise date"),
        ("deviations.viral_load_missed", "important", "found", None),
        ("deviations.viral_load_missed", "important", "unknown", "imprecise date"),
    ]


def test_a_deviation_that_asks_for_an_event():
    loaded = load_protocol("nct07120750")
    made = Records("PRTRAS").person("1").person("2")
    for subject in ("1", "2"):
        made.milestone("radical_treatment", on_day(-30), subject).milestone(
            "group_assignment", on_day(1), subject
        )
        made.finding("assigned_group", on_day(1), "NA", subject)
        made.dose("nucleoside_analogue", on_day(1), on_day(200), subject)
    made.dose("peginterferon", on_day(10), on_day(50), "2")
    listed = select_listed(loaded, derive_datasets(made.study_of(loaded)).tables, "assigned")
    frame = list_deviations(listed).filter(pl.col("KIND") == "event")
    assert rows(frame, "USUBJID", "AVALC", "SEVERITY", "PROTOCOL", "ADY") == [
        ("2", "found", "important", "deviations.against_decision", 10)
    ]


def test_a_scan_that_nobody_could_judge_is_a_deviation_unless_it_is_repeated_within_six_weeks():
    """The scan of day 85 (24 May); the next one 42 days later, 43 days later, or never; and one of which nobody told."""
    loaded = load_protocol("nct07120750")
    made = Records("PRTRAS")
    looks = {
        "ok": {85: "LR-NC", 127: "LR-1"},
        "broken": {85: "LR-NC", 128: "LR-1"},
        "untold": {85: None, 300: "LR-1"},
    }
    for subject, scans in looks.items():
        made.person(subject).milestone("radical_treatment", on_day(-30), subject)
        made.milestone("group_assignment", on_day(1), subject).finding(
            "assigned_group", on_day(1), "NA", subject
        )
        for day, category in scans.items():
            made.add("PR", subject, PRTRT="LIVER MRI", PRDECOD="LIVER MRI", PRSTDTC=on_day(day))
            if category:
                made.finding("lirads", on_day(day), category, subject)
    listed = select_listed(loaded, derive_datasets(made.study_of(loaded)).tables, "assigned")
    frame = list_deviations(listed).filter(PROTOCOL="deviations.scan_unusable")
    assert rows(frame, "USUBJID", "AVALC", "REASON", "SEVERITY", "ADT", "SRCDOM", "SRCSEQ") == [
        ("broken", "found", None, "important", date(2024, 7, 6), "FA", 2),
        ("untold", "unknown", "missing", "important", date(2024, 12, 25), "PR", 1),
    ]


def test_deaths():
    frame = list_deaths(listed_study())
    assert rows(frame, "id", "AVALC", "ADY", "SINCE", "SINCEOF", "FATAL") == [
        ("death/T-01/death/1", "died", 100, 43, "durvalumab", "HEPATITIS")
    ]


@pytest.mark.parametrize(
    ("died", "cut", "expected"),
    [
        ("2024-04", None, ("died", "imprecise date", None, 52)),
        ("2024-04", date(2024, 4, 29), ("unknown", "imprecise date", None, 52)),
        ("2024-04", date(2024, 4, 30), ("died", "imprecise date", None, 52)),
        ("2024-04-25", date(2024, 4, 29), ("died", None, date(2024, 4, 25), 56)),
    ],
)
def test_a_death_known_to_the_month_is_listed_from_the_last_day_alive(died, cut, expected):
    """Last seen on day 52, 2024-04-21. At a cut within the month nobody knows whether it has happened."""
    records = Records().person(DTHDTC=died, DTHFL="Y").doses("durvalumab", [1, 29]).series("alt", {52: 30})
    loaded = load_protocol("nct04294498")
    datasets = derive_datasets(records.study_of(loaded, cut=cut)).tables
    frame = list_deaths(select_listed(loaded, datasets, "treated"))
    assert rows(frame, "AVALC", "REASON", "ADT", "ADY") == [expected]


def test_serious_and_possibly_serious_events():
    frame = list_serious_events(listed_study())
    assert rows(frame, "USUBJID", "TERM", "ASERFL", "ATOXGR", "ADY") == [
        ("T-01", "HEPATITIS", "Y", 3, 57),
        ("T-02", "RASH", None, 1, 10),
    ]


def test_a_fall_of_the_virus_is_a_response_and_no_reactivation():
    loaded = changed(load_protocol("nct04294498"), {"endpoints.reactivation.rate of": "hbv_dna_below_100"})
    records = Records().person().doses("durvalumab", [1, 29]).series("hbv_dna", {1: 200_000, 29: 50})
    datasets = derive_datasets(records.study_of(loaded)).tables
    happened = datasets["ADEVT"].filter(pl.col("EVENT") == "hbv_dna_below_100")["AVALC"].to_list()
    assert happened == ["met"]
    assert list_liver_events(select_listed(loaded, datasets, "treated")).is_empty()


def test_events_of_the_liver_with_their_cause():
    columns = ("KIND", "AVALC", "ADY", "RESULT", "BASELINE", "CAUSEST", "CAUSE")
    assert rows(list_liver_events(variants()), *columns, USUBJID="judged") == [
        ("reactivation", "met", 57, "100000 IU/mL", "1000 IU/mL", None, None),
        ("adverse event", "met", 57, None, None, "not judged", None),
        ("flare", "met", 57, None, None, "judged", "HBV"),
    ]
    assert rows(list_liver_events(listed_study()), *columns, USUBJID="T-02") == [
        ("reactivation", "unknown", 29, "<20 IU/mL", None, None, None)
    ]
