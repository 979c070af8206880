"""Laws of the language for any rule: text, tree, JSON and hash say the same; no text raises anything but problems."""

import json
from typing import get_args

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.strategies.rules import judged_rules
from tests.strategies.trial_rules import ALL_RULES, scope_of

from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import RESERVED_WORDS
from trialwright.protocol.rule_checks import check_rule
from trialwright.protocol.rule_sentences import render_sentence
from trialwright.protocol.rules import canonical_json, parse_rule, render_rule, rule_from_json, rule_hash
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.problems import ProblemsFound, Severity

_MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_MANY
@given(judged_rules())
def test_generated_rules_have_no_errors(judged):
    rule, rows_of = judged
    problems = check_rule(rule, scope_of(rows_of))
    assert [str(problem) for problem in problems if problem.severity is Severity.ERROR] == []


@_MANY
@given(judged_rules())
def test_text_and_tree_are_one(judged):
    rule, _ = judged
    text = render_rule(rule)
    assert parse_rule(text) == rule
    assert render_rule(parse_rule(text)) == text


@_MANY
@given(judged_rules())
def test_json_and_tree_are_one(judged):
    rule, _ = judged
    text = canonical_json(rule)
    assert rule_from_json(text) == rule
    assert canonical_json(rule_from_json(text)) == text
    assert canonical_json(parse_rule(render_rule(rule))) == text
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) == text


@_MANY
@given(judged_rules())
def test_a_sentence_can_be_told_of_every_rule(judged):
    rule, rows_of = judged
    sentence = render_sentence(rule, scope_of(rows_of))
    assert sentence == " ".join(sentence.split())
    assert sentence.count("(") == sentence.count(")")


@_MANY
@given(judged_rules(), st.randoms(use_true_random=False))
def test_hash_does_not_see_spaces_and_redundant_parentheses(judged, random):
    rule, _ = judged
    spaces = (" ", "  ", "\n", "\t ")
    parts = render_rule(rule).split('"')  # what stands in quotes is a level, spaces and all
    parts[::2] = ["".join(random.choice(spaces) if c == " " else c for c in part) for part in parts[::2]]
    spaced = '"'.join(parts)
    assert rule_hash(parse_rule(f" ( {spaced} )\n")) == rule_hash(rule)


@_MANY
@given(judged_rules(), judged_rules())
def test_rules_of_one_hash_are_equal(one, other):
    assert (rule_hash(one[0]) == rule_hash(other[0])) == (one[0] == other[0])


@_MANY
@given(judged_rules())
def test_every_node_has_a_place_in_its_text(judged):
    text = render_rule(judged[0])
    for node in tree.walk(parse_rule(text)):
        if node.at != tree.NOWHERE:
            assert node.at[0] == 1
            assert 1 <= node.at[1] <= len(text)


_CHOICES = {
    *((tree.Pick, "which", which) for which in get_args(tree.Which)),
    *((tree.Moment, "which", which) for which in (*get_args(tree.Ordinal), None)),
    *((tree.Moment, "sign", sign) for sign in get_args(tree.Sign)),
    *((tree.Within, "side", side) for side in get_args(tree.Side)),
    *((tree.Compare, "op", op) for op in get_args(tree.Op)),
    *((tree.Limit, "limit", limit) for limit in get_args(tree.NormalLimit)),
    *((tree.OneOf, "negated", negated) for negated in (True, False)),
    *((kind, "fact", None) for kind in (tree.Baseline, tree.Nadir)),
    *((kind, "window", None) for kind in (tree.Pick, tree.Count, tree.Score, tree.Had)),
}


def test_every_construct_and_every_choice_is_generated():
    missing = {*tree.NODES, *_CHOICES}

    @settings(max_examples=1200, phases=[Phase.generate], database=None, deadline=None, derandomize=True)
    @given(judged_rules())
    def draw(judged):
        for node in tree.walk(judged[0]):
            missing.discard(type(node))
            missing.difference_update(
                {
                    choice
                    for choice in missing & _CHOICES
                    if type(node) is choice[0] and getattr(node, choice[1]) == choice[2]
                }
            )

    draw()
    assert missing == set()


# --- any text at all ----------------------------------------------------------------------------------------------------

_OTHER_WORDS = (
    """alt 28 days 1.5 ULN ( ) , <= > = IU/mL % - + * positive "ab" 2024-01-10 x10^9/L е hours in("""
)
_WORDS = st.sampled_from([*sorted(RESERVED_WORDS), *_OTHER_WORDS.split(), "\u200b", "\n"])
_NEAR_RULES = st.one_of(
    st.lists(_WORDS, max_size=15).map(" ".join),
    st.tuples(
        st.sampled_from([rule.text for rule in ALL_RULES]),
        st.integers(0, 120),
        st.integers(0, 3),
        st.text(max_size=3),
    ).map(lambda cut: cut[0][: cut[1]] + cut[3] + cut[0][cut[1] + cut[2] :]),
)


@settings(max_examples=800, deadline=None)
@given(
    st.one_of(st.text(max_size=80), st.binary(max_size=80).map(lambda b: b.decode("latin-1")), _NEAR_RULES)
)
def test_any_text_is_a_rule_or_a_problem_with_a_place_inside_it(text):
    try:
        rule = parse_rule(text)
    except ProblemsFound as found:
        (problem,) = found.problems
        lines = text.split("\n")
        assert 1 <= problem.place.line <= len(lines)
        assert 1 <= problem.place.column <= max(len(lines[problem.place.line - 1]), 1)
        assert problem.message
    else:
        assert parse_rule(render_rule(rule)) == rule
        for rows_of in (None, "alt"):
            check_rule(rule, scope_of(rows_of))
            render_sentence(rule, scope_of(rows_of))


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from([k.__name__ for k in tree.NODES]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["node", "fact", "window", "part", "parts", "left", "op", "right"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        _JSON.map(lambda rule: json.dumps({"format": "trialwright-rule/1", "rule": rule})),
    )
)
def test_any_json_is_a_rule_or_a_problem(text):
    try:
        rule_from_json(text)
    except ProblemsFound as found:
        problem = found.problems[0]
    else:
        return
    assert problem.code == "rule-json"


@settings(max_examples=150, deadline=None)
@given(judged_rules(), st.data())
def test_json_changed_in_one_place_is_another_rule_or_a_problem(judged, data):
    text = canonical_json(judged[0])
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.sampled_from('0aA"{}[]:,- <')) + text[at + 1 :]
    try:
        rule = rule_from_json(changed)
    except ProblemsFound:
        return
    assert parse_rule(render_rule(rule)) == rule
    # 28.0 days for 28 days, or the same text: what is read back is canonical again
    assert (canonical_json(rule) == text) == (rule == judged[0])


@given(st.integers(0, 5000))
def test_weeks_and_days_years_and_months_are_one_hours_are_not(n):
    def of(duration):
        return parse_rule(f"had(chemotherapy, {duration})")

    if n <= 700:
        assert rule_hash(of(f"{n} weeks")) == rule_hash(of(f"{7 * n} days"))
        assert of(f"{n} weeks") == of(f"{7 * n} days")
    if n <= 200:
        assert rule_hash(of(f"{n} years")) == rule_hash(of(f"{12 * n} months"))
    assert rule_hash(of(f"{24 * n} hours")) != rule_hash(of(f"{n} days"))
    assert render_rule(of(str(Duration(n, "days")))) == f"had(chemotherapy, {Duration(n, 'days')})"
