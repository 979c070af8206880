"""Blocks: the same result in any order, on any executor, in one go or in several; nothing stale, nothing damaged."""

import datetime as dt
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from tests.design import block_functions
from tests.design.block_functions import Logged, draw, logged

from trialwright.apps.cli.progress import progress_line, progress_shown
from trialwright.design import blocks
from trialwright.design.blocks import Progress, Span, run_blocks, seeded_blocks
from trialwright.vocabulary.problems import ProblemsFound


class BackwardsExecutor(Executor):
    """Computes nothing until all is submitted, and then from the last to the first."""

    def __init__(self):
        self.waiting = []

    def submit(self, function, /, *arguments):
        future = Future()
        self.waiting.append((future, function, arguments))
        threading.Timer(0.05, self.compute).start()
        return future

    def compute(self):
        while self.waiting:
            future, function, arguments = self.waiting.pop()
            if future.set_running_or_notify_cancel():
                future.set_result(function(*arguments))


def log_of(folder):
    return sorted(int(path.name.split("-")[0]) for path in folder.iterdir())


@pytest.mark.parametrize(("before", "within"), [(None, 1), ("3", 3)])
def test_tables_of_new_processes_keep_to_one_thread_each_unless_told_otherwise(before, within, monkeypatch):
    monkeypatch.delenv("POLARS_MAX_THREADS", raising=False)
    if before:
        monkeypatch.setenv("POLARS_MAX_THREADS", before)
    frames = run_blocks(block_functions.table_threads, [1, 2], workers=2)
    assert [frame.item() for frame in frames] == [within, within]
    assert os.environ.get("POLARS_MAX_THREADS") == before


@pytest.fixture
def log(tmp_path):
    folder = tmp_path / "log"
    folder.mkdir()
    return folder


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "kept" / "blocks"


def numbered(log, n=4, **does):
    return [Logged(i, str(log), does.get(f"b{i}", "")) for i in range(n)]


def squares(frames):
    return [frame["square"].item() for frame in frames]


# Seeds


@given(seed=st.integers(0, 2**40), total=st.integers(1, 500), size=st.integers(1, 100))
@settings(deadline=None)
def test_spans_cover_all_trials_once(seed, total, size):
    spans = seeded_blocks(seed, total, size=size)
    assert [n for span in spans for n in range(span.first, span.first + span.n)] == list(range(total))
    assert [span.number for span in spans] == list(range(len(spans)))
    assert all(span.n == size for span in spans[:-1])


def test_a_block_has_the_child_seed_that_its_number_spawns():
    assert np.random.SeedSequence(7).spawn(4)[3].spawn_key == (3,)
    check_value = 0xCBF43926  # of CRC-32: what it gives for these nine characters
    stream = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(3, check_value)))
    assert Span(7, 3, 30, 10).rng("123456789").random(5).tolist() == stream.random(5).tolist()


def test_streams_of_blocks_purposes_and_seeds_differ():
    firsts = {
        Span(seed, number, 0, 1).rng(purpose).random()
        for seed in (1, 2)
        for number in range(5)
        for purpose in ("entry", "event")
    }
    assert len(firsts) == 20


def test_more_trials_leave_the_first_blocks_as_they_are():
    few, many = (run_blocks(draw, seeded_blocks(5, total, size=10)) for total in (20, 50))
    assert_frame_equal(pl.concat(few), pl.concat(many[:2]))


