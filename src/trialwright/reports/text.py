"""A table in letters of one width, for terminals and for tests."""

from __future__ import annotations

import unicodedata

from trialwright.reports.blocks import Align, GroupHeading, Row, Table

_GAP = "  "


def render_table_text(table: Table) -> str:
    """The table as lines of aligned columns, with its caption above and its notes below; nothing is cut or wrapped."""
    titles = [column.title.plain for column in table.columns]
    bodies = [_cells(row) for row in table.rows if isinstance(row, Row)]
    widths = [max(map(_width, column)) for column in zip(titles, *bodies, strict=True)]
    _widen_for_spans(table, widths)
    aligns = [column.align for column in table.columns]
    body = [
        row.label.plain if isinstance(row, GroupHeading) else _line(_cells(row), widths, aligns)
        for row in table.rows
    ]
    rule = "-" * max([_total(widths), *(_width(line.rstrip()) for line in body)])
    lines = [
        table.caption.plain,
        rule,
        *_span_lines(table, widths),
        _line(titles, widths, aligns),
        rule,
        *(body or [table.empty.plain]),
        rule,
        *(note.plain for note in table.notes),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _cells(row: Row) -> list[str]:
    return ["  " * row.indent + row.label.plain, *(cell.plain for cell in row.cells)]


def _line(cells: list[str], widths: list[int], aligns: list[Align]) -> str:
    return _GAP.join(
        _pad(cell, width, align) for cell, width, align in zip(cells, widths, aligns, strict=True)
    )


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
