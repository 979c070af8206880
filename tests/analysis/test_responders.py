"""Beside a time in response stands how many respond by the response rate; where the two part, who is in one of them only."""

from dataclasses import replace

import polars as pl
import pytest
from tests.cases.bad_records import HCC, analysed, good

from trialwright.analysis.explaining.finding import pick_rows
from trialwright.analysis.responders import response_rate_beside
from trialwright.analysis.results import Results
from trialwright.analysis.run import run_analysis
from trialwright.protocol.loading import load_protocol
from trialwright.reports.printed import Source
from trialwright.reports.survival_tables import render_survival_table

STATISTICS = ("n_responders", "n_responders_without_time", "n_timed_without_response")


@pytest.fixture(scope="module")
def trial():
    loaded = load_protocol(HCC)
    kept = {name: loaded.protocol.analyses[name] for name in ("response_rate", "duration_curve")}
    return analysed(
        HCC, good(HCC), replace(loaded, protocol=loaded.protocol.model_copy(update={"analyses": kept}))
    )


def with_responses(trial, **best):
    """The data with other best confirmed responses: `first` of who has a time in response, `other` of somebody who has none."""
    adrs, adtte = trial.data.tables["ADRS"], trial.data.adtte
    people = trial.data.population("response_set")["USUBJID"]
    timed = adtte.filter(
        (pl.col("PARAMCD") == "DURATION_OF_RESPONSE")
        & (pl.col("ANL01FL") == "Y")
        & pl.col("AVAL").is_not_null()
        & pl.col("USUBJID").is_in(people.implode())
    )["USUBJID"].to_list()
    first, other = timed[0], next(who for who in people if who not in timed)
    changed = pl.col("AVALC")
    for who, role in ((first, "first"), (other, "other")):
        if role in best:
            ours = (pl.col("PARAMCD") == "CBOR") & (pl.col("USUBJID") == who)
            changed = pl.when(ours).then(pl.lit(best[role])).otherwise(changed)
    tables = {**trial.data.tables, "ADRS": adrs.with_columns(AVALC=changed)}
    return replace(trial.data, tables=tables), len(timed)


@pytest.mark.parametrize(
    ("best", "changes"),
    [
        pytest.param({}, (0, 0, 0), id="as they are"),
        pytest.param({"first": "SD"}, (-1, 0, 1), id="a time without a response"),
        pytest.param({"other": "PR"}, (1, 1, 0), id="a response without a time"),
        pytest.param({"first": "SD", "other": "CR"}, (0, 1, 1), id="as many, and not the same"),
    ],
)
def test_who_responds_is_held_against_who_has_a_time(trial, best, changes):
    data, n_timed = with_responses(trial, **best)
    recorder = run_analysis(data, "duration_curve", "records")
    results = Results((*recorder.rows,), (), {})
    found = [results[f"duration_curve/response_rate/{name}"] for name in STATISTICS]
    assert [row.value for row in found] == [n_timed + changes[0], *changes[1:]]
    for row in found:
        assert pick_rows(data, row).number == row.value
    table = render_survival_table(
        Source(data.protocol, results), "duration_curve", data.protocol.analyses["duration_curve"]
    )
    told = table.notes[-1].plain
    assert told.startswith(
        f"By the response rate (Objective response) {n_timed + changes[0]} subjects respond"
    )
    assert ("they are those whose time is counted here" in told) is (not any(changes))
    if any(changes):
        assert (
            f"without a time here: {changes[1]}; with a time here and no response there: {changes[2]}."
            in told
        )


def test_other_times_have_no_response_rate_beside_them():
    protocol = load_protocol(HCC).protocol
    assert response_rate_beside(protocol, protocol.analyses["duration_curve"]) == "response_rate"
    for name in ("ttp_curve", "pfs_curve", "os_curve", "time_to_hbv_dna_below_100_curve"):
        assert response_rate_beside(protocol, protocol.analyses[name]) is None
