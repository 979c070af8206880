"""The command `trialwright rehearse`."""

from __future__ import annotations

from typing import Annotated

import typer

from trialwright.apps.cli.common import (
    PageFolderOption,
    ProtocolArgument,
    SeedOption,
    WorkersOption,
    problems_told,
    tell,
)
from trialwright.apps.cli.progress import progress_shown


def rehearse(
    protocol: ProtocolArgument,
    trials: Annotated[
        int,
        typer.Option(
            "--trials", metavar="N", min=1, help="Virtual trials of each scenario.", show_default=False
        ),
    ],
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            metavar="NAME",
            help="One of the protocol's `scenarios`, beside its assumptions as they are; may be repeated.",
            show_default=False,
        ),
    ] = None,
    analysis: Annotated[
        list[str] | None,
        typer.Option(
            "--analysis",
            metavar="NAME",
            help="Rehearse this analysis; may be repeated. Default: all whose truth is known, but weighted curves.",
            show_default=False,
        ),
    ] = None,
    seed: SeedOption = 1,
    subjects: Annotated[
        int | None,
        typer.Option(
            "--subjects",
            metavar="N",
            min=1,
            help="Enrolled in each trial. Default: as many as the protocol plans.",
            show_default=False,
        ),
    ] = None,
    workers: WorkersOption = 1,
    out: PageFolderOption = None,
) -> None:
    """Run whole virtual trials through the protocol's own analyses, and hold what they say against the truth.

    Each trial goes from records through derivations to the registered analyses, as a real one would. Printed are the bias of
    each estimate against its own truth, the coverage of its limits, power or type I error, and what visits, missed scans
    and limits of assays cost, each with its Monte-Carlo error and the number of trials that could tell.

    Scenarios say what would be so: groups that differ in what brings recurrence, a trait nobody measured, a treatment
    that does nothing. `trialwright show PROTOCOL` lists those of the protocol.

    Writes rehearsal.html, rehearsal.pdf, results.json and results.parquet to DIR, all or none, marked SIMULATED.
    Interrupted, it keeps finished trials in DIR and goes on when called again.

    Try: trialwright rehearse nct04294498 --trials 100 | less, then
    trialwright rehearse nct07120750 --trials 400 --scenario no_effect --scenario indication --workers 2 --out rehearsal

    Exit codes: 0 done; 1 problems, nothing written; 2 the command was not understood.
    """
    with problems_told():
        tell("reading the protocol")
        from trialwright.design.rehearsal.rehearse import rehearse as run
        from trialwright.protocol.loading import load_protocol
        from trialwright.reports.rehearsal_writing import FILES, render_rehearsal_text, write_rehearsal
        from trialwright.reports.writing import WORK, refuse_unwritable

        loaded = load_protocol(protocol)
        if out is not None:
            refuse_unwritable(out, FILES)
        with progress_shown("trials") as on_progress:
            found = run(
                loaded, protocol, trials=trials, seed=seed, scenarios=scenario or (), analyses=analysis or (), subjects=subjects,
                workers=workers, folder=out / WORK if out else None, on_progress=on_progress,
            )  # fmt: skip
        if out is None:
            typer.echo(render_rehearsal_text(found), nl=False)
            return
        tell("rendering the page")
        for file in write_rehearsal(found, out):
            typer.echo(file)
