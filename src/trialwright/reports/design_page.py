"""The page of a design: what it rests on, what the stated number implies, what virtual trials show, where the trial stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from trialwright.analysis.from_records import AnalysedTrial
from trialwright.analysis.results import Results
from trialwright.design.assumptions import read_basis
from trialwright.design.audit import ASSUMPTIONS, DesignAudit, audit_in_brief
from trialwright.reports.blocks import (
    Block,
    Callout,
    Code,
    Column,
    Page,
    Paragraph,
    Ref,
    Row,
    Section,
    Strong,
    Table,
    Term,
    Text,
)
from trialwright.reports.design_comparison import comparison_sections, short_comparison
from trialwright.reports.design_further import operating_section, so_far_sections
from trialwright.reports.design_single import short_single_group, single_group_sections
from trialwright.reports.design_told import Told
from trialwright.reports.disclosure import look_mark
from trialwright.reports.reproducibility import render_reproducibility
from trialwright.reports.study_report import make_page
from trialwright.vocabulary.documents import Path, dotted
from trialwright.vocabulary.problems import Problem, ProblemsFound

_IMPLIES = Text(
    "Everything here is what the stated number implies under assumptions that are named. Where the record gives no reason for its number, nothing here says "
    "which reason the investigators had: several sets of assumptions reach one number."
)


def build_design_page(audit: DesignAudit) -> Page:
    """The page, ready for any renderer."""
    told = Told(audit.basis.loaded.protocol, audit.results, audit.basis)
    sections = (
        Section("design-read-first", Text("Read this first"), tuple(_read_first(audit))),
        Section("design-rests-on", Text("What the design rests on"), (render_assumptions(told),)),
        *so_far_sections(told, audit.so_far),
        *(comparison_sections(told) if audit.basis.is_comparison else single_group_sections(told)),
        *operating_section(told),
        Section("design-how", Text("How this was made"), (render_reproducibility(told),)),
    )
    marks = look_mark(audit.so_far.disclosure) if audit.so_far else ()
    page = make_page(told, sections, marks=marks)
    return replace(
        page,
        subtitle=Text("Sample size and what it can show. ", page.subtitle),
        running=Text(page.running, ", design"),
    )


def with_design(trial: AnalysedTrial) -> AnalysedTrial:
    """The trial with rows about its design among its results, where the protocol has one that can be worked out."""
    try:
        audit = audit_in_brief(trial.study.loaded)
    except ProblemsFound:
        return trial
    own = trial.results
    rows = (*own.rows, *audit.results.rows)
    return replace(trial, results=Results(rows, own.findings, own.provenance, own.is_simulated))


def design_sections(trial: AnalysedTrial) -> tuple[Section, ...]:
    """What a report of the trial says of its design, or why nothing can be said; nothing where the protocol has none."""
    if trial.study.protocol.design is None:
        return ()
    try:
        basis = read_basis(trial.study.loaded)
    except ProblemsFound as found:
        return (_not_worked_out(found),)
    if not any(trial.results.of(ASSUMPTIONS)):
        return ()
    told = Told(trial.study.protocol, trial.results, basis)
    blocks = short_comparison(told) if basis.is_comparison else short_single_group(told)
    return (Section("design", Text("Design"), (Paragraph(_IMPLIES), render_assumptions(told), *blocks)),)


def _not_worked_out(found: ProblemsFound) -> Section:
    title = Text("What the planned number can show was not worked out")
    body = tuple(Text(Term(one.message, Ref.protocol(one.field or "design")), ".") for one in found.problems)
    return Section("design", Text("Design"), (Callout("note", title, body),))


def _read_first(audit: DesignAudit) -> Iterator[Block]:
    yield Callout("note", Text("What this page is"), (_IMPLIES,))
    for code, title in _WARNINGS.items():
        told = tuple(Text(_sentence(one)) for one in audit.problems if one.code == code)
        if told:
            yield Callout("warning", Text(title), told)


_WARNINGS = {
    "design-short-of-power": "The stated number does not reach the power that is asked for",
    "boundary-alarms-late": "False alarms where events come late",
}


def _sentence(one: Problem) -> Term:
    words = f"{one.message}; {one.fix}."
    return Term(f"{words[:1].upper()}{words[1:]}", Ref.protocol(one.field))


def render_assumptions(told: Told) -> Table:
    """Each number that the design rests on: what it is, who says so, and where it stands in the protocol."""
    columns = (
        Column(Text("Assumption"), "left"),
        Column(Text("Value")),
        Column(Text("Status"), "left"),
        Column(Text("Source or reason"), "left"),
        Column(Text("Line of ", _file(told)), "left"),
    )
    study = told.protocol.study
    enrolment = Row(
        Text("Participants"),
        (Text(told.n), _status(study.status or "assumed"), Text(told.said(study.registered.nct, "study.registered.nct")) if study.registered and study.registered.nct else Text("–"),
         _where(told, ("study", "enrolment"))),
    )  # fmt: skip
    rows = [enrolment]
    for key, one in told.basis.numbers.items():
        words = f"{key[:1].upper()}{key[1:]}"
        label = (
            Text(words, ": ", told.said(one.text, dotted((*one.path[:-1], "text"))))
            if one.text
            else Text(words)
        )
        source = Text(told.said(one.source, dotted(one.path[:-1]))) if one.source else Text("–")
        rows.append(Row(label, (Text(told.chosen(key)), _status(one.status), source, _where(told, one.path))))
    note = Text("Registered: the record says so. Assumed: our choice, for the team to replace.")
    return Table("table-design-assumptions", Text("Assumptions of the design"), columns, tuple(rows), (note,))


def _status(status: str) -> Text:
    return Text(Strong(status)) if status == "assumed" else Text(status)


def _where(told: Told, path: Path) -> Text:
    place = told.basis.loaded.document.place_of(path)
    return Text(Code(str(place.line), Ref.protocol(dotted(path))))


def _file(told: Told) -> Code:
    """The name of the protocol's file, without its folders."""
    name = told.basis.loaded.document.file.replace("\\", "/").rpartition("/")[2]
    return Code(name, Ref.protocol("study"))
