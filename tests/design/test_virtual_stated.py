"""What virtual patients come to, held against what the protocol states of them: every share, median and hazard there is.

A share is counted, a median by how many lie below it, a hazard by events over the time at risk, so that whoever dies or
leaves takes nothing from it. All within four standard errors.
"""

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import polars as pl
import pytest
from tests.design.virtual_trials import with_assumptions

from trialwright.design.virtual.advanced_course import TOXICITY, draw_course
from trialwright.design.virtual.advanced_trial import AGES, read_scans
from trialwright.design.virtual.after_treatment_course import (
    AT_SITE,
    IN_LIVER,
    IN_VEIN,
    NOT_SPECIFIC,
    OUTSIDE,
)
from trialwright.design.virtual.after_treatment_course import draw_course as draw_course_after
from trialwright.design.virtual.after_treatment_results import draw_antigen
from trialwright.design.virtual.after_treatment_trial import AGES as AGES_AFTER
from trialwright.design.virtual.draws import NEVER, Draws, of_others
from trialwright.design.virtual.lesions import INVESTIGATOR, NOT_MEASURED
from trialwright.design.virtual.observed_tumour import best_response, progression_free
from trialwright.design.virtual.parameters import DAYS_A_MONTH, EXCLUSIVE, read_parameters
from trialwright.design.virtual.people import draw_people
from trialwright.design.virtual.plan import read_advanced_plan, read_after_treatment_plan
from trialwright.protocol.loading import load_protocol

HCC, PRTRAS = "nct04294498", "nct07120750"
FRAME = 1096
SEED = 11


@dataclass(frozen=True)
class Made:
    p: object
    plan: object
    course: object


@cache
def advanced_made(n=8_000, **changes):
    loaded = load_protocol(HCC)
    p, plan = replace(read_parameters(loaded), **changes), read_advanced_plan(loaded)
    people = draw_people(p, SEED, 0, n, frame=plan.last_day, ages=AGES)
    return Made(p, plan, draw_course(p, plan, people, SEED, 0))


@cache
def after_made(n=20_000, **changes):
    loaded = load_protocol(PRTRAS)
    p, plan = replace(read_parameters(loaded), **changes), read_after_treatment_plan(loaded)
    people = draw_people(p, SEED, 0, n, frame=FRAME, ages=AGES_AFTER)
    return Made(p, plan, draw_course_after(p, plan, people, SEED, 0))


def assert_share(found, share):
    """`found` are flags, of each of whom it is asked."""
    n, count = len(found), int(np.sum(found))
    assert n > 30
    assert abs(count - n * share) <= 4 * math.sqrt(n * share * (1 - share)), (count / n, share, n)


def assert_median(values, median):
    assert_share(np.concatenate([values < median, values <= median]), 0.5)


def assert_hazard(events, at_risk, share, within):
    """Events in the days at risk of all together, where `share` would have it until day `within` if nothing else came."""
    expected = -math.log1p(-share) / within * float(at_risk.sum())
    assert expected > 30
    assert abs(int(events.sum()) - expected) <= 4 * math.sqrt(expected), (events.sum(), expected)


# --- both trials --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trial", [HCC, PRTRAS])
def test_people(trial):
    made, frame = (advanced_made(), None) if trial == HCC else (after_made(), FRAME)
    p, people = made.p, made.course.people
    enrolled = int(people.enrolled.sum())
    failed = people.n - enrolled
    expected = enrolled * p.screen_failures
    assert abs(failed - expected) <= 4 * math.sqrt(expected * (1 - p.screen_failures))
    assert_share(~people.is_man, p.women)
    assert_share(people.laboratory == 1, p.laboratory_in_mg)
    assert_share(people.viral_laboratory == 1, p.laboratory_in_copies)
    assert_share(people.lost <= (frame or made.plan.last_day), p.loss)
    begin = people.consent.min()
    assert_share(people.consent - begin < p.accrual / 3, 1 / 3)


