"""Flares, their episodes, and hepatitis as reactivation with flare."""

import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.medicine.hepatitis_b import flare as flare_module
from trialwright.medicine.hepatitis_b.flare import find_flares, has_settled, hepatitis_flare
from trialwright.medicine.hepatitis_b.hepatitis import Link, Samples, hbv_hepatitis, hbv_liver_failure
from trialwright.medicine.hepatitis_b.occasions import order_samples
from trialwright.medicine.known import Known
from trialwright.vocabulary.intervals import Interval, Intervals
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.verdicts import Reason, Verdict

NAN = math.nan
MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
MISSING, CENSORED, IMPRECISE = Reason.MISSING.code, Reason.CENSORED.code, Reason.IMPRECISE_DATE.code
NOT_APPLICABLE = Reason.NOT_APPLICABLE.code


def flare(alt, baseline, **more):
    usual = {"unit": "U/L", "baseline_unit": "U/L", "fold": 3, "floor": 100}
    return hepatitis_flare(alt, baseline_alt=baseline, **(usual | more)).tolist()


def test_the_examples_run():
    failed, tried = doctest.testmod(flare_module)
    assert (failed, tried > 0) == (0, True)


@pytest.mark.parametrize(
    ("baseline", "alt", "expected"),
    [
        pytest.param(20, 60, NOT_MET, id="FL-01"),
        pytest.param(20, 100, NOT_MET, id="FL-02"),
        pytest.param(20, 101, MET, id="FL-03"),
        pytest.param(34, 101, NOT_MET, id="FL-04"),
        pytest.param(34, 102, MET, id="FL-05"),
        pytest.param(35, 105, MET, id="FL-06"),
        pytest.param(90, 269, NOT_MET, id="FL-07 below"),
        pytest.param(90, 270, MET, id="FL-07 at"),
        pytest.param(33.4, 100.2, MET, id="FL-08"),
        pytest.param(NAN, 400, MISSING, id="FL-09"),
        pytest.param(40, 400, MET, id="FL-09 with the limit of normal as baseline"),
        pytest.param(30, 95, NOT_MET, id="FL-10: an AST of 300 is no part of the rule"),
        pytest.param(NAN, 100, NOT_MET, id="at the floor it is none, whatever the baseline"),
        pytest.param(20, NAN, MISSING, id="not measured is not 'no flare'"),
        pytest.param(20.1, 100.00001, MET, id="just above the floor"),
        pytest.param(100, 299.9, NOT_MET, id="just below three times"),
    ],
)
def test_hepatitis_flare(baseline, alt, expected):
    assert flare([alt], [baseline]) == [expected]


def test_units_are_converted_row_by_row_and_refused_as_a_whole():
    ukat = 101 / 60
    assert flare([ukat, 101, 101], [20, 20, 20], unit=["ukat/L", "U/L", None]) == [
        MET,
        MET,
        Reason.UNIT_UNKNOWN.code,
    ]
    with pytest.raises(ValueError, match="unit of `alt`"):
        flare([101], [20], unit="mg/dL")


@pytest.mark.parametrize(
    ("alt", "baseline", "message"),
    [
        ([50, -1], [20, 20], r"`alt\[1\]` must be a finite number of at least 0, or missing, not -1"),
        ([50], [0], r"`baseline_alt\[0\]` must be a finite number above 0, or missing, not 0"),
    ],
)
def test_impossible_values_are_refused(alt, baseline, message):
    with pytest.raises(ValueError, match=message):
        flare(alt, baseline)


def test_baselines_are_one_for_all_or_one_for_each():
    assert flare([100, 300, 90], [33]) == [NOT_MET, MET, NOT_MET]
    with pytest.raises(ValueError, match="`baseline_alt` must have as many rows as `alt`, 3, not 2"):
        flare([100, 300, 90], [33, 34])


def test_an_alt_above_the_range_of_the_machine_is_a_flare_if_the_bound_is():
    above = Intervals.of([Interval.reported(400, ">", floor=0)] * 2)
    assert flare(above, [100, 200]) == [MET, CENSORED]


@settings(deadline=None)
@given(st.floats(1, 300), st.floats(0, 2000), st.floats(0, 2000))
def test_more_alt_never_removes_a_flare(baseline, alt, more):
    assert flare([alt], [baseline]) <= flare([alt + more], [baseline])


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 2000), st.floats(1, 300)), min_size=1, max_size=5))
def test_rows_are_judged_alone_and_units_never_matter(rows):
    alts, baselines = zip(*rows, strict=True)
    batch = flare(alts, baselines)
    assert batch == [flare([alt], [baseline])[0] for alt, baseline in rows]
    in_ukat = [alt / 60 for alt in alts]
    near = [
        math.isclose(alt, 100, rel_tol=1e-8) or math.isclose(alt, 3 * base, rel_tol=1e-8)
        for alt, base in rows
    ]
    other = flare(in_ukat, baselines, unit="ukat/L")
    assert all(a == b or close for a, b, close in zip(batch, other, near, strict=True))


