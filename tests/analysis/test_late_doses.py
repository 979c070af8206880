"""Doses late and skipped of nct04294498 and what excuses them: every 28 days, 3 days either side, skipped from 43 days on."""

from datetime import date
from types import MappingProxyType

import polars as pl
import pytest
from tests.derivations.small_studies import Records, on_day

from trialwright.analysis.late_doses import find_late_doses
from trialwright.analysis.listed import DATASETS, Listed
from trialwright.analysis.run import not_yet_executable
from trialwright.derivations.adclock import why_deviation_not_run
from trialwright.derivations.datasets import derive_datasets
from trialwright.derivations.study import make_study
from trialwright.protocol.loading import load_protocol

HELD = {"EXDOSE": 0.0, "EXADJ": "Toxicity"}
# the days of doses and of doses left out, adverse events that interrupted treatment, and what is told of late and of skipped ones
LIVES = {
    "31 days": ([1, 32], [], [], []),
    "32 days": ([1, 33], [], [("found", None)], []),
    "42 days": ([1, 43], [], [("found", None)], []),
    "43 days": ([1, 44], [], [], [("found", None)]),
    "DO-02": ([1, 29, 64], [], [("found", None)], []),
    "24 days": ([1, 25], [], [], []),
    "25 days": ([1, 26], [], [], []),
    "own reason": ([1, (36, {"EXADJ": "adverse  event"})], [], [], []),
    "held, PD-04": ([1, (29, HELD), 36], [], [], []),
    "held too long": ([1, (29, HELD), 57], [], [], []),
    "held before": ([1, (15, HELD), 29, 64], [], [("found", None)], []),
    "held without a reason": ([1, (29, {"EXDOSE": 0.0}), 36], [], [("found", None)], []),
    "another reason": ([1, (36, {"EXADJ": "HOLIDAY"})], [], [("unknown", "needs a person")], []),
    "left out for another": ([1, (29, {"EXDOSE": 0.0, "EXADJ": "NOT WELL"}), 57], [], [], [("unknown", "needs a person")]),
    "held some day": ([1, ("2024-03", HELD), 36], [], [("unknown", "needs a person")], []),
    "ill meanwhile": ([1, 36], [(20, 40)], [("unknown", "needs a person")], []),
    "ill since": ([1, 36], [(20, None)], [("unknown", "needs a person")], []),
    "ill before": ([1, 29, 64], [(2, 28)], [("found", None)], []),
    "ill until the dose before": ([1, 29, 64], [(2, 29)], [("unknown", "needs a person")], []),
    "ill after": ([1, 36], [(37, None)], [("found", None)], []),
    "some day": ([1, "2024-04"], [], [("unknown", "imprecise date")], [("unknown", "imprecise date")]),
    "goes on, 42 days": ([1], [], [], []),
    "goes on, 43 days": ([1], [], [], [("unknown", "missing")]),
    "left on day 43": ([1], [], [], []),
    "left on day 44": ([1], [], [], [("unknown", "missing")]),
    "ended": ([1], [], [], []),
    "died on day 43": ([1], [], [], []),
    "died on day 44": ([1], [], [], [("unknown", "missing")]),
    "died": ([1], [], [], [("unknown", "missing")]),
    "died some day": ([1], [], [], [("unknown", "missing")]),
    "died in April": ([1], [], [], []),
    "died, nobody knows when": ([1], [], [], [("unknown", "missing")]),
}  # fmt: skip
SEEN = {
    "goes on, 42 days": 43, "goes on, 43 days": 44, "ended": 200, "died": 200, "died some day": 200,
    "died, nobody knows when": 200, "left on day 43": 200, "left on day 44": 200, "died on day 43": 20,
    "died on day 44": 20, "died in April": 20,
}  # fmt: skip
LEFT = {"left on day 43": 43, "left on day 44": 44}
DEATHS = {
    "died on day 43": {"DTHDTC": on_day(43)},
    "died on day 44": {"DTHDTC": on_day(44)},
    "died in April": {"DTHDTC": "2024-04"},  # days 32 to 61
    "died": {"DTHDTC": on_day(201)},
    "died some day": {"DTHDTC": "2024-11"},
    "died, nobody knows when": {},
}


