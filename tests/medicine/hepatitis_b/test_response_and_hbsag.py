"""Rises over the nadir, breakthrough, falls, and HBsAg loss."""

import numpy as np
import pytest

from trialwright.medicine.assay_results import State
from trialwright.medicine.hepatitis_b.hbsag import (
    functional_cure,
    hbsag_loss,
    hbsag_seroconversion,
    is_hbsag_negative,
)
from trialwright.medicine.hepatitis_b.occasions import confirm, order_samples
from trialwright.medicine.hepatitis_b.result_texts import read_results
from trialwright.medicine.hepatitis_b.virological_response import (
    group_dna,
    has_fallen,
    is_low_level_viraemia,
    log10_fall,
    rise_over_nadir,
    virological_breakthrough,
)
from trialwright.vocabulary.verdicts import Reason, Verdict

MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
MISSING, CENSORED = Reason.MISSING.code, Reason.CENSORED.code


def dna(*texts):
    return read_results(
        texts,
        concept="hbv_dna",
        unit="IU/mL",
        lloq=10,
        uloq=1e9,
        below_limit_means=State.BELOW_LLOQ_UNSPECIFIED,
    )


def hbsag(*texts):
    return read_results(
        texts,
        concept="hbsag_quantity",
        unit="IU/mL",
        lloq=0.05,
        uloq=250,
        below_limit_means=State.BELOW_LLOQ_UNSPECIFIED,
    )


def series(**values):
    """`d29="200"` and so on, of one person."""
    days = [int(day[1:]) for day in values]
    return order_samples(["a"] * len(days), days, dna(*values.values()))


def breakthrough(occasions):
    return virological_breakthrough(
        occasions, fold=10, undetectable_iu_ml=100, counts_from=[92], least_days=28
    ).tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(
            {"d1": "5e4", "d29": "200", "d57": "20", "d120": "25", "d148": "260", "d176": "410"},
            [NOT_MET, NOT_MET, NOT_MET, NOT_MET, MET, MISSING],
            id="VB-01",
        ),
        pytest.param({"d1": "5e4", "d57": "20", "d148": "260", "d176": "30"}, [NOT_MET] * 4, id="VB-02"),
        pytest.param(
            {"d1": "5e4", "d85": "TND", "d120": "90", "d148": "130", "d176": "150"},
            [NOT_MET, NOT_MET, NOT_MET, MET, MISSING],
            id="VB-03",
        ),
        pytest.param({"d1": "5e4", "d29": "200", "d57": "2500"}, [NOT_MET] * 3, id="VB-04"),
        pytest.param({"d1": "5e4", "d57": "20", "d148": "200", "d175": "300"}, [NOT_MET, NOT_MET, MISSING, MISSING], id="27 days later is too soon"),
        pytest.param({"d1": "5e4", "d57": "20", "d148": "200", "d176": "200"}, [NOT_MET, NOT_MET, MET, MISSING], id="tenfold counts"),
        pytest.param({"d1": "5e4", "d57": "20", "d148": "199", "d176": "900"}, [NOT_MET, NOT_MET, NOT_MET, MISSING], id="just below does not"),
        pytest.param({"d1": "5e4", "d85": "<10", "d148": "99", "d176": "100"}, [NOT_MET, NOT_MET, NOT_MET, MISSING], id="100 IU/mL after undetectable"),
        pytest.param({"d1": "5e4", "d57": "20", "d148": "260", "d162": "15", "d176": "410"}, [NOT_MET] * 4 + [MISSING], id="a fall in between"),
    ],
)  # fmt: skip
def test_virological_breakthrough(values, expected):
    assert breakthrough(series(**values)) == expected


def test_vb_04_is_listed_as_a_rise():
    rise = rise_over_nadir(series(d1="5e4", d29="200", d57="2500"), fold=10, undetectable_iu_ml=100)
    assert rise.tolist() == [NOT_MET, NOT_MET, MET]


def test_hbv_22_is_a_rise_of_two_log_over_the_nadir():
    occasions = series(d1="5000", d57="20", d120="4000", d148="5000")
    assert rise_over_nadir(occasions, fold=100).tolist() == [NOT_MET, NOT_MET, MET, MET]
    one_log = rise_over_nadir(occasions, fold=10)
    assert confirm(occasions, one_log, least_days=28).tolist() == [NOT_MET, NOT_MET, MET, MISSING]
    assert np.log10(4000 / 20) == pytest.approx(2.30, abs=0.005)


def test_without_a_number_for_it_a_rise_over_an_undetectable_nadir_is_what_it_may_be():
    occasions = series(d1="<10", d29="99", d57="100")
    assert rise_over_nadir(occasions, fold=10).tolist() == [NOT_MET, CENSORED, MET]


def test_a_conflict_of_states_before_is_told():
    occasions = order_samples(["a"] * 3, [1, 1, 29], dna("<10", "50", "300"))
    rise = rise_over_nadir(occasions, fold=10, undetectable_iu_ml=100)
    assert rise.tolist() == [NOT_MET, Reason.CONFLICT.code]


@pytest.mark.parametrize(
    ("baseline", "later", "fold", "expected"),
    [
        pytest.param("1250", "98", 10, MET, id="SA-01: one log"),
        pytest.param("1000", "100", 10, MET, id="exactly one log"),
        pytest.param("1000", "100.1", 10, NOT_MET, id="just less"),
        pytest.param("1000", "<0.05", 100, MET, id="below the limit"),
        pytest.param(">250", "100", 10, CENSORED, id="from somewhere above the range"),
        pytest.param("", "100", 10, MISSING, id="no baseline"),
    ],
)
def test_falls(baseline, later, fold, expected):
    assert has_fallen(hbsag(later), baseline=hbsag(baseline), fold=fold).tolist() == [expected]


