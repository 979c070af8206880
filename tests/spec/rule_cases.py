"""The cases of `rules/`: what each construct of the rule language means, worked out by hand from the words of the grammar.

A construct has examples. An example is one rule put to several patients, or one patient put to several rules; what it says
of the patient is what a patient file says. Each case has the verdict with its reason, and why in a few words.

`tests/spec/test_rule_cases.py` puts every case to every reader, `tests/docs/rules_page.py` writes docs/rules.md of them.
"""

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from trialwright.evaluation.observations import Observation, Subject
from trialwright.evaluation.patient_files import parse_patient
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Scope
from trialwright.protocol.loading import load_scope
from trialwright.protocol.scopes import read_rule
from trialwright.vocabulary.documents import read_document
from trialwright.vocabulary.elements import Element, Many, Words, validate_document
from trialwright.vocabulary.partial_dates import PartialDate

RULES = Path(__file__).parent / "rules"


class Known(Element):
    """What is known of a patient, as a patient file says it."""

    records: dict[str, Any] = {}
    born: str | int | None = None
    anchor: str | None = None
    baseline: str | None = None
    data_cut: str | None = None
    periods: dict[str, str] = {}


class Case(Known):
    """A patient or a rule, and the verdict."""

    rule: Words | None = None
    verdict: Words
    because: Words


class Example(Known):
    """One rule for several patients, or one patient for several rules.

    What the example says of the patient holds for each case that does not say otherwise. `row` is the date of the row that
    is judged, where rows are.
    """

    rule: Words | None = None
    rows_of: Words | None = None
    row: str | None = None
    note: Words | None = None
    cases: Many[Case]

    @model_validator(mode="after")
    def _one_rule_or_one_patient(self) -> Self:
        for case in self.cases:
            if (self.rule is None) == (case.rule is None):
                raise ValueError("either the example has a rule or each of its cases has one")
            if case.rule is not None and (case.records or self.rows_of):
                raise ValueError("cases with rules of their own share one patient, judged at an anchor")
        if (self.rows_of is None) != (self.row is None):
            raise ValueError("`rows of` and `row` belong together")
        return self


class Construct(Element):
    """A part of the language: what it means, in a sentence or two, and examples."""

    title: Words
    means: Words
    examples: Many[Example]


class Chapter(Element):
    """Constructs that belong together."""

    title: Words
    about: Words
    constructs: Many[Construct]


class Refused(Element):
    """What somebody may wish to say, the code of the answer, and what to write instead."""

    wish: Words
    rule: Words
    code: Words
    instead: Words


class _AllRefused(Element):
    refused: Many[Refused]


@dataclass(frozen=True)
class Prepared:
    """A case as the readers take it."""

    id: str
    text: str
    rule: tree.Condition
    subject: Subject
    scope: Scope
    row: Observation | None
    verdict: str


def _read(path: Path, model: type[Element]) -> Any:
    return validate_document(read_document(path.read_bytes(), str(path)), model)


@cache
def chapters() -> tuple[Chapter, ...]:
    """The chapters, in the order of their files."""
    return tuple(_read(path, Chapter) for path in sorted(RULES.glob("[0-9]_*.yaml")))


@cache
def refused() -> tuple[Refused, ...]:
    return tuple(_read(RULES / "refused.yaml", _AllRefused).refused)


@cache
def shared() -> dict[str, Any]:
    """The facts that examples name beside the catalogue, and where they are judged, as in a patient file."""
    path = RULES / "facts.yaml"
    return dict(read_document(path.read_bytes(), str(path)).data)


@cache
def scope() -> Scope:
    """What the examples may name."""
    return parse_patient(json.dumps(shared()), "facts.yaml", load_scope(None)).scope


def prepare(example: Example, case: Case, name: str) -> Prepared:
    """A case made ready for the readers, by way of a patient file."""
    known = (example, case)
    written: dict[str, Any] = {**shared(), "patient": name, "records": {}, "periods": {}}
    for one in known:
        written["records"] |= one.records
        written["periods"] |= one.periods
        details = {
            "born": one.born,
            "anchor": one.anchor,
            "baseline": one.baseline,
            "data cut": one.data_cut,
        }
        written |= {key: value for key, value in details.items() if value is not None}
    read = parse_patient(json.dumps(written), name, load_scope(None))
    there = replace(read.scope, rows_of=example.rows_of)
    text = str(example.rule or case.rule)
    rule, warnings = read_rule(text, there)
    if warnings:
        raise ValueError(f"{name}: {warnings[0]}")
    row = _row(read.subject, example)
    return Prepared(name, text, rule, read.subject, there, row, case.verdict)


def _row(subject: Subject, example: Example) -> Observation | None:
    if example.rows_of is None or example.row is None:
        return None
    date = PartialDate.parse(example.row)
    (row,) = (one for one in subject.by_fact[example.rows_of] if one.date == date)
    return row