# ---- episodes


def episodes(*alts, baseline=30.0, subjects=None):
    days = [29 * i for i in range(len(alts))]
    occasions = order_samples(
        subjects or ["a"] * len(alts), days, Known.exactly(alts) if alts else Known.exactly([])
    )
    arguments = {"unit": "U/L", "baseline_alt": [baseline], "baseline_unit": "U/L", "floor": 100}
    alt = occasions.results.amount
    return find_flares(
        occasions, hepatitis_flare(alt, fold=3, **arguments), has_settled(alt, fold=2, **arguments)
    )


@pytest.mark.parametrize(
    ("alts", "onset", "end", "peak", "ended"),
    [
        pytest.param([30, 50, 80], [], [], [], [], id="none"),
        pytest.param([30, 150, 400, 300, 90, 80], [1], [4], [400], [MET], id="up, down, two quiet ones"),
        pytest.param([150, 90, 150, 90, 90], [0], [3], [150], [MET], id="one quiet one does not end it"),
        pytest.param(
            [150, 90, 90, 500, 40, 40], [0, 3], [1, 4], [150, 500], [MET, MET], id="a second after the first"
        ),
        pytest.param([30, 150, 400], [1], [-1], [400], [MISSING], id="not over in these data"),
        pytest.param([150, 90], [0], [-1], [150], [MISSING], id="one quiet one at the end is not enough"),
        pytest.param([], [], [], [], [], id="no samples"),
    ],
)
def test_a_flare_lasts_until_two_quiet_samples(alts, onset, end, peak, ended):
    found = episodes(*alts)
    assert found.onset.tolist() == onset
    assert found.end.tolist() == end
    assert found.peak.bounds.lo.tolist() == found.peak.bounds.hi.tolist() == peak
    assert found.ended.tolist() == ended


def test_a_flare_ends_with_its_person():
    found = episodes(150, 200, 90, 90, 150, 120, subjects=["a", "a", "b", "b", "b", "c"])
    assert found.subjects == ["a", "b", "c"]
    assert found.onset.tolist() == [0, 4, 5]
    assert found.end.tolist() == [-1, -1, -1]
    assert found.peak.bounds.lo.tolist() == [200, 150, 120]


def flares_by_hand(alts):
    """The same, one sample after the other, for a baseline of 30."""
    found, since = [], None
    for i, alt in enumerate(alts):
        quiet = [value < 60 or value <= 100 for value in alts[i : i + 2]]
        if since is None and alt >= 90 and alt > 100:
            since = i
        elif since is not None and quiet == [True, True]:
            found.append((since, i))
            since = None
    return found + ([(since, -1)] if since is not None else [])


@settings(deadline=None)
@given(st.lists(st.sampled_from([30.0, 90.0, 101.0, 150.0, 400.0]), max_size=14))
def test_episodes_as_by_hand(alts):
    found = episodes(*alts)
    assert list(zip(found.onset.tolist(), found.end.tolist(), strict=True)) == flares_by_hand(alts)


# ---- reactivation with flare


def hepatitis(dna_days, alt_days, link=None):
    """Days 1 (nothing), those given (met)."""

    def samples(days):
        return Samples(["a"] * (len(days) + 1), [1, *days], np.array([NOT_MET] + [MET] * len(days), np.uint8))

    event = hbv_hepatitis(samples(dna_days), samples(alt_days), people=["a"], link=link)
    day = event.day.bounds.lo[0] if event.verdict[0] == MET else None
    return event.verdict.tolist()[0], day


B, C = Link(84, 35), Link(84, 0)


@pytest.mark.parametrize(
    ("dna", "alt", "day_a", "day_b", "day_c"),
    [
        pytest.param([57], [78], 78, 78, 78, id="HH-01"),
        pytest.param([85], [64], 85, 85, None, id="HH-02"),
        pytest.param([57], [310], 310, None, None, id="HH-03"),
        pytest.param([57, 85, 253], [310], 310, 310, 310, id="HH-04"),
        pytest.param([], [64], None, None, None, id="HH-05"),
        pytest.param([57], [], None, None, None, id="HH-06"),
        pytest.param([], [64], None, None, None, id="HH-07: the DNA of day 120 lies after the window"),
        pytest.param([57], [141], 141, 141, 141, id="84 days before counts"),
        pytest.param([57], [142], 142, None, None, id="85 does not"),
        pytest.param([99], [64], 99, 99, None, id="35 days after counts"),
        pytest.param([100], [64], 100, None, None, id="36 does not"),
        pytest.param([64], [64], 64, 64, 64, id="the same day"),
        pytest.param([57, 400], [300, 420], 300, 420, 420, id="with a link the day is that of a linked pair"),
    ],
)
def test_hbv_hepatitis(dna, alt, day_a, day_b, day_c):
    for link, day in ((None, day_a), (B, day_b), (C, day_c)):
        assert hepatitis(dna, alt, link) == (NOT_MET if day is None else MET, day)


