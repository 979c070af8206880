"""The tree of a rule: a small closed set of frozen nodes that every reader walks.

A rule is a condition. Conditions compare values, values pick a result out of a person's records, windows say which
records count. `rules.lark` explains each construct to a trialist, `rules.parse_rule` makes the tree.

    last(creatinine, 28 days) > 1.5 ULN

    Compare(
        left=Pick("last", "creatinine", Within(Duration(28, DAYS), "before", HERE)),
        op=">",
        right=Limit(Decimal("1.5"), "ULN"),
    )

Two trees are equal if the rules say the same in other words of the same construct: spacing, redundant parentheses, the
spelling of a unit, `4 weeks` for `28 days`. `at`, the line and column of the word that says most (a name, an operator),
is there for messages and does not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

from trialwright.vocabulary.durations import Duration

At = tuple[int, int]
NOWHERE: At = (0, 0)

Which = Literal["last", "first", "max", "min", "any", "all"]
Ordinal = Literal["first", "last", "any"]
Op = Literal["<", "<=", "=", ">=", ">"]
Side = Literal["before", "after", "around"]
Sign = Literal["+", "-"]
NormalLimit = Literal["ULN", "LLN"]


@dataclass(frozen=True, slots=True)
class Node:
    """Base of all nodes."""

    at: At = field(default=NOWHERE, compare=False, repr=False, kw_only=True)


# --- moments and windows: which records count -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moment(Node):
    """A date: `radical_treatment`, `first durvalumab`, `last durvalumab + 6 months`, or `anchor`.

    `name` is a fact; None means where the rule is judged: the anchor, or the date of the row. `which` picks one of
    several records (`any`: one of them, whichever fits) and is None for a fact known once. `offset` counts forwards with
    `sign` "+", backwards with "-".
    """

    name: str | None = None
    which: Ordinal | None = None
    offset: Duration | None = None
    sign: Sign = "+"


HERE = Moment()


@dataclass(frozen=True, slots=True)
class Within(Node):
    """So long before, after, or on either side of a moment, both ends and the moment itself included.

    In days, weeks, months and years the ends are whole calendar days, in hours instants. `28 days` before 29 January are
    the 1st to the 29th.
    """

    length: Duration
    side: Side = "before"
    moment: Moment = HERE


@dataclass(frozen=True, slots=True)
class Since(Node):
    """From a moment to where the rule is judged, both included."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class During(Node):
    """Inside a named period of the protocol."""

    period: str


@dataclass(frozen=True, slots=True)
class Ever(Node):
    """Any time up to where the rule is judged, that day included. No window at all means the same, unsaid."""


Window: TypeAlias = Within | Since | During | Ever

# --- values: what is compared -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pick(Node):
    """One result of a fact: the latest, earliest, highest or lowest in the window; or each, of which any or all must hold."""

    which: Which
    fact: str
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Count(Node):
    """How many records of a fact lie in the window."""

    fact: str
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Score(Node):
    """A published score computed from the latest result of each of its parts in the window."""

    fact: str
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Age(Node):
    """Completed years of age where the rule is judged."""


@dataclass(frozen=True, slots=True)
class Once(Node):
    """A fact known once per person: `sex`, or a named date of the protocol."""

    fact: str


@dataclass(frozen=True, slots=True)
class RowValue(Node):
    """The value of the row that is judged."""


@dataclass(frozen=True, slots=True)
class RowDate(Node):
    """The date of the row that is judged."""


@dataclass(frozen=True, slots=True)
class Baseline(Node):
    """The baseline of a fact, as the protocol defines baseline; None for the fact whose rows are judged."""

    fact: str | None = None


@dataclass(frozen=True, slots=True)
class Nadir(Node):
    """The lowest result from baseline on (that included) to before the row or the anchor; None as for `Baseline`."""

    fact: str | None = None


@dataclass(frozen=True, slots=True)
class Change(Node):
    """A value less the baseline of its fact, in its unit, or in percent of baseline where compared with percent.

    Of a fact that is itself measured in %, percent means percentage points.
    """

    of: Value


@dataclass(frozen=True, slots=True)
class Ratio(Node):
    """A value divided by the baseline of its fact."""

    of: Value


Value: TypeAlias = (
    Pick | Count | Score | Age | Once | RowValue | RowDate | Baseline | Nadir | Change | Ratio | Moment
)

RESULTS = (Pick, Score, Once, RowValue, Baseline, Nadir)
"""Values that are results themselves. A multiple of one that is 0 is undefined, for nothing is a hundred times 0."""

