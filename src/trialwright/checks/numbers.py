"""Checks of the planned numbers: what they rest on, and what they can show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from trialwright.checks.checked import Checked
from trialwright.checks.planned_looks import read_looks
from trialwright.checks.registry import Found, check
from trialwright.protocol.model import Design, Monitoring
from trialwright.statistics.sample_size import (
    EventsNeeded,
    excluded_rate,
    freedman_events,
    risk_under_hazard_ratio,
    schoenfeld_events,
    subjects_by_group,
    subjects_for_events,
    two_proportion_subjects,
)
from trialwright.vocabulary.problems import Severity

_RISKS = tuple(percent / 100 for percent in range(20, 81, 5))
_LOSSES = (0.0, 0.05, 0.1, 0.15, 0.2)
_CLOSE = 0.02
_HARM = re.compile(
    r"reactivat|flare|toxic|adverse|hepatitis|bleed|failure|death|harm|safety|injury", re.IGNORECASE
)


@check(
    "error-rates-not-stated",
    Severity.WARNING,
    title="the type I error, its sides or the power of a comparison is not stated",
    why="""One-sided and two-sided 5 % differ by a quarter of the participants, and a result is significant by one and not by the other. It has to be
    written down before there is a result.""",
    example="""
design: { sides: ~ }
""",
    cure="""
design: { sides: 2 }
""",
    source="ICH E9, 3.5 and 5.5; SPIRIT 2013, item 14",
)
def error_rates_not_stated(checked: Checked) -> Iterator[Found]:
    design = checked.protocol.design
    if len(checked.protocol.groups) < 2 or not checked.primary:
        return
    keys = ("alpha", "sides", "power")
    words = {
        "alpha": "the type I error",
        "sides": "whether it is one-sided or two-sided",
        "power": "the power",
    }
    missing = [
        words[key]
        for key in keys
        if design is None or getattr(design, key) is None or checked.is_ours(design, key)
    ]
    if missing:
        path = ("design",) if design is not None else ("study", "enrolment")
        yield Found(
            path,
            f"{checked.record} does not state {', '.join(missing)}",
            "state alpha, its sides and the power",
            about_key=True,
        )


@check(
    "n-not-reproducible",
    Severity.WARNING,
    title="the planned number cannot be computed from what is stated",
    why="""Several sets of assumptions lead to one number. Unless they are stated, nobody can tell during the trial whether the events come as planned,
    and the number cannot be corrected when they do not.""",
    example="""
design: { reference rate: ~ }
""",
    cure="""
design: { reference rate: 55 % }
""",
    source="Schoenfeld, Biometrics 1983;39:499-503; Freedman, Stat Med 1982;1:121-129; SPIRIT 2013, item 14; Chan et al., BMJ 2008;337:a2299",
)
def n_not_reproducible(checked: Checked) -> Iterator[Found]:
    design, n = checked.protocol.design, checked.protocol.study.enrolment
    if design is None or n is None or design.hazard_ratio in (None, 1.0):
        return
    if design.alpha is None or design.power is None:
        return
    words = {
        "method": "the formula",
        "sides": "the sides of the test",
        "reference_rate": "the risk in the comparison group",
        "ratio": "the sizes of the groups",
        "loss": "the loss to follow-up",
    }
    missing = [
        text
        for key, text in words.items()
        if getattr(design, key) is None or checked.is_ours(design, key.replace("_", " "))
    ]
    if missing and missing != [words["sides"]]:  # that alone is told by `error-rates-not-stated`
        yield Found(
            ("study", "enrolment"),
            f"{n} cannot be computed from {checked.record}: {_listed(missing)} {'is' if len(missing) == 1 else 'are'} not stated. "
            + _implications(design, n),
            "state the assumptions, so that the number can be followed while the trial runs",
        )


def _implications(design: Design, n: int) -> str:
    """What the number implies under stated assumptions; never what the investigators must have assumed."""
    if design.hazard_ratio is None or design.alpha is None or design.power is None:
        return ""
    ratio, alpha, sides, power = design.hazard_ratio, design.alpha, design.sides or 2, design.power
    schoenfeld, freedman = (
        formula(ratio, alpha=alpha, sides=sides, power=power)
        for formula in (schoenfeld_events, freedman_events)
    )
    unequal = [
        schoenfeld_events(ratio, alpha=alpha, sides=sides, power=power, share_treated=share).n_events
        for share in (0.3, 0.2)
    ]
    text = (
        f"A hazard ratio of {ratio:g} with a power of {_percent(design.power)} at {_percent(design.alpha)} {_sided(sides)} needs "
        f"{schoenfeld.n_events} events in equal groups by Schoenfeld and {freedman.n_events} by Freedman ({unequal[0]} and {unequal[1]} by "
        f"Schoenfeld at 30:70 and 20:80), so that {_percent(schoenfeld.exact / n)} to {_percent(freedman.exact / n)} of all {n} must have the event"
    )
    sets = [found for one in (schoenfeld, freedman, None) if (found := _closest_set(design, n, one))]
    return f"{text}. About {n} follows, for example, from {'; or from '.join(sets)}" if sets else text


def _closest_set(design: Design, n: int, events: EventsNeeded | None) -> str:
    """The rounded background risk and loss by which a formula comes closest to n, if it comes close."""
    if design.hazard_ratio is None or design.alpha is None or design.power is None:
        return ""
    sides = design.sides or 2
    found: list[tuple[float, float, float]] = []
    for risk in _RISKS:
        treated = risk_under_hazard_ratio(risk, design.hazard_ratio)
        for loss in _LOSSES:
            if events is not None:
                needed = subjects_for_events(events, control_risk=risk, loss=loss)
            else:
                needed = two_proportion_subjects(
                    risk, treated, alpha=design.alpha, sides=sides, power=design.power, loss=loss
                )
            found.append((abs(needed.exact / n - 1), loss, risk))
    distance, loss, risk = min(found)
    if distance > _CLOSE:
        return ""
    treated = risk_under_hazard_ratio(risk, design.hazard_ratio)
    lost = f"and {_percent(loss)} loss" if loss else "and no loss"
    if events is None:
        return f"two proportions, {_percent(risk)} against {100 * treated:.1f} %, {lost}"
    return f"{events.formula.capitalize()} with {_percent(risk)} among controls {lost}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if abs(100 * share - round(100 * share)) < 0.05 else f"{100 * share:.1f} %"


def _sided(sides: int) -> str:
    return "one-sided" if sides == 1 else "two-sided"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


@check(
    "n-below-its-assumptions",
    Severity.WARNING,
    title="the planned number is smaller than its own assumptions need",
    why="""The power that is claimed is not there. Usually one assumption was changed in a late round and the number was not.""",
    example="""
