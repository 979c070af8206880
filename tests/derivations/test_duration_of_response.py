"""Duration of response of nct04294498: whose response counts, since when, and until when. Days worked by hand."""

import polars as pl
import pytest
from tests.derivations.small_studies import Records, occurrences, on_day

from trialwright.derivations.adevt import derive_adevt
from trialwright.derivations.adsl import derive_adsl
from trialwright.derivations.adtte import derive_adtte
from trialwright.derivations.events import known_facts

NONE, OPEN = ("not applicable",), ("not yet due",)

CASES = {
    "seen again four weeks later": ({57: "PR", 85: "PR"}, (57, 29, 1)),
    "seen again a day too early": ({57: "PR", 84: "PR"}, OPEN),
    "early and then late enough": ({57: "PR", 84: "PR", 90: "PR"}, (57, 34, 1)),
    "nobody looked again": ({57: "PR"}, OPEN),
    "not seen again": ({57: "PR", 113: "SD"}, NONE),
    "lost between": ({57: "PR", 70: "SD", 113: "PR", 141: "PR"}, (113, 29, 1)),
    "a scan between that cannot be judged": ({57: "PR", 85: "NE", 113: "PR"}, (57, 57, 1)),
    "partial, then complete": ({57: "PR", 113: "CR"}, (57, 57, 1)),
    "until progression": ({57: "PR", 113: "CR", 169: "PD"}, (57, 113, 0)),
    "after progression": ({29: "PD", 57: "PR", 113: "PR"}, NONE),
    "never": ({57: "SD", 113: "SD"}, NONE),
    "two scans missed before progression": ({57: "PR", 85: "PR", 268: "PD"}, (57, 29, 5)),
    "a day less": ({57: "PR", 85: "PR", 267: "PD"}, (57, 211, 0)),
}
"""The scans by study day, and the first day, length in days and CNSR of the response, or why there is none.

CNSR 4 and on are the endpoint's own causes, in their order: new therapy, then missed scans (183 days, here from day 85 on).
"""


@pytest.fixture(scope="module")
def study():
    records = Records()
    for subject, (scans, _) in CASES.items():
        records.person(subject).doses("durvalumab", [1], subject)
        _scanned(records, subject, scans)
    for subject, day in (("treated between", 100), ("treated later", 150), ("treated before", 30)):
        records.person(subject).doses("durvalumab", [1], subject)
        _scanned(records, subject, {57: "PR", 113: "PR", 169: "PD"})
        records.happened("new_anticancer_therapy", on_day(day), subject)
    records.person("dead", DTHDTC=on_day(150), DTHFL="Y").doses("durvalumab", [1], "dead")
    _scanned(records, "dead", {57: "PR", 113: "PR"})
    study = records.study_of("nct04294498")
    facts = known_facts(study)
    adevt = derive_adevt(study, facts)
    adtte = derive_adtte(study, derive_adsl(study, facts), adevt, facts.observations)
    return adevt, adtte.filter(pl.col("PARAMCD") == "DURATION_OF_RESPONSE")


def _scanned(records, subject, scans):
    for day, response in scans.items():
        records.add("RS", subject, RSTESTCD="OVRLRESP", RSCAT="RECIST 1.1", RSORRES=response, RSSTRESC=response,
                    RSEVAL="INVESTIGATOR", RSDTC=on_day(day))  # fmt: skip


def told(study, subject):
    row = study[1].filter(pl.col("USUBJID") == subject).row(0, named=True)
    if row["AVAL"] is None:
        assert row["EVNTTYPE"] == "not evaluable"
        return (row["REASON"],)
    return (row["STARTDT"].isoformat(), row["AVAL"], row["CNSR"])


@pytest.mark.parametrize("subject", CASES)
def test_responses(study, subject):
    _, wanted = CASES[subject]
    assert told(study, subject) == (wanted if len(wanted) == 1 else (on_day(wanted[0]), *wanted[1:]))


def test_another_treatment(study):
    """Before the response is seen again there is none; after it the time ends with the last scan before: day 113."""
    assert told(study, "treated between") == told(study, "treated before") == NONE
    assert told(study, "treated later") == (on_day(57), 57, 4)


def test_death_ends_a_response(study):
    assert told(study, "dead") == (on_day(57), 94, 0)


def test_the_event_names_the_scan_that_confirms_it(study):
    adevt = study[0].filter(
        (pl.col("EVENT") == "tumour_response") & (pl.col("USUBJID") == "seen again four weeks later")
    )
    told = adevt.select("AVALC", "AVALT", "SRCALL", "REASON").rows()
    assert told == [("met", "PR", "RS.1 RS.2", None), ("unknown", "PR", "RS.2", "not yet due")]
    assert occurrences(study[0], "tumour_response", "nobody looked again") == ["not yet due"]
