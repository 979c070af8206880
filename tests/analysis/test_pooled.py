"""An open document cannot tell the groups apart: whatever the groups are, it is the same."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from tests.cases.board_records import EARLY, records_of
from tests.cases.virtual import derived

from trialwright.analysis.pooled import GROUP_COLUMNS, common_treatments, entry_anchor, pool
from trialwright.analysis.run import run_analyses
from trialwright.analysis.safety_board import analyse_board, count_board
from trialwright.protocol.loading import load_protocol
from trialwright.protocol.references import GROUPS

TRIAL = "nct07120750"
CUT = date(2028, 1, 1)


def open_rows(data):
    pooled = pool(data)
    board = count_board(pooled, {}, cut=CUT, source="records").rows
    return board + list(run_analyses(pooled, {}, "records").rows)


def with_other_groups(data):
    """The same patients, each in the other group and with the other group's treatment."""
    one, other = data.protocol.groups
    swapped = pl.col(GROUPS).replace({one: other, other: one})
    adsl = data.adsl.with_columns(swapped.alias(GROUPS), swapped.alias("GROUP"), ARMCD=pl.lit("X"))
    own = [name for name in data.protocol.treatments if name not in common_treatments(data.protocol)]
    tables = dict(data.tables)
    for name in ("ADEX", "ADEXSUM"):
        of_group = pl.col("TREATMENT").is_in(own)
        subjects = adsl.filter(pl.col(GROUPS) == other).select("USUBJID")
        others = tables[name].filter(of_group).head(len(subjects))
        moved = others.with_columns(subjects["USUBJID"].head(len(others)))
        tables[name] = pl.concat([tables[name].filter(~of_group), moved])
    tables["ADSL"] = tables["ADSL"].with_columns(
        pl.col("GROUP").replace({one: other, other: one}), ARMCD=pl.lit("X")
    )
    for name in ("ADTTE", "ADTTEV", "ADRS", "ADELIG"):
        tables[name] = tables[name].clear()
    return replace(data, adsl=adsl, adtte=data.adtte.clear(), tables=tables)


def test_whatever_the_groups_are_the_open_document_is_the_same():
    data = derived(TRIAL, 18, 1)
    other = with_other_groups(data)
    assert not data.adsl[GROUPS].equals(other.adsl[GROUPS])
    assert open_rows(data) == open_rows(other)


def test_by_group_they_do_differ():
    # the test above could not fail if swapping groups changed nothing anywhere
    data = derived(TRIAL, 18, 1)
    rows = [count_board(one, {}, cut=CUT, source="records").rows for one in (data, with_other_groups(data))]
    assert rows[0] != rows[1]


def test_nothing_of_a_group_is_left_in_pooled_data():
    pooled = pool(derived(TRIAL, 18, 1))
    assert GROUPS not in pooled.adsl.columns
    assert not {"groups", *GROUP_COLUMNS} & set(pooled.adsl.columns)
    for table in pooled.tables.values():
        for column in GROUP_COLUMNS:
            assert column not in table.columns or table[column].null_count() == table.height
    assert not pooled.protocol.groups
    assert list(pooled.protocol.treatments) == ["nucleoside_analogue"]
    assert set(pooled.tables["ADEXSUM"]["TREATMENT"]) == {"nucleoside_analogue"}


def test_a_trial_with_one_group_is_left_as_it_is():
    data = derived("nct04294498", 14, 21)
    assert pool(data) is data


def test_what_every_group_gets_and_where_subjects_enter():
    trials = {name: load_protocol(name).protocol for name in ("nct04294498", TRIAL)}
    assert common_treatments(trials["nct04294498"]) == ("durvalumab", "entecavir")
    assert common_treatments(trials[TRIAL]) == ("nucleoside_analogue",)
    assert [entry_anchor(one) for one in trials.values()] == ["enrolment", "group_assignment"]


@pytest.mark.parametrize("is_closed", [False, True])
def test_no_row_of_an_open_document_has_a_group(is_closed):
    board = analyse_board(
        load_protocol(TRIAL), records_of(TRIAL), cut=date.fromisoformat(EARLY[TRIAL]), is_closed=is_closed
    )
    groups = {row.group for row in board.results.rows} - {None}
    assert bool(groups) == is_closed
