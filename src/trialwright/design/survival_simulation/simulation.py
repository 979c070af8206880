"""Survival trials in blocks: subjects are drawn, the data looked at as planned, and the groups compared at each look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

import numpy as np
import polars as pl

from trialwright.design.blocks import Running, Span, run_blocks, seeded_blocks
from trialwright.design.survival_simulation.characteristics import (
    OperatingCharacteristics,
    operating_characteristics,
)
from trialwright.design.survival_simulation.comparisons import hazard_ratios, logrank_tests
from trialwright.design.survival_simulation.looks import Look, days_of_looks
from trialwright.design.survival_simulation.risk_sets import LATEST_DAY, adding_by_trial, count_risk_sets
from trialwright.design.survival_simulation.subjects import Death, SubjectDraws, Subjects, Visits
from trialwright.statistics.arrays import Floats
from trialwright.statistics.survival_design import SurvivalDesign

BLOCK = 5_000
"""Trials in a block, which has seeds of its own. What is drawn depends on it; it must not depend on the machine."""
_TOGETHER = 2**17
"""Subjects computed together: few enough for the processor's cache. Nothing depends on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDesign:
    """A design, and what of it is simulated.

    Attributes
    ----------
    design : SurvivalDesign
        Hazards, accrual, drop-out and follow-up, with days as the unit of time.
    n_subjects : int
        In both groups together; the treated are `share_treated` of them, rounded to a whole number.
    looks : tuple of Look
        In the order of time, the last at the end.
    visits : Visits or None
        At which the event is found; None if on its day. Follow-up without event ends on the day of drop-out, death or look,
        not at the last visit before.
    death : Death or None
    rho, gamma : float
        Weights of the tests, as in `logrank_tests`.
    estimates_hazard_ratio : bool
        Whether the Cox model is fitted at each look; it takes half as long again.

    Raises
    ------
    ValueError
        If a group is empty, there is no look, or one waits for more events than there are subjects.
    """

    design: SurvivalDesign
    n_subjects: int
    looks: tuple[Look, ...]
    visits: Visits | None = None
    death: Death | None = None
    rho: float = 0.0
    gamma: float = 0.0
    estimates_hazard_ratio: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.n_treated < self.n_subjects:
            raise ValueError(
                f"`n_subjects` must leave somebody in each group with {self.design.share_treated:g} treated, "
                f"not be {self.n_subjects!r}"
            )
        if not self.looks:
            raise ValueError("`looks` must hold at least one look")
        for i, look in enumerate(self.looks):
            if look.events is not None and look.events > self.n_subjects:
                raise ValueError(
                    f"`looks[{i}]` must wait for at most {self.n_subjects} events, one a subject, not {look.events}"
                )
        if self.rho < 0 or self.gamma < 0:
            raise ValueError(f"`rho` and `gamma` must be 0 or more, not {self.rho!r} and {self.gamma!r}")
        if not self.design.last_time < LATEST_DAY / 2:
            raise ValueError(f"`design` must end on some day, not after {self.design.last_time:g}")

    @property
    def n_treated(self) -> int:
        return round(self.n_subjects * self.design.share_treated)


def simulate_design(
    simulated: SimulatedDesign, *, trials: int, seed: int, **running: Unpack[Running]
) -> OperatingCharacteristics:
    """Simulate trials of a design and say what comes of them.

    Parameters
    ----------
    simulated : SimulatedDesign
    trials : int
        At least 1.
    seed : int
        The same seed gives the same numbers, on any number of workers; the first trials of many are those of few.
    executor, workers, folder, on_progress
        As for `run_blocks`; progress counts trials.

    Raises
    ------
    ValueError
        If `trials`, `seed` or `workers` is too small.
    ProblemsFound
        As `run_blocks`.
    """
    return simulate_designs([simulated], trials=trials, seed=seed, **running)[0]


def simulate_designs(
    designs: Sequence[SimulatedDesign], *, trials: int, seed: int, **running: Unpack[Running]
) -> tuple[OperatingCharacteristics, ...]:
    """Simulate trials of each of some designs, all in one run; arguments and numbers as for `simulate_design`."""
    frames = _simulate(designs, trials=trials, seed=seed, **running)
    ratios = (one.design.hazard_ratio for one in designs)
    return tuple(
        operating_characteristics(frame, one.looks, hazard_ratio=None if isinstance(ratio, tuple) else ratio)
        for frame, one, ratio in zip(frames, designs, ratios, strict=True)
    )


