"""Delimited text files of one row for each subject, read through a column mapping."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from trialwright.records.csv_tables import check_separator
from trialwright.records.dataset import refuse_spreadsheet
from trialwright.records.mapping import FactColumn, Mapping, TimeColumns
from trialwright.vocabulary.elements import describe
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound, Severity, nearest

_LONGEST_TIME = {"days": 55_000, "weeks": 7_900, "months": 1_800, "years": 150}
"""Beyond a human life: a longer time is a typing error or another unit."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """A file of one row a subject, typed.

    Attributes
    ----------
    subjects : one row a subject: `USUBJID`, `SRCSEQ` (line of the file), then one column a fact
    times : one row a subject and endpoint: `USUBJID`, `SRCSEQ`, `endpoint`, `time`, `event_observed`;
        null where the file has no value
    """

    file: str
    sha256: str
    subjects: pl.DataFrame
    times: pl.DataFrame


@dataclass(slots=True)
class _Row:
    line: int
    cells: list[str]


@dataclass(slots=True)
class _Sheet:
    """The text of a file as rows, and the problems met on the way."""

    file: str
    header: list[str] = field(default_factory=list)
    rows: list[_Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def report(
        self, code: str, message: str, line: int | None = None, column: str = "", fix: str = ""
    ) -> None:
        self.problems.append(Problem(code, message, Place(self.file, line), column, fix, Severity.ERROR))

    def column(self, name: str) -> Iterator[tuple[int, str]]:
        at = self.header.index(name)
        for row in self.rows:
            yield row.line, row.cells[at].strip()


def read_csv_cohort(path: Path, mapping: Mapping) -> Cohort:
    """Read a cohort; a file that holds anything doubtful is refused whole.

    Raises
    ------
    ProblemsFound
        With every problem of the file, each with its line and column name.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ProblemsFound(
            [Problem("unreadable-file", f"cannot be read: {error.strerror}", Place(str(path)))]
        ) from error
    sheet = _read_sheet(content, path.name, mapping.separator)
    _check_header(sheet, mapping)
    if sheet.problems:
        raise ProblemsFound(sheet.problems)
    subjects = _read_subjects(sheet, mapping)
    facts = {name: _read_fact(sheet, column, mapping) for name, column in mapping.facts.items()}
    times = {name: _read_times(sheet, columns, mapping) for name, columns in mapping.endpoints.items()}
    if sheet.problems:
        raise ProblemsFound(sorted(sheet.problems, key=lambda p: p.place.line or 0 if p.place else 0))
    lines = pl.Series("SRCSEQ", [row.line for row in sheet.rows], dtype=pl.Int64)
    ids = pl.Series("USUBJID", subjects, dtype=pl.String)
    return Cohort(
        path.name,
        hashlib.sha256(content).hexdigest(),
        pl.DataFrame(
            [ids, lines, *(pl.Series(name, values, dtype=type_) for name, (values, type_) in facts.items())]
        ),
        pl.concat([_endpoint_table(ids, lines, name, *columns) for name, columns in times.items()])
        if times
        else pl.DataFrame(schema=_TIMES_SCHEMA),
    )


_TIMES_SCHEMA = {
    "USUBJID": pl.String,
    "SRCSEQ": pl.Int64,
    "endpoint": pl.String,
    "time": pl.Float64,
    "event_observed": pl.Boolean,
}


def _endpoint_table(
    ids: pl.Series, lines: pl.Series, name: str, times: list[float | None], events: list[bool | None]
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "USUBJID": ids,
            "SRCSEQ": lines,
            "endpoint": [name] * len(ids),
            "time": times,
            "event_observed": events,
        },
        schema=_TIMES_SCHEMA,
    )


