"""The results table of 227 real patients, from the shipped protocol and file to its rows, against R.

The numbers come from `tests/oracle/hcc_resection/reference.R`; see ORIGIN.md there.
"""

import json
from pathlib import Path

import pytest

from trialwright.protocol.loading import load_protocol
from trialwright.reports.writing import analyse_study

ORACLE = Path(__file__).parents[1] / "oracle" / "hcc_resection" / "expected.json"
EXPECTED = json.loads(ORACLE.read_text(encoding="utf-8"))
GROUPS = {"hbsag_0": "negative", "hbsag_1": "positive"}
TERMS = ("age", "bclc=code_2", "hbsag=positive")

every_endpoint = pytest.mark.parametrize("endpoint", ["rfs", "os"])
every_group = pytest.mark.parametrize(("r_group", "level"), GROUPS.items())


@pytest.fixture(scope="module")
def results():
    return analyse_study(load_protocol("hcc-resection"))


def same(row, expected, rel=1e-9):
    """A row equals R's number; R's NA must be a row without value and with its reason."""
    if expected is None:
        assert row.value is None
        assert row.note
    else:
        assert row.value == pytest.approx(expected, rel=rel, abs=1e-14)


@every_endpoint
@every_group
def test_every_step_of_the_curve(results, endpoint, r_group, level):
    table = EXPECTED[endpoint]["curves"][r_group]["table"]
    rows = [
        row
        for row in results.of(f"{endpoint}_curve")
        if row.group == level and row.item == "curve" and row.statistic == "survival"
    ]
    assert [row.time for row in rows] == table["time"]
    for i, time in enumerate(table["time"]):
        here = f"{endpoint}_curve/{level}/curve/{time:g}"
        for statistic in ("survival", "n_at_risk", "n_events", "n_censored"):
            same(results[f"{here}/{statistic}"], table[statistic][i])
        for limit in ("conf_low", "conf_high"):
            if (
                table["std_error"][i] == 0
            ):  # R's limits of 1 and 1 before the first event are no statement of precision
                assert results[f"{here}/{limit}"].note == "no event yet"
            else:
                same(results[f"{here}/{limit}"], table[limit][i])


@every_endpoint
@every_group
def test_one_two_and_three_year_survival(results, endpoint, r_group, level):
    at = EXPECTED[endpoint]["curves"][r_group]["at"]
    for i, months in enumerate((12, 24, 36)):
        for statistic in ("survival", "std_error", "conf_low", "conf_high", "n_at_risk"):
            same(results[f"{endpoint}_curve/{level}/at/{months}/{statistic}"], at[statistic][i])


@every_endpoint
@every_group
def test_median_with_interval(results, endpoint, r_group, level):
    median = EXPECTED[endpoint]["curves"][r_group]["median"]
    for statistic, expected in zip(("median", "median_conf_low", "median_conf_high"), median, strict=True):
        same(results[f"{endpoint}_curve/{level}/{statistic}"], expected)


@pytest.mark.parametrize(
    ("r_group", "group"), [("overall", ""), ("hbsag_0", "negative/"), ("hbsag_1", "positive/")]
)
def test_follow_up_by_reverse_kaplan_meier(results, r_group, group):
    median = EXPECTED["os"]["curves"][r_group]["reversed"]["median"]
    for statistic, expected in zip(("median", "median_conf_low", "median_conf_high"), median, strict=True):
        same(results[f"follow_up/{group}{statistic}"], expected)


@every_endpoint
@pytest.mark.parametrize(("name", "oracle"), [("logrank", "logrank"), ("logrank_bclc", "logrank_stratified")])
def test_logrank(results, endpoint, name, oracle):
    expected = EXPECTED[endpoint][oracle]
    for i, level in enumerate(GROUPS.values()):
        same(results[f"{endpoint}_{name}/{level}/observed"], expected["observed"][i])
        same(results[f"{endpoint}_{name}/{level}/expected"], expected["expected"][i])
    same(results[f"{endpoint}_{name}/chi_squared"], expected["chi_squared"])
    same(results[f"{endpoint}_{name}/p_value"], expected["p_value"], rel=1e-8)


