"""Tables and figures of time-to-event analyses, each from the rows of one analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from trialwright.analysis.responders import response_rate_beside
from trialwright.analysis.results import Result, time_key
from trialwright.analysis.survival_rows import minus
from trialwright.protocol.analyses import (
    Cox,
    CumulativeIncidence,
    FineGray,
    KaplanMeier,
    LogRank,
    RestrictedMean,
    ReverseKaplanMeier,
)
from trialwright.protocol.categories import pairs_compared, reference_level, unit_words
from trialwright.protocol.references import GROUPS
from trialwright.reports.blocks import Column, Figure, GroupHeading, Paragraph, Row, Table, Term, Text
from trialwright.reports.estimate_cells import (
    at_id,
    axis_of_time,
    by_treatment_note,
    confidence_words,
    counted_from,
    counts_events,
    descriptive_note,
    difference_cell,
    from_origin,
    group_words,
    left_out_notes,
    levels_shown,
    limits_words,
    pair_words,
    ratio_cell,
    share_cell,
    shows_p,
)
from trialwright.reports.figures import (
    CensorMark,
    ForestRow,
    RiskTick,
    SurvivalGroup,
    SurvivalStep,
    forest_figure,
    survival_figure,
)
from trialwright.reports.printed import Source, ratio_digits

Printer = Callable[[str], Text]


_COUNTED_UNITS = ("years", "months", "weeks", "days")


def table_id(name: str) -> str:
    return f"table-{name.replace('_', '-')}"


def render_glance_table(
    source: Source, curves: Sequence[tuple[str, KaplanMeier | CumulativeIncidence]]
) -> Table:
    """Of every curve the counts, the median and the last reading: the answer before the details.

    Where something else may come first, one less Kaplan–Meier and what happens are told apart.
    """
    any_rises = any(_rises(source, one) for _, one in curves)
    columns = (
        Column(Text("Endpoint and group"), "left"),
        Column(Text("Subjects")),
        Column(Text("Events")),
        Column(Text("Median")),
        Column(Text("Free of the event")) if not any_rises else Column(Text("With or free of the event")),
    )
    rows: list[Row | GroupHeading] = []
    for name, analysis in curves:
        rows.append(_glance_heading(source, name, analysis))
        for level in levels_shown(source, analysis.by):
            here = f"{name}/{level}" if level else name
            cells = (
                source.count(f"{here}/n_subjects"),
                source.count(f"{here}/n_events"),
                _median(source, analysis.endpoint, here) if isinstance(analysis, KaplanMeier) else Text("—"),
                _last_reading(source, name, analysis, level),
            )
            rows.append(Row(group_words(source, analysis.by, level), cells))
    notes = [
        Text(
            "In brackets confidence limits; how they were made is said with each curve. Where nobody or everybody had the event there are none, which is no surer for it."
        )
    ]
    if any(source.protocol.endpoints[one.endpoint].competing for _, one in curves):
        notes.append(
            Text(
                "Where something else may come first (competes), one less Kaplan–Meier is the share in a world without that, never below "
                "what happens; its median is of that world too. What happens, and happens first, is the cumulative incidence."
            )
        )
    return Table("table-at-a-glance", Text("Main results"), columns, tuple(rows), tuple(notes))


def _rises(source: Source, analysis: KaplanMeier | CumulativeIncidence) -> bool:
    return isinstance(analysis, CumulativeIncidence) or counts_events(
        source.protocol.endpoints[analysis.endpoint]
    )


def _glance_heading(source: Source, name: str, analysis: KaplanMeier | CumulativeIncidence) -> GroupHeading:
    """What the numbers below are: `Recurrence: median in days from group assignment; with the event by 3 years`."""
    endpoint = source.protocol.endpoints[analysis.endpoint]
    origin = from_origin(source, name, analysis)
    by = source.setting(name, "read at", analysis.read_at[-1]) if analysis.read_at else None
    label = source.endpoint(analysis.endpoint)
    if isinstance(analysis, CumulativeIncidence):
        when = (" by ", by) if by else ()
        return GroupHeading(Text(label, ": with the event, first of what competes,", *when, *origin))
    unit = source.said(endpoint.unit, f"endpoints.{analysis.endpoint}.unit")
    is_without = counts_events(endpoint) and endpoint.competing
    words = "; with the event by " if counts_events(endpoint) else "; free of the event at "
    last = (words, by, *((" in a world without what competes",) if is_without else ())) if by else ()
    return GroupHeading(Text(label, ": median in ", unit, *origin, *last))


def _last_reading(
    source: Source, name: str, analysis: KaplanMeier | CumulativeIncidence, level: str | None
) -> Text:
    if not analysis.read_at:
        return Text("—")
    here = at_id(name, level, analysis.read_at[-1])
    if isinstance(analysis, CumulativeIncidence):
        return share_cell(source, here, "incidence")
    return _reading(source, here, rises=_rises(source, analysis))


def render_survival_table(source: Source, name: str, analysis: KaplanMeier) -> Table:
    """Subjects, events, median and the readings, one row a group; then the protocol's groups compared."""
    rises = counts_events(source.protocol.endpoints[analysis.endpoint])
    unit = source.said(
        source.protocol.endpoints[analysis.endpoint].unit, f"endpoints.{analysis.endpoint}.unit"
    )
    columns = [
        Column(Text("Group"), "left"),
        Column(Text("Subjects")),
        Column(Text("Events")),
        Column(Text("Median, ", unit)),
        *(
            Column(
                Text("At ", source.setting(name, "read at", at)),
                under=Text(*(("Cumulative: ",) if rises else ()), source.endpoint(analysis.endpoint)),
            )
            for at in analysis.read_at
        ),
    ]
    rows = []
    for level in levels_shown(source, analysis.by):
        here = f"{name}/{level}" if level else name
        readings = tuple(
            _reading(source, f"{here}/at/{time_key(at.amount)}", rises=rises) for at in analysis.read_at
        )
        cells = (
            source.count(f"{here}/n_subjects"),
            source.count(f"{here}/n_events"),
            _median(source, analysis.endpoint, here),
            *readings,
        )
        rows.append(Row(group_words(source, analysis.by, level), cells))
    compared = _comparisons(source, name, analysis)
    limits = limits_words(source, name, analysis.confidence, analysis.interval, compares=bool(compared))
    note = Text(limits, "; “from” where the upper limit is not reached.")
    rows += compared
    return Table(
        table_id(name),
        Text(source.setting(name, "title", analysis.title)),
        tuple(columns),
        tuple(rows),
        (note, *_curve_notes(source, name, analysis), *_responders(source, name, analysis)),
    )


