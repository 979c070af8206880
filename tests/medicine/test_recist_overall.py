"""Non-target and new lesions, the table of overall responses, reappearance and dates."""

import numpy as np
import pytest

from trialwright.medicine.recist.best_response import best_overall_response
from trialwright.medicine.recist.criteria import CONFIRMED_AFTER_28_DAYS
from trialwright.medicine.recist.lesions import read_lesions
from trialwright.medicine.recist.overall import (
    Seen,
    date_responses,
    find_disease,
    find_new_lesions,
    non_target_response,
    overall_response,
    progress_after_complete_response,
)
from trialwright.medicine.recist.responses import Response, Role, State, decode, encode
from trialwright.medicine.recist.targets import hold_partial_response, sum_diameters, target_response
from trialwright.vocabulary.verdicts import Reason, Verdict

NAN = float("nan")
START = np.datetime64("2024-01-01")
NEW = {
    "no": Verdict.NOT_MET,
    "yes": Verdict.MET,
    "equivocal": Verdict.unknown(Reason.NEEDS_A_PERSON),
    "not told": Verdict.unknown(Reason.MISSING),
}


def lesions_of(*rows, **options):
    """Rows of (day, lesion, role, state, diameter); day 0 is the baseline; names with n are nodes."""
    return read_lesions(
        subject=[1] * len(rows),
        date=[START + row[0] for row in rows],
        lesion=[row[1] for row in rows],
        role=[row[2] for row in rows],
        is_node=["n" in row[1] for row in rows],
        diameter=[row[4] for row in rows],
        unit="mm",
        state=[row[3] for row in rows],
        is_baseline=[row[0] <= 0 for row in rows],
        **options,
    )


def codes(words):
    return encode(Response, words, missing=Response.MISSING)


def new_codes(*words):
    return np.array([NEW[word].code for word in words], np.uint8)


@pytest.mark.parametrize(
    ("target", "non_target", "new", "expected"),
    [
        ("CR", "CR", "no", "CR"),
        ("CR", "NO LESIONS", "no", "CR"),
        ("CR", "NON-CR/NON-PD", "no", "PR"),
        ("CR", "NE", "no", "PR"),
        *[("PR", other, "no", "PR") for other in ("CR", "NON-CR/NON-PD", "NE", "NO LESIONS")],
        *[("SD", other, "no", "SD") for other in ("CR", "NON-CR/NON-PD", "NE", "NO LESIONS")],
        *[("NE", other, "no", "NE") for other in ("CR", "NON-CR/NON-PD", "NE", "NO LESIONS")],
        *[("PD", other, "no", "PD") for other in ("CR", "NON-CR/NON-PD", "NE", "PD", "NO LESIONS")],
        *[(target, "PD", "no", "PD") for target in ("CR", "PR", "SD", "NE", "NO LESIONS")],
        *[(target, "CR", "yes", "PD") for target in ("CR", "PR", "SD", "NE", "NO LESIONS")],
        ("NO LESIONS", "CR", "no", "CR"),
        ("NO LESIONS", "NON-CR/NON-PD", "no", "NON-CR/NON-PD"),
        ("NO LESIONS", "NE", "no", "NE"),
        ("NO LESIONS", "NO LESIONS", "no", "NE"),
        ("PR", "CR", "equivocal", "PR"),
        ("PR", "CR", "not told", "NE"),
        ("CR", "CR", "not told", "NE"),
        ("PD", "CR", "not told", "PD"),
        (None, None, "no", "MISSING"),
        (None, None, "yes", "PD"),
        ("CR", None, "no", "PR"),
        (None, "CR", "no", "NE"),
    ],
)
def test_table_of_overall_responses(target, non_target, new, expected):
    found = overall_response(codes([target]), codes([non_target]), new_codes(new))
    assert decode(Response, found) == [expected]


def test_words_of_the_wrong_column_are_refused():
    with pytest.raises(ValueError, match=r"`non_target\[1\]` cannot be PR"):
        overall_response(codes(["CR", "CR"]), codes(["CR", "PR"]), new_codes("no", "no"))
    with pytest.raises(ValueError, match=r"`target\[0\]` cannot be NON-CR/NON-PD"):
        overall_response(codes(["NON-CR/NON-PD"]), codes(["CR"]), new_codes("no"))


