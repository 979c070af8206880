"""ADRS from SDTM records; RC-20 to RC-34 and IR-01 to IR-11 are worked examples of the domain files."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from tests.derivations.tumours import (
    FIRST_DOSE,
    PROTOCOL,
    adsl_of,
    day,
    edit,
    place,
    response,
    responses,
    state,
    study_of,
    table,
    target,
    therapy,
)

from trialwright.derivations.adrs import derive_adrs
from trialwright.derivations.study import make_study
from trialwright.derivations.tumour_questions import ask_about_tumours
from trialwright.derivations.tumour_responses import tumour_responses
from trialwright.derivations.tumour_settings import courses_of, recorded_courses, start_days
from trialwright.protocol.loading import load_protocol, parse_protocol
from trialwright.vocabulary.problems import ProblemsFound

_BY_DOSE = edit(PROTOCOL, "time zero: first_dose", "time zero: first durvalumab")


def adrs_of(deaths=None, **records):
    study = study_of(**records)
    return derive_adrs(study, adsl_of(study, deaths))


def answer(adrs, parameter, column="AVALC", **where):
    found = adrs.filter(PARAMCD=parameter, **{"ANL01FL": "Y", **where})
    assert found.height == 1, found
    return found[column][0]


@pytest.mark.parametrize(
    ("assessments", "new_therapy", "unconfirmed", "confirmed"),
    [
        pytest.param("03-06 PR, 05-01 PR", None, "PR", "PR", id="RC-20"),
        pytest.param("03-06 PR, 04-02 PR", None, "PR", "SD", id="RC-21"),
        pytest.param("03-06 PR, 04-03 PR", None, "PR", "PR", id="RC-22"),
        pytest.param("03-06 PR, 05-01 NE, 06-26 PR", None, "PR", "PR", id="RC-23"),
        pytest.param("03-06 PR, 05-01 NE, 06-26 NE, 08-21 PR", None, "PR", "SD", id="RC-24"),
        pytest.param("03-06 PR, 05-01 PD", None, "PR", "SD", id="RC-25"),
        pytest.param("02-07 PR, 03-06 PD", None, "PR", "PD", id="RC-26"),
        pytest.param("02-07 SD", None, "NE", "NE", id="RC-27"),
        pytest.param("03-06 SD, 05-01 PR, 06-26 SD", None, "PR", "SD", id="RC-28"),
        pytest.param("03-06 PR, 05-01 CR, 06-26 CR", None, "CR", "CR", id="RC-29"),
        pytest.param("03-06 PR, 05-01 CR, 06-26 PR", None, "CR", "PR", id="RC-30"),
        pytest.param("03-06 PD, 05-01 PR", None, "PD", "PD", id="RC-31"),
        pytest.param("", None, "MISSING", "MISSING", id="RC-32"),
        pytest.param("03-06 PR, 05-01 PR", "04-17", "PR", "SD", id="RC-33"),
        pytest.param("03-06 CR, 05-01 PR", None, "CR", "SD", id="RC-34"),
    ],
)
def test_best_overall_response(assessments, new_therapy, unconfirmed, confirmed):
    adrs = adrs_of(rs=responses(assessments), ds=[therapy(new_therapy)] if new_therapy else [])
    assert answer(adrs, "BOR") == unconfirmed
    assert answer(adrs, "CBOR") == confirmed


def scans(*visits, baseline=100):
    """Each visit (day, sum) or (day, sum, new lesions, their sum): half of the sum is one target's, half the other's."""
    rows = [target(-10, "T01", baseline / 2), target(-10, "T02", baseline / 2)]
    for when, total, *new in visits:
        rows += [target(when, "T01", total / 2), target(when, "T02", total / 2)]
        count, size = new or (0, 0)
        for number in range(1, count + 1):
            name = f"NEW0{number}"
            rows.append(state(when, name, "UNEQUIVOCAL"))
            if number == 1:
                rows.append(target(when, name, size, TRGRPID="NEW"))
    return rows


@pytest.mark.parametrize(
    ("visits", "words", "progression", "is_confirmed"),
    [
        pytest.param([(57, 130), (92, 136)], "iUPD iCPD", 57, "CONFIRMED", id="IR-01"),
        pytest.param([(57, 130), (92, 133), (120, 135)], "iUPD iUPD iCPD", 57, "CONFIRMED", id="IR-02"),
        pytest.param([(57, 130), (92, 132), (148, 131)], "iUPD iUPD iUPD", 57, "UNCONFIRMED", id="IR-03"),
        pytest.param([(57, 125), (92, 68), (148, 66)], "iUPD iPR iPR", None, None, id="IR-04"),
        pytest.param([(57, 70), (113, 88), (148, 94)], "iPR iUPD iCPD", 113, "CONFIRMED", id="IR-05"),
        pytest.param([(57, 95, 1, 12), (92, 95, 1, 17)], "iUPD iCPD", 57, "CONFIRMED", id="IR-06"),
        pytest.param(
            [(57, 95, 1, 12), (92, 95, 1, 15), (148, 95, 1, 17)],
            "iUPD iUPD iCPD",
            57,
            "CONFIRMED",
            id="IR-07",
        ),
        pytest.param([(57, 95, 1, 12), (92, 95, 2, 12)], "iUPD iCPD", 57, "CONFIRMED", id="IR-08"),
        pytest.param([(57, 130), (78, 140), (113, 141)], "iUPD iUPD iCPD", 57, "CONFIRMED", id="IR-09"),
        pytest.param(
            [(57, 90), (113, 125), (148, 100), (204, 125), (239, 131)],
            "iSD iUPD iSD iUPD iCPD",
            204,
            "CONFIRMED",
            id="IR-10",
        ),
        pytest.param(
            [(57, 95, 1, 12), (92, 66, 1, 12), (148, 64, 1, 13)], "iUPD iPR iPR", None, None, id="IR-11"
        ),
    ],
)
def test_immune_responses(visits, words, progression, is_confirmed):
    adrs = adrs_of(tr=scans(*visits))
    assert adrs.filter(PARAMCD="IOVRLRSP")["AVALC"].to_list() == words.split()
    found = adrs.filter(PARAMCD="IPD").select("ADT", "AVALC").rows()
    assert found == ([] if progression is None else [(date.fromisoformat(day(progression)), is_confirmed)])


def test_disease_that_comes_back_after_a_complete_response_is_progression_by_both():
    """The targets stay gone; another lesion is there again: progression by RECIST 1.1, and by iRECIST it waits."""
    rows = [target(-10, "T01", 40), state(-10, "NT01", "PRESENT")]
    for when, word in ((57, "ABSENT"), (113, "PRESENT"), (148, "UNEQUIVOCAL PROGRESSION")):
        rows += [target(when, "T01", 0), state(when, "NT01", word)]
    adrs = adrs_of(tr=rows)
    assert adrs.filter(PARAMCD="OVR")["AVALC"].to_list() == ["CR", "PD", "PD"]
    assert adrs.filter(PARAMCD="IOVRLRSP")["AVALC"].to_list() == ["iCR", "iUPD", "iCPD"]
    assert adrs.filter(PARAMCD="IPD").select("ADT", "AVALC").rows() == [
        (date.fromisoformat(day(113)), "CONFIRMED")
    ]


def test_response_has_a_beginning_an_end_and_its_records():
    adrs = adrs_of(rs=responses("03-06 PR, 05-01 CR, 06-26 CR, 08-21 PD"))
    row = adrs.filter(PARAMCD="CRSP").to_dicts()[0]
    assert (row["AVALC"], row["ADT"], row["ENDDT"], row["ENDDESC"]) == (
        "Y",
        date(2024, 3, 6),  # the partial response that the complete one confirms
        date(2024, 8, 21),
        "progression",
    )
    assert (row["SRCDOM"], row["SRCSEQ"], row["PROTOCOL"]) == ("RS", 1, "endpoints.response")
    best = adrs.filter(PARAMCD="CBOR").to_dicts()[0]
    assert (best["ADT"], best["SRCALL"]) == (date(2024, 5, 1), "RS.2 RS.3")
    assert answer(adrs, "PD", "ADT") == date(2024, 8, 21)
    assert answer(adrs, "PD", "ADY") == 225  # 224 days after the first


def test_response_ends_with_death():
    adrs = adrs_of(rs=responses("03-06 PR, 05-01 PR"), deaths={"S1": date(2024, 7, 1)})
    assert adrs.filter(PARAMCD="CRSP").select("ENDDT", "ENDDESC").row(0) == (date(2024, 7, 1), "death")


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        pytest.param("no response", "N", "missing", id="counted as no, and the reason stays"),
        pytest.param("left out", None, "missing", id="not known"),
    ],
)
@pytest.mark.parametrize("assessments", ["", "02-07 SD", "03-06 NE"])
def test_who_was_not_assessed(setting, value, reason, assessments):
    text = edit(PROTOCOL, "unassessed: no response", f"unassessed: {setting}")
    adrs = adrs_of(rs=responses(assessments), text=text)
    assert answer(adrs, "CRSP") == value
    assert answer(adrs, "CRSP", "REASON") == reason


def test_progression_is_not_denied_where_nobody_looked():
    looked = adrs_of(rs=responses("03-06 SD"))
    assert (answer(looked, "PD"), answer(looked, "PD", "REASON")) == ("N", None)
    for assessments in ("", "03-06 NE"):
        adrs = adrs_of(rs=responses(assessments))
        assert (answer(adrs, "PD"), answer(adrs, "PD", "REASON")) == (None, "missing")


def test_new_therapy_does_not_matter_by_treatment_policy():
    text = edit(PROTOCOL, "new anticancer therapy: composite", "new anticancer therapy: treatment policy")
    adrs = adrs_of(rs=responses("03-06 PR, 05-01 PR"), ds=[therapy("04-17")], text=text)
    assert answer(adrs, "CBOR") == "PR"


@pytest.mark.parametrize(
    ("when", "confirmed", "reason"),
    [
        pytest.param(
            "2024-05", None, "imprecise date", id="some day of May: before or after the confirmation"
        ),
        pytest.param("2024-06", "PR", None, id="after it, whatever the day"),
        pytest.param("2024-04", "SD", None, id="before it, whatever the day"),
        pytest.param(None, None, "imprecise date", id="on a day nobody knows"),
    ],
)
def test_new_therapy_known_to_the_month(when, confirmed, reason):
    adrs = adrs_of(rs=responses("03-06 PR, 05-15 PR"), ds=[therapy(when)])
    assert (answer(adrs, "CBOR"), answer(adrs, "CBOR", "REASON")) == (confirmed, reason)
    assert answer(adrs, "BOR") == (None if when is None else "PR")


def test_scan_known_to_the_month():
    adrs = adrs_of(rs=responses("03-06 PR, 2024-04 PR"))  # 26 to 55 days later
    assert (answer(adrs, "CBOR"), answer(adrs, "CBOR", "REASON")) == (None, "imprecise date")
    second = adrs.filter(PARAMCD="OVR").sort("ADTL").row(1, named=True)
    assert (second["ADT"], second["ADTL"], second["ADTH"]) == (None, date(2024, 4, 1), date(2024, 4, 30))
    assert second["AVALC"] == "PR"
    later = adrs_of(rs=responses("03-06 PR, 2024-05 PR"))
    assert answer(later, "CBOR") == "PR"
    assert answer(later, "CRSP", "ADT") == date(2024, 3, 6)


def test_two_responses_of_one_day_that_differ_leave_the_best_open():
    adrs = adrs_of(rs=responses("03-06 PR, 03-06 SD, 05-01 PR"))
    assert (answer(adrs, "BOR"), answer(adrs, "BOR", "REASON")) == ("NE", "conflict")


def test_a_word_that_is_no_response_counts_as_not_evaluable():
    adrs = adrs_of(rs=responses("03-06 CHECK"))
    assert adrs.filter(PARAMCD="OVR").select("AVALC", "REASON").row(0) == ("NE", "unreadable")
    assert tumour_responses(study_of(rs=responses("03-06 CHECK")))["level"].to_list() == ["CHECK"]


def test_not_done_is_no_assessment():
    records = [*responses("03-06 PR, 07-01 PR"), response("05-01", None, RSSTAT="NOT DONE")]
    records += [response("05-20", "NE", RSSTAT="NOT DONE"), response("06-01", None)]
    adrs = adrs_of(rs=records)
    assert adrs.filter(PARAMCD="OVR").height == 2
    assert answer(adrs, "CBOR") == "PR"


@pytest.mark.parametrize(
    ("reason", "overall", "confirmed"),
    [
        pytest.param("SCAN NOT EVALUABLE", ["PR", "NE", "NE", "PR"], "SD", id="two scans, neither evaluable"),
        pytest.param("Poor image quality", ["PR", "NE", "NE", "PR"], "SD", id="for their quality"),
        pytest.param("SCAN NOT PERFORMED", ["PR", "PR"], "PR", id="no scan"),
        pytest.param(None, ["PR", "PR"], "PR", id="nobody says why"),
    ],
)
def test_a_scan_that_could_not_be_evaluated_is_an_assessment(reason, overall, confirmed):
    """One not evaluable response may lie between two partial ones, not two; a scan that was not made is none of them."""
    rows = [target(when, "T01", mm) for when, mm in ((-10, 50), (56, 30), (224, 30))]
    rows += [target(when, "T01", None, TRREASND=reason) for when in (112, 168)]
    adrs = adrs_of(tr=rows)
    assert adrs.filter(PARAMCD="OVR")["AVALC"].to_list() == overall
    assert answer(adrs, "CBOR") == confirmed


def test_lesions_decide_where_there_are_any_and_what_was_reported_is_kept():
    lesions = [target(-10, "T01", 50), target(56, "T01", 36), target(112, "T01", 30)]
    adrs = adrs_of(tr=lesions, rs=[response(56, "PR"), response(112, "PR"), response(170, "PD")])
    overall = adrs.filter(PARAMCD="OVR").select("AVALC", "SRCDOM", "SRCALL").rows()
    assert overall == [("SD", "TR", "TR.2"), ("PR", "TR", "TR.3"), ("PD", "RS", "RS.3")]
    assert adrs.filter(PARAMCD="OVRREP")["AVALC"].to_list() == ["PR", "PR", "PD"]


def test_partial_response_stays_until_progression():
    sums = [(56, 70), (112, 70), (168, 80), (224, 80), (280, 84)]
    kept = adrs_of(tr=scans(*sums))
    assert kept.filter(PARAMCD="OVR")["AVALC"].to_list() == ["PR", "PR", "PR", "PR", "PD"]
    plain = adrs_of(tr=scans(*sums), text=edit(PROTOCOL, "partial stays: true", "partial stays: false"))
    assert plain.filter(PARAMCD="OVR")["AVALC"].to_list() == ["PR", "PR", "SD", "SD", "PD"]


OTHER = """\
  other:
    label: Response, seen once
    role: secondary
    kind: best response
    of: recist_response
    reader: local
    response: { counts: [CR, PR], stable at least: 42 days }
