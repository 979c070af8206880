"""Cox regression with its tests, its concordance and the test of proportional hazards."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np

from trialwright.analysis.results import Recorder
from trialwright.analysis.sample import AnalysisData, Sample, select_sample
from trialwright.protocol.analyses import Cox
from trialwright.protocol.categories import category_words, level_words, levels_of
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.survival import CoxFit, fit_cox, proportional_hazards_test

_COEFFICIENT = ("coef", "std_error", "hazard_ratio", "conf_low", "conf_high", "z", "p_value")
_SCALES: Mapping[str | None, Callable[[float], float]] = MappingProxyType({None: float, "log10": math.log10})
_HAZARDS = ("hazards_chi_squared", "hazards_df", "hazards_p_value")


def analyse_cox(data: AnalysisData, analysis: Cox, recorder: Recorder) -> None:
    """Hazard ratios, the tests of the model, its concordance, and the test of proportional hazards."""
    sample = select_sample(data, recorder, analysis, [*analysis.covariates, *analysis.strata])
    recorder.add("n_events", sample.n_events if sample.n_subjects else 0, "events")
    terms = list(_terms(data, analysis, sample))
    names = [name for name, _ in terms]
    labels = [term_words(data, name)[0] for name in names]
    strata = sample.frame.select(analysis.strata).rows() if analysis.strata else None
    try:
        fit = fit_cox(
            sample.time,
            sample.event,
            np.array([values for _, values in terms]).T,
            names=labels if len(set(labels)) == len(labels) else names,
            strata=strata,
            ties=analysis.ties,
            conf_level=analysis.confidence,
        )
    except (NotEstimable, ValueError) as error:
        reason = sample.why_not(error)
        for name in names:
            recorder.add_missing(_COEFFICIENT, reason, item=name)
        recorder.give_up("The Cox model", ("concordance",), reason)
        return
    recorder.conventions = {**fit.conventions, "reference": {**_references(data, analysis)}}
    for name, found in zip(names, fit.coefficients, strict=True):
        for statistic in _COEFFICIENT:
            recorder.add(statistic, getattr(found, statistic), item=name)
    _add_model_tests(recorder, fit)
    _add_hazards_test(data, analysis, recorder, fit, names)
    _warn_of_few_events(data, recorder, sample, len(names))


def _terms(data: AnalysisData, analysis: Cox, sample: Sample) -> Iterator[tuple[str, list[float]]]:
    """Columns of the model: a number as it is, a category as one indicator for each level but its reference."""
    for name in analysis.covariates:
        levels = levels_of(data.protocol, name)
        values = sample.frame[name].to_list()
        if not levels:
            yield name, [_SCALES[analysis.transform.get(name)](float(value)) for value in values]
            continue
        for level in levels:
            if level != _references(data, analysis)[name]:
                yield f"{name}={level}", [float(value == level) for value in values]


def _references(data: AnalysisData, analysis: Cox) -> dict[str, str]:
    return {
        name: analysis.reference.get(name, next(iter(levels_of(data.protocol, name))))
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
