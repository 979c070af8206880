"""Causes of hepatic events: what patterns suggest, and which names the work-up and the terms understand."""

import re
from itertools import product

import numpy as np
import pytest

from trialwright.medicine.hepatitis_b.causes import WORK_UP, Cause, suggest_cause
from trialwright.medicine.hepatitis_b.liver_terms import COMPLICATIONS, HEPATIC, HEPATITIS, STEROIDS

MET, NOT_MET, MISSING = 100, 0, 96


def suggest(*codes):
    causes = (Cause.HBV, Cause.IMMUNE_MEDIATED, Cause.DRUG)
    patterns = {cause: np.array([code], np.uint8) for cause, code in zip(causes, codes, strict=True)}
    suggested, undecided = suggest_cause(patterns)
    return suggested[0], undecided[0]


@pytest.mark.parametrize(
    ("codes", "suggested", "undecided"),
    [
        pytest.param((MET, NOT_MET, NOT_MET), "HBV", None, id="one"),
        pytest.param((MET, MISSING, NOT_MET), "HBV", "IMMUNE-MEDIATED", id="one, and one open"),
        pytest.param((MET, MET, NOT_MET), "INDETERMINATE", None, id="several"),
        pytest.param((NOT_MET, NOT_MET, NOT_MET), "INDETERMINATE", None, id="surely none"),
        pytest.param((NOT_MET, MISSING, MISSING), None, "IMMUNE-MEDIATED, DRUG", id="none known"),
    ],
)
def test_one_pattern_suggests_its_cause(codes, suggested, undecided):
    assert suggest(*codes) == (suggested, undecided)


@pytest.mark.parametrize("codes", list(product((MET, NOT_MET, MISSING), repeat=3)))
def test_what_is_not_known_is_never_taken_for_none(codes):
    """INDETERMINATE stands only where it would stand whatever the unknown ones turn out to be."""
    suggested, _ = suggest(*codes)
    choices = [(MET, NOT_MET) if code == MISSING else (code,) for code in codes]
    if suggested == "INDETERMINATE":
        assert {suggest(*one)[0] for one in product(*choices)} == {"INDETERMINATE"}


@pytest.mark.parametrize(
    ("item", "names", "others"),
    [
        ("hbv_dna", ["HBVVLD", "HBV DNA", "HEPATITIS B VIRUS DNA"], ["HCV RNA", "HBSAG"]),
        ("hbsag", ["HBSAG", "HEPATITIS B VIRUS SURFACE ANTIGEN"], ["HEPATITIS B SURFACE ANTIBODY", "HBEAG"]),
        ("hbeag", ["HBEAG", "HEPATITIS B VIRUS E ANTIGEN"], ["HBSAG", "HEPATITIS B VIRUS SURFACE ANTIGEN"]),
        (
            "hepatitis_a",
            ["HEPATITIS A VIRUS ANTIBODY IGM", "ANTI-HAV IGM"],
            ["ANTI-HAV IGG", "HEPATITIS E IGM"],
        ),
        ("hepatitis_c", ["HCV RNA", "HEPATITIS C VIRUS RNA"], ["HEPATITIS C ANTIBODY"]),
        ("hepatitis_e", ["HEV IGM", "HEPATITIS E VIRUS RNA"], ["HEV IGG"]),
        ("hepatitis_d", ["HDV RNA", "HEPATITIS D ANTIBODY"], ["HDL CHOLESTEROL"]),
        (
            "autoantibodies",
            ["ANTINUCLEAR ANTIBODIES", "SMOOTH MUSCLE ANTIBODY", "ANA"],
            ["ANALYSIS OF URINE"],
        ),
        ("igg", ["IMMUNOGLOBULIN G"], ["CYTOMEGALOVIRUS IGG", "IMMUNOGLOBULIN A"]),
        (
            "imaging",
            ["CT OF THE ABDOMEN", "LIVER MRI", "ABDOMINAL ULTRASOUND"],
            ["RESECTION", "DOCTOR VISIT"],
        ),
    ],
)
def test_names_of_the_work_up(item, names, others):
    assert [name for name in names if not re.search(WORK_UP[item].tests, name)] == []
    assert [name for name in others if re.search(WORK_UP[item].tests, name)] == []


def test_every_complication_is_hepatic_or_a_word_of_its_own():
    plain = {"HEPATORENAL SYNDROME", "ASCITES", "JAUNDICE"}
    assert all(re.search(HEPATIC, word) for word in plain)
    assert not re.search(HEPATIC, "HEPARIN-INDUCED THROMBOCYTOPENIA")
    assert re.search(HEPATITIS, "IMMUNE-MEDIATED HEPATITIS")
    assert not re.search(HEPATITIS, "CHOLESTASIS")
    assert not re.search(COMPLICATIONS["ENCEPHALOPATHY"], "WERNICKE'S ENCEPHALOPATHY")


def test_steroids_that_act_in_the_whole_body():
    assert all(re.search(STEROIDS, name) for name in ("PREDNISOLONE", "METHYLPREDNISOLONE", "DEXAMETHASONE"))
    assert not re.search(STEROIDS, "BUDESONIDE")
