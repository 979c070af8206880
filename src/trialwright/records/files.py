"""Files of records: one dataset a file, in the format its ending tells; written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import polars as pl

from trialwright.records.csv_tables import csv_bytes, read_csv_dataset
from trialwright.records.dataset import Dataset
from trialwright.records.dataset_json import dataset_json_bytes, dataset_ndjson_bytes, read_dataset_json
from trialwright.records.parquet import parquet_bytes, read_parquet
from trialwright.records.sdtm import as_sdtm, domains, make_dataset
from trialwright.records.table_threads import on_table_threads
from trialwright.records.xpt import read_xpt, xpt_bytes
from trialwright.vocabulary.documents import refusal
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound, Severity

SHORT_NAMES = MappingProxyType({"SIMULATED": "SIMULFL"})
"""What a transport file, whose names have 8 characters, calls a variable of the catalogue."""


class Format(StrEnum):
    """The formats of datasets, by the ending of their files."""

    PARQUET = "parquet"
    CSV = "csv"
    XPT = "xpt"
    JSON = "json"
    NDJSON = "ndjson"


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The datasets of a study by domain, and what looks doubtful in them."""

    datasets: Mapping[str, Dataset]
    warnings: tuple[Problem, ...] = ()
    tables: Mapping[str, pl.DataFrame] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        tables = {name: dataset.table for name, dataset in self.datasets.items()}
        object.__setattr__(self, "tables", MappingProxyType(tables))


def read_dataset(path: Path, *, encoding: str = "utf-8") -> Dataset:
    """Read one SDTM dataset into the typed table of its domain.

    Parameters
    ----------
    path : Path
        `.parquet`, `.csv`, `.xpt`, `.json` or `.ndjson`. CSV files are called as the dataset is: `lb.csv`.
    encoding : str
        Of the texts of an XPT file, which does not tell.

    Raises
    ------
    ProblemsFound
        With every problem of the file that was found before reading stopped. A file is read whole or not at all.
    """
    match _format_of(path):
        case Format.PARQUET:
            return as_sdtm(read_parquet(path))
        case Format.XPT:
            return as_sdtm(
                _renamed(read_xpt(path, encoding=encoding), {v: k for k, v in SHORT_NAMES.items()})
            )
        case Format.CSV:
            dataset, locate = read_csv_dataset(path)
            return as_sdtm(dataset, locate=locate, is_untyped=True)
        case Format.JSON | Format.NDJSON:
            dataset, locate = read_dataset_json(path)
            return as_sdtm(dataset, locate=locate)


