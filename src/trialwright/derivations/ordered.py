"""Rows in an order: moved only where they do not lie so already, as records mostly do."""

from __future__ import annotations

import polars as pl


def in_order(table: pl.DataFrame, *by: str, nulls_last: bool = False) -> pl.DataFrame:
    """The rows in the order of some columns, in one piece; rows that are alike in all of these lie in any order.

    Parameters
    ----------
    table : DataFrame
    by : str
        Columns, the one that decides first.
    nulls_last : bool
        Whether a null comes after all values, not before.
    """
    is_later = pl.lit(value=True)
    for name in reversed(by):
        here, before = pl.col(name), pl.col(name).shift()
        is_later = (here > before) | ((here == before) & is_later)
    # a null comes neither before nor after: wherever there is one, the rows are sorted
    if table.select(is_later.fill_null(value=False).slice(1).all()).item():
        return table.rechunk()
    return table.sort(by, nulls_last=nulls_last)
