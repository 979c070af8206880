"""Listings behind the figures of single patients, against numbers worked out by hand."""

from dataclasses import replace

import polars as pl
import pytest
from tests.analysis.listed_study import listed_of, listed_study, records, variants
from tests.derivations.tumours import PROTOCOL, edit, loaded, study_of, target

from trialwright.analysis.listed import select_listed
from trialwright.analysis.patient_lines import (
    list_courses,
    list_edish,
    list_spider,
    list_swimmer,
    list_waterfall,
)
from trialwright.derivations.datasets import derive_datasets

LISTINGS = (list_swimmer, list_waterfall, list_spider, list_courses, list_edish)
every_listing = pytest.mark.parametrize("listing", LISTINGS, ids=lambda one: one.__name__)


def rows(frame, *columns, **of):
    for column, value in of.items():
        frame = frame.filter(pl.col(column) == value)
    return frame.select(columns).rows()


@every_listing
def test_everybody_has_a_row_and_every_row_an_id(listing):
    frame = listing(listed_study())
    assert frame["USUBJID"].unique(maintain_order=True).to_list() == ["T-01", "T-02", "T-03"]
    assert frame["id"].is_unique().all()
    assert frame.columns[:2] == ["id", "USUBJID"]
    assert frame.columns[-3:] == ["SRCDOM", "SRCSEQ", "PROTOCOL"]
    parts = frame["id"].str.split("/")
    assert set(parts.list.first()) == {listing.__name__.removeprefix("list_")}
    assert parts.list.get(1).to_list() == frame["USUBJID"].to_list()


@every_listing
def test_nobody_gives_an_empty_frame_of_the_same_columns(listing):
    full = listed_study()
    nobody = type(full)(
        full.protocol, full.rules, {k: v.clear() for k, v in full.tables.items()}, "treated", 0
    )
    assert listing(nobody).is_empty()
    assert listing(nobody).schema == listing(full).schema


def test_the_order_of_records_changes_nothing():
    made = records()
    for table in made.rows.values():
        table.reverse()
    shuffled = listed_of(made)
    names = shuffled.subjects["USUBJID"].to_list()
    for listing in LISTINGS:
        one, other = (listing(of).sort("id") for of in (listed_study(), shuffled))
        assert one.equals(other), listing.__name__
    assert sorted(names) == ["T-01", "T-02", "T-03"]


# --- swimmer ------------------------------------------------------------------------------------------------------------


def test_time_on_study_and_on_treatment():
    frame = list_swimmer(listed_study())
    assert rows(frame, "USUBJID", "AVALC", "DAYS", "ENDDAYS", KIND="study") == [
        ("T-01", "died", 0, 99),
        ("T-02", "alive when last seen", 0, 28),
        ("T-03", "alive when last seen", 0, 9),
    ]
    assert rows(frame, "id", "AVALC", "DAYS", "ENDDAYS", KIND="treatment") == [
        ("swimmer/T-01/durvalumab/1", None, 0, 56),
        ("swimmer/T-01/entecavir/1", None, -3, 89),
        ("swimmer/T-02/durvalumab/1", "no end recorded", 0, 28),
        ("swimmer/T-03/durvalumab/1", "no end recorded", 0, 0),
    ]
    assert rows(frame, "DAYS", "AVALC", "SRCSEQ", KIND="dose", USUBJID="T-01") == [
        (0, "given", 1),
        (28, "given", 2),
        (56, "given", 3),
    ]


def test_events_and_responses():
    frame = list_swimmer(listed_study())
    assert rows(frame, "NAME", "AVALC", "DAYS", KIND="event") == [
        ("hbv_reactivation", "met", 56),
        ("hepatitis_flare", "met", 56),
        ("hbv_hepatitis", "met", 56),
        ("death", "met", 99),
        ("hbv_reactivation", "unknown", 28),
        ("hepatitis_flare", "unknown", 28),
        ("hbv_hepatitis", "unknown", 28),
    ]
    assert rows(frame, "USUBJID", "AVALC", "DAYS", "LABEL", KIND="response") == [
        ("T-01", "PR", 56, "confirmed response")
    ]


def test_a_death_known_to_the_month_is_no_life():
    frame = list_swimmer(variants()).filter(pl.col("USUBJID") == "death in a month")
    assert rows(frame, "AVALC", "REASON", KIND="study") == [("died", "imprecise date")]
    assert rows(frame, "AVALC", "REASON", NAME="death") == [("met", "imprecise date")]


# --- lesions ------------------------------------------------------------------------------------------------------------


def test_sums_over_time():
    frame = list_spider(listed_study())
    assert rows(frame, "DAYS", "WHEN", "PCHG", "AVAL", "BESTRESP", USUBJID="T-01") == [
        (-7, "baseline", 0.0, 100.0, "PR"),
        (56, "on study", -30.0, 70.0, "PR"),
        (84, "on study", -40.0, 60.0, "PR"),
    ]
    assert rows(frame, "WHEN", "PCHG", "REASON", USUBJID="T-02") == [(None, None, "missing")]


