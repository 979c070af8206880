"""The catalogue of concepts: what is measured, its codes elsewhere, its unit, its plausible limits.

The entries stand in `concepts.toml` beside this file, each number with its source. A protocol's facts refer to them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from trialwright.vocabulary.units import Equivalence, Unit, find_unit

Limits = tuple[Decimal | None, Decimal | None]
"""Least and most that are plausible, both included; None where there is no bound."""


class Kind(StrEnum):
    """What kind of thing is known of a person; the four histories and their common name are dated records without a value."""

    NUMBER = "number"
    CATEGORY = "category"
    YES_OR_NO = "yes or no"
    DATE = "date"
    SCORE = "score"
    DRUG = "drug"
    PROCEDURE = "procedure"
    CONDITION = "condition"
    EVENT = "event"
    HISTORY = "history"
    ATTESTATION = "attestation"

    @property
    def is_history(self) -> bool:
        return self in (Kind.DRUG, Kind.PROCEDURE, Kind.CONDITION, Kind.EVENT, Kind.HISTORY)


@dataclass(frozen=True, slots=True)
class Code:
    """A LOINC code of a concept, the unit its results come in, and the OMOP concept of that code where verified."""

    loinc: str
    source: str
    unit: Unit | None = None
    omop: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One entry of the catalogue.

    `dataset` and `test` are CDISC SDTM. `levels` are in their natural order. `has_normal_range` says that laboratories
    print limits of normal with the result. `once` marks what is known once per person. `parts` are the concepts a score
    is computed from (age is always known from the date of birth). `effort` orders what to ask for next: 0 on file,
    1 ask the person, 2 a blood sample, 3 imaging, 4 tissue. `sources` says where each field comes from.
    """

    name: str
    label: str
    kind: Kind
    effort: int
    dataset: str | None = None
    test: str | None = None
    unit: Unit | None = None
    levels: tuple[str, ...] = ()
    limits: Limits = (None, None)
    has_normal_range: bool = False
    once: bool = False
    codes: tuple[Code, ...] = ()
    equivalences: tuple[Equivalence, ...] = ()
    parts: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_laboratory(self) -> bool:
        return self.dataset == "LB"


@cache
def catalogue() -> Mapping[str, Concept]:
    """All concepts by name, in the order of the table."""
    text = files("trialwright.vocabulary").joinpath("concepts.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    sources: Mapping[str, str] = table.pop("sources")
    return MappingProxyType({name: _concept(name, entry, sources) for name, entry in table.items()})


def _concept(name: str, entry: Mapping[str, Any], sources: Mapping[str, str]) -> Concept:
    unit = entry.get("unit")
    low, high = entry.get("limits", (None, None))
    return Concept(
        name=name,
        label=entry["label"],
        kind=Kind(entry["kind"]),
        effort=entry["effort"],
        dataset=entry.get("dataset"),
        test=entry.get("test"),
        unit=find_unit(unit) if unit else None,
        levels=tuple(entry.get("levels", ())),
        limits=(_decimal(low), _decimal(high)),
        has_normal_range=entry.get("normal", False),
        once=entry.get("once", False),
        codes=tuple(
            Code(
                code["loinc"],
                sources[code["source"]],
                find_unit(code["unit"]) if "unit" in code else None,
                code.get("omop"),
            )
            for code in entry.get("codes", ())
        ),
        equivalences=tuple(
            Equivalence(
                one["unit"], Decimal(one["amount"]), one["other"], sources[one["source"]], one.get("assay")
            )
            for one in entry.get("equals", ())
        ),
        parts=tuple(entry.get("parts", ())),
        sources=MappingProxyType({key: sources[source] for key, source in entry.get("source", {}).items()}),
    )


def _decimal(number: int | Decimal | None) -> Decimal | None:
    return None if number is None else Decimal(number)
