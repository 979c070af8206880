"""Times to event from derived rows to the results table: worked examples, R, readings, late entry, and what cannot be had."""

import json
import math
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases.timed_trial import PROTOCOL, START, after, planned, run, stretch, subject, trial

from trialwright.analysis.explaining.finding import pick_rows
from trialwright.analysis.interval_times import bounds
from trialwright.analysis.sample import Sample

R = json.loads(
    (Path(__file__).parents[1] / "oracle" / "time_analyses" / "expected.json").read_text(encoding="utf-8")
)


def values(results, here, *names):
    return [results[f"{here}/{name}"].value for name in names]


def codes(results):
    return {finding.code for finding in results.findings}


# --- the worked example CR-01: months as days, 1 recurrence, 2 death, 0 censored ------------------------------------------

CR_01 = [
    (3, 1), (5, 2), (6, 0), (8, 1), (10, 2), (12, 1), (15, 0), (20, 1), (24, 0), (30, 2), (36, 0), (36, 0)
]  # fmt: skip


@pytest.mark.parametrize(
    ("at", "n_at_risk", "net", "recurrence", "death", "free"),
    [
        (3, 12, 0.0833, 0.0833, 0, 0.9167),
        (5, 11, 0.0833, 0.0833, 0.0833, 0.8333),
        (8, 9, 0.1852, 0.1759, 0.0833, 0.7407),
        (10, 8, 0.1852, 0.1759, 0.1759, 0.6481),
        (12, 7, 0.3016, 0.2685, 0.1759, 0.5556),
        (20, 5, 0.4413, 0.3796, 0.1759, 0.4444),
        (30, 3, 0.4413, 0.3796, 0.3241, 0.2963),
        (36, 2, 0.4413, 0.3796, 0.3241, 0.2963),
    ],
)
def test_three_quantities_that_must_not_share_a_name(at, n_at_risk, net, recurrence, death, free):
    results = run([subject(*one) for one in CR_01], "all_curve", "all_incidence", "free", read=f"{at} days")
    here = f"all_incidence/at/{at}"
    assert values(results, f"all_curve/at/{at}", "n_at_risk", "risk") == [
        n_at_risk,
        pytest.approx(net, abs=5e-5),
    ]
    assert values(results, here, "incidence", "competing", "risk") == pytest.approx(
        [recurrence, death, net], abs=5e-5
    )
    assert results[f"{here}/event_free"].value == pytest.approx(free, abs=5e-5)
    assert results[f"free/at/{at}/survival"].value == pytest.approx(free, abs=5e-5)
    assert results["free/median"].value == 21  # the twentieth elapsed day is day 21 of AVAL


# --- reading times --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "is_inside"), [(1098, False), (1099, True), (1100, True)])
def test_an_event_on_the_last_allowed_scan_lies_inside_three_years(at, is_inside):
    # ADT - STARTDT + 1 = 1100 on elapsed day 1099; one of two has it
    people = [subject(1099, 1), subject(1200, 0)]
    results = run(people, "all_curve", "all_incidence", read=f"{at} days")
    for here in ("all_curve", "all_incidence"):
        assert results[f"{here}/at/{at}/risk"].value == (0.5 if is_inside else 0)
        assert results[f"{here}/at/{at}/n_at_risk"].value == (1 if at == 1100 else 2)
    assert results["all_curve/curve/1099/survival"].value == 0.5
    assert (
        results["all_curve/median"].value == 1150.5
    )  # flat at one half from day 1100 to the last, 1201: its middle, as in R


def test_a_risk_beyond_follow_up_is_unknown_in_elapsed_days():
    results = run([subject(5, 1), subject(8, 0)], "all_curve", read="9 days")
    assert results["all_curve/at/9/risk"].note == "follow-up ends at 8"


# --- R --------------------------------------------------------------------------------------------------------------------

