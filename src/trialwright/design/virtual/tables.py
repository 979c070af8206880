"""Rows of a virtual trial, by domain, until they become SDTM tables.

A row has the number of its subject, its days as whole numbers (days since 1970-01-01) and whatever else its domain
says. Only when all trials are there do days become text and rows get their sequence numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from trialwright.design.virtual.draws import Flags
from trialwright.records.sdtm import ValueKind, domains

NO_DAY = -(10**6)
"""A date that is not there."""
_ABOVE_ALL_DAYS = 10**7
"""More than any two days are apart."""

_STARTS = frozenset({"AE", "CM", "DS", "EX", "PR", "SV"})


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """A column, of any shape, in which few words stand over and over: the place in `words` of the one that stands there."""

    number: np.ndarray[tuple[int, ...], np.dtype[np.integer[Any]]]
    words: tuple[str, ...]

    def __getitem__(self, some: Any) -> Words:
        return Words(self.number[some], self.words)

    def tolist(self) -> Any:
        """As nested lists of words."""
        return np.array(self.words, dtype=object)[self.number].tolist()

    @classmethod
    def either(cls, flags: Flags, yes: str = "Y", no: str = "N") -> Words:
        """One word where it is so, another where it is not."""
        return cls(flags.astype(np.int8), (no, yes))


class Rows:
    """Rows of all domains, as they are made; they become frames for many trials at once (`frames_of`)."""

    def __init__(self) -> None:
        self._added: dict[str, list[_Added]] = {name: [] for name in domains()}

    def add(self, domain: str, subject: Any, **columns: Any) -> None:
        """Add a row for each number in `subject`; a column is an array as long, or one value for all.

        Dates are days since 1970-01-01; `NO_DAY` is none. Words that come over and over are given as `Words`.
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
    if not parts:
        return pl.DataFrame(schema={"subject": pl.Int64})
    return pl.concat(parts, how="diagonal_relaxed", rechunk=True)


def _frame_of(calls: Sequence[tuple[_Added, int]]) -> pl.DataFrame:
    subject = pl.Series("subject", np.concatenate([one.subject + offset for one, offset in calls]))
    made = [subject]
    for name in calls[0][0].columns:
        values = [one.columns[name] for one, _ in calls]
        if not isinstance(values[0], _MANY) and all(value == values[0] for value in values):
            made.append(pl.Series(name, [values[0]]).new_from_index(0, len(subject)))
            continue
        parts = [_column(name, one.columns[name], len(one.subject)) for one, _ in calls]
        made.append(_joined(name, parts))
    return pl.DataFrame(made)


def _column(name: str, value: Any, n: int) -> Any:
    """A column as it came; one value becomes as many."""
    if isinstance(value, _MANY):
        return value
    return pl.Series(name, [value]).new_from_index(0, n)


_MANY = (np.ndarray, list, pl.Series, Words)


def _joined(name: str, parts: Sequence[Any]) -> pl.Series:
    if all(isinstance(part, np.ndarray) for part in parts):
        return pl.Series(name, np.concatenate(parts))
    if all(isinstance(part, Words) for part in parts):
        words = [word for part in parts for word in part.words]
        starts = np.cumsum([0, *(len(part.words) for part in parts)])
        place = [part.number + start for part, start in zip(parts, starts, strict=False)]
        return pl.Series(name, words, pl.String)[np.concatenate(place)]
    return pl.concat([pl.Series(name, part) for part in parts])


def day_texts(days: pl.Series) -> pl.Series:
    """Days since 1970-01-01 as ISO 8601, each day that occurs written once; `NO_DAY` is missing."""
    number = days.fill_null(NO_DAY).to_numpy()
    is_told = number != NO_DAY
    if not is_told.any():
        return pl.Series(days.name, [None] * len(days), pl.String)
    told = number[is_told]
    first = told.min()
    written = pl.Series(days.name, np.arange(first, told.max() + 1).astype("datetime64[D]")).dt.to_string(
        "%Y-%m-%d"
    )
    return written.extend_constant(None, 1)[np.where(is_told, number - first, -1)]


def in_order(domain: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows by subject and day, those of one day as they were; with their sequence numbers where the domain has them."""
    subject, day = frame["subject"].to_numpy(), frame[_date_of(domain)].fill_null(NO_DAY).to_numpy()
    order = np.argsort(subject * _ABOVE_ALL_DAYS + day, kind="stable")
    frame, subject = frame[order], subject[order]
    sequence = domains()[domain].sequence
    if sequence is None:
        return frame
    first = np.searchsorted(subject, np.arange(subject.max(initial=-1) + 1))
    return frame.with_columns(pl.Series(sequence, np.arange(len(subject)) - first[subject] + 1))


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
        `subject` (from 0, one row each), `USUBJID`, `SUBJID`, `TRIAL`.
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
    table = frame.with_columns(day_texts(frame[column]) for column in dates)
    if "is_partial" in table.columns:
        whole = ~pl.col("is_partial").fill_null(value=False)
        table = table.with_columns(pl.when(whole).then(by).otherwise(pl.col(by).str.head(7)).alias(by))
    table = table.hstack(subjects.drop("subject")[table["subject"]]).with_columns(
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
