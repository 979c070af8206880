"""Behind every number stand the rows that make it, their records, and the line that asked for it."""

import json
import shutil
from dataclasses import replace
from datetime import date
from functools import cache

import polars as pl
import pytest
from tests.cases.written_report import written_report

from trialwright.analysis.calendar_kept import CALENDAR
from trialwright.analysis.explain import NOT_KEPT, Explainer, list_analyses, results_below, tell_picked
from trialwright.analysis.explaining.elements import paths_behind, tell_element
from trialwright.analysis.explaining.finding import pick_rows
from trialwright.analysis.explaining.picking import Picked
from trialwright.analysis.explaining.records import NOT_FOUND, NOT_LOOKED_FOR, find_records, sources_of
from trialwright.analysis.exposure import EXPOSURE
from trialwright.analysis.immortal_time import IMMORTAL
from trialwright.analysis.report_folder import find_protocol, read_report
from trialwright.analysis.results import Results
from trialwright.analysis.run import FLOW, run_analyses
from trialwright.checks.lengths import most_days
from trialwright.protocol.analyses import (
    BaselineTable,
    CloneCensorWeight,
    Cox,
    CumulativeIncidence,
    FineGray,
    GradeTable,
    IntervalCensored,
    KaplanMeier,
    LogRank,
    Proportion,
    RestrictedMean,
    ReverseKaplanMeier,
    Subgroups,
    TimeAnalysis,
    VisitSummary,
)
from trialwright.protocol.loading import load_protocol
from trialwright.records.files import read_records
from trialwright.vocabulary.documents import dotted
from trialwright.vocabulary.problems import ProblemsFound

TRIALS = {"nct04294498": (20, 5), "nct07120750": (30, 4)}
"""Subjects and seed of each trial."""
UNITS = ("subjects", "events", "records", "episodes", "contacts")
KNOWN = (
    BaselineTable,
    CloneCensorWeight,
    Cox,
    CumulativeIncidence,
    FineGray,
    GradeTable,
    IntervalCensored,
    KaplanMeier,
    LogRank,
    Proportion,
    RestrictedMean,
    ReverseKaplanMeier,
    Subgroups,
    VisitSummary,
)
"""Methods of which every count must be followed to its rows."""
OF_NO_ROWS = ("n_planned", "expected", "effective_size", "n_weighted", "n_in_bin")
"""Numbers of subjects or events that count no rows: a plan, an expectation, what weights and a model make of subjects."""
OF_RECORDS = (
    "n_met", "n_events", "n_with", "n_in_time", "n_early", "n_treated", "n_ended", "n_episodes", "n_grade_3", "n_events_before",
)  # fmt: skip
"""Numbers of what was seen: of what was not, or on a day that is not known, no one record tells."""
WITHOUT_RECORDS = ("ADEXSUM[PARAMCD=UNTIL]", "ADEXSUM[PARAMCD=WENTON]")
"""What rules make of the end of a treatment rests on events, which stand behind it as evidence."""


@cache
def explainer(trial, records=False):
    folder = written_report(trial, *TRIALS[trial])
    report = read_report(folder)
    return Explainer.of(
        report, find_protocol(report, None), read_records(folder / "records") if records else None
    )


def has_rows(told, result):
    """Whether a result counts rows."""
    if result.unit not in UNITS or result.value is None or result.statistic in OF_NO_ROWS:
        return False
    return result.analysis in (FLOW, EXPOSURE, CALENDAR, IMMORTAL) or isinstance(
        told.loaded.protocol.analyses.get(result.analysis), KNOWN
    )


