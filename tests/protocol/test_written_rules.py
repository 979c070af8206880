"""Rules and dates are read when a protocol is loaded; a fault is placed at its word inside the YAML."""

import pytest

from trialwright.protocol.loading import load_protocol, parse_protocol
from trialwright.protocol.rule_sentences import render_sentence
from trialwright.protocol.written_rules import read_writing
from trialwright.vocabulary.problems import ProblemsFound

PROTOCOL = """\
format: trialwright/1
study: { id: T, title: A trial, type: interventional, allocation: single arm }
facts:
  dna: { label: HBV DNA, kind: number, concept: hbv_dna }
  scan: { label: scan, kind: procedure }
  fit: { label: fit, kind: attestation, by: investigator }
treatments:
  drug:
    every: 4 weeks
    until: { doses: { text: 24 doses, when: count(drug) >= 24 } }
groups:
  a: { label: A, assigned at: consent, when: had(drug) }
anchors:
  consent: { text: consent }
  start: { text: start, at: first drug }
time zero: start
baselines: { before: { take: last on or before first drug } }
baseline: before
periods: { on: { span: first drug to last drug + 28 days } }
populations: { treated: { label: Treated, at: start, when: had(drug) } }
eligibility:
  at: consent
  inclusion:
    high: { text: High, when: "last(dna, 28 days) > 2000 IU/mL" }
    adult: { text: Adult, at: start, when: age >= 18 years }
visits:
  screen: { label: Screening, within: 28 days before start }
  follow: { label: Follow-up, every: 4 weeks, from: start, until: last drug }
clocks: { near: { start of: drug, within: 7 days of consent, during: on } }
events:
  rise: { of: dna, when: value >= 100 * baseline, over when: value < 2 * baseline }
  seen: { of: rise, when: "had(scan, 7 days)" }
  death: { text: Death, reported: true }
endpoints:
  time:
    label: Time
    kind: time to event
    role: primary
    time to: rise
    from: start
    censored at: last scan
    censoring: { death: { text: Death, event: death, at: last scan on or before first death } }
    unit: days
    estimand: { population: treated, intercurrent events: { death: hypothetical } }
analyses:
  curve: { method: kaplan-meier, title: C, population: treated, endpoint: time, from: consent, entry: start, ticks every: 28 days }
deviations:
  early: { text: Early, severity: minor, of: drug, when: "count(drug, 24 days) > 1" }
"""


def edit(old, new):
    assert PROTOCOL.count(old) == 1, old
    return PROTOCOL.replace(old, new)


def test_every_rule_and_date_is_found():
    writing = read_writing(*parse_protocol(PROTOCOL))
    assert writing.problems == ()
    assert set(writing.rules) == {
        *("treatments.drug.until.doses.when", "groups.a.when", "populations.treated.when"),
        *("eligibility.inclusion.high.when", "eligibility.inclusion.adult.when"),
        *("events.rise.when", "events.rise.over when", "events.seen.when", "deviations.early.when"),
    }
    assert set(writing.dates) == {
        *(
            "time zero",
            "groups.a.assigned at",
            "anchors.start.at",
            "baselines.before.take",
            "periods.on.span",
        ),
        *(
            "populations.treated.at",
            "eligibility.at",
            "eligibility.inclusion.adult.at",
            "visits.screen.within",
        ),
        *("visits.follow.from", "visits.follow.until", "clocks.near.within", "endpoints.time.from"),
        *("endpoints.time.censored at", "endpoints.time.censoring.death.at", "analyses.curve.from"),
        "analyses.curve.entry",
    }


def test_a_rule_is_told_from_where_it_is_judged():
    rules = read_writing(*parse_protocol(PROTOCOL)).rules
    told = {path: render_sentence(rule.condition, rule.scope) for path, rule in rules.items()}
    assert told["eligibility.inclusion.high.when"].startswith(
        "the last HBV DNA within 28 days before consent"
    )
    assert told["eligibility.inclusion.adult.when"] == "age at start is at least 18 years"
    assert told["deviations.early.when"].startswith(
        "the number of records of drug within 24 days before the drug"
    )


