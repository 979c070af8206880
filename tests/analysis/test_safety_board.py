"""The numbers of the board against the records themselves, counted in plain Python; and what is left open where nothing is."""

from datetime import date

import pytest
from tests.cases.board_records import EARLY, LATE, TRIALS
from tests.cases.small_trial import PROTOCOL, protocol

from trialwright.analysis.safety_board import BOARD, analyse_board, grades_of_board
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol
from trialwright.records.files import Format, write_records


@pytest.fixture(scope="module", params=list(TRIALS))
def trial(request, tmp_path_factory):
    """A virtual trial without mistakes in its records: its name, its records as rows, and the folder they lie in."""
    n, seed = TRIALS[request.param]
    tables = simulate(load_protocol(request.param), seed=seed, subjects=n, errors=False).tables
    folder = tmp_path_factory.mktemp(request.param)
    write_records(tables, folder, Format.PARQUET)
    return request.param, {name: table.to_dicts() for name, table in tables.items()}, folder


@pytest.mark.parametrize("when", ["early", "late"])
def test_people_deaths_and_serious_events_are_those_of_the_records(trial, when):
    name, rows, folder = trial
    cut = EARLY[name] if when == "early" else LATE
    results = analyse_board(load_protocol(name), folder, cut=date.fromisoformat(cut)).results
    consented = {row["USUBJID"] for row in rows["DM"] if row["RFICDTC"][:10] <= cut}
    treated = {
        row["USUBJID"] for row in rows["EX"] if row["EXSTDTC"][:10] <= cut and row["EXDOSE"] != 0
    } & consented
    died = {row["USUBJID"] for row in rows["DM"] if row["DTHDTC"] and row["DTHDTC"][:10] <= cut}
    assert results[f"{BOARD}/n_records"].value == len(consented)
    assert results[f"{BOARD}/n_subjects"].value == len(treated)
    assert results[f"{BOARD}/deaths/n_with"].value == len(died & treated)
    serious = {
        row["USUBJID"] for row in rows.get("AE", []) if row["AESER"] == "Y" and row["AESTDTC"][:10] <= cut
    }
    if not any(row["AESTDTC"][:10] <= cut for row in rows.get("AE", [])):
        assert results[f"{BOARD}/serious/n_with"].value is None
    else:
        # a serious event long after treatment does not count, so there are no more than these, and those nobody can tell
        assert results[f"{BOARD}/serious/n_with"].value <= len(serious & treated)
    last = max(
        row[column][:10] for domain, column in (("SV", "SVSTDTC"), ("LB", "LBDTC"), ("EX", "EXSTDTC")) for row in rows[domain]
        if row[column] and row[column][:10] <= cut
    )  # fmt: skip
    assert results.provenance["data"]["last day in the data"] >= last


def test_doses_are_those_of_the_records(tmp_path):
    loaded = load_protocol("nct04294498")
    rows = simulate(loaded, seed=21, subjects=14, errors=False).tables
    write_records(rows, tmp_path, Format.PARQUET)
    cut = EARLY["nct04294498"]
    results = analyse_board(loaded, tmp_path, cut=date.fromisoformat(cut)).results
    given = [
        row
        for row in rows["EX"].to_dicts()
        if row["EXTRT"].lower() == "durvalumab" and row["EXSTDTC"][:10] <= cut and row["EXDOSE"]
    ]
    assert results[f"{BOARD}/durvalumab/n_doses"].value == len(given) > 0


def test_the_table_of_adverse_events_is_one_that_is_run():
    first = "  first: { method: adverse events, title: Virus, population: everyone, endpoint: more }\n  harm:"
    more = (
        "  more: { label: Virus, kind: worst grade, role: secondary, of: virus, during: treated }\n  harms:"
    )
    text = PROTOCOL.replace("  harm:", first, 1).replace("  harms:", more, 1)
    assert list(grades_of_board(protocol(text), is_closed=False)) == ["harm"]
    assert grades_of_board(protocol(text.replace("of: grade,", "of: virus,", 1)), is_closed=False) == {}


@pytest.mark.slow
def test_a_later_cut_never_has_fewer_people_or_deaths(trial):
    name, _rows, folder = trial
    cuts = ("2026-06-01", EARLY[name], "2028-01-01", LATE)
    found = [analyse_board(load_protocol(name), folder, cut=date.fromisoformat(cut)).results for cut in cuts]
    for id_ in ("n_records", "n_entered", "n_subjects", "deaths/n_with"):
        values = [results[f"{BOARD}/{id_}"].value for results in found]
        assert values == sorted(values), id_
