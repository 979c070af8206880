"""Which result is the baseline of a fact: the one definition that datasets, covariates and rules share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import polars as pl

from trialwright.derivations.study import SUBJECT
from trialwright.derivations.timeline import moved
from trialwright.protocol.model import Baseline, Protocol
from trialwright.protocol.moments import Selection, parse_selection
from trialwright.vocabulary.verdicts import Reason

BASELINE: Mapping[str, pl.DataType] = {
    "base_lo": pl.Float64(),
    "base_hi": pl.Float64(),
    "base_lo_open": pl.Boolean(),
    "base_hi_open": pl.Boolean(),
    "base_level": pl.String(),
    "base_lln": pl.Float64(),
    "base_uln": pl.Float64(),
    "base_converted": pl.Boolean(),
    "base_code": pl.UInt8(),
    "base_day": pl.Date(),
    "base_source": pl.String(),
    "base_row": pl.Int64(),
    "base_is_old": pl.Boolean(),
}
"""A baseline: from where to where it may lie, its level, its own limits of normal, why it is not known (0 where it is)."""

_STALE = Reason.STALE.code
_CONFLICT, _IMPRECISE = Reason.CONFLICT.code, Reason.IMPRECISE_DATE.code


def baselines_of(protocol: Protocol) -> dict[str, Baseline]:
    """The baselines of a protocol by name, the one rules call `baseline` first."""
    named = dict(protocol.baselines)
    main = protocol.baseline
    if main is None:
        return named
    if main in named:
        return {main: named.pop(main)} | named
    return {"baseline": Baseline(take=main)} | named


def is_of(baseline: Baseline, fact: str) -> bool:
    """Whether a fact has this baseline: each has, unless it is told of one."""
    return selection_of(baseline).record.name in (None, fact)


def is_strict(baseline: Baseline) -> bool:
    """Whether a result on or before the moment may all the same be no baseline: too old, or of its day without a time."""
    refuses_old = baseline.within is not None and baseline.if_missing == "not evaluable"
    return refuses_old or baseline.same_day == "unknown"


def selection_of(baseline: Baseline) -> Selection:
    """Which record a baseline is, and up to which moment."""
    selection = _selection(baseline.take)
    if selection.until is None or selection.record.which != "last":
        raise ValueError(f"a baseline is the last result on or before a moment, not `{baseline.take}`")
    return selection


_selection = cache(parse_selection)


def find_baselines(results: pl.DataFrame, baseline: Baseline) -> pl.DataFrame:
    """The baseline of each subject in one fact.

    Parameters
    ----------
    results : DataFrame
        `SUBJECT`, `row`, the columns of observations, `base_from` and `base_to`; those that are results, of one fact.
    baseline : Baseline

    Returns
    -------
    found : DataFrame
        `SUBJECT` and the columns of `BASELINE`, for those of whom there is any candidate; whoever is not there has none.

    Notes
    -----
    The last result that is surely on or before the moment; of the moment's own day, unless times tell otherwise. Results
    that nobody can tell apart, and those of which nobody knows whether they came before, make a baseline that is not known
    unless they agree. The same as rules find it.
    """
    early, late = pl.col("earliest"), pl.col("latest")
    start, end = pl.col("base_from"), pl.col("base_to")
    surely = late <= start if baseline.same_day == "unknown" else late.dt.date() <= start.dt.date()
    rows = results.filter(early <= end).with_columns(surely.alias("surely"))
    last = rows.filter("surely").group_by(SUBJECT).agg(early.max().alias("latest_sure"))
    rows = rows.join(last, on=SUBJECT, how="left", maintain_order="left")
    kept = rows.filter(pl.col("latest_sure").is_null() | (late >= pl.col("latest_sure")))
    found = kept.group_by(SUBJECT, maintain_order=True).agg(_picked(baseline))
    return _judged(found, baseline)


def known_until(baseline: Baseline, base_from: str = "base_from", base_to: str = "base_to") -> pl.Expr:
    """The last minute of a result, beside the ends of the moment of baseline, so that readers of rules take its order as the baseline does.

    Readers take a result of the moment's own day as one before it, unless their times tell otherwise. Where a baseline takes
    such a result as of unknown order, it may be of the next day too.
    """
    late, start = pl.col("latest"), pl.col(base_from)
    if baseline.same_day == "before":
        return late
    may_be_before = (pl.col("earliest") <= pl.col(base_to)) & (late > start)
    midnight = start.dt.truncate("1d").dt.offset_by("1d")
    is_open = may_be_before & (late.dt.date() <= start.dt.date())
    return pl.when(is_open.fill_null(value=False)).then(midnight).otherwise(late)


def as_compared(results: pl.DataFrame, baseline: Baseline) -> pl.DataFrame:
    """The observations of one fact as a rule must read them that compares with a strict baseline.

    Readers look for the last result on or before the moment themselves. Results too old to be a baseline are there, and
    nobody knows them (`stale`); those of the moment's day may lie after it. This never decides what would be open.

    Parameters
    ----------
    results : DataFrame
        As for `find_baselines`; observations without result stay as they are.
    baseline : Baseline
    """
    found = find_baselines(results.filter(pl.col("reason").is_not_null()), baseline)
    stale = found.filter(pl.col("base_code") == _STALE).select(SUBJECT, is_stale=pl.lit(value=True))
    rows = results.join(stale, on=SUBJECT, how="left", maintain_order="left")
    is_gone = pl.col("is_stale") & (pl.col("earliest") <= pl.col("base_to")) & pl.col("reason").is_not_null()
    is_number = pl.col("lo").is_not_null()
    anything = {"lo": -np.inf, "hi": np.inf, "lo_open": True, "hi_open": True}
    return rows.with_columns(
        *(pl.when(is_gone & is_number).then(value).otherwise(name).alias(name) for name, value in anything.items()),
        pl.when(is_gone).then(None).otherwise("level").alias("level"),
        pl.when(is_gone).then(_STALE).otherwise("reason").cast(pl.UInt8).alias("reason"),
        known_until(baseline).alias("latest"),
    ).drop("is_stale")  # fmt: skip


def _picked(baseline: Baseline) -> list[pl.Expr]:
    """One row for the results that may be the baseline."""
    lo, hi = pl.col("lo").min(), pl.col("hi").max()
    alike = [pl.col(name).n_unique() == 1 for name in ("lo", "hi", "lo_open", "hi_open", "level", "reason")]
    is_whole = pl.col("earliest").dt.date() == pl.col("latest").dt.date()
    oldest = pl.col("base_from").dt.date()
    if baseline.within is not None:
        oldest = moved(oldest, baseline.within, "-")
    is_old = pl.col("latest").dt.date() < oldest if baseline.within is not None else pl.lit(value=False)
    least_itself = pl.when(~pl.col("lo_open")).then("lo").min()
    most_itself = pl.when(~pl.col("hi_open")).then("hi").max()
    same_limit = {name: pl.col(name).n_unique() == 1 for name in ("lln", "uln")}
    last = pl.col("row").max()
    first_day, last_day = pl.col("earliest").min().dt.date(), pl.col("latest").max().dt.date()
    return [
        lo.alias("base_lo"),
        hi.alias("base_hi"),
        (least_itself > lo).fill_null(value=True).alias("base_lo_open"),
        (most_itself < hi).fill_null(value=True).alias("base_hi_open"),
        pl.col("level").first().alias("base_level"),
        *(
            pl.when(same).then(pl.col(name).first()).alias(f"base_{name}")
            for name, same in same_limit.items()
        ),
        pl.col("is_converted").any().alias("base_converted"),
        pl.col("reason").max().alias("own_code"),
        pl.all_horizontal(alike).alias("are_alike"),
        pl.col("surely").any().alias("is_any_sure"),
        (pl.col("surely") & is_whole).all().alias("are_of_one_day"),
        pl.when(first_day == last_day).then(last_day).alias("base_day"),
        pl.col("SRCALL").implode().list.join(" ").alias("base_source"),
        last.cast(pl.Int64).alias("base_row"),
        is_old.all().alias("base_is_old"),
    ]


def _judged(found: pl.DataFrame, baseline: Baseline) -> pl.DataFrame:
    """Say why a baseline is not known: nothing surely before, several that differ, too old, or its own reason."""
    is_stale = pl.col("base_is_old") & (baseline.if_missing == "not evaluable")
    differ = pl.when("are_of_one_day").then(_CONFLICT).otherwise(_IMPRECISE)
    code = (
        pl.when(~pl.col("is_any_sure")).then(pl.max_horizontal("own_code", pl.lit(_IMPRECISE)))
        .when(is_stale).then(_STALE)
        .when(~pl.col("are_alike")).then(pl.max_horizontal("own_code", differ))
        .otherwise("own_code")
    )  # fmt: skip
    nothing = ~pl.col("is_any_sure") | is_stale
    is_number = pl.col("base_lo").is_not_null()
    return found.with_columns(
        code.cast(pl.UInt8).alias("base_code"),
        pl.when(nothing & is_number).then(-np.inf).otherwise("base_lo").alias("base_lo"),
        pl.when(nothing & is_number).then(np.inf).otherwise("base_hi").alias("base_hi"),
        pl.when(pl.col("are_alike") & ~nothing).then("base_level").alias("base_level"),
        pl.when(pl.col("are_alike") & ~nothing).then("base_row").alias("base_row"),
    ).with_columns((pl.col(end).is_infinite() | pl.col(f"{end}_open")).alias(f"{end}_open") for end in ("base_lo", "base_hi")).select(
        SUBJECT, *BASELINE
    )  # fmt: skip
