"""ADSL and the criteria of eligibility: days, groups, populations, worked by hand."""

from datetime import date

import polars as pl
import pytest
from tests.derivations.small_studies import Records, on_day
from tests.derivations.tumours import PROTOCOL, edit, loaded

from trialwright.derivations.adelig import derive_adelig
from trialwright.derivations.adsl import derive_adsl
from trialwright.derivations.adsl_columns import OF_ALL
from trialwright.derivations.definitions import during
from trialwright.derivations.judged import only_grows
from trialwright.derivations.study_facts import StudyFacts
from trialwright.protocol.loading import load_protocol
from trialwright.protocol.rules import parse_rule
from trialwright.vocabulary.problems import ProblemsFound


@pytest.fixture(scope="module")
def durva():
    return load_protocol("nct04294498")


@pytest.fixture(scope="module")
def prtras():
    return load_protocol("nct07120750")


def test_days_of_a_subject(durva):
    records = (
        Records()
        .person(RFICDTC="2024-02-10", BRTHDTC="1970-02-11", AGE=None)
        .milestone("enrolment", "2024-02-28")
    )
    records.dose("entecavir", "2024-02-27", "2024-09-30").doses("durvalumab", [1, 29])
    row = derive_adsl(records.study_of(durva)).row(0, named=True)
    told = {
        "AGE": 53.0,  # 54 on the day after consent
        "TRTSDT": date(2024, 2, 27), "TRTEDT": date(2024, 9, 30), "DTHDT": None, "LSTALVDT": date(2024, 9, 30),
        "STARTDT": date(2024, 3, 1), "CONSENTDT": date(2024, 2, 10), "ENROLMENTDT": date(2024, 2, 28),
        "FIRST_DOSEDT": date(2024, 3, 1), "LAST_DOSEDT": date(2024, 3, 29),
        "BEFORE_DURVALUMABDT": date(2024, 3, 1), "BEFORE_ENTECAVIRDT": date(2024, 2, 27),
        "ON_TREATMENTSDT": date(2024, 3, 2), "ON_TREATMENTEDT": date(2024, 4, 26),  # 28 days after 29 March
        "SAFETYSDT": date(2024, 3, 1), "SAFETYEDT": date(2024, 6, 27),
        "GROUP": "durvalumab_and_entecavir", "CUTDT": None,
    }  # fmt: skip
    assert {name: row[name] for name in told} == told


@pytest.mark.parametrize(("birth", "consent", "age"), [
    pytest.param("1970-01-20", "2024-03-05", 54.0, id="a birthday in an earlier month, on a later day"),
    pytest.param("1970-12-31", "2024-03-05", 53.0, id="a birthday in the last month"),
    pytest.param("1972-02-29", "2023-02-28", 50.0, id="born on 29 February, the day before 1 March"),
    pytest.param("1972-02-29", "2023-03-01", 51.0, id="born on 29 February, on 1 March"),
    pytest.param("1970-03", "2024-03-05", None, id="some day of the month"),
])  # fmt: skip
def test_age_from_the_date_of_birth(durva, birth, consent, age):
    study = Records().person(RFICDTC=consent, BRTHDTC=birth, AGE=None).study_of(durva)
    assert derive_adsl(study)["AGE"].to_list() == [age]


def test_rules_are_judged_by_the_dates_there_are_by_then(durva):
    """A period that is derived after rules were judged for the first time is among those of the next."""
    facts = StudyFacts.of(Records().person().doses("durvalumab", [1, 29]).study_of(durva))
    start = "on_treatment_start_earliest"
    assert facts.subjects_at(None)[start].to_list() == [None]
    facts.derive_dates(during("on_treatment"))
    assert facts.subjects_at(None)[start].dt.date().to_list() == [date(2024, 3, 2)]


def test_a_day_known_to_the_month_is_no_day(durva):
    row = derive_adsl(Records().person(DTHDTC="2024-09").study_of(durva)).row(0, named=True)
    assert row["DTHDT"] is None


