"""What safety boundaries do when events come late and patients keep entering.

`boundaries.operating_characteristics` takes patients one by one, each judged before the next enters. In a trial events come
weeks after the first dose, so that more patients are treated by the time a boundary is crossed; and a patient with the event
is judged on that day, one without it only when the window is over. Events are therefore counted before the patients without
them, and early looks see too many. `simulate_stopping` follows that; `stopping_at_complete_windows` counts a patient only when
the window is over, event or not, and is exact. Times have one unit, whichever the caller uses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialwright.statistics.arrays import Floats, as_numbers, check_inside, check_whole
from trialwright.statistics.boundaries import (
    EQUAL_WITHIN,
    Boundary,
    Crossing,
    boundary_at_level,
    crossings,
    upper_tails,
)
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.person_time import PersonTimeBoundary

Conventions = dict[str, Any]
Rule = Boundary | PersonTimeBoundary

FEWEST_TRIALS = 100
JUDGED = "event, or window complete"
COMPLETE = "window complete"
PERSON_TIME = "person-time"
_BATCH = 4_000
_MOST_PATIENTS = 1_000


@dataclass(frozen=True, slots=True)
class EventTimes:
    """When the event comes after the first dose, in those in whom it comes.

    Attributes
    ----------
    times : tuple of float
        Rising, 0 or more; the event comes between the first and the last.
    probabilities : tuple of float
        That it has come by each of `times`: rising, the last 1; straight lines between. More than 0 at the first means that
        so many events come just then.

    Raises
    ------
    ValueError
        If these are not times and their probabilities.

    Examples
    --------
    A median of 18 weeks and a range of 3 to 35:

    >>> EventTimes((3, 18, 35), (0, 0.5, 1)).quantile(np.array([0.25, 0.5]))
    array([10.5, 18. ])
    """

    times: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        times = as_numbers(
            "times", self.times, expected="0 or more", accept=lambda t: (t >= 0) & (t < np.inf)
        )
        expected, accept = "from 0 to 1", lambda p: (p >= 0) & (p <= 1)
        probabilities = as_numbers(
            "probabilities", self.probabilities, expected=expected, accept=accept, length=len(times)
        )
        for name, values in (("times", times), ("probabilities", probabilities)):
            for i in range(1, len(values)):
                if values[i] <= values[i - 1]:
                    raise ValueError(f"`{name}[{i}]` must be more than {values[i - 1]:g}, not {values[i]:g}")
        if probabilities[-1] != 1:
            raise ValueError(f"`probabilities` must end with 1, not {probabilities[-1]:g}")

    def quantile(self, probability: Floats) -> Floats:
        """Time by which the event has come with a probability."""
        return np.interp(probability, self.probabilities, self.times)

    def by(self, time: Floats) -> Floats:
        """Probability that the event has come by a time."""
        return np.interp(time, self.times, self.probabilities, left=0.0)


@dataclass(frozen=True, slots=True)
class MonitoringPlan:
    """Who enters when, how long each is observed, and when events come.

    Attributes
    ----------
    entries : tuple of float
        Time of enrolment of each patient, in order.
    window : float
        How long after the first dose a patient is observed: without the event until then, there is none. 0 only where events
        come with the first dose.
    event_times : EventTimes
        Within the window.
    start_after : float
        From enrolment to the first dose, 0 or more.

    Raises
    ------
    ValueError
        If these do not fit together.
    """

    entries: tuple[float, ...]
    window: float
    event_times: EventTimes
    start_after: float = 0.0

    def __post_init__(self) -> None:
        entries = as_numbers("entries", self.entries)
        if len(entries) > _MOST_PATIENTS:
            raise ValueError(f"`entries` must hold at most {_MOST_PATIENTS} patients, not {len(entries)}")
        for i in range(1, len(entries)):
            if entries[i] < entries[i - 1]:
                raise ValueError(f"`entries[{i}]` must be {entries[i - 1]:g} or more, not {entries[i]:g}")
        for name, value in (("window", self.window), ("start_after", self.start_after)):
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"`{name}` must be a finite number of 0 or more, not {value!r}")
        if self.event_times.times[-1] > self.window * (1 + EQUAL_WITHIN):
            raise ValueError(
                f"`window` must be at least {self.event_times.times[-1]:g}, when the latest event comes, not {self.window:g}"
            )

    @property
    def n_patients(self) -> int:
        return len(self.entries)

    @property
    def starts(self) -> Floats:
        """Time of the first dose of each patient."""
        return np.asarray(self.entries, dtype=float) + self.start_after


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over virtual trials and its Monte-Carlo standard error, which is 0 where the value is exact."""

    value: float
    std_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """What a boundary does at one true rate while patients keep entering.

    Enrolment, and first doses of those enrolled, end when the boundary is crossed; without a crossing all are enrolled and
    observed to the end.

    Attributes
    ----------
    rate : float
    probability_to_stop : Estimate
    n_enrolled, n_treated, n_events : Estimate
        Patients enrolled and treated, and events seen, by the stop or the end.
    n_events_of_treated : Estimate
        Events of those treated, also what comes after the stop.
    n_enrolled_if_stopped, n_treated_if_stopped, n_events_if_stopped, time_if_stopped : Estimate or None
        Among the trials that stopped; the time counts from 0 of the plan. None if fewer than two stopped.
    conventions : dict
        The boundary's, and `counted`: who counts and when; with `n_trials` and `seed` if simulated.
    """

    rate: float
    probability_to_stop: Estimate
    n_enrolled: Estimate
    n_treated: Estimate
    n_events: Estimate
    n_events_of_treated: Estimate
    n_enrolled_if_stopped: Estimate | None
    n_treated_if_stopped: Estimate | None
    n_events_if_stopped: Estimate | None
    time_if_stopped: Estimate | None
    conventions: Conventions


