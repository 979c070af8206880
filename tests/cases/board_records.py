"""Records of small virtual trials for documents of the board, as files; also as if their patients were real."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol
from trialwright.records.files import Format, write_records

TRIALS = {"nct04294498": (14, 115), "nct07120750": (18, 1)}
"""Subjects and seed: few, and most kinds of things happen."""
EARLY = {"nct04294498": "2027-04-01", "nct07120750": "2027-03-24"}
"""About twelve months after the first enrolment."""
LATE = "2031-12-31"
"""After everything."""
BEFORE = {"nct04294498": "2026-03-20", "nct07120750": "2026-04-05"}
"""When nobody was treated yet, and somebody had consented."""
FIRST = {"nct04294498": "2026-04-01", "nct07120750": "2026-04-20"}
"""When one patient was treated."""


@cache
def records_of(trial: str, *, is_real: bool = False, subjects: int | None = None) -> Path:
    """A folder of SDTM records; `is_real` leaves out what says that they are simulated."""
    folder = Path(tempfile.mkdtemp(prefix="trialwright-board-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    n, seed = TRIALS[trial]
    tables = simulate(load_protocol(trial), seed=seed, subjects=subjects or n).tables
    if is_real:
        tables = {name: table.drop("SIMULATED", strict=False) for name, table in tables.items()}
    write_records(tables, folder, Format.PARQUET)
    return folder
