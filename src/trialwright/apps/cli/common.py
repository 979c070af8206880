"""What the commands share: their exit codes, how problems end them, and how progress is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

EXIT_PROBLEMS = 1
EXIT_INCOMPLETE = 3

ProtocolArgument = Annotated[
    str,
    typer.Argument(
        metavar="PROTOCOL", help="A protocol file, or the name of a shipped protocol.", show_default=False
    ),
]

CutOption = Annotated[
    str | None,
    typer.Option("--cut", metavar="DATE", help="Data cut: what happened after this day does not exist."),
]

PageFolderOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Folder for page and results; made if need be. Without it the page is printed here.",
        show_default=False,
    ),
]

SeedOption = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, help="The same seed gives the same numbers.")
]

WorkersOption = Annotated[
    int,
    typer.Option(
        "--workers", metavar="N", min=1, help="Processes for virtual trials; results do not depend on it."
    ),
]

LookOption = Annotated[
    str | None,
    typer.Option(
        "--look",
        metavar="REASON",
        help="Compare groups for efficacy before the final data cut, and why; the look is logged.",
    ),
]


def day_of(text: str | None) -> date | None:
    """The day of `--cut`."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"`{text}` is no date; it must be a day as 2026-06-30", param_hint="--cut"
        ) from None


@contextmanager
def problems_told() -> Iterator[None]:
    """A document or data with problems ends the command with all of them and exit code 1."""
    from trialwright.vocabulary.problems import ProblemsFound

    try:
        yield
    except ProblemsFound as found:
        typer.echo(str(found), err=True)
        n = len(found.problems)
        typer.echo(f"\n{n} problem{'s' if n > 1 else ''}; nothing was written.", err=True)
        raise typer.Exit(EXIT_PROBLEMS) from None


def tell(step: str) -> None:
    """Progress, for someone who watches."""
    if sys.stderr.isatty():
        typer.echo(f"… {step}", err=True)
