"""The table of what clocks and visits asked for, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator

from trialwright.analysis.calendar_kept import CALENDAR, OF_SUBJECTS
from trialwright.derivations.adclock import REPEAT, clock_words
from trialwright.reports.blocks import Column, GroupHeading, Row, Section, Table, Text
from trialwright.reports.printed import Said, Source, capitalised

_COLUMNS = {
    "n_due": "Due",
    "n_in_time": "In time",
    "n_early": "Early",
    "n_late": "Late",
    "n_missed": "Missed",
    "n_overdue": "Overdue",
    "n_unknown": "Not known",
    "n_subjects": "Asked",
    "n_subjects_late": "With one late",
    "n_subjects_missed": "With one missed",
}


def calendar_sections(source: Source) -> tuple[Section, ...]:
    """How often each clock and visit was kept; nothing where there are no records of a trial."""
    if not any(True for _ in source.results.of(CALENDAR)):
        return ()
    return (Section("calendar", Text("Clocks and visits"), (render_calendar(source),)),)


def render_calendar(source: Source) -> Table:
    """What was due by each clock and visit, what became of it, and in how many subjects."""
    of_subjects = Text("Subjects")
    columns = (
        Column(Text("What was due"), "left"),
        *(
            Column(Text(words), under=of_subjects if name in OF_SUBJECTS else Text())
            for name, words in _COLUMNS.items()
        ),
    )
    notes = (
        Text(
            "A row counts results, assessments, visits, repeats, starts, ends or pauses: those that came, however early, and those whose time "
            "was over without. What could not come any more after death or the end of the part in the study is not counted. A repeat is a look "
            "after one that nobody could judge. A start outside its time is late or missed, which does not say that treatment never began."
        ),
        Text(
            "Overdue is what has not come and can still be held; what nobody can tell hangs on a date known in part, or on what a look showed. "
            "Doses stand under treatment."
        ),
    )
    return Table(
        "table-calendar", Text("How clocks and visits were kept"), columns, tuple(_rows(source)), notes
    )


def _rows(source: Source) -> Iterator[Row | GroupHeading]:
    counted = {row.item for row in source.results.of(CALENDAR)}
    for section, heading in (("clocks", "Clocks"), ("visits", "Visits")):
        named = [f"{section}.{name}" for name in getattr(source.protocol, section)]
        own = [path for name in named for path in (name, f"{name}.{REPEAT}") if path in counted]
        if own:
            yield GroupHeading(Text(heading))
        for element in own:
            cells = tuple(source.count(f"{CALENDAR}/{element}/{statistic}") for statistic in _COLUMNS)
            yield Row(contact_label(source, element), cells, indent=1)


def contact_label(said: Said, element: str) -> Text:
    """What a clock asks for, or the label of a visit, by its path: `clocks.viral_load`, `visits.imaging.repeat within`."""
    section, name, *key = element.split(".")
    if section == "clocks":
        return Text(said.said(capitalised(clock_words(said.protocol.clocks[name], said.protocol)), element))
    label = said.said(capitalised(said.protocol.visits[name].label), f"{section}.{name}.label")
    return Text(label, ": ", said.said("repeats", element)) if key else Text(label)
