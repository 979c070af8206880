"""Designs of a single group whose outcome is an event in each patient or none: what n patients can show, exactly.

Throughout, events are what is hoped for: the null hypothesis is a rate of `null_rate` or less, and is rejected by many events.
To show that a rate is low, count the patients without the event: a rate of 20 % that would be unacceptable becomes a
`null_rate` of 0.8. Rates lie between 0 and 1, and no rate has a default.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trialwright.statistics.arrays import Floats, check_inside, check_whole
from trialwright.statistics.boundaries import EQUAL_WITHIN, one_more_patient, so_many_or_more
from trialwright.statistics.distributions import binomial_upper_limit, smallest

DesignName = Literal[
    "single stage, first n", "single stage, every n from here", "Simon, optimal", "Simon, minimax"
]

MOST_SUBJECTS = 10_000
"""Designs of one stage with more patients are not looked for."""
MOST_SUBJECTS_OF_TWO_STAGES = 300
"""Designs of two stages with more patients are not looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleStage:
    """An exact binomial test with n patients.

    Attributes
    ----------
    n : int
    events_needed : int or None
        The fewest events that reject the null hypothesis; None if an event in everybody does not.
    null_rate, target_rate, alpha : float
    type_1_error, power : float
        Probability to reject at the null and at the target rate.
    """

    n: int
    events_needed: int | None
    null_rate: float
    target_rate: float
    alpha: float
    type_1_error: float
    power: float


@dataclass(frozen=True, slots=True)
class SingleStageSubjects:
    """Patients that a design of one stage needs.

    Events are whole, so power falls and rises as patients are added. `first` is the smallest n that has the power; one patient
    more may have less. `lasting` is the smallest from which on every n has it.
    """

    first: SingleStage
    lasting: SingleStage


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoStage:
    """A design of two stages in Simon's notation.

    Attributes
    ----------
    r1, n1 : int
        With at most `r1` events among the first `n1` patients the study stops and the null hypothesis is kept.
    r, n : int
        With at most `r` events among all `n` it is kept, else rejected.
    null_rate, target_rate : float
    type_1_error, power : float
        Probability to reject at the null and at the target rate.
    expected_n, stop_early : float
        Patients expected, and probability to stop after the first stage, at the null rate: EN(p0) and PET(p0).
    expected_n_if_target, stop_early_if_target : float
        The same at the target rate.
    """

    r1: int
    n1: int
    r: int
    n: int
    null_rate: float
    target_rate: float
    type_1_error: float
    power: float
    expected_n: float
    stop_early: float
    expected_n_if_target: float
    stop_early_if_target: float


@dataclass(frozen=True, slots=True)
class SimonDesigns:
    """`optimal` has the fewest patients expected at the null rate, `minimax` the fewest patients at most."""

    optimal: TwoStage
    minimax: TwoStage


@dataclass(frozen=True, slots=True, kw_only=True)
class FittingHypothesis:
    """Two rates for which a design has just the number of patients asked about.

    Attributes
    ----------
    design : str
        One of `DesignName`.
    null_rate, target_rate, alpha, power_asked : float
    events_needed : int
        The fewest events, among all patients, that reject.
    type_1_error, power : float
        Those that the design has.
    """

    design: DesignName
    null_rate: float
    target_rate: float
    alpha: float
    power_asked: float
    events_needed: int
    type_1_error: float
    power: float


# --- one stage ----------------------------------------------------------------------------------------------------------


def single_stage(n: int, *, null_rate: float, target_rate: float, alpha: float) -> SingleStage:
    """Find what n patients can show with an exact one-sided binomial test [1]_.

    Parameters
    ----------
    n : int
        At least 1.
    null_rate, target_rate : float
        Between 0 and 1, the target above the null.
    alpha : float
        Largest type I error, one-sided, between 0 and 1; one of exactly `alpha` is allowed.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.

    References
    ----------
    .. [1] A'Hern RP. Sample size tables for exact single-stage phase II designs. Stat Med 2001;20:859-866.

    Examples
    --------
    >>> found = single_stage(43, null_rate=0.1, target_rate=0.25, alpha=0.05)
    >>> found.events_needed, round(found.type_1_error, 3), round(found.power, 3)
    (9, 0.024, 0.783)
    """
    check_whole("n", n, 1, MOST_SUBJECTS)
    _check_hypotheses(null_rate, target_rate, alpha)
    return _single_stage(_binomial(n, null_rate), _binomial(n, target_rate), null_rate, target_rate, alpha)


