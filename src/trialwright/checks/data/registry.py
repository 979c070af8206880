"""What a check of data is: one function over the tables of a study, and the page that explains it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import polars as pl

from trialwright.checks.data.tables import StudyTables
from trialwright.checks.registry import CheckPage
from trialwright.vocabulary.problems import Severity

Base = Literal["durvalumab", "prtras"]

PLACES = ("ROW", "USUBJID", "SEQ", "MESSAGE")
"""Record (from 1), subject and sequence number, null where none is meant, and what is told of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a check found something in one variable of one dataset: a row of `PLACES` for each record."""

    dataset: str
    variable: str
    rows: pl.DataFrame
    fix: str = ""


def found(dataset: str, variable: str, rows: pl.DataFrame, message: pl.Expr | str, fix: str = "") -> Found:
    """What was found in rows of a table of `StudyTables`, or in rows of persons, which are no records."""
    told = pl.lit(message) if isinstance(message, str) else message
    missing = {"ROW": pl.Int64, "USUBJID": pl.String, "SEQ": pl.Int64}
    places = [
        pl.col(name).cast(dtype) if name in rows.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in missing.items()
    ]
    # polars 2.1.0 ends the program where `pl.format` meets a column whose first chunk is empty
    return Found(dataset, variable, rows.rechunk().select(*places, told.alias("MESSAGE")), fix)


def of_dataset(dataset: str, variable: str, message: str, fix: str = "") -> Found:
    """What was found of a dataset or a variable as a whole."""
    return found(dataset, variable, pl.DataFrame({"ROW": [None]}), message, fix)


Search = Callable[[StudyTables], Iterator[Found]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheck(CheckPage):
    """A question asked of the data of a study.

    Parameters
    ----------
    search : callable
        Yields what is found.
    needs : tuple of str
        Datasets without which it cannot be asked.
    needs_protocol : bool
    left_out : str
        What derivations do without where it is found; empty if they use the record.
    base : str
        The sound study that the lines of the page belong to.
    """

    search: Search
    needs: tuple[str, ...] = ()
    needs_protocol: bool = False
    left_out: str = ""
    base: Base = "durvalumab"


def data_check(
    code: str,
    severity: Severity,
    *,
    title: str,
    why: str,
    example: str,
    cure: str,
    source: str,
    needs: tuple[str, ...] = (),
    needs_protocol: bool = False,
    left_out: str = "",
    base: Base = "durvalumab",
) -> Callable[[Search], DataCheck]:
    """Make a check of the function below; see `DataCheck`."""

    def made(search: Search) -> DataCheck:
        return DataCheck(
            code=code,
            severity=severity,
            title=title,
            why=" ".join(why.split()),
            example=example.strip("\n"),
            cure=cure.strip("\n"),
            source=source,
            needs=needs,
            needs_protocol=needs_protocol,
            left_out=left_out,
            base=base,
            search=search,
        )

    return made


# --- messages ---------------------------------------------------------------------------------------------------------


def say(template: str, *parts: pl.Expr) -> pl.Expr:
    """A message of each row; `{}` stands for the parts, one after another."""
    return pl.format(template, *(part.cast(pl.String).fill_null("nothing") for part in parts))


def number(value: pl.Expr) -> pl.Expr:
    """A number as people write it: 39 rather than 39.0."""
    rounded = value.cast(pl.Float64).round_sig_figs(6).cast(pl.String)
    return rounded.str.strip_suffix(".0")
