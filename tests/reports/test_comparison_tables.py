"""Tables and pictures of times to event: read before they were accepted, and what they never say."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from tests.analysis.test_time_to_event import IT_LANDMARK, IT_PEOPLE, IT_ROWS, PLAIN
from tests.analysis.test_weighted import cohort
from tests.cases.timed_trial import PROTOCOL, run, subject, trial

from trialwright.reports.blocks import Callout, Figure, Paragraph, Table, Text, walk
from trialwright.reports.charts import render_svg
from trialwright.reports.figures import survival_figure
from trialwright.reports.methods import render_methods
from trialwright.reports.printed import Source
from trialwright.reports.study_report import endpoint_sections, opening_sections
from trialwright.reports.survival_tables import is_in_whole_days
from trialwright.reports.text import render_table_text

GOLDEN = Path(__file__).parents[1] / "golden" / "timed"


def source_of(people, *only, **told):
    results = run(people, *only, **told)
    protocol = trial(people, **told).protocol
    kept = {name: one for name, one in protocol.analyses.items() if name in only}
    return Source(protocol.model_copy(update={"analyses": kept}), results)


def blocks_of(people, *only, **told):
    source = source_of(people, *only, **told)
    return list(walk((*opening_sections(source), *endpoint_sections(source))))


def tables_of(blocks):
    return {block.id: render_table_text(block) for block in blocks if isinstance(block, Table)}


def figures_of(blocks):
    return {block.id: block for block in blocks if isinstance(block, Figure)}


SHOWN = {
    "plain": (PLAIN, ("curve", "free", "test", "model", "incidence", "subdistribution", "mean"), ()),
    "immortal": (IT_PEOPLE, ("curve", "landmark", "naive", "emulated"), (*IT_ROWS, *IT_LANDMARK)),
    "weighted": (cohort(60, missing=0.1), ("curve", "weighted", "weighted_model"), ()),
    "nobody": ([], ("curve", "test", "model", "incidence", "subdistribution", "mean", "weighted", "weighted_model", "between", "emulated"), ()),
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_tables_read_as_they_were_accepted(name):
    people, only, stretches = SHOWN[name]
    text = "\n\n".join(tables_of(blocks_of(people, *only, stretches=stretches)).values())
    assert text + "\n" == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("allocation", ["randomised", "not randomised"])
def test_that_groups_are_those_begun_is_told_where_chance_made_others(allocation):
    text = PROTOCOL.replace("allocation: not randomised", f"allocation: {allocation}")
    assert allocation in text
    tables = tables_of(
        blocks_of(IT_PEOPLE, "curve", "landmark", text=text, stretches=(*IT_ROWS, *IT_LANDMARK))
    )
    told = {
        id_ for id_, table in tables.items() if "not of those randomised to them" in " ".join(table.split())
    }
    assert told == ({"table-landmark"} if allocation == "randomised" else set())


def test_who_is_in_no_group_is_told_where_groups_are_compared():
    people = [subject(i + 1, i % 2, "ab"[i % 2] if i else None) for i in range(12)]
    tables = tables_of(blocks_of(people, "curve", "incidence", "test"))
    for name in ("table-curve", "table-incidence", "table-test"):
        assert "Left out for want of a value: Group: 1." in " ".join(tables[name].split()), name


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ([{"virus": None}, {"stage": None}], "Virus: 1, Stage: 1."),
        ([{"virus": None, "stage": None}, {"stage": None}], "Virus: 1, Stage: 2 (some lack more than one)."),
    ],
)
def test_who_lacks_two_covariates_is_not_left_out_twice(lacking, words):
    known = {"virus": 10.0, "stage": "early"}
    people = [
        subject(
            i + 1,
            i % 2,
            "ab"[i % 3 == 0],
            **{**known, "virus": 10.0 ** (i % 4), "stage": ("early", "late")[i % 4 > 1]},
        )
        for i in range(20)
    ]
    people += [subject(5, 1, "a", **{**known, **one}) for one in lacking]
    (table,) = [
        text for id_, text in tables_of(blocks_of(people, "adjusted")).items() if "Left out for want" in text
    ]
    assert f"Left out for want of a value: {words}" in " ".join(table.split())


@pytest.mark.parametrize(
    ("unit", "median", "limits", "is_whole"),
    [
        pytest.param("days", 412.0, (350.0, None), True, id="days, the upper limit not reached"),
        pytest.param("days", None, (None, None), True, id="nothing known"),
        pytest.param("days", 412.5, (350.0, 500.0), False, id="the middle of a flat part"),
        pytest.param("days", 412.0, (350.5, 500.0), False, id="one decimal for all"),
        pytest.param("months", 12.0, (11.0, 13.0), False, id="months are not whole by nature"),
    ],
)
def test_times_in_whole_days_have_no_decimals(unit, median, limits, is_whole):
    source = source_of(PLAIN, "curve")
    endpoint = source.protocol.endpoints["recurrence"].model_copy(update={"unit": unit})
    protocol = source.protocol.model_copy(update={"endpoints": {"recurrence": endpoint}})
    assert is_in_whole_days(Source(protocol, source.results), "recurrence", [median, *limits]) is is_whole


def test_recurrence_goes_up_and_survival_down():
    figures = figures_of(blocks_of(PLAIN, "curve", "free", "incidence"))
    for id_, rises in (("figure-curve", True), ("figure-incidence", True), ("figure-free", False)):
        first = figures[id_].spec["datasets"]["curves"][0]["group"]
        steps = [row["survival"] for row in figures[id_].spec["datasets"]["curves"] if row["group"] == first]
        assert steps == sorted(steps, reverse=not rises)
        assert steps[0] == (0 if rises else 1)


def test_counts_under_an_incidence_add_up_to_the_group():
    figure = figures_of(blocks_of(PLAIN, "incidence"))["figure-incidence"]
    counts = {}
    for row in figure.spec["datasets"]["at_risk"]:
        counts[row["group"], row["time"]] = counts.get((row["group"], row["time"]), 0) + row["n"]
    assert set(counts.values()) == {8}


def test_what_came_first_adds_up_to_everybody():
    figure = figures_of(blocks_of(PLAIN, "incidence"))["figure-incidence-first-a"]
    for row in figure.spec["datasets"]["states"]:
        assert 0 <= row["low"] <= row["high"] <= 1 + 1e-12
    tops = [row["high"] for row in figure.spec["datasets"]["states"] if row["state"] == "Neither"]
    assert set(tops) == {1}


def test_models_that_compare_the_other_way_round_are_named_beside_the_ratios():
    shown = ("curve", "model", "incidence", "turned", "turned_subdistribution")
    figure = figures_of(blocks_of(PLAIN, *shown))["figure-all-hazards-recurrence"]
    assert figure.caption.plain.endswith("compare the other way round: Turned, Turned subdistribution.")
    plain = figures_of(blocks_of(PLAIN, *shown[:3]))["figure-all-hazards-recurrence"]
    assert "other way" not in plain.caption.plain


@pytest.mark.parametrize("name", SHOWN)
def test_every_picture_is_drawn(name):
    people, only, stretches = SHOWN[name]
    for figure in figures_of(blocks_of(people, *only, stretches=stretches)).values():
        assert "<svg" in render_svg(figure.spec)


LONG = "Weeks from the radical treatment of the tumour to the assignment of a group of treatment"


def test_pictures_of_weights_name_their_axes_and_cut_no_name():
    text = PROTOCOL.replace("label: Age,", f"label: {LONG},")
    figures = figures_of(blocks_of(cohort(60, missing=0.1), "weighted", text=text))
    love, scores = (figures[f"figure-weighted-{name}"].spec["datasets"] for name in ("balance", "scores"))
    said = [row["words"] for row in love["texts"]]
    assert LONG in " ".join(said)
    heights = [row["y"] for row in love["texts"] if row["xs"] == 0 and row["xp"] == 0]
    assert all(after - before >= 12 for before, after in pairwise(heights))
    sex = next(row["y"] for row in love["texts"] if row["words"] == "Sex")
    assert [row["y"] for row in love["points"]].count(sex) == 2  # marks stand beside their name
    words = {row["words"]: row for row in scores["texts"]}
    assert {"Propensity score", "Number of subjects", "0"} <= words.keys()
    most, end = max((row["x2s"], row["tip"]) for row in scores["bars"] if "tip" in row)
    tick = max((row for row in scores["texts"] if row["words"].isdigit()), key=lambda row: row["xs"])
    assert (tick["xs"] - 0.5) / int(tick["words"]) == pytest.approx((most - 0.5) / float(end), abs=1e-4)


def test_p_values_stand_only_where_the_plan_asks_for_them():
    tables = tables_of(blocks_of(PLAIN, "model", "subdistribution", "incidence", "test"))
    assert "p-values are descriptive" in tables["table-test"]
    assert "p-values are descriptive" in tables["table-model"]
    for id_ in ("table-subdistribution", "table-incidence"):
        assert not re.search(r"\bp ([=<]|$)", tables[id_], re.MULTILINE)


def test_a_biased_curve_is_called_so_everywhere():
    blocks = blocks_of(IT_PEOPLE, "curve", "naive", "emulated", stretches=IT_ROWS)
    assert any(isinstance(block, Callout) and block.title.plain.startswith("Biased") for block in blocks)
    table = tables_of(blocks)["table-all-recurrence"]
    assert table.index("Registered") < table.index("Biased, for comparison")


def test_an_analysis_by_the_future_shows_its_reason_in_place_of_a_curve():
    text = PROTOCOL.replace(
        "treatments: [old, new], assigned at: assignment",
        "treatments: [old, new], assigned at: first recurrence",
    )
    blocks = blocks_of(PLAIN, "curve", "test", "incidence", text=text)
    said = [block.text.plain for block in blocks if isinstance(block, Paragraph)]
    assert sum("was not run" in words for words in said) == 3
    assert not [block for block in blocks if isinstance(block, Figure)]


FORBIDDEN = re.compile(
    r"no increased risk|safe\b|significan|\bcaused?s by\b|due to treatment|protects|lowers the risk|proves|effect of the treatment",
    re.IGNORECASE,
)


@pytest.mark.parametrize("name", SHOWN)
def test_no_sentence_claims_a_cause(name):
    people, only, stretches = SHOWN[name]
    source = source_of(people, *only, stretches=stretches)
    blocks = blocks_of(people, *only, stretches=stretches)
    said = [*tables_of(blocks).values(), *(item.plain for item in render_methods(source).items)]
    said += [block.text.plain for block in blocks if isinstance(block, Paragraph)]
    said += [
        text.plain
        for block in blocks
        if isinstance(block, Figure)
        for text in (block.title, block.caption, block.alt)
    ]
    assert not [words for words in said if FORBIDDEN.search(words)]


def step(time, share):
    return {"time": time, "survival": share, "conf_low": None, "conf_high": None, "n_at_risk": 1}


@pytest.mark.parametrize(("rises", "shares"), [(True, (0.5, 0.2)), (False, (0.2, 0.5))])
def test_a_curve_that_turns_back_is_refused(rises, shares):
    tick = {"time": 0.0, "n_at_risk": 1, "n_censored": 0, "n_events": 0}
    group = {
        "label": "A",
        "steps": [step(0.0, shares[0]), step(1.0, shares[1])],
        "censor_marks": [],
        "ticks": [tick],
    }
    with pytest.raises(ValueError, match="must not"):
        survival_figure(
            [group], figure_id="f", title=Text("A"), alt=Text("A"), survival_title="S", time_title="T", rises=rises
        )  # fmt: skip
