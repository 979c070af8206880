"""A protocol as a page: everything it says is there, in words that read well, in every format."""

import re

import pytest

from trialwright.analysis.run import not_yet_executable
from trialwright.protocol.loading import LoadedProtocol, load_protocol, parse_protocol, shipped_protocols
from trialwright.protocol.references import walk_stated
from trialwright.protocol.stated import Stated
from trialwright.reports.blocks import KeyValues, Row, Section, Table, Text, walk
from trialwright.reports.elements import Telling, shown, tell_element, tell_status
from trialwright.reports.html import render_html
from trialwright.reports.markdown import render_markdown
from trialwright.reports.protocol_page import build_protocol_page
from trialwright.reports.text import render_page_text

SMALL = """\
format: trialwright/1
study:
  id: SMALL
  title: A small study
  type: interventional
  allocation: single arm
  masking: open
  caution: [It is made up.]
  background:
    known: { text: Nothing was known. }
  not stated: { sponsor: Nobody has said. }
facts:
  alt: { label: ALT, kind: number, unit: U/L, concept: alt, status: assumed, reason: Needed for the flare. }
  tolerated: { label: the drug is tolerated, kind: attestation, by: physician }
treatments:
  drug_a:
    label: drug A
    dose: 5 mg
    until:
      toxicity: { text: It is not tolerated, when: not attested(tolerated), source: "registry, 4", status: registered }
anchors:
  entry: { label: entry, text: Day of entry }
time zero: entry
baseline: last on or before entry
populations:
  everyone: { label: Everyone }
eligibility:
  at: entry
  status: registered
  source: registry, 2
  inclusion:
    well: { text: The liver is well, when: "last(alt, 28 days) <= 2 ULN" }
  exclusion:
    ill: { text: Whoever is ill }
events:
  flare:
    label: flare
    of: alt
    when: value > 3 * baseline
    registered as: a flare of the liver
    reading: More than three times baseline.
    alternatives: { flare_high: Above 300 U/L. }
  flare_high: { label: high flare, of: alt, when: value > 300 U/L }
endpoints:
  flare:
    label: Flare
    kind: rate
    role: primary
    rate of: flare
    assumed: { time frame: The record gives none. }
    time frame: 6 months
    estimand: { population: everyone, summary: Proportion }
analyses:
  flare_rate: { method: proportion, title: Flares, population: everyone, endpoint: flare }
design: { alpha: 5 %, sides: 1, status: not stated, reason: No number is given. }
"""


def loaded(text, tmp_path):
    protocol, document = parse_protocol(text)
    return LoadedProtocol(protocol, document, tmp_path)


def page_of(protocol):
    return build_protocol_page(protocol, not_yet_executable(protocol.protocol))


@pytest.fixture
def small(tmp_path):
    return page_of(loaded(SMALL, tmp_path))


@pytest.fixture(scope="module", params=shipped_protocols())
def shipped(request):
    protocol = load_protocol(request.param)
    return protocol.protocol, page_of(protocol)


def section(page, anchor):
    return next(one for one in walk(page.sections) if isinstance(one, Section) and one.anchor == anchor)


def rows(block):
    return [
        [row.label.plain, *(cell.plain for cell in row.cells)] if isinstance(row, Row) else [row.label.plain]
        for table in walk([block])
        if isinstance(table, Table)
        for row in table.rows
    ]


def pairs(block):
    return [
        (key.plain, value.plain)
        for one in walk([block])
        if isinstance(one, KeyValues)
        for key, value in one.items
    ]


def words(text):
    return " ".join(text.split())


# --- what stands in each section, expected by hand ----------------------------------------------------------------------


def test_sections_come_in_the_order_of_a_protocol(small):
    assert [one.anchor for one in small.sections] == [
        "read-first",
        "synopsis",
        "study",
        "treatments",
        "anchors",
        "eligibility",
        "facts",
        "events",
        "populations",
        "endpoints",
        "analyses",
        "design",
        "settings",
        "open",
    ]


