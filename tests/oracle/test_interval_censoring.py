"""Turnbull curves against R (see interval_censoring/ORIGIN.md)."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from trialwright.statistics.interval_censoring import estimate_interval_censored_survival

_HERE = Path(__file__).parent
DATASETS = json.loads((_HERE / "interval_censoring" / "expected.json").read_text(encoding="utf-8"))[
    "datasets"
]
_EDGES = json.loads((_HERE / "survival_edge_cases" / "edge_cases.json").read_text(encoding="utf-8"))["cases"]
EDGES = {
    case["name"]: case["expected"].get("halfopen") or case["expected"]["halfopen_interval_icfit"]
    for case in _EDGES
    if case["name"].startswith("interval_censored")
}


def _curve(given):
    return estimate_interval_censored_survival(
        given["left"], [math.inf if right is None else right for right in given["right"]]
    )


@pytest.mark.parametrize("dataset", DATASETS, ids=[dataset["name"] for dataset in DATASETS])
def test_curve_at_every_end_of_an_interval(dataset):
    found = _curve(dataset).at(dataset["times"]).survival
    assert_allclose(found, dataset["survival"], rtol=0, atol=1e-9)
    assert_allclose(found, dataset["survival_where_survfit_stops"], rtol=0, atol=5e-3)


@pytest.mark.parametrize("name", EDGES)
def test_masses_by_other_packages(name):
    curve = _curve(next(case["input"] for case in _EDGES if case["name"] == name))
    expected = EDGES[name]
    assert expected["converged"]
    # icfit reports the exact time 12 as (12, 12] and the interval after it as (12, 18]
    assert curve.left.tolist() == expected["left"]
    assert curve.right.tolist() == expected["right"]
    assert_allclose(curve.mass, expected["mass"], rtol=0, atol=1e-9)


def test_log_likelihood_by_icenreg():
    case = next(case for case in _EDGES if case["name"] == "interval_censored_turnbull")
    curve = _curve(case["input"])
    assert curve.log_likelihood == pytest.approx(case["expected"]["halfopen_icenReg"]["loglik"], abs=1e-9)
    assert np.sum(curve.mass) == pytest.approx(1)