def _comparisons(source: Source, name: str, analysis: KaplanMeier) -> list[Row]:
    """Rows of differences and ratios of risks between the groups of the protocol."""
    if analysis.by != GROUPS or not analysis.read_at:
        return []
    rows = []
    for pair in pairs_compared(source.protocol, analysis.by):
        cells = tuple(difference_cell(source, name, pair, at) for at in analysis.read_at)
        label = Text("Difference of the risks: ", pair_words(source, GROUPS, pair, "less"))
        rows.append(Row(label, (Text(), Text(), Text(), *cells)))
        if analysis.weights is not None:
            drawn = tuple(_bootstrap_cell(source, name, pair, at.amount) for at in analysis.read_at)
            rows.append(Row(Text("Limits from resampled subjects"), (Text(), Text(), Text(), *drawn), 1))
        cells = tuple(ratio_cell(source, name, pair, at) for at in analysis.read_at)
        label = Text("Ratio of the risks: ", pair_words(source, GROUPS, pair, "over"))
        rows.append(Row(label, (Text(), Text(), Text(), *cells)))
    return rows


def _bootstrap_cell(source: Source, name: str, pair: tuple[str, str], at: float) -> Text:
    low, high = (
        f"{name}/{minus(*pair)}/{time_key(at)}/bootstrap_{limit}" for limit in ("conf_low", "conf_high")
    )
    if source.results[low].value is None:
        return source.percent(low)
    return source.interval(source.percent_bare(low), source.percent_bare(high))