def test_nobody_lives_after_death(durva):
    records = (
        Records().person(DTHDTC="2024-05-01").result("alt", "2024-04-20", 30).result("alt", "2024-06-01", 30)
    )
    assert derive_adsl(records.study_of(durva))["LSTALVDT"].to_list() == [date(2024, 4, 20)]


def disposition(why, when, of="STUDY PARTICIPATION", category="DISPOSITION EVENT"):
    return {"DSCAT": category, "DSSCAT": of, "DSDECOD": why, "DSTERM": why, "DSSTDTC": when}


APRIL_30, MAY_5, MAY_20 = date(2024, 4, 30), date(2024, 5, 5), date(2024, 5, 20)


WITHDRAWN, LOST = "WITHDRAWAL BY SUBJECT", "LOST TO FOLLOW-UP"
NO_END = (None,) * 5
ENDS = {
    "no end is recorded": ([], NO_END),
    "completed": ([disposition("Completed", "2024-05-20")], ("COMPLETED", None, *[MAY_20] * 3)),
    "left, of nothing else than the study": (
        [disposition("Lost to follow-up", "2024-05-05", None)], ("DISCONTINUED", LOST, *[MAY_5] * 3)),
    "left a treatment": ([disposition("ADVERSE EVENT", "2024-05-05", "DURVALUMAB")], NO_END),
    "a milestone": ([disposition("ENROLMENT", "2024-03-01", None, "PROTOCOL MILESTONE")], NO_END),
    "failed screening before": ([disposition("SCREEN FAILURE", "2024-02-20")], NO_END),
    "the first of two": (
        [disposition("DEATH", "2024-05-20"), disposition(WITHDRAWN, "2024-05-05")], ("DISCONTINUED", WITHDRAWN, *[MAY_5] * 3)),
    "some day of the month, since last seen": (
        [disposition(WITHDRAWN, "2024-05")], ("DISCONTINUED", WITHDRAWN, None, MAY_20, date(2024, 5, 31))),
    "seen in the month after all the same": (
        [disposition(WITHDRAWN, "2024-04")], ("DISCONTINUED", WITHDRAWN, None, APRIL_30, APRIL_30)),
    "on a day nobody knows": ([disposition(WITHDRAWN, None)], ("DISCONTINUED", WITHDRAWN, None, MAY_20, None)),
}  # fmt: skip
"""What DS tells of each, and the end of their part in the study; everybody was last seen on 20 May 2024."""


@pytest.fixture(scope="module")
def ends(durva):
    records = Records()
    for who, (told, _) in ENDS.items():
        records.person(who).doses("durvalumab", [1], who).result("alt", "2024-05-20", 30, who)
        for row in told:
            records.add("DS", who, **row)
    return derive_adsl(records.study_of(durva))


@pytest.mark.parametrize("who", ENDS)
def test_the_end_of_the_part_in_the_study_is_the_first_that_is_recorded(ends, who):
    row = ends.filter(USUBJID=who).row(0, named=True)
    assert tuple(row[name] for name in ("EOSSTT", "DCSREAS", "EOSDT", "EOSDTL", "EOSDTH")) == ENDS[who][1]


def test_at_a_cut_nobody_has_left_later(durva):
    records = Records().person().doses("durvalumab", [1])
    records.add("DS", "1", **disposition("WITHDRAWAL BY SUBJECT", "2024-05-05"))
    for cut, day in ((date(2024, 5, 4), None), (MAY_5, MAY_5)):
        assert derive_adsl(records.study_of(durva, cut=cut))["EOSDT"].to_list() == [day]


