"""Scores in rules: the definition is medicine's, the parts are a patient's, and what is missing leaves a range."""

import pytest

from trialwright.evaluation.observations import Observation, Subject
from trialwright.evaluation.patient import judge_patient
from trialwright.evaluation.scores import computable_scores
from trialwright.protocol.facts import Scope
from trialwright.protocol.rules import parse_rule
from trialwright.protocol.scopes import catalogue_facts
from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.verdicts import Reason, Verdict

FACTS = catalogue_facts()
MET, NOT_MET = Verdict.MET, Verdict.NOT_MET
MISSING, CENSORED, CONFLICT = (
    Verdict.unknown(reason) for reason in (Reason.MISSING, Reason.CENSORED, Reason.CONFLICT)
)

# 1 + 1 + 1 + 1 + 1 = 5 points (Pugh 1973)
WELL = {
    "bilirubin": [(0.8, "mg/dL")],
    "albumin": [(4.2, "g/dL")],
    "inr": [(1.0, None)],
    "ascites": [("none", None)],
    "encephalopathy": [("none", None)],
}


def judge(rule, **changed):
    observations = [
        Observation(
            f"{fact}-{i}",
            fact,
            PartialDate.parse("2026-03-20"),
            Interval.exactly(value) if isinstance(value, float) else value,
            unit,
        )
        for fact, results in (WELL | changed).items()
        for i, (value, unit) in enumerate(results)
    ]
    subject = Subject(observations, PartialDate.parse("2026-03-31"))
    return judge_patient(parse_rule(rule), subject, Scope(FACTS), scores=computable_scores(FACTS)).verdict


@pytest.mark.parametrize(
    ("changed", "rule", "verdict"),
    [
        ({}, "score(child_pugh, 28 days) <= 5", MET),
        ({}, "score(child_pugh, 28 days) < 5", NOT_MET),
        pytest.param({"inr": []}, "score(child_pugh, 28 days) <= 7", MET, id="settled without the INR"),
        pytest.param({"inr": []}, "score(child_pugh, 28 days) <= 6", MISSING, id="5 to 7"),
        pytest.param(
            {"inr": [], "ascites": []}, "score(child_pugh, 28 days) <= 9", MET, id="two missing: 5 to 9"
        ),
        pytest.param(
            {"inr": [], "ascites": []}, "score(child_pugh, 28 days) >= 10", NOT_MET, id="never class C"
        ),
        pytest.param({}, "score(child_pugh, 10 days) <= 5", Verdict.unknown(Reason.STALE), id="all too old"),
        pytest.param(
            {"bilirubin": [(35.0, "umol/L")]}, "score(child_pugh) <= 5", NOT_MET, id="35 umol/L is 2.05 mg/dL"
        ),
        pytest.param(
            {"bilirubin": [(34.0, "umol/L")]}, "score(child_pugh) <= 5", MET, id="34 umol/L is 1.99 mg/dL"
        ),
        pytest.param(
            {"albumin": [(Interval(0.0, 3.0, hi_open=True), "g/dL")]},
            "score(child_pugh) <= 5",
            NOT_MET,
            id="albumin <3: 2 or 3 points",
        ),
        pytest.param(
            {"albumin": [(Interval(0.0, 3.0, hi_open=True), "g/dL")]},
            "score(child_pugh) <= 6",
            CENSORED,
            id="6 or 7 points",
        ),
        pytest.param(
            {"bilirubin": [(1.9, "mg/dL"), (2.0, "mg/dL")]},
            "score(child_pugh) <= 5",
            CONFLICT,
            id="two results of one day on both sides of 2",
        ),
        pytest.param(
            {"bilirubin": [(1.9, "mg/dL"), (2.0, "mg/dL")]},
            "score(child_pugh) <= 6",
            MET,
            id="either way at most 6",
        ),
        pytest.param(
            {"ascites": [("none", None), ("slight", None)]},
            "score(child_pugh) <= 5",
            CONFLICT,
            id="two findings",
        ),
        pytest.param(
            {"bilirubin": [(2.0, "furlongs")]}, "score(child_pugh) <= 5", Verdict.unknown(Reason.UNIT_UNKNOWN)
        ),
        pytest.param(
            {"bilirubin": [(2.0, "furlongs")]}, "score(child_pugh) <= 7", MET, id="at most two points more"
        ),
        # log10(0.8 * 17.104) * 0.66 - 42 * 0.085 = -2.82
        ({}, "score(albi) <= -2.6", MET),
        pytest.param({"albumin": []}, "score(albi) <= -2.6", MISSING, id="ALBI without albumin"),
    ],
)
def test_scores_of_a_patient(changed, rule, verdict):
    assert judge(rule, **changed) == verdict


def test_a_score_that_nothing_computes_is_not_offered():
    assert set(computable_scores(FACTS)) == {"child_pugh", "albi"}
    assert computable_scores({"child_pugh": FACTS["child_pugh"]}) == {}
