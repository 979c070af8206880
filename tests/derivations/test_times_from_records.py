"""From SDTM records to times: the worked examples of progression, several trials at once, and the cut."""

from datetime import date

import polars as pl
import pytest
from tests.derivations.lives import changed, shipped
from tests.derivations.small_studies import Records, on_day

from trialwright.derivations.adevt import derive_adevt
from trialwright.derivations.adrate import derive_adrate
from trialwright.derivations.adsl import derive_adsl
from trialwright.derivations.adtte import derive_adtte
from trialwright.derivations.datasets import derive_datasets
from trialwright.derivations.events import known_facts
from trialwright.derivations.study import make_study

EXAMPLES = {
    "TE-01": {"SD": ["03-06", "05-01"], "PD": ["07-03"]},
    "TE-02": {"SD": ["03-06", "04-02"], "death": "08-15"},
    "TE-03": {"SD": ["04-02"], "death": "11-20"},
    "TE-04": {"SD": ["04-02"], "PD": ["10-01"]},
    "TE-05": {"SD": ["04-02"], "PD": ["10-02"]},
    "TE-06": {"SD": ["03-06"], "PD": ["06-26"], "therapy": "05-10"},
    "TE-07": {"alive": "04-20"},
    "TE-08": {"death": "03-01"},
    "TE-09": {"SD": ["03-06"], "NE": ["05-01"]},
    "TE-10": {"SD": ["05-01"], "PD": ["07-03"], "death": "07-03"},
}
EXPECTED = {
    "TE-01": (176, True, 176, True), "TE-02": (219, True, 84, False), "TE-03": (84, False, 84, False),
    "TE-04": (266, True, 266, True), "TE-05": (84, False, 84, False), "TE-06": (57, False, 57, False),
    "TE-07": (1, False, 1, False), "TE-08": (52, True, 1, False), "TE-09": (57, False, 57, False),
    "TE-10": (176, True, 176, True),
}  # fmt: skip
"""PFS and TTP of recist.md, 8: days, and whether it is an event."""


def tables(examples=EXAMPLES, trial=None):
    records = Records("DURVA-HBV")
    for id_, told in examples.items():
        death = told.get("death")
        dead = {"DTHDTC": f"2024-{death}", "DTHFL": "Y"} if death else {}
        records.add("DM", id_, RFICDTC="2024-01-02", SEX="M", AGE=50.0, **dead)
        records.add("EX", id_, EXTRT="DURVALUMAB", EXDOSE=1500.0, EXSTDTC="2024-01-10", EXENDTC="2024-01-10")
        for response in ("SD", "NE", "PD"):
            for day in told.get(response, ()):
                records.add(
                    "RS", id_, RSTESTCD="OVRLRESP", RSCAT="RECIST 1.1", RSEVAL="INVESTIGATOR", RSSTRESC=response,
                    RSDTC=f"2024-{day}",
                )  # fmt: skip
        for key, category, decoded in (
            ("therapy", "OTHER EVENT", "NEW ANTICANCER THERAPY"),
            ("alive", "OTHER EVENT", "ALIVE"),
        ):
            if key in told:
                records.add("DS", id_, DSCAT=category, DSDECOD=decoded, DSSTDTC=f"2024-{told[key]}")
    made = {domain: pl.DataFrame(rows, infer_schema_length=None) for domain, rows in records.rows.items()}
    return (
        made if trial is None else {name: one.with_columns(TRIAL=pl.lit(trial)) for name, one in made.items()}
    )


def derive(made, loaded=None, **options):
    study = make_study(loaded or shipped("nct04294498"), made, **options)
    facts = known_facts(study)
    adsl, adevt = derive_adsl(study, facts), derive_adevt(study, facts)
    return (
        derive_adtte(study, adsl, adevt, facts.observations),
        derive_adrate(study, adsl, adevt, facts.observations),
    )


@pytest.fixture(scope="module")
def adtte():
    return derive(tables())[0]


def test_worked_examples_from_their_records(adtte):
    found = {}
    for id_ in EXAMPLES:
        rows = adtte.filter((pl.col("USUBJID") == id_) & (pl.col("ANL01FL") == "Y"))
        pfs, ttp = (rows.filter(pl.col("PARAMCD") == name).row(0, named=True) for name in ("PFS", "TTP"))
        found[id_] = (pfs["AVAL"], pfs["CNSR"] == 0, ttp["AVAL"], ttp["CNSR"] == 0)
    assert found == EXPECTED


def test_each_time_leads_back_to_its_records(adtte):
    rows = adtte.filter(pl.col("PARAMCD") == "TTP")
    sources = dict(rows.select("USUBJID", "SRCALL").rows())
    assert sources["TE-01"] == "RS.3"
    assert sources["TE-02"] == "RS.2 DM"  # the last scan, and the death that ended the follow-up
    assert sources["TE-06"] == "RS.1 DS.1"
    assert sources["TE-07"] is None
    assert rows.filter(pl.col("USUBJID") == "TE-07")["SRCDOM"].to_list() == ["ADSL"]


