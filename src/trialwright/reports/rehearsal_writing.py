"""A rehearsal on disk: its page and its results, all or none."""

from __future__ import annotations

from pathlib import Path

from trialwright.design.rehearsal.rehearse import Rehearsal
from trialwright.reports.rehearsal_page import build_rehearsal_page
from trialwright.reports.text import render_page_text
from trialwright.reports.writing import render_files, write_after_blocks

FILES = ("rehearsal.html", "rehearsal.pdf", "results.json", "results.parquet")
"""What a folder of a rehearsal holds."""


def write_rehearsal(rehearsal: Rehearsal, out: Path) -> tuple[Path, ...]:
    """Write page and results to the folder `out`, made if need be; nothing is there before everything is ready.

    Raises
    ------
    ProblemsFound
        `unwritable-folder`.
    """
    contents = render_files(build_rehearsal_page(rehearsal), rehearsal.loaded, rehearsal.results, FILES)
    return write_after_blocks(out, contents)


def render_rehearsal_text(rehearsal: Rehearsal) -> str:
    """The page for a terminal; figures are told in words."""
    return render_page_text(build_rehearsal_page(rehearsal))
