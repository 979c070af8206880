"""Several virtual trials derived at once give each what it gives by itself."""

import polars as pl
from tests.derivations.safety import durva

from trialwright.derivations.adae import derive_adae
from trialwright.derivations.adattr import derive_adattr
from trialwright.derivations.adevt import derive_adevt
from trialwright.derivations.adex import derive_adex
from trialwright.derivations.adexsum import derive_adexsum
from trialwright.derivations.adlb import derive_adlb
from trialwright.derivations.adliver import derive_adliver
from trialwright.derivations.adsl import derive_adsl
from trialwright.derivations.events import known_facts
from trialwright.derivations.study import make_study
from trialwright.design.virtual.simulation import simulate


def derive(tables):
    study = make_study(durva(), tables, keys=["TRIAL"])
    facts = known_facts(study)
    adsl, adevt = derive_adsl(study, facts), derive_adevt(study, facts)
    adlb, adae, adex = (
        derive_adlb(study, adsl, facts),
        derive_adae(study, adsl, facts),
        derive_adex(study, adsl),
    )
    return {
        "ADLB": adlb, "ADAE": adae, "ADEX": adex, "ADEXSUM": derive_adexsum(study, adsl, adex, facts),
        "ADATTR": derive_adattr(study, adsl, adevt, adlb, adae), "ADLIVER": derive_adliver(study, adsl, adevt),
    }  # fmt: skip


def test_two_trials_at_once_are_two_trials():
    tables = simulate(durva(), seed=11, subjects=40, trials=2).tables
    both = derive(tables)
    for trial in ("0001", "0002"):
        alone = derive({name: table.filter(pl.col("TRIAL") == trial) for name, table in tables.items()})
        for name, table in alone.items():
            mine = both[name].filter(pl.col("TRIAL") == trial)
            assert mine.drop("SUBJECT").equals(table.drop("SUBJECT")), f"{name} of {trial}"
    assert len(both["ADATTR"]) > 0