def single_stage_by_n(
    largest_n: int, *, null_rate: float, target_rate: float, alpha: float
) -> tuple[SingleStage, ...]:
    """Find what 1, 2, ... up to `largest_n` patients can show: the saw-tooth of power over n.

    Parameters and errors as for `single_stage`.
    """
    check_whole("n", largest_n, 1, MOST_SUBJECTS)
    _check_hypotheses(null_rate, target_rate, alpha)
    return tuple(itertools.islice(_single_stages(null_rate, target_rate, alpha), largest_n))


def single_stage_subjects(
    *, null_rate: float, target_rate: float, alpha: float, power: float
) -> SingleStageSubjects:
    """Find the patients that a design of one stage needs.

    That every n from `lasting` on has the power is certain: beyond some n Chernoff's bounds [1]_ guarantee it, and every n below
    is tried.

    Parameters
    ----------
    null_rate, target_rate, alpha : float
        As for `single_stage`.
    power : float
        Above `alpha`, below 1.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above, or the rates are so close that only more than 10,000 patients are
        certainly enough.

    References
    ----------
    .. [1] Chernoff H. Ann Math Stat 1952;23:493-507.

    Examples
    --------
    >>> found = single_stage_subjects(null_rate=0.6, target_rate=0.7, alpha=0.1, power=0.9)
    >>> found.first.n, found.lasting.n
    (156, 162)
    """
    _check_hypotheses(null_rate, target_rate, alpha, power)
    enough = _certainly_enough(null_rate, target_rate, alpha, power)
    if enough > MOST_SUBJECTS:
        nearest = smallest(
            lambda rate: _certainly_enough(null_rate, rate, alpha, power) <= MOST_SUBJECTS, target_rate, 1.0
        )
        raise ValueError(
            f"`target_rate` must lie further from `null_rate` of {null_rate:g} than {target_rate!r}: designs are looked for among"
            f" those of at most {MOST_SUBJECTS} patients; the nearest that works is {_up(nearest)}"
        )
    tried = single_stage_by_n(enough, null_rate=null_rate, target_rate=target_rate, alpha=alpha)
    first = next(one for one in tried if one.power >= _least(power))
    lasting = [*itertools.takewhile(lambda one: one.power >= _least(power), reversed(tried))][-1]
    return SingleStageSubjects(first, lasting)


def smallest_target_rate(n: int, *, null_rate: float, alpha: float, power: float) -> float | None:
    """Find the smallest rate that n patients tell from the null rate with a power.

    Parameters as for `single_stage` and `single_stage_subjects`.

    Returns
    -------
    target_rate : float or None
        None if even an event in everybody does not reject the null hypothesis.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for there.

    Examples
    --------
    >>> round(smallest_target_rate(43, null_rate=0.1, alpha=0.05, power=0.8), 3)
    0.254
    """
    check_whole("n", n, 1, MOST_SUBJECTS)
    check_inside("null_rate", null_rate, 0, 1)
    _check_errors(alpha, power)
    return _target(n, null_rate, alpha, power)


def require_power(n: int, *, null_rate: float, target_rate: float, alpha: float, power: float) -> SingleStage:
    """Return what n patients can show, or refuse with the nearest that works.

    Parameters as for `single_stage` and `single_stage_subjects`.

    Raises
    ------
    ValueError
        If n does not have the power: with the next n that has it, and the target rate at which this n has it; or if an argument
        does not hold what is asked for there.
    """
    _check_hypotheses(null_rate, target_rate, alpha, power)
    found = single_stage(n, null_rate=null_rate, target_rate=target_rate, alpha=alpha)
    if found.power >= _least(power):
        return found
    larger = itertools.islice(_single_stages(null_rate, target_rate, alpha), n, MOST_SUBJECTS)
    next_n = next((one.n for one in larger if one.power >= _least(power)), None)
    target = _target(n, null_rate, alpha, power)
    ways = [f"`n` of {next_n}" if next_n else "", f"`target_rate` of {_up(target)}" if target else ""]
    raise ValueError(
        f"`n` of {n} has a power of {found.power:.3g}, not {power:g}, for rates of {null_rate:g} and {target_rate:g};"
        f" the nearest that works: {' or '.join(filter(None, ways)) or 'none'}"
    )


