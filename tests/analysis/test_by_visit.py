"""A measurement by visit: who has a value, what can be said of results beyond the assay, and when no mean is given."""

import math

import polars as pl
import pytest
from tests.cases.small_trial import PROTOCOL, on, protocol, run

from trialwright.analysis.limited_summary import MEANS, QUANTILES, LimitedValues, add_summary
from trialwright.analysis.results import Recorder

ONLY = ("visits",)
LOG = math.log10


def result(subject, visit, low, high=None, **more):
    """A result; the baseline is the visit None. An open lower end is 0, as ADLB has it for `<20`."""
    high = low if high is None else high
    exact = low == high
    imputed = low if exact else (high or 0) / 2
    return {
        "USUBJID": subject, "PARAMCD": "VIRUS", "AVALU": "IU/mL", "BASETYPE": "at_entry", "AVALLO": low, "AVALHI": high,
        "AVALIMP": imputed, "IMPMETH": None if exact else "half the limit", "ABLFL": "Y" if visit is None else None,
        "AVISIT": visit, "ANL01FL": None if visit is None else "Y", **more,
    }  # fmt: skip


def analyse(rows, people="aaaabbbb", **told):
    return run({str(i): group for i, group in enumerate(people)}, adlb=rows, only=ONLY, **told)


def of(results, here, *names):
    return [results[f"visits/{here}/{name}"].value for name in names]


def test_values_and_changes_on_the_scale_of_the_endpoint():
    # logarithms 2, 3, 4 at baseline; 1, 1, 1 at week 4: changes -1, -2, -3
    rows = [result(str(i), None, 10 ** (2 + i)) for i in range(3)] + [
        result(str(i), "Week 4", 10) for i in range(3)
    ]
    results = analyse(rows)
    assert of(results, "a/Baseline", "n", "n_missing", "mean", "sd", "median", "q1", "q3") == pytest.approx(
        [3, 1, 3, 1, 3, 2.5, 3.5]
    )
    assert of(results, "a/Week 4 change", "n", "mean", "sd", "minimum", "maximum") == pytest.approx(
        [3, -2, 1, -3, -1]
    )
    assert results["visits/a/Week 4 change/mean"].unit == "log10 IU/mL"
    assert of(results, "a/Week 12", "n", "n_missing") == [0, 4]
    assert results["visits/a/Week 12/mean"].note == "no value at this visit"


def test_a_result_below_the_assay_counts_as_said_in_the_mean_and_not_in_the_median():
    # <20 counts as 10; logarithms 1, 2, 3 and 4 have the median 2.5 whatever the lowest was
    rows = [result("0", "Week 4", 0, 20), *(result(str(i), "Week 4", 10 ** (i + 1)) for i in (1, 2, 3))]
    results = analyse(rows)
    assert of(results, "a/Week 4", "mean", "median", "n_below", "share_limited") == pytest.approx(
        [2.5, 2.5, 1, 0.25]
    )
    assert "half the limit" in results["visits/a/Week 4/mean"].conventions


def test_results_of_one_day_that_differ_are_no_value_and_are_told():
    """Subject 0 has two at week 4 of which neither counts, 1 has one that does, 2 and 3 have none."""
    disputed = [result("0", "Week 4", value, ADT=on(28), ANL01FL=None) for value in (10, 100)]
    results = analyse([*disputed, result("1", "Week 4", 1000, ADT=on(28))])
    assert of(results, "a/Week 4", "n", "n_missing", "n_conflict", "mean") == pytest.approx([1, 3, 1, 3])
    assert of(results, "b/Week 4", "n_conflict") == of(results, "a/Week 12", "n_conflict") == [0]


def test_a_quartile_that_two_ways_of_rounding_give_is_exact():
    """0.3 as the lower and 0.1 + 0.2 as the upper end of what one value may be: no uncertainty."""
    values = LimitedValues(
        pl.DataFrame({"least": [0.3] * 3, "most": [0.1 + 0.2] * 3, "imputed": [0.3] * 3}), ""
    )
    recorder = Recorder("visits", "summary by visit", "ADLB")
    add_summary(recorder, values, "", {"n": 3})
    assert {row.statistic for row in recorder.rows} == {*MEANS, *QUANTILES}


@pytest.mark.parametrize(
    ("n_below", "has_mean"),
    [(1, True), (2, True), (3, False), (4, False)],
    ids=["a quarter", "half", "more than half", "all"],
)
def test_no_mean_where_more_than_half_lie_beyond_the_assay(n_below, has_mean):
    rows = [result(str(i), "Week 4", *((0, 20) if i < n_below else (100,))) for i in range(4)]
    results = analyse(rows)
    assert (results["visits/a/Week 4/mean"].value is not None) is has_mean
    if not has_mean:
        assert results["visits/a/Week 4/mean"].note == "more than half are not exact"
        assert results["visits/a/Week 4/sd"].value is None


def test_a_median_that_is_not_known_exactly_lies_between_limits():
    rows = [result(str(i), "Week 4", *((0, 20) if i < 3 else (100,))) for i in range(4)]
    results = analyse(rows)
    assert results["visits/a/Week 4/median"].value is None
    assert results["visits/a/Week 4/median_least"].note == "no lower limit"
    assert of(results, "a/Week 4", "median_most", "maximum") == pytest.approx([LOG(20), 2])


