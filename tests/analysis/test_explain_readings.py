"""Behind what readers see stand the events, lesions and looks of the reader that counts, and of no other."""

from functools import cache
from pathlib import Path

import pytest
from tests.derivations.tumours import PROTOCOL, day, edit, loaded, responses, state, tables_of, target

from trialwright.analysis.explain import NOT_IN_DATASETS, Explainer
from trialwright.analysis.explaining.evidence import FACTS, looks_of
from trialwright.analysis.from_records import bind_datasets
from trialwright.analysis.report_folder import ReportFolder
from trialwright.analysis.run import run_analyses
from trialwright.derivations.datasets import derive_datasets
from trialwright.derivations.study import make_study

CENTRAL = "INDEPENDENT ASSESSOR"
FACTS_AND_EVENTS = {
    "treatments:\n": "  lirads: { label: LI-RADS category, kind: category, concept: lirads }\ntreatments:\n",
    "events:\n": (
        "events:\n"
        "  progression: { label: progression, of: recist_response, when: value in (PD) }\n"
        "  definite: { label: definite tumour, of: lirads, when: value is LR-5 }\n"
    ),
}
ENDPOINT = (
    "  {name}: {{ label: {name}, kind: {kind}, role: secondary, {of}, from: first_dose, reader: {reader}, {more}, "
    "estimand: {{ population: treated }} }}\n"
)
ANALYSES = """\
analyses:
  response: { method: proportion, title: Response, population: treated, endpoint: response }
  grown_local: { method: proportion, title: Grown, population: treated, endpoint: grown_local }
  grown_central: { method: proportion, title: Grown, population: treated, endpoint: grown_central }
  definite: { method: proportion, title: Definite, population: treated, endpoint: definite }
  ttp_local: { method: kaplan-meier, title: TTP, population: treated, endpoint: ttp_local, read at: [90 days], ticks every: 90 days }
  ttp_central: { method: kaplan-meier, title: TTP, population: treated, endpoint: ttp_central, read at: [90 days], ticks every: 90 days }
"""


def protocol():
    text = PROTOCOL
    for old, new in FACTS_AND_EVENTS.items():
        text = edit(text, old, new)
    for reader in ("local", "central"):
        rate = {"kind": "rate", "of": "rate of: progression", "more": "time frame: 1 year"}
        time = {
            "kind": "time to event", "of": "time to: [progression]", "more": "censored at: last recist_response, unit: days",
        }  # fmt: skip
        text += ENDPOINT.format(name=f"grown_{reader}", reader=reader, **rate)
        text += ENDPOINT.format(name=f"ttp_{reader}", reader=reader, **time)
    rate = {"kind": "rate", "of": "rate of: definite", "more": "time frame: 1 year"}
    return text + ENDPOINT.format(name="definite", reader="local", **rate) + ANALYSES


LIRADS = (
    ("03-06", "LR-3", "INVESTIGATOR"), ("03-06", "LR-3", CENTRAL), ("05-01", "LR-NC", "INVESTIGATOR"), ("07-01", "LR-4", "INVESTIGATOR"),
)  # fmt: skip
"""Scans of S2 by day and reader, one of which nobody could judge."""


@cache
def tables():
    """S1 has sums of 100, 60 and 90 mm and then a new lesion by the local reader, of 100, 60 and 65 mm by the central one.

    S2 has responses as they are reported: of the local reader two of three could be judged, of the central one one of two.
    """
    tr = [
        target(when, name, mm, TREVAL=who)
        for who, name, last in (("INVESTIGATOR", "T1", 90), (CENTRAL, "C1", 65))
        for when, mm in ((-7, 100), (56, 60), (112, last))
    ]
    tr.append(state(112, "NEW1", "UNEQUIVOCAL"))
    rs = [
        *responses("03-06 SD, 05-01 NE, 07-01 SD", subject="S2"),
        *responses("03-06 NE, 05-01 SD", subject="S2", evaluator=CENTRAL),
    ]
    fa = [
        {"USUBJID": "S2", "FATESTCD": "STATUS", "FAOBJ": "LIRADS", "FASTRESC": word, "FAEVAL": who, "FADTC": day(when)}
        for when, word, who in LIRADS
    ]  # fmt: skip
    return tables_of(tr=tr, rs=rs, fa=fa, subjects=("S1", "S2"))