"""


@pytest.mark.parametrize("is_first", [True, False])
def test_partial_responses_are_held_as_the_endpoint_itself_says(is_first):
    """Seen once on day 56, then 20 % below baseline: by another endpoint's rule that would have been two partial responses."""
    text = edit(PROTOCOL, "endpoints:\n", f"endpoints:\n{OTHER}") if is_first else PROTOCOL + OTHER
    adrs = adrs_of(tr=scans((56, 70), (112, 80)), text=text)
    own = {"PROTOCOL": "endpoints.response"}
    assert [answer(adrs, name, **own) for name in ("BOR", "CBOR", "RSP", "CRSP")] == ["PR", "SD", "Y", "N"]
    assert answer(adrs, "BOR", PROTOCOL="endpoints.other") == "PR"
    assert adrs.filter(PARAMCD="OVR")["AVALC"].to_list() == ["PR", "SD"]


def test_each_of_two_confirmed_endpoints_holds_in_its_own_way():
    sums = [(56, 70), (112, 80), (168, 70), (224, 80)]
    second = OTHER.replace("counts:", "confirmed after: 28 days, stable between: true, counts:")
    text = edit(PROTOCOL + second, "partial stays: true", "partial stays: false")
    swapped = edit(PROTOCOL, "endpoints:\n", f"endpoints:\n{second}")
    swapped = edit(swapped, "partial stays: true", "partial stays: false")
    for one in (text, swapped):
        adrs = adrs_of(tr=scans(*sums), text=one)
        assert answer(adrs, "CBOR", PROTOCOL="endpoints.response") == "SD"
        assert answer(adrs, "CBOR", PROTOCOL="endpoints.other") == "PR"


