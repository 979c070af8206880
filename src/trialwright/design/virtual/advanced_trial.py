"""A virtual trial in advanced liver cancer with active hepatitis B: drawn, recorded, and read as a person would."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from trialwright.design.virtual.advanced_course import Course, draw_course, liver_injury
from trialwright.design.virtual.advanced_rows import add_rows
from trialwright.design.virtual.advanced_visits import (
    Liver,
    Visits,
    draw_results,
    draw_visits,
    true_bilirubin,
)
from trialwright.design.virtual.adverse_events import add_immune_mediated
from trialwright.design.virtual.draws import NEVER, Draws, Flags, Numbers, Whole, of_others
from trialwright.design.virtual.laboratory import Recorded, upper_limits
from trialwright.design.virtual.lesions import NOT_MEASURED
from trialwright.design.virtual.observed_advanced import (
    CHOLESTASIS_ALP,
    INJURY_ALT,
    INJURY_BILIRUBIN,
    JAUNDICE_WITHIN,
    Patient,
    Seen,
    see,
)  # fmt: skip
from trialwright.design.virtual.observed_tumour import Assessment, Scan, assess
from trialwright.design.virtual.parameters import Advanced
from trialwright.design.virtual.people import EPOCH, Results, draw_people
from trialwright.design.virtual.plan import AdvancedPlan
from trialwright.design.virtual.readings import Sample, samples_of
from trialwright.design.virtual.tables import NO_DAY, Rows, Words
from trialwright.design.virtual.truth import MadeTrial, true_dates
from trialwright.design.virtual.viral_load import FIRST_DAY, first_day

AGES = (20.0, 90.0)
INJURED = ("alt", "alp", "bilirubin")
"""What Hy's law looks at."""
_IMMUNE_MEDIATED = ("Hypothyroidism", "Rash", "Colitis", "Pneumonitis")


def make_advanced_trial(p: Advanced, plan: AdvancedPlan, seed: int, trial: int, subjects: int) -> MadeTrial:
    """Make one trial: subjects enrolled, and those beside them who failed screening."""
    people = draw_people(p, seed, trial, subjects, frame=plan.last_day, ages=AGES)
    course = draw_course(p, plan, people, seed, trial)
    visits = draw_visits(p, plan, course, seed, trial)
    measured, liver = draw_results(p, plan, course, visits, seed, trial)
    assessments = read_scans(course)
    seen = read_patients(course, visits, measured, assessments)
    rows = Rows()
    add_rows(rows, p, plan, course, visits, measured, assessments, seed, trial)
    _add_injuries(rows, p, course, seen, seed, trial)
    told = [(subject, one) for subject, found in enumerate(seen) for one in found]
    return MadeTrial(people.n, course.zero, rows, people.enrolled, _latent(p, course, liver), told)


def read_scans(course: Course) -> list[tuple[list[Assessment], list[Assessment]]]:
    """What both readers make of the scans of each subject."""
    scans = course.scans
    days, done = scans.day.tolist(), scans.done.tolist()
    mm, new = scans.mm.tolist(), scans.new.tolist()
    worse, gone = scans.non_target.tolist(), scans.non_target_gone.tolist()
    counted, baseline = scans.counted.tolist(), scans.baseline_mm.tolist()
    found = []
    for who in range(course.people.n):
        readers = []
        for reader in (0, 1):
            targets = [lesion for lesion in range(4) if counted[who][reader][lesion]]
            is_all = counted[who][reader] == counted[who][0]
            series = [
                Scan(
                    days[who][scan],
                    tuple(mm[who][scan][reader][lesion] for lesion in targets),
                    gone[who][scan] and is_all,
                    worse[who][scan],
                    new[who][scan][reader],
                )
                for scan in range(len(days[who]))
                if done[who][scan]
            ]
            readers.append(assess([baseline[who][reader][one] for one in targets], targets, series))
        found.append((readers[0], readers[1]))
    return found