def even_entries(n_patients: int, *, per_unit: float) -> tuple[float, ...]:
    """Times of enrolment at a steady rate: the first at 0, each later one 1 / `per_unit` after the one before.

    Raises
    ------
    ValueError
        If there is no patient, or the rate is not above 0.
    """
    check_whole("n_patients", n_patients, 1)
    check_inside("per_unit", per_unit, 0, math.inf)
    return tuple(i / per_unit for i in range(n_patients))


# --- exact --------------------------------------------------------------------------------------------------------------


def stopping_at_complete_windows(boundary: Boundary, plan: MonitoringPlan, rate: float) -> Stopping:
    """Find exactly what a boundary does if a patient counts when the window is over, with the event or without.

    Patients then count in the order of their first doses, and whether the boundary is crossed does not depend on when events
    come. Who is enrolled and treated by then, and their events, follow. Patients whose windows end together count
    together: there is no look between them.

    Parameters
    ----------
    boundary : Boundary
        Its last look is at no more patients than the plan has.
    plan : MonitoringPlan
    rate : float
        The true rate by the end of the window, between 0 and 1.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    """
    check_inside("rate", rate, 0, 1)
    _check_last_look(boundary.n[-1], plan)
    starts = plan.starts
    last = boundary.n[-1]
    found = _crossings_of_looks(boundary, starts, rate)
    probability = np.array([one.probability for one in found])
    n = np.array([one.n for one in found], dtype=int)
    events = np.array([one.n_events for one in found], dtype=float)
    time = starts[n - 1] + plan.window
    enrolled, treated = _how_many(plan, time)
    waiting = np.where(np.arange(len(starts)) < n[:, None], -np.inf, time[:, None] - starts)
    seen = events + rate * plan.event_times.by(waiting).sum(axis=1)
    in_treated = events + rate * (treated - n)

    crossed = min(math.fsum(probability), 1.0)
    # Wald: events up to the crossing or the last look are the rate times the patients until then.
    judged = math.fsum(probability * n) + last * (1 - crossed)
    events_if_not = (
        rate * judged - math.fsum(probability * events) + (1 - crossed) * (len(starts) - last) * rate
    )

    def overall(values: Floats, otherwise: float) -> Estimate:
        return Estimate(math.fsum(probability * values) + otherwise, 0.0)

    def if_stopped(values: Floats) -> Estimate | None:
        return Estimate(math.fsum(probability * values) / crossed, 0.0) if crossed > 0 else None

    everybody = (1 - crossed) * len(starts)
    return Stopping(
        rate=rate,
        probability_to_stop=Estimate(crossed, 0.0),
        n_enrolled=overall(enrolled, everybody),
        n_treated=overall(treated, everybody),
        n_events=overall(seen, events_if_not),
        n_events_of_treated=overall(in_treated, events_if_not),
        n_enrolled_if_stopped=if_stopped(enrolled),
        n_treated_if_stopped=if_stopped(treated),
        n_events_if_stopped=if_stopped(seen),
        time_if_stopped=if_stopped(time),
        conventions=boundary.conventions | {"counted": COMPLETE},
    )


