"""The command `trialwright rule`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from trialwright.apps.cli.common import problems_told


def rule(
    text: Annotated[str, typer.Argument(metavar="RULE", help="A rule, in quotes.", show_default=False)],
    patient: Annotated[
        Path | None,
        typer.Option("--patient", metavar="FILE", help="A patient to try it on.", show_default=False),
    ] = None,
    anchor: Annotated[
        str | None,
        typer.Option(
            "--anchor",
            metavar="DATE",
            help="Where the rule is judged; default: as the patient file says.",
            show_default=False,
        ),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            metavar="PROTOCOL",
            help="Whose facts the rule names, a file or a shipped protocol; default: the catalogue of concepts.",
            show_default=False,
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell what the rule means and asks for, its hash and its SQL.")
    ] = False,
) -> None:
    """Try a rule on a patient: its verdict, the evidence, and what to ask next; or explain it.

    trialwright rule "last(creatinine, 28 days) > 1.5 ULN" --patient examples/patients/screening.yaml

    Exit codes: 0 done, whatever the verdict; 1 problems; 2 the command was not understood.
    """
    if patient is None and not explain:
        raise typer.BadParameter("name a patient file, or ask to --explain", param_hint="--patient")
    if patient is None and anchor is not None:
        raise typer.BadParameter("it goes with a patient file", param_hint="--anchor")
    with problems_told():
        from trialwright.evaluation.trying import try_rule
        from trialwright.vocabulary.problems import format_problems

        answer = try_rule(
            text,
            protocol=protocol,
            patient=patient,
            anchor=anchor,
            is_explained=explain,
            width=shutil.get_terminal_size((100, 24)).columns,
        )
    if answer.warnings:
        typer.echo(f"{format_problems(answer.warnings)}\n", err=True)
    typer.echo(answer.text)