def test_sa_01_decline():
    fall = log10_fall(hbsag("98", "<0.05"), baseline=hbsag("1250", "1250"))
    assert fall.bounds.lo[0] == fall.bounds.hi[0] == pytest.approx(1.1057, abs=5e-5)
    assert (fall.bounds.lo[1], fall.bounds.hi[1]) == (pytest.approx(np.log10(1250 / 0.05)), np.inf)
    assert hbsag("98").amount.compare("<", 100).tolist() == [MET]


def test_low_level_viraemia_is_detected_and_below_the_limit():
    found = is_low_level_viraemia(dna("1999", "2000", "<10 detected", "<10", "TND", ""), below_iu_ml=2000)
    assert found.tolist() == [MET, NOT_MET, MET, CENSORED, NOT_MET, MISSING]


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("TND", "not detected"), ("<10 detected", "detected below LLOQ"), ("10", "LLOQ-< 2000"),
        ("1999", "LLOQ-< 2000"), ("2000", "2000-< 20000"), ("19999", "2000-< 20000"), ("20000", ">= 20000"),
        (">1e9", ">= 20000"), ("<10", None), ("", None), ("ND", None),
    ],
)  # fmt: skip
def test_groups_of_hbv_dna(text, group):
    found = group_dna(dna(text))
    assert found.settled.tolist() == [group]
    if text == "<10":
        assert found.possible.tolist() == [[True, True, False, False, False]]
        assert found.is_in("not detected").tolist() == [CENSORED]


# ---- HBsAg


@pytest.mark.parametrize(
    ("text", "expected"),
    [("<0.05", MET), ("0.04", MET), ("0.05", NOT_MET), ("0.30", NOT_MET), ("negative", MET), (">250", NOT_MET),
     ("<1", CENSORED), ("", MISSING)],
)  # fmt: skip
def test_hbsag_negative(text, expected):
    assert is_hbsag_negative(hbsag(text), below_iu_ml=0.05).tolist() == [expected]


def test_a_qualitative_test_needs_no_limit():
    results = read_results(
        ["negative", "<LLOQ"], concept="hbsag_quantity", unit=None, lloq=np.nan, uloq=np.nan,
        below_limit_means=State.BELOW_LLOQ_UNSPECIFIED,
    )  # fmt: skip
    assert is_hbsag_negative(results, below_iu_ml=0.05).tolist() == [MET, CENSORED]


def loss(weeks, texts, **more):
    occasions = order_samples(["a"] * len(weeks), [7 * week for week in weeks], hbsag(*texts))
    return hbsag_loss(occasions, below_iu_ml=0.05, least_days=84, **more).tolist()


def test_sa_02_loss_confirmed_and_seroconversion():
    found = loss([0, 48, 60], ["1250", "<0.05", "<0.05"])
    assert found == [NOT_MET, MET, MISSING]
    codes = np.array(found, np.uint8)
    anti = {"unit": "mIU/mL", "least_miu_ml": 10}
    assert hbsag_seroconversion(codes, anti_hbs=[0, 35, 35], **anti).tolist() == [NOT_MET, MET, MISSING]
    assert hbsag_seroconversion(codes[1:2], anti_hbs=[9.9], **anti).tolist() == [NOT_MET]
    assert hbsag_seroconversion(codes[1:2], anti_hbs=[10], **anti).tolist() == [MET]
    assert hbsag_seroconversion(codes[1:2], anti_hbs=[0.035], unit="IU/mL", least_miu_ml=10).tolist() == [MET]
    assert hbsag_seroconversion(codes[1:2], anti_hbs=[None], **anti).tolist() == [MISSING]


def test_sa_03_a_positive_one_after_it_is_no_loss():
    assert loss([48, 60], ["<0.05", "0.30"]) == [NOT_MET, NOT_MET]


def test_the_next_scheduled_sample_confirms_however_soon():
    assert loss([48, 52], ["<0.05", "<0.05"]) == [MISSING, MISSING]
    assert loss([48, 52], ["<0.05", "<0.05"], is_scheduled=[True, True]) == [MET, MISSING]


@pytest.mark.parametrize(
    ("dna_text", "days_off", "expected"),
    [
        pytest.param("TND", 168, MET, id="SA-04"),
        pytest.param("TND", 0, NOT_MET, id="SA-05: nucleos(t)ide analogue goes on"),
        pytest.param("TND", 167, NOT_MET, id="one day short"),
        pytest.param("<10", 168, CENSORED, id="not told whether detected"),
        pytest.param("<10 detected", 168, NOT_MET, id="detected"),
        pytest.param("", 168, MISSING, id="no HBV DNA"),
        pytest.param("TND", None, MISSING, id="not known whether therapy ended"),
    ],
)
def test_functional_cure(dna_text, days_off, expected):
    negative = is_hbsag_negative(hbsag("<0.05"), below_iu_ml=0.05)
    found = functional_cure(
        hbsag_negative=negative, dna=dna(dna_text), days_off_therapy=[days_off], least_days=168
    )
    assert found.tolist() == [expected]


def test_sa_06_above_the_range_is_censored_and_asked_about():
    results = hbsag(">250")
    assert State(results.state[0]) is State.ABOVE_ULOQ
    assert results.amount.compare(">=", 1500).tolist() == [CENSORED]
