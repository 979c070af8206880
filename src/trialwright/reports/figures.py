"""Survival curves and forest plots as Vega-Lite charts.

Everything a chart shows is in its named datasets (`spec["datasets"]`), as it was given: a test can read it there.
A chart has no width of its own; it was made for 340 to 900 CSS pixels. Colour never speaks alone: groups differ in
their dashes too.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, NotRequired, TypedDict

from trialwright.reports.blocks import EMPTY, Figure, Text

COLOURS = ("#0b5fa5", "#c2410c", "#0f766e", "#7e22ce", "#1f2937", "#a16207")
DASH_PATTERNS: tuple[list[float], ...] = ([1, 0], [5, 3], [1.5, 2.5], [9, 3, 2, 3], [12, 4], [4, 2, 1, 2])
INK, MUTED = "#1b2733", "#51606e"

LINE_HEIGHT = 17
_FONT_SIZE = 12
_LETTER_WIDTH = 6.7
NARROWEST = 340
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"

# A line may end after white space, after a Chinese or Japanese character, and inside a word that fills a line.
_WORDS = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]|[^\s\u2e80-\u9fff\uff00-\uffef]{1,30}\s*|\s+")


class SurvivalStep(TypedDict):
    """The curve from `time` on; `n_at_risk` just before it. Limits are None where there is no interval.

    `survival` is the share drawn; where curves rise, that of those who have had the event.
    """

    time: float
    survival: float
    conf_low: float | None
    conf_high: float | None
    n_at_risk: int


class CensorMark(TypedDict):
    time: float
    survival: float


class RiskTick(TypedDict):
    """At risk just before `time`; censored and with the event before it. They add up to the group.

    Where something else may come first `n_competing` have had that; where subjects come in late `n_to_come` are not yet
    under watch.
    """

    time: float
    n_at_risk: int
    n_censored: int
    n_events: int
    n_competing: NotRequired[int]
    n_to_come: NotRequired[int]


class SurvivalGroup(TypedDict):
    """One curve. `steps` begin at time 0; they are empty where the group has nobody."""

    label: str
    steps: Sequence[SurvivalStep]
    censor_marks: Sequence[CensorMark]
    ticks: Sequence[RiskTick]


class ForestRow(TypedDict):
    """One estimate with its interval, and both as printed. All three are None where nothing could be estimated."""

    label: str
    estimate: float | None
    conf_low: float | None
    conf_high: float | None
    printed: str
    ref: NotRequired[str]
    is_registered: NotRequired[bool]
    """True where it is not said. Its estimate is a square, that of any other a circle."""


def survival_figure(
    groups: Sequence[SurvivalGroup],
    *,
    figure_id: str,
    title: Text,
    alt: Text,
    survival_title: str,
    time_title: str,
    caption: Text = EMPTY,
    rises: bool = False,
) -> Figure:
    """Kaplan–Meier curves with pointwise intervals, and the numbers at risk, censored and with the event below.

    Datasets: `curves`, `bands`, `censored`, `at_risk`; each row names its `group`.

    Parameters
    ----------
    groups : the curves, one to six
    survival_title, time_title : what the axes show; the second with its unit ("Months since resection")
    rises : whether the curves are of those with the event, and go up

    Raises
    ------
    ValueError
        If there are no groups or more than six, or two of one name; if a curve does not start at time 0, turns back, or lies
        outside its interval; if the groups have different ticks, or the counts at one tick do not add up to the group.
    """
    _check_groups(groups, rises=rises)
    times = [tick["time"] for tick in groups[0]["ticks"]]
    end = max(times + [step["time"] for group in groups for step in group["steps"]])
    time_lines = wrap_label(time_title, NARROWEST - 100)
    risk_top = _PLOT_HEIGHT + 41 + LINE_HEIGHT * len(time_lines)
    spec = {
        "$schema": SCHEMA,
        "width": "container",
        "height": _PLOT_HEIGHT,
        "usermeta": {"form": "curves"},
        "config": CONFIG,
        "datasets": {
            "curves": [{"group": group["label"], **step} for group in groups for step in group["steps"]],
            "bands": [row for group in groups for row in _band_rows(group)],
            "censored": [
                {"group": group["label"], **mark} for group in groups for mark in group["censor_marks"]
            ],
            **_risk_table(groups, risk_top),
        },
        "encoding": {
            "x": {
                "field": "time",
                "type": "quantitative",
                "scale": {"domain": [0, end], "nice": False},
                "axis": {
                    "title": time_lines,
                    "values": times,
                    "labelExpr": _shown_tick(times, "datum.label"),
                    "labelFlush": False,
                },
            },
            "color": _by_group(groups, COLOURS),
        },
        "layer": [
            _band_layer(),
            _curve_layer(groups, survival_title),
            _censor_layer(),
            _pointer_layer(time_title),
            *_risk_layers(groups, times),
        ],
    }
    return Figure(figure_id, title, spec, alt, caption)


_PLOT_HEIGHT = 280
MARGIN = 78
"""Left of the curves, in pixels; names of rows stand there."""
_Count = Literal["n_at_risk", "n_censored", "n_events", "n_competing", "n_to_come"]
_RISK_ROWS: tuple[tuple[str, _Count], ...] = (
    ("At risk", "n_at_risk"),
    ("Censored", "n_censored"),
    ("Events", "n_events"),
    ("Other first", "n_competing"),
    ("To come", "n_to_come"),
)


def _risk_rows(groups: Sequence[SurvivalGroup]) -> list[tuple[str, _Count]]:
    """The rows of counts that every tick has."""
    ticks = [tick for group in groups for tick in group["ticks"]]
    return [(name, count) for name, count in _RISK_ROWS if all(count in tick for tick in ticks)]


CONFIG: dict[str, Any] = {
    "aria": False,
    "background": "white",
    "padding": {"left": 0, "top": 4, "right": 6, "bottom": 2},
    "view": {"stroke": None},
    "text": {"fontSize": _FONT_SIZE, "fill": INK},
    "axis": {
        "domainColor": MUTED,
        "gridColor": "#e8edf1",
        "labelColor": INK,
        "labelFontSize": _FONT_SIZE,
        "tickColor": MUTED,
        "titleColor": INK,
        "titleFontSize": _FONT_SIZE,
        "titleFontWeight": "normal",
        "titleLineHeight": LINE_HEIGHT,
    },
}


def _band_rows(group: SurvivalGroup) -> list[dict[str, Any]]:
    """The interval where there is one, drawn on until the next step; `piece` counts its unbroken stretches."""
    rows: list[dict[str, Any]] = []
    piece = 0
    open_band = False
    for step in group["steps"]:
        if step["conf_low"] is not None:
            limits = {"conf_low": step["conf_low"], "conf_high": step["conf_high"]}
            rows.append({"group": group["label"], "piece": piece, "time": step["time"], **limits})
            open_band = True
        elif open_band:
            rows.append({**rows[-1], "time": step["time"]})
            piece += 1
            open_band = False
    return rows


def _by_group(groups: Sequence[SurvivalGroup], values: Sequence[Any]) -> dict[str, Any]:
    labels = [group["label"] for group in groups]
    return {
        "field": "group",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": labels, "range": list(values[: len(labels)])},
    }


def _band_layer() -> dict[str, Any]:
    return {
        "data": {"name": "bands"},
        "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.13},
        "encoding": {
            "y": {"field": "conf_low", "type": "quantitative"},
            "y2": {"field": "conf_high"},
            "detail": {"field": "piece"},
        },
    }


def _curve_layer(groups: Sequence[SurvivalGroup], survival_title: str) -> dict[str, Any]:
    lines = wrap_label(survival_title, NARROWEST - 20)
    return {
        "data": {"name": "curves"},
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 1.8, "strokeJoin": "miter"},
        "encoding": {
            "y": {
                "field": "survival",
                "type": "quantitative",
                "scale": {"domain": [0, 1], "nice": False},
                "axis": {
                    "title": lines,
                    "titleAngle": 0,
                    "titleAlign": "left",
                    "titleBaseline": "bottom",
                    "titleX": -MARGIN,
                    "titleY": 3 - LINE_HEIGHT * len(lines),
                    "values": [0, 0.25, 0.5, 0.75, 1],
                    "labelExpr": "format(100 * datum.value, '.0f') + ' %'",
                    "grid": True,
                },
            },
            "strokeDash": _by_group(groups, DASH_PATTERNS),
        },
    }


def _censor_layer() -> dict[str, Any]:
    return {
        "data": {"name": "censored"},
        "mark": {"type": "tick", "orient": "vertical", "size": 8, "thickness": 1.2, "opacity": 1},
        "encoding": {"y": {"field": "survival", "type": "quantitative"}},
    }


def _pointer_layer(time_title: str) -> dict[str, Any]:
    """Points on the curves that show themselves, with their numbers, when the pointer is near."""
    # The expression is for the points and for the cells of "nearest" around them, whose datum is the point.
    row = "(datum.datum || datum)"
    interval = f"{_percent(f'{row}.conf_low')} + ' to ' + {_percent(f'{row}.conf_high')}"
    shown = {
        "Group": f"{row}.group",
        time_title: f"format({row}.time, '.4~f')",
        "Estimate": _percent(f"{row}.survival"),
        "Interval": f"isValid({row}.conf_low) ? {interval} : 'none'",
        "At risk": f"{row}.n_at_risk",
    }
    return {
        "data": {"name": "curves"},
        "params": [
            {
                "name": "pointed",
                "select": {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"},
            }
        ],
        "mark": {
            "type": "point",
            "filled": True,
            "size": 60,
            "tooltip": {
                "expr": "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in shown.items()) + "}"
            },
        },
        "encoding": {
            "y": {"field": "survival", "type": "quantitative"},
            "opacity": {"condition": {"param": "pointed", "empty": False, "value": 1}, "value": 0},
        },
    }


def _percent(value: str) -> str:
    return f"format(100 * {value}, '.1f') + ' %'"


def _shown_tick(times: Sequence[float], shown: str) -> str:
    """An expression for `shown` at each tick, or at every second one where the plot is too narrow for all."""
    room = max(34, *(math.ceil(text_width(f"{time:,g}")) + 8 for time in times))
    return (
        f"width >= {room * (len(times) - 1)} || indexof({list(times)}, datum.value) % 2 == 0 ? {shown} : ''"
    )


def _risk_table(groups: Sequence[SurvivalGroup], y: int) -> dict[str, list[dict[str, Any]]]:
    """Datasets of the rows below the axis, from `y` on, in pixels from the top of the plot."""
    headings: list[dict[str, Any]] = []
    names: list[dict[str, Any]] = []
    counts: list[dict[str, Any]] = []
    for group in groups:
        lines = wrap_label(group["label"], NARROWEST - 60)
        headings.append({"group": group["label"], "lines": "\n".join(lines), "y": y})
        y += LINE_HEIGHT * len(lines)
        for name, count in _risk_rows(groups):
            names.append({"name": name, "y": y})
            counts += [
                {"group": group["label"], "statistic": count, "time": tick["time"], "n": tick[count], "y": y}
                for tick in group["ticks"]
            ]
            y += LINE_HEIGHT
        y += LINE_HEIGHT // 2
    return {"headings": headings, "names": names, "at_risk": counts}


def _risk_layers(groups: Sequence[SurvivalGroup], times: Sequence[float]) -> list[dict[str, Any]]:
    at_y = {"field": "y", "type": "quantitative", "scale": None, "axis": None}
    return [
        {
            "data": {"name": "headings"},
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {
                "x": {"value": -MARGIN},
                "x2": {"value": -MARGIN + 26},
                "y": at_y,
                "strokeDash": _by_group(groups, DASH_PATTERNS),
            },
        },
        {
            "data": {"name": "headings"},
            "mark": {
                "type": "text",
                "align": "left",
                "baseline": "middle",
                "fontWeight": 600,
                "lineBreak": "\n",
                "lineHeight": LINE_HEIGHT,
            },
            "encoding": {
                "x": {"value": -MARGIN + 34},
                "y": at_y,
                "text": {"field": "lines"},
                "color": {"value": INK},
            },
        },
        {
            "data": {"name": "names"},
            "mark": {"type": "text", "align": "left", "baseline": "middle"},
            "encoding": {
                "x": {"value": -MARGIN},
                "y": at_y,
                "text": {"field": "name"},
                "color": {"value": MUTED},
            },
        },
        {
            "data": {"name": "at_risk"},
            "transform": [
                {"calculate": "datum.time", "as": "value"},
                {"calculate": _shown_tick(times, "'' + datum.n"), "as": "printed"},
            ],
            "mark": {"type": "text", "align": "center", "baseline": "middle"},
            "encoding": {
                "y": at_y,
                "text": {"field": "printed"},
                "color": {"value": INK},
            },
        },
    ]


def wrap_label(label: str, width: float) -> list[str]:
    """Break a label into lines of about `width` pixels at most, as well as can be told without the font."""
    lines = [""]
    for word in _WORDS.findall(label):
        if text_width(lines[-1] + word.rstrip()) > width and lines[-1]:
            lines.append("")
        lines[-1] += word
    return [line.rstrip() for line in lines]


def text_width(words: str) -> float:
    """About how many pixels wide words are, without the font."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in words)
    return _LETTER_WIDTH * (len(words) + wide)


