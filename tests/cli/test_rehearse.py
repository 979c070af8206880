"""The command `trialwright rehearse`: what it writes and prints, and what it refuses."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from trialwright.apps.cli.main import app


def run(*arguments):
    return CliRunner().invoke(app, ["rehearse", *arguments])


SMALL = ["--trials", "1", "--subjects", "5", "--analysis", "reactivation_rate"]


def test_page_and_results_are_written_together_and_marked(tmp_path):
    out = tmp_path / "out"
    done = run("nct04294498", *SMALL, "--out", str(out))
    assert done.exit_code == 0, done.stderr
    assert {path.name for path in out.iterdir()} == {
        "rehearsal.html",
        "rehearsal.pdf",
        "results.json",
        "results.parquet",
    }
    table = pl.read_parquet(out / "results.parquet")
    assert (table["SIMULATED"] == "Y").all()
    assert table.filter(pl.col("id") == "reactivation_rate/as assumed/proportion/n_trials")[
        "value"
    ].to_list() == [1.0]
    assert json.loads((out / "results.json").read_text(encoding="utf-8"))["SIMULATED"] == "Y"
    page = (out / "rehearsal.html").read_text(encoding="utf-8")
    assert "SIMULATED" in page
    assert "No patient here is real" in page


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(
            ["nct07120750", "--scenario", "indicaton"],
            ["no-such-scenario", "did you mean `indication`"],
            id="scenario",
        ),
        pytest.param(
            ["nct07120750", "--analysis", "recurrence_cx"],
            ["no-such-analysis", "`recurrence_cox`"],
            id="analysis",
        ),
        pytest.param(
            ["nct07120750", "--analysis", "patients"], ["nothing-to-rehearse"], id="an analysis without truth"
        ),
        pytest.param(["hcc-resection"], ["no-virtual-patients"], id="a protocol without virtual patients"),
    ],
)
def test_what_cannot_be_rehearsed_is_refused_and_nothing_is_written(arguments, says, tmp_path):
    out = tmp_path / "out"
    refused = run(*arguments, "--trials", "2", "--out", str(out))
    assert refused.exit_code == 1
    for words in says:
        assert words in refused.stderr.replace("\n", "")
    assert not out.exists()


@pytest.mark.parametrize(
    "more", [["--trials", "0"], ["--trials", "2", "--subjects", "0"], ["--trials", "2", "--workers", "0"], []]
)
def test_numbers_that_cannot_be_are_not_understood(more):
    assert run("nct04294498", *more).exit_code == 2


def test_a_file_in_the_way_is_told_before_anything_runs(tmp_path):
    (tmp_path / "out").write_text("a thesis", encoding="utf-8")
    refused = run("nct04294498", "--trials", "100000", "--out", str(tmp_path / "out"))
    assert refused.exit_code == 1
    assert "unwritable-folder" in refused.stderr
