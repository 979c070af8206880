"""What a design does: rates and means over simulated trials, each with the error of having simulated only so many."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from trialwright.design.survival_simulation.looks import Look
from trialwright.design.survival_simulation.risk_sets import Flags
from trialwright.statistics.arrays import Floats
from trialwright.statistics.significance import normal_limits


@dataclass(frozen=True, slots=True)
class Estimated:
    """A number found by simulation.

    Attributes
    ----------
    value : float
    std_error : float or None
        Monte-Carlo standard error. None where it cannot be told: from a single trial, or where all trials did or none
        did; then the rate differs from `value` by up to 3 / `n_trials` (95 %).
    n_trials : int
        Trials it was found from.
    """

    value: float
    std_error: float | None
    n_trials: int


@dataclass(frozen=True, slots=True)
class LookCharacteristics:
    """What happens at one look.

    Attributes
    ----------
    reached : Estimated
        Rate of trials that got so many events or days; the others are looked at when all is over.
    benefit_shown, harm_shown, stopped_for_futility : Estimated
        Rate of all trials that end here, and so.
    ends : Estimated
        Rate of all trials that end here, for whatever reason; at the last look all that are left.
    testable : Estimated
        Rate of trials whose events can tell the groups apart; the others show nothing here.
    n_subjects, n_events, day : Estimated
        Means of those entered, of the events found, and of the day of the look, over all trials, ended before or not.
    """

    reached: Estimated
    benefit_shown: Estimated
    harm_shown: Estimated
    stopped_for_futility: Estimated
    ends: Estimated
    testable: Estimated
    n_subjects: Estimated
    n_events: Estimated
    day: Estimated


@dataclass(frozen=True, slots=True)
class OperatingCharacteristics:
    """What a design does.

    Attributes
    ----------
    looks : tuple of LookCharacteristics
    benefit_shown, harm_shown, stopped_for_futility : Estimated
        Rates over all looks. Power is `benefit_shown`; with a hazard ratio of 1 the two-sided type I error is that and
        `harm_shown` together, `rejected`.
    rejected : Estimated
        Rate of trials that show either.
    n_subjects, n_events, day : Estimated
        Means at the look that ends a trial: entered, events found, day since the trial opened.
    hazard_ratio : Estimated or None
        Geometric mean of the estimates at that look, of trials that have one; None if none has, or it was not asked for.
    coverage : Estimated or None
        Rate of their normal 95 % limits that hold the true hazard ratio; None if that is not one number.
    """

    looks: tuple[LookCharacteristics, ...]
    benefit_shown: Estimated
    harm_shown: Estimated
    stopped_for_futility: Estimated
    rejected: Estimated
    n_subjects: Estimated
    n_events: Estimated
    day: Estimated
    hazard_ratio: Estimated | None
    coverage: Estimated | None

    def table(self) -> pl.DataFrame:
        """One row a number: `quantity`, `look` (from 1; empty for all together), `estimate`, `std_error`, `n_trials`."""
        rows = [*_rows(self, None)]
        for number, look in enumerate(self.looks, start=1):
            rows += _rows(look, number)
        schema = {
            "quantity": pl.String, "look": pl.Int64, "estimate": pl.Float64, "std_error": pl.Float64,
            "n_trials": pl.Int64,
        }  # fmt: skip
        return pl.DataFrame(rows, schema=schema, orient="row")


def operating_characteristics(
    trials: pl.DataFrame, looks: Sequence[Look], *, hazard_ratio: float | None
) -> OperatingCharacteristics:
    """Say what comes of simulated trials under the bounds of their looks.

    Parameters
    ----------
    trials : DataFrame
        One row a trial and look, as `simulate_trials` gives them.
    looks : sequence of Look
    hazard_ratio : float or None
        The true one, if it is one number.
    """
    column = {name: trials[name].to_numpy().reshape(-1, len(looks)) for name in trials.columns}
    z = column["z"]
    benefit, harm, futility = (
        _crossed(z, [look.efficacy for look in looks], above=True),
        _crossed(z, [look.harm for look in looks], above=False),
        _crossed(z, [look.futility for look in looks], above=False),
    )
    futility &= ~(harm | benefit | _crossed(z, [_below(look.futility_from) for look in looks], above=False))
    ends = benefit | harm | futility
    ends[:, -1] = True
    is_end = np.zeros_like(ends)
    at_end = np.arange(len(ends)), ends.argmax(axis=1)
    is_end[at_end] = True
    means = ("n_subjects", "n_events", "day")
    log_ratio, error = column["log_hazard_ratio"][at_end], column["std_error"][at_end]
    has_ratio = ~np.isnan(log_ratio)
    return OperatingCharacteristics(
        looks=tuple(
            LookCharacteristics(
                reached=_rate(column["is_reached"][:, i]),
                benefit_shown=_rate((benefit & is_end)[:, i]),
                harm_shown=_rate((harm & is_end)[:, i]),
                stopped_for_futility=_rate((futility & is_end)[:, i]),
                ends=_rate(is_end[:, i]),
                testable=_rate(~np.isnan(z[:, i])),
                **{name: _mean(column[name][:, i]) for name in means},
            )
            for i in range(len(looks))
        ),
        benefit_shown=_rate(benefit[at_end]),
        harm_shown=_rate(harm[at_end]),
        stopped_for_futility=_rate(futility[at_end]),
        rejected=_rate((benefit | harm)[at_end]),
        **{name: _mean(column[name][at_end]) for name in means},
        hazard_ratio=_geometric_mean(log_ratio[has_ratio]),
        coverage=_coverage(log_ratio[has_ratio], error[has_ratio], hazard_ratio),
    )


def _crossed(z: Floats, bounds: Sequence[float | None], *, above: bool) -> Flags:
    """Where a bound is reached or passed; what could not be tested crosses nothing."""
    sign = 1.0 if above else -1.0
    limits = np.array([math.inf if bound is None else sign * bound for bound in bounds])
    return np.asarray(sign * z >= limits)


def _below(bound: float | None) -> float | None:
    """The largest z below a bound."""
    return None if bound is None else math.nextafter(bound, -math.inf)


def _rate(did: Flags) -> Estimated:
    n, rate = len(did), float(did.mean())
    return Estimated(rate, math.sqrt(rate * (1 - rate) / n) if 0 < rate < 1 else None, n)


def _mean(values: Floats) -> Estimated:
    n = len(values)
    return Estimated(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else None, n)


def _geometric_mean(logarithms: Floats) -> Estimated | None:
    if not len(logarithms):
        return None
    mean = _mean(logarithms)
    value = math.exp(mean.value)
    return Estimated(value, None if mean.std_error is None else value * mean.std_error, mean.n_trials)


def _coverage(log_ratios: Floats, std_errors: Floats, truth: float | None) -> Estimated | None:
    if truth is None or not len(log_ratios):
        return None
    _, half_width = normal_limits(0.0, 1.0, 0.95)
    return _rate(np.abs(log_ratios - math.log(truth)) <= half_width * std_errors)


def _rows(holder: object, look: int | None) -> Iterator[tuple[object, ...]]:
    for part in fields(holder):  # type: ignore[arg-type]
        number = getattr(holder, part.name)
        if isinstance(number, Estimated):
            yield part.name, look, number.value, number.std_error, number.n_trials
