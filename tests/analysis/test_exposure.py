"""Treatment given, why it ended, complications and causes: counted, and what nobody knows beside."""

from dataclasses import replace

import polars as pl
import pytest
from tests.cases.small_trial import PROTOCOL, SMALL, on, protocol, run, trial

from trialwright.analysis.exposure import EXPOSURE, count_exposure
from trialwright.analysis.safety_board import count_board
from trialwright.analysis.sample import AnalysisData

ONLY = ("rate",)
WATCHFUL = protocol(
    PROTOCOL.replace(
        "events:\n",
        "events:\n  hepatitis_flare: { reported: true }\n  hbv_reactivation: { reported: true }\n",
    )
)
"""The same, with the events that liver complications and causes are told by."""


def amount(subject, code, value=None, **more):
    return {"USUBJID": subject, "TREATMENT": "drug", "PARAMCD": code, "AVAL": value, **more}


def given(subject, doses, reason=None):
    rows = [amount(subject, "FIRSTDT", ADT=on(0)), amount(subject, "NDOSE", doses)]
    return [*rows, *([amount(subject, "STOPREAS", AVALC=reason)] if reason else [])]


def analyse(people="aabb", **tables):
    return run({str(i): group for i, group in enumerate(people)}, only=ONLY, **tables)


def of(results, here, *names):
    return [results["/".join(part for part in (EXPOSURE, here, name) if part)].value for name in names]


def test_amounts_of_those_treated_and_of_whom_they_are_not_known():
    rows = [*given("0", 2), *given("1", 4), *given("2", None)]
    results = analyse(adexsum=rows)
    assert of(results, "drug", "n_treated", "n_untreated") == [3, 1]
    assert of(results, "drug NDOSE", "median", "minimum", "maximum", "n_unknown") == [3, 2, 4, 1]
    assert results[f"{EXPOSURE}/b/drug NDOSE/median"].note == "known of nobody"
    assert of(results, "a/drug", "n_treated", "n_untreated") == [2, 0]


def test_a_board_counts_months_since_time_zero():
    """An analogue taken for years before the trial: 61 and 0 of these days are of the trial, of another patient nobody knows."""
    rows = [*given("0", 1), amount("0", "EXPDAYS", 1461), amount("0", "TRLDAYS", 61)]
    rows += [*given("1", 1), amount("1", "EXPDAYS", 1000), amount("1", "TRLDAYS", 0)]
    rows += [*given("2", 1), amount("2", "EXPDAYS"), amount("2", "TRLDAYS")]
    data = trial({str(i): group for i, group in enumerate("aab")}, adexsum=rows)
    no_results = data.tables["ADLB"].with_columns(ADT=pl.lit(None, pl.Date), AVAL=pl.lit(None, pl.Float64))
    data = replace(data, tables={**data.tables, "ADLB": no_results})
    board = {row.id: row.value for row in count_board(data, {}, cut=on(400), source="records").rows}
    # a month has 30.4375 days
    assert board["board/drug/treated_months"] == pytest.approx(61 / 30.4375)
    assert board["board/drug/treated_months_unknown"] == 1
    assert board["board/a/drug/treated_months_unknown"] == 0


def test_whoever_has_only_doses_left_out_was_not_treated():
    results = analyse(adexsum=[*given("0", 2), amount("1", "NOTGIVEN", 1), amount("1", "NDOSE", 0)])
    assert of(results, "drug", "n_treated", "n_untreated") == [1, 3]
    assert of(results, "drug NDOSE", "minimum") == [2]


def test_reasons_for_the_end_most_frequent_first():
    rows = [
        *given("0", 1, "DEATH"),
        *given("1", 1, "PROGRESSION"),
        *given("2", 1, "PROGRESSION"),
        *given("3", 1),
    ]
    results = analyse(adexsum=[*rows, amount("3", "STOPREAS", AVALC=None)])
    ends = [row.item for row in results.of(EXPOSURE) if row.statistic == "n_ended" and row.group is None]
    assert ends == ["drug ended: PROGRESSION", "drug ended: DEATH", "drug ended: no reason recorded"]
    assert of(results, "drug", "n_no_end_recorded") == [0]


def test_rules_that_end_a_treatment():
    path = "treatments.drug.until.worse"
    rows = [row for subject in "012" for row in given(subject, 1, "OTHER")]
    rows += [
        amount(subject, "STOPAGR", AVALC=said) for subject, said in (("0", "Y"), ("1", "N"), ("2", None))
    ]
    rows += [
        amount(subject, "UNTIL", AVALC=said, PROTOCOL=path)
        for subject, said in (("0", "met"), ("1", "not met"), ("2", "unknown"))
    ]
    rows += [
        amount(subject, "WENTON", AVALC=said, PROTOCOL=path)
        for subject, said in (("0", "Y"), ("1", "N"), ("2", None))
    ]
    results = analyse(adexsum=rows)
    assert of(results, "drug", "n_by_rule", "n_without_rule", "n_rule_unknown") == [1, 1, 1]
    for item in ("drug until worse", "drug went on after worse"):
        assert of(results, item, "n_met", "n_not_met", "n_unknown") == [1, 1, 1]


