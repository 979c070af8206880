"""Figures of a design: curves of power, limits and boundaries over one assumption."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from trialwright.reports.canvas import DASHES, Across, Canvas, Down, Place, Symbol, round_step
from trialwright.reports.figures import COLOURS, MUTED

_HEIGHT = 250
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a curve with the result it is."""

    x: float
    y: float
    id: str
    tip: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Points that belong together. `is_step` holds a value until the next point; `is_line` joins them."""

    label: str
    points: Sequence[Point]
    is_step: bool = False
    is_line: bool = True


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis shows, from where to where."""

    title: str
    low: float
    high: float
    is_percent: bool = False
    names: tuple[str, ...] = ()
    """What stands at 1, 2, ... in place of numbers."""

    @property
    def ticks(self) -> list[float]:
        if self.names:
            return [float(i) for i in range(1, len(self.names) + 1)]
        step = round_step(self.high - self.low)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [i * step for i in range(first, last + 1)]

    def widened(self) -> Axis:
        """The axis itself, or where it holds a single value one with room on both sides."""
        if self.high > self.low:
            return self
        room = abs(self.low) / 10 or 0.1
        return replace(self, low=self.low - room, high=self.high + room)

    def label(self, value: float) -> str:
        if self.names:
            return self.names[round(value) - 1]
        return f"{round(100 * value, 6):g} %" if self.is_percent else f"{round(value, 6):g}"


def draw_curves(
    curves: Sequence[Curve], across: Axis, down: Axis, *, level: float | None = None
) -> dict[str, Any]:
    """Curves over one axis, told apart by colour, dash and shape; `level` is a line to hold them against."""
    canvas, across, down = Canvas(), across.widened(), down.widened()
    symbols = [_symbol(i) for i in range(len(curves))]
    entries = list(zip(symbols, (curve.label for curve in curves), strict=True))
    top = canvas.legend(entries) + 30 if len(curves) > 1 else 34
    width = 12 + 7 * max(len(down.label(value)) for value in down.ticks)
    x = Across(Place(0, width), Place(1, -16), across.low, across.high)
    y = Down(top, top + _HEIGHT, down.low, down.high)
    _draw_axes(canvas, x, y, across, down)
    if level is not None:
        canvas.rule(x.start, y.place(level), x.end, y.place(level), colour=MUTED, dash="dashed")
    for i, curve in enumerate(curves):
        _draw_curve(canvas, x, y, curve, symbols[i], i)
    return canvas.spec(y.bottom + 40)


def _symbol(i: int) -> Symbol:
    dash = list(DASHES)[i % len(DASHES)]
    return Symbol(_SHAPES[i % len(_SHAPES)], COLOURS[i % len(COLOURS)], dash=dash, size=40)


def _draw_axes(canvas: Canvas, x: Across, y: Down, across: Axis, down: Axis) -> None:
    canvas.text(Place(0, 0), y.top - 16, down.title, size=12)
    if across.title:
        canvas.text(x.start, y.bottom + 30, across.title, size=12)
    for value in down.ticks:
        canvas.grid(x.start, y.place(value), x.end, y.place(value))
        canvas.text(x.start.right(-6), y.place(value), down.label(value), align="right")
    for value in across.ticks:
        canvas.grid(x.place(value), y.top, x.place(value), y.bottom)
        canvas.text(x.place(value), y.bottom + 13, across.label(value), align="center")


def _draw_curve(canvas: Canvas, x: Across, y: Down, curve: Curve, symbol: Symbol, number: int) -> None:
    places: list[tuple[Place, float]] = []
    for point in curve.points:
        here = (x.place(point.x), y.place(point.y))
        if curve.is_step and places:
            places.append((here[0], places[-1][1]))
        places.append(here)
        if not curve.is_step:
            canvas.point(*here, symbol, id=point.id, tip=point.tip)
    if curve.is_line or curve.is_step:
        canvas.line(f"curve {number}", places, colour=symbol.colour, width=1.8, dash=symbol.dash)
