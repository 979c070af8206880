"""Groups that nobody randomised, weighted to one population: weights, balance, curves and risks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from trialwright.analysis.results import Recorder, Where
from trialwright.analysis.sample import AnalysisData, Sample, select_sample
from trialwright.analysis.survival_rows import (
    DIFFERENCE,
    MEDIAN,
    RATIO,
    Curve,
    add_median,
    add_no_curve,
    add_reading,
    add_steps,
    add_ticks,
    count_group,
    minus,
    over,
    ticks_of,
    time_unit,
)
from trialwright.protocol.analyses import Cox, KaplanMeier, Scale, Weights
from trialwright.protocol.categories import category_words, levels_of, pairs_compared
from trialwright.protocol.references import GROUPS
from trialwright.protocol.stated import Stated
from trialwright.statistics.aliases import Unaliased, without_aliases
from trialwright.statistics.arrays import Floats
from trialwright.statistics.covariates import Categorised, Covariate, categorised, count_missing, measured
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.imputation import combine, impute
from trialwright.statistics.risk_contrasts import RiskContrast, risk_difference, risk_ratio
from trialwright.statistics.survival import SurvivalCurve, SurvivalPoints, estimate_survival
from trialwright.statistics.weighted_survival import (
    WeightedComparison,
    bootstrap_weighted_risks,
    compare_weighted,
)
from trialwright.statistics.weighting import Balance, balance_table, e_value, positivity_summary

_BOOTSTRAP = ("bootstrap_std_error", "bootstrap_conf_low", "bootstrap_conf_high")
_OF_DIFFERENCE = 2
"""The column of differences among resampled risks, after those of the treated and of the controls."""
_E_VALUE = ("e_value", "e_value_limit")


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """Subjects with weights: one comparison, or one for each imputed data set.

    Attributes
    ----------
    comparisons : tuple of WeightedComparison
    balances : tuple of tuple of Balance
        How far the groups lie apart in all they were to be made alike in, for each comparison.
    unaliased : Unaliased
        Those that the propensity score was estimated from.
    conventions : dict
    """

    comparisons: tuple[WeightedComparison, ...]
    balances: tuple[tuple[Balance, ...], ...]
    unaliased: Unaliased
    conventions: Mapping[str, Any]

    @property
    def reason(self) -> str | None:
        """Why no headline may rest on these weights, or None."""
        return next((one.size.reason for one in self.comparisons if one.size.reason), None)


def facts_weighted(analysis: KaplanMeier | Cox) -> list[str]:
    """What a subject needs for its weight: the group; the covariates too where none is imputed."""
    weights = analysis.weights
    return [GROUPS, *(weights.covariates if weights and not weights.imputations else ())]


def said_alike(weights: Weights) -> str:
    """What weights are, without where the protocol has them from: the same for analyses that share them."""
    return weights.model_dump_json(exclude={*Stated.model_fields})


def weigh(data: AnalysisData, analysis: KaplanMeier | Cox, sample: Sample, weights: Weights) -> Weighed:
    """Weights of the subjects of a sample, for each imputed data set; found once for analyses that share them.

    Raises
    ------
    NotEstimable
        If there are no weights; the reason names what stands in the way.
    """
    key = (said_alike(weights), analysis.endpoint, analysis.from_, tuple(sample.subject))
    if key not in data.memory:
        try:
            data.memory[key] = _weigh(data, sample, weights)
        except NotEstimable as error:
            data.memory[key] = error
    found = data.memory[key]
    if isinstance(found, NotEstimable):
        raise found
    return found  # type: ignore[no-any-return]


def _weigh(data: AnalysisData, sample: Sample, weights: Weights) -> Weighed:
    if sample.n_subjects == 0:
        raise NotEstimable("no subject has all the values it needs")
    covariates = [
        covariate_of(data, sample, name, weights.transform.get(name)) for name in weights.covariates
    ]
    treated = np.array([group == weights.treated for group in sample.frame[GROUPS]])
    others = sample.frame.filter(sample.frame[GROUPS] != weights.treated)[GROUPS].n_unique()
    if others > 1:
        raise NotEstimable("weights compare two groups, and there are more")
    unaliased = without_aliases(covariates)
    if not unaliased.covariates:
        raise NotEstimable("every covariate is the same for everybody: there is nothing to make alike")
    n_missing = sum(one.n_missing for one in count_missing(covariates))
    conventions: dict[str, Any] = {"weights": weights.target, "propensity": "logistic, main effects"}
    completed: Sequence[tuple[Covariate, ...]] = (tuple(covariates),)
    models: Sequence[tuple[Covariate, ...]] = (unaliased.covariates,)
    if n_missing and weights.imputations:
        completed = _impute(sample, covariates, treated, weights)
        names = [covariate.name for covariate in unaliased.covariates]
        models = [_model(unaliased, names, one) for one in completed]
        conventions |= {
            "imputations": weights.imputations,
            "imputed": "chained equations, predictive mean matching, with group, event and cumulative hazard",
            "seed": weights.seed,
        }
    comparisons = tuple(
        compare_weighted(sample.time, sample.event, treated, model, target=weights.target) for model in models
    )
    balances = tuple(
        balance_table(one, comparison.is_treated, comparison.weights)
        for one, comparison in zip(completed, comparisons, strict=True)
    )
    return Weighed(comparisons, balances, unaliased, conventions)


def covariate_of(data: AnalysisData, sample: Sample, name: str, scale: Scale | None = None) -> Covariate:
    """A fact of the subjects of a sample as models take it, a number on its scale."""
    levels = levels_of(data.protocol, name)
    if levels:
        return categorised(name, sample.frame[name].to_list(), levels=list(levels))
    return measured(name, on_scale(sample.frame[name], scale).to_list())


def on_scale(values: pl.Series, scale: Scale | None) -> pl.Series:
    """Numbers on the scale on which they enter a model; what is not known stays so."""
    numbers = values.cast(pl.Float64)
    return numbers.log10() if scale == "log10" else numbers


def _impute(
    sample: Sample, covariates: Sequence[Covariate], treated: Any, weights: Weights
) -> Sequence[tuple[Covariate, ...]]:
    if weights.imputations < 2:
        raise NotEstimable(
            "one imputed data set does not tell how much imputations differ: ask for two or more"
        )
    auxiliary = [
        measured("group", treated.astype(float)),
        measured("event", np.array(sample.event, dtype=float)),
        measured("cumulative hazard", _cumulative_hazard(sample)),
    ]
    useful = list(without_aliases(auxiliary).covariates)
    return impute(covariates, auxiliary=useful, m=weights.imputations, seed=weights.seed)


def _cumulative_hazard(sample: Sample) -> Floats:
    """Nelson and Aalen's estimate at each subject's own time (White and Royston, Stat Med 2009;28:1982)."""
    curve = estimate_survival(sample.time, sample.event)
    hazard = np.cumsum(np.asarray(curve.n_events) / np.asarray(curve.n_at_risk))
    return np.asarray(hazard[np.searchsorted(curve.time, np.array(sample.time))])


def _model(
    unaliased: Unaliased, names: Sequence[str], completed: tuple[Covariate, ...]
) -> tuple[Covariate, ...]:
    """The covariates of the propensity score with their imputed values."""
    joined = dict(unaliased.joined)
    found = []
    for covariate in completed:
        if covariate.name not in names:
            continue
        if covariate.name in joined:
            model = next(one for one in unaliased.covariates if one.name == covariate.name)
            covariate = _joined(covariate, model, joined[covariate.name])
        found.append(covariate)
    return tuple(found)


def _joined(covariate: Covariate, model: Covariate, levels: tuple[object, ...]) -> Covariate:
    assert isinstance(covariate, Categorised)  # noqa: S101 -- only levels are joined
    assert isinstance(model, Categorised)  # noqa: S101
    reference = covariate.levels[int(model.codes[model.codes >= 0].min())]
    labels = [None if code < 0 else covariate.levels[code] for code in covariate.codes]
    joined = [reference if label in levels else label for label in labels]
    return categorised(covariate.name, joined, levels=covariate.levels)


# --- what weighting did -------------------------------------------------------------------------------------------------


def add_weights(
    data: AnalysisData, recorder: Recorder, sample: Sample, weights: Weights, found: Weighed
) -> None:
    """Rows about the weights: what was missing, balance before and after, effective sizes, and where scores overlap."""
    groups = _two_groups(data, weights)
    for name in weights.covariates:
        n_missing = sample.frame[name].null_count()
        recorder.add("n_imputed", n_missing, "subjects", item=name)
    for name in found.unaliased.left_out:
        recorder.add("left_out", 1, item=name)
    for name, levels in found.unaliased.joined:
        recorder.add("n_levels_joined", len(levels), "levels", item=name)
    sizes = [[one.size_treated, one.size_control] for one in found.comparisons]
    for position, group in enumerate(groups):
        of_group = [pair[position] for pair in sizes]
        recorder.add("n_weighted", of_group[0].n_subjects, "subjects", group=group)
        recorder.add(
            "effective_size", float(np.mean([one.effective for one in of_group])), "subjects", group=group
        )
    size = [one.size for one in found.comparisons]
    recorder.add("effective_size", float(np.mean([one.effective for one in size])), "subjects")
    recorder.add("effective_share", min(one.share for one in size), "proportion")
    recorder.add("largest_weight", max(_largest_share(one) for one in found.comparisons), "proportion")
    _add_balance(data, recorder, weights, found)
    _add_positivity(recorder, groups, found)


def _two_groups(data: AnalysisData, weights: Weights) -> tuple[str, str]:
    """The treated group and the other one."""
    others = [name for name in data.protocol.groups if name != weights.treated]
    return weights.treated, others[0] if others else ""


def _largest_share(comparison: WeightedComparison) -> float:
    """The share of its group's weight that one subject has, at most."""
    shares = []
    for rows in (comparison.is_treated, ~comparison.is_treated):
        weights = comparison.weights[rows]
        shares.append(float(weights.max() / weights.sum()))
    return max(shares)


