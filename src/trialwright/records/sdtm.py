"""SDTM domains as typed tables: which variables each has, of which kind, and what a file's columns become.

The catalogue stands in `sdtm.toml` beside this file. Text stays text (`010` is not 10), dates stay as far as they are
known (`2024-03`), numbers are numbers. A reported result, its comparator, its unit, its limits and the converted value
are columns of their own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.records.dataset import Dataset, Findings, Locate, read_numbers, rows_where
from trialwright.vocabulary.elements import describe
from trialwright.vocabulary.problems import ProblemsFound, nearest


class ValueKind(StrEnum):
    """What the values of a variable are. Dates and durations are ISO 8601 text."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    DURATION = "duration"

    @property
    def dtype(self) -> type[pl.String | pl.Int64 | pl.Float64]:
        return _DTYPES.get(self, pl.String)


_DTYPES: Mapping[str, type[pl.Int64 | pl.Float64]] = MappingProxyType(
    {ValueKind.INTEGER: pl.Int64, ValueKind.NUMBER: pl.Float64}
)


class Core(StrEnum):
    """How much a domain needs a variable; `OURS` are not SDTM."""

    REQUIRED = "required"
    EXPECTED = "expected"
    PERMISSIBLE = "permissible"
    OURS = "ours"


@dataclass(frozen=True, slots=True)
class Codelist:
    """Submission values of a variable; where it is not closed, others may stand."""

    name: str
    terms: tuple[str, ...]
    is_closed: bool
    source: str


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a domain. `role` is the SDTM role or qualifier."""

    name: str
    kind: ValueKind
    core: Core
    role: str
    label: str
    codelist: Codelist | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """One SDTM domain: what a record is, what tells records apart, and its variables in their order."""

    name: str
    label: str
    structure: str
    keys: tuple[str, ...]
    variables: Mapping[str, Variable]
    sources: tuple[str, ...]

    @property
    def schema(self) -> pl.Schema:
        """Every variable of the catalogue with its type."""
        return pl.Schema({name: variable.kind.dtype for name, variable in self.variables.items()})

    @property
    def sequence(self) -> str | None:
        """The variable that numbers a subject's records; DM and SV have none."""
        name = f"{self.name}SEQ"
        return name if name in self.variables else None


@cache
def domains() -> Mapping[str, Domain]:
    """All domains by name, in the order of the catalogue."""
    text = files("trialwright.records").joinpath("sdtm.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)
    sources: Mapping[str, str] = table.pop("sources")
    codelists = {
        name: Codelist(name, tuple(entry["terms"]), entry["closed"], sources[entry["source"]])
        for name, entry in table.pop("codelists").items()
    }
    everywhere: Mapping[str, Any] = table.pop("everywhere")
    return MappingProxyType(
        {name: _domain(name, entry, everywhere, sources, codelists) for name, entry in table.items()}
    )


def _domain(
    name: str,
    entry: Mapping[str, Any],
    everywhere: Mapping[str, Any],
    sources: Mapping[str, str],
    codelists: Mapping[str, Codelist],
) -> Domain:
    variables = {
        variable: Variable(
            variable, ValueKind(kind), Core(core), role, label, codelists[codes[0]] if codes else None
        )
        for variable, (kind, core, role, label, *codes) in {**entry["variables"], **everywhere}.items()
    }
    return Domain(
        name,
        entry["label"],
        entry["structure"],
        tuple(entry["keys"]),
        MappingProxyType(variables),
        tuple(sources[source] for source in entry["sources"]),
    )


def empty_table(domain: str) -> pl.DataFrame:
    """A table of a domain with every variable of the catalogue and no record."""
    return pl.DataFrame(schema=domains()[domain].schema)


def complete_table(table: pl.DataFrame, domain: str) -> pl.DataFrame:
    """The table with every variable of the catalogue: those it lacks are null throughout, at the end."""
    schema = domains()[domain].schema
    return table.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in table.columns
    )


def as_sdtm(dataset: Dataset, *, locate: Locate | None = None, is_untyped: bool = False) -> Dataset:
    """The dataset as a table of its domain: every variable of its kind, empty texts null.

    Columns keep their order. Those that the catalogue does not have stay as they are, with a warning.

    Parameters
    ----------
    dataset : Dataset
    locate : callable, optional
        From row and column to the place in the file.
    is_untyped : bool
        Whether the file knows text only, so that numbers are to be read from it.

    Raises
    ------
    ProblemsFound
        `unknown-dataset`, `missing-variable`, `wrong-dataset`, `wrong-type`, `not-a-number`, `not-whole`: with every
        problem of the dataset.
    """
    found = Findings(dataset.file, dataset.name, locate)
    domain = domains().get(dataset.name)
    if domain is None:
        meant = nearest(dataset.name, domains()) if len(dataset.name) == 2 else None
        found.report(
            "unknown-dataset",
            f"`{dataset.name}` is none of the domains {', '.join(domains())}",
            fix=f"did you mean `{meant}`?" if meant else "",
        )
        raise ProblemsFound(found.problems)
    _check_columns(dataset.table, domain, found)
    columns = []
    for column in dataset.table.get_columns():
        variable = domain.variables.get(column.name)
        kind = variable.kind if variable else _kind_of(column.dtype)
        columns.append(_as_kind(column, kind, found, is_untyped=is_untyped))
    found.raise_errors()
    table = pl.DataFrame(columns)
    _check_domain(table, domain, found)
    found.raise_errors()
    return replace(
        dataset,
        table=table,
        label=dataset.label or domain.label,
        labels=MappingProxyType(
            {name: variable.label for name, variable in domain.variables.items() if name in table.columns}
            | {name: label for name, label in dataset.labels.items() if name in table.columns and label}
        ),
        keys=tuple(key for key in domain.keys if key in table.columns),
        study=dataset.study or _only(table["STUDYID"]),
        warnings=(*dataset.warnings, *found.warnings),
    )


