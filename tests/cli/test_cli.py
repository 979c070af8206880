"""The command from outside: exit codes, what goes to which stream, and what lies on the disk afterwards."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from trialwright.apps.cli import main
from trialwright.apps.cli.main import app
from trialwright.protocol.loading import hash_protocol, load_protocol, shipped_protocols
from trialwright.protocol.model import Protocol
from trialwright.protocol.rules import parse_rule, render_rule
from trialwright.vocabulary.libraries import SETTINGS

SHIPPED = Path(__file__).parents[2] / "src" / "trialwright" / "protocol" / "shipped" / "hcc-resection"
OUTPUTS = ["report.html", "report.pdf", "results.json", "results.parquet"]


def run(*arguments):
    """The command, in this process; what it raises beside an exit is an error of the test."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_apart(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "trialwright", *map(str, arguments)],
        capture_output=True, text=True, encoding="utf-8", check=False, timeout=60,
    )  # fmt: skip


def subjects(n=60, **columns):
    """Rows for the shipped mapping, whatever is not given spread so that everything can be estimated."""
    spread = {
        "Number": lambda i: i + 1,
        "Age": lambda i: 40 + i * 7 % 31,
        "Gender": lambda i: i * 5 % 7 % 2,
        "HBsAg": lambda i: int(i % 3 > 0),
        "Cirrhosis": lambda i: i * 3 % 5 % 2,
        "BCLC": lambda i: 1 + i * 7 % 11 % 2,
        "TNM": lambda i: 1 + i * 2 % 5 % 2,
        "Tumorsize": lambda i: 1 + i * 4 % 7 % 2,
        "Tumormultiplicity": lambda i: 1 + i * 6 % 11 % 2,
        "Vascularinvasion": lambda i: i * 3 % 11 % 2,
        "Capsulation": lambda i: i * 9 % 13 % 2,
        "ALT": lambda i: 1 + i * 5 % 13 % 2,
        "AFP": lambda i: 1 + i * 8 % 17 % 2,
        "OS": lambda i: 10 + i * 37 % 60,
        "Death": lambda i: int(i * 11 % 17 < 9),
        "RFS": lambda i: 5 + i * 29 % 61,
        "Recurrence": lambda i: int(i * 13 % 19 < 12),
    } | {name: value if callable(value) else lambda i, value=value: value for name, value in columns.items()}
    return [{name: value(i) for name, value in spread.items()} for i in range(n)]


def as_csv(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture
def report(tmp_path):
    """Run `report` on the shipped protocol and a text of data; gives the result and the folder."""

    def run_on(text, *, out=tmp_path / "out"):
        data = tmp_path / "patients.csv"
        data.write_bytes(text if isinstance(text, bytes) else text.encode())
        result = run(
            "report", "hcc-resection", "--data", data, "--mapping", SHIPPED / "mapping.yaml", "--out", out
        )
        return result, out

    return run_on


def results_of(folder):
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def by_id(folder):
    return {row["id"]: row for row in results_of(folder)["results"]}


def codes(folder):
    return {finding["code"] for finding in results_of(folder)["findings"]}


def nothing_written(result, folder):
    return result.stdout == "" and result.stderr.endswith("; nothing was written.\n") and not folder.exists()


# What the command says


def test_protocols_lists_every_shipped_protocol_with_its_title():
    result = run("protocols")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        f"{name}\t{load_protocol(name).protocol.study.title}" for name in shipped_protocols()
    ]


SINGLE_ARM = Path(__file__).parents[1] / "protocol" / "cases" / "single_arm.yaml"


def test_show_names_every_element_and_fits_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    result = run("show", "hcc-resection")
    assert result.exit_code == 0
    assert result.stderr == ""
    protocol = load_protocol("hcc-resection").protocol
    assert result.stdout.startswith(f"{protocol.study.title}\n{protocol.study.id}, protocol version")
    for section in (
        protocol.facts,
        protocol.anchors,
        protocol.populations,
        protocol.events,
        protocol.analyses,
    ):
        for name in section:
            assert re.search(rf"^{name} ", result.stdout, flags=re.MULTILINE), name
    for endpoint in protocol.endpoints.values():
        assert f"\n{endpoint.label}\n---" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100
    assert result.stdout.endswith("Nothing: all of it runs.\n")