def _add_balance(data: AnalysisData, recorder: Recorder, weights: Weights, found: Weighed) -> None:
    """Differences of the groups before and after weighting; means over imputed data sets."""
    treated, control = _two_groups(data, weights)
    worst: list[tuple[float, str]] = []
    for balances in zip(*found.balances, strict=True):
        name = balances[0].name
        note = balances[0].reason or "not known in every imputed data set"
        before, after = (_mean([getattr(one, part) for one in balances]) for part in ("before", "after"))
        recorder.add("difference_before", before, item=name, note=note)
        recorder.add("difference_after", after, item=name, note=note)
        if np.isfinite(after) and abs(after) > weights.balance_limit:
            worst.append((abs(after), name))
        for position, means in enumerate(balances[0].means):
            item = name if means.level is None else f"{name}={means.level}"
            unit = "" if means.level is None else "proportion"
            for group, part in ((treated, "treated"), (control, "control")):
                for when in ("before", "after"):
                    values = [getattr(one.means[position], f"{part}_{when}") for one in balances]
                    recorder.add(f"mean_{when}", _mean(values), unit, item=item, group=group)
    recorder.add("n_unbalanced", len(worst), "covariates")
    if worst:
        _warn_of_imbalance(data, recorder, weights, [name for _, name in sorted(worst, reverse=True)])


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _warn_of_imbalance(data: AnalysisData, recorder: Recorder, weights: Weights, names: list[str]) -> None:
    words = {f"fact{i}": category_words(data.protocol, name) for i, name in enumerate(names)}
    numbers = {f"size{i}": f"{recorder.analysis}/{name}/difference_after" for i, name in enumerate(names)}
    listed = ", ".join(f"{{fact{i}}} ({{size{i}}})" for i, _ in enumerate(names))
    recorder.warn(
        "groups-still-differ",
        f"After weighting the groups still differ by more than {{limit}} standard deviations in {listed}.",
        numbers=numbers,
        words=words
        | {"limit": (f"{weights.balance_limit:g}", f"analyses.{recorder.analysis}.weights.balance limit")},
    )


