"""Numbers, flags and verdicts as SQL expressions, written with Python's operators.

A term is a piece of SQL over the columns of one row. Whatever is known when the rule is read stays a Python number, flag
or code and is folded away.

No term is ever null where its columns keep the contract of `table`; a code is a verdict of `vocabulary.verdicts`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

from trialwright.vocabulary.verdicts import Verdict

MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
INFINITY = math.inf


class Term:
    """A piece of SQL. `&`, `|` and `^ True` are and, or and not; `==` is equality in SQL, not of terms."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("is_flag", "parts", "sql")

    def __init__(self, sql: str, *, is_flag: bool = False, parts: tuple[str, ...] = ()) -> None:
        self.sql = sql
        self.is_flag = is_flag
        self.parts = parts or (sql,)
        """What it is the conjunction of."""

    def __str__(self) -> str:
        return self.sql

    def __bool__(self) -> bool:
        raise TypeError(f"whether `{self.sql}` holds is not known before the query runs")

    def __add__(self, other: Any) -> Term:
        return self if is_number(other, 0) else _joined(self, "+", other)

    def __radd__(self, other: Any) -> Term:
        return self if is_number(other, 0) else _joined(other, "+", self)

    def __sub__(self, other: Any) -> Term:
        return _joined(self, "-", other)

    def __rsub__(self, other: Any) -> Term:
        return _joined(other, "-", self)

    def __mul__(self, other: Any) -> Term:
        return self if is_number(other, 1) else _joined(self, "*", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Term:
        return _joined(self, "/", other)

    def __lt__(self, other: Any) -> Term:
        return _joined(self, "<", other, is_flag=True)

    def __le__(self, other: Any) -> Term:
        return _joined(self, "<=", other, is_flag=True)

    def __gt__(self, other: Any) -> Term:
        return _joined(self, ">", other, is_flag=True)

    def __ge__(self, other: Any) -> Term:
        return _joined(self, ">=", other, is_flag=True)

    def __eq__(self, other: object) -> Term:  # type: ignore[override]
        return _joined(self, "=", other, is_flag=True)

    def __ne__(self, other: object) -> Term:  # type: ignore[override]
        return _joined(self, "<>", other, is_flag=True)

    def __and__(self, other: Flag) -> Flag:
        if isinstance(other, bool):
            return self if other else False
        return _all(dict.fromkeys((*self.parts, *other.parts)))

    def __or__(self, other: Flag) -> Flag:
        if isinstance(other, bool):
            return True if other else self
        return _joined(self, "OR", other, is_flag=True)

    __rand__ = __and__
    __ror__ = __or__

    def __xor__(self, other: Flag) -> Flag:
        if other is not True:
            raise TypeError("of a term `^` can only make the opposite: `term ^ True`")
        return Term(f"(NOT {self.sql})", is_flag=True)


Flag: TypeAlias = Term | bool
Number: TypeAlias = Term | float
Code: TypeAlias = Term | int


def _all(parts: Iterable[str]) -> Flag:
    several = tuple(parts)
    if len(several) < 2:
        return Term(several[0], is_flag=True) if several else True
    return Term(f"({' AND '.join(several)})", is_flag=True, parts=several)


def _without(flag: Flag, known: Flag) -> Flag:
    """A flag where another is known to be false."""
    if isinstance(flag, Term) and isinstance(known, Term):
        opposite = text(known ^ True)
        return _all(part for part in flag.parts if part != opposite)
    return flag


def is_number(value: object, number: int) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == number


def _joined(left: Any, operator: str, right: Any, *, is_flag: bool = False) -> Term:
    """Two operands in parentheses. A flag in a sum counts as 1 or 0."""
    operands = (left, right)
    if not is_flag:
        operands = tuple(when((it, 1), 0) if isinstance(it, Term) and it.is_flag else it for it in operands)
    return Term(f"({text(operands[0])} {operator} {text(operands[1])})", is_flag=is_flag)


def text(value: Any) -> str:
    """The SQL of a term or a literal: numbers to the last bit, texts and names quoted, never pasted.

    Raises
    ------
    TypeError
        If there is no literal of its type.
    ValueError
        If a number is NaN, or a text holds a control character.
    """
    match value:
        case Term():
            return value.sql
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value) if value >= 0 else f"({value})"
        case float():
            return _text_of_float(value)
        case date():
            return f"DATE '{value.isoformat()}'"
        case str():
            if not value.isprintable():
                raise ValueError(f"{value!r} cannot stand in a query: it holds a control character")
            return "'" + value.replace("'", "''") + "'"
        case _:
            raise TypeError(f"{value!r} cannot stand in a query")


