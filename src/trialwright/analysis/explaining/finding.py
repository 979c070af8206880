"""The rows behind any number of the results table."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from trialwright.analysis.baseline import BEYOND, between_limits, beyond_assay
from trialwright.analysis.calendar_kept import CALENDAR
from trialwright.analysis.deaths import who_died
from trialwright.analysis.explaining.adverse import pick_adverse_events
from trialwright.analysis.explaining.board import pick_board
from trialwright.analysis.explaining.calendar import pick_contacts
from trialwright.analysis.explaining.exposure import pick_exposure
from trialwright.analysis.explaining.immortal import pick_immortal
from trialwright.analysis.explaining.picking import (
    FROM_PROTOCOL,
    UNTOLD,
    Asked,
    Picked,
    in_group,
    pick_fact,
    pick_of_population,
    pick_people,
    rows_of,
)
from trialwright.analysis.explaining.shares import pick_shares
from trialwright.analysis.explaining.times import pick_times
from trialwright.analysis.explaining.visits import pick_visits
from trialwright.analysis.exposure import EXPOSURE
from trialwright.analysis.immortal_time import IMMORTAL
from trialwright.analysis.limited_summary import is_known
from trialwright.analysis.participation import ENDED, FAILED, how_it_ended, who_failed
from trialwright.analysis.results import Result
from trialwright.analysis.run import FLOW
from trialwright.analysis.safety_board import BOARD
from trialwright.analysis.sample import AnalysisData
from trialwright.protocol.analyses import (
    BaselineTable,
    GradeTable,
    Proportion,
    TimeAnalysis,
    VisitSummary,
)
from trialwright.protocol.categories import pairs_compared
from trialwright.protocol.references import GROUPS

_SOURCE = re.compile(r"(AD[A-Z]+)(?:\[PARAMCD=([A-Z0-9_]+)\])?")


def is_of_protocol(result: Result) -> bool:
    """Whether a number is computed from the protocol alone: its source names no dataset."""
    return not _SOURCE.search(result.source)


def pick_rows(data: AnalysisData, result: Result, kept: dict[str, Any] | None = None) -> Picked:
    """The rows of an analysis dataset that make a number.

    Rows are chosen from the datasets once more, by what the statistic means, and not by the code that counted them: where
    `Picked.number` is not the value, one of the two is wrong. Behind a statistic that is not known here stand all rows of
    its dataset and population, and nothing is claimed of their number. `kept` is filled with what numbers of one analysis
    share: whoever asks for many gives one.
    """
    if is_of_protocol(result):
        return FROM_PROTOCOL
    if result.analysis == FLOW:
        return _flow(data, result)
    if result.analysis == EXPOSURE:
        return pick_exposure(data, result)
    if result.analysis == BOARD:
        return pick_board(data, result)
    if result.analysis == CALENDAR:
        return pick_contacts(data, result)
    if result.analysis == IMMORTAL:
        return pick_immortal(data, result)
    if result.analysis not in data.protocol.analyses:
        everyone = in_group(data.adsl, GROUPS, result.group)
        return _as_the_source_says(data, result, everyone)
    analysis = data.protocol.analyses[result.analysis]
    asked = Asked(data, result, analysis, {} if kept is None else kept)
    match analysis:
        case BaselineTable():
            return _baseline(asked)
        case Proportion():
            return pick_shares(asked, analysis)
        case GradeTable():
            return pick_adverse_events(asked, analysis)
        case VisitSummary():
            return pick_visits(asked, analysis)
        case TimeAnalysis():
            return pick_times(asked, analysis)
        case _:
            return _as_the_source_says(data, result, asked.people)


def _flow(data: AnalysisData, result: Result) -> Picked:
    """Subjects by what ADSL says of their belonging to a population."""
    adsl, item = data.adsl, result.item
    if result.statistic == "n_planned":
        return FROM_PROTOCOL
    if item is None:
        return pick_people(adsl, "subjects in the records", data)
    population, ended, end = item.partition(ENDED)
    if ended:
        return _ended(data, in_group(data.population(population), GROUPS, result.group), end)
    if result.statistic == "n_failed_screening":
        return _failed(data, item)
    if result.statistic == "n_died_outside":
        outside = adsl.join(data.population(item), on="USUBJID", how="anti", maintain_order="left")
        died, _ = who_died(data.tables["ADEVT"], outside)
        return pick_people(died, f"subjects who died and are not counted in the population `{item}`", data)
    if result.statistic == "n_without_group":
        without = data.population(item).filter(pl.col(GROUPS).is_null())
        return pick_people(without, "subjects of the population whose group is not known", data)
    if item in data.protocol.endpoints:
        timed = data.adtte.filter(pl.col("PARAMCD") == item.upper()).drop_nulls(["AVAL", "CNSR"])
        with_endpoint = rows_of(adsl, timed)
        if result.statistic == "n_with_endpoint":
            return pick_people(with_endpoint, "subjects with the endpoint", data)
        without = adsl.join(with_endpoint, on="USUBJID", how="anti", maintain_order="left")
        return pick_people(without, "subjects without the endpoint", data)
    flag = data.flag(item)
    answers = {"n_in_population": "Y", "n_not_in_population": "N", "n_population_unknown": None}
    answer = pl.lit(answers[result.statistic], pl.String)
    found = adsl.filter(pl.col(flag).eq_missing(answer)) if flag else adsl
    words = {"Y": "subjects of", "N": "subjects not of", None: "subjects who may be of"}
    meaning = f"{words[answers[result.statistic]]} the population `{item}`"
    return pick_people(in_group(found, GROUPS, result.group), meaning, data)


def _ended(data: AnalysisData, people: pl.DataFrame, end: str) -> Picked:
    """Subjects whose part in the study ended in one way."""
    ends = how_it_ended(data.tables["ADEVT"], people)
    found = rows_of(people, ends.filter(pl.col("END") == end))
    return pick_people(found, f"subjects of whom the part in the study ended: {end}", data)


def _failed(data: AnalysisData, item: str) -> Picked:
    """Subjects who failed screening, of one reason or of any."""
    population, _, reason = item.partition(FAILED)
    failed = who_failed(data, population)
    found = failed.filter(pl.col("DCSCREEN") == reason) if reason else failed
    return pick_people(found, f"subjects who failed screening{f': {reason}' if reason else ''}", data)


def _baseline(asked: Asked) -> Picked:
    """What was known at the start of the subjects of a group."""
    result, data = asked.result, asked.data
    if found := pick_of_population(asked):
        return found
    fact, _, level = (result.item or "").partition("=")
    people = asked.people
    if result.statistic in ("standardised_difference", BEYOND):
        pair = next(pair for pair in pairs_compared(data.protocol, asked.by) if pair[0] == result.group)
        people = asked.everyone.filter(pl.col(asked.by or "").is_in(pair))
    value = pl.col(fact)
    limited = data.tables["ADBASE"].filter(pl.col("PARAMCD") == fact.upper(), is_known("AVALLO", "AVALHI"))
    has_value = value.is_not_null() | pl.col("USUBJID").is_in(limited["USUBJID"].implode())
    match result.statistic:
        case "n_missing":
            return pick_fact(data, people.filter(~has_value), fact, f"subjects whose `{fact}` is not known")
        case "n_below" | "n_above":
            found = pick_fact(data, people, fact, "")
            side = result.statistic.removeprefix("n_")
            return Picked(
                found.dataset,
                beyond_assay(found.rows)[result.statistic],
                f"subjects whose `{fact}` lies {side} what the assay can measure",
            )
        case "n_between":
            found = pick_fact(data, people, fact, "")
            meaning = f"subjects whose `{fact}` is only known to lie between limits, for another reason than its assay"
            return Picked(found.dataset, between_limits(found.rows), meaning)
        case "count":
            return pick_fact(
                data, people.filter(value == level), fact, f"subjects whose `{fact}` is `{level}`"
            )
        case "proportion" if level:
            found = pick_fact(
                data, people.filter(value == level), fact, f"subjects whose `{fact}` is `{level}`"
            )
        case "mean" | "sd" | "standardised_difference":
            numbers = people.filter(value.is_not_null())
            found = pick_fact(data, numbers, fact, f"subjects with a number for `{fact}`")
        case _:
            found = pick_fact(data, people.filter(has_value), fact, f"subjects whose `{fact}` is known")
    return Picked(found.dataset, found.rows, found.meaning, "not a count")


def _as_the_source_says(data: AnalysisData, result: Result, people: pl.DataFrame) -> Picked:
    """All rows of the dataset that the source of a result names first, of some subjects."""
    named = _SOURCE.search(result.source)
    dataset, code = named.groups() if named else ("ADSL", None)
    table = data.tables.get(dataset, data.tables["ADSL"])
    if code and "PARAMCD" in table.columns:
        table = table.filter(pl.col("PARAMCD") == code)
    name = f"{dataset}[PARAMCD={code}]" if code else dataset
    return Picked(name, rows_of(table, people), UNTOLD, "not a count")