def _check_groups(groups: Sequence[SurvivalGroup], *, rises: bool) -> None:
    labels = [group["label"] for group in groups]
    if not 1 <= len(groups) <= len(COLOURS):
        raise ValueError(f"a survival figure has one to {len(COLOURS)} groups, not {len(groups)}")
    if len(set(labels)) < len(labels):
        raise ValueError(f"groups of a figure need different labels: {labels}")
    for group in groups:
        _check_steps(group, rises=rises)
        _check_ticks(group, [tick["time"] for tick in groups[0]["ticks"]])


def _check_steps(group: SurvivalGroup, *, rises: bool) -> None:
    steps = group["steps"]
    if steps and steps[0]["time"] != 0:
        raise ValueError(f"the curve of {group['label']!r} must start at time 0, not {steps[0]['time']}")
    for step in steps:
        low, high = step["conf_low"], step["conf_high"]
        if (low is None) != (high is None):
            raise ValueError(f"{group['label']!r} at {step['time']}: an interval has two limits or none")
        if not (0 <= (0 if low is None else low) <= step["survival"] <= (1 if high is None else high) <= 1):
            raise ValueError(
                f"{group['label']!r} at {step['time']}: {step} is no probability inside its interval"
            )
    for before, after in pairwise(steps):
        lower, upper = (before, after) if rises else (after, before)
        if not (before["time"] < after["time"] and lower["survival"] <= upper["survival"]):
            way = "fall" if rises else "rise"
            raise ValueError(
                f"{group['label']!r}: survival must not {way}, nor time fall, from {before} to {after}"
            )


