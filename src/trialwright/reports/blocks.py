"""What a page of a report is made of. Values only: nothing here knows HTML, PDF or a terminal.

Every digit can be followed to where it comes from. A plain string holds no digit; one that needs digits is
a `Number`, a `Term` or a `Code`, and these carry a `Ref`. The rule is checked when a value is built, so a page that
exists keeps it:

>>> Text("Median ", Number("27.3 months", Ref.result("rfs/all/median"), 27.3285), ", reached")
Text('Median 27.3 months, reached')
>>> Text("Median 27.3 months")
Traceback (most recent call last):
    ...
ValueError: 'Median 27.3 months' has digits and nothing that says where they come from: make it a Number, Term or Code

A digit is any character that Unicode counts as a number: `1`, `²`, `½`, `Ⅱ` and `①` alike.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, Self

Align = Literal["left", "center", "right"]

_SPACES = re.compile(r"[ \t\n\r]+")
# Control characters, halves of surrogate pairs, and the marks that show what follows them in another order.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_DIGITS = re.compile("[0-9]")
_IDENTIFIER = re.compile(r"[a-z][a-z0-9-]*")


def _words(words: str) -> str:
    """The same words with single spaces for any run of white space, as HTML would show them."""
    words = _SPACES.sub(" ", words)
    found = _UNPRINTABLE.search(words)
    if found:
        raise ValueError(f"{words!r} has the character U+{ord(found[0]):04X}, which cannot be printed")
    if not words:
        raise ValueError("text must not be empty")
    return words


def _has_digit(words: str) -> bool:
    if words.isascii():
        return _DIGITS.search(words) is not None
    return any(unicodedata.category(character).startswith("N") for character in words)


def _without_digits(words: str) -> str:
    if _has_digit(words):
        raise ValueError(
            f"{words!r} has digits and nothing that says where they come from: make it a Number, Term or Code"
        )
    return words


@dataclass(frozen=True, slots=True)
class Ref:
    """Where a piece of text comes from.

    `result`: a row of the results table; `protocol`: a path in the protocol; `data`: a file or dataset; `version`: a
    program or document of ours; `source`: a published standard, guideline or paper ("CTCAE v5.0", "kg/m²").
    """

    kind: Literal["result", "protocol", "data", "version", "source"]
    key: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", _words(self.key))

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"

    @classmethod
    def result(cls, key: str) -> Self:
        return cls("result", key)

    @classmethod
    def protocol(cls, path: str) -> Self:
        return cls("protocol", path)

    @classmethod
    def data(cls, name: str) -> Self:
        return cls("data", name)

    @classmethod
    def version(cls, name: str) -> Self:
        return cls("version", name)

    @classmethod
    def source(cls, name: str) -> Self:
        return cls("source", name)


@dataclass(frozen=True, slots=True)
class Number:
    """A quantity as printed, with the full-precision value behind it.

    Raises
    ------
    ValueError
        If `value` is not finite. What could not be estimated is a `Term`: words, never a number.
    """

    text: str
    ref: Ref
    value: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _words(self.text))
        if not _has_digit(self.text):
            raise ValueError(f"a Number is printed with digits, not as {self.text!r}")
        if isinstance(self.value, bool) or not math.isfinite(self.value):
            raise ValueError(f"a Number has a finite value, not {self.value!r}")
        exact = int(self.value) if isinstance(self.value, Integral) else float(self.value)
        object.__setattr__(self, "value", exact)


@dataclass(frozen=True, slots=True)
class Term:
    """Words that come from somewhere and may have digits: a title, a date, "CTCAE v5.0", "not reached"."""

    text: str
    ref: Ref

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _words(self.text))


@dataclass(frozen=True, slots=True)
class Code:
    """Letters to be read one by one: an identifier, a hash, a command."""

    text: str
    ref: Ref | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _words(self.text))
        if self.ref is None:
            _without_digits(self.text)


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead to a part of the same page, by its anchor or id; where nothing can be followed they are words."""

    text: str
    to: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _without_digits(_words(self.text)))
        _require_identifier(self.to)


@dataclass(frozen=True, slots=True)
class Mark:
    """A raised letter that ties a cell to a footnote."""

    letter: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "letter", _without_digits(_words(self.letter)))


@dataclass(frozen=True, slots=True, init=False)
class Strong:
    """Text that must not be overlooked."""

    text: Text

    def __init__(self, *pieces: Inline | Text) -> None:
        object.__setattr__(self, "text", Text(*pieces))


Inline = str | Number | Term | Code | Link | Mark | Strong


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Text:
    """A run of inline pieces; texts among them are joined in.

    Raises
    ------
    ValueError
        If a plain string has a digit, or any string a control character.
    TypeError
        If a piece is of another kind.
    """

    pieces: tuple[Inline, ...]

    def __init__(self, *pieces: Inline | Text) -> None:
        object.__setattr__(self, "pieces", tuple(_inlines(pieces)))

    def __bool__(self) -> bool:
        return bool(self.pieces)

    def __repr__(self) -> str:
        return f"Text({self.plain!r})"

    @property
    def plain(self) -> str:
        """The words alone, as one string; a footnote mark as `[a]`."""
        return "".join(_plain_piece(piece) for piece in self.pieces)


def _inlines(pieces: tuple[Inline | Text, ...]) -> Iterator[Inline]:
    for piece in pieces:
        if isinstance(piece, Text):
            yield from piece.pieces
        elif isinstance(piece, str):
            if piece:
                yield _without_digits(_words(piece))
        elif isinstance(piece, Number | Term | Code | Link | Mark | Strong):
            yield piece
        else:
            raise TypeError(
                f"text is made of str, Number, Term, Code, Link, Mark and Strong, not {type(piece).__name__}"
            )


