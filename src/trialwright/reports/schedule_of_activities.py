"""The schedule of activities: what is done at which visit, and what must happen in time besides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from trialwright.protocol.model import Clock, Visit
from trialwright.reports.blocks import Column, Mark, Row, Section, Table, Text
from trialwright.reports.elements import shown, stated, tell_element, tell_status
from trialwright.reports.printed import Said
from trialwright.reports.schedule_figure import schedule_figure

_ABOUT = ("measure", "assess", "start_of", "keep")
"""The keys by which a clock says what it is about."""


def render_schedule(said: Said) -> Iterator[Section]:
    """A section with the schedule, if the protocol has visits or clocks."""
    protocol = said.protocol
    if not (protocol.visits or protocol.clocks):
        return
    labels = {f"visits.{name}": visit.label for name, visit in protocol.visits.items()}
    labels |= {
        f"clocks.{name}": f"{_activity(said, _about(clock)).plain}: {' '.join(_term(clock))}"
        for name, clock in protocol.clocks.items()
    }
    figure = schedule_figure(protocol, labels)
    yield Section("schedule", Text("Schedule of activities"), (_table(said), *([figure] if figure else [])))


def _table(said: Said) -> Table:
    """Activities down, visits across, and what the clocks ask for in the last column, their details below."""
    protocol = said.protocol
    clocks = [(name, clock, _about(clock)) for name, clock in protocol.clocks.items()]
    activities = dict.fromkeys(
        [*(measure for visit in protocol.visits.values() for measure in visit.measures)]
        + [about for _, _, about in clocks]
    )
    marks = {name: Mark(_letter(i)) for i, (name, _, _) in enumerate(clocks)}
    rows = [
        Row(
            _activity(said, activity),
            (
                *(Text("×" if activity in visit.measures else "") for visit in protocol.visits.values()),
                *((_asked(said, activity, clocks, marks),) if clocks else ()),
            ),
        )
        for activity in activities
    ]
    columns = [
        Column(Text("Activity"), "left"),
        *(
            Column(
                tell_element(said, ("visits", name), visit, without={"label", "measures"}),
                "center",
                _visit(said, name, visit),
            )
            for name, visit in protocol.visits.items()
        ),
        *([Column(Text("Whenever due"), "left")] if clocks else []),
    ]
    notes = tuple(
        Text(
            marks[name],
            " ",
            tell_element(said, ("clocks", name), clock),
            ". ",
            tell_status(said, ("clocks", name), clock),
        )
        for name, clock, _ in clocks
    )
    return Table("table-schedule", Text("What is done when"), tuple(columns), tuple(rows), notes)


def _about(clock: Clock) -> str:
    return next((str(getattr(clock, key)) for key in _ABOUT if getattr(clock, key)), "")


def _activity(said: Said, name: str) -> Text:
    """What is measured or given, by its label where it has one."""
    for section in ("facts", "treatments"):
        element = getattr(said.protocol, section).get(name)
        if element is not None and element.label:
            return Text(said.said(element.label, f"{section}.{name}.label"))
    return Text(said.said(name.replace("_", " "), f"clocks.{name}"))


def _visit(said: Said, name: str, visit: Visit) -> Text:
    return Text(said.said(visit.label, f"visits.{name}.label"))


def _asked(
    said: Said, activity: str, clocks: Sequence[tuple[str, Clock, str]], marks: Mapping[str, Mark]
) -> Text:
    """The terms of every clock about an activity, each with the letter of its note."""
    pieces: list[Text] = []
    for name, clock, about in clocks:
        if about == activity:
            key, term = next(((k, v) for k, v in stated(clock) if k in _TERMS), ("", ""))
            told = (
                Text(f"{key} ", said.said(shown(term), f"clocks.{name}.{key}")) if key else Text("see note")
            )
            pieces.append(Text(*(["; "] if pieces else []), told, marks[name]))
    return Text(*pieces)


def _term(clock: Clock) -> tuple[str, str]:
    """What a clock asks for, by its key: `at least every`, `1 month`."""
    terms = dict(stated(clock))
    return next(((key, shown(terms[key])) for key in _TERMS if key in terms), ("", ""))


_TERMS = ("at least every", "every", "within", "at least", "during")


def _letter(index: int) -> str:
    """a, b, ... z, aa, ab, ..."""
    return (_letter(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)