def _curve_notes(source: Source, name: str, analysis: KaplanMeier) -> Iterator[Text]:
    endpoint = source.protocol.endpoints[analysis.endpoint]
    if counts_events(endpoint):
        yield Text(
            "Cumulative is one less the Kaplan–Meier estimate",
            ": who had something else first is censored, so it is the risk in a world without that and never below what happens."
            if endpoint.competing
            else ".",
        )
    yield from counted_from(source, name, analysis)
    if not endpoint.reported:
        yield Text("Reading times are elapsed; the median counts the day time begins as the first.")
    if analysis.by == GROUPS:
        yield Text("Differences are in percentage points, of the risk of the event.")


def _responders(source: Source, name: str, analysis: KaplanMeier) -> Iterator[Text]:
    """Beside a time in response how many respond by the response rate, and where the two part."""
    rate = response_rate_beside(source.protocol, analysis)
    here = f"{name}/{rate}"
    if rate is None or f"{here}/n_responders" not in source.results:
        return
    title = source.setting(rate, "title", source.protocol.analyses[rate].title)
    told = Text(
        "By the response rate (", title, ") ", source.count(f"{here}/n_responders"), " subjects respond"
    )
    parted = [f"{here}/{one}" for one in ("n_responders_without_time", "n_timed_without_response")]
    if not any(source.results[id_].value for id_ in parted):
        yield Text(told, "; they are those whose time is counted here.")
        return
    yield Text(
        told, "; without a time here: ", source.count(parted[0]), "; with a time here and no response there: ", source.count(parted[1]),
        ". The rate goes by the best confirmed response, a time begins with an event of its own; the protocol confirms the two "
        "differently.",
    )  # fmt: skip


def render_follow_up_table(source: Source, name: str, analysis: ReverseKaplanMeier) -> Table:
    """Median follow-up of all together and by group."""
    unit = source.said(
        source.protocol.endpoints[analysis.endpoint].unit, f"endpoints.{analysis.endpoint}.unit"
    )
    levels: list[str | None] = [None, *levels_shown(source, analysis.by)] if analysis.by else [None]
    rows = []
    for level in levels:
        here = f"{name}/{level}" if level else name
        cells = (
            source.count(f"{here}/n_subjects"),
            source.count(f"{here}/n_events"),
            _median(source, analysis.endpoint, here),
        )
        rows.append(Row(group_words(source, analysis.by, level), cells))
    columns = (
        Column(Text("Group"), "left"),
        Column(Text("Subjects")),
        Column(Text("Died")) if _is_death(source, analysis) else Column(Text("Events")),
        Column(Text("Median follow-up, ", unit)),
    )
    note = Text(
        "By the reverse Kaplan–Meier method: an event ends follow-up as censoring ends it in the survival curve.",
        *_about_limits(source, name, analysis.confidence, [f"{name}/{level}" if level else name for level in levels]),
    )  # fmt: skip
    notes = (note, *counted_from(source, name, analysis))
    return Table(
        table_id(name), Text(source.setting(name, "title", analysis.title)), columns, tuple(rows), notes
    )


def _about_limits(
    source: Source, name: str, confidence: float, curves: Sequence[str]
) -> tuple[str | Text, ...]:
    """Which limits of medians are printed, and why the others are not."""

    def reached(curve: str, statistic: str) -> bool:
        return source.results[f"{curve}/{statistic}"].value is not None

    medians = [curve for curve in curves if reached(curve, "median")]
    limits = (confidence_words(source, name, confidence), " confidence limits")
    with_low = [curve for curve in medians if reached(curve, "median_conf_low")]
    if not medians:
        return ()
    if not with_low:
        return (" The ", *limits, " are not reached.")
    missing = []
    if not all(reached(curve, "median_conf_high") for curve in with_low):
        missing.append("“from” the lower one where the upper one is not reached")
    if len(with_low) < len(medians):
        missing.append("none where neither is reached")
    return (" In brackets ", *limits, *("; " + ", ".join(missing) if missing else ""), ".")


