"""The command `trialwright dsmb`, and what `trialwright report` withholds: whole runs, on files."""

import json

import polars as pl
import pytest
from tests.cases.board_records import EARLY, records_of
from typer.testing import CliRunner

from trialwright.analysis.looks import UNPLANNED, find_comparisons
from trialwright.apps.cli.main import app
from trialwright.protocol.loading import load_protocol

SINGLE, GROUPED = "nct04294498", "nct07120750"


def run(command, trial, out, *more, is_real=False, cut=None):
    data = str(records_of(trial, is_real=is_real))
    words = [command, trial, "--data", data, "--out", str(out), *more]
    return CliRunner().invoke(app, words + (["--cut", cut or EARLY[trial]] if cut != "" else []))


def files_of(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# --- the open document --------------------------------------------------------------------------------------------------


def test_the_open_document_of_a_trial_with_groups_tells_no_group_in_any_byte(tmp_path):
    done = run("dsmb", GROUPED, tmp_path / "board")
    assert done.exit_code == 0, done.stderr
    assert files_of(tmp_path / "board") == [
        "open/dsmb-open.html", "open/dsmb-open.pdf", "open/results-open.json", "open/results-open.parquet",
    ]  # fmt: skip
    protocol = load_protocol(GROUPED).protocol
    words = [name for name in protocol.groups if len(name) > 2] + [
        one.label for one in protocol.groups.values()
    ]
    words += ["peginterferon alfa", "CLOSED"]
    for path in (tmp_path / "board" / "open").iterdir():
        content = path.read_bytes()
        assert not [
            word for word in words if word.encode() in content or json.dumps(word)[1:-1].encode() in content
        ], path
    results = pl.read_parquet(tmp_path / "board" / "open" / "results-open.parquet")
    assert results["group"].null_count() == results.height
    assert not results.filter(pl.col("item").str.starts_with("peginterferon")).height
    # the words are there to be found: the closed document has them
    assert run("dsmb", GROUPED, tmp_path / "board", "--closed").exit_code == 0
    closed = tmp_path / "board" / "closed"
    assert "datasets/adsl.parquet" in files_of(closed)
    for word in words:
        assert word.encode() in (closed / "dsmb-closed.html").read_bytes(), word
    assert "CLOSED · SIMULATED" in (closed / "dsmb-closed.html").read_text(encoding="utf-8")
    told = json.loads((closed / "results-closed.json").read_text(encoding="utf-8"))
    assert {row["group"] for row in told["results"]} == {None, *protocol.groups}
    assert told["provenance"]["document"] == {"of the data monitoring board": "closed"}


def test_the_open_document_of_a_single_group_has_its_datasets_and_marks_every_row(tmp_path):
    done = run("dsmb", SINGLE, tmp_path / "board")
    assert done.exit_code == 0, done.stderr
    assert "open/datasets/adsl.parquet" in files_of(tmp_path / "board")
    results = json.loads((tmp_path / "board" / "open" / "results-open.json").read_text(encoding="utf-8"))
    assert all(row["SIMULATED"] == "Y" for row in results["results"])
    again = run("dsmb", SINGLE, tmp_path / "again")
    assert again.exit_code == 0
    for name in ("dsmb-open.html", "dsmb-open.pdf", "results-open.json"):
        first, second = (tmp_path / folder / "open" / name for folder in ("board", "again"))
        assert first.read_bytes() == second.read_bytes()


# --- refusals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trial", "more", "code"),
    [
        pytest.param(SINGLE, ["--closed"], "no-closed-document", id="one group"),
        pytest.param(GROUPED, ["--look", "why"], "look-needs-closed", id="a look at the open document"),
        pytest.param(GROUPED, ["--closed", "--look", " "], "look-without-reason", id="no reason"),
    ],
)
def test_what_is_refused_writes_nothing(tmp_path, trial, more, code):
    refused = run("dsmb", trial, tmp_path / "board", *more)
    assert refused.exit_code == 1
    assert f"[{code}]" in refused.stderr
    assert not (tmp_path / "board").exists()
    assert not (tmp_path / "looks.jsonl").exists()


def test_the_cut_must_be_named_and_be_a_date(tmp_path):
    assert run("dsmb", SINGLE, tmp_path / "board", cut="").exit_code == 2
    assert run("dsmb", SINGLE, tmp_path / "board", cut="1 April").exit_code == 2


# --- looks --------------------------------------------------------------------------------------------------------------