def test_the_study_beyond_the_synopsis(small):
    assert pairs(section(small, "study")) == [
        ("Masking", "open"),
        ("Status", "Not stated, sponsor: Nobody has said."),
    ]
    assert rows(section(small, "study")) == [["known", "Nothing was known.", "–"]]


def test_stopping_rules_are_told_below_their_treatment_with_their_own_status(small):
    assert rows(section(small, "treatments")) == [
        ["drug_a", "drug A; dose: 5 mg", "–"],
        [
            "until: toxicity",
            "It is not tolerated; when: The physician does not attest: the drug is tolerated",
            "Registered: registry, 4.",
        ],
    ]


def test_criteria_are_numbered_and_told_as_they_are_judged(small):
    eligibility = section(small, "eligibility")
    assert rows(eligibility) == [
        [
            "1. The liver is well",
            "The last ALT within 28 days before entry is at most 2 times the upper limit of normal.",
            "–",
        ],
        ["1. Whoever is ill", "not stated as a rule", "–"],
    ]
    told = words(render_page_text(small))
    assert "Unknown is not a pass. Judged at: entry. Registered: registry, 2. Inclusion criteria" in told


READ_AS = (
    "The record says “a flare of the liver”. Read here as: More than three times baseline. "
    "Or as flare_high: Above 300 U/L."
)


def test_events_are_told_with_how_the_record_was_read(small):
    assert rows(section(small, "events")) == [
        [
            "flare",
            "flare; of: alt; when: The ALT is above 3 times its baseline",
            READ_AS,
        ],
        ["flare_high", "high flare; of: alt; when: The ALT is above 300 U/L", "–"],
    ]


def test_endpoints_are_told_with_their_estimand(small):
    told = dict(pairs(section(small, "endpoint-flare")))
    assert told["Asks for"] == "kind: rate; role: primary; rate of: flare; time frame: 6 months"
    assert told["Status"] == "Assumed, time frame: The record gives none."
    assert (told["Population"], told["Treatment"], told["Summary"]) == (
        "Everyone",
        "not stated",
        "Proportion",
    )


def test_the_design_tells_its_numbers_and_where_they_come_from(small):
    assert pairs(section(small, "design")) == [
        ("Alpha", "0.05"),
        ("Sides", "1"),
        ("Status", "Not stated: No number is given."),
    ]


def test_defaults_are_told_once_for_all_that_share_them(small):
    told = rows(section(small, "settings"))
    assert told[:4] == [
        ["Facts"],
        ["absence", "unknown", "alt, tolerated"],
        ["Events"],
        ["reported", "no", "flare, flare_high"],
    ]
    assert ["confidence", "0.95", "flare_rate"] in told
    assert ["small group subjects", "30", "reporting"] in told


def test_what_is_open_is_listed(small):
    text = words(render_page_text(small).split("What is open")[1])
    for line in (
        "- facts.alt: Needed for the flare.",
        "- endpoints.flare.time frame: The record gives none.",
        "- design: No number is given.",
        "- study.sponsor: Nobody has said.",
    ):
        assert line in text