def test_best_change():
    frame = list_waterfall(listed_study())
    assert rows(frame, "id", "PCHG", "AVAL", "BASE", "DAYS", "REASON") == [
        ("waterfall/T-01/SDIAM/1", -40.0, 60.0, 100.0, 84, None),
        ("waterfall/T-02/SDIAM/1", None, None, None, None, "no sum at baseline"),
        ("waterfall/T-03/SDIAM/1", None, None, None, None, "no sum at baseline"),
    ]


@pytest.mark.parametrize(
    ("therapy", "change", "reason"),
    [
        pytest.param(86, -40.0, None, id="the day after the scan"),
        pytest.param(85, -30.0, None, id="the day of the scan no longer counts"),
        pytest.param(57, None, "scans after new anticancer therapy only", id="the day of the first scan"),
    ],
)
def test_scans_from_new_therapy_on_do_not_count(therapy, change, reason):
    subject = f"therapy {therapy}"
    assert rows(list_waterfall(variants()), "PCHG", "REASON", USUBJID=subject) == [(change, reason)]
    late = rows(list_spider(variants()), "DAYS", WHEN="after new therapy", USUBJID=subject)
    assert late == [(day,) for day in (56, 84) if day >= therapy - 1]


def test_a_sum_that_misses_a_lesion_is_no_response():
    of = {"USUBJID": "lesion not measured"}
    assert rows(list_waterfall(variants()), "PCHG", "REASON", **of) == [
        (None, "no scan with every target measured")
    ]
    assert rows(list_spider(variants()), "PCHG", "NMEAS", "NTARGET", "REASON", **of) == [
        (0.0, 2, 2, None),
        (None, 1, 2, "missing"),
        (None, 1, 2, "missing"),
    ]


def test_no_scan_after_baseline():
    assert rows(list_waterfall(variants()), "PCHG", "REASON", USUBJID="no scan after") == [
        (None, "no scan after baseline")
    ]


PROGRESSION = "events:\n  progression: { of: recist_response, when: value in (PD) }\n"
TTP = (
    "endpoints:\n  ttp: {{ label: TTP, kind: time to event, role: primary, time to: [progression], from: first_dose, "
    "censored at: last recist_response, unit: days, {reader} estimand: {{ population: treated }} }}\n"
)


def read_by_two(*, of_time, of_response="local", central=(100, 90, 70)):
    """By the local reader sums of 100, 60 and 90 mm: a response and progression. The first endpoint is a time, the second a best
    response; `of_time` and `of_response` say whose reading counts."""
    text = edit(edit(PROTOCOL, "events:\n", PROGRESSION), "reader: local", f"reader: {of_response}")
    text = edit(text, "label: All", "label: All, at: first_dose, when: first_dose >= first_dose")
    text = edit(text, "endpoints:\n", TTP.format(reader=of_time))
    tr = [
        target(when, name, mm, TREVAL=who)
        for who, name, sizes in (
            ("INVESTIGATOR", "T1", (100, 60, 90)),
            ("INDEPENDENT ASSESSOR", "C1", central),
        )
        for when, mm in zip((-7, 56, 112), sizes, strict=False)
    ]
    return select_listed(loaded(text), derive_datasets(study_of(tr=tr, text=text)).tables, "treated")


@pytest.mark.parametrize(
    ("of_response", "changes", "best"),
    [("local", [0.0, -40.0, -10.0], -40.0), ("central", [0.0, -10.0, -30.0], -30.0)],
)
def test_sums_are_of_the_reader_whose_best_response_stands_beside(of_response, changes, best):
    """The first endpoint of the protocol names the central one either way."""
    listed = read_by_two(of_time="reader: central,", of_response=of_response)
    assert rows(list_spider(listed), "PCHG", "READER") == [(change, of_response) for change in changes]
    assert rows(list_waterfall(listed), "PCHG", "READER") == [(best, of_response)]


def test_where_one_reads_no_reader_is_named():
    listed = read_by_two(of_time="reader: central,", central=())
    assert rows(list_waterfall(listed), "PCHG", "BESTRESP", "READER") == [(-40.0, "SD", None)]


@pytest.mark.parametrize(
    ("of_time", "of_response", "days"),
    [
        pytest.param("reader: local,", "central", [112], id="the endpoint that counts it says local"),
        pytest.param("", "central", [112], id="it says nothing, and a later one says central"),
        pytest.param("reader: central,", "local", [], id="it says central, who saw no progression"),
    ],
)
def test_an_event_is_as_the_reader_of_its_endpoint_saw_it(of_time, of_response, days):
    frame = list_swimmer(read_by_two(of_time=of_time, of_response=of_response))
    assert rows(frame, "DAYS", NAME="progression") == [(day,) for day in days]


# --- courses ------------------------------------------------------------------------------------------------------------


