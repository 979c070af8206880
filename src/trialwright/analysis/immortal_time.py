"""Time that a group cannot have an event in, because its treatment had not begun: how much of it there is, and what it does.

Counted from a moment before the groups are told apart, whoever is treated later has lived without the event until then. The
rows here show how long that is, and what comes out if it is counted for the treatment, for nobody's, or left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from trialwright.analysis.results import Recorder, Where
from trialwright.analysis.sample import AnalysisData, first_day, select_times, stretches_of
from trialwright.checks.lengths import most_days
from trialwright.protocol.analyses import CloneCensorWeight, TimeAnalysis, is_in_stretches
from trialwright.protocol.compared_groups import compares_groups, strategies_of
from trialwright.protocol.model import Protocol
from trialwright.protocol.references import GROUPS
from trialwright.statistics.descriptive import summarise_numbers
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.exposure import (
    EventRate,
    ExposureRates,
    at_landmark,
    ever_exposed,
    exposure_rates,
    split_by_exposure,
)
from trialwright.vocabulary.durations import Duration

IMMORTAL = "immortal time"
"""The id of these rows; no analysis can be named so."""
TO_ZERO, TO_TREATMENT = "weeks to time zero", "weeks to treatment"
NAIVE, BY_TIME, LANDMARK = "ever begun (biased)", "from its begin", "by the landmark"
READINGS = (NAIVE, BY_TIME, LANDMARK)
_QUARTILES = ("median", "q1", "q3")
_DAYS_OF_A_MONTH = 365.25 / 12


def is_biased(analysis: TimeAnalysis) -> bool:
    """Whether time counts for a group before its treatment had begun: from a moment of its own, with nothing done about it."""
    repaired = is_in_stretches(analysis) or isinstance(analysis, CloneCensorWeight)
    is_by_groups = compares_groups(analysis) and GROUPS not in getattr(analysis, "strata", ())
    return bool(analysis.from_) and not repaired and is_by_groups


def measure_immortal_time(data: AnalysisData, source: str) -> Recorder | None:
    """How long each group lived before its treatment, from the moment some analyses count from; None where none does."""
    alike = counted_before(data.protocol)
    if not alike or GROUPS not in data.adsl.columns or len(data.protocol.groups) < 2:
        return None
    first = next(iter(alike.values()))
    recorder = Recorder(IMMORTAL, "description", f"ADTTE, ADTTEV <- {source}", first.endpoint)
    people = _people(data, alike, first)
    recorder.n = people.height
    groups = list(data.protocol.groups)
    strategies = strategies_of(data.protocol)
    for group in groups:
        own = people.filter(pl.col(GROUPS) == group)
        recorder.add("n_subjects", own.height, "subjects", group=group, item=TO_ZERO, n=own.height)
        _add_weeks(recorder, own, "zero", {"group": group, "item": TO_ZERO})
        _add_weeks(recorder, own, "begin", {"group": group, "item": TO_TREATMENT})
    landmark = landmark_of(alike)
    if landmark is not None:
        _add_before_landmark(recorder, people, groups, landmark, first_day(data, first.endpoint))
    if strategies is not None and people["begin"].is_not_null().any():
        _add_rates(recorder, people, strategies, landmark)
    return recorder


def counted_before(protocol: Protocol) -> dict[str, TimeAnalysis]:
    """The analyses that count an endpoint from a moment of their own: the first of them, and those alike."""
    analyses = {
        name: one
        for name, one in protocol.analyses.items()
        if isinstance(one, TimeAnalysis) and one.from_ and not protocol.endpoints[one.endpoint].reported
    }
    first = next(iter(analyses.values()), None)
    return {
        name: one
        for name, one in analyses.items()
        if first is not None and (one.from_, one.endpoint) == (first.from_, first.endpoint)
    }


def _people(data: AnalysisData, alike: Mapping[str, TimeAnalysis], first: TimeAnalysis) -> pl.DataFrame:
    """Everybody in a group with a time: elapsed days from the start to time zero (`zero`) and to treatment (`begin`)."""
    origin = select_times(data, first).select("USUBJID", "AVAL", "CNSR", origin="STARTDT")
    own = data.adtte.filter((pl.col("PARAMCD") == first.endpoint.upper()) & (pl.col("ANL01FL") == "Y"))
    zero = own.select("USUBJID", pl.col("STARTDT").alias("zero_day"))

    def since(day: str) -> pl.Expr:
        return (pl.col(day) - pl.col("origin")).dt.total_days().cast(pl.Float64)

    return (
        data.adsl.select("USUBJID", GROUPS)
        .filter(pl.col(GROUPS).is_not_null())
        .join(origin, on="USUBJID", how="left", maintain_order="left")
        .join(zero, on="USUBJID", how="left", maintain_order="left")
        .join(begins_of(data, alike), on="USUBJID", how="left", maintain_order="left")
        .with_columns(entry_of(data, alike))
        .with_columns(since("zero_day").alias("zero"), since("GROUPDT").alias("begin"))
    )


def begins_of(data: AnalysisData, alike: Mapping[str, TimeAnalysis]) -> pl.DataFrame:
    """The day on which each subject's treatment began, as the analyses that follow it say together: `USUBJID`, `GROUPDT`, `GROUPDTF`."""
    # One by landmark knows only what had begun by then, one over time what had begun before its end.
    told = [
        stretches_of(data, name).select("USUBJID", "GROUPDT", "GROUPDTF")
        for name, one in alike.items()
        if is_in_stretches(one) or isinstance(one, CloneCensorWeight)
    ]
    nobody = pl.DataFrame(schema={"USUBJID": pl.String, "GROUPDT": pl.Date, "GROUPDTF": pl.String})
    return pl.concat([nobody, *told]).group_by("USUBJID").agg(pl.col("GROUPDT", "GROUPDTF").max())