study: { enrolment: 200 }
groups:
  combination: { size: 100 }
  alone: { size: 100 }
""",
    cure="""
study: { enrolment: 400 }
groups:
  combination: { size: 200 }
  alone: { size: 200 }
""",
    source="Schoenfeld, Biometrics 1983;39:499-503; Freedman, Stat Med 1982;1:121-129; Fleiss, Levin and Paik 2003, section 4.2",
)
def n_below_its_assumptions(checked: Checked) -> Iterator[Found]:
    design, n = checked.protocol.design, checked.protocol.study.enrolment
    needed = _needed(design) if design is not None else None
    if design is not None and n is not None and needed is not None and n < needed:
        yield Found(
            ("study", "enrolment"),
            f"{n} are planned, and the assumptions under `design` ({_listed(_assumptions_of(design))}) need {needed}",
            "correct the number or the assumptions",
        )


def _assumptions_of(design: Design) -> list[str]:
    rate = f"{_percent(design.reference_rate)} among controls" if design.reference_rate else ""
    ratio = f"a hazard ratio of {design.hazard_ratio:g}" if design.hazard_ratio else ""
    treated = f"{_percent(design.rate)} among the treated" if design.rate and not ratio else ""
    loss = f"{_percent(design.loss)} loss" if design.loss else "no loss"
    looks = "its looks" if design.looks else ""
    return [text for text in (str(design.method), rate, ratio, treated, loss, looks) if text]


def _needed(design: Design) -> int | None:
    """Participants that the assumptions of a design need; None where they are not complete."""
    if design.alpha is None or design.sides is None or design.power is None or design.reference_rate is None:
        return None
    share = design.ratio / (1 + design.ratio) if design.ratio else 0.5
    alpha, sides, power, loss = design.alpha, design.sides, design.power, design.loss or 0.0
    try:
        looks = (
            read_looks(design.looks).designed(alpha=alpha, sides=sides, power=power) if design.looks else None
        )
        inflation = looks.inflation if looks else 1.0
        if design.method in ("schoenfeld", "freedman") and design.hazard_ratio is not None:
            formula = schoenfeld_events if design.method == "schoenfeld" else freedman_events
            events = formula(design.hazard_ratio, alpha=alpha, sides=sides, power=power, share_treated=share)
            events = replace(events, exact=events.exact * inflation)
            return subjects_for_events(events, control_risk=design.reference_rate, loss=loss).n_subjects
        if design.method == "two proportions":
            treated = design.rate
            if treated is None and design.hazard_ratio is not None:
                treated = risk_under_hazard_ratio(design.reference_rate, design.hazard_ratio)
            if treated is not None:
                needed = two_proportion_subjects(
                    design.reference_rate,
                    treated,
                    alpha=alpha,
                    sides=sides,
                    power=power,
                    share_treated=share,
                    loss=loss,
                )
                return subjects_by_group(needed.exact * inflation, share).n_subjects
    except ValueError:  # a ratio of 1, equal rates: no number is enough, which other checks tell; or no boundaries, as `design` tells
        return None
    return None


@check(
    "no-difference-assumed",
    Severity.ERROR,
    title="the design assumes no difference between the groups",
    why="""No number of participants shows a difference of nothing; the field was probably filled by a default.""",
    example="""