def _text_of_float(number: float) -> str:
    if math.isnan(number):
        raise ValueError("not a number cannot stand in a query")
    if math.isinf(number):
        return f"CAST('{'-' if number < 0 else ''}Infinity' AS DOUBLE)"
    # With an exponent it is a double; 0.1 would be a decimal, rounded in other places.
    digits = repr(number + 0.0).removesuffix(".0")
    digits = digits if "e" in digits else f"{digits}e0"
    return f"({digits})" if number < 0 else digits


def name(identifier: str) -> str:
    """A name of a column, quoted."""
    if not identifier.isprintable():
        raise ValueError(f"{identifier!r} cannot be the name of a column")
    return '"' + identifier.replace('"', '""') + '"'


def flag(sql: str) -> Term:
    """What holds or does not."""
    return Term(f"({sql})", is_flag=True)


def when(*choices: Any) -> Any:
    """The first choice whose flag holds, `(flag, value), ..., otherwise`; what is known to hold or not is left out."""
    *pairs, otherwise = choices
    kept: list[tuple[Term, Any]] = []
    for flag, value in pairs:
        if isinstance(flag, Term):
            kept.append((flag, value))
        elif flag:
            otherwise = value
            break
    if not kept:
        return otherwise
    is_flag = all(
        isinstance(value, bool) or (isinstance(value, Term) and value.is_flag)
        for value in (*(value for _, value in kept), otherwise)
    )
    cases = " ".join(f"WHEN {flag} THEN {text(value)}" for flag, value in kept)
    return Term(f"CASE {cases} ELSE {text(otherwise)} END", is_flag=is_flag)


class Names:
    """Long terms that a query computes once, in a subquery, and the columns they stand in above it."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        """The columns of a whole plan, by their terms."""
        self.used: dict[str, str] = {}

    def __call__(self, term: Any) -> Any:
        if not isinstance(term, Term):
            return term
        self.used[term.sql] = self.known.setdefault(term.sql, f"side_{len(self.known) + 1}")
        return Term(self.used[term.sql], is_flag=term.is_flag)


def source(step: str, alias: str, columns: Mapping[str, str]) -> str:
    """A step to select from, with more columns beside its own."""
    if not columns:
        return f"{step} {alias}"
    several = ", ".join(f"{sql} AS {column}" for sql, column in columns.items())
    return f"(SELECT {alias}.*, {several} FROM {step} {alias}) {alias}"  # noqa: S608


def least(*values: Any) -> Any:
    return _extreme("LEAST", min, values)


def greatest(*values: Any) -> Any:
    return _extreme("GREATEST", max, values)


def at_least_0(*values: Any) -> Any:
    """The greatest of several that are never below 0, such as reasons."""
    some = [value for value in values if isinstance(value, Term) or value != 0]
    return greatest(*some) if some else 0


def _extreme(function: str, choose: Any, values: Sequence[Any]) -> Any:
    """Of the numbers known beforehand only the extreme one is written."""
    terms = {value.sql: value for value in values if isinstance(value, Term)}
    numbers = [value for value in values if not isinstance(value, Term)]
    several = [*terms.values(), *([choose(numbers)] if numbers else [])]
    if len(several) == 1:
        return several[0]
    return Term(f"{function}({', '.join(text(value) for value in several)})")


# --- verdict codes ------------------------------------------------------------------------------------------------------


def any_of(*codes: Code) -> Code:
    """Or."""
    code: Code = greatest(*codes)
    return code


def all_of(*codes: Code) -> Code:
    """And. Each code is written twice: name what is long."""
    if len(codes) == 1:
        return codes[0]
    unknown = ", ".join(f"NULLIF({text(code)}, {MET})" for code in codes)
    told = Term(f"COALESCE(GREATEST({unknown}), {MET})")
    code: Code = when((least(*codes) == NOT_MET, NOT_MET), told)
    return code


def negate(code: Code) -> Code:
    """Not. The code is written three times: name what is long."""
    negated: Code = when((code == NOT_MET, MET), (code == MET, NOT_MET), code)
    return negated


def judge(*, surely: Flag, never: Flag, reason: Code) -> Code:
    """Met, not met, or unknown for a reason."""
    rest = _without(surely, never)
    if rest is not surely and text(rest) != text(surely):
        code: Code = when((never, NOT_MET), (rest, MET), reason)
        return code
    judged: Code = when((surely, MET), (_without(never, surely), NOT_MET), reason)
    return judged