BASE = [(0, "a", Role.NON_TARGET, State.PRESENT, NAN), (0, "n", Role.NON_TARGET, State.PRESENT, 12)]


@pytest.mark.parametrize(
    ("a", "node", "expected"),
    [
        pytest.param((State.ABSENT, NAN), (State.PRESENT, 9.9), "CR", id="gone and node just below 10 mm"),
        pytest.param(
            (State.ABSENT, NAN), (State.PRESENT, 10), "NON-CR/NON-PD", id="node of 10 mm is not normal"
        ),
        pytest.param((State.PRESENT, NAN), (State.PRESENT, 9), "NON-CR/NON-PD", id="one persists"),
        pytest.param(
            (State.TOO_SMALL, NAN), (State.ABSENT, NAN), "NON-CR/NON-PD", id="too small is not gone"
        ),
        pytest.param((State.ABSENT, NAN), None, "NE", id="one without a row"),
        pytest.param((State.NOT_ASSESSED, NAN), (State.PRESENT, 12), "NE", id="one not assessed"),
        pytest.param((State.PROGRESSED, NAN), None, "PD", id="progression though one is not assessed"),
    ],
)
def test_non_target_states(a, node, expected):
    rows = [(56, name, Role.NON_TARGET, *seen) for name, seen in (("a", a), ("n", node)) if seen]
    found = non_target_response(lesions_of(*BASE, *rows))
    assert decode(Response, found) == ["MISSING", expected]


@pytest.mark.parametrize(
    ("normal", "expected"),
    [
        (Verdict.MET, "CR"),
        (Verdict.NOT_MET, "NON-CR/NON-PD"),
        (Verdict.unknown(Reason.STALE), "NE"),
    ],
)
def test_raised_markers_prevent_complete_response(normal, expected):
    lesions = lesions_of(BASE[0], (56, "a", Role.NON_TARGET, State.ABSENT, NAN))
    markers = np.array([Verdict.NOT_MET.code, normal.code], np.uint8)
    assert decode(Response, non_target_response(lesions, markers_normal=markers)) == ["MISSING", expected]


def test_without_non_targets_at_baseline():
    target = [(day, "t", Role.TARGET, State.PRESENT, 20) for day in (0, 56)]
    assert decode(Response, non_target_response(lesions_of(*target))) == ["MISSING", "NO LESIONS"]
    late = (56, "a", Role.NON_TARGET, State.ABSENT, NAN)
    assert decode(Response, non_target_response(lesions_of(*target, late))) == ["MISSING", "NE"]


def new_of(*states, no_record=Verdict.NOT_MET):
    rows = [(56 * (i + 1), "x", Role.NEW, state, NAN) for i, state in enumerate(states) if state is not None]
    targets = [(56 * i, "t", Role.TARGET, State.PRESENT, 20) for i in range(len(states) + 1)]
    found = find_new_lesions(lesions_of(*targets, *rows), no_record=no_record)
    return [{verdict.code: word for word, verdict in NEW.items()}[code] for code in found.tolist()][1:]


def test_new_lesions():
    assert new_of(None, State.UNEQUIVOCAL, State.UNEQUIVOCAL) == ["no", "yes", "yes"]
    assert new_of(State.EQUIVOCAL, State.EQUIVOCAL, None) == ["equivocal", "equivocal", "no"]
    assert new_of(State.EQUIVOCAL, State.ABSENT) == ["equivocal", "no"]
    assert new_of(State.NOT_ASSESSED) == ["not told"]
    assert new_of(None, State.ABSENT, no_record=Verdict.unknown(Reason.MISSING)) == ["not told", "no"]


def test_equivocal_lesion_confirmed_later_counts_from_its_first_scan():
    assert new_of(None, State.EQUIVOCAL, State.UNEQUIVOCAL) == ["no", "yes", "yes"]
    assert new_of(State.EQUIVOCAL, None, State.UNEQUIVOCAL) == ["yes", "no", "yes"]
    assert new_of(State.UNEQUIVOCAL, State.EQUIVOCAL) == ["yes", "equivocal"]


