"""The rules of the two trials as shipped, judged on the worked examples of their domain: just below, at, just above."""

from datetime import date, timedelta
from functools import cache

import pytest

from trialwright.evaluation.observations import Observation, Subject
from trialwright.evaluation.patient import judge_patient, judge_rows
from trialwright.protocol.loading import load_protocol
from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.verdicts import Reason, Verdict

load = cache(load_protocol)
FIRST = date(2024, 1, 10)
MET, NOT_MET = Verdict.MET, Verdict.NOT_MET


def on(day):
    """A day of the study: 1 is the first dose, -7 the week before."""
    return PartialDate.parse(str(FIRST + timedelta(days=day - 1 if day > 0 else day)))


def record(fact, day, value=None, **details):
    number = Interval.exactly(value) if isinstance(value, (int, float)) else value
    return Observation(f"{fact} {day}", fact, on(day), number, **details)


def subject(*records, anchor=1, **dates):
    return Subject(records, on(anchor), baseline_at=on(1), **dates)


def judge_row(trial, event, *records):
    """The verdict at the last of the records."""
    rule = load(trial).writing.rules[f"events.{event}.when"]
    return judge_rows(rule.condition, subject(*records), rule.scope)[-1][1].verdict


def judge(trial, path, *records, **dates):
    rule = load(trial).writing.rules[path]
    return judge_patient(rule.condition, subject(*records, **dates), rule.scope).verdict


@pytest.mark.parametrize(
    ("baseline", "value", "verdict"),
    [
        pytest.param(2000, 200_000, MET, id="exactly a hundredfold"),
        pytest.param(2000, 199_999, NOT_MET, id="just under"),
        pytest.param(8700, 870_000, MET, id="a hundredfold that doubles of logarithms miss"),
        pytest.param(2040, 203_000, NOT_MET, id="rounded logarithms would differ by two"),
        pytest.param(1.2e6, Interval.reported(1.7e8, ">", floor=0), MET, id="above the ceiling, surely a hundredfold"),
        pytest.param(2.5e6, Interval.reported(1.7e8, ">", floor=0), Verdict.unknown(Reason.CENSORED), id="above the ceiling, perhaps"),
        pytest.param(None, 200_000, Verdict.unknown(Reason.MISSING), id="no baseline"),
    ],
)  # fmt: skip
def test_reactivation(baseline, value, verdict):
    before = [] if baseline is None else [record("hbv_dna", -1, baseline, unit="IU/mL")]
    assert (
        judge_row("nct04294498", "hbv_reactivation", *before, record("hbv_dna", 57, value, unit="IU/mL"))
        == verdict
    )


@pytest.mark.parametrize(
    ("baseline", "value", "verdict"),
    [
        (20, 60, NOT_MET),
        (20, 100, NOT_MET),
        (20, 101, MET),
        (34, 101, NOT_MET),
        (34, 102, MET),
        (90, 269, NOT_MET),
        (90, 270, MET),
        (33.4, 100.2, MET),
    ],
)
def test_flare(baseline, value, verdict):
    records = record("alt", -1, baseline, unit="U/L"), record("alt", 57, value, unit="U/L")
    assert judge_row("nct04294498", "hepatitis_flare", *records) == verdict


@pytest.mark.parametrize(("value", "verdict"), [(2000, NOT_MET), (2001, MET), (1850, NOT_MET)])
def test_active_hbv(value, verdict):
    path = "eligibility.inclusion.active_hbv.when"
    assert judge("nct04294498", path, record("hbv_dna", -7, value, unit="IU/mL")) == verdict


@pytest.mark.parametrize(
    ("records", "verdict"),
    [
        pytest.param([("bclc_stage", "C")], MET, id="stage C"),
        pytest.param(
            [("bclc_stage", "B")], Verdict.unknown(Reason.NEEDS_A_PERSON), id="stage B, nobody asked"
        ),
        pytest.param([("bclc_stage", "A")], NOT_MET, id="stage A"),
    ],
)
def test_stage_of_durva(records, verdict):
    given = [record(fact, -3, value) for fact, value in records]
    assert judge("nct04294498", "eligibility.inclusion.stage.when", *given) == verdict


