"""What a virtual trial rests on: numbers under `assumptions` of the protocol, as a scenario changes them.

Lengths of time are in days here, whatever unit the protocol gives; shares lie between 0 and 1. An adverse event is any
assumption called `adverse_event_...`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeVar

from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.model import Protocol
from trialwright.vocabulary.problems import Problem, ProblemsFound, nearest

COURSE = "virtual_patients"
"""The assumption that says what kind of patients are made."""

DAYS_A_MONTH = 30.4375
"""The mean calendar month."""

_DAYS: Mapping[str, float] = MappingProxyType(
    {"days": 1, "weeks": 7, "months": DAYS_A_MONTH, "years": 12 * DAYS_A_MONTH}
)
_ADVERSE_EVENT = "adverse_event_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What every virtual trial needs. Each field is an assumption of its name; the protocol says what it means."""

    first_enrolment: date
    accrual: float
    data_collection: float
    loss: float
    screen_failures: float
    missed_visits: float
    late_visits: float
    late_visits_by: float
    women: float
    age_mean: float
    age_sd: float
    hbv_dna_assay_sd: float
    hbv_dna_detection_limit: float
    laboratory_in_mg: float
    laboratory_in_copies: float
    alt_median: float
    alt_spread: float
    alt_within: float
    analyte_within: float
    severe_adverse_events: float
    related_adverse_events: float
    partial_dates: float
    reader_disagreement: float
    missed_scans: float
    unreadable_scans: float
    missing_covariates: float
    planted_errors: float
    adverse_events: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced(Common):
    """Advanced liver cancer with active hepatitis B under immunotherapy and entecavir."""

    hbv_dna_mean: float
    hbv_dna_sd: float
    entecavir_after_durvalumab: float
    entecavir_late: float
    first_phase: float
    first_phase_fall: float
    second_phase_half_life: float
    second_phase_spread: float
    residual_hbv_dna: float
    reactivation_rate: float
    reactivation_earliest: float
    reactivation_median: float
    reactivation_latest: float
    reactivation_rise_least: float
    reactivation_rise_most: float
    reactivation_lasts: float
    viral_rise: float
    breakthrough_rate: float
    breakthrough_earliest: float
    breakthrough_latest: float
    breakthrough_rise_least: float
    breakthrough_rise_most: float
    poor_adherence: float
    adherence_gap: float
    flare_after_reactivation: float
    flare_lag_least: float
    flare_lag_most: float
    flare_fold: float
    flare_spread: float
    immune_hepatitis: float
    immune_hepatitis_earliest: float
    immune_hepatitis_latest: float
    immune_mediated: float
    decompensation: float
    decompensation_bilirubin: float
    icteric_flare: float
    bclc_b: float
    targets_mean: float
    target_size: float
    target_spread: float
    tumour_response: float
    response_half_life: float
    time_to_growth: float
    time_to_growth_spread: float
    new_lesion: float
    measurement_error: float
    beyond_progression: float
    new_therapy: float
    new_therapy_without_progression: float
    intolerance: float
    dose_delay: float
    dose_skip: float
    survival_after_progression: float
    death_before_progression: float
    judged_causes: float
    ecog_1: float
    hcc_by_histology: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterTreatment(Common):
    """Liver cancer removed or ablated, hepatitis B suppressed; recurrence is waited for."""

    share_with_peginterferon: float
    choice_bclc_a: float
    choice_age: float
    choice_hbsag: float
    choice_hbsag_limit: float
    choice_above_limit: float
    unmeasured_share: float
    unmeasured_hazard_ratio: float
    choice_unmeasured: float
    interferon_length: float
    interferon_delay: float
    interferon_stop: float
    crossover: float
    entry_earliest: float
    entry_latest: float
    late_entry: float
    recurrence_control: float
    hazard_ratio: float
    recurrence_shape: float
    hazard_ratio_bclc_a: float
    hazard_ratio_age: float
    hazard_ratio_hbsag: float
    death_without_recurrence: float
    survival_after_recurrence: float
    probable_lead: float
    probable_first: float
    probable_treated: float
    probable_stable: float
    benign_nodules: float
    afp_after_recurrence: float
    afp_rises: float
    hbeag_positive: float
    hcc_deaths_told: float
    alt_under_interferon: float
    comorbidity: float
    extrahepatic: float
    in_vein: float
    not_specific: float
    local_after_ablation: float
    ablation: float
    bclc_a: float
    cirrhosis: float
    microvascular_invasion: float
    tumour_size: float
    afp_median: float
    afp_spread: float
    hbv_dna_undetected: float
    analogue_lead: float
    analogue_change: float
    hbsag_mean: float
    hbsag_sd: float
    hbsag_fall: float
    hbsag_fall_under_interferon: float
    hbsag_assay_sd: float
    hbsag_loss_with_peginterferon: float
    hbsag_loss_lasts: float
    seroconversion_share: float
    second_primary_share: float
    transplantation_share: float
    pd1_mean: float
    pd1_sd: float
    pd1_fall: float
    platelets_fall: float
    neutrophils_fall: float


Parameters = TypeVar("Parameters", bound=Common)

_COURSES: Mapping[str, type[Common]] = MappingProxyType(
    {"advanced liver cancer": Advanced, "after radical treatment": AfterTreatment}
)


