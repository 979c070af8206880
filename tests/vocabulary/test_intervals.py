"""Intervals against brute force over the numbers inside them, arrays against single intervals, and the traps."""

import math
import operator
from decimal import Decimal
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from trialwright.vocabulary.intervals import RELATIVE_TOLERANCE, Comparison, Interval, Intervals, Threshold
from trialwright.vocabulary.verdicts import Reason, Verdict

INF = math.inf
MET, NOT_MET, CENSORED = Verdict.MET, Verdict.NOT_MET, Verdict.unknown(Reason.CENSORED)
POINTWISE = {
    Comparison.LESS: operator.lt,
    Comparison.AT_MOST: operator.le,
    Comparison.MORE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
    Comparison.EQUAL: operator.eq,
    Comparison.NOT_EQUAL: operator.ne,
}


@st.composite
def intervals(draw, ends):
    lo, hi = sorted((draw(ends), draw(ends)))
    lo_open, hi_open = draw(st.booleans()), draw(st.booleans())
    assume(lo < hi or (not lo_open and not hi_open and math.isfinite(lo)))
    return Interval(lo, hi, lo_open, hi_open)


small = st.sampled_from([-INF, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, INF])
wide = st.one_of(
    small,
    st.floats(-1e12, 1e12, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-12),
    st.floats(19, 21).map(lambda x: round(x, 1)),
)
comparisons = st.sampled_from(list(Comparison))


def numbers_inside(interval):
    """Numbers from a grid four times finer than the ends of `small`, and far out where an end is infinite."""
    return [x for x in np.arange(-20, 21) / 4 if interval.contains(x)]


def compare(value, comparison, threshold, *, is_product=False, reason=Reason.CENSORED):
    bounds = threshold if isinstance(threshold, Interval) else Interval.exactly(threshold)
    return value.compare(Comparison(comparison), Threshold(bounds, is_product=is_product), reason=reason)


def below(number):
    return Interval.reported(number, "<", floor=0)


def above(number):
    return Interval.reported(number, ">", floor=0)


# ---- what an interval is


@pytest.mark.parametrize(
    ("comparator", "number", "floor", "expected"),
    [
        pytest.param("", 12, 0, Interval(12, 12), id="a number is itself"),
        pytest.param(
            "<", 10, 0, Interval(0, 10, False, True), id="below 10 starts at the floor and leaves 10 out"
        ),
        pytest.param("<=", 10, 0, Interval(0, 10), id="at most 10 takes 10 in"),
        pytest.param("<", 10, None, Interval(-INF, 10, True, True), id="without a floor it starts nowhere"),
        pytest.param(
            ">", 1.7e8, 0, Interval(1.7e8, INF, True, True), id="above the upper limit leaves the limit out"
        ),
        pytest.param(">=", 1.7e8, 0, Interval(1.7e8, INF, False, True), id="at least takes it in"),
        pytest.param("<=", 0, 0, Interval(0, 0), id="at most the floor is the floor"),
        pytest.param("", -1.5, None, Interval(-1.5, -1.5), id="a logarithm may be negative"),
    ],
)
def test_reported_results(comparator, number, floor, expected):
    assert Interval.reported(number, comparator, floor=floor) == expected


@pytest.mark.parametrize(
    ("comparator", "number", "message"),
    [
        pytest.param("<", 0, "<0 lies below the least possible, 0", id="nothing is below the floor"),
        pytest.param("", -1, "-1 lies below the least possible", id="a negative concentration"),
        pytest.param(">", -1, ">-1 lies below the least possible", id="above a negative number"),
        pytest.param("~", 1, "must be <, <=, > or >=", id="an unknown comparator"),
        pytest.param("", math.nan, "must be finite", id="not a number"),
        pytest.param("", INF, "must be finite", id="infinite"),
        pytest.param("<", INF, "must be finite", id="below infinity"),
    ],
)
def test_results_that_cannot_be(comparator, number, message):
    with pytest.raises(ValueError, match=message):
        Interval.reported(number, comparator, floor=0)


