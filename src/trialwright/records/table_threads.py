"""Where many small tables are worked on: among the threads that work on tables.

polars hands each operation to threads of its own and waits for them. That costs tens of microseconds with large tables and
small ones alike; the datasets of a trial take thousands of operations on tables of some hundred rows, and a fifth to a third
of the time went into waiting. A function that itself runs on one of those threads waits for nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import wraps
from typing import ParamSpec, TypeVar

import polars as pl

P = ParamSpec("P")
R = TypeVar("R")

_here = threading.local()


def on_table_threads(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function run on one of polars' threads; its result and what it raises are those of an ordinary call.

    Notes
    -----
    Such a function waits for no other thread that works on tables: where there is only one, it would wait for itself.
    The one that called it waits in its place. An interruption from the keyboard is raised at its next operation on a table.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if is_table_thread():
            return function(*args, **kwargs)
        results: list[R] = []
        errors: list[BaseException] = []
        context = copy_context()

        def ask(column: pl.Series) -> pl.Series:
            _here.is_inside = True
            try:
                results.append(context.run(function, *args, **kwargs))
            except BaseException as error:  # noqa: BLE001 -- raised below: polars would wrap it
                errors.append(error)
            finally:
                _here.is_inside = False
            return column

        # what polars has two of to compute, it computes on its threads
        asked = pl.col("x").map_batches(ask, return_dtype=pl.Int8)
        pl.DataFrame({"x": [0]}, schema={"x": pl.Int8}).select(asked, (pl.col("x") + 1).alias("other"))
        if errors:
            raise errors[0]
        return results[0]

    return run


def is_table_thread() -> bool:
    """Whether this runs within a function that was put on one of polars' threads."""
    return getattr(_here, "is_inside", False)
