"""Hazard ratios within subgroups: R on real patients, cuts, few events, nobody, and what is tested only where it is registered."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases.timed_trial import PROTOCOL, run, subject, trial

from trialwright.analysis.subgroups import Part, part_of_item, parts_of
from trialwright.protocol.analyses import Subgroups
from trialwright.protocol.loading import load_protocol, parse_protocol
from trialwright.protocol.references import facts_named
from trialwright.reports.blocks import Figure, Table
from trialwright.reports.methods import render_methods
from trialwright.reports.printed import Source
from trialwright.reports.subgroup_figure import render_subgroups
from trialwright.reports.text import render_table_text
from trialwright.reports.writing import analyse_study
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.interaction import interaction_test
from trialwright.vocabulary.problems import ProblemsFound

R = json.loads(
    (Path(__file__).parents[1] / "oracle" / "subgroups" / "expected.json").read_text(encoding="utf-8")
)
ESTIMATE = ("coef", "std_error", "hazard_ratio", "conf_low", "conf_high")
TEST = ("interaction_chi_squared", "interaction_df", "interaction_p_value")


# --- R ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real():
    """The subgroups of 227 real patients, as if the plan had registered them."""
    loaded = load_protocol("hcc-resection")
    said = Subgroups.model_validate(
        {
            "method": "subgroups", "title": "Subgroups", "population": next(iter(loaded.protocol.populations)), "role": "registered",
            "endpoint": "rfs", "by": "hbsag", "facts": ["age", "bclc", "cirrhosis"], "cuts": {"age": [45, 60]},
        }
    )  # fmt: skip
    protocol = loaded.protocol.model_copy(update={"analyses": {"sub": said}})
    return protocol, analyse_study(replace(loaded, protocol=protocol))


PARTS = {
    "all": None,
    **{f"age={words}": R["age"]["parts"][words] for words in ("below 45", "45 to below 60", "at least 60")},
    **{f"bclc=code_{code}": R["bclc"]["parts"][code] for code in "12"},
    "cirrhosis=no_cirrhosis": R["cirrhosis"]["parts"]["0"],
    "cirrhosis=cirrhosis": R["cirrhosis"]["parts"]["1"],
}


@pytest.mark.parametrize("item", PARTS)
def test_hazard_ratios_are_those_of_r(real, item):
    _, results = real
    expected = PARTS[item] or R["all"]
    end = "" if item == "all" else f"{item}/"
    events = {level: results[f"sub/{level}/{end}n_events"].value for level in ("negative", "positive")}
    assert events["positive"] == expected["events_positive"]
    assert sum(events.values()) == expected["events"]
    assert results[f"sub/positive/{end}hazard_ratio"].n == expected["n"]
    for statistic in ESTIMATE:
        assert results[f"sub/positive/{end}{statistic}"].value == pytest.approx(expected[statistic], rel=1e-8)


@pytest.mark.parametrize("fact", ["age", "bclc", "cirrhosis"])
def test_interactions_are_those_of_r(real, fact):
    _, results = real
    found = [results[f"sub/{fact}/{statistic}"].value for statistic in TEST]
    expected = [R[fact][name] for name in ("chi_squared", "df", "p_value")]
    assert found == pytest.approx(expected, rel=1e-7)


def test_a_registered_analysis_prints_its_tests(real):
    table, figure = render_subgroups(Source(*real), "sub", real[0].analyses["sub"])
    text = render_table_text(table)
    assert "1.39 (0.44 to 4.47)" in text  # R: 1.3949655 (0.4354365 to 4.4689146)
    assert "Likelihood ratio 0.8 on 2 degrees of freedom, p = 0.68." in text
    assert isinstance(figure, Figure)
    labels = [row["label"] for row in figure.spec["datasets"]["estimates"]]
    assert labels[1] == "below 45 years (51 of 78, 1 of 4)"  # 78 and 4 counted in the file by awk


# --- small data ---------------------------------------------------------------------------------------------------------

ADDED = """  sub:
    { method: subgroups, title: Parts, population: everyone, endpoint: recurrence, by: groups, facts: [sex, age, stage], cuts: { age: [60] } }
