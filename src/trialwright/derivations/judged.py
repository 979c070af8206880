"""Rules of a protocol judged at moments of each subject: populations, groups and criteria."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from trialwright.derivations.minutes import MET, MISSING, NOT_MET, Minutes
from trialwright.derivations.study import SUBJECT
from trialwright.derivations.study_facts import StudyFacts
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.moments import parse_moment
from trialwright.protocol.rule_tree import Moment
from trialwright.vocabulary.verdicts import Reason

_AT = "at "
"""What the columns of the moment that rules are judged at begin with."""
NEEDS_A_PERSON, NOT_YET_DUE = Reason.NEEDS_A_PERSON.code, Reason.NOT_YET_DUE.code


class RuleAt(NamedTuple):
    """A rule and the moment it is judged at; without a rule a person must decide."""

    condition: tree.Condition | None
    at: str | None


def judge_each(facts: StudyFacts, rules: Mapping[str, RuleAt]) -> pl.DataFrame:
    """The verdicts of rules for everybody.

    Where the moment of a rule has not come for somebody, they are not met if it surely has not, and unknown (missing)
    else; where it lies after the data cut, nothing is decided yet but what later data cannot undo.

    Returns
    -------
    verdicts : DataFrame
        One row a subject, in order: `subject`, and for each rule its code under its name and the moment under
        `NAME earliest`, `NAME latest`.
    """
    verdicts = facts.study.subjects.select(pl.col(SUBJECT).alias("subject"))
    by_moment: dict[str | None, list[str]] = {}
    for name, rule in rules.items():
        by_moment.setdefault(rule.at, []).append(name)
    for at, names in by_moment.items():
        moment = parse_moment(at) if at else None
        when = facts.moment(moment) if moment else None
        verdicts = verdicts.join(
            _judged(facts, {name: rules[name].condition for name in names}, moment, when),
            on="subject",
            how="left",
            maintain_order="left",
        )
    return verdicts


def _judged(
    facts: StudyFacts,
    conditions: Mapping[str, tree.Condition | None],
    moment: Moment | None,
    when: pl.DataFrame | None,
) -> pl.DataFrame:
    people = facts.study.subjects.select(pl.col(SUBJECT).alias("subject"))
    if moment is None or when is None:
        return people.with_columns(
            expr for name in conditions for expr in (pl.lit(MISSING, pl.UInt8).alias(name), *_no_moment(name))
        )
    rules = {name: condition for name, condition in conditions.items() if condition is not None}
    nowhere = NOT_MET if facts.is_known_not_to_be(moment) else MISSING
    # no name of a protocol holds a blank
    moments = when.select("subject", *Minutes.of().named(_AT))
    joined = people.join(moments, on="subject", how="left", maintain_order="left")
    if rules:
        joined = joined.join(facts.judge_at(rules, when), on="subject", how="left", maintain_order="left")
    columns = []
    for name, condition in conditions.items():
        code = pl.lit(NEEDS_A_PERSON) if condition is None else _up_to_cut(facts, condition, pl.col(name))
        columns.append(
            pl.when(Minutes.of(_AT).is_known).then(code).otherwise(nowhere).cast(pl.UInt8).alias(name)
        )
        columns += Minutes.of(_AT).named(f"{name} ")
    return joined.select("subject", *columns)


def _no_moment(name: str) -> list[pl.Expr]:
    return [pl.lit(None, pl.Datetime("us")).alias(f"{name} {side}") for side in ("earliest", "latest")]


def _up_to_cut(facts: StudyFacts, condition: tree.Condition, code: pl.Expr) -> pl.Expr:
    """The verdict, if it is judged after the data cut: not yet due, but where later data can only confirm it."""
    if facts.study.cut is None:
        return code
    is_settled = (code == MET) if only_grows(condition) else pl.lit(value=False)
    is_later = Minutes.of(_AT).first.dt.date() > facts.study.cut
    return pl.when(is_later & ~is_settled).then(NOT_YET_DUE).otherwise(code)


def only_grows(condition: tree.Condition) -> bool:
    """Whether a rule that is met stays met, whatever is recorded later."""
    match condition:
        case tree.Had():
            return True
        case tree.Compare(tree.Count(), op, tree.Quantity()):
            return op in (">", ">=")
        case tree.AllOf(parts) | tree.AnyOf(parts):
            return all(only_grows(part) for part in parts)
        case _:
            return False
