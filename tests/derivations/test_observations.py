"""What records say of the facts of a protocol."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from tests.derivations.small_studies import Records
from tests.derivations.tumours import edit, loaded

from trialwright.derivations.last_alive import last_days_alive
from trialwright.derivations.observations import make_observations, record_facts
from trialwright.derivations.study import SUBJECT
from trialwright.derivations.study_facts import StudyFacts
from trialwright.evaluation.table import check_observations
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.loading import LoadedProtocol, load_protocol, parse_protocol
from trialwright.vocabulary.problems import ProblemsFound
from trialwright.vocabulary.verdicts import Reason


@pytest.fixture(scope="module")
def durva():
    return load_protocol("nct04294498")


@pytest.fixture(scope="module")
def prtras():
    return load_protocol("nct07120750")


def observed(records, protocol, fact, reader="local", **options):
    study = records.study_of(protocol, **options)
    records = StudyFacts.of(study).records
    of_facts = make_observations(study, records, last_days_alive(study), reader=reader)
    table = pl.concat(of_facts.values())
    check_observations(table, study.scope.facts)
    assert table["record"].is_unique().all()
    return table.filter(pl.col("fact") == fact)


@pytest.mark.parametrize(("said", "bounds", "reason"), [
    pytest.param({"LBSTRESC": "40", "LBSTRESN": 40.0, "LBSTRESU": "IU/mL"}, (40, 40, False, False), 0, id="a number"),
    pytest.param({"LBSTRESC": "<20", "LBSTRESU": "IU/mL"}, (0, 20, False, True), Reason.CENSORED.code, id="below the limit"),
    pytest.param({"LBSTRESC": ">1000", "LBSTRESU": "IU/mL"}, (1000, float("inf"), True, True), Reason.CENSORED.code, id="above"),
    pytest.param({"LBSTRESC": "TND", "LBLLOQ": 10.0}, (0, 10, False, True), Reason.CENSORED.code, id="not detected, by its own limit"),
    pytest.param({"LBSTRESC": "TND"}, (0, 20, False, True), Reason.CENSORED.code, id="not detected, by the limit of the protocol"),
    pytest.param({"LBSTRESC": "2.1", "LBSTRESN": 2.1, "LBSTRESU": "kIU/mL"}, (2100, 2100, False, False), 0, id="another unit"),
    pytest.param({"LBSTRESC": "40", "LBSTRESN": 40.0, "LBSTRESU": "copies/mL"}, None, Reason.UNIT_UNKNOWN.code, id="copies of an assay nobody knows"),
    pytest.param({"LBSTRESC": "40", "LBSTRESN": 40.0}, None, Reason.UNIT_UNKNOWN.code, id="no unit"),
    pytest.param({"LBORRES": "40", "LBORRESU": "IU/mL"}, None, Reason.UNREADABLE.code, id="reported, and nobody vouches for it"),
    pytest.param({"LBORRES": "40", "LBORRESU": "furlong"}, None, Reason.UNIT_UNKNOWN.code, id="reported in no unit"),
    pytest.param({"LBSTRESC": "40", "LBSTRESU": "IU/mL"}, (40, 40, False, False), 0, id="a text that is a number"),
    pytest.param({"LBSTRESC": " 4.0E1 ", "LBSTRESU": "IU/mL"}, (40, 40, False, False), 0, id="one with a power of ten"),
    pytest.param({"LBSTRESC": "40", "LBSTRESU": "IU/mL", "LBORRES": "4", "LBORRESU": "IU/mL"}, None, Reason.CONFLICT.code, id="one that the report contradicts"),
    pytest.param({"LBSTRESC": "40"}, None, Reason.UNIT_UNKNOWN.code, id="one without a unit"),
    pytest.param({"LBSTRESC": "1,234", "LBSTRESU": "IU/mL"}, None, Reason.UNREADABLE.code, id="a thousand, or one and a bit"),
    pytest.param({"LBSTRESC": "see letter", "LBSTRESU": "IU/mL"}, None, Reason.UNREADABLE.code, id="words"),
    pytest.param({"LBSTRESC": "<20", "LBSTRESN": 20.0, "LBSTRESU": "IU/mL"}, (0, 20, False, True), Reason.CENSORED.code, id="a limit typed as a number too"),
    pytest.param({"LBSTRESC": "5", "LBSTRESN": 5.0, "LBSTRESU": "IU/mL", "LBLLOQ": 10.0}, (0, 10, False, True), Reason.CENSORED.code, id="below its own limit"),
    pytest.param({"LBSTRESC": "10", "LBSTRESN": 10.0, "LBSTRESU": "IU/mL", "LBLLOQ": 10.0}, (10, 10, False, False), 0, id="its own limit itself can be measured"),
    pytest.param({"LBSTRESC": "0.005", "LBSTRESN": 0.005, "LBSTRESU": "kIU/mL", "LBLLOQ": 0.01}, (0, 10, False, True), Reason.CENSORED.code, id="below its own limit, in another unit"),
    pytest.param({"LBSTRESC": "15", "LBSTRESN": 15.0, "LBSTRESU": "IU/mL"}, (15, 15, False, False), 0, id="below the limit of the protocol's assay: another may have measured it"),
    pytest.param({"LBORRES": "39", "LBORRESU": "IU/mL", "LBSTRESC": "390", "LBSTRESN": 390.0, "LBSTRESU": "IU/mL"}, None, Reason.CONFLICT.code, id="reported is another number"),
    pytest.param({"LBORRES": "0.39", "LBORRESU": "kIU/mL", "LBSTRESC": "390", "LBSTRESN": 390.0, "LBSTRESU": "IU/mL"}, (390, 390, False, False), 0, id="reported in another unit"),
    pytest.param({"LBORRES": "39", "LBORRESU": "kIU/mL", "LBSTRESC": "390", "LBSTRESN": 390.0, "LBSTRESU": "IU/mL"}, None, Reason.CONFLICT.code, id="converted wrongly"),
    pytest.param({"LBORRES": "2.59", "LBORRESU": "log10 IU/mL", "LBSTRESC": "390", "LBSTRESN": 390.0, "LBSTRESU": "IU/mL"}, (390, 390, False, False), 0, id="a logarithm of it"),
    pytest.param({"LBSTRESC": "39", "LBSTRESN": 390.0, "LBSTRESU": "IU/mL"}, None, Reason.CONFLICT.code, id="text and number are two"),
    pytest.param({"LBORRES": "39", "LBORRESU": "IU/mL", "LBSTRESC": "390", "LBSTRESN": 390.0}, None, Reason.UNIT_UNKNOWN.code, id="no unit to compare in"),
])  # fmt: skip
def test_numbers(durva, said, bounds, reason):
    row = observed(
        Records().person().add("LB", "1", LBTESTCD="HBVVLD", LBDTC="2024-03-01", **said), durva, "hbv_dna"
    ).row(0, named=True)
    whole = (-float("inf"), float("inf"), True, True)
    assert tuple(row[end] for end in ("lo", "hi", "lo_open", "hi_open")) == (bounds or whole)
    assert row["reason"] == reason


BELOW, OTHERWISE = "below 20", "conflict"


@pytest.mark.parametrize(("reported", "unit", "standard", "told"), [
    pytest.param("5.98", "log10 IU/mL", 955_000, 955_000, id="a logarithm"),
    pytest.param("5.98", "log10 IU/mL", 5.98, OTHERWISE, id="a logarithm that was not converted"),
    pytest.param("5.98", "log", 5.98, OTHERWISE, id="a logarithm of whatever"),
    pytest.param("5.9", "lg IU/mL", 7.9e5, 7.9e5, id="a logarithm to one decimal: 708 to 891 thousand"),
    pytest.param("5.9", "lg IU/mL", 9.1e5, OTHERWISE, id="and no more"),
    pytest.param("5.98 log", "IU/mL", 955_000, 955_000, id="a logarithm by its words"),
    pytest.param("5.98 log", "IU/mL", 5.98, OTHERWISE, id="a logarithm by its words, not converted"),
    pytest.param("950", "10^3 IU/mL", 950_000, 950_000, id="thousands"),
    pytest.param("950", "10^3 IU/mL", 950, OTHERWISE, id="thousands that were lost"),
    pytest.param("9.5x10^5", "IU/mL", 950_000, 950_000, id="a power of ten"),
    pytest.param("9.5x10^5", "IU/mL", 9.5, OTHERWISE, id="a power of ten that was lost"),
    pytest.param("40,5", "IU/mL", 40.5, 40.5, id="a decimal comma"),
    pytest.param("40,5", "IU/mL", 405, OTHERWISE, id="a decimal comma that was lost"),
    pytest.param("1,234", "IU/mL", 1234, 1234, id="thousands apart"),
    pytest.param("1 234 567", "IU/mL", 1_234_567, 1_234_567, id="thousands apart by blanks"),
    pytest.param("950000", "IE/ml", 950_000, 950_000, id="a unit nobody knows"),
    pytest.param("Target not detected", "IU/mL", 10, BELOW, id="a number in place of none detected"),
    pytest.param("Target not detected", "IU/mL", 0, BELOW, id="nothing in its place"),
    pytest.param("Target not detected", "IU/mL", 20, BELOW, id="the limit in its place"),
    pytest.param("Target not detected", "IU/mL", 21, OTHERWISE, id="more than the limit in its place"),
    pytest.param("<50 detected", "IU/mL", 25, "below 50", id="a limit of its own"),
    pytest.param("0", "IU/mL", 0, BELOW, id="nothing is less than the assay can measure"),
    pytest.param(None, None, 0, BELOW, id="nothing, and no report"),
    pytest.param("haemolysed", None, 950_000, OTHERWISE, id="no result"),
    pytest.param("QNS", None, 120, OTHERWISE, id="too little"),
    pytest.param("< 0,05", "IU/mL", 0.05, OTHERWISE, id="a sign that was lost"),
    pytest.param("positive", "IU/mL", 950_000, 950_000, id="words that say no other"),
    pytest.param("50 kIU/mL", None, 50_000, 50_000, id="a unit in the text"),
    pytest.param("950000 IU/mL", None, 9.5, OTHERWISE, id="a unit in the text, and no logarithm"),
    pytest.param("5,98 log10 IU/mL", None, 955_000, 955_000, id="a logarithm and its unit in the text"),
    pytest.param("5,98 log10 IU/mL", None, 5.98, OTHERWISE, id="a logarithm with its unit that was taken for a number"),
    pytest.param("5,98 log", "IU/mL", 5.98, OTHERWISE, id="a logarithm with a comma"),
    pytest.param("log 5.98", "IU/mL", 5.98, OTHERWISE, id="a logarithm that says so first"),
    pytest.param("log 5.98", "IU/mL", 955_000, 955_000, id="a logarithm that says so first, and was read"),
    pytest.param("10^5", "IU/mL", 10, OTHERWISE, id="a power of ten alone"),
    pytest.param("10^5", "IU/mL", 100_000, 100_000, id="a power of ten alone that was read"),
    pytest.param("1.2x10^5 IU/mL", None, 120_000, 120_000, id="a power of ten and a unit in the text"),
    pytest.param("1.2x10^5 IU/mL", None, 1.2, OTHERWISE, id="a power of ten before a unit that was lost"),
    pytest.param("450 H", "IU/mL", 450, 450, id="a mark of the laboratory"),
    pytest.param("450 H", "IU/mL", 4500, OTHERWISE, id="a mark of the laboratory, and another number"),
    pytest.param(">1.7E8 IU/mL", None, 1.7e8, OTHERWISE, id="a sign that was lost before a unit in the text"),
    pytest.param(">ULOQ", "IU/mL", 1.7e8, OTHERWISE, id="a word for above that was lost"),
])  # fmt: skip
def test_what_was_reported_is_held_against_the_number(durva, reported, unit, standard, told):
    """The assay of the protocol measures from 20 IU/mL on."""
    said = {
        "LBORRES": reported,
        "LBORRESU": unit,
        "LBSTRESC": f"{standard:.12g}",
        "LBSTRESN": float(standard),
        "LBSTRESU": "IU/mL",
    }
    records = Records().person().add("LB", "1", LBTESTCD="HBVVLD", LBDTC="2024-03-01", **said)
    row = observed(records, durva, "hbv_dna").row(0, named=True)
    if told == OTHERWISE:
        assert (row["reason"], row["lo"], row["hi"]) == (Reason.CONFLICT.code, -float("inf"), float("inf"))
    elif isinstance(told, str):
        limit = float(told.removeprefix("below "))
        assert (row["lo"], row["hi"], row["hi_open"], row["reason"]) == (0, limit, True, Reason.CENSORED.code)
    else:
        assert (row["lo"], row["hi"], row["reason"]) == (told, told, 0)


@pytest.mark.parametrize(
    ("test", "said", "is_conflict"),
    [
        pytest.param("ALT", ("45 U/L", "U/L", "45", 45.0, "U/L"), False, id="a unit in the text"),
        pytest.param("BILI", ("1.2 mg/dL", "mg/dL", "20.5", 20.52, "umol/L"), False, id="a text converted"),
        pytest.param("BILI", ("106 umol/L", None, "300", 300.0, "umol/L"), True, id="another number"),
        pytest.param("BILI", ("19,9", "umol/L", "1.2", 1.2, "mg/dL"), False, id="rounded in the standard unit"),
        pytest.param("BILI", ("19,9", "umol/L", "1.3", 1.3, "mg/dL"), True, id="more than rounded"),
        pytest.param("INR", ("1,4", None, None, 1.0, None), True, id="a number without a text is not rounded"),
        pytest.param("INR", ("1,4", None, "1", 1.0, None), False, id="rounded to a whole number"),
    ],
)  # fmt: skip
def test_a_reported_text_is_compared_as_a_number_in_its_own_unit(durva, test, said, is_conflict):
    names = ("LBORRES", "LBORRESU", "LBSTRESC", "LBSTRESN", "LBSTRESU")
    fact = {"ALT": "alt", "BILI": "bilirubin", "INR": "inr"}[test]
    row = dict(zip(names, said, strict=True))
    records = Records().person().add("LB", "1", LBTESTCD=test, LBDTC="2024-03-01", **row)
    assert (observed(records, durva, fact)["reason"][0] == Reason.CONFLICT.code) is is_conflict


def test_a_zero_of_what_has_no_limit_is_a_zero(durva):
    records = Records().person().result("bilirubin", "2024-03-01", 0.0)
    assert observed(records, durva, "bilirubin").select("lo", "hi", "reason").row(0) == (0, 0, 0)


@pytest.mark.parametrize(
    ("specimen", "n"),
    [
        ("SERUM", 1),
        (None, 1),
        ("Plasma", 1),
        ("URINE", 0),
        ("Ascitic fluid", 0),
        ("LIVER TISSUE", 0),
        ("blood", 1),
    ],
)
def test_only_blood_is_read(durva, specimen, n):
    records = Records().person().result("alt", "2024-03-01", 80.0, LBSPEC=specimen)
    assert observed(records, durva, "alt").height == n


def test_a_result_of_a_test_that_was_not_done_is_in_conflict(durva):
    said = {"LBSTAT": "NOT DONE", "LBSTRESC": "950000", "LBSTRESN": 950000.0, "LBSTRESU": "IU/mL"}
    records = Records().person().add("LB", "1", LBTESTCD="HBVVLD", LBDTC="2024-03-01", **said)
    row = observed(records, durva, "hbv_dna").row(0, named=True)
    assert (row["reason"], row["lo"]) == (Reason.CONFLICT.code, -float("inf"))


@pytest.mark.parametrize(
    "said", [{"LBSTAT": "NOT DONE", "LBORRES": "40"}, {"LBORRES": "haemolysed"}, {"LBSTRESC": "QNS"}, {}]
)
def test_no_result_is_no_measurement(durva, said):
    row = observed(
        Records().person().add("LB", "1", LBTESTCD="HBVVLD", LBDTC="2024-03-01", **said), durva, "hbv_dna"
    ).row(0, named=True)
    assert (row["reason"], row["lo"]) == (None, None)


def test_what_was_converted_before_is_compared_with_tolerance(durva):
    records = Records().person()
    for said, unit in (("60", "U/L"), ("60", "IU/L"), ("1", "ukat/L")):
        records.add(
            "LB",
            "1",
            LBTESTCD="ALT",
            LBORRES=said,
            LBORRESU=unit,
            LBSTRESC="60",
            LBSTRESN=60.0,
            LBSTRESU="U/L",
            LBDTC="2024-03-01",
        )
    assert observed(records, durva, "alt")["is_converted"].to_list() == [False, True, True]


def test_one_test_of_two_facts(prtras):
    records = Records().person().add("LB", "1", LBTESTCD="HBSAG", LBSTRESC="POSITIVE", LBDTC="2024-03-01")
    records.result("hbsag_quantity", "2024-03-01", 1250).result("hbsag_quantity", "2024-03-02", "<0.05")
    assert observed(records, prtras, "hbsag")["level"].to_list() == ["positive"]
    assert observed(records, prtras, "hbsag_quantity")["hi"].to_list() == [1250, 0.05]


def test_one_test_of_two_facts_that_are_both_numbers():
    """Words of a test belong to both: what is not detected is not left out."""
    text = """