@pytest.mark.parametrize("trial", TRIALS)
def test_every_number_leads_to_the_protocol_and_every_count_to_its_rows_and_their_records(trial):
    """All ids. Numbers that differ by time only rest on the same elements."""
    told = explainer(trial)
    places = {dotted(path) for path in told.loaded.document.key_places}
    people = {*told.data.adsl["USUBJID"]}
    elements, kept, counted, datasets = {}, {}, 0, set()
    for result in told.report.results.rows:
        kind = (result.analysis, result.group, result.item, result.statistic)
        if kind not in elements:
            elements[kind] = [dotted(path) for path in paths_behind(told.definitions, result)]
            assert elements[kind], result.id
            assert places.issuperset(elements[kind]), result.id
        picked = pick_rows(told.data, result, kept)
        if not has_rows(told, result):
            assert picked.number in (None, result.value), (result.id, picked.meaning)
            continue
        assert picked.number == result.value, (result.id, picked.meaning)
        assert people.issuperset(picked.rows["USUBJID"]), result.id
        counted += 1
        if (
            result.statistic in OF_RECORDS
            and picked.dataset not in WITHOUT_RECORDS
            and "SRCALL" in picked.rows.columns
        ):
            datasets.add(picked.dataset.partition("[")[0])
            dated = [row for row in picked.rows.iter_rows(named=True) if row.get("ADT", row)]
            assert all(sources_of(row) for row in dated), result.id
    assert counted > 1000
    assert {"ADTTE", "ADRATE", "ADAE", "ADCLOCK", "ADEXSUM"} <= datasets


@pytest.mark.parametrize("trial", TRIALS)
def test_who_is_left_out_of_an_analysis_of_time_makes_the_rest_of_its_population(trial):
    told = explainer(trial)
    for name, analysis in told.loaded.protocol.analyses.items():
        if isinstance(analysis, TimeAnalysis) and f"{name}/n_analysed" in told.report.results:
            population = told.explain(f"{name}/n_analysed").population
            left_out = sum(n for _, n in population.left_out)
            assert population.n_in - left_out == told.report.results[f"{name}/n_analysed"].value, name


def test_why_somebody_has_no_time_is_told():
    """Of 20, 16 had no response, and of one it was not yet due."""
    told = explainer("nct04294498").explain("duration_curve/n_analysed").population
    assert dict(told.left_out) == {
        "no time or no status (not applicable)": 16,
        "no time or no status (not yet due)": 1,
    }


def test_the_group_of_a_landmark_is_not_counted_by_assignment():
    told = explainer("nct07120750")
    landmark, curve = (
        told.explain(f"{name}/na/n_subjects").population
        for name in ("recurrence_landmark", "recurrence_curve")
    )
    assert (landmark.group, landmark.n_group) == ("na", None)
    assert curve.n_group == told.report.results["recurrence_curve/na/n_subjects"].value


@pytest.mark.parametrize(
    ("trial", "id_", "paths"),
    [
        pytest.param(
            "nct04294498", "clocks.viral_load/n_late",
            ["clocks.viral_load", "deviations.viral_load_late", "deviations.viral_load_missed", "periods.on_treatment"],
            id="a clock, the deviations that ask for it, and the time in which it runs",
        ),
        pytest.param(
            "nct07120750", "visits.imaging/n_missed", ["visits.imaging", "deviations.scan_late", "deviations.scan_missed"], id="a visit",
        ),
        pytest.param(
            "nct07120750", "visits.imaging.repeat within/n_missed",
            ["visits.imaging.repeat within", "visits.imaging", "deviations.scan_unusable"],
            id="a look that must be repeated",
        ),
    ],
)  # fmt: skip
def test_what_was_due_leads_to_its_clock_or_visit_and_to_the_deviations_that_ask_for_it(trial, id_, paths):
    found = explainer(trial).explain(f"{CALENDAR}/{id_}")
    assert [element.path for element in found.elements][: len(paths)] == paths
    assert found.rows.adds_up
    assert {"PARAM", "STARTDT", "AVALC"} <= {*found.rows.columns}
    measured = {"clocks": ["facts.hbv_dna"], "visits": ["facts.lirads"]}[id_.partition(".")[0]]
    assert {element.path for element in found.elements} >= {*measured}


@pytest.mark.parametrize(
    ("trial", "id_", "paths"),
    [
        (
            "nct04294498",
            "liver HELDHEP/n_with",
            ["time zero", "events.hbv_reactivation", "populations.treated"],
        ),
        ("nct04294498", "flare/n_episodes", ["events.hepatitis_flare", "populations.treated"]),
        ("nct04294498", "adverse event/n_with", ["endpoints.adverse_events", "populations.treated"]),
        ("nct04294498", "laboratory/n_with", ["facts.alt", "facts.ast", "facts.alp", "facts.bilirubin"]),
        (
            "nct04294498",
            "durvalumab until doses/n_met",
            ["treatments.durvalumab.until.doses", "treatments.durvalumab", "populations.treated"],
        ),
        ("nct07120750", "n_died", ["populations.safety"]),
    ],
)
def test_what_is_counted_in_every_trial_leads_to_the_elements_it_rests_on(trial, id_, paths):
    found = explainer(trial).explain(f"{EXPOSURE}/{id_}")
    assert [element.path for element in found.elements][: len(paths)] == paths


