"""Questions to readers: each fault is found, and its sound twin raises none."""

import numpy as np
import pytest

from trialwright.medicine.recist.lesions import read_lesions
from trialwright.medicine.recist.overall import Reappearances
from trialwright.medicine.recist.questions import (
    Question,
    ask_about_axes,
    ask_about_baseline,
    ask_about_dates,
    ask_about_lesions,
    ask_about_methods,
    ask_about_nodes,
    ask_about_organs,
    ask_about_responses,
    ask_about_sums,
    ask_about_visits,
    ask_about_words,
    ask_after_complete_response,
)
from trialwright.medicine.recist.responses import ImmuneResponse, Response, Role, encode
from trialwright.medicine.recist.targets import sum_diameters, target_response

NAN = float("nan")
DAY = np.datetime64("2024-01-01")


def lesions_of(*visits, nodes=(), has_baseline=True):
    rows = [(56 * i, name, size) for i, visit in enumerate(visits) for name, size in visit.items()]
    return read_lesions(
        subject=["P"] * len(rows),
        date=[DAY + day for day, _, _ in rows],
        lesion=[name for _, name, _ in rows],
        role=[Role.TARGET] * len(rows),
        is_node=[name in nodes for _, name, _ in rows],
        diameter=[size for _, _, size in rows],
        unit="mm",
        is_baseline=[has_baseline and day == 0 for day, _, _ in rows],
    )


def kinds(asked):
    return [row.question for row in asked]


def test_size_of_targets():
    """RC-12: a nodal target of 14 mm is refused at entry, one of 15 mm is not."""
    asked = ask_about_baseline(lesions_of({"a": 30, "n": 14}, nodes="n"))
    assert [(row.question, row.lesion, row.found) for row in asked] == [
        (Question.TARGET_TOO_SMALL, "n", "14 mm, at least 15")
    ]
    assert ask_about_baseline(lesions_of({"a": 30, "n": 15}, nodes="n")) == []
    assert kinds(ask_about_baseline(lesions_of({"a": 9.9}))) == [Question.TARGET_TOO_SMALL]
    assert ask_about_baseline(lesions_of({"a": 10})) == []
    assert ask_about_baseline(lesions_of({"a": 10}, {"a": 4})) == [], "targets may shrink"


def test_number_of_targets():
    assert ask_about_baseline(lesions_of(dict.fromkeys("abcde", 20))) == []
    asked = ask_about_baseline(lesions_of(dict.fromkeys("abcdef", 20)))
    assert [(row.question, row.subject, row.date, row.found) for row in asked] == [
        (Question.TOO_MANY_TARGETS, "P", DAY.item(), "6 targets, at most 5")
    ]


def test_date_of_the_baseline():
    lesions = lesions_of({"a": 20}, {"a": 20})
    assert ask_about_baseline(lesions, first_dose=[DAY]) == []
    assert ask_about_baseline(lesions, first_dose=[DAY + 28]) == []
    assert ask_about_baseline(lesions, first_dose=[np.datetime64("NaT")]) == []
    assert kinds(ask_about_baseline(lesions, first_dose=[DAY + 29])) == [Question.BASELINE_TOO_EARLY]
    assert kinds(ask_about_baseline(lesions, first_dose=[DAY - 1])) == [Question.BASELINE_AFTER_FIRST_DOSE]
    assert kinds(ask_about_baseline(lesions_of({"a": 20}, has_baseline=False))) == [Question.NO_BASELINE]


def test_courses_without_targets():
    lesions = read_lesions(
        subject=["P"],
        date=[DAY],
        lesion=["a"],
        role=[Role.NON_TARGET],
        is_node=[False],
        diameter=[NAN],
        unit="mm",
        is_baseline=[True],
    )
    assert kinds(ask_about_baseline(lesions)) == [Question.NO_TARGET]


def test_targets_per_organ():
    def ask(organs, nodes=None, target=True):
        n = len(organs)
        return ask_about_organs(
            ["P"] * n, range(n), organs, is_target=[target] * n, is_node=nodes or [False] * n
        )

    assert ask(["LIVER", "LIVER", "LUNG", "LUNG"]) == []
    assert [(row.question, row.found) for row in ask(["LIVER"] * 3)] == [
        (Question.TOO_MANY_IN_ORGAN, "3 targets in LIVER, at most 2")
    ]
    assert ask(["LIVER"] * 3, target=False) == []
    assert kinds(ask(["AXILLA", "NECK", "GROIN"], nodes=[True] * 3)) == [Question.TOO_MANY_IN_ORGAN]
    repeated = ask_about_organs(
        ["P"] * 3, ["a", "a", "a"], ["LIVER"] * 3, is_target=[True] * 3, is_node=[False] * 3
    )
    assert repeated == []


