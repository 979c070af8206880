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

from trialwright.design.virtual.draws import Flags, Whole
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
    words: tuple[str | None, ...]

    def __getitem__(self, some: Any) -> Words:
        return Words(self.number[some], self.words)

    def tolist(self) -> Any:
        """As nested lists of words."""
        return np.array(self.words, dtype=object)[self.number].tolist()

    @classmethod
    def either(cls, flags: Flags, yes: str = "Y", no: str = "N") -> Words:
        """One word where it is so, another where it is not."""
        return cls(flags.astype(np.int8), (no, yes))

    @classmethod
    def of(cls, value: Any) -> Words:
        """Words however they were given: as such, as one word for all, or as a list or an array of them."""
        if isinstance(value, Words):
            return value
        if value is None or isinstance(value, str):
            return cls(_ONE, (value,))
        place: dict[str | None, int] = {}
        number = [place.setdefault(word, len(place)) for word in np.asarray(value).tolist()]
        return cls(np.array(number, dtype=np.int64), tuple(place))


_ONE = np.zeros(1, dtype=np.int8)


class Rows:
    """Rows of all domains, as they are made; they become frames for many trials at once (`frame_of`)."""

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


def frame_of(domain: str, trials: Sequence[Rows], offsets: Sequence[int]) -> pl.DataFrame:
    """All rows of a domain of several trials; none gives a frame of no columns but `subject`.

    They stand by subject and day, those of one day as they were added, and have their sequence numbers where the domain
    has them. An empty text is null. What takes time is to move columns: the order is found first, texts are numbers of
    words until then, and what is one value for all rows of a call is looked up by the number of the call.

    Parameters
    ----------
    domain : str
    trials : sequence of Rows
    offsets : sequence of int
        What is added to the numbers of the subjects of each trial.
    """
    calls = [
        (one, offset)
        for rows, offset in zip(trials, offsets, strict=True)
        for one in rows.of(domain)
        if len(one.subject)
    ]
    if not calls:
        return pl.DataFrame(schema={"subject": pl.Int64})
    sizes = [len(one.subject) for one, _ in calls]
    names = dict.fromkeys(name for one, _ in calls for name in one.columns)
    given = {name: [one.columns.get(name) for one, _ in calls] for name in names}
    subject = np.concatenate([one.subject + offset for one, offset in calls])
    day = _joined(given[_date_of(domain)], sizes, NO_DAY)
    order = np.argsort(subject * _ABOVE_ALL_DAYS + day, kind="stable")
    subject = subject[order]
    call = np.repeat(np.arange(len(calls), dtype=np.uint32), sizes)[order]
    numbers = {
        name for name, variable in domains()[domain].variables.items() if variable.kind.dtype != pl.String
    }
    made = [pl.Series("subject", subject)]
    for name, values in given.items():
        if _is_text(values) and not any(isinstance(value, _MANY) for value in values):
            made.append(_texts(name, values)[call])
        else:
            made.append(series_of(name, values, sizes, order, none=np.nan if name in numbers else NO_DAY))
    if (sequence := domains()[domain].sequence) is not None:
        first = np.searchsorted(subject, np.arange(subject[-1] + 1))
        made.append(pl.Series(sequence, np.arange(len(subject)) - first[subject] + 1))
    return pl.DataFrame(made)


_MANY = (np.ndarray, list, Words)


def _is_text(values: Sequence[Any]) -> bool:
    told = next((value for value in values if value is not None), "")
    return isinstance(told, str | Words) or np.asarray(told).dtype.kind in "UO"


def _texts(name: str, words: Sequence[str | None]) -> pl.Series:
    return pl.Series(name, [word or None for word in words], pl.String)


def series_of(
    name: str,
    values: Sequence[Any],
    sizes: Sequence[int],
    order: Whole | slice = slice(None),
    *,
    none: float = np.nan,
) -> pl.Series:
    """Values one after the other, each an array of its size or one that stands so often, and then in this order.

    `none` is a number that is missing; a text that is missing or empty is null.
    """
    if not _is_text(values):
        return pl.Series(name, _joined(values, sizes, none)[order])
    told = _together(values, sizes)
    series: pl.Series = _texts(name, told.words)[told.number[order]]
    return series


def _joined(
    values: Sequence[Any], sizes: Sequence[int], none: float
) -> np.ndarray[tuple[int], np.dtype[Any]]:
    given = [none if value is None else value for value in values]
    number = np.empty(sum(sizes), np.result_type(*{np.asarray(value).dtype for value in given}))
    end = 0
    for value, size in zip(given, sizes, strict=True):
        number[end : end + size] = value
        end += size
    return number


def _together(values: Sequence[Any], sizes: Sequence[int]) -> Words:
    """Words one after the other, as `_joined` does with numbers."""
    first: dict[tuple[str | None, ...], int] = {}
    words: list[str | None] = []
    number = np.empty(sum(sizes), dtype=np.uint32)
    end = 0
    for value, size in zip(values, sizes, strict=True):
        told = Words.of(value)
        if told.words not in first:
            first[told.words] = len(words)
            words += told.words
        part = number[end : end + size]
        part[:] = told.number
        part += first[told.words]
        end += size
    return Words(number, tuple(words))


def day_texts(days: pl.Series) -> pl.Series:
    """Days since 1970-01-01 as ISO 8601, each day that occurs written once; `NO_DAY` is missing."""
    number = days.fill_null(NO_DAY).to_numpy()
    told = number[number != NO_DAY]
    if not len(told):
        return pl.Series(days.name, [None] * len(days), pl.String)
    first = told.min()
    written = np.arange(first - 1, told.max() + 1).astype("datetime64[D]")
    written[0] = "NaT"
    place = np.maximum(number - (first - 1), 0)
    texts: pl.Series = pl.Series(days.name, written).dt.to_string("%Y-%m-%d")[place]
    return texts


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
    variables = domains()[name].variables
    by = _date_of(name)
    dates = [
        column
        for column, dtype in frame.schema.items()
        if column in variables and variables[column].kind is ValueKind.DATE and dtype.is_integer()
    ]
    table = frame.with_columns(day_texts(frame[column]) for column in dates)
    if "is_partial" in table.columns:
        whole = pl.col("is_partial") != 1
        table = table.with_columns(pl.when(whole).then(by).otherwise(pl.col(by).str.head(7)).alias(by))
    told = subjects.select(column for column in subjects.columns if column in variables)
    table = table.hstack(told[table["subject"]]).with_columns(
        pl.lit(study).alias("STUDYID"), pl.lit(name).alias("DOMAIN"), pl.lit("Y").alias("SIMULATED")
    )
    order = [column for column in variables if column in table.columns]
    return table.select(_typed(column, variables[column].kind) for column in order)


def _typed(column: str, kind: ValueKind) -> pl.Expr:
    """Of its type; a number that is none is missing."""
    value = pl.col(column).cast(kind.dtype)
    return value.fill_nan(None) if kind.dtype == pl.Float64 else value
