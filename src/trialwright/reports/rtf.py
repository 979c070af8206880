"""The tables of a page as RTF, for word processors: A4 across, one heading row repeated on each page of a table.

RTF is plain text in ASCII: groups in braces, control words behind a backslash, every other character as the numbers of
its UTF-16 units (Rich Text Format 1.9.1, "Unicode RTF"). Figures and running text stay in the report; callouts and what
names the data come along, for a table must not travel without them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from trialwright.reports.blocks import (
    Align,
    Block,
    Callout,
    Code,
    GroupHeading,
    Inline,
    KeyValues,
    Mark,
    Page,
    Row,
    Section,
    Strong,
    Table,
    Text,
    walk,
)
from trialwright.reports.figures import text_width

_PAPER = r"\paperw16838\paperh11906\landscape\margl850\margr850\margt1000\margb850"
"""A4 across, in twips: twentieths of a point."""
_WIDTH = 16838 - 2 * 850
_TWIPS_PER_PIXEL = 13
"""Of the font size of cells, eight points; about as wide as most fonts are."""
_PADDING = 70
_WIDEST_WORDS = 260
"""Pixels beyond which a long cell does not widen its column."""
_ALIGNS: dict[Align, str] = {"left": r"\ql", "center": r"\qc", "right": r"\qr"}
_FONTS = r"{\fonttbl{\f0\fswiss Arial;}{\f1\fmodern Courier New;}}"
_LINE_ABOVE, _LINE_BELOW = r"\clbrdrt\brdrs\brdrw10", r"\clbrdrb\brdrs\brdrw10"


def render_rtf(page: Page) -> str:
    """The tables of a page with their headings, notes and warnings: ASCII text, the same for the same page.

    The stamp of the page (`SIMULATED`) stands at the top of each printed page and in the caption of each table.
    """
    head = (
        rf"{{\rtf1\ansi\ansicpg1252\deff0\uc1{_FONTS}",
        rf"{{\info{{\title {_escaped(page.title.plain)}}}}}",
        _PAPER,
        rf"{{\header\pard\plain\qr\f0\fs16 {_inline(page.running)}{_mark(page.stamp)}\par}}",
        r"{\footer\pard\plain\qc\f0\fs16 {\field{\*\fldinst PAGE}{\fldrslt 1}}\par}",
        _paragraph(page.title, r"\b\fs32"),
        _paragraph(page.subtitle, r"\fs20"),
    )
    body = (line for section in page.sections for line in _lines(section, 0, page.stamp))
    return "\n".join((*head, *body, "}")) + "\n"


def _lines(block: Block, depth: int, stamp: str) -> Iterator[str]:
    match block:
        case Section(_, title, blocks):
            if any(isinstance(inner, Table | Callout | KeyValues) for inner in walk(blocks)):
                yield _paragraph(title, rf"\keepn\sb280\b\fs{max(20, 28 - 4 * depth)}")
            for inner in blocks:
                yield from _lines(inner, depth + 1, stamp)
        case Callout(level, title, body):
            yield _paragraph(Text(f"{level.capitalize()}: ", title), r"\keepn\sb120\b\fs18")
            yield from (_paragraph(text, r"\li280\fs18") for text in body)
        case KeyValues(items):
            yield from _key_values(items)
        case Table():
            yield from _table(block, stamp)
        case _:
            return


# --- tables -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cell:
    text: Text
    end: int
    """Where it ends, in twips from the left margin."""
    align: Align = "left"
    indent: int = 0
    is_bold: bool = False


def _table(table: Table, stamp: str) -> Iterator[str]:
    yield rf"\pard\plain\f0\keepn\sb240\sa60\fs18{{\b {_inline(table.caption)}}}{_mark(stamp)}\par"
    ends = _column_ends(table)
    if table.spans:
        yield _row(_span_cells(table, ends), _LINE_ABOVE, is_heading=True)
    titles = [
        _Cell(column.title, end, column.align, is_bold=True)
        for column, end in zip(table.columns, ends, strict=True)
    ]
    above = "" if table.spans else _LINE_ABOVE
    yield _row(titles, above + _LINE_BELOW, is_heading=True)
    bodies = [_body_cells(table, row, ends) for row in table.rows] or [[_Cell(table.empty, ends[-1])]]
    for cells in bodies[:-1]:
        yield _row(cells)
    yield _row(bodies[-1], _LINE_BELOW)
    yield from (_paragraph(note, r"\sb40\fs14") for note in table.notes)


def _span_cells(table: Table, ends: Sequence[int]) -> list[_Cell]:
    """The headings above the columns' own, each as wide as its columns."""
    cells, last = [], -1
    for title, n_columns in table.spans:
        last += n_columns
        cells.append(_Cell(title, ends[last], "center", is_bold=True))
    return cells


