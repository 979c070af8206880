"""Tables of rates and responses: as the protocol counts, and what those could make of it who could not be judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trialwright.analysis.proportions import READINGS, RESPONSES, UNDECIDED, is_confirmed, reading_of
from trialwright.analysis.survival_rows import minus, over
from trialwright.protocol.analyses import Proportion
from trialwright.protocol.categories import pairs_compared
from trialwright.protocol.model import Design
from trialwright.reports.blocks import Block, Column, GroupHeading, Row, Table, Text
from trialwright.reports.estimate_cells import group_words, levels_shown, pair_words, ratio_with_limits
from trialwright.reports.printed import Source
from trialwright.reports.survival_tables import table_id
from trialwright.vocabulary.verdicts import Reason

_LABELS = {
    "without event": "As observed: whoever could not be judged counts without",
    "with event": "Highest possible: whoever could not be judged counts with",
    "left out": "Among those judged: the others are left out",
}


def render_rates(source: Source, name: str, analysis: Proportion) -> list[Block]:
    """The table of a rate; of a response also how many had which best response."""
    tables: list[Block] = [render_rate_table(source, name, analysis)]
    if source.protocol.endpoints[analysis.endpoint].kind == "best response":
        tables.append(render_best_responses(source, name, analysis))
    return tables


def render_rate_table(source: Source, name: str, analysis: Proportion) -> Table:
    """The estimate as the protocol counts, the other ways to count below it, and who was looked at."""
    levels = levels_shown(source, analysis.by)
    columns = [Column(Text("How it is counted"), "left")]
    columns += [Column(group_words(source, analysis.by, level)) for level in levels]
    pairs = _pairs(source, analysis)
    for compared in pairs:
        pair = pair_words(source, analysis.by or "", compared, "and")
        columns += [Column(Text("Difference"), under=pair), Column(Text("Ratio"), under=pair)]
    chosen = reading_of(analysis, source.protocol.endpoints[analysis.endpoint])
    rows: list[Row | GroupHeading] = [
        Row(
            Text(
                "As the protocol counts; who could not be judged: ",
                source.setting(name, "unassessed", chosen),
            ),
            _cells(source, name, analysis, levels, None),
        )
    ]
    rows += [
        Row(Text(_LABELS[reading]), _cells(source, name, analysis, levels, reading))
        for reading in READINGS
        if reading != chosen
    ]
    if is_confirmed(source.protocol.endpoints[analysis.endpoint]):
        cells = tuple(_estimate(source, analysis, name, level, "unconfirmed") for level in levels)
        rows.append(Row(Text("Without confirmation"), (*cells, *(Text() for _ in pairs for _ in range(2)))))
    rows += _looked_at(source, name, analysis, levels, 2 * len(pairs))
    return Table(
        table_id(name), Text(source.setting(name, "title", analysis.title)), tuple(columns), tuple(rows),
        tuple(_notes(source, name, analysis, levels)),
    )  # fmt: skip


def render_rates_at_a_glance(source: Source, rates: Sequence[tuple[str, Proportion]]) -> Table:
    """Of every registered rate the estimate and its highest possible value."""
    columns = (
        Column(Text("Endpoint and group"), "left"),
        Column(Text("As the protocol counts")),
        Column(Text("Could not be judged")),
        Column(Text("If all of these had it")),
        Column(Text("Without it so far, time not over")),
    )
    rows: list[Row | GroupHeading] = []
    for name, analysis in rates:
        rows.append(GroupHeading(Text(source.endpoint(analysis.endpoint))))
        for level in levels_shown(source, analysis.by):
            cells = (
                _estimate(source, analysis, name, level, None),
                source.count(f"{_here(name, level)}/n_unknown"),
                _estimate(source, analysis, name, level, "with event"),
                _count_or_none(source, f"{_here(name, level)}/n_not_over"),
            )
            rows.append(Row(group_words(source, analysis.by, level), cells))
    note = Text(
        "In brackets confidence limits; how they were made is said with each table. Whose time is not over counts without."
    )
    return Table("table-rates-at-a-glance", Text("Rates and responses"), columns, tuple(rows), (note,))


def render_best_responses(source: Source, name: str, analysis: Proportion) -> Table:
    """Subjects with each best response, confirmed and without confirmation."""
    confirmed = is_confirmed(source.protocol.endpoints[analysis.endpoint])
    shown = (
        [("best", "Confirmed"), ("unconfirmed best", "Without confirmation")] if confirmed else [("best", "")]
    )
    levels = levels_shown(source, analysis.by)
    columns = [Column(Text("Best overall response"), "left")]
    for _, words in shown:
        columns += [
            Column(group_words(source, analysis.by, level), under=Text(words) if words else Text())
            for level in levels
        ]
    rows = []
    for response in (*RESPONSES, UNDECIDED):
        places = [f"{_here(name, level)}/{item}={response}" for item, _ in shown for level in levels]
        if response != UNDECIDED or any(source.results[f"{place}/count"].value for place in places):
            cells = [_share(source, place, "count") for place in places]
            rows.append(Row(Text(response), tuple(cells)))
    told = "NE: what was assessed gives no best response (nothing could be evaluated, stable too early, or assessments of one day differ). MISSING: no assessment that counts. "
    if len(rows) > len(RESPONSES):
        told += f"{UNDECIDED}: there are assessments, and nobody can tell which response they give (no reader is the accepted one, or a date is not known). "
    note = Text(f"{told}They count among those who could not be judged.")
    title = Text("Best overall response: ", source.setting(name, "title", analysis.title))
    return Table(f"{table_id(name)}-best", title, tuple(columns), tuple(rows), (note,))


# --- parts --------------------------------------------------------------------------------------------------------------


def _here(name: str, level: str | None, item: str | None = None) -> str:
    return "/".join(part for part in (name, level, item) if part is not None)


def _pairs(source: Source, analysis: Proportion) -> list[tuple[str, str]]:
    return pairs_compared(source.protocol, analysis.by) if analysis.per == "subjects" else []


def _cells(
    source: Source, name: str, analysis: Proportion, levels: list[str | None], reading: str | None
) -> tuple[Text, ...]:
    cells = [_estimate(source, analysis, name, level, reading) for level in levels]
    for pair in _pairs(source, analysis):
        for words, statistic in ((minus, "difference"), (over, "ratio")):
            item = words(*pair) + (f", {reading}" if reading else "")
            cells.append(_comparison(source, f"{name}/{item}", statistic))
    return tuple(cells)


def _estimate(source: Source, analysis: Proportion, name: str, level: str | None, item: str | None) -> Text:
    here = _here(name, level, item)
    statistic = "event_rate" if analysis.per == "patient-months" else "proportion"
    if source.results[f"{here}/{statistic}"].value is None:
        return source.percent(f"{here}/{statistic}")
    if statistic == "proportion":
        limits = source.interval(
            source.percent_bare(f"{here}/conf_low"), source.percent_bare(f"{here}/conf_high")
        )
        return Text(
            source.count(f"{here}/n_events"), " of ", source.count(f"{here}/n_subjects"), ": ",
            source.percent(f"{here}/proportion"), " ", limits,
        )  # fmt: skip
    limits = source.interval(source.decimals(f"{here}/conf_low", 2), source.decimals(f"{here}/conf_high", 2))
    return Text(
        source.count(f"{here}/n_events"), " in ", source.decimals(f"{here}/patient_months", 1), " months: ",
        source.decimals(f"{here}/event_rate", 2), " ", limits,
    )  # fmt: skip


def _comparison(source: Source, here: str, statistic: str) -> Text:
    if statistic == "ratio":
        return ratio_with_limits(source, here, statistic)
    estimate = source.percent(f"{here}/{statistic}")
    if source.results[f"{here}/{statistic}"].value is None:
        return estimate
    limits = (source.percent_bare(f"{here}/{limit}") for limit in ("conf_low", "conf_high"))
    return Text(estimate, " ", source.interval(*limits))


def _share(source: Source, here: str, statistic: str) -> Text:
    if source.results[f"{here}/proportion"].value is None:
        return source.percent(f"{here}/proportion")
    return Text(source.count(f"{here}/{statistic}"), " (", source.percent(f"{here}/proportion"), ")")


_SEEN = (
    ("n_unknown", "Could not be judged", 0),
    *((f"{reason.value}/n_unknown", reason.value, 1) for reason in Reason),
    ("n_looked", "Looked for at least once", 0),
    ("n_complete", "Followed to the end of the time that counts", 0),
    ("n_not_over", "Without the event so far, and the time that counts is not over", 0),
    ("n_lost", "Without the event, and died, left or lost before the time that counts was over", 0),
    ("n_measurable", "Event within the limits of the assay", 0),
    ("n_not_measurable", "Event above what the assay can measure", 0),
    ("n_measurable_unknown", "Nobody knows whether it could be measured", 0),
)


def _looked_at(
    source: Source, name: str, analysis: Proportion, levels: list[str | None], n_blank: int
) -> Iterator[Row | GroupHeading]:
    """Who could not be judged and why, who was looked at, and in whom the event could be measured at all."""
    yield GroupHeading(Text("Who was judged, subjects"))
    for key, words, indent in _SEEN:
        ids = [f"{_here(name, level)}/{key}" for level in levels]
        if not any(id_ in source.results for id_ in ids):
            continue
        cells = [_count_or_none(source, id_) for id_ in ids]
        yield Row(Text(words), (*cells, *(Text() for _ in range(n_blank))), indent=indent)
    if analysis.by and source.results[f"{name}/{analysis.by}/n_without_fact"].value:
        counted = source.count(f"{name}/{analysis.by}/n_without_fact")
        blank = tuple(Text() for _ in range(len(levels) - 1 + n_blank))
        yield Row(Text("In no group, and counted nowhere above"), (counted, *blank))


def _count_or_none(source: Source, id_: str) -> Text:
    return source.count(id_) if id_ in source.results else Text("—")


def _notes(source: Source, name: str, analysis: Proportion, levels: list[str | None]) -> Iterator[Text]:
    confidence = source.setting(name, "confidence", f"{100 * analysis.confidence:g} %")
    if analysis.sides == 1:
        yield Text("In brackets ", confidence, " limits, each one-sided and for itself, by an exact method.")
    else:
        yield Text("In brackets ", confidence, " confidence limits by an exact method.")
    if analysis.per == "subjects" and len(levels) > 1:
        sided = "two-sided " if analysis.sides == 1 else ""
        yield Text(
            f"Differences are in percentage points, with {sided}limits by the method of Newcombe; ratios have theirs on the logarithmic scale."
        )
    if analysis.per == "patient-months":
        yield Text(
            "Events per hundred patient-months. Time ends with the event. Who has no time that counts adds none: ",
            *_each(source, analysis, levels, name, "n_without_time"), ".",
        )  # fmt: skip
    yield from _span(source, analysis)
    if any(_is_going_on(source, _here(name, level)) for level in levels):
        yield Text(
            "Whose time is not over counts without in every line above: the shares are those of an earlier time, and what still happens raises them."
            if analysis.per == "subjects"
            else "Whose time is not over counts with the time up to when last seen."
        )
    for level in levels:
        here = _here(name, level)
        if source.results[f"{here}/n_met"].value == 0 and source.results[f"{here}/n_met"].n:
            yield _nothing_seen(source, analysis, here, level)
    if analysis.by is None and source.protocol.endpoints[analysis.endpoint].kind == "rate":
        yield _reference(source, analysis)
    elif analysis.by and source.protocol.study.allocation != "randomised":
        yield Text(
            "The groups were not made by chance. A difference between them may come from what they differed in before, and is "
            "not the effect of treatment."
        )


def _each(
    source: Source, analysis: Proportion, levels: list[str | None], name: str, statistic: str
) -> Iterator[Text | str]:
    for i, level in enumerate(levels):
        yield ", " if i else ""
        if level is not None:
            yield Text(group_words(source, analysis.by, level), " ")
        yield source.count(f"{_here(name, level)}/{statistic}")


def _nothing_seen(source: Source, analysis: Proportion, here: str, level: str | None) -> Text:
    """What no event leaves open: only those judged exclude anything, however the others are counted."""
    limit = f"{here}/left out/conf_high"
    whom = () if level is None else (" in the group ", source.level(analysis.by or "", level))
    if source.results[limit].value is None:
        return Text("No event was seen", *whom, ", and that excludes nothing: ", source.percent(limit), ".")
    printed = (
        Text(source.decimals(limit, 2), " per hundred patient-months")
        if analysis.per == "patient-months"
        else source.percent(limit)
    )
    so_far = (
        (" of the time seen so far",) if _is_going_on(source, here) and analysis.per == "subjects" else ()
    )
    return Text(
        "No event was seen", *whom, ", in ", source.count(f"{here}/left out/n_subjects"), " subjects who were judged. This "
        "excludes, with the confidence said above, rates", *so_far, " higher than ", printed, ", and no lower ones.",
    )  # fmt: skip


def _is_going_on(source: Source, here: str) -> bool:
    """Whether the time in which the event counts is not over for somebody without it."""
    id_ = f"{here}/n_not_over"
    return id_ in source.results and bool(source.results[id_].value)


def _span(source: Source, analysis: Proportion) -> Iterator[Text]:
    """From when to when an event counts, in the words of the protocol."""
    endpoint = source.protocol.endpoints[analysis.endpoint]
    here = f"endpoints.{analysis.endpoint}"
    if endpoint.kind != "rate" or endpoint.during is None:
        return
    frame = source.said(endpoint.time_frame, f"{here}.time frame") if endpoint.time_frame else None
    limit = (", and for no longer than ", frame) if frame else ()
    yield Text("The event counts: ", source.span(endpoint.during, f"{here}.during"), *limit, ".")


def _reference(source: Source, analysis: Proportion) -> Text:
    """What the rate may be held against: what the protocol states, what its design assumes instead, or nothing."""
    design = source.protocol.design
    here = design if design is not None and design.endpoint == analysis.endpoint else None
    if here is not None and here.reference_rate is not None:
        rate = source.said(f"{100 * here.reference_rate:g} %", "design.reference rate")
        return Text("The protocol holds it against a reference rate of ", rate, ".")
    return Text(
        "The protocol states no reference rate for this endpoint", *_assumed_rate(source, here), ": the table does not tell "
        "whether the event is rarer or more frequent than without the treatment.",
    )  # fmt: skip


def _assumed_rate(source: Source, design: Design | None) -> tuple[Text, ...]:
    """The rate that the design assumes where none is stated; nothing where it assumes none."""
    name = design.rests_on.reference_rate if design is not None and design.rests_on is not None else None
    if name is None:
        return ()
    value = source.protocol.assumptions[name].value
    printed = f"{100 * value:g} %" if isinstance(value, float) else value
    assumed = source.said(printed, f"assumptions.{name}")
    return (Text("; ", assumed, " is what its design assumes"),)
