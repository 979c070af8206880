import re

from hypothesis import given
from hypothesis import strategies as st

from trialwright.reports.blocks import (
    Bullets,
    Column,
    GroupHeading,
    KeyValues,
    Page,
    Ref,
    Row,
    Section,
    Table,
    Term,
    Text,
    walk,
)
from trialwright.reports.text import _width, render_page_text, render_table_text


def term(words):
    return Text(Term(words, Ref.data("x")))


def test_a_table_reads_like_this(sample_page):
    (table, empty) = [block for block in walk(sample_page.sections) if isinstance(block, Table)]
    assert (
        render_table_text(table)
        == """\
Patients at the start
----------------------------------------------------
                        Group
                ---------------------
Characteristic  A (n = 12)  B (n = 9)  Difference[a]
----------------------------------------------------
Liver
  ALT, U/L            41.5       38.0           0.12
  Cirrhosis              7          8  not estimable
----------------------------------------------------
[a] Standardised difference.
"""
    )
    assert (
        render_table_text(empty)
        == """\
Deviations
-------------------
Deviation  Patients
-------------------
Nothing to show.
-------------------
"""
    )


def test_chinese_characters_fill_two_columns_and_accents_none():
    rows = (Row(Text("随访"), (term("1"),)), Row(Text("a\u0301b"), (term("22"),)))
    table = Table("t", Text("T"), (Column(Text("x"), "left"), Column(Text("y"))), rows)
    assert render_table_text(table).splitlines()[2:6] == [
        "x      y",
        "--------",
        "随访   1",
        "a\u0301b    22",
    ]


def test_a_shared_heading_wider_than_its_columns_widens_the_last():
    under = Text("Treatment as assigned")
    columns = (
        Column(Text("x"), "left"),
        Column(Text("A"), "center", under),
        Column(Text("B"), "center", under),
    )
    table = Table("t", Text("T"), columns, (Row(Text("r"), (term("1"), term("2"))),))
    assert render_table_text(table).splitlines()[2:-1] == [
        "   Treatment as assigned",
        "   ---------------------",
        "x  A          B",
        "------------------------",
        "r  1          2",
    ]


def test_nothing_is_cut():
    label = "a heading of a group that is longer than all the columns of its table together"
    table = Table("t", Text("T"), (Column(Text("x")),), (GroupHeading(Text(label)),))
    assert render_table_text(table).splitlines()[1:] == [
        "-" * len(label),
        "x",
        "-" * len(label),
        label,
        "-" * len(label),
    ]


def test_a_wide_table_is_wrapped_where_a_width_is_given():
    columns = (Column(Text("Visit"), "left"), Column(Text("What is done"), "left"))
    rows = (
        GroupHeading(Text("Before the first dose of the study drug")),
        Row(Text("Screening of the patient"), (Text("blood is taken and an image is made"),), indent=1),
    )
    table = Table("t", Text("Schedule"), columns, rows, (Text("Windows count from the first dose."),))
    assert render_table_text(table, width=28) == (
        "Schedule\n"
        "----------------------------\n"
        "Visit          What is done\n"
        "----------------------------\n"
        "Before the first dose of the\n"
        "study drug\n"
        "  Screening    blood is\n"
        "  of the       taken and an\n"
        "  patient      image is made\n"
        "----------------------------\n"
        "Windows count from the first\n"
        "dose.\n"
    )


WORDS = st.lists(st.text("abc随", min_size=1, max_size=30), min_size=1, max_size=8).map(" ".join)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4), st.integers(20, 60))
def test_no_line_is_wider_than_asked_and_no_letter_is_lost(pairs, width):
    rows = tuple(Row(Text(a), (Text(b),)) for a, b in pairs)
    table = Table("t", Text("T"), (Column(Text("x"), "left"), Column(Text("y"))), rows)
    items = KeyValues(tuple((Text(a), Text(b)) for a, b in pairs))
    page = Page(Text("P"), Text(), (Section("s", Text("S"), (table, items, Bullets((Text(pairs[0][0]),)))),))
    text = render_page_text(page, width=width)
    assert all(_width(line) <= width for line in text.splitlines())
    written = "".join(sorted("".join(a + b for a, b in pairs) * 2 + pairs[0][0]))
    assert "".join(sorted(re.sub("[^abc随]", "", text))) == written.replace(" ", "")
