"""Which rules nobody can fulfil together, worked out by hand."""

import pytest
from tests.strategies.trial_rules import AT_ANCHOR, PRTRAS_EXCLUSION, PRTRAS_INCLUSION, scope_of

from trialwright.checks.satisfiability import Requirement, contradict, implies, smallest_contradiction
from trialwright.protocol.rules import parse_rule


def asked(*rules):
    """Requirements; a rule that must not hold begins with a minus."""
    return [Requirement(parse_rule(rule.removeprefix("- ")), not rule.startswith("- ")) for rule in rules]


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(["age >= 18 years", "age < 18 years"], id="from a bound on against below it"),
        pytest.param(["age > 17 years", "age < 18 years"], id="no whole year lies between"),
        pytest.param(["- age <= 70 years", "age < 71 years"], id="seventy and a half"),
        pytest.param(
            ["last(creatinine, 28 days) > 1.5 ULN", "- last(creatinine, 28 days) > 1.5 ULN"],
            id="included and excluded by one rule",
        ),
        pytest.param(
            ["last(creatinine, 28 days) > 1 mg/dL", "last(creatinine, 14 days) < 88 umol/L"],
            id="1 mg/dL is 88.4 umol/L, and the last result is one",
        ),
        pytest.param(["last(bclc_stage, 28 days) in (0, A)", "last(bclc_stage, 28 days) is C"], id="stages"),
        pytest.param(
            ["last(bclc_stage, 28 days) in (0, A)", "- last(bclc_stage, 28 days) in (0, A, B)"],
            id="stages, one excluded",
        ),
        pytest.param(["last(ecog, 28 days) in (0, 1)", "last(ecog, 28 days) > 1"], id="whole numbers as levels"),
        pytest.param(
            ["- last(ecog, 28 days) in (0, 1)", "last(ecog, 28 days) < 2", "last(ecog, 28 days) in (0, 1, 2)"],
                id="0 and 1 are excluded, 2 is not below 2",
        ),
        pytest.param(["score(child_pugh, 28 days) <= 6", "- score(child_pugh, 28 days) <= 6"], id="score"),
        pytest.param(["had(psoriasis)", "- had(psoriasis)"], id="history"),
        pytest.param(["had(psoriasis, 4 weeks)", "- had(psoriasis)"], id="in four weeks is ever"),
        pytest.param(["had(psoriasis, 4 weeks)", "- had(psoriasis, 30 days)"], id="28 days lie in 30"),
        pytest.param(["attested(cannot_sign)", "- attested(cannot_sign)"], id="attestation"),
        pytest.param(
            ["sex is male or last(alt, 28 days) > 5 ULN", "- sex is male", "last(alt, 28 days) <= 2 ULN"],
            id="both alternatives are closed",
        ),
        pytest.param(["not (age >= 18 years and sex is male)", "age >= 18 years", "sex is male"], id="negation"),
        pytest.param(
            ["last(hbv_dna, 28 days) >= 100 * baseline(hbv_dna)", "last(hbv_dna, 28 days) < 10 * baseline(hbv_dna)"],
            id="multiples of one value",
        ),
        pytest.param(["radical_treatment < 2024-01-01", "radical_treatment > 2024-06-01"], id="days of one date"),
    ],
)  # fmt: skip
def test_rules_that_contradict_each_other(rules):
    assert contradict(asked(*rules), AT_ANCHOR) is True
    for i in range(len(rules)):
        assert contradict(asked(*rules[:i], *rules[i + 1 :]), AT_ANCHOR) is False


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(["age >= 18 years", "age <= 18 years"], id="18 is both"),
        pytest.param(["last(creatinine, 28 days) > 1 mg/dL", "last(creatinine, 28 days) < 89 umol/L"], id="88.5"),
        pytest.param(["last(creatinine, 28 days) > 1.5 ULN", "last(creatinine, 28 days) < 90 umol/L"],
                     id="the upper limit of normal is not known"),
        pytest.param(["any(alt, 28 days) > 5 ULN", "any(alt, 28 days) < 1 ULN"], id="two results"),
        pytest.param(["max(alt, 28 days) > 5 ULN", "max(alt, 7 days) < 1 ULN"], id="the highest of another window"),
        pytest.param(["first(alt, 28 days) > 5 ULN", "last(alt, 28 days) < 1 ULN"], id="first and last"),
        pytest.param(["had(psoriasis)", "- had(psoriasis, 4 weeks)"], id="long ago"),
        pytest.param(["last(albi, 28 days) >= 3 * baseline(albi)", "last(albi, 28 days) < 2 * baseline(albi)"],
                     id="multiples of a negative number"),
        pytest.param(["last(other_cancer, 28 days) is other", "- last(other_cancer, 14 days) is other"],
                     id="absence means no, so the short window may be empty"),
        pytest.param(["- last(other_cancer, 28 days) is other", "- last(other_cancer, 28 days) is not other"],
                     id="there is no record, and absence means no"),
        pytest.param(["last(alt, 28 days) > 2 ULN", "last(alt, 28 days) < 2 U/L"], id="2 times a limit is not 2 U/L"),
        pytest.param(["last(alt, 28 days) > 2 ULN", "last(alt, 28 days) < 2 LLN"], id="the limits may lie far apart"),
        pytest.param(["last(alt, 12 weeks before radical_treatment) > 5 ULN", "last(alt, 4 weeks) < 1 ULN"],
                     id="windows before different moments"),
    ],
)  # fmt: skip
def test_rules_that_somebody_can_fulfil(rules):
    assert contradict(asked(*rules), AT_ANCHOR) is False


