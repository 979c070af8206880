"""The rows behind what a data monitoring board decides by: treatment, deaths, serious events, watched events, what is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import polars as pl

from trialwright.analysis.deaths import who_died
from trialwright.analysis.due_results import has_come, is_missing, is_open
from trialwright.analysis.explaining.picking import (
    FROM_PROTOCOL,
    Counts,
    Picked,
    in_group,
    pick_people,
    rows_of,
)
from trialwright.analysis.pooled import entry_anchor
from trialwright.analysis.results import Result
from trialwright.analysis.safety_board import safety_people
from trialwright.analysis.sample import AnalysisData
from trialwright.analysis.watched_events import watched_verdicts
from trialwright.derivations.adrate import MET, NOT_MET, UNKNOWN
from trialwright.derivations.stopping_boundary import watched_endpoint
from trialwright.protocol.model import Monitoring
from trialwright.protocol.references import GROUPS

_YES, _NO = pl.lit("Y"), pl.lit("N")
_JUDGED: Mapping[str, tuple[tuple[str, ...], str]] = MappingProxyType(
    {
        "n_met": ((MET,), "subjects with the event"),
        "n_not_met": ((NOT_MET,), "subjects who were looked at, without the event"),
        "n_unknown": ((UNKNOWN,), "subjects of whom it is not known"),
        "n_told": ((MET, NOT_MET), "subjects of whom it is known"),
    }
)
_DOSES: Mapping[str, str] = MappingProxyType({"n_doses": "NDOSE", "treated_months": "TRLDAYS"})


def pick_board(data: AnalysisData, result: Result) -> Picked:
    """The rows behind a number of a document of the board, which is about the subjects in whom harms are counted."""
    _, everyone = safety_people(data)
    people = in_group(everyone, GROUPS, result.group)
    item = result.item
    if item is None:
        return _people(data, people, result.statistic)
    if item == "deaths":
        return _deaths(data, people, result.statistic)
    if item == "serious":
        return _serious(data, people, result.statistic)
    if item in data.protocol.treatments:
        return _treatment(data, people, item, result.statistic)
    if item.startswith("due "):
        _, fact, path = item.split(" ")
        return _due(data, people, fact, path, result.statistic)
    id_ = next(
        one for one in data.protocol.monitoring if item == one or item.startswith((f"{one} ", f"{one}:"))
    )
    return _watched(data, people, id_, item.removeprefix(id_), result.statistic)


def _people(data: AnalysisData, people: pl.DataFrame, statistic: str) -> Picked:
    population, everyone = safety_people(data)
    entered = f"{(entry_anchor(data.protocol) or '').upper()}DT"
    flag = data.flag(population) if population else None
    match statistic:
        case "n_planned":
            return FROM_PROTOCOL
        case "n_records":
            return pick_people(data.adsl, "subjects in the records", data)
        case "n_entered" if entered in data.adsl.columns:
            return pick_people(data.adsl.drop_nulls(entered), "subjects who have entered", data)
        case "n_population_unknown":
            unknown = data.adsl.filter(pl.col(flag).is_null()) if flag else data.adsl.clear()
            return pick_people(unknown, "subjects who may be among those in whom harms are counted", data)
        case "n_without_group":
            return pick_people(everyone.filter(pl.col(GROUPS).is_null()), "subjects without a group", data)
        case _:
            return pick_people(people, "subjects in whom harms are counted", data)


def _deaths(data: AnalysisData, people: pl.DataFrame, statistic: str) -> Picked:
    died, unknown = who_died(data.tables["ADEVT"], people)
    if statistic == "n_with":
        return pick_people(died, "subjects who died", data)
    if statistic == "n_unknown":
        return pick_people(unknown, "subjects of whom it is not known whether they died", data)
    return _uncounted(pick_people(died, "subjects who died", data))


def _serious(data: AnalysisData, people: pl.DataFrame, statistic: str) -> Picked:
    rows = rows_of(data.tables["ADAE"], people)
    surely = rows.filter((pl.col("ASERFL") == _YES) & (pl.col("TRTEMFL") == _YES))
    found = Picked("ADAE", surely, "serious events that came with treatment")
    match statistic:
        case "n_records":
            return found
        case "n_with":
            return Picked("ADAE", surely, found.meaning, "subjects")
        case "n_unknown":
            perhaps = rows.filter(pl.col("ASERFL").ne_missing(_NO) & pl.col("TRTEMFL").ne_missing(_NO))
            open_ = perhaps.join(surely, on="USUBJID", how="anti", maintain_order="left")
            return Picked(
                "ADAE", open_, "events that may be serious and have come with treatment", "subjects"
            )
        case _:
            return _uncounted(found)


def _treatment(data: AnalysisData, people: pl.DataFrame, treatment: str, statistic: str) -> Picked:
    rows = rows_of(data.tables["ADEXSUM"].filter(pl.col("TREATMENT") == treatment), people)
    is_unknown = statistic.endswith("_unknown")
    code = _DOSES.get(statistic.removesuffix("_unknown"), "FIRSTDT")
    own = rows.filter(pl.col("PARAMCD") == code)
    name = f"ADEXSUM[PARAMCD={code}]"
    if is_unknown:
        return Picked(name, own.filter(pl.col("AVAL").is_null()), "subjects of whom the number is not known")
    if statistic == "n_treated":
        return Picked(name, own, "subjects treated", "subjects")
    known = own.drop_nulls("AVAL")
    return Picked(name, known, "subjects of whom the number is known; the number is their sum", "not a count")


_OF_CLOCK: Mapping[str, tuple[pl.Expr, str]] = MappingProxyType(
    {
        "n_due": (has_come() | is_open() | is_missing(), "due"),
        "n_in": (has_come(), "came"),
        "n_open": (is_open(), "may still come"),
        "n_missing": (is_missing(), "did not come"),
    }
)


def _due(data: AnalysisData, people: pl.DataFrame, fact: str, path: str, statistic: str) -> Picked:
    """Visits of a board are no rows: what belongs to one is told by windows around its day. What clocks ask for is."""
    if path.startswith("clocks."):
        rows = rows_of(data.tables["ADCLOCK"].filter(pl.col("PROTOCOL") == path), people)
        name, meaning = f"ADCLOCK[PROTOCOL={path}]", f"what became of what `{path}` asked for"
        if statistic == "n_unknown":
            return Picked(
                name, rows.filter(pl.col("AVALC").is_null()), f"{meaning}: nobody can tell", "subjects"
            )
        chosen, words = _OF_CLOCK.get(statistic, _OF_CLOCK["n_in"])
        return Picked(
            name,
            rows.filter(chosen),
            f"{meaning}: {words}",
            "rows" if statistic in _OF_CLOCK else "not a count",
        )
    rows = rows_of(data.tables["ADLB"].filter(pl.col("PARAMCD") == fact.upper()), people)
    meaning = f"results of `{fact}`; the days of visits tell which of them are due"
    return Picked(f"ADLB[PARAMCD={fact.upper()}]", rows, meaning, "not a count")


# --- watched events -----------------------------------------------------------------------------------------------------


def _watched(data: AnalysisData, people: pl.DataFrame, id_: str, rest: str, statistic: str) -> Picked:
    """`rest` is what follows the id: a reason, a day of the course, a look of the boundary, or a rate."""
    watched = data.protocol.monitoring[id_]
    if watched.event is None or rest.startswith((" look ", " if ")):
        return FROM_PROTOCOL
    verdicts = watched_verdicts(data, watched, people)
    if rest.startswith(" on ") or statistic in ("n_counted", "n_events_counted"):
        day = date.fromisoformat(rest.removeprefix(" on ")) if rest else date.max
        return _counted(data, watched, verdicts, day, statistic)
    answers, meaning = _JUDGED.get(statistic, _JUDGED["n_met"])
    chosen = verdicts.filter(pl.col("VERDICT").is_in(answers))
    if rest:
        chosen = chosen.filter(pl.col("WHY") == rest.removeprefix(": "))
    counts: Counts = "subjects" if statistic in _JUDGED else "not a count"
    return _rows_of_event(data, watched, chosen, meaning, counts)


def _counted(
    data: AnalysisData, watched: Monitoring, verdicts: pl.DataFrame, day: date, statistic: str
) -> Picked:
    counted = verdicts.filter(pl.col("COUNTDT") <= day)
    if statistic == "n_counted":
        return _rows_of_event(data, watched, counted, "subjects who count for the boundary", "subjects")
    events = counted.filter(pl.col("EVENTDT") <= day)
    return _rows_of_event(
        data, watched, events, "subjects who count for the boundary, with the event", "subjects"
    )


def _rows_of_event(
    data: AnalysisData, watched: Monitoring, people: pl.DataFrame, meaning: str, counts: Counts
) -> Picked:
    """A row for each subject: of the rate that tells when the event counts, or of the event; bare where there is none."""
    found = watched_endpoint(data.protocol, watched)
    if found is not None:
        name = f"ADRATE[PARAMCD={found[0].upper()}]"
        rows = data.tables["ADRATE"].filter(pl.col("PARAMCD") == found[0].upper())
    else:
        name = f"ADEVT[EVENT={watched.event}]"
        rows = data.tables["ADEVT"].filter(
            (pl.col("EVENT") == watched.event) & (pl.col("AVALC") != "not met")
        )
    told = people.select("USUBJID").join(rows, on="USUBJID", how="left", maintain_order="left")
    return Picked(name, told, meaning, counts)


def _uncounted(found: Picked) -> Picked:
    """The same rows behind a share or a limit."""
    return Picked(found.dataset, found.rows, found.meaning, "not a count")
