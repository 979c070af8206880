"""Long computations in blocks: on any executor, with progress, and kept so that an interruption loses little.

A block holds everything that its result depends on, its seed included. So the results are the same on one worker or on
fifty, in whatever order the blocks end, and in one go or in several. A finished block is kept in a file named after all it
came from: its content, the function, the code of this package and the versions of the libraries that compute. After a
change of any of them it is computed anew.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import signal
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache, partial
from importlib.metadata import version
from io import BytesIO
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import numpy as np
import polars as pl

from trialwright.vocabulary.documents import canonical_hash, refusal
from trialwright.vocabulary.libraries import settled
from trialwright.vocabulary.problems import Place, ProblemsFound

B = TypeVar("B")

_COMPUTING = ("duckdb", "numpy", "polars", "survival")
_SOURCES = {".py", ".toml", ".lark", ".yaml", ".json"}
_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a computation is.

    Attributes
    ----------
    done, total : int
        Units of work, trials for instance.
    resumed : int
        Those of `done` that were kept from an earlier run.
    seconds : float
        Since this run began.
    """

    done: int
    total: int
    resumed: int
    seconds: float

    @property
    def rate(self) -> float | None:
        """Units a second in this run; None before the first is done."""
        done_now = self.done - self.resumed
        return done_now / self.seconds if done_now and self.seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """At the rate so far; None where there is none yet."""
        if self.done == self.total:
            return 0.0
        return None if self.rate is None else (self.total - self.done) / self.rate


class Running(TypedDict, total=False):
    """How blocks are run: arguments that are passed on to `run_blocks`, which says what each is."""

    executor: Executor | None
    workers: int
    folder: Path | None
    on_progress: Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Span:
    """A block of consecutive trials: `n` of them from number `first` on, the block's own number, and the run's seed."""

    seed: int
    number: int
    first: int
    n: int

    def rng(self, purpose: str) -> np.random.Generator:
        """The random stream of this block for one purpose: the child of the run's seed that the block's number spawns.

        A draw added for one purpose changes no other; more blocks change none of those before.
        """
        key = (self.number, zlib.crc32(purpose.encode()))
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


def seeded_blocks(seed: int, total: int, *, size: int) -> list[Span]:
    """Divide trials into blocks with seeds of their own.

    Parameters
    ----------
    seed : int
        0 or more.
    total : int
        Trials, at least 1.
    size : int
        Trials in a block, at least 1; the last block may hold fewer. Results depend on it, so it is fixed by what is
        computed and not by the machine.

    Raises
    ------
    ValueError
        If a number is below its least.

    Examples
    --------
    >>> [(block.first, block.n) for block in seeded_blocks(1, 250, size=100)]
    [(0, 100), (100, 100), (200, 50)]
    """
    for name, value, least in (("seed", seed, 0), ("total", total, 1), ("size", size, 1)):
        if value < least:
            raise ValueError(f"`{name}` must be at least {least}, not {value!r}")
    return [
        Span(seed, number, first, min(size, total - first))
        for number, first in enumerate(range(0, total, size))
    ]


def run_blocks(
    function: Callable[[B], pl.DataFrame],
    blocks: Sequence[B],
    *,
    executor: Executor | None = None,
    workers: int = 1,
    folder: Path | None = None,
    count: Callable[[B], int] = lambda _: 1,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> list[pl.DataFrame]:
    """Compute a frame from each block.

    Parameters
    ----------
    function : callable
        A function of a module, so that other processes find it by its name; the same block gives the same frame.
    blocks : sequence
        Picklable. With `folder`, made of plain data: dataclasses, enums, mappings, sequences, texts, bytes, numbers,
        booleans, dates, paths and None.
    executor : concurrent.futures.Executor, optional
        Where blocks are computed, for instance `dask.distributed.Client.get_executor()`; it is not shut down here.
    workers : int
        Without an executor: 1 computes in this process, more in as many new processes.
    folder : Path, optional
        Where finished blocks are kept, and looked for. It is made if need be, and may be shared by any computations.
    count : callable
        Units of work in a block, for progress; each counts as 1 if not said.
    on_progress : callable
        Told at the start and after each block.

    Returns
    -------
    frames : list of DataFrame
        In the order of the blocks.

    Raises
    ------
    ValueError
        If `function` cannot be found by its name, or `workers` is below 1 or stands beside an executor.
    TypeError
        With `folder`, if a block holds something else than plain data.
    ProblemsFound
        `unwritable-file`: the folder cannot be written.
    Exception
        Whatever `function` raises, with a note that tells the block. Finished blocks are kept, as they are when the run is
        interrupted (KeyboardInterrupt): blocks that cannot be cancelled any more are waited for and kept, others not begun.
    """
    _check_call(function, executor, workers)
    if folder:
        _make_folder(folder)
    paths = [_path_of(folder, function, block) for block in blocks] if folder else [None] * len(blocks)
    frames: list[pl.DataFrame | None] = [_read_kept(path) if path else None for path in paths]
    counts = [count(block) for block in blocks]
    resumed = sum(n for n, frame in zip(counts, frames, strict=True) if frame is not None)
    begun, done = time.monotonic(), resumed
    on_progress(Progress(done, sum(counts), resumed, 0.0))

    def keep(number: int, frame: pl.DataFrame) -> None:
        nonlocal done
        path = paths[number]
        if path:
            _keep(frame, path)
        frames[number] = frame
        done += counts[number]
        on_progress(Progress(done, sum(counts), resumed, time.monotonic() - begun))

    missing = [number for number, frame in enumerate(frames) if frame is None]
    if executor is not None:
        _on_executor(executor, function, blocks, missing, keep)
    elif workers == 1 or len(missing) < 2:
        for number in missing:
            keep(number, _told(partial(function, blocks[number]), number, len(blocks)))
    else:
        with _new_processes(min(workers, len(missing))) as pool:
            _on_executor(pool, function, blocks, missing, keep)
    return [frame for frame in frames if frame is not None]


def _check_call(function: Callable[..., Any], executor: Executor | None, workers: int) -> None:
    name = getattr(function, "__qualname__", None)
    if name is None or "<" in name:
        raise ValueError(
            f"`function` must be a function of a module, which other processes find by its name, not {function!r}"
        )
    if workers < 1:
        raise ValueError(f"`workers` must be at least 1, not {workers!r}")
    if executor is not None and workers != 1:
        raise ValueError("`workers` must not be given with an `executor`, which has workers of its own")


@contextmanager
def _new_processes(workers: int) -> Iterator[Executor]:
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_as_worker)
    try:
        with settled(), pool:
            yield pool
    except BrokenProcessPool as error:
        error.add_note(
            "a worker process ended by itself: the system may have run out of memory, or the script that started it has no "
            '`if __name__ == "__main__":`; with fewer workers each has more memory'
        )
        raise