def test_per_row_both_sides_are_the_row():
    scope = scope_of("alt")
    assert contradict(asked("value > 100 U/L", "value <= 100 U/L"), scope)
    assert contradict(asked("value >= 3 * baseline", "value < 2 * baseline"), scope)
    assert not contradict(asked("value >= 3 * baseline", "value > 100 U/L"), scope)


def test_the_smallest_contradiction_names_only_those_that_take_part():
    rules = asked("sex is male", "age >= 18 years", "had(psoriasis)", "- age >= 12 years")
    assert smallest_contradiction(rules, AT_ANCHOR) == [1, 3]
    assert smallest_contradiction(rules[:3], AT_ANCHOR) is None


def test_one_rule_may_contradict_itself():
    rules = asked("sex is male", "last(alt, 28 days) > 5 ULN and last(alt, 28 days) < 1 ULN")
    assert smallest_contradiction(rules, AT_ANCHOR) == [1]


def test_the_criteria_of_the_registered_trial_leave_somebody():
    rules = asked(*(rule.text for rule in PRTRAS_INCLUSION), *(f"- {rule.text}" for rule in PRTRAS_EXCLUSION))
    assert contradict(rules, AT_ANCHOR) is False


@pytest.mark.parametrize(
    ("given", "then", "answer"),
    [
        pytest.param("age >= 18 years", "age >= 12 years", True, id="older is older"),
        pytest.param("age >= 18 years", "- age < 18 years", True, id="mirror"),
        pytest.param("age >= 18 years", "age >= 21 years", False, id="not the other way"),
        pytest.param("score(child_pugh, 28 days) <= 6", "- score(child_pugh, 28 days) >= 7", True, id="class A"),
        pytest.param("score(child_pugh, 28 days) <= 6", "- score(child_pugh, 14 days) >= 7", False,
                     id="the score of another window may be unknown"),
        pytest.param("last(bclc_stage, 28 days) is A", "last(bclc_stage, 28 days) in (0, A)", True, id="one of two"),
        pytest.param("last(bclc_stage, 28 days) in (0, A)", "last(bclc_stage, 28 days) is A", False, id="two of one"),
        pytest.param("last(bclc_stage, 28 days) is not A", "- last(bclc_stage, 28 days) is A", True, id="is not"),
        pytest.param("sex is male or sex is female", "sex is male", False, id="one way of two"),
        pytest.param("had(psoriasis, 4 weeks)", "had(psoriasis)", True, id="history"),
        pytest.param("- had(psoriasis)", "- had(psoriasis)", True, id="said twice"),
        pytest.param("had(psoriasis)", "had(psoriasis) or sex is male", True, id="one of two suffices"),
        pytest.param("sex is male", "last(alt, 28 days) > 5 ULN or last(alt, 28 days) <= 5 ULN", False,
                     id="nothing need be known of ALT"),
        pytest.param("last(alt, 28 days) > 2 ULN", "last(alt, 28 days) > 5 ULN or last(alt, 28 days) <= 5 ULN", False,
                     id="it may be known as more than 2 and no more"),
        pytest.param("- had(psoriasis)", "- had(psoriasis, 4 weeks)", True, id="never is not lately"),
        pytest.param("- had(psoriasis, 4 weeks)", "- had(psoriasis)", False, id="lately is not ever"),
    ],
)  # fmt: skip
def test_what_follows_from_a_rule(given, then, answer):
    assert implies(asked(given), asked(then)[0], AT_ANCHOR) is answer


def test_too_many_alternatives_are_left_open():
    facts = ["alt", "ast", "alp", "bilirubin", "albumin", "creatinine", "platelets", "neutrophils", "afp"]
    tangle = [
        f"(last({one}, 28 days) > 2 ULN or last({other}, 28 days) > 2 ULN or last({one}, 28 days) < 1 ULN)"
        for one in facts[:5]
        for other in facts[5:]
    ]
    assert contradict(asked(*tangle), AT_ANCHOR) is False
