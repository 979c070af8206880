"""What the steps of a plan hold: readings, candidates and verdicts as columns, and for whom there is a row.

Steps stand at one of two grains: people, or cases, which are the rows of a fact where rows are judged and people where
not. What does not depend on the row is found once per person.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from trialwright.evaluation.date_terms import Holds, Span
from trialwright.evaluation.reading_terms import Ends, Reading
from trialwright.evaluation.table import KINDS_WITH_RESULTS
from trialwright.evaluation.terms import MET, NOT_MET, Code, Flag, Number, Term, text
from trialwright.protocol.facts import Absence, Fact
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.intervals import RELATIVE_TOLERANCE
from trialwright.vocabulary.verdicts import Reason

MISSING, STALE, CONFLICT = Reason.MISSING.code, Reason.STALE.code, Reason.CONFLICT.code
IMPRECISE, NEEDS_A_PERSON = Reason.IMPRECISE_DATE.code, Reason.NEEDS_A_PERSON.code

Shape = Literal["number", "level", "date"]
"""What a reading is made of."""

ENDS = ("lo", "hi", "lo_open", "hi_open")
FLAGS = ("lo_open", "hi_open")
LIMITS = ("lln_lo", "lln_hi", "uln_lo", "uln_hi")
COLUMNS: Mapping[Shape, tuple[str, ...]] = MappingProxyType(
    {
        "number": (*ENDS, "reason", "tolerance"),
        "level": ("level", "reason"),
        "date": ("lo", "hi", "reason"),
    }
)
NO_DATES = "CAST(NULL AS TIMESTAMP) AS earliest, CAST(NULL AS TIMESTAMP) AS latest"
PLACE = ("record", "earliest", "latest", "is_past", "is_nowhere", "held")
SURELY_ONE = f"NULL AS record, {NO_DATES}, FALSE AS is_past, FALSE AS is_nowhere, {MET} AS held"
"""The place of a candidate that is no record."""


@dataclass(frozen=True, slots=True)
class Grain:
    """What a step has a row for, or several: the step with one row for each, and what tells them apart."""

    step: str
    keys: tuple[str, ...]

    @property
    def columns(self) -> str:
        return ", ".join(self.keys)

    def of(self, source: str) -> str:
        return ", ".join(f"{source}.{key}" for key in self.keys)

    def same(self, one: str, other: str) -> str:
        return " AND ".join(f"{one}.{key} = {other}.{key}" for key in self.keys)


def shape_of(fact: Fact) -> Shape:
    if fact.kind is Kind.NUMBER:
        return "number"
    return "date" if fact.kind is Kind.DATE or fact.kind.is_history else "level"


def reading_of(shape: Shape, source: str, tolerance: Number | None = None) -> Reading:
    """The reading that the columns of a step hold. Limits of normal are there for records of numbers only."""

    def column(name: str) -> Term:
        return Term(f"{source}.{name}", is_flag=name in FLAGS)

    if shape == "level":
        return Reading(Ends(0.0, 0.0), column("reason"), level=column("level"))
    if shape == "date":
        return Reading(Ends(column("lo"), column("hi")), column("reason"), is_date=True)
    limits = [Ends(column(f"{limit}_lo"), column(f"{limit}_hi")) for limit in ("lln", "uln")]
    ends = Ends(*(column(name) for name in ENDS))
    return Reading(
        ends,
        column("reason"),
        column("tolerance") if tolerance is None else tolerance,
        lln=limits[0],
        uln=limits[1],
    )


def written(shape: Shape, reading: Reading) -> str:
    """A reading as the columns of a step."""
    value = reading.value
    parts = {
        "lo": value.lo,
        "hi": value.hi,
        "lo_open": value.lo_open,
        "hi_open": value.hi_open,
        "reason": reading.reason,
        "tolerance": reading.tolerance,
        "level": reading.level,
    }
    return ", ".join(f"{text(parts[name])} AS {name}" for name in COLUMNS[shape])


def read(fact: Fact) -> str:
    """What a record `o` says, as the columns of a step."""
    shape = shape_of(fact)
    if shape == "date":
        return written(shape, Span.of("o").reading)
    columns = [f"o.{name}" for name in COLUMNS[shape] if name != "tolerance"]
    if shape == "number":
        columns.append(f"{tolerance_of('o.is_converted')} AS tolerance")
    limits = [f"o.{limit} AS {limit}_{end}" for limit in ("lln", "uln") for end in ("lo", "hi")]
    return ", ".join([*columns, *(limits if shape == "number" else ())])


def tolerance_of(is_converted: str) -> str:
    """A converted number is compared with the tolerance of products."""
    return f"CASE WHEN {is_converted} THEN {text(RELATIVE_TOLERANCE)} ELSE {text(0.0)} END"


def names_of(shape: Shape) -> tuple[str, ...]:
    """The names of the columns that `read` gives."""
    return (*COLUMNS[shape], *(LIMITS if shape == "number" else ()))


def counts(fact: Fact, person: str) -> str:
    """Which observations `o` are records of a fact: up to the data cut, and with a result if it is one that has results."""
    has_result = " AND o.reason IS NOT NULL" if fact.kind in KINDS_WITH_RESULTS else ""
    return f"{is_seen(person)} AND o.fact = {text(fact.name)}{has_result}"


def is_seen(person: str) -> str:
    """Which observations `o` are a person's, up to the data cut."""
    return (
        f"o.subject = {person}.subject AND ({person}.cut_latest IS NULL OR o.earliest <= {person}.cut_latest)"
    )