design: { hazard ratio: 1 }
""",
    cure="""
design: { hazard ratio: 0.6 }
""",
    source="arithmetic",
)
def no_difference_assumed(checked: Checked) -> Iterator[Found]:
    design = checked.protocol.design
    if design is None:
        return
    if design.hazard_ratio == 1:
        yield Found(
            ("design", "hazard ratio"),
            "a hazard ratio of 1 is no difference, which no number of participants can show",
            "state the ratio that would matter",
        )
    elif design.rate is not None and design.rate == design.reference_rate:
        yield Found(
            ("design", "rate"),
            f"the rate expected, {_percent(design.rate)}, is the rate it is held against",
            "state the rate that would matter",
        )


@check(
    "looks-without-comparison",
    Severity.ERROR,
    title="looks before the end are planned, and no difference between groups is there to look for",
    why="""Spending a type I error over looks belongs to the test of a difference. Without groups to compare and a difference to find, the boundaries of these looks
    cannot be computed, and whoever looks has no rule to stop by.""",
    example="""
design: { hazard ratio: ~, looks: { at: [50 %, 75 %], efficacy: { spending: obrien-fleming } } }
""",
    cure="""
design: { hazard ratio: 0.6, looks: { at: [50 %, 75 %], efficacy: { spending: obrien-fleming } } }
""",
    source="ICH E9, 4.5; Lan and DeMets, Biometrika 1983;70:659-663",
)
def looks_without_comparison(checked: Checked) -> Iterator[Found]:
    design = checked.protocol.design
    if design is None or design.looks is None:
        return
    found = Found(("design", "looks"), "", about_key=True)
    if len(checked.protocol.groups) < 2:
        yield replace(
            found,
            message="looks spend the error of a comparison, and there are no two groups to compare",
            fix="take `looks` out; what stops a single group stands under `monitoring`",
        )
    elif not _states_difference(design):
        yield replace(
            found,
            message="looks spend the error of a comparison, and no difference between the groups is stated",
            fix="state the hazard ratio, or the rates, that would matter",
        )


def _states_difference(design: Design) -> bool:
    """Whether a hazard ratio or two rates are stated, or assumed."""
    keys = {"hazard ratio", "reference rate", "rate"}
    rests_on = dict(design.rests_on.named()) if design.rests_on else {}
    said = {key for key in keys if key in rests_on or getattr(design, key.replace(" ", "_")) is not None}
    return "hazard ratio" in said or {"reference rate", "rate"} <= said


@check(
    "n-without-reason",
    Severity.WARNING,
    title="a number is planned, and nothing says what it is for",
    why="""A trial too small to answer puts its participants at risk for nothing, one too large puts more than needed at risk. The number needs its
    reason: a rate to exclude, a width of an interval, a difference to find.""",
    example="""
design: { hazard ratio: ~, reference rate: ~ }
""",
    cure="""
design: { hazard ratio: 0.6, reference rate: 45 % }
""",
    source="ICH E9, 3.5; SPIRIT 2013, item 14",
)
def n_without_reason(checked: Checked) -> Iterator[Found]:
    design, study = checked.protocol.design, checked.protocol.study
    if study.enrolment is None or not checked.protocol.treatments:
        return
    numbers = ("hazard_ratio", "rate", "reference_rate")
    stated = design is not None and any(
        getattr(design, key) is not None and not checked.is_ours(design, key.replace("_", " "))
        for key in numbers
    )
    if not stated:
        yield Found(
            ("study", "enrolment"),
            f"{checked.record} does not say why {study.enrolment} participants are planned{_what_it_excludes(checked)}",
            "state the rate or difference the number is for, with its error and power",
        )


def _what_it_excludes(checked: Checked) -> str:
    n = checked.protocol.study.enrolment
    if n is None or checked.protocol.study.allocation != "single arm":
        return ""
    two, one = (excluded_rate(0, n, confidence=0.95, sides=sides) for sides in (2, 1))
    some = excluded_rate(3, n, confidence=0.95, sides=1) if n > 3 else one
    return (
        f"; with no event among {n}, rates above {100 * two:.1f} % are excluded two-sided and above {100 * one:.1f} % one-sided, "
        f"with three events rates above {100 * some:.1f} % one-sided"
    )


@check(
    "no-reference-rate",
    Severity.WARNING,
    title="a single group is to show something about a rate, and no rate is given to hold it against",
    why="""`Not increased` needs an `over what`. Without a rate stated before, any result can be called acceptable after.""",
    example="""
