"""Events over patients, against the boundary at which a study pauses."""

from __future__ import annotations

from typing import Any

from trialwright.analysis.results import Result
from trialwright.analysis.safety_board import BOARD
from trialwright.protocol.model import Monitoring
from trialwright.reports.blocks import Figure, Ref, Term, Text
from trialwright.reports.canvas import Across, Canvas, Down, Place, Symbol
from trialwright.reports.figures import COLOURS
from trialwright.reports.patient_parts import tip_of
from trialwright.reports.printed import Source

_BLUE, _ORANGE = COLOURS[:2]
_BOUNDARY = Symbol("line", _ORANGE)
_PATH = Symbol("line", _BLUE)
_NOW = Symbol("circle", _BLUE, size=70)
_HEIGHT = 240


def render_boundary(source: Source, id_: str, watched: Monitoring) -> Figure:
    """The boundary of a watched event and the way of the trial towards it, from rows of the board.

    Parameters
    ----------
    source : Source
    id_ : str
        The element of `monitoring`, whose boundary is computed.
    watched : Monitoring
    """
    steps = [row for row in source.results.of(BOARD) if (row.item or "").startswith(f"{id_} look ")]
    path = _points(source, id_)
    event = source.protocol.events[watched.event or ""]
    label = source.said(event.label or watched.event, f"events.{watched.event}.label")
    n, n_events = (source.count(f"{BOARD}/{id_}/{name}") for name in ("n_counted", "n_events_counted"))
    force = "in force" if watched.in_force_since else "assumed, not in force"
    said = Term(force, Ref.protocol(f"monitoring.{id_}.in force since"))
    caption = Text(
        "On or above the orange line the boundary is crossed (", said, "). The blue line is the trial, a point for each day on which a "
        "patient came to count; the circle is the data cut.",
    )  # fmt: skip
    alt = Text(
        "Events against patients who count, with the boundary as steps. At the cut ",
        n_events,
        " events among ",
        n,
        ".",
    )
    title = Text("Events and boundary: ", label)
    return Figure(f"figure-boundary-{id_.replace('_', '-')}", title, _draw(steps, path), alt, caption)


def _points(source: Source, id_: str) -> list[tuple[str, float, float, str]]:
    """Day, patients, events and row id of each point of the way."""
    points = []
    for row in source.results.of(BOARD):
        if (row.item or "").startswith(f"{id_} on ") and row.statistic == "n_counted":
            events = source.results[row.id.replace("/n_counted", "/n_events_counted")]
            points.append(
                (str(row.item).rpartition(" ")[2], row.value or 0.0, events.value or 0.0, events.id)
            )
    return points


def _draw(steps: list[Result], path: list[tuple[str, float, float, str]]) -> dict[str, Any]:
    canvas = Canvas()
    entries = [(_BOUNDARY, "boundary"), (_PATH, "the trial"), (_NOW, "at the data cut")]
    top = canvas.legend(entries) + 26
    last_n = max(float(steps[-1].n or 1), *(point[1] for point in path), 1.0)
    high = max(*(step.value or 0.0 for step in steps), *(point[2] for point in path), 1.0) + 1
    across = Across(Place(0, 28), Place(1, -16), 0, last_n)
    down = Down(top, top + _HEIGHT, 0, high)
    _draw_axes(canvas, across, down)
    _draw_steps(canvas, across, down, steps)
    places = [(across.place(0), down.place(0))]
    for _, n, events, _ in path:
        places += [(across.place(n), places[-1][1]), (across.place(n), down.place(events))]
    canvas.line("trial", places, colour=_BLUE, width=2)
    for day, n, events, row in path:
        symbol = _NOW if row == path[-1][3] else Symbol("circle", _BLUE, size=16)
        tip = tip_of(f"{events:g} of {n:g}", day)
        canvas.point(across.place(n), down.place(events), symbol, id=row, tip=tip)
    if not path:
        canvas.point(across.place(0), down.place(0), _NOW, tip="nobody counts yet")
    return canvas.spec(down.bottom + 40)


def _draw_axes(canvas: Canvas, across: Across, down: Down) -> None:
    canvas.text(Place(0, 0), down.top - 16, "Patients with the event", size=12)
    canvas.text(across.start, down.bottom + 30, "Patients who count", size=12)
    for value in _ticks(down.high):
        canvas.grid(across.start, down.place(value), across.end, down.place(value))
        canvas.text(across.start.right(-6), down.place(value), str(value), align="right")
    for value in _ticks(across.high):
        canvas.grid(across.place(value), down.top, across.place(value), down.bottom)
        canvas.text(across.place(value), down.bottom + 11, str(value), align="center")


def _ticks(high: float) -> range:
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500) if high / step <= 10)
    return range(0, int(high) + 1, step)


def _draw_steps(canvas: Canvas, across: Across, down: Down, steps: list[Result]) -> None:
    """A step from each look at which the boundary rises to the look before the next."""
    places: list[tuple[Place, float]] = []
    for step in steps:
        x, y = across.place(float(step.n or 0)), down.place(step.value or 0.0)
        places += [(x, places[-1][1] if places else y), (x, y)]
        canvas.point(
            x, y, Symbol("circle", _ORANGE, size=10), id=step.id, tip=f"{step.value:g} among {step.n}"
        )
    canvas.line("boundary", places, colour=_ORANGE, width=2)