def test_trials_derived_at_once_are_those_derived_alone(adtte):
    some = {id_: EXAMPLES[id_] for id_ in ("TE-02", "TE-05", "TE-07")}
    parts = [tables(trial="a"), tables(some, trial="b")]
    names = sorted({name for part in parts for name in part})
    joined = {
        name: pl.concat([part[name] for part in parts if name in part], how="diagonal_relaxed")
        for name in names
    }
    both = derive(joined, keys=["TRIAL"])
    for trial, alone in (("a", derive(tables())), ("b", derive(tables(some)))):
        for together, one in zip(both, alone, strict=True):
            assert (
                together.filter(pl.col("TRIAL") == trial).drop("TRIAL", "SUBJECT").equals(one.drop("SUBJECT"))
            )


def test_what_lies_after_the_cut_does_not_exist():
    early, _ = derive(tables({"TE-01": EXAMPLES["TE-01"]}), cut=date(2024, 6, 1))
    rows = early.filter(pl.col("PARAMCD").is_in(["PFS", "OS"]))
    assert rows.select("PARAMCD", "ADT", "CNSR").rows() == [
        ("PFS", date(2024, 5, 1), 1),
        ("OS", date(2024, 5, 1), 1),
    ]


@pytest.mark.parametrize(
    ("death", "expected"),
    [
        pytest.param(
            "2024",
            ("censored", 124.0, None),
            id="in a year that goes on after the cut: last known alive on 12 May",
        ),
        pytest.param("2024-07", ("censored", 124.0, None), id="in the month of the cut"),
        pytest.param(
            "2024-06",
            ("event", 144.0, None),
            id="in a month that is over: its first day, counted from 10 January",
        ),
        pytest.param("2024-07-15", ("event", 188.0, None), id="on the day of the cut"),
    ],
)
def test_a_death_that_may_lie_after_the_cut_is_no_event_yet(death, expected):
    made = tables({"X": {"alive": "05-12"}})
    made["DM"] = made["DM"].with_columns(DTHDTC=pl.lit(death), DTHFL=pl.lit("Y"))
    study = make_study(shipped("nct04294498"), made, cut=date(2024, 7, 15))
    facts = known_facts(study)
    times = derive_adtte(study, derive_adsl(study, facts), derive_adevt(study, facts), facts.observations)
    row = times.filter(PARAMCD="OS", ANL01FL="Y").row(0, named=True)
    assert (row["EVNTTYPE"], row["AVAL"], row["REASON"]) == expected


# --- windows that begin after the first occurrence ---------------------------------------------------------------------

UNKNOWN_UNIT = {"LBSTRESU": None, "LBORRESU": None}


@pytest.fixture(scope="module")
def weeks_12_to_24():
    """HBV reactivation, as a rate and a time, within weeks 12 to 24 from the first dose only."""
    window = {
        "periods.late": {"span": "first durvalumab + 12 weeks to first durvalumab + 24 weeks"},
        "endpoints.reactivation.during": "late",
        "endpoints.time_to_reactivation.during": "late",
    }
    return changed(shipped("nct04294498"), window)


