"""The command `trialwright check`: what it prints, and how it ends."""

import json

import pytest
from tests.checks.patches import patched, read_yaml, sound
from typer.testing import CliRunner

from trialwright.apps.cli.main import app


def run(*arguments):
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


@pytest.fixture
def protocol(tmp_path):
    """Write a sound protocol with a patch laid over it."""

    def write(patch=""):
        file = tmp_path / "protocol.yaml"
        data = patched(sound("two groups"), read_yaml(patch) or {})
        file.write_text(json.dumps(data, indent=1), encoding="utf-8")
        return file

    return write


def test_a_sound_protocol_passes(protocol):
    file = protocol()
    result = run(file)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{file}: nothing found; ")
    assert result.stderr == ""


def test_warnings_do_not_fail(protocol):
    result = run(protocol("study: { type: observational }"))
    assert result.exit_code == 0
    assert "warning[observational-assigns-treatment]" in result.stdout


def test_errors_fail(protocol):
    result = run(protocol("study: { allocation: single arm }"))
    assert result.exit_code == 1
    assert "error[allocation-does-not-fit]" in result.stdout


def test_a_document_that_cannot_be_read_fails_with_all_its_problems(protocol):
    result = run(protocol("study: { typ: observational }\nevents: { alt_rise: { when: value > 5 mg/dL } }"))
    assert result.exit_code == 1
    assert "error[unknown-key]" in result.stdout
    assert "wait until the document can be read" in result.stdout


def test_problems_of_rules_and_names_come_together(protocol):
    result = run(
        protocol(
            "events: { alt_rise: { when: value > 5 mg/dL } }\nendpoints: { survival: { time to: deth } }"
        )
    )
    assert "error[unit-mismatch]" in result.stdout
    assert "error[unresolved-name]" in result.stdout


def test_warnings_of_rules_are_told(protocol):
    patch = "eligibility: { exclusion: { renal: { when: last(creatinine) > 1.5 ULN } } }"
    result = run(protocol(patch))
    assert (result.exit_code, "warning[window-not-stated]" in result.stdout) == (0, True)
    assert "window-not-stated" not in run(protocol(patch), "--ignore", "window-not-stated").stdout


def test_what_is_ignored_is_not_told_and_is_counted(protocol):
    file = protocol("study: { allocation: single arm }")
    result = run(file, "--ignore", "allocation-does-not-fit")
    assert result.exit_code == 0
    assert "[allocation-does-not-fit]" not in result.stdout
    assert ", 1 ignored; " in result.stdout


def test_json_can_be_read_by_programs(protocol):
    result = run(protocol("study: { allocation: single arm }"), "--format", "json")
    data = json.loads(result.stdout)
    assert result.exit_code == 1
    assert data["n_errors"] == 1
    assert "allocation-does-not-fit" in [one["code"] for one in data["problems"]]


def test_annotations_name_file_and_line(protocol):
    file = protocol("study: { allocation: single arm }")
    result = run(file, "--format", "github")
    assert f"::error file={file},line=" in result.stdout


def test_the_page_of_a_check_is_printed():
    result = run("--explain", "immortal-time")
    assert result.exit_code == 0
    assert result.stdout.startswith("warning[immortal-time]: time counts from before")
    assert "time zero: resection" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], "name a protocol", id="nothing asked"),
        pytest.param(["hcc-resection", "--format", "xml"], "text, json or github", id="unknown format"),
        pytest.param(
            ["hcc-resection", "--ignore", "imortal-time"], "did you mean immortal-time", id="misspelt code"
        ),
        pytest.param(["--explain", "unit-mismatch"], "problems.md", id="a code that is no check"),
        pytest.param(["--explain", "imortal-time"], "did you mean immortal-time", id="a page misspelt"),
        pytest.param(["hcc-resection", "--no-such-option"], "No such option", id="unknown option"),
    ],
)
def test_what_is_not_understood_ends_with_2(arguments, said):
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert result.stdout == ""


def test_a_protocol_that_is_not_there_fails():
    result = run("no-such-protocol-anywhere")
    assert result.exit_code == 1
    assert "error[no-such-protocol]" in result.stdout


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param("a: &x 1\nb: *x\n", id="alias"),
        pytest.param("study: \x00", id="control character"),
        pytest.param("format: trialwright/1\n" * 2, id="twice"),
    ],
)
def test_hostile_documents_get_their_located_message(tmp_path, text):
    file = tmp_path / "protocol.yaml"
    file.write_text(text, encoding="utf-8")
    result = run(file)
    assert result.exit_code == 1
    assert f"{file}:" in result.stdout
    assert "1 error; the checks of the design wait" in result.stdout
