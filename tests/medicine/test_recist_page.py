"""Every table of docs/medicine/recist.md against the code, and the examples in docstrings."""

import doctest
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from trialwright.medicine.recist import (
    baseline,
    best_response,
    courses,
    criteria,
    irecist,
    lesions,
    mrecist,
    overall,
    questions,
    responses,
    targets,
)
from trialwright.medicine.recist.best_response import AfterCompleteResponse, best_overall_response
from trialwright.medicine.recist.criteria import CONFIRMED_AFTER_28_DAYS, MRECIST, RECIST_1_1
from trialwright.medicine.recist.overall import overall_response
from trialwright.medicine.recist.questions import Question
from trialwright.medicine.recist.responses import Response, decode, encode
from trialwright.medicine.recist.targets import compare_sums
from trialwright.vocabulary.verdicts import Reason, Verdict

PAGE = (Path(__file__).parents[2] / "docs/medicine/recist.md").read_text(encoding="utf-8")
NEW = {
    "no": Verdict.NOT_MET,
    "yes": Verdict.MET,
    "equivocal": Verdict.unknown(Reason.NEEDS_A_PERSON),
    "not told": Verdict.unknown(Reason.MISSING),
}


def tables():
    """Header and rows of each table of the page."""
    for block in re.findall(r"(?:^\|.*\n)+", PAGE, flags=re.MULTILINE):
        header, _, *rows = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()
        ]
        yield header, rows


def table(*header):
    (rows,) = [rows for head, rows in tables() if tuple(head) == header]
    assert rows
    return rows


@pytest.mark.parametrize(
    "name", ["RECIST_1_1", "MRECIST", "MEASURABLE_1_1", "CONFIRMED_AFTER_28_DAYS", "IRECIST", "MRECIST_LIVER"]
)
def test_numbers(name):
    ((header, rows),) = [(header, rows) for header, rows in tables() if name in header]
    column = header.index(name)
    assert {row[0]: float(row[column]) for row in rows} == asdict(getattr(criteria, name))
    assert all(row[-1] for row in rows)


def test_least_duration_of_stable_disease():
    assert f"`LEAST_STABLE_DAYS` = {criteria.LEAST_STABLE_DAYS} days" in PAGE


def test_target_responses():
    for before, nadir, now, word in table("baseline", "nadir", "sum", "response"):
        found = compare_sums(
            [float(now)], baseline_mm=float(before), nadir_mm=float(nadir), is_complete=True, is_gone=False
        )
        assert decode(Response, found) == [word]


def test_overall_responses():
    for target, other, new, word in table("targets", "non-targets", "new lesion", "overall"):
        parts = (encode(Response, [text], missing=Response.MISSING) for text in (target, other))
        found = overall_response(*parts, np.array([NEW[new].code], np.uint8))
        assert decode(Response, found) == [word], (target, other, new)


def test_best_responses():
    ways = [
        {"confirmation": None},
        *(
            {"confirmation": CONFIRMED_AFTER_28_DAYS, "after_complete": reading}
            for reading in AfterCompleteResponse
        ),
    ]
    for assessments, *words in table("assessments", "without", "confirmed", "reread", "progression"):
        pairs = [text.split() for text in assessments.split(", ")]
        codes = encode(Response, [word for _, word in pairs], missing=Response.NE)
        dates = [np.datetime64(f"2024-{day}") for day, _ in pairs]
        found = [
            best_overall_response(
                [0] * len(pairs), dates, codes, first_dose=[np.datetime64("2024-01-10")], **way
            )
            for way in ways
        ]
        assert [decode(Response, best.response)[0] for best in found] == words, assessments


def test_viable_and_overall_diameters():
    for viable, longest, *words in table("viable", "overall", "mRECIST", "RECIST 1.1"):
        for sizes, by, word in ((viable, MRECIST, words[0]), (longest, RECIST_1_1, words[1])):
            before, now = map(float, sizes.split(", "))
            found = compare_sums(
                [now], baseline_mm=before, nadir_mm=before, is_complete=True, is_gone=now == 0, criteria=by
            )
            assert decode(Response, found) == [word]


def test_questions():
    assert [row[0] for row in table("question")] == [question.value for question in Question]


@pytest.mark.parametrize(
    "module",
    [
        baseline,
        best_response,
        courses,
        criteria,
        irecist,
        lesions,
        mrecist,
        overall,
        questions,
        responses,
        targets,
    ],
    ids=lambda module: module.__name__.rpartition(".")[2],
)
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0
