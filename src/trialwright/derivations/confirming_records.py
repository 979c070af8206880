"""The later records that confirm a finding, so that an event names all it rests on."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trialwright.derivations.minutes import MET, Minutes, before, on_or_before
from trialwright.derivations.study_facts import StudyFacts
from trialwright.protocol import rule_tree as tree

Repeat = tree.Confirmed | tree.Consecutive


def with_confirming(
    facts: StudyFacts, condition: tree.Condition, found: pl.DataFrame, rows: pl.DataFrame, fact: str
) -> pl.DataFrame:
    """Occurrences of which `SRCALL` also names the records that confirm them.

    A rule that is met says that the first row so much later, or the rows directly after it, fulfil it too: only which rows
    these are is looked for here. Of a confirmation in one branch of an *or* it is asked whether it holds.

    Parameters
    ----------
    facts : StudyFacts
    condition : Condition
        The rule of the event.
    found : DataFrame
        Rows at which it is or may be met: `subject`, `record`, `earliest`, `latest`, `code`, `SRCALL`.
    rows : DataFrame
        All rows it is judged at.
    fact : str
        The fact whose rows they are.
    """
    met = found.filter(pl.col("code") == MET)
    parts = []
    for repeat, is_sure in _repeats(condition, is_sure=True):
        confirmed = met if is_sure else _holding(facts, repeat, met, fact)
        if len(confirmed):
            parts.append(_confirming(repeat, confirmed.select("subject", "record", *Minutes.of()), rows))
    if not parts:
        return found
    named = pl.concat(parts).unique(maintain_order=True).group_by("record", maintain_order=True)
    told = named.agg(confirmed_by=pl.col("SRCALL").str.join(" "))
    return found.join(told, on="record", how="left", maintain_order="left").with_columns(
        SRCALL=pl.concat_str("SRCALL", "confirmed_by", separator=" ", ignore_nulls=True)
    ).drop("confirmed_by")  # fmt: skip


def _repeats(condition: tree.Condition, *, is_sure: bool) -> Iterator[tuple[Repeat, bool]]:
    """The confirmations a rule asks for, and whether each holds wherever the rule does."""
    match condition:
        case tree.Confirmed() | tree.Consecutive():
            yield condition, is_sure
        case tree.AllOf(parts) | tree.AnyOf(parts):
            for part in parts:
                yield from _repeats(part, is_sure=is_sure and isinstance(condition, tree.AllOf))


def _holding(facts: StudyFacts, repeat: Repeat, met: pl.DataFrame, fact: str) -> pl.DataFrame:
    codes = facts.judge_rows({"holds": repeat}, fact, met.select("subject").unique())
    return met.join(
        codes.filter(pl.col("holds") == MET), on=["subject", "record"], how="semi", maintain_order="left"
    )


def _confirming(repeat: Repeat, confirmed: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """`record` and `SRCALL` of the first row so much later (of several of one moment all), or of the next rows."""
    here, there = Minutes.of(), Minutes.of("next_")
    later = rows.select("subject", pl.col("record").alias("next"), *Minutes.of().named("next_"), "SRCALL")
    is_later = before(here, there) == MET
    pairs = confirmed.join(later, on="subject").filter(pl.col("next") != pl.col("record"))
    if isinstance(repeat, tree.Confirmed):
        far = pairs.filter(is_later & (on_or_before(here.moved(repeat.after), there) == MET))
        first = far.filter(there.first == there.first.min().over("record"))
        return first.sort("record", "next").select("record", "SRCALL")
    ordered = pairs.filter(is_later).sort("record", *there, "next")
    nth = ordered.with_columns(nth=pl.int_range(pl.len()).over("record"))
    return nth.filter(pl.col("nth") < repeat.times - 1).select("record", "SRCALL")
