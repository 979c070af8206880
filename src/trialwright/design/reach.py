"""What a stated number of subjects reaches, and which assumptions reach it: the formulas of a comparison turned around."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from trialwright.checks.planned_looks import PlannedLooks
from trialwright.statistics.distributions import smallest
from trialwright.statistics.group_sequential import GroupSequentialDesign, drift_of, stopping_probabilities
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
    subjects_by_group,
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
    """A set of assumptions about two groups; arguments as in `statistics.sample_size`.

    With `looks` numbers and power are those of a test that may stop at them; without, of one test at the end.
    """

    hazard_ratio: float
    reference_rate: float
    share_treated: float
    loss: float
    alpha: float
    sides: Sides
    power: float
    looks: PlannedLooks | None = None

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

    @property
    def sequential(self) -> GroupSequentialDesign | None:
        """Boundaries and inflation of the looks, if there are any."""
        if self.looks is None:
            return None
        return self.looks.designed(alpha=self.alpha, sides=self.sides, power=self.power)

    @property
    def inflation(self) -> float:
        """What the looks cost: information needed at the last of them, over that of one test."""
        return 1.0 if self.sequential is None else self.sequential.inflation

    def events_by(self, formula: EventFormula) -> EventsNeeded:
        """Events by the formula of a log-rank test, times what the looks cost."""
        events = schoenfeld_events if formula == "schoenfeld" else freedman_events
        needed = events(
            self.hazard_ratio, alpha=self.alpha, sides=self.sides, power=self.power, share_treated=self.share_treated
        )  # fmt: skip
        if self.looks is None:
            return needed
        exact = needed.exact * self.inflation
        return replace(needed, exact=exact, n_events=math.ceil(exact))

    def subjects_by(self, method: Method) -> SubjectsNeeded:
        """Subjects that a formula asks for."""
        if method == "two proportions":
            needed = two_proportion_subjects(
                self.reference_rate, self.treated_rate, alpha=self.alpha, sides=self.sides, power=self.power,
                share_treated=self.share_treated, loss=self.loss,
            )  # fmt: skip
            return subjects_by_group(needed.exact * self.inflation, self.share_treated)
        return subjects_for_events(self.events_by(method), control_risk=self.reference_rate, loss=self.loss)

    def power_of(self, n: float) -> float:
        """Power of a log-rank test with the events that `n` subjects are expected to have, by Schoenfeld's formula.

        At a hazard ratio of 1 it is the chance that the test finds the treated better, a false alarm. Looks are taken to come
        at their shares of these events.
        """
        if self.sequential is not None:
            drift = abs(self.drift(self.events_among(n)))  # in either direction, as the formula
            return stopping_probabilities(self.sequential.boundaries, drift).power
        if self.hazard_ratio == 1:
            return self.alpha / self.sides
        return schoenfeld_power(
            self.events_among(n), self.hazard_ratio, alpha=self.alpha, sides=self.sides, share_treated=self.share_treated
        )  # fmt: skip

    def drift(self, n_events: float) -> float:
        """Mean of z after so many events, above 0 in favour of the treated."""
        return drift_of(self.hazard_ratio, n_events, share_treated=self.share_treated)


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
