"""`trialwright new` from outside: what it writes, what it refuses, what it says next."""

from datetime import date

import pytest
from typer.testing import CliRunner

from trialwright.apps.cli.main import app
from trialwright.protocol.drafting import draft_protocol
from trialwright.protocol.loading import load_protocol


def run(*arguments):
    return CliRunner().invoke(app, ["new", *map(str, arguments)], catch_exceptions=False)


def without_day(text):
    return text.replace(date.today().isoformat(), "TODAY")  # noqa: DTZ011 -- as the command does


@pytest.mark.parametrize("design", ["single-arm", "two-groups"])
def test_the_protocol_goes_to_standard_output_and_talk_to_standard_error(design):
    result = run("--design", design)
    assert result.exit_code == 0
    drafted = draft_protocol(design, day=date.today())  # noqa: DTZ011
    assert without_day(result.stdout) == without_day(drafted)
    assert "TO DO" in result.stderr
    assert "trialwright check my-trial.yaml" in result.stderr


def test_a_file_is_written_and_the_next_steps_name_it(tmp_path):
    out = tmp_path / "my trial.yaml"
    result = run("--design", "two-groups", "--id", "HOPE-2", "--title", "Hope", "--out", out)
    assert (result.exit_code, result.stdout) == (0, f"{out}\n")
    for step in ("check", "show"):
        assert f"trialwright {step} '{out}'" in result.stderr
    study = load_protocol(str(out)).protocol.study
    assert (study.id, study.title, study.allocation) == ("HOPE-2", "Hope", "randomised")
    assert b"\r" not in out.read_bytes()


def test_the_single_arm_is_what_one_gets_without_asking(tmp_path):
    assert run("--out", tmp_path / "a.yaml").exit_code == 0
    assert load_protocol(str(tmp_path / "a.yaml")).protocol.study.allocation == "single arm"


def test_a_file_that_is_there_is_never_overwritten(tmp_path):
    out = tmp_path / "mine.yaml"
    out.write_text("my work\n", encoding="utf-8")
    result = run("--out", out)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error[file-exists]" in result.stderr
    assert out.read_text(encoding="utf-8") == "my work\n"
    assert [one.name for one in tmp_path.iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("no-folder/a.yaml", "unwritable-file", id="no such folder"),
        pytest.param(".", "file-exists", id="a folder"),
        pytest.param("x" * 300, "unwritable-file", id="a name too long"),
    ],
)
def test_a_file_that_cannot_be_made_is_told(tmp_path, name, code):
    result = run("--out", tmp_path / name)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"error[{code}]" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--design", "crossover"), id="unknown design"),
        pytest.param(("--id", "1"), id="no id"),
        pytest.param(("--title", ""), id="no title"),
        pytest.param(("mine.yaml",), id="a file without its option"),
    ],
)
def test_what_is_not_understood_writes_nothing(tmp_path, arguments):
    result = run(*arguments, "--out", tmp_path / "a.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert list(tmp_path.iterdir()) == []