def make_dataset(table: pl.DataFrame, domain: str) -> Dataset:
    """A table of ours as the dataset of a domain. Raises as `as_sdtm` does."""
    return as_sdtm(Dataset(name=domain, table=table, file=domain))


def _check_columns(table: pl.DataFrame, domain: Domain, found: Findings) -> None:
    spelt = {name.casefold(): name for name in table.columns}
    for name, variable in domain.variables.items():
        if variable.core is Core.REQUIRED and name not in table.columns:
            written = spelt.get(name.casefold())
            found.report(
                "missing-variable",
                f"`{name}`, which {domain.name} must have, is not there",
                column=name,
                fix=f"write `{written}` in capitals" if written else "",
            )
    for name in table.columns:
        if name not in domain.variables:
            meant = nearest(name, [other for other in domain.variables if other not in table.columns])
            found.warn(
                "unknown-variable",
                f"`{name}` is no variable of {domain.name} in the catalogue; it is kept as it is",
                column=name,
                fix=f"did you mean `{meant}`?" if meant else "",
            )


def _check_domain(table: pl.DataFrame, domain: Domain, found: Findings) -> None:
    """A file of another domain under this name."""
    found.report(
        "wrong-dataset",
        lambda row: f"expected `{domain.name}`, found {describe(table['DOMAIN'][row])}",
        rows=rows_where(table["DOMAIN"] != domain.name),
        column="DOMAIN",
    )


def _only(values: pl.Series) -> str:
    """The value of a column that has one and the same throughout, else nothing."""
    distinct = values.drop_nulls().unique()
    return str(distinct[0]) if len(distinct) == 1 else ""


def _kind_of(dtype: pl.DataType) -> ValueKind:
    if dtype.is_integer():
        return ValueKind.INTEGER
    return ValueKind.NUMBER if dtype.is_numeric() else ValueKind.TEXT


# --- kinds ------------------------------------------------------------------------------------------------------------


def _as_kind(column: pl.Series, kind: ValueKind, found: Findings, *, is_untyped: bool) -> pl.Series:
    """The column in the type of its kind; what does not fit is reported."""
    text = _as_text(column)
    if text is not None:
        text = text.replace_strict({"": None}, default=text, return_dtype=pl.String)
        if kind.dtype == pl.String:
            return text
        if is_untyped or text.null_count() == len(text):
            return _read_numbers(text, kind, found)
    elif kind.dtype != pl.String and column.dtype.is_numeric():
        return _as_numbers(column, kind, found)
    elif column.dtype == pl.Null:
        return column.cast(kind.dtype)
    expected = {ValueKind.INTEGER: "whole numbers", ValueKind.NUMBER: "numbers"}.get(kind, "text")
    what = "text" if text is not None else "numbers" if column.dtype.is_numeric() else str(column.dtype)
    fix = "write Y and N" if column.dtype == pl.Boolean else ""
    found.report("wrong-type", f"expected {expected}, found {what}", column=column.name, fix=fix)
    return column


def _as_text(column: pl.Series) -> pl.Series | None:
    """Text, categories, dates and local times as text; None if the column is none of these."""
    if column.dtype in (pl.String, pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    if column.dtype == pl.Date:
        return column.dt.to_string("%Y-%m-%d")
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is None:
        return column.dt.to_string("%Y-%m-%dT%H:%M:%S%.f")
    return None


def _read_numbers(text: pl.Series, kind: ValueKind, found: Findings) -> pl.Series:
    numbers, wrong = read_numbers(text)
    found.report(
        "not-a-number",
        lambda row: f"expected a number, found {describe(text[row])}",
        rows=wrong,
        column=text.name,
    )
    return numbers if wrong else _as_numbers(numbers, kind, found)


_EXACT = 2**53
"""Whole numbers up to this are exact as doubles, the numbers of every exchange format."""


def _as_numbers(column: pl.Series, kind: ValueKind, found: Findings) -> pl.Series:
    numbers = column.cast(pl.Float64)
    found.report(
        "not-a-number",
        "expected a number, found one that is none (NaN or infinite): missing is null",
        rows=rows_where(~numbers.is_finite()),
        column=column.name,
    )
    is_whole = kind is ValueKind.INTEGER or column.dtype.is_integer()
    exact = column.cast(pl.Int128) if column.dtype.is_integer() else numbers
    found.report(
        "out-of-range",
        lambda row: f"a whole number must lie between -2^53 and 2^53, found {describe(column[row])}",
        rows=rows_where(numbers.is_finite() & ((exact > _EXACT) | (exact < -_EXACT))) if is_whole else (),
        column=column.name,
    )
    if kind is ValueKind.NUMBER:
        return numbers
    found.report(
        "not-whole",
        lambda row: f"expected a whole number, found {describe(column[row])}",
        rows=rows_where(numbers.is_finite() & (numbers != numbers.round())),
        column=column.name,
    )
    return numbers if found.errors else numbers.cast(pl.Int64)
