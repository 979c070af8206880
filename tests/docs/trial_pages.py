"""docs/trials/*.md: every statement of a registry record, the element that holds it, and what executes it."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from tests.protocol.traceability import NOT_YET, NOTHING_TO_EXECUTE, element_at, read_statements

from trialwright.protocol.loading import LoadedProtocol, load_protocol
from trialwright.protocol.references import walk_stated
from trialwright.protocol.rule_sentences import render_sentence
from trialwright.vocabulary.documents import dotted

ROOT = Path(__file__).parents[2]


def render_trial_page(trial: str) -> str:
    """The annotated protocol of a shipped trial."""
    loaded = load_protocol(trial)
    parts = [
        f"<!-- Written by `make docs` from src/trialwright/protocol/shipped/{trial}. Change that, not this page. -->",
        f"# {loaded.protocol.study.id}, annotated",
        _introduction(trial, loaded),
        "## What the record says",
        *_record(trial, loaded),
        "## Criteria as the program reads them",
        _criteria(loaded),
        "## Where the record can be read in more than one way",
        _readings(loaded),
        "## Assumed",
        _assumed(loaded),
        "## Not stated",
        _not_stated(loaded),
    ]
    return "\n\n".join(parts) + "\n"


def _introduction(trial: str, loaded: LoadedProtocol) -> str:
    rows = read_statements(trial)
    n_waiting = sum(row.executed_by == NOT_YET for row in rows)
    n_words = sum(row.executed_by == NOTHING_TO_EXECUTE for row in rows)
    waiting = f", {n_waiting} wait for a later version" if n_waiting else ""
    study = loaded.protocol.study
    return (
        f"{study.title}. Registered as {study.registered.nct}. The protocol file is "
        f"[`protocol.yaml`](../../src/trialwright/protocol/shipped/{trial}/protocol.yaml); `trialwright show {trial}` "
        "prints it.\n\n"
        "It is written from the public record alone, in our own words. *Registered* is what the record says, *assumed* "
        "what we chose and why, *not stated* what the record leaves open and we do not choose. "
        f"Of {len(rows)} statements, {n_words} are words with nothing to execute{waiting}, "
        "the others are executed by the function named."
    )


def _record(trial: str, loaded: LoadedProtocol) -> Iterator[str]:
    for field, rows in groupby(
        read_statements(trial), key=lambda row: row.at.rstrip("0123456789 ").partition(",")[0]
    ):
        lines = [f"### {field.capitalize()}", "", *_head("place", "says", "element", "status", "executed by")]
        for row in rows:
            elements = "<br>".join(f"`{path}`" for path in row.elements)
            statuses = dict.fromkeys(_status(loaded, path) for path in row.elements)
            by = (
                row.executed_by
                if row.executed_by in (NOT_YET, NOTHING_TO_EXECUTE)
                else f"`{row.executed_by}`"
            )
            lines.append(_row(row.at, row.says, elements, ", ".join(statuses), by))
        yield "\n".join(lines)


def _status(loaded: LoadedProtocol, path: str) -> str:
    element = element_at(loaded, path)[1]
    return "assumed" if path.rpartition(".")[2] in element.assumed else element.status or ""


def _criteria(loaded: LoadedProtocol) -> str:
    lines = _head("criterion", "rule", "says")
    for path, rule in loaded.writing.rules.items():
        if path.startswith("eligibility."):
            told = render_sentence(rule.condition, rule.scope)
            lines.append(_row(f"`{path.removesuffix('.when')}`", f"`{' '.join(rule.text.split())}`", told))
    return "\n".join(lines)


def _readings(loaded: LoadedProtocol) -> str:
    lines = _head("element", "registered as", "read as", "other readings")
    for path, element, _ in walk_stated(loaded.protocol):
        if element.reading or element.alternatives:
            others = "<br>".join(f"`{name}`: {text}" for name, text in element.alternatives.items())
            lines.append(
                _row(f"`{dotted(path)}`", element.registered_as or "", element.reading or "", others)
            )
    return "\n".join(lines)


def _assumed(loaded: LoadedProtocol) -> str:
    lines = _head("element", "why")
    for path, element, _ in walk_stated(loaded.protocol):
        if element.status == "assumed":
            lines.append(_row(f"`{dotted(path)}`", element.reason or ""))
        lines += [_row(f"`{dotted((*path, key))}`", reason) for key, reason in element.assumed.items()]
    return "\n".join(lines)


def _not_stated(loaded: LoadedProtocol) -> str:
    lines = _head("element", "what follows")
    for path, element, _ in walk_stated(loaded.protocol):
        if element.status == "not stated":
            lines.append(_row(f"`{dotted(path)}`", element.reason or ""))
        lines += [_row(f"`{dotted(path)}`: {key}", what) for key, what in element.not_stated.items()]
    return "\n".join(lines)


def _head(*titles: str) -> list[str]:
    return [_row(*titles), _row(*("---" for _ in titles))]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
