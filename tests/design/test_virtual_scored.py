"""Derivations scored against the truth of virtual trials: every answer and every date, where data are complete.

The truth comes from plain code of its own (`design/virtual/observed_*`), which knows nothing of what is scored here.
"""

from dataclasses import dataclass, replace

import polars as pl
import pytest
from tests.design.virtual_trials import with_assumptions

from trialwright.derivations.adevt import derive_adevt
from trialwright.derivations.adrate import derive_adrate
from trialwright.derivations.adrs import derive_adrs
from trialwright.derivations.adsl import derive_adsl
from trialwright.derivations.adtte import derive_adtte
from trialwright.derivations.events import known_facts
from trialwright.derivations.study import make_study
from trialwright.design.virtual import after_treatment_trial
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol

SUBJECTS = 160
TRIALS = ("nct04294498", "nct07120750")
STORMY = {
    "immune_hepatitis": 0.6, "icteric_flare": 0.7, "decompensation": 0.4, "flare_spread": 0.8, "alt_median": 80,
    "measurement_error": 0.12, "tumour_response": 0.5, "response_half_life": 25, "new_lesion": 0.8,
    "beyond_progression": 0.95, "unreadable_scans": 0.15,
}  # fmt: skip
"""Assumptions under which livers fail, and tumours that shrink, grow and are misread give iRECIST all it can decide."""


@dataclass(frozen=True)
class Scored:
    truth: pl.DataFrame
    adevt: pl.DataFrame
    adtte: pl.DataFrame
    adrate: pl.DataFrame
    adrs: pl.DataFrame


@pytest.fixture(scope="module", params=[*TRIALS, "stormy"])
def scored(request):
    is_stormy = request.param == "stormy"
    loaded = with_assumptions(TRIALS[0], **STORMY) if is_stormy else load_protocol(request.param)
    made = simulate(loaded, seed=21, subjects=SUBJECTS, errors=False)
    study = make_study(loaded, made.tables)
    facts = known_facts(study)
    adsl, adevt = derive_adsl(study, facts), derive_adevt(study, facts)
    return Scored(
        made.observable,
        adevt,
        derive_adtte(study, adsl, adevt, facts.observations),
        derive_adrate(study, adsl, adevt, facts.observations),
        derive_adrs(study, adsl),
    )


def of_reader(reader):
    """Rows of a reader, and those that do not depend on who reads."""
    return pl.col("READER").eq_missing(pl.lit(reader)) | pl.col("READER").is_null()


def differences(truth, found, *columns):
    """Rows whose values differ, subject by subject; `found` has each column with `_found` behind its name."""
    assert not found["USUBJID"].is_duplicated().any()
    both = truth.join(found, on="USUBJID", how="left")
    wrong = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_found")) for name in columns)
    return both.filter(wrong).select("USUBJID", *columns, *(f"{name}_found" for name in columns)).rows()


def event_differences(rows, adevt, element, reader=None):
    """Subjects whose answer or first day differs."""
    events = adevt.filter((pl.col("PROTOCOL") == element) & of_reader(reader))
    met = events.filter((pl.col("AVALC") == "met") & (pl.col("ASEQ") == 1))
    answers = met.select("USUBJID", ANSWER_found=pl.lit("Y"), ADT_found="ADT")
    unknown = events.filter(pl.col("AVALC") == "unknown").select("USUBJID", is_open=True).unique()
    found = (
        rows.select("USUBJID").join(answers, on="USUBJID", how="left").join(unknown, on="USUBJID", how="left")
    )
    found = found.with_columns(
        pl.when(pl.col("ANSWER_found").is_not_null())
        .then("ANSWER_found")
        .otherwise(pl.when("is_open").then(pl.lit("U")).otherwise(pl.lit("N")))
        .alias("ANSWER_found")
    )
    return differences(rows, found, "ANSWER", "ADT")


def test_events(scored):
    truth = scored.truth.filter(pl.col("ELEMENT").str.starts_with("events."))
    groups = truth.partition_by("ELEMENT", "READER", as_dict=True)
    assert sum((rows["ANSWER"] == "Y").any() for rows in groups.values()) >= 5
    for (element, reader), rows in groups.items():
        assert event_differences(rows, scored.adevt, element, reader) == [], (element, reader)


@pytest.mark.parametrize("scored", ["stormy"], indirect=True)
def test_liver_injury_and_confirmed_progression_are_there_to_be_found(scored):
    for element in ("events.hys_law", "events.confirmed_progression"):
        answers = scored.truth.filter(pl.col("ELEMENT") == element)["ANSWER"]
        assert 10 < (answers == "Y").sum() < answers.len() - 10
    assert "iCR" in scored.truth["RESPONSE"]


def test_functional_cure_of_those_who_stop_everything(monkeypatch):
    """Analogues go on in virtual trials; here they end 167, 168 or 169 days before a visit, for records and reader alike."""
    stops = {}
    read_patients = after_treatment_trial.read_patients

    def read_stopped(*made):
        for who, patient in read_patients(*made):
            visit = next((one.day for one in patient.hbsag if one.day >= 510), None)
            if visit is not None:
                stops[who] = visit - 167 - who % 3
                patient = replace(patient, last_analogue=stops[who])
            yield who, patient

    monkeypatch.setattr(after_treatment_trial, "read_patients", read_stopped)
    loaded = with_assumptions(TRIALS[1], hbsag_loss_with_peginterferon=0.8, hbsag_loss_lasts=0.6)
    made = simulate(loaded, seed=21, subjects=80, errors=False)
    study = make_study(loaded, made.tables | {"EX": stopped(made, stops)})
    adevt = derive_adevt(study, known_facts(study))
    truth = made.observable.filter(pl.col("ELEMENT") == "events.functional_cure")
    assert (truth["ANSWER"] == "Y").sum() > 10
    assert event_differences(truth, adevt, "events.functional_cure") == []