@on_table_threads
def read_records(folder: Path, *, encoding: str = "utf-8") -> Records:
    """Read every dataset of a folder. Datasets of other domains are left out, with a warning; other files are not read.

    Raises
    ------
    ProblemsFound
        With the problems of all files; `no-datasets`, `duplicate-dataset`.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower()[1:] in set(Format))
    except OSError as error:
        raise refusal("unreadable-file", f"cannot be read: {error.strerror}", Place(str(folder))) from error
    datasets: dict[str, Dataset] = {}
    problems: list[Problem] = []
    for path in paths:
        try:
            dataset = read_dataset(path, encoding=encoding)
        except ProblemsFound as found:
            problems += found.problems
            continue
        first = datasets.setdefault(dataset.name, dataset)
        if first is not dataset:
            message = f"`{dataset.name}` stands in `{first.file}` too; expected one file for each dataset"
            problems.append(Problem("duplicate-dataset", message, Place(path.name)))
        problems += dataset.warnings
    problems = [_left_out(problem) if problem.code == "unknown-dataset" else problem for problem in problems]
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise ProblemsFound(problems)
    if not datasets:
        endings = ", ".join(f".{one}" for one in Format)
        raise refusal("no-datasets", f"there is no dataset in it ({endings})", Place(str(folder)))
    ordered = {name: datasets[name] for name in domains() if name in datasets}
    return Records(MappingProxyType(ordered), tuple(problems))


def _left_out(problem: Problem) -> Problem:
    return Problem(
        "unknown-dataset", f"{problem.message}; it is left out", problem.place, problem.field, problem.fix,
        Severity.WARNING,
    )  # fmt: skip


def write_dataset(dataset: Dataset, path: Path, *, created: datetime | None = None) -> None:
    """Write one dataset in the format of the path's ending. The file appears when it is complete.

    Parameters
    ----------
    dataset : Dataset
    path : Path
        An existing file is replaced.
    created : datetime, optional
        The moment of writing that XPT and JSON tell; without it 1 January 1960, so that the same dataset gives the same
        bytes.

    Raises
    ------
    ProblemsFound
        With everything the format cannot hold; `unwritable-file`.
    """
    _move_in({path: _bytes_of(dataset, _format_of(path), created)})


def write_records(
    tables: Mapping[str, pl.DataFrame], folder: Path, form: Format, *, created: datetime | None = None
) -> None:
    """Write typed tables by domain, a file each (`lb.xpt`), into an existing folder: all of them or none.

    Raises
    ------
    ProblemsFound
        With everything that the format cannot hold, of all tables; `unwritable-file`. Nothing is written then.
    """
    datasets: list[Dataset] = []
    problems: list[Problem] = []
    for name, table in tables.items():
        try:
            datasets.append(make_dataset(table, name))
        except ProblemsFound as found:
            problems += found.problems
    if problems:
        raise ProblemsFound(problems)
    write_datasets(datasets, folder, form, created=created)


def write_datasets(
    datasets: Iterable[Dataset],
    folder: Path,
    form: Format,
    *,
    created: datetime | None = None,
    beside: Mapping[str, bytes] = MappingProxyType({}),
) -> list[Path]:
    """Write datasets of any kind, a file each (`adtte.csv`), into an existing folder: all of them or none.

    Parameters
    ----------
    datasets : iterable of Dataset
    folder : Path
    form : Format
    created : datetime, optional
        As for `write_dataset`.
    beside : mapping of str to bytes
        Other files that belong to them, by name.

    Returns
    -------
    files : list of Path

    Raises
    ------
    ProblemsFound
        As `write_records` does.
    """
    contents: dict[Path, bytes] = {}
    problems: list[Problem] = []
    for dataset in datasets:
        try:
            types = dataset.table.schema
            contents[folder / f"{dataset.name.lower()}.{form}"] = _bytes_of(dataset, form, created, types)
        except ProblemsFound as found:
            problems += found.problems
    if problems:
        raise ProblemsFound(problems)
    contents |= {folder / name: content for name, content in beside.items()}
    _move_in(contents)
    return list(contents)


def _format_of(path: Path) -> Format:
    try:
        return Format(path.suffix.lower()[1:])
    except ValueError:
        endings = ", ".join(f".{one}" for one in Format)
        raise refusal(
            "unknown-file-type",
            f"the name of a dataset's file must end in one of {endings}",
            Place(str(path)),
        ) from None


def _bytes_of(
    dataset: Dataset, form: Format, created: datetime | None, otherwise: pl.Schema | None = None
) -> bytes:
    """The bytes of a file; `otherwise` are the types of a dataset that is no domain of the catalogue."""
    domain = domains().get(dataset.name)
    types = domain.schema if domain else otherwise
    write: Mapping[Format, Callable[[], bytes]] = {
        Format.PARQUET: lambda: parquet_bytes(dataset),
        Format.CSV: lambda: csv_bytes(dataset, types=types),
        Format.XPT: lambda: xpt_bytes(_renamed(dataset, SHORT_NAMES), created=created),
        Format.JSON: lambda: dataset_json_bytes(dataset, created=created),
        Format.NDJSON: lambda: dataset_ndjson_bytes(dataset, created=created),
    }
    return write[form]()


def _renamed(dataset: Dataset, names: Mapping[str, str]) -> Dataset:
    """The dataset with other names for some of its variables."""
    here = {old: new for old, new in names.items() if old in dataset.table.columns}
    if not here:
        return dataset
    return replace(
        dataset,
        table=dataset.table.rename(here),
        labels=MappingProxyType({here.get(name, name): label for name, label in dataset.labels.items()}),
        keys=tuple(here.get(key, key) for key in dataset.keys),
    )


def _move_in(contents: Mapping[Path, bytes]) -> None:
    """Write all files beside their places, then move each into its own."""
    if not contents:
        return
    folder = next(iter(contents)).parent
    try:
        with TemporaryDirectory(prefix=".writing-", dir=folder) as beside:
            for path, content in contents.items():
                (Path(beside) / path.name).write_bytes(content)
            for path in contents:
                (Path(beside) / path.name).replace(path)
    except OSError as error:
        raise refusal(
            "unwritable-file", f"cannot be written: {error.strerror}", Place(str(folder))
        ) from error
