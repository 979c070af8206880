"""Survival designs against R (see survival_design/ORIGIN.md)."""

import json
from pathlib import Path

import pytest

from trialwright.statistics.hazards import Accrual, Hazards
from trialwright.statistics.survival_design import SurvivalDesign, expected_counts
from trialwright.statistics.survival_power import subjects_needed

EXPECTED = json.loads(
    (Path(__file__).parent / "survival_design" / "expected.json").read_text(encoding="utf-8")
)


def _design(row):
    ends = tuple(row["ends"])
    dropout, dropout_treated = (
        Hazards.from_risk(row[name], 12) if row[name] else Hazards.constant(0.0)
        for name in ("dropout_control", "dropout_treated")
    )
    return SurvivalDesign(
        control=Hazards(tuple(row["cuts"]), tuple(row["rates"])),
        hazard_ratio=row["hazard_ratio"],
        accrual=Accrual(ends, tuple(row["speeds"])),
        follow_up=None,
        end=ends[-1] + row["follow_up"],
        share_treated=row["share_treated"],
        dropout=dropout,
        dropout_treated=dropout_treated,
    )


@pytest.mark.parametrize("row", EXPECTED["sizes"])
def test_subjects_and_events(row):
    size = subjects_needed(_design(row), alpha=0.025, sides=1, power=0.9, formula=row["formula"])
    assert size.events_exact == pytest.approx(row["n_events"], rel=1e-6)
    assert size.subjects.exact == pytest.approx(row["n_subjects"], rel=1e-6)


@pytest.mark.parametrize("row", EXPECTED["events"])
def test_probability_of_an_event_by_calendar_time(row):
    design = _design(row)
    tolerance = 1e-6 if row["cuts"] else 1e-9
    for i, at in enumerate(row["times"]):
        counts = expected_counts(design, 1, at)
        treated = counts.treated.n_events / design.share_treated
        control = counts.control.n_events / (1 - design.share_treated)
        assert treated == pytest.approx(row["probability_treated"][i], rel=tolerance)
        assert control == pytest.approx(row["probability_control"][i], rel=tolerance)
