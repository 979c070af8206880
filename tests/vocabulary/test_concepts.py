"""The catalogue: complete, consistent, and right where it can be checked by hand."""

import re
from decimal import Decimal

import pytest

from trialwright.vocabulary.concepts import Kind, catalogue
from trialwright.vocabulary.units import UnitsDoNotConvert, conversion_factor, convert

_CONCEPTS = [pytest.param(concept, id=name) for name, concept in catalogue().items()]


def test_both_trials_find_what_they_measure():
    measured = """
        hbv_dna hbsag hbsag_quantity hbeag anti_hbs alt ast alp bilirubin direct_bilirubin albumin inr prothrombin_time
        creatinine egfr platelets haemoglobin white_cells neutrophils lymphocytes glucose sodium potassium afp lipase amylase
        tsh free_t4 ck crp ecog bclc_stage child_pugh weight height pd1_cd8 pd_l1_tps pd_l1_cps lirads recist_response
    """
    assert set(measured.split()) <= set(catalogue())


@pytest.mark.parametrize("concept", _CONCEPTS)
def test_entry_is_whole(concept):
    assert concept.name == concept.name.lower()
    assert concept.label
    assert concept.effort in range(5)
    assert bool(concept.levels) == (concept.kind is Kind.CATEGORY)
    assert bool(concept.parts) == (concept.kind is Kind.SCORE)
    assert all(part in catalogue() for part in concept.parts)
    assert concept.unit is None or concept.kind in (Kind.NUMBER, Kind.SCORE)
    assert not concept.has_normal_range or concept.is_laboratory
    low, high = concept.limits
    assert (low is None) == (high is None) == (concept.kind not in (Kind.NUMBER, Kind.SCORE))
    assert low is None or low < high


@pytest.mark.parametrize("concept", _CONCEPTS)
def test_every_number_and_code_has_a_source(concept):
    stated = {
        "test": concept.test,
        "limits": concept.limits[0] is not None or None,
        "levels": concept.levels or None,
        "parts": concept.parts or None,
    }
    assert set(concept.sources) == {field for field, value in stated.items() if value is not None}
    for source in (*concept.sources.values(), *(code.source for code in concept.codes)):
        assert len(source) > 20
    for equivalence in concept.equivalences:
        assert len(equivalence.source) > 20


@pytest.mark.parametrize("concept", _CONCEPTS)
def test_loinc_codes_end_in_their_check_digit(concept):
    # mod 10, double-add-double, as for every LOINC code (LOINC Users' Guide, appendix)
    for code in concept.codes:
        digits, check = code.loinc.split("-")
        doubled = str(int(digits[::-1][::2]) * 2) + digits[::-1][1::2]
        assert int(check) == -sum(map(int, doubled)) % 10


@pytest.mark.parametrize("concept", _CONCEPTS)
def test_results_under_each_code_fit_the_canonical_unit(concept):
    for code in concept.codes:
        if code.unit is not None and concept.unit is not None:
            assert conversion_factor(code.unit, concept.unit, equivalences=concept.equivalences) > 0
        else:
            assert code.unit is concept.unit is None


def test_no_code_is_used_twice():
    codes = [code for concept in catalogue().values() for code in concept.codes]
    loinc = [code.loinc for code in codes]
    omop = [code.omop for code in codes if code.omop is not None]
    assert len(set(loinc)) == len(loinc)
    assert len(set(omop)) == len(omop)


def test_test_codes_are_short_enough_for_sdtm():
    for concept in catalogue().values():
        assert concept.test is None or re.fullmatch(r"[A-Z][A-Z0-9]{0,7}", concept.test)


def _convert(name, value, source, target, assay=None):
    return convert(value, source, target, equivalences=catalogue()[name].equivalences, assay=assay)