def test_liver_complications_with_no_row_are_unknown():
    rows = [
        {"USUBJID": "0", "PARAMCD": "ASCITES", "AVALC": "met", "REACTFL": "Y"}, {"USUBJID": "1", "PARAMCD": "ASCITES", "AVALC": "not met"},
        {"USUBJID": "2", "PARAMCD": "ASCITES", "AVALC": "unknown"},
    ]  # fmt: skip
    results = analyse(adliver=rows, protocol=WATCHFUL)
    assert of(results, "liver ASCITES", "n_with", "n_unknown", "n_after_reactivation") == [1, 2, 1]


def test_what_no_event_of_the_protocol_looks_for_is_not_counted_as_none():
    """A protocol may name its flare as it likes, or have none: nobody must read 0 flares or 0 after reactivation."""
    results = analyse(adliver=[{"USUBJID": "0", "PARAMCD": "ASCITES", "AVALC": "met", "REACTFL": None}])
    for id_ in ("liver ASCITES/n_after_reactivation", "flare/n_episodes", "b/flare/n_with"):
        row = results[f"{EXPOSURE}/{id_}"]
        assert (row.value, row.note) == (None, "not looked for")
    assert of(results, "liver ASCITES", "n_with") == [1]
    assert of(results, "adverse event", "n_episodes") == [0]
    assert of(analyse(protocol=WATCHFUL), "flare", "n_episodes") == [0]


def test_a_suggestion_is_never_counted_as_a_judgement():
    rows = [
        {"USUBJID": "0", "EVTYPE": "flare", "CAUSEST": "judged", "CAUSE": "HBV", "SUGGEST": "DRUG"},
        {"USUBJID": "0", "EVTYPE": "flare", "CAUSEST": "not judged", "SUGGEST": "HBV"},
        {"USUBJID": "1", "EVTYPE": "flare", "CAUSEST": "conflict"},
    ]
    results = analyse(adattr=rows, protocol=WATCHFUL)
    assert of(results, "flare", "n_episodes", "n_with", "n_differ") == [3, 2, 1]
    assert of(results, "flare judged: HBV", "n_episodes") == [1]
    assert [
        results[f"{EXPOSURE}/flare {state}/n_episodes"].value
        for state in ("judged", "not judged", "conflict", "unreadable")
    ] == [1, 1, 1, 0]


def test_deaths_are_counted_by_group():
    results = analyse(adsl={"DTHDT": [on(5), None, on(7), on(9)]})
    assert of(results, None, "n_died") == [3]
    assert of(results, "b", "n_died") == [2]


def death(subject, *days, verdict="met"):
    """A death between two days; none where nobody knows any."""
    first, last = [on(day) for day in days] or [None, None]
    day = first if first == last else None
    return {"USUBJID": subject, "EVENT": "death", "AVALC": verdict, "ADT": day, "ADTL": first, "ADTH": last}


@pytest.mark.parametrize(
    ("cut", "counted"),
    [
        pytest.param(None, [4, 0], id="no cut: each of them is dead"),
        pytest.param(
            on(40), [3, 1], id="the last day it may be is the cut; of the one without any nobody can tell"
        ),
        pytest.param(on(39), [2, 2], id="it may lie a day after the cut"),
    ],
)
def test_a_death_known_in_part_is_a_death_unless_it_may_lie_after_the_cut(cut, counted):
    rows = [
        death("0", 5, 5),
        death("1", 10, 39),
        death("2", 10, 40),
        death("3"),
        death("4", 3, 3, verdict="not met"),
    ]
    days = {"DTHDT": [on(5), None, None, None, None], "CUTDT": [cut] * 5}
    results = analyse("aaaab", adsl=days, adevt=rows)
    assert of(results, None, "n_died", "n_death_unknown") == counted
    assert of(results, "b", "n_died", "n_death_unknown") == [0, 0]


def test_a_cohort_without_records_has_no_such_rows():
    data = trial({"0": "a"})
    assert count_exposure(AnalysisData(SMALL, data.adsl, data.adtte), "cohort") is None


def test_nobody_and_nothing():
    results = run({}, only=ONLY)
    assert of(results, None, "n_subjects", "n_died") == [0, 0]
    assert f"{EXPOSURE}/drug/n_treated" not in results


@pytest.mark.parametrize("doses", [[2], [2, 2]], ids=["one person", "no spread"])
def test_one_value_has_no_spread(doses):
    rows = [row for i, dose in enumerate(doses) for row in given(str(i), dose)]
    results = analyse(adexsum=rows)
    assert results[f"{EXPOSURE}/drug NDOSE/sd"].value == (None if len(doses) == 1 else 0)