def _check_ticks(group: SurvivalGroup, times: Sequence[float]) -> None:
    ticks = group["ticks"]
    if [tick["time"] for tick in ticks] != list(times) or list(times) != sorted(set(times)) or not times:
        raise ValueError(f"{group['label']!r}: every group needs the same ticks, in order, at least one")
    totals = {sum(tick.get(count, 0) for _, count in _RISK_ROWS) for tick in ticks}
    if len(totals) > 1:
        raise ValueError(
            f"{group['label']!r}: at risk, censored and events add up to {sorted(totals)}, not to one number"
        )


def forest_figure(
    rows: Sequence[ForestRow | str],
    *,
    figure_id: str,
    title: Text,
    alt: Text,
    estimate_title: str,
    caption: Text = EMPTY,
    limits: tuple[float, float] = (0.1, 10),
) -> Figure:
    """Ratios with their intervals on a logarithmic axis, a line at 1, and the numbers beside.

    Datasets: `estimates`; `headings` of groups of rows.

    Parameters
    ----------
    rows : estimates from top to bottom; a string is a heading for the rows below it
    estimate_title : what the numbers are ("Hazard ratio (95 % interval)")
    limits : the axis never reaches beyond them; an interval that does ends in an arrow

    Raises
    ------
    ValueError
        If there is no estimate to show a place for; if an estimate is not positive or outside its interval, or comes
        with half an interval.
    """
    estimates = [row for row in rows if not isinstance(row, str)]
    _check_estimates(estimates)
    axis = _ratio_axis(estimates, limits)
    labels_end = GAP + max(
        text_width(line) for row in estimates for line in wrap_label(row["label"], _LABEL_WIDTH)
    )
    numbers_width = GAP + max(text_width(row["printed"]) for row in estimates)
    datasets, height = _forest_rows(rows)
    spec = {
        "$schema": SCHEMA,
        "width": "container",
        "height": height,
        "usermeta": {"form": "forest"},
        "config": CONFIG,
        "datasets": datasets,
        "encoding": {
            "x": {
                "type": "quantitative",
                "scale": {
                    "type": "log",
                    "domain": [axis[0], axis[-1]],
                    "nice": False,
                    "range": [
                        {"expr": f"{_IS_NARROW} ? {GAP} : {labels_end}"},
                        {"expr": f"width - {numbers_width}"},
                    ],
                },
                "axis": {"title": None, "values": axis, "format": "~g", "grid": False, "labelFlush": False},
            },
            "y": {"field": "y", "type": "quantitative", "scale": None, "axis": None},
        },
        "layer": [
            _line_at_one_layer(),
            *_interval_layers(axis),
            *_forest_text_layers(estimate_title),
        ],
    }
    return Figure(figure_id, title, spec, alt, caption)


