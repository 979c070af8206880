"""Weighted comparisons through the analysis room: balance, limits, missing covariates, and when they are refused."""

import math
import re

import numpy as np
import pytest
from tests.cases.timed_trial import PROTOCOL, WEIGHTS, run, subject, trial

from trialwright.analysis.results import Recorder
from trialwright.analysis.sample import select_sample
from trialwright.analysis.weighted import facts_weighted, pool_contrasts, weigh
from trialwright.statistics.aliases import without_aliases
from trialwright.statistics.covariates import categorised, measured
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.risk_contrasts import risk_difference
from trialwright.statistics.survival import estimate_survival
from trialwright.statistics.weighted_survival import bootstrap_weighted_risks, compare_weighted


def values(results, here, *names):
    return [results[f"{here}/{name}"].value for name in names]


def cohort(n=160, seed=1, missing=0.0):
    """Age hastens both the new treatment and the event; the treatment does nothing."""
    rng = np.random.default_rng(seed)
    people = []
    for _ in range(n):
        age = float(rng.normal(60, 8))
        treated = rng.random() < 1 / (1 + math.exp(-(age - 60) / 8))
        time = int(rng.exponential(20 * math.exp(-(age - 60) / 12)))
        status = int(time < 25)
        sex = str(rng.choice(["f", "m"]))
        stage = str(rng.choice(["early", "late"]))
        known = {"age": age, "sex": sex, "stage": stage}
        known = {name: None if rng.random() < missing else value for name, value in known.items()}
        people.append(subject(min(time, 25), status, "b" if treated else "a", **known))
    return people


def test_weights_make_groups_alike_and_everything_about_them_is_told():
    people = cohort()
    results = run(people, "weighted", "curve")
    for name in ("age", "sex", "stage"):
        assert results[f"weighted/{name}/difference_after"].value == pytest.approx(0, abs=1e-9)
    assert results["weighted/age/difference_before"].value > 0.5
    ages = [one["age"] for one in people if one["group"] == "b"]
    assert results["weighted/b/age/mean_before"].value == pytest.approx(np.mean(ages))
    assert results["weighted/a/age/mean_after"].value == pytest.approx(
        results["weighted/b/age/mean_after"].value
    )
    n = len(ages)
    in_bins = [
        row.value for row in results.of("weighted") if row.statistic == "n_in_bin" and row.group == "b"
    ]
    assert sum(in_bins) == n == results["weighted/b/n_weighted"].value
    assert 0 < results["weighted/b/effective_size"].value < n
    assert results["weighted/n_unbalanced"].value == 0
    # the confounded difference goes towards none
    crude, weighted = (results[f"{here}/b minus a/10/difference"].value for here in ("curve", "weighted"))
    assert abs(weighted) < abs(crude)


def test_numbers_are_those_of_the_statistics_and_the_same_each_time():
    people = cohort()
    results, again = run(people, "weighted"), run(people, "weighted")
    assert results.rows == again.rows
    time, event = [one["time"] + 1 for one in people], [one["status"] for one in people]
    covariates = [
        measured("age", [one["age"] for one in people]),
        categorised("sex", [one["sex"] for one in people], levels=["f", "m"]),
        categorised("stage", [one["stage"] for one in people], levels=["early", "late", "last"]),
    ]
    comparison = compare_weighted(time, event, [one["group"] == "b" for one in people], covariates)
    expected = comparison.risk_difference(11)
    found = values(results, "weighted/b minus a/10", "difference", "std_error", "conf_low", "conf_high")
    assert found == pytest.approx(
        [expected.estimate, expected.std_error, expected.conf_low, expected.conf_high]
    )
    drawn = comparison.bootstrap_risk_difference(11, n_resamples=100, seed=7).difference
    found = values(
        results, "weighted/b minus a/10", "bootstrap_std_error", "bootstrap_conf_low", "bootstrap_conf_high"
    )
    assert found == pytest.approx([drawn.std_error, drawn.conf_low, drawn.conf_high])
    assert values(results, "weighted/b/at/10", "risk", "n_at_risk") == [
        pytest.approx(expected.risk_a.estimate),
        sum(1 for one in people if one["group"] == "b" and one["time"] >= 10),
    ]


