"""Every format holds a table unchanged, or says what it cannot hold; and reads the files of others."""

import json
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trialwright.records.dataset import Dataset
from trialwright.records.files import Format, read_dataset, read_records, write_dataset, write_records
from trialwright.records.sdtm import ValueKind, domains, make_dataset
from trialwright.records.xpt import read_xpt, xpt_bytes
from trialwright.vocabulary.problems import ProblemsFound

CDISC = Path(__file__).parent / "cdisc"
EVERY = list(Format)
SOME = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# --- any table there and back -----------------------------------------------------------------------------------------

ANY_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=40
).filter(lambda text: not text.endswith(" ") and len(text.encode()) <= 200)
HARD_TEXT = st.sampled_from(
    [
        '"',
        '""',
        ",",
        'a,"b"',
        "line\nbreak",
        "\r",
        "\r\n",
        "null",
        "NA",
        "None",
        " leading",
        "10",
        "010",
        "1e5",
        "=1+1",
        "<10",
        "é中",
        "\t",
    ]
)
NUMBERS = st.one_of(
    st.floats(min_value=-1e70, max_value=1e70).filter(lambda number: number == 0 or abs(number) > 1e-70),
    st.integers(-(2**53), 2**53).map(float),
)
VALUES = {
    ValueKind.TEXT: ANY_TEXT | HARD_TEXT,
    ValueKind.INTEGER: st.integers(-(2**53), 2**53),
    ValueKind.NUMBER: NUMBERS,
    ValueKind.DATE: st.sampled_from(["2024-03-05", "2024-03", "2024", "2024-03-05T14:30", "2024---05"]),
    ValueKind.DURATION: st.sampled_from(["P1W", "-P1W", "PT2H"]),
}


@st.composite
def tables(draw):
    domain = draw(st.sampled_from(list(domains().values())))
    first = [name for name, variable in domain.variables.items() if variable.core == "required"]
    others = draw(st.lists(st.sampled_from(list(domain.variables)), max_size=8, unique=True))
    height = draw(st.integers(0, 4))
    columns = {}
    for name in dict.fromkeys([*first, *others]):
        variable = domain.variables[name]
        values = st.none() | VALUES[variable.kind]
        if name in ("STUDYID", "DOMAIN"):
            values = st.just(domain.name)
        columns[name] = pl.Series(
            draw(st.lists(values, min_size=height, max_size=height)), dtype=variable.kind.dtype
        )
    return domain.name, pl.DataFrame(columns)


def same(one, other):
    assert one.schema == other.schema
    assert one.equals(other)


@pytest.mark.parametrize("form", EVERY)
@given(named=tables())
@SOME
def test_a_table_written_is_the_table_read(form, named, tmp_path):
    name, table = named
    write_records({name: table}, tmp_path, form)
    dataset = read_dataset(tmp_path / f"{name.lower()}.{form}")
    same(dataset.table, table)
    assert dataset.name == name
    assert dataset.warnings == ()


