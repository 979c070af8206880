"""What laboratories write, read as one state and what is known of the number."""

import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.medicine.assay_results import State
from trialwright.medicine.hepatitis_b import result_texts
from trialwright.medicine.hepatitis_b.result_texts import read_results
from trialwright.vocabulary.verdicts import Reason, Verdict

NAN = math.nan
ROCHE, ABBOTT = "roche_cobas_taqman", "abbott_realtime"


def read(
    *texts, unit="IU/mL", concept="hbv_dna", lloq=10, uloq=1.7e8, below=State.BELOW_LLOQ_UNSPECIFIED, **more
):
    return read_results(
        texts, concept=concept, unit=unit, lloq=lloq, uloq=uloq, below_limit_means=below, **more
    )


def words(results):
    """`QUANTIFIED 12300`, `NOT_DETECTED [0, 10)` of each row."""
    return [
        f"{State(state).name} {f'{bounds.lo:.7g}' if bounds.is_exact else bounds}"
        for state, bounds in zip(results.state, results.amount.bounds, strict=True)
    ]


def test_the_examples_run():
    failed, tried = doctest.testmod(result_texts)
    assert (failed, tried > 2) == (0, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # numbers
        ("12300", "QUANTIFIED 12300"),
        ("1.23E+04", "QUANTIFIED 12300"),
        ("1.23e4 IU/mL", "QUANTIFIED 12300"),
        ("12,300", "QUANTIFIED 12300"),
        ("1,234,567", "QUANTIFIED 1234567"),
        ("1.23×10^4", "QUANTIFIED 12300"),
        ("1.23 x 10⁴ iu/ml", "QUANTIFIED 12300"),
        ("HBV DNA: 12300 IU/mL (detected)", "QUANTIFIED 12300"),
        ("4.09 log", "QUANTIFIED 12302.69"),
        ("4.09 log10 IU/mL", "QUANTIFIED 12302.69"),
        (12300, "QUANTIFIED 12300"),
        (np.float64(12300), "QUANTIFIED 12300"),
        # below the limit
        ("<10 detected", "BELOW_LLOQ_DETECTED [0, 10)"),
        ("detected, <LLOQ", "BELOW_LLOQ_DETECTED [0, 10)"),
        ("Detected, not quantifiable", "BELOW_LLOQ_DETECTED [0, 10)"),
        ("not quantified", "BELOW_LLOQ_DETECTED [0, 10)"),
        ("<10", "BELOW_LLOQ_UNSPECIFIED [0, 10)"),
        ("< 1.0 log", "BELOW_LLOQ_UNSPECIFIED [0, 10)"),
        ("<20 IU/mL", "BELOW_LLOQ_UNSPECIFIED [0, 20)"),
        ("≤10", "BELOW_LLOQ_UNSPECIFIED [0, 10]"),
        ("below the lower limit of quantification", "BELOW_LLOQ_UNSPECIFIED [0, 10)"),
        ("5", "BELOW_LLOQ_DETECTED [0, 10)"),
        ("0", "BELOW_LLOQ_UNSPECIFIED [0, 10)"),
        (0.0, "BELOW_LLOQ_UNSPECIFIED [0, 10)"),
        # not there
        ("TND", "NOT_DETECTED [0, 10)"),
        ("Target Not Detected", "NOT_DETECTED [0, 10)"),
        ("HBV-DNA undetectable", "NOT_DETECTED [0, 10)"),
        ("negative", "NOT_DETECTED [0, 10)"),
        ("<20, not detected", "NOT_DETECTED [0, 20)"),
        # above
        (">1.7E8", "ABOVE_ULOQ (170000000, inf)"),
        (">170,000,000 IU/mL", "ABOVE_ULOQ (170000000, inf)"),
        (">ULOQ", "ABOVE_ULOQ (170000000, inf)"),
        ("above the upper limit of quantification", "ABOVE_ULOQ (170000000, inf)"),
        (">8 log", "ABOVE_ULOQ (100000000, inf)"),
        # no measurement
        ("", "NO_RESULT [0, inf)"),
        ("  ", "NO_RESULT [0, inf)"),
        (None, "NO_RESULT [0, inf)"),
        (NAN, "NO_RESULT [0, inf)"),
        ("QNS", "NO_RESULT [0, inf)"),
        ("haemolysed", "NO_RESULT [0, inf)"),
        ("Invalid", "NO_RESULT [0, inf)"),
        # nobody can tell
        ("ND", "UNREADABLE [0, inf)"),
        ("detected", "UNREADABLE [0, inf)"),
        ("250 not detected", "UNREADABLE [0, inf)"),
        (">10 not detected", "UNREADABLE [0, inf)"),
        ("12 300", "UNREADABLE [0, inf)"),
        ("1,5", "UNREADABLE [0, inf)"),
        ("1.234.567", "UNREADABLE [0, inf)"),
        ("-5", "UNREADABLE [0, inf)"),
        ("<0", "UNREADABLE [0, inf)"),
        ("5000 log", "UNREADABLE [0, inf)"),
        ("2e10", "UNREADABLE [0, inf)"),
        ("repeat", "UNREADABLE [0, inf)"),
        ("12300?", "UNREADABLE [0, inf)"),
        ("above the lower limit of quantification", "UNREADABLE [0, inf)"),
        ("below the upper limit of quantification", "UNREADABLE [0, inf)"),
        (">LLOQ", "UNREADABLE [0, inf)"),
        ("<ULOQ", "UNREADABLE [0, inf)"),
        ("10-20", "UNREADABLE [0, inf)"),
    ],
)
def test_a_text_is_one_state(text, expected):
    assert words(read(text)) == [expected]


