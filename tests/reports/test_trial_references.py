"""Both trial reports: each digit says where it comes from, and what says it is a result is that result as printed."""

import json
import re

import pytest
from tests.cases.bad_records import HCC, PRTRAS, analysed, good
from tests.reports.test_html import has_digit, pieces_of, read

from trialwright.analysis.results import time_key
from trialwright.protocol.analyses import KaplanMeier
from trialwright.protocol.categories import levels_of
from trialwright.reports.blocks import Code, Figure, Number, Term, walk
from trialwright.reports.estimate_cells import counts_events
from trialwright.reports.html import render_html
from trialwright.reports.origins import collect_origins
from trialwright.reports.trial_report import build_trial_report

NUMBER = re.compile(r"([<>]?)([−-]?\d[\d,]*(?:\.\d+)?)( %)?")


@pytest.fixture(scope="module", params=[HCC, PRTRAS])
def report(request):
    """The analysed trial, its page, what its HTML holds, and the rows of its results.json by id."""
    trial = analysed(request.param, good(request.param))
    page = build_trial_report(trial)
    html = render_html(page, collect_origins(page, trial.study.loaded, trial.results))
    rows = {row["id"]: row for row in json.loads(trial.results.to_json())["results"]}
    return trial, page, read(html), rows


def test_every_digit_of_the_text_has_a_reference(report):
    _, _, reader, _ = report
    assert len(reader.pieces) > 1000
    assert [words for words, ref in reader.pieces if ref is None and has_digit(words)] == []


def test_every_number_of_the_page_carries_the_value_of_its_row(report):
    _, _, reader, rows = report
    shown = [(a["data-ref"], a["value"]) for a, _ in reader.of("data") if a["data-ref"].startswith("result:")]
    assert len(shown) > 500
    assert [(ref, value) for ref, value in shown if rows[ref[7:]]["value"] != float(value)] == []


def test_what_refers_to_a_result_is_that_result_as_printed(report):
    _, page, _, rows = report
    referring = [piece for piece in pieces_of(page) if isinstance(piece, Number | Term | Code) and piece.ref]
    of_results = [piece for piece in referring if piece.ref.kind == "result"]
    assert len(of_results) > 500
    assert [(piece.text, piece.ref.key) for piece in of_results if not is_printed(piece.text, rows[piece.ref.key])] == []  # fmt: skip


def is_printed(text, row):
    """Whether words are a row: its value rounded to the digits shown, or the reason why there is none."""
    if row["value"] is None:
        return text == row["note"]
    match = NUMBER.fullmatch(text)
    return bool(match) and is_rounded(match, row["value"])


def is_rounded(match, value):
    beyond, digits, percent = match.groups()
    printed = float(digits.replace("−", "-").replace(",", ""))
    half = 0.5 * 10 ** -len(digits.partition(".")[2]) * 1.000001
    # a limit in brackets behind a percentage is one without its sign
    scales = (100,) if percent else (1, 100)
    if beyond:
        return any((value * scale < printed) == (beyond == "<") for scale in scales)
    return any(abs(printed - value * scale) <= half for scale in scales)


@pytest.mark.parametrize(
    ("text", "value", "answer"),
    [
        ("0.13", 0.125, True),
        ("0.12", 0.126, False),
        ("12.5 %", 0.125, True),
        ("12.5 %", 12.5, False),
        ("1,358", 1357.6, True),
        ("−2.8", -2.84, True),
        ("<0.001", 0.0009, True),
        ("<0.001", 0.0011, False),
        (">0.999", 0.9991, True),
        ("not reached", 5.0, False),
    ],
)
def test_what_counts_as_printed(text, value, answer):
    assert is_printed(text, {"value": value, "note": ""}) == answer


# --- figures ------------------------------------------------------------------------------------------------------------


def datasets_of(reader):
    """Each figure's embedded datasets, by the id of the figure."""
    specs = [json.loads(words) for a, words in reader.of("script") if a.get("type") == "application/json"]
    return [spec["datasets"] for spec in specs if "datasets" in spec]


def of_results(dataset):
    """Data with the result they are of; words broken into lines of one result are put together again."""
    found = []
    for datum in dataset:
        ref = datum.get("ref") or datum.get("id") or ""
        if not ref.startswith("result:"):
            continue
        if found and "words" in datum and found[-1][0] == ref[7:]:
            found[-1] = (ref[7:], {**datum, "words": f"{found[-1][1]['words']} {datum['words']}"})
        else:
            found.append((ref[7:], datum))
    return found


def test_every_datum_with_a_result_holds_its_value(report):
    _, _, reader, rows = report
    found = [pair for datasets in datasets_of(reader) for dataset in datasets.values() for pair in of_results(dataset)]  # fmt: skip
    assert len(found) >= 10
    for id_, datum in found:
        row = rows[id_]
        said = datum.get("printed") or datum.get("tip") or datum.get("words") or ""
        if row["value"] is None:
            assert row["note"] in said, id_
        else:
            assert any(is_rounded(match, row["value"]) for match in NUMBER.finditer(said)), (id_, said)
        if "estimate" in datum:
            here = id_.rpartition("/")[0]
            assert datum["estimate"] == row["value"]
            assert datum["conf_low"] == rows[f"{here}/conf_low"]["value"]
            assert datum["conf_high"] == rows[f"{here}/conf_high"]["value"]


def test_every_datum_of_a_patient_is_of_somebody_in_the_records(report):
    trial, _, reader, _ = report
    known = set(trial.data.adsl["USUBJID"])
    data = [row for datasets in datasets_of(reader) for dataset in datasets.values() for row in dataset]
    of_patients = [row["id"] for row in data if row.get("id") and not row["id"].startswith("result:")]
    assert len(of_patients) > 100
    assert {id_.split("/")[1] for id_ in of_patients} <= known


def test_curves_and_counts_below_them_are_rows(report):
    trial, page, _, rows = report
    protocol = trial.data.protocol
    figures = {figure.id: figure.spec["datasets"] for figure in figures_of(page)}
    checked = 0
    for name, analysis in protocol.analyses.items():
        datasets = figures.get(f"figure-{name.replace('_', '-')}")
        if not isinstance(analysis, KaplanMeier) or datasets is None:
            continue
        levels = levels_of(protocol, analysis.by) if analysis.by else {}
        here = {label: f"{name}/{level}" for level, label in levels.items()} or {"All": name}
        rises = counts_events(protocol.endpoints[analysis.endpoint])
        for step in datasets["curves"]:
            if step["time"] > 0:
                found = rows[f"{here[step['group']]}/curve/{time_key(step['time'])}/survival"]["value"]
                assert step["survival"] == (1 - found if rises else found)
        for tick in datasets["at_risk"]:
            id_ = f"{here[tick['group']]}/tick/{time_key(tick['time'])}/{tick['statistic']}"
            assert tick["n"] == rows[id_]["value"]
            checked += 1
    assert checked > 20


def figures_of(page):
    return [block for block in walk(page.sections) if isinstance(block, Figure)]