def stopped(made, stops):
    """EX where the analogue of each subject (by number) ends on a day after time zero, if not earlier."""
    number = pl.Series("number", list(stops), dtype=pl.UInt32)
    days = pl.DataFrame({"number": number, "stop": list(stops.values())})
    ends = made.latent.with_row_index("number").join(days, on="number").select(
        "USUBJID", end=(pl.col("ZERO") + pl.duration(days="stop")).dt.strftime("%Y-%m-%d")
    )  # fmt: skip
    doses = made.tables["EX"].join(ends, on="USUBJID", how="left", maintain_order="left")
    earlier = pl.min_horizontal("EXENDTC", "end")
    is_analogue = pl.col("EXTRT") == "NUCLEOSIDE ANALOGUE"
    return doses.with_columns(EXENDTC=pl.when(is_analogue).then(earlier).otherwise("EXENDTC")).drop("end")


def test_times(scored):
    truth = scored.truth.filter(pl.col("WHY").is_not_null())
    kinds = {"event": 0, "censored": 1, "competing": 2}
    for (element, reader), rows in truth.partition_by("ELEMENT", "READER", as_dict=True).items():
        own = scored.adtte.filter(pl.col("ANL01FL") == "Y")["TIMEFROM"].unique()
        times = scored.adtte.filter(
            (pl.col("PROTOCOL").str.split(".").list.head(2).list.join(".") == element)
            & of_reader(reader)
            & pl.col("TIMEFROM").is_in(own.implode())
        )
        found = times.select(
            "USUBJID",
            ADT_found="ADT",
            AVAL_found=pl.col("AVAL").cast(pl.Int64),
            CNSR_found=pl.col("EVNTTYPE").replace_strict(kinds, default=None, return_dtype=pl.Int64),
        )
        assert differences(rows, found, "CNSR", "AVAL", "ADT") == [], (element, reader)


@pytest.mark.parametrize("scored", ["nct04294498", "stormy"], indirect=True)
def test_rates(scored):
    truth = scored.truth.filter(
        pl.col("ELEMENT").str.starts_with("endpoints.") & pl.col("ANSWER").is_not_null()
    )
    assert truth["ELEMENT"].n_unique() > 5
    words = {"met": "Y", "not met": "N", "unknown": "U"}
    for (element,), rows in truth.partition_by("ELEMENT", as_dict=True).items():
        rates = scored.adrate.filter(pl.col("PROTOCOL").str.split(".").list.head(2).list.join(".") == element)
        found = rates.select("USUBJID", ANSWER_found=pl.col("AVALC").replace_strict(words), ADT_found="ADT")
        assert differences(rows, found, "ANSWER", "ADT") == [], element


@pytest.mark.parametrize("scored", ["nct04294498", "stormy"], indirect=True)
def test_best_responses(scored):
    for element, code in (("best response", "BOR"), ("endpoints.response", "CBOR")):
        for reader in ("local", "central"):
            rows = scored.truth.filter((pl.col("ELEMENT") == element) & (pl.col("READER") == reader))
            found = scored.adrs.filter((pl.col("PARAMCD") == code) & (pl.col("READER") == reader))
            assert rows.height == SUBJECTS
            assert differences(rows, found.select("USUBJID", RESPONSE_found="AVALC"), "RESPONSE") == []


@pytest.mark.parametrize("scored", ["nct04294498", "stormy"], indirect=True)
@pytest.mark.parametrize("reader", ["local", "central"])
def test_responses_by_irecist(scored, reader):
    """Each scan, and the progression that was confirmed or not taken back."""
    of_both = pl.col("READER") == reader
    subjects = scored.truth["USUBJID"].unique().implode()
    key = ["USUBJID", "ADT"]
    told = scored.truth.filter((pl.col("ELEMENT") == "facts.irecist_response") & of_both)
    derived = scored.adrs.filter(
        (pl.col("PARAMCD") == "IOVRLRSP") & of_both & pl.col("USUBJID").is_in(subjects)
    )
    both = told.join(derived, on=key, how="full", coalesce=True)
    assert told.height > 2 * SUBJECTS
    assert set(told["RESPONSE"]) >= {"iPR", "iSD", "iUPD", "iCPD", "NE"}
    assert (
        both.filter(pl.col("RESPONSE").ne_missing(pl.col("AVALC"))).select(*key, "RESPONSE", "AVALC").rows()
        == []
    )
    rows = scored.truth.filter((pl.col("ELEMENT") == "progression by iRECIST") & of_both)
    found = scored.adrs.filter((pl.col("PARAMCD") == "IPD") & of_both)
    assert set(rows["RESPONSE"]) == {None, "CONFIRMED", "UNCONFIRMED"}
    found = found.select("USUBJID", RESPONSE_found="AVALC", ADT_found="ADT")
    assert differences(rows, found, "RESPONSE", "ADT") == []
