"""Scores that rules ask for, of everybody at once: their parts are read in one query and computed as arrays.

A query computes no score. Here each `score(child_pugh, 14 days)` becomes a fact known once, of which everybody has one
observation, so that rules with scores are judged by the query that judges all others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import polars as pl

from trialwright.derivations.observations import names_in
from trialwright.derivations.recorded_facts import ANY_TIME
from trialwright.evaluation.columns import COLUMNS, CONFLICT, IMPRECISE, MISSING, Several
from trialwright.evaluation.duck import answer_query, connect, put_tables, threads_for
from trialwright.evaluation.finding import Finder
from trialwright.evaluation.scores import compute_score
from trialwright.evaluation.sql import columns_named
from trialwright.evaluation.table import MOMENT, OBSERVATIONS
from trialwright.evaluation.terms import MET, NOT_MET
from trialwright.medicine.known import Categories, Index, Known
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact, Scope
from trialwright.protocol.rules import RULE
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.intervals import Intervals
from trialwright.vocabulary.partial_dates import LeapBirthday
from trialwright.vocabulary.verdicts import Codes, Reason

_Node = TypeVar("_Node", bound=tree.Node)
_READING: Mapping[str, str] = MappingProxyType(
    {"lo": "DOUBLE", "hi": "DOUBLE", "lo_open": "BOOLEAN", "hi_open": "BOOLEAN", "tolerance": "DOUBLE"}
    | {"level": "VARCHAR", "reason": "UTINYINT"}
)
"""What a result may be, and why it is not exact."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Rules without scores, and what they are judged by instead.

    Attributes
    ----------
    rules : mapping of str to Condition
    scope : Scope
    observations : DataFrame
        Those that the rules ask for, of the shape `OBSERVATIONS`, subjects and records being whole numbers.
    """

    rules: Mapping[str, tree.Condition]
    scope: Scope
    observations: pl.DataFrame


def parts_of_scores(rules: Iterable[tree.Condition], facts: Mapping[str, Fact]) -> set[str]:
    """The facts that are the parts of the scores of some rules."""
    by_concept = {fact.concept: name for name, fact in facts.items()}
    return {by_concept[part] for node in _scores(rules) for part in facts[node.fact].parts}


def with_scores(
    rules: Mapping[str, tree.Condition], scope: Scope, observations: pl.DataFrame, subjects: pl.DataFrame
) -> Scored:
    """The rules with each score in place as a fact, computed at the anchor of each subject.

    Parameters
    ----------
    rules : mapping of str to Condition
        Judged at an anchor: a score at a row is not computed.
    scope : Scope
    observations, subjects : DataFrame
        As `evaluation.table` has them; observations of the parts of the scores among them.

    Raises
    ------
    ValueError
        If nothing computes a score.
    """
    found = _scores(rules.values())
    if not found or scope.rows_of is not None:
        return Scored(rules, scope, observations)
    parts = parts_of_scores(rules.values(), scope.facts).union(*map(names_in, found))
    read = _readings(found, scope, _of(parts, observations), subjects)
    facts, named = dict(scope.facts), dict[tree.Node, tree.Node]()
    scores = []
    for number, node in enumerate(found):
        score = scope.facts[node.fact]
        name = f"score {number}"  # no name of a protocol holds a blank
        named[node] = tree.Once(name, at=node.at)
        facts[name] = replace(score, name=name, kind=Kind.NUMBER, concept=None, once=True, parts=())
        scores.append(_observed(name, _computed(score, scope.facts, read[number]), subjects))
    judged = {name: _replaced(condition, named) for name, condition in rules.items()}
    rows = _of(set[str]().union(*map(names_in, judged.values())), observations)
    return Scored(judged, replace(scope, facts=facts), pl.concat([rows, *scores]))


def _of(facts: set[str], observations: pl.DataFrame) -> pl.DataFrame:
    return observations.select(OBSERVATIONS.keys()).filter(pl.col("fact").is_in(facts))


def _scores(rules: Iterable[tree.Condition]) -> list[tree.Score]:
    nodes = (node for condition in rules for node in tree.walk(condition))
    return list(dict.fromkeys(node for node in nodes if isinstance(node, tree.Score)))


def _replaced(node: _Node, named: Mapping[tree.Node, tree.Node]) -> _Node:
    """A tree with some of its nodes replaced."""

    def put(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(put, value))
        if not isinstance(value, tree.Node):
            return value
        return named[value] if value in named else _replaced(value, named)

    return replace(node, **{spec.name: put(getattr(node, spec.name)) for spec in fields(node)})


# --- what is known of the parts ---------------------------------------------------------------------------------------


def _readings(
    asked: Sequence[tree.Score], scope: Scope, observations: pl.DataFrame, subjects: pl.DataFrame
) -> list[dict[str, pl.DataFrame]]:
    """Of each score, and of each of its parts by concept, all that its latest result in the window may be.

    Everybody has one row or more, in the order of subjects, with the columns of `_READING`; `lo` or `level` is null where
    nothing is known but the reason.
    """
    finder = Finder(scope, LeapBirthday.MARCH_1, RULE)
    named: list[tuple[int, str, int]] = []
    selected = []
    for number, score in enumerate(asked):
        for concept, part in _parts(scope.facts[score.fact], scope.facts).items():
            value = tree.Once(part.name) if part.once else tree.Pick("last", part.name, score.window)
            some = finder.several(finder.find(value))
            selected += [f"SELECT {len(named)} AS part, {one}" for one in _may_be(finder, some)]
            named.append((number, concept, some.absent.default(NOT_MET) or MISSING))
    query = finder.query(" UNION ALL ".join(selected))
    tables = {
        "observations": observations.select(columns_named(OBSERVATIONS, "o", [query])),
        "subjects": subjects.select(columns_named(subjects.columns, "s", [query])),
    }
    rows = _asked(query, tables)
    people = subjects.select("subject").sort("subject")
    read: list[dict[str, pl.DataFrame]] = [{} for _ in asked]
    for place, (number, concept, absent) in enumerate(named):
        of_part = rows.filter(pl.col("part") == place)
        read[number][concept] = people.join(
            of_part, on="subject", how="left", maintain_order="left"
        ).with_columns(pl.col("reason").fill_null(absent))
    return read


def _may_be(finder: Finder, some: Several) -> list[str]:
    """What candidates may be, to be put together: those that may be the one asked for, that it may be none of these, and
    why there is none where none belongs."""
    kept, has = finder.kept(some), COLUMNS[some.shape]
    columns = [
        f"{name if name in has else f'CAST(NULL AS {kind})'} AS {name}" for name, kind in _READING.items()
    ]
    unknown = [f"CAST(NULL AS {kind}) AS {name}" for name, kind in _READING.items() if name != "reason"]
    seen = f"{finder.cases.step} c LEFT JOIN {finder.best(some)} l ON l.subject = c.subject"
    if some.first_seen is not None:
        seen += f" LEFT JOIN {some.first_seen} ON {some.first_seen}.subject = c.subject"
    absent = f"NULLIF(COALESCE(l.absent, {finder.default(some, NOT_MET)}), {NOT_MET}) AS reason"
    nothing = f"subject, {', '.join(unknown)}"
    return [
        f"subject, {', '.join(columns)}, cause FROM {kept} l",
        f"{nothing}, {IMPRECISE} AS reason, max(cause) AS cause FROM {kept} l WHERE best < {MET} GROUP BY subject",
        f"c.{nothing}, {absent}, {CONFLICT} AS cause FROM {seen} WHERE COALESCE(l.best, {NOT_MET}) = {NOT_MET}",
    ]


def _asked(query: str, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """What a query says of some tables."""
    with connect(n_threads=threads_for(*tables.values())) as connection:
        put_tables(connection, tables)
        return answer_query(connection, query)


# --- scores -----------------------------------------------------------------------------------------------------------


def _parts(score: Fact, facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """The facts that are the parts of a score, by concept."""
    by_concept = {fact.concept: fact for fact in facts.values()}
    return {part: by_concept[part] for part in score.parts}


def _computed(score: Fact, facts: Mapping[str, Fact], read: Mapping[str, pl.DataFrame]) -> Known:
    """The score of everybody, in the order of subjects."""
    return compute_score(
        score,
        _parts(score, facts),
        number=lambda name: _number(read[name]),
        level=lambda name, levels: _level(read[name], levels),
    )


def _number(rows: pl.DataFrame) -> Known:
    """Several numbers of a person, any of which may be the one, as one; one that cannot be is as good as unreadable."""
    first, cause = _groups(rows)
    bounds = Intervals(
        rows["lo"].fill_null(-math.inf).to_numpy(),
        rows["hi"].fill_null(math.inf).to_numpy(),
        *(rows[name].fill_null(value=True).to_numpy() for name in ("lo_open", "hi_open")),
    )
    is_calculated = (rows["tolerance"] > 0).fill_null(value=False).to_numpy()
    one = Known(bounds, rows["reason"].to_numpy(), is_calculated=is_calculated).hulls(first, cause=cause)
    is_impossible = one.is_exact | (one.bounds.hi <= 0)
    nothing = Known.unknown(np.where(is_impossible, np.uint8(Reason.UNREADABLE.code), one.reasons))
    return nothing.where((one.bounds.lo < 0) | (one.bounds.hi == 0), one)


def _level(rows: pl.DataFrame, levels: tuple[str, ...]) -> Categories:
    """The levels that any of several of a person may be."""
    first, cause = _groups(rows)
    may_be = [(rows["level"] == level).fill_null(value=True).to_numpy() for level in levels]
    possible = np.column_stack([np.logical_or.reduceat(one, first) for one in may_be])
    reasons = np.maximum.reduceat(rows["reason"].to_numpy(), first)
    return Categories(levels, possible, np.where(reasons == 0, cause, reasons))


def _groups(rows: pl.DataFrame) -> tuple[Index, Codes]:
    """Where the rows of each person begin, and what is to blame where they differ."""
    subject = rows["subject"].to_numpy()
    first = (
        np.flatnonzero(np.append(True, subject[1:] != subject[:-1])) if len(rows) else np.array([], np.intp)
    )
    return first, np.minimum.reduceat(rows["cause"].fill_null(CONFLICT).cast(pl.UInt8).to_numpy(), first)


def _observed(name: str, score: Known, subjects: pl.DataFrame) -> pl.DataFrame:
    """A score as the one observation of everybody."""
    bounds, (first, last) = score.bounds, ANY_TIME
    rows = subjects.select("subject").sort("subject").with_columns(
        record=-1 - pl.int_range(pl.len(), dtype=pl.Int64), fact=pl.lit(name),  # each once, and as no record is
        earliest=pl.lit(first, MOMENT), latest=pl.lit(last, MOMENT),
        reason=pl.Series(score.reasons), is_converted=pl.Series(score.is_calculated),
        lln=None, uln=None, level=None, role=None,
        **{end: pl.Series(getattr(bounds, end)) for end in ("lo", "hi", "lo_open", "hi_open")},
    )  # fmt: skip
    schema = pl.Schema({**OBSERVATIONS, "subject": pl.Int64, "record": pl.Int64})
    return rows.select(schema.keys()).cast(schema)
