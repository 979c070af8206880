"""Names a protocol uses: every one must resolve to a definition in the same file."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from trialwright.protocol.analyses import (
    AnalysisBase,
    BaselineTable,
    GradeTable,
    Proportion,
    TimeAnalysis,
    VisitSummary,
)
from trialwright.protocol.model import Event, Fact, Protocol
from trialwright.protocol.stated import Stated
from trialwright.vocabulary.concepts import catalogue
from trialwright.vocabulary.documents import Document, Path, dotted
from trialwright.vocabulary.elements import Element
from trialwright.vocabulary.problems import Problem, nearest

GROUPS = "groups"
"""The name by which analyses compare the protocol's groups rather than the levels of a fact."""

DEATH = "death"
"""The event that is read from DM; nothing a person does comes after it."""

NEW_THERAPY = "new_anticancer_therapy"
"""The event after which responses, and adverse events that are not related, no longer count where an estimand says so."""

CATALOGUE = "catalogue of concepts"

Use = tuple[Path, str, tuple[str, ...]]
"""Where a name is used, the name, and the sections (or the catalogue) that may define it."""

_GUESSES = 20
"""So many problems get the nearest known name; to look for it costs time, and nobody reads more."""


def check_references(protocol: Protocol, document: Document) -> list[Problem]:
    """Problems of names that resolve to nothing, or to something that cannot stand there."""
    return [
        *_unresolved_names(protocol, document),
        *_unfit_facts(protocol, document),
        *_unfit_times(protocol, document),
        *_unfit_statements(protocol, document),
    ]


def _unresolved_names(protocol: Protocol, document: Document) -> list[Problem]:
    problems: list[Problem] = []
    for path, name, sections in names_used(protocol):
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


def names_used(protocol: Protocol) -> Iterator[Use]:
    """Every name under a key that holds names: not those in rules and dates."""
    for id_, fact in protocol.facts.items():
        if fact.concept:
            yield ("facts", id_, "concept"), fact.concept, (CATALOGUE,)
    for id_, assay in protocol.assays.items():
        yield ("assays", id_, "measures"), assay.measures, _FACTS
    for id_, group in protocol.groups.items():
        for i, treatment in enumerate(group.treatments):
            yield ("groups", id_, "treatments", i), treatment, ("treatments",)
    yield from _names_in_the_calendar(protocol)
    for id_, event in protocol.events.items():
        if event.of:
            yield ("events", id_, "of"), event.of, (*_FACTS, "treatments", "events")
        if event.dated_to:
            yield ("events", id_, "dated to"), event.dated_to, (*_FACTS, "treatments", "events")
        if event.during:
            yield ("events", id_, "during"), event.during, _PERIODS
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
    for id_, deviation in protocol.deviations.items():
        named: tuple[tuple[str, str | None, tuple[str, ...]], ...] = (
            ("of", deviation.of, (*_FACTS, "treatments", "events")),
            ("clock", deviation.clock, ("clocks",)),
            ("visit", deviation.visit, ("visits",)),
        )
        yield from ((("deviations", id_, key), name, sections) for key, name, sections in named if name)
    if protocol.design and protocol.design.endpoint:
        yield ("design", "endpoint"), protocol.design.endpoint, ("endpoints",)
    if protocol.design and protocol.design.rests_on:
        for key, name in protocol.design.rests_on.named():
            yield ("design", "rests on", key), name, ("assumptions",)


_FACTS = ("facts", CATALOGUE)
_PERIODS = ("periods", "treatments")


def _names_in_the_calendar(protocol: Protocol) -> Iterator[Use]:
    for id_, visit in protocol.visits.items():
        for i, name in enumerate(visit.measures):
            yield ("visits", id_, "measures", i), name, (*_FACTS, "treatments")
        for i, name in enumerate(visit.ends_with):
            yield ("visits", id_, "ends with", i), name, ("events",)
    for id_, clock in protocol.clocks.items():
        uses: tuple[tuple[str, str | None, tuple[str, ...]], ...] = (
            ("measure", clock.measure, _FACTS),
            ("assess", clock.assess, _FACTS),
            ("start of", clock.start_of, ("treatments",)),
            ("keep", clock.keep, ("treatments",)),
            ("during", clock.during, _PERIODS),
        )
        yield from ((("clocks", id_, key), name, sections) for key, name, sections in uses if name)


def _names_in_endpoints(protocol: Protocol) -> Iterator[Use]:
    for id_, endpoint in protocol.endpoints.items():
        here: Path = ("endpoints", id_)
        if endpoint.rate_of:
            yield (*here, "rate of"), endpoint.rate_of, ("events",)
        for key, names in (("time to", endpoint.time_to), ("competing", endpoint.competing)):
            for i, name in enumerate(names):
                yield (*here, key, i), name, ("events",)
        if endpoint.of:
            yield (*here, "of"), endpoint.of, _FACTS
        for cause, censoring in endpoint.censoring.items():
            if censoring.event:
                yield (*here, "censoring", cause, "event"), censoring.event, ("events",)
        if endpoint.during:
            yield (*here, "during"), endpoint.during, _PERIODS
        if endpoint.estimand:
            yield (*here, "estimand", "population"), endpoint.estimand.population, ("populations",)
            for words in endpoint.estimand.intercurrent_events if not endpoint.reported else ():
                path = (*here, "estimand", "intercurrent events", words)
                yield path, words.replace(" ", "_"), ("events",)