reporting: { small group events: 3 }
"""
TEXT = PROTOCOL + ADDED


def person(time, status, group, age=50.0, sex="f", stage="early"):
    return subject(time, status, group, age=age, sex=sex, stage=stage)


PEOPLE = [
    person(3, 1, "a"), person(5, 1, "a", age=60.0), person(9, 0, "a", sex="m"), person(12, 1, "a", sex="m", age=59.999),
    person(4, 1, "b"), person(8, 1, "b", age=71.0), person(11, 2, "b", sex="m"), person(15, 0, "b", sex="m", age=60.001),
]  # fmt: skip


def found(people=PEOPLE, text=TEXT):
    return run(people, "sub", text=text)


def shown(people=PEOPLE, text=TEXT):
    results = found(people, text)
    protocol = trial(people, text=text).protocol
    kept = {"sub": protocol.analyses["sub"]}
    return render_subgroups(
        Source(protocol.model_copy(update={"analyses": kept}), results), "sub", kept["sub"]
    )


def test_who_is_at_a_cut_belongs_above_it():
    results = found()
    counts = {
        (group, part): results[f"sub/{group}/age={part}/n_subjects"].value
        for group in "ab"
        for part in ("below 60", "at least 60")
    }
    # a: 50, 60, 50, 59.999; b: 50, 71, 50, 60.001
    assert counts == {
        ("a", "below 60"): 3,
        ("a", "at least 60"): 1,
        ("b", "below 60"): 2,
        ("b", "at least 60"): 2,
    }


@pytest.mark.parametrize(("limit", "is_estimated"), [(3, True), (4, True), (5, False)])
def test_a_subgroup_with_fewer_events_than_asked_for_has_a_reason(limit, is_estimated):
    # women have 4 events: 3, 5 with a and 4, 8 with b
    results = found(text=TEXT.replace("small group events: 3", f"small group events: {limit}"))
    row = results["sub/b/sex=f/hazard_ratio"]
    assert (row.value is not None) == is_estimated
    assert row.note == ("" if is_estimated else "this subgroup has fewer than 5 events: 4")
    assert results["sub/b/hazard_ratio"].value is not None


def test_an_empty_subgroup_a_single_group_and_an_unknown_fact_are_told():
    people = [*PEOPLE, person(7, 1, "a", age=None, stage="late")]
    results = found(people)
    assert results["sub/b/stage=last/hazard_ratio"].note == "nobody in this subgroup"
    assert results["sub/b/stage=late/hazard_ratio"].note == "only one group has subjects"
    assert results["sub/age/n_without_fact"].value == 1
    assert sum(results[f"sub/a/age={part}/n_subjects"].value for part in ("below 60", "at least 60")) == 4
    text = render_table_text(shown(people)[0])
    assert "Age (not known of 1)" in text
    assert "nobody in this subgroup" in text


def test_a_group_without_events_has_no_ratio():
    people = [person(one["time"], 0, "b") if one["group"] == "b" else one for one in PEOPLE]
    row = found(people)["sub/b/hazard_ratio"]
    assert row.value is None
    assert "no event was observed where" in row.note


@pytest.mark.parametrize(
    ("people", "reason"),
    [
        pytest.param([], "nobody in these groups", id="nobody"),
        pytest.param(PEOPLE[:1], "only one group has subjects", id="one"),
        pytest.param([{**one, "status": 0} for one in PEOPLE], "no event was observed", id="no events"),
        pytest.param([{**one, "time": 0, "status": 0} for one in PEOPLE], "no event was observed", id="first day"),
        pytest.param([{**one, "group": None} for one in PEOPLE], "nobody in these groups", id="no group known"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_has_a_reason_and_no_picture(people, reason):
    results = found(people)
    assert results["sub/b/hazard_ratio"].note == reason
    assert all(row.value is None for row in results.of("sub") if row.statistic in (*ESTIMATE, *TEST))
    (table,) = shown(people)
    assert isinstance(table, Table)


def test_nothing_is_tested_that_is_not_registered():
    results = found()
    assert {results[f"sub/sex/{name}"].note for name in TEST} == {
        "not tested: the plan does not register this analysis"
    }
    text = " ".join(render_table_text(block) for block in shown() if isinstance(block, Table))
    assert "not tested: the plan does not register" in text
    assert "p =" not in text
    protocol = trial(PEOPLE, text=TEXT).protocol
    kept = protocol.model_copy(update={"analyses": {"sub": protocol.analyses["sub"]}})
    (sentence, *_) = render_methods(Source(kept, results)).items
    assert "was not tested, for the plan does not register it" in sentence.plain


def test_a_registered_test_with_too_few_events_says_so():
    text = TEXT.replace("title: Parts", "title: Parts, role: registered")
    results = found(text=text)
    # men have 1 event: 12 with a
    assert results["sub/sex/interaction_p_value"].note == "a subgroup has fewer than 3 events: 1"
    assert results["sub/stage/interaction_p_value"].note == "all subjects are of one subgroup"


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.floats(0, 100), max_size=8),
    st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True).map(sorted),
)
def test_every_known_number_is_in_exactly_one_part(ages, cuts):
    people = [person(2 + i, 1, "ab"[i % 2], age=age) for i, age in enumerate([*ages, None])]
    text = TEXT.replace("age: [60]", f"age: {cuts}")
    data = trial(people, text=text)
    analysis = data.protocol.analyses["sub"]
    parts = parts_of(data.protocol, analysis, "age")
    assert len(parts) == len(cuts) + 1
    members = data.adsl.select(part.members.alias(part.item) for part in parts)
    assert [sum(row) for row in members.head(len(ages)).rows()] == [1] * len(ages)
    assert members.row(-1) == (None,) * len(parts)
    assert [part_of_item(data.protocol, analysis, part.item) for part in parts] == parts


def test_a_part_of_a_category_has_its_level():
    assert Part("sex", "f").item == "sex=f"


# --- the test of an interaction -----------------------------------------------------------------------------------------


def test_an_interaction_needs_two_groups_and_two_subgroups():
    with pytest.raises(NotEstimable, match="all subjects are of one subgroup"):
        interaction_test([1, 2, 3], [1, 1, 0], ["a", "b", "a"], ["x", "x", "x"])
    with pytest.raises(NotEstimable, match="all subjects are of one group"):
        interaction_test([1, 2, 3], [1, 1, 0], ["a", "a", "a"], ["x", "y", "x"])


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.sampled_from("ab"), st.sampled_from("xyz")), min_size=12, max_size=40), st.randoms())  # fmt: skip
def test_an_interaction_does_not_depend_on_the_order_of_subjects(rows, random):
    def test(order):
        try:
            return interaction_test(*zip(*order, strict=True))
        except NotEstimable:
            return None

    shuffled = random.sample(rows, len(rows))
    one, other = test(rows), test(shuffled)
    assert (one is None) == (other is None)
    if one and other:
        assert one.df == other.df
        assert one.chi_squared == pytest.approx(other.chi_squared, abs=1e-6)
        assert 0 <= one.p_value <= 1


# --- the protocol -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        pytest.param("cuts: { age: [60] }", "cuts: {}", "number-without-cuts", id="no cut"),
        pytest.param("age: [60]", "age: [60], virus: [3]", "unfit-fact", id="a cut of another fact"),
        pytest.param("age: [60]", "age: [60], sex: [3]", "unfit-fact", id="a cut of a category"),
        pytest.param("[sex, age, stage]", "[sex, age, shape]", "unresolved-name", id="unknown fact"),
        pytest.param("[sex, age, stage]", "[sex, age, groups]", "unresolved-name", id="groups"),
        pytest.param("age: [60]", "age: [60, 60]", "not-ascending", id="twice"),
        pytest.param("age: [60]", "age: [60, 50]", "not-ascending", id="falling"),
        pytest.param("age: [60]", "age: [.nan]", None, id="no number"),
        pytest.param("age: [60]", "age: []", None, id="none"),
    ],
)  # fmt: skip
def test_what_a_protocol_may_not_ask_for(old, new, code):
    assert old in TEXT
    with pytest.raises(ProblemsFound) as error:
        parse_protocol(TEXT.replace("READ", "10 days").replace(old, new))
    assert code is None or code in {problem.code for problem in error.value.problems}


def test_facts_of_subgroups_are_derived():
    protocol = load_protocol("nct07120750").protocol
    analysis = protocol.analyses["recurrence_subgroups"]
    assert set(analysis.facts) <= set(facts_named(protocol))
    assert (analysis.status, analysis.role) == ("assumed", "supportive")