def test_results_with_what_lies_beyond_a_limit():
    frame = list_courses(listed_study())
    assert rows(frame, "DAYS", "SHOWN", "CENSORED", USUBJID="T-01", KIND="result", PARAMCD="HBV_DNA") == [
        (-10, 900, None),
        (0, 1000, None),
        (28, 50, None),
        (56, 100_000, None),
        (69, 20, "<"),
    ]
    assert rows(frame, "DAYS", "SHOWN", "ANRHI", "REASON", USUBJID="T-02", KIND="result", PARAMCD="ALT") == [
        (0, 30, 40, None),
        (28, None, None, "unit unknown"),
    ]
    assert rows(frame, "PARAMCD", "REASON", USUBJID="T-03", KIND="nothing") == [
        ("HBV_DNA", "missing"),
        ("ALT", "missing"),
    ]


def test_thresholds_are_the_patients_own():
    frame = list_courses(listed_study()).filter(pl.col("KIND") == "threshold")
    assert rows(frame, "USUBJID", "LABEL", "SHOWN", "CENSORED", "REASON") == [
        ("T-01", "100 × baseline", 100_000, None, None),
        ("T-01", "3 × baseline", 120, None, None),
        ("T-01", "100", 100, None, None),
        ("T-02", "100 × baseline", 2000, "<", "censored across the threshold"),
        ("T-02", "3 × baseline", 90, None, None),
        ("T-02", "100", 100, None, None),
        ("T-03", "100 × baseline", None, None, "missing"),
        ("T-03", "3 × baseline", None, None, "missing"),
        ("T-03", "100", 100, None, None),
    ]


def test_events_stand_with_their_measure():
    frame = list_courses(listed_study())
    assert rows(frame, "USUBJID", "PARAMCD", "NAME", "AVALC", "DAYS", KIND="event") == [
        ("T-01", "HBV_DNA", "hbv_reactivation", "met", 56),
        ("T-01", "ALT", "hepatitis_flare", "met", 56),
        ("T-02", "HBV_DNA", "hbv_reactivation", "unknown", 28),
        ("T-02", "ALT", "hepatitis_flare", "unknown", 28),
    ]


# --- eDISH --------------------------------------------------------------------------------------------------------------


def test_peaks_over_normal_and_over_baseline():
    frame = list_edish(listed_study())
    assert rows(frame, "KIND", "ALT", "BILI", "QUADRANT", "RISE", USUBJID="T-01") == [
        ("ULN", 3.0, 2.05, "Hy's law range", "met"),
        ("baseline", 3.0, 4.1, "Hy's law range", "met"),
    ]
    assert frame["LINES"].unique().to_list() == ["events.hys_law.when"]
    assert rows(frame, "ALTLINE", "BILILINE")[0] == (3.0, 2.0)


def test_the_rate_beside_peaks_is_that_of_its_endpoint_whoever_reads():
    full = listed_study()
    rates = full["ADRATE"].with_columns(READER=pl.lit("central"))
    read = replace(full, tables={**full.tables, "ADRATE": rates})
    found = list_edish(full)["RISE"]
    assert found.null_count() == 0
    assert list_edish(read)["RISE"].equals(found)


def test_a_result_that_cannot_be_read_leaves_the_quadrant_open():
    frame = list_edish(listed_study())
    assert rows(frame, "ALT", "ALTHI", "ALTREAS", "BILI", "QUADRANT", "RISE", USUBJID="T-02", KIND="ULN") == [
        (0.0, None, "unit unknown", 0.6, None, "unknown")
    ]
    assert rows(frame, "ALT", "ALTREAS", "BILI", "BILIREAS", "QUADRANT", USUBJID="T-03", KIND="ULN") == [
        (None, "missing", None, "missing", None)
    ]


@pytest.mark.parametrize(
    ("subject", "quadrant"),
    [
        pytest.param(
            "ALT below, bilirubin above", "cholestasis or Gilbert", id="ALT just under three times normal"
        ),
        pytest.param(
            "ALT at, bilirubin at", "Temple's corollary", id="twice normal is not above twice normal"
        ),
        pytest.param("ALT at, bilirubin above", "Hy's law range", id="ALT of three times normal counts"),
        pytest.param("ALT below, bilirubin at", "normal or near", id="neither"),
    ],
)
def test_quadrants_at_their_lines(subject, quadrant):
    assert rows(list_edish(variants()), "QUADRANT", USUBJID=subject, KIND="ULN") == [(quadrant,)]


@pytest.mark.parametrize("subject", ["ALT high before", "ALT high on the day"])
def test_a_peak_up_to_the_first_dose_does_not_count(subject):
    assert rows(list_edish(variants()), "ALT", USUBJID=subject, KIND="ULN") == [(3.0,)]


@pytest.mark.parametrize(("flag", "peak"), [("Y", 3.0), (None, 3.0), ("N", None)])
def test_results_surely_outside_the_period_of_safety_do_not_count(flag, peak):
    listed = listed_study()
    adlb = listed["ADLB"].with_columns(ONTRTFL=pl.lit(flag, pl.String))
    changed = type(listed)(listed.protocol, listed.rules, {**listed.tables, "ADLB": adlb}, "treated", 0)
    assert rows(list_edish(changed), "ALT", USUBJID="T-01", KIND="ULN") == [(peak,)]
