"""What rules may name: the facts, treatments, events, anchors and periods of a protocol, or the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from trialwright.protocol import model
from trialwright.protocol.facts import Fact, Scope, make_fact
from trialwright.protocol.model import Protocol
from trialwright.protocol.moments import parse_span
from trialwright.protocol.rule_checks import check_rule
from trialwright.protocol.rule_sentences import render_moment_sentence
from trialwright.protocol.rule_tree import Condition
from trialwright.protocol.rules import parse_rule
from trialwright.vocabulary.concepts import Kind, catalogue
from trialwright.vocabulary.documents import Document, Path, dotted
from trialwright.vocabulary.problems import Problem, ProblemsFound, Severity
from trialwright.vocabulary.units import Equivalence

# The key of a fact that a problem is about; a problem with any other code is about the fact as a whole.
_KEY_AT_FAULT = {
    "unknown-concept": "concept",
    "unknown-unit": "unit",
    "fact-unit": "unit",
    "fact-kind": "kind",
    "fact-levels": "levels",
}


@cache
def catalogue_facts() -> Mapping[str, Fact]:
    """Every concept of the catalogue as a fact of its own name."""
    return MappingProxyType({name: make_fact(name, concept=name) for name in catalogue()})


def read_rule(text: str, scope: Scope) -> tuple[Condition, list[Problem]]:
    """A rule held against its scope, and the warnings about it.

    Raises
    ------
    ProblemsFound
        If the rule cannot be read, or with everything wrong in it, warnings included.
    """
    condition = parse_rule(text)
    problems = check_rule(condition, scope)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise ProblemsFound(problems)
    return condition, problems


def make_scope(protocol: Protocol, document: Document) -> Scope:
    """What rules at an anchor of a protocol may name.

    A treatment is a drug, an event an event, an anchor a date known once; an entry of the same name under `facts` says
    more of it and takes its place. A fact called `age` is left out: rules have `age`, computed from the date of birth. A
    concept of the catalogue that no fact of the protocol is about is a fact of its own name.

    Raises
    ------
    ProblemsFound
        With every fact that cannot be, at its place.
    """
    problems: list[Problem] = []
    facts: dict[str, Fact] = {}
    implied = [
        *((("treatments", name), Kind.DRUG, one.label) for name, one in protocol.treatments.items()),
        *((("events", name), Kind.EVENT, one.label) for name, one in protocol.events.items()),
        *((("anchors", name), Kind.DATE, one.label or one.text) for name, one in protocol.anchors.items()),
    ]
    for path, kind, label in implied:
        name = path[1]
        if name in facts:
            problems.append(
                Problem(
                    "name-used-twice",
                    f"`{name}` is already a {facts[name].kind} of this protocol",
                    document.place_of(path, key=True),
                    dotted(path),
                )
            )
        else:
            _add(facts, problems, document, path, kind=kind, label=label, once=kind is Kind.DATE)
    for name, element in protocol.facts.items():
        if name != "age":
            details = _details(element) | _assay_details(protocol, name)
            _add(facts, problems, document, ("facts", name), **details)
    if problems:
        raise ProblemsFound(problems)
    facts |= _concepts_without_a_fact(facts)
    told = Scope(facts)
    return Scope(facts, {name: _period_label(name, one.span, told) for name, one in protocol.periods.items()})


def _period_label(name: str, span: str, scope: Scope) -> str:
    """A period as a sentence calls it; a span that cannot be read stands as it is written."""
    try:
        read = parse_span(span)
    except ProblemsFound:
        return f"{_spaced(name)} ({span})"
    start, end = (render_moment_sentence(moment, scope) for moment in (read.start, read.end))
    return f"{_spaced(name)} ({'after ' if read.leaves_start_out else ''}{start} to {end})"


def _concepts_without_a_fact(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    taken = {fact.concept for fact in facts.values()}
    return {name: fact for name, fact in catalogue_facts().items() if name not in facts and name not in taken}


def make_facts(elements: Mapping[str, model.Fact], document: Document) -> dict[str, Fact]:
    """The facts under the key `facts` of a document.

    Raises
    ------
    ProblemsFound
        With every fact that cannot be, at its place.
    """
    facts: dict[str, Fact] = {}
    problems: list[Problem] = []
    for name, element in elements.items():
        _add(facts, problems, document, ("facts", name), **_details(element))
    if problems:
        raise ProblemsFound(problems)
    return facts


def _add(
    facts: dict[str, Fact], problems: list[Problem], document: Document, path: Path, **details: Any
) -> None:
    name = str(path[-1])
    try:
        facts[name] = make_fact(name, **details)
    except ProblemsFound as found:
        problems += _placed(found.problems, document, path)


def _placed(problems: Iterable[Problem], document: Document, path: Path) -> list[Problem]:
    placed = []
    for problem in problems:
        key = _KEY_AT_FAULT.get(problem.code)
        where = (*path, key) if key else path
        place = document.place_of(where, key=key is None)
        placed.append(replace(problem, place=place, field=dotted(where)))
    return placed


def _details(element: model.Fact) -> dict[str, Any]:
    return {
        "concept": element.concept,
        "kind": element.kind,
        "label": element.label,
        "unit": element.unit,
        "levels": tuple(element.levels) or None,
        "once": True if element.kind == "date" else None,
        "absence": element.absence,
        "by": element.by,
        "valid_for": element.valid_for,
    }


def _assay_details(protocol: Protocol, fact: str) -> dict[str, Any]:
    """How the protocol's own assays tie copies to international units; the only assay of a fact is the one that measured."""
    assays = {name: assay for name, assay in protocol.assays.items() if assay.measures == fact}
    ties = [
        Equivalence("IU", Decimal(str(assay.copies_per_iu)), "copies", assay.source or "the protocol", name)
        for name, assay in assays.items()
        if assay.copies_per_iu is not None
    ]
    return {"equivalences": ties, "assay": next(iter(assays)) if len(assays) == 1 else None}


def _spaced(name: str) -> str:
    return name.replace("_", " ")
