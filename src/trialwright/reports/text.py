"""Tables and pages in letters of one width, for terminals and for tests."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from trialwright.reports.blocks import (
    Align,
    Block,
    Bullets,
    Callout,
    Figure,
    GroupHeading,
    KeyValues,
    Page,
    Paragraph,
    Row,
    Section,
    Table,
    Text,
)

_GAP = "  "
_NARROWEST = 6
"""Columns of a terminal below which no column of a table is narrowed."""


def render_page_text(page: Page, *, width: int = 100) -> str:
    """The page as lines of at most `width` letters, where words and columns allow it. Figures are told in words."""
    head = [page.title, *([page.subtitle] if page.subtitle else [])]
    lines = [line for text in head for line in _wrap(text.plain, width)]
    for section in page.sections:
        lines += ["", *_block_lines(section, width, 0)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _block_lines(block: Block, width: int, depth: int) -> list[str]:
    match block:
        case Section(_, title, blocks):
            heading = _wrap(title.plain, width)
            lines = [*heading, ("=" if depth == 0 else "-") * min(width, max(map(_width, heading)))]
            for i, inner in enumerate(blocks):
                lines += [*([""] if i else []), *_block_lines(inner, width, depth + 1)]
            return lines
        case Paragraph(text):
            return _wrap(text.plain, width)
        case Bullets(items):
            return [line for item in items for line in _hung("- ", item, width)]
        case KeyValues(items):
            indent = min(max((_width(key.plain) for key, _ in items), default=0), width // 3) + len(_GAP)
            return [line for key, value in items for line in _hung(_pad_to(key.plain, indent), value, width)]
        case Callout(level, title, body):
            told = [line for text in body for line in _hung("  - ", text, width)]
            return [*_wrap(f"{level.upper()}: {title.plain}", width), *told]
        case Figure(_, title, _, alt, caption):
            return [line for text in (title, alt, caption) if text for line in _wrap(text.plain, width)]
        case Table():
            return render_table_text(block, width=width).splitlines()


def _hung(lead: str, text: Text, width: int) -> list[str]:
    """Text behind a lead, its further lines below its first letter."""
    indent = _width(lead)
    if indent > width // 2:
        return [*_wrap(lead.strip(), width), *(f"{'':4}{line}" for line in _wrap(text.plain, width - 4))]
    first, *rest = _wrap(text.plain, width - indent)
    return [lead + first, *(" " * indent + line for line in rest)]


def _pad_to(words: str, width: int) -> str:
    return words + " " * max(len(_GAP), width - _width(words))


def _wrap(words: str, width: int) -> list[str]:
    """Lines of at most so many columns, broken at spaces; between letters only where a word alone is too long."""
    lines = [""]
    for word in words.split(" "):
        for piece in _pieces(word, width):
            joined = f"{lines[-1]} {piece}" if lines[-1] else piece
            if _width(joined) <= width:
                lines[-1] = joined
            else:
                lines.append(piece)
    return lines


def _pieces(word: str, width: int) -> Iterator[str]:
    while _width(word) > width:
        end = next(i for i in range(len(word), 0, -1) if _width(word[:i]) <= width or i == 1)
        yield word[:end]
        word = word[end:]
    yield word


def render_table_text(table: Table, *, width: int | None = None) -> str:
    """The table as lines of aligned columns, with its caption above and its notes below.

    Nothing is cut. Cells, caption and notes are wrapped only if a `width` is given.
    """
    titles = [column.title.plain for column in table.columns]
    bodies = [_cells(row) for row in table.rows if isinstance(row, Row)]
    widths = [max(map(_width, column)) for column in zip(titles, *bodies, strict=True)]
    _widen_for_spans(table, widths)
    if width is not None:
        _narrow(widths, width, [_longest_word(column) for column in zip(titles, *bodies, strict=True)])
    aligns = [column.align for column in table.columns]
    body = [
        line
        for row in table.rows
        for line in (
            _wrapped(row.label.plain, width)
            if isinstance(row, GroupHeading)
            else _lines(_cells(row), widths, aligns, indent=2 * row.indent)
        )
    ]
    rule = "-" * max([_total(widths), *(_width(line.rstrip()) for line in body)])
    lines = [
        *_wrapped(table.caption.plain, width),
        rule,
        *_span_lines(table, widths),
        *_lines(titles, widths, aligns),
        rule,
        *(body or _wrapped(table.empty.plain, width)),
        rule,
        *(line for note in table.notes for line in _wrapped(note.plain, width)),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _wrapped(words: str, width: int | None) -> list[str]:
    return [words] if width is None else _wrap(words, width)


def _narrow(widths: list[int], width: int, words: Sequence[int]) -> None:
    """Take from the widest columns, a letter at a time, until all fit: first what words leave free, then within words."""
    for leasts in (words, [_NARROWEST] * len(widths)):
        while _total(widths) > width:
            wide = [i for i, least in enumerate(leasts) if widths[i] > least]
            if not wide:
                break
            widths[max(wide, key=lambda i: widths[i])] -= 1


def _longest_word(cells: Sequence[str]) -> int:
    """The letters of the longest word of a column, behind its indent."""
    return max(
        len(cell) - len(cell.lstrip(" ")) + max(_width(word) for word in cell.split(" ")) for cell in cells
    )


def _cells(row: Row) -> list[str]:
    return ["  " * row.indent + row.label.plain, *(cell.plain for cell in row.cells)]


def _lines(
    cells: Sequence[str], widths: Sequence[int], aligns: Sequence[Align], *, indent: int = 0
) -> list[str]:
    """One row; a cell wider than its column goes on below, a label below its own indent."""
    columns = [
        [cell] if _width(cell) <= width else _wrap(cell, width)
        for cell, width in zip(cells, widths, strict=True)
    ]
    if _width(cells[0]) > widths[0]:
        columns[0] = [" " * indent + line for line in _wrap(cells[0].strip(), max(1, widths[0] - indent))]
    return [
        _GAP.join(_pad(cell, width, align) for cell, width, align in zip(line, widths, aligns, strict=True))
        for line in zip_longest(*columns, fillvalue="")
    ]


def _widen_for_spans(table: Table, widths: list[int]) -> None:
    first = 0
    for title, n_columns in table.spans:
        last = first + n_columns - 1
        widths[last] += max(0, _width(title.plain) - _total(widths[first : last + 1]))
        first += n_columns


def _span_lines(table: Table, widths: list[int]) -> list[str]:
    """The headings that several columns share, each over a line as long as those columns."""
    titles, lines = [], []
    first = 0
    for title, n_columns in table.spans:
        width = _total(widths[first : first + n_columns])
        titles.append(_pad(title.plain, width, "center"))
        lines.append(("-" if title else " ") * width)
        first += n_columns
    return [_GAP.join(titles), _GAP.join(lines)] if titles else []


def _total(widths: list[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _pad(words: str, width: int, align: Align) -> str:
    space = width - _width(words)
    before = {"left": 0, "center": space // 2, "right": space}[align]
    return " " * before + words + " " * (space - before)


def _width(words: str) -> int:
    """Columns of a terminal that words fill: two for a Chinese character, none for an accent on its own."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in words
    )
