"""Group-sequential designs: boundaries for a test that is looked at more than once, and what they do.

A look is named by its information fraction, the information so far over that of the last look; for a log-rank test or a Cox
model that is the share of the events. A z above 0 favours the treated. The drift is the mean of z at the last look: 0 under
the null hypothesis, -ln(HR) sqrt(d q (1 - q)) for d events and a share q treated (`drift_of`). Under proportional hazards
and few losses z sqrt(information) is a Brownian motion in large samples [1]_; what follows is exact for that motion, to 1e-9.

References
----------
.. [1] Jennison C, Turnbull BW. Group Sequential Methods with Applications to Clinical Trials. 2000, chapters 3, 7, 13 and 19.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import NormalDist
from typing import Any

from trialwright.statistics.arrays import check_inside
from trialwright.statistics.brownian_motion import Process, Stage, exits, root, start
from trialwright.statistics.error_spending import Spending
from trialwright.statistics.sample_size import Sides, as_sides, normal_cdf, summed_quantiles

Conventions = dict[str, Any]

# Looks closer than this say the same thing twice, and would need ever more nodes.
LEAST_STEP = 0.001
# A look at which less than this may be spent cannot stop: its z would lie above 8.
_LEAST_SPENT = 1e-15
_LARGEST_Z = 9.0
_LEAST_PROBABILITY = 1e-300
_ROUNDING = 1e-12
_DRIFT_STEP = 1.2
_DRIFT_TOLERANCE = 1e-11
_NORMAL = NormalDist()


# --- boundaries ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SequentialBoundaries:
    """The values of z that stop a trial, look by look.

    Attributes
    ----------
    fractions : tuple of float
        Information fractions, rising, the last at most 1, at least 0.001 apart.
    efficacy : tuple of float
        Stop with the null hypothesis rejected at this z or above; infinite where this is not possible. A two-sided test
        also stops, for harm, at minus this z or below.
    futility : tuple of float or None
        One-sided: stop without rejection at this z or below; minus infinity where this is not possible. Two-sided: between
        minus this z and this z, and negative where it is not possible. At the last of all looks it equals `efficacy`.
        None without such a rule.
    sides : {1, 2}

    Raises
    ------
    ValueError
        If these do not describe boundaries.
    """

    fractions: tuple[float, ...]
    efficacy: tuple[float, ...]
    futility: tuple[float, ...] | None = None
    sides: Sides = 1

    def __post_init__(self) -> None:
        _check_fractions(self.fractions)
        as_sides(self.sides)
        for name, values in (("efficacy", self.efficacy), ("futility", self.futility)):
            if values is None:
                continue
            if len(values) != len(self.fractions):
                raise ValueError(f"`{name}` must have {len(self.fractions)} values, not {len(values)}")
            for i, z in enumerate(values):
                if math.isnan(z):
                    raise ValueError(f"`{name}[{i}]` must be a z, not missing")
        for i, z in enumerate(self.efficacy):
            if self.sides == 2 and z < 0:
                raise ValueError(f"`efficacy[{i}]` must be 0 or more for a two-sided test, not {z!r}")
            if self.futility is not None and self.futility[i] > z:
                raise ValueError(
                    f"`futility[{i}]` must be at most `efficacy[{i}]`, {z:g}, not {self.futility[i]!r}"
                )

    def without_futility(self) -> SequentialBoundaries:
        """The same boundaries where nobody stops for futility: their type I error is that of a non-binding design."""
        return replace(self, futility=None)

    def scaled(self, factor: float) -> SequentialBoundaries:
        """The same boundaries with each z times a number above 0."""
        futility = None if self.futility is None else tuple(z * factor for z in self.futility)
        return replace(self, efficacy=tuple(z * factor for z in self.efficacy), futility=futility)

    @property
    def p_values(self) -> tuple[float, ...]:
        """Nominal p-value at which each look rejects, of as many sides as the test has."""
        return tuple(self.sides * normal_cdf(-z) for z in self.efficacy)

    @property
    def futility_p_values(self) -> tuple[float, ...] | None:
        """Nominal p-value at or above which each look stops for futility, of as many sides; None without such a rule."""
        if self.futility is None:
            return None
        return tuple(min(self.sides * normal_cdf(-z), 1.0) for z in self.futility)

    def hazard_ratios(
        self, n_events: float, *, share_treated: float = 0.5
    ) -> tuple[tuple[float | None, ...], tuple[float | None, ...] | None]:
        """Hazard ratios at the boundaries, about exp(-z / sqrt(d q (1 - q))) after d events [1]_.

        Parameters
        ----------
        n_events : float
            At information fraction 1.
        share_treated : float
            q, between 0 and 1.

        Returns
        -------
        efficacy, futility : tuple of (float or None)
            None where a look cannot stop. A trial stops for efficacy at this hazard ratio or a smaller one.

        Raises
        ------
        ValueError
            If an argument lies outside its range.

        References
        ----------
        .. [1] Schoenfeld D. Biometrika 1981;68:316-319; Jennison and Turnbull 2000, section 13.2.
        """
        information = events_information(n_events, share_treated=share_treated)

        def ratios(boundary: tuple[float, ...]) -> tuple[float | None, ...]:
            pairs = zip(boundary, self.fractions, strict=True)
            return tuple(
                math.exp(-z / math.sqrt(t * information)) if self._stops(z) else None for z, t in pairs
            )

        return ratios(self.efficacy), None if self.futility is None else ratios(self.futility)

    def _stops(self, z: float) -> bool:
        return math.isfinite(z) and (self.sides == 1 or z >= 0)

    def stages(self) -> list[Stage]:
        """The looks as regions of z sqrt(fraction)."""
        found = []
        for i, (t, efficacy) in enumerate(zip(self.fractions, self.efficacy, strict=True)):
            futility = -math.inf if self.futility is None else self.futility[i]
            found.append(_stage(t, efficacy, futility, self.sides))
        return found


def _stage(fraction: float, efficacy: float, futility: float, sides: Sides) -> Stage:
    scale = math.sqrt(fraction)
    harm = -efficacy if sides == 2 else -math.inf
    lowest = -futility if sides == 2 else -math.inf
    between = (lowest * scale, futility * scale) if futility > max(lowest, -math.inf) else None
    return Stage(fraction, efficacy * scale, harm * scale, between)


def efficacy_boundary(
    fractions: Sequence[float], *, alpha: float, sides: Sides, spending: Spending
) -> SequentialBoundaries:
    """Boundaries that spend a type I error as stated, with nobody stopping for futility.

    While a trial runs, give the fractions of the looks held so far; earlier boundaries do not change with later looks [1]_.

    Parameters
    ----------
    fractions : sequence of float
        Information fractions, rising, at least 0.001 apart, the last at most 1.
    alpha : float
        Type I error of the whole test, between 0 and 1; each side of a two-sided test spends its half.
    sides : {1, 2}
    spending : Spending

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.

    References
    ----------
    .. [1] Lan KKG, DeMets DL. Biometrika 1983;70:659-663.

    Examples
    --------
    >>> from trialwright.statistics.error_spending import obrien_fleming_spending
    >>> boundaries = efficacy_boundary([0.5, 1], alpha=0.05, sides=2, spending=obrien_fleming_spending())
    >>> [round(z, 4) for z in boundaries.efficacy]
    [2.9626, 1.9686]
    """
    fractions = _as_fractions(fractions)
    spent = spending.spent(fractions, _of_one_side(alpha, sides))
    return SequentialBoundaries(fractions, _solve(fractions, sides, spent).efficacy, sides=sides)


@dataclass(frozen=True, slots=True)
class GroupSequentialDesign:
    """A test with looks that has a power at a drift.

    Attributes
    ----------
    boundaries : SequentialBoundaries
    alpha, power : float
        As asked for; the power is the probability to cross for efficacy, in the direction that favours the treated.
    drift : float
        Mean of z at the last look under which the power holds.
    inflation : float
        Information needed at the last look, over that of the same test with one look.
    alpha_spent : tuple of float
        Type I error of one side by each look, cumulative, if nobody stops for futility or futility is binding.
    beta_spent : tuple of float or None
        Probability to have stopped for futility by each look under the drift, cumulative.
    efficacy_spending, futility_spending : Spending
        The latter None without a rule for futility.
    futility_binding : bool
        Whether the boundaries for efficacy count on the rule for futility.
    conventions : dict
    """

    boundaries: SequentialBoundaries
    alpha: float
    power: float
    drift: float
    inflation: float
    alpha_spent: tuple[float, ...]
    beta_spent: tuple[float, ...] | None
    efficacy_spending: Spending
    futility_spending: Spending | None
    futility_binding: bool
    conventions: Conventions

    def boundaries_at(self, fractions: Sequence[float]) -> SequentialBoundaries:
        """Boundaries of the same design at the looks that are really held, those to come included or not.

        The errors spent follow the fractions held; the drift stays, so that futility still refers to the effect of the
        design. The type I error holds whatever the fractions, if the results do not choose them.

        Raises
        ------
        ValueError
            If the fractions do not rise, or stated shares are for another number of looks.
        """
        fractions = _as_fractions(fractions)
        spent = self.efficacy_spending.spent(fractions, _of_one_side(self.alpha, self.boundaries.sides))
        beta = self.futility_spending
        beta_spent = None if beta is None else beta.spent(fractions, 1 - self.power)
        found = _solve(
            fractions, self.boundaries.sides, spent, beta_spent, self.drift, binding=self.futility_binding
        )
        return SequentialBoundaries(fractions, found.efficacy, found.futility, self.boundaries.sides)

    def events(self, hazard_ratio: float, *, share_treated: float = 0.5) -> float:
        """Events at the last look with which the power holds at a hazard ratio below 1, not rounded.

        d = (drift / ln HR)^2 / (q (1 - q)): Schoenfeld's number for one look, times the inflation.

        Raises
        ------
        ValueError
            If an argument lies outside its range.
        """
        _check_benefit(hazard_ratio)
        check_inside("share_treated", share_treated, 0, 1)
        return (self.drift / math.log(hazard_ratio)) ** 2 / (share_treated * (1 - share_treated))


def group_sequential_design(
    fractions: Sequence[float],
    *,
    alpha: float,
    sides: Sides,
    power: float,
    efficacy: Spending,
    futility: Spending | None = None,
    futility_binding: bool = False,
) -> GroupSequentialDesign:
    """Find boundaries and the information that give a power.

    The boundaries for futility spend the type II error under the drift: by each look that much of it may have stopped. At
    the last look both boundaries meet. With binding futility the boundaries for efficacy count on it, and the type I error
    is exceeded if a trial goes on all the same; without, they do not, and it is never exceeded.

    Parameters
    ----------
    fractions : sequence of float
        Information fractions, rising, at least 0.001 apart, the last 1.
    alpha : float
        Type I error of the whole test, between 0 and 1: 0.05 two-sided is 0.025 at each side.
    sides : {1, 2}
    power : float
        Above `alpha` (one-sided) or half of it.
    efficacy : Spending
        Of the type I error.
    futility : Spending, optional
        Of the type II error. In a two-sided test futility is a z near 0, on either side.
    futility_binding : bool

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.

    References
    ----------
    .. [1] Lan KKG, DeMets DL. Biometrika 1983;70:659-663 (alpha). Pampallona S, Tsiatis AA, Kim KM. Drug Inf J
       2001;35:1113-1121 (beta).

    Examples
    --------
    >>> from trialwright.statistics.error_spending import obrien_fleming_spending
    >>> design = group_sequential_design(
    ...     equal_looks(3), alpha=0.05, sides=2, power=0.8, efficacy=obrien_fleming_spending()
    ... )
    >>> [round(z, 3) for z in design.boundaries.efficacy], round(design.inflation, 4)
    ([3.71, 2.511, 1.993], 1.0128)
    """
    fractions = _as_fractions(fractions)
    if fractions[-1] != 1:
        raise ValueError(f"`fractions` must end at 1, the last look, not at {fractions[-1]!r}")
    for name, chosen in (("efficacy", efficacy), ("futility", futility)):
        if chosen is not None and chosen.shares is not None and chosen.shares[-1] != 1:
            raise ValueError(f"`{name}` must state 1 for the last look, not {chosen.shares[-1]!r}")
    side = _of_one_side(alpha, sides)
    check_inside("power", power, 0, 1)
    fixed = summed_quantiles(alpha, sides, power)
    alpha_spent = efficacy.spent(fractions, side)
    beta_spent = None if futility is None else futility.spent(fractions, 1 - power)

    def solved(drift: float) -> _Solved:
        return _solve(fractions, sides, alpha_spent, beta_spent, drift, binding=futility_binding)

    drift = _drift_with(power, solved, at_least=fixed)
    found = solved(drift)
    if -math.inf in found.efficacy:
        raise ValueError(
            "`futility` must spend less early: too few trials without effect go on for `alpha` to be spent"
        )
    return GroupSequentialDesign(
        boundaries=SequentialBoundaries(fractions, found.efficacy, found.futility, sides),
        alpha=alpha,
        power=power,
        drift=drift,
        inflation=(drift / fixed) ** 2,
        alpha_spent=alpha_spent,
        beta_spent=beta_spent,
        efficacy_spending=efficacy,
        futility_spending=futility,
        futility_binding=futility_binding,
        conventions=_conventions(sides, efficacy, futility, binding=futility_binding),
    )


# --- what boundaries do -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoppingProbabilities:
    """What boundaries do under one true effect.

    Attributes
    ----------
    drift : float
    fractions : tuple of float
    efficacy, futility, harm : tuple of float
        Probability to stop at each look for this reason, `harm` at the lower boundary of a two-sided test.
    not_stopped : float
        Probability to be beyond the last look without a decision; without a rule for futility, to end without rejection.
    """

    drift: float
    fractions: tuple[float, ...]
    efficacy: tuple[float, ...]
    futility: tuple[float, ...]
    harm: tuple[float, ...]
    not_stopped: float

    @property
    def power(self) -> float:
        """Probability to cross for efficacy at any look: under drift 0 the type I error of one side."""
        return math.fsum(self.efficacy)

    @property
    def expected_fraction(self) -> float:
        """Mean information fraction at the end of the trial."""
        at_looks = zip(self.fractions, self.efficacy, self.futility, self.harm, strict=True)
        stopped = math.fsum(t * (up + flat + down) for t, up, flat, down in at_looks)
        return stopped + self.fractions[-1] * self.not_stopped


def stopping_probabilities(
    boundaries: SequentialBoundaries, drift: float, *, std_dev: float = 1.0
) -> StoppingProbabilities:
    """Find how often a trial stops at each look, and why.

    Parameters
    ----------
    boundaries : SequentialBoundaries
    drift : float
        Mean of z at information fraction 1: `drift_of` turns a hazard ratio into it.
    std_dev : float
        Of z at every look. Far from the null hypothesis, in groups of unequal size, that of a log-rank test is not 1
        (`survival_power.LogrankPower.std_dev_z`).

    Raises
    ------
    ValueError
        If the drift is not finite, or the standard deviation not above 0.

    Examples
    --------
    >>> pocock = SequentialBoundaries(equal_looks(5), (2.413,) * 5, sides=2)
    >>> found = stopping_probabilities(pocock, 0)
    >>> round(2 * found.power, 4)
    0.05
    """
    if not math.isfinite(drift):
        raise ValueError(f"`drift` must be a finite number, not {drift!r}")
    check_inside("std_dev", std_dev, 0, math.inf)
    found = exits(start(drift=drift / std_dev), boundaries.scaled(1 / std_dev).stages())
    efficacy, harm, futility = (tuple(float(p) for p in column) for column in found.T)
    return StoppingProbabilities(
        drift, boundaries.fractions, efficacy, futility, harm, max(1.0 - float(found.sum()), 0.0)
    )


def events_information(n_events: float, *, share_treated: float = 0.5) -> float:
    """Information on the log hazard ratio that so many events hold: d q (1 - q), of Schoenfeld 1981.

    Raises
    ------
    ValueError
        If an argument lies outside its range.
    """
    check_inside("n_events", n_events, 0, math.inf)
    check_inside("share_treated", share_treated, 0, 1)
    return n_events * share_treated * (1 - share_treated)


def drift_of(hazard_ratio: float, n_events: float, *, share_treated: float = 0.5) -> float:
    """Mean of z after so many events: -ln(HR) sqrt(d q (1 - q)), above 0 if the treated fare better.

    Raises
    ------
    ValueError
        If an argument lies outside its range.

    Examples
    --------
    >>> round(drift_of(0.6, 121), 3)
    2.81
    """
    check_inside("hazard_ratio", hazard_ratio, 0, math.inf)
    return -math.log(hazard_ratio) * math.sqrt(events_information(n_events, share_treated=share_treated))


def equal_looks(n_looks: int) -> tuple[float, ...]:
    """Information fractions of so many looks, equally far apart.

    Raises
    ------
    ValueError
        If there is none.
    """
    if n_looks < 1:
        raise ValueError(f"`n_looks` must be 1 or more, not {n_looks!r}")
    return tuple((i + 1) / n_looks for i in range(n_looks))


# --- solving for them ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Solved:
    efficacy: tuple[float, ...]
    futility: tuple[float, ...] | None
    power: float


def _solve(
    fractions: tuple[float, ...],
    sides: Sides,
    alpha_spent: tuple[float, ...],
    beta_spent: tuple[float, ...] | None = None,
    drift: float = 0.0,
    *,
    binding: bool = False,
) -> _Solved:
    """Look by look, the boundaries that spend what may be spent: alpha without effect, beta under the drift."""
    without_effect, under_drift = start(drift=0.0), start(drift=drift)
    efficacy: list[float] = []
    futility: list[float] = []
    spent = lost = power = 0.0
    for i, t in enumerate(fractions):
        upper, used = _efficacy_z(without_effect, t, alpha_spent[i] - spent, sides)
        spent += used
        lower = -math.inf
        if beta_spent is not None:
            lower = upper if t == 1 else _futility_z(under_drift, t, beta_spent[i] - lost, sides, upper)
        stage, ignored = _stage(t, upper, lower, sides), _stage(t, upper, -math.inf, sides)
        power += under_drift.above(stage.above, t)
        if stage.between is not None:
            lost += under_drift.between(*stage.between, t)
        efficacy.append(upper)
        futility.append(lower)
        if i + 1 < len(fractions):
            without_effect = without_effect.after(stage if binding else ignored, fractions[i + 1])
            under_drift = under_drift.after(stage, fractions[i + 1])
    return _Solved(tuple(efficacy), None if beta_spent is None else tuple(futility), power)


def _efficacy_z(process: Process, fraction: float, owed: float, sides: Sides) -> tuple[float, float]:
    """The z that spends what is owed, and what it spends; minus infinity where that cannot be reached."""
    if owed < _LEAST_SPENT:
        return math.inf, 0.0
    scale = math.sqrt(fraction)
    lowest = 0.0 if sides == 2 else -_LARGEST_Z
    most = process.above(lowest * scale, fraction)
    if most <= owed:
        return -math.inf, most
    wanted = _probit(owed)
    z = root(lambda z: _probit(process.above(z * scale, fraction)) - wanted, lowest, _LARGEST_Z)
    return z, owed


def _futility_z(process: Process, fraction: float, owed: float, sides: Sides, highest: float) -> float:
    """The z below which, or nearer 0 than which, what is owed stops; at most that of efficacy."""
    scale = math.sqrt(fraction)
    highest = min(highest, process.drift * scale + _LARGEST_Z)
    if owed < _LEAST_SPENT:
        return -math.inf
    wanted = _probit(owed)
    lowest = 0.0 if sides == 2 else process.drift * scale - _LARGEST_Z

    def too_much(z: float) -> float:
        low = -z * scale if sides == 2 else -math.inf
        return _probit(process.between(low, z * scale, fraction)) - wanted

    if highest <= lowest or too_much(highest) <= 0:
        return highest
    return root(too_much, lowest, highest)


def _drift_with(power: float, solved: Callable[[float], _Solved], *, at_least: float) -> float:
    """The drift with this power: no design needs less information than that with one look."""
    wanted = _probit(power)

    def lacking(drift: float) -> float:
        return _probit(solved(drift).power) - wanted

    high = at_least * _DRIFT_STEP
    while lacking(high) < 0:
        high *= _DRIFT_STEP
    low = at_least * (1 - _ROUNDING)
    return root(lacking, low, high, tolerance=_DRIFT_TOLERANCE)


def _probit(probability: float) -> float:
    """Nearly linear in z where probabilities are not: roots are found in few steps."""
    return _NORMAL.inv_cdf(min(max(probability, _LEAST_PROBABILITY), 1 - _ROUNDING))


def _conventions(
    sides: Sides, efficacy: Spending, futility: Spending | None, *, binding: bool
) -> Conventions:
    stated: Conventions = {"sides": sides, "efficacy": efficacy.name}
    if efficacy.gamma is not None:
        stated["efficacy_gamma"] = efficacy.gamma
    if futility is not None:
        stated |= {"futility": futility.name, "futility_binding": binding}
        if futility.gamma is not None:
            stated["futility_gamma"] = futility.gamma
    return stated


def _of_one_side(alpha: float, sides: Sides) -> float:
    check_inside("alpha", alpha, 0, 1)
    return alpha / as_sides(sides)


def _as_fractions(fractions: Sequence[float]) -> tuple[float, ...]:
    found = tuple(float(fraction) for fraction in fractions)
    _check_fractions(found)
    return found


def _check_fractions(fractions: tuple[float, ...]) -> None:
    if not fractions:
        raise ValueError("`fractions` must hold at least one look")
    for i, (before, fraction) in enumerate(pairwise((0.0, *fractions))):
        if not before + LEAST_STEP * (1 - _ROUNDING) <= fraction <= 1:
            raise ValueError(
                f"`fractions[{i}]` must be at least {LEAST_STEP} above {before:g} and at most 1, not {fraction!r}"
            )


def _check_benefit(hazard_ratio: float) -> None:
    if hazard_ratio == 1:
        raise ValueError(
            "`hazard_ratio` must differ from 1: no number of events shows a difference of nothing"
        )
    check_inside("hazard_ratio", hazard_ratio, 0, 1)
