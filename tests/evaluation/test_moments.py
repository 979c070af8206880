"""Dates moved by a length of time: every minute a date may be is moved, and the range around them is the answer."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evaluation import reference

from trialwright.evaluation import moments
from trialwright.evaluation.date_terms import Span
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.partial_dates import PartialDate

DAY = 24 * 60

days = st.integers(0, 1200)
ranges = st.builds(
    lambda day, time, length: PartialDate("", (start := day * DAY + time), start + length),
    days,
    st.integers(0, DAY - 1),
    st.integers(0, 3 * DAY),
)
lengths = st.builds(
    lambda amount, unit: Duration.parse(f"{amount} {unit}"),
    st.integers(1, 30),
    st.sampled_from(["hours", "days", "weeks", "months", "years"]),
)
signs = st.sampled_from("+-")


@given(ranges, lengths, signs)
def test_a_range_moves_to_the_range_around_its_minutes(date, length, sign):
    every = [
        moments.moved(PartialDate("", minute, minute), length, sign).first_minute
        for minute in range(date.first_minute, date.last_minute + 1)
    ]
    found = moments.moved(date, length, sign)
    assert (found.first_minute, found.last_minute) == (min(every), max(every))
    assert found == reference.moved(date, length, sign)


@given(ranges, lengths, signs)
def test_a_query_moves_dates_alike(date, length, sign):
    moved = Span.of("t").moved(length, sign)
    instants = [f"make_timestamp({minute * 60_000_000})" for minute in (date.first_minute, date.last_minute)]
    query = f"SELECT epoch_us(m.first), epoch_us(m.last) FROM (SELECT {moved.first} AS first, {moved.last} AS last "  # noqa: S608
    query += f"FROM (SELECT {instants[0]} AS earliest, {instants[1]} AS latest) t) m"
    expected = moments.moved(date, length, sign)
    (found,) = duckdb.sql(query).fetchall()
    assert [end // 60_000_000 for end in found] == [expected.first_minute, expected.last_minute]


@pytest.mark.parametrize(
    ("date", "length", "sign", "expected"),
    [
        ("2024-01-30T13:00/2024-01-31T06:00", "1 month", "+", "2024-02-29"),
        ("2024-01-28T13:00/2024-01-29T06:00", "1 month", "+", "2024-02-28T13:00/2024-02-29T06:00"),
        ("2024-03-30T13:00/2024-03-31T12:59", "13 months", "+", "2025-04-30"),
        ("2024-03-29T13:00/2024-03-31T12:59", "1 month", "-", "2024-02-29"),
        ("2024-02-29T13:00", "1 year", "+", "2025-02-28T13:00"),
        ("2024-01-29/2024-01-31", "1 month", "+", "2024-02-29"),
        ("2024-01", "1 month", "+", "2024-02"),
    ],
)
def test_months_that_end_early(date, length, sign, expected):
    assert moments.moved(PartialDate.parse(date), Duration.parse(length), sign) == PartialDate.parse(expected)
