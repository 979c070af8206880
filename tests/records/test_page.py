"""The page about records says what the program does: its tables, its example and its message."""

import re
from pathlib import Path

import pytest

from trialwright.records.laboratory import read_laboratory, read_laboratory_mapping
from trialwright.records.results import standard_bounds
from trialwright.records.sdtm import Core, domains

PAGE = (Path(__file__).parents[2] / "docs" / "records.md").read_text(encoding="utf-8")


def block(name):
    return re.search(rf"<!-- {name} -->\n```\w*\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.fixture
def dataset(tmp_path):
    (tmp_path / "laboratory.yaml").write_text(block("mapping"), encoding="utf-8")
    (tmp_path / "laboratory.csv").write_text(block("file"), encoding="utf-8")
    mapping, _ = read_laboratory_mapping(tmp_path / "laboratory.yaml")
    return read_laboratory(tmp_path / mapping.file, mapping)


def test_every_domain_is_in_the_table():
    rows = re.findall(r"^\| `([A-Z]{2})` (.*?) \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    assert [
        (name, label, structure, tuple(re.findall(r"`(\w+)`", keys))) for name, label, structure, keys in rows
    ] == [(domain.name, domain.label, domain.structure, domain.keys) for domain in domains().values()]


def test_the_variables_that_are_ours_are_said_to_be():
    ours = [
        variable.name
        for domain in domains().values()
        for variable in domain.variables.values()
        if variable.core is Core.OURS
    ]
    assert re.findall(r"`(\w+)` \(ours\)", PAGE) == list(dict.fromkeys(ours))


def test_the_example_gives_what_the_page_says(dataset):
    assert dataset.table.height == 6
    (problem,) = dataset.warnings
    assert str(problem) + "\n" == block("warning")


def test_a_result_in_parts(dataset):
    row = dataset.table.row(2, named=True)
    parts = dict(re.findall(r"^\| [^|]* \| `(LB\w+)`[^|]*\| `?([^|`]*?)`? \|$", PAGE, re.MULTILINE))
    for name in ("LBORRES", "LBORCMP", "LBMETHOD"):
        assert row[name] == parts[name]
    assert row["LBORRESN"] == float(parts["LBORRESN"]) == 20
    assert f"`{row['LBSTRESC']}`, `{row['LBSTRESU']}`" in PAGE
    assert row["LBSTRESN"] is None
    lo, hi, lo_open, hi_open = standard_bounds(dataset.table, floor=0).row(2)
    assert (lo, round(hi, 3), lo_open, hi_open) == (0, 3.436, False, True)  # 20 / 5.82
