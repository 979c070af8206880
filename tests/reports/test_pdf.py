import dataclasses
import re
import zlib

import pytest

from trialwright.reports.blocks import (
    Code,
    Column,
    Figure,
    KeyValues,
    Number,
    Page,
    Paragraph,
    Ref,
    Row,
    Section,
    Strong,
    Table,
    Term,
    Text,
    walk,
)
from trialwright.reports.figures import survival_figure
from trialwright.reports.pdf import render_pdf
from trialwright.vocabulary.problems import ProblemsFound


def letters_of(document):
    """All letters of a PDF in the order they are drawn, without spaces."""
    return "".join("".join(runs_of(document)).split())


def runs_of(document):
    """Every run of letters that a PDF draws at one go, pages and pictures in order (ISO 32000-1, 9.4 and 9.10).

    Enough for what typst writes: glyphs of two bytes in literal strings, and a `ToUnicode` map for each font.
    """
    objects = {
        int(n): body for n, body in re.findall(rb"(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj", document, re.DOTALL)
    }
    fonts = {}
    for number, body in objects.items():
        to_unicode = re.search(rb"/ToUnicode (\d+) 0 R", body)
        if to_unicode:
            fonts[number] = unicode_map(stream_of(objects[int(to_unicode[1])]))
    runs = []

    def draw(content, resources):
        names = {
            kind: dict(re.findall(rb"/(\w+) (\d+) 0 R", found[1]))
            for kind in (b"Font", b"XObject")
            if (found := re.search(rb"/" + kind + rb"<<(.*?)>>", resources))
        }
        glyphs = {}
        # Dictionaries may hold strings too (a language, an actual text): they are passed over.
        letter = rb"[^()\\]|\\."
        text = rb"\(((?:" + letter + rb"|\((?:" + letter + rb")*\))*)\)"
        tokens = rb"<<.*?>>|/(\w+) [\d.]+ Tf|/(\w+) Do|(T[Jj])\b|" + text
        run = ""
        for name, picture, end, text in re.findall(tokens, content, re.DOTALL):
            if name:
                glyphs = fonts[int(names[b"Font"][name])]
            elif picture:
                form = objects[int(names[b"XObject"][picture])]
                if b"/Subtype/Form" in form:
                    draw(stream_of(form), resources_of(form))
            elif end:
                runs.append(run)
                run = ""
            else:
                codes = unescape(text)
                run += "".join(glyphs[codes[i : i + 2]] for i in range(0, len(codes), 2))

    def resources_of(body):
        found = re.search(rb"/Resources (\d+) 0 R", body)
        return objects[int(found[1])] if found else body

    for body in objects.values():
        if re.search(rb"/Type/Page\b", body):
            contents = int(re.search(rb"/Contents (\d+) 0 R", body)[1])
            draw(stream_of(objects[contents]), resources_of(body))
    return runs


def stream_of(body):
    head, _, rest = body.partition(b"\nstream\n")
    data = rest[: int(re.search(rb"/Length (\d+)", head)[1])]
    return zlib.decompress(data) if b"/FlateDecode" in head else data


def unicode_map(cmap):
    return {
        bytes.fromhex(code.decode()): bytes.fromhex(text.decode()).decode("utf-16-be")
        for code, text in re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>\n", cmap.partition(b"beginbfchar")[2])
    }


def unescape(text):
    special = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}

    def one(match):
        code = match[1]
        return bytes([int(code, 8)]) if code.isdigit() else special.get(code, code)

    return re.sub(rb"\\([0-7]{1,3}|.)", one, text, flags=re.DOTALL)


def plain_texts(page):
    """Every text that a printed page shows, in reading order, without spaces."""

    def look(value):
        if isinstance(value, Text):
            yield "".join(plain(piece) for piece in value.pieces)
        elif isinstance(value, tuple):
            for part in value:
                yield from look(part)
        elif isinstance(value, Table):
            yield from look((value.caption, tuple(title for title, _ in value.spans)))
            yield from look(
                (tuple(column.title for column in value.columns), value.rows or value.empty, value.notes)
            )
        elif dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                if field.name not in ("alt", "running"):
                    yield from look(getattr(value, field.name))

    def plain(piece):
        match piece:
            case str():
                return piece
            case Strong(text):
                return text.plain
            case Number(text) | Term(text) | Code(text):
                return text
            case _:
                return piece.letter

    return ["".join(words.split()) for words in look(page) if words]


def one_section(*blocks, **options):
    return Page(Text("T"), Text("S"), (Section("a", Text("A"), blocks),), **options)


def term(words):
    return Text(Term(words, Ref.data("x")))


@pytest.fixture(scope="module")
def document(sample_page):
    return render_pdf(sample_page)


def test_every_text_and_number_is_printed_in_reading_order(sample_page, document):
    letters = letters_of(document)
    position = 0
    texts = plain_texts(sample_page)
    assert len(texts) > 30
    for words in texts:
        found = letters.find(words, position)
        assert found >= 0, words
        position = found + len(words)


