"""Safety boundaries against R and an earlier programme (see safety_boundaries/ORIGIN.md)."""

import json
from pathlib import Path

import pytest

from trialwright.statistics.boundaries import (
    Boundary,
    bayesian_boundary,
    exact_boundary,
    operating_characteristics,
    pocock_boundary,
)

_FOLDER = Path(__file__).parent / "safety_boundaries"
BY_R = json.loads((_FOLDER / "expected.json").read_text(encoding="utf-8"))["boundaries"]
EARLIER = json.loads((_FOLDER / "monitoring43.json").read_text(encoding="utf-8"))
# clinfun gives two boundaries, each with its probability, that before the last look, and the expected number.
CLINFUN = [
    (case, bound, [(row[0], *row[1 + 3 * part : 4 + 3 * part]) for row in case["bdry.oc"]])
    for case in EARLIER["clinfun"]["toxbdry"]
    for part, bound in enumerate(("lo.bdry", "hi.bdry"))
]


def _boundary(row):
    match row["kind"]:
        case "exact":
            option = {"conf_level": row["conf_level"]}
            return exact_boundary(row["looks"], reference_rate=row["reference_rate"], **option)
        case "pocock":
            return pocock_boundary(row["looks"], reference_rate=row["reference_rate"], alpha=row["alpha"])
    option = {"threshold": row["threshold"], "prior": (row["a"], row["b"])}
    return bayesian_boundary(row["looks"], reference_rate=row["reference_rate"], **option)


@pytest.mark.parametrize("row", BY_R)
def test_boundary_and_characteristics_by_r(row):
    boundary = _boundary(row)
    assert list(boundary.events_to_stop) == row["events_to_stop"]
    found = [operating_characteristics(boundary, rate) for rate in row["rates"]]
    assert [oc.probability_to_cross for oc in found] == pytest.approx(row["probability"], rel=1e-9, abs=1e-15)
    assert [oc.expected_n for oc in found] == pytest.approx(row["expected_n"], rel=1e-11)
    assert [oc.expected_n_if_crossed for oc in found] == pytest.approx(row["expected_n_if_crossed"], rel=1e-9)


@pytest.mark.parametrize("case", EARLIER["monitoring"])
def test_monitoring_of_43_patients(case):
    given = case["params"]
    looks = range(given["start"], given["n"] + 1)
    if "alpha" in given:
        boundary = pocock_boundary(looks, reference_rate=given["theta0"], alpha=given["alpha"])
        assert boundary.conventions["level"] == pytest.approx(given["pointwise"], rel=1e-9)
    else:
        prior = (given["a"], given["b"])
        boundary = bayesian_boundary(
            looks, reference_rate=given["theta"], threshold=given["cut"], prior=prior
        )
    assert dict(zip(map(str, boundary.n), boundary.events_to_stop, strict=True)) == {
        n: events for n, events in case["boundary_min_events_by_n"].items() if int(n) >= given["start"]
    }
    for rate, probability in case["p_stop"].items():
        found = operating_characteristics(boundary, float(rate))
        assert found.probability_to_cross == pytest.approx(probability, abs=1e-12)
        assert found.expected_n == pytest.approx(case["expected_n"][rate], abs=1e-9)


@pytest.mark.parametrize(("case", "bound", "rows"), CLINFUN)
def test_characteristics_of_boundaries_by_clinfun(case, bound, rows):
    boundary = Boundary(tuple(case["looks"]), tuple(most + 1 for most in case[bound]))
    for rate, crossed, before_last, expected_n in rows:
        found = operating_characteristics(boundary, rate)
        assert found.probability_to_cross == pytest.approx(crossed, abs=1e-12)
        assert found.expected_n == pytest.approx(expected_n, abs=1e-9)
        shorter = Boundary(boundary.n[:-1], boundary.events_to_stop[:-1])
        assert operating_characteristics(shorter, rate).probability_to_cross == pytest.approx(
            before_last, abs=1e-12
        )
