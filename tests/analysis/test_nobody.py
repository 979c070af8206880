"""What is said aloud where a population has nobody, or an endpoint nobody who was followed."""

from dataclasses import replace

import polars as pl
import pytest
from tests.cases.timed_trial import run, subject, trial

from trialwright.analysis.run import run_analyses


def told(results, code):
    return [finding for finding in results.findings if finding.code == code]


@pytest.mark.parametrize(
    ("people", "endpoints"),
    [
        pytest.param([(0, 0), (0, 0)], ["Recurrence", "Survival without recurrence"], id="all on the first day"),
        pytest.param([(0, 0), (1, 0)], [], id="one a day later"),
        pytest.param([(0, 0), (0, 1)], [], id="one with the event on the first day"),
        pytest.param([(0, 0), (0, 2)], [], id="one with what competes on the first day"),
        pytest.param([(0, None)], [], id="nobody with a time"),
        pytest.param([], [], id="nobody"),
    ],
)  # fmt: skip
def test_an_endpoint_of_which_nobody_was_followed(people, endpoints):
    results = run([subject(*one) for one in people], "curve", "free", "test")
    found = told(results, "nobody-followed")
    assert [finding.words["endpoint"][0] for finding in found] == endpoints
    for finding in found:
        assert f"(subjects: {len(people)})" in finding.plain(results)


def test_an_analysis_that_was_not_run_counts_nobody():
    people = [subject(0, 0, "a"), subject(0, 0, "b")]
    results = run(people, "late_curve", "landmark")
    assert told(results, "nobody-followed") == []


@pytest.mark.parametrize(
    ("flags", "unknown"),
    [
        pytest.param(["N", "N"], 0, id="nobody"),
        pytest.param(["N", None], 1, id="perhaps one"),
        pytest.param([None, None], 2, id="perhaps all"),
        pytest.param(["Y", None], None, id="one"),
    ],
)
def test_a_population_with_nobody_is_told_once(flags, unknown):
    data = trial([subject(5, 1, "a"), subject(6, 0, "b")])
    kept = {name: data.protocol.analyses[name] for name in ("curve", "test")}
    data = replace(
        data,
        protocol=data.protocol.model_copy(update={"analyses": kept}),
        adsl=data.adsl.with_columns(EVERYONEFL=pl.Series(flags, dtype=pl.String)),
    )
    results = run_analyses(data, {}, "timed")
    found = told(results, "empty-population")
    assert len(found) == (0 if unknown is None else 1)
    for finding in found:
        assert finding.plain(results).startswith("Everyone: nobody surely belongs")
        assert f"nobody can tell: {unknown})" in finding.plain(results)


def test_a_fact_that_nobody_has_is_named():
    results = run(
        [subject(3, 1, "a", virus=None, stage="early"), subject(4, 1, "b", stage="late")], "adjusted"
    )
    assert (
        results["adjusted/groups=b/hazard_ratio"].note
        == "no subject has all the values it needs: nobody has `virus`"
    )
