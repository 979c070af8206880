"""docs/derivations-safety.md names every column and parameter of its tables."""

import re
from pathlib import Path

import polars as pl
import pytest
from tests.derivations.safety import FIRST, adsl_of, dose, study_of, table

from trialwright.derivations.adae import derive_adae
from trialwright.derivations.adattr import derive_adattr
from trialwright.derivations.adevt import derive_adevt
from trialwright.derivations.adex import derive_adex
from trialwright.derivations.adexsum import derive_adexsum
from trialwright.derivations.adlb import derive_adlb
from trialwright.derivations.adliver import derive_adliver
from trialwright.derivations.events import known_facts

PAGE = Path(__file__).parents[2] / "docs" / "derivations-safety.md"
COMMON = {"STUDYID", "USUBJID", "SUBJECT", "SRCDOM", "SRCSEQ", "SRCALL", "PROTOCOL"}


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    spans = {
        "EXTRT": "ENTECAVIR",
        "EXSTDTC": str(FIRST),
        "EXENDTC": str(FIRST),
        "EXDOSE": 0.5,
        "EXDOSU": "mg",
    }
    study = study_of(EX=table("EX", dose(FIRST), spans))
    facts, adsl = known_facts(study), adsl_of(study)
    adlb, adae, adex = (
        derive_adlb(study, adsl, facts),
        derive_adae(study, adsl, facts),
        derive_adex(study, adsl),
    )
    adevt = derive_adevt(study, facts)
    return {
        "ADLB": adlb, "ADAE": adae, "ADEX": adex, "ADEXSUM": derive_adexsum(study, adsl, adex, facts),
        "ADATTR": derive_adattr(study, adsl, adevt, adlb, adae), "ADLIVER": derive_adliver(study, adsl, adevt),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["ADLB", "ADAE", "ADEX", "ADEXSUM", "ADATTR", "ADLIVER"])
def test_every_column_stands_in_its_section(name, tables):
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {name}\n")[1].split("\n## ")[0]
    named = set(re.findall(r"`([A-Z0-9]+)`", section))
    named |= {one.removesuffix("L") + "H" for one in named if one.startswith("ATOX")}
    assert set(tables[name].columns) - COMMON - named - {"REASON"} == set()


def test_every_parameter_stands_on_the_page(tables):
    text = PAGE.read_text(encoding="utf-8")
    codes = {code for name in ("ADEXSUM", "ADLIVER", "ADEX") for code in tables[name]["PARAMCD"]}
    assert {code for code in codes if f"`{code}`" not in text} == set()
