"""Still pictures: the same as Vega draws of the same marks, and at the places the numbers say."""

import math
import re
import struct
import xml.etree.ElementTree as ET
import zlib
from itertools import pairwise

import numpy as np
import pytest
import vl_convert
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reports.test_figures import curves, forest, ratio, texts_of

from trialwright.reports import charts
from trialwright.reports.blocks import Figure, Text
from trialwright.reports.canvas import (
    CROSS,
    DASHES,
    RING,
    TICK,
    Canvas,
    Place,
    Symbol,
    is_drawing,
    round_step,
    round_ticks,
)
from trialwright.reports.charts import render_svg, stamped
from trialwright.reports.curve_stills import as_drawing
from trialwright.reports.incidence_tables import _stacked

SVG = "{http://www.w3.org/2000/svg}"
SHAPES = (
    "circle", "square", "cross", "diamond", "triangle-up", "triangle-down", "triangle-left", "triangle-right",
    CROSS, TICK, RING,
)  # fmt: skip


def pixels(svg):
    """A picture as an array of shape (height, width, 4): PNG (ISO 15948), eight bits, no interlacing."""
    charts._register_fonts()
    png = vl_convert.svg_to_png(svg, scale=1)
    width, height = struct.unpack_from(">II", png, 16)
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        data += png[at + 8 : at + 8 + length] if png[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + length
    rows = zlib.decompress(data)
    found, above = [], [0] * (4 * width)
    for y in range(height):
        kind, *row = rows[y * (1 + 4 * width) : (y + 1) * (1 + 4 * width)]
        above = unfiltered(kind, row, above)
        found.append(above)
    return np.array(found, np.uint8).reshape(height, width, 4)


def unfiltered(kind, row, above):
    for i, value in enumerate(row):
        left, corner = (row[i - 4], above[i - 4]) if i >= 4 else (0, 0)
        nearest = left + above[i] - corner
        paeth = min((left, above[i], corner), key=lambda one: abs(nearest - one))
        row[i] = (value + (0, left, above[i], (left + above[i]) // 2, paeth)[kind]) % 256
    return row


def by_vega(spec, width):
    still = {**spec, "width": width, "autosize": {"type": "fit-x", "contains": "padding"}}
    charts._register_fonts()
    font = {"font": ", ".join(charts.FONT_FAMILIES)}
    return vl_convert.vegalite_to_svg(still, vl_version=charts.VEGA_LITE, config=font, allowed_base_urls=[])


def everything():
    """A drawing with every layer, symbol, kind of dash and alignment."""
    canvas = Canvas()
    canvas.grid(Place(0.1, 0), 5, Place(0.1, 0), 95)
    canvas.area("a", [(Place(0.2, 0), 10, 30), (Place(0.5, 0), 25, 30), (Place(0.6, 4), 20, 50)], colour="#0b5fa5", opacity=0.3)  # fmt: skip
    canvas.bar(Place(0, 20), Place(0.4, 0), 60, colour="#9cc3e4", height=9)
    for i, dash in enumerate(DASHES):
        canvas.rule(
            Place(0.5, 0), 60 + 4 * i, Place(1, -10), 60 + 4 * i, colour="#c2410c", width=1.5, dash=dash
        )
    canvas.line(
        "l", [(Place(0.1, 0), 90), (Place(0.3, 0), 70), (Place(0.35, 0), 88)], colour="#0f766e", width=2
    )
    canvas.line("m", [(Place(0.1, 0), 80), (Place(0.3, 0), 84)], colour="#7e22ce", dash="dashed")
    for i, shape in enumerate(SHAPES):
        canvas.point(
            Place(0.08 * i, 14), 100, Symbol(shape, "#1f2937", is_filled=i % 2 == 0, size=30 + 10 * i)
        )
    for i, align in enumerate(("left", "center", "right")):
        canvas.text(
            Place(0.5, 0), 8 + 12 * i, f"{align} & <{i}>", align=align, size=9 + i, weight=400 + 100 * i
        )
    return canvas


def differing(one, other):
    """The share of pixels that clearly differ."""
    return (np.abs(one.astype(int) - other).max(axis=2) > 60).mean()


def test_a_still_drawing_is_what_vega_draws_of_the_same_marks():
    spec = stamped(everything().spec(110), "SIMULATED")
    assert is_drawing(spec)
    assert {mark for mark, rows in everything().marks.items() if not rows} == set()
    ours, vegas = pixels(render_svg(spec, 240)), pixels(by_vega(spec, 240))
    assert ours.shape == vegas.shape
    assert differing(ours, vegas) == 0


def test_the_comparison_would_see_a_mark_that_is_missing_or_moved():
    ours = pixels(render_svg(everything().spec(110), 240))
    moved, missing = everything(), everything()
    moved.marks["points"][3]["y"] += 2
    missing.marks["rules"].pop(2)
    for other in (moved, missing):
        assert differing(ours, pixels(render_svg(other.spec(110), 240))) >= 0.0002


def read(svg):
    """Words with their places, and the ways of strokes by their width, from the top left of the picture."""
    root = ET.fromstring(svg)  # noqa: S314 -- our own
    (group,) = [one for one in root if one.tag == f"{SVG}g"]
    left, top = map(float, re.findall(r"[-\d.]+", group.get("transform")))
    texts = {}
    for inner in group.iter(f"{SVG}g"):
        for text in inner.findall(f"{SVG}text"):
            texts.setdefault(text.text, (left + float(text.get("x")), top + float(text.get("y"))))
    ways = [
        [(left + float(x), top + float(y)) for x, y in re.findall(r"([-\d.]+),([-\d.]+)", path.get("d"))]
        for path in group.findall(f"{SVG}path[@stroke-linejoin]")
    ]
    return texts, ways


def test_curves_stand_where_their_axes_say(five_patients):
    """Read off the picture as a reader does: survival 4/5, 8/15 and 4/15 from days 1, 3 and 4 on."""
    texts, (way,) = read(render_svg(curves(five_patients("A")).spec))
    rows = [texts[words][1] for words in ("A", "At risk", "Censored", "Events")]
    assert np.diff(rows).tolist() == [17, 17, 17]
    assert texts["5"] == (pytest.approx(texts["0"][0]), texts["At risk"][1])  # five at risk at the start
    zero, all_ = texts["0 %"][1], texts["100 %"][1]
    (start, _), (end, _) = texts["0"], texts["6"]  # times at the ends of the axis
    seen = [(6 * (x - start) / (end - start), (y + 4 - zero) / (all_ - zero)) for x, y in way]
    steps = [(0, 1), (1, 4 / 5), (2, 4 / 5), (3, 8 / 15), (4, 4 / 15), (5, 4 / 15)]
    corners = [corner for (t, s), (u, _) in pairwise([*steps, (5, 0)]) for corner in ((t, s), (u, s))][:-1]
    assert seen == [pytest.approx(corner, abs=0.002) for corner in corners]


ROWS = (
    ratio(1.5, 1.1, 2.0, label="Age", printed="1.50"),
    "Subgroups",
    ratio(0.4, 0.05, 40, label="A label that is so long that it needs a second line", printed="0.40"),
    ratio(None, None, None, label="Nobody", printed="not estimable"),
)
STATES = _stacked(
    {100.0: {"incidence": 0.2, "competing": 0.1}, 730.0: {"incidence": 0.5, "competing": 0.1}}, "Days"
)


@pytest.mark.parametrize("form", ["curves", "forest", "stacked"])
def test_a_chart_on_paper_says_at_the_same_places_what_vega_says(form, five_patients):
    figure = {
        "curves": lambda: curves(five_patients("A"), five_patients("B"), survival_title="Share " * 20),
        "forest": lambda: forest(*ROWS),
        "stacked": lambda: Figure("f", Text("F"), STATES, Text("F")),
    }[form]()
    theirs, _ = texts_of(figure, charts.STILL_WIDTH)
    root = ET.fromstring(render_svg(figure.spec))  # noqa: S314 -- our own
    ours = sorted(text.text for text in root.iter(f"{SVG}text"))
    assert ours == sorted(words for words, *_ in theirs)
    texts, _ = read(render_svg(figure.spec))
    once = {words: (left, right, y) for words, left, right, y in theirs if ours.count(words) == 1}
    down = {words: texts[words][1] - y for words, (_, _, y) in once.items() if words not in ("Event", "Neither", "Something else first")}  # fmt: skip
    assert max(down.values()) - min(down.values()) < 8
    for words, (left, right, _) in once.items():
        if words in down:
            assert left - 8 <= texts[words][0] <= right + 8, words


def test_a_forest_ends_in_an_arrow_where_its_axis_does():
    drawn = as_drawing(forest(*ROWS).spec)["datasets"]
    assert [(mark["shape"], mark["size"]) for mark in drawn["points"]] == [
        ("square", 70), ("triangle-left", 50), ("triangle-right", 50), ("square", 70)
    ]  # fmt: skip


def test_in_a_forest_only_what_is_registered_is_a_square():
    rows = [{**ROWS[0], "is_registered": True}, {**ROWS[0], "is_registered": False}]
    figure = forest(*rows)
    assert [mark["shape"] for mark in as_drawing(figure.spec)["datasets"]["points"]] == ["square", "circle"]
    drawn = vl_convert.vegalite_to_scenegraph({**figure.spec, "width": 720}, vl_version=charts.VEGA_LITE)
    assert re.findall("'shape': '(square|circle)'", str(drawn)) == ["square", "circle"]


def test_a_picture_keeps_its_width_whatever_reaches_beyond_its_sides():
    canvas = Canvas()
    canvas.text(Place(0, 0), 10, "centred at the left", align="center")
    canvas.text(Place(1, 0), 30, "centred at the right", align="center")
    canvas.point(Place(1, 0), 50, Symbol("circle", "#000000", size=400))
    ours, vegas = (ET.fromstring(make(canvas.spec(60), 400)) for make in (render_svg, by_vega))  # noqa: S314
    assert ours.get("width") == vegas.get("width") == "400"
    left, theirs = (
        float(re.search(r"[\d.]+", one.find(f"{SVG}g").get("transform"))[0]) for one in (ours, vegas)
    )
    assert theirs <= left <= theirs + 15  # told without the font, words are rather too wide than too narrow
    assert float(ours.findall(f".//{SVG}text")[1].get("x")) < 400 - left - 40


def test_a_drawing_of_nothing_is_an_empty_picture():
    root = ET.fromstring(render_svg(Canvas().spec(30)))  # noqa: S314 -- our own
    assert root.get("viewBox") == "0 0 720 36"
    assert len(root.findall(f".//{SVG}path")) == 0


def test_a_chart_of_no_known_form_is_left_to_vega():
    assert as_drawing({"layer": [], "datasets": {}}) is None
    assert as_drawing({"layer": [], "datasets": {}, "usermeta": {"form": "pie"}}) is None
    assert not is_drawing({"layer": [{"mark": "point"}], "datasets": {"points": []}})


@pytest.mark.parametrize(
    ("high", "ticks"),
    [
        pytest.param(6, [0, 1, 2, 3, 4, 5, 6], id="ones"),
        pytest.param(1098, [0, 200, 400, 600, 800, 1000], id="days of three years"),
        pytest.param(0.4, [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4], id="parts"),
    ],
)
def test_round_ticks(high, ticks):
    assert round_ticks(high) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("span", "step"),
    [
        pytest.param(0.6, 0.1, id="six parts are the most"),
        pytest.param(0.61, 0.2, id="just over six"),
        pytest.param(1.2, 0.2, id="twos"),
        pytest.param(1.21, 0.25, id="quarters"),
        pytest.param(1.51, 0.5, id="halves"),
        pytest.param(3.01, 1, id="the next power of ten"),
    ],
)
def test_round_step(span, step):
    """By hand: the least of 1, 2, 2.5 and 5 times a power of ten that goes into the span at most six times."""
    assert round_step(span) == pytest.approx(step)


@settings(deadline=None)
@given(st.floats(1e-3, 1e6))
def test_round_ticks_are_few_and_reach_nearly_the_end(high):
    ticks = round_ticks(high)
    assert 3 <= len(ticks) <= 11
    assert high - (ticks[1] - ticks[0]) < ticks[-1] <= high * (1 + 1e-6)
    assert math.isclose(ticks[-1], (len(ticks) - 1) * ticks[1])
