"""A protocol in one screen of text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from trialwright.protocol.model import Protocol

_WIDTH = 100
_INDENT = 14


def write_synopsis(protocol: Protocol, not_yet_executable: Mapping[str, str]) -> str:
    """What the study is, its endpoints and analyses, and what cannot be run yet (path to reason)."""
    lines = [f"{protocol.study.id}: {protocol.study.title}", ""]
    for key, value in _overview(protocol):
        lines += textwrap.wrap(
            value, _WIDTH, initial_indent=f"{key:<{_INDENT}}", subsequent_indent=" " * _INDENT
        )
    lines += ["", "Endpoints"]
    lines += _table([(name, item.role, item.kind, item.label) for name, item in protocol.endpoints.items()])
    lines += ["", "Analyses"]
    lines += _table([(name, item.role, item.method, item.title) for name, item in protocol.analyses.items()])
    lines += ["", "Read first"] if protocol.study.caution else []
    for text in protocol.study.caution:
        lines += textwrap.wrap(text, _WIDTH, initial_indent="  - ", subsequent_indent="    ")
    lines += ["", "Not yet executable"]
    lines += [f"  {path}: {reason}" for path, reason in not_yet_executable.items()] or [
        "  nothing: all of it runs"
    ]
    return "\n".join(lines)


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows with their columns aligned; a section without rows says so."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    padded = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return [f"  {row}" for row in padded] or ["  none"]


def _overview(protocol: Protocol) -> Iterator[tuple[str, str]]:
    study = protocol.study
    if protocol.version:
        yield "Version", f"{protocol.version.number} of {protocol.version.date.isoformat()}"
    if study.registered and study.registered.nct:
        yield "Registered", study.registered.nct
    yield "Type", f"{study.type}, {study.allocation}"
    if study.enrolment:
        yield "Subjects", f"{study.enrolment:,}"
    if study.objective:
        yield "Objective", study.objective
    if protocol.time_zero:
        yield "Time zero", protocol.time_zero
    n_criteria = len(protocol.eligibility.inclusion), len(protocol.eligibility.exclusion)
    if any(n_criteria):
        yield "Eligibility", f"inclusion criteria: {n_criteria[0]}, exclusion criteria: {n_criteria[1]}"
    for title, section in (("Groups", protocol.groups), ("Treatments", protocol.treatments)):
        if section:
            yield title, ", ".join(item.label or name for name, item in section.items())
    if study.source:
        yield "Source", study.source
