"""What a stated number of subjects can show of the rate in a single group, and how a boundary watches that rate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from trialwright.analysis.results import Recorder
from trialwright.derivations.stopping_boundary import compute_boundary
from trialwright.design.assumptions import DAYS_A_MONTH, Basis, months_of
from trialwright.design.comparison_audit import recorder_of, varied
from trialwright.design.comparison_audit import reference_rates as reference_rates
from trialwright.protocol.model import Boundary as Described
from trialwright.statistics.boundaries import Boundary, operating_characteristics
from trialwright.statistics.distributions import binomial_cdf
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.late_events import (
    Estimate,
    EventTimes,
    MonitoringPlan,
    Stopping,
    even_entries,
    pocock_boundary_for_late_events,
    simulate_stopping,
    stopping_at_complete_windows,
)
from trialwright.statistics.person_time import (
    PersonTimeBoundary,
    person_time_boundary,
    person_time_characteristics,
)
from trialwright.statistics.rate_precision import interval_precision
from trialwright.statistics.single_arm import (
    MOST_SUBJECTS,
    MOST_SUBJECTS_OF_TWO_STAGES,
    SingleStage,
    SingleStageSubjects,
    TwoStage,
    fitting_hypotheses,
    simon_designs,
    single_stage,
    single_stage_by_n,
    single_stage_subjects,
    smallest_target_rate,
)

EXCLUSION, HYPOTHESES, BOUNDARY = (f"design {part}" for part in ("exclusion", "hypotheses", "boundary"))
SIZES, TWO_STAGES, FITTING = (f"design {part}" for part in ("sizes", "two stages", "fitting"))
"""The ids of the rows; no analysis can be named so."""
CONFIDENCE = 0.95
"""Of the exact limits that are printed beside the level of the design."""
TRIALS = 2_000
"""Virtual trials behind each number of a boundary whose events come late, where nobody asks for more."""
SEED = 1
CALIBRATION_TRIALS, CALIBRATION_SEED = 10_000, 2
"""Virtual trials that choose the level of a recalibrated boundary: others than those that show what it does."""
_WEEK = 7 / DAYS_A_MONTH
_MOST_EVENTS = 10
FIRST, LASTING = "first", "lasting"
"""The fewest patients that reach the power, and those from which on every number does."""
OPTIMAL, MINIMAX = "optimal", "minimax"
AROUND = 3
"""Percentage points around the design's own rates within which pairs of rates are tried."""
_MOST_SIZES = 300
"""Numbers of patients whose power is told; where more are needed, the largest of them."""
_MOST_FITTED = 100
"""Pairs of rates are fitted to no more patients, for each of them takes a search among all designs of two stages."""
AT_ONCE, COMPLETE, PERSON_TIME = "event or time over", "time over", "person-time"
"""When a patient counts for a boundary whose events come late; or that time under watch counts instead of patients."""
RECALIBRATED = "recalibrated"
"""Patients count as for `AT_ONCE`, and the level of the boundary is chosen for events that come late."""
RULES = (AT_ONCE, RECALIBRATED, COMPLETE, PERSON_TIME)


def audit_single_group(basis: Basis, *, trials: int = TRIALS, seed: int = SEED) -> Iterator[Recorder]:
    """The audit, part by part."""
    yield exclude_rates(basis)
    yield try_hypotheses(basis)
    if 0 < basis["rate"] < 1:
        yield try_sizes(basis)
        yield try_two_stages(basis)
    yield find_fitting(basis)
    if boundaries := dict(boundaries_of(basis)):
        yield characterise_boundaries(basis, boundaries, trials=trials, seed=seed)


def is_harm(basis: Basis) -> bool:
    """Whether the rate is to be shown low: the one expected is below the reference."""
    return basis["rate"] < basis["reference rate"]


def true_rates(basis: Basis) -> tuple[float, ...]:
    """The true rates for which is told what the study would do, the one expected among them."""
    return tuple(sorted({*varied(basis).rate, basis["rate"]}))


def most_events(basis: Basis) -> int:
    """The largest number of events whose limits are told."""
    return min(_MOST_EVENTS, basis.n)