@pytest.mark.parametrize(("value", "flag", "reason"), [
    pytest.param(1_700_000, "Y", None, id="exactly a hundredth of the limit"),
    pytest.param(1_700_001, "N", None, id="above it"),
    pytest.param(None, None, "missing", id="without a baseline"),
    pytest.param(">170000000", "N", None, id="above the assay"),
])  # fmt: skip
def test_populations_by_rule(durva, value, flag, reason):
    records = Records().person().doses("durvalumab", [1])
    if value is not None:
        records.result("hbv_dna", on_day(1), value)
    row = derive_adsl(records.study_of(durva)).row(0, named=True)
    assert (row["MEASURABLE_RISEFL"], row["MEASURABLE_RISEFLR"]) == (flag, reason)
    assert (row["TREATEDFL"], row["PER_PROTOCOLFL"], row["PER_PROTOCOLFLR"]) == ("Y", None, "needs a person")


def test_who_was_never_treated_is_in_no_population_that_asks_for_it(durva):
    row = derive_adsl(Records().person().study_of(durva)).row(0, named=True)
    assert (row["TREATEDFL"], row["EVALUABLEFL"], row["TREATEDFLR"]) == ("N", "N", None)


@pytest.mark.parametrize(("days", "is_evaluable"), [
    pytest.param([1], None, id="of the day of the first dose, which belongs to baseline"),
    pytest.param([1, 2], "Y", id="a day later"),
    pytest.param([1, 57], "Y", id="28 days after the last dose"),
    pytest.param([1, 58], None, id="29 days after it"),
])  # fmt: skip
def test_treatment_begins_after_the_first_dose(durva, days, is_evaluable):
    """Nobody says that none was taken: a count of none stays unknown, as the rule language has it."""
    records = Records().person().doses("durvalumab", [1, 29]).series("hbv_dna", dict.fromkeys(days, 2000))
    assert derive_adsl(records.study_of(durva))["EVALUABLEFL"].to_list() == [is_evaluable]


def test_a_sample_after_the_infusion_of_its_day_is_not_baseline(durva):
    records = Records().person().dose("durvalumab", "2024-03-01T10:00", "2024-03-01T11:00")
    records.result("hbv_dna", "2024-03-01T09:00", 2000).result("hbv_dna", "2024-03-01T16:00", 5e6)
    row = derive_adsl(records.study_of(durva)).row(0, named=True)
    assert (row["MEASURABLE_RISEFL"], row["EVALUABLEFL"]) == ("Y", "Y")


def test_a_sample_without_a_time_on_the_day_of_a_timed_infusion_is_before_it(durva):
    records = (
        Records()
        .person()
        .dose("durvalumab", "2024-03-01T10:00", "2024-03-01T11:00")
        .result("hbv_dna", "2024-03-01", 2000)
    )
    row = derive_adsl(records.study_of(durva)).row(0, named=True)
    assert (row["MEASURABLE_RISEFL"], row["EVALUABLEFL"]) == ("Y", None)


@pytest.mark.parametrize(("consent", "enrolment", "failed", "flag", "reason"), [
    pytest.param("2024-02-10", "2024-02-28", None, "Y", None, id="consented and confirmed"),
    pytest.param("2024-02-28", "2024-02-28", None, "Y", None, id="on one day"),
    pytest.param("2024-02-29", "2024-02-28", None, "N", None, id="confirmed before consent"),
    pytest.param("2024-02-10", None, "2024-02-20", "N", None, id="failed screening"),
    pytest.param("2024-02-10", None, None, None, "missing", id="in screening: nobody can tell yet"),
    pytest.param(None, "2024-02-28", None, None, "missing", id="the day of consent is not known"),
])  # fmt: skip
def test_enrolled_is_who_consented_and_was_confirmed(durva, consent, enrolment, failed, flag, reason):
    """ADaM's ENRLFL. Treatment makes nobody enrolled, and missing is never no."""
    records = Records().person("1", RFICDTC=consent)
    if enrolment:
        records.milestone("enrolment", enrolment)
    if failed:
        records.add("DS", "1", **disposition("SCREEN FAILURE", failed))
    row = derive_adsl(records.study_of(durva)).row(0, named=True)
    assert (row["ENROLLEDFL"], row["ENROLLEDFLR"]) == (flag, reason)


