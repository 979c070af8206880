"""Tables and figures where something else may come first: what happens, beside what would happen without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trialwright.analysis.incidence import GRAY
from trialwright.analysis.results import Result
from trialwright.protocol.analyses import CumulativeIncidence, FineGray
from trialwright.protocol.categories import pairs_compared
from trialwright.reports.blocks import Block, Column, Figure, GroupHeading, Paragraph, Row, Table, Text
from trialwright.reports.estimate_cells import (
    at_id,
    axis_of_time,
    confidence_words,
    counted_from,
    descriptive_note,
    difference_cell,
    group_words,
    left_out_notes,
    levels_shown,
    limits_words,
    pair_words,
    ratio_cell,
    ratio_with_limits,
    share_cell,
    shows_p,
)
from trialwright.reports.figures import (
    COLOURS,
    CONFIG,
    SCHEMA,
    CensorMark,
    SurvivalGroup,
    SurvivalStep,
    survival_figure,
)
from trialwright.reports.printed import Source
from trialwright.reports.survival_tables import covariate_label, risk_tick, table_id


def render_incidence(source: Source, name: str, analysis: CumulativeIncidence) -> list[Block]:
    """Curves, one picture a group of what came first, and the table with one less Kaplan–Meier beside."""
    return [
        render_incidence_curves(source, name, analysis),
        *_render_first_events(source, name, analysis),
        render_incidence_table(source, name, analysis),
    ]


def render_incidence_table(source: Source, name: str, analysis: CumulativeIncidence) -> Table:
    """At each reading time who had the event, who would have had it without the competing one, and who had that first."""
    columns = (
        Column(Text("Read at"), "left"),
        Column(Text("At risk")),
        Column(Text("Event happened")),
        Column(Text("One less Kaplan–Meier")),
        Column(Text("Something else first")),
        Column(Text("Neither")),
    )
    rows: list[Row | GroupHeading] = []
    for level in levels_shown(source, analysis.by):
        here = f"{name}/{level}" if level else name
        rows.append(
            GroupHeading(
                Text(
                    group_words(source, analysis.by, level), ": ", source.count(f"{here}/n_subjects"), " subjects, ",
                    source.count(f"{here}/n_events"), " events, ", source.count(f"{here}/n_competing"), " with something else first",
                )
            )
        )  # fmt: skip
        for at in analysis.read_at:
            read = at_id(name, level, at)
            at_risk = f"{read}/n_at_risk"
            cells = (
                source.count(at_risk) if at_risk in source.results else Text("—"),
                share_cell(source, read, "incidence"),
                share_cell(source, read, "risk", "risk_"),
                share_cell(source, read, "competing", "competing_"),
                share_cell(source, read, "event_free", "event_free_"),
            )
            rows.append(Row(Text(source.setting(name, "read at", at)), cells, 1))
    for pair in pairs_compared(source.protocol, analysis.by) if analysis.by else []:
        rows.append(GroupHeading(pair_words(source, str(analysis.by), pair, "compared with")))
        for at in analysis.read_at:
            cells = (
                Text(), difference_cell(source, name, pair, at), Text(), Text(), Text()
            )  # fmt: skip
            rows.append(Row(Text("Difference at ", source.setting(name, "read at", at)), cells, 1))
            cells = (Text(), ratio_cell(source, name, pair, at), Text(), Text(), Text())
            rows.append(Row(Text("Ratio at ", source.setting(name, "read at", at)), cells, 1))
    return Table(
        table_id(name), Text(source.setting(name, "title", analysis.title)), columns, tuple(rows),
        tuple(_notes(source, name, analysis)),
    )  # fmt: skip


def _notes(source: Source, name: str, analysis: CumulativeIncidence) -> Iterator[Text]:
    compares = analysis.by is not None and bool(analysis.read_at)
    yield Text(
        limits_words(source, name, analysis.confidence, analysis.interval, compares=compares),
        ". “Event happened” is the probability that the event happens and happens first "
        "(Aalen–Johansen); one less Kaplan–Meier is what it would be in a world without the other, from the same rows, and never below. "
        "Event, something else first and neither add up to all.",
    )  # fmt: skip
    yield from counted_from(source, name, analysis)
    if analysis.by is None:
        return
    gray = f"{name}/{GRAY}"
    if source.results[f"{gray}/chi_squared"].value is None:
        yield Text("Gray's test: ", source.decimals(f"{gray}/chi_squared", 2), ".")
    else:
        p_value = (", ", source.p_equals(f"{gray}/p_value")) if shows_p(source, analysis) else ()
        yield Text(
            "Gray's test that the groups have one incidence: chi-squared ",
            source.decimals(f"{gray}/chi_squared", 2),
            " on ",
            source.degrees_of_freedom(f"{gray}/df"),
            *p_value,
            ".",
        )
    if shows_p(source, analysis):
        yield from descriptive_note(source)
    for pair in pairs_compared(source.protocol, analysis.by):
        here = f"{name}/{analysis.by}={pair[0]}"
        yield Text(
            "Cause-specific hazard ratio, ", pair_words(source, analysis.by, pair, "over"), ": ",
            ratio_with_limits(source, here, "hazard_ratio"), "; of the groups alone, nothing adjusted.",
        )  # fmt: skip


def render_incidence_curves(source: Source, name: str, analysis: CumulativeIncidence) -> Figure | Paragraph:
    """The curves of those with the event by group; a sentence where there is nobody to draw."""
    curves = [_curve(source, name, analysis, level) for level in levels_shown(source, analysis.by)]
    if not any(curve["steps"] for curve in curves):
        return Paragraph(Text("No curve is drawn: nobody has both a time and a status."))
    endpoint = source.protocol.endpoints[analysis.endpoint]
    return survival_figure(
        curves,
        figure_id=f"figure-{name.replace('_', '-')}",
        title=Text(source.setting(name, "title", analysis.title)),
        alt=Text(
            "Cumulative incidence of ", source.endpoint(analysis.endpoint),
            " by group; the numbers are in the table below and in the rows under the axis.",
        ),
        survival_title=f"Cumulative incidence: {endpoint.label}",
        time_title=axis_of_time(source, name, analysis),
        rises=True,
        caption=Text(
            "Bands are pointwise ", confidence_words(source, name, analysis.confidence),
            " confidence limits. Under the axis: at risk, censored, with the event, and with something else first before that time; "
            "they add up to the group.",
        ),
    )  # fmt: skip


def _rows_of(source: Source, name: str, level: str | None, item: str) -> dict[float, dict[str, float | None]]:
    found: dict[float, dict[str, float | None]] = {}
    for row in source.results.of(name):
        if row.group == level and row.item == item and row.time is not None:
            found.setdefault(row.time, {})[row.statistic] = row.value
    return found


def _curve(source: Source, name: str, analysis: CumulativeIncidence, level: str | None) -> SurvivalGroup:
    here = f"{name}/{level}" if level else name
    n = int(source.results[f"{here}/n_subjects"].value or 0)
    steps = [
        SurvivalStep(
            time=time,
            survival=found["incidence"] or 0.0,
            conf_low=found["conf_low"],
            conf_high=found["conf_high"],
            n_at_risk=int(found["n_at_risk"] or 0),
        )
        for time, found in _rows_of(source, name, level, "curve").items()
    ]
    if steps and steps[0]["time"] > 0:
        steps.insert(0, SurvivalStep(time=0.0, survival=0.0, conf_low=None, conf_high=None, n_at_risk=n))
    marks: list[CensorMark] = []
    ticks = [risk_tick(time, found) for time, found in _rows_of(source, name, level, "tick").items()]
    return {
        "label": group_words(source, analysis.by, level).plain,
        "steps": steps,
        "censor_marks": marks,
        "ticks": ticks,
    }


# --- what came first ----------------------------------------------------------------------------------------------------

_FIRST = ("Event", "Something else first", "Neither")
_FILLS = (COLOURS[1], "#9aa5b1", "#e8edf1")


def _render_first_events(source: Source, name: str, analysis: CumulativeIncidence) -> Iterator[Figure]:
    """One picture a group: the shares with the event, with something else first, and with neither, one above the other."""
    for number, level in enumerate(levels_shown(source, analysis.by)):
        steps = _rows_of(source, name, level, "curve")
        if not steps:
            continue
        words = group_words(source, analysis.by, level)
        ending = f"-{'abcdefghij'[number % 10]}"
        yield Figure(
            f"figure-{name.replace('_', '-')}-first{ending}",
            Text("What came first: ", words),
            _stacked(steps, axis_of_time(source, name, analysis)),
            Text(
                "Areas one above the other over time: who had the event, who had something else first, who had neither. ", words, "."
            ),
            Text("The areas add up to all of the group at every time."),
        )  # fmt: skip


def _stacked(steps: dict[float, dict[str, float | None]], time_title: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    start: dict[float, dict[str, float | None]] = {0.0: {"incidence": 0.0, "competing": 0.0}}
    for time, found in sorted((start | steps).items()):
        event, other = found["incidence"] or 0.0, found["competing"] or 0.0
        for state, low, high in zip(
            _FIRST, (0, event, event + other), (event, event + other, 1), strict=True
        ):
            rows.append({"time": time, "state": state, "low": low, "high": high})
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": 150,
        "usermeta": {"form": "stacked"},
        "config": CONFIG,
        "datasets": {"states": rows},
        "layer": [
            {
                "data": {"name": "states"},
                "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.9},
                "encoding": {
                    "x": {"field": "time", "type": "quantitative", "scale": {"nice": False}, "axis": {"title": time_title, "tickCount": 6, "labelOverlap": True}},
                    "y": {
                        "field": "low", "type": "quantitative", "scale": {"domain": [0, 1]},
                        "axis": {"title": None, "values": [0, 0.25, 0.5, 0.75, 1], "labelExpr": "format(100 * datum.value, '.0f') + ' %'"},
                    },
                    "y2": {"field": "high"},
                    "color": {
                        "field": "state", "type": "nominal",
                        "scale": {"domain": list(_FIRST), "range": list(_FILLS)},
                        "legend": {"orient": "top", "title": None, "labelLimit": 0},
                    },
                },
            }
        ],
    }  # fmt: skip


# --- Fine and Gray ------------------------------------------------------------------------------------------------------


def render_fine_gray_table(source: Source, name: str, analysis: FineGray) -> Table:
    """Ratios of subdistribution hazards; never called hazard ratios alone."""
    has_p = shows_p(source, analysis)
    columns = (
        Column(Text("Covariate"), "left"),
        Column(Text("Ratio of subdistribution hazards")),
        *([Column(Text("p"))] if has_p else []),
    )
    rows = []
    for row in _terms(source, name):
        here = f"{name}/{row.item}"
        p_value = source.p_value(f"{here}/p_value") if row.value is not None else Text("—")
        cells = (
            ratio_with_limits(source, here, "subdistribution_hazard_ratio"),
            *([p_value] if has_p else []),
        )
        rows.append(Row(covariate_label(source, name, analysis, str(row.item)), cells))
    notes = (
        Text(
            source.count(f"{name}/n_analysed"), " subjects, ", source.count(f"{name}/n_events"), " events, ",
            source.count(f"{name}/n_competing"), " with something else first. In brackets ",
            confidence_words(source, name, analysis.confidence), " confidence limits, robust by subject.",
        ),
        *left_out_notes(source, name),
        Text(
            "Above one the event happens more often, by how much the ratio does not say: subjects with something else first stay among "
            "those at risk. It is no ratio of hazards of people under watch."
        ),
        *(descriptive_note(source) if has_p else ()),
    )  # fmt: skip
    return Table(
        table_id(name), Text(source.setting(name, "title", analysis.title)), columns, tuple(rows), notes
    )


def _terms(source: Source, name: str) -> list[Result]:
    return [row for row in source.results.of(name) if row.statistic == "subdistribution_hazard_ratio"]
