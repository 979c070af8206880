"""CPU seconds of commands and functions, in turn with a reference; libraries work as in the command."""

import resource
import statistics
import subprocess
import time
from collections.abc import Callable

from trialwright.vocabulary.libraries import settle

REPEATS = 9

settle()  # before the libraries have begun to work


def cpu_of_command(*command: str) -> float:
    """CPU seconds (user and system) of one run of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cpu_of_call(function: Callable[[], object]) -> float:
    return cpu_and_clock_of_call(function)[0]


def cpu_and_clock_of_call(function: Callable[[], object]) -> tuple[float, float]:
    """Seconds of CPU and of the clock."""
    started = time.process_time(), time.perf_counter()
    function()
    return time.process_time() - started[0], time.perf_counter() - started[1]


def medians_in_turn(*runs: Callable[[], float], repeats: int = REPEATS) -> list[float]:
    """The median of each run; they take turns, after one round that is not counted."""
    rounds = [[run() for run in runs] for _ in range(repeats + 1)][1:]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def print_row(what: str, seconds: float, reference: float | None = None, limit: str = "") -> None:
    ratio = f"{seconds / reference:6.2f} x reference" if reference else " " * 19
    print(f"{what:<58}{seconds:8.3f} s CPU  {ratio}  {limit}")
