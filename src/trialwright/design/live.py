"""Where a running trial stands: when the last event that is needed may come, and what the final test may still show.

The date is told from all participants together and may be told to everybody. Conditional and predictive power rest on a
comparison of the groups: they obey the rule of all comparisons before the final cut (`analysis.looks`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from trialwright.analysis.from_records import bind_datasets, disclose_records, provenance_of
from trialwright.analysis.looks import Disclosure, LookRequest
from trialwright.analysis.results import Recorder
from trialwright.analysis.sample import AnalysisData, Sample, select_sample
from trialwright.derivations.datasets import derive_datasets
from trialwright.derivations.study import Study
from trialwright.derivations.writing import read_study
from trialwright.design.assumptions import DAYS_A_MONTH, Basis
from trialwright.design.comparison_audit import events_needed, recorder_of
from trialwright.design.reach import Comparison
from trialwright.protocol.analyses import LogRank
from trialwright.protocol.compared_groups import treated_group
from trialwright.protocol.references import GROUPS
from trialwright.records.files import Records
from trialwright.statistics.conditional_power import estimate_conditional_power, interim_from_logrank
from trialwright.statistics.error_spending import obrien_fleming_spending
from trialwright.statistics.estimability import NotEstimable, require_subjects
from trialwright.statistics.event_projection import EventProjection, FutureAccrual, project_events
from trialwright.statistics.group_sequential import SequentialBoundaries, efficacy_boundary
from trialwright.statistics.survival import logrank_test
from trialwright.vocabulary.problems import Problem, ProblemsFound

SO_FAR = "design so far"
"""The id of the rows that everybody may see; no analysis can be named so."""
FINAL_TEST = "final test"
"""The item of the rows about the final test, given the comparison so far; their analysis is that test."""
LOST_AFTER_DAYS = 183
"""Whoever was last known alive so long before the cut is not counted on any more."""
CONFIDENCE = 0.9
"""Of the limits of the date of the last event."""
SEED = 1
_DATASETS = ("ADSL", "ADBASE", "ADTTE", "ADTTEV")


@dataclass(frozen=True, slots=True)
class SoFar:
    """A running trial against its design.

    Attributes
    ----------
    study : Study
    pooled : Recorder
        Rows for everybody.
    compared : Recorder or None
        Rows of the comparison, where it is shown.
    disclosure : Disclosure
        Of the comparison that conditional power rests on.
    is_simulated : bool
    provenance : mapping
    problems : tuple of Problem
        What looked doubtful in the records.
    """

    study: Study
    pooled: Recorder
    compared: Recorder | None
    disclosure: Disclosure
    is_simulated: bool
    provenance: Mapping[str, Any]
    problems: tuple[Problem, ...]


def look_at_records(
    basis: Basis,
    folder: Path,
    *,
    cut: date,
    look: LookRequest | None,
    progress: Callable[[str], None] = lambda _: None,
) -> SoFar:
    """Hold the records of a folder at a cut against the design.

    Parameters
    ----------
    basis : Basis
        Of a comparison of two groups.
    folder : Path
        Folder with the datasets of SDTM.
    cut : date
        What happened after this day does not exist.
    look : LookRequest, optional
        Asks for the comparison before the final cut; it is numbered here and logged by whoever shows it.
    progress : callable
        Told what is being done.

    Raises
    ------
    ProblemsFound
        `design-counts-no-events`; those of `read_study`, `derive_datasets` and `number_look`.
    """
    if not basis.is_comparison:
        message = "the design holds a single group against a rate and waits for no number of events"
        fix = "leave --data away; `trialwright dsmb` tells where the boundary stands"
        raise ProblemsFound([Problem("design-counts-no-events", message, fix=fix)])
    comparison_of(basis)  # before anything is read
    records, study, data, problems = derive_times(basis, folder, cut=cut, progress=progress)
    pooled, compared, disclosure = hold_against_design(basis, study, records, data, look=look)
    provenance = provenance_of(study, records, folder)
    return SoFar(study, pooled, compared, disclosure, data.is_simulated, provenance, problems)


def derive_times(
    basis: Basis, folder: Path, *, cut: date, progress: Callable[[str], None] = lambda _: None
) -> tuple[Records, Study, AnalysisData, tuple[Problem, ...]]:
    """The records of a folder with the times of the endpoint, and nothing that these do not rest on."""
    progress("reading the records")
    records, study = read_study(basis.loaded, folder, cut=cut)
    made = derive_datasets(study, only=_DATASETS, progress=lambda name: progress(f"deriving {name}"))
    return records, study, bind_datasets(study, made), (*records.warnings, *made.problems)


def hold_against_design(
    basis: Basis, study: Study, records: Records, data: AnalysisData, *, look: LookRequest | None
) -> tuple[Recorder, Recorder | None, Disclosure]:
    """The rows for everybody, those of the comparison where they may be shown, and what is disclosed of the one comparison that is asked for."""
    analysis = comparison_of(basis)
    disclosure = replace(disclose_records(study, records, look=look), comparisons=(analysis[0],))
    assert study.cut is not None  # noqa: S101 -- nothing is held against a design without a day
    compared = None if disclosure.withheld else foresee(basis, data, analysis)
    return project(basis, data, analysis, study.cut), compared, disclosure


def comparison_of(basis: Basis) -> tuple[str, LogRank]:
    """The registered log-rank test of the design's endpoint, with its id.

    Raises
    ------
    ProblemsFound
        `no-log-rank-test`.
    """
    found = [
        (id_, one)
        for id_, one in basis.loaded.protocol.analyses.items()
        if isinstance(one, LogRank) and one.endpoint == basis.design.endpoint and one.by == GROUPS
    ]
    if not found:
        message = f"the protocol has no log-rank test of `{basis.design.endpoint}` between the groups"
        raise ProblemsFound([Problem("no-log-rank-test", message, field="analyses")])
    return min(found, key=lambda item: item[1].role != "registered")


# --- everybody together -------------------------------------------------------------------------------------------------


def project(basis: Basis, data: AnalysisData, analysis: tuple[str, LogRank], cut: date) -> Recorder:
    """Events so far, and the day on which the last one that is needed may come; nothing of it tells groups apart."""
    found = recorder_of(
        basis, SO_FAR, "pooled events, piecewise constant hazard", **{"data cut": cut.isoformat()}
    )
    sample = select_sample(data, Recorder(analysis[0], "", ""), analysis[1], ())
    needed = events_needed(basis)
    limit = basis.horizon * DAYS_A_MONTH
    to_enrol = max(basis.n - int(data.adsl["STARTDT"].is_not_null().sum()), 0)
    found.add("n_subjects", sample.n_subjects, "subjects")
    found.add("n_to_enrol", to_enrol, "subjects")
    found.add("n_events", sample.n_events, "events")
    found.add("n_events_needed", needed, "events")
    found.add("information", sample.n_events / needed, item="share of the events")
    followed = _still_followed(sample, data, cut, limit)
    found.add("n_followed", sum(followed), "subjects")
    change = _hazard_change(sample, limit)
    one = "one hazard for all times: there are no events both before and after a third of the time frame"
    found.add("hazard_changes_after", change, "days", note=one)
    try:
        told = _project(basis, sample, followed, to_enrol, cut=cut, needed=needed, limit=limit, change=change)
    except NotEstimable as error:
        found.add_missing(("days_to_last_event", "earliest", "latest", "probability_reached"), error.reason)
        return found
    never = "not reached within the follow-up that is planned"
    for statistic, day in (
        ("days_to_last_event", told.projected),
        ("earliest", told.earliest),
        ("latest", told.latest),
    ):
        days = None if day is None else (day - cut).days
        found.add(statistic, days, "days", note=never, conventions={"day": day.isoformat() if day else None})
    found.add("probability_reached", told.probability_reached)
    return found


def _project(
    basis: Basis,
    sample: Sample,
    followed: list[bool],
    to_enrol: int,
    *,
    cut: date,
    needed: int,
    limit: float,
    change: float | None,
) -> EventProjection:
    future = None
    if to_enrol > 0 and "accrual" in basis:
        future = FutureAccrual(to_enrol, basis.n / (basis["accrual"] * DAYS_A_MONTH))
    return project_events(
        sample.frame["STARTDT"].to_list(),
        sample.elapsed(sample.time),
        sample.event,
        followed,
        cut=cut,
        n_events_needed=needed,
        future=future,
        follow_up_limit_days=limit,
        hazard_cuts=() if change is None else (change,),
        conf_level=CONFIDENCE,
        seed=SEED,
    )


def _hazard_change(sample: Sample, limit: float) -> float | None:
    """Day after which a hazard of its own counts: a third of the time frame, or None if all events came before it or after it.

    By one hazard for all times, what comes most often at first would be promised too early.
    """
    days = zip(sample.elapsed(sample.time), sample.event, strict=True)
    is_late = {day > limit / 3 for day, is_event in days if is_event}
    return limit / 3 if len(is_late) == 2 else None


def _still_followed(sample: Sample, data: AnalysisData, cut: date, limit: float) -> list[bool]:
    """Who has had no event, is not known to have died or left, was known alive not long before the cut, and has days left until the limit."""
    lately = cut - timedelta(days=LOST_AFTER_DAYS)
    elapsed = pl.Series("ELAPSED", sample.elapsed(sample.time), dtype=pl.Float64)
    people = sample.frame.select("USUBJID", "STATUS", elapsed).join(
        data.adsl.select("USUBJID", "LSTALVDT", "DTHDT", "EOSDTL"),
        on="USUBJID",
        how="left",
        maintain_order="left",
    )
    is_there = pl.col("DTHDT").is_null() & pl.col("EOSDTL").is_null() & (pl.col("LSTALVDT") >= lately)
    is_followed = (pl.col("STATUS") == 0) & is_there & (pl.col("ELAPSED") < limit)
    return people.select(is_followed.fill_null(value=False).alias("FOLLOWED"))["FOLLOWED"].to_list()


# --- between the groups -------------------------------------------------------------------------------------------------


def foresee(basis: Basis, data: AnalysisData, analysis: tuple[str, LogRank]) -> Recorder:
    """Conditional and predictive power of the final log-rank test, given the comparison so far."""
    id_, said = analysis
    treated = treated_group(basis.loaded.protocol)
    found = recorder_of(basis, id_, "conditional and predictive power", treated=treated)
    sample = select_sample(data, Recorder(id_, "", ""), said, (GROUPS,))
    comparison = basis.comparison
    names = ("fraction", "hazard_ratio", "under_design", "under_trend", "under_null", "predictive")
    needed = events_needed(basis)
    try:
        if treated is None:
            raise NotEstimable(
                "two groups have as many treatments of their own: nothing tells which is the treated one"
            )
        if sample.n_events >= needed:
            raise NotEstimable(f"{sample.n_events} events have been seen, {needed} are needed")
        require_subjects(sample.time)
        test = logrank_test(sample.time, sample.event, sample.frame[GROUPS].to_list())
    except NotEstimable as error:
        found.add_missing(names, error.reason, item=FINAL_TEST)
        return found
    labels = [group.label for group in test.groups]
    i = labels.index(treated)
    interim = interim_from_logrank(
        test.groups[i].observed, test.groups[i].expected, float(test.variance[i, i])
    )
    # Looks are planned at shares of the events, and each event tells as much as those so far: the groups may differ from
    # the plan in size.
    told = estimate_conditional_power(
        interim,
        final_boundaries(comparison),
        final_information=interim.information * needed / sample.n_events,
        design_hazard_ratio=comparison.hazard_ratio,
    )
    values = (
        told.fraction,
        told.hazard_ratio,
        told.under_design,
        told.under_trend,
        told.under_null,
        told.predictive_flat,
    )
    for name, value in zip(names, values, strict=True):
        found.add(name, value, item=FINAL_TEST)
    return found


def final_boundaries(comparison: Comparison) -> SequentialBoundaries:
    """Those of the looks that are planned, without stopping for futility that nobody is bound to; else of the test at the end."""
    planned = comparison.sequential
    if planned is None:
        return efficacy_boundary(
            (1.0,), alpha=comparison.alpha, sides=comparison.sides, spending=obrien_fleming_spending()
        )
    return planned.boundaries if planned.futility_binding else planned.boundaries.without_futility()
