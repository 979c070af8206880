import pytest

from trialwright.reports import glyphs
from trialwright.reports.glyphs import FONT_DIRECTORY, check_glyphs, covered_characters


def test_the_signs_of_the_field_are_covered():
    words = "aZ09 ÄÖÜßéñčłğ αβγκμΔΣ ЖИ ≥≤≠≈±×−–—·•→←↑↓∞√ ²³½‰°µ†‡§ Ⅱ①℃ 随访肝炎患者，。（）病毒载量 ウイルス \u00a0\u202f"
    assert check_glyphs(words, field="report") == []


def test_what_no_font_has_is_a_problem_each_once():
    problems = check_glyphs("ก ข ก x", field="title")
    assert [(p.code, p.field) for p in problems] == [("character-without-glyph", "title")] * 2
    assert problems[0].message.startswith("'ก' (U+0E01 THAI CHARACTER KO KAI)")


@pytest.mark.parametrize("character", ["\U0001f600", "א", "ع", "바", "\x00", "\x07", "\x1c", "\u202e"])
def test_characters_of_other_scripts_are_not_covered(character):
    assert character not in covered_characters()


def test_bold_has_all_that_regular_has():
    """Coverage is told for a family as a whole, so its weights must not differ."""
    codes = [
        glyphs._mapped_codes((FONT_DIRECTORY / f"Inter-{w}.otf").read_bytes())
        for w in ("Regular", "SemiBold")
    ]
    assert codes[0] == codes[1]
    assert len(codes[0]) > 2000


def test_format_4_maps_by_shift_and_by_table():
    """A table by hand (OpenType, `cmap`): A to C by a shift, a to c by a list in which b has no glyph, then the end mark."""
    segments = [(0x41, 0x43, -0x40 % 0x10000, 0), (0x61, 0x63, 0, 4), (0xFFFF, 0xFFFF, 1, 0)]
    listed = [7, 0, 9]
    words = [4, 0, 0, 2 * len(segments), 0, 0, 0]
    words += [end for _, end, _, _ in segments] + [0] + [start for start, _, _, _ in segments]
    words += [delta for _, _, delta, _ in segments] + [offset for _, _, _, offset in segments] + listed
    table = b"".join(word.to_bytes(2, "big") for word in words)
    assert glyphs._codes_of_format_4(table, 0) == {0x41, 0x42, 0x43, 0x61, 0x63}


def test_format_12_leaves_out_what_maps_to_no_glyph():
    groups = [(0x4E00, 0x4E02, 5), (0x20000, 0x20002, 0)]
    table = bytes([0, 12, 0, 0]) + bytes(8) + (2).to_bytes(4, "big")
    table += b"".join(word.to_bytes(4, "big") for group in groups for word in group)
    assert glyphs._codes_of_format_12(table, 0) == {0x4E00, 0x4E01, 0x4E02, 0x20001, 0x20002}
