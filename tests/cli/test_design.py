"""The command `trialwright design`: whole runs, on files; what it refuses, and who may see what."""

import json
import re
from pathlib import Path

import polars as pl
import pytest
from tests.cases.board_records import EARLY, records_of
from typer.testing import CliRunner

from trialwright.analysis.looks import UNPLANNED
from trialwright.apps.cli.main import app
from trialwright.protocol.loading import load_protocol
from trialwright.reports.design_writing import FILES

SINGLE, GROUPED = "nct04294498", "nct07120750"
GOLDEN = Path(__file__).parents[1] / "golden" / "design"
VERSIONS = "How this was made"
"""The last section holds hashes and versions, and is not kept."""


def run(*arguments):
    return CliRunner().invoke(app, ["design", *map(str, arguments)])


def files_of(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def without_lines_of_the_protocol(text):
    """The column with line numbers masked, and nothing else."""
    before, caption, table = text.partition("Assumptions of the design")
    table, note, after = table.partition("Registered: the record says so")
    column = next(line.index("Line of") for line in table.splitlines() if "Line of" in line)
    table = re.sub(rf"^(.{{{column}}})[0-9]+$", r"\1LINE", table, flags=re.MULTILINE)
    return before + caption + table + note + after


@pytest.mark.parametrize("trial", [SINGLE, GROUPED])
def test_the_page_reads_as_the_one_that_was_read(trial):
    """Read before it was accepted; its numbers are proven in tests/design and tests/statistics."""
    done = run(trial)
    assert done.exit_code == 0, done.stderr
    text = done.stdout.partition(VERSIONS)[0].rstrip() + "\n"
    text = without_lines_of_the_protocol(text)
    assert text == (GOLDEN / f"{trial}.txt").read_text(encoding="utf-8")
    words = " ".join(text.casefold().split())
    assert "implies under assumptions" in words
    assert not re.search("contradict|the assumption was", words)


def test_a_folder_holds_page_and_results_and_nothing_else(tmp_path):
    out = tmp_path / "design"
    done = run(GROUPED, "--out", out)
    assert done.exit_code == 0, done.stderr
    assert files_of(out) == sorted(FILES)
    results = pl.read_parquet(out / "results.parquet")
    told = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert results["id"].to_list() == [row["id"] for row in told["results"]]
    assert results.filter(id="design events/schoenfeld, 50 % treated/n_events")["value"].item() == 121
    assert "SIMULATED" not in results.columns
    page = (out / "design.html").read_text(encoding="utf-8")
    refs = set(re.findall(r'data-ref="result:([^"]+)"', page))
    assert len(refs) > 100
    assert refs <= set(results["id"])


def test_virtual_trials_are_written_with_their_errors(tmp_path):
    done = run(GROUPED, "--simulate", 100, "--out", tmp_path / "design")
    assert done.exit_code == 0, done.stderr
    assert files_of(tmp_path / "design") == sorted(FILES)
    rows = pl.read_parquet(tmp_path / "design" / "results.parquet").filter(analysis="design operating")
    scenarios = load_protocol(GROUPED).protocol.scenarios
    assert {"the design", "no_effect"} <= set(rows["item"]) <= {"the design", *scenarios}
    assert rows.filter(statistic="benefit_shown_std_error")["value"].null_count() == 0


def test_the_folder_of_finished_blocks_stays_when_a_run_is_interrupted(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("trialwright.reports.design_writing.build_design_page", interrupted)
    assert run(GROUPED, "--simulate", 100, "--out", tmp_path / "design").exit_code != 0
    kept = files_of(tmp_path / "design")
    assert kept[0] == ".blocks"
    assert all(name.startswith(".blocks") for name in kept)


# --- a running trial ----------------------------------------------------------------------------------------------------


def test_a_look_at_real_patients_is_numbered_and_logged_and_marks_what_it_shows(tmp_path):
    data = records_of(GROUPED, is_real=True)
    out = tmp_path / "design"
    done = run(GROUPED, "--data", data, "--cut", EARLY[GROUPED], "--look", "the board asks", "--out", out)
    assert done.exit_code == 0, done.stderr
    logged = [
        json.loads(line) for line in (tmp_path / "looks.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [(line["look"], line["reason"], line["date"]) for line in logged] == [
        (1, "the board asks", EARLY[GROUPED])
    ]
    page = (out / "design.html").read_text(encoding="utf-8")
    assert "UNPLANNED LOOK 1" in page
    rows = pl.read_parquet(out / "results.parquet")
    shown = rows.filter(pl.col("conventions").str.contains(UNPLANNED))
    assert set(shown["analysis"]) == {"recurrence_logrank"}
    assert rows.filter(analysis="recurrence_logrank").height == shown.height > 0


# --- refusals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--data", "x"], "needs the day at which the records are looked at", id="no cut"),
        pytest.param(["--cut", "2027-01-01"], "needs the records of the trial", id="cut of nothing"),
        pytest.param(["--look", "why"], "needs the records of the trial", id="look at nothing"),
        pytest.param(["--data", "x", "--cut", "2027-01-01", "--look", "why"], "logged beside the folder", id="no folder"),
        pytest.param(["--data", "x", "--cut", "someday"], "`someday` is no date", id="no date"),
        pytest.param(["--simulate", "99"], "greater than or equal to 100", id="too few trials"),
    ],
)  # fmt: skip
def test_options_that_mean_nothing_are_not_understood(arguments, words):
    done = run(GROUPED, *arguments)
    assert done.exit_code == 2
    assert words in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("trial", "arguments", "code"),
    [
        pytest.param("hcc-resection", [], "no-design", id="no design"),
        pytest.param("nct0712075", [], "no-such-protocol", id="no protocol"),
    ],
)  # fmt: skip
def test_refusals_write_nothing(tmp_path, trial, arguments, code):
    done = run(trial, *arguments, "--out", tmp_path / "design")
    assert done.exit_code == 1
    assert f"error[{code}]" in done.stderr
    assert files_of(tmp_path) == []


def test_a_fault_is_told_with_its_line_and_the_nearest_that_works(tmp_path):
    path = tmp_path / "mine.yaml"
    text = (load_protocol(GROUPED).folder / "protocol.yaml").read_text(encoding="utf-8")
    lines = text.splitlines()
    number = next(i for i, line in enumerate(lines) if line == "  accrual:") + 1
    lines[number] = "    value: 80"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = run(path, "--out", tmp_path / "design")
    assert done.exit_code == 1
    assert f"mine.yaml:{number + 1}:12: error[unusable-assumption]: enrolment takes 80 months" in done.stderr
    assert "fix: enrol within 66 months" in done.stderr
    assert not (tmp_path / "design").exists()