def _add_positivity(recorder: Recorder, groups: tuple[str, str], found: Weighed) -> None:
    """Propensity scores by group, each subject's mean over imputed data sets."""
    scores = np.mean([one.propensity.probability for one in found.comparisons], axis=0)
    is_treated = found.comparisons[0].is_treated
    positivity = positivity_summary(scores, is_treated)
    for group, counts in zip(groups, (positivity.n_treated, positivity.n_control), strict=True):
        for low, count in zip(positivity.edges, counts, strict=False):
            recorder.add("n_in_bin", int(count), "subjects", group=group, item=f"score from {low:.2f}")
    outside = (positivity.share_treated_outside, positivity.share_control_outside)
    for group, share in zip(groups, outside, strict=True):
        recorder.add("share_outside", share, "proportion", group=group)
    recorder.add("common_low", positivity.common_low, "probability")
    recorder.add("common_high", positivity.common_high, "probability")


# --- the weighted curve -------------------------------------------------------------------------------------------------


def analyse_weighted_curve(data: AnalysisData, analysis: KaplanMeier, recorder: Recorder) -> None:
    """Weighted curves, readings and contrasts with robust and bootstrap limits, and all there is to say of the weights."""
    weights = analysis.weights
    assert weights is not None  # noqa: S101 -- the caller has looked
    what = analysis.title
    if analysis.by != GROUPS:
        recorder.give_up(
            what, ("difference",), "weights compare the groups of the protocol: write `by: groups`"
        )
        return
    sample = select_sample(data, recorder, analysis, facts_weighted(analysis))
    at = [float(time.amount) for time in analysis.read_at]
    ticks = ticks_of(sample, analysis.ticks_every.amount)
    levels = [level for level in data.levels(analysis.by) if level is not None]
    for level in levels:
        part = sample.group(GROUPS, level)
        count_group(recorder, part, level)
        add_ticks(recorder, part, ticks, level)
    try:
        found = weigh(data, analysis, sample, weights)
    except NotEstimable as error:
        _give_up_curve(recorder, analysis, data, at, error.reason)
        return
    recorder.conventions = {**found.conventions}
    add_weights(data, recorder, sample, weights, found)
    if found.reason:
        _give_up_curve(recorder, analysis, data, at, found.reason)
        return
    pairs = [
        one.curves(conf_level=analysis.confidence, conf_type=analysis.interval) for one in found.comparisons
    ]
    unit = time_unit(data, analysis.endpoint)
    curves = {weights.treated: [treated for treated, _ in pairs]}
    curves[_two_groups(data, weights)[1]] = [control for _, control in pairs]
    for level in levels:
        _add_curve(recorder, sample.group(GROUPS, level), curves[level], at, level, unit, analysis)
    for other, first in pairs_compared(data.protocol, analysis.by):
        _add_weighted_contrasts(recorder, analysis, sample, found, pairs, (other, first), at)


