"""What to ask next: enough, nothing too much, the cheapest first."""

from itertools import chain, combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies.trial_rules import FACTS

from trialwright.evaluation import asking
from trialwright.evaluation.asking import ask_lists
from trialwright.evaluation.evidence import Evidence, Open
from trialwright.evaluation.observations import Observation, Subject
from trialwright.evaluation.patient import judge_patient
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Scope, make_fact
from trialwright.protocol.rules import parse_rule
from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.verdicts import Reason, Verdict

# ---- by hand

ANCHOR = PartialDate.parse("2024-03-31")
DAY = PartialDate.parse("2024-03-20")


def asked(rule, *observations, scope=None, **details):
    """What to ask to confirm, and what to rule out."""
    subject = Subject(observations, ANCHOR, **details)
    judgement = judge_patient(parse_rule(rule), subject, scope or Scope(FACTS))
    return [[ask.about for ask in asks] for asks in (judgement.to_confirm, judgement.to_rule_out)]


@pytest.mark.parametrize(
    ("rule", "to_confirm", "to_rule_out"),
    [
        pytest.param(
            "last(alt, 28 days) > 40 U/L and last(ast, 28 days) > 40 U/L",
            ["alt", "ast"],
            ["alt"],
            id="all for and; any rules it out, of equal ones the first",
        ),
        pytest.param(
            "last(alt, 28 days) > 40 U/L or last(ast, 28 days) > 40 U/L",
            ["alt"],
            ["alt", "ast"],
            id="the other way round for or",
        ),
        pytest.param(
            "not (last(alt, 28 days) > 40 U/L or last(ast, 28 days) > 40 U/L)",
            ["alt", "ast"],
            ["alt"],
            id="not exchanges the two",
        ),
        pytest.param(
            "last(pd1_cd8, 28 days) > 40 % or last(bclc_stage, 28 days) is C or last(ecog, 28 days) is 0",
            ["ecog"],
            ["ecog", "pd1_cd8", "bclc_stage"],
            id="the cheapest confirms; the cheapest first",
        ),
        pytest.param(
            "last(bclc_stage, 28 days) is C or (last(alt, 28 days) > 40 U/L and last(ast, 28 days) > 40 U/L)",
            ["bclc_stage"],
            ["alt", "bclc_stage"],
            id="imaging is cheaper than two samples",
        ),
        pytest.param(
            "last(bclc_stage, 28 days) is C or "
            "(last(bclc_stage, 28 days) is B and attested(not_for_locoregional_therapy))",
            ["bclc_stage"],
            ["bclc_stage"],
            id="a fact of two leaves once",
        ),
        pytest.param(
            "(last(alt, 28 days) > 40 U/L or last(pd1_cd8, 28 days) > 40 %) and "
            "(last(ast, 28 days) > 40 U/L or last(pd1_cd8, 28 days) > 60 %)",
            ["pd1_cd8"],
            ["alt", "pd1_cd8"],
            id="what serves two leaves is paid for once",
        ),
        pytest.param(
            "attested(unsuitable_for_the_study)", *[["unsuitable_for_the_study"]] * 2, id="a person"
        ),
        pytest.param("age >= 18 years", ["age"], ["age"], id="the date of birth"),
        pytest.param(
            "had(interferon_allergy) or age >= 18 years",
            ["age"],
            ["age", "interferon_allergy"],
            id="a date on file before what the person is asked",
        ),
        pytest.param("last(alt, 28 days) > 2 * baseline(alt)", *[["baseline", "alt"]] * 2, id="both sides"),
        pytest.param(
            "had(liver_mri, within 7 days of time_zero + 12 weeks)",
            ["time_zero"],
            ["time_zero"],
            id="what a window counts from, before what lies in it",
        ),
    ],
)
def test_nothing_is_known(rule, to_confirm, to_rule_out):
    assert asked(rule) == [to_confirm, to_rule_out]


def test_what_is_known_is_not_asked():
    alt = Observation("1", "alt", DAY, Interval.exactly(50), "U/L")
    either = "last(alt, 28 days) > 40 U/L {} last(ast, 28 days) > 40 U/L"
    assert asked(either.format("or"), alt) == [[], []]
    judgement = judge_patient(parse_rule(either.format("or")), Subject([alt], ANCHOR), Scope(FACTS))
    assert judgement.to_confirm.is_surely_cheapest
    assert asked(either.format("and"), alt) == [["ast"], ["ast"]]


