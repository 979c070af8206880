"""The command `trialwright simulate`: what it writes, and what it refuses."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from trialwright.apps.cli.main import app
from trialwright.apps.cli.simulate import FileFormat
from trialwright.records.files import Format, read_records

SMALL = ["--seed", "1", "--subjects", "5"]


def run(*arguments):
    return CliRunner().invoke(app, ["simulate", *arguments])


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_records_truth_and_what_they_were_made_from(out):
    done = run("nct04294498", "--out", str(out), *SMALL)
    assert done.exit_code == 0
    assert {path.name for path in out.iterdir()} == {"simulated", "simulated-truth", "simulation.json"}
    records = read_records(out / "simulated")
    assert records.tables["DM"]["SIMULATED"].unique().to_list() == ["Y"]
    about = json.loads((out / "simulation.json").read_text(encoding="utf-8"))
    assert about["simulated"] is True
    assert (about["seed"], about["subjects_enrolled"], about["study"]) == (1, 5, "DURVA-HBV-SIM")
    assert about["parameters"]["reactivation_rate"] == 0.041
    for name in ("latent", "observable", "errors"):
        truth = pl.read_parquet(out / "simulated-truth" / f"{name}.parquet")
        assert (truth["SIMULATED"] == "Y").all()
    assert str(out / "simulation.json") in done.stdout.replace("\n", "")


def test_a_folder_with_something_in_it_is_left_alone(out):
    out.mkdir()
    (out / "thesis.txt").write_text("all of it", encoding="utf-8")
    for more in ([], ["--force"]):
        refused = run("nct04294498", "--out", str(out), *SMALL, *more)
        assert refused.exit_code == 1
        assert "folder-not-empty" in refused.stderr
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]


def test_virtual_trials_are_replaced_only_when_told_to(out):
    assert run("nct04294498", "--out", str(out), *SMALL).exit_code == 0
    before = (out / "simulation.json").read_bytes()
    refused = run("nct07120750", "--out", str(out), *SMALL)
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert (out / "simulation.json").read_bytes() == before
    assert run("nct07120750", "--out", str(out), *SMALL, "--force").exit_code == 0
    assert json.loads((out / "simulation.json").read_text(encoding="utf-8"))["study"] == "PRTRAS-001-SIM"
    assert not (out / "simulated" / "tr.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(
            ["nct04294498", "--scenario", "poold"], 1, "did you mean `pooled`", id="unknown scenario"
        ),
        pytest.param(["nct04294498", "--subjects", "0"], 1, "no-subjects", id="no subjects"),
        pytest.param(["hcc-resection"], 1, "no-virtual-patients", id="a protocol without virtual patients"),
        pytest.param(["nct0429449"], 1, "no-such-protocol", id="no such protocol"),
        pytest.param(["nct04294498", "--format", "sas"], 2, "sas", id="unknown format"),
    ],
)
def test_what_cannot_be_done_writes_nothing(out, arguments, code, said):
    refused = run(*arguments, "--out", str(out), "--seed", "1")
    assert refused.exit_code == code
    assert said in refused.stderr
    assert not out.exists()


def test_several_trials_are_told_apart(out):
    assert run("nct07120750", "--out", str(out), *SMALL, "--trials", "3", "--format", "csv").exit_code == 0
    table = read_records(out / "simulated").tables["DM"]
    assert table["TRIAL"].unique().sort().to_list() == ["0001", "0002", "0003"]


def test_no_errors_are_planted_when_not_wanted(out):
    assert run("nct04294498", "--out", str(out), "--seed", "1", "--no-errors").exit_code == 0
    assert pl.read_parquet(out / "simulated-truth" / "errors.parquet").is_empty()


def test_the_formats_are_those_of_records():
    assert [one.value for one in FileFormat] == [one.value for one in Format]


def test_help_teaches():
    text = run("--help").stdout
    assert "trialwright simulate nct04294498 --out rehearsal --seed 1" in text
    for word in ("SIMULATED", "scenario", "Exit codes"):
        assert word in text
