"""The records of virtual patients with advanced disease, as rows of SDTM domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from trialwright.design.virtual import advanced_course as course_module
from trialwright.design.virtual.advanced_course import Course
from trialwright.design.virtual.advanced_visits import IMAGING, SCAN, SCREENING, Visits, failing_by_virus
from trialwright.design.virtual.adverse_events import Exposure, add_adverse_events
from trialwright.design.virtual.draws import NEVER, Draws, Flags, Numbers, Whole
from trialwright.design.virtual.laboratory import POSITIVE, Recorded, levels
from trialwright.design.virtual.lesion_rows import add_lesions
from trialwright.design.virtual.lesions import READERS
from trialwright.design.virtual.observed_tumour import Assessment
from trialwright.design.virtual.parameters import Advanced
from trialwright.design.virtual.people import Results
from trialwright.design.virtual.plan import AdvancedPlan
from trialwright.design.virtual.shared_rows import (
    add_categories,
    add_disposition,
    add_ends_of_study,
    add_people,
    add_results,
    add_visit_records,
    attest,
)  # fmt: skip
from trialwright.design.virtual.tables import NO_DAY, Rows, Words

_REASONS = ("COMPLETED", "PROGRESSIVE DISEASE", "ADVERSE EVENT", "DEATH", "LOST TO FOLLOW-UP", "OTHER")


def add_rows(
    rows: Rows,
    p: Advanced,
    plan: AdvancedPlan,
    course: Course,
    visits: Visits,
    measured: Mapping[str, tuple[Results, Recorded]],
    assessments: Sequence[Sequence[Sequence[Assessment]]],
    seed: int,
    trial: int,
) -> None:
    """All rows but those of flares, which depend on what was seen of them."""
    people = course.people
    who = np.arange(people.n)
    treated = who[people.enrolled]
    zero = course.zero
    first = np.where(people.enrolled, zero, NO_DAY)
    last_dose = np.where(people.enrolled, zero + course.doses.last, NO_DAY)
    add_people(rows, people, start=first, end=last_dose, death=_dated(zero, course.death), group=plan.group)
    _add_milestones(rows, plan, course, seed, trial)
    _add_laboratory(rows, course, visits, measured)
    _add_screening(rows, p, course, seed, trial)
    _visit_records(rows, zero, visits.day, visits.done, visits.number)
    scans = course.scans
    number = np.broadcast_to(SCAN + 1.0 + np.arange(scans.day.shape[1]), scans.day.shape)
    _visit_records(rows, zero, scans.day, scans.done, number)
    add_visit_records(rows, treated, (zero + course.scan_day)[treated], np.full(len(treated), IMAGING))
    closing = people.enrolled & (course.death == NEVER)
    ends = who[closing]
    add_visit_records(rows, ends, (zero + course.last)[ends], np.full(len(ends), 900.0))
    _add_doses(rows, plan, course)
    add_lesions(rows, course)
    _add_responses(rows, course, assessments)
    exposure = Exposure(zero, course.doses.last + 60, course.last, people.enrolled)
    add_adverse_events(rows, p, exposure, Draws(seed, trial, "adverse events", people.n))
    _add_liver_failure(rows, course)


def _dated(zero: Whole, day: Whole) -> Whole:
    """Days since 1970-01-01 of days from the first dose."""
    return np.where(day < NEVER, zero + np.minimum(day, NEVER), NO_DAY)


def _visit_records(rows: Rows, zero: Whole, day: Whole, done: Flags, number: Numbers) -> None:
    """SV of each cell that was done."""
    subject = np.nonzero(done)[0]
    add_visit_records(rows, subject, zero[subject] + day[done], number[done])


def _add_milestones(rows: Rows, plan: AdvancedPlan, course: Course, seed: int, trial: int) -> None:
    people, zero = course.people, course.zero
    who = np.arange(people.n)
    treated = who[people.enrolled]
    rows.add("DS", treated, DSDECOD="ENROLMENT", DSTERM="ENROLMENT", DSCAT="PROTOCOL MILESTONE",
             DSSTDTC=course.enrolment[treated])  # fmt: skip
    failed = who[~people.enrolled]
    why = Words.either(failing_by_virus(course, seed, trial)[failed], "HBV DNA too low", "BCLC stage A")
    add_disposition(rows, failed, course.enrolment[failed], "SCREEN FAILURE", "STUDY PARTICIPATION", why)
    doses = course.doses
    for reason, word in enumerate(_REASONS):
        ended = who[(doses.reason == reason) & people.enrolled & (doses.stop < NEVER)]
        died = word == "DEATH"
        day = course.death if died else doses.stop
        add_disposition(rows, ended, (zero + day)[ended], word, plan.drug.upper())
        if not died:
            rows.add("DS", ended, DSDECOD="DURVALUMAB STOP", DSTERM=word, DSCAT="OTHER EVENT",
                     DSSTDTC=(zero + day)[ended])  # fmt: skip
    switched = who[course.new_therapy < NEVER]
    day = (zero + course.new_therapy)[switched]
    rows.add(
        "DS",
        switched,
        DSDECOD="NEW ANTICANCER THERAPY",
        DSTERM="LENVATINIB",
        DSCAT="OTHER EVENT",
        DSSTDTC=day,
    )
    rows.add("CM", switched, CMTRT="Lenvatinib", CMDECOD="LENVATINIB", CMCAT="ANTICANCER THERAPY",
             CMINDC="HEPATOCELLULAR CARCINOMA", CMSTDTC=day)  # fmt: skip
    treated_escape = course.virus.breakthrough_treated
    changed = who[
        (treated_escape <= course.last) & (treated_escape > course.virus.entecavir) & people.enrolled
    ]
    day = (zero + treated_escape)[changed]
    rows.add(
        "DS",
        changed,
        DSDECOD="ENTECAVIR CHANGE",
        DSTERM="CHANGED TO TENOFOVIR",
        DSCAT="OTHER EVENT",
        DSSTDTC=day,
    )
    rows.add("CM", changed, CMTRT="Tenofovir alafenamide", CMDECOD="TENOFOVIR ALAFENAMIDE", CMINDC="HEPATITIS B",
             CMSTDTC=day)  # fmt: skip
    add_ends_of_study(rows, people, zero, course.last, course.death, plan.last_day)
    toxic = who[(doses.reason == course_module.TOXICITY) & people.enrolled]
    attest(rows, toxic, (zero + doses.stop)[toxic], "INTOLERABLE TOXICITY", "INVESTIGATOR")


def _add_laboratory(
    rows: Rows, course: Course, visits: Visits, measured: Mapping[str, tuple[Results, Recorded]]
) -> None:
    people = course.people
    add_results(rows, people, course.zero, visits.day, visits.number, measured)
    who = np.arange(people.n)
    rows.add("LB", **levels("hbsag", POSITIVE, who, course.zero + course.laboratory_day, SCREENING))


def _add_screening(rows: Rows, p: Advanced, course: Course, seed: int, trial: int) -> None:
    people = course.people
    who = np.arange(people.n)
    draws = Draws(seed, trial, "screening", people.n)
    day = course.zero + course.laboratory_day
    attest(rows, who, people.consent, "INFORMED CONSENT", "STUDY NURSE")
    wrong_stage = ~people.enrolled & ~failing_by_virus(course, seed, trial)
    is_b = course.bclc_b & people.enrolled
    allowed = who[is_b]
    attest(rows, allowed, day[allowed], "NOT FOR LOCOREGIONAL THERAPY", "INVESTIGATOR")
    stage = np.where(wrong_stage, "A", np.where(is_b, "B", "C"))
    proof = np.where(draws.chance(p.hcc_by_histology), "histology", "imaging")
    ecog = np.where(draws.chance(p.ecog_1), "1", "0")
    add_categories(
        rows, who, day, SCREENING,
        {"HCC DIAGNOSIS": proof, "BCLC STAGE": stage, "MEASURABLE DISEASE": "Y"},
    )  # fmt: skip
    some = who[~Draws(seed, trial, "missing findings", people.n).chance(p.missing_covariates)]
    rows.add("FA", some, FAOBJ="ECOG", FATESTCD="STATUS", FATEST="Status", FADTC=day[some], VISITNUM=SCREENING,
             FAORRES=ecog[some], FASTRESC=ecog[some], FASTRESN=ecog[some].astype(np.float64))  # fmt: skip


def _add_doses(rows: Rows, plan: AdvancedPlan, course: Course) -> None:
    people, doses, zero = course.people, course.doses, course.zero
    visited = doses.is_visit & people.enrolled[:, None]
    subject = np.nonzero(visited)[0]
    given = doses.is_given[visited]
    day = zero[subject] + doses.day[visited]
    held = doses.is_held[visited]
    why = np.where(given, "", np.where(held, "HELD FOR HEPATITIS", "NOT WELL"))
    rows.add("EX", subject, EXTRT=plan.drug.upper(), EXDOSE=np.where(given, plan.dose, 0.0), EXDOSU=plan.dose_unit,
             EXDOSFRM="INJECTION", EXROUTE=plan.route.upper(), EXADJ=why, EXSTDTC=day, EXENDTC=day)  # fmt: skip
    who = np.arange(people.n)
    begins, virus = course.virus.entecavir, course.virus
    changed = np.where(virus.breakthrough_treated > begins, virus.breakthrough_treated - 1, NEVER)
    ends = np.where(changed < course.last, changed, np.where(course.death < NEVER, course.last, NEVER))
    takes = people.enrolled & (begins <= course.last)
    has_gap = takes & (virus.gap[0] < course.last) & (virus.gap[0] > begins)
    for mask, start, end in (
        (takes & ~has_gap, begins, ends),
        (has_gap, begins, virus.gap[0] - 1),
        (has_gap & (virus.gap[1] < course.last), virus.gap[1] + 1, ends),
    ):
        some = who[mask]
        rows.add("EX", some, EXTRT="ENTECAVIR", EXDOSE=0.5, EXDOSU="mg", EXDOSFRM="TABLET", EXDOSFRQ="QD",
                 EXROUTE="ORAL", EXSTDTC=(zero + start)[some], EXENDTC=_dated(zero, end)[some])  # fmt: skip


def _add_responses(rows: Rows, course: Course, assessments: Sequence[Sequence[Sequence[Assessment]]]) -> None:
    """What each reader made of the scans, as they report it."""
    subject, columns = [], {name: [] for name in ("day", "visit", "reader", "overall")}  # type: ignore[var-annotated]
    for who, readers in enumerate(assessments):
        for reader, found in zip(READERS, readers, strict=True):
            for number, one in enumerate(found):
                subject.append(who)
                columns["day"].append(one.day)
                columns["visit"].append(SCAN + 1 + number)
                columns["reader"].append(reader)
                columns["overall"].append(one.overall)
    who_array = np.array(subject, dtype=np.int64)
    rows.add("RS", who_array, RSTESTCD="OVRLRESP", RSTEST="Overall Response", RSCAT="RECIST 1.1",
             RSORRES=columns["overall"], RSSTRESC=columns["overall"], RSEVAL=columns["reader"],
             RSDTC=course.zero[who_array] + np.array(columns["day"], dtype=np.int64), VISITNUM=columns["visit"])  # fmt: skip


def _add_liver_failure(rows: Rows, course: Course) -> None:
    """Decompensation as the adverse event it is; fatal where death follows within 60 days."""
    people, zero = course.people, course.zero
    some = np.flatnonzero(people.enrolled & (course.decompensation <= course.last))
    day = course.decompensation[some]
    death = course.death[some]
    fatal = death <= day + 60
    rows.add("AE", some, AETERM="Ascites", AEDECOD="ASCITES", AEBODSYS="GASTROINTESTINAL DISORDERS",
             AESTDTC=zero[some] + day, AEENDTC=np.full(len(some), NO_DAY), AETOXGR="3", AESER="Y",
             AEREL="NOT RELATED", AEACN="DOSE NOT CHANGED", AEOUT="NOT RECOVERED/NOT RESOLVED")  # fmt: skip
    dead, when = some[fatal], death[fatal]
    rows.add("AE", dead, AETERM="Hepatic failure", AEDECOD="HEPATIC FAILURE", AEBODSYS="HEPATOBILIARY DISORDERS",
             AESTDTC=zero[dead] + np.minimum(day[fatal] + 1, when - 1), AEENDTC=zero[dead] + when, AETOXGR="5", AESER="Y",
             AESDTH="Y", AEREL="NOT RELATED", AEACN="NOT APPLICABLE", AEOUT="FATAL")  # fmt: skip
