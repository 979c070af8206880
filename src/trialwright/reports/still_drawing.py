"""The still picture of what is drawn on a `Canvas`, as SVG.

Every mark has its place once the width is known, so there is nothing to lay out and no need of a browser's machinery, which
takes longer than the rest of a report. Vega draws the same marks on a screen; a test holds the two pictures to each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from trialwright.reports.canvas import CROSS, DASHES, RING, TICK
from trialwright.reports.figures import text_width
from trialwright.reports.glyphs import FONT_FAMILIES

Mark = Mapping[str, Any]

_FONT_SIZE = 12
"""That of `text_width`, in pixels."""


def draw_svg(spec: Mapping[str, Any], width: int) -> str:
    """The drawing as one SVG picture.

    Parameters
    ----------
    spec : mapping
        What `Canvas.spec` gives, perhaps with a title.
    width : int
        Of the whole picture, in CSS pixels. What reaches beyond the sides makes the drawing narrower, as it does in Vega.
    """
    marks: Mapping[str, Sequence[Mark]] = spec["datasets"]
    padding, title = spec["config"]["padding"], spec.get("title")
    inner = width - padding["left"] - padding["right"]
    before, after = _beyond_the_sides(marks, inner)
    inner -= before + after
    top = padding["top"] + (title["fontSize"] + title["offset"] if title else 0)
    height = top + spec["height"] + padding["bottom"]
    left = padding["left"] + before
    parts = [part for name, draw in _DRAWN.items() for part in draw(_placed(marks.get(name, ()), inner))]
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_number(height)}" ',
            f'viewBox="0 0 {width} {_number(height)}" font-family="{", ".join(FONT_FAMILIES)}, sans-serif">',
            f'<rect width="{width}" height="{_number(height)}" fill="{spec["config"]["background"]}"/>',
            _title(title, width - padding["right"], padding["top"]) if title else "",
            f'<g transform="translate({_number(left)},{_number(top)})" fill="none">',
            *parts,
            "</g></svg>",
        )
    )


def _title(title: Mapping[str, Any], right: float, top: float) -> str:
    return (
        f'<text x="{_number(right)}" y="{_number(top + 0.8 * title["fontSize"])}" text-anchor="end" '
        f'font-size="{title["fontSize"]}" font-weight="{title["fontWeight"]}" fill="{title["color"]}">'
        f"{escape(title['text'])}</text>"
    )


def _placed(marks: Iterable[Mark], width: float) -> list[Mark]:
    """Marks with `x`, and `x2` where they have a second end, in pixels."""
    placed: list[Mark] = []
    for mark in marks:
        ends = {"x": mark["xs"] * width + mark["xp"]}
        if "x2s" in mark:
            ends["x2"] = mark["x2s"] * width + mark["x2p"]
        placed.append({**mark, **ends})
    return placed


def _beyond_the_sides(marks: Mapping[str, Sequence[Mark]], width: float) -> tuple[int, int]:
    """How many pixels words and symbols reach beyond the left and the right side."""
    sides = [(0.0, width)]
    for mark in _placed(marks.get("texts", ()), width):
        wide = text_width(mark["words"]) * mark["size"] / _FONT_SIZE
        left = mark["x"] - {"left": 0.0, "center": 0.5, "right": 1.0}[mark["align"]] * wide
        sides.append((left, left + wide))
    sides += [
        (mark["x"] - _radius(mark), mark["x"] + _radius(mark))
        for mark in _placed(marks.get("points", ()), width)
    ]
    return math.ceil(-min(left for left, _ in sides)), math.ceil(max(right for _, right in sides) - width)


# --- marks by layer -----------------------------------------------------------------------------------------------------


def _strokes(marks: Iterable[Mark]) -> Iterator[str]:
    for style, alike in groupby(marks, key=itemgetter("colour", "width", "dash")):
        ways = (f"M{_point(mark['x'], mark['y'])}L{_point(mark['x2'], mark['y2'])}" for mark in alike)
        yield f'<path d="{"".join(ways)}"{_stroke(*style)}/>'


def _series(marks: Iterable[Mark]) -> Iterator[list[Mark]]:
    """The marks of each line or area in their order."""
    series: dict[str, list[Mark]] = {}
    for mark in marks:
        series.setdefault(mark["series"], []).append(mark)
    return (sorted(points, key=itemgetter("order")) for points in series.values())


def _areas(marks: Iterable[Mark]) -> Iterator[str]:
    for points in _series(marks):
        there = [_point(mark["x"], mark["y"]) for mark in points]
        back = [_point(mark["x"], mark["y2"]) for mark in reversed(points)]
        look = f'fill="{points[0]["colour"]}" fill-opacity="{points[0]["opacity"]}"'
        yield f'<path d="M{" ".join([*there, *back])}Z" {look}/>'


def _lines(marks: Iterable[Mark]) -> Iterator[str]:
    for points in _series(marks):
        first = points[0]
        way = " ".join(_point(mark["x"], mark["y"]) for mark in points)
        yield f'<path d="M{way}" stroke-linejoin="round"{_stroke(first["colour"], first["width"], first["dash"])}/>'


def _points(marks: Iterable[Mark]) -> Iterator[str]:
    for (shape, size, fill, stroke), alike in groupby(
        marks, key=itemgetter("shape", "size", "fill", "stroke")
    ):
        outline = _SHAPES[shape](math.sqrt(size) / 2)
        shown = "none" if fill == "transparent" else fill
        yield f'<g fill="{shown}" stroke="{stroke}" stroke-width="1.3">'
        for mark in alike:
            yield f'<path transform="translate({_point(mark["x"], mark["y"])})" d="{outline}"/>'
        yield "</g>"


_ANCHORS = {"left": "start", "center": "middle", "right": "end"}


def _texts(marks: Iterable[Mark]) -> Iterator[str]:
    for (align, size, weight, colour), alike in groupby(
        marks, key=itemgetter("align", "size", "weight", "colour")
    ):
        yield f'<g text-anchor="{_ANCHORS[align]}" font-size="{_number(size)}" font-weight="{weight}" fill="{colour}">'
        down = round(0.3 * size)  # from the middle of a line to where its letters stand
        for mark in alike:
            x, y = _number(mark["x"]), _number(mark["y"] + down)
            yield f'<text x="{x}" y="{y}">{escape(mark["words"])}</text>'
        yield "</g>"


_DRAWN: dict[str, Callable[[Iterable[Mark]], Iterator[str]]] = {
    "grid": _strokes,
    "areas": _areas,
    "bars": _strokes,
    "rules": _strokes,
    "lines": _lines,
    "points": _points,
    "texts": _texts,
}


def _stroke(colour: str, width: float, dash: str) -> str:
    dashes = "" if dash == "solid" else f' stroke-dasharray="{",".join(map(_number, DASHES[dash]))}"'
    return f' stroke={quoteattr(colour)} stroke-width="{_number(width)}"{dashes}'


# --- symbols: the named ones as Vega sizes them, by half the root of their area ------------------------------------------


def _radius(mark: Mark) -> float:
    return math.sqrt(mark["size"]) / 2


def _polygon(*corners: tuple[float, float]) -> Callable[[float], str]:
    return lambda r: "M" + " ".join(_point(x * r, y * r) for x, y in corners) + "Z"


def _circle(r: float) -> str:
    radius, across = _number(r), _number(2 * r)
    return f"M{_number(-r)},0a{radius},{radius} 0 1 1 {across},0a{radius},{radius} 0 1 1 -{across},0Z"


_HALF = math.sqrt(3) / 2
_CORNERS = ((-1, -0.4), (-0.4, -0.4), (-0.4, -1), (0.4, -1), (0.4, -0.4), (1, -0.4))
_SHAPES: dict[str, Callable[[float], str]] = {
    "circle": _circle,
    RING: _circle,
    "square": _polygon((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "cross": _polygon(*_CORNERS, *((-x, -y) for x, y in _CORNERS)),
    "diamond": _polygon((-1, 0), (0, -1), (1, 0), (0, 1)),
    "triangle-up": _polygon((0, -_HALF), (-1, _HALF), (1, _HALF)),
    "triangle-down": _polygon((0, _HALF), (-1, -_HALF), (1, -_HALF)),
    "triangle-left": _polygon((-_HALF, 0), (_HALF, -1), (_HALF, 1)),
    "triangle-right": _polygon((_HALF, 0), (-_HALF, -1), (-_HALF, 1)),
    CROSS: lambda r: f"M{_point(-r, -r)}L{_point(r, r)}M{_point(-r, r)}L{_point(r, -r)}",
    TICK: lambda r: f"M0,{_number(-r)}L0,{_number(r)}",
}


def _point(x: float, y: float) -> str:
    return f"{_number(x)},{_number(y)}"


def _number(value: float) -> str:
    """A place to a hundredth of a pixel."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
