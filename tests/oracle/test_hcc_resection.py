"""227 real patients: every number against R (see hcc_resection/ORIGIN.md)."""

import csv
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from trialwright.statistics.descriptive import (
    count_levels,
    standardised_difference_levels,
    standardised_difference_numbers,
    summarise_numbers,
)
from trialwright.statistics.survival import (
    estimate_survival,
    fit_cox,
    logrank_test,
    proportional_hazards_test,
    restricted_mean_difference,
)

EXPECTED = json.loads((Path(__file__).parent / "hcc_resection" / "expected.json").read_text(encoding="utf-8"))
COLUMNS = {"rfs": ("RFS", "Recurrence"), "os": ("OS", "Death")}
GROUPS = ("overall", "hbsag_0", "hbsag_1")


def _read_patients() -> dict[str, np.ndarray]:
    file = files("trialwright.protocol") / "shipped" / "hcc-resection" / "hepatoCellular.csv"
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}


PATIENTS = _read_patients()


def _rows(group: str) -> np.ndarray:
    return np.full(227, True) if group == "overall" else PATIENTS["HBsAg"] == int(group[-1])


def _outcome(outcome: str, group: str = "overall") -> tuple[np.ndarray, np.ndarray]:
    time, event = COLUMNS[outcome]
    return PATIENTS[time][_rows(group)], PATIENTS[event][_rows(group)]


def _same(actual, expected, rtol=1e-9):
    assert_allclose(np.asarray(actual, float), np.array(expected, float), rtol=rtol, atol=1e-14)


def _same_table(curve, expected):
    for column in (
        "time",
        "n_at_risk",
        "n_events",
        "n_censored",
        "survival",
        "std_error",
        "conf_low",
        "conf_high",
    ):
        _same(getattr(curve, column), expected[column], rtol=1e-12 if column == "survival" else 1e-9)


curves = pytest.mark.parametrize(("outcome", "group"), [(o, g) for o in COLUMNS for g in GROUPS])


@curves
def test_kaplan_meier_table(outcome, group):
    _same_table(estimate_survival(*_outcome(outcome, group)), EXPECTED[outcome]["curves"][group]["table"])


@curves
def test_readings_at_12_24_and_36_months(outcome, group):
    points = estimate_survival(*_outcome(outcome, group)).at(EXPECTED["readings"])
    for column, expected in EXPECTED[outcome]["curves"][group]["at"].items():
        _same(getattr(points, column), expected)


@curves
@pytest.mark.parametrize(("p", "key"), [(0.5, "median"), (0.25, "lower_quartile")])
def test_quantiles(outcome, group, p, key):
    found = estimate_survival(*_outcome(outcome, group)).quantile(p)
    _same([found.estimate, found.conf_low, found.conf_high], EXPECTED[outcome]["curves"][group][key])


@curves
def test_restricted_mean(outcome, group):
    mean = estimate_survival(*_outcome(outcome, group)).restricted_mean(EXPECTED["horizon"])
    _same([mean.estimate, mean.std_error], EXPECTED[outcome]["curves"][group]["restricted_mean"])


@pytest.mark.parametrize("outcome", COLUMNS)
def test_difference_of_restricted_means(outcome):
    (mean_0, error_0), (mean_1, error_1) = (
        EXPECTED[outcome]["curves"][group]["restricted_mean"] for group in ("hbsag_0", "hbsag_1")
    )
    negative, positive = (estimate_survival(*_outcome(outcome, group)) for group in ("hbsag_0", "hbsag_1"))
    difference = restricted_mean_difference(negative, positive, EXPECTED["horizon"])
    _same([difference.estimate, difference.std_error], [mean_0 - mean_1, (error_0**2 + error_1**2) ** 0.5])


@curves
def test_reverse_kaplan_meier_takes_events_first(outcome, group):
    expected = EXPECTED[outcome]["curves"][group]["reversed"]
    curve = estimate_survival(*_outcome(outcome, group), reverse=True)
    censored = curve.n_censored > 0
    for column in ("time", "survival", "std_error", "conf_low", "conf_high"):
        _same(getattr(curve, column)[censored], expected[column])
    median = curve.quantile(0.5)
    _same([median.estimate, median.conf_low, median.conf_high], expected["median"])


@curves
def test_reverse_kaplan_meier_by_flipping_the_event_is_another_rule(outcome, group):
    expected = EXPECTED[outcome]["curves"][group]["reversed_event_still_at_risk"]
    time, event = _outcome(outcome, group)
    curve = estimate_survival(time, 1 - event)
    _same(curve.survival, expected["survival"], rtol=1e-12)
    median = curve.quantile(0.5)
    _same([median.estimate, median.conf_low, median.conf_high], expected["median"])


def test_the_two_reverse_rules_differ_on_these_patients():
    time, event = _outcome("os")
    events_first = estimate_survival(time, event, reverse=True).survival
    assert np.max(np.abs(events_first - estimate_survival(time, 1 - event).survival)) > 0.001


