"""Tables about when: immortal time, events between two examinations, and strategies with a grace period."""

from __future__ import annotations

from trialwright.analysis.immortal_time import (
    BY_TIME,
    IMMORTAL,
    LANDMARK,
    NAIVE,
    TO_TREATMENT,
    TO_ZERO,
    by_landmark,
    counted_before,
)
from trialwright.analysis.results import time_key
from trialwright.analysis.survival_rows import minus
from trialwright.protocol.analyses import CloneCensorWeight, IntervalCensored
from trialwright.protocol.categories import pairs_compared
from trialwright.protocol.references import GROUPS
from trialwright.reports.blocks import Block, Callout, Column, GroupHeading, Row, Table, Text
from trialwright.reports.estimate_cells import (
    at_id,
    confidence_words,
    counted_from,
    difference_cell,
    facts_lacking,
    group_words,
    levels_shown,
    pair_words,
    share_cell,
)
from trialwright.reports.printed import Source
from trialwright.reports.survival_tables import table_id

# --- immortal time ------------------------------------------------------------------------------------------------------


def render_immortal_time(source: Source, endpoint: str) -> list[Block]:
    """How long each group lived before time zero and before its treatment, and what three ways to count make of it."""
    rows_here = list(source.results.of(IMMORTAL))
    if not rows_here or rows_here[0].endpoint != endpoint:
        return []
    alike = counted_before(source.protocol)
    start = next((one.from_ for one in alike.values()), None)
    landmark = by_landmark(alike)
    by_then = source.setting(landmark[0], "landmark", landmark[1]) if landmark else ""
    groups = list(source.protocol.groups)
    columns = (
        Column(Text("Time and events"), "left"),
        *(Column(Text(source.level(GROUPS, group))) for group in groups),
        Column(Text("Ratio of the rates")),
    )
    rows: list[Row | GroupHeading] = [
        GroupHeading(
            Text("Weeks from ", source.moment(start or "time zero", "time zero"), ", median and quartiles")
        )
    ]
    zero = source.protocol.endpoints[endpoint].from_ or source.protocol.time_zero
    for words, item in (
        (Text("To ", source.moment(zero or "time zero", "time zero")), TO_ZERO),
        (Text("To the first of what sets the groups apart"), TO_TREATMENT),
    ):
        cells = tuple(_weeks(source, group, item) for group in groups)
        rows.append(Row(words, (*cells, Text()), 1))
    rows += _before_landmark(source, groups)
    if any(row.statistic == "rate_ratio" for row in rows_here):
        rows.append(
            GroupHeading(Text("Events per hundred patient-months, counted for those whose treatment"))
        )
    for item, counted in (
        (NAIVE, Text("had begun at any time (biased: counts the time before it)")),
        (BY_TIME, Text("had begun by then (from its begin on)")),
        (LANDMARK, Text("had begun by the landmark at ", by_then, ", from there on")),
    ):
        if f"{IMMORTAL}/{item}/rate_ratio" not in source.results:
            continue
        cells = tuple(_rate(source, group, item) for group in groups)
        rows.append(Row(counted, (*cells, source.decimals(f"{IMMORTAL}/{item}/rate_ratio", 2)), 1))
    note = Text(
        "Whoever begins a treatment later has lived without the event until then. The first way counts that time for the treatment and "
        "makes any treatment look good; how far it lies from the others is the size of the bias."
    )
    return [
        Table("table-immortal-time", Text("Time before the treatment"), columns, tuple(rows), (note,)),
    ]


def _weeks(source: Source, group: str, item: str) -> Text:
    here = f"{IMMORTAL}/{group}/{item}"
    n = Text(" (", source.count(f"{here}/n_known"), " subjects)")
    if source.results[f"{here}/median"].value is None:
        return source.decimals(f"{here}/median", 1)
    quartiles = source.interval(source.decimals(f"{here}/q1", 1), source.decimals(f"{here}/q3", 1))
    return Text(source.decimals(f"{here}/median", 1), " ", quartiles, n)


def _before_landmark(source: Source, groups: list[str]) -> list[Row | GroupHeading]:
    found = [row for row in source.results.of(IMMORTAL) if row.statistic == "n_events_before"]
    if not found:
        return []
    time = time_key(found[0].time or 0)
    cells = tuple(
        Text(
            source.count(f"{IMMORTAL}/{group}/{LANDMARK}/{time}/n_events_before"), " with the event, ",
            source.count(f"{IMMORTAL}/{group}/{LANDMARK}/{time}/n_others_before"), " otherwise",
        )
        for group in groups
    )  # fmt: skip
    return [Row(Text("Gone before the landmark, by the group assigned"), (*cells, Text()))]


def _rate(source: Source, group: str, item: str) -> Text:
    here = f"{IMMORTAL}/{group}/{item}"
    if f"{here}/n_events" not in source.results:
        return Text("—")
    return Text(
        source.count(f"{here}/n_events"), " in ", source.count(f"{here}/person_days"), " days: ",
        source.decimals(f"{here}/event_rate", 2),
    )  # fmt: skip


def biased_callout(source: Source, name: str, title: str) -> Callout:
    """Said above what is shown only to tell how wrong it is."""
    return Callout(
        "warning",
        Text("Biased: ", source.setting(name, "title", title)),
        (
            Text(
                "Time counts for a group before its treatment had begun. No conclusion may rest on what follows; it is here so that the "
                "size of the bias can be seen."
            ),
        ),
    )


# --- between two examinations -------------------------------------------------------------------------------------------


