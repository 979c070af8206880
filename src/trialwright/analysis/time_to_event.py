"""Time-to-event analyses: curves, follow-up, log-rank test, restricted means."""

from __future__ import annotations

from trialwright.analysis.results import Recorder, Where
from trialwright.analysis.sample import AnalysisData, Sample, select_sample
from trialwright.analysis.survival_rows import (
    LIMITS,
    MEDIAN,
    NOBODY,
    Curve,
    add_contrasts,
    add_median,
    add_no_curve,
    add_reading,
    add_steps,
    add_ticks,
    count_group,
    facts_by,
    ticks_of,
    time_unit,
)
from trialwright.analysis.weighted import analyse_weighted_curve
from trialwright.protocol.analyses import KaplanMeier, LogRank, RestrictedMean, ReverseKaplanMeier
from trialwright.protocol.categories import pairs_compared
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.risk_contrasts import risk_difference, risk_ratio
from trialwright.statistics.survival import (
    SurvivalCurve,
    estimate_survival,
    logrank_test,
    restricted_mean_difference,
)


def analyse_kaplan_meier(data: AnalysisData, analysis: KaplanMeier, recorder: Recorder) -> None:
    """Curve steps, readings of survival and risk, median and counts, by group; then each group against the first."""
    if analysis.weights is not None:
        analyse_weighted_curve(data, analysis, recorder)
        return
    unit = time_unit(data, analysis.endpoint)
    sample = select_sample(data, recorder, analysis, facts_by(analysis.by))
    ticks = ticks_of(sample, analysis.ticks_every.amount)
    at = [float(time.amount) for time in analysis.read_at]
    curves: dict[str | None, SurvivalCurve] = {}
    for level in data.levels(analysis.by):
        part = sample.group(analysis.by, level)
        count_group(recorder, part, level)
        try:
            curve = _estimate(part, analysis)
        except NotEstimable as error:
            add_no_curve(recorder, at, level, error.reason, part.n_subjects)
            add_ticks(recorder, part, ticks, level)
            continue
        curves[level] = curve
        recorder.conventions = curve.conventions
        add_median(recorder, curve, unit, level)
        _add_readings(recorder, part, curve, at, level)
        counts = {
            "n_at_risk": curve.n_at_risk.tolist(),
            "n_events": curve.n_events.tolist(),
            "n_censored": curve.n_censored.tolist(),
        }
        steps = Curve(part.elapsed(curve.time.tolist()), curve.survival, curve.std_error, curve.conf_low, curve.conf_high, [])  # type: ignore[arg-type]  # fmt: skip
        add_steps(recorder, steps, counts, level, curve.n_subjects)
        add_ticks(recorder, part, ticks, level)
    for pair in pairs_compared(data.protocol, analysis.by):
        add_contrasts(recorder, curves, pair, at, sample.counted(at), (risk_difference, risk_ratio))


def _estimate(part: Sample, analysis: KaplanMeier) -> SurvivalCurve:
    """The curve of a group; one that fell to zero before others came under watch says nothing and is refused."""
    if part.n_subjects == 0:
        raise NotEstimable(NOBODY)
    entry = part.entry
    curve = estimate_survival(
        part.time,
        part.event,
        entry=entry,
        subject=None if entry is None else part.subject,
        conf_level=analysis.confidence,
        conf_type=analysis.interval,
    )
    if curve.emptied_at is not None:
        raise NotEstimable(
            f"by {curve.emptied_at - part.first_day:g} everybody under watch had the event, and others came under watch later"
        )
    return curve


def _add_readings(
    recorder: Recorder, part: Sample, curve: SurvivalCurve, at: list[float], level: str | None
) -> None:
    if not at:
        return
    points = curve.at(part.counted(at))
    read = Curve(points.times, points.survival, points.std_error, points.conf_low, points.conf_high, points.n_at_risk.tolist())  # fmt: skip
    beyond = f"follow-up ends at {part.elapsed([curve.time[-1]])[0]:g}"
    for i, time in enumerate(at):
        where: Where = {"group": level, "item": "at", "time": time, "n": curve.n_subjects}
        add_reading(recorder, read, i, beyond, where)


