"""Propensity, weighted curves, exposure, strategies and Rubin's rules against R (see weighting/ORIGIN.md)."""

import csv
import json
import math
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from trialwright.statistics.covariates import categorised, measured
from trialwright.statistics.exposure import split_by_exposure
from trialwright.statistics.imputation import combine
from trialwright.statistics.strategies import compare_strategies
from trialwright.statistics.student_t import t_p_value, t_quantile
from trialwright.statistics.survival import estimate_survival, fit_cox, logrank_test
from trialwright.statistics.weighted_survival import compare_weighted
from trialwright.statistics.weighting import TARGETS, balance_table

EXPECTED = json.loads((Path(__file__).parent / "weighting" / "expected.json").read_text(encoding="utf-8"))
READINGS = EXPECTED["readings"]


def _read_patients() -> dict[str, np.ndarray]:
    file = files("trialwright.protocol") / "shipped" / "hcc-resection" / "hepatoCellular.csv"
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}


PATIENTS = _read_patients()
NUMBER, TIME, EVENT = (PATIENTS[name] for name in ("Number", "RFS", "Recurrence"))
TREATED = 1 - PATIENTS["Capsulation"]
EXTENT = categorised(
    "extent", PATIENTS["Vascularinvasion"] + PATIENTS["Tumormultiplicity"] - 1, levels=[0, 1, 2]
)
COVARIATES = [measured(name, PATIENTS[name]) for name in ("Age", "Cirrhosis", "AFP", "Tumorsize")] + [EXTENT]


def _same(actual, expected, rtol=1e-9):
    assert_allclose(np.asarray(actual, float), np.array(expected, float), rtol=rtol, atol=1e-14)


def _same_points(curve, expected):
    points = curve.at(READINGS)
    for column, values in expected.items():
        _same(getattr(points, column), values)


def test_propensity_score():
    fit = compare_weighted(TIME, EVENT, TREATED, COVARIATES).propensity
    expected = EXPECTED["propensity"]
    _same([c.coef for c in fit.coefficients], expected["coef"], rtol=1e-8)
    _same([c.std_error for c in fit.coefficients], expected["std_error"], rtol=1e-8)
    _same(fit.probability, expected["scores"], rtol=1e-8)
    _same(fit.loglik, expected["loglik"])
    assert [c.name for c in fit.coefficients[-2:]] == ["extent: 1", "extent: 2"]


@pytest.mark.parametrize("target", TARGETS)
def test_weighted_curves_cox_and_risk_difference(target):
    comparison = compare_weighted(TIME, EVENT, TREATED, COVARIATES, target=target)
    expected = EXPECTED["weighted"][target]
    treated, control = comparison.curves()
    _same_points(treated, expected["treated"])
    _same_points(control, expected["control"])
    (hazard_ratio,) = comparison.hazard_ratio().coefficients
    _same([hazard_ratio.coef], expected["cox"]["coef"])
    _same([hazard_ratio.std_error], expected["cox"]["std_error"])
    difference = comparison.risk_difference(36)
    _same([difference.estimate, difference.std_error], expected["risk_difference"])
    sizes = comparison.size, comparison.size_treated, comparison.size_control
    _same([size.effective for size in sizes], expected["effective"])


@pytest.mark.parametrize("target", TARGETS)
def test_balance_before_and_after(target):
    weights = compare_weighted(TIME, EVENT, TREATED, COVARIATES, target=target).weights
    table = balance_table([*COVARIATES, measured("ALT", PATIENTS["ALT"])], TREATED, weights)
    found = {row.name: row for row in table}
    for name, after in EXPECTED["weighted"][target]["balance"].items():
        assert found[name].before == pytest.approx(EXPECTED["before"][name], rel=1e-9)
        assert found[name].after == pytest.approx(after, rel=1e-8, abs=1e-12)


BEGINS = np.where(NUMBER % 3 == 0, 1 + (7 * NUMBER) % 12, np.inf)
ENTRY = np.where((NUMBER % 4) / 2 < TIME, (NUMBER % 4) / 2, 0)


def _same_test(result, expected):
    exposed = result.groups[1]
    _same([exposed.observed, exposed.expected], [expected["observed"], expected["expected"]])
    _same(
        [result.variance[1, 1], result.chi_squared, result.p_value],
        [expected["variance"], expected["chi_squared"], expected["p_value"]],
    )


