"""The logic of met, not met and unknown, and its code in arrays."""

import copy
import json
import pickle
from dataclasses import FrozenInstanceError
from functools import reduce
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from trialwright.vocabulary.verdicts import Reason, Verdict, all_of, any_of, as_codes, judge, negate

MET, NOT_MET = Verdict.MET, Verdict.NOT_MET
UNKNOWNS = [Verdict.unknown(reason) for reason in Reason]
VERDICTS = [MET, NOT_MET, *UNKNOWNS]
verdicts = st.sampled_from(VERDICTS)
codes_2d = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=5),
    elements=st.sampled_from([verdict.code for verdict in VERDICTS]),
)


def unknown(name):
    return Verdict.unknown(Reason(name))


def test_the_order_in_which_reasons_are_told():
    assert [reason.value for reason in Reason] == [
        "missing",
        "stale",
        "conflict",
        "unreadable",
        "unit unknown",
        "no limit of normal",
        "censored across the threshold",
        "undefined",
        "imprecise date",
        "needs a person",
        "not yet due",
        "not applicable",
    ]


def test_codes_are_promises_and_follow_that_order():
    codes = [NOT_MET.code, *(reason.code for reason in reversed(Reason)), MET.code]
    assert codes == [0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 100]


def test_every_reason_says_what_was_found_and_what_would_settle_it():
    for reason in Reason:
        assert reason.meaning.endswith(".")
        assert reason.remedy
        assert not reason.remedy.endswith(".")


@pytest.mark.parametrize(
    ("a", "b", "both", "either"),
    [
        pytest.param(MET, MET, MET, MET, id="two met"),
        pytest.param(MET, NOT_MET, NOT_MET, MET, id="met and not met"),
        pytest.param(NOT_MET, NOT_MET, NOT_MET, NOT_MET, id="two not met"),
        pytest.param(
            MET, unknown("stale"), unknown("stale"), MET, id="met or unknown is met, with no reason"
        ),
        pytest.param(
            NOT_MET, unknown("stale"), NOT_MET, unknown("stale"), id="not met and unknown is not met"
        ),
        pytest.param(
            unknown("stale"),
            unknown("missing"),
            unknown("missing"),
            unknown("missing"),
            id="missing is told before stale",
        ),
        pytest.param(
            unknown("needs a person"),
            unknown("censored across the threshold"),
            unknown("censored across the threshold"),
            unknown("censored across the threshold"),
            id="what data can settle is told before what a person must",
        ),
        pytest.param(
            unknown("not applicable"),
            unknown("not yet due"),
            unknown("not yet due"),
            unknown("not yet due"),
            id="not applicable is told last",
        ),
    ],
)
def test_and_or(a, b, both, either):
    assert a & b == b & a == both
    assert a | b == b | a == either


def test_not_keeps_the_reason():
    assert ~MET == NOT_MET
    assert ~NOT_MET == MET
    assert [~verdict for verdict in UNKNOWNS] == UNKNOWNS


def test_kleenes_tables_whatever_the_reason():
    """Against Kleene's definition by counting: what is possible when each unknown may turn out either way."""

    def possible(verdict):
        return {True, False} if not verdict.is_known else {verdict.is_met}

    for a, b in product(VERDICTS, repeat=2):
        pairs = list(product(possible(a), possible(b)))
        assert possible(a & b) == {x and y for x, y in pairs}
        assert possible(a | b) == {x or y for x, y in pairs}
        assert possible(~a) == {not x for x in possible(a)}


def test_laws_for_all_verdicts_and_reasons():
    for a, b in product(VERDICTS, repeat=2):
        assert a & b == b & a
        assert a | b == b | a
        assert ~(a & b) == ~a | ~b
        assert ~(a | b) == ~a & ~b
        assert a & a == a == a | a == ~~a == a & MET == a | NOT_MET
    for a, b, c in product(VERDICTS, repeat=3):
        assert (a & b) & c == a & (b & c)
        assert (a | b) | c == a | (b | c)