def _plain_piece(piece: Inline) -> str:
    match piece:
        case str():
            return piece
        case Strong(text=text):
            return text.plain
        case Mark(letter=letter):
            return f"[{letter}]"
        case _:
            return piece.text


def _require_text(*texts: Text) -> None:
    for text in texts:
        if not isinstance(text, Text):
            raise TypeError(f"expected Text, not {type(text).__name__}: {text!r}")


def _require_identifier(name: str) -> None:
    if not _IDENTIFIER.fullmatch(name):
        raise ValueError(f"{name!r} must be lower-case letters, digits and hyphens, a letter first")


EMPTY = Text()


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: Text

    def __post_init__(self) -> None:
        _require_text(self.text)


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[Text, ...]

    def __post_init__(self) -> None:
        _require_text(*self.items)


@dataclass(frozen=True, slots=True)
class KeyValues:
    """Pairs of a name and what it stands for."""

    items: tuple[tuple[Text, Text], ...]

    def __post_init__(self) -> None:
        _require_text(*(part for pair in self.items for part in pair))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Neighbours with the same `under` share that heading above their own."""

    title: Text
    align: Align = "right"
    under: Text = EMPTY

    def __post_init__(self) -> None:
        _require_text(self.title, self.under)


@dataclass(frozen=True, slots=True)
class Row:
    """A label and one cell for each further column; `indent` counts levels, at most three."""

    label: Text
    cells: tuple[Text, ...]
    indent: int = 0

    def __post_init__(self) -> None:
        _require_text(self.label, *self.cells)
        if not 0 <= self.indent <= 3:
            raise ValueError(
                f"row {self.label.plain!r} must be indented by none to three levels, not {self.indent}"
            )


@dataclass(frozen=True, slots=True)
class GroupHeading:
    """A row that names the rows below it."""

    label: Text

    def __post_init__(self) -> None:
        _require_text(self.label)


@dataclass(frozen=True, slots=True)
class Table:
    """A table. The first column names the rows; `empty` is said in place of no rows at all.

    Raises
    ------
    ValueError
        If there is no column, or a row has not as many cells as there are further columns.
    """

    id: str
    caption: Text
    columns: tuple[Column, ...]
    rows: tuple[Row | GroupHeading, ...]
    notes: tuple[Text, ...] = ()
    empty: Text = Text("Nothing to show.")

    def __post_init__(self) -> None:
        _require_identifier(self.id)
        _require_text(self.caption, *self.notes, self.empty)
        if not self.columns:
            raise ValueError(f"table `{self.id}` has no columns")
        for row in self.rows:
            if isinstance(row, Row) and len(row.cells) != len(self.columns) - 1:
                raise ValueError(
                    f"table `{self.id}`: row {row.label.plain!r} must have {len(self.columns) - 1} cells, not {len(row.cells)}"
                )

    @property
    def spans(self) -> tuple[tuple[Text, int], ...]:
        """The headings above the columns' own, with how many columns each covers; empty texts where there is none."""
        spans: list[tuple[Text, int]] = []
        for column in self.columns:
            if spans and column.under and spans[-1][0] == column.under:
                spans[-1] = (column.under, spans[-1][1] + 1)
            else:
                spans.append((column.under, 1))
        return tuple(spans) if any(column.under for column in self.columns) else ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A Vega-Lite chart. `alt` says what the picture shows to someone who cannot see it.

    `spec` has no font and no size of its own: the renderers know the paper. It must not be changed.
    """

    id: str
    title: Text
    spec: Mapping[str, Any]
    alt: Text
    caption: Text = EMPTY

    def __post_init__(self) -> None:
        _require_identifier(self.id)
        _require_text(self.title, self.alt, self.caption)
        if not self.alt:
            raise ValueError(f"figure `{self.id}` needs a text for those who cannot see it")


@dataclass(frozen=True, slots=True)
class Callout:
    """Something the reader must know before using what follows (`warning`), or should (`note`)."""

    level: Literal["warning", "note"]
    title: Text
    body: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        _require_text(self.title, *self.body)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page under its own heading; sections inside a section are its parts."""

    anchor: str
    title: Text
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        _require_identifier(self.anchor)
        _require_text(self.title)


Block = Paragraph | Bullets | KeyValues | Table | Figure | Callout | Section


@dataclass(frozen=True, slots=True)
class Page:
    """A whole report.

    `running` is the short title at the top of each printed page; `stamp` stands on every page and in every picture
    (`SIMULATED`, `CLOSED`); `date` dates the document (a data cut-off, never the
    clock): only a dated PDF can be an archive file (PDF/A).

    Raises
    ------
    ValueError
        If two sections, tables or figures share an identifier.
    """

    title: Text
    subtitle: Text
    sections: tuple[Section, ...]
    running: Text = EMPTY
    date: dt.date | None = None
    language: str = "en"
    stamp: str = ""

    def __post_init__(self) -> None:
        _require_text(self.title, self.subtitle, self.running)
        seen: set[str] = set()
        for block in walk(self.sections):
            name = (
                block.anchor
                if isinstance(block, Section)
                else block.id
                if isinstance(block, Table | Figure)
                else None
            )
            if name is not None and name in seen:
                raise ValueError(f"two parts of the page are called `{name}`")
            seen |= {name} if name is not None else set()


def walk(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Every block in reading order, those inside sections too."""
    for block in blocks:
        yield block
        if isinstance(block, Section):
            yield from walk(block.blocks)
