"""Endpoints that a protocol can write and an analysis does not execute as written are refused, each for its own reason."""

import pytest
from tests.checks.patches import load, patched, read_yaml, sound

from trialwright.checks.protocol_checks import check_protocol

AGAIN = """
label: Adverse events, once more
kind: worst grade
role: exploratory
of: toxicity_grade
grading: { version: CTCAE 5.0 }
during: on_treatment
time frame: 22 months
"""
RESPONSE = """
label: Response
kind: best response
role: exploratory
of: recist_response
reader: central
response: { counts: [CR, PR] }
"""


def refused(endpoint, method, **changes):
    """What `check` says of an analysis of one more endpoint in a sound protocol."""
    analysis = {"method": method, "title": "More", "population": "treated", "endpoint": "more"}
    patch = {"endpoints": {"more": read_yaml(endpoint) | changes}, "analyses": {"more": analysis}}
    found = check_protocol(load(patched(sound("single arm"), patch)))
    return [(one.severity, one.field, one.message) for one in found if one.code == "analysis-not-run"]


@pytest.mark.parametrize(
    ("endpoint", "method", "changes", "why"),
    [
        pytest.param(AGAIN, "adverse events", {"of": "hbv_dna"}, "`more` is of `hbv_dna`", id="laboratory"),
        pytest.param(AGAIN, "adverse events", {"during": "follow_up"}, "`more` has another `during`", id="period"),
        pytest.param(RESPONSE, "proportion", {"of": "irecist_response"}, "not of `irecist_response`", id="iRECIST"),
        pytest.param(RESPONSE, "proportion", {"of": "hbsag"}, "not of `hbsag`", id="category"),
    ],
)  # fmt: skip
def test_what_is_not_executed_as_written_is_an_error(endpoint, method, changes, why):
    [(severity, field, message)] = refused(endpoint, method, **changes)
    assert (severity.value, field) == ("error", "analyses.more")
    assert message.startswith("`more` is not run: ")
    assert message.endswith(why)


@pytest.mark.parametrize(
    ("endpoint", "method"), [(AGAIN, "adverse events"), (RESPONSE, "proportion")], ids=["grades", "response"]
)
def test_what_is_executed_as_written_passes(endpoint, method):
    assert refused(endpoint, method) == []
