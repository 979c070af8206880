"""Reports of small virtual trials with their records beside them, written once for each process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from trialwright.analysis.from_records import analyse_records
from trialwright.derivations.writing import dataset_bytes
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol
from trialwright.records.files import Format, write_records


@cache
def written_report(trial: str, subjects: int, seed: int) -> Path:
    """A folder with `records` (SDTM), and with results and datasets as `trialwright report` lays them out."""
    folder = Path(tempfile.mkdtemp(prefix="trialwright-report-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "records").mkdir()
    (folder / "datasets").mkdir()
    loaded = load_protocol(trial)
    write_records(simulate(loaded, seed=seed, subjects=subjects).tables, folder / "records", Format.PARQUET)
    made = analyse_records(loaded, folder / "records")
    (folder / "results.json").write_text(made.results.to_json(), encoding="utf-8")
    for name, content in dataset_bytes(made.data.tables, made.study):
        (folder / "datasets" / f"{name.lower()}.parquet").write_bytes(content)
    return folder