@pytest.mark.parametrize(
    "ends",
    [(2, 1), (1, 1, True, False), (1, 1, False, True), (INF, INF), (-INF, -INF), (INF, -INF)],
)
def test_an_interval_holds_a_number(ends):
    with pytest.raises(ValueError, match="no number lies inside"):
        Interval(*ends)
    with pytest.raises(ValueError, match="no number lies inside"):
        Intervals([0, ends[0]], [1, ends[1]], *[[False, is_open] for is_open in ends[2:]])


@pytest.mark.parametrize("ends", [(math.nan, 1), (1, math.nan), (math.nan, math.nan)])
def test_nan_never_enters(ends):
    with pytest.raises(ValueError, match="must be numbers"):
        Interval(*ends)
    with pytest.raises(ValueError, match="must be numbers"):
        Intervals([0, ends[0]], [1, ends[1]])


def test_infinite_ends_are_open_and_zero_has_one_sign():
    assert Interval(-INF, INF) == Interval.anything() == Interval(-INF, INF, True, True)
    for zero in (Interval(-0.0, -0.0), *Intervals([-0.0], [-0.0])):
        assert str(zero) == "[0, 0]"
        assert [math.copysign(1, end) for end in (zero.lo, zero.hi)] == [1, 1]
    arrays = Intervals([-0.0], [-0.0])
    assert [math.copysign(1, end[0]) for end in (arrays.lo, arrays.hi)] == [1, 1]
    assert Intervals([-INF], [INF]).lo_open.tolist() == [True]


@pytest.mark.parametrize(
    ("interval", "text"),
    [(below(10), "[0, 10)"), (above(1.7e8), "(170000000, inf)"), (Interval.exactly(0.1), "[0.1, 0.1]")],
)
def test_written(interval, text):
    assert str(interval) == text


@given(intervals(small), small.filter(math.isfinite))
def test_contains(interval, number):
    inside = (interval.lo <= number) if not interval.lo_open else (interval.lo < number)
    inside = inside and ((number <= interval.hi) if not interval.hi_open else (number < interval.hi))
    assert interval.contains(number) is inside


# ---- comparisons


@given(intervals(small), comparisons, intervals(small))
def test_a_verdict_is_what_the_numbers_inside_say(value, comparison, threshold):
    """Sound and tight: met if all pairs of numbers pass, not met if none, unknown if there are both."""
    answers = {
        bool(POINTWISE[comparison](x, t)) for x in numbers_inside(value) for t in numbers_inside(threshold)
    }
    expected = {frozenset({True}): MET, frozenset({False}): NOT_MET}.get(frozenset(answers), CENSORED)
    assert compare(value, comparison, threshold) == expected


@pytest.mark.parametrize(
    ("value", "comparison", "threshold", "verdict"),
    [
        pytest.param(below(10), "<", 10, MET, id="below 10 is below 10: the end is open"),
        pytest.param(below(10), ">=", 10, NOT_MET, id="below 10 is never at least 10"),
        pytest.param(below(10), ">", 10, NOT_MET, id="below 10 is never above 10"),
        pytest.param(below(10), "<=", 10, MET, id="below 10 is at most 10"),
        pytest.param(below(10), "!=", 10, MET, id="below 10 is not 10"),
        pytest.param(below(10), "=", 10, NOT_MET, id="below 10 cannot be 10"),
        pytest.param(below(10), ">", 9.99, CENSORED, id="below 10 may be above 9.99"),
        pytest.param(below(10), ">", 2000, NOT_MET, id="below 10 decides 2000"),
        pytest.param(below(20), ">", 2000, NOT_MET, id="below 20 decides 2000"),
        pytest.param(below(10), ">=", 0, MET, id="a concentration is at least 0"),
        pytest.param(below(10), ">", 0, CENSORED, id="below 10 may be 0"),
        pytest.param(below(10), "=", 5, CENSORED, id="below 10 may be 5"),
        pytest.param(Interval.reported(10, "<=", floor=0), ">=", 10, CENSORED, id="at most 10 may be 10"),
        pytest.param(above(1.7e8), ">", 1.7e8, MET, id="above the limit is above the limit"),
        pytest.param(above(1.7e8), "<=", 1.7e8, NOT_MET, id="above the limit is never at most the limit"),
        pytest.param(above(1.7e8), "=", 1.7e8, NOT_MET, id="above the limit cannot be the limit"),
        pytest.param(
            above(1.7e8), ">=", 1.8e8, CENSORED, id="above the limit may be above a higher threshold"
        ),
        pytest.param(Interval(5, 7), "<=", 7, MET, id="a score of 5 to 7 is at most 7"),
        pytest.param(Interval(5, 7), "<=", 6, CENSORED, id="a score of 5 to 7 may be 7"),
        pytest.param(Interval(1.2, 1.8), ">", 1.5, CENSORED, id="results on both sides of the threshold"),
        pytest.param(Interval(1.6, 1.8), ">", 1.5, MET, id="results that differ on one side are decided"),
        pytest.param(Interval(1.5, 1.8), ">", 1.5, CENSORED, id="one of the results lies at the threshold"),
        pytest.param(Interval.anything(), "<", 1e300, CENSORED, id="nothing known decides nothing"),
        pytest.param(Interval.exactly(2000), ">", 2000, NOT_MET, id="2000 is not above 2000"),
        pytest.param(Interval.exactly(2001), ">", 2000, MET, id="2001 is above 2000"),
    ],
)
def test_comparison_boundaries(value, comparison, threshold, verdict):
    assert compare(value, comparison, threshold) == verdict


