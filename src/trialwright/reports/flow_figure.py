"""The flow of participants as a diagram: from the records to the population of the primary endpoint, and its groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trialwright.analysis.run import FLOW
from trialwright.reports.blocks import Figure, Text
from trialwright.reports.canvas import LEFT, RIGHT, SMALL, Canvas, Place
from trialwright.reports.figures import INK, NARROWEST, wrap_label
from trialwright.reports.participation_table import (
    analysed_ids,
    end_id,
    end_words,
    ends_told,
    failed_id,
    has_failed,
    members_id,
)
from trialwright.reports.printed import Source

_LINE, _BETWEEN, _PAD, _GAP = 16.0, 6.0, 8.0, 22.0
_WIDE = (NARROWEST / 2 - 27) * 12 / SMALL
"""How wide words may be, by the letters that `wrap_label` counts with, that fit into a box half as wide as the narrowest chart."""
_WIDEST = (NARROWEST - 19) * 12 / SMALL
"""As much of a box as wide as the narrowest chart."""
_STEM = 26.0
"""How far from the left edge of a box its line comes in."""

Counted = tuple[str, str]
"""Words, and the id of the result that counts them."""


@dataclass(frozen=True, slots=True)
class _Box:
    start: Place
    end: Place
    counts: Sequence[Counted]
    width: float = _WIDE

    @property
    def stem(self) -> Place:
        return self.start.right(_STEM)


def render_flow(source: Source, population: str) -> Figure:
    """The diagram of everyone in the records and of one population, by group where there are several."""
    said = source.protocol.populations[population].label
    groups = list(source.protocol.groups) if len(source.protocol.groups) > 1 else []
    others = [name for name, one in source.protocol.populations.items() if one.when and name != population]
    here = f"{FLOW}/{population}"
    left, right = (LEFT.right(2), Place(0.5, -10)), (Place(0.5, 10), RIGHT.right(-2))
    outside = [
        ("Not in the population below", f"{here}/n_not_in_population"),
        *([("Of them failed screening", failed_id(population))] if has_failed(source, population) else []),
        ("Not known", f"{here}/n_population_unknown"),
    ]
    canvas = Canvas()
    everyone = _Box(*left, [("In the records", f"{FLOW}/n_records")])
    inside = _Box(*left, [(said, f"{here}/n_in_population")])
    aside = _Box(*right, outside)
    y = _draw(canvas, source, 8.0, everyone)
    below = _draw(canvas, source, y + 8, aside)
    canvas.rule(everyone.stem, y, everyone.stem, below + 8)
    canvas.rule(everyone.stem, (y + 8 + below) / 2, aside.start, (y + 8 + below) / 2)
    y = _draw(canvas, source, below + 8, inside)
    if groups:
        for first in range(0, len(groups), 2):
            boxes = [
                _Box(*place, _counts(source, group, population, others))
                for place, group in zip((left, right), groups[first:], strict=False)
            ]
            y = _branch(canvas, source, y, inside.stem, boxes)
    else:
        whole = _Box(left[0], right[1], _counts(source, None, population, others), _WIDEST)
        y = _branch(canvas, source, y, inside.stem, [whole])
    return Figure(
        "figure-flow",
        Text("Flow of participants"),
        canvas.spec(y + 10),
        Text(
            "Boxes from everyone in the records to the population of the primary endpoint and its groups, how their part in the "
            "study ended, and who is analysed; the tables below have the same numbers."
        ),
        Text(
            "A population counts who surely belongs to it. Populations overlap; the ends of the part in the study do not, and add up."
        ),
    )  # fmt: skip


def _counts(source: Source, group: str | None, population: str, others: Sequence[str]) -> list[Counted]:
    """How many there are, how their part in the study ended, of how many the primary endpoint is analysed, other populations."""
    told = [(end_words(end), end_id(population, end, group)) for end in ends_told(source, population)]
    told += [
        (f"Analysed for {source.protocol.endpoints[name].label}", id_)
        for name, id_ in analysed_ids(source, population, group)
    ]
    label = {name: source.protocol.populations[name].label for name in (population, *others)}
    told += [(label[name], members_id(name, group)) for name in others]
    if group is None:
        return told
    return [
        (source.protocol.groups[group].label, ""),
        (label[population], members_id(population, group)),
        *told,
    ]


def _branch(canvas: Canvas, source: Source, top: float, stem: Place, boxes: Sequence[_Box]) -> float:
    """Boxes side by side below a stem; gives the pixels below the tallest."""
    canvas.rule(stem, top, stem, top + _GAP)
    for box in boxes[1:]:
        canvas.rule(stem, top + _GAP / 2, box.stem, top + _GAP / 2)
        canvas.rule(box.stem, top + _GAP / 2, box.stem, top + _GAP)
    return max(_draw(canvas, source, top + _GAP, box) for box in boxes)


def _draw(canvas: Canvas, source: Source, top: float, box: _Box) -> float:
    """A box with its lines, a little apart where another count begins; gives the pixels below it."""
    told = [_lines(source, *counted, box.width) for counted in box.counts]
    bottom = top + sum(map(len, told)) * _LINE + (len(told) - 1) * _BETWEEN + 2 * _PAD
    for y in (top, bottom):
        canvas.rule(box.start, y, box.end, y)
    for x in (box.start, box.end):
        canvas.rule(x, top, x, bottom)
    y = top + _PAD + _LINE / 2
    for lines in told:
        for words, ref in lines:
            about: dict[str, Any] = {"weight": 400, "ref": f"result:{ref}"} if ref else {"weight": 600}
            canvas.text(box.start.right(9), y, words, colour=INK, **about)
            y += _LINE
        y += _BETWEEN
    return bottom


def _lines(source: Source, words: str, id_: str, width: float) -> list[Counted]:
    value = source.results[id_].value if id_ in source.results else None
    whole = words if value is None else f"{words}: {value:,.0f}"
    return [(line, id_) for line in wrap_label(whole, width)]
