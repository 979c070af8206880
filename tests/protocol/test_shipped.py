"""The protocols that come with Trialwright, their mappings and their data."""

import csv
import hashlib
from pathlib import Path

import pytest

from trialwright.derivations.cohort import check_mapping
from trialwright.protocol.loading import (
    dump_protocol,
    hash_sections,
    load_protocol,
    parse_protocol,
    shipped_protocols,
)
from trialwright.records.csv import read_csv_cohort
from trialwright.records.mapping import read_mapping

SHIPPED = Path(__file__).parents[2] / "src" / "trialwright" / "protocol" / "shipped"
HCC = SHIPPED / "hcc-resection"


def test_every_folder_is_listed_in_alphabetical_order():
    assert shipped_protocols() == sorted(folder.name for folder in SHIPPED.iterdir() if folder.is_dir())
    assert "hcc-resection" in shipped_protocols()


@pytest.mark.parametrize("name", shipped_protocols())
def test_every_shipped_protocol_loads_by_name_and_survives_being_written(name):
    loaded = load_protocol(name)
    assert loaded.folder == SHIPPED / name
    again = parse_protocol(dump_protocol(loaded.protocol))[0]
    assert again == loaded.protocol
    assert hash_sections(again) == hash_sections(loaded.protocol)


def test_the_data_of_hcc_resection_are_the_published_file():
    content = (HCC / "hepatoCellular.csv").read_bytes()
    assert (
        hashlib.sha256(content).hexdigest()
        == "c70fa61e6fd22b77625b21ef99995d8fabd2a4e5f9fb2a85a530736b695fc933"
    )


def test_the_mapping_of_hcc_resection_fits_its_protocol():
    mapping, document = read_mapping(HCC / "mapping.yaml")
    assert check_mapping(mapping, document, load_protocol("hcc-resection").protocol) == []


@pytest.fixture(scope="module")
def rows():
    with (HCC / "hepatoCellular.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_what_the_protocol_says_of_the_data_is_so(rows):
    """The statements in words of `protocol.yaml` and ORIGIN.md, counted in the raw file."""
    study = load_protocol("hcc-resection").protocol.study
    assert len(rows) == study.enrolment == 227
    assert [row for row in rows if row["Death"] == "1" and row["Recurrence"] == "0"] == []
    dead = [row for row in rows if row["Death"] == "1"]
    assert sum(row["RFS"] == row["OS"] for row in dead) == 26
    assert all(float(row[time]).is_integer() for row in rows for time in ("OS", "RFS"))
    assert sum(row["HBsAg"] == "0" for row in rows) == 18


def test_the_real_cohort_reads_as_the_raw_file_says(rows):
    mapping, _ = read_mapping(HCC / "mapping.yaml")
    cohort = read_csv_cohort(HCC / "hepatoCellular.csv", mapping)
    assert cohort.subjects["USUBJID"].to_list() == [row["Number"] for row in rows]
    assert cohort.subjects["SRCSEQ"].to_list() == list(range(2, 229))
    for fact, column in mapping.facts.items():
        raw = [row[column.column] for row in rows]
        read = [
            column.values[cell] if column.values else float(cell) for cell in raw if cell not in ("", "NA")
        ]
        assert cohort.subjects[fact].drop_nulls().to_list() == read
        assert cohort.subjects[fact].null_count() == sum(cell in ("", "NA") for cell in raw)
    for endpoint, (time, status) in {"rfs": ("RFS", "Recurrence"), "os": ("OS", "Death")}.items():
        found = cohort.times.filter(endpoint=endpoint)
        assert found["time"].to_list() == [float(row[time]) for row in rows]
        assert found["event_observed"].to_list() == [row[status] == "1" for row in rows]
