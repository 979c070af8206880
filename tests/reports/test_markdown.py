"""Markdown is right if a Markdown parser reads the page's own words out of it."""

import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.reports.conftest import HOSTILE

from trialwright.reports.blocks import (
    Bullets,
    Callout,
    Column,
    Figure,
    GroupHeading,
    KeyValues,
    Link,
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
from trialwright.reports.markdown import render_markdown

PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")
OURS = re.compile(r"</?(?:sup|code)>|<a id=\"[a-z0-9-]+\"></a>")


def words_read(markdown):
    """What a reader sees: the text of every block, without white space."""
    seen = "".join(
        child.content for token in PARSER.parse(OURS.sub("", markdown)) for child in token.children or ()
    )
    return re.sub(r"\s", "", seen)


def words_written(page):
    found = [page.title, page.subtitle]
    for block in walk(page.sections):
        match block:
            case Section(_, title, _):
                found.append(title)
            case Paragraph(text):
                found.append(text)
            case Bullets(items):
                found += items
            case KeyValues(items):
                found += [Text(key, ":", value) for key, value in items]
            case Callout(level, title, body):
                found += [Text(f"{level.capitalize()}:", title), *body]
            case Figure(_, title, _, alt, caption):
                found += [title, alt, caption]
            case Table(_, caption, columns, rows, notes, empty):
                found.append(caption)
                if rows:
                    found += [Text(c.under, ":", c.title) if c.under else c.title for c in columns]
                    for row in rows:
                        found += [row.label] if isinstance(row, GroupHeading) else [row.label, *row.cells]
                else:
                    found.append(empty)
                found += notes
    plain = "".join(re.sub(r"\[([a-z])\](?!\])", r"\1", text.plain) for text in found)
    return re.sub(r"\s", "", plain)


def test_a_parser_reads_the_whole_sample_page(sample_page):
    hostile = re.sub(r"\s", "", HOSTILE)
    read = words_read(render_markdown(sample_page))
    assert hostile in read
    assert read == words_written(sample_page)


MARKS = st.text(alphabet="ab12 -+.#>|*_`[](){}<>&\\!~=:\"'随≥\u00a0", min_size=1, max_size=25).filter(
    lambda words: (
        words.strip() and not re.search(r"\[[a-z]\]", words)
    )  # which `words_written` takes for a mark
)


@given(MARKS)
def test_no_words_become_a_mark(words):
    text = Text(Term(words.strip(), Ref.data("x")))
    table = Table("t", text, (Column(text), Column(text)), (Row(text, (text,)), GroupHeading(text)), (text,))
    blocks = (
        Paragraph(text),
        Bullets((text,)),
        KeyValues(((text, text),)),
        Callout("note", text, (text,)),
        table,
    )
    page = Page(text, text, (Section("s", text, blocks),))
    assert words_read(render_markdown(page)) == words_written(page)


def test_a_table_reads_like_this():
    rows = (GroupHeading(Text("Liver")), Row(Text("ALT"), (Text("high"),), indent=1))
    table = Table("t", Text("Results"), (Column(Text("What"), "left"), Column(Text("How"))), rows)
    page = Page(Text("A"), Text(), (Section("s", Text("B"), (table,)),))
    assert render_markdown(page) == (
        '# A\n\n<a id="s"></a>\n\n## B\n\n**Results**\n\n| What | How |\n| :--- | ---: |\n| **Liver** |  |\n'
        "| \u00a0\u00a0\u00a0\u00a0ALT | high |\n"
    )


def test_a_link_can_be_followed():
    page = Page(Text("A"), Text(), (Section("s", Text("B"), (Paragraph(Text("see ", Link("B", "s"))),)),))
    assert render_markdown(page).endswith("see [B](#s)\n")
