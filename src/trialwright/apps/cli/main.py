"""The command `trialwright`: one function a command. Data go to standard output, talk to standard error.

Heavy modules are imported inside the commands that need them, so that `--help` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trialwright.apps.cli.check import check
from trialwright.apps.cli.common import (
    EXIT_INCOMPLETE,
    CutOption,
    LookOption,
    ProtocolArgument,
    day_of,
    problems_told,
    tell,
)
from trialwright.apps.cli.data import data
from trialwright.apps.cli.derive import derive
from trialwright.apps.cli.design import design
from trialwright.apps.cli.diff import diff
from trialwright.apps.cli.dsmb import dsmb
from trialwright.apps.cli.explain import explain
from trialwright.apps.cli.new import new
from trialwright.apps.cli.oq import oq
from trialwright.apps.cli.rehearse import rehearse
from trialwright.apps.cli.rule import rule
from trialwright.apps.cli.show import show
from trialwright.apps.cli.simulate import simulate
from trialwright.vocabulary.libraries import settle

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    help="A compiler for clinical trials: one protocol file in; analysis, tables, figures and the report out.",
    epilog="Start with: trialwright protocols; trialwright show hcc-resection; "
    "trialwright report hcc-resection --out out",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"trialwright {version('trialwright')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    pass


@app.command()
def protocols() -> None:
    """List the protocols that come with Trialwright."""
    from trialwright.protocol.loading import load_protocol, shipped_protocols

    with problems_told():
        for name in shipped_protocols():
            typer.echo(f"{name}\t{load_protocol(name).protocol.study.title}")


app.command()(new)
app.command()(show)
app.command()(check)
app.command()(diff)
app.command()(design)


@app.command()
def schema() -> None:
    """Print the JSON Schema of protocol files, for editors that complete and check them.

    Save it and begin a protocol with `# yaml-language-server: $schema=FILE`.
    """
    import json

    from trialwright.protocol.loading import protocol_schema

    typer.echo(json.dumps(protocol_schema(), indent=2, ensure_ascii=False))


@app.command()
def report(
    protocol: ProtocolArgument,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", help="Folder for the report; made if need be.", show_default=False
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="PATH",
            help="Folder with the SDTM datasets of the trial, or a CSV of one row a subject; "
            "default: the file the mapping names.",
        ),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--mapping",
            metavar="FILE",
            help="Column mapping of the CSV; default: mapping.yaml beside the protocol.",
        ),
    ] = None,
    cut: CutOption = None,
    look: LookOption = None,
    rtf: Annotated[
        bool,
        typer.Option("--rtf", help="Write the tables for word processors too, as tables.rtf."),
    ] = False,
) -> None:
    """Analyse data as a protocol says and write the report.

    Writes report.html, report.pdf, results.json and results.parquet to DIR, all or none. From the records of a trial
    the analysis datasets are derived first, and lie beside in DIR/datasets.

    Groups are not compared for efficacy before the final data cut that the protocol names under `reporting`. --look
    shows the comparisons all the same: the look is numbered, logged in looks.jsonl beside DIR, and printed with them.

    Try: trialwright simulate nct04294498 --out virtual --seed 1, then
    trialwright report nct04294498 --data virtual/simulated --out report

    Exit codes: 0 done; 1 problems, nothing written; 2 the command was not understood; 3 the report is written, and
    something the protocol asks for could not be estimated.
    """
    with problems_told():
        tell("reading the protocol")
        from trialwright.protocol.loading import load_protocol

        loaded = load_protocol(protocol)
        from trialwright.reports.writing import is_folder, write_study_report, write_trial_report

        if data is not None and is_folder(data):
            written = write_trial_report(
                loaded, out, data=data, cut=day_of(cut), look=look, rtf=rtf, progress=tell
            )
        else:
            written = write_study_report(loaded, out, data=data, mapping=mapping, rtf=rtf, progress=tell)
    for warning in written.warnings:
        typer.echo(str(warning), err=True)
    for name in dict.fromkeys(file if file.parent == out else file.parent for file in written.files):
        typer.echo(name)
    if not written.is_complete:
        raise typer.Exit(EXIT_INCOMPLETE)


app.command()(dsmb)
app.command()(explain)
app.command()(rule)
app.command()(derive)
app.command()(oq)
app.command()(simulate)
app.command()(rehearse)
app.add_typer(data, name="data")


def main() -> None:
    """Run the command."""
    settle()
    app()
