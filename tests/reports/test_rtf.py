"""RTF is right if a reader that follows its specification finds the page's own words, cell by cell."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reports.conftest import HOSTILE
from tests.reports.rtf_reader import Row as ReadRow
from tests.reports.rtf_reader import read_rtf

from trialwright.protocol.loading import load_protocol
from trialwright.reports.blocks import (
    Column,
    GroupHeading,
    KeyValues,
    Number,
    Page,
    Paragraph,
    Ref,
    Row,
    Section,
    Table,
    Term,
    Text,
    walk,
)
from trialwright.reports.rtf import render_rtf
from trialwright.reports.study_report import build_study_report
from trialwright.reports.writing import analyse_study

PAGE_WIDTH = 16838 - 2 * 850


def page_of(*blocks, stamp=""):
    return Page(Text("A page"), Text("Of tables"), (Section("part", Text("Part"), blocks),), stamp=stamp)


def table_of(*rows, columns=2, **about):
    titles = (Column(Text("Name"), "left"), *(Column(Text("Value")) for _ in range(columns - 1)))
    return Table("table-one", Text("One"), titles, rows, **about)


def written_rows(table):
    """The cells of each row as the page has them."""
    spans = [[title.plain for title, _ in table.spans]] if table.spans else []
    titles = [column.title.plain for column in table.columns]
    bodies = [
        [row.label.plain]
        if isinstance(row, GroupHeading)
        else [row.label.plain, *(c.plain for c in row.cells)]
        for row in table.rows
    ]
    return [*spans, titles, *(bodies or [[table.empty.plain]])]


def unmarked(rows):
    """The raised letter of a footnote is text in plain words `[a]` and raised in print."""
    return [[cell.replace("[a]", "a") for cell in row] for row in rows]


def cells_expected(page):
    rows = []
    for block in walk(page.sections):
        match block:
            case Table():
                rows += unmarked(written_rows(block))
            case KeyValues(items):
                rows += [[key.plain, value.plain] for key, value in items]
    return rows


def test_every_cell_of_a_page_is_read_back(sample_page):
    read = read_rtf(render_rtf(sample_page))
    assert [row.cells for row in read.rows] == cells_expected(sample_page)
    assert HOSTILE in {cell for row in read.rows for cell in row.cells}


def test_every_cell_of_a_report_is_read_back_and_rows_are_whole():
    loaded = load_protocol("hcc-resection")
    page = build_study_report(loaded.protocol, analyse_study(loaded))
    content = render_rtf(page)
    read = read_rtf(content)
    assert [row.cells for row in read.rows] == cells_expected(page)
    assert len(read.rows) > 100
    for row in read.rows:
        assert row.is_ended
        assert len(row.cells) == len(row.ends)
        assert row.ends == sorted(set(row.ends))
        assert row.ends[0] > 0
        assert row.ends[-1] <= PAGE_WIDTH
    assert content.isascii()
    assert content == render_rtf(page)


def test_captions_notes_and_warnings_come_along_and_running_text_stays(sample_page):
    paragraphs = read_rtf(render_rtf(sample_page)).paragraphs
    assert {
        "Patients at the start",
        "a Standardised difference.",
        "Warning: Groups are small",
        "Only 9.",
    } <= set(paragraphs)
    assert not [words for words in paragraphs if "Median" in words or "trialwright report" in words]
    assert not [words for words in paragraphs if words.startswith("Survival of")]


def test_a_section_without_tables_has_no_heading():
    prose = Section("prose", Text("Prose"), (Paragraph(Text("Words")),))
    page = Page(Text("A page"), Text(), (prose, Section("part", Text("Part"), (table_of(),))))
    assert "Prose" not in read_rtf(render_rtf(page)).paragraphs
    assert "Part" in read_rtf(render_rtf(page)).paragraphs


@pytest.mark.parametrize("stamp", ["SIMULATED", "UNPLANNED LOOK 2 · SIMULATED"])
def test_the_stamp_is_on_each_page_and_each_table(stamp):
    read = read_rtf(render_rtf(page_of(table_of(), stamp=stamp)))
    assert read.destinations["header"].endswith(stamp)
    assert f"One {stamp}" in read.paragraphs
    plain = read_rtf(render_rtf(page_of(table_of())))
    assert "One" in plain.paragraphs
    assert "SIMULATED" not in plain.destinations["header"]


def test_an_empty_table_says_so():
    read = read_rtf(render_rtf(page_of(table_of(empty=Text("Nobody.")))))
    assert [row.cells for row in read.rows] == [["Name", "Value"], ["Nobody."]]


def test_headings_are_repeated_and_numbers_stand_right():
    row = Row(Text("n"), (Text(Number("9", Ref.result("n"), 9)),))
    heading, body = read_rtf(render_rtf(page_of(table_of(row)))).rows
    assert (heading.is_heading, body.is_heading) == (True, False)
    assert body.aligns == ["ql", "qr"]


def test_a_shared_heading_is_as_wide_as_its_columns():
    under = Text("Group")
    columns = (
        Column(Text("Name"), "left"), Column(Text("A"), under=under), Column(Text("B"), under=under), Column(Text("C")),
    )  # fmt: skip
    table = Table("table-one", Text("One"), columns, ())
    spans, titles, _ = read_rtf(render_rtf(page_of(table))).rows
    assert spans.cells == ["", "Group", ""]
    assert spans.ends == [titles.ends[0], titles.ends[2], titles.ends[3]]


def test_where_the_page_is_too_narrow_the_widest_columns_give_way():
    long, short = Text("word " * 60), Text("x")
    row = Row(long, (*[long] * 8, short))
    ends = read_rtf(render_rtf(page_of(table_of(row, columns=10)))).rows[0].ends
    widths = [end - before for before, end in zip([0, *ends], ends, strict=False)]
    assert ends[-1] <= PAGE_WIDTH
    assert len(set(widths[:-1])) == 1
    assert widths[-1] < widths[0]
    narrow = read_rtf(render_rtf(page_of(table_of(Row(short, (short,)))))).rows[0].ends
    assert narrow[-1] < PAGE_WIDTH / 4  # a small table is not spread over the page


WORDS = st.text(st.characters(blacklist_categories=("Cc", "Cs")), min_size=1).filter(
    lambda words: not set(words) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
)


@given(WORDS, WORDS)
def test_any_words_come_back(one, other):
    label, cell = (Term(words, Ref.data("x")) for words in (one, other))
    read = read_rtf(render_rtf(page_of(table_of(Row(Text(label), (Text(cell),))))))
    assert read.rows[-1].cells == [label.text, cell.text]
    assert all(isinstance(part, str | ReadRow) for part in read.body)


# What the specification says of each letter, worked by hand: units of UTF-16 as signed numbers, U+1D7D9 as D835 DFD9.
@pytest.mark.parametrize(
    ("letter", "written"),
    [
        ("\\", r"\\"), ("{", r"\{"), ("}", r"\}"), ("~", "~"), ("é", r"\u233 ?"), ("≥", r"\u8805 ?"), ("随", r"\u-26993 ?"),
        ("\u7fff", r"\u32767 ?"), ("\u8000", r"\u-32768 ?"), ("\U0001d7d9", r"\u-10187 ?\u-8231 ?"),
    ],
)  # fmt: skip
def test_letters_are_written_as_the_specification_says(letter, written):
    table = table_of(Row(Text(Term(letter, Ref.data("x"))), (Text("y"),)))
    assert f" {written}\\cell" in render_rtf(page_of(table))


def test_parts_of_a_table_keep_their_order():
    table = table_of(Row(Text("a"), (Text("b"),)), notes=(Text("A note."),))
    body = read_rtf(render_rtf(page_of(table))).body
    told = [part if isinstance(part, str) else part.cells for part in body]
    assert told == ["A page", "Of tables", "Part", "One", ["Name", "Value"], ["a", "b"], "A note."]


def test_indented_rows_are_indented():
    row = Row(Text("inner"), (Text("b"),), indent=2)
    plain = dataclasses.replace(row, indent=0)
    assert r"\li480\f0" in render_rtf(page_of(table_of(row)))
    assert r"\li480\f0" not in render_rtf(page_of(table_of(plain)))
