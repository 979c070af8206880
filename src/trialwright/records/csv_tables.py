"""Datasets as delimited text: a header of variable names, a line for each record, UTF-8.

The format knows text only and no name of the dataset: the file is called as the dataset is (`lb.csv`), and numbers are
read where the catalogue has a number. Missing is an empty cell.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from trialwright.records.dataset import (
    Dataset,
    Findings,
    Locate,
    read_bytes,
    refuse_spreadsheet,
    refuse_unwritable,
)
from trialwright.vocabulary.documents import refusal
from trialwright.vocabulary.elements import describe
from trialwright.vocabulary.problems import Place, ProblemsFound

_CHUNK = 50_000
_MAX_COLUMNS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class TextTable:
    """A delimited file as columns of text, empty cells null, and where each cell stands."""

    file: str
    sha256: str
    cells: pl.DataFrame
    lines: Sequence[int]
    """The line in which each row starts."""
    locate: Locate


def read_csv_dataset(path: Path) -> tuple[Dataset, Locate]:
    """Read a dataset, all columns text, and where its cells stand.

    Raises
    ------
    ProblemsFound
        As `read_text_table` does.
    """
    found = read_text_table(read_bytes(path), path.name)
    name = path.stem.upper()
    return Dataset(name=name, table=found.cells, file=path.name, sha256=found.sha256), found.locate


def csv_bytes(dataset: Dataset, *, types: pl.Schema | None = None) -> bytes:
    """The dataset as the bytes of a file, lines ended as RFC 4180 has it.

    Parameters
    ----------
    dataset : Dataset
    types : polars.Schema, optional
        What a reader knows of the columns' types; numbers in other columns would come back as text and are refused.

    Raises
    ------
    ProblemsFound
        `csv-type`, `wrong-type`, `empty-text`, `not-a-number`.
    """
    found = Findings(dataset.file or dataset.name, dataset.name)
    refuse_unwritable(dataset, found)
    known = {} if types is None else types
    for name, dtype in dataset.table.schema.items():
        if dtype != pl.String and known.get(name) != dtype:
            found.report(
                "csv-type",
                "a reader of delimited text could not tell that this column holds numbers",
                column=name,
                fix="write another format",
            )
    found.raise_errors()
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(dataset.table.columns)
    writer.writerows(dataset.table.iter_rows())
    return text.getvalue().encode("utf-8")


def read_text_table(content: bytes, file: str, *, separator: str = ",", encoding: str = "utf-8") -> TextTable:
    """Read delimited text.

    Parameters
    ----------
    content : bytes
    file : str
        Name for messages.
    separator : str
    encoding : str
        A byte order mark is left out.

    Raises
    ------
    ProblemsFound
        `spreadsheet-as-text`, `not-utf8` or `not-in-encoding`, `csv-syntax`, `no-rows`, `other-separator`,
        `too-many-columns`, `duplicate-column`, `ragged-row`.
    """
    refuse_spreadsheet(content, file)
    text = _decoded(content, file, encoding)
    header = text.partition("\n")[0]
    check_separator(header, file, separator)
    n_separators = header.count(separator)
    if n_separators >= _MAX_COLUMNS:
        message = f"a table may have {_MAX_COLUMNS:,} columns, found {n_separators + 1:,}"
        raise refusal("too-many-columns", message, Place(file, 1))
    cells = _split_plain(text, separator)
    starts: Sequence[int] = range(2, 2 + (0 if cells is None else cells.height))
    if cells is None:
        cells, starts = _split_quoted(text, file, separator)
    place = _Places(file, text, separator, cells.columns, starts)
    return TextTable(file, hashlib.sha256(content).hexdigest(), cells, starts, place.of)


def _decoded(content: bytes, file: str, encoding: str) -> str:
    known = _encoding_told_by(content, encoding)
    if known and known != encoding:
        fix = "save the file as CSV UTF-8" if encoding == "utf-8" else f"name its `encoding`: {known}"
        code = "not-utf8" if encoding == "utf-8" else "not-in-encoding"
        raise refusal(code, f"the file is {known}, expected {encoding}", Place(file), fix=fix)
    try:
        return content.decode(encoding).removeprefix("\N{BYTE ORDER MARK}")
    except UnicodeDecodeError as error:
        place = Place(file, content.count(b"\n", 0, error.start) + 1)
        if encoding == "utf-8":
            raise refusal(
                "not-utf8", "the file must be UTF-8", place, fix="save the file as CSV UTF-8"
            ) from error
        raise refusal(
            "not-in-encoding", f"the file is not {encoding}", place, fix="name its `encoding`"
        ) from error


_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def _encoding_told_by(content: bytes, expected: str) -> str | None:
    """The encoding that the first bytes of a file name; UTF-8 also where letters that are not ASCII all read as such, which
    those of a code page do not."""
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    if marked or expected != "windows-1252" or content.isascii():
        return marked
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"


def check_separator(header: str, file: str, separator: str) -> None:
    """Refuse (`other-separator`) a header of one cell that another separator would divide: it is no table of one column."""
    other = next((one for one in ";\t,|" if one in header), None)
    if separator in header or other is None:
        return
    message = f"the header seems to be separated by {_spelled(other)}, expected {_spelled(separator)}"
    fix = (
        f"save the file with {_spelled(separator)} between cells (programs ask for it, or take it from the system's region), "
        "or name its `separator` in the mapping, where it has one"
    )
    raise refusal("other-separator", message, Place(file, 1), fix=fix)


def _spelled(separator: str) -> str:
    return "tabs" if separator == "\t" else f"`{separator}`"


def _check_header(header: Sequence[str], file: str) -> None:
    found = Findings(file, "")
    for name, times in Counter(header).items():
        if times > 1:
            message = f"column {describe(name)} stands {times} times in the header"
            found.report("duplicate-column", message, column=name)
    found.raise_errors()


def _split_plain(text: str, separator: str) -> pl.DataFrame | None:
    """The cells of a text without quotes where every line is a record of as many cells as the header; else None."""
    if '"' in text or "\0" in text or text.count("\r") != text.count("\r\n"):
        return None
    plain = text.replace("\r\n", "\n").removesuffix("\n").encode("utf-8") + b"\n"
    header = [name.strip() for name in plain[: plain.index(b"\n")].decode("utf-8").split(separator)]
    width = len(header)
    if width < 2 or len(set(header)) < width:
        return None
    raw = np.frombuffer(plain, np.uint8)
    ends_row = raw[(raw == ord(separator)) | (raw == ord("\n"))] == ord("\n")
    n_rows = int(ends_row.sum())
    if n_rows < 2 or len(ends_row) != n_rows * width or not ends_row[width - 1 :: width].all():
        return None
    return pl.read_csv(plain, separator=separator, quote_char=None, infer_schema=False, new_columns=header)


def _split_quoted(text: str, file: str, separator: str) -> tuple[pl.DataFrame, list[int]]:
    """The cells of any text, and the line in which each record starts. Blank lines are no records."""
    rows = _rows(text if text.strip() else "", file, separator)
    _, header = next(rows, (1, []))
    if not header:
        raise refusal("no-rows", "the file is empty: expected a header", Place(file))
    header = [name.strip() for name in header]
    _check_header(header, file)
    starts: list[int] = []
    ragged: list[tuple[int, int]] = []
    chunks = [pl.DataFrame(schema=dict.fromkeys(header, pl.String))]
    block: list[list[str]] = []
    for line, cells in rows:
        if len(cells) != len(header):
            ragged.append((line, len(cells)))
        elif not ragged:
            starts.append(line)
            block.append(cells)
            if len(block) == _CHUNK:
                chunks.append(_chunk(block, header))
                block = []
    if ragged:
        found = Findings(file, "", lambda row, _column: Place(file, ragged[row][0]))
        found.report(
            "ragged-row",
            lambda row: f"this row has {ragged[row][1]} cells, the header has {len(header)}",
            rows=range(len(ragged)),
        )
        raise ProblemsFound(found.problems)
    if block:
        chunks.append(_chunk(block, header))
    return pl.concat(chunks).with_columns(pl.all().replace("", None)), starts


def _chunk(block: list[list[str]], header: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            pl.Series(name, column, pl.String)
            for name, column in zip(header, zip(*block, strict=True), strict=True)
        ]
    )


def _rows(text: str, file: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The rows with the line each starts in."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise refusal(
            "csv-syntax",
            f"the row that starts here cannot be read: {error}",
            Place(file, line),
            fix='a quote (") that opens a cell must close it before the next separator',
        ) from error


class _Places:
    """Where cells stand; counted only when asked, for problems are few."""

    def __init__(
        self, file: str, text: str, separator: str, columns: Sequence[str], rows: Sequence[int]
    ) -> None:
        self.file = file
        self.text = text
        self.separator = separator
        self.columns = columns
        self.rows = rows
        self.line_starts: list[int] = []

    def of(self, row: int, column: str) -> Place:
        """The place of a cell; of the row where the column is none."""
        line = self.rows[row]
        if column not in self.columns:
            return Place(self.file, line)
        if not self.line_starts:
            self.line_starts = [0, *(found.end() for found in re.finditer("\n", self.text))]
        at = start = self.line_starts[line - 1]
        ahead = self.columns.index(column)
        is_quoted = False
        while ahead and at < len(self.text):
            character = self.text[at]
            at += 1
            is_quoted ^= character == '"'
            if character == self.separator and not is_quoted:
                ahead -= 1
            elif character == "\n":
                line, start = line + 1, at
        return Place(self.file, line, at - start + 1)