@pytest.mark.parametrize("form", EVERY)
def test_the_same_table_gives_the_same_bytes(form, tmp_path):
    table = read_dataset(CDISC / "dm.json").table
    written = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        write_records({"DM": table}, folder, form)
        written.append((folder / f"dm.{form}").read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize("form", [Format.PARQUET, Format.XPT, Format.JSON, Format.NDJSON])
def test_labels_stay_with_the_data(form, tmp_path):
    table = read_dataset(CDISC / "dm.json").table.with_columns(pl.lit("x").alias("OWN"))
    dataset = make_dataset(table, "DM")
    labelled = Dataset(name="DM", table=table, label="Who", labels={**dataset.labels, "OWN": "Ours"})
    write_dataset(labelled, tmp_path / f"dm.{form}")
    read = read_dataset(tmp_path / f"dm.{form}")
    assert (read.label, read.labels["OWN"]) == ("Who", "Ours")


@pytest.mark.parametrize("form", EVERY)
def test_an_unknown_column_of_text_comes_back(form, tmp_path):
    table = read_dataset(CDISC / "dm.json").table.with_columns(pl.lit("010").alias("OWN"))
    write_records({"DM": table}, tmp_path, form)
    dataset = read_dataset(tmp_path / f"dm.{form}")
    same(dataset.table, table)
    assert [problem.code for problem in dataset.warnings] == ["unknown-variable"]


def test_a_file_may_tell_when_it_was_written(tmp_path):
    dataset = read_dataset(CDISC / "dm.json")
    moment = datetime(2026, 11, 21, 9, 5, 7)  # noqa: DTZ001 - the formats hold local time
    write_dataset(dataset, tmp_path / "dm.json", created=moment)
    assert '"datasetJSONCreationDateTime":"2026-11-21T09:05:07"' in (tmp_path / "dm.json").read_text()
    assert xpt_bytes(dataset, created=moment).count(b"21NOV26:09:05:07") == 4
    assert xpt_bytes(dataset).count(b"01JAN60:00:00:00") == 4


# --- files of others --------------------------------------------------------------------------------------------------

FIRST_SUBJECT = {
    "USUBJID": "CDISC001",
    "SUBJID": "1115",
    "RFSTDTC": "2012-11-30",
    "DTHDTC": None,
    "SITEID": "701",
    "BRTHDTC": "1928",
    "AGE": 84.0,
    "SEX": "M",
    "ARM": "Zanomaline Low Dose (54 mg)",
    "ARMNRS": None,
    "COUNTRY": "USA",
}
"""The first row of dm.json, as its text has it."""


@pytest.mark.parametrize("file", ["dm.json", "dm.ndjson"])
def test_demographics_of_the_standards_own_example(file):
    dataset = read_dataset(CDISC / file)
    assert dataset.table.height == 18
    assert dataset.table.row(0, named=True).items() >= FIRST_SUBJECT.items()
    assert dataset.study == "cdisc.com/CDISCPILOT01"
    assert dataset.warnings == ()


def test_a_transport_file_of_another_writer():
    read = read_xpt(CDISC / "dm_readstat.xpt")
    assert (read.name, read.label, read.labels["RFSTDTC"]) == (
        "DM",
        "Demographics",
        "Subject Reference Start Date/Time",
    )
    same(read_dataset(CDISC / "dm_readstat.xpt").table, read_dataset(CDISC / "dm.json").table)


def test_laboratory_of_the_standards_own_example():
    table = read_dataset(CDISC / "lb.json").table
    first = table.row(0, named=True)
    assert (first["LBORRES"], first["LBORRESU"], first["LBORNRLO"]) == ("3.9", "g/dL", "3.5")
    assert (first["LBSTRESN"], first["LBSTRESU"], first["LBSTNRLO"]) == (39.0, "g/L", 35.0)
    assert (first["LBDTC"], first["LBDY"], first["VISITNUM"]) == ("2012-11-23T11:20", -7, 1.0)


@pytest.mark.parametrize("form", EVERY)
def test_all_the_example_datasets_there_and_back(form, tmp_path):
    originals = {}
    for name in ("dm", "ds", "sv", "ae", "lb"):
        dataset = read_dataset(CDISC / f"{name}.json")
        originals[dataset.name] = dataset.table
    write_records(originals, tmp_path, form)
    read = read_records(tmp_path)
    assert list(read.tables) == ["DM", "DS", "LB", "AE", "SV"]
    for name, table in originals.items():
        same(read.tables[name], table)


def test_rows_of_json_are_the_rows_of_the_example_but_for_empty_texts():
    """Blank in their file, null in ours: all other values as they are."""
    written = json.loads((CDISC / "ae.json").read_text(encoding="utf-8"))["rows"]
    table = read_dataset(CDISC / "ae.json").table
    assert [list(row) for row in table.rows()] == [
        [None if value == "" else value for value in row] for row in written
    ]


# --- what a format cannot hold ----------------------------------------------------------------------------------------


def refusals(table, path, name="AA", **about):
    dataset = Dataset(name=name, table=pl.DataFrame(table), **about)
    with pytest.raises(ProblemsFound) as caught:
        write_dataset(dataset, path)
    assert list(path.parent.iterdir()) == []
    return [(problem.code, problem.field) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("table", "about", "problem"),
    [
        pytest.param({"ABCDEFGHI": ["x"]}, {}, ("xpt-name", "AA.ABCDEFGHI"), id="a name of nine"),
        pytest.param({"small": ["x"]}, {}, ("xpt-name", "AA.small"), id="small letters"),
        pytest.param({"A B": ["x"]}, {}, ("xpt-name", "AA.A B"), id="a blank in a name"),
        pytest.param({"1A": ["x"]}, {}, ("xpt-name", "AA.1A"), id="a digit first"),
        pytest.param({"É": ["x"]}, {}, ("xpt-name", "AA.É"), id="an accent in a name"),
        pytest.param({"A": ["x"]}, {"name": "ABCDEFGHI"}, ("xpt-name", "ABCDEFGHI"), id="a dataset of nine"),
        pytest.param({"A": ["x"]}, {"labels": {"A": "l" * 41}}, ("xpt-label", "AA.A"), id="a label of 41"),
        pytest.param(
            {"A": ["x"]}, {"labels": {"A": "é" * 21}}, ("xpt-label", "AA.A"), id="a label of 42 bytes"
        ),
        pytest.param({"A": ["x"]}, {"label": "l" * 41}, ("xpt-label", "AA"), id="the dataset's label of 41"),
        pytest.param({"A": ["x", "x" * 201]}, {}, ("xpt-text", "AA[2].A"), id="a text of 201"),
        pytest.param({"A": ["中" * 67]}, {}, ("xpt-text", "AA[1].A"), id="a text of 201 bytes"),
        pytest.param({"A": ["x "]}, {}, ("xpt-blank", "AA[1].A"), id="a blank at the end"),
        pytest.param({"A": ["a\0b"]}, {}, ("xpt-blank", "AA[1].A"), id="a null byte"),
        pytest.param({"A": ["x", None]}, {}, ("xpt-blank", "AA[2]"), id="a last record of blanks"),
        pytest.param({"A": [1e76]}, {}, ("xpt-number", "AA[1].A"), id="a number beyond the format"),
        pytest.param({"A": [1e-79]}, {}, ("xpt-number", "AA[1].A"), id="a number too small for it"),
        pytest.param(
            {"A": [2**53 + 1]}, {}, ("xpt-number", "AA[1].A"), id="a whole number that would change"
        ),
        pytest.param({}, {}, ("xpt-name", "AA"), id="no variable"),
    ],
)
def test_what_a_transport_file_cannot_hold(table, about, problem, tmp_path):
    assert refusals(table, tmp_path / "aa.xpt", **about) == [problem]


@pytest.mark.parametrize(
    "table",
    [
        pytest.param({"ABCDEFGH": ["x" * 200]}, id="200 bytes and eight characters"),
        pytest.param({"A": [" x"]}, id="a blank at the beginning"),
        pytest.param({"A": [1e75, -1e-77, None]}, id="numbers near the bounds"),
        pytest.param({"A": [None, "x"]}, id="a first record of blanks"),
        pytest.param(
            {"A": [None], "B": pl.Series([None], dtype=pl.Float64)}, id="nothing but a missing number"
        ),
        pytest.param({"A": pl.Series([], dtype=pl.String)}, id="no record"),
        pytest.param({"A": ["x" * n for n in range(1, 81)]}, id="eighty records"),
    ],
)
def test_what_it_just_can_hold(table, tmp_path):
    frame = pl.DataFrame(table).with_columns(pl.col(pl.Null).cast(pl.String))
    write_dataset(Dataset(name="AA", table=frame), tmp_path / "aa.xpt")
    same(read_xpt(tmp_path / "aa.xpt").table, frame)


@pytest.mark.parametrize("form", EVERY)
@pytest.mark.parametrize(
    ("column", "problem"),
    [
        pytest.param(pl.Series([True]), ("wrong-type", "AA.A"), id="a boolean"),
        pytest.param(pl.Series([datetime(2026, 1, 1)]), ("wrong-type", "AA.A"), id="a date that is no text"),  # noqa: DTZ001
        pytest.param(pl.Series([""]), ("empty-text", "AA[1].A"), id="an empty text beside null"),
        pytest.param(pl.Series([float("nan")]), ("not-a-number", "AA[1].A"), id="NaN"),
        pytest.param(pl.Series([float("inf")]), ("not-a-number", "AA[1].A"), id="infinity"),
    ],
)  # fmt: skip
def test_what_no_format_can_hold(form, column, problem, tmp_path):
    found = refusals({"A": column, "B": ["x"]}, tmp_path / f"aa.{form}")
    assert problem in found
    assert set(found) <= {problem, ("csv-type", "AA.A")}


def test_delimited_text_cannot_tell_a_number_it_does_not_know(tmp_path):
    table = {"A": ["x"], "B": [1.5]}
    assert refusals(table, tmp_path / "aa.csv") == [("csv-type", "AA.B")]


# --- all or nothing ---------------------------------------------------------------------------------------------------


def test_one_table_that_does_not_fit_keeps_all_from_being_written(tmp_path):
    table = read_dataset(CDISC / "dm.json").table
    long = read_dataset(CDISC / "ds.json").table.with_columns(DSTERM=pl.lit("x" * 201))
    with pytest.raises(ProblemsFound) as caught:
        write_records({"DM": table, "DS": long}, tmp_path, Format.XPT)
    assert {problem.code for problem in caught.value.problems} == {"xpt-text"}
    assert list(tmp_path.iterdir()) == []


def test_nothing_else_is_left_behind(tmp_path):
    write_records({"DM": read_dataset(CDISC / "dm.json").table}, tmp_path, Format.CSV)
    assert [path.name for path in tmp_path.iterdir()] == ["dm.csv"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ProblemsFound) as caught:
        write_dataset(read_dataset(CDISC / "dm.json"), tmp_path / "none" / "dm.csv")
    assert [problem.code for problem in caught.value.problems] == ["unwritable-file"]
    with pytest.raises(ProblemsFound) as caught:
        read_records(tmp_path / "none")
    assert [problem.code for problem in caught.value.problems] == ["unreadable-file"]


def test_a_folder_of_records(tmp_path):
    for file in ("dm.json", "ds.json"):
        (tmp_path / file).write_bytes((CDISC / file).read_bytes())
    (tmp_path / "notes.txt").write_text("not a dataset")
    (tmp_path / "qs.csv").write_text("STUDYID,DOMAIN\nS,QS\n")
    records = read_records(tmp_path)
    assert list(records.tables) == ["DM", "DS"]
    assert [(p.code, p.place.file, p.severity) for p in records.warnings] == [
        ("unknown-dataset", "qs.csv", "warning")
    ]


def test_a_dataset_may_stand_in_one_file_only(tmp_path):
    for file in ("dm.json", "dm.ndjson"):
        (tmp_path / file).write_bytes((CDISC / file).read_bytes())
    with pytest.raises(ProblemsFound) as caught:
        read_records(tmp_path)
    assert [problem.code for problem in caught.value.problems] == ["duplicate-dataset"]


def test_an_empty_folder(tmp_path):
    with pytest.raises(ProblemsFound) as caught:
        read_records(tmp_path)
    assert [problem.code for problem in caught.value.problems] == ["no-datasets"]


def test_an_ending_that_says_nothing(tmp_path):
    with pytest.raises(ProblemsFound) as caught:
        read_dataset(tmp_path / "dm.xlsx")
    assert [problem.code for problem in caught.value.problems] == ["unknown-file-type"]
