"""Who takes part in a virtual trial, when they enter, and when follow-up of each must end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from trialwright.design.virtual.draws import NEVER, Draws, Flags, Numbers, Whole, hazard_median
from trialwright.design.virtual.laboratory import CONVENTIONAL, SI
from trialwright.design.virtual.parameters import Common

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class People:
    """n subjects in the order of consent. Days without a note are days since 1970-01-01.

    Attributes
    ----------
    enrolled : ndarray of shape (n,)
        False for whom screening fails.
    laboratory, viral_laboratory : ndarray of shape (n,)
        Which laboratory measures chemistry and HBV DNA: of SI or of conventional units.
    lost : ndarray of shape (n,)
        Days after time zero at which contact is lost; `NEVER`.
    """

    enrolled: Flags
    is_man: Flags
    birth: Whole
    age: Whole
    consent: Whole
    data_end: int
    laboratory: Whole
    viral_laboratory: Whole
    lost: Whole

    @property
    def n(self) -> int:
        return len(self.enrolled)


def draw_people(
    parameters: Common, seed: int, trial: int, subjects: int, *, frame: int, ages: tuple[float, float]
) -> People:
    """The people of a trial: as many enrolled as wanted, and those who failed screening beside them.

    Parameters
    ----------
    subjects : int
        How many are enrolled.
    frame : int
        Days in which the share `loss` is lost.
    ages : (float, float)
        Between which ages, in years, they are.
    """
    share = min(parameters.screen_failures, 0.95)
    failures = int(Draws(seed, trial, "failures", 1).rng.binomial(subjects, share)) if share else 0
    n = subjects + failures
    draws = Draws(seed, trial, "people", n)
    enrolled = np.ones(n, dtype=bool)
    enrolled[draws.rng.choice(n, failures, replace=False)] = False
    start = (parameters.first_enrolment - EPOCH).days
    consent = start + np.sort(draws.days(0, parameters.accrual))
    years = draws.between(parameters.age_mean, parameters.age_sd, *ages)
    birth = consent - np.floor(years * 365.25).astype(np.int64)
    median = hazard_median(parameters.loss, frame)
    lost = draws.waiting(median) if np.isfinite(median) else np.full(n, NEVER)
    return People(
        enrolled=enrolled,
        is_man=~draws.chance(parameters.women),
        birth=birth,
        age=_completed_years(birth, consent),
        consent=consent,
        data_end=start + round(parameters.data_collection),
        laboratory=np.where(draws.chance(parameters.laboratory_in_mg), CONVENTIONAL, SI),
        viral_laboratory=np.where(draws.chance(parameters.laboratory_in_copies), CONVENTIONAL, SI),
        lost=lost,
    )


def _completed_years(birth: Whole, day: Whole) -> Whole:
    born, then = birth.astype("datetime64[D]"), day.astype("datetime64[D]")
    years = then.astype("datetime64[Y]").astype(np.int64) - born.astype("datetime64[Y]").astype(np.int64)
    return np.asarray(years - (_month_day(then) < _month_day(born)))


def _month_day(days: np.ndarray[tuple[int, ...], np.dtype[np.datetime64]]) -> Whole:
    months = days.astype("datetime64[M]")
    month = months.astype(np.int64) % 12
    return np.asarray(month * 31 + (days - months.astype("datetime64[D]")).astype(np.int64))


def follow(death: Whole, people: People, zero: Whole, last_day: int) -> tuple[Whole, Whole]:
    """The last day on which anything can be recorded, and the day of a death that is; `-1` and `NEVER` where there is none.

    Days count from `zero`. People are followed up to the day on which contact is lost, the data end, or follow-up is over
    (`last_day`), whichever comes first: a death on that day is recorded, one on the next is not.
    """
    until = np.minimum.reduce([people.lost, people.data_end - zero, np.full(people.n, last_day)])
    last = np.where(people.enrolled, np.maximum(np.minimum(death - 1, until), 0), -1)
    return last, np.where(people.enrolled & (death <= until), death, NEVER)


def one_a_day(day: Whole, taken: Flags) -> Flags:
    """Of samples of a subject on one day the first only: two that differ would leave open which is right."""
    subject, column = np.nonzero(taken)
    key = subject * 10**7 + day[taken]
    first = np.unique(key, return_index=True)[1]
    kept = np.zeros_like(taken)
    kept[subject[first], column[first]] = True
    return kept


@dataclass(frozen=True, slots=True)
class Results:
    """Results of one measurement of all subjects, one column for each possible sample.

    `day` counts from time zero; `value` and `state` as `laboratory.Recorded` has them; where `done` is false nothing was
    measured.
    """

    day: Whole
    value: Numbers
    state: Whole
    done: Flags
