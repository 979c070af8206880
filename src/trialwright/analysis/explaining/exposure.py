"""The rows behind numbers of treatment given, of deaths, of liver complications and of causes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import polars as pl

from trialwright.analysis.deaths import who_died
from trialwright.analysis.explaining.picking import Counts, Picked, in_group, pick_people, rows_of
from trialwright.analysis.exposure import NOT_TOLD
from trialwright.analysis.results import Result
from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.adrate import MET, NOT_MET, UNKNOWN
from trialwright.derivations.safety_period import safety_population
from trialwright.protocol.references import GROUPS

_KINDS = ("flare", "adverse event", "laboratory")
_AGREED: Mapping[str, str | None] = MappingProxyType(
    {"n_by_rule": "Y", "n_without_rule": "N", "n_rule_unknown": None}
)
_VERBS = ("ended: ", "until ", "went on after ")
_VERDICTS = MappingProxyType({"n_met": 0, "n_not_met": 1, "n_unknown": 2})


def pick_exposure(data: AnalysisData, result: Result) -> Picked:
    """The rows behind a number of the exposure, which every report of a trial has."""
    population = safety_population(data.protocol)
    everyone = data.population(population) if population else data.adsl
    people = in_group(everyone, GROUPS, result.group)
    item = result.item
    if item is None:
        died, unknown = who_died(data.tables["ADEVT"], people)
        if result.statistic == "n_died":
            return pick_people(died, "subjects who died", data)
        if result.statistic == "n_death_unknown":
            return pick_people(unknown, "subjects of whom it is not known whether they died", data)
        return pick_people(people, "subjects of the population and group", data)
    if item.startswith("liver "):
        return _if_looked_for(result, _liver(data, people, item.removeprefix("liver "), result.statistic))
    if kind := next((one for one in _KINDS if item == one or item.startswith(f"{one} ")), None):
        return _if_looked_for(
            result, _causes(data, people, kind, item.removeprefix(kind).strip(), result.statistic)
        )
    treatment = max(
        (one for one in data.protocol.treatments if item == one or item.startswith(f"{one} ")), key=len
    )
    rows = rows_of(data.tables["ADEXSUM"].filter(pl.col("TREATMENT") == treatment), people)
    return _treatment(data, people, rows, item.removeprefix(treatment).strip(), result.statistic)


def _if_looked_for(result: Result, found: Picked) -> Picked:
    """What was not looked for has no rows, and that is no count of none."""
    return found if result.value is not None else replace(found, counts="not a count")


def _treatment(
    data: AnalysisData, people: pl.DataFrame, rows: pl.DataFrame, what: str, statistic: str
) -> Picked:
    treated = rows.filter(pl.col("PARAMCD") == "FIRSTDT")
    given = rows_of(rows, treated)

    def of(code: str, which: pl.Expr, meaning: str, counts: Counts = "rows") -> Picked:
        return Picked(
            f"ADEXSUM[PARAMCD={code}]", given.filter((pl.col("PARAMCD") == code) & which), meaning, counts
        )

    value = pl.col("AVALC")
    named = next((what.removeprefix(one) for one in _VERBS if what.startswith(one)), "")
    match statistic:
        case "n_treated":
            return of("FIRSTDT", pl.lit(value=True), "subjects treated", "subjects")
        case "n_untreated":
            without = people.join(treated, on="USUBJID", how="anti", maintain_order="left")
            return pick_people(without, "subjects not treated", data)
        case "n_ended":
            return of(
                "STOPREAS", value.fill_null(NOT_TOLD) == named, f"subjects whose treatment ended: {named}"
            )
        case "n_no_end_recorded":
            ends = given.filter(pl.col("PARAMCD") == "STOPREAS")
            return pick_people(
                treated.join(ends, on="USUBJID", how="anti"), "subjects treated without a recorded end", data
            )
        case _ if statistic in _AGREED:
            answer = pl.lit(_AGREED[statistic], pl.String)
            return of(
                "STOPAGR", value.eq_missing(answer), "subjects by whether a rule of the protocol ended it"
            )
        case "n_met" | "n_not_met" | "n_unknown" if named:
            is_until = what.startswith("until ")
            answers = (MET, NOT_MET, UNKNOWN) if is_until else ("Y", "N", None)
            answer = pl.lit(answers[_VERDICTS[statistic]], pl.String)
            own = pl.col("PROTOCOL").str.split(".").list.last() == named
            return of(
                "UNTIL" if is_until else "WENTON",
                own & value.eq_missing(answer),
                f"subjects by the rule `{named}`",
            )
        case "n_unknown":
            return of(what, pl.col("AVAL").is_null(), "subjects of whom the number is not known")
        case _:
            return of(
                what, pl.col("AVAL").is_not_null(), "subjects of whom the number is known", "not a count"
            )


def _liver(data: AnalysisData, people: pl.DataFrame, code: str, statistic: str) -> Picked:
    rows = rows_of(data.tables["ADLIVER"].filter(pl.col("PARAMCD") == code), people)
    name = f"ADLIVER[PARAMCD={code}]"
    met = rows.filter(pl.col("AVALC") == MET)
    if statistic == "n_with":
        return Picked(name, met, "subjects with it")
    if statistic == "n_after_reactivation":
        return Picked(
            name, met.filter(pl.col("REACTFL") == "Y"), "subjects with it on or after a reactivation"
        )
    known = rows.filter(pl.col("AVALC") != UNKNOWN)
    lacking = people.join(known, on="USUBJID", how="anti", maintain_order="left").select("USUBJID")
    told = lacking.join(rows, on="USUBJID", how="left", maintain_order="left")
    return Picked(name, told, "subjects of whom it is not known")


def _causes(data: AnalysisData, people: pl.DataFrame, kind: str, what: str, statistic: str) -> Picked:
    rows = rows_of(data.tables["ADATTR"].filter(pl.col("EVTYPE") == kind), people)
    name = f"ADATTR[EVTYPE={kind}]"
    if statistic == "n_with":
        return Picked(name, rows, f"episodes: {kind}", "subjects")
    if statistic == "n_differ":
        return Picked(
            name,
            rows.filter(pl.col("CAUSE") != pl.col("SUGGEST")),
            "episodes judged otherwise than the data suggest",
        )
    state, _, cause = what.partition(": ")
    if cause:
        column = "CAUSE" if state == "judged" else "SUGGEST"
        return Picked(name, rows.filter(pl.col(column) == cause), f"episodes, {state}: {cause}")
    return Picked(
        name, rows.filter(pl.col("CAUSEST") == state) if state else rows, f"episodes: {kind} {state}".strip()
    )