def test_a_part_that_is_met_or_ruled_out_needs_no_more():
    """ALT settles the first part, so nothing of it is asked."""
    alt = Observation("1", "alt", DAY, Interval.exactly(50), "U/L")
    rule = (
        "(last(alt, 28 days) > 40 U/L or last(ast, 28 days) > 40 U/L) and "
        "(last(afp, 28 days) > 40 ng/mL or last(alt, 28 days) > 60 U/L)"
    )
    assert asked(rule, alt) == [["afp"], ["afp"]]


def alt_and_baseline(value, baseline):
    row = Observation("row", "alt", DAY, value, "U/L")
    first = (
        [Observation("first", "alt", PartialDate.parse("2024-01-10"), baseline, "U/L")] if baseline else []
    )
    return judge_patient(
        parse_rule("value >= 3 * baseline"),
        Subject((row, *first), ANCHOR, baseline_at=PartialDate.parse("2024-01-10")),
        Scope(FACTS, rows_of="alt"),
        row=row,
    )


@pytest.mark.parametrize(
    ("value", "baseline", "reason", "records"),
    [
        pytest.param(
            Interval(0, 10, False, True), None, Reason.MISSING, (), id="not known at all comes first"
        ),
        pytest.param(
            Interval.exactly(60),
            Interval(0, 25, False, True),
            Reason.CENSORED,
            ("first",),
            id="only what is censored",
        ),
        pytest.param(
            Interval(0, 70, False, True), Interval.exactly(20), Reason.CENSORED, ("row",), id="on either side"
        ),
    ],
)
def test_only_what_is_open_is_asked(value, baseline, reason, records):
    (ask,) = alt_and_baseline(value, baseline).to_confirm
    assert (ask.about, ask.reason, ask.records) == ("alt", reason, records)


@pytest.mark.parametrize(
    ("observations", "reason", "effort", "records"),
    [
        pytest.param([], Reason.MISSING, 2, (), id="a new sample"),
        pytest.param([{"date": "2024-01-01"}], Reason.STALE, 2, (), id="the test again"),
        pytest.param([{"unit": None}], Reason.UNIT_UNKNOWN, 1, ("0",), id="a call to the laboratory"),
        pytest.param([{"uln": None}], Reason.NO_LIMIT, 1, ("0",), id="for its limit too"),
        pytest.param([{"date": "2024-03"}], Reason.IMPRECISE_DATE, 1, ("0",), id="the date"),
        pytest.param([{}, {"value": 500.0}], Reason.CONFLICT, 1, ("0", "1"), id="which of both"),
        pytest.param(
            [{}, {"value": 500.0, "date": "2024-03"}], Reason.IMPRECISE_DATE, 1, ("1",), id="which is later"
        ),
    ],
)
def test_why_and_at_what_cost(observations, reason, effort, records):
    several = []
    for n, given_details in enumerate(observations):
        details = {"date": "2024-03-20", "value": 20.0, "unit": "U/L", "uln": 40.0, **given_details}
        day, value = PartialDate.parse(details.pop("date")), Interval.exactly(details.pop("value"))
        several.append(Observation(str(n), "alt", day, value, **details))
    judgement = judge_patient(
        parse_rule("last(alt, 28 days) > 2 ULN"), Subject(several, ANCHOR), Scope(FACTS)
    )
    (ask,) = judgement.to_confirm
    assert (ask.about, ask.label, ask.reason, ask.effort, ask.records) == (
        "alt",
        "ALT",
        reason,
        effort,
        records,
    )


def test_a_fact_open_for_two_reasons_costs_the_dearer():
    """Its limit is missing for one leaf, and it is too old for the other."""
    alt = Observation("0", "alt", PartialDate.parse("2024-03-10"), Interval.exactly(50), "U/L")
    rule = parse_rule("last(alt, 28 days) > 2 ULN and last(alt, 7 days) > 1 ULN")
    (ask,) = judge_patient(rule, Subject((alt,), ANCHOR), Scope(FACTS)).to_confirm
    assert (ask.reason, ask.effort, ask.records) == (Reason.STALE, 2, ("0",))


