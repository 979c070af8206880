"""Laws of response that hold for any course, and the arrays against a version that goes row by row."""

import numpy as np
from benchmarks.recist_by_rows import best_responses
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.medicine.recist.best_response import best_overall_response
from trialwright.medicine.recist.criteria import CONFIRMED_AFTER_28_DAYS, Confirmation
from trialwright.medicine.recist.irecist import NewLesions, best_immune_response, immune_responses
from trialwright.medicine.recist.lesions import read_lesions
from trialwright.medicine.recist.overall import (
    find_disease,
    find_new_lesions,
    non_target_response,
    overall_response,
    progress_after_complete_response,
)
from trialwright.medicine.recist.responses import ImmuneResponse, Response, Role, State, decode
from trialwright.medicine.recist.targets import hold_partial_response, sum_diameters, target_response
from trialwright.vocabulary.verdicts import Verdict

START = np.datetime64("2024-01-10")
ROLES = {"TARGET": Role.TARGET, "NON-TARGET": Role.NON_TARGET, "NEW": Role.NEW}
STATES = {state.word: state for state in State}

SIZES = st.sampled_from([0, 4.9, 5, 9.9, 10, 11, 14, 15, 20, 21, 24, 25, 30, 35.7, 36, 42.84]) | st.none()
OTHERS = st.sampled_from(
    ["PRESENT", "PRESENT", "ABSENT", "ABSENT", "UNEQUIVOCAL PROGRESSION", "NOT ASSESSED"]
)


@st.composite
def courses(draw, subject):
    """Rows of one patient: lesions at baseline, then visits at which each is measured, skipped or lost."""
    targets = [(f"T{i}", node) for i, node in enumerate(draw(st.lists(st.booleans(), max_size=3)))]
    others = [(f"NT{i}", node) for i, node in enumerate(draw(st.lists(st.booleans(), max_size=2)))]
    if not targets and not others:
        targets = [("T0", False)]
    day = -draw(st.integers(0, 28))
    rows = [
        (subject, day, name, "TARGET", node, draw(st.sampled_from([15, 20, 30, 51])), "PRESENT", True)
        for name, node in targets
    ]
    rows += [(subject, day, name, "NON-TARGET", node, None, "PRESENT", True) for name, node in others]
    for _ in range(draw(st.integers(0, 5))):
        day += draw(st.sampled_from([14, 27, 28, 42, 56]))
        rows += [
            (subject, day, name, "TARGET", node, draw(SIZES), "NOT ASSESSED", False)
            for name, node in targets
            if draw(st.integers(0, 9)) or name == "T0"
        ]
        rows += [(subject, day, name, "NON-TARGET", node, None, draw(OTHERS), False) for name, node in others]
        if draw(st.integers(0, 9)) == 0:
            rows.append((subject, day, "NEW1", "NEW", False, None, "UNEQUIVOCAL", False))
    return rows


COHORTS = (
    st.integers(1, 4)
    .flatmap(lambda n: st.tuples(*[courses(i) for i in range(n)]))
    .map(lambda parts: [row for part in parts for row in part])
)


def read(rows, factor=1.0, unit="mm"):
    subject, day, lesion, role, node, size, state, baseline = zip(*rows, strict=True)
    return read_lesions(
        subject=subject,
        date=START + np.array(day),
        lesion=lesion,
        role=[ROLES[word] for word in role],
        is_node=node,
        diameter=[np.nan if value is None else value * factor for value in size],
        unit=unit,
        is_baseline=baseline,
        state=[STATES[word] for word in state],
    )


def judge(lesions):
    """Target and overall responses of the time points, and best responses of the courses."""
    points = lesions.points
    target = target_response(sum_diameters(lesions))
    new = find_new_lesions(lesions, no_record=Verdict.NOT_MET)
    table = overall_response(target, non_target_response(lesions), new)
    overall = progress_after_complete_response(
        points.course, points.last_date, table, find_disease(lesions)
    ).response
    best = best_overall_response(
        points.course,
        points.last_date,
        overall,
        first_dose=[START] * points.n_courses,
        confirmation=CONFIRMED_AFTER_28_DAYS,
    )
    return target, overall, best.response


