"""Facts: what a protocol's rules may ask of a person, and where a rule stands that asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import TypeVar

from trialwright.vocabulary.concepts import Concept, Kind, Limits, catalogue
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound, nearest
from trialwright.vocabulary.units import (
    Equivalence,
    Unit,
    UnitsDoNotConvert,
    UnknownUnit,
    conversion_factor,
    find_unit,
)

_WORDS = """
    after age all anchor and any attested baseline before change confirmed consecutive count date during ever first had in
    is last max min nadir not of or ratio score since value within
"""
RESERVED_WORDS = frozenset(_WORDS.split())
"""Words of the rule language; no fact may be called by one."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_LEVEL = re.compile(r"[ -!#-~]{1,64}", re.ASCII)
_YES_OR_NO = ("yes", "no")


class Absence(StrEnum):
    """What it means that there is no record: it was not so, nobody knows, or somebody should be asked."""

    NO = "no"
    UNKNOWN = "unknown"
    ASK = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something a rule may ask of a person, everything the catalogue says of it filled in.

    `once` marks what is known once per person (sex, a date of the protocol); a rule names it bare. `levels` of a
    category are in reporting order. `limits` are in `unit`. `assay` is the one that measured, where a factor depends on
    it. `by` and `valid_for` belong to attestations. Make one with `make_fact`, which checks it.
    """

    name: str
    kind: Kind
    label: str
    concept: str | None = None
    unit: Unit | None = None
    levels: tuple[str, ...] = ()
    limits: Limits = (None, None)
    has_normal_range: bool = False
    once: bool = False
    absence: Absence = Absence.UNKNOWN
    effort: int = 1
    equivalences: tuple[Equivalence, ...] = ()
    assay: str | None = None
    parts: tuple[str, ...] = ()
    by: str | None = None
    valid_for: Duration | None = None

    @property
    def is_laboratory(self) -> bool:
        """Whether it is the result of a test of blood, of which there is one at a moment."""
        return self.concept is not None and catalogue()[self.concept].is_laboratory


@dataclass(frozen=True, slots=True)
class Scope:
    """What a rule may name, and where it is judged.

    Parameters
    ----------
    facts : mapping of str to Fact
        Facts by name. A named anchor of the protocol is a fact of kind `date` known once; an event that the protocol
        defines is a fact of kind `event`.
    periods : mapping of str to str
        Periods by name, with the label a sentence uses.
    rows_of : str, optional
        The fact whose rows are judged one by one; None for a rule judged at an anchor.
    anchor : str
        How a sentence calls the anchor: `consent`, `the first durvalumab`.
    """

    facts: Mapping[str, Fact]
    periods: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rows_of: str | None = None
    anchor: str = "the anchor"


def make_fact(
    name: str,
    *,
    concept: str | None = None,
    kind: Kind | str | None = None,
    label: str | None = None,
    unit: str | None = None,
    levels: Iterable[str] | None = None,
    limits: Limits | None = None,
    has_normal_range: bool | None = None,
    once: bool | None = None,
    absence: Absence | str = Absence.UNKNOWN,
    effort: int | None = None,
    equivalences: Iterable[Equivalence] = (),
    assay: str | None = None,
    by: str | None = None,
    valid_for: Duration | None = None,
    place: Place | None = None,
) -> Fact:
    """A fact from what the protocol writes down; the concept it refers to gives the rest.

    Limits that are not written are the concept's, turned into the fact's unit. Equivalences are added to those of the
    concept and come first.

    Raises
    ------
    ProblemsFound
        With everything that is wrong, at `place`.
    """
    problems: list[Problem] = []

    def report(code: str, message: str, fix: str = "") -> None:
        problems.append(Problem(code, message, place, fix=fix))

    entry = _look_up(concept, report)
    found_kind = _kind(kind, entry, report) if concept is None or entry else Kind(kind or Kind.NUMBER)
    found_unit = _unit(unit, entry, report)
    found_levels = tuple(levels) if levels is not None else entry.levels if entry else ()
    if found_kind is Kind.YES_OR_NO:
        found_levels = found_levels or _YES_OR_NO
    ties = (*equivalences, *(entry.equivalences if entry else ()))
    factor = _factor(entry, found_unit, ties, assay, report)
    bounds = limits if limits is not None else _limits_in(entry, factor)
    fact = Fact(
        name=name,
        kind=found_kind,
        label=label or (entry.label if entry else name.replace("_", " ")),
        concept=concept,
        unit=found_unit,
        levels=found_levels,
        limits=bounds,
        has_normal_range=_first(has_normal_range, entry.has_normal_range if entry else False),
        once=_first(once, entry.once if entry else False),
        absence=Absence(absence),
        effort=_first(effort, entry.effort if entry else 1),
        equivalences=ties,
        assay=assay,
        parts=entry.parts if entry else (),
        by=by,
        valid_for=valid_for,
    )
    _check(fact, report)
    if problems:
        raise ProblemsFound(problems)
    return fact


_Report = Callable[..., None]
_Value = TypeVar("_Value")


def _first(written: _Value | None, otherwise: _Value) -> _Value:
    return otherwise if written is None else written


def _check(fact: Fact, report: _Report) -> None:
    if not _NAME.fullmatch(fact.name):
        report(
            "fact-name", f"a fact must be called by small letters, digits and underscores, not {fact.name!r}"
        )
    elif fact.name in RESERVED_WORDS:
        report("reserved-word", f"`{fact.name}` is a word of the rule language and cannot name a fact")
    if fact.kind is Kind.YES_OR_NO and set(fact.levels) != set(_YES_OR_NO):
        report("fact-levels", f"the levels of `{fact.name}` must be yes and no, not {', '.join(fact.levels)}")
    elif fact.kind is Kind.CATEGORY:
        _check_levels(fact.name, fact.levels, report)
    elif fact.levels and fact.kind is not Kind.YES_OR_NO:
        report("fact-levels", f"`{fact.name}` is a {fact.kind} and cannot have levels")
    if fact.unit is not None and fact.kind not in (Kind.NUMBER, Kind.SCORE):
        report("fact-unit", f"`{fact.name}` is a {fact.kind} and cannot have the unit `{fact.unit}`")
    low, high = fact.limits
    if low is not None and high is not None and low > high:
        report(
            "fact-limits", f"the limits of `{fact.name}` must run from low to high, not from {low} to {high}"
        )


def _look_up(concept: str | None, report: _Report) -> Concept | None:
    if concept is None or concept in catalogue():
        return catalogue()[concept] if concept else None
    meant = nearest(concept, catalogue())
    report(
        "unknown-concept",
        f"the catalogue has no concept `{concept}`",
        fix=f"did you mean `{meant}`?" if meant else "",
    )
    return None


def _kind(written: Kind | str | None, entry: Concept | None, report: _Report) -> Kind:
    if written is None:
        if entry is None:
            report("fact-kind", "a fact without a concept must say its kind")
        return entry.kind if entry else Kind.NUMBER
    kind = Kind(written)
    if entry is not None and kind is not entry.kind:
        report("fact-kind", f"the concept `{entry.name}` is a {entry.kind}, not a {kind}")
        return entry.kind
    return kind


def _unit(written: str | None, entry: Concept | None, report: _Report) -> Unit | None:
    if written is None:
        return entry.unit if entry else None
    try:
        return find_unit(written)
    except UnknownUnit as problem:
        report("unknown-unit", str(problem))
        return entry.unit if entry else None


def _factor(
    entry: Concept | None,
    unit: Unit | None,
    ties: tuple[Equivalence, ...],
    assay: str | None,
    report: _Report,
) -> Fraction:
    """From the concept's unit to the fact's."""
    if entry is None or unit == entry.unit:
        return Fraction(1)
    if unit is None or entry.unit is None:
        report("fact-unit", f"the concept `{entry.name}` is measured without a unit, not in `{unit}`")
        return Fraction(1)
    try:
        return conversion_factor(entry.unit, unit, equivalences=ties, assay=assay)
    except UnitsDoNotConvert as problem:
        fix = f"name the assay: {' or '.join(problem.assays)}" if problem.assays else ""
        report("fact-unit", f"the concept `{entry.name}` is measured in `{entry.unit}`: {problem}", fix=fix)
        return Fraction(1)


def _limits_in(entry: Concept | None, factor: Fraction) -> Limits:
    if entry is None:
        return (None, None)
    low, high = entry.limits
    return (_scaled(low, factor), _scaled(high, factor))


def _scaled(limit: Decimal | None, factor: Fraction) -> Decimal | None:
    if limit is None:
        return None
    product = Fraction(limit) * factor
    return Decimal(product.numerator) / Decimal(product.denominator)


def _check_levels(name: str, levels: tuple[str, ...], report: _Report) -> None:
    if not levels:
        report("fact-levels", f"`{name}` is a category and must say its levels")
    for level in levels:
        if not _LEVEL.fullmatch(level) or level != level.strip():
            report("fact-levels", f"a level must be 1 to 64 plain characters without quotes, not {level!r}")
    if len(set(levels)) < len(levels):
        report("fact-levels", f"the levels of `{name}` must differ from each other: {', '.join(levels)}")
