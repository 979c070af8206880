"""The schedule of activities: what is done at which visit, and what must happen in time besides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trialwright.protocol.model import Clock, Visit
from trialwright.reports.blocks import EMPTY, Column, Mark, Row, Section, Table, Text
from trialwright.reports.elements import Telling, shown, stated, tell_element, tell_status
from trialwright.reports.schedule_figure import schedule_figure

_ABOUT = ("measure", "assess", "start_of", "keep")
"""The keys by which a clock says what it is about."""

_TERMS = ("at least every", "every", "within", "at least", "during")
"""The keys by which a clock says what it asks for; the first it has is told in the table."""


def render_schedule(said: Telling) -> Iterator[Section]:
    """A section with the schedule, if the protocol has visits or clocks."""
    protocol = said.protocol
    if not (protocol.visits or protocol.clocks):
        return
    labels = {f"visits.{name}": visit.label for name, visit in protocol.visits.items()}
    labels |= {
        f"clocks.{name}": f"{_activity(said, _about(clock)).plain}: {_term(clock)}"
        for name, clock in protocol.clocks.items()
    }
    figure = schedule_figure(protocol, labels)
    yield Section("schedule", Text("Schedule of activities"), (_table(said), *([figure] if figure else [])))


def _table(said: Telling) -> Table:
    """Activities down, visits across, what the clocks ask for in the last column; a note says all of each."""
    visits, clocks = said.protocol.visits, said.protocol.clocks
    columns = [Column(Text("Activity"), "left")]
    columns += [
        Column(Text(said.said(visit.label, f"visits.{id_}.label")), "center") for id_, visit in visits.items()
    ]
    columns += [Column(Text("Whenever due"), "left")] if clocks else []
    visit_marks = {id_: Mark(_letter(i)) for i, id_ in enumerate(visits)}
    clock_marks = {id_: Mark(_letter(i)) for i, id_ in enumerate(clocks, start=len(visits))}
    rows = []
    if visits:
        due = [
            Text(said.said(_when(visit), f"visits.{id_}"), visit_marks[id_]) for id_, visit in visits.items()
        ]
        rows.append(Row(Text("when"), (*due, *([EMPTY] if clocks else []))))
    for activity in _activities([*visits.values()], [*clocks.values()]):
        cells = [Text("×") if activity in visit.measures else EMPTY for visit in visits.values()]
        if clocks:
            cells.append(
                _listed(
                    [
                        Text(said.said(_term(clock), f"clocks.{id_}"), clock_marks[id_])
                        for id_, clock in clocks.items()
                        if _about(clock) == activity
                    ]
                )
            )
        rows.append(Row(_activity(said, activity), tuple(cells)))
    notes = [_note(said, visit_marks[id_], ("visits", id_), visit) for id_, visit in visits.items()]
    notes += [_note(said, clock_marks[id_], ("clocks", id_), clock) for id_, clock in clocks.items()]
    return Table("table-schedule", Text("What is done when"), tuple(columns), tuple(rows), tuple(notes))


def _activities(visits: Sequence[Visit], clocks: Sequence[Clock]) -> list[str]:
    """Everything that is measured or given, in the order of the file, once."""
    names = [name for visit in visits for name in visit.measures] + [_about(clock) for clock in clocks]
    return [name for name in dict.fromkeys(names) if name]


def _when(visit: Visit) -> str:
    """When a visit is due, in few words: `every 12 weeks ± 7 days`."""
    due = f"every {visit.every}" if visit.every else f"at {visit.at}" if visit.at else visit.within
    tolerance = f" ± {visit.tolerance}" if visit.tolerance else ""
    return f"{_spaced(due)}{tolerance}" if due else "not stated"


def _about(clock: Clock) -> str:
    return next((str(getattr(clock, key)) for key in _ABOUT if getattr(clock, key)), "")


def _term(clock: Clock) -> str:
    """What a clock asks for: `at least every 1 month`, `every 8 to 12 weeks`."""
    terms = dict(stated(clock))
    return next((f"{key} {_spaced(shown(terms[key]))}" for key in _TERMS if key in terms), "see the note")


def _spaced(words: str) -> str:
    """Names as words; the note below the table has them as the file does."""
    return words.replace("_", " ")


def _activity(said: Telling, name: str) -> Text:
    """What is measured or given, by its label where it has one."""
    for section in ("facts", "treatments"):
        element = getattr(said.protocol, section).get(name)
        if element is not None and element.label:
            return Text(said.said(element.label, f"{section}.{name}.label"))
    return Text(said.said(_spaced(name), f"clocks.{name}"))


def _note(said: Telling, mark: Mark, path: tuple[str, str], element: Visit | Clock) -> Text:
    """Everything a visit or a clock says, and where it comes from."""
    told = tell_element(said, path, element, without={"measures"})
    status = tell_status(said, path, element)
    end = "" if told.plain.endswith(".") else "."
    return Text(mark, " ", told, end) if status.plain == "–" else Text(mark, " ", told, f"{end} ", status)


def _listed(texts: Sequence[Text]) -> Text:
    pieces: list[str | Text] = []
    for text in texts:
        pieces += [", ", text] if pieces else [text]
    return Text(*pieces)


def _letter(index: int) -> str:
    """a, b, ... z, aa, ab, ..."""
    return (_letter(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)