# --- ids of the rows ----------------------------------------------------------------------------------------------------


def at_events(n_events: int) -> str:
    return f"{n_events} events"


def at_reference(reference: float) -> str:
    return f"reference {100 * reference:g} %"


def at_rates(reference: float, rate: float) -> str:
    return f"{at_reference(reference)}, true {100 * rate:g} %"


def at_size(n: int) -> str:
    return f"{n} patients"


def at_look(id_: str, n: int) -> str:
    return f"{id_} look {n}"


def at_fit(design: str, reference: float, rate: float) -> str:
    return f"{design}: {at_rates(reference, rate)}"


def at_rate(id_: str, rate: float, *counted: str) -> str:
    return ", ".join((f"{id_} if {100 * rate:g} %", *counted))


# --- what n can exclude -------------------------------------------------------------------------------------------------


def exclude_rates(basis: Basis) -> Recorder:
    """Exact limits by the number of events: larger rates are excluded."""
    found = recorder_of(basis, EXCLUSION, "Clopper and Pearson 1934", **{"conf level": CONFIDENCE})
    for one in interval_precision(basis.n, range(most_events(basis) + 1), conf_level=CONFIDENCE):
        item = at_events(one.n_events)
        found.add("rate", one.estimate, "proportion", item=item)
        found.add("conf_low", one.conf_low, "proportion", item=item)
        found.add("conf_high", one.conf_high, "proportion", item=item)
        found.add("excluded_one_sided", one.excluded_one_sided, "proportion", item=item)
    return found


def try_hypotheses(basis: Basis) -> Recorder:
    """For each reference rate: how many events still exclude it, and which true rates let that happen often enough."""
    found = recorder_of(basis, HYPOTHESES, "exact binomial")
    alpha = alpha_of_one_side(basis)
    for reference in reference_rates(basis):
        null = counted_rate(basis, reference)
        deciding = single_stage(basis.n, null_rate=null, target_rate=(1 + null) / 2, alpha=alpha)
        _add_deciding(found, basis, at_reference(reference), deciding)
        for rate in true_rates(basis):
            chance = None
            if _is_alternative(basis, reference, rate):
                chance = _chance(basis, deciding, rate)
            found.add(
                "power", chance, note="to show it would be a false alarm", item=at_rates(reference, rate)
            )
        shown = smallest_target_rate(basis.n, null_rate=null, alpha=alpha, power=basis["power"])
        value = None if shown is None else counted_rate(basis, shown)
        note = f"no rate is shown with {100 * basis['power']:g} %"
        found.add("rate_shown", value, "proportion", note=note, item=at_reference(reference))
    return found


def counted_rate(basis: Basis, rate: float) -> float:
    """The rate that is counted: to show that events are rare, those without one are."""
    return 1 - rate if is_harm(basis) else rate


def _is_alternative(basis: Basis, reference: float, rate: float) -> bool:
    return rate < reference if is_harm(basis) else rate > reference


def _chance(basis: Basis, stage: SingleStage, rate: float) -> float:
    """The chance of a number of events that shows it, at a true rate."""
    if stage.events_needed is None:
        return 0.0
    return 1 - binomial_cdf(stage.events_needed - 1, basis.n, counted_rate(basis, rate))


def alpha_of_one_side(basis: Basis) -> float:
    """The largest chance of a false alarm, at one side."""
    return basis["alpha"] / basis["sides"]


def _add_deciding(found: Recorder, basis: Basis, item: str, stage: SingleStage) -> None:
    """The number of events that decides: the most that exclude a harm, the fewest that show a benefit."""
    needed = stage.events_needed
    events = None if needed is None else _deciding(basis, needed, stage.n)
    found.add("n_events_deciding", events, "events", note="no number of events", item=item, n=stage.n)
    found.add("type_1_error", stage.type_1_error, item=item, n=stage.n)


def _deciding(basis: Basis, counted: int, n: int) -> int:
    """Events among n patients of whom so many are counted."""
    return n - counted if is_harm(basis) else counted


