"""Rows of a virtual trial, by domain, until they become SDTM tables.

A row has the number of its subject, its days as whole numbers (days since 1970-01-01) and whatever else its domain
says. Only when all trials are there do days become text and rows get their sequence numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from trialwright.records.sdtm import ValueKind, domains

NO_DAY = -(10**6)
"""A date that is not there."""

_STARTS = frozenset({"AE", "CM", "DS", "EX", "PR", "SV"})


class Rows:
    """Rows of all domains, as they are made; they become frames for many trials at once (`frames_of`)."""

    def __init__(self) -> None:
        self._added: dict[str, list[_Added]] = {name: [] for name in domains()}

    def add(self, domain: str, subject: Any, **columns: Any) -> None:
        """Add a row for each number in `subject`; a column is an array as long, or one value for all.

        Dates are days since 1970-01-01; `NO_DAY` is none.
        """
        self._added[domain].append(_Added(np.asarray(subject, dtype=np.int64), columns))

    def of(self, domain: str) -> Sequence[_Added]:
        """What was added to a domain, in order."""
        return self._added[domain]


class _Added(NamedTuple):
    subject: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    columns: Mapping[str, Any]


def frames_of(domain: str, trials: Sequence[Rows], offsets: Sequence[int]) -> pl.DataFrame:
    """All rows of a domain of several trials; none gives a frame of no columns but `subject`.

    A call that adds rows is made once a trial, and what the trials added by it becomes one frame: building frames is what
    takes time. The order is by call, then by trial.

    Parameters
    ----------
    domain : str
    trials : sequence of Rows
    offsets : sequence of int
        What is added to the numbers of the subjects of each trial.
    """
    added = [rows.of(domain) for rows in trials]
    if len({tuple(tuple(one.columns) for one in calls) for calls in added}) == 1:
        together = [list(zip(calls, offsets, strict=True)) for calls in zip(*added, strict=True)]
    else:
        together = [[(call, offset)] for calls, offset in zip(added, offsets, strict=True) for call in calls]
    parts = [
        _frame_of(some)
        for calls in together
        if (some := [(one, offset) for one, offset in calls if len(one.subject)])
    ]
    return pl.concat(parts, how="diagonal_relaxed") if parts else pl.DataFrame(schema={"subject": pl.Int64})


def _frame_of(calls: Sequence[tuple[_Added, int]]) -> pl.DataFrame:
    subject = pl.Series("subject", np.concatenate([one.subject + offset for one, offset in calls]))
    made = [subject]
    for name in calls[0][0].columns:
        values = [one.columns[name] for one, _ in calls]
        if not isinstance(values[0], np.ndarray | list | pl.Series) and all(
            value == values[0] for value in values
        ):
            made.append(pl.Series(name, [values[0]]).new_from_index(0, len(subject)))
            continue
        parts = [_column(name, one.columns[name], len(one.subject)) for one, _ in calls]
        made.append(_joined(name, parts))
    return pl.DataFrame(made)


def _column(name: str, value: Any, n: int) -> Any:
    """A column as it came; one value becomes as many."""
    if isinstance(value, np.ndarray | list | pl.Series):
        return value
    return pl.Series(name, [value]).new_from_index(0, n)


def _joined(name: str, parts: Sequence[Any]) -> pl.Series:
    if all(isinstance(part, np.ndarray) for part in parts):
        return pl.Series(name, np.concatenate(parts))
    return pl.concat([pl.Series(name, part) for part in parts])


def day_texts(column: str) -> pl.Expr:
    """Days since 1970-01-01 as ISO 8601; `NO_DAY` is missing."""
    day = pl.col(column)
    return pl.from_epoch(pl.when(day > NO_DAY).then(day), "d").dt.to_string("%Y-%m-%d").alias(column)


def in_order(domain: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows by subject and day, with their sequence numbers where the domain has them."""
    frame = frame.sort("subject", _date_of(domain), maintain_order=True)
    sequence = domains()[domain].sequence
    if sequence is None:
        return frame
    return frame.with_columns(pl.int_range(1, pl.len() + 1).over("subject").alias(sequence))


def _date_of(domain: str) -> str:
    """The variable that says when something was."""
    if domain == "DM":
        return "RFICDTC"
    return f"{domain}STDTC" if domain in _STARTS else f"{domain}DTC"


def as_tables(
    frames: Mapping[str, pl.DataFrame], subjects: pl.DataFrame, study: str
) -> dict[str, pl.DataFrame]:
    """The rows of all trials as SDTM tables; domains without rows are left out.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        By domain, in order; `subject` numbers all subjects of all trials.
    subjects : DataFrame
        `subject`, `USUBJID`, `SUBJID`, `TRIAL`.
    study : str
        STUDYID.
    """
    return {name: _as_table(name, frame, subjects, study) for name, frame in frames.items() if frame.height}


def _as_table(name: str, frame: pl.DataFrame, subjects: pl.DataFrame, study: str) -> pl.DataFrame:
    domain = domains()[name]
    by = _date_of(name)
    dates = [
        column
        for column, dtype in frame.schema.items()
        if column in domain.variables
        and domain.variables[column].kind is ValueKind.DATE
        and dtype.is_integer()
    ]
    table = frame.with_columns(day_texts(column) for column in dates)
    if "is_partial" in table.columns:
        whole = ~pl.col("is_partial").fill_null(value=False)
        table = table.with_columns(pl.when(whole).then(by).otherwise(pl.col(by).str.head(7)).alias(by))
    table = table.join(subjects, on="subject", how="left", maintain_order="left").with_columns(
        pl.lit(study).alias("STUDYID"), pl.lit(name).alias("DOMAIN"), pl.lit("Y").alias("SIMULATED")
    )
    order = [column for column in domain.variables if column in table.columns]
    return table.select(_tidy(column, domain.variables[column].kind) for column in order)


def _tidy(column: str, kind: ValueKind) -> pl.Expr:
    """Of its type; an empty text and a number that is none are missing."""
    value = pl.col(column).cast(kind.dtype)
    if kind.dtype == pl.String:
        return pl.when(value != "").then(value).alias(column)
    return value.fill_nan(None) if kind.dtype == pl.Float64 else value