def test_axes_methods_and_visits():
    dates = [DAY, DAY + 56]
    assert (
        ask_about_axes(["P"] * 2, dates, ["a", "n"], is_node=[False, True], is_short_axis=[False, True]) == []
    )
    asked = ask_about_axes(["P"] * 2, dates, ["a", "n"], is_node=[False, True], is_short_axis=[True, False])
    assert [(row.question, row.lesion, row.found) for row in asked] == [
        (Question.WRONG_AXIS, "a", "short axis"),
        (Question.WRONG_AXIS, "n", "longest diameter"),
    ]
    assert ask_about_methods(["P"] * 2, dates, ["a", "a"], ["CT", "CT"]) == []
    assert ask_about_methods(["P"] * 2, dates, ["a", "b"], ["CT", "MRI"]) == []
    assert ask_about_methods(["P"] * 2, dates, ["a", "a"], ["CT", None]) == []
    asked = ask_about_methods(["P"] * 2, dates[::-1], ["a", "a"], ["MRI", "CT"])
    assert [(row.date, row.found) for row in asked] == [((DAY + 56).item(), "MRI, CT at first")]
    assert ask_about_visits(["P"] * 2, [1, 1], [DAY, DAY + 14], most_days_apart=14) == []
    assert ask_about_visits(["P", "Q"], [1, 1], dates, most_days_apart=14) == []
    asked = ask_about_visits(["P"] * 2, [1, 1], [DAY, DAY + 15], most_days_apart=14)
    assert [(row.question, row.found) for row in asked] == [
        (Question.VISIT_APART, "visit 1 from 2024-01-01 to 2024-01-16")
    ]
    with pytest.raises(ValueError, match="columns must have one length, not 2, 2, 1"):
        ask_about_visits(["P", "P"], [1], dates, most_days_apart=14)


def test_contradicting_rows_and_late_targets():
    assert ask_about_lesions(lesions_of({"a": 20}, {"a": 20})) == []
    asked = ask_about_lesions(lesions_of({"a": 20}, {"a": 20, "b": 15}))
    assert [(row.question, row.lesion) for row in asked] == [(Question.TARGET_NOT_AT_BASELINE, "b")]
    lesions = read_lesions(
        subject=["P"] * 2,
        date=[DAY] * 2,
        lesion=["a"] * 2,
        role=[0, 0],
        is_node=[False] * 2,
        diameter=[20, 21],
        unit="mm",
        is_baseline=[True] * 2,
    )
    assert kinds(ask_about_lesions(lesions)) == [Question.SEEN_TWICE]


def ask_sums(visits, reported, **options):
    lesions = lesions_of(*visits)
    sums = sum_diameters(lesions)
    asked = ask_about_sums(lesions.points, sums, reported, **{"unit": "mm", "tolerance_mm": 0.1, **options})
    return [(row.question, row.found) for row in asked]


def test_sums():
    visits = [{"a": 20, "b": 10}, {"a": 15.04, "b": 8}, {"a": 15}]
    assert ask_sums(visits, [30, 23.1, NAN]) == []
    assert ask_sums(visits, [3, 2.31, NAN], unit="cm") == []
    assert ask_sums(visits, [30, 23.2, NAN]) == [
        (Question.SUM_DISAGREES, "sum of 23.2 mm, lesions make 23.04 mm")
    ]
    assert ask_sums(visits, [30, 23.04, 23]) == [
        (Question.SUM_WITHOUT_TARGET, "sum of 23 mm, 1 of 2 targets not measured")
    ]


def test_responses():
    lesions = lesions_of({"a": 100}, {"a": 50}, {"a": 60})
    derived = target_response(sum_diameters(lesions))
    reported = encode(Response, [None, "PR", "PR"], missing=Response.MISSING)
    asked = ask_about_responses(lesions.points, derived, reported)
    assert [(row.question, row.date, row.found) for row in asked] == [
        (Question.RESPONSE_CONTRADICTS, (DAY + 112).item(), "PR given, PD derived")
    ]
    assert ask_about_responses(lesions.points, derived, derived) == []
    assert ask_about_responses(lesions.points, derived, [0, 0, 0]) == []


def test_disease_after_complete_response():
    points = lesions_of(*[{"a": 20}] * 4).points

    def asked(*words):
        return [
            row.found
            for row in ask_after_complete_response(points, encode(Response, words, missing=Response.MISSING))
        ]

    assert asked(None, "CR", "PR", "SD") == ["PR after CR", "SD after CR"]
    assert asked(None, "CR", "NE", "CR") == []
    assert asked(None, "CR", "PD", "PR") == []
    assert asked(None, "PR", "PR", "CR") == []


def test_lone_nodes_are_imaged_again():
    points = lesions_of(*[{"a": 20}] * 2).points
    found = Reappearances(np.array([6, 2], np.uint8), np.array([False, True]), np.array([False, True]))
    assert kinds(ask_about_nodes(points, found)) == [Question.NODE_REAPPEARED]


def test_words():
    asked = ask_about_words(["P"] * 3, [DAY] * 3, ["PR", "CHECK", None], kind=Response)
    assert [(row.question, row.found) for row in asked] == [(Question.UNKNOWN_WORD, "'CHECK'")]
    assert kinds(ask_about_words(["P"], [DAY], ["PR"], kind=ImmuneResponse)) == [Question.UNKNOWN_WORD]


def test_two_responses_of_one_date():
    asked = ask_about_dates(["P"] * 5, [DAY, DAY, DAY, DAY + 7, DAY + 7], ["PR", "SD", "MISSING", "PD", "PD"])
    assert [(one.question, one.subject, one.date, one.found) for one in asked] == [
        (Question.TWO_ON_ONE_DATE, "P", DAY.item(), "PR and SD")
    ]
    assert not ask_about_dates(["P", "Q"], [DAY, DAY], ["PR", "SD"])
    assert not ask_about_dates(["P", "P"], [DAY, DAY], ["PR", "SD"], reader=["local", "central"])