def _on_executor(
    executor: Executor,
    function: Callable[[B], pl.DataFrame],
    blocks: Sequence[B],
    missing: Sequence[int],
    keep: Callable[[int, pl.DataFrame], None],
) -> None:
    """Compute the missing blocks; on an interruption or a failure keep those that have begun, and begin no other."""
    with _interruption_waits():
        running = {executor.submit(function, blocks[number]): number for number in missing}
    try:
        for future in as_completed(list(running)):
            number = running.pop(future)
            keep(number, _told(future.result, number, len(blocks)))
    except BaseException:
        begun = [future for future in running if not future.cancel()]
        for future in as_completed(begun):
            if _succeeded(future):
                keep(running[future], future.result())
        raise


def _succeeded(future: Future[pl.DataFrame]) -> bool:
    return not future.cancelled() and future.exception() is None


def _told(compute: Callable[[], pl.DataFrame], number: int, total: int) -> pl.DataFrame:
    try:
        return compute()
    except Exception as error:
        error.add_note(f"in block {number + 1} of {total}")
        raise


@contextmanager
def _interruption_waits() -> Iterator[None]:
    """Let Ctrl-C wait until the workers are started, who inherit that they do not hear it, from their first moment on."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _as_worker() -> None:
    """Leave Ctrl-C to the main process, and end with it if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_parent() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


# What is kept


def _path_of(folder: Path, function: Callable[[B], pl.DataFrame], block: B) -> Path:
    origin = {
        "function": f"{function.__module__}.{function.__qualname__}",
        "block": _plain(block, "block"),
        "code": _code_of(function),
    }
    return folder / f"{canonical_hash(origin)}.block"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _keep(frame: pl.DataFrame, path: Path) -> None:
    """Write a finished block, whole or not at all: SHA-256 of what follows, then Parquet."""
    buffer = BytesIO()
    frame.write_parquet(buffer)
    content = buffer.getvalue()
    unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
    try:
        unfinished.write_bytes(hashlib.sha256(content).digest() + content)
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> ProblemsFound:
    return refusal("unwritable-file", f"cannot be written: {error.strerror}", Place(str(path)))


def _read_kept(path: Path) -> pl.DataFrame | None:
    """The block that was kept, or None: there is none, or it is not as it was written and must be computed anew."""
    try:
        held = path.read_bytes()
    except FileNotFoundError:
        return None
    digest, content = held[:_DIGEST_BYTES], held[_DIGEST_BYTES:]
    return pl.read_parquet(BytesIO(content)) if hashlib.sha256(content).digest() == digest else None


def _plain(value: Any, where: str) -> Any:
    """A block as plain data for its hash; what cannot be told apart by it is refused."""
    match value:
        case Enum():
            return [type(value).__qualname__, value.name]
        case None | bool() | int() | str():
            return value
        case float():
            return value.hex()
        case date() | Path():
            return [type(value).__name__, str(value)]
        case bytes():
            return ["bytes", hashlib.sha256(value).hexdigest()]
        case list() | tuple():
            return [_plain(part, f"{where}[{i}]") for i, part in enumerate(value)]
        case Mapping():
            return ["mapping", *([_plain(k, where), _plain(v, f"{where}[{k!r}]")] for k, v in value.items())]
    if is_dataclass(value) and not isinstance(value, type):
        parts = {part.name: getattr(value, part.name) for part in fields(value)}
        return [
            type(value).__qualname__,
            {name: _plain(part, f"{where}.{name}") for name, part in parts.items()},
        ]
    raise TypeError(
        f"`{where}` must be plain data, or a finished block could be taken for another, not {type(value).__name__}"
    )


@cache
def _code_of(function: Callable[..., Any]) -> str:
    """A hash that changes with the code of this package, of the module of the function, or of what computes."""
    digest = hashlib.sha256(sys.version.encode())
    for library in _COMPUTING:
        digest.update(f"{library} {version(library)}\n".encode())
    package = Path(__file__).parents[1]
    sources = [path for path in sorted(package.rglob("*")) if path.suffix in _SOURCES]
    for path in (*sources, Path(inspect.getfile(function))):
        digest.update(f"{path.name}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