def read_patients(
    course: Course,
    visits: Visits,
    measured: Mapping[str, tuple[Results, Recorded]],
    assessments: list[tuple[list[Assessment], list[Assessment]]],
) -> list[list[Seen]]:
    """What can be seen of each subject; nothing of those who were not enrolled."""
    people = course.people
    samples = {name: _samples(measured[name][0]) for name in ("hbv_dna", *INJURED)}
    limits = [limit.tolist() for limit in upper_limits(INJURED, people.laboratory, people.is_man)]
    contact = last_contact(course, visits).tolist()
    zero, last_dose = course.zero.tolist(), course.doses.last.tolist()
    begun = np.where(course.virus.entecavir <= course.last, course.virus.entecavir, NEVER)
    entecavir, stop = begun.tolist(), _stops(course).tolist()
    therapy, death = course.new_therapy.tolist(), course.death.tolist()
    found: list[list[Seen]] = []
    for who in range(people.n):
        if not people.enrolled[who]:
            found.append([])
            continue
        patient = Patient(
            zero=date.fromordinal(EPOCH.toordinal() + zero[who]),
            last_dose=last_dose[who],
            entecavir=_known(entecavir[who]),
            stop=_known(stop[who]),
            new_therapy=_known(therapy[who]),
            death=_known(death[who]),
            last_contact=contact[who],
            hbv_dna=samples["hbv_dna"][who],
            alt=samples["alt"][who],
            alp=samples["alp"][who],
            bilirubin=samples["bilirubin"][who],
            normal={name: limit[who] for name, limit in zip(INJURED, limits, strict=True)},
            assessments=assessments[who],
        )
        found.append(list(see(patient)))
    return found


def _samples(results: Results) -> list[list[Sample]]:
    return samples_of(
        results.day.tolist(), results.value.tolist(), results.state.tolist(), results.done.tolist()
    )


def _stops(course: Course) -> Whole:
    """Days on which the end of durvalumab is told as such; a death is told as death."""
    return np.where(course.doses.reason == 3, NEVER, course.doses.stop)


def _known(day: int) -> int | None:
    return None if day >= NEVER else day


def last_contact(course: Course, visits: Visits) -> Whole:
    """The last day on which a visit or a scan took place; of the living the last day of all."""
    seen = np.where(visits.done, visits.day, -1000).max(axis=1)
    scanned = np.where(course.scans.done, course.scans.day, -1000).max(axis=1)
    closing = np.where(course.death == NEVER, course.last, -1000)
    return np.asarray(np.maximum.reduce([seen, scanned, closing]))


def _add_injuries(
    rows: Rows, p: Advanced, course: Course, seen: list[list[Seen]], seed: int, trial: int
) -> None:
    """Liver injuries as they were noticed: adverse events, steroids, and what was judged to be their cause."""
    n = course.people.n
    draws = Draws(seed, trial, "injuries", n)
    day = np.full(n, NEVER, dtype=np.int64)
    for who, found in enumerate(seen):
        for one in found:
            if (
                one.element == "events.hepatitis_flare"
                and one.finding is not None
                and one.finding.day is not None
            ):
                day[who] = one.finding.day
    by_virus, by_immunity = (_near(day, peak) for peak, _ in course.virus.flares)
    settled = np.where(day + 42 <= course.last, course.zero + day + 42, NO_DAY)
    grade = np.where(course.virus.flares[1][1] >= 5.0, 3, 2)
    some = np.flatnonzero(by_immunity)
    add_immune_mediated(
        rows, "Immune-mediated hepatitis", some, (course.zero + day)[some], settled[some], grade[some],
        steroid=np.ones(len(some), dtype=bool),
    )  # fmt: skip
    some = np.flatnonzero(by_virus)
    rows.add("AE", some, AETERM="Hepatitis B reactivation", AEDECOD="HEPATITIS B REACTIVATION",
             AESTDTC=(course.zero + day)[some], AEENDTC=settled[some], AETOXGR="3", AESER="Y", AEREL="RELATED",
             AEACN="DRUG INTERRUPTED", AEOUT=np.where(settled > NO_DAY, "RECOVERED/RESOLVED",
                                                      "NOT RECOVERED/NOT RESOLVED")[some])  # fmt: skip
    judged = (day < NEVER) & draws.chance(p.judged_causes)
    later = np.minimum(day + draws.days(7, 28), course.last)
    some = np.flatnonzero(judged)
    cause = np.where(by_virus, "HBV", np.where(by_immunity, "IMMUNE-MEDIATED", "INDETERMINATE"))[some]
    rows.add("FA", some, FAOBJ="HEPATITIS FLARE", FATESTCD="CAUSE", FATEST="Cause", FAORRES=cause, FASTRESC=cause,
             FAEVAL="ADJUDICATION COMMITTEE", FADTC=(course.zero + later)[some],
             of_flare=(course.zero + day)[some])  # fmt: skip
    _add_other_immune(rows, p, course, draws)


