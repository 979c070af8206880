"""Cox regression with its tests, its concordance and the test of proportional hazards."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from trialwright.analysis.results import Recorder
from trialwright.analysis.sample import AnalysisData, Sample, select_sample
from trialwright.analysis.weighted import add_weights, facts_weighted, on_scale, weigh
from trialwright.protocol.analyses import Cox, Regression
from trialwright.protocol.categories import category_words, level_words, levels_of, reference_level
from trialwright.protocol.references import GROUPS
from trialwright.statistics.arrays import Floats
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.imputation import combine
from trialwright.statistics.survival import CoxCoefficient, CoxFit, fit_cox, proportional_hazards_test
from trialwright.statistics.weighting import Measure, e_value

_COEFFICIENT = ("coef", "std_error", "hazard_ratio", "conf_low", "conf_high", "z", "p_value")
# Up to this share of subjects with the event a hazard ratio is about a risk ratio (VanderWeele and Ding 2017).
_RARE = 0.15
_HAZARDS = ("hazards_chi_squared", "hazards_df", "hazards_p_value")


def analyse_cox(data: AnalysisData, analysis: Cox, recorder: Recorder) -> None:
    """Hazard ratios, the tests of the model, its concordance, and the test of proportional hazards."""
    needed = facts_weighted(analysis) if analysis.weights else []
    sample = select_sample(data, recorder, analysis, [*needed, *analysis.covariates, *analysis.strata])
    recorder.add("n_events", sample.n_events if sample.n_subjects else 0, "events")
    names = list(model_terms(data, analysis, sample))
    try:
        fits = _fit(data, analysis, recorder, sample, names)
    except (NotEstimable, ValueError) as error:
        reason = sample.why_not(error)
        for name in names:
            recorder.add_missing(_COEFFICIENT, reason, item=name)
        recorder.give_up("The Cox model", ("concordance",), reason)
        return
    recorder.conventions = {
        **recorder.conventions,
        **fits[0].conventions,
        "reference": {**references(data, analysis)},
    }
    for position, name in enumerate(names):
        found = _pooled([fit.coefficients[position] for fit in fits], analysis.confidence)
        for statistic in _COEFFICIENT:
            recorder.add(statistic, getattr(found, statistic), item=name)
    if analysis.weights is not None:
        for name in names:
            if name.startswith(f"{GROUPS}="):
                _add_e_value(recorder, sample, name)
    add_empty_levels(data, analysis, recorder, sample, _COEFFICIENT)
    if len(fits) > 1:
        recorder.add_missing(("concordance",), "not combined over imputed data sets")
    else:
        _add_model_tests(recorder, fits[0])
        _add_hazards_test(data, analysis, recorder, fits[0], names)
    _warn_of_few_events(data, recorder, sample, len(names))


def _fit(
    data: AnalysisData,
    analysis: Cox,
    recorder: Recorder,
    sample: Sample,
    names: Sequence[str],
) -> list[CoxFit]:
    """One fit, or one for each imputed data set where weights rest on imputed covariates.

    Raises
    ------
    NotEstimable
        As `fit_cox`, and if there are no weights or they leave too little information.
    """
    matrix = model_matrix(analysis, sample, names)
    labels = [term_words(data, name)[0] for name in names]
    weightings: list[Floats | None] = [None]
    if analysis.weights is not None:
        found = weigh(data, analysis, sample, analysis.weights)
        recorder.conventions = {**found.conventions}
        add_weights(data, recorder, sample, analysis.weights, found)
        if found.reason:
            raise NotEstimable(found.reason)
        weightings = [one.weights for one in found.comparisons]
    entry = sample.entry
    return [
        fit_cox(
            sample.time,
            sample.event,
            matrix,
            names=labels if len(set(labels)) == len(labels) else names,
            entry=entry,
            strata=sample.frame.select(analysis.strata).rows() if analysis.strata else None,
            weights=weights,
            cluster=None if entry is None else sample.subject,
            ties=analysis.ties,
            conf_level=analysis.confidence,
        )
        for weights in weightings
    ]


def _add_e_value(recorder: Recorder, sample: Sample, item: str) -> None:
    """How strong a confounder that nobody measured must be to explain the weighted hazard ratio of a group away."""
    found = {row.statistic: row.value for row in recorder.rows if row.item == item}
    ratio, low, high = (found.get(name) for name in ("hazard_ratio", "conf_low", "conf_high"))
    if ratio is None:
        return
    is_common = sample.n_events > _RARE * sample.n_subjects
    measure: Measure = "hazard ratio, common outcome" if is_common else "hazard ratio, rare outcome"
    explained = e_value(ratio, low, high, measure=measure)
    recorder.add("e_value", explained.estimate, item=item, conventions={"measure": measure})
    recorder.add("e_value_limit", explained.limit, item=item, conventions={"measure": measure})


def _pooled(found: Sequence[CoxCoefficient], confidence: float) -> CoxCoefficient:
    """A coefficient over imputed data sets, by Rubin's rules."""
    first = found[0]
    if len(found) == 1:
        return first
    pooled = combine([one.coef for one in found], [one.std_error**2 for one in found], conf_level=confidence)
    return CoxCoefficient(
        name=first.name,
        coef=pooled.estimate,
        std_error=pooled.std_error,
        hazard_ratio=math.exp(pooled.estimate),
        conf_low=math.exp(pooled.conf_low),
        conf_high=math.exp(pooled.conf_high),
        z=pooled.estimate / pooled.std_error,
        p_value=pooled.p_value,
    )


