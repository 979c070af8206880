"""From a protocol and the records of a trial to a document of the data monitoring board on disk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from trialwright.analysis.looks import holds_datasets, log_look, tell_disclosure
from trialwright.analysis.results import Results
from trialwright.analysis.safety_board import CLOSED, OPEN, analyse_board
from trialwright.protocol.loading import LoadedProtocol
from trialwright.reports.dsmb_page import build_board_page
from trialwright.reports.writing import (
    Progress,
    dataset_files,
    look_request,
    refuse_unwritable,
    render_files,
    write_together,
)
from trialwright.vocabulary.problems import Problem


@dataclass(frozen=True, slots=True)
class WrittenBoard:
    """The files of a document of the board, its results, and what a reader must be told beside them."""

    files: tuple[Path, ...]
    results: Results
    warnings: tuple[Problem, ...]


def write_board_document(
    loaded: LoadedProtocol,
    out: Path,
    *,
    data: Path,
    cut: date,
    is_closed: bool = False,
    look: str | None = None,
    progress: Progress,
) -> WrittenBoard:
    """Write the open document to the folder `out/open`, or the closed one to `out/closed`.

    Parameters
    ----------
    loaded : LoadedProtocol
    out : Path
        Made if need be; nothing is written there before everything is ready.
    data : Path
        Folder with the datasets of SDTM.
    cut : date
        What happened after this day does not exist.
    is_closed : bool
        By group, with the analysis datasets beside it. The open document of a trial with groups has no datasets: they tell
        who is in which.
    look : str, optional
        Why the groups are compared for efficacy before the final cut; logged beside `out`.
    progress : callable
        Told what is being done.

    Raises
    ------
    ProblemsFound
        As `analyse_board`, and where files cannot be written.
    """
    kind = CLOSED if is_closed else OPEN
    folder = out / kind
    names = (f"dsmb-{kind}.html", f"dsmb-{kind}.pdf", f"results-{kind}.json", f"results-{kind}.parquet")
    refuse_unwritable(folder, names)
    asked = look_request(out, look)
    board = analyse_board(loaded, data, cut=cut, is_closed=is_closed, look=asked, progress=progress)
    progress("rendering the page")
    contents = render_files(build_board_page(board), loaded, board.results, names)
    if holds_datasets(loaded.protocol, is_by_group=is_closed):
        contents |= dataset_files(board.data.tables, board.study)
    if asked and board.disclosure.look:
        log_look(asked.log, board.disclosure.look)
    files = write_together(folder, contents)
    told = (*board.problems, *tell_disclosure(board.disclosure, asked))
    return WrittenBoard(files, board.results, told)