def _give_up_curve(
    recorder: Recorder, analysis: KaplanMeier, data: AnalysisData, at: Sequence[float], reason: str
) -> None:
    for level in data.levels(analysis.by):
        add_no_curve(recorder, at, level, reason, 0)
    for other, first in pairs_compared(data.protocol, analysis.by):
        for time in at:
            for item, statistics in ((minus(other, first), DIFFERENCE), (over(other, first), RATIO)):
                recorder.add_missing(statistics, reason, item=item, time=time)
            recorder.add_missing(_BOOTSTRAP, reason, item=minus(other, first), time=time)
    recorder.give_up(analysis.title, ("estimate",), reason)


def _add_curve(
    recorder: Recorder,
    part: Sample,
    curves: Sequence[SurvivalCurve],
    at: Sequence[float],
    level: str,
    unit: str,
    analysis: KaplanMeier,
) -> None:
    """The curve of a group: its own, or that of all imputed data sets together."""
    plain = estimate_survival(part.time, part.event)
    recorder.conventions = {**recorder.conventions, **curves[0].conventions}
    steps = _pooled([one.at(one.time) for one in curves], part, analysis)
    if len(curves) == 1:
        add_median(recorder, curves[0], unit, level)
    else:
        for statistic, column in zip(MEDIAN, (steps.survival, steps.conf_low, steps.conf_high), strict=True):
            recorder.add(statistic, _first_half(plain.time, column), unit, note="not reached", group=level, n=part.n_subjects)  # fmt: skip
    counts = {
        "n_at_risk": plain.n_at_risk.tolist(),
        "n_events": plain.n_events.tolist(),
        "n_censored": plain.n_censored.tolist(),
    }
    add_steps(recorder, steps, counts, level, part.n_subjects)
    if not at:
        return
    counted = part.counted(at)
    people = plain.at(counted).n_at_risk
    read = _pooled([one.at(counted) for one in curves], part, analysis)
    beyond = f"follow-up ends at {part.elapsed([plain.time[-1]])[0]:g}"
    for i, time in enumerate(at):
        where: Where = {"group": level, "item": "at", "time": time, "n": part.n_subjects}
        add_reading(
            recorder,
            Curve(read.times, read.survival, read.std_error, read.conf_low, read.conf_high, people.tolist()),
            i,
            beyond,
            where,
        )


