"""Columns of frames as the numbers and moments that `medicine` takes, and its answers as columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from trialwright.medicine.known import Known
from trialwright.medicine.moments import ANY_TIME, Moments
from trialwright.records.runs import read_by_runs
from trialwright.vocabulary.intervals import Intervals
from trialwright.vocabulary.verdicts import Codes, Reason, Verdict

_MINUTE_US = 60_000_000
_ANSWERS = {True: Verdict.MET.code, False: Verdict.NOT_MET.code}
REASONS = {reason.code: reason.value for reason in Reason}
"""The reason of each code of an unknown verdict, in words."""
_WORDS = pl.Series([REASONS.get(code) for code in range(256)])


def as_moments(earliest: pl.Series, latest: pl.Series) -> Moments:
    """Moments from the first and last minute (or day) each may be; null is any time."""
    first, last = (
        (side.cast(pl.Datetime("us")).cast(pl.Int64) // _MINUTE_US).fill_null(beyond).to_numpy()
        for side, beyond in ((earliest, -ANY_TIME), (latest, ANY_TIME))
    )
    if latest.dtype == pl.Date:
        last = np.where(last == ANY_TIME, ANY_TIME, last + (24 * 60 - 1))
    return Moments(first, last)


def as_known(
    lo: pl.Series,
    hi: pl.Series,
    lo_open: pl.Series,
    hi_open: pl.Series,
    reason: pl.Series,
    *,
    converted: pl.Series,
) -> Known:
    """Numbers from where to where each may lie; those with null bounds are missing.

    Numbers that are not exact and have no reason of their own are censored.
    """
    low, high = (side.cast(pl.Float64).fill_null(np.nan).to_numpy() for side in (lo, hi))
    is_missing = np.isnan(low) | np.isnan(high)
    told = reason.fill_null(0).to_numpy().astype(np.uint8)
    told = np.where(told == 0, np.uint8(Reason.CENSORED.code), told)
    bounds = Intervals(
        np.where(is_missing, -np.inf, low),
        np.where(is_missing, np.inf, high),
        np.where(is_missing, True, lo_open.fill_null(value=False).to_numpy()),
        np.where(is_missing, True, hi_open.fill_null(value=False).to_numpy()),
    )
    return Known(
        bounds,
        np.where(is_missing, np.uint8(Reason.MISSING.code), told),
        is_calculated=converted.fill_null(value=False).to_numpy(),
    )


def as_codes(answers: pl.Series) -> Codes:
    """True, False and null as verdict codes; null is missing."""
    codes = answers.replace_strict(_ANSWERS, default=Reason.MISSING.code, return_dtype=pl.UInt8)
    return codes.to_numpy()


def reason_words(codes: Codes) -> pl.Series:
    """The reason of each unknown verdict in words; null of verdicts that are known."""
    return _WORDS.gather(pl.Series(codes))


def first_told(reason: str) -> pl.Expr:
    """Of the reasons in a column the one that is told first."""
    order = [one.value for one in Reason]
    return pl.col(reason).sort_by(
        pl.col(reason).replace_strict(
            dict(zip(order, range(len(order)), strict=True)), default=len(order), return_dtype=pl.Int64
        ),
        nulls_last=True,
    ).first()  # fmt: skip


def was_done(status: str) -> pl.Expr:
    """Whether a record tells of something that took place: its `--STAT` does not say that it was not done."""
    return spelt(pl.col(status)).ne_missing("NOT DONE")


def spelt(text: pl.Expr) -> pl.Expr:
    """A text as names are compared: capitals, one space for runs of spaces and underscores."""
    return text.str.to_uppercase().str.replace_all(r"[\s_]+", " ").str.strip_chars()


def meanings(texts: pl.Series, meant: Mapping[str, str]) -> pl.Series:
    """What each text means by how it is spelt; null where it means none of these. Many records say few different texts."""

    def of_some(some: pl.Series) -> pl.DataFrame:
        distinct = some.drop_nulls().unique()
        names = distinct.to_frame("text").select(spelt(pl.col("text"))).to_series()
        known = {text: meant[name] for text, name in zip(distinct, names, strict=True) if name in meant}
        return some.replace_strict(known, default=None, return_dtype=pl.String).to_frame("meant")

    return texts if texts.null_count() == len(texts) else read_by_runs(texts, of_some)["meant"]


def is_spelt(texts: pl.Series, *names: str) -> pl.Series:
    """Whether each text is one of some names, as names are spelt; where there is no text it is none."""
    return meanings(texts, dict.fromkeys(names, "")).is_not_null()


def study_day(day: pl.Expr, start: pl.Expr) -> pl.Expr:
    """The CDISC day of a date: there is no day 0."""
    elapsed = (day - start).dt.total_days()
    return elapsed + (elapsed >= 0).cast(pl.Int64)


def completed_years(birth: pl.Expr, on: pl.Expr) -> pl.Expr:
    """Years of age completed on a day, the birthday included; born on 29 February one becomes older on 1 March."""
    # polars counts months in 8 bits, too few for a month and its day in one number
    in_year = [day.dt.month().cast(pl.Int32) * 100 + day.dt.day() for day in (birth, on)]
    return on.dt.year() - birth.dt.year() - (in_year[1] < in_year[0]).cast(pl.Int32)


def yes(condition: pl.Expr) -> pl.Expr:
    """`Y` where it holds, else null."""
    return pl.when(condition).then(pl.lit("Y"))


def yes_no(condition: pl.Expr) -> pl.Expr:
    """`Y`, `N`, or null where the condition is."""
    return pl.when(condition).then(pl.lit("Y")).when(~condition).then(pl.lit("N"))