def _names_in_analyses(protocol: Protocol) -> Iterator[Use]:
    for id_, analysis in protocol.analyses.items():
        here: Path = ("analyses", id_)
        yield (*here, "population"), analysis.population, ("populations",)
        if not isinstance(analysis, BaselineTable):
            yield (*here, "endpoint"), analysis.endpoint, ("endpoints",)
        for path, name in _facts_in(here, analysis):
            if not (name == GROUPS and protocol.groups and path[2] in _MAY_BE_GROUPS):
                yield path, name, ("facts",)


def facts_named(protocol: Protocol, analyses: Container[str] | None = None) -> list[str]:
    """The facts that analyses (some, by id, or all) compare, describe, adjust or weight by, in the order in which the protocol
    names them first."""
    asked = {id_: one for id_, one in protocol.analyses.items() if analyses is None or id_ in analyses}
    named = (name for id_, one in asked.items() for _, name in _facts_in(("analyses", id_), one))
    return [name for name in dict.fromkeys(named) if name in protocol.facts]


_MAY_BE_GROUPS = ("by", "strata", "covariates", "reference", "time varying")


def _facts_in(here: Path, analysis: AnalysisBase) -> Iterator[tuple[Path, str]]:
    """The facts an analysis names, in the order of its keys."""
    by = getattr(analysis, "by", None)
    if by:
        yield (*here, "by"), by
    for key in ("variables", "strata", "covariates", "facts"):
        yield from (((*here, key, i), name) for i, name in enumerate(getattr(analysis, key, ())))
    for key in ("reference", "transform", "cuts"):
        yield from (((*here, key, name), name) for name in getattr(analysis, key, ()))
    yield from (
        ((*here, "time varying", i), name) for i, name in enumerate(getattr(analysis, "time_varying", ()))
    )
    weights = getattr(analysis, "weights", None)
    for i, name in enumerate(weights.covariates if weights else ()):
        yield (*here, "weights", "covariates", i), name
    for name in weights.transform if weights else ():
        yield (*here, "weights", "transform", name), name


def _unfit_facts(protocol: Protocol, document: Document) -> Iterator[Problem]:
    """What splits subjects must be a category with levels, what is described or adjusted for that or a number."""
    for id_, analysis in protocol.analyses.items():
        for path, name in _facts_in(("analyses", id_), analysis):
            fact = protocol.facts.get(name)
            if fact is None:
                continue
            if path[2] in ("by", "strata") and not _is_category(fact):
                message = f"`{name}` cannot split subjects: {_CATEGORY}"
                yield _problem(document, "not-a-category", path, message)
            elif path[2] in ("covariates", "variables", "weights", "facts") and not (
                fact.kind in ("number", "score") or _is_category(fact)
            ):
                message = f"`{name}` cannot be analysed: it must be a number or score, or {_CATEGORY[8:]}"
                yield _problem(document, "unfit-fact", path, message)
            elif path[2] == "facts" and not _is_category(fact) and name not in getattr(analysis, "cuts", ()):
                message = f"`{name}` is a number, and nothing says where its subgroups begin"
                yield _problem(
                    document, "number-without-cuts", path, message, f"name it under `cuts`, as `{name}: [60]`"
                )
            elif path[2] == "cuts" and (
                fact.kind not in ("number", "score") or name not in getattr(analysis, "facts", ())
            ):
                message = f"`{name}` is cut, and is no number among the facts of this analysis"
                yield _problem(document, "unfit-fact", path, message)
            elif path[-2] == "transform" and (
                fact.kind not in ("number", "score") or name not in _covariates_at(path, analysis)
            ):
                message = f"`{name}` is put on another scale, and is no number among the covariates beside"
                yield _problem(document, "unfit-fact", path, message)
        yield from _unknown_levels(protocol, document, id_, analysis)


def _covariates_at(path: Path, analysis: AnalysisBase) -> Sequence[str]:
    """The covariates beside a key of an analysis, or of its weights."""
    return getattr(getattr(analysis, "weights", None) if path[2] == "weights" else analysis, "covariates", ())


def _unknown_levels(
    protocol: Protocol, document: Document, id_: str, analysis: AnalysisBase
) -> Iterator[Problem]:
    for name, level in getattr(analysis, "reference", {}).items():
        levels: Mapping[str, Any] = (
            protocol.groups
            if name == GROUPS
            else protocol.facts[name].levels
            if name in protocol.facts
            else {}
        )
        if level not in levels and (name in protocol.facts or name == GROUPS):
            guess = nearest(level, levels)
            fix = f"did you mean `{guess}`?" if guess else ""
            message = f"`{level}` is not a level of `{name}`"
            yield _problem(document, "unresolved-name", ("analyses", id_, "reference", name), message, fix)
    weights = getattr(analysis, "weights", None)
    if weights and weights.treated not in protocol.groups:
        guess = nearest(weights.treated, protocol.groups)
        fix = f"did you mean `{guess}`?" if guess else ""
        message = f"`{weights.treated}` is not a group of the protocol"
        yield _problem(document, "unresolved-name", ("analyses", id_, "weights", "treated"), message, fix)


