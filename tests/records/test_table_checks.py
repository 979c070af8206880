"""Questions asked of each table by itself: twins that differ in the fault only."""

from pathlib import Path

import polars as pl
import pytest

from trialwright.records.files import read_dataset
from trialwright.records.sdtm import make_dataset
from trialwright.records.table_checks import check_tables

CDISC = Path(__file__).parent / "cdisc"
DM = {
    "STUDYID": "S",
    "DOMAIN": "DM",
    "USUBJID": "1",
    "SUBJID": "1",
    "SITEID": "1",
    "SEX": "F",
    "COUNTRY": "TWN",
}
LB = {"STUDYID": "S", "DOMAIN": "LB", "USUBJID": "1", "LBSEQ": 1, "LBTESTCD": "ALT", "LBTEST": "ALT"}
AE = {"STUDYID": "S", "DOMAIN": "AE", "USUBJID": "1", "AESEQ": 1, "AETERM": "Fever", "AEDECOD": "Pyrexia"}


def found(*rows):
    table = make_dataset(pl.DataFrame(rows, infer_schema_length=None), rows[0]["DOMAIN"]).table
    return [(problem.code, problem.field) for problem in check_tables({rows[0]["DOMAIN"]: table})]


@pytest.mark.parametrize(
    ("ok", "broken", "problem"),
    [
        pytest.param(
            [DM],
            [DM | {"SUBJID": None}, DM | {"USUBJID": "2"}],
            ("empty-value", "DM[1].SUBJID"),
            id="required",
        ),
        pytest.param([DM], [DM | {"SEX": "f"}], ("unknown-term", "DM[1].SEX"), id="a closed codelist"),
        pytest.param(
            [DM | {"BRTHDTC": "1961-04"}],
            [DM | {"BRTHDTC": "1961-4"}],
            ("unreadable-date", "DM[1].BRTHDTC"),
            id="a date",
        ),
        pytest.param(
            [DM | {"RFSTDTC": "2026-03-05", "RFENDTC": "2026-03"}],
            [DM | {"RFSTDTC": "2026-03-05", "RFENDTC": "2026-02"}],
            ("dates-reversed", "DM[1].RFENDTC"),
            id="an end surely before its start",
        ),
        pytest.param(
            [AE | {"AEDTC": "2026-03-05", "AEENDTC": "2026-03-01", "AESTDTC": "2026-03-01"}],
            [AE | {"AEDTC": "2026-03-05", "AEENDTC": "2026-03-01", "AESTDTC": "2026-03-02"}],
            ("dates-reversed", "AE[1].AEENDTC"),
            id="collected after its end is no fault",
        ),
        pytest.param(
            [LB, LB | {"LBSEQ": 2}, LB | {"USUBJID": "2"}],
            [LB, LB | {"LBSEQ": 2}, LB | {"LBSEQ": 2}],
            ("duplicate-record", "LB[2].LBSEQ"),
            id="a number twice",
        ),
        pytest.param(
            [DM, DM | {"USUBJID": "2"}],
            [DM, DM],
            ("duplicate-subject", "DM[1].USUBJID"),
            id="a subject twice",
        ),
        pytest.param(
            [LB | {"LBSTNRLO": 10.0, "LBSTNRHI": 10.0}],
            [LB | {"LBSTNRLO": 10.5, "LBSTNRHI": 10.0}],
            ("limits-reversed", "LB[1].LBSTNRLO"),
            id="limits",
        ),
        pytest.param(
            [LB | {"LBSTRESC": "39.0", "LBSTRESN": 39.0}, LB | {"LBSTRESC": "<5", "LBSEQ": 2}],
            [LB | {"LBSTRESC": "390", "LBSTRESN": 39.0}],
            ("contradictory-result", "LB[1].LBSTRESN"),
            id="two numbers for one result",
        ),
        pytest.param(
            [
                LB | {"LBSTRESC": "<20", "LBSTRESN": 20.0},
                LB | {"LBSTRESC": ">=5", "LBSTRESN": 5.0, "LBSEQ": 2},
            ],
            [LB | {"LBSTRESC": "<20", "LBSTRESN": 21.0}],
            ("contradictory-result", "LB[1].LBSTRESN"),
            id="a number that its limit leaves out",
        ),
        pytest.param(
            [LB | {"LBSTRESC": "0.3", "LBSTRESN": 0.1 + 0.2}],
            [LB | {"LBSTRESC": "0.3", "LBSTRESN": 0.3 + 1e-9}],
            ("contradictory-result", "LB[1].LBSTRESN"),
            id="equal but for the arithmetic",
        ),
        pytest.param(
            [LB | {"LBORRESU": "U/L"}, LB | {"LBORRESU": "/HPF", "LBTESTCD": "CASTS", "LBSEQ": 2}],
            [LB | {"LBORRESU": "U/1"}],
            ("unknown-unit", "LB[1].LBORRESU"),
            id="units of tests we know",
        ),
    ],
)
def test_twins(ok, broken, problem):
    assert found(*ok) == []
    assert found(*broken)[0] == problem


def test_how_a_date_is_written_is_told_with_one_that_is_not():
    table = make_dataset(pl.DataFrame([DM | {"BRTHDTC": "31/02/2027"}]), "DM").table
    (problem,) = check_tables({"DM": table})
    assert (problem.code, problem.message) == ("unreadable-date", "`31/02/2027` is no date")
    assert "as 2027-02-28" in problem.fix


def test_values_that_sponsors_may_add_are_no_fault():
    assert found(LB | {"LBNRIND": "HIGH (PANIC)"}) == []


@pytest.mark.parametrize("name", ["dm", "ds", "sv", "lb"])
def test_the_standards_own_examples_are_sound(name):
    dataset = read_dataset(CDISC / f"{name}.json")
    assert check_tables({dataset.name: dataset.table}) == []


def test_the_uncoded_events_of_the_example_are_found():
    """All 74 events have the term as reported and none from the dictionary."""
    problems = check_tables({"AE": read_dataset(CDISC / "ae.json").table})
    assert [(problem.code, problem.field) for problem in problems] == [
        ("empty-value", f"AE[{row}].AEDECOD") for row in range(1, 75)
    ]
    assert {problem.message for problem in problems} == {"`AEDECOD` must have a value in every record"}