@pytest.mark.parametrize(
    ("meaning", "expected"),
    [
        (State.BELOW_LLOQ_UNSPECIFIED, Verdict.unknown(Reason.CENSORED)),
        (State.BELOW_LLOQ_DETECTED, Verdict.MET),
        (State.NOT_DETECTED, Verdict.NOT_MET),
    ],
)
def test_what_a_bare_limit_means_is_the_setting_of_the_laboratory(meaning, expected):
    results = read("<20", "<20 detected", "TND", below=meaning)
    assert State(results.state[0]) is meaning
    assert results.detected.tolist() == [expected.code, Verdict.MET.code, Verdict.NOT_MET.code]
    assert results.quantified.tolist() == [Verdict.NOT_MET.code] * 3


@pytest.mark.parametrize(
    ("text", "assay", "expected"),
    [
        pytest.param("11640", ROCHE, 2000, id="HBV-01"),
        pytest.param("100000", ROCHE, 17182.13, id="HBV-02"),
        pytest.param("100,000", ABBOTT, 29325.51, id="HBV-03"),
        pytest.param("5 log", ROCHE, 17182.13, id="HBV-02 as a logarithm of copies"),
    ],
)
def test_copies_become_iu_by_the_factor_of_their_assay(text, assay, expected):
    bounds = read(text, unit="copies/mL", assay=assay).amount.bounds
    assert bounds.lo[0] == bounds.hi[0] == pytest.approx(expected, abs=0.005)
    assert not read(text, unit="copies/mL", assay=assay).is_assumed[0]


def test_hbv_01_is_exactly_2000_iu_and_not_above():
    amount = read("11640", unit="copies/mL", assay=ROCHE).amount
    assert amount.compare(">", 2000).tolist() == [Verdict.NOT_MET.code]
    assert np.log10(amount.bounds.lo[0]) == pytest.approx(3.3010, abs=5e-5)


def test_hbv_04_iu_become_copies():
    from trialwright.vocabulary.concepts import catalogue
    from trialwright.vocabulary.units import convert

    equals = catalogue()["hbv_dna"].equivalences
    assert convert(2000, "IU/mL", "copies/mL", equivalences=equals, assay=ROCHE) == 11640


def test_hbv_05_copies_of_an_unknown_assay_are_not_converted():
    results = read("100000", "<200", "100000", unit="copies/mL", assay=[None, None, "in-house"])
    assert results.amount.reasons.tolist() == [Reason.UNIT_UNKNOWN.code] * 3
    assert results.amount.compare(">", 2000).tolist() == [Reason.UNIT_UNKNOWN.code] * 3


def test_hbv_05_an_assumed_factor_is_used_only_where_no_assay_is_named_and_is_flagged():
    results = read(
        "100000",
        "100000",
        "100000",
        unit="copies/mL",
        assay=[None, ROCHE, "in-house"],
        assumed_copies_per_iu=5,
    )
    assert results.amount.bounds.lo.tolist() == pytest.approx([20_000, 17182.13, 0], abs=0.005)
    assert results.is_assumed.tolist() == [True, False, False]
    assert results.amount.reasons.tolist() == [0, 0, Reason.UNIT_UNKNOWN.code]


