"""Columns read by runs: the records of one person, and of one day, lie together, so that few values stand where one changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl


def read_by_runs(column: pl.Series, read: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    """What is read of each value of a column, each run of one value being read once. Any order of values gives the same.

    Parameters
    ----------
    column : polars.Series, shape (n,)
    read : callable
        Given some of the values, a frame with a row for each.

    Returns
    -------
    found : DataFrame
        With a row for each of the `n` values.
    """
    runs = column.rename("value").rle().struct.unnest()
    return read(runs["value"])[np.repeat(np.arange(len(runs), dtype=np.uint32), runs["len"])]


def join_by_runs(column: pl.Series, table: pl.DataFrame) -> pl.DataFrame:
    """What a table has beside each value of a column of its name, one row for each of the `n` values; null where it has none.

    Parameters
    ----------
    column : polars.Series, shape (n,)
    table : DataFrame
        With that column, in which no value is there twice.
    """

    def of_some(values: pl.Series) -> pl.DataFrame:
        some = values.to_frame(column.name)
        return some.join(table, on=column.name, how="left", maintain_order="left").drop(column.name)

    return read_by_runs(column, of_some)
