"""What is doubtful: in the data, in what derivations left out, and in the protocol itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from trialwright.checks.data.record_checks import DataOutcome
from trialwright.reports.blocks import Callout, Column, Link, Paragraph, Ref, Row, Section, Table, Term, Text
from trialwright.vocabulary.problems import Problem, Severity

ANCHOR, _TITLE = "doubts", "What is doubtful"
_ALIKE = ("SEVERITY", "DATASET", "VARIABLE", "CODE")


def render_doubts(outcome: DataOutcome, left_out: Sequence[Problem], checks: Sequence[Problem]) -> Section:
    """Three tables, each with everything alike in one row.

    Parameters
    ----------
    outcome : DataOutcome
        What the checks of the records found.
    left_out : sequence of Problem
        What the derivations told of.
    checks : sequence of Problem
        What the checks of the protocol found.
    """
    intro = Paragraph(Text(
        "Counted here are subjects, or records that name none; the commands ", Term("trialwright data check", Ref.version("data check")), " and ",
        Term("trialwright check", Ref.version("check")), " name each of them, with advice.",
    ))  # fmt: skip
    blocks = (intro, _data(outcome), _derivations(outcome, left_out), _protocol(checks))
    return Section(ANCHOR, Text(_TITLE), blocks)


def render_data_errors(outcome: DataOutcome) -> tuple[Callout, ...]:
    """That there are errors in the data, of how many kinds, and where they are listed; nothing where there are none."""
    errors = outcome.findings.filter(pl.col("SEVERITY") == Severity.ERROR.value)
    kinds = errors.select(_ALIKE).unique(maintain_order=True)
    if kinds.is_empty():
        return ()
    ref = Ref.data("data check")
    codes = ", ".join(kinds["CODE"].unique(maintain_order=True))
    told = Text(
        "The checks of the data found errors of ", Term(f"{kinds.height} kind{'s' if kinds.height > 1 else ''}", ref), ": ", Term(codes, ref),
        ". Numbers of this report may rest on them. Each is listed under ", Link(_TITLE, ANCHOR), ".",
    )  # fmt: skip
    return (Callout("warning", Text("There are errors in the data"), (told,)),)


def _data(outcome: DataOutcome) -> Table:
    rows = []
    for group in outcome.findings.partition_by(_ALIKE, maintain_order=True):
        severity, dataset, variable, code = (group[name][0] for name in _ALIKE)
        where = f"{dataset}.{variable}" if variable else dataset
        ref = Ref.data(f"{where} {code}")
        cells = (
            Text(severity),
            Text(Term(code, ref)),
            _counted(group, ref),
            Text(Term(group["MESSAGE"][0], ref)),
        )
        rows.append(Row(Text(Term(where, ref)), cells))
    columns = (
        Column(Text("Dataset"), "left"),
        Column(Text("Level"), "left"),
        Column(Text("Check"), "left"),
        Column(Text("Subjects")),
        Column(Text("The first"), "left"),
    )
    return Table(
        "table-data-checks", Text("In the data"), columns, tuple(rows), (), Text("The checks found nothing.")
    )


def _counted(group: pl.DataFrame, ref: Ref) -> Text:
    return Text(Term(f"{group['USUBJID'].drop_nulls().n_unique() or group.height:,}", ref))


def _derivations(outcome: DataOutcome, problems: Sequence[Problem]) -> Table:
    """What derivations told of, and the records they do without for what was found in the data."""
    columns = (
        Column(Text("Where"), "left"),
        Column(Text("Problem"), "left"),
        Column(Text("What was found"), "left"),
    )
    told = [_of_problem(problem, problem.field or problem.code) for problem in problems]
    without = [_left_out(row, outcome) for row in outcome.left_out.iter_rows(named=True)]
    rows = (*told, *without)
    empty = Text("The derivations found nothing doubtful and left nothing out.")
    return Table("table-left-out", Text("Left out, or told by the derivations"), columns, rows, (), empty)


def _left_out(row: Mapping[str, Any], outcome: DataOutcome) -> Row:
    ref = Ref.data(f"{row['DATASET']} {row['CODE']}")
    counted = f"{row['N']:,} of {outcome.n_records.get(row['DATASET'], 0):,} records"
    words = Text("Left out: ", row["WHAT"], " (", Term(counted, ref), ")")
    return Row(Text(Term(row["DATASET"], ref)), (Text(Term(row["CODE"], ref)), words))


def _protocol(problems: Sequence[Problem]) -> Table:
    columns = (
        Column(Text("Element"), "left"),
        Column(Text("Check"), "left"),
        Column(Text("What was found"), "left"),
    )
    rows = tuple(_of_problem(problem, problem.field) for problem in problems)
    empty = Text("The checks found nothing.")
    return Table("table-protocol-checks", Text("In the protocol"), columns, rows, (), empty)


def _of_problem(problem: Problem, where: str) -> Row:
    ref = Ref.data(problem.field or problem.code)
    return Row(Text(Term(where, ref)), (Text(Term(problem.code, ref)), Text(Term(problem.message, ref))))
