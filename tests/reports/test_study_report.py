"""The report of the real cohort: every number in it is a row of the results table, and every file is reproducible."""

import json
import re
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.cases.tiny import TINY, analyse

from trialwright.analysis.results import Results
from trialwright.protocol.loading import load_protocol
from trialwright.reports.blocks import Figure, Table, walk
from trialwright.reports.html import render_html
from trialwright.reports.pdf import render_pdf
from trialwright.reports.printed import Source
from trialwright.reports.study_report import build_study_report
from trialwright.reports.survival_tables import render_follow_up_table
from trialwright.reports.text import render_table_text
from trialwright.reports.writing import analyse_study

GOLDEN = Path(__file__).parents[1] / "golden"
NOBODY_IN_B = [(50, "a", 1, True), (60, "a", 4, True), (55, "a", 5, False)]
NOTHING_KNOWN = [(None, None, None, None)] * 3
VOID = {"meta", "link", "br", "hr", "img", "input", "col"}


@pytest.fixture(scope="module")
def loaded():
    return load_protocol("hcc-resection")


@pytest.fixture(scope="module")
def results(loaded):
    return analyse_study(loaded)


@pytest.fixture(scope="module")
def page(loaded, results):
    return build_study_report(loaded.protocol, results)


@pytest.fixture(scope="module")
def pieces(page):
    """Every piece of visible text of the HTML with the reference of the nearest element that has one."""
    reader = _VisibleText()
    reader.feed(render_html(page))
    assert reader.pieces
    return reader.pieces


class _VisibleText(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[tuple[str, str | None, str | None]] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, text):
        if not text.strip() or any(tag in ("script", "style", "svg", "title") for tag, _ in self.open):
            return
        for _, attributes in reversed(self.open):
            if "data-ref" in attributes:
                self.pieces.append((text.strip(), attributes["data-ref"], attributes.get("value")))
                return
        self.pieces.append((text.strip(), None, None))


def has_digit(text):
    return any(unicodedata.category(character).startswith("N") for character in text)


def test_every_digit_has_a_reference(pieces):
    loose = [text for text, ref, _ in pieces if ref is None and has_digit(text)]
    # the renderer numbers tables and figures itself
    assert [text for text in loose if not re.fullmatch(r"(Table|Figure) \d+\.?", text)] == []


def test_every_result_in_the_text_is_a_row_and_printed_as_its_value_rounded(pieces, results):
    shown = [
        (text, ref.removeprefix("result:"), value)
        for text, ref, value in pieces
        if ref and ref.startswith("result:")
    ]
    assert len(shown) > 300
    for text, id_, value in shown:
        row = results[id_]
        if row.value is None:
            assert text == row.note
            continue
        assert float(value) == row.value
        assert _agrees(text, row.value), f"{id_}: {text} is not {row.value}"


def _agrees(text, value):
    """Whether a printed number is the value to within half a unit of its last digit."""
    plain = text.replace("−", "-").replace(",", "").replace(" ", "")
    if plain[0] in "<>":
        limit = float(plain[1:])
        return value < limit if plain[0] == "<" else value > limit
    if plain.endswith("%"):
        plain, value = plain[:-1], 100 * value
    digits = len(plain.partition(".")[2])
    near = abs(float(plain) - value) <= 0.5 * 10**-digits + 1e-9
    shares = (
        abs(float(plain) - 100 * value) <= 0.5 * 10**-digits + 1e-9
    )  # limits of a percentage stand without its sign
    return near or (0 <= value <= 1 and shares)


def test_every_protocol_reference_resolves(pieces, loaded):
    plain = loaded.protocol.model_dump(mode="json")
    refs = {ref.removeprefix("protocol:") for _, ref, _ in pieces if ref and ref.startswith("protocol:")}
    assert refs
    for path in refs:
        node = plain
        for part in re.findall(r"[^.\[\]]+", path):
            node = node[int(part)] if isinstance(node, list) else node[part]


