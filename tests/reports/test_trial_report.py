"""The report of a trial from bad records: it comes, says what could not be estimated and why, and no number in it only looks fine."""

import dataclasses
import re
from collections import defaultdict
from datetime import date
from functools import cache

import polars as pl
import pytest
from tests.cases.bad_records import (
    HCC,
    NEW_GROUP,
    PRTRAS,
    Bad,
    analysed,
    day_after_the_first_assignment,
    day_after_the_first_durvalumab,
    day_before_the_first_consent,
    emptied,
    good,
    in_group,
    no_recurrence,
    nobody_died,
    one_level,
    only,
    sex_decides,
    starts_of_assignment,
    starts_of_durvalumab,
    to_the_month,
    until_the_start,
    weighted_by_sex,
    without,
)

from trialwright.analysis.results import Results
from trialwright.checks.data.record_checks import FINDINGS, DataOutcome
from trialwright.protocol.analyses import Proportion, TimeAnalysis
from trialwright.reports.blocks import Figure, GroupHeading, Row, Table, walk
from trialwright.reports.doubts import render_data_errors
from trialwright.reports.html import render_html
from trialwright.reports.study_report import build_study_report
from trialwright.reports.survival_tables import table_id
from trialwright.reports.text import render_page_text
from trialwright.reports.trial_report import _checked, build_trial_report
from trialwright.vocabulary.problems import ProblemsFound

NEW = "na_and_peginterferon"
HAZARD = f"recurrence_cox/groups={NEW}/hazard_ratio"