@pytest.mark.parametrize(
    ("old", "new", "word", "code"),
    [
        pytest.param('"last(dna, 28 days) > 2000 IU/mL"', '"last(dnaa, 28 days) > 2000 IU/mL"', "dnaa", "unknown-fact", id="in quotes"),
        pytest.param('"last(dna, 28 days) > 2000 IU/mL"', "'last(dna, 28 dais) > 2000 IU/mL'", "dais", "rule-syntax", id="in single quotes"),
        pytest.param('"last(dna, 28 days) > 2000 IU/mL"', '"last(dna, 28 days) > 2000 kg"', "kg", "unit-mismatch", id="unit"),
        pytest.param("when: age >= 18 years", "when: age >= 18 kg", "18", "not-comparable", id="plain"),
        pytest.param("when: count(drug) >= 24", "when: value >= 24", "value", "wrong-context", id="stopping rule"),
        pytest.param("assigned at: consent, when: had(drug)", "assigned at: consent, when: had(dug)", "dug", "unknown-fact", id="group"),
        pytest.param("at: start, when: had(drug)", "at: start, when: had(dna)", "dna", "wrong-kind", id="population"),
        pytest.param("over when: value < 2 * baseline", "over when: value < 2 * base", "base", "unknown-fact", id="over when"),
        pytest.param('"had(scan, 7 days)"', '"had(scan, during off)"', "off", "unknown-period", id="period"),
        pytest.param('"count(drug, 24 days) > 1"', '"count(dug, 24 days) > 1"', "dug", "unknown-fact", id="deviation"),
        pytest.param("time zero: start", "time zero: strat", "strat", "unresolved-name", id="time zero"),
        pytest.param("time zero: start", "time zero: anchor", "anchor", "wrong-context", id="no rule, no anchor"),
        pytest.param("time zero: start", "time zero: drug", "drug", "wrong-kind", id="which of several"),
        pytest.param("at: first drug }", "at: first dug }", "dug", "unresolved-name", id="anchor"),
        pytest.param("take: last on or before first drug", "take: last on or before first dug", "dug", "unresolved-name", id="baseline"),
        pytest.param("to last drug + 28 days", "to last dug + 28 days", "dug", "unresolved-name", id="end of a period"),
        pytest.param("span: first drug to", "span: first drug until", "until", "rule-syntax", id="span"),
        pytest.param("within: 28 days before start", "within: 28 days before strat", "strat", "unresolved-name", id="visit"),
        pytest.param("until: last drug }", "until: last drag }", "drag", "unresolved-name", id="end of visits"),
        pytest.param("within: 7 days of consent", "within: 7 days of consnt", "consnt", "unresolved-name", id="clock"),
        pytest.param("censored at: last scan", "censored at: last scam", "scam", "unresolved-name", id="censoring"),
        pytest.param("on or before first death }", "on or before first dearth }", "dearth", "unresolved-name", id="censoring by an event"),
        pytest.param("entry: start", "entry: strat", "strat", "unresolved-name", id="analysis"),
    ],
)  # fmt: skip
def test_a_fault_is_placed_at_its_word(old, new, word, code):
    text = edit(old, new)
    with pytest.raises(ProblemsFound) as found:
        parse_protocol(text, "p.yaml")
    (problem,) = found.value.problems
    before = text[: text.index(new) + new.rindex(word)]
    assert problem.code == code
    assert (problem.place.line, problem.place.column) == (
        before.count("\n") + 1,
        len(before) - before.rfind("\n"),
    )


def test_a_fault_is_placed_in_a_folded_rule():
    text = edit(
        '    high: { text: High, when: "last(dna, 28 days) > 2000 IU/mL" }\n',
        "    high:\n      text: High\n      when: >-\n        last(dna, 28 days) > 2000 IU/mL\n"
        "        and last(dna, 28 days) < 5000 cm\n",
    )
    with pytest.raises(ProblemsFound) as found:
        parse_protocol(text, "p.yaml")
    (problem,) = found.value.problems
    assert (problem.place.line, problem.place.column) == (28, 39)


def test_all_faults_come_at_once_in_reading_order():
    text = edit("time zero: start", "time zero: strat").replace("had(scan, 7 days)", "had(scam, 7 days)")
    text = text.replace("population: treated, endpoint", "population: treted, endpoint")
    with pytest.raises(ProblemsFound) as found:
        parse_protocol(text)
    assert [one.code for one in found.value.problems] == [
        "unresolved-name",
        "unknown-fact",
        "unresolved-name",
    ]


def test_a_faulty_fact_is_told_alone():
    """Rules that name it have no fault of their own."""
    with pytest.raises(ProblemsFound) as found:
        parse_protocol(edit("kind: number, concept: hbv_dna }", "kind: number, unit: ells }"))
    assert [one.code for one in found.value.problems] == ["unknown-unit"]


def test_a_warning_does_not_stop_loading():
    parse_protocol(edit('"last(dna, 28 days) > 2000 IU/mL"', '"last(dna) > 2000 IU/mL"'))


def test_a_concept_needs_no_fact():
    text = edit('"last(dna, 28 days) > 2000 IU/mL"', '"last(alt, 28 days) > 2 ULN"')
    assert "eligibility.inclusion.high.when" in read_writing(*parse_protocol(text)).rules
    with pytest.raises(ProblemsFound, match="unknown-fact"):
        parse_protocol(edit('"last(dna, 28 days) > 2000', '"last(hbv_dna, 28 days) > 2000'))


def test_a_loaded_protocol_has_its_writing():
    assert (
        load_protocol("nct04294498").writing.rules["events.hbv_reactivation.when"].scope.rows_of == "hbv_dna"
    )


def test_very_many_faults_are_told_in_time(cpu_seconds):
    many = "".join(
        f'    c{i}: {{ text: T, when: "had(nothing_{i}) or had(scan, 5 dais)" }}\n' for i in range(1500)
    )
    with cpu_seconds(5), pytest.raises(ProblemsFound) as found:
        parse_protocol(edit("  inclusion:\n", f"  inclusion:\n{many}"))
    assert len(found.value.problems) == 1500


def test_very_many_rules_are_read_in_time(cpu_seconds):
    rule = "(last(dna, 28 days) > 2000 IU/mL and had(scan, 12 weeks)) or (age >= 18 years and attested(fit))"
    many = "".join(f'    c{i}: {{ text: T, when: "{rule}" }}\n' for i in range(300))
    with cpu_seconds(3):
        parse_protocol(edit("  inclusion:\n", f"  inclusion:\n{many}"))
