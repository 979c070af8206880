"""The baseline table: how many values are not exact, what stands for them, and where nothing may."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases.small_trial import PROTOCOL, protocol, trial

from trialwright.analysis.explaining.finding import pick_rows
from trialwright.analysis.results import Results
from trialwright.analysis.run import run_analyses
from trialwright.analysis.sample import AnalysisData
from trialwright.reports.baseline_table import render_baseline_table
from trialwright.reports.methods import render_methods
from trialwright.reports.printed import Source

TABLE = "  start: { method: baseline table, title: At the start, population: everyone, by: groups, variables: [virus] }\n"
BASELINE = protocol(PROTOCOL + TABLE)
HALF, TOP = "half the limit", "the upper limit"


Value = tuple[float | None, float | None, float | None, str | None]


def analysed(values: list[Value], people: str = "aabb") -> Results:
    return run_analyses(bound(values, people), {}, "small")


def bound(values: list[Value], people: str = "aabb") -> AnalysisData:
    """Subjects of the groups: from where to where the virus lies, what stands for it, and why."""
    data = trial(
        {str(i): group for i, group in enumerate(people, start=1)}, protocol=BASELINE, adsl={"virus": [one[2] for one in values]}
    )  # fmt: skip
    adbase = pl.DataFrame(
        [(str(i), "VIRUS", *one) for i, one in enumerate(values, start=1)],
        schema={"USUBJID": pl.String, "PARAMCD": pl.String, "AVALLO": pl.Float64, "AVALHI": pl.Float64, "AVALIMP": pl.Float64,
                "IMPMETH": pl.String},
        orient="row",
    )  # fmt: skip
    only = BASELINE.model_copy(update={"analyses": {"start": BASELINE.analyses["start"]}})
    return replace(data, protocol=only, tables={**data.tables, "ADBASE": adbase})


def table_of(results: Results):
    only = BASELINE.model_copy(update={"analyses": {"start": BASELINE.analyses["start"]}})
    return render_baseline_table(Source(only, results), "start", only.analyses["start"])  # type: ignore[arg-type]


def printed(results: Results) -> tuple[list[str], list[str]]:
    """The labels of the rows, and the notes."""
    table = table_of(results)
    return [row.label.plain for row in table.rows], [note.plain for note in table.notes]


def cells(results: Results) -> dict[str, list[str]]:
    """What stands in each row, by its label."""
    return {row.label.plain: [cell.plain for cell in row.cells] for row in table_of(results).rows}


def told(results: Results, here: str, *names: str) -> list[float | None]:
    return [results[f"start/{here}/{name}"].value for name in names]


EXACT = (500.0, 500.0, 500.0, None)
BELOW = (0.0, 20.0, 10.0, HALF)
ABOVE = (1e6, None, 1e6, TOP)
UNKNOWN = (None, None, None, None)
WITHOUT_ASSAY = (0.0, 20.0, None, None)
"""Below 20 by an assay of which the protocol says nothing: nothing stands for it."""


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        pytest.param([BELOW, BELOW, BELOW, EXACT], {"below": [3, 2, 1], "above": [0, 0, 0]}, id="below"),
        pytest.param([EXACT, EXACT, ABOVE, EXACT], {"below": [0, 0, 0], "above": [1, 0, 1]}, id="above"),
        pytest.param([BELOW, UNKNOWN, ABOVE, EXACT], {"below": [1, 1, 0], "above": [1, 0, 1]}, id="both, and one unknown"),
    ],
)  # fmt: skip
def test_values_beyond_the_assay_are_counted(values, counts):
    results = analysed(values)
    for side, expected in counts.items():
        told = [results[f"start/{group}virus/n_{side}"].value for group in ("", "a/", "b/")]
        assert told == expected
    labels, notes = printed(results)
    assert [
        side for side in ("Below", "Above") if any(one.startswith(f"{side} the assay") for one in labels)
    ] == [side.capitalize() for side, all_of_them in counts.items() if all_of_them[0]]
    assert any("counts as half the limit" in note for note in notes)


def test_where_all_can_be_measured_nothing_is_said():
    results = analysed([EXACT, EXACT, UNKNOWN, EXACT])
    labels, notes = printed(results)
    assert not any("assay" in text for text in (*labels, *notes))
    assert "start/virus/n_below" not in results


def test_the_methods_say_that_a_number_was_put_in():
    results = analysed([BELOW, EXACT, EXACT, EXACT])
    only = BASELINE.model_copy(update={"analyses": {"start": BASELINE.analyses["start"]}})
    said = [one.plain for one in render_methods(Source(only, results)).items]
    assert [text.count("below what the assay can measure counts as half the limit") for text in said] == [
        0,
        1,
        0,
    ]
    assert said[-1].startswith("Nothing was imputed but results beyond an assay, as said above.")


def test_where_most_lie_below_the_assay_quantiles_are_limits_and_no_mean_is_given():
    # lower limits 0, 0, 0, 500 and upper 20, 20, 20, 500: the third quartile is a quarter of the way from the third to the fourth
    results = analysed([BELOW, BELOW, BELOW, EXACT])
    assert told(results, "virus", "mean", "sd", "median", "q1", "q3", "minimum") == [None] * 6
    assert results["start/virus/mean"].note == "more than half are not exact"
    limits = {
        name: told(results, "virus", f"{name}_least", f"{name}_most")
        for name in ("median", "q1", "q3", "minimum")
    }
    assert limits == {"median": [0, 20], "q1": [0, 20], "q3": [125, 140], "minimum": [0, 20]}
    assert told(results, "virus", "maximum") == [500]
    rows = cells(results)
    assert rows["Mean (SD)"][0] == "more than half are not exact"
    assert rows["Median (quartiles)"][0] == "up to 20.0 (up to 20.0; 125.0 to 140.0)"


def test_where_half_lie_below_the_assay_the_mean_takes_what_stands_for_them():
    # 10, 10, 500, 500 and the limits 0, 0, 500, 500 and 20, 20, 500, 500
    results = analysed([BELOW, EXACT, BELOW, EXACT])
    assert told(results, "virus", "mean", "median_least", "median_most") == [255, 250, 260]
    assert "half the limit" in results["start/virus/mean"].conventions


def test_a_value_that_no_number_stands_for_is_known_and_has_no_mean():
    results = analysed([WITHOUT_ASSAY, EXACT, EXACT, EXACT])
    assert told(results, "virus", "n_missing", "n_below", "n_between", "median", "mean") == [
        0,
        0,
        1,
        500,
        None,
    ]
    assert results["start/virus/mean"].note == "no number stands for one of the values"
    assert cells(results)["Between limits"] == ["1", "1", "0", ""]
    assert told(results, "b/virus", "mean") == [500]


def test_what_counts_as_known_leads_back_to_its_rows():
    data = bound([WITHOUT_ASSAY, UNKNOWN, BELOW, EXACT])
    results = run_analyses(data, {}, "small")
    for statistic, subjects in {
        "n_missing": [],
        "n_between": ["1"],
        "n_below": ["3"],
        "median": ["1", "3", "4"],
        "mean": ["3", "4"],
    }.items():
        picked = pick_rows(data, results[f"start/virus/{statistic}"])
        expected = ["2"] if statistic == "n_missing" else subjects
        assert picked.rows["USUBJID"].to_list() == expected
        assert picked.number in (None, results[f"start/virus/{statistic}"].value)


@pytest.mark.parametrize(
    ("values", "of_means", "of_shares"),
    [
        # group a 10 and 500, group b 500 and 700: means 255 and 600, variances 120050 and 20000
        pytest.param([BELOW, EXACT, EXACT, (700.0, 700.0, 700.0, None)], 345 / (70025**0.5), 2**0.5, id="half: given, by what stands for it"),
        # of shares: 1/2 and 0, so 0.5 / sqrt((1/4 + 0) / 2) above; here 2/2 and 1/2
        pytest.param([BELOW, BELOW, BELOW, EXACT], None, 2**0.5, id="more than half of one group: of shares alone"),
        pytest.param([BELOW, BELOW, EXACT, (700.0, 700.0, 700.0, None)], None, None, id="no share in common"),
    ],
)  # fmt: skip
def test_a_difference_of_means_that_are_not_given_is_none(values, of_means, of_shares):
    found = told(analysed(values), "b/virus", "standardised_difference", "standardised_difference_beyond")
    assert found == [None if one is None else pytest.approx(one) for one in (of_means, of_shares)]


def test_a_difference_of_means_that_is_not_given_says_why_and_that_of_shares_stands_by_their_counts():
    results = analysed([BELOW, BELOW, BELOW, EXACT])
    last = {label: texts[-1] for label, texts in cells(results).items()}
    assert [text for label, text in last.items() if label.startswith(("Virus", "Below"))] == ["—", "1.41"]
    assert printed(results)[1][1:] == [
        "Numbers are mean (standard deviation) and median (quartiles), categories count (share of those known).",
        (
            "[b] Virus below what the assay can measure counts as half the limit, one above as its upper limit, in means and standardised "
            "differences of means. Beside the counts stands the standardised difference of the shares below, within and above what it can "
            "measure."
        ),
        (
            "Where more than half of the values are not exact, no mean is given. Medians and quartiles put nothing in place of a value; "
            "where they are not known exactly, the table says between which limits they lie."
        ),
        "No standardised difference of Virus: more than half are not exact.",
    ]


VALUES = st.lists(
    st.sampled_from([BELOW, ABOVE, WITHOUT_ASSAY]) | st.integers(20, 1000).map(lambda x: (float(x), float(x), float(x), None)),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(VALUES)
def test_the_table_of_visits_says_the_same_of_the_same_values(values):
    people = "a" * len(values)
    text = (PROTOCOL + TABLE).replace("scale: log10", "scale: as measured")
    both = protocol(text)
    data = bound(values, people)
    rows = data.tables["ADBASE"].with_columns(BASETYPE=pl.lit("at_entry"), ABLFL=pl.lit("Y"))
    adlb = pl.concat([data.tables["ADLB"], rows], how="diagonal")
    kept = {name: both.analyses[name] for name in ("start", "visits")}
    data = replace(
        data, protocol=both.model_copy(update={"analyses": kept}), tables={**data.tables, "ADLB": adlb}
    )
    results = run_analyses(data, {}, "small")
    at_start, at_visit = (
        {row.statistic: (row.value, row.note) for row in results.rows if row.analysis == name and row.item == item and row.group == "a"}
        for name, item in (("start", "virus"), ("visits", "Baseline"))
    )  # fmt: skip
    shared = [
        name
        for name in at_start
        if name.partition("_")[0] in ("mean", "sd", "median", "q1", "q3", "minimum", "maximum")
    ]
    assert {name: at_start[name] for name in shared} == {name: at_visit[name] for name in shared}