def _is_death(source: Source, analysis: ReverseKaplanMeier) -> bool:
    return source.protocol.endpoints[analysis.endpoint].time_to == ("death",)


def render_logrank_table(source: Source, name: str, analysis: LogRank) -> Table:
    """Observed and expected events by group and the test below."""
    columns = (
        Column(Text("Group"), "left"),
        Column(Text("Subjects")),
        Column(Text("Events observed")),
        Column(Text("Events expected")),
    )
    rows = []
    for level in levels_shown(source, analysis.by):
        here = f"{name}/{level}"
        if f"{here}/observed" in source.results:
            cells = (
                source.count(f"{here}/n_subjects"),
                source.decimals(f"{here}/observed", 0 if not analysis.rho else 1),
                source.decimals(f"{here}/expected", 1),
            )
            rows.append(Row(group_words(source, analysis.by, level), cells))
    test = Text(
        "Chi-squared ", source.decimals(f"{name}/chi_squared", 2), " on ", source.degrees_of_freedom(f"{name}/df"), ", ", source.p_equals(f"{name}/p_value"), "."
    )  # fmt: skip
    reason = source.results[f"{name}/p_value"]
    notes = (
        (test, *left_out_notes(source, name), *descriptive_note(source))
        if reason.value is not None
        else (Text("No test: ", source.p_value(reason.id), "."),)
    )
    return Table(
        table_id(name), Text(source.setting(name, "title", analysis.title)), columns, tuple(rows), notes
    )


def render_restricted_mean_table(source: Source, name: str, analysis: RestrictedMean) -> Table:
    """Mean time by group and the differences from the first."""
    unit = source.said(
        source.protocol.endpoints[analysis.endpoint].unit, f"endpoints.{analysis.endpoint}.unit"
    )
    horizon = time_key(analysis.horizon.amount)
    levels = [level for level in levels_shown(source, analysis.by) if level]
    rows = [
        Row(
            group_words(source, analysis.by, level),
            (_with_limits(source, f"{name}/{level}/{horizon}", "restricted_mean"),),
        )
        for level in levels
    ]
    for pair in pairs_compared(source.protocol, analysis.by):
        label = Text("Difference: ", pair_words(source, analysis.by, pair, "less"))
        here = f"{name}/{minus(*pair)}/{horizon}"
        rows.append(Row(label, (_with_limits(source, here, "difference"),)))
    columns = (
        Column(Text("Group"), "left"),
        Column(Text("Mean, ", unit, " of the first ", source.setting(name, "horizon", analysis.horizon))),
    )
    note = Text("In brackets ", confidence_words(source, name, analysis.confidence), " confidence limits.")
    notes = (note, *counted_from(source, name, analysis))
    return Table(
        table_id(name), Text(source.setting(name, "title", analysis.title)), columns, tuple(rows), notes
    )


def render_cox_table(source: Source, name: str, analysis: Cox) -> Table:
    """Hazard ratios with the test of proportional hazards of each term, and of the whole model below."""
    has_p = shows_p(source, analysis)
    columns = (
        Column(Text("Covariate"), "left"),
        Column(Text("Hazard ratio")),
        *([Column(Text("p"))] if has_p else []),
        Column(Text("p of proportional hazards")),
    )
    rows = []
    for row in _cox_terms(source, name):
        here = f"{name}/{row.item}"
        hazards = f"{here}/hazards_p_value"
        p_value = source.p_value(f"{here}/p_value") if row.value is not None else Text("—")
        cells = (
            _ratio_with_limits(source, here),
            *([p_value] if has_p else []),
            source.p_value(hazards) if hazards in source.results else Text("—"),
        )
        rows.append(Row(covariate_label(source, name, analysis, str(row.item)), cells))
    return Table(
        table_id(name), Text(source.setting(name, "title", analysis.title)), columns, tuple(rows),
        _cox_notes(source, name, analysis),
    )  # fmt: skip


