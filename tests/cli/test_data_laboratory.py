"""The command `trialwright data laboratory`: from a hospital's file to LB, and what it prints."""

import pytest
from tests.records.test_page import block
from typer.testing import CliRunner

from trialwright.apps.cli.main import app
from trialwright.records.files import read_records


def run(*arguments):
    return CliRunner().invoke(app, ["data", "laboratory", *map(str, arguments)])


@pytest.fixture
def mapping(tmp_path):
    """The example of the page about records."""
    (tmp_path / "laboratory.yaml").write_text(block("mapping"), encoding="utf-8")
    (tmp_path / "laboratory.csv").write_text(block("file"), encoding="utf-8")
    return tmp_path / "laboratory.yaml"


def test_the_example_of_the_page(mapping, tmp_path):
    result = run(mapping, "--out", tmp_path / "sdtm")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == block("warning")
    assert result.stdout == f"{block('summary')}{tmp_path / 'sdtm' / 'lb.parquet'}\n"
    assert read_records(tmp_path / "sdtm").tables["LB"].height == 6


def test_other_files_through_the_mapping(mapping, tmp_path):
    rows = block("file").splitlines()
    for name, some in (("may", rows[:3]), ("june", [rows[0], *rows[2:4]])):
        (tmp_path / f"{name}.csv").write_text("\n".join(some) + "\n", encoding="utf-8")
    files = ["--file", tmp_path / "may.csv", "--file", tmp_path / "june.csv"]
    result = run(mapping, *files, "--out", tmp_path, "--format", "csv")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("3 results of 1 subject\n1 more stands in an earlier file too")
    assert (tmp_path / "lb.csv").read_text(encoding="utf-8").count("\n") == 4


def test_a_file_that_cannot_be_used_writes_nothing(mapping, tmp_path):
    (tmp_path / "laboratory.csv").write_text(block("file").replace("INR;85", "Quick;85"), encoding="utf-8")
    result = run(mapping, "--out", tmp_path / "sdtm")
    assert result.exit_code == 1
    assert (
        "laboratory.csv:5:4: error[unknown-test]: the mapping does not say what `Quick` is" in result.stderr
    )
    assert "nothing was written" in result.stderr
    assert not (tmp_path / "sdtm").exists()


def test_files_and_several_mappings_are_not_understood(mapping, tmp_path):
    result = run(mapping, mapping, "--file", tmp_path / "laboratory.csv", "--out", tmp_path)
    assert result.exit_code == 2
    assert "files are read through one mapping" in result.stderr
