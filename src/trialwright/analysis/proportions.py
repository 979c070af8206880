"""Rates and best responses: how many had the event, of how many, and what those could make of it who could not be judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.analysis.measurable import find_measurable
from trialwright.analysis.results import Recorder, Result, Where
from trialwright.analysis.sample import AnalysisData, select_population
from trialwright.analysis.survival_rows import minus, over
from trialwright.derivations.adrate import MET, NOT_MET, UNKNOWN
from trialwright.derivations.tumour_records import LOCAL
from trialwright.protocol.analyses import Proportion
from trialwright.protocol.categories import pairs_compared
from trialwright.protocol.model import Endpoint
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.proportions import (
    DAYS_PER_MONTH,
    estimate_event_rate,
    estimate_proportion,
    proportion_difference,
    proportion_ratio,
)
from trialwright.vocabulary.verdicts import Reason

NOBODY = "nobody in this group"
_NOBODY_JUDGED = "nobody was judged"
READINGS = ("without event", "with event", "left out")
"""How those count who could not be judged, in the words of `unassessed`; all three are recorded beside the result."""
RESPONSES = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE", "MISSING")
"""Best overall responses from the best down; the last two are unknown."""
UNDECIDED = "UNKNOWN"
"""Of whom assessments count and nobody can tell the best response: readers or days differ, or it hangs on the day."""
_NOT_JUDGED = RESPONSES[-2:]
_LIMITS = ("conf_low", "conf_high")
_UNASSESSED_RESPONSE = MappingProxyType({"no response": "without event", "left out": "left out"})


@dataclass(frozen=True, slots=True)
class Counted:
    """What one reading makes of a group.

    Attributes
    ----------
    n_events, n_subjects : int
    n_judged : int
        Those of the group who could be judged, however the others count.
    days : float
        Time under observation of those who count.
    n_without_time : int
        Those of whom that time is not known; of them only events count in a rate over time.
    """

    n_events: int
    n_subjects: int
    n_judged: int
    days: float
    n_without_time: int

    @property
    def is_a_guess(self) -> bool:
        """Nobody could be judged: whatever they count as, the result would be nothing but that."""
        return self.n_subjects > 0 and self.n_judged == 0


def analyse_proportion(data: AnalysisData, analysis: Proportion, recorder: Recorder) -> None:
    """The share with the event or response by group, the three readings of who could not be judged, and differences.

    Rows of a group: `n_met`, `n_not_met`, `n_unknown` (also by reason, as item), `n_looked`, `n_complete`, `n_not_over` (without
    the event so far, and the time in which it counts is not over), `n_lost` (without the event when last seen, before that time was over:
    died, left or lost) and `n_measurable`; then `n_events`, `n_subjects` and the estimate with its limits, as the protocol
    counts and again for each of `READINGS` as item. Comparisons are those of `pairs_compared`.
    """
    endpoint = data.protocol.endpoints[analysis.endpoint]
    everyone = select_population(data, recorder, analysis.population)
    rows = _judged(data, analysis.endpoint, endpoint, everyone)
    chosen = reading_of(analysis, endpoint)
    recorder.conventions = {"unassessed": chosen, "conf_level": analysis.confidence}
    if analysis.by:
        recorder.add("n_without_fact", rows[analysis.by].null_count(), "subjects", item=analysis.by)
    groups: dict[str | None, dict[str | None, Counted]] = {}
    for level in data.levels(analysis.by):
        part = rows if level is None else rows.filter(pl.col(analysis.by or "") == level)
        _count_verdicts(recorder, part, level)
        _warn_of_unjudged(data, analysis, recorder, level)
        _warn_of_time_not_over(data, analysis, recorder, level)
        _count_measurable(data, recorder, endpoint, part, level)
        readings: dict[str | None, Counted] = {one: count_as(part, one) for one in READINGS}
        groups[level] = {None: readings[chosen], **readings}
        for reading, counted in groups[level].items():
            _add_estimate(recorder, analysis, counted, level, reading)
        if endpoint.kind == "best response":
            _add_best_responses(data, analysis, recorder, endpoint, part, level)
    if analysis.per == "subjects":
        _compare(recorder, analysis, pairs_compared(data.protocol, analysis.by), groups)
    if analysis.by is None:
        _warn_of_no_events(data, analysis, recorder, groups[None]["left out"])


def reading_of(analysis: Proportion, endpoint: Endpoint) -> str:
    """How who could not be judged counts: as the analysis says, else as the response of the endpoint says."""
    if endpoint.response is not None and "unassessed" not in analysis.model_fields_set:
        return _UNASSESSED_RESPONSE[endpoint.response.unassessed]
    return analysis.unassessed


def count_as(part: pl.DataFrame, reading: str) -> Counted:
    """The numbers of a group when those who could not be judged count in one of `READINGS`."""
    verdicts, days = part["VERDICT"], part["RISKDAYS"]
    is_unknown = verdicts == UNKNOWN
    n_events, n_unknown = int((verdicts == MET).sum()), int(is_unknown.sum())
    if reading == "left out":
        days = days.filter(~is_unknown)
    elif reading == "with event":
        n_events += n_unknown
    return Counted(n_events, len(days), len(part) - n_unknown, float(days.sum()), days.null_count())


# --- who had it ---------------------------------------------------------------------------------------------------------


def _judged(data: AnalysisData, name: str, endpoint: Endpoint, everyone: pl.DataFrame) -> pl.DataFrame:
    """The population with `VERDICT`, `WHY`, `LOOKS`, `RISKDAYS`, `IS_COMPLETE` and `IS_OPEN`; no row at all is unknown, missing."""
    told = _rates(data, name) if endpoint.kind == "rate" else _responses(data, name, endpoint)
    overlap = [column for column in told.columns if column in everyone.columns and column != "USUBJID"]
    rows = everyone.drop(overlap).join(told, on="USUBJID", how="left", validate="1:1", maintain_order="left")
    return rows.with_columns(
        pl.col("VERDICT").fill_null(UNKNOWN),
        pl.when(pl.col("VERDICT").is_null() | (pl.col("VERDICT") == UNKNOWN))
        .then(pl.col("WHY").fill_null(Reason.MISSING.value))
        .alias("WHY"),
    )


def _rates(data: AnalysisData, name: str) -> pl.DataFrame:
    return data.tables["ADRATE"].filter(pl.col("PARAMCD") == name.upper()).select(
        "USUBJID",
        VERDICT="AVALC",
        WHY="REASON",
        LOOKS="NASSESS",
        RISKDAYS="RISKDAYS",
        IS_COMPLETE=pl.col("COMPLFL") == "Y",
        IS_OPEN=pl.col("OPENFL") == "Y",
    )  # fmt: skip


def _responses(data: AnalysisData, name: str, endpoint: Endpoint) -> pl.DataFrame:
    best = best_responses(data, name, is_confirmed=is_confirmed(endpoint))
    looks = judged_assessments(data, endpoint).group_by("USUBJID").agg(LOOKS=pl.len().cast(pl.Int64))
    return best.join(looks, on="USUBJID", how="left", maintain_order="left").with_columns(
        _verdict_on_response(endpoint).alias("VERDICT"),
        pl.col("REASON").alias("WHY"),
        pl.col("LOOKS").fill_null(0),
        RISKDAYS=pl.lit(None, pl.Float64),
        IS_COMPLETE=pl.lit(None, pl.Boolean),
        IS_OPEN=pl.lit(None, pl.Boolean),
    )


def judged_assessments(data: AnalysisData, endpoint: Endpoint) -> pl.DataFrame:
    """The rows of ADRS with an overall response, not NE, by the reader of the endpoint; of several the accepted one."""
    reader = pl.col("READER") == (endpoint.reader or LOCAL)
    is_judged = (pl.col("PARAMCD") == "OVR") & ~pl.col("AVALC").is_in(_NOT_JUDGED)
    return data.tables["ADRS"].filter(is_judged & reader & (pl.col("ACPTFL") == "Y"))


def is_confirmed(endpoint: Endpoint) -> bool:
    """Whether responses of an endpoint have to be seen twice."""
    return endpoint.response is not None and endpoint.response.confirmed_after is not None


def best_responses(data: AnalysisData, endpoint: str, *, is_confirmed: bool) -> pl.DataFrame:
    """`USUBJID`, `BEST` and `REASON`, one row a subject, of the reader that counts."""
    parameter = "CBOR" if is_confirmed else "BOR"
    ours = (pl.col("PARAMCD") == parameter) & (pl.col("PROTOCOL") == f"endpoints.{endpoint}")
    counts = ours & (pl.col("ANL01FL") == "Y")
    return data.tables["ADRS"].filter(counts).select("USUBJID", "REASON", BEST="AVALC")


def best_shown(people: pl.DataFrame, best: pl.DataFrame) -> pl.DataFrame:
    """Some people with the columns of `best` and in `BEST` one of `RESPONSES` or `UNDECIDED`; who has no row is MISSING."""
    told = people.join(
        best.with_columns(HAS_ROW=pl.lit(value=True)), on="USUBJID", how="left", maintain_order="left"
    )
    undecided = pl.when("HAS_ROW").then(pl.lit(UNDECIDED)).otherwise(pl.lit(RESPONSES[-1]))
    return told.with_columns(pl.coalesce("BEST", undecided).alias("BEST")).drop("HAS_ROW")


def _verdict_on_response(endpoint: Endpoint) -> pl.Expr:
    counts = endpoint.response.counts if endpoint.response else ()
    best = pl.col("BEST")
    return (
        pl.when(best.is_null() | best.is_in(_NOT_JUDGED)).then(pl.lit(UNKNOWN))
        .when(best.is_in(list(counts))).then(pl.lit(MET)).otherwise(pl.lit(NOT_MET))
    )  # fmt: skip


# --- counts -------------------------------------------------------------------------------------------------------------


def _count_verdicts(recorder: Recorder, part: pl.DataFrame, level: str | None) -> None:
    where: Where = {"group": level, "n": part.height}
    verdicts = part["VERDICT"]
    for statistic, verdict in (("n_met", MET), ("n_not_met", NOT_MET), ("n_unknown", UNKNOWN)):
        recorder.add(statistic, int((verdicts == verdict).sum()), "subjects", **where)
    reasons = part.filter(pl.col("VERDICT") == UNKNOWN)["WHY"].value_counts().sort("WHY")
    for reason, number in reasons.iter_rows():
        recorder.add("n_unknown", number, "subjects", group=level, item=reason, n=part.height)
    looks, complete, is_open = (part[name] for name in ("LOOKS", "IS_COMPLETE", "IS_OPEN"))
    is_reported = looks.null_count() > 0
    note = "the event is reported, and nobody counts who was asked"
    looked = None if is_reported else int((looks > 0).sum())
    recorder.add("n_looked", looked, "subjects", note=note, **where)
    if complete.null_count() < part.height:
        recorder.add("n_complete", int(complete.fill_null(value=False).sum()), "subjects", **where)
        is_without = (verdicts == NOT_MET) & ~complete.fill_null(value=False)
        is_going_on = is_without & is_open.fill_null(value=False)
        recorder.add("n_not_over", int(is_going_on.sum()), "subjects", **where)
        recorder.add("n_lost", int((is_without & ~is_going_on).sum()), "subjects", **where)


def _warn_of_unjudged(
    data: AnalysisData, analysis: Proportion, recorder: Recorder, level: str | None
) -> None:
    """Where more could not be judged than had the event, the way they count makes the result; of nobody there is none."""
    numbers = {row.statistic: row for row in recorder.rows if row.group == level and row.item is None}
    unknown, met = numbers["n_unknown"], numbers["n_met"]
    if (unknown.value or 0) <= (met.value or 0):
        return
    if unknown.value == unknown.n:
        whom = f", {data.level_label(analysis.by or '', level)[0]}" if level is not None else ""
        recorder.give_up(f"{analysis.title}{whom}", (), _NOBODY_JUDGED)
        return
    whose, words = _whose(data, analysis, level)
    recorder.warn(
        "many-unjudged",
        whose
        + ": more subjects could not be judged ({unknown}) than had the event ({met}). How they count makes the result.",
        numbers={"unknown": unknown.id, "met": met.id},
        words=words,
    )


def _warn_of_time_not_over(
    data: AnalysisData, analysis: Proportion, recorder: Recorder, level: str | None
) -> None:
    """Where of more subjects the time goes on than had the event, a share tells of no time that the endpoint names."""
    numbers = {row.statistic: row for row in recorder.rows if row.group == level and row.item is None}
    going_on, met = numbers.get("n_not_over"), numbers["n_met"]
    if analysis.per != "subjects" or going_on is None or (going_on.value or 0) <= (met.value or 0):
        return
    whose, words = _whose(data, analysis, level)
    recorder.warn(
        "time-not-over",
        whose
        + ": the time in which the event counts is not over for {going_on} subjects who are without it so far, more "
        "than had it ({met}). They count without: the share is that of an earlier time, and what still happens to them raises it.",
        numbers={"going_on": going_on.id, "met": met.id},
        words=words,
    )


def _whose(
    data: AnalysisData, analysis: Proportion, level: str | None
) -> tuple[str, dict[str, tuple[str, str]]]:
    """How a warning begins: the endpoint, and the group where it is about one; with the words for both."""
    words = {"endpoint": data.endpoint_label(analysis.endpoint)}
    if level is None:
        return "{endpoint}", words
    return "{endpoint}, {group}", words | {"group": data.level_label(analysis.by or "", level)}


def _count_measurable(
    data: AnalysisData, recorder: Recorder, endpoint: Endpoint, part: pl.DataFrame, level: str | None
) -> None:
    """In how many the event could be measured at all, where it asks for a multiple that may lie above the assay."""
    found = find_measurable(data, endpoint.rate_of or "")
    if found is None:
        return
    told = part.select("USUBJID").join(found.subjects, on="USUBJID", how="left")["IS_MEASURABLE"]
    for statistic, number in (
        ("n_measurable", int(told.fill_null(value=False).sum())),
        ("n_not_measurable", int((~told).fill_null(value=False).sum())),
        ("n_measurable_unknown", told.null_count()),
    ):
        recorder.add(statistic, number, "subjects", group=level, n=part.height, conventions=found.conventions)


# --- estimates ----------------------------------------------------------------------------------------------------------


def _add_estimate(
    recorder: Recorder, analysis: Proportion, counted: Counted, level: str | None, item: str | None
) -> None:
    where: Where = {"group": level, "item": item, "n": counted.n_subjects}
    recorder.add("n_subjects", counted.n_subjects, "subjects", **where)
    recorder.add("n_events", counted.n_events, "events", **where)
    if analysis.per == "patient-months":
        _add_event_rate(recorder, analysis, counted, where)
    else:
        _add_proportion(recorder, analysis, counted, where)


def _add_proportion(recorder: Recorder, analysis: Proportion, counted: Counted, where: Where) -> None:
    statistics = ("proportion", *_LIMITS)
    if counted.is_a_guess:
        recorder.add_missing(statistics, _NOBODY_JUDGED, **where)
        return
    try:
        found = [
            estimate_proportion(
                counted.n_events, counted.n_subjects, conf_level=analysis.confidence, limits=limits
            )
            for limits in _sides(analysis)
        ]
    except NotEstimable:
        is_left_out = "left out" in (where["item"], recorder.conventions["unassessed"])
        recorder.add_missing(statistics, _NOBODY_JUDGED if is_left_out else NOBODY, **where)
        return
    conventions = _conventions(recorder, found[0].conventions, analysis, where["item"])
    values = (found[0].estimate, found[0].conf_low, found[-1].conf_high)
    for statistic, value in zip(statistics, values, strict=True):
        recorder.add(statistic, value, "proportion", conventions=conventions, **where)


def _add_event_rate(recorder: Recorder, analysis: Proportion, counted: Counted, where: Where) -> None:
    recorder.add("patient_months", counted.days / DAYS_PER_MONTH, "months", **where)
    recorder.add("n_without_time", counted.n_without_time, "subjects", **where)
    statistics = ("event_rate", *_LIMITS)
    if counted.is_a_guess or not counted.days:
        why = _NOBODY_JUDGED if counted.is_a_guess else "nobody was under observation"
        recorder.add_missing(statistics, why, **where)
        return
    found = [
        estimate_event_rate(counted.n_events, counted.days, conf_level=analysis.confidence, limits=limits)
        for limits in _sides(analysis)
    ]
    conventions = _conventions(recorder, found[0].conventions, analysis, where["item"])
    values = (found[0].estimate, found[0].conf_low, found[-1].conf_high)
    for statistic, value in zip(statistics, values, strict=True):
        recorder.add(statistic, value, "per 100 patient-months", conventions=conventions, **where)


def _sides(analysis: Proportion) -> tuple[Any, ...]:
    """One interval; or, of one-sided limits, that with the lower and that with the upper one."""
    return ("both",) if analysis.sides == 2 else ("lower", "upper")


def _conventions(
    recorder: Recorder, found: Mapping[str, Any], analysis: Proportion, item: str | None
) -> Mapping[str, Any]:
    sided = {} if analysis.sides == 2 else {"limits": "one-sided, each for itself"}
    return {**recorder.conventions, **found, **sided, **_reading(item)}


def _reading(item: str | None) -> Mapping[str, str]:
    return {"unassessed": item} if item in READINGS else {}


def _add_best_responses(
    data: AnalysisData,
    analysis: Proportion,
    recorder: Recorder,
    endpoint: Endpoint,
    part: pl.DataFrame,
    level: str | None,
) -> None:
    """How many had each best response, and, where responses are confirmed, the same without confirmation."""
    kinds = [(is_confirmed(endpoint), "best")]
    kinds += [(False, "unconfirmed best")] if is_confirmed(endpoint) else []
    for confirmed, item in kinds:
        best = best_responses(data, analysis.endpoint, is_confirmed=confirmed)
        seen = part.select("USUBJID").join(best, on="USUBJID", how="left", validate="1:1")
        shown = best_shown(part.select("USUBJID"), best)["BEST"]
        for response in (*RESPONSES, UNDECIDED):
            number = int((shown == response).sum())
            where: Where = {"group": level, "item": f"{item}={response}", "n": part.height}
            recorder.add("count", number, "subjects", **where)
            share = number / part.height if part.height else None
            recorder.add("proportion", share, "proportion", note=NOBODY, **where)
    if is_confirmed(endpoint):
        judged = seen.with_columns(
            _verdict_on_response(endpoint).alias("VERDICT"), RISKDAYS=pl.lit(None, pl.Float64)
        )
        counted = count_as(judged, reading_of(analysis, endpoint))
        _add_estimate(recorder, analysis, counted, level, "unconfirmed")


def _compare(
    recorder: Recorder,
    analysis: Proportion,
    pairs: Sequence[tuple[str, str]],
    groups: Mapping[str | None, Mapping[str | None, Counted]],
) -> None:
    """Difference and ratio of each pair of groups, as the protocol counts and in each reading."""
    for other, first in pairs:
        for reading in groups[other]:
            a, b = groups[other][reading], groups[first][reading]
            counts = (a.n_events, a.n_subjects, b.n_events, b.n_subjects)
            for statistic, words, compare in _COMPARISONS:
                item = words(other, first) + (f", {reading}" if reading else "")
                unit = "proportion" if statistic == "difference" else ""
                where: Where = {"item": item, "n": a.n_subjects + b.n_subjects}
                if a.is_a_guess or b.is_a_guess:
                    recorder.add_missing(
                        (statistic, *_LIMITS), "nobody was judged in one of the groups", **where
                    )
                    continue
                try:
                    found = compare(*counts, conf_level=analysis.confidence)
                except NotEstimable as error:
                    recorder.add_missing((statistic, *_LIMITS), error.reason, **where)
                    continue
                conventions = {**recorder.conventions, **found.conventions, **_reading(reading)}
                values = (found.estimate, found.conf_low, found.conf_high)
                for name, value in zip((statistic, *_LIMITS), values, strict=True):
                    recorder.add(name, value, unit, conventions=conventions, **where)


_COMPARISONS = (
    ("difference", minus, proportion_difference),
    ("ratio", over, proportion_ratio),
)


def what_none_excludes(going_on: Result | None) -> str:
    """What nobody with the event excludes; `going_on` counts those whose time is not over (`n_not_over`), if anything does."""
    so_far = " of the time seen so far" if going_on is not None and going_on.value else ""
    return f"this excludes only rates{so_far} above the upper limit"


def _warn_of_no_events(data: AnalysisData, analysis: Proportion, recorder: Recorder, judged: Counted) -> None:
    """Of nobody with the event it is said what that leaves open; of groups `run_analyses` says it."""
    if judged.n_subjects and not judged.n_events:
        going_on = next((row for row in recorder.rows if row.statistic == "n_not_over"), None)
        recorder.warn(
            "no-events",
            f"{{endpoint}}: nobody had the event (subjects judged: {{n}}); {what_none_excludes(going_on)}.",
            numbers={"n": f"{recorder.analysis}/left out/n_subjects"},
            words={"endpoint": data.endpoint_label(analysis.endpoint)},
        )
