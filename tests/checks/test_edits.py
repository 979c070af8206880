"""Edits of the shipped trials, and what the checks say to each: what is new, and what is no longer found."""

from functools import cache

import pytest
from tests.checks.patches import load, patched, read_yaml

from trialwright.checks.protocol_checks import check_protocol
from trialwright.protocol.loading import load_protocol
from trialwright.vocabulary.problems import ProblemsFound

DURVA, PRTRAS = "nct04294498", "nct07120750"


@cache
def shipped(name):
    loaded = load_protocol(name)
    return loaded.document.data, _found(check_protocol(loaded))


def _found(problems):
    return {(problem.code, problem.field) for problem in problems}


def edited(name, patch):
    data, before = shipped(name)
    try:
        after = _found(check_protocol(load(patched(data, read_yaml(patch)))))
    except ProblemsFound as problems:
        return {problem.code for problem in problems.problems}, None
    new, gone = after - before, before - after
    return {code for code, _ in new}, {code for code, _ in gone}


EDITS = [
    pytest.param(DURVA, "study: { type: observational }", {"observational-assigns-treatment"}, set(), id="type"),
    pytest.param(
        DURVA,
        "eligibility: { exclusion: { high: { text: High viral load, when: 'last(hbv_dna, 28 days) > 1000 IU/mL' } } }",
        {"criteria-exclude-everybody"},
        set(),
        id="an exclusion that meets an inclusion",
    ),
    pytest.param(
        DURVA,
        "eligibility: { exclusion: { low: { text: Low viral load, when: 'last(hbv_dna, 28 days) <= 500 IU/mL' } } }",
        {"criterion-repeated"},
        set(),
        id="an exclusion that says the inclusion again",
    ),
    pytest.param(
        DURVA,
        "eligibility: { inclusion: { age: { text: From 12 years on, when: age >= 12 years } } }",
        {"minors-without-guardian"},
        {"age-not-limited"},
        id="adolescents",
    ),
    pytest.param(
        DURVA,
        "eligibility: { inclusion: { age: { text: From 18 years on, when: age >= 18 years } } }",
        set(),
        {"age-not-limited"},
        id="adults",
    ),
    pytest.param(
        DURVA,
        "events: { hbv_hepatitis: { within: 14 days } }",
        {"measured-too-rarely"},
        {"components-any-time-apart"},
        id="a link closer than the samples",
    ),
    pytest.param(
        DURVA,
        "events: { hepatitis_flare: { when: value >= 3 * baseline and value < 2 * baseline } }",
        {"rule-never-met"},
        set(),
        id="a sign turned",
    ),
    pytest.param(
        DURVA,
        "events: { hepatitis_flare: { of: ~, when: ~, over when: ~, any of: [hbv_hepatitis] } }",
        {"cyclic-definition", "event-not-scheduled"},  # ALT: said of the flare before, of its course now
        {"event-not-scheduled"},
        id="an event made of what it is part of",
    ),
    pytest.param(
        DURVA,
        "clocks: { entecavir_start: { within: 7 days before first durvalumab } }",
        set(),
        {"protection-may-start-late"},
        id="entecavir first",
    ),
    pytest.param(
        DURVA,
        "clocks: { imaging: { every: 8 weeks } }",
        set(),
        {"interval-left-to-choice", "progression-cannot-be-confirmed"},
        id="scans every eight weeks",
    ),
    pytest.param(
        DURVA,
        "endpoints: { reactivation: { time frame: 22 months } }",
        set(),
        {"time-frame-longer-than-treatment"},
        id="the time frame of the treatment",
    ),
    pytest.param(
        PRTRAS,
        "study: { type: interventional }",
        set(),
        {"observational-assigns-treatment"},
        id="registered as it is",
    ),
    pytest.param(
        PRTRAS,
        "design: { method: schoenfeld, sides: 2, ratio: 1, reference rate: 45 %, loss: 20 %, not stated: ~ }",
        {"n-below-its-assumptions"},
        {"n-not-reproducible", "error-rates-not-stated", "not-stated"},
        id="assumptions stated, and 332 too few for them",
    ),
    pytest.param(
        PRTRAS,
        "design: { method: schoenfeld, sides: 2, ratio: 1, reference rate: 50 %, loss: 10 %, not stated: ~ }",
        set(),
        {"n-not-reproducible", "error-rates-not-stated", "not-stated"},
        id="assumptions stated, and 332 enough",
    ),
    pytest.param(
        PRTRAS,
        "study: { allocation: randomised }",
        {"allocation-does-not-fit", "chance-set-aside"},
        {"groups-compared-unadjusted", "immortal-time"},
        id="called randomised",
    ),
    pytest.param(
        PRTRAS,
        "groups: { na: { size: 166, not stated: ~ }, na_and_peginterferon: { size: 160, not stated: ~ } }",
        {"groups-do-not-add-up"},
        {"not-stated"},
        id="six lost in planning",
    ),
    pytest.param(PRTRAS, "endpoints: { recurrence: { from: radical_treatment } }", {"immortal-time"}, {"last-visit-after-time-frame"}, id="time from the operation"),
    pytest.param(
        PRTRAS,
        "visits: { imaging: { tolerance: 6 weeks } }",
        {"overlapping-windows"},
        set(),
        id="windows of six weeks",
    ),
    pytest.param(
        PRTRAS,
        "eligibility: { inclusion: { stage: { when: 'last(bclc_stage, 28 days before radical_treatment) is A' } } }",
        {"covariate-without-variation"},
        set(),
        id="one stage, adjusted for",
    ),
    pytest.param(
        PRTRAS,
        "endpoints: { recurrence: { role: secondary } }",
        {"no-primary-endpoint"},
        {"groups-compared-unadjusted", "hazards-test-for-rate", "error-rates-not-stated", "life-expectancy-below-time-frame"},
        id="nothing is primary",
    ),
    pytest.param(PRTRAS, "study: { enrollment: 332 }", {"unknown-key"}, None, id="another spelling"),
    pytest.param(
        PRTRAS,
        "eligibility: { exclusion: { renal_impairment: { when: 'last(creatinine, 14 days) > 1.5 IU/mL' } } }",
        {"unit-mismatch"},
        None,
        id="a unit that does not fit",
    ),
    pytest.param(
        PRTRAS,
        "eligibility: { exclusion: { renal_impairment: { when: 'last(creatinin, 14 days) > 1.5 ULN' } } }",
        {"unknown-fact"},
        None,
        id="a fact misspelt",
    ),
]  # fmt: skip


def test_there_are_at_least_twenty():
    assert len(EDITS) >= 20


@pytest.mark.parametrize(("name", "patch", "new", "gone"), EDITS)
def test_an_edit_of_a_shipped_trial(name, patch, new, gone):
    assert edited(name, patch) == (new, gone)
