"""The records of a study: cut, keyed, each once, with the minutes their dates can be."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trialwright.derivations.study import make_study
from trialwright.protocol.loading import load_protocol
from trialwright.records.dates import date_range, minute_ranges
from trialwright.vocabulary.problems import ProblemsFound


@pytest.fixture(scope="module")
def loaded():
    return load_protocol("nct04294498")


def table(domain, *rows):
    return pl.DataFrame([{"STUDYID": "S", "DOMAIN": domain, **row} for row in rows], infer_schema_length=None)


def people(*subjects, **more):
    return table("DM", *({"USUBJID": subject, **more} for subject in subjects))


ALT = {"LBTESTCD": "ALT", "LBSTRESC": "40", "LBSTRESN": 40.0, "LBSTRESU": "U/L"}


def test_a_date_known_to_the_month_has_its_first_and_last_minute(loaded):
    laboratory = table("LB", {"USUBJID": "1", "LBSEQ": 1, **ALT, "LBDTC": "2024-02"})
    study = make_study(loaded, {"DM": people("1"), "LB": laboratory})
    assert study.tables["LB"].select(
        pl.col("LBDTC_earliest", "LBDTC_latest").dt.to_string("%Y-%m-%d %H:%M")
    ).row(0) == (
        "2024-02-01 00:00",
        "2024-02-29 23:59",
    )


@pytest.mark.parametrize("text", ["2024-03-05", "2024-03-05T14:30", "2024-03-05T14:30:59.5", "2024-02-30", "2024-13-01",
                                  "2024-03-05T24:00", "2024-03-05T14:60", "2024-03-05T14:30:60", "1849-12-31", "2151-01-01",
                                  "+202-01-01", " 024-01-01", "2024- 1-01", "2024-03-05T 1:30", "2024-03-05T14", "2024---05",
                                  "2024-03-05T14:30Z", "２024-01-01", "", "2024-03-01/2024-03-10"])  # fmt: skip
def test_whole_dates_are_read_as_partial_ones_are(text):
    """The columnwise reader beside `PartialDate`, which reads one date at a time."""
    found = date_range(text)
    minutes = list((minute_ranges(pl.Series([text, "2020-01-01"])).cast(pl.Int64) // 60_000_000).row(0))
    assert minutes == ([found.first_minute, found.last_minute] if found else [None, None])


@given(st.lists(st.text(alphabet="0123456789-T: +", max_size=17), max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_as_a_partial_date_is(texts):
    days = minute_ranges(pl.Series(texts, dtype=pl.String)).cast(pl.Date)
    found = [date_range(text) for text in texts]
    assert days.rows() == [(one.earliest, one.latest) if one else (None, None) for one in found]


def test_who_is_not_in_dm_is_left_out_and_told(loaded):
    laboratory = table(
        "LB", *({"USUBJID": who, "LBSEQ": 1, **ALT, "LBDTC": "2024-02-01"} for who in ("1", "2", None))
    )
    study = make_study(loaded, {"DM": people("1"), "LB": laboratory})
    assert study.tables["LB"]["USUBJID"].to_list() == ["1"]
    assert [(one.code, one.field) for one in study.left_out] == [("not-in-dm", "LB 2"), ("no-subject", "LB")]


def test_without_dm_nobody_took_part(loaded):
    with pytest.raises(ProblemsFound) as found:
        make_study(loaded, {})
    assert [one.code for one in found.value.problems] == ["missing-dataset"]


DIED = [
    pytest.param({"DTHDTC": "2024-05-01"}, id="on a day"),
    pytest.param({"DTHFL": "Y"}, id="on a day nobody knows"),
]


@pytest.mark.parametrize("told", DIED)
@pytest.mark.parametrize(
    "event", [{}, {"died": True}, {"death": False}], ids=["no event", "another name", "a rule"]
)
def test_deaths_that_no_event_reads_are_refused(loaded, told, event):
    """Survival and the monitoring board would say that everybody lives."""
    death = loaded.protocol.events["death"]
    events = {name: death.model_copy(update={"reported": reported}) for name, reported in event.items()}
    unread = replace(loaded, protocol=loaded.protocol.model_copy(update={"events": events}))
    with pytest.raises(ProblemsFound) as found:
        make_study(unread, {"DM": people("1", "2", **told)})
    assert [(one.code, one.field) for one in found.value.problems] == [("death-not-read", "DM.DTHDTC")]
    assert "the death of 2 subjects" in found.value.problems[0].message


def test_without_deaths_nothing_need_read_them(loaded):
    without = replace(loaded, protocol=loaded.protocol.model_copy(update={"events": {}}))
    assert make_study(without, {"DM": people("1", DTHFL="N")}).subjects.height == 1
    later = people("1", DTHDTC="2024-05-01", RFICDTC="2024-01-01")
    assert make_study(without, {"DM": later}, cut=date(2024, 4, 30)).subjects.height == 1


@pytest.mark.parametrize("told", DIED)
def test_the_event_death_reads_them(loaded, told):
    assert make_study(loaded, {"DM": people("1", **told)}).subjects.height == 1


def test_a_table_without_its_key_is_refused(loaded):
    with pytest.raises(ValueError, match="TRIAL"):
        make_study(loaded, {"DM": people("1")}, keys=["TRIAL"])


@pytest.mark.parametrize("key", ["place", "Trial", "SUBJECT", "READER", "VIEW"])
def test_a_key_that_derived_tables_use_themselves_is_refused(loaded, key):
    people = pl.DataFrame({"STUDYID": ["S"], "USUBJID": ["1"], "RFICDTC": ["2024-01-01"], key: ["a"]})
    with pytest.raises(ValueError, match=f"`{key}` cannot be a key: take a name in capitals"):
        make_study(loaded, {"DM": people}, keys=[key])


def test_one_name_in_two_trials_is_two_persons(loaded):
    both = [people("1").with_columns(TRIAL=pl.lit(trial)) for trial in (1, 2)]
    laboratory = table("LB", {"USUBJID": "1", "LBSEQ": 1, **ALT, "LBDTC": "2024-02-01"}).with_columns(
        TRIAL=pl.lit(2)
    )
    study = make_study(loaded, {"DM": pl.concat(both), "LB": laboratory}, keys=["TRIAL"])
    assert study.subjects.select("SUBJECT", "TRIAL").rows() == [(0, 1), (1, 2)]
    assert study.tables["LB"]["SUBJECT"].to_list() == [1]


@pytest.mark.parametrize(("when", "is_there"), [
    pytest.param("2024-03-05", True, id="of the day of the cut"),
    pytest.param("2024-03-06", False, id="of the day after"),
    pytest.param("2024-03-05T23:59", True, id="of its last minute"),
    pytest.param("2024-03", True, id="perhaps before"),
    pytest.param("2024-04", False, id="surely after"),
    pytest.param(None, True, id="of a day nobody knows"),
])  # fmt: skip
def test_what_lies_wholly_after_the_cut_is_not_there(loaded, when, is_there):
    laboratory = table("LB", {"USUBJID": "1", "LBSEQ": 1, **ALT, "LBDTC": when})
    study = make_study(loaded, {"DM": people("1"), "LB": laboratory}, cut=date(2024, 3, 5))
    assert len(study.tables["LB"]) == is_there


def test_an_end_after_the_cut_is_not_known_yet(loaded):
    tables = {
        "DM": people("1", RFICDTC="2024-01-01", DTHDTC="2024-03-06", DTHFL="Y"),
        "EX": table("EX", {"USUBJID": "1", "EXSEQ": 1, "EXTRT": "ENTECAVIR", "EXSTDTC": "2024-01-05", "EXENDTC": "2024-09-01"}),
        "AE": table("AE", {"USUBJID": "1", "AESEQ": 1, "AETERM": "rash", "AEDECOD": "Rash", "AESTDTC": "2024-03-01",
                           "AEENDTC": "2024-03-06", "AEOUT": "FATAL", "AESDTH": "Y"}),
    }  # fmt: skip
    at_cut = make_study(loaded, tables, cut=date(2024, 3, 5)).tables
    assert at_cut["DM"].select("DTHDTC", "DTHDTC_latest", "DTHFL").row(0) == (None, None, None)
    assert at_cut["EX"].select("EXSTDTC", "EXENDTC", "EXENDTC_earliest").row(0) == ("2024-01-05", None, None)
    assert at_cut["AE"].select("AEENDTC", "AEOUT", "AESDTH").row(0) == (None, None, None)
    day_after = make_study(loaded, tables, cut=date(2024, 3, 6)).tables
    assert day_after["DM"].select("DTHDTC", "DTHFL").row(0) == ("2024-03-06", "Y")
    assert day_after["AE"].select("AEENDTC", "AEOUT").row(0) == ("2024-03-06", "FATAL")


def test_who_consents_after_the_cut_is_in_no_study(loaded):
    subjects = pl.concat([people("1", RFICDTC="2024-03-05"), people("2", RFICDTC="2024-03-06")])
    history = table("MH", {"USUBJID": "2", "MHSEQ": 1, "MHTERM": "DIABETES", "MHSTDTC": "2010"})
    study = make_study(loaded, {"DM": subjects, "MH": history}, cut=date(2024, 3, 5))
    assert study.subjects["USUBJID"].to_list() == ["1"]
    assert len(study.tables["MH"]) == 0
    assert study.left_out == ()


def test_visits_that_have_no_number_of_their_own_stand_once_and_in_order(loaded):
    first = {"USUBJID": "1", "VISITNUM": 2.0, "VISIT": "WEEK 4", "SVSTDTC": "2024-03-29"}
    other = {"USUBJID": "1", "VISITNUM": 1.0, "VISIT": "DAY 1", "SVSTDTC": "2024-03-01"}
    unplanned = {**first, "VISIT": None}
    visits = table("SV", first, other, unplanned, {**other, "USUBJID": "2"}, first, other)
    found = make_study(loaded, {"DM": people("1", "2"), "SV": visits}).tables["SV"]
    assert found.select("USUBJID", "VISITNUM", "VISIT").rows() == [
        ("1", 1.0, "DAY 1"), ("1", 2.0, None), ("1", 2.0, "WEEK 4"), ("2", 1.0, "DAY 1"),
    ]  # fmt: skip


def test_dates_of_all_tables_are_read_each_in_its_place(loaded):
    history = table(
        "MH", {"USUBJID": "1", "MHSEQ": 1, "MHTERM": "DIABETES", "MHSTDTC": "2010", "MHDTC": None}
    )
    dosed = {
        "USUBJID": "1",
        "EXSEQ": 1,
        "EXTRT": "ENTECAVIR",
        "EXSTDTC": "2024-03-01T08:30",
        "EXENDTC": "2024-04",
    }
    study = make_study(
        loaded, {"DM": people("1", RFICDTC="2024-02-09"), "MH": history, "EX": table("EX", dosed)}
    )
    read = {
        name: study.tables[domain]
        .select(pl.col(f"{name}_earliest", f"{name}_latest").dt.to_string("%F %R"))
        .row(0)
        for domain, name in (
            ("DM", "RFICDTC"),
            ("MH", "MHSTDTC"),
            ("MH", "MHDTC"),
            ("EX", "EXSTDTC"),
            ("EX", "EXENDTC"),
        )
    }
    assert read == {
        "RFICDTC": ("2024-02-09 00:00", "2024-02-09 23:59"),
        "MHSTDTC": ("2010-01-01 00:00", "2010-12-31 23:59"),
        "MHDTC": (None, None),
        "EXSTDTC": ("2024-03-01 08:30", "2024-03-01 08:30"),
        "EXENDTC": ("2024-04-01 00:00", "2024-04-30 23:59"),
    }


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_order_and_repetition_of_rows_never_matter(loaded, data):
    row = st.fixed_dictionaries(
        {
            "USUBJID": st.sampled_from(["1", "2", "3"]),
            "LBSEQ": st.sampled_from([1, 2, None]),
            "LBTESTCD": st.sampled_from(["ALT", "HBVVLD"]),
            "LBSTRESN": st.sampled_from([1.0, 2.0, None]),
            "LBDTC": st.sampled_from(["2024", "2024-02-01", None]),
        }
    )
    rows = data.draw(st.lists(row, min_size=1, max_size=8))
    again = data.draw(st.permutations(rows + data.draw(st.lists(st.sampled_from(rows), max_size=4))))
    schema = {"LBSEQ": pl.Int64, "LBSTRESN": pl.Float64, "LBDTC": pl.String}
    first, other = (
        make_study(loaded, {"DM": people("1", "2"), "LB": table("LB", *some).cast(schema)}).tables["LB"]
        for some in (rows, again)
    )
    assert_frame_equal(first, other)
