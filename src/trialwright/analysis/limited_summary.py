"""Mean, spread and quantiles of values of which some are only known to lie between limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

import polars as pl

from trialwright.analysis.results import Recorder, Where
from trialwright.statistics.descriptive import summarise_numbers
from trialwright.statistics.limited_values import quantile_limits

MOST_LIMITED = 0.5
"""Where a larger share of values is not exact, no mean is given: it would be a mean of guesses."""
MEANS = ("mean", "sd")
QUANTILES: Mapping[str, float] = MappingProxyType(
    {"median": 0.5, "q1": 0.25, "q3": 0.75, "minimum": 0.0, "maximum": 1.0}
)
_ROUNDING = 1e-12
"""Two ways to compute one number differ by less, and no two measured values do."""
_TOO_LIMITED = "more than half are not exact"
_NO_NUMBER = "no number stands for one of the values"
_NOT_EXACT = "known only between limits"


@dataclass(frozen=True, slots=True)
class LimitedValues:
    """Where each value may lie, and the number that stands for it in means (null where none does).

    `frame` has `least`, `most` and `imputed`; `nobody` says why there is no mean where there is no value.
    """

    frame: pl.DataFrame
    nobody: str

    @classmethod
    def of(cls, rows: pl.DataFrame, least: pl.Expr, most: pl.Expr, imputed: pl.Expr, *, nobody: str) -> Self:
        """An end that no arithmetic gives, or that nobody knows, is open."""
        ends = (least.fill_nan(None).fill_null(-math.inf), most.fill_nan(None).fill_null(math.inf))
        return cls(
            rows.select(ends[0].alias("least"), ends[1].alias("most"), imputed.alias("imputed")), nobody
        )

    @property
    def n(self) -> int:
        return self.frame.height

    @property
    def n_limited(self) -> int:
        return int((self.frame["least"] != self.frame["most"]).sum())

    @property
    def numbers(self) -> list[float]:
        """The numbers that means rest on."""
        return self.frame["imputed"].drop_nulls().to_list()

    @property
    def why_no_mean(self) -> str:
        if not self.n:
            return self.nobody
        if self.n_limited > MOST_LIMITED * self.n:
            return _TOO_LIMITED
        return "" if len(self.numbers) == self.n else _NO_NUMBER


def is_known(lo: str, hi: str) -> pl.Expr:
    """Whether anything is known of a number: it has a lower or an upper limit."""
    return pl.col(lo).is_finite().fill_null(value=False) | pl.col(hi).is_finite().fill_null(value=False)


def add_summary(
    recorder: Recorder,
    values: LimitedValues,
    unit: str,
    where: Where,
    *,
    conventions: Mapping[str, Any] | None = None,
) -> None:
    """Mean, spread and quantiles.

    Means use the number that stands for a value that is not exact, and are not given where these are too many. Quantiles put
    nothing in place of a value: where they are not known exactly, `..._least` and `..._most` say between which limits they
    lie.
    """
    if not values.n:
        recorder.add_missing((*MEANS, *QUANTILES), values.nobody, **where)
        return
    if reason := values.why_no_mean:
        recorder.add_missing(MEANS, reason, **where)
    else:
        summary = summarise_numbers(values.numbers)
        for statistic in MEANS:
            recorder.add(
                statistic,
                getattr(summary, statistic),
                unit,
                note="one value has no spread",
                conventions=conventions,
                **where,
            )
    least, most = values.frame["least"].to_list(), values.frame["most"].to_list()
    for statistic, probability in QUANTILES.items():
        low, high = quantile_limits(least, most, probability)
        is_exact = math.isclose(low, high, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
        found = {statistic: (low if is_exact else None, _NOT_EXACT)}
        if not is_exact:
            found |= {
                f"{statistic}_least": (low, "no lower limit"),
                f"{statistic}_most": (high, "no upper limit"),
            }
        for name, (value, note) in found.items():
            recorder.add(name, value, unit, note=note, conventions=conventions, **where)
