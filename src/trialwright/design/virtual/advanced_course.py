"""The course of virtual patients with advanced liver cancer and active hepatitis B: what happens, and what is done.

Days count from the first dose of immunotherapy, which is day 0. Everything here is true; what laboratories and readers
make of it is in `advanced_records`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialwright.design.virtual.draws import NEVER, Draws, Flags, Numbers, Whole, hazard_median, of_others
from trialwright.design.virtual.lesions import (
    ASSESSOR,
    INVESTIGATOR,
    LEAST_TARGET_MM,
    NOT_MEASURED,
    Lesions,
    measure,
    true_progression,
)  # fmt: skip
from trialwright.design.virtual.parameters import Advanced
from trialwright.design.virtual.people import People, follow
from trialwright.design.virtual.plan import AdvancedPlan
from trialwright.design.virtual.viral_load import (
    FIRST_DAY,
    Decline,
    Episode,
    first_day,
    true_curve,
)  # fmt: skip

SCANS = 20
"""More scans than any subject has."""

_TOXIC_FROM, _TOXIC_UNTIL = 20, 240
"""Days from the first dose between which side effects end treatment."""
_SWITCHES_AFTER = 7
"""Days from the end of durvalumab to another treatment, where nothing has progressed."""

COMPLETED, PROGRESSED, TOXICITY, DIED, LOST, OTHER, ONGOING = range(7)
"""Why durvalumab ended."""


@dataclass(frozen=True, slots=True)
class Virus:
    """HBV DNA and what hangs on it."""

    curve: Numbers
    """Log10 IU/mL by day, as `true_curve` gives it."""
    entecavir: Whole
    """First day."""
    gap: tuple[Whole, Whole]
    """First and last day without entecavir; `NEVER`."""
    is_prone: Flags
    """Destined to reactivate, whether or not they live to see it."""
    reactivation: Whole
    """First day with a hundred times the virus of day 0."""
    breakthrough: Whole
    breakthrough_treated: Whole
    flares: tuple[tuple[Whole, Numbers], ...]
    """Peak day and fold of each kind of flare: of HBV, immune-mediated."""


@dataclass(frozen=True, slots=True)
class Scans:
    """Scans of each subject after the first dose, in columns; `mm` has a reader and a lesion on its last axes."""

    day: Whole
    done: Flags
    mm: Whole
    new: Whole
    """New lesions each reader has seen so far, shape (n, SCANS, 2)."""
    non_target: Flags
    """Whether the non-target disease has progressed beyond doubt, shape (n, SCANS)."""
    non_target_gone: Flags
    baseline_mm: Whole
    counted: Flags
    """Target lesions of each reader, shape (n, 2, 4)."""


@dataclass(frozen=True, slots=True)
class Doses:
    """Infusions planned and given."""

    day: Whole
    is_visit: Flags
    is_given: Flags
    is_held: Flags
    """Not given because of a flare."""
    last: Whole
    stop: Whole
    """Day it was decided that no dose follows; `NEVER` while it goes on."""
    reason: Whole


@dataclass(frozen=True, slots=True)
class Course:
    """All of it."""

    people: People
    zero: Whole
    """First dose, in days since 1970-01-01."""
    enrolment: Whole
    laboratory_day: Whole
    scan_day: Whole
    bclc_b: Flags
    virus: Virus
    alt: Numbers
    """Median ALT of each subject, U/L."""
    lesions: Lesions
    progression: Whole
    decompensation: Whole
    death: Whole
    last: Whole
    """Last day on which anything can be recorded: before death, loss and the end of the data."""
    new_therapy: Whole
    scans: Scans
    doses: Doses


def draw_course(p: Advanced, plan: AdvancedPlan, people: People, seed: int, trial: int) -> Course:
    """Draw everything that happens to the people of a trial."""
    n = people.n
    entry = Draws(seed, trial, "entry", n)
    lead = entry.days(14, 26)
    zero = people.consent + lead
    virus = _draw_virus(p, plan, people, seed, trial)
    lesions = _draw_lesions(p, plan, Draws(seed, trial, "tumour", n))
    all_targets = np.arange(4)[None, :] < lesions.number[:, None]
    progression = true_progression(lesions, all_targets, plan.last_day)
    life = Draws(seed, trial, "life", n)
    early = (
        life.waiting(hazard_median(p.death_before_progression, plan.last_day))
        if p.death_before_progression
        else np.full(n, NEVER)
    )
    late = progression + life.waiting(p.survival_after_progression)
    death = np.where(early < progression, early, late)
    decompensation = (
        life.waiting(hazard_median(p.decompensation, plan.last_day))
        if p.decompensation
        else np.full(n, NEVER)
    )
    last, death = follow(death, people, zero, plan.last_day)
    therapy = Draws(seed, trial, "therapy", n)
    switch = np.where(therapy.chance(p.new_therapy_without_progression), therapy.days(60, 400), NEVER)
    scans, stop, has_progressed = _draw_scans(p, plan, lesions, last, switch, seed, trial)
    after = np.where(therapy.chance(p.new_therapy), stop + therapy.days(14, 42), NEVER)
    new_therapy = np.where(has_progressed, np.minimum(after, switch), switch)
    new_therapy = np.where(new_therapy <= last, new_therapy, NEVER)
    reach = np.minimum.reduce([stop, switch - _SWITCHES_AFTER, last + 1, np.full(n, _TOXIC_UNTIL)]) - 1
    toxic = np.where(therapy.chance(p.intolerance), therapy.days_until(_TOXIC_FROM, reach), NEVER)
    # nobody is treated before eligibility is confirmed, and that rests on scan and laboratory
    enrolled = np.minimum(-entry.days(0, 2), virus.entecavir)
    laboratory = enrolled - entry.days(1, 6)
    doses = _draw_doses(p, plan, virus, last, stop, toxic, switch, death, people.lost, seed, trial)
    return Course(
        people=people,
        zero=zero,
        enrolment=zero + enrolled,
        laboratory_day=laboratory,
        scan_day=np.maximum(laboratory - entry.days(0, 11), -lead),
        bclc_b=entry.chance(p.bclc_b),
        virus=virus,
        alt=entry.spread(p.alt_median, p.alt_spread),
        lesions=lesions,
        progression=progression,
        decompensation=decompensation,
        death=death,
        last=last,
        new_therapy=new_therapy,
        scans=scans,
        doses=doses,
    )


def _draw_virus(p: Advanced, plan: AdvancedPlan, people: People, seed: int, trial: int) -> Virus:
    n = people.n
    draws = Draws(seed, trial, "virus", n)
    least = np.log10(plan.least_hbv_dna) + 0.1
    screening = draws.between(p.hbv_dna_mean, p.hbv_dna_sd, least, 9.5)
    entecavir = -draws.days(0, plan.entecavir_within)
    after = draws.chance(of_others(p.entecavir_after_durvalumab, p.entecavir_late))
    entecavir = np.where(after, draws.days(1, plan.entecavir_within), entecavir)
    late = draws.days(plan.entecavir_within + 1, 2 * plan.entecavir_within)
    entecavir = np.where(draws.chance(p.entecavir_late), late, entecavir)
    decline = Decline(
        p.first_phase_fall, p.first_phase, draws.spread(p.second_phase_half_life, p.second_phase_spread)
    )
    slope = p.viral_rise / 7.0

    def level(day: Whole) -> Numbers:
        at = np.clip(day - FIRST_DAY, 0, calm.shape[1] - 1)
        return np.asarray(calm[np.arange(n), at])

    calm = true_curve(screening, entecavir, decline, p.residual_hbv_dna, [], plan.last_day)
    baseline = level(np.zeros(n, dtype=np.int64))
    # reactivation: to more than a hundred times the virus of day 0
    is_prone = draws.chance(p.reactivation_rate)
    times = (p.reactivation_earliest, p.reactivation_median, p.reactivation_latest)
    onset = np.interp(draws.uniform(0, 1), (0.0, 0.5, 1.0), times).round().astype(np.int64)
    top = np.minimum(baseline + draws.uniform(p.reactivation_rise_least, p.reactivation_rise_most), 9.9)
    begins = onset - np.ceil((top - level(onset)) / slope).astype(np.int64)
    begins = np.maximum(begins, 7)
    peak = begins + np.ceil((top - level(begins)) / slope).astype(np.int64)
    controlled = peak + round(p.reactivation_lasts)
    reactivating = Episode(np.where(is_prone, begins, NEVER), slope, top, controlled)
    # breakthrough: the virus escapes entecavir and stays below what it was
    escapes = draws.chance(of_others(p.breakthrough_rate, p.reactivation_rate)) & ~is_prone
    first = entecavir + draws.days(p.breakthrough_earliest, p.breakthrough_latest)
    measurable = np.log10(plan.hbv_dna_limits[0] or 1.0)
    height = np.maximum(level(first), measurable) + draws.uniform(
        p.breakthrough_rise_least, p.breakthrough_rise_most
    )
    treated = first + draws.days(84, 168)
    escaping = Episode(np.where(escapes, first, NEVER), slope / 3.0, np.minimum(height, baseline), treated)
    # days without entecavir
    often = of_others(p.poor_adherence, p.reactivation_rate, p.breakthrough_rate)
    forgets = draws.chance(often) & ~is_prone & ~escapes
    away = draws.days(60, 500)
    back = away + draws.waiting(p.adherence_gap)
    forgetting = Episode(np.where(forgets, away, NEVER), slope, screening, back)
    curve = true_curve(
        screening, entecavir, decline, p.residual_hbv_dna, [reactivating, escaping, forgetting], plan.last_day
    )
    has_risen = curve >= (curve[:, -FIRST_DAY] + 2.0)[:, None]
    flare = draws.chance(p.flare_after_reactivation) & is_prone
    fold = draws.spread(p.flare_fold, p.flare_spread)
    immune = draws.chance(of_others(p.immune_hepatitis, p.reactivation_rate)) & ~is_prone
    flares = (
        (np.where(flare, peak + draws.days(p.flare_lag_least, p.flare_lag_most), NEVER), fold),
        (
            np.where(immune, draws.days(p.immune_hepatitis_earliest, p.immune_hepatitis_latest), NEVER),
            draws.spread(p.flare_fold, p.flare_spread),
        ),
    )
    return Virus(
        curve=curve,
        entecavir=entecavir,
        gap=(np.where(forgets, away, NEVER), np.where(forgets, back - 1, NEVER)),
        is_prone=is_prone,
        reactivation=first_day(has_risen, 1),
        breakthrough=np.where(escapes, first, NEVER),
        breakthrough_treated=np.where(escapes, treated, NEVER),
        flares=flares,
    )


def liver_injury(flares: tuple[tuple[Whole, Numbers], ...], day: Whole) -> Numbers:
    """How many times its usual value ALT is on each day, shape (n, m): each flare rises within days and settles in weeks."""
    times = np.ones(day.shape, dtype=np.float64)
    for peak, fold in flares:
        away = (day - peak[:, None]) / np.where(day < peak[:, None], 10.0, 21.0)
        times += np.where(
            peak[:, None] < NEVER, (fold[:, None] - 1.0) * np.exp(-np.minimum(away**2, 50.0)), 0.0
        )
    return times


def _draw_lesions(p: Advanced, plan: AdvancedPlan, draws: Draws) -> Lesions:
    n = draws.n
    responds = draws.chance(p.tumour_response)
    growth = np.log(1.2) / draws.spread(p.time_to_growth, p.time_to_growth_spread)
    growth = np.where(responds, growth / 4.0, growth)
    shrinkage = np.where(responds, np.log(2.0) / draws.spread(p.response_half_life, 0.3), 0.0)
    each = np.exp(0.2 * draws.rng.standard_normal((n, 4)))
    size = p.target_size * np.exp(p.target_spread * draws.rng.standard_normal((n, 4)))
    size = np.clip(size, 10.0, 150.0)
    size[:, 3] = np.clip(
        size[:, 3] * 0.5, 15.0, 40.0
    )  # nodes are smaller, and 15 mm is the least a target may be
    median = hazard_median(p.new_lesion, plan.last_day)
    new_day = draws.waiting(median) if np.isfinite(median) else np.full(n, NEVER)
    new_day = np.where(responds, new_day * 3, new_day)
    return Lesions(
        number=1 + draws.rng.binomial(3, np.clip((p.targets_mean - 1.0) / 3.0, 0, 1), n),
        size=size,
        shrinkage=shrinkage[:, None] * each,
        growth=growth[:, None] * each,
        new_day=new_day,
        second_new_day=new_day + draws.days(14, 140),
    )


def _draw_scans(
    p: Advanced, plan: AdvancedPlan, lesions: Lesions, last: Whole, switch: Whole, seed: int, trial: int
) -> tuple[Scans, Whole, Flags]:
    """Scan after scan; the investigator's reading decides when the next one is and when treatment ends.

    Returns the scans, the day on which progression ended treatment (`NEVER`), and whether it did.
    """
    n = len(last)
    draws = Draws(seed, trial, "scans", n)
    counted = np.zeros((n, 2, 4), dtype=bool)
    counted[:] = (np.arange(4)[None, :] < lesions.number[:, None])[:, None, :]
    follows_fewer = draws.chance(p.reader_disagreement) & (lesions.number > 1)
    rows = np.flatnonzero(follows_fewer)
    counted[rows, ASSESSOR, lesions.number[rows] - 1] = False
    slow_reader = draws.chance(p.reader_disagreement)
    day = np.full((n, SCANS), NEVER, dtype=np.int64)
    mm = np.full((n, SCANS, 2, 4), NOT_MEASURED, dtype=np.int64)
    new = np.zeros((n, SCANS, 2), dtype=np.int64)
    grown, gone = np.zeros((n, SCANS), dtype=bool), np.zeros((n, SCANS), dtype=bool)
    start = lesions.on(np.zeros(n))
    baseline = np.stack([measure(start, _errors(p, draws)) for _ in range(2)], axis=1)
    baseline = np.maximum(baseline, LEAST_TARGET_MM)
    own = counted[:, INVESTIGATOR]
    lowest = np.where(own, baseline[:, INVESTIGATOR], 0).sum(axis=1)
    start_total = lesions.total(np.zeros(n), own)
    at_progression, new_then = np.full(n, np.inf), np.zeros(n, dtype=np.int64)
    waits, over = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    stop = np.full(n, NEVER, dtype=np.int64)
    previous = np.zeros(n, dtype=np.int64)
    for scan in range(SCANS):
        gap = draws.days(plan.scan_least, plan.scan_most)
        gap = gap + np.where(draws.chance(p.missed_scans), draws.days(plan.scan_least, plan.scan_most), 0)
        late = plan.scan_most + plan.scan_tolerance + draws.days(1, p.late_visits_by)
        gap = np.where(draws.chance(p.late_visits), late, gap)
        gap = np.where(waits, draws.days(28, 56), gap)
        today = previous + gap
        done = ~over & (today <= last) & (today <= switch + 120)
        over = ~done
        day[:, scan] = np.where(done, today, NEVER)
        true = lesions.on(today)
        unreadable = draws.chance(p.unreadable_scans)
        for reader in (INVESTIGATOR, ASSESSOR):
            seen = measure(true, _errors(p, draws))
            seen[unreadable, 0] = NOT_MEASURED
            mm[:, scan, reader] = np.where(done[:, None], seen, NOT_MEASURED)
        seen_new = (today >= lesions.new_day).astype(np.int64) + (today >= lesions.second_new_day)
        new[:, scan, INVESTIGATOR] = seen_new
        before = new[:, scan - 1, INVESTIGATOR] if scan else np.zeros(n, dtype=np.int64)
        new[:, scan, ASSESSOR] = np.where(slow_reader, before, seen_new)
        relative = lesions.total(today, own) / start_total
        grown[:, scan] = relative >= 2.0
        gone[:, scan] = relative <= 0.05
        total = np.where(own, mm[:, scan, INVESTIGATOR], 0).sum(axis=1)
        is_whole = ~unreadable
        worse = (
            (is_whole & (5 * total >= 6 * lowest) & (total - lowest >= 5)) | (seen_new > 0) | grown[:, scan]
        )
        confirmed = waits & ((is_whole & (total >= at_progression + 5)) | (seen_new > new_then))
        first = worse & ~waits & done
        leaves = (first & ~draws.chance(p.beyond_progression)) | (confirmed & done)
        stop = np.where(leaves, np.minimum(stop, today + draws.days(1, 7)), stop)
        over |= leaves
        at_progression = np.where(first, total, at_progression)
        new_then = np.where(first, seen_new, new_then)
        waits = np.where(done, (waits | first) & worse, waits)
        lowest = np.where(done & is_whole, np.minimum(lowest, total), lowest)
        previous = np.where(done, today, previous)
    found = Scans(day, day < NEVER, mm, new, grown, gone, baseline, counted)
    return found, stop, stop < NEVER


def _errors(p: Advanced, draws: Draws) -> Numbers:
    return np.asarray(p.measurement_error * draws.rng.standard_normal((draws.n, 4)))


def _draw_doses(
    p: Advanced, plan: AdvancedPlan, virus: Virus, last: Whole, stop: Whole, toxic: Whole, switch: Whole,
    death: Whole, lost: Whole, seed: int, trial: int,
) -> Doses:  # fmt: skip
    n = len(last)
    draws = Draws(seed, trial, "doses", n)
    columns = plan.doses + 12
    day = np.full((n, columns), NEVER, dtype=np.int64)
    given, held = np.zeros((n, columns), dtype=bool), np.zeros((n, columns), dtype=bool)
    switches = switch - _SWITCHES_AFTER
    ends = np.minimum.reduce([stop, toxic, switches])
    today, count = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for dose in range(columns):
        can = (today < ends) & (today <= last) & (count < plan.doses)
        day[:, dose] = np.where(can, today, NEVER)
        for peak, _ in virus.flares:
            held[:, dose] |= (today >= peak - 10) & (today < peak + 28) & (dose > 0)
        given[:, dose] = can & ~held[:, dose] & (~draws.chance(p.dose_skip) if dose else True)
        count += given[:, dose]
        tolerance = draws.rng.integers(-plan.tolerance, plan.tolerance + 1, n)
        late = draws.days(plan.tolerance + 1, plan.skipped_after)
        today = today + plan.interval + np.where(draws.chance(p.dose_delay), late, tolerance)
    is_visit = day < NEVER
    final = np.where(given, day, -1).max(axis=1)
    reason = np.full(n, ONGOING)
    completed = count >= plan.doses
    for condition, why in (
        (lost <= last, LOST), (death < NEVER, DIED), (switches <= last, OTHER), (toxic <= last, TOXICITY),
        (stop <= last, PROGRESSED),
    ):  # fmt: skip
        reason = np.where(condition, why, reason)
    for moment, why in ((switches, OTHER), (toxic, TOXICITY), (stop, PROGRESSED)):
        reason = np.where((moment == ends) & (moment <= last), why, reason)
    decided = np.where(ends <= last, ends, np.where(np.isin(reason, (DIED, LOST)), last, NEVER))
    reason = np.where(completed, COMPLETED, reason)
    decided = np.where(completed, final, decided)
    return Doses(day, is_visit, given, held & is_visit, final, decided.astype(np.int64), reason)
