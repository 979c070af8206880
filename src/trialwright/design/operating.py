"""The design put to the test: the log-rank test run on virtual trials, under its assumptions and under each scenario."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trialwright.analysis.results import Recorder
from trialwright.design.assumptions import Basis, read_basis, scenarios_of
from trialwright.design.blocks import Progress
from trialwright.design.comparison_audit import exact_events, recorder_of
from trialwright.design.looks_audit import at_look, ends_at_looks
from trialwright.design.survival import survival_design
from trialwright.design.survival_simulation.characteristics import Estimated, OperatingCharacteristics
from trialwright.design.survival_simulation.looks import Look, final_look, sequential_looks
from trialwright.design.survival_simulation.simulation import SimulatedDesign, simulate_designs
from trialwright.statistics.group_sequential import stopping_probabilities
from trialwright.statistics.survival_power import logrank_power

OPERATING = "design operating"
"""The id of the rows; no analysis can be named so."""
OWN = "the design"
"""The item of what is simulated under the design's own assumptions."""
_NEVER_SEEN = "all trials did, or none"


@dataclass(frozen=True, slots=True)
class Simulation:
    """How virtual trials are run: how many, from which seed, on how many processes, and where finished blocks are kept."""

    trials: int
    seed: int
    workers: int = 1
    folder: Path | None = None
    on_progress: Callable[[Progress], None] = lambda _: None


def bases_of(basis: Basis) -> Iterator[tuple[str, Basis]]:
    """What is simulated: the design's own assumptions, and each scenario that changes one of them."""
    yield OWN, basis
    for id_, _ in scenarios_of(basis.loaded):
        yield id_, read_basis(basis.loaded, id_)


def simulate_comparison(basis: Basis, asked: Simulation) -> Recorder:
    """Power, or type I error where the scenario has no effect, with estimates of the hazard ratio; each with its error.

    Trials of a design with looks stop at them: how many do at each stands beside what theory says. Under every scenario they
    wait for the events of the design itself.

    Parameters
    ----------
    basis : Basis
    asked : Simulation
        Progress counts the trials of all scenarios together.
    """
    found = recorder_of(
        basis, OPERATING, "log-rank test on virtual trials", seed=asked.seed, trials=asked.trials
    )
    bases = dict(bases_of(basis))
    simulated = simulate_designs(
        [_simulated(one, looks_of(basis, one)) for one in bases.values()], trials=asked.trials, seed=asked.seed, workers=asked.workers,
        folder=asked.folder, on_progress=asked.on_progress,
    )  # fmt: skip
    for (id_, one), told in zip(bases.items(), simulated, strict=True):
        conventions = dict(found.conventions) | {key: number.value for key, number in one.numbers.items()}
        for statistic, (estimated, unit) in _numbers(told).items():
            if estimated is not None:
                _add(found, id_, statistic, unit, estimated, conventions)
        for k, (look, expected) in enumerate(zip(told.looks, _expected_to_end(basis, one), strict=False), 1):
            _add(found, at_look(id_, k), "ends", "", look.ends, conventions)
            _add(found, at_look(id_, k), "reached", "", look.reached, conventions)
            found.add("ends_by_theory", expected, item=at_look(id_, k), conventions=conventions)
    return found


def looks_of(design: Basis, scenario: Basis) -> tuple[Look, ...]:
    """The looks of a design at the error rates of a scenario, or the one at the end."""
    comparison = scenario.comparison
    if comparison.sequential is None:
        return (final_look(alpha=comparison.alpha, sides=comparison.sides),)
    return sequential_looks(comparison.sequential.boundaries, exact_events(design), most=design.n)


def _expected_to_end(design: Basis, scenario: Basis) -> Iterator[float]:
    """The chance that a trial of the scenario ends at each look; nothing without looks.

    The mean of z is that of Lakatos at the end of the study, in proportion to the square root of the events, and its standard
    deviation that of these hazards: unlike Schoenfeld's they hold for unequal groups and ratios far from 1.
    """
    comparison = scenario.comparison
    if comparison.sequential is not None:
        at_end = logrank_power(
            survival_design(scenario), design.n, alpha=comparison.alpha, sides=comparison.sides
        )
        drift = -at_end.expected_z * math.sqrt(exact_events(design) / at_end.n_events)
        boundaries = comparison.sequential.boundaries
        yield from ends_at_looks(stopping_probabilities(boundaries, drift, std_dev=at_end.std_dev_z))


def _simulated(basis: Basis, looks: tuple[Look, ...]) -> SimulatedDesign:
    return SimulatedDesign(
        design=survival_design(basis), n_subjects=basis.n, looks=looks, estimates_hazard_ratio=True
    )


def _numbers(told: OperatingCharacteristics) -> dict[str, tuple[Estimated | None, str]]:
    return {
        "benefit_shown": (told.benefit_shown, ""),
        "harm_shown": (told.harm_shown, ""),
        "rejected": (told.rejected, ""),
        "n_events": (told.n_events, "events"),
        "hazard_ratio": (told.hazard_ratio, ""),
        "coverage": (told.coverage, ""),
    }


def _add(
    found: Recorder,
    item: str,
    statistic: str,
    unit: str,
    estimated: Estimated,
    conventions: dict[str, object],
) -> None:
    where = {"n": estimated.n_trials, "item": item}
    found.add(statistic, estimated.value, unit, note="no trial gave one", conventions=conventions, **where)  # type: ignore[arg-type]
    error = estimated.std_error if estimated.std_error is not None else math.nan
    found.add(f"{statistic}_std_error", error, unit, note=_NEVER_SEEN, conventions=conventions, **where)  # type: ignore[arg-type]