def test_a_number_of_the_design_stands_behind_nobody():
    """Its page has no datasets, the report of the trial has."""
    told = explainer("nct04294498")
    row = replace(
        told.report.results["population flow/n_planned"],
        analysis="design assumptions", item="alpha", statistic="value", source="assumptions.type_1_error.value",
    )  # fmt: skip
    report = replace(told.report, results=Results((row,), (), told.report.results.provenance))
    for one in (report, replace(report, tables={})):
        found = Explainer.of(one, told.loaded).explain(row.id)
        assert [element.path for element in found.elements] == ["assumptions.type_1_error"]
        assert (found.rows.dataset, found.rows.rows) == ("the protocol", ())
        assert found.warnings == ()


def test_what_virtual_trials_showed_has_no_records():
    told = explainer("nct04294498")
    row = replace(
        told.report.results[f"{CALENDAR}/clocks.viral_load/n_late"],
        analysis="clocks", source="ADCLOCK <- virtual trials <- scenarios.often",
    )  # fmt: skip
    report = replace(told.report, results=Results((row,), (), told.report.results.provenance))
    found = Explainer.of(report, told.loaded).explain(row.id)
    assert [element.path for element in found.elements][:2] == ["clocks.viral_load", "scenarios.often"]
    assert found.warnings == (NOT_KEPT,)
    assert found.rows is None


def test_who_began_a_treatment_against_the_decision_is_counted_as_begun():
    """Twice: the numbers by what was begun, not by what ADSL says was assigned."""
    data = explainer("nct07120750").data
    name, analysis = next(
        (id_, one) for id_, one in data.protocol.analyses.items() if isinstance(one, CloneCensorWeight)
    )
    short = analysis.model_copy(update={"covariates": (), "resamples": 100})
    rows = data.tables["ADTTEV"]
    own = (pl.col("ANALYSIS") == name) & (pl.col("INCLFL") == "Y")
    against = rows.filter(own & (pl.col("GROUP") == "na"))["USUBJID"][0]
    begun = pl.when(own & (pl.col("USUBJID") == against)).then(pl.lit("na_and_peginterferon"))
    day = pl.when(own & (pl.col("USUBJID") == against)).then("STARTDT").otherwise("GROUPDT")
    rows = rows.with_columns(GROUP=begun.otherwise("GROUP"), GROUPDT=day)
    assigned = data.adsl.filter(pl.col("USUBJID") == against)["GROUP"].item()
    assert assigned == "na"
    data = replace(
        data,
        protocol=data.protocol.model_copy(update={"analyses": {name: short}}),
        tables={**data.tables, "ADTTEV": rows},
    )
    results = run_analyses(data, {}, "records")
    timed = rows.filter(own).join(data.population(short.population), on="USUBJID", how="semi")
    for group in ("na", "na_and_peginterferon"):
        result = results[f"{name}/{group}/n_subjects"]
        assert result.value == timed.filter(pl.col("GROUP") == group).height
        assert pick_rows(data, result).number == result.value


