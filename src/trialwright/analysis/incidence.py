"""Competing risks: how many have the event although something else may come first, and who is at a higher risk of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trialwright.analysis.cox import add_empty_levels, model_matrix, model_terms, references, term_words
from trialwright.analysis.results import Recorder, Where
from trialwright.analysis.sample import AnalysisData, Sample, select_sample
from trialwright.analysis.survival_rows import (
    LIMITS,
    NOBODY,
    RISK,
    Curve,
    add_contrasts,
    add_ticks,
    count_group,
    facts_by,
    limits,
    ticks_of,
    why_no_limits,
)
from trialwright.protocol.analyses import CumulativeIncidence, FineGray
from trialwright.protocol.categories import pairs_compared
from trialwright.statistics.competing_risks import (
    IncidenceCurve,
    IncidencePoints,
    StateProbability,
    estimate_incidence,
    fit_fine_gray,
    gray_test,
)
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.risk_contrasts import incidence_difference, incidence_ratio
from trialwright.statistics.survival import estimate_survival, fit_cox

STATES = ("incidence", "competing", "event_free")
"""The event first, something else first, neither: they add up to one."""
_GRAY = ("chi_squared", "df", "p_value")
GRAY = "Gray's test"
_HAZARD = ("hazard_ratio", *LIMITS)
_SUBDISTRIBUTION = ("coef", "std_error", "subdistribution_hazard_ratio", *LIMITS, "z", "p_value")


def analyse_incidence(data: AnalysisData, analysis: CumulativeIncidence, recorder: Recorder) -> None:
    """Incidence of event and competing event by group, one less Kaplan-Meier from the same rows, and the groups compared."""
    sample = select_sample(data, recorder, analysis, facts_by(analysis.by))
    ticks = ticks_of(sample, analysis.ticks_every.amount)
    at = [float(time.amount) for time in analysis.read_at]
    curves: dict[str | None, IncidenceCurve] = {}
    for level in data.levels(analysis.by):
        part = sample.group(analysis.by, level)
        count_group(recorder, part, level)
        n_competing = int((part.frame["STATUS"] == 2).sum())
        recorder.add("n_competing", n_competing, "events", group=level, n=part.n_subjects)
        add_ticks(recorder, part, ticks, level, competing=True)
        if part.n_subjects == 0:
            for time in at:
                recorder.add_missing(
                    (*STATES, *LIMITS, *RISK), NOBODY, group=level, item="at", time=time, n=0
                )
            continue
        curve = estimate_incidence(
            part.time, part.status, conf_level=analysis.confidence, conf_type=analysis.interval
        )
        curves[level] = curve
        recorder.conventions = curve.conventions
        _add_readings(recorder, part, curve, at, level, analysis)
        _add_steps(recorder, part, curve, level)
    for pair in pairs_compared(data.protocol, analysis.by):
        add_contrasts(recorder, curves, pair, at, sample.counted(at), (incidence_difference, incidence_ratio))
    if analysis.by:
        _add_gray(recorder, sample, analysis.by)
        _add_cause_specific(data, recorder, sample, analysis)


def _add_readings(
    recorder: Recorder,
    part: Sample,
    curve: IncidenceCurve,
    at: Sequence[float],
    level: str | None,
    analysis: CumulativeIncidence,
) -> None:
    if not at:
        return
    counted = part.counted(at)
    points = curve.at(counted)
    plain = estimate_survival(
        part.time, part.event, conf_level=analysis.confidence, conf_type=analysis.interval
    )
    of_plain = plain.at(counted)
    read = Curve(
        of_plain.times, of_plain.survival, of_plain.std_error, of_plain.conf_low, of_plain.conf_high, []
    )
    beyond = f"follow-up ends at {part.elapsed([curve.time[-1]])[0]:g}"
    for i, time in enumerate(at):
        where: Where = {"group": level, "item": "at", "time": time, "n": curve.n_subjects}
        _add_states(recorder, points, i, beyond, where)
        recorder.add("n_at_risk", float(points.n_at_risk[i]), "subjects", **where)
        survival = read.survival[i]
        low, high = limits(read, i)
        note = why_no_limits(survival) if np.isfinite(survival) else beyond
        for statistic, value in zip(
            RISK, (1 - survival, None if high is None else 1 - high, None if low is None else 1 - low), strict=True
        ):  # fmt: skip
            recorder.add(statistic, value, "proportion", note=note, conventions=plain.conventions, **where)


def _add_states(recorder: Recorder, points: IncidencePoints, i: int, beyond: str, where: Where) -> None:
    states = (points.event, points.competing, points.event_free)
    for name, state in zip(STATES, states, strict=True):
        prefix = "" if name == "incidence" else f"{name}_"
        recorder.add(name, state.estimate[i], "proportion", note=beyond, **where)
        note = beyond if not np.isfinite(state.estimate[i]) else _why_no_limits(state, i)
        for statistic in ("std_error", *LIMITS):
            recorder.add(
                f"{prefix}{statistic}", getattr(state, statistic)[i], "proportion", note=note, **where
            )


def _why_no_limits(state: StateProbability, i: int) -> str:
    return "none yet" if state.estimate[i] == 0 else "undefined at one"


def _add_steps(recorder: Recorder, part: Sample, curve: IncidenceCurve, level: str | None) -> None:
    if not recorder.with_curves:
        return
    for i, time in enumerate(part.elapsed(curve.time.tolist())):
        where: Where = {"group": level, "item": "curve", "time": time, "n": curve.n_subjects}
        recorder.add("incidence", curve.event.estimate[i], "proportion", **where)
        for name in LIMITS:
            recorder.add(
                name,
                getattr(curve.event, name)[i],
                "proportion",
                note=_why_no_limits(curve.event, i),
                **where,
            )
        recorder.add("competing", curve.competing.estimate[i], "proportion", **where)
        recorder.add("n_at_risk", float(curve.n_at_risk[i]), "subjects", **where)
        recorder.add("n_events", float(curve.n_events[i]), "events", **where)
        recorder.add("n_competing", float(curve.n_competing[i]), "events", **where)
        recorder.add("n_censored", float(curve.n_censored[i]), "subjects", **where)


def _add_gray(recorder: Recorder, sample: Sample, by: str) -> None:
    """The test that the groups have the same incidence of the event; where there is none, its reason without alarm."""
    try:
        test = gray_test(sample.time, sample.status, sample.frame[by].to_list())
    except (NotEstimable, ValueError) as error:
        recorder.add_missing(_GRAY, sample.why_not(error), item=GRAY)
        return
    values = (test.chi_squared, test.df, test.p_value)
    for statistic, value in zip(_GRAY, values, strict=True):
        recorder.add(statistic, value, item=GRAY, conventions=test.conventions)


def _add_cause_specific(
    data: AnalysisData, recorder: Recorder, sample: Sample, analysis: CumulativeIncidence
) -> None:
    """The hazard ratio of the event, who had something else first no longer at risk: of the groups alone."""
    by = analysis.by or ""
    for other, first in pairs_compared(data.protocol, by):
        item = f"{by}={other}"
        pair = sample.frame.filter(sample.frame[by].is_in([other, first]))
        try:
            fit = fit_cox(
                pair["AVAL"].to_list(),
                pair["EVENT"].to_list(),
                (pair[by] == other).cast(float).to_numpy()[:, None],
                names=[data.level_label(by, other)[0]],
                conf_level=analysis.confidence,
            )
        except (NotEstimable, ValueError) as error:
            recorder.add_missing(_HAZARD, sample.why_not(error) if pair.height else NOBODY, item=item)
            continue
        for statistic in _HAZARD:
            recorder.add(
                statistic, getattr(fit.coefficients[0], statistic), item=item, conventions=fit.conventions
            )


def analyse_fine_gray(data: AnalysisData, analysis: FineGray, recorder: Recorder) -> None:
    """Ratios of subdistribution hazards: who had the competing event stays among those at risk."""
    sample = select_sample(data, recorder, analysis, analysis.covariates)
    recorder.add("n_events", sample.n_events if sample.n_subjects else 0, "events")
    recorder.add("n_competing", int((sample.frame["STATUS"] == 2).sum()), "events")
    names = list(model_terms(data, analysis, sample))
    labels = [term_words(data, name)[0] for name in names]
    try:
        fit = fit_fine_gray(
            sample.time,
            sample.status,
            model_matrix(analysis, sample, names),
            names=labels if len(set(labels)) == len(labels) else names,
            conf_level=analysis.confidence,
        )
    except (NotEstimable, ValueError) as error:
        reason = sample.why_not(error)
        for name in names:
            recorder.add_missing(_SUBDISTRIBUTION, reason, item=name)
        recorder.give_up("The model of Fine and Gray", ("wald_chi_squared",), reason)
        return
    recorder.conventions = {**fit.conventions, "reference": {**references(data, analysis)}}
    for name, found in zip(names, fit.coefficients, strict=True):
        for statistic in _SUBDISTRIBUTION:
            part = "hazard_ratio" if statistic == "subdistribution_hazard_ratio" else statistic
            recorder.add(statistic, getattr(found, part), item=name)
    add_empty_levels(data, analysis, recorder, sample, _SUBDISTRIBUTION)
    recorder.add("wald_chi_squared", fit.wald_test.chi_squared)
    recorder.add("wald_df", fit.wald_test.df)
    recorder.add("wald_p_value", fit.wald_test.p_value)