def _single_stages(null_rate: float, target_rate: float, alpha: float) -> Iterator[SingleStage]:
    """The designs of 1, 2, ... patients."""
    under_null = under_target = np.ones(1)
    while True:
        under_null = one_more_patient(under_null, null_rate)
        under_target = one_more_patient(under_target, target_rate)
        yield _single_stage(under_null, under_target, null_rate, target_rate, alpha)


def _single_stage(
    under_null: Floats, under_target: Floats, null_rate: float, target_rate: float, alpha: float
) -> SingleStage:
    null_tail = _upper_tail(under_null)
    fewest = _fewest_to_reject(null_tail, alpha)
    return SingleStage(
        n=len(under_null) - 1,
        events_needed=fewest,
        null_rate=null_rate,
        target_rate=target_rate,
        alpha=alpha,
        type_1_error=0.0 if fewest is None else float(null_tail[fewest]),
        power=0.0 if fewest is None else float(_upper_tail(under_target)[fewest]),
    )


def _certainly_enough(null_rate: float, target_rate: float, alpha: float, power: float) -> int:
    """A number from which on every n has the power.

    For a rate t between both, n t or more events have at most probability exp(-n K(t, null)) at the null rate, and n t or fewer
    at most exp(-n K(t, target)) at the target rate, K the divergence of Kullback and Leibler (Chernoff 1952). Where the first
    is at most alpha, the test needs at most ceil(n t) events, and the second bounds its type II error.
    """
    log_alpha, log_beta = -math.log(alpha), -math.log(1 - power)

    def null_needs_fewer(t: float) -> bool:
        return _divergence(t, null_rate) * log_beta >= _divergence(t, target_rate) * log_alpha

    between = smallest(null_needs_fewer, null_rate, target_rate)
    needed = (log_alpha / _divergence(between, null_rate), log_beta / _divergence(between, target_rate))
    return math.ceil(max(needed))


def _divergence(a: float, b: float) -> float:
    return a * math.log(a / b) + (1 - a) * math.log((1 - a) / (1 - b))


def _target(n: int, null_rate: float, alpha: float, power: float) -> float | None:
    fewest = _fewest_to_reject(_upper_tail(_binomial(n, null_rate)), alpha)
    return None if fewest is None else binomial_upper_limit(fewest - 1, n, 1 - power)


def _fewest_to_reject(null_tail: Floats, alpha: float) -> int | None:
    """The fewest events of which so many or more have at most probability alpha; the last of the tail is of more than there can be."""
    fewest = int(np.argmax(null_tail <= alpha * (1 + EQUAL_WITHIN)))
    return fewest if fewest < len(null_tail) - 1 else None


# --- two stages ---------------------------------------------------------------------------------------------------------


def two_stage(r1: int, n1: int, r: int, n: int, *, null_rate: float, target_rate: float) -> TwoStage:
    """Find what a stated design of two stages does.

    Parameters
    ----------
    r1, n1, r, n : int
        As in `TwoStage`: r1 below n1, n1 below n, r from r1 on and below n.
    null_rate, target_rate : float
        Between 0 and 1, the target above the null.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.

    References
    ----------
    .. [1] Simon R. Optimal two-stage designs for phase II clinical trials. Control Clin Trials 1989;10:1-10, equation 1.

    Examples
    --------
    >>> found = two_stage(2, 18, 7, 43, null_rate=0.1, target_rate=0.25)
    >>> round(found.expected_n, 1), round(found.stop_early, 2), round(found.power, 2)
    (24.7, 0.73, 0.8)
    """
    check_whole("n", n, 2, MOST_SUBJECTS)
    check_whole("n1", n1, 1, n - 1)
    check_whole("r1", r1, 0, n1 - 1)
    check_whole("r", r, r1, n - 1)
    _check_hypotheses(null_rate, target_rate)
    return _two_stage(r1, n1, r, n, _Binomials(null_rate), _Binomials(target_rate))