@settings(max_examples=150, deadline=None)
@given(COHORTS)
def test_arrays_agree_with_rows(rows):
    lesions = read(rows)
    target, overall, best = judge(lesions)
    points = lesions.points
    expected = best_responses(rows, dict.fromkeys(range(4), 0))
    for course, subject in enumerate(points.subject.tolist()):
        mine = (points.course == course) & points.is_follow_up
        assert decode(Response, target[mine]) == expected[subject][0]
        assert decode(Response, overall[mine]) == expected[subject][1]
        assert decode(Response, best[[course]]) == [expected[subject][2]]


@settings(max_examples=60, deadline=None)
@given(COHORTS, st.randoms())
def test_order_of_rows_never_matters(rows, random):
    shuffled = random.sample(rows, len(rows))
    for one, other in zip(judge(read(rows)), judge(read(shuffled)), strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=60, deadline=None)
@given(COHORTS)
def test_one_patient_alone_is_the_same_as_among_others(rows):
    together = judge(read(rows))
    subjects = sorted({row[0] for row in rows})
    alone = [judge(read([row for row in rows if row[0] == subject])) for subject in subjects]
    for part in range(3):
        np.testing.assert_array_equal(together[part], np.concatenate([each[part] for each in alone]))


@settings(max_examples=60, deadline=None)
@given(COHORTS, st.sampled_from([(0.1, "cm"), (0.001, "m"), (1000, "um")]))
def test_units_never_change_an_answer(rows, unit):
    for one, other in zip(judge(read(rows)), judge(read(rows, *unit)), strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=100, deadline=None)
@given(COHORTS, st.data())
def test_larger_targets_never_improve_the_response_of_their_time_point(rows, data):
    follow_ups = [i for i, row in enumerate(rows) if row[3] == "TARGET" and not row[7] and row[5] is not None]
    if not follow_ups:
        return
    i = data.draw(st.sampled_from(follow_ups))
    grown = [*rows]
    grown[i] = (*rows[i][:5], rows[i][5] + data.draw(st.sampled_from([0.1, 1, 5, 20])), *rows[i][6:])
    before, after = (target_response(sum_diameters(read(each))) for each in (rows, grown))
    points = read(rows).points
    at = points.locate([rows[i][0]], [START + rows[i][1]])[0]
    assert after[at] <= before[at] or before[at] == Response.NE
    assert after[at] in (Response.PD, Response.NE) or before[at] != Response.NE


@settings(max_examples=60, deadline=None)
@given(COHORTS, st.data())
def test_what_is_not_measured_is_never_a_response(rows, data):
    follow_ups = [i for i, row in enumerate(rows) if row[3] == "TARGET" and not row[7]]
    if not follow_ups:
        return
    i = data.draw(st.sampled_from(follow_ups))
    lost = [*rows]
    lost[i] = (*rows[i][:5], None, *rows[i][6:])
    lesions = read(lost)
    at = lesions.points.locate([rows[i][0]], [START + rows[i][1]])[0]
    assert target_response(sum_diameters(lesions))[at] in (Response.PD, Response.NE)


@settings(max_examples=60, deadline=None)
@given(COHORTS, st.data())
def test_a_new_lesion_is_always_progression(rows, data):
    row = data.draw(st.sampled_from(rows))
    if row[7]:
        return
    lesions = read([*rows, (row[0], row[1], "NEW2", "NEW", False, None, "UNEQUIVOCAL", False)])
    at = lesions.points.locate([row[0]], [START + row[1]])[0]
    assert judge(lesions)[1][at] == Response.PD