def test_the_reason_is_the_callers():
    assert compare(Interval(1, 2), ">", 1.5, reason=Reason.CONFLICT) == Verdict.unknown(Reason.CONFLICT)


@given(intervals(wide), comparisons, intervals(wide), st.booleans())
def test_opposite_comparisons_have_opposite_verdicts(value, comparison, threshold, is_product):
    opposites = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}
    verdict = compare(value, comparison, threshold, is_product=is_product)
    assert compare(value, opposites[comparison], threshold, is_product=is_product) == ~verdict


# ---- the tolerance of products


@pytest.mark.parametrize(
    ("value", "factor", "reference"),
    [("60.3", "3", "20.1"), ("0.93", "1.5", "0.62"), ("870000", "100", "8700"), ("100.2", "3", "33.4")],
)
def test_a_value_at_a_product_is_equal_to_it(value, factor, reference):
    assert Decimal(value) == Decimal(factor) * Decimal(reference)
    threshold = Interval.exactly(float(reference)).scaled(float(factor))
    verdicts = {
        c.value: compare(Interval.exactly(float(value)), c, threshold, is_product=True) for c in Comparison
    }
    assert verdicts == {"<": NOT_MET, "<=": MET, ">": NOT_MET, ">=": MET, "=": MET, "!=": NOT_MET}


def test_without_the_tolerance_two_of_these_go_wrong():
    """The reason for it: plain comparison rejects an exactly 3-fold ALT and passes an exactly 1.5-fold creatinine."""
    assert compare(Interval.exactly(60.3), ">=", Interval.exactly(20.1).scaled(3)) == NOT_MET
    assert compare(Interval.exactly(0.93), ">", Interval.exactly(0.62).scaled(1.5)) == MET


@pytest.mark.parametrize(
    ("factor", "hundredths"),
    [
        pytest.param(3, range(2000, 30000, 10), id="ALT, 20.0 to 299.9"),
        pytest.param(1.5, range(30, 300), id="creatinine"),
    ],
)
def test_every_measured_baseline(factor, hundredths):
    """Equality is computed in decimals; a step of the last decimal beyond it decides the other way."""
    baselines = [Decimal(number) / 100 for number in hundredths]
    exact = [baseline * Decimal(factor) for baseline in baselines]
    threshold = Threshold(Intervals.exactly([float(b) for b in baselines]).scaled(factor), is_product=True)
    for step, at_least, more in (
        (0, MET, NOT_MET),
        (Decimal("0.01"), MET, MET),
        (Decimal("-0.01"), NOT_MET, NOT_MET),
    ):
        values = Intervals.exactly([float(number + step) for number in exact])
        for comparison, verdict in ((Comparison.AT_LEAST, at_least), (Comparison.MORE, more)):
            codes = values.compare(comparison, threshold, reason=Reason.CENSORED)
            assert (codes == verdict.code).all()


