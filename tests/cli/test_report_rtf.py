"""`trialwright report --rtf`: tables for word processors beside the report, and never those of another one unnoticed."""

import pytest
from tests.reports.rtf_reader import read_rtf
from typer.testing import CliRunner

from trialwright.apps.cli.main import app

TABLES = "tables.rtf"


def report(out, *options):
    return CliRunner().invoke(app, ["report", "hcc-resection", "--out", str(out), *options])


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """A report with tables, then one without, in the same folder; with the tables as they lay there."""
    out = tmp_path_factory.mktemp("report") / "out"
    first = report(out, "--rtf")
    written = (out / TABLES).read_bytes()
    return out, first, written, report(out)


def test_the_tables_lie_beside_the_report(twice):
    out, first, written, _ = twice
    assert first.exit_code == 0, first.stderr
    assert str(out / TABLES) in first.stdout.splitlines()
    read = read_rtf(written.decode("ascii"))
    assert any("227" in cell for row in read.rows for cell in row.cells)
    assert "left-over-file" not in first.stderr


def test_tables_of_an_earlier_report_are_left_and_told(twice):
    out, _, written, second = twice
    assert second.exit_code == 0
    assert (out / TABLES).read_bytes() == written
    assert "warning[left-over-file]" in second.stderr
    assert str(out / TABLES) not in second.stdout.splitlines()


def test_a_folder_in_the_way_is_refused_before_any_work(tmp_path):
    out = tmp_path / "out"
    (out / TABLES).mkdir(parents=True)
    refused = report(out, "--rtf")
    assert refused.exit_code == 1
    assert "error[unwritable-folder]" in refused.stderr
    assert [path.name for path in out.iterdir()] == [TABLES]