@pytest.mark.parametrize(
    ("doubtful", "rate", "time"),
    [
        pytest.param(None, ("not met", None), "censored", id="all later samples can be judged"),
        pytest.param(15, ("not met", None), "censored", id="one that cannot lies before the first, and the window"),
        pytest.param(57, ("not met", None), "censored", id="one that cannot lies after the first, before the window"),
        pytest.param(113, ("unknown", "unit unknown"), "not evaluable", id="one that cannot lies in the window"),
        pytest.param(190, ("not met", None), "censored", id="one that cannot lies after it"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_after_the_first_occurrence(weeks_12_to_24, doubtful, rate, time):
    """A hundredfold on day 29, and later samples under it: only the one without its unit may be a second one."""
    records = Records().person().doses("durvalumab", range(1, 200, 28))
    records.series("hbv_dna", {1: 2000, 29: 200_000, 85: 100, 141: 100, 169: 100, 197: 100})
    if doubtful:
        records.result("hbv_dna", on_day(doubtful), 500_000, **UNKNOWN_UNIT)
    adtte, adrate = derive(records.tables, weeks_12_to_24)
    found = adrate.filter(pl.col("PARAMCD") == "REACTIVATION").row(0, named=True)
    assert (found["AVALC"], found["REASON"]) == rate
    found = adtte.filter(pl.col("PARAMCD") == "TIME_TO_REACTIVATION").row(0, named=True)
    assert (found["EVNTTYPE"], found["REASON"]) == (time, rate[1])


@pytest.mark.parametrize(
    ("assigned", "told"),
    [
        pytest.param([on_day(1)], (100, None), id="once"),
        pytest.param([on_day(1), on_day(1)], (100, None), id="twice on a day"),
        pytest.param([on_day(1), on_day(20)], (None, "imprecise date"), id="on two days"),
        pytest.param([on_day(20), on_day(1)], (None, "imprecise date"), id="in the other order"),
    ],
)
def test_a_start_that_is_recorded_on_two_days_is_neither(assigned, told):
    records = Records().person(DTHDTC=on_day(100), DTHFL="Y")
    for when in assigned:
        records.milestone("group_assignment", when)
    study = records.study_of("nct07120750")
    facts = known_facts(study)
    adsl = derive_adsl(study, facts=facts)
    adevt = derive_adevt(study, facts=facts)
    rows = derive_adtte(study, adsl, adevt, facts.observations).filter(pl.col("ANL01FL") == "Y")
    assert rows.filter(PARAMCD="OS").select("AVAL", "REASON").row(0) == told
    rates = derive_adrate(study, adsl, adevt, facts.observations)
    assert (rates["REASON"] == "imprecise date").fill_null(value=False).all() == (told[1] is not None)


def with_central(words, **told):
    """What the local reader says of one person, and the same scans by words of the central one; of another both could judge."""
    made = tables({"S1": told, "S0": {"SD": ["03-06"]}})
    words = [*words, "SD"]
    scans = list(made["RS"].iter_rows(named=True))
    central = [
        {**row, "RSSEQ": len(scans) + number, "RSEVAL": "INDEPENDENT ASSESSOR", "RSSTRESC": word}
        for number, (row, word) in enumerate(zip(scans, words, strict=True), start=1)
        if word
    ]
    return {**made, "RS": pl.DataFrame([*scans, *central], schema=made["RS"].schema)}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["NE"], ("censored", 1.0, None), id="a scan that the central reader could not judge"),
        pytest.param(["SD"], ("censored", 57.0, None), id="one that both could judge"),
    ],
)
@pytest.mark.parametrize("reader", ["local", "central"])
def test_who_could_not_judge_a_scan_has_read_it(words, expected, reader):
    """Nothing happened that the one saw: censored on day 1, as of whoever was not scanned; that is no fault of the data."""
    made = with_central(words, SD=["03-06"])
    if reader == "local":
        swapped = {"INVESTIGATOR": "INDEPENDENT ASSESSOR", "INDEPENDENT ASSESSOR": "INVESTIGATOR"}
        made["RS"] = made["RS"].with_columns(pl.col("RSEVAL").replace(swapped))
    loaded = shipped("nct04294498")
    found = derive_datasets(make_study(loaded, made), only=("ADTTE",)).tables["ADTTE"]
    own = (pl.col("PARAMCD") == "PFS") & (pl.col("READER") == reader) & (pl.col("USUBJID") == "S1")
    row = found.filter(own).row(0, named=True)
    assert (row["EVNTTYPE"], row["AVAL"], row["REASON"]) == expected


def test_a_death_counts_for_the_reader_who_could_not_judge():
    made = with_central(["NE"], SD=["03-06"], death="04-01")
    found = derive_datasets(make_study(shipped("nct04294498"), made), only=("ADTTE",)).tables["ADTTE"]
    rows = found.filter((pl.col("PARAMCD") == "PFS") & (pl.col("USUBJID") == "S1"))
    assert rows.select("READER", "EVNTTYPE", "AVAL").rows() == [
        ("central", "event", 83.0),
        ("local", "event", 83.0),
    ]


def test_scans_that_the_central_reader_has_not_read_are_no_absence_of_scans():
    """One person is read by both; of another the central reader has read nothing."""
    made = with_central(["SD"], SD=["03-06"])
    other = tables({"S2": {"SD": ["03-06"]}})
    both = {name: pl.concat([made[name], other[name]], how="diagonal_relaxed") for name in made}
    found = derive_datasets(make_study(shipped("nct04294498"), both), only=("ADTTE",)).tables["ADTTE"]
    rows = found.filter((pl.col("PARAMCD") == "PFS") & (pl.col("USUBJID") == "S2"))
    assert rows.select("READER", "EVNTTYPE", "REASON").rows() == [
        ("central", "not evaluable", "missing"),
        ("local", "censored", None),
    ]


@pytest.mark.parametrize(
    ("therapy", "maybe"),
    [
        pytest.param("03-10", None, id="a day before the progression"),
        pytest.param("03", date(2024, 3, 20), id="a day of the same month"),
        pytest.param("02", None, id="a day of the month before"),
    ],
)
def test_a_progression_that_may_lie_before_new_therapy_is_told(therapy, maybe):
    made = tables({"S1": {"SD": ["02-20"], "PD": ["03-20"], "therapy": therapy}})
    derived = derive_datasets(make_study(shipped("nct04294498"), made), only=("ADTTE",))
    row = derived.tables["ADTTE"].filter(PARAMCD="TTP").row(0, named=True)
    assert (row["EVNTTYPE"], row["MAYBEDT"]) == ("censored", maybe)
    told = [one for one in derived.problems if one.code == "end-of-unknown-day"]
    assert len(told) == (
        0 if maybe is None else len(derived.tables["ADTTE"].filter(pl.col("MAYBEDT") == maybe))
    )
    if maybe:
        assert "subject `S1` was censored for `" in told[0].message
        assert "(2024-03-20)" in told[0].message
