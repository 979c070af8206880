"""ADATTR: who judged the cause of a flare or severe hepatic event, what was looked for, what data suggest."""

from dataclasses import replace
from datetime import date
from functools import cache

import polars as pl
import pytest
from tests.derivations.safety import adsl_of, day, dose, study_of, table
from tests.derivations.test_adlb import lb

from trialwright.derivations.adae import derive_adae
from trialwright.derivations.adattr import derive_adattr
from trialwright.derivations.adevt import derive_adevt
from trialwright.derivations.adlb import derive_adlb
from trialwright.derivations.events import known_facts
from trialwright.medicine.hepatitis_b.causes import WORK_UP, Cause


def alt(value, when):
    return "LB", lb("ALT", value, day(when), high=40)


def alp(value, when):
    return "LB", lb("ALP", value, day(when), high=120)


def dna(value, when):
    return "LB", lb("HBVVLD", value, day(when), unit="IU/mL")


def virus(name, result, when):
    named = {"LBTESTCD": name[:8], "LBTEST": name, "LBORRES": result, "LBSTRESC": result, "LBDTC": day(when)}
    return "LB", named


def negatives(when):
    names = ("Hepatitis A Virus Antibody IgM", "HCV RNA", "HEV IgM")
    return [virus(name, "NEGATIVE", when) for name in names]


def ae(term, when, grade="3", **more):
    return "AE", {"AEDECOD": term, "AESTDTC": day(when), "AETOXGR": grade} | more


def drug(name, start, end=None):
    return "CM", {"CMDECOD": name, "CMSTDTC": day(start), "CMENDTC": day(end) if end else None}


def judged(cause, when, link=None, name="HEPATITIS FLARE", by="ADJUDICATION COMMITTEE"):
    finding = {"FATESTCD": "CAUSE", "FAOBJ": name, "FASTRESC": cause, "FAEVAL": by, "FALNKID": link}
    return "FA", finding | {"FADTC": day(when)}


def scan(when):
    return "PR", {"PRDECOD": "CT OF THE ABDOMEN", "PRTRT": "CT OF THE ABDOMEN", "PRSTDTC": day(when)}


def progressed(when):
    named = {"RSTESTCD": "OVRLRESP", "RSCAT": "RECIST 1.1", "RSEVAL": "INVESTIGATOR"}
    return "RS", named | {"RSSTRESC": "PD", "RSORRES": "PD", "RSDTC": day(when)}


FLARE = [alt(30, -1), dna(5000, -1), alt(300, 60)]
"""A flare on day 60: ten times baseline, 7.5 times normal (grade 3)."""
FALL = [alt(310, 63), alt(120, 75)]
SUPPRESSED = dna("<20", 60)

# domain/hbv.md section 8.2: the pattern found and the category it suggests
PEOPLE = {
    "reactivation": [*FLARE, dna(500_000, 30), dna(400_000, 60), judged("HBV", 80, link="LB.3")],
    "reactivation 85 days before": [*FLARE[:2], dna(500_000, 5), dna(300, 90), alt(300, 90)],
    "a sample nobody can read": [*FLARE, dna("?", 30), dna(300, 60)],
    "one 85 days before": [*FLARE[:2], dna("?", 5), dna(300, 90), alt(300, 90)],
    "reactivation 85 days before, and one near": [*FLARE[:2], dna(500_000, 5), dna("?", 60), dna(300, 90), alt(300, 90)],
    "immune": [*FLARE, SUPPRESSED, *negatives(61), drug("PREDNISOLONE", 62), *FALL],
    "immune late": [alt(30, -1), dna(5000, -1), alt(300, 160), dna(20, 160), *negatives(161), drug("PREDNISONE", 162),
                    alt(310, 163), alt(120, 170)],
    "no fall under steroids, late": [alt(30, -1), dna(5000, -1), alt(300, 160), dna(20, 160), *negatives(161),
                                     drug("PREDNISONE", 162), alt(310, 163), alt(250, 170)],
    "hepatitis E": [*FLARE, SUPPRESSED, *negatives(61)[:2], virus("HEV RNA", "DETECTED", 61), drug("PREDNISOLONE", 62), *FALL],
    "tumour": [*FLARE, alp(1300, 60), SUPPRESSED, scan(64), progressed(65), *negatives(61)[:2], virus("HEV IgM", "POSITIVE", 61)],
    "scanned": [*FLARE, alp(1300, 60), scan(64)],
    "another drug": [*FLARE, SUPPRESSED, drug("AMOXICILLIN AND CLAVULANATE", 40, 62), *FALL, virus("HEV IgM", "POSITIVE", 61)],
    "shock": [*FLARE[:2], SUPPRESSED, ae("Hypotension", 58), alt(1500, 60), alt(400, 65), virus("HEV IgM", "POSITIVE", 61)],
    "two causes": [*FLARE, dna(500_000, 55), drug("AMOXICILLIN", 40, 62), *FALL],
    "nothing looked for": [*FLARE],
    "two judgements": [*FLARE, judged("HBV", 80, link="LB.3"), judged("DRUG", 80, link="LB.3", by="INVESTIGATOR")],
    "judged again": [*FLARE, judged("HBV", 80, link="LB.3"), judged("DRUG", 81, link="LB.3")],
    "a word nobody knows": [*FLARE, judged("ALCOHOL", 80, link="LB.3")],
    "judged by name": [*FLARE, judged("TUMOUR", 80)],
    "judged indeterminate": [*FLARE, judged("INDETERMINATE", 80, link="LB.3")],
    "judged another": [*FLARE, judged("HBV", 80, link="LB.99")],
    "adverse events": [ae("Autoimmune hepatitis", 50), ae("Ascites", 51, "2"), ae("Hepatic failure", 52, None),
                       ae("Nausea", 53), ae("Cholestasis", -30), judged("IMMUNE-MEDIATED", 60, name="Autoimmune hepatitis")],
    "episodes": [alt(30, -1), alt(210, 10), alt(190, 20), alt(250, 30), alt(260, 40), alt(100, 50)],
}  # fmt: skip