def enrolled(subject="1", group="na", records=None, scan="2024-04-01"):
    records = (records or Records()).person(subject, RFICDTC="2024-03-20", ARMCD=group.upper())
    records.milestone("radical_treatment", "2024-03-01", subject).milestone(
        "group_assignment", "2024-04-05", subject
    )
    return records.add("PR", subject, PRTRT="LIVER MRI", PRDECOD="LIVER MRI", PRSTDTC=scan)


def test_groups_by_what_was_decided(prtras):
    records = enrolled("1", "na").finding("assigned_group", "2024-04-05", "na_and_peginterferon", "2")
    enrolled("2", "na and peginterferon", records)
    enrolled("3", "na", records).finding("assigned_group", "2024-04-05", "na_and_peginterferon", "3")
    records.person("4")
    assert derive_adsl(records.study_of(prtras)).select("GROUP", "GROUPR").rows() == [
        ("na", None), ("na_and_peginterferon", None), (None, "conflict"), (None, "missing"),
    ]  # fmt: skip


@pytest.mark.parametrize(("scan", "finding", "flag", "reason"), [
    pytest.param("2024-04-01", ("2024-04-01", "LR-1"), "Y", None, id="a clean scan within four weeks"),
    pytest.param("2024-03-08", ("2024-03-08", "LR-1"), "Y", None, id="28 days before"),
    pytest.param("2024-03-07", ("2024-03-07", "LR-1"), None, "missing", id="29 days before: another may have been"),
    pytest.param("2024-04-05", ("2024-04-05", "LR-5"), "N", None, id="RE-12"),
])  # fmt: skip
def test_full_analysis_is_free_of_recurrence(prtras, scan, finding, flag, reason):
    records = enrolled(scan=scan).finding("lirads", *finding)
    row = derive_adsl(records.study_of(prtras)).row(0, named=True)
    assert (row["FULL_ANALYSISFL"], row["FULL_ANALYSISFLR"]) == (flag, reason)


@pytest.mark.parametrize(
    ("failed", "assigned", "flags"),
    [
        pytest.param("2024-05-23", None, ("N", "N", "N", "N"), id="on the day before the landmark"),
        pytest.param("2024-05-24", None, ("N", "N", "N", "N"), id="on the day of the landmark"),
        pytest.param(
            "2024-05", None, ("N", "N", "N", "N"), id="in the month of the landmark, perhaps before it"
        ),
        pytest.param(None, None, ("N", "N", "N", "N"), id="on a day nobody knows"),
        pytest.param("2024-03-25", "2024-04-05", ("Y", "Y", "Y", None), id="and was assigned all the same"),
        pytest.param("", None, (None, None, None, None), id="not at all: nobody knows"),
    ],
)
def test_who_fails_screening_is_in_no_population_judged_later(prtras, failed, assigned, flags):
    records = Records().person("1", RFICDTC="2024-03-20").milestone("radical_treatment", "2024-03-01")
    if assigned:
        records = (
            enrolled("1", "na")
            .finding("assigned_group", assigned, "na")
            .finding("lirads", "2024-04-01", "LR-1")
        )
    if failed != "":
        records.add(
            "DS",
            "1",
            DSCAT="DISPOSITION EVENT",
            DSDECOD="Screen failure",
            DSTERM="SCREEN FAILURE",
            DSSTDTC=failed,
        )
    row = derive_adsl(records.study_of(prtras)).row(0, named=True)
    names = ("FULL_ANALYSISFL", "ASSIGNEDFL", "LANDMARKFL", "PER_PROTOCOLFL")
    assert tuple(row[name] for name in names) == flags