def test_a_change_from_a_baseline_that_is_not_exact_lies_between_limits():
    # from 100 to 1000 down to below 20: a fall of at least log10(100 / 20), at most anything
    results = analyse([result("0", None, 100, 1000), result("0", "Week 4", 0, 20)])
    assert of(results, "a/Week 4 change", "median_most") == pytest.approx([LOG(20 / 100)])
    assert results["visits/a/Week 4 change/median_least"].value is None


def test_above_the_assay_is_counted_apart():
    above = result("0", "Week 4", 1e8, AVALHI=None, AVALIMP=1e8, IMPMETH="the upper limit")
    results = analyse([above, result("1", "Week 4", 0, 20)])
    assert of(results, "a/Week 4", "n_above", "n_below") == [1, 1]


def test_a_result_of_which_nothing_is_known_is_missing():
    results = analyse([result("0", "Week 4", None, None, AVALIMP=None)])
    assert of(results, "a/Week 4", "n", "n_missing") == [0, 4]


def test_a_value_of_zero_has_no_logarithm():
    results = analyse([result("0", "Week 4", 0.0), result("1", "Week 4", 10.0)])
    assert results["visits/a/Week 4/mean"].value is None
    assert of(results, "a/Week 4", "n", "maximum") == [2, 1]


@pytest.mark.parametrize(
    ("day", "missing", "after"),
    [(27, 3, 1), (28, 3, 1), (29, 4, 0)],
    ids=["before it was due", "on the day it was due", "the day after"],
)
def test_who_has_no_value_after_the_event_that_ends_counting_is_not_missing(day, missing, after):
    events = [{"USUBJID": "0", "EVENT": "relapse", "AVALC": "met", "ADTH": on(day)}]
    results = analyse([], adevt=events)
    assert of(results, "a/Week 4", "n_missing", "n_after_event") == [missing, after]


def test_an_event_that_may_have_happened_excuses_nobody():
    events = [
        {"USUBJID": "0", "EVENT": "relapse", "AVALC": "unknown", "ADTH": on(1)},
        {"USUBJID": "1", "EVENT": "rise", "AVALC": "met", "ADTH": on(1)},
    ]
    assert of(analyse([], adevt=events), "a/Week 4", "n_missing", "n_after_event") == [4, 0]


def test_what_does_not_count_or_has_another_baseline_or_reader_stays_out():
    rows = [
        result("0", "Week 4", 10), result("1", "Week 4", 10, ANL01FL=None), result("2", "Week 4", 10, BASETYPE="else"),
        result("3", "Week 4", 10, READER="central"),
    ]  # fmt: skip
    assert of(analyse(rows), "a/Week 4", "n") == [1]


def test_the_difference_of_mean_changes_is_that_of_welch():
    # changes -1, -2, -3 and 0, -1, -2, -3; R: t.test(c(0, -1, -2, -3), c(-1, -2, -3), conf.level = 0.9)
    rows = [result(str(i), None, 10_000) for i in range(8)]
    rows += [result(str(i), "Week 4", 10 ** (3 - i)) for i in range(3)] + [
        result(str(4 + i), "Week 4", 10 ** (4 - i)) for i in range(4)
    ]
    results = analyse(rows)
    found = of(results, "Week 4: b minus a", "difference", "std_error", "df", "conf_low", "conf_high")
    assert found == pytest.approx(
        [0.5, 0.866025403784439, 4.95918367346939, -1.24826081801563, 2.24826081801563], rel=1e-9
    )


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        pytest.param([], "no value at this visit", id="nobody"),
        pytest.param([result(i, visit, 10) for i in "04" for visit in (None, "Week 4")], "fewer than two", id="one in each group"),
        pytest.param([result(i, visit, 10) for i in "0145" for visit in (None, "Week 4")], "do not vary", id="no spread"),
        pytest.param(
            [result(i, None, 100) for i in "0145"] + [result(i, "Week 4", 10) for i in "01"] + [result(i, "Week 4", 0, 20) for i in "45"],
            "more than half", id="one group beyond the assay",
        ),
    ],
)  # fmt: skip
def test_a_difference_that_cannot_be_had_says_why(rows, reason):
    assert reason in analyse(rows)["visits/Week 4: b minus a/difference"].note


@pytest.mark.parametrize(
    ("scale", "mean", "unit"),
    [("as measured", -45, "IU/mL"), ("ratio", 0.1, "times baseline")],
    ids=["difference", "ratio"],
)
def test_other_scales(scale, mean, unit):
    # 10 to 1 and 90 to 9: -9 and -81, or a tenth of baseline both
    rows = [result("0", None, 10), result("0", "Week 4", 1), result("1", None, 90), result("1", "Week 4", 9)]
    results = analyse(rows, protocol=protocol(PROTOCOL.replace("scale: log10", f"scale: {scale}")))
    assert of(results, "a/Week 4 change", "mean") == pytest.approx([mean])
    assert results["visits/a/Week 4 change/mean"].unit == unit
    assert results["visits/a/Week 4/mean"].unit == "IU/mL"


def test_nobody_at_all():
    results = run({}, only=ONLY)
    assert all(row.value is not None or row.note for row in results.rows)
    assert results["visits/a/Baseline/mean"].value is None
