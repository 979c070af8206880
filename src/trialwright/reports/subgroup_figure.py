"""Hazard ratios of the groups within subgroups: a table with counts, and the same as a forest."""

from __future__ import annotations

from collections.abc import Iterator

from trialwright.analysis.subgroups import NOT_TESTED, Part, parts_of
from trialwright.protocol.analyses import Subgroups
from trialwright.protocol.categories import levels_of, pairs_compared, unit_words
from trialwright.reports.blocks import Block, Column, Figure, GroupHeading, Row, Table, Text
from trialwright.reports.estimate_cells import (
    confidence_words,
    descriptive_note,
    levels_shown,
    pair_words,
    ratio_with_limits,
    shows_p,
)
from trialwright.reports.figures import ForestRow, forest_figure
from trialwright.reports.printed import Source
from trialwright.reports.survival_tables import table_id


def render_subgroups(source: Source, name: str, analysis: Subgroups) -> list[Block]:
    """The table, and for each pair of groups a forest where any ratio could be estimated."""
    figures = (_forest(source, name, analysis, pair) for pair in pairs_compared(source.protocol, analysis.by))
    return [_table(source, name, analysis), *(figure for figure in figures if figure)]


def _id(name: str, level: str | None, item: str | None) -> str:
    return "/".join(part for part in (name, level, item) if part is not None)


def _table(source: Source, name: str, analysis: Subgroups) -> Table:
    levels = [level for level in levels_shown(source, analysis.by) if level is not None]
    pairs = pairs_compared(source.protocol, analysis.by)
    columns = (
        Column(Text("Subgroup"), "left"),
        *(
            Column(Text(source.level(analysis.by, level)), under=Text("Events of subjects"))
            for level in levels
        ),
        *(
            Column(pair_words(source, analysis.by, pair, "over"), under=Text("Hazard ratio"))
            for pair in pairs
        ),
    )

    def row(label: Text, item: str | None, indent: int) -> Row:
        counts = (_events(source, _id(name, level, item)) for level in levels)
        ratios = (ratio_with_limits(source, _id(name, other, item), "hazard_ratio") for other, _ in pairs)
        return Row(label, (*counts, *ratios), indent=indent)

    rows: list[Row | GroupHeading] = [row(Text("All"), None, 0)]
    for fact in analysis.facts:
        rows.append(GroupHeading(_heading(source, name, fact)))
        rows += [
            row(_part(source, name, part), part.item, 1) for part in parts_of(source.protocol, analysis, fact)
        ]
    return Table(
        table_id(name),
        Text(source.setting(name, "title", analysis.title)),
        columns,
        tuple(rows),
        tuple(_notes(source, name, analysis)),
    )


def _events(source: Source, here: str) -> Text:
    return Text(source.count(f"{here}/n_events"), " of ", source.count(f"{here}/n_subjects"))


def _heading(source: Source, name: str, fact: str) -> Text:
    unknown = f"{name}/{fact}/n_without_fact"
    if not source.results[unknown].value:
        return Text(source.heading(fact))
    return Text(source.heading(fact), " (not known of ", source.count(unknown), ")")


def _part(source: Source, name: str, part: Part) -> Text:
    if levels_of(source.protocol, part.fact):
        return Text(source.level(part.fact, part.words))
    unit = unit_words(source.protocol, part.fact)
    words = source.setting(name, f"cuts.{part.fact}", part.words)
    return Text(words, " ", source.said(*unit)) if unit else Text(words)


def _notes(source: Source, name: str, analysis: Subgroups) -> Iterator[Text]:
    yield Text(
        "In brackets ", confidence_words(source, name, analysis.confidence), " confidence limits, each for itself: of many "
        "subgroups some differ by chance alone. Within a subgroup the groups are compared as they are, without adjustment.",
    )  # fmt: skip
    tested = [fact for fact in analysis.facts if source.results[f"{name}/{fact}/interaction_p_value"].note != NOT_TESTED]  # fmt: skip
    if not tested:
        yield Text(
            "Whether the ratios differ between subgroups was not tested: the plan does not register this analysis."
        )
        return
    if shows_p(source, analysis):
        for fact in tested:
            yield Text(
                "Do the ratios differ by ", source.fact(fact), "? ", _interaction(source, f"{name}/{fact}")
            )
        yield from descriptive_note(source)


def _interaction(source: Source, here: str) -> Text:
    if source.results[f"{here}/interaction_p_value"].value is None:
        return Text("Not tested: ", source.p_value(f"{here}/interaction_p_value"), ".")
    return Text(
        "Likelihood ratio ", source.decimals(f"{here}/interaction_chi_squared", 1), " on ",
        source.degrees_of_freedom(f"{here}/interaction_df"), ", ", source.p_equals(f"{here}/interaction_p_value"), ".",
    )  # fmt: skip


def _forest(source: Source, name: str, analysis: Subgroups, pair: tuple[str, str]) -> Figure | None:
    """The ratios of a pair as a picture, with events and subjects of both groups behind each label.

    Subgroups with nobody stand in the table alone.
    """
    rows: list[ForestRow | str] = [_line(source, name, pair, "All", None)]
    for fact in analysis.facts:
        rows.append(source.heading(fact).text)
        rows += [
            _line(source, name, pair, _part(source, name, part).plain, part.item)
            for part in parts_of(source.protocol, analysis, fact)
            if any(source.results[f"{_id(name, level, part.item)}/n_subjects"].value for level in pair)
        ]
    if not any(not isinstance(row, str) and row["estimate"] is not None for row in rows):
        return None
    suffix = (
        f"-{pair[0].replace('_', '-').lower()}"
        if len(pairs_compared(source.protocol, analysis.by)) > 1
        else ""
    )
    return forest_figure(
        rows,
        figure_id=f"figure-{name.replace('_', '-')}{suffix}",
        title=Text(source.setting(name, "title", analysis.title), ": ", pair_words(source, analysis.by, pair, "over")),
        alt=Text("Forest plot of the hazard ratios in the table above, each with its confidence interval."),
        estimate_title="Hazard ratio",
        caption=Text(
            "Right of the line the hazard is higher, left of it lower. In brackets events of subjects, the other group last."
        ),
    )  # fmt: skip


def _line(source: Source, name: str, pair: tuple[str, str], label: str, item: str | None) -> ForestRow:
    here = _id(name, pair[0], item)
    limits = {
        part: source.results[f"{here}/{part}"].value for part in ("hazard_ratio", "conf_low", "conf_high")
    }
    counts = ", ".join(_events(source, _id(name, level, item)).plain for level in pair)
    return {
        "label": f"{label} ({counts})",
        "estimate": limits["hazard_ratio"],
        "conf_low": limits["conf_low"],
        "conf_high": limits["conf_high"],
        "printed": ratio_with_limits(source, here, "hazard_ratio").plain,
        "ref": f"result:{here}/hazard_ratio",
    }
