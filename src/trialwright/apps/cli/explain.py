"""The command `trialwright explain`."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trialwright.apps.cli.common import problems_told, tell

if TYPE_CHECKING:  # the rooms below load slowly, and `--help` must not wait for them
    from trialwright.analysis.explaining.elements import ToldElement
    from trialwright.analysis.explaining.records import DerivedRow, SourceRecord
    from trialwright.analysis.explaining.tree import (
        Explanation,
        ListedAnalysis,
        ToldPopulation,
        ToldRows,
        ToldSubject,
    )
    from trialwright.analysis.results import Result

_SHOWN_ROWS = 10
_SHOWN_RESULTS = 40
_INDENT = 12
"""So far at most what belongs to a name stands from it."""


class ExplainFormat(StrEnum):
    """How an explanation is printed."""

    TEXT = "text"
    JSON = "json"


def explain(
    report: Annotated[
        Path,
        typer.Option(
            "--report",
            metavar="DIR",
            help="Folder that `trialwright report` wrote, or of one document of `trialwright dsmb`.",
            show_default=False,
        ),
    ],
    result: Annotated[
        str | None,
        typer.Argument(
            metavar="RESULT",
            help="The id of a result, or the beginning of one; without it the analyses are listed.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Folder with the SDTM datasets, to show records.",
            show_default=False,
        ),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(
            "--subject", metavar="USUBJID", help="A subject to follow to the records.", show_default=False
        ),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            metavar="PROTOCOL",
            help="The protocol of the report; default: the shipped one of its study.",
            show_default=False,
        ),
    ] = None,
    all_rows: Annotated[
        bool, typer.Option("--all", help=f"Print all rows, not the first {_SHOWN_ROWS} alone, and asides.")
    ] = False,
    form: Annotated[ExplainFormat, typer.Option("--format", help="Of what is printed.")] = ExplainFormat.TEXT,
) -> None:
    """Tell where a number of a report comes from: the line of the protocol, the subjects, the records.

    trialwright explain reactivation_rate/n_events --report report

    With --subject and --data it goes down to the records of one subject, as they were reported. Only the beginning of an
    id lists the results below it. What keeps the answer from being the whole truth is told on standard error.

    Exit codes: 0 done; 1 problems; 2 the command was not understood.
    """
    with problems_told():
        from trialwright.analysis.explain import Explainer, list_analyses, results_below
        from trialwright.analysis.report_folder import find_protocol, read_report
        from trialwright.records.files import read_records

        tell("reading the report")
        folder = read_report(report)
        below = results_below(folder.results, result) if result and result not in folder.results else []
        is_json = form is ExplainFormat.JSON
        if below:
            typer.echo(_results_as_json(below) if is_json else _printed(_listing(below, all_rows=all_rows)))
            return
        loaded = find_protocol(folder, protocol)
        explainer = Explainer.of(folder, loaded, read_records(data) if data else None)
        if result is None:
            listed = list_analyses(explainer)
            as_json = json.dumps([asdict(one) for one in listed], ensure_ascii=False, indent=1)
            typer.echo(as_json if is_json else _printed(_analyses(listed)))
            return
        found = explainer.explain(result, subject=subject)
    for warning in found.warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(found.to_json().rstrip() if is_json else _printed(_blocks(found, all_rows=all_rows)))


def _results_as_json(rows: Sequence[Result]) -> str:
    return json.dumps([{"id": row.id, **asdict(row)} for row in rows], ensure_ascii=False, indent=1)


# --- what is printed ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Heading:
    words: str


@dataclass(frozen=True, slots=True)
class _Items:
    """Names with what they mean; a name that is empty goes on with the one before."""

    items: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Table:
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    more: str = ""


_Block = _Heading | _Items | _Table


def _analyses(listed: Sequence[ListedAnalysis]) -> Iterator[_Block]:
    columns = ("analysis", "title", "method", "role", "results", "protocol")
    rows = [(one.id, one.title, one.method, one.role, str(one.n_results), one.place) for one in listed]
    yield _Table(columns, rows, "`trialwright explain ANALYSIS --report DIR` lists the results of one.")


def _listing(rows: Sequence[Result], *, all_rows: bool) -> Iterator[_Block]:
    shown = rows if all_rows else rows[:_SHOWN_RESULTS]
    table = [(row.id, _number(row.value) if row.value is not None else row.note, row.unit) for row in shown]
    yield _Table(("result", "value", "unit"), table, _more(len(rows) - len(shown)))


def _blocks(found: Explanation, *, all_rows: bool) -> Iterator[_Block]:
    yield _Heading(found.result.id)
    yield _Items(list(_about_result(found)))
    yield _Heading("In the protocol")
    for place, element in enumerate(found.elements):
        yield _Items(list(_about_element(element, is_whole=all_rows or place < _TOLD_WHOLE)))
    if found.population:
        yield _Heading("Population")
        yield _Items(list(_about_population(found.population)))
    if found.rows:
        yield _Heading("Rows that make it")
        yield from _about_rows(found.rows, all_rows=all_rows)
    if found.subject:
        yield from _about_subject(found.subject)


def _about_result(found: Explanation) -> Iterator[tuple[str, str]]:
    row = found.result
    yield (
        "value",
        f"{_number(row.value)} {row.unit}".rstrip() if row.value is not None else f"none: {row.note}",
    )
    yield "what", found.words
    for name, value in (("group", row.group), ("item", row.item)):
        if value is not None:
            yield name, value
    if row.time is not None:
        yield "time", _number(row.time)
    if row.n is not None:
        yield "n", str(row.n)
    yield "method", row.method
    for name, value in found.conventions.items():
        yield "convention", f"{name}: {_plain(value)}"
    yield "source", row.source
    told = found.protocol
    same = "the one the report was made by" if told.is_same else "NOT the one the report was made by"
    yield "protocol", f"{told.file}, {same} (sha256 {told.sha256[:12]})"


_TOLD_WHOLE = 3
"""Analysis, endpoint and population are told whole; of what they rest on, asides need --all."""
_ASIDES = ("registered as", "reading", "alternatives", "assumed", "not stated")


def _about_element(element: ToldElement, *, is_whole: bool) -> Iterator[tuple[str, str]]:
    yield element.path, element.title or "–"
    yield "", element.place
    for key in ("role", "status", "source", "reason"):
        if value := getattr(element, key):
            yield "", f"{key}: {value}"
    for saying in element.says:
        if saying.key in _ASIDES and not is_whole:
            continue
        line = f" (line {saying.line})" if saying.line else ""
        yield "", f"{saying.key}: {saying.words}{line}"


def _about_population(population: ToldPopulation) -> Iterator[tuple[str, str]]:
    yield population.name, population.label
    yield "in", f"{population.n_in} subjects"
    yield "out", f"{population.n_out} subjects surely do not belong to it"
    yield "unknown", f"{population.n_unknown} subjects may belong to it, and are not counted"
    for reason, n in population.reasons:
        yield "", f"{n}: {reason}"
    if population.group is not None:
        of = f", {population.n_group} subjects of the population" if population.n_group is not None else ""
        yield "group", f"{population.group}{of}"
    for reason, n in population.left_out:
        yield "left out", f"{n}: {reason}"


def _about_rows(rows: ToldRows, *, all_rows: bool) -> Iterator[_Block]:
    shown = rows.rows if all_rows else rows.rows[:_SHOWN_ROWS]
    adds_up = {True: "yes", False: "NO: do not rely on this number", None: "the number is no count of rows"}
    yield _Items(
        [
            (rows.dataset, rows.meaning),
            ("rows", f"{rows.n_rows}, of {rows.n_subjects} subjects"),
            ("adds up", adds_up[rows.adds_up]),
        ]
    )
    told = [i for i, _ in enumerate(rows.columns) if any(row[i] is not None for row in shown)]
    table = [["" if row[i] is None else _plain(row[i]) for i in told] for row in shown]
    yield _Table([rows.columns[i] for i in told], table, _more(rows.n_rows - len(shown)))


def _about_subject(subject: ToldSubject) -> Iterator[_Block]:
    yield _Heading(f"Subject {subject.subject}")
    counted = (
        "among the rows that make the number"
        if subject.is_counted
        else "not among the rows that make the number"
    )
    items = [("population", subject.population), ("counted", counted)]
    yield _Items([*items, *([("group", subject.group)] if subject.group else [])])
    for title, rows in (
        ("Derived rows", subject.rows),
        ("Events behind them", subject.evidence),
        ("Lesions behind them", subject.measured),
        ("Results among which it was looked for", subject.looks),
    ):
        if rows:
            yield _Heading(title)
            yield from (_Items(list(_about_row(row))) for row in rows)
    yield _Heading("Records")
    yield from (_Items(list(_about_record(record))) for record in subject.records)
    if not subject.records:
        yield _Items([("", "the rows name no records")])


_TOLD_APART = ("SRCDOM", "SRCSEQ", "SRCALL", "PROTOCOL")


def _about_row(row: DerivedRow) -> Iterator[tuple[str, str]]:
    said = ", ".join(
        f"{name} {_plain(value)}" for name, value in row.values.items() if name not in _TOLD_APART
    )
    yield row.dataset, said
    if row.path:
        yield "", f"made by {row.path} ({row.place})"
    if row.sources:
        yield "", f"rests on {', '.join(row.sources)}"


def _about_record(record: SourceRecord) -> Iterator[tuple[str, str]]:
    if record.missing:
        yield record.name, record.missing
        return
    value = " ".join(part for part in (record.value, record.unit) if part)
    said = ": ".join(part for part in (record.what, value) if part)
    yield record.name, f"{said or 'a record'}{f', {record.date}' if record.date else ''}"
    yield "", ", ".join(f"{name} {_plain(part)}" for name, part in record.variables.items())


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _plain(value: Any) -> str:
    from trialwright.vocabulary.documents import shown

    return _number(value) if isinstance(value, float) else shown(value)


def _more(n: int) -> str:
    return f"and {n:,} more; --all prints them" if n > 0 else ""


# --- on a terminal and elsewhere ----------------------------------------------------------------------------------------


def _printed(blocks: Iterator[_Block]) -> str:
    """The blocks as text: with rules and bold words on a terminal, else plain."""
    return _as_rich(blocks) if sys.stdout.isatty() else "\n".join(_as_plain(blocks))


def _as_plain(blocks: Iterator[_Block]) -> Iterator[str]:
    is_first = True
    for block in blocks:
        match block:
            case _Heading(words):
                yield from ([] if is_first else [""])
                yield from (words, "-" * len(words))
            case _Items(items):
                width = min(max((len(name) for name, _ in items), default=0), _INDENT)
                yield from (f"{name:<{width}}  {meaning}".rstrip() for name, meaning in items)
            case _Table(columns, rows, more):
                yield from _aligned([columns, *rows])
                yield from [more] if more else []
        is_first = False


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i, _ in enumerate(rows[0])]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _as_rich(blocks: Iterator[_Block]) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=shutil.get_terminal_size((100, 24)).columns)
    with console.capture() as captured:
        for block in blocks:
            match block:
                case _Heading(words):
                    console.print(Text(f"\n{words}", style="bold"))
                case _Items(items):
                    grid = Table.grid(padding=(0, 2))
                    grid.add_column(style="cyan", max_width=40, overflow="fold")
                    grid.add_column(ratio=1, overflow="fold")
                    for name, meaning in items:
                        grid.add_row(Text(name), Text(meaning))
                    console.print(grid)
                case _Table(columns, rows, more):
                    table = Table(header_style="bold")
                    for place, name in enumerate(columns):  # names are never cut short: one copies them
                        table.add_column(name, overflow="fold", no_wrap=place == 0)
                    for row in rows:
                        table.add_row(*(Text(cell) for cell in row))
                    console.print(table)
                    if more:
                        console.print(Text(more))
    return captured.get().rstrip("\n")
