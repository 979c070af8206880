"""When the last needed event will come, from the data so far and without looking at groups.

All subjects together have one hazard, constant or by piece of time since entry. What is not known of it is drawn from a gamma
distribution given the events and the time followed, and for each such hazard the rest of the trial is drawn: events and
drop-outs of those still followed, and entries to come [1]_. The date is the median over the draws, with limits that hold both
what is not known of the hazard and what chance will bring.

If the groups differ the pooled hazard falls slowly while the weaker group is used up; over the length of a projection that
is little beside the limits. An event is dated as in the data: one that is found at a visit comes with that visit.

References
----------
.. [1] Bagiella E, Heitjan DF. Predicting analysis times in randomized clinical trials. Stat Med 2001;20:2055-2063.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialwright.statistics.arrays import Floats, as_numbers, check_inside
from trialwright.statistics.estimability import NotEstimable, require_subjects

Conventions = dict[str, Any]

FEWEST_DRAWS = 1000
# What would come later than in a hundred years does not come.
HORIZON_DAYS = 36525
_DRAWS_AT_ONCE = 1000
# Jeffreys' prior of a Poisson rate: half an event in no time.
_PRIOR_EVENTS = 0.5


@dataclass(frozen=True, slots=True)
class FutureAccrual:
    """Subjects still to be enrolled, from the cut on: so many, at a mean pace, at random intervals.

    Raises
    ------
    ValueError
        If there is none, or the pace is not finite and above 0.
    """

    n_subjects: int
    per_day: float

    def __post_init__(self) -> None:
        if self.n_subjects < 1:
            raise ValueError(f"`n_subjects` must be 1 or more, not {self.n_subjects!r}")
        check_inside("per_day", self.per_day, 0, math.inf)


@dataclass(frozen=True, slots=True)
class PooledRate:
    """Events and person-days in a piece of time since entry, and the rate per day with limits.

    The piece goes from `from_day` up to `to_day`, itself included; None without end. `conf_low` and `conf_high` are
    quantiles of the rates that were drawn.
    """

    from_day: float
    to_day: float | None
    n_events: int
    person_days: float
    per_day: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True)
class EventCount:
    """Events expected by the end of a day, those seen included: the mean over the draws, and limits."""

    on: date
    expected: float
    conf_low: int
    conf_high: int


@dataclass(frozen=True, slots=True)
class EventProjection:
    """When so many events will have come.

    Attributes
    ----------
    n_events, n_followed : int
        Seen until the cut; subjects still followed.
    n_events_needed : int
    projected, earliest, latest : date or None
        Median and limits; None where that share of the draws never comes to so many events.
    probability_reached : float
        Share of the draws in which so many events come at all, within a hundred years.
    error_days : float or None
        Standard error of the median by the number of draws.
    rates : tuple of PooledRate
        Of the event, by piece.
    drop_out : PooledRate
        Of the end of follow-up without event, before a limit that all subjects have.
    counts : tuple of EventCount
        At the days asked for.
    conventions : dict
    """

    n_events: int
    n_followed: int
    n_events_needed: int
    projected: date | None
    earliest: date | None
    latest: date | None
    probability_reached: float
    error_days: float | None
    rates: tuple[PooledRate, ...]
    drop_out: PooledRate
    counts: tuple[EventCount, ...]
    conventions: Conventions


def project_events(
    entered: Sequence[date],
    follow_up_days: ArrayLike,
    event_observed: Sequence[bool],
    still_followed: Sequence[bool],
    *,
    cut: date,
    n_events_needed: int,
    seed: int,
    future: FutureAccrual | None = None,
    follow_up_limit_days: float | None = None,
    hazard_cuts: Sequence[float] = (),
    count_on: Sequence[date] = (),
    conf_level: float = 0.9,
    n_draws: int = 10_000,
) -> EventProjection:
    """Project the date of the last needed event.

    Parameters
    ----------
    entered : sequence of date, length n
        Day from which each subject is at risk; no later than the cut.
    follow_up_days : array-like of shape (n,)
        Days from entry to the event, to the end of follow-up, or to the last day known to be without event.
    event_observed, still_followed : sequence of bool, length n
        Not both True. With neither, follow-up has ended without event.
    cut : date
        Day up to which the data reach.
    n_events_needed : int
        In all, more than those seen.
    seed : int
        The same seed gives the same dates, whatever is done besides.
    future : FutureAccrual, optional
    follow_up_limit_days : float, optional
        From the cut on nobody is followed longer than that after entry. Who has reached it, or was followed longer, is
        followed no more and has not dropped out.
    hazard_cuts : sequence of float
        Days after entry, rising, at which the hazard may change; none: it is constant. A piece reaches up to its cut,
        that day included. Drop-out is constant.
    count_on : sequence of date
        Days for `counts`.
    conf_level : float
        Between 0 and 1.
    n_draws : int
        At least 1000.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If nobody was followed, the events needed have been seen, so many more cannot come, or one of the pieces has no
        event.

    Notes
    -----
    With d events in T person-days a rate is drawn from Gamma(d + 1/2, T), Jeffreys' prior; drop-out in the same way. Who is
    last known to be without event before the cut may have had it since: such an event counts as of the cut.
    """
    followed = _read(entered, follow_up_days, event_observed, still_followed, cut, follow_up_limit_days)
    edges = _edges(hazard_cuts)
    check_inside("conf_level", conf_level, 0, 1)
    if n_draws < FEWEST_DRAWS:
        raise ValueError(f"`n_draws` must be {FEWEST_DRAWS} or more, not {n_draws!r}")
    missing = _missing(followed, n_events_needed, future)

    events, person_days = _by_piece(followed, edges)
    n_dropped = int(followed.dropped.sum())
    total_days = float(followed.days.sum())
    days, counts, rates, drop_outs = [], [], [], []
    for n_now, child in _blocks(n_draws, seed):
        rng = np.random.default_rng(child)
        rate = rng.gamma(events + _PRIOR_EVENTS, 1 / person_days, size=(n_now, len(events)))
        drop_out = rng.gamma(n_dropped + _PRIOR_EVENTS, 1 / total_days, size=(n_now, 1))
        times = _simulate_events(rng, followed, future, rate, edges, drop_out, follow_up_limit_days)
        days.append(np.partition(times, missing - 1, axis=1)[:, missing - 1])
        counts.append([[int(n) for n in (times <= (on - cut).days).sum(axis=1)] for on in count_on])
        rates.append(rate)
        drop_outs.append(drop_out)

    tail = (1 - conf_level) / 2
    reached = np.concatenate(days)
    quantile = _dated(reached, cut)
    n_events = int(followed.event.sum())
    return EventProjection(
        n_events=n_events,
        n_followed=int(followed.at_risk.sum()),
        n_events_needed=n_events_needed,
        projected=quantile(0.5),
        earliest=quantile(tail),
        latest=quantile(1 - tail),
        probability_reached=float(np.isfinite(reached).mean()),
        error_days=_median_error(reached),
        rates=tuple(
            _rate(low, high, int(d), float(t), drawn, tail)
            for (low, high), d, t, drawn in zip(
                pairwise(edges), events, person_days, np.concatenate(rates).T, strict=True
            )
        ),
        drop_out=_rate(0.0, math.inf, n_dropped, total_days, np.concatenate(drop_outs)[:, 0], tail),
        counts=_counts(count_on, counts, n_events, tail),
        conventions={
            "hazard": "constant" if len(events) == 1 else "constant within pieces",
            "prior": "Gamma(1/2, 0)",
            "n_draws": n_draws,
            "seed": seed,
            "conf_level": conf_level,
        }
        | ({} if future is None else {"future_subjects": future.n_subjects, "future_per_day": future.per_day})
        | ({} if follow_up_limit_days is None else {"follow_up_limit_days": follow_up_limit_days}),
    )


# --- what is known ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Followed:
    """`entry` counts from the cut, 0 or negative."""

    entry: Floats
    days: Floats
    event: NDArray[np.bool_]
    at_risk: NDArray[np.bool_]
    dropped: NDArray[np.bool_]


def _read(
    entered: Sequence[date],
    follow_up_days: ArrayLike,
    event_observed: Sequence[bool],
    still_followed: Sequence[bool],
    cut: date,
    limit: float | None,
) -> _Followed:
    require_subjects(entered)
    n = len(entered)
    days = as_numbers(
        "follow_up_days",
        follow_up_days,
        expected="a number of days, 0 or more",
        accept=lambda values: np.isfinite(values) & (values >= 0),
        length=n,
    )
    event = _booleans("event_observed", event_observed, n)
    at_risk = _booleans("still_followed", still_followed, n)
    if limit is not None:
        check_inside("follow_up_limit_days", limit, 0, math.inf)
    entry = np.array([(day - cut).days for day in entered], dtype=float)
    for i in range(n):
        if entry[i] > 0:
            raise ValueError(f"`entered[{i}]` must be no later than the cut, {cut}, not {entered[i]}")
        if entry[i] + days[i] > 0:
            raise ValueError(
                f"`follow_up_days[{i}]` must end by the cut, {cut}: at most {-entry[i]:g}, not {days[i]:g}"
            )
        if event[i] and at_risk[i]:
            raise ValueError(f"`still_followed[{i}]` must be False after an event")
    if days.sum() == 0:
        raise NotEstimable("nobody has been followed for a day")
    complete = np.zeros(n, dtype=bool) if limit is None else days >= limit
    return _Followed(entry, days, event, at_risk & ~complete, ~event & ~at_risk & ~complete)


def _booleans(name: str, values: Sequence[bool], length: int) -> NDArray[np.bool_]:
    if len(values) != length:
        raise ValueError(f"`{name}` must have {length} values, not {len(values)}")
    for i, value in enumerate(values):
        if not isinstance(value, bool | np.bool_):
            raise ValueError(f"`{name}[{i}]` must be True or False, not {value!r}")
    return np.array(values, dtype=bool)


def _edges(cuts: Sequence[float]) -> tuple[float, ...]:
    edges = (0.0, *(float(cut) for cut in cuts), math.inf)
    for i, (before, after) in enumerate(pairwise(edges[:-1])):
        if not before < after < math.inf:
            raise ValueError(f"`hazard_cuts[{i}]` must be above {before:g} and finite, not {after!r}")
    return edges


def _missing(followed: _Followed, n_events_needed: int, future: FutureAccrual | None) -> int:
    n_events, n_at_risk = int(followed.event.sum()), int(followed.at_risk.sum())
    n_future = 0 if future is None else future.n_subjects
    missing = n_events_needed - n_events
    if missing <= 0:
        raise NotEstimable(f"{n_events} events have been seen, {n_events_needed} are needed")
    if missing > n_at_risk + n_future:
        raise NotEstimable(
            f"{missing} more events are needed, and only {n_at_risk + n_future} more can come: {n_at_risk} subjects "
            f"are still followed and {n_future} are to be enrolled"
        )
    return missing


def _by_piece(followed: _Followed, edges: tuple[float, ...]) -> tuple[NDArray[np.int64], Floats]:
    """Events and person-days in each piece of time since entry."""
    low, high = np.array(edges[:-1]), np.array(edges[1:])
    days = followed.days[:, None]
    person_days = np.clip(np.minimum(days, high) - low, 0, None).sum(axis=0)
    ends_in = ((days > low) & (days <= high)) | ((days == 0) & (low == 0))
    events = (ends_in & followed.event[:, None]).sum(axis=0)
    for start, end, n_events in zip(low, high, events, strict=True):
        if n_events == 0:  # the prior would speak alone
            since = f" after day {start:g}" if start else ""
            until = f" by day {end:g}" if math.isfinite(end) else ""
            raise NotEstimable(f"no event has been seen{since}{until}")
    return events, person_days


# --- what may come ------------------------------------------------------------------------------------------------------


def _blocks(n_draws: int, seed: int) -> list[tuple[int, np.random.SeedSequence]]:
    """Draws in parts of fixed size, each with a seed of its own."""
    firsts = range(0, n_draws, _DRAWS_AT_ONCE)
    children = np.random.SeedSequence(seed).spawn(len(firsts))
    return [
        (min(_DRAWS_AT_ONCE, n_draws - first), child) for first, child in zip(firsts, children, strict=True)
    ]


def _simulate_events(
    rng: np.random.Generator,
    followed: _Followed,
    future: FutureAccrual | None,
    rate: Floats,
    edges: tuple[float, ...],
    drop_out: Floats,
    limit: float | None,
) -> Floats:
    """Days after the cut at which events come, infinite where none does; of shape (n_draws, n_subjects)."""
    n_draws = len(rate)
    entry = np.broadcast_to(followed.entry[followed.at_risk], (n_draws, int(followed.at_risk.sum())))
    since = followed.days[followed.at_risk]
    if future is not None:
        gaps = rng.exponential(1 / future.per_day, size=(n_draws, future.n_subjects))
        entry = np.hstack([entry, np.cumsum(gaps, axis=1)])
        since = np.append(since, np.zeros(future.n_subjects))
    event = _event_times(rng.standard_exponential(entry.shape), since, rate, edges)
    end = since + rng.standard_exponential(entry.shape) / drop_out
    if limit is not None:
        end = np.minimum(end, limit)
    return np.where((event <= end) & (entry + event <= HORIZON_DAYS), np.maximum(entry + event, 0.0), np.inf)


def _event_times(exponential: Floats, since: Floats, rate: Floats, edges: tuple[float, ...]) -> Floats:
    """Times since entry at which the hazard gathered after `since` reaches a standard exponential draw."""
    times = np.full(exponential.shape, np.inf)
    left = exponential.copy()
    for piece, (low, high) in enumerate(pairwise(edges)):
        begin = np.maximum(since, low)
        gathered = rate[:, piece, None] * np.clip(high - begin, 0, None)
        comes = (left <= gathered) & np.isinf(times) & (begin < high)
        times = np.where(comes, begin + left / rate[:, piece, None], times)
        left = left - gathered
    return times


# --- what is told -------------------------------------------------------------------------------------------------------


def _dated(days: Floats, cut: date) -> Callable[[float], date | None]:
    def quantile(share: float) -> date | None:
        day = float(np.quantile(days, share, method="inverted_cdf"))
        return cut + timedelta(days=math.ceil(day)) if math.isfinite(day) else None

    return quantile


def _median_error(days: Floats) -> float | None:
    """Half the distance of the order statistics one standard error about the median."""
    error = 0.5 / math.sqrt(len(days))
    low, high = np.quantile(days, [0.5 - error, 0.5 + error], method="inverted_cdf")
    return float(high - low) / 2 if math.isfinite(high) else None


def _rate(
    low: float, high: float, n_events: int, person_days: float, drawn: Floats, tail: float
) -> PooledRate:
    conf_low, conf_high = (float(limit) for limit in np.quantile(drawn, [tail, 1 - tail]))
    end = high if math.isfinite(high) else None
    return PooledRate(low, end, n_events, person_days, n_events / person_days, conf_low, conf_high)


def _counts(
    count_on: Sequence[date], counts: list[list[list[int]]], n_events: int, tail: float
) -> tuple[EventCount, ...]:
    found = []
    for i, on in enumerate(count_on):
        drawn = n_events + np.concatenate([block[i] for block in counts])
        low, high = np.quantile(drawn, [tail, 1 - tail], method="inverted_cdf")
        found.append(EventCount(on, float(drawn.mean()), int(low), int(high)))
    return tuple(found)
