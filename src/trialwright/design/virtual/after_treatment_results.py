"""Blood tests of virtual patients after radical treatment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trialwright.design.virtual.after_treatment_course import Course
from trialwright.design.virtual.draws import NEVER, Draws, Flags, Numbers, Whole, of_others
from trialwright.design.virtual.laboratory import Recorded, report_between, report_result, tests
from trialwright.design.virtual.parameters import AfterTreatment
from trialwright.design.virtual.people import Results, one_a_day
from trialwright.design.virtual.plan import AfterTreatmentPlan

SCREENING, LABORATORY, INTERFERON, SCAN, DECISION = 1.0, 100.0, 300.0, 500.0, 600.0
"""Visit numbers begin here, by kind."""

_COUNTS = ("platelets", "neutrophils", "alt")
"""What is measured between the regular visits while peginterferon is given."""


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits with blood tests, in columns: screening, the regular ones, those under peginterferon."""

    day: Whole
    number: Numbers
    done: Flags
    sampled: Flags
    is_regular: Flags


@dataclass(frozen=True, slots=True)
class Antigen:
    """HBsAg as it truly is."""

    is_lost: Flags
    loss: Whole
    comes_back: Whole
    has_antibodies: Flags


def draw_visits(p: AfterTreatment, plan: AfterTreatmentPlan, course: Course, seed: int, trial: int) -> Visits:
    """When blood is taken."""
    n = course.people.n
    draws = Draws(seed, trial, "visits", n)
    planned = plan.last_day // plan.interval
    regular = plan.interval * np.arange(1, planned + 1)[None, :]
    regular = regular + draws.days_of((n, planned), -plan.tolerance, plan.tolerance)
    between = round(p.interferon_length) // plan.interferon_every
    first = np.where(course.interferon.first < NEVER, course.interferon.first, 0)[:, None]
    safety = first + plan.interferon_every * np.arange(1, between + 1)[None, :]
    safety = safety + draws.days_of((n, between), -3, 3)
    takes = (course.interferon.first < NEVER)[:, None] & (safety <= course.interferon.last[:, None])
    day = np.concatenate([course.laboratory_day[:, None], regular, safety], axis=1)
    asked = np.concatenate([np.ones((n, 1 + planned), dtype=bool), takes], axis=1)
    done = asked & (day <= course.last[:, None])
    done[:, 0] = True
    number = np.concatenate(
        [[SCREENING], LABORATORY + 1 + np.arange(planned), INTERFERON + 1 + np.arange(between)]
    )
    missed = draws.rng.random(day.shape) < p.missed_visits
    missed[:, 0] = False
    is_regular = np.arange(day.shape[1]) <= planned
    return Visits(
        day, np.broadcast_to(number, day.shape), done & ~missed, one_a_day(day, done & ~missed),
        np.broadcast_to(is_regular, day.shape),
    )  # fmt: skip


def last_contact(course: Course, visits: Visits) -> Whole:
    """The last day on which blood was taken or a scan took place; of the living the last day of all."""
    seen = np.where(visits.done, visits.day, -1000).max(axis=1)
    scanned = np.where(course.scans.done, course.scans.day, -1000).max(axis=1)
    closing = np.where(course.death == NEVER, course.last, 0)
    return np.asarray(np.maximum.reduce([seen, scanned, closing]))


def draw_antigen(p: AfterTreatment, course: Course, draws: Draws) -> Antigen:
    """Who loses HBsAg under peginterferon, when, and whether for good."""
    taken = (course.interferon.first < NEVER) & ~course.interferon.is_early
    is_lost = draws.chance(of_others(p.hbsag_loss_with_peginterferon, p.interferon_stop)) & taken
    loss = course.interferon.first + draws.days(0.5 * p.interferon_length, p.interferon_length)
    back = course.interferon.last + draws.days(40, 150)
    lasts = draws.chance(p.hbsag_loss_lasts)
    return Antigen(
        is_lost,
        np.where(is_lost, loss, NEVER),
        np.where(is_lost & ~lasts, back, NEVER),
        draws.chance(p.seroconversion_share) & is_lost,
    )