def _crossings_of_looks(boundary: Boundary, starts: Floats, rate: float) -> tuple[Crossing, ...]:
    """Crossings at the looks that come: not between patients who count together."""
    goes_on = np.append(starts[1:] == starts[:-1], [False])
    looks = {
        n: stop for n, stop in zip(boundary.n, boundary.events_to_stop, strict=True) if not goes_on[n - 1]
    }
    return crossings(Boundary(tuple(looks), tuple(looks.values())), rate) if looks else ()


# --- simulated ----------------------------------------------------------------------------------------------------------


def simulate_stopping(
    rules: Sequence[Rule],
    plan: MonitoringPlan,
    *,
    rate: float,
    n_trials: int,
    seed: int,
    batch_size: int = _BATCH,
) -> tuple[Stopping, ...]:
    """Simulate what boundaries do if a patient counts from the event on, or when the window is over without it.

    Each virtual trial draws for each patient whether the event comes, with the true rate, and when. What happens at one
    moment is one look, as when a board is shown a day. All rules, and all rates with the same seed, see the same draws.

    Parameters
    ----------
    rules : sequence of Boundary or PersonTimeBoundary
        One by person-time looks at each event; its window is that of the plan.
    plan : MonitoringPlan
    rate : float
        The true rate by the end of the window, between 0 and 1.
    n_trials : int
        At least 100.
    seed : int
        The same seed gives the same numbers, whatever the batch size.
    batch_size : int
        Trials held in memory together.

    Returns
    -------
    stopping : tuple of Stopping
        One for each rule. The standard error of a probability is that of Agresti and Coull [1]_, with two trials of each kind
        added, so that no stop in all trials does not look like certainty.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.

    References
    ----------
    .. [1] Agresti A, Coull BA. Am Stat 1998;52:119-126.
    """
    check_inside("rate", rate, 0, 1)
    check_whole("n_trials", n_trials, FEWEST_TRIALS)
    check_whole("batch_size", batch_size, 1)
    for rule in rules:
        _check_rule(rule, plan)
    outcomes: list[list[Floats]] = [[] for _ in rules]
    for trials in _draw_batches(plan, rate, n_trials, seed, batch_size):
        for rule, found in zip(rules, outcomes, strict=True):
            found.append(_outcomes_by(_stop_times(rule, plan, trials), plan, trials))
    said = {"n_trials": n_trials, "seed": seed}
    return tuple(
        _summarise(rate, np.concatenate(found, axis=1), rule, said)
        for rule, found in zip(rules, outcomes, strict=True)
    )