def test_show_lists_what_cannot_be_run_yet():
    assert run("show", SINGLE_ARM).stdout.split("Not yet executable\n")[1].splitlines()[1:] == [
        "- visits.end: nothing is measured at it"
    ]
    for trial in ("nct04294498", "nct07120750"):
        assert run("show", trial).stdout.endswith("Nothing: all of it runs.\n")


def test_show_writes_html_markdown_and_json_of_the_same_protocol():
    html, markdown, data = (
        run("show", SINGLE_ARM, "--format", kind).stdout for kind in ("html", "markdown", "json")
    )
    protocol = load_protocol(str(SINGLE_ARM)).protocol
    assert html.startswith("<!doctype html>")
    assert markdown.startswith(f"# {protocol.study.title}\n")
    said = json.loads(data)
    assert (said["format"], said["hash"]) == ("trialwright-show/1", hash_protocol(protocol))
    assert Protocol.from_plain(said["protocol"]) == protocol
    for rule in said["rules"].values():
        assert " is " in rule["sentence"] or " was " in rule["sentence"] or "attests" in rule["sentence"]
        assert render_rule(parse_rule(rule["rule"])) == rule["rule"]
    for sentence in ("above 2000 IU/mL", "28 days"):
        assert all(sentence in shown for shown in (html, markdown))


def test_diff_tells_people_and_programs_what_changed(tmp_path):
    changed = tmp_path / "changed.yaml"
    changed.write_text(
        SINGLE_ARM.read_text(encoding="utf-8").replace("> 2000 IU/mL", "> 100 IU/mL"), encoding="utf-8"
    )
    told = run("diff", SINGLE_ARM, changed)
    assert (told.exit_code, told.stderr) == (0, "")
    assert "threshold changed: `2000 IU/mL` -> `100 IU/mL`" in told.stdout
    data = json.loads(run("diff", SINGLE_ARM, changed, "--format", "json").stdout)
    assert data["format"] == "trialwright-diff/1"
    assert data["sections"] == ["eligibility"]
    assert {one["aspect"] for one in data["differences"]} == {"threshold"}
    assert data["newer"]["file"] == str(changed)
    assert run("diff", SINGLE_ARM, SINGLE_ARM).stdout == "no difference\n"
    assert run("diff", SINGLE_ARM, tmp_path / "none.yaml").exit_code == 1


def test_schema_is_json_on_standard_output():
    result = run("schema")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert json.loads(result.stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_version():
    assert run("--version").stdout == "trialwright 0.1.0\n"


def test_help_names_every_command_and_exit_code():
    assert all(command in run("--help").stdout for command in ("protocols", "show", "schema", "report"))
    text = " ".join(run("report", "--help").stdout.split())
    for words in ("0 done", "1 problems", "2 the command was not understood", "3 the report is written"):
        assert words in text


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["reprot"], id="no such command"),
        pytest.param(["report", "hcc-resection"], id="no --out"),
        pytest.param(["report", "--out", "x"], id="no protocol"),
        pytest.param(["report", "hcc-resection", "--out", "x", "--date", "y"], id="no such option"),
        pytest.param(["show", "a", "b"], id="two protocols"),
    ],
)
def test_a_command_that_is_not_understood(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["show"], ["report", "--out", "out"]], ids=["show", "report"])
def test_an_unknown_protocol_offers_the_nearest(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(command[0], "hcc-resektion", *command[1:])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "error[no-such-protocol]" in result.stderr
    assert "did you mean `hcc-resection`?" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["protocol", "--out", "--mapping", "--data"])