def test_hbv_hepatitis_is_unknown_where_something_was_not_measured():
    dna = Samples(["a", "b"], [57, 57], np.array([MET, MISSING], np.uint8))
    alt = Samples(["b", "c"], [78, 78], np.array([MET, NOT_MET], np.uint8))
    for link in (None, B):
        event = hbv_hepatitis(dna, alt, people=["a", "b", "c", "d"], link=link)
        assert event.verdict.tolist() == [MISSING, MISSING, NOT_MET, MISSING]
        assert event.day.reasons.tolist() == [MISSING, MISSING, NOT_APPLICABLE, MISSING]


def test_a_month_without_a_day_leaves_the_link_open():
    dna = Samples(["a"], [PartialDate.parse("2024-01")], np.array([MET], np.uint8))
    near = Samples(["a"], [PartialDate.parse("2024-02-10")], np.array([MET], np.uint8))
    edge = Samples(["a"], [PartialDate.parse("2024-04-05")], np.array([MET], np.uint8))
    assert hbv_hepatitis(dna, near, people=["a"], link=B).verdict.tolist() == [MET]
    assert hbv_hepatitis(dna, edge, people=["a"], link=B).verdict.tolist() == [IMPRECISE]


def hepatitis_by_hand(dna, alt, link):
    pairs = [
        max(s, t)
        for s, react in dna
        for t, flare_ in alt
        if react and flare_ and (link is None or t - link.days_before <= s <= t + link.days_after)
    ]
    return min(pairs, default=None)


samples = st.lists(st.tuples(st.integers(1, 300), st.booleans()), min_size=1, max_size=6)


@settings(deadline=None)
@given(samples, samples, st.sampled_from([None, B, C]), st.randoms())
def test_hepatitis_as_by_hand_in_any_order(dna, alt, link, random):
    expected = hepatitis_by_hand(dna, alt, link)
    shuffled = [random.sample(side, len(side)) for side in (dna, alt)]
    given_ = [
        Samples(
            ["a"] * len(side),
            [day for day, _ in side],
            np.array([MET if met else NOT_MET for _, met in side], np.uint8),
        )
        for side in shuffled
    ]
    event = hbv_hepatitis(*given_, people=["a"], link=link)
    assert event.verdict.tolist() == [NOT_MET if expected is None else MET]
    if expected is not None:
        assert event.day.bounds.lo.tolist() == event.day.bounds.hi.tolist() == [expected]


def test_whose_sample_it_is_must_be_known():
    days, codes = np.array([1.0, 2.0]), np.array([NOT_MET, MET], np.uint8)
    samples, nothing = Samples(["a", None], days, codes), Samples([], [], np.zeros(0, np.uint8))
    with pytest.raises(ValueError, match=r"`subjects\[1\]` must be a label, not None"):
        hbv_hepatitis(samples, nothing, people=["a"], link=None)


def test_samples_must_be_whole():
    with pytest.raises(ValueError, match="1 subjects, 2 times and 1 verdicts"):
        hbv_hepatitis(
            Samples(["a"], [1, 2], np.array([MET], np.uint8)),
            Samples([], [], np.zeros(0, np.uint8)),
            people=["a"],
            link=None,
        )


@pytest.mark.parametrize(
    ("inr", "bilirubin", "ascites", "expected"),
    [
        pytest.param(1.5, 3.0, NOT_MET, NOT_MET, id="limits must be exceeded"),
        pytest.param(1.51, 3.0, NOT_MET, MET, id="INR just above"),
        pytest.param(1.0, 3.01, NOT_MET, MET, id="bilirubin just above"),
        pytest.param(1.0, 1.0, MET, MET, id="ascites"),
        pytest.param(NAN, 1.0, NOT_MET, MISSING, id="INR not measured is not 'no'"),
        pytest.param(NAN, 4.0, NOT_MET, MET, id="one is enough"),
    ],
)
def test_liver_failure(inr, bilirubin, ascites, expected):
    def one(code):
        return np.array([code], np.uint8)

    found = hbv_liver_failure(
        one(MET), inr=[inr], bilirubin=[bilirubin], bilirubin_unit="mg/dL", ascites=one(ascites),
        encephalopathy=one(NOT_MET), inr_above=1.5, bilirubin_above=3, limit_unit="mg/dL",
    )  # fmt: skip
    assert found.tolist() == [expected]
