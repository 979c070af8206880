"""Visits and samples of virtual patients with advanced disease, and what the laboratory made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trialwright.design.virtual.advanced_course import Course, liver_injury
from trialwright.design.virtual.draws import NEVER, Draws, Flags, Numbers, Whole
from trialwright.design.virtual.laboratory import Recorded, report_between, report_result, tests
from trialwright.design.virtual.parameters import Advanced
from trialwright.design.virtual.people import Results, one_a_day
from trialwright.design.virtual.plan import AdvancedPlan
from trialwright.design.virtual.viral_load import FIRST_DAY

IMAGING, SCREENING, INFUSION, END, FOLLOW_UP, CONTACT, SCAN = 1.0, 2.0, 100.0, 200.0, 300.0, 400.0, 500.0
"""Visit numbers begin here, by kind."""


@dataclass(frozen=True, slots=True)
class Visits:
    """All visits of all subjects but scans, in columns; days from the first dose."""

    day: Whole
    number: Numbers
    done: Flags
    sampled: Flags
    is_whole: Flags
    """Screening and end of treatment: everything is measured, not the virus and the enzymes alone."""


@dataclass(frozen=True, slots=True)
class Liver:
    """What the livers of subjects are like without injury, each of shape (n, 1)."""

    alp: Numbers
    bilirubin: Numbers
    is_icteric: Flags
    """Whether a flare raises bilirubin."""


def true_bilirubin(p: Advanced, course: Course, liver: Liver, day: Whole, times: Numbers) -> Numbers:
    """Bilirubin on days with so many times the usual ALT, shape (n, m): raised by flares in some, and by decompensation."""
    failing = day >= course.decompensation[:, None]
    flared = liver.bilirubin * np.where(liver.is_icteric, np.sqrt(times), 1.0)
    return np.asarray(flared * np.where(failing, p.decompensation_bilirubin, 1.0))


def draw_visits(p: Advanced, plan: AdvancedPlan, course: Course, seed: int, trial: int) -> Visits:
    """When each visit takes place, and whether a sample is taken."""
    n = course.people.n
    draws = Draws(seed, trial, "visits", n)
    doses = course.doses
    columns: list[tuple[Whole, float, Flags, bool, bool]] = [
        (course.laboratory_day, SCREENING, np.ones(n, dtype=bool), True, True),
        *(
            (doses.day[:, column], INFUSION + 1 + column, doses.is_visit[:, column], True, False)
            for column in range(doses.day.shape[1])
        ),
    ]
    has_ended = doses.stop < NEVER
    leaving = doses.last + draws.days(14, plan.interval)
    columns.append((leaving, END, has_ended, True, True))
    for month in range(2, 7):
        day = doses.last + plan.follow_up_every * month + draws.days(-7, 7)
        columns.append((day, FOLLOW_UP + month, has_ended, True, False))
    for quarter in range(1, plan.last_day // plan.survival_every + 1):
        day = doses.last + plan.survival_every * quarter + draws.days(-14, 14)
        columns.append((day, CONTACT + quarter, has_ended, False, False))
    day = np.stack([one[0] for one in columns], axis=1)
    done = np.stack([one[2] for one in columns], axis=1) & (day <= course.last[:, None])
    done[:, 0] = True
    takes = np.array([one[3] for one in columns])[None, :]
    missed = draws.rng.random(day.shape) < p.missed_visits
    missed[:, 0] = False
    number = np.broadcast_to(np.array([one[1] for one in columns]), day.shape)
    whole = np.broadcast_to(np.array([one[4] for one in columns]), day.shape)
    return Visits(day, number, done, one_a_day(day, done & takes & ~missed), whole)


def draw_results(
    p: Advanced, plan: AdvancedPlan, course: Course, visits: Visits, seed: int, trial: int
) -> tuple[Mapping[str, tuple[Results, Recorded]], Liver]:
    """What was measured at the visits: for each test the results in the unit of the catalogue, and as reported.

    Also what the livers are like that some of it was measured of.
    """
    people = course.people
    n, shape = people.n, visits.day.shape
    draws = Draws(seed, trial, "laboratory", n)
    chemistry, virology = people.laboratory[:, None], people.viral_laboratory[:, None]
    column = np.clip(visits.day - FIRST_DAY, 0, course.virus.curve.shape[1] - 1)
    virus = np.take_along_axis(course.virus.curve, column, axis=1)
    seen = 10.0 ** (virus + p.hbv_dna_assay_sd * draws.rng.standard_normal(shape))
    # whoever is enrolled was above the limit at screening, and one who fails screening for it was not
    least = plan.least_hbv_dna * 1.05
    seen[:, 0] = np.maximum(seen[:, 0], least)
    low = failing_by_virus(course, seed, trial)
    seen[:, 0] = np.where(low, plan.least_hbv_dna * draws.uniform(0.05, 0.95), seen[:, 0])
    lower, upper = plan.hbv_dna_limits
    made: dict[str, tuple[Results, Recorded]] = {}
    viral = report_between(
        "hbv_dna", seen, virology, lower=lower, upper=upper, detection=p.hbv_dna_detection_limit
    )
    made["hbv_dna"] = (Results(visits.day, viral.value, viral.state, visits.sampled), viral)
    times = liver_injury(course.virus.flares, visits.day)
    yellow = draws.chance(p.icteric_flare)[:, None]
    failing = visits.day >= course.decompensation[:, None]

    def noise(spread: float) -> Numbers:
        return np.asarray(np.exp(spread * draws.rng.standard_normal(shape)))

    def own(name: str) -> Numbers:
        median, spread = tests()[name].typical or (1.0, 0.0)
        return draws.spread(median, spread)[:, None]

    alt = course.alt[:, None] * times
    true = {
        "alt": alt * noise(p.alt_within),
        "ast": (own("ast") + 0.8 * (alt - course.alt[:, None])) * noise(p.alt_within),
        "alp": (alp := own("alp")) * noise(p.analyte_within),
        "bilirubin": true_bilirubin(p, course, liver := Liver(alp, own("bilirubin"), yellow), visits.day, times)
        * noise(p.analyte_within),
        "albumin": own("albumin") * np.where(failing, 0.7, 1.0) * noise(p.analyte_within / 4),
        "inr": own("inr") * np.where(failing, 1.5, 1.0) * noise(p.analyte_within / 4),
    }  # fmt: skip
    for name, values in true.items():
        is_measured = visits.sampled & (visits.is_whole | (name in ("alt", "ast", "alp", "bilirubin")))
        recorded = report_result(name, np.maximum(values, 0.1), chemistry)
        made[name] = (Results(visits.day, recorded.value, recorded.state, is_measured), recorded)
    return made, liver


def failing_by_virus(course: Course, seed: int, trial: int) -> Flags:
    """Of those who fail screening, whose virus is too low; the others fail for their stage."""
    return ~course.people.enrolled & Draws(seed, trial, "failing", course.people.n).chance(0.6)
