"""How long to judge the tumour courses of 100,000 patients, from lesions to best response? Reference: row by
row.

Each patient has 2 target lesions (one a node) and a non-target lesion, a baseline and 5 follow-ups: 1.8
million rows in no order, 1 in 50 not measured. The reference goes through the rows of 2,000 of the same
patients in plain Python and is scaled up; both must agree on each of them.
"""

import resource

import numpy as np

from measure import cpu_of_call, medians_in_turn, print_row
from recist_by_rows import best_responses
from trialwright.medicine.recist.best_response import best_overall_response
from trialwright.medicine.recist.criteria import CONFIRMED_AFTER_28_DAYS
from trialwright.medicine.recist.irecist import count_new_lesions, immune_responses
from trialwright.medicine.recist.lesions import read_lesions
from trialwright.medicine.recist.overall import (
    find_disease,
    find_new_lesions,
    non_target_response,
    overall_response,
    progress_after_complete_response,
)
from trialwright.medicine.recist.responses import Response, Role, State, decode
from trialwright.medicine.recist.targets import sum_diameters, target_response
from trialwright.vocabulary.verdicts import Verdict

N, N_ROWS_BY_ROW, VISITS, LESIONS = 100_000, 2_000, 6, 3
START = np.datetime64("2024-01-10")


def cohort(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    subject = np.repeat(np.arange(n), VISITS * LESIONS)
    visit = np.tile(np.repeat(np.arange(VISITS), LESIONS), n)
    lesion = np.tile(np.arange(LESIONS), n * VISITS)
    trend = rng.normal(-0.05, 0.12, n)[subject]
    size = rng.integers(16, 60, (n, LESIONS))[subject, lesion] * np.exp(
        trend * visit + rng.normal(0, 0.04, len(subject))
    )
    gone = (rng.random(n) < 0.05)[subject] & (visit >= 2)
    size = np.where(gone, np.where(lesion == 1, 8.0, 0.0), np.round(size, 1))
    size[(rng.random(len(size)) < 0.02) & (visit > 0)] = np.nan
    size[lesion == 2] = np.nan
    seen = rng.choice(
        [State.PRESENT, State.ABSENT, State.PROGRESSED, State.NOT_ASSESSED],
        len(size),
        p=[0.9, 0.06, 0.02, 0.02],
    )
    order = rng.permutation(len(subject))
    columns = {
        "subject": subject,
        "day": 56 * visit - 14,
        "lesion": lesion,
        "role": np.where(lesion == 2, Role.NON_TARGET, Role.TARGET).astype(np.uint8),
        "is_node": lesion == 1,
        "diameter": size,
        "state": np.where(lesion != 2, State.NOT_ASSESSED, np.where(visit == 0, State.PRESENT, seen)).astype(
            np.uint8
        ),
        "is_baseline": visit == 0,
    }
    return {name: column[order] for name, column in columns.items()}


def by_arrays(columns: dict[str, np.ndarray]):
    given = {name: column for name, column in columns.items() if name != "day"}
    lesions = read_lesions(**given, date=START + columns["day"], unit="mm")
    points = lesions.points
    target, others = target_response(sum_diameters(lesions)), non_target_response(lesions)
    new = find_new_lesions(lesions, no_record=Verdict.NOT_MET)
    table = overall_response(target, others, new)
    found = progress_after_complete_response(points.course, points.last_date, table, find_disease(lesions))
    best = best_overall_response(
        points.course,
        points.last_date,
        found.response,
        first_dose=np.full(points.n_courses, START),
        confirmation=CONFIRMED_AFTER_28_DAYS,
    )
    return lesions, target, others, best


def immune(lesions, target, others):
    sums, points = sum_diameters(lesions), lesions.points
    return immune_responses(
        points.course,
        points.last_date,
        target=target,
        sum_mm=sums.sum_mm,
        is_complete=sums.is_complete,
        non_target=others,
        new_lesions=count_new_lesions(lesions),
    )


def plain_rows(columns: dict[str, np.ndarray]):
    words = {int(role): role.word for role in Role}, {int(state): state.word for state in State}
    size = [None if value != value else value for value in columns["diameter"].tolist()]
    return list(
        zip(
            columns["subject"].tolist(),
            columns["day"].tolist(),
            columns["lesion"].tolist(),
            [words[0][role] for role in columns["role"].tolist()],
            columns["is_node"].tolist(),
            size,
            [words[1][state] for state in columns["state"].tolist()],
            columns["is_baseline"].tolist(),
            strict=True,
        )
    )


everyone = cohort(N, np.random.default_rng(20261121))
some = {name: column[everyone["subject"] < N_ROWS_BY_ROW] for name, column in everyone.items()}
rows, dose = plain_rows(some), dict.fromkeys(range(N_ROWS_BY_ROW), 0)
lesions, target, others, best = by_arrays(everyone)
words = decode(Response, best.response)
assert words[:N_ROWS_BY_ROW] == [best for _, _, best in best_responses(rows, dose).values()]
assert {"CR", "PR", "SD", "PD"} <= set(words)

arrays, with_immune, reference = medians_in_turn(
    lambda: cpu_of_call(lambda: by_arrays(everyone)),
    lambda: cpu_of_call(lambda: immune(lesions, target, others)),
    lambda: cpu_of_call(lambda: best_responses(rows, dose)),
    repeats=5,
)
reference *= N / N_ROWS_BY_ROW
print_row("row by row, scaled from 2,000 patients (reference)", reference)
print_row("RECIST 1.1, 100,000 patients, lesions to best response", arrays, reference, "aim: 2 s")
print_row("iRECIST on top of it", with_immune, reference)
print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.2f} GB (aim: 1 GB)")
