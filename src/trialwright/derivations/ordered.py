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
    is_alike = None  # whether a row is as the one before in all columns so far: most rows are told apart by the first few
    for name in by:
        column = table[name].rechunk()
        here, before = column.slice(1), column.head(-1)
        # a null comes neither before nor after: where it would decide, the rows are sorted
        is_right, is_same = (here >= before).fill_null(value=False), here == before
        if not (is_right if is_alike is None else is_right | ~is_alike).all():
            return table.sort(by, nulls_last=nulls_last)
        is_alike = is_same if is_alike is None else is_alike & is_same
        if not is_alike.any():
            break
    return table.rechunk()
