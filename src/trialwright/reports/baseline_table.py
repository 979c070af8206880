"""The baseline table: one row a number or level, one column a group, and how far apart the groups are."""

from __future__ import annotations

from collections.abc import Iterator

from trialwright.analysis.baseline import BEYOND
from trialwright.protocol.analyses import BaselineTable
from trialwright.protocol.categories import levels_of, pairs_compared, unit_words
from trialwright.reports.blocks import Column, GroupHeading, Mark, Row, Strong, Table, Text
from trialwright.reports.limited_cells import ABOUT_LIMITED, mean_cell, median_cell, stands_for
from trialwright.reports.printed import Source


def render_baseline_table(source: Source, name: str, analysis: BaselineTable) -> Table:
    """All together, then every group, then the standardised difference of each from the one it is compared with."""
    levels = list(levels_of(source.protocol, analysis.by)) if analysis.by else []
    columns = [Column(Text("Characteristic"), "left"), _group_column(source, name, Text("All"), None)]
    columns += [
        _group_column(source, name, Text(source.level(analysis.by or "", level)), level) for level in levels
    ]
    pairs = pairs_compared(source.protocol, analysis.by)
    columns += [
        Column(
            Text("SMD", Mark("a"), *((" ", source.level(analysis.by or "", level)) if len(pairs) > 1 else ()))
        )
        for level, _ in pairs
    ]
    rows: list[Row | GroupHeading] = []
    for variable in analysis.variables:
        rows += _variable_rows(source, name, variable, [None, *levels], [level for level, _ in pairs])
    notes: list[Text] = [
        *([_about_differences(source, analysis.by, pairs[0][1])] if analysis.by and pairs else []),
        Text(
            "Numbers are mean (standard deviation) and median (quartiles), categories count (share of those known)."
        ),
    ]
    notes += _about_limited(source, name, analysis)
    without = [
        row for row in source.results.of(name) if row.statistic == "standardised_difference" and row.note
    ]
    notes += [
        Text(
            "No standardised difference of ",
            source.fact(str(row.item)),
            ": ",
            source.decimals(row.id, 2),
            ".",
        )
        for row in without
    ]
    title = Text(source.setting(name, "title", analysis.title))
    return Table(f"table-{_id(name)}", title, tuple(columns), tuple(rows), tuple(notes))


def _about_differences(source: Source, by: str, first: str) -> Text:
    return Text(
        Mark("a"),
        " Standardised mean difference from ",
        source.level(by, first),
        ", in units of the mean standard deviation of both groups; above ",
        source.said(source.protocol.reporting.balance_limit, "reporting.balance limit"),
        " in bold. It has a sign for numbers only.",
    )


def _id(name: str) -> str:
    return name.replace("_", "-")


def _group_column(source: Source, name: str, title: Text, level: str | None) -> Column:
    return Column(Text(title, " (n = ", source.count(_result(name, level, None, "n_subjects")), ")"))


def _result(name: str, group: str | None, item: str | None, statistic: str | None = None) -> str:
    return "/".join(part for part in (name, group, item, statistic) if part is not None)


def _variable_rows(
    source: Source, name: str, variable: str, groups: list[str | None], compared: list[str]
) -> list[Row | GroupHeading]:
    known, unit = levels_of(source.protocol, variable), unit_words(source.protocol, variable)
    differences = tuple(_difference(source, name, level, variable) for level in compared)
    blank = tuple(Text() for _ in differences)
    n_levels = len(groups)
    if known:
        rows: list[Row | GroupHeading] = [
            Row(Text(source.heading(variable)), (*(Text() for _ in range(n_levels)), *differences))
        ]
        for level in known:
            cells = tuple(_share(source, name, group, f"{variable}={level}") for group in groups)
            rows.append(Row(Text(source.level(variable, level)), (*cells, *blank), indent=1))
    else:
        measured = (", ", source.said(*unit)) if unit else ()
        rows = [
            Row(Text(source.heading(variable), *measured), (*(Text() for _ in range(n_levels)), *differences))
        ]
        means = tuple(mean_cell(source, _result(name, group, variable), source.measured) for group in groups)
        medians = tuple(_median(source, _result(name, group, variable)) for group in groups)
        rows.append(Row(Text("Mean (SD)"), (*means, *blank), indent=1))
        rows.append(Row(Text("Median (quartiles)"), (*medians, *blank), indent=1))
    missing = [_result(name, group, variable, "n_missing") for group in groups]
    if source.results[missing[0]].value:
        rows.append(Row(Text("Unknown"), (*(source.count(id_) for id_ in missing), *blank), indent=1))
    return [*rows, *_limited_rows(source, name, variable, groups, compared)]


def _limited_rows(
    source: Source, name: str, variable: str, groups: list[str | None], compared: list[str]
) -> Iterator[Row]:
    """How many values are not exact, and beside those beyond the assay how far the groups are apart in that."""
    beyond = tuple(_difference(source, name, level, variable, BEYOND) for level in compared)
    for statistic, label in _LIMITED.items():
        counted = [_result(name, group, variable, statistic) for group in groups]
        if counted[0] in source.results and source.results[counted[0]].value:
            apart = beyond if statistic != "n_between" else ()
            blank = tuple(Text() for _ in compared[len(apart) :])
            yield Row(label, (*(source.count(id_) for id_ in counted), *apart, *blank), indent=1)
            beyond = ()


_LIMITED = {
    "n_below": Text("Below the assay", Mark("b")),
    "n_above": Text("Above the assay", Mark("b")),
    "n_between": Text("Between limits"),
}


def _about_limited(source: Source, name: str, analysis: BaselineTable) -> Iterator[Text]:
    """What stands for results beyond the limits of their assays in means, and what quantiles make of values that are not exact."""
    limited = [one for one in analysis.variables if _result(name, None, one, "n_between") in source.results]
    where = ", in means and standardised differences of means." if analysis.by else ", in means."
    beside = (
        (
            " Beside the counts stands the standardised difference of the shares below, within and above what it can measure.",
        )
        if analysis.by
        else ()
    )
    for variable in limited:
        if any(source.results[_result(name, None, variable, side)].value for side in ("n_below", "n_above")):
            yield Text(Mark("b"), " ", *stands_for(source, variable), where, *beside)
    if limited:
        yield Text(ABOUT_LIMITED)


def _share(source: Source, name: str, group: str | None, item: str) -> Text:
    count, share = (_result(name, group, item, statistic) for statistic in ("count", "proportion"))
    if source.results[share].value is None:
        return source.percent(share)
    return Text(source.count(count), " (", source.percent(share), ")")


def _median(source: Source, here: str) -> Text:
    median, q1, q3 = (f"{here}/{statistic}" for statistic in ("median", "q1", "q3"))
    if any(source.results[id_].value is None for id_ in (median, q1, q3)):
        return median_cell(source, here, source.measured)
    return Text(source.measured(median), " (", source.measured(q1), " to ", source.measured(q3), ")")


def _difference(
    source: Source, name: str, group: str | None, item: str, statistic: str = "standardised_difference"
) -> Text:
    id_ = _result(name, group, item, statistic)
    value = source.results[id_].value if id_ in source.results else None
    if value is None:
        return Text("—")
    printed = source.decimals(id_, 2)
    return Text(Strong(printed)) if abs(value) > source.protocol.reporting.balance_limit else printed