BAD = {
    "a group with nobody": Bad(
        PRTRAS,
        lambda tables: only(tables, in_group(tables, "NA")),
        frozenset({"empty-group", "not-estimable"}),
        {
            "recurrence_logrank/p_value": "only one group has subjects",
            HAZARD: "has only one value",
            f"recurrence_curve/{NEW}/at/365/risk": "nobody in this group",
            f"recurrence_curve/{NEW} minus na/365/difference": "nobody in this group",
            f"recurrence_mean/{NEW} minus na/1099/difference": "nobody in this group",
            f"recurrence_weighted_cox/groups={NEW}/hazard_ratio": "all subjects are at one level",
            f"hbsag_loss_rate/{NEW}/proportion": "nobody in this group",
            f"treatment exposure/{NEW}/liver DECOMP/n_with": "nobody in this group",
        },
    ),
    "no recurrence and no death": Bad(
        PRTRAS,
        no_recurrence,
        frozenset({"no-events", "not-estimable"}),
        {
            "recurrence_logrank/p_value": "no event was observed",
            HAZARD: "no event was observed",
            f"recurrence_fine_gray/groups={NEW}/subdistribution_hazard_ratio": "no event was observed",
            f"recurrence_curve/{NEW}/median": "not reached",
            f"recurrence_curve/{NEW}/at/365/conf_high": "no event yet",
        },
    ),
    "everybody censored on the first day": Bad(
        PRTRAS,
        lambda tables: until_the_start(tables, starts_of_assignment(tables)),
        frozenset({"nobody-followed", "no-events", "not-estimable"}),
        {
            "recurrence_logrank/p_value": "no event was observed",
            f"recurrence_curve/{NEW}/at/365/risk": "follow-up ends at 0",
            f"recurrence_mean/{NEW} minus na/1099/difference": "the curve is known only to 0",
            f"recurrence_emulated/{NEW} minus na/1099/difference": "nobody followed beyond the grace period",
        },
    ),
    "one patient of two groups": Bad(
        PRTRAS,
        lambda tables: only(tables, in_group(tables, NEW_GROUP)[:1]),
        frozenset({"empty-group", "not-estimable"}),
        {
            "recurrence_logrank/p_value": "only one group has subjects",
            HAZARD: "no event was observed",
            "recurrence_curve/na/median": "nobody in this group",
            "patients/age/sd": "one value has no spread",
        },
    ),
    "nobody treated, no adverse events": Bad(
        PRTRAS,
        lambda tables: without(emptied(tables, "EX"), "AE"),
        frozenset({"empty-population", "no-adverse-events-recorded"}),
        {
            "adverse_event_table/na/any/n_with": "nobody in this group",
            "adverse_event_table/na/any/event_rate": "nobody in this group",
            "treatment exposure/liver DECOMP/n_with": "nobody in this group",
        },
    ),
    "a covariate with one level, another missing": Bad(
        PRTRAS,
        one_level,
        frozenset({"not-estimable"}),
        {
            HAZARD: "nobody has `bclc_stage`",
            f"patients/{NEW}/sex/standardised_difference": "all subjects are at one level",
            f"patients/{NEW}/bclc_stage/standardised_difference": "a group has nobody",
            f"recurrence_weighted_cox/groups={NEW}/hazard_ratio": "`bclc_stage` is missing for everyone",
        },
    ),
    "nobody at all": Bad(
        PRTRAS,
        lambda tables: emptied(tables, *tables),
        frozenset({"empty-population"}),
        # of nobody nothing says that they are virtual
        {"recurrence_cox/estimate": "withheld: ", "recurrence_curve/estimate": "withheld: "},
    ),
    "nobody treated": Bad(
        HCC,
        lambda tables: emptied(tables, "EX"),
        frozenset({"empty-population"}),
        {
            "reactivation_rate/proportion": "nobody in this group",
            "reactivation_rate/left out/proportion": "nobody was judged",
            "reactivation_per_time/event_rate": "nobody was under observation",
            "os_curve/median": "nobody in this group",
            "hbv_dna_by_visit/Week 4/median": "no value at this visit",
        },
    ),
    "no adverse events, no tumours": Bad(
        HCC,
        lambda tables: nobody_died(without(tables, "AE", "TU", "TR", "RS")),
        frozenset({"no-adverse-events-recorded", "nobody-followed", "many-unjudged", "not-estimable"}),
        {
            "adverse_event_table/any/n_with": "the study records no adverse event",
            "adverse_event_table/any/n_records": "the study records no adverse event",
            "response_rate/left out/proportion": "nobody was judged",
            "pfs_curve/at/183/survival": "follow-up ends at 0",
        },
    ),
    "no laboratory, nobody died": Bad(
        HCC,
        lambda tables: nobody_died(emptied(tables, "LB")),
        frozenset({"not-estimable"}),
        {
            "reactivation_rate/proportion": "nobody was judged",
            "reactivation_rate/left out/proportion": "nobody was judged",
            "hbv_dna_by_visit/Week 4/median": "no value at this visit",
            "patients/hbv_dna/mean": "no value known",
            "os_curve/median": "not reached",
        },
    ),
    "nothing after the first dose": Bad(
        HCC,
        lambda tables: until_the_start(tables, starts_of_durvalumab(tables)),
        frozenset({"nobody-followed", "not-estimable"}),
        {
            "pfs_curve/at/183/survival": "follow-up ends at 0",
            "adverse_event_table/any/proportion": "the study records no adverse event",
            "reactivation_rate/left out/proportion": "nobody was judged",
        },
    ),
    "one patient": Bad(
        HCC,
        lambda tables: only(tables, tables["EX"]["USUBJID"].unique().sort().to_list()[:1]),
        frozenset({"no-events"}),
        {"pfs_curve/at/913/survival": "follow-up ends at", "patients/age/sd": "one value has no spread"},
    ),
    "a cut before the first patient": Bad(
        HCC,
        lambda tables: tables,
        frozenset({"empty-population", "no-adverse-events-recorded"}),
        {
            "reactivation_rate/proportion": "nobody in this group",
            "os_curve/median": "nobody in this group",
            "adverse_event_table/any/proportion": "nobody in this group",
        },
        day_before_the_first_consent,
    ),
    "a cut on the day after the first dose": Bad(
        HCC,
        lambda tables: tables,
        frozenset({"nobody-followed", "no-adverse-events-recorded", "not-estimable"}),
        {
            "reactivation_rate/proportion": "nobody was judged",
            "pfs_curve/at/183/survival": "follow-up ends at 0",
            "adverse_event_table/any/proportion": "the study records no adverse event",
        },
        day_after_the_first_durvalumab,
    ),
    "a cut on the day after the first assignment": Bad(
        PRTRAS,
        lambda tables: tables,
        frozenset({"nobody-followed", "empty-population", "empty-group", "not-estimable"}),
        {
            "recurrence_logrank/p_value": "only one group has subjects",
            f"hbsag_loss_rate/{NEW} minus na/difference": "nobody was judged in one of the groups",
            f"recurrence_curve/{NEW} minus na/365/difference": "nobody in this group",
        },
        day_after_the_first_assignment,
    ),
    "days that were not written down": Bad(
        HCC,
        lambda tables: to_the_month(tables, "AE", "LB", "RS", "TR", "TU", "FA"),
        frozenset({"many-unjudged", "empty-population"}),
        {"hbv_dna_by_visit/Week 4/median": "no value at this visit"},
    ),
}


