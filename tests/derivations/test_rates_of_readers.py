"""A rate of what readers see: whose looks count, and that a scan which nobody could judge is none."""

import polars as pl
import pytest
from tests.derivations.tumours import PROTOCOL, edit, responses, study_of, target

from trialwright.derivations.datasets import derive_datasets

CENTRAL = {"evaluator": "INDEPENDENT ASSESSOR"}
READ_BY = "reader: central, "


def protocol(reader):
    text = edit(
        PROTOCOL,
        "events:\n",
        "events:\n  progression: { of: recist_response, when: value in (PD) }\n",
    )
    return text + (
        f"  grown: {{ label: Progression, kind: rate, role: secondary, rate of: progression, {reader}"
        "from: first_dose, time frame: 1 year }\n"
    )


def verdicts(*rs, reader="", **options):
    study = study_of(rs=rs, text=protocol(reader), **options)
    found = derive_datasets(study, only=("ADRATE",)).tables["ADRATE"]
    return found.select("READER", "AVALC", "REASON", "NASSESS").rows()


LOCAL = responses("03-06 SD, 05-01 PD")
OTHER = [*responses("03-06 SD", subject="S0"), *responses("03-06 SD", subject="S0", **CENTRAL)]


@pytest.mark.parametrize(
    ("central", "expected"),
    [
        pytest.param("", ("central", "unknown", "missing", 0), id="read by the local reader only"),
        pytest.param("03-06 NE", ("central", "unknown", "missing", 0), id="which nobody could judge"),
        pytest.param("03-06 SD", ("central", "not met", None, 1), id="read once"),
        pytest.param("03-06 NE, 05-01 SD", ("central", "not met", None, 1), id="one of two"),
        pytest.param("03-06 SD, 05-01 PD", ("central", "met", None, 2), id="progression"),
    ],
)
def test_the_looks_of_a_rate_are_those_of_its_reader(central, expected):
    rs = [*LOCAL, *responses(central, **CENTRAL), *OTHER]
    assert verdicts(*rs, reader=READ_BY, subjects=("S0", "S1"))[1] == expected


def test_whom_the_reader_that_counts_has_not_read_yet_is_not_known():
    assert verdicts(*LOCAL, reader=READ_BY) == [("central", "unknown", "missing", 0)]


def test_where_a_rate_names_no_reader_the_local_one_counts():
    rs = [*responses("03-06 SD, 05-01 SD"), *responses("03-06 PD", **CENTRAL)]
    assert verdicts(*rs) == [("local", "not met", None, 2)]


def test_nobody_judged_is_not_without_the_event():
    assert verdicts(*responses("03-06 NE, 05-01 NE")) == [("local", "unknown", "missing", 0)]


def test_a_time_that_ends_with_the_last_reading_ends_with_one_that_could_be_judged():
    text = edit(
        PROTOCOL, "events:\n", "events:\n  progression: { of: recist_response, when: value in (PD) }\n"
    )
    text += (
        "  ttp: { label: Time to progression, kind: time to event, role: secondary, time to: [progression], "
        "from: first_dose, censored at: last recist_response, unit: days }\n"
    )
    study = study_of(
        rs=[*responses("03-06 SD, 05-01 NE"), *responses("03-06 SD, 04-10 SD", **CENTRAL)], text=text
    )
    found = derive_datasets(study, only=("ADTTE",)).tables["ADTTE"].select("READER", "AVAL", "ANL01FL")
    assert found.rows() == [("central", 92.0, None), ("local", 57.0, "Y")]
    assert found["AVAL"].dtype == pl.Float64


def test_a_response_that_hangs_on_an_imprecise_date_is_unknown_for_that_reason():
    """In March the sum may be measured before the smallest of the 20th, or after it: then it has grown by more than a fifth."""
    rows = [target(when, "T01", mm) for when, mm in ((-10, 50), ("03-20", 40), ("2024-03", 49))]
    study = study_of(tr=rows, text=protocol(""))
    found = derive_datasets(study, only=("ADRATE", "ADRS")).tables
    assert found["ADRS"].filter(PARAMCD="OVR")["AVALC"].to_list().count(None) == 1
    assert found["ADRATE"].select("AVALC", "REASON").rows() == [("unknown", "imprecise date")]
