"""What of the protocol a number rests on: each element with its line, its words, and its rules as sentences."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trialwright.analysis.calendar_kept import CALENDAR
from trialwright.analysis.exposure import EXPOSURE
from trialwright.analysis.immortal_time import IMMORTAL, counted_before
from trialwright.analysis.participation import ENDED, FAILED
from trialwright.analysis.results import Result
from trialwright.analysis.run import FLOW
from trialwright.analysis.safety_board import BOARD
from trialwright.derivations.adattr import FLARE
from trialwright.derivations.adattr import PARAMETERS as GRADED_LIVER_TESTS
from trialwright.derivations.adclock import what_became
from trialwright.derivations.adliver import REACTIVATION
from trialwright.derivations.definitions import BASELINE, Definitions, during, told_by
from trialwright.derivations.observations import names_in
from trialwright.derivations.safety_period import safety_population
from trialwright.derivations.stopping_boundary import watched_endpoint
from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.model import Protocol
from trialwright.protocol.rule_sentences import render_sentence
from trialwright.protocol.safety import safety_endpoint
from trialwright.vocabulary.documents import Path, dotted, shown

_TITLES = ("title", "label", "text")
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
    roots = list(dict.fromkeys(_roots(definitions.loaded, result)))
    names = {name for path in roots for name in _named_under(definitions.loaded, path)}
    behind = [path for path in _paths_of(protocol, definitions.rests_on(names)) if path not in roots]
    return (*roots, *behind)


def events_behind(paths: Iterable[Path]) -> list[str]:
    """The events among paths."""
    return [str(path[1]) for path in paths if path[0] == "events"]


def _roots(loaded: LoadedProtocol, result: Result) -> Iterator[Path]:
    """What a result is asked for by, the narrowest first; several may be the same."""
    protocol = loaded.protocol
    analysis = protocol.analyses.get(result.analysis)
    item = result.item or ""
    if analysis is not None:
        yield "analyses", result.analysis
        if result.endpoint in protocol.endpoints:
            yield "endpoints", result.endpoint
        yield "populations", analysis.population
    elif result.analysis == FLOW:
        yield from _of_flow(protocol, item, result.statistic)
    elif result.analysis == EXPOSURE:
        yield from _of_exposure(protocol, item)
    elif result.analysis == BOARD:
        yield from _of_board(protocol, item, result.statistic)
    elif result.analysis == CALENDAR:
        yield from _of_calendar(protocol, item)
    elif result.analysis == IMMORTAL:
        yield from (("analyses", name) for name in counted_before(protocol))
        yield from (("endpoints", name) for name in protocol.endpoints if name == result.endpoint)
        yield from (("groups", name) for name in protocol.groups)
    else:
        yield from _of_source(loaded, f"{item}; {result.source}")
    yield from (("groups", name) for name in protocol.groups if name == result.group)


def _of_flow(protocol: Protocol, item: str, statistic: str) -> Iterator[Path]:
    if statistic == "n_planned":
        yield "study", "enrolment"
    elif not item:
        yield ("study",)
    name = item.partition(FAILED if statistic == "n_failed_screening" else ENDED)[0]
    yield from (
        (section, name) for section in ("populations", "endpoints") if name in getattr(protocol, section)
    )


def _of_exposure(protocol: Protocol, item: str) -> Iterator[Path]:
    """Rows are of treatments and what ends them, complications of the liver, and what is attributed to a cause."""
    for name, treatment in protocol.treatments.items():
        if item == name or item.startswith(f"{name} "):
            rule = item.rpartition(" ")[2]
            yield from [("treatments", name, "until", rule)] if rule in treatment.until else []
            yield "treatments", name
    if item.startswith("liver "):
        yield ("time zero",)
        yield from (("events", name) for name in protocol.events if name == REACTIVATION)
    elif item.startswith("flare"):
        yield from (("events", name) for name in protocol.events if name == FLARE)
    elif item.startswith("laboratory"):
        yield from (
            ("facts", name) for name, fact in protocol.facts.items() if fact.concept in GRADED_LIVER_TESTS
        )
    elif item.startswith("adverse event") and (found := safety_endpoint(protocol)):
        yield "endpoints", found[0]
    yield from _safety(protocol)


def _of_board(protocol: Protocol, item: str, statistic: str) -> Iterator[Path]:
    if statistic == "n_planned":
        yield "study", "enrolment"
    if item.startswith("due "):
        _, fact, path = item.split(" ")
        yield from (tuple(path.split(".")), ("facts", fact))
    name = item.split(" ")[0].rstrip(":")
    yield from (
        (section, name) for section in ("treatments", "monitoring") if name in getattr(protocol, section)
    )
    watched = protocol.monitoring.get(name)
    if watched is not None and (counted := watched_endpoint(protocol, watched)):
        yield "endpoints", counted[0]
    yield from _safety(protocol)


def _safety(protocol: Protocol) -> Iterator[Path]:
    """The population in which harms are counted."""
    population = safety_population(protocol)
    yield from [("populations", population)] if population else []


def _of_calendar(protocol: Protocol, item: str) -> Iterator[Path]:
    """A clock, a visit or what a visit asks to be repeated, and the deviations that look at what became of it."""
    section, name, *key = item.split(".")
    yield section, name, *key
    yield section, name
    for id_, deviation in protocol.deviations.items():
        if deviation.is_ and item == what_became(deviation)[0]:
            yield "deviations", id_


def _of_source(loaded: LoadedProtocol, source: str) -> Iterator[Path]:
    """Paths of the protocol among what the source of a number names, of a design and of virtual trials."""
    for said in re.split(r"; | <- ", source):
        path = tuple(said.removesuffix(".value").split("."))
        if _written_at(loaded, path) is not None:
            yield path


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
        case ("clocks", str(id_)):
            clock = loaded.protocol.clocks[id_]
            named |= {clock.measure or "", clock.assess or "", clock.start_of or "", clock.keep or ""}
            named |= {clock.during or "", during(clock.during or "")}
        case ("visits", str(id_)):
            named |= {*loaded.protocol.visits[id_].measures}
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
    yield from (("treatments", name) for name in protocol.treatments if name in names)
    yield from (("facts", name) for name in protocol.facts if name in names)
