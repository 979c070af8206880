"""Arguments of the room of medicine: what is read, what is unknown, what is refused."""

import math

import numpy as np
import pytest

from trialwright.medicine.arguments import (
    as_age,
    as_answers,
    as_lengths,
    as_levels,
    as_plain,
    row_count,
    spread,
)
from trialwright.medicine.bands import band, over_corners, points_of
from trialwright.medicine.known import Categories, Known
from trialwright.vocabulary.intervals import Intervals
from trialwright.vocabulary.verdicts import Reason, Verdict

NAN, INF = math.nan, math.inf
MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
MISSING, CENSORED, STALE = Reason.MISSING.code, Reason.CENSORED.code, Reason.STALE.code


def span(known):
    return list(zip(known.bounds.lo.tolist(), known.bounds.hi.tolist(), strict=True))


@pytest.mark.parametrize(
    ("values", "expected", "reasons"),
    [
        pytest.param(3, [(3, 3)], [0], id="one number"),
        pytest.param(
            [1, None, NAN], [(1, 1), (0, 9), (0, 9)], [0, MISSING, MISSING], id="missing is anything possible"
        ),
        pytest.param(
            Intervals([2, 2], [2, INF]),
            [(2, 2), (2, 9)],
            [0, CENSORED],
            id="intervals end at what is possible",
        ),
        pytest.param(Known.unknown([STALE]), [(0, 9)], [STALE], id="known keeps its reason"),
        pytest.param([], [], [], id="no rows"),
    ],
)
def test_plain_numbers(values, expected, reasons):
    known = as_plain("x", values, least=0, most=9)
    assert (span(known), known.reasons.tolist()) == (expected, reasons)


def test_plain_numbers_without_a_least():
    known = as_plain("x", [-5, NAN], least=-INF)
    assert span(known) == [(-5, -5), (-INF, INF)]
    assert span(as_plain("x", known, least=-INF)) == span(known)


def test_levels():
    found = as_levels("x", ["b", None], ("a", "b"))
    assert found.possible.tolist() == [[False, True], [True, True]]
    assert found.reasons.tolist() == [0, MISSING]
    assert as_levels("x", found, ("a", "b")) is found
    assert as_levels("x", None, ("a", "b")).possible.tolist() == [[True, True]]


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        pytest.param(True, [MET], id="one answer"),
        pytest.param(None, [MISSING], id="no answer is not no"),
        pytest.param([True, False, None], [MET, NOT_MET, MISSING], id="a list"),
        pytest.param(np.array([True, False]), [MET, NOT_MET], id="an array of flags"),
        pytest.param(np.array([100, 88, 0], dtype=np.uint8), [MET, STALE, NOT_MET], id="verdict codes"),
        pytest.param([], [], id="no rows"),
    ],
)
def test_answers(values, codes):
    assert as_answers("x", values).tolist() == codes


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: as_plain("x", [1, 10], least=0, most=9),
            r"`x\[1\]` must be a finite number from 0 to 9, or missing, not 10",
        ),
        (lambda: as_plain("x", [INF], least=0), r"`x\[0\]` must be a finite number from 0 up"),
        (lambda: as_plain("x", [1.5], least=0, are_whole=True), r"`x\[0\]` must be a whole number"),
        (lambda: as_plain("x", Intervals([10], [12]), least=0, most=9), r"`x\[0\]` must lie from 0 to 9"),
        (
            lambda: as_plain("x", Intervals([-1], [2]), least=0),
            r"`x\[0\]` must lie from 0 to inf, not in \[-1, 2\]",
        ),
        (lambda: as_age("age", [-1]), r"`age\[0\]`"),
        (lambda: as_lengths("size", [0], unit="mm"), r"`size\[0\]` must be a finite number above 0"),
        (lambda: as_levels("x", ["a", "c"], ("a", "b")), r"`x\[1\]` must be one of a, b, or None, not 'c'"),
        (
            lambda: as_levels("x", Categories(("a",), [[True]], 0), ("a", "b")),
            "`x` must have the levels a, b, not a",
        ),
        (lambda: as_answers("x", [True, 1]), r"`x\[1\]` must be True, False or None, not 1"),
        (lambda: as_answers("x", [True, NAN]), r"`x\[1\]`"),
        (lambda: as_answers("x", np.array([1, 0])), r"`x\[0\]` must be True, False or None"),
        (lambda: as_answers("x", np.array([7], dtype=np.uint8)), "no verdict has the code 7"),
        (lambda: row_count(a=[1, 2], b=[1, 2, 3]), "`b` must have as many rows as `a`, 2, not 3"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_single_values_count_for_all_rows():
    assert row_count(a=[1], b=[1, 2, 3], c=[0]) == 3
    assert row_count(a=[1], b=[1]) == 1
    assert row_count(a=[1], b=[]) == 0
    assert span(spread(as_plain("x", 4, least=0), 2)) == [(4, 4), (4, 4)]
    assert spread(as_levels("x", "a", ("a", "b")), 2).possible.tolist() == [[True, False]] * 2
    assert spread(as_answers("x", None), 2).tolist() == [MISSING] * 2


def test_bands_and_points():
    numbers = as_plain("x", Intervals([1, 2, 2, 0], [1, 2, 3, 9]), least=0)
    groups = band(numbers, ((">=", 2), (">", 3)), ("low", "middle", "high"))
    assert groups.possible.tolist() == [
        [True, False, False],
        [False, True, False],
        [False, True, False],
        [True, True, True],
    ]
    assert groups.reasons.tolist() == [0, 0, 0, CENSORED]
    points = points_of(groups, (5, 1, 3))
    assert span(points) == [(5, 5), (1, 1), (1, 1), (1, 5)]
    assert points.reasons.tolist() == [0, 0, 0, CENSORED]


def test_corners_of_a_function_that_falls_in_one_number_and_rises_in_another():
    left = as_plain("x", Intervals([1, 2], [3, 2]), least=0)
    right = as_plain("y", [1, NAN], least=0, most=4)
    found = over_corners(lambda x, y: y - x, left, right)
    assert span(found) == [(-2, 0), (-2, 2)]
    assert found.reasons.tolist() == [CENSORED, MISSING]