@cache
def attributed(*without):
    """ADATTR of them all; `without` some events of the protocol."""
    rows = {domain: [] for domain in ("LB", "AE", "CM", "FA", "PR", "RS")}
    doses = []
    for name, records in PEOPLE.items():
        counts = dict.fromkeys(rows, 0)
        for domain, record in records:
            counts[domain] += 1
            rows[domain].append(record | {"USUBJID": name, f"{domain}SEQ": counts[domain]})
        doses += [dose(day(when)) | {"USUBJID": name, "EXSEQ": when} for when in range(1, 200, 28)]
    tables = {domain: table(domain, *some) for domain, some in rows.items()}
    study = study_of(EX=table("EX", *doses), subjects=tuple(PEOPLE), **tables)
    facts, adsl = known_facts(study), adsl_of(study)
    adlb, adae = derive_adlb(study, adsl, facts), derive_adae(study, adsl, facts)
    adevt = derive_adevt(study, facts).filter(~pl.col("EVENT").is_in(without))
    events = {name: event for name, event in study.protocol.events.items() if name not in without}
    loaded = replace(study.loaded, protocol=study.protocol.model_copy(update={"events": events}))
    return derive_adattr(replace(study, loaded=loaded), adsl, adevt, adlb, adae)


def flare(name, *without):
    return (
        attributed(*without).filter(pl.col("USUBJID") == name, pl.col("EVTYPE") == "flare").row(0, named=True)
    )


@pytest.mark.parametrize(
    ("name", "pattern", "verdict", "suggested"),
    [
        ("reactivation", "PATHBV", "met", "HBV"),
        ("reactivation 85 days before", "PATHBV", "not met", None),
        ("a sample nobody can read", "PATHBV", "unknown (unreadable)", None),
        ("one 85 days before", "PATHBV", "not met", None),
        ("reactivation 85 days before, and one near", "PATHBV", "unknown (unreadable)", None),
        ("immune", "PATIMM", "met", "IMMUNE-MEDIATED"),
        ("immune late", "PATIMM", "met", "IMMUNE-MEDIATED"),
        ("no fall under steroids, late", "PATIMM", "not met", None),
        ("hepatitis E", "PATIMM", "not met", None),
        ("tumour", "PATTUM", "met", "TUMOUR"),
        ("another drug", "PATDRUG", "met", "DRUG"),
        ("shock", "PATISCH", "met", "ISCHAEMIC"),
        ("two causes", "PATHBV", "met", "INDETERMINATE"),
        ("nothing looked for", "PATIMM", "unknown (missing)", None),
    ],
)
def test_pattern_and_suggestion(name, pattern, verdict, suggested):
    row = flare(name)
    assert (row[pattern], row["SUGGEST"]) == (verdict, suggested)


@pytest.mark.parametrize(
    ("name", "event", "pattern"),
    [
        ("immune", "hbv_reactivation", "PATHBV"),
        ("shock", "hbv_reactivation", "PATHBV"),
        ("scanned", "progression", "PATTUM"),
    ],
)
def test_what_the_protocol_has_no_event_for_is_never_ruled_out(name, event, pattern):
    """HBV DNA was measured, or a scan made; without the event nobody can say that it did not happen."""
    assert flare(name)[pattern] == "not met"
    assert flare(name, event)[pattern] == "unknown (missing)"


