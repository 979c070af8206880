"""How long to grade a million laboratory rows? Reference: the same criteria, one row after another. Aim: 2 s, 1 GB."""

import math
import resource

import numpy as np

from measure import cpu_of_call, medians_in_turn, print_row
from trialwright.medicine.ctcae.criteria import Reference, criteria_of
from trialwright.medicine.ctcae.grading import Baseline, grade_laboratory

ROWS, SLOW_ROWS = 1_000_000, 20_000
# analyte, unit as reported, limits of normal in that unit, greatest multiple of their middle that occurs
PANEL = [
    ("alt", "U/L", 7, 40, 30),
    ("ast", "U/L", 8, 38, 30),
    ("alp", "U/L", 40, 120, 20),
    ("bilirubin", "mg/dL", 0.2, 1.2, 20),
    ("creatinine", "mg/dL", 0.6, 1.2, 8),
    ("albumin", "g/dL", 3.5, 5.0, 1.5),
    ("platelets", "10^3/uL", 125, 350, 4),
    ("neutrophils", "10^9/L", 1.8, 7.5, 5),
    ("haemoglobin", "g/dL", 13, 17, 1.6),
    ("sodium", "mmol/L", 136, 145, 1.3),
    ("potassium", "mmol/L", 3.5, 5.1, 2),
    ("inr", None, 0.8, 1.2, 1.9),
]


def laboratory(n: int) -> dict[str, object]:
    rng = np.random.default_rng(5)
    which = rng.integers(len(PANEL), size=n)
    low, high, most = (np.array([row[at] for row in PANEL], float)[which] for at in (2, 3, 4))
    middle, reach = (low + high) / 2, np.log(most)
    return {
        "analyte": [PANEL[i][0] for i in which],
        "unit": [PANEL[i][1] for i in which],
        "value": np.where(rng.random(n) < 0.02, np.nan, middle * np.exp(rng.uniform(-1, 1, n) * reach)),
        "lln": np.where(rng.random(n) < 0.01, np.nan, low),
        "uln": high,
        "baseline": np.where(
            rng.random(n) < 0.02, np.nan, middle * np.exp(rng.uniform(-0.5, 0.5, n) * reach)
        ),
    }


def in_one_call(rows: dict[str, object], direction: str) -> tuple[np.ndarray, np.ndarray]:
    grades = grade_laboratory(
        rows["analyte"],
        rows["value"],
        unit=rows["unit"],
        direction=direction,
        version="5.0",
        lln=rows["lln"],
        uln=rows["uln"],
        baseline=Baseline(rows["baseline"], rows["unit"], rows["uln"]),
        is_anticoagulated=False,
    )
    return grades.grade.bounds.lo, grades.grade.bounds.hi


def row_by_row(rows: dict[str, object], direction: str) -> list[tuple[float, float]]:
    """Plain Python: a row's grade from least to most; the tolerance of products written out."""
    criteria = criteria_of("5.0")
    factors = {
        "mg/dL": {"bilirubin": 17.10359, "creatinine": 88.40170},
        "g/dL": dict.fromkeys(("albumin", "haemoglobin"), 10.0),
    }
    found = []
    columns = (
        np.asarray(rows[name], object) for name in ("analyte", "unit", "value", "lln", "uln", "baseline")
    )
    for analyte, unit, value, lln, uln, baseline in zip(*columns, strict=True):
        term = criteria.terms.get((analyte, direction))
        if term is None:
            found.append((0.0, 4.0))
            continue
        factor = factors.get(unit, {}).get(analyte, 1.0)
        value, limits = value * factor, {"LLN": lln * factor, "ULN": uln * factor, "BL": baseline * factor}
        is_abnormal = limits["BL"] > limits["ULN"]
        steps = term.if_baseline_abnormal if term.if_baseline_abnormal and is_abnormal else term.steps
        least = most = 0.0
        for step in steps:
            if step.needs_symptoms:
                continue
            holds = True
            for condition in step.conditions:
                bound, tolerance = condition.number, 1e-9 if factor != 1.0 else 0.0
                if condition.reference is not None:
                    bound = bound * limits[Reference(condition.reference)] + condition.offset
                    tolerance = 1e-9 if condition.number != 1 or condition.offset else tolerance
                if math.isnan(bound) or math.isnan(value):
                    holds = None
                elif condition.comparison == ">":
                    holds = value > bound * (1 + tolerance)
                elif condition.comparison == ">=":
                    holds = value >= bound * (1 - tolerance)
                else:
                    holds = value < bound * (1 - tolerance)
            if holds:
                least = float(step.grade)
            if holds is not False:
                most = float(step.grade)
        found.append((least, most))
    return found


few, many = laboratory(SLOW_ROWS), laboratory(ROWS)
for direction in ("low", "high"):
    least, most = in_one_call(few, direction)
    assert list(zip(least.tolist(), most.tolist(), strict=True)) == row_by_row(few, direction)

slow, fast = medians_in_turn(
    lambda: cpu_of_call(lambda: row_by_row(few, "high")) * (ROWS / SLOW_ROWS),
    lambda: cpu_of_call(lambda: in_one_call(many, "high")),
    repeats=3,
)
print_row(f"row by row, {SLOW_ROWS:,} rows, times {ROWS // SLOW_ROWS} (reference)", slow)
print_row(f"grade_laboratory, {ROWS:,} rows of 12 analytes", fast, slow, "aim: 2 s")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{'greatest memory of this process':<58}{peak:8.0f} MB{'':>22}aim: 1000 MB")
