"""What is doubtful in the data, counted by subject: all of them, not the few that are shown."""

from datetime import date

import polars as pl
import pytest

from trialwright.checks.data.record_checks import check_records
from trialwright.checks.data.telling import render_data_outcome
from trialwright.records.dataset import Dataset
from trialwright.records.files import Records
from trialwright.records.sdtm import make_dataset
from trialwright.reports.doubts import render_doubts


def outcome(ends):
    """One event a pair of subject and end, which began on 5 March 2026."""
    rows = [
        {"STUDYID": "S", "DOMAIN": "AE", "USUBJID": who, "AESEQ": seq, "AETERM": "Fever", "AEDECOD": "Pyrexia", "AESER": "N",
         "AESTDTC": "2026-03-05", "AEENDTC": end}
        for seq, (who, end) in enumerate(ends, 1)
    ]  # fmt: skip
    table = make_dataset(pl.DataFrame(rows), "AE").table
    return check_records(Records({"AE": Dataset(name="AE", table=table)}), today=date(2026, 11, 22))


SEVEN = [(f"S-{n}", "2026-03-04") for n in range(1, 8)]


@pytest.mark.parametrize(
    ("ends", "subjects"),
    [
        pytest.param(SEVEN[:1], "1", id="one"),
        pytest.param(SEVEN, "7", id="more than are shown"),
        pytest.param([*SEVEN, *SEVEN[:3]], "7", id="some of them twice"),
        pytest.param([*SEVEN[:5], ("S-8", "2026-03-05")], "5", id="an event of one day is in order"),
    ],
)
def test_everybody_with_a_doubtful_record_is_counted(ends, subjects):
    table = render_doubts(outcome(ends), (), ()).blocks[1]
    (row,) = [row for row in table.rows if row.cells[1].plain == "dates-reversed"]
    assert row.label.plain == "AE.AEENDTC"
    assert row.cells[2].plain == subjects


def test_what_derivations_do_without_is_told():
    rows = [
        {"STUDYID": "S", "DOMAIN": "LB", "USUBJID": "S-1", "LBSEQ": n, "LBTESTCD": "ALT", "LBTEST": "ALT", "LBORRES": text, "LBSTRESC": text, "LBSTRESU": "U/L"}
        for n, text in enumerate(["31", "1,234", "see note"], 1)
    ]  # fmt: skip
    table = make_dataset(pl.DataFrame(rows), "LB").table
    found = check_records(Records({"LB": Dataset(name="LB", table=table)}), today=date(2026, 11, 22))
    told = render_doubts(found, (), ()).blocks[2]
    (row,) = [row for row in told.rows if row.cells[0].plain == "result-without-number"]
    assert (row.label.plain, row.cells[1].plain) == ("LB", "Left out: the result (2 of 3 records)")


def test_data_check_shows_five_and_counts_all():
    text = render_data_outcome(outcome([*SEVEN, *SEVEN[:3]]), "records", "text")
    (block,) = [block for block in text.split("\n\n") if "dates-reversed" in block]
    lines = block.splitlines()
    assert lines[0] == "AE.AEENDTC: error[dates-reversed]: 10 records of 7 subjects"
    assert lines[-1] == "  and 5 more"
    assert len(lines) == 7
