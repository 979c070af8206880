"""The packs of both shipped trials: whole, in agreement, and not blind."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

import polars as pl
import pytest
from tests.design.mutants_of_rules import mutants_of
from tests.design.small_trial import trial

from trialwright.design.boundaries.cases import Case
from trialwright.design.boundaries.judging import judge_cases
from trialwright.design.boundaries.outcome import render_text, run_pack, told
from trialwright.design.boundaries.pack import make_pack
from trialwright.design.boundaries.questions import questions_of
from trialwright.protocol.loading import LoadedProtocol, load_protocol
from trialwright.protocol.rule_tree import walk
from trialwright.protocol.rules import render_rule

EVERY_KIND = str(Path(__file__).parent / "every_kind.yaml")
TRIALS = ("nct04294498", "nct07120750")
RESPONSE = "events.tumour_response.when"
SAME = {
    ("eligibility.inclusion.stage.when", "also C"),
    (RESPONSE, "also PD"),
    (RESPONSE, "also NE"),
    (RESPONSE, "0 days to 1 day"),
    (RESPONSE, "> to >="),
    ("events.hbv_dna_10_fold_over_nadir.when", "20 to 19"),
    ("events.virological_breakthrough.when", "20 to 19"),
}
"""Changes that change nothing: `C or ((B or C) and ...)` is `C or (B and ...)`. A response is judged on scans that are evaluable,
so that the last one of the day is never NE, and never older; with PD there was progression; and where another treatment begins on the
day of a scan, the scan that would confirm it comes after that. Ten times a lowest value of 19 or more is above 100 in any case."""


@cache
def outcome_of(name):
    return run_pack(load_protocol(name))


@pytest.mark.parametrize("name", [*TRIALS, EVERY_KIND])
def test_everything_is_found_as_expected(name):
    assert [
        (one.case.element, one.case.threshold, one.case.situation, told(one.case.expected), told(one.found, one.case.expected))
        for one in outcome_of(name).differences
    ] == []  # fmt: skip


@pytest.mark.parametrize("name", TRIALS)
def test_every_question_of_every_rule_has_patients(name):
    outcome = outcome_of(name)
    tested = {(one.case.element, one.case.threshold) for one in outcome.results}
    asked = {
        (path, render_rule(question))
        for path, rule in outcome.loaded.writing.rules.items()
        for question in questions_of(rule.condition)
    }
    assert asked - tested == set()
    n_tested, n_thresholds = outcome.count_thresholds()
    assert n_tested >= n_thresholds - 1


@pytest.mark.parametrize("name", TRIALS)
def test_every_threshold_has_patients_on_both_sides(name):
    expected = {}
    for one in outcome_of(name).results:
        expected.setdefault((one.case.element, one.case.threshold), set()).add(told(one.case.expected))
    assert {element for (element, _), found in expected.items() if len(found) < 2} == set()


@pytest.mark.parametrize("name", TRIALS)
def test_nothing_that_decides_is_left_out_silently(name):
    loaded = load_protocol(name)
    protocol, named = loaded.protocol, {one.element for one in make_pack(loaded)}
    elements = set(loaded.writing.rules)
    elements |= {f"events.{one}" for one, event in protocol.events.items() if not event.when}
    elements |= {f"populations.{one}" for one, about in protocol.populations.items() if not about.when}
    elements |= {f"deviations.{one}" for one, about in protocol.deviations.items() if not about.when}
    elements |= {f"{section}.{one}" for section in ("visits", "clocks") for one in getattr(protocol, section)}
    assert elements <= named


@pytest.mark.parametrize("name", TRIALS)
def test_invented_patients_can_never_pass_for_real(name):
    for table in outcome_of(name).tables.values():
        assert set(table["SIMULATED"]) == {"Y"}
        assert all(study.endswith("-OQ-SIM") for study in table["STUDYID"])


@pytest.mark.parametrize("name", TRIALS)
def test_the_order_of_records_does_not_matter(name):
    outcome = outcome_of(name)
    mixed = {
        domain: table.sample(fraction=1, shuffle=True, seed=7) for domain, table in outcome.tables.items()
    }
    cases = [one.case for one in outcome.results]
    assert judge_cases(outcome.loaded, cases, mixed) == list(outcome.results)


@pytest.mark.parametrize("name", TRIALS)
def test_the_page_tells_how_much_is_tested(name):
    outcome = outcome_of(name)
    tested, thresholds = outcome.count_thresholds()
    page = (Path(__file__).parents[2] / "docs" / "oq.md").read_text(encoding="utf-8")
    assert f"{tested} of {thresholds} of `{name}` ({len(outcome.results)} cases)" in page


def test_the_page_shows_what_the_command_prints():
    page = (Path(__file__).parents[2] / "docs" / "oq.md").read_text(encoding="utf-8")
    example = page.split("```")[3].strip()
    assert example in render_text(outcome_of("nct04294498"))


def test_a_pack_without_rules_is_empty():
    outcome = run_pack(trial())
    assert (list(outcome.results), outcome.count_thresholds()) == ([], (0, 0))
    assert (
        render_text(outcome)
        == "SMALL-1: 0 cases, all as expected; 0 of 0 thresholds tested, 0 listed as not tested"
    )


def test_each_case_is_a_subject_of_its_own():
    outcome = outcome_of("nct04294498")
    assert outcome.tables["DM"].get_column("USUBJID").n_unique() == len(outcome.results)
    assert outcome.tables["LB"].select(pl.struct("USUBJID", "LBSEQ").is_duplicated().any()).item() is False


# --- mutants: the proof that the pack can fail ------------------------------------------------------------------------------


def changed(loaded, conditions):
    """The protocol with other conditions in some of its rules; what is expected still comes from the first."""
    rules = {
        path: replace(rule, condition=conditions[path]) if path in conditions else rule
        for path, rule in loaded.writing.rules.items()
    }
    other = LoadedProtocol(loaded.protocol, loaded.document, loaded.folder)
    other.__dict__["writing"] = replace(loaded.writing, rules=MappingProxyType(rules))
    return other


def groups_of_rules(loaded):
    """Rules that may be changed together, for none asks for an event that another makes."""
    plain, on_events, over = [], [], []
    for path, rule in loaded.writing.rules.items():
        named = {getattr(node, "fact", None) for node in walk(rule.condition)} | {rule.scope.rows_of}
        asks_events = bool(named & loaded.protocol.events.keys())
        (over if path.endswith("over when") else on_events if asks_events else plain).append(path)
    return plain, on_events, over


def is_whole(untested, cases):
    """Whether a threshold is listed as not tested as a whole, and not only in one situation."""
    return not any((one.element, one.threshold) == (untested.element, untested.threshold) for one in cases)


def survivors(name, wanted):
    """The mutants of rules, those `wanted` of each rule, that the pack does not notice."""
    outcome = outcome_of(name)
    loaded, cases = outcome.loaded, [one.case for one in outcome.results]
    tested = {one.element for one in cases} - {
        one.element for one in outcome.untested if is_whole(one, cases)
    }
    alive, n_tried = [], 0
    for group in groups_of_rules(loaded):
        group = [path for path in group if path in tested]
        mutants = {
            path: wanted(
                list(mutants_of(loaded.writing.rules[path].condition, loaded.writing.rules[path].scope))
            )
            for path in group
        }
        for round_ in range(max((len(one) for one in mutants.values()), default=0)):
            now = {path: one[round_] for path, one in mutants.items() if len(one) > round_}
            mutated = changed(loaded, {path: condition for path, (_, condition) in now.items()})
            noticed = {
                one.case.element for one in judge_cases(mutated, cases, outcome.tables) if not one.agrees
            }
            alive += [(path, what) for path, (what, _) in now.items() if path not in noticed]
            n_tried += len(now)
    return set(alive) - SAME, n_tried


@pytest.mark.parametrize("name", TRIALS)
def test_one_change_of_every_rule_is_noticed(name):
    alive, n_tried = survivors(name, lambda mutants: mutants[:1])
    assert (alive, n_tried) == (set(), len(load_protocol(name).writing.rules))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "at_least"), [("nct04294498", 150), ("nct07120750", 200), (EVERY_KIND, 150)]
)
def test_every_change_of_every_rule_is_noticed(name, at_least):
    alive, n_tried = survivors(name, lambda mutants: mutants)
    assert alive == set()
    assert n_tried >= at_least


def test_a_difference_is_told():
    outcome = outcome_of("nct04294498")
    path = "eligibility.inclusion.active_hbv.when"
    rule = outcome.loaded.writing.rules[path].condition
    mutated = changed(outcome.loaded, {path: replace(rule, op=">=")})
    cases = [one.case for one in outcome.results]
    results = judge_cases(mutated, cases, outcome.tables)
    text = render_text(replace(outcome, results=results))
    assert "DIFF at: expected not met, found met" in text
    assert "1 not as expected" in text or "not as expected" in text.splitlines()[-1]
    assert {one.case.element for one in results if not one.agrees} == {path}


def test_cases_are_the_same_each_time():
    loaded = load_protocol("nct07120750")
    assert [one for one in make_pack(loaded) if isinstance(one, Case)] == [
        one.case for one in outcome_of("nct07120750").results
    ]
