"""Units: spellings, which fit each other, and exact factors against clinical pairs worked by hand."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialwright.vocabulary.units import (
    Equivalence,
    UnitsDoNotConvert,
    UnknownUnit,
    conversion_factor,
    convert,
    find_unit,
)

_CREATININE = Equivalence("mol", Decimal("113.12"), "g", "test")
_HBV_DNA = Equivalence("IU", Decimal("5.82"), "copies", "test", "roche")


@pytest.mark.parametrize(
    ("spelling", "code", "label", "ucum"),
    [
        ("umol/L", "umol/L", "µmol/L", "umol/L"),
        ("µmol/l", "umol/L", "µmol/L", "umol/L"),
        ("\N{GREEK SMALL LETTER MU}mol / L", "umol/L", "µmol/L", "umol/L"),
        ("mcg/mL", "ug/mL", "µg/mL", "ug/mL"),
        ("10^9/L", "10^9/L", "×10⁹/L", "10*9/L"),
        ("x10^9/L", "10^9/L", "×10⁹/L", "10*9/L"),
        ("× 10⁹/L", "10^9/L", "×10⁹/L", "10*9/L"),
        ("10*9/L", "10^9/L", "×10⁹/L", "10*9/L"),
        ("K/uL", "10^3/uL", "×10³/µL", "10*3/uL"),
        ("THOU/uL", "10^3/uL", "×10³/µL", "10*3/uL"),
        ("GI/L", "10^9/L", "×10⁹/L", "10*9/L"),
        ("TI/L", "10^12/L", "×10¹²/L", "10*12/L"),
        ("cells/mm3", "cells/uL", "cells/µL", "{cells}/uL"),
        ("[IU]/mL", "IU/mL", "IU/mL", "[IU]/mL"),
        ("m[iU]/mL", "mIU/mL", "mIU/mL", "m[IU]/mL"),
        ("{copies}/ml", "copies/mL", "copies/mL", "{copies}/mL"),
        ("mL/min/{1.73_m2}", "mL/min/1.73m2", "mL/min/1.73 m²", "mL/min/{1.73_m2}"),
        ("kg/m²", "kg/m2", "kg/m²", "kg/m2"),
        ("mm[Hg]", "mmHg", "mmHg", "mm[Hg]"),
        ("%", "%", "%", "%"),
    ],
)
def test_one_unit_for_all_its_spellings(spelling, code, label, ucum):
    unit = find_unit(spelling)
    assert (unit.code, unit.label, unit.ucum) == (code, label, ucum)
    assert find_unit(unit.code) == find_unit(unit.ucum) == unit


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("MG/DL", "mg/dL"),  # M is mega: capitals count
        ("IU/ML", "IU/mL"),
        ("U/LL", "U/L"),
        ("umol/LL", "umol/L"),
        ("", None),
        ("x", None),
        ("/L", None),
        ("furlong/fortnight", None),
        ("mg//dL", "mg/dL"),
        ("mg/g", None),  # what cancels is no plain number
        ("mmol/mol", None),
        ("a" * 1000, None),
    ],
)
def test_text_that_is_no_unit(text, suggestion):
    with pytest.raises(UnknownUnit) as found:
        find_unit(text)
    assert found.value.suggestion == suggestion
    assert len(str(found.value)) < 120


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        # SI prefixes, exact
        ("1", "g/dL", "g/L", "10"),
        ("3.5", "g/dL", "g/L", "35"),
        ("1", "ng/mL", "ug/L", "1"),
        ("1", "mg/dL", "g/L", "0.01"),
        ("150000", "cells/uL", "10^9/L", "150"),
        ("150", "10^3/uL", "10^9/L", "150"),
        ("5.2", "10^12/L", "10^6/uL", "5.2"),
        ("1", "ukat/L", "U/L", "60"),
        ("10", "IU/L", "mIU/mL", "10"),
        ("2000", "IU/mL", "kIU/L", "2000"),
        ("170", "cm", "m", "1.7"),
        ("25", "%", "%", "25"),
    ],
)
def test_same_dimension_converts_exactly(value, source, target, expected):
    assert Fraction(value) * conversion_factor(source, target) == Fraction(expected)
    assert convert(Decimal(value), source, target) == float(expected)


def test_mass_and_amount_are_tied_by_the_molar_mass():
    # by hand: 1 mg/dL = 10 mg/L = 10/113.12 mmol/L = 88.4017 umol/L
    factor = conversion_factor("mg/dL", "umol/L", equivalences=[_CREATININE])
    assert factor == Fraction(10_000_000, 113_120)
    assert float(factor) == pytest.approx(88.4017, abs=5e-5)
    assert conversion_factor("umol/L", "mg/dL", equivalences=[_CREATININE]) == 1 / factor


def test_copies_need_the_assay_that_counted_them():
    # HBV-01 and HBV-04 of the domain notes: 11 640 copies/mL by Roche's 5.82 are 2000 IU/mL
    assert convert(11640, "copies/mL", "IU/mL", equivalences=[_HBV_DNA], assay="roche") == 2000
    assert convert(2000, "IU/mL", "copies/mL", equivalences=[_HBV_DNA], assay="roche") == 11640
    for assay in (None, "another"):
        with pytest.raises(UnitsDoNotConvert) as found:
            conversion_factor("copies/mL", "IU/mL", equivalences=[_HBV_DNA], assay=assay)
        assert found.value.assays == ("roche",)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("U/L", "mg/dL"),
        ("IU/mL", "copies/mL"),
        ("IU/L", "U/L"),
        ("10^9/L", "copies/mL"),
        ("cells/uL", "IU/mL"),
        ("mg/dL", "umol/L"),
        ("mEq/L", "mmol/L"),
        ("mL/min", "mL/min/1.73m2"),
        ("kg", "kg/m2"),
        ("%", "mg/dL"),
        ("s", "Cel"),
    ],
)
def test_things_of_different_kind_do_not_convert(source, target):
    for one, other in ((source, target), (target, source)):
        with pytest.raises(UnitsDoNotConvert) as found:
            conversion_factor(one, other)
        assert found.value.assays == ()


_CONCENTRATIONS = st.sampled_from(
    ["mg/dL", "g/L", "ug/mL", "ng/dL", "mmol/L", "umol/L", "nmol/mL", "pmol/dL"]
)


@given(_CONCENTRATIONS, _CONCENTRATIONS, _CONCENTRATIONS)
def test_factors_go_round_without_loss(one, two, three):
    def factor(source, target):
        return conversion_factor(source, target, equivalences=[_CREATININE])

    assert factor(one, two) * factor(two, one) == 1
    assert factor(one, two) * factor(two, three) == factor(one, three)


@given(st.text(max_size=60))
def test_any_text_is_a_unit_or_refused(text):
    try:
        unit = find_unit(text)
    except UnknownUnit:
        return
    assert find_unit(unit.code) == unit
