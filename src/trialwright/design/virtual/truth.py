"""The truth of a virtual trial: what happened to each subject, and what a perfect reader of the records could see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from trialwright.design.virtual.draws import NEVER, Flags, Whole
from trialwright.design.virtual.observed_advanced import Seen
from trialwright.design.virtual.tables import NO_DAY, Rows, series_of

CENSORING = {"event": 0, "censored": 1, "competing": 2}
"""CNSR of each way a follow-up can end; what is not evaluable has none."""


@dataclass(frozen=True, slots=True)
class MadeTrial:
    """One virtual trial.

    Attributes
    ----------
    n : int
        Subjects, screening failures included.
    zero : ndarray of shape (n,)
        Time zero of each, in days since 1970-01-01.
    rows : Rows
    latent : mapping of str to array
        What happened, by column; dates in days since 1970-01-01.
    seen : iterable of (subject, Seen)
        To be gone through once.
    """

    n: int
    zero: Whole
    rows: Rows
    enrolled: Flags
    latent: Mapping[str, object]
    seen: Iterable[tuple[int, Seen]] = field(default_factory=tuple)


def true_dates(zero: Whole, **days: Whole) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.datetime64]]]:
    """Columns of dates from days after time zero; `NEVER` is missing."""
    return {
        name: np.where(day >= NEVER, np.datetime64("NaT"), (zero + day).astype("datetime64[D]"))
        for name, day in days.items()
    }


def latent_frame(trials: Sequence[MadeTrial]) -> pl.DataFrame:
    """What happened to the subjects of all trials, numbered through."""
    sizes = [trial.n for trial in trials]
    columns = [series_of(name, [trial.latent[name] for trial in trials], sizes) for name in trials[0].latent]
    return pl.DataFrame([pl.Series("subject", np.arange(sum(sizes))), *columns])


def observable_frame(trial: MadeTrial) -> pl.DataFrame:
    """What can be seen, one row a subject, protocol element and reader; of `facts.irecist_response` one row a scan.

    `ANSWER` of an event or a rate is Y, N or U; `ADT` when it was first so, when the follow-up ended, or the day of the
    scan; `AVAL` days with the start as day 1 and `CNSR` of times; `RESPONSE` of best responses and of scans; `N_ASSESSED`
    occasions to see it.
    """
    columns: dict[str, list[object]] = {
        name: []
        for name in (
            "subject",
            "ELEMENT",
            "READER",
            "ANSWER",
            "ADT",
            "AVAL",
            "CNSR",
            "WHY",
            "RESPONSE",
            "N_ASSESSED",
        )
    }
    zero = trial.zero.tolist()
    for subject, seen in trial.seen:
        answer = why = None
        censored: int | None = None
        start = 0
        day = seen.day
        if seen.finding is not None:
            answer = {True: "Y", False: "N", None: "U"}[seen.finding.answer]
            day = seen.finding.day
        if seen.followed is not None:
            day, why, start = seen.followed.day, seen.followed.why, seen.followed.start
            censored = CENSORING.get(seen.followed.how)
        values = (
            subject, seen.element, seen.reader, answer, None if day is None else zero[subject] + day,
            None if day is None or censored is None else day - start + 1, censored, why, seen.response, seen.n_assessed,
        )  # fmt: skip
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    return pl.DataFrame(columns, schema=_OBSERVABLE).with_columns(pl.col("ADT").cast(pl.Int32).cast(pl.Date))


_OBSERVABLE = {
    "subject": pl.Int64, "ELEMENT": pl.String, "READER": pl.String, "ANSWER": pl.String, "ADT": pl.Int64,
    "AVAL": pl.Int64, "CNSR": pl.Int64, "WHY": pl.String, "RESPONSE": pl.String, "N_ASSESSED": pl.Int64,
}  # fmt: skip


def present(day: Whole) -> Whole:
    """Dates for rows: `NO_DAY` where there is none."""
    return np.where(day >= NEVER, NO_DAY, day)
