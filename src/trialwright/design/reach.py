"""What a stated number of subjects reaches, and which assumptions reach it: the formulas of a comparison turned around."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from trialwright.statistics.distributions import smallest
from trialwright.statistics.sample_size import (
    EventFormula,
    EventsNeeded,
    Sides,
    SubjectsNeeded,
    control_risk_needed,
    freedman_events,
    overall_risk,
    risk_under_hazard_ratio,
    schoenfeld_events,
    schoenfeld_power,
    subjects_for_events,
    two_proportion_subjects,
)

Method = Literal["two proportions"] | EventFormula
METHODS: tuple[Method, ...] = ("two proportions", "freedman", "schoenfeld")
FORMULAS: tuple[EventFormula, ...] = ("schoenfeld", "freedman")
_LARGEST_LOG_RATIO = 5.0
_STEP = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A set of assumptions about two groups; arguments as in `statistics.sample_size`."""

    hazard_ratio: float
    reference_rate: float
    share_treated: float
    loss: float
    alpha: float
    sides: Sides
    power: float

    @property
    def treated_rate(self) -> float:
        """Risk of the treated where hazards are proportional."""
        return risk_under_hazard_ratio(self.reference_rate, self.hazard_ratio)

    @property
    def overall_rate(self) -> float:
        """Risk over all subjects."""
        return overall_risk(self.reference_rate, self.hazard_ratio, share_treated=self.share_treated)

    def events_among(self, n: float) -> float:
        """Events that `n` subjects are expected to have, the lost giving none."""
        return n * (1 - self.loss) * self.overall_rate

    def events_by(self, formula: EventFormula) -> EventsNeeded:
        """Events by the formula of a log-rank test."""
        events = schoenfeld_events if formula == "schoenfeld" else freedman_events
        return events(
            self.hazard_ratio, alpha=self.alpha, sides=self.sides, power=self.power, share_treated=self.share_treated
        )  # fmt: skip

    def subjects_by(self, method: Method) -> SubjectsNeeded:
        """Subjects that a formula asks for."""
        if method == "two proportions":
            return two_proportion_subjects(
                self.reference_rate, self.treated_rate, alpha=self.alpha, sides=self.sides, power=self.power,
                share_treated=self.share_treated, loss=self.loss,
            )  # fmt: skip
        return subjects_for_events(self.events_by(method), control_risk=self.reference_rate, loss=self.loss)

    def power_of(self, n: float) -> float:
        """Power of a log-rank test with the events that `n` subjects are expected to have, by Schoenfeld's formula.

        At a hazard ratio of 1 it is the chance that the test finds the treated better, a false alarm.
        """
        if self.hazard_ratio == 1:
            return self.alpha / self.sides
        return schoenfeld_power(
            self.events_among(n), self.hazard_ratio, alpha=self.alpha, sides=self.sides, share_treated=self.share_treated
        )  # fmt: skip


def reference_rate_reaching(n: int, method: Method, comparison: Comparison) -> float | None:
    """The least risk among controls from which a formula asks for at most `n` subjects; None if it never does.

    Without rounding to whole subjects; the reference rate of `comparison` is not used. Two proportions ask for more again
    where nearly everybody has the event.
    """
    if method != "two proportions":
        return control_risk_needed(comparison.events_by(method), n_subjects=n, loss=comparison.loss)

    def is_enough(risk: float) -> bool:
        return replace(comparison, reference_rate=risk).subjects_by(method).exact <= n

    tried = (i * _STEP for i in range(1, round(1 / _STEP)))
    first = next((risk for risk in tried if is_enough(risk)), None)
    return None if first is None else smallest(is_enough, max(first - _STEP, _STEP / 100), first)


def nearest_hazard_ratio(n: int, comparison: Comparison) -> float | None:
    """The ratio below 1 and closest to it that `n` subjects show with the power; None if they show none.

    The hazard ratio of `comparison` is not used.
    """

    def is_shown(log_ratio: float) -> bool:
        return replace(comparison, hazard_ratio=math.exp(-log_ratio)).power_of(n) >= comparison.power

    return math.exp(-smallest(is_shown, 0.0, _LARGEST_LOG_RATIO)) if is_shown(_LARGEST_LOG_RATIO) else None