def test_behind_two_strategies_stand_those_who_left_and_those_who_stayed():
    """Everybody is under both strategies, and whoever is followed beyond the grace period has left exactly one."""
    data = explainer("nct07120750").data
    name, analysis = next(
        (id_, one) for id_, one in data.protocol.analyses.items() if isinstance(one, CloneCensorWeight)
    )
    short = analysis.model_copy(update={"covariates": (), "resamples": 100})
    rows = data.tables["ADTTEV"]
    began = (
        rows.filter((pl.col("ANALYSIS") == name) & pl.col("GROUPDT").is_not_null())["USUBJID"].unique().sort()
    )
    last = pl.col("STARTDT") + pl.duration(days=int(most_days(analysis.grace)))
    late = pl.when(pl.col("USUBJID") == began[0]).then(last)  # at the end of the grace period is within it
    late = late.when(pl.col("USUBJID") == began[1]).then(last + pl.duration(days=1))
    rows = rows.with_columns(GROUPDT=late.otherwise("GROUPDT"))
    data = replace(
        data,
        protocol=data.protocol.model_copy(update={"analyses": {name: short}}),
        tables={**data.tables, "ADTTEV": rows},
    )
    results = run_analyses(data, {}, "records")
    kept, found = {}, {}
    for result in results.of(name):
        picked = pick_rows(data, result, kept)
        if picked.number is not None:
            assert picked.number == result.value, (result.id, picked.meaning)
        if result.item == "at":
            found[result.group, result.statistic] = {*picked.rows["USUBJID"]}
    start, stay = "na_and_peginterferon", "na"
    assert found[start, "n_left"]
    assert found[stay, "n_left"]
    assert not found[start, "n_left"] & found[stay, "n_left"]
    assert began[0] in found[stay, "n_left"]
    assert began[1] in found[start, "n_left"]
    assert found[start, "n_after_grace"] <= found[stay, "n_left"]
    assert found[start, "risk"] == found[stay, "risk"] >= found[start, "n_left"] | found[stay, "n_left"]


def test_behind_a_risk_between_examinations_stand_the_events_that_may_lie_before():
    """Against ADTTE as it lies on the disk: the last examination without the event was before the reading time."""
    told = explainer("nct07120750")
    times = pl.read_parquet(told.report.folder / "datasets" / "adtte.parquet")
    rows = [row for row in told.report.results.of("recurrence_interval") if row.statistic == "risk_most"]
    assert rows
    for row in rows:
        found = told.explain(row.id)
        people = [one[0] for one in found.rows.rows]
        own = times.filter((pl.col("PARAMCD") == "RECURRENCE") & pl.col("USUBJID").is_in(people))
        last = pl.col("LEFTDT").replace("", None).str.to_date() - pl.col("STARTDT").str.to_date()
        assert people
        assert own.filter(pl.col("CNSR") == 0)["USUBJID"].n_unique() == len(people)
        assert own.filter(last.dt.total_days() >= row.time).is_empty()
        assert {"LEFTDT", "RIGHTDT"} <= {*found.rows.columns}


@pytest.mark.parametrize("trial", TRIALS)
def test_every_number_can_be_explained(trial):
    """One of each kind: numbers of a method differ beyond that by analysis, group and time only."""
    told = explainer(trial)
    kinds = {(row.method, row.item and row.item[:12], row.statistic): row for row in told.report.results.rows}
    for result in kinds.values():
        found = told.explain(result.id)
        assert not [warning for warning in found.warnings if "add up" in warning]
        assert found.rows is not None
        assert json.loads(found.to_json())["result"]["value"] == result.value
        if result.analysis in told.loaded.protocol.analyses:
            assert found.elements[0].path == f"analyses.{result.analysis}"
            assert (
                found.population.n_in + found.population.n_out + found.population.n_unknown
                == told.data.adsl.height
            )


def test_events_at_or_before_the_time():
    """Against ADTTE as it lies on the disk, a day counted from 0 as reading times are."""
    told = explainer("nct04294498")
    times = pl.read_parquet(told.report.folder / "datasets" / "adtte.parquet")
    own = times.filter((pl.col("PARAMCD") == "OS") & (pl.col("ANL01FL") == "Y") & (pl.col("CNSR") == 0))
    elapsed = pl.col("ADT").str.to_date() - pl.col("STARTDT").str.to_date()
    readings = [
        row for row in told.report.results.of("os_curve") if row.item == "at" and row.statistic == "survival"
    ]
    assert len(readings) >= 2
    for row in readings:
        expected = own.filter(elapsed.dt.total_days() <= row.time)["USUBJID"].to_list()
        found = told.explain(row.id).rows
        assert sorted(one[0] for one in found.rows) == sorted(expected)


