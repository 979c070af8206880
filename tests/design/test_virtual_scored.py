"""Derivations scored against the truth of virtual trials: every answer and every date, where data are complete.

The truth comes from plain code of its own (`design/virtual/observed_*`), which knows nothing of what is scored here.
"""

from dataclasses import dataclass

import polars as pl
import pytest

from trialwright.derivations.adevt import derive_adevt
from trialwright.derivations.adrate import derive_adrate
from trialwright.derivations.adrs import derive_adrs
from trialwright.derivations.adsl import derive_adsl
from trialwright.derivations.adtte import derive_adtte
from trialwright.derivations.events import known_facts
from trialwright.derivations.study import make_study
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol

SUBJECTS = 160
TRIALS = ("nct04294498", "nct07120750")


@dataclass(frozen=True)
class Scored:
    truth: pl.DataFrame
    adevt: pl.DataFrame
    adtte: pl.DataFrame
    adrate: pl.DataFrame
    adrs: pl.DataFrame


@pytest.fixture(scope="module", params=TRIALS)
def scored(request):
    loaded = load_protocol(request.param)
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


def test_events(scored):
    truth = scored.truth.filter(pl.col("ELEMENT").str.starts_with("events."))
    groups = truth.partition_by("ELEMENT", "READER", as_dict=True)
    assert sum((rows["ANSWER"] == "Y").any() for rows in groups.values()) >= 5
    for (element, reader), rows in groups.items():
        events = scored.adevt.filter((pl.col("PROTOCOL") == element) & of_reader(reader))
        met = events.filter((pl.col("AVALC") == "met") & (pl.col("ASEQ") == 1))
        answers = met.select("USUBJID", ANSWER_found=pl.lit("Y"), ADT_found="ADT")
        unknown = events.filter(pl.col("AVALC") == "unknown").select("USUBJID", is_open=True).unique()
        found = (
            rows.select("USUBJID")
            .join(answers, on="USUBJID", how="left")
            .join(unknown, on="USUBJID", how="left")
        )
        found = found.with_columns(
            pl.when(pl.col("ANSWER_found").is_not_null())
            .then("ANSWER_found")
            .otherwise(pl.when("is_open").then(pl.lit("U")).otherwise(pl.lit("N")))
            .alias("ANSWER_found")
        )
        assert differences(rows, found, "ANSWER", "ADT") == [], (element, reader)


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


@pytest.mark.parametrize("scored", ["nct04294498"], indirect=True)
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


@pytest.mark.parametrize("scored", ["nct04294498"], indirect=True)
def test_best_responses(scored):
    for element, code in (("best response", "BOR"), ("endpoints.response", "CBOR")):
        for reader in ("local", "central"):
            rows = scored.truth.filter((pl.col("ELEMENT") == element) & (pl.col("READER") == reader))
            found = scored.adrs.filter((pl.col("PARAMCD") == code) & (pl.col("READER") == reader))
            assert rows.height == SUBJECTS
            assert differences(rows, found.select("USUBJID", RESPONSE_found="AVALC"), "RESPONSE") == []
