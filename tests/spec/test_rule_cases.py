"""Every case of the rule language, put to the reference interpreter and to every reader: verdict and reason."""

from collections import defaultdict
from dataclasses import fields
from functools import cache

import pytest
from tests.evaluation import reference
from tests.evaluation.test_reference import child_pugh
from tests.spec.rule_cases import chapters, prepare, refused, scope

from trialwright.evaluation.patient import judge_patient
from trialwright.evaluation.readings import Reading
from trialwright.evaluation.sql import judge_with_duckdb
from trialwright.evaluation.table import tabulate_observations, tabulate_subjects
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import RESERVED_WORDS
from trialwright.protocol.rules import parse_rule, render_rule
from trialwright.protocol.scopes import read_rule
from trialwright.vocabulary.durations import Duration, TimeUnit
from trialwright.vocabulary.problems import ProblemsFound
from trialwright.vocabulary.verdicts import Reason, Verdict

CONSTRUCTS = {construct.title: construct for chapter in chapters() for construct in chapter.constructs}
VERDICTS = {one.code: str(one) for one in (Verdict.MET, Verdict.NOT_MET, *map(Verdict.unknown, Reason))}


@cache
def examples_of(title):
    """The cases of each example of a construct, ready for the readers."""
    return [
        [prepare(example, case, f"{i}.{j} {case.because}") for j, case in enumerate(example.cases, start=1)]
        for i, example in enumerate(CONSTRUCTS[title].examples, start=1)
    ]


def all_cases():
    return [case for title in CONSTRUCTS for cases in examples_of(title) for case in cases]


def told(cases, verdicts):
    return [(case.id, case.text, verdict) for case, verdict in zip(cases, verdicts, strict=True)]


def expected(cases):
    return told(cases, [case.verdict for case in cases])


# ---- the readers


def by_reference(case):
    subject = case.subject

    def as_record(one):
        return reference.Record(
            one.id, one.fact, one.date, one.value, one.unit, one.lln, one.uln, one.assay, one.by
        )

    known = reference.Case(
        case.scope.facts,
        [as_record(one) for one in subject.observations],
        subject.anchor,
        row=as_record(case.row) if case.row else None,
        baseline_at=subject.baseline_at,
        birth=subject.birth,
        periods=subject.periods,
        scores={"child_pugh": child_pugh},
        cut=subject.cut,
    )
    return str(reference.judge(case.rule, known))


def child_pugh_of_readings(parts):
    score = child_pugh(parts)
    return Reading(score.value, score.reason)


def by_patient_reader(case):
    scores = {"child_pugh": child_pugh_of_readings}
    return str(judge_patient(case.rule, case.subject, case.scope, row=case.row, scores=scores).verdict)


def by_duckdb(rule, cases):
    """All patients of a rule at once."""
    first = cases[0]
    subjects = [case.subject for case in cases]
    judged = judge_with_duckdb(
        {"verdict": rule},
        first.scope,
        observations=tabulate_observations(subjects, first.scope.facts),
        subjects=tabulate_subjects(subjects, first.scope.periods),
        n_threads=1,
    )
    rows = [judged.filter(subject=case.subject.id) for case in cases]
    if first.row:
        rows = [row.filter(record=case.row.id) for row, case in zip(rows, cases, strict=True)]
    return [VERDICTS[row["verdict"].item()] for row in rows]


@pytest.mark.parametrize("title", CONSTRUCTS)
def test_the_reference_gives_the_verdict_worked_by_hand(title):
    for cases in examples_of(title):
        assert told(cases, map(by_reference, cases)) == expected(cases)


@pytest.mark.parametrize("title", CONSTRUCTS)
def test_the_patient_reader_gives_the_verdict_worked_by_hand(title):
    for cases in examples_of(title):
        assert told(cases, map(by_patient_reader, cases)) == expected(cases)


@pytest.mark.parametrize("title", [title for title in CONSTRUCTS if title != "score"])
def test_duckdb_gives_the_verdict_worked_by_hand(title):
    for cases in examples_of(title):
        by_rule = defaultdict(list)
        for case in cases:
            by_rule[case.rule].append(case)
        for rule, several in by_rule.items():
            assert told(several, by_duckdb(rule, several)) == expected(several)


def test_duckdb_leaves_scores_to_the_patient_reader():
    for cases in examples_of("score"):
        with pytest.raises(ProblemsFound, match="not-for-many"):
            by_duckdb(cases[0].rule, cases)


# ---- that the cases say enough