@pytest.mark.parametrize("word", ["iCR", "PD", "NE", "complete"])
def test_what_is_no_response_cannot_count_as_one(word):
    with pytest.raises(ProblemsFound, match=f"found `{word}`"):
        parse_protocol(edit(PROTOCOL, "counts: [CR, PR]", f"counts: [{word}]"), "protocol.yaml")


def test_progression_is_dated_to_the_scan_that_showed_it():
    visit = {"VISITNUM": 2.0}
    records = [
        target(-10, "T01", 50, VISITNUM=1.0),
        state(-10, "NT01", "PRESENT", VISITNUM=1.0),
        target(56, "T01", 50, **visit),
        state(58, "NT01", "UNEQUIVOCAL PROGRESSION", **visit),
        state(60, "NEW01", "UNEQUIVOCAL", **visit),
    ]
    adrs = adrs_of(tr=records)
    assert answer(adrs, "PD", "ADT") == date.fromisoformat(day(58))
    stable = adrs_of(tr=[*records[:3], state(58, "NT01", "PRESENT", **visit)])
    assert stable.filter(PARAMCD="OVR").select("AVALC", "ADT").row(0) == ("SD", date.fromisoformat(day(58)))


def test_new_lesion_that_was_equivocal_dates_back():
    records = [
        *scans((56, 100), (112, 100)),
        state(56, "NEW01", "EQUIVOCAL"),
        state(112, "NEW01", "UNEQUIVOCAL"),
    ]
    assert answer(adrs_of(tr=records), "PD", "ADT") == date.fromisoformat(day(56))
    assert answer(adrs_of(tr=records[:-1]), "PD") == "N"


