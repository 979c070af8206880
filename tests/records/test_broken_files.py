"""Broken files: problems with their places within a second, never a traceback."""

import gzip
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from trialwright.records.files import Format, read_dataset, write_records
from trialwright.vocabulary.problems import ProblemsFound

CDISC = Path(__file__).parent / "cdisc"
EVERY = list(Format)
MEGABYTES = 10_000_000


@pytest.fixture
def problems_of(tmp_path, cpu_seconds):
    def found(content, form, name="dm"):
        path = tmp_path / f"{name}.{form}"
        path.write_bytes(content)
        with cpu_seconds(1), pytest.raises(ProblemsFound) as caught:
            read_dataset(path)
        for problem in caught.value.problems:
            assert problem.place.file == path.name
            assert len(str(problem)) < 600
        return caught.value.problems

    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """dm.json in every format."""
    folder = tmp_path_factory.mktemp("whole")
    table = read_dataset(CDISC / "dm.json").table
    for form in EVERY:
        write_records({"DM": table}, folder, form)
    return {form: (folder / f"dm.{form}").read_bytes() for form in EVERY}


def codes(problems):
    return [problem.code for problem in problems]


JUNK = {
    "nothing": b"",
    "random bytes": np.random.default_rng(1).bytes(MEGABYTES),
    "zeros": bytes(MEGABYTES),
    "blanks": b" " * MEGABYTES,
    "line ends": b"\n" * MEGABYTES,
    "opening brackets": b"[" * MEGABYTES,
    "nested objects": b'{"a":' * (MEGABYTES // 5),
    "quotes": b'"' * MEGABYTES,
    "commas": b"," * MEGABYTES,
    "short lines": b"a,b\n" * (MEGABYTES // 4),
    "a compressed file": gzip.compress(b"STUDYID,DOMAIN\n" * 1000),
    "a page": b"<!DOCTYPE html><html><body>Log in</body></html>",
}


@pytest.mark.parametrize("form", EVERY)
@pytest.mark.parametrize("junk", JUNK)
def test_junk(problems_of, form, junk):
    assert problems_of(JUNK[junk], form)


@pytest.mark.parametrize("form", EVERY)
def test_a_file_that_is_not_there(tmp_path, form):
    with pytest.raises(ProblemsFound) as caught:
        read_dataset(tmp_path / f"dm.{form}")
    assert codes(caught.value.problems) == ["unreadable-file"]


@pytest.mark.parametrize("form", [Format.PARQUET, Format.XPT, Format.JSON, Format.NDJSON])
def test_a_file_cut_off_anywhere(problems_of, whole, form):
    content = whole[form].rstrip(b" \n")
    for cut in range(0, len(content), 97):
        assert problems_of(content[:cut], form)


@pytest.mark.parametrize("form", [Format.XPT, Format.JSON, Format.NDJSON, Format.CSV, Format.PARQUET])
def test_a_file_with_wrong_bytes_has_problems_or_a_table(tmp_path, whole, form):
    """Bytes that are wrong may still make a table; nothing else may happen."""
    rng = np.random.default_rng(7)
    path = tmp_path / f"dm.{form}"
    refused = 0
    for _ in range(60):
        content = bytearray(whole[form])
        for _ in range(int(rng.choice([1, 4, 20]))):
            content[rng.integers(len(content))] = rng.integers(256)
        path.write_bytes(content)
        try:
            assert isinstance(read_dataset(path).table, pl.DataFrame)
        except ProblemsFound:
            refused += 1
    assert refused > 20


# --- transport files --------------------------------------------------------------------------------------------------


def test_a_record_cut_in_two_is_not_left_out(problems_of, whole):
    (problem,) = problems_of(whole["xpt"][:-80], Format.XPT)
    assert problem.code == "truncated-file"
    assert "record 18" in problem.message
    (problem,) = problems_of(whole["xpt"][:-81], Format.XPT)
    assert problem.code == "truncated-file"


def test_two_datasets_in_one_transport_file(problems_of, whole):
    content = whole["xpt"]
    member = content[240:]
    (problem,) = problems_of(content + member, Format.XPT)
    assert (problem.code, f"byte {len(content) + 1:,}" in problem.message) == ("several-datasets", True)


def test_a_transport_file_of_version_8(problems_of, whole):
    content = whole["xpt"].replace(b"LIBRARY HEADER", b"LIBV8   HEADER", 1)
    (problem,) = problems_of(content, Format.XPT)
    assert (problem.code, "version 8" in problem.message) == ("not-xpt", True)


def test_a_missing_value_with_a_meaning_is_not_made_one_without(problems_of, whole):
    content = whole["xpt"]
    age = content.index(bytes.fromhex("4254000000000000"))  # 84 years
    (problem,) = problems_of(content[:age] + b"A" + bytes(7) + content[age + 8 :], Format.XPT)
    assert (problem.code, problem.field) == ("special-missing", "DM[1].AGE")


def test_texts_in_another_encoding(problems_of, whole, tmp_path):
    content = whole["xpt"].replace(b"WHITE", b"WEI\xdfE", 1)
    (problem,) = problems_of(content, Format.XPT)
    assert (problem.code, problem.field) == ("not-in-encoding", "DM[1].RACE")
    (tmp_path / "dm.xpt").write_bytes(content)
    table = read_dataset(tmp_path / "dm.xpt", encoding="windows-1252").table
    assert table["RACE"][0] == "WEIßE"


# --- JSON -------------------------------------------------------------------------------------------------------------


def edited(change):
    document = json.loads((CDISC / "dm.json").read_text(encoding="utf-8"))
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(lambda d: d.pop("columns"), ("not-dataset-json", "columns"), id="no columns"),
        pytest.param(lambda d: d.pop("records"), ("not-dataset-json", "records"), id="no count of records"),
        pytest.param(lambda d: d.update(name=7), ("not-dataset-json", "name"), id="a number for a name"),
        pytest.param(lambda d: d.update(rows={}), ("not-dataset-json", "rows"), id="an object of rows"),
        pytest.param(
            lambda d: d.update(datasetJSONVersion="1.0.0"),
            ("not-dataset-json", "datasetJSONVersion"),
            id="another version",
        ),
        pytest.param(
            lambda d: d["columns"][3].pop("dataType"),
            ("not-dataset-json", "columns[4].dataType"),
            id="a column without type",
        ),
        pytest.param(
            lambda d: d["columns"][3].update(dataType="complex"),
            ("not-dataset-json", "columns[4].dataType"),
            id="an unknown type",
        ),
        pytest.param(
            lambda d: d["columns"].__setitem__(3, []),
            ("not-dataset-json", "columns[4]"),
            id="a list for a column",
        ),
        pytest.param(
            lambda d: d["columns"][3].update(name="USUBJID"),
            ("duplicate-column", "USUBJID"),
            id="a name twice",
        ),
        pytest.param(lambda d: d.update(records=19), ("wrong-count", "DM.records"), id="a row lost"),
        pytest.param(lambda d: d["rows"][4].pop(), ("ragged-row", "DM[5]"), id="a short row"),
        pytest.param(lambda d: d["rows"].__setitem__(4, None), ("ragged-row", "DM[5]"), id="no row"),
        pytest.param(
            lambda d: d["rows"][4].__setitem__(14, "84"), ("wrong-type", "DM[5].AGE"), id="text for a number"
        ),
        pytest.param(
            lambda d: d["rows"][4].__setitem__(14, 84.5), ("wrong-type", "DM[5].AGE"), id="a half of a whole"
        ),
        pytest.param(
            lambda d: d["rows"][4].__setitem__(14, True),
            ("wrong-type", "DM[5].AGE"),
            id="a boolean for a number",
        ),
        pytest.param(
            lambda d: d["rows"][4].__setitem__(14, 10**30),
            ("out-of-range", "DM[5].AGE"),
            id="beyond any number",
        ),
        pytest.param(
            lambda d: d["rows"][4].__setitem__(12, 701),
            ("wrong-type", "DM[5].SITEID"),
            id="a number for text",
        ),
        pytest.param(lambda d: d["rows"][4].__setitem__(12, []), ("wrong-type", "DM[5].SITEID"), id="a list"),
        pytest.param(
            lambda d: d.update(name="LB"), ("missing-variable", "LB.LBSEQ"), id="another domain's name"
        ),
    ],
)
def test_json_that_is_not_as_it_must_be(problems_of, change, told):
    problem = problems_of(edited(change), Format.JSON)[0]
    assert (problem.code, problem.field) == told


