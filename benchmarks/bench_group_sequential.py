"""How long does a group-sequential design take, a look at its outlook, and the projection of a date?

The reference is the power of the same boundaries by the same recursion in plain loops, on about as many nodes.

    python benchmarks/bench_group_sequential.py
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from functools import partial

import numpy as np

from measure import cpu_of_call, medians_in_turn, print_row
from trialwright.statistics.conditional_power import (
    NormalPrior,
    estimate_conditional_power,
    interim_from_hazard_ratio,
)
from trialwright.statistics.error_spending import obrien_fleming_spending, pocock_spending
from trialwright.statistics.event_projection import EventProjection, FutureAccrual, project_events
from trialwright.statistics.group_sequential import (
    GroupSequentialDesign,
    equal_looks,
    group_sequential_design,
    stopping_probabilities,
)

N_LOOKS, N_NODES = 5, 160


def design() -> GroupSequentialDesign:
    return group_sequential_design(
        equal_looks(N_LOOKS),
        alpha=0.025,
        sides=1,
        power=0.9,
        efficacy=obrien_fleming_spending(),
        futility=pocock_spending(),
    )


def exits_by_loops(efficacy: tuple[float, ...], futility: tuple[float, ...], drift: float) -> float:
    """Power of given boundaries, one node after another."""
    points, weights = np.polynomial.legendre.leggauss(N_NODES)
    nodes, masses, power = [0.0], [1.0], 0.0
    step = 1 / N_LOOKS
    spread = math.sqrt(step)
    for k, (b, a) in enumerate(zip(efficacy, futility, strict=True), start=1):
        upper, lower = b * math.sqrt(k * step), a * math.sqrt(k * step)
        power += sum(
            0.5 * m * math.erfc((upper - x - drift * step) / spread / math.sqrt(2))
            for x, m in zip(nodes, masses, strict=True)
        )
        laid = [(lower + upper) / 2 + (upper - lower) / 2 * float(one) for one in points]
        weighed = [(upper - lower) / 2 * float(one) for one in weights]
        masses = [
            w
            * sum(
                m * math.exp(-0.5 * ((y - x - drift * step) / spread) ** 2)
                for x, m in zip(nodes, masses, strict=True)
            )
            / (spread * math.sqrt(2 * math.pi))
            for y, w in zip(laid, weighed, strict=True)
        ]
        nodes = laid
    return power


def projection() -> EventProjection:
    rng = np.random.default_rng(1)
    cut, n = date(2026, 6, 30), 200
    days = rng.integers(10, 700, n)
    event = rng.random(n) < 0.3
    return project_events(
        [cut - timedelta(days=int(one)) for one in days],
        days,
        [bool(one) for one in event],
        [not one for one in event],
        cut=cut,
        n_events_needed=121,
        seed=1,
        future=FutureAccrual(132, 0.3),
    )


def main() -> None:
    found = design()
    boundaries = found.boundaries
    assert boundaries.futility is not None
    by_loops = partial(exits_by_loops, boundaries.efficacy, boundaries.futility, found.drift)
    assert abs(by_loops() - 0.9) < 1e-9
    interim, prior = interim_from_hazard_ratio(0.75, 0.25), NormalPrior(0.8, 0.3)
    outlook = partial(
        estimate_conditional_power,
        interim,
        boundaries,
        final_information=found.events(0.6) / 4,
        design_hazard_ratio=0.6,
        prior=prior,
    )
    runs = (
        by_loops,
        design,
        partial(stopping_probabilities, boundaries, found.drift),
        outlook,
        projection,
    )
    loops, *others = medians_in_turn(*(partial(cpu_of_call, run) for run in runs))
    print_row("power of five looks, by plain loops (the reference)", loops)
    names = (
        "five looks, efficacy and futility, drift solved for",
        "what its boundaries do under one effect",
        "conditional and predictive power, five numbers",
        "date of the 121st event, 200 subjects and 132 to come",
    )
    limits = ("below 0.05 s", "", "", "")
    for name, seconds, limit in zip(names, others, limits, strict=True):
        print_row(name, seconds, loops, limit)


if __name__ == "__main__":
    main()
