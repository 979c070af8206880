"""Virtual trials that several tests look at: made once."""

import pytest

from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol

TRIALS = ("nct04294498", "nct07120750")


@pytest.fixture(scope="session", params=TRIALS)
def trial(request):
    return request.param


@pytest.fixture(scope="session")
def loaded(trial):
    return load_protocol(trial)


@pytest.fixture(scope="session")
def clean(loaded):
    """Two trials of 150 patients without planted errors."""
    return simulate(loaded, seed=7, subjects=150, trials=2, errors=False)


@pytest.fixture(scope="session")
def advanced():
    return simulate(load_protocol(TRIALS[0]), seed=7, subjects=1500, errors=False)


@pytest.fixture(scope="session")
def after_treatment():
    return simulate(load_protocol(TRIALS[1]), seed=7, subjects=1500, errors=False)