def _first_half(times: Floats, column: Floats) -> float:
    """The first time at which a column is at one half or below; NaN if it never is."""
    below = np.flatnonzero(column <= 0.5)
    return float(times[below[0]]) if len(below) else np.nan


def _pooled(points: Sequence[SurvivalPoints], part: Sample, analysis: KaplanMeier) -> Curve:
    """One curve from those of imputed data sets: their mean, with limits by Rubin's rules on the scale of the interval."""
    times = np.array(part.elapsed(points[0].times.tolist()))
    if len(points) == 1:
        one = points[0]
        return Curve(times, one.survival, one.std_error, one.conf_low, one.conf_high, [])
    survival = np.mean([one.survival for one in points], axis=0)
    n = len(times)
    std_error, low, high = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    to, slope, back = _SCALES[analysis.interval]
    for i in range(n):
        values = np.array([one.survival[i] for one in points])
        errors = np.array([one.std_error[i] for one in points])
        if np.all(errors == 0):
            std_error[i] = 0.0
        if not (np.all(np.isfinite(errors)) and np.all(errors > 0)):
            continue
        found = combine(to(values), (slope(values) * errors) ** 2, conf_level=analysis.confidence)
        half = found.conf_high - found.estimate
        ends = np.sort(back(to(survival[i]) + np.array([-half, half])))
        low[i], high[i] = np.clip(ends, 0, 1)
        std_error[i] = found.std_error / slope(survival[i])
    return Curve(times, survival, std_error, low, high, [])


_Scale = Callable[[Any], Any]
_SCALES: Mapping[str, tuple[_Scale, _Scale, _Scale]] = {
    "log-log": (
        lambda s: np.log(-np.log(s)),
        lambda s: 1 / np.abs(s * np.log(s)),
        lambda x: np.exp(-np.exp(x)),
    ),
    "log": (np.log, lambda s: 1 / s, np.exp),
    "plain": (lambda s: s, np.ones_like, lambda x: x),
}
"""The scale a survival is put on, the slope of the scale there, and the way back."""


