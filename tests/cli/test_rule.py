"""The command `trialwright rule`: exit codes and streams, the examples, and rules and files that mean harm."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trialwright.apps.cli.main import app

ROOT = Path(__file__).parents[2]
PATIENTS = ROOT / "examples" / "patients"
SCREENING = PATIENTS / "screening.yaml"
ALT = "last(alt, 28 days) > 40 U/L"


def run(*arguments, **environment):
    """The command, in this process; what it raises beside an exit is an error of the test."""
    result = CliRunner().invoke(app, ["rule", *map(str, arguments)], env={"COLUMNS": "80", **environment})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def commands_in(text):
    """What stands after `trialwright rule` in lines of a shell, comments and continued lines included."""
    joined = re.sub(r"\\\n#?\s*", "", text)
    for line in re.findall(r"^#?\s*trialwright rule (.*)$", joined, flags=re.MULTILINE):
        yield shlex.split(line, comments=True)


# ---- what it says


def test_a_verdict_goes_to_standard_output():
    result = run("last(hbv_dna, 28 days) > 2000 IU/mL", "--patient", SCREENING)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "met: the last HBV DNA within 28 days before 2026-03-31 is above 2000 IU/mL\n"
        "  - HBV DNA: 3400 IU/mL, 2026-03-20 (line 22)\n"
    )


def test_an_unknown_verdict_is_an_answer_too():
    result = run("last(creatinine, 28 days) > 1.5 ULN", "--patient", SCREENING)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("unknown (stale): ")


def test_warnings_go_to_standard_error():
    result = run("last(alt) > 40 U/L", "--patient", SCREENING)
    assert result.exit_code == 0
    assert result.stdout.startswith("met: the last ALT is above 40 U/L\n")
    assert result.stderr.startswith("rule:1:6: warning[window-not-stated]: ")


def test_problems_end_it_with_1_and_their_place():
    result = run("last(altt, 28 days) > 40 U/L", "--patient", SCREENING)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("rule:1:6: error[unknown-fact]: there is no fact `altt`\n")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="no rule"),
        pytest.param([ALT], id="neither a patient nor --explain"),
        pytest.param([ALT, "--explain", "--anchor", "2026-03-31"], id="a date for nobody"),
        pytest.param([ALT, "--patient"], id="no file"),
        pytest.param([ALT, "--colour"], id="no such option"),
    ],
)
def test_what_is_not_understood_ends_it_with_2(arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr


def test_the_anchor_may_be_another():
    result = run("last(creatinine, 28 days) > 1.5 ULN", "--patient", SCREENING, "--anchor", "2026-01-20")
    assert result.stdout.startswith("not met: the last creatinine within 28 days before 2026-01-20 ")


def test_a_protocol_says_what_rules_may_name():
    explained = run("attested(locoregional) and last(hcc_size, 28 days) > 3 cm", "--explain")
    assert explained.exit_code == 1
    protocol = ROOT / "tests" / "protocol" / "cases" / "single_arm.yaml"
    explained = run("attested(not_for_locoregional_therapy)", "--explain", "--protocol", protocol)
    assert explained.exit_code == 0
    assert "attestation, by the investigator" in explained.stdout


def test_an_explanation_names_facts_of_the_patient_file_and_ends_with_the_verdict():
    result = run("not had(liver_transplant)", "--explain", "--patient", SCREENING)
    assert result.exit_code == 0
    parts = [part.split(":")[0].split("\n")[0] for part in result.stdout.split("\n\n")]
    assert parts == ["not had(liver_transplant)", "means", "asks for", "hash", "SQL (DuckDB)", "met"]


@pytest.mark.parametrize(
    "environment",
    [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"FORCE_COLOR": "1"}, {"PY_COLORS": "1", "TERM": "xterm-256color"}],
    ids=lambda environment: " ".join(environment),
)
@pytest.mark.parametrize("rule", [ALT, "last(alt) > 40 U/L", "last(altt, 28 days) > 40 U/L"])
def test_it_is_as_plain_on_every_terminal(rule, environment):
    result = run(rule, "--patient", SCREENING, **environment)
    plain = run(rule, "--patient", SCREENING)
    assert (result.stdout, result.stderr) == (plain.stdout, plain.stderr)
    assert "\x1b" not in result.output


def test_it_fits_a_terminal_of_80_columns():
    rule = "not (last(bclc_stage, 28 days) is C or attested(not_for_locoregional_therapy)) and age < 70 years"
    result = run(rule, "--patient", SCREENING)
    assert result.exit_code == 0
    assert max(map(len, result.stdout.split("\n"))) <= 80


# ---- the examples


@pytest.mark.parametrize("file", sorted(PATIENTS.glob("*.yaml")), ids=lambda file: file.stem)
def test_examples_at_the_head_of_the_patient_files_run(file, monkeypatch):
    monkeypatch.chdir(ROOT)
    commands = list(commands_in(file.read_text(encoding="utf-8")))
    assert len(commands) >= 3
    for command in commands:
        assert run(*command).exit_code == 0, command


def test_each_example_of_doubt_is_unknown_for_a_reason_of_its_own(monkeypatch):
    monkeypatch.chdir(ROOT)
    text = (PATIENTS / "doubtful.yaml").read_text(encoding="utf-8")
    answers = [run(*command).stdout for command in commands_in(text)]
    assert all(answer.startswith("unknown (") for answer in answers)
    # two are of imprecise dates, one of birth and one of a result
    assert len({answer.split("To confirm")[1].split(":")[2] for answer in answers}) == len(answers) == 7


def test_the_readme_shows_what_is_said(monkeypatch):
    monkeypatch.chdir(ROOT)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = list(commands_in(readme))
    assert len(commands) == 3
    for command in commands:
        assert run(*command).exit_code == 0, command
    shown = re.findall(r"```\n(unknown .*?)```", readme, flags=re.DOTALL)
    result = run(
        "last(creatinine, 28 days) > 1.5 ULN", "--patient", "examples/patients/screening.yaml", COLUMNS="100"
    )
    assert shown == [result.stdout]


# ---- rules and files that mean harm

CYRILLIC_A, ZERO_WIDTH, RIGHT_TO_LEFT, FULL_WIDTH_3 = "\u0430", "\u200b", "\u202e", "\uff13"
HOSTILE_RULES = {
    "a megabyte of parentheses": "(" * 1_000_000,
    "a megabyte of pairs": "()" * 500_000,
    "deep nesting": "(" * 4_000 + "age > 3 years" + ")" * 4_000,
    "many nots": "not " * 2_400 + "age > 3 years",
    "a very long name": "a" * 200_000,
    "a very long number": "age > " + "9" * 9_000 + " years",
    "a very small number": f"last(alt, 28 days) > 0.{'0' * 9_000}1 U/L",
    "many conditions": " and ".join(["age > 3 years"] * 20_000),
    "quotes that never end": '"' * 9_000,
    "a null": "age > 3\x00 years",
    "an escape sequence": "\x1b]0;hacked\x07age > 3 years",
    "a letter that looks alike": f"{CYRILLIC_A}ge > 3 years",
    "a space of no width": f"age{ZERO_WIDTH} > 3 years",
    "text from right to left": f"age > 3 years {RIGHT_TO_LEFT}",
    "a digit of another width": f"age > {FULL_WIDTH_3} years",
    "a lone surrogate": "age > \ud800 years",
    "nothing": "",
    "blanks": " \t\n" * 3_000,
    "an unknown function": "system(alt, 28 days) > 3 U/L",
    "an import": "__import__('os').system('id')",
    "a file": "open('/etc/passwd')",
    "an attribute": "alt.__class__ > 3",
    "an item": "alt['x'] > 3",
    "a lambda": "(lambda: 1)() > 3",
    "a template": "{{7*7}} > 3",
    "a shell": "$(id) > 3",
    "another statement of SQL": "last(alt, 28 days) > 3 U/L; DROP TABLE observations",
    "a name for SQL": "last(\"alt' OR 1=1 --\", 28 days) > 3 U/L",
    "a level for SQL": "last(bclc_stage, 28 days) is \"A') OR TRUE --\"",
}  # fmt: skip


@pytest.mark.parametrize("rule", HOSTILE_RULES.values(), ids=HOSTILE_RULES)
def test_a_hostile_rule_gets_a_located_message_at_once(rule, cpu_seconds):
    run("age > 3 years", "--patient", SCREENING)  # what has to be imported is not the rule's fault
    with cpu_seconds(1):
        result = run("--patient", SCREENING, "--", rule)
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.match(r"rule:\d+:\d+: error\[[a-z-]+\]: ", result.stderr)
    assert len(result.stderr) < 1_000
    assert result.stderr.replace("\n", "").isprintable()


HOSTILE_FILES = {
    "ten megabytes": "anchor: 2026-03-31\nrecords:\n  alt:\n" + "    - 45 U/L\n" * 800_000,
    "deep": "anchor: 2026-03-31\nrecords: { alt: " + "[" * 100_000,
    "one line": "anchor: 2026-03-31\nrecords: { altt: '" + "1" * 900_000 + " U/L' }",
    "aliases": "anchor: &a [2026]\nrecords: " + "{ x: [" + "*a, " * 9 + "] }",
    "a tag": "anchor: !!python/object/apply:os.system [id]\n",
    "no YAML": "anchor: [\n",
    "no text": "anchor: \x00\n",
    "an escape sequence": 'anchor: 2026-03-31\npatient: "\\e]0;hacked\\a"\nrecords: { altt: 3 }\n',
    "an unknown fact": "anchor: 2026-03-31\nrecords: { altt: 3 }\n",
    "an unknown unit": "anchor: 2026-03-31\nfacts: { size: { label: x, kind: number, unit: ells } }\n",
    "a date of no calendar": "anchor: 2026-02-30\n",
    "a date backwards": "anchor: 2026-03-31\nrecords: { alt: { 2026-03-02/2026-03-01: 4 U/L } }\n",
    "a period backwards": "anchor: 2026-03-31\nperiods: { a: 2026-03-02 to 2026-03-01 }\n",
    "born too late": "anchor: 2026-03-31\nborn: 2026-04-01\n",
}


@pytest.mark.parametrize("text", HOSTILE_FILES.values(), ids=HOSTILE_FILES)
def test_a_wrong_patient_file_gets_a_located_message_at_once(text, tmp_path, cpu_seconds):
    run("age > 3 years", "--patient", SCREENING)
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    with cpu_seconds(1):
        result = run("age > 3 years", "--patient", path)
    assert (result.exit_code, result.stdout) == (1, "")
    place = "" if len(text) > 1_000_000 else r":\d+:\d+"
    assert re.match(rf"{re.escape(str(path))}{place}: error\[[a-z-]+\]: ", result.stderr)
    assert len(result.stderr) < 2_000
    assert result.stderr.replace("\n", "").isprintable()


def test_thousands_of_results_of_one_day_are_answered_at_once(tmp_path, cpu_seconds):
    run("age > 3 years", "--patient", SCREENING)
    path = tmp_path / "p.yaml"
    results = ", ".join(["30 U/L", "50 U/L"] * 1_000)
    path.write_text(
        f"anchor: 2026-03-31\nrecords: {{ alt: {{ 2026-03-20: [{results}] }} }}\n", encoding="utf-8"
    )
    with cpu_seconds(1):
        result = run("last(alt, 28 days) > 40 U/L", "--patient", path)
    assert result.exit_code == 0
    assert result.stdout.startswith("unknown (conflict)")
    assert "- and 1994 more\n" in result.stdout


@pytest.mark.parametrize(
    "rule",
    [
        "last(alt, 28 days) > 1.5 ULN",
        "last(creatinine, 28 days) > 3 mg/dL",
        "last(alt, 28 days) > 3 * baseline(alt)",
        "ratio(last(creatinine, 28 days)) > ratio(last(alt, 28 days))",
    ],
)
def test_numbers_out_of_this_world_are_doubted(rule, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(
        "anchor: 2026-03-31\nbaseline: 2026-03-01\nrecords:\n"
        "  alt: { 2026-03-20: 1.7e308 U/L (ULN 40), 2026-02-20: 1.7e308 U/L }\n"
        "  creatinine: { 2026-03-20: 1.7e308 g/L, 2026-02-20: 1e-300 mg/dL }\n",
        encoding="utf-8",
    )
    result = run(rule, "--patient", path)
    assert result.stdout.startswith("unknown (unreadable)")


def test_a_folder_and_a_file_that_is_not_there(tmp_path):
    for path in (tmp_path, tmp_path / "nobody.yaml"):
        result = run("age > 3 years", "--patient", path)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"{path}: error[unreadable-file]: ")
