"""Problems found in a document or in data: what, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from enum import StrEnum

_SHOWN_ALIKE = 5


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file: line and column count from 1, None where a whole file is meant."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong.

    `code` is a promise that programs may rely on, `message` is not. `field` is the path inside the document
    (`design.alpha`) or, for data, dataset, record and variable. `fix` is given only where we are fairly sure.
    """

    code: str
    message: str
    place: Place | None = None
    field: str = ""
    fix: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        lines = [f"{where}{self.severity}[{self.code}]: {self.message}"]
        if self.field:
            lines.append(f"  at `{self.field}`")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)


class ProblemsFound(Exception):
    """A document or a data file that cannot be used, with everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(format_problems(self.problems))


def format_problems(problems: Sequence[Problem]) -> str:
    """Render problems in the order found; of many with one code, five and how many more."""
    shown: list[str] = []
    seen: dict[str, int] = {}
    for problem in problems:
        seen[problem.code] = seen.get(problem.code, 0) + 1
        if seen[problem.code] <= _SHOWN_ALIKE:
            shown.append(str(problem))
    shown += [f"and {n - _SHOWN_ALIKE} more [{code}]" for code, n in seen.items() if n > _SHOWN_ALIKE]
    return "\n".join(shown)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to a misspelt one, if any is close."""
    word = word.casefold()
    spelt = {name.casefold(): name for name in known}
    close = get_close_matches(word, list(spelt), n=3, cutoff=0.6)
    # of words equally close the one that begins alike: `pagse` is `pages` rather than `phase`
    best = max(close, key=lambda name: (_closeness(name, word), name[:2] == word[:2]), default=None)
    return spelt[best] if best else None


def _closeness(name: str, word: str) -> float:
    return SequenceMatcher(None, name, word).ratio()