@pytest.mark.parametrize(("statistic", "ended"), [("competing", {2}), ("event_free", {0, 2})])
def test_behind_each_share_of_an_incidence_stand_those_it_is_of(statistic, ended):
    """Against ADTTE as it lies on the disk: 0 is the event, 2 one that competes."""
    told = explainer("nct04294498")
    times = pl.read_parquet(told.report.folder / "datasets" / "adtte.parquet").filter(
        pl.col("ANL01FL") == "Y"
    )
    elapsed = (pl.col("ADT").str.to_date() - pl.col("STARTDT").str.to_date()).dt.total_days()
    asked = {
        id_: one for id_, one in told.loaded.protocol.analyses.items() if isinstance(one, CumulativeIncidence)
    }
    n_found = 0
    for id_, analysis in asked.items():
        for row in told.report.results.of(id_):
            if row.item != "at" or row.statistic != statistic or row.group is not None:
                continue
            own = times.filter((pl.col("PARAMCD") == analysis.endpoint.upper()) & pl.col("CNSR").is_in(ended))
            expected = own.filter(elapsed <= row.time)["USUBJID"].to_list()
            assert sorted(one[0] for one in told.explain(row.id).rows.rows) == sorted(expected)
            n_found += len(expected)
    assert n_found


@pytest.mark.parametrize("trial", TRIALS)
def test_a_record_of_a_subject_is_really_the_record(trial):
    told = explainer(trial, records=True)
    raw = {
        path.stem.upper(): pl.read_parquet(path)
        for path in (told.report.folder / "records").glob("*.parquet")
    }
    seen = set()
    for result in told.report.results.rows:
        if result.item or result.statistic not in ("n_events", "n_met", "observed") or not result.value:
            continue
        picked = pick_rows(told.data, result)
        found = told.explain(result.id, subject=picked.rows["USUBJID"][0])
        assert found.subject.is_counted
        assert found.subject.records
        for record in found.subject.records:
            domain, _, number = record.name.partition(".")
            own = raw[domain].filter(pl.col("USUBJID") == found.subject.subject)
            if number:
                own = own.filter(pl.col("VISITNUM" if domain == "SV" else f"{domain}SEQ") == float(number))
            assert record.missing == ""
            (row,) = own.unique().rows(named=True)
            for suffix, value in (("ORRES", record.value), ("ORRESU", record.unit)):
                if row.get(f"{domain}{suffix}") is not None:
                    assert value == row[f"{domain}{suffix}"]
            days = row.get(f"{domain}DTC") or row.get(f"{domain}STDTC") or row.get("RFSTDTC")
            assert str(record.date).startswith(str(days))
            seen.add(domain)
    assert len(seen) >= 3


def test_an_event_comes_with_its_evidence():
    told = explainer("nct04294498", records=True)
    result = next(
        row for row in told.report.results.rows
        if row.analysis == "rise_over_nadir_rate" and row.statistic == "n_met" and row.value
    )  # fmt: skip
    picked = pick_rows(told.data, result)
    found = told.explain(result.id, subject=picked.rows["USUBJID"][0])
    (row,) = found.subject.rows
    events = [one.values["EVENT"] for one in found.subject.evidence if one.values["AVALC"] == "met"]
    assert row.values["EVENT"] in events
    day = {one.values["ADT"] for one in found.subject.evidence if one.values["EVENT"] == row.values["EVENT"]}
    assert row.values["ADT"] in day


def test_who_is_without_an_event_comes_with_the_results_among_which_it_was_looked_for():
    """As many as ADRATE says there were, all of HBV DNA, and within its window."""
    told = explainer("nct04294498", records=True)
    rows = pick_rows(told.data, told.report.results["reactivation_rate/n_not_met"]).rows
    assert rows.height >= 5
    for row in rows.head(5).iter_rows(named=True):
        found = told.explain("reactivation_rate/n_not_met", subject=row["USUBJID"]).subject
        assert len(found.looks) == row["NASSESS"] > 0
        for look in found.looks:
            assert look.values["PARAMCD"] == "HBV_DNA"
            assert str(row["STARTDT"]) <= look.values["ADT"] <= str(row["ENDDT"])
        assert {record.name for record in found.records} >= {look.sources[0] for look in found.looks}
        assert all(record.what == "HBV DNA" for record in found.records if record.name.startswith("LB."))
    met = pick_rows(told.data, told.report.results["reactivation_rate/n_met"]).rows["USUBJID"]
    if len(met):
        assert told.explain("reactivation_rate/n_met", subject=met[0]).subject.looks == ()


