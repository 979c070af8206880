"""The command `trialwright dsmb`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trialwright.apps.cli.common import LookOption, ProtocolArgument, day_of, problems_told, tell


def dsmb(
    protocol: ProtocolArgument,
    data: Annotated[
        Path,
        typer.Option("--data", metavar="DIR", help="Folder with the SDTM datasets.", show_default=False),
    ],
    cut: Annotated[
        str,
        typer.Option(
            "--cut",
            metavar="DATE",
            help="Data cut: what happened after this day does not exist.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", help="Folder for the documents; made if need be.", show_default=False
        ),
    ],
    closed: Annotated[
        bool, typer.Option("--closed", help="The closed document: by group, for the board alone.")
    ] = False,
    look: LookOption = None,
) -> None:
    """Write the page of the data monitoring board at a data cut.

    First what the board decides by: patients, exposure, deaths, serious events, every watched event with exact limits and
    how many more would cross its boundary, and how much of what is due has come in. Then figures and tables.

    The open document is pooled: nothing in its files tells the groups apart. It lies in DIR/open. --closed writes the
    closed document, by group, into DIR/closed instead, with CLOSED on every page and picture; a trial with one group has
    none. Before the final data cut groups are not compared for efficacy unless --look says why.

    A boundary counts as in force from the day of its charter (`in force since` in the protocol); until then it is printed
    as assumed.

    Try: trialwright simulate nct04294498 --out virtual --seed 1, then
    trialwright dsmb nct04294498 --data virtual/simulated --cut 2027-04-01 --out board

    Exit codes: 0 done; 1 problems, nothing written; 2 the command was not understood.
    """
    with problems_told():
        from trialwright.protocol.loading import load_protocol
        from trialwright.reports.dsmb_writing import write_board_document
        from trialwright.vocabulary.problems import format_problems

        day = day_of(cut)
        assert day is not None  # noqa: S101 -- the option is required
        tell("reading the protocol")
        loaded = load_protocol(protocol)
        written = write_board_document(
            loaded, out, data=data, cut=day, is_closed=closed, look=look, progress=tell
        )
    if written.warnings:
        typer.echo(format_problems(written.warnings), err=True)
    for file in written.files:
        typer.echo(file)
