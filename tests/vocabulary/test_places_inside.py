"""Where a character of a text value stands in the file."""

import pytest

from trialwright.vocabulary.documents import read_document


@pytest.mark.parametrize(
    ("text", "line", "column", "place"),
    [
        pytest.param("key: abc X def\n", 1, 5, (1, 10), id="plain"),
        pytest.param('key: "abc X def"\n', 1, 5, (1, 11), id="double quotes"),
        pytest.param("key: 'abc X def'\n", 1, 5, (1, 11), id="single quotes"),
        pytest.param('key: "a\\"c X def"\n', 1, 5, (1, 12), id="an escaped quote before"),
        pytest.param("key: 'a''c X def'\n", 1, 5, (1, 12), id="a doubled quote before"),
        pytest.param("key: '''ab X def'\n", 1, 5, (1, 12), id="a doubled quote at the beginning"),
        pytest.param("key: >-\n  abc\n  X def\n", 1, 5, (3, 3), id="folded"),
        pytest.param("key: |\n  abc\n  X def\n", 2, 1, (3, 3), id="literal"),
        pytest.param("key: abc\n  X def\n", 1, 5, (2, 3), id="plain over two lines"),
        pytest.param("key: >- # X\n  abc X def\n", 1, 5, (2, 7), id="a comment in the head"),
        pytest.param("# 肝 X\nkey: 肝éc X def\n", 1, 5, (2, 10), id="letters of the world"),
        pytest.param("key: abc\r\n  X def\r\n", 1, 5, (2, 3), id="carriage returns"),
        pytest.param("key: [a, abc X def]\n", 1, 5, (1, 10), id="another value is not meant"),
    ],
)
def test_a_character_is_found(text, line, column, place):
    document = read_document(text, "p.yaml")
    path = ("key", 1) if "[" in text else ("key",)
    found = document.place_inside(path, line, column)
    written = text.replace("\r\n", "\n").split("\n")
    expected = place if "[" not in text else (1, 14)
    assert written[expected[0] - 1][expected[1] - 1] == "X"
    assert (found.line, found.column) == expected


def test_what_has_no_such_character_is_placed_at_its_value():
    document = read_document("key: [abc]\n", "p.yaml")
    assert document.place_inside(("key",), 1, 1).column == 6
    assert document.place_inside(("other",), 1, 1).line == 1
    assert document.place_inside(("key", 0), 1, 50).column is not None