def test_a_path_longer_than_paths_may_be(option, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = {"protocol": "hcc-resection", "--out": "out", option: "x" * 300}
    result = run("report", paths.pop("protocol"), *(word for pair in paths.items() for word in pair))
    assert result.exit_code == 1
    assert "error[" in result.stderr
    assert list(tmp_path.iterdir()) == []


# The report


def test_data_from_which_everything_can_be_estimated(report):
    result, out = report(as_csv(subjects()))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [str(out / name) for name in OUTPUTS]
    assert sorted(path.name for path in out.iterdir()) == OUTPUTS
    assert all((out / name).stat().st_size > 1000 for name in OUTPUTS)
    assert (out / "report.pdf").read_bytes().startswith(b"%PDF")
    rows = by_id(out)
    assert rows["population flow/n_records"]["value"] == 60
    assert rows["rfs_curve/negative/n_subjects"]["value"] == 20
    assert rows["rfs_curve/positive/n_subjects"]["value"] == 40
    assert "not-estimable" not in codes(out)
    table = pl.read_parquet(out / "results.parquet")
    assert table["id"].to_list() == list(rows)
    assert table["value"].to_list() == [row["value"] for row in rows.values()]
    warnings = [line for line in result.stderr.splitlines() if "warning[" in line]
    assert "small-group" in codes(out)
    assert len(warnings) == len(results_of(out)["findings"])
    assert all(line.split(":")[0].endswith("protocol.yaml") for line in warnings)
    assert all(int(line.split(":")[1]) > 1 for line in warnings)


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        pytest.param({"HBsAg": 1}, {"empty-group", "not-estimable"}, id="a group with nobody"),
        pytest.param({"Death": lambda i: int(i % 3 > 0), "Recurrence": lambda i: int(i % 3 > 0)},
                     {"no-events", "not-estimable"}, id="a group with no events"),
        pytest.param({"Death": 0, "Recurrence": 0}, {"no-events", "not-estimable"}, id="everyone censored"),
        pytest.param({"OS": 0, "RFS": 0}, {"not-estimable"}, id="all times zero"),
        pytest.param({"BCLC": 1}, {"not-estimable"}, id="a level of a covariate with nobody"),
    ],
)  # fmt: skip
def test_data_from_which_something_cannot_be_estimated(report, columns, found):
    result, out = report(as_csv(subjects(**columns)))
    assert result.exit_code == 3
    assert sorted(path.name for path in out.iterdir()) == OUTPUTS
    assert found <= codes(out)
    assert all(f"warning[{code}]" in result.stderr for code in found)
    assert all((row["value"] is None) == bool(row["note"]) for row in results_of(out)["results"])


def test_one_subject(report):
    result, out = report(as_csv(subjects(1)))
    assert result.exit_code == 3
    rows = by_id(out)
    assert rows["population flow/n_records"]["value"] == 1
    assert rows["baseline/age/mean"]["value"] == 40
    assert rows["baseline/age/sd"]["value"] is None
    assert rows["rfs_logrank/p_value"]["value"] is None
    assert "1 subjects" not in result.stderr


def test_times_that_differ_in_the_seventh_digit(report):
    result, out = report(as_csv(subjects(OS=lambda i: f"{100 + i / 100_000:.5f}")))
    assert result.exit_code in (0, 3)
    assert sum(id_.startswith("os_curve/negative/curve/") for id_ in by_id(out)) >= 20


def test_a_number_too_large_to_be_squared(report):
    result, _ = report(as_csv(subjects(Age="1e300") + subjects(1, Number=99)))
    assert result.exit_code in (1, 3)
    assert "error[" in result.stderr or "warning[" in result.stderr


# Whatever is wrong, nothing is written

