"""Competing risks: cumulative incidence, Gray's test, regression on the subdistribution hazard.

A status is 0 for a censored time, 1 for the event of interest, 2 for a competing event: one after which the event of
interest can no longer happen, as death without recurrence. `cause` says which of the two a function is about.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

# The package binds its names at run time, where its type stubs do not show them.
from survival.regression import finegray_expand  # type: ignore[attr-defined]
from survival.surv_analysis import survfitaj  # type: ignore[attr-defined]

from trialwright.statistics.arrays import Floats, as_codes, as_matrix, check_inside, check_option
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.samples import (
    TIED_WITHIN,
    Counts,
    Sample,
    as_counts,
    as_sample,
    as_times,
    n_at_risk,
    rows_read,
    stepped,
)
from trialwright.statistics.significance import ChiSquaredTest, chi_squared_test
from trialwright.statistics.survival import Conventions, CoxCoefficient, fit_cox

Cause = Literal[1, 2]
_CAUSES = {1: "event", 2: "competing event"}
# A statistic needs a variance of full rank: relative size of the smallest singular value of its correlation matrix.
_FULL_RANK = 1e-10
# A share of subjects without event below this is 0 that was rounded, or less.
_NOTHING_LEFT = 1e-9
# A tie of all who are at risk has no variance; rounding puts it on either side of 0.
_NO_VARIANCE = 1e-12


# Cumulative incidence


@dataclass(frozen=True, slots=True, eq=False)
class StateProbability:
    """The probability of being in one state at each time, with its standard error and pointwise limits.

    Arrays of shape (n_times,). Where the estimate is 0 or 1 its standard error and limits are NaN: there the data say
    nothing about precision. R gives a standard error of 0 and limits of NA.
    """

    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class IncidencePoints:
    """Cumulative incidences read at chosen times; arrays of shape (n_times,).

    Where the curves are unknown the estimates are NaN and `reasons` says why; elsewhere the reason is None.
    """

    times: Floats
    event: StateProbability
    competing: StateProbability
    event_free: StateProbability
    n_at_risk: Counts
    reasons: tuple[str | None, ...]
    conventions: Conventions


@dataclass(frozen=True, slots=True, eq=False)
class IncidenceCounts:
    """Subjects at each of `times`: still at risk, and before it with event, competing event or censored.

    The four add up to all.
    """

    times: Floats
    n_at_risk: NDArray[np.int64]
    n_events: NDArray[np.int64]
    n_competing: NDArray[np.int64]
    n_censored: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class IncidenceCurve:
    """Aalen-Johansen curves: one row per distinct time at which a subject had an event or was censored.

    Attributes
    ----------
    time : ndarray of shape (n_times,)
        Distinct times in rising order.
    n_at_risk, n_events, n_competing, n_censored : ndarray of shape (n_times,)
        Number at risk just before, with event, with competing event, and censored at each time. Whole numbers, or
        sums of weights.
    event, competing, event_free : StateProbability
        Cumulative incidence of the event and of the competing event up to and including each time, and the
        probability of neither. The three add up to 1.
    n_subjects, n_events_total, n_competing_total : int
        Rows given, and those of them with event and with competing event, unweighted.
    conventions : dict
        The options that made these numbers.
    """

    time: Floats
    n_at_risk: Counts
    n_events: Counts
    n_competing: Counts
    n_censored: Counts
    event: StateProbability
    competing: StateProbability
    event_free: StateProbability
    n_subjects: int
    n_events_total: int
    n_competing_total: int
    conf_level: float
    conventions: Conventions
    _sample: Sample = field(repr=False)

    def at(self, times: ArrayLike) -> IncidencePoints:
        """Read the curves at chosen times.

        Parameters
        ----------
        times : array-like of shape (n,)
            Finite times of 0 or more, in any order. An event at a time counts at that time.

        Returns
        -------
        points : IncidencePoints
            Before the first row the incidences are 0. After the last row everything is unknown (NaN), unless nobody
            was left without event.
        """
        read = as_times("times", times)
        row, is_beyond = rows_read(self.time, read, self._sample)
        unknown = is_beyond & (self.event_free.estimate[-1] > 0)
        reason = f"nobody was followed beyond {self.time[-1]:g}, and not all had had an event by then"
        return IncidencePoints(
            times=read,
            event=_read_state(self.event, row, unknown, first=0.0),
            competing=_read_state(self.competing, row, unknown, first=0.0),
            event_free=_read_state(self.event_free, row, unknown, first=1.0),
            n_at_risk=n_at_risk(self._sample, read),
            reasons=tuple(reason if missing else None for missing in unknown),
            conventions=self.conventions,
        )

    def counts_at(self, times: ArrayLike) -> IncidenceCounts:
        """Count subjects for the table under the figure.

        Parameters
        ----------
        times : array-like of shape (n,)
            Finite times of 0 or more.

        Returns
        -------
        counts : IncidenceCounts
            At risk: time of t or later. With event, with competing event, and censored: before t. At every t the four
            add up to `n_subjects`; weights are not used.
        """
        read = as_times("times", times)
        gone = self._sample.time[:, None] < read - self._sample.tied
        status = self._sample.event[:, None]
        return IncidenceCounts(
            times=read,
            n_at_risk=np.sum(~gone, axis=0),
            n_events=np.sum(gone & (status == 1), axis=0),
            n_competing=np.sum(gone & (status == 2), axis=0),
            n_censored=np.sum(gone & (status == 0), axis=0),
        )


def estimate_incidence(
    time: ArrayLike,
    status: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    conf_level: float = 0.95,
    conf_type: Literal["log-log", "log", "plain"] = "log-log",
) -> IncidenceCurve:
    """Estimate cumulative incidences by Aalen and Johansen.

    Parameters
    ----------
    time : array-like of shape (n,)
        Time of event, competing event or censoring, 0 or more, in any unit. At one time events come before
        censorings. Times closer than 1.5e-8 are one time, as in R.
    status : array-like of shape (n,)
        0 censored, 1 event, 2 competing event.
    weights : array-like of shape (n,), optional
        Weights above 0, of any origin; they are not counts of identical subjects.
    conf_level : float
        Between 0 and 1.
    conf_type : {"log-log", "log", "plain"}
        Scale on which the limits of each probability are symmetrical.

    Returns
    -------
    curve : IncidenceCurve
        Standard errors are those of the infinitesimal jackknife, each row a subject of its own, as R's `survfit` gives
        them [2]_. (R's package cmprsk has another variance, due to Aalen; the two agree in large samples.)

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If there are no subjects.

    References
    ----------
    .. [1] Aalen OO, Johansen S. Scand J Stat 1978;5:141-150.
    .. [2] Therneau TM. R package survival, survfit and its vignette on competing risks.

    Examples
    --------
    >>> curve = estimate_incidence([3, 5, 6, 8, 10, 12], [1, 2, 0, 1, 2, 0])
    >>> curve.event.estimate.round(3).tolist()
    [0.167, 0.167, 0.167, 0.389, 0.389, 0.389]
    >>> curve.at([12, 13]).reasons[1]
    'nobody was followed beyond 12, and not all had had an event by then'
    """
    sample = _as_sample(time, status, weights)
    check_inside("conf_level", conf_level, 0, 1)
    check_option("conf_type", conf_type, ("log-log", "log", "plain"))
    fit = survfitaj(
        sample.time,
        sample.event.astype(np.int64),
        ["event", "competing"],
        weights=sample.weights,
        conf_int=conf_level,
        conf_type=conf_type,
        timefix=False,
    )
    # Everything in the package's columns is in the order event-free, event, competing.
    n_events = as_counts(fit.n_event, sample)
    event_free, event, competing = _states(fit, sample)
    return IncidenceCurve(
        time=np.array(fit.time),
        n_at_risk=as_counts(fit.n_risk, sample)[:, 0],
        n_events=n_events[:, 1],
        n_competing=n_events[:, 2],
        n_censored=as_counts(fit.n_censor, sample)[:, 0],
        event=event,
        competing=competing,
        event_free=event_free,
        n_subjects=len(sample.time),
        n_events_total=int(np.sum(sample.event == 1)),
        n_competing_total=int(np.sum(sample.event == 2)),
        conf_level=conf_level,
        conventions={
            "estimator": "Aalen-Johansen",
            "variance": "infinitesimal jackknife",
            "weighted": weights is not None,
            "conf_level": conf_level,
            "conf_type": conf_type,
            "limits_at_0_and_1": "not estimable",
            "event_and_censoring_tied": "event first",
            "times_tied_within": TIED_WITHIN,
            "after_last_time": "unknown unless nobody is left without event",
        },
        _sample=sample,
    )


def _states(fit: Any, sample: Sample) -> list[StateProbability]:
    """Give event-free, event and competing, with 0 and 1 told from the subjects and not from rounded sums."""
    time = np.array(fit.time)
    first = [np.min(sample.time[sample.event == cause], initial=np.inf) for cause in _CAUSES]
    nobody_left = (time == time[-1]) & np.all(sample.event[sample.time == time[-1]] > 0)
    at_0 = np.stack([nobody_left, time < first[0], time < first[1]], axis=1)
    at_1 = at_0.sum(axis=1, keepdims=True) == 2
    certain = at_0 | at_1
    estimate = np.where(at_0, 0.0, np.where(at_1, 1.0, fit.pstate))
    columns = [np.where(certain, np.nan, column) for column in (fit.std_err, fit.lower, fit.upper)]
    return [
        StateProbability(estimate[:, state], *(column[:, state] for column in columns)) for state in range(3)
    ]


def _read_state(
    state: StateProbability, row: NDArray[np.intp], unknown: NDArray[np.bool_], *, first: float
) -> StateProbability:
    return StateProbability(
        stepped(state.estimate, row, unknown, first=first),
        *(
            stepped(column, row, unknown, first=math.nan)
            for column in (state.std_error, state.conf_low, state.conf_high)
        ),
    )


# Gray's test


@dataclass(frozen=True, slots=True)
class GrayGroup:
    """One group of Gray's test: subjects, those with an event of the cause tested, and the group's score.

    The score is the weighted number of these events beyond those expected if all groups had one incidence.
    """

    label: Any
    n_subjects: int
    n_events: int
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class GrayResult:
    """Groups in sorted order, and the test that their cumulative incidences are equal.

    `variance` is the covariance matrix of the scores, of shape (n_groups, n_groups).
    """

    groups: tuple[GrayGroup, ...]
    variance: Floats
    chi_squared: float
    df: int
    p_value: float
    conventions: Conventions


def gray_test(
    time: ArrayLike,
    status: ArrayLike,
    group: Iterable[Any],
    *,
    strata: Iterable[Any] | None = None,
    rho: float = 0.0,
    cause: Cause = 1,
) -> GrayResult:
    """Test whether groups have the same cumulative incidence.

    Parameters
    ----------
    time, status
        As in `estimate_incidence`.
    group : sequence of length n
        Labels, two or more distinct.
    strata : sequence of length n, optional
        Labels; subjects are compared within a stratum only.
    rho : float
        Weight (1 - F(t))^rho, where F is the incidence in all groups together; 0 weighs all times alike.
    cause : {1, 2}
        The status whose incidences are compared; the other one competes.

    Returns
    -------
    result : GrayResult
        Equal to R's `cmprsk::cuminc`, ties included.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If there are no subjects, one group only, no event of the cause, events that do not tell all groups apart, or
        groups followed so differently that the test has no variance.

    References
    ----------
    .. [1] Gray RJ. Ann Stat 1988;16:1141-1154, section 2.

    Examples
    --------
    >>> time = [6, 7, 10, 15, 19, 25, 2, 3, 9, 11, 12, 20]
    >>> status = [1, 2, 0, 1, 1, 0, 1, 1, 2, 1, 0, 1]
    >>> result = gray_test(time, status, list("AAAAAABBBBBB"))
    >>> round(result.chi_squared, 4), round(result.p_value, 4)
    (0.5986, 0.4391)
    """
    sample = _as_sample(time, status)
    n = len(sample.time)
    labels, codes = as_codes("group", group, length=n)
    stratum = np.zeros(n, dtype=np.int64) if strata is None else as_codes("strata", strata, length=n)[1]
    if not math.isfinite(rho):
        raise ValueError(f"`rho` must be a finite number, not {rho!r}")
    check_cause(cause)
    if len(labels) < 2:
        raise NotEstimable(f"there is only one group, {labels[0]}")
    of_cause = sample.event == cause
    if not of_cause.any():
        raise NotEstimable(f"no {_CAUSES[cause]} was observed")
    in_group = codes[:, None] == np.arange(len(labels))
    score, variance = np.zeros(len(labels)), np.zeros((len(labels), len(labels)))
    for here in range(stratum.max() + 1):
        rows = stratum == here
        part = _gray_score(_risk_sets(sample, in_group, cause, rows), rho)
        score, variance = score + part[0], variance + part[1]
    test = chi_squared_test(_quadratic_form(score, variance), len(labels) - 1)
    return GrayResult(
        groups=tuple(
            GrayGroup(
                label, int(in_group[:, k].sum()), int((in_group[:, k] & of_cause).sum()), float(score[k])
            )
            for k, label in enumerate(labels)
        ),
        variance=variance,
        chi_squared=test.chi_squared,
        df=test.df,
        p_value=test.p_value,
        conventions={
            "test": "Gray",
            "cause": cause,
            "rho": rho,
            "stratified": strata is not None,
            "times_tied_within": TIED_WITHIN,
        },
    )


@dataclass(frozen=True, slots=True, eq=False)
class _RiskSets:
    """At each time with an event, while at least two groups are at risk: arrays of shape (n_times, n_groups)."""

    at_risk: Floats
    events: Floats
    competing: Floats


def _risk_sets(
    sample: Sample, in_group: NDArray[np.bool_], cause: Cause, rows: NDArray[np.bool_]
) -> _RiskSets:
    time, status, member = sample.time[rows], sample.event[rows], in_group[rows].astype(float)
    at = np.unique(time[status > 0])[:, None]
    at_risk = (time >= at) @ member
    # A time at which one group is alone at risk adds nothing to score or variance; without late entry it stays alone.
    together = np.sum(at_risk > 0, axis=1) > 1
    had_event = ((time == at) & (status == cause)) @ member
    had_competing = ((time == at) & (status == 3 - cause)) @ member
    return _RiskSets(at_risk[together], had_event[together], had_competing[together])


def _gray_score(sets: _RiskSets, rho: float) -> tuple[Floats, Floats]:
    """Score and variance of one stratum, in Gray's notation: Y at risk, S event-free, F incidence, h = Y/S(t-).

    The variance is that of Gray's section 2; tied events make its jumps smaller, as in the log-rank test. What is
    indexed (time, i, r) says how events in group r move the score of group i.
    """
    present = sets.at_risk > 0
    y = np.where(present, sets.at_risk, 1.0)
    d_1, d_2 = sets.events, sets.competing
    s = np.asarray(np.cumprod(1 - (d_1 + d_2) / y, axis=0), dtype=float)
    s_before = _shifted(s, 1.0)
    f_before = _shifted(np.cumsum(s_before * d_1 / y, axis=0), 0.0)
    h = np.where(present, y / np.where(present, s_before, 1.0), 0.0)
    h_all, d_all = h.sum(axis=1, keepdims=True), d_1.sum(axis=1, keepdims=True)
    f_all = np.cumsum(d_all / h_all, axis=0)
    left_before = 1 - _shifted(f_all, 0.0)
    if np.any(left_before < _NOTHING_LEFT):
        raise NotEstimable("the groups were followed too differently to have a common incidence")
    weight = left_before**rho
    r = h * (1 - f_before)
    score = np.sum(weight * (d_1 - d_all * r / r.sum(axis=1, keepdims=True)), axis=0)

    direct = weight[:, :, None] * h[:, None, :] * (np.eye(y.shape[1]) - (h / h_all)[:, :, None])
    by_now = np.cumsum(direct * (d_all / (h_all * left_before))[:, :, None], axis=0)
    to_come = by_now[-1:] - by_now
    ratio = np.divide(1 - f_all, s, out=np.zeros_like(s), where=s > 0)[:, None, :]
    # As if all groups had had the course of each: then as many would be at risk in it as now are in all.
    tied_1, tied_2 = _tie_factor(d_all, np.where(present, h_all * s_before, np.inf)), _tie_factor(d_2, y)
    if np.any(tied_1 < 0):
        raise NotEstimable("too many events fell on one time for the variance of Gray's test")
    one_over_h = np.divide(1.0, h, out=np.zeros_like(h), where=present)
    variance = _sum_of_squares(direct + (1 - ratio) * to_come, tied_1 * d_all / h_all * one_over_h)
    variance += _sum_of_squares(ratio * to_come, tied_2 * d_2 * one_over_h**2)
    return score, variance


def _sum_of_squares(influence: Floats, jumps: Floats) -> Floats:
    return np.asarray(np.einsum("tir,tjr,tr->ij", influence, influence, jumps))


def _tie_factor(events: Floats, at_risk: Floats) -> Floats:
    """Variance of `events` tied among `at_risk`, relative to as many at times of their own."""
    tied = np.broadcast_to(events > 1, at_risk.shape)
    factor = 1 - np.divide(events - 1, at_risk - 1, out=np.zeros_like(at_risk), where=tied)
    return np.where(np.abs(factor) < _NO_VARIANCE, 0.0, factor)


def _shifted(columns: Floats, first: float) -> Floats:
    """The value just before each time, of what changes at each time."""
    return np.vstack([np.full((1, columns.shape[1]), first), columns])[:-1]


def _quadratic_form(score: Floats, variance: Floats) -> float:
    """Chi-squared of scores that add up to 0: one of them says nothing new."""
    score, variance = score[:-1], variance[:-1, :-1]
    scale = np.sqrt(np.diag(variance))
    if not np.all(scale > 0) or np.linalg.matrix_rank(
        variance / np.outer(scale, scale), tol=_FULL_RANK, hermitian=True
    ) < len(score):
        raise NotEstimable("the events do not tell all the groups apart")
    return float(score @ np.linalg.solve(variance, score))


# Fine and Gray's regression


@dataclass(frozen=True, slots=True, eq=False)
class FineGrayFit:
    """A fitted proportional subdistribution hazards model.

    Attributes
    ----------
    coefficients : tuple of CoxCoefficient
        In the order of the covariates. `hazard_ratio` is the ratio of subdistribution hazards: above 1 means a higher
        cumulative incidence, but not by how much.
    wald_test : ChiSquaredTest
        That all coefficients are 0.
    n_subjects, n_events, n_competing : int
        Subjects given, and those of them with an event of the cause modelled and of the other.
    conventions : dict
        The options that made these numbers.
    """

    coefficients: tuple[CoxCoefficient, ...]
    wald_test: ChiSquaredTest
    n_subjects: int
    n_events: int
    n_competing: int
    conventions: Conventions


def fit_fine_gray(
    time: ArrayLike,
    status: ArrayLike,
    covariates: ArrayLike,
    *,
    names: Sequence[str],
    cause: Cause = 1,
    ties: Literal["efron", "breslow"] = "efron",
    conf_level: float = 0.95,
) -> FineGrayFit:
    """Fit Fine and Gray's model of a cumulative incidence.

    Parameters
    ----------
    time, status
        As in `estimate_incidence`.
    covariates : array-like of shape (n, n_covariates)
        Finite numbers; levels of a category coded by the caller.
    names : sequence of str
        A name for each covariate.
    cause : {1, 2}
        The status whose incidence is modelled; the other one competes.
    ties : {"efron", "breslow"}
        How events at one time are handled.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    fit : FineGrayFit
        After a competing event a subject stays at risk with the probability of not yet having been censored, by
        Kaplan and Meier over all subjects. The variance is robust, by subject, with these weights taken as known: as
        R's `survival::finegray` followed by `coxph` [2]_. `cmprsk::crr` adds the variance of the weights, and handles
        censorings tied with events otherwise.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.
    NotEstimable
        If there are no subjects, no event of the cause, or no finite coefficient (see `fit_cox`).

    References
    ----------
    .. [1] Fine JP, Gray RJ. J Am Stat Assoc 1999;94:496-509.
    .. [2] Therneau TM. R package survival, finegray.
    """
    sample = _as_sample(time, status)
    names = list(names)
    matrix = as_matrix("covariates", covariates, names, length=len(sample.time))
    check_cause(cause)
    of_cause = sample.event == cause
    if not of_cause.any():
        raise NotEstimable(f"no {_CAUSES[cause]} was observed")
    # The model knows the order of times only. Their ranks leave room for a start before time 0.
    rank = np.unique(sample.time, return_inverse=True)[1] + 1.0
    rows = finegray_expand(rank, sample.event.astype(np.int64), event_type=cause)
    subject = np.array(rows.row) - 1
    fit = fit_cox(
        rows.end,
        of_cause[subject],
        matrix[subject],
        names=names,
        entry=np.maximum(rows.start, 0.0),
        weights=rows.wt,
        cluster=subject,
        ties=ties,
        conf_level=conf_level,
    )
    return FineGrayFit(
        coefficients=fit.coefficients,
        wald_test=fit.wald_test,
        n_subjects=len(sample.time),
        n_events=int(of_cause.sum()),
        n_competing=int(np.sum(sample.event == 3 - cause)),
        conventions={
            "model": "Fine-Gray",
            "cause": cause,
            "ties": ties,
            "censoring_weights": "Kaplan-Meier, all subjects together",
            "variance": "robust by subject, censoring weights taken as known",
            "conf_level": conf_level,
            "interval": fit.conventions["interval"],
            "times_tied_within": TIED_WITHIN,
            "convergence": fit.conventions["convergence"],
        },
    )


# Shared by the above


def _as_sample(time: ArrayLike, status: ArrayLike, weights: ArrayLike | None = None) -> Sample:
    if np.size(time) == np.size(status) == 0:
        raise NotEstimable("there are no subjects")
    return as_sample(time, status, weights=weights, event_name="status", codes=(0, 1, 2))


def check_cause(cause: int) -> None:
    """Raise ValueError unless `cause` is 1 or 2."""
    if cause not in _CAUSES:
        raise ValueError(f"`cause` must be 1 or 2, not {cause!r}")