def test_lesions_seen_at_baseline_are_not_new():
    lesions = lesions_of((0, "t", Role.TARGET, State.PRESENT, 20), (0, "x", Role.NEW, State.UNEQUIVOCAL, NAN))
    assert find_new_lesions(lesions, no_record=Verdict.NOT_MET).tolist() == [0]


@pytest.mark.parametrize(
    ("role", "state"),
    [(Role.NEW, State.PRESENT), (Role.NON_TARGET, State.EQUIVOCAL), (Role.TARGET, State.PROGRESSED)],
)
def test_states_of_another_role_are_refused(role, state):
    with pytest.raises(
        ValueError, match=rf"`state\[0\]` of a {role.word} lesion must be one of .*, not {state.word}"
    ):
        lesions_of((0, "a", role, state, NAN))


def after(responses, lesion, node):
    n = len(responses)
    dates = START + 56 * np.arange(n)
    found = progress_after_complete_response(
        [0] * n, dates, codes(responses), Seen(np.array(lesion), np.array(node))
    )
    return decode(Response, found.response), found.has_reappeared.tolist(), found.is_only_a_node.tolist()


def test_disease_after_an_overall_complete_response_is_progression():
    no, yes = False, True
    assert after(["CR", "PR"], [no, yes], [no, no]) == (["CR", "PD"], [no, yes], [no, no])
    assert after(["CR", "NE", "SD"], [no, no, yes], [no] * 3)[0] == ["CR", "NE", "PD"]
    assert after(["CR", "NE", "SD"], [no, yes, yes], [no] * 3)[0] == ["CR", "PD", "SD"], (
        "one target not imaged"
    )
    assert after(["CR", "NE"], [no, no], [no, yes]) == (["CR", "PD"], [no, yes], [no, yes]), (
        "a node, asked about"
    )
    assert after(["CR", "PR"], [no, no], [no, no])[0] == ["CR", "PR"], (
        "non-targets not evaluated, nothing seen"
    )
    assert after(["PR", "SD"], [yes, yes], [no, no])[0] == ["PR", "SD"], "no complete response before"
    assert after(["CR", "PR", "SD"], [no, yes, yes], [no] * 3)[0] == ["CR", "PD", "SD"], "once"


@pytest.mark.parametrize(
    ("non_target", "expected", "asks"),
    [
        pytest.param(State.ABSENT, "PD", True, id="RC-14 after CR"),
        pytest.param(State.PRESENT, "PR", False, id="RC-14 after PR"),
    ],
)
def test_node_that_grows_again(non_target, expected, asks):
    rows = [
        (0, "a", Role.TARGET, State.PRESENT, 30),
        (0, "n", Role.TARGET, State.PRESENT, 17),
        (0, "x", Role.NON_TARGET, State.PRESENT, NAN),
    ]
    for day, node in ((56, 9), (112, 11)):
        rows += [
            (day, "a", Role.TARGET, State.ABSENT, 0),
            (day, "n", Role.TARGET, State.PRESENT, node),
            (day, "x", Role.NON_TARGET, non_target, NAN),
        ]
    lesions = lesions_of(*rows)
    target = target_response(sum_diameters(lesions))
    assert decode(Response, target)[1:] == ["CR", "PR"]
    new = find_new_lesions(lesions, no_record=Verdict.NOT_MET)
    overall = overall_response(target, non_target_response(lesions), new)
    points = lesions.points
    found = progress_after_complete_response(points.course, points.last_date, overall, find_disease(lesions))
    assert decode(Response, found.response)[2] == expected
    assert found.is_only_a_node[2] == asks


def test_equivocal_new_lesion_is_no_disease_that_came_back():
    rows = [(day, "a", Role.TARGET, State.PRESENT, size) for day, size in ((0, 30), (56, 0), (112, 0))]
    seen = find_disease(lesions_of(*rows, (112, "y", Role.NEW, State.EQUIVOCAL, 12)))
    assert seen.lesion.tolist() == [True, False, False]
    assert not seen.node.any()


