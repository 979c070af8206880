"""The command `trialwright show`."""

from __future__ import annotations

import shutil
from enum import StrEnum
from typing import Annotated

import typer

from trialwright.apps.cli.common import ProtocolArgument, problems_told


class Format(StrEnum):
    TEXT = "text"
    HTML = "html"
    MARKDOWN = "markdown"
    JSON = "json"


def show(
    protocol: ProtocolArgument,
    format_: Annotated[
        Format, typer.Option("--format", help="For a terminal, a browser, a document or a program.")
    ] = Format.TEXT,
) -> None:
    """Show all a protocol says: synopsis, eligibility in sentences, schedule, endpoints, settings, what is open.

    trialwright show nct04294498 | less; trialwright show nct07120750 --format html > protocol.html
    """
    with problems_told():
        from trialwright.analysis.run import not_yet_executable
        from trialwright.protocol.loading import load_protocol

        loaded = load_protocol(protocol)
        open_ends = not_yet_executable(loaded.protocol)
        if format_ is Format.JSON:
            from trialwright.reports.protocol_data import render_protocol_json

            typer.echo(render_protocol_json(loaded, open_ends))
            return
        from trialwright.reports.protocol_page import build_protocol_page

        page = build_protocol_page(loaded, open_ends)
        if format_ is Format.HTML:
            from trialwright.reports.html import render_html

            typer.echo(render_html(page), nl=False)
        elif format_ is Format.MARKDOWN:
            from trialwright.reports.markdown import render_markdown

            typer.echo(render_markdown(page), nl=False)
        else:
            from trialwright.reports.text import render_page_text

            width = min(100, shutil.get_terminal_size((100, 24)).columns)
            typer.echo(render_page_text(page, width=max(60, width)), nl=False)