@pytest.mark.parametrize(
    ("seed", "total", "size", "message"),
    [
        pytest.param(-1, 1, 1, "`seed` must be at least 0, not -1", id="negative seed"),
        pytest.param(0, 0, 1, "`total` must be at least 1, not 0", id="no trial"),
        pytest.param(0, 1, 0, "`size` must be at least 1, not 0", id="empty blocks"),
    ],
)
def test_numbers_below_their_least_are_refused(seed, total, size, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        seeded_blocks(seed, total, size=size)


# The same result everywhere


def test_one_worker_two_workers_threads_and_backwards_give_the_same():
    spans = seeded_blocks(3, 45, size=10)
    expected = pl.concat(run_blocks(draw, spans))
    assert expected["block"].to_list() == [0] * 10 + [1] * 10 + [2] * 10 + [3] * 10 + [4] * 5
    with ThreadPoolExecutor(3) as threads:
        for how in ({"workers": 2}, {"executor": threads}, {"executor": BackwardsExecutor()}):
            assert_frame_equal(pl.concat(run_blocks(draw, spans, **how)), expected)


@pytest.mark.peers
def test_a_local_dask_cluster_gives_the_same(tmp_path):
    from distributed import Client, LocalCluster

    spans = seeded_blocks(3, 45, size=10)
    expected = pl.concat(run_blocks(draw, spans))
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        executor = client.get_executor()
        first = run_blocks(draw, spans, executor=executor, folder=tmp_path)
        again = run_blocks(draw, spans, executor=executor, folder=tmp_path)
    assert_frame_equal(pl.concat(first), expected)
    assert_frame_equal(pl.concat(again), expected)
    assert len(list(tmp_path.iterdir())) == len(spans)


def test_the_package_does_not_import_dask():
    package = Path(blocks.__file__).parents[1]
    assert not [path for path in package.rglob("*.py") if "import distributed" in path.read_text("utf-8")]
    assert not [path for path in package.rglob("*.py") if "import dask" in path.read_text("utf-8")]


def test_no_block_gives_no_frame(kept):
    assert run_blocks(draw, [], folder=kept) == []


# Kept blocks


def test_kept_blocks_are_not_computed_again(log, kept):
    first = run_blocks(logged, numbered(log), folder=kept)
    again = run_blocks(logged, numbered(log), folder=kept)
    assert squares(first) == squares(again) == [0, 1, 4, 9]
    assert log_of(log) == [0, 1, 2, 3]
    run_blocks(logged, numbered(log, 6), folder=kept)
    assert log_of(log) == [0, 1, 2, 3, 4, 5]


def test_without_a_folder_nothing_is_kept(log, tmp_path):
    for _ in range(2):
        run_blocks(logged, numbered(log, 2))
    assert log_of(log) == [0, 0, 1, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_another_function_or_library_computes_anew(log, kept, monkeypatch):
    block = numbered(log, 1)
    run_blocks(logged, block, folder=kept)
    run_blocks(block_functions.wait_long, block, folder=kept)
    assert len(list(kept.iterdir())) == 2
    monkeypatch.setattr(blocks, "version", lambda name: "0.0")
    blocks._code_of.cache_clear()
    run_blocks(logged, block, folder=kept)
    blocks._code_of.cache_clear()
    assert len(list(kept.iterdir())) == 3


def test_a_change_of_any_source_changes_the_code(tmp_path, monkeypatch):
    module = tmp_path / "design" / "blocks.py"
    module.parent.mkdir()
    (rules := tmp_path / "rules.lark").write_text("a", encoding="utf-8")
    monkeypatch.setattr(blocks, "__file__", str(module))
    codes = set()
    for text in ("a", "b"):
        rules.write_text(text, encoding="utf-8")
        blocks._code_of.cache_clear()
        codes.add(blocks._code_of(draw))
    blocks._code_of.cache_clear()
    assert len(codes) == 2


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda held: held[:-20], id="cut off"),
        pytest.param(lambda held: b"", id="empty"),
        pytest.param(lambda held: held[:-30] + bytes([held[-30] ^ 1]) + held[-29:], id="one bit changed"),
        pytest.param(lambda held: bytes([held[0] ^ 1]) + held[1:], id="digest changed"),
    ],
)
def test_a_damaged_block_is_computed_anew(log, kept, damage):
    run_blocks(logged, numbered(log, 2), folder=kept)
    for path in kept.iterdir():
        path.write_bytes(damage(path.read_bytes()))
    assert squares(run_blocks(logged, numbered(log, 2), folder=kept)) == [0, 1]
    assert log_of(log) == [0, 0, 1, 1]


def test_a_frame_comes_back_as_it_was(kept):
    spans = seeded_blocks(1, 30, size=10)
    first, again = (pl.concat(run_blocks(draw, spans, folder=kept)) for _ in range(2))
    assert_frame_equal(first, again)


def test_a_folder_that_cannot_be_written_is_told(log, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ProblemsFound, match="unwritable-file"):
        run_blocks(logged, numbered(log, 1), folder=tmp_path / "file")
    assert log_of(log) == []


def test_a_block_that_cannot_be_written_is_told_and_leaves_nothing(log, kept):
    path = blocks._path_of(kept, logged, numbered(log, 1)[0])
    (path / "in the way").mkdir(parents=True)
    with pytest.raises(ProblemsFound, match="unwritable-file"):
        blocks._keep(pl.DataFrame({"a": [1]}), path)
    assert list(kept.iterdir()) == [path]


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True)
class Plain:
    number: float = 1.5
    names: tuple[str, ...] = ("a", "b")
    colour: Colour = Colour.RED
    day: dt.date = dt.date(2026, 1, 31)
    path: Path = Path("a")
    content: bytes = b"a"
    shares: tuple[tuple[str, float], ...] = (("a", 0.5),)
    known: bool | None = None