@pytest.mark.parametrize(
    ("assigned", "flag"), [("2024-05-23", "Y"), ("2024-05-24", "Y"), ("2024-05-25", "N")]
)
def test_who_enters_after_the_landmark_was_not_under_watch_then(prtras, assigned, flag):
    records = Records().person("1", RFICDTC="2024-03-20", ARMCD="NA")
    records.milestone("radical_treatment", "2024-03-01", "1").milestone("group_assignment", assigned, "1")
    assert derive_adsl(records.study_of(prtras))["LANDMARKFL"].to_list() == [flag]


@pytest.mark.parametrize(
    ("terms", "assigned", "why"),
    [
        pytest.param([("2024-03-25", "Declined")], None, "Declined", id="as recorded"),
        pytest.param([("2024-03-25", None)], None, "SCREEN FAILURE", id="no reason"),
        pytest.param([("2024-03-25", " \u00a0")], None, "SCREEN FAILURE", id="blank"),
        pytest.param([("2024-03-25", " Declined  to  come ")], None, "Declined to come", id="spaces"),
        pytest.param([("2024-03-26", "Cirrhosis"), ("2024-03-25", "Declined")], None, "Declined", id="first of two"),
        pytest.param([("2024-03-25", "Declined")], "2024-04-05", None, id="screened again, and assigned"),
        pytest.param([], None, None, id="did not fail"),
    ],
)  # fmt: skip
def test_why_screening_failed(prtras, terms, assigned, why):
    records = Records().person("1", RFICDTC="2024-03-20")
    if assigned:
        records.milestone("group_assignment", assigned, "1")
    for day, term in terms:
        records.add("DS", "1", **disposition("SCREEN FAILURE", day) | {"DSTERM": term})
    assert derive_adsl(records.study_of(prtras))["DCSCREEN"].to_list() == [why]


def test_a_population_judged_after_the_cut_is_not_due_unless_settled(prtras):
    records = enrolled("1").dose("nucleoside_analogue", "2024-04-05", None, "1")
    enrolled("2", records=records)
    adsl = derive_adsl(records.study_of(prtras, cut=date(2024, 5, 1)))
    assert adsl.select("SAFETYFL", "SAFETYFLR", "LANDMARKFL", "LANDMARKFLR").rows() == [
        ("Y", None, None, "not yet due"), (None, "not yet due", None, "not yet due"),
    ]  # fmt: skip


@pytest.mark.parametrize(("rule", "grows"), [
    ("had(entecavir)", True), ("not had(entecavir)", False), ("count(hbv_dna) >= 2", True), ("count(hbv_dna) < 2", False),
    ("had(entecavir) and last(alt, 7 days) > 3 ULN", False), ("had(entecavir) or had(durvalumab)", True),
])  # fmt: skip
def test_what_later_records_cannot_undo(rule, grows):
    assert only_grows(parse_rule(rule)) == grows


def test_what_somebody_denied_is_no(prtras):
    records = enrolled().add("MH", "1", MHTERM="DIABETES", MHOCCUR="N", MHDTC="2024-03-20")
    records.add("MH", "1", MHTERM="RETINOPATHY", MHOCCUR="N", MHDTC="2024-03-20").add(
        "MH", "1", MHTERM="Mania", MHSTDTC="2001"
    )
    for name in ("EPILEPSY", "DEPRESSION", "SCHIZOPHRENIA"):
        records.add("MH", "1", MHTERM=name, MHOCCUR="N")
    adelig = derive_adelig(records.study_of(prtras))
    found = {row["PARAMCD"]: (row["AVALC"], row["REASON"]) for row in adelig.iter_rows(named=True)}
    assert found["retinopathy"] == ("not met", None)
    assert found["neuropsychiatric_disorder"] == ("met", None)
    assert found["autoimmune_disease"] == ("unknown", "needs a person")


