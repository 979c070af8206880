"""Group-sequential designs, conditional and predictive power against R (see group_sequential/ORIGIN.md)."""

import json
import math
from pathlib import Path
from statistics import NormalDist

import pytest

from trialwright.statistics.conditional_power import (
    InterimResult,
    NormalPrior,
    conditional_power,
    predictive_power,
)
from trialwright.statistics.error_spending import (
    hwang_shih_decani_spending,
    obrien_fleming_spending,
    pocock_spending,
)
from trialwright.statistics.group_sequential import (
    SequentialBoundaries,
    equal_looks,
    group_sequential_design,
    stopping_probabilities,
)

EXPECTED = json.loads(
    (Path(__file__).parent / "group_sequential" / "expected.json").read_text(encoding="utf-8")
)
CLASSICAL = json.loads(
    (Path(__file__).parent / "group_sequential" / "classical.json").read_text(encoding="utf-8")
)
NORMAL = NormalDist()
FINAL_INFORMATION = 60.0


def boundaries_of(row):
    futility = tuple(-math.inf if z is None else z for z in row["futility"])
    stops = any(math.isfinite(z) for z in futility)
    return SequentialBoundaries(
        tuple(row["fractions"]), tuple(row["efficacy"]), futility if stops else None, row["sides"]
    )


def spending_of(name, gamma):
    if name == "hwang_shih_decani":
        return hwang_shih_decani_spending(gamma)
    return {"obrien_fleming": obrien_fleming_spending, "pocock": pocock_spending, "none": lambda: None}[
        name
    ]()


@pytest.mark.parametrize("row", EXPECTED["probabilities"])
def test_stopping_probabilities(row):
    found = stopping_probabilities(boundaries_of(row), row["drift"])
    assert found.efficacy == pytest.approx(row["above"], abs=1e-9)
    assert found.harm == pytest.approx(row["below"], abs=1e-9)
    assert found.futility == pytest.approx(row["flat"], abs=1e-9)


@pytest.mark.parametrize("row", CLASSICAL["designs"])
def test_pocock_and_obrien_and_fleming(row):
    n, fractions = row["n_looks"], equal_looks(row["n_looks"])
    falls = 0.5 if row["kind"] == "obrien-fleming" else 0
    looks = SequentialBoundaries(
        fractions, tuple(row["last_z"] * (n / k) ** falls for k in range(1, n + 1)), sides=2
    )
    assert 2 * stopping_probabilities(looks, 0).power == pytest.approx(0.05, abs=1e-7)
    drift = math.sqrt(row["inflation"]) * (NORMAL.inv_cdf(0.975) + NORMAL.inv_cdf(row["power"]))
    reached = stopping_probabilities(looks, drift)
    assert reached.power == pytest.approx(row["power"], abs=1e-7)
    for found, expected in (
        (reached, "expected_under_drift"),
        (stopping_probabilities(looks, 0), "expected_under_null"),
    ):
        assert found.expected_fraction * row["inflation"] == pytest.approx(row[expected], abs=1e-7)


@pytest.mark.parametrize("row", EXPECTED["designs"])
def test_designs(row):
    design = group_sequential_design(
        row["fractions"],
        alpha=row["alpha"],
        sides=row["sides"],
        power=row["power"],
        efficacy=spending_of(row["efficacy_spending"], row["efficacy_gamma"]),
        futility=spending_of(row["futility_spending"], row["futility_gamma"]),
        futility_binding=bool(row["binding"]),
    )
    assert design.boundaries.efficacy == pytest.approx(row["efficacy"], abs=1e-7)
    if row["futility"] is not None:
        assert design.boundaries.futility[:-1] == pytest.approx(row["futility"][:-1], abs=1e-7)
        assert design.boundaries.futility[-1] == design.boundaries.efficacy[-1]
    assert design.inflation == pytest.approx(row["inflation"], abs=1e-7)
    assert design.drift == pytest.approx(row["drift"], abs=1e-7)
    for drift, expected in ((design.drift, "expected_under_drift"), (0.0, "expected_under_null")):
        information = stopping_probabilities(design.boundaries, drift).expected_fraction * design.inflation
        assert information == pytest.approx(row[expected], abs=1e-7)


@pytest.mark.parametrize("row", EXPECTED["outlook"])
def test_conditional_and_predictive_power(row):
    interim = InterimResult(row["z"], row["fraction"] * FINAL_INFORMATION)
    hazard_ratio = math.exp(-row["drift"] / math.sqrt(FINAL_INFORMATION))
    boundaries, final = boundaries_of(row), FINAL_INFORMATION
    if row["variance"] == 0:
        power = conditional_power(interim, boundaries, final_information=final, hazard_ratio=hazard_ratio)
    else:
        prior = NormalPrior(hazard_ratio, math.sqrt(row["variance"] / final))
        power = predictive_power(interim, boundaries, final_information=final, prior=prior)
    assert power == pytest.approx(row["power"], abs=1e-9)