def _cox_notes(source: Source, name: str, analysis: Cox) -> tuple[Text, ...]:
    basis = Text(
        source.count(f"{name}/n_analysed"), " subjects, ", source.count(f"{name}/n_events"), " events. Ties: ",
        source.setting(name, "ties", analysis.ties.capitalize()), ". In brackets ",
        confidence_words(source, name, analysis.confidence), " confidence limits.",
    )  # fmt: skip
    basis_notes = (
        basis,
        *by_treatment_note(source, analysis),
        *left_out_notes(source, name),
        *(descriptive_note(source) if shows_p(source, analysis) else ()),
    )
    explained = _e_value_note(source, name, analysis)
    if f"{name}/likelihood ratio test/chi_squared" not in source.results and _is_fitted(source, name):
        return (*basis_notes, *explained)
    if source.results[f"{name}/concordance"].value is None and not _is_fitted(source, name):
        return (
            basis,
            *left_out_notes(source, name),
            Text("Not estimated: ", source.decimals(f"{name}/concordance", 2), "."),
        )
    model = Text(
        "All coefficients zero: likelihood ratio ", source.decimals(f"{name}/likelihood ratio test/chi_squared", 1),
        " on ", source.degrees_of_freedom(f"{name}/likelihood ratio test/df"), ", ", source.p_equals(f"{name}/likelihood ratio test/p_value"), ". Concordance ",
        source.decimals(f"{name}/concordance", 3), " (standard error ",
        source.decimals(f"{name}/concordance_std_error", 3), ").",
    )  # fmt: skip
    if not shows_p(source, analysis):
        model = Text("Concordance ", source.decimals(f"{name}/concordance", 3), ".")
    if f"{name}/hazards_p_value" not in source.results:
        return (*basis_notes, model, *explained)
    hazards = Text(
        "Proportional hazards, all covariates together: ", source.p_equals(f"{name}/hazards_p_value"), "."
    )
    return (*basis_notes, model, hazards, *explained)


def _e_value_note(source: Source, name: str, analysis: Cox) -> tuple[Text, ...]:
    """How strong a confounder that nobody measured must be; nothing where there is no such number."""
    if analysis.weights is None:
        return ()
    items = (row.item for row in source.results.of(name) if row.statistic == "e_value")
    return next((e_value_note(source, f"{name}/{item}") for item in items), ())


def e_value_note(source: Source, here: str) -> tuple[Text, ...]:
    """What an E-value says, in words; nothing where there is none."""
    if f"{here}/e_value" not in source.results or source.results[f"{here}/e_value"].value is None:
        return ()
    holds_one = source.results[f"{here}/e_value_limit"].value == 1
    limit = (
        ("; the interval holds one already.",)
        if holds_one
        else (
            ", and take the limit nearer one to one if ",
            source.decimals(f"{here}/e_value_limit", 2),
            " times.",
        )
    )
    return (
        Text(
            "A confounder that nobody measured could explain the estimate away if it made both the treatment and the event ",
            source.decimals(f"{here}/e_value", 2), " times as likely (E-value)", *limit,
        ),
    )  # fmt: skip


def _is_fitted(source: Source, name: str) -> bool:
    return any(row.value is not None for row in _cox_terms(source, name))


def covariate_label(source: Source, name: str, analysis: Cox | FineGray, item: str) -> Text:
    """What a ratio of hazards is of: a level against another, or a number and by how much it rises."""
    fact, _, level = item.partition("=")
    if not level:
        return Text(source.heading(fact), *_per(source, name, analysis, fact))
    reference = analysis.reference.get(fact, reference_level(source.protocol, fact))
    return Text(source.term(item), " against ", source.short_level(fact, reference))