def test_the_sum_of_shares_of_which_each_has_one():
    """Each kind is drawn from those whom the others leave; what cannot be is refused."""
    for kinds, trial in zip(EXCLUSIVE.values(), (HCC, PRTRAS), strict=True):
        p = read_parameters(load_protocol(trial))
        for names in kinds:
            assert sum(getattr(p, name) for name in names) < 1
    assert of_others(0.3, 0.2, 0.2) == pytest.approx(0.5)
    assert of_others(0.0, 1.0) == 0.0
    assert of_others(0.4, 0.6) == pytest.approx(1.0)


# --- advanced liver cancer ----------------------------------------------------------------------------------------------


def test_the_virus():
    made = advanced_made()
    p, virus, within = made.p, made.course.virus, made.plan.entecavir_within
    assert_share(virus.is_prone, p.reactivation_rate)
    assert_share(virus.breakthrough < NEVER, p.breakthrough_rate)
    assert_share(virus.gap[0] < NEVER, p.poor_adherence)
    assert_share((virus.entecavir > 0) & (virus.entecavir <= within), p.entecavir_after_durvalumab)
    assert_share(virus.entecavir > within, p.entecavir_late)
    assert_share(virus.flares[0][0][virus.is_prone] < NEVER, p.flare_after_reactivation)
    immune = virus.flares[1][0] < NEVER
    assert_share(immune, p.immune_hepatitis)
    assert_median(virus.flares[1][1][immune], p.flare_fold)
    first, last = (day[virus.gap[0] < NEVER] for day in virus.gap)
    assert_median(last - first + 1, p.adherence_gap)


def test_reactivations_have_their_median_and_range():
    """The peak of ALT follows that of the virus by 14 days here; an early one must have time to rise."""
    made = advanced_made(
        2_000, reactivation_rate=1.0, breakthrough_rate=0.0, poor_adherence=0.0, immune_hepatitis=0.0,
        flare_after_reactivation=1.0, flare_lag_least=14.0, flare_lag_most=14.0,
    )  # fmt: skip
    p, peak = made.p, made.course.virus.flares[0][0] - 14
    late = peak > p.reactivation_median
    assert_share(late, 0.5)
    middle = (p.reactivation_median + p.reactivation_latest) / 2
    assert_share(peak[late] > middle, 0.5)
    assert peak.max() <= p.reactivation_latest + 1


def test_a_reactivation_lasts_until_a_sample_can_show_it():
    """Monthly samples saw half of them when control came a week after the peak, before anybody had looked."""
    made = advanced_made(
        1_000,
        reactivation_rate=1.0,
        breakthrough_rate=0.0,
        poor_adherence=0.0,
        immune_hepatitis=0.0,
        loss=0.0,
    )
    virus = made.course.virus
    has_risen = virus.curve >= (virus.curve[:, 60] + 2.0)[:, None]
    begun = virus.reactivation < NEVER
    assert_share(has_risen[begun].sum(axis=1) >= 28, 0.999)


def test_what_happens_to_livers_and_tumours():
    made = advanced_made()
    p, course, frame = made.p, made.course, made.plan.last_day
    lesions = course.lesions
    assert_share(course.decompensation <= frame, p.decompensation)
    assert_share(course.bclc_b, p.bclc_b)
    assert_median(course.alt, p.alt_median)
    shrinks = lesions.shrinkage[:, 0] > 0
    assert_share(shrinks, p.tumour_response)
    assert_share(lesions.new_day[~shrinks] <= frame, p.new_lesion)
    assert_median(np.log(2) / lesions.shrinkage[shrinks, 0], p.response_half_life)
    assert_median(np.log(1.2) / lesions.growth[~shrinks, 0], p.time_to_growth)
    assert_median(lesions.size[:, 0], p.target_size)
    assert_share((np.arange(1, 4) < lesions.number[:, None]).ravel(), (p.targets_mean - 1) / 3)