def entry_of(data: AnalysisData, alike: Mapping[str, TimeAnalysis]) -> pl.Expr:
    """The elapsed day from which each is under watch (`entry`), as the first analysis with an `entry` says; else the first day."""
    late = next((name for name, one in alike.items() if one.entry), None)
    if late is None:
        return pl.lit(0.0).alias("entry")
    entries = stretches_of(data, late).group_by("USUBJID").agg(pl.col("TSTART").min())
    return (
        pl.col("USUBJID").replace_strict(entries["USUBJID"], entries["TSTART"], default=None).alias("entry")
    )


def by_landmark(alike: Mapping[str, TimeAnalysis]) -> tuple[str, Duration] | None:
    """The first analysis that has a landmark, and its landmark."""
    return next(((name, one.landmark) for name, one in alike.items() if one.landmark), None)


def landmark_of(alike: Mapping[str, TimeAnalysis]) -> float | None:
    """The landmark of the first analysis that has one, in days."""
    found = by_landmark(alike)
    return float(most_days(found[1])) if found else None


def _add_weeks(recorder: Recorder, people: pl.DataFrame, column: str, where: Where) -> None:
    days = people[column].drop_nulls().to_list()
    recorder.add("n_known", len(days), "subjects", **where)
    if not days:
        recorder.add_missing(
            _QUARTILES, "nobody has it" if people.height else "nobody in this group", **where
        )
        return
    summary = summarise_numbers([day / 7 for day in days])
    for statistic in _QUARTILES:
        recorder.add(statistic, getattr(summary, statistic), "weeks", **where)


def _add_before_landmark(
    recorder: Recorder, people: pl.DataFrame, groups: Sequence[str], landmark: float, first: float
) -> None:
    """Who is gone by the landmark, with the event or otherwise, by the group that was assigned."""
    gone = people.filter(pl.col("AVAL") - first <= landmark)
    for group in groups:
        own = gone.filter(pl.col(GROUPS) == group)
        had_event = own.filter(pl.col("CNSR") == 0).height
        where: Where = {"group": group, "item": LANDMARK, "time": landmark}
        recorder.add("n_events_before", had_event, "events", **where)
        recorder.add("n_others_before", own.height - had_event, "subjects", **where)


def _add_rates(
    recorder: Recorder, people: pl.DataFrame, strategies: tuple[str, str], landmark: float | None
) -> None:
    """Events per hundred patient-months before and after the begin, in the three ways to count, and their ratio."""
    known = people.filter(
        pl.col("AVAL").is_not_null() & pl.col("CNSR").is_not_null() & pl.col("GROUPDTF").is_null()
    )
    time, event = known["AVAL"].to_numpy(), (known["CNSR"] == 0).to_numpy()
    start = np.maximum(known["begin"].fill_null(np.inf).to_numpy(), 0.0)
    entry = known["entry"].fill_null(np.inf).to_numpy()
    for item in READINGS:
        try:
            rates = _rates(item, (time, event, start), entry, landmark)
        except NotEstimable as error:
            recorder.add_missing(("rate_ratio",), error.reason, item=item)
            continue
        if rates is None:
            continue
        for group, of in zip(strategies, (rates.exposed, rates.unexposed), strict=True):
            _add_rate(recorder, of, {"group": group, "item": item})
        try:
            recorder.add("rate_ratio", rates.rate_ratio, item=item)
        except NotEstimable as error:
            recorder.add_missing(("rate_ratio",), error.reason, item=item)


def _rates(
    item: str, columns: tuple[np.ndarray, np.ndarray, np.ndarray], entry: np.ndarray, landmark: float | None
) -> ExposureRates | None:
    if item == NAIVE:
        return exposure_rates(ever_exposed(*columns))
    if item == BY_TIME:
        is_seen = entry < columns[0]  # nobody can be found to have had the event before
        return exposure_rates(
            split_by_exposure(*(column[is_seen] for column in columns), entry=entry[is_seen])
        )
    return None if landmark is None else exposure_rates(at_landmark(*columns, landmark=landmark).rows)


def _add_rate(recorder: Recorder, of: EventRate, where: Where) -> None:
    recorder.add("n_events", of.n_events, "events", **where)
    recorder.add("person_days", of.person_time, "days", **where)
    per = 100 * _DAYS_OF_A_MONTH
    recorder.add("event_rate", of.rate * per, "per hundred patient-months", note="no time at risk", **where)
