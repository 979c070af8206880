"""The command `trialwright derive`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trialwright.apps.cli.common import CutOption, ProtocolArgument, day_of, problems_told, tell
from trialwright.apps.cli.simulate import FileFormat


def derive(
    protocol: ProtocolArgument,
    data: Annotated[
        Path,
        typer.Option("--data", metavar="DIR", help="Folder with the SDTM datasets.", show_default=False),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", help="Folder for the datasets; made if need be.", show_default=False
        ),
    ],
    cut: CutOption = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key", metavar="COLUMN", help="Column that tells studies apart in the same tables: TRIAL."
        ),
    ] = None,
    form: Annotated[FileFormat, typer.Option("--format", help="Of the datasets.")] = FileFormat.PARQUET,
) -> None:
    """Derive the analysis datasets of a trial from its records.

    Writes ADSL, ADELIG, ADBASE, ADEX, ADEXSUM, ADLB, ADEVT, ADTR, ADRS, ADAE, ADLIVER, ADCLOCK, ADATTR, ADRATE, ADTTE and ADTTEV to
    DIR, and derivation.json, which tells what they were made from; all or none. Each row names its records and the element of the
    protocol that made it. What was left out or looks doubtful is told; `trialwright data check` tells more.

    Try: trialwright simulate nct04294498 --out virtual --seed 1, then
    trialwright derive nct04294498 --data virtual/simulated --out derived

    Exit codes: 0 done; 1 problems, nothing written; 2 the command was not understood.
    """
    with problems_told():
        from trialwright.derivations.writing import write_derivation
        from trialwright.protocol.loading import load_protocol
        from trialwright.records.files import Format
        from trialwright.vocabulary.problems import format_problems

        day = day_of(cut)
        tell("reading the protocol")
        written = write_derivation(
            load_protocol(protocol), data, out, cut=day, keys=key or (), form=Format(form), progress=tell
        )
    if written.problems:
        typer.echo(format_problems(written.problems), err=True)
    for file in written.files:
        typer.echo(file)
