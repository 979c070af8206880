"""The design as a study with a calendar: enrolment, follow-up, loss, and events that come in time. Days throughout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from trialwright.analysis.results import Recorder
from trialwright.design.assumptions import DAYS_A_MONTH, Basis
from trialwright.design.comparison_audit import at_point, follow_ups, recorder_of, reference_rates
from trialwright.design.reach import Comparison
from trialwright.statistics.hazards import NO_HAZARD, Accrual, Hazards
from trialwright.statistics.sample_size import Sides
from trialwright.statistics.survival_design import SurvivalDesign, expected_events, time_of_events
from trialwright.statistics.survival_power import logrank_power, power_over_time, subjects_needed

SURVIVAL = "design survival"
"""The id of the rows; no analysis can be named so."""
CALENDAR = "calendar"
_POINTS = 12


def has_calendar(basis: Basis) -> bool:
    """Whether the design says how long enrolment takes."""
    return "accrual" in basis


def survival_design(
    basis: Basis, comparison: Comparison | None = None, *, follow_up: float | None = None
) -> SurvivalDesign:
    """The study that a design describes: even enrolment, constant hazards, the same loss in both groups.

    Parameters
    ----------
    basis : Basis
    comparison : Comparison, optional
        Other risks, ratios, shares or losses than those assumed; they are meant within the horizon of the design.
    follow_up : float, optional
        Months for which each subject is followed, whatever the duration of the study; the horizon where not said, and no
        longer than the study lasts.
    """
    comparison = comparison or basis.comparison
    horizon = basis.horizon * DAYS_A_MONTH
    accrual = basis["accrual"] * DAYS_A_MONTH
    followed = horizon if follow_up is None else follow_up * DAYS_A_MONTH
    end = None
    if follow_up is None and "duration" in basis and basis["duration"] * DAYS_A_MONTH < accrual + horizon:
        end = basis["duration"] * DAYS_A_MONTH
    return SurvivalDesign(
        control=Hazards.from_risk(comparison.reference_rate, horizon),
        hazard_ratio=comparison.hazard_ratio,
        accrual=Accrual.uniform(accrual),
        follow_up=followed if end is None else min(followed, end),
        end=end,
        share_treated=comparison.share_treated,
        dropout=Hazards.from_risk(comparison.loss, horizon) if comparison.loss else NO_HAZARD,
    )


def audit_calendar(basis: Basis) -> Recorder:
    """Events and power as the calendar goes on, the number that Lakatos asks for, and longer or shorter follow-up."""
    found = recorder_of(basis, SURVIVAL, "Lakatos 1988")
    design, alpha, sides = survival_design(basis), basis.comparison.alpha, basis.comparison.sides
    _add_needed(found, basis, design, alpha=alpha, sides=sides)
    found.add("n_events", expected_events(design, basis.n), "events", item="expected")
    found.add("power", logrank_power(design, basis.n, alpha=alpha, sides=sides).power, item="expected")
    _add_month_of_events(found, basis, design)
    for at in power_over_time(design, basis.n, _times(design), alpha=alpha, sides=sides):
        month = at.at / DAYS_A_MONTH
        found.add("power", at.power, item=CALENDAR, time=month)
        found.add("n_events", at.n_events, "events", item=CALENDAR, time=month)
    for rate, months in product(reference_rates(basis), follow_ups(basis)):
        one = survival_design(basis, replace(basis.comparison, reference_rate=rate), follow_up=months)
        power = logrank_power(one, basis.n, alpha=alpha, sides=sides).power
        found.add("power", power, item=at_point(rate, "follow up", months))
    return found


def _add_needed(found: Recorder, basis: Basis, design: SurvivalDesign, *, alpha: float, sides: Sides) -> None:
    """Subjects and their events by Lakatos, or why no number is enough."""
    try:
        needed = subjects_needed(design, alpha=alpha, sides=sides, power=basis["power"], formula="lakatos")
    except ValueError as error:
        found.add_missing(("n_subjects", "n_events"), str(error), item="needed")
        return
    found.add("n_subjects", needed.subjects.n_subjects, "subjects", item="needed")
    found.add("n_events", needed.n_events, "events", item="needed")


def _add_month_of_events(found: Recorder, basis: Basis, design: SurvivalDesign) -> None:
    """Months after the first enrolment by which the events of Schoenfeld's formula are expected."""
    n_events = basis.comparison.events_by("schoenfeld").n_events
    month, note = month_of_events(design, basis.n, n_events)
    said = {"events": n_events}
    found.add("month_of_events", month, "months", note=note, item="expected", conventions=said)


def month_of_events(design: SurvivalDesign, n: int, n_events: float) -> tuple[float | None, str]:
    """Months after the first enrolment by which so many events are expected of `n` subjects, or why there is no such month."""
    try:
        return time_of_events(design, n, n_events) / DAYS_A_MONTH, ""
    except ValueError as error:
        return None, str(error)


def _times(design: SurvivalDesign) -> Iterator[float]:
    """Days at which the calendar is told, evenly up to the end."""
    return (design.last_time * i / _POINTS for i in range(1, _POINTS + 1))
