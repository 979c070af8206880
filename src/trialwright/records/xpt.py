"""SAS transport files of version 5 (XPT), one dataset a file.

What the format cannot hold is refused when writing: names beyond 8 characters, labels beyond 40 bytes, texts beyond
200, trailing blanks, numbers beyond its range. Texts are written as UTF-8; agencies ask for ASCII. It knows one type
of number, so that columns the catalogue does not have come back as numbers even where they were whole numbers; one
missing value; and no count of records, so that a file cut off just between two records and blocks looks whole.

Written by hand rather than with a library: the one tried (ReadStat) reads a file that was cut off without a word, and
cuts long labels.

References: SAS Institute, The Record Layout of a SAS Transport Data Set (TS-140).
"""

from __future__ import annotations

import codecs
import hashlib
import re
import struct
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import polars as pl

from trialwright.records.dataset import (
    UNDATED,
    Dataset,
    Findings,
    read_bytes,
    refuse_unwritable,
    rows_where,
)
from trialwright.records.ibm_floats import decode, encode, fits
from trialwright.vocabulary.documents import refusal
from trialwright.vocabulary.elements import describe
from trialwright.vocabulary.problems import Place, ProblemsFound

_BLOCK = 80
_MAX_TEXT, _MAX_LABEL, _MAX_NAME = 200, 40, 8
_MAX_COLUMNS = 9999
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,7}")
_NAMESTR = struct.Struct(">hhhh8s40s8shhh2s8shhi52s")
_NUMBER, _TEXT = 1, 2

Bytes = npt.NDArray[np.uint8]


def _header(kind: str, rest: str = "") -> bytes:
    return f"HEADER RECORD*******{kind:<8}HEADER RECORD!!!!!!!{rest:0<30}  ".encode("ascii")