@curves
def test_weighted_curve_with_robust_variance(outcome, group):
    expected = EXPECTED[outcome]["weighted_by_age"][group]
    curve = estimate_survival(*_outcome(outcome, group), weights=PATIENTS["Age"][_rows(group)] / 50)
    _same_table(curve, expected["table"])
    mean = curve.restricted_mean(EXPECTED["horizon"])
    _same([mean.estimate, mean.std_error], expected["restricted_mean"])


@pytest.mark.parametrize("outcome", COLUMNS)
@pytest.mark.parametrize(
    ("key", "options"),
    [("logrank", {}), ("logrank_stratified", {"strata": PATIENTS["BCLC"]}), ("peto", {"rho": 1.0})],
)
def test_logrank(outcome, key, options):
    expected = EXPECTED[outcome][key]
    result = logrank_test(*_outcome(outcome), PATIENTS["HBsAg"], **options)
    assert [(group.label, group.n_subjects) for group in result.groups] == [(0, 18), (1, 209)]
    _same([group.observed for group in result.groups], expected["observed"])
    _same([group.expected for group in result.groups], expected["expected"])
    _same(result.variance, expected["variance"])
    _same(result.chi_squared, expected["chi_squared"])
    assert result.df == 1
    _same(result.p_value, expected["p_value"], rtol=1e-8)


COX = pytest.mark.parametrize(
    ("key", "options"),
    [
        ("cox", {}),
        ("cox_stratified", {"strata": PATIENTS["BCLC"]}),
        ("cox_weighted_by_age", {"weights": PATIENTS["Age"] / 50}),
    ],
)


def _fit(outcome, key, options):
    names = EXPECTED[outcome][key]["names"]
    covariates = np.column_stack([PATIENTS[name] for name in names])
    return fit_cox(*_outcome(outcome), covariates, names=names, **options)


@pytest.mark.parametrize("outcome", COLUMNS)
@COX
def test_cox_regression(outcome, key, options):
    expected = EXPECTED[outcome][key]
    fit = _fit(outcome, key, options)
    for column in ("coef", "std_error", "hazard_ratio", "conf_low", "conf_high", "z", "p_value"):
        actual = [getattr(coefficient, column) for coefficient in fit.coefficients]
        _same(actual, expected[column], rtol=1e-8 if column == "p_value" else 1e-9)
    _same([fit.loglik_null, fit.loglik], expected["loglik"])
    for name in ("likelihood_ratio_test", "wald_test", "score_test"):
        test = getattr(fit, name)
        _same([test.chi_squared, test.df], expected[name][:2])
        _same(test.p_value, expected[name][2], rtol=1e-8)
    _same([fit.concordance, fit.concordance_std_error], expected["concordance"])
    assert [fit.n_observations, fit.n_events] == expected["n"]


@pytest.mark.parametrize("outcome", COLUMNS)
@pytest.mark.parametrize("transform", ["km", "rank", "identity"])
@COX
def test_proportional_hazards(outcome, key, options, transform):
    expected = np.array(EXPECTED[outcome][key]["zph"][transform])
    found = proportional_hazards_test(_fit(outcome, key, options), transform)
    tests = [*found.by_covariate.values(), found.all_together]
    assert list(found.by_covariate) == EXPECTED[outcome][key]["names"]
    _same([[test.chi_squared, test.df] for test in tests], expected[:, :2])
    _same([test.p_value for test in tests], expected[:, 2], rtol=1e-8)


@pytest.mark.parametrize("group", ["hbsag_0", "hbsag_1"])
@pytest.mark.parametrize("quantile_type", [2, 6, 7])
@pytest.mark.parametrize(
    ("key", "column"),
    [
        pytest.param("age", "Age", id="age"),
        pytest.param("ki67", "Ki67", id="Ki67, missing in most, known in one"),
    ],
)
def test_baseline_numbers(group, quantile_type, key, column):
    expected = EXPECTED["baseline"][key][group]
    summary = summarise_numbers(PATIENTS[column][_rows(group)], quantile_type=quantile_type)
    assert (summary.n, summary.n_missing) == (expected["n"], expected["n_missing"])
    for name in ("mean", "sd", "median", "minimum", "maximum"):
        _same(getattr(summary, name), expected[name])
    _same([summary.q1, summary.q3], expected["quartiles"][f"type_{quantile_type}"])


def test_baseline_levels_and_standardised_differences():
    extent = PATIENTS["Tumorsize"] + PATIENTS["Vascularinvasion"]
    expected = EXPECTED["baseline"]
    for key, values in {"bclc": PATIENTS["BCLC"], "extent": extent}.items():
        counts = [
            list(count_levels(values[_rows(group)], levels=sorted(set(values))).counts.values())
            for group in ("hbsag_0", "hbsag_1")
        ]
        assert counts == list(expected["levels"][key].values())
        _same(standardised_difference_levels(*counts), expected["standardised_differences"][key])
    ages = [PATIENTS["Age"][_rows(group)] for group in ("hbsag_1", "hbsag_0")]
    _same(standardised_difference_numbers(*ages), expected["standardised_differences"]["age"])