@cache
def made(name):
    bad = BAD[name]
    tables = bad.change(good(bad.trial))
    return analysed(bad.trial, tables, cut=bad.cut(tables) if bad.cut else None)


@pytest.mark.parametrize("name", BAD)
def test_the_report_comes_and_says_what_it_cannot(name):
    bad, trial = BAD[name], made(name)
    assert bad.told <= {finding.code for finding in trial.results.findings}
    text = " ".join(render_page_text(build_trial_report(trial), width=10_000).split())
    for finding in trial.results.findings:
        if finding.level == "warning":
            first = finding.message.format(**{word: said for word, (said, _) in finding.words.items()}, **dict.fromkeys(finding.numbers, "\0"))  # fmt: skip
            assert first.partition("\0")[0].strip() in text
    for id_, reason in bad.missing.items():
        row = trial.results[id_]
        assert row.value is None, id_
        assert reason in row.note, (id_, row.note)


@pytest.mark.parametrize("name", BAD)
def test_no_row_holds_a_number_that_only_looks_fine(name):
    assert doubtful(made(name).results) == []


# --- what no row may be -------------------------------------------------------------------------------------------------


LEFT_OUT = ("n_without", "n_missing", "n_population", "n_unknown", "n_records", "n_imputed", "n_planned")
"""Who or what is not counted may be many, where nobody is counted."""
OF_NOBODY = {"count", "patient_months", "n"}


def doubtful(results: Results) -> list[str]:
    """Ids of rows with a number that cannot be, or that nobody stands behind."""
    return [row.id for row in results.rows if row.value is not None and not _can_be(results, row)]


def _can_be(results, row):
    value, statistic = row.value, row.statistic
    is_count = statistic.startswith("n_") or statistic in OF_NOBODY
    if row.n == 0 and not (is_count and value == 0) and not statistic.startswith(LEFT_OUT):
        return False
    if statistic.endswith("p_value") and not 0 <= value <= 1:
        return False
    if statistic.endswith("std_error") and value <= 0:
        return False
    is_difference = bool(row.item and " minus " in row.item) or "difference" in statistic
    if row.unit == "proportion" and not is_difference and not 0 <= value <= 1:
        return False
    if statistic.endswith("ratio") and not 1e-6 < value < 1e6:
        return False
    if statistic.endswith("conf_high"):
        low = results[f"{row.id.removesuffix('conf_high')}conf_low"]
        return low.value is not None and low.value <= value
    return not (row.item and _is_of_an_empty_group(results, row))


def _is_of_an_empty_group(results, row):
    """Whether a comparison names a group in which the analysis counts nobody."""
    pair = re.match(rf"({NEW}|na) (?:minus|over) ({NEW}|na)\b", row.item)
    groups = pair.groups() if pair else re.findall(rf"^groups=({NEW}|na)$", row.item)
    counts = [f"{row.analysis}/{group}/n_subjects" for group in groups]
    return any(id_ in results and results[id_].value == 0 for id_ in counts)


def test_the_search_for_doubtful_numbers_finds_them():
    trial = made("a group with nobody")
    rows = {row.id: row for row in trial.results.rows}
    for id_, value in {
        f"recurrence_curve/{NEW}/median": 5.0,
        f"recurrence_curve/{NEW} minus na/365/difference": 0.1,
        "recurrence_logrank/p_value": 1.5,
        "recurrence_curve/na/at/365/conf_high": -1.0,
    }.items():
        wrong = dataclasses.replace(rows[id_], value=value, note="")
        results = Results((*({**rows, id_: wrong}).values(),), (), {})
        assert doubtful(results) == [id_]


