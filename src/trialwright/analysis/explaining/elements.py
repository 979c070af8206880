"""What of the protocol a number rests on: each element with its line, its words, and its rules as sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trialwright.analysis.explaining.exposure import safety_population
from trialwright.analysis.results import Result
from trialwright.analysis.safety_board import BOARD
from trialwright.derivations.definitions import BASELINE, Definitions, during, told_by
from trialwright.derivations.observations import names_in
from trialwright.derivations.stopping_boundary import watched_endpoint
from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.model import Protocol
from trialwright.protocol.rule_sentences import render_sentence
from trialwright.vocabulary.documents import Path, dotted, shown

_TITLES = ("title", "label", "text")
_SECTIONS_OF_BOARD = ("treatments", "monitoring", "facts")
_APART = (*_TITLES, "role", "status", "source", "reason")
"""Keys that are told apart from what else an element says."""


@dataclass(frozen=True, slots=True)
class Saying:
    """One key of an element: what stands there, a rule as a sentence, and its line."""

    key: str
    words: str
    line: int | None


@dataclass(frozen=True, slots=True)
class ToldElement:
    """An element of the protocol as its file has it.

    Attributes
    ----------
    path : str
        `endpoints.reactivation`
    place : str
        File and line.
    title, role, status, source, reason : str
        What it says of itself; empty where it does not.
    says : tuple of Saying
        Everything else that is written there, in its order.
    """

    path: str
    place: str
    title: str
    role: str
    status: str
    source: str
    reason: str
    says: tuple[Saying, ...]


def tell_element(loaded: LoadedProtocol, path: Path) -> ToldElement:
    """An element at a path of the document, key by key as it is written."""
    written = _written_at(loaded, path)
    element: Mapping[str, Any] = written if isinstance(written, dict) else {str(path[-1]): written}
    place = loaded.document.place_of(path, key=True)
    own = {key: str(element.get(key) or "") for key in _APART}
    return ToldElement(
        dotted(path),
        f"{place.file}:{place.line}" if place.line else place.file,
        next((own[key] for key in _TITLES if own[key]), ""),
        own["role"],
        own["status"],
        own["source"],
        own["reason"],
        tuple(_sayings(loaded, path, element)) if written is not None else (),
    )


def _sayings(loaded: LoadedProtocol, path: Path, element: Mapping[str, Any]) -> Iterator[Saying]:
    for key, value in element.items():
        here = (*path, key) if key != path[-1] or isinstance(_written_at(loaded, path), dict) else path
        if key in _APART:
            continue
        rule = loaded.writing.rules.get(dotted(here))
        words = render_sentence(rule.condition, rule.scope) if rule else shown(value)
        yield Saying(key, words, loaded.document.place_of(here, key=True).line)


def _written_at(loaded: LoadedProtocol, path: Path) -> Any:
    """What the document has at a path; None where nothing is written."""
    value = loaded.document.data
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


# --- which elements -----------------------------------------------------------------------------------------------------


def paths_behind(definitions: Definitions, result: Result) -> tuple[Path, ...]:
    """The elements a number rests on: its analysis, endpoint and population, and all that these name, each once.

    After these three stand events, periods, anchors, the baseline and facts, each in the order of the protocol.
    """
    protocol = definitions.loaded.protocol
    roots = list(_roots(protocol, result))
    names = {name for path in roots for name in _named_under(definitions.loaded, path)}
    behind = [path for path in _paths_of(protocol, definitions.rests_on(names)) if path not in roots]
    return (*roots, *behind)


def events_behind(paths: Iterable[Path]) -> list[str]:
    """The events among paths."""
    return [str(path[1]) for path in paths if path[0] == "events"]


def _roots(protocol: Protocol, result: Result) -> Iterator[Path]:
    analysis = protocol.analyses.get(result.analysis)
    if analysis is not None:
        yield "analyses", result.analysis
        if result.endpoint in protocol.endpoints:
            yield "endpoints", result.endpoint
        yield "populations", analysis.population
        yield from (("groups", name) for name in protocol.groups if name == result.group)
        return
    if result.statistic == "n_planned":
        yield "study", "enrolment"
    item = (result.item or "").removeprefix("due ").split(" ")[0].rstrip(":")
    is_board = result.analysis == BOARD
    for section in _SECTIONS_OF_BOARD if is_board else ("populations", "endpoints", "treatments"):
        if item in getattr(protocol, section):
            yield section, item
    watched = protocol.monitoring.get(item) if is_board else None
    if watched is not None and (counted := watched_endpoint(protocol, watched)):
        yield "endpoints", counted[0]
    if (not result.item or is_board) and (population := safety_population(protocol)):
        yield "populations", population


def _named_under(loaded: LoadedProtocol, path: Path) -> set[str]:
    """What an element names: in its keys, in its dates and in its rules."""
    here = f"{dotted(path)}."
    dates, rules = loaded.writing.dates.items(), loaded.writing.rules.items()
    named = {name for at, said in dates if at.startswith(here) for name in told_by(said.date)}
    named |= {name for at, rule in rules if at.startswith(here) for name in names_in(rule.condition)}
    match path:
        case ("endpoints", str(id_)):
            endpoint = loaded.protocol.endpoints[id_]
            named |= {*endpoint.time_to, *endpoint.competing, endpoint.rate_of or "", endpoint.of or ""}
            named |= {cause.event or "" for cause in endpoint.censoring.values()}
            named |= {endpoint.during or "", during(endpoint.during or "")}
        case ("monitoring", str(id_)):
            named |= {loaded.protocol.monitoring[id_].event or ""}
        case ("analyses", str(id_)):
            analysis = loaded.protocol.analyses[id_]
            for key in ("variables", "covariates", "strata"):
                named |= {*getattr(analysis, key, ())}
            named |= {getattr(analysis, "by", None) or ""}
    return named


def _paths_of(protocol: Protocol, names: Collection[str]) -> Iterator[Path]:
    yield from (("events", name) for name in protocol.events if name in names)
    yield from (("periods", name) for name in protocol.periods if during(name) in names)
    yield from (("anchors", name) for name in protocol.anchors if name in names)
    if BASELINE in names and protocol.baseline:
        is_named = protocol.baseline in protocol.baselines
        yield ("baselines", protocol.baseline) if is_named else ("baseline",)
    yield from (("facts", name) for name in protocol.facts if name in names)
