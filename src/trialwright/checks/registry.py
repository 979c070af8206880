"""What a check is: one function, and the page that explains it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from trialwright.checks.checked import Checked
from trialwright.vocabulary.documents import Path
from trialwright.vocabulary.problems import Severity

Base = Literal["single arm", "two groups"]


@dataclass(frozen=True, slots=True)
class Found:
    """One place where a check found something.

    `message` says what the protocol says and what follows; `fix` what to decide or write. `about_key` places the message
    at the key rather than at its value.
    """

    path: Path
    message: str
    fix: str = ""
    about_key: bool = False


Search = Callable[[Checked], Iterator[Found]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPage:
    """The page of a check.

    Parameters
    ----------
    code : str
        A promise; named after the pattern found.
    severity : Severity
    title : str
        What the check looks for, in one sentence without a full stop.
    why : str
        What it costs a trial.
    example, cure : str
        Lines with the fault and without it. They are patches of something sound (`~` takes a key away), and the tests
        apply them.
    source : str
        Where the knowledge comes from.
    """

    code: str
    severity: Severity
    title: str
    why: str
    example: str
    cure: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(CheckPage):
    """A question asked of every protocol.

    Parameters
    ----------
    search : callable
        Yields what is found.
    base : str
        The sound protocol that the lines of the page belong to.
    """

    search: Search
    base: Base = "two groups"


def check(
    code: str,
    severity: Severity,
    *,
    title: str,
    why: str,
    example: str,
    cure: str,
    source: str,
    base: Base = "two groups",
) -> Callable[[Search], Check]:
    """Make a check of the function below; see `Check`."""

    def made(search: Search) -> Check:
        return Check(
            code=code,
            severity=severity,
            title=title,
            why=" ".join(why.split()),
            example=example.strip("\n"),
            cure=cure.strip("\n"),
            source=source,
            search=search,
            base=base,
        )

    return made
