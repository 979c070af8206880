"""Data files: what is read, and every way a file can be wrong, with the line where it is."""

import hashlib

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.records.csv import read_csv_cohort
from trialwright.records.mapping import Mapping
from trialwright.vocabulary.documents import read_document
from trialwright.vocabulary.elements import validate_document
from trialwright.vocabulary.problems import ProblemsFound

MAPPING = """\
format: trialwright-mapping/1
study: T-1
file: patients.csv
missing: ["", NA, "-9"]
subject: id
facts:
  age: { column: Age, unit: years }
  arm: { column: Arm, values: { "1": a, "2": b, "010": c } }
endpoints:
  os: { time: Months, unit: months, status: Dead, event: ["1"], censored: ["0"] }
  pfs: { time: Days, unit: days, status: Prog, event: ["1", "2"], censored: ["0"] }
"""
HEADER = "id,Age,Arm,Months,Dead,Days,Prog\n"
ROW = "S1,50,1,12,1,300,0\n"
OK = HEADER + ROW


def mapping(*edits):
    text = MAPPING
    for old, new in edits:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return validate_document(read_document(text, "mapping.yaml"), Mapping)


AS_IS = mapping()


@pytest.fixture
def read(tmp_path):
    def read_text(text, columns=AS_IS):
        path = tmp_path / "patients.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_csv_cohort(path, columns)

    return read_text


@pytest.fixture
def problems_of(read):
    def found(text, columns=AS_IS):
        with pytest.raises(ProblemsFound) as caught:
            read(text, columns)
        return caught.value.problems

    return found


def told(problems):
    return [(problem.code, problem.place.line, problem.field) for problem in problems]


def test_ok(read):
    cohort = read(OK + "S2,NA,010,-9,0,,2\n")
    assert cohort.file == "patients.csv"
    assert cohort.sha256 == hashlib.sha256((OK + "S2,NA,010,-9,0,,2\n").encode()).hexdigest()
    assert cohort.subjects.to_dict(as_series=False) == {
        "USUBJID": ["S1", "S2"],
        "SRCSEQ": [2, 3],
        "age": [50.0, None],
        "arm": ["a", "c"],
    }
    assert cohort.times.to_dict(as_series=False) == {
        "USUBJID": ["S1", "S2", "S1", "S2"],
        "SRCSEQ": [2, 3, 2, 3],
        "endpoint": ["os", "os", "pfs", "pfs"],
        "time": [12.0, None, 300.0, None],
        "event_observed": [True, False, False, True],
    }
    assert cohort.subjects.schema == {
        "USUBJID": pl.String,
        "SRCSEQ": pl.Int64,
        "age": pl.Float64,
        "arm": pl.String,
    }


def test_a_column_with_no_value_at_all_keeps_its_type(read):
    cohort = read(HEADER + "S1,,,,,,\n")
    assert cohort.subjects.schema["age"] == pl.Float64
    assert cohort.subjects.schema["arm"] == pl.String
    assert cohort.times.schema == {
        "USUBJID": pl.String,
        "SRCSEQ": pl.Int64,
        "endpoint": pl.String,
        "time": pl.Float64,
        "event_observed": pl.Boolean,
    }
    assert cohort.times["event_observed"].to_list() == [None, None]


