"""Proportions, comparisons and rates against R (see proportions/ORIGIN.md)."""

import json
import math
from pathlib import Path

import pytest

from trialwright.statistics.distributions import beta_cdf
from trialwright.statistics.proportions import (
    estimate_event_rate,
    estimate_proportion,
    proportion_difference,
    proportion_ratio,
)

EXPECTED = json.loads((Path(__file__).parent / "proportions" / "expected.json").read_text(encoding="utf-8"))


def _limits(estimate, row, *amounts):
    """Two-sided limits, and each limit alone with what stands at the other end."""
    both, lower, upper = (
        estimate(*amounts, conf_level=row["conf_level"], limits=limits)
        for limits in ("both", "lower", "upper")
    )
    return [both.conf_low, both.conf_high, lower.conf_low, upper.conf_high], [lower.conf_high, upper.conf_low]


@pytest.mark.parametrize("row", EXPECTED["proportions"])
def test_exact_limits_of_a_proportion(row):
    found, ends = _limits(estimate_proportion, row, row["n_events"], row["n_subjects"])
    wanted = [row[key] for key in ("low", "high", "only_low", "only_high")]
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-15)
    assert ends == [1, 0]


@pytest.mark.parametrize("row", EXPECTED["rates"])
def test_exact_limits_of_a_rate(row):
    found, ends = _limits(estimate_event_rate, row, row["n_events"], row["person_days"])
    wanted = [row[key] for key in ("low", "high", "only_low", "only_high")]
    assert found == pytest.approx(wanted, rel=1e-9)
    assert ends == [math.inf, 0]
    rate = estimate_event_rate(row["n_events"], row["person_days"])
    assert rate.estimate == pytest.approx(row["estimate"], rel=1e-12)


@pytest.mark.parametrize("row", EXPECTED["comparisons"])
def test_difference_of_two_proportions(row):
    found = proportion_difference(
        row["x_a"], row["n_a"], row["x_b"], row["n_b"], conf_level=row["conf_level"]
    )
    assert [found.estimate, found.conf_low, found.conf_high] == pytest.approx(
        [row["difference"], row["low"], row["high"]], rel=1e-9
    )


@pytest.mark.parametrize("row", [row for row in EXPECTED["comparisons"] if row["ratio"] is not None])
def test_ratio_of_two_proportions(row):
    found = proportion_ratio(row["x_a"], row["n_a"], row["x_b"], row["n_b"], conf_level=row["conf_level"])
    assert [found.estimate, found.conf_low, found.conf_high] == pytest.approx(
        [row["ratio"], row["ratio_low"], row["ratio_high"]], rel=1e-6
    )


@pytest.mark.parametrize("row", EXPECTED["beta"])
def test_beta_distribution(row):
    assert beta_cdf(row["x"], row["a"], row["b"]) == pytest.approx(row["beta"], rel=1e-11, abs=1e-14)
