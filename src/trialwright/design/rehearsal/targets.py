"""The truths that estimates of a rehearsal are held against: what they are, and what they come to in a virtual trial."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trialwright.design.virtual.observed_advanced import ON_TREATMENT_AFTER
from trialwright.design.virtual.parameters import AfterTreatment
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.survival import fit_cox

Quantity = Literal[
    "risk without", "risk with", "difference of risks", "hazard ratio", "hazard ratio of those alike", "share"
]
Reading = Literal["as it happened", "as planned visits show it"]
Population = Literal["everyone", "who could have got either"]

READINGS: tuple[Reading, ...] = ("as it happened", "as planned visits show it")
FOLLOWED = 1099
"""Days for which a marginal hazard ratio follows everybody; it depends on them, for marginal hazards are not proportional."""

Days = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Target:
    """A truth.

    Attributes
    ----------
    quantity : str
        A risk without or with peginterferon, their difference, a marginal hazard ratio, the hazard ratio of those who are
        alike in all that brings recurrence, or the share with reactivation. Hazard ratios as natural logarithms.
    reading : {"as it happened", "as planned visits show it"}
        Whether a recurrence counts on its day or at the next planned scan, held on its very day and readable; a
        reactivation on its day or in the visits as they were held.
    population : {"everyone", "who could have got either"}
        Of whom: all who were enrolled, or the same weighted by p (1 - p), p their true probability of peginterferon.
    at : float, optional
        Elapsed days of a risk.
    from_treatment : bool
        Whether days count from radical treatment in place of group assignment.
    landmark : int
        Of those free of recurrence this many days after the start.
    """

    quantity: Quantity
    reading: Reading
    population: Population = "everyone"
    at: float | None = None
    from_treatment: bool = False
    landmark: int = 0

    @property
    def words(self) -> str:
        """What it is, in words; no two targets have the same."""
        if self.quantity == "share":
            seen = "as it happened" if self.reading == "as it happened" else "in the visits as they were held"
            return f"share with reactivation on treatment, {seen}"
        if self.quantity == "hazard ratio of those alike":
            return "hazard ratio of those alike in all that brings recurrence"
        words: str = self.quantity if self.quantity != "hazard ratio" else "marginal hazard ratio"
        if self.at is not None:
            words += f" by {self.at:g} days"
        if self.from_treatment:
            words += " from radical treatment"
        if self.landmark:
            words += f" of those free at {self.landmark}"
        return f"{words}, {self.population}, {self.reading}"


@dataclass(frozen=True, slots=True)
class Lives:
    """The lives of n people after radical treatment, had each got peginterferon and had each not.

    Attributes
    ----------
    with_it, without_it : ndarray of shape (n,), days
        From group assignment to recurrence.
    propensity : ndarray of shape (n,)
        True probability of peginterferon.
    lag : ndarray of shape (n,), days
        From radical treatment to group assignment.
    interval : int
        Days between planned scans.
    hazard_ratio : float
        The one they were made with.
    """

    with_it: Days
    without_it: Days
    propensity: NDArray[np.float64]
    lag: Days
    interval: int
    hazard_ratio: float


def lives_of(latent: pl.DataFrame, parameters: AfterTreatment, interval: int) -> Lives:
    """The lives of everybody enrolled, from the latent truth of a trial."""
    people = latent.filter(pl.col("ENROLLED") == "Y")
    lag = (people["ZERO"] - people["RADICAL_TREATMENT"]).dt.total_days()
    return Lives(
        people["RECURRENCE_DAY_WITH"].to_numpy(),
        people["RECURRENCE_DAY_WITHOUT"].to_numpy(),
        people["PROPENSITY"].to_numpy(),
        lag.to_numpy(),
        interval,
        parameters.hazard_ratio,
    )


def recurrence_truth(target: Target, lives: Lives) -> float:
    """What a target comes to in these people, had all of them got peginterferon and had none.

    Both are lives of the same people, so nothing that led to the choice can enter. Deaths and losses are left out: risks are
    those of a world without them, as the registered curve reads them. NaN where nobody is left to tell by.
    """
    if target.quantity == "hazard ratio of those alike":
        return math.log(lives.hazard_ratio) if lives.hazard_ratio > 0 else math.nan
    weights = (
        lives.propensity * (1 - lives.propensity)
        if target.population != "everyone"
        else np.ones(len(lives.lag))
    )
    if not weights.any():
        return math.nan
    without, with_it = (
        _seen(day, lives.interval, target.reading) for day in (lives.without_it, lives.with_it)
    )
    if target.quantity == "hazard ratio":
        return _log_hazard_ratio(without, with_it, weights)
    lag = lives.lag if target.from_treatment else np.zeros_like(lives.lag)
    risks = [_risk(day + lag, weights, target) for day in (without, with_it)]
    match target.quantity:
        case "risk without":
            return risks[0]
        case "risk with":
            return risks[1]
    return risks[1] - risks[0]


def _seen(day: Days, interval: int, reading: Reading) -> Days:
    """The day itself, or that of the first planned scan on or after it."""
    return day if reading == "as it happened" else -(-day // interval) * interval


def _risk(day: Days, weights: NDArray[np.float64], target: Target) -> float:
    still = day > target.landmark
    if not weights[still].any():
        return math.nan
    return float(np.average(day[still] <= (target.at or 0), weights=weights[still]))


def _log_hazard_ratio(without: Days, with_it: Days, weights: NDArray[np.float64]) -> float:
    """Of all people twice, once with peginterferon and once without, each followed for `FOLLOWED` days (Cox, Efron)."""
    counts = weights > 0
    day = np.concatenate([without[counts], with_it[counts]])
    treated = np.repeat([0.0, 1.0], int(counts.sum()))
    try:
        fit = fit_cox(
            np.minimum(day, FOLLOWED).astype(float),
            day <= FOLLOWED,
            treated[:, None],
            names=["treated"],
            weights=np.tile(weights[counts], 2),
            variance="model",
        )
    except NotEstimable:
        return math.nan
    return fit.coefficients[0].coef


def reactivation_truth(target: Target, latent: pl.DataFrame, observable: pl.DataFrame) -> float:
    """The share of those enrolled with a reactivation on durvalumab: as it happened, or as visits showed it."""
    n = int((latent["ENROLLED"] == "Y").sum())
    if target.reading == "as it happened":
        return reactivations(latent).height / n
    seen = observable.filter((pl.col("ELEMENT") == "endpoints.reactivation") & (pl.col("ANSWER") == "Y"))
    return seen.height / n


def reactivations(latent: pl.DataFrame) -> pl.DataFrame:
    """`USUBJID` and `day` of the reactivations that happened on durvalumab, the time after the last dose included."""
    until = pl.col("LAST_DOSE") + pl.duration(days=ON_TREATMENT_AFTER)
    people = latent.filter(pl.col("ENROLLED") == "Y")
    return people.filter(pl.col("REACTIVATION") <= until).select("USUBJID", day="REACTIVATION")
