"""The command `trialwright check`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from trialwright.checks.telling import Format, Outcome

EXIT_ERRORS = 1


def check(
    protocol: Annotated[
        str | None,
        typer.Argument(
            metavar="PROTOCOL",
            help="A protocol file, or the name of a shipped protocol.",
            show_default=False,
        ),
    ] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", help="text, json or github (annotations of a pull request)."
        ),
    ] = "text",
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
    """Question a protocol before the first participant: everything doubtful in it, with place and advice.

    trialwright check nct07120750; trialwright check my-trial.yaml --format github --ignore n-not-reproducible

    Exit codes: 0 no errors (there may be warnings); 1 errors; 2 the command was not understood.
    """
    if explain is not None:
        typer.echo(_explanation(explain))
        return
    if protocol is None:
        raise typer.BadParameter("name a protocol, or a check to --explain", param_hint="PROTOCOL")
    wanted = _read_format(format_)
    outcome = _check(protocol, _read_codes(ignore or []))
    from trialwright.checks.telling import render_outcome

    typer.echo(render_outcome(outcome, wanted))
    if outcome.has_errors:
        raise typer.Exit(EXIT_ERRORS)


def _explanation(code: str) -> str:
    from trialwright.checks.pages import explain_check
    from trialwright.checks.protocol_checks import ALL_CHECKS
    from trialwright.vocabulary.problems import nearest

    page = explain_check(code)
    if page is None:
        guess = nearest(code, [one.code for one in ALL_CHECKS])
        advice = f"; did you mean {guess}?" if guess else "; docs/problems.md explains all other codes"
        raise typer.BadParameter(f"there is no check {code!r}{advice}", param_hint="--explain")
    return page


def _read_format(word: str) -> Format:
    formats: dict[str, Format] = {"text": "text", "json": "json", "github": "github"}
    if word not in formats:
        raise typer.BadParameter(f"must be text, json or github, not {word!r}", param_hint="--format")
    return formats[word]


def _read_codes(codes: list[str]) -> frozenset[str]:
    from trialwright.checks.checked import RULE_WARNINGS
    from trialwright.checks.protocol_checks import ALL_CHECKS
    from trialwright.vocabulary.problems import nearest

    known = [*(one.code for one in ALL_CHECKS), *RULE_WARNINGS]
    for code in codes:
        if code not in known:
            guess = nearest(code, known)
            advice = f"; did you mean {guess}?" if guess else ""
            raise typer.BadParameter(f"there is no check {code!r}{advice}", param_hint="--ignore")
    return frozenset(codes)


def _check(protocol: str, ignore: frozenset[str]) -> Outcome:
    from trialwright.checks.protocol_checks import ALL_CHECKS, check_protocol
    from trialwright.checks.telling import Outcome
    from trialwright.protocol.loading import load_protocol
    from trialwright.vocabulary.problems import ProblemsFound

    try:
        loaded = load_protocol(protocol)
    except ProblemsFound as found:
        places = [problem.place for problem in found.problems if problem.place]
        file = places[0].file if places else protocol
        return Outcome(file, found.problems, None, lines=_lines(Path(file)))
    problems = check_protocol(loaded, ignore=ignore)
    n_ignored = len(ignore & {one.code for one in ALL_CHECKS})
    lines = loaded.document.text.splitlines()
    return Outcome(loaded.document.file, problems, len(ALL_CHECKS) - n_ignored, n_ignored, lines)


def _lines(path: Path) -> list[str]:
    """The lines of a file that cannot be loaded, for excerpts; none if it cannot be read, which is told apart."""
    with suppress(OSError, ValueError):
        return path.read_text(encoding="utf-8-sig").splitlines()
    return []