AVAL = [4, 6, 7, 9, 11, 13, 16, 21, 3, 8, 11, 12, 15, 18, 19, 22]
STATUS = [1, 2, 0, 1, 1, 2, 0, 0, 2, 1, 0, 1, 0, 1, 0, 0]
PLAIN = [
    subject(aval - 1, status, "ab"[i // 8]) for i, (aval, status) in enumerate(zip(AVAL, STATUS, strict=True))
]


def test_risks_and_their_contrasts_equal_r():
    results = run(PLAIN, "curve")
    for level in "ab":
        expected = R["risk"][level]
        found = values(
            results, f"curve/{level}/at/10", "risk", "std_error", "risk_conf_low", "risk_conf_high"
        )
        assert found == pytest.approx([expected[name] for name in ("risk", "error", "low", "high")], rel=1e-9)
    difference, ratio = R["risk"]["difference"], R["risk"]["ratio"]
    assert values(
        results, "curve/b minus a/10", "difference", "std_error", "conf_low", "conf_high"
    ) == pytest.approx([difference[name] for name in ("estimate", "error", "low", "high")], rel=1e-9)
    assert values(results, "curve/b over a/10", "ratio", "conf_low", "conf_high") == pytest.approx(
        [ratio[name] for name in ("estimate", "low", "high")], rel=1e-9
    )


def test_restricted_means_of_elapsed_times_equal_r():
    results = run(PLAIN, "mean")
    for level in "ab":
        assert values(results, f"mean/{level}/12", "restricted_mean", "std_error") == pytest.approx(
            R["mean"][level], rel=1e-9
        )


def test_incidences_equal_r():
    results = run(PLAIN, "incidence")
    for level in "ab":
        here = f"incidence/{level}/at/10"
        states = values(results, here, "event_free", "incidence", "competing")
        errors = values(results, here, "event_free_std_error", "std_error", "competing_std_error")
        assert states == pytest.approx(R["incidence"][level]["states"], rel=1e-9)
        assert errors == pytest.approx(R["incidence"][level]["errors"], rel=1e-9)


LR_T1 = (
    [(6, 1), (7, 1), (10, 0), (15, 1), (19, 1), (25, 0)],
    [(2, 1), (3, 1), (9, 1), (11, 1), (12, 0), (20, 1)],
)


def test_the_worked_log_rank_and_hazard_ratio():
    people = [subject(*one, group) for group, times in zip("ab", LR_T1, strict=True) for one in times]
    results = run(people, "test", "model")
    assert results["test/a/observed"].value == 4
    assert results["test/a/expected"].value == pytest.approx(5.1177, abs=5e-5)
    assert values(results, "test", "chi_squared", "p_value") == pytest.approx([0.5825, 0.4453], abs=5e-5)
    assert 1 / results["model/groups=b/hazard_ratio"].value == pytest.approx(0.597, abs=5e-4)


# --- late entry and groups that change ------------------------------------------------------------------------------------

ROWS = [
    (1, 0, 8, 1, "a"), (2, 2, 6, 1, "a"), (3, 1, 4, None, "a"), (3, 4, 15, 1, "b"), (4, 3, 6, None, "a"), (4, 6, 12, 0, "b"), (5, 5, 20, 1, "a"),
    (6, 2, 7, None, "a"), (6, 7, 11, 1, "b"), (7, 0, 13, 0, "a"), (8, 4, 9, None, "a"), (8, 9, 25, 1, "b"),
]  # fmt: skip
LATE = [
    (0, 8, 1, "a"), (2, 6, 1, "a"), (1, 15, 1, "b"), (3, 12, 0, "b"), (5, 20, 1, "a"), (2, 11, 1, "b"), (0, 13, 0, "a"), (4, 25, 1, "b"),
    (1, 7, 1, "b"), (0, 9, 1, "a"),
]  # fmt: skip


def test_a_group_that_changes_counts_from_its_day_and_errors_are_by_subject():
    stretches = [stretch("changing", *row) for row in ROWS]
    results = run([subject(30, 0) for _ in range(9)], "changing", stretches=stretches)
    here, expected = "changing/groups=b", R["changing"]
    assert values(results, here, "coef", "std_error") == pytest.approx(
        [expected["coef"], expected["robust_error"]], rel=1e-8
    )
    assert values(results, here, "conf_low", "conf_high") == pytest.approx(
        [expected["low"], expected["high"]], rel=1e-8
    )
    assert values(results, "changing", "n_analysed", "n_without_endpoint", "n_events") == [8, 1, 6]


def test_late_entry_in_curve_and_test():
    people = [subject(30, 0, group) for *_, group in LATE]
    stretches = [
        stretch(
            name, i, start, stop, status, "a"
        )  # what had begun does not count: the group is the one assigned
        for name in ("late_curve", "late_test")
        for i, (start, stop, status, _) in enumerate(LATE)
    ]
    results = run(people, "late_curve", "late_test", stretches=stretches)
    for level in "ab":
        found = values(results, f"late_curve/{level}/at/10", "survival", "std_error", "conf_low", "conf_high")
        assert found == pytest.approx(
            [R["late"][level][name] for name in ("survival", "std_error", "conf_low", "conf_high")], rel=1e-8
        )
        for tick in (0, 10, 20):
            counts = values(
                results, f"late_curve/{level}/tick/{tick}", "n_at_risk", "n_events", "n_censored", "n_to_come"
            )
            assert sum(counts) == 5
    assert values(results, "late_curve/a/tick/0", "n_at_risk", "n_to_come") == [3, 2]
    assert values(results, "late_test", "chi_squared", "p_value") == pytest.approx(
        [R["late"]["chi_squared"], R["late"]["p_value"]], rel=1e-8
    )


def test_a_curve_that_empties_before_others_come_under_watch_is_refused():
    rows = [(0, 3, 1, "a"), (5, 9, 1, "a"), (6, 12, 0, "a")]
    stretches = [stretch("late_curve", i, *row) for i, row in enumerate(rows)]
    results = run([subject(30, 0) for _ in rows], "late_curve", stretches=stretches)
    assert results["late_curve/a/at/10/survival"].value is None
    assert "came under watch later" in results["late_curve/a/median"].note


# --- immortal time: the worked example IT-01, a month as 30 days ----------------------------------------------------------

IT_01 = [
    (2, 1, None),
    (4, 1, None),
    (12, 1, None),
    (24, 0, None),
    (8, 1, 3),
    (20, 1, 3),
    (24, 0, 3),
    (24, 0, 6),
]
IT_PEOPLE = [subject(30 * end - 1, status, "a" if begun is None else "b") for end, status, begun in IT_01]
IT_ROWS = [
    stretch(
        "emulated",
        i,
        0,
        30 * end,
        status,
        "a" if begun is None else "b",
        None if begun is None else 30 * begun,
    )
    for i, (end, status, begun) in enumerate(IT_01)
]
IT_LANDMARK = [
    stretch(
        "landmark",
        i,
        180,
        30 * end,
        status,
        "a" if begun is None else "b",
        None if begun is None else 30 * begun,
    )
    for i, (end, status, begun) in enumerate(IT_01)
    if end > 6
]


@pytest.mark.parametrize(
    ("item", "exposed", "unexposed", "ratio"),
    [
        ("ever begun (biased)", (2, 76), (3, 42), 0.368),
        ("from its begin", (2, 61), (3, 57), 0.623),
        ("by the landmark", (2, 52), (1, 24), 0.923),
    ],
)
def test_what_immortal_time_makes_of_a_comparison(item, exposed, unexposed, ratio):
    results = run(IT_PEOPLE, "emulated", "landmark", "naive", stretches=[*IT_ROWS, *IT_LANDMARK])
    for group, (events, months) in (("b", exposed), ("a", unexposed)):
        assert values(results, f"immortal time/{group}/{item}", "n_events", "person_days") == [
            events,
            30 * months,
        ]
    assert results[f"immortal time/{item}/rate_ratio"].value == pytest.approx(ratio, abs=5e-4)


def test_nobody_is_counted_before_coming_under_watch():
    """IT-01 with all under watch from month 1, and one who was gone by then: 8 months less without the treatment."""
    people = [*IT_PEOPLE, subject(19, 1, "a")]
    entered = [{**row, "ANALYSIS": "late_curve", "TSTART": 30.0} for row in IT_ROWS]
    gone = {**stretch("late_curve", 8, 0, 20, 1, "a"), "INCLFL": "N", "TSTART": None}
    emulated = [*IT_ROWS, stretch("emulated", 8, 0, 20, 1, "a")]
    asked: tuple[str, ...] = ("emulated", "late_curve", "naive")
    stretches = [*emulated, *entered, gone]
    results = run(people, *asked, stretches=stretches)
    data = planned(people, *asked, stretches=stretches)
    for group, events, months in (("b", 2, 61), ("a", 3, 57 - 8)):
        here = f"immortal time/{group}/from its begin"
        assert values(results, here, "n_events", "person_days") == [events, 30 * months]
        assert pick_rows(data, results[f"{here}/n_events"]).rows.height == events
    assert results["immortal time/from its begin/rate_ratio"].value == pytest.approx(
        (2 / 61) / (3 / 49), rel=1e-9
    )
    assert values(results, "immortal time/a/ever begun (biased)", "n_events", "person_days") == [
        4,
        30 * 42 + 20,
    ]


def test_how_long_groups_lived_before_their_treatment_is_told():
    results = run(IT_PEOPLE, "emulated", "landmark", "naive", stretches=[*IT_ROWS, *IT_LANDMARK])
    here = "immortal time/b/weeks to treatment"
    assert values(results, here, "n_known", "median") == [4, pytest.approx(90 / 7)]
    assert results["immortal time/a/weeks to treatment/median"].note == "nobody has it"
    assert values(results, "immortal time/a/by the landmark/180", "n_events_before", "n_others_before") == [
        2,
        0,
    ]
    assert {finding.analysis for finding in results.findings if finding.code == "biased-on-purpose"} == {
        "naive"
    }


def test_the_landmark_counts_only_those_still_there():
    results = run(IT_PEOPLE, "landmark", read="600 days", stretches=IT_LANDMARK)
    assert values(results, "landmark/b", "n_subjects", "n_events") == [4, 2]
    assert values(results, "landmark/a", "n_subjects", "n_events") == [2, 1]
    assert results["landmark/b/at/600/risk"].value == pytest.approx(0.5)
    assert "landmark/b/tick/0/n_to_come" not in results


# --- between two examinations: IC-01 to IC-06 -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "status", "expected"),
    [
        pytest.param(170, 251, 1, (170, 251), id="IC-01"),
        pytest.param(84, 251, 1, (84, 251), id="IC-02, one missed"),
        pytest.param(84, 190, 1, (84, 190), id="IC-03, one not to be categorised"),
        pytest.param(168, None, 0, (168, math.inf), id="IC-04, none seen"),
        pytest.param(0, 84, 1, (0, 84), id="IC-05, at the first"),
        pytest.param(84, 120, 1, (84, 120), id="IC-06, unscheduled"),
        pytest.param(None, 84, 1, (0, 84), id="nothing looked at before"),
        pytest.param(-20, 84, 1, (0, 84), id="last looked at before the start"),
        pytest.param(100, None, 2, (100, math.inf), id="died without: followed to the last scan"),
    ],
)
def test_an_event_lies_between_two_examinations(left, right, status, expected):
    row = {"STARTDT": START, "LEFTDT": after(left), "RIGHTDT": after(right), "AVAL": 200.0, "STATUS": status}
    frame = pl.DataFrame([row], schema_overrides={"LEFTDT": pl.Date, "RIGHTDT": pl.Date}).with_columns(
        *bounds(1.0)
    )
    assert frame.select("L", "R").row(0) == expected


def test_a_day_of_an_event_that_no_examination_tells_apart_is_its_own():
    row = {"STARTDT": START, "LEFTDT": after(84), "RIGHTDT": None, "AVAL": 201.0, "STATUS": 1}
    frame = pl.DataFrame([row], schema_overrides={"RIGHTDT": pl.Date}).with_columns(*bounds(1.0))
    assert frame.select("L", "R").row(0) == (84, 200)


def test_risks_between_examinations_by_hand():
    # events in (0, 6], (6, 12], (6, 12], none by 12: masses 1/4, 1/2, 1/4
    seen = [(6, 1, 0), (12, 1, 6), (12, 1, 6), (12, 0, 12)]
    people = [subject(time, status, group, left=left) for group in "ab" for time, status, left in seen]
    results = run(people, "between", read="12 days")
    assert values(results, "between/a/at/12", "risk", "risk_least", "risk_most") == pytest.approx([0.75] * 3)
    assert results["between/b minus a/12/difference"].value == pytest.approx(0)
    low, high = values(results, "between/b minus a/12", "conf_low", "conf_high")
    assert low < 0 < high
    assert results["between/a/interval/median"].value == 6
    middle = run(people, "between", read="9 days")
    assert values(middle, "between/a/at/9", "risk_least", "risk_most") == pytest.approx([0.25, 0.75])
    assert middle["between/a/at/9/risk"].note
    assert middle["between/b minus a/9/difference"].note


def test_after_the_last_examination_nobody_knows_the_risk():
    # of four one is found by 6, the others are free of the event at 12 or earlier: a quarter at least, and not all
    people = [
        subject(time, status, group, left=left)
        for group in "ab"
        for time, status, left in [(6, 1, 0), (12, 0, 12), (12, 0, 12), (9, 0, 9)]
    ]
    results = run(people, "between", read="13 days")
    assert results["between/a/at/13/risk_least"].value == pytest.approx(0.25)
    for statistic in ("risk_most", "risk", "conf_low", "conf_high"):
        row = results[f"between/a/at/13/{statistic}"]
        assert (row.value, row.note) == (None, "follow-up ends at 12")
    assert results["between/b minus a/13/difference"].value is None


def test_an_interval_the_wrong_way_round_is_counted_and_left_out():
    people = [subject(6, 1, "a", left=9, right=5), subject(8, 1, "a", left=2), subject(9, 0, "a", left=9)]
    results = run(people, "between", read="8 days")
    assert values(results, "between", "n_without_interval") == [1]
    assert results["between/a/n_subjects"].value == 2


# --- what cannot be had ---------------------------------------------------------------------------------------------------

EVERY = ("curve", "test", "model", "incidence", "subdistribution", "mean", "weighted", "weighted_model", "between", "emulated")  # fmt: skip


def person(i, status=1, group=None, **more):
    known = {
        "age": 40.0 + i % 7,
        "sex": "fm"[i % 2],
        "stage": ("early", "late")[i // 2 % 2],
        "virus": 10.0 ** (i % 3),
    }
    own = {"time": 3 + 2 * i, "status": status, "group": group or "ab"[i % 2], "left": 2 * i}
    return subject(**{**own, **known, **more})


@pytest.mark.parametrize(
    "people",
    [
        pytest.param([], id="nobody"),
        pytest.param([person(0)], id="one patient"),
        pytest.param([person(i, group="a") for i in range(8)], id="an arm with nobody"),
        pytest.param([person(i, status=0) for i in range(8)], id="everyone censored"),
        pytest.param([person(i, status=2) for i in range(8)], id="something else first in all"),
        pytest.param([person(i, time=5) for i in range(8)], id="all on one day"),
        pytest.param([person(i, status=None) for i in range(4)], id="no status"),
        pytest.param(
            [person(i, age=None, sex=None, stage=None, virus=None) for i in range(8)], id="no covariate"
        ),
        pytest.param([person(i) | {"group": None} for i in range(4)], id="no group"),
    ],
)
def test_degenerate_data_have_reasons_and_no_numbers_that_only_look_fine(people):
    stretches = [
        stretch(
            "emulated", i, 0, one["time"] + 1, one["status"], one["group"], 2 if one["group"] == "b" else None
        )
        for i, one in enumerate(people)
        if one["status"] is not None and one["group"]
    ]
    results = run(people, *EVERY, stretches=stretches)
    assert all(row.value is not None or row.note for row in results.rows)
    for here in (
        "curve/b minus a/10/difference",
        "incidence/b over a/10/ratio",
        "weighted/b minus a/10/difference",
    ):
        if not any(one["status"] == 1 for one in people) or {one["group"] for one in people} != {"a", "b"}:
            assert results[here].value is None, here


@pytest.mark.parametrize("n_people", [1, 3])
def test_a_curve_of_few_who_all_have_the_event_has_no_contrast(n_people):
    people = [subject(i + 1, 1, group) for i in range(n_people) for group in "ab"]
    results = run(people, "curve", "incidence")
    for here in ("curve", "incidence"):
        assert results[f"{here}/b minus a/10/difference"].note
    assert results["curve/a/at/10/risk"].value == 1
    assert results["curve/a/at/10/risk_conf_low"].note == "undefined where the curve is at zero"


def test_a_value_without_logarithm_leaves_its_subject_out_and_is_counted():
    people = [person(i, virus=(0.0 if i == 3 else -1.0 if i == 4 else 10.0 ** (i % 3))) for i in range(12)]
    results = run(people, "adjusted")
    assert values(results, "adjusted/virus", "n_without_logarithm", "n_without_fact") == [2, 2]
    assert results["adjusted/n_analysed"].value == 10


def test_levels_that_nobody_has_do_not_stop_a_model():
    results = run([person(i) for i in range(12)], "adjusted")
    assert results["adjusted/stage=last/hazard_ratio"].note == "nobody has this level"
    assert results["adjusted/groups=b/hazard_ratio"].value is not None


def test_a_reading_where_hardly_anybody_is_left_is_told():
    people = [subject(20 if i < 12 else 5, i % 2, "ab"[i % 2]) for i in range(40)]
    assert "few-at-risk" in codes(run(people, "curve", read="20 days"))
    assert "few-at-risk" not in codes(run(people, "curve", read="4 days"))


def test_few_left_are_told_of_every_endpoint_and_why_it_matters():
    people = [subject(20 if i < 12 else 5, i % 2, "ab"[i % 2]) for i in range(40)]
    text = PROTOCOL.replace("endpoint: rfs, read", "endpoint: rfs, by: groups, read")
    seen = text.replace("recurrence: { reported: true }", "recurrence: { of: stage, when: value is late }")

    def told(protocol):
        findings = run(people, "curve", "free", read="20 days", text=protocol).findings
        return [one.message.split(". ")[1].split()[0] for one in findings if one.code == "few-at-risk"]

    assert told(text) == ["What", "What"]  # happens to one of them
    assert told(seen) == ["Whoever", "Whoever"]  # was seen a few days earlier


# --- laws -----------------------------------------------------------------------------------------------------------------

times = st.lists(
    st.tuples(st.integers(0, 15), st.integers(0, 2), st.sampled_from("ab")), min_size=1, max_size=14
)


@settings(deadline=None, max_examples=25)
@given(times)
def test_one_less_kaplan_meier_is_never_below_what_happens_and_all_add_up(rows):
    results = run([subject(*row) for row in rows], "incidence", read="9 days")
    for level in "ab":
        here = f"incidence/{level}/at/9"
        incidence, competing, neither, net = values(
            results, here, "incidence", "competing", "event_free", "risk"
        )
        if incidence is not None:
            assert incidence + competing + neither == pytest.approx(1)
            assert net is None or net >= incidence - 1e-12


@settings(deadline=None, max_examples=20)
@given(times, st.integers(0, 12))
def test_a_reading_is_where_the_curve_stands(rows, at):
    results = run([subject(*row) for row in rows], "curve", read=f"{at} days")
    for level in "ab":
        steps = [
            row
            for row in results.of("curve")
            if row.group == level and row.item == "curve" and row.statistic == "survival" and row.time <= at
        ]
        read = results[f"curve/{level}/at/{at}/survival"].value
        if read is not None:
            assert read == (steps[-1].value if steps else 1)


def test_elapsed_and_counted_times_are_each_other_s_inverse():
    sample = Sample(pl.DataFrame({"AVAL": [1.0]}), 1.0)
    assert sample.counted([0, 1099]) == [1, 1100]
    assert sample.elapsed(sample.counted([0, 7, 1099])) == [0, 7, 1099]


# --- by the future --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "is_refused"),
    [("assignment + 48 weeks", True), ("first recurrence", True), ("assignment", False), ("surgery", False)],
)
def test_groups_told_by_the_future_are_refused(at, is_refused):
    text = PROTOCOL.replace("b: { label: Old and new, treatments: [old, new], assigned at: assignment }",
                                f"b: {{ label: Old and new, treatments: [old, new], assigned at: {at} }}")  # fmt: skip
    results = run([person(i) for i in range(8)], "curve", "test", "model", text=text)
    assert ("curve/estimate" in results) is is_refused
    assert ("curve/a/n_subjects" in results) is not is_refused
    if is_refused:
        assert "whoever gets there has lived free of the event" in results["model/estimate"].note


def test_what_no_method_does_with_weights_or_late_entry_is_said():
    text = PROTOCOL.replace(
        "endpoint: recurrence, by: groups, horizon: 12 days",
        "endpoint: recurrence, by: groups, horizon: 12 days, landmark: 3 days",
    )
    results = run([person(i) for i in range(8)], "mean", text=text)
    assert (
        results["mean/estimate"].note
        == "`restricted mean` is not run with late entry, landmark or changing groups"
    )


def test_the_trial_of_the_tests_is_read_as_it_is_written():
    data = trial(PLAIN)
    assert data.adtte.filter(pl.col("ANL01FL") == "Y").height == 2 * len(PLAIN)
