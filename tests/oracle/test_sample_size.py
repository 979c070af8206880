"""Sample sizes against R (see sample_size/ORIGIN.md)."""

import json
from pathlib import Path

import pytest

from trialwright.statistics.sample_size import (
    excluded_rate,
    freedman_events,
    schoenfeld_events,
    schoenfeld_power,
    two_proportion_subjects,
)

EXPECTED = json.loads((Path(__file__).parent / "sample_size" / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", EXPECTED["events"])
def test_events_of_a_log_rank_test(row):
    design = {key: row[key] for key in ("alpha", "sides", "power", "share_treated")}
    assert schoenfeld_events(row["hazard_ratio"], **design).exact == pytest.approx(
        row["schoenfeld"], rel=1e-8
    )
    assert freedman_events(row["hazard_ratio"], **design).exact == pytest.approx(row["freedman"], rel=1e-8)


@pytest.mark.parametrize("row", EXPECTED["proportions"])
def test_two_proportions(row):
    needed = two_proportion_subjects(
        row["control_risk"], row["treated_risk"], alpha=row["alpha"], sides=row["sides"], power=row["power"]
    )
    assert needed.exact == pytest.approx(2 * row["n_per_group"], rel=1e-6)


@pytest.mark.parametrize("row", EXPECTED["limits"])
def test_upper_exact_limit(row):
    limit = excluded_rate(row["n_events"], row["n_subjects"], confidence=0.95, sides=row["sides"])
    assert limit == pytest.approx(row["limit"], rel=1e-9)


@pytest.mark.parametrize("row", EXPECTED["power"])
def test_power_at_given_events(row):
    design = {key: row[key] for key in ("alpha", "sides", "share_treated")}
    power = schoenfeld_power(row["n_events"], row["hazard_ratio"], **design)
    assert power == pytest.approx(row["power"], rel=1e-9)
