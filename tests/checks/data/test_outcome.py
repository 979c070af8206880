"""What checking data gives as a whole: what was asked, what is left out, and that order and gaps never matter."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.checks.data.sound import SOUND, TODAY, loaded, outcome, records, tables

from trialwright.checks.data.record_checks import ALL_DATA_CHECKS, check_records, find_data_check
from trialwright.checks.data.telling import render_data_outcome
from trialwright.records.dataset import Dataset
from trialwright.records.files import Records, read_dataset
from trialwright.records.sdtm import empty_table
from trialwright.vocabulary.problems import Severity

CDISC = Path(__file__).parents[2] / "records" / "cdisc"
FAULTS = """
DM: [{ USUBJID: D-01, AGE: 40 }]
LB:
  - { USUBJID: D-01, LBSEQ: 12, LBORRES: 4.5 }
  - { USUBJID: D-01, LBSEQ: 90, LBTESTCD: ALT, LBORRES: 310, LBORRESU: U/L, LBDTC: 2026-02-17 }
  - { USUBJID: D-02, LBSEQ: 91, LBTESTCD: BILI, LBORRES: 14, LBDTC: 2026-03-20 }
  - { USUBJID: D-09, LBSEQ: 1, LBTESTCD: ALT, LBORRES: 31, LBORRESU: U/L, LBDTC: 2026-02-17 }
