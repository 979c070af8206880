"""ADAE: treatment-emergent events, worst grades, what is recorded and what nobody said."""

import random
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.derivations.safety import FIRST, LAST, adsl_of, dose, facts_of, study_of, table

from trialwright.derivations.adae import derive_adae


def ae(start=None, end=None, grade="1", term="Nausea", **more):
    return {"AEDECOD": term, "AESTDTC": start, "AEENDTC": end, "AETOXGR": grade} | more


DOSES = (dose(FIRST), dose(LAST))


def derive(*rows, others=(), doses=DOSES, **columns):
    study = study_of(AE=table("AE", *rows), EX=table("EX", *doses), DS=table("DS", *others))
    return derive_adae(study, adsl_of(study, **columns), None if others else facts_of(study))


# domain/ctcae.md section 5: first dose 2024-01-10, last 2024-06-26, 90 days after it
@pytest.mark.parametrize(
    ("start", "end", "emergent", "why"),
    [
        pytest.param("2024-01-10", None, "Y", None, id="AE-01 on the day of the first dose"),
        pytest.param("2024-01-09", None, "N", None, id="AE-02 before the first dose"),
        pytest.param("2024-02-01", None, "Y", None, id="AE-02 the record of its worsening"),
        pytest.param("2024-01", None, "Y", "imprecise date", id="AE-03"),
        pytest.param("2024-01", "2024-01-05", "N", None, id="AE-04 ended before the first dose"),
        pytest.param("2023-12", None, "N", None, id="AE-05"),
        pytest.param("2024", None, "Y", "imprecise date", id="AE-06"),
        pytest.param("2024-09-24", None, "Y", None, id="AE-07 last day that counts"),
        pytest.param("2024-09-25", None, "N", None, id="AE-07 a day later"),
        pytest.param(None, "2024-03", "Y", "missing", id="AE-08"),
        pytest.param("2024-01-10T07:00", None, "N", None, id="hours before the first dose of that day"),
    ],
)
def test_treatment_emergent(start, end, emergent, why):
    doses = (dose("2024-01-10T09:00") if start and "T" in start else dose(FIRST), dose(LAST))
    row = derive(ae(start, end), doses=doses).row(0, named=True)
    assert (row["TRTEMFL"], row["TRTEMRS"]) == (emergent, why)


def test_who_was_never_treated_has_no_emergent_event_and_no_denial():
    row = derive(ae("2024-02-01"), doses=()).row(0, named=True)
    assert (row["TRTEMFL"], row["TRTEMRS"]) == (None, "not applicable")
    assert row["AOCCFL"] is None


def test_a_dose_of_unknown_date_leaves_events_counted():
    row = derive(ae("2024-02-01"), doses=(dose(""),)).row(0, named=True)
    assert (row["TRTEMFL"], row["TRTEMRS"]) == ("Y", "imprecise date")


@pytest.mark.parametrize(
    ("relation", "emergent"),
    [
        pytest.param("RELATED", "Y", id="related counts after new therapy"),
        pytest.param("POSSIBLY RELATED", "Y", id="possibly is related"),
        pytest.param("NOT RELATED", "N", id="unrelated does not"),
        pytest.param(None, "Y", id="nobody said: it counts"),
    ],
)
def test_new_anticancer_therapy_ends_counting_but_for_related_events(relation, emergent):
    therapy = {"DSCAT": "OTHER EVENT", "DSDECOD": "NEW ANTICANCER THERAPY", "DSSTDTC": "2024-07-01"}
    before, after = derive(ae("2024-07-01"), ae("2024-07-02", AEREL=relation), others=[therapy])["TRTEMFL"]
    assert (before, after) == ("Y", emergent)


def test_a_record_that_continues_an_earlier_event_counts_only_if_it_is_worse():
    records = [ae("2024-01-05", grade="2", AEGRPID="1")]
    records += [ae(f"2024-02-0{n}", grade=str(n), AEGRPID="1") for n in (1, 2, 3)]
    records.append(ae("2024-02-01", grade="1", AEGRPID="2"))
    assert derive(*records)["TRTEMFL"].to_list() == ["N", "N", "N", "Y", "Y"]


def test_missing_relation_and_grade_as_the_protocol_says():
    row = derive(ae("2024-02-01", grade=None)).row(0, named=True)
    assert (row["ARELFL"], row["ARELF"], row["ATOXGR"], row["ATOXGRF"]) == ("Y", "Y", None, None)
    row = derive(ae("2024-02-01", grade="6", AEREL="UNLIKELY")).row(0, named=True)
    assert (row["ARELFL"], row["ARELF"], row["ATOXGR"]) == ("N", None, None)


def test_what_nobody_said_is_no_no():
    row = derive(ae("2024-02-01")).row(0, named=True)
    assert [row[name] for name in ("ASERFL", "AINTFL", "AWITHFL", "AFATFL", "AIMFL")] == [None] * 5
    told = ae("2024-02-01", AESER="N", AEACN="DRUG INTERRUPTED", AEOUT="RECOVERED/RESOLVED")
    row = derive(told | {"AECAT": "IMMUNE-MEDIATED"}).row(0, named=True)
    assert [row[name] for name in ("ASERFL", "AINTFL", "AWITHFL", "AFATFL", "AIMFL")] == [
        "N",
        "Y",
        "N",
        "N",
        "Y",
    ]