def test_deaths_before_and_after_progression():
    made = advanced_made()
    p, course = made.p, made.course
    who = course.people.enrolled
    progressed = np.minimum(course.progression, course.last + 1)[who]
    death = course.death[who]
    until = np.minimum(death, course.last[who])
    before = (death < NEVER) & (death < course.progression[who])
    assert_hazard(before, np.minimum(until, progressed), p.death_before_progression, made.plan.last_day)
    after = (death < NEVER) & ~before
    assert_hazard(after, np.maximum(until - progressed, 0), 0.5, p.survival_after_progression)


def test_medians_of_the_source_come_out():
    """HIMALAYA, durvalumab alone: median survival 16.56 months, progression-free 3.65 as scans see it, response in 17.0 %."""
    made = advanced_made()
    course = made.course
    who = np.flatnonzero(course.people.enrolled)
    read = read_scans(course)
    therapy = np.where(course.new_therapy < NEVER, course.new_therapy, -1)
    seen, best = [], []
    for one in who.tolist():
        switched = None if therapy[one] < 0 else int(therapy[one])
        death = None if course.death[one] >= NEVER else int(course.death[one])
        scans = read[one][INVESTIGATOR]
        seen.append(progression_free(scans, switched, death, counts_death=True))
        best.append(best_response(scans, switched))
    month = DAYS_A_MONTH
    assert_share(np.isin(best, ("CR", "PR")), 0.170)
    # few are censored by then, and not for how they are
    told = [one for one in seen if one.how == "event" or one.day > 3.65 * month]
    assert_share(np.array([one.day <= 3.65 * month for one in told]), 0.5)
    watched = np.minimum(course.people.lost, course.people.data_end - course.zero)[who] > 16.56 * month
    assert_share((course.death[who] <= 16.56 * month)[watched], 0.5)


def test_treatment_and_scans():
    made = advanced_made()
    p, plan, course = made.p, made.plan, made.course
    doses, scans, who = course.doses, course.scans, course.people.enrolled
    reached = who & (np.minimum(doses.stop, course.last) > 20)
    assert_share(doses.reason[reached] == TOXICITY, p.intolerance)
    visits = doses.is_visit & who[:, None] & ~doses.is_held
    visits[:, 0] = False
    assert_share(doses.is_given[visits], 1 - p.dose_skip)
    seen = scans.done & who[:, None]
    assert_share(scans.mm[:, :, INVESTIGATOR, 0][seen] == NOT_MEASURED, p.unreadable_scans)
    # a dose is given late four days or more after its day, and so within two weeks
    gap = np.diff(np.where(doses.is_visit, doses.day, -1000), axis=1)[doses.is_visit[:, 1:] & who[:, None]]
    assert_share(gap > plan.interval + plan.tolerance, p.dose_delay)
    assert gap.max() <= plan.interval + plan.skipped_after
    calm = advanced_made(3_000, missed_scans=0.0).course
    first = calm.scans.day[:, 0][calm.scans.done[:, 0]]
    assert_share(first > plan.scan_most + plan.scan_tolerance, p.late_visits)
    assert first.max() <= plan.scan_most + plan.scan_tolerance + p.late_visits_by


# --- after radical treatment ----------------------------------------------------------------------------------------------


def test_every_kind_of_recurrence_has_its_share():
    made = after_made()
    p, course = made.p, made.course
    for kind, share in ((IN_VEIN, p.in_vein), (NOT_SPECIFIC, p.not_specific), (OUTSIDE, p.extrahepatic)):
        assert_share(course.kind == kind, share)
    ablated = course.covariates.by_ablation
    assert_share(course.kind[ablated] == AT_SITE, p.local_after_ablation)
    assert not (course.kind[~ablated] == AT_SITE).any()


def test_kinds_do_not_take_from_each_other():
    """All of them at once, and nothing left: drawn one after the other the last had a third of its share."""
    made = after_made(
        5_000, in_vein=0.2, not_specific=0.2, extrahepatic=0.2, local_after_ablation=0.4, ablation=1.0
    )
    shares = [0.0, 0.2, 0.2, 0.2, 0.4]
    for kind, share in enumerate(shares):
        if share:
            assert_share(made.course.kind == kind, share)
    assert (made.course.kind > 0).all()


