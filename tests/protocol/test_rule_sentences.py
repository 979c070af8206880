"""Sentences: negation, dates, moments and names out of scope. The criteria of both trials are told in `test_rule_trials`."""

import pytest
from tests.strategies.trial_rules import FACTS, PERIODS

from trialwright.protocol.facts import Scope, make_fact
from trialwright.protocol.rule_sentences import render_sentence
from trialwright.protocol.rules import parse_rule


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "not last(alt, 72 hours) <= 5 ULN",
            "the last ALT within 72 hours before consent is not at most 5 times the upper limit of normal",
        ),
        ("not last(hbsag, ever) is positive", "the last HBsAg at any time up to consent is not positive"),
        (
            "not last(hbsag, 7 days) is not positive",
            "the last HBsAg within 7 days before consent is positive",
        ),
        (
            "not any(hbsag, 7 days) is not positive",
            "it is not so that any HBsAg within 7 days before consent is not positive",
        ),
        ("not had(psoriasis)", "psoriasis was not present"),
        ("not had(hepatitis_flare, 4 weeks)", "hepatitis flare did not occur within 4 weeks before consent"),
        (
            "not (had(psoriasis) or had(mania))",
            "it is not so that (psoriasis was present, or mania was present)",
        ),
        (
            "last(alt, 7 days before last durvalumab) < LLN",
            "the last ALT within 7 days before the last durvalumab is below the lower limit of normal",
        ),
        ("sex in (female, male)", "sex is female or male"),
        ("first durvalumab >= 2024-01-10", "the first durvalumab is on or after 2024-01-10"),
        (
            "first entecavir >= first durvalumab - 7 days",
            "the first entecavir is at most 7 days before the first durvalumab",
        ),
        (
            "first entecavir < first durvalumab + 7 days",
            "the first entecavir is less than 7 days after the first durvalumab",
        ),
        ("consent < anchor", "consent is before consent"),
        ("had(entecavir, 0 days)", "entecavir was given on the day of consent"),
        (
            "min(platelets, since first durvalumab) >= 50 K/uL",
            "the lowest platelets since the first durvalumab is at least 50 ×10³/µL",
        ),
        (
            "ratio(max(alt, during on_treatment)) > 3",
            "the ratio to baseline of the highest ALT during treatment with durvalumab is above 3",
        ),
        (
            "last(unheard_of, during some_time) > 3 furlongs",
            "the last unheard of during some time is above 3 furlongs",
        ),
    ],
)
def test_sentence(text, sentence):
    scope = Scope(FACTS, PERIODS, anchor="consent")
    assert render_sentence(parse_rule(text), scope) == sentence


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("Day of written consent", "day of written consent"),
        ("HBV diagnosis", "HBV diagnosis"),
        ("Überweisung", "überweisung"),
        ("A", "A"),
    ],
)
def test_the_label_of_a_date_stands_inside_the_sentence(label, told):
    scope = Scope({"asked": make_fact("asked", kind="date", label=label, once=True)})
    sentence = render_sentence(parse_rule("asked >= 2024-01-10"), scope)
    assert sentence == f"{told} is on or after 2024-01-10"
