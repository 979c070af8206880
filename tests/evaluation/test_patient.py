"""The reader of one patient: it agrees with the reference interpreter, and tells what it judged by."""

from collections import Counter
from dataclasses import replace
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.evaluation import reference
from tests.strategies.patients import names_in, numbers_from, patient, patients, some_patients
from tests.strategies.rules import ROWS, rules
from tests.strategies.trial_rules import ALL_RULES, FACTS, PERIODS, scope_of

from trialwright.evaluation import patient as patient_reader
from trialwright.evaluation import readings
from trialwright.evaluation.asking import AskList
from trialwright.evaluation.observations import ANY_DAY, Observation, Subject
from trialwright.evaluation.patient import judge_patient, judge_rows, judge_rules
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Scope, make_fact
from trialwright.protocol.rules import parse_rule, render_rule
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import LeapBirthday, PartialDate
from trialwright.vocabulary.verdicts import Reason, Verdict

# ---- agreement with the reference


def made_up_score(make_reading):
    """A score of 1 to 3 points for each part, so that parts that are missing, censored or in conflict leave a range."""

    def points(reading):
        if isinstance(reading.value, Interval):
            number = reading.value
            return Interval(1, 1) if number.hi < 20 else Interval(2, 2) if number.lo >= 20 else Interval(1, 2)
        return Interval.exactly(1 + len(reading.value) % 3) if reading.value else Interval(1, 3)

    def score(parts):
        total, reasons = Interval.exactly(0), []
        for several, cause in parts.values():
            of_part = Interval.hull_of(points(one) for one in several)
            if not of_part.is_exact:
                reasons += [cause, *(one.reason for one in several if one.reason)]
            total = total.plus(of_part)
        return make_reading(total, max(reasons, key=lambda reason: reason.code, default=None))

    return score


SCORES = dict.fromkeys(("child_pugh", "albi"), made_up_score(readings.Reading))
REFERENCE_SCORES = dict.fromkeys(("child_pugh", "albi"), made_up_score(reference.Reading))


def as_record(one):
    return reference.Record(
        one.id, one.fact, one.date, one.value, one.unit, one.lln, one.uln, one.assay, one.by
    )


def as_case(subject, records, row=None, leap_birthday=LeapBirthday.MARCH_1):
    return reference.Case(
        FACTS,
        records,
        subject.anchor,
        row=row,
        baseline_at=subject.baseline_at,
        birth=subject.birth,
        leap_birthday=leap_birthday,
        periods=subject.periods,
        scores=REFERENCE_SCORES,
        cut=subject.cut,
    )


def both_verdicts(rule, subject, rows_of, row, leap_birthday=LeapBirthday.MARCH_1):
    case = as_case(
        subject, [as_record(one) for one in subject.observations], row and as_record(row), leap_birthday
    )
    judged = judge_patient(
        rule, subject, scope_of(rows_of), row=row, scores=SCORES, leap_birthday=leap_birthday
    )
    return judged.verdict, reference.judge(rule, case)


def rows_to_judge(subject, rows_of):
    return [None] if rows_of is None else subject.by_fact.get(rows_of, ())[:2]


@settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@pytest.mark.parametrize("rows_of", ROWS)
@given(st.data())
def test_verdict_and_reason_are_those_of_the_reference(rows_of, data):
    rule = data.draw(rules(rows_of))
    leap_birthday = data.draw(st.sampled_from(LeapBirthday))
    subject = data.draw(patients(rule, rows_of))
    for row in rows_to_judge(subject, rows_of):
        ours, theirs = both_verdicts(rule, subject, rows_of, row, leap_birthday)
        assert ours == theirs


# Many cases for each rule: the patients of one rule share their observations, and the reference remembers what it read
# of each and what it said of a row. Nothing is shrunk; a rule that fails here is for the test above.