def pocock_boundary_for_late_events(
    looks: int | Sequence[int],
    plan: MonitoringPlan,
    *,
    reference_rate: float,
    alpha: float,
    n_trials: int,
    seed: int,
) -> Boundary:
    """Cross where the events are too many by one test level, chosen for patients who count as in `simulate_stopping`.

    As `boundaries.pocock_boundary`, with the level at which in virtual trials at the reference rate at most a share `alpha` crosses:
    the level is found from the smallest probability of so many events or more that each trial meets at its looks.

    Parameters
    ----------
    looks : int or sequence of int
        Numbers of patients who count at each look; a single number N stands for a look after each of N patients.
    plan : MonitoringPlan
    reference_rate, alpha : float
        Between 0 and 1.
    n_trials, seed : int
        As for `simulate_stopping`; use another seed to see what the boundary does.

    Returns
    -------
    boundary : Boundary
        Its conventions hold `level`, `false_alarm`, the share of the trials that crossed, its standard error, and how these were
        made.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If every boundary has more false alarms.
    """
    tails = upper_tails(looks, reference_rate)
    check_inside("alpha", alpha, 0, 1)
    check_whole("n_trials", n_trials, FEWEST_TRIALS)
    _check_last_look(max(tails), plan)
    by_count = np.ones((plan.n_patients, plan.n_patients + 1))  # 1 where there is no look
    for n, tail in tails.items():
        by_count[n - 1, : n + 1] = tail
    met: list[Floats] = []
    for trials in _draw_batches(plan, reference_rate, n_trials, seed, _BATCH):
        course = _course_of(trials)
        meets = by_count[np.arange(plan.n_patients), course.n_events]
        met.append(np.where(course.is_look, meets, 1.0).min(axis=1))
    levels = np.unique([one for tail in tails.values() for one in tail[1:]])
    n_crossing = np.searchsorted(np.sort(np.concatenate(met)), levels * (1 + EQUAL_WITHIN), side="right")
    n_allowed = int((n_crossing <= alpha * n_trials).sum())  # levels rise, and so do the crossings
    if n_allowed == 0:
        raise NotEstimable(
            f"any boundary at these looks has a share of false alarms above {alpha:g} at a rate of {reference_rate:g}"
        )
    level, false_alarm = float(levels[n_allowed - 1]), _share(int(n_crossing[n_allowed - 1]), n_trials)
    return replace(
        boundary_at_level(tails, level),
        conventions={
            "boundary": "Pocock-type for late events, simulated",
            "reference_rate": reference_rate,
            "alpha": alpha,
            "level": level,
            "false_alarm": false_alarm.value,
            "false_alarm_std_error": false_alarm.std_error,
            "n_trials": n_trials,
            "seed": seed,
        },
    )


@dataclass(frozen=True, slots=True)
class _Trials:
    """Virtual trials: patients by column, each with the event or not, and when the event comes or the window ends."""

    has_event: NDArray[np.bool_]
    judged_at: Floats


def _draw_batches(
    plan: MonitoringPlan, rate: float, n_trials: int, seed: int, batch_size: int
) -> Iterator[_Trials]:
    """Virtual trials from one stream, two numbers a patient: batches of another size draw the same."""
    rng = np.random.default_rng(seed)
    for first in range(0, n_trials, batch_size):
        drawn = rng.random((min(batch_size, n_trials - first), plan.n_patients, 2))
        has_event = drawn[..., 0] < rate
        after = np.where(has_event, plan.event_times.quantile(drawn[..., 1]), plan.window)
        yield _Trials(has_event, plan.starts + after)


@dataclass(frozen=True, slots=True)
class _Course:
    """Who counts when: after the first, second, ... patient of each trial the time, and the events so far.

    Where the next counts at the same time there is no look.
    """

    time: Floats
    n_events: NDArray[np.int64]
    is_look: NDArray[np.bool_]


def _course_of(trials: _Trials) -> _Course:
    order = np.argsort(trials.judged_at, axis=1, kind="stable")
    time = np.take_along_axis(trials.judged_at, order, axis=1)
    n_events = np.cumsum(np.take_along_axis(trials.has_event, order, axis=1), axis=1, dtype=np.int64)
    is_look = np.ones(time.shape, dtype=bool)
    is_look[:, :-1] = time[:, 1:] > time[:, :-1]
    return _Course(time, n_events, is_look)


