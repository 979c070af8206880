"""ADLIVER: complications of the liver, treatment held or stopped for hepatitis, death."""

import random
from datetime import date

import polars as pl
import pytest
from tests.derivations.safety import FIRST, adsl_of, day, dose, study_of, table

from trialwright.derivations.adliver import derive_adliver
from trialwright.derivations.study import make_study

NO_EVENTS = pl.DataFrame(
    schema={"SUBJECT": pl.Int64, "EVENT": pl.String, "AVALC": pl.String, "ADTL": pl.Date, "ADTH": pl.Date}
)


def ae(term, when, action=None, **more):
    return {"AEDECOD": term, "AESTDTC": when, "AEACN": action} | more


OTHER = ae("Nausea", day(3), "DOSE NOT CHANGED")


def derive(*events, findings=(), reactivated=None, people=None, **columns):
    study = study_of(AE=table("AE", *events), FA=table("FA", *findings), EX=table("EX", dose(FIRST)))
    if people:
        study = make_study(study.loaded, {"DM": table("DM", people), "AE": table("AE", *events)})
    adevt = NO_EVENTS
    if reactivated:
        on = date.fromisoformat(reactivated)
        adevt = pl.DataFrame([(0, "hbv_reactivation", "met", on, on)], schema=NO_EVENTS.schema, orient="row")
    return derive_adliver(study, adsl_of(study, **columns), adevt)


def told(rows, code):
    row = rows.filter(pl.col("PARAMCD") == code).row(0, named=True)
    return row["AVALC"], row["REASON"], str(row["ADT"]) if row["ADT"] else None


@pytest.mark.parametrize(
    ("term", "codes"),
    [
        ("Ascites", {"ASCITES", "DECOMP"}),
        ("Hepatic encephalopathy", {"ENCEPHAL", "DECOMP"}),
        ("Oesophageal varices haemorrhage", {"VARBLEED", "DECOMP"}),
        ("Gastric variceal bleeding", {"VARBLEED", "DECOMP"}),
        ("Hepatorenal syndrome", {"DECOMP"}),
        ("Acute hepatic failure", {"LIVFAIL"}),
        ("Hepatic failure", {"LIVFAIL"}),
        ("Renal failure", set()),
        ("Oesophageal varices", set()),
        ("Encephalopathy", set()),
        ("Haemorrhage", set()),
    ],
)
def test_what_each_term_shows(term, codes):
    rows = derive(ae(term, day(20)))
    met = set(rows.filter(pl.col("AVALC") == "met")["PARAMCD"])
    assert met == codes
    assert set(rows.filter(pl.col("AVALC") == "not met")["PARAMCD"]) == set(rows["PARAMCD"]) - codes


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        pytest.param(day(-1), ("not met", None, None), id="before time zero"),
        pytest.param(str(FIRST), ("met", None, str(FIRST)), id="on its day"),
        pytest.param("2024-01", ("unknown", "imprecise date", None), id="before or after?"),
        pytest.param("2024-02", ("met", None, None), id="surely after, day unknown"),
        pytest.param(None, ("unknown", "missing", None), id="no date"),
    ],
)
def test_dates(when, expected):
    assert told(derive(ae("Ascites", when)), "ASCITES") == expected


def test_the_first_sure_one_counts():
    rows = derive(ae("Ascites", "2024-01"), ae("Ascites", day(40)), ae("Ascites", day(30)))
    assert told(rows, "ASCITES") == ("met", None, day(30))


@pytest.mark.parametrize(
    ("action", "held", "stopped"),
    [
        ("DRUG INTERRUPTED", "met", "not met"),
        ("DRUG WITHDRAWN", "not met", "met"),
        ("DOSE NOT CHANGED", "not met", "not met"),
        ("UNKNOWN", "unknown", "unknown"),
        (None, "unknown", "unknown"),
    ],
)
def test_treatment_held_or_stopped_for_hepatitis(action, held, stopped):
    rows = derive(
        ae("Immune-mediated hepatitis", day(40), action), ae("Pneumonitis", day(50), "DRUG WITHDRAWN")
    )
    assert (told(rows, "HELDHEP")[0], told(rows, "STOPHEP")[0]) == (held, stopped)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        pytest.param(["none", "mild"], ("met", None, day(20)), id="new"),
        pytest.param(["mild", "moderate"], ("not met", None, None), id="there before"),
        pytest.param(["none", "none"], ("not met", None, None), id="never"),
        pytest.param([None, "mild"], ("unknown", "missing", None), id="nobody looked before"),
    ],
)
def test_findings(levels, expected):
    seen = zip(levels, (day(-5), day(20)), strict=True)
    findings = [
        {"FATESTCD": "STATUS", "FAOBJ": "ASCITES", "FASTRESC": level, "FADTC": when} for level, when in seen
    ]
    assert told(derive(OTHER, findings=findings), "ASCITES") == expected


