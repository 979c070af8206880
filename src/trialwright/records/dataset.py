"""A dataset: one table with its name and labels, as every file format holds it; and problems found in its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import polars as pl

from trialwright.vocabulary.problems import Place, Problem, ProblemsFound, Severity

SHOWN_ROWS = 5
"""Of many rows with one problem so many are shown; the first tells how many there are."""

UNDATED = datetime(1960, 1, 1)  # noqa: DTZ001 - formats hold local time without zone
"""The moment of writing where nobody gives it: SAS's zero, so that the same tables give the same bytes."""

TYPES = (pl.String, pl.Int64, pl.Float64)
"""What a column may be: text, whole numbers, numbers. Dates are text, as far as they are known."""

Locate = Callable[[int, str], Place | None]
"""From a row (from 0) and a column name to the place in the file."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Dataset:
    """One table.

    Parameters
    ----------
    name : str
        `LB`, `ADTTE`.
    table : polars.DataFrame
        Columns of text, whole numbers and numbers; null is missing, and no text is empty.
    label : str
    labels : mapping of str to str
        Labels of columns, as far as there are any.
    keys : tuple of str
        Columns that tell records apart, in order of sorting.
    study : str
    file, sha256 : str
        Where it was read from.
    warnings : tuple of Problem
        What looks doubtful and does not keep the table from being used.
    """

    name: str
    table: pl.DataFrame
    label: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    keys: tuple[str, ...] = ()
    study: str = ""
    file: str = ""
    sha256: str = ""
    warnings: tuple[Problem, ...] = ()


class Findings:
    """Problems of one dataset as they are met; of many rows alike the first five and the count, or each (`shown` None).

    `file` is empty for a table that stands in none.
    """

    def __init__(
        self, file: str, name: str, locate: Locate | None = None, *, shown: int | None = SHOWN_ROWS
    ) -> None:
        self.name = name
        self._shown = shown
        self._whole = Place(file) if file else None
        self.problems: list[Problem] = []
        self._locate = locate or (lambda _row, _column: self._whole)

    def report(
        self,
        code: str,
        message: str | Callable[[int], str],
        *,
        rows: Sequence[int] | None = None,
        column: str = "",
        fix: str = "",
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Add a problem of the dataset, of a column, or of rows (from 0); nothing if there are no rows.

        `message` may be a function from the row to its message.
        """
        if rows is None:
            where = f"{self.name}.{column}" if column and self.name else column or self.name
            text = message if isinstance(message, str) else message(0)
            self.problems.append(Problem(code, text, self._whole, where, fix, severity))
            return
        for place, row in enumerate(list(rows[: self._shown])):
            text = message if isinstance(message, str) else message(row)
            if place == 0 and len(rows) > 1 and self._shown is not None:
                text += f" ({len(rows):,} rows are like this)"
            record = f"{self.name}[{row + 1}]" if self.name else ""
            where = f"{record}.{column}" if record and column else record or column
            self.problems.append(Problem(code, text, self._locate(row, column), where, fix, severity))

    def warn(
        self,
        code: str,
        message: str | Callable[[int], str],
        *,
        rows: Sequence[int] | None = None,
        column: str = "",
        fix: str = "",
    ) -> None:
        self.report(code, message, rows=rows, column=column, fix=fix, severity=Severity.WARNING)

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity is not Severity.ERROR)

    def raise_errors(self) -> None:
        """Raise ProblemsFound if anything is wrong; warnings alone do not."""
        if self.errors:
            raise ProblemsFound(self.problems)


def rows_where(mask: pl.Series) -> list[int]:
    """Positions (from 0) of the true values."""
    found: list[int] = mask.fill_null(value=False).arg_true().to_list()
    return found


_NUMBER = r"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?$"


def read_numbers(texts: pl.Series) -> tuple[pl.Series, list[int]]:
    """The numbers that texts spell, the nearest doubles, and the rows (from 0) of texts that spell none.

    Separators of thousands, decimal commas, signs of comparison and numbers beyond the largest double are none.
    """
    numbers = texts.set(~texts.str.contains(_NUMBER), None).cast(pl.Float64)
    wrong = rows_where(texts.is_not_null() & ~numbers.is_finite().fill_null(value=False))
    return numbers, wrong


def read_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises
    ------
    ProblemsFound
        `unreadable-file`.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProblemsFound(
            [Problem("unreadable-file", f"cannot be read: {error.strerror}", Place(str(path)))]
        ) from error


_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How files of spreadsheets begin: packed ones (ZIP, section 4.3.7) and those before (MS-CFB, section 2.2)."""


def refuse_spreadsheet(content: bytes, file: str) -> None:
    """A spreadsheet under the name of delimited text, told before its bytes are taken for letters.

    Raises
    ------
    ProblemsFound
        `spreadsheet-as-text`.
    """
    if content.startswith(_SPREADSHEETS):
        message = "this is a spreadsheet, or another packed file, and not text"
        fix = "open it and save its table as CSV UTF-8: another name does not change what a file is"
        raise ProblemsFound([Problem("spreadsheet-as-text", message, Place(file), fix=fix)])


def refuse_unwritable(dataset: Dataset, found: Findings) -> None:
    """Report what no format can hold: other types, empty texts, numbers that are none.

    An empty text and a missing one are the same in every exchange format; in a table only null is missing.
    """
    for column in dataset.table.get_columns():
        if column.dtype not in TYPES:
            found.report(
                "wrong-type",
                f"a column must hold text, whole numbers or numbers, not {column.dtype}",
                column=column.name,
            )
        elif column.dtype == pl.String:
            found.report(
                "empty-text",
                "a text must not be empty: missing is null",
                rows=rows_where(column == ""),
                column=column.name,
            )
        elif column.dtype == pl.Float64:
            found.report(
                "not-a-number",
                "a number must be finite: missing is null",
                rows=rows_where(~column.is_finite()),
                column=column.name,
            )