def test_hbv_06_a_logarithm_keeps_its_decimals():
    results = read("5.09 log IU/mL", "5.1", "5", unit=["IU/mL", "log10 IU/mL", "IU/mL"], lloq=2)
    assert results.amount.bounds.lo.tolist() == pytest.approx([123_026.9, 125_892.5, 5], abs=0.05)
    assert results.log_decimals.tolist() == [2, 1, -1]
    wide = results.within_rounding().amount.bounds
    assert wide.lo.tolist() == pytest.approx([10**5.085, 10**5.05, 5])
    assert wide.hi.tolist() == pytest.approx([10**5.095, 10**5.15, 5])


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        pytest.param("11640 copies/mL", "IU/mL", id="the text names another unit than the column"),
        pytest.param("12300 IU/L", "IU/mL", id="and another scale"),
        pytest.param("12300 IU/mL", "log10 IU/mL", id="a plain number in a column of logarithms"),
        pytest.param("12300", None, id="no unit at all"),
        pytest.param("12300", "mg/dL", id="a unit of something else"),
        pytest.param("<10", None, id="a limit without a unit"),
    ],
)
def test_mixed_and_missing_units_are_refused(text, unit):
    results = read(text, unit=unit, assay=ROCHE)
    assert results.amount.reasons.tolist() == [Reason.UNIT_UNKNOWN.code]


def test_each_row_carries_its_limit():
    results = read("<20", "TND", "500", "TND", lloq=[10, 20, 10, NAN])
    assert results.lloq.tolist()[:3] == [20, 20, 10]
    assert words(results)[3] == "NOT_DETECTED [0, inf)"


def test_quantitative_hbsag_is_read_by_the_same_grammar():
    results = read(
        "<0.05", "0.30", "98", ">250", "-1.30 log", "1250", "0.05", concept="hbsag_quantity", lloq=0.05
    )
    assert words(results) == [
        "BELOW_LLOQ_UNSPECIFIED [0, 0.05)",
        "QUANTIFIED 0.3",
        "QUANTIFIED 98",
        "ABOVE_ULOQ (250, inf)",
        "QUANTIFIED 0.05011872",
        "QUANTIFIED 1250",
        "QUANTIFIED 0.05",
    ]  # SA-06: `>250` stays censored on the right


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"texts": [5, -5.0]}, r"`texts\[1\]` must be a finite number of at least 0, not -5.0"),
        ({"texts": [math.inf]}, r"`texts\[0\]` must be a finite number of at least 0, not inf"),
        ({"texts": [True]}, r"`texts\[0\]` must be a text or a number, not True"),
        ({"texts": ["5"], "lloq": 0}, r"`lloq\[0\]` must be a finite number above 0, or missing, not 0"),
        ({"texts": ["5"], "lloq": [1, 2]}, "`lloq` must be one limit or 1, not 2"),
        ({"texts": ["5"], "below_limit_means": State.QUANTIFIED}, "a result below the limit cannot mean"),
        ({"texts": ["5"], "assumed_copies_per_iu": 0}, "`assumed_copies_per_iu` must be above 0, not 0"),
        ({"texts": ["5"], "unit": ["IU/mL", "IU/mL"]}, "1 rows need as many texts, not 2"),
    ],
)
def test_faulty_calls_are_refused(arguments, message):
    usual = {
        "concept": "hbv_dna",
        "unit": "IU/mL",
        "lloq": 10,
        "uloq": 1e9,
        "below_limit_means": State.NOT_DETECTED,
    }
    with pytest.raises(ValueError, match=message):
        read_results(**(usual | arguments))


@settings(deadline=None)
@given(st.text(max_size=30) | st.text(alphabet="<>=0123456789.,eE+-x*^ logIU/mLdetcn", max_size=20))
def test_any_text_has_a_state_and_nothing_is_made_up(text):
    results = read(text)
    state, bounds = State(results.state[0]), next(iter(results.amount.bounds))
    assert bounds.lo >= 0
    if state in (State.NO_RESULT, State.UNREADABLE):
        assert (bounds.lo, bounds.hi) == (0, math.inf)
    if bounds.is_exact:
        assert state is State.QUANTIFIED
        assert bounds.lo >= 10


@settings(deadline=None)
@given(st.floats(10, 1e9), st.sampled_from(["", " IU/mL", " [IU]/mL", " iu/ml"]))
def test_numbers_survive_however_they_are_printed(number, unit):
    for text in (repr(number), f"{number:.17e}", f"{number:,.9f}".rstrip("0").rstrip(".")):
        bounds = read(text + unit).amount.bounds
        assert bounds.lo[0] == pytest.approx(number, rel=1e-9)