def test_the_words_and_counts_of_a_figure_are_printed(sample_page, document):
    letters = letters_of(document)
    figures = [block for block in walk(sample_page.sections) if isinstance(block, Figure)]
    assert "HBsAgpositive</script>随访AtriskCensoredEventsAtriskCensoredEvents" in letters
    counts = [str(row["n"]) for row in figures[0].spec["datasets"]["at_risk"]]
    assert "".join(counts) in letters
    assert "1.50(1.10to2.00)" in letters


def pictures_of(document):
    """Left, lower, right and upper edge of every picture in points, from the lower left corner of its page."""
    objects = dict(re.findall(rb"(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj", document, re.DOTALL))
    pages = [body for body in objects.values() if re.search(rb"/Type/Page\b", body)]
    contents = b"".join(stream_of(objects[re.search(rb"/Contents (\d+) 0 R", body)[1]]) for body in pages)
    corner = rb"(-?[\d.]+) (-?[\d.]+) "
    boxes = re.findall(rb"q " + corner + rb"m " + 3 * (corner + rb"l\s?") + rb"h\nW", contents)
    return [(float(box[0]), float(box[5]), float(box[4]), float(box[1])) for box in boxes]


@pytest.mark.parametrize(
    ("height", "has_room"),
    [
        pytest.param(300, True, id="as wide as the text where there is room"),
        pytest.param(900, True, id="nearly a page high"),
        pytest.param(1000, False, id="a page high with its title and note: smaller"),
        pytest.param(4000, False, id="much higher than a page"),
    ],
)
def test_a_picture_ends_above_its_notes_and_the_foot_of_the_page(height, has_room):
    # Of A4 174 mm by 257 mm are left between the margins, so a picture as wide has 700 by 1034 px less title and note.
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="700" height="{height}" viewBox="0 0 700 {height}"/>'
    )
    figure = Figure("f", Text("Title"), {}, Text("alt"), Text("A note of two lines. " * 10))
    document = render_pdf(one_section(Paragraph(Text("before")), figure), {"f": drawn})
    millimetre = 72 / 25.4
    [(left, lower, right, upper)] = pictures_of(document)
    if has_room:
        assert (right - left) / millimetre == pytest.approx(174, abs=0.1)
    else:
        assert 230 < (upper - lower) / millimetre < 245
    assert (upper - lower) / (right - left) == pytest.approx(height / 700, rel=1e-3)
    assert lower > 20 * millimetre + 2 * 8
    assert upper < (297 - 20) * millimetre


def test_only_the_fonts_of_the_package_are_embedded(document):
    names = set(re.findall(rb"/FontName/[A-Z]{6}\+([\w-]+)", document))
    assert names == {b"Inter-Regular", b"Inter-SemiBold", b"DroidSansFallback"}


def test_a_dated_page_is_an_archive_file_of_that_day(document):
    assert b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in document
    assert b"<pdfuaid:part>1</pdfuaid:part>" in document
    assert set(re.findall(rb"Date\(D:(\d+)", document)) == {b"20240501000000"}


def test_an_undated_page_names_no_day():
    document = render_pdf(one_section(Paragraph(Text("a"))))
    assert b"<pdfuaid:part>1</pdfuaid:part>" in document
    assert b"pdfaid:part" not in document
    assert re.findall(rb"(?:Creation|Mod)Date\(D:(\d+)", document) == []


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(one_section(Paragraph(Text("ไทย"))), id="in a paragraph"),
        pytest.param(one_section(running=Text("ไทย")), id="in the head of a page"),
        pytest.param(one_section(Table("t", Text("t"), (Column(Text("ไทย")),), ())), id="in a table"),
        pytest.param(
            one_section(
                survival_figure(
                    [
                        {
                            "label": "ไทย",
                            "steps": [],
                            "censor_marks": [],
                            "ticks": [{"time": 0, "n_at_risk": 0, "n_censored": 0, "n_events": 0}],
                        }
                    ],
                    figure_id="f",
                    title=Text("F"),
                    alt=Text("F"),
                    survival_title="S",
                    time_title="T",
                )
            ),
            id="in a figure",
        ),
    ],
)
def test_a_character_without_a_glyph_is_a_problem_not_a_box(page):
    with pytest.raises(ProblemsFound) as found:
        render_pdf(page)
    assert {problem.code for problem in found.value.problems} == {"character-without-glyph"}
    assert [problem.message[:12] for problem in found.value.problems] == [
        "'ท' (U+0E17 ",
        "'ย' (U+0E22 ",
        "'ไ' (U+0E44 ",
    ]


