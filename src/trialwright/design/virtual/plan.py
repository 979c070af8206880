"""What the protocol plans: intervals, tolerances and limits that virtual visits keep to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trialwright.design.virtual.parameters import DAYS_A_MONTH
from trialwright.protocol.compared_groups import standard_group
from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.rule_tree import Compare, Count
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.problems import Problem, ProblemsFound

_MARGIN = 8
"""Nothing is recorded in the last days of a time frame, so that it never matters how it is counted."""


@dataclass(frozen=True, slots=True)
class AdvancedPlan:
    """Doses, scans and visits of the trial in advanced disease. Lengths in days."""

    drug: str
    dose: float
    dose_unit: str
    route: str
    interval: int
    tolerance: int
    skipped_after: int
    doses: int
    scan_least: int
    scan_most: int
    scan_tolerance: int
    entecavir_within: int
    follow_up_every: int
    survival_every: int
    last_day: int
    least_hbv_dna: float
    hbv_dna_limits: tuple[float | None, float | None]
    group: str


def read_advanced_plan(loaded: LoadedProtocol) -> AdvancedPlan:
    """The plan of a protocol that gives durvalumab and entecavir.

    Raises
    ------
    ProblemsFound
        `missing-element`: what the plan needs and the protocol does not have.
    """
    protocol = loaded.protocol
    drug = _get(protocol.treatments, "durvalumab", "treatments")
    imaging = _get(protocol.clocks, "imaging", "clocks")
    entecavir = _get(protocol.clocks, "entecavir_start", "clocks")
    frame = _get(protocol.endpoints, "reactivation", "endpoints").time_frame
    scans = _need(imaging.every, "clocks.imaging.every")
    dose = _need(drug.dose, "treatments.durvalumab.dose")
    return AdvancedPlan(
        drug="durvalumab",
        dose=float(dose.number),
        dose_unit=str(dose.unit),
        route=drug.route or "",
        interval=_days(drug.every, "treatments.durvalumab.every"),
        tolerance=_days(drug.tolerance, "treatments.durvalumab.tolerance"),
        skipped_after=_days(drug.skipped_after, "treatments.durvalumab.skipped after"),
        doses=_limit(loaded, "treatments.durvalumab.until.doses.when"),
        scan_least=_days(scans.least, "clocks.imaging.every"),
        scan_most=_days(scans.most, "clocks.imaging.every"),
        scan_tolerance=_days(imaging.tolerance, "clocks.imaging.tolerance"),
        entecavir_within=_days(
            Duration.parse(str(entecavir.within).partition(" of ")[0]), "clocks.entecavir_start.within"
        ),
        follow_up_every=_days(
            _get(protocol.visits, "entecavir_follow_up", "visits").every, "visits.entecavir_follow_up.every"
        ),
        survival_every=_days(
            _get(protocol.visits, "survival_follow_up", "visits").every, "visits.survival_follow_up.every"
        ),
        last_day=round(_need(frame, "endpoints.reactivation.time frame").months * DAYS_A_MONTH) - _MARGIN,
        least_hbv_dna=float(_limit(loaded, "eligibility.inclusion.active_hbv.when")),
        hbv_dna_limits=assay_limits(loaded, "hbv_dna"),
        group=next(iter(protocol.groups)),
    )


@dataclass(frozen=True, slots=True)
class AfterTreatmentPlan:
    """Scans and blood tests of the trial after radical treatment. Lengths in days."""

    groups: tuple[str, str]
    interval: int
    tolerance: int
    missed_after: int
    repeat_within: int
    last_day: int
    entry_within: int
    interferon_every: int
    profile_every: int
    hbv_dna_limits: tuple[float | None, float | None]
    hbsag_limits: tuple[float | None, float | None]
    asked: Mapping[str, tuple[str, ...]]
    """Histories that somebody must ask for, by kind of fact; names in capitals."""


def read_after_treatment_plan(loaded: LoadedProtocol) -> AfterTreatmentPlan:
    """The plan of a protocol of analogues with and without peginterferon.

    Raises
    ------
    ProblemsFound
        `missing-element`
    """
    protocol = loaded.protocol
    imaging = _get(protocol.visits, "imaging", "visits")
    groups = tuple(protocol.groups)
    if len(groups) != 2 or groups[0] != standard_group(protocol):
        raise _missing("groups", "two groups, the one with peginterferon second")
    return AfterTreatmentPlan(
        groups=(groups[0], groups[1]),
        interval=_days(imaging.every, "visits.imaging.every"),
        tolerance=_days(imaging.tolerance, "visits.imaging.tolerance"),
        missed_after=_days(imaging.missed_after, "visits.imaging.missed after"),
        repeat_within=_days(imaging.repeat_within, "visits.imaging.repeat within"),
        last_day=_days(
            Duration.parse(_get(protocol.periods, "follow_up", "periods").span.partition("+ ")[2]),
            "periods.follow_up.span",
        ),
        entry_within=_days(
            Duration.parse(
                str(_get(protocol.clocks, "interferon_start", "clocks").within).partition(" after ")[0]
            ),
            "clocks.interferon_start.within",
        ),
        interferon_every=_days(
            _get(protocol.visits, "interferon_safety", "visits").every, "visits.interferon_safety.every"
        ),
        profile_every=_days(
            _get(protocol.visits, "immune_profile", "visits").every, "visits.immune_profile.every"
        ),
        hbv_dna_limits=assay_limits(loaded, "hbv_dna"),
        hbsag_limits=assay_limits(loaded, "hbsag_quantity"),
        asked={
            kind: tuple(
                name.upper().replace("_", " ")
                for name, fact in protocol.facts.items()
                if fact.kind == kind and (fact.absence == "ask" or kind == "attestation")
            )
            for kind in ("condition", "drug", "procedure", "attestation")
        },
    )


def assay_limits(loaded: LoadedProtocol, fact: str) -> tuple[float | None, float | None]:
    """Limits of quantification of the assay that measures a fact."""
    for assay in loaded.protocol.assays.values():
        if assay.measures == fact:
            lower, upper = assay.lower_limit, assay.upper_limit
            return (float(lower.number) if lower else None, float(upper.number) if upper else None)
    return None, None


def _limit(loaded: LoadedProtocol, path: str) -> int:
    """The number that a rule holds a value or a count against."""
    rule = loaded.writing.rules.get(path)
    condition = rule.condition if rule is not None else None
    number = getattr(condition.right, "number", None) if isinstance(condition, Compare) else None
    if not isinstance(number, Decimal) or (path.endswith("doses.when") and not _counts(condition)):
        raise _missing(
            path, "a rule such as `count(durvalumab) >= 24` or `last(hbv_dna, 28 days) > 2000 IU/mL`"
        )
    return int(number)


def _counts(condition: Any) -> bool:
    return isinstance(condition, Compare) and isinstance(condition.left, Count)


def _get(section: Mapping[str, Any], name: str, called: str) -> Any:
    if name not in section:
        raise _missing(f"{called}.{name}", "it")
    return section[name]


def _need(value: Any, path: str) -> Any:
    if value is None:
        raise _missing(path, "it")
    return value


def _days(value: Duration | None, path: str) -> int:
    length = _need(value, path)
    if length.days is None:
        raise _missing(path, "a length in days or weeks")
    return int(length.days)


def _missing(path: str, what: str) -> ProblemsFound:
    message = f"virtual patients of this kind need {what} at `{path}`"
    return ProblemsFound([Problem("missing-element", message, field=path)])
