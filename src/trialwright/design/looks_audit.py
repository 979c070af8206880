"""What looks at the data before the end cost, and what they do: boundaries, errors, events and chances to stop."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import accumulate

from trialwright.analysis.results import Recorder
from trialwright.checks.planned_looks import COMMON_SPENDING, PlannedLooks
from trialwright.design.assumptions import Basis
from trialwright.design.comparison_audit import exact_events, recorder_of, varied
from trialwright.design.reach import Comparison
from trialwright.design.survival import has_calendar, month_of_events, survival_design
from trialwright.statistics.group_sequential import (
    GroupSequentialDesign,
    StoppingProbabilities,
    stopping_probabilities,
)
from trialwright.statistics.sample_size import critical_z, risk_under_hazard_ratio

LOOKS = "design looks"
"""The id of the rows; no analysis can be named so."""
ONE_TEST = "one test"
"""The item of the design without looks."""
TRIED: tuple[float, ...] = (0.5, 0.75)
"""Where neither `looks` nor `vary` says when to look."""
_CANNOT_STOP = "cannot stop here"


def own_spending(basis: Basis) -> str | None:
    """The spending of efficacy that the protocol states, by its name there; None where it has no looks."""
    return basis.design.looks.efficacy.spending if basis.design.looks else None


def looks_tried(basis: Basis) -> Mapping[str, PlannedLooks]:
    """By the spending of efficacy: the design's own looks first, and the same looks with the common ones beside."""
    own = basis.comparison.looks
    if own is None:
        planned = PlannedLooks(
            fractions=(*(varied(basis).looks or TRIED), 1.0), efficacy=COMMON_SPENDING["pocock"]
        )
        return {name: replace(planned, efficacy=spending) for name, spending in COMMON_SPENDING.items()}
    others = {name: replace(own, efficacy=spending) for name, spending in COMMON_SPENDING.items()}
    return {own_spending(basis) or "": own} | {
        name: one for name, one in others.items() if name != own_spending(basis)
    }


def at_look(spending: str, number: int) -> str:
    return f"{spending}, look {number}"


def ends_at_looks(found: StoppingProbabilities) -> Iterator[float]:
    """The chance that a trial ends at each look, for whatever reason; at the last all that are left do."""
    before = [sum(one) for one in zip(found.efficacy, found.futility, found.harm, strict=True)][:-1]
    yield from before
    yield 1 - math.fsum(before)


def audit_looks(basis: Basis) -> Recorder:
    """For each way to spend the error what the looks cost; for the design's own what each of them does."""
    found = recorder_of(
        basis, LOOKS, "Lan and DeMets 1983", **{"in the protocol": basis.design.looks is not None}
    )
    once = replace(basis.comparison, looks=None)
    found.add("n_events", once.events_by("schoenfeld").n_events, "events", item=ONE_TEST)
    found.add("n_subjects", once.subjects_by("schoenfeld").n_subjects, "subjects", item=ONE_TEST)
    found.add("z", critical_z(once.alpha, once.sides), item=ONE_TEST)
    found.add("power_of_n", once.power_of(basis.n), item=ONE_TEST)
    for name, looks in looks_tried(basis).items():
        _add_costs(found, basis, name, replace(once, looks=looks))
    if own := own_spending(basis):
        _add_looks(found, basis, own)
    return found


def _add_costs(found: Recorder, basis: Basis, name: str, comparison: Comparison) -> None:
    """What a spending asks for, and how many events a trial then has on average."""
    try:
        needed, planned = comparison.events_by("schoenfeld"), _sequential(comparison)
    except ValueError as error:  # futility that is binding leaves too few for this spending
        found.add("inflation", None, note=str(error), item=name)
        return
    found.add("n_events", needed.n_events, "events", item=name)
    found.add("n_events_exact", needed.exact, "events", item=name)
    found.add("n_subjects", comparison.subjects_by("schoenfeld").n_subjects, "subjects", item=name)
    found.add("inflation", planned.inflation, item=name)
    found.add("power_of_n", comparison.power_of(basis.n), item=name)
    for words, drift in (("hypothesis", planned.drift), ("no_effect", 0.0)):
        stops = stopping_probabilities(planned.boundaries, drift)
        found.add(f"n_events_{words}", stops.expected_fraction * needed.exact, "events", item=name)
        found.add(f"ends_early_{words}", math.fsum(list(ends_at_looks(stops))[:-1]), item=name)
    boundaries = planned.boundaries
    for k, (fraction, z) in enumerate(zip(boundaries.fractions, boundaries.efficacy, strict=True), 1):
        found.add("fraction", fraction, item=at_look(name, k))
        found.add("z", z, note=_CANNOT_STOP, item=at_look(name, k))


def _add_looks(found: Recorder, basis: Basis, name: str) -> None:
    """What each look of the design does, with the events that it states or needs."""
    comparison, n_events = basis.comparison, exact_events(basis)
    planned, drift = _sequential(comparison), comparison.drift(n_events)
    boundaries = planned.boundaries
    hypothesis, null = (stopping_probabilities(boundaries, at) for at in (drift, 0.0))
    efficacy, futility = boundaries.hazard_ratios(n_events, share_treated=comparison.share_treated)
    columns: dict[str, tuple[float | None, ...]] = {
        "p_value": boundaries.p_values,
        "hazard_ratio": efficacy,
        "risk_difference": _differences(comparison, efficacy),
        "alpha_spent": tuple(comparison.sides * spent for spent in planned.alpha_spent),
        "power": tuple(accumulate(hypothesis.efficacy)),
        "ends_hypothesis": tuple(ends_at_looks(hypothesis)),
        "ends_no_effect": tuple(ends_at_looks(null)),
    }
    if boundaries.futility is not None and futility is not None and planned.beta_spent is not None:
        columns |= {
            "futility_z": tuple(
                None if ratio is None else z for z, ratio in zip(boundaries.futility, futility, strict=True)
            ),
            "futility_hazard_ratio": futility,
            "beta_spent": planned.beta_spent,
            "futile_hypothesis": hypothesis.futility,
            "futile_no_effect": null.futility,
        }
    for k, fraction in enumerate(boundaries.fractions, 1):
        item = at_look(name, k)
        found.add("n_events", math.ceil(fraction * n_events), "events", item=item)
        found.add("n_events_exact", fraction * n_events, "events", item=item)
        for statistic, values in columns.items():
            found.add(statistic, values[k - 1], note=_CANNOT_STOP, item=item)
        if has_calendar(basis):
            month, _ = month_of_events(survival_design(basis), basis.n, fraction * n_events)
            found.add("month", month, "months", note="not reached", item=item)


def _differences(comparison: Comparison, ratios: tuple[float | None, ...]) -> tuple[float | None, ...]:
    """Risk of the controls less that of the treated, if the controls' is as assumed, at each hazard ratio."""
    rate = comparison.reference_rate
    return tuple(None if ratio is None else rate - risk_under_hazard_ratio(rate, ratio) for ratio in ratios)


def _sequential(comparison: Comparison) -> GroupSequentialDesign:
    assert comparison.sequential is not None  # noqa: S101 -- asked for only with looks
    return comparison.sequential
