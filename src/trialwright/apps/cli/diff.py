"""The command `trialwright diff`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from trialwright.apps.cli.common import problems_told


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


def diff(
    older: Annotated[str, typer.Argument(metavar="A", help="The older protocol: a file or a shipped one.")],
    newer: Annotated[str, typer.Argument(metavar="B", help="The newer one.")],
    format_: Annotated[Format, typer.Option("--format", help="For people or for a program.")] = Format.TEXT,
) -> None:
    """Tell in which way one protocol differs from another, in a trialist's words.

    A criterion moved is told from one changed; of a rule it is said whether its threshold, window or comparison is
    another; wording that changes no number is told apart. The order of keys and defaults written out are no difference.

    trialwright diff protocol-1.0.yaml protocol-1.1.yaml

    Exit codes: 0 compared, whatever was found; 1 a protocol has problems; 2 the command was not understood.
    """
    with problems_told():
        from trialwright.protocol.comparison import (
            compare_protocols,
            render_differences_json,
            write_differences,
        )
        from trialwright.protocol.loading import load_protocol

        before, after = load_protocol(older), load_protocol(newer)
        found = compare_protocols(before, after)
    if format_ is Format.JSON:
        typer.echo(render_differences_json(before, after, found))
    else:
        typer.echo(write_differences(found))
