import dataclasses

import numpy as np
import pytest

from trialwright.reports.blocks import (
    Callout,
    Code,
    Column,
    Figure,
    Link,
    Mark,
    Number,
    Page,
    Paragraph,
    Ref,
    Row,
    Section,
    Strong,
    Table,
    Term,
    Text,
)

REF = Ref.result("rfs/median")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("at 3 years", id="ASCII digit"),
        pytest.param("0", id="zero"),
        pytest.param("9", id="nine"),
        pytest.param("kg/m²", id="superscript"),
        pytest.param("CO₂", id="subscript"),
        pytest.param("½ dose", id="fraction"),
        pytest.param("stage Ⅱ", id="Roman numeral of one character"),
        pytest.param("①", id="circled"),
        pytest.param("٣", id="Arabic-Indic digit"),
        pytest.param("１", id="full-width digit"),
    ],
)
@pytest.mark.parametrize(
    "wrap", [Text, Strong, Code, lambda words: Text(Mark(words)), lambda words: Text(Text("a"), words)]
)
def test_digits_need_a_reference(words, wrap):
    with pytest.raises(ValueError, match="nothing that says where they come from"):
        wrap(words)


@pytest.mark.parametrize("words", ["no digit", "一期", "α ≥ β", "two of three"])
def test_words_need_no_reference(words):
    assert Text(words).plain == words


def test_text_joins_texts_and_keeps_references():
    text = Text("Median ", Text(Number("27.3", REF, 27.31)), "", Strong(" by ", Code("ab12", REF)), Mark("a"))
    assert text.plain == "Median 27.3 by ab12[a]"
    assert text.pieces[1] == Number("27.3", REF, 27.31)
    assert len(text.pieces) == 4


def test_white_space_is_one_space_as_in_html():
    assert Text("a\n  b\t", Term("CTCAE\n v5.0", REF)).plain == "a b CTCAE v5.0"


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\ud800", "\u202e", "\u2067"])
@pytest.mark.parametrize(
    "make", [Text, lambda words: Term(words, REF), lambda words: Code(words, REF), Ref.protocol]
)
def test_characters_that_cannot_be_printed_are_refused(character, make):
    with pytest.raises(ValueError, match=f"U\\+{ord(character):04X}, which cannot be printed"):
        make(f"a{character}b")


@pytest.mark.parametrize(
    "make", [lambda: Term("", REF), lambda: Code(""), lambda: Ref.data(""), lambda: Mark("")]
)
def test_empty_pieces_are_refused(make):
    with pytest.raises(ValueError, match="must not be empty"):
        make()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), True])
def test_a_number_is_finite(value):
    with pytest.raises(ValueError, match="finite"):
        Number("1", REF, value)


def test_a_number_is_printed_with_digits():
    with pytest.raises(ValueError, match="digits"):
        Number("not reached", REF, 1.0)


def test_numbers_of_numpy_become_plain():
    assert repr(Number("0.1", REF, np.float64(0.1)).value) == "0.1"
    assert repr(Number("3", REF, np.int64(3)).value) == "3"


def test_references_name_their_kind():
    refs = [
        Ref.result("a"),
        Ref.protocol("b.c"),
        Ref.data("d.csv"),
        Ref.version("typst"),
        Ref.source("CTCAE"),
    ]
    assert [str(ref) for ref in refs] == [
        "result:a",
        "protocol:b.c",
        "data:d.csv",
        "version:typst",
        "source:CTCAE",
    ]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Text(12), id="number in a text"),
        pytest.param(lambda: Text(None), id="nothing in a text"),
        pytest.param(lambda: Paragraph("plain"), id="paragraph"),
        pytest.param(lambda: Callout("note", Text("a"), ("12 patients",)), id="body of a callout"),
        pytest.param(lambda: Row(Text("a"), ("12",)), id="cell"),
        pytest.param(lambda: Section("a", "1. Title", ()), id="title"),
    ],
)
def test_only_text_is_text(make):
    with pytest.raises(TypeError):
        make()


def table(name="t", rows=()):
    return Table(name, Text("T"), (Column(Text("a"), "left"), Column(Text("b"))), tuple(rows))


def test_rows_have_as_many_cells_as_further_columns():
    assert table(rows=[Row(Text("x"), (Text("y"),))]).rows
    with pytest.raises(ValueError, match="row 'x' must have 1 cells, not 2"):
        table(rows=[Row(Text("x"), (Text("y"), Text("z")))])


@pytest.mark.parametrize("indent", [-1, 4])
def test_rows_are_indented_by_three_levels_at_most(indent):
    assert Row(Text("x"), (), indent=3)
    with pytest.raises(ValueError, match="none to three levels"):
        Row(Text("x"), (), indent=indent)


def test_neighbouring_columns_share_their_upper_heading():
    one, two = Text("One"), Text("Two")
    columns = [Column(Text("c"), under=under) for under in (Text(), one, one, two, Text(), Text(), one)]
    spans = Table("t", Text("T"), tuple(columns), ()).spans
    assert spans == ((Text(), 1), (one, 2), (two, 1), (Text(), 1), (Text(), 1), (one, 1))
    assert table().spans == ()


def test_parts_of_a_page_have_names_of_their_own():
    def page(*blocks):
        return Page(Text("T"), Text("S"), (Section("a", Text("A"), blocks),))

    assert page(table("b"), Section("c", Text("C"), (table("d"),)))
    with pytest.raises(ValueError, match="two parts of the page are called `b`"):
        page(table("b"), Section("c", Text("C"), (table("b"),)))
    with pytest.raises(ValueError, match="two parts of the page are called `a`"):
        page(table("a"))


@pytest.mark.parametrize("name", ["", "A", "1a", "a b", 'a"', "_a", "ä"])
def test_names_are_safe_in_addresses(name):
    with pytest.raises(ValueError, match="a letter first"):
        table(name)


def test_a_figure_has_words_for_those_who_cannot_see_it():
    with pytest.raises(ValueError, match="cannot see it"):
        Figure("f", Text("F"), {}, alt=Text())


def test_blocks_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        table().caption = Text("other")


def test_a_link_leads_to_a_part_of_the_page_by_its_name():
    assert Text("see ", Link("What is doubtful", "doubts")).plain == "see What is doubtful"
    with pytest.raises(ValueError, match="lower-case letters"):
        Link("What is doubtful", "#doubts")
    with pytest.raises(ValueError, match="has digits"):
        Link("Table 3", "table")