def test_who_is_asked():
    (ask,) = judge_patient(parse_rule("attested(cannot_sign)"), Subject((), ANCHOR), Scope(FACTS)).to_confirm
    assert (ask.by, ask.what_to_do) == ("investigator", "ask the investigator to attest")
    rule = parse_rule("last(in_other_trial, 28 days) is yes")
    (ask,) = judge_patient(rule, Subject((), ANCHOR), Scope(FACTS)).to_confirm
    assert (ask.by, ask.what_to_do) == (None, "ask somebody who knows")


def test_a_protocol_says_what_a_fact_costs():
    facts = {name: make_fact(name, concept=name, effort=effort) for name, effort in (("alt", 9), ("ast", 1))}
    rule = "last(alt, 28 days) > 40 U/L or last(ast, 28 days) > 40 U/L"
    assert asked(rule, scope=Scope(facts)) == [["ast"], ["ast", "alt"]]


# ---- against every possible list

NAMES = "abcdef"
LEAF = tree.Attested("a")


def made_facts(efforts):
    return {
        name: make_fact(name, kind="number", effort=effort)
        for name, effort in zip(NAMES, efforts, strict=True)
    }


def leaf(verdict, names=""):
    opens = tuple(Open(name, Reason.MISSING, is_unknown=True) for name in names)
    return Evidence(LEAF, verdict, open=opens)


def compound(kind, parts):
    if kind is tree.Not:
        return Evidence(tree.Not(LEAF), ~parts[0].verdict, (parts[0],))
    combine = Verdict.all_of if kind is tree.AllOf else Verdict.any_of
    return Evidence(kind((LEAF, LEAF)), combine(part.verdict for part in parts), tuple(parts))


UNKNOWN = Verdict.unknown(Reason.MISSING)
leaves = st.one_of(
    st.sampled_from([leaf(Verdict.MET), leaf(Verdict.NOT_MET)]),
    *[st.sets(st.sampled_from(NAMES), min_size=1, max_size=2).map(lambda names: leaf(UNKNOWN, sorted(names)))]
    * 4,
)
trees = st.recursive(
    leaves,
    lambda parts: st.one_of(
        parts.map(lambda part: compound(tree.Not, [part])),
        *[
            st.lists(parts, min_size=2, max_size=3).map(lambda several, kind=kind: compound(kind, several))
            for kind in (tree.AllOf, tree.AnyOf)
        ],
    ),
    max_leaves=7,
)


def judged_again(evidence, settled):
    """The verdict by the tables of Kleene where some leaves are settled, taken in the order of the text."""
    if not evidence.parts:
        return next(settled)
    verdicts = [judged_again(part, settled) for part in evidence.parts]
    match evidence.condition:
        case tree.Not():
            return ~verdicts[0]
        case tree.AllOf():
            return Verdict.all_of(verdicts)
        case _:
            return Verdict.any_of(verdicts)


def suffices(evidence, names, wanted):
    """Whether some answers about these facts give the verdict, every leaf with another open fact staying unknown."""
    possible = [
        [Verdict.MET, Verdict.NOT_MET]
        if one.open and {it.about for it in one.open} <= set(names)
        else [one.verdict]
        for one in evidence.leaves()
    ]
    return any(judged_again(evidence, iter(settled)) == wanted for settled in product(*possible))


def cheapest_by_trying_all(evidence, facts, wanted):
    """Least effort, then fewest facts, then first in the text."""
    order = list(dict.fromkeys(one.about for leaf in asking._unknown_leaves(evidence) for one in leaf.open))
    lists = chain.from_iterable(combinations(order, n) for n in range(len(order) + 1))
    enough = [names for names in lists if suffices(evidence, names, wanted)]
    return min(
        enough,
        key=lambda names: (
            sum(facts[name].effort for name in names),
            len(names),
            [name not in names for name in order],
        ),
    )


@settings(max_examples=400, deadline=None, database=None)
@given(trees, st.tuples(*[st.integers(0, 4)] * len(NAMES)))
def test_no_list_is_cheaper(evidence, efforts):
    facts = made_facts(efforts)
    lists = ask_lists(evidence, facts)
    if evidence.verdict.is_known:
        assert [list(one) for one in lists] == [[], []]
        return
    for asks, wanted in zip(lists, (Verdict.MET, Verdict.NOT_MET), strict=True):
        assert asks.is_surely_cheapest
        assert {ask.about for ask in asks} == set(cheapest_by_trying_all(evidence, facts, wanted))
        assert [ask.effort for ask in asks] == sorted(ask.effort for ask in asks)


