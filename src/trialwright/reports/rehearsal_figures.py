"""Dot plots of a rehearsal: a number of each scenario with its Monte-Carlo limits, analyses side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trialwright.reports.canvas import LEFT, RIGHT, SMALL, Across, Canvas, Place, Symbol, round_step
from trialwright.reports.figures import COLOURS, MUTED, NARROWEST, wrap_label

_SHAPES = ("circle", "diamond", "triangle-up", "square", "triangle-down", "triangle-right")
_LINE = 14.0
_LABEL = 0.36
"""Share of the width that the names of scenarios may fill."""
_SAME, _APART = 1e-6, 0.1
"""Values no further apart are drawn as one, on an axis of about this length."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A number of a scenario: the result it is, and from where to where chance lets it lie."""

    series: str
    value: float
    low: float
    high: float
    id: str
    tip: str


@dataclass(frozen=True, slots=True)
class DotRow:
    """The numbers of one scenario."""

    label: str
    dots: Sequence[Dot]


def draw_dots(
    rows: Sequence[DotRow], series: Sequence[str], title: str, *, level: float, is_percent: bool = True
) -> dict[str, Any]:
    """Rows of dots over one axis, told apart by colour and shape; `level` is where they ought to lie.

    Parameters
    ----------
    rows : sequence of DotRow
    series : sequence of str
        What the dots of a row belong to, in the order of the legend.
    title : str
        Of the axis.
    level : float
        Drawn as a line.
    is_percent : bool
        Whether the axis is told in percent.
    """
    canvas = Canvas()
    symbols = {
        name: Symbol(_SHAPES[(i + i // len(COLOURS)) % len(_SHAPES)], COLOURS[i % len(COLOURS)], size=44)
        for i, name in enumerate(series)
    }
    top = canvas.legend([(symbol, name) for name, symbol in symbols.items()]) + 14
    ends = [end for row in rows for dot in row.dots for end in (dot.low, dot.high)] + [level]
    low, high, step = _rounded(min(ends), max(ends))
    x = Across(Place(_LABEL, 4), RIGHT.right(-18), low, high)
    most = NARROWEST * _LABEL * 12 / SMALL - 8
    y = top
    marks: list[tuple[float, DotRow]] = []
    for row in rows:
        lines = wrap_label(row.label, most)
        height = max(_LINE * len(row.dots), 13.0 * len(lines)) + 10
        for i, words in enumerate(lines):
            canvas.text(LEFT, y + height / 2 + 13 * (i - (len(lines) - 1) / 2), words)
        canvas.grid(LEFT, y + height, RIGHT, y + height)
        marks.append((y + height / 2 - _LINE * (len(row.dots) - 1) / 2, row))
        y += height
    for i in range(round((high - low) / step) + 1):
        value = low + i * step
        canvas.grid(x.place(value), top, x.place(value), y)
        canvas.text(x.place(value), y + 12, _label(value, is_percent=is_percent), align="center")
    canvas.text(x.start, y + 30, title, size=12)
    canvas.rule(x.place(level), top, x.place(level), y, colour=MUTED, dash="dashed")
    for first, row in marks:
        for i, dot in enumerate(row.dots):
            _draw_dot(canvas, x, first + i * _LINE, dot, symbols[dot.series])
    return canvas.spec(y + 42)


def _draw_dot(canvas: Canvas, x: Across, y: float, dot: Dot, symbol: Symbol) -> None:
    canvas.rule(
        x.place(dot.low), y, x.place(dot.high), y, colour=symbol.colour, width=1.4, id=dot.id, tip=dot.tip
    )
    canvas.point(x.place(dot.value), y, symbol, id=dot.id, tip=dot.tip)


def _rounded(low: float, high: float) -> tuple[float, float, float]:
    """Round ends around two values, and the round distance between ticks; ends apart where the values are not."""
    step = round_step(high - low if high - low > _SAME else _APART)
    start, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return start * step, max(end, start + 1) * step, step


def _label(value: float, *, is_percent: bool) -> str:
    if is_percent:
        return f"{round(100 * value, 6):g} %".replace("-", "−")
    return f"{round(value, 6):g}".replace("-", "−")
