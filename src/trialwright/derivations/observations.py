"""What is known of everybody in a study, as the table of observations that readers of rules judge."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import polars as pl

from trialwright.derivations.drug_days import as_days
from trialwright.derivations.named_records import NamedRecords
from trialwright.derivations.recorded_facts import ANY_TIME, SOURCE, recorded_facts
from trialwright.derivations.study import SUBJECT, Study
from trialwright.evaluation.table import OBSERVATIONS
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Absence, Fact, Scope
from trialwright.records.dates import MOMENT
from trialwright.vocabulary.concepts import Kind

COLUMNS: Mapping[str, Any] = {
    **OBSERVATIONS, "subject": pl.Int64, "record": pl.Int64, "day": pl.Int64, **SOURCE, "found": MOMENT, "via": pl.String,
}  # fmt: skip
"""The table of observations and where each row comes from.

day       0 for a record, at its first day; counting on for the other days of a drug that is taken over a time
SRC...    the record
found     of events: the first minute of the record that decided, where the event is dated to another
via       of events: the part of it that happened
"""

DAYS = (
    pl.when(pl.col("earliest") > pl.lit(ANY_TIME[0], MOMENT)).then(pl.col("earliest").dt.date()),
    pl.when(pl.col("latest") < pl.lit(ANY_TIME[1], MOMENT)).then(pl.col("latest").dt.date()),
)
"""The first and the last day of what is observed, as far as these are known."""

TIMES = "all times"
"""A fact whose rows are moments at which rules are judged; no name of a protocol holds a blank."""


def record_facts(
    study: Study, asked: Container[str], beside: Container[str] = (), records: NamedRecords | None = None
) -> dict[str, pl.DataFrame]:
    """The records of each fact that is asked for, of the shape `RECORDED`; `beside` are those that are not read."""
    facts, others = (
        [fact for name, fact in study.scope.facts.items() if name in names] for names in (asked, beside)
    )
    return recorded_facts(study, facts, records, beside=others)


def make_observations(
    study: Study,
    records: Mapping[str, pl.DataFrame],
    alive: pl.DataFrame,
    *,
    reader: str = "local",
    first: int = 0,
) -> dict[str, pl.DataFrame]:
    """The records of a study as the observations of each fact, of the shape `COLUMNS`.

    Parameters
    ----------
    study : Study
    records : mapping of str to DataFrame
        What `record_facts` gives.
    alive : DataFrame
        What `last_days_alive` gives.
    reader : str
        Whose readings count where several read: `local` or `central`. What nobody reads is the same for both, and so is
        a fact that no central reader has read.
    first : int
        The number of the first observation.

    Raises
    ------
    ProblemsFound
        `counted-interval`: a rule counts doses, and a record holds several.
    """
    read = {fact: _of_reader(rows, reader) for fact, rows in records.items()}
    days = read | _in_days(read, study, alive)
    observations = {}
    for fact, rows in _without_contradicted(days):
        if not len(rows):
            continue  # what nobody told of is not among what is asked
        numbers = pl.int_range(first, first + pl.len(), dtype=pl.Int64)
        observations[fact] = _observed(rows, fact=pl.lit(fact), record=numbers)
        first += len(rows)
    return observations


def _of_reader(rows: pl.DataFrame, reader: str) -> pl.DataFrame:
    """The records of a fact that count where this one reads."""
    if rows["reader"].null_count() == len(rows):
        return rows
    is_central = pl.col("reader") == "central"
    if not rows.select(is_central.any()).item():
        return rows
    return rows.filter((is_central if reader == "central" else ~is_central).fill_null(reader != "central"))


def _in_days(
    records: Mapping[str, pl.DataFrame], study: Study, alive: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """The records of drugs laid out over their days."""
    drugs = [fact for fact in study.scope.facts.values() if fact.kind is Kind.DRUG and fact.name in records]
    return {drug.name: as_days(records[drug.name], drug, study, alive) for drug in drugs}


def _without_contradicted(records: Mapping[str, pl.DataFrame]) -> Iterator[tuple[str, pl.DataFrame]]:
    """The records with each "there was none" as one of a fact of its own, where nothing says that there was one."""
    for fact, rows in records.items():
        if not rows["is_none"].any():
            yield fact, rows
            continue
        there_is = rows.filter(~pl.col("is_none"))
        none = rows.filter("is_none").join(there_is, on=SUBJECT, how="anti", maintain_order="left")
        some_time = pl.lit(ANY_TIME[0], MOMENT)
        yield fact, there_is
        yield none_of(fact), none.with_columns(earliest=some_time, latest=some_time)


def _observed(rows: pl.DataFrame, **told: pl.Expr) -> pl.DataFrame:
    """Records as observations, with what is told of them beside."""
    told |= {"subject": pl.col(SUBJECT), "found": pl.lit(None, MOMENT), "via": pl.lit(None, pl.String)}
    if "day" not in rows.columns:
        told["day"] = pl.lit(0, pl.Int64)
    return rows.select(told.get(name, pl.col(name)).alias(name) for name in COLUMNS)


def none_of(name: Any) -> Any:
    """What a fact is called of which somebody said that there was none; no name of a protocol holds a blank."""
    return "no " + name


def surely(name: str) -> str:
    """What an event is called of which only what surely happened is asked; no name of a protocol holds a blank."""
    return "surely " + name


def maybe(name: str) -> str:
    """What the times are called at which nobody can tell whether an event happened."""
    return "maybe " + name


def moment_of(name: str, which: str | None) -> str:
    """What the moments are called that an event may tell which may have happened: the first of it, or any other."""
    return ("first of " if which == "first" else "some of ") + name


# --- what may be asked ------------------------------------------------------------------------------------------------


def names_in(condition: tree.Node, *, beside: type[tree.Node] | None = None) -> set[str]:
    """The facts that a rule names; of a kind of node none."""
    nodes = tree.walk(condition)
    return {
        str(name)
        for node in nodes
        if beside is None or not isinstance(node, beside)
        for name in (getattr(node, "fact", None), getattr(node, "name", None))
        if name
    }


@dataclass(frozen=True)
class Asked:
    """What rules may ask of observations: the protocol's scope, and "there was none" where somebody said so."""

    scope: Scope
    none: frozenset[str]

    @classmethod
    def of(cls, scope: Scope, told: Container[str]) -> Asked:
        """An event that nothing shows has not happened: it is derived from all there is, or reported where it happened."""
        none = frozenset(name for name in scope.facts if none_of(name) in told)
        facts = {
            name: replace(fact, absence=Absence.NO) if fact.kind is Kind.EVENT else fact
            for name, fact in scope.facts.items()
        }
        facts[TIMES] = Fact(name=TIMES, kind=Kind.HISTORY, label="the day of judgement", absence=Absence.NO)
        for name, fact in scope.facts.items():
            if fact.kind is Kind.EVENT:
                for other in (surely(name), moment_of(name, "first"), moment_of(name, "last")):
                    facts[other] = replace(facts[name], name=other)
                facts[maybe(name)] = Fact(
                    name=maybe(name),
                    kind=Kind.YES_OR_NO,
                    label=fact.label,
                    levels=("yes", "no"),
                    absence=Absence.NO,
                )
        for name in none:
            about = facts[name]
            facts[none_of(name)] = Fact(
                name=none_of(name), kind=Kind.HISTORY, label=about.label, absence=Absence.NO
            )
        return cls(replace(scope, facts=facts), none)

    def answered(self, condition: tree.Condition, told: Container[str]) -> tree.Condition:
        """The rule, where "had" of what somebody denied is no, and of an event that may have happened in the window, and
        surely has not, is what is `told` of those times: why nobody knows. A moment that such an event tells may be another."""
        match condition:
            case tree.Had(name, window) if maybe(name) in told:
                window = _at_its_moment(window, told)
                may_have = tree.OneOf(tree.Pick("any", maybe(name), window), ("yes",))
                return tree.any_of(tree.Had(surely(name), window), may_have)
            case tree.Had(name) if name in self.none:
                return tree.AllOf(
                    (_at_its_moment(condition, told), tree.Not(tree.Had(none_of(name), tree.Ever())))
                )
            case tree.AllOf(parts):
                return tree.all_of(*(self.answered(part, told) for part in parts))
            case tree.AnyOf(parts):
                return tree.any_of(*(self.answered(part, told) for part in parts))
            case tree.Not(part):
                return tree.Not(self.answered(part, told))
            case tree.Confirmed(part, after):
                return tree.Confirmed(self.answered(part, told), after)
            case tree.Consecutive(part, times):
                return tree.Consecutive(self.answered(part, told), times)
            case tree.Compare() if _is_of_a_first(condition):
                # what comes before all that may be the first is not after it, whether it happened or not
                return tree.all_of(*dict.fromkeys((condition, _at_its_moment(condition, told))))
            case _:
                moved: tree.Condition = _at_its_moment(condition, told)
                return moved


def _is_of_a_first(condition: tree.Compare) -> bool:
    """Whether a comparison names the first of something, and nothing in a window."""
    nodes = list(tree.walk(condition))
    return not any(isinstance(node, tree.Within | tree.Since) for node in nodes) and all(
        node.which == "first" for node in nodes if isinstance(node, tree.Moment) and node.name is not None
    )


def _at_its_moment(node: Any, told: Container[str]) -> Any:
    """A node, or some, whose moments are those that an event which may have happened can tell."""
    match node:
        case tree.Moment(str() as name, which) if moment_of(name, which) in told:
            return replace(node, name=moment_of(name, which))
        case tree.Node():
            values = {one.name: getattr(node, one.name) for one in fields(node)}
            changed = {
                name: new for name, old in values.items() if (new := _at_its_moment(old, told)) is not old
            }
            return replace(node, **changed) if changed else node
        case tuple():
            parts = tuple(_at_its_moment(part, told) for part in node)
            return parts if any(new is not old for new, old in zip(parts, node, strict=True)) else node
        case _:
            return node