# --- weights ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["overlap", "everyone"])
def test_a_covariate_that_decides_the_group_leaves_no_weights(target):
    trial = analysed(PRTRAS, sex_decides(good(PRTRAS)), weighted_by_sex(target))
    for id_ in (
        f"recurrence_weighted_cox/groups={NEW}/hazard_ratio",
        f"recurrence_weighted_curve/{NEW}/at/365/risk",
        f"recurrence_weighted_curve/{NEW} minus na/365/difference",
    ):
        assert trial.results[id_].value is None
        assert "`sex: male` separates" in trial.results[id_].note
    assert doubtful(trial.results) == []
    assert "separates those with from those without" in render_page_text(build_trial_report(trial))


def test_weights_that_explode_are_told_and_nothing_rests_on_them():
    """Of nine with the new treatment one is a man, of three without it one a woman.

    So of women 8/9, of men 1/3 get it, and the weights of everybody are 9/8 (eight women) and 3 (a man) with it, 9 (a
    woman) and 3/2 (two men) without: that woman has 9/12 of her group. The effective size is
    24^2 / (8 * (9/8)^2 + 3^2 + 9^2 + 2 * (3/2)^2) = 576 / 104.625, which is less than half of twelve.
    """
    trial = analysed(PRTRAS, sex_decides(good(PRTRAS), but=1), weighted_by_sex("everyone"))
    results = trial.results
    assert results["recurrence_weighted_curve/largest_weight"].value == pytest.approx(9 / 12)
    assert results["recurrence_weighted_curve/effective_size"].value == pytest.approx(576 / 104.625)
    for id_ in (
        f"recurrence_weighted_cox/groups={NEW}/hazard_ratio",
        f"recurrence_weighted_curve/{NEW}/at/365/risk",
    ):
        assert results[id_].value is None
        assert results[id_].note == "the weights leave the information of 5.5 of 12 subjects, less than half"
    assert "not-estimable" in {finding.code for finding in results.findings}
    assert doubtful(results) == []


# --- refused ------------------------------------------------------------------------------------------------------------


def in_months(tables, *columns):
    months = {name: pl.col(name).str.slice(0, 7) for name in columns}
    return {**tables, "EX": tables["EX"].with_columns(**months)}


def test_doses_known_to_the_month_leave_open_who_was_treated():
    trial = analysed(HCC, in_months(good(HCC), "EXSTDTC", "EXENDTC"))
    known = trial.results["reactivation_rate/n_population_unknown"]
    assert known.value == trial.data.adsl["TREATEDFL"].null_count() > 0
    assert doubtful(trial.results) == []


def test_records_that_may_hold_several_doses_are_refused_with_their_place():
    with pytest.raises(ProblemsFound) as error:
        analysed(HCC, in_months(good(HCC), "EXENDTC"))
    assert {problem.code for problem in error.value.problems} == {"counted-interval"}
    assert all(problem.field.startswith("EX DURVA-HBV-SIM") for problem in error.value.problems)


def found_in_data(*codes):
    """What checks of data found: one error of each code, and a warning."""
    rows = [
        *((code, "error", "LB", "LBSTRESN", 1, "S-1", 1, "found", "") for code in codes),
        ("unknown-unit", "warning", "LB", "LBSTRESU", 1, "S-1", 1, "found", ""),
    ]
    return DataOutcome(pl.DataFrame(rows, dict(FINDINGS), orient="row"), 1, {}, 0, {"LB": 1}, pl.DataFrame())


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        pytest.param(("b-code",), "of 1 kind: b-code.", id="one"),
        pytest.param(("b-code", "b-code"), "of 1 kind: b-code.", id="alike in one column are one kind"),
        pytest.param(("b-code", "a-code"), "of 2 kinds: b-code, a-code.", id="as they stand in the list"),
    ],
)
def test_errors_in_the_data_are_counted_by_kind(codes, told):
    (callout,) = render_data_errors(found_in_data(*codes))
    assert callout.level == "warning"
    assert f"The checks of the data found errors {told} Numbers of this report" in callout.body[0].plain


