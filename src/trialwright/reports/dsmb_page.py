"""The page of the data monitoring board: what it decides by first, then figures, then tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from trialwright.analysis.patient_lines import list_courses
from trialwright.analysis.pooled import is_grouped
from trialwright.analysis.safety_board import CLOSED, OPEN, Board
from trialwright.records.table_threads import on_table_threads
from trialwright.reports.adverse_event_tables import render_adverse_events
from trialwright.reports.blocks import Block, Callout, Number, Page, Paragraph, Ref, Section, Term, Text
from trialwright.reports.board_listings import listing_tables
from trialwright.reports.board_tables import (
    Told,
    crossed_on,
    due_notes,
    event_words,
    force_words,
    grade_table,
    nothing_seen,
    render_board_table,
    render_boundaries,
    render_characteristics,
    render_due,
)
from trialwright.reports.boundary_figure import render_boundary
from trialwright.reports.course_figures import render_courses
from trialwright.reports.disclosure import disclosure_sections, look_mark
from trialwright.reports.exposure_tables import exposure_sections
from trialwright.reports.methods import render_methods
from trialwright.reports.reproducibility import render_reproducibility
from trialwright.reports.study_report import RENDERERS, make_page

_MARK = CLOSED.upper()
_TITLES = {
    OPEN: "Open document of the data monitoring board",
    CLOSED: "Closed document of the data monitoring board",
}


@on_table_threads
def build_board_page(board: Board) -> Page:
    """The page, ready for any renderer."""
    told = Told(board.data.protocol, board.results, board)
    sections = (
        Section("decide", Text("What to decide by"), tuple(_first(told))),
        *_comparisons(told),
        Section("figures", Text("Figures"), tuple(_figures(told))),
        Section("tables", Text("Patients behind the numbers"), tuple(listing_tables(told))),
        *_adverse_events(told),
        *exposure_sections(told),
        Section("due", Text("What is due"), (render_due(told), *due_notes(told))),
        Section("how", Text("How this was made"), tuple(_how(told))),
    )
    kind = CLOSED if board.is_closed else OPEN
    marks = (*((_MARK,) if board.is_closed else ()), *look_mark(board.disclosure))
    page = make_page(told, sections, marks=marks)
    cut = board.study.cut
    when = Term(cut.isoformat(), Ref.data("data cut")) if cut else "unknown"
    subtitle = Text(_TITLES[kind], ", data cut ", when, ". ", page.subtitle)
    running = Text(page.running, f", {kind} document of the board")
    return replace(page, subtitle=subtitle, running=running, date=cut)


# --- first --------------------------------------------------------------------------------------------------------------


def _first(told: Told) -> Iterator[Block]:
    yield from _alarms(told)
    yield render_board_table(told)
    yield render_boundaries(told)
    if nothing := tuple(nothing_seen(told)):
        yield Callout("note", Text("What is open where nothing was seen"), nothing)


def _alarms(told: Told) -> Iterator[Block]:
    """A boundary that was reached, and boundaries that nobody has put into force."""
    for id_, watched in told.watched.items():
        here = told.id_of(None, id_)
        if told.has(f"{here}/is_crossed") and told.results[f"{here}/is_crossed"].value:
            when = crossed_on(told, f"{here}/n_at_crossing")
            body = Text(
                event_words(told, watched), ": with ", told.count(f"{here}/n_events_at_crossing"), " events among ",
                told.count(f"{here}/n_at_crossing"), " who counted, on ", when, ". The boundary is ", force_words(told, id_, watched), ".",
            )  # fmt: skip
            yield Callout("warning", Text("A boundary is crossed"), (body,))


# --- figures ------------------------------------------------------------------------------------------------------------


def _figures(told: Told) -> Iterator[Block]:
    for id_ in told.board.boundaries:
        yield render_boundary(told, id_, told.protocol.monitoring[id_])
    yield from _courses(told)


def _courses(told: Told) -> Iterator[Block]:
    """HBV DNA and ALT of those with a watched event, certain or open."""
    listed = told.board.listed
    if listed is None:
        return
    frame = list_courses(listed)
    events = [one.event for one in told.watched.values()]
    with_event = frame.filter(
        (pl.col("KIND") == "event") & pl.col("NAME").is_in(events) & (pl.col("AVALC") == "met")
    )["USUBJID"].unique()
    if not len(with_event):
        yield Paragraph(
            Text("No patient has a watched event of HBV DNA or ALT, so no course of them is drawn.")
        )
        return
    n = Number(str(len(with_event)), Ref.data("listing courses"), len(with_event))
    yield Paragraph(Text("Courses are drawn of patients with a watched event of HBV DNA or ALT: ", n, "."))
    yield from render_courses(frame.filter(pl.col("USUBJID").is_in(with_event.to_list())), told)


# --- tables -------------------------------------------------------------------------------------------------------------


def _adverse_events(told: Told) -> Iterator[Section]:
    table = grade_table(told)
    if table is not None:
        id_, analysis = table
        yield Section(
            "adverse-events",
            Text("Adverse events by grade, population: ", told.population(analysis.population)),
            tuple(render_adverse_events(told, id_, analysis)),
        )


# --- comparisons --------------------------------------------------------------------------------------------------------


def _comparisons(told: Told) -> Iterator[Section]:
    """What is withheld, and the registered comparisons where they may be shown."""
    if not told.board.is_closed:
        return
    yield from disclosure_sections(told.board.study.protocol, told.board.disclosure)
    shown = [
        (id_, one)
        for id_, one in told.protocol.analyses.items()
        if id_ in told.board.disclosure.comparisons and type(one) in RENDERERS
    ]
    for id_, analysis in shown:
        blocks = tuple(RENDERERS[type(analysis)](told, id_, analysis))
        anchor = f"comparison-{id_.replace('_', '-')}"
        title = told.setting(id_, "title", analysis.title)
        whom = told.population(analysis.population)
        yield Section(anchor, Text("Efficacy: ", title, ", population: ", whom), blocks)


# --- how ----------------------------------------------------------------------------------------------------------------


def _how(told: Told) -> Iterator[Block]:
    for id_ in told.board.boundaries:
        yield render_characteristics(told, id_)
    yield render_methods(told)
    problems: dict[str, int] = {}
    for problem in told.board.problems:
        problems[problem.code] = problems.get(problem.code, 0) + 1
    if problems:
        counted = tuple(
            Text(Term(code, Ref.data(code)), ": ", Number(str(number), Ref.data(code), number))
            for code, number in problems.items()
        )
        yield Callout("note", Text("Doubtful records, by kind; the command tells each"), counted)
    if is_grouped(told.board.study.protocol) and not told.board.is_closed:
        yield Paragraph(
            Text(
                "This document is pooled: treatments that not every group gets, and everything by group, are not in its files. Analysis datasets tell "
                "the groups and are not beside it."
            )
        )
    yield render_reproducibility(told)
