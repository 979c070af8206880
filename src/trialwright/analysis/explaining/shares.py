"""The rows behind numbers of rates and best responses."""

from __future__ import annotations

import polars as pl

from trialwright.analysis.explaining.picking import Asked, Counts, Picked, pick_of_population, rows_of
from trialwright.analysis.measurable import find_measurable
from trialwright.analysis.proportions import (
    READINGS,
    RESPONSES,
    best_shown,
    is_confirmed,
    judged_assessments,
    reading_of,
)
from trialwright.derivations.adrate import MET, NOT_MET, UNKNOWN
from trialwright.protocol.analyses import Proportion
from trialwright.protocol.model import Endpoint
from trialwright.vocabulary.verdicts import Reason

_NOT_JUDGED = RESPONSES[-2:]
_WITH = {MET: "with the event", NOT_MET: "without the event", UNKNOWN: "of whom it is not known"}
_MEASURABLE = {
    "n_measurable": (True, "in whom it could be measured"),
    "n_not_measurable": (False, "in whom it could not be measured"),
    "n_measurable_unknown": (None, "of whom nobody knows whether it could be measured"),
}


def pick_shares(asked: Asked, analysis: Proportion) -> Picked:
    """The subjects behind a count, a share or a comparison; behind shares those with the event."""
    result = asked.result
    if result.statistic != "n_subjects" and (found := pick_of_population(asked)):
        return found
    endpoint = asked.data.protocol.endpoints[analysis.endpoint]
    item = result.item or ""
    if item.startswith(("best=", "unconfirmed best=")):
        return _best_response(asked, analysis, endpoint)
    pair = next((one for one in (" minus ", " over ") if one in item), None)
    reading = _reading_in(item) or reading_of(analysis, endpoint)
    name, judged = _judged(asked, analysis, endpoint, is_unconfirmed=item == "unconfirmed")
    if pair:
        names = item.partition(",")[0].split(pair)
        people = asked.everyone.filter(pl.col(asked.by or "").is_in(names))
        return Picked(
            name,
            _events(rows_of(judged, people), reading),
            "subjects with the event, of both groups",
            "not a count",
        )
    rows = rows_of(judged, asked.people)
    found_rows, words, counts = _chosen(asked, endpoint, rows, reading)
    return Picked(
        name, found_rows.drop("VERDICT", "WHY"), f"subjects {words}", counts, _left_out(rows, reading)
    )


def _reading_in(item: str) -> str | None:
    """The reading of who could not be judged that an item names: by itself, or after a comparison."""
    return next((one for one in READINGS if item in {one} or item.endswith(f", {one}")), None)


def _chosen(
    asked: Asked, endpoint: Endpoint, rows: pl.DataFrame, reading: str
) -> tuple[pl.DataFrame, str, Counts]:
    statistic, item = asked.result.statistic, asked.result.item
    verdict = {"n_met": MET, "n_not_met": NOT_MET, "n_unknown": UNKNOWN}.get(statistic)
    if verdict:
        own = rows.filter(pl.col("VERDICT") == verdict)
        if item:
            return own.filter(pl.col("WHY") == item), f"{_WITH[verdict]}: {item}", "rows"
        return own, _WITH[verdict], "rows"
    counted = rows.filter(pl.col("VERDICT") != UNKNOWN) if reading == "left out" else rows
    match statistic:
        case "n_subjects":
            return counted, "who count", "rows"
        case "n_events":
            return _events(counted, reading), "who count as with the event", "rows"
        case "n_complete" if "COMPLFL" in rows.columns:
            return rows.filter(pl.col("COMPLFL") == "Y"), "who were followed to the end", "rows"
        case "n_not_over" | "n_lost" if "COMPLFL" in rows.columns:
            without = rows.filter((pl.col("VERDICT") == NOT_MET) & pl.col("COMPLFL").ne_missing("Y"))
            going_on = pl.col("OPENFL").eq_missing("Y")
            if statistic == "n_not_over":
                meaning = "who are without the event so far, and whose time is not over"
                return without.filter(going_on), meaning, "rows"
            meaning = "who were last seen without the event before the time that counts was over: died, left or lost"
            return without.filter(~going_on), meaning, "rows"
        case "n_looked":
            return _looked(asked, endpoint, rows), "who were looked at", "rows"
        case "n_without_time" if "RISKDAYS" in counted.columns:
            return counted.filter(pl.col("RISKDAYS").is_null()), "whose time is not known", "rows"
        case "patient_months":
            return counted, "who count, each with their time (RISKDAYS)", "not a count"
        case _ if statistic in _MEASURABLE:
            answer, words = _MEASURABLE[statistic]
            return _measurable(asked, endpoint, rows, answer=answer), words, "rows"
        case _:
            return _events(counted, reading), "who count as with the event", "not a count"