GOOD = as_csv(subjects(6))
ROW = GOOD.splitlines()[1]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        pytest.param("", "no-rows", None, id="empty file"),
        pytest.param(GOOD.splitlines()[0], "no-rows", None, id="no rows"),
        pytest.param(GOOD.replace("RFS", "RFZ"), "missing-column", 1, id="a column missing"),
        pytest.param(GOOD.replace("TNM", "Age"), "duplicate-column", 1, id="a column twice"),
        pytest.param(GOOD.replace("1,40,", "1,forty,"), "not-a-number", 2, id="not a number"),
        pytest.param(as_csv(subjects(6, RFS=lambda i: -1 if i == 4 else 5)), "negative-time", 6, id="negative time"),
        pytest.param(as_csv(subjects(6, HBsAg=lambda i: 9 if i == 5 else 1)), "unknown-code", 7, id="unknown code"),
        pytest.param(as_csv(subjects(6, HBsAg="01")), "unknown-code", 2, id="01 is not 1"),
        pytest.param(GOOD + '"7,40\n', "csv-syntax", 8, id="open quote"),
        pytest.param(GOOD + "7,40\n", "ragged-row", 8, id="ragged row"),
        pytest.param(GOOD + ROW + "\n", "duplicate-subject", 8, id="subject twice"),
        pytest.param(GOOD.replace(",", ";"), "other-separator", 1, id="semicolons"),
        pytest.param(GOOD.encode("utf-16"), "not-utf8", 1, id="utf-16"),
    ],
)  # fmt: skip
def test_data_with_problems(report, text, code, line):
    result, out = report(text)
    assert result.exit_code == 1
    assert nothing_written(result, out)
    place = "patients.csv" if line is None else f"patients.csv:{line}"
    assert f"{place}: error[{code}]" in result.stderr


def edit(text, old, new):
    assert text.count(old) == 1
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("HCC-RESECTION", "OTHER", "mapping.yaml:3:8: error[wrong-study]", id="another study"),
        pytest.param("{ column: Age, unit: years }", "{ column: Age }", "error[unit-mismatch]", id="no unit"),
        pytest.param('"1": positive', '"1": positiv', "did you mean `positive`?", id="no such level"),
        pytest.param("subject: Number", "subject: [Number]", "error[wrong-type]", id="wrong type"),
        pytest.param("facts:", "facts", "error[yaml-syntax]", id="not YAML"),
    ],
)
def test_a_mapping_with_problems(tmp_path, old, new, message):
    mapping, out = tmp_path / "mapping.yaml", tmp_path / "out"
    mapping.write_text(
        edit((SHIPPED / "mapping.yaml").read_text(encoding="utf-8"), old, new), encoding="utf-8"
    )
    result = run(
        "report",
        "hcc-resection",
        "--data",
        SHIPPED / "hepatoCellular.csv",
        "--mapping",
        mapping,
        "--out",
        out,
    )
    assert result.exit_code == 1
    assert nothing_written(result, out)
    assert message in result.stderr


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param(["--data", "none.csv"], "unreadable-file", id="no data file"),
        pytest.param(["--data", "."], "no-datasets", id="a folder without datasets"),
        pytest.param(["--mapping", "none.yaml"], "no-mapping", id="no mapping file"),
        pytest.param(["--mapping", "."], "no-mapping", id="a folder for the mapping"),
    ],
)
def test_files_that_are_not_there(options, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("report", "hcc-resection", "--out", "out", *options)
    assert result.exit_code == 1
    assert nothing_written(result, tmp_path / "out")
    assert f"error[{code}]" in result.stderr


TINY = {
    "protocol.yaml": """\
format: trialwright/1
study: { id: TINY, title: A tiny study, type: observational, allocation: not applicable }
facts:
  age: { label: Age, kind: number, unit: years }
  arm: { label: Arm, kind: category, levels: { a: A, b: B } }
populations: { everyone: { label: Everyone } }
events: { death: { reported: true } }
endpoints:
  os: { label: Survival, kind: time to event, role: primary, time to: death, unit: months, reported: true }
analyses:
  curve:
    { method: kaplan-meier, title: T, population: everyone, endpoint: os, by: arm, read at: [2 months],
      ticks every: 2 months }
  model: { method: cox, title: T, population: everyone, endpoint: os, covariates: [age, arm] }
""",
    "mapping.yaml": """\
format: trialwright-mapping/1
study: TINY
file: tiny.csv
subject: id
facts:
  age: { column: Age, unit: years }
  arm: { column: Arm, values: { x: a, y: b } }
endpoints:
  os: { time: Months, unit: months, status: Dead, event: ["1"], censored: ["0"] }
""",
    "tiny.csv": """\
id,Age,Arm,Months,Dead
1,50,x,1,1
2,60,x,4,1
3,55,x,5,0
4,52,y,2,1
5,61,y,3,0
6,70,y,6,1
""",
}


@pytest.fixture
def tiny(tmp_path):
    """Write the tiny study to a folder, edited, and report it."""

    def run_edited(file="protocol.yaml", *edits, out=tmp_path / "out"):
        folder = tmp_path / "tiny"
        folder.mkdir(exist_ok=True)
        for name, text in TINY.items():
            for old, new in edits if name == file else ():
                text = edit(text, old, new)
            (folder / name).write_text(text, encoding="utf-8")
        return run("report", folder, "--out", out), out

    return run_edited


def test_mapping_and_data_beside_the_protocol_need_no_options(tiny):
    result, out = tiny()
    assert result.exit_code == 0, result.stderr
    assert by_id(out)["curve/a/at/2/survival"]["value"] == pytest.approx(2 / 3)  # 1 of 3 died by then


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("arm:", "arm", "error[yaml-syntax]", id="not YAML"),
        pytest.param("by: arm", "by: amr", "fix: did you mean `arm`?", id="a name that resolves to nothing"),
        pytest.param("title: A tiny study", "titel: A tiny study", "protocol.yaml:2:20: error[unknown-key]",
                     id="unknown key"),
        pytest.param("by: arm", "by: groups", "error[", id="groups, which are not derived yet"),
        pytest.param("unit: months, reported: true", "unit: months", "error[not-yet-executable]",
                     id="an endpoint that is not derived yet"),
    ],
)  # fmt: skip
def test_a_protocol_with_problems(tiny, old, new, message):
    edits = [(":\n  age", "\n  age")] if old == "arm:" else [(old, new)]
    result, out = tiny("protocol.yaml", *edits)
    assert result.exit_code == 1
    assert nothing_written(result, out)
    assert message in result.stderr


