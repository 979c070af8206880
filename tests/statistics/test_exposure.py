import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.exposure import at_landmark, ever_exposed, exposure_rates, split_by_exposure

nan, inf = math.nan, math.inf
unhurried = settings(deadline=None)  # the machine may be busy

# IT-01, worked by hand: months since surgery, start of peginterferon.
TIME = [2, 4, 12, 24, 8, 20, 24, 24]
EVENT = [1, 1, 1, 0, 1, 1, 0, 0]
START = [inf, inf, inf, inf, 3, 3, 3, 6]


@pytest.mark.parametrize(
    ("rows", "exposed", "unexposed", "rate_ratio"),
    [
        pytest.param(ever_exposed(TIME, EVENT, START), (2, 76), (3, 42), 0.368, id="naive"),
        pytest.param(split_by_exposure(TIME, EVENT, START), (2, 61), (3, 57), 0.623, id="time-varying"),
        pytest.param(
            at_landmark(TIME, EVENT, START, landmark=6).rows, (2, 52), (1, 24), 0.923, id="landmark"
        ),
    ],
)
def test_immortal_time(rows, exposed, unexposed, rate_ratio):
    rates = exposure_rates(rows)
    assert (rates.exposed.n_events, rates.exposed.person_time) == exposed
    assert (rates.unexposed.n_events, rates.unexposed.person_time) == unexposed
    assert rates.rate_ratio == pytest.approx(rate_ratio, abs=5e-4)


def test_landmark_counts_whom_it_leaves_out():
    found = at_landmark([5, 6, 6, 7], [0, 1, 0, 1], [inf, 1, 1, 6], landmark=6)
    assert (found.n_events_before, found.n_censored_before) == (1, 2)
    assert (found.rows.subject.tolist(), found.rows.exposed.tolist()) == ([3], [1])
    assert at_landmark([7], [1], [6.5], landmark=6).rows.exposed.tolist() == [0]
    with pytest.raises(NotEstimable, match="nobody was followed beyond the landmark at 7"):
        at_landmark([7], [1], [6], landmark=7)


def test_rows_of_one_subject():
    rows = split_by_exposure([10], [1], [4])
    assert [
        column.tolist() for column in (rows.subject, rows.entry, rows.time, rows.event, rows.exposed)
    ] == [
        [0, 0],
        [0, 4],
        [4, 10],
        [0, 1],
        [0, 1],
    ]


@pytest.mark.parametrize(
    ("start", "entry", "expected"),
    [
        pytest.param(0, 0, [(0, 10, 1, 1)], id="exposed from the beginning"),
        pytest.param(3, 4, [(4, 10, 1, 1)], id="exposed before entry"),
        pytest.param(4, 4, [(4, 10, 1, 1)], id="exposed at entry"),
        pytest.param(5, 4, [(4, 5, 0, 0), (5, 10, 1, 1)], id="exposed after entry"),
        pytest.param(10, 4, [(4, 10, 1, 0)], id="a start on the day of the event is after it"),
        pytest.param(10 + 1e-12, 4, [(4, 10, 1, 0)], id="a start later than the event by rounding"),
        pytest.param(11, 4, [(4, 10, 1, 0)], id="a start after the event"),
        pytest.param(inf, 4, [(4, 10, 1, 0)], id="never exposed"),
    ],
)
def test_where_follow_up_is_split(start, entry, expected):
    rows = split_by_exposure([10], [1], [start], entry=[entry])
    assert list(zip(rows.entry, rows.time, rows.event, rows.exposed, strict=True)) == expected


subjects = st.lists(
    st.tuples(st.integers(1, 30), st.integers(0, 1), st.one_of(st.integers(0, 40), st.just(inf))), min_size=1
)


@unhurried
@given(subjects)
def test_splitting_neither_loses_nor_makes_time_or_events(columns):
    time, event, start = (np.array(column, dtype=float) for column in zip(*columns, strict=True))
    rows = split_by_exposure(time, event, start)
    assert np.all(rows.time > rows.entry)
    n = len(time)
    assert_array_equal(np.bincount(rows.subject, rows.time - rows.entry, n), time)
    assert_array_equal(np.bincount(rows.subject, rows.event, n), event)
    exposed = np.bincount(rows.subject, (rows.time - rows.entry) * rows.exposed, n)
    assert_array_equal(exposed, np.maximum(0, time - np.minimum(start, time)))


def test_unknown_start_is_not_no_start():
    with pytest.raises(
        ValueError, match=r"`exposure_start\[0\]` must be 0 or more, infinite for no start, not"
    ):
        split_by_exposure([10], [1], [nan])


@pytest.mark.parametrize(
    ("start", "event", "reason"),
    [
        (inf, 1, "there is no exposed time at risk"),
        (0, 1, "there is no unexposed time at risk"),
        (5, 1, "no event was observed in unexposed time"),
    ],
)
def test_rate_ratio_that_does_not_exist(start, event, reason):
    with pytest.raises(NotEstimable) as raised:
        _ = exposure_rates(split_by_exposure([10], [event], [start])).rate_ratio
    assert raised.value.reason == reason