# ---- by getting what is asked for

LOW, HIGH = 10.0, 100.0
STATES = {
    "missing": [],
    "stale": [("2024-01-01", Interval.exactly(HIGH))],
    "censored": [("2024-03-20", Interval(0, HIGH, hi_open=True))],
    "in conflict": [("2024-03-20", Interval.exactly(LOW)), ("2024-03-20", Interval.exactly(HIGH))],
    "low": [("2024-03-20", Interval.exactly(LOW))],
    "high": [("2024-03-20", Interval.exactly(HIGH))],
}
FOUR = {name: make_fact(name, kind="number", unit="U/L", effort=1) for name in NAMES[:4]}


@st.composite
def expressions(draw, names):
    """A rule that asks for each fact once."""
    prefix = draw(st.sampled_from(("", "not ")))
    if len(names) == 1:
        return f"{prefix}last({names[0]}, 28 days) > 40 U/L"
    cut = draw(st.integers(1, len(names) - 1))
    left, right = draw(expressions(names[:cut])), draw(expressions(names[cut:]))
    return f"{prefix}({left} {draw(st.sampled_from(('and', 'or')))} {right})"


def verdict_of(rule, states):
    records = [
        Observation(f"{name} {i}", name, PartialDate.parse(day), value, "U/L")
        for name, state in states.items()
        for i, (day, value) in enumerate(STATES[state])
    ]
    return judge_patient(rule, Subject(records, ANCHOR), Scope(FOUR))


def can_be(wanted, rule, states, names):
    """Whether some results of these facts give the verdict, all else staying as it is."""
    answers = (dict(zip(names, some, strict=True)) for some in product(("low", "high"), repeat=len(names)))
    return any(verdict_of(rule, {**states, **one}).verdict == wanted for one in answers)


@settings(max_examples=60, deadline=None, database=None)
@given(expressions(NAMES[:4]), st.tuples(*[st.sampled_from(list(STATES))] * 4))
def test_getting_what_is_asked_for_is_enough_and_nothing_less_is(text, given_states):
    rule, states = parse_rule(text), dict(zip(FOUR, given_states, strict=True))
    judgement = verdict_of(rule, states)
    if judgement.verdict.is_known:
        return
    not_known = [name for name, state in states.items() if state not in ("low", "high")]
    for wanted, asks in ((Verdict.MET, judgement.to_confirm), (Verdict.NOT_MET, judgement.to_rule_out)):
        names = [ask.about for ask in asks]
        assert can_be(wanted, rule, states, names)
        fewer = chain.from_iterable(combinations(not_known, n) for n in range(len(names)))
        assert not any(can_be(wanted, rule, states, some) for some in fewer)


def test_more_lists_than_are_carried_are_owned_up_to():
    """Every pair of facts is open in two leaves, so no list can be left out early."""
    names = [f"n{i}" for i in range(30)]
    pairs = [
        compound(tree.AnyOf, [leaf(UNKNOWN, [a]), leaf(UNKNOWN, [b])]) for a, b in combinations(names, 2)
    ]
    facts = {name: make_fact(name, kind="number", effort=1) for name in names}
    to_confirm, to_rule_out = ask_lists(compound(tree.AllOf, pairs), facts)
    assert not to_confirm.is_surely_cheapest
    assert len(to_confirm) == 29  # all but one: of two left out, their pair would stay unknown
    assert len(to_rule_out) == 2


def test_a_rule_as_long_as_rules_can_be_is_answered_at_once(cpu_seconds):
    names = [f"n{i}" for i in range(12)]
    facts = {name: make_fact(name, kind="number", effort=i % 5) for i, name in enumerate(names)}
    several = [
        compound(tree.AnyOf, [leaf(UNKNOWN, [names[i * j % 12]]) for j in range(1, 5)]) for i in range(125)
    ]
    with cpu_seconds(3):
        to_confirm, _ = ask_lists(compound(tree.AllOf, several), facts)
    assert suffices_at_best(several, {ask.about for ask in to_confirm})


def suffices_at_best(several, names):
    return all(any({it.about for it in one.open} <= names for one in part.leaves()) for part in several)
