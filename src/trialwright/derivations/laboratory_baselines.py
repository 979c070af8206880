"""What each result is compared with: the baselines of a protocol, and the lowest result so far."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from trialwright.derivations.study import SUBJECT
from trialwright.derivations.study_facts import StudyFacts
from trialwright.derivations.timeline import moved
from trialwright.protocol.model import Baseline, Protocol
from trialwright.protocol.moments import Selection, parse_selection
from trialwright.protocol.rule_tree import HERE
from trialwright.records.dates import MOMENT
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

_MISSING, _STALE = Reason.MISSING.code, Reason.STALE.code
_CONFLICT, _IMPRECISE = Reason.CONFLICT.code, Reason.IMPRECISE_DATE.code
_LONG_AGO = -(1 << 40)


def baselines_of(protocol: Protocol) -> dict[str, Baseline]:
    """The baselines of a protocol by name, the one rules call `baseline` first."""
    named = dict(protocol.baselines)
    main = protocol.baseline
    if main is None:
        return named
    if main in named:
        return {main: named.pop(main)} | named
    return {"baseline": Baseline(take=main)} | named


def baseline_moments(baseline: Baseline, facts: StudyFacts) -> pl.DataFrame:
    """`SUBJECT`, `base_from` and `base_to`: the minutes that the moment of baseline may be."""
    found = facts.moment(_selection(baseline).until or HERE)
    return found.select(pl.col("subject").alias(SUBJECT), base_from="earliest", base_to="latest")


def is_of(baseline: Baseline, fact: str) -> bool:
    """Whether a fact has this baseline: each has, unless it is told of one."""
    return _selection(baseline).record.name in (None, fact)


def _selection(baseline: Baseline) -> Selection:
    selection = parse_selection(baseline.take)
    if selection.until is None or selection.record.which != "last":
        raise ValueError(f"a baseline is the last result on or before a moment, not `{baseline.take}`")
    return selection


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


def _picked(baseline: Baseline) -> list[pl.Expr]:
    """One row for the results that may be the baseline."""
    lo, hi = pl.col("lo").min(), pl.col("hi").max()
    alike = [pl.col(name).n_unique() == 1 for name in ("lo", "hi", "lo_open", "hi_open", "level", "reason")]
    is_whole = pl.col("earliest").dt.date() == pl.col("latest").dt.date()
    oldest = pl.col("base_from").dt.date()
    if baseline.within is not None:
        oldest = moved(oldest, baseline.within, "-")
    is_old = pl.col("latest").dt.date() < oldest if baseline.within is not None else pl.lit(value=False)
    same_limit = {name: pl.col(name).n_unique() == 1 for name in ("lln", "uln")}
    last = pl.col("row").max()
    return [
        lo.alias("base_lo"),
        hi.alias("base_hi"),
        (pl.col("lo_open") | (pl.col("lo") != lo)).all().alias("base_lo_open"),
        (pl.col("hi_open") | (pl.col("hi") != hi)).all().alias("base_hi_open"),
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
        pl.col("latest").max().dt.date().alias("base_day"),
        pl.col("SRCALL").str.join(" ").alias("base_source"),
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


def find_nadirs(rows: pl.DataFrame) -> pl.DataFrame:
    """The lowest of the baseline and the results after it and surely before each row, baseline included.

    Parameters
    ----------
    rows : DataFrame
        Records of one fact with their baseline, `counts` (a result), `is_after` (surely after its moment) and
        `may_be_after`.

    Returns
    -------
    nadirs : DataFrame of shape (n, 2)
        `nadir_lo` and `nadir_hi`, null where nothing counts yet. A result whose date is imprecise lowers `nadir_lo` for all
        rows of its subject.
    """
    group = rows[SUBJECT].to_numpy()
    early, late = (_minutes(rows[side]) for side in ("earliest", "latest"))
    lo, hi = (rows[end].fill_null(np.inf).to_numpy() for end in ("lo", "hi"))
    counts = rows["counts"].to_numpy() & rows["is_after"].to_numpy()
    is_whole = early // 1440 == late // 1440
    used = np.flatnonzero(counts)
    key = group[used] * (1 << 41) + late[used]
    order = np.argsort(key, kind="stable")
    used, key = used[order], key[order]
    lowest = [_running(group[used], end[used]) for end in (lo, hi)]
    place = np.searchsorted(key, group * (1 << 41) + early, side="left") - 1
    is_there = place >= 0
    is_there[is_there] = group[used][place[is_there]] == group[is_there]
    result = []
    for running, base in zip(lowest, ("base_lo", "base_hi"), strict=True):
        before = np.full(len(rows), np.inf)
        before[is_there] = running[place[is_there]]
        found = np.minimum(before, rows[base].fill_null(np.inf).to_numpy())
        has_any = is_there | rows[base].is_not_null().to_numpy()
        result.append(np.where(has_any, found, np.nan))
    unsure = np.flatnonzero(
        rows["counts"].to_numpy() & rows["may_be_after"].to_numpy() & ~(counts & is_whole)
    )
    if len(unsure):
        least = np.full(int(group.max()) + 1, np.inf)
        np.minimum.at(least, group[unsure], lo[unsure])
        result[0] = np.minimum(result[0], least[group])
    is_after = rows["is_after"].to_numpy()
    return pl.DataFrame(
        {
            name: np.where(is_after, values, np.nan)
            for name, values in zip(("nadir_lo", "nadir_hi"), result, strict=True)
        }
    ).fill_nan(None)


def _running(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The least value of each group so far."""
    return (
        pl.DataFrame({"g": group, "v": values}).select(pl.col("v").cum_min().over("g")).to_series().to_numpy()
    )


def _minutes(moments: pl.Series) -> np.ndarray:
    return (moments.cast(MOMENT).cast(pl.Int64) // 60_000_000).fill_null(_LONG_AGO).to_numpy()