def test_absorption_and_distribution_hold_for_the_verdict_but_not_for_the_reason():
    stale, missing = unknown("stale"), unknown("missing")
    assert stale | (stale & missing) == missing
    assert stale & (MET | missing) == stale
    assert (stale & MET) | (stale & missing) == missing
    for a, b, c in product(VERDICTS, repeat=3):
        left, right = a & (b | c), (a & b) | (a & c)
        assert left == right or not (left.is_known or right.is_known)
        assert a | (a & b) == a or not (a.is_known or (a | (a & b)).is_known)


FORMULAS = st.recursive(
    st.integers(0, 3),
    lambda parts: st.one_of(
        st.tuples(st.just("not"), parts),
        st.tuples(st.sampled_from(["and", "or"]), st.lists(parts, min_size=1, max_size=3)),
    ),
    max_leaves=8,
)


def value_of(formula, facts):
    match formula:
        case ("not", part):
            return ~value_of(part, facts)
        case ("and", parts):
            return Verdict.all_of(value_of(part, facts) for part in parts)
        case ("or", parts):
            return Verdict.any_of(value_of(part, facts) for part in parts)
        case fact:
            return facts[fact]


def codes_of(formula, facts):
    match formula:
        case ("not", part):
            return negate(codes_of(part, facts))
        case ("and", parts):
            return all_of([codes_of(part, facts) for part in parts])
        case ("or", parts):
            return any_of([codes_of(part, facts) for part in parts])
        case fact:
            return facts[fact]


@given(FORMULAS, st.tuples(*[verdicts] * 4), st.integers(0, 3), st.booleans())
def test_learning_more_never_turns_a_known_result_over(formula, facts, which, answer):
    before = value_of(formula, facts)
    known = facts[which] if facts[which].is_known else Verdict.of(answer)
    after = value_of(formula, [known if index == which else fact for index, fact in enumerate(facts)])
    assert after == before or not before.is_known


@given(FORMULAS, st.lists(st.tuples(*[verdicts] * 4), min_size=1, max_size=6))
def test_arrays_give_the_verdicts_of_single_values(formula, rows):
    columns = [np.array([row[fact].code for row in rows], dtype=np.uint8) for fact in range(4)]
    assert codes_of(formula, columns).tolist() == [value_of(formula, row).code for row in rows]


@given(codes_2d, st.sampled_from([0, 1]))
def test_along_an_axis(codes, axis):
    rows = [[Verdict(code) for code in row] for row in np.moveaxis(codes, axis, -1).tolist()]
    assert all_of(codes, axis=axis).tolist() == [reduce(Verdict.__and__, row, MET).code for row in rows]
    assert any_of(codes, axis=axis).tolist() == [reduce(Verdict.__or__, row, NOT_MET).code for row in rows]


def test_of_none_all_are_met_and_any_is_not():
    assert Verdict.all_of([]) == MET
    assert Verdict.any_of([]) == NOT_MET


def test_arrays_keep_their_type():
    codes = np.array([[0, 96], [100, 88]], dtype=np.uint8)
    for result in (
        all_of(codes),
        any_of(codes),
        negate(codes),
        judge(surely=[True], never=[False], reason=Reason.STALE),
    ):
        assert result.dtype == np.uint8


@pytest.mark.parametrize("values", [[True, False], [0, 100], [0.0, 100.0], []])
def test_only_arrays_of_uint8_are_codes(values):
    for function in (as_codes, negate, all_of, any_of):
        with pytest.raises(TypeError, match="array of uint8"):
            function(values)


@pytest.mark.parametrize("number", [1, 97, 101, 255])
def test_a_number_between_is_no_code(number):
    with pytest.raises(ValueError, match=f"no verdict has the code {number}"):
        negate(np.array([0, number], dtype=np.uint8))
    with pytest.raises(ValueError, match=f"no verdict has the code {number}"):
        Verdict(number)


