"""The catalogue of SDTM variables, and what columns of files become in its tables."""

import json
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from trialwright.records.dataset import Dataset
from trialwright.records.files import SHORT_NAMES
from trialwright.records.sdtm import (
    Core,
    ValueKind,
    as_sdtm,
    complete_table,
    domains,
    empty_table,
    make_dataset,
)
from trialwright.vocabulary.problems import ProblemsFound

CDISC = Path(__file__).parent / "cdisc"
DM = {
    "STUDYID": ["S"],
    "DOMAIN": ["DM"],
    "USUBJID": ["S-1"],
    "SUBJID": ["1"],
    "SITEID": ["010"],
    "SEX": ["F"],
    "COUNTRY": ["TWN"],
}
LOCAL = datetime(2026, 4, 2, 8, 5)  # noqa: DTZ001 - the site's own clock
EVERY = [pytest.param(domain, id=domain.name) for domain in domains().values()]


def dm(**columns):
    return pl.DataFrame(DM | columns)


def problems_of(table, name="DM", **options):
    with pytest.raises(ProblemsFound) as caught:
        as_sdtm(Dataset(name=name, table=table, file="dm.csv"), **options)
    return caught.value.problems


def test_the_domains_that_the_two_trials_need():
    assert list(domains()) == [
        "DM",
        "DS",
        "EX",
        "CM",
        "LB",
        "VS",
        "TU",
        "TR",
        "RS",
        "AE",
        "MH",
        "PR",
        "SV",
        "FA",
    ]


@pytest.mark.parametrize("domain", EVERY)
def test_every_variable_fits_a_transport_file(domain):
    for variable in domain.variables.values():
        assert 1 <= len(SHORT_NAMES.get(variable.name, variable.name)) <= 8
        assert 1 <= len(variable.label.encode()) <= 40


@pytest.mark.parametrize("domain", EVERY)
def test_records_are_told_apart_by_variables_of_the_domain(domain):
    assert domain.keys[:2] == ("STUDYID", "USUBJID")
    assert set(domain.keys) <= set(domain.variables)
    required = [name for name, variable in domain.variables.items() if variable.core is Core.REQUIRED]
    assert required[:3] == ["STUDYID", "DOMAIN", "USUBJID"]
    assert (domain.sequence is None) == (domain.name in ("DM", "SV"))
    assert domain.sources


@pytest.mark.parametrize("domain", EVERY)
def test_dates_are_those_whose_names_say_so(domain):
    dated = {name for name, variable in domain.variables.items() if variable.kind is ValueKind.DATE}
    assert dated == {name for name in domain.variables if name.endswith("DTC")}


@pytest.mark.parametrize("name", ["dm", "ds", "sv", "ae", "lb"])
def test_labels_and_kinds_are_those_of_the_standards_own_examples(name):
    written = json.loads((CDISC / f"{name}.json").read_text(encoding="utf-8"))
    domain = domains()[written["name"]]
    assert domain.label == written["label"]
    for column in written["columns"]:
        variable = domain.variables[column["name"]]
        assert variable.label == column["label"]
        if column["dataType"] in ("integer", "float"):
            assert variable.kind in (ValueKind.INTEGER, ValueKind.NUMBER)
        elif column["dataType"] == "date":
            assert variable.kind is ValueKind.DATE or variable.name.endswith("TPT")


def test_an_empty_table_has_every_variable():
    assert empty_table("LB").schema == domains()["LB"].schema
    assert empty_table("LB").height == 0


def test_a_completed_table_keeps_its_own_columns_first():
    table = complete_table(dm(), "DM")
    assert table.columns[:7] == list(DM)
    assert set(table.columns) == set(domains()["DM"].variables)
    assert table["DTHFL"].to_list() == [None]


@pytest.mark.parametrize(
    ("column", "kept"),
    [
        pytest.param(pl.Series("RACE", [""], pl.String), None, id="an empty text is missing"),
        pytest.param(pl.Series("RACE", [" "], pl.String), " ", id="a blank is a text"),
        pytest.param(pl.Series("RACE", ["A"], pl.Categorical), "A", id="a category"),
        pytest.param(pl.Series("RACE", [None], pl.Null), None, id="a column without type"),
        pytest.param(pl.Series("BRTHDTC", [date(1961, 4, 2)]), "1961-04-02", id="a date"),
        pytest.param(pl.Series("RFICDTC", [LOCAL]), "2026-04-02T08:05:00", id="a local time"),
        pytest.param(pl.Series("BRTHDTC", ["1961-04"]), "1961-04", id="a partial date stays partial"),
        pytest.param(pl.Series("BRTHDTC", ["1961-13"]), "1961-13", id="what is no date is for the checks"),
        pytest.param(pl.Series("AGE", [65], pl.Int32), 65.0, id="a whole number among numbers"),
        pytest.param(pl.Series("DMDY", [-7.0]), -7, id="whole, though stored as a double"),
        pytest.param(pl.Series("DMDY", [""], pl.String), None, id="a numeric column without values"),
    ],
)
def test_values_in_the_type_of_their_variable(column, kept):
    table = make_dataset(dm().with_columns(column), "DM").table
    assert table[column.name].to_list() == [kept]
    assert table.schema[column.name] == domains()["DM"].schema[column.name]