@pytest.mark.parametrize(
    ("name", "value", "source", "target", "expected", "tolerance"),
    [
        # customary clinical factors (ctcae.md section 4), each to the digits in which it is quoted
        ("creatinine", 1, "mg/dL", "umol/L", 88.40, 0.005),
        ("bilirubin", 1, "mg/dL", "umol/L", 17.104, 0.0005),
        ("bilirubin", 2, "mg/dL", "umol/L", 34.2, 0.05),
        ("direct_bilirubin", 1, "mg/dL", "umol/L", 17.104, 0.0005),
        ("glucose", 1, "mmol/L", "mg/dL", 18.016, 0.0005),
        ("calcium", 1, "mmol/L", "mg/dL", 4.008, 0.0005),
        ("haemoglobin", 1, "g/dL", "mmol/L", 0.6206, 0.00005),
        ("haemoglobin", 1, "g/dL", "g/L", 10, 0),
        ("albumin", 3.5, "g/dL", "g/L", 35, 0),
        # free thyroxine: 1 ng/dL = 10 ng/L = 10 / 776.874 nmol/L
        ("free_t4", 1, "ng/dL", "pmol/L", 12.872, 0.0005),
        ("sodium", 140, "mEq/L", "mmol/L", 140, 0),
        ("potassium", 4.2, "mEq/L", "mmol/L", 4.2, 0),
        ("calcium", 5, "mEq/L", "mmol/L", 2.5, 0),
        ("alt", 40, "IU/L", "U/L", 40, 0),
        ("alt", 1, "ukat/L", "U/L", 60, 0),
        ("tsh", 4.5, "mIU/L", "mU/L", 4.5, 0),
        ("tsh", 4.5, "uIU/mL", "mU/L", 4.5, 0),
        ("afp", 400, "ng/mL", "ug/L", 400, 0),
        ("platelets", 75, "10^3/uL", "10^9/L", 75, 0),
        ("anti_hbs", 10, "IU/L", "mIU/mL", 10, 0),
    ],
)
def test_conversion_of_an_analyte(name, value, source, target, expected, tolerance):
    assert _convert(name, value, source, target) == pytest.approx(expected, abs=tolerance, rel=0)


@pytest.mark.parametrize(
    ("value", "assay", "expected"),
    [
        pytest.param(11640, "roche_cobas_taqman", 2000, id="HBV-01"),
        pytest.param(100000, "roche_cobas_taqman", 17182.13, id="HBV-02"),
        pytest.param(100000, "abbott_realtime", 29325.51, id="HBV-03"),
    ],
)
def test_copies_of_hbv_dna_by_assay(value, assay, expected):
    assert _convert("hbv_dna", value, "copies/mL", "IU/mL", assay) == pytest.approx(expected, abs=0.005)


def test_copies_of_hbv_dna_are_refused_without_the_assay():  # HBV-05
    with pytest.raises(UnitsDoNotConvert) as found:
        _convert("hbv_dna", 100000, "copies/mL", "IU/mL")
    assert found.value.assays == ("roche_cobas_taqman", "abbott_realtime")


def test_afp_in_iu_is_refused_without_the_assay():
    with pytest.raises(UnitsDoNotConvert):
        _convert("afp", 100, "IU/mL", "ng/mL")
    assert _convert("afp", 100, "IU/mL", "ng/mL", "who_72_225") == 121


@pytest.mark.parametrize(
    ("name", "formula", "molar_mass"),
    [
        # abridged standard atomic weights: C 12.011, H 1.008, N 14.007, O 15.999, I 126.90, Ca 40.078
        ("creatinine", "4 C + 7 H + 3 N + 1 O", 48.044 + 7.056 + 42.021 + 15.999),
        ("bilirubin", "33 C + 36 H + 4 N + 6 O", 396.363 + 36.288 + 56.028 + 95.994),
        ("direct_bilirubin", "33 C + 36 H + 4 N + 6 O", 396.363 + 36.288 + 56.028 + 95.994),
        ("glucose", "6 C + 12 H + 6 O", 72.066 + 12.096 + 95.994),
        ("calcium", "Ca", 40.078),
        ("free_t4", "15 C + 11 H + 4 I + 1 N + 4 O", 180.165 + 11.088 + 4 * 126.90447 + 14.007 + 63.996),
    ],
)
def test_molar_mass_is_that_of_the_formula(name, formula, molar_mass):
    (mass,) = [one.amount for one in catalogue()[name].equivalences if (one.unit, one.other) == ("mol", "g")]
    assert float(mass) == pytest.approx(molar_mass, abs=0.001), formula


@pytest.mark.parametrize(
    ("name", "value", "unit"),
    [
        pytest.param("haemoglobin", 13, "g/L", id="13 g/dL written as g/L"),
        pytest.param("creatinine", 90, "mg/dL", id="90 umol/L written as mg/dL"),
        pytest.param("platelets", 150000, "10^9/L", id="150000 per microlitre written as 10^9/L"),
    ],
)
def test_impossible_pairs_lie_outside_the_limits(name, value, unit):
    concept = catalogue()[name]
    low, high = concept.limits
    assert not low <= Decimal(_convert(name, value, unit, concept.unit)) <= high