@pytest.mark.parametrize("code", [0.0, True, np.uint8(0), "0", None])
def test_a_verdict_takes_an_int_only(code):
    with pytest.raises(ValueError, match="no verdict has the code"):
        Verdict(code)


def test_judge_takes_the_reason_of_each_row():
    reasons = np.array([Reason.CONFLICT.code, Reason.STALE.code, Reason.MISSING.code], dtype=np.uint8)
    codes = judge(surely=[True, False, False], never=[False, True, False], reason=reasons)
    assert codes.tolist() == [MET.code, NOT_MET.code, Reason.MISSING.code]


@pytest.mark.parametrize(
    ("surely", "never", "expected"),
    [(True, False, MET), (False, True, NOT_MET), (False, False, Verdict.unknown(Reason.STALE))],
)
def test_judge_a_single_answer(surely, never, expected):
    assert Verdict.judge(surely=surely, never=never, reason=Reason.STALE) == expected
    assert judge(surely=surely, never=never, reason=Reason.STALE) == expected.code


def test_verdicts_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        MET.code = 0


def test_judge_refuses_contradictions():
    with pytest.raises(ValueError, match="surely and never"):
        judge(surely=[True], never=[True], reason=Reason.MISSING)
    with pytest.raises(ValueError, match="surely and never"):
        Verdict.judge(surely=True, never=True, reason=Reason.MISSING)
    for known in (MET, NOT_MET):
        with pytest.raises(ValueError, match="cannot be a known verdict"):
            judge(surely=[False], never=[False], reason=np.array([known.code], dtype=np.uint8))


def test_a_verdict_is_not_a_truth_value():
    for verdict in VERDICTS:
        with pytest.raises(TypeError, match="ask `is_met`"):
            bool(verdict)


def test_what_can_be_asked_of_a_verdict():
    assert (MET.is_met, MET.is_not_met, MET.is_known, MET.reason) == (True, False, True, None)
    assert (NOT_MET.is_met, NOT_MET.is_not_met, NOT_MET.is_known, NOT_MET.reason) == (False, True, True, None)
    for reason, verdict in zip(Reason, UNKNOWNS, strict=True):
        assert (verdict.is_met, verdict.is_not_met, verdict.is_known) == (False, False, False)
        assert verdict.reason is reason


def test_of_an_answer():
    assert Verdict.of(True) == Verdict.of(np.True_) == MET
    assert Verdict.of(False) == Verdict.of(np.False_) == NOT_MET
    for answer in (None, 1, 0.0, "yes", float("nan")):
        with pytest.raises(TypeError, match="must be True or False"):
            Verdict.of(answer)


def test_words():
    assert [str(v) for v in (MET, NOT_MET, unknown("stale"))] == ["met", "not met", "unknown (stale)"]
    assert [repr(v) for v in (MET, NOT_MET, unknown("stale"))] == [
        "Verdict.MET",
        "Verdict.NOT_MET",
        "Verdict.unknown(Reason.STALE)",
    ]


def test_json():
    assert [v.to_json() for v in (MET, NOT_MET, unknown("no limit of normal"))] == [
        {"verdict": "met"},
        {"verdict": "not met"},
        {"verdict": "unknown", "reason": "no limit of normal"},
    ]
    for verdict in VERDICTS:
        assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict


@pytest.mark.parametrize(
    "data",
    [
        {"verdict": "unknown"},
        {"verdict": "met", "reason": "stale"},
        {},
        None,
        "met",
        {"verdict": "yes"},
        100,
        [["verdict", "met"]],
    ],
)
def test_other_json_is_refused(data):
    with pytest.raises(ValueError, match="is not the JSON form of a verdict"):
        Verdict.from_json(data)


def test_copies_are_equal_and_hash_alike():
    for verdict in VERDICTS:
        for twin in (copy.deepcopy(verdict), pickle.loads(pickle.dumps(verdict)), Verdict(verdict.code)):  # noqa: S301
            assert twin == verdict
            assert hash(twin) == hash(verdict)
    assert len(set(VERDICTS)) == len(VERDICTS)
