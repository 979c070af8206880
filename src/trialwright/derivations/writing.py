"""Analysis datasets as files, and what they were made from. All of them or none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from trialwright.derivations.datasets import LABELS, derive_datasets
from trialwright.derivations.study import SUBJECT, Study, make_study, why_no_key
from trialwright.protocol.loading import LoadedProtocol, hash_protocol, hash_sections
from trialwright.records.dataset import Dataset
from trialwright.records.files import Format, Records, read_records, write_datasets
from trialwright.records.parquet import parquet_bytes
from trialwright.vocabulary.documents import refusal
from trialwright.vocabulary.problems import Place, Problem

ABOUT = "derivation.json"


@dataclass(frozen=True, slots=True)
class Written:
    """The files of a derivation, how many subjects they hold, and what was doubtful or left out."""

    files: tuple[Path, ...]
    n_subjects: int
    problems: tuple[Problem, ...]


def write_derivation(
    loaded: LoadedProtocol,
    data: Path,
    out: Path,
    *,
    cut: date | None = None,
    keys: Sequence[str] = (),
    form: Format = Format.PARQUET,
    progress: Callable[[str], None] = lambda _: None,
) -> Written:
    """Derive all analysis datasets from the records of a folder and write them into another.

    Parameters
    ----------
    loaded : LoadedProtocol
    data : Path
        Folder with the datasets of SDTM.
    out : Path
        Made if need be.
    cut : date, optional
        What happened after this day does not exist.
    keys : sequence of str
        Columns that tell studies apart which lie in the same tables.
    form : Format
    progress : callable
        Told what is being done.

    Raises
    ------
    ProblemsFound
        Where the records cannot be read or leave no way to derive a dataset; `unwritable-file`. Nothing is written then.
    """
    progress("reading the records")
    records, study = read_study(loaded, data, keys=keys, cut=cut)
    read, warnings = _about_records(records), records.warnings
    del records  # what was read takes as much memory as what is derived from it
    made = derive_datasets(study, progress=lambda name: progress(f"deriving {name}"))
    problems = (*warnings, *made.problems)
    progress("writing")
    tables = {name: {"label": LABELS[name], "rows": table.height} for name, table in made.tables.items()}
    told = [str(problem) for problem in problems]
    about = {**_about(study), "records": read, "datasets": tables, "problems": told}
    text = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refusal("unwritable-file", f"cannot be made: {error.strerror}", Place(str(out))) from error
    files = write_datasets(_datasets(made.tables, study), out, form, beside={ABOUT: text.encode()})
    return Written(tuple(files), study.subjects.height, problems)


def read_study(
    loaded: LoadedProtocol, folder: Path, *, keys: Sequence[str] = (), cut: date | None = None
) -> tuple[Records, Study]:
    """The records of a folder as they are, and readied for derivation; arguments and errors as in `write_derivation`."""
    records = read_records(folder)
    _check_keys(records, keys, folder)
    return records, make_study(loaded, records.tables, keys=keys, cut=cut)


def _check_keys(records: Records, keys: Sequence[str], data: Path) -> None:
    if unfit := why_no_key(keys):
        raise refusal("unfit-key", unfit, Place(str(data)))
    for key in keys:
        lacking = [name for name, table in records.tables.items() if key not in table.columns]
        if lacking:
            message = f"`{key}` is to tell studies apart, and {', '.join(lacking)} {'has' if len(lacking) == 1 else 'have'} no such column"
            raise refusal("missing-variable", message, Place(str(data)))
    if "DM" not in records.tables:
        message = "there is no DM: nobody knows whose the records are"
        raise refusal("missing-domain", message, Place(str(data)))


def dataset_bytes(tables: Mapping[str, pl.DataFrame], study: Study) -> Iterator[tuple[str, bytes]]:
    """The name and the Parquet file of each derived table."""
    for dataset in _datasets(tables, study):
        yield dataset.name, parquet_bytes(dataset)


def _datasets(tables: Mapping[str, pl.DataFrame], study: Study) -> Iterator[Dataset]:
    """Derived tables as datasets are written: without our number of subjects, dates as text, whole numbers alike, and
    with `SIMULATED` in every row where patients are virtual."""
    columns = [
        pl.selectors.date().dt.to_string("%Y-%m-%d"),
        pl.selectors.integer().cast(pl.Int64),
        pl.selectors.float().cast(pl.Float64),
    ]
    if study.is_simulated:
        columns.append(pl.lit("Y").alias("SIMULATED"))
    for name, table in tables.items():
        plain = table.drop(SUBJECT).with_columns(columns)
        yield Dataset(
            name=name, table=plain, label=LABELS[name], keys=study.identity, study=study.protocol.study.id
        )


def _about(study: Study) -> dict[str, Any]:
    """What the datasets were made with: enough, with the records, to make them again."""
    return {
        "study": study.protocol.study.id,
        "simulated": study.is_simulated,
        "cut": study.cut.isoformat() if study.cut else None,
        "keys": list(study.keys),
        "program": f"trialwright {version('trialwright')}",
        "protocol_sha256": hash_protocol(study.protocol),
        "sections_sha256": hash_sections(study.protocol),
    }


def _about_records(records: Records) -> dict[str, Any]:
    """What the datasets were made from: enough to see that nothing else was used."""
    return {
        name: {"file": one.file, "rows": one.table.height, "sha256": one.sha256}
        for name, one in records.datasets.items()
    }
