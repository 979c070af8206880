"""The two registered trials: what their records say stands in the files, each statement with its place."""

import re
from datetime import date
from functools import cache

import pytest
from tests.protocol.traceability import (
    NOT_YET,
    NOTHING_TO_EXECUTE,
    TRIALS,
    element_at,
    function_named,
    read_statements,
)

from trialwright.analysis.run import beyond_cohorts, not_yet_executable
from trialwright.evaluation.observations import Subject
from trialwright.evaluation.patient import judge_patient
from trialwright.protocol.loading import load_protocol
from trialwright.protocol.moments import parse_reach
from trialwright.protocol.references import walk_stated
from trialwright.protocol.rule_checks import check_rule
from trialwright.protocol.rule_sentences import render_sentence
from trialwright.vocabulary.documents import dotted
from trialwright.vocabulary.durations import Duration, DurationRange
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.verdicts import Reason

load = cache(load_protocol)
DURVA, PRTRAS = TRIALS

# Every field and criterion of the two texts, counted by hand.
PLACES = {
    DURVA: [
        "title",
        *(f"summary {i}" for i in range(1, 6)),
        "condition",
        "intervention",
        "primary outcome 1",
        *(f"secondary outcome {i}" for i in range(1, 8)),
        *(f"description {i}" for i in range(1, 8)),
        "public copies",
    ],
    PRTRAS: [
        *("title", "sponsor", "status", "conditions", "treatment 1", "treatment 2", "study type", "funder", "identifiers"),
        *(f"about {i}" for i in range(1, 4)),
        *("description 1", "description 2", "description 3, imaging", "description 3, HBV DNA", "description 3, HBsAg"),
        *("description 3, PBMC", "description 3, tissue", "description 4, sample size"),
        *("description 4, primary analysis", "description 4, covariates"),
        *("enrolment", "sex", "ages", "volunteers"),
        *(f"inclusion {i}" for i in range(1, 8)),
        *(f"exclusion {i}" for i in range(1, 16)),
        *("locations", "contact"),
    ],
}  # fmt: skip


def days(text):
    return Duration.parse(text)


def test_criteria_of_prtras_are_those_of_the_record_in_its_order():
    criteria = load(PRTRAS).protocol.eligibility
    assert list(criteria.inclusion) == [
        *("age", "hbsag_positive", "hcc_proven", "stage", "liver_function", "expected_survival", "consent"),
    ]
    assert list(criteria.exclusion) == [
        *("systemic_treatment", "other_malignancy", "interferon", "other_liver_disease", "autoimmune_disease"),
        *("severe_liver_dysfunction", "renal_impairment", "severe_systemic_disease", "neuropsychiatric_disorder"),
        *("unstable_condition", "retinopathy", "substance_abuse", "pregnancy", "investigators_judgement", "other_trial"),
    ]  # fmt: skip
    for side, n in (("inclusion", 7), ("exclusion", 15)):
        sources = [one.source.partition(";")[0] for one in getattr(criteria, side).values()]
        assert sources == [f"NCT07120750, {side} {i}" for i in range(1, n + 1)]


def test_criteria_of_durva_are_what_is_public_and_the_rest_is_not_stated():
    criteria = load(DURVA).protocol.eligibility
    assert list(criteria.inclusion) == ["consent", "hcc", "stage", "chronic_hbv", "active_hbv"]
    assert criteria.exclusion == {}
    assert "further criteria" in criteria.not_stated


def test_every_criterion_has_a_rule():
    for trial in TRIALS:
        criteria = load(trial).protocol.eligibility
        assert all(one.when for one in [*criteria.inclusion.values(), *criteria.exclusion.values()])


def test_registered_numbers_of_durva():
    protocol = load(DURVA).protocol
    rules = {path: rule.text for path, rule in load(DURVA).writing.rules.items()}
    drug = protocol.treatments["durvalumab"]
    assert protocol.study.enrolment == 43
    assert (str(drug.dose), drug.route, drug.every) == ("1500 mg", "intravenous", days("4 weeks"))
    assert rules["treatments.durvalumab.until.doses.when"] == "count(durvalumab) >= 24"
    assert list(drug.until) == ["confirmed_progression", "intolerable_toxicity", "doses"]
    assert rules["events.hbv_reactivation.when"] == "value >= 100 * baseline"
    assert rules["events.hepatitis_flare.when"] == "value >= 3 * baseline and value > 100 U/L"
    assert rules["eligibility.inclusion.active_hbv.when"] == "last(hbv_dna, 28 days) > 2000 IU/mL"
    clocks = protocol.clocks
    assert clocks["imaging"].every == DurationRange(days("8 weeks"), days("12 weeks"))
    assert clocks["entecavir_start"].within == "7 days of first durvalumab"
    assert clocks["entecavir_cover"].at_least == "6 months after last durvalumab"
    assert clocks["viral_load"].at_least_every == days("31 days")
    assert clocks["viral_load"].registered_as == "at least once per month"
    registered = [one for one in protocol.endpoints.values() if one.status == "registered"]
    assert [one.role for one in registered] == ["primary"] + ["secondary"] * 7
    assert {one.time_frame for one in registered} == {days("30 months")}
    assert protocol.endpoints["adverse_events"].grading.version == "CTCAE 5.0"


