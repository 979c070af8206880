"""Laboratories' files of one study become one LB: months that overlap, several laboratories, files that cannot be used."""

import polars as pl
import pytest

from trialwright.records.files import Format, read_dataset, read_records
from trialwright.records.laboratory_files import read_laboratory_files, write_laboratory
from trialwright.vocabulary.problems import ProblemsFound

MAPPING = """\
format: trialwright-laboratory/1
study: T-1
file: may.csv
columns: { subject: Patient, test: Test, result: Result, unit: Unit, collected: Sampled }
tests: { ALT: { concept: alt }, AFP: { concept: afp } }
"""
HEADER = "Patient,Test,Result,Unit,Sampled\n"
MAY = ["A,ALT,40,U/L,2026-05-01", "B,ALT,30,U/L,2026-05-02", "A,AFP,5,ng/mL,2026-05-03"]
JUNE = ["A,AFP,5,ng/mL,2026-05-03", "B,ALT,30,U/L,2026-05-02", "B,ALT,90,U/L,2026-06-02"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lab.yaml").write_text(MAPPING, encoding="utf-8")
    for name, rows in {"may": MAY, "june": JUNE}.items():
        (tmp_path / f"{name}.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return tmp_path


def read(folder, *files):
    return read_laboratory_files([folder / "lab.yaml"], [folder / file for file in files])


def told(read):
    return read.dataset.table.select("USUBJID", "LBSEQ", "LBSPID", "LBSTRESN").rows()


def problems_of(*arguments):
    with pytest.raises(ProblemsFound) as caught:
        read_laboratory_files(*arguments)
    return [(problem.code, problem.place and problem.place.file) for problem in caught.value.problems]


def test_the_file_beside_the_mapping(folder):
    found = read(folder)
    assert told(found) == [("A", 1, "may.csv:2", 40), ("B", 1, "may.csv:3", 30), ("A", 2, "may.csv:4", 5)]
    assert found.n_repeats == 0


def test_what_an_earlier_file_has_stands_once(folder):
    found = read(folder, "may.csv", "june.csv")
    assert told(found) == [
        ("A", 1, "may.csv:2", 40), ("B", 1, "may.csv:3", 30), ("A", 2, "may.csv:4", 5), ("B", 2, "june.csv:4", 90),
    ]  # fmt: skip
    assert found.n_repeats == 2
    assert "2 more stand in an earlier file too" in found.summary


def test_two_alike_of_one_file_are_two_results(folder):
    (folder / "june.csv").write_text(HEADER + f"{MAY[1]}\n{MAY[1]}\n{MAY[1]}\n", encoding="utf-8")
    (folder / "may.csv").write_text(HEADER + f"{MAY[1]}\n{MAY[1]}\n", encoding="utf-8")
    found = read(folder, "may.csv", "june.csv")
    assert told(found) == [("B", 1, "may.csv:2", 30), ("B", 2, "may.csv:3", 30), ("B", 3, "june.csv:4", 30)]
    assert found.n_repeats == 2


def test_several_laboratories(folder):
    (folder / "central.yaml").write_text(MAPPING.replace("may.csv", "june.csv"), encoding="utf-8")
    found = read_laboratory_files([folder / "lab.yaml", folder / "central.yaml"])
    assert told(found) == told(read(folder, "may.csv", "june.csv"))


def test_of_several_studies_is_refused(folder):
    text = MAPPING.replace("may.csv", "june.csv").replace("T-1", "T-2")
    (folder / "other.yaml").write_text(text, encoding="utf-8")
    assert problems_of([folder / "lab.yaml", folder / "other.yaml"]) == [("other-study", "other.yaml")]


def test_all_files_that_cannot_be_used_are_named(folder):
    (folder / "may.csv").write_text(HEADER + "A,LDH,40,U/L,2026-05-01\n", encoding="utf-8")
    (folder / "june.csv").write_text("Patient,Test\nA,ALT\n", encoding="utf-8")
    files = [folder / name for name in ("may.csv", "june.csv", "july.csv")]
    assert problems_of([folder / "lab.yaml"], files) == [
        ("unknown-test", "may.csv"),
        *[("missing-column", "june.csv")] * 3,
        ("unreadable-file", str(folder / "july.csv")),
    ]


def test_a_file_without_results_is_told(folder):
    (folder / "june.csv").write_text(HEADER, encoding="utf-8")
    found = read(folder, "may.csv", "june.csv")
    assert [(one.code, one.place.file) for one in found.dataset.warnings] == [("no-results", "june.csv")]
    assert len(told(found)) == 3


def test_the_summary_counts_what_has_no_value(folder):
    (folder / "may.csv").write_text(
        HEADER + "".join(f"{row}\n" for row in [*MAY, "C,ALT,high,U/L,2026-05-03"]), encoding="utf-8"
    )
    lines = read(folder).summary.splitlines()
    assert lines[0] == "4 results of 3 subjects"
    assert [line.split() for line in lines[2:]] == [
        ["AFP", "alpha-fetoprotein", "1", "0", "1"],
        ["ALT", "ALT", "3", "1", "3"],
    ]


@pytest.mark.parametrize("form", list(Format))
def test_what_is_written_is_read_back(folder, form):
    dataset = read(folder).dataset
    path = write_laboratory(dataset, folder / "a" / "sdtm", form)
    assert path == folder / "a" / "sdtm" / f"lb.{form}"
    again = read_dataset(path).table
    assert again.select("USUBJID", "LBSEQ", "LBSTRESN").equals(
        dataset.table.select("USUBJID", "LBSEQ", "LBSTRESN")
    )
    write_laboratory(read(folder, "may.csv", "june.csv").dataset, folder / "a" / "sdtm", form)
    assert read_records(folder / "a" / "sdtm").tables["LB"].height == 4


def test_beside_an_lb_of_another_format_nothing_is_written(folder):
    write_laboratory(read(folder).dataset, folder / "sdtm", Format.CSV)
    with pytest.raises(ProblemsFound) as caught:
        write_laboratory(read(folder).dataset, folder / "sdtm", Format.PARQUET)
    assert [problem.code for problem in caught.value.problems] == ["duplicate-dataset"]
    assert [path.name for path in (folder / "sdtm").iterdir()] == ["lb.csv"]


def test_no_folder_can_be_made_where_a_file_is(folder):
    with pytest.raises(ProblemsFound) as caught:
        write_laboratory(read(folder).dataset, folder / "may.csv", Format.CSV)
    assert [problem.code for problem in caught.value.problems] == ["unwritable-file"]


def test_files_are_read_through_one_mapping(folder):
    with pytest.raises(ValueError, match="one mapping"):
        read_laboratory_files([folder / "lab.yaml"] * 2, [folder / "may.csv"])


def test_rows_of_one_file_keep_their_order(folder):
    rows = [f"A,ALT,{n},U/L,2026-05-01" for n in range(1, 40)]
    (folder / "may.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    table = read(folder).dataset.table
    assert table["LBSEQ"].equals(pl.Series("LBSEQ", range(1, 40)))
    assert table["LBSTRESN"].to_list() == list(range(1, 40))
