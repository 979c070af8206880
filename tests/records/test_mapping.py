"""Column mappings: read with the place of everything, and refused with it."""

import pytest

from trialwright.records.mapping import read_mapping
from trialwright.vocabulary.problems import ProblemsFound

MAPPING = """\
format: trialwright-mapping/1
study: T-1
file: patients.csv
missing: ["", NA]
subject: id
facts:
  age: { column: Age, unit: years }
  arm: { column: Arm, values: { "1": a, "2": b, "010": c } }
endpoints:
  os: { time: Months, unit: months, status: Dead, event: ["1"], censored: ["0"] }
"""


def edit(old, new):
    assert MAPPING.count(old) == 1
    return MAPPING.replace(old, new)


def read(tmp_path, text):
    path = tmp_path / "mapping.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_mapping(path)


def problems_of(tmp_path, text):
    with pytest.raises(ProblemsFound) as caught:
        read(tmp_path, text)
    return caught.value.problems


def test_mapping_ok(tmp_path):
    mapping, document = read(tmp_path, MAPPING)
    assert (mapping.study, mapping.file, mapping.subject, mapping.separator, mapping.decimal) == (
        "T-1",
        "patients.csv",
        "id",
        ",",
        ".",
    )
    assert mapping.missing == ("", "NA")
    assert (mapping.facts["age"].column, mapping.facts["age"].unit, mapping.facts["age"].values) == (
        "Age",
        "years",
        {},
    )
    assert mapping.facts["arm"].values == {"1": "a", "2": "b", "010": "c"}
    assert (mapping.endpoints["os"].event, mapping.endpoints["os"].censored) == (("1",), ("0",))
    assert str(document.place_of(("facts", "arm", "values", "010"))) == "mapping.yaml:8:56"


def test_nothing_is_missing_but_the_empty_cell_unless_it_is_said(tmp_path):
    mapping, _ = read(tmp_path, edit('missing: ["", NA]\n', ""))
    assert mapping.missing == ("",)


def test_codes_that_are_keys_are_text_without_quotes_too(tmp_path):
    mapping, _ = read(
        tmp_path, edit('{ "1": a, "2": b, "010": c }', "{ 1: a, 10: b, 010: c, yes: a, 1.0: b }")
    )
    assert mapping.facts["arm"].values == {"1": "a", "10": "b", "010": "c", "yes": "a", "1.0": "b"}


@pytest.mark.parametrize(
    ("separator", "value"), [('","', ","), ('";"', ";"), (r'"\t"', "\t"), ('"|"', "|")], ids=["comma", "semicolon", "tab", "bar"]
)  # fmt: skip
def test_separators(tmp_path, separator, value):
    mapping, _ = read(tmp_path, MAPPING + f"separator: {separator}\n")
    assert mapping.separator == value


@pytest.mark.parametrize(
    ("old", "new", "code", "place", "field", "fix"),
    [
        pytest.param("mapping/1", "mapping/2", "unknown-value", (1, 9), "format", None, id="another language"),
        pytest.param("subject: id\n", "", "missing-key", (1, 1), "", "", id="no subject"),
        pytest.param("column: Age", "colum: Age", "missing-key", (7, 3), "facts.age", "", id="no column"),
        pytest.param("unit: years", "units: years", "unknown-key", (7, 23), "facts.age.units",
                     "did you mean `unit`?", id="unknown key"),
        pytest.param("unit: months", "unit: month", "unknown-value", (10, 29), "endpoints.os.unit",
                     "did you mean `months`?", id="unit in the singular"),
        pytest.param("unit: months", "unit: hours", "unknown-value", (10, 29), "endpoints.os.unit", None,
                     id="unit that times do not have"),
        pytest.param('event: ["1"]', "event: [1]", "wrong-type", (10, 59), "endpoints.os.event[0]",
                     "put it in quotes", id="code without quotes"),
        pytest.param('event: ["1"]', 'event: "1"', "wrong-type", (10, 58), "endpoints.os.event", "",
                     id="one code, not a list"),
        pytest.param('event: ["1"]', "event: []", "empty", (10, 58), "endpoints.os.event", "",
                     id="no code for an event"),
        pytest.param('censored: ["0"]', "censored: []", "empty", (10, 75), "endpoints.os.censored", "",
                     id="no code for censored"),
        pytest.param('missing: ["", NA]', "missing: NA", "wrong-type", (4, 10), "missing", "",
                     id="one missing code, not a list"),
        pytest.param('missing: ["", NA]', "missing: [NA, 9]", "wrong-type", (4, 15), "missing[1]",
                     "put it in quotes", id="a number as missing code"),
        pytest.param('"2": b', '"2": b c', "malformed-name", (8, 46), "facts.arm.values.2", "",
                     id="level with a space"),
        pytest.param('"2": b', '"1": b', "duplicate-key", (8, 41), "facts.arm.values.1", "",
                     id="one code twice"),
        pytest.param("  age:", "  Age:", "malformed-name", (7, 3), "facts.Age", "", id="fact with a capital"),
        pytest.param("subject: id", 'subject: id\nseparator: ":"', "unknown-value", (6, 12), "separator", "",
                     id="no such separator"),
        pytest.param("subject: id", 'subject: id\ndecimal: ";"', "unknown-value", (6, 10), "decimal", "",
                     id="no such decimal sign"),
    ],
)  # fmt: skip
def test_mapping_broken(tmp_path, old, new, code, place, field, fix):
    problem = problems_of(tmp_path, edit(old, new))[0]
    assert problem.code == code
    assert (problem.place.file, problem.place.line, problem.place.column) == ("mapping.yaml", *place)
    assert problem.field == field
    assert fix is None or problem.fix == fix


def test_all_problems_come_at_once_in_the_order_of_the_file(tmp_path):
    text = (
        MAPPING.replace("study: T-1", "study: 1").replace("column: Age", "column: 2").replace("time:", "tim:")
    )
    assert [(problem.code, problem.place.line) for problem in problems_of(tmp_path, text)] == [
        ("wrong-type", 2),
        ("wrong-type", 7),
        ("missing-key", 10),
        ("unknown-key", 10),
    ]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        pytest.param("", "wrong-type", None, id="empty file"),
        pytest.param("a,b\n1,2\n", "wrong-type", 1, id="the data file itself"),
        pytest.param(MAPPING.replace("id\n", "id: 1\n"), "yaml-syntax", 5, id="not YAML"),
        pytest.param(MAPPING.encode().replace(b"Age", b"\xc4ge"), "not-utf8", 7, id="latin-1"),
    ],
)
def test_files_that_are_no_mapping(tmp_path, text, code, line):
    (problem,) = problems_of(tmp_path, text)
    assert (problem.code, problem.place.line) == (code, line)


def test_a_mapping_that_cannot_be_opened(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ProblemsFound) as caught:
            read_mapping(path)
        assert [problem.code for problem in caught.value.problems] == ["unreadable-file"]
