"""Datasets as Parquet: types, nulls and texts as they are; name, labels and keys in the metadata of the file."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from types import MappingProxyType

import polars as pl
from pydantic import BaseModel, ValidationError

from trialwright.records.dataset import Dataset, Findings, read_bytes, refuse_unwritable
from trialwright.vocabulary.documents import refusal
from trialwright.vocabulary.problems import Place

_KEY = "trialwright"
_MAGIC = b"PAR1"


def read_parquet(path: Path) -> Dataset:
    """Read a dataset; a file of others is called as the dataset is (`lb.parquet`).

    Raises
    ------
    ProblemsFound
        `unreadable-file`, `not-parquet`.
    """
    content = read_bytes(path)
    if not (content.startswith(_MAGIC) and content.endswith(_MAGIC)):
        what = "it ends too early" if content.startswith(_MAGIC) else "it does not begin as one"
        raise refusal("not-parquet", f"this is no Parquet file: {what}", Place(path.name))
    try:
        table = pl.read_parquet(io.BytesIO(content), use_pyarrow=False)
        told = pl.read_parquet_metadata(io.BytesIO(content)).get(_KEY, "{}")
    except (
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
        OSError,
        ValueError,
        OverflowError,
    ) as error:
        raise refusal("not-parquet", "this Parquet file is damaged", Place(path.name)) from error
    about = _read_about(told, path)
    return Dataset(
        name=about.name or path.stem.upper(),
        table=table,
        label=about.label,
        labels=MappingProxyType(about.labels),
        keys=about.keys,
        study=about.study,
        file=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
    )


class _About(BaseModel):
    """What the metadata of a file of ours tell."""

    name: str = ""
    label: str = ""
    labels: dict[str, str] = {}
    keys: tuple[str, ...] = ()
    study: str = ""


def _read_about(told: str, path: Path) -> _About:
    try:
        return _About.model_validate_json(told)
    except ValidationError as error:
        raise refusal(
            "not-parquet", "the metadata of this Parquet file are damaged", Place(path.name)
        ) from error


def parquet_bytes(dataset: Dataset) -> bytes:
    """The dataset as the bytes of a file.

    Raises
    ------
    ProblemsFound
        `wrong-type`, `empty-text`, `not-a-number`.
    """
    found = Findings(dataset.file or dataset.name, dataset.name)
    refuse_unwritable(dataset, found)
    found.raise_errors()
    about = _About(
        name=dataset.name,
        label=dataset.label,
        labels=dict(dataset.labels),
        keys=dataset.keys,
        study=dataset.study,
    )
    file = io.BytesIO()
    dataset.table.write_parquet(file, metadata={_KEY: about.model_dump_json()})
    return file.getvalue()
