"""How the libraries of a process work: what they read once from its environment, when they are imported."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "POLARS_MAX_THREADS": "1",
        "_RJEM_MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1,background_thread:false,narenas:1",
    }
)
"""Linear algebra and tables keep to one thread each: the matrices and tables of a trial are small, threads would wait for each
other most of the time, and a sum split among them may end in another last digit on another machine. Memory of a table that is
gone is kept for the next one: to give it back and ask for it anew took a quarter of the time of twenty trials at once, and a
thread of its own that looks what to give back, woken again and again, a twentieth. Threads share what is kept: what one is done
with another would not find, which took a fifth of the memory of a hundred trials."""


def settle() -> None:
    """Let this process work so unless the user says otherwise; before anything imports these libraries."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


@contextmanager
def settled() -> Iterator[None]:
    """Let processes that are begun within work so; this one goes on as it does."""
    before = {name: os.environ.get(name) for name in SETTINGS}
    settle()
    try:
        yield
    finally:
        for name in (name for name, value in before.items() if value is None):
            del os.environ[name]
