"""Names a protocol uses: every one must resolve to a definition in the same file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain

from trialwright.protocol.analyses import (
    BaselineTable,
    Cox,
    KaplanMeier,
    LogRank,
    RestrictedMean,
    ReverseKaplanMeier,
)
from trialwright.protocol.model import Fact, Protocol
from trialwright.vocabulary.concepts import catalogue
from trialwright.vocabulary.documents import Document, Path, dotted
from trialwright.vocabulary.problems import Problem, nearest

GROUPS = "groups"
"""The name by which analyses compare the protocol's groups rather than the levels of a fact."""

CATALOGUE = "catalogue of concepts"

Use = tuple[Path, str, tuple[str, ...]]
"""Where a name is used, the name, and the sections (or the catalogue) that may define it."""

_EDGE_OF_TREATMENT = re.compile(r"(?:first|last) ([a-z][a-z0-9_]*)\Z")


_GUESSES = 20
"""So many problems get the nearest known name; to look for it costs time, and nobody reads more."""


def check_references(protocol: Protocol, document: Document) -> list[Problem]:
    """Problems of names that resolve to nothing, or to something that cannot stand there."""
    return [
        *_unresolved_names(protocol, document),
        *_unfit_facts(protocol, document),
        *_unfit_times(protocol, document),
    ]


def _unresolved_names(protocol: Protocol, document: Document) -> list[Problem]:
    problems: list[Problem] = []
    for path, name, sections in _names_used(protocol):
        known = [_defined_in(protocol, section) for section in sections]
        if any(name in names for names in known):
            continue
        guess = nearest(name, [*chain(*known)]) if len(problems) < _GUESSES else None
        problems.append(
            Problem(
                "unresolved-name",
                f"`{name}` is not defined under {' or '.join(f'`{section}`' for section in sections)}",
                document.place_of(path, key=path[-1] == name),
                dotted(path),
                f"did you mean `{guess}`?" if guess else "",
            )
        )
    return problems


def _defined_in(protocol: Protocol, section: str) -> Mapping[str, object]:
    return catalogue() if section == CATALOGUE else getattr(protocol, section)


def _names_used(protocol: Protocol) -> Iterator[Use]:
    yield from _anchor(("time zero",), protocol.time_zero, protocol)
    for id_, fact in protocol.facts.items():
        if fact.concept:
            yield ("facts", id_, "concept"), fact.concept, (CATALOGUE,)
    for id_, assay in protocol.assays.items():
        yield ("assays", id_, "measures"), assay.measures, ("facts",)
    for id_, group in protocol.groups.items():
        for i, treatment in enumerate(group.treatments):
            yield ("groups", id_, "treatments", i), treatment, ("treatments",)
    yield from _names_in_the_calendar(protocol)
    for id_, event in protocol.events.items():
        if event.of:
            yield ("events", id_, "of"), event.of, _FACTS
        for key, names in (("all of", event.all_of), ("any of", event.any_of)):
            for i, name in enumerate(names):
                yield ("events", id_, key, i), name, ("events",)
    yield from _names_in_endpoints(protocol)
    yield from _names_in_analyses(protocol)
    for id_, scenario in protocol.scenarios.items():
        for name in scenario.assumptions:
            yield ("scenarios", id_, "assumptions", name), name, ("assumptions",)
    for id_, monitoring in protocol.monitoring.items():
        if monitoring.event:
            yield ("monitoring", id_, "event"), monitoring.event, ("events",)


_FACTS = ("facts", CATALOGUE)


def _names_in_the_calendar(protocol: Protocol) -> Iterator[Use]:
    for id_, visit in protocol.visits.items():
        for i, name in enumerate(visit.measures):
            yield ("visits", id_, "measures", i), name, _FACTS
    for id_, clock in protocol.clocks.items():
        uses: tuple[tuple[str, str | None, tuple[str, ...]], ...] = (
            ("measure", clock.measure, _FACTS),
            ("assess", clock.assess, _FACTS),
            ("start of", clock.start_of, ("treatments",)),
            ("keep", clock.keep, ("treatments",)),
            ("during", clock.during, ("periods", "treatments")),
        )
        yield from ((("clocks", id_, key), name, sections) for key, name, sections in uses if name)


def _anchor(path: Path, words: str | None, protocol: Protocol) -> Iterator[Use]:
    """An anchor is declared by name, or is the first or last dose of a treatment."""
    if words is None:
        return
    edge = _EDGE_OF_TREATMENT.match(words)
    if edge and words not in protocol.anchors:
        yield path, edge.group(1), ("treatments",)
    else:
        yield path, words, ("anchors",)


