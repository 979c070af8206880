"""The command `trialwright design`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from trialwright.apps.cli.common import (
    CutOption,
    LookOption,
    PageFolderOption,
    ProtocolArgument,
    SeedOption,
    WorkersOption,
    day_of,
    problems_told,
    tell,
)
from trialwright.apps.cli.progress import progress_shown


def design(
    protocol: ProtocolArgument,
    out: PageFolderOption = None,
    simulate: Annotated[
        int | None,
        typer.Option(
            "--simulate",
            metavar="N",
            min=100,
            help="Run N virtual trials under the design's assumptions and under each scenario.",
            show_default=False,
        ),
    ] = None,
    seed: SeedOption = 1,
    workers: WorkersOption = 1,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Folder with the SDTM datasets of the trial so far; needs --cut.",
            show_default=False,
        ),
    ] = None,
    cut: CutOption = None,
    look: LookOption = None,
) -> None:
    """Ask what the planned number of participants can show.

    For two groups: the events that the test needs, which sets of assumptions reach the stated number, its power over
    background risk, hazard ratio, loss and follow-up, what looks before the end do and cost, and what weighting would
    cost. For a single group: which rates so many patients exclude, which hypotheses fit them, and what the stopping
    boundary does, also when events come late. Every assumption is marked as registered or assumed, with its place
    in the protocol. The page tells what the number implies; it does not say what anybody must have assumed.

    Assumptions come from `design` of the protocol and from what it `rests on`; the values beside them from `vary`.

    --simulate runs the test itself on virtual trials, with Monte-Carlo errors. Interrupted, it keeps what is finished in
    DIR and goes on when called again.

    --data and --cut tell when the last event that is needed may come, from all participants together. Conditional and
    predictive power compare the groups: before the final data cut they need --look and a reason, which is numbered and
    logged in looks.jsonl beside DIR as those of `report` and `dsmb` are.

    Writes design.html, design.pdf, results.json and results.parquet to DIR, all or none.

    Try: trialwright design nct07120750 | less, then
    trialwright design nct07120750 --simulate 10000 --workers 2 --out design

    Exit codes: 0 done; 1 problems, nothing written; 2 the command was not understood.
    """
    _refuse_half(data, cut, look, out)
    with problems_told():
        tell("reading the protocol")
        from trialwright.protocol.loading import load_protocol
        from trialwright.reports.design_writing import Asked, make_design
        from trialwright.vocabulary.problems import format_problems

        loaded = load_protocol(protocol)
        asked = Asked(simulate, seed, workers, data, day_of(cut), look)
        shown = nullcontext(lambda _: None) if simulate is None else progress_shown("virtual trials")
        with shown as on_progress:
            made = make_design(loaded, out, asked, on_progress=on_progress, progress=tell)
    typer.echo(made.text, nl=False)
    for file in made.files:
        typer.echo(file)
    if made.warnings:
        typer.echo(format_problems(made.warnings), err=True)


def _refuse_half(data: Path | None, cut: str | None, look: str | None, out: Path | None) -> None:
    """Options that mean nothing without another."""
    if data is None and (cut is not None or look is not None):
        given = "--cut" if cut is not None else "--look"
        raise typer.BadParameter("needs the records of the trial: name them with --data", param_hint=given)
    if data is not None and cut is None:
        raise typer.BadParameter(
            "needs the day at which the records are looked at: name it with --cut", param_hint="--data"
        )
    if look is not None and out is None:
        raise typer.BadParameter(
            "is logged beside the folder of the page: name that with --out", param_hint="--look"
        )