def test_rows_twice_are_not_the_last_of_them(problems_of):
    content = (CDISC / "dm.json").read_bytes()
    twice = content.replace(b'"rows":', b'"rows":[],"rows":', 1)
    (problem,) = problems_of(twice, Format.JSON)
    assert (problem.code, problem.field) == ("not-dataset-json", "rows")


def test_a_text_that_looks_like_rows_is_text(tmp_path):
    def change(document):
        document["rows"][0][17] = '"rows": "rows" \\"rows": '

    (tmp_path / "dm.json").write_bytes(edited(change))
    assert read_dataset(tmp_path / "dm.json").table["RACE"][0] == '"rows": "rows" \\"rows": '


def test_the_place_where_json_ends(problems_of):
    (problem,) = problems_of(b'{"name":\n  "DM",}', Format.JSON)
    assert (problem.code, problem.place.line, problem.place.column) == ("json-syntax", 2, 8)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400"])
def test_numbers_that_are_none(problems_of, number):
    content = (CDISC / "lb.json").read_bytes().replace(b",39,", f",{number},".encode(), 1)
    assert codes(problems_of(content, Format.JSON, "lb"))[0] in ("json-syntax", "not-a-number")


def test_lines_of_ndjson_are_named(problems_of, whole):
    lines = whole["ndjson"].splitlines()
    lines[7] = lines[7][:-1]
    (problem,) = problems_of(b"\n".join(lines), Format.NDJSON)
    assert (problem.code, problem.place.line) == ("json-syntax", 8)


