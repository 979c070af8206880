"""A drawing in marks whose places are told in shares of the width and pixels: one Vega-Lite chart of a single view.

Small multiples and rows of patients need places of their own, and a chart that answers to the width of its page cannot be
made of Vega-Lite's facets. Here a place across is `share * width + pixels`, a place down is pixels from the top. Every mark
keeps the `id` of the row of the listing it shows, and that row's values as `tip`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from trialwright.reports.figures import CONFIG, DASH_PATTERNS, INK, MUTED, NARROWEST, SCHEMA, wrap_label

GRID = "#e3e8ec"
SMALL = 11
"""Font size of what stands beside marks, in pixels."""

DASHES: dict[str, list[float]] = dict(
    zip(("solid", "dashed", "dotted", "dash-dot", "long", "dot-dash"), DASH_PATTERNS, strict=True)
)
CROSS = "M-1,-1L1,1M-1,1L1,-1"
"""The shape of a death: two strokes."""
TICK = "M0,-1L0,1"
RING = "M-1,0A1,1,0,1,1,1,0A1,1,0,1,1,-1,0Z"
"""Around another symbol, which stays to be seen."""


class Place(NamedTuple):
    """A place across: a share of the width and pixels beside it."""

    share: float
    pixels: float

    def right(self, pixels: float) -> Place:
        return Place(self.share, self.pixels + pixels)

    def at_width(self, width: float) -> float:
        return self.share * width + self.pixels


LEFT, MIDDLE, RIGHT = Place(0, 0), Place(0.5, 0), Place(1, 0)


@dataclass(frozen=True, slots=True)
class Across:
    """An axis from left to right."""

    start: Place
    end: Place
    low: float
    high: float
    is_log: bool = False

    def place(self, value: float) -> Place:
        """Where a value stands; values beyond the ends stand at them."""
        part = _part(value, self.low, self.high, is_log=self.is_log)
        between = (one + part * (other - one) for one, other in zip(self.start, self.end, strict=True))
        return Place(*between)


@dataclass(frozen=True, slots=True)
class Down:
    """An axis from bottom to top, in pixels from the top of the chart."""

    top: float
    bottom: float
    low: float
    high: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """Where a value stands; values beyond the ends stand at them."""
        return self.bottom - _part(value, self.low, self.high, is_log=self.is_log) * (self.bottom - self.top)


def _part(value: float, low: float, high: float, *, is_log: bool) -> float:
    if is_log:
        value, low, high = (math.log10(max(number, low)) for number in (value, low, high))
    return min(1.0, max(0.0, (value - low) / (high - low)))


@dataclass(frozen=True, slots=True)
class Symbol:
    """How a kind of thing is drawn: a shape of Vega, or `bar`, or `line`."""

    shape: str
    colour: str
    is_filled: bool = True
    dash: str = "solid"
    size: float = 46


@dataclass(slots=True)
class Canvas:
    """Marks by layer, in the order in which layers are drawn: grid, areas, bars, rules, lines, points, texts."""

    marks: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {
            name: [] for name in ("grid", "areas", "bars", "rules", "lines", "points", "texts")
        }
    )

    def bar(self, start: Place, end: Place, y: float, *, colour: str, height: float, **about: Any) -> None:
        self._stroke("bars", start, y, end, y, colour=colour, width=height, dash="solid", **about)

    def grid(self, x: Place, y: float, x2: Place, y2: float, *, colour: str = GRID) -> None:
        """A line that lies behind everything else."""
        self._stroke("grid", x, y, x2, y2, colour=colour, width=1, dash="solid")

    def rule(
        self, x: Place, y: float, x2: Place, y2: float, *, colour: str = MUTED, width: float = 1.0, dash: str = "solid",
        **about: Any,
    ) -> None:  # fmt: skip
        self._stroke("rules", x, y, x2, y2, colour=colour, width=width, dash=dash, **about)

    def _stroke(
        self, layer: str, x: Place, y: float, x2: Place, y2: float, *, colour: str, width: float, dash: str, **about: Any
    ) -> None:  # fmt: skip
        ends = {"xs": x.share, "xp": x.pixels, "y": y, "x2s": x2.share, "x2p": x2.pixels, "y2": y2}
        self.marks[layer].append(about | _rounded(ends) | {"colour": colour, "width": width, "dash": dash})

    def line(
        self, series: str, places: Iterable[tuple[Place, float]], *, colour: str, width: float = 1.4, dash: str = "solid"
    ) -> None:  # fmt: skip
        for order, (x, y) in enumerate(places):
            ends = _rounded({"xs": x.share, "xp": x.pixels, "y": y})
            self.marks["lines"].append(
                {"series": series, "order": order} | ends | {"colour": colour, "width": width, "dash": dash}
            )

    def area(
        self, series: str, places: Iterable[tuple[Place, float, float]], *, colour: str, opacity: float
    ) -> None:  # fmt: skip
        """What lies between two lines: places from left to right, each with its two ends down."""
        for order, (x, y, y2) in enumerate(places):
            ends = _rounded({"xs": x.share, "xp": x.pixels, "y": y, "y2": y2})
            self.marks["areas"].append(
                {"series": series, "order": order} | ends | {"colour": colour, "opacity": opacity}
            )

    def point(self, x: Place, y: float, symbol: Symbol, **about: Any) -> None:
        fill = symbol.colour if symbol.is_filled else "white"
        is_stroke = symbol.shape in (CROSS, TICK, RING)
        shown = {
            "shape": symbol.shape,
            "size": symbol.size,
            "stroke": symbol.colour,
            "fill": "transparent" if is_stroke else fill,
        }
        self.marks["points"].append(about | _rounded({"xs": x.share, "xp": x.pixels, "y": y}) | shown)

    def text(
        self, x: Place, y: float, words: str, *, align: str = "left", colour: str = INK, size: float = SMALL,
        weight: int = 400, **about: Any,
    ) -> None:  # fmt: skip
        shown = {"words": words, "align": align, "colour": colour, "size": size, "weight": weight}
        self.marks["texts"].append(about | _rounded({"xs": x.share, "xp": x.pixels, "y": y}) | shown)

    def legend(self, entries: Sequence[tuple[Symbol, str]], top: float = 8.0) -> float:
        """Symbols with their words in two columns; gives the pixels below them."""
        half = (NARROWEST / 2 - 18) * 12 / SMALL
        texts = [wrap_label(words, half) for _, words in entries]
        y = top
        for first in range(0, len(entries), 2):
            for column, (symbol, _) in enumerate(entries[first : first + 2]):
                x = Place(0.5 * column, 8)
                self._key(symbol, x, y)
                for i, words in enumerate(texts[first + column]):
                    self.text(x.right(14), y + i * 13, words)
            y += 16 + 13 * (max(len(lines) for lines in texts[first : first + 2]) - 1)
        return y

    def _key(self, symbol: Symbol, x: Place, y: float) -> None:
        if symbol.shape == "bar":
            self.bar(x.right(-8), x.right(8), y, colour=symbol.colour, height=symbol.size)
        elif symbol.shape == "line":
            self.rule(x.right(-8), y, x.right(8), y, colour=symbol.colour, width=1.4, dash=symbol.dash)
        else:
            self.point(x, y, symbol)

    def spec(self, height: float) -> dict[str, Any]:
        """The chart; datasets are named after the layers."""
        shown = {name: rows for name, rows in self.marks.items() if rows}
        return {
            "$schema": SCHEMA,
            "width": "container",
            "height": math.ceil(height),
            "config": CONFIG,
            "datasets": shown,
            "layer": [_LAYERS[name] for name in shown],
        }


def _rounded(places: dict[str, float]) -> dict[str, float]:
    """Places to a thousandth of a pixel: a chart is the same on every machine, and small."""
    return {name: round(value, 5 if name.endswith("s") else 2) for name, value in places.items()}


# --- layers -------------------------------------------------------------------------------------------------------------


def _as_told(name: str, kind: str = "nominal") -> dict[str, Any]:
    return {"field": name, "type": kind, "scale": None, "legend": None}


def _pixels(name: str) -> dict[str, Any]:
    return {"field": name, "type": "quantitative", "scale": None, "axis": None}


_X = {"calculate": "datum.xs * width + datum.xp", "as": "x"}
_X2 = {"calculate": "datum.x2s * width + datum.x2p", "as": "x2"}
_DASH = {
    "field": "dash",
    "type": "nominal",
    "legend": None,
    "scale": {"domain": list(DASHES), "range": list(DASHES.values())},
}
_TIP = {"field": "tip", "type": "nominal"}


def _strokes(name: str) -> dict[str, Any]:
    return {
        "data": {"name": name},
        "transform": [_X, _X2],
        "mark": {"type": "rule", "opacity": 1},
        "encoding": {
            "x": _pixels("x"), "x2": {"field": "x2"}, "y": _pixels("y"), "y2": {"field": "y2"}, "stroke": _as_told("colour"),
            "strokeWidth": _as_told("width", "quantitative"), "strokeDash": _DASH, "tooltip": _TIP,
        },
    }  # fmt: skip


_LAYERS: dict[str, dict[str, Any]] = {
    "grid": _strokes("grid"),
    "areas": {
        "data": {"name": "areas"},
        "transform": [_X],
        "mark": {"type": "area"},
        "encoding": {
            "x": _pixels("x"), "y": _pixels("y"), "y2": {"field": "y2"}, "detail": {"field": "series"},
            "fill": _as_told("colour"), "fillOpacity": _as_told("opacity", "quantitative"),
        },
    },
    "bars": _strokes("bars"),
    "rules": _strokes("rules"),
    "lines": {
        "data": {"name": "lines"},
        "transform": [_X],
        "mark": {"type": "line", "strokeJoin": "round"},
        "encoding": {
            "x": _pixels("x"), "y": _pixels("y"), "detail": {"field": "series"}, "order": {"field": "order"},
            "stroke": _as_told("colour"), "strokeWidth": _as_told("width", "quantitative"), "strokeDash": _DASH,
        },
    },
    "points": {
        "data": {"name": "points"},
        "transform": [_X],
        "mark": {"type": "point", "opacity": 1, "strokeWidth": 1.3},
        "encoding": {
            "x": _pixels("x"), "y": _pixels("y"), "shape": _as_told("shape"), "size": _as_told("size", "quantitative"),
            "fill": _as_told("fill"), "stroke": _as_told("stroke"), "tooltip": _TIP,
        },
    },
    "texts": {
        "data": {"name": "texts"},
        "transform": [_X],
        "mark": {
            "type": "text", "baseline": "middle", "align": {"expr": "datum.align"}, "fontSize": {"expr": "datum.size"},
            "fontWeight": {"expr": "datum.weight"},
        },
        "encoding": {"x": _pixels("x"), "y": _pixels("y"), "text": {"field": "words"}, "fill": _as_told("colour")},
    },
}  # fmt: skip


def is_drawing(spec: Mapping[str, Any]) -> bool:
    """Whether a chart is the marks of a `Canvas` and nothing else."""
    return bool(spec["layer"] == [_LAYERS.get(name) for name in spec.get("datasets", {})])


# --- axes ---------------------------------------------------------------------------------------------------------------

DAYS_OF_A_MONTH = 365.25 / 12


def month_steps(high_days: float, most: int) -> list[int]:
    """Whole months from 0 on that label an axis of so many days, at most so many of them."""
    months = math.floor(high_days / DAYS_OF_A_MONTH)
    step = next(step for step in (1, 2, 3, 6, 12, 24, 60, 120, 600) if months / step < most)
    return list(range(0, months + 1, step))


def draw_months(
    canvas: Canvas, axis: Across, top: float, bottom: float, *, most: int = 9, size: float = SMALL
) -> None:
    """Lines down at whole months, labelled below."""
    for month in month_steps(axis.high, most):
        x = axis.place(month * DAYS_OF_A_MONTH)
        canvas.grid(x, top, x, bottom)
        canvas.text(x, bottom + 9, str(month), align="center", size=size)


def round_ticks(high: float, about: int = 6) -> list[float]:
    """Round numbers from 0 to `high`: one, two or five times a power of ten apart, as near to `about` steps as can be."""
    rough = high / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((power * factor for factor in (1, 2, 5, 10)), key=lambda step: abs(math.log(step / rough)))
    return [i * step for i in range(math.floor(high / step + 1e-9) + 1)]


def round_step(span: float, most: int = 6) -> float:
    """The least of one, two, two and a half or five times a power of ten that divides a span into at most so many parts."""
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if span / (step * power) <= most + 1e-4)


def powers_of_ten(low: float, high: float) -> tuple[int, int]:
    """The exponents that bracket positive numbers; at least one power apart."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    return first, max(last, first + 1)


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_label(exponent: int) -> str:
    """`10⁶`, but `10` and `0.1` as they are."""
    return f"{10.0**exponent:g}" if -2 <= exponent <= 3 else f"10{str(exponent).translate(_RAISED)}"