_RATIO_TICKS = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000)
_LABEL_WIDTH = 250
GAP = 16
_IS_NARROW = "width < 600"
"""Then a label stands above its interval, else beside it."""


def _forest_rows(rows: Sequence[ForestRow | str]) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """The datasets with the places of their rows, in pixels from the top, and the height of all."""
    estimates: list[dict[str, Any]] = []
    headings: list[dict[str, Any]] = []
    top = 0
    for row in rows:
        if isinstance(row, str):
            lines = wrap_label(row, NARROWEST - 20)
            headings.append({"label": row, "lines": "\n".join(lines), "y": top + LINE_HEIGHT})
            top += LINE_HEIGHT * len(lines) + 13
        else:
            lines = wrap_label(row["label"], _LABEL_WIDTH)
            label_height = LINE_HEIGHT * len(lines)
            height = label_height + 24
            place = {
                "y_wide": top + height / 2,
                "y_label_wide": top + (height - label_height + LINE_HEIGHT) / 2,
                "y_line_wide": top,
                "y_narrow": top + label_height + 8,
                "y_label_narrow": top + LINE_HEIGHT / 2,
                "y_line_narrow": top + label_height - 2,
                "y_end": top + height - 4,
            }
            estimates.append({**row, "lines": "\n".join(lines), **place})
            top += height
    return {"estimates": estimates, "headings": headings}, top + LINE_HEIGHT // 2


