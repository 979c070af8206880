"""Tables of a measurement by visit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from trialwright.analysis.by_visit import TIMES_BASELINE, UNTIL, unit_of, visit_name
from trialwright.analysis.survival_rows import minus
from trialwright.protocol.analyses import VisitSummary
from trialwright.protocol.categories import levels_of, pairs_compared, unit_words
from trialwright.protocol.model import Endpoint
from trialwright.reports.blocks import Column, GroupHeading, Row, Table, Text
from trialwright.reports.estimate_cells import pair_words
from trialwright.reports.limited_cells import ABOUT_LIMITED, mean_cell, median_cell, stands_for
from trialwright.reports.printed import Source
from trialwright.reports.survival_tables import table_id
from trialwright.vocabulary.durations import Duration


def render_visit_table(source: Source, name: str, analysis: VisitSummary) -> Table:
    """One row a group under each visit: who has a value, its mean and median, the change, and the difference of changes."""
    endpoint = source.protocol.endpoints[analysis.endpoint]
    levels: list[str | None] = [None] if analysis.by is None else [*levels_of(source.protocol, analysis.by)]
    measured = unit_words(source.protocol, endpoint.of or "")
    unit = unit_of(endpoint, measured[0] if measured else None)
    value = Text(source.said(unit, f"endpoints.{analysis.endpoint}.scale")) if unit else Text("Value")
    change = Text(f"Change, {TIMES_BASELINE}" if endpoint.scale == "ratio" else "Change")
    after = (Column(Text("After an event")),) if _until(endpoint) else ()
    columns = (
        Column(Text("Visit and group"), "left"),
        Column(Text("With a value")),
        Column(Text("Without")),
        *after,
        Column(Text("Beyond the assay")),
        Column(Text("Mean (SD)"), under=value),
        Column(Text("Median (quartiles)"), under=value),
        Column(Text("With both"), under=change),
        Column(Text("Mean (SD)"), under=change),
        Column(Text("Median (quartiles)"), under=change),
    )
    rows: list[Row | GroupHeading] = []
    for visit in (None, *endpoint.read_at):
        rows.append(GroupHeading(_visit(source, analysis.endpoint, visit)))
        rows += [_row(source, name, analysis, level, visit) for level in levels]
        if visit is not None and analysis.by:
            rows += _differences(source, name, analysis, visit)
    return Table(
        table_id(name), Text(source.setting(name, "title", analysis.title)), columns, tuple(rows),
        tuple(_notes(source, name, analysis)),
    )  # fmt: skip


def _visit(source: Source, endpoint: str, visit: Duration | None) -> Text:
    if visit is None:
        return Text("Baseline")
    return Text(source.said(visit_name(visit), f"endpoints.{endpoint}.read at"))


def _row(source: Source, name: str, analysis: VisitSummary, level: str | None, visit: Duration | None) -> Row:
    here = "/".join(part for part in (name, level, visit_name(visit)) if part)
    after = (
        (source.count(f"{here}/n_after_event"),)
        if _until(source.protocol.endpoints[analysis.endpoint])
        else ()
    )
    beyond = Text(source.count(f"{here}/n_below"), " below, ", source.count(f"{here}/n_above"), " above")
    printed = partial(source.decimals, digits=2)
    cells = [
        source.count(f"{here}/n"),
        source.count(f"{here}/n_missing"),
        *after,
        beyond,
        mean_cell(source, here, printed),
        median_cell(source, here, printed),
    ]
    cells += (
        [Text(), Text(), Text()]
        if visit is None
        else [
            source.count(f"{here} change/n"),
            mean_cell(source, f"{here} change", printed),
            median_cell(source, f"{here} change", printed),
        ]
    )
    label = Text("All") if level is None else Text(source.level(analysis.by or "", level))
    return Row(label, tuple(cells), indent=1)


def _differences(source: Source, name: str, analysis: VisitSummary, visit: Duration) -> Iterator[Row]:
    for pair in pairs_compared(source.protocol, analysis.by):
        here = f"{name}/{visit_name(visit)}: {minus(*pair)}"
        found = source.decimals(f"{here}/difference", 2)
        if source.results[f"{here}/difference"].value is not None:
            low, high = (source.decimals(f"{here}/{limit}", 2) for limit in ("conf_low", "conf_high"))
            found = Text(found, " ", source.interval(low, high))
        label = Text("Difference: ", pair_words(source, analysis.by or "", pair, "less"))
        blank = tuple(Text() for _ in range(7 if _until(source.protocol.endpoints[analysis.endpoint]) else 6))
        yield Row(label, (*blank, found, Text()), indent=1)


def _notes(source: Source, name: str, analysis: VisitSummary) -> Iterator[Text]:
    endpoint = source.protocol.endpoints[analysis.endpoint]
    start = endpoint.from_ or source.protocol.time_zero
    if start and endpoint.read_at:
        path = f"endpoints.{analysis.endpoint}.from" if endpoint.from_ else "time zero"
        yield Text(
            "Visits count from ",
            source.moment(start, path),
            "; the result nearest to the day of each counts.",
        )
    if disputed := _disputed(source, name, analysis):
        yield Text(
            "Without a value because results of one day differ, and nobody can tell which holds: ",
            *disputed,
            ".",
        )
    if until := _until(endpoint):
        path = f"endpoints.{analysis.endpoint}.estimand.intercurrent events"
        named = [piece for words in until for piece in (", ", source.said(words, path))][1:]
        yield Text(
            "Nothing counts after ",
            *named,
            ": these subjects stand under “after an event”, the others without a value under “without”.",
        )
    if counts_as := stands_for(source, endpoint.of or ""):
        yield Text(*counts_as, ", in means. ", ABOUT_LIMITED)
    if analysis.by:
        yield Text(
            "Differences are of mean changes, with ", source.setting(name, "confidence", f"{100 * analysis.confidence:g} %"),
            " confidence limits that do not take the spread to be equal, of those with a value."
            + ("" if source.protocol.study.allocation == "randomised"
               else " The groups were not made by chance; a difference is not the effect of treatment."),
        )  # fmt: skip


def _until(endpoint: Endpoint) -> list[str]:
    """The events after which nothing counts, as the estimand names them."""
    told = endpoint.estimand.intercurrent_events if endpoint.estimand else {}
    return [words for words, strategy in told.items() if strategy == UNTIL]


def _disputed(source: Source, name: str, analysis: VisitSummary) -> list[Text | str]:
    """At which visit, in which group, how many have no value because theirs of a day differ."""
    endpoint = source.protocol.endpoints[analysis.endpoint]
    levels: list[str | None] = [None] if analysis.by is None else [*levels_of(source.protocol, analysis.by)]
    told: list[Text | str] = []
    for visit in endpoint.read_at:
        for level in levels:
            id_ = "/".join(part for part in (name, level, visit_name(visit), "n_conflict") if part)
            if source.results[id_].value:
                group = () if level is None else (", ", source.level(analysis.by or "", level))
                told += [
                    ", " if told else "",
                    Text(_visit(source, analysis.endpoint, visit), *group, ": ", source.count(id_)),
                ]
    return told
