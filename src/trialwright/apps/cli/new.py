"""The command `trialwright new`."""

from __future__ import annotations

import shlex
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from trialwright.apps.cli.common import problems_told


class Design(StrEnum):
    SINGLE_ARM = "single-arm"
    TWO_GROUPS = "two-groups"


def new(
    design: Annotated[
        Design, typer.Option("--design", help="What the study looks like.")
    ] = Design.SINGLE_ARM,
    study_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="What the study is called.", show_default=False)
    ] = None,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TITLE", help="Its title.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="The file to write; it must not exist. Default: standard output.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Begin a protocol: a commented example that is sound, with every line marked that you have to decide.

    trialwright new --design two-groups --id HOPE-1 --out hope-1.yaml

    Exit codes: 0 done; 1 the file is there already or cannot be written; 2 the command was not understood.
    """
    from trialwright.protocol.drafting import count_open_decisions, draft_protocol

    today = date.today()  # noqa: DTZ011 -- the version is dated by the day where its author sits
    try:
        text = draft_protocol(design.value, day=today, study_id=study_id, title=title)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if out is None:
        typer.echo(text, nl=False)
        out = Path("my-trial.yaml")
        advice = f"Save it (`--out {out}`), decide the"
    else:
        with problems_told():
            _write_new(out, text)
        typer.echo(out)
        advice = "Decide the"
    file = shlex.quote(str(out))
    typer.echo(
        f"{advice} {count_open_decisions(text)} lines marked TO DO; then\n"
        f"  trialwright check {file}\n  trialwright show {file}",
        err=True,
    )


def _write_new(out: Path, text: str) -> None:
    """Write a file that is not there yet."""
    from trialwright.vocabulary.problems import Place, Problem, ProblemsFound

    try:
        with out.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        problem = Problem("file-exists", "is there already, and is left as it is", Place(str(out)))
        raise ProblemsFound([problem]) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no file can have this name"
        raise ProblemsFound(
            [Problem("unwritable-file", f"cannot be written: {reason}", Place(str(out)))]
        ) from None