def _names_in_endpoints(protocol: Protocol) -> Iterator[Use]:
    for id_, endpoint in protocol.endpoints.items():
        here: Path = ("endpoints", id_)
        if endpoint.rate_of:
            yield (*here, "rate of"), endpoint.rate_of, ("events",)
        for key, names in (("time to", endpoint.time_to), ("competing", endpoint.competing)):
            for i, name in enumerate(names):
                yield (*here, key, i), name, ("events",)
        yield from _anchor((*here, "from"), endpoint.from_, protocol)
        if endpoint.during:
            yield (*here, "during"), endpoint.during, ("periods", "treatments")
        if endpoint.estimand:
            yield (*here, "estimand", "population"), endpoint.estimand.population, ("populations",)


def _names_in_analyses(protocol: Protocol) -> Iterator[Use]:
    for id_, analysis in protocol.analyses.items():
        here: Path = ("analyses", id_)
        yield (*here, "population"), analysis.population, ("populations",)
        if not isinstance(analysis, BaselineTable):
            yield (*here, "endpoint"), analysis.endpoint, ("endpoints",)
        if not isinstance(analysis, Cox) and analysis.by and not (analysis.by == GROUPS and protocol.groups):
            yield (*here, "by"), analysis.by, ("facts",)
        lists: dict[str, tuple[str, ...]] = {}
        if isinstance(analysis, BaselineTable):
            lists = {"variables": analysis.variables}
        elif isinstance(analysis, LogRank):
            lists = {"strata": analysis.strata}
        elif isinstance(analysis, Cox):
            lists = {
                "strata": analysis.strata,
                "covariates": analysis.covariates,
                "reference": (*analysis.reference,),
            }
        for key, names in lists.items():
            for i, name in enumerate(names):
                yield (*here, key, name if key == "reference" else i), name, ("facts",)


def _unfit_facts(protocol: Protocol, document: Document) -> Iterator[Problem]:
    """What splits subjects must be a category with levels, what is described or adjusted for that or a number."""
    for id_, analysis in protocol.analyses.items():
        here: Path = ("analyses", id_)
        split: list[tuple[Path, str]] = []
        if not isinstance(analysis, Cox) and analysis.by:
            split.append(((*here, "by"), analysis.by))
        if isinstance(analysis, (LogRank, Cox)):
            split += [((*here, "strata", i), name) for i, name in enumerate(analysis.strata)]
        for path, name in split:
            if name in protocol.facts and not _is_category(protocol.facts[name]):
                yield _problem(
                    document, "not-a-category", path, f"`{name}` cannot split subjects: {_CATEGORY}"
                )
        key = "covariates" if isinstance(analysis, Cox) else "variables"
        for i, name in enumerate(getattr(analysis, key, ())):
            fact = protocol.facts.get(name)
            if fact and fact.kind not in ("number", "score") and not _is_category(fact):
                message = f"`{name}` cannot be analysed: it must be a number or score, or {_CATEGORY[8:]}"
                yield _problem(document, "unfit-fact", (*here, key, i), message)
        for name, level in analysis.reference.items() if isinstance(analysis, Cox) else ():
            fact = protocol.facts.get(name)
            if fact and level not in fact.levels:
                guess = nearest(level, fact.levels)
                fix = f"did you mean `{guess}`?" if guess else ""
                message = f"`{level}` is not a level of `{name}`"
                yield _problem(document, "unresolved-name", (*here, "reference", name), message, fix)


_CATEGORY = "it must be a category with at least two levels"


def _is_category(fact: Fact) -> bool:
    return fact.kind == "category" and len(fact.levels) >= 2


def _problem(document: Document, code: str, path: Path, message: str, fix: str = "") -> Problem:
    return Problem(code, message, document.place_of(path), dotted(path), fix)


def _unfit_times(protocol: Protocol, document: Document) -> Iterator[Problem]:
    """Reading times must be in the unit in which the endpoint's times are recorded."""
    for id_, analysis in protocol.analyses.items():
        times: list[tuple[Path, str]] = []
        here: Path = ("analyses", id_)
        if isinstance(analysis, KaplanMeier):
            times = [((*here, "read at", i), at.unit.value) for i, at in enumerate(analysis.read_at)]
            times.append(((*here, "ticks every"), analysis.ticks_every.unit.value))
        elif isinstance(analysis, RestrictedMean):
            times = [((*here, "horizon"), analysis.horizon.unit.value)]
        if not isinstance(analysis, (KaplanMeier, RestrictedMean, ReverseKaplanMeier, LogRank, Cox)):
            continue
        endpoint = protocol.endpoints.get(analysis.endpoint)
        if endpoint is None:
            continue
        if endpoint.kind != "time to event":
            path = (*here, "endpoint")
            yield Problem(
                "unfit-endpoint",
                f"`{analysis.method}` needs a time to event, and `{analysis.endpoint}` is a {endpoint.kind}",
                document.place_of(path),
                dotted(path),
            )
        for path, unit in times:
            if endpoint.unit and unit != endpoint.unit:
                yield Problem(
                    "unit-mismatch",
                    f"expected {endpoint.unit}, the unit in which `{analysis.endpoint}` is recorded, found {unit}",
                    document.place_of(path),
                    dotted(path),
                )