design: { reference rate: ~ }
""",
    cure="""
design: { reference rate: 15 % }
""",
    source="ICH E10, 1.3.5 and 2.5: external control; reported rates under checkpoint inhibitors: 26 of 633 pooled (PMC9723987), 6 of 114 (PMC6873745)",
    base="single arm",
)
def no_reference_rate(checked: Checked) -> Iterator[Found]:
    design = checked.protocol.design
    if checked.protocol.study.allocation != "single arm":
        return
    stated = (
        design is not None
        and design.reference_rate is not None
        and not checked.is_ours(design, "reference rate")
    )
    for name, endpoint in checked.primary.items():
        if endpoint.kind in ("rate", "best response") and not stated:
            yield Found(
                ("endpoints", name),
                f"`{name}` is a rate in a single group, and {checked.record} gives no rate to hold it against",
                "state the rate that would be acceptable, or the one known without the treatment, with its source",
                about_key=True,
            )


@check(
    "n-cannot-exclude-reference",
    Severity.WARNING,
    title="even without any event the planned number cannot exclude the reference rate",
    why="""The trial cannot succeed: no event at all would still be compatible with the rate it wants to exclude.""",
    example="""
design: { reference rate: 5 % }
""",
    cure="""
design: { reference rate: 15 % }
""",
    source="Clopper and Pearson, Biometrika 1934;26:404-413: with no event among n the limit is 1 - 0.05^(1/n)",
    base="single arm",
)
def n_cannot_exclude_reference(checked: Checked) -> Iterator[Found]:
    design, n = checked.protocol.design, checked.protocol.study.enrolment
    if checked.protocol.study.allocation != "single arm" or design is None or n is None:
        return
    is_harm = any(_is_harm(checked, name) for name in checked.primary)
    if design.reference_rate is None or not is_harm:
        return
    sides = design.sides or 1
    limit = excluded_rate(0, n, confidence=1 - (design.alpha or 0.05), sides=sides)
    if limit > design.reference_rate:
        yield Found(
            ("design", "reference rate"),
            f"no event among {n} excludes only rates above {100 * limit:.1f} % ({_sided(sides)}), which is more than the "
            f"{_percent(design.reference_rate)} the rate is held against",
            "plan more participants, or say that the aim is an estimate",
        )


def _is_harm(checked: Checked, name: str) -> bool:
    endpoint = checked.protocol.endpoints[name]
    words = " ".join((name, endpoint.label, *checked.events_of(endpoint)))
    return endpoint.kind == "worst grade" or bool(_HARM.search(words))


@check(
    "no-safety-boundary",
    Severity.WARNING,
    title="the primary endpoint is a harm, and nothing says at how many events the trial stops",
    why="""If harm is the question, it must be watched while patients enter, not counted at the end. A boundary fixed beforehand keeps the decision from being made
    event by event.""",
    example="""
monitoring:
  reactivation: { boundary: ~ }
""",
    cure="""
monitoring:
  reactivation: { boundary: Pocock-type at 5 % }
""",
    source="Ivanova, Qaqish and Schell, Biometrics 2005;61:540-545; ICH E9, 4.5; EMA guideline on data monitoring committees 2005",
    base="single arm",
)
def no_safety_boundary(checked: Checked) -> Iterator[Found]:
    watched = [one for one in checked.protocol.monitoring.values() if _states_a_boundary(checked, one)]
    for name, endpoint in checked.primary.items():
        events = set(checked.events_of(endpoint))
        if not _is_harm(checked, name) or endpoint.kind == "time to event" or not checked.protocol.treatments:
            continue
        if not any(one.event is None or one.event in events for one in watched):
            yield Found(
                ("endpoints", name),
                f"`{name}` is a harm and primary, and {checked.record} states no boundary at which the trial stops",
                "state a boundary with its operating characteristics, and who watches it",
                about_key=True,
            )


def _states_a_boundary(checked: Checked, one: Monitoring) -> bool:
    """Whether a boundary is there, in words or computed, that is not our own assumption."""
    computed = one.computed_boundary
    return bool(one.boundary and not checked.is_ours(one, "boundary")) or (
        computed is not None
        and computed.status != "assumed"
        and not checked.is_ours(one, "computed_boundary")
    )