def test_entry_and_covariates():
    made = after_made()
    p, course, cov = made.p, made.course, made.course.covariates
    for found, share in (
        (cov.bclc_a, p.bclc_a), (cov.by_ablation, p.ablation), (cov.cirrhosis, p.cirrhosis),
        (course.interferon.decided, p.share_with_peginterferon), (course.zero - course.radical > p.entry_latest, p.late_entry),
    ):  # fmt: skip
        assert_share(found, share)
    assert_median(cov.tumour_size, p.tumour_size)
    assert_median(cov.hbsag, p.hbsag_mean)
    assert_median(-course.analogue, p.analogue_lead)


def test_peginterferon_and_the_antigen():
    made = after_made(interferon_delay=0.0)
    p, course = made.p, made.course
    takes = course.interferon
    lives = course.people.enrolled & (course.last > 500)
    assert_share((takes.first < NEVER)[lives & ~takes.decided], p.crossover)
    long = course.people.enrolled & takes.decided & (course.last > p.interferon_length)
    assert_share(takes.is_early[long], p.interferon_stop)
    antigen = draw_antigen(p, course, Draws(SEED, 0, "antigen", course.people.n))
    assert_share(antigen.is_lost[long], p.hbsag_loss_with_peginterferon)
    assert not antigen.is_lost[takes.is_early].any()
    assert_share(antigen.comes_back[antigen.is_lost] == NEVER, p.hbsag_loss_lasts)
    assert_share(antigen.has_antibodies[antigen.is_lost], p.seroconversion_share)


def test_recurrence_and_death():
    made = after_made()
    p, course = made.p, made.course
    who = course.people.enrolled
    assert_share(course.recurrence_without <= FRAME, p.recurrence_control)
    recurrence, death, last = course.recurrence[who], course.death[who], course.last[who]
    until = np.minimum(death, last)
    before = (death < NEVER) & (death < recurrence)
    assert_hazard(before, np.minimum(until, recurrence), p.death_without_recurrence, FRAME)
    after = (death < NEVER) & ~before
    assert_hazard(after, np.maximum(until - recurrence, 0), 0.5, p.survival_after_recurrence)
    free = np.minimum(last, recurrence - 1)
    for day, share, risk in (
        (course.second_primary, p.second_primary_share, free), (course.transplantation, p.transplantation_share, free),
        (course.analogue_change, p.analogue_change, last),
    ):  # fmt: skip
        day = day[who]
        assert_hazard(day < NEVER, np.minimum(day, risk), share, FRAME)


def test_scans_after_treatment():
    made = after_made(reader_disagreement=0.0)
    p, plan, course = made.p, made.plan, made.course
    scans, free = course.scans, course.people.enrolled & (course.recurrence > plan.last_day)
    lives = free & (course.last == plan.last_day)
    planned, repeats = scans.done[lives][:, ::2], scans.done[lives][:, 1::2]
    assert_share(~planned.ravel(), p.missed_scans)
    assert_share(repeats[:, :-1][planned[:, :-1]], p.unreadable_scans)
    due = plan.interval * np.arange(1, planned.shape[1] + 1)
    off = (scans.day[lives][:, ::2] - due)[:, :-1].ravel()
    assert_share(off > plan.tolerance, p.late_visits)
    assert off.max() <= p.late_visits_by
    assert_share(is_probable(scans).any(axis=1)[lives], p.probable_stable)


def is_probable(scans):
    """Scans that the first reader calls LR-4."""
    return scans.done & (np.array(scans.category.words)[scans.category.number[:, :, 0]] == "LR-4")


def test_lesions_that_are_probable_first():
    """With a lead of half a year there is a scan to see them, and time to treat them."""
    made = after_made(probable_lead=182.0, missed_scans=0.0, unreadable_scans=0.0)
    p, course = made.p, made.course
    in_liver = (course.kind == IN_LIVER) & (course.recurrence > 300) & (course.recurrence <= course.last)
    is_first = (is_probable(course.scans) & (course.scans.day < course.recurrence[:, None])).any(axis=1)
    assert_share(is_first[in_liver], p.probable_first)
    assert_share(course.scans.treated[in_liver & is_first] < NEVER, p.probable_treated)


