"""The assumptions of a trial of two groups with times to an event, and whom it will see: at risk, with the event, dropped out.

Everything follows from who is at risk: of all subjects, the share under observation and without event `t` after entry. It is the
share who entered early enough, times survival without event and without drop-out. Expected numbers are integrals of it over `t`.
Hazards and accrual change in steps, so the integrals are taken between steps by Gauss-Legendre quadrature, which is good there for
about 12 digits. Event and drop-out are independent within a group.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre

from trialwright.statistics.arrays import Floats, check_inside
from trialwright.statistics.distributions import smallest
from trialwright.statistics.hazards import NO_HAZARD, Accrual, Hazards

# Quadrature points between two steps, which are no longer than one event per subject. More points change no digit shown.
_POINTS = 16
# A cumulative hazard at which nobody is left: exp(-40) is below 1e-17.
_NOBODY_LEFT = 40.0
# Expected events per subject under observation; with more, rates and times have different units.
_MOST_EVENTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalDesign:
    """Assumptions about a trial with a control and a treated group, in one unit of time.

    Attributes
    ----------
    control : Hazards
        Hazard of the event among controls, by time since entry.
    hazard_ratio : float or tuple of (from, ratio)
        Hazard of the treated divided by that of the controls; above 0. `((0, 1.0), (90, 0.6))` is no effect up to 90 and 0.6 from
        then on; the first piece starts at 0.
    accrual : Accrual
        How subjects of both groups enter, by calendar time.
    follow_up : float or None
        How long each subject is followed at most; None: everybody to the end of the study.
    end : float or None
        Calendar time of the analysis, not before the end of accrual; None: when the last subject completes `follow_up`.
    share_treated : float
        Share of the subjects who are treated; between 0 and 1.
    dropout : Hazards
        Hazard of drop-out among controls, by time since entry.
    dropout_treated : Hazards or None
        The same among treated; None: as among controls.

    Raises
    ------
    ValueError
        If the assumptions contradict each other; the message names one, and the nearest that works.

    Examples
    --------
    332 subjects in equal groups enter over two years (days) and are followed to the end of the third; of the controls 45 % have the
    event within two years, and the hazard ratio is 0.6.

    >>> design = SurvivalDesign(
    ...     control=Hazards.from_risk(0.45, 730), hazard_ratio=0.6, accrual=Accrual.uniform(730), follow_up=None, end=1095
    ... )
    >>> round(expected_events(design, 332), 1)
    122.7
    """

    control: Hazards
    hazard_ratio: float | tuple[tuple[float, float], ...]
    accrual: Accrual
    follow_up: float | None
    end: float | None = None
    share_treated: float = 0.5
    dropout: Hazards = NO_HAZARD
    dropout_treated: Hazards | None = None

    def __post_init__(self) -> None:
        check_inside("share_treated", self.share_treated, 0, 1)
        _check_pieces(self.ratio_pieces)
        if self.follow_up is not None:
            check_inside("follow_up", self.follow_up, 0, math.inf)
        if self.end is not None:
            self._check_end(self.end)
        elif self.follow_up is None:
            raise ValueError("`end` or `follow_up` must be given: nothing else ends the study")
        longest = self.longest_follow_up
        per_subject = float(self.control.cumulative(longest))
        if per_subject > _MOST_EVENTS:
            raise ValueError(
                f"`control` must have rates per the unit of time of the study: within {longest:g} a subject would have {per_subject:.0f} events;"
                f" if it is so, nobody is left to be followed beyond {self.control.time_of(_NOBODY_LEFT):.3g}"
            )

    def _check_end(self, end: float) -> None:
        check_inside("end", end, 0, math.inf)
        accrual = self.accrual.duration
        if end < accrual:
            raise ValueError(
                f"`accrual` must end by the end of the study, {end:g}, and lasts {accrual:g}: accrue for at most {end:g}, or end the"
                f" study at {accrual:g} or later"
            )
        if self.follow_up is not None and self.follow_up > end:
            raise ValueError(
                f"`follow_up` must be at most the length of the study, {end:g}, not {self.follow_up:g}: None follows everybody to the"
                " end"
            )

    @property
    def ratio_pieces(self) -> tuple[tuple[float, float], ...]:
        """The hazard ratio as pieces of (from, ratio)."""
        return self.hazard_ratio if isinstance(self.hazard_ratio, tuple) else ((0.0, self.hazard_ratio),)

    @property
    def treated(self) -> Hazards:
        """The hazard of the event among treated."""
        ratio = Hazards(tuple(t for t, _ in self.ratio_pieces[1:]), tuple(r for _, r in self.ratio_pieces))
        cuts = tuple(sorted({*self.control.cuts, *ratio.cuts}))
        starts = (0.0, *cuts)
        return Hazards(cuts, tuple((self.control.rate(starts) * ratio.rate(starts)).tolist()))

    @property
    def dropout_of_treated(self) -> Hazards:
        """The hazard of drop-out among treated, given for them or that of controls."""
        return self.dropout if self.dropout_treated is None else self.dropout_treated

    @property
    def last_time(self) -> float:
        """The calendar time of the analysis."""
        if self.end is not None:
            return self.end
        assert self.follow_up is not None  # noqa: S101  checked when the design was made
        return self.accrual.duration + self.follow_up

    @property
    def longest_follow_up(self) -> float:
        """How long the first subject to enter is followed at most, by the time of the analysis."""
        return self.last_time if self.follow_up is None else min(self.follow_up, self.last_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCounts:
    """Expected numbers of one group at a calendar time.

    Whoever has entered is at risk, or has had the event, dropped out, or completed the fixed follow-up without either.
    """

    n_entered: float
    n_at_risk: float
    n_events: float
    n_dropouts: float
    n_completed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCounts:
    """Expected numbers of both groups at the calendar time `at`."""

    at: float
    treated: GroupCounts
    control: GroupCounts

    @property
    def n_events(self) -> float:
        """Events in both groups together."""
        return self.treated.n_events + self.control.n_events


def expected_counts(design: SurvivalDesign, n_subjects: float, at: float) -> ExpectedCounts:
    """Compute how many are expected to have entered, to be at risk, and to have left by a calendar time, in each group.

    Parameters
    ----------
    design : SurvivalDesign
    n_subjects : float
        Of both groups, when all have entered.
    at : float
        Calendar time of at least 0. It may lie beyond `design.end`: follow-up then goes on.

    Raises
    ------
    ValueError
        If `n_subjects` is not above 0 or `at` not finite and at least 0.
    """
    check_inside("n_subjects", n_subjects, 0, math.inf)
    sets = risk_sets(design, at)
    entered = float(design.accrual.share_entered(at))
    completed = 0.0
    if design.follow_up is not None and at >= design.follow_up:
        completed = float(design.accrual.share_entered(at - design.follow_up))

    def group(share: float, at_risk: Floats, event: Hazards, dropout: Hazards) -> GroupCounts:
        n_entered = n_subjects * share * entered
        n_events = n_subjects * sets.integral(at_risk * event.rate(sets.time))
        n_dropouts = n_subjects * sets.integral(at_risk * dropout.rate(sets.time))
        n_completed = n_subjects * share * completed
        if design.follow_up is not None:
            n_completed *= float(event.survival(design.follow_up) * dropout.survival(design.follow_up))
        return GroupCounts(
            n_entered=n_entered,
            n_at_risk=max(0.0, n_entered - n_events - n_dropouts - n_completed),
            n_events=n_events,
            n_dropouts=n_dropouts,
            n_completed=n_completed,
        )

    return ExpectedCounts(
        at=at,
        treated=group(
            design.share_treated, sets.at_risk * sets.share_treated, design.treated, design.dropout_of_treated
        ),
        control=group(
            1 - design.share_treated, sets.at_risk * (1 - sets.share_treated), design.control, design.dropout
        ),
    )


def event_probability(design: SurvivalDesign, at: float | None = None) -> float:
    """Compute the share of all subjects, entered or not, who are expected to have the event by a calendar time.

    Parameters
    ----------
    design : SurvivalDesign
    at : float, optional
        As in `expected_counts`; the end of the study if not given.
    """
    return risk_sets(design, design.last_time if at is None else at).event_probability


def expected_events(design: SurvivalDesign, n_subjects: float, at: float | None = None) -> float:
    """Compute the events expected in both groups together; arguments as for `event_probability`."""
    check_inside("n_subjects", n_subjects, 0, math.inf)
    return n_subjects * event_probability(design, at)


def time_of_events(design: SurvivalDesign, n_subjects: float, n_events: float) -> float:
    """Compute the calendar time by which so many events are expected.

    The planned end of the study does not count: follow-up goes on for as long as the fixed follow-up allows.

    Raises
    ------
    ValueError
        If so many events are never expected; the message says how many are, and how many subjects are enough.

    Examples
    --------
    >>> design = SurvivalDesign(
    ...     control=Hazards.from_risk(0.4, 12), hazard_ratio=math.log(0.8) / math.log(0.6), accrual=Accrual.uniform(12),
    ...     follow_up=None, end=24,
    ... )
    >>> round(time_of_events(design, 200, 40), 3)
    13.632
    """
    check_inside("n_events", n_events, 0, math.inf)
    last = last_informative_time(design)
    most = expected_events(design, n_subjects, last)
    if n_events > most:
        enough = (
            f"{math.ceil(n_events * n_subjects / most)} subjects would"
            if most > 0
            else "`control` has no events"
        )
        raise ValueError(
            f"`n_events` must be at most {math.floor(most)}, the number expected of {n_subjects:g} subjects however late, not"
            f" {n_events:g}; {enough}"
        )

    def is_enough(at: float) -> bool:
        return expected_events(design, n_subjects, at) >= n_events

    # The last time is far off where a hazard is small.
    while is_enough(last / 2):
        last /= 2
    return smallest(is_enough, last / 2, last)


def last_informative_time(design: SurvivalDesign) -> float:
    """Return the calendar time after which nothing more is expected, whatever the planned end.

    It is when the last fixed follow-up ends or, without one, when nobody is left who could have the event.
    """
    accrual = design.accrual.duration
    if design.follow_up is not None:
        return accrual + design.follow_up
    groups = _leaving(design)
    emptied = [group.time_of(_NOBODY_LEFT) for group in groups]
    return accrual + max(
        t if math.isfinite(t) else max((0.0, *g.cuts)) for t, g in zip(emptied, groups, strict=True)
    )


# --- who is at risk -----------------------------------------------------------------------------------------------------


def _leaving(design: SurvivalDesign) -> tuple[Hazards, Hazards]:
    """The hazard of being at risk no longer, by event or drop-out, among controls and treated."""
    return design.control + design.dropout, design.treated + design.dropout_of_treated


@dataclass(frozen=True, slots=True, eq=False)
class RiskSets:
    """Who is expected to be at risk by time since entry, at quadrature points.

    Attributes
    ----------
    time, weight : ndarray of shape (n_intervals, 16)
        Time since entry, and the weight of its point in an integral over time.
    at_risk : ndarray of the same shape
        Share of all subjects of both groups who are at risk.
    share_treated : ndarray of the same shape
        Share of those at risk who are treated.
    hazard_treated, hazard_control : ndarray of the same shape
    """

    time: Floats
    weight: Floats
    at_risk: Floats
    share_treated: Floats
    hazard_treated: Floats
    hazard_control: Floats

    @property
    def hazard(self) -> Floats:
        """The hazard of all who are at risk together."""
        return self.share_treated * self.hazard_treated + (1 - self.share_treated) * self.hazard_control

    @property
    def event_probability(self) -> float:
        """The share of all subjects who are expected to have had the event."""
        return self.integral(self.at_risk * self.hazard)

    def integral(self, values: Floats) -> float:
        """Integrate values at the points over time since entry."""
        return float(np.sum(self.weight * values))

    def running_integral(self, values: Floats) -> Floats:
        """Integrate values from entry up to each point."""
        _, _, up_to_point = _quadrature()
        half_widths = self.weight.sum(axis=1, keepdims=True) / 2
        whole = np.sum(self.weight * values, axis=1)
        before = (np.cumsum(whole) - whole)[:, None]
        return np.asarray(before + half_widths * (values @ up_to_point.T))


def risk_sets(design: SurvivalDesign, at: float) -> RiskSets:
    """Compute who is expected to be at risk at the calendar time `at`, by time since entry.

    Raises
    ------
    ValueError
        If `at` is not finite and at least 0.
    """
    if not (math.isfinite(at) and at >= 0):
        raise ValueError(f"`at` must be a finite time of at least 0, not {at!r}")
    control, treated = design.control, design.treated
    dropout, treated_dropout = design.dropout, design.dropout_of_treated
    horizon = at if design.follow_up is None else min(at, design.follow_up)
    # Intervals are short enough for the groups that still have subjects; each is looked at until it is empty.
    leaving = _leaving(design)
    emptied = [group.time_of(_NOBODY_LEFT) for group in leaving]
    steps = {
        *emptied,
        *(at - end for end in design.accrual.ends),
        *(cut for group in leaving for cut in group.cuts),
    }
    edges = np.array([0.0, *sorted(step for step in steps if 0 < step < horizon), horizon])
    starts, widths = edges[:-1], np.diff(edges)
    highest = np.max(
        [
            np.where(starts < end, group.rate(starts), 0.0)
            for group, end in zip(leaving, emptied, strict=True)
        ],
        axis=0,
    )
    pieces = np.maximum(np.ceil(highest * widths), 1).astype(int)
    half = np.repeat(widths / pieces, pieces)[:, None] / 2
    number = np.concatenate([np.arange(n) for n in pieces])[:, None]
    points, weights, _ = _quadrature()
    time = np.repeat(starts, pieces)[:, None] + half * (2 * number + 1 + points)

    # The share treated among those at risk, from the log of its odds: neither group can vanish into 0 / 0.
    lost_control = control.cumulative(time) + dropout.cumulative(time)
    lost_treated = treated.cumulative(time) + treated_dropout.cumulative(time)
    share = design.share_treated
    log_odds = math.log(share / (1 - share)) + lost_control - lost_treated
    remain = share * np.exp(-lost_treated) + (1 - share) * np.exp(-lost_control)
    return RiskSets(
        time=time,
        weight=half * weights,
        at_risk=design.accrual.share_entered(at - time) * remain,
        share_treated=(1 + np.tanh(log_odds / 2)) / 2,
        hazard_treated=treated.rate(time),
        hazard_control=control.rate(time),
    )


def _check_pieces(pieces: tuple[tuple[float, float], ...]) -> None:
    if not pieces or pieces[0][0] != 0:
        raise ValueError(f"`hazard_ratio` must start at 0, as in ((0, 1.0), (90, 0.6)), not {pieces!r}")
    before = -math.inf
    for start, ratio in pieces:
        if not (math.isfinite(ratio) and ratio > 0):
            raise ValueError(f"`hazard_ratio` must be finite and above 0, not {ratio!r} from {start:g} on")
        if not before < start < math.inf:
            raise ValueError(
                f"`hazard_ratio` must have pieces in rising order of time, not {start!r} after {before:g}"
            )
        before = start


@functools.cache
def _quadrature() -> tuple[Floats, Floats, Floats]:
    """Points and weights on [-1, 1], and the matrix that integrates values at the points up to each of them."""
    points, weights = legendre.leggauss(_POINTS)
    degrees = np.eye(_POINTS)
    integrals = np.array([legendre.legval(points, legendre.legint(degree, lbnd=-1)) for degree in degrees]).T
    return points, weights, np.asarray(integrals @ np.linalg.inv(legendre.legvander(points, _POINTS - 1)))