# --- where a statement comes from ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param({}, "–", id="nothing"),
        pytest.param(
            {"status": "registered", "source": "registry, 1"}, "Registered: registry, 1.", id="registered"
        ),
        pytest.param({"status": "registered"}, "Registered.", id="registered nowhere"),
        pytest.param({"source": "Smith 2020."}, "Source: Smith 2020.", id="a source alone"),
        pytest.param({"status": "assumed", "reason": "It is usual."}, "Assumed: It is usual.", id="assumed"),
        pytest.param(
            {"status": "assumed", "reason": "Usual", "source": "Smith 2020"},
            "Assumed: Usual. Source: Smith 2020.",
            id="assumed after a source",
        ),
        pytest.param({"status": "not stated", "reason": "Why not?"}, "Not stated: Why not?", id="a question"),
        pytest.param(
            {"status": "registered", "source": "registry", "reason": "It matters"},
            "Registered: registry. Reason: It matters.",
            id="registered with a reason",
        ),
        pytest.param(
            {"assumed": {"dose": "Of the label."}, "not stated": {"route": "Unknown."}},
            "Assumed, dose: Of the label. Not stated, route: Unknown.",
            id="keys on their own",
        ),
        pytest.param(
            {"registered as": "late.", "reading": "After a year.", "alternatives": {"later": "After two."}},
            "The record says “late”. Read here as: After a year. Or as later: After two.",
            id="read in one of two ways",
        ),
    ],
)
def test_status_reads_as_sentences(said, told, tmp_path):
    telling = Telling(loaded(SMALL, tmp_path).protocol, {})
    assert tell_status(telling, ("x",), Stated.model_validate(said)).plain == told


def test_an_element_without_anything_says_so(tmp_path):
    telling = Telling(loaded(SMALL, tmp_path).protocol, {})
    assert tell_element(telling, ("x",), Stated()).plain == "nothing further"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, 2], "b": True}, "a: 1, 2, b: yes"),
        (["x", {"y": False}], "x, y: no"),
        (0.05, "0.05"),
    ],
)
def test_data_in_one_line(value, text):
    assert shown(value) == text


# --- shipped protocols, every format ------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 100])
def test_shipped_protocols_fit_a_terminal(shipped, width):
    protocol, page = shipped
    lines = render_page_text(page, width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert words(protocol.study.title) in words(" ".join(lines[:6]))


def test_every_statement_of_a_shipped_protocol_is_shown(shipped):
    """Sources, reasons, readings and texts of every element, wherever it stands."""
    protocol, page = shipped
    told = words(" ".join(text.plain for text in texts(page)))
    for path, element, _ in walk_stated(protocol):
        for said in (
            element.source if element.status == "registered" else None,
            element.reason,
            element.reading,
            element.registered_as,
            getattr(element, "text", None),
            *element.assumed.values(),
            *element.not_stated.values(),
            *element.alternatives.values(),
        ):
            assert said is None or words(said).removesuffix(".") in told, (path, said)


def texts(page):
    """Every text of a page."""
    for block in walk(page.sections):
        for value in (getattr(block, name) for name in block.__slots__):
            yield from texts_in(value)


def texts_in(value):
    if isinstance(value, Text):
        yield value
    elif isinstance(value, Row):
        yield from texts_in((value.label, *value.cells))
    elif isinstance(value, tuple):
        for part in value:
            yield from texts_in(part)


def test_every_rule_of_a_shipped_protocol_is_told_as_a_sentence(shipped):
    protocol, page = shipped
    told = words(" ".join(text.plain for text in texts(page)))
    for side in ("inclusion", "exclusion"):
        for criterion in getattr(protocol.eligibility, side).values():
            assert criterion.when is None or criterion.when not in told
    assert "not stated as a rule" not in told
    for event in protocol.events.values():
        assert event.when is None or f"when: {event.when}" not in told


def test_shipped_protocols_as_html_and_markdown(shipped):
    protocol, page = shipped
    html, markdown = render_html(page), render_markdown(page)
    assert html.count("<table aria") == markdown.count("\n| :---") == count(page, Table)
    assert markdown.startswith(f"# {protocol.study.title}\n")
    for block in walk(page.sections):
        if isinstance(block, Section):
            assert f'<section id="{block.anchor}">' in html
            assert f'<a id="{block.anchor}"></a>' in markdown
    assert not re.search(r"\b(None|frozenset|Decimal|PosixPath)\b\(", html)


def count(page, kind):
    return sum(isinstance(block, kind) for block in walk(page.sections))


def test_anchors_of_sections_are_told_apart(shipped):
    _, page = shipped
    anchors = [block.anchor for block in walk(page.sections) if isinstance(block, Section)]
    assert len(set(anchors)) == len(anchors)