def _body_cells(table: Table, row: Row | GroupHeading, ends: Sequence[int]) -> list[_Cell]:
    if isinstance(row, GroupHeading):
        return [_Cell(row.label, ends[-1], is_bold=True)]
    first, *others = table.columns
    return [
        _Cell(row.label, ends[0], first.align, row.indent),
        *(
            _Cell(text, end, column.align)
            for text, end, column in zip(row.cells, ends[1:], others, strict=True)
        ),
    ]


def _key_values(items: Sequence[tuple[Text, Text]]) -> Iterator[str]:
    for key, value in items:
        yield _row([_Cell(key, _WIDTH // 4, is_bold=True), _Cell(value, _WIDTH)])
    yield r"\pard\plain\par"


def _column_ends(table: Table) -> list[int]:
    """As wide as cells need, titles broken between words; where that is more than the page has, the widest are narrowed."""
    rows = [row for row in table.rows if isinstance(row, Row)]
    needs = [max(map(_need, column.title.plain.split(" "))) for column in table.columns]
    for row in rows:
        cells = [20 * row.indent + _need(row.label.plain), *(_need(cell.plain) for cell in row.cells)]
        needs = list(map(max, needs, cells))
    wanted = [math.ceil(_TWIPS_PER_PIXEL * need) + 2 * _PADDING for need in needs]
    most = next(most for most in range(max(wanted), 0, -1) if sum(min(most, one) for one in wanted) <= _WIDTH)
    return list(accumulate(min(most, one) for one in wanted))


def _need(words: str) -> float:
    return min(_WIDEST_WORDS, text_width(words))


def _row(cells: Sequence[_Cell], border: str = "", *, is_heading: bool = False) -> str:
    """One row; it stays whole on its page, and a heading comes again on the next."""
    frame = rf"\trowd\trgaph{_PADDING}\trkeep" + (r"\trhdr" if is_heading else "")
    ends = "".join(rf"{border}\clvertalb\cellx{cell.end}" for cell in cells)
    return f"{frame}{ends}\n{''.join(map(_cell, cells))}\\row"


def _cell(cell: _Cell) -> str:
    weight = r"\b" if cell.is_bold else ""
    place = rf"{_ALIGNS[cell.align]}\li{240 * cell.indent}"
    return rf"\pard\plain\intbl{place}\f0\fs16{weight} {_inline(cell.text)}\cell" + "\n"


# --- text ---------------------------------------------------------------------------------------------------------------


def _paragraph(text: Text, look: str) -> str:
    return rf"\pard\plain\f0{look} {_inline(text)}\par"


def _mark(stamp: str) -> str:
    return rf" {{\b {_escaped(stamp)}}}" if stamp else ""


def _inline(text: Text) -> str:
    return "".join(map(_inline_piece, text.pieces))


def _inline_piece(piece: Inline) -> str:
    match piece:
        case Strong(text):
            return rf"{{\b {_inline(text)}}}"
        case Mark(letter):
            return rf"{{\super {_escaped(letter)}}}"
        case Code(words):
            return rf"{{\f1 {_escaped(words)}}}"
        case str():
            return _escaped(piece)
        case _:
            return _escaped(piece.text)


def _escaped(words: str) -> str:
    return "".join(map(_escaped_letter, words))


def _escaped_letter(letter: str) -> str:
    r"""A letter of ASCII as it is, one that means something to RTF behind a backslash, any other as `\uN ?` for each unit.

    Units are signed 16-bit numbers; the question mark is what a reader without Unicode shows. The space ends the control
    word: without it some readers (pandoc) pass over the letter behind the question mark, which may be a digit.
    """
    if letter in "\\{}":
        return f"\\{letter}"
    if letter.isascii():
        return letter
    units = letter.encode("utf-16-le")
    return "".join(rf"\u{unit} ?" for (unit,) in struct.iter_unpack("<h", units))