def test_a_hundredfold_rise_is_exact_without_logarithms():
    baselines = np.arange(2000, 200_000)
    threshold = Threshold(Intervals.exactly(baselines).scaled(100), is_product=True)
    codes = Intervals.exactly(baselines * 100).compare(Comparison.AT_LEAST, threshold, reason=Reason.CENSORED)
    assert (codes == MET.code).all()
    codes = Intervals.exactly(baselines * 100 - 1).compare(
        Comparison.AT_LEAST, threshold, reason=Reason.CENSORED
    )
    assert (codes == NOT_MET.code).all()


@pytest.mark.parametrize(
    ("value", "comparison", "verdict"),
    [
        pytest.param(above(60.3), ">", MET, id="above 60.3 is above 3 times 20.1"),
        pytest.param(above(60.3), "<=", NOT_MET, id="and never at most that"),
        pytest.param(below(60.3), "<", MET, id="below 60.3 is below 3 times 20.1"),
        pytest.param(below(60.3), ">=", NOT_MET, id="and never at least that"),
        pytest.param(Interval.reported(60.3, ">=", floor=0), ">", CENSORED, id="at least 60.3 may be 60.3"),
    ],
)
def test_the_tolerance_never_closes_an_open_end(value, comparison, verdict):
    assert compare(value, comparison, Interval.exactly(20.1).scaled(3), is_product=True) == verdict


def test_an_open_end_of_the_threshold_stays_open_too():
    """HBV DNA of 1000 is at least 100 times a baseline of <10, whatever the baseline was."""
    threshold = below(10).scaled(100)
    assert compare(Interval.exactly(1000), ">=", threshold, is_product=True) == MET
    assert compare(Interval.exactly(1000), ">", threshold, is_product=True) == MET
    assert compare(Interval.exactly(999), ">=", threshold, is_product=True) == CENSORED


def test_the_tolerance_is_relative_and_one_billionth():
    for scale in (1e-6, 1.0, 1.7e8, -3.0):
        inside, outside = (
            Interval.exactly(scale + abs(scale) * by * RELATIVE_TOLERANCE) for by in (0.9, 1.1)
        )
        assert compare(inside, ">", scale, is_product=True) == NOT_MET
        assert compare(outside, ">", scale, is_product=True) == MET
        assert compare(inside, ">", scale, is_product=False) == MET
    assert RELATIVE_TOLERANCE == 1e-9


def test_a_product_of_zero_has_no_tolerance():
    assert compare(Interval.exactly(1e-300), ">", 0, is_product=True) == MET
    assert compare(Interval.exactly(0), ">", 0, is_product=True) == NOT_MET


def test_an_interval_narrower_than_the_tolerance_is_one_number():
    around_ten = Interval(10 - 1e-9, 10 + 1e-9, True, True)
    assert compare(around_ten, ">=", 10, is_product=True) == MET
    assert compare(around_ten, ">", 10, is_product=True) == NOT_MET
    assert compare(around_ten, "=", 10, is_product=True) == MET
    assert compare(Interval(10, 10 + 1e-9, True, False), ">", 10, is_product=True) == MET
    assert compare(Interval(10 - 1e-9, 10, False, True), ">=", 10, is_product=True) == NOT_MET


@given(intervals(wide), comparisons, intervals(wide))
def test_the_tolerance_changes_only_what_lies_within_it(value, comparison, threshold):
    ends = product((value.lo, value.hi), (threshold.lo, threshold.hi))
    if not any(
        math.isfinite(a) and math.isfinite(b) and math.isclose(a, b, rel_tol=3e-9) and a != b for a, b in ends
    ):
        plain, tolerant = (compare(value, comparison, threshold, is_product=flag) for flag in (False, True))
        assert plain == tolerant


# ---- arithmetic


def samples(interval):
    """The ends that belong to it, numbers close to those that do not, far ones for infinite ends, and the middle."""
    near, far = 2.0**-30, 2.0**30
    lo = -far if interval.lo == -INF else interval.lo + near * interval.lo_open
    hi = far if interval.hi == INF else interval.hi - near * interval.hi_open
    return [
        lo,
        (max(lo, -far) + min(hi, far)) / 2,
        hi,
        *(x for x in (0.0, 0.5, near, -near) if interval.contains(x)),
    ]


OPERATIONS = {
    "plus": operator.add,
    "minus": operator.sub,
    "times": operator.mul,
    "over": operator.truediv,
    "minimum": min,
    "maximum": max,
}


