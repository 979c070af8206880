"""DuckDB for a query of ours: it reaches the tables it is given and nothing else."""
# ruff: noqa: S608

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


FEW = 100_000
"""Rows up to which a second thread costs more than it saves; it changes no verdict."""
_ALWAYS_WORTH_IT = ("unused_columns", "filter_pushdown")
"""What DuckDB looks for with one thread too: without it, wide rows and rows nobody asks for go through every step."""


def threads_for(*tables: pl.DataFrame) -> int | None:
    """How many threads a query of tables may have, as `connect` takes it: one where they have few rows."""
    return 1 if sum(map(len, tables)) < FEW else None


@contextmanager
def connect(*, n_threads: int | None = None) -> Iterator[DuckDBPyConnection]:
    """A database in memory whose queries reach no file, no network and no variable of ours, and cannot change that.

    Nothing of its tables is ever put on a disk, nobody else sees them, and they are gone in the end. It uses as many
    threads as there are processors where no number is given. One thread is for few rows: a query is then run nearly as it
    is written, for to look for a better way takes longer.
    """
    with _engine(n_threads, os.getpid()).cursor() as connection:
        yield connection


@cache
def _engine(n_threads: int | None, _process: int) -> DuckDBPyConnection:
    """What all connections of a process share: it takes 20 ms to start, as long as many a query. It holds no table."""
    import duckdb  # takes 60 ms: only who judges many pays for it

    config: dict[str, Any] = {
        "enable_external_access": "false",
        "python_enable_replacements": "false",
        "temp_directory": "",
    }
    if n_threads is not None:
        config["threads"] = n_threads
    engine = duckdb.connect(config=config)
    if n_threads == 1:
        names = [name for (name,) in engine.execute("SELECT name FROM duckdb_optimizers()").fetchall()]
        others = ",".join(name for name in names if name not in _ALWAYS_WORTH_IT)
        engine.execute(f"SET disabled_optimizers = '{others}'")
    engine.execute("SET lock_configuration = true")
    return engine


atexit.register(_engine.cache_clear)  # DuckDB complains of what is still held when the process has ended


def put_tables(connection: DuckDBPyConnection, tables: Mapping[str, pl.DataFrame]) -> None:
    """Copy frames into tables of their names that this connection alone sees, in place of what was there."""
    for name, frame in tables.items():
        connection.register("incoming", _Stream(frame))
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM incoming")
        connection.unregister("incoming")


def answer_query(connection: DuckDBPyConnection, query: str) -> pl.DataFrame:
    """The rows that a query selects, in no order. They come as arrays: a relation would be planned when made and when read."""
    columns = connection.execute(query).fetchnumpy()
    return pl.DataFrame([_series(name, values) for name, values in columns.items()])


def _series(name: str, values: np.ndarray) -> pl.Series:
    """A column, null where it is masked."""
    if values.dtype == object:
        return pl.Series(name, values.tolist(), dtype=pl.String)
    if not isinstance(values, np.ma.MaskedArray):
        return pl.Series(name, values)
    return pl.Series(name, values.data).set(pl.Series(np.ma.getmaskarray(values)), None)


class _Stream:
    """A frame as a stream of Arrow batches and nothing else: DuckDB reads it without pyarrow.

    It also hides the class of the table. polars keeps in mind what classes it was given, and one of DuckDB's kept until
    the end of the process has DuckDB complain of a leak there.
    """

    def __init__(self, table: Any) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)
