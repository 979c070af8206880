"""The command `derive`: all datasets or none, what they were made from, and what a wrong call is told."""

import json
import re

import polars as pl
import pytest
from typer.testing import CliRunner

from trialwright.apps.cli.main import app
from trialwright.derivations.datasets import LABELS


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("virtual")
    made = run("simulate", "nct04294498", "--out", folder, "--seed", 3, "--subjects", 8)
    assert made.exit_code == 0, made.output
    return folder / "simulated"


def test_every_dataset_and_what_it_was_made_from(records, tmp_path):
    out = tmp_path / "derived"
    done = run("derive", "nct04294498", "--data", records, "--out", out)
    assert done.exit_code == 0, done.output
    assert {path.name for path in out.iterdir()} == {f"{name.lower()}.parquet" for name in LABELS} | {
        "derivation.json"
    }
    about = json.loads((out / "derivation.json").read_text(encoding="utf-8"))
    assert about["simulated"]
    assert about["cut"] is None
    assert set(about["records"]) >= {"DM", "EX", "LB"}
    for path in out.glob("*.parquet"):
        assert (pl.read_parquet(path)["SIMULATED"] == "Y").all(), path.name
    times = pl.read_parquet(out / "adtte.parquet")
    assert about["datasets"]["ADTTE"]["rows"] == times.height
    assert times["USUBJID"].str.contains("-SIM-").all()
    told = times.filter(pl.col("CNSR") == 0)
    assert told["SRCDOM"].null_count() == 0
    assert told["PROTOCOL"].str.starts_with("endpoints.").all()


def test_the_help_names_every_dataset():
    assert set(re.findall(r"\bAD[A-Z]+\b", run("derive", "--help").output)) == set(LABELS)


def test_a_cut_ends_all_times(records, tmp_path):
    whole, early = tmp_path / "whole", tmp_path / "early"
    run("derive", "nct04294498", "--data", records, "--out", whole)
    deaths = pl.read_parquet(whole / "adsl.parquet")["DTHDT"].drop_nulls().sort()
    cut = deaths[0]
    done = run("derive", "nct04294498", "--data", records, "--out", early, "--cut", cut, "--format", "csv")
    assert done.exit_code == 0, done.output
    times = pl.read_csv(early / "adtte.csv")
    assert times["ADT"].drop_nulls().max() <= cut
    assert json.loads((early / "derivation.json").read_text(encoding="utf-8"))["cut"] == cut


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--cut", "2026-13-01"], 2, "is no date"),
        (["--key", "TRIAL"], 1, "missing-variable"),
        (["--key", "STUDYID"], 1, "unfit-key"),
        (["--format", "pdf"], 2, "pdf"),
        (["--format", "xpt"], 1, "xpt-name"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_written(words, code, told, records, tmp_path):
    out = tmp_path / "derived"
    done = run("derive", "nct04294498", "--data", records, "--out", out, *words)
    assert done.exit_code == code, done.output
    assert told in done.output
    assert not out.exists() or not list(out.iterdir())


def test_without_dm_nobody_knows_whose_the_records_are(records, tmp_path):
    (tmp_path / "lb.parquet").write_bytes((records / "lb.parquet").read_bytes())
    done = run("derive", "nct04294498", "--data", tmp_path, "--out", tmp_path / "derived")
    assert done.exit_code == 1
    assert "missing-domain" in done.output
    assert not (tmp_path / "derived").exists()


def test_an_empty_folder(tmp_path):
    done = run("derive", "nct04294498", "--data", tmp_path, "--out", tmp_path / "derived")
    assert done.exit_code == 1
    assert "no-datasets" in done.output