def _read_sheet(content: bytes, file: str, separator: str) -> _Sheet:
    refuse_spreadsheet(content, file)
    sheet = _Sheet(file)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        sheet.report("not-utf8", "the file must be UTF-8", line, fix="save the file as CSV UTF-8")
        raise ProblemsFound(sheet.problems) from error
    check_separator(text.lstrip("\r\n").partition("\n")[0], file, separator)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    start = 1
    try:
        for cells in reader:
            if cells and not sheet.header:
                sheet.header = [cell.strip() for cell in cells]
            elif cells:
                sheet.rows.append(_Row(start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        sheet.report(
            "csv-syntax",
            f"the row that starts here cannot be read: {error}",
            start,
            fix='a quote (") that opens a cell must close it before the next separator',
        )
        raise ProblemsFound(sheet.problems) from error
    return sheet


def _check_header(sheet: _Sheet, mapping: Mapping) -> None:
    if not sheet.header:
        sheet.report("no-rows", "the file is empty: expected a header and one row for each subject")
        return
    for name, count in Counter(sheet.header).items():
        if count > 1:
            sheet.report("duplicate-column", f"column `{name}` stands {count} times in the header", 1, name)
    wanted = [mapping.subject, *(column.column for column in mapping.facts.values())]
    wanted += [name for columns in mapping.endpoints.values() for name in (columns.time, columns.status)]
    for name in dict.fromkeys(wanted):
        if name not in sheet.header:
            guess = nearest(name, sheet.header) or nearest(
                name.casefold(), {known.casefold(): known for known in sheet.header}
            )
            fix = f"did the file mean `{guess}`?" if guess else ""
            sheet.report(
                "missing-column",
                f"column `{name}`, which the mapping needs, is not in the file",
                1,
                name,
                fix,
            )
    if not sheet.rows:
        sheet.report("no-rows", "the file has a header and no rows")
    for row in sheet.rows:
        if len(row.cells) != len(sheet.header):
            sheet.report(
                "ragged-row",
                f"this row has {len(row.cells)} cells, the header has {len(sheet.header)}",
                row.line,
            )


def _read_subjects(sheet: _Sheet, mapping: Mapping) -> list[str]:
    first: dict[str, int] = {}
    subjects: list[str] = []
    for line, subject in sheet.column(mapping.subject):
        if subject in mapping.missing:
            sheet.report("missing-subject", "this row names no subject", line, mapping.subject)
        elif subject in first:
            sheet.report(
                "duplicate-subject",
                f"this row has the subject of line {first[subject]}; expected one row for each subject",
                line,
                mapping.subject,
            )
        first.setdefault(subject, line)
        subjects.append(subject)
    return subjects


def _read_fact(
    sheet: _Sheet, column: FactColumn, mapping: Mapping
) -> tuple[Sequence[str | float | None], type[pl.String | pl.Float64]]:
    if column.values:
        return [
            _read_code(sheet, line, column.column, cell, column.values, mapping)
            for line, cell in sheet.column(column.column)
        ], pl.String
    return [
        _read_number(sheet, line, column.column, cell, mapping) for line, cell in sheet.column(column.column)
    ], pl.Float64


def _read_code(
    sheet: _Sheet, line: int, column: str, cell: str, values: dict[str, str], mapping: Mapping
) -> str | None:
    if cell in values:
        return values[cell]
    if cell not in mapping.missing:
        known = ", ".join(f"`{code}`" for code in values)
        sheet.report(
            "unknown-code",
            f"{describe(cell)} is not a code of this column; the mapping has {known}",
            line,
            column,
        )
    return None


def _as_number(cell: str, decimal: str) -> float | None:
    """A number in the file's own spelling. Separators of thousands are doubtful (is 1.234 a thousand?) and refused."""
    if not _NUMBER[decimal].match(cell):
        return None
    number = float(cell.replace(decimal, "."))
    vanished = number == 0 and re.search("[1-9]", cell.lower().partition("e")[0])
    return number if abs(number) <= _LARGEST and not vanished else None


_NUMBER = {
    mark: re.compile(
        rf"[-+]?([0-9]+({re.escape(mark)}[0-9]*)?|{re.escape(mark)}[0-9]+)([eE][-+]?[0-9]{{1,3}})?\Z",
        re.ASCII,
    )
    for mark in ".,"
}
_LARGEST = 1e15
"""Nothing that is measured or counted in a patient is larger; beyond it sums of squares lose their meaning."""


def _read_number(sheet: _Sheet, line: int, column: str, cell: str, mapping: Mapping) -> float | None:
    if cell in mapping.missing:
        return None
    number = _as_number(cell, mapping.decimal)
    if number is None:
        comma = mapping.decimal == "." and "," in cell
        sheet.report(
            "not-a-number",
            f"expected a number, found {describe(cell)}",
            line,
            column,
            "for decimal commas write `decimal: ','` in the mapping" if comma else "",
        )
        return None
    return number


def _read_times(
    sheet: _Sheet, columns: TimeColumns, mapping: Mapping
) -> tuple[list[float | None], list[bool | None]]:
    times: list[float | None] = []
    for line, cell in sheet.column(columns.time):
        time = _read_number(sheet, line, columns.time, cell, mapping)
        if time is not None and time < 0:
            sheet.report(
                "negative-time", f"a time cannot be negative, found {describe(cell)}", line, columns.time
            )
        elif time is not None and time > _LONGEST_TIME[columns.unit]:
            sheet.report(
                "implausible-time", f"{describe(cell)} {columns.unit} is longer than a life", line, columns.time,
                "is the unit in the mapping right?",
            )  # fmt: skip
        times.append(time)
    codes = dict.fromkeys(columns.event, "event") | dict.fromkeys(columns.censored, "censored")
    events = [
        None if status is None else status == "event"
        for status in (
            _read_code(sheet, line, columns.status, cell, codes, mapping)
            for line, cell in sheet.column(columns.status)
        )
    ]
    return times, events