@dataclass(frozen=True)
class OtherPlain(Plain):
    pass


def test_blocks_that_differ_in_anything_have_other_names():
    plain = Plain()
    others = [
        replace(plain, number=np.nextafter(1.5, 2)),
        replace(plain, number=1.0),
        replace(plain, names=("ab",)),
        replace(plain, names=("b", "a")),
        replace(plain, colour=Colour.BLUE),
        replace(plain, day=dt.date(2026, 2, 1)),
        replace(plain, path=Path("b")),
        replace(plain, path="a"),
        replace(plain, day="2026-01-31"),
        replace(plain, content=b"b"),
        replace(plain, shares=(("a", 0.25),)),
        replace(plain, known=False),
        OtherPlain(),
        {"a": 1},
        {"a": 2},
        {1: 2},
        ["a", 1],
        float("inf"),
        1,
        1.0,
        "1",
    ]
    names = {blocks._path_of(Path(), draw, block) for block in [plain, *others]}
    assert len(names) == 1 + len(others)
    assert blocks._path_of(Path(), draw, Plain()) in names


@pytest.mark.parametrize(
    ("block", "where"),
    [
        pytest.param(np.arange(3), "`block` must be plain data.* not ndarray", id="array"),
        pytest.param([1, {2, 3}], r"`block\[1\]` must be plain data.* not set", id="set in a list"),
        pytest.param(
            replace(Plain(), shares=object()), r"`block\.shares` must be plain data.* not object", id="object"
        ),
    ],
)
def test_what_could_be_mistaken_is_refused(block, where, kept):
    with pytest.raises(TypeError, match=where):
        run_blocks(draw, [block], folder=kept)


# Failures and interruptions


def test_a_worker_that_dies_ends_the_run_and_keeps_the_finished_blocks(log, kept):
    with pytest.raises(BrokenProcessPool) as failure:
        run_blocks(logged, numbered(log, 3, b2="die"), workers=2, folder=kept)
    assert "a worker process ended by itself" in failure.value.__notes__[-1]
    assert len(list(kept.iterdir())) == len(list(kept.glob("*.block"))) <= 2


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor(1)])
def test_a_failure_tells_its_block_and_keeps_the_finished_ones(log, kept, executor):
    with pytest.raises(ArithmeticError, match="cannot be squared") as failure:
        run_blocks(logged, numbered(log, 3, b2="fail"), executor=executor, folder=kept)
    assert "in block 3 of 3" in failure.value.__notes__
    assert squares(run_blocks(logged, numbered(log, 2), folder=kept)) == [0, 1]
    assert log_of(log) == [0, 1, 2]


def test_an_interruption_keeps_what_is_finished_and_the_next_run_goes_on(log, kept):
    with pytest.raises(KeyboardInterrupt):
        run_blocks(logged, numbered(log, 4, b2="interrupt"), folder=kept)
    seen = []
    # The block that interrupted differs from the one that does not: 0 and 1 are kept, 2 and 3 are computed.
    frames = run_blocks(logged, numbered(log, 4), folder=kept, on_progress=seen.append)
    assert squares(frames) == [0, 1, 4, 9]
    assert log_of(log) == [0, 1, 2, 2, 3]
    assert (seen[0].done, seen[0].resumed, seen[-1].done) == (2, 2, 4)


class PausedExecutor(Executor):
    """Computes the first block, has begun the second, which ends when one of the others is cancelled."""

    def __init__(self):
        self.futures = []

    def submit(self, function, /, *arguments):
        future, number = Future(), len(self.futures)
        self.futures.append(future)
        if number < 2:
            future.set_running_or_notify_cancel()
        if number == 0:
            future.set_result(function(*arguments))
        if number == 1:
            self.end_second = lambda: future.done() or future.set_result(function(*arguments))
        if number > 1:
            future.add_done_callback(lambda _: self.end_second())
        return future


def test_on_an_executor_blocks_that_have_begun_are_kept_and_others_not_begun(log, kept):
    def interrupt(progress):
        if progress.done == 1:
            raise KeyboardInterrupt

    executor = PausedExecutor()
    with pytest.raises(KeyboardInterrupt):
        run_blocks(logged, numbered(log, 5), executor=executor, folder=kept, on_progress=interrupt)
    assert log_of(log) == [0, 1]
    assert len(list(kept.iterdir())) == 2
    assert [future.cancelled() for future in executor.futures] == [False, False, True, True, True]


