"""Progress of computations that take long: a bar with rate and time left on standard error, for someone who watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trialwright.design.blocks import Progress


@contextmanager
def progress_shown(unit: str) -> Iterator[Callable[[Progress], None]]:
    """Show the progress of blocks, for `run_blocks(..., on_progress=...)`; nothing where standard error is no terminal.

    Parameters
    ----------
    unit : str
        What is counted, in the plural: `trials`.
    """
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (BarColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("")

        def show(progress: Progress) -> None:
            bar.update(
                task,
                description=progress_line(progress, unit),
                completed=progress.done,
                total=progress.total,
            )

        yield show


def progress_line(progress: Progress, unit: str) -> str:
    """How far, how fast and how long still, in one line."""
    parts = [f"{progress.done:,} of {progress.total:,} {unit}"]
    if progress.resumed:
        parts.append(f"{progress.resumed:,} kept from before")
    if progress.rate is not None:
        parts.append(f"{progress.rate:,.{0 if progress.rate >= 10 else 1}f} a second")
    if progress.seconds_left:
        minutes, seconds = divmod(round(progress.seconds_left), 60)
        parts.append(f"{minutes}:{seconds:02d} left")
    return ", ".join(parts)
