"""Rows in an order."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.derivations.ordered import in_order

number = st.one_of(st.none(), st.integers(0, 3))


@settings(deadline=None)
@given(rows=st.lists(st.tuples(number, number), max_size=6), nulls_last=st.booleans())
def test_the_order_is_that_of_a_plain_sort(rows, nulls_last):
    table = pl.DataFrame(rows, schema={"a": pl.Int64, "b": pl.Int64}, orient="row")

    def place(row):
        return [((value is None) == nulls_last, value or 0) for value in row]

    assert in_order(table, "a", "b", nulls_last=nulls_last).rows() == sorted(rows, key=place)


@pytest.mark.parametrize(("rows", "expected"), [
    pytest.param([(1, 2, "x"), (1, 2, "y"), (2, 1, "z")], "xyz", id="rows that are alike stay where they are"),
    pytest.param([(1, 2, "x"), (2, 1, "y"), (1, 3, "z")], "xzy", id="the first column decides"),
    pytest.param([(1, 2, "x"), (1, 1, "y")], "yx", id="then the next"),
    pytest.param([], "", id="no rows"),
])  # fmt: skip
def test_rows_are_moved_where_they_must_be(rows, expected):
    table = pl.DataFrame(rows, schema={"a": pl.Int64, "b": pl.Int64, "name": pl.String}, orient="row")
    assert "".join(in_order(table, "a", "b")["name"]) == expected