def test_registered_numbers_of_prtras():
    protocol = load(PRTRAS).protocol
    rules = {path: rule.text for path, rule in load(PRTRAS).writing.rules.items()}
    design = protocol.design
    assert protocol.study.enrolment == 332
    assert (design.hazard_ratio, design.power, design.alpha) == (0.6, 0.8, 0.05)
    assert {"sides", "ratio", "reference rate", "loss", "accrual", "method"} <= set(design.not_stated)
    assert str(protocol.assays["hbv_dna_pcr"].lower_limit) == "10 IU/mL"
    scan = protocol.visits["imaging"]
    assert (scan.every, scan.tolerance) == (days("12 weeks"), days("7 days"))
    assert rules["eligibility.inclusion.age.when"] == "age >= 18 years and age <= 70 years"
    assert rules["eligibility.inclusion.liver_function.when"] == "score(child_pugh, 14 days) <= 6"
    assert rules["eligibility.exclusion.renal_impairment.when"] == "last(creatinine, 14 days) > 1.5 ULN"
    assert protocol.endpoints["recurrence"].time_frame == days("3 years")
    assert protocol.analyses["recurrence_cox"].covariates == ("groups", "age", "bclc_stage", "hbsag_quantity")
    assert (protocol.assumptions["recurrence_low"].value, protocol.assumptions["recurrence_high"].value) == (
        0.4,
        0.7,
    )
    registered = [one.method for one in protocol.analyses.values() if one.role == "registered"]
    assert registered == ["kaplan-meier", "log-rank", "cox"]


def test_the_scans_of_three_years_fit_the_reading_time():
    """Thirteen scans, the last due on day 1092 and allowed until day 1099 (twelve weeks are 84 days)."""
    protocol = load(PRTRAS).protocol
    scan = protocol.visits["imaging"]
    n = 156 * 7 // scan.every.days
    assert scan.until == "group_assignment + 156 weeks"
    assert (n, n * scan.every.days + scan.tolerance.days) == (13, 1099)
    assert str(protocol.analyses["recurrence_curve"].read_at[-1]) == "1099 days"


def test_what_the_record_of_prtras_leaves_open_is_not_filled():
    protocol = load(PRTRAS).protocol
    for drug in protocol.treatments.values():
        assert (drug.dose, drug.route, drug.every, drug.duration, drug.until) == (None, None, None, None, {})
        assert {"dose", "route", "every", "duration", "until"} <= set(drug.not_stated)
    assert all(group.size is None and "number" in group.not_stated for group in protocol.groups.values())


def test_four_time_zeros_and_two_baselines():
    anchors = load(PRTRAS).protocol.anchors
    zero = anchors[load(PRTRAS).protocol.time_zero]
    assert zero.status == "assumed"
    assert {load(PRTRAS).protocol.time_zero, *zero.alternatives} == {
        *("group_assignment", "radical_treatment", "consent", "first_dose"),
    }
    baselines = load(DURVA).protocol.baselines
    assert {name: one.take for name, one in baselines.items()} == {
        "before_durvalumab": "last on or before first durvalumab",
        "before_entecavir": "last on or before first entecavir",
    }


@pytest.mark.parametrize(
    ("trial", "section", "name", "others"),
    [
        (DURVA, "events", "confirmed_progression", {"progression_seen_again"}),
        (DURVA, "events", "hbv_hepatitis", {"hbv_hepatitis_linked", "hbv_hepatitis_after_reactivation"}),
        (DURVA, "periods", "on_treatment", {"safety", "with_entecavir"}),
        (PRTRAS, "events", "hbsag_loss", {"hbsag_loss_sustained", "functional_cure"}),
        (PRTRAS, "events", "recurrence", {"recurrence_from_lr4"}),
        (PRTRAS, "facts", "pd1_cd8", {"pd1_cd8_of_t_cells", "pd1_cd8_of_lymphocytes"}),
    ],
)
def test_registered_words_stay_beside_our_reading(trial, section, name, others):
    element = getattr(load(trial).protocol, section)[name]
    assert element.registered_as
    assert element.reading
    assert set(element.alternatives) == others


@pytest.mark.parametrize("trial", TRIALS)
def test_every_rule_is_sound_and_told_in_words(trial):
    rules = load(trial).writing.rules
    assert len(rules) > 25
    for path, rule in rules.items():
        assert check_rule(rule.condition, rule.scope) == [], path
        sentence = render_sentence(rule.condition, rule.scope)
        with_underscore = {name for name in rule.scope.facts if "_" in name}
        assert sentence, path
        assert not with_underscore & set(re.findall(r"[a-z0-9_]+", sentence)), f"{path}: {sentence}"


@pytest.mark.parametrize("trial", TRIALS)
def test_every_text_that_may_be_a_rule_was_read_as_one(trial):
    """`when` and `over when` anywhere in the file, against what was read."""
    document = load(trial).document
    written = {dotted(path) for path in document.value_places if path[-1:] in (("when",), ("over when",))}
    written -= {path for path in written if ".assumed." in path}
    assert written == set(load(trial).writing.rules)