EXCLUSIVE: Mapping[type[Common], tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        Advanced: (
            ("entecavir_after_durvalumab", "entecavir_late"),
            ("reactivation_rate", "breakthrough_rate", "poor_adherence"),
            ("reactivation_rate", "immune_hepatitis"),
        ),
        AfterTreatment: (
            ("in_vein", "not_specific", "extrahepatic", "local_after_ablation"),
            ("hbsag_loss_with_peginterferon", "interferon_stop"),
        ),
    }
)
"""Shares of patients of whom each has one at most, and which therefore add up to no more than 1."""


def read_parameters(loaded: LoadedProtocol, scenario: str | None = None) -> Common:
    """The parameters of the kind of patients the protocol names, with what a scenario changes.

    Raises
    ------
    ProblemsFound
        `no-virtual-patients`, `no-such-scenario`, `missing-assumption`, `unusable-assumption`: all of them.
    """
    protocol = loaded.protocol
    values = _values(protocol, scenario)
    course = protocol.assumptions.get(COURSE)
    if course is None or course.value not in _COURSES:
        known = " or ".join(f"`{name}`" for name in _COURSES)
        found = "is not there" if course is None else f"is `{course.value}`"
        raise ProblemsFound(
            [
                Problem(
                    "no-virtual-patients",
                    f"the assumption `{COURSE}` {found}, so that nobody knows what patients to make",
                    field=f"assumptions.{COURSE}",
                    fix=f"say {known}, and give what that needs (docs/virtual-trials.md)",
                )
            ]
        )
    kind = _COURSES[str(course.value)]
    problems: list[Problem] = []
    made: dict[str, Any] = {}
    for name in (one.name for one in fields(kind) if one.name != "adverse_events"):
        if name not in values:
            message = f"virtual patients `{course.value}` need the assumption `{name}`, which is not there"
            problems.append(Problem("missing-assumption", message, field="assumptions"))
            continue
        made[name] = _read(name, values[name], protocol, problems)
    made["adverse_events"] = {
        name.removeprefix(_ADVERSE_EVENT): _read(name, value, protocol, problems)
        for name, value in values.items()
        if name.startswith(_ADVERSE_EVENT)
    }
    if problems:
        raise ProblemsFound(problems)
    if crowded := [_crowded(names, made) for names in EXCLUSIVE[kind] if _total(names, made) > 1]:
        raise ProblemsFound(crowded)
    if made["accrual"] > made["data_collection"]:
        raise ProblemsFound([_too_short(made["accrual"], made["data_collection"])])
    return kind(**made)


def _too_short(accrual: float, collection: float) -> Problem:
    enrolled, ended = accrual / DAYS_A_MONTH, collection / DAYS_A_MONTH
    message = f"the data end {ended:g} months after the first enrolment, while patients still enter: `accrual` is {enrolled:g} months"
    fix = f"enrol within {ended:g} months, or collect data for at least {enrolled:g} months"
    return Problem("unusable-assumption", message, field="assumptions.data_collection", fix=fix)


def _total(names: tuple[str, ...], made: Mapping[str, Any]) -> Decimal:
    return sum((Decimal(str(made[name])) for name in names), Decimal(0))


def _crowded(names: tuple[str, ...], made: Mapping[str, Any]) -> Problem:
    several = f"{', '.join(f'`{name}`' for name in names[:-1])} and `{names[-1]}`"
    message = f"{several} are shares of patients of whom each has one at most, and must not add up to more than 1, not {_total(names, made)}"
    return Problem("unusable-assumption", message, field=f"assumptions.{names[-1]}")


def _values(protocol: Protocol, scenario: str | None) -> dict[str, float | str]:
    values: dict[str, float | str] = {name: one.value for name, one in protocol.assumptions.items()}
    if scenario is None:
        return values
    chosen = protocol.scenarios.get(scenario)
    if chosen is None:
        guess = nearest(scenario, protocol.scenarios)
        known = ", ".join(protocol.scenarios) or "none"
        message = f"the protocol has no scenario `{scenario}` ({known})"
        raise ProblemsFound(
            [
                Problem(
                    "no-such-scenario",
                    message,
                    field="scenarios",
                    fix=f"did you mean `{guess}`?" if guess else "",
                )
            ]
        )
    return values | dict(chosen.assumptions)


def _read(name: str, value: float | str, protocol: Protocol, problems: list[Problem]) -> Any:
    """A value in the unit the program counts in; what cannot be is reported."""
    if name == "first_enrolment":
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            problems.append(_unusable(name, f"must be a day such as 2026-03-02, not `{value}`"))
            return None
    if isinstance(value, str):
        problems.append(_unusable(name, f"must be a number, not `{value}`"))
        return None
    unit = protocol.assumptions[name].unit
    if unit == "share" and not 0 <= value <= 1:
        problems.append(_unusable(name, f"is a share and must lie between 0 and 1, not {value:g}"))
    if unit == "times" and not value > 0:
        problems.append(_unusable(name, f"says how many times, and must be above 0, not {value:g}"))
    if unit is not None and unit in _DAYS:
        if value < 0:
            problems.append(_unusable(name, f"is a length of time and must not be negative, not {value:g}"))
        return value * _DAYS[unit]
    return float(value)


def _unusable(name: str, message: str) -> Problem:
    return Problem("unusable-assumption", f"`{name}` {message}", field=f"assumptions.{name}")
