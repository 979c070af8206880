"""The log-rank test, its weighted kin and the hazard ratio of two groups, in many trials at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialwright.design.survival_simulation.risk_sets import RiskSets, adding_by_trial
from trialwright.statistics.arrays import Floats

# The step after one so small is below the rounding of a double: Newton's error is squared each time.
_SETTLED = 1e-8
_LONGEST_STEP = 2.0
_MOST_STEPS = 50


@dataclass(frozen=True, slots=True, eq=False)
class LogRankTests:
    """Events of the treated, those expected if the groups had one hazard, and the variance; arrays of shape (n_trials,).

    With weights, sums of weights. A variance of 0 means that the events cannot tell the groups apart.
    """

    observed: Floats
    expected: Floats
    variance: Floats

    @property
    def z(self) -> Floats:
        """(expected - observed) / sqrt(variance): above 0 where the treated have fewer events. NaN without variance."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(
                self.variance > 0, (self.expected - self.observed) / np.sqrt(self.variance), np.nan
            )


@dataclass(frozen=True, slots=True, eq=False)
class HazardRatios:
    """Cox estimates, treated to control; arrays of shape (n_trials,), NaN where the likelihood has no finite maximum."""

    log_hazard_ratio: Floats
    std_error: Floats


def logrank_tests(sets: RiskSets, *, rho: float = 0.0, gamma: float = 0.0) -> LogRankTests:
    """Test in each trial whether the groups have one hazard.

    Parameters
    ----------
    sets : RiskSets
    rho, gamma : float
        Weight S(t-)^rho (1 - S(t-))^gamma of Fleming and Harrington [1]_, with the Kaplan-Meier estimate S of both groups
        together just before t: 0 and 0 is the log-rank test [2]_; 0 and 1 gives late differences more weight. 0^0 is 1.

    References
    ----------
    .. [1] Fleming TR, Harrington DP. Counting Processes and Survival Analysis. 1991, section 7.2.
    .. [2] Mantel N. Cancer Chemother Rep 1966;50:163-170.
    """
    n, events = sets.n_at_risk, sets.n_events
    share = sets.n_treated_at_risk / n
    observed, expected = sets.n_treated_events.astype(float), events * share
    variance = expected * (1 - share) * ((n - events) / np.maximum(n - 1, 1))
    if rho or gamma:
        survival = _survival_before(sets)
        weight = survival**rho * (1 - survival) ** gamma
        observed, expected, variance = weight * observed, weight * expected, weight**2 * variance
    total = adding_by_trial(sets.trial, sets.n_trials)
    return LogRankTests(total(observed), total(expected), total(variance))


def _survival_before(sets: RiskSets) -> Floats:
    """The Kaplan-Meier estimate of both groups together just before each row."""
    n_rows = np.bincount(sets.trial, minlength=sets.n_trials)
    is_there = np.arange(n_rows.max(initial=0)) < n_rows[:, None]
    surviving = np.ones((sets.n_trials, is_there.shape[1] + 1))
    surviving[:, 1:][is_there] = 1 - sets.n_events / sets.n_at_risk
    return np.asarray(np.cumprod(surviving, axis=1)[:, :-1][is_there], dtype=float)


def hazard_ratios(sets: RiskSets) -> HazardRatios:
    """Fit in each trial the Cox model with the treatment alone; events of one day by Efron's approximation [1]_.

    Newton's method on the log partial likelihood, which is concave. It has a maximum unless all events that could have
    been of either group were of one.

    References
    ----------
    .. [1] Efron B. J Am Stat Assoc 1977;72:557-565.
    """
    trial, treated, control = _one_event_at_a_time(sets)
    total = adding_by_trial(trial, sets.n_trials)
    n_treated_events = adding_by_trial(sets.trial, sets.n_trials)(sets.n_treated_events)
    could_be_treated = treated > 0
    fewest, most = total(could_be_treated & (control == 0)), total(could_be_treated)
    going = (fewest < n_treated_events) & (n_treated_events < most)
    at_one = logrank_tests(sets)  # the score and its variance at a hazard ratio of 1: one step from there
    first = (at_one.observed - at_one.expected) / np.where(at_one.variance > 0, at_one.variance, np.inf)
    beta = np.where(going, np.clip(first, -_LONGEST_STEP, _LONGEST_STEP), np.nan)
    information = np.full(going.shape, np.nan)
    for _ in range(_MOST_STEPS):
        if not going.any():
            break
        share = treated * np.exp(beta)[trial]
        share /= share + control
        information = np.where(going, total(share * (1 - share)), information)
        step = (n_treated_events - total(share)) / information
        beta = np.where(going, beta + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP), beta)
        going &= np.abs(step) > _SETTLED
    beta[going] = np.nan
    return HazardRatios(beta, 1 / np.sqrt(information))


def _one_event_at_a_time(sets: RiskSets) -> tuple[NDArray[np.intp], Floats, Floats]:
    """The trial of each event, and the treated and controls at risk at it, of events that fall on one day in turn.

    Before the l-th of d events of a day, l from 0, l / d of those who have it then have gone from each group.
    """
    d = sets.n_events
    row = np.repeat(np.arange(d.size), d)
    gone = (np.arange(row.size) - (np.cumsum(d) - d)[row]) / d[row]
    treated = sets.n_treated_at_risk[row] - gone * sets.n_treated_events[row]
    at_risk = sets.n_at_risk[row] - gone * d[row]
    return sets.trial[row], treated, at_risk - treated