def test_an_e_value_stands_beside_the_ratio():
    # VanderWeele and Ding: RR + sqrt(RR (RR - 1)), inverted below 1
    results = run(cohort(), "weighted")
    ratio, value = values(results, "weighted/b over a/10", "ratio", "e_value")
    ratio = max(ratio, 1 / ratio)
    assert value == pytest.approx(ratio + math.sqrt(ratio * (ratio - 1)))


def test_missing_covariates_are_imputed_and_results_combined():
    people = cohort(missing=0.1)
    results = run(people, "weighted", "weighted_model")
    n_missing = sum(one["age"] is None for one in people)
    assert n_missing > 5
    assert results["weighted/age/n_imputed"].value == n_missing
    assert results["weighted/n_analysed"].value == len(people)
    assert '"imputations": 5' in results["weighted/age/difference_after"].conventions
    assert abs(results["weighted/age/difference_after"].value) < 1e-9
    low, difference, high = values(results, "weighted/b minus a/10", "conf_low", "difference", "conf_high")
    assert low < difference < high
    a, b = (results[f"weighted/{level}/at/10/risk"].value for level in "ab")
    assert difference == pytest.approx(b - a)
    assert results["weighted/b over a/10/ratio"].value == pytest.approx(b / a)
    assert results["weighted_model/concordance"].note == "not combined over imputed data sets"
    assert results["weighted_model/groups=b/hazard_ratio"].value is not None


def test_analyses_with_the_same_weights_share_them():
    data = trial(cohort(missing=0.1))
    curve, model = data.protocol.analyses["weighted"], data.protocol.analyses["weighted_model"]
    found = []
    for analysis in (curve, model):
        sample = select_sample(data, Recorder("x", "y", "z"), analysis, facts_weighted(analysis))
        found.append(weigh(data, analysis, sample, analysis.weights))
    assert found[0] is found[1]
    assert len(found[0].comparisons) == 5


ON_ITS_LOG = WEIGHTS.replace("[age, sex, stage]", "[virus, sex, stage], transform: { virus: log10 }")
AS_IT_IS = WEIGHTS.replace("[age, sex, stage]", "[virus, sex, stage]")


def with_virus(people, of):
    """Everybody's `virus` made of their age, which hastens treatment and event."""
    return [{**one, "virus": None if one["age"] is None else of(one["age"])} for one in people]


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_a_covariate_on_its_log_scale_is_weighed_as_its_logarithm(missing):
    people = cohort(missing=missing)
    raw = run(with_virus(people, lambda age: 10 ** (age / 10)), "weighted", "weighted_model",
              text=PROTOCOL.replace(WEIGHTS, ON_ITS_LOG))  # fmt: skip
    logged = run(with_virus(people, lambda age: age / 10), "weighted", "weighted_model",
                 text=PROTOCOL.replace(WEIGHTS, AS_IT_IS))  # fmt: skip
    for row in logged.rows:
        found = raw[row.id].value
        assert found == (None if row.value is None else pytest.approx(row.value, rel=1e-6, abs=1e-9)), row.id


def test_groups_are_alike_on_the_scale_that_is_weighed():
    people = with_virus(cohort(), lambda age: 10 ** (age / 10))
    results = run(people, "weighted", text=PROTOCOL.replace(WEIGHTS, ON_ITS_LOG))
    treated = [math.log10(one["virus"]) for one in people if one["group"] == "b"]
    assert results["weighted/b/virus/mean_before"].value == pytest.approx(np.mean(treated))
    assert results["weighted/virus/difference_after"].value == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("least", "n_without"), [(-1.0, 1), (0.0, 1), (1e-9, 0)])
def test_what_has_no_logarithm_counts_as_missing(least, n_without):
    people = with_virus(cohort(), lambda age: age)
    missing = [{**one, "virus": None} if i == 3 else one for i, one in enumerate(people)]
    people[3]["virus"] = least
    text = PROTOCOL.replace(WEIGHTS, ON_ITS_LOG)
    results, expected = (run(one, "weighted", text=text) for one in (people, missing))
    assert values(results, "weighted/virus", "n_without_logarithm", "n_imputed") == [n_without, n_without]
    alike = results["weighted/b minus a/10/difference"] == expected["weighted/b minus a/10/difference"]
    assert alike == bool(n_without)


