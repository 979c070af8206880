"""A rehearsal on disk: its page and its results, all or none."""

from __future__ import annotations

from pathlib import Path

from trialwright.design.rehearsal.rehearse import Rehearsal
from trialwright.reports.rehearsal_page import build_rehearsal_page
from trialwright.reports.text import render_page_text
from trialwright.reports.writing import refuse_unwritable, render_files, write_together

FILES = ("rehearsal.html", "rehearsal.pdf", "results.json", "results.parquet")
"""What a folder of a rehearsal holds."""
WORK = ".blocks"
"""The folder in it with finished blocks of virtual trials, while they run."""


def check_rehearsal_folder(out: Path) -> None:
    """Refuse a folder that cannot take the files, before any work is done.

    Raises
    ------
    ProblemsFound
        `unwritable-folder`.
    """
    refuse_unwritable(out, FILES)


def write_rehearsal(rehearsal: Rehearsal, out: Path) -> tuple[Path, ...]:
    """Write page and results to the folder `out`, made if need be; nothing is there before everything is ready.

    Raises
    ------
    ProblemsFound
        `unwritable-folder`.
    """
    contents = render_files(build_rehearsal_page(rehearsal), rehearsal.loaded, rehearsal.results, FILES)
    return write_together(out, contents)


def render_rehearsal_text(rehearsal: Rehearsal, *, width: int) -> str:
    """The page for a terminal; figures are told in words."""
    return render_page_text(build_rehearsal_page(rehearsal), width=width)
