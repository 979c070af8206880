"""The command `trialwright simulate`."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from trialwright.apps.cli.common import ProtocolArgument, problems_told, tell


class FileFormat(StrEnum):
    """The formats of records, as `records.files.Format` has them."""

    PARQUET = "parquet"
    CSV = "csv"
    XPT = "xpt"
    JSON = "json"
    NDJSON = "ndjson"


def simulate(
    protocol: ProtocolArgument,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", help="A new or empty folder for records and truth.", show_default=False
        ),
    ],
    seed: Annotated[
        int,
        typer.Option(
            "--seed", metavar="N", min=0, help="The same seed gives the same bytes.", show_default=False
        ),
    ],
    subjects: Annotated[
        int | None,
        typer.Option(
            "--subjects",
            metavar="N",
            help="Enrolled in each trial. Default: as many as the protocol plans.",
            show_default=False,
        ),
    ] = None,
    trials: Annotated[int, typer.Option("--trials", metavar="N", help="How many trials.")] = 1,
    scenario: Annotated[
        str | None,
        typer.Option(
            "--scenario", metavar="NAME", help="One of the protocol's `scenarios`.", show_default=False
        ),
    ] = None,
    form: Annotated[
        FileFormat, typer.Option("--format", help="Of the records; the truth is Parquet.")
    ] = FileFormat.PARQUET,
    errors: Annotated[
        bool,
        typer.Option("--errors/--no-errors", help="Plant errors in the records, for `data check` to find."),
    ] = True,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the virtual trials that DIR holds.")
    ] = False,
) -> None:
    """Rehearse a trial: virtual patients with complete records, and the truth about each beside them.

    trialwright simulate nct04294498 --out rehearsal --seed 1

    trialwright simulate nct07120750 --out many --seed 1 --trials 100 --subjects 100 --scenario no_effect

    Writes DIR/simulated (SDTM domains), DIR/simulated-truth (what happened, what could be seen, which errors were
    planted) and DIR/simulation.json (protocol, scenario, seed, every parameter), all or none. The numbers come from the
    protocol's `assumptions`; a scenario replaces some of them. Virtual data say so: STUDYID ends in -SIM, and every
    record has SIMULATED = Y. With several trials, TRIAL tells them apart.

    Exit codes: 0 done; 1 problems, nothing written; 2 the command was not understood.
    """  # fmt: skip
    begun = time.monotonic()

    def told(step: str) -> None:
        tell(f"{step} ({time.monotonic() - begun:.0f} s)")

    with problems_told():
        tell("reading the protocol")
        from trialwright.design.virtual.writing import write_simulation
        from trialwright.protocol.loading import load_protocol
        from trialwright.records.files import Format

        files = write_simulation(
            load_protocol(protocol), out, seed=seed, subjects=subjects, trials=trials, scenario=scenario,
            form=Format(form.value), errors=errors, force=force, progress=told,
        )  # fmt: skip
    for file in files:
        typer.echo(file)