@pytest.mark.parametrize(("birth", "verdict"), [
    pytest.param("2006-03-20", "met", id="18 on the day of consent"),
    pytest.param("2006-03-21", "not met", id="18 the day after"),
    pytest.param("1953-03-21", "met", id="the last day of 70"),
    pytest.param("1953-03-20", "not met", id="71 on that day"),
    pytest.param("2006-03", "unknown", id="some day of the month"),
])  # fmt: skip
def test_age_at_consent(prtras, birth, verdict):
    records = Records().person(RFICDTC="2024-03-20", BRTHDTC=birth, AGE=None)
    adelig = derive_adelig(records.study_of(prtras)).filter(pl.col("PARAMCD") == "age")
    assert adelig.select("AVALC", "ADT").rows() == [(verdict, date(2024, 3, 20))]


@pytest.mark.parametrize(
    ("age", "verdict"), [(17.0, "not met"), (18.0, "met"), (70.0, "met"), (71.0, "not met")]
)
def test_completed_years_stand_for_the_date_of_birth(prtras, age, verdict):
    adelig = derive_adelig(Records().person(RFICDTC="2024-03-20", AGE=age).study_of(prtras))
    assert adelig.filter(pl.col("PARAMCD") == "age")["AVALC"].to_list() == [verdict]


@pytest.mark.parametrize(("bilirubin", "verdict"), [
    pytest.param(30.0, "met", id="5 points"), pytest.param(60.0, "not met", id="7 points"), pytest.param(None, "unknown", id="5 to 7"),
])  # fmt: skip
def test_a_score_is_computed(prtras, bilirubin, verdict):
    """Child-Pugh: albumin 40 g/L, INR 1.1, no ascites, no encephalopathy are 1 point each; bilirubin 1 to 34, 3 above 51 umol/L."""
    records = (
        enrolled().finding("ascites", "2024-04-04", "none").finding("encephalopathy", "2024-04-04", "none")
    )
    for test, value, unit in (("ALB", 40.0, "g/L"), ("INR", 1.1, None), ("BILI", bilirubin, "umol/L")):
        if value is not None:
            records.add(
                "LB",
                "1",
                LBTESTCD=test,
                LBSTRESC=str(value),
                LBSTRESN=value,
                LBSTRESU=unit,
                LBDTC="2024-04-04",
            )
    adelig = derive_adelig(records.study_of(prtras)).filter(pl.col("PARAMCD") == "liver_function")
    assert adelig["AVALC"].to_list() == [verdict]


# --- names ------------------------------------------------------------------------------------------------------------

ANCHOR = "  first_dose: { text: First dose, at: first durvalumab }\n"
POPULATION = "populations:\n  treated: { label: All }\n"
TREATED = Records("T-1").person().doses("durvalumab", [1, 29])


def test_the_columns_of_every_protocol():
    adsl = derive_adsl(TREATED.study_of(loaded()))
    of_subject, of_names = {"STUDYID", "USUBJID", "SUBJECT"}, {"FIRST_DOSEDT", "TREATEDFL", "TREATEDFLR"}
    assert set(adsl.columns) == {*of_subject, *OF_ALL, *of_names}