def test_time_varying_exposure():
    rows, expected = split_by_exposure(TIME, EVENT, BEGINS), EXPECTED["exposure"]
    assert len(rows.subject) == expected["n_rows"]
    fit = fit_cox(
        rows.time,
        rows.event,
        rows.exposed[:, None],
        names=["exposed"],
        entry=rows.entry,
        cluster=rows.subject,
    )
    _same([fit.coefficients[0].coef], expected["cox"]["coef"])
    _same([fit.coefficients[0].std_error], expected["cox"]["std_error"])
    _same_test(logrank_test(rows.time, rows.event, rows.exposed, entry=rows.entry), expected["logrank"])


def test_delayed_entry_and_time_varying_exposure():
    rows, expected = split_by_exposure(TIME, EVENT, BEGINS, entry=ENTRY), EXPECTED["exposure"]
    patient = rows.subject
    weights = 0.5 + (NUMBER[patient] % 7) / 5 + rows.exposed / 3
    matrix = np.column_stack([rows.exposed, PATIENTS["Age"][patient]])
    fit = fit_cox(
        rows.time,
        rows.event,
        matrix,
        names=["exposed", "age"],
        entry=rows.entry,
        weights=weights,
        cluster=patient,
    )
    _same([c.coef for c in fit.coefficients], expected["cox_late"]["coef"])
    _same([c.std_error for c in fit.coefficients], expected["cox_late"]["std_error"])
    strata = PATIENTS["BCLC"][patient]
    test = logrank_test(rows.time, rows.event, rows.exposed, entry=rows.entry, strata=strata)
    _same_test(test, expected["logrank_late"])
    curve = estimate_survival(rows.time, rows.event, entry=rows.entry, weights=weights, subject=patient)
    _same_points(curve, expected["rows"])
    area = curve.restricted_mean(36)
    _same([area.estimate, area.std_error], expected["rows_area"])
    assert curve.n_subjects == 227


def test_curve_with_delayed_entry():
    _same_points(estimate_survival(TIME, EVENT, entry=ENTRY), EXPECTED["exposure"]["entry"])


@pytest.mark.parametrize("model", ["with_covariates", "without"])
def test_strategies(model):
    expected = EXPECTED["strategies"][model]
    covariates = [measured(name, PATIENTS[name]) for name in ("Age", "AFP")]
    comparison = compare_strategies(
        TIME,
        EVENT,
        np.where(NUMBER % 5 < 2, 1 + NUMBER % 6, np.inf),
        covariates if model == "with_covariates" else [],
        grace=3,
        at=36,
        n_resamples=100,
        seed=1,
    )
    curves = {"start": comparison.start, "do_not_start": comparison.do_not_start}
    times = [2, *READINGS]
    for name, curve in curves.items():
        _same(curve.at(times).survival, expected[name]["survival"])
        row = np.searchsorted(curve.time, times)
        at_event_times = curve.time[row] == times
        assert at_event_times.sum() >= 2
        _same(
            curve.weight_at_risk[row][at_event_times],
            np.array(expected[name]["weight_at_risk"])[at_event_times],
        )
    assert [int(curve.clones.has_left.sum()) for curve in curves.values()] == expected["n_left"]
    sizes = [curve.size_after_grace for curve in curves.values()]
    _same([[size.n_subjects, size.effective] for size in sizes], expected["size_after_grace"])
    difference = comparison.risk_difference
    assert difference.risk_a.estimate == pytest.approx(1 - expected["start"]["survival"][-1], rel=1e-9)
    assert difference.difference.estimate == pytest.approx(
        expected["do_not_start"]["survival"][-1] - expected["start"]["survival"][-1], rel=1e-9
    )


@pytest.mark.parametrize("case", ["normal", "bounded"])
def test_rubins_rules(case):
    expected = EXPECTED["rubin"][case]
    df_complete = math.inf if expected["df_complete"] is None else expected["df_complete"]
    combined = combine(expected["q"], expected["u"], df_complete=df_complete)
    for name in expected.keys() - {"q", "u", "df_complete"}:
        assert getattr(combined, name) == pytest.approx(expected[name], rel=1e-9), name


def test_students_t():
    expected = EXPECTED["student"]
    _same([t_quantile(0.975, df) for df in expected["df"]], expected["quantile"])
    _same([t_p_value(-1.7, df) for df in expected["df"]], expected["p_value"])
