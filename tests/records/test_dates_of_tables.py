"""Columns of partial dates."""

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.records.dates import date_ranges
from trialwright.vocabulary.partial_dates import PartialDate


def test_partial_dates_are_ranges():
    texts = pl.Series(["2024-03-05T14:30", "2024-02", "2023", None, "2024-02-30", "2024-02-27/2024-03-01"])
    assert date_ranges(texts).rows() == [
        (date(2024, 3, 5), date(2024, 3, 5)),
        (date(2024, 2, 1), date(2024, 2, 29)),
        (date(2023, 1, 1), date(2023, 12, 31)),
        (None, None),
        (None, None),
        (date(2024, 2, 27), date(2024, 3, 1)),
    ]


@given(st.lists(st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 1, 1)), max_size=8))
@settings(max_examples=30)
def test_whole_days_are_themselves_in_any_order(days):
    ranges = date_ranges(pl.Series([PartialDate.of(day).text for day in days], dtype=pl.String))
    assert ranges["earliest"].to_list() == ranges["latest"].to_list() == days


def test_no_dates():
    assert date_ranges(pl.Series([], dtype=pl.String)).schema == {"earliest": pl.Date, "latest": pl.Date}
