"""What the reasoning over rules tells is true of every patient that the patient reader judges."""

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies.patients import numbers_from, some_patients
from tests.strategies.trial_rules import AT_ANCHOR

from trialwright.checks.satisfiability import Requirement, contradict, implies
from trialwright.evaluation.patient import judge_patient
from trialwright.protocol.rule_tree import all_of
from trialwright.protocol.rules import parse_rule
from trialwright.vocabulary.verdicts import Verdict

WINDOWS = st.sampled_from(["14 days", "28 days", "ever"])
PICKS = st.sampled_from(["any", "all", "max", "min", "first"])
OPERATORS = st.sampled_from(["<", "<=", "=", ">=", ">"])

# Rules about one thing contradict each other often enough to say something.
FAMILIES = [
    st.one_of(
        st.builds("last(alt, {}) {} {} U/L".format, WINDOWS, OPERATORS, st.sampled_from([20, 40])),
        st.builds("last(alt, {}) {} 2 ULN".format, WINDOWS, OPERATORS),
    ),
    st.builds("{}(alt, 28 days) {} {} U/L".format, PICKS, OPERATORS, st.sampled_from([20, 40])),
    st.builds("last(bclc_stage, {}) {}".format, WINDOWS, st.sampled_from(["is A", "is not A", "in (A, B)"])),
    st.builds("last(other_cancer, {}) {}".format, WINDOWS, st.sampled_from(["is other", "is not other"])),
    st.builds("age {} {} years".format, OPERATORS, st.sampled_from([18, 19])),
    st.builds("had(psoriasis, {})".format, WINDOWS),
]


def _joined(parts):
    return st.one_of(
        st.builds("({} and {})".format, parts, parts),
        st.builds("({} or {})".format, parts, parts),
        st.builds("(not ({}))".format, parts),
    )


def _requirements(conditions, **size):
    rules = st.recursive(conditions, _joined, max_leaves=2).map(parse_rule)
    return st.lists(st.builds(Requirement, rules, st.booleans()), **size)


SEEDS = st.integers(0, 2**32)


def fulfils(subject, requirement):
    verdict = judge_patient(requirement.condition, subject, AT_ANCHOR).verdict
    return verdict == (Verdict.MET if requirement.holds else Verdict.NOT_MET)


def subjects_for(requirements, seed, n=25):
    rule = all_of(*(one.condition for one in requirements))
    return islice(some_patients(numbers_from(seed), rule), n)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=80, deadline=None)
@given(st.data())
def test_nobody_fulfils_what_is_told_to_contradict(family, data):
    requirements = data.draw(_requirements(family, min_size=2, max_size=3))
    if contradict(requirements, AT_ANCHOR):
        for subject in subjects_for(requirements, data.draw(SEEDS)):
            assert not all(fulfils(subject, one) for one in requirements)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whoever_fulfils_what_is_given_fulfils_what_is_told_to_follow(family, data):
    given_, then = data.draw(_requirements(family, min_size=2, max_size=2))
    if implies([given_], then, AT_ANCHOR):
        for subject in subjects_for([given_, then], data.draw(SEEDS)):
            assert fulfils(subject, then) or not fulfils(subject, given_)
