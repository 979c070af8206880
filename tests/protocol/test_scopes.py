"""The scope of a protocol: its facts, and what follows from its treatments, events, anchors and assays."""

from pathlib import Path

import pytest

from trialwright.protocol.loading import load_protocol, load_scope, parse_protocol, shipped_protocols
from trialwright.protocol.rules import render_rule
from trialwright.protocol.scopes import catalogue_facts, make_scope, read_rule
from trialwright.vocabulary.concepts import Kind, catalogue
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.problems import ProblemsFound
from trialwright.vocabulary.units import conversion_factor

SINGLE_ARM = str(Path(__file__).parent / "cases" / "single_arm.yaml")
LEAST = "format: trialwright/1\nstudy: { id: X, title: X, type: observational, allocation: not applicable }\n"


def scope_of(text):
    return make_scope(*parse_protocol(LEAST + text))


def problems(text):
    with pytest.raises(ProblemsFound) as found:
        scope_of(text)
    return [(one.place.line, one.place.column, one.code, one.field) for one in found.value.problems]


def test_without_a_protocol_every_concept_is_a_fact():
    scope = load_scope(None)
    assert set(scope.facts) == set(catalogue())
    assert scope.facts["creatinine"].unit.code == "umol/L"
    assert scope.facts is catalogue_facts()


def test_what_a_protocol_defines_can_be_named():
    scope = load_scope(SINGLE_ARM)
    kinds = {name: fact.kind for name, fact in scope.facts.items()}
    assert kinds["hbv_dna"] is Kind.NUMBER
    assert kinds["durvalumab"] is kinds["entecavir"] is Kind.DRUG
    assert kinds["hbv_reactivation"] is kinds["death"] is Kind.EVENT
    assert kinds["inclusion"] is kinds["consent"] is Kind.DATE
    assert scope.facts["inclusion"].once
    assert scope.facts["consent"].once
    assert scope.facts["liver_transplant"].absence == "no"
    attestation = scope.facts["not_for_locoregional_therapy"]
    assert (attestation.by, attestation.valid_for) == ("investigator", Duration.parse("28 days"))
    assert scope.facts["bclc_stage"].levels == catalogue()["bclc_stage"].levels
    assert list(scope.periods) == ["on_treatment"]


def test_the_rules_of_its_criteria_and_events_fit_its_scope():
    loaded = load_protocol(SINGLE_ARM)
    scope = make_scope(loaded.protocol, loaded.document)
    criteria = {**loaded.protocol.eligibility.inclusion, **loaded.protocol.eligibility.exclusion}
    rules = [one.when for one in criteria.values() if one.when]
    assert len(rules) > 3
    assert [render_rule(read_rule(rule, scope)[0]) for rule in rules] == rules


def test_the_only_assay_of_a_fact_is_the_one_that_measured():
    fact = scope_of(
        "facts: { dna: { label: DNA, kind: number, concept: hbv_dna } }\n"
        "assays: { ours: { measures: dna, copies per iu: 5.5 } }\n"
    ).facts["dna"]
    assert fact.assay == "ours"
    factor = conversion_factor("IU/mL", "copies/mL", equivalences=fact.equivalences, assay=fact.assay)
    assert factor == 5.5


def test_of_several_assays_a_result_must_name_its_own():
    fact = scope_of(
        "facts: { dna: { label: DNA, kind: number, concept: hbv_dna } }\n"
        "assays: { a: { measures: dna, copies per iu: 5.5 }, b: { measures: dna, copies per iu: 5 } }\n"
    ).facts["dna"]
    assert fact.assay is None
    factors = [
        conversion_factor("IU/mL", "copies/mL", equivalences=fact.equivalences, assay=assay) for assay in "ab"
    ]
    assert factors == [5.5, 5]


def test_a_fact_says_more_of_a_treatment():
    scope = scope_of(
        "facts: { entecavir: { label: ETV, kind: history, absence: no } }\ntreatments: { entecavir: {} }\n"
    )
    assert (scope.facts["entecavir"].label, scope.facts["entecavir"].absence) == ("ETV", "no")


def test_age_is_what_rules_call_age():
    """A protocol may list the age it analyses; rules compute it from the date of birth."""
    scope = scope_of("facts: { age: { label: Age, kind: number, unit: years } }\n")
    assert "age" not in scope.facts
    assert read_rule("age >= 18 years", scope)[1] == []


@pytest.mark.parametrize("name", shipped_protocols())
def test_shipped_protocols_have_a_scope(name):
    assert load_scope(name).facts


@pytest.mark.parametrize(
    ("section", "word", "code", "field"),
    [
        ("facts: { dna: { label: DNA, kind: number, unit: ells } }", "ells", "unknown-unit", "facts.dna.unit"),
        ("facts: { dna: { label: DNA, kind: number, concept: dana } }", "dana", "unresolved-name", "facts.dna.concept"),
        ("facts: { dna: { label: DNA, kind: date, concept: hbv_dna } }", "date", "fact-kind", "facts.dna.kind"),
        ("facts: { dna: { kind: number, unit: mg, label: D, concept: hbv_dna } }", "mg", "fact-unit", "facts.dna.unit"),
        ("facts: { baseline: { label: B, kind: date } }", "baseline", "reserved-word", "facts.baseline"),
        ("treatments: { last: {} }", "last", "reserved-word", "treatments.last"),
        ("treatments: { death: {} }\nevents: { death: { reported: true } }", "death", "name-used-twice", "events.death"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_placed(section, word, code, field):
    *before, line = section.split("\n")
    assert problems(section + "\n") == [(3 + len(before), line.index(word) + 1, code, field)]


def test_all_that_cannot_be_is_told():
    text = (
        "facts:\n  a: { label: A, kind: number, unit: ells }\n  b: { label: B, kind: number, unit: ells }\n"
    )
    assert [line for line, *_ in problems(text)] == [4, 5]


def test_warnings_come_with_a_rule_and_errors_instead_of_it():
    scope = load_scope(None)
    _, warnings = read_rule("last(creatinine) > 1.5 ULN", scope)
    assert [one.code for one in warnings] == ["window-not-stated"]
    with pytest.raises(ProblemsFound) as found:
        read_rule("last(creatinine) > 1.5 ULN and last(creatinin, ever) > 2 ULN", scope)
    assert [one.code for one in found.value.problems] == ["window-not-stated", "unknown-fact"]
