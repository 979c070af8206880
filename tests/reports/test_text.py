from trialwright.reports.blocks import Column, GroupHeading, Ref, Row, Table, Term, Text, walk
from trialwright.reports.text import render_table_text


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
