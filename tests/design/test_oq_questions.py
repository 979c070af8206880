"""Which answers let one question decide a rule: worked by hand."""

import pytest

from trialwright.design.boundaries.questions import (
    answers_beside,
    answers_for,
    is_turned_round,
    questions_of,
)
from trialwright.protocol.rules import parse_rule, render_rule


def told(several):
    """Sets of answers as text: `had(a)` for yes, `no had(a)` for no."""
    return [
        " ".join(sorted(("" if yes else "no ") + render_rule(one)[4:-1] for one, yes in answers.items()))
        for answers in several
    ]


@pytest.mark.parametrize(
    ("rule", "holds", "answers"),
    [
        pytest.param("had(a)", True, ["a"], id="one question"),
        pytest.param("not had(a)", True, ["no a"], id="not turns round"),
        pytest.param("had(a) and had(b)", True, ["a b"], id="and holds in one way"),
        pytest.param(
            "had(a) and had(b)", False, ["no a", "no b"], id="and fails in as many ways as it has parts"
        ),
        pytest.param("had(a) or had(b)", True, ["a", "b"], id="or holds in as many ways"),
        pytest.param("had(a) or had(b)", False, ["no a no b"], id="or fails in one"),
        pytest.param("had(a) and not (had(b) and had(c))", True, ["a no b", "a no c"], id="nested"),
        pytest.param("had(a) and not had(a)", True, [], id="what contradicts itself never holds"),
    ],
)
def test_answers_for(rule, holds, answers):
    assert told(answers_for(parse_rule(rule), holds)) == answers


@pytest.mark.parametrize(
    ("rule", "beside"),
    [
        pytest.param("had(q)", [""], id="nothing beside it"),
        pytest.param("had(q) and had(a)", ["a"], id="in and the others hold"),
        pytest.param("had(q) or had(a) or had(b)", ["no a no b"], id="in or they do not"),
        pytest.param("had(a) or (had(q) and had(b))", ["b no a"], id="level by level"),
        pytest.param("had(a) and not (had(q) or had(b))", ["a no b"], id="under not as without"),
        pytest.param("had(q) and (had(a) or had(b))", ["a", "b"], id="either way of holding will do"),
    ],
)
def test_answers_beside(rule, beside):
    condition = parse_rule(rule)
    question = next(one for one in questions_of(condition) if render_rule(one) == "had(q)")
    assert told(answers_beside(condition, question)) == beside


@pytest.mark.parametrize(
    ("rule", "is_turned"),
    [
        ("had(q) and had(a)", False),
        ("had(a) and not had(q)", True),
        ("not (had(a) or not had(q))", False),
    ],
)
def test_an_odd_number_of_nots_turns_a_question_round(rule, is_turned):
    condition = parse_rule(rule)
    question = next(one for one in questions_of(condition) if render_rule(one) == "had(q)")
    assert is_turned_round(condition, question) is is_turned
