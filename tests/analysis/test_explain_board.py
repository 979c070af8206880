"""Behind every number of a document of the monitoring board stand its rows, its records and its lines of the protocol."""

import atexit
import shutil
import tempfile
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from tests.cases.board_records import LATE, records_of
from typer.testing import CliRunner

from trialwright.analysis.explain import WITHHELD, Explainer
from trialwright.analysis.explaining.finding import pick_rows
from trialwright.analysis.report_folder import RESULTS_OF_BOARD, find_protocol, read_report
from trialwright.analysis.results import Results
from trialwright.analysis.safety_board import BOARD, CLOSED, OPEN, analyse_board
from trialwright.apps.cli.main import app
from trialwright.derivations.writing import dataset_bytes
from trialwright.protocol.loading import load_protocol
from trialwright.vocabulary.problems import ProblemsFound

SINGLE, GROUPED = "nct04294498", "nct07120750"
OF_NO_ROWS = ("n_planned", "events_to_stop", "expected_n", "expected_n_if_crossed", "expected")


@cache
def written(trial, kind):
    """The folder of a document, as `trialwright dsmb` lays it out."""
    folder = Path(tempfile.mkdtemp(prefix="trialwright-board-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    own = folder / kind
    (own / "datasets").mkdir(parents=True)
    day = date.fromisoformat(LATE)
    board = analyse_board(load_protocol(trial), records_of(trial), cut=day, is_closed=kind == CLOSED)
    (own / RESULTS_OF_BOARD[kind]).write_text(board.results.to_json(), encoding="utf-8")
    for name, content in dataset_bytes(board.data.tables, board.study):
        (own / "datasets" / f"{name.lower()}.parquet").write_bytes(content)
    return own


@cache
def explainer(trial, kind):
    report = read_report(written(trial, kind))
    return Explainer.of(report, find_protocol(report, None))


@pytest.mark.parametrize(("trial", "kind"), [(SINGLE, OPEN), (GROUPED, CLOSED)])
def test_every_count_is_the_number_of_rows_behind_it(trial, kind):
    told = explainer(trial, kind)
    counted, kept = set(), {}
    for result in told.report.results.rows:
        picked = pick_rows(told.data, result, kept)
        if result.value is None:
            continue
        if picked.number is not None:
            assert picked.number == result.value, (result.id, picked.meaning)
            counted.add((result.item, result.statistic))
        elif result.unit in ("subjects", "events") and result.analysis == BOARD:
            is_due = (result.item or "").startswith("due ")
            assert is_due or result.statistic in OF_NO_ROWS, result.id
    of_board = {"n_entered", "n_records", "n_with", "n_unknown", "n_treated", "n_subjects"}
    assert {statistic for _, statistic in counted} >= of_board


def test_deaths_and_events_are_those_that_lie_on_the_disk():
    told = explainer(SINGLE, OPEN)
    adsl = pl.read_parquet(told.report.file.parent / "datasets" / "adsl.parquet")
    died = adsl.filter((pl.col("TREATEDFL") == "Y") & (pl.col("DTHDT") != ""))["USUBJID"].to_list()
    found = told.explain("board/deaths/n_with")
    assert [row[0] for row in found.rows.rows] == died
    assert found.rows.adds_up
    adrate = pl.read_parquet(told.report.file.parent / "datasets" / "adrate.parquet")
    met = adrate.filter((pl.col("PARAMCD") == "REACTIVATION") & (pl.col("AVALC") == "met"))
    found = told.explain("board/reactivation/n_met")
    assert found.result.value == met.height > 0
    assert {row[0] for row in found.rows.rows} == {*met["USUBJID"]}


def test_a_number_of_a_watched_event_rests_on_what_is_watched_and_when_it_counts():
    found = explainer(SINGLE, OPEN).explain("board/reactivation/conf_high")
    paths = [element.path for element in found.elements]
    assert paths[:3] == ["monitoring.reactivation", "endpoints.reactivation", "populations.treated"]
    assert "events.hbv_reactivation" in paths
    assert len(set(paths)) == len(paths)
    assert found.rows.adds_up is None
    assert found.population.name == "treated"
    assert not found.warnings


def test_a_number_of_a_group_counts_the_group():
    told = explainer(GROUPED, CLOSED)
    group = "na_and_peginterferon"
    found = told.explain(f"board/{group}/n_subjects")
    assert found.rows.adds_up
    assert {row[found.rows.columns.index("GROUP")] for row in found.rows.rows} == {group}


def test_a_number_that_could_not_be_counted_is_not_said_to_be_wrong():
    told = explainer(SINGLE, OPEN)
    row = replace(told.report.results["board/serious/n_with"], value=None, note="no event is recorded")
    report = replace(told.report, results=Results((row,), (), told.report.results.provenance))
    found = Explainer.of(report, told.loaded).explain("board/serious/n_with")
    assert found.result.value is None
    assert found.rows.adds_up is None
    assert not found.warnings


def test_an_open_document_without_datasets_has_lines_and_no_subjects():
    """That of a trial with groups is written without them."""
    told = explainer(SINGLE, OPEN)
    found = Explainer.of(replace(told.report, tables={}), told.loaded).explain("board/deaths/n_with")
    assert found.warnings == (WITHHELD,)
    assert found.rows is None
    assert found.elements


def test_the_folder_above_the_documents_is_no_document(tmp_path):
    shutil.copytree(written(SINGLE, OPEN), tmp_path / OPEN)
    with pytest.raises(ProblemsFound) as found:
        read_report(tmp_path)
    (problem,) = found.value.problems
    assert problem.code == "unreadable-file"
    assert problem.fix == "name the folder of one document: `open` in it"


def test_a_subject_of_a_document_down_to_the_records():
    folder = written(SINGLE, OPEN)
    subject = explainer(SINGLE, OPEN).explain("board/reactivation/n_met").rows.rows[0][0]
    words = ["explain", "board/reactivation/n_met", "--report", folder, "--subject", subject]
    done = CliRunner().invoke(app, [str(word) for word in (*words, "--data", records_of(SINGLE))])
    assert done.exit_code == 0, done.output
    assert "among the rows that make the number" in done.stdout
    assert "HBV DNA: " in done.stdout