def test_a_mapping_without_endpoints_has_no_times(read):
    columns = AS_IS.model_copy(update={"endpoints": {}})
    cohort = read(OK, columns)
    assert cohort.times.height == 0
    assert cohort.subjects.height == 1


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        pytest.param("12", 12.0, id="whole"),
        pytest.param("12.5", 12.5, id="with a fraction"),
        pytest.param("0", 0.0, id="none"),
        pytest.param("+5", 5.0, id="with its sign"),
        pytest.param(".5", 0.5, id="no digit before the point"),
        pytest.param("5.", 5.0, id="no digit after the point"),
        pytest.param("1e3", 1000.0, id="with exponent"),
        pytest.param("  12 ", 12.0, id="with spaces around"),
        pytest.param('"12"', 12.0, id="quoted"),
        pytest.param("010", 10.0, id="leading zero"),
        pytest.param("1800", 1800.0, id="the longest life"),
        pytest.param("", None, id="empty"),
        pytest.param("NA", None, id="missing code"),
        pytest.param(" NA ", None, id="missing code with spaces"),
        pytest.param('"NA"', None, id="quoted missing code"),
        pytest.param("-9", None, id="a negative number as missing code"),
    ],
)
def test_numbers(read, cell, number):
    assert read(HEADER + f"S1,50,1,{cell},1,300,0\n").times["time"][0] == number


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        pytest.param("x", "not-a-number", id="a letter"),
        pytest.param("12 months", "not-a-number", id="with its unit"),
        pytest.param("1 200", "not-a-number", id="with a space inside"),
        pytest.param("1_200", "not-a-number", id="with an underscore"),
        pytest.param('"1,200"', "not-a-number", id="thousands"),
        pytest.param('"1,5"', "not-a-number", id="decimal comma"),
        pytest.param("1.2.3", "not-a-number", id="a version"),
        pytest.param("0x1F", "not-a-number", id="hexadecimal"),
        pytest.param("NaN", "not-a-number", id="not a number"),
        pytest.param("inf", "not-a-number", id="infinity"),
        pytest.param("-Infinity", "not-a-number", id="negative infinity"),
        pytest.param("1e400", "not-a-number", id="beyond the largest double"),
        pytest.param("na", "not-a-number", id="missing code in small letters"),
        pytest.param("N/A", "not-a-number", id="another missing code"),
        pytest.param(">12", "not-a-number", id="with a sign of comparison"),
        pytest.param("1" * 5000, "not-a-number", id="five thousand digits"),
        pytest.param("-1", "negative-time", id="negative"),
        pytest.param("-0.5", "negative-time", id="a little negative"),
        pytest.param("1801", "implausible-time", id="longer than a life"),
    ],
)
def test_times_that_are_none(problems_of, cell, code):
    problems = problems_of(HEADER + ROW + f"S2,50,1,{cell},1,300,0\n")
    assert told(problems) == [(code, 3, "Months")]
    assert len(str(problems[0])) < 300


def test_a_time_may_be_long_in_days(read, problems_of):
    assert read(HEADER + "S1,50,1,12,1,36500,0\n").times["time"][1] == 36500
    assert told(problems_of(HEADER + "S1,50,1,12,1,55001,0\n")) == [("implausible-time", 2, "Days")]


def test_the_fix_for_a_decimal_comma_is_offered_where_one_stands(problems_of):
    (problem,) = problems_of(HEADER + 'S1,50,1,"1,5",1,300,0\n')
    assert "decimal" in problem.fix
    (problem,) = problems_of(HEADER + "S1,50,1,abc,1,300,0\n")
    assert problem.fix == ""


GERMAN = mapping(("subject: id", 'subject: id\nseparator: ";"\ndecimal: ","'))
GERMAN_HEADER = HEADER.replace(",", ";")


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        pytest.param("1,5", 1.5, id="fraction"),
        pytest.param("12", 12.0, id="whole"),
        pytest.param("1e3", 1000.0, id="exponent"),
    ],
)
def test_decimal_commas(read, cell, number):
    assert read(GERMAN_HEADER + f"S1;50;1;{cell};1;300;0\n", GERMAN).times["time"][0] == number


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("1.234", id="thousands with a point"),
        pytest.param("12.5", id="a decimal point after all"),
        pytest.param("1.234,5", id="both"),
        pytest.param("1,234,5", id="two commas"),
    ],
)
def test_points_in_a_file_of_decimal_commas_are_doubtful(problems_of, cell):
    text = GERMAN_HEADER + f"S1;50;1;12;1;300;0\nS2;50;1;{cell};1;300;0\n"
    assert told(problems_of(text, GERMAN)) == [("not-a-number", 3, "Months")]