NUMBER = {"missing", "stale", "censored across the threshold", "unit unknown", "imprecise date"}
PER_ROW = {"missing", "censored across the threshold", "conflict"}
NEEDED = {
    "last": NUMBER | {"conflict", "unreadable"},
    "first": NUMBER | {"conflict"},
    "max": NUMBER,
    "min": NUMBER,
    "any": NUMBER | {"no limit of normal"},
    "all": NUMBER,
    "count": {"missing", "imprecise date", "needs a person"},
    "ULN and LLN": NUMBER | {"conflict", "no limit of normal"},
    "Another value, or a multiple of one": {"missing", "stale", "censored across the threshold", "conflict"},
    "is and in": {"missing", "stale", "conflict", "unreadable", "imprecise date"},
    "had": {"missing", "imprecise date", "needs a person"},
    "attested": {"needs a person", "conflict", "imprecise date", "unreadable"},
    "age": {"missing", "imprecise date"},
    "score": NUMBER | {"conflict"},
    "baseline": PER_ROW | {"unit unknown", "imprecise date"},
    "nadir": PER_ROW | {"unit unknown", "imprecise date"},
    "change": PER_ROW | {"undefined", "stale"},
    "ratio": PER_ROW | {"undefined"},
    "confirmed after": PER_ROW | {"not yet due", "unit unknown", "imprecise date"},
    "Above, below, equal": {"missing", "censored across the threshold", "conflict"},
    "Numbers and units": {"unit unknown", "censored across the threshold"},
    "is not and not in": {"missing", "unreadable"},
    "What is known once": {"missing", "conflict", "unreadable"},
    "ever": {"missing", "imprecise date"},
    "before": {"missing", "conflict", "imprecise date"},
    "after": {"missing", "imprecise date"},
    "within and of": {"missing", "imprecise date"},
    "since": {"missing", "stale", "imprecise date"},
    "during": {"missing", "stale", "imprecise date"},
    "A date known once": {"missing", "conflict", "imprecise date"},
    "first and last of several records": {"missing", "imprecise date"},
    "Moved by a length of time": {"missing", "imprecise date"},
    "value": {"missing", "censored across the threshold", "unit unknown"},
    "date": {"missing", "imprecise date"},
    "consecutive": {"not yet due", "conflict", "censored across the threshold", "imprecise date"},
}
"""What can leave a construct open, and must be shown with it."""


@pytest.mark.parametrize("title", CONSTRUCTS)
def test_each_construct_is_shown_met_not_met_and_unknown(title):
    verdicts = {case.verdict for example in CONSTRUCTS[title].examples for case in example.cases}
    assert {"met", "not met"} <= verdicts
    assert {f"unknown ({reason})" for reason in NEEDED.get(title, ())} <= verdicts
    assert any(verdict.startswith("unknown") for verdict in verdicts)


def nodes():
    return [node for case in all_cases() for node in tree.walk(case.rule)]


def test_the_cases_use_the_whole_language():
    used = defaultdict(set)
    units = set()
    for node in nodes():
        for spec in fields(node):
            value = getattr(node, spec.name)
            used[type(node).__name__, spec.name].add(
                value if isinstance(value, str | bool | type(None)) else ...
            )
            if isinstance(value, Duration):
                units.add(value.unit)
    assert {name for name, _ in used} == {kind.__name__ for kind in tree.NODES}
    for (kind, field), values in {
        ("Pick", "which"): {"last", "first", "max", "min", "any", "all"},
        ("Compare", "op"): {"<", "<=", "=", ">=", ">"},
        ("Limit", "limit"): {"ULN", "LLN"},
        ("OneOf", "negated"): {False, True},
        ("Within", "side"): {"before", "after", "around"},
        ("Moment", "which"): {None, "first", "last", "any"},
        ("Moment", "sign"): {"+", "-"},
        ("Baseline", "fact"): {None, "alt"},
        ("Nadir", "fact"): {None, "alt"},
    }.items():
        assert values <= used[kind, field]
    assert units == set(TimeUnit)


def test_the_cases_use_every_word_and_reach_every_reason():
    cases = list(all_cases())
    words = {word for case in cases for word in case.text.replace("(", " ").replace(")", " ").split()}
    assert words >= RESERVED_WORDS
    reasons = {f"unknown ({reason})" for reason in Reason if reason is not Reason.NOT_APPLICABLE}
    assert {"met", "not met", *reasons} == {case.verdict for case in cases}


def test_rules_of_the_cases_are_read_back():
    for case in all_cases():
        assert parse_rule(render_rule(case.rule)) == case.rule


@pytest.mark.parametrize("one", refused(), ids=lambda one: one.wish)
def test_what_the_language_cannot_say_is_answered(one):
    with pytest.raises(ProblemsFound) as caught:
        read_rule(one.rule, scope())
    assert caught.value.problems[0].code == one.code