format: trialwright/1
study: { id: S, title: S, type: interventional, allocation: single arm }
facts:
  local_dna: { label: L, kind: number, concept: hbv_dna }
  central_dna: { label: C, kind: number, concept: hbv_dna }
"""
    protocol, document = parse_protocol(text)
    records = (
        Records().person().add("LB", "1", LBTESTCD="HBVVLD", LBSTRESC="NOT DETECTED", LBDTC="2024-03-01")
    )
    study = records.study_of(LoadedProtocol(protocol, document, Path()))
    found = record_facts(study, {"local_dna", "central_dna"})
    assert {name: len(rows) for name, rows in found.items()} == {"local_dna": 1, "central_dna": 1}


@pytest.mark.parametrize(
    ("value", "level", "reason"),
    [("LR-5", "LR-5", 0), ("lr-5", "LR-5", 0), ("LR-6", None, Reason.UNREADABLE.code)],
)
def test_levels(prtras, value, level, reason):
    records = Records().person().finding("lirads", "2024-03-01", value)
    assert observed(records, prtras, "lirads").select("level", "reason").rows() == [(level, reason)]


@pytest.mark.parametrize("name", ["LIVER TRANSPLANT", "Liver_transplant", "liver  transplantation"])
def test_names_and_labels(prtras, name):
    records = Records().person().add("PR", "1", PRTRT=name, PRSTDTC="2020-05")
    assert observed(records, prtras, "liver_transplant")["SRCALL"].to_list() == ["PR.1"]


def test_records_of_several_spellings_stay_in_their_order_and_count_once(prtras):
    records = Records().person().add("MH", "1", MHTERM="Diabetes", MHDECOD="diabetes", MHSTDTC="2020-05")
    records.add("MH", "1", MHTERM="Epilepsy", MHSTDTC="2020-06")
    records.add("MH", "1", MHTERM="too much sugar", MHDECOD="DIABETES", MHSTDTC="2020-07")
    records.add("MH", "1", MHTERM="Diabetes", MHSTDTC="2020-08")
    assert observed(records, prtras, "diabetes")["SRCALL"].to_list() == ["MH.1", "MH.3", "MH.4"]
    assert observed(records, prtras, "psoriasis").is_empty()


@pytest.mark.parametrize(
    ("test", "levels"),
    [
        pytest.param("HBSAG", ["positive"], id="the test itself"),
        pytest.param(" hbsag ", ["positive"], id="in small letters, between blanks"),
        pytest.param("HBSAGQ", [], id="another test"),
    ],
)
def test_tests_are_known_by_their_code(prtras, test, levels):
    records = Records().person().add("LB", "1", LBTESTCD=test, LBSTRESC="POSITIVE", LBDTC="2024-03-01")
    assert observed(records, prtras, "hbsag")["level"].to_list() == levels


def test_results_not_done_among_others_are_none(prtras):
    records = Records().person().add("LB", "1", LBTESTCD="HBSAG", LBSTRESC="Positive", LBDTC="2024-03-01")
    records.add("LB", "1", LBTESTCD="HBSAG", LBSTRESC="Negative", LBSTAT="not_done", LBDTC="2024-03-02")
    records.add("LB", "1", LBTESTCD="HBSAG", LBSTRESC="doubtful", LBDTC="2024-03-03")
    found = observed(records, prtras, "hbsag")
    assert found["level"].to_list() == ["positive", None, None]
    assert found["reason"].to_list() == [0, None, Reason.UNREADABLE.code]


def test_an_attestation_names_its_role(prtras):
    records = (
        Records()
        .person()
        .attest("informed_consent", "2024-03-01", "Y", "STUDY NURSE")
        .attest("informed_consent", "2024-03-02", "Y", "driver")
    )
    assert observed(records, prtras, "informed_consent").select("level", "role").rows() == [
        ("yes", "study nurse"),
        ("yes", "driver"),
    ]


def test_a_history_without_a_date_was_before_it_was_asked_for(prtras):
    records = Records().person().add("MH", "1", MHTERM="Diabetes", MHDTC="2024-03-01")
    row = observed(records, prtras, "diabetes").row(0, named=True)
    assert (row["earliest"].year, row["latest"].date()) == (1850, date(2024, 3, 1))


@pytest.mark.parametrize(("had", "there_is", "there_is_none"), [
    pytest.param([], None, ["1", "2"], id="nobody had it: the fact itself has no observations"),
    pytest.param(["1"], ["1"], ["2"], id="a record of it stands against the answer of this person alone"),
    pytest.param(["1", "2"], ["1", "2"], None, id="records stand against every answer: none of them is left"),
])  # fmt: skip
def test_what_people_denied_is_a_fact_of_its_own(prtras, had, there_is, there_is_none):
    records = Records().person("1").person("2")
    for subject in ("1", "2"):
        records.finding("hepatitis_a", "2024-03-01", "N", subject=subject)
    for subject in had:
        records.add("MH", subject, MHTERM="Hepatitis_A", MHSTDTC="2020-05")
    study = records.study_of(prtras)
    found = make_observations(study, StudyFacts.of(study).records, last_days_alive(study))
    people = study.subjects.select(subject=SUBJECT, name=pl.col("USUBJID").str.tail(1))
    names = {
        fact: rows.join(people, on="subject", maintain_order="left")["name"].to_list()
        for fact, rows in found.items()
    }
    assert (names.get("hepatitis_a"), names.get("no hepatitis_a")) == (there_is, there_is_none)


@pytest.mark.parametrize(
    ("dose", "adjusted", "given"),
    [(1500.0, None, 1), (0.0, None, 0), (None, None, 1), (None, "NEUTROPENIA", 0)],
)
def test_a_dose_that_was_not_given_is_none(durva, dose, adjusted, given):
    records = Records().person().dose("durvalumab", "2024-03-01", "2024-03-01", EXDOSE=dose, EXADJ=adjusted)
    assert len(observed(records, durva, "durvalumab")) == given


# --- drugs over a time ------------------------------------------------------------------------------------------------


def test_days_of_a_drug_are_close_enough_for_every_window(durva):
    records = Records().person().dose("entecavir", "2024-01-05", "2024-08-05")
    days = observed(records, durva, "entecavir")["earliest"].dt.date().sort()
    assert (days[0], days[-1]) == (date(2024, 1, 5), date(2024, 8, 5))
    assert days.diff().drop_nulls().dt.total_days().max() <= 28


@pytest.mark.parametrize(
    ("window", "apart"),
    [
        pytest.param("29 days", 28, id="longer than four weeks"),
        pytest.param("27 days", 27, id="shorter than four weeks"),
        pytest.param("3 days", 3, id="days"),
        pytest.param("12 hours", 1, id="hours"),
    ],
)
def test_days_of_a_drug_are_as_close_as_the_shortest_window_that_a_rule_asks_of_it(prtras, window, apart):
    text = (prtras.folder / "protocol.yaml").read_text()
    asked = "not had(nucleoside_analogue, {})"
    asking = loaded(edit(text, asked.format("167 days"), asked.format(window)))
    records = Records().person().dose("nucleoside_analogue", "2024-01-05", "2024-08-05")
    days = observed(records, asking, "nucleoside_analogue")["earliest"].dt.date().sort()
    assert days.diff().drop_nulls().dt.total_days().max() == apart


@pytest.mark.parametrize(("alive", "cut", "last"), [
    pytest.param("2024-06-30", None, date(2024, 6, 30), id="to the last day alive"),
    pytest.param("2024-06-30", date(2024, 5, 1), date(2024, 4, 1), id="as known at the cut"),
])  # fmt: skip
def test_what_has_not_ended_goes_on(durva, alive, cut, last):
    records = (
        Records()
        .person()
        .dose("entecavir", "2024-01-05")
        .result("alt", "2024-04-01", 20)
        .result("alt", alive, 20)
    )
    assert observed(records, durva, "entecavir", cut=cut)["latest"].max().date() == last


def test_single_doses_stay_single(durva):
    records = Records().person().doses("durvalumab", [1, 29]).result("alt", "2025-01-01", 20)
    assert len(observed(records, durva, "durvalumab")) == 2


def test_a_dose_known_to_the_month_is_one_dose_of_some_day_of_it(durva):
    records = Records().person().dose("durvalumab", "2024-03", "2024-03").result("alt", "2025-01-01", 20)
    rows = observed(records, durva, "durvalumab")
    assert [(str(one["earliest"]), str(one["latest"])) for one in rows.to_dicts()] == [
        ("2024-03-01 00:00:00", "2024-03-31 23:59:00")
    ]


@pytest.mark.parametrize(
    ("start", "end"), [("2024-03", "2024-04"), ("2024-03", "2024-03-31"), ("2024-03-01", "2024-03")]
)
def test_a_record_that_may_hold_several_doses_is_refused(durva, start, end):
    with pytest.raises(ProblemsFound, match="holds more than one"):
        observed(Records().person().dose("durvalumab", start, end), durva, "durvalumab")


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param(["2024-06-01"], id="alone"),
        pytest.param(["2024-03-01", "2024-06-01"], id="after a single dose of the day it begins"),
        pytest.param(["2024-06-01", "2024-03-01"], id="before a single dose of the day it begins"),
    ],
)
def test_counting_doses_refuses_a_record_of_several(durva, ends):
    records = Records().person()
    for end in ends:
        records.dose("durvalumab", "2024-03-01", end)
    with pytest.raises(ProblemsFound) as found:
        observed(records, durva, "durvalumab")
    assert [(one.code, one.field) for one in found.value.problems] == [("counted-interval", "EX 1")]


@pytest.mark.parametrize("start", [date(2024, 1, 20), date(2024, 2, 2), date(2024, 8, 5), date(2024, 8, 6)])
def test_a_drug_that_is_taken_is_found_in_a_window_of_one_day(durva, start):
    """Whatever the day, for the start of the window is made one of the days of the drug."""
    facts = StudyFacts.of(
        Records()
        .person()
        .dose("entecavir", "2024-01-05", "2024-08-05")
        .milestone("enrolment", start.isoformat())
        .study_of(durva)
    )
    rule = tree.Had("entecavir", tree.Since(tree.Moment("enrolment")))
    verdicts = facts.judge_at({"rule": rule}, facts.moment(tree.Moment("enrolment")))
    assert verdicts["rule"].to_list() == [100 if start <= date(2024, 8, 5) else 0]


# --- readers ----------------------------------------------------------------------------------------------------------


def test_a_fact_that_no_central_reader_read_is_the_same_for_both(prtras):
    records = Records().person().finding("lirads", "2024-03-01", "LR-4", FAEVAL="INVESTIGATOR")
    records.finding("lirads_treated", "2024-03-01", "viable", FAEVAL="INDEPENDENT ASSESSOR")
    assert observed(records, prtras, "lirads", reader="central")["level"].to_list() == ["LR-4"]
    assert observed(records, prtras, "lirads_treated")["level"].to_list() == []
    assert observed(records, prtras, "lirads_treated", reader="central")["level"].to_list() == ["viable"]