def test_new_lesion_told_by_tu_alone_is_one():
    found = place("NEW01", "LUNG", "NEW", TUDTC=day(56))
    adrs = adrs_of(tr=scans((56, 100)), tu=[found])
    assert answer(adrs, "PD", "ADT") == date.fromisoformat(day(56))
    assert "TU.1" in answer(adrs, "PD", "SRCALL").split()


READERS = [
    *responses("03-06 PR, 05-01 PR"),
    *responses("03-06 SD, 05-01 PD", evaluator="INDEPENDENT ASSESSOR", RSEVALID="R1"),
    *responses("03-06 SD, 05-01 SD", evaluator="INDEPENDENT ASSESSOR", RSEVALID="R2", RSACPTFL="Y"),
]


def test_readers_are_kept_apart():
    adrs = adrs_of(rs=READERS)
    found = adrs.filter(PARAMCD="CBOR").select("READER", "EVALID", "AVALC", "ACPTFL", "ANL01FL").rows()
    assert found == [
        ("central", "R1", "SD", None, None),
        ("central", "R2", "SD", "Y", None),
        ("local", None, "PR", "Y", "Y"),
    ]
    central = adrs_of(rs=READERS, text=edit(PROTOCOL, "reader: local", "reader: central"))
    assert answer(central, "CBOR") == "SD"
    seen = tumour_responses(study_of(rs=READERS)).select("reader", "level").rows()
    assert sorted(seen) == [("central", "SD"), ("central", "SD"), ("local", "PR"), ("local", "PR")]


