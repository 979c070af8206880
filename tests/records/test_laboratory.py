"""A hospital's laboratory file becomes LB: what is reported stays, what is doubtful is told with its place."""

import hashlib
import math
from pathlib import Path

import polars as pl
import pytest

from trialwright.records.dates import date_ranges
from trialwright.records.files import Format, read_dataset, write_dataset
from trialwright.records.laboratory import iso_date, read_laboratory, read_laboratory_mapping
from trialwright.records.table_checks import check_tables
from trialwright.vocabulary.documents import canonical_hash
from trialwright.vocabulary.problems import ProblemsFound, Severity

CDISC = Path(__file__).parent / "cdisc"
MAPPING = """\
format: trialwright-laboratory/1
study: T-1
file: lab.csv
missing: ["", "-"]
columns:
  subject: Patient
  test: Test
  result: Result
  unit: Unit
  range: Normal
  collected: Sampled
  assay: Method
subjects: { "17": T-001, "18": T-002 }
units: { ratio: none, IE/ml: IU/mL }
assays: { CAP/CTM: roche_cobas_taqman }
tests:
  GPT: { concept: alt, specimen: SERUM }
  Bili: { concept: bilirubin, unit: mg/dL }
  HBV: { concept: hbv_dna, words: [TND], lower limit of quantification: 20 }
  INR: { concept: inr }
  HBsAg: { concept: hbsag, values: { "pos.": positive } }
  HBeAg: { concept: hbeag, code: HBEAG }
ignore: [Lipaemia]
"""
HEADER = "Patient,Test,Result,Unit,Normal,Sampled,Method\n"
OK = "17,GPT,45,U/L,10-50,2026-03-05,\n"


@pytest.fixture
def mapped(tmp_path):
    def read(*edits):
        text = MAPPING
        for old, new in edits:
            assert text.count(old) == 1
            text = text.replace(old, new)
        (tmp_path / "lab.yaml").write_text(text, encoding="utf-8")
        return read_laboratory_mapping(tmp_path / "lab.yaml")[0]

    return read


@pytest.fixture
def read(tmp_path, mapped):
    def read_rows(*rows, edits=(), header=HEADER, encoding="utf-8"):
        path = tmp_path / "lab.csv"
        path.write_bytes((header + "".join(f"{row}\n" for row in rows)).encode(encoding))
        return read_laboratory(path, mapped(*edits))

    return read_rows


@pytest.fixture
def problems_of(read):
    def found(*rows, **options):
        with pytest.raises(ProblemsFound) as caught:
            read(*rows, **options)
        return told(caught.value.problems)

    return found


def told(problems):
    return [(problem.code, problem.place.line, problem.place.column, problem.field) for problem in problems]


def test_one_result_in_every_column(read):
    dataset = read("17,GPT,45,U/l,10 - 50,2026-03-05 08:05,Alinity")
    assert dataset.table.row(0, named=True) == {
        "STUDYID": "T-1",
        "DOMAIN": "LB",
        "USUBJID": "T-001",
        "LBSEQ": 1,
        "LBREFID": None,
        "LBSPID": "lab.csv:2",
        "LBTESTCD": "ALT",
        "LBTEST": "ALT",
        "LBORRES": "45",
        "LBORCMP": None,
        "LBORRESN": 45.0,
        "LBORRESU": "U/l",
        "LBORNRLO": "10",
        "LBORNRHI": "50",
        "LBSTRESC": "45",
        "LBSTRESN": 45.0,
        "LBSTRESU": "U/L",
        "LBSTNRLO": 10.0,
        "LBSTNRHI": 50.0,
        "LBNAM": None,
        "LBSPEC": "SERUM",
        "LBMETHOD": "Alinity",
        "LBLLOQ": None,
        "LBULOQ": None,
        "VISIT": None,
        "LBDTC": "2026-03-05T08:05",
    }
    assert dataset.warnings == ()
    assert (
        dataset.sha256
        == hashlib.sha256((HEADER + "17,GPT,45,U/l,10 - 50,2026-03-05 08:05,Alinity\n").encode()).hexdigest()
    )


