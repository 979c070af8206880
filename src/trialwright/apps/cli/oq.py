"""The command `trialwright oq`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trialwright.apps.cli.common import ProtocolArgument, problems_told, tell

if TYPE_CHECKING:
    from trialwright.protocol.loading import LoadedProtocol

EXIT_DIFFERENCES = 1


def oq(
    protocol: ProtocolArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write the records and the results there.", show_default=False
        ),
    ] = None,
    format_: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text or json.")] = "text",
    element: Annotated[
        str | None,
        typer.Option(
            "--element",
            metavar="PATH",
            help="Only what stands there: events, events.hbv_reactivation.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Test a protocol's rules at every threshold, with invented patients just below, at and just above it.

    trialwright oq nct04294498; trialwright oq my-trial.yaml --element eligibility --out oq

    The patients go the way of real ones, from records to analysis datasets; what is found is held against what follows
    from how they were made. What could not be tested is listed with its reason.

    Exit codes: 0 all as expected; 1 differences or problems; 2 the command was not understood.
    """
    if format_ not in ("text", "json"):
        raise typer.BadParameter(f"must be text or json, not {format_!r}", param_hint="--format")
    with problems_told():
        tell("reading the protocol")
        from trialwright.protocol.loading import load_protocol

        loaded = load_protocol(protocol)
        _check_element(loaded, element)
        tell("inventing and judging patients")
        from trialwright.design.boundaries.outcome import render_json, render_text, run_pack, write_outcome

        outcome = run_pack(loaded, element=element)
        written = write_outcome(outcome, out) if out else []
    typer.echo(render_json(outcome) if format_ == "json" else render_text(outcome))
    for name in written:
        typer.echo(f"{out}/{name}", err=True)
    if outcome.differences:
        raise typer.Exit(EXIT_DIFFERENCES)


def _check_element(loaded: LoadedProtocol, element: str | None) -> None:
    """An element that is not in the pack would look like one without a fault."""
    if element is None:
        return
    from trialwright.design.boundaries.outcome import is_below
    from trialwright.design.boundaries.pack import make_pack
    from trialwright.vocabulary.problems import nearest

    known = {one.element for one in make_pack(loaded)}
    if not any(is_below(path, element) for path in known):
        names = {".".join(path.split(".")[:n]) for path in known for n in range(1, path.count(".") + 2)}
        guess = nearest(element, sorted(names))
        advice = f"; did you mean {guess}?" if guess else ""
        raise typer.BadParameter(f"the test pack has no element {element!r}{advice}", param_hint="--element")
