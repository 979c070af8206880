"""How long do 100 powers of a survival design take, 100 times its subjects, and a grid of 100 assumptions?

Reference: 100 of Lakatos' tables with 12 intervals a month, filled row by row in plain Python, as his paper describes it; they are
right to a few in a thousand.
"""

import dataclasses
import math

from measure import cpu_of_call, medians_in_turn, print_row
from trialwright.statistics.hazards import Accrual, Hazards
from trialwright.statistics.survival_design import SurvivalDesign
from trialwright.statistics.survival_power import logrank_power, subjects_needed

RATE, DROPOUT, ACCRUAL, END = 0.03, 0.005, 24, 36
LATE = SurvivalDesign(
    control=Hazards.constant(RATE),
    hazard_ratio=((0, 1.0), (6, 0.5)),
    accrual=Accrual.uniform(ACCRUAL),
    follow_up=None,
    end=END,
    dropout=Hazards.constant(DROPOUT),
)
ONE_TEST = {"alpha": 0.05, "sides": 2}
CALLS = 100


def expected_z_by_table() -> float:
    treated = control = 0.5
    mean = variance = 0.0
    for i in range(END * 12):
        t = (i + 0.5) / 12
        theta = 1.0 if t < 6 else 0.5
        phi = treated / control
        entered = min(1.0, (END - t) / ACCRUAL)
        deaths = entered * RATE * (control + theta * treated) / 12
        mean += deaths * (phi * theta / (1 + phi * theta) - phi / (1 + phi))
        variance += deaths * phi / (1 + phi) ** 2
        treated *= 1 - (RATE * theta + DROPOUT) / 12
        control *= 1 - (RATE + DROPOUT) / 12
    return mean / math.sqrt(variance)


def grid() -> list[float]:
    return [
        logrank_power(
            dataclasses.replace(LATE, control=Hazards.from_risk(risk / 100, END), hazard_ratio=ratio / 100),
            332,
            **ONE_TEST,
        ).power
        for risk in range(30, 70, 4)
        for ratio in range(50, 100, 5)
    ]


def seconds(function) -> float:
    return cpu_of_call(lambda: [function() for _ in range(CALLS)])


assert abs(logrank_power(LATE, 1, **ONE_TEST).expected_z / expected_z_by_table() - 1) < 0.005
assert len(grid()) == 100

table, power, size, many = medians_in_turn(
    lambda: seconds(expected_z_by_table),
    lambda: seconds(lambda: logrank_power(LATE, 332, **ONE_TEST)),
    lambda: seconds(lambda: subjects_needed(LATE, **ONE_TEST, power=0.8)),
    lambda: cpu_of_call(grid),
)
print_row("100 tables of intervals, row by row (reference)", table)
print_row("100 powers of a survival design", power, table)
print_row("subjects for a power, 100 times", size, table)
print_row("power under 100 sets of assumptions", many, table)
