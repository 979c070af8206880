"""Every estimate of the primary comparison side by side: what is registered first, what is sounder beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trialwright.analysis.immortal_time import is_biased
from trialwright.analysis.results import time_key
from trialwright.analysis.survival_rows import minus, over
from trialwright.protocol.analyses import (
    CloneCensorWeight,
    Cox,
    CumulativeIncidence,
    FineGray,
    IntervalCensored,
    KaplanMeier,
    TimeAnalysis,
    is_in_stretches,
)
from trialwright.protocol.categories import pairs_compared
from trialwright.protocol.references import GROUPS
from trialwright.reports.blocks import Block, Column, Figure, GroupHeading, Row, Table, Text
from trialwright.reports.canvas import LEFT, RIGHT, Across, Canvas, Place, Symbol
from trialwright.reports.estimate_cells import (
    at_id,
    from_origin,
    pair_words,
    ratio_with_limits,
    share_cell,
)
from trialwright.reports.figures import COLOURS, MUTED, NARROWEST, ForestRow, forest_figure, wrap_label
from trialwright.reports.printed import Source

_ROLES = ("registered", "supportive", "sensitivity")


@dataclass(frozen=True, slots=True)
class _Estimate:
    """One row: an analysis read at one time; `statistic` and `prefix` are of its risks."""

    name: str
    analysis: TimeAnalysis
    at: float
    statistic: str
    prefix: str
    pair: tuple[str, str]

    @property
    def difference(self) -> str:
        return f"{self.name}/{minus(*self.pair)}/{time_key(self.at)}"

    @property
    def ratio(self) -> str:
        return f"{self.name}/{over(*self.pair)}/{time_key(self.at)}"


def render_comparisons(source: Source, endpoint: str) -> list[Block]:
    """Table and pictures of all estimates of a primary endpoint of two groups; nothing where there is one or none."""
    if source.protocol.endpoints[endpoint].role != "primary" or len(source.protocol.groups) != 2:
        return []
    estimates = list(_estimates(source, endpoint))
    if len(estimates) < 2:
        return []
    hazards = _hazards(source, endpoint)
    return [
        _render_table(source, endpoint, estimates),
        *_render_differences(source, endpoint, estimates),
        *([hazards] if hazards else []),
    ]


def _in_order(source: Source, endpoint: str) -> list[tuple[str, TimeAnalysis]]:
    """The analyses of an endpoint, the registered first and the biased last."""
    here = [
        (name, one)
        for name, one in source.protocol.analyses.items()
        if isinstance(one, TimeAnalysis) and one.endpoint == endpoint
    ]
    return sorted(here, key=lambda item: (is_biased(item[1]), _ROLES.index(item[1].role)))


def _estimates(source: Source, endpoint: str) -> Iterator[_Estimate]:
    (pair,) = pairs_compared(source.protocol, GROUPS)
    for name, one in _in_order(source, endpoint):
        if getattr(one, "by", None) != GROUPS or not getattr(one, "read_at", ()):
            continue
        at = float(one.read_at[-1].amount)  # type: ignore[attr-defined]
        if at_id(name, pair[0], at, "risk") not in source.results:
            continue
        if isinstance(one, CumulativeIncidence):
            yield _Estimate(name, one, at, "incidence", "", pair)
        elif isinstance(one, IntervalCensored):
            yield _Estimate(name, one, at, "risk", "", pair)
        elif isinstance(one, KaplanMeier | CloneCensorWeight):
            yield _Estimate(name, one, at, "risk", "risk_", pair)


def _meaning(one: TimeAnalysis) -> str:
    """What an estimate is, in words a clinician follows."""
    if is_biased(one):
        return "Counts the time before the treatment for it"
    if isinstance(one, CumulativeIncidence):
        return "What happened, with something else first as such"
    if isinstance(one, IntervalCensored):
        return "Events anywhere between two examinations"
    if isinstance(one, CloneCensorWeight):
        return "Had everybody begun in time, or nobody"
    if one.weights is not None:
        return "Groups made alike in what was measured"
    if one.landmark is not None:
        return "Those free of the event at the landmark, by what had begun"
    if is_in_stretches(one):
        return "Counted from when each came under watch"
    return "As observed, in a world without what may come first"


def _render_table(source: Source, endpoint: str, estimates: list[_Estimate]) -> Table:
    pair = estimates[0].pair
    columns = (
        Column(Text("Estimate"), "left"),
        Column(Text("Read at")),
        Column(Text(source.level(GROUPS, pair[1])), under=Text("Risk of the event")),
        Column(Text(source.level(GROUPS, pair[0])), under=Text("Risk of the event")),
        Column(Text("Difference")),
        Column(Text("Ratio")),
    )
    rows: list[Row | GroupHeading] = []
    role = ""
    for one in estimates:
        heading = "Biased, for comparison" if is_biased(one.analysis) else _HEADINGS[one.analysis.role]
        if heading != role:
            rows.append(GroupHeading(Text(heading)))
            role = heading
        rows.append(Row(_label(source, one), _cells(source, one), 1))
    title = Text("All estimates of the comparison: ", source.endpoint(endpoint))
    notes = (
        Text(
            "Differences in percentage points, ", pair_words(source, GROUPS, pair, "less"), "; ratios ",
            pair_words(source, GROUPS, pair, "over"), ". In brackets confidence limits, described with each analysis.",
        ),
        Text(
            "The estimates answer different questions and share their patients: that several agree is no proof. Groups were ",
            source.said(source.protocol.study.allocation, "study.allocation"),
            "; a difference may be that of the patients." if source.protocol.study.allocation == "not randomised" else ".",
        ),
    )  # fmt: skip
    return Table(f"table-all-{endpoint.replace('_', '-')}", title, columns, tuple(rows), notes)


_HEADINGS = {
    "registered": "Registered",
    "supportive": "Beside it",
    "sensitivity": "The same asked differently",
}


def _label(source: Source, one: _Estimate) -> Text:
    return Text(source.setting(one.name, "title", one.analysis.title), ": ", _lower(_meaning(one.analysis)))


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _cells(source: Source, one: _Estimate) -> tuple[Text, ...]:
    unit = source.protocol.endpoints[one.analysis.endpoint].unit or ""
    risks = [
        share_cell(source, at_id(one.name, level, one.at), one.statistic, one.prefix)
        for level in reversed(one.pair)
    ]
    ratio = (
        ratio_with_limits(source, one.ratio, "ratio") if f"{one.ratio}/ratio" in source.results else Text("—")
    )
    difference = (
        share_cell(source, one.difference, "difference")
        if f"{one.difference}/difference" in source.results
        else Text("—")
    )
    read = source.setting(one.name, "read at", f"{one.at:g} {unit}".strip())
    at = Text(read, *from_origin(source, one.name, one.analysis))
    return (at, *risks, difference, ratio)


def _render_differences(source: Source, endpoint: str, estimates: list[_Estimate]) -> Iterator[Figure]:
    """The differences on one axis, with a line at none; the biased one in grey."""
    known = [
        one
        for one in estimates
        if all(
            f"{one.difference}/{part}" in source.results
            and source.results[f"{one.difference}/{part}"].value is not None
            for part in ("difference", "conf_low", "conf_high")
        )
    ]
    if not known:
        return
    ends = [
        100 * float(source.results[f"{one.difference}/{part}"].value or 0)
        for one in known
        for part in ("conf_low", "conf_high")
    ]
    low, high = 10 * (min([*ends, 0.0]) // 10), 10 * (-(-max([*ends, 0.0]) // 10))
    axis = Across(LEFT.right(6), RIGHT.right(-6), low, max(high, low + 10))
    canvas = Canvas()
    y = 8.0
    for one in known:
        for line in wrap_label(_label(source, one).plain, NARROWEST - 20):
            canvas.text(LEFT, y, line)
            y += 13
        colour = MUTED if is_biased(one.analysis) else COLOURS[0]
        estimate, conf_low, conf_high = (
            100 * float(source.results[f"{one.difference}/{part}"].value or 0)
            for part in ("difference", "conf_low", "conf_high")
        )
        printed = share_cell(source, one.difference, "difference").plain
        about = {"id": f"result:{one.difference}/difference", "tip": printed}
        y += 6
        canvas.rule(axis.place(conf_low), y, axis.place(conf_high), y, colour=colour, width=1.8, **about)
        shape = "square" if one.analysis.role == "registered" else "circle"
        canvas.point(axis.place(estimate), y, Symbol(shape, colour, size=60), **about)
        y += 16
        canvas.text(LEFT, y, printed, colour=MUTED)
        y += 22
    step = 10 if high - low <= 80 else 20
    for tick in range(int(low), int(max(high, low + 10)) + 1, step):
        x = axis.place(tick)
        canvas.grid(x, 0, x, y)
        canvas.text(x, y + 10, f"{tick:g}".replace("-", "−"), align="center", colour=MUTED)
    zero: Place = axis.place(0)
    canvas.rule(zero, 0, zero, y, dash="dashed")
    pair = known[0].pair
    yield Figure(
        f"figure-all-{endpoint.replace('_', '-')}",
        Text("Differences of the risks in percentage points: ", pair_words(source, GROUPS, pair, "less")),
        canvas.spec(y + 22),
        Text("One line an estimate with its confidence interval; the numbers are in the table above."),
        Text(
            "Left of the dashed line the risk is lower, right of it higher. Squares are registered; grey is biased."
        ),
    )


def _hazards(source: Source, endpoint: str) -> Figure | None:
    """Ratios of hazards of the groups from all models, on one axis."""
    (pair,) = pairs_compared(source.protocol, GROUPS)
    item = f"{GROUPS}={pair[0]}"
    rows: list[ForestRow | str] = []
    for name, one in _in_order(source, endpoint):
        statistic = "subdistribution_hazard_ratio" if isinstance(one, FineGray) else "hazard_ratio"
        here = f"{name}/{item}"
        if (
            not isinstance(one, Cox | FineGray | CumulativeIncidence)
            or f"{here}/{statistic}" not in source.results
        ):
            continue
        value = source.results[f"{here}/{statistic}"].value
        kind = (
            "subdistribution" if isinstance(one, FineGray) else "cause-specific, groups alone" if isinstance(one, CumulativeIncidence)
            else "hazard"
        )  # fmt: skip
        rows.append(
            {
                "label": f"{one.title} ({kind})",
                "estimate": value,
                "conf_low": source.results[f"{here}/conf_low"].value,
                "conf_high": source.results[f"{here}/conf_high"].value,
                "printed": ratio_with_limits(source, here, statistic).plain,
                "ref": f"result:{here}/{statistic}",
                "is_registered": one.role == "registered",
            }
        )
    turned = [
        piece
        for name, one in _in_order(source, endpoint)
        if any(
            f"{name}/{GROUPS}={pair[1]}/{ratio}" in source.results
            for ratio in ("hazard_ratio", "subdistribution_hazard_ratio")
        )
        for piece in (", ", source.setting(name, "title", one.title))
    ]
    others = (" Not shown, for they compare the other way round: ", *turned[1:], ".") if turned else ()
    if not any(not isinstance(row, str) and row["estimate"] is not None for row in rows):
        return None
    return forest_figure(
        rows,
        figure_id=f"figure-all-hazards-{endpoint.replace('_', '-')}",
        title=Text("Ratios of hazards: ", pair_words(source, GROUPS, pair, "over")),
        alt=Text("One line a model with the ratio for the groups and its confidence interval."),
        estimate_title="Ratio",
        caption=Text(
            "Right of the line the hazard is higher, left of it lower. Squares are registered. A ratio of subdistribution hazards is none of people under watch.",
            *others,
        ),
    )