def test_what_ended_a_treatment_comes_with_the_events_before():
    """A progression that was confirmed weeks before the end is what the rule looks back at."""
    told = explainer("nct04294498")
    id_ = f"{EXPOSURE}/durvalumab until confirmed_progression/n_met"
    rows = pick_rows(told.data, told.report.results[id_]).rows
    assert rows.height
    events = told.data.tables["ADEVT"].filter(EVENT="confirmed_progression", AVALC="met")
    for row in rows.iter_rows(named=True):
        found = told.explain(id_, subject=row["USUBJID"]).subject
        days = {str(day) for day in events.filter(USUBJID=row["USUBJID"])["ADT"] if day <= row["ADT"]}
        seen = {one.values["ADT"] for one in found.evidence if one.values["EVENT"] == "confirmed_progression"}
        assert days
        assert days <= seen


@pytest.mark.parametrize(
    ("days", "columns"),
    [
        pytest.param([(date(2027, 3, 5),) * 3], ["ADT"], id="each known to the day"),
        pytest.param([(None, date(2027, 3, 5), date(2027, 3, 9)), (date(2027, 3, 5),) * 3], ["ADT", "ADTL", "ADTH"], id="one may lie on several days"),
        pytest.param([(None, None, date(2027, 3, 9))], ["ADT", "ADTL", "ADTH"], id="known only to be by a day"),
        pytest.param([(None, None, None)], ["ADT"], id="no day at all"),
    ],
)  # fmt: skip
def test_what_has_no_day_is_told_with_the_days_between_which_it_lies(days, columns):
    rows = pl.DataFrame(
        [{"USUBJID": "1", "EVENT": "relapse", "ADT": at, "ADTL": first, "ADTH": last, "AVALC": "unknown"} for at, first, last in days],
        schema_overrides=dict.fromkeys(("ADT", "ADTL", "ADTH"), pl.Date),
    )  # fmt: skip
    result = explainer("nct04294498").report.results["reactivation_rate/n_unknown"]
    told = tell_picked(result, Picked("ADEVT[EVENT=relapse]", rows, ""))
    assert [name for name in told.columns if name.startswith("ADT")] == columns
    places = [told.columns.index(name) for name in columns]
    shown = [[row[place] for place in places] for row in told.rows]
    assert shown == [
        [None if day is None else day.isoformat() for day in row[: len(columns)]] for row in days
    ]


def test_who_is_not_counted_is_shown_all_the_same():
    told = explainer("nct04294498")
    result = told.report.results["reactivation_rate/n_met"]
    inside = set(pick_rows(told.data, result).rows["USUBJID"])
    other = next(one for one in told.data.population("treated")["USUBJID"] if one not in inside)
    found = told.explain(result.id, subject=other).subject
    assert not found.is_counted
    assert [row.values["AVALC"] for row in found.rows] != ["met"]
    outside = told.data.adsl.filter(pl.col("TREATEDFL") == "N")["USUBJID"][0]
    assert told.explain(result.id, subject=outside).subject.population == "N"


def test_elements_stand_where_they_are_said_to():
    told = explainer("nct04294498")
    found = told.explain("reactivation_rate/n_events")
    lines = told.loaded.document.text.splitlines()
    paths = [element.path for element in found.elements]
    assert paths[:4] == [
        "analyses.reactivation_rate",
        "endpoints.reactivation",
        "populations.treated",
        "events.hbv_reactivation",
    ]
    for element in found.elements:
        file, _, line = element.place.rpartition(":")
        assert file == "nct04294498/protocol.yaml"
        assert lines[int(line) - 1].strip().startswith(element.path.rpartition(".")[2])
        for saying in element.says:
            assert f"{saying.key}:" in lines[saying.line - 1]
    event = found.elements[3]
    assert {saying.key: saying.words for saying in event.says}[
        "when"
    ] == "the HBV DNA is at least 100 times its baseline"
    assert event.status == "registered"


def test_what_is_written_nowhere_has_no_words():
    loaded = load_protocol("nct04294498")
    assert tell_element(loaded, ("analyses", "os_curve", "landmark")).says == ()
    (planned,) = tell_element(loaded, ("study", "enrolment")).says
    assert (planned.key, planned.words) == ("enrolment", "43")


def test_rows_that_do_not_add_up_are_told(tmp_path):
    folder = tmp_path / "report"
    shutil.copytree(explainer("nct04294498").report.folder, folder)
    path = folder / "datasets" / "adrate.parquet"
    rates = pl.read_parquet(path)
    rates.with_columns(
        AVALC=pl.when(pl.col("PARAMCD") == "REACTIVATION").then(pl.lit("met")).otherwise("AVALC")
    ).write_parquet(path)
    report = read_report(folder)
    found = Explainer.of(report, find_protocol(report, None)).explain("reactivation_rate/n_met")
    assert found.rows.adds_up is False
    assert any("do not add up" in warning for warning in found.warnings)


