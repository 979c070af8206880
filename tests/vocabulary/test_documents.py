"""YAML documents: what they mean, where everything stands, and what is refused with its place."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trialwright.vocabulary import documents
from trialwright.vocabulary.documents import (
    MAX_BYTES,
    MAX_DEPTH,
    canonical_hash,
    canonical_json,
    dotted,
    read_document,
)
from trialwright.vocabulary.problems import Place, ProblemsFound


def read(text):
    return read_document(text, "f.yaml")


def refused(text):
    """The one problem of a text: its code, line and column."""
    with pytest.raises(ProblemsFound) as caught:
        read(text)
    (problem,) = caught.value.problems
    assert problem.place is not None
    assert problem.place.file == "f.yaml"
    return problem.code, problem.place.line, problem.place.column


BLOCK_AND_FLOW = """\
# a comment above
study:
  id: "T-1"
  title: >-
    Several
    lines
  caution:
    - one
    -   { deep: [x, "y"] }
after: 'two
  lines'
end: 1
"""
KEYS = {
    ("study",): (2, 1),
    ("study", "id"): (3, 3),
    ("study", "title"): (4, 3),
    ("study", "caution"): (7, 3),
    ("study", "caution", 1, "deep"): (9, 11),
    ("after",): (10, 1),
    ("end",): (12, 1),
}
VALUES = {
    (): (2, 1),
    ("study",): (3, 3),
    ("study", "id"): (3, 7),
    ("study", "title"): (4, 10),
    ("study", "caution"): (8, 5),
    ("study", "caution", 0): (8, 7),
    ("study", "caution", 1): (9, 9),
    ("study", "caution", 1, "deep"): (9, 17),
    ("study", "caution", 1, "deep", 0): (9, 18),
    ("study", "caution", 1, "deep", 1): (9, 21),
    ("after",): (10, 8),
    ("end",): (12, 6),
}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BLOCK_AND_FLOW, id="as it is"),
        pytest.param(BLOCK_AND_FLOW.replace("\n", "\r\n"), id="lines of Windows"),
        pytest.param(BLOCK_AND_FLOW.replace("\n", "\r"), id="lines of old Macs"),
        pytest.param("\ufeff" + BLOCK_AND_FLOW, id="byte order mark in text"),
        pytest.param(b"\xef\xbb\xbf" + BLOCK_AND_FLOW.encode(), id="byte order mark in bytes"),
    ],
)
def test_places_of_keys_and_values(text):
    document = read(text)
    assert {path: (place.line, place.column) for path, place in document.key_places.items()} == KEYS
    assert {path: (place.line, place.column) for path, place in document.value_places.items()} == VALUES
    assert document.data == {
        "study": {"id": "T-1", "title": "Several lines", "caution": ["one", {"deep": ["x", "y"]}]},
        "after": "two lines",
        "end": 1,
    }


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        pytest.param("a:\nb: 1\n", ("a",), 1, id="before the next key"),
        pytest.param("s:\n  a:\n\n\n  b: 1\n", ("s", "a"), 2, id="before blank lines"),
        pytest.param("s:\n  a:\nb: 1\n", ("s", "a"), 2, id="last of its mapping"),
        pytest.param("b: 1\na:\n", ("a",), 2, id="last of all"),
        pytest.param("-\n- b\n", (0,), 1, id="in a list"),
        pytest.param("{a: , b: 1}", ("a",), 1, id="between braces"),
    ],
)
def test_place_of_a_value_left_empty_is_on_the_line_of_its_key(text, path, line):
    assert read(text).value_places[path].line == line


def test_columns_count_characters_whatever_their_width():
    document = read("肝: {é: 1, 😀: [2]}")
    assert document.key_places["肝", "😀"] == Place("f.yaml", 1, 11)
    assert document.value_places["肝", "😀", 0] == Place("f.yaml", 1, 15)


@pytest.mark.parametrize(
    ("path", "key", "place"),
    [
        pytest.param(("study", "id"), False, (3, 7), id="a value"),
        pytest.param(("study", "id"), True, (3, 3), id="its key"),
        pytest.param(("study", "caution", 0), True, (8, 7), id="an item has no key: itself"),
        pytest.param(("study", "nothing", "here"), False, (3, 3), id="nearest value around what is missing"),
        pytest.param(("study", "nothing"), True, (2, 1), id="nearest key around what is missing"),
        pytest.param(("study", "caution", 7), False, (8, 5), id="beyond the list"),
        pytest.param((), False, (2, 1), id="the document"),
        pytest.param(("nothing",), True, (2, 1), id="missing at the top"),
    ],
)
def test_place_of_a_path(path, key, place):
    assert read(BLOCK_AND_FLOW).place_of(path, key=key) == Place("f.yaml", *place)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("yes", "yes", id="yes is text"),
        pytest.param("no", "no", id="no is text"),
        pytest.param("on", "on", id="on is text"),
        pytest.param("off", "off", id="off is text"),
        pytest.param("true", True, id="true"),
        pytest.param("false", False, id="false"),
        pytest.param("null", None, id="null"),
        pytest.param("~", None, id="tilde"),
        pytest.param("10", 10, id="whole number"),
        pytest.param("010", 10, id="a leading zero is no octal"),
        pytest.param("+5", 5, id="with its sign"),
        pytest.param("-5", -5, id="below zero"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param("1E+2", 100.0, id="large exponent letter"),
        pytest.param(".5", 0.5, id="no digit before the point"),
        pytest.param("3.", 3.0, id="no digit after the point"),
        pytest.param("0.1", 0.1, id="the double nearest a tenth"),
        pytest.param(".inf", ".inf", id="no infinities"),
        pytest.param("-.inf", "-.inf", id="no negative infinities"),
        pytest.param(".nan", ".nan", id="no not-a-number"),
        pytest.param("1e400", "1e400", id="beyond the largest double"),
        pytest.param("1_000", "1_000", id="no underscores in numbers"),
        pytest.param("12:30:00", "12:30:00", id="no numbers to the base of sixty"),
        pytest.param("2026-11-21", "2026-11-21", id="a date is text until a date is asked for"),
        pytest.param("0o17", "0o17", id="no octal"),
        pytest.param("0x1F", "0x1F", id="no hexadecimal"),
        pytest.param("١٢", "١٢", id="digits of other scripts are text"),
        pytest.param("1.2.3", "1.2.3", id="a version"),
        pytest.param("5 %", "5 %", id="a percentage"),
        pytest.param('"10"', "10", id="quoted number"),
        pytest.param("'~'", "~", id="quoted tilde"),
        pytest.param('"true"', "true", id="quoted true"),
        pytest.param('""', "", id="quoted nothing"),
        pytest.param("|\n    10\n", "10\n", id="literal block"),
        pytest.param(">-\n    a\n    b\n\n    c\n", "a b\nc", id="folded block"),
        pytest.param('"a\\tb\\n\\u00e9"', "a\tb\né", id="escapes"),
        pytest.param('"a\tb"', "a\tb", id="tab inside quotes"),
        pytest.param("[1,\t2]", [1, 2], id="tab between values"),
        pytest.param("1 # comment", 1, id="comment after a value"),
        pytest.param("1#2", "1#2", id="a hash inside a word"),
        pytest.param("<<", "<<", id="no merge value"),
        pytest.param("[]", [], id="empty list"),
        pytest.param("{}", {}, id="empty mapping"),
        pytest.param("{b}", {"b": None}, id="a key without value"),
    ],
)
def test_values_of_yaml_1_2(text, value):
    found = read(f"a: {text}").data["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        pytest.param("010: a\n10: b\n1e1: c", ["010", "10", "1e1"], id="numbers spelt differently"),
        pytest.param("yes: a\ntrue: b\n~: c", ["yes", "true", "~"], id="words"),
        pytest.param("<<: {a: 1}", ["<<"], id="merging is not a feature"),
    ],
)
def test_keys_are_text_as_spelt(text, keys):
    assert list(read(text).data) == keys


@pytest.mark.parametrize(
    ("text", "data"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param("# only this\n", None, id="only a comment"),
        pytest.param("---\n...\n", None, id="only marks"),
        pytest.param("- 1\n- b\n", [1, "b"], id="a list"),
        pytest.param("word", "word", id="a word"),
        pytest.param("---\na: 1\n...\n", {"a": 1}, id="with its marks"),
    ],
)
def test_documents_of_other_shapes_are_read_as_they_are(text, data):
    document = read(text)
    assert document.data == data
    assert document.place_of(("anything",)).file == "f.yaml"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("a: 1\nb:\n  c: 1\n  c: 2", ("duplicate-key", 4, 3), id="duplicate key, block"),
        pytest.param("{a: 1, b: {c: 1,\n c: 2}}", ("duplicate-key", 2, 2), id="duplicate key, flow"),
        pytest.param('"a": 1\n? a\n: 2', ("duplicate-key", 2, 3), id="duplicate key spelt in two ways"),
        pytest.param("a: 1\r\nb: 1\r\nb: 2", ("duplicate-key", 3, 1), id="duplicate key, Windows"),
        pytest.param("- a: 1\n- a: 1\n  b: 1\n  b: 1", ("duplicate-key", 4, 3), id="duplicate key in a list"),
        pytest.param("a: 1\nb: &x 2", ("yaml-alias", 2, 4), id="anchor"),
        pytest.param("a: 1\n&x b: 2", ("yaml-alias", 2, 1), id="anchor on a key"),
        pytest.param("a: &x\n  b: 2", ("yaml-alias", 1, 4), id="anchor on a mapping"),
        pytest.param("a: &x [1]", ("yaml-alias", 1, 4), id="anchor on a list"),
        pytest.param("a: [1, *x]", ("yaml-alias", 1, 8), id="alias"),
        pytest.param("*x : 1", ("yaml-alias", 1, 1), id="alias as key"),
        pytest.param("a:\n  <<: *x", ("yaml-alias", 2, 7), id="merge key"),
        pytest.param("a: !!str 1", ("yaml-tag", 1, 4), id="tag of YAML"),
        pytest.param("a: !local 1", ("yaml-tag", 1, 4), id="tag of somebody"),
        pytest.param("a: ! 1", ("yaml-tag", 1, 4), id="tag of nobody"),
        pytest.param("!!map\na: 1", ("yaml-tag", 1, 1), id="tag on the document"),
        pytest.param("a: !!python/object:os.system {}", ("yaml-tag", 1, 4), id="tag of an attack"),
        pytest.param("a: 1\n---\nb: 2", ("several-documents", 2, 1), id="two documents"),
        pytest.param("a: 1\n...\n---\n", ("several-documents", 3, 1), id="an empty second document"),
        pytest.param("? [a]\n: 1", ("yaml-key", 1, 3), id="list as key, block"),
        pytest.param("{{a: 1}: 2}", ("yaml-key", 1, 2), id="mapping as key, flow"),
        pytest.param("a: 1\n\tb: 2", ("yaml-syntax", 2, 1), id="tab as indentation"),
        pytest.param("a: b: c", ("yaml-syntax", 1, 5), id="two colons"),
        pytest.param("a: 1\n b: 2", ("yaml-syntax", 2, 3), id="indented too far"),
        pytest.param("a:\n  - x\n b: 2", ("yaml-syntax", 3, 2), id="indented too little"),
        pytest.param("a: @x", ("yaml-syntax", 1, 4), id="reserved character"),
        pytest.param('a: "\\q"', ("yaml-syntax", 1, 6), id="unknown escape"),
        pytest.param("a: [1, 2]]", ("yaml-syntax", 1, 10), id="one bracket too many"),
        pytest.param("%YAML 2.0\n---\na: 1", ("yaml-syntax", 1, 1), id="YAML of another age"),
        pytest.param(b"a: 1\nb: \xe9\n", ("not-utf8", 2, 4), id="latin-1"),
        pytest.param(b"a: 1\r\nb: \xe9\r\n", ("not-utf8", 2, 4), id="latin-1 on Windows"),
        pytest.param("a: 1".encode("utf-16"), ("not-utf8", 1, 1), id="utf-16"),
        pytest.param("é: ".encode() + b"\xff", ("not-utf8", 1, 4), id="columns count characters here too"),
        pytest.param("a: 1\nb: \x07", ("yaml-syntax", 2, 4), id="control character"),
        pytest.param("a: 1\nb: x\x00", ("yaml-syntax", 2, 5), id="NUL"),
        pytest.param("a: \ud800", ("yaml-syntax", 1, 4), id="half a character"),
        pytest.param("a: 1\nb: 'x\nc: 2\nd: 3", ("yaml-syntax", 2, 4), id="quote never closed"),
        pytest.param("a: 1\nb: [x, y\n", ("yaml-syntax", 2, 4), id="bracket never closed"),
        pytest.param('a: "\\U00110000"', ("yaml-syntax", 1, 4), id="beyond the last character"),
        pytest.param(f"%YAML 1.{'1' * 5000}\n---\na: 1", ("yaml-syntax", 1, 1), id="version too long to count"),
    ],
)  # fmt: skip
def test_what_is_refused_and_where(text, problem):
    assert refused(text) == problem


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        pytest.param("a: 1\n\tb: 2", "use spaces", id="tab as indentation"),
        pytest.param("a:\n  - x\n b: 2", "begin the line under", id="indented too little"),
        pytest.param("a: 1\n b: 2", "begin the line under", id="indented too far"),
        pytest.param("a: b: c", "put a text with a colon in quotes", id="two colons"),
        pytest.param("a: 1\nb:\u00a02\nc: 3", "a colon and a space", id="a space that is none"),
        pytest.param("a: @x", "", id="no guess"),
    ],
)
def test_the_commonest_slips_are_told_with_their_cure(text, cure):
    with pytest.raises(ProblemsFound) as caught:
        read(text)
    (problem,) = caught.value.problems
    assert problem.code == "yaml-syntax"
    assert cure in problem.fix
    assert bool(problem.fix) == bool(cure)


def test_duplicate_key_names_the_first():
    with pytest.raises(
        ProblemsFound, match=r"`c` stands here a second time; the first is in line 2"
    ) as caught:
        read("b:\n  c: 1\n  d: 1\n  c: 1")
    assert caught.value.problems[0].field == "b.c"


@pytest.mark.parametrize(
    ("open_", "close"), [pytest.param("[", "]", id="lists"), pytest.param("{a: ", "}", id="mappings")]
)
def test_depth_is_capped(open_, close):
    def nested(n):
        return open_ * n + "1" + close * n

    assert read(nested(MAX_DEPTH)).data is not None
    assert refused(nested(MAX_DEPTH + 1)) == ("document-too-deep", 1, len(open_) * MAX_DEPTH + 1)


def test_bytes_are_capped_and_not_characters():
    assert len(read("é" * (MAX_BYTES // 2)).data) == MAX_BYTES // 2
    for text in ("é" * (MAX_BYTES // 2) + "x", b"#" * (MAX_BYTES + 1)):
        assert refused(text) == ("document-too-large", None, None)


def test_values_are_capped(monkeypatch):
    monkeypatch.setattr(documents, "MAX_VALUES", 6)
    assert read("a: [1, 2, 3]\n").data == {"a": [1, 2, 3]}  # the mapping, a key, a list, three values
    assert refused("a: [1, 2, 3, 4]\n") == ("document-too-large", 1, 14)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * MAX_BYTES, id="brackets"),
        pytest.param("{" * MAX_BYTES, id="braces"),
        pytest.param("- " * (MAX_BYTES // 2), id="nested lists"),
        pytest.param("? " * (MAX_BYTES // 2), id="nested keys"),
        pytest.param("{a: " * (MAX_BYTES // 4), id="nested mappings"),
        pytest.param("[[]," * (MAX_BYTES // 4), id="a list in a list in a list"),
        pytest.param("---\n" * (MAX_BYTES // 4), id="documents"),
        pytest.param("a: " * (MAX_BYTES // 3), id="keys on one line"),
        pytest.param("!" * MAX_BYTES, id="tags"),
        pytest.param("- a\n" * (MAX_BYTES // 4), id="a list of very many"),
    ],
)
def test_a_megabyte_of_malice_is_refused_at_once(text, cpu_seconds):
    with cpu_seconds(1.5), pytest.raises(ProblemsFound) as caught:
        read(text)
    assert len(str(caught.value)) < 500  # a message, not an echo of the file


YAML_SCRAPS = st.lists(
    st.sampled_from(
        ["a", "b", ": ", "- ", "? ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", '"', "'", "|", ">-", "#", " ",
         "&x ", "*x", "!t ", "%YAML 1.2\n", "---\n", "...\n", "\t", "\r\n", "\\", "\\U00110000", "\\x", "1", "0.5",
         "~", "true", "<<", "\ufeff", "\x00", "\x85", "\u2028", "é"]
    ),
    max_size=25,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(st.one_of(YAML_SCRAPS, st.text(max_size=40), st.binary(max_size=40)))
@example('"\\U00110000"')
def test_anything_reads_or_is_refused_and_nothing_else(text):
    try:
        document = read(text)
    except ProblemsFound as found:
        problems = found.problems
    else:
        problems = ()
        json.dumps(document.data, allow_nan=False)
        assert set(document.key_places) <= set(document.value_places)
    assert all(problem.place for problem in problems)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]) | st.sampled_from('\n\t"\\'), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abé肝 _:", max_size=6), inner, max_size=3)
    ),
    max_leaves=12,
)


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from leaves(item, (*path, i))
    else:
        yield path, value


@settings(deadline=None, max_examples=100)
@given(PLAIN, st.sampled_from([None, 1, 2]))
def test_json_is_yaml_and_every_value_stands_where_its_place_says(data, indent):
    text = json.dumps(data, indent=indent, ensure_ascii=False)
    document = read(text)
    assert document.data == data
    lines = text.split("\n")
    for path, value in leaves(data):
        place = document.value_places[path]
        assert lines[place.line - 1][place.column - 1 :].startswith(json.dumps(value, ensure_ascii=False))
        if path and isinstance(path[-1], str):
            place = document.key_places[path]
            assert lines[place.line - 1][place.column - 1 :].startswith(
                json.dumps(path[-1], ensure_ascii=False)
            )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param((), "", id="the document"),
        pytest.param(("design", "alpha"), "design.alpha", id="keys"),
        pytest.param(("analyses", "rfs", "read at", 0), "analyses.rfs.read at[0]", id="an item of a list"),
        pytest.param((2, "a"), "[2].a", id="a list at the top"),
    ],
)
def test_path_as_readers_type_it(path, text):
    assert dotted(path) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(
            {"b": 1, "a": [1.0, 2.5]}, '{"b":1,"a":[1,2.5]}', id="order kept, whole floats as integers"
        ),
        pytest.param({"é": "肝 \n"}, '{"é":"肝 \\n"}', id="characters as themselves"),
        pytest.param([True, None, False], "[true,null,false]", id="true is not 1"),
        pytest.param({"a": {"b": [1e3, 0.1]}}, '{"a":{"b":[1000,0.1]}}', id="inside"),
        pytest.param([-0.0], "[0]", id="no negative zero"),
    ],
)
def test_canonical_json(value, text):
    assert canonical_json(value) == text


def test_canonical_json_refuses_what_is_no_number():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_canonical_hash_is_sha_256_of_the_canonical_text():
    # printf '{"a":1}' | sha256sum
    assert canonical_hash({"a": 1.0}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