def test_a_lost_line_of_ndjson(problems_of, whole):
    lines = whole["ndjson"].splitlines()
    (problem,) = problems_of(b"\n".join(lines[:-1]), Format.NDJSON)
    assert (problem.code, problem.message) == ("wrong-count", "the file says it has 18 records and has 17")


# --- delimited text ---------------------------------------------------------------------------------------------------

HEADER = "STUDYID,DOMAIN,USUBJID,SUBJID,SITEID,SEX,COUNTRY,AGE\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(HEADER + "S,DM,1,1,1,F,TWN,x\n", ("not-a-number", 2, 18), id="text for a number"),
        pytest.param(
            HEADER + 'S,DM,1,"a,""b",1,F,TWN,x\n', ("not-a-number", 2, 24), id="after a quoted cell"
        ),
        pytest.param(
            HEADER + 'S,DM,1,"two\nlines",1,F,TWN,x\n',
            ("not-a-number", 3, 16),
            id="after a cell of two lines",
        ),
        pytest.param(HEADER + "\n\nS,DM,1,1,1,F,TWN,x\n", ("not-a-number", 4, 18), id="after blank lines"),
        pytest.param(HEADER + "S,DM,1\n", ("ragged-row", 2, None), id="a short row"),
        pytest.param(HEADER + "S,DM,1,1,1,F,TWN,9,9\n", ("ragged-row", 2, None), id="a long row"),
        pytest.param(
            HEADER + 'S,DM,"1,1,1,F,TWN,9\n', ("csv-syntax", 2, None), id="a quote that is not closed"
        ),
        pytest.param(HEADER + 'S,DM,"1"1,1,1,F,TWN,9\n', ("csv-syntax", 2, None), id="text after a quote"),
        pytest.param("A,B,A\n1,2,3\n", ("duplicate-column", None, None), id="a name twice"),
    ],
)
def test_delimited_text_that_is_not_as_it_must_be(problems_of, text, told):
    problem = problems_of(text.encode(), Format.CSV)[0]
    assert (problem.code, problem.place.line, problem.place.column) == told


def test_the_line_of_a_byte_that_is_no_text(problems_of):
    (problem,) = problems_of(HEADER.encode() + b"S,DM,1,1,1,F,TWN,9\nS,DM,\xff,1,1,F,TWN,9\n", Format.CSV)
    assert (problem.code, problem.place.line) == ("not-utf8", 3)


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_a_spreadsheet_under_another_name_is_called_one(problems_of, start):
    (problem,) = problems_of(start + b"\x14\x00\x06\x00", Format.CSV)
    assert problem.code == "spreadsheet-as-text"
    assert "save its table as CSV UTF-8" in problem.fix


@pytest.mark.parametrize(("separator", "shown"), [(";", "`;`"), ("\t", "tabs"), ("|", "`|`")])
def test_cells_divided_otherwise_are_told_by_their_separator(problems_of, separator, shown):
    text = HEADER + "S,DM,1,1,1,F,TWN,9\n"
    (problem,) = problems_of(text.replace(",", separator).encode(), Format.CSV)
    assert (problem.code, problem.place.line) == ("other-separator", 1)
    assert problem.message == f"the header seems to be separated by {shown}, expected `,`"
    assert problem.fix.startswith("save the file with `,` between cells")
    # one comma in the header, and it is not for us to say what divides it
    one = problems_of((HEADER.replace(",", separator, 6) + "S,DM\n").encode(), Format.CSV)
    assert "other-separator" not in codes(one)


def test_lines_with_and_without_quotes_read_alike(tmp_path):
    """One goes the way of plain text, the other that of quoted text."""
    plain = HEADER + "S,DM,1, 1,010,F,TWN,\r\nS,DM,2,,=x,F,TWN,1e1\r\n"
    (tmp_path / "dm.csv").write_text(plain, newline="")
    one = read_dataset(tmp_path / "dm.csv").table
    (tmp_path / "dm.csv").write_text(plain.replace("S,DM,1", '"S",DM,1'), newline="")
    other = read_dataset(tmp_path / "dm.csv").table
    assert one.equals(other)
    assert one["SUBJID"].to_list() == [" 1", None]
    assert one["AGE"].to_list() == [None, 10.0]
