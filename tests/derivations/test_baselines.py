"""Which result is the baseline, where several lie on its day."""

import math
from datetime import datetime

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.derivations.baselines import find_baselines
from trialwright.derivations.study import SUBJECT
from trialwright.evaluation.table import MOMENT, OBSERVATIONS
from trialwright.protocol.model import Baseline

DAY = {"earliest": datetime(2026, 3, 1), "latest": datetime(2026, 3, 1, 23, 59)}  # noqa: DTZ001
MOMENT_OF_BASELINE = {"base_from": DAY["earliest"], "base_to": DAY["latest"]}

intervals = st.sampled_from([
    (3.0, 3.0, False, False), (5.0, 5.0, False, False), (0.0, 3.0, False, True), (0.0, 5.0, False, True),
    (3.0, 5.0, False, False), (5.0, math.inf, True, True), (3.0, math.inf, True, True), (3.0, 5.0, True, False),
])  # fmt: skip


def found_among(several):
    rows = [
        dict(zip(("lo", "hi", "lo_open", "hi_open"), one, strict=True), row=place)
        for place, one in enumerate(several)
    ]
    schema = {SUBJECT: pl.Int64, "row": pl.Int64, **OBSERVATIONS, "SRCALL": pl.String, **dict.fromkeys(MOMENT_OF_BASELINE, MOMENT)}  # fmt: skip
    told = {SUBJECT: 1, "reason": 0, "is_converted": False, "SRCALL": "LB.1", **DAY, **MOMENT_OF_BASELINE}
    table = pl.DataFrame([told | row for row in rows], schema=schema)
    return find_baselines(table, Baseline(take="last on or before start")).row(0, named=True)


@settings(deadline=None)
@given(st.lists(intervals, min_size=1, max_size=4))
def test_what_a_baseline_may_be_reaches_as_far_as_any_of_its_results(several):
    found = found_among(several)
    lo, hi = min(one[0] for one in several), max(one[1] for one in several)
    holds_lo = any(one[0] == lo and not one[2] for one in several)
    holds_hi = any(one[1] == hi and not one[3] for one in several)
    assert (found["base_lo"], found["base_hi"]) == (lo, hi)
    assert (found["base_lo_open"], found["base_hi_open"]) == (not holds_lo, not holds_hi)
