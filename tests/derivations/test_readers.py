"""What another reader saw is derived from what is known already, and is what deriving it from the records gives."""

import pytest

from trialwright.derivations.events import facts_read_by, known_facts
from trialwright.derivations.study import make_study
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol


@pytest.mark.parametrize("trial", ["nct04294498", "nct07120750"])
def test_events_of_the_central_reader(trial):
    loaded = load_protocol(trial)
    study = make_study(loaded, simulate(loaded, seed=5, subjects=40).tables)
    local, alone = known_facts(study), known_facts(study, reader="central")
    central = facts_read_by(local, "central")
    assert {"central", "local"} <= set().union(*local.readers.values())
    for name, rows in alone.events.items():
        plain, derived = (one.drop("record", "decided") for one in (rows, central.events[name]))
        assert plain.sort(plain.columns).equals(derived.sort(plain.columns)), name
    assert any(
        not local.events[name].drop("record", "decided").equals(rows.drop("record", "decided"))
        for name, rows in central.events.items()
    )
