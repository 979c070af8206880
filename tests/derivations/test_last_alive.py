"""The last day known alive: which dates of which records show it, and which do not."""

from datetime import date

import pytest
from tests.derivations.small_studies import Records, on_day

from trialwright.derivations.last_alive import SHOWS_ALIVE, last_days_alive
from trialwright.derivations.study import STARTS
from trialwright.records.sdtm import ValueKind, domains

DATES = [
    (domain, name)
    for domain, one in domains().items()
    for name, variable in one.variables.items()
    if variable.kind is ValueKind.DATE
]
OF_LIFE = {
    "DS": {"DSDECOD": "ALIVE"},
    "FA": {"FATESTCD": "STATUS"},
    "EX": {"EXTRT": "DURVALUMAB", "EXDOSE": 1500.0},
}
"""What makes a record of a domain one of something that was done with the person, where its date alone does not."""


def alive(domain, when, *, variable=None, person=None, **values):
    """The last day of somebody who consented on day -20 and had a sample on day 30, and the record."""
    records = Records().person(**person or {}).result("alp", on_day(30), 80)
    if domain == "DM":
        records.rows["DM"][0] |= {variable: when}
    else:
        records.add(
            domain, "1", **{variable or STARTS[domain]: when}, **{**OF_LIFE.get(domain, {}), **values}
        )
    found = last_days_alive(records.study_of("nct04294498"))
    return found["LSTALVDT"].item()


def day(number):
    return date.fromisoformat(on_day(number))


@pytest.mark.parametrize(("domain", "variable"), [one for one in DATES if one != ("DM", "DTHDTC")])
def test_each_date_of_the_catalogue_shows_life_or_does_not(domain, variable):
    found = alive(domain, on_day(90), variable=variable)
    assert found == (day(90) if (domain, variable) in SHOWS_ALIVE else day(30))


@pytest.mark.parametrize(("domain", "values"), [
    pytest.param("LB", {"LBSTAT": "NOT DONE"}, id="a test that was not done"),
    pytest.param("VS", {"VSSTAT": "not done"}, id="an examination that was not done"),
    pytest.param("FA", {"FASTAT": "NOT DONE"}, id="a finding that was not looked for"),
    pytest.param("FA", {"FATESTCD": "ATTEST"}, id="somebody attests something"),
    pytest.param("FA", {"FATESTCD": "CAUSE"}, id="somebody judges a cause"),
    pytest.param("PR", {"PROCCUR": "N"}, id="a procedure that did not take place"),
    pytest.param("CM", {"CMOCCUR": "N"}, id="a drug that was not taken"),
    pytest.param("SV", {"SVOCCUR": "N"}, id="a visit that did not take place"),
    pytest.param("EX", {"EXDOSE": 0.0}, id="a dose of nothing"),
    pytest.param("EX", {"EXDOSE": None, "EXADJ": "DEATH"}, id="a dose left out for a reason"),
    pytest.param("DS", {"DSDECOD": "DEATH", "DSCAT": "DISPOSITION EVENT"}, id="the report of a death"),
    pytest.param("DS", {"DSDECOD": "LOST TO FOLLOW-UP", "DSCAT": "DISPOSITION EVENT"}, id="the day somebody gave up"),
    pytest.param("DS", {"DSDECOD": "STUDY TERMINATED BY SPONSOR", "DSCAT": "DISPOSITION EVENT"}, id="the end of the study"),
    pytest.param("DS", {"DSDECOD": "DEATH FROM HCC UNSEEN", "DSCAT": "OTHER EVENT"}, id="an event that tells of a death"),
])  # fmt: skip
def test_what_says_nothing_of_the_living(domain, values):
    assert alive(domain, on_day(90), **values) == day(30)


@pytest.mark.parametrize("values", [
    {"DSDECOD": "WITHDRAWAL BY SUBJECT", "DSCAT": "DISPOSITION EVENT"}, {"DSDECOD": "COMPLETED", "DSCAT": "DISPOSITION EVENT"},
    {"DSDECOD": "GROUP ASSIGNMENT", "DSCAT": "PROTOCOL MILESTONE"},
])  # fmt: skip
def test_dispositions_of_somebody_who_was_there(values):
    assert alive("DS", on_day(90), **values) == day(90)


@pytest.mark.parametrize(("when", "found"), [
    pytest.param("2024-06", date(2024, 6, 1), id="the first day it can be"),
    pytest.param("2024", day(30), id="perhaps before the sample"),
    pytest.param("", day(30), id="of a day nobody knows"),
])  # fmt: skip
def test_a_date_known_in_part_shows_its_first_day(when, found):
    assert alive("AE", when, variable="AEENDTC") == found


def test_nobody_is_alive_after_death_and_a_fatal_event_ends_with_it():
    dead = {"DTHDTC": on_day(90), "DTHFL": "Y"}
    assert alive("AE", on_day(91), variable="AEENDTC", person=dead) == day(30)
    assert alive("AE", on_day(90), variable="AEENDTC", person=dead) == day(90)


def test_each_says_what_it_shows():
    assert set(SHOWS_ALIVE) <= set(DATES)
    assert all(SHOWS_ALIVE.values())