def model_terms(data: AnalysisData, analysis: Regression, sample: Sample) -> Iterator[str]:
    """The columns of a model: the name of a number, and `name=level` for each level of a category but its reference.

    A level that nobody has gets no column, unless no level but the reference has anybody: then there is nothing to estimate.
    """
    for name in analysis.covariates:
        if not levels_of(data.protocol, name):
            yield name
            continue
        used, unused = _levels(data, analysis, sample, name)
        yield from (f"{name}={level}" for level in used or unused)


def model_matrix(analysis: Regression, sample: Sample, names: Sequence[str]) -> Floats:
    """The values of `model_terms`, one row a subject: numbers on their scale, levels as indicators."""
    columns = []
    for name in names:
        fact, is_level, level = name.partition("=")
        values = sample.frame[fact]
        column = (
            (values == level).cast(pl.Float64) if is_level else on_scale(values, analysis.transform.get(fact))
        )
        columns.append(column.to_numpy())
    return np.array(columns).T


def add_empty_levels(
    data: AnalysisData, analysis: Regression, recorder: Recorder, sample: Sample, statistics: Sequence[str]
) -> None:
    """Rows that say which levels of a model nobody has."""
    for name in analysis.covariates:
        used, unused = _levels(data, analysis, sample, name)
        for level in unused if used else ():
            recorder.add_missing(statistics, "nobody has this level", item=f"{name}={level}")


def _levels(
    data: AnalysisData, analysis: Regression, sample: Sample, name: str
) -> tuple[list[str], list[str]]:
    """The levels of a category but its reference: those somebody has, and the others."""
    reference = references(data, analysis).get(name)
    levels = [level for level in levels_of(data.protocol, name) if level != reference]
    there = set(sample.frame[name].to_list()) if levels else set()
    return [level for level in levels if level in there], [level for level in levels if level not in there]


def references(data: AnalysisData, analysis: Regression) -> dict[str, str]:
    """Of each category the level that the others are compared with."""
    return {
        name: analysis.reference.get(name, reference_level(data.protocol, name))
        for name in analysis.covariates
        if levels_of(data.protocol, name)
    }


def _add_model_tests(recorder: Recorder, fit: CoxFit) -> None:
    tests = {
        "likelihood ratio test": fit.likelihood_ratio_test,
        "Wald test": fit.wald_test,
        "score test": fit.score_test,
    }
    for item, test in tests.items():
        recorder.add("chi_squared", test.chi_squared, item=item)
        recorder.add("df", test.df, item=item)
        recorder.add("p_value", test.p_value, item=item)
    recorder.add("loglik_null", fit.loglik_null)
    recorder.add("loglik", fit.loglik)
    incomparable = "no two subjects can be compared"
    recorder.add("concordance", fit.concordance, note=incomparable)
    recorder.add("concordance_std_error", fit.concordance_std_error, note=incomparable)


def _add_hazards_test(
    data: AnalysisData, analysis: Cox, recorder: Recorder, fit: CoxFit, names: list[str]
) -> None:
    """Record the test, and warn for every term (or the model) whose hazards are not proportional."""
    try:
        test = proportional_hazards_test(fit, analysis.hazards_transform)
    except NotEstimable as error:
        recorder.give_up("The test of proportional hazards", _HAZARDS, error.reason)
        return
    failing: dict[str | None, str] = {}
    for item, found in zip([*names, None], [*test.by_covariate.values(), test.all_together], strict=True):
        values = (found.chi_squared, found.df, found.p_value)
        *_, p_value = [
            recorder.add(statistic, value, item=item, conventions=test.conventions)
            for statistic, value in zip(_HAZARDS, values, strict=True)
        ]
        if found.p_value < analysis.hazards_warning:
            failing[item] = p_value
    if failing:
        _warn_of_hazards(data, analysis, recorder, failing)


def _warn_of_hazards(
    data: AnalysisData, analysis: Cox, recorder: Recorder, failing: dict[str | None, str]
) -> None:
    """One warning for a model, naming every term that fails (None is the model as a whole) with its p-value."""
    words = {"endpoint": data.endpoint_label(analysis.endpoint)}
    numbers: dict[str, str] = {}
    named: list[str] = []
    for i, (item, p_value) in enumerate(failing.items()):
        numbers[f"p{i}"] = p_value
        if item is not None:
            words[f"term{i}"] = term_words(data, item)
        named.append(f"the model as a whole ({{p{i}}})" if item is None else f"{{term{i}}} ({{p{i}}})")
    message = (
        "{endpoint}: hazards are not proportional for "
        + ", ".join(named)
        + ". A hazard ratio of this model is an "
        "average over the follow-up and must not be read as holding at every time; the curves and the restricted "
        "means say more."
    )
    recorder.warn("non-proportional-hazards", message, numbers=numbers, words=words)


def term_words(data: AnalysisData, item: str) -> tuple[str, str]:
    """The words for a term of a model (`age`, `bclc=code_2`), and where the protocol has them."""
    name, _, level = item.partition("=")
    label, path = category_words(data.protocol, name)
    return (f"{label}: {level_words(data.protocol, name, level)[0]}" if level else label), path


def _warn_of_few_events(data: AnalysisData, recorder: Recorder, sample: Sample, n_coefficients: int) -> None:
    limit = data.protocol.reporting.events_per_coefficient
    if sample.n_events < limit * n_coefficients:
        recorder.warn(
            "few-events",
            "The model has few events for its coefficients (events: {events}; {limit} for each are asked for): its "
            "estimates are unstable.",
            numbers={"events": f"{recorder.analysis}/n_events"},
            words={"limit": (str(limit), "reporting.events per coefficient")},
        )