TR: [{ USUBJID: D-01, TRSEQ: 6, TRSTRESN: 70 }]
AE: [{ USUBJID: D-01, AESEQ: 1, AETOXGR: '4', AESER: ~ }]
EX: [{ USUBJID: D-01, EXSEQ: 3, EXSTDTC: 2026-03-01, EXENDTC: 2026-03-01, EXDOSE: 150 }]
"""
FOUND = {
    ("age-contradicts-birth", "DM", "D-01", None),
    ("logarithm-as-number", "LB", "D-01", 12),
    ("below-the-assays-limit", "LB", "D-01", 12),
    ("results-differ", "LB", "D-01", 3),
    ("results-differ", "LB", "D-01", 90),
    ("unit-missing", "LB", "D-02", 91),
    ("record-after-death", "LB", "D-02", 91),
    ("subject-not-in-dm", "LB", "D-09", 1),
    ("sum-not-of-its-lesions", "TR", "D-01", 6),
    ("seriousness-missing", "AE", "D-01", 1),
    ("dose-not-planned", "EX", "D-01", 3),
    ("interval-too-short", "EX", "D-01", 3),
}


def places(found):
    return set(found.findings.select("CODE", "DATASET", "USUBJID", "SEQ").rows())


def of_tables(frames):
    return Records({name: Dataset(name=name, table=table, file=name) for name, table in frames.items()})


def test_several_faults_are_found_each_at_its_place():
    assert places(outcome("durvalumab", FAULTS)) == FOUND


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_order_of_records_never_matters(seed):
    shuffled = {
        name: table.sample(fraction=1, shuffle=True, seed=seed + n)
        for n, (name, table) in enumerate(tables("durvalumab", FAULTS).items())
    }
    assert places(check_records(of_tables(shuffled), loaded("durvalumab"), today=TODAY)) == FOUND


def test_the_record_is_that_of_the_file():
    found = outcome("durvalumab", FAULTS).findings.filter(pl.col("CODE") == "subject-not-in-dm")
    table = tables("durvalumab", FAULTS)["LB"]
    assert table["USUBJID"][found["ROW"][0] - 1] == "D-09"


@pytest.mark.parametrize("base", SOUND)
def test_any_dataset_may_be_missing(base):
    for name in tables(base):
        rest = {other: table for other, table in tables(base).items() if other != name}
        found = check_records(of_tables(rest), loaded(base), today=TODAY)
        needing = {one.code for one in ALL_DATA_CHECKS if name in one.needs}
        assert needing <= set(found.not_asked)
        assert found.n_asked + len(found.not_asked) == len(ALL_DATA_CHECKS)


@pytest.mark.parametrize("base", SOUND)
def test_every_dataset_may_be_empty(base):
    found = check_records(
        of_tables({name: empty_table(name) for name in tables(base)}), loaded(base), today=TODAY
    )
    assert set(found.findings["CODE"]) <= {"measure-never-recorded"}
    assert found.n_asked + len(found.not_asked) == len(ALL_DATA_CHECKS)


def test_variables_that_may_be_missing_are_missing():
    """Only what SDTM requires: nothing can be judged, and nothing fails."""
    bare = {}
    for name, table in tables("durvalumab").items():
        required = [column for column in table.columns if column in REQUIRED[name]]
        bare[name] = table.select(required)
    found = check_records(of_tables(bare), loaded("durvalumab"), today=TODAY)
    assert "undated-record" in found.findings["CODE"].to_list()


REQUIRED = {
    "DM": ("STUDYID", "DOMAIN", "USUBJID", "SUBJID", "SITEID", "SEX", "COUNTRY"),
    "DS": ("STUDYID", "DOMAIN", "USUBJID", "DSSEQ", "DSTERM", "DSDECOD"),
    "EX": ("STUDYID", "DOMAIN", "USUBJID", "EXSEQ", "EXTRT"),
    "LB": ("STUDYID", "DOMAIN", "USUBJID", "LBSEQ", "LBTESTCD", "LBTEST"),
    "TU": ("STUDYID", "DOMAIN", "USUBJID", "TUSEQ", "TUTESTCD", "TUTEST"),
    "TR": ("STUDYID", "DOMAIN", "USUBJID", "TRSEQ", "TRTESTCD", "TRTEST"),
    "RS": ("STUDYID", "DOMAIN", "USUBJID", "RSSEQ", "RSTESTCD", "RSTEST"),
    "AE": ("STUDYID", "DOMAIN", "USUBJID", "AESEQ", "AETERM", "AEDECOD"),
    "SV": ("STUDYID", "DOMAIN", "USUBJID", "VISITNUM"),
    "FA": ("STUDYID", "DOMAIN", "USUBJID", "FASEQ", "FATESTCD", "FATEST", "FAOBJ"),
}


def test_without_a_protocol_the_rest_is_asked_and_the_gap_is_told():
    found = check_records(records("durvalumab"), today=TODAY)
    assert set(found.not_asked) == {one.code for one in ALL_DATA_CHECKS if one.needs_protocol}
    assert "Not asked, for there is no protocol: " in render_data_outcome(found, "data", "text")


def test_what_is_ignored_is_not_told_and_is_counted():
    ignored = {code for code, *_ in FOUND} - {"unit-missing"}
    found = outcome("durvalumab", FAULTS, ignore=ignored)
    assert places(found) == {("unit-missing", "LB", "D-02", 91)}
    assert f", {len(ignored)} ignored; " in render_data_outcome(found, "data", "text")


def test_problems_of_one_table_are_told_with_their_subject():
    frames = tables("durvalumab")
    dates = frames["LB"]["LBDTC"].to_list()
    dates[16] = "2026-02-30"
    frames["LB"] = frames["LB"].with_columns(pl.Series("LBDTC", dates))
    found = check_records(of_tables(frames), loaded("durvalumab"), today=TODAY).findings
    row = found.filter(pl.col("CODE") == "unreadable-date").row(0, named=True)
    assert (row["DATASET"], row["VARIABLE"], row["ROW"], row["USUBJID"], row["SEQ"]) == (
        "LB",
        "LBDTC",
        17,
        "D-02",
        1,
    )


def test_a_whole_virtual_study_is_no_fault():
    frames = {
        name: table.with_columns(STUDYID=pl.lit("DURVA-HBV-SIM"), SIMULATED=pl.lit("Y"))
        for name, table in tables("durvalumab").items()
    }
    found = check_records(of_tables(frames), loaded("durvalumab"), today=TODAY)
    assert found.findings["CODE"].to_list() == []


def test_virtual_patients_may_live_in_years_to_come():
    frames = tables("durvalumab", "AE: [{ USUBJID: D-01, AESEQ: 1, AEENDTC: 2031-03-10 }]")
    virtual = {
        name: table.with_columns(STUDYID=pl.lit("S-SIM"), SIMULATED=pl.lit("Y"))
        for name, table in frames.items()
    }
    codes = [set(check_records(of_tables(one), today=TODAY).findings["CODE"]) for one in (frames, virtual)]
    assert codes == [{"date-in-the-future"}, set()]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"STUDYID": "DURVA-HBV-SIM", "SIMULATED": None}, id="virtual by its id, not marked"),
        pytest.param({"STUDYID": "DURVA-HBV", "SIMULATED": "Y"}, id="marked, with the id of a real study"),
    ],
)
def test_half_marked_virtual_studies_are(changed):
    frames = {
        name: table.with_columns(pl.lit(value, pl.String).alias(key) for key, value in changed.items())
        for name, table in tables("durvalumab").items()
    }
    found = check_records(of_tables(frames), loaded("durvalumab"), today=TODAY)
    datasets = found.findings.filter(pl.col("CODE") == "simulated-with-real")["DATASET"].unique()
    assert set(datasets) == set(frames)


def test_the_standards_own_examples_are_sound_but_for_known_gaps():
    """Their adverse events have no dictionary terms; nothing else."""
    datasets = [read_dataset(CDISC / f"{name}.json") for name in ("dm", "ds", "sv", "lb", "ae")]
    found = check_records(Records({one.name: one for one in datasets}), today=TODAY).findings
    assert set(found.select("CODE", "DATASET", "VARIABLE").rows()) == {("empty-value", "AE", "AEDECOD")}


def test_what_derivations_do_without_is_counted_by_dataset():
    left_out = outcome("durvalumab", FAULTS).left_out.rows()
    assert ("LB", "subject-not-in-dm", 1, "the record") in left_out
    assert ("LB", "unit-missing", 1, "the result: its unit counts as unknown") in left_out


# --- telling ----------------------------------------------------------------------------------------------------------


def test_of_many_alike_five_and_the_count():
    patch = "\n".join(
        ["LB:"]
        + [
            f"  - {{ USUBJID: D-01, LBSEQ: {100 + n}, LBTESTCD: BILI, LBORRES: {10 + n}, LBDTC: 2026-04-{10 + n} }}"
            for n in range(9)
        ]
    )
    text = render_data_outcome(outcome("durvalumab", patch), "data", "text")
    assert text.startswith(
        "LB.LBORRESU: error[unit-missing]: 9 records of 1 subject\n"
        "  D-01, LBSEQ 100 (record 21): 10 of BILI has no unit\n"
    )
    assert text.count("has no unit") == 5
    assert "  and 4 more\n" in text
    assert text.endswith(f"data: 9 errors in 67 records of 10 datasets; {len(ALL_DATA_CHECKS)} checks")


def test_json_has_every_record():
    found = outcome("durvalumab", FAULTS)
    data = json.loads(render_data_outcome(found, "data", "json"))
    told = {(one["code"], one["dataset"], one["subject"], one["sequence"]) for one in data["problems"]}
    assert told == FOUND
    assert data["n_errors"] == found.count(Severity.ERROR) == 4


def test_nothing_found_is_said():
    text = render_data_outcome(outcome("durvalumab"), "data", "text")
    assert text.splitlines()[-1].startswith("data: nothing found in ")


# --- the checks themselves --------------------------------------------------------------------------------------------


def test_codes_are_told_apart():
    codes = [one.code for one in ALL_DATA_CHECKS]
    assert len(set(codes)) == len(codes)
    assert find_data_check("results-differ").needs == ("LB",)
    assert find_data_check("no-such-check") is None