def _stop_times(rule: Rule, plan: MonitoringPlan, trials: _Trials) -> Floats:
    """When each trial crosses the boundary; infinite where it does not."""
    if isinstance(rule, PersonTimeBoundary):
        return _person_time_stops(rule, plan, trials)
    course = _course_of(trials)
    fewest = np.full(plan.n_patients, np.inf)
    for n, stop in zip(rule.n, rule.events_to_stop, strict=True):
        fewest[n - 1] = np.inf if stop is None else stop
    crosses = course.is_look & (course.n_events >= fewest)
    first = np.take_along_axis(course.time, crosses.argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.where(crosses.any(axis=1), first, np.inf)


def _person_time_stops(rule: PersonTimeBoundary, plan: MonitoringPlan, trials: _Trials) -> Floats:
    event_at = np.sort(np.where(trials.has_event, trials.judged_at, np.inf), axis=1)
    starts = plan.starts
    stop = np.full(len(event_at), np.inf)
    for x, largest in enumerate(rule.largest_person_time[: plan.n_patients]):
        at = event_at[:, x]
        open_ = np.isinf(stop) & np.isfinite(at) & (largest > 0)
        until = np.minimum(trials.judged_at[open_], at[open_, None])
        person_time = np.maximum(until - starts, 0).sum(axis=1)
        stop[open_] = np.where(person_time <= largest, at[open_], np.inf)
    return stop


def _how_many(plan: MonitoringPlan, time: Floats) -> tuple[Floats, Floats]:
    """Patients enrolled and treated by a time, that moment included."""
    enrolled = np.searchsorted(np.asarray(plan.entries), time, side="right")
    treated = np.searchsorted(plan.starts, time, side="right")
    return enrolled.astype(float), treated.astype(float)


def _outcomes_by(stop: Floats, plan: MonitoringPlan, trials: _Trials) -> Floats:
    """Time of the stop, patients enrolled and treated, events seen, events of those treated: one row each."""
    enrolled, treated = _how_many(plan, stop)
    is_treated = plan.starts <= stop[:, None]
    seen = (trials.has_event & (trials.judged_at <= stop[:, None])).sum(axis=1)
    of_treated = (trials.has_event & is_treated).sum(axis=1)
    return np.array([stop, enrolled, treated, seen, of_treated])


def _summarise(rate: float, outcomes: Floats, rule: Rule, said: Conventions) -> Stopping:
    stop, *counts = outcomes
    stopped = np.isfinite(stop)
    enrolled, treated, seen, of_treated = counts
    enrolled_if, treated_if, seen_if, time_if = (
        _mean(values[stopped]) if stopped.sum() > 1 else None for values in (enrolled, treated, seen, stop)
    )
    counted = PERSON_TIME if isinstance(rule, PersonTimeBoundary) else JUDGED
    return Stopping(
        rate=rate,
        probability_to_stop=_share(int(stopped.sum()), len(stopped)),
        n_enrolled=_mean(enrolled),
        n_treated=_mean(treated),
        n_events=_mean(seen),
        n_events_of_treated=_mean(of_treated),
        n_enrolled_if_stopped=enrolled_if,
        n_treated_if_stopped=treated_if,
        n_events_if_stopped=seen_if,
        time_if_stopped=time_if,
        conventions=rule.conventions | {"counted": counted} | said,
    )


def _mean(values: Floats) -> Estimate:
    return Estimate(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values)))


def _share(hits: int, n: int) -> Estimate:
    adjusted = (hits + 2) / (n + 4)
    return Estimate(hits / n, math.sqrt(adjusted * (1 - adjusted) / (n + 4)))


def _check_rule(rule: Rule, plan: MonitoringPlan) -> None:
    if not isinstance(rule, PersonTimeBoundary):
        _check_last_look(rule.n[-1], plan)
    elif not math.isclose(rule.window, plan.window):
        raise ValueError(
            f"`window` of the boundary must be that of the plan, {plan.window:g}, not {rule.window:g}"
        )


def _check_last_look(last: int, plan: MonitoringPlan) -> None:
    if last > plan.n_patients:
        raise ValueError(
            f"the last look must be at no more than the {plan.n_patients} patients of the plan, not {last}"
        )
