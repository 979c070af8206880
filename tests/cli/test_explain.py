"""The command `explain`: from an id to the lines, subjects and records; what a wrong call is told."""

import json
import re

import pytest
from tests.cases.written_report import written_report
from typer.testing import CliRunner

from trialwright.apps.cli.main import app


def run(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def folder():
    return written_report("nct04294498", 20, 5)


@pytest.fixture(scope="module")
def subject(folder):
    told = run("explain", "os_curve/n_events", "--report", folder, "--format", "json")
    return json.loads(told.stdout)["rows"]["rows"][0][0]


def test_without_an_id_the_analyses_are_listed(folder):
    told = run("explain", "--report", folder)
    assert told.exit_code == 0
    assert re.search(
        r"^os_curve +Overall survival +kaplan-meier +registered", told.stdout, flags=re.MULTILINE
    )
    as_json = json.loads(run("explain", "--report", folder, "--format", "json").stdout)
    assert {one["id"] for one in as_json} >= {"os_curve", "population flow", "adverse_event_table"}


def test_a_beginning_lists_results_and_all_of_them_if_asked(folder):
    first = run("explain", "os_curve", "--report", folder)
    assert first.exit_code == 0
    assert "--all prints them" in first.stdout
    whole = run("explain", "os_curve", "--report", folder, "--all")
    listed = json.loads(run("explain", "os_curve", "--report", folder, "--format", "json").stdout)
    assert len(whole.stdout.splitlines()) == len(listed) + 1
    assert all(one["id"].startswith("os_curve/") for one in listed)


def test_a_number_with_its_lines_population_and_rows(folder):
    told = run("explain", "os_curve/n_events", "--report", folder)
    assert told.exit_code == 0, told.output
    tree = json.loads(run("explain", "os_curve/n_events", "--report", folder, "--format", "json").stdout)
    assert tree["format"] == "trialwright-explanation/1"
    assert f"{tree['result']['value']:g} events" in told.stdout
    for element in tree["elements"]:
        assert f"{element['path']}  {element['title'] or '–'}\n" in told.stdout
        assert element["place"] in told.stdout
    assert f"{tree['rows']['n_rows']}, of {tree['rows']['n_subjects']} subjects" in told.stdout
    assert tree["rows"]["n_rows"] == tree["result"]["value"]
    assert tree["subject"] is None
    assert "\x1b" not in told.stdout


def test_rows_are_capped_and_all_of_them_come_if_asked(folder):
    tree = json.loads(
        run("explain", "population flow/n_records", "--report", folder, "--format", "json").stdout
    )
    people = [row[0] for row in tree["rows"]["rows"]]
    assert len(people) > 10
    few = run("explain", "population flow/n_records", "--report", folder).stdout
    many = run("explain", "population flow/n_records", "--report", folder, "--all").stdout
    assert sum(one in few for one in people) == 10
    assert f"and {len(people) - 10} more; --all prints them" in few
    assert all(one in many for one in people)


def test_a_subject_down_to_the_records(folder, subject):
    words = ("explain", "os_curve/n_events", "--report", folder, "--subject", subject)
    without = run(*words)
    assert without.exit_code == 0
    assert "name their folder with --data" in without.stdout
    told = run(*words, "--data", folder / "records")
    tree = json.loads(run(*words, "--data", folder / "records", "--format", "json").stdout)
    assert tree["subject"]["is_counted"] is True
    assert tree["subject"]["records"]
    for record in tree["subject"]["records"]:
        assert record["missing"] == ""
        assert f"{record['name']}  " in told.stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(["os_curve/n_evnts"], "no-such-result", id="no such id"),
        pytest.param(["os_curve/n_events", "--subject", "NOBODY"], "no-such-subject", id="no such subject"),
        pytest.param(["os_curve/n_events", "--data", "nowhere"], "unreadable-file", id="no such data"),
        pytest.param(["os_curve/n_events", "--protocol", "nct99"], "no-such-protocol", id="no such protocol"),
    ],
)
def test_what_cannot_be_done_is_told(words, code, folder):
    told = run("explain", *words, "--report", folder)
    assert told.exit_code == 1
    assert f"error[{code}]" in told.stderr
    assert told.stdout == ""


def test_a_folder_without_a_report(tmp_path):
    told = run("explain", "--report", tmp_path)
    assert told.exit_code == 1
    assert "error[unreadable-file]" in told.stderr


def test_another_protocol_than_that_of_the_report_is_told(folder):
    told = run("explain", "os_curve/n_events", "--report", folder, "--protocol", "nct07120750")
    assert told.exit_code == 0
    assert "hashes differ" in told.stderr
    assert "NOT the one the report was made by" in told.stdout


def test_a_report_of_a_cohort_has_lines_and_no_subjects(tmp_path):
    made = run("report", "hcc-resection", "--out", tmp_path)
    assert made.exit_code == 0, made.output
    told = run("explain", "rfs_logrank/p_value", "--report", tmp_path)
    assert told.exit_code == 0, told.output
    assert "holds no analysis datasets" in told.stderr
    assert "analyses.rfs_logrank  " in told.stdout
    assert "Rows that make it" not in told.stdout