@pytest.mark.parametrize(
    ("cell", "level"),
    [
        pytest.param("1", "a", id="a code"),
        pytest.param("010", "c", id="with leading zeros"),
        pytest.param(" 2 ", "b", id="with spaces around"),
        pytest.param('"2"', "b", id="quoted"),
        pytest.param("NA", None, id="missing"),
        pytest.param("", None, id="empty"),
    ],
)
def test_codes(read, cell, level):
    assert read(HEADER + f"S1,50,{cell},12,1,300,0\n").subjects["arm"].to_list() == [level]


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("10", id="010 is not 10"),
        pytest.param("01", id="01 is not 1"),
        pytest.param("1.0", id="1.0 is not 1"),
        pytest.param("3", id="unknown"),
        pytest.param("a", id="the level and not its code"),
        pytest.param("na", id="missing code in small letters"),
        pytest.param("x" * 3000, id="very long"),
    ],
)
def test_unknown_codes(problems_of, cell):
    problems = problems_of(HEADER + ROW + f"S2,50,{cell},12,1,300,0\n")
    assert told(problems) == [("unknown-code", 3, "Arm")]
    assert all(code in problems[0].message for code in ("`1`", "`2`", "`010`"))
    assert len(str(problems[0])) < 300


@pytest.mark.parametrize(
    ("dead", "prog", "observed"),
    [
        pytest.param("1", "1", [True, True], id="event"),
        pytest.param("0", "0", [False, False], id="censored"),
        pytest.param("1", "2", [True, True], id="the second code of an event"),
        pytest.param("NA", "", [None, None], id="missing is neither"),
    ],
)
def test_status(read, dead, prog, observed):
    cohort = read(HEADER + f"S1,50,1,12,{dead},300,{prog}\n")
    assert cohort.times["event_observed"].to_list() == observed


@pytest.mark.parametrize("cell", ["2", "1.0", "TRUE", "dead"])
def test_unknown_status(problems_of, cell):
    assert told(problems_of(HEADER + ROW + f"S2,50,1,12,{cell},300,0\n")) == [("unknown-code", 3, "Dead")]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        pytest.param("", [("no-rows", None, "")], id="empty file"),
        pytest.param("\n\n", [("no-rows", None, "")], id="only empty lines"),
        pytest.param(b"\xef\xbb\xbf", [("no-rows", None, "")], id="only a byte order mark"),
        pytest.param(HEADER, [("no-rows", None, "")], id="only a header"),
        pytest.param(HEADER.strip(), [("no-rows", None, "")], id="only a header, no line end"),
        pytest.param(HEADER + "\n\n", [("no-rows", None, "")], id="a header and empty lines"),
        pytest.param(OK.replace("Months", "Weeks"), [("missing-column", 1, "Months")], id="column missing"),
        pytest.param(OK.replace("Months", "Weeks").replace("Age", "Alter"),
                     [("missing-column", 1, "Age"), ("missing-column", 1, "Months")], id="two columns missing"),
        pytest.param(OK.replace("Prog", "Days"),
                     [("duplicate-column", 1, "Days"), ("missing-column", 1, "Prog")], id="column twice"),
        pytest.param(OK.replace("Prog\n", "Prog,x,x\n").replace("300,0", "300,0,1,2"),
                     [("duplicate-column", 1, "x")], id="a column nobody needs twice"),
        pytest.param(OK.replace("Prog\n", "Prog, Age\n").replace("300,0", "300,0,1"),
                     [("duplicate-column", 1, "Age")], id="a column twice but for a space"),
        pytest.param(OK + "S2,50,1,12,1,300\n", [("ragged-row", 3, "")], id="a cell too few"),
        pytest.param(OK + "S2,50,1,12,1,300,0,7\n", [("ragged-row", 3, "")], id="a cell too many"),
        pytest.param(OK + "S2,50,1,1,5,1,300,0\n", [("ragged-row", 3, "")], id="a decimal comma without quotes"),
        pytest.param(OK + "   \n", [("ragged-row", 3, "")], id="a line of spaces"),
        pytest.param(OK + "\n\nS1,60,1,12,1,300,0\n", [("duplicate-subject", 5, "id")], id="subject twice"),
        pytest.param(OK + " S1 ,60,1,12,1,300,0\n", [("duplicate-subject", 3, "id")],
                     id="subject twice but for spaces"),
        pytest.param(OK + ",60,1,12,1,300,0\n", [("missing-subject", 3, "id")], id="no subject"),
        pytest.param(OK + "NA,60,1,12,1,300,0\nNA,60,1,12,1,300,0\n",
                     [("missing-subject", 3, "id"), ("missing-subject", 4, "id")], id="missing code as subject"),
        pytest.param(OK + ",,,,,,\n", [("missing-subject", 3, "id")], id="a row of nothing, as spreadsheets leave"),
        pytest.param(OK + '"S2,50,1,12,1,300,0\nS3,50,1,12,1,300,0\n', [("csv-syntax", 3, "")],
                     id="open quote: where the row starts"),
        pytest.param('"id,Age\n' + ROW, [("csv-syntax", 1, "")], id="open quote in the header"),
        pytest.param(OK + '"S\n2",50,"1,12,1,300,0\nS3,50,1,12,1,300,0\n', [("csv-syntax", 3, "")],
                     id="open quote after a quoted line end"),
        pytest.param(OK + '"S2"x,50,1,12,1,300,0\n', [("csv-syntax", 3, "")], id="text after a quote"),
        pytest.param(OK.replace("50", "50\xa0\xfc").encode("latin-1"), [("not-utf8", 2, "")], id="latin-1"),
        pytest.param((OK + "Sé,50,1,12,1,300,0\n").encode("latin-1"), [("not-utf8", 3, "")],
                     id="latin-1 in the last row"),
        pytest.param(b"PK\x03\x04" + OK.encode(), [("spreadsheet-as-text", None, "")], id="a spreadsheet, renamed"),
        pytest.param(OK.encode("utf-16"), [("not-utf8", 1, "")], id="utf-16, as spreadsheets save it"),
    ],
)  # fmt: skip
def test_files_that_are_refused(problems_of, text, problems):
    assert told(problems_of(text)) == problems


