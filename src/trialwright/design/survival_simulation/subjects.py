"""Virtual subjects of a survival trial, drawn many trials at once: when they enter, have the event, and leave.

Subjects enter on whole days; the time of each counts from there. Waiting times are drawn as they are and become whole days
only when they are read: a time of 3.2 days is day 4, so that what happens within a follow-up of 1096 days has exactly the
probability that the hazards give it. Rows are trials; the first columns are controls, the others treated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialwright.design.blocks import Span
from trialwright.statistics.arrays import Floats
from trialwright.statistics.hazards import Hazards
from trialwright.statistics.survival_design import SurvivalDesign

NEVER = 2.0**27


@dataclass(frozen=True, slots=True)
class Visits:
    """Planned visits at which the event is looked for; it is found at the first that is held on its day or later.

    Attributes
    ----------
    every_days : int
        From entry on; the first visit is that many days after it.
    jitter_days : int
        Each visit is held up to so many days before or after its plan, all days alike. Below half of `every_days`, so that
        visits keep their order.
    """

    every_days: int = 84
    jitter_days: int = 0

    def __post_init__(self) -> None:
        if self.every_days < 1:
            raise ValueError(f"`every_days` must be at least 1, not {self.every_days!r}")
        if not 0 <= 2 * self.jitter_days < self.every_days:
            raise ValueError(
                f"`jitter_days` must be 0 or more and below half of {self.every_days}, not {self.jitter_days!r}"
            )


@dataclass(frozen=True, slots=True)
class Death:
    """Deaths that compete with the event, as likely in both groups.

    Attributes
    ----------
    hazards : Hazards
        Per day.
    counts_as : {"censored", "event"}
        What an analysis makes of a death without the event found before: the end of follow-up, or an event on its day.
    """

    hazards: Hazards
    counts_as: Literal["censored", "event"] = "censored"

    def __post_init__(self) -> None:
        if self.counts_as not in ("censored", "event"):
            raise ValueError(f"`counts_as` must be censored or event, not {self.counts_as!r}")


@dataclass(frozen=True, slots=True, eq=False)
class Subjects:
    """Subjects of some trials; arrays of shape (n_trials, n_subjects), days.

    Attributes
    ----------
    entry : ndarray
        Whole days since the trial opened.
    event : ndarray
        From entry until an event is there to be found; `NEVER` or more if it does not come.
    leaving : ndarray
        From entry until drop-out, death or the end of the own follow-up.
    """

    entry: Floats
    event: Floats
    leaving: Floats


class SubjectDraws:
    """Draws the subjects of a block, a few trials at a time: how many at a time changes nothing.

    Parameters
    ----------
    design : SurvivalDesign
        With days as its unit of time.
    n_control, n_treated : int
    visits : Visits or None
        None: an event is found on its day.
    death : Death or None
    span : Span
        The block, whose streams are used.
    """

    def __init__(
        self,
        design: SurvivalDesign,
        n_control: int,
        n_treated: int,
        *,
        visits: Visits | None,
        death: Death | None,
        span: Span,
    ) -> None:
        groups = [0] * n_control + [1] * n_treated
        self._n = len(groups)
        self._design, self._visits, self._death = design, visits, death
        self._event = _by_column((design.control, design.treated), groups)
        self._dropout = _by_column((design.dropout, design.dropout_of_treated), groups)
        self._dying = None if death is None else _by_column((death.hazards, death.hazards), groups)
        self._rng = {name: span.rng(name) for name in ("entry", "event", "dropout", "death", "visits")}

    def draw(self, n_trials: int) -> Subjects:
        """The next trials of the block."""
        shape = (n_trials, self._n)
        event = self._event.draw(self._rng["event"], shape)
        leaving = self._dropout.draw(self._rng["dropout"], shape)
        if self._design.follow_up is not None:
            np.minimum(leaving, self._design.follow_up, out=leaving)
        if self._visits is not None:
            event = _found(event, self._visits, self._rng["visits"])
        if self._death is not None and self._dying is not None:
            dying = self._dying.draw(self._rng["death"], shape)
            by_death = event if self._death.counts_as == "event" else leaving
            np.minimum(by_death, dying, out=by_death)
        return Subjects(self._entry(shape), event, leaving)

    def _entry(self, shape: tuple[int, int]) -> Floats:
        accrual = self._design.accrual
        if accrual.duration == 0:
            return np.zeros(shape)
        ends = np.array((0.0, *accrual.ends))
        entered = np.cumsum([0.0, *(np.diff(ends) * accrual.rates)])
        share: Floats = self._rng["entry"].random(shape)
        if len(ends) == 2:
            share *= accrual.duration
        else:
            share = np.interp(share, entered / entered[-1], ends)
        np.floor(share, out=share)
        return share


def _found(event: Floats, visits: Visits, rng: np.random.Generator) -> Floats:
    """The day of the first visit that is held on the day of the event or later.

    It is the first visit that may be held so late, or, if that is held before the event, the next.
    """
    every, jitter = visits.every_days, visits.jitter_days
    planned = np.ceil((event - jitter) / every)
    np.maximum(planned, 1.0, out=planned)
    planned *= every
    if not jitter:
        return planned
    n_trials, n_subjects = event.shape
    off = rng.integers(-jitter, jitter, (n_trials, 2, n_subjects), endpoint=True)
    held = planned + off[:, 0]
    return np.where(held >= event, held, planned + every + off[:, 1])


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """Waiting times of subjects in columns whose hazards are constant between common cuts."""

    cuts: tuple[float, ...]
    rates: Floats  # (len(cuts) + 1, n_subjects)
    reached: Floats  # (len(cuts), n_subjects): the cumulative hazard at each cut

    def draw(self, rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
        """Waiting times: the cumulative hazard at an event is exponential; `NEVER` at the latest."""
        if not self.rates.any():
            return np.full(shape, NEVER)
        hazard = rng.standard_exponential(shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            days: Floats = hazard / self.rates[0]
            for cut, reached, rate in zip(self.cuts, self.reached, self.rates[1:], strict=True):
                days = np.where(hazard > reached, cut + (hazard - reached) / rate, days)
        np.minimum(days, NEVER, out=days)
        return days


def _by_column(hazards: Sequence[Hazards], groups: Sequence[int]) -> _Waiting:
    cuts = tuple(sorted({cut for one in hazards for cut in one.cuts}))
    rates = np.array([one.rate((0.0, *cuts)) for one in hazards]).T[:, groups]
    reached = np.array([one.cumulative(cuts) for one in hazards]).T[:, groups]
    return _Waiting(cuts, rates, reached)