# --- other numbers of patients ------------------------------------------------------------------------------------------


def try_sizes(basis: Basis) -> Recorder:
    """Power of the design's own hypothesis by the number of patients: a saw-tooth, for events are whole."""
    found = recorder_of(basis, SIZES, "exact binomial")
    needed = subjects_of(basis)
    for item, one in ((FIRST, needed and needed.first), (LASTING, needed and needed.lasting)):
        note = f"only more than {MOST_SUBJECTS:,} are certainly enough"
        found.add("n_subjects", one.n if one else None, "subjects", note=note, item=item)
    enough = needed.lasting.n if needed else basis.n
    most = min(MOST_SUBJECTS, max(math.ceil(1.5 * enough), basis.n))
    always = {basis.n, needed.first.n, needed.lasting.n} if needed else {basis.n}
    for stage in stages_of(basis, most):
        if stage.n > most - _MOST_SIZES or stage.n in always:
            item = at_size(stage.n)
            _add_deciding(found, basis, item, stage)
            found.add("power", stage.power, item=item, n=stage.n)
    return found


def stages_of(basis: Basis, largest_n: int) -> tuple[SingleStage, ...]:
    """What 1, 2, ... patients can show of the design's own hypothesis."""
    return single_stage_by_n(
        largest_n,
        null_rate=counted_rate(basis, basis["reference rate"]),
        target_rate=counted_rate(basis, basis["rate"]),
        alpha=alpha_of_one_side(basis),
    )


def subjects_of(basis: Basis) -> SingleStageSubjects | None:
    """The patients that one stage needs; None where the rates are too close to each other."""
    try:
        return single_stage_subjects(
            null_rate=counted_rate(basis, basis["reference rate"]),
            target_rate=counted_rate(basis, basis["rate"]),
            alpha=alpha_of_one_side(basis),
            power=basis["power"],
        )
    except ValueError:
        return None


def try_two_stages(basis: Basis) -> Recorder:
    """Simon's optimal and minimax designs for the design's own hypothesis; none where they need too many patients."""
    found = recorder_of(basis, TWO_STAGES, "Simon 1989")
    try:
        designs = simon_designs(
            null_rate=counted_rate(basis, basis["reference rate"]),
            target_rate=counted_rate(basis, basis["rate"]),
            alpha=alpha_of_one_side(basis),
            power=basis["power"],
        )
    except ValueError:  # rates too close to each other
        note = f"none found among those of at most {MOST_SUBJECTS_OF_TWO_STAGES} patients"
        for item in (OPTIMAL, MINIMAX):
            found.add("n_subjects", None, "subjects", note=note, item=item)
        return found
    _add_two_stages(found, basis, OPTIMAL, designs.optimal)
    _add_two_stages(found, basis, MINIMAX, designs.minimax)
    return found


def _add_two_stages(found: Recorder, basis: Basis, item: str, one: TwoStage) -> None:
    """A design in Simon's notation, and with the events that stop it and that decide.

    A harm stops it with many events: with as few patients without one as `r1`.
    """
    found.add("n_first_stage", one.n1, "subjects", item=item)
    found.add("n_subjects", one.n, "subjects", item=item)
    found.add("r1", one.r1, item=item)
    found.add("r", one.r, item=item)
    found.add("n_events_stopping", _deciding(basis, one.r1, one.n1), "events", item=item)
    found.add("n_events_deciding", _deciding(basis, one.r + 1, one.n), "events", item=item)
    for rate, power, stops, expected in (
        (basis["reference rate"], one.type_1_error, one.stop_early, one.expected_n),
        (basis["rate"], one.power, one.stop_early_if_target, one.expected_n_if_target),
    ):
        here = at_rate(item, rate)
        found.add("power", power, item=here)
        found.add("stop_early", stops, item=here)
        found.add("expected_n", expected, "subjects", item=here)


def rates_around(rate: float) -> tuple[float, ...]:
    """Whole percentages near a rate."""
    middle = round(100 * rate)
    return tuple(i / 100 for i in range(middle - AROUND, middle + AROUND + 1) if 0 < i < 100)


