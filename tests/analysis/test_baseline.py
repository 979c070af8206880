"""The baseline table says how many values lie beyond the assay, and what stands for them."""

from dataclasses import replace

import polars as pl
import pytest
from tests.cases.small_trial import PROTOCOL, protocol, trial

from trialwright.analysis.results import Results
from trialwright.analysis.run import run_analyses
from trialwright.reports.baseline_table import render_baseline_table
from trialwright.reports.methods import render_methods
from trialwright.reports.printed import Source

TABLE = "  start: { method: baseline table, title: At the start, population: everyone, by: groups, variables: [virus] }\n"
BASELINE = protocol(PROTOCOL + TABLE)
HALF, TOP = "half the limit", "the upper limit"


def analysed(values: list[tuple[float | None, float | None, float | None, str | None]]) -> Results:
    """Results of subjects of group a, two each, then of b: from where to where the virus lies, what stands for it, and why."""
    data = trial(
        dict(zip("1234", "aabb", strict=True)), protocol=BASELINE, adsl={"virus": [one[2] for one in values]}
    )
    adbase = pl.DataFrame(
        [(str(i), "VIRUS", *one) for i, one in enumerate(values, start=1)],
        schema={"USUBJID": pl.String, "PARAMCD": pl.String, "AVALLO": pl.Float64, "AVALHI": pl.Float64, "AVALIMP": pl.Float64,
                "IMPMETH": pl.String},
        orient="row",
    )  # fmt: skip
    only = BASELINE.model_copy(update={"analyses": {"start": BASELINE.analyses["start"]}})
    data = replace(data, protocol=only, tables={**data.tables, "ADBASE": adbase})
    return run_analyses(data, {}, "small")


def printed(results: Results) -> tuple[list[str], list[str]]:
    """The labels of the rows, and the notes."""
    only = BASELINE.model_copy(update={"analyses": {"start": BASELINE.analyses["start"]}})
    source = Source(only, results)
    table = render_baseline_table(source, "start", only.analyses["start"])  # type: ignore[arg-type]
    return [row.label.plain for row in table.rows], [note.plain for note in table.notes]


EXACT = (500.0, 500.0, 500.0, None)
BELOW = (0.0, 20.0, 10.0, HALF)
ABOVE = (1e6, None, 1e6, TOP)
UNKNOWN = (None, None, None, None)


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
    assert "below what the assay can measure counts as half the limit" in said[0]
    assert said[-1].startswith("Nothing was imputed but results beyond an assay at baseline, as said above.")
