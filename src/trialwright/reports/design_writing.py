"""From a protocol to its design on disk: the audit, virtual trials, the running trial; its page and results, all or none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from trialwright.analysis.looks import log_look, tell_disclosure
from trialwright.design.assumptions import read_basis
from trialwright.design.audit import audit_design
from trialwright.design.blocks import Progress as Done
from trialwright.design.live import look_at_records
from trialwright.design.operating import Simulation, simulate_comparison
from trialwright.design.single_audit import SEED, TRIALS
from trialwright.protocol.loading import LoadedProtocol
from trialwright.reports.design_page import build_design_page
from trialwright.reports.text import render_page_text
from trialwright.reports.writing import (
    WORK,
    Progress,
    look_request,
    refuse_unwritable,
    render_files,
    write_after_blocks,
)
from trialwright.vocabulary.problems import Problem

FILES = ("design.html", "design.pdf", "results.json", "results.parquet")
"""What a folder of a design holds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked beside the audit.

    Attributes
    ----------
    trials : int or None
        Virtual trials under the design's assumptions and each scenario; None for none.
    seed, workers : int
        Of the virtual trials.
    data : Path or None
        Folder with the records of the running trial.
    cut : date or None
        The day at which they are looked at.
    look : str or None
        Why groups are compared before the final cut.
    """

    trials: int | None = None
    seed: int = SEED
    workers: int = 1
    data: Path | None = None
    cut: date | None = None
    look: str | None = None


@dataclass(frozen=True, slots=True)
class MadeDesign:
    """The files of a design, or its page as text where no folder was named; and what a reader must be told beside."""

    files: tuple[Path, ...]
    text: str
    warnings: tuple[Problem, ...]


def make_design(
    loaded: LoadedProtocol,
    out: Path | None,
    asked: Asked,
    *,
    on_progress: Callable[[Done], None] = lambda _: None,
    progress: Progress,
) -> MadeDesign:
    """Work out a design and write it to the folder `out`, or give its page as text.

    Parameters
    ----------
    loaded : LoadedProtocol
    out : Path or None
        Made if need be; nothing but unfinished blocks of virtual trials is there before everything is ready.
    asked : Asked
    on_progress : callable
        Told after each block of virtual trials.
    progress : callable
        Told what is being done.

    Raises
    ------
    ProblemsFound
        Those of `audit_design` and `look_at_records`, and where files cannot be written.
    """
    if out is not None:
        refuse_unwritable(out, FILES)
    basis = read_basis(loaded)
    request = look_request(out, asked.look) if out is not None else None
    so_far = None
    if asked.data is not None and asked.cut is not None:
        so_far = look_at_records(basis, asked.data, cut=asked.cut, look=request, progress=progress)
    further = []
    if asked.trials is not None and basis.is_comparison:
        progress("running virtual trials")
        work = out / WORK if out is not None else None
        further.append(
            simulate_comparison(basis, Simulation(asked.trials, asked.seed, asked.workers, work, on_progress))
        )
    progress("working out the design")
    audit = audit_design(
        loaded, trials=asked.trials or TRIALS, seed=asked.seed, further=further, so_far=so_far
    )
    page = build_design_page(audit)
    told = so_far.problems if so_far else ()
    disclosed = tell_disclosure(so_far.disclosure, request) if so_far else ()
    warnings = (*told, *audit.problems, *disclosed)
    if out is None:
        return MadeDesign((), render_page_text(page), warnings)
    progress("rendering the page")
    contents = render_files(page, loaded, audit.results, FILES)
    if request and so_far and so_far.disclosure.look:
        log_look(request.log, so_far.disclosure.look)
    return MadeDesign(write_after_blocks(out, contents), "", warnings)