def _per(source: Source, name: str, analysis: Cox | FineGray, fact: str) -> tuple[str | Term, ...]:
    """By how much a number must rise for its hazard ratio: one unit, or tenfold on the scale of its logarithm."""
    if fact in analysis.transform:
        return (", ", source.setting(name, f"transform.{fact}", "per tenfold rise"))
    unit = unit_words(source.protocol, fact)
    if unit is None:
        return ()
    text, path = unit
    return (", per ", source.said(text.removesuffix("s") if text in _COUNTED_UNITS else text, path))


def _cox_terms(source: Source, name: str) -> list[Result]:
    return [row for row in source.results.of(name) if row.statistic == "hazard_ratio"]


def render_forest(source: Source, name: str, analysis: Cox) -> Figure | None:
    """The hazard ratios as a picture; none where the model could not be fitted."""
    terms = _cox_terms(source, name)
    if not _is_fitted(source, name):
        return None
    rows: list[ForestRow] = []
    for row in terms:
        here = f"{name}/{row.item}"
        rows.append(
            {
                "label": covariate_label(source, name, analysis, str(row.item)).plain,
                "estimate": row.value,
                "conf_low": source.results[f"{here}/conf_low"].value,
                "conf_high": source.results[f"{here}/conf_high"].value,
                "printed": _ratio_with_limits(source, here).plain,
                "ref": f"result:{row.id}",
            }
        )
    endpoint = source.endpoint(analysis.endpoint)
    return forest_figure(
        rows,
        figure_id=f"figure-{name.replace('_', '-')}",
        title=Text("Hazard ratios, ", endpoint),
        alt=Text("Forest plot of the hazard ratios in the table above, each with its confidence interval."),
        estimate_title="Hazard ratio",
        caption=Text("Right of the line the hazard is higher, left of it lower."),
    )


def render_curves(source: Source, name: str, analysis: KaplanMeier) -> Figure | Paragraph:
    """Curves by group with the counts below; a sentence where there is nobody to draw."""
    rises = counts_events(source.protocol.endpoints[analysis.endpoint])
    curves = [_curve(source, name, analysis, level) for level in levels_shown(source, analysis.by)]
    if rises:
        curves = [risen(curve) for curve in curves]
    if not any(curve["steps"] for curve in curves):
        return Paragraph(Text("No curve is drawn: nobody has both a time and a status."))
    endpoint = source.protocol.endpoints[analysis.endpoint]
    return survival_figure(
        curves,
        figure_id=f"figure-{name.replace('_', '-')}",
        title=Text(source.setting(name, "title", analysis.title)),
        alt=Text(
            "Kaplan–Meier curves of ", source.endpoint(analysis.endpoint),
            " by group; the numbers are in the table below and in the rows under the axis.",
        ),
        survival_title=f"Cumulative: {endpoint.label}" if rises else endpoint.label,
        rises=rises,
        time_title=axis_of_time(source, name, analysis),
        caption=Text(
            *(("The share of those with the event, one less Kaplan–Meier. ",) if rises else ()),
            "Bands are pointwise ", confidence_words(source, name, analysis.confidence),
            " confidence limits, ticks mark censored subjects. At risk are those with neither event nor censoring "
            "before that time; the three counts add up to the group at every time.",
        ),
    )  # fmt: skip


def _curve(source: Source, name: str, analysis: KaplanMeier, level: str | None) -> SurvivalGroup:
    here = [row for row in source.results.of(name) if row.group == level]
    steps: dict[float, dict[str, float | None]] = {}
    ticks: dict[float, dict[str, float | None]] = {}
    for row in here:
        if row.time is not None and row.item in ("curve", "tick"):
            (steps if row.item == "curve" else ticks).setdefault(row.time, {})[row.statistic] = row.value
    n = source.results[f"{name}/{level}/n_subjects" if level else f"{name}/n_subjects"].value or 0
    start: list[SurvivalStep] = (
        [{"time": 0.0, "survival": 1.0, "conf_low": None, "conf_high": None, "n_at_risk": int(n)}]
        if steps and min(steps) > 0
        else []
    )
    marks: list[CensorMark] = [
        {"time": time, "survival": found["survival"] or 0.0}
        for time, found in steps.items()
        if found["n_censored"]
    ]
    return {
        "label": group_words(source, analysis.by, level).plain,
        "steps": start
        + [
            SurvivalStep(
                time=time,
                survival=found["survival"] or 0.0,
                conf_low=found["conf_low"],
                conf_high=found["conf_high"],
                n_at_risk=int(found["n_at_risk"] or 0),
            )
            for time, found in steps.items()
        ],
        "censor_marks": marks,
        "ticks": [risk_tick(time, found) for time, found in ticks.items()],
    }


