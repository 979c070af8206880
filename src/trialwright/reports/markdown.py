"""A page as Markdown, as GitHub and most document tools read it: tables with pipes, figures told in words."""

from __future__ import annotations

import re

from trialwright.reports.blocks import (
    Align,
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
    Page,
    Paragraph,
    Row,
    Section,
    Strong,
    Table,
    Text,
)

_ACTIVE = re.compile(r"([\\`*_{}\[\]<>|~#])")
# At the start of a line these would begin a list, a heading or a rule.
_ACTIVE_FIRST = re.compile(r"^([-+=]|[0-9]+[.)])(?=\s|$)")
_RULES: dict[Align, str] = {"left": ":---", "center": ":---:", "right": "---:"}
_NO_BREAK = "\u00a0"


def render_markdown(page: Page) -> str:
    """The page as Markdown. Sections are headings from the second level on, each with its anchor."""
    parts = [f"# {_inline(page.title)}"]
    if page.subtitle:
        parts.append(_line(page.subtitle))
    parts += [part for section in page.sections for part in _parts(section, 2)]
    return "\n\n".join(parts) + "\n"


def _parts(block: Block, level: int) -> list[str]:
    """The paragraphs of Markdown that a block becomes."""
    match block:
        case Section(anchor, title, blocks):
            heading = f'<a id="{anchor}"></a>\n\n{"#" * min(level, 6)} {_inline(title)}'
            return [heading, *(part for inner in blocks for part in _parts(inner, level + 1))]
        case Paragraph(text):
            return [_line(text)]
        case Bullets(items):
            return ["\n".join(f"- {_line(item)}" for item in items)] if items else []
        case KeyValues(items):
            return (
                ["\n".join(f"- **{_inline(key)}:** {_inline(value)}" for key, value in items)]
                if items
                else []
            )
        case Callout(level=word, title=title, body=body):
            told = [f"> **{word.capitalize()}: {_inline(title)}**", *(f"> {_line(text)}" for text in body)]
            return ["\n>\n".join(told)]
        case Figure(title=title, alt=alt, caption=caption):
            return [f"**{_inline(title)}**", *(f"*{_inline(text)}*" for text in (alt, caption) if text)]
        case Table():
            return _table(block)


def _table(table: Table) -> list[str]:
    parts = [f"**{_inline(table.caption)}**"]
    if table.rows:
        titles = [
            f"{_inline(column.under)}: {_inline(column.title)}" if column.under else _inline(column.title)
            for column in table.columns
        ]
        lines = [_row(titles), _row([_RULES[column.align] for column in table.columns])]
        parts.append("\n".join([*lines, *(_row(_cells(row, len(titles))) for row in table.rows)]))
    else:
        parts.append(_line(table.empty))
    return [*parts, *(_line(note) for note in table.notes)]


def _cells(row: Row | GroupHeading, n_columns: int) -> list[str]:
    if isinstance(row, GroupHeading):
        return [f"**{_inline(row.label)}**", *[""] * (n_columns - 1)]
    return [_NO_BREAK * 4 * row.indent + _inline(row.label), *(_inline(cell) for cell in row.cells)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _line(text: Text) -> str:
    """Text at the start of a line."""
    return _ACTIVE_FIRST.sub(lambda found: _escaped_start(found[1]), _inline(text))


def _escaped_start(start: str) -> str:
    return f"\\{start}" if len(start) == 1 else f"{start[:-1]}\\{start[-1]}"


def _inline(text: Text) -> str:
    return "".join(_inline_piece(piece) for piece in text.pieces)


def _inline_piece(piece: Inline) -> str:
    match piece:
        case Strong(text):
            return f"**{_inline(text)}**"
        case Link(text, to):
            return f"[{_escaped(text)}](#{to})"
        case Mark(letter):
            return f"<sup>{letter}</sup>"
        case Code(words):
            return f"<code>{_escaped(words)}</code>"
        case str():
            return _escaped(piece)
        case _:
            return _escaped(piece.text)


def _escaped(words: str) -> str:
    return _ACTIVE.sub(r"\\\1", words.replace("&", "&amp;"))
