"""Numbers with units in a protocol."""

from decimal import Decimal

import pytest

from trialwright.protocol.quantities import Quantity


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [("1500 mg", "1500", "mg"), ("0.05 IU/mL", "0.05", "IU/mL"), ("10 %", "10", "%")],
)
def test_a_quantity_is_read_and_written_back(text, number, unit):
    quantity = Quantity.parse(text)
    assert (quantity.number, quantity.unit.code) == (Decimal(number), unit)
    assert str(quantity) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1500mg", "expected a number and a unit such as 1500 mg"),
        ("1500", "expected a number and a unit"),
        ("-5 mg", "expected a number and a unit"),
        ("some mg", "expected a number and a unit"),
        ("1,5 mg", "expected a number and a unit"),
        ("5 IU/ml2", "`IU/ml2` is not a unit"),
        (1500, "expected a number and a unit"),
        ("1e9999 mg", "expected a number and a unit"),
    ],
)
def test_what_is_no_quantity_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Quantity.parse(text)
