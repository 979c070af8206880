"""The criteria as data: which analyte has which term, and the steps of each grade.

They stand in `ctcae_v5.toml` beside this file, with their source.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from trialwright.vocabulary.concepts import Limits, catalogue
from trialwright.vocabulary.intervals import Comparison
from trialwright.vocabulary.units import Equivalence, Unit, find_unit

_TABLES: Mapping[str, str] = MappingProxyType({"5.0": "ctcae_v5.toml"})
VERSIONS = tuple(_TABLES)
HIGHEST = 4
"""The highest grade a laboratory result can have; 5 is death."""

_STEP = re.compile(r"([1-4]): (.+)")
_SYMPTOMS = "symptoms"
_CONDITION = re.compile(r"(>=|<=|>|<) ([0-9.]+)(?: (ULN|LLN|BL)(?: \+ ([0-9.]+))?)?")


class Direction(StrEnum):
    """On which side of normal a result is graded."""

    LOW = "low"
    HIGH = "high"


class Reference(StrEnum):
    """What a limit is a multiple of."""

    ULN = "ULN"
    LLN = "LLN"
    BASELINE = "BL"


@dataclass(frozen=True, slots=True)
class Condition:
    """`value comparison number`, or `value comparison number * reference + offset`."""

    comparison: Comparison
    number: float
    reference: Reference | None
    offset: float


@dataclass(frozen=True, slots=True)
class Step:
    """A grade and all it takes; `text` as the table writes it."""

    grade: int
    conditions: tuple[Condition, ...]
    needs_symptoms: bool
    text: str


Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the criteria for one analyte and direction; steps are in the order of their grades."""

    analyte: str
    direction: Direction
    name: str
    steps: Steps
    if_baseline_abnormal: Steps
    if_anticoagulated: Steps
    uln_only: Steps
    is_candidate: bool
    clinical: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Analyte:
    """What is measured: its unit in the criteria, what ties other units to it, and what is plausible."""

    name: str
    unit: Unit | None
    equivalences: tuple[Equivalence, ...]
    limits: Limits


@dataclass(frozen=True, slots=True)
class Criteria:
    """One version: terms by analyte and direction, and the analytes they name."""

    version: str
    source: str
    analytes: Mapping[str, Analyte]
    terms: Mapping[tuple[str, Direction], Term]
    descriptive: Mapping[str, Term]


@cache
def criteria_of(version: str) -> Criteria:
    """The criteria of a version.

    Raises
    ------
    ValueError
        If the version is not one of `VERSIONS`.
    """
    if version not in _TABLES:
        raise ValueError(f"the version of CTCAE must be one of {', '.join(VERSIONS)}, not {version!r}")
    text = files("trialwright.medicine.ctcae").joinpath(_TABLES[version]).read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    terms = [_term(entry) for entry in table["terms"]]
    own: Mapping[str, Any] = table["analytes"]
    names = dict.fromkeys([*catalogue_analytes(), *own])
    return Criteria(
        version=table["version"],
        source=table["source"],
        analytes=MappingProxyType({name: _analyte(name, own.get(name, {}), table) for name in names}),
        terms=MappingProxyType({(term.analyte, term.direction): term for term in terms}),
        descriptive=MappingProxyType({name: _term(entry) for name, entry in table["descriptive"].items()}),
    )


def catalogue_analytes() -> Iterable[str]:
    """The laboratory concepts that are numbers, whether they have a term or not."""
    return (name for name, about in catalogue().items() if about.is_laboratory and not about.levels)


def _analyte(name: str, entry: Mapping[str, Any], table: Mapping[str, Any]) -> Analyte:
    if "unit" in entry:
        return Analyte(
            name,
            find_unit(entry["unit"]),
            tuple(
                Equivalence(
                    one["unit"], Decimal(one["amount"]), one["other"], table["sources"][one["source"]]
                )
                for one in entry.get("equals", ())
            ),
            _limits(entry["limits"]),
        )
    about = catalogue()[entry.get("like", name)]
    limits = _limits(entry["limits"]) if "limits" in entry else about.limits
    return Analyte(name, about.unit, about.equivalences, limits)


def _limits(pair: tuple[int | Decimal, int | Decimal]) -> Limits:
    return Decimal(pair[0]), Decimal(pair[1])


def _term(entry: Mapping[str, Any]) -> Term:
    return Term(
        analyte=entry["analyte"],
        direction=Direction(entry["direction"]),
        name=entry["term"],
        steps=_steps(entry["steps"]),
        if_baseline_abnormal=_steps(entry.get("if_baseline_abnormal", ())),
        if_anticoagulated=_steps(entry.get("if_anticoagulated", ())),
        uln_only=_steps(entry.get("uln_only", ())),
        is_candidate=entry.get("is_candidate", False),
        clinical=tuple(entry.get("clinical", ())),
    )


def _steps(texts: Iterable[str]) -> Steps:
    return tuple(sorted((_step(text) for text in texts), key=lambda step: step.grade))


def _step(text: str) -> Step:
    found = _STEP.fullmatch(text)
    parts = found[2].split(" and ") if found else []
    conditions = [_CONDITION.fullmatch(part) for part in parts if part != _SYMPTOMS]
    if found is None or not all(conditions):
        raise ValueError(f"{text!r} is not a step such as `2: > 3 ULN`")
    return Step(
        grade=int(found[1]),
        conditions=tuple(
            Condition(
                Comparison(one[1]), float(one[2]), Reference(one[3]) if one[3] else None, float(one[4] or 0)
            )
            for one in conditions
            if one is not None
        ),
        needs_symptoms=_SYMPTOMS in parts,
        text=text,
    )