def _add_weighted_contrasts(
    recorder: Recorder,
    analysis: KaplanMeier,
    sample: Sample,
    found: Weighed,
    curves: Sequence[tuple[SurvivalCurve, SurvivalCurve]],
    pair: tuple[str, str],
    at: Sequence[float],
) -> None:
    """Difference and ratio of the weighted risks at each reading time, with E-values of the ratio."""
    weights = analysis.weights
    assert weights is not None  # noqa: S101 -- the caller has looked
    sign = 1 if pair[0] == weights.treated else -1
    if sign < 0:
        curves = [(control, treated) for treated, control in curves]
    counted = sample.counted(at)
    _add_bootstrap(recorder, analysis, weights, found, minus(*pair), at, counted, sign)
    for time, day in zip(at, counted, strict=True):
        item: Where = {"item": minus(*pair), "time": time}
        of_ratio: Where = {"item": over(*pair), "time": time}
        try:
            differences = [risk_difference(a, b, day) for a, b in curves]
            ratios = [risk_ratio(a, b, day) for a, b in curves]
        except NotEstimable:
            reason = "in one group the risk is unknown at this time, or 0 or 1 and so without standard error"
            recorder.add_missing(DIFFERENCE, reason, **item)
            recorder.add_missing((*RATIO, *_E_VALUE), reason, **of_ratio)
            continue
        conventions = {**recorder.conventions, **differences[0].conventions}
        values = pool_contrasts(differences, analysis.confidence)
        for statistic, value in zip(DIFFERENCE, values, strict=True):
            recorder.add(statistic, value, "proportion", conventions=conventions, **item)
        risks = [np.mean([getattr(one, part).estimate for one in ratios]) for part in ("risk_a", "risk_b")]
        ratio, _, low, high = pool_contrasts(ratios, analysis.confidence, centre=float(risks[0] / risks[1]))
        conventions = {**recorder.conventions, **ratios[0].conventions}
        for statistic, value in zip(RATIO, (ratio, low, high), strict=True):
            recorder.add(statistic, value, conventions=conventions, **of_ratio)
        explained = e_value(ratio, low, high, measure="risk ratio")
        for statistic, value in zip(_E_VALUE, (explained.estimate, explained.limit), strict=True):
            recorder.add(statistic, value, conventions={"measure": explained.measure}, **of_ratio)


def pool_contrasts(
    found: Sequence[RiskContrast], confidence: float, centre: float | None = None
) -> tuple[float, float, float, float]:
    """Estimate, standard error and limits of a contrast over imputed data sets; of a ratio `centre` is the estimate."""
    one = found[0]
    if len(found) == 1:
        return one.estimate, one.std_error, one.conf_low, one.conf_high
    estimates = [contrast.estimate for contrast in found]
    variances = [contrast.std_error**2 for contrast in found]
    if centre is None:
        pooled = combine(estimates, variances, conf_level=confidence)
        return pooled.estimate, pooled.std_error, pooled.conf_low, pooled.conf_high
    pooled = combine(np.log(estimates), variances, conf_level=confidence)
    half = pooled.conf_high - pooled.estimate
    return centre, pooled.std_error, centre * float(np.exp(-half)), centre * float(np.exp(half))


def _add_bootstrap(
    recorder: Recorder,
    analysis: KaplanMeier,
    weights: Weights,
    found: Weighed,
    item: str,
    at: Sequence[float],
    counted: Sequence[float],
    sign: int,
) -> None:
    """Limits of the differences from resampled subjects, each sample with a propensity score of its own.

    Each reading time is judged apart: that few samples reach the last says nothing of the others.
    """
    if not at:
        return
    each = bootstrap_weighted_risks(
        found.comparisons, counted, n_resamples=weights.resamples, seed=weights.seed, conf_level=analysis.confidence
    )  # fmt: skip
    for time, drawn in zip(at, each, strict=True):
        if isinstance(drawn, NotEstimable):
            recorder.add_missing(_BOOTSTRAP, drawn.reason, item=item, time=time)
            continue
        ends = sorted((sign * drawn.conf_low[_OF_DIFFERENCE], sign * drawn.conf_high[_OF_DIFFERENCE]))
        values = (drawn.std_error[_OF_DIFFERENCE], *ends)
        for statistic, value in zip(_BOOTSTRAP, values, strict=True):
            recorder.add(
                statistic, float(value), "proportion", conventions=drawn.conventions, item=item, time=time
            )
