"""What tests of several rooms need."""

import signal
from contextlib import contextmanager

import pytest
from hypothesis import settings

settings.register_profile("no deadline", deadline=None)  # a busy machine must not fail what is right
settings.load_profile("no deadline")


_BUSY = 4
"""How many times as long an answer may take where other work shares the machine: what hangs takes longer still."""


@contextmanager
def _cpu_seconds(limit):
    def stop(*_):
        raise TimeoutError(f"no answer after {_BUSY * limit} s of CPU")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, _BUSY * limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.fixture
def cpu_seconds():
    """End what takes longer, so that a slow answer is a failure and not a long wait."""
    return _cpu_seconds
