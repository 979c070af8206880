"""In whom an event could be measured at all: a multiple of baseline may lie above what the assay can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import polars as pl

from trialwright.analysis.sample import AnalysisData
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.model import Event, Protocol
from trialwright.protocol.rules import parse_rule
from trialwright.vocabulary.units import conversion_factor


@dataclass(frozen=True, slots=True)
class Measurable:
    """In whom an event could be measured.

    Attributes
    ----------
    subjects : DataFrame
        `USUBJID` and `IS_MEASURABLE`, null where the baseline does not tell.
    conventions : mapping
        The multiple and the limit it rests on, by fact.
    """

    subjects: pl.DataFrame
    conventions: Mapping[str, Any]


def find_measurable(data: AnalysisData, event: str) -> Measurable | None:
    """In whom an event could be measured; None where its rule asks for no multiple of a baseline with a known ceiling.

    A rise to so many times baseline can be measured where that many times baseline is at most the upper limit of the
    assay. Of events that must all happen each must be measurable, of others any.
    """
    one = data.protocol.events.get(event)
    if one is None:
        return None
    if one.of and one.when:
        return _of_rule(data, one)
    parts = [find_measurable(data, part) for part in (*one.all_of, *one.any_of)]
    known = [part for part in parts if part is not None]
    if not known or (
        one.any_of and len(known) < len(parts)
    ):  # a part without a ceiling can always be measured
        return None
    both = pl.all_horizontal if one.all_of else pl.any_horizontal
    frames = [part.subjects.rename({"IS_MEASURABLE": f"part_{i}"}) for i, part in enumerate(known)]
    joined = reduce(lambda left, right: left.join(right, on="USUBJID", how="full", coalesce=True), frames)
    subjects = joined.select("USUBJID", both(pl.col("^part_.*$")).alias("IS_MEASURABLE"))
    return Measurable(subjects, {name: said for part in known for name, said in part.conventions.items()})


def _of_rule(data: AnalysisData, event: Event) -> Measurable | None:
    fact = event.of or ""
    factors = list(_multiples_of_baseline(event.when or ""))
    rows = data.tables["ADLB"].filter(pl.col("PARAMCD") == fact.upper())
    ceiling = _ceiling(data.protocol, fact, next(iter(rows["AVALU"].drop_nulls()), None))
    if not factors or ceiling is None:
        return None
    factor = max(factors)
    if data.protocol.baseline in data.protocol.baselines:
        rows = rows.filter(pl.col("BASETYPE") == data.protocol.baseline)
    least, most = factor * pl.col("BASELO"), factor * pl.col("BASEHI")
    is_measurable = (
        pl.when(most <= ceiling).then(pl.lit(value=True)).when(least > ceiling).then(pl.lit(value=False))
    )
    subjects = rows.unique("USUBJID", keep="first", maintain_order=True).select(
        "USUBJID", is_measurable.alias("IS_MEASURABLE")
    )
    return Measurable(subjects, {fact: {"multiple of baseline": factor, "upper limit of the assay": ceiling}})


def _multiples_of_baseline(rule: str) -> Iterator[float]:
    """The multiples of its own baseline that a rule asks a row to reach."""
    for node in tree.walk(parse_rule(rule)):
        match node:
            case tree.Compare(tree.RowValue(), ">" | ">=", tree.Multiple(factor, tree.Baseline(None))):
                yield float(factor)


def _ceiling(protocol: Protocol, fact: str, unit: str | None) -> float | None:
    """The least upper limit of the assays of a fact, in the unit its results have."""
    limits = [assay.upper_limit for assay in protocol.assays.values() if assay.measures == fact]
    numbers = [
        float(limit.number) * (float(conversion_factor(limit.unit, unit)) if unit else 1.0)
        for limit in limits
        if limit is not None
    ]
    return min(numbers, default=None)
