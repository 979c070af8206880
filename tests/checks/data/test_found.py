"""Rows that were found, and the message of each."""

from datetime import date

import polars as pl

from trialwright.checks.data.registry import found, say


def test_rows_whose_columns_lie_in_several_pieces_have_their_messages():
    """polars 2.1.0 ends the program where `pl.format` meets a column whose first piece is empty, as a shift and a filter leave it."""
    rows = pl.DataFrame({"USUBJID": ["1", "2"], "day": [date(2026, 1, 1), date(2026, 1, 2)]})
    rows = rows.with_columns(pl.col("day").shift(1).alias("before")).filter(pl.col("before").is_not_null())
    assert rows["before"].chunk_lengths()[0] == 0
    told = found("SV", "SVSTDTC", rows, say("{} after {}", pl.col("day"), pl.col("before")))
    assert told.rows["MESSAGE"].to_list() == ["2026-01-02 after 2026-01-01"]
