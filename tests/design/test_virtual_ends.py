"""How the part of virtual patients in a trial ends: dead, lost, through with it, or still under watch at the end of the data."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.design.virtual_trials import with_assumptions

from trialwright.derivations.datasets import derive_datasets
from trialwright.derivations.study import make_study
from trialwright.design.virtual.draws import NEVER
from trialwright.design.virtual.parameters import read_parameters
from trialwright.design.virtual.people import draw_people, follow
from trialwright.design.virtual.plan import read_advanced_plan, read_after_treatment_plan
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol

HCC, PRTRAS = "nct04294498", "nct07120750"
LENGTH = {HCC: 905, PRTRAS: 1099}
"""Days of follow-up: 30 months but for a week, and to the last day on which the thirteenth scan may be done."""


def test_lengths_of_follow_up():
    assert read_advanced_plan(load_protocol(HCC)).last_day == LENGTH[HCC]
    assert read_after_treatment_plan(load_protocol(PRTRAS)).last_day == LENGTH[PRTRAS]


@pytest.mark.parametrize(
    ("death", "lost", "data_end", "last", "recorded"),
    [
        pytest.param(500, NEVER, 2000, 499, True, id="dies: the day before is the last one"),
        pytest.param(1099, NEVER, 2000, 1098, True, id="dies on the last day of follow-up"),
        pytest.param(1100, NEVER, 2000, 1099, False, id="dies the day after, which nobody records"),
        pytest.param(500, 500, 2000, 499, True, id="dies on the day of the last contact"),
        pytest.param(501, 500, 2000, 500, False, id="lost the day before"),
        pytest.param(400, NEVER, 400, 399, True, id="dies on the last day of the data"),
        pytest.param(401, NEVER, 400, 400, False, id="dies after the end of the data"),
        pytest.param(50, NEVER, -10, 0, False, id="the data end before time zero"),
        pytest.param(NEVER, NEVER, 2000, 1099, False, id="followed to the end"),
    ],
)
def test_until_when_people_are_followed(death, lost, data_end, last, recorded):
    p = replace(read_parameters(load_protocol(PRTRAS)), screen_failures=0.0)
    people = draw_people(p, 1, 0, 1, frame=1096, ages=(18.1, 70.9))
    people = replace(people, lost=np.array([lost]), data_end=20_000 + data_end)
    found, died = follow(np.array([death]), people, np.array([20_000]), 1099)
    assert (found.tolist(), died.tolist()) == ([last], [death if recorded else NEVER])
    nobody = replace(people, enrolled=np.array([False]))
    assert [one.tolist() for one in follow(np.array([death]), nobody, np.array([20_000]), 1099)] == [
        [-1],
        [NEVER],
    ]


@pytest.fixture(scope="module", params=[HCC, PRTRAS])
def ended(request):
    """Some die, some are lost, some are through, and the data end before others are."""
    trial = request.param
    changed = with_assumptions(trial, loss=0.3, data_collection=48, unreadable_scans=0.2)
    made = simulate(changed, seed=3, subjects=150, errors=False, observed=False)
    derived = derive_datasets(make_study(changed, made.tables), only=["ADSL", "ADCLOCK", "ADTTE"])
    return trial, made, derived.tables


def test_each_part_in_the_study_has_the_end_it_had(ended):
    trial, made, _ = ended
    people = made.latent.filter(ENROLLED="Y").with_columns(
        days=(pl.col("LAST_DAY") - pl.col("ZERO")).dt.total_days()
    )
    ends = made.tables["DS"].filter(
        (pl.col("DSCAT") == "DISPOSITION EVENT")
        & (pl.col("DSSCAT") == "STUDY PARTICIPATION")
        & (pl.col("DSDECOD") != "SCREEN FAILURE")
    )
    assert not ends["USUBJID"].is_duplicated().any()
    told = people.join(ends.select("USUBJID", "DSDECOD", "DSSTDTC"), on="USUBJID", how="left")
    through = told.filter(DSDECOD="COMPLETED")
    assert set(through["days"]) == {LENGTH[trial]}
    assert through["DEATH"].null_count() == through.height > 10
    assert (through["DSSTDTC"].str.to_date() == through["LAST_DAY"]).all()
    lost = told.filter(DSDECOD="LOST TO FOLLOW-UP")
    assert lost.height > 5
    assert lost["DEATH"].null_count() == lost.height
    others = told.filter(pl.col("DSDECOD").is_null())
    assert others.filter(pl.col("DEATH").is_null() & (pl.col("days") >= LENGTH[trial])).is_empty()
    watched = others.filter(pl.col("DEATH").is_null())
    assert watched.height > 2  # the data ended before
    assert watched["LAST_DAY"].n_unique() == 1


def test_derivations_take_the_end_for_what_it_is(ended):
    """It is the last day known alive, nobody who is through is censored later, and no scan is asked for again after it."""
    trial, made, tables = ended
    adsl = tables["ADSL"].filter(EOSSTT="COMPLETED")
    assert set(adsl["USUBJID"]) == set(
        made.tables["DS"].filter(DSDECOD="COMPLETED", DSSCAT="STUDY PARTICIPATION")["USUBJID"]
    )
    assert (adsl["EOSDT"] == adsl["LSTALVDT"]).all()
    alive = tables["ADTTE"].filter(PARAMCD="OS").join(adsl.select("USUBJID", "EOSDT"), on="USUBJID")
    assert alive.filter(ANL01FL="Y").height > 10
    assert (alive.filter(ANL01FL="Y")["ADT"] == alive.filter(ANL01FL="Y")["EOSDT"]).all()
    if trial == PRTRAS:
        again = (
            tables["ADCLOCK"]
            .filter(PROTOCOL="visits.imaging.repeat within")
            .join(adsl.select("USUBJID", "EOSDT"), on="USUBJID")
        )
        late = again.filter(pl.col("AWHIDT") >= pl.col("EOSDT"))
        assert set(late["AVALC"]) <= {"in time", "not applicable"}
        assert "not applicable" in late["AVALC"]
        assert "missed" not in again["AVALC"]