def _two_stage(r1: int, n1: int, r: int, n: int, null: _Binomials, target: _Binomials) -> TwoStage:
    events = np.arange(r1 + 1, n1 + 1)

    def characteristics(binomials: _Binomials) -> tuple[float, float]:
        rejecting = _rejecting(binomials, n1, n, events, np.array([r]))
        return float(rejecting[0, 0]), float(binomials.exactly(n1)[: r1 + 1].sum())

    type_1_error, stop_early = characteristics(null)
    power, stop_early_if_target = characteristics(target)
    return TwoStage(
        r1=r1,
        n1=n1,
        r=r,
        n=n,
        null_rate=null.rate,
        target_rate=target.rate,
        type_1_error=type_1_error,
        power=power,
        expected_n=n1 + (1 - stop_early) * (n - n1),
        stop_early=stop_early,
        expected_n_if_target=n1 + (1 - stop_early_if_target) * (n - n1),
        stop_early_if_target=stop_early_if_target,
    )


def simon_designs(*, null_rate: float, target_rate: float, alpha: float, power: float) -> SimonDesigns:
    """Find Simon's optimal and minimax designs [1]_.

    Among all designs with a type I error of at most `alpha` and the power: the one with the fewest patients expected at the null
    rate, and among those with the fewest patients at most the one with the fewest expected. As in the paper, `r` is the largest
    that leaves the power. The optimum is that of all designs, not of a range that was searched: a design of more patients
    is left out only where it cannot have fewer expected.

    Parameters
    ----------
    null_rate, target_rate, alpha, power : float
        As for `single_stage_subjects`; alpha is one-sided.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for there, or a design needs more than 300 patients.

    References
    ----------
    .. [1] Simon R. Optimal two-stage designs for phase II clinical trials. Control Clin Trials 1989;10:1-10.

    Examples
    --------
    >>> found = simon_designs(null_rate=0.1, target_rate=0.25, alpha=0.05, power=0.8)
    >>> found.optimal.r1, found.optimal.n1, found.optimal.r, found.optimal.n
    (2, 18, 7, 43)
    >>> found.minimax.r1, found.minimax.n1, found.minimax.r, found.minimax.n
    (2, 22, 7, 40)
    """
    _check_hypotheses(null_rate, target_rate, alpha, power)
    return _simon_designs(_Binomials(null_rate), _Binomials(target_rate), alpha, power)


def _simon_designs(null: _Binomials, target: _Binomials, alpha: float, power: float) -> SimonDesigns:
    fewest = _fewest_for_any_test(null, target, alpha, power, MOST_SUBJECTS_OF_TWO_STAGES)
    if fewest is None:
        raise _too_close(null.rate, target.rate, alpha, power)
    found: list[TwoStage] = []  # each with fewer patients expected than the one before
    for n in range(fewest, MOST_SUBJECTS_OF_TWO_STAGES + 1):
        to_beat = found[-1].expected_n if found else math.inf
        if found and n > _most_for_fewer_expected(null, target, to_beat, power):
            return SimonDesigns(optimal=found[-1], minimax=found[0])
        stages = _fewest_expected(null, target, n, to_beat, alpha, power)
        if stages is not None:
            found.append(_two_stage(*stages, n, null, target))
    raise _too_close(null.rate, target.rate, alpha, power)


