"""How single numbers are printed."""

import pytest
from tests.cases.timed_trial import PROTOCOL

from trialwright.protocol.loading import parse_protocol
from trialwright.reports.printed import Said, fixed, print_p_value, print_ratio, ratio_digits


@pytest.mark.parametrize(
    ("value", "digits", "printed"),
    [
        pytest.param(70.25, 1, "70.3", id="halves go up, where binary formatting gives 70.2"),
        pytest.param(-0.125, 2, "−0.13", id="halves go away from zero, with a true minus"),
        pytest.param(-0.04, 1, "0.0", id="no negative zero"),
        pytest.param(0.0, 0, "0", id="zero"),
        pytest.param(1234.5, 0, "1235", id="whole"),
        pytest.param(1e-9, 3, "0.000", id="tiny"),
        pytest.param(1e22, 0, "10000000000000000000000", id="no exponent"),
    ],
)
def test_fixed(value, digits, printed):
    assert fixed(value, digits) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.0009999, "<0.001"),
        (0.001, "0.001"),
        (0.0204845, "0.020"),
        (0.0995, "0.100"),
        (0.1, "0.10"),
        (0.9949, "0.995"),
        (0.1049, "0.10"),
        (0.9991, ">0.999"),
        (1.0, ">0.999"),
    ],
)
def test_p_values(value, printed):
    assert print_p_value(value) == printed


@pytest.mark.parametrize(
    ("ratio", "digits"), [(0.89, 2), (0.9, 3), (0.994, 3), (1.1, 3), (1.11, 2), (2.5, 2)]
)
def test_ratios_near_one_keep_their_direction(ratio, digits):
    assert ratio_digits(ratio) == digits


@pytest.mark.parametrize(
    ("ratio", "digits", "printed"),
    [
        pytest.param(0.004999, 2, "<0.01", id="just below what two decimals round up"),
        pytest.param(0.005, 2, "0.01", id="at it"),
        pytest.param(0.005001, 2, "0.01", id="just above"),
        pytest.param(3e-300, 3, "<0.001", id="tiny"),
        pytest.param(0.0, 2, "0.00", id="a ratio that is none"),
        pytest.param(238.29, 2, "238.29", id="large"),
    ],
)
def test_a_ratio_is_never_rounded_to_zero(ratio, digits, printed):
    assert print_ratio(ratio, digits) == printed


@pytest.mark.parametrize(
    ("label", "heading"),
    [
        ("platelets", "Platelets"),
        ("anti-HBs", "Anti-HBs"),
        ("Age", "Age"),
        ("HBV DNA", "HBV DNA"),
        ("pH of blood", "pH of blood"),
        ("eGFR", "eGFR"),
        ("p53", "p53"),
        ("γ-GT", "γ-GT"),
    ],
)
def test_a_fact_begins_a_row_with_a_capital_unless_its_letters_mean_something(label, heading):
    protocol = parse_protocol(PROTOCOL.replace("READ", "10 days").replace("label: Virus", f"label: {label}"))[
        0
    ]
    said = Said(protocol)
    assert (said.heading("virus").text, said.fact("virus").text) == (heading, label)
    assert said.term("virus").plain == heading
