"""Columns read by runs."""

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from trialwright.records.runs import read_by_runs

VALUES = st.sampled_from(["a", "b", None])


@given(st.lists(st.tuples(VALUES, VALUES), max_size=12))
@example([])
@example([(None, None), (None, "a"), (None, "a")])
def test_runs_are_read_once_and_all_rows_are_there(rows):
    column = pl.Series([{"x": x, "y": y} for x, y in rows], dtype=pl.Struct({"x": pl.String, "y": pl.String}))
    asked = []

    def read(some):
        asked.append(some.to_list())
        return some.struct.unnest()

    assert read_by_runs(column, read).rows() == rows
    starts = [row for i, row in enumerate(rows) if i == 0 or row != rows[i - 1]]
    assert [[tuple(one.values()) for one in some] for some in asked] == [starts]