@pytest.mark.parametrize("name", OPERATIONS)
@given(a=intervals(small), b=intervals(small))
@example(a=Interval(0, 0), b=Interval(1, INF))
@example(a=Interval(0, 1, True, False), b=Interval(1, INF))
@example(a=Interval(0, 1), b=Interval(0, 1, True, False))
@example(a=Interval(1, INF), b=Interval(2, INF))
@example(a=Interval(0, INF), b=Interval(-2, 0, False, True))
def test_arithmetic_holds_all_results_and_reaches_its_closed_ends_only(name, a, b):
    result = getattr(a, name)(b)
    if name == "over" and b.contains(0):
        assert result == Interval.anything()
        return
    found = [OPERATIONS[name](x, y) for x in samples(a) for y in samples(b)]
    assert all(result.contains(number) for number in found)
    for end, is_open, farthest in (
        (result.lo, result.lo_open, min(found)),
        (result.hi, result.hi_open, max(found)),
    ):
        if math.isinf(end):
            assert abs(farthest) >= 2.0**27
        elif is_open:
            assert farthest != end
            assert farthest == pytest.approx(end, abs=2.0**-20)
        else:
            assert farthest == end


@given(intervals(small), intervals(small))
def test_hull_is_the_smallest_around_both(a, b):
    hull = a.hull(b)
    found = [*samples(a), *samples(b)]
    assert all(hull.contains(number) for number in found)
    assert {hull.lo, hull.hi} <= {a.lo, a.hi, b.lo, b.hi}
    for end, is_open in ((hull.lo, hull.lo_open), (hull.hi, hull.hi_open)):
        assert (math.isfinite(end) and (a.contains(end) or b.contains(end))) is not is_open


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param(below(10).scaled(3), Interval(0, 30, False, True), id="3 times below 10 is below 30"),
        pytest.param(
            below(10).plus(below(5)), Interval(0, 15, False, True), id="a sum with an open end has one"
        ),
        pytest.param(
            Interval(0, 5).minus(below(10)),
            Interval(-10, 5, True, False),
            id="the open end goes to the other side",
        ),
        pytest.param(Interval.exactly(0).times(above(5)), Interval.exactly(0), id="0 times whatever is 0"),
        pytest.param(
            below(10).times(above(5)),
            Interval(0, INF, False, True),
            id="0 times infinity: 0 belongs, infinity does not",
        ),
        pytest.param(
            Interval(0, 1, True, False).times(Interval(0, 2, False, True)),
            Interval(0, 2, False, True),
            id="a 0 on one side is enough",
        ),
        pytest.param(
            Interval(0, 1, True, False).times(Interval(0, 2, True, True)),
            Interval(0, 2, True, True),
            id="two open zeros leave 0 out",
        ),
        pytest.param(
            Interval.exactly(60).over(above(20)), Interval(0, 3, True, True), id="60 over more than 20"
        ),
        pytest.param(
            Interval.exactly(60).over(Interval(0, 20, True, False)),
            Interval(3, INF, False, True),
            id="60 over a little is much",
        ),
        pytest.param(
            Interval.exactly(60).over(below(20)), Interval.anything(), id="60 over what may be 0 is anything"
        ),
        pytest.param(
            Interval.exactly(0).over(Interval.exactly(0)), Interval.anything(), id="0 over 0 is anything"
        ),
        pytest.param(
            Interval.exactly(1).over(Interval(-2, 0, False, True)),
            Interval(-INF, -0.5),
            id="from below 0 to minus infinity",
        ),
        pytest.param(
            Interval.exactly(37.0).scaled(1.8, 32),
            Interval.exactly(98.60000000000001),
            id="degrees Fahrenheit",
        ),
        pytest.param(
            Interval(1, 2).minimum(below(2)), Interval(0, 2, False, True), id="the smaller is below 2"
        ),
        pytest.param(Interval(1, 2).maximum(below(2)), Interval(1, 2), id="the greater may be 2"),
    ],
)
def test_arithmetic_examples(result, expected):
    assert result == expected