@pytest.mark.parametrize(
    ("column", "code"),
    [
        pytest.param(pl.Series("SITEID", [10]), "wrong-type", id="a number where 010 may have stood"),
        pytest.param(pl.Series("AGE", ["65"]), "wrong-type", id="text in a format that knows numbers"),
        pytest.param(pl.Series("DTHFL", [True]), "wrong-type", id="a boolean"),
        pytest.param(pl.Series("AGE", [float("nan")]), "not-a-number", id="NaN is not missing"),
        pytest.param(pl.Series("AGE", [float("inf")]), "not-a-number", id="infinite"),
        pytest.param(pl.Series("DMDY", [1.5]), "not-whole", id="half a day"),
        pytest.param(pl.Series("DMDY", [2**53 + 1]), "out-of-range", id="not exact as a double"),
        pytest.param(
            pl.Series("DMDY", [2**64 - 1], dtype=pl.UInt64), "out-of-range", id="the greatest whole number"
        ),
        pytest.param(pl.Series("RACE", [["A", "B"]]), "wrong-type", id="a list"),
        pytest.param(
            pl.Series("RFICDTC", [LOCAL]).dt.replace_time_zone("UTC"),
            "wrong-type",
            id="a zone",
        ),
        pytest.param(pl.Series("DOMAIN", ["LB"]), "wrong-dataset", id="another domain"),
    ],
)
def test_values_that_do_not_fit(column, code):
    (problem,) = problems_of(dm().with_columns(column))
    assert (problem.code, problem.place.file) == (code, "dm.csv")
    assert column.name in problem.field


def test_all_problems_of_a_table_come_at_once():
    table = dm(AGE=["65"], DMDY=[0.5]).drop("SEX")
    assert [problem.code for problem in problems_of(table)] == ["missing-variable", "wrong-type", "not-whole"]


def test_small_letters_are_not_the_variable():
    (problem,) = [p for p in problems_of(dm().rename({"SEX": "sex"})) if p.code == "missing-variable"]
    assert problem.fix == "write `sex` in capitals"


def test_a_variable_beyond_the_catalogue_is_kept_and_told():
    dataset = make_dataset(dm(RACEX=["A"], N=pl.Series([1], dtype=pl.Int8)), "DM")
    assert dataset.table.schema["N"] == pl.Int64
    assert [(problem.code, problem.field) for problem in dataset.warnings] == [
        ("unknown-variable", "DM.RACEX"),
        ("unknown-variable", "DM.N"),
    ]
    assert dataset.warnings[0].fix == "did you mean `RACE`?"


def test_unknown_domain():
    (problem,) = problems_of(dm(), name="QS")
    assert problem.code == "unknown-dataset"


def test_numbers_read_from_text():
    table = as_sdtm(Dataset(name="DM", table=dm(AGE=["6.5e1"], DMDY=["-7"])), is_untyped=True).table
    assert (table["AGE"][0], table["DMDY"][0]) == (65.0, -7)


@pytest.mark.parametrize(
    "cell", ["x", "1,5", "1 000", "0x1F", "NaN", "inf", "1e400", "1.2.3", " 5", "5 ", "--5", "٣", "1_0"]
)
def test_texts_that_are_no_numbers(cell):
    (problem,) = problems_of(dm(AGE=[cell]), is_untyped=True)
    assert (problem.code, problem.field) == ("not-a-number", "DM[1].AGE")


def test_of_many_rows_alike_five_are_told_and_the_count():
    table = pl.concat([dm(AGE=["x"])] * 12)
    problems = problems_of(table, is_untyped=True)
    assert [problem.field for problem in problems] == [f"DM[{row}].AGE" for row in range(1, 6)]
    assert problems[0].message.endswith("(12 rows are like this)")
    assert problems[1].message.endswith("found `x`")
