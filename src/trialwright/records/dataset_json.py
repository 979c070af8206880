"""CDISC Dataset-JSON 1.1, as one JSON document and as NDJSON (the metadata in the first line, then a record a line).

Dates are written as text, since they may be known to the month only. Of the metadata, names, labels, keys and types are
kept. Missing is null; an empty text, which the standard's own examples write for a missing one, is read as missing.

Reference: CDISC, Dataset-JSON version 1.1 (2024), with its JSON Schema.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
from pydantic_core import from_json

from trialwright.records.dataset import (
    UNDATED,
    Dataset,
    Findings,
    Locate,
    read_bytes,
    read_numbers,
    refuse_unwritable,
)
from trialwright.vocabulary.documents import refusal
from trialwright.vocabulary.elements import describe
from trialwright.vocabulary.problems import Place

VERSION = "1.1.0"
_VERSIONS = re.compile(r"1\.1(\.[0-9]+)?")
_TEXT = {"string", "URI", "date", "datetime", "time"}
_NUMBERS = {"float", "double"}
_WRITTEN = {pl.String: "string", pl.Int64: "integer", pl.Float64: "float"}
_READ: Mapping[str, type[pl.String | pl.Int64 | pl.Float64 | pl.Boolean]] = MappingProxyType(
    {
        **dict.fromkeys((*_TEXT, "decimal"), pl.String),
        **dict.fromkeys(_NUMBERS, pl.Float64),
        "integer": pl.Int64,
        "boolean": pl.Boolean,
    }
)


def read_dataset_json(path: Path) -> tuple[Dataset, Locate]:
    """Read a dataset from JSON or, by the ending `.ndjson`, from NDJSON; and where its records stand.

    Raises
    ------
    ProblemsFound
        `unreadable-file`, `json-syntax`, `not-dataset-json`, `ragged-row`, `wrong-count`, `wrong-type`,
        `not-a-number`, `duplicate-column`.
    """
    content = read_bytes(path)
    is_lines = path.suffix.lower() == ".ndjson"

    def locate(row: int, _column: str) -> Place:
        return Place(path.name, row + 2) if is_lines else Place(path.name)

    about, rows = _read_lines(content, path.name) if is_lines else _read_document(content, path.name)
    columns = _check_metadata(about, path.name)
    name: str = about["name"]
    found = Findings(path.name, name, locate)
    _check_rows(rows, len(columns), about["records"], found)
    found.raise_errors()
    values: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    table = pl.DataFrame(
        [_read_column(column, cells, found) for column, cells in zip(columns, values, strict=True)]
    )
    found.raise_errors()
    keyed = sorted((column["keySequence"], column["name"]) for column in columns if "keySequence" in column)
    dataset = Dataset(
        name=name,
        table=table,
        label=about["label"],
        labels=MappingProxyType({column["name"]: column["label"] for column in columns if column["label"]}),
        keys=tuple(key for _, key in keyed),
        study=about.get("studyOID", ""),
        file=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    return dataset, locate


_WHERE = re.compile(r"(?P<what>.*) at line (?P<line>[0-9]+) column (?P<column>[0-9]+)", re.DOTALL)


def _parse(content: bytes, file: str, *, line: int = 1) -> Any:
    try:
        return from_json(content, allow_inf_nan=False, cache_strings="all")
    except ValueError as error:
        where = _WHERE.fullmatch(str(error))
        what = where["what"] if where else "it cannot be read"
        place = (
            Place(file, int(where["line"]) + line - 1, max(int(where["column"]), 1))
            if where
            else Place(file, line)
        )
        raise refusal("json-syntax", f"this is not JSON from here on: {what}", place) from error


_ONCE = {key: re.compile(rb'(?<!\\)"%s"\s*:' % key.encode()) for key in ("columns", "records", "rows")}


def _read_document(content: bytes, file: str) -> tuple[dict[str, Any], list[Any]]:
    document = _parse(content, file)
    for key, pattern in _ONCE.items():  # a reader of JSON keeps the last of two
        if len(pattern.findall(content)) > 1:
            raise refusal("not-dataset-json", f"`{key}` stands there twice", Place(file), field=key)
    if not isinstance(document, dict):
        raise refusal("not-dataset-json", f"expected an object, found {describe(document)}", Place(file))
    rows = document.get("rows", [])
    if not isinstance(rows, list):
        raise refusal(
            "not-dataset-json", f"expected a list, found {describe(rows)}", Place(file), field="rows"
        )
    return document, rows


def _read_lines(content: bytes, file: str) -> tuple[dict[str, Any], list[Any]]:
    lines = content.rstrip().split(b"\n")
    if not lines[0]:
        raise refusal("not-dataset-json", "the file is empty: expected its metadata", Place(file))
    about = _parse(lines[0], file)
    if not isinstance(about, dict):
        raise refusal("not-dataset-json", f"expected an object, found {describe(about)}", Place(file, 1))
    return about, [_parse(line, file, line=number) for number, line in enumerate(lines[1:], 2)]


_NEEDED = {
    "datasetJSONCreationDateTime": str,
    "datasetJSONVersion": str,
    "itemGroupOID": str,
    "records": int,
    "name": str,
    "label": str,
    "columns": list,
}
_NEEDED_OF_COLUMN = {"itemOID": str, "name": str, "label": str, "dataType": str}
_WORDS = {str: "text", int: "a whole number", list: "a list"}


def _check_metadata(about: Mapping[str, Any], file: str) -> list[dict[str, Any]]:
    """The columns, if the metadata are as the standard has them."""
    found = Findings(file, "")
    _check_keys(about, _NEEDED, "", found)
    found.raise_errors()
    if not _VERSIONS.fullmatch(about["datasetJSONVersion"]):
        found.report(
            "not-dataset-json",
            f"expected version 1.1, found {describe(about['datasetJSONVersion'])}",
            column="datasetJSONVersion",
        )
    columns: list[dict[str, Any]] = about["columns"]
    for number, column in enumerate(columns, 1):
        at = f"columns[{number}]"
        if not isinstance(column, dict):
            found.report("not-dataset-json", f"expected an object, found {describe(column)}", column=at)
            continue
        _check_keys(column, _NEEDED_OF_COLUMN, f"{at}.", found)
        if isinstance(column.get("dataType"), str) and column["dataType"] not in _READ:
            found.report(
                "not-dataset-json",
                f"expected one of {', '.join(_READ)}, found {describe(column['dataType'])}",
                column=f"{at}.dataType",
            )
        sequence = column.get("keySequence", 1)
        if type(sequence) is not int or sequence < 1:
            found.report(
                "not-dataset-json",
                f"expected a whole number from 1, found {describe(sequence)}",
                column=f"{at}.keySequence",
            )
    if not columns:
        found.report("not-dataset-json", "there must be a column", column="columns")
    found.raise_errors()
    names = [column["name"] for column in columns]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            found.report("duplicate-column", f"`{name}` stands there {names.count(name)} times", column=name)
    found.raise_errors()
    return columns


def _check_keys(about: Mapping[str, Any], needed: Mapping[str, type], at: str, found: Findings) -> None:
    for key, kind in needed.items():
        if key not in about:
            found.report("not-dataset-json", f"`{key}` is missing", column=f"{at}{key}")
        elif type(about[key]) is not kind:
            found.report(
                "not-dataset-json",
                f"expected {_WORDS[kind]}, found {describe(about[key])}",
                column=f"{at}{key}",
            )


def _check_rows(rows: list[Any], width: int, count: int, found: Findings) -> None:
    found.report(
        "ragged-row",
        lambda row: (
            f"expected a list of {width} values, found "
            + (f"one of {len(rows[row])}" if isinstance(rows[row], list) else describe(rows[row]))
        ),
        rows=[row for row, cells in enumerate(rows) if type(cells) is not list or len(cells) != width],
    )
    if len(rows) != count:
        found.report(
            "wrong-count",
            f"the file says it has {count:,} records and has {len(rows):,}",
            column="records",
            fix="copy the file again" if len(rows) < count else "",
        )


_ALLOWED: Mapping[type, tuple[set[type], str]] = {
    pl.String: ({str, type(None)}, "text"),
    pl.Int64: ({int, type(None)}, "a whole number"),
    pl.Float64: ({int, float, type(None)}, "a number"),
    pl.Boolean: ({bool, type(None)}, "true or false"),
}


def _read_column(column: Mapping[str, Any], values: Sequence[Any], found: Findings) -> pl.Series:
    name, dtype = column["name"], _READ[column["dataType"]]
    allowed, words = _ALLOWED[dtype]
    if not set(map(type, values)) <= allowed:
        found.report(
            "wrong-type",
            lambda row: f"expected {words}, found {describe(values[row])}",
            rows=[row for row, value in enumerate(values) if type(value) not in allowed],
            column=name,
        )
        return pl.Series(name, [None] * len(values), dtype)
    if dtype is pl.Float64:
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype)
    if dtype is pl.Int64 and any(value is not None and abs(value) > 2**53 for value in values):
        found.report(
            "out-of-range",
            lambda row: f"a whole number must lie between -2^53 and 2^53, found {describe(values[row])}",
            rows=[row for row, value in enumerate(values) if value is not None and abs(value) > 2**53],
            column=name,
        )
        return pl.Series(name, [None] * len(values), dtype)
    read = pl.Series(name, values, dtype)
    return _read_decimals(read, found) if column["dataType"] == "decimal" else read


def _read_decimals(texts: pl.Series, found: Findings) -> pl.Series:
    numbers, wrong = read_numbers(texts.replace_strict({"": None}, default=texts, return_dtype=pl.String))
    found.report(
        "not-a-number",
        lambda row: f"expected a number, found {describe(texts[row])}",
        rows=wrong,
        column=texts.name,
    )
    return numbers


# --- writing ----------------------------------------------------------------------------------------------------------


def dataset_json_bytes(dataset: Dataset, *, created: datetime | None = None) -> bytes:
    """The dataset as one JSON document.

    Parameters
    ----------
    dataset : Dataset
    created : datetime, optional
        The moment of writing; without it 1 January 1960.

    Raises
    ------
    ProblemsFound
        `wrong-type`, `empty-text`, `not-a-number`.
    """
    head = _dumped(_metadata(dataset, created))[:-1]
    rows = ",\n".join(_rows(dataset.table))
    return f'{head},"rows":[\n{rows}\n]}}\n'.encode()


def dataset_ndjson_bytes(dataset: Dataset, *, created: datetime | None = None) -> bytes:
    """The dataset as NDJSON: its metadata, then a record a line. As `dataset_json_bytes` otherwise."""
    return "".join(
        f"{line}\n" for line in (_dumped(_metadata(dataset, created)), *_rows(dataset.table))
    ).encode()


def _metadata(dataset: Dataset, created: datetime | None) -> dict[str, Any]:
    found = Findings(dataset.file or dataset.name, dataset.name)
    refuse_unwritable(dataset, found)
    found.raise_errors()
    return {
        "datasetJSONCreationDateTime": (created or UNDATED).isoformat(timespec="seconds"),
        "datasetJSONVersion": VERSION,
        **({"studyOID": dataset.study} if dataset.study else {}),
        "itemGroupOID": f"IG.{dataset.name}",
        "records": dataset.table.height,
        "name": dataset.name,
        "label": dataset.label,
        "columns": [_column(dataset, column) for column in dataset.table.get_columns()],
    }


def _column(dataset: Dataset, column: pl.Series) -> dict[str, Any]:
    name = column.name
    about: dict[str, Any] = {
        "itemOID": f"IT.{dataset.name}.{name}",
        "name": name,
        "label": dataset.labels.get(name, ""),
        "dataType": _WRITTEN[type(column.dtype)],
    }
    longest = column.str.len_chars().max() if column.dtype == pl.String else None
    if longest:
        about["length"] = longest
    if name in dataset.keys:
        about["keySequence"] = dataset.keys.index(name) + 1
    return about


def _rows(table: pl.DataFrame) -> Iterator[str]:
    return map(_dumped, map(list, table.iter_rows()))


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
