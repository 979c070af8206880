"""The pages of the checks: one after another as `docs/checks.md`, or one alone for `--explain`."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from trialwright.checks.protocol_checks import SUBJECTS, find_check
from trialwright.checks.registry import CheckPage

_WIDTH = 100

_INTRODUCTION = """\
<!-- Written by `trialwright.checks.pages.write_checks_page`; change the checks, not this page. -->
# Checks

`trialwright check PROTOCOL` asks a protocol the {n} questions below, beyond whether it can be read at all. An **error** means that the trial \
cannot run as written, and the exit code is 1; a **warning** that something will cost the trial dearly or has to be decided; an **info** \
what follows from a choice, to be known before the first participant. `--ignore CODE` leaves a check out, `--explain CODE` prints its page. \
Warnings of rules, such as a laboratory criterion without a window, are told too; they stand in [problems.md](problems.md), with everything \
that keeps a document from being read.

A check speaks about the file, not about the people who wrote the study: it says what the protocol says, what follows from it, and what to \
decide. Each page has the lines that bring the message and lines that cure it; `~` stands for a key left out. The tests apply both to one \
sound protocol, and nothing else may change.
"""


def write_checks_page() -> str:
    """The text of `docs/checks.md`."""
    n = sum(len(checks) for _, checks in SUBJECTS)
    parts = [_INTRODUCTION.format(n=n)]
    for title, checks in SUBJECTS:
        parts += write_sections(title, checks)
    return "\n".join(parts)


def write_sections(title: str, checks: Sequence[CheckPage]) -> list[str]:
    """The checks of one subject: a table of them, and the page of each."""
    rows = [f"| [`{one.code}`](#{one.code}) | {one.severity} | {one.title} |" for one in checks]
    table = "\n".join([f"## {title}\n", "| code | severity | finds |", "|---|---|---|", *rows, ""])
    return [table, *map(_section, checks)]


def _section(one: CheckPage) -> str:
    return "\n".join(
        [
            f"### {one.code}\n",
            f"*{one.severity}* · {one.title}.\n",
            f"{one.why}\n",
            *("With the fault:\n", "```yaml", one.example, "```\n"),
            *("Without it:\n", "```yaml", one.cure, "```\n"),
            f"Source: {one.source}\n",
        ]
    )


def explain_check(code: str) -> str | None:
    """The page of one check for a terminal; None if there is no such check."""
    one = find_check(code)
    return explain_page(one) if one else None


def explain_page(one: CheckPage) -> str:
    """The page of a check for a terminal."""
    parts: Sequence[str] = [
        f"{one.severity}[{one.code}]: {one.title}",
        textwrap.fill(one.why, _WIDTH),
        f"With the fault:\n\n{textwrap.indent(one.example, '    ')}",
        f"Without it:\n\n{textwrap.indent(one.cure, '    ')}",
        textwrap.fill(f"Source: {one.source}", _WIDTH),
    ]
    return "\n\n".join(parts)