def test_of_readers_none_of_whom_is_accepted_none_counts():
    records = [{**row, "RSACPTFL": None} for row in READERS]
    text = edit(PROTOCOL, "reader: local", "reader: central")
    adrs = adrs_of(rs=records, text=text)
    assert (answer(adrs, "CBOR"), answer(adrs, "CBOR", "REASON")) == (None, "needs a person")
    assert answer(adrs, "CRSP") is None
    assert "central" not in tumour_responses(study_of(rs=records, text=text))["reader"].to_list()


def test_observations_for_the_rules():
    found = tumour_responses(study_of(tr=scans((57, 130), (92, 136))))
    first = date.fromisoformat(day(57))
    assert found.select("reader", "fact", "level", "SRCDOM", "SRCSEQ").rows() == [
        ("local", "irecist_response", "iUPD", "TR", 3),
        ("local", "irecist_response", "iCPD", "TR", 5),
        ("local", "recist_response", "PD", "TR", 3),
        ("local", "recist_response", "PD", "TR", 5),
    ]
    assert found["earliest"].dt.to_string()[0] == f"{first} 00:00:00.000000"
    assert found["latest"].dt.to_string()[0] == f"{first} 23:59:00.000000"
    assert found["SRCALL"][0] == "TR.3 TR.4"


