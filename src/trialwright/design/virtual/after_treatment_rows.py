"""The records of virtual patients after radical treatment, as rows of SDTM domains."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trialwright.design.virtual.adverse_events import Exposure, add_adverse_events
from trialwright.design.virtual.after_treatment_course import Course
from trialwright.design.virtual.after_treatment_results import DECISION, SCAN, SCREENING, Visits, last_contact
from trialwright.design.virtual.draws import NEVER, Draws, Flags, Whole
from trialwright.design.virtual.laboratory import NEGATIVE, POSITIVE, Recorded, levels
from trialwright.design.virtual.lesions import READERS
from trialwright.design.virtual.parameters import AfterTreatment
from trialwright.design.virtual.people import Results
from trialwright.design.virtual.plan import AfterTreatmentPlan
from trialwright.design.virtual.shared_rows import (
    add_categories,
    add_disposition,
    add_ends_of_study,
    add_history,
    add_number,
    add_people,
    add_results,
    add_visit_records,
    attest,
)  # fmt: skip
from trialwright.design.virtual.tables import NO_DAY, Rows, Words

_YES = frozenset({"INFORMED CONSENT", "SURVIVAL OVER 3 MONTHS", "AGREES TO CONTRACEPTION"})
"""Attestations that hold for whoever is eligible."""

_NURSE = frozenset({"INFORMED CONSENT", "GUARDIAN CONSENT"})
_WOMEN = frozenset({"PLANS PREGNANCY", "AGREES TO CONTRACEPTION"})
_PROOF = "HCC PROVEN BY PATHOLOGY"
_COMMON = ("DIABETES", "HYPERTENSION")
_EXCLUDING = "DEPRESSION"
"""What those who fail screening have."""


def add_rows(
    rows: Rows,
    p: AfterTreatment,
    plan: AfterTreatmentPlan,
    course: Course,
    visits: Visits,
    measured: Mapping[str, tuple[Results, Recorded]],
    seed: int,
    trial: int,
) -> None:
    """All rows of a trial."""
    people, zero = course.people, course.zero
    draws = Draws(seed, trial, "rows", people.n)
    start = np.where(people.enrolled, zero, NO_DAY)
    end = np.where(people.enrolled, zero + course.last, NO_DAY)
    arm = Words.either(course.interferon.decided, *reversed(plan.groups))
    add_people(rows, people, start=start, end=end, death=_dated(zero, course.death), group=arm)
    _add_milestones(rows, plan, course)
    _add_history(rows, p, plan, course, draws)
    _add_baseline(rows, p, plan, course, draws, Draws(seed, trial, "missing findings", people.n))
    _add_drugs(rows, course)
    _add_laboratory(rows, course, visits, measured)
    _add_scans(rows, course)
    _add_profile(rows, p, plan, course, last_contact(course, visits), draws)
    exposure = Exposure(
        zero, np.minimum(course.last, round(p.interferon_length)), course.last, people.enrolled
    )
    add_adverse_events(rows, p, exposure, Draws(seed, trial, "adverse events", people.n))


def _dated(zero: Whole, day: Whole) -> Whole:
    return np.where(day < NEVER, zero + np.minimum(day, NEVER), NO_DAY)


def _milestone(rows: Rows, subject: Whole, day: Whole, word: str) -> None:
    rows.add("DS", subject, DSDECOD=word, DSTERM=word, DSCAT="PROTOCOL MILESTONE", DSSTDTC=day)


def _other_event(rows: Rows, zero: Whole, day: Whole, word: str) -> None:
    some = np.flatnonzero(day < NEVER)
    rows.add("DS", some, DSDECOD=word, DSTERM=word, DSCAT="OTHER EVENT", DSSTDTC=(zero + day)[some])


def _add_milestones(rows: Rows, plan: AfterTreatmentPlan, course: Course) -> None:
    people, zero, takes = course.people, course.zero, course.interferon
    who = np.arange(people.n)
    treated = who[people.enrolled]
    _milestone(rows, who, course.radical, "RADICAL TREATMENT")
    _milestone(rows, treated, zero[treated], "GROUP ASSIGNMENT")
    begins = np.where(takes.decided & (takes.first < NEVER), zero + takes.first, zero + course.analogue)
    _milestone(rows, treated, begins[treated], "FIRST DOSE")
    failed = who[~people.enrolled]
    add_disposition(
        rows, failed, (zero - 1)[failed], "SCREEN FAILURE", "STUDY PARTICIPATION", _EXCLUDING.capitalize()
    )
    for day, word in (
        (course.second_primary, "SECOND PRIMARY"),
        (course.transplantation, "LIVER TRANSPLANTATION"),
        (course.analogue_change, "ANALOGUE CHANGE"),
        (np.where(takes.is_early, takes.last, NEVER), "PEGINTERFERON STOP"),
        (np.where(course.unseen_death, course.death, NEVER), "DEATH FROM HCC UNSEEN"),
    ):
        _other_event(rows, zero, day, word)
    early = who[takes.is_early]
    add_disposition(rows, early, (zero + takes.last)[early], "ADVERSE EVENT", "PEGINTERFERON")
    through = who[(takes.first < NEVER) & ~takes.is_early & (takes.last < course.last)]
    add_disposition(rows, through, (zero + takes.last)[through], "COMPLETED", "PEGINTERFERON")
    add_ends_of_study(rows, people, zero, course.last, course.death, plan.last_day)


def _add_history(
    rows: Rows, p: AfterTreatment, plan: AfterTreatmentPlan, course: Course, draws: Draws
) -> None:
    """Everything that was asked for before entry, had or not."""
    people, zero = course.people, course.zero
    who = np.arange(people.n)
    day = zero + course.laboratory_day
    conditions: dict[str, Flags] = {}
    for name in plan.asked["condition"]:
        if name == _PROOF:
            conditions[name] = np.ones(people.n, dtype=bool)
        elif name in _COMMON:
            conditions[name] = draws.chance(p.comorbidity)
        else:
            conditions[name] = ~people.enrolled if name == _EXCLUDING else np.zeros(people.n, dtype=bool)
    add_history(rows, who, day, course.radical, conditions)
    for name in plan.asked["drug"]:
        rows.add("CM", who, CMTRT=name, CMDECOD=name, CMPRESP="Y", CMOCCUR="N", CMDTC=day,
                 CMSTDTC=np.full(people.n, NO_DAY))  # fmt: skip
    ablated = course.covariates.by_ablation
    for name in plan.asked["procedure"]:
        had = {"LIVER RESECTION": ~ablated, "LIVER ABLATION": ablated}.get(
            name, np.zeros(people.n, dtype=bool)
        )
        rows.add("PR", who, PRTRT=name, PRDECOD=name, PRPRESP="Y", PROCCUR=Words.either(had), PRDTC=day,
                 PRSTDTC=np.where(had, course.radical, NO_DAY))  # fmt: skip
    for name in plan.asked["attestation"]:
        some = who[~people.is_man] if name in _WOMEN else who
        by = "STUDY NURSE" if name in _NURSE else "INVESTIGATOR"
        when = people.consent if name in _NURSE else day
        attest(rows, some, when[some], name, by, "Y" if name in _YES else "N")


def _add_baseline(
    rows: Rows, p: AfterTreatment, plan: AfterTreatmentPlan, course: Course, draws: Draws, missing: Draws
) -> None:
    """What was found before the start. Of findings that eligibility does not ask for, each lacks in some."""
    people, zero, covariates = course.people, course.zero, course.covariates
    who = np.arange(people.n)
    day = zero + course.laboratory_day
    before = course.radical - draws.days(3, 20)
    ablated = covariates.by_ablation
    invades = draws.chance(p.microvascular_invasion)
    add_categories(rows, who, before, 0.0, {"BCLC STAGE": Words.either(covariates.bclc_a, "A", "0")})

    def told() -> Whole:
        return who[~missing.chance(p.missing_covariates)]

    add_categories(
        rows, who, course.radical, 0.0, {"RADICAL BY": Words.either(ablated, "ablation", "resection")}
    )
    seen_in_tissue = Words(np.where(ablated, 2, invades), ("absent", "present", "not_assessable"))
    for name, values in (
        ("MICROVASCULAR INVASION", seen_in_tissue),
        ("CIRRHOSIS", Words.either(covariates.cirrhosis, "present", "absent")),
    ):
        some = told()
        add_categories(rows, some, course.radical[some], 0.0, {name: values[some]})
    add_categories(rows, who, day, SCREENING, {
        "ASCITES": "none", "ENCEPHALOPATHY": "none", "OTHER CANCER": "none", "IN OTHER TRIAL": "N",
    })  # fmt: skip
    antigen, some = Words.either(draws.chance(p.hbeag_positive), "positive", "negative"), told()
    add_categories(rows, some, day[some], SCREENING, {"HBEAG": antigen[some]})
    women = who[~people.is_man]
    add_categories(rows, women, day[women], SCREENING, {"PREGNANCY TEST": "negative", "BREASTFEEDING": "N"})
    treated = who[people.enrolled]
    assigned = Words.either(course.interferon.decided, *reversed(plan.groups))
    add_categories(rows, treated, zero[treated], SCREENING, {"ASSIGNED GROUP": assigned[treated]})
    weeks = np.asarray(np.round((zero - course.radical) / 7.0, 1), dtype=np.float64)
    add_number(
        rows, treated, zero[treated], SCREENING, "WEEKS SINCE RADICAL TREATMENT", weeks[treated], "weeks"
    )
    number = np.where(covariates.bclc_a, draws.days(1, 3), 1).astype(np.float64)
    size = np.where(
        covariates.bclc_a, np.maximum(covariates.tumour_size, 20.0), np.minimum(covariates.tumour_size, 20.0)
    )
    for name, value, unit in (("TUMOUR NUMBER", number, ""), ("TUMOUR SIZE", size.round(), "mm")):
        some = told()
        add_number(rows, some, before[some], 0.0, name, value[some], unit)
    resected = who[~ablated]
    for name, most in (("PD L1 CPS", 30.0), ("PD L1 TPS", 20.0), ("T CELL INFILTRATION", 100.0)):
        share = np.round(draws.uniform(0.0, most))
        add_number(
            rows, resected, course.radical[resected], 0.0, name, share[resected], "%" if "TPS" in name else ""
        )


def _add_drugs(rows: Rows, course: Course) -> None:
    people, zero, takes = course.people, course.zero, course.interferon
    treated = np.flatnonzero(people.enrolled)
    ends = np.where(course.death < NEVER, zero + course.last, NO_DAY)
    rows.add("EX", treated, EXTRT="NUCLEOSIDE ANALOGUE", EXDOSE=1.0, EXDOSU="TABLET", EXDOSFRM="TABLET", EXDOSFRQ="QD",
             EXROUTE="ORAL", EXSTDTC=(zero + course.analogue)[treated], EXENDTC=ends[treated])  # fmt: skip
    some = np.flatnonzero((takes.first < NEVER) & people.enrolled)
    rows.add("EX", some, EXTRT="PEGINTERFERON", EXDOSE=180.0, EXDOSU="ug", EXDOSFRM="INJECTION", EXDOSFRQ="QS",
             EXROUTE="SUBCUTANEOUS", EXSTDTC=(zero + takes.first)[some], EXENDTC=(zero + takes.last)[some])  # fmt: skip


def _add_laboratory(
    rows: Rows, course: Course, visits: Visits, measured: Mapping[str, tuple[Results, Recorded]]
) -> None:
    people, zero = course.people, course.zero
    add_results(rows, people, zero, visits.day, visits.number, measured)
    who = np.arange(people.n)
    for name, level in (("hbsag", POSITIVE), ("anti_hcv", NEGATIVE)):
        rows.add("LB", **levels(name, level, who, zero + course.laboratory_day, SCREENING))
    subject = np.nonzero(visits.done)[0]
    add_visit_records(rows, subject, zero[subject] + visits.day[visits.done], visits.number[visits.done])
    treated = who[people.enrolled]
    add_visit_records(rows, treated, zero[treated], np.full(len(treated), SCREENING + 9))
    living = who[people.enrolled & (course.death == NEVER)]
    add_visit_records(rows, living, (zero + course.last)[living], np.full(len(living), 900.0))


def _add_scans(rows: Rows, course: Course) -> None:
    people, zero, scans = course.people, course.zero, course.scans
    who = np.flatnonzero(people.enrolled)
    first = (zero + course.scan_day)[who]
    ablated = course.covariates.by_ablation
    subject, column = np.nonzero(scans.done)
    day, number = zero[subject] + scans.day[scans.done], SCAN + 1 + column
    rows.add("PR", np.concatenate([who, subject]), PRTRT="MRI of the liver", PRDECOD="LIVER MRI",
             PRSTDTC=np.concatenate([first, day]))  # fmt: skip
    add_visit_records(rows, who, first, np.full(len(who), SCAN))
    add_visit_records(rows, subject, day, number.astype(np.float64))
    everybody = np.ones(len(subject), dtype=bool)
    for reader, name in enumerate(READERS):
        burnt = who[ablated[who]]
        add_categories(rows, who, first, SCAN, {"LIRADS": "LR-1", "EXTRAHEPATIC LESION": "none"}, name)
        add_categories(
            rows, burnt, (zero + course.scan_day)[burnt], SCAN, {"LIRADS TREATED": "nonviable"}, name
        )
        for fact, values, has in (
            ("LIRADS", scans.category, everybody), ("EXTRAHEPATIC LESION", scans.outside, everybody),
            ("LIRADS TREATED", scans.site, ablated[subject]),
        ):  # fmt: skip
            seen = values[:, :, reader][scans.done][has]
            rows.add("FA", subject[has], FAOBJ=fact, FATESTCD="STATUS", FATEST="Status", FAORRES=seen, FASTRESC=seen,
                     FAEVAL=name, FADTC=day[has], VISITNUM=number[has].astype(np.float64))  # fmt: skip
    for when, fact, level in (
        (scans.histology, "HISTOLOGY OF NEW LESION", "hcc"),
        (scans.treated, "TREATED AS HCC", "Y"),
    ):
        some = np.flatnonzero((when < NEVER) & people.enrolled)
        rows.add("FA", some, FAOBJ=fact, FATESTCD="STATUS", FATEST="Status", FAORRES=level, FASTRESC=level,
                 FADTC=(zero + when)[some])  # fmt: skip
        add_visit_records(rows, some, (zero + when)[some], np.full(len(some), DECISION))


def _add_profile(
    rows: Rows, p: AfterTreatment, plan: AfterTreatmentPlan, course: Course, latest: Whole, draws: Draws
) -> None:
    """PD-1 on T cells at the start and every 24 weeks of the first year, until the `latest` day on which anybody came."""
    people, zero, takes = course.people, course.zero, course.interferon
    own = draws.between(p.pd1_mean, p.pd1_sd, 2.0, 70.0)
    for number, week in enumerate((0, plan.profile_every, 2 * plan.profile_every)):
        day = course.laboratory_day if number == 0 else week + draws.days(-14, 14)
        fall = np.where(takes.first < day, p.pd1_fall * min(number / 2.0, 1.0), 0.0)
        value = np.clip(own - fall + draws.normal(0.0, 2.0), 0.5, 95.0)
        is_taken = ~draws.chance(p.missed_visits) & people.enrolled & (day <= latest)
        some = np.flatnonzero(is_taken | (number == 0))
        for name, part in (("PD1 CD8", 1.0), ("PD1 CD8 OF T CELLS", 0.35), ("PD1 CD8 OF LYMPHOCYTES", 0.25)):
            add_number(
                rows, some, (zero + day)[some], float(number), name, np.round(value * part, 1)[some], "%"
            )