def test_another_protocol_than_that_of_the_report_is_told(tmp_path):
    told = explainer("nct04294498")
    path = tmp_path / "protocol.yaml"
    path.write_text(told.loaded.document.text.replace("enrolment: 43", "enrolment: 44"), encoding="utf-8")
    found = Explainer.of(told.report, load_protocol(str(path))).explain("reactivation_rate/n_met")
    assert not found.protocol.is_same
    assert any("hashes differ" in warning for warning in found.warnings)
    assert told.explain("reactivation_rate/n_met").protocol.is_same


def test_other_data_than_those_of_the_report_are_told(tmp_path):
    told = explainer("nct04294498", records=True)
    for path in (told.report.folder / "records").glob("*.parquet"):
        table = pl.read_parquet(path)
        (table.head(3) if path.stem == "lb" else table).write_parquet(tmp_path / path.name)
    subject = pick_rows(told.data, told.report.results["os_curve/n_events"]).rows["USUBJID"][0]
    other = Explainer.of(told.report, told.loaded, read_records(tmp_path))
    assert any("lb.parquet" in one for one in other.explain("os_curve/n_events", subject=subject).warnings)
    assert told.explain("os_curve/n_events", subject=subject).warnings == ()


@pytest.mark.parametrize(
    ("id_", "near"),
    [
        pytest.param("reactivation_rate/n_evnts", "reactivation_rate/n_events", id="the last part misspelt"),
        pytest.param("reactivaton_rate/n_events", "reactivation_rate/n_events", id="the first part misspelt"),
        pytest.param("os_curve/tick/0/n_at_rsk", "os_curve/tick/0/n_at_risk", id="a part within"),
    ],
)
def test_an_unknown_id_is_told_the_nearest(id_, near):
    with pytest.raises(ProblemsFound) as found:
        explainer("nct04294498").explain(id_)
    (problem,) = found.value.problems
    assert problem.code == "no-such-result"
    assert f"`{near}`" in problem.fix


@pytest.mark.parametrize("id_", ["", "/", "x" * 10_000, "os_curve//", "\x00", "über/n"])
def test_no_id_is_too_odd_to_be_refused(id_):
    with pytest.raises(ProblemsFound) as found:
        explainer("nct04294498").explain(id_)
    assert found.value.problems[0].code == "no-such-result"


def test_an_unknown_subject_is_told_the_nearest():
    told = explainer("nct04294498")
    known = told.data.adsl["USUBJID"][3]
    for wrong in (known[-5:], f"{known}x"):
        with pytest.raises(ProblemsFound) as found:
            told.explain("os_curve/n_events", subject=wrong)
        (problem,) = found.value.problems
        assert problem.code == "no-such-subject"
        assert f"`{known}`" in problem.fix


def test_a_beginning_lists_what_lies_below_and_nothing_else():
    results = explainer("nct04294498").report.results
    below = results_below(results, "os_curve/at")
    assert below == [row for row in results.rows if row.analysis == "os_curve" and row.item == "at"]
    assert results_below(results, "os_curve/at/") == below
    assert results_below(results, "os_cur") == []


def test_all_analyses_are_listed_with_their_line():
    told = explainer("nct07120750")
    listed = list_analyses(told)
    assert {one.id for one in listed} >= set(told.loaded.protocol.analyses)
    assert sum(one.n_results for one in listed) == len(told.report.results.rows)
    lines = told.loaded.document.text.splitlines()
    for one in listed:
        if one.place:
            assert lines[int(one.place.rpartition(":")[2]) - 1].strip().startswith(f"{one.id}:")


# --- records ------------------------------------------------------------------------------------------------------------