# --- absence ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Absent:
    """What it means that the window holds no record.

    `code` is a verdict; None is the level `no`. `nowhere` is the verdict where the moment that the window counts from is
    not known; None where that changes nothing.
    """

    code: int | None
    may_be_stale: bool = False
    nowhere: int | None = None

    def default(self, is_no: int) -> int:
        """The verdict where there is no candidate; `is_no` is that of the level `no`."""
        return is_no if self.code is None else self.code

    def of_group(self, is_no: int, *, is_told: bool = True) -> str:
        """The verdict over the candidates of a case, none of them held; null for missing or stale where not told here."""
        code = str(self.default(is_no))
        if self.may_be_stale and self.code == MISSING:
            code = f"CASE WHEN bool_or(is_past) THEN {STALE} ELSE {MISSING} END" if is_told else "NULL"
        if self.nowhere is None or code == str(self.nowhere):
            return code
        return f"CASE WHEN bool_or(is_nowhere) THEN {self.nowhere} ELSE {code} END"


def absence_of(fact: Fact) -> int:
    return {Absence.NO: NOT_MET, Absence.ASK: NEEDS_A_PERSON, Absence.UNKNOWN: MISSING}[fact.absence]


def absent_of(fact: Fact, *, may_be_stale: bool = False) -> Absent:
    """What stands in for a result that is not there: `no`, for a yes-or-no fact that is so unless somebody says else."""
    if fact.kind is Kind.YES_OR_NO and fact.absence is Absence.NO:
        return Absent(None)
    return Absent(absence_of(fact), may_be_stale)


# --- what is found, and what it is compared with ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Single:
    """At most one reading per case, written over the columns of the cases `c`; it is missing where not there."""

    shape: Shape
    reading: Reading
    is_there: Flag = True


@dataclass(frozen=True, slots=True)
class Several:
    """A step with candidates, which of them is asked for, and what it means that there is none.

    `first_seen` is a step with the date per person of the first record there is, where it depends on that and on the row
    whether there is none or a stale one.
    """

    shape: Shape
    step: str
    grain: Grain
    which: str
    absent: Absent
    first_seen: str | None = None


Found: TypeAlias = Single | Several


