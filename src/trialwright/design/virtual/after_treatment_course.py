"""The course of virtual patients after radical treatment: whether and when the cancer comes back, and what is seen of it.

Days count from group assignment, which is day 0. A recurrence is definite (LR-5, or another sure sign) from its day on;
before that it may be seen as probable (LR-4). The time to it is Weibull, most frequent at first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialwright.design.virtual.draws import NEVER, Draws, Flags, Numbers, Whole, hazard_median
from trialwright.design.virtual.parameters import AfterTreatment
from trialwright.design.virtual.people import People, follow
from trialwright.design.virtual.plan import AfterTreatmentPlan
from trialwright.design.virtual.tables import Words

THREE_YEARS = 1096
IN_LIVER, IN_VEIN, NOT_SPECIFIC, OUTSIDE, AT_SITE = range(5)
"""How a recurrence shows."""

_CATEGORIES = ("LR-1", "LR-3", "LR-4", "LR-5", "LR-TIV", "LR-M", "LR-NC")
_LR_1, _LR_3, _LR_4, _LR_5, _LR_TIV, _LR_M, _LR_NC = range(7)
_SITES = ("", "nonviable", "equivocal", "viable", "nonevaluable")
_NO_SITE, _NONVIABLE, _EQUIVOCAL, _VIABLE, _NONEVALUABLE = range(5)
_OUTSIDE = ("none", "unequivocal")


@dataclass(frozen=True, slots=True)
class Covariates:
    """What patients bring with them."""

    bclc_a: Flags
    hbsag: Numbers
    """Log10 IU/mL at time zero."""
    by_ablation: Flags
    cirrhosis: Flags
    tumour_size: Numbers
    unmeasured: Flags
    """What nobody records, and what may lead both to a treatment and to recurrence."""


@dataclass(frozen=True, slots=True)
class Interferon:
    """Peginterferon: decided, taken from and to (`NEVER` if not), ended early."""

    decided: Flags
    propensity: Numbers
    """Of the decision, as it truly is."""
    first: Whole
    last: Whole
    is_early: Flags
    is_crossover: Flags


@dataclass(frozen=True, slots=True)
class Scans:
    """Scans in columns: each planned one and its repeat if it could not be read.

    `category` has a reader on its last axis; so have `site` (of the ablated lesion, empty if there is none) and
    `outside`.
    """

    day: Whole
    done: Flags
    category: Words
    site: Words
    outside: Words
    histology: Whole
    """Day on which a new lesion proved to be liver cancer; `NEVER`."""
    treated: Whole
    """Day on which a probable lesion was treated as cancer; `NEVER`."""


@dataclass(frozen=True, slots=True)
class Course:
    """All of it."""

    people: People
    zero: Whole
    radical: Whole
    """Days since 1970-01-01."""
    laboratory_day: Whole
    scan_day: Whole
    covariates: Covariates
    interferon: Interferon
    analogue: Whole
    analogue_change: Whole
    recurrence: Whole
    recurrence_with: Whole
    """Had peginterferon been decided on; `recurrence` is the one of the two that was."""
    recurrence_without: Whole
    kind: Whole
    second_primary: Whole
    transplantation: Whole
    death: Whole
    unseen_death: Flags
    """Died of liver cancer that no scan had shown."""
    last: Whole
    scans: Scans


def draw_course(p: AfterTreatment, plan: AfterTreatmentPlan, people: People, seed: int, trial: int) -> Course:
    """Draw everything that happens to the people of a trial."""
    n = people.n
    entry = Draws(seed, trial, "entry", n)
    lead = entry.days(14, 26)
    zero = people.consent + lead
    since = entry.days(p.entry_earliest, p.entry_latest)
    since = np.where(entry.chance(p.late_entry), round(p.entry_latest) + entry.days(7, 42), since)
    covariates = Covariates(
        bclc_a=entry.chance(p.bclc_a),
        hbsag=entry.between(p.hbsag_mean, p.hbsag_sd, -1.0, 4.9),
        by_ablation=entry.chance(p.ablation),
        cirrhosis=entry.chance(p.cirrhosis),
        tumour_size=entry.spread(p.tumour_size, 0.35),
        unmeasured=Draws(seed, trial, "unmeasured", n).chance(p.unmeasured_share),
    )
    propensity = choose(p, people, covariates)
    decided = entry.chance(propensity)
    life = Draws(seed, trial, "life", n)
    recurrence_with, recurrence_without = _draw_recurrence(p, people, covariates, life)
    recurrence = np.where(decided, recurrence_with, recurrence_without)
    without = _rare(life, p.death_without_recurrence)
    death = np.where(without < recurrence, without, recurrence + life.waiting(p.survival_after_recurrence))
    last, death = follow(death, people, zero, plan.last_day)
    ablated = covariates.by_ablation
    kind = _draw_kind(p, ablated, life)
    scans, is_seen = _draw_scans(p, plan, covariates, recurrence, kind, last, seed, trial)
    other = Draws(seed, trial, "other", n)
    return Course(
        people=people,
        zero=zero,
        radical=zero - since,
        laboratory_day=-np.minimum(other.days(1, 13), lead),
        scan_day=-np.minimum(other.days(2, 26), lead),
        covariates=covariates,
        interferon=_draw_interferon(p, decided, propensity, last, Draws(seed, trial, "interferon", n)),
        analogue=-other.waiting(p.analogue_lead),
        analogue_change=_until(_rare(other, p.analogue_change), last),
        recurrence=recurrence,
        recurrence_with=recurrence_with,
        recurrence_without=recurrence_without,
        kind=kind,
        second_primary=_until(_rare(other, p.second_primary_share), np.minimum(last, recurrence - 1)),
        transplantation=_until(_rare(other, p.transplantation_share), np.minimum(last, recurrence - 1)),
        death=death,
        unseen_death=(death < NEVER) & (recurrence < death) & ~is_seen & other.chance(p.hcc_deaths_told),
        last=last,
        scans=scans,
    )


def _rare(draws: Draws, share: float) -> Whole:
    """The day of something that `share` have within three years."""
    median = hazard_median(share, THREE_YEARS)
    return draws.waiting(median) if np.isfinite(median) else np.full(draws.n, NEVER)


def _until(day: Whole, last: Whole) -> Whole:
    return np.where(day <= last, day, NEVER)


def choose(p: AfterTreatment, people: People, covariates: Covariates) -> Numbers:
    """The probability with which peginterferon is decided on, by what a patient is like.

    Odds multiply (`choice_...`); the intercept makes their mean `share_with_peginterferon`. Above `choice_hbsag_limit` it is
    `choice_above_limit`, whatever else; the others then make up for it as far as they can.
    """
    odds = (
        np.where(covariates.bclc_a, p.choice_bclc_a, 1.0)
        * p.choice_age ** ((people.age - p.age_mean) / 10.0)
        * p.choice_hbsag ** (covariates.hbsag - p.hbsag_mean)
        * np.where(covariates.unmeasured, p.choice_unmeasured, 1.0)
    )
    above = covariates.hbsag > p.choice_hbsag_limit
    if (odds == 1.0).all() and not above.any():
        return np.full(people.n, p.share_with_peginterferon)
    low, high = -30.0, 30.0
    for _ in range(80):
        middle = (low + high) / 2
        chosen = np.where(above, p.choice_above_limit, 1 / (1 + np.exp(-middle) / odds))
        low, high = (middle, high) if float(chosen.mean()) < p.share_with_peginterferon else (low, middle)
    return np.asarray(chosen)


def _draw_recurrence(
    p: AfterTreatment, people: People, covariates: Covariates, draws: Draws
) -> tuple[Whole, Whole]:
    """Day of recurrence with and without peginterferon, which changes nothing else.

    Without it the mean risk within three years is `recurrence_control`.
    """
    if p.recurrence_control <= 0:
        return np.full(draws.n, NEVER), np.full(draws.n, NEVER)
    relative = (
        np.where(covariates.bclc_a, p.hazard_ratio_bclc_a, 1.0)
        * p.hazard_ratio_age ** ((people.age - p.age_mean) / 10.0)
        * p.hazard_ratio_hbsag ** (covariates.hbsag - p.hbsag_mean)
        * np.where(covariates.unmeasured, p.unmeasured_hazard_ratio, 1.0)
    )
    hazard = _calibrate(relative, p.recurrence_control) * relative
    lots = draws.rng.exponential(1.0, draws.n)

    def day(hazard: Numbers) -> Whole:
        waited = (lots / hazard) ** (1.0 / p.recurrence_shape) * THREE_YEARS
        return np.asarray(np.minimum(np.ceil(np.maximum(waited, 1.0)), NEVER - 1).astype(np.int64))

    return day(hazard * p.hazard_ratio), day(hazard)


def _calibrate(relative: Numbers, share: float) -> float:
    """The cumulative hazard over three years at which the mean risk of these people is `share`."""
    low, high = 0.0, 50.0
    for _ in range(80):
        middle = (low + high) / 2
        if float(np.mean(-np.expm1(-middle * relative))) < share:
            low = middle
        else:
            high = middle
    return high


def _draw_kind(p: AfterTreatment, ablated: Flags, draws: Draws) -> Whole:
    """How a recurrence shows: each kind in its share of all, at the site in its share of those who were ablated."""
    lot, below = draws.rng.random(draws.n), 0.0
    kind = np.full(draws.n, IN_LIVER)
    for what, share, who in (
        (IN_VEIN, p.in_vein, True), (NOT_SPECIFIC, p.not_specific, True), (OUTSIDE, p.extrahepatic, True),
        (AT_SITE, p.local_after_ablation, ablated),
    ):  # fmt: skip
        kind = np.where((lot >= below) & (lot < below + share) & who, what, kind)
        below += share
    return kind


def _draw_interferon(
    p: AfterTreatment, decided: Flags, propensity: Numbers, last: Whole, draws: Draws
) -> Interferon:
    first = np.where(decided, draws.days(0, p.interferon_delay), NEVER)
    crosses = ~decided & draws.chance(p.crossover)
    first = np.where(crosses, draws.days(90, 500), first)
    early = draws.chance(p.interferon_stop)
    length = np.where(early, draws.days(28, p.interferon_length / 2), round(p.interferon_length))
    first = np.where(first <= last, first, NEVER)
    is_taken = first < NEVER
    ends = np.where(is_taken, first + length - 1, NEVER)
    return Interferon(
        decided, propensity, first, np.where(is_taken, np.minimum(ends, last), NEVER), early & (ends <= last) & is_taken,
        crosses & is_taken,
    )  # fmt: skip


def _draw_scans(
    p: AfterTreatment, plan: AfterTreatmentPlan, covariates: Covariates, recurrence: Whole, kind: Whole,
    last: Whole, seed: int, trial: int,
) -> tuple[Scans, Flags]:  # fmt: skip
    """Scans and what both readers see; and whether the first one ever saw a recurrence."""
    n = len(last)
    draws = Draws(seed, trial, "scans", n)
    planned = plan.last_day // plan.interval
    target = plan.interval * np.arange(1, planned + 1)[None, :]
    shape = (n, planned)
    jitter = draws.days_of(shape, -plan.tolerance, plan.tolerance)
    is_late = draws.rng.random(shape) < p.late_visits
    is_late[:, -1] = False
    first = target + np.where(is_late, draws.days_of(shape, plan.tolerance + 1, p.late_visits_by), jitter)
    missed = draws.rng.random(shape) < p.missed_scans
    unreadable = draws.rng.random(shape) < p.unreadable_scans
    again = first + draws.days_of(shape, 10, plan.repeat_within - 8)
    day = np.stack([first, again], axis=2).reshape(n, 2 * planned)
    done = np.stack([~missed, ~missed & unreadable], axis=2).reshape(n, 2 * planned)
    done &= day <= last[:, None]
    blurred = np.stack([unreadable, np.zeros(shape, dtype=bool)], axis=2).reshape(n, 2 * planned)

    comes_first = draws.chance(p.probable_first) & np.isin(kind, (IN_LIVER, AT_SITE))
    stays = draws.chance(p.probable_stable) & (recurrence > plan.last_day)
    begins = np.where(comes_first, recurrence - round(p.probable_lead), NEVER)
    begins = np.where(stays, draws.days(80, 900), begins)
    benign = np.where(draws.chance(p.benign_nodules), draws.days(1, 900), NEVER)
    slow = draws.chance(p.reader_disagreement)
    views = [
        _view(day, blurred, recurrence + delay, begins, benign, kind, covariates.by_ablation)
        for delay in (np.zeros(n, dtype=np.int64), np.where(slow, plan.interval, 0))
    ]
    category, site, outside = (np.stack([view[part] for view in views], axis=2) for part in range(3))
    # the first reader's findings decide what follows
    own = category[:, :, 0]
    is_probable = (own == _LR_4) & done & comes_first[:, None] & (day < recurrence[:, None])
    treats = draws.chance(p.probable_treated) & is_probable.any(axis=1)
    when = np.where(treats, np.take_along_axis(day, is_probable.argmax(axis=1)[:, None], axis=1)[:, 0], NEVER)
    decision = np.where(treats, when + draws.days(7, 21), NEVER)
    treated = np.where(decision <= last, decision, NEVER)
    cured = day > treated[:, None]
    category[cured] = _LR_1
    site[cured & covariates.by_ablation[:, None]] = _NONVIABLE
    outside[cured] = 0
    sure = np.isin(category[:, :, 0], (_LR_5, _LR_TIV, _LR_M)) | (site[:, :, 0] == _VIABLE)
    sure = (sure | (outside[:, :, 0] > 0) | (day == np.where(treated < NEVER, when, NEVER)[:, None])) & done
    is_seen = sure.any(axis=1)
    column = np.where(is_seen, sure.argmax(axis=1), 2 * planned)
    done &= np.arange(2 * planned)[None, :] <= (column // 2 * 2 + 3)[:, None]
    proves = (category[:, :, 0] == _LR_M) & done
    shown = np.take_along_axis(day, proves.argmax(axis=1)[:, None], axis=1)[:, 0]
    histology = np.where(proves.any(axis=1), shown + draws.days(10, 25), NEVER)
    histology = np.where(histology <= last, histology, NEVER)
    words = (Words(category, _CATEGORIES), Words(site, _SITES), Words(outside, _OUTSIDE))
    return Scans(day, done, *words, histology, treated), is_seen


def _view(
    day: Whole, blurred: Flags, definite: Whole, probable: Whole, benign: Whole, kind: Whole, ablated: Flags
) -> tuple[Whole, Whole, Whole]:
    """What one reader sees at each scan: category, the ablated site, outside the liver, as places in their words."""
    is_there = day >= definite[:, None]
    before = (day >= probable[:, None]) & ~is_there
    of_kind = kind[:, None]
    category = np.where(day >= benign[:, None], _LR_3, _LR_1)
    category = np.where(before & (of_kind != AT_SITE), _LR_4, category)
    for what, level in ((IN_LIVER, _LR_5), (IN_VEIN, _LR_TIV), (NOT_SPECIFIC, _LR_M)):
        category = np.where(is_there & (of_kind == what), level, category)
    category = np.where(blurred, _LR_NC, category)
    site = np.where(before & (of_kind == AT_SITE), _EQUIVOCAL, _NONVIABLE)
    site = np.where(is_there & (of_kind == AT_SITE), _VIABLE, site)
    site = np.where(blurred, _NONEVALUABLE, site)
    site = np.where(ablated[:, None], site, _NO_SITE)
    return category, site, (is_there & (of_kind == OUTSIDE)).astype(np.int64)