def draw_results(
    p: AfterTreatment, plan: AfterTreatmentPlan, course: Course, visits: Visits, antigen: Antigen,
    seed: int, trial: int,
) -> Mapping[str, tuple[Results, Recorded]]:  # fmt: skip
    """What was measured at the visits: for each test the results in the unit of the catalogue, and as reported."""
    people, shape = course.people, visits.day.shape
    draws = Draws(seed, trial, "laboratory", people.n)
    chemistry, virology = people.laboratory[:, None], people.viral_laboratory[:, None]

    def noise(spread: float) -> Numbers:
        return np.asarray(np.exp(spread * draws.rng.standard_normal(shape)))

    def own(name: str) -> Numbers:
        median, spread = tests()[name].typical or (1.0, 0.0)
        return draws.spread(median, spread)[:, None]

    takes = course.interferon
    under = (visits.day > takes.first[:, None]) & (visits.day <= takes.last[:, None] + 14)
    returned = visits.day >= course.recurrence[:, None]
    afp = draws.spread(p.afp_median, p.afp_spread)[:, None]
    rises = draws.chance(p.afp_rises)[:, None]
    true = {
        "alt": draws.spread(p.alt_median, p.alt_spread)[:, None] * np.where(under, p.alt_under_interferon, 1.0)
        * noise(p.alt_within),
        "bilirubin": np.minimum(own("bilirubin"), 20.0) * noise(p.analyte_within),
        "albumin": np.maximum(own("albumin"), 37.0) * noise(p.analyte_within / 4),
        "inr": np.minimum(own("inr"), 1.2) * noise(p.analyte_within / 4),
        "creatinine": np.minimum(own("creatinine"), 95.0) * noise(p.analyte_within / 2),
        "platelets": own("platelets") * np.where(under, 1 - p.platelets_fall, 1.0) * noise(p.analyte_within),
        "neutrophils": own("neutrophils") * np.where(under, 1 - p.neutrophils_fall, 1.0) * noise(p.analyte_within),
        "afp": afp * np.where(returned & rises, p.afp_after_recurrence, 1.0) * noise(p.analyte_within),
    }  # fmt: skip
    made: dict[str, tuple[Results, Recorded]] = {}
    lacks_first = Draws(seed, trial, "missing results", people.n).chance(p.missing_covariates)
    regular = visits.sampled & visits.is_regular
    for name, values in true.items():
        is_measured = visits.sampled if name in _COUNTS else regular
        if name == "afp":
            is_measured = regular.copy()
            is_measured[:, 0] &= ~lacks_first
        recorded = report_result(name, np.maximum(values, 0.1), chemistry)
        made[name] = (Results(visits.day, recorded.value, recorded.state, is_measured), recorded)
    lower, upper = plan.hbv_dna_limits
    cleared = draws.chance(p.hbv_dna_undetected)[:, None]
    virus = np.where(cleared, 0.0, 1.2 - visits.day / 365.0) + 0.3 * draws.rng.standard_normal(shape)
    viral = report_between(
        "hbv_dna", 10.0**virus, virology, lower=lower, upper=upper, detection=p.hbv_dna_detection_limit
    )
    made["hbv_dna"] = (Results(visits.day, viral.value, viral.state, regular), viral)
    surface = true_hbsag(p, course, antigen, visits.day)
    surface = surface + p.hbsag_assay_sd * draws.rng.standard_normal(shape)
    lower, upper = plan.hbsag_limits
    seen = report_between("hbsag_quantity", 10.0**surface, chemistry, lower=lower, upper=upper)
    made["hbsag_quantity"] = (Results(visits.day, seen.value, seen.state, regular), seen)
    has_antibodies = antigen.has_antibodies[:, None] & (visits.day >= antigen.loss[:, None] + 28)
    titre = np.where(has_antibodies, draws.spread(80, 0.8)[:, None] + 15, draws.spread(2, 0.5)[:, None])
    titre = np.where(has_antibodies, titre, np.minimum(titre, 8.0)) * noise(0.05)
    surface_antibody = report_result("anti_hbs", titre, chemistry)
    made["anti_hbs"] = (
        Results(visits.day, surface_antibody.value, surface_antibody.state, regular),
        surface_antibody,
    )
    return made


def true_hbsag(p: AfterTreatment, course: Course, antigen: Antigen, day: Whole) -> Numbers:
    """Log10 HBsAg on days: a slow fall under analogues, a faster one under peginterferon, or down to none."""
    start = course.covariates.hbsag[:, None]
    takes = course.interferon
    first = np.where(takes.first < NEVER, takes.first, 0)[:, None]
    length = np.where(takes.first < NEVER, takes.last - takes.first, 0)[:, None]
    elapsed = np.clip(day - first, 0, length)
    slow = (
        start - p.hbsag_fall * np.maximum(day, 0) / 365.25 - p.hbsag_fall_under_interferon * elapsed / 365.25
    )
    gone = np.log10(0.02)
    to_loss = np.maximum(antigen.loss[:, None] - first, 1)
    falling = start - (start - gone) * np.clip((day - first) / to_loss, 0.0, 1.0)
    level = np.where(antigen.is_lost[:, None], falling, np.maximum(slow, -0.3))
    return np.asarray(np.where(day >= antigen.comes_back[:, None], 0.5, level))
