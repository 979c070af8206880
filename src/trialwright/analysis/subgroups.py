"""Hazard ratios of the groups within subgroups; few events give a reason and no estimate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from trialwright.analysis.results import Recorder, Where
from trialwright.analysis.sample import AnalysisData, Sample, select_sample
from trialwright.protocol.analyses import Subgroups
from trialwright.protocol.categories import levels_of, pairs_compared
from trialwright.protocol.model import Protocol
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.interaction import interaction_test
from trialwright.statistics.survival import fit_cox

_ESTIMATE = ("coef", "std_error", "hazard_ratio", "conf_low", "conf_high")
_INTERACTION = ("interaction_chi_squared", "interaction_df", "interaction_p_value")
NOT_TESTED = "not tested: the plan does not register this analysis"


@dataclass(frozen=True, slots=True)
class Part:
    """A subgroup: who has a level of a fact, or a number from `low` on and below `high`.

    `words` are the level as the protocol writes it, or the limits.
    """

    fact: str
    words: str
    low: float | None = None
    high: float | None = None

    @property
    def item(self) -> str:
        """What the rows of the subgroup are about."""
        return f"{self.fact}={self.words}"

    @property
    def members(self) -> pl.Expr:
        """Who belongs to it; null where the fact is not known."""
        value = pl.col(self.fact)
        if self.low is None and self.high is None:
            return value == self.words
        above = pl.lit(value=True) if self.low is None else value >= self.low
        below = pl.lit(value=True) if self.high is None else value < self.high
        return pl.when(value.is_not_null()).then(above & below)


def parts_of(protocol: Protocol, analysis: Subgroups, fact: str) -> list[Part]:
    """The subgroups by one fact, in the order of the protocol."""
    if levels := levels_of(protocol, fact):
        return [Part(fact, level) for level in levels]
    cuts = analysis.cuts[fact]
    ends: list[float | None] = [None, *cuts, None]
    return [Part(fact, _between(low, high), low, high) for low, high in pairwise(ends)]


def part_of_item(protocol: Protocol, analysis: Subgroups, item: str) -> Part | None:
    """The subgroup that an item of a row names."""
    parts = (part for fact in analysis.facts for part in parts_of(protocol, analysis, fact))
    return next((part for part in parts if part.item == item), None)


def _between(low: float | None, high: float | None) -> str:
    if low is None:
        return f"below {high:.15g}"
    return f"at least {low:.15g}" if high is None else f"{low:.15g} to below {high:.15g}"


def analyse_subgroups(data: AnalysisData, analysis: Subgroups, recorder: Recorder) -> None:
    """Subjects, events and hazard ratio of all and of each subgroup, and for each fact the test of its interaction.

    A row of a subgroup has `<fact>=<level or limits>` as its item. Hazard ratios are of the group of the row over the first.
    """
    sample = select_sample(data, recorder, analysis, [analysis.by])
    recorder.conventions = {"model": "Cox", "ties": analysis.ties, "conf_level": analysis.confidence}
    _add_part(data, analysis, recorder, sample, None)
    for fact in analysis.facts:
        unknown = sample.frame[fact].null_count()
        recorder.add("n_without_fact", unknown, "subjects", item=fact)
        parts = parts_of(data.protocol, analysis, fact)
        for part in parts:
            inside = Sample(sample.frame.filter(part.members), sample.first_day)
            _add_part(data, analysis, recorder, inside, part.item)
        _add_interaction(data, analysis, recorder, sample, parts)


def _add_part(
    data: AnalysisData, analysis: Subgroups, recorder: Recorder, sample: Sample, item: str | None
) -> None:
    for level in data.levels(analysis.by):
        part = sample.group(analysis.by, level)
        where: Where = {"group": level, "item": item, "n": part.n_subjects}
        recorder.add("n_subjects", part.n_subjects, "subjects", **where)
        recorder.add("n_events", part.n_events, "events", **where)
    for other, first in pairs_compared(data.protocol, analysis.by):
        pair = Sample(sample.frame.filter(pl.col(analysis.by).is_in([other, first])), sample.first_day)
        to: Where = {"group": other, "item": item, "n": pair.n_subjects}
        try:
            values = _estimate(data, analysis, pair, other, is_part=item is not None)
        except NotEstimable as error:
            recorder.add_missing(_ESTIMATE, error.reason, **to)
            continue
        for statistic, value in zip(_ESTIMATE, values, strict=True):
            recorder.add(statistic, value, **to)


def _estimate(
    data: AnalysisData, analysis: Subgroups, pair: Sample, other: str, *, is_part: bool
) -> Sequence[float]:
    if pair.n_subjects == 0:
        raise NotEstimable("nobody in this subgroup" if is_part else "nobody in these groups")
    present = pair.frame[analysis.by].unique().to_list()
    if len(present) < 2:
        raise NotEstimable("only one group has subjects")
    if is_part:
        _require_events(data, [pair], "this")
    label = data.level_label(analysis.by, other)[0]
    column = [[float(level == other)] for level in pair.frame[analysis.by]]
    fit = fit_cox(
        pair.time, pair.event, column, names=[label], ties=analysis.ties, conf_level=analysis.confidence
    )
    (found,) = fit.coefficients
    return found.coef, found.std_error, found.hazard_ratio, found.conf_low, found.conf_high


def _require_events(data: AnalysisData, parts: Sequence[Sample], which: str) -> None:
    """Refuse subgroups with fewer events than `reporting` asks of a group."""
    limit = data.protocol.reporting.small_group_events
    fewest = min(part.n_events for part in parts)
    if fewest < limit:
        raise NotEstimable(f"{which} subgroup has fewer than {limit} events: {fewest}")


def _add_interaction(
    data: AnalysisData, analysis: Subgroups, recorder: Recorder, sample: Sample, parts: Sequence[Part]
) -> None:
    where: Where = {"item": parts[0].fact}
    if analysis.role != "registered":
        recorder.add_missing(_INTERACTION, NOT_TESTED, **where)
        return
    try:
        known = dict(_labelled(sample, parts))
        if not known:
            raise NotEstimable("nobody has a known value")
        _require_events(data, [Sample(frame) for frame in known.values()], "a")
        together = pl.concat(known.values())
        words = [name for name, frame in known.items() for _ in range(frame.height)]
        test = interaction_test(
            together["AVAL"].to_list(),
            together["EVENT"].to_list(),
            together[analysis.by].to_list(),
            words,
            ties=analysis.ties,
        )
    except NotEstimable as error:
        recorder.add_missing(_INTERACTION, error.reason, **where)
        return
    conventions = {**recorder.conventions, "test": "likelihood ratio of the products of group and subgroup"}
    for statistic, value in zip(_INTERACTION, (test.chi_squared, test.df, test.p_value), strict=True):
        recorder.add(statistic, value, conventions=conventions, item=parts[0].fact, n=together.height)


def _labelled(sample: Sample, parts: Sequence[Part]) -> Iterator[tuple[str, pl.DataFrame]]:
    """The subjects of each subgroup that has any, by its words."""
    for part in parts:
        frame = sample.frame.filter(part.members)
        if not frame.is_empty():
            yield part.words, frame