RESULT = ["LBORRES", "LBORCMP", "LBORRESN", "LBORRESU", "LBSTRESC", "LBSTRESN", "LBSTRESU"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(
            "17,HBV,<20,IU/mL,,2026,", ("<20", "<", 20, "IU/mL", "<20", None, "IU/mL"), id="below the limit"
        ),
        pytest.param(
            "17,HBV,< 20,IE/ml,,2026,", ("< 20", "<", 20, "IE/ml", "<20", None, "IU/mL"), id="its own spellings"
        ),
        pytest.param(
            "17,HBV,>1.7E8,IU/mL,,2026,",
            (">1.7E8", ">", 1.7e8, "IU/mL", ">170000000", None, "IU/mL"),
            id="above the limit",
        ),
        pytest.param("17,HBV,TND,,,2026,", ("TND", None, None, None, "TND", None, None), id="a known word"),
        pytest.param(
            "17,HBV,582,copies/mL,,2026,CAP/CTM",
            ("582", None, 582, "copies/mL", "100", 100, "IU/mL"),
            id="copies by the factor of their assay",
        ),
        pytest.param(
            "17,HBV,<582,copies/mL,,2026,roche_cobas_taqman",
            ("<582", "<", 582, "copies/mL", "<100", None, "IU/mL"),
            id="a limit in copies",
        ),
        pytest.param(
            "17,HBV,4,log10 IU/mL,,2026,", ("4", None, 4, "log10 IU/mL", "10000", 10000, "IU/mL"), id="a logarithm"
        ),
        pytest.param("17,INR,1.1,ratio,,2026,", ("1.1", None, 1.1, "ratio", "1.1", 1.1, None), id="without unit"),
        pytest.param(
            "17,HBsAg,pos.,,,2026,", ("pos.", None, None, None, "positive", None, None), id="a level by the mapping"
        ),
        pytest.param(
            "17,HBeAg,Negative,,,2026,",
            ("Negative", None, None, None, "negative", None, None),
            id="a level by its name",
        ),
        pytest.param("17,GPT,-,U/L,,2026,", (None, None, None, "U/L", None, None, "U/L"), id="no result"),
        pytest.param(
            "17,HBsAg,-,,,2026,", (None, None, None, None, None, None, None), id="no result of a category"
        ),
        pytest.param(
            "17,GPT,\" 45 \",U/L,,2026,", ("45", None, 45, "U/L", "45", 45, "U/L"), id="blanks around"
        ),
    ],
)  # fmt: skip
def test_results(read, row, expected):
    dataset = read(row)
    assert dataset.table.select(RESULT).row(0) == expected
    assert dataset.warnings == ()


def test_the_unit_of_a_test_where_the_file_gives_none(read):
    row = read("17,Bili,1.2,,0.1-1.2,2026,").table.row(0, named=True)
    assert row["LBORRESU"] == "mg/dL"
    assert math.isclose(row["LBSTRESN"], 12_000 / 584.673, rel_tol=1e-15)  # 584.673 g/mol
    assert math.isclose(row["LBSTNRHI"], 12_000 / 584.673, rel_tol=1e-15)
    assert row["LBSTNRLO"] < row["LBSTRESN"]


@pytest.mark.parametrize(
    ("cell", "limits"),
    [
        ("10-50", ("10", "50", 10, 50)),
        ("10 ~ 50", ("10", "50", 10, 50)),
        ("10–50", ("10", "50", 10, 50)),
        ("<50", (None, "50", None, 50)),
        ("≤ 50", (None, "50", None, 50)),
        (">10", ("10", None, 10, None)),
        ("", (None, None, None, None)),
    ],
)
def test_limits_of_normal(read, cell, limits):
    dataset = read(f"17,GPT,45,U/L,{cell},2026,")
    assert dataset.table.select("LBORNRLO", "LBORNRHI", "LBSTNRLO", "LBSTNRHI").row(0) == limits
    assert dataset.warnings == ()


