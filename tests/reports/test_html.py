import base64
import dataclasses
import hashlib
import json
import math
import re
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.reports.blocks import (
    Code,
    Figure,
    Mark,
    Number,
    Page,
    Paragraph,
    Ref,
    Section,
    Strong,
    Term,
    Text,
    walk,
)
from trialwright.reports.charts import draw_stills
from trialwright.reports.html import render_html

VOID = {"meta", "img"}
UNSEEN = {"head", "script", "style"}


class Reader(HTMLParser):
    """Elements in order as (tag, attributes, text directly inside), and visible text with its nearest reference."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open = []
        self.elements = []
        self.pieces = []

    def handle_starttag(self, tag, attrs):
        element = (tag, dict(attrs), [])
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, words):
        if not self.open:
            return
        self.open[-1][2].append(words)
        if not UNSEEN & {tag for tag, _, _ in self.open}:
            refs = [attributes["data-ref"] for _, attributes, _ in self.open if "data-ref" in attributes]
            self.pieces.append((words, refs[-1] if refs else None))

    def of(self, *tags):
        return [(attributes, "".join(words)) for tag, attributes, words in self.elements if tag in tags]


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def html(sample_page):
    return render_html(sample_page)


@pytest.fixture(scope="module")
def reader(html):
    return read(html)


def pieces_of(page):
    """Every inline piece of a page, those inside `Strong` too."""
    found = []

    def look(value):
        if isinstance(value, Text):
            for piece in value.pieces:
                look(piece)
        elif isinstance(value, Strong):
            look(value.text)
        elif isinstance(value, str | Number | Term | Code | Mark):
            found.append(value)
        elif isinstance(value, tuple):
            for part in value:
                look(part)
        elif hasattr(value, "__dataclass_fields__") and not isinstance(value, Ref):
            for name in value.__dataclass_fields__:
                if name not in ("spec", "id", "anchor", "align", "level", "language"):
                    look(getattr(value, name))

    look(page)
    return found


def digest(words):
    return "'sha256-" + base64.b64encode(hashlib.sha256(words.encode()).digest()).decode() + "'"


def test_the_policy_allows_exactly_the_scripts_and_the_style_of_the_file(reader):
    (policy,) = [
        a["content"] for a, _ in reader.of("meta") if a.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = {rule.split()[0]: set(rule.split()[1:]) for rule in policy.split("; ")}
    scripts = {digest(words) for a, words in reader.of("script") if a.get("type") != "application/json"}
    assert len(scripts) == 2
    assert rules == {
        "default-src": {"'none'"},
        "script-src": scripts,
        "style-src": {digest(words) for _, words in reader.of("style")},
        "img-src": {"data:"},
        "base-uri": {"'none'"},
        "form-action": {"'none'"},
    }


def test_nothing_in_the_file_runs_or_loads_past_the_policy(reader):
    for tag, attributes, words in reader.elements:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "action", "srcset", "poster", "data"):
            address = attributes.get(name, "#")
            assert address.startswith(("#", "data:image/svg+xml;base64,")), (tag, name)
        if tag == "style":
            assert not re.search(r"url\(|@import|expression", "".join(words))
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")


def test_every_digit_is_in_an_element_with_a_reference(reader):
    loose = [words for words, ref in reader.pieces if ref is None and has_digit(words)]
    assert loose == []


def has_digit(words):
    return any(unicodedata.category(letter).startswith("N") for letter in words)


def test_every_piece_is_shown_with_its_reference(sample_page, reader):
    shown = [(words, ref) for words, ref in reader.pieces if words.strip()]
    # The short title is for printed pages, and the words for a picture are its `alt`.
    unseen = {*sample_page.running.pieces, ""}
    unseen |= {block.alt.plain for block in walk(sample_page.sections) if isinstance(block, Figure)}
    for piece in pieces_of(sample_page):
        if isinstance(piece, str) and piece not in unseen:
            assert piece in [words for words, _ in reader.pieces]
        elif isinstance(piece, Number | Term | Code):
            assert (piece.text, None if piece.ref is None else str(piece.ref)) in shown


@pytest.mark.parametrize(
    ("words", "tag"), [("2027-04-18", "time"), ("2027-04", "span"), ("2027-04-18, doubtful", "span")]
)
def test_a_day_is_marked_as_one_so_that_no_line_ends_within_it(words, tag):
    page = Page(
        Text("T"), Text("S"), (Section("a", Text("A"), (Paragraph(Text(Term(words, Ref.data("AE")))),)),)
    )
    elements = read(render_html(page)).elements
    assert [(name, told) for name, told_of, told in elements if "data-ref" in told_of] == [(tag, [words])]


def test_numbers_keep_their_full_precision(sample_page, reader):
    numbers = [piece for piece in pieces_of(sample_page) if isinstance(piece, Number)]
    shown = {(a["data-ref"], words): a["value"] for a, words in reader.of("data")}
    assert len(numbers) >= 9
    for number in numbers:
        assert float(shown[str(number.ref), number.text]) == number.value


def test_headings_go_down_one_step_at_a_time(reader):
    levels = [int(tag[1]) for tag, _, _ in reader.elements if re.fullmatch("h[1-6]", tag)]
    assert levels == [1, 2, 3, 2]


def test_tables_say_what_their_headings_head(reader):
    assert {a.get("scope") for a, _ in reader.of("th")} == {"col", "colgroup", "row"}
    labels = {a["id"]: words for a, words in reader.of("figcaption") if "id" in a}
    for attributes, _ in reader.of("table"):
        assert labels[attributes["aria-labelledby"]]


def test_a_table_without_rows_says_so(html):
    assert '<tr><td class="left" colspan="2">Nothing to show.</td></tr>' in html


def test_pictures_have_words(sample_page, reader):
    alts = [block.alt.plain for block in walk(sample_page.sections) if isinstance(block, Figure)]
    assert [a["alt"] for a, _ in reader.of("img")] == alts
    assert [a["aria-label"] for a, _ in reader.of("div") if a.get("class") == "live"] == alts


def test_still_pictures_are_there_without_script(reader):
    pictures = [base64.b64decode(a["src"].partition(",")[2]).decode() for a, _ in reader.of("img")]
    assert all(picture.startswith("<svg") and "<script" not in picture for picture in pictures)
    assert "随访" in pictures[0]
    assert "Age, per 10 years" in pictures[1]


def test_figures_arrive_as_they_were_made(sample_page, reader):
    specs = [block.spec for block in walk(sample_page.sections) if isinstance(block, Figure)]
    data = [words for a, words in reader.of("script") if a.get("type") == "application/json"]
    assert not any("<" in words for words in data)
    found = [json.loads(words) for words in data]
    assert found == specs
    assert found[0]["datasets"]["curves"][0]["group"] == "HBsAg positive </script>"


def test_language_and_contents(sample_page, reader):
    assert reader.of("html")[0][0] == {"lang": "en"}
    targets = [a["href"] for a, _ in reader.of("a")]
    assert targets == ["#_report", "#synopsis", "#survival"]
    names = [a["id"] for _, a, _ in reader.elements if "id" in a]
    assert len(names) == len(set(names))
    assert {target[1:] for target in targets} <= set(names)


def test_nothing_inside_a_link_takes_the_focus(html):
    for link in re.findall(r"<a href.*?</a>", html):
        assert "tabindex" not in link
    assert 'data-ref="protocol:study.registered.nct"' in re.search(r'<a href="#synopsis">.*?</a>', html)[0]


def test_a_page_without_figures_carries_no_charts():
    html = render_html(Page(Text("T"), Text("S"), (Section("a", Text("A"), ()),)))
    assert "vegaEmbed=" not in html
    assert len(html) < 30_000


def test_figures_are_never_written_with_what_json_lacks():
    spec = {"layer": [], "datasets": {"a": [{"x": math.nan}]}}
    figure = Figure("f", Text("F"), spec, Text("F"))
    with pytest.raises(ValueError, match="JSON"):
        render_html(Page(Text("T"), Text("S"), (Section("a", Text("A"), (figure,)),)))


def test_words_can_be_read_on_their_ground(html):
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", html))
    assert set(colours) == {"ink", "muted", "line", "faint", "accent", "warning"}
    for name in ("ink", "muted", "accent", "warning"):
        for ground in ("#ffffff", colours["faint"], "#fdf5f0"):
            assert contrast(colours[name], ground) >= 4.5, name


def contrast(one, other):
    """WCAG 2.2, contrast ratio and relative luminance."""

    def luminance(colour):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


WORDS = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20).filter(str.strip)
REFS = st.builds(Ref, st.sampled_from(["result", "protocol", "data", "version", "source"]), WORDS)
PLAIN = WORDS.filter(lambda words: not has_digit(words))
LEAVES = st.one_of(PLAIN, st.builds(Term, WORDS, REFS), st.builds(Code, WORDS, REFS))
TEXTS = st.lists(st.one_of(LEAVES, st.builds(Strong, LEAVES)), max_size=6).map(lambda pieces: Text(*pieces))


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_any_text_is_shown_as_it_is_and_its_digits_have_references(title, words):
    html = render_html(Page(title, words, (Section("a", title, (Paragraph(words),)),)))
    assert [piece for piece, ref in read(html).pieces if ref is None and has_digit(piece)] == []
    (paragraph,) = re.findall(r'<section id="a">\n<h2>.*?</h2>\n<p>(.*?)</p>', html, flags=re.DOTALL)
    assert "".join(piece for piece, _ in read(f"<p>{paragraph}</p>").pieces) == words.plain


def test_pictures_that_are_given_are_the_ones_shown(sample_page):
    """HTML and PDF of a report show the same pictures, drawn once."""
    stills = draw_stills(sample_page)
    figures = [block for block in walk(sample_page.sections) if isinstance(block, Figure)]
    assert list(stills) == [figure.id for figure in figures]
    assert render_html(sample_page, stills=stills) == render_html(sample_page)
    given = render_html(sample_page, stills=dict.fromkeys(stills, "<svg/>"))
    assert given.count(base64.b64encode(b"<svg/>").decode()) == len(figures)


def test_a_stamp_stands_above_the_page_and_in_every_picture(sample_page):
    page = dataclasses.replace(sample_page, stamp="SIMULATED")
    html = render_html(page)
    assert '<p class="stamp" role="note">SIMULATED</p>' in html
    figures = sum(isinstance(block, Figure) for block in walk(page.sections))
    assert figures
    assert html.count('"text":"SIMULATED"') == figures
    assert "SIMULATED" not in render_html(sample_page)