RESPONSES = [Response.NE, Response.PD, Response.NON_CR_NON_PD, Response.SD, Response.PR, Response.CR]
ASSESSMENTS = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from([*RESPONSES, Response.PR, Response.CR])), max_size=8
)


@settings(max_examples=200, deadline=None)
@given(ASSESSMENTS, st.integers(0, 60), st.integers(0, 60), st.integers(0, 2), st.integers(0, 2))
def test_confirmation_never_improves_and_stricter_never_more(assessments, days, more, most_ne, most_sd):
    dates = START + np.cumsum([gap for gap, _ in assessments]).astype(int)
    codes = [int(code) for _, code in assessments]

    def best(confirmation):
        return best_overall_response(
            np.zeros(len(codes), int),
            dates,
            np.array(codes, np.uint8),
            first_dose=[START],
            confirmation=confirmation,
        ).response[0]

    lenient = best(Confirmation(after_days=days, most_ne=most_ne + 1, most_sd=most_sd + 1))
    strict = best(Confirmation(after_days=days + more, most_ne=most_ne, most_sd=most_sd))
    assert strict <= lenient <= best(None)


@settings(max_examples=150, deadline=None)
@given(ASSESSMENTS, st.sampled_from([None, CONFIRMED_AFTER_28_DAYS]))
def test_a_held_response_only_turns_stable_disease_into_partial_response(assessments, confirmation):
    dates = START + np.cumsum([gap for gap, _ in assessments]).astype(int)
    codes = np.array([code for _, code in assessments], np.uint8)
    held = hold_partial_response(np.zeros(len(codes), int), dates, codes, confirmation=confirmation)
    changed = held != codes
    assert (codes[changed] == Response.SD).all()
    assert (held[changed] == Response.PR).all()
    for position in np.flatnonzero(changed):
        assert Response.PR in codes[:position]
        assert Response.PD not in codes[:position]


@settings(max_examples=100, deadline=None)
@given(COHORTS)
def test_immune_response_waits_and_else_agrees(rows):
    lesions = read(rows)
    points, sums = lesions.points, sum_diameters(lesions)
    target, others = target_response(sums), non_target_response(lesions)
    new = find_new_lesions(lesions, no_record=Verdict.NOT_MET)
    table = overall_response(target, others, new)
    back = progress_after_complete_response(points.course, points.last_date, table, find_disease(lesions))
    found = immune_responses(
        points.course,
        points.last_date,
        target=target,
        sum_mm=sums.sum_mm,
        is_complete=sums.is_complete,
        non_target=others,
        new_lesions=NewLesions.of((new == Verdict.MET.code).astype(float)),
        has_reappeared=back.has_reappeared,
        n_courses=points.n_courses,
    )
    same = {
        Response.MISSING: ImmuneResponse.MISSING,
        Response.NE: ImmuneResponse.NE,
        Response.PD: ImmuneResponse.IUPD,
        Response.NON_CR_NON_PD: ImmuneResponse.NON_ICR_NON_IUPD,
        Response.SD: ImmuneResponse.ISD,
        Response.PR: ImmuneResponse.IPR,
        Response.CR: ImmuneResponse.ICR,
    }
    for course in range(points.n_courses):
        mine = np.flatnonzero(points.course == course)
        progressed = np.flatnonzero(back.response[mine] == Response.PD)
        until = mine[: progressed[0] + 1] if len(progressed) else mine
        assert [same[Response(code)] for code in back.response[until]] == found.response[until].tolist()
        confirmed = mine[found.response[mine] == ImmuneResponse.ICPD]
        assert found.is_confirmed[course] == bool(len(confirmed))
        if len(confirmed):
            assert (points.last_date[confirmed[0]] - found.progression[course]).astype(int) >= 28
    best = best_immune_response(
        points.course, points.last_date, found.response, first_dose=[START] * points.n_courses
    )
    assert len(best) == points.n_courses