@pytest.mark.parametrize(
    ("row", "warning"),
    [
        pytest.param("17,GPT,haemolysed,U/L,,2026,", ("unreadable-result", 2, 8, "Result"), id="words"),
        pytest.param('17,GPT,"1,234",U/L,,2026,', ("unreadable-result", 2, 8, "Result"), id="thousands"),
        pytest.param("17,HBsAg,(+),,,2026,", ("unreadable-result", 2, 10, "Result"), id="no level"),
        pytest.param("17,GPT,45,,,2026,", ("unit-missing", 2, 11, "Unit"), id="no unit"),
        pytest.param("17,GPT,45,U/1,,2026,", ("unknown-unit", 2, 11, "Unit"), id="a misspelt unit"),
        pytest.param("17,GPT,45,mg/dL,,2026,", ("unit-mismatch", 2, 11, "Unit"), id="another quantity"),
        pytest.param(
            "17,INR,85,%,,2026,", ("unit-unexpected", 2, 11, "Unit"), id="a unit where there is none"
        ),
        pytest.param("17,HBV,9,copies/mL,,2026,", ("assay-needed", 2, 10, "Unit"), id="copies of no assay"),
        pytest.param("17,GPT,450000,U/L,,2026,", ("implausible-result", 2, 8, "Result"), id="beyond a life"),
        pytest.param("17,INR,0.1,,,2026,", ("implausible-result", 2, 8, "Result"), id="below a life"),
        pytest.param(
            "17,HBV,950000,log10 IU/mL,,2026,",
            ("implausible-result", 2, 8, "Result"),
            id="a number as its logarithm",
        ),
        pytest.param("17,GPT,<0,U/L,,2026,", ("implausible-result", 2, 8, "Result"), id="below nothing"),
        pytest.param("17,GPT,-3,U/L,,2026,", ("implausible-result", 2, 8, "Result"), id="negative"),
        pytest.param(
            "17,GPT,>40000,U/L,,2026,", ("implausible-result", 2, 8, "Result"), id="above what can be"
        ),
    ],
)
def test_doubtful_results_are_kept_as_reported_and_not_converted(read, row, warning):
    dataset = read(row)
    result = dataset.table.row(0, named=True)
    assert result["LBORRES"] == (row.split('"')[1] if '"' in row else row.split(",")[2])
    assert (result["LBSTRESC"], result["LBSTRESN"]) == (None, None)
    assert told(dataset.warnings) == [warning]
    assert dataset.warnings[0].severity is Severity.WARNING


@pytest.mark.parametrize("cell", ["<4", ">4"])
def test_a_limit_of_an_assay_may_lie_below_a_life(read, cell):
    """5 g/L of albumin is the least plausible number; a limit below it is no number."""
    edits = [("INR: { concept: inr }", "INR: { concept: inr }\n  Alb: { concept: albumin }")]
    dataset = read(f"17,Alb,{cell},g/L,,2026,", edits=edits)
    assert (dataset.table["LBSTRESC"][0], dataset.warnings) == (cell, ())


@pytest.mark.parametrize(
    ("row", "warning"),
    [
        pytest.param("17,GPT,45,U/L,50-10,2026,", ("limits-reversed", 2, 15, "Normal"), id="reversed"),
        pytest.param("17,GPT,45,U/L,normal,2026,", ("unreadable-limit", 2, 15, "Normal"), id="words"),
        pytest.param("17,GPT,45,U/L,1-2-3,2026,", ("unreadable-limit", 2, 15, "Normal"), id="three"),
    ],
)
def test_doubtful_limits_leave_the_result(read, row, warning):
    dataset = read(row)
    assert dataset.table.select("LBSTRESN", "LBSTNRLO", "LBSTNRHI").row(0) == (45, None, None)
    assert told(dataset.warnings) == [warning]


