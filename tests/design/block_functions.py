"""What blocks are computed with in the tests of blocks: functions of a module, which other processes can find."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from trialwright.design.blocks import Span


@dataclass(frozen=True)
class Logged:
    """A block that writes down in a folder that it was computed, and may be told to fail, die or interrupt."""

    number: int
    log: str
    does: str = ""


def draw(span: Span) -> pl.DataFrame:
    """Draw as many numbers as the block has trials."""
    return pl.DataFrame({"number": span.rng("test").random(span.n), "block": [span.number] * span.n})


def logged(block: Logged) -> pl.DataFrame:
    """Compute the square of a number."""
    (Path(block.log) / f"{block.number}-{time.monotonic_ns()}").touch()
    match block.does:
        case "fail":
            raise ArithmeticError("this number cannot be squared")
        case "interrupt":
            raise KeyboardInterrupt
        case "die":
            os._exit(9)
    return pl.DataFrame({"square": [block.number**2]})


def wait_long(block: Logged) -> pl.DataFrame:
    """Compute three blocks at once and the others not before the log says so."""
    (Path(block.log) / f"begun-{block.number}").touch()
    while block.number >= 3 and not (Path(block.log) / "go on").exists():
        time.sleep(0.02)
    return pl.DataFrame({"square": [block.number**2]})


def table_threads(_: int) -> pl.DataFrame:
    """How many threads the tables of this process use."""
    return pl.DataFrame({"threads": [pl.thread_pool_size()]})
