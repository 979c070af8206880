"""The rows behind numbers of the time before a treatment, in which nobody of its group can have had the event."""

from __future__ import annotations

import polars as pl

from trialwright.analysis import immortal_time
from trialwright.analysis.explaining.picking import Counts, Picked, in_group, pick_people, rows_of
from trialwright.analysis.results import Result
from trialwright.analysis.sample import AnalysisData, first_day, select_times
from trialwright.protocol.compared_groups import strategies_of
from trialwright.protocol.references import GROUPS


def pick_immortal(data: AnalysisData, result: Result) -> Picked:
    """Times of ADTTE from the moment that lies before the groups part.

    A rate's group is what a subject was given, whatever was assigned; all other numbers are of the group assigned.
    """
    people = data.adsl.drop_nulls(GROUPS)
    if result.item == immortal_time.TO_ZERO and result.statistic == "n_subjects":
        return pick_people(in_group(people, GROUPS, result.group), "subjects of the group", data)
    times = _times(data, people)
    if result.item in (immortal_time.TO_ZERO, immortal_time.TO_TREATMENT):
        column = "ZERODT" if result.item == immortal_time.TO_ZERO else "GROUPDT"
        own = in_group(times, GROUPS, result.group).drop_nulls(["STARTDT", column])
        counts: Counts = "subjects" if result.statistic == "n_known" else "not a count"
        return _picked(result, own, f"subjects of the group whose {result.item} are known", counts)
    if result.time is not None:
        gone = in_group(times, GROUPS, result.group).filter(pl.col("ELAPSED") <= result.time)
        had_event = pl.col("CNSR") == 0
        if result.statistic == "n_events_before":
            return _picked(
                result, gone.filter(had_event), "subjects with the event by the landmark", "subjects"
            )
        others = gone.filter(~had_event.fill_null(value=False))
        return _picked(result, others, "subjects gone by the landmark without the event", "subjects")
    return _of_rate(data, result, times)


def _times(data: AnalysisData, people: pl.DataFrame) -> pl.DataFrame:
    """The rows of ADTTE of people, with their group, time zero (`ZERODT`), begin of treatment and days elapsed."""
    alike = immortal_time.counted_before(data.protocol)
    first = next(iter(alike.values()))
    own = data.adtte.filter((pl.col("PARAMCD") == first.endpoint.upper()) & (pl.col("ANL01FL") == "Y"))
    times = rows_of(select_times(data, first), people).drop(GROUPS, strict=False)
    for more in (
        people.select("USUBJID", GROUPS),
        own.select("USUBJID", ZERODT="STARTDT"),
        immortal_time.begins_of(data, alike),
    ):
        times = times.join(more, on="USUBJID", how="left", maintain_order="left")
    return times.with_columns(
        immortal_time.entry_of(data, alike),
        ELAPSED=pl.col("AVAL") - first_day(data, first.endpoint),
        BEGIN=(pl.col("GROUPDT") - pl.col("STARTDT")).dt.total_days(),
    )


def _of_rate(data: AnalysisData, result: Result, times: pl.DataFrame) -> Picked:
    """Nobody is found before `entry`. An event on the day of the begin is unexposed; a begin on the landmark is by then, an event there before it."""
    known = times.drop_nulls(["ELAPSED", "CNSR"]).filter(pl.col("GROUPDTF").is_null())
    begin, has_begun = pl.col("BEGIN"), pl.col("BEGIN").is_not_null()
    if result.item == immortal_time.BY_TIME:
        known, has_begun = known.filter(pl.col("entry") < pl.col("ELAPSED")), begin < pl.col("ELAPSED")
    landmark = immortal_time.landmark_of(immortal_time.counted_before(data.protocol))
    if result.item == immortal_time.LANDMARK and landmark is not None:
        known, has_begun = known.filter(pl.col("ELAPSED") > landmark), begin <= landmark
    if result.statistic != "n_events" or result.group is None:
        return _picked(result, known, "subjects with a known time and begin", "not a count")
    treated, _ = strategies_of(data.protocol) or (None, None)
    has_begun = has_begun.fill_null(value=False)
    is_own = has_begun if result.group == treated else ~has_begun
    events = known.filter(is_own & (pl.col("CNSR") == 0))
    return _picked(result, events, "subjects with the event, by what had begun", "subjects")


def _picked(result: Result, rows: pl.DataFrame, meaning: str, counts: Counts) -> Picked:
    bare = rows.drop("ELAPSED", "BEGIN", "entry", "ZERODT", "GROUPDT", "GROUPDTF", GROUPS)
    return Picked(f"ADTTE[PARAMCD={(result.endpoint or '').upper()}]", bare, meaning, counts)