def _near(day: Whole, peak: Whole) -> Flags:
    return np.asarray((day < NEVER) & (peak < NEVER) & (np.abs(day - peak) <= 60))


def _add_other_immune(rows: Rows, p: Advanced, course: Course, draws: Draws) -> None:
    share = max(p.immune_mediated - p.immune_hepatitis, 0.0)
    has_hepatitis = course.virus.flares[1][0] < NEVER
    has = draws.chance(of_others(share, p.immune_hepatitis)) & ~has_hepatitis & course.people.enrolled
    reach = np.minimum.reduce(
        [course.last, course.doses.last + 90, np.full(course.people.n, round(2 * p.immune_hepatitis_latest))]
    )
    onset = draws.days_until(p.immune_hepatitis_earliest, reach)
    which = draws.rng.integers(0, len(_IMMUNE_MEDIATED), course.people.n)
    grade = np.where(draws.chance(p.severe_adverse_events), 3, 2)
    length = draws.waiting(56)
    for number, term in enumerate(_IMMUNE_MEDIATED):
        some = np.flatnonzero(has & (which == number) & (onset < NEVER))
        end = np.where(onset + length <= course.last, course.zero + onset + length, NO_DAY)
        add_immune_mediated(
            rows, term, some, (course.zero + onset)[some], end[some], grade[some],
            steroid=np.full(len(some), term != "Hypothyroidism"),
        )  # fmt: skip


def _true_injury(p: Advanced, course: Course, liver: Liver, days: Whole, times: Numbers) -> Whole:
    """The first day on which ALT, ALP and the bilirubin of that day or the weeks after truly fulfil Hy's law."""
    people = course.people
    limits = upper_limits(INJURED, people.laboratory, people.is_man)
    alt_limit, alp_limit, bilirubin_limit = (limit[:, None] for limit in limits)
    is_yellow = true_bilirubin(p, course, liver, days, times) > INJURY_BILIRUBIN * bilirubin_limit
    yellow = np.where(is_yellow & (days <= course.last[:, None]), days, NEVER)
    next_yellow = np.minimum.accumulate(yellow[:, ::-1], axis=1)[:, ::-1]
    is_high = (course.alt[:, None] * times >= INJURY_ALT * alt_limit) & (
        liver.alp < CHOLESTASIS_ALP * alp_limit
    )
    return first_day(is_high & (next_yellow - days <= JAUNDICE_WITHIN), 1)


def _latent(p: Advanced, course: Course, liver: Liver) -> Mapping[str, Any]:
    """What truly happened, of everybody who was enrolled."""
    people, virus = course.people, course.virus
    days = np.broadcast_to(np.arange(FIRST_DAY, FIRST_DAY + virus.curve.shape[1])[None, :], virus.curve.shape)
    times = liver_injury(virus.flares, days)
    alt = course.alt[:, None] * times
    usual = alt[:, -FIRST_DAY][:, None]
    flare = first_day((alt >= 3.0 * usual) & (alt > 100.0), 1)
    is_measurable = ~(course.scans.mm[:, :, 0] == NOT_MEASURED).all(axis=(1, 2))
    alive = np.where(people.enrolled, course.last, -1)

    def lived(day: Whole) -> Whole:
        """What they lived to see and could be recorded."""
        return np.where(day <= alive, day, NEVER)

    log_baseline = virus.curve[:, -FIRST_DAY]
    return {
        "ENROLLED": Words.either(people.enrolled),
        "PRONE_TO_REACTIVATION": Words.either(virus.is_prone),
        "HAS_SCAN": Words.either(is_measurable),
        "HBV_DNA_LOG10_AT_ZERO": log_baseline,
        **true_dates(
            course.zero,
            ZERO=np.where(people.enrolled, 0, NEVER),
            REACTIVATION=lived(virus.reactivation),
            BREAKTHROUGH=lived(virus.breakthrough),
            FLARE=lived(flare),
            HYS_LAW=lived(_true_injury(p, course, liver, days, times)),
            GAP_START=lived(virus.gap[0]),
            PROGRESSION=lived(course.progression),
            DECOMPENSATION=lived(course.decompensation),
            NEW_THERAPY=course.new_therapy,
            LAST_DOSE=np.where(people.enrolled, course.doses.last, NEVER),
            DEATH=course.death,
            LAST_DAY=np.where(people.enrolled, course.last, NEVER),
        ),
    }
