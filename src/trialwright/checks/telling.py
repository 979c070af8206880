"""Problems as text with the lines they are about, as JSON, or as annotations of a pull request."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from trialwright.vocabulary.problems import Problem, Severity

Format = Literal["text", "json", "github"]

_WIDTH = 110
_SHOWN_ALIKE = 5
_ANNOTATIONS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What checking a protocol gave.

    `n_checks` is None where the document has problems that keep the checks from being asked. `lines` are those of the file.
    """

    file: str
    problems: Sequence[Problem]
    n_checks: int | None
    n_ignored: int = 0
    lines: Sequence[str] = ()

    @property
    def has_errors(self) -> bool:
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def count(self, severity: Severity) -> int:
        return sum(problem.severity is severity for problem in self.problems)


def render_outcome(outcome: Outcome, format_: Format) -> str:
    """The outcome in one of the formats; JSON and GitHub's annotations leave nothing out that the text says."""
    renderers: dict[Format, Callable[[Outcome], str]] = {
        "text": _render_text,
        "json": _render_json,
        "github": _render_github,
    }
    return renderers[format_](outcome)


def summarise(outcome: Outcome) -> str:
    """One line: how many of each severity, and how many checks were asked."""
    counts = [
        f"{n} {severity}{'s' if n > 1 else ''}" for severity in Severity if (n := outcome.count(severity))
    ]
    found = ", ".join(counts) or "nothing found"
    if outcome.n_checks is None:
        return f"{outcome.file}: {found}; the checks of the design wait until the document can be read"
    ignored = f", {outcome.n_ignored} ignored" if outcome.n_ignored else ""
    return f"{outcome.file}: {found}{ignored}; {outcome.n_checks} checks"


def _render_text(outcome: Outcome) -> str:
    """Of many problems with one code, five and how many more."""
    seen: Counter[str] = Counter()
    told = []
    for problem in outcome.problems:
        seen[problem.code] += 1
        if seen[problem.code] <= _SHOWN_ALIKE:
            told.append(_with_excerpt(problem, outcome.lines))
    more = [f"and {n - _SHOWN_ALIKE} more [{code}]" for code, n in seen.items() if n > _SHOWN_ALIKE]
    if more:
        told.append("\n".join([*more, "--format json lists all of them"]))
    return "\n\n".join([*told, summarise(outcome)])


def _with_excerpt(problem: Problem, lines: Sequence[str]) -> str:
    first, *rest = str(problem).split("\n")
    return "\n".join([first, *_excerpt(problem, lines), *rest])


def _excerpt(problem: Problem, lines: Sequence[str]) -> Iterable[str]:
    place = problem.place
    if place is None or place.line is None or place.column is None or place.line > len(lines):
        return []
    line = lines[place.line - 1]
    if not line.isprintable():
        return []
    margin = len(str(place.line))
    room = _WIDTH - margin - 5
    start = max(0, place.column - 1 - room // 2) if len(line) > room else 0
    shown = line[start : start + room]
    bar = " " * (margin + 1) + " |"
    return [bar, f" {place.line} | {shown}", f"{bar} {' ' * (place.column - 1 - start)}^"]


def _render_json(outcome: Outcome) -> str:
    problems = [
        {
            "code": problem.code,
            "severity": problem.severity.value,
            "file": problem.place.file if problem.place else None,
            "line": problem.place.line if problem.place else None,
            "column": problem.place.column if problem.place else None,
            "field": problem.field,
            "message": problem.message,
            "fix": problem.fix,
        }
        for problem in outcome.problems
    ]
    counts = {f"n_{severity}s": outcome.count(severity) for severity in Severity}
    data = {
        "file": outcome.file,
        "checked": outcome.n_checks is not None,
        "n_checks": outcome.n_checks or 0,
        "n_ignored": outcome.n_ignored,
        **counts,
        "problems": problems,
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _render_github(outcome: Outcome) -> str:
    return "\n".join([*map(_annotation, outcome.problems), f"::notice::{_escaped(summarise(outcome))}"])


def _annotation(problem: Problem) -> str:
    place = problem.place
    properties = {"title": problem.code}
    if place is not None:
        known = {"file": place.file, "line": place.line, "col": place.column}
        properties = {key: str(value) for key, value in known.items() if value is not None} | properties
    where = ",".join(f"{key}={_escaped(value, in_property=True)}" for key, value in properties.items())
    parts = [problem.message, f"at `{problem.field}`" if problem.field else "", problem.fix]
    text = "\n".join(part for part in parts if part)
    return f"::{_ANNOTATIONS[problem.severity]} {where}::{_escaped(text)}"


def _escaped(text: str, *, in_property: bool = False) -> str:
    """Workflow commands end at a line feed; properties also at a comma or colon."""
    marks = "%\r\n:," if in_property else "%\r\n"
    for mark in marks:
        text = text.replace(mark, f"%{ord(mark):02X}")
    return text
