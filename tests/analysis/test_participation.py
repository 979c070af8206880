"""How the part of each in the study ended: one answer each, which adds up to the population, on good records and on bad ones."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases.bad_records import HCC, PRTRAS, analysed, good
from tests.cases.small_trial import on, run, table, trial

from trialwright.analysis.explaining.finding import pick_rows
from trialwright.analysis.participation import ENDED, how_it_ended, primary_population
from trialwright.analysis.run import FLOW
from trialwright.protocol.loading import load_protocol
from trialwright.reports.participation_table import end_words, render_participation, render_screening
from trialwright.reports.printed import Source

CUT = on(100)
COMPLETED, LEFT = ("COMPLETED", None), ("DISCONTINUED", "LOST TO FOLLOW-UP")
NOTHING = (None, None, None, None)
DIED, NO_DAY = ("met", on(50), on(50)), ("met", on(50), None)
PEOPLE = {
    # EOSSTT, DCSREAS, EOSDTL, EOSDTH; then what ADEVT says of death; then the end at the cut on day 100
    "completed": ((*COMPLETED, on(90), on(90)), None, "COMPLETED"),
    "lost": ((*LEFT, on(40), on(40)), None, "LOST TO FOLLOW-UP"),
    "lost, and later found to have died": ((*LEFT, on(40), on(40)), DIED, "LOST TO FOLLOW-UP"),
    "left with death as the reason": (("DISCONTINUED", "DEATH", on(50), on(50)), DIED, "DEATH"),
    "died without a recorded end": (NOTHING, DIED, "DEATH"),
    "left on the day of the cut": ((*LEFT, CUT, CUT), None, "LOST TO FOLLOW-UP"),
    "left on a day that may lie after the cut": ((*LEFT, on(99), on(101)), None, "nobody can tell"),
    "left on a day that nobody wrote down": ((*LEFT, on(40), None), None, "nobody can tell"),
    "the same, and surely died": ((*LEFT, on(40), None), DIED, "DEATH"),
    "died on a day that may lie after the cut": (NOTHING, NO_DAY, "nobody can tell"),
    "may have died": (NOTHING, ("unknown", on(50), on(50)), "nobody can tell"),
    "left, and nobody wrote down why": ((None, None, on(40), on(40)), None, "no reason recorded"),
    "there": (NOTHING, None, "no end recorded"),
}


def told(people=PEOPLE, cut=CUT):
    """ADSL and ADEVT of some of `PEOPLE`, in two groups by turns."""
    names = ("EOSSTT", "DCSREAS", "EOSDTL", "EOSDTH")
    kinds = (pl.String, pl.String, pl.Date, pl.Date)
    adsl = {
        name: pl.Series([ends[i] for ends, _, _ in people.values()], dtype=kind)
        for i, (name, kind) in enumerate(zip(names, kinds, strict=True))
    }
    adsl["CUTDT"] = pl.Series([cut] * len(people), dtype=pl.Date)
    adevt = [
        {"USUBJID": who, "EVENT": "death", "AVALC": death[0], "ADTL": death[1], "ADTH": death[2]}
        for who, (_, death, _) in people.items()
        if death
    ]
    return {who: "ab"[i % 2] for i, who in enumerate(people)}, adsl, adevt


@pytest.fixture(scope="module")
def ends():
    groups, adsl, adevt = told()
    data = trial(groups, adsl=adsl)
    return dict(how_it_ended(table("ADEVT", adevt), data.adsl).iter_rows())


@pytest.mark.parametrize("who", PEOPLE)
def test_each_has_one_end(ends, who):
    assert ends[who] == PEOPLE[who][2]


def test_without_a_cut_nothing_lies_after_it():
    groups, adsl, adevt = told(cut=None)
    found = dict(how_it_ended(table("ADEVT", adevt), trial(groups, adsl=adsl).adsl).iter_rows())
    assert found["left on a day that nobody wrote down"] == "LOST TO FOLLOW-UP"
    assert found["left on a day that may lie after the cut"] == "LOST TO FOLLOW-UP"
    assert found["may have died"] == "nobody can tell"


def flow_of(which, tables):
    """The trial with nothing analysed but the flow."""
    loaded = load_protocol(which)
    kept = {name: one for name, one in loaded.protocol.analyses.items() if one.method == "baseline table"}
    return analysed(
        which, tables, replace(loaded, protocol=loaded.protocol.model_copy(update={"analyses": kept}))
    )


def counted(results, population, group=None):
    """The number with each end, of all or of a group."""
    before = f"{population}{ENDED}"
    rows = [row for row in results.of(FLOW) if row.group == group and (row.item or "").startswith(before)]
    return {row.item.removeprefix(before): row.value for row in rows}


def adds_up(results, population):
    """Ends add up to the population, all together and by group; groups and who is in none to all."""
    groups = {row.group for row in results.of(FLOW) if row.group and row.statistic == "n_ended"}
    for group in (None, *groups):
        here = "/".join(part for part in (FLOW, group, population, "n_in_population") if part)
        assert sum(counted(results, population, group).values()) == results[here].value, group
    if groups:
        without = results[f"{FLOW}/{population}/n_without_group"].value
        for end, number in counted(results, population).items():
            by_group = sum(counted(results, population, group)[end] for group in groups)
            assert 0 <= number - by_group <= without, end


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(list(PEOPLE)), max_size=12), st.sampled_from([None, on(45), CUT]))
def test_ends_add_up_for_any_people_at_any_cut(whom, cut):
    people = {f"{i} {who}": PEOPLE[who] for i, who in enumerate(whom)}
    groups, adsl, adevt = told(people, cut)
    found = how_it_ended(table("ADEVT", adevt), trial(groups, adsl=adsl).adsl)
    assert found["USUBJID"].to_list() == list(people)
    assert found["END"].null_count() == 0


def test_completed_died_lost_and_no_end_are_counted_where_nobody_is():
    groups, adsl, adevt = told({"there": PEOPLE["there"]})
    results = run(groups, adsl=adsl, adevt=adevt, only=("rate",))
    assert counted(results, "everyone") == {
        "COMPLETED": 0, "DEATH": 0, "LOST TO FOLLOW-UP": 0, "no end recorded": 1,
    }  # fmt: skip


def in_no_group(tables):
    """Of one patient the decision is gone, so that nobody knows the group."""
    is_decided = pl.col("FAOBJ") == "ASSIGNED GROUP"
    who = tables["FA"].filter(is_decided)["USUBJID"].sort().head(1).to_list()
    is_theirs = pl.col("USUBJID").is_in(who)
    arms = tables["DM"].with_columns(pl.when(~is_theirs).then("ARMCD").alias("ARMCD"))
    return {**tables, "DM": arms, "FA": tables["FA"].filter(~(is_theirs & is_decided))}


def left_in_every_way(tables):
    """Of the first of those treated the end has no day, of the second no reason, the third has two, the fourth left in a month."""
    first, second, third, fourth = tables["EX"]["USUBJID"].unique().sort().to_list()[:4]
    study = {
        "STUDYID": tables["DS"]["STUDYID"][0],
        "DOMAIN": "DS",
        "DSCAT": "DISPOSITION EVENT",
        "DSSCAT": "STUDY PARTICIPATION",
    }
    rows = [
        {"USUBJID": first, "DSDECOD": "WITHDRAWAL BY SUBJECT", "DSSTDTC": None},
        {"USUBJID": second, "DSDECOD": None, "DSSTDTC": "2027-01-10"},
        {"USUBJID": third, "DSDECOD": "COMPLETED", "DSSTDTC": "2027-05-10"},
        {"USUBJID": third, "DSDECOD": "LOST TO FOLLOW-UP", "DSSTDTC": "2027-02-10"},
        {"USUBJID": fourth, "DSDECOD": "PHYSICIAN DECISION", "DSSTDTC": "2027-03"},
    ]
    seq = tables["DS"]["DSSEQ"].max() + 1
    more = pl.DataFrame(
        [{**study, **row, "DSTERM": row["DSDECOD"], "DSSEQ": seq + i} for i, row in enumerate(rows)],
        schema_overrides={"DSSEQ": tables["DS"]["DSSEQ"].dtype},
    )
    return {**tables, "DS": pl.concat([tables["DS"], more], how="diagonal")}


BROKEN = {
    "good": lambda tables: tables,
    "left in every way, and of one the group is not known": lambda tables: in_no_group(
        left_in_every_way(tables)
    ),
}


REASONS = (
    "Declined",
    "HBV DNA too low",
    "hbv dna TOO LOW ",
    None,
    "SCREEN FAILURE",
    " ",
    "\u00a0",
    "eGFR below 30",
)


def screened_in_vain(tables):
    """More people, who failed screening for these reasons."""
    names = [f"X-{i}" for i in range(len(REASONS))]
    study = tables["DM"]["STUDYID"][0]
    people = pl.DataFrame(
        {"STUDYID": study, "DOMAIN": "DM", "USUBJID": names, "SUBJID": names, "ARMNRS": "SCREEN FAILURE"}
    )
    left = pl.DataFrame(
        {
            "STUDYID": study, "DOMAIN": "DS", "USUBJID": names, "DSDECOD": "SCREEN FAILURE", "DSTERM": REASONS,
            "DSCAT": "DISPOSITION EVENT", "DSSTDTC": "2026-02-01", "DSSEQ": 1,
        },
        schema_overrides={"DSSEQ": tables["DS"]["DSSEQ"].dtype},
    )  # fmt: skip
    return {
        **tables,
        "DM": pl.concat([tables["DM"], people], how="diagonal"),
        "DS": pl.concat([tables["DS"], left], how="diagonal"),
    }


@pytest.mark.parametrize("which", [HCC, PRTRAS])
def test_why_screening_failed_is_told_and_adds_up(which):
    before = flow_of(which, good(which)).results
    made = flow_of(which, screened_in_vain(good(which)))
    results, population = made.results, primary_population(made.study.protocol)
    rows = [row for row in results.of(FLOW) if row.statistic == "n_failed_screening"]
    whole, *reasons = rows
    assert whole.value == before[whole.id].value + len(REASONS) == sum(row.value for row in reasons)
    assert whole.value <= results[f"{FLOW}/{population}/n_not_in_population"].value
    for row in rows:
        assert pick_rows(made.data, row).number == row.value, row.id
    (printed,) = render_screening(Source(made.study.protocol, results), population)
    cells = {row.label.plain: int(row.cells[0].plain) for row in printed.rows}
    assert cells["Declined"] == 1
    assert cells["No reason recorded"] == 4
    assert cells["eGFR below 30"] == 1
    assert sum(number for words, number in cells.items() if words.lower() == "hbv dna too low") >= 2


def test_where_nobody_failed_screening_no_table_says_so():
    groups, adsl, adevt = told({"there": PEOPLE["there"]})
    results = run(
        groups, adsl={**adsl, "DCSCREEN": pl.Series([None], dtype=pl.String)}, adevt=adevt, only=("rate",)
    )
    protocol = trial(groups, adsl=adsl).protocol
    assert render_screening(Source(protocol, results), primary_population(protocol)) == []


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("which", [HCC, PRTRAS])
def test_the_flow_adds_up(which, name):
    made = flow_of(which, BROKEN[name](good(which)))
    results, population = made.results, primary_population(made.study.protocol)
    adds_up(results, population)
    if name != "good":
        ends = counted(results, population)
        assert ends["LOST TO FOLLOW-UP"] >= 1
        assert sum(ends[end] for end in ("WITHDRAWAL BY SUBJECT", "no reason recorded") if end in ends) >= 1
        assert which == HCC or results[f"{FLOW}/{population}/n_without_group"].value == 1
    here = f"{FLOW}/{population}"
    parts = ("n_in_population", "n_not_in_population", "n_population_unknown")
    assert sum(results[f"{here}/{part}"].value for part in parts) == results[f"{FLOW}/n_records"].value
    printed = render_participation(Source(made.study.protocol, results), population)
    (whole, *rows) = [row.cells[0].plain for row in printed.rows if row.indent or row is printed.rows[0]]
    assert sum(map(int, rows)) == int(whole)
    for row in results.of(FLOW):
        if row.statistic in ("n_ended", "n_without_group", "n_died_outside"):
            assert pick_rows(made.data, row).number == row.value, row.id


def test_ends_are_told_in_words():
    assert end_words("WITHDRAWAL BY SUBJECT") == "Left: withdrawal by subject"
    assert end_words("LOST TO FOLLOW-UP") == "Lost to follow-up"


@pytest.mark.parametrize(("which", "population"), [(HCC, "treated"), (PRTRAS, "full_analysis")])
def test_the_primary_population_is_that_of_the_primary_endpoint(which, population):
    assert primary_population(load_protocol(which).protocol) == population
