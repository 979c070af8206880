"""The page of the board: its text at several cuts, what it never says, and what it says where there is nothing."""

import re
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from tests.cases.board_records import BEFORE, EARLY, FIRST, LATE, TRIALS, records_of

from trialwright.analysis.results import Results
from trialwright.analysis.safety_board import BOARD, analyse_board
from trialwright.protocol.loading import load_protocol
from trialwright.reports.blocks import Figure, Row, Table, walk
from trialwright.reports.board_listings import last_day_words
from trialwright.reports.charts import render_svg
from trialwright.reports.dsmb_page import build_board_page
from trialwright.reports.text import render_page_text

GOLDEN = Path(__file__).parents[1] / "golden" / "dsmb"
SHOWN = ("decide", "comparisons", "figures", "tables", "due")
"""The sections that are kept; the others are made of tables that other tests keep, or hold hashes."""
CASES = [
    *((trial, cut, False) for trial in TRIALS for cut in ("before", "first", "early", "late")),
    *(("nct07120750", cut, True) for cut in ("before", "early", "late")),
]
CUTS = {"before": BEFORE, "first": FIRST, "early": EARLY, "late": dict.fromkeys(TRIALS, LATE)}


@cache
def board_of(trial, cut, is_closed):
    when = date.fromisoformat(CUTS[cut][trial])
    return analyse_board(load_protocol(trial), records_of(trial), cut=when, is_closed=is_closed)


@cache
def page(trial, cut, is_closed):
    return build_board_page(board_of(trial, cut, is_closed))


def kept_text(whole):
    sections = tuple(one for one in whole.sections if one.anchor in SHOWN)
    return f"{whole.stamp}\n{render_page_text(replace(whole, sections=sections), width=120)}"


def tables(whole):
    return {block.id: block for block in walk(whole.sections) if isinstance(block, Table)}


def boundary(whole, label):
    """What the table of boundaries says of the only event of the protocol, or the first."""
    rows = [row for row in tables(whole)["table-boundaries"].rows if isinstance(row, Row)]
    return next(row.cells[0].plain for row in rows if row.label.plain == label)


def cell(whole, table, label):
    (row,) = [row for row in tables(whole)[table].rows if row.label.plain == label]
    return row.cells[0].plain


@pytest.mark.parametrize(("trial", "cut", "is_closed"), CASES)
def test_the_page_reads_as_it_was_accepted(trial, cut, is_closed):
    path = GOLDEN / f"{trial}-{'closed' if is_closed else 'open'}-{cut}.txt"
    assert kept_text(page(trial, cut, is_closed)) == path.read_text(encoding="utf-8")


FORBIDDEN = re.compile(
    r"no increased risk|\bis safe\b|\bsafe (?:to|and)\b|well tolerated|\bp [=<]|significan|protects|lowers the risk|no signal|no concern",
    re.IGNORECASE,
)


@pytest.mark.parametrize(("trial", "cut", "is_closed"), CASES)
def test_the_page_never_claims_safety_or_tests(trial, cut, is_closed):
    whole = page(trial, cut, is_closed)
    ours = replace(whole, sections=tuple(one for one in whole.sections if one.anchor in SHOWN))
    assert not FORBIDDEN.findall(render_page_text(ours))


@pytest.mark.parametrize(("trial", "cut"), [(trial, cut) for trial in TRIALS for cut in CUTS])
def test_an_open_page_names_no_group_and_is_not_stamped_closed(trial, cut):
    whole = page(trial, cut, False)
    assert whole.stamp == "SIMULATED"
    if trial == "nct07120750":
        protocol = load_protocol(trial).protocol
        text = render_page_text(whole)
        assert not [one.label for one in protocol.groups.values() if one.label in text]
        assert "peginterferon alfa" not in text
        assert [column.title.plain for column in tables(whole)["table-board"].columns] == ["", "All"]


def test_a_closed_page_is_stamped_on_every_page_and_picture_and_by_group():
    whole = page("nct07120750", "early", True)
    assert whole.stamp == "CLOSED · SIMULATED"
    groups = [one.label for one in load_protocol("nct07120750").protocol.groups.values()]
    assert [column.title.plain for column in tables(whole)["table-board"].columns] == ["", "All", *groups]
    deaths = tables(whole)["table-deaths"]
    assert deaths.columns[1].title.plain == "Group"
    # on paper only columns of words are made narrower than what they hold: a day that was ran into the number behind it
    assert [column.title.plain for column in deaths.columns if column.align == "right"] == [
        "On",
        "Study day",
        "Days since the last dose",
    ]


def test_a_closed_page_says_of_whom_its_curves_are():
    """Harms are counted in the population of safety, efficacy in that of its analysis: each title says which."""
    protocol = load_protocol("nct07120750").protocol
    titles = [section.title.plain for section in page("nct07120750", "late", True).sections]
    efficacy = [title for title in titles if title.startswith("Efficacy: ")]
    assert f"Efficacy: {protocol.analyses['recurrence_curve'].title}, population: Full analysis" in efficacy
    assert all(", population: " in title for title in efficacy)
    assert "Adverse events by grade, population: Safety" in titles


def test_before_anybody_has_records_what_is_virtual_is_marked_and_nothing_is_compared():
    """The records after the cut say that their patients are virtual."""
    loaded = load_protocol("nct07120750")
    whole = build_board_page(
        analyse_board(loaded, records_of("nct07120750"), cut=date(2000, 1, 1), is_closed=True)
    )
    assert whole.stamp == "CLOSED · SIMULATED"
    assert not [section for section in whole.sections if section.title.plain.startswith("Efficacy")]