def test_a_result_without_date_is_kept_and_told(read):
    dataset = read("17,GPT,45,U/L,,,")
    assert dataset.table["LBDTC"].to_list() == [None]
    assert told(dataset.warnings) == [("missing-date", 2, 16, "Sampled")]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        pytest.param(",GPT,45,U/L,,2026,", ("missing-subject", 2, 1, "Patient"), id="nobody's"),
        pytest.param("19,GPT,45,U/L,,2026,", ("unknown-subject", 2, 1, "Patient"), id="somebody else's"),
        pytest.param("17,gpt,45,U/L,,2026,", ("unknown-test", 2, 4, "Test"), id="in small letters"),
        pytest.param("17,,45,U/L,,2026,", ("unknown-test", 2, 4, "Test"), id="of no test"),
        pytest.param("17,GPT,45,U/L,,yesterday,", ("unreadable-date", 2, 16, "Sampled"), id="of no day"),
        pytest.param("17,GPT,45,U/L,,2026-02-30,", ("unreadable-date", 2, 16, "Sampled"), id="30 February"),
        pytest.param("17,GPT,45,U/L,,05.03.2026,", ("unreadable-date", 2, 16, "Sampled"), id="another order"),
        pytest.param(
            "17,GPT,45,U/L,,2026-3-5 24:00,", ("unreadable-date", 2, 16, "Sampled"), id="midnight twice"
        ),
    ],
)
def test_whose_result_of_what_and_when_must_be_clear(problems_of, row, problem):
    assert problems_of(OK.strip(), row) == [(problem[0], 3, *problem[2:])]


def test_the_name_of_a_subject_is_not_in_the_message(read):
    with pytest.raises(ProblemsFound) as caught:
        read("Mrs Brown,GPT,45,U/L,,2026,")
    assert "Brown" not in str(caught.value)


def test_without_a_list_of_subjects_they_are_as_the_file_has_them(read):
    dataset = read(OK.strip(), edits=[('subjects: { "17": T-001, "18": T-002 }\n', "")])
    assert dataset.table["USUBJID"].to_list() == ["17"]


def test_a_test_that_is_not_used_is_left_out(read):
    dataset = read("17,Lipaemia,1,,,x,", OK.strip())
    assert dataset.table["LBSPID"].to_list() == ["lab.csv:3"]


def test_records_are_counted_by_subject_in_the_order_of_lines(read):
    rows = ["18,GPT,1,U/L,,2026,", "17,GPT,2,U/L,,2026,", "18,INR,3,,,2026,"]
    table = read(*rows).table
    assert table.select("USUBJID", "LBSEQ", "LBORRES").rows() == [
        ("T-002", 1, "1"),
        ("T-001", 1, "2"),
        ("T-002", 2, "3"),
    ]
    assert check_tables({"LB": table}) == []


def test_many_alike_are_told_together(read):
    dataset = read(*["17,GPT,45,,,2026,"] * 100)
    assert [problem.place.line for problem in dataset.warnings] == [2, 3, 4, 5, 6]
    assert "100 rows" in dataset.warnings[0].message


def test_a_file_full_of_different_doubts_is_answered_at_once(tmp_path, mapped, cpu_seconds):
    rows = "".join(f"17,T{i},{i}x,U/L,,2026-03-05,\n" for i in range(300_000))
    (tmp_path / "lab.csv").write_text(HEADER + rows)
    mapping = mapped()
    with cpu_seconds(4), pytest.raises(ProblemsFound) as caught:
        read_laboratory(tmp_path / "lab.csv", mapping)
    assert len(caught.value.problems) < 30
    assert "(299,980 rows are like this)" in caught.value.problems[-5].message


def test_missing_columns(problems_of):
    assert problems_of("17,GPT", header="Patient,Tests\n") == [
        ("missing-column", None, None, name)
        for name in ("Test", "Result", "Sampled", "Unit", "Normal", "Method")
    ]


def test_two_columns_of_limits(read):
    edits = [("  range: Normal\n", "  lower limit: Low\n  upper limit: High\n")]
    header = HEADER.replace("Normal", "Low,High")
    dataset = read("17,GPT,45,U/L,10,x,2026,", header=header, edits=edits)
    assert dataset.table.select("LBSTNRLO", "LBORNRHI", "LBSTNRHI").row(0) == (10, "x", None)
    assert told(dataset.warnings) == [("unreadable-limit", 2, 18, "High")]


def test_chinese_files(read):
    edits = [("study: T-1", "study: T-1\nencoding: gb18030"), ("GPT:", "谷丙转氨酶:")]
    dataset = read("17,谷丙转氨酶,＜5,U/L,,2026/3/5 8:05,", edits=edits, encoding="gb18030")
    assert dataset.table.select("LBTESTCD", "LBORCMP", "LBDTC").row(0) == ("ALT", "<", "2026-03-05T08:05")