def _place(name: str) -> dict[str, str]:
    return {"calculate": f"{_IS_NARROW} ? datum.{name}_narrow : datum.{name}_wide", "as": "y"}


def _line_at_one_layer() -> dict[str, Any]:
    return {
        "data": {"name": "estimates"},
        "transform": [_place("y_line")],
        "mark": {"type": "rule", "stroke": MUTED, "strokeDash": [3, 3]},
        "encoding": {"x": {"datum": 1}, "y2": {"field": "y_end"}},
    }


def _interval_layers(axis: Sequence[float]) -> list[dict[str, Any]]:
    low, high = axis[0], axis[-1]

    def arrow(shape: str, end: float, is_beyond: str) -> dict[str, Any]:
        return {
            "data": {"name": "estimates"},
            "transform": [{"filter": f"isValid(datum.estimate) && {is_beyond}"}, _place("y")],
            "mark": {
                "type": "point",
                "shape": shape,
                "filled": True,
                "size": 50,
                "opacity": 1,
                "color": COLOURS[0],
            },
            "encoding": {"x": {"datum": end}},
        }

    return [
        {
            "data": {"name": "estimates"},
            "transform": [
                {
                    "filter": f"isValid(datum.estimate) && datum.conf_low <= {high} && datum.conf_high >= {low}"
                },
                {"calculate": f"max({low}, datum.conf_low)", "as": "shown_low"},
                {"calculate": f"min({high}, datum.conf_high)", "as": "shown_high"},
                _place("y"),
            ],
            "mark": {"type": "rule", "strokeWidth": 1.8, "stroke": COLOURS[0]},
            "encoding": {"x": {"field": "shown_low"}, "x2": {"field": "shown_high"}},
        },
        arrow("triangle-left", low, f"datum.conf_low < {low}"),
        arrow("triangle-right", high, f"datum.conf_high > {high}"),
        {
            "data": {"name": "estimates"},
            "transform": [
                {"filter": f"isValid(datum.estimate) && datum.estimate >= {low} && datum.estimate <= {high}"},
                _place("y"),
            ],
            "mark": {
                "type": "point",
                "filled": True,
                "size": 70,
                "opacity": 1,
                "color": COLOURS[0],
            },
            "encoding": {
                "x": {"field": "estimate"},
                "shape": {
                    "condition": {"test": "datum.is_registered !== false", "value": "square"},
                    "value": "circle",
                },
            },
        },
    ]