def test_a_trial_without_its_records_is_told_how_to_give_them(tmp_path):
    result = run("report", "nct04294498", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert nothing_written(result, tmp_path / "out")
    assert "fix: give the folder of the trial's records: `--data DIR`" in result.stderr
    result = run("report", "nct04294498", "--data", tmp_path / "nothing", "--out", tmp_path / "out")
    assert "error[unreadable-file]" in result.stderr
    assert "not-yet-executable" not in result.stderr


def test_a_protocol_without_analyses(tiny):
    start = TINY["protocol.yaml"].index("analyses:")
    result, out = tiny("protocol.yaml", (TINY["protocol.yaml"][start:], ""))
    assert result.exit_code == 1
    assert nothing_written(result, out)
    assert "error[no-analyses]" in result.stderr


def test_a_curve_without_reading_times(tiny):
    result, out = tiny("protocol.yaml", (" read at: [2 months],", ""))
    assert result.exit_code == 0
    assert by_id(out)["curve/a/median"]["value"] == 4


def test_the_name_of_a_fact_changes_no_number(tiny, tmp_path):
    _, out = tiny()
    rename = [("  age:", "  event_observed:"), ("[age, arm]", "[event_observed, arm]")]
    folder = tmp_path / "renamed"
    folder.mkdir()
    for name, text in TINY.items():
        for old, new in rename:
            text = text.replace(old, new)
        (folder / name).write_text(text, encoding="utf-8")
    result = run("report", folder, "--out", tmp_path / "renamed-out")
    assert result.exit_code == 0, result.stderr
    ours, theirs = by_id(out), by_id(tmp_path / "renamed-out")
    renamed = {id_.replace("/age/", "/event_observed/"): row["value"] for id_, row in ours.items()}
    assert {id_: row["value"] for id_, row in theirs.items()} == renamed


# The folder


def test_a_folder_that_is_there_gets_the_new_report_and_keeps_the_rest(tiny, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    (out / "report.html").write_text("old", encoding="utf-8")
    result, _ = tiny()
    assert result.exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["notes.txt", *OUTPUTS]
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert (out / "report.html").read_text(encoding="utf-8") != "old"


def test_a_folder_that_is_there_is_left_alone_when_there_are_problems(tiny, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in OUTPUTS:
        (out / name).write_text("old", encoding="utf-8")
    result, _ = tiny("tiny.csv", ("2,60,x,4,1", "2,60,x,-4,1"))
    assert result.exit_code == 1
    assert {path.name: path.read_text(encoding="utf-8") for path in out.iterdir()} == dict.fromkeys(
        OUTPUTS, "old"
    )


def test_folders_on_the_way_are_made(tiny, tmp_path):
    result, out = tiny(out=tmp_path / "a" / "b" / "c")
    assert result.exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == OUTPUTS


@pytest.mark.parametrize("below", ["", "deeper/still"], ids=["the folder is a file", "a file on the way"])
def test_a_file_where_the_folder_should_be(tiny, tmp_path, below):
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    result, _ = tiny(out=file / below)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "error[unwritable-folder]" in result.stderr
    assert file.read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for root")
def test_a_folder_without_permission(tiny, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    for out in (locked, locked / "out"):
        result, _ = tiny(out=out)
        assert result.exit_code == 1
        assert "error[unwritable-folder]" in result.stderr
    assert list(locked.iterdir()) == []


def test_when_one_file_cannot_be_put_in_place_none_is(tiny, tmp_path):
    out = tmp_path / "out"
    (out / "results.json").mkdir(parents=True)
    (out / "report.html").write_text("old", encoding="utf-8")
    result, _ = tiny()
    assert result.exit_code == 1
    assert "error[unwritable-folder]" in result.stderr
    assert sorted(path.name for path in out.iterdir()) == ["report.html", "results.json"]
    assert (out / "report.html").read_text(encoding="utf-8") == "old"


# As a program of its own


@pytest.mark.parametrize(
    ("arguments", "exit_code", "stdout", "stderr"),
    [
        pytest.param(["--version"], 0, "trialwright 0.1.0", "", id="0: done"),
        pytest.param(["show", "hcc-resektion"], 1, "", "error[no-such-protocol]", id="1: problems"),
        pytest.param(["reprot"], 2, "", "No such command", id="2: not understood"),
    ],
)
def test_exit_codes_and_streams_of_the_program(arguments, exit_code, stdout, stderr):
    result = run_apart(*arguments)
    assert result.returncode == exit_code
    assert result.stdout.startswith(stdout)
    assert bool(result.stdout) == bool(stdout)
    assert stderr in result.stderr
    assert bool(result.stderr) == bool(stderr)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("before", "within"), [(None, "1"), ("2", "2")])
@pytest.mark.parametrize("name", [name for name in SETTINGS if name.endswith("THREADS")])
def test_linear_algebra_and_tables_keep_to_one_thread_unless_told_otherwise(
    name, before, within, monkeypatch
):
    for one, value in SETTINGS.items():
        monkeypatch.setenv(one, value)
    monkeypatch.setenv(name, before or "")
    if before is None:
        monkeypatch.delenv(name)
    found = []
    monkeypatch.setattr(main, "app", lambda: found.append(os.environ[name]))
    main.main()
    assert found == [within]


def test_exit_code_of_the_program_when_something_could_not_be_estimated(tmp_path):
    for name, text in TINY.items():
        (tmp_path / name).write_text(text.replace(",1\n", ",0\n"), encoding="utf-8")
    result = run_apart("report", tmp_path, "--out", tmp_path / "out")
    assert result.returncode == 3
    assert result.stdout.splitlines() == [str(tmp_path / "out" / name) for name in OUTPUTS]
    assert "warning[not-estimable]" in result.stderr
    assert "Traceback" not in result.stderr
