"""Survival curves, stacked shares and forest plots as drawings of one width, for paper.

On a screen Vega-Lite lays these charts out anew for every width; paper has one width, and a drawing is made in a thousandth
of the time. Each drawing reads the chart itself: its datasets, its axes, its colours. So it cannot show anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from trialwright.reports.canvas import DASHES, Across, Canvas, Down, Place, Symbol, round_ticks
from trialwright.reports.figures import COLOURS, CONFIG, GAP, LINE_HEIGHT, MARGIN, MUTED, text_width

Spec = Mapping[str, Any]

_AXIS = CONFIG["axis"]
_SIZE = _AXIS["labelFontSize"]
_TICK_SIZE = 5
_LABEL_GAP = 7
_BELOW_AXIS = 12
"""From an axis to the middle of its labels, in pixels."""
_BELOW_LABELS = 15
"""From the middle of the labels of an axis to that of its title."""


def as_drawing(spec: Spec) -> Spec | None:
    """The chart as the drawing of a `Canvas`, with its title; None if charts of its form have none."""
    draw = _FORMS.get(spec.get("usermeta", {}).get("form"))
    if draw is None:
        return None
    drawn = draw(spec)
    return drawn | {"title": spec["title"]} if "title" in spec else drawn


def _layer(spec: Spec, data: str) -> Any:
    return next(layer for layer in spec["layer"] if layer["data"].get("name") == data)


# --- survival curves ----------------------------------------------------------------------------------------------------


def _draw_curves(spec: Spec) -> dict[str, Any]:
    data, x = spec["datasets"], spec["encoding"]["x"]
    heading = _layer(spec, "curves")["encoding"]["y"]["axis"]["title"]
    top = LINE_HEIGHT * len(heading) + 10
    bottom = top + spec["height"]
    across = Across(Place(0, MARGIN), Place(1, 0), 0, x["scale"]["domain"][1] or 1.0)
    down = Down(top, bottom, 0, 1)
    colours, names = _by_group(spec)
    canvas = Canvas()
    for i, line in enumerate(heading):
        canvas.text(Place(0, 0), LINE_HEIGHT * i + 7, line, size=_SIZE)
    _draw_shares(canvas, across, down)
    _draw_x_axis(canvas, across, top, bottom, x["axis"]["values"])
    for i, line in enumerate(x["axis"]["title"]):
        middle = Place(0.5, MARGIN / 2)
        canvas.text(
            middle, bottom + _BELOW_AXIS + _BELOW_LABELS + LINE_HEIGHT * i, line, align="center", size=_SIZE
        )
    for (group, piece), rows in groupby(data["bands"], key=itemgetter("group", "piece")):
        corners = _steps(list(rows), "time", "conf_low", "conf_high")
        series = f"{group}/{piece}"
        canvas.area(
            series, ((across.place(t), down.place(low), down.place(high)) for t, low, high in corners),
            colour=colours[group], opacity=0.13,
        )  # fmt: skip
    for group, rows in groupby(data["curves"], key=itemgetter("group")):
        places = [(across.place(t), down.place(share)) for t, share in _steps(list(rows), "time", "survival")]
        canvas.line(group, places, colour=colours[group], width=1.8, dash=names[group])
    for mark in data["censored"]:
        at, y = across.place(mark["time"]), down.place(mark["survival"])
        canvas.rule(at, y - 4, at, y + 4, colour=colours[mark["group"]], width=1.2)
    _draw_risk_table(canvas, spec, across, top)
    lowest = max((row["y"] for row in (*data["names"], *data["headings"])), default=0)
    return canvas.spec(top + max(spec["height"] + 48, lowest + LINE_HEIGHT / 2))


def _by_group(spec: Spec) -> tuple[dict[str, str], dict[str, str]]:
    """The colour of each group and the name of its dashes."""
    scale = spec["encoding"]["color"]["scale"]
    return dict(zip(scale["domain"], scale["range"], strict=True)), dict(
        zip(scale["domain"], DASHES, strict=False)
    )


def _steps(rows: Sequence[Mapping[str, Any]], at: str, *values: str) -> Iterator[tuple[float, ...]]:
    """The corners of steps that keep each value until the next row."""
    for i, row in enumerate(rows):
        found = tuple(row[value] for value in values)
        yield (row[at], *found)
        if i + 1 < len(rows):
            yield (rows[i + 1][at], *found)


def _draw_shares(canvas: Canvas, across: Across, down: Down) -> None:
    """The axis of shares: lines across at quarters, labelled in per cent."""
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = down.place(share)
        canvas.grid(across.start, y, across.end, y, colour=_AXIS["gridColor"])
        canvas.rule(across.start.right(-_TICK_SIZE), y, across.start, y, colour=_AXIS["tickColor"])
        canvas.text(across.start.right(-_LABEL_GAP), y, f"{100 * share:.0f} %", align="right", size=_SIZE)
    canvas.rule(across.start, down.top, across.start, down.bottom, colour=_AXIS["domainColor"])


def _draw_x_axis(
    canvas: Canvas,
    across: Across,
    top: float,
    bottom: float,
    ticks: Sequence[float],
    *,
    has_grid: bool = True,
) -> None:
    canvas.rule(across.start, bottom, across.end, bottom, colour=_AXIS["domainColor"])
    for tick in ticks:
        at = across.place(tick)
        if has_grid:
            canvas.grid(at, top, at, bottom, colour=_AXIS["gridColor"])
        canvas.rule(at, bottom, at, bottom + _TICK_SIZE, colour=_AXIS["tickColor"])
    for tick in _shown_ticks(ticks):
        canvas.text(across.place(tick), bottom + _BELOW_AXIS, f"{tick:,g}", align="center", size=_SIZE)


_MOST_TICKS = 19
"""So many labels of 34 pixels stand side by side on paper; of more, every second is shown."""


def _shown_ticks(ticks: Sequence[float]) -> Sequence[float]:
    return ticks if len(ticks) <= _MOST_TICKS else ticks[::2]


def _draw_risk_table(canvas: Canvas, spec: Spec, across: Across, top: float) -> None:
    data = spec["datasets"]
    colours, dashes = _by_group(spec)
    for row in data["headings"]:
        y, group = top + row["y"], row["group"]
        canvas.rule(Place(0, 0), y, Place(0, 26), y, colour=colours[group], width=2, dash=dashes[group])
        for i, line in enumerate(row["lines"].split("\n")):
            canvas.text(Place(0, 34), y + LINE_HEIGHT * i, line, size=_SIZE, weight=600)
    for row in data["names"]:
        canvas.text(Place(0, 0), top + row["y"], row["name"], colour=MUTED, size=_SIZE)
    shown = set(_shown_ticks(spec["encoding"]["x"]["axis"]["values"]))
    for row in data["at_risk"]:
        if row["time"] in shown:
            canvas.text(across.place(row["time"]), top + row["y"], str(row["n"]), align="center", size=_SIZE)


# --- what came first ----------------------------------------------------------------------------------------------------


def _draw_stacked(spec: Spec) -> dict[str, Any]:
    rows, encoding = spec["datasets"]["states"], spec["layer"][0]["encoding"]
    scale = encoding["color"]["scale"]
    high = max(row["time"] for row in rows) or 1.0
    across = Across(Place(0, 41), Place(1, 0), 0, high)
    top = 2 * LINE_HEIGHT
    bottom = top + spec["height"]
    down = Down(top, bottom, 0, 1)
    canvas = Canvas()
    left = 0.0
    for state, colour in zip(scale["domain"], scale["range"], strict=True):
        canvas.point(Place(0, left + 6), 8, Symbol("circle", colour, size=100))
        canvas.text(Place(0, left + 16), 8, state)
        left += 30 + text_width(state)
    _draw_shares(canvas, across, down)
    _draw_x_axis(canvas, across, top, bottom, round_ticks(high))
    title = encoding["x"]["axis"]["title"]
    canvas.text(Place(0.5, 20), bottom + _BELOW_AXIS + _BELOW_LABELS, title, align="center", size=_SIZE)
    for state, colour in zip(scale["domain"], scale["range"], strict=True):
        corners = _steps([row for row in rows if row["state"] == state], "time", "low", "high")
        canvas.area(
            state, ((across.place(t), down.place(low), down.place(above)) for t, low, above in corners),
            colour=colour, opacity=0.9,
        )  # fmt: skip
    return canvas.spec(bottom + 36)


# --- forest plots -------------------------------------------------------------------------------------------------------


def _draw_forest(spec: Spec) -> dict[str, Any]:
    data, x = spec["datasets"], spec["encoding"]["x"]
    ticks = x["axis"]["values"]
    low, high = x["scale"]["domain"]
    estimates = data["estimates"]
    labels = GAP + max(text_width(line) for row in estimates for line in row["lines"].split("\n"))
    numbers = GAP + max(text_width(row["printed"]) for row in estimates)
    across = Across(Place(0, labels), Place(1, -numbers), low, high, is_log=True)
    top, bottom = LINE_HEIGHT, LINE_HEIGHT + spec["height"]
    canvas = Canvas()
    canvas.text(Place(1, 0), 7, _title_of_numbers(spec), align="right", size=_SIZE)
    _draw_x_axis(canvas, across, top, bottom, ticks, has_grid=False)
    for row in data["headings"]:
        _draw_label(canvas, top + row["y"], row["lines"], weight=600)
    for row in estimates:
        one = across.place(1)
        canvas.rule(one, top + row["y_line_wide"], one, top + row["y_end"], dash="dashed")
        _draw_label(canvas, top + row["y_label_wide"], row["lines"])
        y = top + row["y_wide"]
        canvas.text(Place(1, 0), y, row["printed"], align="right", size=_SIZE)
        if row["estimate"] is not None:
            _draw_interval(canvas, across, y, row)
    return canvas.spec(bottom + 20)


def _title_of_numbers(spec: Spec) -> str:
    return str(
        next(layer["data"]["values"][0]["words"] for layer in spec["layer"] if "values" in layer["data"])
    )


def _draw_label(canvas: Canvas, y: float, lines: str, *, weight: int = 400) -> None:
    for i, line in enumerate(lines.split("\n")):
        canvas.text(Place(0, 0), y + LINE_HEIGHT * i, line, size=_SIZE, weight=weight)


def _draw_interval(canvas: Canvas, across: Across, y: float, row: Mapping[str, Any]) -> None:
    """The interval as far as the axis goes, an arrow where it goes on, the mark of the estimate if that is on the axis."""
    low, high = row["conf_low"], row["conf_high"]
    if low <= across.high and high >= across.low:
        canvas.rule(across.place(low), y, across.place(high), y, colour=COLOURS[0], width=1.8)
    if low < across.low:
        canvas.point(across.start, y, Symbol("triangle-left", COLOURS[0], size=50))
    if high > across.high:
        canvas.point(across.end, y, Symbol("triangle-right", COLOURS[0], size=50))
    if across.low <= row["estimate"] <= across.high:
        shape = "square" if row.get("is_registered", True) else "circle"
        canvas.point(across.place(row["estimate"]), y, Symbol(shape, COLOURS[0], size=70))


_FORMS: Mapping[str, Callable[[Spec], dict[str, Any]]] = {
    "curves": _draw_curves,
    "stacked": _draw_stacked,
    "forest": _draw_forest,
}