def test_what_was_not_looked_for_is_told_in_words_the_first_three_by_name():
    told = tables(page("nct04294498", "late", False))["table-liver-events"]
    missing = [row.cells[-1].plain for row in told.rows]
    assert any(" and " in one and one.endswith(" more") for one in missing)
    assert not [one for one in missing if "_" in one]


def test_before_anybody_is_treated_nothing_is_made_up():
    whole = page("nct04294498", "before", False)
    assert cell(whole, "table-board", "Treated, in whom harms are counted") == "0"
    assert cell(whole, "table-board", "Died, at any time in the records") == "nobody in this group"
    assert cell(whole, "table-board", "HBV reactivation") == "nobody was judged"
    # two of the first two would cross: under 5 % that has a probability of 0.0025
    assert boundary(whole, "More events until it is crossed").startswith(
        "2 at that look, or 2 in a row among"
    )
    assert boundary(whole, "Patients who count, and those with the event") == "0, 0"
    assert not tables(whole)["table-deaths"].rows


def test_one_patient_leaves_nearly_everything_open():
    whole = page("nct04294498", "first", False)
    # Clopper-Pearson of 0 of 1: up to 1 - 0.025
    assert cell(whole, "table-board", "Died, at any time in the records") == "0 of 1: 0.0 % (0.0 to 97.5)"
    text = render_page_text(whole)
    assert "Deaths: none of 1. Rates up to 97.5 % are not excluded." in text


def test_an_event_that_ends_before_it_begins_is_marked():
    day = date(2028, 3, 5)
    frame = pl.DataFrame({"ADT": [day] * 4, "AENDT": [date(2028, 3, 4), day, date(2028, 3, 6), None]})
    assert frame.select(last_day_words())["AENDT"].to_list() == [
        "2028-03-04, before it began: doubtful",
        "2028-03-05",
        "2028-03-06",
        None,
    ]


# --- boundaries in words ------------------------------------------------------------------------------------------------


def board_with(monitoring=None, **changes):
    """The early board with another element of monitoring, as if the protocol had it."""
    loaded = load_protocol("nct04294498")
    watched = loaded.protocol.monitoring["reactivation"].model_copy(update=changes)
    protocol = loaded.protocol.model_copy(update={"monitoring": {"reactivation": watched}})
    changed = replace(loaded, protocol=protocol)
    return analyse_board(changed, records_of("nct04294498"), cut=date.fromisoformat(EARLY["nct04294498"]))


@pytest.mark.parametrize(
    ("since", "status"),
    [
        pytest.param(None, "assumed, not in force", id="no charter"),
        pytest.param(date(2027, 4, 1), "in force since 2027-04-01", id="on the day of the cut"),
        pytest.param(date(2027, 4, 2), "not in force at this cut, but from 2027-04-02 on", id="a day later"),
    ],
)
def test_a_boundary_is_in_force_from_the_day_of_its_charter(since, status):
    whole = build_board_page(board_with(in_force_since=since))
    assert boundary(whole, "Status") == status


def test_a_boundary_that_is_crossed_is_said_first():
    # one event among few: with 1 of 1 at any look it is crossed as soon as it happens
    said = load_protocol("nct04294498").protocol.monitoring["reactivation"].computed_boundary
    loose = said.model_copy(update={"alpha": 0.9, "reference_rate": 0.01})
    board = board_with(computed_boundary=loose)
    whole = build_board_page(board)
    first = whole.sections[0].blocks[0]
    assert first.title.plain == "A boundary is crossed"
    assert "assumed, not in force" in first.body[0].plain
    assert boundary(whole, "More events until it is crossed") == "crossed"
    assert board.results[f"{BOARD}/reactivation/is_crossed"].value == 1


def test_a_boundary_without_reference_rate_is_not_computed():
    said = load_protocol("nct04294498").protocol.monitoring["reactivation"].computed_boundary
    whole = build_board_page(board_with(computed_boundary=said.model_copy(update={"reference_rate": None})))
    assert "no reference rate is stated" in boundary(whole, "Boundary")
    assert not [
        block for block in walk(whole.sections) if isinstance(block, Figure) and "boundary" in block.id
    ]


def test_a_boundary_in_words_alone_is_quoted():
    whole = build_board_page(board_with(computed_boundary=None, boundary="3 of the first 20"))
    assert boundary(whole, "Boundary") == "3 of the first 20: stated in words only"


def test_patients_of_whom_nobody_can_tell_what_was_due_stand_behind_it():
    board = board_of("nct04294498", "early", False)
    here = f"{BOARD}/due hbv_dna endpoints.hbv_dna_course"
    due = board.results[f"{here}/n_due"].value
    rows = tuple(
        replace(row, value=2.0) if row.id == f"{here}/n_unknown" else row for row in board.results.rows
    )
    for results, words in (
        (board.results, f"{due:g}"),
        (Results(rows, (), board.results.provenance, is_simulated=True), f"{due:g}; not known of 2"),
    ):
        whole = build_board_page(replace(board, results=results))
        assert cell(whole, "table-due", "HBV DNA, Course of HBV DNA") == words


# --- figures ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", CUTS)
def test_the_boundary_and_the_way_of_the_trial_are_drawn(cut):
    whole = page("nct04294498", cut, False)
    (figure,) = [
        block for block in walk(whole.sections) if isinstance(block, Figure) and "boundary" in block.id
    ]
    points = figure.spec["datasets"]["points"]
    results = {row["id"] for row in points if "id" in row}
    assert any("look 43" in one for one in results)
    assert render_svg(figure.spec).startswith("<svg")
