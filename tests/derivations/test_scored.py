"""Scores of everybody at once say what the reader of one person says, with the scores of one person."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.derivations.scored import parts_of_scores, with_scores
from trialwright.evaluation.observations import Observation, Subject
from trialwright.evaluation.patient import judge_rules
from trialwright.evaluation.scores import computable_scores
from trialwright.evaluation.sql import judge_with_duckdb
from trialwright.evaluation.table import tabulate_observations, tabulate_subjects
from trialwright.protocol.facts import Scope
from trialwright.protocol.rules import parse_rule
from trialwright.protocol.scopes import catalogue_facts
from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.verdicts import Reason, Verdict

FACTS = catalogue_facts()
SCOPE = Scope(FACTS)
SCORES = computable_scores(FACTS)
RULES = {
    name: parse_rule(text)
    for name, text in {
        "a_14": "score(child_pugh, 14 days) <= 6",
        "a_ever": "score(child_pugh, ever) <= 6",
        "not_c": "not score(child_pugh, 14 days) >= 10",
        "exactly": "score(child_pugh, 28 days) = 7",
        "albi": "score(albi, 28 days) <= -2.60",
        "both": "score(albi, 14 days) > -1.39 or (score(child_pugh, 28 days) > 9 and last(inr, 28 days) > 1.7)",
    }.items()
}

dates = st.sampled_from(
    [
        "2026-03-31",
        "2026-03-20",
        "2026-03-17",
        "2026-03-16",
        "2026-03",
        "2026-02-20",
        "2026-03-20T08:00",
        "2026",
    ]
).map(PartialDate.parse)


def numbers(*values):
    """Values around the steps of a score, as reported: exact, censored, impossible, not read, or no result."""
    exact = st.sampled_from(values).map(Interval.exactly)
    below = st.sampled_from(values).map(lambda most: Interval(0.0, most, hi_open=True))
    above = st.sampled_from(values).map(
        lambda least: Interval(least, float("inf"), lo_open=True, hi_open=True)
    )
    odd = st.sampled_from(
        [Interval.exactly(-1.0), Interval.exactly(0.0), Interval(-2.0, -1.0), "haemolysed", None]
    )
    return st.one_of(exact, exact, exact, below, above, odd)


RESULTS = {
    "bilirubin": (numbers(1.9, 2.0, 2.1, 3.0, 3.1, 34.0, 35.0, 51.0, 52.0), ["mg/dL", "umol/L", "stones"]),
    "albumin": (numbers(2.7, 2.8, 3.5, 3.6, 28.0, 35.0, 45.0), ["g/dL", "g/L"]),
    "inr": (numbers(1.0, 1.69, 1.7, 2.3, 2.31), [None]),
    "ascites": (st.sampled_from(["none", "slight", "moderate", "a lot", None]), [None]),
    "encephalopathy": (st.sampled_from(["none", "1-2", "3-4", "some", None]), [None]),
}


@st.composite
def observations(draw):
    found = []
    for fact, (results, units) in RESULTS.items():
        for _ in range(draw(st.integers(0, 3))):
            value, unit = draw(results), draw(st.sampled_from(units))
            found.append(Observation(str(len(found)), fact, draw(dates), value, unit))
    return found


persons = st.lists(observations(), min_size=1, max_size=6)


def at_once(rules, subjects):
    """The codes of rules for everybody, in the order of subjects."""
    numbered = {"subject": pl.Int64, "record": pl.Int64}
    table = tabulate_observations(subjects, FACTS).cast(numbered)
    people = tabulate_subjects(subjects).cast({"subject": pl.Int64})
    scored = with_scores(rules, SCOPE, table, people)
    return judge_with_duckdb(scored.rules, scored.scope, observations=scored.observations, subjects=people)


def one_by_one(rules, subjects):
    judged = [judge_rules(rules, subject, SCOPE, scores=SCORES) for subject in subjects]
    return {name: [one[name].verdict.code for one in judged] for name in rules}


@given(persons)
@settings(max_examples=60, deadline=None)
def test_everybody_at_once_is_one_after_the_other(found):
    subjects = [
        Subject(one, PartialDate.parse("2026-03-31"), id=str(number)) for number, one in enumerate(found)
    ]
    assert at_once(RULES, subjects).drop("subject").to_dict(as_series=False) == one_by_one(RULES, subjects)


def known(**changed):
    """5 points: bilirubin, albumin, INR, no ascites, no encephalopathy (Pugh 1973)."""
    results = {
        "bilirubin": (Interval.exactly(0.8), "mg/dL"),
        "albumin": (Interval.exactly(4.2), "g/dL"),
        "inr": (Interval.exactly(1.0), None),
        "ascites": ("none", None),
        "encephalopathy": ("none", None),
    } | changed
    on = PartialDate.parse("2026-03-20")
    return [Observation(name, name, on, *result) for name, result in results.items() if result is not None]


@pytest.mark.parametrize(
    ("changed", "rule", "verdict"),
    [
        pytest.param({}, "score(child_pugh, 14 days) <= 5", Verdict.MET, id="5 points"),
        pytest.param({}, "score(child_pugh, 14 days) < 5", Verdict.NOT_MET, id="no fewer"),
        pytest.param({"inr": None}, "score(child_pugh, 14 days) <= 7", Verdict.MET, id="5 to 7, at most 7"),
        pytest.param(
            {"inr": None}, "score(child_pugh, 14 days) <= 6", Verdict.unknown(Reason.MISSING), id="5 to 7"
        ),
        pytest.param(
            {"ascites": ("moderate", None), "encephalopathy": ("3-4", None)},
            "score(child_pugh, 14 days) = 9",
            Verdict.MET,
            id="1 + 1 + 1 + 3 + 3",
        ),
        pytest.param({}, "score(child_pugh, 10 days) <= 5", Verdict.unknown(Reason.STALE), id="too old"),
        # 0.66 * log10(0.8 * 17.104) - 0.085 * 42 = -2.820
        pytest.param({}, "score(albi, 14 days) <= -2.81", Verdict.MET, id="ALBI below -2.81"),
        pytest.param({}, "score(albi, 14 days) <= -2.83", Verdict.NOT_MET, id="ALBI above -2.83"),
    ],
)
def test_scores_worked_by_hand(changed, rule, verdict):
    observed = [
        Observation(str(number), one.fact, one.date, one.value, one.unit)
        for number, one in enumerate(known(**changed))
    ]
    subject = Subject(observed, PartialDate.parse("2026-03-31"), id="1")
    assert at_once({"rule": parse_rule(rule)}, [subject])["rule"].to_list() == [verdict.code]


def test_nobody_has_no_verdict():
    assert len(at_once(RULES, [])) == 0


def test_a_score_that_nothing_computes_is_refused():
    uncomputed = next(
        name for name, fact in FACTS.items() if fact.kind == "score" and name not in SCORES and fact.parts
    )
    subject = Subject(known(), PartialDate.parse("2026-03-31"), id="1")
    rules = {"rule": parse_rule(f"score({uncomputed}, 28 days) > 1")}
    with pytest.raises(ValueError, match=f"nothing computes the score `{uncomputed}`"):
        with_scores(
            rules, SCOPE, tabulate_observations([subject], FACTS).clear(), tabulate_subjects([subject])
        )


def test_rules_without_scores_stay_as_they_are():
    rules = {"rule": parse_rule("last(inr, 28 days) > 1.7")}
    nothing = tabulate_observations([], FACTS)
    scored = with_scores(rules, SCOPE, nothing, tabulate_subjects([]))
    assert (scored.rules, scored.scope, parts_of_scores(rules.values(), FACTS)) == (rules, SCOPE, set())


def test_the_parts_of_a_score_are_asked_for():
    assert parts_of_scores([RULES["albi"]], FACTS) == {"bilirubin", "albumin"}
