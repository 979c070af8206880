"""Dates as columns of minutes: moved, compared, and whether a span holds them, as codes of verdicts.

The same meanings as the readers of rules have (`evaluation.moments`, `evaluation.date_terms`): two dates of one day are
one moment unless their times tell which came first.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from trialwright.vocabulary.durations import Duration, TimeUnit
from trialwright.vocabulary.verdicts import Reason, Verdict

MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
MISSING, IMPRECISE = Reason.MISSING.code, Reason.IMPRECISE_DATE.code

OFFSETS = {
    TimeUnit.HOURS: "h",
    TimeUnit.DAYS: "d",
    TimeUnit.WEEKS: "w",
    TimeUnit.MONTHS: "mo",
    TimeUnit.YEARS: "y",
}
"""How polars spells the units of a length."""


class Minutes(NamedTuple):
    """The first and the last minute that a date can be, as columns; both null where it is not known at all."""

    first: pl.Expr
    last: pl.Expr

    @classmethod
    def of(cls, prefix: str = "") -> Minutes:
        """The columns `earliest` and `latest`, or those with a prefix."""
        return cls(pl.col(f"{prefix}earliest"), pl.col(f"{prefix}latest"))

    @property
    def is_known(self) -> pl.Expr:
        return self.first.is_not_null()

    def moved(self, length: Duration | None, sign: str = "+") -> Minutes:
        """So much later or earlier: hours by the clock, days by the calendar at the same time of day.

        Months end early: the 30th at noon and the 31st at six may both become the 30th, and then its whole day.
        """
        if length is None:
            return self
        offset = f"{'-' if sign == '-' else ''}{length.amount}{OFFSETS[length.unit]}"
        first, last = self.first.dt.offset_by(offset), self.last.dt.offset_by(offset)
        if length.unit not in (TimeUnit.MONTHS, TimeUnit.YEARS):
            return Minutes(first, last)
        is_of_days = self.first.dt.date() < self.last.dt.date()
        morrow = self.first.dt.truncate("1d").dt.offset_by("1d").dt.offset_by(offset)
        eve = self.last.dt.truncate("1d").dt.offset_by("-1m").dt.offset_by(offset)
        return Minutes(
            pl.when(is_of_days).then(pl.min_horizontal(first, morrow)).otherwise(first),
            pl.when(is_of_days).then(pl.max_horizontal(last, eve)).otherwise(last),
        )

    def named(self, prefix: str = "") -> list[pl.Expr]:
        return [self.first.alias(f"{prefix}earliest"), self.last.alias(f"{prefix}latest")]


def on_or_before(a: Minutes, b: Minutes) -> pl.Expr:
    """Met, not met or imprecise; missing where either is not known."""
    never = a.first > b.last
    surely = a.last.dt.date() <= b.first.dt.date()
    code = pl.when(never).then(NOT_MET).when(surely).then(MET).otherwise(IMPRECISE)
    return pl.when(a.is_known & b.is_known).then(code).otherwise(MISSING).cast(pl.UInt8)


def before(a: Minutes, b: Minutes) -> pl.Expr:
    return negated(on_or_before(b, a))


def negated(code: pl.Expr) -> pl.Expr:
    return pl.when(code == MET).then(NOT_MET).when(code == NOT_MET).then(MET).otherwise(code).cast(pl.UInt8)


def all_of(*codes: pl.Expr) -> pl.Expr:
    """And: not met if any is, else the reason that is told first, else met."""
    told = pl.max_horizontal(pl.when(code != MET).then(code) for code in codes)
    return pl.when(told.is_null()).then(MET).when(pl.any_horizontal(code == NOT_MET for code in codes)).then(NOT_MET).otherwise(told).cast(pl.UInt8)  # fmt: skip
