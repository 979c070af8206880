"""ADEVT against the worked examples of the clinical rules (their ids), and laws it must keep."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from tests.derivations.lives import changed
from tests.derivations.persons import as_persons
from tests.derivations.small_studies import Records, occurrences, on_day

from trialwright.derivations.adevt import derive_adevt, doubts_as_one, first_of_each
from trialwright.derivations.events import known_facts
from trialwright.derivations.study import make_study
from trialwright.evaluation.patient import judge_rows
from trialwright.protocol.loading import load_protocol

DURVA, PRTRAS = "nct04294498", "nct07120750"


@pytest.fixture(scope="module")
def durva():
    return load_protocol(DURVA)


@pytest.fixture(scope="module")
def prtras():
    return load_protocol(PRTRAS)


def day(number):
    return date.fromisoformat(on_day(number))


# --- the worked examples: each is one subject of one study, derived once -----------------------------------------------


def together(protocol, cases):
    """ADEVT of one study in which every case is a subject called by its name."""
    records = Records()
    for name, (make, *_) in cases.items():
        make(records, name)
    return derive_adevt(records.study_of(protocol))


def treated(records, subject="1", *, until=85):
    """Somebody with durvalumab every four weeks from day 1, and entecavir from that day on."""
    records.person(subject).doses("durvalumab", range(1, until + 1, 28), subject)
    return records.dose("entecavir", on_day(1), on_day(until + 200), subject)


def virus(baseline, later):
    def make(records, subject):
        values = {29: later} if baseline is None else {1: baseline, 29: later}
        treated(records, subject).series("hbv_dna", values, subject, LBLLOQ=10.0)

    return make


def enzyme(values, until=85):
    return lambda records, subject: treated(records, subject, until=until).series("alt", values, subject)


def viral_loads(values):
    return lambda records, subject: treated(records, subject, until=169).series("hbv_dna", values, subject)


CENSORED, MISSING = "censored across the threshold", "missing"
DURVA_CASES = {
    "HBV-10": (virus(2000, 200_000), "hbv_reactivation", [day(29)]),
    "HBV-11": (virus(2000, 199_999), "hbv_reactivation", []),
    "HBV-12": (virus(8700, 870_000), "hbv_reactivation", [day(29)]),
    "HBV-14": (virus(2040, 203_000), "hbv_reactivation", []),
    "HBV-15": (virus("TND", 999), "rise_from_undetectable", []),
    "HBV-16": (virus("TND", 1000), "rise_from_undetectable", [day(29)]),
    "HBV-17 is never met by a number put in its place": (virus("<10", 500), "hbv_reactivation", [CENSORED]),
    "HBV-18 without the branch for a missing baseline": (virus(None, 10_000), "hbv_reactivation", [MISSING]),
    "HBV-19": (virus(1.2e6, ">170000000"), "hbv_reactivation", [day(29)]),
    "HBV-20": (virus(2.5e6, ">170000000"), "hbv_reactivation", [CENSORED]),
    "HBV-23": (virus(2500, 30_000), "hbv_reactivation", []),
    "HBV-24": (virus(300, 30_000), "hbv_reactivation", [day(29)]),
    "HBV-22, over baseline": (viral_loads({1: 5000, 29: 20, 57: 4000}), "hbv_reactivation", []),
    "HBV-22, over the lowest": (viral_loads({1: 5000, 29: 20, 57: 4000}), "hbv_dna_100_fold_over_nadir", [day(57)]),
    "higher before baseline": (viral_loads({-14: 1e8, 1: 1e5, 29: 1e4}), "hbv_reactivation", []),
    "FL-01": (enzyme({1: 20, 29: 60}), "hepatitis_flare", []),
    "FL-02": (enzyme({1: 20, 29: 100}), "hepatitis_flare", []),
    "FL-03": (enzyme({1: 20, 29: 101}), "hepatitis_flare", [day(29)]),
    "FL-04": (enzyme({1: 34, 29: 101}), "hepatitis_flare", []),
    "FL-05": (enzyme({1: 34, 29: 102}), "hepatitis_flare", [day(29)]),
    "FL-06": (enzyme({1: 35, 29: 105}), "hepatitis_flare", [day(29)]),
    "FL-07, 269": (enzyme({1: 90, 29: 269}), "hepatitis_flare", []),
    "FL-07, 270": (enzyme({1: 90, 29: 270}), "hepatitis_flare", [day(29)]),
    "FL-08": (enzyme({1: 33.4, 29: 100.2}), "hepatitis_flare", [day(29)]),
    "FL-09": (enzyme({29: 400}), "hepatitis_flare", [MISSING]),
    "a flare with one sample below": (enzyme({1: 30, 29: 150, 57: 160, 85: 50, 113: 150}), "hepatitis_flare", [day(29)]),
    "a flare after two samples below": (enzyme({1: 30, 29: 150, 57: 50, 85: 50, 113: 150}), "hepatitis_flare", [day(29), day(113)]),
    "a flare that ends": (enzyme({1: 30, 29: 150, 57: 50, 85: 50}), "hepatitis_flare", [day(29)]),
    "a flare whose end is counted anew": (
        enzyme({1: 30, 29: 150, 57: 50, 85: 150, 113: 50, 141: 50, 169: 150}), "hepatitis_flare", [day(29), day(169)],
    ),
    "VB-01": (viral_loads({1: 5e4, 29: 200, 57: 20, 120: 25, 148: 260, 176: 410}), "virological_breakthrough", [day(148)]),
    "VB-02": (viral_loads({1: 5e4, 57: 20, 148: 260, 176: 30}), "virological_breakthrough", []),
    "VB-03": (viral_loads({1: 5e4, 85: "TND", 120: 90, 148: 130, 176: 150}), "virological_breakthrough", [day(148)]),
    "VB-03 after <20": (viral_loads({1: 5e4, 85: "<20", 120: 90, 148: 130, 176: 150}), "virological_breakthrough", [day(148)]),
    "VB-04": (viral_loads({1: 5e4, 29: 200, 57: 2500}), "virological_breakthrough", []),
    "never above 20 again": (viral_loads({1: 5e4, 85: "<20", 120: "<20", 148: "<20"}), "virological_breakthrough", []),
    "99 after <20": (viral_loads({1: 5e4, 85: "<20", 120: 99, 148: 50}), "hbv_dna_10_fold_over_nadir", []),
    "199 after 20": (viral_loads({1: 5e4, 85: 20, 120: 199, 148: 150}), "hbv_dna_10_fold_over_nadir", []),
    "200 after 20": (viral_loads({1: 5e4, 85: 20, 120: 200, 148: 200}), "hbv_dna_10_fold_over_nadir", [day(120)]),
}  # fmt: skip


@pytest.fixture(scope="module")
def durva_events(durva):
    return together(durva, DURVA_CASES)


@pytest.mark.parametrize("name", DURVA_CASES)
def test_events_of_the_virus_and_the_liver(durva_events, name):
    """The last value of VB-01 rises on: it awaits a confirmation of its own, and the first occurrence stands."""
    _, event, found = DURVA_CASES[name]
    assert occurrences(durva_events, event, name) == found


def samples(*later):
    """HBV DNA of 2000 IU/mL on day 1, and then each at its own time: 200000 is the hundredfold, 199999 is not."""

    def make(records, subject):
        treated(records, subject).series("hbv_dna", {1: 2000}, subject)
        for when, value in later:
            records.result("hbv_dna", when, value, subject)

    return make


DAY_29, MONTH = on_day(29), on_day(57)[:7]
ONE_MOMENT = {
    "of one day on both sides": (samples((DAY_29, 200_000), (DAY_29, 199_999)), ["conflict"]),
    "in the other order": (samples((DAY_29, 199_999), (DAY_29, 200_000)), ["conflict"]),
    "of one day on one side": (samples((DAY_29, 200_000), (DAY_29, 900_000)), [day(29)]),
    "written twice": (samples((DAY_29, 200_000), (DAY_29, 200_000)), [day(29)]),
    "one of which nobody can read": (samples((DAY_29, 200_000), (DAY_29, "see note")), ["conflict"]),
    "of two days": (samples((DAY_29, 200_000), (on_day(30), 199_999)), [day(29)]),
    "of two hours": (samples((f"{DAY_29}T08:00", 200_000), (f"{DAY_29}T16:00", 199_999)), [day(29)]),
    "of one minute": (samples((f"{DAY_29}T08:00", 200_000), (f"{DAY_29}T08:00", 199_999)), ["conflict"]),
    "of an hour and the day": (samples((f"{DAY_29}T08:00", 200_000), (DAY_29, 199_999)), ["conflict"]),
    "of one month": (samples((MONTH, 199_999), (on_day(57), 200_000)), [day(57)]),
    "settled by a later sample": (samples((DAY_29, 200_000), (DAY_29, 199_999), (on_day(57), 200_000)), [day(57)]),
}  # fmt: skip


@pytest.fixture(scope="module")
def of_one_moment(durva):
    return together(durva, ONE_MOMENT)


@pytest.mark.parametrize("name", ONE_MOMENT)
def test_of_results_of_one_moment_nobody_can_tell_which_holds(of_one_moment, name):
    _, found = ONE_MOMENT[name]
    assert sorted(set(occurrences(of_one_moment, "hbv_reactivation", name))) == found


def test_two_baselines_hbv_21(durva):
    records = Records().person().doses("durvalumab", [1, 29]).dose("entecavir", on_day(-6), on_day(200))
    records.series("hbv_dna", {-10: 4.2e5, 1: 3.1e4, 29: 4.0e6})
    adevt = derive_adevt(records.study_of(durva))
    assert occurrences(adevt, "hbv_reactivation") == [day(29)]
    assert occurrences(adevt, "hbv_reactivation_over_entecavir_baseline") == []


# by id: days with a reactivation, days with a flare, last dose; the day by the literal rule, linked or not, strict or not
HEPATITIS = {
    "HH-01": ([57], [78], 85, 78, True, True),
    "HH-02": ([85], [64], 85, 85, True, False),
    "HH-03": ([57], [310], 309, 310, False, False),
    "HH-04": ([57, 85, 253], [310], 309, 310, True, True),
    "HH-05": ([], [64], 85, None, False, False),
    "HH-06": ([57], [], 85, None, False, False),
    "HH-07": ([120], [64], 85, None, False, False),
    "a flare that lasts until the virus rises": (
        [253],
        [57, 64, 78, 85, 113, 120, 253],
        310,
        253,
        True,
        True,
    ),
}


@pytest.fixture(scope="module")
def hepatitis(durva):
    days, records = [1, 29, 57, 64, 78, 85, 113, 120, 253, 310], Records()
    for name, (reactivated, flared, until, *_) in HEPATITIS.items():
        treated(records, name, until=until)
        records.series(
            "hbv_dna",
            {one: 2000 if one == 1 else 200_000 if one in reactivated else 100 for one in days},
            name,
        )
        records.series("alt", {one: 150 if one in flared else 20 for one in days}, name)
    return derive_adevt(records.study_of(durva))


@pytest.mark.parametrize("name", HEPATITIS)
def test_hepatitis_by_the_virus(hepatitis, name):
    *_, literal, linked, strict = HEPATITIS[name]
    assert occurrences(hepatitis, "hbv_hepatitis", name) == ([day(literal)] if literal else [])
    assert bool(occurrences(hepatitis, "hbv_hepatitis_linked", name)) == linked
    assert bool(occurrences(hepatitis, "hbv_hepatitis_after_reactivation", name)) == strict


def test_hys_law(durva):
    """Bilirubin is in mg/dL and compared in umol/L: 2.4 is not above twice 1.2."""
    records = Records()
    cases = {
        "HY-04": (2.5, 38, 100),
        "HY-05": (2.4, 38, 100),
        "HY-06": (3.0, 75, 100),
        "HY-07": (3.0, 38, 260),
    }
    for name, (bilirubin, on, alp) in cases.items():
        treated(records, name).series("alt", {29: 130}, name, LBSTNRHI=40.0).series(
            "alp", {29: alp}, name, LBSTNRHI=120.0
        )
        for when, value in ((29, 0.8), (on, bilirubin)):
            records.result(
                "bilirubin", on_day(when), value, name, LBSTNRHI=1.2, LBORRESU="mg/dL", LBSTRESU="mg/dL"
            )
    adevt = derive_adevt(records.study_of(durva))
    assert {name: occurrences(adevt, "hys_law", name) for name in cases} == {
        "HY-04": [day(29)],
        "HY-05": [],
        "HY-06": [],
        "HY-07": [],
    }


@pytest.mark.parametrize(
    ("again", "limit", "found"),
    [
        pytest.param(130.0, None, True, id="the same result without its limits of normal"),
        pytest.param(130.0, 40.0, True, id="the same result"),
        pytest.param(130.0000000000001, None, True, id="the same result, converted another way"),
        pytest.param(130.0, 400.0, False, id="the same number against other limits"),
        pytest.param(131.0, None, False, id="another number of which the limits are not known"),
        pytest.param(90.0, 40.0, False, id="a result that denies it"),
    ],
)
def test_the_same_result_again_contradicts_nothing(durva, again, limit, found):
    records = treated(Records(), "1").series("alt", {29: 130}, "1", LBSTNRHI=40.0)
    records.series("alt", {29: again}, "1", LBSTNRHI=limit).series("alp", {29: 100}, "1", LBSTNRHI=120.0)
    records.series("bilirubin", {29: 60.0}, "1", LBSTNRHI=20.0)
    days = set(occurrences(derive_adevt(records.study_of(durva)), "hys_law"))
    assert days == ({day(29)} if found else {"conflict"})


# --- HBsAg and recurrence ---------------------------------------------------------------------------------------------


def enrolled(records=None, subject="1"):
    """A participant of PRTRAS: radical treatment on 2024-03-01, group assignment on 2024-04-05."""
    records = (records or Records()).person(subject, RFICDTC="2024-03-20")
    return records.milestone("radical_treatment", "2024-03-01", subject).milestone(
        "group_assignment", "2024-04-05", subject
    )


def week(number):
    return on_day(36 + 7 * number)


def antigen(week_60):
    def make(records, subject):
        enrolled(records, subject)
        for when, value in ((0, 1250), (48, "<0.05"), (60, week_60)):
            records.result("hbsag_quantity", week(when), value, subject)
        records.result("anti_hbs", week(60), 35, subject)

    return make


def antibodies(late, *, hbsag, looked_at):
    """HBsAg lost at weeks 48 and 60, looked at once more; antibodies from `late` on."""

    def make(records, subject):
        enrolled(records, subject)
        for when, value in ((week(0), 1250), (week(48), "<0.05"), (week(60), "<0.05"), (looked_at, hbsag)):
            records.result("hbsag_quantity", when, value, subject)
        for when, value in ((week(60), 9), (late, 10)):
            records.result("anti_hbs", when, value, subject)

    return make


def cure(analogue_ends, *, dna="<10", hbsag="<0.05", looked_at=120, confirmed_at=132):
    def make(records, subject):
        antigen("<0.05")(records, subject)
        records.dose("nucleoside_analogue", week(0), analogue_ends, subject)
        records.dose("peginterferon", week(0), week(48), subject)
        records.result("hbv_dna", week(looked_at), dna, subject)
        records.result("hbsag_quantity", week(120), hbsag, subject)
        records.result("hbsag_quantity", week(confirmed_at), "<0.05", subject)

    return make


def scanned(*findings):
    def make(records, subject):
        enrolled(records, subject)
        for when, what, value in findings:
            records.finding(what, when, value, subject)

    return make


def on(text):
    return date.fromisoformat(text)


SAMPLED = ("2025-05-12", "histology_of_new_lesion", "hcc")
PRTRAS_CASES = {
    "SA-02": (antigen("<0.05"), "hbsag_loss", [on(week(48))]),
    "SA-02, seroconversion": (antigen("<0.05"), "seroconversion", [on(week(60))]),
    "SA-03": (antigen(0.30), "hbsag_loss", []),
    "SA-03, seroconversion": (antigen(0.30), "seroconversion", []),
    "still lost with antibodies": (antibodies(week(72), hbsag="<0.05", looked_at=week(72)), "seroconversion", [on(week(72))]),
    "HBsAg too little to count": (antibodies(week(72), hbsag=0.04, looked_at=week(72)), "seroconversion", [on(week(72))]),
    "HBsAg is back at antibodies": (antibodies(week(72), hbsag=0.05, looked_at=week(72)), "seroconversion", []),
    "HBsAg may be back at antibodies": (
        antibodies(week(72), hbsag="<0.10", looked_at=week(72)), "seroconversion", ["censored across the threshold"],
    ),
    "HBsAg is back after antibodies": (antibodies(week(64), hbsag=0.30, looked_at=week(72)), "seroconversion", [on(week(64))]),
    "HBsAg 4 weeks before antibodies": (antibodies(week(72), hbsag="<0.05", looked_at=week(68)), "seroconversion", [on(week(72))]),
    "HBsAg 29 days before antibodies": (
        antibodies(week(72), hbsag="<0.05", looked_at=on_day(36 + 7 * 68 - 1)), "seroconversion", ["stale"],
    ),
    "SA-04": (cure(week(96)), "functional_cure", [on(week(120))]),
    "SA-04, a day too early": (cure(on_day(36 + 7 * 96 + 1)), "functional_cure", []),
    "SA-04, HBsAg is back": (cure(week(96), hbsag=0.30), "functional_cure", []),
    "SA-04, virus is back": (cure(week(96), dna=10), "functional_cure", []),
    "SA-04, not seen again yet": (cure(week(96), confirmed_at=131), "functional_cure", ["not yet due"]),
    "SA-04, HBsAg 4 weeks before": (cure(week(96), looked_at=124), "functional_cure", [on(week(124))]),
    "SA-04, HBsAg 5 weeks before": (cure(week(96), looked_at=125), "functional_cure", []),
    "SA-05": (cure(None), "functional_cure", []),
    "RE-01": (scanned(("2024-11-08", "lirads", "LR-3"), ("2025-01-31", "lirads", "LR-5")), "recurrence", [on("2025-01-31")]),
    "RE-02": (scanned(("2025-01-31", "lirads", "LR-4"), ("2025-04-25", "lirads", "LR-5")), "recurrence", [on("2025-04-25")]),
    "RE-02, sensitivity": (
        scanned(("2025-01-31", "lirads", "LR-4"), ("2025-04-25", "lirads", "LR-5")), "recurrence_from_lr4",
        [on("2025-01-31"), on("2025-04-25")],
    ),
    "RE-03": (scanned(("2025-01-31", "lirads", "LR-4"), ("2025-04-25", "lirads", "LR-4")), "recurrence", []),
    "RE-04": (scanned(("2025-01-31", "lirads", "LR-4"), ("2025-02-20", "treated_as_hcc", "Y")), "recurrence", [on("2025-01-31")]),
    "RE-05": (scanned(("2025-04-25", "lirads", "LR-M"), SAMPLED), "recurrence", [on("2025-04-25")]),
    "RE-06": (
        scanned(("2025-04-25", "lirads", "LR-M"), ("2025-05-12", "histology_of_new_lesion", "other_cancer")), "recurrence", [],
    ),
    "RE-07": (
        scanned(("2024-08-16", "lirads_treated", "equivocal"), ("2024-11-08", "lirads_treated", "nonviable")), "recurrence", [],
    ),
    "RE-08": (
        scanned(("2024-08-16", "lirads_treated", "equivocal"), ("2024-11-08", "lirads_treated", "viable")), "recurrence",
        [on("2024-11-08")],
    ),
    "RE-10": (
        scanned(("2025-07-18", "lirads", "LR-1"), ("2025-07-18", "extrahepatic_lesion", "unequivocal")), "recurrence",
        [on("2025-07-18")],
    ),
    "RE-11": (scanned(("2024-11-08", "lirads", "LR-NC"), ("2024-11-20", "lirads", "LR-5")), "recurrence", [on("2024-11-20")]),
    "proof of what no scan showed": (scanned(("2024-11-08", "lirads", "LR-2"), SAMPLED), "recurrence", [on("2025-05-12")]),
    "proof 90 days later": (scanned(("2025-02-11", "lirads", "LR-M"), SAMPLED), "recurrence", [on("2025-02-11")]),
    "proof 91 days later": (scanned(("2025-02-10", "lirads", "LR-M"), SAMPLED), "recurrence", [on("2025-05-12")]),
}  # fmt: skip


@pytest.fixture(scope="module")
def prtras_events(prtras):
    return together(prtras, PRTRAS_CASES)


@pytest.mark.parametrize("name", PRTRAS_CASES)
def test_cure_and_recurrence(prtras_events, name):
    _, event, found = PRTRAS_CASES[name]
    assert occurrences(prtras_events, event, name) == found


@pytest.mark.parametrize(("name", "part"), [
    ("RE-01", "new_lr5"), ("RE-04", "probable_treated"), ("RE-05", "proven_recurrence"), ("RE-08", "local_progression"),
    ("RE-10", "extrahepatic_recurrence"),
])  # fmt: skip
def test_a_recurrence_names_its_kind(prtras_events, name, part):
    rows = prtras_events.filter((pl.col("EVENT") == "recurrence") & (pl.col("USUBJID") == name))
    assert rows["VIA"].to_list() == [part]


def test_a_proof_names_the_scan_it_is_dated_to(prtras_events):
    rows = prtras_events.filter((pl.col("EVENT") == "proven_recurrence") & (pl.col("USUBJID") == "RE-05"))
    assert rows.select("ADT", "SEENDT", "SRCSEQ", "SRCALL").rows() == [
        (on("2025-04-25"), on("2025-05-12"), 2, "FA.2 FA.1")
    ]


def test_two_readers_are_kept_apart(prtras):
    records = enrolled().finding("lirads", "2024-11-08", "LR-4", FAEVAL="INVESTIGATOR")
    records.finding("lirads", "2024-11-08", "LR-5", FAEVAL="INDEPENDENT ASSESSOR")
    records.finding("lirads", "2025-01-31", "LR-5", FAEVAL="INVESTIGATOR").happened(
        "second_primary", "2026-01-01"
    )
    adevt = derive_adevt(records.study_of(prtras))
    assert occurrences(adevt, "recurrence", reader="local") == [on("2025-01-31")]
    assert occurrences(adevt, "recurrence", reader="central") == [on("2024-11-08")]
    assert adevt.filter(pl.col("EVENT") == "second_primary")["READER"].to_list() == [None]


# --- what is reported, and what a row tells ---------------------------------------------------------------------------


def test_reported_events(durva):
    records = (
        treated(Records())
        .happened("new_anticancer_therapy", "2024-09")
        .person("2", DTHFL="Y")
        .person("3", DTHDTC="2024-12-24")
    )
    adevt = derive_adevt(records.study_of(durva))
    therapy = adevt.filter(pl.col("EVENT") == "new_anticancer_therapy").row(0, named=True)
    assert (therapy["ADT"], therapy["ADTL"], therapy["ADTH"]) == (None, date(2024, 9, 1), date(2024, 9, 30))
    assert adevt.filter(pl.col("EVENT") == "death").select("USUBJID", "AVALC", "ADT").rows() == [
        ("2", "met", None), ("3", "met", date(2024, 12, 24)),
    ]  # fmt: skip


def test_a_row_tells_what_decided_it(durva):
    row = derive_adevt(
        treated(Records()).series("alt", {-5: 90, 1: 20, 29: 101}, LBSTNRHI=40.0).study_of(durva)
    ).row(0, named=True)
    told = {"EVENT": "hepatitis_flare", "PARAM": "hepatitis flare", "ASEQ": 1, "ADY": 29, "AVAL": 101.0, "AVALU": "U/L",
            "BASE": 20.0, "BASEDT": day(1), "ANRHI": 40.0, "SRCDOM": "LB", "SRCSEQ": 3, "SRCALL": "LB.3 LB.2",
            "PROTOCOL": "events.hepatitis_flare"}  # fmt: skip
    assert {name: row[name] for name in told} == told


def test_an_earlier_occurrence_nobody_can_rule_out_is_told(durva):
    adevt = derive_adevt(
        treated(Records()).series("hbv_dna", {1: 2.5e6, 29: ">170000000", 57: 3e8}).study_of(durva)
    )
    row = adevt.filter(pl.col("EVENT") == "hbv_reactivation").row(0, named=True)
    assert (row["ADT"], row["MAYBEDT"], row["REASON"]) == (day(57), day(29), "censored across the threshold")


def test_each_time_that_nobody_can_judge_is_told_beside_the_occurrences(durva):
    """A hundredfold of 2.5e6 lies above what the assay measures: so may days 29 and 85, before and after day 57; day 113 is
    below. Nobody can tell of day 141, and of two reasons for one day the one told first stands."""
    records = treated(Records()).series(
        "hbv_dna", {1: 2.5e6, 29: ">170000000", 57: 3e8, 85: ">170000000", 113: 100}
    )
    records.result("hbv_dna", on_day(141), "?").result("hbv_dna", on_day(141), ">170000000")
    rows = derive_adevt(records.study_of(durva)).filter(pl.col("EVENT") == "hbv_reactivation")
    assert rows.select("ASEQ", "ADT", "ADTL", "ADTH", "AVALC", "AVALT", "REASON", "SRCALL").rows() == [
        (1, day(57), day(57), day(57), "met", "300000000", CENSORED, "LB.3 LB.1"),
        (None, None, day(29), day(29), "unknown", ">170000000", CENSORED, "LB.2"),
        (None, None, day(85), day(85), "unknown", ">170000000", CENSORED, "LB.4"),
        (None, None, day(141), day(141), "unknown", None, "unreadable", "LB.6 LB.7"),
    ]
    once = doubts_as_one(rows).select("ASEQ", "ADTL", "ADTH", "REASON", "AVALT", "SRCALL").rows()
    assert once[1:] == [(None, day(29), day(141), "unreadable", None, "LB.2 LB.4 LB.6 LB.7")]
    assert first_of_each(rows)["ASEQ"].to_list() == [1]
    assert first_of_each(rows.filter(pl.col("ASEQ").is_null())).equals(doubts_as_one(rows).tail(1))


def test_an_unknown_part_leaves_the_whole_unknown(durva):
    records = (
        treated(Records()).series("hbv_dna", {1: 2.5e6, 29: ">170000000"}).series("alt", {1: 20, 29: 150})
    )
    adevt = derive_adevt(records.study_of(durva))
    assert occurrences(adevt, "hbv_hepatitis") == ["censored across the threshold"]
    assert occurrences(adevt, "hbv_hepatitis_linked") == ["censored across the threshold"]


LOST_AGAIN = {
    "HBsAg awaits confirmation since 27 days": (27, ["not yet due"]),
    "HBsAg awaits confirmation since 28 days": (28, ["not yet due"]),
    "HBsAg awaits confirmation since 29 days": (29, []),
}


def test_an_event_that_awaits_its_confirmation_is_settled_beyond_the_window(prtras):
    """`value < 10 IU/mL and had(hbsag_loss, 28 days)`: HBsAg was lost once, long before; if the last sample is another loss, it
    was that day and not later. HBV DNA more than 28 days after it has no loss in its window, whatever comes."""
    loaded = changed(prtras, {"events.functional_cure.when": "value < 10 IU/mL and had(hbsag_loss, 28 days)"})
    records = Records()
    for name, (days, _) in LOST_AGAIN.items():
        antigen("<0.05")(records, name)
        records.result("hbsag_quantity", week(90), 1.0, name).result(
            "hbsag_quantity", week(120), "<0.05", name
        )
        records.result("hbv_dna", on_day(36 + 7 * 120 + days), "<10", name)
    adevt = derive_adevt(records.study_of(loaded))
    assert occurrences(adevt, "hbsag_loss", name) == [on(week(48))]
    assert {name: occurrences(adevt, "functional_cure", name) for name in LOST_AGAIN} == {
        name: expected for name, (_, expected) in LOST_AGAIN.items()
    }


def test_what_may_have_happened_after_what_did_leaves_both_together_open(durva):
    """Both at any time: the second is in doubt on day 57, after the first was there; nobody can tell whether both were."""
    both = {"label": "both", "when": "had(hbv_reactivation) and had(hepatitis_flare)"}
    loaded = changed(durva, {"events.both": {**both, "status": "assumed", "reason": "a test"}})
    records = (
        treated(Records()).series("hbv_dna", {1: 2000, 29: 200_000, 57: 100}).series("alt", {1: 40, 29: 40})
    )
    records.result("alt", on_day(57), "?")
    adevt = derive_adevt(records.study_of(loaded))
    assert occurrences(adevt, "hbv_reactivation") == [day(29)]
    assert occurrences(adevt, "both") == ["unreadable"]
    assert adevt.filter(pl.col("EVENT") == "both")["ADTL"].to_list() == [day(57)]


def days_of(adevt, event, subject="1"):
    rows = adevt.filter((pl.col("EVENT") == event) & (pl.col("USUBJID") == subject))
    return rows.select("AVALC", "ADTL", "REASON").rows()


def test_a_flare_that_may_have_ended_may_be_followed_by_another(durva):
    """ALT 150 on day 29, 50 on day 57. If that of day 85 was 100 or less, two in a row ended the flare and day 113 begins
    another; if it was more, the first went on, or another began on day 85. With 50 in its place it is known."""
    records, values = Records(), {1: 30, 29: 150, 57: 50, 113: 150}
    for name, unreadable in (("?", "?"), ("50", 50), ("150", 150)):
        treated(records, name, until=141).series("alt", {**values, 85: unreadable}, name)
    adevt = derive_adevt(records.study_of(durva))
    assert days_of(adevt, "hepatitis_flare", "?") == [
        ("met", day(29), None), ("unknown", day(85), "unreadable"), ("unknown", day(113), "unreadable"),
    ]  # fmt: skip
    assert occurrences(adevt, "hepatitis_flare", "50") == [day(29), day(113)]
    assert occurrences(adevt, "hepatitis_flare", "150") == [day(29)]


MOMENTS = {
    "up_to_first": "value >= 1 IU/mL and date <= first hbv_reactivation",
    "up_to_last": "value >= 1 IU/mL and date <= last hbv_reactivation",
    "no_flare_after": "value >= 1 IU/mL and not had(hepatitis_flare, 28 days after last hbv_reactivation)",
}


def test_a_moment_told_by_what_may_have_happened_is_not_sure_to_come(durva):
    """Reactivation on day 57 in "sure" and "both", in "maybe" and "both" perhaps on day 85. Where nobody knows that there was
    one, nothing comes surely before it; the last of two is that of day 57 if the other is none. A flare on day 85 lies
    within 28 days after either."""
    told = {"of": "hbv_dna", "status": "assumed", "reason": "a test"}
    more = {f"events.{name}": {"label": name, "when": when, **told} for name, when in MOMENTS.items()}
    records = Records()
    for name, dna in (
        ("sure", {57: 1e6, 85: 10}),
        ("maybe", {57: 10, 85: "?"}),
        ("both", {57: 1e6, 85: "?"}),
    ):
        treated(records, name, until=141).series("hbv_dna", {1: 2000, **dna, 113: 10}, name)
        records.series("alt", {1: 40, 85: 400}, name)
    adevt = derive_adevt(records.study_of(changed(durva, more)))

    def found(event, name):
        return {when: verdict for verdict, when, _ in days_of(adevt, event, name)}

    met, unknown = "met", "unknown"
    assert found("up_to_first", "sure") == found("up_to_first", "both") == {day(1): met, day(57): met}
    assert found("up_to_last", "sure") == {day(1): met, day(57): met}
    for event in (
        "up_to_first",
        "up_to_last",
    ):  # of day 113, too: what may have happened is of an unknown time
        assert found(event, "maybe") == {day(one): unknown for one in (1, 57, 85, 113)}
    assert found("up_to_last", "both") == {day(1): met, day(57): met, day(85): unknown, day(113): unknown}
    at_113 = [found("no_flare_after", name).get(day(113)) for name in ("sure", "maybe", "both")]
    assert at_113 == [None, unknown, unknown]


def test_a_rule_without_rows_is_not_met_again_where_only_something_may_have_happened(durva):
    """Both had happened by day 29. Day 57 tells of nothing but ALT that nobody can read: if it was no flare, nothing is
    recorded there that the rule asks for."""
    both = {"label": "both", "when": "had(hbv_reactivation) and had(hepatitis_flare)"}
    loaded = changed(durva, {"events.both": {**both, "status": "assumed", "reason": "a test"}})
    records = treated(Records()).series("hbv_dna", {1: 2000, 29: 200_000})
    records.series("alt", {1: 40, 29: 150, 43: 50, 50: 50, 57: "?"})
    adevt = derive_adevt(records.study_of(loaded))
    assert days_of(adevt, "both") == [("met", day(29), None), ("unknown", day(57), "unreadable")]


def test_an_event_of_what_may_have_happened_may_be_on_the_day_of_that(durva):
    """A scan on day 85 that nobody can read may be one that could be judged, and then may show the response seen on day 113:
    on that day, not from it on."""
    records = treated(Records())
    for when, response in ((57, "SD"), (85, "?"), (113, "PR"), (141, "PR")):
        records.add(
            "RS", "1", RSTESTCD="OVRLRESP", RSCAT="RECIST 1.1", RSEVAL="INVESTIGATOR", RSSTRESC=response, RSDTC=on_day(when)
        )  # fmt: skip
    rows = derive_adevt(records.study_of(durva)).filter(pl.col("EVENT") == "tumour_response")
    open_ = rows.filter(pl.col("AVALC") == "unknown").select("ADTL", "ADTH").rows()
    assert (day(85), day(85)) in open_
    assert all(first == last for first, last in open_)


@pytest.mark.parametrize(("dna", "expected"), [
    pytest.param({29: "?"}, [("met", 57), ("unknown", 29)], id="perhaps on the day of what may have been"),
    pytest.param({15: 1e6, 29: "?"}, [("met", 15), ("unknown", 29)], id="perhaps later than on that of what surely was"),
    pytest.param({15: "?", 29: 1e6}, [("met", 29)], id="what may have been before that changes nothing"),
    pytest.param({29: 10}, [("met", 57)], id="nothing was"),
])  # fmt: skip
def test_an_event_may_be_dated_to_what_may_have_happened(durva, dna, expected):
    """ALT above 100 U/L on day 57, dated to the last reactivation within 60 days before, and to its own day without one."""
    event = {
        "label": "seen",
        "of": "alt",
        "when": "value > 100 U/L",
        "dated to": "hbv_reactivation",
        "within": "60 days",
    }
    loaded = changed(durva, {"events.seen": {**event, "status": "assumed", "reason": "a test"}})
    records = treated(Records()).series("hbv_dna", {1: 2000, **dna}).series("alt", {1: 40, 57: 130})
    found = days_of(derive_adevt(records.study_of(loaded)), "seen")
    assert [(verdict, when) for verdict, when, _ in found] == [
        (verdict, day(number)) for verdict, number in expected
    ]


ASKED_OF_EVENTS = {
    "both": {"all of": ["hbv_reactivation", "hepatitis_flare"]},
    "both_close": {"all of": ["hbv_reactivation", "hepatitis_flare"], "within": "60 days"},
    "either": {"any of": ["hbv_reactivation", "hepatitis_flare"]},
    "dated": {"of": "alt", "when": "value > 100 U/L", "dated to": "hbv_reactivation", "within": "60 days"},
    "both_by_now": {"when": "had(hbv_reactivation) and had(hepatitis_flare)"},
    "after_a_flare": {"of": "hbv_dna", "when": "value >= 1 IU/mL and had(hepatitis_flare, 60 days)"},
    "without_a_flare": {"of": "hbv_dna", "when": "value >= 1 IU/mL and not had(hepatitis_flare, 60 days)"},
    "seldom": {"of": "hbv_dna", "when": "value >= 1 IU/mL and count(hbv_reactivation, 60 days) = 0"},
    "long_after": {"of": "hbv_dna", "when": "value >= 1 IU/mL and date >= first hbv_reactivation + 28 days"},
    "before_the_last": {
        "of": "hbv_dna",
        "when": "value >= 1 IU/mL and date <= last hbv_reactivation + 28 days",
    },
    "after_the_last": {"of": "hbv_dna", "when": "value >= 1 IU/mL and date > last hbv_reactivation"},
}
SAMPLES = st.tuples(st.sampled_from(["hbv_dna", "alt"]), st.sampled_from([29, 43, 57, 71, 85, 99, 120, 150]))
SEEN = st.dictionaries(SAMPLES, st.integers(0, 3), min_size=2, max_size=10)
LEVELS = {"hbv_dna": (10, 5000, 1e7), "alt": (20, 130, 400)}
WINDOWS = [(a, b) for a in (-99, 36, 64, 92) for b in (50, 78, 106, 400) if a < b]


def told_of(rows, window):
    """Met, not met or unknown within two study days, by the rows of an event of one person."""
    first, last = map(day, window)
    inside = [what for what, on in rows if first <= on <= last]
    return "met" if "met" in inside else "unknown" if inside else "not met"


@pytest.fixture(scope="module")
def with_events_of_events(durva):
    about = {"status": "assumed", "reason": "a test"}
    return changed(
        durva,
        {f"events.{name}": {"label": name, **event, **about} for name, event in ASKED_OF_EVENTS.items()},
    )


@settings(max_examples=5, deadline=None)
@given(persons=st.lists(SEEN, min_size=12, max_size=12))
def test_samples_that_nobody_can_read_settle_nothing(with_events_of_events, persons):
    """In each window an event is as it is without them, or unknown: never met where it is not, nor the other way."""
    records = Records()
    for number, seen in enumerate(persons):
        for name, is_kept in ((f"{number} all", True), (f"{number} read", False)):
            treated(records, name, until=113).series("hbv_dna", {1: 2000}, name).series("alt", {1: 40}, name)
            for (fact, when), level in seen.items():
                if level < 3 or is_kept:
                    records.result(fact, on_day(when), LEVELS[fact][level] if level < 3 else "?", name)
    adevt = derive_adevt(records.study_of(with_events_of_events))
    found = {}
    for name, event, what, on in adevt.select("USUBJID", "EVENT", "AVALC", "ADTL").iter_rows():
        found.setdefault((name, event), []).append((what, on))
    for number in range(len(persons)):
        for event in ("hbv_reactivation", "hepatitis_flare", *ASKED_OF_EVENTS):
            for window in WINDOWS:
                all_, read = (
                    told_of(found.get((f"{number} {which}", event), ()), window) for which in ("all", "read")
                )
                assert all_ in ("unknown", read), (event, window, persons[number])


# --- laws -------------------------------------------------------------------------------------------------------------

DNA_DAYS = (-10, 1, 29, 57, 85, 120)


def values(*known):
    return st.lists(st.sampled_from([*known, None]), min_size=len(DNA_DAYS), max_size=len(DNA_DAYS))


cohorts = st.lists(
    st.tuples(values(20.0, 2000.0, 199_999.0, 200_000.0, 5e6), values(20.0, 60.0, 100.0, 101.0, 300.0)),
    min_size=6,
    max_size=12,
)
few = settings(max_examples=3, deadline=None)


def cohort(persons, when=None, raised=None):
    """Treated persons with HBV DNA and ALT on the same days; on one day `raised` stands for the HBV DNA of all."""
    records = Records()
    for number, series in enumerate(persons):
        subject = f"{number:02}"
        records.person(subject).doses("durvalumab", [1, 29, 57, 85], subject).dose(
            "entecavir", on_day(3), on_day(200), subject
        )
        for fact, known in zip(("hbv_dna", "alt"), series, strict=True):
            for one, value in zip(DNA_DAYS, known, strict=True):
                value = raised if fact == "hbv_dna" and one == when else value
                if value is not None:
                    records.result(fact, on_day(one), value, subject)
    return records.tables


@given(cohorts, st.integers(0, 99))
@few
def test_order_and_repetition_of_records_never_matter(durva, persons, seed):
    tables = cohort(persons)
    again = {
        name: pl.concat([table, table.head(9)]).sample(fraction=1, shuffle=True, seed=seed)
        for name, table in tables.items()
    }
    assert_frame_equal(derive_adevt(make_study(durva, tables)), derive_adevt(make_study(durva, again)))


@given(cohorts, st.sampled_from(DNA_DAYS[2:]))
@few
def test_raising_a_value_never_removes_a_reactivation(durva, persons, when):
    before, after = (
        derive_adevt(make_study(durva, tables)) for tables in (cohort(persons), cohort(persons, when, 1e9))
    )
    is_met = (
        (pl.col("EVENT") == "hbv_reactivation") & (pl.col("AVALC") == "met") & (pl.col("ADT") != day(when))
    )
    assert set(before.filter(is_met).select("USUBJID", "ADT").rows()) <= set(
        after.filter(is_met).select("USUBJID", "ADT").rows()
    )


@given(cohorts, st.sampled_from([10, 29, 60, 85, 119]))
@few
def test_a_cut_is_the_records_up_to_it(durva, persons, cut):
    tables, last = cohort(persons), on_day(cut)
    known = tables | {
        "LB": tables["LB"].filter(pl.col("LBDTC") <= last),
        "EX": tables["EX"]
        .filter(pl.col("EXSTDTC") <= last)
        .with_columns(EXENDTC=pl.when(pl.col("EXENDTC") <= last).then("EXENDTC")),
    }
    at_cut, truncated = (
        derive_adevt(make_study(durva, tables, cut=day(cut))),
        derive_adevt(make_study(durva, known)),
    )
    assert_frame_equal(at_cut, truncated)


@given(cohorts)
@few
def test_many_studies_at_once_are_each_by_itself(durva, persons):
    halves = [cohort(persons[::2]), cohort(persons[1::2])]
    at_once = {
        name: pl.concat(
            [
                half[name].with_columns(TRIAL=pl.lit(str(trial)))
                for trial, half in enumerate(halves)
                if name in half
            ],
            how="diagonal",
        )
        for name in halves[0]
    }
    both = derive_adevt(make_study(durva, at_once, keys=["TRIAL"]))
    for trial, tables in enumerate(halves):
        of_it = both.filter(pl.col("TRIAL") == str(trial)).drop("TRIAL", "SUBJECT")
        assert_frame_equal(of_it, derive_adevt(make_study(durva, tables)).drop("SUBJECT"))


@given(cohorts)
@few
def test_one_patient_at_a_time_finds_the_same_onsets(durva, persons):
    """The reader of one person, over the same observations, at the rows after baseline."""
    facts = known_facts(make_study(durva, cohort(persons)))
    adevt = derive_adevt(facts.study, facts)
    scope = facts.asked.scope
    rows = facts.records_of("hbv_dna", "alt", "durvalumab", "entecavir")
    for number, person in as_persons(rows, facts.subjects_at(None), scope.facts, scope.periods):
        for event in (
            "hbv_reactivation",
            "hepatitis_flare",
            "hbv_dna_10_fold_over_nadir",
            "virological_breakthrough",
        ):
            rule = facts.rules[f"events.{event}.when"]
            judged = judge_rows(
                rule.condition, person, type(scope)(scope.facts, scope.periods, rule.scope.rows_of)
            )
            later = [(row.date.earliest, one.verdict) for row, one in judged if row.date.earliest > day(1)]
            met = sorted(when for when, verdict in later if verdict.is_met)
            found = occurrences(adevt, event, f"{number:02}")
            if met:
                assert found[0] == met[0]
            else:
                assert bool(found) == any(not verdict.is_known for _, verdict in later)
