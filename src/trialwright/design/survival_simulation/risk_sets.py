"""Who was at risk and who had the event on each day with events: two groups, in many trials at once.

Everything a two-group comparison needs is in these counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialwright.statistics.arrays import Floats

Days = NDArray[np.int32]
Flags = NDArray[np.bool_]

LATEST_DAY = 2**28
"""Days below it can be sorted together with what happened on them."""


@dataclass(frozen=True, slots=True, eq=False)
class RiskSets:
    """The days with events, trial by trial and in rising order; arrays of shape (n_rows,), one row a day of one trial.

    Attributes
    ----------
    n_trials : int
    trial : ndarray
        From 0, rising. A trial without event has no row.
    n_at_risk, n_treated_at_risk, n_events, n_treated_events : ndarray of int32
    """

    n_trials: int
    trial: NDArray[np.intp]
    n_at_risk: NDArray[np.int32]
    n_treated_at_risk: NDArray[np.int32]
    n_events: NDArray[np.int32]
    n_treated_events: NDArray[np.int32]


def adding_by_trial(trial: NDArray[np.intp], n_trials: int) -> Callable[[NDArray[Any]], Floats]:
    """Return what adds up numbers of rows by trial; rows of a trial stand together.

    What a trial gives does not depend on its neighbours, not even in the last digit.
    """
    begins = np.flatnonzero(np.diff(trial, prepend=-1))
    with_rows = trial[begins]

    def add(numbers: NDArray[Any]) -> Floats:
        total = np.zeros(n_trials)
        total[with_rows] = np.add.reduceat(numbers, begins)
        return total

    return add


def count_risk_sets(day: Days, event_observed: Flags, *, n_control: int) -> RiskSets:
    """Count who is at risk and who has the event.

    Parameters
    ----------
    day : ndarray of shape (n_trials, n_subjects), int32
        Day of event or censoring, 0 or more and below `LATEST_DAY`. Who is censored on a day was at risk on it.
    event_observed : ndarray of shape (n_trials, n_subjects)
    n_control : int
        The first columns are controls, the others treated.
    """
    n_trials, n_subjects = day.shape
    n_treated = n_subjects - n_control
    # One whole number holds the day, then events before censored times, then the group. Sorting such numbers is quicker
    # than counting by day: there are three times as many days as subjects.
    key = day << 2
    key += ~event_observed * np.int32(2)
    key[:, n_control:] += 1
    key.sort(axis=1)
    ordered = key.ravel()
    treated_before = np.zeros(ordered.size + 1, dtype=np.int32)
    np.cumsum(ordered & 1, out=treated_before[1:])

    event = np.flatnonzero((ordered & 2) == 0).astype(np.int32)
    trial = event // np.int32(n_subjects)
    day_of_event = ordered[event] >> 2
    begins_day = np.ones(event.size, dtype=np.bool_)
    begins_day[1:] = (day_of_event[1:] != day_of_event[:-1]) | (trial[1:] != trial[:-1])
    first, trial = event[begins_day], trial[begins_day]
    n_events = np.diff(np.flatnonzero(begins_day), append=event.size).astype(np.int32)
    treated_gone = treated_before[first]
    return RiskSets(
        n_trials=n_trials,
        trial=trial.astype(np.intp),
        n_at_risk=n_subjects * (trial + 1) - first,
        n_treated_at_risk=n_treated * (trial + 1) - treated_gone,
        n_events=n_events,
        n_treated_events=treated_before[first + n_events] - treated_gone,
    )