def find_fitting(basis: Basis) -> Recorder:
    """The pairs of rates near the design's own for which a design asks for just the stated number."""
    found = recorder_of(basis, FITTING, "exact binomial; Simon 1989")
    references, rates = (rates_around(basis[key]) for key in ("reference rate", "rate"))
    n_pairs = sum(_is_alternative(basis, reference, rate) for reference in references for rate in rates)
    if not 2 <= basis.n <= _MOST_FITTED:
        note = f"not looked for but with two to {_MOST_FITTED} patients"
        found.add_missing(("n_pairs", "n_pairs_fitting"), note)
        return found
    counted = {counted_rate(basis, rate): rate for rate in (*references, *rates)}
    fitting = fitting_hypotheses(
        basis.n,
        null_rates=[counted_rate(basis, rate) for rate in references],
        target_rates=[counted_rate(basis, rate) for rate in rates],
        alpha=alpha_of_one_side(basis),
        power=basis["power"],
    )
    found.add("n_pairs", n_pairs, "pairs")
    found.add("n_pairs_fitting", len({(one.null_rate, one.target_rate) for one in fitting}), "pairs")
    for one in fitting:
        reference, rate = counted[one.null_rate], counted[one.target_rate]
        item = at_fit(one.design, reference, rate)
        found.add("reference_rate", reference, "proportion", item=item)
        found.add("true_rate", rate, "proportion", item=item)
        deciding = _deciding(basis, one.events_needed, basis.n)
        found.add("n_events_deciding", deciding, "events", item=item)
        found.add("type_1_error", one.type_1_error, item=item)
        found.add("power", one.power, item=item)
    return found


# --- boundaries ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Watched:
    """A boundary of the protocol, computed, and what stands beside it; `window` is the time in which a patient is watched,
    in weeks. `recalibrated` is there where the boundary is of Pocock's type and the design says when events come."""

    described: Described
    boundary: Boundary
    person_time: PersonTimeBoundary | None
    window: float
    recalibrated: Boundary | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        """Those of `RULES` that can be told."""
        beside = {RECALIBRATED: self.recalibrated, PERSON_TIME: self.person_time}
        return tuple(rule for rule in RULES if beside.get(rule, self.boundary) is not None)


def boundaries_of(basis: Basis) -> Iterator[tuple[str, Watched]]:
    """The boundaries under `monitoring` that can be computed, with the person-time boundary that stands beside."""
    for id_, watched in basis.loaded.protocol.monitoring.items():
        said = watched.computed_boundary
        if said is None or said.reference_rate is None:
            continue
        try:
            computed = compute_boundary(basis.loaded.protocol, said)
        except NotEstimable:
            continue
        window = (months_of(said.judged_after) if said.judged_after else basis.horizon) / _WEEK
        beside = None
        if said.alpha is not None:
            beside = person_time_boundary(
                n_patients=basis.n, window=window, reference_rate=said.reference_rate, alpha=said.alpha
            )
        one = Watched(said, computed, beside, window)
        yield id_, replace(one, recalibrated=_recalibrated(basis, one))


def _recalibrated(basis: Basis, watched: Watched) -> Boundary | None:
    """The boundary with the level at which virtual trials with late events have no more false alarms than it allows."""
    said = watched.described
    if (
        said.kind != "pocock"
        or said.alpha is None
        or said.reference_rate is None
        or not has_late_events(basis)
    ):
        return None
    try:
        return pocock_boundary_for_late_events(
            watched.boundary.n,
            plan_of(basis, watched),
            reference_rate=said.reference_rate,
            alpha=said.alpha,
            n_trials=CALIBRATION_TRIALS,
            seed=CALIBRATION_SEED,
        )
    except NotEstimable:
        return None


def boundary_rates(basis: Basis, watched: Watched) -> tuple[float, ...]:
    """The true rates at which a boundary is characterised, its reference rate among them."""
    return tuple(sorted({*true_rates(basis), watched.described.reference_rate or 0.0} - {0.0}))