@dataclass(frozen=True, slots=True)
class Readings:
    """A step with all that a value on the right may be. A case without a row has nothing to compare with."""

    shape: Shape
    step: str
    grain: Grain
    tolerance: Number | None = None
    """The tolerance of all of them, where it is known beforehand."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What a reading is compared with: a bound made of it and of one reading of each step."""

    bound: Callable[[Reading, Sequence[Reading]], Reading]
    steps: tuple[Readings, ...] = ()
    cause: int = 0
    """What to blame where bounds differ, unless the cause of a step is told before it."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How a window holds dates: whether it holds a date, where it has no place, and the moments it may count from."""

    holds: Callable[[Span], Holds]
    is_nowhere: Flag = False
    nowhere: int | None = None
    moments: str | None = None
    """A step of moments `m`, any of which holds a date (`any`), or all of which must agree."""
    any_of_them: bool = False
    is_one_moment: bool = False
    """Whether there is one of them at most."""
    is_of_person: bool = False
    """Whether it is the same for all rows of a person."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """The verdict of a condition: that of a step, and a term over the cases `c` where the step has none."""

    term: Code
    step: str | None = None
    grain: Grain | None = None
    first_seen: str | None = None
    """A step with a row per person that the term asks as well."""
    column: str = "verdict"
    """Where the step has it."""
    named: Mapping[str, str] = field(default_factory=dict)
    """The columns that long terms of it stand in, by the term."""


# --- one of several -----------------------------------------------------------------------------------------------------

IS_SURE = f"l.held = {MET} AND CAST(l.earliest AS DATE) = CAST(l.latest AS DATE)"
SETTLED = (
    f"CASE WHEN best = {NOT_MET} THEN absent WHEN best = {MET} OR verdict = absent THEN verdict "
    f"WHEN verdict = {MET} THEN {IMPRECISE} ELSE GREATEST({IMPRECISE}, verdict) END"
)
"""The verdict of a case whose candidates say `verdict`: `best` is the surest of them, `absent` what there is without them."""


def is_kept(which: str) -> str:
    """Which candidates `l` beside their `best` may be the one asked for. One that surely belongs and is surely later
    leaves an earlier one out."""
    held = f"l.held > {NOT_MET}"
    match which:
        case "last":
            return f"{held} AND (e.edge IS NULL OR l.latest >= e.edge)"
        case "first":
            return f"{held} AND (e.edge IS NULL OR l.earliest <= e.edge)"
        case _:
            return held


def agreed(code: str, cause: str) -> str:
    """What all codes of a group say; where they differ, unknown for the cause or for what is told before it; null if none."""
    told = f"GREATEST({cause}, max(NULLIF({code}, {MET})))"
    return f"CASE WHEN min({code}) = max({code}) THEN min({code}) WHEN count({code}) > 0 THEN {told} END"


def all_of(code: str) -> str:
    """And, over the codes of a group."""
    told = f"COALESCE(max(NULLIF({code}, {MET})), {MET})"
    return f"CASE WHEN min({code}) = {NOT_MET} THEN {NOT_MET} ELSE {told} END"


def grouped(which: str, code: str, grain: Grain, candidates: str, absent: str, *, more: str = "") -> str:
    """What the candidates `l` of a case say: `verdict`, as if all that are kept were sure to belong, `best` and `absent`.

    Those of which one is asked for by date stand beside the `best` of their case, as `e`; `more` are columns of the group.

    any     one that belongs passes
    all     every one that belongs passes
    else    all that may be the one agree
    """
    if which == "any":
        held = f"CASE WHEN said = {NOT_MET} OR held = {MET} THEN said WHEN said = {MET} THEN held ELSE GREATEST(held, said) END"
        verdict = f"max({held})"
    elif which == "all":
        verdict = all_of(f"CASE WHEN held = {MET} OR said IS NULL THEN said ELSE GREATEST(held, said) END")
    elif which == "once":
        verdict = agreed("said", str(CONFLICT))
    else:
        verdict = agreed(
            "said", f"min(CASE WHEN said IS NULL OR {IS_SURE} THEN {CONFLICT} ELSE {IMPRECISE} END)"
        )
    columns = f"{grain.columns}, {verdict} AS verdict, max(held) AS best, {absent} AS absent{more}"
    said = f"SELECT l.*, CASE WHEN {is_kept(which)} THEN {code} END AS said FROM {candidates}"
    return f"SELECT {columns} FROM ({said}) l GROUP BY {grain.columns}"
