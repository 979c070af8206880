"""Every criterion, event, clock and stopping rule of both trials can be written, checked and told."""

import pytest
from tests.strategies.trial_rules import (
    ALL_RULES,
    DURVA_INCLUSION,
    PRTRAS_EXCLUSION,
    PRTRAS_INCLUSION,
    TrialRule,
    scope_of,
)

from trialwright.protocol.rule_checks import check_rule
from trialwright.protocol.rule_sentences import render_sentence
from trialwright.protocol.rules import parse_rule, render_rule

_RULES = [pytest.param(rule, id=rule.name) for rule in ALL_RULES]


def test_all_criteria_are_in_the_table():
    assert (len(PRTRAS_INCLUSION), len(PRTRAS_EXCLUSION), len(DURVA_INCLUSION)) == (7, 15, 5)


@pytest.mark.parametrize("rule", _RULES)
def test_rule_has_no_problem(rule: TrialRule):
    assert check_rule(parse_rule(rule.text), scope_of(rule.rows_of)) == []


@pytest.mark.parametrize("rule", _RULES)
def test_rule_is_told_in_english(rule: TrialRule):
    assert render_sentence(parse_rule(rule.text), scope_of(rule.rows_of)) == rule.sentence


@pytest.mark.parametrize("rule", _RULES)
def test_rule_is_written_in_canonical_form(rule: TrialRule):
    assert render_rule(parse_rule(rule.text)) == rule.text
