"""What the panel of the HTML report tells of each number."""

import html
import json
import re

import pytest

from trialwright.protocol.loading import load_protocol
from trialwright.reports.blocks import Page, Paragraph, Ref, Section, Strong, Term, Text
from trialwright.reports.html import render_html
from trialwright.reports.origins import collect_origins, references
from trialwright.reports.study_report import build_study_report
from trialwright.reports.writing import analyse_study


@pytest.fixture(scope="module")
def report():
    loaded = load_protocol("hcc-resection")
    results = analyse_study(loaded)
    page = build_study_report(loaded.protocol, results)
    return loaded, results, page, collect_origins(page, loaded, results)


def test_every_number_of_the_page_has_its_origin_and_nothing_else_is_carried(report):
    _, results, page, origins = report
    document = render_html(page, origins)
    shown = {html.unescape(ref) for ref in re.findall(r'data-ref="result:([^"]*)"', document)}
    assert set(origins["results"]) == shown
    assert len(shown) > 100
    for id_, (_, unit, n, analysis, conventions) in origins["results"].items():
        row = results[id_]
        assert (unit, n, analysis) == (row.unit, row.n, row.analysis)
        assert origins["conventions"][conventions] == row.conventions
        title, method, source, path = origins["analyses"][analysis]
        assert (method, source) == (row.method, row.source)
        assert path in ("", f"analyses.{analysis}")
        assert title


def test_lines_are_those_of_the_file(report):
    loaded, _, _, origins = report
    lines = loaded.document.text.splitlines()
    assert len(origins["places"]) > 50
    for path, place in origins["places"].items():
        file, _, line = place.partition(":")
        assert file == "protocol.yaml"
        written = lines[int(line) - 1].strip()
        names = re.sub(r"\[\d+\]", "", path).split(".")
        assert (
            written.startswith("- ")
            if path.endswith("]") and written[0] == "-"
            else any(name in written for name in names)
        ), (path, written)


def test_the_panel_gets_them_once_and_the_policy_stays(report):
    _, _, page, origins = report
    with_origins, without = render_html(page, origins), render_html(page)
    (told,) = re.findall(
        r'<script type="application/json" id="_origins">(.*?)</script>', with_origins, flags=re.DOTALL
    )
    assert json.loads(told) == origins
    policy = re.compile(r'<meta http-equiv="Content-Security-Policy" content="[^"]*">')
    assert policy.search(with_origins)[0] == policy.search(without)[0]
    assert 'id="_origins"' not in without


def test_a_command_names_a_protocol_only_where_it_must(report, tmp_path):
    loaded, results, page, origins = report
    assert origins["protocol"] == ""
    path = tmp_path / "our protocol.yaml"
    path.write_text(loaded.document.text, encoding="utf-8")
    own = collect_origins(page, load_protocol(str(path)), results)
    assert own["protocol"] == "our protocol.yaml"
    assert str(tmp_path) not in json.dumps(own)


def test_references_are_found_wherever_text_is():
    term = Term("a", Ref.protocol("a"))
    page = Page(
        Text("T"),
        Text(term),
        (Section("s", Text(Strong(term)), (Paragraph(Text("x", term)),)),),
        running=Text(term),
    )
    assert [str(ref) for ref in references(page)] == ["protocol:a"] * 4