def test_without_imputation_only_complete_subjects_are_weighed():
    people = cohort(missing=0.1)
    text = PROTOCOL.replace("imputations: 5, ", "")
    results = run(people, "weighted", text=text)
    complete = sum(None not in (one["age"], one["sex"], one["stage"]) for one in people)
    assert results["weighted/n_analysed"].value == complete < len(people)


def test_a_covariate_that_is_missing_for_everyone_is_named():
    results = run([one | {"age": None} for one in cohort()], "weighted")
    assert "`age` is missing for everyone" in results["weighted/b minus a/10/difference"].note
    assert "not-estimable" in {finding.code for finding in results.findings}


def test_a_covariate_that_is_the_same_for_everyone_is_left_out_and_told():
    results = run([one | {"stage": "early"} for one in cohort()], "weighted")
    assert results["weighted/stage/left_out"].value == 1
    assert results["weighted/b minus a/10/difference"].value is not None


def test_covariates_that_all_say_nothing_leave_nothing_to_make_alike():
    people = [one | {"age": 50.0, "sex": "f", "stage": "early"} for one in cohort(40)]
    assert "nothing to make alike" in run(people, "weighted")["weighted/estimate"].note


def test_groups_that_a_covariate_separates_are_refused():
    people = [
        one | {"age": 70.0 + i % 3 if one["group"] == "b" else 40.0 + i % 3} for i, one in enumerate(cohort())
    ]
    results = run(people, "weighted", "weighted_model")
    assert "separates" in results["weighted/b minus a/10/difference"].note
    assert "separates" in results["weighted_model/groups=b/hazard_ratio"].note


def test_weights_that_cost_too_much_refuse_the_headline_but_show_why():
    # as in tests/statistics: two of each hundred are where the other group is, and weigh as much as their whole group
    people = [
        subject(i % 30, 1, group, age=60.0 if own else 50.0, sex="f", stage="early")
        for i, (group, own) in enumerate(
            [("b", True)] * 98 + [("a", True)] * 2 + [("b", False)] * 2 + [("a", False)] * 98
        )
    ]
    text = PROTOCOL.replace("target: overlap", "target: everyone")
    results = run(people, "weighted", "weighted_model", text=text)
    assert results["weighted/effective_share"].value < 0.5
    for id_ in (
        "weighted/b minus a/10/difference", "weighted/b/at/10/survival", "weighted/b over a/10/ratio",
        "weighted/b minus a/10/bootstrap_conf_low", "weighted_model/groups=b/hazard_ratio",
    ):  # fmt: skip
        assert "less than half" in results[id_].note
    assert results["weighted/age/difference_before"].value is not None


def test_groups_that_still_differ_are_told():
    text = PROTOCOL.replace("target: overlap,", "target: everyone, balance limit: 0.0001,")
    results = run(cohort(), "weighted", text=text)
    assert "groups-still-differ" in {finding.code for finding in results.findings}
    assert results["weighted/n_unbalanced"].value > 0


def test_weights_compare_the_groups_of_the_protocol_only():
    results = run(
        cohort(), "weighted", text=PROTOCOL.replace("by: groups\n    read at", "by: sex\n    read at")
    )
    assert "by: groups" in results["weighted/difference"].note


# --- pooling and resampling -----------------------------------------------------------------------------------------------


def test_contrasts_of_data_sets_that_agree_are_that_of_one():
    curves = [
        estimate_survival([1, 2, 3, 4, 5, 6], event) for event in ([1, 0, 1, 1, 0, 1], [0, 1, 0, 1, 0, 0])
    ]
    one = risk_difference(*curves, 4)
    pooled = pool_contrasts([one] * 4, 0.95)
    assert pooled == pytest.approx((one.estimate, one.std_error, one.conf_low, one.conf_high), rel=1e-6)
    assert pool_contrasts([one], 0.95) == (one.estimate, one.std_error, one.conf_low, one.conf_high)


def test_resampling_one_data_set_twice_over_is_resampling_it():
    people = cohort(80)
    time, event = [one["time"] + 1.0 for one in people], [one["status"] for one in people]
    treated = [one["group"] == "b" for one in people]
    comparison = compare_weighted(time, event, treated, [measured("age", [one["age"] for one in people])])
    once = bootstrap_weighted_risks([comparison], [6, 11], n_resamples=100, seed=3)
    twice = bootstrap_weighted_risks([comparison] * 2, [6, 11], n_resamples=100, seed=3)
    for one, other in zip(once, twice, strict=True):
        assert np.array_equal(one.estimates, other.estimates)
        assert one.estimates.shape == (100, 3)
    single = comparison.bootstrap_risk_difference(11, n_resamples=100, seed=3)
    assert once[1].conf_low[2] == pytest.approx(single.difference.conf_low)


