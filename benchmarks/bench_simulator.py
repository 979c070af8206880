"""How fast are survival trials simulated? Aim: 4 times a plain loop over trials; near-linear on two workers; 500 MB.

332 patients, who enter over two years and are followed for three, with drop-out, and one log-rank test. Reference: the
same trial by trial in plain numpy, counting by day, the quickest of several ways tried.
"""

import resource
import time

import numpy as np

from measure import cpu_of_call, medians_in_turn, print_row
from trialwright.design.survival_simulation.looks import Look, final_look
from trialwright.design.survival_simulation.simulation import (
    SimulatedDesign,
    simulate_design,
    simulate_trials,
)
from trialwright.design.survival_simulation.subjects import Visits
from trialwright.statistics.hazards import Accrual, Hazards
from trialwright.statistics.survival_design import SurvivalDesign

TRIALS, N, ACCRUAL, FOLLOW_UP = 10_000, 332, 730, 1096
CONTROL, DROPOUT = Hazards.from_risk(0.45, FOLLOW_UP), Hazards.from_risk(0.1, FOLLOW_UP)
DESIGN = SurvivalDesign(
    control=CONTROL,
    hazard_ratio=0.6,
    accrual=Accrual.uniform(ACCRUAL),
    follow_up=FOLLOW_UP,
    dropout=DROPOUT,
)
FINAL = final_look(alpha=0.05, sides=2)


def plain_loop(trials):
    """The z of each trial, one trial after another."""
    rng = np.random.default_rng(1)
    treated = np.arange(N) >= N // 2
    mean_event, mean_dropout = 1 / (CONTROL.rates[0] * np.where(treated, 0.6, 1.0)), 1 / DROPOUT.rates[0]

    def by_day(days):
        return np.bincount(days, minlength=FOLLOW_UP + 1)

    def at_risk(days):
        return by_day(days)[::-1].cumsum()[::-1]

    z = np.empty(trials)
    for trial in range(trials):
        event = rng.exponential(mean_event)
        leaving = np.minimum(rng.exponential(mean_dropout, N), FOLLOW_UP)
        is_event = event <= leaving
        day = np.ceil(np.minimum(event, leaving)).astype(np.int64)
        events = by_day(day[is_event])
        days = np.flatnonzero(events)
        events, n, n_treated = events[days], at_risk(day)[days], at_risk(day[treated])[days]
        share = n_treated / n
        variance = events * share * (1 - share) * (n - events) / np.maximum(n - 1, 1)
        z[trial] = (np.sum(events * share) - np.sum(is_event & treated)) / np.sqrt(np.sum(variance))
    return z


def simulated(**more):
    return SimulatedDesign(**{"design": DESIGN, "n_subjects": N, "looks": (FINAL,)} | more)


def seconds_on(workers):
    """Seconds on the clock, and of CPU in all processes; on a busy machine only the second says something."""
    begun, used = time.perf_counter(), cpu_of_all()
    simulate_trials(simulated(), trials=40 * TRIALS, seed=1, workers=workers)
    return time.perf_counter() - begun, cpu_of_all() - used


def cpu_of_all():
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    power = simulate_design(simulated(), trials=TRIALS, seed=1).benefit_shown
    assert abs(np.mean(plain_loop(2_000) >= FINAL.efficacy) - power.value) < 5 * np.sqrt(power.value / 2_000)
    designs = {
        "log-rank test": simulated(),
        "late differences weighted": simulated(gamma=1.0),
        "and hazard ratio": simulated(estimates_hazard_ratio=True),
        "with visits every 12 weeks": simulated(visits=Visits(84, 14)),
        "with a look at 60 events": simulated(looks=(Look(events=60, efficacy=2.8), FINAL)),
    }
    runs = [
        lambda design=design: cpu_of_call(lambda: simulate_trials(design, trials=TRIALS, seed=1))
        for design in designs.values()
    ]
    loop, *ours = medians_in_turn(
        lambda: cpu_of_call(lambda: plain_loop(TRIALS // 10)) * 10, *runs, repeats=5
    )
    print(f"{TRIALS:,} trials of {N}")
    print_row("plain loop (reference)", loop)
    for name, cpu in zip(designs, ours, strict=True):
        print_row(
            f"{name}: {TRIALS / cpu:,.0f} trials a second", cpu, loop, f"{loop / cpu:.1f} times as fast"
        )
    print(f"{40 * TRIALS:,} trials")
    for workers in (1, 2):
        clock, cpu = (min(seconds) for seconds in zip(*(seconds_on(workers) for _ in range(2)), strict=True))
        print(f"{f'workers: {workers}':<58}{cpu:8.3f} s CPU  {clock:.1f} s on the clock")
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"most memory: {peak / 1e3:.0f} MB of this process and a worker (aim: 500 MB)")