@pytest.mark.parametrize(
    "told", ["RECIST 1.1", "RECIST v1.1", "RECIST1.1", "Recist Version 1.1", "RECIST V.1.1", " RECIST_1.1 "]
)
def test_the_criteria_are_read_however_they_are_spelt(told):
    adrs = adrs_of(rs=[response(56, "PD", category=told)])
    assert answer(adrs, "BOR") == "PD"


@pytest.mark.parametrize(
    ("told", "said"),
    [(None, "without RSCAT"), ("mRECIST", "by `mRECIST`"), ("RECIST 1.0", "by `RECIST 1.0`")],
)
def test_responses_by_other_criteria_are_left_out_and_told(told, said):
    rs = [response(56, "PD", category=told), response(60, "PD", category=told, subject="S2")]
    study = study_of(rs=rs, subjects=("S1", "S2"))
    assert answer(derive_adrs(study, adsl_of(study)), "BOR", USUBJID="S1") == "MISSING"
    (problem,) = ask_about_tumours(study, adsl_of(study))
    assert (problem.code, problem.field) == ("tumour-record-left-out", "RS.RSCAT")
    assert f"2 overall responses of 2 subjects {said}" in problem.message


@pytest.mark.parametrize("lesions", [("T01", "T02"), ("T02", "T01")])
def test_lesions_of_one_day_are_one_assessment_whatever_the_clock(lesions):
    """Without a visit the day is the assessment; each lesion may be measured at a time of its own."""
    rows = scans((56, 70))
    early, late = (f"2024-03-06T{hour}:00" for hour in ("09", "10"))
    timed = [
        {**row, "TRDTC": early if row["TRLNKID"] == lesions[0] else late} if row["TRDTC"] == day(56) else row
        for row in rows
    ]
    adrs = adrs_of(tr=timed)
    assert adrs.filter(PARAMCD="OVR").select("AVALC", "ADT").rows() == [("PR", date(2024, 3, 6))]


def test_immune_responses_as_reported_take_the_place_of_derived_ones():
    records = [response(57, "iUPD", category="iRECIST"), response(92, "iCPD", category="iRECIST")]
    adrs = adrs_of(tr=scans((57, 130), (92, 132)), rs=records)
    assert adrs.filter(PARAMCD="IOVRLRSP").select("AVALC", "SRCDOM").rows() == [
        ("iUPD", "RS"),
        ("iCPD", "RS"),
    ]
    assert adrs.filter(PARAMCD="OVR")["AVALC"].to_list() == ["PD", "PD"]


def test_nobody_without_a_first_dose_has_a_best_response():
    study = study_of(rs=responses("03-06 PR, 05-01 PR"), subjects=("S1", "S2"))
    adrs = derive_adrs(study, adsl_of(study, start=None))
    found = adrs.filter(PARAMCD="CBOR").select("USUBJID", "AVALC", "REASON").rows()
    assert found == [("S1", None, "missing"), ("S2", "MISSING", "missing")]


def test_study_without_tumours():
    adrs = adrs_of()
    assert set(adrs["PARAMCD"]) == {"BOR", "CBOR", "RSP", "CRSP", "PD", "LSTA", "MDIS"}
    assert tumour_responses(study_of()).height == 0


@pytest.mark.parametrize(
    ("zero", "first_scan_is_baseline"),
    [
        pytest.param("first durvalumab", True, id="a dose"),
        pytest.param("start", True, id="a milestone of DS"),
        pytest.param("consent", False, id="consent that nobody recorded"),
        pytest.param("last durvalumab", False, id="nothing the records tell by themselves"),
    ],
)
def test_time_zero_is_read_from_the_records(zero, first_scan_is_baseline):
    """Rules need the responses before ADSL is there."""
    anchors = "anchors:\n  consent: { text: Consent }\n  start: { text: Start }\n"
    text = edit(edit(PROTOCOL, "time zero: first_dose", f"time zero: {zero}"), "anchors:\n", anchors)
    milestone = {"USUBJID": "S1", "DSDECOD": "Start", "DSCAT": "PROTOCOL MILESTONE", "DSSTDTC": day(0)}
    study = study_of(tr=scans((56, 60)), ds=[milestone], text=text)
    found = tumour_responses(study).filter(fact="recist_response")["level"].to_list()
    assert found == (["PR"] if first_scan_is_baseline else ["NE", "NE"])