def test_a_day_that_few_samples_reach_takes_no_limits_from_the_others():
    # one of each group is followed to day 30, so a sample reaches it where it holds both: about 0.63 of 0.63
    people = [one | {"time": min(one["time"], 20)} for one in cohort()]
    people = [*people, *(subject(30, 0, group, age=60.0, sex="f", stage="early") for group in "ab")]
    results, without = run(people, "weighted", read="10 days, 30 days"), run(people, "weighted")
    day_10, day_30 = (
        [
            results[f"weighted/b minus a/{day}/{name}"]
            for name in ("bootstrap_conf_low", "bootstrap_conf_high")
        ]
        for day in (10, 30)
    )
    expected = values(without, "weighted/b minus a/10", "bootstrap_conf_low", "bootstrap_conf_high")
    assert [row.value for row in day_10] == pytest.approx(expected)
    assert all(row.value is not None and '"n_failed": 0' in row.conventions for row in day_10)
    for row in day_30:
        assert row.value is None
        assert re.fullmatch(
            r"\d+ of 100 bootstrap samples gave no estimate, the first because in one group nobody is followed up to 31",
            row.note,
        )


def test_resampling_refuses_weights_that_are_not_usable():
    treated = np.repeat([1, 0, 1, 0], [98, 2, 2, 98])
    x = np.repeat([1.0, 1.0, 0.0, 0.0], [98, 2, 2, 98])
    comparison = compare_weighted(
        np.arange(1.0, 201), np.ones(200), treated, [measured("x", x)], target="everyone"
    )
    with pytest.raises(NotEstimable, match="less than half"):
        bootstrap_weighted_risks([comparison], [50], n_resamples=100, seed=1)


# --- covariates that follow from others -----------------------------------------------------------------------------------

TREATED_BY = ["resection", "ablation"]
INVASION = ["absent", "present", "not assessable"]


def liver(n=24):
    by = [TREATED_BY[i % 2] for i in range(n)]
    invasion = ["not assessable" if i % 2 else INVASION[i // 2 % 2] for i in range(n)]
    return by, invasion


def test_a_covariate_that_another_tells_is_left_out():
    by, invasion = liver()
    found = without_aliases(
        [categorised("invasion", invasion, levels=INVASION), categorised("by", by, levels=TREATED_BY)]
    )
    assert found.left_out == ("by",)
    assert [one.name for one in found.covariates] == ["invasion"]


def test_a_level_that_another_covariate_tells_joins_the_reference():
    by, invasion = liver()
    found = without_aliases(
        [categorised("by", by, levels=TREATED_BY), categorised("invasion", invasion, levels=INVASION)]
    )
    assert found.left_out == ()
    assert found.joined == (("invasion", ("not assessable",)),)
    assert found.covariates[1].columns()[0] == ("invasion: present",)


def test_predictions_stay_the_same_whatever_is_left_out():
    by, invasion = liver(48)
    rng = np.random.default_rng(5)
    treated = rng.random(48) < 0.5
    pair = [categorised("by", by, levels=TREATED_BY), categorised("invasion", invasion, levels=INVASION)]
    scores = [
        compare_weighted(
            np.arange(1.0, 49), np.ones(48), treated, without_aliases(order).covariates
        ).propensity.probability
        for order in (pair, pair[::-1])
    ]
    assert np.allclose(*scores)


def test_among_too_few_subjects_nothing_is_taken_for_told():
    covariates = [
        measured(name, values) for name, values in (("x", [1, 2, 3]), ("y", [2, 1, 5]), ("z", [4, 4, 1]))
    ]
    assert len(without_aliases(covariates).covariates) == 3
    assert without_aliases([]).covariates == ()


def test_what_is_missing_does_not_make_covariates_differ():
    x = [1.0, 2, 3, 4, 5, 6, math.nan, 8]
    found = without_aliases([measured("x", x), measured("twice", [2 * value for value in range(1, 9)])])
    assert found.left_out == ("twice",)