@pytest.mark.parametrize("trial", TRIALS)
def test_every_element_says_where_it_comes_from(trial):
    loaded = load(trial)
    for path, element, _ in walk_stated(loaded.protocol):
        if path not in loaded.document.value_places:
            continue  # left at its default
        name = dotted(path)
        match element.status:
            case "registered":
                assert trial.upper() in (element.source or ""), name
            case "assumed":
                assert element.reason, name
            case "not stated":
                assert element.reason, name
                assert element.not_stated, name
            case _:
                pytest.fail(f"{name} has no status")


@pytest.mark.parametrize("trial", TRIALS)
def test_every_source_is_a_place_of_the_record(trial):
    known = {f"{trial.upper()}, {place}" for place in PLACES[trial]}
    for path, element, _ in walk_stated(load(trial).protocol):
        for source in (element.source or "").split(";"):
            if source.strip().startswith("NCT"):
                assert source.strip() in known, dotted(path)


# Traceability


@pytest.mark.parametrize("trial", TRIALS)
def test_the_table_has_every_place_of_the_record_in_its_order(trial):
    rows = read_statements(trial)
    assert list(dict.fromkeys(row.at for row in rows)) == PLACES[trial]
    assert all(row.elements for row in rows)


@pytest.mark.parametrize("trial", TRIALS)
def test_every_element_of_the_table_stands_in_the_file_with_that_place_as_source(trial):
    loaded = load(trial)
    for row in read_statements(trial):
        for path in row.elements:
            value, element = element_at(loaded, path)
            assert value is not None
            assert f"{trial.upper()}, {row.at}" in [one.strip() for one in element.source.split(";")], (
                f"{row.at}: {path}"
            )


@pytest.mark.parametrize("trial", TRIALS)
def test_every_registered_element_is_in_the_table(trial):
    """Or a part of one that is, or holds one that is."""
    listed = [path for row in read_statements(trial) for path in row.elements]
    for path, element, _ in walk_stated(load(trial).protocol):
        name = dotted(path)
        if element.status == "registered":
            assert any(f"{name}.".startswith(f"{one}.") or one.startswith(f"{name}.") for one in listed), name


@pytest.mark.parametrize("trial", TRIALS)
def test_what_executes_a_statement_exists(trial):
    for row in read_statements(trial):
        if row.executed_by not in (NOT_YET, NOTHING_TO_EXECUTE):
            assert callable(function_named(row.executed_by)), row


def rules_executed(trial, function):
    rules = load(trial).writing.rules
    for row in read_statements(trial):
        found = {path for path in rules for one in row.elements if f"{path}.".startswith(f"{one}.")}
        if row.executed_by == function:
            assert found, row
            yield from (rules[path] for path in found)


@pytest.mark.parametrize("trial", TRIALS)
def test_rules_said_to_be_executed_for_a_patient_are(trial):
    """Of a patient of whom nothing is known every criterion is open: nobody is taken in or left out by silence."""
    nobody = Subject((), PartialDate.parse("2026-03-31"))
    judged = {
        dotted(rule.path): judge_patient(rule.condition, nobody, rule.scope).verdict
        for rule in rules_executed(trial, "evaluation.patient.judge_patient")
    }
    criteria = {path: verdict for path, verdict in judged.items() if path.startswith("eligibility.")}
    assert len(criteria) >= {DURVA: 5, PRTRAS: 19}[trial]
    assert {verdict.reason for verdict in criteria.values()} == {Reason.MISSING, Reason.NEEDS_A_PERSON}
    assert not any(verdict.is_met for verdict in judged.values())


@pytest.mark.parametrize("trial", TRIALS)
def test_rules_said_to_be_executed_by_row_are_of_rows(trial):
    rules = list(rules_executed(trial, "evaluation.patient.judge_rows"))
    assert rules
    assert all(rule.scope.rows_of for rule in rules)


# The whole


@pytest.mark.parametrize("trial", TRIALS)
def test_all_of_it_is_run(trial):
    assert not_yet_executable(load(trial).protocol) == {}


def test_of_a_table_of_one_row_a_subject_only_what_it_reports_is_analysed():
    reasons = beyond_cohorts(load(PRTRAS).protocol)
    assert reasons["recurrence_landmark"] == "`from` needs the records of a trial"
    assert reasons["recurrence_cox"] == "the groups of the protocol are derived from records"
    cohort = load("hcc-resection").protocol
    assert beyond_cohorts(cohort) == {} == not_yet_executable(cohort)


def test_versions_are_dated():
    assert {load(trial).protocol.version.date for trial in TRIALS} == {date(2026, 11, 21)}


def test_reaches_of_clocks_are_windows():
    """`7 days of first durvalumab` is a week on either side."""
    window = parse_reach(load(DURVA).protocol.clocks["entecavir_start"].within)
    assert (window.side, window.length, window.moment.name) == ("around", days("7 days"), "durvalumab")