@pytest.mark.parametrize(
    ("text", "field", "what"),
    [
        pytest.param(
            edit(PROTOCOL, ANCHOR, f"{ANCHOR}  start: {{ text: Start, at: last durvalumab }}\n"),
            "anchors.start", "STARTDT of ADSL", id="time zero",
        ),
        pytest.param(
            edit(PROTOCOL, POPULATION, f"periods: {{ trt: {{ span: first durvalumab to last durvalumab }} }}\n{POPULATION}"),
            "periods.trt", "TRTSDT of ADSL", id="treatment",
        ),
        pytest.param(
            edit(PROTOCOL, POPULATION, f"baselines: {{ first_dose: {{ take: last on or before first_dose }} }}\n{POPULATION}"),
            "baselines.first_dose", "FIRST_DOSEDT of ADSL", id="an anchor",
        ),
        pytest.param(
            edit(PROTOCOL, ANCHOR, f"{ANCHOR}  death: {{ text: Day of the last dose, at: last durvalumab }}\n"),
            "anchors.death", "day of death of DM", id="death",
        ),
        pytest.param(
            edit(PROTOCOL, ANCHOR, f"{ANCHOR}  birth_date: {{ text: Day of birth, at: last durvalumab }}\n"),
            "anchors.birth_date", "day of birth of DM", id="birth",
        ),
        pytest.param(
            edit(PROTOCOL, POPULATION, "populations:\n  subject: { label: All, when: had(durvalumab) }\n").replace("population: treated", "population: subject"),
            "populations.subject", "the subject that a verdict is about", id="subject",
        ),
        pytest.param(
            edit(PROTOCOL, "events:\n", "events:\n  record: { of: recist_response, when: value is PD }\n"),
            "events.record", "the record that a verdict is about", id="record",
        ),
    ],
)  # fmt: skip
def test_a_name_whose_column_stands_for_something_else_is_refused(text, field, what):
    """Under it every time would count from another day than time zero, and nothing would tell."""
    with pytest.raises(ProblemsFound) as found:
        derive_adsl(TREATED.study_of(loaded(text)))
    one = found.value.problems[0]
    assert (one.code, one.field) == ("taken-name", field)
    assert what in one.message


@pytest.mark.parametrize("name", ["earliest", "latest", "left", "has_left", "anchor_earliest"])
def test_a_population_may_be_called_like_a_column_of_the_way_to_it(name):
    text = edit(PROTOCOL, POPULATION, f"populations:\n  {name}: {{ label: All, when: had(durvalumab) }}\n")
    text = text.replace("population: treated", f"population: {name}")
    adsl = derive_adsl(TREATED.study_of(loaded(text)))
    assert adsl[f"{name.upper()}FL"].to_list() == ["Y"]


@pytest.mark.parametrize(
    ("arm", "why_none", "group", "reason"),
    [
        ("A", None, "a", None),
        ("Arm A", None, "a", None),
        ("arm_b", None, "b", None),
        (None, None, None, "missing"),
        ("C", None, None, "unreadable"),
        ("One arm", None, None, "unreadable"),
        ("SCRNFAIL", None, None, None),
        (None, "SCREEN FAILURE", None, None),
    ],
)
def test_a_group_is_told_by_name_or_label_and_who_has_none_has_a_reason(arm, why_none, group, reason):
    groups = "groups:\n  a: { label: Arm A, treatments: [durvalumab] }\n  b: { label: Arm B }\n"
    groups += "  c1: { label: One arm }\n  c2: { label: One  Arm }\n"
    protocol = loaded(edit(PROTOCOL, "anchors:\n", f"{groups}anchors:\n"))
    records = Records("T-1").person("1", ARMCD=arm, ARMNRS=why_none).doses("durvalumab", [1])
    adsl = derive_adsl(records.study_of(protocol))
    assert adsl.select("GROUP", "GROUPR").rows() == [(group, reason)]


@pytest.mark.parametrize(
    ("levels", "word"), [("F: Women, M: Men", "F"), ("female: Women, male: Men", "female")]
)
def test_sex_is_read_by_its_letters_or_by_words(levels, word):
    sex = f"  sex: {{ label: Sex, kind: category, concept: sex, levels: {{ {levels} }} }}\n"
    text = edit(PROTOCOL, "facts:\n", f"facts:\n{sex}")
    text = edit(text, "populations:\n", f"populations:\n  women: {{ label: Women, when: sex is {word} }}\n")
    records = Records("T-1").person("1", SEX="F").doses("durvalumab", [1])
    records.person("2", SEX="M").doses("durvalumab", [1], "2")
    assert derive_adsl(records.study_of(loaded(text)))["WOMENFL"].to_list() == ["Y", "N"]