TABLES = {
    "DM": pl.DataFrame({"USUBJID": ["A", "B"], "RFSTDTC": ["2024-01-02", None], "AGE": [61, 50]}),
    "SV": pl.DataFrame({"USUBJID": ["A", "A"], "VISITNUM": [1.0, 2.0], "SVSTDTC": ["2024-01-02", "2024-02"]}),
    "LB": pl.DataFrame(
        {
            "USUBJID": ["A", "A", "A", "B"],
            "LBSEQ": [1, 2, 2, 2],
            "LBTEST": ["HBV DNA", "ALT", "ALT", "ALT"],
            "LBORRES": ["<20", "41", "41", "99"],
            "LBORRESU": ["IU/mL", "U/L", "U/L", "U/L"],
            "LBDTC": ["2024-01-02T08:30", "2024-02", "2024-02", None],
        }
    ),
}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param(
            "LB.1", ("HBV DNA", "<20", "IU/mL", "2024-01-02T08:30"), id="as reported, comparator and all"
        ),
        pytest.param(
            "LB.2",
            ("ALT", "41", "U/L", "2024-02"),
            id="a record that stands twice is one; a date stays partial",
        ),
        pytest.param("DM", (None, None, None, "2024-01-02"), id="DM has no number"),
        pytest.param("SV.2", (None, None, None, "2024-02"), id="the number of SV is that of the visit"),
    ],
)
def test_records_are_found_by_their_names(name, told):
    (record,) = find_records(TABLES, "A", [name])
    assert (record.what, record.value, record.unit, record.date) == told
    assert record.missing == ""


@pytest.mark.parametrize(
    ("tables", "name", "why"),
    [
        pytest.param(TABLES, "LB.3", NOT_FOUND, id="no such number"),
        pytest.param(TABLES, "EX.1", "the data have no EX", id="no such domain"),
        pytest.param(None, "LB.1", NOT_LOOKED_FOR, id="no data given"),
    ],
)
def test_a_record_that_cannot_be_shown_says_why(tables, name, why):
    (record,) = find_records(tables, "A", [name])
    assert record.missing == why
    assert record.value is None


# --- the folder ---------------------------------------------------------------------------------------------------------


def test_the_datasets_come_back_as_they_were_derived():
    """Dates are dates again: all that analyses read of ADSL and ADTTE is as it was before it was written."""
    told = explainer("nct04294498")
    for table in told.data.tables.values():
        for name, kind in table.schema.items():
            assert (kind == pl.Date) == (name.endswith(("DT", "DTL", "DTH"))), name
    deaths = pl.read_parquet(told.report.folder / "datasets" / "adsl.parquet")["DTHDT"].drop_nulls()
    assert told.data.adsl["DTHDT"].drop_nulls().dt.to_string("%Y-%m-%d").to_list() == deaths.to_list()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(None, "unreadable-file", id="no file"),
        pytest.param(b"{", "not-a-report", id="no JSON"),
        pytest.param(b"\xff\xfe\x00", "not-a-report", id="no text"),
        pytest.param(b"[]", "not-a-report", id="JSON of something else"),
        pytest.param(b'{"format": "trialwright-results/9"}', "not-a-report", id="another format"),
        pytest.param(
            b'{"format": "trialwright-results/1", "results": [{}]}', "not-a-report", id="a row without an id"
        ),
    ],
)
def test_a_folder_that_is_no_report(content, code, tmp_path):
    if content is not None:
        (tmp_path / "results.json").write_bytes(content)
    with pytest.raises(ProblemsFound) as found:
        read_report(tmp_path)
    assert [problem.code for problem in found.value.problems] == [code]


def test_a_dataset_with_words_for_dates_is_no_report(tmp_path):
    (tmp_path / "datasets").mkdir()
    shutil.copy(explainer("nct04294498").report.folder / "results.json", tmp_path)
    pl.DataFrame({"USUBJID": ["A"], "DTHDT": ["in spring"]}).write_parquet(
        tmp_path / "datasets" / "adsl.parquet"
    )
    with pytest.raises(ProblemsFound) as found:
        read_report(tmp_path)
    assert found.value.problems[0].code == "not-a-report"


def test_a_report_of_an_unknown_study_asks_for_its_protocol(tmp_path):
    told = explainer("nct04294498").report.folder / "results.json"
    (tmp_path / "results.json").write_text(told.read_text("utf-8").replace('"DURVA-HBV"', '"ELSE"'), "utf-8")
    with pytest.raises(ProblemsFound) as found:
        find_protocol(read_report(tmp_path), None)
    assert found.value.problems[0].code == "protocol-not-found"