def test_half_known_scores_are_settled_as_soon_as_they_can_be():
    """Child-Pugh CP-07: four items make 4 points, the fifth is missing: 5 to 7."""
    score = Interval.sum_of([*[Interval.exactly(1)] * 4, Interval(1, 3)])
    assert score == Interval(5, 7)
    assert compare(score, "<=", 6, reason=Reason.MISSING) == Verdict.unknown(Reason.MISSING)
    assert compare(score, "<=", 9, reason=Reason.MISSING) == MET
    assert Interval.sum_of([]) == Interval.exactly(0)


def test_different_results_of_one_instant():
    assert Interval.hull_of([Interval.exactly(25), below(10), Interval.exactly(12)]) == Interval(0, 25)
    assert Interval.hull_of([Interval.exactly(12)] * 2).is_exact


@pytest.mark.parametrize("factor", [0, -1, INF, math.nan])
def test_a_factor_is_finite_and_above_zero(factor):
    for value in (Interval(1, 2), Intervals([1], [2])):
        with pytest.raises(ValueError, match="a factor must be finite and above 0"):
            value.scaled(factor)


@pytest.mark.parametrize("offset", [INF, math.nan])
def test_an_offset_is_finite(offset):
    with pytest.raises(ValueError, match="an offset must be finite"):
        Interval(1, 2).scaled(1, offset)


def test_beyond_the_largest_number():
    """Too large to write down is an open end at the upper side, and no interval at the lower side."""
    huge = Interval.exactly(1e308)
    assert Interval(1, 1e308).plus(huge) == Interval(1e308, INF)
    for double in (lambda x: x.plus(x), lambda x: x.times(x), lambda x: x.scaled(10)):
        for value in (huge, Intervals.exactly([1e308])):
            with pytest.raises(ValueError, match="no number lies inside"):
                double(value)


# ---- arrays


def ends_of(several):
    return [(i.lo, i.hi, i.lo_open, i.hi_open) for i in several]


pairs = st.lists(st.tuples(intervals(wide), intervals(wide)), min_size=1, max_size=6)


@pytest.mark.parametrize("name", [*OPERATIONS, "hull"])
@given(rows=pairs)
def test_arithmetic_of_arrays_is_that_of_intervals(name, rows):
    left, right = (Intervals.of(column) for column in zip(*rows, strict=True))
    assert ends_of(getattr(left, name)(right)) == ends_of(getattr(a, name)(b) for a, b in rows)


@given(pairs, st.floats(0.001, 1000), st.floats(-100, 100))
def test_scaling_of_arrays_is_that_of_intervals(rows, factor, offset):
    values = [a for a, _ in rows]
    assert ends_of(Intervals.of(values).scaled(factor, offset)) == ends_of(
        i.scaled(factor, offset) for i in values
    )


@given(pairs, comparisons, st.booleans(), st.lists(st.sampled_from(list(Reason)), min_size=6, max_size=6))
def test_comparison_of_arrays_is_that_of_intervals(rows, comparison, is_product, reasons):
    values, thresholds = (Intervals.of(column) for column in zip(*rows, strict=True))
    codes = np.array([reason.code for reason in reasons[: len(rows)]], dtype=np.uint8)
    threshold = Threshold(thresholds, is_product=is_product)
    assert values.compare(comparison, threshold, reason=codes).tolist() == [
        compare(value, comparison, bounds, is_product=is_product, reason=reason).code
        for (value, bounds), reason in zip(rows, reasons, strict=False)
    ]


def test_arrays_broadcast_against_one_threshold():
    values = Intervals.of([below(10), Interval.exactly(2001), above(1000)])
    threshold = Threshold(Intervals.exactly(2000), is_product=False)
    codes = values.compare(Comparison.MORE, threshold, reason=Reason.CENSORED)
    assert codes.tolist() == [NOT_MET.code, MET.code, CENSORED.code]
    assert codes.dtype == np.uint8


def test_arrays_to_intervals_and_back():
    several = [below(10), Interval.anything(), Interval(1, 2, True, False)]
    assert list(Intervals.of(several)) == several
    assert len(Intervals.of(several)) == 3
    assert list(Intervals.of([])) == []


def test_a_threshold_stated_in_the_protocol_has_no_tolerance():
    assert Threshold.number(2000) == Threshold(Interval.exactly(2000), is_product=False)
    assert (
        Interval.exactly(2000 + 1e-9).compare(Comparison.MORE, Threshold.number(2000), reason=Reason.MISSING)
        == MET
    )
