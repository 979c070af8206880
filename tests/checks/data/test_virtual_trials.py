"""Virtual trials: what was planted in them is found, and where nothing was planted nothing is called an error."""

import polars as pl
import pytest
from tests.checks.data.sound import TODAY
from typer.testing import CliRunner

from trialwright.apps.cli.main import app
from trialwright.checks.data.record_checks import check_records
from trialwright.protocol.loading import load_protocol
from trialwright.records.files import read_records
from trialwright.vocabulary.problems import Severity

TRIALS = ("nct04294498", "nct07120750")


def simulated(trial, folder, *options):
    arguments = ["simulate", trial, "--out", str(folder), "--seed", "2", *options]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    return check_records(read_records(folder / "simulated"), load_protocol(trial), today=TODAY)


@pytest.mark.parametrize("trial", TRIALS)
def test_every_planted_error_is_found(trial, tmp_path):
    found = simulated(trial, tmp_path).findings.filter(pl.col("SEVERITY") != Severity.INFO.value)
    planted = pl.read_parquet(tmp_path / "simulated-truth" / "errors.parquet")
    assert planted.height > 0
    places = set(found.select("USUBJID", "DATASET", "SEQ").rows())
    missed = [row for row in planted.select("USUBJID", "DOMAIN", "SEQ").rows() if row not in places]
    assert missed == []


@pytest.mark.parametrize(
    ("trial", "scenario"),
    [("nct04294498", "often"), ("nct07120750", "schoenfeld"), ("nct07120750", "late_start")],
)
def test_without_planted_errors_nothing_is_doubtful(trial, scenario, tmp_path):
    """But for peginterferon in the other group, which is a deviation and planned (`crossover`)."""
    outcome = simulated(trial, tmp_path, "--no-errors", "--scenario", scenario, "--subjects", "200")
    doubtful = outcome.findings.filter(pl.col("SEVERITY") != Severity.INFO.value)
    assert set(doubtful["CODE"]) <= {"treatment-of-another-group"}