def records():
    made = Records()
    for subject, (doses, ill, *_) in LIVES.items():
        death = {**DEATHS[subject], "DTHFL": "Y"} if subject in DEATHS else {}
        made.person(subject, **death)
        for day, more in ((one if isinstance(one, tuple) else (one, {})) for one in doses):
            when = day if isinstance(day, str) else on_day(day)
            made.dose(
                "durvalumab", when, when, subject, **{"EXDOSE": 1500.0, "EXDOSU": "mg", "EXADJ": None} | more
            )
        for first, last in ill:
            made.add("AE", subject, AETERM="RASH", AEDECOD="RASH", AESTDTC=on_day(first), AEACN="DRUG INTERRUPTED",
                     AEENDTC=None if last is None else on_day(last))  # fmt: skip
        if subject not in SEEN:
            made.add("DS", subject, DSDECOD="COMPLETED", DSTERM="COMPLETED", DSCAT="DISPOSITION EVENT",
                     DSSCAT="DURVALUMAB", DSSTDTC=on_day(100))  # fmt: skip
        else:
            made.result("alp", on_day(SEEN[subject]), 80, subject)
    made.add("DS", "ended", DSDECOD="COMPLETED", DSTERM="COMPLETED", DSCAT="DISPOSITION EVENT", DSSCAT="DURVALUMAB",
             DSSTDTC=on_day(30))  # fmt: skip
    for subject, day in LEFT.items():
        made.add("DS", subject, DSDECOD="WITHDRAWAL BY SUBJECT", DSTERM="WITHDRAWAL", DSCAT="DISPOSITION EVENT",
                 DSSTDTC=on_day(day))  # fmt: skip
    return made


@pytest.fixture(scope="module")
def listed():
    loaded = load_protocol("nct04294498")
    return listed_of(loaded)


def listed_of(loaded, *, alone=True, **options):
    """Each person as a study of their own, where `alone`: then nobody is looked at longer than their own records tell."""
    wanted = ("ADSL", "ADEX", "ADEXSUM", "ADAE", "ADEVT")
    tables = {name: rows.with_columns(TRIAL=pl.col("USUBJID") if alone else pl.lit("all")) for name, rows in records().tables.items()}  # fmt: skip
    found = derive_datasets(make_study(loaded, tables, keys=["TRIAL"], **options), only=wanted).tables
    assert set(wanted) <= set(DATASETS)
    kept = {name: rows.drop("TRIAL") for name, rows in found.items()}
    return Listed(loaded.protocol, loaded.writing.rules, MappingProxyType(kept), "treated", 0)


def told(listed, name, subject, **changes):
    deviation = listed.protocol.deviations[name].model_copy(update=changes)
    return find_late_doses(listed, deviation).filter(USUBJID=subject).select("AVALC", "REASON").rows()


@pytest.mark.parametrize("subject", LIVES)
def test_doses_late_and_skipped(listed, subject):
    *_, late, skipped = LIVES[subject]
    assert (told(listed, "dose_late", subject), told(listed, "dose_skipped", subject)) == (late, skipped)


@pytest.mark.parametrize(
    ("cut", "skipped"),
    [
        pytest.param("2024-10-31", [("unknown", "missing")], id="alive at the cut"),
        pytest.param("2024-11-29", [("unknown", "missing")], id="perhaps alive at the cut"),
        pytest.param("2024-11-30", [("unknown", "missing")], id="dead, months after the dose was due"),
    ],
)
def test_a_death_known_to_the_month_and_the_data_cut(cut, skipped):
    listed = listed_of(load_protocol("nct04294498"), cut=date.fromisoformat(cut))
    assert told(listed, "dose_skipped", "died some day") == skipped


def test_without_a_cut_a_dose_is_due_as_long_as_anybody_is_seen():
    """Last seen 42 days after the dose, without a word; others were seen half a year later."""
    listed = listed_of(load_protocol("nct04294498"), alone=False)
    assert told(listed, "dose_skipped", "goes on, 42 days") == [("unknown", "missing")]
    assert told(listed, "dose_skipped", "left on day 43") == []


@pytest.mark.parametrize("subject", ["own reason", "held, PD-04", "another reason", "ill meanwhile"])
def test_without_reasons_that_excuse_every_late_dose_is_one(listed, subject):
    assert told(listed, "dose_late", subject, excused_by=()) == [("found", None)]


def test_a_dose_that_came_early(listed):
    assert told(listed, "dose_late", "24 days", is_="early") == [("found", None)]
    assert told(listed, "dose_late", "25 days", is_="early") == []


def test_the_day_is_that_of_the_dose(listed):
    row = find_late_doses(listed, listed.protocol.deviations["dose_late"]).row(by_predicate=pl.col("USUBJID") == "DO-02", named=True)  # fmt: skip
    assert (row["ADT"], row["SRCDOM"], row["SRCSEQ"]) == (date(2024, 5, 3), "EX", 3)


def test_all_of_both_protocols_is_executable():
    for trial in ("nct04294498", "nct07120750"):
        assert not_yet_executable(load_protocol(trial).protocol) == {}


def test_a_treatment_must_say_from_when_on_a_dose_is_skipped(listed):
    protocol = listed.protocol
    drug = protocol.treatments["durvalumab"].model_copy(update={"skipped_after": None})
    without = protocol.model_copy(update={"treatments": {**protocol.treatments, "durvalumab": drug}})
    skipped, late = (protocol.deviations[f"dose_{name}"] for name in ("skipped", "late"))
    assert (
        why_deviation_not_run(skipped, without) == "its treatment does not say from when on a dose is skipped"
    )
    assert why_deviation_not_run(late, without) == ""
