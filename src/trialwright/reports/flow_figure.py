"""The flow of participants as a diagram: from the records to the population of the primary endpoint, and its groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trialwright.analysis.run import FLOW
from trialwright.reports.blocks import Figure, Text
from trialwright.reports.canvas import LEFT, RIGHT, Canvas, Place
from trialwright.reports.figures import INK, MUTED, wrap_label
from trialwright.reports.printed import Source

_LINE, _PAD, _GAP = 16.0, 9.0, 26.0
_GROUND, _ASIDE = "#e8eff6", "#f1f3f5"
_WIDE = 22
"""Letters of a line that fit into half of the narrowest chart."""

Counted = tuple[str, str]
"""Words, and the id of the result that counts them."""


@dataclass(frozen=True, slots=True)
class _Box:
    start: Place
    end: Place
    counts: Sequence[Counted]
    colour: str = _GROUND


def render_flow(source: Source, population: str) -> Figure:
    """The diagram of everyone in the records and of one population, by group where there are several."""
    said = source.protocol.populations[population].label
    groups = list(source.protocol.groups) if len(source.protocol.groups) > 1 else []
    others = [name for name, one in source.protocol.populations.items() if one.when and name != population]
    here = f"{FLOW}/{population}"
    half, after = Place(0.5, -10), Place(0.5, 10)
    aside = [
        (f"Not in it: {said}", f"{here}/n_not_in_population"),
        ("Not known", f"{here}/n_population_unknown"),
    ]
    canvas = Canvas()
    y = _draw(canvas, source, 8.0, [_Box(LEFT.right(2), half, [("In the records", f"{FLOW}/n_records")])])
    y = _draw(canvas, source, y + _GAP, [_Box(after, RIGHT.right(-2), aside, _ASIDE)])
    y = _draw(canvas, source, y + _GAP, [_Box(LEFT.right(2), half, [(said, f"{here}/n_in_population")])])
    ends = ((LEFT.right(2), half), (after, RIGHT.right(-2)))
    for first in range(0, len(groups), 2):
        boxes = [
            _Box(*ends[i], _of_group(source, group, [population, *others]))
            for i, group in enumerate(groups[first : first + 2])
        ]
        y = _draw(canvas, source, y + _GAP, boxes)
    if not groups and others:
        y = _draw(canvas, source, y + _GAP, [_Box(LEFT.right(2), half, _of_group(source, None, others))])
    return Figure(
        "figure-flow",
        Text("Flow of participants"),
        canvas.spec(y + 10),
        Text("Boxes from everyone in the records to the population of the primary endpoint and its groups; the table below has the same numbers."),
        Text("A population counts who surely belongs to it. Populations overlap."),
    )  # fmt: skip


def _of_group(source: Source, group: str | None, populations: Sequence[str]) -> list[Counted]:
    counts = [
        (
            source.protocol.populations[name].label,
            "/".join(filter(None, (FLOW, group, name, "n_in_population"))),
        )
        for name in populations
    ]
    return [(source.protocol.groups[group].label, ""), *counts] if group else counts


def _draw(canvas: Canvas, source: Source, top: float, boxes: Sequence[_Box]) -> float:
    """Boxes side by side, each with its lines; gives the pixels below the tallest."""
    told = [[_told(source, *counted) for counted in box.counts] for box in boxes]
    height = max(sum(len(lines) for lines, _ in lines_of) for lines_of in told) * _LINE + 2 * _PAD
    for box, lines_of in zip(boxes, told, strict=True):
        canvas.bar(box.start, box.end, top + height / 2, colour=box.colour, height=height)
        if top > 8.0:
            x = box.start.right(24)
            canvas.rule(x, top - _GAP, x, top, colour=MUTED)
        y = top + _PAD + _LINE / 2
        for lines, ref in lines_of:
            for words in lines:
                about = {"ref": f"result:{ref}"} if ref else {}
                canvas.text(box.start.right(10), y, words, colour=INK, weight=400 if ref else 600, **about)
                y += _LINE
    return top + height


def _told(source: Source, words: str, id_: str) -> tuple[list[str], str]:
    value = source.results[id_].value if id_ in source.results else None
    whole = words if value is None else f"{words}: {value:,.0f}"
    return wrap_label(whole, _WIDE * 6.2), id_
