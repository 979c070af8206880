"""A virtual trial after radical treatment: drawn, recorded, and read as a person would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from trialwright.design.virtual.after_treatment_course import Course, draw_course
from trialwright.design.virtual.after_treatment_results import (
    Antigen,
    Visits,
    draw_antigen,
    draw_results,
    draw_visits,
    last_contact,
)  # fmt: skip
from trialwright.design.virtual.after_treatment_rows import add_rows
from trialwright.design.virtual.draws import NEVER, Draws, Whole
from trialwright.design.virtual.laboratory import Recorded
from trialwright.design.virtual.observed_advanced import Seen
from trialwright.design.virtual.observed_after_treatment import Look, Patient, see
from trialwright.design.virtual.parameters import AfterTreatment
from trialwright.design.virtual.people import Results, draw_people
from trialwright.design.virtual.plan import AfterTreatmentPlan
from trialwright.design.virtual.readings import Sample, samples_of
from trialwright.design.virtual.tables import Rows, Words
from trialwright.design.virtual.truth import MadeTrial, true_dates

AGES = (18.1, 70.9)


def make_after_treatment_trial(
    p: AfterTreatment, plan: AfterTreatmentPlan, seed: int, trial: int, subjects: int
) -> MadeTrial:
    """Make one trial: subjects enrolled, and those beside them who failed screening."""
    people = draw_people(p, seed, trial, subjects, frame=1096, ages=AGES)
    course = draw_course(p, plan, people, seed, trial)
    visits = draw_visits(p, plan, course, seed, trial)
    antigen = draw_antigen(p, course, Draws(seed, trial, "antigen", people.n))
    measured = draw_results(p, plan, course, visits, antigen, seed, trial)
    rows = Rows()
    add_rows(rows, p, plan, course, visits, measured, seed, trial)
    seen = _see_everybody(course, visits, measured)
    return MadeTrial(people.n, course.zero, rows, people.enrolled, _latent(course, antigen), seen)


def _see_everybody(
    course: Course, visits: Visits, measured: Mapping[str, tuple[Results, Recorded]]
) -> Iterator[tuple[int, Seen]]:
    """What can be seen of each subject; nothing is looked at before it is asked for."""
    for subject, patient in read_patients(course, visits, measured):
        for one in see(patient):
            yield subject, one


def read_patients(
    course: Course, visits: Visits, measured: Mapping[str, tuple[Results, Recorded]]
) -> list[tuple[int, Patient]]:
    """The records of everybody who was enrolled."""
    people, scans = course.people, course.scans
    surface = _samples(measured["hbsag_quantity"][0])
    antibodies = _samples(measured["anti_hbs"][0])
    virus = _samples(measured["hbv_dna"][0])
    day, done = scans.day.tolist(), scans.done.tolist()
    category, site, outside = scans.category.tolist(), scans.site.tolist(), scans.outside.tolist()
    histology, treated = scans.histology.tolist(), scans.treated.tolist()
    death, second = course.death.tolist(), course.second_primary.tolist()
    transplanted, unseen = course.transplantation.tolist(), course.unseen_death.tolist()
    interferon = course.interferon.last.tolist()
    contact = last_contact(course, visits).tolist()
    found = []
    for who in np.flatnonzero(people.enrolled).tolist():
        scanned = sorted(
            (scan for scan in range(len(day[who])) if done[who][scan]), key=lambda scan: day[who][scan]
        )
        looks = tuple(
            [
                Look(
                    day[who][scan],
                    category[who][scan][reader],
                    site[who][scan][reader],
                    outside[who][scan][reader],
                )
                for scan in scanned
            ]
            for reader in (0, 1)
        )
        found.append(
            (
                who,
                Patient(
                    looks=(looks[0], looks[1]),
                    histology=_known(histology[who]),
                    treated=_known(treated[who]),
                    unseen_death=unseen[who],
                    death=_known(death[who]),
                    second_primary=_known(second[who]),
                    transplantation=_known(transplanted[who]),
                    last_contact=contact[who],
                    last_interferon=_known(interferon[who]),
                    last_analogue=None,
                    hbsag=surface[who],
                    anti_hbs=antibodies[who],
                    hbv_dna=virus[who],
                ),
            )
        )
    return found


def _samples(results: Results) -> list[list[Sample]]:
    return samples_of(
        results.day.tolist(), results.value.tolist(), results.state.tolist(), results.done.tolist()
    )


def _known(day: int) -> int | None:
    return None if day >= NEVER else day


def _latent(course: Course, antigen: Antigen) -> Mapping[str, Any]:
    """What truly happened, of everybody who was enrolled."""
    people = course.people
    alive = np.where(people.enrolled, course.last, -1)

    def lived(day: Whole) -> Whole:
        return np.where(day <= alive, day, NEVER)

    kinds = ("in the liver", "in a vein", "not specific", "outside the liver", "at the ablated site")
    return {
        "ENROLLED": Words.either(people.enrolled),
        "WITH_PEGINTERFERON": Words.either(course.interferon.decided),
        "PROPENSITY": course.interferon.propensity,
        "UNMEASURED": Words.either(course.covariates.unmeasured),
        "RECURRENCE_DAY": course.recurrence,
        "RECURRENCE_DAY_WITH": course.recurrence_with,
        "RECURRENCE_DAY_WITHOUT": course.recurrence_without,
        "RECURRENCE_KIND": Words(course.kind, kinds),
        "HBSAG_LOG10_AT_ZERO": course.covariates.hbsag,
        **true_dates(
            course.zero,
            ZERO=np.where(people.enrolled, 0, NEVER),
            RADICAL_TREATMENT=np.where(people.enrolled, course.radical - course.zero, NEVER),
            RECURRENCE=lived(course.recurrence),
            HBSAG_LOSS=lived(antigen.loss),
            HBSAG_RETURN=lived(antigen.comes_back),
            PEGINTERFERON_START=course.interferon.first,
            PEGINTERFERON_END=course.interferon.last,
            DEATH=course.death,
            LAST_DAY=np.where(people.enrolled, course.last, NEVER),
        ),
    }