@pytest.mark.parametrize(
    ("start", "began", "is_kept"),
    [
        pytest.param(FIRST_DOSE, "2024-04-17", True, id="nothing else comes out"),
        pytest.param(FIRST_DOSE - timedelta(days=1), "2024-04-17", False, id="ADSL begins on another day"),
        pytest.param(None, "2024-04-17", False, id="ADSL knows no day"),
        pytest.param(FIRST_DOSE, "2024-04", False, id="a new therapy of which nobody knows the day"),
    ],
)
def test_courses_from_the_records_are_kept_where_nothing_else_comes_out(start, began, is_kept):
    study = study_of(tr=scans((0, 60), (57, 30)), ds=[{**therapy(98), "DSSTDTC": began}], text=_BY_DOSE)
    adsl, recorded = adsl_of(study, start=start), recorded_courses(study)
    kept, anew = courses_of(study, adsl, recorded), courses_of(study, adsl)
    assert (kept is recorded) == is_kept
    assert kept.points.equals(anew.points)
    assert kept.courses.equals(anew.courses)
    assert kept.overall.tolist() == anew.overall.tolist()


@pytest.mark.parametrize("dose", [0.0, None])
def test_a_dose_that_was_not_given_starts_nothing(dose):
    study = study_of(tr=scans((56, 60)))
    none = {**study.tables, "EX": study.tables["EX"].with_columns(EXDOSE=pl.lit(dose, pl.Float64))}
    assert start_days(study)["STARTDT"].to_list() == [FIRST_DOSE]
    assert start_days(replace(study, tables=none))["STARTDT"].to_list() == [None]


@pytest.mark.parametrize(
    ("protocol", "parameters"),
    [
        ("nct04294498", {"OVR", "OVRREP", "PD", "LSTA", "MDIS", "BOR", "CBOR", "RSP", "CRSP"}),
        ("nct07120750", {"OVR", "OVRREP", "PD", "LSTA", "MDIS"}),
    ],
)
def test_shipped_protocols(protocol, parameters):
    records = {"DM": [{"USUBJID": "S1"}], "RS": responses("03-06 PR, 05-01 PR")}
    tables = {domain: table(domain, rows) for domain, rows in records.items()}
    study = make_study(load_protocol(protocol), tables)
    adrs = derive_adrs(study, adsl_of(study))
    assert set(adrs["PARAMCD"]) == parameters
    if "CRSP" in parameters:
        assert answer(adrs, "CRSP") == "Y"
        assert answer(adrs, "CRSP", "PROTOCOL") == "endpoints.response"


@pytest.mark.parametrize(
    ("setting", "confirmed", "on"),
    [
        pytest.param("unresolved", "SD", "03-06", id="RC-34"),
        pytest.param("partial response", "PR", "03-06", id="RC-34, the complete response reread"),
        pytest.param("progression", "SD", "03-06", id="RC-34, the strict reading"),
    ],
)
def test_disease_after_a_complete_response(setting, confirmed, on):
    text = edit(PROTOCOL, "partial stays: true", f"partial stays: true\n      after complete: {setting}")
    adrs = adrs_of(rs=responses("03-06 CR, 05-01 PR"), text=text)
    assert (answer(adrs, "CBOR"), answer(adrs, "CBOR", "ADT")) == (
        confirmed,
        date.fromisoformat(f"2024-{on}"),
    )


def test_early_response_contradicted_by_disease_is_progression_on_the_strict_reading():
    text = edit(PROTOCOL, "partial stays: true", "partial stays: true\n      after complete: progression")
    adrs = adrs_of(rs=responses("02-07 CR, 03-06 SD"), text=text)
    assert (answer(adrs, "CBOR"), answer(adrs, "CBOR", "ADT")) == ("PD", date(2024, 3, 6))
