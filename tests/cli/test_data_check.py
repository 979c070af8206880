"""The command `trialwright data check`: what it prints, and how it ends."""

import json

import polars as pl
import pytest
from tests.checks.data.sound import tables
from typer.testing import CliRunner

from trialwright.apps.cli.main import app
from trialwright.records.files import Format, write_records

WARNED = "AE: [{ USUBJID: D-01, AESEQ: 1, AETOXGR: '4', AESER: ~ }]"
WRONG = "LB: [{ USUBJID: D-01, LBSEQ: 90, LBTESTCD: BILI, LBORRES: 14, LBDTC: 2026-04-14 }]"


def run(*arguments):
    return CliRunner().invoke(app, ["data", "check", *map(str, arguments)])


@pytest.fixture
def data(tmp_path):
    """Write a sound study with a patch laid over it."""

    def write(patch="", form=Format.PARQUET):
        write_records(tables("durvalumab", patch), tmp_path, form)
        return tmp_path

    return write


@pytest.mark.parametrize("form", list(Format))
def test_sound_data_pass_in_every_format(data, form):
    folder = data(form=form)
    result = run(folder, "--protocol", "nct04294498")
    assert result.exit_code == 0, result.stdout
    assert result.stdout.startswith(f"{folder}: nothing found in 58 records of 10 datasets; ")
    assert result.stderr == ""


def test_warnings_do_not_fail(data):
    result = run(data(WARNED))
    assert result.exit_code == 0
    assert (
        "AE.AESER: warning[seriousness-missing]: 1 record of 1 subject\n  D-01, AESEQ 1 (record 1): "
        in result.stdout
    )


def test_errors_fail(data):
    result = run(data(WRONG))
    assert result.exit_code == 1
    assert "LB.LBORRESU: error[unit-missing]" in result.stdout
    assert "Derivations do without:\n  LB: 1 of 21 [unit-missing]" in result.stdout


def test_what_is_ignored_is_not_told(data):
    result = run(data(WRONG), "--ignore", "unit-missing")
    assert (result.exit_code, "unit-missing" in result.stdout) == (0, False)


def test_the_cut_tells_what_lies_after_it(data):
    result = run(data(), "--cut", "2026-03-16")
    assert result.exit_code == 0
    assert "LB.LBDTC: info[after-the-cut]: 2 records of 1 subject" in result.stdout
    assert "after-the-cut" not in run(data(), "--cut", "2026-03-17").stdout


def test_json_can_be_read_by_programs(data):
    result = run(data(WRONG), "--format", "json")
    read = json.loads(result.stdout)
    assert result.exit_code == 1
    (problem,) = [one for one in read["problems"] if one["severity"] == "error"]
    place = {key: problem[key] for key in ("code", "dataset", "variable", "record", "subject", "sequence")}
    assert place == {
        "code": "unit-missing", "dataset": "LB", "variable": "LBORRESU", "record": 21, "subject": "D-01", "sequence": 90,
    }  # fmt: skip


def test_data_that_cannot_be_read_fail_with_all_problems(tmp_path):
    (tmp_path / "lb.csv").write_text("STUDYID,USUBJID\nS,1\n", encoding="utf-8")
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "error[missing-variable]" in result.stdout
    assert "the checks wait until the data can be read" in result.stdout
    assert json.loads(run(tmp_path, "--format", "json").stdout)["checked"] is False


@pytest.mark.parametrize("content", [b"", b"PAR1", b"\x00" * 100, b"[" * 10_000])
def test_hostile_files_get_their_message(tmp_path, content):
    (tmp_path / "lb.parquet").write_bytes(content)
    (tmp_path / "ae.json").write_bytes(content)
    result = run(tmp_path)
    assert (result.exit_code, result.exception.__class__) == (1, SystemExit)
    assert "error[" in result.stdout


def test_the_page_of_a_check_is_printed():
    result = run("--explain", "conversion-wrong")
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "error[conversion-wrong]: the standard result is not the reported one converted"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], "name a folder", id="nothing asked"),
        pytest.param([".", "--format", "github"], "must be text or json", id="unknown format"),
        pytest.param([".", "--ignore", "results-difer"], "did you mean results-differ", id="misspelt code"),
        pytest.param([".", "--cut", "30.6.2026"], "must be a day as 2026-06-30", id="a date of another form"),
        pytest.param(["--explain", "unknown-unit"], "problems.md", id="a code that is no check of data"),
    ],
)
def test_what_is_not_understood_ends_with_2(arguments, said):
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert result.stdout == ""


def test_a_folder_or_a_protocol_that_is_not_there_fails(tmp_path, data):
    assert "error[unreadable-file]" in run(tmp_path / "nowhere").stdout
    result = run(data(), "--protocol", "no-such-protocol-anywhere")
    assert (result.exit_code, "error[no-such-protocol]" in result.stdout) == (1, True)


def test_a_column_the_catalogue_does_not_have_is_kept_and_told(tmp_path):
    frames = tables("durvalumab")
    frames["AE"] = frames["AE"].with_columns(pl.lit("x").alias("AEXYZ"))
    write_records(frames, tmp_path, Format.PARQUET)
    result = run(tmp_path)
    assert (result.exit_code, "AE.AEXYZ: warning[unknown-variable]" in result.stdout) == (0, True)