def test_what_data_leave_open_is_told():
    assert flare("nothing looked for")["SUGGOPEN"] == "HBV, IMMUNE-MEDIATED, TUMOUR, DRUG"


@pytest.mark.parametrize(
    ("name", "status", "cause"),
    [
        ("reactivation", "judged", "HBV"),
        ("two judgements", "conflict", None),
        ("judged again", "judged", "DRUG"),
        ("a word nobody knows", "unreadable", None),
        ("judged by name", "judged", "TUMOUR"),
        ("judged indeterminate", "judged", "INDETERMINATE"),
        ("judged another", "not judged", None),
        ("immune", "not judged", None),
    ],
)
def test_judgement(name, status, cause):
    row = flare(name)
    assert (row["CAUSEST"], row["CAUSE"]) == (status, cause)


def test_a_judgement_has_a_judge_a_day_and_a_record():
    row = flare("judged again")
    assert (row["CAUSEBY"], row["CAUSEDT"], row["CAUSESRC"]) == (
        "ADJUDICATION COMMITTEE", date.fromisoformat(day(81)), "FA.2",
    )  # fmt: skip


def test_a_suggestion_is_no_judgement():
    row = flare("immune")
    assert (row["SUGGEST"], row["CAUSE"]) == ("IMMUNE-MEDIATED", None)


def test_work_up_done_and_missing():
    assert flare("immune")["WUDONE"] == "hbv_dna, hepatitis_a, hepatitis_c, hepatitis_e"
    assert flare("tumour")["WUDONE"] == "hbv_dna, hepatitis_a, hepatitis_c, hepatitis_e, imaging"
    assert flare("nothing looked for")["WUDONE"] is None
    assert flare("nothing looked for")["WUMISS"] == ", ".join(WORK_UP)


@pytest.mark.parametrize(("when", "done"), [(45, None), (46, "hbv_dna"), (74, "hbv_dna"), (75, None)])
def test_hbv_dna_counts_within_fourteen_days(when, done):
    records = [*FLARE, dna(100, when)]
    rows = [record | {"LBSEQ": number} for number, (_, record) in enumerate(records, 1)]
    assert _attributed(LB=rows).row(0, named=True)["WUDONE"] == done


@pytest.mark.parametrize(("known", "missing"), [(87, "hbv_dna"), (88, "hbv_dna, hbsag")])
def test_what_may_still_come_is_not_missing(known, missing):
    """28 days after day 60 is day 88."""
    rows = [record | {"LBSEQ": number} for number, (_, record) in enumerate(FLARE, 1)]
    row = _attributed(LB=rows, RECORDDT=date.fromisoformat(day(known))).row(0, named=True)
    assert (row["WUMISS"] or "").startswith(missing)
    assert (row["WUOPEN"] is None) == (known >= 88)


def test_hepatic_adverse_events_of_grade_three_or_of_unknown_grade():
    rows = attributed().filter(pl.col("USUBJID") == "adverse events")
    assert rows.select("EVENT", "ATOXGR", "CAUSE").rows() == [
        ("AUTOIMMUNE HEPATITIS", 3, "IMMUNE-MEDIATED"),
        ("HEPATIC FAILURE", None, None),
    ]


def test_an_episode_of_liver_tests_lasts_until_a_result_below_grade_three():
    rows = attributed().filter(pl.col("USUBJID") == "episodes", pl.col("EVTYPE") == "laboratory")
    assert rows.select("ADT", "SRCALL", "ATOXGR").rows() == [
        (date.fromisoformat(day(10)), "LB.2", 3),
        (date.fromisoformat(day(30)), "LB.4 LB.5", 3),
    ]


def _attributed(**given):
    tables = {
        name: table(name, *rows) for name, rows in given.items() if name == name.upper() and len(name) == 2
    }
    dates = {name: value for name, value in given.items() if name not in tables}
    study = study_of(EX=table("EX", *(dose(day(n)) | {"EXSEQ": n} for n in range(1, 200, 28))), **tables)
    facts, adsl = known_facts(study), adsl_of(study, **dates)
    adlb, adae = derive_adlb(study, adsl, facts), derive_adae(study, adsl, facts)
    return derive_adattr(study, adsl, derive_adevt(study, facts), adlb, adae)


def test_nobody_with_an_event_is_an_empty_table():
    assert len(_attributed(LB=[lb("ALT", 30, day(8))])) == 0


def test_every_cause_can_be_suggested_or_judged():
    assert {cause.value for cause in Cause} == {
        "HBV", "IMMUNE-MEDIATED", "TUMOUR", "DRUG", "ISCHAEMIC", "INDETERMINATE",
    }  # fmt: skip
