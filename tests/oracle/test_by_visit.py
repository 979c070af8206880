"""Differences of means and quantiles between limits, against R (see by_visit/ORIGIN.md)."""

import json
from pathlib import Path

import pytest

from trialwright.statistics.limited_values import quantile_limits
from trialwright.statistics.mean_difference import mean_difference

EXPECTED = json.loads((Path(__file__).parent / "by_visit" / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", EXPECTED["welch"])
def test_differences_of_means(case):
    found = mean_difference(case["a"], case["b"], conf_level=case["level"])
    values = (found.estimate, found.std_error, found.df, found.conf_low, found.conf_high)
    expected = (case["estimate"], case["std_error"], case["df"], *case["limits"])
    assert values == pytest.approx(expected, rel=1e-9)


def test_quantiles_of_values_below_a_limit():
    told = EXPECTED["quantiles"]
    for i, p in enumerate(told["p"]):
        low, high = quantile_limits(told["lows"], told["highs"], p)
        assert (low, high) == pytest.approx((told["of_lows"][i], told["of_highs"][i]), rel=1e-12)
        assert low <= told["of_values"][i] <= high
