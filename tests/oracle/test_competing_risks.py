"""Competing risks against R's survival and cmprsk (see competing_risks/ORIGIN.md)."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from survival.datasets import load_mgus2, load_transplant

from trialwright.statistics.competing_risks import estimate_incidence, fit_fine_gray, gray_test
from trialwright.statistics.risk_contrasts import (
    incidence_difference,
    incidence_ratio,
    risk_difference,
    risk_ratio,
)
from trialwright.statistics.survival import estimate_survival

_HERE = Path(__file__).parent
EXPECTED = json.loads((_HERE / "competing_risks" / "expected.json").read_text(encoding="utf-8"))["data"]
_EDGE_CASES = json.loads((_HERE / "survival_edge_cases" / "edge_cases.json").read_text(encoding="utf-8"))[
    "cases"
]
(EDGE_CASE,) = (case for case in _EDGE_CASES if case["name"] == "competing_risks")
STATES = ("event_free", "event", "competing")


def _same(actual, expected, rtol=1e-9, atol=1e-14):
    assert_allclose(np.asarray(actual, float), np.array(expected, float), rtol=rtol, atol=atol)


def _transplant():
    d = {name: np.array(column) for name, column in load_transplant().items()}
    known = ~np.isnan(d["age"].astype(float))
    d = {name: column[known] for name, column in d.items()}
    return {
        "time": d["futime"],
        "status": np.select([d["event"] == "ltx", d["event"] == "censored"], [1, 0], 2),
        "group": d["abo"],
        "strata": d["sex"],
        "x": np.column_stack([d["age"], d["abo"] == "O"]).astype(float),
        "weights": d["age"].astype(float) / 50,
    }


def _mgus2():
    d = {name: np.array(column) for name, column in load_mgus2().items()}
    known = ~np.isnan(d["mspike"].astype(float))
    d = {name: column[known] for name, column in d.items()}
    return {
        "time": np.where(d["pstat"] == 1, d["ptime"], d["futime"]),
        "status": np.select([d["pstat"] == 1, d["death"] == 1], [1, 2], 0),
        "group": (d["sex"] == "M").astype(int),
        "strata": d["age"] >= 70,
        "x": np.column_stack([d["age"], d["mspike"]]).astype(float),
        "weights": d["age"] / 70,
    }


DATA = {"transplant": _transplant(), "mgus2": _mgus2()} | {
    name: {key: np.array(column) for key, column in case["input"].items()}
    for name, case in EXPECTED.items()
    if "input" in case
}
each_data = pytest.mark.parametrize("name", sorted(EXPECTED))


def test_every_data_set_is_read():
    assert set(DATA) == set(EXPECTED)


@each_data
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("conf_type", ["log-log", "log", "plain"])
def test_cumulative_incidence(name, weighted, conf_type):
    data, key = DATA[name], "weighted_incidence" if weighted else "incidence"
    expected = {column: np.array(values, float) for column, values in EXPECTED[name][key][conf_type].items()}
    weights = data["weights"] if weighted else None
    curve = estimate_incidence(data["time"], data["status"], weights=weights, conf_type=conf_type)
    rows = np.isin(curve.time, expected["time"])
    read = curve.at(expected["time"])
    if not weighted:  # this version of R counts subjects also with weights; we sum the weights
        for column in ("time", "n_at_risk", "n_events", "n_competing"):
            _same(getattr(curve, column)[rows], expected[column])
        _same(read.n_at_risk, expected["n_at_risk"])
    assert read.reasons == (None,) * len(expected["time"])
    for column, state in enumerate(STATES):
        estimate = expected["estimate"][:, column]
        for found in (getattr(read, state), _rows_of(getattr(curve, state), rows)):
            _same(found.estimate, estimate)
            # Where the estimate is 0 or 1, R's error is 0 and ours unknown; a share of 1e-12 is 0 that was rounded.
            between = (estimate > 1e-12) & (estimate < 1 - 1e-12)
            assert between.any()
            for part in ("std_error", "conf_low", "conf_high"):
                _same(getattr(found, part)[between], expected[part][between, column])
                assert np.isnan(getattr(found, part)[~between]).all()


def _rows_of(state, rows):
    return type(state)(
        *(getattr(state, part)[rows] for part in ("estimate", "std_error", "conf_low", "conf_high"))
    )


@each_data
@pytest.mark.parametrize("cause", [1, 2])
@pytest.mark.parametrize(
    ("key", "rho", "stratified"),
    [
        pytest.param("plain", 0, False),
        pytest.param("rho_1", 1, False),
        pytest.param("stratified", 0, True),
        pytest.param("stratified_rho_half", -0.5, True),
    ],
)
def test_gray(name, cause, key, rho, stratified):
    data, expected = DATA[name], EXPECTED[name]["gray"][key][str(cause)]
    strata = data["strata"] if stratified else None
    test = gray_test(data["time"], data["status"], data["group"], strata=strata, rho=rho, cause=cause)
    _same([test.chi_squared, test.df, test.p_value], expected)


@pytest.mark.parametrize("cause", [1, 2])
def test_gray_of_the_edge_case(cause):
    data, expected = EDGE_CASE["input"], EDGE_CASE["expected"]["gray"]["table"][cause - 1]
    test = gray_test(data["time"], data["status"], data["group"], cause=cause)
    _same([test.chi_squared, test.p_value, test.df], expected)


def test_cumulative_incidence_of_the_edge_case():
    data, expected = EDGE_CASE["input"], EDGE_CASE["expected"]["aj_survival"]
    read = estimate_incidence(data["time"], data["status"], conf_type="log").at(expected["times"])
    for column, state in enumerate(STATES):
        found = getattr(read, state)
        for part, key in (
            ("estimate", "pstate"),
            ("std_error", "se"),
            ("conf_low", "lower_log"),
            ("conf_high", "upper_log"),
        ):
            _same(getattr(found, part), np.array(expected[key])[:, column])


@each_data
@pytest.mark.parametrize("cause", [1, 2])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_fine_gray(name, cause, ties):
    data, expected = DATA[name], EXPECTED[name]["fine_gray"][str(cause)][ties]
    fit = fit_fine_gray(
        data["time"], data["status"], data["x"], names=EXPECTED[name]["names"], cause=cause, ties=ties
    )
    _same([c.coef for c in fit.coefficients], expected["coef"])
    _same([c.std_error for c in fit.coefficients], expected["std_error"])
    _same(fit.wald_test.chi_squared, expected["wald"])


@pytest.mark.parametrize("cause", [1, 2])
def test_fine_gray_without_ties_has_the_coefficients_of_crr(cause):
    data, expected = DATA["no_ties"], EXPECTED["no_ties"]["fine_gray"][str(cause)]["crr"]
    fit = fit_fine_gray(data["time"], data["status"], data["x"], names=["x", "z"], cause=cause)
    _same([c.coef for c in fit.coefficients], expected["coef"])
    errors = np.array([c.std_error for c in fit.coefficients])
    # crr adds the variance of the censoring weights: another number, and hardly another answer.
    _same(errors, expected["std_error"], rtol=0.01)
    assert np.all(np.abs(errors / expected["std_error"] - 1) > 1e-6)


CONTRASTED = sorted(name for name, case in EXPECTED.items() if case["contrasts"])


@pytest.mark.parametrize("name", CONTRASTED)
@pytest.mark.parametrize("key", ["event", "competing", "one_minus_km"])
def test_contrasts(name, key):
    data, expected = DATA[name], EXPECTED[name]["contrasts"][key]
    time, status, in_group = data["time"], data["status"], data["group"] == np.unique(data["group"])[:2, None]
    if key == "one_minus_km":
        a, b = (estimate_survival(time[here], status[here] == 1) for here in in_group)
        found = {"difference": risk_difference, "ratio": risk_ratio}
        options = {}
    else:
        a, b = (estimate_incidence(time[here], status[here]) for here in in_group)
        found = {"difference": incidence_difference, "ratio": incidence_ratio}
        options = {"cause": 1 if key == "event" else 2}
    for measure, function in found.items():
        contrast = function(a, b, EXPECTED[name]["reading"], **options)
        _same(
            [contrast.estimate, contrast.std_error, contrast.conf_low, contrast.conf_high, contrast.p_value],
            expected[measure],
        )


def test_most_data_sets_are_contrasted():
    assert len(CONTRASTED) == 5
