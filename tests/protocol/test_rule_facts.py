"""Facts: what the protocol writes and what the catalogue adds."""

from decimal import Decimal

import pytest

from trialwright.protocol.facts import RESERVED_WORDS, Absence, Fact, make_fact
from trialwright.vocabulary.concepts import Kind, catalogue
from trialwright.vocabulary.problems import Place, ProblemsFound
from trialwright.vocabulary.units import find_unit

_HERE = Place("protocol.yaml", 12, 3)


def test_concept_fills_in_what_is_not_written():
    fact = make_fact("creatinine", concept="creatinine")
    entry = catalogue()["creatinine"]
    assert fact == Fact(
        name="creatinine",
        kind=Kind.NUMBER,
        label="creatinine",
        concept="creatinine",
        unit=find_unit("umol/L"),
        limits=entry.limits,
        has_normal_range=True,
        absence=Absence.UNKNOWN,
        effort=2,
        equivalences=entry.equivalences,
    )


def test_what_is_written_overrides_the_concept():
    fact = make_fact(
        "serum_creatinine",
        concept="creatinine",
        label="serum creatinine",
        unit="mg/dL",
        limits=(Decimal("0.1"), None),
        has_normal_range=False,
        absence="ask",
        effort=0,
    )
    assert (fact.label, str(fact.unit), fact.limits) == ("serum creatinine", "mg/dL", (Decimal("0.1"), None))
    assert (fact.has_normal_range, fact.absence, fact.effort) == (False, Absence.ASK, 0)


def test_limits_of_the_concept_are_turned_into_the_unit_of_the_fact():
    # 20 to 260 g/L by the catalogue
    assert make_fact("hb", concept="haemoglobin", unit="g/dL").limits == (Decimal(2), Decimal(26))
    assert make_fact("hb", concept="haemoglobin", unit="g/L").limits == (Decimal(20), Decimal(260))


def test_absence_is_unknown_unless_written():
    assert make_fact("psoriasis", kind="condition").absence is Absence.UNKNOWN
    assert make_fact("psoriasis", kind="condition", absence="no").absence is Absence.NO


def test_fact_without_concept_is_called_by_its_name():
    fact = make_fact("liver_transplant", kind="procedure")
    assert (fact.label, fact.kind, fact.kind.is_history) == ("liver transplant", Kind.PROCEDURE, True)


def test_levels_of_a_yes_or_no_fact_are_yes_and_no():
    assert make_fact("breastfeeding", kind="yes or no").levels == ("yes", "no")


@pytest.mark.parametrize(
    ("name", "written", "code", "fix"),
    [
        ("alt", {"concept": "altt"}, "unknown-concept", "did you mean `alt`?"),
        ("alt", {}, "fact-kind", ""),
        ("alt", {"concept": "alt", "kind": "category"}, "fact-kind", ""),
        ("alt", {"concept": "alt", "unit": "mg/dL"}, "fact-unit", ""),
        ("ecog", {"concept": "ecog", "unit": "mg"}, "fact-unit", ""),
        ("alt", {"concept": "alt", "unit": "U/l/x"}, "unknown-unit", ""),
        ("dna", {"concept": "hbv_dna", "unit": "copies/mL"}, "fact-unit", "name the assay: roche_cobas_taqman or abbott_realtime"),
        ("dna", {"concept": "hbv_dna", "unit": "copies/mL", "assay": "home_brew"}, "fact-unit", "name the assay: roche_cobas_taqman or abbott_realtime"),
        ("stage", {"kind": "category"}, "fact-levels", ""),
        ("stage", {"kind": "category", "levels": ["A", "A"]}, "fact-levels", ""),
        ("stage", {"kind": "category", "levels": ['say "A"']}, "fact-levels", ""),
        ("stage", {"kind": "category", "levels": ["A", ""]}, "fact-levels", ""),
        ("stage", {"kind": "category", "levels": ["А"]}, "fact-levels", ""),  # Cyrillic
        ("stage", {"kind": "category", "levels": ["A"], "unit": "mg"}, "fact-unit", ""),
        ("fertile", {"kind": "yes or no", "levels": ["ja", "nein"]}, "fact-levels", ""),
        ("alt", {"concept": "alt", "levels": ["high"]}, "fact-levels", ""),
        ("alt", {"concept": "alt", "limits": (Decimal(5), Decimal(1))}, "fact-limits", ""),
        ("ALT", {"concept": "alt"}, "fact-name", ""),
        ("a-b", {"concept": "alt"}, "fact-name", ""),
        ("x" * 65, {"concept": "alt"}, "fact-name", ""),
        ("age", {"concept": "alt"}, "reserved-word", ""),
    ],
)  # fmt: skip
def test_faulty_fact_is_told_with_its_place(name, written, code, fix):
    with pytest.raises(ProblemsFound) as found:
        make_fact(name, place=_HERE, **written)
    (problem,) = found.value.problems
    assert (problem.code, problem.place, problem.fix) == (code, _HERE, fix)


def test_everything_wrong_with_a_fact_is_told_at_once():
    with pytest.raises(ProblemsFound) as found:
        make_fact("value", kind="category", unit="mg")
    assert [problem.code for problem in found.value.problems] == ["reserved-word", "fact-levels", "fact-unit"]


@pytest.mark.parametrize("word", sorted(RESERVED_WORDS))
def test_no_fact_is_called_by_a_word_of_the_language(word):
    with pytest.raises(ProblemsFound, match="reserved-word"):
        make_fact(word, kind="event")
