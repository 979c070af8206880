"""Cells of tables that compare groups: risks, differences and ratios with their limits, and when p-values may stand there."""

from __future__ import annotations

from trialwright.analysis.results import time_key
from trialwright.analysis.survival_rows import minus, over
from trialwright.protocol.analyses import AnalysisBase, TimeAnalysis
from trialwright.protocol.categories import levels_of
from trialwright.protocol.compared_groups import goes_by_treatment
from trialwright.protocol.model import Endpoint
from trialwright.reports.blocks import Term, Text
from trialwright.reports.printed import Source, ratio_digits
from trialwright.vocabulary.durations import Duration


def levels_shown(source: Source, by: str | None) -> list[str | None]:
    """The groups of an analysis; None alone for everybody together."""
    return [None] if by is None else [*levels_of(source.protocol, by)]


def group_words(source: Source, by: str | None, level: str | None) -> Text:
    return Text("All") if by is None or level is None else Text(source.level(by, level))


def pair_words(source: Source, by: str, pair: tuple[str, str], joint: str) -> Text:
    return Text(source.short_level(by, pair[0]), f" {joint} ", source.short_level(by, pair[1]))


def confidence_words(source: Source, name: str, level: float) -> Text:
    return Text(source.setting(name, "confidence", f"{100 * level:g} %"))


def limits_words(source: Source, name: str, confidence: float, interval: str, *, compares: bool) -> Text:
    """What the brackets of a table of curves hold, and how it was made; of differences and ratios only where it has them."""
    scale = source.setting(name, "interval", interval)
    others = " for each group; plain for differences, on the log scale for ratios" if compares else ""
    return Text(
        "In brackets ", confidence_words(source, name, confidence), " confidence limits (", scale, others,
        "; none where nobody or everybody had the event, which is no surer for it)",
    )  # fmt: skip


def counts_events(endpoint: Endpoint) -> bool:
    """Whether an endpoint is told as those who had the event; with death among its events it is told as survival."""
    return "death" not in endpoint.time_to and not endpoint.reported


def time_origin(source: Source, name: str, analysis: TimeAnalysis) -> Term | None:
    """The moment from which the times of an analysis count; None where the protocol names none."""
    endpoint = source.protocol.endpoints[analysis.endpoint]
    if analysis.from_:
        return source.moment(analysis.from_, f"analyses.{name}.from")
    if endpoint.from_:
        return source.moment(endpoint.from_, f"endpoints.{analysis.endpoint}.from")
    zero = source.protocol.time_zero
    return source.moment(zero, "time zero") if zero else None


def from_origin(source: Source, name: str, analysis: TimeAnalysis) -> tuple[str | Term, ...]:
    """Behind a time: ` from group assignment`; nothing where the protocol names no moment."""
    origin = time_origin(source, name, analysis)
    return (" from ", origin) if origin else ()


def axis_of_time(source: Source, name: str, analysis: TimeAnalysis) -> str:
    """The title of an axis of time: `Days from group assignment`."""
    unit = (source.protocol.endpoints[analysis.endpoint].unit or "").capitalize()
    return Text(unit, *from_origin(source, name, analysis)).plain


def counted_from(source: Source, name: str, analysis: TimeAnalysis) -> tuple[Text, ...]:
    """From when every time of a table counts, from when on subjects are under watch where that is later, and who is left out."""
    origin = time_origin(source, name, analysis)
    without = (*by_treatment_note(source, analysis), *left_out_notes(source, name))
    if origin is None:
        return without
    watched: tuple[str | Term, ...] = ()
    if analysis.landmark:
        landmark = source.setting(name, "landmark", analysis.landmark)
        watched = (
            ", not from the landmark: who is free of the event ",
            landmark,
            " later is under watch from then on",
        )
    elif analysis.entry:
        watched = (
            "; each is under watch from ",
            source.moment(analysis.entry, f"analyses.{name}.entry"),
            " on",
        )
    return (Text("Times count from ", origin, *watched, "."), *without)


def by_treatment_note(source: Source, analysis: TimeAnalysis) -> tuple[Text, ...]:
    """That groups are those begun, in a trial that was randomised; nothing elsewhere, where no table reads as if they were."""
    if source.protocol.study.allocation != "randomised" or not goes_by_treatment(analysis):
        return ()
    return (
        Text(
            "Groups are of those who began their treatments, ", source.said("not of those randomised to them", "study.allocation"),
            ": a difference is no longer one that chance made.",
        ),
    )  # fmt: skip