_CATEGORY = "it must be a category with at least two levels"


def _is_category(fact: Fact) -> bool:
    return fact.kind == "category" and len(fact.levels) >= 2


def _problem(document: Document, code: str, path: Path, message: str, fix: str = "") -> Problem:
    return Problem(code, message, document.place_of(path), dotted(path), fix)


_NEEDS: Mapping[type[AnalysisBase], tuple[str, ...]] = {
    TimeAnalysis: ("time to event",),
    Proportion: ("rate", "best response"),
    GradeTable: ("worst grade",),
    VisitSummary: ("change",),
}
"""Kinds of endpoint a method can read."""


def _unfit_times(protocol: Protocol, document: Document) -> Iterator[Problem]:
    """The endpoint must be of a kind the method reads, reading times in the unit its times are recorded in."""
    for id_, analysis in protocol.analyses.items():
        here: Path = ("analyses", id_)
        endpoint = protocol.endpoints.get(getattr(analysis, "endpoint", ""))
        if endpoint is None:
            continue
        needed = next(kinds for method, kinds in _NEEDS.items() if isinstance(analysis, method))
        if endpoint.kind not in needed:
            yield _problem(
                document,
                "unfit-endpoint",
                (*here, "endpoint"),
                f"`{analysis.method}` needs a {' or '.join(needed)}, "
                f"and `{getattr(analysis, 'endpoint', '')}` is a {endpoint.kind}",
            )
        for path, unit in _times_in(here, analysis):
            if endpoint.unit and unit != endpoint.unit:
                message = (
                    f"expected {endpoint.unit}, the unit in which `{getattr(analysis, 'endpoint', '')}` is recorded, "
                    f"found {unit}"
                )
                yield _problem(document, "unit-mismatch", path, message)


def _times_in(here: Path, analysis: AnalysisBase) -> Iterator[tuple[Path, str]]:
    """The times on the axis of an analysis, with the unit each is written in."""
    for i, at in enumerate(getattr(analysis, "read_at", ())):
        yield (*here, "read at", i), at.unit.value
    for key in ("ticks every", "horizon"):
        at = getattr(analysis, key.replace(" ", "_"), None)
        if at:
            yield (*here, key), at.unit.value


def _unfit_statements(protocol: Protocol, document: Document) -> Iterator[Problem]:
    """What elements say of themselves must fit them: their keys, and the elements beside them."""
    for path, element, siblings in walk_stated(protocol):
        keys = {
            field.alias or name: getattr(element, name) for name, field in type(element).model_fields.items()
        }
        for name in element.alternatives:
            if name not in siblings or name == path[-1]:
                guess = nearest(name, siblings)
                yield _problem(
                    document,
                    "unresolved-name",
                    (*path, "alternatives", name),
                    f"`{name}` is not defined beside `{dotted(path)}`",
                    f"did you mean `{guess}`?" if guess else "",
                )
        for key in element.assumed:
            if key not in keys or key in Stated.model_fields:
                message = f"`{key}` is not a key of `{dotted(path)}`"
                yield _problem(document, "unresolved-name", (*path, "assumed", key), message)
        for key in element.not_stated:
            if keys.get(key) not in (None, (), {}):
                message = f"`{key}` is called not stated, and is stated"
                yield _problem(document, "stated-after-all", (*path, "not stated", key), message)


def concept_of(protocol: Protocol, name: str) -> str | None:
    """The concept behind a fact, or the name itself where it is one of the catalogue; None where a fact has none."""
    return protocol.facts[name].concept if name in protocol.facts else name


def parts_of(event: Event) -> Sequence[str]:
    """What an event is judged by: the fact or event whose records its rule reads, or the events it is made of."""
    return [event.of] if event.of else [*event.all_of, *event.any_of]


def facts_behind(names: Iterable[str], protocol: Protocol) -> Iterator[str]:
    """The facts among some names, and those whose records the events among them are judged by; one may come twice."""
    for name in names:
        if name in protocol.events:
            yield from facts_behind(parts_of(protocol.events[name]), protocol)
        elif name in protocol.facts:
            yield name


def walk_stated(protocol: Protocol) -> Iterator[tuple[Path, Stated, Mapping[str, Any]]]:
    """Every element that may say where it comes from: its path, itself, and the mapping it stands in."""
    yield from _walk((), protocol, {})


def _walk(
    path: Path, node: Any, siblings: Mapping[str, Any]
) -> Iterator[tuple[Path, Stated, Mapping[str, Any]]]:
    if isinstance(node, Stated):
        yield path, node, siblings
    if isinstance(node, Mapping):
        for name, child in node.items():
            yield from _walk((*path, name), child, node)
    elif isinstance(node, Element):
        for name, field in type(node).model_fields.items():
            yield from _walk((*path, field.alias or name), getattr(node, name), {})