@pytest.mark.parametrize(("separator", "shown"), [(";", "`;`"), ("\t", "tabs"), ("|", "`|`")])
@pytest.mark.parametrize("before", ["", "\r\n\n"])
def test_a_file_divided_otherwise_is_told_by_its_separator(problems_of, before, separator, shown):
    (problem,) = problems_of(before + OK.replace(",", separator))
    assert (problem.code, problem.place.line) == ("other-separator", 1)
    assert problem.message == f"the header seems to be separated by {shown}, expected `,`"
    assert "`separator` in the mapping" in problem.fix


def test_one_comma_in_a_header_of_semicolons_is_not_for_us_to_judge(problems_of):
    problems = problems_of("id,Age;Arm;Months;Status;Days;Prog\nS1,50;1;12;1;300;0\n")
    assert {problem.code for problem in problems} == {"missing-column"}


def test_a_column_alone_is_a_table(problems_of):
    assert {problem.code for problem in problems_of("id\nS1\n")} == {"missing-column"}


def test_a_file_of_semicolons_read_as_such(read):
    columns = mapping(("subject: id", 'subject: id\nseparator: ";"'))
    assert read(OK.replace(",", ";"), columns).subjects.rows() == [("S1", 2, 50.0, "a")]


@pytest.mark.parametrize(
    ("column", "guess"),
    [
        pytest.param("Month", "Months", id="a letter missing"),
        pytest.param("MONTHS", "MONTHS", id="capitals"),
        pytest.param("months", "months", id="small letters"),
    ],
)
def test_a_column_close_to_the_one_missing_is_offered_as_the_file_spells_it(problems_of, column, guess):
    (problem,) = problems_of(OK.replace("Months", column))
    assert f"`{column}`" in problem.fix


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(OK.replace("\n", "\r\n"), id="Windows"),
        pytest.param(OK.replace("\n", "\r"), id="old Mac"),
        pytest.param("\n" + OK, id="an empty line first"),
        pytest.param(OK.replace("\n", "\n\n"), id="empty lines between"),
        pytest.param(OK.strip(), id="no line end at the end"),
        pytest.param(b"\xef\xbb\xbf" + OK.encode(), id="byte order mark"),
        pytest.param(OK.replace("id,", '"id",').replace("S1", '"S1"'), id="quotes"),
        pytest.param(OK.replace("Prog\n", "Prog,Note\n").replace("300,0", '300,0,"a ""b"", c"'), id="a note"),
        pytest.param(
            OK.replace("Prog\n", "Prog,Größe\n").replace("300,0", "300,0,1"), id="letters of the world"
        ),
    ],
)
def test_the_same_table_in_other_clothes(read, text):
    ours, theirs = read(OK), read(text)
    assert theirs.subjects.drop("SRCSEQ").equals(ours.subjects.drop("SRCSEQ"))
    assert theirs.times.drop("SRCSEQ").equals(ours.times.drop("SRCSEQ"))