# --- bounds: what values are compared with ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Quantity(Node):
    """A number with its unit in canonical spelling, or without one. A unit nobody knows stays as written."""

    number: Decimal
    unit: str | None = None
    unit_at: At = field(default=NOWHERE, compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", plain(self.number))


@dataclass(frozen=True, slots=True)
class Length(Node):
    """A length of time: `18 years`."""

    duration: Duration


@dataclass(frozen=True, slots=True)
class Limit(Node):
    """So many times the upper or lower limit of normal of the result on the other side."""

    factor: Decimal
    limit: NormalLimit

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", plain(self.factor))


@dataclass(frozen=True, slots=True)
class Multiple(Node):
    """So many times a value: `100 * baseline`."""

    factor: Decimal
    of: Value

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", plain(self.factor))


@dataclass(frozen=True, slots=True)
class Day(Node):
    """A calendar day: `2024-01-10`."""

    day: date


Bound: TypeAlias = Quantity | Length | Limit | Multiple | Day

# --- conditions: what holds, does not hold, or is unknown -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """A value beside a bound or another value."""

    left: Value
    op: Op
    right: Value | Bound


@dataclass(frozen=True, slots=True)
class OneOf(Node):
    """`is`, `in (...)`; `negated` for `is not` and `not in (...)`.

    Negation belongs to the comparison: `any(x) not in (A)` asks for a result other than A, `not any(x) in (A)` that there
    is no A. Levels are strings as the data have them, `010` is not `10`; beside a number without a unit they are whole
    numbers.
    """

    value: Value
    levels: tuple[str, ...]
    negated: bool = False
    levels_at: tuple[At, ...] = field(default=(), compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Had(Node):
    """There is a record of a drug, procedure, condition or event in the window."""

    fact: str
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Attested(Node):
    """The person named for it attests it, and the attestation has not expired."""

    fact: str


@dataclass(frozen=True, slots=True)
class Not(Node):
    part: Condition


@dataclass(frozen=True, slots=True)
class AllOf(Node):
    """All parts hold. At least two, none of them again an `AllOf`: make it with `all_of`."""

    parts: tuple[Condition, ...]

    def __post_init__(self) -> None:
        _check_parts(self)


@dataclass(frozen=True, slots=True)
class AnyOf(Node):
    """Any part holds. At least two, none of them again an `AnyOf`: make it with `any_of`."""

    parts: tuple[Condition, ...]

    def __post_init__(self) -> None:
        _check_parts(self)


@dataclass(frozen=True, slots=True)
class Confirmed(Node):
    """The row fulfils it, so does the first row at least `after` later, and no row between fails it."""

    condition: Condition
    after: Duration


@dataclass(frozen=True, slots=True)
class Consecutive(Node):
    """The row and the ones directly after it, `times` in all, fulfil it."""

    condition: Condition
    times: int


Condition: TypeAlias = Compare | OneOf | Had | Attested | Not | AllOf | AnyOf | Confirmed | Consecutive

NODES: tuple[type[Node], ...] = (
    *(Compare, OneOf, Had, Attested, Not, AllOf, AnyOf, Confirmed, Consecutive),
    *(Pick, Count, Score, Age, Once, RowValue, RowDate, Baseline, Nadir, Change, Ratio, Moment),
    *(Quantity, Length, Limit, Multiple, Day),
    *(Within, Since, During, Ever),
)


def all_of(*conditions: Condition) -> Condition:
    """All of several, nested ones laid flat; a single one is itself."""
    parts = tuple(part for c in conditions for part in (c.parts if isinstance(c, AllOf) else (c,)))
    return parts[0] if len(parts) == 1 else AllOf(parts)


def any_of(*conditions: Condition) -> Condition:
    """Any of several, nested ones laid flat; a single one is itself."""
    parts = tuple(part for c in conditions for part in (c.parts if isinstance(c, AnyOf) else (c,)))
    return parts[0] if len(parts) == 1 else AnyOf(parts)


def walk(node: Node) -> Iterator[Node]:
    """A node and all nodes below it, in the order of the text."""
    yield node
    for spec in fields(node):
        value = getattr(node, spec.name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, Node):
                yield from walk(child)


def plain(number: Decimal) -> Decimal:
    """A number without trailing zeros or exponent: 1.50 is 1.5, 1E+2 is 100."""
    normal = number.normalize()
    exponent = normal.as_tuple().exponent
    whole = normal.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else normal
    return whole if whole else Decimal(0)


def _check_parts(node: AllOf | AnyOf) -> None:
    if len(node.parts) < 2 or any(isinstance(part, type(node)) for part in node.parts):
        raise ValueError(f"{type(node).__name__} needs two or more parts, none of its own kind")
