"""A treatment that starts during follow-up: exposed and unexposed time, and what goes wrong without the difference.

Whoever starts a treatment has by construction lived without the event until then. Counting that time as exposed, as
grouping by "ever treated" does, makes any treatment look good (immortal-time bias).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialwright.statistics.arrays import Floats, as_numbers, check_inside
from trialwright.statistics.estimability import NotEstimable, require_subjects
from trialwright.statistics.samples import as_sample


@dataclass(frozen=True, slots=True, eq=False)
class ExposureRows:
    """Intervals (entry, time] of subjects, each exposed or not throughout; arrays of shape (n_rows,).

    `subject` is the position of the subject in the input. Give `entry` and `time` to `fit_cox` with `subject` as
    cluster, or to `logrank_test`.
    """

    subject: NDArray[np.int64]
    entry: Floats
    time: Floats
    event: Floats
    exposed: Floats
    conventions: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkRows:
    """Those without event at a landmark, grouped by whether the treatment had started by then.

    `n_events_before` and `n_censored_before` subjects are left out; an event at the landmark is before it.
    """

    rows: ExposureRows
    landmark: float
    n_events_before: int
    n_censored_before: int


@dataclass(frozen=True, slots=True)
class EventRate:
    """Events and the time at risk, in the unit of time."""

    n_events: int
    person_time: float

    @property
    def rate(self) -> float:
        """Events per unit of time; NaN without time at risk."""
        return self.n_events / self.person_time if self.person_time else math.nan


@dataclass(frozen=True, slots=True)
class ExposureRates:
    """The rates of exposed and unexposed time."""

    exposed: EventRate
    unexposed: EventRate

    @property
    def rate_ratio(self) -> float:
        """Rate of the exposed over that of the unexposed.

        Raises
        ------
        NotEstimable
            If there is no time at risk in one of them, or no event in the unexposed.
        """
        for name, of in (("exposed", self.exposed), ("unexposed", self.unexposed)):
            if not of.person_time:
                raise NotEstimable(f"there is no {name} time at risk")
        if not self.unexposed.n_events:
            raise NotEstimable("no event was observed in unexposed time")
        return self.exposed.rate / self.unexposed.rate


def split_by_exposure(
    time: ArrayLike, event: ArrayLike, exposure_start: ArrayLike, *, entry: ArrayLike | None = None
) -> ExposureRows:
    """Split each subject's follow-up at the start of the exposure, which lasts from then on.

    Parameters
    ----------
    time, event, entry
        As in `estimate_survival`; one row per subject, times above 0.
    exposure_start : array-like of shape (n,)
        Time at which the exposure starts, 0 or more; infinite for a subject never exposed. A start that is not known
        must not be given as infinite. An event on the day of the start is unexposed: the interval (entry, time] of the
        exposed begins after it.

    Returns
    -------
    rows : ExposureRows
        In the order of the subjects, the unexposed interval first.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    """
    require_subjects(time)
    entered = np.zeros(np.shape(time)) if entry is None else entry
    sample = as_sample(time, event, entered)
    entered = sample.time * 0 if sample.entry is None else sample.entry
    start = as_starts("exposure_start", exposure_start, length=len(sample.time))
    change = np.clip(start, entered, sample.time)
    change = np.where(sample.time - change <= sample.tied, sample.time, change)
    change = np.where(change - entered <= sample.tied, entered, change)
    before, after = np.flatnonzero(change > entered), np.flatnonzero(change < sample.time)
    subject = np.concatenate([before, after])
    exposed = np.repeat([0.0, 1.0], [len(before), len(after)])
    event_in_unexposed = sample.event * (change == sample.time)
    order = np.lexsort((exposed, subject))
    return ExposureRows(
        subject[order],
        np.concatenate([entered[before], change[after]])[order],
        np.concatenate([change[before], sample.time[after]])[order],
        np.concatenate([event_in_unexposed[before], sample.event[after]])[order],
        exposed[order],
        {"exposure": "time-varying", "event_on_start": "unexposed"},
    )


def ever_exposed(time: ArrayLike, event: ArrayLike, exposure_start: ArrayLike) -> ExposureRows:
    """Group whole follow-ups by whether the exposure ever starts: biased, to be shown only as such.

    Parameters and errors as for `split_by_exposure`.
    """
    require_subjects(time)
    sample = as_sample(time, event)
    start = as_starts("exposure_start", exposure_start, length=len(sample.time))
    return ExposureRows(
        np.arange(len(start)),
        np.zeros_like(start),
        sample.time,
        sample.event,
        np.asarray(np.isfinite(start), dtype=float),
        {"exposure": "ever, biased by immortal time"},
    )


def at_landmark(
    time: ArrayLike, event: ArrayLike, exposure_start: ArrayLike, *, landmark: float
) -> LandmarkRows:
    """Follow those without event at a landmark from then on, grouped by exposure started by then [1]_.

    Parameters
    ----------
    time, event, exposure_start
        As in `split_by_exposure`.
    landmark : float
        Above 0; a start at the landmark counts as by then, and so does an event.

    Returns
    -------
    landmark : LandmarkRows
        `entry` of the rows is the landmark.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If nobody is followed beyond the landmark.

    References
    ----------
    .. [1] Anderson JR, Cain KC, Gelber RD. J Clin Oncol 1983;1:710-719.
    """
    require_subjects(time)
    sample = as_sample(time, event)
    start = as_starts("exposure_start", exposure_start, length=len(sample.time))
    check_inside("landmark", landmark, 0, math.inf)
    is_past = sample.time > landmark + sample.tied
    if not is_past.any():
        raise NotEstimable(f"nobody was followed beyond the landmark at {landmark:g}")
    subject = np.flatnonzero(is_past)
    rows = ExposureRows(
        subject,
        np.full(len(subject), float(landmark)),
        sample.time[subject],
        sample.event[subject],
        np.asarray(start[subject] <= landmark + sample.tied, dtype=float),
        {"exposure": "started by the landmark", "landmark": landmark},
    )
    had_event = sample.event[~is_past] == 1
    return LandmarkRows(rows, float(landmark), int(had_event.sum()), int((~had_event).sum()))


def exposure_rates(rows: ExposureRows) -> ExposureRates:
    """Count events and time at risk of exposed and unexposed rows."""
    exposed, unexposed = (
        EventRate(int(rows.event[chosen].sum()), float((rows.time - rows.entry)[chosen].sum()))
        for chosen in (rows.exposed == 1, rows.exposed == 0)
    )
    return ExposureRates(exposed, unexposed)


def as_starts(name: str, values: ArrayLike, *, length: int) -> Floats:
    """Convert `values` to times of a start, infinite where there is none; anything else raises ValueError."""
    return as_numbers(
        name,
        values,
        expected="0 or more, infinite for no start",
        accept=lambda x: x >= 0,
        length=length,
    )
