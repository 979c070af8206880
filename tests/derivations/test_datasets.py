"""Datasets derived alone are those derived with all others."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trialwright.derivations.datasets import LABELS, derive_datasets
from trialwright.derivations.study import make_study
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol


@pytest.fixture(scope="module")
def study():
    """A small virtual trial whose readers give sums twice as large as those of their lesions."""
    loaded = load_protocol("nct04294498")
    tables = dict(simulate(loaded, seed=3, subjects=12).tables)
    is_sum = pl.col("TRTESTCD") == "SUMDIAM"
    tables["TR"] = tables["TR"].with_columns(
        TRSTRESN=pl.when(is_sum).then(2 * pl.col("TRSTRESN")).otherwise("TRSTRESN")
    )
    return make_study(loaded, tables)


@pytest.fixture(scope="module")
def everything(study):
    return derive_datasets(study)


@pytest.mark.parametrize(
    ("only", "rests_on"),
    [
        pytest.param(("ADTTE", "ADBASE", "ADRATE"), {"ADSL", "ADEVT"}, id="what a rehearsal needs"),
        pytest.param(("ADATTR",), {"ADSL", "ADEVT", "ADLB", "ADAE"}, id="resting on most others"),
    ],
)
def test_some_datasets_are_what_all_together_are(study, everything, only, rests_on):
    told = []
    made = derive_datasets(study, only=only, progress=told.append)
    assert list(made.tables) == [name for name in LABELS if name in only]
    for name in only:
        assert_frame_equal(made.tables[name], everything.tables[name])
    assert set(told) == {"what is known", *only, *rests_on}


def test_questions_to_tumour_records_come_with_their_datasets(study, everything):
    assert "tumour-sum" in {problem.code for problem in everything.problems}
    assert derive_datasets(study, only=("ADRS",)).problems == everything.problems
    assert derive_datasets(study, only=("ADSL",)).problems == study.left_out


def test_a_dataset_that_does_not_exist_is_refused(study):
    with pytest.raises(ValueError, match="no dataset is called `ADQS`: there are ADSL, ADELIG"):
        derive_datasets(study, only=("ADSL", "ADQS"))