@pytest.mark.parametrize("sign", [{"AESHOSP": "Y"}, {"AEOUT": "FATAL"}, {"AETOXGR": "5"}, {"AESDTH": "Y"}])
def test_one_criterion_makes_an_event_serious(sign):
    assert derive(ae("2024-02-01", AESER="N") | sign)["ASERFL"].to_list() == ["Y"]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param(
            "2024-01", None, (date(2024, 1, 10), "D", None, None), id="may be the first dose: put there"
        ),
        pytest.param("2024-02", None, (date(2024, 2, 1), "D", None, None), id="after it: first day"),
        pytest.param("2023", None, (date(2023, 1, 1), "M", None, None), id="year only"),
        pytest.param(
            "2024-01", "2024-01-05", (date(2024, 1, 1), "D", date(2024, 1, 5), None), id="ended before it"
        ),
        pytest.param(
            "2024-02-01", "2024-12", (date(2024, 2, 1), None, date(2024, 12, 20), "D"), id="until death"
        ),
        pytest.param(None, None, (date(2024, 1, 10), "Y", None, None), id="nothing known: the first dose"),
        pytest.param(
            None, "2024-03", (date(2024, 1, 10), "Y", date(2024, 3, 31), "D"), id="AE-08 ended after it"
        ),
        pytest.param(
            None, "2024-01", (date(2024, 1, 10), "Y", date(2024, 1, 31), "D"), id="may have ended after it"
        ),
        pytest.param(
            None, "2024-01-10", (date(2024, 1, 10), "Y", date(2024, 1, 10), None), id="ended on its day"
        ),
        pytest.param(
            None,
            "2024-01-09",
            (None, None, date(2024, 1, 9), None),
            id="ended before it, begun who knows when",
        ),
    ],
)
def test_imputed_days(start, end, expected):
    row = derive(ae(start, end), DTHDT=date(2024, 12, 20)).row(0, named=True)
    assert tuple(row[name] for name in ("ASTDT", "ASTDTF", "AENDT", "AENDTF")) == expected


def test_duration_of_exact_dates_only_and_no_day_zero():
    rows = derive(ae("2024-01-10", "2024-01-12"), ae("2024-01-09"), ae("2024-01-10", "2024-02"))
    assert rows["ADURN"].to_list() == [3, None, None]
    assert rows["ASTDY"].to_list() == [1, -1, 1]


def test_first_and_worst_of_each_kind():
    rows = derive(
        ae("2024-03-01", grade="1", AESOC="GI"),
        ae("2024-02-01", grade="3", AESOC="GI"),
        ae("2024-02-01", grade="3", AESOC="GI"),
        ae("2024-01-20", grade="2", term="Rash", AESOC="SKIN"),
        ae("2023-01-20", grade="4", term="Rash", AESOC="SKIN"),
        ae("2024-04-20", grade=None, term="Rash", AESOC="SKIN"),
    )
    flagged = {
        name: rows.filter(pl.col(name) == "Y")["AESEQ"].to_list() for name in rows.columns if "AOCC" in name
    }
    assert flagged == {
        "AOCCFL": [4], "AOCCIFL": [2], "AOCCSFL": [2, 4], "AOCCSIFL": [2, 4], "AOCCPFL": [2, 4], "AOCCPIFL": [2, 4],
    }  # fmt: skip


def test_no_adverse_event_is_an_empty_table():
    assert len(derive()) == 0


def test_each_row_names_its_record_and_its_endpoint():
    row = derive(ae("2024-02-01", AESEQ=7)).row(0, named=True)
    assert (row["SRCDOM"], row["SRCSEQ"], row["SRCALL"], row["PROTOCOL"]) == (
        "AE", 7, "AE.7", "endpoints.adverse_events",
    )  # fmt: skip


DAYS = st.dates(date(2023, 11, 1), date(2024, 12, 1)).map(str)
DATES = st.one_of(DAYS, DAYS.map(lambda text: text[:7]), DAYS.map(lambda text: text[:4]), st.none())
RECORDS = st.lists(
    st.builds(ae, DATES, st.none(), st.sampled_from(["1", "2", "3", "4", "5", None]), st.sampled_from("AB")),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(RECORDS, st.randoms(use_true_random=False))
def test_order_and_duplicates_never_matter(records, chance: random.Random):
    numbered = [row | {"AESEQ": number} for number, row in enumerate(records, 1)]
    other = numbered + [row for row in numbered if chance.random() < 0.3]
    chance.shuffle(other)
    assert derive(*numbered).equals(derive(*other))


@settings(max_examples=25, deadline=None)
@given(RECORDS, RECORDS)
def test_the_worst_grade_never_falls_when_a_record_is_added(records, more):
    def worst(rows):
        numbered = [row | {"AESEQ": number} for number, row in enumerate(rows, 1)]
        found = derive(*numbered).filter(pl.col("AOCCPIFL") == "Y")
        return dict(zip(found["AEDECOD"], found["ATOXGR"], strict=True))

    fewer, most = worst(records), worst(records + more)
    assert all((most[term] or 0) >= (grade or 0) for term, grade in fewer.items())