def characterise_boundaries(
    basis: Basis, boundaries: Mapping[str, Watched], *, trials: int, seed: int
) -> Recorder:
    """Each boundary with its looks, and how often it is crossed: events at once, and events that come late."""
    found = recorder_of(basis, BOUNDARY, "exact; virtual trials where events come late")
    for id_, watched in boundaries.items():
        for n, events in zip(watched.boundary.n, watched.boundary.events_to_stop, strict=True):
            found.add(
                "events_to_stop",
                events,
                "events",
                note="not even an event in everybody",
                item=at_look(id_, n),
                n=n,
            )
        if watched.recalibrated is not None:
            conventions = dict(watched.recalibrated.conventions)
            for n, events in zip(watched.recalibrated.n, watched.recalibrated.events_to_stop, strict=True):
                found.add(
                    "events_to_stop",
                    events,
                    "events",
                    note="not even an event in everybody",
                    item=at_look(f"{id_} {RECALIBRATED}", n),
                    n=n,
                    conventions=conventions,
                )
        for rate in boundary_rates(basis, watched):
            _add_exact(found, id_, watched, rate)
            if has_late_events(basis):
                _add_late(found, basis, id_, watched, rate, trials=trials, seed=seed)
    return found


def has_late_events(basis: Basis) -> bool:
    """Whether the design says when events come and how fast patients enter."""
    return all(key in basis for key in ("accrual", "earliest event", "median event", "latest event"))


def plan_of(basis: Basis, watched: Watched) -> MonitoringPlan:
    """Patients who enter evenly, and events as late as the design assumes; in weeks."""
    times = tuple(basis[key] / _WEEK for key in ("earliest event", "median event", "latest event"))
    n = max(basis.n, watched.boundary.n[-1])
    entries = even_entries(n, per_unit=basis.n / (basis["accrual"] / _WEEK))
    return MonitoringPlan(entries, watched.window, EventTimes(times, (0, 0.5, 1)))


def _add_exact(found: Recorder, id_: str, watched: Watched, rate: float) -> None:
    at_once = operating_characteristics(watched.boundary, rate)
    item = at_rate(id_, rate)
    found.add("probability_to_cross", at_once.probability_to_cross, item=item)
    found.add("n_until_stop", at_once.expected_n, "subjects", item=item)
    if watched.person_time is not None:
        beside = person_time_characteristics(watched.person_time, rate)
        found.add("probability_to_cross", beside.probability_to_cross, item=at_rate(id_, rate, PERSON_TIME))


def _add_late(
    found: Recorder, basis: Basis, id_: str, watched: Watched, rate: float, *, trials: int, seed: int
) -> None:
    plan = plan_of(basis, watched)
    beside = {AT_ONCE: watched.boundary, RECALIBRATED: watched.recalibrated, PERSON_TIME: watched.person_time}
    rules = {rule: one for rule, one in beside.items() if one is not None}
    simulated = simulate_stopping(list(rules.values()), plan, rate=rate, n_trials=trials, seed=seed)
    told = dict(zip(rules, simulated, strict=True))
    told[COMPLETE] = stopping_at_complete_windows(watched.boundary, plan, rate)
    for counted in watched.rules:
        item = at_rate(id_, rate, "late", counted)
        for statistic, (estimate, unit) in _stopping_numbers(told[counted]).items():
            conventions = dict(told[counted].conventions) | {"true rate": rate}
            why = "no virtual trial stopped"
            value = None if estimate is None else estimate.value
            found.add(statistic, value, unit, note=why, item=item, conventions=conventions)
            error = None if estimate is None else estimate.std_error
            found.add(f"{statistic}_std_error", error, unit, note=why, item=item, conventions=conventions)


def _stopping_numbers(one: Stopping) -> dict[str, tuple[Estimate | None, str]]:
    return {
        "probability_to_stop": (one.probability_to_stop, ""),
        "n_treated_if_stopped": (one.n_treated_if_stopped, "subjects"),
        "n_events_if_stopped": (one.n_events_if_stopped, "events"),
        "n_events_of_treated": (one.n_events_of_treated, "events"),
        "weeks_if_stopped": (one.time_if_stopped, "weeks"),
    }