def analyse_reverse_kaplan_meier(
    data: AnalysisData, analysis: ReverseKaplanMeier, recorder: Recorder
) -> None:
    """Median follow-up of all together and by group."""
    unit = time_unit(data, analysis.endpoint)
    sample = select_sample(data, recorder, analysis, facts_by(analysis.by))
    levels = [None, *data.levels(analysis.by)] if analysis.by else [None]
    for level in levels:
        part = sample.group(analysis.by if level else None, level)
        count_group(recorder, part, level)
        if part.n_subjects == 0:
            recorder.add_missing(MEDIAN, NOBODY, group=level, n=0)
            continue
        curve = estimate_survival(
            part.time, part.event, conf_level=analysis.confidence, conf_type=analysis.interval, reverse=True
        )
        recorder.conventions = curve.conventions
        add_median(recorder, curve, unit, level)


def analyse_logrank(data: AnalysisData, analysis: LogRank, recorder: Recorder) -> None:
    """Observed and expected events by group, and the test."""
    sample = select_sample(data, recorder, analysis, [analysis.by, *analysis.strata])
    strata = sample.frame.select(analysis.strata).rows() if analysis.strata else None
    if sample.frame[analysis.by].n_unique() == 1:
        recorder.give_up("The log-rank test", ("chi_squared", "df", "p_value"), "only one group has subjects")
        return
    try:
        test = logrank_test(
            sample.time,
            sample.event,
            sample.frame[analysis.by].to_list(),
            entry=sample.entry,
            strata=strata,
            rho=analysis.rho,
        )
    except (NotEstimable, ValueError) as error:
        recorder.give_up("The log-rank test", ("chi_squared", "df", "p_value"), sample.why_not(error))
        return
    recorder.conventions = {**test.conventions, "strata": list(analysis.strata)}
    for group in test.groups:
        n = sample.group(analysis.by, group.label).n_subjects
        recorder.add("n_subjects", n, "subjects", group=group.label, n=n)
        recorder.add("observed", group.observed, "events", group=group.label, n=n)
        recorder.add("expected", group.expected, "events", group=group.label, n=n)
    recorder.add("chi_squared", test.chi_squared)
    recorder.add("df", test.df)
    recorder.add("p_value", test.p_value)


def analyse_restricted_mean(data: AnalysisData, analysis: RestrictedMean, recorder: Recorder) -> None:
    """Mean elapsed time free of the event up to the horizon, by group; then each group less the first."""
    unit = time_unit(data, analysis.endpoint)
    horizon = float(analysis.horizon.amount)
    sample = select_sample(data, recorder, analysis, [analysis.by])
    curves: dict[str, SurvivalCurve] = {}
    statistics = ("restricted_mean", "std_error", *LIMITS)
    for level in data.levels(analysis.by):
        assert level is not None  # noqa: S101 -- `by` is required here
        part = sample.group(analysis.by, level)
        count_group(recorder, part, level)
        if part.n_subjects == 0:
            recorder.add_missing(statistics, NOBODY, group=level, time=horizon, n=0)
            continue
        elapsed = part.elapsed(part.time)
        curves[level] = estimate_survival(elapsed, part.event, conf_level=analysis.confidence)
        try:
            mean = curves[level].restricted_mean(horizon)
        except NotEstimable as error:
            recorder.add_missing(statistics, error.reason, group=level, time=horizon, n=part.n_subjects)
            continue
        recorder.conventions = mean.conventions
        for statistic, value in zip(
            statistics, (mean.estimate, mean.std_error, mean.conf_low, mean.conf_high), strict=True
        ):
            certain = statistic != "restricted_mean" and mean.std_error == 0
            recorder.add(
                statistic,
                None if certain else value,
                unit,
                note="no event before the horizon",
                group=level,
                time=horizon,
                n=part.n_subjects,
            )
    for other, first in pairs_compared(data.protocol, analysis.by):
        _add_difference(recorder, curves, (other, first), horizon, unit)


def _add_difference(
    recorder: Recorder, curves: dict[str, SurvivalCurve], pair: tuple[str, str], horizon: float, unit: str
) -> None:
    what, item = "The difference of restricted means", f"{pair[0]} minus {pair[1]}"
    statistics = ("difference", "std_error", *LIMITS)
    if not all(level in curves for level in pair):
        recorder.give_up(what, statistics, NOBODY, item=item, time=horizon)
        return
    try:
        found = restricted_mean_difference(curves[pair[0]], curves[pair[1]], horizon)
    except NotEstimable as error:
        recorder.give_up(what, statistics, error.reason, item=item, time=horizon)
        return
    values = (found.estimate, found.std_error, found.conf_low, found.conf_high)
    for statistic, value in zip(statistics, values, strict=True):
        recorder.add(statistic, value, unit, item=item, time=horizon)
