"""When the data of a trial are looked at, and what ends it then."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trialwright.design.survival_simulation.risk_sets import Flags
from trialwright.design.survival_simulation.subjects import NEVER, Subjects
from trialwright.statistics.arrays import Floats
from trialwright.statistics.group_sequential import SequentialBoundaries
from trialwright.statistics.sample_size import Sides, critical_z


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A look at the data: at a number of events, on a day, or when all is over. z above 0 speaks for the treatment.

    Attributes
    ----------
    events : int or None
        On the day on which so many events have been found; when all is over if there never are so many.
    day : int or None
        So many days after the trial opened. Neither of the two: when all is over.
    efficacy : float or None
        A z of so much or more shows benefit and ends the trial.
    harm : float or None
        A z of so little or less shows harm and ends the trial.
    futility : float or None
        A z of so little or less ends the trial with nothing shown. It may equal `efficacy`, whose z shows benefit.
    futility_from : float or None
        Of a test of two sides: a z below it goes on.

    Raises
    ------
    ValueError
        If both `events` and `day` are given, one is below 1, or the bounds are not in the order harm, start of futility,
        futility, efficacy.
    """

    events: int | None = None
    day: int | None = None
    efficacy: float | None = None
    harm: float | None = None
    futility: float | None = None
    futility_from: float | None = None

    def __post_init__(self) -> None:
        if self.events is not None and self.day is not None:
            raise ValueError("a look must have `events` or `day`, not both")
        for name, value in (("events", self.events), ("day", self.day)):
            if value is not None and value < 1:
                raise ValueError(f"`{name}` of a look must be at least 1, not {value!r}")
        named = (
            ("harm", self.harm),
            ("futility_from", self.futility_from),
            ("futility", self.futility),
            ("efficacy", self.efficacy),
        )
        bounds = [(name, bound) for name, bound in named if bound is not None]
        for (lower, low), (upper, high) in pairwise(bounds):
            if not low <= high:
                raise ValueError(f"`{lower}` of a look must be at most `{upper}`, {high!r}, not {low!r}")


def final_look(*, alpha: float, sides: Sides) -> Look:
    """The one look of a design without interim looks, when all is over.

    Parameters
    ----------
    alpha : float
        Between 0 and 1.
    sides : {1, 2}
        With 2 a z of the same size below 0 shows harm.

    Examples
    --------
    >>> round(final_look(alpha=0.05, sides=2).efficacy, 4)
    1.96
    """
    z = critical_z(alpha, sides)
    return Look(efficacy=z, harm=-z if sides == 2 else None)


def sequential_looks(boundaries: SequentialBoundaries, n_events: float, *, most: int) -> tuple[Look, ...]:
    """Looks at shares of a number of events, rounded up.

    Parameters
    ----------
    boundaries : SequentialBoundaries
    n_events : float
        At information fraction 1.
    most : int
        A look that waits for more events than this is held when all is over.
    """
    is_two_sided = boundaries.sides == 2
    futility = boundaries.futility or (-math.inf,) * len(boundaries.fractions)
    looks = []
    for fraction, upper, lower in zip(boundaries.fractions, boundaries.efficacy, futility, strict=True):
        events = math.ceil(fraction * n_events)
        can_be_futile = math.isfinite(lower) and not (is_two_sided and lower < 0)
        looks.append(
            Look(
                events=events if events <= most else None,
                efficacy=upper if math.isfinite(upper) else None,
                harm=-upper if is_two_sided and math.isfinite(upper) else None,
                futility=lower if can_be_futile else None,
                futility_from=-lower if is_two_sided and can_be_futile else None,
            )
        )
    return tuple(looks)


def days_of_looks(subjects: Subjects, looks: Sequence[Look], *, last: float) -> tuple[Floats, Flags]:
    """When each trial is looked at; no look comes before the one ahead of it, and none after the last day.

    Parameters
    ----------
    subjects : Subjects
    looks : sequence of Look
    last : float
        The day on which all is over, since the trial opened.

    Returns
    -------
    days : ndarray of shape (n_trials, n_looks)
    is_reached : ndarray of shape (n_trials, n_looks)
        Whether there were so many events, or so many days, by the last day.
    """
    n_trials = len(subjects.event)
    found = _days_of_events(subjects) if any(look.events is not None for look in looks) else None
    planned = np.full((n_trials, len(looks)), last)
    for column, look in enumerate(looks):
        if look.events is not None and found is not None:
            planned[:, column] = found[:, look.events - 1]
        elif look.day is not None:
            planned[:, column] = look.day
    return np.maximum.accumulate(np.minimum(planned, last), axis=1), planned <= last


def _days_of_events(subjects: Subjects) -> Floats:
    """The days since the trial opened on which events are found, in rising order."""
    is_found = subjects.event <= subjects.leaving
    found = np.where(is_found, subjects.entry + np.ceil(subjects.event), NEVER)
    found.sort(axis=1)
    return found