@every_endpoint
def test_cox_model(results, endpoint):
    expected = EXPECTED[endpoint]["cox"]
    for i, term in enumerate(TERMS):
        for statistic in ("coef", "std_error", "hazard_ratio", "conf_low", "conf_high", "z"):
            same(results[f"{endpoint}_cox/{term}/{statistic}"], expected[statistic][i])
        same(results[f"{endpoint}_cox/{term}/p_value"], expected["p_value"][i], rel=1e-8)
    for item, oracle in (("likelihood ratio test", "likelihood_ratio_test"), ("Wald test", "wald_test"),
                         ("score test", "score_test")):  # fmt: skip
        chi_squared, df, p_value = expected[oracle]
        same(results[f"{endpoint}_cox/{item}/chi_squared"], chi_squared)
        same(results[f"{endpoint}_cox/{item}/df"], df)
        same(results[f"{endpoint}_cox/{item}/p_value"], p_value, rel=1e-8)
    same(results[f"{endpoint}_cox/loglik_null"], expected["loglik"][0])
    same(results[f"{endpoint}_cox/loglik"], expected["loglik"][1])
    same(results[f"{endpoint}_cox/concordance"], expected["concordance"][0])
    same(results[f"{endpoint}_cox/concordance_std_error"], expected["concordance"][1])
    same(results[f"{endpoint}_cox/n_analysed"], expected["n"][0])
    same(results[f"{endpoint}_cox/n_events"], expected["n"][1])


@every_endpoint
def test_proportional_hazards(results, endpoint):
    for item, (chi_squared, df, p_value) in zip(
        (*TERMS, None), EXPECTED[endpoint]["cox"]["zph"]["km"], strict=True
    ):
        here = f"{endpoint}_cox/{item}" if item else f"{endpoint}_cox"
        same(results[f"{here}/hazards_chi_squared"], chi_squared)
        same(results[f"{here}/hazards_df"], df)
        same(results[f"{here}/hazards_p_value"], p_value, rel=1e-8)


@every_endpoint
@every_group
def test_restricted_mean_at_36_months(results, endpoint, r_group, level):
    estimate, std_error = EXPECTED[endpoint]["curves"][r_group]["restricted_mean"]
    same(results[f"{endpoint}_mean/{level}/36/restricted_mean"], estimate)
    same(results[f"{endpoint}_mean/{level}/36/std_error"], std_error)


@every_endpoint
def test_restricted_mean_difference(results, endpoint):
    negative, positive = (
        EXPECTED[endpoint]["curves"][group]["restricted_mean"] for group in ("hbsag_0", "hbsag_1")
    )
    here = f"{endpoint}_mean/positive minus negative/36"
    same(results[f"{here}/difference"], positive[0] - negative[0])
    same(results[f"{here}/std_error"], (positive[1] ** 2 + negative[1] ** 2) ** 0.5)


@every_endpoint
@pytest.mark.parametrize("level", GROUPS.values())
def test_counts_under_the_figure_add_up_at_every_tick(results, endpoint, level):
    n = results[f"{endpoint}_curve/{level}/n_subjects"].value
    ticks = {row.time for row in results.of(f"{endpoint}_curve") if row.item == "tick" and row.group == level}
    assert ticks == {12.0 * i for i in range(8)}
    for tick in ticks:
        here = f"{endpoint}_curve/{level}/tick/{tick:g}"
        assert n == sum(results[f"{here}/{name}"].value for name in ("n_at_risk", "n_censored", "n_events"))


def test_failing_hazards_and_the_small_group_are_said_aloud(results):
    found = {(finding.code, finding.analysis) for finding in results.findings}
    # R: zph p 5e-6 (RFS) and 0.005 (OS); 18 HBsAg-negative patients with 8 and 7 events.
    assert found == {
        ("small-group", "rfs_curve"),
        ("few-at-risk", "rfs_curve"),
        ("small-group", "follow_up"),
        ("non-proportional-hazards", "rfs_cox"),
        ("non-proportional-hazards", "os_cox"),
    }


def test_every_row_names_its_analysis_and_data(results):
    for row in results.rows:
        assert "hepatoCellular.csv" in row.source
        assert row.analysis == "population flow" or f"analyses.{row.analysis} " in row.source


def test_conventions_are_recorded_with_the_numbers(results):
    curve = json.loads(results["rfs_curve/positive/at/36/survival"].conventions)
    cox = json.loads(results["rfs_cox/age/hazard_ratio"].conventions)
    assert (curve["conf_type"], curve["conf_level"], curve["quantile_on_flat_part"]) == (
        "log-log",
        0.95,
        "middle",
    )
    assert (cox["ties"], cox["reference"]) == ("efron", {"bclc": "code_1", "hbsag": "negative"})


def test_json_and_parquet_hold_the_same_full_numbers(results):
    rows = json.loads(results.to_json())["results"]
    frame = results.to_frame()
    assert [row["id"] for row in rows] == frame["id"].to_list()
    assert [row["value"] for row in rows] == frame["value"].to_list() == [row.value for row in results.rows]
