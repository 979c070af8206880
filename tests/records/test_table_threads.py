"""A function on polars' threads is a call like any other: same result, same errors, interrupted by the keyboard."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextvars import ContextVar

import polars as pl
import pytest

from trialwright.records.table_threads import is_table_thread, on_table_threads

TABLE = pl.DataFrame({"a": [3, 1, 2], "b": ["x", "y", "x"]})


@on_table_threads
def told(*args, **kwargs):
    return args, kwargs, is_table_thread(), threading.get_ident()


def test_it_runs_on_another_thread_with_what_it_was_given():
    args, kwargs, is_inside, thread = told(1, [2], three=3)
    assert (args, kwargs, is_inside) == ((1, [2]), {"three": 3}, True)
    assert thread != threading.get_ident()
    assert not is_table_thread()
    assert told.__name__ == "told"


def test_one_within_another_stays_where_it_is():
    there = on_table_threads(lambda: (threading.get_ident(), told()[3]))
    assert len(set(there())) == 1


def test_tables_are_worked_on_there():
    @on_table_threads
    def total():
        joined = TABLE.join(TABLE.group_by("b").agg(pl.len()), on="b").sort("a")
        return joined.filter(pl.col("len") > 1)["a"].to_list()

    assert total() == [2, 3]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_what_it_raises_is_raised(error):
    @on_table_threads
    def fail():
        raise error

    with pytest.raises(type(error)) as raised:
        fail()
    assert raised.value is error
    assert not is_table_thread()
    assert told()[2]


def test_what_polars_raises_is_raised_as_it_is():
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="missing"):
        on_table_threads(lambda: TABLE.select("missing"))()


def test_variables_of_the_context_are_seen():
    here = ContextVar("here", default="nothing")
    here.set("something")
    assert on_table_threads(here.get)() == "something"


def test_the_keyboard_interrupts_it_at_its_next_operation_on_a_table():
    @on_table_threads
    def for_a_minute():
        end = time.monotonic() + 60
        while time.monotonic() < end:
            TABLE.filter(pl.col("a") > 1)

    start = time.monotonic()
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        for_a_minute()
    assert time.monotonic() - start < 30
    timer.join()


def test_one_thread_is_enough():
    """It would wait for itself for ever if it waited for a thread that works on tables."""
    code = """
import polars as pl
from trialwright.records.table_threads import on_table_threads
table = pl.DataFrame({"a": range(1000)})
sums = on_table_threads(lambda: [table.join(table, on="a").filter(pl.col("a") > n).select(pl.col("a").sum(), pl.len()) for n in (1, 2)])
print([rows.item(0, 1) for rows in sums()])
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "POLARS_MAX_THREADS": "1"}, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert ended.stdout.strip() == "[998, 997]"