def _events(rows: pl.DataFrame, reading: str) -> pl.DataFrame:
    return rows.filter(pl.col("VERDICT").is_in([MET, UNKNOWN] if reading == "with event" else [MET]))


def _left_out(rows: pl.DataFrame, reading: str) -> tuple[tuple[str, int], ...]:
    if reading != "left out":
        return ()
    reasons = rows.filter(pl.col("VERDICT") == UNKNOWN)["WHY"].value_counts().sort("WHY")
    return tuple((f"could not be judged: {why}", n) for why, n in reasons.iter_rows())


def _judged(
    asked: Asked, analysis: Proportion, endpoint: Endpoint, *, is_unconfirmed: bool
) -> tuple[str, pl.DataFrame]:
    """A row for each subject of the population with `VERDICT` and `WHY`; one without any row is unknown, missing."""
    if endpoint.kind == "rate":
        code = analysis.endpoint.upper()
        name, rows = f"ADRATE[PARAMCD={code}]", asked.data.tables["ADRATE"].filter(pl.col("PARAMCD") == code)
        verdict = pl.col("AVALC")
    else:
        name, rows = _responses(asked, analysis, is_confirmed=is_confirmed(endpoint) and not is_unconfirmed)
        counts = list(endpoint.response.counts) if endpoint.response else []
        best = pl.col("AVALC")
        verdict = (
            pl.when(best.is_null() | best.is_in(_NOT_JUDGED)).then(pl.lit(UNKNOWN))
            .when(best.is_in(counts)).then(pl.lit(MET)).otherwise(pl.lit(NOT_MET))
        )  # fmt: skip
    told = asked.everyone.select("USUBJID").join(rows, on="USUBJID", how="left", maintain_order="left")
    return name, told.with_columns(
        VERDICT=verdict.fill_null(UNKNOWN), WHY=pl.col("REASON").fill_null(Reason.MISSING.value)
    )


def _responses(asked: Asked, analysis: Proportion, *, is_confirmed: bool) -> tuple[str, pl.DataFrame]:
    code = "CBOR" if is_confirmed else "BOR"
    ours = (pl.col("PARAMCD") == code) & (pl.col("PROTOCOL") == f"endpoints.{analysis.endpoint}")
    return f"ADRS[PARAMCD={code}]", asked.data.tables["ADRS"].filter((pl.col("ANL01FL") == "Y") & ours)


def _best_response(asked: Asked, analysis: Proportion, endpoint: Endpoint) -> Picked:
    """The subjects whose best response is the one of the item."""
    item, _, response = (asked.result.item or "").partition("=")
    name, rows = _responses(asked, analysis, is_confirmed=is_confirmed(endpoint) and item == "best")
    told = best_shown(asked.people.select("USUBJID"), rows.with_columns(BEST="AVALC"))
    own = told.filter(pl.col("BEST") == response).drop("BEST")
    counts: Counts = "rows" if asked.result.statistic == "count" else "not a count"
    return Picked(name, own, f"subjects whose best response is {response}", counts)


def _looked(asked: Asked, endpoint: Endpoint, rows: pl.DataFrame) -> pl.DataFrame:
    if "NASSESS" in rows.columns:
        return rows.filter(pl.col("NASSESS") > 0)
    return rows_of(rows, judged_assessments(asked.data, endpoint))


def _measurable(asked: Asked, endpoint: Endpoint, rows: pl.DataFrame, *, answer: bool | None) -> pl.DataFrame:
    found = find_measurable(asked.data, endpoint.rate_of or "")
    if found is None:
        return rows.clear()
    told = rows.join(found.subjects, on="USUBJID", how="left", maintain_order="left")
    return told.filter(pl.col("IS_MEASURABLE").eq_missing(pl.lit(answer, pl.Boolean))).drop("IS_MEASURABLE")