class _Binomials:
    """Probabilities of 0, 1, ... events among n patients, and of so many or more, kept for each n."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._exactly = [np.ones(1)]
        self._tails = [_upper_tail(self._exactly[0])]

    def exactly(self, n: int) -> Floats:
        while len(self._exactly) <= n:
            self._exactly.append(one_more_patient(self._exactly[-1], self.rate))
            self._tails.append(_upper_tail(self._exactly[-1]))
        return self._exactly[n]

    def tail(self, n: int) -> Floats:
        self.exactly(n)
        return self._tails[n]


def _fewest_for_any_test(
    null: _Binomials, target: _Binomials, alpha: float, power: float, most: int
) -> int | None:
    """The fewest patients with whom the most powerful test, which may draw lots, has the power (Neyman and Pearson 1933).

    A design of two stages is a test of all its patients and needs as many. None if these are more than `most`.
    """
    for n in range(2, most + 1):
        under_null, under_target = null.tail(n), target.tail(n)
        fewest = int(np.argmax(under_null <= alpha))
        drawn = (alpha - under_null[fewest]) / (under_null[fewest - 1] - under_null[fewest])
        reached = under_target[fewest] + drawn * (under_target[fewest - 1] - under_target[fewest])
        if float(reached) >= _least(power):
            return n
    return None


def _most_for_fewer_expected(null: _Binomials, target: _Binomials, expected_n: float, power: float) -> float:
    """The most patients of a design that may have fewer expected.

    After n1 patients it must go on with at least the power at the target rate, and so with some least probability q at the null
    rate; n1 + q (n - n1) below `expected_n` leaves only n below n1 + (expected_n - n1) / q.
    """
    most = 0.0
    for n1 in range(1, math.ceil(expected_n)):
        may_go_on = null.tail(n1)[1:][target.tail(n1)[1:] >= _least(power)]
        if len(may_go_on):
            most = max(most, n1 + (expected_n - n1) / float(may_go_on[-1]))
    return most


def _fewest_expected(
    null: _Binomials, target: _Binomials, n: int, to_beat: float, alpha: float, power: float
) -> tuple[int, int, int] | None:
    """r1, n1 and r of the design of n patients with the fewest expected, if these are below `to_beat`."""
    found = None
    for n1 in range(1, n):
        if n1 >= to_beat:
            break
        expected = n1 + null.tail(n1)[1:-1] * (n - n1)
        may_be = np.flatnonzero((expected < to_beat) & (target.tail(n1)[1:-1] >= _least(power)))
        if not len(may_be):
            continue
        events = np.arange(may_be[0] + 1, n1 + 1)
        most = np.arange(may_be[0], n)
        power_by_r = _rejecting(target, n1, n, events, most)[: len(may_be)]
        r = (power_by_r >= _least(power)).sum(axis=1) - 1  # power falls as r rises
        type_1_error = _rejecting(null, n1, n, events, most)[np.arange(len(may_be)), r]
        allowed = may_be[type_1_error <= alpha * (1 + EQUAL_WITHIN)]
        if len(allowed):
            r1 = int(allowed[-1])
            to_beat = float(expected[r1])
            found = r1, n1, int(most[r[r1 - may_be[0]]])
    return found


def _rejecting(
    binomials: _Binomials, n1: int, n: int, events: NDArray[np.int64], most: NDArray[np.int64]
) -> Floats:
    """Probability to reject if more than `most` events do, and the first stage had these events or more of them.

    `events` of shape (n_events,) are consecutive numbers up to n1, and `most` has shape (n_most,); the result has both.
    """
    rest = np.clip(most + 1 - events[:, None], 0, n - n1 + 1)
    each = binomials.exactly(n1)[events, None] * binomials.tail(n - n1)[rest]
    return np.cumsum(each[::-1], axis=0)[::-1]


def _too_close(null_rate: float, target_rate: float, alpha: float, power: float) -> ValueError:
    most = MOST_SUBJECTS_OF_TWO_STAGES
    nearest = _target(most, null_rate, alpha, power)
    one_stage = f", who can tell {_up(nearest)} in one stage" if nearest else ""
    return ValueError(
        f"`target_rate` must lie further from `null_rate` of {null_rate:g} than {target_rate!r}: designs of two stages are"
        f" looked for among those of at most {most} patients{one_stage}"
    )


# --- what a number of patients fits -------------------------------------------------------------------------------------


def fitting_hypotheses(
    n: int, *, null_rates: Sequence[float], target_rates: Sequence[float], alpha: float, power: float
) -> tuple[FittingHypothesis, ...]:
    """Find the pairs of rates for which a design has just n patients.

    It tells which hypotheses a stated number of patients fits, not which ones somebody had.

    Parameters
    ----------
    n : int
        At least 2.
    null_rates, target_rates : sequence of float
        A grid; pairs whose target is not above the null are left out.
    alpha, power : float
        As for `single_stage_subjects`.

    Returns
    -------
    fitting : tuple of FittingHypothesis
        By null rate, target rate and design.

    Raises
    ------
    ValueError
        If an argument does not hold what is asked for above.

    Examples
    --------
    >>> found = fitting_hypotheses(43, null_rates=[0.1, 0.2], target_rates=[0.25, 0.4], alpha=0.05, power=0.8)
    >>> [(one.null_rate, one.target_rate, one.design, one.events_needed) for one in found]
    [(0.1, 0.25, 'Simon, optimal', 8), (0.2, 0.4, 'Simon, optimal', 13)]
    """
    check_whole("n", n, 2, MOST_SUBJECTS_OF_TWO_STAGES)
    for name, rates in (("null_rates", null_rates), ("target_rates", target_rates)):
        for i, rate in enumerate(rates):
            check_inside(f"{name}[{i}]", rate, 0, 1)
    _check_errors(alpha, power)
    binomials = {rate: _Binomials(rate) for rate in (*null_rates, *target_rates)}
    pairs = ((null, target) for null in null_rates for target in target_rates if null < target)
    return tuple(
        FittingHypothesis(
            design=name,
            null_rate=null,
            target_rate=target,
            alpha=alpha,
            power_asked=power,
            events_needed=events,
            type_1_error=found.type_1_error,
            power=found.power,
        )
        for null, target in pairs
        for name, events, found in _designs_of(n, binomials[null], binomials[target], alpha, power)
    )


def _designs_of(
    n: int, null: _Binomials, target: _Binomials, alpha: float, power: float
) -> Iterator[tuple[DesignName, int, SingleStage | TwoStage]]:
    """The designs that have just n patients; what cannot have is not computed to its end."""
    *fewer, last = single_stage_by_n(n, null_rate=null.rate, target_rate=target.rate, alpha=alpha)
    if last.events_needed is not None and last.power >= _least(power):
        if not any(one.power >= _least(power) for one in fewer):
            yield "single stage, first n", last.events_needed, last
        if fewer[-1].power < _least(power):
            stated = {"null_rate": null.rate, "target_rate": target.rate, "alpha": alpha, "power": power}
            if single_stage_subjects(**stated).lasting.n == n:
                yield "single stage, every n from here", last.events_needed, last
    if _fewest_for_any_test(null, target, alpha, power, n) is not None:
        simon = _simon_designs(null, target, alpha, power)
        if simon.optimal.n == n:
            yield "Simon, optimal", simon.optimal.r + 1, simon.optimal
        if simon.minimax.n == n:
            yield "Simon, minimax", simon.minimax.r + 1, simon.minimax


# --- shared -------------------------------------------------------------------------------------------------------------


def _binomial(n: int, rate: float) -> Floats:
    """Probabilities of 0, 1, ... n events."""
    exactly = np.ones(1)
    for _ in range(n):
        exactly = one_more_patient(exactly, rate)
    return exactly


def _upper_tail(exactly: Floats) -> Floats:
    """Probabilities of 0, 1, ... or more events, the last of one more than there are patients, which is 0."""
    return np.append(so_many_or_more(exactly), 0.0)


def _least(power: float) -> float:
    """From what on a probability counts as the power: but for rounding errors it is the power."""
    return power * (1 - EQUAL_WITHIN)


def _up(rate: float) -> float:
    """Rounded up to four decimals, so that what works still works."""
    return math.ceil(rate * 10_000) / 10_000


def _check_hypotheses(
    null_rate: float, target_rate: float, alpha: float | None = None, power: float | None = None
) -> None:
    check_inside("null_rate", null_rate, 0, 1)
    check_inside("target_rate", target_rate, 0, 1)
    if target_rate <= null_rate:
        raise ValueError(
            f"`target_rate` must be above `null_rate` of {null_rate:g}, not {target_rate!r}; to show that a rate is low,"
            " count the patients without the event"
        )
    if alpha is not None:
        _check_errors(alpha, power)


def _check_errors(alpha: float, power: float | None) -> None:
    check_inside("alpha", alpha, 0, 1)
    if power is None:
        return
    check_inside("power", power, 0, 1)
    if power <= alpha:
        raise ValueError(f"`power` must be above `alpha` of {alpha:g}, not {power!r}")