@cache
def explainer():
    study = make_study(loaded(protocol()), tables())
    made = derive_datasets(study)
    data = bind_datasets(study, made)
    report = ReportFolder(Path("results.json"), run_analyses(data, {}, "records"), made.tables)
    return Explainer.of(report, loaded(protocol()))


def told(id_, subject):
    return explainer().explain(id_, subject=subject).subject


@pytest.mark.parametrize(
    ("id_", "subject"),
    [
        pytest.param("ttp_local/n_events", "S1", id="who has the event"),
        pytest.param("ttp_central/n_events", "S1", id="who does not count among those with the event"),
        pytest.param("grown_local/n_met", "S1", id="a rate"),
    ],
)
def test_events_behind_a_row_are_those_of_its_reader(id_, subject):
    reader = id_.partition("/")[0].partition("_")[2]
    found = told(id_, subject)
    assert {row.values["READER"] for row in found.rows} == {reader}
    assert {row.values["READER"] for row in (*found.evidence, *found.measured)} <= {reader}
    assert bool(found.evidence) is (reader == "local")


def test_a_progression_comes_with_its_sum_beside_baseline_and_nadir_and_with_the_new_lesion():
    found = told("ttp_local/n_events", "S1")
    measured = {row.values["PARAMCD"]: row.values for row in found.measured}
    total = measured["SDIAM"]
    assert [total[name] for name in ("AVAL", "BASE", "NADIR", "CHGNAD", "PCHGNAD")] == [90, 100, 60, 30, 50]
    assert measured["NEWSTATE"]["AVALC"] == "UNEQUIVOCAL"
    assert len(found.measured) == 2


def test_a_best_response_comes_with_its_sum():
    found = told("response/n_subjects", "S1")
    (total,) = [row.values for row in found.measured]
    assert (total["AVAL"], total["BASE"], total["PCHG"], total["READER"]) == (60, 100, -40, "local")


def test_who_is_not_counted_has_the_row_of_the_endpoint_alone():
    """S2 has no response; of each reader and parameter there is a row."""
    (row,) = told("response/n_met", "S2").rows
    assert (row.path, row.values["READER"], row.values["PARAMCD"]) == ("endpoints.response", "local", "CBOR")


@pytest.mark.parametrize(
    ("reader", "days"),
    [("local", ["2024-03-06", "2024-07-01"]), ("central", ["2024-05-01"])],
)
def test_the_looks_of_a_rate_of_responses_are_those_that_count(reader, days):
    found = told(f"grown_{reader}/n_not_met", "S2")
    (row,) = found.rows
    assert row.values["NASSESS"] == len(days)
    assert [look.values["ADT"] for look in found.looks] == days
    assert {(look.dataset, look.values["READER"], look.values["AVALC"]) for look in found.looks} == {
        ("ADRS", reader, "SD")
    }
    assert {record.name for record in found.records} == {look.sources[0] for look in found.looks}


def test_looks_of_a_fact_that_stands_in_no_dataset_are_read_from_the_records():
    told = explainer()
    row = told.data.tables["ADRATE"].filter(PARAMCD="DEFINITE", USUBJID="S2")
    ((of, found),) = looks_of(told.data, told.loaded, tables(), "S2", row)
    assert of == FACTS
    assert found.select("AVALC", "SRCDOM", "SRCSEQ", "PROTOCOL").rows() == [
        ("LR-3", "FA", 1, "facts.lirads"),
        ("LR-4", "FA", 4, "facts.lirads"),
    ]
    assert row["NASSESS"].item() == found.height


def test_without_the_records_it_is_told_that_such_looks_cannot_be_shown():
    found = explainer().explain("definite/n_not_met", subject="S2")
    assert found.subject.looks == ()
    assert NOT_IN_DATASETS in found.warnings
    assert NOT_IN_DATASETS not in explainer().explain("grown_local/n_not_met", subject="S2").warnings
