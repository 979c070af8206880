"""Nothing of virtual patients passes for real, also where a cut leaves none of them."""

import io
from datetime import date

import polars as pl
import pytest

from trialwright.derivations.datasets import derive_datasets
from trialwright.derivations.study import make_study
from trialwright.derivations.writing import dataset_bytes
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol


@pytest.mark.parametrize("trial", ["nct04294498", "nct07120750"])
def test_what_is_derived_at_a_cut_before_the_first_record_is_marked(trial):
    loaded = load_protocol(trial)
    study = make_study(loaded, simulate(loaded, seed=1, subjects=4).tables, cut=date(2020, 1, 1))
    assert study.subjects.is_empty()
    assert study.is_simulated
    for name, content in dataset_bytes(derive_datasets(study).tables, study):
        assert "SIMULATED" in pl.read_parquet(io.BytesIO(content)).columns, name
