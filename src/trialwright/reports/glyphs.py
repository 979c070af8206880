"""The fonts a printed report is set in, and which characters they have.

Typst and vl-convert both draw a character that no font has as an empty box, or as nothing, and say nothing. So texts
are compared with the fonts first.
"""

from __future__ import annotations

import struct
import unicodedata
from functools import cache
from pathlib import Path

from trialwright.vocabulary.problems import Problem

FONT_DIRECTORY = Path(__file__).with_name("fonts")
FONT_FAMILIES = ("Inter", "Droid Sans Fallback")
"""In order of preference: Latin, Greek, Cyrillic and signs; then Chinese characters and kana."""

_NOTHING = 0xFFFF


def check_glyphs(text: str, *, field: str) -> list[Problem]:
    """One problem (`character-without-glyph`) for each character of `text` that no font of the report has.

    `field` says which part of the report the text is of. Spaces, tabs and ends of lines need no glyph.
    """
    missing = sorted(set(text) - covered_characters() - set(" \t\n\r"))
    return [
        Problem(
            "character-without-glyph",
            f"{character!r} (U+{ord(character):04X} {unicodedata.name(character, 'without a name')}) "
            "is in no font of the report, and would be printed as an empty box",
            field=field,
        )
        for character in missing
    ]


@cache
def covered_characters() -> frozenset[str]:
    """Every character that the fonts of the report can draw; a control character is none, whatever a font says."""
    codes = {code for path in FONT_DIRECTORY.glob("*.[ot]tf") for code in _mapped_codes(path.read_bytes())}
    return frozenset(chr(code) for code in codes if unicodedata.category(chr(code)) != "Cc")


def _mapped_codes(font: bytes) -> set[int]:
    """Code points that the `cmap` table of a font maps to a glyph (OpenType 1.9, `cmap`, formats 4 and 12)."""
    codes: set[int] = set()
    start = _table_start(font, b"cmap")
    (n_subtables,) = struct.unpack_from(">H", font, start + 2)
    for i in range(n_subtables):
        (offset,) = struct.unpack_from(">I", font, start + 4 + 8 * i + 4)
        subtable = start + offset
        (table_format,) = struct.unpack_from(">H", font, subtable)
        if table_format == 4:
            codes |= _codes_of_format_4(font, subtable)
        elif table_format == 12:
            codes |= _codes_of_format_12(font, subtable)
    return codes


def _table_start(font: bytes, tag: bytes) -> int:
    (n_tables,) = struct.unpack_from(">H", font, 4)
    for i in range(n_tables):
        name, _, start, _ = struct.unpack_from(">4sIII", font, 12 + 16 * i)
        if name == tag:
            return int(start)
    raise ValueError(f"the font has no {tag.decode()} table")


def _codes_of_format_4(font: bytes, start: int) -> set[int]:
    (double,) = struct.unpack_from(">H", font, start + 6)
    n = double // 2
    ends = struct.unpack_from(f">{n}H", font, start + 14)
    starts = struct.unpack_from(f">{n}H", font, start + 16 + 2 * n)
    deltas = struct.unpack_from(f">{n}H", font, start + 16 + 4 * n)
    ranges_at = start + 16 + 6 * n
    ranges = struct.unpack_from(f">{n}H", font, ranges_at)
    codes: set[int] = set()
    for i, (first, last, delta, offset) in enumerate(zip(starts, ends, deltas, ranges, strict=True)):
        for code in range(first, min(last, _NOTHING - 1) + 1):
            if offset == 0:
                glyph = (code + delta) % 0x10000
            else:
                (glyph,) = struct.unpack_from(">H", font, ranges_at + 2 * i + offset + 2 * (code - first))
            if glyph:
                codes.add(code)
    return codes


def _codes_of_format_12(font: bytes, start: int) -> set[int]:
    (n_groups,) = struct.unpack_from(">I", font, start + 12)
    codes: set[int] = set()
    for i in range(n_groups):
        first, last, glyph = struct.unpack_from(">III", font, start + 16 + 12 * i)
        codes.update(range(first if glyph else first + 1, last + 1))
    return codes