def _forest_text_layers(estimate_title: str) -> list[dict[str, Any]]:
    label = {
        "type": "text",
        "align": "left",
        "baseline": "middle",
        "lineBreak": "\n",
        "lineHeight": LINE_HEIGHT,
        "x": 0,
    }
    number = {"type": "text", "align": "right", "baseline": "middle"}
    return [
        {
            "data": {"name": "headings"},
            "mark": {**label, "fontWeight": 600},
            "encoding": {"x": {"value": 0}, "text": {"field": "lines"}},
        },
        {
            "data": {"name": "estimates"},
            "transform": [_place("y_label")],
            "mark": label,
            "encoding": {"x": {"value": 0}, "text": {"field": "lines"}},
        },
        {
            "data": {"name": "estimates"},
            "transform": [_place("y")],
            "mark": number,
            "encoding": {"x": {"value": "width"}, "text": {"field": "printed"}},
        },
        {
            "data": {"values": [{"words": estimate_title}]},
            "mark": {**number, "baseline": "bottom", "color": INK},
            "encoding": {"x": {"value": "width"}, "y": {"value": -6}, "text": {"field": "words"}},
        },
    ]


def _ratio_axis(estimates: Sequence[ForestRow], limits: tuple[float, float]) -> list[float]:
    """Ticks around all that can be shown; at least from 0.5 to 2."""
    lows = [row["conf_low"] for row in estimates if row["conf_low"] is not None]
    highs = [row["conf_high"] for row in estimates if row["conf_high"] is not None]
    low = max(limits[0], min([*lows, 0.5]))
    high = min(limits[1], max([*highs, 2]))
    first = max(tick for tick in _RATIO_TICKS if tick <= low)
    last = min(tick for tick in _RATIO_TICKS if tick >= high)
    return [tick for tick in _RATIO_TICKS if first <= tick <= last]


def _check_estimates(estimates: Sequence[ForestRow]) -> None:
    if not estimates:
        raise ValueError("a forest figure needs at least one estimate")
    for row in estimates:
        low, estimate, high = row["conf_low"], row["estimate"], row["conf_high"]
        if low is None and estimate is None and high is None:
            continue
        if low is None or estimate is None or high is None:
            raise ValueError(
                f"{row['label']!r}: an estimate comes with both limits, or none of the three does"
            )
        if not 0 < low <= estimate <= high < math.inf:
            raise ValueError(
                f"{row['label']!r}: {estimate} must be positive, finite and inside its interval {low} to {high}"
            )
