"""What no method is there for, told before there are data."""

import pytest
from tests.derivations.lives import changed, shipped

from trialwright.protocol.not_run import reason_not_run

LATE = "recurrence_delayed_entry"


@pytest.mark.parametrize(
    ("analysis", "changes", "reason"),
    [
        pytest.param(LATE, {}, "", id="as shipped"),
        pytest.param(LATE, {"time varying": ["age"]}, "only `groups` can change over time, not `age`", id="age"),
        pytest.param(LATE, {"covariates": ["age", "hbsag_quantity"], "reference": {}}, "`groups` change over time, and are not among the `covariates`", id="no groups"),
        pytest.param("recurrence_weighted_cox", {"landmark": "12 weeks"}, "weights are not run together with late entry, landmark or changing groups", id="weights"),
        pytest.param("recurrence_incidence", {"entry": "group_assignment"}, "`cumulative incidence` is not run with late entry, landmark or changing groups", id="incidence"),
        pytest.param("recurrence_logrank", {"weights": {"target": "overlap", "treated": "na_and_peginterferon", "covariates": ["age"]}}, "`log-rank` is not run with weights", id="weighted test"),
        pytest.param("patients", {}, "", id="no time"),
    ],
)  # fmt: skip
def test_an_analysis_that_no_method_is_there_for_says_why(analysis, changes, reason):
    loaded = changed(
        shipped("nct07120750"), {f"analyses.{analysis}.{key}": value for key, value in changes.items()}
    )
    assert reason_not_run(loaded.protocol.analyses[analysis]) == reason