def test_a_long_table_repeats_its_heading_on_every_page():
    rows = tuple(Row(term(f"subject {i}"), (term(f"{i} mg"),)) for i in range(150))
    table = Table("t", Text("Doses"), (Column(Text("Subject"), "left"), Column(Text("Dose given"))), rows)
    document = render_pdf(one_section(table))
    n_pages = len(re.findall(rb"/Type/Page\b", document))
    letters = letters_of(document)
    assert n_pages >= 3
    assert letters.count("SubjectDosegiven") == n_pages
    assert all(f"subject{i}{i}mg" in letters for i in range(150))


@pytest.mark.parametrize(("n_rows", "pages"), [(68, [1, 1]), (70, [1, 2])])
def test_a_section_that_fills_pages_begins_on_a_page_of_its_own(n_rows, pages):
    """A title (2 lines), a heading and notes (4) and 70 rows are more than 75 lines; 68 rows are not."""
    rows = tuple(Row(term(f"subject {i}"), (term(f"{i} mg"),)) for i in range(n_rows))
    table = Table("t", Text("Doses"), (Column(Text("Subject"), "left"), Column(Text("Dose given"))), rows)
    sections = (
        Section("a", Text("Before"), (Paragraph(Text("A word.")),)),
        Section("b", Text("After"), (table,)),
    )
    letters = letters_of(render_pdf(Page(Text("T"), Text("S"), sections)))
    ends = [letters.index(f"Page{n}of") for n in (1, 2)]
    found = [sum(end < letters.index(title) for end in ends) + 1 for title in ("Before", "After")]
    assert found == pages


def test_a_short_table_stays_on_one_page():
    filler = tuple(Paragraph(Text("word " * 60)) for _ in range(14))
    table = Table(
        "t", Text("Doses"), (Column(Text("Subject")),), tuple(Row(term(f"{i}x"), ()) for i in range(15))
    )
    for n in range(len(filler)):
        letters = letters_of(render_pdf(one_section(*filler[:n], table)))
        assert letters.count("Subject") == 1


def test_a_high_table_of_few_rows_leaves_no_page_half_empty():
    """Twelve rows of five lines each fill half a page: behind as much text the first of them stand on the same page."""
    filler = tuple(Paragraph(Text("word " * 60)) for _ in range(9))
    columns = (Column(Text("Subject"), "left"), Column(Text("What was found"), "left"))
    rows = tuple(Row(term(f"{i}x"), (Text("a word or two " * 30),)) for i in range(12))
    document = render_pdf(one_section(*filler, Table("t", Text("High"), columns, rows)))
    assert letters_of(document).count("SubjectWhatwasfound") == 2
    assert len(re.findall(rb"/Type/Page\b", document)) == 2


def test_names_and_meanings_stay_on_one_page():
    items = tuple((Text("version"), term(f"{i}v")) for i in range(12))
    for n in range(11, 15):
        filler = tuple(Paragraph(Text("word " * 60)) for _ in range(n))
        letters = letters_of(render_pdf(one_section(*filler, KeyValues(items))))
        first, last = letters.index("0v"), letters.index("11v")
        assert "Page" not in letters[first:last]


def test_the_words_of_an_empty_table_are_not_squeezed_into_its_first_column():
    words = "Everybody fulfils every criterion, and all of them could be judged."
    columns = (Column(Text("Subject"), "left"),)
    runs = runs_of(render_pdf(one_section(Table("t", Text("Criteria"), columns, (), empty=Text(words)))))
    assert words in runs


def test_a_long_path_ends_its_line_at_a_point_or_underscore_and_runs_into_no_other_cell():
    path = "treatments.durvalumab.until.confirmed_progression.when"
    columns = tuple(Column(Text(head), "left") for head in ("Element", "Check", "What was found"))
    row = Row(term(path), (Text("cannot-be-confirmed"), Text("a word or two " * 30)))
    runs = runs_of(render_pdf(one_section(Table("t", Text("Checks"), columns, (row,)))))
    assert path not in runs
    first = next(run for run in runs if run.startswith("treatments."))
    assert first[-1] in "._"


def test_a_wide_table_breaks_no_number_and_leaves_room_for_words():
    columns = (Column(Text("Preferred term"), "left"), *(Column(term(f"Grade {i}")) for i in range(1, 9)))
    cells = [f"{100 + i} (8{i}.5 %)" for i in range(1, 9)]
    row = Row(Text("Aspartate aminotransferase increased"), tuple(term(cell) for cell in cells))
    runs = runs_of(render_pdf(one_section(Table("t", Text("Wide"), columns, (row,)))))
    assert [run for run in runs if run in cells] == cells
    assert any(run.startswith("Aspartate amino") for run in runs)


def test_a_short_word_is_not_squeezed_by_a_long_one_beside_it():
    heads = [Column(Text(head), "left") for head in ("Patient", "Group", "Ended")]
    days = [Column(Text("Days since then"))] * 3
    row = Row(
        term("00001"),
        (Text("analogue with peginterferon " * 5), Text("recovered"), *[Text("not applicable")] * 3),
    )
    runs = runs_of(render_pdf(one_section(Table("t", Text("Listing"), (*heads, *days), (row,)))))
    assert "recovered" in runs
