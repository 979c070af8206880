"""The reference of keys: complete by the JSON Schema, and in words worked out by hand."""

import re

import pytest
from tests.docs.reference_page import render_reference_page

from trialwright.protocol.loading import protocol_schema

PAGE = render_reference_page()


def rows(heading):
    """The cells of each row of a section, without its key, by the key."""
    section = PAGE.split(f"# {heading}\n", 1)[1].split("\n#", 1)[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {one[0].strip("`"): one[1:] for one in cells}


def models():
    schema = protocol_schema()
    yield "Protocol", schema
    yield from schema["$defs"].items()


@pytest.mark.parametrize(("name", "model"), [*models()], ids=[name for name, _ in models()])
def test_every_key_and_every_allowed_word_is_on_the_page(name, model):
    for key, value in model.get("properties", {}).items():
        found = re.findall(rf"^\| `{re.escape(key)}` \| .*$", PAGE, flags=re.MULTILINE)
        assert found, f"{name}: {key}"
        for word in words_of(value):
            assert any(f"`{word}`" in row for row in found), f"{name}: {key}: {word}"
        description = " ".join(value.get("description", "").split()).replace("|", "\\|")
        assert any(description in row for row in found), f"{name}: {key}"


def words_of(value):
    yield from value.get("enum", [])
    for choice in value.get("anyOf", []):
        yield from words_of(choice)


@pytest.mark.parametrize(
    ("heading", "key", "stands", "default"),
    [
        ("The whole file", "study", "[study](#study)", "**required**"),
        ("The whole file", "facts", "named elements: [facts](#facts)", ""),
        ("The whole file", "time zero", "date", ""),
        ("study", "enrolment", "whole number above 0 up to 10,000,000", ""),
        ("study", "conditions", "list of texts", ""),
        ("treatments", "dose", "number and unit", ""),
        ("treatments", "every", "length of time", ""),
        ("periods", "span", "span", "**required**"),
        ("clocks", "within", "reach", ""),
        ("clocks", "every", "length of time, or one to another", ""),
        ("events", "when", "rule", ""),
        ("events", "within", "length of time", ""),
        ("events", "reported", "`true` or `false`", "`false`"),
        ("endpoints", "time to", "name, or a list of them", ""),
        ("endpoints", "censored at", "selection", ""),
        ("endpoints: censoring", "at", "selection", "**required**"),
        ("facts", "absence", "`no`, `unknown`, `ask`", "`unknown`"),
        ("design", "alpha", "probability", ""),
        ("analyses: cox", "ties", "`efron`, `breslow`", "`efron`"),
        ("reporting", "small group subjects", "whole number from 0 on", "`30`"),
    ],
)
def test_types_are_told_in_words(heading, key, stands, default):
    assert rows(heading)[key][:2] == [stands, default]


def test_examples_are_what_the_shipped_protocols_say():
    assert rows("treatments")["dose"][2].endswith("Example: `1500 mg`")
    assert rows("visits")["counts from"][2] == ("Whether a late contact moves those that follow.")


def test_tables_have_four_cells_in_every_row():
    lines = [line for line in PAGE.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {5}
