"""Single-arm designs and the boundary by person-time against R (see single_arm/ORIGIN.md)."""

import json
from pathlib import Path

import pytest

from trialwright.statistics.person_time import (
    PersonTimeBoundary,
    constant_hazard,
    person_time_characteristics,
)
from trialwright.statistics.rate_precision import interval_precision, subjects_to_exclude
from trialwright.statistics.single_arm import (
    simon_designs,
    single_stage,
    single_stage_by_n,
    single_stage_subjects,
    smallest_target_rate,
    two_stage,
)

_FOLDER = Path(__file__).parent / "single_arm"
BY_R, TABLE, CLINFUN, LIMITS = (
    json.loads((_FOLDER / name).read_text(encoding="utf-8"))
    for name in ("expected.json", "table.json", "clinfun.json", "limits43.json")
)


@pytest.mark.parametrize("row", BY_R["single_stage"])
def test_one_stage(row):
    found = single_stage(
        row["n"], null_rate=row["null_rate"], target_rate=row["target_rate"], alpha=row["alpha"]
    )
    assert found.events_needed == row["events_needed"]
    assert found.type_1_error == pytest.approx(row["type_1_error"], rel=1e-9)
    assert found.power == pytest.approx(row["power"], rel=1e-9)


@pytest.mark.parametrize("row", BY_R["subjects"])
def test_first_and_lasting_number_of_patients(row):
    asked = {key: row[key] for key in ("null_rate", "target_rate", "alpha", "power")}
    found = single_stage_subjects(**asked)
    assert (found.first.n, found.lasting.n) == (row["first"], row["lasting"])


@pytest.mark.parametrize("row", BY_R["targets"])
def test_smallest_target_rate(row):
    found = smallest_target_rate(row["n"], null_rate=row["null_rate"], alpha=row["alpha"], power=row["power"])
    assert found == pytest.approx(row["target_rate"], rel=1e-9)


@pytest.mark.parametrize("row", [*BY_R["simon"], *TABLE["simon"]])
def test_simon_designs_by_going_through_all(row):
    designs = simon_designs(
        null_rate=row["null_rate"],
        target_rate=row["target_rate"],
        alpha=row["alpha"],
        power=row["power_asked"],
    )
    found = designs.optimal if row["is_optimal"] else designs.minimax
    assert (found.r1, found.n1, found.r, found.n) == (row["r1"], row["n1"], row["r"], row["n"])
    for name in ("expected_n", "stop_early", "type_1_error", "power"):
        assert getattr(found, name) == pytest.approx(row[name], rel=1e-9)


@pytest.mark.parametrize("row", CLINFUN["ph2simon"])
def test_simon_designs_by_clinfun(row):
    designs = simon_designs(
        null_rate=row["p0"], target_rate=row["p1"], alpha=row["alpha"], power=1 - row["beta"]
    )
    for found, (r1, n1, r, n, expected_n, stop_early) in (
        (designs.minimax, row["minimax"]),
        (designs.optimal, row["optimal"]),
    ):
        assert (found.r1, found.n1, found.r, found.n) == (r1, n1, r, n)
        assert (found.expected_n, found.stop_early) == pytest.approx((expected_n, stop_early), rel=1e-12)
        stated = two_stage(r1, n1, r, n, null_rate=row["p0"], target_rate=row["p1"])
        assert stated == found


def test_saw_tooth_by_clinfun():
    """The five smallest designs: among 156 to 162 patients two numbers lack the power."""
    printed = CLINFUN["ph2single"]
    rows = single_stage_by_n(162, null_rate=printed["pu"], target_rate=printed["pa"], alpha=printed["ep1"])
    reaching = [one for one in rows if one.power >= 1 - printed["ep2"]]
    assert [(one.n, one.events_needed) for one in reaching] == [(n, r + 1) for n, r, *_ in printed["rows"]]
    errors = [(one.type_1_error, 1 - one.power) for one in reaching]
    assert errors == [pytest.approx((one, two), abs=5e-9) for *_, one, two in printed["rows"]]


@pytest.mark.parametrize("row", BY_R["exclude"])
def test_subjects_to_exclude_a_rate(row):
    found = subjects_to_exclude(row["rate"], n_events=row["n_events"], confidence=0.95, sides=row["sides"])
    assert found == row["n"]


def test_limits_of_43_patients():
    rows = LIMITS["intervals"]
    found = interval_precision(LIMITS["n"], [row["x"] for row in rows], conf_level=0.95)
    for one, row in zip(found, rows, strict=True):
        assert one.estimate == pytest.approx(row["rate"])
        limits = (row["cp_lower"], row["cp_upper"], row["cp_one_sided95_upper"])
        assert (one.conf_low, one.conf_high, one.excluded_one_sided) == pytest.approx(limits, rel=1e-9)
        assert one.half_width == pytest.approx((row["cp_upper"] - row["cp_lower"]) / 2, rel=1e-9)


def _stated_steps(row):
    asked = ("n_patients", "window", "reference_rate", "level")
    return tuple(
        step["largest_person_time"]
        for step in BY_R["person_time_steps"]
        if all(step[key] == row[key] for key in asked)
    )


@pytest.mark.parametrize("row", BY_R["person_time_crossing"])
def test_chance_to_cross_by_person_time(row):
    boundary = PersonTimeBoundary(_stated_steps(row), row["window"], row["n_patients"] * row["window"])
    found = person_time_characteristics(boundary, row["rate"])
    assert found.probability_to_cross == pytest.approx(row["probability"], abs=1e-3)
    assert found.hazard == pytest.approx(constant_hazard(row["rate"], row["window"]))
