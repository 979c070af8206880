"""What a stated number of subjects implies for a comparison of two groups, assumption by assumption.

Nothing here says what anybody must have assumed: several sets of assumptions reach one number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from trialwright.analysis.results import Recorder
from trialwright.design.assumptions import Basis, months_of, read_basis, scenarios_of
from trialwright.design.reach import FORMULAS, METHODS, Comparison, reference_rate_reaching
from trialwright.protocol.model import Variation
from trialwright.statistics.weighting import Target
from trialwright.statistics.weighting_cost import weighting_cost
from trialwright.vocabulary.documents import dotted

EVENTS, SETS, REACH, POWER, WEIGHTS = (
    f"design {part}" for part in ("events", "sets", "reach", "power", "weights")
)
"""The ids of the rows; no analysis can be named so."""
TARGETS: tuple[Target, ...] = ("overlap", "everyone")
_FORMULA = "Schoenfeld 1983"


def audit_comparison(basis: Basis) -> Iterator[Recorder]:
    """The audit, part by part."""
    yield count_events(basis)
    yield try_sets(basis)
    yield find_reach(basis)
    yield work_out_power(basis)
    if varied(basis).spread_of_propensity:
        yield cost_weights(basis)


def varied(basis: Basis) -> Variation:
    """The values that the design is worked out for."""
    return basis.design.vary or Variation()


def reference_rates(basis: Basis) -> tuple[float, ...]:
    """The rates without the treatment, or held against, that are worked out; the one assumed among them."""
    return _with(varied(basis).reference_rate, basis["reference rate"])


def events_needed(basis: Basis) -> int:
    """The number of events that the design states, or else Schoenfeld's."""
    return math.ceil(exact_events(basis))


def exact_events(basis: Basis) -> float:
    """The same, not rounded."""
    if basis.design.events is not None:
        return basis.design.events
    return basis.comparison.events_by("schoenfeld").exact


def shares(basis: Basis) -> tuple[float, ...]:
    """The shares of treated subjects, the one assumed first."""
    assumed = basis["share treated"]
    return assumed, *(share for share in varied(basis).share_treated if share != assumed)


def losses(basis: Basis) -> tuple[float, ...]:
    return _with(varied(basis).loss, basis["loss"])


def hazard_ratios(basis: Basis) -> tuple[float, ...]:
    return _with(varied(basis).hazard_ratio, basis["hazard ratio"])


def follow_ups(basis: Basis) -> tuple[float, ...]:
    """Months for which each subject is followed."""
    return _with(tuple(map(months_of, varied(basis).follow_up)), basis.horizon)


def _with(values: tuple[float, ...], one: float) -> tuple[float, ...]:
    return tuple(sorted({*values, one}))


# --- ids of the rows ----------------------------------------------------------------------------------------------------


def at_share(method: str, share: float) -> str:
    return f"{method}, {100 * share:g} % treated"


def at_loss(method: str, loss: float) -> str:
    return f"{method}, {100 * loss:g} % lost"


def at_point(rate: float, key: str, value: float) -> str:
    """A point of the grid of power: a risk among controls, and one other assumption that differs from the design's own."""
    return f"{100 * rate:g} % among controls, {key} {value:g}"


def at_spread(spread: float, target: Target | None = None) -> str:
    return f"spread {spread:g}" if target is None else f"spread {spread:g}, {target}"


# --- parts --------------------------------------------------------------------------------------------------------------


def recorder_of(basis: Basis, analysis: str, method: str, **conventions: object) -> Recorder:
    """A recorder whose rows name what the design rests on."""
    source = "; ".join(dotted(one.path) for one in basis.numbers.values())
    stated = {key: one.value for key, one in basis.numbers.items()} | conventions
    return Recorder(analysis, method, source, basis.design.endpoint, basis.n, stated)


def count_events(basis: Basis) -> Recorder:
    """Events that the survival formulas ask for, by the share of treated, and the share of n that is."""
    found = recorder_of(basis, EVENTS, "Schoenfeld 1983; Freedman 1982")
    for share, formula in product(shares(basis), FORMULAS):
        needed = replace(basis.comparison, share_treated=share).events_by(formula)
        item = at_share(formula, share)
        found.add("n_events", needed.n_events, "events", item=item)
        found.add("n_events_exact", needed.exact, "events", item=item)
        found.add("share_of_n", needed.exact / basis.n, item=item)
    return found


def try_sets(basis: Basis) -> Recorder:
    """Every scenario that names its formula: the number it asks for, and what the stated number would show under it."""
    found = recorder_of(basis, SETS, "by the formula of the scenario")
    for id_, scenario in scenarios_of(basis.loaded):
        if scenario.method is None:
            continue
        one = read_basis(basis.loaded, id_)
        said = {"formula": scenario.method} | {key: number.value for key, number in one.numbers.items()}
        comparison = one.comparison
        needed = comparison.subjects_by(scenario.method)
        numbers = {
            "n_subjects": (needed.n_subjects, "subjects"),
            "share_of_n": (needed.n_subjects / basis.n, ""),
            "treated_rate": (comparison.treated_rate, ""),
            "overall_rate": (comparison.overall_rate, ""),
            "n_events_expected": (comparison.events_among(basis.n), "events"),
            "power": (comparison.power_of(basis.n), ""),
        }
        for statistic, (value, unit) in numbers.items():
            found.add(statistic, value, unit, item=id_, conventions=said)
    return found


def find_reach(basis: Basis) -> Recorder:
    """The risk among controls from which each formula asks for no more than n, by loss."""
    found = recorder_of(basis, REACH, "solved for the reference rate")
    for method, loss in product(METHODS, losses(basis)):
        rate = reference_rate_reaching(basis.n, method, replace(basis.comparison, loss=loss))
        note = "no risk is high enough" if rate is None else ""
        found.add("reference_rate", rate, note=note, item=at_loss(method, loss), conventions={"loss": loss})
    return found


def work_out_power(basis: Basis) -> Recorder:
    """Power of the stated number over background risk, and one other assumption at a time."""
    found = recorder_of(basis, POWER, _FORMULA)
    grids: dict[str, tuple[float, ...]] = {
        "hazard ratio": hazard_ratios(basis),
        "loss": losses(basis),
        "share treated": shares(basis),
    }
    for key, values in grids.items():
        for rate, value in product(reference_rates(basis), values):
            one = _varied(basis.comparison, rate, key, value)
            found.add("power", one.power_of(basis.n), item=at_point(rate, key, value))
    return found


def _varied(comparison: Comparison, rate: float, key: str, value: float) -> Comparison:
    return replace(comparison, reference_rate=rate, **{key.replace(" ", "_"): value})  # type: ignore[arg-type]


def cost_weights(basis: Basis) -> Recorder:
    """What making the groups alike by weights would leave of the stated number."""
    found = recorder_of(basis, WEIGHTS, "Kish 1965; Shook-Sa and Hudgens 2022")
    for spread, share in product(varied(basis).spread_of_propensity, shares(basis)):
        for target in TARGETS:
            cost = weighting_cost(share_treated=share, spread=spread, target=target)
            item = f"{at_spread(spread, target)}, {100 * share:g} % treated"
            comparison = replace(basis.comparison, share_treated=share)
            found.add("inflation", cost.inflation, item=item)
            found.add("n_effective", basis.n / cost.inflation, "subjects", item=item)
            found.add("power", comparison.power_of(basis.n / cost.inflation), item=item)
            if target == TARGETS[0]:
                found.add(
                    "c_statistic", cost.c_statistic, item=f"{at_spread(spread)}, {100 * share:g} % treated"
                )
    return found