_LIBRARY, _MEMBER, _DESCRIPTOR = (
    _header("LIBRARY"),
    _header("MEMBER", "000000000000000001600000000140"),
    _header("DSCRPTR"),
)
_OBSERVATIONS = _header("OBS")
_MEMBER_START = _MEMBER[:48]
_NAMES_START = _header("NAMESTR")[:48]


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of a file: what it is and where its bytes stand in a record."""

    name: str
    label: str
    is_number: bool
    length: int
    start: int


# --- reading ----------------------------------------------------------------------------------------------------------


def read_xpt(path: Path, *, encoding: str = "utf-8") -> Dataset:
    """Read the dataset of a file, numbers as Float64 and texts without the blanks that fill them up.

    Parameters
    ----------
    path : Path
    encoding : str
        Of the texts; the format does not tell. Older files of SAS for Windows are `windows-1252`, Chinese ones
        `gb18030`.

    Raises
    ------
    ProblemsFound
        `unreadable-file`, `not-xpt`, `truncated-file`, `several-datasets`, `special-missing`, `not-in-encoding`.
    """
    content = read_bytes(path)
    reader = _Reader(path.name, content)
    name, label, columns = reader.read_headers()
    found = Findings(path.name, name)
    records = reader.read_records(columns)
    table = pl.DataFrame([_read_column(records, column, encoding, found) for column in columns])
    found.raise_errors()
    return Dataset(
        name=name,
        table=table,
        label=label,
        labels=MappingProxyType({column.name: column.label for column in columns if column.label}),
        file=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
    )


class _Reader:
    """The headers of a file in turn; stops at the first thing that is not as it must be."""

    def __init__(self, file: str, content: bytes) -> None:
        self.file = file
        self.content = content
        self.at = 0

    def truncated(self, what: str) -> ProblemsFound:
        message = f"the file ends in {what}, at byte {len(self.content):,}"
        return refusal("truncated-file", message, Place(self.file), fix="copy the file again")

    def broken(self, expected: str) -> ProblemsFound:
        return refusal("not-xpt", f"expected {expected} at byte {self.at + 1:,}", Place(self.file))

    def take(self, length: int, what: str) -> bytes:
        part = self.content[self.at : self.at + length]
        if len(part) < length:
            raise self.truncated(what)
        self.at += length
        return part

    def expect(self, start: bytes, what: str) -> bytes:
        if not self.content.startswith(start, self.at):
            if self.at and start.startswith(self.content[self.at :]):
                raise self.truncated(what)
            raise self.broken(what)
        return self.take(_BLOCK, what)

    def read_headers(self) -> tuple[str, str, list[_Column]]:
        """Name and label of the dataset and its columns; the records come next."""
        if self.content.startswith(b"HEADER RECORD*******LIBV8"):
            raise refusal(
                "not-xpt",
                "this is a SAS transport file of version 8; expected version 5",
                Place(self.file),
                fix="write it with PROC COPY and the XPORT engine",
            )
        self.expect(_LIBRARY[:48], "the header of a SAS transport file")
        self.take(2 * _BLOCK, "the header of the library")
        start = self.expect(_MEMBER_START, "the header of a dataset")
        size = {b"0140": 140, b"0136": 136}.get(start[74:78])
        if size is None:
            raise self.broken("variables of 140 or 136 bytes")
        self.expect(_DESCRIPTOR[:48], "the descriptor of a dataset")
        name = _word(self.take(_BLOCK, "the descriptor of a dataset")[8:16])
        label = _word(self.take(_BLOCK, "the descriptor of a dataset")[32:72])
        count = self.expect(_NAMES_START, "the header of the variables")[54:58]
        if not count.isdigit() or int(count) == 0:
            raise self.broken("the number of variables")
        columns = self.read_columns(int(count), size)
        self.expect(_OBSERVATIONS[:48], "the header of the records")
        return name, label, columns

    def read_columns(self, count: int, size: int) -> list[_Column]:
        start = self.at
        content = self.take(-(-count * size // _BLOCK) * _BLOCK, "the variables")
        columns: list[_Column] = []
        for number in range(count):
            self.at = start + number * size
            part = content[number * size : (number + 1) * size].ljust(_NAMESTR.size)
            kind, _, length, _, name, label, *_, position, _ = _NAMESTR.unpack(part)
            is_number = kind == _NUMBER
            ends = sum(column.length for column in columns)
            if kind not in (_NUMBER, _TEXT) or not 1 <= length <= (8 if is_number else 32_767):
                raise self.broken("a variable of type 1 or 2 and a length it can have")
            if (is_number and length < 2) or position != ends:
                raise self.broken("a variable that starts where the one before it ends")
            columns.append(_Column(_word(name), _word(label), is_number, length, position))
        self.at = start + len(content)
        names = Counter(column.name for column in columns)
        twice = [name for name, times in names.items() if times > 1 or not name]
        if twice:
            message = f"variable `{twice[0]}` stands there twice or has no name"
            raise refusal("duplicate-column", message, Place(self.file))
        return columns

    def read_records(self, columns: list[_Column]) -> Bytes:
        """The bytes of the records, one row each."""
        length = sum(column.length for column in columns)
        if (len(self.content) - self.at) % _BLOCK:
            raise self.truncated("a block of 80 bytes")
        other = self.content.find(_MEMBER_START, self.at)
        if other >= 0 and other % _BLOCK == 0:
            message = f"a second dataset starts at byte {other + 1:,}; a file must hold one"
            raise refusal(
                "several-datasets", message, Place(self.file), fix="write each dataset to a file of its own"
            )
        data = np.frombuffer(self.content, np.uint8, offset=self.at)
        count = len(data) // length
        if np.any(data[count * length :] != ord(" ")):
            raise self.truncated(f"record {count + 1:,}")
        records = data[: count * length].reshape(count, length)
        while count and len(data) - (count - 1) * length < _BLOCK and np.all(records[count - 1] == ord(" ")):
            count -= 1
        return records[:count]


def _word(raw: bytes) -> str:
    return raw.rstrip(b" \0").decode("utf-8", "replace")


def _read_column(records: Bytes, column: _Column, encoding: str, found: Findings) -> pl.Series:
    raw = records[:, column.start : column.start + column.length]
    return (
        _read_numbers(raw, column, found) if column.is_number else _read_texts(raw, column, encoding, found)
    )


def _read_numbers(raw: Bytes, column: _Column, found: Findings) -> pl.Series:
    padded = np.zeros((len(raw), 8), np.uint8)
    padded[:, : column.length] = raw
    numbers, is_special = decode(padded.view(">u8").ravel().astype(np.uint64))
    found.report(
        "special-missing",
        lambda row: f"`.{chr(raw[row, 0])}` is a missing value with a meaning of its own; tables have one",
        rows=np.flatnonzero(is_special).tolist(),
        column=column.name,
        fix="write the meaning as text in a variable of its own",
    )
    return pl.Series(column.name, numbers, pl.Float64, nan_to_null=True)


def _read_texts(raw: Bytes, column: _Column, encoding: str, found: Findings) -> pl.Series:
    values = np.ascontiguousarray(raw).view(f"S{column.length}").ravel().tolist()
    try:
        if codecs.lookup(encoding).name == "utf-8":
            texts = pl.Series(column.name, values, pl.Binary).cast(pl.String)
        else:
            texts = pl.Series(column.name, [value.decode(encoding) for value in values], pl.String)
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        found.report(
            "not-in-encoding",
            f"the text is not {encoding}",
            rows=[row for row, value in enumerate(values) if not _is_text(value, encoding)],
            column=column.name,
            fix="name the encoding of the file",
        )
        return pl.Series(column.name, [None] * len(values), pl.String)
    texts = texts.str.strip_chars_end(" ")
    return texts.replace_strict({"": None}, default=texts, return_dtype=pl.String)


def _is_text(value: bytes, encoding: str) -> bool:
    try:
        value.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


# --- writing ----------------------------------------------------------------------------------------------------------


def xpt_bytes(dataset: Dataset, *, created: datetime | None = None) -> bytes:
    """The dataset as the bytes of a transport file.

    Parameters
    ----------
    dataset : Dataset
    created : datetime, optional
        The moment of writing that its headers tell; without it SAS's zero, 1 January 1960.

    Raises
    ------
    ProblemsFound
        `xpt-name`, `xpt-label`, `xpt-text`, `xpt-number`, `xpt-blank`, `wrong-type`, `empty-text`, `not-a-number`.
    """
    found = Findings(dataset.file or dataset.name, dataset.name)
    refuse_unwritable(dataset, found)
    found.raise_errors()
    _check_names(dataset, found)
    parts = [_column_bytes(column, found) for column in dataset.table.get_columns()]
    found.raise_errors()
    _check_last_record(dataset.table, parts, found)
    found.raise_errors()
    moment = _moment(created or UNDATED)
    records = np.concatenate(parts, axis=1).tobytes() if dataset.table.height else b""
    lengths = [part.shape[1] for part in parts]
    names = b"".join(
        _namestr(number, column, lengths[number], sum(lengths[:number]), dataset.labels.get(column.name, ""))
        for number, column in enumerate(dataset.table.get_columns())
    )
    sas = b"SAS     "
    return b"".join(
        (
            _LIBRARY,
            _filled(sas + sas + b"SASLIB  " + b"9.4     " + sas + b" " * 24 + moment),
            _filled(moment),
            _MEMBER,
            _DESCRIPTOR,
            _filled(
                sas
                + dataset.name.encode("ascii").ljust(8)
                + b"SASDATA "
                + b"9.4     "
                + sas
                + b" " * 24
                + moment
            ),
            _filled(moment + b" " * 16 + dataset.label.encode("utf-8").ljust(40) + b" " * 8),
            _header("NAMESTR", f"000000{dataset.table.width:04d}"),
            _filled(names),
            _OBSERVATIONS,
            _filled(records),
        )
    )


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def _moment(when: datetime) -> bytes:
    return f"{when:%d}{_MONTHS[when.month - 1]}{when:%y:%H:%M:%S}".encode("ascii")


def _filled(content: bytes) -> bytes:
    return content + b" " * (-len(content) % _BLOCK)


def _check_names(dataset: Dataset, found: Findings) -> None:
    rule = "must be 1 to 8 capital letters, digits and underscores, no digit first"
    if not _NAME.fullmatch(dataset.name):
        found.report("xpt-name", f"the name of a dataset {rule}, not {describe(dataset.name)}")
    for name in dataset.table.columns:
        if not _NAME.fullmatch(name):
            found.report("xpt-name", f"the name of a variable {rule}, not {describe(name)}", column=name)
    labels = {"": dataset.label, **{name: dataset.labels.get(name, "") for name in dataset.table.columns}}
    for name, label in labels.items():
        size = len(label.encode("utf-8"))
        if size > _MAX_LABEL or label != label.rstrip(" \0"):
            found.report(
                "xpt-label",
                f"a label may have 40 bytes and no blank at its end, found {size}: {describe(label)}",
                column=name,
            )
    if not 1 <= dataset.table.width <= _MAX_COLUMNS:
        found.report("xpt-name", f"a file may have 1 to 9,999 variables, not {dataset.table.width:,}")


def _column_bytes(column: pl.Series, found: Findings) -> Bytes:
    """The bytes of a column, a row for each record."""
    if column.dtype != pl.String:
        numbers = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        wrong = ~fits(numbers)
        if column.dtype == pl.Int64:
            wrong |= ((column > 2**53) | (column < -(2**53))).fill_null(value=False).to_numpy()
        found.report(
            "xpt-number",
            lambda row: f"{describe(column[row])} cannot be written without changing it",
            rows=np.flatnonzero(wrong).tolist(),
            column=column.name,
        )
        words = encode(np.where(wrong, 0.0, numbers))
        return words.astype(">u8").view(np.uint8).reshape(len(column), 8)
    sizes = column.str.len_bytes().fill_null(0)
    found.report(
        "xpt-text",
        lambda row: f"a text may have 200 bytes, found {sizes[row]:,}: {describe(column[row])}",
        rows=rows_where(sizes > _MAX_TEXT),
        column=column.name,
    )
    found.report(
        "xpt-blank",
        lambda row: f"a text must not end in a blank or hold a null byte: {describe(column[row])}",
        rows=rows_where(column.str.ends_with(" ") | column.str.contains("\0", literal=True)),
        column=column.name,
    )
    size = min(max(1, int(str(sizes.max() or 0))), _MAX_TEXT)
    raw = np.array(column.fill_null("").cast(pl.Binary).to_list(), dtype=f"S{size}")
    found_bytes = raw.view(np.uint8).reshape(len(column), size).copy()
    found_bytes[found_bytes == 0] = ord(" ")
    return found_bytes


def _check_last_record(table: pl.DataFrame, parts: list[Bytes], found: Findings) -> None:
    """A last record of blanks could not be told from the blanks that fill up a file."""
    if table.height and all(np.all(part[-1] == ord(" ")) for part in parts):
        found.report("xpt-blank", "the last record must have a value", rows=[table.height - 1])


def _namestr(number: int, column: pl.Series, length: int, position: int, label: str) -> bytes:
    kind = _TEXT if column.dtype == pl.String else _NUMBER
    return _NAMESTR.pack(
        kind, 0, length, number + 1,
        column.name.encode("ascii").ljust(8), label.encode("utf-8").ljust(40),
        b" " * 8, 0, 0, 0, b"\0\0", b" " * 8, 0, 0, position, b"\0" * 52,
    )  # fmt: skip
