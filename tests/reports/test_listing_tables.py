"""Listings as they are printed: short numbers of subjects, study days, words in place of codes."""

import polars as pl
import pytest
from tests.analysis.listed_study import listed_study, variants

from trialwright.protocol.loading import load_protocol
from trialwright.reports.calendar_tables import contact_label
from trialwright.reports.listing_tables import (
    LISTINGS,
    as_words,
    render_listing,
    told_liver_events,
)
from trialwright.reports.printed import Said, capitalised, cause_words


def cells(table, title):
    """The cells of a column by its title, with the subject of each row."""
    titles = [column.title.plain for column in table.columns]
    place = titles.index(title)
    return [(row.label.plain, row.cells[place - 1].plain) for row in table.rows]


def emptied(listed):
    tables = {name: table.clear() for name, table in listed.tables.items()}
    return type(listed)(listed.protocol, listed.rules, tables, listed.population, 0)


def test_subjects_are_named_by_what_tells_them_apart_and_a_note_says_what_comes_before():
    """T-01, T-02 and so on: the part they all begin with is said once."""
    table = render_listing(listed_study(), "serious")
    assert {row.label.plain for row in table.rows} == {"01", "02"}
    assert table.notes[2].plain == " Numbers of patients follow T-."


def test_serious_events_are_listed_whether_or_not_they_came_with_treatment():
    """T-01 has one on day 57, with treatment. Another a year later, of T-02, is listed too, and one of which nobody said."""
    listed = listed_study()
    adae = listed["ADAE"]
    (one,) = adae.filter((pl.col("USUBJID") == "T-01") & (pl.col("ASERFL") == "Y")).iter_rows(named=True)
    more = pl.DataFrame(
        [
            {**one, "USUBJID": "T-02", "TRTEMFL": "N"},
            {**one, "USUBJID": "T-03", "ASERFL": None, "TRTEMFL": None},
        ],
        schema=adae.schema,
    )
    tables = {**listed.tables, "ADAE": pl.concat([adae.filter(USUBJID="T-01"), more])}
    table = render_listing(type(listed)(listed.protocol, listed.rules, tables, "treated", 2), "serious")
    assert cells(table, "With treatment") == [("01", "yes"), ("02", "no"), ("03", "not known")]
    assert cells(table, "Serious") == [("01", "yes"), ("02", "yes"), ("03", "not known")]
    whom, counted = (note.plain for note in table.notes[:2])
    n = listed["ADSL"].height
    assert whom.startswith(
        f"Of the population: Treated (n = {n}). Not listed, for nobody knows whether they belong to it: 2."
    )
    assert (
        counted == "Serious events: 2, of 2 subjects. Of these events came with treatment: 1, of 1 subjects."
    )


def test_days_of_listings_are_study_days_and_a_note_says_so():
    """A death on the hundredth day, time zero being the first."""
    table = render_listing(listed_study(), "deaths")
    assert cells(table, "Study day") == [("01", "100")]
    assert cells(table, "Treatment") == [("01", "durvalumab")]
    told = "The study day of time zero, the first durvalumab, is one; there is no day zero."
    assert told in [note.plain for note in table.notes]
    assert "Day" not in {column.title.plain for column in table.columns}


def test_treatments_of_listings_have_their_labels():
    listed = listed_study()
    named = listed.protocol.treatments["durvalumab"].model_copy(update={"label": "Durvalumab by infusion"})
    protocol = listed.protocol.model_copy(
        update={"treatments": {**listed.protocol.treatments, "durvalumab": named}}
    )
    table = render_listing(type(listed)(protocol, listed.rules, listed.tables, "treated", 0), "deaths")
    assert cells(table, "Treatment") == [("01", "Durvalumab by infusion")]


@pytest.mark.parametrize("name", LISTINGS)
def test_an_empty_listing_says_what_it_would_hold_and_of_whom(name):
    table = render_listing(emptied(listed_study()), name)
    assert table.rows == ()
    (whom,) = table.notes
    assert whom.plain.startswith("Of the population: Treated (n = 0).")
    assert table.empty.plain.endswith(".")


def test_deviations_have_their_kind_in_words_and_their_severity():
    table = render_listing(variants(), "deviations")
    late = (
        "Durvalumab 32 to 42 days after the last without a documented toxicity: 32 days since the dose before"
    )
    assert ("dose late", late) in cells(table, "Deviation")
    assert {("dose late", "Dose"), ("gap of 15", "Gap in treatment")} <= {*cells(table, "Kind")}
    assert ("dose late", "minor") in cells(table, "Severity")
    assert all(text == capitalised(text) for _, text in cells(table, "Deviation"))


def test_causes_and_work_up_are_told_in_words():
    frame = told_liver_events(variants()).filter(pl.col("USUBJID") == "judged")
    assert "HBV" in frame["CAUSE"].to_list()
    missing = next(one for one in frame["WUMISS"] if one)
    assert "_" not in missing
    assert "hbsag" not in missing
    assert frame["TEXT"].to_list() == [capitalised(one) for one in frame["TEXT"]]


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ("HBV", "HBV"),
        ("INDETERMINATE", "indeterminate"),
        ("IMMUNE-MEDIATED, HBV", "immune-mediated, HBV"),
    ],
)
def test_cause_words(codes, words):
    assert cause_words(codes) == words


def test_an_outcome_can_end_its_line_between_its_parts():
    frame = pl.DataFrame({"AEOUT": ["NOT RECOVERED/NOT RESOLVED"]})
    assert frame.select(as_words("AEOUT")).item() == "not recovered / not resolved"


@pytest.mark.parametrize(
    ("trial", "element", "label"),
    [
        pytest.param("nct04294498", "clocks.viral_load", "Next result: HBV DNA", id="a result"),
        pytest.param(
            "nct04294498",
            "clocks.entecavir_start",
            "Start of entecavir within 7 days of first durvalumab",
            id="a start",
        ),
        pytest.param(
            "nct07120750",
            "clocks.interferon_start",
            "Start of peginterferon alfa-2b within 12 weeks after radical treatment",
            id="a start after an anchor",
        ),
        pytest.param(
            "nct04294498",
            "clocks.entecavir_cover",
            "Without a pause or an early end: entecavir",
            id="a cover",
        ),
        pytest.param("nct07120750", "visits.imaging", "MRI of the liver", id="a visit"),
        pytest.param(
            "nct07120750", "visits.imaging.repeat within", "MRI of the liver: repeats", id="repeats"
        ),
    ],
)
def test_clocks_are_called_by_what_they_ask_for(trial, element, label):
    assert contact_label(Said(load_protocol(trial).protocol), element).plain == label
