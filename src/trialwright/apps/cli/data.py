"""The commands `trialwright data ...`: patient data read and questioned."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trialwright.apps.cli.common import day_of, problems_told, tell
from trialwright.apps.cli.simulate import FileFormat

if TYPE_CHECKING:
    from trialwright.checks.data.telling import DataFormat
    from trialwright.vocabulary.problems import ProblemsFound

EXIT_ERRORS = 1

data = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Read and question patient data.")


@data.callback()
def _data() -> None:
    """Read and question patient data."""


@data.command()
def check(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="Folder of the datasets (Parquet, CSV, XPT, Dataset-JSON).",
            show_default=False,
        ),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            metavar="PROTOCOL",
            help="A protocol file, or the name of a shipped protocol; without it, what needs one is not asked.",
            show_default=False,
        ),
    ] = None,
    cut: Annotated[
        str | None,
        typer.Option(
            "--cut",
            metavar="DATE",
            help="Data cut, as 2026-06-30: tells what lies after it.",
            show_default=False,
        ),
    ] = None,
    format_: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text or json.")] = "text",
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore", metavar="CODE", help="Leave a check out; may be repeated.", show_default=False
        ),
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain", metavar="CODE", help="Print the page of a check and stop.", show_default=False
        ),
    ] = None,
) -> None:
    """Question the records of a study: everything doubtful in them, with dataset, subject, variable and record.

    trialwright data check sdtm --protocol nct04294498; trialwright data check sdtm --cut 2026-06-30 --format json

    Exit codes: 0 no errors (there may be warnings); 1 errors; 2 the command was not understood.
    """
    if explain is not None:
        typer.echo(_explanation(explain))
        return
    if folder is None:
        raise typer.BadParameter("name a folder of datasets, or a check to --explain", param_hint="DIR")
    wanted, day, codes = _read_format(format_), day_of(cut), _read_codes(ignore or [])
    from trialwright.checks.data.record_checks import check_records
    from trialwright.checks.data.telling import render_data_outcome
    from trialwright.protocol.loading import load_protocol
    from trialwright.records.files import read_records
    from trialwright.vocabulary.problems import ProblemsFound

    try:
        loaded = load_protocol(protocol) if protocol is not None else None
        tell("reading the records")
        records = read_records(folder)
    except ProblemsFound as found:
        typer.echo(_refused(found, str(folder), wanted))
        raise typer.Exit(EXIT_ERRORS) from None
    tell("asking")
    today = date.today()  # noqa: DTZ011 - the day of the site, as dates of patients are
    outcome = check_records(records, loaded, today=today, cut=day, ignore=codes)
    typer.echo(render_data_outcome(outcome, str(folder), wanted))
    if outcome.has_errors:
        raise typer.Exit(EXIT_ERRORS)


@data.command()
def laboratory(
    mapping: Annotated[
        list[Path],
        typer.Argument(
            metavar="MAPPING...",
            help="What the columns and words of a laboratory mean (YAML); its file lies beside it. One for each laboratory.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder of the datasets; made if need be. An LB of the same format that lies there is replaced.",
            show_default=False,
        ),
    ],
    file: Annotated[
        list[Path] | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="Read this file in place of the one the mapping names; may be repeated, and files may overlap.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[FileFormat, typer.Option("--format", help="Of the dataset.")] = FileFormat.PARQUET,
) -> None:
    """Make LB of a hospital's laboratory files: results converted where unit and test are known beyond doubt, and kept as reported.

    A mapping says what the columns and words of a laboratory's file mean; docs/records.md has one to begin with. What is in doubt is
    told with line and column and has no converted number; a line of which nobody knows whose it is, of which test or day keeps the
    files from being used.

    trialwright data laboratory laboratory.yaml --out sdtm, then trialwright data check sdtm;
    trialwright data laboratory laboratory.yaml --file may.csv --file june.csv --out sdtm

    Exit codes: 0 written (there may be warnings); 1 problems, nothing written; 2 the command was not understood.
    """
    if file and len(mapping) > 1:
        raise typer.BadParameter("files are read through one mapping, not several", param_hint="--file")
    with problems_told():
        from trialwright.records.files import Format
        from trialwright.records.laboratory_files import read_laboratory_files, write_laboratory
        from trialwright.vocabulary.problems import format_problems

        tell("reading the laboratory's files")
        read = read_laboratory_files(mapping, file or ())
        written = write_laboratory(read.dataset, out, Format(form))
    if read.dataset.warnings:
        typer.echo(format_problems(read.dataset.warnings), err=True)
    typer.echo(read.summary)
    typer.echo(written)


def _refused(found: ProblemsFound, name: str, wanted: DataFormat) -> str:
    """What keeps the records from being read: then nothing is asked."""
    from trialwright.checks.telling import Outcome, render_outcome

    outcome = Outcome(name, found.problems, None)
    if wanted == "json":
        return render_outcome(outcome, "json")
    n = len(found.problems)
    waits = f"{name}: {n} error{'s' if n > 1 else ''}; the checks wait until the data can be read"
    return f"{found}\n\n{waits}"


def _explanation(code: str) -> str:
    from trialwright.checks.data.pages import explain_data_check
    from trialwright.checks.data.record_checks import ALL_DATA_CHECKS, TABLE_CODES
    from trialwright.vocabulary.problems import nearest

    page = explain_data_check(code)
    if page is None:
        known = [one.code for one in ALL_DATA_CHECKS]
        guess = None if code in TABLE_CODES else nearest(code, known)
        advice = f"; did you mean {guess}?" if guess else "; docs/problems.md explains all other codes"
        raise typer.BadParameter(f"there is no check {code!r}{advice}", param_hint="--explain")
    return page


def _read_format(word: str) -> DataFormat:
    formats: dict[str, DataFormat] = {"text": "text", "json": "json"}
    if word not in formats:
        raise typer.BadParameter(f"must be text or json, not {word!r}", param_hint="--format")
    return formats[word]


def _read_codes(codes: list[str]) -> frozenset[str]:
    from trialwright.checks.data.record_checks import ALL_DATA_CHECKS, TABLE_CODES
    from trialwright.vocabulary.problems import nearest

    known = [*(one.code for one in ALL_DATA_CHECKS), *TABLE_CODES]
    for code in codes:
        if code not in known:
            guess = nearest(code, known)
            advice = f"; did you mean {guess}?" if guess else ""
            raise typer.BadParameter(f"there is no check {code!r}{advice}", param_hint="--ignore")
    return frozenset(codes)