def test_figures_show_the_rows_of_the_results(page, results):
    figures = {block.id: block for block in walk(page.sections) if isinstance(block, Figure)}
    assert set(figures) == {"figure-rfs-curve", "figure-os-curve", "figure-rfs-cox", "figure-os-cox"}
    for endpoint in ("rfs", "os"):
        curve = figures[f"figure-{endpoint}-curve"].spec["datasets"]["curves"]
        levels = {"HBsAg-negative": "negative", "HBsAg-positive": "positive"}
        drawn = [row for row in curve if row["time"] > 0]
        assert len(drawn) == sum(
            row.item == "curve" and row.statistic == "survival" for row in results.of(f"{endpoint}_curve")
        )
        for row in drawn:
            here = f"{endpoint}_curve/{levels[row['group']]}/curve/{row['time']:g}"
            assert row["survival"] == results[f"{here}/survival"].value
            assert row["conf_low"] == results[f"{here}/conf_low"].value


def tables(page):
    return {block.id: block for block in walk(page.sections) if isinstance(block, Table)}


def kept_tables(name):
    return {path.stem: path.read_text(encoding="utf-8") for path in (GOLDEN / name).glob("*.txt")}


def test_tables_read_as_they_were_accepted(page):
    """One small text file a table: layout is guarded here, numbers are proven against R."""
    found = {name: render_table_text(table) for name, table in tables(page).items()}
    assert found == kept_tables("hcc-resection")


@pytest.mark.parametrize(
    ("name", "subjects"),
    [("nobody-in-b", NOBODY_IN_B), ("nothing-known", NOTHING_KNOWN)],
    ids=["empty", "all missing"],
)
def test_tables_of_groups_with_nobody_and_of_nothing_but_missing_values(name, subjects):
    found = {table_id: render_table_text(table) for table_id, table in tables(page_of(subjects)).items()}
    assert found == kept_tables(name)


@pytest.mark.parametrize("subjects", [NOBODY_IN_B, NOTHING_KNOWN], ids=["empty", "all missing"])
def test_reports_of_poor_data_still_come(subjects):
    page = page_of(subjects)
    assert "cannot be estimated" in render_html(page)
    assert render_pdf(page).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        pytest.param({"a": (5.0, 3.0, 7.0), "b": (6.0, 4.0, 8.0)}, " In brackets 95 % confidence limits.", id="all"),
        pytest.param({"a": (5.0, 3.0, None), "b": (6.0, 4.0, 8.0)}, " In brackets 95 % confidence limits; “from” the lower one where the upper one is not reached.", id="no upper one"),
        pytest.param({"a": (5.0, 3.0, 7.0), "b": (6.0, None, None)}, " In brackets 95 % confidence limits; none where neither is reached.", id="some have none"),
        pytest.param({"a": (5.0, None, None), "b": (6.0, None, None)}, " The 95 % confidence limits are not reached.", id="none has any"),
        pytest.param({"a": (None, None, None), "b": (None, None, None)}, "", id="no median"),
    ],
)  # fmt: skip
def test_the_note_on_follow_up_says_which_limits_are_printed(printed, told):
    """For all together what stands for group a."""
    results = analyse([(50, arm, month, False) for arm in "ab" for month in range(1, 9)])
    statistics = ("median", "median_conf_low", "median_conf_high")
    values = {
        "/".join(["follow", *group, statistic]): value
        for level, limits in printed.items()
        for group in ([level], *([[]] if level == "a" else []))
        for statistic, value in zip(statistics, limits, strict=True)
    }
    rows = [
        replace(row, value=values[row.id], note="" if values[row.id] is not None else "not reached") if row.id in values else row
        for row in results.rows
    ]  # fmt: skip
    source = Source(TINY, Results(tuple(rows), (), {}))
    note = render_follow_up_table(source, "follow", TINY.analyses["follow"]).notes[0]  # type: ignore[arg-type]
    assert note.plain.partition("in the survival curve.")[2] == told


def page_of(subjects):
    return build_study_report(TINY, analyse(subjects))


def test_no_comparative_claim(page):
    words = json.dumps([text for text, *_ in _texts(page)]).lower()
    for claim in (
        "superior",
        "inferior",
        "benefit",
        "reduces",
        "improves",
        "significant",
        "because of hbsag",
    ):
        assert claim not in words


def _texts(page):
    reader = _VisibleText()
    reader.feed(render_html(page))
    return reader.pieces