@pytest.mark.parametrize("share", ["in_vein", "extrahepatic"])
def test_shares_that_cannot_be_are_refused(share):
    from trialwright.design.virtual.simulation import simulate
    from trialwright.vocabulary.problems import ProblemsFound

    with pytest.raises(ProblemsFound, match="must not add up to more than 1") as found:
        simulate(with_assumptions(PRTRAS, **{share: 0.9}), seed=1, subjects=2)
    assert [one.code for one in found.value.problems] == ["unusable-assumption"]


# --- as records have it -------------------------------------------------------------------------------------------------


def people_with(table, keep):
    return set(table.filter(keep)["USUBJID"])


def test_adverse_events(advanced, after_treatment):
    for trial, made in ((HCC, advanced), (PRTRAS, after_treatment)):
        p, events = read_parameters(load_protocol(trial)), made.tables["AE"]
        enrolled = made.latent.filter(pl.col("ENROLLED") == "Y")["USUBJID"].to_list()
        for name, share in p.adverse_events.items():
            own = people_with(events, pl.col("AEDECOD") == name.replace("_", " ").upper())
            assert_share(np.array([one in own for one in enrolled]), share)
        usual = events.filter(
            pl.col("AEDECOD").is_in([one.replace("_", " ").upper() for one in p.adverse_events])
        )
        if "AECAT" in usual.columns:
            usual = usual.filter(pl.col("AECAT").is_null())
        assert_share((usual["AETOXGR"] == "3").to_numpy(), p.severe_adverse_events)
        assert_share((usual["AEREL"] == "RELATED").to_numpy(), p.related_adverse_events)
        assert_share((usual["AESTDTC"].str.len_chars() == 7).to_numpy(), p.partial_dates)


def test_findings_at_the_start(advanced, after_treatment):
    p, findings = read_parameters(load_protocol(HCC)), advanced.tables["FA"]
    for name, level, share in (("ECOG", "1", p.ecog_1), ("HCC DIAGNOSIS", "histology", p.hcc_by_histology)):
        assert_share((findings.filter(pl.col("FAOBJ") == name)["FASTRESC"] == level).to_numpy(), share)
    had = people_with(findings, pl.col("FAOBJ") == "ECOG")
    assert_share(np.array([one not in had for one in advanced.tables["DM"]["USUBJID"]]), p.missing_covariates)
    p, findings = read_parameters(load_protocol(PRTRAS)), after_treatment.tables["FA"]
    for name, level, share in (
        ("HBEAG", "positive", p.hbeag_positive), ("CIRRHOSIS", "present", p.cirrhosis),
    ):  # fmt: skip
        assert_share((findings.filter(pl.col("FAOBJ") == name)["FASTRESC"] == level).to_numpy(), share)
    invades = findings.filter(
        (pl.col("FAOBJ") == "MICROVASCULAR INVASION") & (pl.col("FASTRESC") != "not_assessable")
    )
    assert_share((invades["FASTRESC"] == "present").to_numpy(), p.microvascular_invasion)
    history = after_treatment.tables["MH"].filter(pl.col("MHTERM") == "DIABETES")
    assert_share((history["MHOCCUR"] == "Y").to_numpy(), p.comorbidity)


def test_immune_mediated_events(advanced):
    """All but hepatitis, which is recorded where a sample shows it, of those who live until the earliest."""
    p = read_parameters(load_protocol(HCC))
    is_other = (pl.col("AECAT") == "IMMUNE-MEDIATED") & (pl.col("AEDECOD") != "IMMUNE-MEDIATED HEPATITIS")
    own = people_with(advanced.tables["AE"], is_other)
    days = (pl.col("LAST_DAY") - pl.col("ZERO")).dt.total_days()
    lives = advanced.latent.filter((pl.col("ENROLLED") == "Y") & (days >= p.immune_hepatitis_earliest))[
        "USUBJID"
    ]
    assert_share(np.array([one in own for one in lives]), p.immune_mediated - p.immune_hepatitis)
