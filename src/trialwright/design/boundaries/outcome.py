"""A test pack, run: its table as text, as JSON and as files."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from trialwright.design.boundaries.cases import Case, Expected, Untested
from trialwright.design.boundaries.judging import Result, judge_cases
from trialwright.design.boundaries.pack import make_pack
from trialwright.design.boundaries.sketches import subject_of, tabulate
from trialwright.protocol.facts import Scope
from trialwright.protocol.loading import LoadedProtocol, hash_protocol
from trialwright.protocol.scopes import make_scope
from trialwright.records.files import Format, write_records
from trialwright.vocabulary.documents import refusal
from trialwright.vocabulary.problems import Place

_WIDTH = 110
_FORMAT = "trialwright-oq/1"


@dataclass(frozen=True)
class Outcome:
    """What a test pack gave.

    Attributes
    ----------
    loaded : LoadedProtocol
    results : sequence of Result
    untested : sequence of Untested
        What could not be tested, and why.
    tables : mapping of str to DataFrame
        The records of the invented patients; the n-th result is about subject n.
    """

    loaded: LoadedProtocol
    results: Sequence[Result]
    untested: Sequence[Untested]
    tables: Mapping[str, pl.DataFrame]

    @cached_property
    def scope(self) -> Scope:
        return make_scope(self.loaded.protocol, self.loaded.document)

    @property
    def differences(self) -> list[Result]:
        return [result for result in self.results if not result.agrees]

    def count_thresholds(self) -> tuple[int, int]:
        """How many thresholds of rules there are cases for, and how many there are."""
        tested = {(result.case.element, result.case.threshold) for result in self.results}
        missed = {(one.element, one.threshold) for one in self.untested if one.is_threshold}
        return len(tested), len(tested | missed)


def run_pack(loaded: LoadedProtocol, *, element: str | None = None) -> Outcome:
    """Make the cases of a protocol and judge them.

    Parameters
    ----------
    loaded : LoadedProtocol
    element : str, optional
        A dotted path: only what stands there or below.
    """
    pack = [one for one in make_pack(loaded) if element is None or is_below(one.element, element)]
    cases = [one for one in pack if isinstance(one, Case)]
    untested = [one for one in pack if isinstance(one, Untested)]
    tables = tabulate(
        [case.sketch for case in cases], loaded.protocol, make_scope(loaded.protocol, loaded.document)
    )
    return Outcome(loaded, judge_cases(loaded, cases, tables) if cases else [], untested, tables)


def is_below(path: str, element: str) -> bool:
    """Whether a dotted path is an element or lies in it."""
    return f"{path}.".startswith(f"{element}.")


# --- as text ----------------------------------------------------------------------------------------------------------------


def render_text(outcome: Outcome) -> str:
    """The table: for each element and threshold what was on record, what was expected and what was found."""
    lines: list[str] = []
    for (element, threshold), results in groupby(
        outcome.results, key=lambda result: (result.case.element, result.case.threshold)
    ):
        lines += ["", element, f"  {threshold}"]
        lines += [line for result in results for line in _lines_of(result, outcome.scope)]
    if outcome.untested:
        lines += ["", "Not tested:"]
        lines += [
            line
            for one in outcome.untested
            for line in _wrapped(f"- {one.element}: {one.threshold}: {one.why}", "  ")
        ]
    return "\n".join([*lines, "", summarise(outcome)]).lstrip("\n")


def _lines_of(result: Result, scope: Scope) -> Iterator[str]:
    case = result.case
    mark = "ok  " if result.agrees else "DIFF"
    yield f"    {mark} {case.situation}: expected {told(case.expected)}, found {told(result.found, case.expected)}"
    yield from _wrapped(case.sketch.words(scope), " " * 9)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )


def told(one: Expected, like: Expected | None = None) -> str:
    """A verdict in words, with the day and the number where they are asked for."""
    asked = like or one
    words = [str(one.verdict)]
    if asked.day is not None:
        words.append(f"on {one.day}" if one.day else "without a day")
    if asked.times is not None:
        words.append("once" if one.times == 1 else f"{one.times} times")
    return " ".join(words)


def summarise(outcome: Outcome) -> str:
    """One line: how many cases, how many differ, how much of the rules they cover."""
    tested, thresholds = outcome.count_thresholds()
    n, differing = len(outcome.results), len(outcome.differences)
    study, version = outcome.loaded.protocol.study.id, outcome.loaded.protocol.version
    name = f"{study} {version.number}" if version else study
    agreement = "all as expected" if not differing else f"{differing} not as expected"
    return (
        f"{name}: {n} case{'s' if n != 1 else ''}, {agreement}; "
        f"{tested} of {thresholds} thresholds tested, {len(outcome.untested)} listed as not tested"
    )


# --- as data ----------------------------------------------------------------------------------------------------------------


def render_json(outcome: Outcome) -> str:
    """Everything the text tells, for programs."""
    tested, thresholds = outcome.count_thresholds()
    told_ = {
        "format": _FORMAT,
        "simulated": True,
        "study": outcome.loaded.protocol.study.id,
        "protocol": hash_protocol(outcome.loaded.protocol),
        "cases": list(_rows(outcome)),
        "not_tested": [
            {"element": one.element, "threshold": one.threshold, "why": one.why} for one in outcome.untested
        ],
        "summary": {
            "cases": len(outcome.results),
            "differences": len(outcome.differences),
            "thresholds": thresholds,
            "thresholds_tested": tested,
        },
    }
    return json.dumps(told_, indent=2, ensure_ascii=False)


def _rows(outcome: Outcome) -> Iterator[dict[str, Any]]:
    for number, result in enumerate(outcome.results):
        case = result.case
        yield {
            "subject": subject_of(number),
            "element": case.element,
            "threshold": case.threshold,
            "case": case.situation,
            "records": case.sketch.words(outcome.scope),
            "expected": told(case.expected),
            "found": told(result.found, case.expected),
            "agrees": result.agrees,
        }


def write_outcome(outcome: Outcome, folder: Path) -> list[str]:
    """Write results and records into a folder that is made if need be; the names of the files.

    Records stand in `simulated-records`, and every dataset says SIMULATED.

    Raises
    ------
    ProblemsFound
        `folder-not-empty`, if something is in it; `unwritable-file`.
    """
    records = folder / "simulated-records"
    results = {
        folder / "simulated-results.json": render_json(outcome) + "\n",
        folder / "simulated-results.csv": pl.DataFrame(list(_rows(outcome))).write_csv(),
    }
    try:
        if folder.exists() and any(folder.iterdir()):
            message = "must be empty or not there, so that no old record stays beside"
            raise refusal("folder-not-empty", message, Place(str(folder)))
        records.mkdir(parents=True)
        write_records(outcome.tables, records, Format.CSV)
        for path, text in results.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise refusal(
            "unwritable-file", f"cannot be written: {error.strerror}", Place(str(folder))
        ) from error
    return sorted(str(path.relative_to(folder)) for path in (*records.iterdir(), *results))