def _without_time(source: Source, name: str) -> tuple[Text, ...]:
    """How many of the population have no time in an analysis; nothing where all have."""
    here = f"{name}/n_without_endpoint"
    if here not in source.results or not source.results[here].value:
        return ()
    return (
        Text(
            "Of ", source.count(f"{name}/n_population"), " subjects of the population ", source.count(here),
            " have no time here and are left out.",
        ),
    )  # fmt: skip


def left_out_notes(source: Source, name: str) -> tuple[Text, ...]:
    """How many of the population an analysis leaves out, for want of a time, a group or a covariate."""
    lacking = facts_lacking(source, name)
    told = (Text("Left out for want of a value: ", *lacking, "."),) if lacking else ()
    return (*_without_time(source, name), *told)


def facts_lacking(source: Source, name: str) -> list[str | Text]:
    """The facts that an analysis leaves subjects out for, each with their number, and whether some lack several."""
    rows = [row for row in source.results.of(name) if row.statistic == "n_without_fact" and row.value]
    told = [
        piece
        for row in rows
        for piece in (", ", Text(source.fact(str(row.item))), ": ", source.count(row.id))
    ][1:]
    counts = {
        row.statistic: row.value or 0
        for row in source.results.of(name)
        if row.item is None and row.group is None
    }
    n_out = counts.get("n_population", 0) - counts.get("n_without_endpoint", 0) - counts.get("n_analysed", 0)
    overlap = sum(row.value or 0 for row in rows) > n_out
    return [*told, " (some lack more than one)"] if overlap else told


def shows_p(source: Source, analysis: AnalysisBase) -> bool:
    """Groups that nobody randomised have p-values only where the plan asks for them."""
    return source.protocol.study.allocation != "not randomised" or analysis.role == "registered"


def descriptive_note(source: Source) -> tuple[Text, ...]:
    """What a p-value means where nobody was randomised; nothing elsewhere."""
    if source.protocol.study.allocation != "not randomised":
        return ()
    return (
        Text(
            "Groups were ", source.said("not randomised", "study.allocation"),
            ": p-values are descriptive, and a difference may be that of the patients.",
        ),
    )  # fmt: skip


def at_id(name: str, level: str | None, at: float | Duration, statistic: str = "") -> str:
    """The id of a number at a reading time, or of what they have in common."""
    time = at.amount if isinstance(at, Duration) else at
    return "/".join(part for part in (name, level, "at", time_key(time), statistic) if part)


def share_cell(source: Source, here: str, statistic: str, prefix: str = "") -> Text:
    """A probability as a percentage with its limits; its reason where it cannot be had."""
    estimate = source.percent(f"{here}/{statistic}")
    low, high = f"{here}/{prefix}conf_low", f"{here}/{prefix}conf_high"
    if any(id_ not in source.results or source.results[id_].value is None for id_ in (low, high)):
        return estimate
    if source.results[f"{here}/{statistic}"].value is None:
        return estimate
    return Text(estimate, " ", source.interval(source.percent_bare(low), source.percent_bare(high)))


def difference_cell(source: Source, name: str, pair: tuple[str, str], at: Duration, prefix: str = "") -> Text:
    """The difference of two risks in percentage points."""
    return share_cell(source, f"{name}/{minus(*pair)}/{time_key(at.amount)}", "difference", prefix)


def ratio_cell(source: Source, name: str, pair: tuple[str, str], at: Duration) -> Text:
    """The ratio of two risks."""
    return ratio_with_limits(source, f"{name}/{over(*pair)}/{time_key(at.amount)}", "ratio")


def ratio_with_limits(source: Source, here: str, statistic: str) -> Text:
    value = source.results[f"{here}/{statistic}"].value
    if value is None:
        return source.decimals(f"{here}/{statistic}", 2)
    ids = [f"{here}/{part}" for part in (statistic, "conf_low", "conf_high")]
    estimate, low, high = (source.ratio(id_, ratio_digits(value)) for id_ in ids)
    return Text(estimate, " ", source.interval(low, high))