def test_line_numbers_stay_true_across_line_ends_inside_cells_and_empty_lines(read, problems_of):
    text = HEADER.replace("\n", ",Note\n")
    text += 'S1,50,1,12,1,300,0,"two\nlines"\n'  # lines 2 and 3
    text += "\n"  # line 4
    text += 'S2,50,1,12,1,300,0,"a\r\nb\r\nc"\n'  # lines 5 to 7
    assert read(text).subjects["SRCSEQ"].to_list() == [2, 5]
    assert told(problems_of(text + "S3,50,1,-1,1,300,0,x\n")) == [("negative-time", 8, "Months")]


def test_subjects_are_text_as_spelt(read):
    rows = "".join(f"{subject},50,1,12,1,300,0\n" for subject in ("1", "01", "1.0", "a", "A"))
    assert read(HEADER + rows).subjects["USUBJID"].to_list() == ["1", "01", "1.0", "a", "A"]


def test_every_problem_of_a_file_comes_at_once_in_the_order_of_its_lines(problems_of):
    text = HEADER + "S1,x,1,12,1,300,0\nS2,50,9,-1,7,300,0\nS1,50,1,12,1,300,0\n"
    assert told(problems_of(text)) == [
        ("not-a-number", 2, "Age"),
        ("unknown-code", 3, "Arm"),
        ("negative-time", 3, "Months"),
        ("unknown-code", 3, "Dead"),
        ("duplicate-subject", 4, "id"),
    ]


def test_a_message_names_the_row_and_not_the_person(problems_of):
    problems = problems_of(OK.replace("S1", '"Doe, Jane"') + '"Doe, Jane",x,1,1,1,1,1\n')
    assert [problem.code for problem in problems] == ["duplicate-subject", "not-a-number"]
    assert all("Doe" not in str(problem) for problem in problems)


def test_a_file_that_cannot_be_opened(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ProblemsFound) as caught:
            read_csv_cohort(path, AS_IS)
        assert [problem.code for problem in caught.value.problems] == ["unreadable-file"]
        assert caught.value.problems[0].place.file == str(path)


cells = st.text(st.sampled_from('aé1.0-,"\n\r\t \x00;'), max_size=6)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(cells, min_size=1, max_size=8), max_size=4), st.binary(max_size=20))
def test_anything_is_read_or_refused_and_nothing_else(tmp_path_factory, rows, tail):
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(OK.encode() + "\n".join(",".join(row) for row in rows).encode() + tail)
    try:
        cohort = read_csv_cohort(path, AS_IS)
    except ProblemsFound as found:
        problems = found.problems
    else:
        problems = ()
        assert cohort.subjects["USUBJID"].is_unique().all()
    assert all(problem.place for problem in problems)


@given(st.permutations(range(4)))
def test_order_of_the_rows_changes_no_value_of_a_subject(tmp_path_factory, order):
    rows = ["S1,50,1,12,1,300,0", "S2,NA,2,,1,,1", "S3,61.5,010,0,0,7,2", "S4,,,1e1,,1,"]
    path = tmp_path_factory.getbasetemp() / "shuffled.csv"
    path.write_text(HEADER + "\n".join(rows[i] for i in order), encoding="utf-8")
    cohort = read_csv_cohort(path, AS_IS)
    assert cohort.subjects.drop("SRCSEQ").sort("USUBJID").rows() == [
        ("S1", 50.0, "a"),
        ("S2", None, "b"),
        ("S3", 61.5, "c"),
        ("S4", None, None),
    ]
    assert cohort.times.drop("SRCSEQ").sort("USUBJID", "endpoint").rows() == [
        ("S1", "os", 12.0, True),
        ("S1", "pfs", 300.0, False),
        ("S2", "os", None, True),
        ("S2", "pfs", None, True),
        ("S3", "os", 0.0, False),
        ("S3", "pfs", 7.0, True),
        ("S4", "os", 10.0, None),
        ("S4", "pfs", 1.0, None),
    ]