def test_a_file_in_another_encoding_than_told(problems_of):
    assert problems_of("17,谷丙转氨酶,5,U/L,,2026,", encoding="gb18030") == [("not-utf8", 2, None, "")]


def test_utf_16_as_spreadsheets_save_text(read):
    edits = [("study: T-1", "study: T-1\nencoding: utf-16")]
    assert read(OK.strip(), edits=edits, encoding="utf-16").table["LBSTRESN"].to_list() == [45]


@pytest.mark.parametrize(
    ("encoding", "named", "code"),
    [
        pytest.param("utf-16", "utf-8", "not-utf8", id="UTF-16 taken for UTF-8"),
        pytest.param("utf-16", "windows-1252", "not-in-encoding", id="UTF-16 taken for a code page"),
        pytest.param("utf-8-sig", "windows-1252", "not-in-encoding", id="UTF-8 with a mark"),
        pytest.param("utf-8-sig", "gb18030", "not-in-encoding", id="UTF-8 with a mark, in China"),
        pytest.param("utf-8", "windows-1252", "not-in-encoding", id="UTF-8 whose letters are not ASCII"),
        pytest.param("utf-8", "utf-16", "not-in-encoding", id="UTF-8 taken for UTF-16"),
    ],
)
def test_an_encoding_the_bytes_themselves_deny(problems_of, encoding, named, code):
    edits = [("study: T-1", f"study: T-1\nencoding: {named}")]
    assert [code] == [one[0] for one in problems_of("17,GPT,5,µkat/L,,2026,", edits=edits, encoding=encoding)]


def test_a_code_page_is_read_as_told(read):
    edits = [("study: T-1", "study: T-1\nencoding: windows-1252")]
    table = read("17,GPT,2,µkat/L,,2026,", edits=edits, encoding="windows-1252").table
    assert table["LBORRESU"].to_list() == ["µkat/L"]
    assert table["LBSTRESN"].to_list() == [pytest.approx(120)]  # 1 ukat is 60 U


@pytest.mark.parametrize(
    ("text", "order", "iso"),
    [
        ("2026-03-05", "year month day", "2026-03-05"),
        ("2026/3/5", "year month day", "2026-03-05"),
        ("20260305", "year month day", "2026-03-05"),
        ("2026-03", "year month day", "2026-03"),
        ("2026", "year month day", "2026"),
        ("2026-03-05T14:30:15", "year month day", "2026-03-05T14:30:15"),
        ("5.3.2026", "day month year", "2026-03-05"),
        ("05/03/2026 7:05", "day month year", "2026-03-05T07:05"),
        ("03/05/2026", "month day year", "2026-03-05"),
        ("3.2026", "day month year", "2026-03"),
        ("2026", "month day year", "2026"),
        ("2026-03/05", "year month day", "2026-03/05"),
        ("20260305", "day month year", "20260305"),
        ("5.3.26", "day month year", "5.3.26"),
    ],
)
def test_dates_as_hospitals_write_them(text, order, iso):
    assert iso_date(text, order) == iso


# --- mappings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        pytest.param(
            ("concept: alt,", "concept: alat,"), ("unknown-concept", "tests.GPT.concept"), id="unknown concept"
        ),
        pytest.param(
            ("concept: alt,", "concept: weight,"),
            ("not-a-laboratory-test", "tests.GPT.concept"),
            id="no laboratory test",
        ),
        pytest.param((", code: HBEAG", ""), ("code-needed", "tests.HBeAg.concept"), id="no test code"),
        pytest.param(("positive }", "present }"), ("unfit-values", "tests.HBsAg.values"), id="unknown level"),
        pytest.param(
            ("concept: inr", "concept: inr, values: { a: b }"), ("unfit-values", "tests.INR.values"), id="levels of a number"
        ),
        pytest.param(("missing:", "mising:"), ("unknown-key", "mising"), id="unknown key"),
        pytest.param(("trialwright-laboratory/1", "trialwright-laboratory/9"), ("unknown-value", "format"), id="another version"),
        pytest.param(("quantification: 20", "quantification: 0"), ("out-of-range", "tests.HBV.lower limit of quantification"), id="a limit of 0"),
    ],
)  # fmt: skip
def test_faulty_mappings(mapped, edit, problem):
    with pytest.raises(ProblemsFound) as caught:
        mapped(edit)
    (found,) = caught.value.problems
    assert (found.code, found.field) == problem
    assert found.place.line is not None


