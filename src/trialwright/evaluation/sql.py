"""Rules as SQL, and DuckDB to judge rows or people by the million with it.

There is one query for all: `render_rules_sql` writes it, `judge_with_duckdb` runs it over frames in memory, a database runs
its text. So derivations, screening and a hospital's database cannot differ.

A query cannot compute a score (`not-for-many`): that is refused where the query is written. What a person must attest is
judged by the records of attestations there are; where a database has none, it stays open (needs a person) and is never
inferred.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

import polars as pl

from trialwright.evaluation import terms
from trialwright.evaluation.duck import answer_query, connect, put_tables
from trialwright.evaluation.plan import Plan
from trialwright.evaluation.table import OBSERVATIONS, check_tables, date_columns, subject_schema
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Scope
from trialwright.protocol.rule_checks import check_rule
from trialwright.protocol.rules import RULE
from trialwright.vocabulary.partial_dates import LeapBirthday
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound, Severity

Dialect: TypeAlias = Literal["duckdb", "spark", "postgres"]

AT_ONCE = 5_000_000
"""How many pairs of a case and a record are judged at once: 22 criteria took 2.3 GB of memory."""

_KEYS = frozenset({"subject", "record", "fact"})
_LONGEST_NAME = 63
"""PostgreSQL cuts longer names, in bytes, without an error."""


def render_sql(
    condition: tree.Condition,
    scope: Scope,
    *,
    start: Place = RULE,
    leap_birthday: LeapBirthday = LeapBirthday.MARCH_1,
    dialect: Dialect = "duckdb",
) -> str:
    """The query of one rule, as `render_rules_sql` has it; the verdict stands in the column `verdict`."""
    rules = {"verdict": condition}
    return render_rules_sql(rules, scope, start=start, leap_birthday=leap_birthday, dialect=dialect)


def render_rules_sql(
    conditions: Mapping[str, tree.Condition],
    scope: Scope,
    *,
    start: Place = RULE,
    leap_birthday: LeapBirthday = LeapBirthday.MARCH_1,
    dialect: Dialect = "duckdb",
) -> str:
    """One query for several rules.

    It reads the tables `observations` and `subjects` (see `table`) and gives, in no order, a row per subject, or per
    subject and record where the scope judges rows, with the verdict code of each rule in a column named like it. Steps
    that rules have in common are done once.

    Raises
    ------
    ProblemsFound
        If a rule has an error, asks for what cannot be judged in a query (`not-for-many`), or if a name would become
        another one in the dialect (`not-in-dialect`).
    ValueError
        If there is no rule, or one is called like a key of the result.
    """
    keys = _keys(scope)
    if not conditions or any(name in keys for name in conditions):
        raise ValueError(f"one rule or more must be given, none of them called {' or '.join(keys)}")
    for condition in conditions.values():
        found = check_rule(condition, scope, start=start)
        errors = [problem for problem in found if problem.severity is Severity.ERROR]
        if errors:
            raise ProblemsFound(errors)
    plan = Plan(scope, leap_birthday, start)
    last, columns = plan.verdicts(list(conditions.values()), plan.cases.of("c"))
    verdicts = ", ".join(
        f"CAST({column} AS SMALLINT) AS {terms.name(rule)}"
        for rule, column in zip(conditions, columns, strict=True)
    )
    told = "subject" if scope.rows_of is None else "subject, row_record AS record"
    query = plan.query(f"SELECT {told}, {verdicts} FROM {last} v")
    if dialect == "duckdb":
        return query
    _refuse_names((*keys, *conditions, *date_columns(scope.periods)), dialect, start)
    return _transpiled(query, dialect)


def judge_with_duckdb(
    conditions: Mapping[str, tree.Condition],
    scope: Scope,
    *,
    observations: pl.DataFrame,
    subjects: pl.DataFrame,
    leap_birthday: LeapBirthday = LeapBirthday.MARCH_1,
    n_threads: int | None = None,
    at_once: int = AT_ONCE,
    rules_at_once: int | None = None,
) -> pl.DataFrame:
    """Judge rules for all subjects, or for all rows of a fact where the scope judges rows.

    Parameters
    ----------
    conditions : mapping of str to Condition
        Rules by the name that their column gets.
    scope : Scope
    observations, subjects : DataFrame
        Tables as `table` describes them.
    leap_birthday : LeapBirthday
        When who was born on 29 February grows older.
    n_threads : int, optional
        How many threads DuckDB may use; as many as there are processors if not given.
    at_once : int
        How many pairs of a case and a record are judged at once, at most; those of one subject always are. It bounds
        the memory taken and changes no verdict.
    rules_at_once : int, optional
        How many rules one query judges, at most; all of them if not given. It changes no verdict: one query does steps
        that rules have in common once, and takes longer to plan than several shorter ones.

    Returns
    -------
    verdicts : DataFrame
        `subject`, `record` where rows are judged, and the codes of each rule as UInt8; in the order of the keys.

    Raises
    ------
    ProblemsFound
        As `render_rules_sql` does.
    ValueError
        If a table does not keep its contract.
    """
    names, step = list(conditions), rules_at_once or max(len(conditions), 1)
    parts = [names[start : start + step] for start in range(0, len(names), step)] or [names]
    queries = [
        render_rules_sql({name: conditions[name] for name in part}, scope, leap_birthday=leap_birthday)
        for part in parts
    ]
    check_tables(observations, subjects, scope.facts, scope.periods)
    asked = pl.col("fact").is_in(list(_facts_asked(conditions.values(), scope)))
    observations = observations.select(columns_named(OBSERVATIONS, "o", queries)).filter(asked)
    subjects = subjects.select(columns_named(subject_schema(scope.periods), "s", queries))
    judged = []
    with connect(n_threads=n_threads) as connection:
        for tables in _batches(observations, subjects, scope, at_once):
            put_tables(connection, tables)
            answers = [answer_query(connection, query).sort(_keys(scope)) for query in queries]
            codes = [answer.drop(_keys(scope)) for answer in answers[1:]]
            judged.append(pl.concat([answers[0], *codes], how="horizontal"))
    return pl.concat(judged).cast(dict.fromkeys(conditions, pl.UInt8))


def columns_named(columns: Iterable[str], source: str, queries: Iterable[str]) -> list[str]:
    """The keys of a table and those of its columns that queries name, calling it `source`; the others need not be copied."""
    text = "\n".join(queries)

    def is_named(column: str) -> bool:
        return any(f"{source}.{written}" in text for written in (column, terms.name(column)))

    return [column for column in columns if column in _KEYS or is_named(column)]


def _keys(scope: Scope) -> list[str]:
    return ["subject"] if scope.rows_of is None else ["subject", "record"]


def _facts_asked(conditions: Iterable[tree.Condition], scope: Scope) -> set[str]:
    """The facts that rules name, and that of the rows."""
    nodes = [node for condition in conditions for node in tree.walk(condition)]
    names = [getattr(node, attribute, None) for node in nodes for attribute in ("fact", "name")]
    return {name for name in (*names, scope.rows_of) if name is not None and name in scope.facts}


def _batches(
    observations: pl.DataFrame, subjects: pl.DataFrame, scope: Scope, at_once: int
) -> Iterator[dict[str, pl.DataFrame]]:
    """The tables in parts of whole subjects, in the order of subjects."""
    n_cases = pl.lit(1) if scope.rows_of is None else (pl.col("fact") == scope.rows_of).sum()
    pairs = observations.group_by("subject").agg(pairs=pl.len().cast(pl.Int64) * n_cases.cast(pl.Int64))
    if subjects.is_empty() or pairs["pairs"].sum() <= at_once:
        yield {"observations": observations, "subjects": subjects}
        return
    ordered = subjects.sort("subject").join(pairs, on="subject", how="left", maintain_order="left")
    batch = pl.col("pairs").fill_null(0).cum_sum() // at_once
    ends = ordered.group_by(batch.alias("batch"), maintain_order=True).agg(
        first=pl.col("subject").first(), last=pl.col("subject").last()
    )
    for first, last in ends.select("first", "last").iter_rows():
        is_in_part = pl.col("subject").is_between(pl.lit(first), pl.lit(last))
        yield {"observations": observations.filter(is_in_part), "subjects": subjects.filter(is_in_part)}


# --- other dialects -----------------------------------------------------------------------------------------------------


def _refuse_names(names: Iterable[str], dialect: Dialect, start: Place) -> None:
    """Refuse names that the dialect would take for others: every other difference is one of spelling."""
    several = list(dict.fromkeys(names))
    if dialect == "postgres":
        cut = [name for name in several if len(name.encode()) > _LONGEST_NAME]
        messages = [f"PostgreSQL cuts names after {_LONGEST_NAME} bytes: `{name}`" for name in cut]
    else:
        alike = defaultdict(list)
        for name in several:
            alike[name.casefold()].append(name)
        messages = [
            f"Spark takes {' and '.join(f'`{name}`' for name in same)} for one name"
            for same in alike.values()
            if len(same) > 1
        ]
    if messages:
        raise ProblemsFound(Problem("not-in-dialect", message, start) for message in messages)


def _transpiled(query: str, dialect: Dialect) -> str:
    """A query of ours in another dialect."""
    # sqlglot takes a fifth of a second to import: only who asks for another dialect pays for it
    from sqlglot import ErrorLevel, exp, parse_one

    def with_doubles(node: exp.Expression) -> exp.Expression:
        # PostgreSQL has 0.1e0 for a decimal, and decimals are rounded in other places.
        is_double = isinstance(node, exp.Literal) and not node.is_string and "e" in node.name
        return exp.cast(node, exp.DataType.Type.DOUBLE) if is_double else node

    parsed = parse_one(query, dialect="duckdb")
    if dialect == "postgres":
        parsed = parsed.transform(with_doubles)
    return parsed.sql(dialect=dialect, unsupported_level=ErrorLevel.RAISE)
