"""Well-typed rules of every construct, for the laws of the language and for the proofs of its readers.

`rules(rows_of)` draws trees that `check_rule` finds no error in, over the facts of `trial_rules`. Rules are judged at an
anchor (`rows_of=None`) or per row of a fact.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, TypeAlias, get_args

from hypothesis import strategies as st
from tests.strategies.trial_rules import FACTS, PERIODS

from trialwright.protocol import rule_tree as tree
from trialwright.protocol.rule_tree import Condition, Moment, Value
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.durations import Duration, TimeUnit

ROWS = (None, "hbv_dna", "alt", "ecog", "lirads", "durvalumab", "hepatitis_flare")

# Units a threshold may be written in, beside the fact's own.
UNITS: dict[str, tuple[str | None, ...]] = {
    "hbv_dna": ("IU/mL", "kIU/mL", "IU/L"),
    "hbsag_quantity": ("IU/mL", "mIU/mL"),
    "anti_hbs": ("mIU/mL", "IU/L"),
    "alt": ("U/L", "ukat/L", "IU/L"),
    "ast": ("U/L", "ukat/L", "IU/L"),
    "alp": ("U/L", "ukat/L", "IU/L"),
    "bilirubin": ("umol/L", "mg/dL"),
    "albumin": ("g/L", "g/dL"),
    "inr": (None,),
    "creatinine": ("umol/L", "mg/dL"),
    "platelets": ("10^9/L", "10^3/uL", "cells/uL"),
    "neutrophils": ("10^9/L", "10^3/uL"),
    "afp": ("ng/mL", "ug/L"),
    "ecog": (None,),
    "pd1_cd8": ("%",),
}
NUMBERS = tuple(UNITS)
LEVELLED = (*(fact.name for fact in FACTS.values() if fact.levels), "ecog")
HISTORIES = tuple(fact.name for fact in FACTS.values() if fact.kind.is_history)
ATTESTATIONS = tuple(fact.name for fact in FACTS.values() if fact.kind is Kind.ATTESTATION)
DATES = tuple(fact.name for fact in FACTS.values() if fact.kind is Kind.DATE)
SCORES = tuple(fact.name for fact in FACTS.values() if fact.kind is Kind.SCORE)
Strategy: TypeAlias = st.SearchStrategy[Any]


def _made(kind: Callable[..., Any], *parts: Strategy) -> Strategy:
    """Nodes of drawn parts. Plainer than `st.builds`, and faster where hundreds of thousands are drawn."""
    return st.tuples(*parts).map(lambda drawn: kind(*drawn))


@st.composite
def _one_of(draw: st.DrawFn, *branches: Callable[[], Strategy]) -> Any:
    """One of several branches, each as likely as the next; `st.one_of` would lay the alternatives of all side by side."""
    return draw(draw(st.sampled_from(branches))())


_OPERATORS = st.sampled_from(get_args(tree.Op))
_SIGNS = st.sampled_from(get_args(tree.Sign))
numbers = st.one_of(
    st.integers(0, 3000).map(Decimal),
    st.integers(0, 30_000_000).map(lambda n: tree.plain(Decimal(n) / 10_000)),
)
factors = st.one_of(
    st.integers(1, 100).map(Decimal), st.integers(1, 2000).map(lambda n: tree.plain(Decimal(n) / 100))
)
durations = st.one_of(
    _made(Duration, st.integers(0, 400), st.sampled_from((TimeUnit.DAYS, TimeUnit.HOURS))),
    _made(Duration, st.integers(0, 60), st.sampled_from((TimeUnit.WEEKS, TimeUnit.MONTHS))),
    _made(Duration, st.integers(0, 10), st.just(TimeUnit.YEARS)),
)


def _moments(which: tuple[str, ...], *, here: bool = True) -> Strategy:
    """Moments; `here` says whether the anchor may be one."""
    named = st.tuples(st.sampled_from(DATES), st.none())
    record = st.tuples(st.sampled_from((*HISTORIES, *NUMBERS)), st.sampled_from(which))
    base = st.one_of(named, record, st.just((None, None))) if here else st.one_of(named, record)
    return st.one_of(
        base.map(lambda it: Moment(*it)),
        st.tuples(base, durations, _SIGNS).map(lambda it: Moment(*it[0], it[1], it[2])),
    )


windows: Strategy = st.one_of(
    _made(tree.Within, durations),
    _made(tree.Within, durations, st.sampled_from(get_args(tree.Side)), _moments(("first", "last", "any"))),
    _made(tree.Since, _moments(("first", "last"))),
    _made(tree.During, st.sampled_from(tuple(PERIODS))),
    st.just(tree.Ever()),
)
maybe_windows = _one_of(st.none, lambda: windows)


def _picks(fact: str, which: tuple[str, ...]) -> Strategy:
    return _made(tree.Pick, st.sampled_from(which), st.just(fact), maybe_windows)


def _results(fact: str, rows_of: str | None, which: tuple[str, ...]) -> Strategy:
    """Values of a numeric fact that stand in its unit."""
    others: list[Value] = [tree.Baseline(fact), tree.Nadir(fact)]
    if fact == rows_of:
        others += [tree.RowValue(), tree.RowValue(), tree.Baseline(), tree.Nadir()]
    return st.one_of(_picks(fact, which), st.sampled_from(others))


def _number_comparisons(fact: str, rows_of: str | None) -> Strategy:
    single = ("last", "first", "max", "min")
    results = _results(fact, rows_of, single)
    one_result = (
        st.one_of(_picks(fact, single), st.just(tree.RowValue())) if fact == rows_of else _picks(fact, single)
    )
    units = st.sampled_from(UNITS[fact])
    bounds: list[Strategy] = [
        _made(tree.Quantity, numbers, units),
        _made(tree.Multiple, factors, results),
        results,
    ]
    if FACTS[fact].has_normal_range:
        bounds += [_made(tree.Limit, factors, st.just(limit)) for limit in get_args(tree.NormalLimit)]
    changes = _made(
        tree.Quantity,
        _made(lambda number, sign: number * sign, numbers, st.sampled_from((1, -1))),
        st.one_of(units, st.just("%")) if FACTS[fact].unit else units,
    )
    return st.one_of(
        _made(tree.Compare, _results(fact, rows_of, (*single, "any", "all")), _OPERATORS, st.one_of(bounds)),
        _made(tree.Compare, _made(tree.Change, one_result), _OPERATORS, changes),
        _made(tree.Compare, _made(tree.Ratio, one_result), _OPERATORS, _made(tree.Quantity, numbers)),
    )


def _level_comparisons(fact: str, rows_of: str | None) -> Strategy:
    levels = FACTS[fact].levels or ("0", "1", "2", "3")
    values = st.just(tree.Once(fact)) if FACTS[fact].once else _picks(fact, ("last", "first", "any", "all"))
    if fact == rows_of:
        values = st.one_of(values, st.sampled_from((tree.RowValue(), tree.Baseline())))
    some = st.lists(st.sampled_from(levels), min_size=1, max_size=3, unique=True).map(tuple)
    return _made(tree.OneOf, values, some, st.booleans())


def _date_comparisons(rows_of: str | None) -> Strategy:
    days = _made(tree.Day, st.dates(date(1990, 1, 1), date(2040, 12, 31)))
    dates = _moments(("first", "last"), here=rows_of is None).map(_as_value)
    if rows_of is not None:
        dates = st.one_of(dates, st.just(tree.RowDate()))
    return _made(tree.Compare, dates, _OPERATORS, st.one_of(dates, days))


def _as_value(moment: Moment) -> Value:
    """A bare name is a fact known once, as the parser has it."""
    bare = moment.which is None and moment.offset is None
    return tree.Once(moment.name) if bare and moment.name else moment


_ANYWHERE = st.one_of(
    _made(
        tree.Compare,
        _made(tree.Count, st.sampled_from((*HISTORIES, *NUMBERS)), maybe_windows),
        _OPERATORS,
        _made(tree.Quantity, st.integers(0, 30).map(Decimal)),
    ),
    _made(
        tree.Compare,
        _made(tree.Score, st.sampled_from(SCORES), maybe_windows),
        _OPERATORS,
        _made(tree.Quantity, st.integers(-3, 15).map(Decimal)),
    ),
    _made(
        tree.Compare,
        st.just(tree.Age()),
        _OPERATORS,
        st.integers(0, 110).map(lambda years: tree.Length(Duration(years, TimeUnit.YEARS))),
    ),
    _made(tree.Had, st.sampled_from(HISTORIES), maybe_windows),
    st.sampled_from(ATTESTATIONS).map(tree.Attested),
)


_number_comparisons = cache(_number_comparisons)
_level_comparisons = cache(_level_comparisons)
_date_comparisons = cache(_date_comparisons)


@st.composite
def leaves(draw: st.DrawFn, rows_of: str | None) -> Condition:
    """Conditions without a condition inside; where rows are judged, many of them about the row."""
    make, names = draw(st.sampled_from(((_number_comparisons, NUMBERS), (_level_comparisons, LEVELLED))))
    if rows_of in names and draw(st.booleans()):
        return draw(make(rows_of, rows_of))
    kind = draw(st.sampled_from(("comparison", "date", "other")))
    if kind == "comparison":
        return draw(make(draw(st.sampled_from(names)), rows_of))
    return draw(_date_comparisons(rows_of) if kind == "date" else _ANYWHERE)


def _compounds(parts: Strategy) -> Strategy:
    several = st.lists(parts, min_size=2, max_size=3)
    return st.one_of(
        _made(tree.Not, parts),
        several.map(lambda some: tree.all_of(*some)),
        several.map(lambda some: tree.any_of(*some)),
    )


@cache
def rules(rows_of: str | None = None, *, max_leaves: int = 5) -> Strategy:
    """Rules of every construct that makes sense where they are judged: trees of `rule_tree.Condition`."""
    plain = st.recursive(leaves(rows_of), _compounds, max_leaves=max_leaves)
    if rows_of is None:
        return plain
    repeated = st.one_of(
        _made(tree.Confirmed, plain, durations), _made(tree.Consecutive, plain, st.integers(2, 5))
    )
    return _one_of(lambda: plain, lambda: repeated, lambda: _compounds(st.one_of(leaves(rows_of), repeated)))


@st.composite
def judged_rules(draw: st.DrawFn) -> tuple[Condition, str | None]:
    """A rule and the fact whose rows it judges, or None."""
    rows_of = draw(st.sampled_from(ROWS))
    return draw(rules(rows_of)), rows_of
