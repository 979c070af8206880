"""The moments of baselines, and the lowest result so far, beside which laboratory results stand."""

from __future__ import annotations

import numpy as np
import polars as pl

from trialwright.derivations.baselines import selection_of
from trialwright.derivations.study import SUBJECT
from trialwright.derivations.study_facts import StudyFacts
from trialwright.protocol.model import Baseline
from trialwright.protocol.rule_tree import HERE
from trialwright.records.dates import MOMENT

_LONG_AGO = -(1 << 32)
_ALL_MINUTES = 1 << 34
"""More than lie between any two dates."""


def baseline_moments(baseline: Baseline, facts: StudyFacts) -> pl.DataFrame:
    """`SUBJECT`, `base_from` and `base_to`: the minutes that the moment of baseline may be, of whom it has come to."""
    found = facts.moment(selection_of(baseline).until or HERE)
    if (cut := facts.study.cut) is not None:
        found = found.filter(pl.col("earliest").dt.date() <= cut)
    return found.select(pl.col("subject").alias(SUBJECT), base_from="earliest", base_to="latest")


def find_nadirs(rows: pl.DataFrame) -> pl.DataFrame:
    """The lowest of the baseline and the results after it and surely before each row, baseline included.

    Parameters
    ----------
    rows : DataFrame
        Records, those of a `SUBJECT` in one fact together, with their baseline, `counts` (a result), `is_after` (surely after its moment) and
        `may_be_after`.

    Returns
    -------
    nadirs : DataFrame of shape (n, 2)
        `nadir_lo` and `nadir_hi`, null where nothing counts yet. A result whose date is imprecise lowers `nadir_lo` for all
        rows of its subject.
    """
    group = rows[SUBJECT].rle_id().cast(pl.Int64).to_numpy()
    early, late = (_minutes(rows[side]) for side in ("earliest", "latest"))
    lo, hi = (rows[end].fill_null(np.inf).to_numpy() for end in ("lo", "hi"))
    counts = rows["counts"].to_numpy() & rows["is_after"].to_numpy()
    is_whole = early // 1440 == late // 1440
    used = np.flatnonzero(counts)
    key = group[used] * _ALL_MINUTES + late[used]
    order = np.argsort(key, kind="stable")
    used, key = used[order], key[order]
    place = np.searchsorted(key, group * _ALL_MINUTES + early, side="left") - 1
    is_there = place >= 0
    is_there[is_there] = group[used][place[is_there]] == group[is_there]
    result = []
    for end, base in ((lo, "base_lo"), (hi, "base_hi")):
        running = _running(group[used], end[used])
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
    """The least value of each group so far; those of a group lie together."""
    least, reach = values.copy(), 1
    while (is_same := group[reach:] == group[:-reach]).any():
        before = np.where(is_same, least[:-reach], np.inf)
        least[reach:] = np.minimum(least[reach:], before)
        reach *= 2  # each value is now the least of so many
    return least


def _minutes(moments: pl.Series) -> np.ndarray:
    return (moments.cast(MOMENT).cast(pl.Int64) // 60_000_000).fill_null(_LONG_AGO).to_numpy()