def test_dates_of_responses():
    """CT of the chest on day 56, MRI of the liver on day 60: one assessment."""

    def rows(sizes, other, *new):
        return lesions_of(
            (0, "a", Role.TARGET, State.PRESENT, 30),
            (0, "b", Role.TARGET, State.PRESENT, 30),
            (0, "x", Role.NON_TARGET, State.PRESENT, NAN),
            (56, "a", Role.TARGET, State.PRESENT, sizes[0]),
            (58, "b", Role.TARGET, State.PRESENT, sizes[1]),
            (60, "x", Role.NON_TARGET, other, NAN),
            (57, "y", Role.NEW, new[0], NAN),
            (61, "z", Role.NEW, new[-1], NAN),
            time_point=[1, 1, 1, 2, 2, 2, 2, 2],
        )

    def dated(*arguments):
        lesions = rows(*arguments)
        target = target_response(sum_diameters(lesions))
        new = find_new_lesions(lesions, no_record=Verdict.NOT_MET)
        overall = overall_response(target, non_target_response(lesions), new)
        dates = date_responses(lesions, overall, target=target)
        return decode(Response, overall)[1], int((dates[1] - START).astype(int))

    assert dated((30, 30), State.PRESENT, State.ABSENT) == ("SD", 61)
    assert dated((60, 30), State.PRESENT, State.ABSENT) == ("PD", 58), "last scan of a target"
    assert dated((30, 30), State.PROGRESSED, State.ABSENT) == ("PD", 60)
    assert dated((30, 30), State.PRESENT, State.UNEQUIVOCAL) == ("PD", 57), "first scan with a new lesion"
    assert dated((60, 30), State.PROGRESSED, State.UNEQUIVOCAL) == ("PD", 57)
    assert dated((30, 30), State.PRESENT, State.EQUIVOCAL, State.UNEQUIVOCAL) == ("PD", 61), (
        "not the equivocal one"
    )


def test_two_visits_on_one_date_leave_only_their_own_course_open():
    rows = [  # subject, day, visit, diameter
        *((subject, 0, "baseline", 30) for subject in "ab"),
        *(("a", 56, visit, size) for visit, size in (("week 8", 20), ("unscheduled", 40))),
        ("b", 56, "week 8", 20),
        ("b", 112, "week 16", 20),
    ]
    subject, day, visit, size = zip(*rows, strict=True)
    lesions = read_lesions(
        subject=list(subject),
        date=START + np.array(day),
        time_point=list(visit),
        lesion=["T1"] * len(rows),
        role=[Role.TARGET] * len(rows),
        is_node=[False] * len(rows),
        diameter=list(size),
        unit="mm",
        is_baseline=[label == "baseline" for label in visit],
    )
    points, sums = lesions.points, sum_diameters(lesions)
    target = target_response(sums)
    new = find_new_lesions(lesions, no_record=Verdict.NOT_MET)
    found = progress_after_complete_response(
        points.course,
        points.last_date,
        overall_response(target, non_target_response(lesions), new),
        find_disease(lesions),
    )
    best = best_overall_response(
        points.course,
        points.last_date,
        found.response,
        first_dose=[START, START],
        confirmation=CONFIRMED_AFTER_28_DAYS,
    )
    assert (decode(Response, best.response), best.is_contradicted.tolist()) == (["NE", "PR"], [True, False])
    held = hold_partial_response(points.course, points.last_date, target, confirmation=None)
    assert held.tolist() == target.tolist()


def test_the_rule_for_disease_that_comes_back_counts_a_date_once():
    seen = Seen(np.array([False, True, True, True]), np.zeros(4, bool))
    days = START + np.array([56, 112, 112, 168])
    found = progress_after_complete_response([0] * 4, days, codes(["CR", "SD", "SD", "SD"]), seen)
    assert decode(Response, found.response) == ["CR", "PD", "PD", "SD"]
    differ = progress_after_complete_response([0] * 4, days, codes(["CR", "SD", "PR", "SD"]), seen)
    assert decode(Response, differ.response) == ["CR", "SD", "PR", "SD"]
    assert not differ.has_reappeared.any()