RUN = """
    import signal
    import sys
    from pathlib import Path
    from tests.design.block_functions import Logged, wait_long
    from trialwright.design.blocks import run_blocks

    if __name__ == "__main__":
        log, kept = sys.argv[1:]
        signal.signal(signal.SIGINT, signal.default_int_handler)  # also where what runs the tests ignores it
        run_blocks(wait_long, [Logged(i, log) for i in range(30)], workers=2, folder=Path(kept))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("end", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGKILL])
def test_an_ended_program_keeps_finished_blocks_and_leaves_no_worker(tmp_path, log, kept, end):
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(RUN), encoding="utf-8")
    root = Path(__file__).parents[2]
    running = subprocess.Popen(
        [sys.executable, script, log, kept],
        env=os.environ | {"PYTHONPATH": str(root)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: kept.exists() and len(list(kept.glob("*.block"))) == 3)
    if end == signal.SIGINT:
        os.killpg(running.pid, end)  # as a terminal does
        time.sleep(3)  # in which it hears of it, before the blocks that have begun may end
        (log / "go on").touch()
    else:
        running.send_signal(end)
    assert running.wait(120) != 0
    wait_until(lambda: not is_alive(running.pid))
    assert not list(kept.glob("*.unfinished"))
    finished = sorted(blocks._read_kept(path)["square"].item() for path in kept.glob("*.block"))
    if end == signal.SIGINT:
        assert finished[:5] == [0, 1, 4, 9, 16]  # the last two had begun
        assert len(finished) < 30
    else:
        assert finished == [0, 1, 4]


def wait_until(holds, seconds=120):
    for _ in range(seconds * 50):
        if holds():
            return
        time.sleep(0.02)
    raise TimeoutError


def is_alive(group):
    """Whether any process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("function", "how", "message"),
    [
        pytest.param(lambda block: block, {}, "must be a function of a module", id="lambda"),
        pytest.param(partial(draw), {}, "must be a function of a module", id="partial"),
        pytest.param(draw, {"workers": 0}, "`workers` must be at least 1, not 0", id="no worker"),
        pytest.param(
            draw,
            {"workers": 2, "executor": BackwardsExecutor()},
            "`workers` must not be given with an `executor`",
            id="both",
        ),
    ],
)
def test_calls_that_cannot_be_meant_are_refused(function, how, message):
    with pytest.raises(ValueError, match=message):
        run_blocks(function, seeded_blocks(1, 10, size=5), **how)


# Progress


def test_progress_counts_units_and_what_was_resumed(kept):
    spans = seeded_blocks(1, 25, size=10)
    run_blocks(draw, spans[:1], folder=kept)
    seen = []
    run_blocks(draw, spans, folder=kept, count=lambda span: span.n, on_progress=seen.append)
    assert [(p.done, p.total, p.resumed) for p in seen] == [(10, 25, 10), (20, 25, 10), (25, 25, 10)]
    assert seen[0].rate is None
    assert seen[-1].seconds_left == 0


@pytest.mark.parametrize(
    ("progress", "rate", "left", "line"),
    [
        pytest.param(Progress(0, 9000, 0, 0.0), None, None, "0 of 9,000 trials", id="nothing yet"),
        pytest.param(
            Progress(3000, 9000, 1000, 4.0),
            500.0,
            12.0,
            "3,000 of 9,000 trials, 1,000 kept from before, 500 a second, 0:12 left",
            id="what was kept says nothing about the rate",
        ),
        pytest.param(
            Progress(5, 905, 0, 4.0), 1.25, 720.0, "5 of 905 trials, 1.2 a second, 12:00 left", id="slow"
        ),
        pytest.param(
            Progress(9000, 9000, 9000, 0.0),
            None,
            0.0,
            "9,000 of 9,000 trials, 9,000 kept from before",
            id="all",
        ),
    ],
)
def test_rate_and_time_left(progress, rate, left, line):
    assert progress.rate == rate
    assert progress.seconds_left == left
    assert progress_line(progress, "trials") == line


def test_progress_is_silent_where_nobody_watches(capsys):
    with progress_shown("trials") as show:
        run_blocks(draw, seeded_blocks(1, 20, size=10), on_progress=show)
    assert capsys.readouterr() == ("", "")


def test_progress_is_shown_on_standard_error_to_who_watches(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress_shown("trials") as show:
        run_blocks(draw, seeded_blocks(1, 20, size=10), count=lambda span: span.n, on_progress=show)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "20 of 20 trials" in shown.err
