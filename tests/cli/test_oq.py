"""The command `trialwright oq`: what it prints and writes, and how it ends."""

import json

import pytest
from tests.design.small_trial import BASE
from typer.testing import CliRunner

from trialwright.apps.cli.main import app
from trialwright.design.boundaries import outcome as outcomes
from trialwright.records.files import read_records
from trialwright.vocabulary.verdicts import Verdict

RULES = """
eligibility:
  at: surgery
  inclusion: { virus: { text: t, when: "last(hbv_dna, 28 days) > 2000 IU/mL" } }
events: { flare: { of: alt, when: value > 100 U/L } }
populations: { protocol: { label: Per protocol } }
"""


def run(*arguments):
    return CliRunner().invoke(app, ["oq", *map(str, arguments)])


@pytest.fixture
def protocol(tmp_path):
    file = tmp_path / "protocol.yaml"
    file.write_text(BASE + RULES, encoding="utf-8")
    return file


def test_the_table(protocol):
    result = run(protocol, "--element", "eligibility")
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "eligibility.inclusion.virus.when\n"
        "  last(hbv_dna, 28 days) > 2000 IU/mL\n"
        "    ok   just below: expected not met, found not met\n"
        "         2024-06-03: HBV DNA 1999 IU/mL, Consent, Surgery\n"
        "    ok   at: expected not met, found not met\n"
        "         2024-06-03: HBV DNA 2000 IU/mL, Consent, Surgery\n"
        "    ok   just above: expected met, found met\n"
    )
    assert result.stdout.endswith(
        "SMALL-1: 15 cases, all as expected; 1 of 1 thresholds tested, 0 listed as not tested\n"
    )
    assert result.stderr == ""


def test_what_is_not_tested_is_listed(protocol):
    result = run(protocol, "--element", "populations")
    assert result.exit_code == 0
    assert (
        "Not tested:\n  - populations.protocol: no rule: told in words: a person decides\n" in result.stdout
    )


def test_json(protocol):
    result = run(protocol, "--format", "json", "--element", "events")
    told = json.loads(result.stdout)
    assert told["simulated"] is True
    assert told["summary"]["differences"] == 0
    at = next(case for case in told["cases"] if case["case"] == "just above")
    assert (at["expected"], at["found"], at["agrees"]) == ("met on 2025-07-08", "met on 2025-07-08", True)


def test_a_difference_fails(protocol, monkeypatch):
    """Should the derivations find otherwise, the command says where."""

    def all_met(loaded, cases, tables):
        return [outcomes.Result(case, replace_verdict(case.expected)) for case in cases]

    def replace_verdict(expected):
        return type(expected)(Verdict.MET, expected.day)

    monkeypatch.setattr(outcomes, "judge_cases", all_met)
    result = run(protocol, "--element", "eligibility")
    assert result.exit_code == 1
    assert "    DIFF at: expected not met, found met\n" in result.stdout
    assert "SMALL-1: 15 cases, 10 not as expected;" in result.stdout


def test_records_and_results_are_written_and_marked(protocol, tmp_path):
    result = run(protocol, "--out", tmp_path / "oq")
    assert result.exit_code == 0
    names = sorted(str(path.relative_to(tmp_path / "oq")) for path in (tmp_path / "oq").rglob("*.*"))
    records = ["simulated-records/dm.csv", "simulated-records/ds.csv", "simulated-records/lb.csv"]
    assert names == [*records, "simulated-results.csv", "simulated-results.json"]
    tables = read_records(tmp_path / "oq" / "simulated-records").tables
    assert set(tables["DM"]["SIMULATED"]) == {"Y"}
    assert set(tables["LB"]["STUDYID"]) == {"SMALL-1-OQ-SIM"}


def test_a_folder_with_something_in_it_is_left_alone(protocol, tmp_path):
    (tmp_path / "oq").mkdir()
    (tmp_path / "oq" / "mine.txt").write_text("mine", encoding="utf-8")
    result = run(protocol, "--out", tmp_path / "oq")
    assert result.exit_code == 1
    assert "folder-not-empty" in result.stderr
    assert [path.name for path in (tmp_path / "oq").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--format", "xml"], "must be text or json", id="format"),
        pytest.param(["--element", "events.flair"], "did you mean events.flare", id="element"),
    ],
)
def test_what_is_not_understood(protocol, arguments, message):
    result = run(protocol, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_a_protocol_with_problems(tmp_path):
    file = tmp_path / "protocol.yaml"
    file.write_text(BASE + "events: { flare: { of: alt, when: value > 5 mg } }", encoding="utf-8")
    result = run(file)
    assert result.exit_code == 1
    assert "error" in result.stderr