def risk_tick(time: float, found: Mapping[str, float | None]) -> RiskTick:
    """The counts of one tick, with those rows that its analysis has."""
    tick = RiskTick(
        time=time,
        n_at_risk=int(found["n_at_risk"] or 0),
        n_censored=int(found["n_censored"] or 0),
        n_events=int(found["n_events"] or 0),
    )
    if "n_competing" in found:
        tick["n_competing"] = int(found["n_competing"] or 0)
    if "n_to_come" in found:
        tick["n_to_come"] = int(found["n_to_come"] or 0)
    return tick


def risen(curve: SurvivalGroup) -> SurvivalGroup:
    """A curve of those with the event, in place of those without."""
    steps = [
        SurvivalStep(
            time=step["time"],
            survival=1 - step["survival"],
            conf_low=None if step["conf_high"] is None else 1 - step["conf_high"],
            conf_high=None if step["conf_low"] is None else 1 - step["conf_low"],
            n_at_risk=step["n_at_risk"],
        )
        for step in curve["steps"]
    ]
    marks = [CensorMark(time=mark["time"], survival=1 - mark["survival"]) for mark in curve["censor_marks"]]
    return {**curve, "steps": steps, "censor_marks": marks}


def _reading(source: Source, here: str, *, rises: bool = False) -> Text:
    if rises:
        return share_cell(source, here, "risk", "risk_")
    return _limits(source, source.percent(f"{here}/survival"), here, source.percent_bare)


def _median(source: Source, endpoint: str, here: str) -> Text:
    ids = [f"{here}/{part}" for part in ("median", "median_conf_low", "median_conf_high")]
    values = [source.results[id_].value for id_ in ids]
    digits = 0 if is_in_whole_days(source, endpoint, values) else 1
    median, low, high = (source.decimals(id_, digits) for id_ in ids)
    if values[1] is None:
        return median
    if values[2] is None:
        return Text(median, " (from ", low, ")")
    return Text(median, " ", source.interval(low, high))


def is_in_whole_days(source: Source, name: str, values: Sequence[float | None]) -> bool:
    """Whether times are counted between dates, in days, and none of the numbers lies between two of them."""
    endpoint = source.protocol.endpoints[name]
    is_counted = endpoint.unit == "days" and not endpoint.reported
    return is_counted and all(value is None or value.is_integer() for value in values)


def _with_limits(source: Source, here: str, statistic: str) -> Text:
    def printed(id_: str) -> Text:
        return source.decimals(id_, 1)

    return _limits(source, printed(f"{here}/{statistic}"), here, printed)


def _ratio_with_limits(source: Source, here: str) -> Text:
    ratio = source.results[f"{here}/hazard_ratio"].value
    digits = 2 if ratio is None else ratio_digits(ratio)

    def printed(id_: str) -> Text:
        return source.ratio(id_, digits)

    return _limits(source, printed(f"{here}/hazard_ratio"), here, printed)


def _limits(source: Source, estimate: Text, here: str, printed: Printer) -> Text:
    """An estimate with its limits; where there is no estimate its reason alone."""
    low, high = f"{here}/conf_low", f"{here}/conf_high"
    if source.results[low].value is None or source.results[high].value is None:
        return estimate
    return Text(estimate, " ", source.interval(printed(low), printed(high)))