def simulate_trials(
    simulated: SimulatedDesign, *, trials: int, seed: int, **running: Unpack[Running]
) -> pl.DataFrame:
    """Simulate trials of a design, all looks of each, whether one before them would have ended the trial or not.

    Parameters
    ----------
    As for `simulate_design`.

    Returns
    -------
    trials : DataFrame
        One row a trial and look, in order: `trial` from 0, `look` from 1, `day` since the trial opened, `is_reached`,
        `n_subjects` entered, `n_events` and `n_treated_events` found, `z` (above 0 for fewer events among the treated; NaN
        if the events cannot tell the groups apart), and, NaN if not estimable or not asked for, `log_hazard_ratio` and
        `std_error`.
    """
    return _simulate([simulated], trials=trials, seed=seed, **running)[0]


def _simulate(
    designs: Sequence[SimulatedDesign], *, trials: int, seed: int, **running: Unpack[Running]
) -> list[pl.DataFrame]:
    spans = seeded_blocks(seed, trials, size=BLOCK)
    blocks = [(one, span) for one in designs for span in spans]
    frames = run_blocks(simulate_block, blocks, count=lambda block: block[1].n, **running)
    return [pl.concat(frames[first : first + len(spans)]) for first in range(0, len(frames), len(spans))]


def simulate_block(block: tuple[SimulatedDesign, Span]) -> pl.DataFrame:
    """Simulate the trials of one block."""
    simulated, span = block
    _keep_freed_memory()
    draws = SubjectDraws(
        simulated.design,
        simulated.n_subjects - simulated.n_treated,
        simulated.n_treated,
        visits=simulated.visits,
        death=simulated.death,
        span=span,
    )
    batch = max(1, _TOGETHER // simulated.n_subjects)
    parts = [_look_at(draws.draw(min(batch, span.n - begin)), simulated) for begin in range(0, span.n, batch)]
    columns = {name: np.concatenate([part[name] for part in parts]).ravel() for name in parts[0]}
    n_looks = len(simulated.looks)
    numbering = {
        "trial": np.repeat(np.arange(span.first, span.first + span.n), n_looks),
        "look": np.tile(np.arange(1, n_looks + 1), span.n),
    }
    return pl.DataFrame(numbering | columns).cast(_SCHEMA)


_SCHEMA = pl.Schema(
    {
        "trial": pl.Int64,
        "look": pl.Int16,
        "day": pl.Int32,
        "is_reached": pl.Boolean,
        "n_subjects": pl.Int32,
        "n_events": pl.Int32,
        "n_treated_events": pl.Int32,
        "z": pl.Float64,
        "log_hazard_ratio": pl.Float64,
        "std_error": pl.Float64,
    }
)


def _look_at(subjects: Subjects, simulated: SimulatedDesign) -> dict[str, np.ndarray]:
    """All looks at some trials; arrays of shape (n_trials, n_looks)."""
    days, is_reached = days_of_looks(subjects, simulated.looks, last=simulated.design.last_time)
    looks = [_compare(subjects, day[:, None], simulated) for day in days.T]
    columns = {name: np.stack([look[name] for look in looks], axis=1) for name in looks[0]}
    return {"day": np.ceil(days), "is_reached": is_reached} | columns


def _compare(subjects: Subjects, day: Floats, simulated: SimulatedDesign) -> dict[str, Floats]:
    """Compare the groups with what is known on a day of each trial, of shape (n_trials, 1)."""
    followed = day - subjects.entry
    n_entered = np.count_nonzero(followed > 0, axis=1)
    np.clip(followed, 0.0, subjects.leaving, out=followed)
    event_observed = subjects.event <= followed
    np.minimum(followed, subjects.event, out=followed)
    np.ceil(followed, out=followed)
    sets = count_risk_sets(
        followed.astype(np.int32), event_observed, n_control=simulated.n_subjects - simulated.n_treated
    )
    total = adding_by_trial(sets.trial, sets.n_trials)
    unknown = np.full(len(n_entered), np.nan)
    ratios = hazard_ratios(sets) if simulated.estimates_hazard_ratio else None
    return {
        "n_subjects": n_entered,
        "n_events": total(sets.n_events),
        "n_treated_events": total(sets.n_treated_events),
        "z": logrank_tests(sets, rho=simulated.rho, gamma=simulated.gamma).z,
        "log_hazard_ratio": unknown if ratios is None else ratios.log_hazard_ratio,
        "std_error": unknown if ratios is None else ratios.std_error,
    }


def _keep_freed_memory() -> None:
    """Let the C library of Linux reuse freed arrays: it hands those of 128 kB or more back to the system until a larger one
    has been freed (mallopt(3), M_MMAP_THRESHOLD). Otherwise half of the time goes into asking for them anew.
    """
    np.empty(2**24, dtype=np.uint8)
