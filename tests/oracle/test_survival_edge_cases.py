"""Small data sets at the edges, against R (see survival_edge_cases/ORIGIN.md)."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from trialwright.statistics.survival import (
    NotEstimable,
    estimate_survival,
    fit_cox,
    logrank_test,
    proportional_hazards_test,
    restricted_mean_difference,
)

_FILE = Path(__file__).parent / "survival_edge_cases" / "edge_cases.json"
CASES = {case["name"]: case for case in json.loads(_FILE.read_text(encoding="utf-8"))["cases"]}
ELSEWHERE = {
    "competing_risks",
    "interval_censored_turnbull",
    "interval_censored_no_exact",
}
LEFT_FOR_LATER = {"rubin_pool"}
USED = set(CASES) - ELSEWHERE - LEFT_FOR_LATER

CURVES = [
    (name, key)
    for name in USED
    for key, value in CASES[name]["expected"].items()
    if key.startswith("km") and "table" in value
]
LOGRANKS = [
    (name, key)
    for name in USED
    for key in ("logrank", "logrank_strat", "strat", "FH1")
    if key in CASES[name]["expected"]
]
COX = [
    (name, key, ties)
    for name in USED
    for key, value in CASES[name]["expected"].items()
    if key.startswith("cox") or key == "trend_cox_score"
    for ties in ("efron", "breslow")
    if ties in value
]


def _same(actual, expected, rtol=1e-9):
    assert_allclose(np.asarray(actual, float), np.array(expected, float), rtol=rtol, atol=1e-14)


def _input(name):
    """Time, event, entry and the other columns of a case."""
    given = {key: np.array(value) for key, value in CASES[name]["input"].items()}
    time = next(given[key] for key in ("time", "exit", "stop") if key in given)
    entry = next((given[key] for key in ("entry", "start") if key in given), None)
    return time, given["event"], entry, given


def test_every_case_is_used_or_left_for_later():
    assert {name for name, _ in CURVES} | {name for name, _ in LOGRANKS} | {name for name, *_ in COX} | {
        "rmst"
    } == USED


@pytest.mark.parametrize(("name", "key"), sorted(CURVES))
@pytest.mark.parametrize("conf_type", ["plain", "log", "log-log"])
def test_kaplan_meier_table_and_quantiles(name, key, conf_type):
    time, event, entry, given = _input(name)
    expected = CASES[name]["expected"][key]
    strata = np.array(expected["table"]["stratum"])
    if key == "km_replicated":
        time, event = (np.repeat(column, given["wint"]) for column in (time, event))
    for position, stratum in enumerate(dict.fromkeys(strata.tolist())):
        rows = (
            np.full(len(time), True)
            if stratum == "all"
            else given["group"] == int(stratum.removeprefix("group="))
        )
        curve = estimate_survival(
            time[rows],
            event[rows],
            entry=None if entry is None else entry[rows],
            weights=given["wint"][rows] if key == "km_int" else None,
            variance="greenwood",
            conf_type=conf_type,
        )
        table = {column: np.array(values)[strata == stratum] for column, values in expected["table"].items()}
        _same(curve.time, table["time"])
        _same(curve.n_at_risk, table["n_risk"])
        _same(curve.n_events, table["n_event"])
        _same(curve.n_censored, table["n_censor"])
        _same(curve.survival, table["surv"], rtol=1e-12)
        _same(curve.std_error, table["se_surv"])
        limits = expected[f"ci_{conf_type}"]
        _same(curve.conf_low, np.atleast_1d(limits["lower"])[strata == stratum])
        _same(curve.conf_high, np.atleast_1d(limits["upper"])[strata == stratum])
        quantiles = expected[f"quantiles25_50_75_{conf_type}"]
        found = [curve.quantile(p) for p in (0.25, 0.5, 0.75)]
        _same([quantile.estimate for quantile in found], quantiles["est"][position])
        _same([quantile.conf_low for quantile in found], quantiles["lower"][position])
        _same([quantile.conf_high for quantile in found], quantiles["upper"][position])


def test_times_that_differ_by_rounding_are_one_time():
    time, event, _, _ = _input("float_ties")
    assert len(estimate_survival(time, event).time) == CASES["float_ties"]["expected"]["n_distinct_times"]


@pytest.mark.parametrize("group", [0, 1])
def test_weighted_curve_with_robust_variance(group):
    time, event, _, given = _input("weights")
    expected = CASES["weights"]["expected"]["km_frac_robust"]
    rows = given["group"] == group
    curve = estimate_survival(time[rows], event[rows], weights=given["wfrac"][rows])
    table = {
        column: np.array(expected[column])[np.array(expected["strata"]) == f"group={group}"]
        for column in ("time", "n_risk", "surv", "se_as_stored", "lower", "upper")
    }
    _same(curve.time, table["time"])
    _same(curve.n_at_risk, table["n_risk"])
    _same(curve.survival, table["surv"], rtol=1e-12)
    above_0 = table["surv"] > 0
    _same(curve.std_error[above_0], table["se_as_stored"][above_0])
    _same(curve.conf_low[above_0], table["lower"][above_0])
    _same(curve.conf_high[above_0], table["upper"][above_0])
    assert np.isnan([curve.std_error[-1], curve.conf_low[-1], curve.conf_high[-1]]).all()


@pytest.mark.parametrize(("name", "key"), sorted(LOGRANKS))
def test_logrank(name, key):
    time, event, _, given = _input(name)
    expected = CASES[name]["expected"][key]
    options = {"strata": given["stratum"]} if key.endswith("strat") else {"rho": 1.0} if key == "FH1" else {}
    if not event.any():
        with pytest.raises(NotEstimable, match="no event was observed"):
            logrank_test(time, event, given["group"], **options)
        return
    result = logrank_test(time, event, given["group"], **options)
    _same([group.observed for group in result.groups], expected["observed"])
    _same([group.expected for group in result.groups], expected["expected"])
    _same(result.variance, expected["var"])
    _same(result.chi_squared, expected["chisq"])
    assert result.df == expected["df"]
    _same(result.p_value, expected["p"], rtol=1e-8)


WITHOUT_ANSWER = {
    ("all_censored_in_group0", "cox"): "no event was observed where `group` is 0",
    ("zero_events", "cox"): "no event was observed",
    (
        "time_zero",
        "cox",
    ): "the hazard ratio of `group` is zero: each event fell on the lowest value then at risk",
    ("collinear", "cox_collinear"): "`x2` cannot be told from a linear combination of the other covariates",
    ("collinear", "cox_const"): "`k` has only one value, 1",
    (
        "monotone_likelihood",
        "cox",
    ): "the hazard ratio of `x` is infinite: each event fell on the highest value then at risk",
}


def _fit(name, key, ties):
    time, event, entry, given = _input(name)
    names = np.atleast_1d(CASES[name]["expected"][key][ties]["names"]).tolist()
    covariates = np.column_stack(
        [given["group"] == int(term[-1]) if term.startswith("factor") else given[term] for term in names]
    )
    options = {"entry": entry}
    if key == "cox_replicated":
        time, event, covariates = (
            np.repeat(rows, given["wint"], axis=0) for rows in (time, event, covariates)
        )
    elif key == "cox_int":
        options |= {"weights": given["wint"], "variance": "model"}
    elif key == "cox_frac_robust":
        options |= {"weights": given["wfrac"]}
    elif key == "cox_robust":
        options |= {"variance": "robust"}
    elif key == "cox_cluster":
        options |= {"cluster": given["id"]}
    elif key == "cox_strata" or name == "strata_degenerate":
        options |= {"strata": given["stratum"]}
    return fit_cox(time, event, covariates, names=names, ties=ties, **options)


@pytest.mark.parametrize(("name", "key", "ties"), sorted(COX))
def test_cox_regression(name, key, ties):
    expected = CASES[name]["expected"][key][ties]
    if (name, key) in WITHOUT_ANSWER:
        with pytest.raises(NotEstimable) as raised:
            _fit(name, key, ties)
        assert raised.value.reason == WITHOUT_ANSWER[name, key]
        return
    fit = _fit(name, key, ties)
    _same([coefficient.coef for coefficient in fit.coefficients], np.atleast_1d(expected["coef"]))
    _same([coefficient.std_error for coefficient in fit.coefficients], np.atleast_1d(expected["se"]))
    _same([fit.loglik_null, fit.loglik], expected["loglik"])
    tests = {"LR": fit.likelihood_ratio_test, "wald": fit.wald_test, "score": fit.score_test}
    if expected["robust_score"] is None:
        assert fit.robust_score_test is None
    else:
        tests["robust_score"] = fit.robust_score_test
    for column, test in tests.items():
        _same([test.chi_squared, test.df], expected[column][:2])
        _same(test.p_value, expected[column][2], rtol=1e-8)
    _same([fit.concordance, fit.concordance_std_error], expected["C"])
    assert (fit.n_observations, fit.n_events) == (expected["n"], expected["nevent"])


@pytest.mark.parametrize("transform", ["km", "rank", "identity"])
def test_proportional_hazards(transform):
    expected = np.array(CASES["cox_zph_and_prediction"]["expected"]["zph"][transform])
    found = proportional_hazards_test(_fit("cox_zph_and_prediction", "cox", "efron"), transform)
    tests = [*found.by_covariate.values(), found.all_together]
    assert list(found.by_covariate) == ["group", "x"]
    _same([[test.chi_squared, test.df] for test in tests], expected[:, :2])
    _same([test.p_value for test in tests], expected[:, 2], rtol=1e-8)


def test_restricted_means_and_their_difference():
    time, event, _, given = _input("rmst")
    expected = CASES["rmst"]["expected"]
    curves = {
        group: estimate_survival(time[given["group"] == group], event[given["group"] == group])
        for group in (0, 1)
    }
    for group, curve in curves.items():
        mean = curve.restricted_mean(10)
        _same([mean.estimate, mean.std_error, mean.conf_low, mean.conf_high], expected[f"arm{group}"])
    difference = restricted_mean_difference(curves[1], curves[0], 10)
    estimate, low, high, p_value = expected["contrasts"]["table"][0]
    _same([difference.estimate, difference.conf_low, difference.conf_high], [estimate, low, high])
    _same(difference.p_value, p_value, rtol=1e-8)
    overall = estimate_survival(time, event).restricted_mean(10)
    _same([overall.estimate, overall.std_error], expected["overall_survfit"])