def test_findings_are_compared_with_those_of_their_own_kind():
    """Encephalopathy that was there before does not make ascites old, nor the other way round."""
    seen = [
        ("ASCITES", "none", -5),
        ("ENCEPHALOPATHY", "mild", -4),
        ("ASCITES", "mild", 20),
        ("ENCEPHALOPATHY", "mild", 21),
    ]
    findings = [
        {"FATESTCD": "STATUS", "FAOBJ": name, "FASTRESC": level, "FADTC": day(when)}
        for name, level, when in seen
    ]
    rows = derive(OTHER, findings=findings)
    assert told(rows, "ASCITES") == ("met", None, day(20))
    assert told(rows, "ENCEPHAL") == ("not met", None, None)


def test_without_any_adverse_event_in_the_study_nothing_is_denied():
    assert told(derive(), "DECOMP") == ("unknown", "missing", None)
    assert told(derive(), "DEATH") == ("not met", None, None)


def test_what_another_study_records_denies_nothing():
    others = {"STUDYID": "OTHER", "USUBJID": "002"}
    people = table("DM", {"RFICDTC": "2023-12-01"}, {"RFICDTC": "2023-12-01"} | others)
    study = make_study(study_of().loaded, {"DM": people, "AE": table("AE", OTHER | others)})
    rows = derive_adliver(study, adsl_of(study), NO_EVENTS)
    mine = pl.col("USUBJID") == "001"
    assert told(rows.filter(mine), "DECOMP") == ("unknown", "missing", None)
    assert told(rows.filter(~mine), "DECOMP") == ("not met", None, None)


def test_without_time_zero_it_does_not_apply():
    assert told(derive(ae("Ascites", day(20)), STARTDT=None), "ASCITES") == (
        "unknown",
        "not applicable",
        None,
    )


@pytest.mark.parametrize(
    ("death", "expected"),
    [
        ({"DTHDTC": day(90)}, ("met", None, day(90))),
        ({"DTHFL": "Y"}, ("met", None, None)),
        ({"DTHFL": "N"}, ("not met", None, None)),
    ],
)
def test_death(death, expected):
    assert told(derive(OTHER, people={"RFICDTC": "2023-12-01"} | death), "DEATH") == expected


@pytest.mark.parametrize(
    ("death", "cut", "expected"),
    [
        ({"DTHFL": "Y"}, None, ("met", None, None)),
        ({"DTHFL": "Y"}, "2024-06-30", ("unknown", "imprecise date", None)),
        ({"DTHDTC": "2024-06"}, "2024-06-29", ("unknown", "imprecise date", None)),
        ({"DTHDTC": "2024-06"}, "2024-06-30", ("met", None, None)),
        ({"DTHDTC": day(-1)}, None, ("unknown", "conflict", None)),
        ({"DTHDTC": day(1)}, None, ("met", None, day(1))),
    ],
    ids=["undated", "undated, may lie after the cut", "the month ends after the cut", "the month ends at the cut",
         "before time zero", "on its day"],
)  # fmt: skip
def test_a_death_that_may_lie_after_the_cut_or_lies_before_time_zero_is_not_sure(death, cut, expected):
    told_of = {"people": {"RFICDTC": "2023-12-01"} | death, "LSTALVDT": date(2024, 2, 1)}
    cut_off = {"CUTDT": date.fromisoformat(cut)} if cut else {}
    assert told(derive(OTHER, **told_of, **cut_off), "DEATH") == expected


@pytest.mark.parametrize(
    ("when", "after"),
    [(day(19), "N"), (day(20), "Y"), (day(21), "Y"), ("2024-01", None)],
)
def test_whether_it_came_after_the_reactivation(when, after):
    rows = derive(ae("Ascites", when), reactivated=day(20))
    assert rows.filter(pl.col("PARAMCD") == "ASCITES")["REACTFL"].to_list() == [after]
    assert derive(ae("Ascites", day(30)))["REACTFL"].drop_nulls().to_list() == []


def test_order_and_duplicates_never_matter():
    records = [ae(term, when) | {"AESEQ": n} for n, (term, when) in enumerate(
        [("Ascites", "2024-01"), ("Ascites", day(9)), ("Hepatic failure", day(9)), ("Hepatitis", None)], 1)]  # fmt: skip
    expected = derive(*records)
    for seed in range(5):
        other = records + records[:2]
        random.Random(seed).shuffle(other)  # noqa: S311
        assert derive(*other).equals(expected)