def test_of_real_patients_comparisons_are_withheld_until_somebody_looks(tmp_path):
    comparisons = set(find_comparisons(load_protocol(GROUPED).protocol))
    (tmp_path / "report" / "datasets").mkdir(parents=True)  # of an earlier report, by a look
    done = run("report", GROUPED, tmp_path / "report", is_real=True)
    assert done.exit_code in (0, 3), done.stderr
    assert "[withheld-until-final]" in done.stderr
    assert "warning[left-over-file]" in done.stderr
    assert "it tells who is in which group" in done.stderr
    assert files_of(tmp_path / "report") == [
        "report.html", "report.pdf", "results.json", "results.parquet",
    ]  # fmt: skip
    report = tmp_path / "report"
    rows = json.loads((report / "results.json").read_text(encoding="utf-8"))["results"]
    of = [row for row in rows if row["analysis"] in comparisons]
    assert {row["analysis"] for row in of} == comparisons
    assert {(row["statistic"], row["value"]) for row in of} == {("estimate", None)}
    assert all(row["note"].startswith("withheld") for row in of)
    # by group there are the flow, who the patients are, treatment and harms, and nothing else
    by_group = {row["analysis"] for row in rows if row["group"] is not None}
    assert by_group <= {"population flow", "treatment exposure", "patients", "adverse_event_table"}
    html = (report / "report.html").read_text(encoding="utf-8")
    assert "Comparisons of the groups" in html
    assert UNPLANNED.upper() not in html
    assert "They are withheld as comparisons of the groups are." in html
    assert 'class="stamp"' not in html  # nobody is called simulated who is not
    assert not (tmp_path / "looks.jsonl").exists()


def test_a_look_is_numbered_logged_and_printed(tmp_path):
    done = run(
        "report", GROUPED, tmp_path / "report", "--look", "Rumour of harm, asked by the chair", is_real=True
    )
    assert done.exit_code in (0, 3), done.stderr
    (line,) = (tmp_path / "looks.jsonl").read_text(encoding="utf-8").splitlines()
    look = json.loads(line)
    assert (look["look"], look["date"], look["reason"]) == (
        1,
        EARLY[GROUPED],
        "Rumour of harm, asked by the chair",
    )
    report = tmp_path / "report"
    assert "datasets/adsl.parquet" in files_of(report)
    told = json.loads((report / "results.json").read_text(encoding="utf-8"))
    assert look["protocol_sha256"] == told["provenance"]["protocol"]["sha256 of the protocol"]
    assert look["data_sha256"]["dm.parquet"] == told["provenance"]["data"]["sha256 of dm.parquet"]
    html = (report / "report.html").read_text(encoding="utf-8")
    assert "UNPLANNED LOOK 1" in html
    assert "Rumour of harm, asked by the chair" in html
    curve = [row for row in told["results"] if row["analysis"] == "recurrence_curve"]
    assert curve
    assert all(json.loads(row["conventions"])[UNPLANNED] == 1 for row in curve)
    # the closed document at another cut is the second look, of the same log
    closed = run(
        "dsmb", GROUPED, tmp_path / "board", "--closed", "--look", "The same", is_real=True, cut="2027-06-01"
    )
    assert closed.exit_code == 0, closed.stderr
    assert len((tmp_path / "looks.jsonl").read_text(encoding="utf-8").splitlines()) == 2
    page = (tmp_path / "board" / "closed" / "dsmb-closed.html").read_text(encoding="utf-8")
    assert "CLOSED · UNPLANNED LOOK 2" in page


def test_without_a_look_the_closed_document_has_harms_and_no_efficacy(tmp_path):
    done = run("dsmb", GROUPED, tmp_path / "board", "--closed", is_real=True)
    assert done.exit_code == 0, done.stderr
    assert "[withheld-until-final]" in done.stderr
    rows = json.loads((tmp_path / "board" / "closed" / "results-closed.json").read_text(encoding="utf-8"))[
        "results"
    ]
    valued = {row["analysis"] for row in rows if row["value"] is not None}
    assert valued == {
        "board",
        "population flow",
        "treatment exposure",
        "clocks and visits",
        "adverse_event_table",
    }
    assert {row["group"] for row in rows if row["analysis"] == "clocks and visits"} == {None}


def test_virtual_patients_have_nothing_to_protect_and_no_look_is_logged(tmp_path):
    done = run("dsmb", GROUPED, tmp_path / "board", "--closed", "--look", "for practice")
    assert done.exit_code == 0, done.stderr
    assert "[look-not-needed]" in done.stderr
    assert not (tmp_path / "looks.jsonl").exists()
    page = (tmp_path / "board" / "closed" / "dsmb-closed.html").read_text(encoding="utf-8")
    assert "there is nothing to protect" in page


def test_a_spoiled_log_stops_a_look_before_anything_is_written(tmp_path):
    (tmp_path / "looks.jsonl").write_text("{}\n", encoding="utf-8")
    refused = run("dsmb", GROUPED, tmp_path / "board", "--closed", "--look", "why", is_real=True)
    assert refused.exit_code == 1
    assert "[unreadable-looks]" in refused.stderr
    assert (tmp_path / "looks.jsonl").read_text(encoding="utf-8") == "{}\n"
    assert not (tmp_path / "board").exists()
