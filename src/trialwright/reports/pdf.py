"""A page as a PDF file: A4, tagged for screen readers (PDF/UA-1), and an archive file (PDF/A-2a) if the page is dated.

Typst sets it, with the template `page.typ` and the fonts of this package only. The page reaches the template as data,
so that no text can become code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import typst

from trialwright.reports.blocks import (
    Block,
    Bullets,
    Callout,
    Code,
    Figure,
    GroupHeading,
    Inline,
    KeyValues,
    Link,
    Mark,
    Number,
    Page,
    Paragraph,
    Row,
    Section,
    Strong,
    Table,
    Term,
    Text,
)
from trialwright.reports.charts import draw_stills
from trialwright.reports.glyphs import FONT_DIRECTORY, FONT_FAMILIES, check_glyphs
from trialwright.vocabulary.problems import ProblemsFound

_TEMPLATE = Path(__file__).with_name("templates") / "page.typ"
_EPOCH = 0
"""What a build time would be; the file names none."""

_LONG_WORD = 24
"""Letters of a word that a line may end in: paths of the protocol, and hashes."""

_LONG_SECTION = 75
"""Lines from which a section begins on a page of its own: about two pages. Such parts are also laid out side by side."""

Json = dict[str, Any]


def render_pdf(page: Page, stills: Mapping[str, str] | None = None) -> bytes:
    """The page as a PDF document, the same bytes for the same page.

    `stills`, as `draw_stills` gives them, are drawn where they are not given.

    Raises
    ------
    ProblemsFound
        If the fonts lack a character of the page (`character-without-glyph`).
    """
    data = _page(page, draw_stills(page) if stills is None else stills)
    problems = check_glyphs(_all_text(data), field="report")
    if problems:
        raise ProblemsFound(problems)
    inputs = {"page": json.dumps(data, ensure_ascii=False), "fonts": json.dumps(FONT_FAMILIES)}
    compiler = typst.Compiler(
        _TEMPLATE.read_bytes(), font_paths=_fonts(), ignore_system_fonts=True, sys_inputs=inputs
    )
    document = compiler.compile(
        format="pdf", pdf_standards=["ua-1", "a-2a"] if page.date else ["ua-1"], timestamp=_EPOCH
    )
    return cast("bytes", document)


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONT_DIRECTORY])


def _page(page: Page, stills: Mapping[str, str]) -> Json:
    return {
        "title": page.title.plain,
        "heading": _inlines(page.title),
        "subtitle": _inlines(page.subtitle),
        "running": _inlines(page.running),
        "date": [page.date.year, page.date.month, page.date.day] if page.date else None,
        "language": page.language,
        "stamp": page.stamp,
        "blocks": [_block(section, stills) for section in page.sections],
    }


def _block(block: Block, stills: Mapping[str, str]) -> Json:
    match block:
        case Paragraph(text):
            return {"kind": "paragraph", "text": _inlines(text)}
        case Bullets(items):
            return {"kind": "bullets", "items": [_inlines(item) for item in items]}
        case KeyValues(items):
            return {
                "kind": "key-values",
                "items": [[_inlines(name), _inlines(meaning)] for name, meaning in items],
            }
        case Callout(level, title, body):
            return {
                "kind": "callout",
                "level": level,
                "title": _inlines(title),
                "body": [_inlines(text) for text in body],
            }
        case Figure():
            return {
                "kind": "figure",
                "title": _inlines(block.title),
                "svg": stills[block.id],
                "alt": block.alt.plain,
                "caption": _inlines(block.caption),
            }
        case Table():
            return _table(block)
        case Section(_, title, blocks):
            return {
                "kind": "section",
                "title": _inlines(title),
                "fills_pages": _lines(block) > _LONG_SECTION,
                "blocks": [_block(inner, stills) for inner in blocks],
            }


def _lines(block: Block) -> int:
    """About how many lines of a page a block takes."""
    match block:
        case Section(_, _, blocks):
            return 2 + sum(map(_lines, blocks))
        case Table():
            return 4 + len(block.rows) + len(block.notes)
        case Figure():
            return 25
        case _:
            return 3


def _table(table: Table) -> Json:
    return {
        "kind": "table",
        "caption": _inlines(table.caption),
        "columns": [{"title": _inlines(column.title), "align": column.align} for column in table.columns],
        "spans": [{"title": _inlines(title), "columns": n_columns} for title, n_columns in table.spans],
        "rows": [_row(row) for row in table.rows],
        "notes": [_inlines(note) for note in table.notes],
        "empty": _inlines(table.empty),
    }


def _row(row: Row | GroupHeading) -> Json:
    match row:
        case GroupHeading(label):
            return {"label": _inlines(label), "cells": None, "indent": 0}
        case Row(label, cells, indent):
            return {"label": _inlines(label), "cells": [_inlines(cell) for cell in cells], "indent": indent}


def _inlines(text: Text) -> list[Json]:
    return [_inline(piece) for piece in text.pieces]


def _inline(piece: Inline) -> Json:
    match piece:
        case Number(text):
            return {"kind": "number", "text": text}
        case Term(text) | Link(text) | str(text):
            is_breakable = any(len(word) >= _LONG_WORD for word in text.split(" "))
            return {"kind": "path" if is_breakable else "words", "text": text}
        case Code(text):
            return {"kind": "code", "text": text}
        case Mark(letter):
            return {"kind": "mark", "text": letter}
        case Strong(text):
            return {"kind": "strong", "pieces": _inlines(text)}


def _all_text(data: object) -> str:
    match data:
        case str():
            return data
        case dict():
            return "".join(_all_text(value) for value in data.values())
        case list():
            return "".join(_all_text(value) for value in data)
        case _:
            return ""