def render_interval_table(source: Source, name: str, analysis: IntervalCensored) -> Table:
    """Risks by Turnbull's curve at the reading times, and how far examinations lay apart."""
    levels = levels_shown(source, analysis.by)
    columns = [Column(Text("Group"), "left"), Column(Text("Subjects")), Column(Text("Events"))]
    columns += [Column(Text("Risk by ", source.setting(name, "read at", at))) for at in analysis.read_at]
    columns.append(Column(Text("Days between examinations around events")))
    title = Text(source.setting(name, "title", analysis.title))
    if f"{name}/risk" in source.results:
        return Table(table_id(name), title, tuple(columns), (), (source.percent(f"{name}/risk"),))
    rows = []
    for level in levels:
        here = f"{name}/{level}" if level else name
        cells = (
            source.count(f"{here}/n_subjects"),
            source.count(f"{here}/n_events"),
            *(_between(source, at_id(name, level, at)) for at in analysis.read_at),
            _width(source, f"{here}/interval"),
        )
        rows.append(Row(group_words(source, analysis.by, level), cells))
    for pair in pairs_compared(source.protocol, analysis.by) if analysis.by else []:
        cells = (
            Text(),
            Text(),
            *(difference_cell(source, name, pair, at) for at in analysis.read_at),
            Text(),
        )
        rows.append(Row(Text("Difference: ", pair_words(source, str(analysis.by), pair, "less")), cells))
    note = Text(
        "The event lies after the last examination without it and not after the first with it (Turnbull); who had something else first is "
        "followed to the last examination. In brackets ", confidence_words(source, name, analysis.confidence),
        " limits from ", source.setting(name, "resamples", analysis.resamples),
        " samples of subjects; of the days median and quartiles. Groups that are examined differently are found out differently.",
    )  # fmt: skip
    notes = (note, *counted_from(source, name, analysis))
    return Table(table_id(name), title, tuple(columns), tuple(rows), notes)


def _between(source: Source, here: str) -> Text:
    if source.results[f"{here}/risk"].value is not None:
        return share_cell(source, here, "risk")
    if source.results[f"{here}/risk_least"].value is None:
        return source.percent(f"{here}/risk_least")
    if source.results[f"{here}/risk_most"].value is None:
        return Text(source.percent(f"{here}/risk_most"), "; at least ", source.percent(f"{here}/risk_least"))
    return Text(source.percent(f"{here}/risk_least"), " to ", source.percent(f"{here}/risk_most"))


def _width(source: Source, here: str) -> Text:
    if source.results[f"{here}/median"].value is None:
        return source.count(f"{here}/median")
    return Text(
        source.count(f"{here}/median"), " ",
        source.interval(source.count(f"{here}/q1"), source.count(f"{here}/q3")),
    )  # fmt: skip


# --- strategies ---------------------------------------------------------------------------------------------------------


def render_emulated_table(source: Source, name: str, analysis: CloneCensorWeight) -> Table:
    """The risk under each strategy, had everybody followed it, and what the weights cost."""
    title = Text(source.setting(name, "title", analysis.title))
    columns = (
        Column(Text("Strategy"), "left"),
        Column(Text("Did so in fact")),
        Column(Text("Risk")),
        Column(Text("Left the strategy")),
        Column(Text("Information left")),
        Column(Text("Largest weight")),
    )
    if f"{name}/estimate" in source.results:
        return Table(table_id(name), title, columns, (), (source.decimals(f"{name}/estimate", 1),))
    rows: list[Row | GroupHeading] = []
    for pair in pairs_compared(source.protocol, analysis.by):
        for at in analysis.read_at:
            rows.append(GroupHeading(Text("By ", source.setting(name, "read at", at))))
            for level, words in zip(reversed(pair), ("Do not begin: ", "Begin: "), strict=True):
                rows.append(_strategy(source, name, level, words, at_id(name, level, at)))
            label = Text("Difference: ", pair_words(source, analysis.by, pair, "less"))
            cell = share_cell(source, f"{name}/{minus(*pair)}/{time_key(at.amount)}", "difference")
            rows.append(Row(label, (Text(), cell, Text(), Text(), Text()), 1))
    notes = (
        Text(
            "Everybody follows both strategies until leaving one: without the treatment at the end of the grace period of ",
            source.setting(name, "grace", analysis.grace), ", or with its begin before. Did so in fact counts a begin at any time, also after it. Who remains is weighted to stand for who left. In brackets ",
            confidence_words(source, name, analysis.confidence), " limits from ", source.setting(name, "resamples", analysis.resamples),
            " samples of subjects, each with models of its own.",
        ),
        Text(
            source.count(f"{name}/n_analysed"), " subjects analysed; left out for want of a covariate are ",
            *(facts_lacking(source, name) or ["none"]), ".",
        ),
        *counted_from(source, name, analysis),
    )  # fmt: skip
    return Table(table_id(name), title, columns, tuple(rows), notes)


def _strategy(source: Source, name: str, level: str, words: str, here: str) -> Row:
    label = Text(words, source.level(GROUPS, level))
    began = source.count(f"{name}/{level}/n_subjects")
    if source.results[f"{here}/risk"].value is None:
        return Row(label, (began, source.percent(f"{here}/risk"), Text("—"), Text("—"), Text("—")), 1)
    cells = (
        began,
        share_cell(source, here, "risk", "risk_"),
        source.count(f"{here}/n_left"),
        Text(source.decimals(f"{here}/effective_size", 1), " of ", source.count(f"{here}/n_after_grace")),
        source.decimals(f"{here}/largest_weight", 2),
    )
    return Row(label, cells, 1)