def test_at_a_cut_nothing_is_told_that_came_later():
    """Of the first days no result can be doubtful that was not there yet; how many records came later is told."""
    tables = good(HCC)
    first = tables["EX"]["EXSTDTC"].drop_nulls().min()[:10]
    cut = date.fromisoformat(first)
    texts = [
        "987654" if when and when[:10] > first else text
        for when, text in tables["LB"].select("LBDTC", "LBSTRESC").iter_rows()
    ]
    wrong = {**tables, "LB": tables["LB"].with_columns(LBSTRESC=pl.Series(texts))}

    def codes(cut):
        page = build_trial_report(analysed(HCC, wrong, cut=cut))
        (doubts,) = (section for section in page.sections if section.anchor == "doubts")
        return [
            [cell.cells[where].plain for cell in table.rows]
            for table, where in zip(doubts.blocks[1:3], (1, 0), strict=True)
        ]

    assert "contradictory-result" in codes(None)[0]
    found, left_out = codes(cut)
    assert "contradictory-result" not in found
    assert "after-the-cut" in left_out


def test_a_milestone_that_comes_after_the_cut_is_not_missing():
    """Treatment begins before groups are assigned; of one person the day is not recorded at all."""
    tables = good(PRTRAS)
    is_day = (pl.col("DSDECOD") == "GROUP ASSIGNMENT") & (pl.col("DSCAT") == "PROTOCOL MILESTONE")
    assigned = tables["DS"].filter(is_day).sort("DSSTDTC")
    cut = date.fromisoformat(assigned["DSSTDTC"][len(assigned) // 2][:10])
    treated = tables["EX"].filter(pl.col("EXSTDTC") <= cut.isoformat())["USUBJID"].unique()
    early = assigned.filter(pl.col("DSSTDTC") <= cut.isoformat(), pl.col("USUBJID").is_in(treated.implode()))
    lost = early["USUBJID"][0]
    tables = {**tables, "DS": tables["DS"].filter(~(is_day & (pl.col("USUBJID") == lost)))}

    def missing(cut):
        outcome = _checked(analysed(PRTRAS, tables, cut=cut))
        found = outcome.findings.filter(pl.col("CODE") == "milestone-missing")["USUBJID"].to_list()
        told = outcome.left_out.filter(pl.col("CODE") == "milestone-missing")["N"].to_list()
        return found, told

    assert missing(cut) == ([lost], [1])
    assert missing(None) == ([lost], [1])


def test_warnings_alone_are_no_errors_in_the_data():
    assert render_data_errors(found_in_data()) == ()


def test_errors_in_the_data_are_told_first_with_the_way_to_them():
    tables = good(HCC)
    texts = tables["LB"]["LBSTRESC"].to_list()
    texts[tables["LB"]["LBSTRESN"].is_not_null().arg_max()] = "987654"
    wrong = {**tables, "LB": tables["LB"].with_columns(LBSTRESC=pl.Series(texts))}
    page = build_trial_report(analysed(HCC, wrong))
    (first,) = (section for section in page.sections if section.anchor == "read-first")
    assert first.blocks[0].title.plain == "There are errors in the data"
    assert "contradictory-result" in first.blocks[0].body[0].plain
    html = render_html(page, stills=defaultdict(str))
    assert '<a href="#doubts">What is doubtful</a>' in html
    assert '<section id="doubts">' in html


def test_what_is_said_twice_of_an_endpoint_stands_once_on_the_first_page():
    trial = made("no laboratory, nobody died")
    page = build_study_report(trial.study.protocol, trial.results)
    for block in page.sections[0].blocks:
        lines = [line.plain for line in block.body]
        assert len(lines) == len(set(lines))


def blocks_of(trial):
    """Tables and figures of its report with the words below them, by anchor of the section."""
    page = build_trial_report(trial)
    return {section.anchor: [*walk(section.blocks)] for section in page.sections}


@pytest.mark.parametrize("name", ["a group with nobody", "one patient"])
def test_every_number_at_a_time_says_from_when_time_counts(name):
    """`At 1099 days` is from group assignment in most tables of PRTRAS, and from radical treatment in four."""
    trial = made(name)
    protocol = trial.study.protocol
    tables = {
        block.id: block for found in blocks_of(trial).values() for block in found if isinstance(block, Table)
    }
    told = {}
    for id_, one in protocol.analyses.items():
        table = tables.get(table_id(id_))
        if (
            isinstance(one, TimeAnalysis)
            and table is not None
            and (getattr(one, "read_at", ()) or hasattr(one, "horizon"))
        ):
            (told[id_],) = [note.plain for note in table.notes if note.plain.startswith("Times count from ")]
        if isinstance(one, Proportion) and protocol.endpoints[one.endpoint].kind == "rate":
            assert any(note.plain.startswith("The event counts: ") for note in tables[table_id(id_)].notes), (
                id_
            )
    assert told
    if trial.study.protocol.study.id == "PRTRAS-001":
        radical = {
            id_ for id_, words in told.items() if words.startswith("Times count from radical treatment")
        }
        assert radical == {"recurrence_landmark", "recurrence_emulated", "recurrence_naive"}
        assert "not from the landmark" in told["recurrence_landmark"]
        assert told["recurrence_curve"] == "Times count from group assignment."
        (beside,) = [table for anchor, table in tables.items() if anchor == "table-all-recurrence"]
        read = [row.cells[0].plain for row in beside.rows if isinstance(row, Row)]
        assert {words.partition(" from ")[2] for words in read} == {"group assignment", "radical treatment"}
    glance = tables["table-at-a-glance"]
    assert all(" from " in row.label.plain for row in glance.rows if isinstance(row, GroupHeading))


@pytest.mark.parametrize("name", ["a group with nobody", "one patient", "no adverse events, no tumours"])
def test_every_table_and_listing_of_adverse_events_says_which_events_and_of_whom(name):
    trial = made(name)
    protocol = trial.study.protocol
    whom = protocol.populations[protocol.endpoints["adverse_events"].estimand.population].label
    blocks = blocks_of(trial)
    counted = [block for block in blocks["endpoint-adverse-events"] if isinstance(block, Table | Figure)]
    assert counted
    for block in counted:
        notes = " ".join(note.plain for note in getattr(block, "notes", None) or (block.caption,))
        assert "that came with treatment (treatment-emergent: " in notes
        assert f"of the population: {whom}." in notes
        # nct04294498 counts after a new anticancer therapy only what is related; PRTRAS has no such event
        is_cut_short = protocol.study.id == "DURVA-HBV"
        assert ("after a new anticancer therapy only related ones count" in notes) == is_cut_short
    n = trial.data.population(protocol.endpoints["adverse_events"].estimand.population).height
    for listing in blocks["listings"][1:]:
        assert listing.notes[0].plain.startswith(f"Of the population: {whom} (n = {n}).")
    (serious,) = (block for block in blocks["listings"] if getattr(block, "id", "") == "listing-serious")
    assert (
        "whether or not they came with treatment; tables count only those that did" in serious.notes[0].plain
    )


def test_covariates_are_named_alike_with_every_ratio_of_hazards():
    """Of the subdistribution hazard stood `Age` alone, which is neither old against young nor per year."""
    tables = {
        block.id: block
        for found in blocks_of(made("a group with nobody")).values()
        for block in found
        if isinstance(block, Table)
    }
    cox, fine_gray = (
        [row.label.plain for row in tables[table_id(id_)].rows]
        for id_ in ("recurrence_cox", "recurrence_fine_gray")
    )
    assert fine_gray == cox
    assert {"Age, per year", "Quantitative HBsAg, per tenfold rise"} <= set(cox)


def test_listings_are_of_the_population_of_adverse_events():
    """Whoever recurred before being assigned is out of the primary population, and died or departed all the same."""
    text = render_page_text(build_trial_report(made("everybody censored on the first day")))
    listings = text[text.index("\nListings") :]
    assert "Of the population: Full analysis" in text[: text.index("\nListings")]
    assert listings.index("Of the population: Safety") < listings.index("Deaths")