SEED = 20261121
ONCE_THROUGH = settings(
    deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


def remembering(function, key):
    kept = {}

    def remembered(*arguments):
        asked = key(*arguments)
        if asked not in kept:
            kept[asked] = function(*arguments)
        return kept[asked]

    remembered.forget = kept.clear
    return remembered


@pytest.fixture
def quickly(monkeypatch):
    """The reference remembers, and nobody works out what to ask next."""
    read = remembering(reference.read, lambda record, fact: (id(record), fact.name))
    judge = remembering(reference.judge, lambda rule, case: (id(rule), id(case.row)))
    monkeypatch.setattr(reference, "read", read)
    monkeypatch.setattr(reference, "judge", judge)
    monkeypatch.setattr(reference, "moved", lru_cache(reference.moved))
    factor = remembering(reference.exact_factor, lambda unit, fact: (unit, fact and fact.name))
    monkeypatch.setattr(reference, "exact_factor", factor)
    monkeypatch.setattr(patient_reader, "ask_lists", lambda *_: (AskList(), AskList()))
    return read, judge


def check_cases(rule, rows_of, random, n_cases, quickly):
    """At least so many verdicts on one rule, the reason included."""
    read, judge = quickly
    read.forget()
    records, n_judged, scope = {}, 0, scope_of(rows_of)
    for subject in some_patients(random, rule, rows_of):
        judge.forget()
        for one in subject.observations:
            records.setdefault(one.id, as_record(one))
        case = as_case(subject, [records[one.id] for one in subject.observations])
        if rows_of is None:
            judged = [(None, judge_patient(rule, subject, scope, scores=SCORES))]
        else:
            judged = judge_rows(rule, subject, scope, scores=SCORES)
        for row, judgement in judged:
            expected = reference.judge(rule, replace(case, row=row and records[row.id]))
            assert judgement.verdict == expected, (render_rule(rule), subject, row)
        n_judged += len(judged)
        if n_judged >= n_cases:
            return


@pytest.mark.parametrize(("rows_of", "n_rules"), [(None, 1400), *((name, 100) for name in ROWS[1:])])
def test_two_thousand_rules_agree_on_two_hundred_cases_each(rows_of, n_rules, quickly):
    """Mostly single conditions: they are where readers differ, and-or-not of many is tried above."""

    @seed(SEED)
    @settings(ONCE_THROUGH, max_examples=n_rules)
    @given(rules(rows_of, max_leaves=1), st.integers(0, 2**32))
    def check(rule, number):
        check_cases(rule, rows_of, numbers_from(number), 200, quickly)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("rows_of", ROWS)
def test_a_hundred_thousand_rules_agree(rows_of, quickly):
    @seed(SEED)
    @settings(ONCE_THROUGH, max_examples=-(-100_000 // len(ROWS)))
    @given(rules(rows_of), st.integers(0, 2**32))
    def check(rule, number):
        check_cases(rule, rows_of, numbers_from(number), 20, quickly)

    check()


def test_the_rules_of_both_trials_agree_for_every_reason():
    """The patients must reach everything that can leave a rule unknown, or the agreement above says little."""
    random, found = numbers_from(20261121), Counter()
    for trial_rule in ALL_RULES:
        rule = parse_rule(trial_rule.text)
        for _ in range(40):
            subject = patient(random, rule, trial_rule.rows_of)
            for row in rows_to_judge(subject, trial_rule.rows_of):
                ours, theirs = both_verdicts(rule, subject, trial_rule.rows_of, row)
                assert ours == theirs, (trial_rule.text, subject, row)
                found[ours] += 1
    reasons = {Verdict.unknown(reason) for reason in Reason} - {Verdict.unknown(Reason.NOT_APPLICABLE)}
    assert {Verdict.MET, Verdict.NOT_MET, *reasons} <= set(found)


# ---- what the verdict was judged by


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@pytest.mark.parametrize("rows_of", ROWS)
@given(st.data())
def test_records_that_are_not_told_do_not_matter(rows_of, data):
    """Judged by the records in its evidence alone, a rule has the same verdict for the same reason."""
    rule = data.draw(rules(rows_of))
    subject = data.draw(patients(rule, rows_of))
    for row in rows_to_judge(subject, rows_of):
        judgement = judge_patient(rule, subject, scope_of(rows_of), row=row, scores=SCORES)
        told = [one.observation for leaf in judgement.evidence.leaves() for one in leaf.found]
        only = replace(subject, observations=[one for one in subject.observations if one in [*told, row]])
        again = judge_patient(rule, only, scope_of(rows_of), row=row, scores=SCORES)
        assert again.verdict == judgement.verdict
        assert all(leaf.open for leaf in judgement.evidence.leaves() if not leaf.verdict.is_known)


ANCHOR = PartialDate.parse("2024-03-31")
FIT = make_fact("fit", kind="attestation", by="investigator", valid_for=Duration.parse("28 days"))
SCOPE = Scope({**FACTS, "fit": FIT}, PERIODS)


def number(text):
    """`12`, `<10`, `>=1.7E8` as what they may be."""
    digits = text.lstrip("<>=")
    return Interval.reported(float(digits), text.removesuffix(digits), floor=0)


def result(name, when, value=None, unit="", **details):
    """An observation with its name as id, in the unit of its fact unless another is named."""
    fact = SCOPE.facts[name]
    unit = str(fact.unit) if unit == "" and fact.unit else unit or None
    content = number(value) if fact.kind.value == "number" and value is not None else value
    day = ANY_DAY if when is None else PartialDate.parse(when)
    return Observation(f"{name} {when}", name, day, content, unit, **details)


def judged(rule, *observations, row=None, scores=None, **details):
    subject = Subject(observations, **{"anchor": ANCHOR, **details})
    return judge_patient(parse_rule(rule), subject, SCOPE, row=row, scores=scores or {})


def found(judgement):
    return [
        (one.about, one.observation and one.observation.id, str(one.held)) for one in judgement.evidence.found
    ]


DNA = "last(hbv_dna, 28 days) > 2000 IU/mL"


@pytest.mark.parametrize(
    ("observations", "verdict", "used"),
    [
        pytest.param([("2024-03-03", "2001")], "met", [("2024-03-03", "met")], id="28 days before"),
        pytest.param(
            [("2024-03-02", "2001")],
            "unknown (stale)",
            [("2024-03-02", "not met")],
            id="29 days before is stale, and shown",
        ),
        pytest.param(
            [("2024-01-02", "1"), ("2024-02-02", "2"), ("2024-04-02", "3")],
            "unknown (stale)",
            [("2024-02-02", "not met")],
            id="of several stale ones the latest is shown, none after the anchor",
        ),
        pytest.param(
            [("2024-03-10", "3000"), ("2024-03-20", "<20")],
            "not met",
            [("2024-03-20", "met")],
            id="<20 decides 2000",
        ),
        pytest.param([("2024-03-20", "<10")], "not met", [("2024-03-20", "met")], id="<10 decides 2000"),
        pytest.param(
            [("2024-03-20", "1500"), ("2024-03-20T09:00", "2500")],
            "unknown (conflict)",
            [("2024-03-20", "met"), ("2024-03-20T09:00", "met")],
            id="one day, both sides of the threshold",
        ),
        pytest.param(
            [("2024-03-20", "2500"), ("2024-03-20T09:00", "9000")],
            "met",
            [("2024-03-20", "met"), ("2024-03-20T09:00", "met")],
            id="one day, one side",
        ),
        pytest.param(
            [("2024-03", "1500"), ("2024-03-10", "9000")],
            "unknown (imprecise date)",
            [("2024-03", "unknown (imprecise date)"), ("2024-03-10", "met")],
            id="which is the latest is not known",
        ),
        pytest.param([], "unknown (missing)", [], id="nothing"),
    ],
)
def test_evidence_of_the_latest_result(observations, verdict, used):
    judgement = judged(DNA, *(result("hbv_dna", *one) for one in observations))
    assert str(judgement.verdict) == verdict
    assert found(judgement) == [("hbv_dna", f"hbv_dna {when}", held) for when, held in used]


OPERATORS = ("<", "<=", "=", ">=", ">")
YES, NO, OPEN = "met", "not met", "unknown (censored across the threshold)"


@pytest.mark.parametrize(
    ("value", "verdicts"),
    [
        pytest.param("19.999", [YES, YES, NO, NO, NO], id="just below"),
        pytest.param("20", [NO, YES, YES, YES, NO], id="at"),
        pytest.param("20.001", [NO, NO, NO, YES, YES], id="just above"),
        pytest.param("<20", [YES, YES, NO, NO, NO], id="open end from below"),
        pytest.param("<=20", [OPEN, YES, OPEN, OPEN, NO], id="closed end from below"),
        pytest.param(">=20", [NO, OPEN, OPEN, YES, OPEN], id="closed end from above"),
        pytest.param(">20", [NO, NO, NO, YES, YES], id="open end from above"),
        pytest.param("<20.001", [OPEN, OPEN, OPEN, OPEN, OPEN], id="open end just above"),
        pytest.param(">19.999", [OPEN, OPEN, OPEN, OPEN, OPEN], id="open end just below"),
        pytest.param("<19.999", [YES, YES, NO, NO, NO], id="all below"),
        pytest.param(">20.001", [NO, NO, NO, YES, YES], id="all above"),
    ],
)
def test_boundaries_of_a_threshold(value, verdicts):
    dna = result("hbv_dna", "2024-03-20", value)
    found = [judged(f"last(hbv_dna, 28 days) {op} 20 IU/mL", dna).verdict for op in OPERATORS]
    assert [str(verdict) for verdict in found] == verdicts


@pytest.mark.parametrize(
    ("rule", "at"),
    [
        pytest.param("last(alt, 28 days) {} 3 ULN", 60.3, id="three times a limit of 20.1"),
        pytest.param("last(alt, 28 days) {} 3 * baseline(alt)", 60.3, id="three times a baseline of 20.1"),
        pytest.param("ratio(last(alt, 28 days)) {} 3", 60.3, id="as a ratio"),
        pytest.param("change(last(alt, 28 days)) {} 40.2 U/L", 60.3, id="as a change"),
        pytest.param("change(last(alt, 28 days)) {} 200 %", 60.3, id="as a change in percent"),
        pytest.param("last(alt, 28 days) {} 1.005 ukat/L", 60.3, id="in another unit: 60 U/L is 1 ukat/L"),
    ],
)
@pytest.mark.parametrize(
    ("factor", "verdicts"),
    [
        pytest.param(1 - 1e-6, [YES, YES, NO, NO, NO], id="just below"),
        pytest.param(1, [NO, YES, YES, YES, NO], id="at, though 3 * 20.1 is 60.300000000000004"),
        pytest.param(1 + 1e-6, [NO, NO, NO, YES, YES], id="just above"),
    ],
)
def test_boundaries_of_a_product(rule, at, factor, verdicts):
    baseline = result("alt", "2024-01-10", "20.1")
    alt = result("alt", "2024-03-20", str(at * factor), uln=20.1)
    moment = PartialDate.parse("2024-01-10")
    found = [judged(rule.format(op), baseline, alt, baseline_at=moment).verdict for op in OPERATORS]
    assert [str(verdict) for verdict in found] == verdicts


@pytest.mark.parametrize(
    ("bound", "other"),
    [
        pytest.param("max(alt, 90 days)", "1", id="the highest of several"),
        pytest.param("nadir(alt)", "70", id="the lowest, of two results at baseline"),
    ],
)
def test_what_was_converted_is_a_product_among_several(bound, other):
    """0.97 ukat/L is 58.2 U/L, though 0.97 * 60 is 58.199999999999996."""
    baseline = [
        result("alt", "2024-03-10", "0.97", unit="ukat/L"),
        result("alt", "2024-03-10T09:00", other),
    ]
    ast = result("ast", "2024-03-20", "58.2")
    moment = PartialDate.parse("2024-03-10T10:00")
    judgement = judged(f"last(ast, 28 days) <= {bound}", ast, *baseline, baseline_at=moment)
    assert str(judgement.verdict) == "met"


@pytest.mark.parametrize(
    ("later", "ast", "verdict"),
    [
        pytest.param(None, "7", "unknown (conflict)", id="5 or 10"),
        pytest.param("<5", "3", "unknown (censored across the threshold)", id="below 5 is below both"),
        pytest.param("<=5", "3", "unknown (conflict)", id="5 may be either"),
        pytest.param("<=3", "2", "unknown (censored across the threshold)", id="3 is below both"),
        pytest.param("8", "7", "unknown (conflict)", id="8 is the lowest of 8 and 10"),
        pytest.param("4", "4", "met", id="4 is below both"),
    ],
)
def test_only_what_may_be_the_lowest_is_to_blame(later, ast, verdict):
    """Two results at baseline, 5 and 10 U/L, and the lowest of them and a later one."""
    alt = [result("alt", day, value) for day, value in (("2024-03-10", "5"), ("2024-03-10T09:00", "10"))]
    if later:
        alt.append(result("alt", "2024-03-15", later))
    moment = PartialDate.parse("2024-03-10T10:00")
    judgement = judged(
        "last(ast, 28 days) >= nadir(alt)", result("ast", "2024-03-20", ast), *alt, baseline_at=moment
    )
    assert str(judgement.verdict) == verdict


def test_a_result_below_a_product_stays_below_it():
    """The tolerance never closes an open end: <60.3 is not 3 * 20.1."""
    alt = result("alt", "2024-03-20", "<60.3", uln=20.1)
    assert str(judged("last(alt, 28 days) >= 3 ULN", alt).verdict) == "not met"
    assert str(judged("last(alt, 28 days) < 3 ULN", alt).verdict) == "met"


@pytest.mark.parametrize(
    ("window", "within", "beyond"),
    [
        pytest.param("28 days", "2024-03-03", "2024-03-02", id="28 days back, 29 days back"),
        pytest.param("4 weeks", "2024-03-03", "2024-03-02", id="weeks are days"),
        pytest.param("0 days", "2024-03-31", "2024-03-30", id="the day itself"),
        pytest.param("1 month", "2024-02-29", "2024-02-28", id="a month back from the 31st"),
        pytest.param("1 year", "2023-03-31", "2023-03-30", id="a year"),
        pytest.param("672 hours", "2024-03-03T12:00", "2024-03-03T11:59", id="28 days by the hour"),
    ],
)
def test_far_ends_of_windows(window, within, beyond):
    at = PartialDate.parse("2024-03-31T12:00" if "hours" in window else "2024-03-31")
    rule = f"last(hbv_dna, {window}) > 2000 IU/mL"
    assert str(judged(rule, result("hbv_dna", within, "3000"), anchor=at).verdict) == "met"
    assert str(judged(rule, result("hbv_dna", beyond, "3000"), anchor=at).verdict) == "unknown (stale)"


@pytest.mark.parametrize(
    ("window", "within", "beyond"),
    [
        pytest.param(
            "28 days after anchor", "2024-04-28T23:59", "2024-04-29T00:00", id="to the end of a day"
        ),
        pytest.param("24 hours after anchor", "2024-04-01T12:00", "2024-04-01T12:01", id="to the minute"),
        pytest.param("1 month after anchor", "2024-04-30", "2024-05-01", id="to the end of a shorter month"),
        pytest.param("within 2 days of anchor", "2024-04-02T23:59", "2024-04-03T00:00", id="on this side"),
        pytest.param("within 2 days of anchor", "2024-03-29T00:00", "2024-03-28T23:59", id="on that side"),
        pytest.param("within 2 hours of anchor", "2024-03-31T10:00", "2024-03-31T09:59", id="hours before"),
        pytest.param("within 2 hours of anchor", "2024-03-31T14:00", "2024-03-31T14:01", id="hours after"),
        pytest.param("1 day after anchor + 36 hours", "2024-04-03", "2024-04-04", id="from another moment"),
        pytest.param(
            "1 day after anchor - 36 hours", "2024-03-30", "2024-04-01", id="from an earlier moment"
        ),
        pytest.param("since first entecavir", "2024-03-20", "2024-03-19", id="since a moment"),
        pytest.param(
            "during on_treatment", "2024-03-25T23:59", "2024-03-26T00:00", id="to the end of a period"
        ),
        pytest.param("during on_treatment", "2024-02-01T00:00", "2024-01-31T23:59", id="from its beginning"),
    ],
)
def test_ends_of_windows_that_do_not_count_back(window, within, beyond):
    at = PartialDate.parse("2024-03-31T12:00")
    others = {
        "anchor": at,
        "periods": {"on_treatment": (PartialDate.parse("2024-02-01"), PartialDate.parse("2024-03-25"))},
    }
    rule = f"count(alt, {window}) >= 1 and had(entecavir)"
    first = result("entecavir", "2024-03-20")
    assert str(judged(rule, first, result("alt", within, "9"), **others).verdict) == "met"
    assert str(judged(rule, first, result("alt", beyond, "9"), **others).verdict) == "unknown (missing)"


@pytest.mark.parametrize(
    ("value", "threshold", "verdict"),
    [
        ("<10", "< 10 IU/mL", "met"),
        ("<10", ">= 10 IU/mL", "not met"),
        ("<10", "> 9 IU/mL", "unknown (censored across the threshold)"),
        ("<10", "> 2000 IU/mL", "not met"),
    ],
)
def test_a_result_below_10_beside_10_and_2000(value, threshold, verdict):
    judgement = judged(f"last(hbv_dna, 28 days) {threshold}", result("hbv_dna", "2024-03-20", value))
    assert str(judgement.verdict) == verdict


@pytest.mark.parametrize(
    ("assay", "value", "verdict"),
    [
        (None, "11641", "unknown (unit unknown)"),
        ("roche_cobas_taqman", "11640", "not met"),
        ("roche_cobas_taqman", "11641", "met"),
    ],
    ids=["no assay, no factor", "2000 IU/mL exactly", "a little more"],
)
def test_copies_need_the_assay(assay, value, verdict):
    judgement = judged(DNA, result("hbv_dna", "2024-03-20", value, "copies/mL", assay=assay))
    assert str(judgement.verdict) == verdict


@pytest.mark.parametrize(
    ("when", "verdict"),
    [
        ("2024-03-30T09:30", "met"),
        ("2024-03-30T09:29", "unknown (stale)"),
        ("2024-03-31T09:30", "met"),
        ("2024-03-31T09:31", "unknown (missing)"),
        ("2024-03-30", "unknown (imprecise date)"),
    ],
)
def test_windows_by_the_hour(when, verdict):
    at = PartialDate.parse("2024-03-31T09:30")
    judgement = judged("last(hbv_dna, 24 hours) > 2000 IU/mL", result("hbv_dna", when, "3000"), anchor=at)
    assert str(judgement.verdict) == verdict


@pytest.mark.parametrize(
    ("window", "when", "verdict"),
    [
        ("24 hours", "2024-03-31T00:00", "met"),
        ("24 hours", "2024-03-30T23:59", "met"),
        ("24 hours", "2024-03-30T12:00", "unknown (imprecise date)"),
        ("24 hours", "2024-03-30T00:00", "unknown (imprecise date)"),
        ("24 hours", "2024-03-29T23:59", "unknown (missing)"),
        ("24 hours after anchor", "2024-03-31T23:59", "met"),
        ("24 hours after anchor", "2024-04-01T00:00", "met"),
        ("24 hours after anchor", "2024-04-01T12:00", "unknown (imprecise date)"),
        ("24 hours after anchor", "2024-04-01T23:59", "unknown (imprecise date)"),
        ("24 hours after anchor", "2024-04-02T00:00", "unknown (missing)"),
    ],
)
def test_hours_from_a_day_without_its_time(window, when, verdict):
    """They are counted from any minute of the day."""
    dose = result("durvalumab", when)
    assert str(judged(f"had(durvalumab, {window})", dose).verdict) == verdict


@pytest.mark.parametrize(
    ("birth", "anchor", "leap_birthday", "verdict"),
    [
        ("2004-03-31", "2022-03-30", LeapBirthday.MARCH_1, "not met"),
        ("2004-03-31", "2022-03-31", LeapBirthday.MARCH_1, "met"),
        ("2004-02-29", "2022-02-28", LeapBirthday.MARCH_1, "not met"),
        ("2004-02-29", "2022-02-28", LeapBirthday.FEBRUARY_28, "met"),
        ("2004-02-29", "2022-03-01", LeapBirthday.MARCH_1, "met"),
        ("2004", "2022-03-01", LeapBirthday.MARCH_1, "unknown (imprecise date)"),
        (None, "2022-03-01", LeapBirthday.MARCH_1, "unknown (missing)"),
        ("2023-01-01", "2022-03-01", LeapBirthday.MARCH_1, "unknown (conflict)"),
    ],
)
def test_ages_on_birthdays(birth, anchor, leap_birthday, verdict):
    subject = Subject((), PartialDate.parse(anchor), birth=PartialDate.parse(birth) if birth else None)
    rule = parse_rule("age >= 18 years")
    assert str(judge_patient(rule, subject, SCOPE, leap_birthday=leap_birthday).verdict) == verdict


@pytest.mark.parametrize(
    ("when", "by", "verdict"),
    [
        ("2024-03-03", "investigator", "met"),
        ("2024-03-02", "investigator", "unknown (needs a person)"),
        ("2024-03-20", "study nurse", "unknown (needs a person)"),
    ],
    ids=["28 days ago", "expired", "not that person's to say"],
)
def test_attestations(when, by, verdict):
    assert str(judged("attested(fit)", result("fit", when, "yes", by=by)).verdict) == verdict


def child_pugh(parts):
    """Points as liver-function tables have them, in umol/L, g/L and INR: under, up to and over two limits."""
    limits = {"bilirubin": (34, 51), "albumin": (28, 35), "inr": (1.7, 2.3)}
    levels = {"none": 1, "slight": 2, "1-2": 2, "moderate": 3, "3-4": 3}

    def points_of(part, value):
        if part in limits and isinstance(value, Interval):
            low, high = limits[part]
            least, most = ((end >= low) + (end > high) + 1 for end in (value.lo, value.hi))
            return Interval(4 - most, 4 - least) if part == "albumin" else Interval(least, most)
        return Interval.exactly(levels[value]) if isinstance(value, str) else Interval(1, 3)

    points = {
        part: Interval.hull_of(points_of(part, one.value) for one in several)
        for part, (several, _) in parts.items()
    }
    reasons = [
        one.reason
        for part, (several, _) in parts.items()
        for one in several
        if not points[part].is_exact and one.reason
    ]
    told = max(reasons, key=lambda reason: reason.code, default=None)
    return readings.Reading(Interval.sum_of(points.values()), told)


@pytest.mark.parametrize(
    ("changes", "rule", "verdict", "open_parts"),
    [
        pytest.param({}, "<= 6", "met", set(), id="five points"),
        pytest.param({"inr": None}, "<= 6", "unknown (missing)", {"inr"}, id="5 to 7"),
        pytest.param({"inr": None}, "<= 9", "met", set(), id="settled without the INR"),
        pytest.param({"inr": None, "ascites": "moderate"}, "<= 6", "not met", set(), id="7 to 9"),
        pytest.param(
            {"inr": None, "ascites": None}, "<= 6", "unknown (missing)", {"inr", "ascites"}, id="two missing"
        ),
        pytest.param(
            {"bilirubin": "<40"},
            "<= 5",
            "unknown (censored across the threshold)",
            {"bilirubin"},
            id="censored",
        ),
    ],
)
def test_child_pugh_with_missing_parts(changes, rule, verdict, open_parts):
    values = {"bilirubin": "10", "albumin": "42", "inr": "1.0", "ascites": "none", "encephalopathy": "none"}
    parts = [result(name, "2024-03-20", value) for name, value in {**values, **changes}.items() if value]
    judgement = judged(f"score(child_pugh, 28 days) {rule}", *parts, scores={"child_pugh": child_pugh})
    assert str(judgement.verdict) == verdict
    assert {one.about for one in judgement.evidence.open} == open_parts
    assert {one.observation.fact for one in judgement.evidence.found if one.observation} == {
        one.fact for one in parts
    }


def test_the_evidence_has_the_shape_of_the_rule():
    rule = "not had(psoriasis) and (last(hbsag, 90 days) is positive or age >= 18 years)"
    evidence = judged(rule, result("hbsag", "2024-03-01", "positive")).evidence
    negation, either = evidence.parts
    assert [str(one.verdict) for one in (evidence, negation, either)] == ["met", "met", "met"]
    assert isinstance(negation.condition, tree.Not)
    assert [str(leaf.verdict) for leaf in evidence.leaves()] == ["not met", "met", "unknown (missing)"]


def test_evidence_holds_both_sides_of_a_comparison_and_what_the_window_counts_from():
    rule = "last(alt, 28 days after first entecavir) > 2 * baseline(alt)"
    judgement = judged(
        rule,
        result("entecavir", "2024-02-01"),
        result("entecavir", "2024-03-01"),
        result("alt", "2024-01-10", "20"),
        result("alt", "2024-02-20", "41"),
        baseline_at=PartialDate.parse("2024-01-15"),
    )
    assert str(judgement.verdict) == "met"
    assert {one.observation.id for one in judgement.evidence.found} == {
        "entecavir 2024-02-01",
        "alt 2024-02-20",
        "alt 2024-01-10",
    }


def test_only_parts_of_a_ratio_are_open():
    """ALT is known on both days; its baseline is not, because nobody says when baseline was."""
    judgement = judged(
        "ratio(last(ast, 28 days)) > ratio(last(alt, 28 days))", result("alt", "2024-03-20", "9")
    )
    assert {one.about for one in judgement.evidence.open} == {"ast", "baseline"}


def test_a_ratio_to_nothing_is_undefined():
    moment = PartialDate.parse("2024-01-10")
    results = [
        result(name, day, value)
        for name, values in (("alt", "90"), ("ast", "99"))
        for day, value in zip(("2024-03-20", "2024-01-10"), values, strict=True)
    ]
    judgement = judged("ratio(last(ast, 28 days)) > ratio(last(alt, 28 days))", *results, baseline_at=moment)
    assert str(judgement.verdict) == "unknown (undefined)"
    assert [(ask.about, ask.reason) for ask in judgement.to_confirm] == [("alt", Reason.UNDEFINED)]


def test_the_highest_is_told_by_all_it_was_chosen_from():
    ecog = [result("ecog", "2024-03-10", "1"), result("ecog", "2024-03-20", "2")]
    evidence = judged("max(ecog, 28 days) is 2", *ecog).evidence
    assert str(evidence.verdict) == "met"
    assert [one.observation for one in evidence.found] == ecog


def test_a_censored_result_in_the_bound_is_open():
    alt = [result("alt", "2024-03-10", "<50"), result("alt", "2024-03-20", "20")]
    judgement = judged("last(ast, 28 days) < max(alt, 28 days)", result("ast", "2024-03-20", "30"), *alt)
    (one,) = judgement.evidence.open
    assert (one.about, one.reason, one.record) == ("alt", Reason.CENSORED, "alt 2024-03-10")


def test_what_is_open_at_a_later_row_is_open():
    row, later = result("alt", "2024-01-10", "120"), result("alt", "2024-02-07", "120")
    rule = parse_rule("(last(ast, 7 days) > 40 U/L) confirmed after 28 days")
    subject = Subject((row, later, result("ast", "2024-01-10", "50")), ANCHOR)
    at_row, at_later = judge_patient(rule, subject, scope_of("alt"), row=row).evidence.parts
    assert [str(one.verdict) for one in (at_row, at_later)] == ["met", "unknown (stale)"]
    assert {one.about for one in at_later.open} == {"alt", "ast"}


def test_what_is_counted_is_told():
    doses = [result("durvalumab", day) for day in ("2024-01-10", "2024-03-10", "2024-03-20", "2024-04-10")]
    evidence = judged("count(durvalumab, 28 days) >= 2", *doses).evidence
    assert {one.observation.id for one in evidence.found if one.observation} == {
        "durvalumab 2024-03-10",
        "durvalumab 2024-03-20",
    }


def test_evidence_tells_value_unit_date_and_record():
    alt = result("alt", "2024-03-20", "1", unit="ukat/L", uln=0.6)
    (one,) = judged("last(alt, 28 days) > 1.5 ULN", alt).evidence.found
    assert one.observation == alt
    assert (one.reading.value, one.reading.uln) == (Interval.exactly(60), Interval.exactly(36))


def test_evidence_of_what_is_computed():
    doses = [result("durvalumab", day) for day in ("2024-01-10", "2024-02-10")]
    evidence = judged(
        "count(durvalumab) >= 24 or age >= 70 years", *doses, birth=PartialDate.parse("1954-01-01")
    ).evidence
    (count, *counted), (age,) = (leaf.found for leaf in evidence.leaves())
    assert [one.observation for one in counted] == doses
    assert (count.about, str(count.reading.value)) == ("count durvalumab", "[2, inf)")
    assert (age.about, str(age.reading.value)) == ("age", "[70, 70]")


def test_later_rows_are_evidence_of_a_confirmation():
    row, later = result("alt", "2024-01-10", "120"), result("alt", "2024-02-07", "150")
    scope = scope_of("alt")
    rule = parse_rule("value >= 100 U/L confirmed after 28 days")
    evidence = judge_patient(rule, Subject((row, later), ANCHOR), scope, row=row).evidence
    at_row, at_later = evidence.parts
    assert [str(one.verdict) for one in (evidence, at_row, at_later)] == ["met", "met", "met"]
    assert [one.observation for one in at_later.found] == [later]


def test_every_row_is_judged_like_each_alone():
    random = numbers_from(20261121)
    for trial_rule in ALL_RULES:
        if trial_rule.rows_of is None:
            continue
        rule, scope = parse_rule(trial_rule.text), scope_of(trial_rule.rows_of)
        for _ in range(10):
            subject = patient(random, rule, trial_rule.rows_of)
            at_rows = judge_rows(rule, subject, scope, scores=SCORES)
            for row, judgement in at_rows:
                assert judgement == judge_patient(rule, subject, scope, row=row, scores=SCORES)
            cut = subject.cut.last_minute if subject.cut else float("inf")
            rows = subject.by_fact.get(trial_rule.rows_of, ())
            assert [row for row, _ in at_rows] == [one for one in rows if one.date.first_minute <= cut]


def test_many_rules_at_once_are_judged_like_each_alone():
    random = numbers_from(20261121)
    several = {one.name: parse_rule(one.text) for one in ALL_RULES if one.rows_of is None}
    everything = tree.all_of(*several.values())
    assert len(names_in(everything)) > 30
    for _ in range(10):
        subject = patient(random, everything)
        together = judge_rules(several, subject, SCOPE, scores=SCORES)
        for name, rule in several.items():
            assert together[name] == judge_patient(rule, subject, SCOPE, scores=SCORES)


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(ValueError, match="no row is given"):
        judged("value > 3 U/L")
    with pytest.raises(ValueError, match="names no fact whose rows are judged"):
        judge_rows(parse_rule("age > 3 years"), Subject((), ANCHOR), SCOPE)
    with pytest.raises(ValueError, match="nothing computes the score"):
        judged("score(child_pugh, 28 days) <= 6")


def test_a_period_whose_dates_are_not_known_is_missing():
    judgement = judged("had(durvalumab, during on_treatment)", result("durvalumab", "2024-03-01"))
    assert str(judgement.verdict) == "unknown (missing)"
    assert [ask.about for ask in judgement.to_confirm] == ["during on_treatment"]