@pytest.mark.parametrize(
    ("n", "verdict"), [pytest.param(23, NOT_MET, id="23 doses"), pytest.param(24, MET, id="24 doses end it")]
)
def test_doses_end_treatment(n, verdict):
    doses = [record("durvalumab", 28 * k + 1) for k in range(n)]
    assert judge("nct04294498", "treatments.durvalumab.until.doses.when", *doses, anchor=700) == verdict


@pytest.mark.parametrize(("interval", "verdict"), [(23, MET), (24, MET), (25, NOT_MET), (28, NOT_MET)])
def test_a_dose_that_comes_too_early(interval, verdict):
    rule = load("nct04294498").writing.rules["deviations.dose_early.when"]
    doses = subject(record("durvalumab", 1), record("durvalumab", 1 + interval), anchor=100)
    assert judge_rows(rule.condition, doses, rule.scope)[-1][1].verdict == verdict


@pytest.mark.parametrize(
    ("born", "consent", "verdict"),
    [
        pytest.param("1954-03-02", "2025-03-01", MET, id="70 years, 71 tomorrow"),
        pytest.param("1954-03-02", "2025-03-02", NOT_MET, id="71 today"),
        pytest.param("2007-03-02", "2025-03-02", MET, id="18 today"),
        pytest.param("2007-03-03", "2025-03-02", NOT_MET, id="18 tomorrow"),
    ],
)
def test_age_of_prtras(born, consent, verdict):
    rule = load("nct07120750").writing.rules["eligibility.inclusion.age.when"]
    person = Subject((), PartialDate.parse(consent), PartialDate.parse(born))
    assert judge_patient(rule.condition, person, rule.scope).verdict == verdict


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        pytest.param(1.80, NOT_MET, id="exactly 1.5 times is allowed"),
        pytest.param(1.81, MET, id="above excludes"),
    ],
)
def test_creatinine_of_prtras(value, verdict):
    creatinine = record("creatinine", -2, value, unit="mg/dL", uln=1.20)
    assert judge("nct07120750", "eligibility.exclusion.renal_impairment.when", creatinine) == verdict


@pytest.mark.parametrize(
    ("category", "verdict"),
    [("LR-3", NOT_MET), ("LR-4", NOT_MET), ("LR-5", MET), ("LR-M", NOT_MET), ("LR-NC", NOT_MET)],
)
def test_new_definite_tumour(category, verdict):
    assert judge_row("nct07120750", "new_lr5", record("lirads", 84, category)) == verdict


@pytest.mark.parametrize(
    ("again", "verdict"),
    [
        pytest.param(Interval.reported(0.05, "<", floor=0), MET, id="still lost"),
        pytest.param(0.30, NOT_MET, id="back"),
    ],
)
def test_loss_of_hbsag(again, verdict):
    rule = load("nct07120750").writing.rules["events.hbsag_loss.when"]
    weeks = [record("hbsag_quantity", 7 * week + 1, value, unit="IU/mL")
             for week, value in ((48, Interval.reported(0.05, "<", floor=0)), (60, again))]  # fmt: skip
    assert judge_rows(rule.condition, subject(*weeks, anchor=500), rule.scope)[0][1].verdict == verdict


def test_silence_about_another_cancer_is_no_answer():
    path = "eligibility.exclusion.other_malignancy.when"
    assert judge("nct07120750", path).reason is Reason.NEEDS_A_PERSON
    assert judge("nct07120750", path, record("other_cancer", -9, "none")) == NOT_MET
    assert judge("nct07120750", path, record("other_cancer", -9, "cervical_carcinoma_in_situ")) == NOT_MET
    assert judge("nct07120750", path, record("other_cancer", -9, "other")) == MET