def test_a_mapping_has_a_hash_of_its_own(mapped):
    one, again, other = (mapped(), mapped(), mapped(("study: T-1", "study: T-2")))
    hashes = [canonical_hash(mapping.model_dump(mode="json")) for mapping in (one, again, other)]
    assert hashes[0] == hashes[1] != hashes[2]


# --- the standard's own laboratory data, as a hospital would write them ------------------------------------------------

CODES = {
    "ALB": "albumin", "ALP": "alp", "ALT": "alt", "AST": "ast", "BILI": "bilirubin", "CA": "calcium", "CK": "ck",
    "CREAT": "creatinine", "GGT": "ggt", "GLUC": "glucose", "K": "potassium", "LYM": "lymphocytes",
    "PLAT": "platelets", "SODIUM": "sodium", "TSH": "tsh", "WBC": "white_cells",
}  # fmt: skip


def test_conversions_are_those_of_the_example_data(tmp_path):
    """Decimal commas, days first, mass units: the numbers become those of the example's standard units.

    Its factors are rounded to three digits (bilirubin 17.1, creatinine 88.4), hence the tolerance.
    """
    theirs = read_dataset(CDISC / "lb.json").table.filter(pl.col("LBTESTCD").is_in(list(CODES)))
    decimals = [
        pl.col(name).str.replace(".", ",", literal=True) for name in ("LBORRES", "LBORNRLO", "LBORNRHI")
    ]
    day_first = pl.col("LBDTC").str.replace(r"(....)-(..)-(..)T(.*)", "$3.$2.$1 $4").alias("Datum")
    sheet = theirs.select(pl.col("USUBJID"), pl.col("LBTESTCD"), pl.col("LBORRESU"), *decimals, day_first)
    sheet.write_csv(tmp_path / "lab.csv", separator=";")
    tests = "".join(f"  {code}: {{ concept: {concept} }}\n" for code, concept in CODES.items())
    (tmp_path / "lab.yaml").write_text(
        "format: trialwright-laboratory/1\nstudy: T-1\nfile: lab.csv\n"
        "separator: ';'\ndecimal: ','\ndates: day month year\n"
        "columns: { subject: USUBJID, test: LBTESTCD, result: LBORRES, unit: LBORRESU, lower limit: LBORNRLO,"
        " upper limit: LBORNRHI, collected: Datum }\n"
        f"tests:\n{tests}"
    )
    dataset = read_laboratory(tmp_path / "lab.csv", read_laboratory_mapping(tmp_path / "lab.yaml")[0])
    ours = dataset.table
    assert dataset.warnings == ()
    assert ours.height == theirs.height > 60
    assert ours["LBDTC"].to_list() == theirs["LBDTC"].to_list()
    assert ours["LBSTRESU"].to_list() == theirs["LBSTRESU"].to_list()
    for mine, given in zip(ours["LBSTRESN"], theirs["LBSTRESN"], strict=True):
        assert (mine is None and given is None) or math.isclose(mine, given, rel_tol=3e-4)
    for name in ("LBSTNRLO", "LBSTNRHI"):  # given as whole numbers where the unit changes
        for mine, given in zip(ours[name], theirs[name], strict=True):
            assert math.isclose(mine, given, abs_tol=1.0)


@pytest.mark.parametrize("form", list(Format))
def test_the_table_goes_through_every_format(form, read, tmp_path):
    dataset = read("17,HBV,<20,IU/mL,,2026-03,", "18,HBV,TND,,,2026,", OK.strip())
    write_dataset(dataset, tmp_path / f"lb.{form}")
    assert read_dataset(tmp_path / f"lb.{form}").table.equals(dataset.table)
    assert date_ranges(dataset.table["LBDTC"])["latest"].dt.to_string().to_list() == [
        "2026-03-31", "2026-12-31", "2026-03-05",
    ]  # fmt: skip
